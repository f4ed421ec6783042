//! The bytes of a hive as they are after its logs were replayed: positioned reads of the primary file, with the
//! pages that a log holds laid over it, and a small cache.
//!
//! Called by `regf` and its parts. Must not know what a byte means.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::parse::ReadAt;
use crate::parse::bytes::fill;

/// Bytes of a page of the cache; also the unit of hive bins.
pub(crate) const PAGE: usize = 4096;
/// Pages of the cache: 256 KiB.
const CACHED: usize = 64;
/// Ranges of an overlay: 1 GiB of single pages, kept in less than 16 MB.
pub(crate) const MAX_RANGES: usize = 1 << 18;

/// Where a range of the hive lies in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patch {
    /// Bytes.
    pub(crate) len: u64,
    /// Which log.
    pub(crate) log: usize,
    /// Where in the log.
    pub(crate) at: u64,
}

/// Ranges of the hive, by their offset in the primary file, that are read from a log. They do not overlap.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Overlay(BTreeMap<u64, Patch>);

impl Overlay {
    /// Lays a range over what is there. False when there are too many.
    pub(crate) fn put(&mut self, start: u64, patch: Patch) -> bool {
        self.clear(start, start.saturating_add(patch.len));
        self.0.insert(start, patch);
        self.0.len() <= MAX_RANGES
    }

    fn clear(&mut self, start: u64, end: u64) {
        while let Some((&at, &patch)) = self.0.range(..end).next_back() {
            let until = at.saturating_add(patch.len);
            if until <= start {
                break;
            }
            self.0.remove(&at);
            if until > end {
                let skipped = end - at;
                self.0.insert(end, Patch { len: until - end, log: patch.log, at: patch.at + skipped });
            }
            if at < start {
                self.0.insert(at, Patch { len: start - at, ..patch });
                break;
            }
        }
    }

    /// The ranges that begin before `end` and end behind `start`, last first.
    fn within(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, Patch)> {
        let before = self.0.range(..end).rev().map(|(&at, &patch)| (at, patch));
        before.take_while(move |(at, patch)| at.saturating_add(patch.len) > start)
    }

    /// Where the last range ends; 0 without one.
    pub(crate) fn end(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(&at, patch)| at.saturating_add(patch.len))
    }
}

/// A hive's bytes.
pub(crate) struct Pages<R> {
    primary: R,
    logs: Vec<R>,
    overlay: Overlay,
    /// A page's slot is its number modulo the count of slots.
    cache: Mutex<Vec<Slot>>,
    /// Bytes that may still be read before cells must overlap.
    budget: AtomicU64,
}

#[derive(Default)]
struct Slot {
    page: u64,
    /// As much of the page as there is; empty in a slot that was never used.
    bytes: Vec<u8>,
}

impl<R: ReadAt> Pages<R> {
    /// `size` is what the hive claims to have, header included.
    pub(crate) fn new(primary: R, logs: Vec<R>, overlay: Overlay, size: u64) -> Self {
        // A hive whose keys share one list or one value could keep a reader busy for the square of its size.
        // What a scan asks for is a small part of the hive, a few times.
        let budget = AtomicU64::new(size.min(primary.size() + overlay.end()) * 256 + (16 << 20));
        Self { primary, logs, overlay, cache: Mutex::default(), budget }
    }

    /// The primary file.
    pub(crate) fn primary(&self) -> &R {
        &self.primary
    }

    /// Takes work off the budget, in bytes.
    pub(crate) fn spend(&self, bytes: u64) -> Result<(), String> {
        let less = |left: u64| left.checked_sub(bytes);
        if self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_err() {
            return Err("far more was read than the hive holds: its cells overlap".to_owned());
        }
        Ok(())
    }

    /// Fills `buf` from an offset in the primary file as it would be after the replay.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        self.spend(buf.len() as u64)?;
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let within = usize::try_from(at % PAGE as u64).unwrap_or_default();
            let here = (PAGE - within).min(rest.len());
            let (now, later) = rest.split_at_mut(here);
            self.part(at / PAGE as u64, within, now)?;
            at += here as u64;
            rest = later;
        }
        Ok(())
    }

    fn part(&self, page: u64, from: usize, buf: &mut [u8]) -> Result<(), String> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.is_empty() {
            cache.resize_with(CACHED, Slot::default);
        }
        let slot = usize::try_from(page % CACHED as u64).ok().and_then(|at| cache.get_mut(at));
        let Some(slot) = slot else { return Err("no such page".to_owned()) };
        if slot.bytes.is_empty() || slot.page != page {
            slot.page = page;
            let loaded = self.load(page * PAGE as u64, &mut slot.bytes);
            if loaded.is_err() {
                slot.bytes.clear();
            }
            loaded?;
        }
        match slot.bytes.get(from..).and_then(|there| there.get(..buf.len())) {
            Some(there) => buf.copy_from_slice(there),
            None => {
                return Err(format!(
                    "the file ends at offset {}",
                    page * PAGE as u64 + slot.bytes.len() as u64
                ));
            }
        }
        Ok(())
    }

    /// One page of both files; shorter where both end.
    fn load(&self, start: u64, page: &mut Vec<u8>) -> Result<(), String> {
        page.clear();
        page.resize(PAGE, 0);
        let end = start + PAGE as u64;
        let whole = self.overlay.within(start, end).any(|(at, patch)| at <= start && at + patch.len >= end);
        let mut there = if whole {
            PAGE as u64
        } else {
            let read = self.primary.read_at(start, page);
            read.map_err(|error| format!("cannot be read at offset {start}: {error}"))? as u64
        };
        for (at, patch) in self.overlay.within(start, end) {
            let (from, until) = (at.max(start), (at + patch.len).min(end));
            let range = usize::try_from(from - start).unwrap_or_default()
                ..usize::try_from(until - start).unwrap_or_default();
            let (Some(log), Some(buf)) = (self.logs.get(patch.log), page.get_mut(range)) else { continue };
            fill(log, patch.at + (from - at), buf)?;
            // Windows writes whole pages of 512 bytes at least, so that a hole before a range is one of zeros.
            there = there.max(until - start);
        }
        page.truncate(usize::try_from(there).unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(ranges: &[(u64, u64, u64)]) -> Vec<(u64, u64, u64)> {
        let mut overlay = Overlay::default();
        for &(start, len, at) in ranges {
            overlay.put(start, Patch { len, log: 0, at });
        }
        overlay.0.iter().map(|(&start, patch)| (start, patch.len, patch.at)).collect()
    }

    #[test]
    fn a_later_range_covers_an_earlier_one() {
        assert_eq!(overlay(&[(0, 10, 100), (10, 10, 200)]), [(0, 10, 100), (10, 10, 200)]);
        assert_eq!(overlay(&[(0, 10, 100), (0, 10, 200)]), [(0, 10, 200)]);
        assert_eq!(overlay(&[(0, 30, 100), (10, 10, 200)]), [(0, 10, 100), (10, 10, 200), (20, 10, 120)]);
        assert_eq!(
            overlay(&[(0, 15, 100), (20, 10, 300), (10, 15, 200)]),
            [(0, 10, 100), (10, 15, 200), (25, 5, 305)]
        );
        assert_eq!(overlay(&[(5, 5, 1), (12, 2, 2), (20, 9, 3), (0, 40, 9)]), [(0, 40, 9)]);
    }

    #[test]
    fn reads_mix_file_and_log_and_stop_where_both_end() {
        let primary = vec![1_u8; 5000];
        let log = vec![2_u8; 2000];
        let mut changed = Overlay::default();
        changed.put(4000, Patch { len: 200, log: 0, at: 0 });
        changed.put(8192, Patch { len: 512, log: 0, at: 512 });
        let pages = Pages::new(&primary[..], vec![&log[..]], changed, 9000);
        let mut buf = [0; 400];
        pages.read(3900, &mut buf).unwrap();
        assert_eq!(buf.map(|byte| byte == 2).iter().filter(|&&log| log).count(), 200);
        assert_eq!((buf[99], buf[100], buf[299], buf[300]), (1, 2, 2, 1));
        assert!(pages.read(4990, &mut buf).unwrap_err().contains("ends at offset 5000"));
        pages.read(8192, &mut buf).unwrap();
        assert_eq!(buf, [2; 400]);
        assert!(pages.read(8500, &mut buf).unwrap_err().contains("ends at offset 8704"));
    }

    #[test]
    fn reading_the_same_bytes_for_ever_ends() {
        let pages = Pages::new(&[0_u8; 4096][..], vec![], Overlay::default(), u64::from(u32::MAX));
        let mut buf = [0; 4096];
        let sound = (0..1_000_000).take_while(|_| pages.read(0, &mut buf).is_ok()).count();
        assert!((256..10_000).contains(&sound), "{sound}");
    }
}
