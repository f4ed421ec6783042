//! Tests of `opt`.

use super::*;
use crate::host::{FakeHost, FakeNode, RootHost};
use crate::model::{GapReason, Trace};
use crate::sources::testing::collect_for;

fn program() -> FakeNode {
    FakeNode::Program(b"\x7fELF".to_vec())
}

fn file() -> FakeNode {
    FakeNode::File(b"x".to_vec())
}

fn link(to: &str) -> FakeNode {
    FakeNode::Link(to.as_bytes().to_vec())
}

fn want(roots: &[&str]) -> Wanted {
    Wanted { path_roots: roots.iter().map(|root| HostPath::from(*root)).collect(), ..Wanted::default() }
}

fn row(trace: &Trace) -> String {
    let path = trace.path.as_ref().or(trace.image.as_ref().map(|image| &image.path));
    format!("{} {} {}", trace.kind.word(), trace.name, path.unwrap())
}

fn rows<'a>(nodes: impl IntoIterator<Item = (&'a str, FakeNode)>, roots: &[&str]) -> (Vec<String>, Haul) {
    let (haul, outcome) = collect_for(&Opt, &FakeHost::new(nodes), &want(roots));
    assert_eq!(outcome, Outcome::Read);
    let mut rows: Vec<_> = haul.traces().iter().map(row).collect();
    rows.sort();
    (rows, haul)
}

#[test]
fn vendors_with_products_and_products_without_vendor() {
    let (rows, haul) = rows(
        [
            ("/opt/kaspersky/kesl/libexec/kesl", program()),
            ("/opt/kaspersky/kesl/share/doc/readme", file()),
            ("/opt/kaspersky/klnagent64/license.txt", file()),
            ("/opt/zoom/zoom", program()),
            ("/opt/zoom/plugins/icon.png", program()),
            ("/opt/zoom/lib/libx.so.1", program()),
            ("/opt/empty", FakeNode::Folder),
            ("/opt/bin/tool", program()),
            ("/opt/loose.AppImage", program()),
            ("/opt/notes.txt", file()),
        ],
        &[],
    );
    assert_eq!(haul.gaps(), []);
    let expected = [
        "application kesl /opt/kaspersky/kesl",
        "application zoom /opt/zoom",
        "executable kesl /opt/kaspersky/kesl/libexec/kesl",
        "executable libx.so.1 /opt/zoom/lib/libx.so.1",
        "executable loose.AppImage /opt/loose.AppImage",
        "executable tool /opt/bin/tool",
        "executable zoom /opt/zoom/zoom",
        "trace empty /opt/empty",
        "trace klnagent64 /opt/kaspersky/klnagent64",
    ];
    assert_eq!(rows, expected);
    let states = |kind| haul.traces().iter().filter(move |trace| trace.kind == kind).map(|trace| trace.state);
    assert!(
        states(ItemKind::Executable)
            .chain(states(ItemKind::Application))
            .all(|state| state == State::Present)
    );
    assert!(states(ItemKind::Trace).all(|state| state == State::Remnant));
}

#[test]
fn what_is_not_standard_below_usr_local() {
    let (rows, _) = rows(
        [
            ("/usr/local/bin/kav", program()),
            ("/usr/local/bin/linked", link("/opt/x/x")),
            ("/usr/local/bin/data", file()),
            ("/usr/local/lib/vendor/prog", program()),
            ("/usr/local/acme/bin/acme", program()),
        ],
        &[],
    );
    let expected = [
        "application acme /usr/local/acme",
        "executable acme /usr/local/acme/bin/acme",
        "executable kav /usr/local/bin/kav",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn places_that_a_rule_names() {
    let (rows, haul) = rows(
        [
            ("/var/opt/kaspersky/kesl/bin/helper", program()),
            ("/etc/opt/kaspersky/kesl/kesl.ini", file()),
            ("/etc/klScanEngineUI.xml", file()),
            ("/usr/bin/kesl-control", program()),
            ("/usr/local/share/kaspersky/x", file()),
        ],
        &[
            "/var/opt/kaspersky",
            "/var/opt/kaspersky/kesl",
            "/etc/opt/kaspersky",
            "/etc/klScanEngineUI.xml",
            "/usr/bin/kesl-control",
            "/usr/local/share/kaspersky",
            "/var/log/kaspersky",
            "/usr/bin",
            "/",
            "relative",
        ],
    );
    assert_eq!(haul.gaps(), []);
    let expected = [
        "executable helper /var/opt/kaspersky/kesl/bin/helper",
        "executable kesl-control /usr/bin/kesl-control",
        "trace kaspersky /etc/opt/kaspersky",
        "trace kaspersky /usr/local/share/kaspersky",
        "trace kaspersky /var/opt/kaspersky",
        "trace kesl /var/opt/kaspersky/kesl",
        "trace klScanEngineUI.xml /etc/klScanEngineUI.xml",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn trees_behind_links_keep_the_name_they_are_known_by() {
    let (rows, haul) = rows(
        [
            ("/opt", link("var/opt")),
            ("/var/opt/kaspersky/kesl/bin/kesl", program()),
            ("/var/opt/moved", link("/data/moved")),
            ("/data/moved/bin/m", program()),
            ("/var/opt/current", link("kaspersky")),
            ("/var/opt/system", link("/usr")),
            ("/var/opt/gone", link("/data/gone")),
            ("/usr/bin/sh", program()),
        ],
        &[],
    );
    assert_eq!(haul.gaps(), []);
    let expected = [
        "application kesl /opt/kaspersky/kesl",
        "application moved /opt/moved",
        "executable kesl /opt/kaspersky/kesl/bin/kesl",
        "executable m /opt/moved/bin/m",
        "trace gone /opt/gone",
    ];
    assert_eq!(rows, expected);
    let kesl = haul.traces().iter().find(|trace| trace.name == "kesl" && trace.image.is_some()).unwrap();
    assert_eq!(kesl.image.as_ref().unwrap().path, "/var/opt/kaspersky/kesl/bin/kesl".into());
}

#[test]
fn absent_is_read_and_unreadable_is_a_gap() {
    let (none, haul) = rows([("/etc/os-release", file())], &["/var/opt/kaspersky"]);
    assert!(none.is_empty() && haul.gaps().is_empty());
    for place in ["/opt", "/usr/local", "/opt/kaspersky", "/opt/a/b", "/usr/local/bin", "/var/opt/kaspersky"]
    {
        let (_, haul) = rows([(place, FakeNode::Broken(Miss::Denied))], &["/var/opt/kaspersky"]);
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)], "{place}");
    }
    let (rows, _) = rows([("/opt/kaspersky", FakeNode::Broken(Miss::Denied))], &[]);
    assert_eq!(rows, ["trace kaspersky /opt/kaspersky"], "its name counts");
}

#[test]
fn a_tree_that_goes_away_is_a_minor_gap() {
    let (_, haul) = rows([("/opt/a", FakeNode::Broken(Miss::Absent))], &[]);
    assert_eq!(haul.gaps(), [(GapReason::Vanished, false)]);
}

#[test]
fn hostile_names_loops_and_pipes() {
    let (rows, haul) = rows(
        [
            ("/opt/\u{1b}[2J/\u{202e}", program()),
            ("/opt/loop", link("loop")),
            ("/opt/a/self", link("..")),
            ("/opt/a/pipe", FakeNode::Special(Kind::Pipe)),
        ],
        &[],
    );
    assert_eq!(haul.gaps(), [(GapReason::LinkLoop, true)]);
    assert_eq!(rows.len(), 3, "{rows:?}");
}

/// A flood of files ends at the budget, after the tree that a rule names.
#[test]
#[expect(clippy::disallowed_methods, reason = "builds a tree to scan")]
fn a_flood_ends_at_the_budget_and_comes_last() {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    std::fs::create_dir_all(at("opt/aaa")).unwrap();
    std::fs::create_dir_all(at("opt/kaspersky/kesl/bin")).unwrap();
    std::fs::create_dir_all(at("etc")).unwrap();
    std::fs::write(at("etc/os-release"), "ID=debian\n").unwrap();
    std::fs::write(at("opt/kaspersky/kesl/bin/kesl"), "x").unwrap();
    make_executable(&at("opt/kaspersky/kesl/bin/kesl"));
    // Links to one file: as many entries as files, and quicker to make.
    std::fs::write(at("opt/aaa/0"), "").unwrap();
    for n in 1..101_000 {
        std::os::unix::fs::symlink("0", at(&format!("opt/aaa/{n}"))).unwrap();
    }
    let host = RootHost::offline(root.path()).unwrap();
    let (haul, _) = collect_for(&Opt, &host, &want(&["/opt/kaspersky"]));
    assert_eq!(haul.gaps(), [(GapReason::Budget, true)]);
    assert!(haul.traces().iter().any(|trace| row(trace) == "application kesl /opt/kaspersky/kesl"));
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o755);
    assert!(std::fs::set_permissions(path, mode).is_ok());
}
