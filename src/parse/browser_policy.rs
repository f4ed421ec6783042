//! What an administrator, or another program, asks browsers to install: files of policies (Chromium's `*.json`, Firefox's
//! `policies.json`), and the files by which programs offer an extension to Chromium.
//! <https://chromeenterprise.google/policies/>, <https://mozilla.github.io/policy-templates/>,
//! <https://developer.chrome.com/docs/extensions/how-to/distribute/install-extensions>
//!
//! Called by the sources of browsers' extensions, also with values of the registry and of property lists. Must not know
//! where they lie.

use serde::Deserialize;

use crate::parse::json;
use crate::parse::json::Pairs;

/// Bytes of a file that are read.
pub const MAX_INPUT: usize = 4 << 20;
/// Extensions that one policy may name.
const MAX_NAMED: usize = 10_000;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Ids of extensions that are to be installed.
    pub ids: Vec<String>,
    /// Addresses of extensions that are to be installed, of which no id is known.
    pub addresses: Vec<String>,
    /// Whether there were more than are kept.
    pub more: bool,
}

/// An extension that a program offers to Chromium.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Offer {
    /// The packed extension.
    #[serde(deserialize_with = "json::text")]
    pub external_crx: Option<String>,
    /// Its version.
    #[serde(deserialize_with = "json::text")]
    pub external_version: Option<String>,
    /// Where it is fetched from.
    #[serde(deserialize_with = "json::text")]
    pub external_update_url: Option<String>,
}

/// What a policy says of one extension.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Setting {
    #[serde(deserialize_with = "json::text")]
    installation_mode: Option<String>,
}

type Settings = Pairs<Setting, MAX_NAMED>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chromium {
    #[serde(rename = "ExtensionInstallForcelist", deserialize_with = "json::texts")]
    list: Vec<String>,
    #[serde(rename = "ExtensionSettings", deserialize_with = "json::object")]
    settings: Settings,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Firefox {
    #[serde(deserialize_with = "json::object")]
    policies: FirefoxPolicies,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FirefoxPolicies {
    #[serde(rename = "ExtensionSettings", deserialize_with = "json::object")]
    settings: Settings,
    #[serde(rename = "Extensions", deserialize_with = "json::object")]
    extensions: Install,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Install {
    #[serde(rename = "Install", deserialize_with = "json::texts")]
    install: Vec<String>,
}

impl Asked {
    /// Adds an entry of Chromium's list: `id;address`.
    pub fn listed(&mut self, entry: &str) {
        let id = entry.split(';').next().unwrap_or_default().trim();
        self.id(id);
    }

    /// Adds an extension, or several with commas between, by how it is to be treated.
    pub fn setting(&mut self, ids: &str, mode: Option<&str>) {
        if mode.is_some_and(|mode| matches!(mode.trim(), "force_installed" | "normal_installed")) {
            ids.split(',').for_each(|id| self.id(id.trim()));
        }
    }

    fn id(&mut self, id: &str) {
        if self.ids.len() >= MAX_NAMED {
            self.more = true;
        } else if !id.is_empty() && id != "*" && !self.ids.iter().any(|known| known == id) {
            self.ids.push(id.to_owned());
        }
    }

    fn settings(&mut self, settings: Settings) {
        self.more |= settings.more;
        for (ids, setting) in settings.pairs {
            self.setting(&ids, setting.installation_mode.as_deref());
        }
    }
}

/// Reads a policy file of Chromium; the error is a sentence part.
pub fn chromium(bytes: &[u8]) -> Result<Asked, String> {
    let file: Chromium = json::file(bytes, MAX_INPUT)?;
    let mut asked = Asked::default();
    file.list.iter().for_each(|entry| asked.listed(entry));
    asked.settings(file.settings);
    Ok(asked)
}

/// Reads `policies.json` of Firefox; the error is a sentence part.
pub fn firefox(bytes: &[u8]) -> Result<Asked, String> {
    let file: Firefox = json::file(bytes, MAX_INPUT)?;
    let mut asked = Asked { addresses: file.policies.extensions.install, ..Asked::default() };
    asked.settings(file.policies.settings);
    Ok(asked)
}

/// Reads the value `ExtensionSettings` where it stands by itself; the error is a sentence part.
pub fn settings(bytes: &[u8]) -> Result<Asked, String> {
    let mut asked = Asked::default();
    asked.settings(json::file(bytes, MAX_INPUT)?);
    Ok(asked)
}

/// Reads the file by which a program offers an extension; the error is a sentence part.
pub fn offer(bytes: &[u8]) -> Result<Offer, String> {
    json::file(bytes, MAX_INPUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forced_is_asked_for_and_what_is_blocked_is_not() {
        let text = br#"{"ExtensionInstallForcelist": ["aaa;https://x/crx", "bbb", 7, ""],
            "ExtensionSettings": {"*": {"installation_mode": "force_installed"}, "ccc,ddd": {"installation_mode": "normal_installed"},
             "eee": {"installation_mode": "blocked"}, "fff": 7, "aaa": {"installation_mode": "force_installed"}}, }"#;
        assert_eq!(chromium(text).unwrap().ids, ["aaa", "bbb", "7", "ccc", "ddd"]);
        let text = br#"{"policies": {"Extensions": {"Install": ["https://x/a.xpi"]}, "ExtensionSettings":
            {"a@b": {"installation_mode": "force_installed", "install_url": "https://x"}}}}"#;
        let got = firefox(text).unwrap();
        assert_eq!((got.ids, got.addresses), (vec!["a@b".to_owned()], vec!["https://x/a.xpi".to_owned()]));
        assert_eq!(settings(br#"{"a": {"installation_mode": "force_installed"}}"#).unwrap().ids, ["a"]);
        assert_eq!(chromium(b"{}").unwrap(), Asked::default());
        let got = offer(br#"{"external_crx": "/opt/a.crx", "external_version": "1.0"}"#).unwrap();
        assert_eq!((got.external_crx.as_deref(), got.external_update_url), (Some("/opt/a.crx"), None));
    }

    #[test]
    fn broken_ones_are_refused() {
        for bad in [&b""[..], b"[]", b"{", b"null", b"{\"ExtensionSettings\": {\"a\": ", b"\xff\xfe\x00"] {
            assert!(chromium(bad).is_err() && firefox(bad).is_err(), "{bad:?}");
            assert!(settings(bad).is_err() && offer(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn floods_are_told() {
        let many: Vec<String> = (0..=MAX_NAMED).map(|n| format!("\"a{n}\"")).collect();
        let text = format!("{{\"ExtensionInstallForcelist\": [{}]}}", many.join(","));
        // The list itself is cut at the same number.
        assert_eq!(chromium(text.as_bytes()).unwrap().ids.len(), MAX_NAMED);
    }
}
