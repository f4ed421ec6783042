//! Real property lists of bundles and trees of Homebrew, laid out as volumes of macOS: what we list must be what was read of
//! them by the tools that `expected.json` names.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "reads the corpora in place; a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::macos::Macos;
use support::{Root, corpora};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items<'a>(inventory: &'a Value, source: &'a str) -> impl Iterator<Item = &'a Value> {
    let items = inventory["items"].as_array().unwrap().iter();
    items.filter(move |item| {
        item["sightings"].as_array().unwrap().iter().any(|sighting| sighting["source"] == source)
    })
}

fn expected(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("expected/expected.json")).unwrap()).unwrap()
}

/// Files below a folder, by their paths from there.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    found
}

/// A broken list names no program, and the bundle is there all the same, with a gap.
#[test]
fn bundles_are_what_their_lists_say() {
    let Some(folder) = corpora("small-fixtures") else { return };
    for (name, wanted) in expected(&folder)["scalibr-macapps"].as_object().unwrap() {
        let disk = Macos::workstation();
        let list = fs::read(folder.join("scalibr-macapps").join(name)).unwrap();
        disk.file("Applications/Case.app/Contents/Info.plist", list);
        disk.program("Applications/Case.app/Contents/MacOS/Case");
        let inventory = disk.build().inventory();
        let item = items(&inventory, "app-bundles").find(|item| item["name"] == "Case.app").unwrap();
        let ids: Vec<_> =
            item["identifiers"].as_array().unwrap().iter().map(|id| text(&id["value"])).collect();
        let report = inventory["coverage"]["sources"].as_array().unwrap();
        let report = report.iter().find(|entry| entry["source"] == "app-bundles").unwrap();
        let blocked = report["gaps"].as_array().unwrap().iter().any(|gap| gap["blocking"] == true);
        assert_eq!(blocked, wanted.is_null(), "{name}: {report:#}");
        let first =
            |keys: [&str; 2]| keys.map(|key| text(&wanted[key])).into_iter().find(|text| !text.is_empty());
        let version = first(["CFBundleShortVersionString", "CFBundleVersion"]).unwrap_or_default();
        assert_eq!(text(&item["version"]["raw"]), version, "{name}");
        let shown = first(["CFBundleDisplayName", "CFBundleName"]).unwrap_or_default();
        assert_eq!(text(&item["display_name"]), shown, "{name}");
        let id = first(["CFBundleIdentifier", ""]);
        assert_eq!(ids, id.into_iter().collect::<Vec<_>>(), "{name}");
    }
}

/// Name and version of each package of Homebrew.
fn homebrew(root: &Root) -> BTreeSet<(String, String)> {
    let inventory = root.inventory();
    items(&inventory, "homebrew").map(|item| (text(&item["name"]), text(&item["version"]["raw"]))).collect()
}

fn pair(name: &str, version: &str) -> (String, String) {
    (name.to_owned(), version.to_owned())
}

#[test]
fn homebrew_is_what_its_folders_say() {
    let Some(folder) = corpora("small-fixtures") else { return };
    let mut wanted: BTreeSet<_> = expected(&folder)["scalibr-homebrew"]["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| pair(&text(&one[0]), &text(&one[1])))
        .collect();
    // scalibr passes over a cask whose version is `latest`; Homebrew has many such.
    wanted.insert(pair("somefolder", "latest"));
    for prefix in ["opt/homebrew", "usr/local"] {
        let disk = Macos::workstation();
        for (path, bytes) in tree(&folder.join("scalibr-homebrew")) {
            disk.file(&format!("{prefix}/{}", path.display()), bytes);
        }
        assert_eq!(homebrew(&disk.build()), wanted, "{prefix}");
    }
}

/// The answers of syft are not in the corpus: these are read off its folders, each a version of a formula.
#[test]
fn formulae_without_a_receipt_are_known_by_their_folders() {
    let Some(folder) = corpora("small-fixtures") else { return };
    let disk = Macos::workstation();
    for (path, bytes) in tree(&folder.join("syft-homebrew/formulas")) {
        disk.file(&format!("opt/homebrew/Cellar/{}", path.display()), bytes);
    }
    for (path, bytes) in tree(&folder.join("syft-homebrew/install-example")) {
        disk.file(&path.display().to_string(), bytes);
    }
    let wanted = [("crazy", "1.0.0"), ("foo", "1.2.3"), ("syft", "1.23.1")];
    assert_eq!(homebrew(&disk.build()), wanted.map(|(name, version)| pair(name, version)).into());
}
