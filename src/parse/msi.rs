//! MSI databases: the table `Property`, which says what product a package installs, who made it, and
//! the codes under which Windows Installer knows it. The container is [MS-CFB]; the tables in it are
//! not documented. [reverse-engineered; Wine's `dlls/msi` and msitools read the same]
//!
//! Called by the sources that find packages. Must not know where the file lies. The crate `msi` is not
//! used: it loads all of a database and panics on some that are damaged.

use std::collections::HashMap;
use std::iter::Peekable;
use std::vec::IntoIter;

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::Parsed;
use crate::parse::ReadAt;
use crate::parse::bytes::to_usize;
use crate::parse::cfb::Compound;
use crate::parse::cfb::Stream;
use crate::parse::codepage;
use crate::parse::guid::Guid;
use crate::parse::text::MAX_VALUE;

/// Properties that are read; the largest packages have some thousand.
pub const MAX_PROPERTIES: usize = 16_384;
/// Bytes of all texts that are kept.
const MAX_TEXT: usize = 8 << 20;
/// Bytes of the list of texts that are gone through: 64 Mi texts.
const MAX_POOL: u64 = 256 << 20;
/// Bytes of that list that are read at once.
const PAGE: usize = 16 * 1024;

/// A property and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// `ProductName`
    pub name: String,
    /// As the package has it, before an installation changes it.
    pub value: String,
}

/// What a package installs. `None`: it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    /// `ProductName`
    pub name: Option<String>,
    /// `Manufacturer`
    pub manufacturer: Option<String>,
    /// `ProductVersion`
    pub version: Option<String>,
    /// `ProductCode`
    pub product_code: Option<Guid>,
    /// `UpgradeCode`
    pub upgrade_code: Option<Guid>,
}

impl Product {
    /// Picks the product's own out of all properties.
    pub fn of(properties: &[Property]) -> Self {
        let find = |name: &str| {
            let found = properties.iter().find(|one| one.name == name);
            found.map(|one| one.value.clone()).filter(|value| !value.is_empty())
        };
        let code = |name: &str| find(name).as_deref().and_then(Guid::parse);
        Self {
            name: find("ProductName"),
            manufacturer: find("Manufacturer"),
            version: find("ProductVersion"),
            product_code: code("ProductCode"),
            upgrade_code: code("UpgradeCode"),
        }
    }
}

/// Reads the properties, in the order of the table. A file longer than `max_size` is refused.
///
/// An error means that the file is no MSI database, or one without that table.
pub fn properties(src: &dyn ReadAt, max_size: u64) -> Result<Parsed<Property>, Fault> {
    let whole = |what: String| Fault::new(At::Whole, what);
    if src.size() > max_size {
        return Err(whole(format!("{} bytes are over the cap of {max_size}", src.size())));
    }
    let file = Compound::open(src).map_err(whole)?;
    let open = |table: &str| {
        let found = file.stream(&stream_name(table)).map_err(whole)?;
        found.ok_or_else(|| whole(format!("has no table {table}")))
    };
    let pool = Pool { list: open("_StringPool")?, data: open("_StringData")?, file: &file };
    let mut out = Parsed::default();
    let (page, wide) = pool.header().map_err(whole)?;
    let rows = rows(&file, &open("Property")?, wide, &mut out).map_err(whole)?;
    let texts = pool.texts(&rows, page, &mut out);
    for (name, value) in rows {
        // A value of 0 is an empty one; a name of 0 cannot be.
        match (texts.get(&name), value) {
            (Some(name), 0) => out.records.push(Property { name: name.clone(), value: String::new() }),
            (Some(name), value) => match texts.get(&value) {
                Some(value) => out.records.push(Property { name: name.clone(), value: value.clone() }),
                None => out.fault(At::Record(name.clone()), "its value is not among the texts"),
            },
            (None, _) => {
                out.fault(At::Record(format!("text {name}")), "a property whose name is not among the texts");
            }
        }
    }
    Ok(out)
}

/// Numbers of the texts of each row: the table has all names first, then all values.
fn rows(
    file: &Compound<'_>,
    table: &Stream,
    width: usize,
    out: &mut Parsed<Property>,
) -> Result<Vec<(u32, u32)>, String> {
    let bytes = file.read_all(table, MAX_PROPERTIES * 2 * width)?;
    let count = bytes.len() / (2 * width);
    if !bytes.len().is_multiple_of(2 * width) {
        out.fault(At::Record("Property".to_owned()), "the table ends inside a row");
    }
    let (names, values) = bytes.split_at_checked(count * width).unwrap_or_default();
    let number = |raw: &[u8]| raw.iter().rev().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    let both = names.chunks_exact(width).zip(values.chunks_exact(width));
    Ok(both.map(|(name, value)| (number(name), number(value))).collect())
}

/// The texts of a database: a list of lengths, and the texts one behind the other.
struct Pool<'f, 's> {
    list: Stream,
    data: Stream,
    file: &'f Compound<'s>,
}

impl Pool<'_, '_> {
    /// The code page of the texts, and in how many bytes tables write their numbers.
    fn header(&self) -> Result<(u32, usize), String> {
        let mut raw = [0; 4];
        self.file.read(&self.list, 0, &mut raw)?;
        let value = u32::from_le_bytes(raw);
        Ok((value & 0x7fff_ffff, if value >> 31 == 1 { 3 } else { 2 }))
    }

    /// The texts of these rows, by their numbers.
    fn texts(&self, rows: &[(u32, u32)], page: u32, out: &mut Parsed<Property>) -> HashMap<u32, String> {
        let mut places = match self.places(rows) {
            Ok(places) => places,
            Err(what) => {
                out.fault(At::Record("_StringPool".to_owned()), what);
                return HashMap::new();
            }
        };
        places.sort_unstable();
        let (mut texts, mut room) = (HashMap::new(), MAX_TEXT);
        for (number, offset, length) in places {
            let length = to_usize(length);
            let Some(left) = room.checked_sub(length).filter(|_| length <= MAX_VALUE) else {
                out.fault(At::Record(format!("text {number}")), format!("{length} bytes are over the cap"));
                continue;
            };
            room = left;
            let mut raw = vec![0; length];
            match self.file.read(&self.data, offset, &mut raw) {
                Ok(()) => drop(texts.insert(number, codepage::decode(page, &raw))),
                Err(what) => out.fault(At::Record(format!("text {number}")), what),
            }
        }
        texts
    }

    /// Number, offset and length of each text that the rows name.
    ///
    /// An entry is a length and a count of uses, 16 bits each. A length of 0 that is used is the upper
    /// half of a long text's length: the next entry has the lower half and the true count.
    fn places(&self, rows: &[(u32, u32)]) -> Result<Vec<(u32, u64, u32)>, String> {
        let mut wanted: Vec<u32> =
            rows.iter().flat_map(|(name, value)| [*name, *value]).filter(|n| *n != 0).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let size = self.list.size.min(MAX_POOL) & !3;
        let mut walk = Places {
            found: Vec::new(),
            wanted: wanted.into_iter().peekable(),
            number: 1,
            offset: 0,
            upper: None,
        };
        let mut buf = vec![0; PAGE];
        let mut at = 4_u64;
        while at < size && walk.wanted.peek().is_some() {
            let here = usize::try_from(size - at).unwrap_or(PAGE).min(PAGE);
            let part = buf.get_mut(..here).ok_or("a short page")?;
            self.file.read(&self.list, at, part)?;
            at = at.saturating_add(here as u64);
            part.chunks_exact(4).filter_map(|entry| entry.first_chunk()).for_each(|entry| walk.entry(*entry));
        }
        Ok(walk.found)
    }
}

/// A walk over the list of texts.
struct Places {
    found: Vec<(u32, u64, u32)>,
    wanted: Peekable<IntoIter<u32>>,
    number: u32,
    offset: u64,
    /// Upper half of the length of the text to come.
    upper: Option<u32>,
}

impl Places {
    fn entry(&mut self, [a, b, c, d]: [u8; 4]) {
        let (length, uses) = (u32::from(u16::from_le_bytes([a, b])), u32::from(u16::from_le_bytes([c, d])));
        if length == 0 && uses != 0 && self.upper.is_none() {
            self.upper = Some(uses);
            return;
        }
        let length = length | self.upper.take().unwrap_or(0) << 16;
        if self.wanted.next_if_eq(&self.number).is_some() {
            self.found.push((self.number, self.offset, length));
        }
        self.offset = self.offset.saturating_add(u64::from(length));
        self.number = self.number.saturating_add(1);
    }
}

/// The name of a table's stream: a mark, then two letters of a table name in each unit.
fn stream_name(table: &str) -> Vec<u16> {
    let letter = |c: u8| {
        Some(u16::from(match c {
            b'0'..=b'9' => c - b'0',
            b'A'..=b'Z' => c - b'A' + 10,
            b'a'..=b'z' => c - b'a' + 36,
            b'.' => 62,
            b'_' => 63,
            _ => return None,
        }))
    };
    let pairs = table.as_bytes().chunks(2).filter_map(|pair| match pair {
        [one, two] => Some(0x3800 + letter(*one)? + (letter(*two)? << 6)),
        [one] => Some(0x4800 + letter(*one)?),
        _ => None,
    });
    [0x4840].into_iter().chain(pairs).collect()
}

#[cfg(test)]
#[path = "msi_tests.rs"]
mod tests;
