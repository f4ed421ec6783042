//! `path = {…}`: the path of an item, with the host's own parts replaced (`{home}/…`).

use crate::model::{Field, Sighting};
use crate::ruleset::language::{self, Form};
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Seen, Slot, asked};

pub(super) const KIND: Kind = Kind {
    key: "path",
    field: Some(Field::Path),
    form: Form::Table(&language::PATTERN),
    means: "The path, with the host's own parts replaced (`{home}/…`)",
    read,
};

#[derive(Debug)]
struct Path(Pattern);

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    Some(Box::new(Path(Pattern::read(value)?)))
}

/// Whether a folded item's path matches.
pub(super) fn matches(pattern: &Pattern, item: &Folded<'_>) -> bool {
    item.path.as_deref().is_some_and(|path| pattern.matches(path))
}

impl Condition for Path {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        asked(&self.0)
    }

    fn seen(&self, item: &Folded<'_>, _: &Sighting) -> Seen {
        Seen::of(item.slot(Slot::Path))
    }

    fn rests_on(&self) -> Option<Field> {
        KIND.field
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        matches(&self.0, item).into()
    }

    fn index(&self) -> Option<(Slot, &Pattern)> {
        Some((Slot::Path, &self.0))
    }
}
