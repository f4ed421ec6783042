//! Policy files: what is prohibited, on what ground, from when; and policies that build on others.
//!
//! Called by `compile`. Must not know how anything is recognised.

use std::collections::BTreeSet;

use crate::model::{Confidence, Date, Depth, Effect, ScopeAsk, Severity, set_of};
use crate::ruleset::category::Category;
use crate::ruleset::code::Code;
use crate::ruleset::diagnostic::{At, Faults};
use crate::ruleset::rules::{Embedded, Policy, Prohibition};
use crate::ruleset::schema::{Table, Text, Value};

use super::{Parts, Reference, id, id_below, values};

/// A policy as its file has it: what it does not say comes from the policies it extends.
#[derive(Debug)]
pub(super) struct Draft {
    id: String,
    title: String,
    effect: Option<Effect>,
    effective: Option<Date>,
    min_confidence: Option<Confidence>,
    min_depth: Option<Depth>,
    min_scope: Option<ScopeAsk>,
    extends: Vec<Text>,
    prohibitions: Vec<Prohibition>,
    overrides: Vec<Override>,
    at: At,
}

impl Draft {
    /// Ids of the policies that it builds on.
    pub(super) fn bases(&self) -> impl Iterator<Item = &str> {
        self.extends.iter().map(|base| base.value.as_str())
    }
}

/// What a policy changes in a prohibition that it took over.
#[derive(Debug)]
struct Override {
    prohibition: Text,
    effect: Option<Effect>,
    effective: Option<Date>,
    severity: Option<Severity>,
    embedded: Option<Embedded>,
    advice: Option<String>,
    products: Vec<String>,
    except_products: Vec<String>,
    except_categories: Vec<Category>,
    authorities: Vec<String>,
}

pub(super) fn read(root: &mut Table<'_>, parts: &mut Parts) {
    let prohibitions = root.tables("prohibition", "[[prohibition]]");
    let overrides = root.tables("override", "[[override]]");
    let Some(mut table) = root.get("policy").and_then(|value| value.table("[policy]")) else { return };
    let faults = table.faults();
    let id = id(table.need_text("id"), faults);
    let title = table.need_text("title");
    let extends = table.texts("extends");
    let builds_on = table.has("extends");
    let effective = if builds_on { table.get("effective") } else { table.need("effective") };
    let effective = effective.and_then(Value::date);
    let effect = table.get("effect").and_then(Value::word);
    let min_confidence = table.get("min_confidence").and_then(Value::word);
    let min_depth = table.get("min_depth").and_then(Value::word);
    let min_scope = table.get("min_scope").and_then(Value::word);
    let at = table.at().clone();
    table.finish();
    if prohibitions.is_empty() && !builds_on {
        faults.add(Code::NothingProhibited, &at, "a policy without a [[prohibition]] is always met");
    }
    let owner = id.clone().unwrap_or_default();
    let mut read = |table| read_prohibition(table, &owner, &mut parts.references);
    let prohibitions = prohibitions.into_iter().filter_map(&mut read).collect();
    let overrides = overrides.into_iter().filter_map(|table| read_override(table, &mut parts.references));
    let overrides = overrides.collect();
    if let (Some(id), Some(title), true) = (id, title, effective.is_some() || builds_on) {
        let title = title.value;
        parts.drafts.push(Draft {
            id,
            title,
            effect,
            effective,
            min_confidence,
            min_depth,
            min_scope,
            extends,
            prohibitions,
            overrides,
            at,
        });
    }
}

/// Notes ids that must stand in another file, and gives them back as they are.
fn refer(references: &mut Vec<Reference>, texts: Vec<Text>, code: Code) -> Vec<String> {
    let ids = texts.iter().map(|text| text.value.clone()).collect();
    references.extend(texts.into_iter().map(|to| Reference { code, to }));
    ids
}

fn read_prohibition(
    mut table: Table<'_>,
    policy: &str,
    references: &mut Vec<Reference>,
) -> Option<Prohibition> {
    let faults = table.faults();
    let id = id_below(table.need_text("id"), policy, faults);
    let vendor = table.get("vendor").and_then(Value::text);
    let vendor = refer(references, vendor.into_iter().collect(), Code::UnknownVendor).pop();
    let products = refer(references, table.texts("products"), Code::UnknownProduct);
    let except_products = refer(references, table.texts("except_products"), Code::UnknownProduct);
    let authorities = refer(references, table.texts("authorities"), Code::UnknownAuthority);
    let categories = read_categories(&mut table, "categories", references);
    let except_categories = read_categories(&mut table, "except_categories", references);
    let at = table.at().clone();
    if !["vendor", "products", "categories"].iter().any(|key| table.has(key)) {
        faults.add(Code::MissingKey, &at, "a prohibition needs one of `vendor`, `products`, `categories`");
    }
    let prohibition = Prohibition {
        id: id.unwrap_or_default(),
        effect: table.get("effect").and_then(Value::word),
        effective: table.get("effective").and_then(Value::date),
        vendor,
        products: products.into_iter().collect(),
        categories: categories.into_iter().collect(),
        except_categories: except_categories.into_iter().collect(),
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

fn read_categories(
    table: &mut Table<'_>,
    key: &'static str,
    references: &mut Vec<Reference>,
) -> Vec<Category> {
    let words = refer(references, table.texts(key), Code::UnknownCategory);
    words.into_iter().map(Category::new).collect()
}

fn read_override(mut table: Table<'_>, references: &mut Vec<Reference>) -> Option<Override> {
    let prohibition = table.need_text("prohibition");
    let products = refer(references, table.texts("products"), Code::UnknownProduct);
    let except_products = refer(references, table.texts("except_products"), Code::UnknownProduct);
    let authorities = refer(references, table.texts("authorities"), Code::UnknownAuthority);
    let change = Override {
        prohibition: prohibition?,
        effect: table.get("effect").and_then(Value::word),
        effective: table.get("effective").and_then(Value::date),
        severity: table.get("severity").and_then(Value::word),
        embedded: table.get("embedded").and_then(Value::word),
        advice: table.text("advice"),
        products,
        except_products,
        except_categories: read_categories(&mut table, "except_categories", references),
        authorities,
    };
    table.finish();
    Some(change)
}

/// Makes policies of all drafts, each after those it extends.
pub(super) fn resolve(drafts: Vec<Draft>, faults: &Faults) -> Vec<Policy> {
    let known: BTreeSet<String> = set_of(drafts.iter().map(|draft| draft.id.clone()));
    for base in drafts.iter().flat_map(|draft| &draft.extends) {
        if !known.contains(&base.value) {
            faults.add(Code::UnknownPolicy, &base.at, format!("no policy has the id `{}`", base.value));
        }
    }
    let mut made: Vec<Policy> = Vec::new();
    let mut open = drafts;
    loop {
        let ready = |draft: &Draft| {
            let is_made = |id: &str| made.iter().any(|policy| policy.id == id);
            draft.extends.iter().all(|base| is_made(&base.value) || !known.contains(&base.value))
        };
        let (now, later): (Vec<_>, Vec<_>) = open.into_iter().partition(ready);
        if now.is_empty() {
            for draft in later {
                faults.add(Code::PolicyCircle, &draft.at, "the policies it extends lead back to it");
                made.push(draft.resolve(&[], faults));
            }
            break;
        }
        for draft in now {
            let policy = draft.resolve(&made, faults);
            made.push(policy);
        }
        open = later;
    }
    made
}

impl Draft {
    fn resolve(self, made: &[Policy], faults: &Faults) -> Policy {
        let base = |id: &Text| made.iter().find(|policy| policy.id == id.value);
        let bases: Vec<&Policy> = self.extends.iter().filter_map(base).collect();
        let first = bases.first();
        let mut prohibitions: Vec<Prohibition> = Vec::new();
        for inherited in bases.iter().flat_map(|base| &base.prohibitions) {
            if !prohibitions.iter().any(|one| one.id == inherited.id) {
                prohibitions.push(inherited.clone());
            }
        }
        for change in self.overrides {
            change.apply(&mut prohibitions, faults);
        }
        prohibitions.extend(self.prohibitions);
        Policy {
            id: self.id,
            title: self.title,
            effect: self.effect.or(first.map(|base| base.effect)).unwrap_or_default(),
            extends: values(self.extends),
            effective: self.effective.or(first.map(|base| base.effective)).unwrap_or(Date::FIRST),
            min_confidence: self
                .min_confidence
                .or(first.map(|base| base.min_confidence))
                .unwrap_or(Confidence::Probable),
            min_depth: self.min_depth.or(first.map(|base| base.min_depth)).unwrap_or(Depth::Quick),
            min_scope: self.min_scope.or(first.map(|base| base.min_scope)).unwrap_or(ScopeAsk::System),
            prohibitions,
            at: self.at,
        }
    }
}

impl Override {
    fn apply(self, prohibitions: &mut [Prohibition], faults: &Faults) {
        let id = &self.prohibition.value;
        let Some(to) = prohibitions.iter_mut().find(|one| one.id == *id) else {
            let hint = "an override changes a prohibition of a policy in `extends`";
            let label = format!("none of the policies it extends has the prohibition `{id}`");
            return faults.hint(Code::UnknownProhibition, &self.prohibition.at, label, hint);
        };
        to.effect = self.effect.or(to.effect);
        to.effective = self.effective.or(to.effective);
        to.severity = self.severity.unwrap_or(to.severity);
        to.embedded = self.embedded.unwrap_or(to.embedded);
        to.advice = self.advice.or(to.advice.take());
        to.products.extend(self.products);
        to.except_products.extend(self.except_products);
        to.except_categories.extend(self.except_categories);
        to.authorities.extend(self.authorities);
    }
}
