//! Pure readers: bytes in, structs out; one format per file, each with a fuzz target.
//!
//! Called by `host`, `sources` and `ruleset`. Must not know where bytes come from, what a host is,
//! or what a rule wants. A reader never panics, never allocates by a size the input
//! claims without a cap, and keeps every sound record beside the faults it met.

use std::fmt;

pub mod apk;
pub mod appimage;
pub mod apple;
pub mod appstream;
pub mod appx_manifest;
pub mod appx_name;
pub mod authenticode;
pub mod background_items;
pub mod bdb;
pub mod bom;
pub mod browser_policy;
mod bytes;
pub mod catalog;
pub mod certificate_store;
mod cfb;
pub mod chain;
pub mod chromium_preferences;
pub mod code_signature;
mod codepage;
pub mod command;
#[cfg(test)]
pub(crate) mod corpora_tests;
#[cfg(test)]
pub(crate) mod corpora_windows_tests;
pub mod crontab;
pub mod deb822;
mod der;
pub mod dpkg;
pub mod edid;
pub mod elf;
pub mod filetime;
pub mod firefox_addons;
pub mod firmlinks;
pub mod fstab;
pub mod guid;
pub mod homebrew;
pub mod init_script;
pub mod job_file;
mod json;
pub mod kext_policy;
pub mod keychain;
pub mod keyfile;
pub mod lnk;
mod lnk_ids;
pub mod macho;
pub mod magic;
pub mod modules;
pub mod mountinfo;
pub mod msi;
pub mod msix;
pub mod native_host;
pub mod ndb;
pub mod nss_db;
pub mod nuspec;
mod oid;
pub mod os_release;
pub mod pacman;
pub mod passwd;
pub mod pe;
pub mod pem;
pub mod pkcs7;
pub mod plist;
mod plist_binary;
mod plist_xml;
mod public_key;
pub mod regf;
mod regf_base;
mod regf_cells;
mod regf_log;
mod regf_names;
mod regf_pages;
pub mod registry_value;
pub mod roots;
pub mod rpm_header;
pub mod rpmdb;
pub mod scoop;
pub mod security_descriptor;
pub mod snap_yaml;
mod spc;
pub mod sqlite;
mod sqlite_btree;
pub mod sqlite_record;
mod sqlite_wal;
pub mod sums;
pub mod task;
pub mod task_actions;
pub mod text;
pub mod unit;
pub mod usb_id;
mod utf16;
pub mod version_resource;
pub mod web_extension;
pub mod windows_command;
pub mod winget_db;
pub mod x509;
mod xml;
pub mod zip;
pub mod zip_strict;

/// Positioned reads over a file too large to load, or a byte slice in tests.
///
/// Implemented by `host` for files and here for slices, so that page-based formats
/// (`SQLite`, `BerkeleyDB`, NDB) read only the pages on their way.
pub trait ReadAt {
    /// Length in bytes when it was opened.
    fn size(&self) -> u64;
    /// Fills `buf` from `offset`; returns how many bytes were there (short only at the end).
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize>;
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn size(&self) -> u64 {
        (**self).size()
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        (**self).read_at(offset, buf)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Box<T> {
    fn size(&self) -> u64 {
        (**self).size()
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        (**self).read_at(offset, buf)
    }
}

/// Where in its input a reader met a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// Line number, from 1.
    Line(usize),
    /// Byte offset, from 0.
    Offset(u64),
    /// A named record ("kesl", "hnum 17", "page 4").
    Record(String),
    /// The input as a whole.
    Whole,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(n) => write!(f, "line {n}"),
            Self::Offset(n) => write!(f, "offset {n}"),
            Self::Record(name) => write!(f, "record {name}"),
            Self::Whole => f.write_str("the whole file"),
        }
    }
}

/// One thing wrong in an input. The reader went on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: At,
    /// What, as a sentence part: "stanza without a Package field".
    pub what: String,
}

impl Fault {
    /// A fault at a place.
    pub fn new(at: At, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// What a reader made of an input: every sound record, and every fault beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<T> {
    /// Sound records, in input order.
    pub records: Vec<T>,
    /// What was wrong; empty means the input was read whole. At most [`MAX_FAULTS`].
    pub faults: Vec<Fault>,
}

/// Faults kept per input: a garbage file must not fill memory with complaints.
pub const MAX_FAULTS: usize = 64;

impl<T> Default for Parsed<T> {
    fn default() -> Self {
        Self { records: Vec::new(), faults: Vec::new() }
    }
}

impl<T> Parsed<T> {
    /// Notes a fault, up to the cap.
    pub fn fault(&mut self, at: At, what: impl Into<String>) {
        note(&mut self.faults, at, what);
    }
}

/// What a reader says of a database that a writer touched in between: reading it again may help.
pub const CHANGED: &str = "the database was changed while it was read";

/// Notes a fault in a list of a streaming reader, up to [`MAX_FAULTS`].
pub(crate) fn note(faults: &mut Vec<Fault>, at: At, what: impl Into<String>) {
    if faults.len() < MAX_FAULTS {
        faults.push(Fault::new(at, what));
    }
}
