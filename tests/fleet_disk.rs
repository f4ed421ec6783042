//! A disk that is full, and one that cannot be written to: said clearly, nothing corrupt, and it goes on when there is room.
#![cfg(all(feature = "collector", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests start a program and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/fleet_host.rs"]
mod fleet_host;
mod support;

use std::path::Path;
use std::process::Command;

use collector::{Collector, collector as program};
use fleet_host::FleetHost;
use interdict::model::Report;
use support::{Root, Run, interdict, skip};

/// A file system of its own, in memory, as small as a test wants it.
struct Small(tempfile::TempDir);

fn mount(arguments: &[&str], at: &Path) -> bool {
    Command::new("mount").args(arguments).arg(at).output().is_ok_and(|output| output.status.success())
}

impl Small {
    fn new(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], folder.path()) {
            return Some(Self(folder));
        }
        skip("no right to mount a small file system");
        None
    }

    fn again(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}")], self.0.path()));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ended = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn report() -> Report {
    let root = Root::debian();
    let packages = (0..200).map(|number| {
        format!("Package: tool-{number}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.{number}\n\n")
    });
    root.file("var/lib/dpkg/status", packages.collect::<String>());
    let run = Run::of(
        interdict().args(["scan", "--format", "json", "--with-inventory", "--root"]).arg(root.path()),
    );
    serde_json::from_str(&run.stdout).unwrap()
}

/// Everything on it has another version from now on.
fn renew(host: &mut FleetHost, round: u32) {
    for (item, at) in host.report.inventory.as_mut().unwrap().iter_mut().zip(0..) {
        if let Some(version) = &mut item.item.version {
            version.raw = format!("{round}.{at}");
        }
        item.item.id = interdict::normalise::item_id(&item.item);
    }
    host.report.inventory.as_mut().unwrap().sort_by_key(|item| item.item.id);
}

#[test]
fn a_full_disk_loses_nothing() {
    let Some(small) = Small::new("3m") else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let config = elsewhere.path().join("config.toml");
    std::fs::write(&config, "[limits]\nhost_burst = 100000\nhost_per_minute = 100000\n").unwrap();
    let data = small.0.path().join("data");
    let collector = Collector::start_with(&data, &["--config", config.to_str().unwrap()]);
    let mut host = FleetHost::enrol(&collector, "a", &report());
    let mut acknowledged = Vec::new();
    let refusal = (0..1_000).find_map(|round| {
        renew(&mut host, round);
        match host.check_in(&collector) {
            Ok(_) => {
                acknowledged.push((host.seq, host.previous.unwrap().to_string()));
                None
            }
            Err(answer) => Some(answer),
        }
    });
    let refusal = refusal.unwrap();
    assert_eq!(refusal.refusal(), (503, "cannot-keep".to_owned()), "{refusal:?}");
    assert!(refusal.header("retry-after").is_some());
    assert!(!collector.logged(&["full"]).is_empty(), "{}", collector.log());
    assert_eq!(collector.get("/healthz", None).status, 200);
    small.again("size=64m");
    host.check_in(&collector).unwrap_or_else(|answer| panic!("{answer:?} {}", collector.log()));
    acknowledged.push((host.seq, host.previous.unwrap().to_string()));
    assert_eq!(collector.get("/readyz", None).status, 200);
    assert!(collector.stop().0.success());
    let kept = rusqlite::Connection::open(data.join("fleet.sqlite")).unwrap();
    let sound: String = kept.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    for (seq, report) in &acknowledged {
        let query = "SELECT count(*) FROM report WHERE seq = ?1 AND hex(id) = ?2";
        let parameters = (i64::try_from(*seq).unwrap(), report.to_uppercase());
        let there: i64 = kept.query_row(query, parameters, |row| row.get(0)).unwrap();
        assert_eq!(there, 1, "report {seq}");
    }
    support::note(&format!("{} reports acknowledged before and after the disk was full", acknowledged.len()));
}

#[test]
fn a_disk_that_cannot_be_written_to_is_said() {
    let Some(small) = Small::new("16m") else { return };
    let data = small.0.path().join("data");
    let start = || {
        let output =
            program().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    small.again("ro");
    let (code, said) = start();
    assert!(code == Some(2) && said.contains("data") && said.contains("Read-only"), "{said}");
    small.again("rw");
    let collector = Collector::start(&data);
    assert_eq!(collector.get("/readyz", None).status, 200);
    assert!(collector.stop().0.success());
    small.again("ro");
    let (code, said) = start();
    assert!(code == Some(2) && said.contains("fleet.sqlite") && said.contains("Read-only"), "{said}");
}
