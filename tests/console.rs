//! The console in a real Chromium, over a real collector: from the set-up token to a finding that is waived and comes back; rules
//! that are tried and activated; hosts that there ought to be; who has what; who may not.
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
#[path = "support/walk.rs"]
mod walk;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::fs;
use std::path::{Path, PathBuf};

use collector::Collector;
use support::{Run, has, interdict, skip};
use walk::{MARKUP, PASSWORD, Walk};

#[test]
fn from_the_first_sign_in_to_a_waiver_that_ends() {
    let Some(mut walk) = Walk::begin(&[]) else { return };
    walk.set_up();
    assert!(walk.says("No host has enrolled yet") && walk.says("interdict enrol"));
    let [_, dirty, _] = walk.fleet();
    walk.go("/");
    assert!(walk.says("2\nnon-compliant") && walk.says("1\ncompliant"), "{}", walk.shown());
    walk.go("/findings?host=");
    assert!(walk.says("Kaspersky") && walk.says("ws-2"), "{}", walk.shown());
    // It is waived for one host, for a day.
    walk.go(&format!("/findings?host={}", dirty.host));
    walk.browser.run("document.querySelector('input[name=finding]').checked = true;", &[]);
    let tomorrow = walk.browser.text("new Date(Date.now() + 86400000).toISOString().slice(0, 10)");
    walk.send("Waive", &[("reason", MARKUP), ("owner", "A. Person"), ("expires", &tomorrow)]);
    walk.judged();
    walk.go(&format!("/hosts/{}", dirty.host));
    assert!(walk.says("waived") && walk.says(MARKUP), "{}", walk.shown());
    assert_ne!(walk.verdict(), "non-compliant");
    walk.go("/waivers");
    let told = ["ws-2", "ends soon", "A. Person", "by ann"];
    assert!(told.iter().all(|text| walk.says(text)), "{}", walk.shown());
    walk.go("/");
    assert!(walk.says("1 verdict better") && walk.says("was non-compliant"), "{}", walk.shown());
    walk.go("/audit");
    assert!(walk.says("ann") && walk.says("sign in"), "{}", walk.shown());
    assert_eq!(walk.browser.text("document.title.includes('owned')"), "false");
    walk.quiet();
    if !has("faketime") {
        skip("faketime is not here: that a waiver ends is tried without a browser");
        return;
    }
    // Three days later.
    let data = walk.collector.data.clone();
    let (status, log) = walk.collector.stop();
    assert!(status.success(), "{log}");
    walk.collector = Collector::start_later(&data, "+3d");
    walk.go(&format!("/hosts/{}", dirty.host));
    assert_eq!(walk.browser.text("location.pathname"), "/sign-in", "the session is over");
    walk.send("Sign in", &[("name", "ann"), ("password", PASSWORD)]);
    assert_eq!(
        walk.browser.text("location.pathname"),
        format!("/hosts/{}", dirty.host),
        "where one wanted to go"
    );
    walk.judged();
    walk.go(&format!("/hosts/{}", dirty.host));
    assert_eq!(walk.verdict(), "non-compliant", "{}", walk.shown());
    walk.go("/waivers");
    assert!(walk.says("over"), "{}", walk.shown());
}

/// A signed folder of rules with a vendor that nobody knew, and its key.
fn rules(folder: &Path) -> (PathBuf, PathBuf) {
    let rules = folder.join("our-rules");
    fs::create_dir_all(rules.join("vendors")).unwrap();
    fs::create_dir_all(rules.join("policies")).unwrap();
    let write = |name: &str, text: &str| fs::write(rules.join(name), text).unwrap();
    write("ruleset.toml", "schema = 1\n[ruleset]\nname = \"ours\"\nversion = 1\nreleased = 2026-01-01\n");
    write(
        "vendors/odd.toml",
        "schema = 1\n[vendor]\nid = \"odd\"\nname = \"Odd\"\n[[product]]\nid = \"odd.odd\"\nname = \"Odd's program\"\n\
         [[product.indicator]]\nkind = \"package\"\nname = { exact = [\"odd\"] }\nstrength = \"strong\"\nsource = \"this test\"\n",
    );
    write(
        "policies/no-odd.toml",
        "schema = 1\n[policy]\nid = \"no-odd\"\ntitle = \"Nothing odd\"\neffective = 2020-01-01\n[[prohibition]]\nid = \"no-odd.all\"\n\
         vendor = \"odd\"\nseverity = \"high\"\n",
    );
    let run = |words: &str| {
        let run = Run::of(interdict().args(words.split(' ')).current_dir(folder));
        assert_eq!(run.code, 0, "{run:?}");
    };
    run("rules keygen --no-password --secret-key our.key --public-key our.pub");
    run("rules sign our-rules --secret-key our.key");
    (rules, folder.join("our.pub"))
}

#[test]
fn rules_are_brought_tried_and_activated() {
    let scratch = tempfile::tempdir().unwrap();
    let (rules, key) = rules(scratch.path());
    let config = scratch.path().join("config.toml");
    fs::write(&config, format!("[rules]\ntrusted_keys = [{key:?}]\n")).unwrap();
    let Some(walk) = Walk::begin(&["--config", config.to_str().unwrap()]) else { return };
    walk.set_up();
    walk.fleet();
    walk.go("/policies");
    assert!(walk.says("The built-in rules alone"), "{}", walk.shown());
    // A folder is chosen as a person does.
    walk.browser.choose("input[type=file]", rules.to_str().unwrap());
    walk.send("Bring it", &[]);
    assert!(
        walk.says("ours 1") || walk.browser.text("document.title").starts_with("ours 1"),
        "{}",
        walk.shown()
    );
    walk.go("/policies");
    let id = walk.browser.text("document.querySelector('select[name=ruleset] option:nth-child(2)').value");
    walk.send("Try", &[("ruleset", &id), ("policies", "no-odd")]);
    assert!(walk.says("2\nwould be non-compliant") && walk.says("odd.odd"), "{}", walk.shown());
    walk.go("/");
    assert!(walk.says("1\ncompliant"), "nothing was changed: {}", walk.shown());
    walk.go("/policies");
    walk.send("Activate", &[]);
    walk.judged();
    walk.go("/policies");
    walk.browser.run("document.querySelector('input[value=no-odd]').checked = true;", &[]);
    // Another collector has taken one of the hosts, and is gone: it is free again in a while.
    let kept = rusqlite::Connection::open(walk.collector.data.join("fleet.sqlite")).unwrap();
    kept.execute("UPDATE host SET leased = unixepoch() + 8 WHERE no = 1", []).unwrap();
    walk.send("Assign", &[]);
    assert!(walk.says("Hosts are being judged anew"), "{}", walk.shown());
    walk.browser.run("window.same = true;", &[]);
    walk.browser.wait("document.querySelector('#job b').textContent === '2'");
    walk.browser.wait("document.querySelector('#job').textContent.includes('Every host is judged')");
    assert_eq!(walk.browser.text("String(window.same)"), "true", "the page tells it by itself");
    walk.judged();
    walk.go("/findings?policy=no-odd");
    assert!(walk.says("Odd's program") && walk.says("ws-2"), "{}", walk.shown());
    walk.quiet();
}

#[test]
fn expected_hosts_and_who_has_what() {
    let Some(walk) = Walk::begin(&[]) else { return };
    walk.set_up();
    let [sound, mut dirty, _] = walk.fleet();
    walk.go("/hosts?expected=any");
    walk.send(
        "Import",
        &[("csv", "name,owner,department,tags\nws-1,Ann,IT,lab\nws-2,Bob,IT,\nws-9,Eve,Sales,\n")],
    );
    assert!(walk.says("2 of 3") && walk.says("ws-9"), "{}", walk.shown());
    walk.go("/hosts?expected=never");
    assert!(walk.says("ws-9") && walk.says("Sales") && !walk.says("Bob"), "{}", walk.shown());
    walk.go("/");
    assert!(walk.says("1\nnever seen") && walk.says("1 of 3 expected"), "{}", walk.shown());
    // Who has it.
    walk.go("/software");
    walk.send("Show", &[("name", "kesl")]);
    assert!(walk.browser.text("location.search").contains("name=kesl"), "a filter has an address");
    walk.browser.run(
        "[...document.querySelectorAll('main tbody a')].find(one => one.textContent == 'kesl').click();",
        &[],
    );
    walk.browser.wait("location.pathname.startsWith('/software/') && document.readyState === 'complete'");
    assert!(walk.says("12.1.0-1543") && walk.says("ws-2") && !walk.says("ws-1"), "{}", walk.shown());
    assert!(walk.says(MARKUP), "a host's name is text");
    assert_eq!(walk.browser.text("document.title.includes('owned')"), "false");
    // What another report has changed.
    let before = dirty.report.inventory.as_ref().unwrap()[0].item.version.as_ref().unwrap().raw.clone();
    dirty.update("99.1");
    dirty.check_in(&walk.collector).unwrap();
    walk.go(&format!("/hosts/{}", dirty.host));
    walk.browser.run("document.querySelector('main a[href*=compare]').click();", &[]);
    walk.browser.wait("location.pathname.endsWith('/compare') && document.readyState === 'complete'");
    assert!(
        walk.says(&format!("{before}\t99.1")) && walk.says("1 item came, 1 item went"),
        "{}",
        walk.shown()
    );
    walk.go(&format!("/hosts/{}/compare?from=1&to=7", dirty.host));
    assert!(walk.says("is not kept any more, or never came"), "{}", walk.shown());
    walk.go(&format!("/hosts/{}/compare", sound.host));
    assert!(walk.says("fewer than two reports"), "{}", walk.shown());
    walk.go("/hosts/00000000000000000000000000000000");
    assert!(walk.says("There is no such host"), "{}", walk.shown());
    assert!(
        walk.browser.text("document.querySelector('nav').innerText").contains("Software"),
        "where to go on"
    );
    walk.quiet();
}

#[test]
fn who_may_not_is_told_so() {
    let Some(walk) = Walk::begin(&[]) else { return };
    walk.set_up();
    walk.go("/settings");
    walk.send("Let in", &[("name", "vic"), ("role", "viewer"), ("password", PASSWORD)]);
    walk.send("Make", &[("name", "rollout")]);
    assert!(walk.says("It is shown this once") && walk.says("ids_"), "{}", walk.shown());
    walk.browser.run("document.querySelector('.who button').click();", &[]);
    walk.browser.wait("location.pathname == '/sign-in'");
    walk.sign_in("vic", "not the password");
    assert!(walk.says("Name or password is wrong"), "{}", walk.shown());
    walk.sign_in("vic", PASSWORD);
    assert_eq!(walk.browser.text("location.pathname"), "/");
    assert!(!walk.browser.text("document.querySelector('nav').innerText").contains("Settings"));
    walk.go("/settings");
    assert!(walk.says("This needs the role admin; yours is viewer"), "{}", walk.shown());
    walk.browser.run("document.querySelector('.who button').click();", &[]);
    walk.browser.wait("location.pathname == '/sign-in'");
    for _ in 0..5 {
        walk.sign_in("vic", "not the password");
    }
    walk.sign_in("vic", PASSWORD);
    assert!(walk.says("Name or password is wrong"), "kept out: {}", walk.shown());
    walk.sign_in("ann", PASSWORD);
    walk.go("/settings");
    assert!(walk.says("kept out for a while"), "{}", walk.shown());
    assert!(walk.says("kept for 396 days, as the configuration says"), "{}", walk.shown());
    walk.send("Set retention", &[("days", "40")]);
    assert!(walk.says("kept for 40 days, as was set here"), "{}", walk.shown());
    walk.send("Set retention", &[("days", "")]);
    assert!(walk.says("kept for 396 days, as the configuration says"), "{}", walk.shown());
    walk.go("/audit");
    assert!(
        walk.says("lock out")
            && walk.says("add person")
            && walk.says("make secret")
            && walk.says("set retention"),
        "{}",
        walk.shown()
    );
    walk.quiet();
}
