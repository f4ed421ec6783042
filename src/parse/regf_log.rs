//! Transaction logs of a hive: which pages they hold that the primary file lacks. Nothing is copied; the result is
//! an overlay of ranges.
//! Format: <https://github.com/msuhanov/regf/blob/master/Windows%20registry%20file%20format%20specification.md>,
//! sections "Format of transaction log files" and "Dirty state of a hive".
//!
//! Called by `regf` when the hive is dirty. Must not know cells, and never writes.

use crate::parse::ReadAt;
use crate::parse::bytes::array;
use crate::parse::bytes::fill;
use crate::parse::bytes::le32;
use crate::parse::regf_base::Base;
use crate::parse::regf_base::Kind;
use crate::parse::regf_base::SIZE;
use crate::parse::regf_pages::MAX_RANGES;
use crate::parse::regf_pages::Overlay;
use crate::parse::regf_pages::PAGE;
use crate::parse::regf_pages::Patch;

/// Bytes of an entry before its list of pages.
const ENTRY: usize = 40;
const SECTOR: u64 = 512;
/// The hive's bins begin behind the base block.
const BINS: u64 = 4096;

/// What the logs make of a dirty hive.
#[derive(Debug)]
pub(crate) struct Replay {
    /// The pages.
    pub(crate) overlay: Overlay,
    /// Bytes of all bins afterwards.
    pub(crate) bins: u32,
    /// The block that mends one whose checksum does not fit.
    pub(crate) base: Base,
    /// Why a part of the logs was left out although it is newer than the hive.
    pub(crate) left: Option<String>,
}

/// Replays the logs that belong to a dirty hive. None when no log does.
pub(crate) fn replay<R: ReadAt>(hive: &Base, logs: &[R]) -> Option<Replay> {
    let bases = logs.iter().enumerate().filter_map(|(number, log)| Some((number, Base::read(log).ok()?)));
    // A log whose own block was being written is not used.
    let mut bases: Vec<(usize, Base)> = bases.filter(|(_, base)| !base.dirty()).collect();
    // Windows fills one log, then the other: the older one comes first.
    bases.sort_by_key(|(_, base)| base.primary);
    entries(hive, logs, &bases).or_else(|| bitmap(hive, logs, &bases))
}

/// New format: entries with sequence numbers, over all logs in their order.
fn entries<R: ReadAt>(hive: &Base, logs: &[R], bases: &[(usize, Base)]) -> Option<Replay> {
    let mut chain = Chain::default();
    for (number, base) in bases.iter().filter(|(_, base)| base.kind == Kind::NewLog) {
        let Some(log) = logs.get(*number) else { continue };
        let mut at = SIZE as u64;
        while let Some(entry) = Entry::read(log, at) {
            at += u64::from(entry.size);
            // An entry that is older than the hive is in it already. Without a sound base block all are newer.
            let newer = !hive.sound || entry.sequence >= hive.secondary;
            if newer && !chain.take(&entry, (*number, base)) {
                break;
            }
        }
    }
    chain.replay
}

/// Entries whose sequence numbers follow one another.
#[derive(Default)]
struct Chain {
    replay: Option<Replay>,
    next: Option<u32>,
}

impl Chain {
    /// Takes the next entry; false when it is not the next one.
    fn take(&mut self, entry: &Entry, (log, base): (usize, &Base)) -> bool {
        let start = || Replay { overlay: Overlay::default(), bins: 0, base: base.clone(), left: None };
        let replay = self.replay.get_or_insert_with(start);
        match self.next {
            Some(next) if next < entry.sequence => {
                replay.left = Some(format!("its logs lack the entry {next}"));
                return false;
            }
            // Behind the last entry of a log lie those of its earlier use.
            Some(next) if next > entry.sequence => return false,
            _ => {}
        }
        if !entry.lay(&mut replay.overlay, log) {
            replay.left = Some(format!("its logs hold more than {MAX_RANGES} ranges"));
            // No entry can follow.
            self.next = Some(u32::MAX);
            return false;
        }
        replay.bins = entry.bins;
        self.next = Some(entry.sequence.saturating_add(1));
        true
    }
}

/// An entry of the new format, both hashes checked.
struct Entry {
    size: u32,
    sequence: u32,
    bins: u32,
    /// Offset from the start of the bins, and length.
    pages: Vec<(u32, u32)>,
    /// Where the pages' bytes begin in the log.
    data: u64,
}

impl Entry {
    fn read(log: &(impl ReadAt + ?Sized), at: u64) -> Option<Self> {
        let mut head = [0; ENTRY];
        fill(log, at, &mut head).ok()?;
        if !head.starts_with(b"HvLE") {
            return None;
        }
        let field = |from| le32(&head, from);
        let (size, sequence, bins, count) = (field(4)?, field(12)?, field(16)?, field(20)?);
        let there = log.size().checked_sub(at)?;
        let fits = size >= 512 && size.is_multiple_of(512) && u64::from(size) <= there;
        if !fits || bins == 0 || !bins.is_multiple_of(4096) {
            return None;
        }
        let mut of_head = Marvin::default();
        of_head.add(head.get(..32)?);
        if array::<8>(&head, 32).map(u64::from_le_bytes)? != of_head.end() {
            return None;
        }
        let end = at + u64::from(size);
        let of_rest = hash(log, at + ENTRY as u64, end)?;
        if array::<8>(&head, 24).map(u64::from_le_bytes)? != of_rest {
            return None;
        }
        let data = at + ENTRY as u64 + u64::from(count) * 8;
        if data > end || count as usize > MAX_RANGES {
            return None;
        }
        let pages = pages(log, at + ENTRY as u64, count)?;
        let inside = |&(from, len): &(u32, u32)| {
            let aligned = u64::from(from).is_multiple_of(SECTOR) && u64::from(len).is_multiple_of(SECTOR);
            aligned && len > 0 && u64::from(from) + u64::from(len) <= u64::from(bins)
        };
        let bytes: u64 = pages.iter().map(|&(_, len)| u64::from(len)).sum();
        (pages.iter().all(inside) && data + bytes <= end).then_some(Self {
            size,
            sequence,
            bins,
            pages,
            data,
        })
    }

    /// Lays the entry's pages over the hive. False when there are too many.
    fn lay(&self, overlay: &mut Overlay, log: usize) -> bool {
        let mut at = self.data;
        self.pages.iter().all(|&(from, len)| {
            let patch = Patch { len: len.into(), log, at };
            at += u64::from(len);
            overlay.put(BINS + u64::from(from), patch)
        })
    }
}

/// The list of an entry's pages.
fn pages(log: &(impl ReadAt + ?Sized), at: u64, count: u32) -> Option<Vec<(u32, u32)>> {
    let mut raw = vec![0; count as usize * 8];
    fill(log, at, &mut raw).ok()?;
    let pair = |raw: &[u8]| Some((le32(raw, 0)?, le32(raw, 4)?));
    raw.chunks_exact(8).map(pair).collect()
}

/// Hash of a range of a log, read in pieces.
fn hash(log: &(impl ReadAt + ?Sized), mut at: u64, end: u64) -> Option<u64> {
    let mut buf = [0; PAGE];
    let mut marvin = Marvin::default();
    while at < end {
        let piece = buf.get_mut(..usize::try_from((end - at).min(PAGE as u64)).ok()?)?;
        fill(log, at, piece).ok()?;
        marvin.add(piece);
        at += piece.len() as u64;
    }
    Some(marvin.end())
}

/// Marvin32 with the seed of the registry, over whole words.
struct Marvin(u32, u32);

impl Default for Marvin {
    fn default() -> Self {
        Self(0x7a4e_55c5, 0x82ef_4d88)
    }
}

impl Marvin {
    fn word(&mut self, word: u32) {
        self.0 = self.0.wrapping_add(word);
        self.1 ^= self.0;
        self.0 = self.0.rotate_left(20).wrapping_add(self.1);
        self.1 = self.1.rotate_left(9) ^ self.0;
        self.0 = self.0.rotate_left(27).wrapping_add(self.1);
        self.1 = self.1.rotate_left(19);
    }

    fn add(&mut self, bytes: &[u8]) {
        for &word in bytes.as_chunks::<4>().0 {
            self.word(u32::from_le_bytes(word));
        }
    }

    fn end(mut self) -> u64 {
        // The padding of a message that ends with a whole word.
        self.word(0x80);
        self.word(0);
        u64::from(self.1) << 32 | u64::from(self.0)
    }
}

/// Old format: one bit for each sector of the hive, then the sectors that are set. Of several logs the newest counts.
fn bitmap<R: ReadAt>(hive: &Base, logs: &[R], bases: &[(usize, Base)]) -> Option<Replay> {
    // Windows compares the times of the last write, as a log carries the one of the hive it was written for.
    let fits = |base: &Base| base.kind == Kind::OldLog && (!hive.sound || base.written == hive.written);
    bases.iter().rev().filter(|(_, base)| fits(base)).find_map(|(number, base)| {
        let overlay = sectors(logs.get(*number)?, *number, base)?;
        Some(Replay { overlay, bins: base.bins, base: base.clone(), left: None })
    })
}

/// The overlay of a log of the old format; none when it is cut or not one.
fn sectors(log: &(impl ReadAt + ?Sized), number: usize, base: &Base) -> Option<Overlay> {
    let mut magic = [0; 4];
    fill(log, SIZE as u64, &mut magic).ok()?;
    // A bitmap is an eighth of a sector's share of the hive, so that no more is allocated than the log has.
    let (start, bytes) = (SIZE as u64 + 4, u64::from(base.bins) / SECTOR / 8);
    if &magic != b"DIRT" || start + bytes > log.size() {
        return None;
    }
    let mut bits = vec![0; usize::try_from(bytes).ok()?];
    fill(log, start, &mut bits).ok()?;
    let mut at = (start + bytes).next_multiple_of(SECTOR);
    let set: u64 = bits.iter().map(|byte| u64::from(byte.count_ones())).sum();
    if set == 0 || at + set * SECTOR > log.size() {
        return None;
    }
    let mut overlay = Overlay::default();
    let mut run: Option<(u64, u64)> = None;
    let bit = |sector: u64| {
        let byte = usize::try_from(sector / 8).ok().and_then(|at| bits.get(at));
        byte.is_some_and(|byte| byte >> (sector % 8) & 1 == 1)
    };
    for sector in 0..=bytes * 8 {
        match (bit(sector), run) {
            (true, None) => run = Some((sector, 1)),
            (true, Some((first, length))) => run = Some((first, length + 1)),
            (false, Some((first, length))) => {
                let patch = Patch { len: length * SECTOR, log: number, at };
                at += patch.len;
                run = None;
                if !overlay.put(BINS + first * SECTOR, patch) {
                    return None;
                }
            }
            (false, None) => {}
        }
    }
    Some(overlay)
}
