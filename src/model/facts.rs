//! What a host is: its operating system, its users, how it is being looked at.
//!
//! Made by `host` from the target itself; read by `sources`, `judge` and `emit`. Must not know the scanner's machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GapReason, HostPath, WindowsFacts};

/// A family of operating systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Any Linux distribution.
    Linux,
    /// Windows, client or server.
    Windows,
    /// macOS.
    Macos,
}

impl Family {
    /// The word in rules and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::Macos => "macos",
        }
    }
}

/// A running machine, or the disk of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The machine that runs the scanner.
    Live,
    /// A mounted disk or an unpacked image (`--root`).
    Offline,
}

/// How deep a scan looks. Each level holds the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Records only: package databases, units, entries, processes.
    Quick,
    /// Also the files of program folders.
    Standard,
    /// Also every other file of the system's own disks, by what it is and not by its name.
    Deep,
}

impl Depth {
    /// The word in rules and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Deep => "deep",
        }
    }
}

/// One half of a host: what belongs to the machine, or to its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeKind {
    /// Installed for the machine, or running on it.
    Machine,
    /// In the profiles of users.
    User,
}

/// Which halves a scan was asked to look at (`--scope`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeAsk {
    /// The machine and every user.
    All,
    /// Users' profiles only.
    User,
    /// The machine only.
    System,
}

impl ScopeAsk {
    /// Whether this half is to be looked at.
    pub fn includes(self, kind: ScopeKind) -> bool {
        match kind {
            ScopeKind::Machine => self != Self::User,
            ScopeKind::User => self != Self::System,
        }
    }

    /// Whether all that `other` asks for is looked at.
    pub fn covers(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}

/// The operating system by its own record (os-release on Linux, `CurrentVersion` in the registry of Windows,
/// `SystemVersion.plist` on macOS).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Os {
    /// Identifier, lower case: `debian`, `fedora`.
    pub id: Option<String>,
    /// Identifiers of what it derives from: `rhel fedora`.
    pub id_like: Vec<String>,
    /// Name for people: `Debian GNU/Linux 12 (bookworm)`.
    pub name: Option<String>,
    /// Version: `12`.
    pub version: Option<String>,
    /// Why the record is there and tells nothing: then nobody knows what must exist.
    pub unread: Option<String>,
}

impl Os {
    /// Whether it is, or derives from, one of these.
    pub fn is_like(&self, ids: &[&str]) -> bool {
        self.id.iter().chain(&self.id_like).any(|id| ids.contains(&id.as_str()))
    }
}

/// One user's profile on the host, whether logged on or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Number within this report; `user:<n>` in scopes.
    pub n: u32,
    /// Account name, or the folder's name where no account has it.
    pub name: String,
    /// Home folder.
    pub home: HostPath,
    /// Whether the scan may list the home folder.
    pub readable: bool,
    /// Security identifier of the account, on Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// Why the list of users may not be whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserGap {
    /// Why.
    pub reason: GapReason,
    /// What could not be read.
    pub path: HostPath,
    /// More words.
    pub detail: Option<String>,
    /// Whether it could hide something that counts: a profile without its folder holds nothing.
    pub blocking: bool,
}

/// A folder that everybody knows by another name than its own: `/opt`, where it is a link to `/var/opt` (ostree); `/var` of
/// a macOS, which is `/private/var`; `{program-files}` for `C:\Program Files`, wherever a Windows keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alias {
    /// Where it is.
    pub real: HostPath,
    /// The name that rules and items use.
    pub name: HostPath,
}

/// The host that a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostFacts {
    /// Family of its operating system.
    pub family: Family,
    /// Its operating system.
    pub os: Os,
    /// Host name.
    pub name: Option<String>,
    /// Identity of the installation (`/etc/machine-id`, `MachineGuid`).
    pub machine_id: Option<String>,
    /// Running machine or dead disk.
    pub mode: Mode,
    /// Whether the scan may read everything (root, or the capabilities that come to the same).
    pub privileged: bool,
    /// Whether a running macOS lets the scan see protected folders: without it they are refused, or read as empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_disk_access: Option<bool>,
    /// Every user with a home folder.
    pub users: Vec<User>,
    /// What may hide further users.
    pub user_gaps: Vec<UserGap>,
    /// Folders known by another name than their own.
    pub aliases: Vec<Alias>,
    /// Other volumes that a running macOS has mounted: they are not looked into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_volumes: Vec<HostPath>,
    /// Folders and variables of a Windows.
    #[serde(skip)]
    #[schemars(skip)]
    pub windows: Option<WindowsFacts>,
}
