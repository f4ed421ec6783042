//! The engine: an item against all indicators of its family, then each of its sightings against what is left.
//!
//! Called by `judge` for every item. What depends on the item alone is asked once, however often it is seen.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::model::{Class, Family, Field, Item, ItemId, ItemKind, Sighting, Strength, Trust};
use crate::ruleset::indicator::{Folded, Met};
use crate::ruleset::{Exclude, Indicator, Product, Ruleset, Vendor};

use super::index::Index;
use super::platform::is_platform;

/// An indicator that an item meets, as far as the item alone can say.
#[derive(Debug)]
pub struct Candidate<'r> {
    product: &'r Product,
    indicator: &'r Indicator,
    pub(super) strength: Strength,
    class: Class,
    /// Whether the item is what the indicator makes an exception for, if the sighting says so too.
    pub(super) unless: bool,
    /// Look-alikes that the item could be, if the sighting says so too.
    pub(super) excludes: Vec<&'r Exclude>,
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

/// What the items of a host meet. It is asked twice, by who wants to know whether anything is found and by who judges it, and
/// takes as long as all else that is done with an item.
#[derive(Debug, Default)]
pub struct Hits<'r> {
    /// Items that meet nothing, as nearly all do, are not in it.
    by_item: HashMap<ItemId, Vec<Candidate<'r>>>,
}

impl<'r> Hits<'r> {
    /// What an item meets.
    pub fn of(&self, item: ItemId) -> &[Candidate<'r>] {
        self.by_item.get(&item).map_or(&[], Vec::as_slice)
    }

    /// Whether no item meets anything.
    pub fn is_empty(&self) -> bool {
        self.by_item.is_empty()
    }
}

/// The indicators of a ruleset, ready for the items of one family.
#[derive(Debug)]
pub struct Engine<'r> {
    pub(super) ruleset: &'r Ruleset,
    pub(super) family: Family,
    index: Index,
}

impl<'r> Engine<'r> {
    /// Makes a ruleset ready for hosts of a family.
    pub fn new(ruleset: &'r Ruleset, family: Family) -> Self {
        Self { ruleset, family, index: Index::new(ruleset.indicators(), family) }
    }

    /// The family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The rules.
    pub fn ruleset(&self) -> &'r Ruleset {
        self.ruleset
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

    /// The same of many items.
    pub fn all_hits<'i>(&self, items: impl IntoIterator<Item = &'i Item>) -> Hits<'r> {
        let hits = items.into_iter().map(|item| (item.id, self.item_hits(item)));
        Hits { by_item: hits.filter(|(_, candidates)| !candidates.is_empty()).collect() }
    }

    /// Whether the rules have an indicator of this class for a product.
    pub fn knows(&self, product: &Product, class: Class) -> bool {
        let own = |one: &&Indicator| self.ruleset.product_of(one).is_some_and(|of| of.id == product.id);
        self.ruleset.indicators().iter().filter(own).any(|one| one.class == class)
    }

    pub(super) fn candidate(&self, position: usize, item: &Folded<'_>) -> Option<Candidate<'r>> {
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
        let unless = indicator.rule.unless.as_ref();
        let unless = unless.is_some_and(|unless| unless.item(item) == Met::Fully);
        let class = match self.is_contradicted(product, item) {
            // A name that others share, on what another signed, is the other's.
            true if strength == Strength::Weak && indicator.class != Class::Impostor => return None,
            true => Class::Impostor,
            false => indicator.class,
        };
        Some(Candidate { product, indicator, strength, class, unless, excludes: Vec::new() })
    }

    /// What somebody else proves to have signed is not the vendor's, whatever it is called; nor is a driver that nobody
    /// signed. A platform that signs what others made contradicts nobody.
    fn is_contradicted(&self, product: &Product, item: &Folded<'_>) -> bool {
        let vendor = || self.ruleset.vendor(&product.vendor).filter(|vendor| vendor.signers_closed);
        if product.embedding || item.kind == ItemKind::Package {
            return false;
        }
        match &item.signer {
            Some((signer, Trust::Anchored)) if !is_platform(signer) => {
                let team_id = item.team_id.as_deref();
                vendor().is_some_and(|vendor: &Vendor| vendor.is_contradicted_by(signer, team_id))
            }
            Some(_) => false,
            // Windows loads no driver without a signature, in the file or in a catalogue.
            None => {
                item.unsigned
                    && item.kind == ItemKind::Driver
                    && self.family == Family::Windows
                    && vendor().is_some()
            }
        }
    }

    /// An exclude on ground that is not proven excludes nothing.
    pub(super) fn looks_like(&self, exclude: &Exclude, item: &Folded<'_>) -> bool {
        exclude.rule.families.contains(&self.family)
            && exclude.rule.kinds.contains(&item.kind)
            && exclude.rule.conditions.item(item) == Met::Fully
    }

    /// Whether a sighting of the item bears a candidate out.
    pub fn confirm(&self, candidate: &Candidate<'r>, sighting: &Sighting) -> Option<Hit<'r>> {
        let indicator = candidate.indicator;
        let excluded = candidate.strength < Strength::Conclusive
            && candidate.excludes.iter().any(|one| one.rule.conditions.sighting(sighting));
        let unless = indicator.rule.unless.as_ref().filter(|_| candidate.unless);
        let unless = unless.is_some_and(|unless| unless.sighting(sighting));
        if excluded || unless || !indicator.rule.conditions.sighting(sighting) {
            return None;
        }
        Some(Hit {
            product: candidate.product,
            indicator,
            strength: candidate.strength,
            class: candidate.class,
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
    /// The product it is a sign of.
    pub fn product(&self) -> &'r Product {
        self.product
    }

    /// The indicator.
    pub fn indicator(&self) -> &'r Indicator {
        self.indicator
    }

    pub(super) fn beside(mut self, alike: &[&'r Exclude]) -> Self {
        self.excludes = alike.iter().filter(|one| one.vendor == self.product.vendor).copied().collect();
        self
    }
}

/// Nothing is "other software of the vendor" that is explained by one of the vendor's products. What was found
/// of the vendor as a whole then speaks for that product: dropped, a package would be less sure by being known.
fn explain_others(hits: Vec<Hit<'_>>) -> Vec<Hit<'_>> {
    let explain = |vendor: &str| {
        let known = hits.iter().filter(|hit| hit.product.vendor == vendor && !hit.product.is_other());
        known.max_by_key(|hit| (hit.strength, Reverse(hit.class))).map(|hit| (hit.product, hit.class))
    };
    let explained = |hit: &Hit<'_>| if hit.product.is_other() { explain(&hit.product.vendor) } else { None };
    let better: Vec<_> = hits.iter().map(explained).collect();
    let renamed = hits.into_iter().zip(better).map(|(hit, better)| match better {
        // What contradicts or imitates the vendor is no sign of its product.
        Some((product, class)) if hit.class == Class::Product => Hit { product, class, ..hit },
        Some((product, _)) => Hit { product, ..hit },
        None => hit,
    });
    renamed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        HostPath, Image, ItemId, ItemKind, Looked, Place, Scope, Signer, State, Trace, Trust,
    };
    use crate::ruleset::of_text;

    /// As `normalise` splits a trace, without the parts that no condition asks for.
    fn split(trace: &Trace) -> (Item, Sighting) {
        let path = trace.path.as_ref().or(trace.image.as_ref().map(|image| &image.path));
        let item = Item {
            id: ItemId([0; 16]),
            kind: trace.kind,
            name: trace.name.clone(),
            display_name: trace.display_name.clone(),
            version: trace.version.clone(),
            publisher: trace.publisher.clone(),
            signer: trace.signer.clone(),
            identifiers: trace.identifiers.clone(),
            arch: trace.arch.clone(),
            path: path.map(|path| path.text().into_owned()),
        };
        let sighting = Sighting {
            source: "test".into(),
            state: trace.state,
            scope: Scope::Machine,
            place: trace.place.clone(),
            image: trace.image.clone(),
            recorded_at: trace.recorded_at,
            last_update: None,
            process: None,
            links: Vec::new(),
        };
        (item, sighting)
    }

    fn trace(kind: ItemKind, name: &str) -> Trace {
        Trace::new(kind, name, State::Installed, Place::file(HostPath::from("/test")))
    }

    const RULES: &str = r#"
schema = 1
[vendor]
id = "acme"
name = "Acme"
publishers = ["Acme Corp"]
signers = ["Acme Corp"]
[[product]]
id = "acme.guard"
name = "Guard"
[[product.indicator]]
kind = ["package", "service"]
name = { exact = ["Guard"], prefix = ["guard-"], glob = ["acme-*.service"] }
strength = "strong"
source = "test"
[[product.indicator]]
kind = "executable"
image = { exists = true, path = { glob = ["/opt/acme/**"] } }
strength = "strong"
source = "test"
[[product.indicator]]
kind = "package"
name = { regex = ["^gu[a-z]rd2$"] }
publisher = { exact = ["Acme Corp"] }
strength = "conclusive"
source = "test"
[[product]]
id = "acme.cleaner"
name = "Cleaner"
[[product.indicator]]
kind = "executable"
name = { exact = ["acme-clean"] }
strength = "weak"
class = "tool"
source = "test"
[[exclude]]
kind = "package"
name = { exact = ["guard-dog", "guard2"] }
reason = "a dog"
[[exclude]]
kind = "service"
name = { exact = ["guard"] }
state = ["remnant"]
reason = "left by a dog"
"#;

    /// Product, strength and class of each hit.
    fn hits(ruleset: &Ruleset, trace: &Trace) -> Vec<(String, Strength, Class)> {
        let engine = Engine::new(ruleset, Family::Linux);
        let (item, sighting) = split(trace);
        let hits = engine.hits(&item, &sighting);
        hits.into_iter().map(|hit| (hit.product.id.clone(), hit.strength, hit.class)).collect()
    }

    fn guard(strength: Strength) -> (String, Strength, Class) {
        ("acme.guard".to_owned(), strength, Class::Product)
    }

    #[test]
    fn names_match_folded_whole_or_by_their_beginning() {
        let rules = of_text(&[("a.toml", RULES)]).ruleset.unwrap();
        for name in ["guard", "GUARD", "guard-gui", " Ｇｕａｒｄ "] {
            assert_eq!(hits(&rules, &trace(ItemKind::Package, name)), [guard(Strength::Strong)], "{name}");
        }
        assert_eq!(hits(&rules, &trace(ItemKind::Service, "acme-x.service")), [guard(Strength::Strong)]);
        for (kind, name) in [
            (ItemKind::Package, "guardian"),
            (ItemKind::Package, "safeguard"),
            (ItemKind::Package, "guard-dog"),
            (ItemKind::Executable, "guard"),
            (ItemKind::Service, "acme-/x.service"),
        ] {
            assert_eq!(hits(&rules, &trace(kind, name)), [], "{name}");
        }
    }

    #[test]
    fn an_exclude_cancels_all_but_proof() {
        let rules = of_text(&[("a.toml", RULES)]).ruleset.unwrap();
        let mut package = trace(ItemKind::Package, "guard2");
        assert_eq!(hits(&rules, &package), []);
        package.publisher = Some("ACME Corp".to_owned());
        assert_eq!(hits(&rules, &package), [guard(Strength::Conclusive)]);
        let mut service = trace(ItemKind::Service, "guard");
        assert_eq!(hits(&rules, &service), [guard(Strength::Strong)]);
        service.state = State::Remnant;
        assert_eq!(hits(&rules, &service), [], "the exclude asks the sighting too");
    }

    #[test]
    fn what_could_not_be_seen_of_an_image_is_no_match() {
        let rules = of_text(&[("a.toml", RULES)]).ruleset.unwrap();
        for (exists, found) in [(Some(true), 1), (Some(false), 0), (None, 0)] {
            let mut program = trace(ItemKind::Executable, "x");
            program.image = Some(Image { path: HostPath::from("/opt/acme/bin/x"), exists });
            assert_eq!(hits(&rules, &program).len(), found, "{exists:?}");
        }
    }

    #[test]
    fn a_vendors_list_speaks_for_the_product_that_the_item_is() {
        let rules = of_text(&[("a.toml", RULES)]).ruleset.unwrap();
        let mut package = trace(ItemKind::Package, "unheard-of");
        package.publisher = Some("Acme Corp <help@acme.example>".to_owned());
        let other = ("acme.other".to_owned(), Strength::Strong, Class::Product);
        assert_eq!(hits(&rules, &package), [other]);
        package.name = "guard".to_owned();
        assert_eq!(hits(&rules, &package), [guard(Strength::Strong), guard(Strength::Strong)]);
    }

    #[test]
    fn a_signer_is_only_as_good_as_its_chain() {
        let rules = of_text(&[("a.toml", RULES)]).ruleset.unwrap();
        let mut program = trace(ItemKind::Executable, "acme-clean");
        let tool = |strength| ("acme.cleaner".to_owned(), strength, Class::Tool);
        assert_eq!(hits(&rules, &program), [tool(Strength::Weak)]);
        for (trust, strength) in
            [(Trust::Anchored, Strength::Conclusive), (Trust::Unanchored, Strength::Weak)]
        {
            program.signer = Looked::Some(Signer { name: "Acme Corp".to_owned(), team_id: None, trust });
            let signed = hits(&rules, &program);
            assert_eq!(signed, [tool(Strength::Weak), tool(strength)], "a signed tool stays a tool");
        }
        program.signer = Looked::Unreadable("test".to_owned());
        assert_eq!(hits(&rules, &program).len(), 1);
    }

    #[test]
    fn a_team_is_only_as_good_as_its_chain() {
        let teams = "signers = [\"Acme Corp\"]\nteam_ids = [\"ABCDE12345\"]";
        let text = RULES.replace("signers = [\"Acme Corp\"]", teams);
        let rules = of_text(&[("a.toml", &text)]).ruleset.unwrap();
        let mut program = trace(ItemKind::Executable, "tool");
        let other = |strength| vec![("acme.other".to_owned(), strength, Class::Product)];
        for (team, trust, expected) in [
            ("ABCDE12345", Trust::Anchored, other(Strength::Conclusive)),
            ("abcde12345", Trust::Anchored, other(Strength::Conclusive)),
            ("ABCDE12345", Trust::Unanchored, other(Strength::Weak)),
            ("ABCDE12345", Trust::Broken, other(Strength::Weak)),
            ("ABCDE12345", Trust::Unchecked, other(Strength::Weak)),
            ("ABCDE12346", Trust::Anchored, Vec::new()),
        ] {
            let (name, team_id) = ("A subsidiary".to_owned(), Some(team.to_owned()));
            program.signer = Looked::Some(Signer { name, team_id, trust });
            assert_eq!(hits(&rules, &program), expected, "{team} {trust:?}");
        }
    }

    #[test]
    fn a_foreign_signer_makes_an_impostor_of_what_is_strong() {
        let text = RULES.replace("name = \"Acme\"\n", "name = \"Acme\"\nsigners_closed = true\n");
        let rules = of_text(&[("a.toml", text.as_str())]).ruleset.unwrap();
        let mut strong = trace(ItemKind::Service, "guard");
        let mut weak = trace(ItemKind::Executable, "acme-clean");
        let signed = |name: &str, trust| Looked::Some(Signer { name: name.to_owned(), team_id: None, trust });
        let impostor = ("acme.guard".to_owned(), Strength::Strong, Class::Impostor);
        for (signer, trust, named) in [
            ("Somebody Else", Trust::Anchored, vec![impostor]),
            ("Somebody Else", Trust::Unanchored, vec![guard(Strength::Strong)]),
            ("Acme Corp Europe", Trust::Anchored, vec![guard(Strength::Strong)]),
            (
                "Microsoft Windows Hardware Compatibility Publisher",
                Trust::Anchored,
                vec![guard(Strength::Strong)],
            ),
        ] {
            strong.signer = signed(signer, trust);
            assert_eq!(hits(&rules, &strong), named, "{signer}");
        }
        weak.signer = signed("Somebody Else", Trust::Anchored);
        assert_eq!(hits(&rules, &weak), [], "a shared name that another signed is the other's");
    }

    #[test]
    fn rules_of_another_family_are_not_asked() {
        let text = RULES
            .replace("kind = [\"package\", \"service\"]", "families = [\"windows\"]\nkind = \"package\"");
        let rules = of_text(&[("a.toml", text.as_str())]).ruleset.unwrap();
        assert_eq!(hits(&rules, &trace(ItemKind::Package, "guard")), []);
    }
}
