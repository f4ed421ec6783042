//! Extensions of browsers: `manifest.json` and the texts of `_locales/<locale>/messages.json`, which Chromium and Firefox
//! have in common. <https://developer.chrome.com/docs/extensions/reference/manifest>,
//! <https://developer.mozilla.org/docs/Mozilla/Add-ons/WebExtensions/manifest.json>
//!
//! Called by the sources of browsers' extensions. Must not know where the files lie.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::Visitor;

use crate::parse::json;
use crate::parse::json::Lenient;

/// Bytes of a file that are read; the longest real ones have some hundred kilobytes.
pub const MAX_INPUT: usize = 8 << 20;

/// What a manifest says. `None`: it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Name, or a reference to a text: `__MSG_appName__`.
    pub name: Option<String>,
    /// Version.
    pub version: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// The locale whose texts stand in for those that others lack.
    pub default_locale: Option<String>,
    /// The locale that its texts were taken from, where the browser wrote that down.
    pub current_locale: Option<String>,
    /// Id that it gives itself (Firefox).
    pub id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Raw {
    #[serde(deserialize_with = "json::text")]
    name: Option<String>,
    #[serde(deserialize_with = "json::text")]
    version: Option<String>,
    #[serde(deserialize_with = "json::person")]
    author: Option<String>,
    #[serde(deserialize_with = "json::person")]
    developer: Option<String>,
    #[serde(deserialize_with = "json::text")]
    default_locale: Option<String>,
    #[serde(deserialize_with = "json::text")]
    current_locale: Option<String>,
    #[serde(deserialize_with = "json::object")]
    browser_specific_settings: Specific,
    #[serde(deserialize_with = "json::object")]
    applications: Specific,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Specific {
    #[serde(deserialize_with = "json::object")]
    gecko: Gecko,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Gecko {
    #[serde(deserialize_with = "json::text")]
    id: Option<String>,
}

impl Raw {
    pub(crate) fn said(self) -> Manifest {
        Manifest {
            name: self.name,
            version: self.version,
            author: self.author.or(self.developer),
            default_locale: self.default_locale,
            current_locale: self.current_locale,
            id: self.browser_specific_settings.gecko.id.or(self.applications.gecko.id),
        }
    }
}

/// Reads `manifest.json`; the error is a sentence part.
pub fn manifest(bytes: &[u8]) -> Result<Manifest, String> {
    let found = json::file::<Raw>(bytes, MAX_INPUT)?.said();
    if found.name.is_none() && found.version.is_none() {
        return Err("it has neither name nor version".to_owned());
    }
    Ok(found)
}

/// The key of the text that a name refers to: `appName` of `__MSG_appName__`.
pub fn message_key(name: &str) -> Option<&str> {
    name.strip_prefix("__MSG_")?.strip_suffix("__").filter(|key| !key.is_empty())
}

/// The text of a key, in any letters' case, in `messages.json`; the error is a sentence part.
pub fn message(bytes: &[u8], key: &str) -> Result<Option<String>, String> {
    json::find(bytes, MAX_INPUT, &|text| {
        let mut from = serde_json::Deserializer::from_str(text);
        let found = Wanted(key).deserialize(&mut from)?;
        from.end()?;
        Ok(found)
    })
}

/// The key that is looked for.
struct Wanted<'k>(&'k str);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    #[serde(deserialize_with = "json::text")]
    message: Option<String>,
}

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(self.0))? {
            if is_it {
                found = map.next_value::<Lenient<Message>>()?.0.message;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is the one that is looked for.
struct Is<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key.eq_ignore_ascii_case(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families() {
        let chrome = manifest(
            b"\xef\xbb\xbf// c\n{\"name\": \"__MSG_x__\", \"version\": \"1.2\", \"author\": {\"email\": \"a@b\"}, \"default_locale\": \"en\", }",
        )
        .unwrap();
        assert_eq!((chrome.name.as_deref(), chrome.version.as_deref()), (Some("__MSG_x__"), Some("1.2")));
        assert_eq!((chrome.author.as_deref(), chrome.default_locale.as_deref()), (Some("a@b"), Some("en")));
        let firefox = br#"{"name": "N", "version": "2", "developer": {"name": "D"}, "applications": {"gecko": {"id": "a@b"}}}"#;
        let firefox = manifest(firefox).unwrap();
        assert_eq!((firefox.author.as_deref(), firefox.id.as_deref()), (Some("D"), Some("a@b")));
        for bad in [&b"{}"[..], b"", b"[]", b"{\"name\": \"x\"", b"\xff\xfe"] {
            assert!(manifest(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn texts_of_a_locale() {
        let text =
            br#"{"Other": {"message": "o"}, "AppName": {"message": "Guard", "description": "d"}, "n": 7}"#;
        assert_eq!(message(text, "appname").unwrap().as_deref(), Some("Guard"));
        assert_eq!(message(text, "n").unwrap(), None);
        assert_eq!(message(text, "none").unwrap(), None);
        assert_eq!(message(b"// x\n{\"a\": {\"message\": \"b\"},}", "A").unwrap().as_deref(), Some("b"));
        assert!(message(b"[]", "a").is_err() && message(b"{\"a\": {}", "a").is_err());
        assert_eq!(message_key("__MSG_appName__"), Some("appName"));
        assert!(message_key("Guard").is_none() && message_key("__MSG___").is_none());
    }

    #[test]
    fn every_cut_is_an_error() {
        let whole = br#"{"name": "N", "version": "2", "developer": {"name": "D"}}"#;
        for end in 0..whole.len() {
            assert!(manifest(&whole[..end]).is_err());
            assert!(message(&whole[..end], "n").is_err());
        }
    }
}
