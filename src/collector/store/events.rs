//! What has happened and for whom it waits; the hosts that there ought to be.
//!
//! Words of the store's trait beside those of `kept` and `questions`. Plain data.

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::collector::events::Happening;
use crate::collector::expected::Expected;
use crate::model::{Id, Stamp, Verdict};

use super::Standing;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EventRow {
    /// Its number.
    pub number: u64,
    /// When it was noticed.
    pub at: Stamp,
    /// What.
    #[serde(flatten)]
    pub happened: Happening,
}

impl EventRow {
    /// What receivers know it by: the same however often it is told, and after a restored copy of the database too.
    pub fn id(&self) -> String {
        let hash = Sha256::digest(self.happened.key(self.at).as_bytes());
        format!("evt_{}", Id::of(&hash))
    }
}

/// Events of a kind, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCount {
    /// Their word.
    pub word: String,
    /// How many.
    pub events: u64,
}

/// Which events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventsAsk {
    /// After the one of this number.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// Of this word.
    pub word: Option<String>,
    /// Of this host.
    pub host: Option<Id>,
    /// Noticed then or later.
    pub since: Option<Stamp>,
    /// The last ones of them, where there are more; in the same order.
    pub last: bool,
}

/// Who is told what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What it is called; what waits for it is kept under that.
    pub name: String,
    /// Words of what it is told. It is told what happens from the moment on in which it is first asked for.
    pub words: Vec<String>,
}

/// Something that waits to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// It.
    pub event: EventRow,
    /// How often it was tried.
    pub tries: u32,
}

/// A destination, and what waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DestinationRow {
    /// What it is called.
    pub name: String,
    /// Events that wait.
    pub waiting: u64,
    /// Events that were given up.
    pub given_up: u64,
    /// When the oldest of both was noticed.
    pub oldest: Option<Stamp>,
    /// Why the last one that was tried was not taken.
    pub why: Option<String>,
}

/// Which of the hosts that there ought to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedAsk {
    /// After the one of this folded name.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// Whether it was ever heard of.
    pub seen: Option<bool>,
    /// Of this owner.
    pub owner: Option<String>,
    /// Of this department.
    pub department: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// A host not looked at since then is stale, and its verdict is unknown.
    pub stale_before: Option<Stamp>,
}

/// A host that there ought to be, and the one that calls itself so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExpectedRow {
    /// As the list has it.
    #[serde(flatten)]
    pub expected: Expected,
    /// The host that calls itself so; none: never seen. Where several do, the one that was heard of last.
    pub host: Option<Id>,
    /// How many call themselves so.
    pub hosts: u64,
    /// When its last report came.
    pub received_at: Option<Stamp>,
    /// Whether one machine speaks as it.
    pub standing: Option<Standing>,
    /// Its verdict; none: unknown.
    pub verdict: Option<Verdict>,
}
