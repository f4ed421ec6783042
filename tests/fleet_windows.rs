//! A Windows endpoint and the collector: `interdict.exe` under Wine enrols, and tells again only what has changed.
//!
//! Skipped, with the reason, where `interdict.exe` or Wine is missing.
#![cfg(feature = "collector")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test starts programs and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;
mod support;

use collector::Collector;
use support::wine::{Wine, exe};

/// How often the collector has answered so.
fn told(collector: &Collector, answer: &str) -> f64 {
    let text = collector.get("/metrics", None).body;
    let line = text.lines().find(|line| {
        line.starts_with("interdict_check_ins_total") && line.contains(&format!("\"{answer}\""))
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn a_windows_endpoint_is_in_step_whatever_runs_meanwhile() {
    let Some(exe) = exe() else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(wine) = Wine::at(exe, folder.path().join("wine")) else { return };
    let collector = Collector::start(&folder.path().join("data"));
    let secret = Wine::path(&collector.data.join("first-enrolment-secret"));
    let enrolled = wine.interdict(["enrol", &collector.url, "--secret-file", &secret]);
    assert_eq!(enrolled.code, 0, "{enrolled:?}");
    let ship = || {
        let run = wine.interdict(["ship", "--patience", "5"]);
        assert!(run.stderr.contains("keeps 1 report"), "{run:?}");
        run
    };
    let first = ship();
    let hosts = collector.ask("/api/v1/hosts");
    let row = &hosts["rows"][0];
    let verdict = ["compliant", "non-compliant", "", "inconclusive"][usize::try_from(first.code).unwrap()];
    assert!(row["family"] == "windows" && row["verdict"] == verdict, "the endpoint's own: {hosts}");
    let (kept, send) = (told(&collector, "kept"), told(&collector, "send"));
    // Another program runs now that did not before.
    let mut other = wine.command("winver").spawn().unwrap();
    let second = ship();
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(second.code, first.code);
    let now = (told(&collector, "kept"), told(&collector, "send"));
    assert_eq!(now, (kept + 1.0, send), "the head was all that was told");
}
