//! Vendor files: products, indicators, look-alikes and the vendor's own lists.
//!
//! Called by `compile`. Must not know any law.

use crate::model::{Class, Family, Field, ItemKind, Strength};
use crate::normalise::fold;
use crate::ruleset::category::Category;
use crate::ruleset::code::Code;
use crate::ruleset::diagnostic::At;
use crate::ruleset::fields;
use crate::ruleset::indicator::Conditions;
use crate::ruleset::pattern::Pattern;
use crate::ruleset::rules::{Exclude, Indicator, Product, Rule, Vendor};
use crate::ruleset::schema::{Table, Text, Value};

use super::{Parts, example, id, id_below, values};

const FAMILIES: &[Family] = &[Family::Linux, Family::Windows, Family::Macos];

/// Category of products that do not say theirs.
const OTHER: &str = "other";
/// Category of somebody else's products with the vendor's code inside.
const EMBEDDING: &str = "embedding";

/// A vendor's own lists, before they are indicators.
struct Lists {
    signers: Vec<Text>,
    team_ids: Vec<Text>,
    publishers: Vec<Text>,
    source: String,
    at: At,
}

pub(super) fn read(root: &mut Table<'_>, parts: &mut Parts) {
    let Some((vendor, lists)) = root.get("vendor").and_then(read_vendor) else { return };
    for table in root.tables("product", "[[product]]") {
        read_product(table, &vendor, parts);
    }
    for table in root.tables("embedding", "[[embedding]]") {
        read_embedding(table, &vendor, parts);
    }
    for table in root.tables("exclude", "[[exclude]]") {
        parts.excludes.extend(read_exclude(table, &vendor));
    }
    for table in root.tables("example", "[[example]]") {
        parts.examples.extend(example::read(table, &mut parts.references));
    }
    add_lists(&lists, &vendor, parts);
    parts.vendors.push(vendor);
}

fn read_vendor(value: Value<'_>) -> Option<(Vendor, Lists)> {
    let mut table = value.table("[vendor]")?;
    let id = id(table.need_text("id"), table.faults()).unwrap_or_default();
    let name = table.need_text("name").map(|text| text.value).unwrap_or_default();
    let aliases = values(table.texts("aliases"));
    let at = table.at().clone();
    let lists = Lists {
        signers: table.texts("signers"),
        team_ids: table.texts("team_ids"),
        publishers: table.texts("publishers"),
        source: table.text("source").unwrap_or_else(|| format!("lists of the vendor file, {at}")),
        at: at.clone(),
    };
    let folded = |texts: &[Text]| texts.iter().map(|text| fold(&text.value).into_owned()).collect();
    let (signers, team_ids) = (folded(&lists.signers), folded(&lists.team_ids));
    let signers_closed = table.get("signers_closed").and_then(Value::bool).unwrap_or(false);
    table.finish();
    // What is missing is noted; the products below are still read, for their own faults.
    Some((Vendor { id, name, aliases, signers, team_ids, signers_closed, at }, lists))
}

fn read_product(mut table: Table<'_>, vendor: &Vendor, parts: &mut Parts) {
    let id = id_below(table.need_text("id"), &vendor.id, table.faults());
    let name = table.need_text("name");
    let category = Category::new(id_word(table.get("category"), OTHER));
    let position = parts.products.len();
    for indicator in table.tables("indicator", "[[product.indicator]]") {
        parts.indicators.extend(read_indicator(indicator, position));
    }
    let at = table.at().clone();
    table.finish();
    // A product without an id keeps its place, so that positions of the others stay right.
    let id = id.unwrap_or_default();
    let name = name.map(|text| text.value).unwrap_or_default();
    let vendor = vendor.id.clone();
    parts.products.push(Product { id, name, vendor, category, embedding: false, at });
}

/// Somebody else's product with the vendor's code inside: what shows the host product is for review, what proves the
/// code inside it is embedded.
fn read_embedding(mut table: Table<'_>, vendor: &Vendor, parts: &mut Parts) {
    let id = id_below(table.need_text("id"), &vendor.id, table.faults());
    let name = table.need_text("name");
    let position = parts.products.len();
    let mut read = |tables: Vec<Table<'_>>, class| {
        let read = tables.into_iter().filter_map(|table| read_indicator(table, position));
        parts.indicators.extend(read.map(|indicator| Indicator { class, ..indicator }));
    };
    read(table.tables("host", "[[embedding.host]]"), Class::Review);
    let proofs = table.need("proof").map(|value| value.tables("[[embedding.proof]]")).unwrap_or_default();
    read(proofs, Class::Embedded);
    let at = table.at().clone();
    table.finish();
    let (id, name) = (id.unwrap_or_default(), name.map(|text| text.value).unwrap_or_default());
    let (vendor, category) = (vendor.id.clone(), Category::new(EMBEDDING));
    parts.products.push(Product { id, name, vendor, category, embedding: true, at });
}

/// A word in the form of an id.
fn id_word(value: Option<Value<'_>>, default: &str) -> String {
    let word = value.and_then(|value| id(value.text(), value.faults()));
    word.unwrap_or_else(|| default.to_owned())
}

fn read_indicator(mut table: Table<'_>, product: usize) -> Option<Indicator> {
    let rule = read_rule(&mut table)?;
    let strength = table.need("strength").and_then(Value::word);
    let class = table.word("class", Class::default());
    if !table.has("source") {
        let hint = "say where it is known from: a vendor's page, a package, a measurement";
        table.faults().hint(Code::MissingSource, table.at(), "nobody could check this", hint);
    }
    let source = table.text("source");
    let note = table.text("note");
    table.finish();
    Some(Indicator { product, rule, strength: strength?, class, source: source.unwrap_or_default(), note })
}

fn read_exclude(mut table: Table<'_>, vendor: &Vendor) -> Option<Exclude> {
    let rule = read_rule(&mut table);
    let reason = table.need_text("reason");
    table.finish();
    Some(Exclude { vendor: vendor.id.clone(), rule: rule?, reason: reason?.value })
}

fn read_rule(table: &mut Table<'_>) -> Option<Rule> {
    let kinds: Vec<ItemKind> = table.need("kind").map(Value::words).unwrap_or_default();
    let families = table.words("families");
    let families = if families.is_empty() { FAMILIES.to_vec() } else { families };
    let conditions = Conditions::read(table, &kinds);
    let unless = table.get("unless").and_then(|value| read_unless(value, &kinds));
    (!kinds.is_empty()).then(|| Rule { kinds, families, conditions, unless, at: table.at().clone() })
}

fn read_unless(value: Value<'_>, kinds: &[ItemKind]) -> Option<Conditions> {
    let mut table = value.table("unless")?;
    let (conditions, any_fault) = Conditions::read_any(&mut table, kinds);
    let (faults, at) = (table.faults(), table.at().clone());
    table.finish();
    if conditions.is_empty() && !any_fault {
        let hint = "give it conditions, or leave it out";
        faults.hint(Code::EmptyPattern, &at, "there is nothing to match", hint);
    }
    (!conditions.is_empty()).then_some(conditions)
}

/// The vendor's lists as indicators of its pseudo-product, which is made where the file has none.
fn add_lists(lists: &Lists, vendor: &Vendor, parts: &mut Parts) {
    let other = vendor.other();
    let found = parts.products.iter().position(|product| product.id == other);
    let product = found.unwrap_or(parts.products.len());
    if found.is_none() {
        let name = format!("Other software of {}", vendor.name);
        let (vendor, category, at) = (vendor.id.clone(), Category::new(OTHER), vendor.at.clone());
        parts.products.push(Product { id: other, name, vendor, category, embedding: false, at });
    }
    let mut add = |field, conditions, strength, class| {
        let kinds: Vec<ItemKind> =
            ItemKind::ALL.iter().copied().filter(|kind| fields::has(*kind, field)).collect();
        let (families, at) = (FAMILIES.to_vec(), lists.at.clone());
        let rule = Rule { kinds, families, conditions, unless: None, at };
        let (source, note) = (lists.source.clone(), None);
        parts.indicators.push(Indicator { product, rule, strength, class, source, note });
    };
    if !lists.signers.is_empty() {
        let conditions = Conditions::of_signers(Pattern::of_exact(&lists.signers));
        add(Field::Signer, conditions, Strength::Conclusive, Class::Product);
    }
    if !lists.team_ids.is_empty() {
        let conditions = Conditions::of_team_ids(Pattern::of_exact(&lists.team_ids));
        add(Field::Signer, conditions, Strength::Conclusive, Class::Product);
    }
    if !lists.publishers.is_empty() {
        let conditions = Conditions::of_publishers(Pattern::of_publishers(&lists.publishers));
        add(Field::Publisher, conditions, Strength::Strong, Class::Product);
    }
    let names = lists.publishers.iter().chain(&lists.signers).map(|text| text.value.as_str());
    let names = names.chain(vendor.aliases.iter().map(String::as_str)).chain([vendor.name.as_str()]);
    add(Field::Name, Conditions::of_look_alikes(names), Strength::Weak, Class::Impostor);
}
