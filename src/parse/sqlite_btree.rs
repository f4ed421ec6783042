//! The walk over one table of a `SQLite` database, with row ids or `WITHOUT ROWID`:
//! <https://www.sqlite.org/fileformat2.html#b_tree_pages>.
//!
//! Called by `sqlite` only. Must not know where a page comes from (file or log).

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::bytes::PageSet;
use crate::parse::bytes::be16;
use crate::parse::bytes::be32;
use crate::parse::note;
use crate::parse::rpmdb::MAX_BLOB;
use crate::parse::sqlite::Database;
use crate::parse::sqlite::HEADER;
use crate::parse::sqlite_record::Row;
use crate::parse::sqlite_record::varint;
use std::ops::ControlFlow;

/// `BTCURSOR_MAX_DEPTH`: SQLite itself takes no deeper tree for sound.
const MAX_DEPTH: usize = 20;

type Visit<'v> = dyn FnMut(&Row<'_>) -> ControlFlow<()> + 'v;

/// The state of one walk; pages are read when they are reached, into reused buffers.
pub(crate) struct Walk<'d, 's> {
    database: &'d Database<'s>,
    /// A sound tree uses each page once, so this stops loops and shared chains alike.
    used: PageSet,
    spare: Vec<Vec<u8>>,
    payload: Vec<u8>,
    last: Option<i64>,
    /// The tree is that of an index, as a table `WITHOUT ROWID` is stored: known from its root.
    index: bool,
    faults: Vec<Fault>,
}

/// A cell of a leaf page.
struct Cell<'p> {
    rowid: i64,
    /// Bytes of the record that lie on the page.
    local: &'p [u8],
    /// Where the rest lies, and how long the whole is.
    overflow: Option<(u32, usize)>,
}

impl<'d, 's> Walk<'d, 's> {
    pub(crate) fn new(database: &'d Database<'s>, used: PageSet) -> Self {
        Self {
            database,
            used,
            spare: Vec::new(),
            payload: Vec::new(),
            last: None,
            index: false,
            faults: Vec::new(),
        }
    }

    pub(crate) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// All rows below `root`, in the order of their ids.
    pub(crate) fn tree(&mut self, root: u32, visit: &mut Visit<'_>) {
        // A break is the visitor's own wish and no fault.
        let (ControlFlow::Continue(()) | ControlFlow::Break(())) = self.node(root, 0, visit);
    }

    fn fault(&mut self, page: u32, what: impl Into<String>) {
        note(&mut self.faults, At::Record(format!("page {page}")), what);
    }

    fn node(&mut self, number: u32, depth: usize, visit: &mut Visit<'_>) -> ControlFlow<()> {
        if depth >= MAX_DEPTH {
            self.fault(number, format!("tree deeper than {MAX_DEPTH}"));
            return ControlFlow::Continue(());
        }
        let mut page = self.spare.pop().unwrap_or_default();
        let step = match self.load(number, &mut page) {
            Ok(()) => self.page(number, depth, &page, visit),
            Err(what) => {
                self.fault(number, what);
                ControlFlow::Continue(())
            }
        };
        self.spare.push(page);
        step
    }

    fn load(&mut self, number: u32, page: &mut Vec<u8>) -> Result<(), String> {
        if !self.used.take(number) {
            return Err("page used twice, or not in the database".to_owned());
        }
        self.database.load(number, page)
    }

    fn page(&mut self, number: u32, depth: usize, page: &[u8], visit: &mut Visit<'_>) -> ControlFlow<()> {
        let base = if number == 1 { HEADER } else { 0 };
        let page = page.get(..self.database.usable()).unwrap_or_default();
        let claimed = usize::from(be16(page, base + 3).unwrap_or(0));
        // A page has room for so many pointers of 2 bytes; a higher count would cost work for nothing.
        let cells = claimed.min(page.len() / 2);
        if cells < claimed {
            self.fault(number, format!("{claimed} cells on one page"));
        }
        let kind = page.get(base);
        if depth == 0 {
            self.index = matches!(kind, Some(0x02 | 0x0a));
        }
        match (kind, self.index) {
            (Some(0x0d), false) | (Some(0x0a), true) => {
                if cells == 0 && depth > 0 {
                    self.fault(number, "leaf without a row");
                }
                self.leaf(number, page, (base + 8, cells), visit)
            }
            (Some(0x05 | 0x02), _) if (kind == Some(&2)) == self.index => {
                self.interior(number, depth, (page, base + 12, cells), visit)
            }
            (other, _) => {
                self.fault(number, format!("type {} where a tree page belongs", other.unwrap_or(&0)));
                ControlFlow::Continue(())
            }
        }
    }

    fn interior(
        &mut self,
        number: u32,
        depth: usize,
        (page, array, cells): (&[u8], usize, usize),
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        let mut room = page.len();
        for n in 0..cells {
            let start = cell_start(page, array, cells, n);
            let Some(child) = start.and_then(|at| be32(page, at)) else {
                self.fault(number, format!("cell {n} outside its page"));
                continue;
            };
            self.node(child, depth + 1, visit)?;
            // A row of an index lies between two children, behind the number of the left one.
            if self.index {
                self.cell(number, page, (n, start.map(|at| at + 4)), (&mut room, visit))?;
            }
        }
        match be32(page, array - 4) {
            Some(child) => self.node(child, depth + 1, visit),
            None => ControlFlow::Continue(()),
        }
    }

    fn leaf(
        &mut self,
        number: u32,
        page: &[u8],
        (array, cells): (usize, usize),
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        let mut room = page.len();
        for n in 0..cells {
            let start = cell_start(page, array, cells, n);
            self.cell(number, page, (n, start), (&mut room, visit))?;
        }
        ControlFlow::Continue(())
    }

    /// Reads cell `n` of a page and hands out its row.
    fn cell(
        &mut self,
        number: u32,
        page: &[u8],
        (n, start): (usize, Option<usize>),
        (room, visit): (&mut usize, &mut Visit<'_>),
    ) -> ControlFlow<()> {
        // The rows of an index have no ids: they are counted.
        let counted = self.index.then(|| self.last.unwrap_or(0).saturating_add(1));
        let start = start.ok_or_else(|| "outside its page".to_owned());
        let cell = match start.and_then(|at| read_cell(page, at, counted)) {
            Ok(cell) => cell,
            Err(what) => {
                self.fault(number, format!("cell {n}: {what}"));
                return ControlFlow::Continue(());
            }
        };
        // Cells that overlap would let a small file ask for unbounded work.
        let Some(rest) = room.checked_sub(cell.local.len()) else {
            self.fault(number, "cells overlap");
            *room = 0;
            return ControlFlow::Continue(());
        };
        *room = rest;
        self.row(&cell, visit)
    }

    fn row(&mut self, cell: &Cell<'_>, visit: &mut Visit<'_>) -> ControlFlow<()> {
        if self.last.is_some_and(|last| last >= cell.rowid) {
            self.row_fault(cell.rowid, "row out of order");
        }
        self.last = Some(cell.rowid);
        let mut payload = std::mem::take(&mut self.payload);
        let record = match cell.overflow {
            None => Ok(cell.local),
            Some((first, len)) => {
                payload.clear();
                payload.extend_from_slice(cell.local);
                self.chain(first, len, &mut payload).map(|()| payload.as_slice())
            }
        };
        let row = record.and_then(|record| Row::new(cell.rowid, record, self.database.encoding()));
        let step = match row {
            Ok(row) => visit(&row),
            Err(what) => {
                self.row_fault(cell.rowid, what);
                ControlFlow::Continue(())
            }
        };
        self.payload = payload;
        step
    }

    fn row_fault(&mut self, rowid: i64, what: impl Into<String>) {
        note(&mut self.faults, At::Record(format!("row {rowid}")), what);
    }

    /// Collects the rest of a record from its overflow pages.
    fn chain(&mut self, first: u32, len: usize, payload: &mut Vec<u8>) -> Result<(), String> {
        let mut page = self.spare.pop().unwrap_or_default();
        let mut number = first;
        let mut outcome = Ok(());
        while payload.len() < len {
            if let Err(what) = self.load(number, &mut page) {
                outcome = Err(format!("overflow page {number}: {what}"));
                break;
            }
            let data = page.get(4..self.database.usable()).unwrap_or_default();
            let here = data.len().min(len - payload.len());
            payload.extend_from_slice(data.get(..here).unwrap_or_default());
            number = be32(&page, 0).unwrap_or(0);
        }
        self.spare.push(page);
        if outcome.is_ok() && number != 0 {
            return Err(format!("its overflow goes on at page {number}"));
        }
        outcome
    }
}

/// Where cell `n` begins; none when that is not behind the pointers and inside the page.
fn cell_start(page: &[u8], array: usize, cells: usize, n: usize) -> Option<usize> {
    let at = usize::from(be16(page, array + n * 2)?);
    (at >= array + cells * 2 && at < page.len()).then_some(at)
}

/// A cell with a row: payload length, row id (not in an index, where it is `counted`), payload, first
/// overflow page.
fn read_cell(page: &[u8], at: usize, counted: Option<i64>) -> Result<Cell<'_>, String> {
    const SHORT: &str = "cut at the end of its page";
    let rest = page.get(at..).unwrap_or_default();
    let (len, one) = varint(rest).ok_or(SHORT)?;
    let rest = rest.get(one..).unwrap_or_default();
    let (rowid, two) = match counted {
        Some(number) => (number, 0),
        None => varint(rest).map(|(rowid, two)| (rowid.cast_signed(), two)).ok_or(SHORT)?,
    };
    let rest = rest.get(two..).unwrap_or_default();
    if len > MAX_BLOB {
        return Err(format!("row {rowid} of {len} bytes is over the cap of {MAX_BLOB}"));
    }
    let len = usize::try_from(len).map_err(|_| SHORT)?;
    let on_page = local_len(page.len(), len, counted.is_some());
    let local = rest.get(..on_page).ok_or(SHORT)?;
    let overflow = if on_page < len { Some((be32(rest, on_page).ok_or(SHORT)?, len)) } else { None };
    Ok(Cell { rowid, local, overflow })
}

/// How much of a record lies on its page: "Cell Payload Overflow Pages", section 1.6.
/// `usable` is at least 480.
fn local_len(usable: usize, len: usize, index: bool) -> usize {
    let most = if index { (usable - 12) * 64 / 255 - 23 } else { usable - 35 };
    if len <= most {
        return len;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let surplus = least + (len - least) % (usable - 4);
    if surplus <= most { surplus } else { least }
}
