//! Policy and authority files: what is prohibited, on what ground, from when.
//!
//! Called by `compile`. Must not know how anything is recognised.

use crate::model::{Confidence, Depth, Effect, ScopeAsk, Severity};
use crate::ruleset::code::Code;
use crate::ruleset::rules::{Authority, Embedded, Milestone, Policy, Prohibition};
use crate::ruleset::schema::{Table, Text, Value};

use super::{Parts, Reference, id, id_below};

pub(super) fn read_policy(root: &mut Table<'_>, parts: &mut Parts) {
    let prohibitions = root.tables("prohibition", "[[prohibition]]");
    let Some(mut table) = root.get("policy").and_then(|value| value.table("[policy]")) else { return };
    let faults = table.faults();
    let id = id(table.need_text("id"), faults);
    let title = table.need_text("title");
    let effective = table.need("effective").and_then(Value::date);
    let effect = table.word("effect", Effect::default());
    let min_confidence = table.word("min_confidence", Confidence::Probable);
    let min_depth = table.word("min_depth", Depth::Quick);
    let min_scope = table.word("min_scope", ScopeAsk::System);
    let at = table.at().clone();
    table.finish();
    if prohibitions.is_empty() {
        faults.add(Code::NothingProhibited, &at, "a policy without a [[prohibition]] is always met");
    }
    let owner = id.clone().unwrap_or_default();
    let mut read = |table| read_prohibition(table, &owner, &mut parts.references);
    let prohibitions = prohibitions.into_iter().filter_map(&mut read).collect();
    if let (Some(id), Some(title), Some(effective)) = (id, title, effective) {
        let title = title.value;
        parts.policies.push(Policy {
            id,
            title,
            effect,
            effective,
            min_confidence,
            min_depth,
            min_scope,
            prohibitions,
            at,
        });
    }
}

fn read_prohibition(
    mut table: Table<'_>,
    policy: &str,
    references: &mut Vec<Reference>,
) -> Option<Prohibition> {
    let faults = table.faults();
    let id = id_below(table.need_text("id"), policy, faults);
    let mut refer = |texts: Vec<Text>, code| -> Vec<String> {
        let ids = texts.iter().map(|text| text.value.clone()).collect();
        references.extend(texts.into_iter().map(|to| Reference { code, to }));
        ids
    };
    let vendor = table.get("vendor").and_then(Value::text);
    let vendor = refer(vendor.into_iter().collect(), Code::UnknownVendor).pop();
    let products = refer(table.texts("products"), Code::UnknownProduct);
    let except_products = refer(table.texts("except_products"), Code::UnknownProduct);
    let authorities = refer(table.texts("authorities"), Code::UnknownAuthority);
    let at = table.at().clone();
    if !table.has("vendor") && !table.has("products") {
        faults.add(Code::MissingKey, &at, "a prohibition needs the key `vendor` or the key `products`");
    }
    let prohibition = Prohibition {
        id: id.unwrap_or_default(),
        vendor,
        products: products.into_iter().collect(),
        except_categories: values(table.texts("except_categories")).into_iter().collect(),
        except_products: except_products.into_iter().collect(),
        embedded: table.word("embedded", Embedded::default()),
        authorities,
        severity: table.word("severity", Severity::High),
        advice: table.text("advice"),
        at,
    };
    table.finish();
    Some(prohibition).filter(|prohibition| !prohibition.id.is_empty())
}

pub(super) fn read_authority(root: &mut Table<'_>, parts: &mut Parts) {
    let milestones = root.tables("milestone", "[[milestone]]");
    let mut milestones: Vec<Milestone> = milestones.into_iter().filter_map(read_milestone).collect();
    milestones.sort_by_key(|milestone| milestone.date);
    let Some(mut table) = root.get("authority").and_then(|value| value.table("[authority]")) else { return };
    let id = id(table.need_text("id"), table.faults());
    let texts = ["title", "jurisdiction", "citation", "forbids", "population"];
    let [title, jurisdiction, citation, forbids, population] =
        texts.map(|key| table.need_text(key).map(|text| text.value).unwrap_or_default());
    let verified = table.need("verified").and_then(Value::word);
    let acts = table.need("acts").map(Value::words).unwrap_or_default();
    let url = table.text("url");
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

fn values(texts: Vec<Text>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}
