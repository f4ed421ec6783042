//! The tools for people who write and defend rules, as a person and a script meet them.
#![expect(clippy::disallowed_methods, reason = "builds roots and rules and reads what was written")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; a test fails by panicking"
)]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use support::{Root, Run, interdict};

const VENDOR: &str = r#"schema = 1

[vendor]
id = "acme"
name = "Acme"
aliases = ["Acme Werke"]
publishers = ["Acme Corp"]
signers = ["Acme Corp"]
source = "this test"

[[product]]
id = "acme.guard"
name = "Guard"
category = "security"

[[product.indicator]]
kind = "package"
name = { exact = ["guard"] }
publisher = { exact = ["Acme Corp"] }
strength = "conclusive"
source = "page 7 of the manual"

[[product.indicator]]
kind = "package"
name = { exact = ["guard"], glob = ["guard-*"] }
unless = { publisher = { exact = ["A Friend"] } }
strength = "strong"
source = "this test"

[[product.indicator]]
kind = "executable"
path = { glob = ["/opt/acme/**"] }
image = { exists = true }
strength = "strong"
source = "this test"

[[product.indicator]]
kind = "package"
families = ["windows"]
name = { exact = ["guard"] }
strength = "strong"
source = "this test"

[[exclude]]
kind = "package"
name = { exact = ["guard"] }
publisher = { exact = ["Somebody Else"] }
reason = "a dog"

[[example]]
items = [{ kind = "package", name = "guard", publisher = "Acme Corp" }]
expect = { product = "acme.guard" }

[[example]]
items = [{ kind = "package", name = "guard", publisher = "Somebody Else" }]
expect = "none"
"#;

const POLICY: &str = r#"schema = 1

[policy]
id = "house"
title = "No Acme"
effective = 2024-01-01

[[prohibition]]
id = "house.acme"
vendor = "acme"
except_products = ["acme.other"]
authorities = ["rule-7"]
severity = "low"
"#;

const AUTHORITY: &str = r#"schema = 1

[authority]
id = "rule-7"
title = "Rule 7"
jurisdiction = "our house"
citation = "minutes of the board, 2024-01-01"
verified = "official"
acts = ["presence"]
forbids = "having it"
population = "everybody here"
"#;

/// A folder of rules and a host, and runs of `interdict rules` on them.
struct World {
    rules: Root,
    host: Root,
}

fn world() -> World {
    let rules = Root::empty();
    for (name, text) in [("acme.toml", VENDOR), ("house.toml", POLICY), ("rule-7.toml", AUTHORITY)] {
        rules.file(name, text);
    }
    let host = Root::debian();
    let package = |name: &str, maintainer: &str| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: {maintainer}\nVersion: 1.0\n\n"
        )
    };
    let status = [
        package("guard", "Acme Corp"),
        package("guard-dog", "A Friend"),
        package("guard-cat", "Nobody"),
        package("innocent", "Nobody"),
    ];
    host.file("var/lib/dpkg/status", status.concat());
    World { rules, host }
}

impl World {
    /// A command of `interdict rules` that reads these rules.
    fn run(&self, args: &[&str]) -> Run {
        let mut command = interdict();
        command.arg("rules").args(args).arg("--no-built-in").arg("--rules").arg(self.rules.path());
        Run::of(&mut command)
    }

    fn explain(&self, what: &str, args: &[&str]) -> Run {
        let root = self.host.path().to_str().unwrap();
        self.run(&[&["explain", what, "--policy", "house", "--root", root], args].concat())
    }

    /// The items that are explained, and the indicators tried on the first sighting of the first.
    fn tried(&self, what: &str, args: &[&str]) -> (Value, Vec<Value>) {
        let run = self.explain(what, &[&["--json"], args].concat());
        assert_eq!(run.code, 0, "{run:?}");
        let document = run.json();
        let tried = document["items"][0]["sightings"][0]["rules"]["tried"].as_array().unwrap().clone();
        (document, tried)
    }
}

fn words<'a>(values: &'a [Value], key: &str) -> Vec<&'a str> {
    values.iter().map(|value| value[key].as_str().unwrap()).collect()
}

#[test]
fn every_condition_of_a_hit_is_explained() {
    let world = world();
    let (document, tried) = world.tried("guard", &[]);
    assert_eq!(document["schema"], "interdict.explain/1");
    assert_eq!(words(&tried, "ending"), ["hit", "hit", "hit"]);
    assert_eq!(words(&tried, "product"), ["acme.guard"; 3], "the vendor's list speaks for the product");
    assert!(tried[0]["at"].as_str().unwrap().ends_with("acme.toml:16"), "{tried:#?}");
    let publisher = &tried[0]["conditions"][1];
    assert_eq!((&publisher["key"], &publisher["met"]), (&"publisher".into(), &"fully".into()));
    assert_eq!(publisher["seen"], serde_json::json!({ "value": "\"acme corp\"" }));
    let rules = &document["items"][0]["sightings"][0]["rules"];
    assert_eq!((&rules["other_kind"], &rules["other_family"]), (&1.into(), &1.into()));
    let under = &document["on_this_host"][0]["policies"][0];
    assert_eq!((&under["decides"], &under["confidence"]), (&true.into(), &"confirmed".into()));
    let text = world.explain("package:guard", &[]).stdout;
    for words in [
        "hit: acme.guard conclusive product",
        "has \"guard\"",
        "decides (house.acme)",
        "seen by dpkg: installed",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn what_is_no_hit_says_why() {
    let world = world();
    let (_, tried) = world.tried("guard-dog", &[]);
    assert_eq!(words(&tried, "ending"), ["unless"]);
    assert_eq!(tried[0]["unless"][0]["met"], "fully");
    let (document, tried) = world.tried("innocent", &[]);
    assert!(tried.is_empty() && document["on_this_host"].as_array().unwrap().is_empty());
    assert!(document["items"][0]["sightings"][0]["rules"]["far"].as_u64().unwrap() >= 3, "{document:#}");
    let (_, tried) = world.tried("innocent", &["--all"]);
    assert!(tried.len() >= 3 && words(&tried, "ending").iter().all(|ending| *ending == "unmet"));
    assert!(world.explain("innocent", &[]).stdout.contains("by itself: a sign of nothing"));
    world.host.file(
        "var/lib/dpkg/status",
        "Package: guard\nStatus: install ok installed\nMaintainer: Somebody Else\nVersion: 1\n\n",
    );
    let (_, tried) = world.tried("guard", &[]);
    let excluded = tried.iter().find(|tried| tried["ending"] == "excluded").unwrap();
    assert_eq!(excluded["excluded_by"][0]["reason"], "a dog");
    assert!(world.explain("guard", &[]).stdout.contains("excluded by"));
}

#[test]
fn the_policy_says_why_it_does_not_decide() {
    let world = world();
    let early = world.explain("guard", &["--as-of", "2023-12-31"]).stdout;
    assert!(early.contains("does not decide (house.acme): not yet in effect"), "{early}");
    world.rules.file(
        "house.toml",
        POLICY.replace(
            "except_products = [\"acme.other\"]",
            "products = [\"acme.guard\"]\nexcept_products = [\"acme.guard\"]",
        ),
    );
    let excepted = world.explain("guard", &[]).stdout;
    assert!(excepted.contains("under house not prohibited"), "{excepted}");
}

#[test]
fn a_path_that_no_source_reported_is_explained() {
    let world = world();
    let (document, tried) = world.tried("/opt/acme/not/there", &[]);
    assert_eq!((&document["items"][0]["reported"], &tried[0]["ending"]), (&false.into(), &"unmet".into()));
    assert_eq!(tried[0]["conditions"][0]["key"], "image");
    world.host.file("opt/acme/lib/there", "x");
    let text = world.explain("/opt/acme/lib/there", &[]).stdout;
    assert!(text.contains("no source reported it") && text.contains("a file is there"), "{text}");
    assert!(text.contains("hit: acme.guard strong"), "{text}");
    let nothing = world.explain("no-such-thing", &[]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (2, ""));
    assert!(nothing.stderr.contains("interdict inventory"), "{nothing:?}");
}

#[test]
fn an_item_has_several_names() {
    let world = world();
    let (document, _) = world.tried("GUARD", &[]);
    let id = document["items"][0]["item"]["id"].as_str().unwrap();
    assert_eq!(world.tried(id, &[]).0["items"], document["items"]);
    assert_eq!(world.tried("package:guard", &[]).0["items"], document["items"]);
    assert_eq!(world.explain("service:guard", &[]).code, 2);
}

#[test]
fn all_words_must_stand_in_one_entry() {
    let world = world();
    let found = world.run(&["search", "PAGE", "manual", "--json"]).json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!((&found[0]["what"], &found[0]["id"]), (&"indicator".into(), &"acme.guard".into()));
    assert_eq!(found[0]["line"], "source: page 7 of the manual");
    for (word, what) in
        [("werke", "vendor"), ("dog", "exclude"), ("board", "authority"), ("low", "prohibition")]
    {
        let run = world.run(&["search", word]);
        assert!(run.code == 0 && run.stdout.contains(what), "{word}: {run:?}");
    }
    let nothing = world.run(&["search", "page", "dog"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (1, ""));
    assert_eq!(world.run(&["search", "page", "dog", "--json"]).stdout, "[]\n");
}

#[test]
fn the_list_can_be_data_and_of_one_thing() {
    let world = world();
    let ids = |what: &[&str]| {
        let list = world.run(&[&["list", "--json"], what].concat()).json();
        words(list.as_array().unwrap(), "id").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["products"]), ["acme.guard", "acme.other"]);
    assert_eq!(ids(&["prohibitions"]), ["house.acme"]);
    assert_eq!(ids(&[]), ["acme", "acme.guard", "acme.other", "house", "house.acme", "rule-7"]);
    assert!(ids(&["waivers"]).is_empty());
    let text = world.run(&["list", "authorities"]).stdout;
    assert!(text.contains("minutes of the board") && !text.contains("acme"), "{text}");
}

#[test]
fn what_is_shown_can_be_read_and_is_whole() {
    let world = world();
    for (id, all) in [
        ("acme", &["aliases", "Acme Werke", "acme.other", "exclude", "a dog"][..]),
        (
            "acme.guard",
            &["conclusive product", "name: \"guard\" or like \"guard-*\"", "unless publisher: \"a friend\""],
        ),
        ("house", &["No Acme", "house.acme", "probable", "except      acme.other"]),
        ("house.acme", &["severity    low", "embedded    forbidden", "rule-7"]),
        ("rule-7", &["verified    official", "having it"]),
    ] {
        let text = world.run(&["show", id]).stdout;
        assert!(all.iter().all(|words| text.contains(words)), "{id}: {text}");
        let json = world.run(&["show", id, "--json"]).json();
        assert!(json.as_object().unwrap().len() <= 3, "{json:#}");
    }
    let json = world.run(&["show", "acme.guard", "--json"]).json();
    assert_eq!(json["indicators"].as_array().unwrap().len(), 4);
    assert_eq!(json["indicators"][0]["rule"]["conditions"][0]["key"], "name");
    assert_eq!(world.run(&["show", "nothing"]).code, 2);
}

/// The rules that the templates speak of.
fn rules_for_templates() -> Root {
    let rules = Root::empty();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let copy = |name: &str| rules.file(name, fs::read(ours.join(name)).unwrap());
    copy("vendors/kaspersky.toml");
    let policy: toml::Table =
        toml::from_str(&fs::read_to_string(copy("policies/us-commerce.toml")).unwrap()).unwrap();
    for id in policy["prohibition"][0]["authorities"].as_array().unwrap() {
        copy(&format!("authorities/{}.toml", id.as_str().unwrap()));
    }
    rules
}

#[test]
fn a_new_file_loads_as_it_is() {
    let rules = rules_for_templates();
    let run = |args: &[&str]| Run::of(interdict().arg("rules").args(args));
    let path = rules.path().to_str().unwrap();
    let args = ["--no-built-in", "--rules", path];
    for kind in ["vendor", "policy", "authority", "waiver"] {
        let file = rules.at(format!("new/{kind}.toml"));
        let made = run(&["new", kind, "lab", "--output", file.to_str().unwrap()]);
        assert_eq!((made.code, made.stdout.as_str()), (0, ""), "{made:?}");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("TODO") && text.contains("lab") && !text.contains('@'), "{text}");
        let again = run(&["new", kind, "lab", "--output", file.to_str().unwrap()]);
        assert!(again.code == 2 && again.stderr.contains("is there already"), "{again:?}");
        assert_eq!(run(&["new", kind, "lab"]).stdout, text, "without a file it is printed");
    }
    let check = run(&[&["check", "--json"], &args[..]].concat());
    assert_eq!((check.code, check.stdout.as_str()), (0, "[]\n"), "{check:?}");
    assert_eq!(run(&[&["test"], &args[..]].concat()).code, 0);
    assert_eq!(run(&["fmt", "--check", rules.at("new").to_str().unwrap()]).code, 0);
    let wrong = run(&["new", "vendor", "Acme Labs"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("acme-labs"), "{wrong:?}");
}

fn waive(world: &World, file: &Path, args: &[&str]) -> Run {
    let fixed = [
        "waive",
        "--prohibition",
        "house.acme",
        "--reason",
        "a \"test\"",
        "--approver",
        "A. Person",
        "--output",
    ];
    world.run(&[&fixed[..], &[file.to_str().unwrap()], args].concat())
}

#[test]
fn a_waiver_is_added_to_those_there_are() {
    let world = world();
    let file = world.rules.at("waivers.toml");
    let good = ["--product", "acme.guard", "--hosts", "lab-*", "--expires", "2999-12-31"];
    assert_eq!(waive(&world, &file, &good).code, 0);
    let first = fs::read_to_string(&file).unwrap();
    assert!(first.starts_with("schema = 1\n\n[[waiver]]\nprohibition = \"house.acme\"\n"), "{first}");
    fs::write(&file, format!("# kept\n{first}# at the end\n")).unwrap();
    let second = waive(&world, &file, &["--hosts", "test-*", "--hosts", "ci-*", "--expires", "2999-12-31"]);
    assert_eq!(second.code, 0, "{second:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("# kept")
            && text.contains("# at the end")
            && text.contains("hosts = [\"test-*\", \"ci-*\"]"),
        "{text}"
    );
    assert_eq!(world.run(&["list", "waivers", "--json"]).json().as_array().unwrap().len(), 2);
    assert!(
        world.run(&["show", "house.acme"]).stdout.contains("until")
            || world.run(&["show", "house.acme"]).stdout.contains("2999-12-31")
    );
}

#[test]
fn a_waiver_that_is_wrong_is_not_written() {
    let world = world();
    let file = world.rules.at("out/waivers.toml");
    let to = ["--expires", "2999-12-31"];
    for (args, why) in [
        (&["--hosts", "lab-*", "--expires", "2020-01-01"][..], "is over"),
        (&["--expires", "2999-12-31"], "--broad"),
        (&[&["--product", "acme.gard"], &to[..]].concat(), "no product 'acme.gard'"),
        (&[&["--product", "acme.other"], &to[..]].concat(), "needs no waiver"),
    ] {
        let run = waive(&world, &file, args);
        assert!(run.code == 2 && run.stderr.contains(why), "{why}: {run:?}");
        assert!(!file.exists());
    }
    let text =
        ["waive", "--prohibition", "house.x", "--reason", "x", "--approver", "x", "--expires", "2999-01-01"];
    let unknown = world.run(&[&text[..], &["--output", file.to_str().unwrap()]].concat());
    assert!(unknown.stderr.contains("no prohibition 'house.x'"), "{unknown:?}");
    let vendor = world.rules.file("other/vendor.txt", VENDOR);
    let run = waive(&world, &vendor, &["--hosts", "lab-*", "--expires", "2999-12-31"]);
    assert!(run.code == 2 && run.stderr.contains("left as it is"), "{run:?}");
    assert_eq!(fs::read_to_string(&vendor).unwrap(), VENDOR);
    let broad = world.rules.at("broad.toml");
    assert_eq!(waive(&world, &broad, &["--expires", "2999-12-31", "--broad"]).code, 0);
}

fn fmt(args: &[&str]) -> Run {
    Run::of(interdict().args(["rules", "fmt"]).args(args))
}

#[test]
fn files_are_laid_out_in_place() {
    let rules = Root::empty();
    let (good, bad) =
        (rules.file("a/good.toml", VENDOR), rules.file("b/bad.toml", "name = 1 # why\nschema=1\n"));
    let folder = rules.path().to_str().unwrap();
    let check = fmt(&["--check", folder]);
    assert_eq!((check.code, check.stdout), (1, format!("{}\n", bad.display())));
    assert_eq!(fs::read_to_string(&bad).unwrap(), "name = 1 # why\nschema=1\n", "only looked at");
    assert_eq!(fmt(&[folder]).code, 0);
    assert_eq!(fs::read_to_string(&bad).unwrap(), "name = 1 # why\nschema = 1\n");
    assert_eq!(fs::read_to_string(&good).unwrap(), VENDOR);
    assert_eq!(fmt(&["--check", folder]).code, 0);
    let broken = rules.file("c.toml", "name = \n");
    let run = fmt(&[folder]);
    assert!(run.code == 2 && run.stderr.contains("c.toml: not valid TOML"), "{run:?}");
    assert_eq!(fs::read_to_string(broken).unwrap(), "name = \n");
    assert_eq!(fmt(&["/nonexistent/rules"]).code, 2);
}

#[test]
fn the_layout_is_a_filter() {
    let mut command = interdict();
    command.args(["rules", "fmt", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"[vendor]\nname='A'\nid = 'a'").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "[vendor]\nid = 'a'\nname = 'A'\n");
}

fn our_rules() -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"));
    let files = walk.into_iter().map(|entry| entry.unwrap().into_path());
    files.filter(|file| file.extension().is_some_and(|end| end == "toml")).collect()
}

#[test]
fn our_own_rules_are_laid_out() {
    let files = our_rules();
    assert!(files.len() > 4);
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let check = fmt(&["--check", rules.to_str().unwrap()]);
    assert_eq!((check.code, check.stdout.as_str()), (0, ""), "run 'cargo run -- rules fmt rules'");
}

#[test]
fn every_tool_has_examples_in_its_help() {
    for tool in ["explain", "search", "new", "waive", "fmt", "schema", "list", "show"] {
        let help = Run::of(interdict().args(["rules", tool, "--help"]));
        assert!(help.code == 0 && help.stdout.contains("Examples:"), "{help:?}");
    }
}
