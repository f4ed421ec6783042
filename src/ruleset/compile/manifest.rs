//! Manifest files: `[ruleset]`.
//!
//! Called by `compile`. Whether the rules are old depends on the day, which is not known here.

use crate::ruleset::code::Code;
use crate::ruleset::manifest::Manifest;
use crate::ruleset::schema::{Table, Value};

use super::{Parts, id};

pub(super) fn read(root: &mut Table<'_>, parts: &mut Parts) {
    let Some(mut table) = root.get("ruleset").and_then(|value| value.table("[ruleset]")) else { return };
    let (faults, at) = (table.faults(), table.at().clone());
    let name = id(table.need_text("name"), faults);
    let version = table.need("version").and_then(version);
    let released = table.need("released").and_then(Value::date);
    let stale_after = table.get("stale_after").and_then(Value::date);
    table.finish();
    let (Some(name), Some(version), Some(released)) = (name, version, released) else { return };
    parts.manifests.push(Manifest { name, version, released, stale_after, at });
}

fn version(value: Value<'_>) -> Option<u64> {
    let version = value.count()?;
    if version == 0 {
        value.faults().add(Code::WrongType, &value.at(), "versions are counted from 1");
    }
    (version > 0).then_some(version)
}
