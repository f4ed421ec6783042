//! `interdict report` and `--output` as a person and a script meet them: forms, files, exit codes, refusals.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "reads what was written; a test fails by panicking"
)]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use interdict::emit::{Can, FORMATS};
use support::{Root, Run, interdict};

fn golden(host: &str) -> String {
    let path: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(format!("{host}.json"));
    path.to_str().unwrap().to_owned()
}

fn report(args: &[&str]) -> Run {
    Run::of(interdict().arg("report").args(args))
}

fn scan(root: &Root, args: &[&str]) -> Run {
    Run::of(interdict().args(["scan", "--root"]).arg(root.path()).args(args))
}

fn clean() -> Root {
    let root = Root::debian();
    let status = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
    root.file("var/lib/dpkg/status", status);
    root
}

#[test]
fn the_exit_code_is_the_worst_verdict() {
    let (bad, open, good) = (golden("non-compliant"), golden("inconclusive"), golden("compliant"));
    for (files, code) in
        [(vec![&good], 0), (vec![&open], 3), (vec![&good, &open], 3), (vec![&good, &bad, &open], 1)]
    {
        let files: Vec<&str> = files.into_iter().map(String::as_str).collect();
        assert_eq!(report(&files).code, code, "{files:?}");
    }
}

#[test]
fn what_was_saved_is_what_is_written() {
    let there = fs::read_to_string(golden("non-compliant")).unwrap();
    assert_eq!(report(&[&golden("non-compliant"), "--format", "json"]).stdout, there);
    let root = clean();
    let saved = root.at("saved.json");
    let run = scan(&root, &["--format", "json", "--with-inventory", "-o", saved.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{run:?}");
    let again = report(&[saved.to_str().unwrap(), "--format", "json"]);
    assert_eq!(again.stdout, fs::read_to_string(&saved).unwrap());
    // Several hosts are a list, which is read back too.
    let both = report(&[&golden("compliant"), &golden("inconclusive"), "--format", "json"]).stdout;
    fs::write(&saved, &both).unwrap();
    assert_eq!(report(&[saved.to_str().unwrap(), "--format", "json"]).stdout, both);
    assert!(
        report(&[saved.to_str().unwrap()])
            .stdout
            .contains("2 hosts: 0 non-compliant, 1 inconclusive, 1 compliant")
    );
}

#[test]
fn standard_input_is_a_file() {
    let mut child = interdict()
        .args(["report", "-", "--format", "markdown"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(golden("compliant")).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("# `golden`"));
}

#[test]
fn one_scan_many_forms() {
    let root = clean();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut command = interdict();
    command.args(["scan", "--root"]).arg(root.path());
    for format in FORMATS {
        let form = format.form();
        command.args(["-o", &format!("{}={}", form.name, at(&format!("r.{}", form.extension)))]);
    }
    let run = Run::of(&mut command);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:?}");
    for format in FORMATS {
        let text = fs::read_to_string(at(&format!("r.{}", format.form().extension))).unwrap();
        assert!(text.to_lowercase().contains("compliant"), "{}", format.form().name);
        let lists = format.form().can(Can::NeedsItems);
        assert!(!lists || text.contains("base-files"), "{} has no items", format.form().name);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), FORMATS.len(), "nothing is left beside them");
    let json = fs::read_to_string(at("r.json")).unwrap();
    assert!(!json.contains("\"inventory\""), "another form's need does not change this one");
    // The ending says the form where nobody does; --format with -o FORMAT=FILE means both.
    assert_eq!(scan(&root, &["-o", &at("x.md")]).code, 0);
    assert!(fs::read_to_string(at("x.md")).unwrap().starts_with("# "));
    let both = scan(&root, &["--format", "text", "-o", &format!("json={}", at("y.json"))]);
    assert!(
        both.stdout.starts_with("COMPLIANT") && fs::read_to_string(at("y.json")).unwrap().starts_with('{')
    );
}

#[test]
fn what_cannot_be_written_is_refused_with_the_way_out() {
    let (bad, good) = (golden("non-compliant"), golden("compliant"));
    for (args, words) in [
        (vec![good.as_str(), "-o", "htlm=x"], "there is no format 'htlm'"),
        (vec![&good, "-o", "json=-", "-o", "csv=-"], "cannot both go to standard output"),
        (vec![&good, &bad, "--format", "cyclonedx"], "holds one host"),
        (vec![&good, "/nonexistent/x.json"], "cannot read /nonexistent/x.json"),
        (vec![&good, "Cargo.toml"], "not whole JSON"),
        (vec![&good, "docs/report.schema.json"], "not a report"),
    ] {
        let run = report(&args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {run:?}");
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    let root = clean();
    let bare = root.at("bare.json");
    scan(&root, &["--format", "json", "-o", bare.to_str().unwrap()]);
    let run = report(&[bare.to_str().unwrap(), "--format", "csv-items"]);
    assert!(run.code == 2 && run.stderr.contains("--with-inventory"), "{run:?}");
    let run = Run::of(interdict().args(["inventory", "--format", "sarif", "--root"]).arg(root.path()));
    assert!(run.code == 2 && run.stderr.contains("interdict scan --format sarif"), "{run:?}");
    let inventory = root.at("inventory.json");
    let mut command = interdict();
    command.args(["inventory", "--format", "json", "-o"]).arg(&inventory).arg("--root").arg(root.path());
    assert_eq!(Run::of(&mut command).code, 0);
    let inventory = inventory.to_str().unwrap();
    assert!(report(&[inventory, "--format", "cyclonedx"]).stdout.contains("pkg:deb/debian/base-files@12"));
    assert!(report(&[inventory, &good]).stderr.contains("one kind at a time"));
}

#[test]
fn a_folder_stands_for_the_reports_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let whole = folder.path().to_str().unwrap();
    let run = report(&[whole, "--format", "csv"]);
    assert!(run.code == 2 && run.stderr.contains("end in .json"), "nothing in it: {run:?}");
    for (name, host) in [("b.json", "compliant"), ("a.JSON", "inconclusive")] {
        fs::copy(golden(host), at(name)).unwrap();
    }
    fs::copy(golden("non-compliant").replace(".json", ".cdx.json"), at("c.cdx.json")).unwrap();
    fs::write(at("notes.txt"), "x").unwrap();
    let run = report(&[whole, "--format", "jsonl"]);
    let verdicts: Vec<_> =
        run.stdout.lines().filter(|line| line.starts_with("{\"type\":\"verdict")).collect();
    assert!(run.code == 3 && verdicts.len() == 2 && verdicts[0].contains("inconclusive"), "{verdicts:?}");
    // One that cannot be read stops all.
    fs::write(at("d.json"), "{").unwrap();
    let run = report(&[whole, "--format", "jsonl"]);
    assert!(run.code == 2 && run.stdout.is_empty() && run.stderr.contains("d.json"), "{run:?}");
}

#[test]
fn a_planted_link_is_replaced_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (victim, link) = (folder.path().join("victim"), folder.path().join("report.md"));
    fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, &link).unwrap();
    // Where the file beside would be, too.
    std::os::unix::fs::symlink(&victim, folder.path().join("report.md.part")).unwrap();
    assert_eq!(report(&[&golden("compliant"), "-o", link.to_str().unwrap()]).code, 0);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
    let stream = report(&[&golden("compliant"), "--format", "json", "-o", "/dev/stdout"]);
    assert!(stream.code == 0 && stream.stdout.starts_with('{'), "{stream:?}");
}

#[test]
fn excel_gets_its_mark() {
    let with = report(&[&golden("compliant"), "--format", "csv", "--bom"]).stdout;
    assert!(with.starts_with("\u{feff}record,host"));
    assert!(report(&[&golden("compliant"), "--format", "csv"]).stdout.starts_with("record,host"));
}
