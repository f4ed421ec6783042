//! `interdict doctor`: what is well, what is to be done, and its exit codes.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests write files and may fail loudly"
)]

mod support;

use std::fs;

use serde_json::Value;
use support::{Root, Run, interdict, is_root};

fn doctor(site: &Root, config: &str, more: &[&str]) -> Run {
    site.file("site.toml", format!("schema = 1\nstate = \"state\"\n{config}"));
    let mut command = interdict();
    command.env_remove("INTERDICT_STATE").args(["doctor", "--config"]).arg(site.at("site.toml")).args(more);
    Run::of(&mut command)
}

fn json(site: &Root, config: &str) -> (i32, Value) {
    let run = doctor(site, config, &["--format", "json"]);
    let document = run.json();
    assert_eq!(document["schema"], "interdict.doctor/1");
    (run.code, document)
}

/// State and words of a check.
fn told(document: &Value, check: &str) -> Vec<(String, String, Value)> {
    let checks = document["checks"].as_array().unwrap().iter().filter(|one| one["check"] == check);
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    checks.map(|one| (word(&one["state"]), word(&one["says"]), one["next"].clone())).collect()
}

#[test]
fn every_check_tells_something_and_the_exit_code_is_that_of_the_worst() {
    let site = Root::empty();
    let (code, document) = json(&site, "");
    for check in
        ["configuration", "privileges", "sight", "rules", "clock", "state", "lock", "output", "log", "memory"]
    {
        assert!(!told(&document, check).is_empty(), "{check}: {document:#}");
    }
    let worst = document["state"].as_str().unwrap();
    assert_eq!(
        code,
        match worst {
            "ok" => 0,
            "warn" => 1,
            _ => 2,
        }
    );
    for one in document["checks"].as_array().unwrap() {
        assert!(
            one["state"] == "ok" || one["next"].is_string(),
            "what is to be done says the next step: {one:#}"
        );
    }
    assert!(!site.at("state").exists(), "nothing is made");
    let text = doctor(&site, "", &[]);
    assert_eq!(text.code, code);
    assert!(
        text.stdout.contains("ok    configuration") && text.stdout.contains("site.toml can be used"),
        "{text:?}"
    );
    let expected = if is_root() { "ok" } else { "warn" };
    assert_eq!(told(&document, "privileges")[0].0, expected);
}

#[test]
fn what_a_scan_could_not_run_with_is_a_fault() {
    let site = Root::empty();
    let (code, document) = json(&site, "bugdet = 3\n");
    assert_eq!(code, 2);
    let said = told(&document, "configuration");
    assert!(
        said.iter().any(|(state, says, _)| state == "fail" && says.contains("`bugdet` is not a key")),
        "{said:?}"
    );

    let (code, document) = json(&site, "policies = [\"nonsense\"]\n");
    assert_eq!(code, 2);
    assert!(
        told(&document, "rules")
            .iter()
            .any(|(state, says, _)| state == "fail" && says.contains("'nonsense'"))
    );

    let (code, document) = json(&site, "output = [\"json=reports/r.json\"]\n");
    let said = told(&document, "output");
    assert!(code == 2 && said[0].1.contains("there is no folder"), "{said:?}");
    site.dir("reports");
    let (_, document) = json(&site, "output = [\"json=reports/r.json\"]\n");
    assert_eq!(told(&document, "output")[0].0, "ok");
    assert_eq!(fs::read_dir(site.at("reports")).unwrap().count(), 0, "what was tried is taken away");

    site.file("state", "a file where the folder should be");
    let (code, document) = json(&site, "");
    assert_eq!((code, told(&document, "state")[0].0.as_str()), (2, "fail"), "{document:#}");
}

#[test]
fn old_and_unsigned_rules_a_wrong_clock_and_a_running_scan_are_told() {
    let site = Root::empty();
    let rules = |released: &str, stale: &str| {
        let text = format!(
            "schema = 1\n[ruleset]\nname = \"more\"\nversion = 9\nreleased = {released}\nstale_after = {stale}\n"
        );
        site.file("more/ruleset.toml", text);
    };
    rules("2020-01-01", "2021-01-01");
    let (_, document) = json(&site, "rules = [\"more\"]\n");
    let said = told(&document, "rules");
    let warned = |words: &str| said.iter().any(|(state, says, _)| state == "warn" && says.contains(words));
    assert!(warned("more version 9 of 2020-01-01 is old") && warned("no key is trusted"), "{said:?}");
    assert_eq!(told(&document, "clock")[0].0, "ok");

    rules("2999-01-01", "2999-12-31");
    let (_, document) = json(&site, "rules = [\"more\"]\n");
    assert!(told(&document, "clock")[0].2.as_str().unwrap().contains("set the clock"), "{document:#}");

    let lock = fs::File::create(site.dir("state").join("scan.lock")).unwrap();
    lock.lock().unwrap();
    let (_, document) = json(&site, "");
    assert!(told(&document, "lock")[0].1.contains("a scan is running"), "{document:#}");
    lock.unlock().unwrap();
    assert_eq!(told(&json(&site, "").1, "lock")[0].0, "ok");
}
