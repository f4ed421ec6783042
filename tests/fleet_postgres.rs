//! Real collectors over a real PostgreSQL: two beside each other, a server that goes away and comes back, servers that would
//! lose what they acknowledge.
#![cfg(all(feature = "collector", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::excessive_nesting,
    reason = "tests start programs and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/fleet_host.rs"]
mod fleet_host;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use collector::{Collector, collector as program};
use fleet_host::FleetHost;
use interdict::model::Report;
use postgres::{Server, bouncer, shared};
use support::{Root, Run, interdict};

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

/// A data folder with a configuration that names this store.
fn folder(under: &Path, name: &str, store: &str) -> (PathBuf, String) {
    let data = under.join(name);
    fs::create_dir_all(&data).unwrap();
    let config = data.join("config.toml");
    let text = format!("store = \"{store}\"\n[limits]\nhost_burst = 100000\nhost_per_minute = 100000\n");
    fs::write(&config, text).unwrap();
    (data, config.to_str().unwrap().to_owned())
}

fn start((data, config): &(PathBuf, String)) -> Collector {
    Collector::start_with(data, &["--config", config])
}

/// A command that ends: its exit code and all it says.
fn ends((data, config): &(PathBuf, String), words: &[&str]) -> (i32, String) {
    let mut command = program();
    command.args(words).arg("--data").arg(data).args(["--config", config]);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn two_collectors_are_one_fleet() {
    let (Some(server), Some(bouncer)) = (shared(), bouncer()) else { return };
    let under = tempfile::tempdir().unwrap();
    let name = server.database();
    // One speaks with the server, the other by the pooler.
    let one_home = folder(under.path(), "one", &server.url(&name));
    let two_home = folder(under.path(), "two", &bouncer.url(&name));
    let one = start(&one_home);
    let (code, said) = ends(&two_home, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(code == 2 && said.contains("site_key_file") && !two_home.0.join("site-key").exists(), "{said}");
    fs::write(two_home.0.join("site-key"), "0".repeat(64)).unwrap();
    let (code, said) = ends(&two_home, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(code == 2 && said.contains("another site's key"), "{said}");
    fs::copy(one_home.0.join("site-key"), two_home.0.join("site-key")).unwrap();
    let two = start(&two_home);
    assert!(!two_home.0.join("first-admin-token").exists(), "the fleet has its first token already");
    let report = report();
    let mut hosts: Vec<FleetHost> =
        (0..6).map(|number| FleetHost::enrol(&one, &format!("host-{number}"), &report)).collect();
    thread::scope(|scope| {
        for host in &mut hosts {
            scope.spawn(|| {
                for (round, at) in [&one, &two, &one, &two, &two].into_iter().enumerate() {
                    host.update(&format!("9.{round}"));
                    host.check_in(at).unwrap();
                    host.check_in(at).unwrap();
                }
            });
        }
    });
    for collector in [&one, &two] {
        let answer = collector.get("/api/v1/summary", Some(&one.token()));
        assert_eq!(answer.json()["hosts"], 6, "{answer:?}");
        assert_eq!(collector.get("/readyz", None).status, 200);
    }
    assert_eq!(server.psql(&name, "SELECT count(*) FROM report").unwrap(), "60");
    // What is revoked by a command holds at neither.
    let (code, said) = ends(&two_home, &["token", "revoke", "first-admin"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(one.get("/api/v1/hosts", Some(&one.token())).status, 401);
    for words in [["backup", "x.dump"], ["restore", "x.dump"]] {
        let (code, said) = ends(&one_home, &words);
        assert!(code == 2 && said.contains("pg_") && !Path::new("x.dump").exists(), "{said}");
    }
    assert!(one.stop().0.success() && two.stop().0.success());
}

#[test]
fn a_server_that_is_away_loses_nothing() {
    let Some(mut server) = Server::new(&[]) else { return };
    let under = tempfile::tempdir().unwrap();
    let name = server.database();
    let home = folder(under.path(), "one", &server.url(&name));
    let collector = start(&home);
    let mut host = FleetHost::enrol(&collector, "a", &report());
    let mut acknowledged = Vec::new();
    let mut note = |host: &FleetHost| acknowledged.push((host.seq, host.previous.unwrap().to_string()));
    for round in 0..5 {
        host.update(&format!("1.{round}"));
        host.check_in(&collector).unwrap();
        note(&host);
    }
    server.crash();
    let answer = host.check_in(&collector).unwrap_err();
    assert_eq!(answer.refusal(), (503, "cannot-keep".to_owned()), "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(collector.get("/readyz", None).status, 503);
    assert_eq!(collector.get("/healthz", None).status, 200);
    server.start(&[]);
    let end = Instant::now() + Duration::from_mins(1);
    while let Err(answer) = host.check_in(&collector) {
        assert!(matches!(answer.status, 503) && Instant::now() < end, "{answer:?}");
        thread::sleep(Duration::from_millis(100));
    }
    note(&host);
    // While it presses on, the server crashes and comes back.
    for round in 0..3 {
        let pressed = thread::scope(|scope| {
            let (host, collector) = (&mut host, &collector);
            let pressing = scope.spawn(move || {
                let mut kept = Vec::new();
                for n in 0..40 {
                    host.update(&format!("2.{round}.{n}"));
                    if host.check_in(collector).is_ok() {
                        kept.push((host.seq, host.previous.unwrap().to_string()));
                    }
                }
                kept
            });
            thread::sleep(Duration::from_millis(150));
            server.crash();
            server.start(&[]);
            pressing.join().unwrap()
        });
        acknowledged.extend(pressed);
    }
    for (seq, report) in &acknowledged {
        let ask = format!("SELECT count(*) FROM report WHERE seq = {seq} AND id = '\\x{report}'");
        assert_eq!(server.psql(&name, &ask).unwrap(), "1", "report {seq}");
    }
    support::note(&format!("{} reports acknowledged over 4 crashes of the server", acknowledged.len()));
    assert!(collector.stop().0.success());
}

#[test]
fn a_server_that_would_lose_reports_is_refused() {
    let under = tempfile::tempdir().unwrap();
    let Some(mut server) = Server::new(&["fsync=off"]) else { return };
    let name = server.database();
    let home = folder(under.path(), "one", &server.url(&name));
    for (settings, word) in [
        ("fsync=off", "fsync"),
        ("full_page_writes=off", "full_page_writes"),
        ("synchronous_commit=off", "synchronous_commit"),
        ("default_transaction_read_only=on", "primary"),
    ] {
        server.crash();
        server.start(&[settings]);
        for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["init"]] {
            let (code, said) = ends(&home, words);
            assert!(code == 2 && said.contains(word), "{settings}: {said}");
        }
    }
    assert_eq!(server.psql(&name, "SELECT count(*) FROM pg_class WHERE relname = 'host'").unwrap(), "0");
    // One that is sound when the collector begins, and not later.
    server.crash();
    server.start(&[]);
    let collector = start(&home);
    let mut host = FleetHost::enrol(&collector, "a", &report());
    host.check_in(&collector).unwrap();
    server.crash();
    server.start(&["fsync=off"]);
    assert_eq!(collector.get("/readyz", None).status, 503);
    assert_eq!(host.check_in(&collector).unwrap_err().refusal(), (503, "cannot-keep".to_owned()));
    assert!(!collector.logged(&["fsync"]).is_empty());
    drop(collector);
    let wrong = folder(under.path(), "two", &server.url("nothing_of_that_name"));
    let (code, said) = ends(&wrong, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(code == 2 && said.contains("nothing_of_that_name"), "{said}");
}

#[test]
fn a_server_is_known_by_its_certificate() {
    let Some((server, authority, at)) = Server::over_tls() else { return };
    let under = tempfile::tempdir().unwrap();
    let name = server.database();
    let url = |query: &str| format!("postgres://{at}/{name}?{query}");
    let verified = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    let collector = start(&folder(under.path(), "one", &url(&verified)));
    FleetHost::enrol(&collector, "a", &report()).check_in(&collector).unwrap();
    let asked = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                 WHERE application_name = 'interdict-collector' AND NOT ssl";
    assert_eq!(server.psql(&name, asked).unwrap(), "0", "a connection is not encrypted");
    // An authority that nobody named, and a name that the certificate does not have.
    for (two, word) in [
        (url("sslmode=verify-full"), "certificate"),
        (url(&verified).replace("localhost", "127.0.0.1"), "certificate"),
    ] {
        let (code, said) = ends(&folder(under.path(), "two", &two), &["init"]);
        assert!(code == 2 && said.contains(word), "{two}: {said}");
    }
    assert!(collector.stop().0.success());
}
