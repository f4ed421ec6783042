//! Nothing is removed that was not seen to be gone, on real hosts and for every source: the golden hosts of `tests/hosts`,
//! with each source failing once, and the fault matrix of Linux, with each record broken.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "scans the fixtures; a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use interdict::emit::saved::read;
use interdict::judge::compare::{Allow, Side, compare};
use interdict::model::{Comparison, Fate, GapReason, HostPath, ItemFate, Report, SourceReport, Status};
use linux_cases::{BY_MAGIC, laid_out, offline_cases};
use support::blind::noise;
use support::windows::Windows;
use support::{Run, interdict};

#[path = "support/linux_cases.rs"]
#[expect(dead_code, reason = "shared with coverage.rs")]
mod linux_cases;
#[path = "support/rpmdb_writer.rs"]
#[expect(unused, reason = "the cases need the header writer only")]
mod rpmdb_writer;

fn of(before: &Report, after: &Report) -> Comparison {
    compare(&Side::of_report(before), &Side::of_report(after), Allow::default()).unwrap()
}

fn scan(root: &Path) -> Report {
    let mut run = interdict();
    run.args(["scan", "--format", "json", "--with-inventory", "--depth", "deep", "--root"]).arg(root);
    report(&Run::of(&mut run))
}

fn report(run: &Run) -> Report {
    read(run.stdout.as_bytes()).unwrap_or_else(|error| panic!("{error}: {run:?}")).reports.remove(0)
}

fn hosts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts");
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

const BREAKS: &[fn(&mut SourceReport)] = &[
    |source| source.status = Status::Failed,
    |source| source.status = Status::Unavailable,
    |source| source.gap(GapReason::PermissionDenied, &HostPath::from("/x"), None, true),
    |source| source.scopes.clear(),
    |source| source.source = "renamed".into(),
];

/// Whether a source saw all that counts.
fn is_whole(source: &SourceReport) -> bool {
    !matches!(source.status, Status::Failed | Status::Unavailable) && !source.has_blocking_gap()
}

/// Things that were removed although a source of theirs did not see all of its part, or is the one that failed.
fn wrongly(comparison: &Comparison, after: &Report, failed: &str) -> Vec<String> {
    let sources = after.coverage.sources.iter();
    let whole: BTreeSet<&str> = sources
        .filter(|source| is_whole(source) && !source.scopes.is_empty() && source.source != failed)
        .map(|source| source.source.as_ref())
        .collect();
    let is_wrong = |sources: &[String]| !sources.iter().all(|source| whole.contains(source.as_str()));
    let items = comparison.items.changes.iter().filter(|item| item.fate == ItemFate::Removed);
    let items = items.filter(|item| is_wrong(&item.before.as_ref().unwrap().sources));
    let findings = comparison.findings.iter().filter(|one| one.fate == Fate::Removed);
    let findings = findings.filter(|one| is_wrong(&one.before.as_ref().unwrap().sources));
    items.map(|item| format!("{item:?}")).chain(findings.map(|one| format!("{one:?}"))).collect()
}

/// Whether an item of a source was not seen again; each has its reason.
fn hides(comparison: &Comparison, source: &str) -> bool {
    let mut hidden = comparison.items.changes.iter().filter(|item| item.fate == ItemFate::NotReVerified);
    hidden.any(|item| {
        assert!(!item.reasons.is_empty(), "{item:#?}");
        item.before.as_ref().unwrap().sources.iter().any(|one| one == source)
    })
}

#[test]
fn on_every_golden_host_each_source_fails_once() {
    let (mut shown, mut removed) = (BTreeSet::new(), 0);
    for host in hosts() {
        let copy = host.join("registry.toml").exists().then(|| Windows::fixture(&host).build());
        let before = scan(copy.as_ref().map_or(&host.join("root"), |copy| copy.path()));
        let mut gone = before.clone();
        gone.findings.clear();
        gone.inventory = Some(Vec::new());
        let pairs = (0..gone.coverage.sources.len()).flat_map(|at| BREAKS.iter().map(move |one| (at, one)));
        for (at, breaks) in pairs {
            let name = &before.coverage.sources[at].source;
            let mut after = gone.clone();
            breaks(&mut after.coverage.sources[at]);
            let comparison = of(&before, &after);
            assert_eq!(
                wrongly(&comparison, &after, name),
                Vec::<String>::new(),
                "{name} on {}",
                host.display()
            );
            let changes = comparison.items.changes.iter();
            removed += changes.filter(|item| item.fate == ItemFate::Removed).count();
            if hides(&comparison, name) {
                shown.insert(name.clone());
            }
        }
        let same = of(&before, &before);
        assert!(same.items.changes.is_empty() && same.coverage.sources.is_empty(), "{same:#?}");
        assert!(same.findings.iter().all(|one| one.fate == Fate::Unchanged) && same.exit_code == 0);
    }
    assert!(shown.len() > 25 && removed > 10_000, "{removed} removed; hidden by {shown:?}");
}

#[test]
fn a_broken_record_of_any_source_removes_nothing() {
    let mut seen = 0;
    for case in offline_cases().filter(|case| case.source != "accounts") {
        let bench = laid_out(case);
        let scan = || {
            let mut args = bench.args();
            args.push(OsStr::new("--with-inventory"));
            report(&Run::of(interdict().args(args)))
        };
        let before = scan();
        let whole = fs::read(bench.root.at(case.record)).unwrap();
        let half = whole.get(..whole.len() / 2).unwrap().to_vec();
        for bytes in [half, noise(4096)] {
            fs::write(bench.root.at(case.record), bytes).unwrap();
            let after = scan();
            let comparison = of(&before, &after);
            let removed = comparison.findings.iter().any(|one| one.fate == Fate::Removed);
            // What does not begin as a program is none.
            let is_gone = BY_MAGIC.contains(&case.source) && removed;
            assert!(!removed || is_gone, "{}: {comparison:#?}", case.source);
            let hidden = comparison.findings.iter().filter(|one| one.fate == Fate::NotReVerified).count();
            assert!(hidden == 0 || comparison.exit_code == 3 || comparison.exit_code == 1, "{comparison:#?}");
            seen += hidden;
        }
    }
    assert!(seen > 10, "{seen} findings were hidden by what was broken");
}
