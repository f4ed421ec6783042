//! `sha256 = [{ value = "…", size = 123 }]`: the file's own bytes. The size says which files are worth hashing.

use std::collections::BTreeSet;

use crate::model::{Field, IdentifierType, Sighting};
use crate::ruleset::code::Code;
use crate::ruleset::language::{self, Form};
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::{Table, Text, Value};

use super::{Condition, Folded, Kind, Met, Seen, Slot, asked};

pub(super) const KIND: Kind = Kind {
    key: "sha256",
    field: Some(Field::Hash),
    form: Form::Tables(&language::HASH),
    means: "The file's own bytes",
    read,
};

#[derive(Debug)]
struct Hash {
    values: Pattern,
    sizes: BTreeSet<u64>,
}

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    let (mut values, mut sizes) = (Vec::new(), BTreeSet::new());
    for mut table in value.tables("a hash") {
        let size = table.need("size").and_then(Value::count);
        let hash = table.need_text("value").filter(|text| is_sha256(text, &table));
        table.finish();
        sizes.extend(size);
        values.extend(hash);
    }
    if values.is_empty() {
        value.faults().add(Code::EmptyPattern, &value.at(), "there is no hash that could match");
        return None;
    }
    Some(Box::new(Hash { values: Pattern::of_exact(&values), sizes }))
}

fn is_sha256(text: &Text, table: &Table<'_>) -> bool {
    let right = text.value.len() == 64 && text.value.bytes().all(|b| b.is_ascii_hexdigit());
    if !right {
        table.faults().add(Code::BadHash, &text.at, "a SHA-256 has 64 hexadecimal digits");
    }
    right
}

impl Condition for Hash {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        asked(&self.values)
    }

    /// Only files of the sizes that rules name are hashed.
    fn seen(&self, item: &Folded<'_>, _: &Sighting) -> Seen {
        let hashes = item.identifiers.iter().filter(|(kind, _)| *kind == IdentifierType::Sha256);
        match Seen::of(hashes.map(|(_, value)| &**value)) {
            Seen::Nothing => Seen::NotLooked,
            seen => seen,
        }
    }

    fn rests_on(&self) -> Option<Field> {
        KIND.field
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        let mut hashes = item.identifiers.iter().filter(|(kind, _)| *kind == IdentifierType::Sha256);
        hashes.any(|(_, value)| self.values.matches(value)).into()
    }

    fn index(&self) -> Option<(Slot, &Pattern)> {
        Some((Slot::Identifier, &self.values))
    }

    fn hash_sizes(&self) -> Option<&BTreeSet<u64>> {
        Some(&self.sizes)
    }
}
