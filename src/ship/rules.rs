//! What the collector said that this computer is judged by: `fleet-rules.json` in the state folder.
//!
//! Written by `cli` when it was fetched and verified, read before a scan, which verifies it again: who can write into the state
//! folder is trusted no more than the collector is.

use crate::model::{FleetRules, RULES_SCHEMA, of_json, to_json};

use super::disk::{Disk, Fault};

const FILE: &str = "fleet-rules.json";
/// Bytes that the file may have.
const LIMIT: u64 = 32 << 20;

/// What is kept; none where nothing is, or where it cannot be read: it is fetched anew.
pub fn kept_rules(disk: &Disk) -> Result<Option<FleetRules>, Fault> {
    let bytes = disk.read(FILE, LIMIT)?;
    let rules = bytes.and_then(|bytes| of_json::<FleetRules>(&bytes).ok());
    Ok(rules.filter(|rules| rules.schema == RULES_SCHEMA))
}

/// Keeps what was fetched.
pub fn keep_rules(disk: &Disk, rules: &FleetRules) -> Result<(), Fault> {
    let bytes = to_json(rules).map_err(|error| Fault::Declined(error.to_string()))?;
    disk.write(FILE, &bytes)
}

/// Forgets it.
pub fn forget_rules(disk: &Disk) -> Result<(), Fault> {
    disk.remove(FILE)
}
