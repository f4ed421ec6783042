//! `image = { exists = …, path = {…} }`: the program file that a thing is or points to.
//!
//! Its path is the item's, so that path and image are one piece of evidence. Whether the file is there is
//! a fact of the host, asked of the sighting; where that could not be seen the condition is not met.

use crate::model::{Field, ItemKind, Sighting};
use crate::ruleset::code::Code;
use crate::ruleset::fields;
use crate::ruleset::language::{self, Form};
use crate::ruleset::pattern::Pattern;
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Seen, Slot, asked, path};

pub(super) const KIND: Kind = Kind {
    key: "image",
    field: Some(Field::Path),
    form: Form::Table(&language::IMAGE),
    means: "The program file that the thing is or points to",
    read,
};

#[derive(Debug)]
struct Image {
    exists: Option<bool>,
    path: Option<Pattern>,
}

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    let mut table = value.table("an image condition")?;
    let exists = table.get("exists").map(Value::bool);
    let path = table.get("path").map(Pattern::read);
    if exists.is_none() && path.is_none() {
        let hint = "give exists, path or both";
        table.faults().hint(Code::EmptyPattern, table.at(), "there is nothing to match", hint);
        return None;
    }
    table.finish();
    let image = Image { exists: exists.flatten(), path: path.flatten() };
    (image.exists.is_some() || image.path.is_some()).then(|| Box::new(image) as Box<dyn Condition>)
}

impl Condition for Image {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        let exists = self.exists.map(|yes| if yes { "is there" } else { "is not there" }.to_owned());
        let path = self.path.as_ref().map(asked);
        exists.into_iter().chain(path).collect::<Vec<_>>().join(", ")
    }

    fn seen(&self, item: &Folded<'_>, sighting: &Sighting) -> Seen {
        let Some(image) = &sighting.image else { return Seen::Nothing };
        let there = match image.exists {
            Some(true) => "is there",
            Some(false) => "is not there",
            None if self.exists.is_some() => return Seen::NotLooked,
            None => "not looked at",
        };
        Seen::Value(format!("\"{}\" ({there})", item.path.as_deref().unwrap_or_default()))
    }

    fn rests_on(&self) -> Option<Field> {
        self.path.as_ref().and(KIND.field)
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        self.path.as_ref().is_none_or(|pattern| path::matches(pattern, item)).into()
    }

    fn sighting(&self, sighting: &Sighting) -> bool {
        let seen = sighting.image.as_ref().and_then(|image| image.exists);
        self.exists.is_none_or(|wanted| seen == Some(wanted))
    }

    fn index(&self) -> Option<(Slot, &Pattern)> {
        self.path.as_ref().map(|pattern| (Slot::Path, pattern))
    }

    fn never_on(&self, kind: ItemKind) -> Option<String> {
        (!fields::has_image(kind)).then(|| format!("an item of kind {} has no program file", kind.word()))
    }
}
