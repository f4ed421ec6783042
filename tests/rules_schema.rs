//! The JSON Schema of rule files against the files themselves, and against the reader: neither knows a key that the
//! other does not.
#![expect(clippy::disallowed_methods, reason = "reads the project's own files")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use interdict::ruleset::{file_kinds, json_schema, of_text};
use jsonschema::Validator;
use serde_json::{Value, json};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn toml_files(name: &str) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(folder(name)).sort_by_file_name().into_iter();
    let files = files.map(|entry| entry.unwrap().into_path());
    files.filter(|file| file.extension().is_some_and(|end| end == "toml")).collect()
}

fn validator(kind: Option<&str>) -> Validator {
    jsonschema::draft202012::new(&json_schema(kind).unwrap()).unwrap()
}

/// As an editor's plug-in has it: a date is a text.
fn as_json(value: toml::Value) -> Value {
    match value {
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(as_json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, as_json(value))).collect(),
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Boolean(yes) => yes.into(),
        toml::Value::Float(number) => number.into(),
    }
}

fn document(text: &str) -> Value {
    as_json(toml::from_str::<toml::Table>(text).unwrap().into())
}

#[test]
fn the_schema_is_one() {
    let schema = json_schema(None).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    assert_eq!(json_schema(Some("nothing")), None);
    let kinds: Vec<&str> = file_kinds().collect();
    assert_eq!(schema["oneOf"].as_array().unwrap().len(), kinds.len());
    assert!(kinds.len() >= 5, "{kinds:?}");
}

#[test]
fn every_rule_file_is_valid() {
    let all = validator(None);
    let mut faults = Vec::new();
    for file in toml_files("rules") {
        let document = document(&fs::read_to_string(&file).unwrap());
        faults.extend(all.iter_errors(&document).map(|error| format!("{}: {error}", file.display())));
        let kind = file_kinds().filter(|kind| validator(Some(kind)).is_valid(&document)).count();
        assert_eq!(kind, 1, "{}", file.display());
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn faults_of_structure_are_not_valid() {
    let all = validator(None);
    let structural = ["E0102", "E0103", "E0104", "E0105", "E0106", "E0107", "E0108", "E0110"];
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for file in toml_files("tests/wrong_rules") {
        let shown = fs::read_to_string(file.with_extension("expected")).unwrap();
        let mut lines = shown.lines();
        let codes = structural
            .iter()
            .filter(|code| lines.clone().any(|line| line.starts_with(&format!("error[{code}]"))));
        let codes: Vec<&str> = codes.copied().collect();
        let Ok(table) = toml::from_str::<toml::Table>(&fs::read_to_string(&file).unwrap()) else { continue };
        let valid = all.is_valid(&as_json(table.into()));
        assert!(codes.is_empty() || !valid, "{}: {codes:?}", file.display());
        assert!(lines.next().is_some());
        seen.extend(codes);
    }
    let missing: Vec<_> = structural.iter().filter(|code| !seen.contains(*code)).collect();
    assert!(missing.is_empty(), "no wrong file for {missing:?}");
}

/// A rule file in which every table of the language stands, with a key that it does not have.
const TABLES: &[(&str, &str)] = &[
    (
        "vendor-file",
        r#"
schema = 1
zzz = 1
[vendor]
zzz = 1
[[product]]
zzz = 1
[[product.indicator]]
zzz = 1
kind = "driver"
unless = { zzz = 1 }
name = { zzz = 1 }
identifier = { zzz = 1 }
image = { exists = true, zzz = 1 }
version = { zzz = 1 }
sha256 = [{ zzz = 1 }]
[[embedding]]
zzz = 1
host = [{ zzz = 1, kind = "driver" }]
proof = [{ zzz = 1, kind = "driver", strength = "weak" }]
[[exclude]]
zzz = 1
kind = "driver"
[[example]]
zzz = 1
items = [{ zzz = 1, identifiers = [{ zzz = 1 }], signer = { zzz = 1 }, image = { zzz = 1 } }]
expect = { zzz = 1 }
"#,
    ),
    (
        "policy-file",
        "schema = 1\nzzz = 1\n[policy]\nzzz = 1\n[[prohibition]]\nzzz = 1\n[[override]]\nprohibition = \"x\"\nzzz = 1\n",
    ),
    (
        "authority-file",
        "schema = 1\nzzz = 1\n[authority]\nzzz = 1\napplies_to = { zzz = 1 }\n[[milestone]]\nzzz = 1\n",
    ),
    ("waiver-file", "schema = 1\nzzz = 1\n[[waiver]]\nzzz = 1\n[[accept_gap]]\nzzz = 1\n"),
    ("ruleset-file", "schema = 1\nzzz = 1\n[ruleset]\nzzz = 1\n"),
];

/// The keys that the reader asks for in each table, by the table's name; of a file's top, by the kind of file.
fn asked_for() -> BTreeMap<String, BTreeSet<String>> {
    let mut tables = BTreeMap::new();
    for (top, text) in TABLES {
        for fault in of_text(&[("all.toml", text)]).diagnostics {
            let Some(table) = fault.label.strip_prefix("`zzz` is not a key of ") else { continue };
            let keys = fault.hint.unwrap();
            let keys = keys.strip_prefix("it has: ").unwrap().split(", ").map(str::to_owned).collect();
            let name = if table == "the top of the file" { *top } else { table };
            tables.insert(name.to_owned(), keys);
        }
    }
    tables.extend(asked_of_the_configuration());
    tables
}

/// The same of the configuration, which only the program reads.
fn asked_of_the_configuration() -> BTreeMap<String, BTreeSet<String>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "schema = 1\nzzz = 1\n[site]\nzzz = 1\n").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_interdict"));
    let output = command.args(["rules", "list", "--config"]).arg(file.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let tables = said.split("`zzz` is not a key of ").skip(1).map(|fault| {
        let (table, rest) = fault.split_once('\n').unwrap();
        let keys = rest.split_once("it has: ").unwrap().1.lines().next().unwrap();
        let name = if table == "the top of the file" { "config-file" } else { table };
        (name.to_owned(), keys.split(", ").map(str::to_owned).collect())
    });
    tables.collect()
}

#[test]
fn the_schema_has_the_keys_that_the_reader_asks_for() {
    let schema = json_schema(None).unwrap();
    let mut tables = BTreeMap::new();
    for (id, definition) in schema["$defs"].as_object().unwrap() {
        let Some(properties) = definition["properties"].as_object() else { continue };
        assert_eq!(definition["additionalProperties"], false, "{id}");
        let title = definition["title"].as_str().unwrap();
        let name = if title == "the top of the file" { id } else { title };
        let keys: BTreeSet<String> = properties.keys().cloned().collect();
        assert!(properties.values().all(|key| key["description"].is_string()), "{id} explains every key");
        assert!(tables.insert(name.to_owned(), keys).is_none(), "{name} is there twice");
    }
    let asked = asked_for();
    let names = |tables: &BTreeMap<String, BTreeSet<String>>| tables.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&tables), names(&asked));
    for (name, keys) in &asked {
        assert_eq!(tables.get(name), Some(keys), "{name}");
    }
}

/// The reader and the schema agree on which keys must be there.
#[test]
fn the_schema_needs_the_keys_that_the_reader_needs() {
    let schema = json_schema(None).unwrap();
    let mut needed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, text) in TABLES {
        for fault in of_text(&[("all.toml", text)]).diagnostics {
            if let Some((table, key)) = fault.label.split_once(" needs the key `") {
                needed.entry(table.to_owned()).or_default().insert(key.trim_end_matches('`').to_owned());
            }
        }
    }
    assert!(needed.len() > 10, "{needed:#?}");
    for definition in schema["$defs"].as_object().unwrap().values() {
        let Some(required) = definition["required"].as_array() else { continue };
        let title = definition["title"].as_str().unwrap();
        for key in needed.get(title).into_iter().flatten() {
            // What a policy builds on has its day.
            let by_case = title == "[policy]" && key == "effective";
            assert!(by_case || required.contains(&json!(key)), "{title} needs {key}");
        }
    }
}
