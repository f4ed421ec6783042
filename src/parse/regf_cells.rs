//! Cells of a hive: keys (nk), values (vk), lists of either, data of any length.
//! Format: <https://github.com/msuhanov/regf/blob/master/Windows%20registry%20file%20format%20specification.md>,
//! sections "Cell" and "Hive bins data".
//!
//! Called by `regf` only. Must not know names that matter to anybody. Nothing here recurses, every count is held
//! against the cell that it counts in.

use std::ops::ControlFlow;

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::bytes::Order;
use crate::parse::bytes::array;
use crate::parse::bytes::le32;
use crate::parse::regf::Key;
use crate::parse::regf::MAX_VALUE;
use crate::parse::regf_names::Hint;
use crate::parse::regf_names::Stored;
use crate::parse::regf_pages::Pages;
use crate::parse::registry_value::RegistryValue;

/// The bins begin here; offsets in cells count from here.
const BINS: u64 = 4096;
/// Bytes of a key's cell before its name.
const KEY: usize = 76;
/// Bytes of a value's cell before its name.
const VALUE: usize = 20;
/// Data longer than this lies in segments of this length, since version 1.4.
const SEGMENT: usize = 16344;
/// What looking at a cell costs, in bytes read.
const CELL: u64 = 64;
/// Entries of a list that are read at once.
const PIECE: usize = 128;
const COMPRESSED_KEY: u16 = 0x20;
const COMPRESSED_VALUE: u16 = 1;
/// The data is in the offset's place.
const INLINE: u32 = 1 << 31;

/// The cells of an opened hive.
pub(crate) struct Cells<R> {
    pub(crate) pages: Pages<R>,
    /// Where the bins end.
    pub(crate) end: u64,
    pub(crate) minor: u32,
    /// The root key's cell.
    pub(crate) root: u32,
}

/// Where the contents of an allocated cell are.
#[derive(Clone, Copy)]
struct Cell {
    /// In the file.
    at: u64,
    len: usize,
}

impl Cell {
    fn fault(self, what: impl Into<String>) -> Fault {
        Fault::new(At::Offset(self.at), what)
    }
}

/// An element of a list of subkeys.
pub(crate) struct Entry {
    pub(crate) cell: u32,
    pub(crate) hint: Hint,
}

/// A value's cell, its data not yet read.
pub(crate) struct ValueCell {
    cell: Cell,
    kind: u32,
    size: u32,
    data: [u8; 4],
    name: Vec<u8>,
    compressed: bool,
}

impl ValueCell {
    pub(crate) fn name(&self) -> Stored<'_> {
        Stored { bytes: &self.name, compressed: self.compressed }
    }
}

impl<R: ReadAt> Cells<R> {
    fn read(&self, at: u64, buf: &mut [u8]) -> Result<(), Fault> {
        self.pages.read(at, buf).map_err(|what| Fault::new(At::Offset(at), what))
    }

    /// The cell at an offset from the start of the bins.
    fn cell(&self, offset: u32) -> Result<Cell, Fault> {
        let at = BINS + u64::from(offset);
        let fault = |what: String| Fault::new(At::Offset(at), what);
        // A cell that is a fault costs work, too.
        self.pages.spend(CELL).map_err(fault)?;
        if !offset.is_multiple_of(8) || at + 8 > self.end {
            return Err(fault(format!("no cell can be at {offset:#x}")));
        }
        let mut head = [0; 4];
        self.read(at, &mut head)?;
        let size = i32::from_le_bytes(head);
        // A free cell has a positive size.
        if size > -8 {
            return Err(fault(format!("the cell is not in use (size {size})")));
        }
        let size = size.unsigned_abs();
        if at + u64::from(size) > self.end {
            return Err(fault(format!("a cell of {size} bytes reaches behind the hive's end")));
        }
        Ok(Cell { at: at + 4, len: size as usize - 4 })
    }

    /// The first bytes of a cell, which must be of a kind.
    fn head<const N: usize>(&self, cell: Cell, magic: [u8; 2], what: &str) -> Result<[u8; N], Fault> {
        let mut head = [0; N];
        if cell.len < N {
            return Err(cell.fault(format!("a cell of {} bytes is no {what}", cell.len)));
        }
        self.read(cell.at, &mut head)?;
        if !head.starts_with(&magic) {
            return Err(cell.fault(format!("the cell is no {what}")));
        }
        Ok(head)
    }

    /// A key. The parent must be the one in whose list the key stands, and the root must stand in none: so a walk
    /// cannot come back to where it was.
    pub(crate) fn key(&self, offset: u32, parent: Option<u32>) -> Result<Key, Fault> {
        let (key, name, compressed) = self.named_key(offset, parent)?;
        Ok(Key { name: Stored { bytes: &name, compressed }.text(), ..key })
    }

    /// The same if it has the name.
    pub(crate) fn key_if(
        &self,
        offset: u32,
        parent: u32,
        is: &dyn Fn(Stored<'_>) -> bool,
    ) -> Result<Option<Key>, Fault> {
        let (key, name, compressed) = self.named_key(offset, Some(parent))?;
        let name = Stored { bytes: &name, compressed };
        Ok(is(name).then(|| Key { name: name.text(), ..key }))
    }

    /// A key whose name is still as it is stored.
    fn named_key(&self, offset: u32, parent: Option<u32>) -> Result<(Key, Vec<u8>, bool), Fault> {
        let cell = self.cell(offset)?;
        if parent.is_some() && offset == self.root {
            return Err(cell.fault("the root key is listed as a child"));
        }
        let head = self.head::<KEY>(cell, *b"nk", "key")?;
        let field = |at| le32(&head, at).unwrap_or_default();
        let short = |at| Order::Little.u16(&head, at).unwrap_or_default();
        if parent.is_some_and(|parent| parent != field(16)) {
            return Err(cell.fault(format!("the key says that its parent is at {:#x}", field(16))));
        }
        let length = usize::from(short(72));
        if length > cell.len - KEY {
            return Err(cell.fault(format!("a key's name of {length} bytes in a cell of {}", cell.len)));
        }
        let mut name = vec![0; length];
        self.read(cell.at + KEY as u64, &mut name)?;
        let flags = short(2);
        let key = Key {
            name: String::new(),
            last_write: array::<8>(&head, 4).map_or(0, u64::from_le_bytes),
            cell: offset,
            flags,
            subkeys: field(20),
            subkey_list: field(28),
            values: field(36),
            value_list: field(40),
        };
        Ok((key, name, flags & COMPRESSED_KEY != 0))
    }

    /// The elements of a list of subkeys, through one list of lists. An unreadable list among several is handed out
    /// as a fault.
    pub(crate) fn entries(
        &self,
        list: u32,
        visit: &mut dyn FnMut(Result<Entry, Fault>) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let cell = self.cell(list)?;
        let (magic, count) = self.list_head(cell)?;
        if &magic != b"ri" {
            return self.leaf(cell, (magic, count), visit).map(drop);
        }
        let mut flow = ControlFlow::Continue(());
        let read = self.elements(cell, count, 4, &mut |raw| {
            let inner = le32(raw, 0).unwrap_or_default();
            let leaf = self.cell(inner).and_then(|cell| Ok((cell, self.list_head(cell)?)));
            flow = match leaf.and_then(|(cell, head)| self.leaf(cell, head, visit)) {
                Ok(flow) => flow,
                Err(fault) => visit(Err(fault)),
            };
            flow
        });
        match read {
            Err(fault) if flow.is_continue() => {
                let _last = visit(Err(fault));
            }
            _ => {}
        }
        Ok(())
    }

    fn list_head(&self, cell: Cell) -> Result<([u8; 2], usize), Fault> {
        if cell.len < 4 {
            return Err(cell.fault("the cell is no list of subkeys"));
        }
        let mut head = [0; 4];
        self.read(cell.at, &mut head)?;
        let [one, two, low, high] = head;
        Ok(([one, two], usize::from(u16::from_le_bytes([low, high]))))
    }

    fn leaf(
        &self,
        cell: Cell,
        (magic, count): ([u8; 2], usize),
        visit: &mut dyn FnMut(Result<Entry, Fault>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Fault> {
        let width = match &magic {
            b"lf" | b"lh" => 8,
            b"li" => 4,
            _ => return Err(cell.fault("the cell is no list of subkeys")),
        };
        let mut flow = ControlFlow::Continue(());
        self.elements(cell, count, width, &mut |raw| {
            let hint = match (&magic, array::<4>(raw, 4)) {
                (b"lf", Some(start)) => Hint::Start(start),
                (b"lh", Some(hash)) => Hint::Hash(u32::from_le_bytes(hash)),
                _ => Hint::None,
            };
            flow = visit(Ok(Entry { cell: le32(raw, 0).unwrap_or_default(), hint }));
            flow
        })?;
        Ok(flow)
    }

    /// The elements behind a list's head; after them a fault when there should be more.
    fn elements(
        &self,
        cell: Cell,
        count: usize,
        width: usize,
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let fit = count.min((cell.len - 4) / width);
        self.each(cell.at + 4, (fit, width), visit)?;
        if fit < count {
            return Err(cell.fault(format!("a list of {count} in a cell for {fit}")));
        }
        Ok(())
    }

    /// Elements of a width, read some at a time.
    fn each(
        &self,
        mut at: u64,
        (mut count, width): (usize, usize),
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut buf = [0; PIECE * 8];
        while count > 0 {
            let now = count.min(PIECE);
            let Some(piece) = buf.get_mut(..now * width) else { return Ok(()) };
            self.read(at, piece)?;
            if piece.chunks_exact(width).any(|raw| visit(raw).is_break()) {
                return Ok(());
            }
            at += piece.len() as u64;
            count -= now;
        }
        Ok(())
    }

    /// The cells of a key's values.
    pub(crate) fn value_cells(
        &self,
        of: &Key,
        visit: &mut dyn FnMut(u32) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        if of.values == 0 || of.is_predefined() {
            return Ok(());
        }
        let cell = self.cell(of.value_list)?;
        let fit = (of.values as usize).min(cell.len / 4);
        self.each(cell.at, (fit, 4), &mut |raw| visit(le32(raw, 0).unwrap_or_default()))?;
        if fit < of.values as usize {
            return Err(cell.fault(format!("{} values in a list for {fit}", of.values)));
        }
        Ok(())
    }

    /// A value's cell.
    pub(crate) fn value_cell(&self, offset: u32) -> Result<ValueCell, Fault> {
        let cell = self.cell(offset)?;
        let head = self.head::<VALUE>(cell, *b"vk", "value")?;
        let short = |at| Order::Little.u16(&head, at).unwrap_or_default();
        let length = usize::from(short(2));
        if length > cell.len - VALUE {
            return Err(cell.fault(format!("a value's name of {length} bytes in a cell of {}", cell.len)));
        }
        let mut name = vec![0; length];
        self.read(cell.at + VALUE as u64, &mut name)?;
        Ok(ValueCell {
            cell,
            size: le32(&head, 4).unwrap_or_default(),
            data: array::<4>(&head, 8).unwrap_or_default(),
            kind: le32(&head, 12).unwrap_or_default(),
            name,
            compressed: short(16) & COMPRESSED_VALUE != 0,
        })
    }

    /// A value with its data.
    pub(crate) fn data(&self, of: &ValueCell) -> Result<RegistryValue, Fault> {
        let size = (of.size & !INLINE) as usize;
        let named = |what: String| of.cell.fault(format!("value {:?}: {what}", of.name().text()));
        if size == 0 {
            return Ok(RegistryValue::new(of.kind, []));
        }
        if of.size & INLINE != 0 {
            let data = of.data.get(..size);
            return data
                .map(|data| RegistryValue::new(of.kind, data))
                .ok_or_else(|| named(format!("{size} bytes in place of an offset")));
        }
        if size > MAX_VALUE {
            return Err(named(format!("{size} bytes are over the cap of {MAX_VALUE}")));
        }
        let cell = self.cell(u32::from_le_bytes(of.data))?;
        let mut data = vec![0; size];
        if size > SEGMENT && self.minor >= 4 && self.is_segmented(cell)? {
            self.segments(cell, &mut data)?;
        } else if size > cell.len {
            return Err(named(format!("{size} bytes in a cell of {}", cell.len)));
        } else {
            self.read(cell.at, &mut data)?;
        }
        Ok(RegistryValue::new(of.kind, data))
    }

    fn is_segmented(&self, cell: Cell) -> Result<bool, Fault> {
        let mut magic = [0; 2];
        self.read(cell.at, &mut magic)?;
        Ok(&magic == b"db")
    }

    /// Data in segments (db).
    fn segments(&self, cell: Cell, data: &mut [u8]) -> Result<(), Fault> {
        let head = self.head::<8>(cell, *b"db", "list of segments")?;
        let count = usize::from(Order::Little.u16(&head, 2).unwrap_or_default());
        let list = self.cell(le32(&head, 4).unwrap_or_default())?;
        let needed = data.len().div_ceil(SEGMENT);
        if needed > count || needed > list.len / 4 {
            return Err(cell.fault(format!("{} bytes in {count} segments", data.len())));
        }
        for (at, segment) in (0_u64..).zip(data.chunks_mut(SEGMENT)) {
            let mut raw = [0; 4];
            self.read(list.at + at * 4, &mut raw)?;
            let from = self.cell(u32::from_le_bytes(raw))?;
            if segment.len() > from.len {
                return Err(from.fault(format!("a segment of {} bytes is too short", from.len)));
            }
            self.read(from.at, segment)?;
        }
        Ok(())
    }
}
