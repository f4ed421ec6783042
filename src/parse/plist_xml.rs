//! Property lists of XML: `<plist>` with one value in it.
//!
//! Called by `plist`, which holds the caps. Must not know any schema. The elements are those of Apple's
//! `PropertyList-1.0.dtd`; no entity is expanded but the five of XML itself, and no DTD is read.

use std::borrow::Cow;

use encoding_rs::Encoding;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::plist::Budget;
use crate::parse::plist::Value;
use crate::parse::utf16;
use crate::parse::xml::referred;

/// Bytes of a document in which its declaration, if any, names the encoding.
const DECLARATION: usize = 256;

/// The value of a list of XML.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Fault> {
    let input = decoded(bytes)?;
    let mut walk = Walk { open: Vec::new(), leaf: None, root: None, plist: false, budget: Budget::new() };
    let mut reader = Reader::from_str(&input);
    loop {
        let at = At::Offset(reader.buffer_position());
        let fault = |what: String| Fault::new(at.clone(), what);
        let done = match reader.read_event() {
            Ok(Event::Start(tag)) => walk.start(tag.name().as_ref()).map(|()| false),
            Ok(Event::Empty(tag)) => {
                walk.start(tag.name().as_ref()).and_then(|()| walk.end(tag.name().as_ref()))
            }
            Ok(Event::End(tag)) => walk.end(tag.name().as_ref()),
            Ok(Event::Text(text)) => walk.text(&text.xml10_content()),
            Ok(Event::CData(text)) => walk.text(&text.xml10_content()),
            Ok(Event::GeneralRef(name)) => match referred(&name) {
                Some(text) => walk.text(&text),
                None => Err("an entity that XML does not define".into()),
            },
            Ok(Event::Eof) => Err("the property list has no end: truncated, or none".into()),
            Ok(_) => Ok(false),
            Err(error) => Err(format!("not XML: {error}").into()),
        };
        match (done.map_err(|stop| stop.at(&fault))?, walk.root.take()) {
            (true, Some(root)) => return Ok(root),
            (true, None) => return Err(fault("a property list without a value".into())),
            (false, root) => walk.root = root,
        }
    }
}

/// The document as text. What it declares counts only where it is no sound UTF-8, as for any other reader of XML.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let unsound = || Fault::new(At::Whole, "not sound in its encoding");
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'<', ..] | [b'<', 0, ..] = bytes {
        let text = utf16::file(bytes);
        return if text.contains(char::REPLACEMENT_CHARACTER) { Err(unsound()) } else { Ok(text.into()) };
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.into());
    }
    let head = String::from_utf8_lossy(bytes.get(..DECLARATION).unwrap_or(bytes));
    let label = head.split_once("encoding=").and_then(|(_, rest)| rest.split(['"', '\'']).nth(1));
    let encoding = label.and_then(|label| Encoding::for_label(label.as_bytes())).ok_or_else(unsound)?;
    encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or_else(unsound)
}

/// Why the walk ends: a cap, or something said in words.
enum Stop {
    Cap(Fault),
    Said(String),
}

impl Stop {
    fn at(self, fault: &dyn Fn(String) -> Fault) -> Fault {
        match self {
            Self::Cap(cap) => cap,
            Self::Said(what) => fault(what),
        }
    }
}

impl From<&str> for Stop {
    fn from(what: &str) -> Self {
        Self::Said(what.to_owned())
    }
}

impl From<String> for Stop {
    fn from(what: String) -> Self {
        Self::Said(what)
    }
}

impl From<Fault> for Stop {
    fn from(cap: Fault) -> Self {
        Self::Cap(cap)
    }
}

/// A collection that is not closed yet.
enum Open {
    /// Its entries, and the key whose value comes next.
    Dict(Vec<(String, Value)>, Option<String>),
    Array(Vec<Value>),
}

struct Walk {
    open: Vec<Open>,
    /// The text of the element that is open, where it is one that holds text.
    leaf: Option<String>,
    root: Option<Value>,
    /// `<plist>` is open.
    plist: bool,
    budget: Budget,
}

impl Walk {
    fn start(&mut self, name: &str) -> Result<(), Stop> {
        if self.leaf.is_some() {
            return Err("an element inside a text".into());
        }
        match name {
            "plist" if self.open.is_empty() && !self.plist && self.root.is_none() => self.plist = true,
            "dict" => self.open(Open::Dict(Vec::new(), None))?,
            "array" => self.open(Open::Array(Vec::new()))?,
            "key" | "string" | "integer" | "real" | "date" | "data" | "true" | "false" => {
                self.budget.node(self.open.len())?;
                self.leaf = Some(String::new());
            }
            _ => return Err("an element that no property list has".into()),
        }
        Ok(())
    }

    fn open(&mut self, collection: Open) -> Result<(), Stop> {
        self.budget.node(self.open.len())?;
        self.open.push(collection);
        Ok(())
    }

    /// Whether the list ends here.
    fn end(&mut self, name: &str) -> Result<bool, Stop> {
        if name == "plist" {
            return Ok(true);
        }
        if let Some(text) = self.leaf.take() {
            return match (name, self.open.last_mut()) {
                ("key", Some(Open::Dict(_, key @ None))) => {
                    *key = Some(text);
                    Ok(false)
                }
                ("key", _) => Err("a key where none belongs".into()),
                _ => self.value(scalar(name, text)?),
            };
        }
        match self.open.pop() {
            Some(Open::Dict(entries, None)) => self.value(Value::Dict(entries)),
            Some(Open::Dict(..)) => Err("a key without a value".into()),
            Some(Open::Array(items)) => self.value(Value::Array(items)),
            None => Err("an end where nothing is open".into()),
        }
    }

    /// Puts a value where it belongs.
    fn value(&mut self, value: Value) -> Result<bool, Stop> {
        match self.open.last_mut() {
            Some(Open::Dict(entries, key)) => {
                entries.push((key.take().ok_or("a value without a key")?, value));
                Ok(false)
            }
            Some(Open::Array(items)) => {
                items.push(value);
                Ok(false)
            }
            None if self.root.is_some() => Err("more than one value".into()),
            None => {
                self.root = Some(value);
                Ok(!self.plist)
            }
        }
    }

    fn text(&mut self, more: &str) -> Result<bool, Stop> {
        match &mut self.leaf {
            Some(text) => {
                self.budget.bytes(more.len())?;
                text.push_str(more);
            }
            None if more.trim().is_empty() => {}
            None => return Err("text outside any value".into()),
        }
        Ok(false)
    }
}

/// The value of an element that holds text.
fn scalar(name: &str, text: String) -> Result<Value, Stop> {
    match name {
        "string" => Ok(Value::String(text)),
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        "integer" => integer(text.trim()).ok_or_else(|| "a whole number that is none".into()),
        "real" => text.trim().parse().map(Value::Real).map_err(|_| "a real number that is none".into()),
        "date" => date(text.trim()).map(Value::Date).ok_or_else(|| "a date that is none".into()),
        _ => Ok(Value::Data(base64(&text))),
    }
}

/// Decimal, or hexadecimal after `0x`, with or without a sign.
fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = hexadecimal.map_or((digits, 10), |rest| (rest, 16));
    // A second sign is none.
    let first = digits.chars().next()?;
    let size = i128::from_str_radix(digits, radix).ok().filter(|_| first.is_digit(radix))?;
    let number = if negative { -size } else { size };
    #[expect(clippy::cast_precision_loss, reason = "a number that no record of software holds")]
    let real = number as f64;
    Some(i64::try_from(number).map_or(Value::Real(real), Value::Integer))
}

/// `2001-01-01T00:00:00Z`, the one form that Apple writes.
fn date(text: &str) -> Option<i64> {
    let civil: jiff::civil::DateTime = text.strip_suffix('Z')?.parse().ok()?;
    let time = jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?;
    // Towards the past, also before 1970.
    Some(time.as_millisecond().div_euclid(1000))
}

/// What is no letter of base64 is passed over: lists indent their data.
fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6 | u32::from(six)) & 0xff_ffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.extend((bits >> held).to_be_bytes().last());
        }
    }
    bytes
}
