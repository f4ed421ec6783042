//! A writer of Windows registry hives (regf) and of their transaction logs.
//!
//! Used by the tests of `parse`, by the tests that lay out Windows roots, and by the benches. It follows the format's
//! own specification and not our reader, and `tests/hives.rs` has libhivex read what it writes. It takes values as
//! (type, bytes), or anything that turns into that.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test that pulls it in uses its part, and fails by panicking"
)]

use std::collections::BTreeMap;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

const PAGE: usize = 4096;
/// Data above this length lies in segments of it (db).
const SEGMENT: usize = 16344;
/// Elements of one list of subkeys; more go into several, below a list of lists.
const LEAF: usize = 500;
/// FILETIME of keys whose time nobody gave: 2024-01-01.
pub(crate) const SOME_TIME: u64 = 133_485_408_000_000_000;
/// Key flag: Windows goes on at the key that the value `SymbolicLinkValue` names.
pub(crate) const LINK: u16 = 0x10;

/// How lists of subkeys are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// With hashes, since Windows XP.
    Lh,
    /// With the first four characters.
    Lf,
    /// Without hints.
    Li,
}

/// A tree of keys that becomes a hive. Paths go from the root, with `\` between names; keys on the way are made.
pub(crate) struct HiveBuilder {
    root: Node,
    size: usize,
    sequence: u32,
    list: List,
}

#[derive(Default)]
struct Node {
    name: String,
    written: Option<u64>,
    flags: u16,
    values: Vec<(String, u32, Vec<u8>)>,
    /// By the name in capital letters, which is the order of Windows.
    children: BTreeMap<Vec<u16>, Node>,
}

impl Default for HiveBuilder {
    fn default() -> Self {
        Self { root: Node::default(), size: 0, sequence: 1, list: List::Lh }
    }
}

impl HiveBuilder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A key and when it was last written to (FILETIME).
    pub(crate) fn key(mut self, path: &str, written: u64) -> Self {
        self.node(path).written = Some(written);
        self
    }

    /// A key with flags beside those that its name and place need, such as [`LINK`].
    pub(crate) fn flags(mut self, path: &str, flags: u16) -> Self {
        self.node(path).flags = flags;
        self
    }

    /// A value of a key; `""` is the default value.
    pub(crate) fn value(mut self, path: &str, name: &str, value: impl Into<(u32, Vec<u8>)>) -> Self {
        self.set(path, name, value);
        self
    }

    /// The same for a loop.
    pub(crate) fn set(&mut self, path: &str, name: &str, value: impl Into<(u32, Vec<u8>)>) {
        let (kind, data) = value.into();
        self.node(path).values.push((name.to_owned(), kind, data));
    }

    /// A hive of this many bytes at least: free space follows.
    pub(crate) fn padded_to(mut self, bytes: usize) -> Self {
        self.size = bytes;
        self
    }

    /// Both sequence numbers.
    pub(crate) fn sequence(mut self, sequence: u32) -> Self {
        self.sequence = sequence;
        self
    }

    /// How lists of subkeys are written; [`List::Lh`] without this.
    pub(crate) fn lists(mut self, list: List) -> Self {
        self.list = list;
        self
    }

    fn node(&mut self, path: &str) -> &mut Node {
        path.split('\\').filter(|name| !name.is_empty()).fold(&mut self.root, |node, name| {
            let child = node.children.entry(upper(name)).or_default();
            if child.name.is_empty() {
                name.clone_into(&mut child.name);
            }
            child
        })
    }

    /// The whole hive.
    pub(crate) fn build(&self) -> Vec<u8> {
        let (mut hive, size) = self.image();
        hive.resize(size, 0);
        hive
    }

    /// Writes the hive to a file, the free space at its end as a hole.
    pub(crate) fn write_to(&self, path: &Path) {
        let (hive, size) = self.image();
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap();
        file.write_all(&hive).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.set_len(u64::try_from(size).unwrap()).unwrap();
    }

    /// The hive up to its free space, and its length with that.
    fn image(&self) -> (Vec<u8>, usize) {
        let mut bins = Bins { bytes: Vec::new(), bin: None, security: 0, list: self.list };
        bins.security = bins.security();
        let root = bins.key(&self.root, true);
        bins.close();
        let free = self.size.saturating_sub(PAGE + bins.bytes.len()).next_multiple_of(PAGE);
        let size = bins.bytes.len() + free;
        if free > 0 {
            bins.open(free);
            bins.bytes.extend(int(free - 32));
        }
        let mut base = vec![0; PAGE];
        base[..4].copy_from_slice(b"regf");
        base[12..20].copy_from_slice(&SOME_TIME.to_le_bytes());
        let fields = [(4, self.sequence), (8, self.sequence), (20, 1), (24, 5), (32, 1), (36, root)];
        for (at, field) in fields.into_iter().chain([(40, narrow(size)), (44, 1)]) {
            base[at..at + 4].copy_from_slice(&field.to_le_bytes());
        }
        sum_up(&mut base);
        base.extend(bins.bytes);
        (base, PAGE + size)
    }
}

/// The bins while they are filled. Offsets count from the first bin.
struct Bins {
    bytes: Vec<u8>,
    /// Start and end of the bin that has room.
    bin: Option<(usize, usize)>,
    security: u32,
    list: List,
}

impl Bins {
    fn open(&mut self, size: usize) {
        let start = self.bytes.len();
        self.bytes.extend(b"hbin");
        self.bytes.extend(int(start));
        self.bytes.extend(int(size));
        self.bytes.extend([0; 20]);
        self.bin = Some((start, start + size));
    }

    /// Makes one free cell of what is left of a bin.
    fn close(&mut self) {
        let Some((_, end)) = self.bin.take() else { return };
        let rest = end - self.bytes.len();
        if rest > 0 {
            self.bytes.extend(int(rest));
            self.bytes.resize(end, 0);
        }
    }

    /// An allocated cell; its offset.
    fn cell(&mut self, contents: &[u8]) -> u32 {
        let size = (contents.len() + 4).next_multiple_of(8);
        if self.bin.is_none_or(|(_, end)| self.bytes.len() + size > end) {
            self.close();
            self.open((size + 32).next_multiple_of(PAGE));
        }
        let at = self.bytes.len();
        self.bytes.extend((-i32::try_from(size).unwrap()).to_le_bytes());
        self.bytes.extend(contents);
        self.bytes.resize(at + size, 0);
        narrow(at)
    }

    /// The one security descriptor, which names no owner and no rights.
    fn security(&mut self) -> u32 {
        let descriptor = [1, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut cell = b"sk\0\0".to_vec();
        for field in [32, 32, 1, 20_u32] {
            cell.extend(field.to_le_bytes());
        }
        cell.extend(descriptor);
        self.cell(&cell)
    }

    fn key(&mut self, node: &Node, root: bool) -> u32 {
        let name = if root { "ROOT" } else { &node.name };
        let (name, compressed) = stored(name);
        let mut cell = vec![0; 76];
        cell.extend(&name);
        cell[..2].copy_from_slice(b"nk");
        let flags = node.flags | if compressed { 0x20 } else { 0 } | if root { 0xc } else { 0 };
        cell[2..4].copy_from_slice(&flags.to_le_bytes());
        cell[4..12].copy_from_slice(&node.written.unwrap_or(SOME_TIME).to_le_bytes());
        cell[72..74].copy_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        let at = self.cell(&cell);
        let children: Vec<(u32, &[u16])> =
            node.children.iter().map(|(upper, child)| (self.key(child, false), &upper[..])).collect();
        for (child, _) in &children {
            self.patch(*child, 16, at);
        }
        let list = if children.is_empty() { u32::MAX } else { self.lists(&children) };
        let values: Vec<u8> = node.values.iter().flat_map(|value| self.value(value).to_le_bytes()).collect();
        let value_list = if values.is_empty() { u32::MAX } else { self.cell(&values) };
        self.patch(at, 20, narrow(children.len()));
        self.patch(at, 28, list);
        self.patch(at, 32, u32::MAX);
        self.patch(at, 36, narrow(node.values.len()));
        self.patch(at, 40, value_list);
        self.patch(at, 44, self.security);
        self.patch(at, 48, u32::MAX);
        at
    }

    /// Sets a field of a cell that was written already.
    fn patch(&mut self, cell: u32, field: usize, value: u32) {
        let at = cell as usize + 4 + field;
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn lists(&mut self, children: &[(u32, &[u16])]) -> u32 {
        let leaves: Vec<u32> = children.chunks(LEAF).map(|children| self.leaf(children)).collect();
        if let [one] = leaves[..] {
            return one;
        }
        let mut cell = b"ri".to_vec();
        cell.extend(u16::try_from(leaves.len()).unwrap().to_le_bytes());
        cell.extend(leaves.iter().flat_map(|leaf| leaf.to_le_bytes()));
        self.cell(&cell)
    }

    fn leaf(&mut self, children: &[(u32, &[u16])]) -> u32 {
        let mut cell = match self.list {
            List::Lh => b"lh",
            List::Lf => b"lf",
            List::Li => b"li",
        }
        .to_vec();
        cell.extend(u16::try_from(children.len()).unwrap().to_le_bytes());
        for (child, name) in children {
            cell.extend(child.to_le_bytes());
            match self.list {
                List::Lh => cell.extend(hash(name).to_le_bytes()),
                List::Lf => cell.extend(start(name)),
                List::Li => {}
            }
        }
        self.cell(&cell)
    }

    fn value(&mut self, (name, kind, data): &(String, u32, Vec<u8>)) -> u32 {
        let (name, compressed) = stored(name);
        let (size, place) = match data.len() {
            0 => (0, 0),
            1..=4 => {
                let mut place = [0; 4];
                place[..data.len()].copy_from_slice(data);
                (narrow(data.len()) | 1 << 31, u32::from_le_bytes(place))
            }
            length if length <= SEGMENT => (narrow(length), self.cell(data)),
            length => (narrow(length), self.segments(data)),
        };
        let mut cell = b"vk".to_vec();
        cell.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        for field in [size, place, *kind, compressed.into()] {
            cell.extend(field.to_le_bytes());
        }
        cell.extend(name);
        self.cell(&cell)
    }

    fn segments(&mut self, data: &[u8]) -> u32 {
        // A cell of a whole segment ends with four bytes that are not used.
        let segments: Vec<u32> = data.chunks(SEGMENT).map(|segment| self.cell(segment)).collect();
        let list: Vec<u8> = segments.iter().flat_map(|segment| segment.to_le_bytes()).collect();
        let list = self.cell(&list);
        let mut cell = b"db".to_vec();
        cell.extend(u16::try_from(segments.len()).unwrap().to_le_bytes());
        cell.extend(list.to_le_bytes());
        cell.extend([0; 4]);
        self.cell(&cell)
    }
}

/// Latin-1 where every character fits, else UTF-16LE.
fn stored(name: &str) -> (Vec<u8>, bool) {
    let latin: Option<Vec<u8>> = name.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
    latin.map_or_else(
        || (name.encode_utf16().flat_map(u16::to_le_bytes).collect(), false),
        |name| (name, true),
    )
}

fn upper(name: &str) -> Vec<u16> {
    name.to_uppercase().encode_utf16().collect()
}

/// The hash of a name in capital letters, as lists of the kind lh have it.
pub(crate) fn hash(upper: &[u16]) -> u32 {
    upper.iter().fold(0_u32, |hash, &unit| hash.wrapping_mul(37).wrapping_add(unit.into()))
}

/// The first four characters, zeros where they do not fit into a byte each.
fn start(name: &[u16]) -> [u8; 4] {
    let mut start = [0; 4];
    for (to, unit) in start.iter_mut().zip(name) {
        match u8::try_from(*unit) {
            Ok(byte) => *to = byte,
            Err(_) => return [0; 4],
        }
    }
    start
}

/// Sets the checksum of a base block after a change to it.
pub(crate) fn sum_up(base: &mut [u8]) {
    let words = base[..508].chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    let sum = match words.fold(0, |sum, word| sum ^ word) {
        u32::MAX => u32::MAX - 1,
        0 => 1,
        sum => sum,
    };
    base[508..512].copy_from_slice(&sum.to_le_bytes());
}

fn field(hive: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(hive[at..at + 4].try_into().unwrap())
}

/// The hive as it is while it is written: the first sequence number is ahead of the second.
pub(crate) fn dirty(hive: &[u8]) -> Vec<u8> {
    let mut hive = hive.to_vec();
    let ahead = field(&hive, 4) + 1;
    hive[4..8].copy_from_slice(&ahead.to_le_bytes());
    sum_up(&mut hive);
    hive
}

/// A log of the new format (`.LOG1`, `.LOG2`) that leads through states of a hive: one entry for each step, with the
/// pages that it changes. `states[0]` is the hive on the disk; the first entry's number is its second sequence number.
pub(crate) fn log(states: &[&[u8]]) -> Vec<u8> {
    log_from(states, field(states[0], 8))
}

/// The same with another first number: a log that goes on where another ends, or one of another time.
pub(crate) fn log_from(states: &[&[u8]], sequence: u32) -> Vec<u8> {
    let mut log = log_base(states[0], sequence, 6);
    for (number, step) in (sequence..).zip(states.windows(2)) {
        log.extend(entry(number, step[0], step[1]));
    }
    log
}

/// A log of the old format (`.LOG` up to Windows 8) that leads from one state of a hive to another.
pub(crate) fn old_log(before: &[u8], after: &[u8]) -> Vec<u8> {
    let mut log = log_base(before, field(before, 8), 1);
    log[40..44].copy_from_slice(&field(after, 40).to_le_bytes());
    sum_up(&mut log);
    log.extend(b"DIRT");
    let changed: Vec<(usize, &[u8])> = changed(before, after, 512);
    let mut bits = vec![0_u8; (after.len() - PAGE) / 512 / 8];
    for (at, _) in &changed {
        bits[at / 512 / 8] |= 1 << (at / 512 % 8);
    }
    log.extend(bits);
    log.resize(log.len().next_multiple_of(512), 0);
    log.extend(changed.iter().flat_map(|(_, page)| page.iter()));
    log
}

fn log_base(hive: &[u8], sequence: u32, kind: u32) -> Vec<u8> {
    let mut base = hive[..512].to_vec();
    for (at, field) in [(4, sequence), (8, sequence), (28, kind)] {
        base[at..at + 4].copy_from_slice(&field.to_le_bytes());
    }
    sum_up(&mut base);
    base
}

/// Pages of the bins that differ, by their offset there.
fn changed<'a>(before: &[u8], after: &'a [u8], size: usize) -> Vec<(usize, &'a [u8])> {
    let old = |at: usize| before.get(PAGE + at..PAGE + at + size);
    let pages = after[PAGE..].chunks(size).enumerate().map(|(number, page)| (number * size, page));
    pages.filter(|&(at, page)| old(at) != Some(page)).collect()
}

fn entry(sequence: u32, before: &[u8], after: &[u8]) -> Vec<u8> {
    let pages = changed(before, after, PAGE);
    let mut rest: Vec<u8> =
        pages.iter().flat_map(|(at, page)| [int(*at), int(page.len())].concat()).collect();
    rest.extend(pages.iter().flat_map(|(_, page)| page.iter()));
    rest.resize((rest.len() + 40).next_multiple_of(512) - 40, 0);
    let mut entry = b"HvLE".to_vec();
    let bins = after.len() - PAGE;
    for field in [narrow(rest.len() + 40), 0, sequence, narrow(bins), narrow(pages.len())] {
        entry.extend(field.to_le_bytes());
    }
    entry.extend(marvin(&rest).to_le_bytes());
    entry.extend(marvin(&entry).to_le_bytes());
    entry.extend(rest);
    entry
}

/// Marvin32 with the registry's seed, over bytes whose length is a multiple of four.
fn marvin(bytes: &[u8]) -> u64 {
    let (mut low, mut high) = (0x7a4e_55c5_u32, 0x82ef_4d88_u32);
    let padding = [0x80, 0];
    let words = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    for word in words.chain(padding) {
        low = low.wrapping_add(word);
        high ^= low;
        low = low.rotate_left(20).wrapping_add(high);
        high = high.rotate_left(9) ^ low;
        low = low.rotate_left(27).wrapping_add(high);
        high = high.rotate_left(19);
    }
    u64::from(high) << 32 | u64::from(low)
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap()
}

fn int(n: usize) -> [u8; 4] {
    narrow(n).to_le_bytes()
}
