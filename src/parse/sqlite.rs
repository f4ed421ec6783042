//! A read-only reader of `SQLite` databases that belong to others: the file header, the
//! schema, the rows of a table, with the write-ahead log laid over the file in memory.
//! Format: <https://www.sqlite.org/fileformat2.html>.
//!
//! Called by [`crate::parse::rpmdb`] and by the sources that read browser databases. Must not
//! know SQL, and must not leave a trace: no lock, no `-shm`, no temporary file. As no lock is
//! held, a writer that comes in between is found at the end, and is a fault.

use crate::parse::At;
use crate::parse::CHANGED;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::bytes::PageSet;
use crate::parse::bytes::be16;
use crate::parse::bytes::be32;
use crate::parse::bytes::fill;
use crate::parse::note;
use crate::parse::sqlite_btree::Walk;
use crate::parse::sqlite_record::Encoding;
use crate::parse::sqlite_record::Row;
use crate::parse::sqlite_record::Value;
use crate::parse::sqlite_wal::Wal;
use std::ops::ControlFlow;

/// Length of the database header at the start of page 1.
pub(crate) const HEADER: usize = 100;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// An opened database.
pub struct Database<'s> {
    main: &'s dyn ReadAt,
    wal: Option<Wal<'s>>,
    page_size: usize,
    /// Bytes of a page that hold data: the rest is reserved for extensions.
    usable: usize,
    pages: u32,
    encoding: Encoding,
    /// The main file's header as it was first read; empty when the file was.
    first: Vec<u8>,
    faults: Vec<Fault>,
}

/// A table as the schema names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The page where its tree begins.
    pub root: u32,
    /// Its `CREATE TABLE` statement, for whoever needs the columns' names.
    pub sql: String,
}

impl<'s> Database<'s> {
    /// Opens a database and, when there is one, its `-wal` file.
    ///
    /// The main file may be empty or hold only page 1: then the rows are in the log. An error
    /// means that nothing can be read; lesser faults come with [`Database::rows`].
    pub fn open(main: &'s dyn ReadAt, wal: Option<&'s dyn ReadAt>) -> Result<Self, Fault> {
        let mut faults = Vec::new();
        let wal = wal.and_then(|wal| Wal::open(wal, &mut faults));
        let whole = |what: String| Fault::new(At::Whole, what);
        let first = first_bytes(main).map_err(whole)?;
        let mut header = [0; HEADER];
        let in_wal = match &wal {
            Some(wal) => wal.load(1, &mut header).map_err(whole)?,
            None => false,
        };
        if !in_wal {
            let Some(bytes) = first.first_chunk::<HEADER>() else {
                let why = faults.pop().map(|fault| format!("; {fault}")).unwrap_or_default();
                return Err(whole(format!("{} bytes are no database{why}", first.len())));
            };
            header = *bytes;
        }
        let mut database = Self::from_header(&header, main, wal).map_err(whole)?;
        database.first = first;
        database.faults = faults;
        database.measure(&header);
        Ok(database)
    }

    fn from_header(
        header: &[u8; HEADER],
        main: &'s dyn ReadAt,
        wal: Option<Wal<'s>>,
    ) -> Result<Self, String> {
        if !header.starts_with(MAGIC) {
            return Err("not a SQLite 3 database".to_owned());
        }
        let page_size = match be16(header, 16) {
            Some(1) => 65536,
            Some(size) if size >= 512 && size.is_power_of_two() => usize::from(size),
            other => return Err(format!("page size {}", other.unwrap_or(0))),
        };
        if let Some((size, _)) = wal.as_ref().and_then(Wal::committed)
            && size != page_size
        {
            return Err(format!("pages of {page_size} bytes, in its log of {size}"));
        }
        let (read_version, reserved) = match (header.get(19), header.get(20)) {
            (Some(&version), Some(&reserved)) => (version, usize::from(reserved)),
            _ => (0, 0),
        };
        if !(1..=2).contains(&read_version) {
            return Err(format!("file format version {read_version} is not known"));
        }
        let usable = page_size.saturating_sub(reserved);
        if usable < 480 {
            return Err(format!("{reserved} of {page_size} bytes of each page are reserved"));
        }
        let encoding = match be32(header, 56) {
            Some(0 | 1) => Encoding::Utf8,
            Some(2) => Encoding::Utf16Le,
            Some(3) => Encoding::Utf16Be,
            other => return Err(format!("text encoding {}", other.unwrap_or(0))),
        };
        let (pages, first, faults) = (0, Vec::new(), Vec::new());
        Ok(Self { main, wal, page_size, usable, pages, encoding, first, faults })
    }

    /// Finds out how many pages there should be, and notes when they are not all there.
    fn measure(&mut self, header: &[u8; HEADER]) {
        let in_file = self.main.size() / self.page_size as u64;
        let committed = self.wal.as_ref().and_then(Wal::committed);
        // The count in the header holds only if the last writer knew of it: "in-header
        // database size", section 1.3.7 of the format.
        let counted = be32(header, 28).filter(|&n| n > 0 && be32(header, 24) == be32(header, 92));
        let guess = u32::try_from(in_file).unwrap_or(u32::MAX);
        self.pages = committed.map(|(_, pages)| pages).or(counted).unwrap_or(guess);
        let in_wal = self.wal.as_ref().map_or(0, |wal| wal.pages_behind(in_file));
        let missing = u64::from(self.pages).saturating_sub(in_file).saturating_sub(in_wal);
        if missing > 0 {
            let what = format!("{missing} of {} pages are missing: the file is cut", self.pages);
            note(&mut self.faults, At::Whole, what);
        } else if committed.is_none()
            && counted.is_none()
            && !self.main.size().is_multiple_of(self.page_size as u64)
        {
            note(&mut self.faults, At::Whole, "the file ends inside a page");
        }
    }

    /// The table of this name (ASCII case ignored); `Ok(None)` only if the whole schema was read.
    pub fn table(&self, name: &str) -> Result<Option<Table>, Vec<Fault>> {
        let mut found = None;
        let faults = self.walk(1, &mut |row| {
            found = schema_entry(row, name);
            if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match found {
            None if !faults.is_empty() => Err(faults),
            found => Ok(found),
        }
    }

    /// Hands every row of a table to `visit`, and returns all that was wrong with the
    /// database: an empty list means that every row was handed out or the visitor broke off.
    pub fn rows(&mut self, table: &str, visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>) -> Vec<Fault> {
        let mut faults = self.faults.clone();
        let found = match self.table(table) {
            Ok(Some(table)) => self.walk(table.root, visit),
            Ok(None) => vec![Fault::new(At::Whole, format!("has no table {table}"))],
            Err(schema) => schema,
        };
        for fault in found {
            note(&mut faults, fault.at, fault.what);
        }
        if !self.unchanged() {
            note(&mut faults, At::Whole, CHANGED);
        }
        faults
    }

    fn walk(&self, root: u32, visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>) -> Vec<Fault> {
        let Some(used) = PageSet::new(u64::from(self.pages) + 1) else {
            return vec![Fault::new(At::Whole, format!("{} pages are over the cap", self.pages))];
        };
        let mut walk = Walk::new(self, used);
        walk.tree(root, visit);
        walk.into_faults()
    }

    /// False when a writer touched the file or its log since they were opened.
    fn unchanged(&self) -> bool {
        let same = first_bytes(self.main).is_ok_and(|now| now == self.first);
        same && self.wal.as_ref().is_none_or(Wal::unchanged)
    }

    /// Reads a page, from the log when it is there, else from the file.
    pub(crate) fn load(&self, page: u32, buf: &mut Vec<u8>) -> Result<(), String> {
        if page == 0 || page > self.pages {
            return Err(format!("is not one of the {} pages", self.pages));
        }
        buf.resize(self.page_size, 0);
        if let Some(wal) = &self.wal
            && wal.load(page, buf)?
        {
            return Ok(());
        }
        fill(self.main, u64::from(page - 1) * self.page_size as u64, buf)
    }

    pub(crate) fn usable(&self) -> usize {
        self.usable
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }
}

/// Up to [`HEADER`] bytes from the start of the main file.
fn first_bytes(main: &dyn ReadAt) -> Result<Vec<u8>, String> {
    let mut buf = vec![0; HEADER];
    let there = main.read_at(0, &mut buf).map_err(|error| format!("cannot be read: {error}"))?;
    buf.truncate(there);
    Ok(buf)
}

/// `sqlite_schema` has the columns type, name, `tbl_name`, rootpage, sql.
fn schema_entry(row: &Row<'_>, name: &str) -> Option<Table> {
    let mut values = row.values();
    let text = |value| if let Some(Value::Text(text)) = value { Some(text.decode()) } else { None };
    let kind = text(values.next())?;
    let found = text(values.next())?;
    if kind != "table" || !found.eq_ignore_ascii_case(name) {
        return None;
    }
    let Some(Value::Int(root)) = values.nth(1) else { return None };
    let sql = text(values.next()).unwrap_or_default().into_owned();
    Some(Table { root: u32::try_from(root).ok()?, sql })
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
pub(crate) mod tests;
