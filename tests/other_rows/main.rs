//! Every row of the reference that macOS has (B.1.3 and B.1.4: Kaspersky, B.2: other vendors, B.3: remote access) is found on
//! a volume, through the source that sees such things on real ones: a bundle, a property list, a receipt, a signed program.
//!
//! The tables, and what holds for them, are those of `windows_rows`.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "tables; a test reads what it wrote, and fails by panicking"
)]
#![allow(dead_code, reason = "the tables of another system share some of these files")]

#[path = "../support/mod.rs"]
mod support;

mod kaspersky;
mod layout;
mod others;
#[path = "../windows_rows/reference.rs"]
mod reference;
mod remote;
#[path = "../windows_rows/row.rs"]
mod row;
#[path = "../windows_rows/verdict.rs"]
mod verdict;

use row::{Expect, Row};
use support::macos::Macos;
use verdict::{Seen, policy};

/// Lays a row out, scans it, and says what is wrong of each value.
fn faults(row: &Row) -> Vec<String> {
    let rules = policy(row);
    let disk = Macos::workstation();
    let entries = row.entries.iter().enumerate();
    let placed: Vec<(Seen, Expect)> =
        entries.filter_map(|(n, (lay, expect))| Some((lay.put(&disk, n)?, *expect))).collect();
    layout::finish(&disk, row);
    let run = disk.scan(&["--policy", "rows", "--rules", rules.path().to_str().unwrap()]);
    verdict::faults(row, &placed, &run)
}

fn check(rows: &[Row]) {
    verdict::check(rows, faults);
}

#[test]
fn bundles_jobs_receipts_and_paths_of_kaspersky() {
    check(&kaspersky::programs());
}

#[test]
fn extensions_of_kaspersky() {
    check(&kaspersky::extensions());
}

#[test]
fn other_vendors() {
    check(&others::rows());
}

#[test]
fn remote_access() {
    check(&remote::rows());
}

#[test]
fn no_row_of_the_reference_is_forgotten() {
    let rows = [kaspersky::programs(), kaspersky::extensions(), others::rows(), remote::rows()];
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    reference::compare(&rows, &["B.1.3", "B.1.4", "B.2", "B.3"], &["mac", "win/mac", "any"], 44);
}
