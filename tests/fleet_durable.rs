//! What the collector says that it keeps is on the disk: seen from below, by the calls that it makes of the system.
#![cfg(all(feature = "collector", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests start programs and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/fleet_host.rs"]
mod fleet_host;
mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use collector::Collector;
use fleet_host::FleetHost;
use interdict::model::Report;
use support::{Root, Run, has, interdict, skip};

/// Calls that write, that put on the disk, and that answer.
const CALLS: &str = "trace=fdatasync,fsync,sendto,write,writev,pwrite64,pwritev,sendmsg";
const CHECK_INS: usize = 24;

fn report() -> Report {
    let root = Root::debian();
    let package = "Package: acme\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n";
    root.file("var/lib/dpkg/status", package);
    let run = Run::of(
        interdict().args(["scan", "--format", "json", "--with-inventory", "--root"]).arg(root.path()),
    );
    serde_json::from_str(&run.stdout).unwrap()
}

/// Follows a collector from now on; `None`, with the reason said, where nobody may.
fn follow(collector: &Collector, into: &Path) -> Option<Child> {
    if !has("strace") {
        skip("strace is not here");
        return None;
    }
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "512", "-e", CALLS, "-p", &collector.pid().to_string(), "-o"]).arg(into);
    let mut child = strace.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    while lines.read_line(&mut said).unwrap() > 0 {
        if said.contains("attached") {
            // Nothing more is read: it says little, and the pipe takes that.
            std::mem::forget(lines);
            return Some(child);
        }
    }
    child.wait().unwrap();
    skip(&format!("strace may follow nobody here: {}", said.trim()));
    None
}

/// What a line of strace is about.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// Something is written to the log of the database; when it begins.
    Written,
    /// It is being put on the disk; when it begins, and when that is done.
    Syncing,
    Synced,
    /// The answer that a report is kept; when it begins.
    Told,
}

/// The events in their order. Of a call that another thread's line cuts in two the first half is the beginning.
fn events(trace: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut syncing: Vec<&str> = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        let syncs = call.starts_with("fdatasync(") || call.starts_with("fsync(");
        if syncs && call.contains("fleet.sqlite-wal>") {
            events.push(Event::Syncing);
            if call.ends_with("= 0") {
                events.push(Event::Synced);
            } else {
                assert!(call.ends_with("<unfinished ...>"), "{line}");
                syncing.push(thread);
            }
        } else if call.contains("sync resumed>") && syncing.contains(&thread) {
            assert!(call.ends_with("= 0"), "{line}");
            syncing.retain(|one| *one != thread);
            events.push(Event::Synced);
        } else if call.starts_with("pwrite") && call.contains("fleet.sqlite-wal>") {
            events.push(Event::Written);
        } else if call.contains("HTTP/1.1 200") && call.contains("answer\\\":\\\"kept") {
            events.push(Event::Told);
        }
    }
    events
}

#[test]
fn no_report_is_acknowledged_before_it_is_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, "[limits]\nhost_burst = 1000\n").unwrap();
    let collector =
        Collector::start_with(&folder.path().join("data"), &["--config", config.to_str().unwrap()]);
    let mut host = FleetHost::enrol(&collector, "host", &report());
    let trace = folder.path().join("trace");
    let Some(mut strace) = follow(&collector, &trace) else { return };
    for number in 0..CHECK_INS {
        // One that tells something new, and one that tells nothing new.
        if number % 2 == 0 {
            host.update(&format!("1.{number}"));
        }
        host.check_in(&collector).unwrap();
    }
    assert!(collector.stop().0.success());
    strace.wait().unwrap();
    let events = events(&fs::read_to_string(&trace).unwrap());
    let mut told = 0;
    // One at a time: what was written since the answer before is what this answer is about.
    for one in events.split_inclusive(|event| *event == Event::Told) {
        if one.last() != Some(&Event::Told) {
            continue;
        }
        told += 1;
        let last = |what: Event| one.iter().rposition(|event| *event == what);
        let written = last(Event::Written).unwrap_or_else(|| panic!("report {told} was written nowhere"));
        let synced = last(Event::Synced).unwrap_or_else(|| panic!("report {told} is not on the disk"));
        let syncing = last(Event::Syncing).unwrap();
        assert!(written < syncing && syncing < synced, "report {told}: {one:?}");
    }
    assert_eq!(told, CHECK_INS);
    support::note(&format!("{told} reports: each on the disk before it was acknowledged"));
}
