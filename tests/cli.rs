//! The command line as a person and a script meet it: exit codes, help, colours, files, dates.
#![expect(
    clippy::disallowed_methods,
    reason = "builds roots and reads what was written; a test fails by panicking"
)]

mod support;

use std::fs;
use std::process::Stdio;

use support::{Root, Run, interdict};

const SOUND: &str = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
const KESL: &str = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\n\
                    Architecture: amd64\nVersion: 12.1.0-1543\n\n";

fn clean() -> Root {
    let root = Root::debian();
    root.file("var/lib/dpkg/status", SOUND);
    root
}

fn dirty() -> Root {
    let root = Root::debian();
    root.file("var/lib/dpkg/status", format!("{SOUND}{KESL}"));
    root
}

/// A scan as text.
fn text(root: &Root, args: &[&str]) -> Run {
    Run::of(interdict().args(["scan", "--root"]).arg(root.path()).args(args))
}

#[test]
fn the_exit_code_is_the_verdict() {
    assert_eq!(text(&clean(), &[]).code, 0);
    assert_eq!(text(&dirty(), &[]).code, 1);
    assert_eq!(text(&Root::debian(), &[]).code, 3);
    assert_eq!(text(&clean(), &["--policy", "no-such"]).code, 2);
    assert_eq!(Run::of(interdict().arg("no-such-command")).code, 2);
    assert_eq!(text(&clean(), &["--as-of", "tomorrow"]).code, 2);
    assert_eq!(text(&clean(), &["--budget", "0"]).code, 2);
}

#[test]
fn faults_of_the_run_say_what_to_do() {
    let unknown = text(&clean(), &["--policy", "no-such"]);
    assert!(unknown.stderr.contains("known are: ") && unknown.stderr.contains("us-commerce"), "{unknown:?}");
    let unwritable = text(&clean(), &["--output", "/nonexistent/report"]);
    assert_eq!(unwritable.code, 2);
    assert!(unwritable.stderr.contains("cannot write /nonexistent/report"), "{unwritable:?}");
    assert!(unwritable.stderr.contains("--output"), "{unwritable:?}");
}

#[test]
fn help_has_examples_and_exit_codes() {
    let help = Run::of(interdict().arg("--help"));
    assert_eq!(help.code, 0);
    for words in ["Examples:", "interdict scan --root", "3 inconclusive"] {
        assert!(help.stdout.contains(words), "{}", help.stdout);
    }
    for command in ["scan", "inventory", "sources", "rules", "config", "doctor"] {
        let help = Run::of(interdict().args([command, "--help"]));
        assert!(help.code == 0 && help.stdout.contains("Usage: interdict"), "{help:?}");
        assert!(command == "sources" || help.stdout.contains("Examples:"), "{help:?}");
    }
    assert!(Run::of(interdict().arg("--version")).stdout.starts_with("interdict 0."));
}

#[test]
fn the_text_leads_with_the_verdict() {
    let first = |run: &Run| run.stdout.lines().next().unwrap_or_default().to_owned();
    assert!(first(&text(&clean(), &[])).starts_with("COMPLIANT"));
    let found = text(&dirty(), &[]);
    assert!(first(&found).starts_with("NON-COMPLIANT"));
    for words in ["Kaspersky Endpoint Security", "12.1.0-1543", "confirmed", "89 FR 52434", "apt purge kesl"]
    {
        assert!(found.stdout.contains(words), "{words}: {}", found.stdout);
    }
    assert!(first(&text(&Root::debian(), &[])).starts_with("INCONCLUSIVE"));
}

#[test]
fn colour_only_where_somebody_looks() {
    let root = dirty();
    assert!(!text(&root, &[]).stdout.contains('\u{1b}'), "a pipe is plain");
    assert!(text(&root, &["--color", "always"]).stdout.contains("\u{1b}[31m"));
    let file = root.at("report.txt");
    assert_eq!(text(&root, &["--output", file.to_str().unwrap()]).code, 1);
    assert!(!fs::read_to_string(&file).unwrap().contains('\u{1b}'));
    let mut command = interdict();
    command.env("NO_COLOR", "1").args(["scan", "--root"]).arg(root.path());
    assert!(!Run::of(&mut command).stdout.contains('\u{1b}'));
}

#[test]
fn a_report_file_is_whole_and_alone() {
    let root = clean();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    fs::write(&file, "the report of yesterday").unwrap();
    let run = text(&root, &["--format", "json", "--output", file.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(report["schema"], "interdict.report/1");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let root = clean();
    let mut child = interdict()
        .args(["inventory", "--format", "json", "--root"])
        .arg(root.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn the_day_decides_what_holds() {
    let root = dirty();
    assert_eq!(root.scan(&["--as-of", "2024-07-19"]).code, 0, "not yet in effect");
    assert_eq!(root.scan(&["--as-of", "2024-07-20"]).code, 1);
    let phase = |day: &str| {
        let finding = root.scan(&["--as-of", day]).finding("kaspersky.endpoint-security").unwrap();
        let bases = finding["bases"].as_array().unwrap().clone();
        let bis = bases.into_iter().find(|basis| basis["authority"] == "us-bis-kaspersky-2024").unwrap();
        (bis["since"].clone(), bis["phase"].clone())
    };
    let days = ["2024-06-19", "2024-06-24", "2024-07-20", "2024-09-29"];
    let phases: Vec<_> = days.into_iter().map(phase).collect();
    assert!(phases[0].1.is_null(), "{phases:?}");
    for pair in phases.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
    assert_eq!(phase("2024-07-19"), phase("2024-06-24"));
    assert_eq!(phase("2024-09-28"), phase("2024-07-20"));
    let early = root.scan(&["--as-of", "2024-07-19"]);
    assert_eq!(early.finding("kaspersky.endpoint-security").unwrap()["because"], "not-in-effect");
}

#[test]
fn the_claim_says_what_was_asked() {
    let root = clean();
    let system = root.scan(&["--scope", "system"]);
    assert_eq!(system.code, 0);
    assert!(system.json()["claim"]["text"].as_str().unwrap().contains("user profiles were not looked at"));
    let user = root.scan(&["--scope", "user"]);
    assert_eq!(user.code, 3, "the machine itself was not looked at");
    let quick = root.scan(&["--depth", "quick"]);
    assert_eq!(quick.code, 3, "the policy asks for more");
    assert!(quick.stdout.contains("the policy asks for --depth standard"));
}

#[test]
fn quiet_says_nothing_but_the_result() {
    let run = text(&clean(), &["--quiet"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(!run.stdout.is_empty());
}

#[test]
fn the_rules_commands() {
    let listed = Run::of(interdict().args(["rules", "list"]));
    for id in ["kaspersky.endpoint-security", "us-commerce.kaspersky", "us-bis-kaspersky-2024"] {
        assert!(listed.stdout.contains(id), "{}", listed.stdout);
        assert_eq!(Run::of(interdict().args(["rules", "show", id])).code, 0, "{id}");
    }
    assert_eq!(Run::of(interdict().args(["rules", "show", "nobody"])).code, 2);
    let tested = Run::of(interdict().args(["rules", "test"]));
    assert!(tested.code == 0 && tested.stdout.contains(", 0 failed"), "{tested:?}");
    assert_eq!(Run::of(interdict().args(["rules", "check"])).code, 0);
}

#[test]
fn broken_rules_stop_the_line() {
    let rules = Root::empty();
    rules.file("vendors/broken.toml", "schema = 1\n[vendor]\nid = \"x\"\nname = \"X\"\nsinger = [\"X\"]\n");
    let path = rules.path().to_str().unwrap();
    let check = Run::of(interdict().args(["rules", "check", "--rules", path]));
    assert_eq!(check.code, 2);
    assert!(check.stderr.contains("broken.toml:5:1") && check.stderr.contains("singer"), "{}", check.stderr);
    assert_eq!(Run::of(interdict().args(["rules", "check", path])).code, 2);
    let run = text(&clean(), &["--rules", path]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("the rules cannot be used"), "{}", run.stderr);
}

#[test]
fn a_policy_file_of_ones_own() {
    let rules = Root::empty();
    let policy = "schema = 1\n[policy]\nid = \"ours\"\ntitle = \"Ours\"\neffective = 2020-01-01\neffect = \"review\"\n\
                  [[prohibition]]\nid = \"ours.kaspersky\"\nvendor = \"kaspersky\"\nseverity = \"low\"\n";
    let file = rules.file("ours.toml", policy);
    let run = dirty().scan(&["--policy", file.to_str().unwrap()]);
    assert_eq!(run.code, 0, "review never fails: {run:?}");
    let finding = run.finding("kaspersky.endpoint-security").unwrap();
    assert_eq!(
        (finding["policy"].as_str(), finding["because"].as_str()),
        (Some("ours"), Some("review-only"))
    );
}

#[test]
fn sources_describe_themselves() {
    let run = Run::of(interdict().args(["sources", "--json"]));
    let sources = run.json();
    assert!(sources.as_array().unwrap().iter().any(|source| source["name"] == "dpkg"));
    assert!(Run::of(interdict().arg("sources")).stdout.contains("dpkg"));
}
