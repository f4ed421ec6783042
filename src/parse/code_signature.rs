//! Signatures of Apple's code, as they lie in Mach-O files: who signed, and whether the file is what was signed. Format:
//! `cs_blobs.h` of XNU and "TN3126: Inside Code Signing: Hashes" (developer.apple.com).
//!
//! Called by the sources that look at executables: [`read`] for each of them, as it reads a few kilobytes only; [`verify`],
//! which reads the whole slice, where a rule could need it. Must not know which roots are trusted.
//!
//! A signature is a box of blobs. The code directory holds the names that the program goes by and the hashes of its pages;
//! a CMS without content signs the code directory. A second directory with another hash says nothing more: if the pages are
//! those of the first, the file is what was signed. Property list and resources of a bundle are not looked at, although the
//! directory has their hashes, too: who changes them does not change who made the program, and macOS runs it still.

use std::ops::Range;

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::apple;
use crate::parse::apple::Maker;
use crate::parse::bytes::array;
use crate::parse::bytes::be32;
use crate::parse::bytes::fill;
use crate::parse::bytes::to_usize;
use crate::parse::chain::Anchors;
use crate::parse::chain::Trust;
use crate::parse::macho::Slice;
use crate::parse::pkcs7;
use crate::parse::pkcs7::Hash;
use crate::parse::pkcs7::Signature;

/// Blobs of one signature; real ones have up to ten.
const MAX_BLOBS: u32 = 64;
/// Longest CMS that is read; real ones have up to 20 KiB.
const MAX_CMS: u64 = 1 << 20;
/// Longest code directory that is read: enough for a program of 4 GiB, in pages of 4 KiB with SHA-256.
const MAX_DIRECTORY: u64 = 32 << 20;
/// Longest name in a directory.
const MAX_NAME: u64 = 1024;
/// Bytes read at a time when pages are hashed.
const PIECE: u64 = 64 * 1024;

/// Letters and kinds of blobs.
mod blob {
    pub(super) const SIGNATURE: u32 = 0xFADE_0CC0;
    pub(super) const DIRECTORY: u32 = 0xFADE_0C02;
    pub(super) const CMS: u32 = 0xFADE_0B01;
    pub(super) const DIRECTORY_SLOT: u32 = 0;
    pub(super) const CMS_SLOT: u32 = 0x1_0000;
}

/// Versions of the code directory, from which on it has more fields.
mod version {
    pub(super) const EARLIEST: u32 = 0x2_0001;
    pub(super) const SCATTER: u32 = 0x2_0100;
    pub(super) const TEAM: u32 = 0x2_0200;
    pub(super) const LIMIT_64: u32 = 0x2_0300;
    pub(super) const TOO_NEW: u32 = 0x2_F000;
}

/// What a signature says. Nothing of it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeSignature {
    /// The name that the program goes by; of a bundle its identifier.
    pub identifier: String,
    /// The id of the developer's team, as the directory names it.
    pub team_id: Option<String>,
    /// `CS_…` flags: 0x2 ad hoc, 0x10000 hardened runtime, 0x20000 signed by the linker.
    pub flags: u32,
    directory: Range<u64>,
    cms: Option<Range<u64>>,
    layout: Layout,
}

/// Where the hashes are, and of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Layout {
    hashes_at: u32,
    special: u32,
    slots: u32,
    limit: u64,
    hash_size: u8,
    hash_type: u8,
    page_bits: u8,
    scatter: bool,
}

/// What of a signature is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Who signed, by what they say.
    pub signature: Signature,
    /// Who stands behind that, where it is anchored.
    pub maker: Option<Maker>,
    /// What it is worth.
    pub trust: Trust,
}

impl Verdict {
    fn demoted(self, trust: Trust) -> Self {
        Self { maker: None, trust, ..self }
    }
}

/// Reads what a signature says of itself.
pub fn read(src: &dyn ReadAt, place: &Range<u64>) -> Result<CodeSignature, Fault> {
    CodeSignature::read(src, place).map_err(|what| Fault::new(At::Record("signature".to_owned()), what))
}

/// The bytes of a file that lie in a range of it.
fn part(src: &dyn ReadAt, range: &Range<u64>) -> Result<Vec<u8>, String> {
    let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default();
    let mut bytes = vec![0; length];
    fill(src, range.start, &mut bytes)?;
    Ok(bytes)
}

/// The bytes of a blob at an offset of the box, its header among them.
fn blob(
    src: &dyn ReadAt,
    place: &Range<u64>,
    offset: u32,
    (magic, most): (u32, u64),
) -> Result<Range<u64>, String> {
    let start = place.start.saturating_add(u64::from(offset));
    let mut header = [0; 8];
    if start.saturating_add(8) > place.end {
        return Err(format!("a blob at {offset} is outside"));
    }
    fill(src, start, &mut header)?;
    let (found, length) = (be32(&header, 0).unwrap_or_default(), be32(&header, 4).unwrap_or_default());
    if found != magic {
        return Err(format!("a blob of kind {found:#x} where {magic:#x} belongs"));
    }
    let length = u64::from(length);
    if length < 8 || length > place.end.saturating_sub(start) {
        return Err(format!("a blob of {length} bytes does not fit"));
    }
    if length > most {
        return Err(format!("a blob of {length} bytes, more than {most}"));
    }
    Ok(start..start + length)
}

impl CodeSignature {
    fn read(src: &dyn ReadAt, place: &Range<u64>) -> Result<Self, String> {
        let whole = blob(src, place, 0, (blob::SIGNATURE, u64::MAX))?;
        let mut count = [0; 4];
        fill(src, whole.start + 8, &mut count)?;
        let count = u32::from_be_bytes(count);
        if count > MAX_BLOBS {
            return Err(format!("{count} blobs"));
        }
        let index = whole.start + 12..whole.start + 12 + u64::from(count) * 8;
        if index.end > whole.end {
            return Err(format!("{count} blobs do not fit"));
        }
        let index = part(src, &index)?;
        let slot = |kind| {
            let mut rows = index.chunks_exact(8);
            rows.find(|row| be32(row, 0) == Some(kind)).and_then(|row| be32(row, 4))
        };
        let directory = slot(blob::DIRECTORY_SLOT).ok_or("it has no code directory")?;
        let directory = blob(src, &whole, directory, (blob::DIRECTORY, MAX_DIRECTORY))?;
        let cms = slot(blob::CMS_SLOT).map(|at| blob(src, &whole, at, (blob::CMS, MAX_CMS))).transpose()?;
        // `codesign` writes an empty one into what it signs for nobody.
        let cms = cms.map(|cms| cms.start + 8..cms.end).filter(|cms| !cms.is_empty());
        Self::of_directory(src, directory, cms)
    }

    fn of_directory(
        src: &dyn ReadAt,
        directory: Range<u64>,
        cms: Option<Range<u64>>,
    ) -> Result<Self, String> {
        let length = directory.end - directory.start;
        // As far as the fields that are read.
        let head = part(src, &(directory.start..directory.start + length.min(64)))?;
        let word = |at| be32(&head, at);
        let byte = |at| head.get(at).copied();
        let version = word(8).ok_or("its code directory is cut")?;
        if !(version::EARLIEST..version::TOO_NEW).contains(&version) {
            return Err(format!("a code directory of version {version:#x}"));
        }
        let since = |first, at| if version >= first { word(at) } else { Some(0) };
        let fields = || {
            let limit = u64::from(word(32)?);
            let wide = if version >= version::LIMIT_64 { u64::from_be_bytes(array(&head, 56)?) } else { 0 };
            let layout = Layout {
                hashes_at: word(16)?,
                special: word(24)?,
                slots: word(28)?,
                limit: if wide == 0 { limit } else { wide },
                hash_size: byte(36)?,
                hash_type: byte(37)?,
                page_bits: byte(39)?,
                scatter: since(version::SCATTER, 44)? != 0,
            };
            Some((word(12)?, word(20)?, since(version::TEAM, 48)?, layout))
        };
        let (flags, identifier, team, layout) = fields().ok_or("its code directory is cut")?;
        let name = |at| name(src, &directory, at);
        let team_id = if team == 0 { None } else { Some(name(team)?) };
        let (identifier, team_id) = (name(identifier)?, team_id.filter(|team| !team.is_empty()));
        Ok(Self { identifier, team_id, flags, directory, cms, layout })
    }

    /// Whether nobody signed: the hashes are there, and no name behind them.
    pub fn is_ad_hoc(&self) -> bool {
        self.cms.is_none()
    }

    /// Who signed, by what they say; nothing is checked. None of what nobody signed.
    pub fn signer(&self, src: &dyn ReadAt) -> Result<Option<Signature>, Fault> {
        let Some(cms) = &self.cms else { return Ok(None) };
        signature(src, cms, &[]).map(Some)
    }
}

/// The first signature in a CMS: the one that macOS asks for, too.
fn signature(src: &dyn ReadAt, cms: &Range<u64>, directory: &[u8]) -> Result<Signature, Fault> {
    let fault = |what: String| Fault::new(At::Record("signature".to_owned()), what);
    let bytes = part(src, cms).map_err(fault)?;
    let read = pkcs7::read_over(&bytes, Some(directory));
    let why =
        || read.faults.first().map_or_else(|| "it has no signer".to_owned(), |fault| fault.what.clone());
    read.records.into_iter().next().ok_or_else(|| fault(why()))
}

/// A name in a directory: up to its zero.
fn name(src: &dyn ReadAt, directory: &Range<u64>, at: u32) -> Result<String, String> {
    let start = directory.start.saturating_add(u64::from(at)).min(directory.end);
    let bytes = part(src, &(start..directory.end.min(start + MAX_NAME)))?;
    let end = bytes.iter().position(|byte| *byte == 0).ok_or("a name in it has no end")?;
    Ok(String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned())
}

/// Checks the signature of a slice against the file and the anchors; `None` when nobody signed it. Reads the whole slice, but
/// only of what somebody who is trusted signed.
pub fn verify(src: &dyn ReadAt, slice: &Slice, anchors: &Anchors) -> Result<Option<Verdict>, Fault> {
    let Some(place) = &slice.signature else { return Ok(None) };
    let says = read(src, place)?;
    let Some(cms) = &says.cms else { return Ok(None) };
    let fault = |what: String| Fault::new(At::Record("signature".to_owned()), what);
    let directory = part(src, &says.directory).map_err(fault)?;
    let signature = signature(src, cms, &directory)?;
    let (trust, maker) = apple::judge(&signature, anchors);
    let verdict = Verdict { signature, maker, trust };
    if let (Some(Maker::Team(team)), Some(stated)) = (&verdict.maker, &says.team_id)
        && team != stated
    {
        let what = format!("it names the team {stated}, and is signed by {team}");
        return Ok(Some(verdict.demoted(Trust::Broken(what))));
    }
    if verdict.maker.is_none() {
        return Ok(Some(verdict));
    }
    Ok(Some(match says.covers(src, slice, place, &directory) {
        Ok(()) => verdict,
        Err(trust) => verdict.demoted(trust),
    }))
}

impl CodeSignature {
    /// Whether the pages of a slice are those whose hashes the directory holds.
    fn covers(
        &self,
        src: &dyn ReadAt,
        slice: &Slice,
        place: &Range<u64>,
        directory: &[u8],
    ) -> Result<(), Trust> {
        let broken = |what: &str| Trust::Broken(what.to_owned());
        let layout = &self.layout;
        let hash = layout
            .hash()
            .filter(|_| !layout.scatter)
            .ok_or_else(|| Trust::Unanchored(format!("its pages are hashed by kind {}", layout.hash_type)))?;
        // Everything before the signature is signed; what stands behind it, nothing of the slice points to.
        if slice.range.start.checked_add(layout.limit) != Some(place.start) {
            return Err(broken("it does not cover all of the file"));
        }
        let page = match layout.page_bits {
            0 => layout.limit.max(1),
            bits @ 1..=32 => 1_u64 << bits,
            _ => return Err(broken("its pages are of no size")),
        };
        if layout.limit.div_ceil(page) != u64::from(layout.slots) {
            return Err(broken("it does not cover all of the file"));
        }
        let size = usize::from(layout.hash_size);
        let mut hashes = directory.get(to_usize(layout.hashes_at)..).unwrap_or_default().chunks_exact(size);
        let mut start = slice.range.start;
        while start < place.start {
            let end = place.start.min(start.saturating_add(page));
            let digest = digest(src, start..end, hash)
                .map_err(|what| Trust::Unanchored(format!("the file could not be hashed: {what}")))?;
            if hashes.next().is_none_or(|stated| digest.get(..size) != Some(stated)) {
                return Err(broken("the file is not what was signed: another hash of a page"));
            }
            start = end;
        }
        Ok(())
    }

    /// Whether the directory has the hash of these bytes in one of its special slots: 1 for the bundle's `Info.plist`, 3 for
    /// its list of resources. None where that slot is empty.
    pub fn seals(&self, src: &dyn ReadAt, slot: u32, bytes: &[u8]) -> Result<Option<bool>, Fault> {
        let (Some(hash), size) = (self.layout.hash(), u64::from(self.layout.hash_size)) else {
            return Ok(None);
        };
        let before = u64::from(self.layout.hashes_at).checked_sub(size.saturating_mul(u64::from(slot)));
        let Some(before) = before.filter(|_| (1..=self.layout.special).contains(&slot)) else {
            return Ok(None);
        };
        let start = self.directory.start.saturating_add(before).min(self.directory.end);
        let stated = part(src, &(start..self.directory.end.min(start + size)))
            .map_err(|what| Fault::new(At::Record("signature".to_owned()), what))?;
        if stated.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        Ok(Some(hash.of(bytes).get(..stated.len()) == Some(&*stated)))
    }
}

impl Layout {
    /// The hash of its pages; one of SHA-256 may be cut to the length of SHA-1.
    fn hash(&self) -> Option<Hash> {
        match (self.hash_type, self.hash_size) {
            (1, 20) => Some(Hash::Sha1),
            (2, 32) | (3, 20) => Some(Hash::Sha256),
            (4, 48) => Some(Hash::Sha384),
            _ => None,
        }
    }
}

fn digest(src: &dyn ReadAt, range: Range<u64>, hash: Hash) -> Result<Vec<u8>, String> {
    let mut running = hash.start();
    let mut at = range.start;
    while at < range.end {
        let end = range.end.min(at.saturating_add(PIECE));
        running.update(&part(src, &(at..end))?);
        at = end;
    }
    Ok(running.finish().as_ref().to_vec())
}

#[cfg(test)]
#[path = "code_signature_tests.rs"]
mod tests;
