//! Everything that is written in the rules as entries for people: what it is, its id, its place, its fields in words.
//!
//! Used by `rules list`, `rules show` and `rules search`.

use serde::Serialize;

use crate::model::{of_json, to_json};
use crate::ruleset::indicator::Conditions;
use crate::ruleset::pattern::Pattern;
use crate::ruleset::{
    AcceptedGap, Answer, At, Authority, Category, Exclude, Indicator, Manifest, Policy, Product, Prohibition,
    Rule, Ruleset, Vendor, Waiver,
};

/// One thing that is written in the rules.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// What it is.
    pub(super) what: &'static str,
    /// Its id, or the id of what it belongs to.
    pub(super) id: String,
    /// `file:line`.
    pub(super) at: String,
    /// What it says, each with a label.
    pub(super) fields: Vec<(&'static str, String)>,
}

impl Entry {
    fn new(what: &'static str, id: &str, at: &At) -> Self {
        Self { what, id: id.to_owned(), at: at.to_string(), fields: Vec::new() }
    }

    /// Adds a field that says something.
    fn with(mut self, label: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.fields.push((label, text));
        }
        self
    }

    fn with_all(self, label: &'static str, texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        texts.into_iter().fold(self, |entry, text| entry.with(label, text))
    }

    /// The text of a field.
    pub(super) fn field(&self, label: &str) -> &str {
        self.fields.iter().find(|(own, _)| *own == label).map_or("", |(_, text)| text)
    }
}

/// Every entry, each vendor with its products and each product with its indicators.
pub(super) fn entries(ruleset: &Ruleset) -> Vec<Entry> {
    let mut all = Vec::new();
    for one in ruleset.vendors() {
        all.push(vendor(one));
        for one in ruleset.products().iter().filter(|product| product.vendor == one.id) {
            all.push(product(one));
            all.extend(indicators(ruleset, one).map(|sign| indicator(sign, one)));
        }
        all.extend(ruleset.excludes().iter().filter(|exclude| exclude.vendor == one.id).map(exclude));
    }
    all.extend(ruleset.manifests().iter().map(manifest));
    for one in ruleset.policies() {
        all.push(policy(one));
        all.extend(one.prohibitions.iter().map(prohibition));
    }
    all.extend(ruleset.authorities().iter().map(authority));
    all.extend(ruleset.waivers().iter().map(waiver));
    all.extend(ruleset.accepted_gaps().iter().map(accepted_gap));
    all
}

/// The indicators of a product.
pub(super) fn indicators<'r>(ruleset: &'r Ruleset, of: &'r Product) -> impl Iterator<Item = &'r Indicator> {
    let own = |one: &&Indicator| ruleset.product_of(one).is_some_and(|product| product.id == of.id);
    ruleset.indicators().iter().filter(own)
}

/// The word of an enumeration in rules and reports.
pub(super) fn word(value: &impl Serialize) -> String {
    to_json(value).and_then(|json| of_json(&json)).unwrap_or_default()
}

fn words<T: Serialize>(values: &[T]) -> String {
    values.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// A ruleset as a whole.
pub(super) fn manifest(manifest: &Manifest) -> Entry {
    Entry::new("ruleset", &manifest.name, &manifest.at)
        .with("version", manifest.version.to_string())
        .with("released", manifest.released.to_string())
        .with("stale after", manifest.stale_after.map_or(String::new(), |day| day.to_string()))
}

/// A vendor.
pub(super) fn vendor(vendor: &Vendor) -> Entry {
    Entry::new("vendor", &vendor.id, &vendor.at)
        .with("name", &vendor.name)
        .with("aliases", vendor.aliases.join(", "))
        .with("signers", vendor.signers.join(", "))
        .with("team ids", vendor.team_ids.join(", "))
        .with("closed", if vendor.signers_closed { "it signs with nothing else" } else { "" })
}

/// A product.
pub(super) fn product(product: &Product) -> Entry {
    Entry::new("product", &product.id, &product.at)
        .with("name", &product.name)
        .with("vendor", &product.vendor)
        .with("category", product.category.word())
        .with(
            "embedding",
            if product.embedding { "a third party's, with the vendor's code inside" } else { "" },
        )
}

/// A sign of a product.
pub(super) fn indicator(indicator: &Indicator, of: &Product) -> Entry {
    let says = format!("{} {}", word(&indicator.strength), word(&indicator.class));
    rule(Entry::new("indicator", &of.id, &indicator.rule.at).with("says", says), &indicator.rule)
        .with("source", &indicator.source)
        .with("note", indicator.note.as_deref().unwrap_or_default())
}

/// A look-alike.
pub(super) fn exclude(exclude: &Exclude) -> Entry {
    rule(Entry::new("exclude", &exclude.vendor, &exclude.rule.at), &exclude.rule)
        .with("reason", &exclude.reason)
}

fn rule(entry: Entry, rule: &Rule) -> Entry {
    let asked = |conditions: &Conditions, prefix: &str| {
        conditions.asked().map(|(key, asked)| format!("{prefix}{key}: {asked}")).collect::<Vec<_>>()
    };
    entry
        .with("looks at", format!("{} on {}", words(&rule.kinds), words(&rule.families)))
        .with_all("asks", asked(&rule.conditions, ""))
        .with_all("asks", rule.unless.iter().flat_map(|unless| asked(unless, "unless ")))
}

/// A policy.
pub(super) fn policy(policy: &Policy) -> Entry {
    let least = [word(&policy.min_confidence), word(&policy.min_depth), word(&policy.min_scope)];
    let [confidence, depth, scope] = least;
    Entry::new("policy", &policy.id, &policy.at)
        .with("title", &policy.title)
        .with("extends", policy.extends.join(", "))
        .with("effect", word(&policy.effect))
        .with("effective", policy.effective.to_string())
        .with("counts from", confidence)
        .with("asks for", format!("depth {depth}, scope {scope} at least"))
}

/// A prohibition, as overrides have left it.
pub(super) fn prohibition(prohibition: &Prohibition) -> Entry {
    let list = |texts: &mut dyn Iterator<Item = &str>| texts.collect::<Vec<_>>().join(", ");
    let except = prohibition.except_categories.iter().map(Category::word);
    let mut except = except.chain(prohibition.except_products.iter().map(String::as_str));
    Entry::new("prohibition", &prohibition.id, &prohibition.at)
        .with("severity", word(&prohibition.severity))
        .with("vendor", prohibition.vendor.as_deref().unwrap_or_default())
        .with("products", list(&mut prohibition.products.iter().map(String::as_str)))
        .with("categories", list(&mut prohibition.categories.iter().map(Category::word)))
        .with("except", list(&mut except))
        .with("embedded", word(&prohibition.embedded))
        .with("effect", prohibition.effect.as_ref().map(word).unwrap_or_default())
        .with("effective", prohibition.effective.map(|day| day.to_string()).unwrap_or_default())
        .with("authorities", prohibition.authorities.join(", "))
        .with("advice", prohibition.advice.as_deref().unwrap_or_default())
}

/// An authority.
pub(super) fn authority(authority: &Authority) -> Entry {
    let bound = &authority.applies_to;
    let milestones = authority.milestones.iter().map(|one| {
        let act = one.act.as_ref().map(|act| format!(" ({})", word(act))).unwrap_or_default();
        format!("{}{act}  {}", one.date, one.text)
    });
    Entry::new("authority", &authority.id, &authority.at)
        .with("title", &authority.title)
        .with("body", &authority.jurisdiction)
        .with("citation", &authority.citation)
        .with("url", authority.url.as_deref().unwrap_or_default())
        .with("verified", word(&authority.verified))
        .with("acts", words(&authority.acts))
        .with("forbids", &authority.forbids)
        .with("binds", &authority.population)
        .with("places", bound.jurisdictions.join(", "))
        .with("sectors", words(&bound.sectors))
        .with("devices", words(&bound.devices))
        .with_all("leaves out", &authority.exclusions)
        .with("embedded", authority.embedded.as_ref().map(word).unwrap_or_default())
        .with_all("milestone", milestones)
}

/// A waiver.
pub(super) fn waiver(waiver: &Waiver) -> Entry {
    let entry = Entry::new("waiver", &waiver.prohibition, &waiver.at)
        .with(
            "products",
            if waiver.products.is_empty() { "all".to_owned() } else { waiver.products.join(", ") },
        )
        .with("hosts", waiver.hosts.words());
    answer(entry, &waiver.answer)
}

/// An accepted gap.
pub(super) fn accepted_gap(gap: &AcceptedGap) -> Entry {
    let entry = Entry::new("accepted-gap", &gap.source, &gap.at)
        .with("gaps", words(&gap.gaps))
        .with("places", gap.places.as_ref().map(Pattern::words).unwrap_or_default())
        .with("hosts", gap.hosts.words());
    answer(entry, &gap.answer)
}

fn answer(entry: Entry, answer: &Answer) -> Entry {
    entry
        .with("reason", &answer.reason)
        .with("approver", &answer.approver)
        .with("expires", answer.expires.to_string())
}
