//! The configuration file from outside: found, named, wrong, and weaker than arguments.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests write files and may fail loudly"
)]

mod support;

use std::fs;
use std::path::Path;

use support::{Root, Run, interdict};

const POLICY: &str = "schema = 1\n[policy]\nid = \"ours\"\ntitle = \"Ours\"\neffect = \"fail\"\n\
    effective = 2025-01-01\nmin_confidence = \"probable\"\n[[prohibition]]\nid = \"ours.kaspersky\"\n\
    vendor = \"kaspersky\"\nseverity = \"high\"\n";

fn site(config: &str) -> Root {
    let site = Root::debian();
    site.file("var/lib/dpkg/status", "Package: base\nStatus: install ok installed\nVersion: 1\n\n");
    site.file("conf/site.toml", format!("schema = 1\n{config}"));
    site.file("conf/ours.toml", POLICY);
    site
}

fn scan(site: &Root, args: &[&str]) -> Run {
    let mut command = interdict();
    command.env_remove("INTERDICT_STATE");
    command.args(["scan", "--format", "json", "--root"]).arg(site.path()).args(args);
    Run::of(command.current_dir(site.at("conf")).args(["--config", "site.toml"]))
}

fn policies(run: &Run) -> Vec<String> {
    let report = run.json();
    let policies = report["policies"].as_array().unwrap();
    policies.iter().map(|policy| policy["policy"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn arguments_win_over_the_file_and_the_file_over_the_default() {
    let ours = site("policies = [\"ours.toml\"]\n");
    assert_eq!(policies(&scan(&ours, &[])), ["ours"]);
    assert_eq!(policies(&scan(&ours, &["--policy", "us-commerce"])), ["us-commerce"]);
    assert_eq!(policies(&scan(&site(""), &[])), ["us-commerce"]);
    let elsewhere = Run::of(
        interdict()
            .args(["scan", "--format", "json", "--root"])
            .arg(ours.path())
            .arg("--config")
            .arg(ours.at("conf/site.toml")),
    );
    assert_eq!(policies(&elsewhere), ["ours"], "from another folder");
}

#[test]
fn rules_waivers_and_the_site_come_from_the_file() {
    let waiver = "schema = 1\n[[waiver]]\nprohibition = \"us-commerce.kaspersky\"\nproducts = [\"kaspersky.endpoint-security\"]\n\
        reason = \"test\"\napprover = \"me\"\nexpires = 2026-12-31\n";
    let site = site(
        "waivers = [\"w.toml\"]\nrules = [\"more\"]\n[site]\njurisdictions = [\"US-TX\"]\nsectors = [\"private\"]\n",
    );
    site.file("conf/w.toml", waiver);
    site.file(
        "conf/more/ruleset.toml",
        "schema = 1\n[ruleset]\nname = \"more\"\nversion = 9\nreleased = 2026-01-01\n",
    );
    let kesl = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <x@kaspersky.com>\nVersion: 1\n\n";
    site.file("var/lib/dpkg/status", kesl);
    let scanned = scan(&site, &["--as-of", "2026-11-01"]);
    let report = scanned.json();
    assert_eq!(report["ruleset"]["version"], 9, "{report:#}");
    assert_eq!(scanned.finding("kaspersky.endpoint-security").unwrap()["waiver"]["approver"], "me");
}

#[test]
fn faults_are_all_shown_and_end_the_run() {
    let wrong = site("policys = []\nbuilt_in = 1\n[site]\nsectors = [\"spies\"]\n");
    for command in ["scan", "inventory"] {
        let mut run = interdict();
        run.current_dir(wrong.at("conf")).args([command, "--config", "site.toml", "--root"]);
        let run = Run::of(run.arg(wrong.path()));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        for words in
            ["site.toml:2:1", "E0102", "E0103", "E0107", "the configuration cannot be used: 3 fault(s)"]
        {
            assert!(run.stderr.contains(words), "{words}: {run:?}");
        }
    }
    assert_eq!(scan(&wrong, &["--no-config"]).code, 2, "both make no sense");
    let plain = |args: &[&str]| Run::of(interdict().args(args).current_dir(wrong.at("conf")));
    let missing = plain(&["rules", "list", "--config", "none.toml"]);
    assert!(
        missing.code == 2 && missing.stderr.contains("cannot read the configuration none.toml"),
        "{missing:?}"
    );
    assert_eq!(plain(&["rules", "list", "--config", "."]).code, 2);
    fs::write(wrong.at("conf/site.toml"), b"\xff").unwrap();
    assert!(plain(&["rules", "list", "--config", "site.toml"]).stderr.contains("not UTF-8"));
    assert_eq!(plain(&["rules", "list", "--no-config"]).code, 0);
}

#[test]
fn trusted_keys_of_the_file_are_asked() {
    let site = site("rules = [\"more\"]\ntrusted_keys = [\"our.pub\"]\nstate = \"state\"\n");
    site.file(
        "conf/more/ruleset.toml",
        "schema = 1\n[ruleset]\nname = \"more\"\nversion = 9\nreleased = 2026-01-01\n",
    );
    let run = |words: &str| {
        let mut command = interdict();
        command.current_dir(site.at("conf")).env_remove("INTERDICT_STATE");
        Run::of(command.args(words.split_whitespace()))
    };
    let made = run("rules keygen --no-password --secret-key our.key --public-key our.pub --no-config");
    assert_eq!(made.code, 0, "{made:?}");
    let unsigned = scan(&site, &[]);
    assert!(unsigned.code == 2 && unsigned.stderr.contains("unsigned rules"), "{unsigned:?}");
    assert_eq!(run("rules sign more --secret-key our.key --no-config").code, 0);
    assert_eq!(scan(&site, &[]).json()["ruleset"]["version"], 9);
    assert!(site.at("conf/state/rulesets.toml").exists());
    let verified = run("rules verify more --config site.toml");
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn without_any_rules_there_is_nothing_to_judge_by() {
    let run = scan(&site("built_in = false\n"), &[]);
    assert!(run.code == 2 && run.stderr.contains("there are no rules"), "{run:?}");
}

#[test]
fn the_page_shows_every_key_and_its_example_is_right() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = fs::read_to_string(page).unwrap();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let site = site("");
    site.file("conf/site.toml", example);
    let read = Run::of(
        interdict()
            .args(["inventory", "--root"])
            .arg(site.path())
            .arg("--config")
            .arg(site.at("conf/site.toml")),
    );
    assert!(read.code == 0 || read.code == 3, "{read:?}");
    site.file("conf/site.toml", format!("{example}\nnonsense = 1\n"));
    let wrong = scan(&site, &[]);
    let known = wrong.stderr.split("it has: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    site.file("conf/site.toml", format!("nonsense = 1\n{example}"));
    let top = scan(&site, &[]).stderr;
    let top = top.split("it has: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let keys = known.split(", ").map(|key| format!("`site.{key}`"));
    let tops = top.split(", ").filter(|key| *key != "site").map(|key| format!("`{key}`"));
    let missing: Vec<String> = keys.chain(tops).filter(|key| !page.contains(&format!("| {key} |"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Runs a command in the folder of the configuration with variables.
fn with(site: &Root, variables: &[(&str, &str)], words: &str) -> Run {
    let mut command = interdict();
    command.current_dir(site.at("conf")).env_remove("INTERDICT_STATE").env_remove("INTERDICT_WAIT");
    Run::of(command.envs(variables.iter().copied()).args(words.split_whitespace()))
}

#[test]
fn arguments_win_over_the_environment_and_the_environment_over_the_file() {
    let site = site("policies = [\"ours.toml\"]\nscope = \"system\"\ndepth = \"quick\"\n");
    let root = site.path().display();
    let claim = |variables: &[(&str, &str)], more: &str| {
        let words = format!("scan --config site.toml --format json --root {root} {more}");
        let report = with(&site, variables, &words).json();
        let word = |key: &str| report["claim"][key].as_str().unwrap().to_owned();
        (word("scope"), word("depth"), report["policies"][0]["policy"].as_str().unwrap().to_owned())
    };
    let words = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(claim(&[], ""), words("system", "quick", "ours"));
    let variables = [("INTERDICT_DEPTH", "standard"), ("INTERDICT_POLICIES", "us-commerce")];
    assert_eq!(claim(&variables, ""), words("system", "standard", "us-commerce"));
    let arguments = "--depth quick --scope all --policy ours.toml";
    assert_eq!(claim(&variables, arguments), words("all", "quick", "ours"));
}

#[test]
fn what_is_in_force_is_shown_with_who_said_it() {
    let site = site("policies = [\"ours.toml\"]\n\nbudget = 60\n[site]\nsectors = [\"private\"]\n");
    let variables = [("INTERDICT_BUDGET", "7"), ("INTERDICT_DEPHT", "deep")];
    let shown = with(&site, &variables, "config show --origin --format json --config site.toml");
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown.stderr.contains("INTERDICT_DEPHT says nothing to this program; did you mean INTERDICT_DEPTH?")
    );
    let document = shown.json();
    let value = |key: &str| {
        let values = document["values"].as_array().unwrap();
        let one = values.iter().find(|one| one["key"] == key).unwrap();
        (one["value"].clone(), one["origin"].clone())
    };
    let variable = serde_json::json!({ "kind": "environment", "variable": "INTERDICT_BUDGET" });
    assert_eq!(value("budget"), (7.into(), variable));
    assert_eq!(value("policies").1, serde_json::json!({ "kind": "file", "path": "site.toml", "line": 2 }));
    assert_eq!(value("site.sectors").1["line"], 5);
    assert_eq!(value("site.devices"), (serde_json::Value::Null, serde_json::json!({ "kind": "default" })));
    assert_eq!(value("depth").1["kind"], "default");
    let text = with(&site, &variables, "config show --origin --config site.toml").stdout;
    for words in ["site.toml:2", "the variable INTERDICT_BUDGET", "nobody: the default", "us-commerce"] {
        assert_eq!(text.contains(words), words != "us-commerce", "{words}: {text}");
    }
    assert_eq!(with(&site, &[], "config check --config site.toml").code, 0);
}

#[test]
fn a_wrong_word_is_told_with_the_nearest_and_a_variable_with_its_line() {
    let site = site("bugdet = 3\n");
    let wrong = with(&site, &[], "config check --config site.toml");
    assert!(wrong.code == 2 && wrong.stderr.contains("did you mean `budget`? it has: "), "{wrong:?}");
    let wrong = with(&site, &[("INTERDICT_BUDGET", "soon")], "config check --no-config");
    for words in ["the environment (INTERDICT_…)", "budget = \"soon\"", "E0103"] {
        assert!(wrong.code == 2 && wrong.stderr.contains(words), "{words}: {wrong:?}");
    }
}

#[test]
fn the_report_goes_where_the_configuration_says_unless_an_argument_says_otherwise() {
    let site = site("output = [\"json=report.json\", \"report.md\"]\n");
    let root = site.path().display();
    let plain = with(&site, &[], &format!("scan --config site.toml --root {root}"));
    assert_eq!(plain.stdout, "", "{plain:?}");
    let written = fs::read_to_string(site.at("conf/report.json")).unwrap();
    assert!(written.contains("interdict.report/1") && site.at("conf/report.md").exists());
    let asked = with(&site, &[], &format!("scan --config site.toml --format text --root {root}"));
    assert!(asked.stdout.lines().count() > 3, "{asked:?}");
    let listed = with(&site, &[], &format!("inventory --config site.toml --format json --root {root}"));
    assert!(listed.stdout.contains("interdict.inventory/1"), "an inventory is no report");
}

#[test]
fn a_configuration_that_others_can_change_is_refused_as_root() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    if !support::is_root() {
        return;
    }
    let site = site("rules = [\"more\"]\n");
    site.file(
        "conf/more/ruleset.toml",
        "schema = 1\n[ruleset]\nname = \"more\"\nversion = 9\nreleased = 2026-01-01\n",
    );
    let check = || with(&site, &[], "config check --config site.toml");
    let mode =
        |path: &str, mode| fs::set_permissions(site.at(path), fs::Permissions::from_mode(mode)).unwrap();
    let refused = |words: &str| {
        let run = check();
        assert!(
            run.code == 2 && run.stderr.contains(words) && run.stderr.contains("chmod go-w"),
            "{words}: {run:?}"
        );
    };
    assert_eq!(check().code, 0, "{:?}", check());
    mode("conf/site.toml", 0o666);
    refused("may be written by everybody (mode 666)");
    mode("conf/site.toml", 0o644);
    chown(site.at("conf/site.toml"), Some(65534), None).unwrap();
    refused("belongs to the user 65534");
    chown(site.at("conf/site.toml"), Some(0), Some(65534)).unwrap();
    mode("conf/site.toml", 0o664);
    refused("may be written by the group 65534");
    mode("conf/site.toml", 0o644);
    mode("conf", 0o777);
    refused("may be written by everybody (mode 777)");
    mode("conf", 0o1777);
    assert_eq!(check().code, 0, "nobody can put another in its place");
    mode("conf/more", 0o777);
    refused("what the configuration names, ");
    assert_eq!(with(&site, &[], "config check --no-config").code, 0);
    mode("conf/more", 0o755);
    mode("conf", 0o755);
    assert_eq!(check().code, 0);
}

#[test]
fn which_verdicts_fail_is_said_by_argument_environment_or_file() {
    let site = site("fail_on = \"non-compliant\"\n");
    let root = site.path().display();
    let run = |variables: &[(&str, &str)], more: &str| {
        let run =
            with(&site, variables, &format!("scan --config site.toml --format json --root {root} {more}"));
        let report = run.json();
        (run.code, report["verdict"].as_str().unwrap().to_owned(), report["exit_code"].as_i64().unwrap())
    };
    // The scan of users' homes is a part of what is asked: one that is a file cannot be seen.
    fs::remove_dir(site.at("home/alice")).unwrap();
    site.file("home/alice", "");
    let inconclusive = |code| (code, "inconclusive".to_owned(), 3);
    assert_eq!(run(&[], ""), inconclusive(0));
    assert_eq!(run(&[], "--fail-on inconclusive"), inconclusive(3));
    assert_eq!(run(&[("INTERDICT_FAIL_ON", "inconclusive")], ""), inconclusive(3));
    let kesl = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <x@kaspersky.com>\nVersion: 1\n\n";
    site.file("var/lib/dpkg/status", kesl);
    let found = |code| (code, "non-compliant".to_owned(), 1);
    assert_eq!(run(&[], ""), found(1));
    assert_eq!(run(&[("INTERDICT_FAIL_ON", "never")], ""), found(0));
    assert_eq!(run(&[("INTERDICT_FAIL_ON", "never")], "--fail-on non-compliant"), found(1));
    let fault = with(&site, &[], &format!("scan --no-config --fail-on never --policy none --root {root}"));
    assert_eq!(fault.code, 2, "a fault of the run is no verdict");
}

#[test]
fn memory_and_log_are_said_by_argument_environment_or_file() {
    let site = site("max_memory = 4\nlog = \"file:own.log\"\n");
    let root = site.path().display();
    let scan = |variables: &[(&str, &str)], more: &str| {
        with(&site, variables, &format!("scan --config site.toml --format json --root {root} {more}"))
    };
    let is_full = |run: &Run| run.stdout.contains("\"memory\"");
    assert!(is_full(&scan(&[], "")));
    assert!(site.at("conf/own.log").exists(), "meant from the folder of the file");
    fs::remove_file(site.at("conf/own.log")).unwrap();
    let other = scan(&[("INTERDICT_MAX_MEMORY", "4000"), ("INTERDICT_LOG", "file:other.log")], "");
    assert!(!is_full(&other) && site.at("conf/other.log").exists() && !site.at("conf/own.log").exists());
    assert!(!is_full(&scan(&[], "--max-memory 4000 --log none")) && !site.at("conf/own.log").exists());
    let shown = with(&site, &[("INTERDICT_LOG", "none")], "config show --origin --config site.toml").stdout;
    for words in ["the variable INTERDICT_LOG", "site.toml:2", "max_memory", "fail_on"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    for (wrong, words) in [
        ("log = \"sylog\"\n", "not a place of logs"),
        ("max_memry = 1\n", "did you mean `max_memory`?"),
        ("fail-on = \"never\"\n", "did you mean `fail_on`?"),
        ("fail_on = \"sometimes\"\n", "E0107"),
        ("max_memory = 99999999999\n", "E0103"),
    ] {
        site.file("conf/site.toml", format!("schema = 1\n{wrong}"));
        let faults = with(&site, &[], "config check --config site.toml");
        assert!(faults.code == 2 && faults.stderr.contains(words), "{words}: {faults:?}");
    }
    let variable = with(&site, &[("INTERDICT_MAXMEMORY", "1")], "config show --no-config");
    assert!(variable.stderr.contains("did you mean INTERDICT_MAX_MEMORY?"), "{variable:?}");
}
