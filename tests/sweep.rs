//! The deep sweep by the program itself: a renamed program is found by who signed it, wherever it lies; a name alone is
//! little; traps are left alone, and what was not looked at is told.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests lay out disks; a test fails by panicking"
)]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::blind::{Bench, source_of};
use support::forge::Forge;
use support::pe::{Image, image};
use support::windows::{Windows, certificate_blob, program};
use support::{Root, Run, has, is_root, scan_as_nobody, skip};

const SOUND: &str = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
const VENDORS_OWN: &str = "kaspersky.other";

fn debian() -> Root {
    let root = Root::debian();
    root.file("var/lib/dpkg/status", SOUND);
    root
}

fn deep(root: &Root) -> Run {
    root.scan(&["--depth", "deep"])
}

/// A program that says nothing of itself, signed in the vendor's name by an authority of the test's own.
fn signed(forge: &Forge) -> Vec<u8> {
    forge.sign(&image(&Image { strings: &[], version: [0; 4], overlay: b"" }), &["-h", "sha256"])
}

fn forge() -> Option<Forge> {
    Forge::with_signer("/CN=AO Kaspersky Lab/O=AO Kaspersky Lab/C=RU")
}

/// Confidence and sources of a finding.
fn told(run: &Run, product: &str) -> Option<(String, Vec<String>)> {
    let finding = run.finding(product)?;
    let evidence = finding["evidence"].as_array().unwrap();
    let sources = evidence.iter().map(|one| one["source"].as_str().unwrap().to_owned()).collect();
    Some((finding["confidence"].as_str().unwrap().to_owned(), sources))
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what `told` says")]
fn certain(word: &str) -> Option<(String, Vec<String>)> {
    Some((word.to_owned(), vec!["sweep".to_owned()]))
}

/// A workstation on which a program lies in a user's Downloads, under another name and deeper than programs are looked for.
fn windows(bytes: &[u8], root: Option<&[u8]>) -> Root {
    let mut disk = Windows::workstation().file("Users/alice/Downloads/Holiday/2024/Rome/img_2041.jpg", bytes);
    if let Some(root) = root {
        let key = r"Microsoft\SystemCertificates\ROOT\Certificates\00112233445566778899AABBCCDDEEFF00112233";
        disk.add("software", key, &[("Blob", certificate_blob(root))]);
    }
    disk.build()
}

#[test]
fn a_renamed_program_is_found_by_its_signer_in_deep_and_not_before() {
    let Some(forge) = forge() else { return };
    let (bytes, ca) = (signed(&forge), forge.der("ca"));
    let disk = windows(&bytes, Some(&ca));
    for depth in ["quick", "standard"] {
        assert_eq!(told(&disk.scan(&["--depth", depth]), VENDORS_OWN), None, "{depth}");
    }
    let run = deep(&disk);
    assert_eq!((told(&run, VENDORS_OWN), run.code), (certain("confirmed"), 1), "{}", run.stdout);
    // Nobody vouches for the name: it says that somebody wants to be taken for the vendor.
    let run = deep(&windows(&bytes, None));
    assert_eq!((told(&run, VENDORS_OWN), run.code), (certain("possible"), 0), "{}", run.stdout);
}

#[test]
fn on_a_linux_disk_too() {
    let Some(forge) = forge() else { return };
    let root = debian();
    root.file("home/alice/Downloads/Holiday/2024/Rome/img_2041.jpg", signed(&forge));
    for depth in ["quick", "standard"] {
        assert_eq!(told(&root.scan(&["--depth", depth]), VENDORS_OWN), None, "{depth}");
    }
    let run = deep(&root);
    assert_eq!((told(&run, VENDORS_OWN), run.code), (certain("possible"), 0), "{}", run.stdout);
    let evidence = &run.finding(VENDORS_OWN).unwrap()["evidence"][0];
    assert!(evidence["place"]["path"].as_str().unwrap().ends_with("img_2041.jpg"), "{evidence:#}");
    assert_eq!(evidence["scope"], "user:2", "{evidence:#}");
    assert_eq!(evidence["signer"]["trust"], "unanchored", "it was proven: {evidence:#}");
    let hash = evidence["sha256"].as_str().unwrap();
    assert_eq!(hash.len(), 64, "what was found is known by its bytes: {evidence:#}");
}

#[test]
fn a_name_is_little_and_a_game_is_nothing() {
    let unsigned = program(&[]);
    let disk = Windows::workstation().file("Tools/avp.exe", &unsigned).build();
    let run = deep(&disk);
    let report = run.json();
    let findings = report["findings"].as_array().unwrap();
    assert!(
        !findings.is_empty() && findings.iter().all(|found| found["confidence"] == "possible"),
        "{report:#}"
    );
    assert_eq!(run.code, 0, "{report:#}");
    let game = "Games/steamapps/common/Aliens vs Predator/avp.exe";
    let disk = Windows::workstation().file(game, &unsigned).build();
    assert_eq!(deep(&disk).products(), Vec::<String>::new());
    let root = debian();
    root.file("home/alice/.steam/steamapps/common/Aliens vs Predator/avp.exe", &unsigned);
    assert_eq!(deep(&root).products(), Vec::<String>::new());
}

/// Rules that ask for one name, and for one hash.
const VENDOR: &str = r#"
schema = 1
[vendor]
id = "test"
name = "Test"
[[product]]
id = "test.thing"
name = "Thing"
category = "test"
[[product.indicator]]
kind = "executable"
name = { exact = ["prohibited"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = "executable"
sha256 = [{ value = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", size = 3 }]
strength = "conclusive"
source = "the SHA-256 of abc"
[[example]]
items = [{ kind = "executable", name = "prohibited" }]
expect = { product = "test.thing" }
[[example]]
items = [{ kind = "executable", name = "allowed" }]
expect = "none"
"#;

fn bench(root: Root) -> Bench {
    Bench::new(VENDOR, root).with_depth(true)
}

fn gaps(run: &Run) -> Vec<(String, bool)> {
    let entry = source_of(&run.json(), "sweep");
    let gaps = entry["gaps"].as_array().unwrap().iter();
    gaps.map(|gap| (gap["reason"].as_str().unwrap().to_owned(), gap["blocking"] == true)).collect()
}

#[test]
fn a_file_is_known_by_its_hash_whatever_it_is() {
    let root = debian();
    root.file("srv/data/notes.txt", "abc");
    root.file("srv/data/other.txt", "abd");
    let run = bench(root).scan();
    assert_eq!(run.code, 1, "{run:?}");
    let finding = run.finding("test.thing").unwrap();
    assert_eq!(
        (finding["confidence"].as_str(), finding["evidence_total"].as_u64()),
        (Some("confirmed"), Some(1))
    );
}

#[test]
fn only_what_a_rule_could_match_is_kept_and_the_rest_is_counted() {
    let root = debian();
    for n in 0..500 {
        root.program(format!("usr/lib/many/{n}"));
    }
    root.program("usr/lib/many/prohibited");
    let run = bench(root).scan();
    let report = run.json();
    let sweep = source_of(&report, "sweep");
    assert_eq!((sweep["records"].as_u64(), sweep["not_kept"].as_u64()), (Some(501), Some(500)), "{sweep:#}");
    assert_eq!((run.code, sweep["status"].as_str()), (1, Some("complete")), "{sweep:#}");
    assert!(report["items"].as_u64().unwrap() < 20, "{report:#}");
}

#[test]
fn an_inventory_has_no_rules_to_ask_and_keeps_all() {
    let root = debian();
    root.program("usr/lib/many/one");
    let args = ["inventory", "--depth", "deep", "--format", "json", "--root"];
    let run = Run::of(support::interdict().args(args).arg(root.path()));
    assert!(run.stdout.contains("/usr/lib/many/one"), "{run:?}");
    assert!(source_of(&run.json(), "sweep").get("not_kept").is_none());
}

/// A trap for whoever opens what he meets.
fn trapped() -> Root {
    let root = debian();
    if has("mkfifo") {
        assert!(Command::new("mkfifo").arg(root.at("srv-pipe")).status().unwrap().success());
    }
    drop(UnixListener::bind(root.at("socket")).unwrap());
    root.link("srv/loop", "loop");
    root.link("srv/up", "..");
    root.link("srv/out", "/");
    File::create(root.file("srv/hole", "")).unwrap().set_len(1 << 40).unwrap();
    root.file("srv/short", "abd");
    fs::write(root.at_bytes(b"srv/\xff\xfe\x80"), b"\x7fELF\x02\x01\x01").unwrap();
    root
}

#[test]
fn pipes_sockets_loops_holes_and_odd_names() {
    let start = Instant::now();
    let run = bench(trapped()).scan();
    assert_eq!((gaps(&run), run.code), (vec![], 0), "{}", run.stdout);
    assert!(start.elapsed() < Duration::from_secs(20), "nothing waited for a pipe or read a hole");
    let entry = source_of(&run.json(), "sweep");
    assert_eq!(
        entry["not_kept"], 2,
        "the program whose name is no text, and a file of a size that is asked for: {entry:#}"
    );
}

#[test]
fn a_huge_file_with_a_hash_that_is_asked_for_is_read_in_blocks() {
    let root = debian();
    let file = root.program("srv/prohibited");
    File::options().write(true).open(file).unwrap().set_len(1 << 40).unwrap();
    let run = bench(root).scan();
    assert_eq!(run.code, 1, "a program of a terabyte: {}", run.stdout);
}

#[test]
fn what_may_not_be_read_is_not_clean() {
    let root = debian();
    root.file("srv/shut/x", "");
    root.file("srv/file", "some text");
    let bench = bench(root);
    for (path, mode) in [("srv/shut", 0o000), ("srv/file", 0o000), ("srv/shut", 0o600)] {
        let path = bench.root.at(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let run = scan_as_nobody(&bench.args());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let Some(run) = run else { return skip("no user without rights to try") };
        assert_eq!((gaps(&run), run.code), (vec![("permission-denied".to_owned(), true)], 3), "{path:?}");
    }
}

#[test]
fn time_that_runs_out_is_not_clean() {
    let root = debian();
    for folder in 0..200 {
        for n in 0..50 {
            root.file(format!("srv/{folder}/{n}"), "text");
        }
    }
    let bench = bench(root);
    let mut args = bench.args();
    args.extend(["--budget", "1"].map(std::ffi::OsStr::new));
    let run = Run::of(support::interdict().args(args));
    // A fast machine is through in time: then nothing was missed.
    let told = gaps(&run);
    assert!(run.code == 0 && told.is_empty() || run.code == 3 && !told.is_empty(), "{run:?}");
}

#[test]
fn a_policy_may_ask_for_deep() {
    let rules = Root::empty();
    rules.file("vendors/test.toml", VENDOR);
    let policy = "schema = 1\n[policy]\nid = \"p\"\ntitle = \"T\"\neffective = 2020-01-01\nmin_depth = \"deep\"\n\
        [[prohibition]]\nid = \"p.thing\"\nvendor = \"test\"\nseverity = \"high\"\n";
    rules.file("policies/p.toml", policy);
    let root = debian();
    let scan = |depth: &str| {
        let rules = rules.path().to_str().unwrap();
        root.scan(&["--no-built-in", "--rules", rules, "--policy", "p", "--depth", depth])
    };
    let run = scan("standard");
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains("the policy asks for --depth deep at least"), "{run:?}");
    assert_eq!(scan("deep").code, 0);
}

#[test]
fn other_systems_inside_are_named_in_the_claim_and_not_searched() {
    let root = debian();
    root.program("var/lib/docker/overlay2/1/diff/usr/bin/prohibited");
    root.file("srv/machine.bin", [&b"QFI\xfb\0\0\0\x03"[..], &vec![0; 1 << 17]].concat());
    let run = bench(root).scan();
    let report = run.json();
    let claim = report["claim"]["text"].as_str().unwrap();
    assert!(
        claim.contains("2 places with containers, virtual machines or snapshots were not looked into"),
        "{claim}"
    );
    assert!(claim.contains("containers, archives and disk images inside it were not searched"), "{claim}");
    assert_eq!((run.code, report["findings"].as_array().map(Vec::len)), (0, Some(0)));
    let places: Value = source_of(&report, "foreign-roots")["gaps"][0]["places"].clone();
    assert_eq!(places, serde_json::json!(["/var/lib/docker"]));
}

/// A file system that is mounted inside is a part of this system, and is looked at.
#[test]
fn a_file_system_that_is_mounted_inside_is_entered() {
    if !is_root() || !has("unshare") {
        return skip("no rights to mount");
    }
    let bench = bench(debian());
    let (data, proc) = (bench.root.dir("srv/data"), bench.root.dir("srv/proc"));
    let script = "mount -t tmpfs none \"$1\" && printf '\\177ELF\\002' > \"$1/prohibited\" \
        && mount -t proc proc \"$2\" && shift 2 && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(&data).arg(&proc);
    let run = Run::of(command.arg(env!("CARGO_BIN_EXE_interdict")).args(bench.args()));
    if run.code == -1 || run.stdout.is_empty() {
        return skip("no rights to mount");
    }
    assert_eq!((run.code, gaps(&run)), (1, vec![]), "{}", run.stdout);
}
