//! An item seen on this host: state, scope, place, dates, links. All that is volatile lives here.
//!
//! Made by `normalise` from traces; read by `matching`, `judge` and `emit`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{HostPath, Stamp};

/// How present a thing is, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A record that it once was here.
    Historic,
    /// Left behind: configuration, folder, account, service without its program.
    Remnant,
    /// A program file that is here without an installation record.
    Present,
    /// Recorded as installed.
    Installed,
    /// Running now.
    Running,
}

impl State {
    /// Whether a policy counts it.
    pub fn counts(self) -> bool {
        self >= Self::Present
    }

    /// What a record is that starts a program: left behind where that is gone. One whose program could not be seen counts as
    /// installed.
    pub fn of_record(image: Option<&Image>) -> Self {
        match image {
            Some(Image { exists: Some(false), .. }) => Self::Remnant,
            _ => Self::Installed,
        }
    }

    /// The word in rules and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Historic => "historic",
            Self::Remnant => "remnant",
            Self::Present => "present",
            Self::Installed => "installed",
            Self::Running => "running",
        }
    }
}

/// Whose it is on the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub enum Scope {
    /// The machine's.
    Machine,
    /// User number n of the report's host section.
    User(u32),
    /// A container's, by its id.
    Container(String),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Machine => f.write_str("machine"),
            Self::User(n) => write!(f, "user:{n}"),
            Self::Container(id) => write!(f, "container:{id}"),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let scope = match text.split_once(':') {
            None if text == "machine" => Some(Self::Machine),
            Some(("user", n)) => n.parse().ok().map(Self::User),
            Some(("container", id)) => Some(Self::Container(id.to_owned())),
            _ => None,
        };
        scope.ok_or_else(|| serde::de::Error::custom(format!("'{text}' is not a scope")))
    }
}

/// What a recorded date means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// The day of the first installation.
    Installed,
    /// The day of the last installation, upgrade or repair.
    LastServiced,
    /// A file's own time.
    FileTime,
    /// Not known.
    #[default]
    Unknown,
}

impl Means {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::LastServiced => "last-serviced",
            Self::FileTime => "file-time",
            Self::Unknown => "unknown",
        }
    }
}

/// A date from a record and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Recorded {
    /// The date, where the record has one.
    pub value: Option<Stamp>,
    /// What it means.
    pub means: Means,
}

impl Recorded {
    /// A date that a package manager keeps: of the last installation or upgrade.
    pub fn serviced(seconds: i64) -> Self {
        Self { value: Stamp::from_unix(seconds), means: Means::LastServiced }
    }
}

/// Where a trace was read: file, and which record in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file or folder that was read.
    pub path: HostPath,
    /// The record in it ("package kesl", "pid 812").
    pub record: Option<String>,
    /// The path in hexadecimal, only where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
}

impl Place {
    /// A whole file.
    pub fn file(path: HostPath) -> Self {
        let path_hex = (!path.is_utf8()).then(|| path.hex());
        Self { path, record: None, path_hex }
    }

    /// A record in a file.
    pub fn record(path: HostPath, record: impl Into<String>) -> Self {
        Self { record: Some(record.into()), ..Self::file(path) }
    }
}

/// The program file that a thing is or points to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// Its path, links resolved inside the root where it exists.
    pub path: HostPath,
    /// Whether it is there; `None` when that could not be seen.
    pub exists: Option<bool>,
}

/// Volatile facts of a running process; in no id and no digest. Never its command line or environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessFacts {
    /// Process id.
    pub pid: u32,
    /// When it started.
    pub started: Option<Stamp>,
    /// Owner's account name, or the number where no account has it.
    pub owner: Option<String>,
    /// Whether the program file was deleted since.
    pub deleted: bool,
}

/// A package of a database, as the database names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackageRef {
    /// The source that reads the database.
    pub source: &'static str,
    /// The package's name.
    pub name: String,
    /// Its architecture, where the database keeps several of one name apart.
    pub arch: Option<String>,
}

/// How two items belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// A file that a package's database lists as its own.
    OwnedBy,
    /// A running program that is the image of a service.
    ImageOf,
    /// Inside a larger thing.
    PartOf,
}

/// A link from a sighting to another sighting's item. Gathers evidence, copies no field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// How they belong together.
    pub kind: LinkKind,
    /// Id of the other item.
    pub to: super::ItemId,
}

/// An item on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sighting {
    /// Name of the source that saw it.
    pub source: Cow<'static, str>,
    /// How present it is.
    pub state: State,
    /// Whose it is.
    pub scope: Scope,
    /// Where the trace was read.
    pub place: Place,
    /// The program file it is or points to.
    pub image: Option<Image>,
    /// A date of the record.
    pub recorded_at: Recorded,
    /// When the product last updated itself, where it says so.
    pub last_update: Option<Stamp>,
    /// Facts of a running process.
    pub process: Option<ProcessFacts>,
    /// What it belongs to.
    pub links: Vec<Link>,
}
