//! Which package owns a path: asked once, for the few paths that need it, and streamed out of the package databases.
//!
//! Filled by the package sources, read by `normalise` as plain data. Must not hold a whole database.

use std::collections::{HashMap, HashSet};

use crate::model::{GapReason, HostPath, PackageRef};

/// The paths whose owner is asked for. Built for millions of look-ups that fail.
#[derive(Debug, Default)]
pub struct PathAsk {
    paths: HashSet<Vec<u8>>,
    /// One bit per (length, last bytes): most paths of a database are turned away here.
    sieve: Vec<u64>,
}

/// Folders of `/` that newer systems keep below `/usr`.
const MERGED: &[&[u8]] = &[b"/bin/", b"/sbin/", b"/lib/", b"/lib64/", b"/lib32/"];
const SIEVE_BITS: usize = 1 << 14;

impl PathAsk {
    /// Asks for these paths. On a system with merged `/usr` a database may list `/bin/x` or `/usr/bin/x`: both are asked.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a HostPath>) -> Self {
        let mut ask = Self { paths: HashSet::new(), sieve: vec![0; SIEVE_BITS / 64] };
        for path in paths {
            ask.add(path.as_bytes());
            if let Some(other) = other_name(path.as_bytes()) {
                ask.add(&other);
            }
        }
        ask
    }

    fn add(&mut self, path: &[u8]) {
        let bit = sieve_bit(path);
        if let Some(word) = self.sieve.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
        self.paths.insert(path.to_vec());
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether this path of a database is asked for.
    pub fn wants(&self, path: &[u8]) -> bool {
        let bit = sieve_bit(path);
        self.sieve.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1) && self.paths.contains(path)
    }
}

/// The other name of a path on a system whose `/bin` is a link to `/usr/bin`, and so on.
fn other_name(path: &[u8]) -> Option<Vec<u8>> {
    let merged = |path: &[u8]| MERGED.iter().any(|folder| path.starts_with(folder));
    match path.strip_prefix(b"/usr") {
        Some(short) => merged(short).then(|| short.to_vec()),
        None => merged(path).then(|| [b"/usr", path].concat()),
    }
}

/// Length and the last four bytes, mixed into a bit number.
fn sieve_bit(path: &[u8]) -> usize {
    let tail = path.last_chunk::<4>().map_or(0, |tail| u32::from_le_bytes(*tail));
    let mixed = (tail.wrapping_mul(0x9E37_79B1) >> 18) as usize;
    (mixed ^ path.len().wrapping_mul(0x5BD1)) % SIEVE_BITS
}

/// The answers: path to the package's name and architecture, and what hid answers.
#[derive(Debug, Default)]
pub struct Owners {
    by_path: HashMap<Vec<u8>, Vec<PackageRef>>,
    /// What could not be read, by source.
    pub(super) gaps: Vec<(&'static str, GapReason, HostPath, Option<String>)>,
}

impl Owners {
    /// Notes an owner.
    pub fn add(&mut self, path: &[u8], owner: PackageRef) {
        let owners = self.by_path.entry(path.to_vec()).or_default();
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }

    /// Adds the answers of another.
    pub fn merge(&mut self, other: Self) {
        for (path, owners) in other.by_path {
            for owner in owners {
                self.add(&path, owner);
            }
        }
        self.gaps.extend(other.gaps);
    }

    /// Notes what hid an answer. It can hide no software, only whose it is: a minor gap of that source.
    pub fn gap(&mut self, source: &'static str, reason: GapReason, place: &HostPath, detail: Option<String>) {
        self.gaps.push((source, reason, place.clone(), detail));
    }

    /// The owners of a path, also by its other name on a system with merged `/usr`.
    pub fn of(&self, path: &HostPath) -> impl Iterator<Item = &PackageRef> {
        let other = || self.by_path.get(&other_name(path.as_bytes())?);
        let found = self.by_path.get(path.as_bytes()).or_else(other);
        found.into_iter().flatten()
    }
}
