//! How well a host was looked at: each source's status, and every gap by name.
//!
//! Filled by `sources`, weighed by `judge`, shown by `emit`. Silence is not compliance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Field, HostPath, ItemKind, ScopeKind, State};

/// What a source needs of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Files.
    Files,
    /// Running processes, or other state of a running kernel.
    Running,
}

/// How a source ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All of it was read.
    Complete,
    /// Read, with gaps.
    Partial,
    /// It should be there, and could not be read.
    Failed,
    /// It cannot be looked at in this way (processes of a dead disk).
    Unavailable,
    /// This host does not have it.
    NotApplicable,
}

impl Status {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unavailable => "unavailable",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// Why something could not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// The system refused.
    PermissionDenied,
    /// It should be there and is not.
    Missing,
    /// There, but not in the shape it must have.
    Malformed,
    /// It ends before its end.
    Truncated,
    /// It is there and empty where it cannot be.
    Empty,
    /// Two records contradict each other.
    Inconsistent,
    /// Larger than the cap.
    TooLarge,
    /// Links that lead in a circle, or more than 40.
    LinkLoop,
    /// A device, pipe or socket where a file should be.
    NotAFile,
    /// On a network, FUSE or automount file system, which is not entered.
    RemoteMount,
    /// Something is mounted over it.
    Overmounted,
    /// The system mounts a file system there, and it is not mounted now.
    NotMounted,
    /// The kernel hides processes of others.
    HiddenProcesses,
    /// Another process or mount namespace.
    Namespace,
    /// A kernel thread: it has no program file.
    KernelThread,
    /// It went away during the scan.
    Vanished,
    /// It changed during the scan.
    Changed,
    /// The budget of time or entries ran out.
    Budget,
    /// An error of the medium.
    ReadError,
    /// Known to be there, and not looked into.
    NotLookedInto,
    /// A fault of the scanner itself.
    Internal,
}

impl GapReason {
    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::PermissionDenied => "permission denied",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::Inconsistent => "inconsistent",
            Self::TooLarge => "too large",
            Self::LinkLoop => "link loop",
            Self::NotAFile => "not a regular file",
            Self::RemoteMount => "remote file system, not entered",
            Self::Overmounted => "something is mounted over it",
            Self::NotMounted => "its file system is not mounted",
            Self::HiddenProcesses => "the kernel hides processes of others",
            Self::Namespace => "in another namespace",
            Self::KernelThread => "kernel thread without a program file",
            Self::Vanished => "went away during the scan",
            Self::Changed => "changed during the scan",
            Self::Budget => "budget ran out",
            Self::ReadError => "read error",
            Self::NotLookedInto => "not looked into",
            Self::Internal => "fault of the scanner",
        }
    }

    /// Whether it could hide something that counts, unless the source knows better.
    pub fn blocks(self) -> bool {
        !matches!(self, Self::KernelThread | Self::Vanished)
    }
}

/// Something that could not be seen; gaps of one reason are one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    /// Why.
    pub reason: GapReason,
    /// More on the first of them, as a sentence part.
    pub detail: Option<String>,
    /// How many places.
    pub count: u64,
    /// The first five places.
    pub places: Vec<HostPath>,
    /// Whether it could hide something that counts.
    pub blocking: bool,
}

/// What one source did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceReport {
    /// Its name.
    pub source: &'static str,
    /// How it ended.
    pub status: Status,
    /// Why, where it is neither complete nor partial.
    pub reason: Option<String>,
    /// What it could not see.
    pub gaps: Vec<Gap>,
    /// Records read.
    pub records: u64,
    /// Which halves of the host it looked at.
    pub scopes: Vec<ScopeKind>,
    /// Which fields it looked at.
    pub fields: Vec<Field>,
    /// Kinds it can yield and in which states.
    pub yields: Vec<(ItemKind, Vec<State>)>,
    /// Whether it is a record of software installed for the machine.
    pub install_record: bool,
    /// Milliseconds it took.
    pub elapsed_ms: u64,
}

impl SourceReport {
    /// Whether a gap could hide something that counts.
    pub fn has_blocking_gap(&self) -> bool {
        self.gaps.iter().any(|gap| gap.blocking)
    }

    /// Whether it can yield this kind in a state that a policy counts.
    pub fn can_count(&self, kind: ItemKind) -> bool {
        self.yields
            .iter()
            .any(|(yielded, states)| *yielded == kind && states.iter().any(|state| state.counts()))
    }
}

/// How well the whole host was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Coverage {
    /// One entry per source of the family.
    pub sources: Vec<SourceReport>,
}
