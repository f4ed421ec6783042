//! The language as JSON Schema (draft 2020-12), for editors that check TOML while it is written.
//!
//! Made of `language`; printed by `cli`. It holds what is structure: references and patterns are for `rules check`.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::category::Category;
use super::language::{FILES, FileKind, Form, Key, Spec, Words};

/// Names of the kinds of files there is a schema for.
pub fn file_kinds() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|kind| kind.name)
}

/// The schema of one kind of file, or of all; `None` for a kind there is not.
pub fn json_schema(kind: Option<&str>) -> Option<Value> {
    let mut making =
        Making { generator: SchemaSettings::draft2020_12().into_generator(), specs: BTreeMap::new() };
    let kinds: Vec<&FileKind> = FILES.iter().filter(|one| kind.is_none_or(|kind| kind == one.name)).collect();
    let files: Vec<Value> = kinds.iter().map(|kind| making.file(kind)).collect();
    let title =
        kind.map_or("A rule file of interdict".to_owned(), |kind| format!("A {kind} file of interdict"));
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
    });
    let top = schema.as_object_mut()?;
    match files.as_slice() {
        [] => return None,
        [one] => top.extend(one.as_object().cloned().unwrap_or_default()),
        _ => top.extend([("oneOf".to_owned(), Value::from(files))]),
    }
    let defs = making.specs.into_iter().chain(making.generator.take_definitions(true));
    top.insert("$defs".to_owned(), Value::Object(defs.collect()));
    Some(schema)
}

struct Making {
    generator: SchemaGenerator,
    specs: BTreeMap<String, Value>,
}

impl Making {
    /// A reference to the schema of a file, and what of it must be there.
    fn file(&mut self, kind: &FileKind) -> Value {
        let top = self.table(kind.top);
        let one_of = json!({ "anyOf": required_each(kind.one_of) });
        let all = if kind.one_of.is_empty() { vec![top] } else { vec![top, one_of] };
        json!({ "description": kind.means, "allOf": all })
    }

    /// A reference to the schema of a table, which is made once.
    fn table(&mut self, spec: &Spec) -> Value {
        let reference = json!({ "$ref": format!("#/$defs/{}", spec.id) });
        if self.specs.contains_key(spec.id) {
            return reference;
        }
        // Its place is taken first: tables may hold each other.
        self.specs.insert(spec.id.to_owned(), Value::Null);
        let keys = spec.keys();
        let needed: Vec<&str> = keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
        let properties: serde_json::Map<String, Value> =
            keys.iter().map(|key| (key.name.to_owned(), self.property(key))).collect();
        let mut schema = json!({
            "title": spec.what,
            "type": "object",
            "properties": properties,
            "required": needed,
            "additionalProperties": false,
        });
        if let Some(schema) = schema.as_object_mut().filter(|_| !spec.one_of.is_empty()) {
            schema.insert("anyOf".to_owned(), required_each(spec.one_of));
        }
        self.specs.insert(spec.id.to_owned(), schema);
        reference
    }

    fn property(&mut self, key: &Key) -> Value {
        let mut schema = self.form(key.form);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), key.means.into());
        }
        schema
    }

    fn form(&mut self, form: Form) -> Value {
        match form {
            Form::Version => json!({ "const": 1 }),
            Form::Text => text(),
            Form::Id => json!({ "type": "string", "pattern": r"^[a-z0-9-]+(\.[a-z0-9-]+)*$" }),
            Form::Texts => one_or_several(&text()),
            Form::Places => {
                let code = r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$";
                one_or_several(&json!({ "type": "string", "pattern": code }))
            }
            Form::Word(words) => self.words(words),
            Form::Words(words) => one_or_several(&self.words(words)),
            Form::Bool => json!({ "type": "boolean" }),
            Form::Count => json!({ "type": "integer", "minimum": 0 }),
            Form::Ordinal => json!({ "type": "integer", "minimum": 1 }),
            Form::Hash => json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" }),
            Form::Date => json!({ "type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$" }),
            Form::Table(spec) => self.table(spec),
            Form::Tables(spec) => json!({ "type": "array", "items": self.table(spec) }),
            Form::NoneOr(spec) => {
                let one = self.table(spec);
                json!({ "oneOf": [{ "const": "none" }, one, { "type": "array", "items": one, "minItems": 1 }] })
            }
        }
    }

    fn words(&mut self, words: Words) -> Value {
        words(&mut self.generator).to_value()
    }
}

/// One schema for each key, that it is there.
fn required_each(keys: &[&str]) -> Value {
    keys.iter().map(|key| json!({ "required": [key] })).collect()
}

fn text() -> Value {
    json!({ "type": "string", "pattern": r"\S" })
}

fn one_or_several(one: &Value) -> Value {
    json!({ "anyOf": [one, { "type": "array", "items": one }] })
}

/// Every category with what it means, so that an editor can say it.
impl JsonSchema for Category {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Category".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let word = |(word, means): &(&str, &str)| json!({ "const": word, "description": means });
        let known: Vec<Value> = Self::KNOWN.iter().map(word).collect();
        json_schema!({ "type": "string", "pattern": r"\S", "anyOf": [{ "oneOf": known }, true] })
    }
}
