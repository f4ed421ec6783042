//! The two documents that leave the scanner: the report of a scan and the inventory. They are the JSON schema.
//!
//! Put together by `cli`, written by `emit`. The generated schemas stand in `docs/`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Claim, Coverage, Date, Depth, Finding, HostFacts, Item, PolicyOutcome, Sighting, Stamp, Verdict,
};

/// Version of the scan report's shape; grows with every change that a reader could notice.
pub const REPORT_SCHEMA: &str = "interdict.report/1";
/// Version of the inventory's shape.
pub const INVENTORY_SCHEMA: &str = "interdict.inventory/1";

/// The program that made a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `interdict`.
    pub name: Cow<'static, str>,
    /// Its version.
    pub version: Cow<'static, str>,
}

impl Tool {
    /// This program.
    pub const SELF: Self =
        Self { name: Cow::Borrowed("interdict"), version: Cow::Borrowed(env!("CARGO_PKG_VERSION")) };
}

/// Which rules judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RulesetStamp {
    /// Where they came from: `built-in`, or the folder.
    pub origin: String,
    /// SHA-256 over every rule file's name and bytes.
    pub digest: String,
    /// Vendors that were read of it: those that the policies name.
    pub vendors: usize,
    /// Indicators of these vendors.
    pub indicators: usize,
    /// Version by its manifest; of several, that of the place named last.
    pub version: Option<u64>,
    /// The first day on which some of the rules are old.
    pub stale_after: Option<Date>,
    /// Whether that day has come.
    pub stale: bool,
    /// Id of the minisign key that signed the place whose version is told, where a signature was asked for.
    pub signed_by: Option<String>,
}

/// The report of one scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: Cow<'static, str>,
    /// The program that made it.
    pub tool: Tool,
    /// When the scan began.
    pub scanned_at: Stamp,
    /// Milliseconds it took.
    pub elapsed_ms: u64,
    /// The host.
    pub host: HostFacts,
    /// The rules.
    pub ruleset: RulesetStamp,
    /// The verdict of the run: its worst policy.
    pub verdict: Verdict,
    /// Exit code of the verdict, which is that of the run, unless `--fail-on` says otherwise.
    pub exit_code: u8,
    /// What the verdict claims.
    pub claim: Claim,
    /// Verdict per policy.
    pub policies: Vec<PolicyOutcome>,
    /// Every finding, deciding ones first.
    pub findings: Vec<Finding>,
    /// Items seen.
    pub items: usize,
    /// Sightings of them.
    pub sightings: usize,
    /// What was and was not seen.
    pub coverage: Coverage,
    /// Every item, by kind and name, where it was asked for (`--with-inventory`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Vec<InventoryItem>>,
}

/// An item with where it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InventoryItem {
    /// The item.
    #[serde(flatten)]
    pub item: Item,
    /// Where it was seen on this host.
    pub sightings: Vec<Sighting>,
}

/// All that was found on a host, without any judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// [`INVENTORY_SCHEMA`].
    pub schema: Cow<'static, str>,
    /// The program that made it.
    pub tool: Tool,
    /// When the scan began.
    pub scanned_at: Stamp,
    /// Milliseconds it took.
    pub elapsed_ms: u64,
    /// The host.
    pub host: HostFacts,
    /// How deep it was looked; none in what older versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<Depth>,
    /// What was and was not seen.
    pub coverage: Coverage,
    /// Every item, by kind and name.
    pub items: Vec<InventoryItem>,
}
