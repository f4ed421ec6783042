//! One RPM header as the package database stores it: no 8-byte magic, then the number of
//! index entries, the length of the store, the index, the store; all big-endian.
//! Format: <https://rpm-software-management.github.io/rpm/manual/format_header.html>.
//!
//! Called by `sources` for every record that [`crate::parse::rpmdb`] hands out.
//! Must not know in which database the header lay.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::Parsed;
use crate::parse::bytes::be16;
use crate::parse::bytes::be32;
use crate::parse::bytes::to_usize;
use std::ops::ControlFlow;

/// What an installed package says about itself. A field is `None` when the header has no such tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RpmHeader {
    /// `NAME`, without version ("kesl", "gpg-pubkey").
    pub name: String,
    /// `EPOCH`; absent is not the same as 0 to `rpm -q`, but compares equal.
    pub epoch: Option<u32>,
    /// `VERSION`.
    pub version: Option<String>,
    /// `RELEASE`.
    pub release: Option<String>,
    /// `ARCH`; a `gpg-pubkey` has none.
    pub arch: Option<String>,
    /// `VENDOR`: who says to have built it.
    pub vendor: Option<String>,
    /// `PACKAGER`, often a person or a mail address.
    pub packager: Option<String>,
    /// `URL`, the project's home page.
    pub url: Option<String>,
    /// `SOURCERPM`, a file name ("rpm-4.16.0-1.fc33.src.rpm").
    pub source_rpm: Option<String>,
    /// `INSTALLTIME`, seconds since 1970.
    pub install_time: Option<u32>,
    /// `SIZE` or `LONGSIZE`, bytes of all files.
    pub size: Option<u64>,
    /// True when a text was not UTF-8 and was read with replacement characters.
    pub lossy: bool,
}

impl RpmHeader {
    /// `[epoch:]version-release`, the string that RPM compares.
    pub fn evr(&self) -> Option<String> {
        let version = self.version.as_deref()?;
        let epoch = self.epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        let release = self.release.as_deref().map(|release| format!("-{release}")).unwrap_or_default();
        Some(format!("{epoch}{version}{release}"))
    }
}

/// Takes one path: the directory with its closing slash, and the base name.
pub type VisitPath<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Longest text kept; no sound tag of ours comes near.
const MAX_TEXT: usize = 64 * 1024;

/// Tag numbers of `rpmtag.h`.
mod tag {
    pub(super) const NAME: u32 = 1000;
    pub(super) const VERSION: u32 = 1001;
    pub(super) const RELEASE: u32 = 1002;
    pub(super) const EPOCH: u32 = 1003;
    pub(super) const INSTALLTIME: u32 = 1008;
    pub(super) const SIZE: u32 = 1009;
    pub(super) const VENDOR: u32 = 1011;
    pub(super) const PACKAGER: u32 = 1015;
    pub(super) const URL: u32 = 1020;
    pub(super) const ARCH: u32 = 1022;
    pub(super) const OLDFILENAMES: u32 = 1027;
    pub(super) const SOURCERPM: u32 = 1044;
    pub(super) const DIRINDEXES: u32 = 1116;
    pub(super) const BASENAMES: u32 = 1117;
    pub(super) const DIRNAMES: u32 = 1118;
    pub(super) const LONGSIZE: u32 = 5009;
}

/// Data types of `rpmTagType_e` that our tags have.
mod kind {
    pub(super) const INT16: u32 = 3;
    pub(super) const INT32: u32 = 4;
    pub(super) const INT64: u32 = 5;
    pub(super) const STRING: u32 = 6;
    pub(super) const STRING_ARRAY: u32 = 8;
    pub(super) const I18NSTRING: u32 = 9;
}

/// The name and fields of a header. No record when it has no readable name.
///
/// Where a tag stands twice (inside the signed region and in the entries that the
/// installation added after it) the later one holds, as in `headerImport` of librpm.
pub fn read(blob: &[u8]) -> Parsed<RpmHeader> {
    let mut out = Parsed::default();
    let Some(raw) = Raw::open(blob) else {
        out.fault(At::Whole, format!("{} bytes are no RPM header", blob.len()));
        return out;
    };
    let mut header = RpmHeader::default();
    let mut named = false;
    for entry in raw.entries() {
        match header.take(&raw, &entry) {
            Ok(was_name) => named |= was_name,
            Err(what) => out.fault(At::Record(format!("tag {}", entry.tag)), what),
        }
    }
    if let Some(what) = raw.damage(blob.len()) {
        out.fault(At::Whole, what);
    }
    if named && !header.name.is_empty() {
        out.records.push(header);
    } else {
        out.fault(At::Whole, "header without a package name");
    }
    out
}

impl RpmHeader {
    /// Takes one index entry; true when it was the name.
    fn take(&mut self, raw: &Raw<'_>, entry: &Entry) -> Result<bool, String> {
        match entry.tag {
            tag::EPOCH => self.epoch = Some(raw.int32(entry)?),
            tag::INSTALLTIME => self.install_time = Some(raw.int32(entry)?),
            tag::SIZE => self.size = self.size.or(Some(u64::from(raw.int32(entry)?))),
            tag::LONGSIZE => self.size = Some(raw.int64(entry)?),
            tag::NAME => self.name = self.text(raw, entry)?,
            tag => {
                let Some(field) = self.text_field(tag) else { return Ok(false) };
                let (value, lossy) = raw.text(entry)?;
                *field = Some(value);
                self.lossy |= lossy;
            }
        }
        Ok(entry.tag == tag::NAME)
    }

    fn text(&mut self, raw: &Raw<'_>, entry: &Entry) -> Result<String, String> {
        let (value, lossy) = raw.text(entry)?;
        self.lossy |= lossy;
        Ok(value)
    }

    fn text_field(&mut self, tag: u32) -> Option<&mut Option<String>> {
        Some(match tag {
            tag::VERSION => &mut self.version,
            tag::RELEASE => &mut self.release,
            tag::ARCH => &mut self.arch,
            tag::VENDOR => &mut self.vendor,
            tag::PACKAGER => &mut self.packager,
            tag::URL => &mut self.url,
            tag::SOURCERPM => &mut self.source_rpm,
            _ => return None,
        })
    }
}

/// Streams the paths a package owns as (directory with its closing slash, base name),
/// without a list of them; the visitor may break off. Returns what was wrong with the lists.
///
/// A package without files has no fault and no call.
pub fn files(blob: &[u8], visit: &mut VisitPath<'_>) -> Vec<Fault> {
    let mut out: Parsed<()> = Parsed::default();
    let Some(raw) = Raw::open(blob) else {
        out.fault(At::Whole, format!("{} bytes are no RPM header", blob.len()));
        return out.faults;
    };
    if let Err(what) = raw.stream(visit) {
        out.fault(At::Record("file list".to_owned()), what);
    }
    if let Some(what) = raw.damage(blob.len()) {
        out.fault(At::Whole, what);
    }
    out.faults
}

/// One index entry: 16 bytes.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u32,
    kind: u32,
    offset: usize,
    count: u32,
}

/// A header cut into index and store, nothing decoded.
struct Raw<'a> {
    index: &'a [u8],
    store: &'a [u8],
    claimed: u64,
}

impl<'a> Raw<'a> {
    /// None when there is not even a whole index.
    fn open(blob: &'a [u8]) -> Option<Self> {
        let entries = to_usize(be32(blob, 0)?);
        let store_len = be32(blob, 4)?;
        let index_len = entries.checked_mul(16)?;
        let (index, rest) = blob.get(8..)?.split_at_checked(index_len)?;
        let store = rest.get(..to_usize(store_len)).unwrap_or(rest);
        let claimed = 8 + index_len as u64 + u64::from(store_len);
        Some(Self { index, store, claimed })
    }

    /// librpm refuses a header whose length is not exactly what its first 8 bytes say.
    fn damage(&self, len: usize) -> Option<String> {
        let len = len as u64;
        (len != self.claimed).then(|| format!("header of {len} bytes says that it has {}", self.claimed))
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + use<'a> {
        self.index.chunks_exact(16).filter_map(|raw| {
            Some(Entry {
                tag: be32(raw, 0)?,
                kind: be32(raw, 4)?,
                offset: to_usize(be32(raw, 8)?),
                count: be32(raw, 12)?,
            })
        })
    }

    fn last(&self, tag: u32) -> Option<Entry> {
        self.entries().filter(|entry| entry.tag == tag).last()
    }

    fn int32(&self, entry: &Entry) -> Result<u32, String> {
        let value = match entry.kind {
            kind::INT32 if entry.count > 0 => be32(self.store, entry.offset),
            kind::INT16 if entry.count > 0 => be16(self.store, entry.offset).map(u32::from),
            _ => return Err(format!("type {} where a number belongs", entry.kind)),
        };
        value.ok_or_else(|| "number outside the header".to_owned())
    }

    fn int64(&self, entry: &Entry) -> Result<u64, String> {
        if entry.kind != kind::INT64 || entry.count == 0 {
            return Err(format!("type {} where a long number belongs", entry.kind));
        }
        let high = be32(self.store, entry.offset);
        let low = entry.offset.checked_add(4).and_then(|at| be32(self.store, at));
        match (high, low) {
            (Some(high), Some(low)) => Ok(u64::from(high) << 32 | u64::from(low)),
            _ => Err("number outside the header".to_owned()),
        }
    }

    /// The text of an entry, and whether it had to be mended; of several the first.
    fn text(&self, entry: &Entry) -> Result<(String, bool), String> {
        let is_text = matches!(entry.kind, kind::STRING | kind::STRING_ARRAY | kind::I18NSTRING);
        if !is_text || entry.count == 0 {
            return Err(format!("type {} where a text belongs", entry.kind));
        }
        let mut strings = self.strings(entry);
        let bytes = strings.next().ok_or("text outside the header")?;
        let kept = bytes.get(..MAX_TEXT).unwrap_or(bytes);
        let text = String::from_utf8_lossy(kept);
        let lossy = matches!(text, std::borrow::Cow::Owned(_)) || kept.len() < bytes.len();
        Ok((text.into_owned(), lossy))
    }

    /// The NUL-terminated strings of an entry; stops at the store's end.
    fn strings(&self, entry: &Entry) -> Strings<'a> {
        Strings { rest: self.store.get(entry.offset..).unwrap_or_default(), left: entry.count }
    }

    fn stream(&self, visit: &mut VisitPath<'_>) -> Result<(), String> {
        if let Some(entry) = self.last(tag::OLDFILENAMES) {
            return self.stream_old(&entry, visit);
        }
        let Some(bases) = self.last(tag::BASENAMES) else { return Ok(()) };
        let dirs = self.last(tag::DIRNAMES).ok_or("base names without directory names")?;
        let indexes = self.last(tag::DIRINDEXES).ok_or("base names without directory numbers")?;
        if indexes.kind != kind::INT32 || indexes.count != bases.count {
            return Err(format!("{} base names, {} directory numbers", bases.count, indexes.count));
        }
        let dirs: Vec<&[u8]> = self.strings(&dirs).collect();
        let numbers = self.store.get(indexes.offset..).unwrap_or_default().chunks_exact(4);
        let mut seen = 0_u32;
        for (base, number) in self.strings(&bases).zip(numbers) {
            let number = be32(number, 0).unwrap_or(u32::MAX);
            let dir = dirs.get(to_usize(number)).ok_or_else(|| format!("no directory {number}"))?;
            if visit(dir, base).is_break() {
                return Ok(());
            }
            seen = seen.saturating_add(1);
        }
        counted(seen, bases.count)
    }

    /// Packages built before RPM 4 (2000) hold whole paths.
    fn stream_old(&self, entry: &Entry, visit: &mut VisitPath<'_>) -> Result<(), String> {
        let mut seen = 0_u32;
        for path in self.strings(entry) {
            let cut = memchr::memrchr(b'/', path).map_or(0, |at| at.saturating_add(1));
            let (dir, base) = path.split_at_checked(cut).unwrap_or_default();
            if visit(dir, base).is_break() {
                return Ok(());
            }
            seen = seen.saturating_add(1);
        }
        counted(seen, entry.count)
    }
}

fn counted(seen: u32, claimed: u32) -> Result<(), String> {
    if seen == claimed { Ok(()) } else { Err(format!("{seen} of {claimed} file names are there")) }
}

struct Strings<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let end = memchr::memchr(0, self.rest)?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }
}

#[cfg(test)]
#[path = "rpm_header_tests.rs"]
mod tests;
