//! The fleet-wide fact: a thing that can be on many hosts, without anything of one host in it.
//!
//! Made by `normalise`, matched by `matching`. The id is computed by `normalise::identity`.

use std::fmt;

use schemars::JsonSchema;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Identifier;

/// What kind of thing an item is. `docs/fields.md` says what each field means for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// A record of a package manager.
    Package,
    /// A program known by a desktop entry, an app bundle, a portable image or a vendor tree.
    Application,
    /// An add-on of a browser or editor.
    Extension,
    /// A service or daemon definition.
    Service,
    /// A driver or kernel module.
    Driver,
    /// A program file, on disk or running.
    Executable,
    /// Something started by itself: cron, XDG autostart, Run keys.
    Autostart,
    /// A certificate in a trust store.
    Certificate,
    /// A product registered as a security product.
    SecurityProduct,
    /// An attached or once attached device.
    Device,
    /// A leftover: folder, key, account.
    Trace,
}

impl ItemKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Package,
        Self::Application,
        Self::Extension,
        Self::Service,
        Self::Driver,
        Self::Executable,
        Self::Autostart,
        Self::Certificate,
        Self::SecurityProduct,
        Self::Device,
        Self::Trace,
    ];

    /// The word in rules and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Application => "application",
            Self::Extension => "extension",
            Self::Service => "service",
            Self::Driver => "driver",
            Self::Executable => "executable",
            Self::Autostart => "autostart",
            Self::Certificate => "certificate",
            Self::SecurityProduct => "security-product",
            Self::Device => "device",
            Self::Trace => "trace",
        }
    }
}

/// A field that evidence can rest on. Hits that rest on different ones are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Name or display name.
    Name,
    /// Claimed publisher.
    Publisher,
    /// Proven signer.
    Signer,
    /// A typed identifier.
    Identifier,
    /// Path of the thing or of what it points to.
    Path,
    /// Hash of the file.
    Hash,
    /// Version.
    Version,
}

impl Field {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Publisher => "publisher",
            Self::Signer => "signer",
            Self::Identifier => "identifier",
            Self::Path => "path",
            Self::Hash => "hash",
            Self::Version => "version",
        }
    }
}

/// Order in which an ecosystem compares versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Debian: `[epoch:]upstream[-revision]`.
    Dpkg,
    /// RPM: `[epoch:]version-release`.
    Rpm,
    /// Alpine: `version-rN`.
    Apk,
    /// Arch: `[epoch:]version-release`.
    Pacman,
    /// Semantic versioning 2.0: `1.4.0-rc.1+build`.
    Semver,
    /// Numbers with dots between them, as in Windows' version resources and Apple's bundles: `10.0.19041.1`.
    Dotted,
    /// Anything else.
    Other,
}

/// A version as it was recorded, with the order it is to be compared by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// As recorded: `1:2.30-4`.
    pub raw: String,
    /// How to compare it.
    pub scheme: Scheme,
}

impl Version {
    /// A version as recorded.
    pub fn new(raw: impl Into<String>, scheme: Scheme) -> Self {
        Self { raw: raw.into(), scheme }
    }

    /// Epoch, version and release where the scheme has them: `1:2.30-4` is `(1, 2.30, 4)`.
    pub fn split(&self) -> (Option<u32>, &str, Option<&str>) {
        if matches!(self.scheme, Scheme::Semver | Scheme::Dotted | Scheme::Other) {
            return (None, &self.raw, None);
        }
        let (epoch, rest) = match self.raw.split_once(':') {
            Some((epoch, rest)) if epoch.parse::<u32>().is_ok() => (epoch.parse().ok(), rest),
            _ => (None, self.raw.as_str()),
        };
        match rest.rsplit_once('-') {
            Some((version, release)) => (epoch, version, Some(release)),
            None => (epoch, rest, None),
        }
    }
}

/// Written with its parts, so that no reader of a report has to split it again.
impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (epoch, version, release) = self.split();
        let mut out = serializer.serialize_struct("Version", 5)?;
        out.serialize_field("raw", &self.raw)?;
        out.serialize_field("scheme", &self.scheme)?;
        out.serialize_field("epoch", &epoch)?;
        out.serialize_field("version", version)?;
        out.serialize_field("release", &release)?;
        out.end()
    }
}

/// Its parts are left: they follow from the rest.
impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            raw: String,
            scheme: Scheme,
        }
        Written::deserialize(deserializer).map(|Written { raw, scheme }| Self { raw, scheme })
    }
}

impl JsonSchema for Version {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Version".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let scheme = generator.subschema_for::<Scheme>();
        schemars::json_schema!({
            "type": "object",
            "description": "A version as recorded, and its parts where the scheme has them.",
            "properties": {
                "raw": { "type": "string" },
                "scheme": scheme,
                "epoch": { "type": ["integer", "null"] },
                "version": { "type": "string" },
                "release": { "type": ["string", "null"] }
            },
            "required": ["raw", "scheme", "epoch", "version", "release"]
        })
    }
}

/// A field that costs: not looked at, absent, there, or there and unreadable are four values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "looked", content = "value")]
pub enum Looked<T> {
    /// Nobody looked.
    #[default]
    NotLooked,
    /// Looked at, and there is none.
    None,
    /// Looked at, and it is this.
    Some(T),
    /// Looked at, and it could not be read; why.
    Unreadable(String),
}

/// How far a signer is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The chain ends at a root that the target trusts.
    Anchored,
    /// Signed, but the chain ends nowhere.
    Unanchored,
    /// The signature does not fit the file.
    Broken,
    /// The name was read, and no rule gave reason to prove it.
    Unchecked,
}

impl Trust {
    /// The word in rules and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anchored => "anchored",
            Self::Unanchored => "unanchored",
            Self::Broken => "broken",
            Self::Unchecked => "unchecked",
        }
    }

    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Anchored => "proven",
            Self::Unanchored => "not proven: nobody who is trusted vouches for the name",
            Self::Broken => "broken: the file is not what was signed",
            Self::Unchecked => "not checked",
        }
    }
}

/// Who signed a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// Subject of the signing certificate.
    pub name: String,
    /// Apple's id of the developer team (`2Y8XE5CQ94`), where the signature names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
    /// How far it is proven.
    pub trust: Trust,
}

/// Identity of an item across the fleet: a hash over its fields, folded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub [u8; 16]);

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for ItemId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ItemId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let whole =
            text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let value = whole.then(|| u128::from_str_radix(&text, 16).ok()).flatten();
        let wrong = || serde::de::Error::custom(format!("'{text}' is not the id of an item"));
        value.map(|value| Self(value.to_be_bytes())).ok_or_else(wrong)
    }
}

impl JsonSchema for ItemId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ItemId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
    }
}

/// A thing that can be on many hosts. The same package on 50,000 hosts is one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Hash over all the fields below, folded.
    pub id: ItemId,
    /// What kind of thing.
    pub kind: ItemKind,
    /// Its technical name (`kesl`, `kesl.service`).
    pub name: String,
    /// Its name for people, where the record has another.
    pub display_name: Option<String>,
    /// Its version.
    pub version: Option<Version>,
    /// Who the record claims made or packaged it.
    pub publisher: Option<String>,
    /// Who signed it.
    pub signer: Looked<Signer>,
    /// Typed identifiers, sorted.
    pub identifiers: Vec<Identifier>,
    /// Architecture.
    pub arch: Option<String>,
    /// Path with the host's own parts replaced (`{home}/.local/bin/x`).
    pub path: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_split_by_their_scheme() {
        let split = |raw: &str, scheme| {
            let version = Version::new(raw, scheme);
            let (epoch, upstream, release) = version.split();
            (epoch, upstream.to_owned(), release.map(str::to_owned))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(split("1:2.5.1-4", Scheme::Dpkg), (Some(1), "2.5.1".into(), some("4")));
        assert_eq!(split("3.131", Scheme::Dpkg), (None, "3.131".into(), None));
        assert_eq!(split("4.8.0-59.el6", Scheme::Rpm), (None, "4.8.0".into(), some("59.el6")));
        assert_eq!(
            split("5:20.10.7~3-0~debian-buster", Scheme::Dpkg),
            (Some(5), "20.10.7~3-0~debian".into(), some("buster"))
        );
        assert_eq!(split("a:b-c", Scheme::Dpkg), (None, "a:b".into(), some("c")));
        assert_eq!(split("16-2.61", Scheme::Other), (None, "16-2.61".into(), None));
    }
}
