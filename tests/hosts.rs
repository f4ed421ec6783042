//! Golden hosts: each folder below `tests/hosts` is a root and what is to be found in it. A folder dropped in is a test;
//! `INTERDICT_BLESS=1 cargo test --test hosts` writes what is found, to be looked at before it is committed.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "reads the fixtures; a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Run, interdict, scan};

use interdict::sources::SOURCES;

fn hosts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts");
    let mut hosts: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    hosts.sort();
    hosts
}

/// What of an inventory is the same on every machine that looks at the fixture.
fn found(root: &Path) -> Value {
    let inventory = Run::of(interdict().args(["inventory", "--format", "json", "--root"]).arg(root)).json();
    let mut lines = BTreeSet::new();
    for item in inventory["items"].as_array().unwrap() {
        for sighting in item["sightings"].as_array().unwrap() {
            lines.insert(line(item, sighting));
        }
    }
    let status = |source: &Value| {
        format!("{} {}", source["source"].as_str().unwrap(), source["status"].as_str().unwrap())
    };
    let sources: Vec<String> =
        inventory["coverage"]["sources"].as_array().unwrap().iter().map(status).collect();
    let report = scan(root, &[]).json();
    let finding = |found: &Value| {
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("product"), text("state"), text("confidence"))
    };
    let findings: Vec<String> = report["findings"].as_array().unwrap().iter().map(finding).collect();
    json!({ "verdict": report["verdict"], "findings": findings, "sources": sources, "items": lines })
}

/// One sighting as a line: source, kind, name, display name, version, architecture, publisher, state, scope, path.
fn line(item: &Value, sighting: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    [
        text(&sighting["source"]),
        text(&item["kind"]),
        text(&item["name"]),
        text(&item["display_name"]),
        text(&item["version"]["raw"]),
        text(&item["arch"]),
        text(&item["publisher"]),
        text(&sighting["state"]),
        text(&sighting["scope"]),
        text(&item["path"]),
    ]
    .join(" | ")
}

#[test]
fn every_golden_host_is_found_as_it_was() {
    for host in hosts() {
        let expected = host.join("expected.json");
        let found = serde_json::to_string_pretty(&found(&host.join("root"))).unwrap() + "\n";
        if std::env::var_os("INTERDICT_BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(found, wanted, "{}: look at the difference, then INTERDICT_BLESS=1", host.display());
    }
}

/// A source that no golden host shows would be a source that nobody has seen working. Processes need a running host.
#[test]
fn every_source_is_shown_by_a_golden_host() {
    let all: String = hosts()
        .iter()
        .map(|host| fs::read_to_string(host.join("expected.json")).unwrap_or_default())
        .collect();
    for source in SOURCES.iter().filter(|source| source.name() != "processes" && source.name() != "accounts")
    {
        assert!(all.contains(&format!("\"{} | ", source.name())), "no golden host shows {}", source.name());
    }
}
