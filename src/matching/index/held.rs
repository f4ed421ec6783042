//! Indicators by texts that stand in what they match, found by one automaton in one pass over a text.
//!
//! Used by the index.

use std::collections::BTreeMap;

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, Anchored, Input, StartKind};

use super::{Gathered, Who};

/// Bytes of a needle that are looked for: more tell little, and each costs memory.
const MAX_NEEDLE: usize = 24;

/// Where in a text a needle is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// At its beginning: the search ends with the first letter that no needle has there.
    Begins,
    /// Anywhere.
    Anywhere,
}

#[derive(Debug)]
pub(super) struct Held {
    /// None where there is nothing to look for.
    automaton: Option<AhoCorasick>,
    anchored: Anchored,
    /// Whose the needles are, those of each needle together.
    owners: Vec<Who>,
    /// For each needle where its owners begin; one more at the end.
    begins: Vec<usize>,
}

/// The same before the automaton is made.
#[derive(Default)]
pub(super) struct HeldNeedles<'r>(BTreeMap<&'r [u8], Vec<Who>>);

impl<'r> HeldNeedles<'r> {
    pub(super) fn add(&mut self, text: &'r str, who: Who) {
        let bytes = text.as_bytes();
        self.0.entry(bytes.get(..MAX_NEEDLE).unwrap_or(bytes)).or_default().push(who);
    }

    /// Where there are more than an automaton can hold, they go to the rest.
    pub(super) fn into_held(self, place: Where, rest: &mut Vec<Who>) -> Held {
        let (anchored, start) = match place {
            Where::Begins => (Anchored::Yes, StartKind::Anchored),
            Where::Anywhere => (Anchored::No, StartKind::Unanchored),
        };
        let mut held = Held { automaton: None, anchored, owners: Vec::new(), begins: vec![0] };
        if self.0.is_empty() {
            return held;
        }
        let Ok(automaton) = AhoCorasick::builder().start_kind(start).build(self.0.keys()) else {
            rest.extend(self.0.into_values().flatten());
            return held;
        };
        held.automaton = Some(automaton);
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
        let input = Input::new(text).anchored(self.anchored);
        let mut state = OverlappingState::start();
        // The only error is an automaton that cannot search so, which this kind can.
        while automaton.try_find_overlapping(input.clone(), &mut state).is_ok() {
            let Some(hit) = state.get_match() else { return };
            let begin = |at: usize| self.begins.get(at).copied().unwrap_or(0);
            let needle = hit.pattern().as_usize();
            found.extend(self.owners.get(begin(needle)..begin(needle + 1)).unwrap_or_default());
        }
    }
}
