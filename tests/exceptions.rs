//! What a day, a site and its exceptions change in a verdict, on the real program: phases of a law, waivers, accepted gaps.
mod support;

use support::{Root, Run, interdict};

const SOUND: &str = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
const KESL: &str = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\n\
                    Architecture: amd64\nVersion: 12.1.0-1543\n\n";
const WAIVER: &str = r#"schema = 1
[[waiver]]
prohibition = "us-commerce.kaspersky"
products = ["kaspersky.endpoint-security"]
hosts = ["lab-*"]
reason = "test bench without a network"
approver = "security officer"
expires = 2025-06-30
"#;

fn host(name: &str, status: &str) -> Root {
    let root = Root::debian();
    root.file("var/lib/dpkg/status", status);
    root.file("etc/hostname", format!("{name}\n"));
    root
}

fn scan(root: &Root, args: &[&str]) -> Run {
    Run::of(interdict().args(["scan", "--root"]).arg(root.path()).args(args))
}

#[test]
fn one_host_on_four_days_is_in_four_phases() {
    let root = host("pc", &format!("{SOUND}{KESL}"));
    let law = |day: &str| {
        let run = scan(&root, &["--as-of", day]);
        let lines: Vec<String> = run
            .stdout
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("law"))
            .map(str::to_owned)
            .collect();
        // A wrapped law goes on in the next lines; the whole text is compared without its line ends.
        let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!lines.is_empty(), "{}", run.stdout);
        (run.code, text)
    };
    let (code, before) = law("2024-06-19");
    assert_eq!(code, 0);
    assert!(
        before.contains("nothing in force yet on this day") && before.contains("not yet in effect"),
        "{before}"
    );
    let (code, published) = law("2024-06-24");
    assert_eq!(code, 0);
    assert!(published.contains("since 2024-06-24: published in the Federal Register"), "{published}");
    assert!(published.contains("not yet in effect, from 2024-07-20"), "{published}");
    let (code, sales) = law("2024-07-20");
    assert_eq!(code, 1);
    assert!(sales.contains("since 2024-07-20: the vendor may make no new agreements"), "{sales}");
    let (code, updates) = law("2024-09-29");
    assert_eq!(code, 1);
    assert!(updates.contains("since 2024-09-29: the vendor may supply no updates"), "{updates}");
    assert!(updates.contains("no resale, no integration"), "{updates}");

    let same = |a: &str, b: &str| {
        let strip = |day: &str| {
            let (code, text) = law(day);
            let (head, _) = text.split_once(" items in ").unwrap();
            (code, head.to_owned())
        };
        assert_eq!(strip(a), strip(b), "{a} and {b}");
    };
    same("2024-07-19", "2024-06-24");
    same("2024-09-28", "2024-07-20");
}

#[test]
fn a_waiver_is_shown_counted_and_ends() {
    let rules = Root::empty();
    let file = rules.file("waivers.toml", WAIVER);
    let waivers = ["--waivers", file.to_str().unwrap()];
    let lab = host("lab-7", &format!("{SOUND}{KESL}"));
    let waived = scan(&lab, &[&waivers[..], &["--as-of", "2025-06-30"]].concat());
    assert_eq!(waived.code, 0, "{waived:?}");
    for words in ["(1 waived)", "does not decide: waived", "approved by security officer: test bench", "kesl"]
    {
        assert!(waived.stdout.contains(words), "{words}: {}", waived.stdout);
    }
    let ended = scan(&lab, &[&waivers[..], &["--as-of", "2025-07-01"]].concat());
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("W0601") && ended.stderr.contains("it held until 2025-06-30"),
        "{}",
        ended.stderr
    );
    let other =
        scan(&host("pc", &format!("{SOUND}{KESL}")), &[&waivers[..], &["--as-of", "2025-06-30"]].concat());
    assert_eq!(other.code, 1, "a waiver is for its hosts");
    assert!(!other.stderr.contains("W0604"), "it is not for this host: {}", other.stderr);
    let unused = scan(&host("lab-8", SOUND), &[&waivers[..], &["--as-of", "2025-06-30"]].concat());
    assert_eq!(unused.code, 0);
    assert!(unused.stderr.contains("W0604"), "{}", unused.stderr);
    let two = rules.file("two.toml", format!("{WAIVER}{}", WAIVER.trim_start_matches("schema = 1\n")));
    let unused = scan(&host("lab-8", SOUND), &["--waivers", two.to_str().unwrap(), "--as-of", "2025-06-30"]);
    assert_eq!(unused.stderr.matches("W0604").count(), 2, "{}", unused.stderr);
}

#[test]
fn a_waiver_does_not_make_a_blind_scan_compliant() {
    let rules = Root::empty();
    let file = rules.file("waivers.toml", WAIVER);
    let blind = host("lab-7", &format!("{SOUND}{KESL}Package: torn\nStatus: install ok insta"));
    let run = scan(&blind, &["--waivers", file.to_str().unwrap(), "--as-of", "2025-06-30"]);
    assert_eq!(run.code, 3, "{run:?}");
}

#[test]
fn an_accepted_gap_is_counted_and_only_what_it_names() {
    let torn = host("kiosk-1", SOUND);
    torn.link("etc/systemd/system/loop.service", "loop.service");
    let report = scan(&torn, &["--format", "json"]).json();
    let unseen = &report["policies"][0]["prohibitions"][0]["unseen"];
    assert_eq!(unseen.as_array().unwrap().len(), 1, "{unseen}");
    let (source, reason) = (&unseen[0]["source"], &unseen[0]["gaps"][0]["reason"]);
    let accept = |gaps: &str| {
        let rules = Root::empty();
        let text = format!(
            "schema = 1\n[[accept_gap]]\nsource = {source}\ngaps = [{gaps}]\nhosts = [\"kiosk-*\"]\n\
             reason = \"known\"\napprover = \"security officer\"\nexpires = 2025-06-30\n"
        );
        let file = rules.file("waivers.toml", text);
        scan(&torn, &["--waivers", file.to_str().unwrap(), "--as-of", "2025-06-30"])
    };
    let accepted = accept(&reason.to_string());
    assert_eq!(accepted.code, 0, "{accepted:?}");
    assert!(
        accepted.stdout.contains("accepted gap(s)") && accepted.stdout.contains("Accepted gaps"),
        "{accepted:?}"
    );
    assert_eq!(accept("\"overmounted\"").code, 3, "another reason is another gap");
}

#[test]
fn the_key_server_of_minio_is_nobodys_antivirus() {
    let kes = "Package: kes\nStatus: install ok installed\nMaintainer: MinIO, Inc. <dev@min.io>\nArchitecture: amd64\n\
               Version: 2024.11.25\nHomepage: https://min.io\n\n";
    let root = host("pc", &format!("{SOUND}{kes}"));
    root.program("usr/local/bin/kes");
    root.file("etc/systemd/system/kes.service", "[Service]\nExecStart=/usr/local/bin/kes server\n");
    root.link("etc/systemd/system/multi-user.target.wants/kes.service", "/etc/systemd/system/kes.service");
    let run = scan(&root, &["--format", "json"]);
    assert_eq!((run.code, run.json()["findings"].as_array().unwrap().len()), (0, 0), "{}", run.stdout);
}

/// A policy that builds on another, beside the built-in rules.
fn ours(more: &str) -> (Root, String) {
    let rules = Root::empty();
    let head = "schema = 1\n[policy]\nid = \"ours\"\ntitle = \"Ours\"\nextends = [\"us-commerce\"]\n";
    let file = rules.file("ours.toml", format!("{head}{more}"));
    let path = file.display().to_string();
    (rules, path)
}

#[test]
fn a_policy_takes_over_changes_and_adds() {
    let root = host(
        "pc",
        &format!(
            "{SOUND}{KESL}Package: anydesk\nStatus: install ok installed\nArchitecture: amd64\nVersion: 6.3\n\n"
        ),
    );
    let more = "[[override]]\nprohibition = \"us-commerce.kaspersky\"\nseverity = \"low\"\neffect = \"review\"\n\
                [[prohibition]]\nid = \"ours.anydesk\"\nvendor = \"anydesk\"\nseverity = \"high\"\n";
    let (_rules, policy) = ours(more);
    let run = scan(&root, &["--policy", &policy, "--format", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let report = run.json();
    let told = |finding: &serde_json::Value| {
        ["prohibition", "severity", "decides"].map(|key| finding[key].to_string()).join(" ")
    };
    let findings: Vec<String> = report["findings"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(findings, ["\"ours.anydesk\" \"high\" true", "\"us-commerce.kaspersky\" \"low\" false"]);
    assert_eq!(report["policies"][0]["effective"], "2024-07-20", "what it does not say is as in the other");
}

#[test]
fn a_policy_of_which_nothing_counts_here_is_not_met() {
    let rules = Root::empty();
    let text = "schema = 1\n[policy]\nid = \"m\"\ntitle = \"M\"\neffective = 2025-01-01\n\
                [[prohibition]]\nid = \"m.zte\"\nvendor = \"zte\"\n";
    let policy = rules.file("m.toml", text).display().to_string();
    let run = scan(&host("pc", SOUND), &["--policy", &policy]);
    assert_eq!(run.code, 3, "what counts of it is known on Windows only: {run:?}");
    assert!(run.stdout.contains("not assessable"), "{}", run.stdout);
}

#[test]
fn two_policies_are_judged_each_by_itself() {
    let root = host("pc", &format!("{SOUND}{KESL}"));
    let run = scan(&root, &["--policy", "us-commerce", "--policy", "de-bsi", "--format", "json"]);
    let report = run.json();
    let verdicts: Vec<&str> = report["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["verdict"].as_str().unwrap())
        .collect();
    assert_eq!((run.code, verdicts), (1, vec!["non-compliant", "compliant"]), "advice never decides");
}

#[test]
fn a_law_that_binds_others_does_not_decide() {
    let root = host("pc", &format!("{SOUND}{KESL}"));
    let site = |text: &str| {
        let folder = Root::empty();
        let config = folder.file("config.toml", format!("schema = 1\n[site]\n{text}\n"));
        scan(&root, &["--policy", "us-texas", "--config", config.to_str().unwrap()])
    };
    assert_eq!(site("jurisdictions = [\"US-TX\"]\nsectors = [\"state-agency\"]").code, 1);
    assert_eq!(site("devices = [\"desktop\"]").code, 1, "who does not say where he is has chosen the policy");
    let elsewhere = site("jurisdictions = [\"CA\"]");
    assert_eq!(elsewhere.code, 0, "{elsewhere:?}");
    assert!(elsewhere.stdout.contains("no authority behind it binds this site"), "{}", elsewhere.stdout);
}
