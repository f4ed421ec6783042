//! ZIP archives: single files out of a large archive, read in place. Stored and deflated files, ZIP64.
//! Format: PKWARE's APPNOTE.TXT 6.3.
//!
//! Called by `msix`. Must not know what a file holds. The directory is gone through, never kept: an
//! archive may claim any number of entries.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::parse::ReadAt;
use crate::parse::bytes::Order;
use crate::parse::bytes::array;
use crate::parse::bytes::fill;
use crate::parse::bytes::le32;

const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Fixed part of the record at the end, and the longest comment behind it.
const END_LENGTH: u64 = 22;
const MAX_COMMENT: u64 = 65_535;
/// Bytes of a directory that are gone through; an archive of 100,000 files has some 12 MB.
const MAX_DIRECTORY: u64 = 64 << 20;

/// An opened archive.
pub struct Archive<'s> {
    src: &'s dyn ReadAt,
    start: u64,
    end: u64,
    /// Bytes before the archive: a program that unpacks itself.
    before: u64,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path; what is not UTF-8 becomes U+FFFD.
    pub name: String,
    /// Length when unpacked, as claimed.
    pub size: u64,
    packed: u64,
    offset: u64,
    method: u16,
    encrypted: bool,
    crc: u32,
}

impl<'s> Archive<'s> {
    /// Finds the directory of an archive; the error is a sentence part.
    pub fn open(src: &'s dyn ReadAt) -> Result<Self, String> {
        let size = src.size();
        let length = size.min(END_LENGTH + MAX_COMMENT);
        let mut tail = vec![0; usize::try_from(length).map_err(|_| "too long")?];
        fill(src, size - length, &mut tail)?;
        // A comment may look like a record; the last whose comment fits is the true one.
        let at = (0..tail.len().saturating_sub(21)).rev().find(|at| {
            let comment = Order::Little.u16(&tail, at.saturating_add(20)).map(usize::from);
            array(&tail, *at) == Some(END)
                && comment.is_some_and(|n| at.saturating_add(22).saturating_add(n) <= tail.len())
        });
        let at = at.ok_or("no archive: its end is not there")?;
        let record = tail.get(at..).unwrap_or_default();
        let place = size - length + at as u64;
        let (mut bytes, mut start) =
            (u64::from(le32(record, 12).unwrap_or(0)), u64::from(le32(record, 16).unwrap_or(0)));
        let mut end = place;
        if let Some((record, at)) = end64(src, place)? {
            let long = |field| array(&record, field).map_or(0, u64::from_le_bytes);
            (bytes, start, end) = (long(40), long(48), at);
        }
        let begins = end.checked_sub(bytes).ok_or("its directory is longer than the archive")?;
        let before = begins.checked_sub(start).ok_or("its directory lies behind its end")?;
        Ok(Self { src, start: begins, end, before })
    }

    /// Hands each file to `visit`, until it says that it has enough. An error means that the rest of the
    /// directory cannot be read.
    pub fn entries(&self, visit: &mut dyn FnMut(Entry) -> bool) -> Result<(), String> {
        let mut at = self.start;
        if self.end - self.start > MAX_DIRECTORY {
            return Err(format!("a directory of {} bytes", self.end - self.start));
        }
        let mut window = Window { src: self.src, start: 0, bytes: Vec::new(), end: self.end };
        while at < self.end {
            let fixed = window.at(at, 46)?;
            if array(fixed, 0) != Some(ENTRY) {
                return Err(format!("no entry of a directory at offset {at}"));
            }
            let word = |field| Order::Little.u16(fixed, field).map_or(0, usize::from);
            let (name, extra) = (word(28), word(30));
            let length = name.saturating_add(extra).saturating_add(word(32)).saturating_add(46);
            let whole = window.at(at, length)?;
            let entry =
                read_entry(whole, name, extra).ok_or_else(|| format!("a damaged entry at offset {at}"))?;
            at = at.saturating_add(length as u64);
            if !visit(entry) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Unpacks a file, refused where it is longer than `limit`, packed or not, or its sum is wrong.
    pub fn read(&self, entry: &Entry, limit: usize) -> Result<Vec<u8>, String> {
        let (packed, size) = (usize::try_from(entry.packed), usize::try_from(entry.size));
        let (Ok(packed), Ok(size)) = (packed, size) else { return Err("longer than memory".to_owned()) };
        if packed > limit || size > limit {
            return Err(format!("{} bytes are over the cap of {limit}", entry.size));
        }
        if entry.encrypted {
            return Err("it is encrypted".to_owned());
        }
        let mut local = [0; 30];
        let at = self.before.checked_add(entry.offset).ok_or("an offset out of range")?;
        fill(self.src, at, &mut local)?;
        if array(&local, 0) != Some(LOCAL) {
            return Err(format!("no file of an archive at offset {at}"));
        }
        let skip =
            [26, 28].map(|field| Order::Little.u16(&local, field).map_or(0, u64::from)).iter().sum::<u64>();
        let data = at.checked_add(30 + skip).ok_or("an offset out of range")?;
        if data.checked_add(entry.packed).is_none_or(|end| end > self.src.size()) {
            return Err("the archive ends inside the file".to_owned());
        }
        let mut raw = vec![0; packed];
        fill(self.src, data, &mut raw)?;
        let out = match entry.method {
            0 => raw,
            8 => decompress_to_vec_with_limit(&raw, limit)
                .map_err(|error| format!("cannot be unpacked: {:?}", error.status))?,
            other => return Err(format!("packed by the unknown method {other}")),
        };
        if out.len() != size || crc32(&out) != entry.crc {
            return Err("its length or its sum is wrong".to_owned());
        }
        Ok(out)
    }
}

/// The record of ZIP64 and where it lies: a locator right before the usual record points to it.
fn end64(src: &dyn ReadAt, end: u64) -> Result<Option<([u8; 56], u64)>, String> {
    let Some(at) = end.checked_sub(20) else { return Ok(None) };
    let mut locator = [0; 20];
    fill(src, at, &mut locator)?;
    if array(&locator, 0) != Some(LOCATOR64) {
        return Ok(None);
    }
    // With bytes before the archive the claimed offset is too small; the record mostly lies right here.
    let claimed = array(&locator, 8).map_or(0, u64::from_le_bytes);
    for place in [Some(claimed), at.checked_sub(56)].into_iter().flatten().filter(|place| *place < at) {
        let mut record = [0; 56];
        if fill(src, place, &mut record).is_ok() && array(&record, 0) == Some(END64) {
            return Ok(Some((record, place)));
        }
    }
    Err("its ZIP64 record is not where it should be".to_owned())
}

/// An entry of the directory, section 4.3.12.
fn read_entry(raw: &[u8], name: usize, extra: usize) -> Option<Entry> {
    let word = |at| Order::Little.u16(raw, at);
    let (mut packed, mut size) = (u64::from(le32(raw, 20)?), u64::from(le32(raw, 24)?));
    let mut offset = u64::from(le32(raw, 42)?);
    let (text, rest) = raw.get(46..)?.split_at_checked(name)?;
    let mut fields = rest.get(..extra)?;
    while let (Some(id), Some(length)) =
        (array(fields, 0).map(u16::from_le_bytes), array(fields, 2).map(u16::from_le_bytes))
    {
        let (field, tail) = fields.get(4..)?.split_at_checked(usize::from(length))?;
        fields = tail;
        if id != 1 {
            continue;
        }
        // Only those that the entry has no room for, in this order.
        let mut longs =
            field.chunks_exact(8).filter_map(|raw| raw.first_chunk().map(|raw| u64::from_le_bytes(*raw)));
        for value in [&mut size, &mut packed, &mut offset] {
            if *value == 0xffff_ffff {
                *value = longs.next()?;
            }
        }
        break;
    }
    Some(Entry {
        name: String::from_utf8_lossy(text).into_owned(),
        size,
        packed,
        offset,
        method: word(10)?,
        encrypted: word(8)? & 1 != 0,
        crc: le32(raw, 16)?,
    })
}

/// A part of the directory, read some hundred kilobytes at a time.
struct Window<'s> {
    src: &'s dyn ReadAt,
    start: u64,
    bytes: Vec<u8>,
    end: u64,
}

impl Window<'_> {
    const LENGTH: u64 = 256 * 1024;

    fn at(&mut self, at: u64, length: usize) -> Result<&[u8], String> {
        let stop = at.checked_add(length as u64).filter(|stop| *stop <= self.end);
        let stop = stop.ok_or("its directory ends inside an entry")?;
        if at < self.start || stop > self.start.saturating_add(self.bytes.len() as u64) {
            let here = (self.end - at).min(Self::LENGTH);
            self.bytes.resize(usize::try_from(here).unwrap_or(length), 0);
            self.start = at;
            fill(self.src, at, &mut self.bytes)?;
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        let part = self.bytes.get(from..).and_then(|rest| rest.get(..length));
        part.ok_or_else(|| "an entry longer than can be".to_owned())
    }
}

/// The sum of APPNOTE's section 4.4.7, bit by bit: files here are small.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 },
        )
    })
}

#[cfg(test)]
#[path = "zip_tests.rs"]
pub(crate) mod tests;
