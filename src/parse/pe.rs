//! Portable Executable files: what they are for, where their parts lie, and the entries of
//! their certificate table. Format: <https://learn.microsoft.com/en-us/windows/win32/debug/pe-format>.
//!
//! Called by [`crate::parse::authenticode`], [`crate::parse::version_resource`] and the sources
//! that look at executables. Reads headers and what is asked for, never the whole file, which
//! may have gigabytes. Must not know what a signature or a resource means.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::Parsed;
use crate::parse::ReadAt;
use crate::parse::bytes::array;
use crate::parse::bytes::fill;
use crate::parse::bytes::le32;
use crate::parse::bytes::to_usize;
use crate::parse::note;
use std::ops::Range;

/// Sections that are read. Windows XP loads up to 96, later ones more, linkers make up to 30.
const MAX_SECTIONS: usize = 512;
/// Entries of the certificate table that are read; real files have one or two.
const MAX_CERTIFICATES: usize = 16;
/// Bytes that are read of one entry. What installers hide behind the signature is not of it.
const MAX_CERTIFICATE: u64 = 4 << 20;
/// Bytes that are read of all entries.
const MAX_TABLE: u64 = 16 << 20;

/// Which of the data directories holds what.
mod directory {
    pub(super) const RESOURCES: usize = 2;
    pub(super) const CERTIFICATES: usize = 4;
    pub(super) const COUNT: usize = 16;
}

/// The headers of an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pe {
    /// `IMAGE_FILE_MACHINE_…`: 0x14c x86, 0x8664 x64, 0xaa64 ARM64.
    pub machine: u16,
    /// A library, not a program.
    pub is_dll: bool,
    /// PE32+: made for 64 bits.
    pub is_64: bool,
    /// In the order of the file, at most 512.
    pub sections: Vec<Section>,
    /// Offset of the checksum, which a signature does not cover.
    pub(crate) checksum_at: u64,
    /// Offset of the entry that names the certificate table, which it does not cover either.
    pub(crate) certificates_entry_at: Option<u64>,
    /// Address and size of each directory. Of the certificate table it is an offset.
    directories: Vec<(u32, u32)>,
    headers_size: u32,
    size: u64,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name, without the zeros behind it (".rsrc").
    pub name: String,
    /// Where it is loaded, and how much room it has there.
    pub address: u32,
    /// See [`Self::address`].
    pub virtual_size: u32,
    /// Where it lies in the file, and how many bytes of it.
    pub offset: u32,
    /// See [`Self::offset`].
    pub size: u32,
}

/// One entry of the certificate table (`WIN_CERTIFICATE`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateEntry {
    /// `wRevision`: 0x200 for all that signs today.
    pub revision: u16,
    /// `wCertificateType`: 2 is PKCS#7 `SignedData`.
    pub kind: u16,
    /// Its contents, with the zeros that fill it up; of a huge one the first 4 MiB.
    pub data: Vec<u8>,
}

impl CertificateEntry {
    /// `WIN_CERT_TYPE_PKCS_SIGNED_DATA`.
    pub const PKCS7: u16 = 2;
}

/// Reads the headers. `Ok(None)`: not a PE (text, DOS, 16-bit Windows); an error: it begins as
/// one and is damaged, or cannot be read.
pub fn read(src: &dyn ReadAt) -> Result<Option<Pe>, Fault> {
    let whole = |what: String| Fault::new(At::Whole, what);
    let mut dos = [0; 64];
    let there = src.read_at(0, &mut dos).map_err(|error| whole(format!("cannot be read: {error}")))?;
    if there < dos.len() || !dos.starts_with(b"MZ") {
        return Ok(None);
    }
    let pe_at = u64::from(le32(&dos, 0x3C).unwrap_or_default());
    let mut magic = [0; 4];
    let there = src.read_at(pe_at, &mut magic).map_err(|error| whole(format!("cannot be read: {error}")))?;
    // Programs for DOS and 16-bit Windows have other letters or none there.
    if there < magic.len() || magic != *b"PE\0\0" {
        return Ok(None);
    }
    Pe::headers(src, pe_at + 4).map(Some).map_err(whole)
}

impl Pe {
    /// From the COFF header on.
    fn headers(src: &dyn ReadAt, at: u64) -> Result<Self, String> {
        let mut coff = [0; 20];
        fill(src, at, &mut coff)?;
        let sections = le16(&coff, 2);
        let optional_at = at + coff.len() as u64;
        let mut optional = vec![0; usize::from(le16(&coff, 16))];
        fill(src, optional_at, &mut optional)?;
        let is_64 = match le16(&optional, 0) {
            0x10B => false,
            0x20B => true,
            other => return Err(format!("optional header of kind {other:#x}")),
        };
        let directories_at = if is_64 { 112 } else { 96 };
        let count = le32(&optional, directories_at - 4).map(to_usize).unwrap_or_default();
        let mut directories = Vec::new();
        for n in 0..count.min(directory::COUNT) {
            let at = directories_at + n * 8;
            let (Some(start), Some(size)) = (le32(&optional, at), le32(&optional, at + 4)) else { break };
            directories.push((start, size));
        }
        let entry_at = directories_at + directory::CERTIFICATES * 8;
        Ok(Self {
            machine: le16(&coff, 0),
            is_dll: le16(&coff, 18) & 0x2000 != 0,
            is_64,
            sections: sections_of(src, optional_at + optional.len() as u64, usize::from(sections))?,
            checksum_at: optional_at + 64,
            certificates_entry_at: (directories.len() > directory::CERTIFICATES)
                .then_some(optional_at + entry_at as u64),
            directories,
            headers_size: le32(&optional, 60).unwrap_or_default(),
            size: src.size(),
        })
    }

    /// Length of the file when its headers were read.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where the bytes of an address lie in the file, and how many follow there.
    pub fn offset(&self, address: u32) -> Option<Range<u64>> {
        let found = self.sections.iter().find_map(|section| {
            let inside = address.checked_sub(section.address)?;
            let start = u64::from(section.offset) + u64::from(inside);
            (inside < section.size).then(|| start..u64::from(section.offset) + u64::from(section.size))
        });
        // The headers are loaded too, at their offset.
        let headers = u64::from(address)..u64::from(self.headers_size);
        let range = found.or_else(|| (!headers.is_empty()).then_some(headers))?;
        let range = range.start..range.end.min(self.size);
        (!range.is_empty()).then_some(range)
    }

    /// Address and size of the resources.
    pub(crate) fn resources(&self) -> Option<(u32, u32)> {
        self.directories.get(directory::RESOURCES).copied().filter(|(address, _)| *address != 0)
    }

    /// What lies behind the last section, certificate table included: of installers the payload.
    pub fn overlay(&self) -> Option<Range<u64>> {
        let ends = self.sections.iter().filter(|section| section.size > 0);
        let ends = ends.map(|section| u64::from(section.offset) + u64::from(section.size));
        let end = ends.max().unwrap_or(u64::from(self.headers_size));
        (end < self.size).then_some(end..self.size)
    }

    /// Where the certificate table lies; `None` when the file says that it has none.
    pub fn certificate_table(&self) -> Option<Range<u64>> {
        let (offset, size) = self.directories.get(directory::CERTIFICATES).copied()?;
        let start = u64::from(offset);
        (offset != 0 && size != 0).then(|| start..start + u64::from(size))
    }

    /// Reads the entries of the certificate table.
    pub fn certificates(&self, src: &dyn ReadAt) -> Parsed<CertificateEntry> {
        let mut out = Parsed::default();
        let Some(table) = self.certificate_table() else { return out };
        if table.end > self.size {
            let what = format!("the certificate table ends at {}, the file at {}", table.end, self.size);
            note(&mut out.faults, At::Offset(table.start), what);
        }
        let end = table.end.min(self.size);
        let mut budget = MAX_TABLE;
        let mut at = table.start;
        // Fewer bytes than a header are what fills up the table.
        while at.saturating_add(8) <= end {
            if out.records.len() >= MAX_CERTIFICATES || budget == 0 {
                out.fault(At::Offset(at), "more certificate entries than are read");
                break;
            }
            match entry(src, at, end, &mut budget) {
                Ok((entry, length)) => {
                    out.records.push(entry);
                    // Each begins at a multiple of 8 (PE format, "attribute certificate table").
                    at = at.saturating_add(length.next_multiple_of(8));
                }
                Err(what) => {
                    out.fault(At::Offset(at), what);
                    break;
                }
            }
        }
        out
    }
}

/// One entry of the table that ends at `end`, and the length that it states.
fn entry(src: &dyn ReadAt, at: u64, end: u64, budget: &mut u64) -> Result<(CertificateEntry, u64), String> {
    let mut header = [0; 8];
    fill(src, at, &mut header)?;
    let length = u64::from(le32(&header, 0).unwrap_or_default());
    let room = end.saturating_sub(at);
    if length < 8 {
        return Err(format!("a certificate entry of {length} bytes"));
    }
    if length > room {
        return Err(format!("a certificate entry of {length} bytes, with room for {room}"));
    }
    let kept = (length - 8).min(MAX_CERTIFICATE).min(*budget);
    *budget -= kept;
    let mut data = vec![0; usize::try_from(kept).unwrap_or_default()];
    fill(src, at + 8, &mut data)?;
    Ok((CertificateEntry { revision: le16(&header, 4), kind: le16(&header, 6), data }, length))
}

fn sections_of(src: &dyn ReadAt, at: u64, count: usize) -> Result<Vec<Section>, String> {
    let mut table = vec![0; count.min(MAX_SECTIONS) * 40];
    fill(src, at, &mut table)?;
    let field = |row: &[u8], at| le32(row, at).unwrap_or_default();
    let sections = table.chunks_exact(40).map(|row| {
        let name = row.first_chunk::<8>().copied().unwrap_or_default();
        let name = String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned();
        let (virtual_size, address, size) = (field(row, 8), field(row, 12), field(row, 16));
        Section { name, address, virtual_size, offset: field(row, 20), size }
    });
    Ok(sections.collect())
}

/// Two bytes, little-endian; 0 where the header is too short.
fn le16(bytes: &[u8], at: usize) -> u16 {
    array::<2>(bytes, at).map(u16::from_le_bytes).unwrap_or_default()
}

#[cfg(test)]
#[path = "pe_tests.rs"]
pub(crate) mod tests;
