//! Why an item meets the indicators that it meets, and not the others: condition by condition.
//!
//! Called by `cli` for a person who writes or defends rules. It asks the engine itself, so that it cannot say
//! anything else than a scan would.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Class, Item, Order, Sighting, Strength};
use crate::ruleset::indicator::{Folded, Met, Told};
use crate::ruleset::{Exclude, Indicator};

use super::engine::{Candidate, Engine};

/// What came of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It is met.
    Hit,
    /// A condition is not met.
    Unmet,
    /// Its `unless` is met too.
    Unless,
    /// A look-alike of the vendor's cancels it.
    Excluded,
    /// All is met, and somebody else signed the thing.
    Foreign,
}

/// A look-alike that cancels a hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cancelled {
    /// `file:line`.
    pub at: String,
    /// What the item really is.
    pub reason: String,
    /// Its conditions, all of them met.
    pub conditions: Vec<Told>,
}

/// An indicator held against a sighting of an item.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tried {
    /// `file:line`.
    pub at: String,
    /// Id of the product it is a sign of; of a hit, the product that it speaks for here.
    pub product: String,
    /// How much it says: of a hit, here; else by itself.
    pub strength: Strength,
    /// What it is of: of a hit, here; else by itself.
    pub class: Class,
    /// Where it is known from.
    pub source: String,
    /// A word to the reader.
    pub note: Option<String>,
    /// Its conditions.
    pub conditions: Vec<Told>,
    /// What must not be met, not all of it.
    pub unless: Vec<Told>,
    /// Look-alikes that cancel it.
    pub excluded_by: Vec<Cancelled>,
    /// What came of it.
    pub ending: Ending,
}

/// A sighting of an item held against the rules.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Explained {
    /// Indicators that were tried, hits first.
    pub tried: Vec<Tried>,
    /// How many of its kind and family have no condition that it meets, and are left out.
    pub far: usize,
    /// How many are for other kinds of items.
    pub other_kind: usize,
    /// How many are for other families of systems.
    pub other_family: usize,
}

impl Engine<'_> {
    /// Holds a sighting of an item against every indicator of its kind and family. Those of which no condition is met
    /// are left out, unless `all` are asked for.
    pub fn explain(&self, item: &Item, sighting: &Sighting, all: bool) -> Explained {
        let folded = Folded::new(item);
        let alike: Vec<&Exclude> =
            self.ruleset.excludes().iter().filter(|one| self.looks_like(one, &folded)).collect();
        let mut explained = Explained { tried: Vec::new(), far: 0, other_kind: 0, other_family: 0 };
        for (position, indicator) in self.ruleset.indicators().iter().enumerate() {
            if !indicator.rule.families.contains(&self.family) {
                explained.other_family += 1;
                continue;
            }
            if !indicator.rule.kinds.contains(&item.kind) {
                explained.other_kind += 1;
                continue;
            }
            let conditions = indicator.rule.conditions.told(&folded, sighting);
            if !all && !conditions.iter().any(|told| told.of_item && told.met != Met::No) {
                explained.far += 1;
                continue;
            }
            let candidate = self.candidate(position, &folded).map(|candidate| candidate.beside(&alike));
            let asked = Asked { folded: &folded, sighting, indicator, candidate };
            explained.tried.extend(self.tried(&asked, conditions));
        }
        self.credit(item, sighting, &mut explained.tried);
        explained.tried.order_by_key(|tried| (tried.ending != Ending::Hit, std::cmp::Reverse(tried.met())));
        explained
    }

    fn tried(&self, asked: &Asked<'_, '_>, conditions: Vec<Told>) -> Option<Tried> {
        let Asked { folded, sighting, indicator, candidate } = asked;
        let cancels = |one: &&&Exclude| one.rule.conditions.sighting(sighting);
        let excluded_by: Vec<Cancelled> = candidate
            .iter()
            .filter(|candidate| candidate.strength < Strength::Conclusive)
            .flat_map(|candidate| candidate.excludes.iter().filter(cancels))
            .map(|one| Cancelled {
                at: one.rule.at.to_string(),
                reason: one.reason.clone(),
                conditions: one.rule.conditions.told(folded, sighting),
            })
            .collect();
        let unless = indicator.rule.unless.as_ref();
        let ending = match candidate {
            Some(candidate) if self.confirm(candidate, sighting).is_some() => Ending::Hit,
            Some(_) if !excluded_by.is_empty() => Ending::Excluded,
            Some(candidate) if candidate.unless && indicator.rule.conditions.sighting(sighting) => {
                Ending::Unless
            }
            None if conditions.iter().all(|told| told.met != Met::No) => Ending::Foreign,
            _ => Ending::Unmet,
        };
        Some(Tried {
            at: indicator.rule.at.to_string(),
            product: self.ruleset.product_of(indicator)?.id.clone(),
            strength: indicator.strength,
            class: indicator.class,
            source: indicator.source.clone(),
            note: indicator.note.clone(),
            unless: unless.map(|unless| unless.told(folded, sighting)).unwrap_or_default(),
            conditions,
            excluded_by,
            ending,
        })
    }

    /// What the hits are of and how much they say, as a scan would have it: a vendor's own lists speak for the product
    /// that the item is.
    fn credit(&self, item: &Item, sighting: &Sighting, tried: &mut [Tried]) {
        let hits = self.hits(item, sighting);
        // Both are in the order of the rules.
        for (tried, hit) in tried.iter_mut().filter(|tried| tried.ending == Ending::Hit).zip(&hits) {
            tried.product.clone_from(&hit.product.id);
            tried.strength = hit.strength;
            tried.class = hit.class;
        }
    }
}

struct Asked<'a, 'r> {
    folded: &'a Folded<'a>,
    sighting: &'a Sighting,
    indicator: &'r Indicator,
    candidate: Option<Candidate<'r>>,
}

impl Tried {
    /// How many of its conditions are met.
    fn met(&self) -> usize {
        self.conditions.iter().filter(|told| told.met != Met::No).count()
    }
}
