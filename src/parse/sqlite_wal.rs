//! The write-ahead log of a `SQLite` database: which frame holds the newest committed
//! version of each page. Format: <https://www.sqlite.org/fileformat2.html#walformat>.
//!
//! Called by `sqlite` only. Must not know what a page holds, and never writes: no `-shm`,
//! no lock, no checkpoint.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::bytes::Order;
use crate::parse::bytes::be32;
use crate::parse::bytes::fill;
use crate::parse::bytes::to_usize;
use crate::parse::note;

const MAGIC_LITTLE: u32 = 0x377f_0682;
const MAGIC_BIG: u32 = 0x377f_0683;
const VERSION: u32 = 3_007_000;
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Index entries kept: 8 bytes each, so 32 MB for a log of at least 2 GB.
const MAX_FRAMES: u64 = 1 << 22;

/// The index over a log, page to frame.
pub(crate) struct Wal<'s> {
    src: &'s dyn ReadAt,
    /// Bytes of a page.
    page_size: usize,
    /// (page, frame), by page; of each page the newest committed frame.
    index: Vec<(u32, u32)>,
    /// Pages of the database after the last commit; 0 when nothing is committed here.
    pages: u32,
    header: [u8; HEADER],
    /// The frame header behind the last one taken, to see a writer at the end.
    next: Option<(u64, [u8; FRAME_HEADER])>,
}

impl<'s> Wal<'s> {
    /// Reads the whole log once, checks every checksum and keeps the index.
    ///
    /// None when the log is empty or its header is not sound (the latter with a fault).
    pub(crate) fn open(src: &'s dyn ReadAt, faults: &mut Vec<Fault>) -> Option<Self> {
        if src.size() == 0 {
            return None;
        }
        match Scan::open(src) {
            Ok(mut scan) => {
                scan.frames(faults);
                Some(scan.finish())
            }
            Err(what) => {
                note(faults, At::Record("wal header".to_owned()), what);
                None
            }
        }
    }

    /// Page size and page count after the last commit; none when nothing is committed.
    pub(crate) fn committed(&self) -> Option<(usize, u32)> {
        (self.pages > 0).then_some((self.page_size, self.pages))
    }

    /// How many of the pages behind the first `main_pages` the log holds.
    pub(crate) fn pages_behind(&self, main_pages: u64) -> u64 {
        let from = self.index.partition_point(|&(page, _)| u64::from(page) <= main_pages);
        let to = self.index.partition_point(|&(page, _)| page <= self.pages);
        to.saturating_sub(from) as u64
    }

    /// The highest page that the log holds; 0 when it holds none.
    pub(crate) fn last_page(&self) -> u32 {
        self.index.last().map_or(0, |&(page, _)| page)
    }

    /// Fills `buf` from the start of a page; false when the log does not hold the page.
    pub(crate) fn load(&self, page: u32, buf: &mut [u8]) -> Result<bool, String> {
        let Ok(at) = self.index.binary_search_by_key(&page, |&(page, _)| page) else { return Ok(false) };
        let Some(&(_, frame)) = self.index.get(at) else { return Ok(false) };
        let offset = frame_offset(u64::from(frame), self.page_size) + FRAME_HEADER as u64;
        fill(self.src, offset, buf)?;
        Ok(true)
    }

    /// False when a writer appended to the log or began it anew since it was opened.
    pub(crate) fn unchanged(&self) -> bool {
        let mut header = [0; HEADER];
        if fill(self.src, 0, &mut header).is_err() || header != self.header {
            return false;
        }
        let Some((offset, before)) = &self.next else { return true };
        let mut now = [0; FRAME_HEADER];
        let there = self.src.read_at(*offset, &mut now).unwrap_or(0);
        there < FRAME_HEADER || now == *before
    }
}

fn frame_offset(frame: u64, page_size: usize) -> u64 {
    HEADER as u64 + frame * (FRAME_HEADER + page_size) as u64
}

/// The one pass over the log.
struct Scan<'s> {
    src: &'s dyn ReadAt,
    order: Order,
    page_size: usize,
    header: [u8; HEADER],
    sums: (u32, u32),
    index: Vec<(u32, u32)>,
    /// Entries of `index` that a commit has confirmed.
    confirmed: usize,
    pages: u32,
}

impl<'s> Scan<'s> {
    fn open(src: &'s dyn ReadAt) -> Result<Self, String> {
        let mut header = [0; HEADER];
        fill(src, 0, &mut header)?;
        let order = match be32(&header, 0) {
            Some(MAGIC_LITTLE) => Order::Little,
            Some(MAGIC_BIG) => Order::Big,
            _ => return Err("no magic number".to_owned()),
        };
        let version = be32(&header, 4).unwrap_or(0);
        if version != VERSION {
            return Err(format!("version {version} is not known"));
        }
        let page_size = to_usize(be32(&header, 8).unwrap_or(0));
        if !(512..=65536).contains(&page_size) || !page_size.is_power_of_two() {
            return Err(format!("page size {page_size}"));
        }
        let sums = checksum(order, header.get(..24).unwrap_or_default(), (0, 0));
        if (be32(&header, 24), be32(&header, 28)) != (Some(sums.0), Some(sums.1)) {
            return Err("checksum does not fit".to_owned());
        }
        Ok(Self { src, order, page_size, header, sums, index: Vec::new(), confirmed: 0, pages: 0 })
    }

    /// Frames that are whole in the file.
    fn whole(&self) -> u64 {
        self.src.size().saturating_sub(HEADER as u64) / (FRAME_HEADER + self.page_size) as u64
    }

    fn frames(&mut self, faults: &mut Vec<Fault>) {
        let mut frame = vec![0; FRAME_HEADER + self.page_size];
        let whole = self.whole();
        for number in 0..whole.min(MAX_FRAMES) {
            if let Err(what) = fill(self.src, frame_offset(number, self.page_size), &mut frame) {
                note(faults, At::Record(format!("wal frame {number}")), what);
                return;
            }
            if !self.take(number, &frame) {
                return self.lost_commit(number, whole, faults);
            }
        }
        if whole > MAX_FRAMES {
            let what = format!("{whole} frames are over the cap of {MAX_FRAMES}");
            note(faults, At::Record("wal".to_owned()), what);
        }
        self.cut_frame(whole, faults);
        let open = self.index.len().saturating_sub(self.confirmed);
        if open > 0 {
            let what = format!("ends in a transaction that is not committed ({open} frames)");
            note(faults, At::Record("wal".to_owned()), what);
        }
    }

    /// Takes a frame when its salts and its cumulative checksum fit.
    fn take(&mut self, number: u64, frame: &[u8]) -> bool {
        let (Some(page), Some(commit)) = (be32(frame, 0), be32(frame, 4)) else { return false };
        if page == 0 || !self.of_this_generation(frame) {
            return false;
        }
        let head = checksum(self.order, frame.get(..8).unwrap_or_default(), self.sums);
        let sums = checksum(self.order, frame.get(FRAME_HEADER..).unwrap_or_default(), head);
        if (be32(frame, 16), be32(frame, 20)) != (Some(sums.0), Some(sums.1)) {
            return false;
        }
        self.sums = sums;
        self.index.push((page, u32::try_from(number).unwrap_or(u32::MAX)));
        if commit > 0 {
            self.confirmed = self.index.len();
            self.pages = commit;
        }
        true
    }

    fn of_this_generation(&self, frame: &[u8]) -> bool {
        matches!((frame.get(8..16), self.header.get(16..24)), (Some(a), Some(b)) if a == b)
    }

    /// The rest of the log does not fit its checksums. That is right for frames of an older
    /// generation, and for what a rolled-back transaction left. But a frame of *this*
    /// generation that says it is a commit was damaged, and rows are lost with it.
    fn lost_commit(&self, from: u64, whole: u64, faults: &mut Vec<Fault>) {
        let mut head = [0; FRAME_HEADER];
        for number in from..whole {
            if fill(self.src, frame_offset(number, self.page_size), &mut head).is_err() {
                continue;
            }
            if self.of_this_generation(&head) && be32(&head, 4) != Some(0) {
                let what = format!("checksum does not fit; the commit in frame {number} is lost with it");
                note(faults, At::Record(format!("wal frame {from}")), what);
                return;
            }
        }
    }

    /// A file that ends inside a frame of this generation was cut.
    fn cut_frame(&self, whole: u64, faults: &mut Vec<Fault>) {
        let offset = frame_offset(whole, self.page_size);
        let rest = self.src.size().saturating_sub(offset);
        if rest == 0 {
            return;
        }
        let mut head = [0; FRAME_HEADER];
        let there = self.src.read_at(offset, &mut head).unwrap_or(0);
        // A size limit on the log may cut a frame of an older generation, which is harmless.
        if there < 16 || self.of_this_generation(&head) {
            note(faults, At::Record(format!("wal frame {whole}")), format!("cut after {rest} bytes"));
        }
    }

    fn finish(mut self) -> Wal<'s> {
        self.index.truncate(self.confirmed);
        let offset = frame_offset(self.index.len() as u64, self.page_size);
        let mut next = [0; FRAME_HEADER];
        let next = match self.src.read_at(offset, &mut next) {
            Ok(_) => Some((offset, next)),
            Err(_) => None,
        };
        // Newest frame first within a page, so that `dedup` keeps it.
        self.index.sort_unstable_by_key(|&(page, frame)| (page, std::cmp::Reverse(frame)));
        self.index.dedup_by_key(|entry| entry.0);
        Wal {
            src: self.src,
            page_size: self.page_size,
            index: self.index,
            pages: self.pages,
            header: self.header,
            next,
        }
    }
}

/// The log's own checksum over words of 4 bytes; the input is a multiple of 8 bytes.
fn checksum(order: Order, bytes: &[u8], start: (u32, u32)) -> (u32, u32) {
    bytes.chunks_exact(8).fold(start, |(one, two), eight| {
        let first = order.u32(eight, 0).unwrap_or(0);
        let second = order.u32(eight, 4).unwrap_or(0);
        let one = one.wrapping_add(first).wrapping_add(two);
        (one, two.wrapping_add(second).wrapping_add(one))
    })
}

#[cfg(test)]
#[path = "sqlite_wal_tests.rs"]
mod tests;
