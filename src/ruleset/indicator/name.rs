//! `name = {…}`: the technical name of an item, or its name for people.

use crate::model::Field;
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Slot};

pub(super) const KIND: Kind = Kind { key: "name", field: Some(Field::Name), read };

#[derive(Debug)]
struct Name(Pattern);

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    Some(Box::new(Name(Pattern::read(value)?)))
}

impl Condition for Name {
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
