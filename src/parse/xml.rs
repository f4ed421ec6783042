//! The walk over an XML document that the readers of manifests share: open elements by their local
//! names, their attributes, their text. No entity is expanded but the five of XML itself, no DTD read.
//!
//! Called by `appx_manifest`, `nuspec` and `task`; `appstream` and `plist_xml` borrow the references. Must not know any schema.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::BytesRef;
use quick_xml::events::BytesStart;
use quick_xml::events::Event;

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::note;
use crate::parse::text::MAX_VALUE;
use crate::parse::utf16;

/// Bytes of a document that are read; real manifests and tasks have at most some hundred kilobytes.
const MAX_INPUT: usize = 4 << 20;
/// Open elements that are told apart; nothing that a reader asks for lies deeper.
const MAX_DEPTH: usize = 8;
/// Letters of an element's name that are kept.
const MAX_NAME: usize = 64;
/// Letters of an attribute that are kept: an X.500 name in a manifest may have 8192.
const MAX_ATTRIBUTE: usize = 8192;

/// What the walk meets.
pub(crate) enum Node<'a> {
    /// An element opens; the path ends with its own local name.
    Open(&'a [&'a str], Attributes<'a>),
    /// An element without elements in it ends: its path, and its text, trimmed.
    Leaf(&'a [&'a str], &'a str),
}

/// The attributes of an element.
pub(crate) struct Attributes<'a>(&'a BytesStart<'a>);

impl Attributes<'_> {
    /// The value of the attribute of this local name.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        // Without quick-xml's check for doubles, which is quadratic in their number.
        let found = attributes.with_checks(false).flatten().find(|one| one.key.as_ref() == name)?;
        let value = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
        Some(value.chars().take(MAX_ATTRIBUTE).collect())
    }
}

/// Walks a document of UTF-8 or UTF-16. A document without an element is a fault.
pub(crate) fn walk(bytes: &[u8], visit: &mut dyn FnMut(Node<'_>)) -> Vec<Fault> {
    let mut faults = Vec::new();
    if bytes.len() > MAX_INPUT {
        note(&mut faults, At::Whole, "longer than 4 MiB: the rest is not read");
    }
    let input = utf16::file(bytes.get(..MAX_INPUT).unwrap_or(bytes));
    if input.contains(char::REPLACEMENT_CHARACTER) {
        note(&mut faults, At::Whole, "not sound UTF-8 or UTF-16");
    }
    let open = Vec::new();
    let mut walk = Walk { faults, open, deeper: 0, text: String::new(), leaf: false, any: false };
    walk.run(&input, visit);
    walk.faults
}

struct Walk {
    faults: Vec<Fault>,
    /// Local names of the open elements, the first [`MAX_DEPTH`] of them.
    open: Vec<String>,
    /// Open elements below those.
    deeper: usize,
    /// Text of the open element so far.
    text: String,
    /// No element was met inside the open one.
    leaf: bool,
    any: bool,
}

impl Walk {
    fn run(&mut self, input: &str, visit: &mut dyn FnMut(Node<'_>)) {
        let mut reader = Reader::from_str(input);
        loop {
            let at = At::Offset(reader.buffer_position());
            match reader.read_event() {
                Ok(Event::Start(tag)) => self.start(&tag, visit),
                Ok(Event::Empty(tag)) => {
                    self.start(&tag, visit);
                    self.end(visit);
                }
                Ok(Event::End(_)) => self.end(visit),
                Ok(Event::Text(text)) => self.text(&text.xml10_content()),
                Ok(Event::CData(text)) => self.text(&text.xml10_content()),
                Ok(Event::GeneralRef(name)) => match referred(&name) {
                    Some(text) => self.text(&text),
                    None => note(&mut self.faults, at, "an entity that XML does not define"),
                },
                Ok(Event::Eof) => break,
                Ok(_) => {}
                Err(error) => return note(&mut self.faults, at, format!("not XML: {error}")),
            }
        }
        if !self.open.is_empty() {
            note(&mut self.faults, At::Whole, "elements without an end: truncated");
        } else if !self.any {
            note(&mut self.faults, At::Whole, "no XML element in it");
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, visit: &mut dyn FnMut(Node<'_>)) {
        self.any = true;
        self.leaf = true;
        self.text.clear();
        if self.open.len() == MAX_DEPTH {
            self.deeper = self.deeper.saturating_add(1);
            return;
        }
        self.open.push(tag.local_name().as_ref().chars().take(MAX_NAME).collect());
        let path: Vec<&str> = self.open.iter().map(String::as_str).collect();
        visit(Node::Open(&path, Attributes(tag)));
    }

    fn end(&mut self, visit: &mut dyn FnMut(Node<'_>)) {
        let leaf = std::mem::take(&mut self.leaf);
        if self.deeper > 0 {
            self.deeper = self.deeper.saturating_sub(1);
            return;
        }
        if leaf {
            let path: Vec<&str> = self.open.iter().map(String::as_str).collect();
            visit(Node::Leaf(&path, self.text.trim()));
        }
        self.text.clear();
        self.open.pop();
    }

    fn text(&mut self, more: &str) {
        if !self.leaf || self.deeper > 0 {
            return;
        }
        if self.text.len().saturating_add(more.len()) > MAX_VALUE {
            note(&mut self.faults, At::Whole, "a text longer than 64 KiB, clipped");
        } else {
            self.text.push_str(more);
        }
    }
}

/// The text of a reference: a character by its number, or one of the five entities that every document has (XML 1.0, 4.6).
pub(crate) fn referred(name: &BytesRef<'_>) -> Option<String> {
    let char = name.resolve_char_ref().ok().flatten();
    char.map(String::from).or_else(|| resolve_xml_entity(name).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> (Vec<String>, usize) {
        let mut seen = Vec::new();
        let faults = walk(bytes, &mut |node| match node {
            Node::Open(path, attributes) => {
                seen.push(format!("<{} {:?}", path.join("/"), attributes.get("a")));
            }
            Node::Leaf(path, text) => seen.push(format!("{}={text}", path.join("/"))),
        });
        (seen, faults.len())
    }

    #[test]
    fn names_lose_their_prefix_and_texts_are_joined() {
        let (got, faults) = seen(b"<x:r a='1&amp;2'><y> a<![CDATA[ &]]>&#66;&lt; </y><z/></x:r>");
        assert_eq!(got, ["<r Some(\"1&2\")", "<r/y None", "r/y=a &B<", "<r/z None", "r/z="]);
        assert_eq!(faults, 0);
    }

    #[test]
    fn bombs_and_rubbish_end_soon_and_are_faults() {
        let lol = b"<!DOCTYPE r [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]><r><y>&b;</y></r>";
        assert_eq!(seen(lol), (vec!["<r None".into(), "<r/y None".into(), "r/y=".into()], 1));
        assert!(seen(&b"<r>".repeat(1 << 18)).1 > 0);
        assert_eq!(seen(&[&b"<r "[..], &b"b='' ".repeat(1 << 19), b"/>"].concat()).0.len(), 2);
        assert!(seen(&[&b"<r>"[..], &vec![b'x'; 32 << 20], b"</r>"].concat()).1 > 0);
        for bytes in [&b""[..], b"\0", b"hello", b"<r>", b"<r></q>", b"<r>&q;</r>", b"<r>\xff</r>"] {
            assert!(seen(bytes).1 > 0, "{bytes:?}");
        }
    }
}
