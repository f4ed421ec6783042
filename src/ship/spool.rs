//! Reports that wait to be sent, oldest first: one file each in `spool/`, bounded by age and by bytes.
//!
//! Called by `cli`. A file says how long it is and what its bytes hash to, so that one that a crash tore is known, and is
//! never half sent. What the collector will not have stands aside and holds up nobody.

use std::io::Read as _;
use std::path::PathBuf;

use ct_codecs::{Encoder as _, Hex};
use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use sha2::{Digest as _, Sha256};

use crate::model::{Id, Order, Stamp, of_json, to_json};

use super::disk::{Disk, Fault, PART};
use super::prepare::Parcel;

const FOLDER: &str = "spool";
const MAGIC: &str = "interdict.spool/1";
const ENDING: &str = ".parcel";
const REFUSED: &str = ".refused";
/// Bytes that one file may have, packed and unpacked.
const PACKED: u64 = 64 << 20;
const UNPACKED: u64 = 512 << 20;

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes on the disk.
    pub bytes: u64,
    /// Seconds since the scan.
    pub age: i64,
}

impl Default for Limits {
    /// A month, as far as it goes into 64 MiB: some hundred reports of a workstation.
    fn default() -> Self {
        Self { bytes: 64 << 20, age: 30 * 86_400 }
    }
}

/// A report that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    name: String,
    /// Its id.
    pub report: Id,
    /// When the scan began.
    pub scanned_at: Stamp,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Whether the collector would not have it: it waits for a person.
    pub refused: bool,
}

/// A report that is gone without having been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// What it was.
    pub name: String,
    /// Why.
    pub why: &'static str,
}

/// What a file of the spool holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A report.
    Parcel(Box<Parcel>),
    /// Not all of one, or another's.
    Torn,
    /// All of something that this version cannot read: another one wrote it.
    Unknown,
}

/// The spool.
#[derive(Debug)]
pub struct Spool {
    disk: Disk,
    limits: Limits,
}

impl Spool {
    /// The spool of a state folder.
    pub fn new(state: &Disk, limits: Limits) -> Self {
        Self { disk: state.below(FOLDER), limits }
    }

    /// Where it is.
    pub fn folder(&self) -> PathBuf {
        self.disk.folder().to_owned()
    }

    /// Keeps a report at the end of the line; it is on the disk when this returns. What has to go for it is told.
    pub fn put(&self, parcel: &Parcel, now: Stamp) -> Result<Vec<Dropped>, Fault> {
        let dropped = self.bound(now)?;
        let names = self.disk.names()?;
        // Of a write that a crash has cut off; who puts has the lock.
        for (name, _) in names.iter().filter(|(name, _)| is_part(name)) {
            self.disk.remove(name)?;
        }
        let last = names.iter().filter_map(|(name, _)| Some(Name::read(name)?.number)).max();
        let name = Name {
            number: last.unwrap_or_default().saturating_add(1),
            scanned_at: parcel.scanned_at.unix(),
            report: parcel.report,
            refused: false,
        };
        let bytes =
            pack(parcel).map_err(|error| Fault::Declined(format!("cannot pack a report: {error}")))?;
        self.disk.write(&name.text(), &bytes)?;
        Ok(dropped.into_iter().chain(self.bound(now)?).collect())
    }

    /// What waits, oldest first.
    pub fn waiting(&self) -> Result<Vec<Waiting>, Fault> {
        let mut waiting: Vec<(u64, Waiting)> = Vec::new();
        for (name, bytes) in self.disk.names()? {
            let Some(parts) = Name::read(&name) else { continue };
            let Some(scanned_at) = Stamp::from_unix(parts.scanned_at) else { continue };
            let Name { number, report, refused, .. } = parts;
            waiting.push((number, Waiting { name, report, scanned_at, bytes, refused }));
        }
        waiting.order_by_key(|(number, _)| *number);
        Ok(waiting.into_iter().map(|(_, one)| one).collect())
    }

    /// A report that waits.
    pub fn read(&self, waiting: &Waiting) -> Result<Found, Fault> {
        let bytes = self.disk.read(&waiting.name, PACKED)?;
        let Some(packed) = bytes.as_deref().and_then(whole) else { return Ok(Found::Torn) };
        Ok(match decode(packed) {
            Some(parcel) if parcel.report == waiting.report => Found::Parcel(Box::new(parcel)),
            Some(_) => Found::Torn,
            None => Found::Unknown,
        })
    }

    /// Takes a report away.
    pub fn remove(&self, waiting: &Waiting) -> Result<(), Fault> {
        self.disk.remove(&waiting.name)
    }

    /// Puts a report aside that the collector will not have.
    pub fn refuse(&self, waiting: &Waiting) -> Result<(), Fault> {
        match waiting.name.strip_suffix(ENDING) {
            Some(stem) => self.disk.rename(&waiting.name, &format!("{stem}{REFUSED}")),
            None => Ok(()),
        }
    }

    /// Lets go of what is too old, then of the oldest until the rest is few enough bytes. The last report stays.
    fn bound(&self, now: Stamp) -> Result<Vec<Dropped>, Fault> {
        let waiting = self.waiting()?;
        let mut bytes: u64 = waiting.iter().map(|one| one.bytes).sum();
        let mut dropped = Vec::new();
        let last = waiting.len().saturating_sub(1);
        for (at, one) in waiting.into_iter().enumerate() {
            let old = now.unix().saturating_sub(one.scanned_at.unix()) > self.limits.age;
            let why = match (old, bytes > self.limits.bytes) {
                // The last one may be of a clock that was wrong: it is all that there is.
                (true, _) if at < last => "it waited too long",
                (false, true) if at < last => "the spool was full",
                _ => continue,
            };
            self.disk.remove(&one.name)?;
            bytes = bytes.saturating_sub(one.bytes);
            dropped.push(Dropped { name: format!("the report of {}", one.scanned_at), why });
        }
        Ok(dropped)
    }
}

fn is_part(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending == PART)
}

/// A file's name: `0000000007-1700000000-<report>.parcel`.
struct Name {
    number: u64,
    scanned_at: i64,
    report: Id,
    refused: bool,
}

impl Name {
    fn read(name: &str) -> Option<Self> {
        let (stem, refused) = match name.strip_suffix(ENDING) {
            Some(stem) => (stem, false),
            None => (name.strip_suffix(REFUSED)?, true),
        };
        let mut parts = stem.splitn(3, '-');
        let number = parts.next()?.parse().ok()?;
        let scanned_at = parts.next()?.parse().ok()?;
        Some(Self { number, scanned_at, report: parts.next()?.parse().ok()?, refused })
    }

    fn text(&self) -> String {
        // A clock before 1970 is no reason to lose a report.
        format!("{:010}-{}-{}{ENDING}", self.number, self.scanned_at.max(0), self.report)
    }
}

/// A file of the spool: a line that says what follows, and that, packed.
pub fn pack(parcel: &Parcel) -> serde_json::Result<Vec<u8>> {
    let text = to_json(parcel)?;
    let packed = compress_to_vec(text.as_slice(), CompressionLevel::Fastest);
    let mut bytes = format!("{MAGIC} {} {}\n", hex(&Sha256::digest(&packed)), packed.len()).into_bytes();
    bytes.extend(packed);
    Ok(bytes)
}

/// The report of such a file, where all of it is there.
pub fn unpack(bytes: &[u8]) -> Option<Parcel> {
    whole(bytes).and_then(decode)
}

/// What follows the line, where it is what the line says.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().take(200).position(|byte| *byte == b'\n')?;
    let (head, rest) = bytes.split_at_checked(end)?;
    let packed = rest.get(1..)?;
    let head = std::str::from_utf8(head).ok()?;
    (head == format!("{MAGIC} {} {}", hex(&Sha256::digest(packed)), packed.len())).then_some(packed)
}

fn decode(packed: &[u8]) -> Option<Parcel> {
    let decoder = StreamingDecoder::new(packed).ok()?;
    let mut text = Vec::new();
    decoder.take(UNPACKED).read_to_end(&mut text).ok()?;
    of_json(&text).ok()
}

fn hex(bytes: &[u8]) -> String {
    Hex::encode_to_string(bytes).unwrap_or_default()
}

#[cfg(test)]
#[path = "spool_tests.rs"]
mod tests;
