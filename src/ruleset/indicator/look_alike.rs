//! A name that looks like the vendor's and is written with other letters: `Каspersky` with a Cyrillic К.
//!
//! Made from the vendor's own names, no key of the language. Unicode Technical Standard 39, section 4: two texts are
//! confusable when their skeletons are the same.

use std::collections::BTreeSet;

use crate::model::{Field, Sighting, set_of};
use crate::normalise::{fold, is_plain, skeleton};
use crate::ruleset::pattern::Pattern;

use super::{Condition, Folded, Met, Seen, Slot, asked};

/// The condition that a name, publisher or signer looks like one of these and is none of them.
#[derive(Debug)]
pub(super) struct LookAlike {
    names: BTreeSet<String>,
    skeletons: Pattern,
}

/// The condition for a vendor's names, where any of them can be imitated.
pub(super) fn condition<'a>(names: impl Iterator<Item = &'a str>) -> Box<dyn Condition> {
    let names: BTreeSet<String> = set_of(names.map(|name| fold(name).into_owned()));
    let skeletons = Pattern::of_folded(names.iter().map(|name| bones(name)));
    Box::new(LookAlike { names, skeletons })
}

/// What a text looks like, in small letters.
fn bones(text: &str) -> String {
    fold(&skeleton(text)).into_owned()
}

/// What each text that is not plain ASCII looks like, as written and in small letters: a capital may look like a
/// letter that its small form does not.
pub(super) fn skeletons<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let strange = texts.filter(|text| !is_plain(text));
    strange.flat_map(|text| [bones(text), bones(&fold(text))]).collect()
}

impl Condition for LookAlike {
    fn key(&self) -> &'static str {
        "look-alike"
    }

    fn asked(&self) -> String {
        format!("looks like {} in other letters", asked(&self.skeletons))
    }

    fn seen(&self, item: &Folded<'_>, _: &Sighting) -> Seen {
        Seen::of(item.look_alikes.iter().map(String::as_str))
    }

    fn rests_on(&self) -> Option<Field> {
        Some(Field::Name)
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        let own = [Slot::Name, Slot::Publisher, Slot::Signer].into_iter().flat_map(|slot| item.slot(slot));
        let is_own = own.into_iter().any(|text| self.names.contains(text));
        (!is_own && item.look_alikes.iter().any(|skeleton| self.skeletons.matches(skeleton))).into()
    }

    fn index(&self) -> Option<(Slot, &Pattern)> {
        Some((Slot::LookAlike, &self.skeletons))
    }
}
