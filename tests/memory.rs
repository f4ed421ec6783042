//! The ceiling for memory: a look that would hold more ends with a report, and one that holds less does not know of it.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests write files and may fail loudly"
)]

mod support;

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;
use support::{Root, Run, interdict};

/// A Debian with so many packages.
fn packages(count: usize) -> Root {
    let root = Root::debian();
    let mut status = String::new();
    for n in 0..count {
        writeln!(status, "Package: package-number-{n}\nStatus: install ok installed\nMaintainer: Nobody <n@example.org>\nArchitecture: amd64\nVersion: 1.{n}-1\n").unwrap();
    }
    root.file("var/lib/dpkg/status", status);
    root
}

/// Runs a command on a root with a ceiling of so many MiB; what was held at most, in MiB, too.
fn held(root: &Root, command: &[&str], ceiling: u64) -> (Run, u64) {
    let mut run = interdict();
    run.args(command)
        .args(["--format", "json", "--max-memory", &ceiling.to_string(), "--root"])
        .arg(root.path());
    let (run, peak) = Run::with_peak(&mut run);
    (run, peak / 1024)
}

fn sources(document: &Value) -> &Vec<Value> {
    document["coverage"]["sources"].as_array().unwrap()
}

/// Names of the sources that say so.
fn full(document: &Value) -> Vec<&str> {
    let says = |source: &&Value| {
        let gaps = source["gaps"].as_array().unwrap();
        gaps.iter().any(|gap| gap["reason"] == "memory" && gap["blocking"] == true)
    };
    sources(document).iter().filter(says).map(|source| source["source"].as_str().unwrap()).collect()
}

#[test]
fn with_next_to_nothing_nothing_is_seen_and_that_is_told() {
    let root = packages(3);
    for n in 0..2_000 {
        root.program(format!("srv/{}/{n}/program", n % 50));
    }
    let (run, _) = held(&root, &["scan", "--depth", "deep"], 4);
    assert_eq!(run.code, 3, "{run:?}");
    let report = run.json();
    assert_eq!(report["verdict"], "inconclusive");
    for name in ["dpkg", "sweep", "systemd"] {
        assert!(full(&report).contains(&name), "{name}: {:?}", full(&report));
    }
    let text = Run::of(interdict().args(["scan", "--max-memory", "4", "--root"]).arg(root.path()));
    assert!(
        text.stdout.contains("memory was used up") && text.stdout.contains("--max-memory"),
        "{}",
        text.stdout
    );
}

#[test]
fn a_large_host_is_seen_as_far_as_the_ceiling_lets_it_and_no_more_is_held() {
    const CEILING: u64 = 100;
    const PACKAGES: usize = 85_000;
    let root = packages(PACKAGES);
    let (free, without) = held(&root, &["inventory"], 4_000);
    assert!(without > CEILING * 3 / 2, "it is large enough to show something: {without} MiB");
    assert!(full(&free.json()).is_empty());
    let (run, with) = held(&root, &["inventory"], CEILING);
    assert_eq!(run.code, 3);
    let inventory = run.json();
    assert!(full(&inventory).contains(&"dpkg"), "{:?}", full(&inventory));
    let items = inventory["items"].as_array().unwrap().len();
    assert!(items > 1_000 && items < PACKAGES, "{items} items");
    assert!(with <= CEILING, "{with} MiB were held");
}

#[test]
fn an_ordinary_scan_does_not_know_of_64_mebibytes() {
    let root = packages(3_000);
    root.program("usr/bin/acme");
    let without = root.scan(&["--depth", "deep"]);
    let (with, _) = held(&root, &["scan", "--depth", "deep"], 64);
    let (a, b) = (without.json(), with.json());
    assert_eq!((without.code, &a["items"], &a["verdict"]), (with.code, &b["items"], &b["verdict"]));
    assert!(full(&b).is_empty(), "{:?}", full(&b));
}

#[test]
fn doctor_holds_the_ceiling_against_what_is_let_have() {
    let site = Root::empty();
    let doctor = |config: &str| {
        fs::write(site.at("site.toml"), format!("schema = 1\n{config}")).unwrap();
        let run =
            Run::of(interdict().args(["doctor", "--format", "json", "--config"]).arg(site.at("site.toml")));
        let document = run.json();
        let checks = document["checks"].as_array().unwrap();
        checks
            .iter()
            .filter(|one| one["check"] == "memory")
            .map(|one| one["says"].to_string())
            .collect::<String>()
    };
    assert!(
        doctor("max_memory = 128\n").contains("more than 128 MiB")
            || doctor("max_memory = 128\n").contains("lets")
    );
    assert!(doctor("max_memory = 8\n").contains("with 8 MiB much could go unseen"));
    // No group on this machine has as much.
    assert!(!doctor("").contains("4294967295"));
}
