//! The reports of a host one after the other, and what differs between them.
//!
//! Read back by the stores, asked for by `console` and `export`. Plain data.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Id, Item, Stamp, Verdict};

/// A report in the list of a host's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReportRow {
    /// Its number.
    pub seq: u64,
    /// Its id.
    pub report: Id,
    /// When its scan began.
    pub scanned_at: Stamp,
    /// When it came.
    pub received_at: Stamp,
    /// The host's own verdict.
    pub verdict: Verdict,
    /// Whether it came after a newer one: what it held was not kept.
    pub late: bool,
}

/// What a report has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportChange {
    /// Its number.
    pub seq: u64,
    /// Items that came.
    pub came: Vec<Item>,
    /// Items that went.
    pub went: Vec<Item>,
    /// How many more of both are not known any more.
    pub forgotten: u64,
}

/// What differs between two reports of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The earlier one.
    pub from: ReportRow,
    /// The later one.
    pub to: ReportRow,
    /// Items that it did not have, and has.
    pub came: Vec<Item>,
    /// Items that it had, and has no longer.
    pub went: Vec<Item>,
    /// Items of both kinds of which nothing is known any more.
    pub forgotten: u64,
}
