//! `name = {…}`: the technical name of an item, or its name for people.

use crate::model::{Field, Sighting};
use crate::ruleset::language::{self, Form};
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Seen, Slot, asked};

pub(super) const KIND: Kind = Kind {
    key: "name",
    field: Some(Field::Name),
    form: Form::Table(&language::PATTERN),
    means: "The technical name, or the name for people",
    read,
};

#[derive(Debug)]
struct Name(Pattern);

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    Some(Box::new(Name(Pattern::read(value)?)))
}

impl Condition for Name {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        asked(&self.0)
    }

    fn seen(&self, item: &Folded<'_>, _: &Sighting) -> Seen {
        Seen::of(item.slot(Slot::Name))
    }

    fn rests_on(&self) -> Option<Field> {
        KIND.field
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        item.slot(Slot::Name).any(|name| self.0.matches(name)).into()
    }

    fn index(&self) -> Option<(Slot, &Pattern)> {
        Some((Slot::Name, &self.0))
    }
}
