//! What is kept of a host, and what a check-in changes of it.
//!
//! Made by `check_in` and `judging`, written and read back by the stores. Plain data.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    Coverage, Date, Depth, Digests, Entry, Finding, HostFacts, Id, PolicyOutcome, RulesetStamp, ScopeAsk,
    Seen, SourceReport, Stamp, Tool, Verdict,
};
use crate::ruleset::Sought;

/// Whether one machine speaks as a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// As far as is known.
    Sound,
    /// It went on from a report before the last one: a snapshot was restored, or a copy speaks. Until that is settled it is
    /// not called compliant.
    Unsettled,
    /// Two machines speak as it: its verdict is unknown until they enrol anew.
    Split,
    /// It was split, and one that spoke as it has enrolled anew. Not counted any more.
    Retired,
}

impl Standing {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Sound, Self::Unsettled, Self::Split, Self::Retired];

    /// The word in answers and in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Unsettled => "unsettled",
            Self::Split => "split",
            Self::Retired => "retired",
        }
    }
}

impl Standing {
    /// What of a verdict can be told: what is on one of the machines that speak as a host is there; that nothing is there has
    /// to be said by the one machine that it is.
    pub fn shows(self, verdict: Option<Verdict>) -> Option<Verdict> {
        match self {
            Self::Sound => verdict,
            Self::Unsettled => verdict.filter(|verdict| *verdict == Verdict::NonCompliant),
            Self::Split | Self::Retired => None,
        }
    }
}

/// Where a host left the line of its reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// When.
    pub at: Stamp,
    /// Number of the report that it went on from.
    pub base: u64,
    /// Number of the last report of the line that it left. Whoever goes on from one after `base` is another machine.
    pub tip: u64,
}

/// By which rules, and the law of which day, a host was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JudgedBy {
    /// Id of the rules and of the policies that were asked.
    pub rules: Id,
    /// The day.
    pub on: Date,
}

/// What is known of a host when it checks in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The installation that enrolled.
    pub install: Id,
    /// Digest of its machine, as enrolled.
    pub machine: Id,
    /// The last report's number; 0: none yet.
    pub seq: u64,
    /// The last report.
    pub report: Option<Id>,
    /// Digest of all that is kept.
    pub inventory: Option<Id>,
    /// Whether one machine speaks as this host.
    pub standing: Standing,
    /// Where it left its line, until that is settled.
    pub fork: Option<Fork>,
    /// How it was judged.
    pub judged: Option<JudgedBy>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The report that is kept under the number that was asked for.
    pub of_seq: Option<Id>,
    /// The highest number of the reports that were named as previous, where one of them is kept.
    pub previous_seq: Option<u64>,
}

/// One source of a host, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSource {
    /// How it ended at the last report.
    pub report: SourceReport,
    /// Digest of that.
    pub state: Id,
    /// What it saw then: all there was, or where it was not whole a part; none where it saw nothing for it could not look.
    pub set: Option<KeptSet>,
    /// What it saw when it was last whole, where it was not whole at the last report.
    pub whole: Option<KeptWhole>,
}

impl KeptSource {
    /// Both digests, as the wire tells them.
    pub fn digests(&self) -> Digests {
        Digests { state: self.state, set: self.set.as_ref().map(|set| set.digest) }
    }
}

/// What a source saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSet {
    /// Its digest.
    pub digest: Id,
    /// The entries, in order of ids.
    pub entries: Vec<Entry>,
}

/// What a source saw when it was last whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptWhole {
    /// When that scan began.
    pub as_of: Stamp,
    /// The source never was whole: this is the last part of it, until it sees another.
    pub part: bool,
    /// The entries, in order of ids.
    pub entries: Vec<Entry>,
}

/// How a report came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// The program.
    pub tool: Tool,
    /// Which halves were looked at.
    pub scope: ScopeAsk,
    /// How deep.
    pub depth: Depth,
    /// The rules.
    pub ruleset: RulesetStamp,
    /// Ids of the policies by which of them it was led.
    pub policies: Vec<String>,
    /// Id of what led it; none: that was not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led: Option<Id>,
}

/// What a host holds, but for what the entries stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The host.
    pub facts: HostFacts,
    /// How the last report came to be.
    pub asked: Asked,
    /// What led it, where that was told.
    pub sought: Option<Arc<Sought>>,
    /// Every source, in the order of the report.
    pub sources: Vec<KeptSource>,
}

/// All that is kept of what a host holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHost {
    /// Number of the report that it is kept from.
    pub seq: u64,
    /// When the last report's scan began.
    pub scanned_at: Stamp,
    /// Id of the rules and policies that it was judged by.
    pub rules: Option<Id>,
    /// What it holds.
    pub holding: Holding,
    /// What the entries stand for.
    pub seen: BTreeMap<Id, Arc<Seen>>,
    /// Findings that are not closed.
    pub findings: Vec<KeptFinding>,
}

/// How a host was looked at, without what its sources saw: where nothing of that can make a finding it is all that a verdict is
/// made of, but for the host's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Number of the report that it is of.
    pub seq: u64,
    /// Digest of the manner in which it was looked at.
    pub manner: Id,
    /// What all hosts hold alike that were looked at in this manner: without sets, names, times and counts.
    pub holding: Arc<Holding>,
    /// Whether there are findings that are not closed.
    pub found: bool,
    /// The store's number of everything that its sources saw at the last report.
    pub numbers: Vec<i64>,
}

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// The last report shows it.
    Open,
    /// The last report does not show it, and did not look where it was seen.
    NotReVerified,
    /// It is gone, and that was seen; or the rules no longer know it.
    Closed,
}

impl FindingState {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Open, Self::NotReVerified, Self::Closed];

    /// The word in answers and in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::NotReVerified => "not-re-verified",
            Self::Closed => "closed",
        }
    }
}

/// How a host was looked at when a finding was last seen: against it is weighed whether a later look would have seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The host as it was then.
    pub facts: HostFacts,
    /// How the report came to be.
    pub asked: Asked,
    /// How its sources ended.
    pub coverage: Coverage,
    /// When the scan began.
    pub scanned_at: Stamp,
    /// Id of the rules and policies that the collector judged it by.
    pub rules: Option<Id>,
}

/// A finding with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFinding {
    /// As it was when it was last seen.
    pub finding: Finding,
    /// How it stands.
    pub state: FindingState,
    /// When the report came that first showed it.
    pub opened_at: Stamp,
    /// The look that last showed it; none: the last one did.
    pub seen: Option<Box<Look>>,
    /// When the report came that closed it.
    pub closed_at: Option<Stamp>,
    /// Why it is not open.
    pub why: Option<String>,
}

/// What follows from what a host holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// By what.
    pub by: JudgedBy,
    /// Number of the law.
    pub law: u64,
    /// Tags that the host had: where it has others now, it is to be judged anew.
    pub tags: Vec<String>,
    /// The worst policy's; none: unknown.
    pub verdict: Option<Verdict>,
    /// Per policy.
    pub policies: Arc<[PolicyOutcome]>,
    /// Findings that were not closed before, and new ones. One that is told as it was kept may be left out.
    pub findings: Vec<KeptFinding>,
}

/// A report in the list of a host's reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// Its number.
    pub seq: u64,
    /// Its id.
    pub report: Id,
    /// When the scan began.
    pub scanned_at: Stamp,
    /// When it came.
    pub received_at: Stamp,
    /// When the scan began, by the collector's clock: as long before it came as the endpoint says that it was.
    pub looked_at: Stamp,
    /// The endpoint's own verdict.
    pub verdict: Verdict,
}

/// A report to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// Whose.
    pub host: Id,
    /// It.
    pub reported: Reported,
    /// What it changes; none: nothing but the list of reports, for it is older than what is kept.
    pub advance: Option<Box<Advance>>,
}

/// What a report that is newer than what is kept changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The last report's number when this was decided: where another came between, nothing is kept.
    pub from: u64,
    /// By what it was judged then: where it was judged anew between, what follows is not kept.
    pub was: Option<JudgedBy>,
    /// Digest of all that is kept from now on.
    pub inventory: Id,
    /// Whether one machine speaks as the host.
    pub standing: Standing,
    /// Where it left its line, until that is settled.
    pub fork: Option<Fork>,
    /// What it holds; none: what it held.
    pub holding: Option<Holding>,
    /// Bodies that the fleet may not know yet.
    pub seen: BTreeMap<Id, Arc<Seen>>,
    /// What follows; none: what followed.
    pub judged: Option<Judged>,
}

impl Advance {
    /// Whether it changes nothing of a host but its head.
    pub fn heads_alone(&self) -> bool {
        self.holding.is_none() && self.judged.is_none()
    }
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is kept, and durable.
    Now,
    /// It was before.
    Before,
    /// Another report of the host came between: decide anew.
    Overtaken,
    /// There is no such host any more.
    Gone,
}
