//! Compound files, the container of MSI databases: the streams of the root storage, read in place.
//! Format: [MS-CFB].
//!
//! Called by `msi`. Must not know what a stream holds. Memory is bounded by the file's own length: four
//! bytes for each sector of what is asked for.

use crate::parse::ReadAt;
use crate::parse::bytes::Order;
use crate::parse::bytes::array;
use crate::parse::bytes::fill;
use crate::parse::bytes::le32;
use crate::parse::bytes::to_usize;

const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Streams shorter than this lie in the mini stream, section 2.2.
const MINI_CUTOFF: u64 = 4096;
/// Greatest number of a sector; what is above marks an end.
const MAX_SECTOR: u32 = 0xffff_fffa;
const NO_ENTRY: u32 = 0xffff_ffff;
/// Length of a directory entry.
const ENTRY: usize = 128;
/// Entries of a directory that are read: 8 MiB.
const MAX_ENTRIES: usize = 65_536;
/// Sectors of a stream that is read: 512 MiB. Cabinets inside a package may be longer; tables are not.
const MAX_CHAIN: u64 = 1 << 20;

/// An opened compound file.
pub(crate) struct Compound<'s> {
    src: &'s dyn ReadAt,
    shift: u32,
    sectors: u32,
    /// Sectors that hold the table of what follows each sector.
    fat: Vec<u32>,
    mini_fat: Stream,
    mini: Stream,
    directory: Vec<u8>,
}

/// A stream: where its bytes lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stream {
    chain: Vec<u32>,
    /// Length in bytes.
    pub(crate) size: u64,
    mini: bool,
}

impl<'s> Compound<'s> {
    /// Opens a compound file; the error is a sentence part.
    pub(crate) fn open(src: &'s dyn ReadAt) -> Result<Self, String> {
        let mut head = [0; 512];
        fill(src, 0, &mut head)?;
        if !head.starts_with(&MAGIC) {
            return Err("not a compound file".to_owned());
        }
        let word = |at| Order::Little.u16(&head, at).unwrap_or_default();
        let shift = match (word(26), word(30)) {
            (3, 9) => 9,
            (4, 12) => 12,
            (version, shift) => return Err(format!("version {version} with sectors of 2^{shift} bytes")),
        };
        if word(32) != 6 {
            return Err("mini sectors are not of 64 bytes".to_owned());
        }
        // The header fills the first; the last may be cut short by writers that save space.
        let sectors = src.size().div_ceil(1 << shift).saturating_sub(1);
        let sectors = u32::try_from(sectors).unwrap_or(MAX_SECTOR).min(MAX_SECTOR);
        let (fat, mini) = (Vec::new(), Stream::default());
        let mut file = Self { src, shift, sectors, fat, mini_fat: mini.clone(), mini, directory: Vec::new() };
        file.load_fat(&head)?;
        let chain = file.chain(le32(&head, 48).unwrap_or(NO_ENTRY), false)?;
        file.load_directory(chain)?;
        let chain = file.chain(le32(&head, 60).unwrap_or(NO_ENTRY), false)?;
        file.mini_fat = file.whole(chain);
        let root = file.entry(0).ok_or("without a root")?;
        let chain = file.chain(le32(root, 116).unwrap_or(NO_ENTRY), false)?;
        file.mini = file.whole(chain);
        Ok(file)
    }

    /// The stream of this name in the root storage; `Ok(None)` where there is none.
    pub(crate) fn stream(&self, name: &[u16]) -> Result<Option<Stream>, String> {
        let want: Vec<u8> = name.iter().chain(&[0]).flat_map(|unit| unit.to_le_bytes()).collect();
        let root = self.entry(0).ok_or("without a root")?;
        let mut open = vec![le32(root, 76).unwrap_or(NO_ENTRY)];
        let mut left = self.directory.len() / ENTRY;
        while let Some(number) = open.pop() {
            if number == NO_ENTRY {
                continue;
            }
            let entry = self.entry(number).ok_or("an entry outside the directory")?;
            // A sound tree has each entry once, so this stops loops.
            left = left.checked_sub(1).ok_or("its directory goes round in a circle")?;
            open.extend([le32(entry, 68).unwrap_or(NO_ENTRY), le32(entry, 72).unwrap_or(NO_ENTRY)]);
            let length = usize::from(Order::Little.u16(entry, 64).unwrap_or_default());
            if length != want.len() || entry.get(..length) != Some(&want) || entry.get(66) != Some(&2) {
                continue;
            }
            let size = u64::from_le_bytes(array(entry, 120).ok_or("a short entry")?);
            // Of version 3 only the lower half of the size is sound, section 2.6.3.
            let size = if self.shift == 9 { size & 0xffff_ffff } else { size };
            let mini = size < MINI_CUTOFF;
            let chain = self.chain(le32(entry, 116).unwrap_or(NO_ENTRY), mini)?;
            return Ok(Some(Stream { chain, size, mini }));
        }
        Ok(None)
    }

    /// Fills `buf` from a stream.
    pub(crate) fn read(&self, stream: &Stream, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        let end = offset.checked_add(buf.len() as u64).filter(|end| *end <= stream.size);
        end.ok_or("read past the end of a stream")?;
        let shift = if stream.mini { 6 } else { self.shift };
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            let inside = at & ((1 << shift) - 1);
            let here = usize::try_from((1_u64 << shift) - inside).unwrap_or(usize::MAX).min(rest.len());
            let sector = usize::try_from(at >> shift).ok().and_then(|n| stream.chain.get(n));
            let sector = *sector.ok_or("a stream is shorter than its length")?;
            let (now, later) = rest.split_at_mut_checked(here).ok_or("a stream is cut")?;
            if stream.mini {
                self.read(&self.mini, (u64::from(sector) << 6) + inside, now)?;
            } else {
                fill(self.src, self.place(sector) + inside, now)?;
            }
            at = at.saturating_add(here as u64);
            rest = later;
        }
        Ok(())
    }

    /// A whole stream, refused where it is longer than `limit`.
    pub(crate) fn read_all(&self, stream: &Stream, limit: usize) -> Result<Vec<u8>, String> {
        let size = usize::try_from(stream.size).unwrap_or(usize::MAX);
        let room = stream.chain.len().saturating_mul(1 << if stream.mini { 6 } else { self.shift });
        if size > limit || size > room {
            return Err(format!("a stream of {} bytes", stream.size));
        }
        let mut out = vec![0; size];
        self.read(stream, 0, &mut out)?;
        Ok(out)
    }

    fn place(&self, sector: u32) -> u64 {
        (u64::from(sector) + 1) << self.shift
    }

    /// All that a chain holds.
    fn whole(&self, chain: Vec<u32>) -> Stream {
        let size = (chain.len() as u64) << self.shift;
        Stream { chain, size, mini: false }
    }

    fn entry(&self, number: u32) -> Option<&[u8]> {
        let at = to_usize(number).checked_mul(ENTRY)?;
        self.directory.get(at..at.checked_add(ENTRY)?)
    }

    fn load_directory(&mut self, chain: Vec<u32>) -> Result<(), String> {
        let directory = self.whole(chain);
        let size = usize::try_from(directory.size).unwrap_or(usize::MAX);
        if size > MAX_ENTRIES * ENTRY {
            return Err("a directory of more than 65536 entries".to_owned());
        }
        self.directory = vec![0; size];
        let mut buf = std::mem::take(&mut self.directory);
        self.read(&directory, 0, &mut buf)?;
        self.directory = buf;
        Ok(())
    }

    /// The first 109 sectors of the table stand in the header, the others in a chain of their own.
    fn load_fat(&mut self, head: &[u8; 512]) -> Result<(), String> {
        let per = 1_u32 << (self.shift - 2);
        let most = to_usize(self.sectors / per).saturating_add(1);
        let listed = |raw: &[u8]| {
            let all =
                raw.chunks_exact(4).filter_map(|four| four.first_chunk().map(|raw| u32::from_le_bytes(*raw)));
            all.filter(|sector| *sector < MAX_SECTOR).collect::<Vec<u32>>()
        };
        self.fat = listed(head.get(76..).unwrap_or_default());
        let mut next = le32(head, 68).unwrap_or(NO_ENTRY);
        let mut buf = vec![0; 1 << self.shift];
        while next < MAX_SECTOR && self.fat.len() < most {
            fill(self.src, self.place(next), &mut buf)?;
            let (list, link) = buf.split_at_checked(buf.len() - 4).ok_or("a short sector")?;
            let more = listed(list);
            // A sector that names none would let a loop go on.
            if more.is_empty() {
                break;
            }
            self.fat.extend(more);
            next = le32(link, 0).unwrap_or(NO_ENTRY);
        }
        self.fat.truncate(most);
        Ok(())
    }

    /// The sectors of a stream, in order. A chain longer than there are sectors is a loop.
    fn chain(&self, start: u32, mini: bool) -> Result<Vec<u32>, String> {
        let most = if mini { self.mini.size >> 6 } else { u64::from(self.sectors) };
        let (mut out, mut next) = (Vec::new(), start);
        let mut page = (u32::MAX, vec![0; 1 << self.shift]);
        while next < MAX_SECTOR {
            if u64::from(next) >= most || out.len() as u64 >= most.min(MAX_CHAIN) {
                return Err(format!("sector {next} of a chain is outside the file, or in a loop"));
            }
            out.push(next);
            next = self.after(next, mini, &mut page)?;
        }
        Ok(out)
    }

    /// What follows a sector; `page` keeps the part of the table that was read last.
    fn after(&self, sector: u32, mini: bool, page: &mut (u32, Vec<u8>)) -> Result<u32, String> {
        let number = sector >> (self.shift - 2);
        if page.0 != number {
            let table = if mini { &self.mini_fat.chain } else { &self.fat };
            let place = *table.get(to_usize(number)).ok_or("a sector that its table does not know")?;
            fill(self.src, self.place(place), &mut page.1)?;
            page.0 = number;
        }
        let at = to_usize(sector & ((1 << (self.shift - 2)) - 1)) * 4;
        le32(&page.1, at).ok_or_else(|| "a short sector".to_owned())
    }
}
