//! No false clean: whatever a source cannot read, the verdict is never `compliant`. Driven by the slice of sources:
//! a source of Linux without a case in `support/linux_cases.rs` is red.
//!
//! Every case holds a prohibited thing that only this source can see. Sound, it is found; broken, the scan either
//! still finds it or says what it could not see.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests break their own roots; a test fails by panicking"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use interdict::model::Family;
use interdict::sources::SOURCES;
use linux_cases::{BY_MAGIC, CASES, Case, LEFT_BEHIND, laid_out, offline_cases};
use serde_json::Value;
use support::blind::{noise, source_of};
use support::{Run, scan_as_nobody, skip};

#[path = "support/linux_cases.rs"]
mod linux_cases;
#[path = "support/rpmdb_writer.rs"]
#[expect(unused, reason = "this test needs the header writer only")]
mod rpmdb_writer;

/// What is not needed for a verdict (leftovers never count) must still be said.
fn never_silent(case: &Case, run: &Run, what: &str) {
    let report = run.json();
    let entry = source_of(&report, case.source);
    if run.code == 0 {
        let source = case.source;
        assert!(LEFT_BEHIND.contains(&source), "{what} of {source} is a false clean: {report:#}");
        let told = !entry["gaps"].as_array().unwrap().is_empty()
            || !report["findings"].as_array().unwrap().is_empty();
        assert!(told, "{what} of {} is silent: {entry:#}", case.source);
        return;
    }
    let found = run.code == 1;
    let told = entry["gaps"].as_array().unwrap().iter().any(|gap| gap["blocking"] == true);
    assert!(found || (run.code != 2 && told), "{what} of {}: exit {} and {entry:#}", case.source, run.code);
}

#[test]
fn every_source_has_a_case() {
    for source in SOURCES.iter().filter(|source| source.about().families.contains(&Family::Linux)) {
        assert!(
            CASES.iter().any(|case| case.source == source.about().name),
            "{} has no case here",
            source.about().name
        );
    }
}

#[test]
fn sound_records_are_found_by_their_source() {
    for case in offline_cases() {
        let run = laid_out(case).scan();
        let expected = i32::from(!LEFT_BEHIND.contains(&case.source));
        assert_eq!(run.code, expected, "{}: {}", case.source, run.stdout);
        let finding = run.finding("test.thing").unwrap_or_else(|| panic!("{}: {run:?}", case.source));
        let sources: Vec<_> =
            finding["evidence"].as_array().unwrap().iter().map(|found| found["source"].clone()).collect();
        assert!(sources.contains(&Value::from(case.source)), "{}: {sources:?}", case.source);
    }
}

#[test]
fn missing_where_the_system_says_it_must_exist() {
    for case in offline_cases().filter(|case| case.must_exist) {
        let bench = laid_out(case);
        fs::remove_file(bench.root.at(case.record)).unwrap();
        let run = bench.scan();
        if case.source == "pacman" {
            // The folder alone names the package.
            assert_ne!(run.code, 0, "{run:?}");
            continue;
        }
        never_silent(case, &run, "missing");
        let bench = laid_out(case);
        if case.source != "accounts" {
            fs::remove_dir_all(bench.root.at(Path::new(case.record).parent().unwrap())).unwrap();
            assert_eq!(bench.scan().code, 3, "{} without its folder", case.source);
        }
    }
}

#[test]
fn unreadable_as_a_user_without_rights() {
    for case in offline_cases() {
        let bench = laid_out(case);
        let path = bench.root.at(case.deny);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        let run = scan_as_nobody(&bench.args());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let Some(run) = run else { return skip("no user without rights to try") };
        never_silent(case, &run, "mode 000");
        let report = run.json();
        let gaps = source_of(&report, case.source)["gaps"].to_string();
        assert!(
            gaps.contains("permission-denied") && gaps.contains(case.deny),
            "{} names place and reason: {gaps}",
            case.source
        );
    }
}

/// Not of `accounts`: passwd cut between two lines is a sound passwd, and a leftover account never counts.
#[test]
fn truncated_at_ten_places() {
    for case in offline_cases().filter(|case| case.source != "accounts") {
        let bench = laid_out(case);
        let whole = fs::read(bench.root.at(case.record)).unwrap();
        for tenth in 0..10 {
            let cut = &whole[..whole.len() * tenth / 10];
            fs::write(bench.root.at(case.record), cut).unwrap();
            if BY_MAGIC.contains(&case.source) {
                assert_eq!(bench.scan().code, i32::from(cut.len() >= 4), "{} of {tenth} tenths", case.source);
                continue;
            }
            never_silent(case, &bench.scan(), &format!("{tenth} tenths"));
        }
    }
}

#[test]
fn garbage() {
    for case in offline_cases() {
        let bench = laid_out(case);
        fs::write(bench.root.at(case.record), noise(4096)).unwrap();
        if BY_MAGIC.contains(&case.source) {
            assert_eq!(bench.scan().code, 0, "{}: noise is no program", case.source);
            continue;
        }
        never_silent(case, &bench.scan(), "garbage");
    }
}

#[test]
fn secrets_of_a_command_line_are_nowhere() {
    let case = CASES.iter().find(|case| case.source == "systemd").unwrap();
    if SOURCES.iter().any(|source| source.about().name == "systemd") {
        assert!(!laid_out(case).scan().stdout.contains("secret"));
    }
}
