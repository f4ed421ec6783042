//! An index over indicators by what is fixed in their patterns, so that an item meets a few of them, not all.
//!
//! Used by the engine. It may name an indicator too many, never one too few: what it names is asked again.
//! A hundred thousand indicators are to fit in little memory: of a whole value it keeps a hash, of the others a text each.

mod held;
mod whole;

use crate::model::{Family, ItemKind};
use crate::ruleset::indicator::{Folded, Slot};
use crate::ruleset::pattern::Needle;
use crate::ruleset::{Indicator, Rule};
use held::{Held, HeldNeedles, Where};
use whole::{Whole, WholeNeedles};

/// Positions that are gathered before those named twice are dropped: a hostile text can hold a needle many times.
const MANY: usize = 1 << 12;

/// An indicator and the kinds it looks at, a bit each.
#[derive(Debug, Clone, Copy)]
struct Who {
    position: usize,
    kinds: u32,
}

impl Who {
    fn looks_at(self, kind: u32) -> bool {
        self.kinds & kind != 0
    }
}

fn bit(kind: ItemKind) -> u32 {
    1 << kind as u32
}

/// Positions of rules by what is fixed in them.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// One for each slot, as [`Slot::ALL`] has them.
    slots: Vec<OfSlot>,
    /// Those in which nothing is fixed.
    rest: Vec<Who>,
}

/// Rules by what is fixed in one field.
#[derive(Debug)]
struct OfSlot {
    whole: Whole,
    begins: Held,
    holds: Held,
}

impl Index {
    /// An index of the rules for a family.
    pub(super) fn new(indicators: &[Indicator], family: Family) -> Self {
        let mut needles = Needles::default();
        for (position, indicator) in indicators.iter().enumerate() {
            if indicator.rule.families.contains(&family) {
                needles.add(position, &indicator.rule);
            }
        }
        needles.into_index()
    }

    /// Positions of all rules that an item could meet, each once, in order.
    pub(super) fn candidates(&self, item: &Folded<'_>) -> Vec<usize> {
        let mut found = Gathered { kind: bit(item.kind), positions: Vec::new(), many: MANY };
        found.extend(&self.rest);
        item.each_text(&mut |slot, text| {
            let Some(of) = self.slots.get(slot as usize) else { return };
            if !of.whole.is_empty() {
                of.whole.find(text).for_each(|who| found.extend(&[who]));
            }
            of.begins.find(text, &mut found);
            of.holds.find(text, &mut found);
        });
        found.into_sorted()
    }
}

/// What was found for an item.
struct Gathered {
    kind: u32,
    positions: Vec<usize>,
    many: usize,
}

impl Gathered {
    fn extend(&mut self, found: &[Who]) {
        for who in found {
            if who.looks_at(self.kind) {
                self.positions.push(who.position);
            }
        }
        if self.positions.len() > self.many {
            self.tidy();
            self.many = MANY.max(2 * self.positions.len());
        }
    }

    fn tidy(&mut self) {
        self.positions.sort_unstable();
        self.positions.dedup();
    }

    fn into_sorted(mut self) -> Vec<usize> {
        self.tidy();
        self.positions
    }
}

/// What an index is made of.
#[derive(Default)]
struct Needles<'r> {
    slots: [OfSlotNeedles<'r>; Slot::ALL.len()],
    rest: Vec<Who>,
}

#[derive(Default)]
struct OfSlotNeedles<'r> {
    whole: WholeNeedles,
    begins: HeldNeedles<'r>,
    holds: HeldNeedles<'r>,
}

impl<'r> Needles<'r> {
    fn add(&mut self, position: usize, rule: &'r Rule) {
        let who =
            Who { position, kinds: rule.kinds.iter().map(|kind| bit(*kind)).fold(0, |all, kind| all | kind) };
        let usable = rule.conditions.indexes().filter_map(|(slot, pattern)| {
            let needles = pattern.needles()?;
            let commonest = needles.iter().map(Needle::rarity).min()?;
            Some((slot as usize, commonest, needles))
        });
        // Where several conditions could be used, the one whose commonest needle is rarest is met least often.
        let best = usable.max_by_key(|(_, commonest, _)| *commonest);
        let place = best.and_then(|(at, _, needles)| Some((self.slots.get_mut(at)?, needles)));
        let Some((of, needles)) = place else { return self.rest.push(who) };
        for needle in needles {
            match needle {
                Needle::Whole(text) => of.whole.add(text, who),
                Needle::Begins(text) => of.begins.add(text, who),
                Needle::Holds(text) => of.holds.add(text, who),
            }
        }
    }

    fn into_index(self) -> Index {
        let mut rest = self.rest;
        let into = |of: OfSlotNeedles<'_>| OfSlot {
            whole: of.whole.into_whole(),
            begins: of.begins.into_held(Where::Begins, &mut rest),
            holds: of.holds.into_held(Where::Anywhere, &mut rest),
        };
        let slots = self.slots.into_iter().map(into).collect();
        Index { slots, rest }
    }
}

#[cfg(test)]
mod tests;
