//! The golden hosts of `tests/formats`, for the tests that walk every format.

use std::fs;
use std::path::{Path, PathBuf};

use interdict::emit::saved::read;
use interdict::emit::{Format, Look};
use interdict::model::Report;

pub(crate) const LOOK: Look = Look { width: 100, colour: false, terminal: false, bom: false };

pub(crate) fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)
}

pub(crate) fn golden(host: &str) -> Report {
    let bytes = fs::read(place(&format!("{host}.json"))).unwrap();
    read(&bytes).unwrap().reports.remove(0)
}

pub(crate) fn write(format: &dyn Format, reports: &[Report], look: Look) -> String {
    let mut out = Vec::new();
    format.reports(reports, &look, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}
