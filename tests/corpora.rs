//! Real databases with the answers of the tools that own them, laid out as roots: what we list must be the same.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "reads the corpora in place; a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Root, corpora};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn expected(path: &Path) -> Vec<Value> {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Items of one source in an inventory, each with its first sighting.
fn items<'a>(inventory: &'a Value, source: &'a str) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let items = inventory["items"].as_array().unwrap().iter();
    items.filter_map(move |item| {
        let sighting = item["sightings"].as_array()?.iter().find(|sighting| sighting["source"] == source)?;
        Some((item, sighting))
    })
}

fn identifier(item: &Value, kind: &str) -> String {
    let all = item["identifiers"].as_array().unwrap();
    all.iter().find(|one| one["type"] == kind).map(|one| text(&one["value"])).unwrap_or_default()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            copy(&entry.path(), &target);
        }
    }
}

/// Copies the bytes, not the rights: corpora are read-only.
fn copy(from: &Path, to: &Path) {
    fs::write(to, fs::read(from).unwrap()).unwrap();
}

/// The corpus has no list of answers: these are its manifests' own words, read by hand. What has no text in any language is
/// known by its id; the file beside the folders belongs to no extension.
#[test]
fn chrome_extensions_by_their_manifests() {
    let Some(folder) = corpora("small-fixtures/scalibr-chrome-extensions") else { return };
    let root = Root::debian();
    copy_folder(&folder, &root.at("home/alice/.config/google-chrome/Default/Extensions"));
    let inventory = root.inventory();
    let found: BTreeSet<_> = items(&inventory, "chromium-extensions")
        .map(|(item, sighting)| {
            let id = identifier(item, "extension-id");
            (id, text(&item["name"]), text(&item["version"]["raw"]), text(&sighting["state"]))
        })
        .collect();
    let wanted = [
        ("aapbdbdomjkkjkaonfhkkikfgjllcleb", "Google Translate", "2.0.16"),
        ("caaadbdomjkkjkaonfhkkikfgjllcleb", "CryptoX Blockchain Wallet", "1.2.85"),
        ("ghbmnnjooekpmoecnnnilnnbdlolhkhi", "Google Docs Offline", "1.89.1"),
        ("nolocaleoekpmoecnnnilnnbdlolhkhi", "nolocaleoekpmoecnnnilnnbdlolhkhi", "1.89.1"),
    ];
    let wanted = wanted.map(|(id, name, version)| (id.into(), name.into(), version.into(), "present".into()));
    assert_eq!(found, wanted.into());
}

#[test]
fn dpkg_lists_what_dpkg_query_lists() {
    let Some(folder) = corpora("dpkg") else { return };
    for name in ["postgresql", "scalibr-valid", "syft-deinstall", "third-party", "trivy-valid"] {
        let root = Root::debian();
        root.file("var/lib/dpkg/status", fs::read(folder.join(name).join("status")).unwrap());
        let inventory = root.inventory();
        let found: BTreeSet<_> = items(&inventory, "dpkg")
            .map(|(item, sighting)| {
                let status = if sighting["state"] == "installed" { "ii" } else { "rc" };
                let version = text(&item["version"]["raw"]);
                (
                    text(&item["name"]),
                    version,
                    text(&item["arch"]),
                    text(&item["publisher"]),
                    status.to_owned(),
                    identifier(item, "source-package"),
                )
            })
            .collect();
        let wanted: BTreeSet<_> = expected(&folder.join(format!("{name}.expected.json")))
            .iter()
            .map(|one| {
                let field = |key: &str| text(&one[key]);
                (
                    field("name"),
                    field("version"),
                    field("arch"),
                    field("maintainer"),
                    field("status"),
                    field("source"),
                )
            })
            .collect();
        assert!(wanted.len() > 1, "{name} has an answer");
        assert_eq!(found, wanted, "{name}");
    }
}

/// rpm leaves a copy of the log beside the database: the folder is laid out whole.
#[test]
fn rpm_lists_what_rpm_lists() {
    let Some(folder) = corpora("rpmdb") else { return };
    let cases = [
        ("fedora33-sqlite", "var/lib/rpm", "fedora"),
        ("ndb", "usr/lib/sysimage/rpm", "opensuse-leap"),
        ("centos6-bdb", "var/lib/rpm", "centos"),
        ("epoch-bdb", "usr/share/rpm", "fedora"),
        ("libuuid-bdb", "var/lib/rpm", "rhel"),
    ];
    for (name, place, id) in cases {
        let root = Root::empty();
        root.file("etc/os-release", format!("ID={id}\n"));
        copy_folder(&folder.join(name), &root.at(place));
        let inventory = root.inventory();
        let found: BTreeSet<_> = items(&inventory, "rpm")
            .map(|(item, _)| {
                let version = &item["version"];
                let epoch = version["epoch"].as_u64().map_or("(none)".to_owned(), |epoch| epoch.to_string());
                let publisher = item["publisher"].as_str().unwrap_or("(none)").to_owned();
                (
                    text(&item["name"]),
                    epoch,
                    text(&version["version"]),
                    text(&version["release"]),
                    text(&item["arch"]),
                    publisher,
                )
            })
            .collect();
        let wanted: BTreeSet<_> = expected(&folder.join(format!("{name}.expected.json")))
            .iter()
            .map(|one| {
                let field = |key: &str| text(&one[key]);
                (
                    field("name"),
                    field("epoch"),
                    field("version"),
                    field("release"),
                    field("arch"),
                    field("vendor"),
                )
            })
            .collect();
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn apk_lists_what_its_database_records() {
    let Some(folder) = corpora("apk") else { return };
    let root = Root::empty();
    root.file("etc/os-release", "ID=alpine\n");
    root.file("lib/apk/db/installed", fs::read(folder.join("syft-multiple-2/installed")).unwrap());
    let inventory = root.inventory();
    let found: BTreeSet<_> = items(&inventory, "apk")
        .map(|(item, _)| {
            let origin = identifier(item, "source-package");
            (
                text(&item["name"]),
                text(&item["version"]["raw"]),
                text(&item["arch"]),
                origin,
                text(&item["publisher"]),
            )
        })
        .collect();
    let wanted: BTreeSet<_> = expected(&folder.join("syft-multiple-2.expected.json"))
        .iter()
        .map(|one| {
            let field = |key: &str| text(&one[key]);
            (field("name"), field("version"), field("arch"), field("origin"), field("maintainer"))
        })
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn pacman_lists_what_pacman_lists() {
    let Some(folder) = corpora("small-fixtures") else { return };
    let root = Root::empty();
    root.file("etc/os-release", "ID=arch\n");
    copy_folder(&folder.join("syft-pacman/installed"), root.path());
    let inventory = root.inventory();
    let found: BTreeSet<_> = items(&inventory, "pacman")
        .map(|(item, _)| format!("{} {}", text(&item["name"]), text(&item["version"]["raw"])))
        .collect();
    let answers: Value =
        serde_json::from_slice(&fs::read(folder.join("expected/expected.json")).unwrap()).unwrap();
    let wanted: BTreeSet<_> =
        answers["syft-pacman"]["pacman -Q"].as_array().unwrap().iter().map(text).collect();
    assert_eq!(found, wanted);
    let pacman = inventory["coverage"]["sources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|source| source["source"] == "pacman")
        .unwrap();
    assert_eq!(pacman["status"], "partial", "the corrupt record is a gap: {pacman:#}");
}

/// Each file of a fixture folder laid out as the only record of its kind: the answer, and whether there was a gap.
fn one_by_one(
    fixture: &str,
    source: &str,
    lay_out: impl Fn(&Root, &[u8]),
) -> Vec<(String, Value, Option<Value>, bool)> {
    let Some(folder) = corpora("small-fixtures") else { return Vec::new() };
    let answers: Value =
        serde_json::from_slice(&fs::read(folder.join("expected/expected.json")).unwrap()).unwrap();
    let answers = answers[fixture].as_object().unwrap();
    let case = |(file, answer): (&String, &Value)| {
        let root = Root::debian();
        root.file(
            "var/lib/dpkg/status",
            "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n",
        );
        lay_out(&root, &fs::read(folder.join(fixture).join(file)).unwrap());
        let inventory = root.inventory();
        let item = items(&inventory, source).next().map(|(item, _)| item.clone());
        let sources = inventory["coverage"]["sources"].as_array().unwrap();
        let report = sources.iter().find(|report| report["source"] == source).unwrap();
        (file.clone(), answer.clone(), item, report["status"] != "complete")
    };
    answers.iter().map(case).collect()
}

#[test]
fn snap_lists_sound_manifests_and_misses_none_silently() {
    let cases = one_by_one("scalibr-snap", "snap", |root, bytes| {
        root.file("snap/core/17200/meta/snap.yaml", bytes);
        root.link("snap/core/current", "17200");
    });
    for (file, answer, item, gap) in cases {
        if answer.is_null() || answer["name"].is_null() {
            assert!(item.is_none() && gap, "{file}: a broken manifest is a gap and no item: {item:?}");
            continue;
        }
        let item = item.unwrap_or_else(|| panic!("{file} is listed"));
        assert_eq!(item["name"], answer["name"], "{file}");
        assert_eq!(item["version"]["raw"], answer["version"], "{file}");
    }
}

#[test]
fn flatpak_lists_sound_metadata_and_misses_none_silently() {
    let cases = one_by_one("scalibr-flatpak", "flatpak", |root, bytes| {
        let app = "var/lib/flatpak/app/org.gimp.GIMP";
        root.file(
            format!("{app}/x86_64/stable/active/export/share/metainfo/org.gimp.GIMP.metainfo.xml"),
            bytes,
        );
        root.link(format!("{app}/current"), "x86_64/stable");
    });
    for (file, answer, item, gap) in cases {
        if answer.is_null() {
            assert!(item.is_none() && gap, "{file}: broken metadata is a gap and no item: {item:?}");
            continue;
        }
        let item = item.unwrap_or_else(|| panic!("{file} is listed"));
        assert_eq!(item["name"], answer["id"], "{file}");
        assert_eq!(item["display_name"], answer["name"], "{file}");
        assert_eq!(item["version"]["raw"], answer["version"], "{file}");
        assert_eq!(item["publisher"], answer["developer"], "{file}");
    }
}
