//! The language of rule files from outside: what is wrong is shown with its place, and the documentation is right.
//!
//! `INTERDICT_BLESS=1 cargo test --test rules_language` rewrites what is expected; look at the difference.
#![expect(clippy::disallowed_methods, reason = "reads and writes the project's own files")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use interdict::ruleset::{Choice, Code, Diagnostic, Loaded, dated, fields, load, of_text, render, stale};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn wrong_rules() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder("tests/wrong_rules")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "toml"));
    files.sort();
    files
}

/// Loads a file beside the built-in rules, by its name only, so that what is expected is the same everywhere.
fn beside_built_in(file: &Path) -> Loaded {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let mut all = vec![(name.to_owned(), text)];
    for rule in walkdir::WalkDir::new(folder("rules")).sort_by_file_name() {
        let rule = rule.unwrap();
        if rule.path().extension().is_some_and(|end| end == "toml") {
            let name = format!("rules/{}", rule.file_name().to_str().unwrap());
            all.push((name, std::fs::read_to_string(rule.path()).unwrap()));
        }
    }
    let borrowed: Vec<(&str, &str)> = all.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    of_text(&borrowed)
}

/// What is wrong in a file beside the built-in rules, on a day.
fn faults(file: &Path) -> Vec<Diagnostic> {
    let Loaded { ruleset, mut diagnostics, .. } = beside_built_in(file);
    let day = "2026-01-01".parse().unwrap();
    let dated = |ruleset| [dated(ruleset, day), stale(ruleset, day)].concat();
    diagnostics.extend(ruleset.iter().flat_map(dated));
    diagnostics
}

fn same_or_bless(file: &Path, actual: &str) {
    if std::env::var_os("INTERDICT_BLESS").is_some() {
        std::fs::write(file, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        expected == actual,
        "{} differs (INTERDICT_BLESS=1 rewrites it); it should be:\n{actual}",
        file.display()
    );
}

#[test]
fn each_wrong_file_shows_what_is_wrong() {
    let files = wrong_rules();
    assert!(files.len() >= 60);
    for file in files {
        let found = faults(&file);
        assert!(!found.is_empty(), "nothing is wrong in {}", file.display());
        let shown = render(&found, false) + "\n";
        same_or_bless(&file.with_extension("expected"), &shown);
    }
}

#[test]
fn every_code_is_shown_by_a_wrong_file() {
    let files = wrong_rules();
    let shown: BTreeSet<Code> = files.iter().flat_map(|file| faults(file)).map(|one| one.code).collect();
    // A file that cannot be read is no file of this folder, a second manifest is no fault of one file, and what a waiver
    // is needed for shows on a host: the tests of the loader, of manifests and of waivers have them.
    let elsewhere = [Code::Unreadable, Code::SecondManifest, Code::UnusedWaiver];
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !elsewhere.contains(code) && !shown.contains(code))
        .map(|code| code.word())
        .collect();
    assert!(missing.is_empty(), "no wrong file for {missing:?}");
}

/// What depends on the day is not known to the loader; references are not followed into files that do not parse.
const REST: [&str; 5] = [
    "old-rules",
    "waiver-expired",
    "waiver-for-ever",
    "waiver-unknown-product",
    "waiver-unknown-prohibition",
];

#[test]
fn all_faults_of_all_files_are_shown_at_once() {
    let paths = vec![folder("tests/wrong_rules")];
    let loaded = load(&Choice { paths, ..Choice::default() });
    assert!(loaded.ruleset.is_none());
    let files: BTreeSet<&str> = loaded.diagnostics.iter().map(|one| one.at.file()).collect();
    let dated = |file: &PathBuf| file.file_stem().is_some_and(|name| REST.contains(&name.to_str().unwrap()));
    let silent: Vec<PathBuf> = wrong_rules()
        .into_iter()
        .filter(|file| !dated(file) && !files.contains(file.to_str().unwrap()))
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

#[test]
fn the_rules_in_the_guide_are_right() {
    let guide = std::fs::read_to_string(folder("docs/rules.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let kinds = ["vendor", "policy", "extended", "authority", "waiver"];
    assert_eq!(blocks.len(), kinds.len());
    let named: Vec<(&str, &str)> = kinds.into_iter().zip(blocks).collect();
    let loaded = of_text(&named);
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics, false));
    let ruleset = loaded.ruleset.unwrap();
    assert_eq!(ruleset.examples().len(), 2);
    let policy = ruleset.policy("house").unwrap();
    assert!(ruleset.indicators_of(policy.prohibitions.first().unwrap()).count() > 6);
    let ours = ruleset.policy("ours").unwrap();
    assert_eq!(ours.effective, policy.effective, "what a policy does not say is as in the one it extends");
    assert!(ours.prohibitions.iter().any(|one| one.id == "house.acme" && one.products.len() == 1));
}

proptest::proptest! {
    /// A vendor file with something in it cut, doubled or replaced: it loads, or its faults are shown.
    #[test]
    fn a_damaged_file_is_never_a_panic(from in 0_usize..2_000, length in 0_usize..60, put in "\\PC{0,12}") {
        let guide = std::fs::read_to_string(folder("docs/rules.md")).unwrap();
        let vendor = guide.split("```").nth(1).unwrap().trim_start_matches("toml");
        let damaged: String = vendor.chars().take(from).chain(put.chars()).chain(vendor.chars().skip(from + length)).collect();
        let loaded = of_text(&[("damaged.toml", damaged.as_str())]);
        proptest::prop_assert!(loaded.ruleset.is_some() || !loaded.diagnostics.is_empty());
        render(&loaded.diagnostics, true);
    }
}

#[test]
fn the_page_of_fields_is_generated() {
    same_or_bless(&folder("docs/fields.md"), &fields::page());
}

#[test]
fn no_text_of_the_rules_calls_a_user_a_lawbreaker() {
    for file in walkdir::WalkDir::new(folder("rules")) {
        let file = file.unwrap();
        if file.file_type().is_file() {
            let text = std::fs::read_to_string(file.path()).unwrap().to_lowercase();
            for word in ["illegal", "unlawful", "breaks the law", "violat", "offence", "offense", "banned"] {
                assert!(!text.contains(word), "{}: {word}", file.path().display());
            }
        }
    }
}

#[test]
fn the_milestones_of_the_determination_are_those_of_the_register() {
    let ruleset = load(&Choice::default()).ruleset.unwrap();
    let determination = ruleset.authority("us-bis-kaspersky-2024").unwrap();
    let dates: Vec<String> = determination.milestones.iter().map(|one| one.date.to_string()).collect();
    assert_eq!(dates, ["2024-06-20", "2024-06-24", "2024-07-20", "2024-09-29"]);
    let on = |day: &str| determination.milestone(day.parse().unwrap()).map(|one| one.date.to_string());
    assert_eq!(on("2024-06-19"), None);
    assert_eq!(on("2024-09-28").as_deref(), Some("2024-07-20"));
    assert_eq!(on("2024-09-29").as_deref(), Some("2024-09-29"));
    let policy = ruleset.policy("us-commerce").unwrap();
    assert_eq!(policy.effective.to_string(), "2024-07-20");
}
