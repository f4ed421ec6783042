//! The nouns of a ruleset, compiled and immutable: who makes what, what shows it, who forbids it.
//!
//! Made by `compile`, read by `matching` and `judge`. Must not know hosts, nor the form of the files.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    Class, Confidence, Date, Depth, Effect, Family, InventoryItem, ItemKind, ScopeAsk, Severity, State,
    Strength, Trace,
};
use crate::normalise::{Places, gather};

use crate::normalise::fold;

use super::category::Category;
use super::diagnostic::At;
use super::indicator::Conditions;
use super::site::Population;

/// A maker of software.
#[derive(Debug, Serialize)]
pub struct Vendor {
    /// Id, for life.
    pub id: String,
    /// Name.
    pub name: String,
    /// Other names, former ones and those in other scripts.
    pub aliases: Vec<String>,
    /// Subjects of its signing certificates, folded.
    pub signers: Vec<String>,
    /// Apple team ids, folded.
    pub team_ids: Vec<String>,
    /// Whether whatever it signs bears one of these or a name of its own: what another signed is then not its.
    pub signers_closed: bool,
    /// Where it is written.
    pub at: At,
}

impl Vendor {
    /// Id of the pseudo-product for what is surely the vendor's and none of the products named.
    pub fn other(&self) -> String {
        format!("{}{OTHER}", self.id)
    }

    /// Whether a signer speaks against the vendor having made what it signed.
    pub fn is_contradicted_by(&self, signer: &str, team_id: Option<&str>) -> bool {
        let known = self.signers.iter().any(|own| own == signer)
            || team_id.is_some_and(|team| self.team_ids.iter().any(|own| own == team));
        let named = || self.aliases.iter().chain([&self.name]).any(|name| signer.contains(&*fold(name)));
        self.signers_closed && !known && !named()
    }
}

/// What the id of a pseudo-product ends in.
pub(super) const OTHER: &str = ".other";

/// A product of a vendor.
#[derive(Debug, Serialize)]
pub struct Product {
    /// Id: the vendor's, a dot, and more.
    pub id: String,
    /// Name.
    pub name: String,
    /// Id of the vendor.
    pub vendor: String,
    /// What policies make exceptions for.
    pub category: Category,
    /// Whether it is somebody else's product with the vendor's code inside.
    pub embedding: bool,
    /// Where it is written.
    pub at: At,
}

impl Product {
    /// Whether it stands for whatever else the vendor makes.
    pub fn is_other(&self) -> bool {
        self.id.strip_suffix(OTHER) == Some(&self.vendor)
    }
}

/// What an indicator or an exclude asks of an item on a host.
#[derive(Debug, Serialize)]
pub struct Rule {
    /// Kinds of items it looks at.
    pub kinds: Vec<ItemKind>,
    /// Families it is for.
    pub families: Vec<Family>,
    /// What must be met, all of it.
    pub conditions: Conditions,
    /// What must not be met, not all of it.
    pub unless: Option<Conditions>,
    /// Where it is written.
    pub at: At,
}

/// A sign of a product.
#[derive(Debug, Serialize)]
pub struct Indicator {
    /// Position of its product in [`super::Ruleset::products`].
    #[serde(skip)]
    pub(super) product: usize,
    /// What it asks.
    pub rule: Rule,
    /// How much it says by itself.
    pub strength: Strength,
    /// What a match is of.
    pub class: Class,
    /// Where it is known from.
    pub source: String,
    /// A word to the reader.
    pub note: Option<String>,
}

/// A look-alike of a vendor's product: cancels hits weaker than conclusive.
#[derive(Debug, Serialize)]
pub struct Exclude {
    /// Id of the vendor whose hits it cancels.
    pub vendor: String,
    /// What it asks.
    pub rule: Rule,
    /// What it really is.
    pub reason: String,
}

/// What a policy does about third parties' products with the vendor's code inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Embedded {
    /// They are prohibited too.
    #[default]
    Forbidden,
    /// They are not looked at.
    OutOfScope,
}

/// A policy: what is prohibited here, from when, and how sure one must be.
#[derive(Debug, Serialize)]
pub struct Policy {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it does with what counts.
    pub effect: Effect,
    /// Ids of the policies whose prohibitions it takes over.
    pub extends: Vec<String>,
    /// The day from which it counts.
    pub effective: Date,
    /// Findings less sure are shown and do not decide.
    pub min_confidence: Confidence,
    /// A scan less deep is inconclusive.
    pub min_depth: Depth,
    /// A scan of less is inconclusive.
    pub min_scope: ScopeAsk,
    /// What it prohibits.
    pub prohibitions: Vec<Prohibition>,
    /// Where it is written.
    pub at: At,
}

/// What a policy prohibits.
#[derive(Debug, Clone, Serialize)]
pub struct Prohibition {
    /// Id, that findings and waivers carry.
    pub id: String,
    /// What it does with what counts, where it is not what the policy does.
    pub effect: Option<Effect>,
    /// The day from which it counts, where it is not the policy's.
    pub effective: Option<Date>,
    /// Id of a vendor, all of whose products are prohibited.
    pub vendor: Option<String>,
    /// Ids of products.
    pub products: BTreeSet<String>,
    /// Categories of products, whoever makes them; with a vendor, only of this vendor.
    pub categories: BTreeSet<Category>,
    /// Categories of products that are excepted.
    pub except_categories: BTreeSet<Category>,
    /// Products that are excepted.
    pub except_products: BTreeSet<String>,
    /// What of third parties' products.
    pub embedded: Embedded,
    /// Ids of the authorities behind it.
    pub authorities: Vec<String>,
    /// How grave a finding is.
    pub severity: Severity,
    /// What to do about a finding, where the policy says so.
    pub advice: Option<String>,
    /// Where it is written.
    pub at: At,
}

impl Prohibition {
    /// Whether a product is prohibited.
    pub fn covers(&self, product: &Product) -> bool {
        let by_vendor = self.vendor.as_ref().is_none_or(|vendor| *vendor == product.vendor);
        let by_category = self.categories.is_empty() || self.categories.contains(&product.category);
        let by_both = (self.vendor.is_some() || !self.categories.is_empty()) && by_vendor && by_category;
        (by_both || self.products.contains(&product.id))
            && !self.except_products.contains(&product.id)
            && !self.except_categories.contains(&product.category)
    }
}

/// What a legal act forbids or asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// New agreements and sales.
    Supply,
    /// Updates and the vendor's network.
    Update,
    /// Having it on a device.
    Presence,
    /// Procurement and contracts.
    Contract,
    /// Exports to the vendor.
    Export,
    /// Advice only.
    Advice,
}

/// How well the text of an authority was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// Read in the official text.
    Official,
    /// Read in a secondary source.
    Secondary,
    /// From general knowledge.
    Background,
}

/// A legal act or official advice behind a prohibition.
#[derive(Debug, Serialize)]
pub struct Authority {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Jurisdiction and body.
    pub jurisdiction: String,
    /// Citation.
    pub citation: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// How well it was checked.
    pub verified: Verified,
    /// What it forbids.
    pub acts: Vec<Act>,
    /// What it forbids, in words.
    pub forbids: String,
    /// Whom it binds, in words.
    pub population: String,
    /// Whom it binds, as data.
    pub applies_to: Population,
    /// What it leaves out.
    pub exclusions: Vec<String>,
    /// What of third parties' products.
    pub embedded: Option<Embedded>,
    /// Its dates, sorted.
    pub milestones: Vec<Milestone>,
    /// Where it is written.
    pub at: At,
}

impl Authority {
    /// The last milestone on or before a day.
    pub fn milestone(&self, as_of: Date) -> Option<&Milestone> {
        self.milestones.iter().rfind(|milestone| milestone.date <= as_of)
    }
}

/// A date from which something holds.
#[derive(Debug, Clone, Serialize)]
pub struct Milestone {
    /// The day.
    pub date: Date,
    /// The act that holds from it; none for an announcement.
    pub act: Option<Act>,
    /// What holds, in words.
    pub text: String,
}

/// Items that a ruleset is tried on, and what must come of them.
#[derive(Debug)]
pub struct Example {
    /// What is found on the host. Most runs never try an example: its items are made for those that do.
    pub(super) traces: Vec<Trace>,
    /// The families it is tried on.
    pub families: Vec<Family>,
    /// What must come of it.
    pub expect: Expect,
    /// What it shows.
    pub note: Option<String>,
    /// Where it is written.
    pub at: At,
}

impl Example {
    /// What is found on the host.
    pub fn items(&self) -> Vec<InventoryItem> {
        let traces = vec![("example", self.traces.clone())];
        gather(traces, Places { users: &[], aliases: &[] }).linked(&|_| Vec::new())
    }
}

/// What must come of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// No finding at all, not even one that is only shown.
    Nothing,
    /// Findings of these products and no others.
    Findings(Vec<Expected>),
}

/// A finding that must come of an example. What is not said may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Id of the product.
    pub product: String,
    /// How present.
    pub state: Option<State>,
    /// How sure.
    pub confidence: Option<Confidence>,
    /// What it is of.
    pub class: Option<Class>,
}
