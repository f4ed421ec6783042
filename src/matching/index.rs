//! An index over indicators by what is fixed in their patterns, so that an item meets a few of them, not all.
//!
//! Used by the engine. It may name an indicator too many, never one too few.

use std::collections::HashMap;

use crate::model::{Family, ItemKind};
use crate::ruleset::indicator::{Folded, Slot};
use crate::ruleset::pattern::Head;
use crate::ruleset::{Indicator, Rule};

/// Lengths in bytes at which beginnings are cut, longest first: paths share long ones.
const CUTS: [usize; 4] = [24, 12, 6, 3];

/// Positions of rules by what is fixed in them.
#[derive(Debug, Default)]
pub(super) struct Index {
    whole: HashMap<(Slot, String), Vec<usize>>,
    begins: HashMap<(Slot, Vec<u8>), Vec<usize>>,
    rest: HashMap<ItemKind, Vec<usize>>,
}

impl Index {
    /// An index of the rules for a family.
    pub(super) fn new(indicators: &[Indicator], family: Family) -> Self {
        let mut index = Self::default();
        for (position, indicator) in indicators.iter().enumerate() {
            if indicator.rule.families.contains(&family) {
                index.add(position, &indicator.rule);
            }
        }
        index
    }

    fn add(&mut self, position: usize, rule: &Rule) {
        let usable =
            rule.conditions.indexes().filter_map(|(slot, pattern)| Some((slot, cuts(&pattern.heads()?)?)));
        // Where several conditions could be used, the one whose beginnings are longest is met least often.
        let Some((slot, keys)) = usable.max_by_key(|(_, keys)| keys.iter().map(Key::weight).min()) else {
            for kind in &rule.kinds {
                self.rest.entry(*kind).or_default().push(position);
            }
            return;
        };
        for key in keys {
            match key {
                Key::Whole(text) => self.whole.entry((slot, text)).or_default().push(position),
                Key::Begins(bytes) => self.begins.entry((slot, bytes)).or_default().push(position),
            }
        }
    }

    /// Positions of all rules that an item could meet, each once, in order.
    pub(super) fn candidates(&self, item: &Folded<'_>) -> Vec<usize> {
        let mut found: Vec<usize> = self.rest.get(&item.kind).into_iter().flatten().copied().collect();
        for slot in Slot::ALL.iter().copied() {
            for text in item.slot(slot) {
                self.gather(slot, text, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn gather(&self, slot: Slot, text: &str, found: &mut Vec<usize>) {
        found.extend(self.whole.get(&(slot, text.to_owned())).into_iter().flatten());
        for beginning in CUTS.iter().filter_map(|cut| text.as_bytes().get(..*cut)) {
            found.extend(self.begins.get(&(slot, beginning.to_owned())).into_iter().flatten());
        }
    }
}

/// What a rule is found by.
enum Key {
    Whole(String),
    Begins(Vec<u8>),
}

impl Key {
    fn weight(&self) -> usize {
        match self {
            Self::Whole(_) => usize::MAX,
            Self::Begins(bytes) => bytes.len(),
        }
    }
}

/// The keys of a pattern; `None` where one of its beginnings is too short for any.
fn cuts(heads: &[Head<'_>]) -> Option<Vec<Key>> {
    heads
        .iter()
        .map(|head| match head {
            Head::Whole(text) => Some(Key::Whole((*text).to_owned())),
            Head::Begins(text) => {
                let bytes = CUTS.iter().find_map(|cut| text.as_bytes().get(..*cut))?;
                Some(Key::Begins(bytes.to_owned()))
            }
        })
        .collect()
}
