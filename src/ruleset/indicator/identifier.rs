//! `identifier = { type = "…", exact = […] … }`: a typed identifier of an item.

use crate::model::{Field, IdentifierType, ItemKind, Sighting};
use crate::ruleset::fields;
use crate::ruleset::language::{self, Form};
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Seen, Slot, asked};

pub(super) const KIND: Kind = Kind {
    key: "identifier",
    field: Some(Field::Identifier),
    form: Form::Table(&language::IDENTIFIER),
    means: "A typed identifier of the thing",
    read,
};

#[derive(Debug)]
struct Identifier {
    kind: IdentifierType,
    pattern: Pattern,
}

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    let mut table = value.table("an identifier condition")?;
    let kind = table.need("type").and_then(Value::word);
    let pattern = Pattern::from_keys(&mut table);
    table.finish();
    if pattern.is_empty() {
        return None;
    }
    Some(Box::new(Identifier { kind: kind?, pattern }))
}

impl Condition for Identifier {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        format!("{} {}", self.kind.word(), asked(&self.pattern))
    }

    fn seen(&self, item: &Folded<'_>, _: &Sighting) -> Seen {
        let same = item.identifiers.iter().filter(|(kind, _)| *kind == self.kind);
        Seen::of(same.map(|(_, value)| &**value))
    }

    fn rests_on(&self) -> Option<Field> {
        KIND.field
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        item.identifiers.iter().any(|(kind, value)| *kind == self.kind && self.pattern.matches(value)).into()
    }

    fn index(&self) -> Option<(Slot, &Pattern)> {
        Some((Slot::Identifier, &self.pattern))
    }

    fn never_on(&self, kind: ItemKind) -> Option<String> {
        let known = fields::identifiers(kind).contains(&self.kind);
        (!known).then(|| format!("an item of kind {} has no {}", kind.word(), self.kind.word()))
    }

    fn accounts(&self) -> Vec<&str> {
        if self.kind == IdentifierType::Account { self.pattern.exact().collect() } else { Vec::new() }
    }
}
