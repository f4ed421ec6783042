//! Indicators by texts that stand in what they match, found by one automaton in one pass over a text.
//!
//! Used by the index.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

use super::{Gathered, Who};

/// Bytes of a needle that are looked for: more tell little, and each costs memory.
const MAX_NEEDLE: usize = 24;

/// Whose a needle is.
#[derive(Debug, Clone, Copy)]
struct Owner {
    who: Who,
    /// Whether a text must begin with it.
    begins: bool,
}

#[derive(Debug, Default)]
pub(super) struct Held {
    automaton: Option<AhoCorasick>,
    /// The owners of all needles, those of each needle together.
    owners: Vec<Owner>,
    /// For each needle where its owners begin; one more at the end.
    begins: Vec<usize>,
}

/// The same before the automaton is made.
#[derive(Default)]
pub(super) struct HeldNeedles<'r>(BTreeMap<&'r [u8], Vec<Owner>>);

impl<'r> HeldNeedles<'r> {
    pub(super) fn add(&mut self, text: &'r str, begins: bool, who: Who) {
        let bytes = text.as_bytes();
        self.0.entry(bytes.get(..MAX_NEEDLE).unwrap_or(bytes)).or_default().push(Owner { who, begins });
    }

    /// Where there are more than an automaton can hold, they go to the rest.
    pub(super) fn into_held(self, rest: &mut Vec<Who>) -> Held {
        if self.0.is_empty() {
            return Held::default();
        }
        let Ok(automaton) = AhoCorasick::new(self.0.keys()) else {
            rest.extend(self.0.into_values().flatten().map(|owner| owner.who));
            return Held::default();
        };
        let mut held = Held { automaton: Some(automaton), owners: Vec::new(), begins: vec![0] };
        for owners in self.0.into_values() {
            held.owners.extend(owners);
            held.begins.push(held.owners.len());
        }
        held
    }
}

impl Held {
    /// All that have a needle in a folded text.
    pub(super) fn find(&self, text: &str, found: &mut Gathered) {
        let Some(automaton) = &self.automaton else { return };
        // The only error is an automaton that cannot search so, which this kind can.
        for hit in automaton.try_find_overlapping_iter(text).into_iter().flatten() {
            let begin = |at: usize| self.begins.get(at).copied().unwrap_or(0);
            let needle = hit.pattern().as_usize();
            let owners = self.owners.get(begin(needle)..begin(needle + 1)).unwrap_or_default();
            found.extend(owners.iter().filter(|one| !one.begins || hit.start() == 0).map(|one| one.who));
        }
    }
}
