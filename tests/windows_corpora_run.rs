//! Real hives and descriptions laid out as roots of Windows: what starts by itself, what Amcache noted, WSL and Chocolatey
//! must be what other tools read there.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "reads the corpora in place; a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;

use interdict::parse::registry_value::RegistryValue;
use serde_json::Value;
use support::hive::{HiveBuilder, SOME_TIME};
use support::{Root, corpora, corpus_answer, corpus_hive};

/// A disk of Windows 10 with one profile, `C:\Users\x`.
fn windows() -> Root {
    let root = Root::empty();
    let current = r"Microsoft\Windows NT\CurrentVersion";
    let profile = format!(r"{current}\ProfileList\S-1-5-21-1-2-3-1001");
    let software = HiveBuilder::new()
        .value(current, "ProductName", RegistryValue::sz("Windows 10 Pro"))
        .value(&profile, "ProfileImagePath", RegistryValue::expand_sz(r"C:\Users\x"))
        .key(r"Microsoft\Windows\CurrentVersion\Uninstall", SOME_TIME);
    let system = HiveBuilder::new()
        .value("Select", "Current", RegistryValue::dword(1))
        .key(r"ControlSet001\Services", SOME_TIME);
    root.file("Windows/System32/config/SOFTWARE", software.build());
    root.file("Windows/System32/config/SYSTEM", system.build());
    root.file("Users/x/NTUSER.DAT", HiveBuilder::new().key("Software", SOME_TIME).build());
    root
}

/// Items of one source with each of their sightings.
fn sightings(inventory: &Value, source: &str) -> Vec<(Value, Value)> {
    let items = inventory["items"].as_array().unwrap().iter();
    let each = items.flat_map(|item| {
        let own = item["sightings"].as_array().unwrap().iter();
        own.filter(|sighting| sighting["source"] == source).map(|sighting| (item.clone(), sighting.clone()))
    });
    each.collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Gaps of one source that could hide something.
fn blocking(inventory: &Value, source: &str) -> Vec<Value> {
    let sources = inventory["coverage"]["sources"].as_array().unwrap();
    let own = sources.iter().find(|entry| entry["source"] == source).unwrap();
    own["gaps"].as_array().unwrap().iter().filter(|gap| gap["blocking"] == true).cloned().collect()
}

#[test]
fn run_lists_of_real_users() {
    let cases = [
        ("notatin__NTUSER.DAT", [None, None], "notatin__NTUSER.DAT"),
        ("plaso__NTUSER-CCLEANER.DAT", [None, None], "plaso__NTUSER-CCLEANER.DAT"),
        ("regipy__NTUSER-WSL.DAT", [None, None], "regipy__NTUSER-WSL.DAT"),
        ("regipy__NTUSER_with_winscp.DAT", [None, None], "regipy__NTUSER_with_winscp.DAT"),
        (
            "regipy__transactions_NTUSER.DAT",
            [Some("regipy__transactions_ntuser.dat.log1"), Some("regipy__transactions_ntuser.dat.log2")],
            "transactions_NTUSER.replayed",
        ),
    ];
    for (name, logs, wanted) in cases {
        let Some(user) = corpus_hive(name) else { return };
        let root = windows();
        root.file("Users/x/NTUSER.DAT", user);
        for (n, log) in logs.iter().enumerate() {
            if let Some(log) = log {
                root.file(format!("Users/x/ntuser.dat.LOG{}", n + 1), corpus_hive(log).unwrap());
            }
        }
        let inventory = root.inventory();
        let found: BTreeSet<(String, String)> = sightings(&inventory, "run-keys")
            .iter()
            .map(|(item, sighting)| {
                let image = text(&sighting["image"]["path"]);
                assert!(sighting["scope"].as_str().unwrap().starts_with("user:"), "{sighting:#}");
                (text(&item["name"]), image.to_lowercase())
            })
            .collect();
        let wanted: BTreeSet<(String, String)> = corpus_answer(wanted)["run"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| (text(&run["name"]), text(&run["command"])))
            // A default value that is empty starts nothing.
            .filter(|(_, command)| !command.is_empty())
            .map(|(name, command)| {
                let end = command.find(".exe").unwrap() + ".exe".len();
                (name, command.get(..end).unwrap().trim_start_matches('"').to_lowercase())
            })
            .collect();
        assert_eq!(found, wanted, "{name}");
    }
}

/// What an inventory shows of a publisher that is the subject of a certificate: the organisation.
fn organisation(publisher: &str) -> String {
    match publisher.split_once(" O=") {
        Some((_, rest)) if publisher.starts_with("CN=") => {
            rest.split(", L=").next().unwrap().trim_matches('"').to_owned()
        }
        _ => publisher.strip_prefix("CN=").unwrap_or(publisher).to_owned(),
    }
}

#[test]
fn a_real_amcache() {
    let Some(hive) = corpus_hive("regipy__amcache.hve") else { return };
    let root = windows();
    root.file("Windows/AppCompat/Programs/Amcache.hve", hive);
    let inventory = root.inventory();
    let all = sightings(&inventory, "amcache");
    let of = |key: &str, wanted: &str| {
        let found: BTreeSet<_> = all
            .iter()
            .filter(|(_, sighting)| text(&sighting["place"]["path"]).contains(key))
            .map(|(item, sighting)| {
                assert_eq!(sighting["state"], "historic");
                let key = text(&sighting["place"]["path"]).rsplit('\\').next().unwrap().to_owned();
                (key, text(&item["name"]), text(&item["version"]["raw"]), text(&item["publisher"]))
            })
            .collect();
        let json = corpus_answer("regipy__amcache.hve");
        let wanted: BTreeSet<_> = json[wanted]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                let publisher = organisation(&text(&entry["Publisher"]));
                // A record without a name keeps that of its key.
                let (key, name) = (text(&entry["key"]), text(&entry["Name"]));
                let name = if name.is_empty() { key.clone() } else { name };
                (key, name, text(&entry["Version"]), publisher)
            })
            .collect();
        assert_eq!(found, wanted);
    };
    of(r"\InventoryApplication\", "amcache_inventory_application");
    of(r"\Programs\0", "amcache_programs");
    let files = all.iter().filter(|(item, _)| item["kind"] == "executable");
    assert!(files.filter(|(item, _)| item["path"].is_string()).count() > 100);
}

#[test]
fn distributions_of_a_real_user() {
    let Some(user) = corpus_hive("regipy__NTUSER-WSL.DAT") else { return };
    let root = windows();
    root.file("Users/x/NTUSER.DAT", user);
    let found = sightings(&root.inventory(), "wsl");
    let names: Vec<_> = found.iter().map(|(item, _)| text(&item["name"])).collect();
    // As hivexsh shows them below `Lxss`.
    assert_eq!(names, ["Debian", "Ubuntu", "Ubuntu-20.04"]);
    let claim = |root: &Root| text(&root.scan(&[]).json()["claim"]["text"]);
    assert!(!claim(&root).contains("WSL"), "their disks are not here: {}", claim(&root));
    let folder = text(&found[0].1["image"]["path"]);
    root.dir(folder.strip_prefix(r"C:\").unwrap().replace('\\', "/"));
    assert!(
        claim(&root).contains("1 Linux distribution inside it (WSL) was not looked into"),
        "{}",
        claim(&root)
    );
}

#[test]
fn real_descriptions_of_chocolatey() {
    let Some(folder) = corpora("small-fixtures") else { return };
    let wanted: Value =
        serde_json::from_slice(&fs::read(folder.join("expected/expected.json")).unwrap()).unwrap();
    let wanted = wanted["scalibr-chocolatey"].as_object().unwrap();
    let root = windows();
    for file in wanted.keys() {
        let bytes = fs::read(folder.join("scalibr-chocolatey").join(file)).unwrap();
        let package = file.trim_end_matches(".nuspec");
        root.file(format!("ProgramData/chocolatey/lib/{package}/{file}"), bytes);
    }
    let inventory = root.inventory();
    let found = sightings(&inventory, "chocolatey");
    assert_eq!(found.len(), wanted.len(), "each folder is a package");
    for (item, sighting) in found {
        let place = text(&sighting["place"]["path"]);
        let file = place.rsplit('\\').next().unwrap();
        let want = &wanted[file];
        let id = want["id"].as_str().unwrap_or_else(|| file.trim_end_matches(".nuspec"));
        assert_eq!(item["name"], id, "{file}");
        assert_eq!(item["display_name"], want["title"], "{file}");
        assert_eq!(item["publisher"], want["authors"], "{file}");
        assert_eq!(item["version"]["raw"], want["version"], "{file}");
    }
    assert!(!blocking(&inventory, "chocolatey").is_empty(), "three of them are unsound");
}

#[test]
fn devices_of_a_real_machine() {
    let Some(system) = corpus_hive("regipy__SYSTEM_2") else { return };
    let root = windows();
    root.file("Windows/System32/config/SYSTEM", system);
    let inventory = root.inventory();
    let found: BTreeSet<_> = sightings(&inventory, "devices")
        .iter()
        .map(|(item, sighting)| {
            assert_eq!(sighting["state"], "historic");
            (text(&item["name"]), text(&item["publisher"]))
        })
        .collect();
    // As hivexsh shows them. "USB Tablet" stands in the properties alone: Windows itself says "USB Input Device".
    let wanted =
        [("Generic Monitor", ""), ("USB Tablet", ""), ("VBOX CD-ROM", "VBOX"), ("VBOX HARDDISK", "VBOX")];
    assert_eq!(found, wanted.map(|(name, maker)| (name.to_owned(), maker.to_owned())).into());
}
