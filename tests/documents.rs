//! What leaves the program: documents against their schemas, text in its order, colours on a terminal, output that
//! cannot be written, readers that go away.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests build their own roots and may fail loudly"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{Root, Run, has, interdict, skip};

#[path = "support/schema.rs"]
mod schema;

const KESL: &str = "kaspersky.endpoint-security";

fn stanza(name: &str, maintainer: &str) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: {maintainer}\nVersion: 1.0-1\n\n"
    )
}

/// A host with nothing prohibited.
fn clean() -> Root {
    let root = Root::debian();
    root.file("var/lib/dpkg/status", stanza("base-files", "Somebody <x@debian.org>"));
    root.file("var/lib/dpkg/info/base-files.list", "/.\n");
    root
}

/// The same with one prohibited package.
fn unclean() -> Root {
    let root = clean();
    let status =
        stanza("base-files", "Somebody") + &stanza("kesl", "AO Kaspersky Lab <support@kaspersky.com>");
    root.file("var/lib/dpkg/status", status);
    root.file("var/lib/dpkg/info/kesl.list", "/.\n");
    root
}

fn run(args: &[&str]) -> Run {
    Run::of(interdict().args(args))
}

/// A scan for people.
fn text(root: &Root, args: &[&str]) -> Run {
    Run::of(interdict().args(["scan", "--root"]).arg(root.path()).args(args))
}

#[test]
fn failing_examples_are_a_fault() {
    let rules = Root::empty();
    rules.file(
        "x.toml",
        "schema = 1\n[vendor]\nid = \"x\"\nname = \"X\"\n[[product]]\nid = \"x.y\"\nname = \"Y\"\ncategory = \"z\"\n\
         [[product.indicator]]\nkind = \"package\"\nname = { exact = [\"yy\"] }\nstrength = \"strong\"\nsource = \"test\"\n\
         [[example]]\nitems = [{ kind = \"package\", source = \"dpkg\", name = \"other\" }]\nexpect = { product = \"x.y\" }\n\
         [[example]]\nitems = [{ kind = \"package\", source = \"dpkg\", name = \"innocent\" }]\nexpect = \"none\"\n",
    );
    let test = run(&["rules", "test", "--no-built-in", "--rules", rules.path().to_str().unwrap()]);
    assert_eq!(test.code, 1, "{test:?}");
    assert!(test.stdout.contains("expected x.y") && test.stdout.contains("found none"), "{test:?}");
}

#[test]
fn the_act_is_quoted_as_far_as_it_had_come() {
    let root = unclean();
    let basis = |day: &str| {
        let finding = root.scan(&["--as-of", day]).finding(KESL).unwrap();
        let bases = finding["bases"].as_array().unwrap().clone();
        bases.into_iter().find(|basis| basis["authority"] == "us-bis-kaspersky-2024").unwrap()
    };
    assert_eq!((&basis("2024-06-19")["phase"], &basis("2024-06-19")["since"]), (&Value::Null, &Value::Null));
    let days = ["2024-06-24", "2024-07-20", "2024-09-29"];
    for (day, words) in days.into_iter().zip(["published", "no new agreements", "no updates"]) {
        let basis = basis(day);
        assert_eq!(basis["since"], day);
        assert!(basis["phase"].as_str().unwrap().contains(words), "{basis:#}");
    }
    let said = text(&root, &["--as-of", "2024-06-19"]).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("not yet in effect") && said.contains("nothing in force yet on this day"),
        "{said}"
    );
}

#[test]
fn the_text_is_in_its_order() {
    for (root, args, code, word) in [
        (clean(), &[][..], 0, "COMPLIANT "),
        (unclean(), &[], 1, "NON-COMPLIANT "),
        (clean(), &["--depth", "quick"], 3, "INCONCLUSIVE "),
    ] {
        let run = text(&root, args);
        assert_eq!(run.code, code, "{run:?}");
        assert!(run.stdout.starts_with(word) && run.stderr.is_empty(), "{run:?}");
    }
    let said = text(&unclean(), &[]).stdout;
    let order = ["FOUND", "state", "where", "rule", "law", "to do", "sources:"];
    let places: Vec<_> = order.iter().map(|word| said.find(word)).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{said}");
}

#[test]
fn the_scope_decides_what_is_looked_at() {
    let root = clean();
    let entry = "[Desktop Entry]\nType=Application\nName=x\nExec=/opt/kaspersky/kesl/bin/kesl-gui\n";
    root.program("opt/kaspersky/kesl/bin/kesl-gui");
    root.file("home/alice/.config/autostart/kesl.desktop", entry);
    let autostarts = |scope: &str| {
        let finding = root.scan(&["--scope", scope]).finding(KESL)?;
        let evidence = finding["evidence"].as_array().unwrap().clone();
        Some(evidence.iter().filter(|one| one["scope"].as_str().unwrap().starts_with("user:")).count())
    };
    assert_eq!(autostarts("system"), Some(0));
    assert_eq!(autostarts("all"), Some(1));
    assert_eq!(autostarts("user"), Some(1));
}

#[test]
fn colours_only_where_they_are_wanted() {
    let root = unclean();
    let coloured = |run: &Run| run.stdout.contains('\u{1b}');
    assert!(!coloured(&text(&root, &[])), "a pipe has no colours");
    assert!(coloured(&text(&root, &["--color", "always"])));
    assert!(!coloured(&text(&root, &["--color", "always", "--format", "json"])));
    if !has("script") {
        return skip("no script(1) to make a terminal");
    }
    let on_terminal = |variable: &str, args: &str| {
        let line =
            format!("'{}' scan --root '{}' {args}", env!("CARGO_BIN_EXE_interdict"), root.path().display());
        let mut script = Command::new("script");
        Run::of(script.args(["-qec", &line, "/dev/null"]).env_remove("NO_COLOR").env(variable, "1"))
    };
    assert!(coloured(&on_terminal("IGNORED", "")));
    assert!(!on_terminal("NO_COLOR", "").stdout.contains("\u{1b}[3"));
    assert!(!on_terminal("IGNORED", "--color never").stdout.contains("\u{1b}[3"));
    assert!(coloured(&on_terminal("NO_COLOR", "--color always")), "asked for outright");
}

#[test]
fn a_file_that_cannot_be_written_is_no_report() {
    let root = unclean();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    fs::write(&file, "old").unwrap();
    let to = |file: &Path| root.scan(&["--output", file.to_str().unwrap()]);
    let run = to(&file);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (1, "", ""));
    let report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["exit_code"], 1);
    let beside: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    for nowhere in ["/nonexistent/folder/report.json", "/dev/full"] {
        let run = to(Path::new(nowhere));
        assert_eq!(run.code, 2, "{nowhere}: {run:?}");
        assert!(run.stderr.contains("cannot write") && run.stderr.contains(nowhere), "{run:?}");
    }
    let coloured = text(&root, &["--color", "auto", "--output", file.to_str().unwrap()]);
    assert_eq!((coloured.code, fs::read_to_string(&file).unwrap().contains('\u{1b}')), (1, false));
}

#[test]
fn output_that_cannot_be_written_is_no_verdict() {
    let root = clean();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = interdict().args(["scan", "--root"]).arg(root.path()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    if !has("bash") || !has("head") {
        return skip("bash and head are not installed");
    }
    let root = clean();
    let status: String = (0..1000).map(|n| stanza(&format!("package{n}"), "Somebody")).collect();
    root.file("var/lib/dpkg/status", status);
    root.file("var/lib/dpkg/info/package1.list", "/.\n");
    fs::remove_file(root.at("var/lib/dpkg/info/base-files.list")).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-c", "\"$@\" | head -1; exit \"${PIPESTATUS[0]}\"", "bash", env!("CARGO_BIN_EXE_interdict")]);
    let run = Run::of(bash.args(["inventory", "--format", "json", "--root"]).arg(root.path()));
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "{\n", ""));
}

#[test]
fn documents_are_what_their_schemas_say() {
    let schema = |name: &str| -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let report = schema("report.schema.json");
    let broken = clean();
    fs::write(broken.at("var/lib/dpkg/status"), "Package: x\n").unwrap();
    broken.dir(std::ffi::OsStr::new("opt/x/bin"));
    fs::write(broken.at_bytes(b"opt/x/bin/\xff"), b"\x7fELF").unwrap();
    for root in [clean(), unclean(), broken] {
        assert_eq!(schema::faults(&report, &root.scan(&[]).json()), Vec::<String>::new());
        let inventory = root.inventory();
        assert_eq!(schema::faults(&schema("inventory.schema.json"), &inventory), Vec::<String>::new());
    }
    let live = run(&["scan", "--format", "json"]);
    assert_eq!(schema::faults(&report, &live.json()), Vec::<String>::new());
    let mut wrong = clean().scan(&[]).json();
    wrong["verdict"] = "fine".into();
    wrong["extra"] = 1.into();
    wrong["host"].as_object_mut().unwrap().remove("family");
    assert_eq!(schema::faults(&report, &wrong).len(), 3, "the check can fail");
}
