//! `signer = {…}`: who signed the thing. What is signed without a chain to a trusted root proves nothing:
//! such a match is never more than weak.

use crate::model::{Field, Trust};
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Slot};

pub(super) const KIND: Kind = Kind { key: "signer", field: Some(Field::Signer), read };

#[derive(Debug)]
struct Signer(Pattern);

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    Some(condition(Pattern::read(value)?))
}

/// The condition from a pattern that is read already.
pub(super) fn condition(pattern: Pattern) -> Box<dyn Condition> {
    Box::new(Signer(pattern))
}

/// How far a signature of this trust proves who made it.
pub(super) fn met(trust: Trust) -> Met {
    match trust {
        Trust::Anchored => Met::Fully,
        Trust::Unanchored | Trust::Broken => Met::Weakly,
    }
}

impl Condition for Signer {
    fn rests_on(&self) -> Option<Field> {
        KIND.field
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        match &item.signer {
            Some((name, trust)) if self.0.matches(name) => met(*trust),
            _ => Met::No,
        }
    }

    fn index(&self) -> Option<(Slot, &Pattern)> {
        Some((Slot::Signer, &self.0))
    }
}
