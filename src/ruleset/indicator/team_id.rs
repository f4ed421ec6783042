//! `team_id = {…}`: Apple's id of the team whose certificate signed the thing, as far as its chain proves it.

use crate::model::{Field, Sighting};
use crate::ruleset::language::{self, Form};
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Seen, Slot, asked, signer};

pub(super) const KIND: Kind = Kind {
    key: "team_id",
    field: Some(Field::Signer),
    form: Form::Table(&language::PATTERN),
    means: "Apple's id of the team that signed the thing",
    read,
};

#[derive(Debug)]
struct TeamId(Pattern);

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    Some(condition(Pattern::read(value)?))
}

/// The condition from a pattern that is read already.
pub(super) fn condition(pattern: Pattern) -> Box<dyn Condition> {
    Box::new(TeamId(pattern))
}

impl Condition for TeamId {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        asked(&self.0)
    }

    fn seen(&self, item: &Folded<'_>, _: &Sighting) -> Seen {
        signer::seen(item, item.team_id.as_deref())
    }

    fn rests_on(&self) -> Option<Field> {
        KIND.field
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        match (&item.team_id, &item.signer) {
            (Some(team), Some((_, trust))) if self.0.matches(team) => signer::met(*trust),
            _ => Met::No,
        }
    }

    fn index(&self) -> Option<(Slot, &Pattern)> {
        Some((Slot::TeamId, &self.0))
    }
}
