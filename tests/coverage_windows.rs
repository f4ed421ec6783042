//! No false clean on Windows: whatever of a hive, file or database a source cannot read, the verdict is never `compliant`.
//! The same laws as in `coverage.rs`, for the sources of Windows: one without a case here is red.
//!
//! A key that is denied to the reader cannot be laid out on a disk: hives are read without regard to the rights inside
//! them. The running registry has that fault, and the tests of `sources::windows::keys` lay it out.
#![expect(clippy::disallowed_methods, reason = "tests break their own roots; a test fails by panicking")]

mod support;

use std::fs;

use interdict::model::Family;
use support::blind::noise;
use support::browser_cases::WINDOWS;
use support::matrix::{Matrix, never_silent, record, with_record};
use support::windows::Windows;
use support::windows_cases::{CASES, SEEN_ELSEWHERE, is_hive};

/// Rules that prohibit one name in every kind, so that every source is needed.
const VENDOR: &str = r#"
schema = 1
[vendor]
id = "test"
name = "Test"
[[product]]
id = "test.thing"
name = "Thing"
category = "test"
[[product.indicator]]
kind = ["package", "application", "extension", "service", "driver", "executable", "autostart", "security-product", "certificate", "device"]
name = { exact = ["prohibited", "prohibited.sys", "prohibited.exe", "prohibited.cmd", "prohibited.dll"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = "trace"
path = { exact = ['HKLM\SOFTWARE\Prohibited', 'HKCU\Software\Prohibited', '{program-data}\Prohibited'] }
strength = "weak"
source = "this test"
[[product.indicator]]
kind = "executable"
path = { exact = ['{windows}\Prohibited\tool.exe'] }
strength = "strong"
source = "this test"
[[example]]
families = ["windows"]
items = [{ kind = "package", source = "uninstall-keys", name = "prohibited" }]
expect = { product = "test.thing" }
[[example]]
families = ["windows"]
items = [{ kind = "package", source = "uninstall-keys", name = "allowed" }]
expect = "none"
"#;

fn matrix() -> Matrix<Windows> {
    let cases = CASES.iter().chain(WINDOWS).collect();
    Matrix { family: Family::Windows, vendor: VENDOR, cases, seen_elsewhere: SEEN_ELSEWHERE }
}

#[test]
fn every_source_has_a_case() {
    matrix().is_whole();
}

#[test]
fn sound_records_are_found_by_their_source() {
    matrix().sound_records_are_found();
}

#[test]
fn missing_where_the_system_says_it_must_exist() {
    matrix().missing();
}

#[test]
fn unreadable_as_a_user_without_rights() {
    matrix().unreadable();
}

#[test]
fn truncated_at_ten_places() {
    matrix().truncated();
}

#[test]
fn garbage() {
    matrix().garbage();
}

/// Arguments of what is started may hold passwords.
#[test]
fn secrets_of_command_lines_are_nowhere() {
    matrix().secrets_are_nowhere();
}

/// The base block is sound, what is behind it is not; and one page of it only.
#[test]
fn hives_with_noise_in_them() {
    let matrix = matrix();
    for case in matrix.cases().filter(|case| is_hive(case)) {
        let bench = matrix.laid_out(case);
        let whole = record(&bench, case);
        let mut noisy = whole.clone();
        let filled = noise(noisy.len() - 4096);
        noisy[4096..].copy_from_slice(&filled);
        never_silent(case, &with_record(&bench, case, &noisy), "bins of noise");
        for page in (4096..whole.len()).step_by(4096) {
            let mut noisy = whole.clone();
            noisy[page..page + 4096].copy_from_slice(&noise(4096));
            let run = with_record(&bench, case, &noisy);
            // The thing may stand in another page: then it is found, and the gap is told all the same.
            never_silent(case, &run, &format!("noise at {page}"));
            let mut zeros = whole.clone();
            zeros[page..page + 4096].fill(0);
            never_silent(case, &with_record(&bench, case, &zeros), &format!("zeros at {page}"));
        }
    }
}

/// Windows was switched off while it wrote: without the logs the hive may miss its last changes.
#[test]
fn hives_that_were_being_written_without_their_logs() {
    let matrix = matrix();
    for case in matrix.cases().filter(|case| is_hive(case)) {
        let bench = matrix.laid_out(case);
        let innocent = Windows::workstation().build();
        let hive = innocent.at(case.record);
        if !hive.exists() {
            continue;
        }
        let dirty = support::hive::dirty(&fs::read(hive).unwrap());
        never_silent(case, &with_record(&bench, case, &dirty), "written half");
        // With them the thing is there.
        let after = record(&matrix.laid_out(case), case);
        let log = support::hive::log(&[&dirty, &after]);
        fs::write(bench.root.at(format!("{}.LOG1", case.record)), &log).unwrap();
        let run = bench.scan();
        assert!(run.finding("test.thing").is_some(), "{} with its log: {}", case.source, run.stdout);
        fs::write(bench.root.at(format!("{}.LOG1", case.record)), noise(8192)).unwrap();
        never_silent(case, &bench.scan(), "a log of noise");
    }
}
