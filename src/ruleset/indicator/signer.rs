//! `signer = {…}`: who signed the thing. What is signed without a chain to a trusted root proves nothing:
//! such a match is never more than weak.

use crate::model::{Field, Sighting, Trust};
use crate::ruleset::language::{self, Form};
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Seen, Slot, asked};

pub(super) const KIND: Kind = Kind {
    key: "signer",
    field: Some(Field::Signer),
    form: Form::Table(&language::PATTERN),
    means: "Who signed the thing; without a trusted chain never more than weak",
    read,
};

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
        Trust::Unanchored | Trust::Broken | Trust::Unchecked => Met::Weakly,
    }
}

/// What of the signature is there, where it was looked at.
pub(super) fn seen(item: &Folded<'_>, text: Option<&str>) -> Seen {
    match (&item.signer, text) {
        (None, _) if !item.unsigned => Seen::NotLooked,
        (Some((_, trust)), Some(text)) if *trust != Trust::Anchored => {
            Seen::Value(format!("\"{text}\" (not proven)"))
        }
        _ => Seen::of(text),
    }
}

impl Condition for Signer {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        asked(&self.0)
    }

    fn seen(&self, item: &Folded<'_>, _: &Sighting) -> Seen {
        seen(item, item.signer.as_ref().map(|(name, _)| &**name))
    }

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
