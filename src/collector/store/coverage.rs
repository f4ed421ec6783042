//! Questions about what hosts could not see, and their answers.
//!
//! Made by `api`, answered by the stores.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Gap, GapReason, Id, Stamp, Status};

/// Where a page of these ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnseenAfter {
    /// At this source,
    pub source: String,
    /// and the host of this number.
    pub host: i64,
}

impl fmt::Display for UnseenAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.host)
    }
}

impl FromStr for UnseenAfter {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.rsplit_once(':').and_then(|(source, host)| Some((source, host.parse().ok()?)));
        let (source, host) = parts.ok_or("it is not what a page named as the next one's beginning")?;
        Ok(Self { source: source.to_owned(), host })
    }
}

/// Which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnseenAsk {
    /// After this one.
    pub after: Option<UnseenAfter>,
    /// At most so many.
    pub limit: u32,
    /// Of this source.
    pub source: Option<String>,
    /// That ended so.
    pub status: Option<Status>,
    /// With a gap for this reason.
    pub reason: Option<GapReason>,
    /// Whether something that counts could be hidden.
    pub blocking: Option<bool>,
}

/// What a source of a host could not see at the host's last report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnseenRow {
    /// The host.
    pub host: Id,
    /// What it is called.
    pub host_name: Option<String>,
    /// Where the page ends, if it ends here.
    #[serde(skip)]
    pub number: i64,
    /// The source.
    pub source: String,
    /// How it ended.
    pub status: Status,
    /// Why, where it is neither complete nor partial.
    pub reason: Option<String>,
    /// What it could not see.
    pub gaps: Vec<Gap>,
    /// When the report's scan began.
    pub scanned_at: Stamp,
    /// When what is kept of the source was last seen whole; none: never.
    pub as_of: Option<Stamp>,
}

/// On how many hosts a source could not see the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnseenCount {
    /// The source.
    pub source: String,
    /// How it ended.
    pub status: String,
    /// Reasons of its gaps.
    pub reasons: Vec<String>,
    /// Whether something that counts could be hidden.
    pub blocking: bool,
    /// On how many hosts.
    pub hosts: u64,
}
