//! Add-ons of Firefox and its relatives: `extensions.json` of a profile, and `install.rdf` of old packages.
//! Written by `toolkit/mozapps/extensions/internal/XPIDatabase.sys.mjs` of Firefox; install.rdf:
//! <https://udn.realityripple.com/docs/Archive/Add-ons/Install_Manifests>
//!
//! Called by the source of Firefox's extensions. Must not know where the files lie.

use serde::Deserialize;

use crate::parse::json;
use crate::parse::json::Lenient;
use crate::parse::xml;
use crate::parse::xml::Node;

/// Bytes of a file that are read; one with fifty add-ons has half a megabyte.
pub const MAX_INPUT: usize = 32 << 20;
/// Add-ons of one profile that are kept.
const MAX_ADDONS: usize = 10_000;

/// One add-on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addon {
    /// Its id.
    pub id: String,
    /// Version.
    pub version: Option<String>,
    /// Name in the default language.
    pub name: Option<String>,
    /// Who made it.
    pub creator: Option<String>,
    /// Where the browser found it: `app-profile`, `app-builtin`, `winreg-app-global`, …
    pub location: Option<String>,
    /// Its package or folder, as a path of the system that wrote it.
    pub path: Option<String>,
    /// Unix seconds of the installation.
    pub installed: Option<i64>,
    /// Unix seconds of the last update.
    pub updated: Option<i64>,
}

/// What a profile's record holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addons {
    /// Its add-ons.
    pub addons: Vec<Addon>,
    /// Whether some had no id, or were too many.
    pub more: bool,
}

#[derive(Default, Deserialize)]
struct File {
    addons: Vec<Lenient<Raw>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Raw {
    #[serde(deserialize_with = "json::text")]
    id: Option<String>,
    #[serde(deserialize_with = "json::text")]
    version: Option<String>,
    #[serde(rename = "defaultLocale", deserialize_with = "json::object")]
    default_locale: Locale,
    #[serde(deserialize_with = "json::text")]
    location: Option<String>,
    #[serde(deserialize_with = "json::text")]
    path: Option<String>,
    #[serde(rename = "installDate", deserialize_with = "json::number")]
    install_date: Option<i64>,
    #[serde(rename = "updateDate", deserialize_with = "json::number")]
    update_date: Option<i64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Locale {
    #[serde(deserialize_with = "json::text")]
    name: Option<String>,
    #[serde(deserialize_with = "json::person")]
    creator: Option<String>,
}

impl Addon {
    /// Sets a field of `install.rdf` that is not set yet.
    fn set(&mut self, field: &str, text: &str) {
        let slot = match field {
            "id" if self.id.is_empty() => return text.clone_into(&mut self.id),
            "name" => &mut self.name,
            "version" => &mut self.version,
            "creator" => &mut self.creator,
            _ => return,
        };
        if slot.is_none() && !text.is_empty() {
            *slot = Some(text.to_owned());
        }
    }
}

/// Reads `extensions.json`; the error is a sentence part.
pub fn addons(bytes: &[u8]) -> Result<Addons, String> {
    let file: File = json::file(bytes, MAX_INPUT)?;
    let mut out = Addons { more: file.addons.len() > MAX_ADDONS, ..Addons::default() };
    for Lenient(raw) in file.addons.into_iter().take(MAX_ADDONS) {
        let Some(id) = raw.id else {
            out.more = true;
            continue;
        };
        out.addons.push(Addon {
            id,
            version: raw.version,
            name: raw.default_locale.name,
            creator: raw.default_locale.creator,
            location: raw.location,
            path: raw.path,
            installed: raw.install_date.map(|millis| millis / 1000),
            updated: raw.update_date.map(|millis| millis / 1000),
        });
    }
    Ok(out)
}

/// Reads `install.rdf`; the error is a sentence part. Fields stand as elements or as attributes of the first
/// description; those of the programs that it fits lie deeper.
pub fn install_rdf(bytes: &[u8]) -> Result<Addon, String> {
    let mut out = Addon::default();
    let mut descriptions = 0;
    let faults = xml::walk(bytes, &mut |node| match node {
        Node::Open(["RDF", "Description"], attributes) => {
            descriptions += 1;
            for field in ["id", "name", "version", "creator"].iter().filter(|_| descriptions == 1) {
                let text = attributes.get(&format!("em:{field}")).or_else(|| attributes.get(field));
                out.set(field, text.as_deref().unwrap_or_default().trim());
            }
        }
        Node::Leaf(["RDF", "Description", field], text) if descriptions == 1 => out.set(field, text),
        _ => {}
    });
    match faults.first() {
        Some(fault) => Err(fault.to_string()),
        None if out.id.is_empty() => Err("it has no id".to_owned()),
        None => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{"schemaVersion": 36, "addons": [
        {"id": "a@b", "version": "1.0", "type": "extension", "active": false, "location": "app-profile",
         "path": "/home/u/.mozilla/firefox/p/extensions/a@b.xpi", "foreignInstall": true, "installDate": 1700000000123,
         "updateDate": 1700000001000, "defaultLocale": {"name": "Guard", "creator": {"name": "K"}}, "locales": [{"name": "W"}]},
        {"id": "builtin@b", "location": "app-builtin", "path": null, "defaultLocale": null},
        {"version": "1"}, 7]}"#;

    #[test]
    fn a_profile() {
        let got = addons(SAMPLE.as_bytes()).unwrap();
        assert_eq!((got.addons.len(), got.more), (2, true));
        let a = &got.addons[0];
        assert_eq!(
            (a.id.as_str(), a.name.as_deref(), a.creator.as_deref()),
            ("a@b", Some("Guard"), Some("K"))
        );
        assert_eq!((a.installed, a.updated), (Some(1_700_000_000), Some(1_700_000_001)));
        assert_eq!(got.addons[1].path, None);
        for end in 0..SAMPLE.len() {
            assert!(addons(&SAMPLE.as_bytes()[..end]).is_err(), "{end}");
        }
        for bad in ["", "{}", "[]", "{\"addons\": 7}", "{\"addons\": null}"] {
            assert!(addons(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_old_package() {
        let text = r#"<?xml version="1.0"?><RDF xmlns="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:em="http://www.mozilla.org/2004/em-rdf#">
            <Description about="urn:mozilla:install-manifest"><em:id>urladvisor@kaspersky.com</em:id><em:version>8.1</em:version>
            <em:targetApplication><Description><em:id>{ec8030f7}</em:id></Description></em:targetApplication>
            <em:name>URL Advisor</em:name><em:creator>K</em:creator></Description><Description><em:id>x</em:id></Description></RDF>"#;
        let got = install_rdf(text.as_bytes()).unwrap();
        assert_eq!((got.id.as_str(), got.version.as_deref()), ("urladvisor@kaspersky.com", Some("8.1")));
        assert_eq!((got.name.as_deref(), got.creator.as_deref()), (Some("URL Advisor"), Some("K")));
        let short =
            r#"<RDF:RDF xmlns:RDF="r" xmlns:em="e"><RDF:Description em:id="a@b" em:name="N"/></RDF:RDF>"#;
        let got = install_rdf(short.as_bytes()).unwrap();
        assert_eq!((got.id.as_str(), got.name.as_deref()), ("a@b", Some("N")));
        for bad in ["", "<RDF/>", "<RDF><Description><em:id>a</em:id>", "x"] {
            assert!(install_rdf(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
