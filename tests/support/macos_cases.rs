//! A prohibited thing for each source of macOS, laid out so that only this source can see it.
//!
//! Cases of a group of sources may stand in a file of their own beside this one; [`groups`] names each.

use super::browser_cases::MACOS;
use super::macos::Macos;
use super::{macos_cases_apps, macos_cases_paths, macos_cases_started, matrix};

/// A case on macOS.
pub type Case = matrix::Case<Macos>;

/// Sources whose faults other tests lay out: processes are not in a folder (`live.rs`), programs are read on every system
/// alike (`coverage.rs`, `sweep.rs`), and what is only named is in no finding.
pub const SEEN_ELSEWHERE: &[&str] = &["processes", "executables", "sweep", "foreign-roots"];

/// Every group of cases: one or more for each source.
pub const GROUPS: &[&[Case]] =
    &[MACOS, macos_cases_paths::CASES, macos_cases_apps::CASES, macos_cases_started::CASES];
