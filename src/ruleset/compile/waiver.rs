//! Waiver files: findings that are waived and gaps that are accepted.
//!
//! Called by `compile`. Whether they still hold depends on the day, which is not known here.

use crate::ruleset::code::Code;
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::{Table, Value};
use crate::ruleset::waiver::{AcceptedGap, Answer, Hosts, Waiver};

use super::{Parts, Reference};

pub(super) fn read(root: &mut Table<'_>, parts: &mut Parts) {
    for table in root.tables("waiver", "[[waiver]]") {
        parts.waivers.extend(read_waiver(table, &mut parts.references));
    }
    for table in root.tables("accept_gap", "[[accept_gap]]") {
        parts.accepted_gaps.extend(read_gap(table));
    }
}

fn read_waiver(mut table: Table<'_>, references: &mut Vec<Reference>) -> Option<Waiver> {
    let prohibition = table.need_text("prohibition");
    let products = table.texts("products");
    let hosts = read_hosts(&mut table);
    let answer = read_answer(&mut table);
    let (faults, at) = (table.faults(), table.at().clone());
    table.finish();
    if products.is_empty() && hosts.are_all() {
        let label = "every product of the prohibition on every host";
        faults.hint(Code::BroadWaiver, &at, label, "name the products, the hosts, or both");
    }
    let prohibition = prohibition?;
    let id = prohibition.value.clone();
    references.push(Reference { code: Code::UnknownProhibition, to: prohibition });
    let ids = products.iter().map(|text| text.value.clone()).collect();
    references.extend(products.into_iter().map(|to| Reference { code: Code::UnknownProduct, to }));
    Some(Waiver { prohibition: id, products: ids, hosts, answer: answer?, at })
}

fn read_gap(mut table: Table<'_>) -> Option<AcceptedGap> {
    let source = table.need_text("source");
    let gaps = table.words("gaps");
    let places = table.get("places").and_then(Pattern::of_globs);
    let hosts = read_hosts(&mut table);
    let answer = read_answer(&mut table);
    let (faults, at) = (table.faults(), table.at().clone());
    let named = table.has("gaps") || table.has("places");
    table.finish();
    if !named {
        let label = "whatever this source cannot see";
        faults.hint(Code::BroadWaiver, &at, label, "name the reasons in `gaps`, or the places");
    }
    Some(AcceptedGap { source: source?.value, gaps, places, hosts, answer: answer?, at })
}

fn read_hosts(table: &mut Table<'_>) -> Hosts {
    Hosts(table.get("hosts").and_then(Pattern::of_globs))
}

fn read_answer(table: &mut Table<'_>) -> Option<Answer> {
    let reason = table.need_text("reason");
    let approver = table.need_text("approver");
    let expires = table.need("expires").and_then(Value::date);
    Some(Answer { reason: reason?.value, approver: approver?.value, expires: expires? })
}
