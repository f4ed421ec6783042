//! Rules from the collector to the endpoint, by the programs themselves: brought signed, fetched, verified where they are used,
//! and used by the next scan; what cannot be verified is never used.
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
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use collector::Collector;
use serde_json::{Value, json};
use support::{Run, interdict};

const VENDOR: &str = "schema = 1\n[vendor]\nid = \"acme\"\nname = \"Acme\"\n[[product]]\nid = \"acme.guard\"\nname = \"Guard\"\n\
                      [[product.indicator]]\nkind = \"package\"\nname = { exact = [\"acme-guard\"] }\nstrength = \"strong\"\n\
                      source = \"this test\"\n[[product.indicator]]\nkind = \"executable\"\n\
                      name = { exact = [\"acme-guardd\"] }\nstrength = \"strong\"\nsource = \"this test\"\n";
const POLICY: &str = "schema = 1\n[policy]\nid = \"ours\"\ntitle = \"Ours\"\neffective = 2020-01-01\nmin_depth = \"quick\"\n\
                      min_scope = \"system\"\n[[prohibition]]\nid = \"ours.acme\"\nvendor = \"acme\"\n";

/// A folder of rules, signed.
struct Rules {
    folder: tempfile::TempDir,
}

impl Rules {
    fn new() -> Self {
        let rules = Self { folder: tempfile::tempdir().unwrap() };
        let run = Run::of(
            interdict()
                .args(["rules", "keygen", "--no-password", "--secret-key"])
                .arg(rules.at("secret"))
                .arg("--public-key")
                .arg(rules.at("key.pub")),
        );
        assert_eq!(run.code, 0, "{run:?}");
        rules
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes and signs this version.
    fn sign(&self, version: u32) -> PathBuf {
        let rules = self.at("rules");
        fs::create_dir_all(&rules).unwrap();
        let manifest =
            format!("schema = 1\n[ruleset]\nname = \"ours\"\nversion = {version}\nreleased = 2026-01-01\n");
        for (name, text) in
            [("acme.toml", VENDOR), ("ours.toml", POLICY), ("ruleset.toml", manifest.as_str())]
        {
            fs::write(rules.join(name), text).unwrap();
        }
        let run = Run::of(
            interdict().args(["rules", "sign"]).arg(&rules).arg("--secret-key").arg(self.at("secret")),
        );
        assert_eq!(run.code, 0, "{run:?}");
        rules
    }

    fn push(&self, collector: &Collector, folder: &Path) -> Run {
        Run::of(
            collector::collector()
                .args(["rules", "push", "--activate", "--data"])
                .arg(&collector.data)
                .arg("--trusted-key")
                .arg(self.at("key.pub"))
                .arg(folder),
        )
    }
}

fn enrol(collector: &Collector, state: &Path, key: Option<PathBuf>) {
    let mut command = interdict();
    command
        .args(["enrol", &collector.url, "--secret-file"])
        .arg(collector.data.join("first-enrolment-secret"));
    command.arg("--state").arg(state);
    if let Some(key) = key {
        command.arg("--trusted-key").arg(key);
    }
    let run = Run::of(&mut command);
    assert_eq!(run.code, 0, "{run:?}");
}

fn ship(state: &Path) -> Run {
    let run =
        Run::of(interdict().args(["ship", "--depth", "quick", "--scope", "system", "--state"]).arg(state));
    assert!(run.stderr.contains("keeps 1 report"), "{run:?}");
    run
}

/// The one host, once every host is judged by the last law.
fn host(collector: &Collector) -> Value {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let jobs = collector.ask("/api/v1/jobs");
        let ended = jobs.as_array().unwrap().first().is_none_or(|job| job["ended_at"].is_string());
        if ended {
            let hosts = collector.ask("/api/v1/hosts");
            let id = hosts["rows"][0]["host"].as_str().unwrap().to_owned();
            return collector.ask(&format!("/api/v1/hosts/{id}"));
        }
        assert!(Instant::now() < end, "{jobs}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn unseen(host: &Value) -> String {
    host["policies"][0]["prohibitions"][0]["unseen"].to_string()
}

#[test]
fn signed_rules_lead_the_next_scan() {
    let (data, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let collector = Collector::start(data.path());
    let rules = Rules::new();
    enrol(&collector, state.path(), Some(rules.at("key.pub")));
    ship(state.path());
    let folder = rules.sign(2);
    let pushed = rules.push(&collector, &folder);
    assert!(pushed.code == 0 && pushed.stderr.contains("ours 2 is kept"), "{pushed:?}");
    // Within seconds the running collector takes it over.
    let end = Instant::now() + Duration::from_secs(30);
    let assign = json!({ "tag": null, "policies": ["ours"] });
    while collector.put_json("/api/v1/assignments", &assign).status != 200 {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(200));
    }
    let told = host(&collector);
    assert!(unseen(&told).contains("needs a scan"), "{told}");
    let second = ship(state.path());
    assert!(second.stderr.contains("the next scan is led by them"), "{second:?}");
    let third = ship(state.path());
    assert!(!third.stderr.contains("are not used"), "{third:?}");
    let told = host(&collector);
    assert_eq!(told["asked"]["policies"], json!(["ours"]), "{told}");
    assert!(!unseen(&told).contains("needs a scan"), "{told}");
    // An older version is refused by both sides.
    let older = rules.push(&collector, &rules.sign(1));
    assert!(older.code == 2 && older.stderr.contains("older rules"), "{older:?}");
    // Altered where they are kept: said, and not used.
    let kept = state.path().join("fleet/fleet-rules.json");
    let text = fs::read_to_string(&kept).unwrap();
    fs::write(&kept, text.replace("acme-guard", "acme-gone!")).unwrap();
    let altered = ship(state.path());
    assert!(altered.stderr.contains("are not used: altered rules"), "{altered:?}");
    let told = host(&collector);
    assert_eq!(told["asked"]["policies"], json!(["us-commerce"]), "the built-in rules led it");
    assert!(unseen(&told).contains("needs a scan"), "{told}");
    let audit = collector.ask("/api/v1/audit?format=json");
    let actions: Vec<&str> =
        audit["rows"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["assign", "activate", "push"]);
}

#[test]
fn nobody_is_believed_unasked() {
    let (data, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let collector = Collector::start(data.path());
    let rules = Rules::new();
    let pushed = rules.push(&collector, &rules.sign(1));
    assert_eq!(pushed.code, 0, "{pushed:?}");
    enrol(&collector, state.path(), None);
    let end = Instant::now() + Duration::from_secs(30);
    let refused = loop {
        let run = ship(state.path());
        if run.stderr.contains("are not used") {
            break run;
        }
        assert!(Instant::now() < end, "{run:?}");
        thread::sleep(Duration::from_millis(200));
    };
    assert!(refused.stderr.contains("no key is trusted here"), "{refused:?}");
    assert!(!state.path().join("fleet/fleet-rules.json").exists(), "what cannot be verified is not kept");
    // Who sends can write the enrolment, and fetch by it what it likes: the scan believes none of it.
    let enrolment = state.path().join("fleet/fleet.json");
    let mut own: Value = serde_json::from_str(&fs::read_to_string(&enrolment).unwrap()).unwrap();
    let key = fs::read_to_string(rules.at("key.pub")).unwrap();
    own["trusted_keys"] = json!([key.lines().last().unwrap()]);
    fs::write(&enrolment, own.to_string()).unwrap();
    ship(state.path());
    assert!(state.path().join("fleet/fleet-rules.json").exists(), "it was fetched");
    let led = ship(state.path());
    assert!(led.stderr.contains("are not used: no key is trusted here"), "{led:?}");
    // Nor is it by the collector: its configuration names no key.
    let folder = json!({ "files": {}, "sums": "", "signature": "" });
    let answer = collector.post_json("/api/v1/rulesets", Some(&collector.token()), &folder);
    assert_eq!(answer.refusal(), (403, "rules-refused".to_owned()));
}

#[test]
fn roles_bound_who_may_change_what() {
    let data = tempfile::tempdir().unwrap();
    let collector = Collector::start(data.path());
    let token = |name: &str, role: &str| {
        let run = Run::of(
            collector::collector().args(["token", "create", name, "--role", role, "--data"]).arg(data.path()),
        );
        run.stdout.trim().to_owned()
    };
    let (viewer, operator) = (token("v", "viewer"), token("o", "operator"));
    let body = json!({ "ruleset": null });
    let activate = |token: &str| collector.post_json("/api/v1/rulesets/active", Some(token), &body).status;
    assert_eq!((activate(&viewer), activate(&operator), activate(&collector.token())), (403, 403, 200));
    let trial = json!({ "policies": ["us-fcc-covered-list"], "as_of": "2024-07-20" });
    let dry = |token: &str| collector.post_json("/api/v1/rules/dry-run", Some(token), &trial);
    assert_eq!((dry(&viewer).status, dry(&operator).status), (403, 200));
    assert_eq!(dry(&operator).json()["complete"], true);
    let wrong = collector.post_json("/api/v1/rules/dry-run", Some(&operator), &json!({ "policy": [] }));
    assert_eq!(wrong.refusal().0, 422);
    assert_eq!(collector.get("/api/v1/rules", Some(&operator)).status, 403, "that is for hosts");
    let broken =
        json!({ "folder": { "files": { "a.toml": "schema = 1\n[vendor]\n" }, "sums": "", "signature": "" } });
    let broken = collector.post_json("/api/v1/rules/dry-run", Some(&operator), &broken);
    assert_eq!(broken.refusal().1, "bad-rules");
    assert!(broken.json()["detail"].as_str().unwrap().contains("a.toml:"), "{broken:?}");
}
