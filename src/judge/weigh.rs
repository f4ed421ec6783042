//! How sure a set of signs makes us: only independent evidence adds up.
//!
//! Called by `assess`. Pure arithmetic over strengths and fields; must not know policies.

use std::collections::BTreeSet;

use crate::model::{Confidence, Field, State, Strength};

/// What one hit on one sighting says, as far as weighing goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weight {
    /// How much it says.
    pub(super) strength: Strength,
    /// The fields it rests on. Two signs are independent when they share none: the same name read in a package
    /// database and in a unit is one sign.
    pub(super) rests_on: BTreeSet<Field>,
    /// How present its sighting is.
    pub(super) state: State,
    /// Whether there is an existing image, or a record of an installation.
    pub(super) backed: bool,
}

/// One conclusive sign, or two independent strong ones: confirmed. One strong, or two independent weak of which one
/// is backed by an image or a record: probable. Else possible; `None` without any sign.
pub(super) fn confidence<'a>(weights: impl Iterator<Item = &'a Weight>) -> Option<Confidence> {
    // A hostile host can have a hundred thousand signs; the ways in which they differ here are few.
    let kinds: BTreeSet<_> =
        weights.map(|weight| (weight.strength, &weight.rests_on, weight.backed)).collect();
    let independent = |least: Strength, backed: bool| {
        let of = || kinds.iter().filter(move |(strength, ..)| *strength >= least);
        let mut pairs = of().flat_map(|one| of().map(move |other| (one, other)));
        pairs.any(|((_, one, a), (_, other, b))| one.is_disjoint(other) && (!backed || *a || *b))
    };
    Some(match kinds.last()?.0 {
        Strength::Conclusive => Confidence::Confirmed,
        Strength::Strong if independent(Strength::Strong, false) => Confidence::Confirmed,
        Strength::Strong => Confidence::Probable,
        Strength::Weak if independent(Strength::Weak, true) => Confidence::Probable,
        Strength::Weak => Confidence::Possible,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(strength: Strength, fields: &[Field], backed: bool) -> Weight {
        Weight { strength, rests_on: fields.iter().copied().collect(), state: State::Installed, backed }
    }

    #[test]
    fn the_table_of_the_design() {
        use Confidence::{Confirmed, Possible, Probable};
        use Field::{Name, Path, Publisher};
        use Strength::{Conclusive, Strong, Weak};
        let cases = [
            (vec![weight(Conclusive, &[Name], false)], Confirmed),
            (vec![weight(Strong, &[Name], false), weight(Strong, &[Path], false)], Confirmed),
            (vec![weight(Strong, &[Name], true), weight(Strong, &[Name], true)], Probable),
            (vec![weight(Strong, &[Name], false), weight(Weak, &[Path], true)], Probable),
            (vec![weight(Weak, &[Name], true), weight(Weak, &[Path], false)], Probable),
            (vec![weight(Weak, &[Name], false), weight(Weak, &[Path], false)], Possible),
            (vec![weight(Weak, &[Name], true), weight(Weak, &[Name], true)], Possible),
            (vec![weight(Strong, &[Name, Publisher], true), weight(Strong, &[Name], true)], Probable),
            (vec![weight(Weak, &[Name], true)], Possible),
        ];
        for (weights, expected) in cases {
            assert_eq!(confidence(weights.iter()), Some(expected), "{weights:?}");
        }
        assert_eq!(confidence([].iter()), None);
    }
}
