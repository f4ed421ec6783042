//! Questions to the fleet and their answers, page by page.
//!
//! Made by `api`, answered by the stores. A page says where the next one begins; what is asked by is what it is sorted by,
//! so that no page has to be counted to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    Finding, HostFacts, Id, Item, ItemId, ItemKind, PolicyOutcome, Sighting, SourceReport, Stamp, Verdict,
};

use super::kept::{Asked, FindingState, Standing};

/// Some rows of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are more after the last of these.
    pub more: bool,
}

/// A verdict, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictAsk {
    /// This one.
    Is(Verdict),
    /// Never reported, split, unsettled, or stale.
    Unknown,
}

/// Which hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostsAsk {
    /// After this one.
    pub after: Option<Id>,
    /// At most so many.
    pub limit: u32,
    /// Of this verdict.
    pub verdict: Option<VerdictAsk>,
    /// Of this family, by its word.
    pub family: Option<String>,
    /// Whose name begins so; capital letters are as small ones.
    pub name: Option<String>,
    /// Standing so.
    pub standing: Option<Standing>,
    /// A host not looked at since then is stale, and its verdict is unknown.
    pub stale_before: Option<Stamp>,
    /// Whether those that have enrolled anew are told too.
    pub retired: bool,
    /// With this tag.
    pub tag: Option<String>,
    /// Whether it was not looked at since that moment.
    pub stale: Option<bool>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HostRow {
    /// Its id.
    pub host: Id,
    /// What it is called.
    pub name: Option<String>,
    /// Its family.
    pub family: String,
    /// Its operating system, for people.
    pub os: Option<String>,
    /// Version of the endpoint's program.
    pub agent: Option<String>,
    /// When it enrolled.
    pub enrolled_at: Stamp,
    /// When its last scan began.
    pub scanned_at: Option<Stamp>,
    /// When that report came.
    pub received_at: Option<Stamp>,
    /// When that scan began, by the collector's clock: as long before the report came as the host says that it was.
    pub looked_at: Option<Stamp>,
    /// Number of that report.
    pub seq: u64,
    /// Whether one machine speaks as it.
    pub standing: Standing,
    /// The verdict, if one can be told. None: unknown.
    pub verdict: Option<Verdict>,
    /// Whether it was not looked at for long.
    pub stale: bool,
    /// Findings that are not closed.
    pub findings: u64,
}

/// A source of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourceRow {
    /// How it ended.
    pub report: SourceReport,
    /// When what is kept of it was last seen whole; none: never.
    pub as_of: Option<Stamp>,
    /// Whether that was before the last report.
    pub stale: bool,
}

/// A verdict of a policy on a host, from a moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerdictRow {
    /// The policy.
    pub policy: String,
    /// From when.
    pub since: Stamp,
    /// Which; none: unknown.
    pub verdict: Option<Verdict>,
}

/// All of a host but its findings and items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HostDetail {
    /// As in the list.
    pub row: HostRow,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it told of itself.
    pub facts: Option<HostFacts>,
    /// How its last report came to be.
    pub asked: Option<Asked>,
    /// Its sources.
    pub sources: Vec<SourceRow>,
    /// The verdict per policy.
    pub policies: Vec<PolicyOutcome>,
    /// Verdicts that it had, the last ones first.
    pub history: Vec<VerdictRow>,
}

/// Which findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingsAsk {
    /// After the one of this number.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// Of this host.
    pub host: Option<Id>,
    /// Standing so; none: not closed.
    pub state: Option<FindingState>,
    /// Of this policy.
    pub policy: Option<String>,
    /// Of this prohibition.
    pub prohibition: Option<String>,
    /// Of this vendor.
    pub vendor: Option<String>,
    /// Of this product.
    pub product: Option<String>,
    /// Whether it makes its host non-compliant.
    pub decides: Option<bool>,
}

/// A finding on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingRow {
    /// Its number.
    pub number: u64,
    /// Its host.
    pub host: Id,
    /// What that is called.
    pub host_name: Option<String>,
    /// How it stands.
    pub state: FindingState,
    /// When the report came that first showed it.
    pub opened_at: Stamp,
    /// When the scan began that last showed it.
    pub seen_at: Stamp,
    /// When the report came that closed it.
    pub closed_at: Option<Stamp>,
    /// Why it is not open.
    pub why: Option<String>,
    /// As it was when it was last seen.
    pub finding: Finding,
}

/// Which items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemsAsk {
    /// After this one.
    pub after: Option<ItemId>,
    /// At most so many.
    pub limit: u32,
    /// Whose name begins so, folded as the rules fold.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<ItemKind>,
    /// Of this publisher, folded as the rules fold.
    pub publisher: Option<String>,
}

/// An item, and how many have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ItemRow {
    /// It.
    pub item: Item,
    /// Hosts that have it.
    pub hosts: u64,
}

/// Which hosts have an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemHostsAsk {
    /// The item.
    pub item: ItemId,
    /// After this host.
    pub after: Option<Id>,
    /// At most so many.
    pub limit: u32,
}

/// A host that has an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ItemHost {
    /// It.
    pub host: Id,
    /// What it is called.
    pub name: Option<String>,
    /// When the fleet first heard of the item there.
    pub since: Stamp,
    /// Where it was seen.
    pub sightings: Vec<Sighting>,
}

/// Figures of the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counts {
    /// Hosts that are enrolled and not retired.
    pub hosts: u64,
    /// Compliant ones.
    pub compliant: u64,
    /// Non-compliant ones.
    pub non_compliant: u64,
    /// Inconclusive ones.
    pub inconclusive: u64,
    /// Those of which nothing can be told: never reported, split, unsettled, or stale.
    pub unknown: u64,
    /// Hosts that there ought to be; 0: nobody said.
    pub expected: u64,
    /// Those of them that were ever heard of.
    pub expected_seen: u64,
    /// Compliant ones of those that there ought to be.
    pub expected_compliant: u64,
    /// Non-compliant ones of them.
    pub expected_non_compliant: u64,
    /// Inconclusive ones of them.
    pub expected_inconclusive: u64,
    /// Those of them of which nothing can be told, the ones never heard of among them.
    pub expected_unknown: u64,
    /// Hosts that are on no list, where there is one.
    pub unexpected: u64,
    /// Split ones among them.
    pub split: u64,
    /// Stale ones among them.
    pub stale: u64,
    /// Findings that the last report of their host shows.
    pub findings_open: u64,
    /// Findings that were not looked at again.
    pub findings_not_re_verified: u64,
    /// Items.
    pub items: u64,
    /// Bytes of the database.
    pub bytes: u64,
}
