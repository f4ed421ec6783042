//! Real registry hives, each laid out as the root of a Windows: what a scan lists must be what libhivex read, and with
//! logs what a replay by another program gave.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "reads the corpora in place; a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;

use interdict::parse::appx_name;
use interdict::parse::registry_value::RegistryValue;
use serde_json::Value;
use support::hive as writer;
use support::{Root, corpus_answer, corpus_hive};
use writer::HiveBuilder;

const SID: &str = "S-1-5-21-1-2-3-1001";
const CONFIG: &str = "Windows/System32/config";
const USER: &str = "Users/alice";

/// A Windows with one user and hives that say nothing else.
fn windows() -> Root {
    let root = Root::empty();
    let list = format!(r"Microsoft\Windows NT\CurrentVersion\ProfileList\{SID}");
    let software = HiveBuilder::new()
        .value(&list, "ProfileImagePath", RegistryValue::expand_sz(r"%SystemDrive%\Users\alice"))
        .key(r"Microsoft\Windows\CurrentVersion\Uninstall", 0);
    root.file(format!("{CONFIG}/SOFTWARE"), software.build());
    let system = HiveBuilder::new()
        .value("Select", "Current", RegistryValue::dword(1))
        .key(r"ControlSet001\Services", 0);
    root.file(format!("{CONFIG}/SYSTEM"), system.build());
    root.file(format!("{USER}/NTUSER.DAT"), HiveBuilder::new().key("Software", 0).build());
    root
}

/// What one source saw: each item with each of its sightings. A hive that was being written, and whose log is not there, is
/// read as it is, and what may be missing is a gap: then the source is partial.
fn seen(root: &Root, source: &str, status: &str) -> Vec<(Value, Value)> {
    let inventory = root.inventory();
    let mut reports = inventory["coverage"]["sources"].as_array().unwrap().iter();
    let report = reports.find(|report| report["source"] == source).unwrap();
    assert_eq!(report["status"], status, "{report}");
    let items = inventory["items"].as_array().unwrap().iter();
    let of_item = |item: &Value| {
        let sightings = item["sightings"].as_array().unwrap().iter();
        let own = sightings.filter(|sighting| sighting["source"] == source);
        own.map(|sighting| (item.clone(), sighting.clone())).collect::<Vec<_>>()
    };
    items.flat_map(of_item).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The name of the key that a trace was read from.
fn key(sighting: &Value) -> String {
    let place = text(&sighting["place"]["path"]);
    place.rsplit('\\').next().unwrap_or_default().to_owned()
}

fn identifier(item: &Value, kind: &str) -> String {
    let all = item["identifiers"].as_array().unwrap();
    all.iter().find(|one| one["type"] == kind).map(|one| text(&one["value"])).unwrap_or_default()
}

fn list<'v>(expected: &'v Value, name: &str) -> &'v Vec<Value> {
    expected[name].as_array().unwrap()
}

/// Lays the hive of a user's classes out, with these logs, and compares the packages.
fn packages(logs: &[&str], truth: &str) {
    let Some(hive) = corpus_hive("regipy__UsrClass.dat") else { return };
    let root = windows();
    let folder = format!("{USER}/AppData/Local/Microsoft/Windows");
    root.file(format!("{folder}/UsrClass.dat"), hive);
    for log in logs {
        root.file(
            format!("{folder}/UsrClass.dat.{log}"),
            corpus_hive(&format!("regipy__UsrClass.dat.{log}")).unwrap(),
        );
    }
    let row = |full: String, fields: [String; 4]| (full, fields);
    let got: BTreeSet<_> = seen(&root, "appx", if logs.is_empty() { "partial" } else { "complete" })
        .iter()
        .map(|(item, sighting)| {
            assert_eq!((&sighting["state"], &sighting["scope"]), (&"installed".into(), &"user:1".into()));
            let family = identifier(item, "package-family-name");
            let (name, publisher) = appx_name::family_name(&family).unwrap();
            assert_eq!(text(&item["name"]), name);
            let version = text(&item["version"]["raw"]);
            row(key(sighting), [name.to_owned(), version, text(&item["arch"]), publisher.to_owned()])
        })
        .collect();
    let truth = corpus_answer(truth);
    let truth: BTreeSet<_> = list(&truth, "appx")
        .iter()
        .map(|one| {
            let fields = ["name", "version", "arch", "publisher_id"].map(|field| text(&one[field]));
            row(text(&one["full_name"]), fields)
        })
        .collect();
    assert_eq!(truth.len(), 86);
    assert_eq!(got, truth);
}

#[test]
fn packages_of_a_users_classes() {
    packages(&[], "regipy__UsrClass.dat");
}

#[test]
fn packages_of_a_users_classes_with_their_logs() {
    packages(&["LOG1", "LOG2"], "UsrClass.replayed");
}

#[test]
fn services_and_drivers_of_a_system() {
    let Some(hive) = corpus_hive("regipy__SYSTEM_2") else { return };
    let root = windows();
    root.file(format!("{CONFIG}/SYSTEM"), hive);
    let got = |source: &str, name: &str| -> BTreeSet<(String, String)> {
        let row = |(item, sighting): &(Value, Value)| (key(sighting), text(&item[name]));
        seen(&root, source, "partial").iter().map(row).collect()
    };
    let truth = corpus_answer("regipy__SYSTEM_2");
    let of_kind = |is_driver: bool| {
        let services = list(&truth, "services").iter();
        services.filter(move |service| {
            service["Type"].as_u64().is_some_and(|kind| (kind & 0xF != 0) == is_driver)
        })
    };
    let services: BTreeSet<_> = of_kind(false).map(|one| (text(&one["name"]), text(&one["name"]))).collect();
    let file = |driver: &Value| {
        let path = driver["ImagePath"].as_str().map(|path| path.rsplit('\\').next().unwrap().to_owned());
        path.unwrap_or_else(|| format!("{}.sys", text(&driver["name"])))
    };
    let drivers: BTreeSet<_> = of_kind(true).map(|one| (text(&one["name"]), file(one))).collect();
    assert_eq!((services.len(), drivers.len()), (168, 255));
    assert_eq!(got("services", "name"), services);
    assert_eq!(got("drivers", "name"), drivers);
    let keys = drivers.iter().map(|(key, _)| (key.clone(), key.clone())).collect();
    assert_eq!(got("drivers", "display_name"), keys);
    assert_eq!(root.inventory()["host"]["name"], truth["computer_name"]);
}

/// Hives of users, and what is to be found in each.
const USERS: &[(&str, &[&str], &str)] = &[
    ("notatin__NTUSER.DAT", &[], "notatin__NTUSER.DAT"),
    ("plaso__NTUSER-CCLEANER.DAT", &[], "plaso__NTUSER-CCLEANER.DAT"),
    ("regipy__NTUSER-WSL.DAT", &[], "regipy__NTUSER-WSL.DAT"),
    ("regipy__NTUSER_with_winscp.DAT", &[], "regipy__NTUSER_with_winscp.DAT"),
    (
        "regipy__transactions_NTUSER.DAT",
        &["regipy__transactions_ntuser.dat.log1", "regipy__transactions_ntuser.dat.log2"],
        "transactions_NTUSER.replayed",
    ),
];

/// Roots with the hive of each user of the corpora, the truth, and how a source that reads it ends: where the hive was being
/// written, its two sequence numbers differ ("regf base block"), and without its logs something may be missing.
fn of_users(check: impl Fn(&Root, &Value, &str)) {
    for (name, logs, truth) in USERS {
        let Some(hive) = corpus_hive(name) else { return };
        let root = windows();
        let status = if hive[4..8] != hive[8..12] && logs.is_empty() { "partial" } else { "complete" };
        root.file(format!("{USER}/NTUSER.DAT"), hive);
        for (log, ending) in logs.iter().zip(["LOG1", "LOG2"]) {
            root.file(format!("{USER}/NTUSER.DAT.{ending}"), corpus_hive(log).unwrap());
        }
        check(&root, &corpus_answer(truth), status);
    }
}

#[test]
fn programs_that_users_registered() {
    of_users(|root, truth, _| {
        let inventory = root.inventory();
        let items = inventory["items"].as_array().unwrap().iter();
        let own = items.filter_map(|item| {
            let sightings = item["sightings"].as_array()?.iter();
            let sighting = sightings.clone().find(|sighting| sighting["source"] == "uninstall-keys")?;
            Some([
                key(sighting),
                text(&item["name"]),
                text(&item["version"]["raw"]),
                text(&item["publisher"]),
            ])
        });
        let got: BTreeSet<_> = own.collect();
        let none = Vec::new();
        let truth = truth["uninstall"].as_array().unwrap_or(&none).iter();
        let fields = ["key", "DisplayName", "DisplayVersion", "Publisher"];
        let truth: BTreeSet<_> = truth.map(|one| fields.map(|field| text(&one[field]))).collect();
        assert_eq!(got, truth);
    });
}

/// A default value that is empty starts nothing, and is no entry.
#[test]
fn what_starts_with_users() {
    of_users(|root, truth, status| {
        let program = |item: &Value| text(&item["path"]).rsplit('\\').next().unwrap().to_owned();
        let own = seen(root, "run-keys", status);
        let got: BTreeSet<_> = own.iter().map(|(item, _)| (text(&item["name"]), program(item))).collect();
        let none = Vec::new();
        let truth = truth["run"].as_array().unwrap_or(&none).iter();
        let named = |one: &Value| {
            let command = text(&one["command"]);
            let (path, _) = command.split_once(".exe")?;
            Some((text(&one["name"]), format!("{}.exe", path.rsplit('\\').next().unwrap())))
        };
        assert_eq!(got, truth.filter_map(named).collect());
    });
}
