//! How well a host was looked at: each source's status, and every gap by name.
//!
//! Filled by `sources`, weighed by `judge`, shown by `emit`. Silence is not compliance.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Field, HostPath, ItemKind, ScopeKind, State};

/// What a source needs of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Files.
    Files,
    /// The registry of Windows.
    Registry,
    /// Running processes, or other state of a running kernel.
    Running,
}

impl Need {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Registry => "registry",
            Self::Running => "running system",
        }
    }
}

/// How a source ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// The memory that the scanner may hold was used up.
    Memory,
    /// An error of the medium.
    ReadError,
    /// A user's profile is kept in a container elsewhere, which is not here.
    ProfileElsewhere,
    /// Its contents are in the cloud, and fetching them would change the computer.
    CloudPlaceholder,
    /// macOS keeps it from every program that its owner or the administrator has not named.
    FullDiskAccess,
    /// Known to be there, and not looked into.
    NotLookedInto,
    /// A fault of the scanner itself.
    Internal,
}

impl GapReason {
    /// The word of JSON and of rules.
    pub fn word(self) -> &'static str {
        match self {
            Self::PermissionDenied => "permission-denied",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::Inconsistent => "inconsistent",
            Self::TooLarge => "too-large",
            Self::LinkLoop => "link-loop",
            Self::NotAFile => "not-a-file",
            Self::RemoteMount => "remote-mount",
            Self::Overmounted => "overmounted",
            Self::NotMounted => "not-mounted",
            Self::HiddenProcesses => "hidden-processes",
            Self::Namespace => "namespace",
            Self::KernelThread => "kernel-thread",
            Self::Vanished => "vanished",
            Self::Changed => "changed",
            Self::Budget => "budget",
            Self::Memory => "memory",
            Self::ReadError => "read-error",
            Self::ProfileElsewhere => "profile-elsewhere",
            Self::CloudPlaceholder => "cloud-placeholder",
            Self::FullDiskAccess => "full-disk-access",
            Self::NotLookedInto => "not-looked-into",
            Self::Internal => "internal",
        }
    }

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
            Self::Memory => "memory was used up",
            Self::ReadError => "read error",
            Self::ProfileElsewhere => "the profile is kept elsewhere",
            Self::CloudPlaceholder => "kept in the cloud, not fetched",
            Self::FullDiskAccess => "kept back by macOS, which asks for full disk access",
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Places of a gap that are kept.
const PLACES: usize = 5;

impl Gap {
    /// One of which nothing is counted yet.
    pub fn new(reason: GapReason, detail: Option<String>, blocking: bool) -> Self {
        Self { reason, detail, count: 0, places: Vec::new(), blocking }
    }

    /// Counts one more place.
    pub fn add(&mut self, place: &HostPath) {
        self.count += 1;
        if self.places.len() < PLACES && !self.places.contains(place) {
            self.places.push(place.clone());
        }
    }
}

/// What one source did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceReport {
    /// Its name.
    pub source: Cow<'static, str>,
    /// How it ended.
    pub status: Status,
    /// Why, where it is neither complete nor partial.
    pub reason: Option<String>,
    /// What it could not see.
    pub gaps: Vec<Gap>,
    /// Records read.
    pub records: u64,
    /// How many of them are no items, for no rule could match them: other rules have to look again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_kept: u64,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl SourceReport {
    /// Notes what came to light after the source was home; gaps of one reason are one.
    pub fn gap(&mut self, reason: GapReason, place: &HostPath, detail: Option<String>, blocking: bool) {
        let same = |gap: &&mut Gap| gap.reason == reason && gap.blocking == blocking;
        if let Some(gap) = self.gaps.iter_mut().find(same) {
            gap.add(place);
        } else {
            let mut gap = Gap::new(reason, detail, blocking);
            gap.add(place);
            self.gaps.push(gap);
        }
        if self.status == Status::Complete {
            self.status = Status::Partial;
        }
    }

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
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// One entry per source of the family.
    pub sources: Vec<SourceReport>,
}
