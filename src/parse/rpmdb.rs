//! The three formats an RPM package database may have, behind one call.
//!
//! Called by `sources::linux::rpm`. Must not know where the files lie or what a header says.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::bdb;
use crate::parse::ndb;
use crate::parse::note;
use crate::parse::sqlite::Database;
use crate::parse::sqlite_record::Value;
use std::ops::ControlFlow;

/// Longest header taken; librpm's own limit is 256 MB, the longest seen in the field 9 MB.
pub const MAX_BLOB: u64 = 64 * 1024 * 1024;

/// Takes one record: its number in the database and the header's bytes, valid for the call.
pub type Visit<'v> = dyn FnMut(u32, &[u8]) -> ControlFlow<()> + 'v;

/// Which format a database file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// `rpmdb.sqlite`, since RPM 4.16.
    Sqlite,
    /// `Packages.db`, SUSE.
    Ndb,
    /// `Packages`, up to RPM 4.15.
    BerkeleyDb,
}

impl Backend {
    /// The format by its magic bytes; none for an empty or unknown file.
    pub fn sniff(src: &dyn ReadAt) -> Option<Self> {
        let mut head = [0; 16];
        let n = src.read_at(0, &mut head).ok()?;
        let head = head.get(..n)?;
        if head == b"SQLite format 3\0" {
            Some(Self::Sqlite)
        } else if head.starts_with(ndb::MAGIC) {
            Some(Self::Ndb)
        } else if bdb::is_magic(head) {
            Some(Self::BerkeleyDb)
        } else {
            None
        }
    }
}

/// Hands every header of the database to `visit`; `wal` matters to `SQLite` only.
///
/// Sound records come even when others are damaged. An empty list of faults means that the
/// database was read whole (or that the visitor broke off).
pub fn headers(
    backend: Backend,
    src: &dyn ReadAt,
    wal: Option<&dyn ReadAt>,
    visit: &mut Visit<'_>,
) -> Vec<Fault> {
    match backend {
        Backend::Ndb => ndb::records(src, visit),
        Backend::BerkeleyDb => bdb::records(src, visit),
        Backend::Sqlite => sqlite_headers(src, wal, visit),
    }
}

/// `CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)`:
/// `lib/backend/sqlite.c` of RPM.
fn sqlite_headers(src: &dyn ReadAt, wal: Option<&dyn ReadAt>, visit: &mut Visit<'_>) -> Vec<Fault> {
    let mut database = match Database::open(src, wal) {
        Ok(database) => database,
        Err(fault) => return vec![fault],
    };
    let mut odd = Vec::new();
    let mut faults = database.rows("Packages", &mut |row| {
        let number = u32::try_from(row.rowid()).unwrap_or(0);
        if let Some(Value::Blob(blob)) = row.value(1) {
            visit(number, blob)
        } else {
            note(&mut odd, At::Record(format!("hnum {}", row.rowid())), "row without a blob");
            ControlFlow::Continue(())
        }
    });
    for fault in odd {
        note(&mut faults, fault.at, fault.what);
    }
    faults
}

#[cfg(test)]
#[path = "rpmdb_tests.rs"]
pub(crate) mod tests;
