//! A collector that is killed under load: every report that it has acknowledged is there afterwards, once.
//!
//! `INTERDICT_KILLS` says how many rounds; 10 in CI, 3 else.
#![cfg(feature = "collector")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests start a program and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/fleet_host.rs"]
mod fleet_host;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use collector::Collector;
use fleet_host::FleetHost;
use interdict::model::Report;
use support::{Root, Run, interdict};

const HOSTS: usize = 8;

fn report() -> Report {
    let root = Root::debian();
    let packages = (0..40).map(|number| {
        format!("Package: tool-{number}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.{number}\n\n")
    });
    root.file("var/lib/dpkg/status", packages.collect::<String>());
    let run = Run::of(
        interdict().args(["scan", "--format", "json", "--with-inventory", "--root"]).arg(root.path()),
    );
    serde_json::from_str(&run.stdout).unwrap()
}

fn rounds() -> u32 {
    let said = std::env::var("INTERDICT_KILLS").ok().and_then(|text| text.parse().ok());
    said.unwrap_or(if std::env::var_os("CI").is_some() { 10 } else { 3 })
}

fn count(acknowledged: &Acknowledged) -> usize {
    acknowledged.lock().unwrap().values().map(Vec::len).sum()
}

/// What was acknowledged: numbers and ids of reports, by host.
type Acknowledged = Mutex<BTreeMap<String, Vec<(u64, String)>>>;

/// A host checks in as fast as it can until the collector is gone.
fn press(
    host: &mut FleetHost,
    collector: &Collector,
    round: u32,
    acknowledged: &Acknowledged,
    stop: &AtomicBool,
) {
    for change in 1_u32.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        // Every third report is as the one before.
        if !change.is_multiple_of(3) {
            host.update(&format!("{round}.{change}"));
        }
        match host.check_in(collector) {
            Ok(_) => {
                let report = (host.seq, host.previous.unwrap().to_string());
                acknowledged.lock().unwrap().entry(host.host.clone()).or_default().push(report);
            }
            Err(answer) if answer.status == 0 => return,
            // The turns of this host are used up.
            Err(answer) => assert!(matches!(answer.status, 429 | 503), "{answer:?}"),
        }
    }
}

/// All of them at once, until it is killed.
fn load(collector: Collector, hosts: &mut [FleetHost], round: u32, acknowledged: &Acknowledged) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for host in hosts {
            scope.spawn(|| press(host, &collector, round, acknowledged, &stop));
        }
        // Under way, and then at another moment in every round.
        let enough = count(acknowledged) + 2 * HOSTS;
        let end = Instant::now() + Duration::from_mins(1);
        while count(acknowledged) < enough && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(u64::from(round % 7) * 23));
        collector.signal("-KILL");
        thread::sleep(Duration::from_millis(50));
        stop.store(true, Ordering::Relaxed);
    });
    collector.kill();
}

/// Kills one after the other on a fleet with this configuration; what was acknowledged.
fn rounds_of_kills(data: &Path, store: &str) -> BTreeMap<String, Vec<(u64, String)>> {
    std::fs::create_dir_all(data).unwrap();
    let config = data.join("config.toml");
    let text = format!("store = \"{store}\"\n[limits]\nhost_burst = 100000\nhost_per_minute = 100000\n");
    std::fs::write(&config, text).unwrap();
    let args = ["--config", config.to_str().unwrap()];
    let start = || Collector::start_with(data, &args);
    let report = report();
    let collector = start();
    let mut hosts: Vec<FleetHost> =
        (0..HOSTS).map(|number| FleetHost::enrol(&collector, &format!("host-{number}"), &report)).collect();
    collector.kill();
    let acknowledged = Mutex::new(BTreeMap::new());
    for round in 0..rounds() {
        load(start(), &mut hosts, round, &acknowledged);
    }
    // The last one opens what the killed ones left, and goes on with it.
    let collector = start();
    for host in &mut hosts {
        host.check_in(&collector).unwrap();
    }
    assert!(collector.stop().0.success());
    acknowledged.into_inner().unwrap()
}

/// Every one is in the list of reports, which is asked for number and id of a host's.
fn all_there(
    acknowledged: &BTreeMap<String, Vec<(u64, String)>>,
    count: impl Fn(&str, u64, &str) -> i64,
    store: &str,
) {
    let mut all = 0;
    for (host, reports) in acknowledged {
        for (seq, report) in reports {
            assert_eq!(count(host, *seq, report), 1, "report {seq} of {host}");
            all += 1;
        }
    }
    support::note(&format!("{store}: {all} reports acknowledged in {} rounds, all of them kept", rounds()));
    assert!(all > 0);
}

#[test]
fn what_was_acknowledged_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let acknowledged = rounds_of_kills(&data, "sqlite");
    let kept = rusqlite::Connection::open(data.join("fleet.sqlite")).unwrap();
    let sound: String = kept.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let count = |host: &str, seq: u64, report: &str| {
        let query = "SELECT count(*) FROM report r JOIN host h ON h.no = r.host WHERE hex(h.id) = ?1 AND r.seq = ?2 \
                     AND hex(r.id) = ?3";
        let parameters = (host.to_uppercase(), i64::try_from(seq).unwrap(), report.to_uppercase());
        kept.query_row(query, parameters, |row| row.get(0)).unwrap()
    };
    all_there(&acknowledged, count, "SQLite");
}

#[test]
fn what_was_acknowledged_is_there_once_in_postgresql() {
    let Some(server) = postgres::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let name = server.database();
    let acknowledged = rounds_of_kills(&folder.path().join("data"), &server.url(&name));
    let count = |host: &str, seq: u64, report: &str| {
        let query = format!(
            "SELECT count(*) FROM report r JOIN host h ON h.no = r.host WHERE h.id = '\\x{host}' AND r.seq = {seq} \
             AND r.id = '\\x{report}'"
        );
        server.psql(&name, &query).unwrap().parse().unwrap()
    };
    all_there(&acknowledged, count, "PostgreSQL");
}
