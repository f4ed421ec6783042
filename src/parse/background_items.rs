//! The file in which macOS 13 and later keep what may run in the background (`BackgroundItems-v*.btm`): a keyed archive of
//! `NSKeyedArchiver` in a property list, whose objects of the class `ItemRecord` are read one by one.
//! [reverse-engineered by many; `sfltool dumpbtm` of macOS prints the same fields]
//!
//! Called by the source `background-items`. Must not know where the file lies. What the objects refer to is looked up once
//! and no further, so that references in a ring end.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::Parsed;
use crate::parse::plist;
use crate::parse::plist::Value;

/// Records that are read; a Mac with many has three hundred.
const MAX_ITEMS: usize = 10_000;
/// Bytes of a text that is kept.
const MAX_TEXT: usize = 1024;

/// Something that may run in the background.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// How macOS tells it from others, without the number of its kind before it: a label or a bundle identifier.
    pub identifier: String,
    /// Name for people.
    pub name: Option<String>,
    /// Who is named as its developer.
    pub developer: Option<String>,
    /// Apple's id of the team that signed it.
    pub team_id: Option<String>,
    /// Absolute path of its bundle or property list.
    pub path: Option<String>,
    /// Absolute path of its program.
    pub program: Option<String>,
}

/// Reads all items. An error means that it is no such file.
pub fn items(bytes: &[u8]) -> Result<Parsed<Item>, Fault> {
    let list = plist::read(bytes)?;
    let objects = list.get("$objects").map(Value::items).unwrap_or_default();
    let archive = Archive { objects };
    let root = list.get("$top").and_then(|top| top.get("store")).and_then(|store| archive.of(store));
    if root.is_none() {
        return Err(Fault::new(At::Whole, "no archive of background items"));
    }
    let mut out = Parsed::default();
    for (n, object) in objects.iter().enumerate().filter(|(_, object)| archive.is_record(object)) {
        if out.records.len() >= MAX_ITEMS {
            out.fault(At::Whole, format!("more than {MAX_ITEMS} items"));
            break;
        }
        match archive.item(object) {
            Some(item) => out.records.push(item),
            None => out.fault(At::Record(format!("object {n}")), "an item without an identifier"),
        }
    }
    Ok(out)
}

struct Archive<'v> {
    objects: &'v [Value],
}

impl<'v> Archive<'v> {
    /// The object that a reference names.
    fn of(&self, reference: &Value) -> Option<&'v Value> {
        let Value::Uid(n) = reference else { return None };
        self.objects.get(usize::try_from(*n).ok()?)
    }

    fn field(&self, object: &Value, key: &str) -> Option<&'v Value> {
        self.of(object.get(key)?)
    }

    fn text(&self, object: &Value, key: &str) -> Option<String> {
        let text = self.field(object, key)?.text()?.trim();
        // The object of nothing is a text.
        let sound = !text.is_empty() && text != "$null" && text.len() <= MAX_TEXT;
        sound.then(|| text.to_owned())
    }

    fn is_record(&self, object: &Value) -> bool {
        let class = self.field(object, "$class").and_then(|class| class.get("$classname"));
        class.and_then(Value::text).is_some_and(|name| name.ends_with("ItemRecord"))
    }

    fn item(&self, object: &Value) -> Option<Item> {
        let identifier = self.text(object, "identifier").map(|text| without_kind(&text).to_owned());
        let url = self.field(object, "url").and_then(|url| self.text(url, "NS.relative"));
        Some(Item {
            identifier: identifier.filter(|text| !text.is_empty())?,
            name: self.text(object, "name"),
            developer: self.text(object, "developerName"),
            team_id: self.text(object, "teamIdentifier"),
            path: url.as_deref().and_then(path),
            program: self.text(object, "executablePath").filter(|path| path.starts_with('/')),
        })
    }
}

/// `com.acme.agent` of `8.com.acme.agent`.
fn without_kind(identifier: &str) -> &str {
    match identifier.split_once('.') {
        Some((kind, rest)) if !kind.is_empty() && kind.bytes().all(|digit| digit.is_ascii_digit()) => rest,
        _ => identifier,
    }
}

/// The absolute path of a `file:` URL, without the stroke at its end.
fn path(url: &str) -> Option<String> {
    let path = url.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let escaped = match (byte, tail) {
            (b'%', [high, low, after @ ..]) => hex(*high).zip(hex(*low)).map(|pair| (pair, after)),
            _ => None,
        };
        let plain = || (*byte, tail);
        let (byte, after) = escaped.map_or_else(plain, |((high, low), after)| (high << 4 | low, after));
        bytes.push(byte);
        rest = after;
    }
    let text = String::from_utf8(bytes).ok().filter(|text| text.starts_with('/') && !text.contains('\0'))?;
    Some(if text.len() > 1 { text.trim_end_matches('/').to_owned() } else { text })
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
#[path = "background_items_tests.rs"]
pub(crate) mod tests;
