//! The fleet end to end: hosts enrol and check in, and the collector tells what was found, since when, and who has what. Real
//! programs over the network, with real reports.
#![cfg(feature = "collector")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    reason = "tests start programs and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/fleet_host.rs"]
mod fleet_host;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use collector::Collector;
use fleet_host::FleetHost;
use interdict::model::{CheckIn, Report};
use serde_json::Value;
use support::{Root, Run, has, interdict, skip};

const SOUND: &str = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n\
                     Package: openssl\nStatus: install ok installed\nMaintainer: Debian OpenSSL Team\nArchitecture: amd64\n\
                     Version: 3.0.15-1\n\n";
const KESL: &str = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\n\
                    Architecture: amd64\nVersion: 12.1.0-1543\n\n";

/// A Debian with these packages.
fn debian(packages: &str) -> Root {
    let root = Root::debian();
    root.file("var/lib/dpkg/status", packages);
    root
}

/// The report of a scan, with every item.
fn scanned(root: &Root) -> Report {
    let run = Run::of(
        interdict().args(["scan", "--format", "json", "--with-inventory", "--root"]).arg(root.path()),
    );
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

fn rows(answer: &Value) -> &Vec<Value> {
    answer["rows"].as_array().unwrap()
}

#[test]
fn what_hosts_tell_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(folder.path());
    let (sound, dirty) = (scanned(&debian(SOUND)), scanned(&debian(&format!("{SOUND}{KESL}"))));
    let mut one = FleetHost::enrol(&collector, "ws-1", &sound);
    let mut other = FleetHost::enrol(&collector, "WS-2", &dirty);
    let silent = FleetHost::enrol(&collector, "silent", &sound);
    assert_eq!(one.check_in(&collector).unwrap(), 3, "head, sets, bodies");
    assert_eq!(other.check_in(&collector).unwrap(), 3);
    assert_eq!(one.check_in(&collector).unwrap(), 1, "nothing has changed");
    let summary = collector.ask("/api/v1/summary");
    let figures =
        ["hosts", "compliant", "non_compliant", "unknown"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(figures, [3, 1, 1, 1], "{summary}");
    let verdict = |query: &str| -> Vec<String> {
        let answer = collector.ask(&format!("/api/v1/hosts?{query}"));
        rows(&answer).iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(verdict("verdict=non-compliant"), ["WS-2"]);
    assert_eq!(verdict("verdict=compliant"), ["ws-1"]);
    assert_eq!(verdict("verdict=unknown"), ["silent"]);
    assert_eq!(verdict("name=ws-").len(), 2, "capital letters are as small ones");
    assert_eq!(verdict("family=windows").len(), 0);
    let findings = collector.ask("/api/v1/findings?vendor=kaspersky");
    assert_eq!(rows(&findings).len(), 1, "{findings}");
    let finding = &rows(&findings)[0];
    assert_eq!(
        (finding["host"].as_str().unwrap(), finding["state"].as_str().unwrap()),
        (other.host.as_str(), "open")
    );
    assert_eq!(finding["finding"]["product"], "kaspersky.endpoint-security");
    assert_eq!(rows(&collector.ask(&format!("/api/v1/hosts/{}/findings", one.host))).len(), 0);
    let host = collector.ask(&format!("/api/v1/hosts/{}", other.host));
    assert_eq!(host["row"]["verdict"], "non-compliant", "{host}");
    assert!(host["policies"][0]["policy"].is_string() && host["history"][0]["since"].is_string(), "{host}");
    assert_eq!(collector.ask(&format!("/api/v1/hosts/{}", silent.host))["row"]["verdict"], Value::Null);
    // Who has it.
    let items = collector.ask("/api/v1/items?name=openssl&kind=package");
    let item = &rows(&items)[0];
    assert_eq!(item["hosts"], 2, "{items}");
    let id = item["item"]["id"].as_str().unwrap();
    let having = collector.ask(&format!("/api/v1/items/{id}/hosts"));
    assert_eq!(rows(&having).len(), 2, "{having}");
    // It is removed there.
    other.report = scanned(&debian(SOUND));
    other.report.host.clone_from(&dirty.host);
    other.report.host.name = Some("WS-2".to_owned());
    other.report.host.machine_id = Some(fleet_host::id("WS-2").to_string());
    other.check_in(&collector).unwrap();
    assert_eq!(rows(&collector.ask("/api/v1/findings")).len(), 0);
    let closed = collector.ask("/api/v1/findings?state=closed");
    assert!(rows(&closed)[0]["closed_at"].is_string(), "{closed}");
    assert_eq!(collector.ask("/api/v1/summary")["compliant"], 2);
}

#[test]
fn pages_join_and_forms_agree() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(folder.path());
    let report = scanned(&debian(SOUND));
    let mut names: Vec<String> = (0..7).map(|number| format!("host-{number}")).collect();
    for name in &names {
        FleetHost::enrol(&collector, name, &report);
    }
    let (mut found, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = collector.ask(&format!("/api/v1/hosts?limit=3{after}"));
        found.extend(rows(&page).iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    found.sort();
    names.sort();
    assert_eq!((pages, found), (3, names));
    let token = collector.token();
    let form = |query: &str| collector.get(&format!("/api/v1/hosts?limit=3{query}"), Some(&token));
    let (lines, table) = (form("&format=jsonl"), form("&format=csv"));
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    assert_eq!((lines.body.lines().count(), table.body.lines().count()), (3, 4));
    assert!(table.body.starts_with("host,name,verdict,"), "{}", table.body);
    assert!(table.header("link").unwrap().ends_with("rel=\"next\""), "{table:?}");
}

#[test]
fn a_host_speaks_for_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(folder.path());
    let (sound, dirty) = (scanned(&debian(SOUND)), scanned(&debian(&format!("{SOUND}{KESL}"))));
    let mut good = FleetHost::enrol(&collector, "good", &sound);
    let mut bad = FleetHost::enrol(&collector, "bad", &dirty);
    good.check_in(&collector).unwrap();
    bad.check_in(&collector).unwrap();
    // With another host's token nothing of that host is changed to what this one holds.
    let thief = FleetHost { token: bad.token.clone(), ..good.clone() };
    let before = collector.ask(&format!("/api/v1/hosts/{}/findings", bad.host));
    let answer = thief.clone().check_in(&collector);
    let refused = answer.expect_err("the installation is another one");
    assert_eq!(refused.refusal().0, 409, "{refused:?}");
    assert_eq!(collector.ask(&format!("/api/v1/hosts/{}/findings", bad.host)), before);
    assert_ne!(collector.ask(&format!("/api/v1/hosts/{}", bad.host))["row"]["verdict"], "compliant");
    assert_eq!(collector.ask(&format!("/api/v1/hosts/{}", good.host))["row"]["verdict"], "compliant");
}

#[test]
fn what_was_altered_on_the_way_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(folder.path());
    let host = FleetHost::enrol(&collector, "ws-1", &scanned(&debian(&format!("{SOUND}{KESL}"))));
    let sets = host.sets();
    let mut body = host.body(&sets, &std::collections::BTreeMap::new());
    body.seen = sets.seen.values().cloned().collect();
    body.sought = Some(fleet_host::sought(&host.report).text().to_owned());
    let whole = CheckIn { header: host.header(&sets), body: Some(body) };
    let refused = |change: &dyn Fn(&mut CheckIn)| {
        let mut altered = whole.clone();
        change(&mut altered);
        let answer = host.say(&collector, &altered);
        assert_ne!(answer.status, 200, "{answer:?}");
        answer.refusal().1
    };
    let without = |check_in: &mut CheckIn| {
        let sources = &mut check_in.body.as_mut().unwrap().sources;
        let dpkg = sources.iter_mut().find(|source| source.report.source == "dpkg").unwrap();
        dpkg.set.as_mut().unwrap().add.pop();
    };
    assert_eq!(refused(&without), "digest-mismatch");
    assert_eq!(refused(&|check_in| check_in.header.inventory = fleet_host::id("other")), "digest-mismatch");
    assert_eq!(refused(&|check_in| check_in.body.as_mut().unwrap().sources.clear()), "digest-mismatch");
    let sought = |check_in: &mut CheckIn| check_in.body.as_mut().unwrap().sought = Some("{}".to_owned());
    assert_eq!(refused(&sought), "digest-mismatch");
    assert_eq!(collector.ask("/api/v1/summary")["unknown"], 1, "nothing of it was kept");
    assert_eq!(host.say(&collector, &whole).json()["answer"], "kept");
    assert_eq!(host.say(&collector, &whole).json()["answer"], "kept", "the same again is the same");
}

/// Another command on a folder.
fn command(data: &Path, args: &[&str]) -> Run {
    Run::of(collector::collector().args(args).arg("--data").arg(data))
}

#[test]
fn a_copy_that_is_put_back_is_the_fleet_and_a_host_can_be_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, copy) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("copy"));
    let running = Collector::start(&data);
    let mut host = FleetHost::enrol(&running, "ws-1", &scanned(&debian(&format!("{SOUND}{KESL}"))));
    host.check_in(&running).unwrap();
    let findings = running.ask("/api/v1/findings");
    let copied = command(&data, &["backup", copy.to_str().unwrap()]);
    assert_eq!(copied.code, 0, "{copied:?}");
    assert_eq!(command(&data, &["backup", copy.to_str().unwrap()]).code, 2, "a copy is not overwritten");
    assert_eq!(command(&data, &["restore", copy.to_str().unwrap()]).code, 2, "nor is a fleet");
    let token = running.token();
    host.update("2");
    host.check_in(&running).unwrap();
    running.kill();
    let none = folder.path().join("none");
    fs::write(&none, "no database").unwrap();
    assert_eq!(command(&other, &["restore", none.to_str().unwrap()]).code, 2);
    fs::write(&none, "").unwrap();
    let empty = command(&other, &["restore", none.to_str().unwrap()]);
    assert!(empty.code == 2 && empty.stderr.contains("holds no fleet"), "{empty:?}");
    assert!(!other.join("fleet.sqlite").exists());
    // The log of another database would be read into the copy.
    fs::write(other.join("fleet.sqlite-wal"), "x").unwrap();
    let logged = command(&other, &["restore", copy.to_str().unwrap()]);
    assert!(logged.code == 2 && logged.stderr.contains("fleet.sqlite-wal"), "{logged:?}");
    fs::remove_file(other.join("fleet.sqlite-wal")).unwrap();
    let restored = command(&other, &["restore", copy.to_str().unwrap()]);
    assert_eq!(restored.code, 0, "{restored:?}");
    fs::copy(data.join("first-admin-token"), other.join("first-admin-token")).unwrap();
    let lost = command(&other, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(lost.code == 2 && lost.stderr.contains("--new-site-key"), "{lost:?}");
    fs::copy(data.join("site-key"), other.join("site-key")).unwrap();
    let running = Collector::start(&other);
    assert_eq!(running.token(), token, "it has a fleet, so that nothing first is made");
    assert_eq!(running.ask("/api/v1/findings"), findings);
    host.check_in(&running).unwrap();
    assert_eq!(running.ask(&format!("/api/v1/hosts/{}", host.host))["row"]["verdict"], "non-compliant");
    assert_eq!(command(&other, &["prune"]).code, 0);
    let kept = command(&other, &["hosts", "export", &host.host]);
    assert_eq!(kept.code, 0, "{kept:?}");
    let kept = kept.json();
    assert_eq!(kept["host"]["row"]["host"], *host.host);
    assert_eq!(kept["findings"][0]["finding"]["vendor"], "kaspersky");
    let holds = |name: &str| kept["inventory"].as_array().unwrap().iter().any(|one| one["name"] == name);
    assert!(holds("kesl") && !holds("kesl-gui"));
    assert_eq!(kept["events"][0]["data"]["host"], *host.host);
    assert_eq!(command(&other, &["hosts", "erase", &host.host]).code, 0);
    assert_eq!(command(&other, &["hosts", "export", &host.host]).code, 2);
    assert_eq!(command(&other, &["hosts", "erase", &host.host]).code, 2);
    assert_eq!(running.ask("/api/v1/summary")["hosts"], 0);
    assert_eq!(host.check_in(&running).unwrap_err().refusal(), (401, "bad-token".to_owned()));
}

/// State, configuration and lock of a test's endpoint.
fn endpoint(state: &Path) -> Command {
    let mut command = interdict();
    command.env("INTERDICT_STATE", state).env_remove("INTERDICT_ENROL_SECRET").arg("--no-config");
    command
}

#[test]
fn an_endpoint_enrols_and_ships() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(&folder.path().join("data"));
    let (state, secret) = (folder.path().join("state"), folder.path().join("secret"));
    let report = folder.path().join("report.json");
    let scan = ["scan", "--format", "json", "--with-inventory", "-o", report.to_str().unwrap()];
    let scanned = Run::of(endpoint(&state).args(scan));
    assert!(matches!(scanned.code, 0 | 1 | 3), "{scanned:?}");
    fs::write(&secret, "ids_wrong").unwrap();
    let enrol = || Run::of(endpoint(&state).args(["enrol", &collector.url, "--secret-file"]).arg(&secret));
    assert_eq!(enrol().code, 2);
    fs::write(&secret, collector.secret()).unwrap();
    let enrolled = enrol();
    assert_eq!(enrolled.code, 0, "{enrolled:?}");
    let ship = |args: &[&str]| Run::of(endpoint(&state).arg("ship").args(args));
    let shipped = ship(&["--report", report.to_str().unwrap()]);
    assert_eq!(shipped.code, scanned.code, "the verdict's: {shipped:?}");
    let hosts = collector.ask("/api/v1/hosts");
    let row = &rows(&hosts)[0];
    let code = match row["verdict"].as_str().unwrap() {
        "compliant" => 0,
        "non-compliant" => 1,
        _ => 3,
    };
    assert_eq!((rows(&hosts).len(), code, row["seq"].as_u64()), (1, scanned.code, Some(1)), "{hosts}");
    // Scanned anew, with what merely runs having come and gone.
    assert!(matches!(ship(&[]).code, 0 | 1 | 3));
    let again = collector.ask("/api/v1/hosts");
    assert_eq!((rows(&again).len(), rows(&again)[0]["seq"].as_u64()), (1, Some(2)), "{again}");
    // Without a collector the report waits, and the verdict is told all the same.
    collector.kill();
    let waiting = ship(&["--patience", "0"]);
    assert!(matches!(waiting.code, 0 | 1 | 3), "{waiting:?}");
    assert!(waiting.stderr.contains("spool"), "{waiting:?}");
}

/// The commands of the README's section, block by block.
fn walk_through() -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let section = readme.split("\n## Fleet\n").nth(1).unwrap().split("\n## ").next().unwrap();
    section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// The README is followed word by word by a shell; `cargo run` starts what is built, and the port is a free one.
#[test]
fn the_walk_through_of_the_readme_works() {
    if !has("curl") {
        return skip("curl is not here");
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let cargo = format!(
        "#!/bin/sh\ncase \"$*\" in\n'run --release --bin interdict-collector -- '*) shift 5; echo $$ >pid; exec '{}' \"$@\";;\n\
         'run --release -- '*) shift 3; exec '{}' \"$@\";;\n*) exit 99;;\nesac\n",
        env!("CARGO_BIN_EXE_interdict-collector"),
        env!("CARGO_BIN_EXE_interdict"),
    );
    fs::create_dir(at("bin")).unwrap();
    fs::write(at("bin/cargo"), cargo).unwrap();
    assert!(Command::new("chmod").arg("755").arg(at("bin/cargo")).status().unwrap().success());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let shell = |text: &str| {
        let mut sh = Command::new("sh");
        let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap());
        sh.arg("-c")
            .arg(text.replace("8787", &port.to_string()))
            .current_dir(folder.path())
            .env("PATH", path);
        sh.env("INTERDICT_STATE", at("state")).env("INTERDICT_WAIT", "300").env_remove("INTERDICT_CONFIG");
        sh
    };
    let [serve, rest] = walk_through().try_into().expect("two blocks");
    let (command, _comment) = serve.split_once('#').unwrap();
    let mut running = shell(&format!("{} --listen 127.0.0.1:8787", command.trim_end()))
        .stdin(Stdio::null())
        .stderr(fs::File::create(at("log")).unwrap())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_mins(1);
    while !fs::read_to_string(at("log")).unwrap().contains("\"listening\"") && Instant::now() < end {
        thread::sleep(Duration::from_millis(50));
    }
    let followed = Run::of(&mut shell(&rest));
    let pid = fs::read_to_string(at("pid")).unwrap();
    assert!(Command::new("kill").arg(pid.trim()).status().unwrap().success());
    assert!(running.wait().unwrap().success());
    let log = fs::read_to_string(at("log")).unwrap();
    let answer = followed.stdout.lines().last().unwrap_or_default();
    let hosts: Value = serde_json::from_str(answer).unwrap_or_else(|_| panic!("{followed:?} {log}"));
    assert_eq!(rows(&hosts).len(), 1, "{followed:?} {log}");
    assert!(rows(&hosts)[0]["received_at"].is_string(), "{followed:?} {log}");
}
