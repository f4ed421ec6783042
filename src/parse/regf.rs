//! A reader of Windows registry hives (regf) that belong to others: keys and values by positioned reads of the cells
//! on the way, with the transaction logs of a dirty hive laid over it in memory.
//! Format: <https://github.com/msuhanov/regf/blob/master/Windows%20registry%20file%20format%20specification.md>.
//!
//! Called by the registry of `host`. Must not know which keys matter, and must not leave a trace: nothing is written.
//!
//! Memory: an open hive holds 64 pages of 4 KiB (256 KiB) and, when it was dirty, less than 64 bytes for each range of
//! its logs (a log of 1 MB has some hundreds; at most 262,144 are taken, which is 16 MB). While the children of a key
//! are visited, 8 bytes more for each of them; a value's data are at most [`MAX_VALUE`].

use std::ops::ControlFlow;

use crate::parse::At;
use crate::parse::CHANGED;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::note;
use crate::parse::regf_base::Base;
use crate::parse::regf_cells::Cells;
use crate::parse::regf_cells::Entry;
use crate::parse::regf_log::replay;
use crate::parse::regf_names::Wanted;
use crate::parse::regf_pages::Overlay;
use crate::parse::regf_pages::Pages;
use crate::parse::registry_value::RegistryValue;

/// Bytes of one value that are read; a longer one is a fault. Windows advises to keep even 2 KiB in files.
pub const MAX_VALUE: usize = 1 << 20;
/// Children of one key that are visited.
const MAX_CHILDREN: usize = 1 << 20;
/// Size of the base block's page; bins begin behind it.
const BINS: u64 = 4096;

/// The target of the key is in its value `SymbolicLinkValue`.
const LINK: u16 = 0x10;
/// The value list's fields hold a handle.
const PREDEFINED: u16 = 0x40;

/// An opened hive. It can be read from several threads.
pub struct Hive<R> {
    cells: Cells<R>,
    /// The primary file's base block as it was opened.
    base: Base,
    faults: Vec<Fault>,
}

/// A key, apart from its hive: its name, and where its children and values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// As the writer spelled it; an unpaired surrogate is U+FFFD. The root's name is not part of any path.
    pub name: String,
    /// When the key or one of its values was last changed: FILETIME, units of 100 ns since 1601.
    pub last_write: u64,
    pub(crate) cell: u32,
    pub(crate) flags: u16,
    pub(crate) subkeys: u32,
    pub(crate) subkey_list: u32,
    pub(crate) values: u32,
    pub(crate) value_list: u32,
}

impl Key {
    /// Whether Windows goes on at another key, named in the value `SymbolicLinkValue`. The reader does not follow.
    pub fn is_link(&self) -> bool {
        self.flags & LINK != 0
    }

    /// How many children it claims to have.
    pub fn child_count(&self) -> u32 {
        self.subkeys
    }

    pub(crate) fn is_predefined(&self) -> bool {
        self.flags & PREDEFINED != 0
    }
}

impl<R: ReadAt> Hive<R> {
    /// Opens a hive; its logs (`.LOG`, `.LOG1`, `.LOG2`, in any order) are read only when it is dirty.
    ///
    /// An error means that it is no hive of a known version. What is amiss with one that can be read nevertheless
    /// is in [`Hive::faults`].
    pub fn open(primary: R, logs: Vec<R>) -> Result<Self, Fault> {
        let whole = |what: String| Fault::new(At::Whole, what);
        let base = Base::read(&primary).map_err(whole)?;
        let mut faults = Vec::new();
        let replayed = base.dirty().then(|| replay(&base, &logs)).flatten();
        if base.dirty() && replayed.is_none() {
            note(&mut faults, At::Whole, state(&base, &logs));
        }
        // A block whose checksum does not fit is mended from the log, as Windows does.
        let mended = replayed.as_ref().filter(|_| !base.sound).map(|replayed| &replayed.base);
        let head = mended.unwrap_or(&base);
        if let Some(what) = head.refused(mended.is_some()) {
            return Err(whole(what));
        }
        let (root, minor) = (head.root, head.minor);
        let bins = replayed.as_ref().map_or(head.bins, |replayed| replayed.bins);
        let (overlay, left) = match replayed {
            Some(replayed) => (replayed.overlay, replayed.left),
            None => (Overlay::default(), None),
        };
        if let Some(what) = left {
            note(&mut faults, At::Whole, format!("changed after its state on the disk: {what}"));
        }
        let end = BINS + u64::from(bins);
        let there = primary.size().max(overlay.end());
        if there < end {
            note(
                &mut faults,
                At::Whole,
                format!("{} of {end} bytes are missing: the file is cut", end - there),
            );
        }
        let cells = Cells { pages: Pages::new(primary, logs, overlay, end), end, minor, root };
        Ok(Self { cells, base, faults })
    }

    /// What is wrong with the hive as a whole: each means that keys or values may be missing or out of date.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// A fault when the hive was written to since it was opened: what was read may not fit together.
    pub fn changed(&self) -> Option<Fault> {
        let same = Base::read(self.cells.pages.primary()).is_ok_and(|now| now == self.base);
        (!same).then(|| Fault::new(At::Whole, CHANGED))
    }

    /// The root key.
    pub fn root(&self) -> Result<Key, Fault> {
        self.cells.key(self.cells.root, None)
    }

    /// The key at a path from the root (`Microsoft\Windows`), or none when a key on the way is not there.
    pub fn find(&self, path: &str) -> Result<Option<Key>, Fault> {
        let mut key = self.root()?;
        for name in path.split('\\').filter(|name| !name.is_empty()) {
            match self.child(&key, name)? {
                Some(child) => key = child,
                None => return Ok(None),
            }
        }
        Ok(Some(key))
    }

    /// The child of this name, case ignored. `Ok(None)` only when all that could be it was read.
    pub fn child(&self, of: &Key, name: &str) -> Result<Option<Key>, Fault> {
        if of.subkeys == 0 {
            return Ok(None);
        }
        let wanted = Wanted::new(name);
        let look = |entry: Entry| {
            if !wanted.may_be(entry.hint) {
                return Ok(None);
            }
            self.cells.key_if(entry.cell, of.cell, &|stored| wanted.is(stored))
        };
        let (mut found, mut fault, mut count) = (None, None, 0);
        self.cells.entries(of.subkey_list, &mut |entry| {
            count += 1;
            match entry.and_then(look) {
                Ok(None) => {}
                Ok(key) => found = key,
                Err(one) => fault = fault.take().or(Some(one)),
            }
            if found.is_some() || count == MAX_CHILDREN {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        match (found, fault) {
            (None, Some(fault)) => Err(fault),
            (None, None) if count != of.subkeys as usize => Err(of.miscounted(count)),
            (found, _) => Ok(found),
        }
    }

    /// Hands out every child in the order of the hive, which is that of names. A child that cannot be read is handed
    /// out as a fault, and the rest go on; an error means that there is no list to read.
    pub fn children(
        &self,
        of: &Key,
        visit: &mut dyn FnMut(Result<Key, Fault>) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        if of.subkeys == 0 {
            return Ok(());
        }
        let (mut cells, mut faults) = (Vec::new(), Vec::new());
        let read = self.cells.entries(of.subkey_list, &mut |entry| {
            match entry {
                Ok(entry) => cells.push(entry.cell),
                Err(fault) => note(&mut faults, fault.at, fault.what),
            }
            if cells.len() < MAX_CHILDREN { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        match read {
            Err(fault) if cells.is_empty() => return Err(fault),
            Err(fault) => faults.push(fault),
            Ok(()) if cells.len() != of.subkeys as usize && faults.is_empty() => {
                faults.push(of.miscounted(cells.len()));
            }
            Ok(()) => {}
        }
        // A key that stands in the list many times would multiply the work of whoever descends.
        if let Some(unique) = unique(&cells) {
            faults
                .push(of.fault(format!("{} children are listed more than once", cells.len() - unique.len())));
            cells = unique;
        }
        for cell in cells {
            if visit(self.cells.key(cell, Some(of.cell))).is_break() {
                return Ok(());
            }
        }
        for fault in faults {
            if visit(Err(fault)).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The value of this name, case ignored; `""` is the default value. `Ok(None)` only when all names were read.
    pub fn value(&self, of: &Key, name: &str) -> Result<Option<RegistryValue>, Fault> {
        let wanted = Wanted::new(name);
        let (mut found, mut fault) = (None, None);
        self.cells.value_cells(of, &mut |cell| match self.cells.value_cell(cell) {
            Ok(value) if wanted.is(value.name()) => {
                found = Some(value);
                ControlFlow::Break(())
            }
            Ok(_) => ControlFlow::Continue(()),
            Err(one) => {
                fault = fault.take().or(Some(one));
                ControlFlow::Continue(())
            }
        })?;
        match (found, fault) {
            (Some(value), _) => self.cells.data(&value).map(Some),
            (None, Some(fault)) => Err(fault),
            (None, None) => Ok(None),
        }
    }

    /// Hands out every value with its name, `""` for the default one, in the order they were first written. A value
    /// that cannot be read is handed out as a fault; an error means that there is no list to read, or not all of it.
    pub fn values(
        &self,
        of: &Key,
        visit: &mut dyn FnMut(Result<(String, RegistryValue), Fault>),
    ) -> Result<(), Fault> {
        self.cells.value_cells(of, &mut |cell| {
            let value = self.cells.value_cell(cell);
            visit(value.and_then(|value| Ok((value.name().text(), self.cells.data(&value)?))));
            ControlFlow::Continue(())
        })
    }
}

impl Key {
    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(At::Record(format!("key {:?}", self.name)), what)
    }

    fn miscounted(&self, found: usize) -> Fault {
        self.fault(format!("has {found} children in its list and counts {}", self.subkeys))
    }
}

/// Why a dirty hive is read as it is.
fn state<R>(base: &Base, logs: &[R]) -> String {
    let what = if base.sound { "was being written" } else { "has a wrong checksum in its base block" };
    let logs = if logs.is_empty() { "there is no log" } else { "no log belongs to this state" };
    format!("{what}, and {logs}: changes may be missing")
}

/// The numbers without repetitions, in rising order; none when there are no repetitions.
fn unique(cells: &[u32]) -> Option<Vec<u32>> {
    let mut sorted = cells.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() < cells.len()).then_some(sorted)
}

#[cfg(test)]
#[path = "regf_tests.rs"]
mod tests;
