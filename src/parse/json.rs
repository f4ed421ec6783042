//! What the readers of browsers' JSON share: a value of the wrong type is none and spoils nothing beside it; comments,
//! commas too many and byte order marks are borne, as browsers bear them.
//!
//! Called by the readers of browsers in this room. Must not know any format.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

use crate::parse::text::MAX_VALUE;
use crate::parse::utf16;

/// Texts of one list that are kept.
const MAX_TEXTS: usize = 10_000;

/// Reads a file that is one object; the error is a sentence part.
pub(crate) fn file<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, String> {
    let text = whole(bytes, limit)?;
    let strict = serde_json::from_str::<Owned<T>>(&text);
    let read = strict.or_else(|error| serde_json::from_str(&relaxed(&text)).map_err(|_| error));
    read.map(|owned| owned.0).map_err(|error| format!("not JSON: {error}"))
}

/// The text of a file that is not longer than the cap.
fn whole(bytes: &[u8], limit: usize) -> Result<String, String> {
    if bytes.len() > limit { Err(format!("longer than {} MiB", limit >> 20)) } else { Ok(utf16::file(bytes)) }
}

/// The same for a value of which one key is looked for.
pub(crate) fn find<T>(
    bytes: &[u8],
    limit: usize,
    read: &dyn Fn(&str) -> Result<T, serde_json::Error>,
) -> Result<T, String> {
    let text = whole(bytes, limit)?;
    let found = read(&text).or_else(|error| read(&relaxed(&text)).map_err(|_| error));
    found.map_err(|error| format!("not JSON: {error}"))
}

/// An object: serde would take a list of the fields' values for one too.
pub(crate) struct Owned<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Owned<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Strict(PhantomData)).map(Self)
    }
}

struct Strict<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Strict<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Comments of JavaScript and commas before a closing bracket as blanks; texts stay as they are.
fn relaxed(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    let mut comma = None;
    while let Some(byte) = out.get(at).copied() {
        let next = out.get(at.saturating_add(1)).copied();
        match (byte, next) {
            (b'"', _) => at = behind_text(&out, at),
            (b'/', Some(b'/' | b'*')) => {
                let end = behind_comment(&out, at, next == Some(b'*'));
                out.iter_mut().take(end).skip(at).for_each(|byte| *byte = b' ');
                at = end;
                continue;
            }
            (b']' | b'}', _) => {
                if let Some(comma) = comma.and_then(|comma: usize| out.get_mut(comma)) {
                    *comma = b' ';
                }
            }
            _ => {}
        }
        comma = match byte {
            b',' => Some(at),
            byte if byte.is_ascii_whitespace() => comma,
            _ => None,
        };
        at = at.saturating_add(1);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the closing quote of the text that begins here is.
fn behind_text(bytes: &[u8], from: usize) -> usize {
    let mut at = from.saturating_add(1);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at = at.saturating_add(2),
            _ => at = at.saturating_add(1),
        }
    }
    bytes.len()
}

/// The first byte behind the comment that begins here.
fn behind_comment(bytes: &[u8], from: usize, block: bool) -> usize {
    let rest = bytes.get(from.saturating_add(2)..).unwrap_or_default();
    let length = if block {
        memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end.saturating_add(2))
    } else {
        memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
    };
    from.saturating_add(2).saturating_add(length)
}

/// A value that is not an object: what it is.
enum Leaf {
    Nothing,
    Text(String),
    Number(i64),
    Texts(Vec<String>),
}

/// A text; a number as text. Anything else is none, and so are blanks and what is too long for any honest use.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match from.deserialize_any(Any)? {
        Leaf::Text(text) => Some(text),
        Leaf::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// A whole number, written as one or as a text.
pub(crate) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match from.deserialize_any(Any)? {
        Leaf::Text(text) => text.parse().ok(),
        Leaf::Number(number) => Some(number),
        _ => None,
    })
}

/// A list of texts, or one.
pub(crate) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(match from.deserialize_any(Any)? {
        Leaf::Texts(texts) => texts,
        Leaf::Text(text) => vec![text],
        _ => Vec::new(),
    })
}

/// Who made an extension: a text, or an object with a name or an address.
pub(crate) fn person<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Person {
        #[serde(deserialize_with = "text")]
        name: Option<String>,
        #[serde(deserialize_with = "text")]
        email: Option<String>,
    }
    let Either { leaf, object } = from.deserialize_any(Both::<Person>(PhantomData))?;
    Ok(leaf.or_else(|| object.and_then(|person| person.name.or(person.email))))
}

/// An object; anything else is an empty one.
pub(crate) fn object<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(from.deserialize_any(Both::<T>(PhantomData))?.object.unwrap_or_default())
}

/// An object inside a list or under a name of its own: see [`object`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Lenient<T>(pub(crate) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        object(from).map(Self)
    }
}

struct Either<T> {
    leaf: Option<String>,
    object: Option<T>,
}

/// A text or an object.
struct Both<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Both<T> {
    type Value = Either<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(Either { leaf: None, object: Some(T::deserialize(MapAccessDeserializer::new(map))?) })
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Either { leaf: kept(value), object: None })
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Either { leaf: None, object: None })
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Either { leaf: None, object: None })
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Either { leaf: None, object: None })
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Either { leaf: None, object: None })
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Either { leaf: None, object: None })
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Either { leaf: None, object: None })
    }
}

/// A text that says something, of a length that an honest one has.
fn kept(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty() && value.len() <= MAX_VALUE).then(|| value.to_owned())
}

/// Anything but an object.
struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Leaf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, value: &str) -> Result<Leaf, E> {
        Ok(kept(value).map_or(Leaf::Nothing, Leaf::Text))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Leaf, E> {
        Ok(Leaf::Number(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Leaf, E> {
        Ok(i64::try_from(value).map_or(Leaf::Nothing, Leaf::Number))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Leaf, E> {
        Ok(Leaf::Text(value.to_string()))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Leaf, E> {
        Ok(Leaf::Nothing)
    }
    fn visit_unit<E>(self) -> Result<Leaf, E> {
        Ok(Leaf::Nothing)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Leaf, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Leaf::Nothing)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Leaf, A::Error> {
        let mut texts = Vec::new();
        while let Some(item) = items.next_element::<One>()? {
            texts.extend(item.0.filter(|_| texts.len() < MAX_TEXTS));
        }
        Ok(Leaf::Texts(texts))
    }
}

/// A text of a list.
struct One(Option<String>);

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        text(from).map(Self)
    }
}

/// Names and values of an object in its order, up to a number of them; a later one of the same name stands beside
/// the first. Whether there were more.
pub(crate) struct Pairs<T, const N: usize> {
    /// Name and value.
    pub(crate) pairs: Vec<(String, T)>,
    /// Whether some were left out.
    pub(crate) more: bool,
}

impl<T, const N: usize> Default for Pairs<T, N> {
    fn default() -> Self {
        Self { pairs: Vec::new(), more: false }
    }
}

impl<'de, T: Deserialize<'de> + Default, const N: usize> Deserialize<'de> for Pairs<T, N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Collect(PhantomData))
    }
}

struct Collect<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default, const N: usize> Visitor<'de> for Collect<T, N> {
    type Value = Pairs<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut out = Pairs::default();
        while let Some(name) = map.next_key::<String>()? {
            if out.pairs.len() < N && name.len() <= MAX_VALUE {
                out.pairs.push((name, map.next_value::<Lenient<T>>()?.0));
            } else {
                map.next_value::<IgnoredAny>()?;
                out.more = true;
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Sample {
        #[serde(deserialize_with = "text")]
        name: Option<String>,
        #[serde(deserialize_with = "number")]
        count: Option<i64>,
        #[serde(deserialize_with = "texts")]
        list: Vec<String>,
        #[serde(deserialize_with = "person")]
        by: Option<String>,
        #[serde(deserialize_with = "object")]
        inner: Inner,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Inner {
        #[serde(deserialize_with = "text")]
        name: Option<String>,
    }

    fn read(text: &str) -> Result<Sample, String> {
        file(text.as_bytes(), 1 << 20)
    }

    #[test]
    fn a_value_of_the_wrong_type_spoils_nothing() {
        let got = read(
            r#"{"name": " a ", "count": "7", "list": ["x", 1, null, {}], "by": {"email": "e"},
            "inner": {"name": 2}, "more": [[{}]]}"#,
        )
        .unwrap();
        assert_eq!((got.name.as_deref(), got.count), (Some("a"), Some(7)));
        assert_eq!(
            (got.list, got.by.as_deref(), got.inner.name.as_deref()),
            (vec!["x".into(), "1".into()], Some("e"), Some("2"))
        );
        for odd in ["null", "7", "-1", "1.5e300", "true", "[]", "[{}]", "{}", "18446744073709551615", "\"\""]
        {
            let text = format!(
                r#"{{"name": {odd}, "count": {odd}, "list": {odd}, "by": {odd}, "inner": {odd}, "z": 1}}"#
            );
            assert!(read(&text).is_ok(), "{odd}");
        }
        assert_eq!(read(r#"{"by": "x"}"#).unwrap().by.as_deref(), Some("x"));
    }

    #[test]
    fn what_browsers_bear() {
        let text = "\u{feff}// head\n{\"name\": \"a // b /* c */ , ]\", /* x */ \"list\": [\"\\\"//\", 2,\n],\n \"count\": 3, // t\n}";
        let got = read(text).unwrap();
        assert_eq!(got.name.as_deref(), Some("a // b /* c */ , ]"));
        assert_eq!((got.list, got.count), (vec!["\"//".to_owned(), "2".to_owned()], Some(3)));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for bad in [
            "",
            "[]",
            "[\"a\"]",
            "null",
            "7",
            "{",
            "{} {}",
            "{\"name\"}",
            "{,}x",
            "/*",
            "\u{0}",
            "{\"a\": [,]}x",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(file::<Sample>(&[b' '; 11], 10).is_err());
        assert!(read(&"{\"a\":[".repeat(100_000)).is_err(), "a bomb ends soon");
        assert!(read(&format!("{{\"name\": \"{}\"}}", "x".repeat(MAX_VALUE + 1))).unwrap().name.is_none());
    }

    #[test]
    fn every_cut_is_an_error_or_less() {
        let whole = r#"{"name": "a", /* c */ "list": ["x",], "by": {"name": "b"}}"#;
        for end in 0..whole.len() {
            assert!(file::<Sample>(&whole.as_bytes()[..end], 99).is_err(), "{end}");
        }
    }

    #[test]
    fn pairs_are_capped() {
        let got: Pairs<Inner, 2> = file(br#"{"a": {"name": "x"}, "b": 7, "c": {}}"#, 99).unwrap();
        assert_eq!((got.pairs.len(), got.more), (2, true));
        assert_eq!(got.pairs[0].1.name.as_deref(), Some("x"));
    }
}
