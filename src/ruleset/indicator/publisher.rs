//! `publisher = {…}`: who the record claims made or packaged the thing.

use crate::model::{Field, Sighting};
use crate::ruleset::language::{self, Form};
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Seen, Slot, asked};

pub(super) const KIND: Kind = Kind {
    key: "publisher",
    field: Some(Field::Publisher),
    form: Form::Table(&language::PATTERN),
    means: "Who the record claims made or packaged the thing",
    read,
};

#[derive(Debug)]
struct Publisher(Pattern);

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    Some(condition(Pattern::read(value)?))
}

/// The condition from a pattern that is read already.
pub(super) fn condition(pattern: Pattern) -> Box<dyn Condition> {
    Box::new(Publisher(pattern))
}

impl Condition for Publisher {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        asked(&self.0)
    }

    fn seen(&self, item: &Folded<'_>, _: &Sighting) -> Seen {
        Seen::of(item.slot(Slot::Publisher))
    }

    fn rests_on(&self) -> Option<Field> {
        KIND.field
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        item.publisher.as_deref().is_some_and(|publisher| self.0.matches(publisher)).into()
    }

    fn index(&self) -> Option<(Slot, &Pattern)> {
        Some((Slot::Publisher, &self.0))
    }
}
