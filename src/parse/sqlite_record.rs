//! One row of a `SQLite` table: the record format of
//! <https://www.sqlite.org/fileformat2.html#record_format>.
//!
//! Called by `sqlite` and by whoever walks a table. Must not know pages.

use crate::parse::bytes::array;
use std::borrow::Cow;

/// How a database stores its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
}

/// A text as it lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// The undecoded bytes.
    pub bytes: &'a [u8],
    encoding: Encoding,
}

impl<'a> Text<'a> {
    /// The text; what is not valid in the database's encoding becomes U+FFFD.
    pub fn decode(&self) -> Cow<'a, str> {
        match self.encoding {
            Encoding::Utf8 => String::from_utf8_lossy(self.bytes),
            Encoding::Utf16Le => Cow::Owned(self.utf16(u16::from_le_bytes)),
            Encoding::Utf16Be => Cow::Owned(self.utf16(u16::from_be_bytes)),
        }
    }

    fn utf16(&self, order: fn([u8; 2]) -> u16) -> String {
        let units = self.bytes.chunks_exact(2).filter_map(|pair| pair.first_chunk().map(|raw| order(*raw)));
        let whole = self.bytes.len().is_multiple_of(2);
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .chain((!whole).then_some(char::REPLACEMENT_CHARACTER))
            .collect()
    }
}

/// One column of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// SQL NULL; also what an `INTEGER PRIMARY KEY` column holds: its value is the row's id.
    Null,
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// A text.
    Text(Text<'a>),
    /// Bytes.
    Blob(&'a [u8]),
}

/// One row, borrowed from the walk for the length of a call.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    rowid: i64,
    /// The serial types of the columns, still as varints.
    types: &'a [u8],
    body: &'a [u8],
    encoding: Encoding,
}

impl<'a> Row<'a> {
    /// Cuts a record into header and body, and checks that all its columns are inside.
    pub(crate) fn new(rowid: i64, record: &'a [u8], encoding: Encoding) -> Result<Self, String> {
        let (header_len, taken) = varint(record).ok_or("row without a header")?;
        let header_len = usize::try_from(header_len).unwrap_or(usize::MAX);
        let (header, body) = record.split_at_checked(header_len).ok_or("row header longer than the row")?;
        let types = header.get(taken..).ok_or("row header shorter than its length")?;
        let row = Self { rowid, types, body, encoding };
        let mut need = 0_usize;
        let mut rest = types;
        while !rest.is_empty() {
            let (kind, taken) = varint(rest).ok_or("column type cut short")?;
            need = need.saturating_add(size(kind).ok_or("column of a reserved type")?);
            rest = rest.get(taken..).unwrap_or_default();
        }
        if need > body.len() { Err("columns longer than the row".to_owned()) } else { Ok(row) }
    }

    /// The row's 64-bit id.
    pub fn rowid(&self) -> i64 {
        self.rowid
    }

    /// Column `n` from 0 in the order of `CREATE TABLE`. None when the row has fewer: a
    /// column that was added later has its default then, which stands in the table's SQL.
    pub fn value(&self, n: usize) -> Option<Value<'a>> {
        self.values().nth(n)
    }

    /// All columns in order.
    pub fn values(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (mut types, mut body, encoding) = (self.types, self.body, self.encoding);
        std::iter::from_fn(move || {
            let (kind, taken) = varint(types)?;
            types = types.get(taken..)?;
            let (bytes, rest) = body.split_at_checked(size(kind)?)?;
            body = rest;
            decode(kind, bytes, encoding)
        })
    }
}

/// Bytes that a column of this serial type takes; none for the reserved types 10 and 11.
fn size(kind: u64) -> Option<usize> {
    match kind {
        0 | 8 | 9 => Some(0),
        1..=4 => usize::try_from(kind).ok(),
        5 => Some(6),
        6 | 7 => Some(8),
        10 | 11 => None,
        _ => Some(usize::try_from((kind - 12) / 2).unwrap_or(usize::MAX)),
    }
}

fn decode(kind: u64, bytes: &[u8], encoding: Encoding) -> Option<Value<'_>> {
    Some(match kind {
        0 => Value::Null,
        7 => Value::Real(f64::from_be_bytes(array(bytes, 0)?)),
        8 => Value::Int(0),
        9 => Value::Int(1),
        1..=6 => Value::Int(signed(bytes)),
        _ if kind.is_multiple_of(2) => Value::Blob(bytes),
        _ => Value::Text(Text { bytes, encoding }),
    })
}

/// A big-endian two's complement number of 1 to 8 bytes.
fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let start = if negative { -1_i64 } else { 0 };
    bytes.iter().fold(start, |value, &byte| (value << 8) | i64::from(byte))
}

/// A number of 1 to 9 bytes, and how many it took.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (at, &byte) in bytes.iter().take(8).enumerate() {
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    let last = *bytes.get(8)?;
    Some((value << 8 | u64::from(last), 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length() {
        assert_eq!(varint(&[0x7f]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xff; 8]), None);
        assert_eq!(varint(&[]), None);
    }

    #[test]
    fn values_of_every_type() {
        let record = [
            9, 0, 1, 2, 8, 9, 7, 16,
            17, // header of 9 bytes: null, i8, i16, 0, 1, real, blob(2), text(2)
            0xff, 0x01, 0x00, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 1, 2, b'h', b'i',
        ];
        let row = Row::new(7, &record, Encoding::Utf8).unwrap();
        let values: Vec<_> = row.values().collect();
        let text = Text { bytes: b"hi", encoding: Encoding::Utf8 };
        assert_eq!(
            values,
            [
                Value::Null,
                Value::Int(-1),
                Value::Int(256),
                Value::Int(0),
                Value::Int(1),
                Value::Real(1.0),
                Value::Blob(&[1, 2]),
                Value::Text(text)
            ]
        );
        assert_eq!(row.value(8), None);
    }

    #[test]
    fn a_row_that_lies_about_itself_is_refused() {
        assert!(Row::new(1, &[], Encoding::Utf8).is_err());
        assert!(Row::new(1, &[200], Encoding::Utf8).is_err());
        assert!(Row::new(1, &[2, 6, 1], Encoding::Utf8).is_err());
        assert!(Row::new(1, &[2, 10], Encoding::Utf8).is_err());
        assert!(Row::new(1, &[0, 1, 1], Encoding::Utf8).is_err());
    }

    #[test]
    fn utf16_with_a_half_unit_is_marked() {
        let text = Text { bytes: &[b'a', 0, b'b'], encoding: Encoding::Utf16Le };
        assert_eq!(text.decode(), "a\u{fffd}");
    }
}
