//! The nouns of a ruleset, compiled and immutable: who makes what, what shows it, who forbids it.
//!
//! Made by `compile`, read by `matching` and `judge`. Must not know hosts, nor the form of the files.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{
    Class, Confidence, Date, Depth, Effect, Family, InventoryItem, ItemKind, ScopeAsk, Severity, State,
    Strength, Trace,
};
use crate::normalise::{Gathering, Places, gather};

use super::diagnostic::At;
use super::indicator::Conditions;

/// A maker of software.
#[derive(Debug)]
pub struct Vendor {
    /// Id, for life.
    pub id: String,
    /// Name.
    pub name: String,
    /// Other names, former ones and those in other scripts.
    pub aliases: Vec<String>,
    /// Apple team ids.
    pub team_ids: Vec<String>,
    /// Where it is written.
    pub at: At,
}

impl Vendor {
    /// Id of the pseudo-product for what is surely the vendor's and none of the products named.
    pub fn other(&self) -> String {
        format!("{}{OTHER}", self.id)
    }
}

/// What the id of a pseudo-product ends in.
pub(super) const OTHER: &str = ".other";

/// A product of a vendor.
#[derive(Debug)]
pub struct Product {
    /// Id: the vendor's, a dot, and more.
    pub id: String,
    /// Name.
    pub name: String,
    /// Id of the vendor.
    pub vendor: String,
    /// `security`, `removal-tool`, `sdk`, `threat-intelligence` …: what policies make exceptions for.
    pub category: String,
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
#[derive(Debug)]
pub struct Rule {
    /// Kinds of items it looks at.
    pub kinds: Vec<ItemKind>,
    /// Families it is for.
    pub families: Vec<Family>,
    /// What must be met, all of it.
    pub conditions: Conditions,
    /// Where it is written.
    pub at: At,
}

/// A sign of a product.
#[derive(Debug)]
pub struct Indicator {
    /// Position of its product in [`super::Ruleset::products`].
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
#[derive(Debug)]
pub struct Exclude {
    /// Id of the vendor whose hits it cancels.
    pub vendor: String,
    /// What it asks.
    pub rule: Rule,
    /// What it really is.
    pub reason: String,
}

/// What a policy does about third parties' products with the vendor's code inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Embedded {
    /// They are prohibited too.
    #[default]
    Forbidden,
    /// They are not looked at.
    OutOfScope,
}

/// A policy: what is prohibited here, from when, and how sure one must be.
#[derive(Debug)]
pub struct Policy {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it does with what counts.
    pub effect: Effect,
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
#[derive(Debug)]
pub struct Prohibition {
    /// Id, that findings and waivers carry.
    pub id: String,
    /// Id of a vendor, all of whose products are prohibited.
    pub vendor: Option<String>,
    /// Ids of products.
    pub products: BTreeSet<String>,
    /// Categories of products that are excepted.
    pub except_categories: BTreeSet<String>,
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
        let named = self.vendor.as_ref() == Some(&product.vendor) || self.products.contains(&product.id);
        named
            && !self.except_products.contains(&product.id)
            && !self.except_categories.contains(&product.category)
    }
}

/// What a legal act forbids or asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
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
#[derive(Debug)]
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
#[derive(Debug, Clone)]
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
        gather(Gathering { traces, places: Places { users: &[], aliases: &[] }, owner_of: &|_| Vec::new() })
    }
}

/// What must come of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// No finding at all, not even one that is only shown.
    Nothing,
    /// A finding of this product and no other. What is not said may be anything.
    Finding {
        /// Id of the product.
        product: String,
        /// How present.
        state: Option<State>,
        /// How sure.
        confidence: Option<Confidence>,
        /// What it is of.
        class: Option<Class>,
    },
}
