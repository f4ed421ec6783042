//! What a profile of a Chromium browser knows of its extensions: `Preferences`, `Secure Preferences`, and the language
//! in `Local State`. Written by `extensions/browser/extension_prefs.cc` of Chromium.
//!
//! Called by the source of Chromium's extensions. Read as a stream into the few fields that matter: real files have
//! several megabytes. Must not know where the files lie.

use std::io::BufReader;
use std::io::Read;

use serde::Deserialize;

use crate::parse::ReadAt;
use crate::parse::json;
use crate::parse::json::Owned;
use crate::parse::json::Pairs;
use crate::parse::web_extension::Manifest;
use crate::parse::web_extension::Raw;

/// Longest file that is read.
pub const MAX_INPUT: u64 = 64 << 20;
/// Extensions of one profile that are kept.
const MAX_SETTINGS: usize = 10_000;
/// Seconds from 1601-01-01, where these times begin, to 1970-01-01.
const EPOCH: i64 = 11_644_473_600;

/// What a file says of extensions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Id and record of each.
    pub extensions: Vec<(String, Extension)>,
    /// Ids that the browser's shop vouched for when it was last asked.
    pub vouched: Vec<String>,
    /// Language of the browser's own texts (`Local State`).
    pub language: Option<String>,
    /// Whether there were more than are kept.
    pub more: bool,
}

/// One extension.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extension {
    /// Its folder: below `Extensions`, or a whole path.
    pub path: Option<String>,
    /// 0 disabled, 1 enabled, 2 removed though a program on the machine had asked for it.
    pub state: Option<i64>,
    /// Who brought it (`mojom::ManifestLocation`): 5 and 10 are the browser's own parts.
    pub location: Option<i64>,
    /// What its manifest said.
    pub manifest: Manifest,
    /// Unix seconds of the first installation.
    pub installed: Option<i64>,
    /// Unix seconds of the last update.
    pub updated: Option<i64>,
}

impl Extension {
    /// Whether it is a part of the browser itself: `COMPONENT` and `EXTERNAL_COMPONENT`.
    pub fn is_component(&self) -> bool {
        matches!(self.location, Some(5 | 10))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    #[serde(deserialize_with = "json::object")]
    extensions: Extensions,
    #[serde(deserialize_with = "json::object")]
    intl: Intl,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extensions {
    #[serde(deserialize_with = "json::object")]
    settings: Pairs<Setting, MAX_SETTINGS>,
    #[serde(deserialize_with = "json::object")]
    install_signature: Signature,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Signature {
    #[serde(deserialize_with = "json::texts")]
    ids: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Intl {
    #[serde(deserialize_with = "json::text")]
    app_locale: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Setting {
    #[serde(deserialize_with = "json::text")]
    path: Option<String>,
    #[serde(deserialize_with = "json::number")]
    state: Option<i64>,
    #[serde(deserialize_with = "json::number")]
    location: Option<i64>,
    #[serde(deserialize_with = "json::object")]
    manifest: Raw,
    #[serde(deserialize_with = "json::number")]
    first_install_time: Option<i64>,
    #[serde(deserialize_with = "json::number")]
    last_update_time: Option<i64>,
}

/// Reads a file of any of the three names; the error is a sentence part.
pub fn preferences(src: &dyn ReadAt) -> Result<Preferences, String> {
    if src.size() > MAX_INPUT {
        return Err(format!("longer than {} MiB", MAX_INPUT >> 20));
    }
    let stream = BufReader::with_capacity(64 << 10, Stream { src, at: 0 });
    let file: Owned<File> = serde_json::from_reader(stream).map_err(|error| format!("not JSON: {error}"))?;
    let File { extensions, intl } = file.0;
    Ok(Preferences {
        more: extensions.settings.more,
        extensions: extensions.settings.pairs.into_iter().map(|(id, one)| (id, one.said())).collect(),
        vouched: extensions.install_signature.ids,
        language: intl.app_locale,
    })
}

impl Setting {
    fn said(self) -> Extension {
        Extension {
            path: self.path,
            state: self.state,
            location: self.location,
            manifest: self.manifest.said(),
            installed: self.first_install_time.and_then(unix),
            updated: self.last_update_time.and_then(unix),
        }
    }
}

/// Unix seconds of microseconds since 1601; none for 0, which means "never".
fn unix(micros: i64) -> Option<i64> {
    (micros > 0).then(|| micros / 1_000_000 - EPOCH)
}

/// The file from its beginning to its end.
struct Stream<'s> {
    src: &'s dyn ReadAt,
    at: u64,
}

impl Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let read = self.src.read_at(self.at, buf)?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{"account": {"x": [1, {"y": null}]}, "extensions": {
        "install_signature": {"ids": ["b"], "signature": "AAAA"},
        "settings": {
            "a": {"path": "a/1.2_0", "state": 1, "location": 1, "first_install_time": "13300000000000000",
                  "last_update_time": "13300000001000000", "disable_reasons": [],
                  "manifest": {"name": "Guard", "version": "1.2", "current_locale": "de", "permissions": ["tabs"]}},
            "c": {"ack_external": true},
            "d": 7
        }}, "intl": {"app_locale": "de", "accept_languages": "de,en"}}"#;

    fn read(text: &[u8]) -> Result<Preferences, String> {
        preferences(&text)
    }

    #[test]
    fn a_profile() {
        let got = read(SAMPLE.as_bytes()).unwrap();
        let ids: Vec<_> = got.extensions.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!((ids, got.vouched, got.more), (vec!["a", "c", "d"], vec!["b".to_owned()], false));
        assert_eq!(got.language.as_deref(), Some("de"));
        let a = &got.extensions[0].1;
        assert_eq!((a.path.as_deref(), a.state, a.location), (Some("a/1.2_0"), Some(1), Some(1)));
        assert_eq!((a.installed, a.updated), (Some(1_655_526_400), Some(1_655_526_401)));
        assert_eq!(a.manifest.current_locale.as_deref(), Some("de"));
        assert_eq!(got.extensions[2].1, Extension::default());
        assert_eq!(read(b"{}").unwrap(), Preferences::default());
        assert_eq!(read(br#"{"extensions": {"settings": null}}"#).unwrap(), Preferences::default());
    }

    #[test]
    fn what_is_cut_or_no_object_is_refused() {
        for end in 0..SAMPLE.len() {
            assert!(read(&SAMPLE.as_bytes()[..end]).is_err(), "{end}");
        }
        for bad in [&b""[..], b"[]", b"null", b"{} x", b"\xff"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert!(read("{\"a\":".repeat(1 << 16).as_bytes()).is_err(), "a bomb ends soon");
    }

    /// A file that claims to be too long.
    struct Huge;

    impl ReadAt for Huge {
        fn size(&self) -> u64 {
            MAX_INPUT + 1
        }
        fn read_at(&self, _: u64, _: &mut [u8]) -> std::io::Result<usize> {
            Ok(0)
        }
    }

    #[test]
    fn floods_are_told() {
        let many: Vec<String> = (0..=MAX_SETTINGS).map(|n| format!("\"{n}\": {{}}")).collect();
        let got =
            read(format!(r#"{{"extensions": {{"settings": {{{}}}}}}}"#, many.join(",")).as_bytes()).unwrap();
        assert_eq!((got.extensions.len(), got.more), (MAX_SETTINGS, true));
        assert!(preferences(&Huge).is_err());
    }

    #[test]
    fn mutations_end_in_a_word() {
        let mut state = 7_u32;
        for _ in 0..3_000 {
            let mut bytes = SAMPLE.as_bytes().to_vec();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % bytes.len();
                bytes[at] = state.to_le_bytes()[3];
            }
            _ = read(&bytes);
        }
    }
}
