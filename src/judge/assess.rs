//! Hits to one assessment per product: how present, how sure, on which sightings.
//!
//! Called by `decide` and by the examples. Must not know policies: what it says holds under any law.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::matching::{Engine, Hit, Hits};
use crate::model::{Class, Confidence, InventoryItem, ItemId, ItemKind, LinkKind, State, set_of};
use crate::ruleset::Product;

use super::explain::explain_folders;
use super::weigh::{Weight, confidence};

/// A hit on one sighting.
#[derive(Debug, Clone)]
pub(super) struct Sign<'r> {
    /// Position of the item, and of its sighting in it.
    pub(super) item: usize,
    pub(super) sighting: usize,
    /// What matched.
    pub(super) hit: Hit<'r>,
    weight: Weight,
}

/// All that speaks for one product.
#[derive(Debug, Clone)]
pub(super) struct Assessment<'r> {
    /// The product.
    pub(super) product: &'r Product,
    /// Every hit.
    pub(super) signs: Vec<Sign<'r>>,
    /// Sightings that matched nothing and are linked to an item that did.
    pub(super) linked: Vec<(usize, usize, LinkKind)>,
    /// How present the linked ones make it.
    linked_state: Option<State>,
}

/// What an assessment comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weighed {
    pub(super) class: Class,
    pub(super) state: State,
    pub(super) confidence: Confidence,
}

impl<'r> Assessment<'r> {
    fn of(product: &'r Product) -> Self {
        Self { product, signs: Vec::new(), linked: Vec::new(), linked_state: None }
    }

    /// Class, state and confidence. A state counts only as far as its own signs carry it: the highest state whose
    /// signs, with those of higher states, reach `enough`. Where none that counts does, all is taken together.
    pub(super) fn weigh(&self, enough: Confidence) -> Option<Weighed> {
        let class = self.class()?;
        let of_class =
            || self.signs.iter().filter(move |sign| sign.hit.class == class).map(|sign| &sign.weight);
        let least = |state: State| confidence(of_class().filter(move |weight| weight.state >= state));
        let reached = [State::Running, State::Installed, State::Present]
            .into_iter()
            .find(|state| least(*state).is_some_and(|confidence| confidence >= enough));
        if let (Some(state), Some(confidence)) = (reached, least(State::Present)) {
            let state = self.linked_state.map_or(state, |linked| linked.max(state));
            return Some(Weighed { class, state, confidence });
        }
        let confidence = confidence(of_class())?;
        let state = of_class().map(|weight| weight.state).max()?;
        Some(Weighed { class, state, confidence })
    }

    /// The vendor's code counts as embedded where the product that embeds it is here too. Where the rules name that
    /// product and it is not, a person has to look.
    fn review_without_host(&mut self, engine: &Engine<'r>) {
        let is_host = |sign: &Sign<'_>| sign.hit.class == Class::Review;
        if self.product.embedding
            && engine.knows(self.product, Class::Review)
            && !self.signs.iter().any(is_host)
        {
            let proofs = self.signs.iter_mut().filter(|sign| sign.hit.class == Class::Embedded);
            proofs.for_each(|sign| sign.hit.class = Class::Review);
        }
    }

    /// The class of the surest signs; a product before a tool where both are as sure.
    fn class(&self) -> Option<Class> {
        let classes: BTreeSet<Class> = set_of(self.signs.iter().map(|sign| sign.hit.class));
        let sure = |class: Class| {
            confidence(self.signs.iter().filter(move |s| s.hit.class == class).map(|s| &s.weight))
        };
        classes.into_iter().rev().max_by_key(|class| sure(*class))
    }
}

/// Assesses every product that anything on the host speaks for, by product id.
pub(super) fn assess<'r>(
    items: &[InventoryItem],
    engine: &Engine<'r>,
    hits: &Hits<'r>,
) -> Vec<Assessment<'r>> {
    let mut products: BTreeMap<&'r str, Assessment<'r>> = BTreeMap::new();
    for (at, seen) in items.iter().enumerate() {
        let candidates = hits.of(seen.item.id);
        // Confirming nothing for each sighting of each item would be most of what is done here.
        let sightings = seen.sightings.iter().enumerate().filter(|_| !candidates.is_empty());
        for (sighting_at, sighting) in sightings {
            for hit in engine.confirm_all(candidates, sighting) {
                let backed = sighting.image.as_ref().is_some_and(|image| image.exists == Some(true))
                    || (seen.item.kind == ItemKind::Package && sighting.state >= State::Present);
                let weight = Weight {
                    strength: hit.strength,
                    rests_on: hit.rests_on.clone(),
                    state: sighting.state,
                    backed,
                };
                let blank = || Assessment::of(hit.product);
                let assessment = products.entry(&hit.product.id).or_insert_with(blank);
                assessment.signs.push(Sign { item: at, sighting: sighting_at, hit, weight });
            }
        }
    }
    let index: HashMap<ItemId, usize> =
        items.iter().enumerate().map(|(at, seen)| (seen.item.id, at)).collect();
    explain_folders(&mut products, items);
    let mut assessments: Vec<Assessment<'r>> = products.into_values().collect();
    for assessment in &mut assessments {
        assessment.review_without_host(engine);
        gather_linked(assessment, items, &index);
    }
    assessments
}

/// Adds sightings linked to a matched item: a link gathers evidence, and says that the thing runs.
fn gather_linked(assessment: &mut Assessment<'_>, items: &[InventoryItem], index: &HashMap<ItemId, usize>) {
    let matched: BTreeSet<usize> = set_of(assessment.signs.iter().map(|sign| sign.item));
    let own: BTreeSet<(usize, usize)> =
        assessment.signs.iter().map(|sign| (sign.item, sign.sighting)).collect();
    for (at, seen) in items.iter().enumerate() {
        for (sighting_at, sighting) in seen.sightings.iter().enumerate() {
            let to_matched =
                |link: &&crate::model::Link| index.get(&link.to).is_some_and(|to| matched.contains(to));
            let Some(link) = sighting.links.iter().find(to_matched) else { continue };
            assessment.linked_state = assessment.linked_state.max(Some(sighting.state));
            if !own.contains(&(at, sighting_at)) {
                assessment.linked.push((at, sighting_at, link.kind));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, HostPath, Image, Place, Trace};
    use crate::normalise::{Places, gather};
    use crate::ruleset::of_text;

    const RULES: &str = r#"
        schema = 1
        [vendor]
        id = "acme"
        name = "Acme"
        [[product]]
        id = "acme.guard"
        name = "Guard"
        category = "security"
        [[product.indicator]]
        kind = "package"
        name = { exact = ["guard"] }
        publisher = { exact = ["Acme"] }
        strength = "conclusive"
        source = "this test"
        [[product.indicator]]
        kind = "executable"
        path = { glob = ["/opt/acme/**"] }
        strength = "strong"
        source = "this test"
        [[product.indicator]]
        kind = "executable"
        name = { exact = ["guard"] }
        strength = "weak"
        source = "this test"
    "#;

    fn package(state: State) -> Trace {
        let mut trace =
            Trace::new(ItemKind::Package, "guard", state, Place::file("/var/lib/dpkg/status".into()));
        trace.publisher = Some("Acme".into());
        trace
    }

    fn program(path: &str, state: State) -> Trace {
        let path = HostPath::from(path);
        let mut trace =
            Trace::new(ItemKind::Executable, path.file_name_text(), state, Place::file(path.clone()));
        trace.image = Some(Image { path, exists: Some(true) });
        trace
    }

    fn weighed(traces: Vec<Trace>) -> (State, Confidence) {
        let rules = of_text(&[("acme.toml", RULES)]).ruleset.unwrap();
        let places = Places { users: &[], aliases: &[] };
        let items = gather(vec![("test", traces)], places).linked(&|_| Vec::new());
        let engine = Engine::new(&rules, Family::Linux);
        let assessments = assess(&items, &engine, &engine.all_hits(items.iter().map(|one| &one.item)));
        let [one] = assessments.as_slice() else { panic!("{assessments:?}") };
        let weighed = one.weigh(Confidence::Probable).unwrap();
        (weighed.state, weighed.confidence)
    }

    #[test]
    fn a_proven_leftover_hides_no_program() {
        let found = weighed(vec![package(State::Remnant), program("/opt/acme/bin/x", State::Present)]);
        assert_eq!(
            found,
            (State::Present, Confidence::Probable),
            "the leftover proves nothing about the program"
        );
        assert_eq!(weighed(vec![package(State::Remnant)]), (State::Remnant, Confidence::Confirmed));
    }

    #[test]
    fn a_weak_sign_of_running_makes_nothing_run() {
        let found = weighed(vec![package(State::Installed), program("/tmp/guard", State::Running)]);
        assert_eq!(found, (State::Installed, Confidence::Confirmed));
        let found = weighed(vec![package(State::Installed), program("/opt/acme/bin/x", State::Running)]);
        assert_eq!(found, (State::Running, Confidence::Confirmed));
    }

    #[test]
    fn weak_signs_alone_stay_possible() {
        let found =
            weighed(vec![program("/usr/bin/guard", State::Running), program("/srv/guard", State::Present)]);
        assert_eq!(found, (State::Running, Confidence::Possible));
    }
}
