//! Authority files: the law or advice behind a prohibition, whom it binds, and its dates.
//!
//! Called by `compile`. Must not know who is prohibited, nor how anything is recognised.

use crate::model::Order;
use crate::ruleset::rules::{Authority, Milestone};
use crate::ruleset::schema::{Table, Value};
use crate::ruleset::site::Population;

use super::{Parts, id, values};

pub(super) fn read(root: &mut Table<'_>, parts: &mut Parts) {
    let milestones = root.tables("milestone", "[[milestone]]");
    let mut milestones: Vec<Milestone> = milestones.into_iter().filter_map(read_milestone).collect();
    milestones.order_by_key(|milestone| milestone.date);
    let Some(mut table) = root.get("authority").and_then(|value| value.table("[authority]")) else { return };
    let id = id(table.need_text("id"), table.faults());
    let texts = ["title", "jurisdiction", "citation", "forbids", "population"];
    let [title, jurisdiction, citation, forbids, population] =
        texts.map(|key| table.need_text(key).map(|text| text.value).unwrap_or_default());
    let verified = table.need("verified").and_then(Value::word);
    let acts = table.need("acts").map(Value::words).unwrap_or_default();
    let url = table.text("url");
    let applies_to = table.get("applies_to").and_then(Population::read).unwrap_or_default();
    let exclusions = values(table.texts("exclusions"));
    let embedded = table.get("embedded").and_then(Value::word);
    let at = table.at().clone();
    table.finish();
    let (Some(id), Some(verified)) = (id, verified) else { return };
    parts.authorities.push(Authority {
        id,
        title,
        jurisdiction,
        citation,
        url,
        verified,
        acts,
        forbids,
        population,
        applies_to,
        exclusions,
        embedded,
        milestones,
        at,
    });
}

fn read_milestone(mut table: Table<'_>) -> Option<Milestone> {
    let date = table.need("date").and_then(Value::date);
    let act = table.get("act").and_then(Value::word);
    let text = table.need_text("text");
    table.finish();
    Some(Milestone { date: date?, act, text: text?.value })
}
