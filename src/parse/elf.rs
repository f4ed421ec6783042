//! ELF files of Linux: for which processor, the build id, and which package the distributor built it for. Format: System V
//! ABI, chapters 4 and 5, and "Package Metadata for Executable Files" (uapi-group.org/specifications).
//!
//! Called by the sources that look at executables. Reads the header and the notes that are loaded with the program, never the
//! whole file. Must not know who is prohibited.

use serde_json::Value;

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::bytes::Order;
use crate::parse::bytes::array;
use crate::parse::bytes::fill;
use crate::parse::bytes::to_usize;
use crate::parse::note;
use crate::parse::x509::hex;

/// Segments that are looked at; linkers make up to 20.
const MAX_SEGMENTS: u16 = 512;
/// Bytes of one segment of notes that are read; real ones have up to 4 KiB, those of cores megabytes.
const MAX_NOTES: u64 = 64 * 1024;
/// Segments of notes that are read; real files have up to three.
const MAX_NOTE_SEGMENTS: usize = 8;
/// `PT_NOTE`.
const NOTE: u32 = 4;
/// `NT_GNU_BUILD_ID`, of the owner "GNU".
const BUILD_ID: u32 = 3;
/// `FDO_PACKAGING_METADATA`, of the owner "FDO".
const PACKAGE: u32 = 0xCAFE_1A7E;

/// An executable, library or module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elf {
    /// For 64 bits.
    pub is_64: bool,
    /// `e_machine`.
    pub machine: u16,
    /// `e_type`: [`Self::EXECUTABLE`] and so on.
    pub file_type: u16,
    /// The linker's id of this build, lower-case hexadecimal.
    pub build_id: Option<String>,
    /// The package it was built for, by the word of who built it.
    pub package: Option<Package>,
    /// What was wrong with its notes.
    pub faults: Vec<Fault>,
}

/// What a distributor wrote of the package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// "deb", "rpm", …
    pub kind: Option<String>,
    /// The package; mostly the source package.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The distribution, as `ID` of its os-release.
    pub os: Option<String>,
    /// Its version.
    pub os_version: Option<String>,
    /// The architecture, by the distribution's name of it.
    pub architecture: Option<String>,
}

impl Elf {
    /// Not linked yet: an object, or a module of the kernel.
    pub const OBJECT: u16 = 1;
    /// A program at a fixed address.
    pub const EXECUTABLE: u16 = 2;
    /// A library, or a program that can be loaded anywhere.
    pub const SHARED: u16 = 3;

    /// The processor, by the name that `uname -m` has for it.
    pub fn arch(&self) -> &'static str {
        match (self.machine, self.is_64) {
            (3 | 6, _) => "i686",
            (8, _) => "mips",
            (20, _) => "ppc",
            (21, _) => "ppc64",
            (22, _) => "s390x",
            (40, _) => "arm",
            (62, true) => "x86_64",
            (62, false) => "x32",
            (183, _) => "aarch64",
            (243, _) => "riscv64",
            (258, _) => "loongarch64",
            _ => "unknown",
        }
    }
}

/// The fields of a file's header that lead to its segments.
struct Header {
    order: Order,
    is_64: bool,
    segments_at: u64,
    row: usize,
    count: u16,
}

/// Reads header and notes. `Ok(None)`: no ELF; an error: it begins as one and ends in its header.
pub fn read(src: &dyn ReadAt) -> Result<Option<Elf>, Fault> {
    let whole = |what: String| Fault::new(At::Whole, what);
    let mut head = [0; 64];
    let there = src.read_at(0, &mut head).map_err(|error| whole(format!("cannot be read: {error}")))?;
    let head = head.get(..there).unwrap_or_default();
    if !head.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let cut = || whole(format!("the file ends after {there} bytes of its header"));
    let (header, mut elf) = header(head).ok_or_else(cut)??;
    if let Err(what) = elf.notes(src, &header) {
        note(&mut elf.faults, At::Record("notes".to_owned()), what);
    }
    Ok(Some(elf))
}

/// Header and file, or what is wrong; `None` when it is cut.
fn header(head: &[u8]) -> Option<Result<(Header, Elf), Fault>> {
    let (class, data) = (*head.get(4)?, *head.get(5)?);
    let (is_64, order) = match (class, data) {
        (1 | 2, 1) => (class == 2, Order::Little),
        (1 | 2, 2) => (class == 2, Order::Big),
        _ => return Some(Err(Fault::new(At::Whole, format!("of class {class} and byte order {data}")))),
    };
    let (segments_at, row_at, row) =
        if is_64 { (wide(order, head, 32)?, 54, 56) } else { (u64::from(order.u32(head, 28)?), 42, 32) };
    // The length of a row is fixed, and some packers lie about it: the kernel refuses those.
    let (stated, count) = (order.u16(head, row_at)?, order.u16(head, row_at + 2)?);
    let header =
        Header { order, is_64, segments_at, row, count: if usize::from(stated) == row { count } else { 0 } };
    let (machine, file_type) = (order.u16(head, 18)?, order.u16(head, 16)?);
    let elf = Elf { is_64, machine, file_type, build_id: None, package: None, faults: Vec::new() };
    Some(Ok((header, elf)))
}

/// Eight bytes at `at`.
fn wide(order: Order, bytes: &[u8], at: usize) -> Option<u64> {
    let raw = array::<8>(bytes, at)?;
    Some(if order == Order::Little { u64::from_le_bytes(raw) } else { u64::from_be_bytes(raw) })
}

impl Elf {
    fn notes(&mut self, src: &dyn ReadAt, header: &Header) -> Result<(), String> {
        let order = header.order;
        let mut table = vec![0; usize::from(header.count.min(MAX_SEGMENTS)) * header.row];
        fill(src, header.segments_at, &mut table)?;
        let notes = table.chunks_exact(header.row).filter(|row| order.u32(row, 0) == Some(NOTE));
        for row in notes.take(MAX_NOTE_SEGMENTS) {
            let narrow = |at| order.u32(row, at).map(u64::from);
            let (at, size, align) = if header.is_64 {
                (wide(order, row, 8), wide(order, row, 32), wide(order, row, 48))
            } else {
                (narrow(4), narrow(16), narrow(28))
            };
            let size = size.unwrap_or_default().min(MAX_NOTES);
            let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
            fill(src, at.unwrap_or_default(), &mut bytes)?;
            self.segment(order, &bytes, if align == Some(8) { 8 } else { 4 });
        }
        Ok(())
    }

    /// One segment of notes: each a header of three numbers, the owner, the contents. A note that does not fit ends it.
    fn segment(&mut self, order: Order, bytes: &[u8], align: usize) {
        let mut rest = bytes;
        while let Some(kind) = order.u32(rest, 8) {
            let size = |at| order.u32(rest, at).map(to_usize).unwrap_or_default();
            let (owner, contents) = (size(0), size(4));
            let contents_at = owner.saturating_add(12).checked_next_multiple_of(align).unwrap_or(usize::MAX);
            let end = contents_at.saturating_add(contents);
            let (Some(owner), Some(contents)) =
                (rest.get(12..owner.saturating_add(12)), rest.get(contents_at..end))
            else {
                return;
            };
            match (owner, kind) {
                (b"GNU\0", BUILD_ID) => self.build_id = Some(hex(contents)).filter(|id| !id.is_empty()),
                (b"FDO\0", PACKAGE) => self.package = package(contents),
                _ => {}
            }
            let next = end.checked_next_multiple_of(align).unwrap_or(usize::MAX);
            rest = rest.get(next..).unwrap_or_default();
        }
    }
}

/// JSON with zeros behind it.
fn package(contents: &[u8]) -> Option<Package> {
    let end = contents.iter().position(|byte| *byte == 0).unwrap_or(contents.len());
    let object: Value = serde_json::from_slice(contents.get(..end)?).ok()?;
    let text = |key| {
        let text = object.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    object.is_object().then(|| Package {
        kind: text("type"),
        name: text("name"),
        version: text("version"),
        os: text("os"),
        os_version: text("osVersion"),
        architecture: text("architecture"),
    })
}

#[cfg(test)]
#[path = "elf_tests.rs"]
mod tests;
