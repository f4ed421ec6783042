//! AppStream metainfo: what a desktop application calls itself, its developer and its release.
//!
//! Format: freedesktop.org AppStream 1.0, "Upstream metadata"; `<application>` of 0.6 too.
//! Called by the source `flatpak`. Must not know where the file lies.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use quick_xml::events::Event;

use super::At;
use super::Fault;
use super::Parsed;
use super::text::MAX_VALUE;
use super::text::line_of;
use super::text::text;
use super::xml::referred;

/// Bytes of a file that are read; the largest real ones, full of translations, have half of it.
const MAX_INPUT: usize = 4 << 20;
/// Open elements that are told apart; nothing of ours lies deeper.
const MAX_DEPTH: usize = 4;

/// What the file says. `None`: it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Component {
    /// `type` of the root: desktop-application, addon, runtime …
    pub kind: Option<String>,
    /// `<id>`
    pub id: Option<String>,
    /// `<name>` without `xml:lang`.
    pub name: Option<String>,
    /// `<developer><name>` or the older `<developer_name>`, without `xml:lang`.
    pub developer: Option<String>,
    /// Version of the newest release: by date where both have one, else the first in the file.
    pub version: Option<String>,
    /// Its `date` or `timestamp`, as written.
    pub released: Option<String>,
}

/// Reads a metainfo file. No component, or one without an id, is a fault.
pub fn component(bytes: &[u8]) -> (Component, Vec<Fault>) {
    let mut seen = Parsed::<()>::default();
    if let Err(error) = std::str::from_utf8(bytes) {
        seen.fault(At::Line(line_of(bytes, error.valid_up_to())), "not UTF-8");
    }
    if bytes.len() > MAX_INPUT {
        seen.fault(At::Whole, "longer than 4 MiB: the rest is not read");
    }
    let input = text(bytes.get(..MAX_INPUT).unwrap_or(bytes));
    let mut walk =
        Walk { out: Component::default(), seen, path: Vec::new(), deeper: 0, value: None, root: false };
    walk.run(&input);
    if !walk.root {
        walk.seen.fault(At::Record("component".to_owned()), "there is none");
    } else if walk.out.id.is_none() {
        walk.seen.fault(At::Record("component".to_owned()), "it has no id");
    }
    (walk.out, walk.seen.faults)
}

struct Walk {
    out: Component,
    seen: Parsed<()>,
    /// Names of the open elements, the first [`MAX_DEPTH`] of them; a localised one counts as "".
    path: Vec<String>,
    /// Open elements below those.
    deeper: usize,
    /// Text of the open element, where it is one of ours.
    value: Option<String>,
    root: bool,
}

impl Walk {
    fn run(&mut self, input: &str) {
        let mut reader = Reader::from_str(input);
        loop {
            let at = At::Offset(reader.buffer_position());
            match reader.read_event() {
                Ok(Event::Start(tag)) => self.start(&tag),
                Ok(Event::Empty(tag)) => {
                    self.start(&tag);
                    self.end();
                }
                Ok(Event::End(_)) => self.end(),
                Ok(Event::Text(text)) => self.text(&text.xml10_content()),
                Ok(Event::CData(text)) => self.text(&text.xml10_content()),
                Ok(Event::GeneralRef(name)) => match referred(&name) {
                    Some(text) => self.text(&text),
                    None => self.seen.fault(at, "an entity that XML does not define"),
                },
                Ok(Event::Eof) => break,
                Ok(_) => {}
                Err(error) => return self.seen.fault(at, format!("not XML: {error}")),
            }
        }
        if !self.path.is_empty() {
            self.seen.fault(At::Whole, "elements without an end: truncated");
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        if self.path.len() == MAX_DEPTH {
            self.deeper = self.deeper.saturating_add(1);
            return;
        }
        let localised = attribute(tag, "xml:lang").is_some();
        let name = tag.name();
        self.path.push(if localised { String::new() } else { name.as_ref().chars().take(64).collect() });
        match self.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["component" | "application"] => {
                self.root = true;
                self.out.kind = attribute(tag, "type");
            }
            [_, "id" | "name" | "developer_name"] | [_, "developer", "name"] => {
                self.value = Some(String::new());
            }
            [_, "releases", "release"] => self.release(tag),
            _ => {}
        }
    }

    fn end(&mut self) {
        if self.deeper > 0 {
            self.deeper = self.deeper.saturating_sub(1);
            return;
        }
        let value = self.value.take().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if let Some(value) = value {
            self.keep(value);
        }
        self.path.pop();
    }

    fn keep(&mut self, value: String) {
        let slot = match self.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["component" | "application", "id"] => &mut self.out.id,
            ["component" | "application", "name"] => &mut self.out.name,
            ["component" | "application", "developer_name"] | ["component", "developer", "name"] => {
                &mut self.out.developer
            }
            _ => return,
        };
        slot.get_or_insert(value);
    }

    fn text(&mut self, more: &str) {
        let Some(value) = &mut self.value else { return };
        if self.deeper > 0 || value.len().saturating_add(more.len()) > MAX_VALUE {
            self.seen.fault(At::Whole, "a name longer than 64 KiB, clipped");
        } else {
            value.push_str(more);
        }
    }

    fn release(&mut self, tag: &BytesStart<'_>) {
        let Some(version) = attribute(tag, "version").filter(|value| !value.is_empty()) else { return };
        let released = attribute(tag, "date").or_else(|| attribute(tag, "timestamp"));
        if self.out.version.is_none() || newer(released.as_deref(), self.out.released.as_deref()) {
            (self.out.version, self.out.released) = (Some(version), released);
        }
    }
}

/// Dates (2024-05-02) and timestamps (seconds) compare only with their own kind.
fn newer(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    match (one.parse::<u64>(), other.parse::<u64>()) {
        (Ok(one), Ok(other)) => one > other,
        (Err(_), Err(_)) => one > other,
        _ => false,
    }
}

/// Without quick-xml's check for doubles, which is quadratic in their number.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes();
    let found = attributes.with_checks(false).flatten().find(|one| one.key.as_ref() == name)?;
    let value = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.chars().take(1024).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "<?xml version=\"1.0\"?><component type='desktop-application'><id>org.k.K</id>\
<name>K &amp; &#75;o</name><name xml:lang='ar'>x</name><developer id='k'><name xml:lang='de'>y</name>\
<name>AO Kaspersky</name></developer><description><p>deep <em>text <b>more</b></em></p></description>\
<releases><release version='1.0' date='2023-01-01'/><release version='2.0' date='2024-01-01'>\
<description/></release></releases></component>";

    fn faults(bytes: &[u8]) -> usize {
        component(bytes).1.len()
    }

    #[test]
    fn a_sound_component() {
        let (got, faults) = component(GOOD.as_bytes());
        assert_eq!(faults, []);
        assert_eq!(got.kind.as_deref(), Some("desktop-application"));
        assert_eq!((got.id.as_deref(), got.name.as_deref()), (Some("org.k.K"), Some("K & Ko")));
        assert_eq!((got.developer.as_deref(), got.version.as_deref()), (Some("AO Kaspersky"), Some("2.0")));
    }

    #[test]
    fn older_forms_and_undated_releases() {
        let (got, _) = component(
            b"<component><id>a</id><developer_name>D</developer_name><releases><release date='2024-05-02'/>\
<release version='3' /><release version='2' timestamp='5'/></releases></component>",
        );
        assert_eq!((got.developer.as_deref(), got.version.as_deref()), (Some("D"), Some("3")));
        let (got, _) = component(b"<application><id type='desktop'>a.desktop</id></application>");
        assert_eq!(got.id.as_deref(), Some("a.desktop"));
        assert!(newer(Some("10"), Some("9")) && !newer(Some("2024-01-01"), Some("9")));
    }

    #[test]
    fn every_cut_is_a_fault() {
        for cut in 0..GOOD.len() {
            assert!(faults(&GOOD.as_bytes()[..cut]) > 0, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_component_is_a_fault() {
        for bytes in [
            &b"hello world\n\nexit\n"[..],
            b"<other><id>a</id></other>",
            b"<component/>",
            b"<component><id> </id></component>",
            b"<component><id>a</id></wrong>",
            b"<component><id>a&b;</id></component>",
            b"<component><id>\xff</id></component>",
            b"\0\0\0\0",
        ] {
            assert!(faults(bytes) > 0, "{bytes:?}");
        }
    }

    #[test]
    fn bombs_end_soon() {
        let lol =
            b"<!DOCTYPE c [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'>]><component><id>&b;</id></component>";
        assert!(faults(lol) > 0);
        assert!(faults(&b"<component>".repeat(1 << 18)) > 0);
        let wide = [&b"<component "[..], &b"a='' ".repeat(1 << 19), b"><id>a</id></component>"].concat();
        assert_eq!(component(&wide).0.id.as_deref(), Some("a"));
        let big =
            [&b"<component><id>a</id><name>"[..], &vec![b'x'; 32 << 20], b"</name></component>"].concat();
        assert_eq!(component(&big).0.id.as_deref(), Some("a"));
        assert!(faults(&big) > 0);
    }
}
