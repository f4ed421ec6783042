//! Examples: items a ruleset is tried on, written as the sources would report them.
//!
//! Called for vendor files. Must not run them: that is for who can judge.

use crate::model::{
    Family, HostPath, Identifier, Image, ItemKind, Looked, Place, Scheme, Signer, State, Trace, Version,
};
use crate::ruleset::code::Code;
use crate::ruleset::rules::{Example, Expect, Expected};
use crate::ruleset::schema::{Table, Value};

use super::Reference;

/// Where an example's traces are said to have been read, unless it says otherwise.
const PLACE: &str = "/example";

pub(super) fn read(mut table: Table<'_>, references: &mut Vec<Reference>) -> Option<Example> {
    let items = table.need("items").map(|value| value.tables("an item of an example")).unwrap_or_default();
    let count = items.len();
    let traces: Vec<Trace> = items.into_iter().filter_map(read_item).collect();
    let families: Vec<Family> = table.words("families");
    let families = if families.is_empty() { vec![Family::Linux] } else { families };
    let expect = table.need("expect").and_then(|value| read_expect(value, references));
    let note = table.text("note");
    let at = table.at().clone();
    if count == 0 {
        table.faults().add(Code::MissingExample, &at, "an example without items shows nothing");
    }
    table.finish();
    let whole = count > 0 && traces.len() == count;
    Some(Example { traces, families, expect: expect?, note, at }).filter(|_| whole)
}

fn read_expect(value: Value<'_>, references: &mut Vec<Reference>) -> Option<Expect> {
    if value.is_text("none") {
        return Some(Expect::Nothing);
    }
    let tables =
        if value.is_list() { value.tables("expect") } else { value.table("expect").into_iter().collect() };
    let count = tables.len();
    let read: Vec<Expected> =
        tables.into_iter().filter_map(|table| read_expected(table, references)).collect();
    if count == 0 && value.is_list() {
        value.faults().hint(Code::EmptyText, &value.at(), "nothing is expected", "write `expect = \"none\"`");
    }
    (count > 0 && read.len() == count).then_some(Expect::Findings(read))
}

fn read_expected(mut table: Table<'_>, references: &mut Vec<Reference>) -> Option<Expected> {
    let product = table.need_text("product");
    let state = table.get("state").and_then(Value::word);
    let confidence = table.get("confidence").and_then(Value::word);
    let class = table.get("class").and_then(Value::word);
    table.finish();
    let to = product?;
    let product = to.value.clone();
    references.push(Reference { code: Code::UnknownProduct, to });
    Some(Expected { product, state, confidence, class })
}

fn read_item(mut table: Table<'_>) -> Option<Trace> {
    let kind: Option<ItemKind> = table.need("kind").and_then(Value::word);
    let name = table.need_text("name");
    let state = table.word("state", State::Installed);
    let source = table.text("source");
    let place = HostPath::from(table.text("place").unwrap_or_else(|| PLACE.to_owned()).as_str());
    let place = match source {
        Some(source) => Place::record(place, source),
        None => Place::file(place),
    };
    let mut trace = Trace::new(kind.unwrap_or(ItemKind::Trace), "", state, place);
    trace.display_name = table.text("display_name");
    trace.publisher = table.text("publisher");
    let scheme = table.word("scheme", Scheme::Other);
    trace.version = table.text("version").map(|raw| Version::new(raw, scheme));
    trace.arch = table.text("arch");
    trace.path = table.text("path").map(|path| HostPath::from(path.as_str()));
    let identifiers = table.tables("identifiers", "an identifier");
    trace.identifiers = identifiers.into_iter().filter_map(read_identifier).collect();
    if table.get("unsigned").and_then(Value::bool) == Some(true) {
        trace.signer = Looked::None;
    }
    if let Some(value) = table.get("signer") {
        trace.signer = read_signer(value).map_or(Looked::NotLooked, Looked::Some);
    }
    trace.image = table.get("image").and_then(read_image);
    table.finish();
    trace.name = name?.value;
    kind.map(|_| trace)
}

fn read_identifier(mut table: Table<'_>) -> Option<Identifier> {
    let kind = table.need("type").and_then(Value::word);
    let value = table.need_text("value");
    table.finish();
    Some(Identifier::new(kind?, value?.value))
}

fn read_signer(value: Value<'_>) -> Option<Signer> {
    let mut table = value.table("a signer")?;
    let name = table.need_text("name");
    let team_id = table.text("team_id");
    let trust = table.need("trust").and_then(Value::word);
    table.finish();
    Some(Signer { name: name?.value, team_id, trust: trust? })
}

fn read_image(value: Value<'_>) -> Option<Image> {
    let mut table = value.table("an image")?;
    let path = table.need_text("path");
    let exists = table.get("exists").and_then(Value::bool);
    table.finish();
    Some(Image { path: HostPath::from(path?.value.as_str()), exists })
}
