//! Signed rules as a person and an attacker meet them: sign, change, put back, forge. Every refusal has its own words and
//! exit code 2.
#![expect(clippy::disallowed_methods, reason = "tests write rules of their own; a test fails by panicking")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use support::{Root, Run, has, interdict, is_root, skip};

const VENDOR: &str = "schema = 1\n[vendor]\nid = \"acme\"\nname = \"Acme\"\npublishers = [\"Acme\"]\n\
    [[example]]\nitems = [{ kind = \"package\", source = \"dpkg\", name = \"x\", publisher = \"Acme\" }]\n\
    expect = { product = \"acme.other\" }\n\
    [[example]]\nitems = [{ kind = \"package\", source = \"dpkg\", name = \"y\" }]\nexpect = \"none\"\n";

/// A folder with a key pair and signed rules of version 2.
fn site() -> Root {
    let site = Root::empty();
    let made = run(&site, "rules keygen --no-password --secret-key our.key --public-key our.pub");
    assert_eq!(made.code, 0, "{made:?}");
    site.file("rules/vendors/acme.toml", VENDOR);
    version(&site, 2);
    sign(&site);
    site
}

fn version(site: &Root, version: u64) {
    let manifest =
        format!("schema = 1\n[ruleset]\nname = \"ours\"\nversion = {version}\nreleased = 2026-01-01\n");
    site.file("rules/ruleset.toml", manifest);
}

fn sign(site: &Root) {
    let signed = run(site, "rules sign rules --secret-key our.key");
    assert_eq!(signed.code, 0, "{signed:?}");
}

/// Runs the program in the folder, without the configuration of this computer.
fn run(site: &Root, words: &str) -> Run {
    Run::of(interdict().current_dir(site.path()).args(words.split_whitespace()).arg("--no-config"))
}

fn list(site: &Root) -> Run {
    run(site, "rules list --rules rules --trusted-key our.pub --state state")
}

#[track_caller]
fn refused(run: &Run, words: &str) {
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains(words), "{words}: {run:?}");
    assert_eq!(run.stdout, "");
}

#[test]
fn signed_rules_are_accepted_and_remembered() {
    let site = site();
    let listed = list(&site);
    assert_eq!(listed.code, 0, "{listed:?}");
    assert!(listed.stdout.contains("acme") && listed.stdout.contains("version 2"), "{listed:?}");
    let memory = fs::read_to_string(site.at("state/rulesets.toml")).unwrap();
    assert!(memory.contains("name = \"ours\"\nversion = 2\n"), "{memory}");
    let verified = run(&site, "rules verify rules --trusted-key our.pub --state state");
    assert!(verified.code == 0 && verified.stdout.starts_with("ours 2, signed by "), "{verified:?}");
    let key = fs::read_to_string(site.at("our.pub")).unwrap();
    let words = format!("rules verify rules --state state --trusted-key {}", key.lines().nth(1).unwrap());
    assert_eq!(run(&site, &words).code, 0, "the key by itself");
}

#[test]
fn the_report_says_who_signed_which_version() {
    let site = site();
    let root = Root::debian();
    root.file("var/lib/dpkg/status", "Package: base\nStatus: install ok installed\nVersion: 1\n\n");
    let words = "scan --format json --rules rules --trusted-key our.pub --state state --root";
    let scanned = run(&site, &format!("{words} {}", root.path().display()));
    let stamp = &scanned.json()["ruleset"];
    assert_eq!(stamp["version"], 2);
    assert_eq!(stamp["stale"], false);
    assert_eq!(stamp["signed_by"].as_str().unwrap().len(), 16);
    let later = format!("{words} {} --as-of 2099-01-01", root.path().display());
    let old = run(&site, &later);
    assert_eq!(old.json()["ruleset"]["stale"], true, "the built-in rules are old by then");
    assert!(old.stderr.contains("W0510"), "{old:?}");
    let text = run(&site, &format!("scan --as-of 2099-01-01 --root {}", root.path().display()));
    assert!(text.stdout.contains("these rules are old: stale since "), "{text:?}");
}

#[test]
fn one_changed_byte_is_refused() {
    let site = site();
    let file = site.at("rules/vendors/acme.toml");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    fs::write(&file, &bytes).unwrap();
    refused(&list(&site), "altered rules: rules: vendors/acme.toml is not as it was signed");
    fs::write(&file, VENDOR.replace('\n', "\r\n")).unwrap();
    refused(&list(&site), "(its line ends are those of Windows)");
    fs::write(&file, b"\xff\xfe").unwrap();
    refused(&list(&site), "vendors/acme.toml is missing");
    assert!(list(&site).stderr.contains("not UTF-8"));
    assert!(!site.at("state").exists(), "what was refused is not remembered");
}

#[test]
fn files_that_come_and_go_are_refused() {
    let site = site();
    site.file("rules/deep/folder/more.toml", VENDOR.replace("acme", "more"));
    refused(&list(&site), "deep/folder/more.toml was added");
    fs::remove_dir_all(site.at("rules/deep")).unwrap();
    fs::rename(site.at("rules/vendors/acme.toml"), site.at("rules/vendors/b.toml")).unwrap();
    refused(&list(&site), "vendors/b.toml was added; vendors/acme.toml is missing");
    fs::remove_file(site.at("rules/vendors/b.toml")).unwrap();
    refused(&list(&site), "altered rules: rules: vendors/acme.toml is missing");
}

#[test]
fn older_rules_are_refused() {
    let site = site();
    assert_eq!(list(&site).code, 0);
    version(&site, 1);
    sign(&site);
    let words = "older rules: rules is version 1 of ours, and version 2 was accepted here before";
    refused(&list(&site), words);
    refused(&run(&site, "rules verify rules --trusted-key our.pub --state state"), words);
    refused(&run(&site, "rules check --rules rules --trusted-key our.pub --state state"), words);
    version(&site, 2);
    site.file("rules/vendors/acme.toml", format!("{VENDOR}# other\n"));
    sign(&site);
    refused(&list(&site), "ambiguous rules: rules is version 2 of ours");
    version(&site, 3);
    sign(&site);
    assert_eq!(list(&site).code, 0);
    assert_eq!(list(&site).code, 0, "the same again");
    let memory = fs::read_to_string(site.at("state/rulesets.toml")).unwrap();
    assert!(memory.contains("version = 3"), "{memory}");
}

#[test]
fn unsigned_rules_are_refused() {
    let site = site();
    refused(
        &run(&site, "rules list --rules rules/vendors/acme.toml --trusted-key our.pub --state state"),
        "unsigned rules: rules/vendors/acme.toml is a single file",
    );
    refused(
        &run(&site, "rules list --rules rules/vendors --trusted-key our.pub --state state"),
        "unsigned rules: rules/vendors has no ruleset.sums;",
    );
    fs::remove_file(site.at("rules/ruleset.sums.minisig")).unwrap();
    refused(&list(&site), "unsigned rules: rules has no ruleset.sums.minisig");
    assert_eq!(run(&site, "rules list --rules rules").code, 0, "without a key nothing is asked of them");
}

#[test]
fn rules_signed_by_somebody_else_are_refused() {
    let site = site();
    run(&site, "rules keygen --no-password --secret-key their.key --public-key their.pub");
    assert_eq!(run(&site, "rules sign rules --secret-key their.key").code, 0);
    refused(&list(&site), "rules signed by an unknown key: rules is signed by ");
    let both = "rules list --rules rules --trusted-key our.pub --trusted-key their.pub --state state";
    assert_eq!(run(&site, both).code, 0);
    refused(&run(&site, "rules list --rules rules --trusted-key none.pub --state state"), "none.pub");
    refused(&run(&site, "rules verify rules --state state"), "no key to verify with");
}

#[test]
fn broken_signatures_are_refused() {
    let site = site();
    let (sums, seal) = (site.at("rules/ruleset.sums"), site.at("rules/ruleset.sums.minisig"));
    let (good_sums, good_seal) = (fs::read_to_string(&sums).unwrap(), fs::read_to_string(&seal).unwrap());
    for end in [0, 20, 80, 160, good_seal.len() - 5] {
        fs::write(&seal, good_seal.get(..end).unwrap()).unwrap();
        refused(&list(&site), "unusable signature: rules: ruleset.sums.minisig: not a whole signature");
    }
    fs::write(&seal, b"\xff\n\xff\n\xff\n\xff\n").unwrap();
    refused(&list(&site), "ruleset.sums.minisig: not UTF-8");
    fs::write(&seal, &good_seal).unwrap();
    for bad in
        [good_sums.replace('\n', "\r\n"), good_sums.replace("ruleset.toml", "ruleset.tomk"), String::new()]
    {
        fs::write(&sums, bad).unwrap();
        refused(&list(&site), "altered rules: rules: ruleset.sums or its signature is not as the key");
    }
    fs::write(&sums, vec![b'a'; 5 << 20]).unwrap();
    refused(&list(&site), "unusable signature: rules: ruleset.sums: more than 4194304 bytes");
    fs::write(&sums, good_sums).unwrap();
    assert_eq!(list(&site).code, 0);
}

/// The list itself is hostile, and signed by a trusted key all the same.
#[test]
fn a_signed_list_may_not_lead_out_of_its_folder() {
    if !has("minisign") {
        return skip("minisign is not installed");
    }
    let site = site();
    let good = fs::read_to_string(site.at("rules/ruleset.sums")).unwrap();
    let hex = good.get(..64).unwrap();
    let lists = [
        (format!("{good}{hex}  ../our.key\n"), "not the name of a file in the folder"),
        (format!("{good}{hex}  /etc/passwd\n"), "not the name of a file in the folder"),
        (good.replace('\n', "\r\n"), "a line end of Windows"),
        (good.trim_end().to_owned(), "the file was cut off"),
        (format!("{good}{good}"), "twice"),
    ];
    for (list_text, words) in lists {
        site.file("rules/ruleset.sums", list_text);
        let signed = Command::new("minisign")
            .current_dir(site.path())
            .args(["-S", "-s", "our.key", "-m", "rules/ruleset.sums"])
            .output()
            .unwrap();
        assert!(signed.status.success(), "{signed:?}");
        refused(&list(&site), "unusable signature: rules: ruleset.sums: ");
        refused(&list(&site), words);
    }
    site.file("rules/ruleset.sums", [good.as_bytes(), hex.as_bytes(), b"  \xff.toml\n"].concat());
    refused(&list(&site), "altered rules");
}

#[test]
fn the_standard_tools_check_the_same_files() {
    if !has("minisign") || !has("sha256sum") {
        return skip("minisign or sha256sum is not installed");
    }
    let site = site();
    let tool = |folder: &str, words: &str| {
        let mut words = words.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        Run::of(command.current_dir(site.at(folder)).args(words))
    };
    let checked = tool("rules", "sha256sum --check --strict ruleset.sums");
    assert!(checked.code == 0 && checked.stdout.contains("vendors/acme.toml: OK"), "{checked:?}");
    let verified = tool(".", "minisign -V -p our.pub -m rules/ruleset.sums");
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(verified.stdout.contains("ruleset:ours\tversion:2\treleased:2026-01-01"), "{verified:?}");
    // The other way round: key and signature of minisign.
    assert_eq!(tool(".", "minisign -G -W -p their.pub -s their.key").code, 0);
    assert_eq!(tool(".", "minisign -S -s their.key -m rules/ruleset.sums").code, 0);
    let theirs = "rules list --rules rules --trusted-key their.pub --state state";
    assert_eq!(run(&site, theirs).code, 0);
    assert_eq!(run(&site, "rules sign rules --secret-key their.key").code, 0);
    assert_eq!(run(&site, theirs).code, 0);
    assert_eq!(tool(".", "minisign -V -p their.pub -m rules/ruleset.sums").code, 0);
}

#[test]
fn a_damaged_or_unwritable_memory_is_a_fault() {
    let site = site();
    assert_eq!(list(&site).code, 0);
    let file = site.at("state/rulesets.toml");
    let good = fs::read_to_string(&file).unwrap();
    for bad in ["", "schema = 1\n", good.get(..good.len() / 2).unwrap()] {
        fs::write(&file, bad).unwrap();
        refused(&list(&site), "is damaged: ");
        assert_eq!(fs::read_to_string(&file).unwrap(), bad, "it is not reset");
    }
    fs::remove_dir_all(site.at("state")).unwrap();
    site.file("state", "a file where the folder should be");
    refused(&list(&site), "cannot remember which rules were accepted in state");
    assert!(list(&site).stderr.contains("--state"));
}

#[test]
fn only_sound_rules_with_a_version_are_signed() {
    let site = site();
    let sign = || run(&site, "rules sign rules --secret-key our.key");
    site.file("rules/vendors/acme.toml", "schema = 1\n[vendor]\nid = 3\n");
    refused(&sign(), "E0103");
    site.file("rules/vendors/acme.toml", VENDOR);
    fs::remove_file(site.at("rules/ruleset.toml")).unwrap();
    refused(&sign(), "it has no file with [ruleset]");
    version(&site, 2);
    fs::rename(site.at("rules/vendors/acme.toml"), site.at("rules/vendors/a\\b.toml")).unwrap();
    refused(&sign(), "a name that not every system can have");
    fs::rename(site.at("rules/vendors/a\\b.toml"), site.at("rules/vendors/acme.toml")).unwrap();
    refused(&run(&site, "rules sign rules --secret-key none.key"), "none.key");
    let again = run(&site, "rules keygen --no-password --secret-key our.key --public-key x.pub");
    refused(&again, "cannot write the key our.key");
}

#[test]
fn keys_are_locked_by_a_password() {
    let site = site();
    site.file("password", "correct horse\n");
    site.file("wrong", "battery\n");
    let made = run(&site, "rules keygen --password-file password --secret-key a.key --public-key a.pub");
    assert_eq!(made.code, 0, "{made:?}");
    let sign = "rules sign rules --secret-key a.key --password-file";
    refused(&run(&site, &format!("{sign} wrong")), "Wrong password");
    assert_eq!(run(&site, &format!("{sign} password")).code, 0);
    refused(&run(&site, "rules keygen --secret-key b.key --public-key b.pub"), "the password is empty");
    let bits = |path: &str| fs::metadata(site.at(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(bits("a.key"), 0o600);
    assert_eq!(list(&site).code, 2, "signed by the other key now");
    assert_eq!(run(&site, "rules list --rules rules --trusted-key a.pub --state state").code, 0);
    assert_eq!((bits("state"), bits("state/rulesets.toml")), (0o700, 0o600));
}

#[test]
fn the_memory_has_a_place_of_its_own() {
    if is_root() {
        return; // root's own is /var/lib/interdict, which a test must not write
    }
    let site = site();
    let mut command = interdict();
    command.current_dir(site.path()).env_remove("INTERDICT_STATE").env("XDG_STATE_HOME", site.path());
    let words = "rules list --rules rules --trusted-key our.pub --no-config";
    assert_eq!(Run::of(command.args(words.split_whitespace())).code, 0);
    assert!(site.at("interdict/rulesets.toml").exists());
}
