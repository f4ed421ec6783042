//! Mach-O executables and libraries of Apple's systems: for which processors they are, and where their signature and their
//! embedded property list lie. Format: `mach-o/loader.h` and `mach-o/fat.h` of Apple's SDK.
//!
//! Called by [`crate::parse::code_signature`] and the sources that look at executables. Reads headers and load commands,
//! never the whole file, which may have gigabytes. Must not know what a signature or a property list means.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::bytes::Order;
use crate::parse::bytes::be32;
use crate::parse::bytes::fill;
use crate::parse::bytes::to_usize;
use crate::parse::note;
use std::ops::Range;

/// Slices of one file. Compiled Java begins with the letters of a fat file, and its version (45 and up) stands where a fat
/// file counts its slices; real ones have up to five.
const MAX_SLICES: u32 = 44;
/// Load commands of one slice, in bytes; real ones have up to 64 KiB.
const MAX_COMMANDS: u32 = 4 << 20;
/// Longest embedded property list that is told of; real ones have up to 8 KiB.
const MAX_INFO: u64 = 1 << 20;

/// First letters of files, as a big-endian number.
mod magic {
    pub(super) const FAT: u32 = 0xCAFE_BABE;
    pub(super) const FAT_64: u32 = 0xCAFE_BABF;
    pub(super) const THIN: u32 = 0xFEED_FACE;
    pub(super) const THIN_64: u32 = 0xFEED_FACF;
}

/// Kinds of load commands.
mod command {
    pub(super) const SEGMENT: u32 = 0x01;
    pub(super) const ID_DYLIB: u32 = 0x0D;
    pub(super) const SEGMENT_64: u32 = 0x19;
    pub(super) const UUID: u32 = 0x1B;
    pub(super) const CODE_SIGNATURE: u32 = 0x1D;
}

/// An executable or library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachO {
    /// Its sound slices, in the order of the file: one for each processor.
    pub slices: Vec<Slice>,
    /// What was wrong with others. A system that has no use for them runs the file all the same.
    pub faults: Vec<Fault>,
}

/// What is for one processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// `cputype`.
    pub cpu: u32,
    /// `cpusubtype`, without its capability bits.
    pub subtype: u32,
    /// `filetype`: [`Self::EXECUTE`] and so on.
    pub file_type: u32,
    /// Where it lies in the file.
    pub range: Range<u64>,
    /// `LC_UUID`.
    pub uuid: Option<[u8; 16]>,
    /// Where its signature lies in the file.
    pub signature: Option<Range<u64>>,
    /// Where its embedded property list (section `__info_plist`) lies in the file.
    pub info: Option<Range<u64>>,
    /// Of a library the path under which others ask for it.
    pub install_name: Option<String>,
}

impl Slice {
    /// A program.
    pub const EXECUTE: u32 = 2;
    /// A library.
    pub const DYLIB: u32 = 6;
    /// A plug-in.
    pub const BUNDLE: u32 = 8;
    /// A kernel extension.
    pub const KEXT: u32 = 11;

    /// The processor, by Apple's name of it.
    pub fn arch(&self) -> &'static str {
        match (self.cpu, self.subtype) {
            (0x0100_000C, 2) => "arm64e",
            (0x0100_000C, _) => "arm64",
            (0x0200_000C, _) => "arm64_32",
            (0x0100_0007, _) => "x86_64",
            (7, _) => "i386",
            (12, _) => "arm",
            (18, _) => "ppc",
            (0x0100_0012, _) => "ppc64",
            _ => "unknown",
        }
    }
}

impl MachO {
    /// Every processor that it is for.
    pub fn archs(&self) -> impl Iterator<Item = &'static str> {
        self.slices.iter().map(Slice::arch)
    }
}

/// Reads the headers. `Ok(None)`: something else (a script, compiled Java, a static library); an error: it begins as one and
/// no slice of it is sound, or it cannot be read.
pub fn read(src: &dyn ReadAt) -> Result<Option<MachO>, Fault> {
    let mut head = [0; 8];
    let there = src
        .read_at(0, &mut head)
        .map_err(|error| Fault::new(At::Whole, format!("cannot be read: {error}")))?;
    if there < 4 {
        return Ok(None);
    }
    match be32(&head, 0).unwrap_or_default() {
        magic @ (magic::FAT | magic::FAT_64) => {
            let count = be32(&head, 4).unwrap_or_default();
            if there < head.len() {
                return Err(Fault::new(At::Whole, "the file ends in its header"));
            }
            if count > MAX_SLICES { Ok(None) } else { fat(src, magic == magic::FAT_64, count) }
        }
        word if form(word).is_some() => {
            let slice = slice(src, 0..src.size()).map_err(|what| Fault::new(At::Whole, what))?;
            Ok(slice.map(|slice| MachO { slices: vec![slice], faults: Vec::new() }))
        }
        _ => Ok(None),
    }
}

/// Byte order and width by the first letters.
fn form(word: u32) -> Option<(Order, bool)> {
    match word {
        magic::THIN => Some((Order::Big, false)),
        magic::THIN_64 => Some((Order::Big, true)),
        word if word.swap_bytes() == magic::THIN => Some((Order::Little, false)),
        word if word.swap_bytes() == magic::THIN_64 => Some((Order::Little, true)),
        _ => None,
    }
}

/// A file of several slices; its own header is big-endian always.
fn fat(src: &dyn ReadAt, is_64: bool, count: u32) -> Result<Option<MachO>, Fault> {
    let row = if is_64 { 32 } else { 20 };
    let mut table = vec![0; to_usize(count).saturating_mul(row)];
    fill(src, 8, &mut table).map_err(|what| Fault::new(At::Whole, what))?;
    let mut file = MachO { slices: Vec::new(), faults: Vec::new() };
    let mut others = 0_usize;
    for (n, row) in table.chunks_exact(row).enumerate() {
        let word = |at| be32(row, at).map(u64::from).unwrap_or_default();
        let wide = |at| word(at) << 32 | word(at + 4);
        let (start, size) = if is_64 { (wide(8), wide(16)) } else { (word(8), word(12)) };
        let at = || At::Record(format!("slice {n}"));
        let Some(end) = start.checked_add(size).filter(|end| *end <= src.size()) else {
            note(&mut file.faults, at(), format!("ends behind the file of {} bytes", src.size()));
            continue;
        };
        match slice(src, start..end) {
            Ok(Some(slice)) => file.slices.push(slice),
            // A static library for several processors is fat, too.
            Ok(None) => others += 1,
            Err(what) => note(&mut file.faults, at(), what),
        }
    }
    match (file.slices.is_empty(), file.faults.first()) {
        (true, Some(fault)) => Err(fault.clone()),
        (true, None) if others > 0 => Ok(None),
        (true, None) => Err(Fault::new(At::Whole, "a file for several processors, without any")),
        (false, _) => Ok(Some(file)),
    }
}

/// One slice; `None` when it is no Mach-O.
fn slice(src: &dyn ReadAt, range: Range<u64>) -> Result<Option<Slice>, String> {
    let mut magic = [0; 4];
    let size = range.end.saturating_sub(range.start);
    if size < 4 {
        return Err(format!("a slice of {size} bytes"));
    }
    fill(src, range.start, &mut magic)?;
    let Some((order, is_64)) = form(u32::from_be_bytes(magic)) else { return Ok(None) };
    let mut header = [0; 32];
    let header = header.get_mut(..if is_64 { 32 } else { 28 }).unwrap_or_default();
    inside(&range, range.start, header.len() as u64)?;
    fill(src, range.start, header)?;
    let word = |at| order.u32(header, at).unwrap_or_default();
    let (count, length) = (word(16), word(20));
    if length > MAX_COMMANDS {
        return Err(format!("load commands of {length} bytes"));
    }
    let start = range.start.saturating_add(header.len() as u64);
    inside(&range, start, u64::from(length))?;
    let mut slice = Slice {
        cpu: word(4),
        subtype: word(8) & 0x00FF_FFFF,
        file_type: word(12),
        range,
        uuid: None,
        signature: None,
        info: None,
        install_name: None,
    };
    let mut commands = vec![0; to_usize(length)];
    fill(src, start, &mut commands)?;
    slice.commands(order, &commands, count)?;
    Ok(Some(slice))
}

/// Whether so many bytes from an offset of the file lie in a range of it.
fn inside(range: &Range<u64>, start: u64, length: u64) -> Result<Range<u64>, String> {
    let end = start.checked_add(length).filter(|end| start >= range.start && *end <= range.end);
    let end = end.ok_or_else(|| {
        format!("{length} bytes at {start} are not in the slice from {} to {}", range.start, range.end)
    })?;
    Ok(start..end)
}

impl Slice {
    fn commands(&mut self, order: Order, commands: &[u8], count: u32) -> Result<(), String> {
        let mut rest = commands;
        for n in 0..count {
            let word = |at| order.u32(rest, at);
            let (kind, size) = (word(0), word(4).map(to_usize));
            let body = size.filter(|size| *size >= 8).and_then(|size| rest.split_at_checked(size));
            let (Some(kind), Some((body, after))) = (kind, body) else {
                return Err(format!("load command {n} of {count} does not fit"));
            };
            self.command(order, kind, body)?;
            rest = after;
        }
        Ok(())
    }

    fn command(&mut self, order: Order, kind: u32, body: &[u8]) -> Result<(), String> {
        let word = |at| order.u32(body, at);
        match kind {
            command::UUID => self.uuid = body.get(8..).and_then(|id| id.first_chunk::<16>().copied()),
            command::ID_DYLIB => {
                let name = word(8).and_then(|at| body.get(to_usize(at)..)).unwrap_or_default();
                self.install_name = Some(text(name)).filter(|name| !name.is_empty());
            }
            command::CODE_SIGNATURE => {
                let (Some(at), Some(size)) = (word(8), word(12)) else {
                    return Err("a signature's command is cut".to_owned());
                };
                if self.signature.is_some() {
                    return Err("has two signatures".to_owned());
                }
                let start = self.range.start.saturating_add(u64::from(at));
                self.signature = Some(inside(&self.range, start, u64::from(size))?);
            }
            command::SEGMENT => self.sections(order, body.get(56..).unwrap_or_default(), false),
            command::SEGMENT_64 => self.sections(order, body.get(72..).unwrap_or_default(), true),
            _ => {}
        }
        Ok(())
    }

    /// Looks for the property list among the sections of a segment.
    fn sections(&mut self, order: Order, rows: &[u8], is_64: bool) {
        let word = |row: &[u8], at| order.u32(row, at).map(u64::from).unwrap_or_default();
        for row in rows.chunks_exact(if is_64 { 80 } else { 68 }) {
            if !row.starts_with(b"__info_plist\0") || self.info.is_some() {
                continue;
            }
            let (size, offset) = match (is_64, order) {
                (false, _) => (word(row, 36), word(row, 40)),
                (true, Order::Little) => (word(row, 40) | word(row, 44) << 32, word(row, 48)),
                (true, Order::Big) => (word(row, 40) << 32 | word(row, 44), word(row, 48)),
            };
            let start = self.range.start.saturating_add(offset);
            self.info = inside(&self.range, start, size).ok().filter(|_| size <= MAX_INFO);
        }
    }
}

/// Bytes up to the first zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
#[path = "macho_tests.rs"]
mod tests;
