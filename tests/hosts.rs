//! Golden hosts: each folder below `tests/hosts` is a root and what is to be found in it. A folder dropped in is a test.
//! Hives are no text: a Windows host has its keys in `registry.toml`, and they are written into a copy of its root.
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
use support::windows::Windows;
use support::{Root, Run, interdict, scan};

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
    let found = report["findings"].as_array().unwrap();
    let findings: Vec<String> = found.iter().map(finding).collect();
    let evidence: BTreeSet<String> = found.iter().flat_map(evidence).collect();
    json!({
        "verdict": report["verdict"],
        "findings": findings,
        "evidence": evidence,
        "sources": sources,
        "items": lines,
    })
}

/// What a finding rests on, as lines: product, source, kind, name, state, strength; or how it is linked.
fn evidence(finding: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |one: &Value| {
        let strength = if one["strength"].is_null() { &one["link"] } else { &one["strength"] };
        [&finding["product"], &one["source"], &one["kind"], &one["name"], &one["state"], strength]
            .map(text)
            .join(" | ")
    };
    finding["evidence"].as_array().unwrap().iter().map(line).collect()
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

/// The root to scan, and whether it is a copy that goes away again.
fn root(host: &Path) -> (PathBuf, Option<Root>) {
    if host.join("registry.toml").exists() {
        let copy = Windows::fixture(host).build();
        return (copy.path().to_owned(), Some(copy));
    }
    (host.join("root"), None)
}

#[test]
fn every_golden_host_is_found_as_it_was() {
    for host in hosts() {
        let expected = host.join("expected.json");
        let (root, _copy) = root(&host);
        let found = serde_json::to_string_pretty(&found(&root)).unwrap() + "\n";
        if std::env::var_os("INTERDICT_BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(found, wanted, "{}: look at the difference, then INTERDICT_BLESS=1", host.display());
    }
}

/// What needs a running host or a deep scan, only looks for what a rule of another policy names, or brings no items.
const UNSHOWN: &[&str] = &["accounts", "attached-devices", "foreign-roots", "processes", "sweep"];

/// A source that no golden host shows would be a source that nobody has seen working.
#[test]
fn every_source_is_shown_by_a_golden_host() {
    let all: String = hosts()
        .iter()
        .map(|host| fs::read_to_string(host.join("expected.json")).unwrap_or_default())
        .collect();
    for source in SOURCES.iter().filter(|source| !UNSHOWN.contains(&source.about().name)) {
        // What looks only for what rules name brings nothing into an inventory.
        let shown = [format!("\"{} | ", source.about().name), format!(" | {} | ", source.about().name)];
        assert!(shown.iter().any(|line| all.contains(line)), "no golden host shows {}", source.about().name);
    }
}
