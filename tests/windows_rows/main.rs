//! Every row of the reference that Windows has (B.1: Kaspersky, B.2: other vendors) is found on a disk, through the source
//! that sees such things on real ones: not an item that a test wrote, but a hive, a file, a database.
//!
//! A value's own evidence must be as strong as its row says. Rows and values that no source sees stand here with the
//! reason; where the reference lies beside the checkout, the table is compared with it, so that no row is forgotten.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "tables; a test reads what it wrote, and fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod kaspersky;
mod kaspersky_names;
mod layout;
mod others;
mod reference;
mod row;
mod signers;
mod verdict;

use layout::{authority, forge, trust};
use row::{Expect, Row};
use serde_json::Value;
use support::windows::{UNINSTALL, Windows, dword, sz};
use verdict::{Seen, policy};

/// Lays a row out, scans it, and says what is wrong of each value.
fn faults(row: &Row) -> Vec<String> {
    let rules = policy(row);
    let mut disk = Windows::workstation();
    if row.entries.iter().any(|(lay, _)| lay.is_signed()) {
        if forge().is_none() {
            return Vec::new();
        }
        trust(&mut disk, &authority());
    }
    let entries = row.entries.iter().enumerate();
    let placed: Vec<(Seen, Expect)> =
        entries.map(|(n, (lay, expect))| (lay.put(&mut disk, n), *expect)).collect();
    let root = disk.build();
    let run = root.scan(&["--policy", "rows", "--rules", rules.path().to_str().unwrap()]);
    verdict::faults(row, &placed, &run)
}

fn check(rows: &[Row]) {
    verdict::check(rows, faults);
}

#[test]
fn names_publishers_and_keys_of_kaspersky() {
    check(&kaspersky_names::names());
}

#[test]
fn services_drivers_programs_and_folders_of_kaspersky() {
    check(&kaspersky::programs());
}

#[test]
fn signers_and_certificates_of_kaspersky() {
    check(&kaspersky::certificates());
}

#[test]
fn bytedance_deepseek_and_tencent() {
    check(&others::social());
}

#[test]
fn makers_of_security_software_cameras_phones_and_radios() {
    check(&others::makers());
}

#[test]
fn drones_backup_and_what_texas_lists() {
    check(&others::listed());
}

/// Whether updates still arrive after a ban is told by the products themselves, below their keys.
#[test]
fn the_last_update_is_told() {
    let day = dword(1_685_577_600);
    let protected = r"WOW6432Node\KasperskyLab\protected\AVP14.0.0\Data";
    let disk = Windows::workstation()
        .software(protected, &[("LastSuccessfulUpdate", day)])
        .software(&format!(r"{UNINSTALL}\kav"), &[("DisplayName", sz("Kaspersky Anti-Virus"))]);
    let run = disk.scan(&[]);
    let finding = run.finding("kaspersky.protection-core").unwrap();
    let told: Vec<&Value> =
        finding["evidence"].as_array().unwrap().iter().map(|one| &one["last_update"]).collect();
    assert!(told.iter().any(|told| *told == "2023-06-01T00:00:00Z"), "{finding:#}");
}

#[test]
fn no_row_of_the_reference_is_forgotten() {
    let rows = [
        kaspersky_names::names(),
        kaspersky::programs(),
        kaspersky::certificates(),
        others::social(),
        others::makers(),
        others::listed(),
    ];
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    reference::compare(&rows, &["B.1.1", "B.1.2", "B.1.3", "B.2"], &["win", "win/mac", "any"], 80);
}
