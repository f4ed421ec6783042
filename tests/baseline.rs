//! All packages of a Debian release as one host, under every policy: no innocent is accused.
//!
//! The packages are read at test time from `apt-cache dumpavail`: names, maintainers, homepages, sources. Each finding
//! must be one of the real ones below. The same host under three rules as people write them by mistake shows that the
//! test can see a false finding.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "builds a root; a test fails by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

use support::{Root, Run, has, interdict, skip};

/// Products that Debian really has, and the packages that show them.
const REAL: &[(&str, &[&str])] = &[
    ("freerdp.shadow", &["freerdp2-shadow-x11"]),
    ("gnome.remote-desktop", &["gnome-remote-desktop"]),
    ("gnome.vino", &["vino"]),
    ("kde.krfb", &["krfb"]),
    ("openssh.server", &["openssh-server"]),
    ("remmina.remmina", &["remmina"]),
    (
        "tigervnc.server",
        &["tigervnc-scraping-server", "tigervnc-standalone-server", "tigervnc-xorg-extension"],
    ),
    ("tigervnc.viewer", &["tigervnc-viewer"]),
    ("tightvnc.server", &["tightvncserver"]),
    ("tightvnc.viewer", &["xtightvncviewer"]),
    ("wayvnc.wayvnc", &["wayvnc"]),
    ("x11vnc.x11vnc", &["x11vnc"]),
    ("x2go.server", &["x2goserver"]),
    ("xpra.xpra", &["xpra"]),
    ("xrdp.xrdp", &["xorgxrdp", "xrdp"]),
];

/// A release has more than this; fewer is a list that apt has not fetched.
const MIN_PACKAGES: usize = 20_000;

/// A root on which every package that apt knows is installed; none where apt knows too few.
fn everything_installed() -> Option<Root> {
    if !has("apt-cache") {
        skip("apt-cache is not here");
        return None;
    }
    let dump = Command::new("apt-cache").arg("dumpavail").output().unwrap().stdout;
    let dump = String::from_utf8_lossy(&dump);
    let mut seen = BTreeSet::new();
    let mut status = String::new();
    for stanza in dump.split("\n\n") {
        let name = stanza.lines().find_map(|line| line.strip_prefix("Package: "));
        let Some(name) = name.filter(|name| seen.insert((*name).to_owned())) else { continue };
        writeln!(status, "Package: {name}\nStatus: install ok installed").unwrap();
        let wanted = ["Maintainer", "Architecture", "Version", "Homepage", "Source"];
        for line in stanza.lines().filter(|line| wanted.iter().any(|key| line.split(':').next() == Some(key)))
        {
            status.push_str(line);
            status.push('\n');
        }
        status.push('\n');
    }
    if seen.len() < MIN_PACKAGES {
        skip(&format!("apt knows {} packages only; run apt-get update", seen.len()));
        return None;
    }
    let root = Root::debian();
    root.file("var/lib/dpkg/status", status);
    Some(root)
}

/// Findings as product and names of the things that matched.
fn findings(root: &Root, args: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut scan = interdict();
    let run = Run::of(scan.args(["scan", "--format", "json", "--root"]).arg(root.path()).args(args));
    assert!(run.code != 2, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let names = finding["evidence"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap());
        found
            .entry(finding["product"].as_str().unwrap().to_owned())
            .or_default()
            .extend(names.map(str::to_owned));
    }
    found
}

/// Every policy of the catalogue, as arguments.
fn every_policy() -> Vec<String> {
    let loaded = interdict::ruleset::built_in();
    let ruleset = loaded.ruleset.unwrap();
    ruleset.policies().iter().flat_map(|policy| ["--policy".to_owned(), policy.id.clone()]).collect()
}

#[test]
fn no_package_of_debian_is_accused() {
    let Some(root) = everything_installed() else { return };
    let real: BTreeMap<String, BTreeSet<String>> = REAL
        .iter()
        .map(|(product, names)| ((*product).to_owned(), names.iter().map(|&name| name.to_owned()).collect()))
        .collect();
    assert_eq!(findings(&root, &every_policy()), real);
}

#[test]
fn rules_written_in_haste_are_seen_to_accuse() {
    let Some(root) = everything_installed() else { return };
    let rules = Root::empty();
    let conditions = [
        "name = { regex = [\"avp\"] }",
        "name = { prefix = [\"kes\"] }",
        "publisher = { glob = [\"*360*\"] }",
    ];
    let indicator = |condition: &&str| {
        format!(
            "[[product.indicator]]\nkind = \"package\"\n{condition}\nstrength = \"strong\"\nsource = \"haste\"\n"
        )
    };
    let indicators: String = conditions.iter().map(indicator).collect();
    let vendor = "schema = 1\n[vendor]\nid = \"hasty\"\nname = \"Hasty\"\n[[product]]\nid = \"hasty.any\"\nname = \"Any\"\n";
    let file = rules.file("hasty.toml", format!("{vendor}{indicators}"));
    let policy = "schema = 1\n[policy]\nid = \"haste\"\ntitle = \"Haste\"\neffective = 2020-01-01\n\
                  [[prohibition]]\nid = \"haste.any\"\nvendor = \"hasty\"\n";
    let policy = rules.file("policy.toml", policy);
    let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    let found = findings(&root, &["--rules".to_owned(), text(file), "--policy".to_owned(), text(policy)]);
    let accused = found.get("hasty.any").unwrap();
    assert!(accused.iter().any(|name| name.contains("avp")), "{accused:?}");
}
