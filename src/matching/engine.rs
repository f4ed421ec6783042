//! The engine: an item against all indicators of its family, then each of its sightings against what is left.
//!
//! Called by `judge` for every item. What depends on the item alone is asked once, however often it is seen.

use std::collections::BTreeSet;

use crate::model::{Class, Family, Field, Item, Sighting, Strength};
use crate::ruleset::indicator::{Folded, Met};
use crate::ruleset::{Exclude, Indicator, Product, Ruleset};

use super::index::Index;

/// An indicator that an item meets, as far as the item alone can say.
#[derive(Debug)]
pub struct Candidate<'r> {
    product: &'r Product,
    indicator: &'r Indicator,
    strength: Strength,
    /// Look-alikes that the item could be, if the sighting says so too.
    excludes: Vec<&'r Exclude>,
}

/// An indicator that an item on this host meets.
#[derive(Debug, Clone)]
pub struct Hit<'r> {
    /// The product it is a sign of.
    pub product: &'r Product,
    /// The indicator; `indicator.rule.at` is where it is written.
    pub indicator: &'r Indicator,
    /// How much it says here: weaker than the indicator's where the ground is not proven.
    pub strength: Strength,
    /// What it is of.
    pub class: Class,
    /// The fields it rests on.
    pub rests_on: BTreeSet<Field>,
}

/// The indicators of a ruleset, ready for the items of one family.
#[derive(Debug)]
pub struct Engine<'r> {
    ruleset: &'r Ruleset,
    family: Family,
    index: Index,
}

impl<'r> Engine<'r> {
    /// Makes a ruleset ready for hosts of a family.
    pub fn new(ruleset: &'r Ruleset, family: Family) -> Self {
        Self { ruleset, family, index: Index::new(ruleset.indicators(), family) }
    }

    /// The indicators an item meets, as far as the item alone can say. For every host the same.
    pub fn item_hits(&self, item: &Item) -> Vec<Candidate<'r>> {
        let folded = Folded::new(item);
        let positions = self.index.candidates(&folded);
        let candidates: Vec<_> = positions.into_iter().filter_map(|at| self.candidate(at, &folded)).collect();
        if candidates.is_empty() {
            return candidates;
        }
        let alike: Vec<&Exclude> =
            self.ruleset.excludes().iter().filter(|one| self.looks_like(one, &folded)).collect();
        candidates.into_iter().map(|candidate| candidate.beside(&alike)).collect()
    }

    fn candidate(&self, position: usize, item: &Folded<'_>) -> Option<Candidate<'r>> {
        let indicator = self.ruleset.indicators().get(position)?;
        let product = self.ruleset.product_of(indicator)?;
        if !indicator.rule.kinds.contains(&item.kind) {
            return None;
        }
        let strength = match indicator.rule.conditions.item(item) {
            Met::No => return None,
            Met::Weakly => Strength::Weak,
            Met::Fully => indicator.strength,
        };
        Some(Candidate { product, indicator, strength, excludes: Vec::new() })
    }

    /// An exclude on ground that is not proven excludes nothing.
    fn looks_like(&self, exclude: &Exclude, item: &Folded<'_>) -> bool {
        exclude.rule.families.contains(&self.family)
            && exclude.rule.kinds.contains(&item.kind)
            && exclude.rule.conditions.item(item) == Met::Fully
    }

    /// Whether a sighting of the item bears a candidate out.
    pub fn confirm(&self, candidate: &Candidate<'r>, sighting: &Sighting) -> Option<Hit<'r>> {
        let indicator = candidate.indicator;
        let excluded = candidate.strength < Strength::Conclusive
            && candidate.excludes.iter().any(|one| one.rule.conditions.sighting(sighting));
        if excluded || !indicator.rule.conditions.sighting(sighting) {
            return None;
        }
        Some(Hit {
            product: candidate.product,
            indicator,
            strength: candidate.strength,
            class: indicator.class,
            rests_on: indicator.rule.conditions.rests_on(),
        })
    }

    /// All that a sighting of the item bears out, each vendor's own lists credited to the product that the item is.
    pub fn confirm_all(&self, candidates: &[Candidate<'r>], sighting: &Sighting) -> Vec<Hit<'r>> {
        let hits = candidates.iter().filter_map(|candidate| self.confirm(candidate, sighting)).collect();
        explain_others(hits)
    }

    /// All indicators that an item on this host meets.
    pub fn hits(&self, item: &Item, sighting: &Sighting) -> Vec<Hit<'r>> {
        self.confirm_all(&self.item_hits(item), sighting)
    }
}

impl<'r> Candidate<'r> {
    fn beside(mut self, alike: &[&'r Exclude]) -> Self {
        self.excludes = alike.iter().filter(|one| one.vendor == self.product.vendor).copied().collect();
        self
    }
}

/// Nothing is "other software of the vendor" that is explained by one of the vendor's products. What was found
/// of the vendor as a whole then speaks for that product: dropped, a package would be less sure by being known.
fn explain_others(hits: Vec<Hit<'_>>) -> Vec<Hit<'_>> {
    let explain = |vendor: &str| {
        let known = hits.iter().filter(|hit| hit.product.vendor == vendor && !hit.product.is_other());
        known.max_by_key(|hit| hit.strength).map(|hit| (hit.product, hit.class))
    };
    let explained = |hit: &Hit<'_>| if hit.product.is_other() { explain(&hit.product.vendor) } else { None };
    let better: Vec<_> = hits.iter().map(explained).collect();
    let renamed = hits.into_iter().zip(better).map(|(hit, better)| match better {
        Some((product, class)) => Hit { product, class, ..hit },
        None => hit,
    });
    renamed.collect()
}
