//! What lies between two looks at a host: findings, items, verdict, coverage, and what was asked. It is the JSON schema.
//!
//! Made by `judge::compare`, written by `emit::compared`. A thing that is not there any more is `removed` only where that
//! was seen; else it is `not-re-verified`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Because, Class, Confidence, GapReason, HostPath, ItemId, ItemKind, Severity, Stamp, State, Status, Tool,
    Verdict,
};

/// Version of the comparison's shape.
pub const COMPARISON_SCHEMA: &str = "interdict.comparison/1";

/// Two looks at a host, the older first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// [`COMPARISON_SCHEMA`].
    pub schema: Cow<'static, str>,
    /// The program that compared.
    pub tool: Tool,
    /// The older document.
    pub before: Compared,
    /// The newer document.
    pub after: Compared,
    /// Whether both are of one host, as far as they tell.
    pub same_host: bool,
    /// What it comes to.
    pub result: Comes,
    /// Exit code of the run.
    pub exit_code: u8,
    /// The same as a sentence.
    pub text: String,
    /// Whether what was found before is shown to be gone from a clean host.
    pub clean: Clean,
    /// Verdict per policy; empty where one of the two was not judged.
    pub policies: Vec<PolicyChange>,
    /// What was asked in another way: scope, depth, rights, users, policies, rules, day, tool, host.
    pub asked: Vec<AskedChange>,
    /// What was seen better or worse.
    pub coverage: CoverageChange,
    /// Every finding of either side, worse ones first.
    pub findings: Vec<FindingChange>,
    /// Items that differ.
    pub items: ItemChanges,
    /// What a reader should know of the comparison itself.
    pub notes: Vec<String>,
}

/// One of the two documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// Its shape.
    pub schema: String,
    /// The program that made it.
    pub tool: Tool,
    /// When its scan began.
    pub scanned_at: Stamp,
    /// Name of its host.
    pub host: Option<String>,
    /// Identity of the installation.
    pub machine_id: Option<String>,
    /// Its operating system.
    pub os: String,
    /// Its verdict, where it was judged.
    pub verdict: Option<Verdict>,
    /// Digest of its rules, where it was judged.
    pub ruleset: Option<String>,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Comes {
    /// Nothing is worse.
    NothingWorse,
    /// Nothing worse was seen, and less was seen or shown than before.
    LessSeen,
    /// A finding that counts is new, open again or worse.
    Worse,
}

impl Comes {
    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::NothingWorse => "nothing worse",
            Self::LessSeen => "less seen",
            Self::Worse => "worse",
        }
    }

    /// The exit code of a run that comes to this.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NothingWorse => 0,
            Self::Worse => 1,
            Self::LessSeen => 3,
        }
    }
}

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trend {
    /// For the worse.
    Worse,
    /// Neither.
    Same,
    /// For the better.
    Better,
}

impl Trend {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Same => "same",
            Self::Better => "better",
        }
    }
}

/// Whether the host is shown to be clean of what was found before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clean {
    /// Whether it is.
    pub shown: Shown,
    /// Why not; or what the proof rests on.
    pub because: Vec<String>,
}

/// Whether something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Every source that gave evidence before saw all of it again, and it is gone.
    Proven,
    /// It is not.
    NotShown,
    /// Nothing had been found.
    NothingToShow,
    /// One of the two is an inventory, which nobody judged.
    NotJudged,
}

/// Verdict on a policy, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyChange {
    /// The policy.
    pub policy: String,
    /// Before; none where it was not asked.
    pub before: Option<Verdict>,
    /// After; none where it was not asked.
    pub after: Option<Verdict>,
}

/// Something about the question, or the host as such, that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AskedChange {
    /// What.
    pub what: Asked,
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
    /// `worse` where AFTER could see less for it.
    pub trend: Trend,
}

/// What a scan can be asked in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// Which halves of the host.
    Scope,
    /// How deep.
    Depth,
    /// Running machine or dead disk.
    Mode,
    /// Whether everything could be read.
    Rights,
    /// Whether macOS showed protected folders.
    FullDiskAccess,
    /// Users whose profiles there are.
    Users,
    /// The policies.
    Policies,
    /// The rules.
    Rules,
    /// The day of the law.
    AsOf,
    /// Version of the scanner.
    Tool,
    /// Name of the host.
    HostName,
    /// Its operating system.
    Os,
}

impl Asked {
    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Depth => "depth",
            Self::Mode => "machine",
            Self::Rights => "rights",
            Self::FullDiskAccess => "full disk access",
            Self::Users => "users",
            Self::Policies => "policies",
            Self::Rules => "rules",
            Self::AsOf => "day of the law",
            Self::Tool => "interdict",
            Self::HostName => "name of the host",
            Self::Os => "system",
        }
    }
}

/// What was seen better or worse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageChange {
    /// `worse` where one source, or the question, is.
    pub trend: Trend,
    /// Sources that are not as they were, worse ones first.
    pub sources: Vec<SourceChange>,
    /// How many are.
    pub unchanged: usize,
}

/// One source, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceChange {
    /// Its name.
    pub source: String,
    /// How it ended before; none where there was none.
    pub before: Option<Status>,
    /// How it ended after.
    pub after: Option<Status>,
    /// Which way it went.
    pub trend: Trend,
    /// Why, in words.
    pub reason: Option<String>,
    /// Gaps that are new, gone or other.
    pub gaps: Vec<GapChange>,
}

/// A gap of a source, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GapChange {
    /// Why something could not be seen.
    pub reason: GapReason,
    /// More words.
    pub detail: Option<String>,
    /// Whether it could hide something that counts.
    pub blocking: bool,
    /// Places before.
    pub before: u64,
    /// Places after.
    pub after: u64,
    /// The first places after; before, where it is gone.
    pub places: Vec<HostPath>,
    /// Which way it went; what hides nothing that counts goes neither.
    pub trend: Trend,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It was not there before.
    New,
    /// It was there as leftovers, waived or not yet in effect, and decides now.
    Reopened,
    /// It is there, in another way.
    Changed,
    /// It is not there, and that was not seen.
    NotReVerified,
    /// The policy, the prohibition or the rule that found it is not asked any more.
    NoLongerAsked,
    /// Gone: every source that had shown it saw all of its part, without it.
    Removed,
    /// Only leftovers are there; the rest is gone.
    OnlyLeftovers,
    /// What is left does not show it surely enough; the rest is gone.
    LessSure,
    /// It is there, and a waiver holds.
    Waived,
    /// It is there, and does not count on the day that was asked.
    NotInEffect,
    /// It is not on AFTER's host, which is another.
    OtherHost,
    /// As it was.
    Unchanged,
}

impl Fate {
    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reopened => "re-opened",
            Self::Changed => "changed",
            Self::NotReVerified => "not re-verified",
            Self::NoLongerAsked => "no longer asked",
            Self::Removed => "removed",
            Self::OnlyLeftovers => "only leftovers",
            Self::LessSure => "less sure",
            Self::Waived => "waived",
            Self::NotInEffect => "not in effect",
            Self::OtherHost => "not on the other host",
            Self::Unchanged => "unchanged",
        }
    }
}

/// One finding, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingChange {
    /// Policy.
    pub policy: String,
    /// Prohibition of that policy.
    pub prohibition: String,
    /// Product id.
    pub product: String,
    /// Product name.
    pub product_name: String,
    /// Vendor name.
    pub vendor_name: String,
    /// What became of it.
    pub fate: Fate,
    /// Which way it went.
    pub trend: Trend,
    /// As it was.
    pub before: Option<FindingSide>,
    /// As it is.
    pub after: Option<FindingSide>,
    /// Why it is so: what hides it, what says that it may have been there before.
    pub reasons: Vec<String>,
}

/// A finding as one document has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingSide {
    /// What it is of.
    pub class: Class,
    /// How present.
    pub state: State,
    /// How sure.
    pub confidence: Confidence,
    /// How grave.
    pub severity: Severity,
    /// Whether it decides.
    pub decides: bool,
    /// Why not.
    pub because: Option<Because>,
    /// Versions seen.
    pub versions: Vec<String>,
    /// Sightings that it rests on.
    pub evidence: usize,
    /// Sources that had them.
    pub sources: Vec<String>,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ItemFate {
    /// It was not there before.
    Added,
    /// Another version of it, or the same in another state or place.
    Changed,
    /// It is gone, and that was seen.
    Removed,
    /// It is not on AFTER's host, which is another.
    OtherHost,
    /// It, or a place of it, is not there, and that was not seen.
    NotReVerified,
}

impl ItemFate {
    /// Every fate, in the order of reports.
    pub const ALL: &'static [Self] =
        &[Self::Added, Self::Changed, Self::Removed, Self::OtherHost, Self::NotReVerified];

    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::OtherHost => "not on the other host",
            Self::NotReVerified => "not re-verified",
        }
    }
}

/// Items of both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemChanges {
    /// Why they are not compared, if they are not.
    pub not_compared: Option<String>,
    /// Items that differ, by fate, kind and name.
    pub changes: Vec<ItemChange>,
    /// Items of both sides that do not differ.
    pub unchanged: usize,
    /// Programs that merely ran in one of them: that says nothing of what is installed, and they are left out.
    pub merely_ran: usize,
}

/// One item, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemChange {
    /// What became of it.
    pub fate: ItemFate,
    /// What kind of thing.
    pub kind: ItemKind,
    /// Its name.
    pub name: String,
    /// As it was.
    pub before: Option<ItemSide>,
    /// As it is.
    pub after: Option<ItemSide>,
    /// What differs: `version`, `publisher`, `signer`, `state`, `places`, …
    pub differs: Vec<String>,
    /// What hides it; what says that it may have been there before.
    pub reasons: Vec<String>,
}

/// An item as one document has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemSide {
    /// Its id.
    pub id: ItemId,
    /// Its version.
    pub version: Option<String>,
    /// Its publisher.
    pub publisher: Option<String>,
    /// The highest state in which it was seen.
    pub state: Option<State>,
    /// Sources that saw it.
    pub sources: Vec<String>,
    /// Whose it is: `machine`, `user alice`.
    pub scopes: Vec<String>,
}
