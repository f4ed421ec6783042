//! Scoop's records of an installed app: `apps\<name>\current\manifest.json` and `install.json`.
//! Format: "App manifests", Scoop's wiki.
//!
//! Called by the source `scoop`. Must not know where the files lie.

use serde::Deserialize;
use serde::Deserializer;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use std::fmt;

use crate::parse::text::MAX_VALUE;
use crate::parse::utf16;

/// Bytes of a file that are read; the longest manifests have some ten kilobytes.
const MAX_INPUT: usize = 1 << 20;

/// What a manifest says. `None`: it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// Version of the app.
    #[serde(deserialize_with = "text")]
    pub version: Option<String>,
    /// Where it comes from.
    #[serde(deserialize_with = "text")]
    pub homepage: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "text")]
    pub description: Option<String>,
}

/// What Scoop wrote down when it installed an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Install {
    /// Name of the bucket that the manifest came from.
    #[serde(deserialize_with = "text")]
    pub bucket: Option<String>,
    /// Address of the manifest, where it came from no bucket.
    #[serde(deserialize_with = "text")]
    pub url: Option<String>,
    /// `64bit`, `32bit` or `arm64`.
    #[serde(deserialize_with = "text")]
    pub architecture: Option<String>,
}

/// Reads `manifest.json`; the error is a sentence part.
pub fn manifest(bytes: &[u8]) -> Result<Manifest, String> {
    let found: Manifest = object(bytes)?;
    if found.version.is_none() { Err("it has no version".to_owned()) } else { Ok(found) }
}

/// Reads `install.json`; the error is a sentence part.
pub fn install(bytes: &[u8]) -> Result<Install, String> {
    object(bytes)
}

fn object<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, String> {
    if bytes.len() > MAX_INPUT {
        return Err("longer than 1 MiB".to_owned());
    }
    let text = utf16::file(bytes);
    // serde would take an array of the fields' values too.
    if !text.trim_start().starts_with('{') {
        return Err("no JSON object".to_owned());
    }
    serde_json::from_str(&text).map_err(|error| format!("not JSON: {error}"))
}

/// A text or a number as text; anything else, as older manifests and odd buckets have it, is none.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    from.deserialize_any(Text)
}

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        let value = value.trim();
        Ok((!value.is_empty() && value.len() <= MAX_VALUE).then(|| value.to_owned()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files() {
        let got = manifest(
            b"\xef\xbb\xbf{\"version\": \"2.1\", \"homepage\": \"https://k.example\", \"bin\": [[\"a\", \"b\"]],
            \"license\": {\"identifier\": \"MIT\"}, \"description\": [\"odd\", {}]}",
        )
        .unwrap();
        assert_eq!(
            (got.version.as_deref(), got.homepage.as_deref()),
            (Some("2.1"), Some("https://k.example"))
        );
        assert_eq!(got.description, None);
        assert_eq!(manifest(b"{\"version\": 7, \"homepage\": null}").unwrap().version.as_deref(), Some("7"));
        let got = install(b"{\"bucket\": \"extras\", \"architecture\": \"64bit\", \"hold\": true}").unwrap();
        assert_eq!((got.bucket.as_deref(), got.architecture.as_deref()), (Some("extras"), Some("64bit")));
        assert_eq!(install(b"{}").unwrap(), Install::default());
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for bad in [
            &b""[..],
            b"{",
            b"[\"1\",\"2\",\"3\"]",
            b"null",
            b"{\"version\": \"\"}",
            b"{\"version\": \"1\"",
            b"{\"version\": \"1\", \"version\": \"2\"}",
            b"{} {}",
            b"\xff",
        ] {
            assert!(manifest(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bombs_end_soon() {
        assert!(manifest(&[&b"{\"a\":"[..], &b"[".repeat(1 << 19)].concat()).is_err());
        assert!(manifest(&vec![b' '; MAX_INPUT + 1]).is_err());
        let long = format!("{{\"version\":\"1\",\"homepage\":\"{}\"}}", "x".repeat(MAX_VALUE + 1));
        assert_eq!(manifest(long.as_bytes()).unwrap().homepage, None);
    }
}
