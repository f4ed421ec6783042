//! Property lists, the form of most records of macOS: one value, written as XML or binary, told apart by how it opens.
//!
//! Called by the sources of macOS. Must not know any schema: what a key means is for its caller. The
//! two readers (`plist_xml`, `plist_binary`) share the caps here: a binary list may refer to one object many times,
//! so a few hundred bytes can stand for more values than any memory holds. What was asked for beyond a
//! cap is a fault, never a shorter value.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::plist_binary;
use crate::parse::plist_xml;

/// Bytes of a list that are read; what Apple and vendors install has at most some megabytes.
pub(crate) const MAX_INPUT: usize = 16 << 20;
/// Values in a list, each reference to a shared one counted.
const MAX_NODES: usize = 200_000;
/// Bytes of all texts and data of a list, each reference to a shared one counted.
const MAX_BYTES: usize = 16 << 20;
/// Values within values.
const MAX_DEPTH: usize = 128;

/// A value of a property list.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Keys and values in file order; a key may stand there twice, and the last one counts.
    Dict(Vec<(String, Value)>),
    /// An array; a set of a binary list too.
    Array(Vec<Value>),
    /// A text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A real number, or a whole one that needs more than 64 bits with sign.
    Real(f64),
    /// A flag.
    Bool(bool),
    /// Bytes.
    Data(Vec<u8>),
    /// Seconds since 1970, parts of a second left out.
    Date(i64),
    /// A reference between the objects of a keyed archive.
    Uid(u64),
}

impl Value {
    /// The value of a key; `None` as well where this is no dictionary.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The values of an array; none where it is no array.
    pub fn items(&self) -> &[Self] {
        if let Self::Array(items) = self { items } else { &[] }
    }

    /// The entries of a dictionary; none where it is no dictionary.
    pub fn entries(&self) -> &[(String, Self)] {
        if let Self::Dict(entries) = self { entries } else { &[] }
    }

    /// The flag; a whole number counts as one, as it does for who asks macOS (`boolValue`).
    pub fn flag(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            Self::Integer(number) => Some(*number != 0),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    pub fn number(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    /// The bytes, if it is data.
    pub fn data(&self) -> Option<&[u8]> {
        if let Self::Data(bytes) = self { Some(bytes) } else { None }
    }

    /// Seconds since 1970, if it is a date.
    pub fn date(&self) -> Option<i64> {
        if let Self::Date(seconds) = self { Some(*seconds) } else { None }
    }
}

/// The value that a list holds: binary by its magic, else XML of UTF-8, UTF-16 or the encoding that it declares.
pub fn read(bytes: &[u8]) -> Result<Value, Fault> {
    if bytes.len() > MAX_INPUT {
        return Err(Fault::new(At::Whole, "longer than 16 MiB: not read"));
    }
    if bytes.is_empty() {
        return Err(Fault::new(At::Whole, "empty"));
    }
    if bytes.starts_with(b"bplist") { plist_binary::read(bytes) } else { plist_xml::read(bytes) }
}

/// What is left of the caps while a list is read.
pub(crate) struct Budget {
    nodes: usize,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { nodes: MAX_NODES, bytes: MAX_BYTES }
    }

    /// One value more, at this depth (0 for the outermost).
    pub(crate) fn node(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::new(At::Whole, format!("values more than {MAX_DEPTH} deep, or in a ring")));
        }
        let left = self.nodes.checked_sub(1);
        self.nodes = left.ok_or_else(|| Fault::new(At::Whole, format!("more than {MAX_NODES} values")))?;
        Ok(())
    }

    /// So many bytes more of text or data.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<(), Fault> {
        let left = self.bytes.checked_sub(count);
        self.bytes = left.ok_or_else(|| Fault::new(At::Whole, "more than 16 MiB of texts and data"))?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "plist_tests.rs"]
mod tests;
