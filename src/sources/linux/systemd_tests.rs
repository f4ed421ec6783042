//! Tests of `systemd`.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::ScopeAsk;
use crate::sources::testing::{collect, collect_for};

const KESL: &str = "[Unit]\nDescription=Kaspersky Endpoint Security\nAfter=network.target\n\n[Service]\nType=forking\nExecStartPre=/bin/true\nExecStart=-/opt/kaspersky/kesl/libexec/launcher --secret=1\n\n[Install]\nWantedBy=multi-user.target\n";
const SYSTEM: &str = "/usr/lib/systemd/system/";

fn file(text: &str) -> FakeNode {
    FakeNode::File(text.as_bytes().to_vec())
}

fn link(to: &str) -> FakeNode {
    FakeNode::Link(to.as_bytes().to_vec())
}

fn host(mut nodes: Vec<(String, FakeNode)>) -> FakeHost {
    let passwd = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
    nodes.push(("/etc/passwd".into(), file(passwd)));
    nodes.push(("/home/ann/notes".into(), file("")));
    nodes.push(("/opt/kaspersky/kesl/libexec/launcher".into(), FakeNode::Program(vec![])));
    FakeHost::new(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())))
}

fn units(nodes: &[(&str, FakeNode)]) -> FakeHost {
    host(nodes.iter().map(|(name, node)| (format!("{SYSTEM}{name}"), node.clone())).collect())
}

fn rows(haul: &Haul) -> Vec<String> {
    let row = |trace: &Trace| format!("{} {:?} {}", trace.name, trace.state, trace.scope);
    haul.traces().iter().map(row).collect()
}

#[test]
fn a_service_with_its_program_and_without_its_arguments() {
    let (haul, outcome) = collect(&Systemd, &units(&[("kesl.service", file(KESL))]));
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    let [kesl] = haul.traces() else { panic!("{:?}", haul.traces()) };
    assert_eq!((kesl.name.as_str(), kesl.state), ("kesl.service", State::Installed));
    assert_eq!(kesl.display_name.as_deref(), Some("Kaspersky Endpoint Security"));
    let image = kesl.image.as_ref().unwrap();
    assert_eq!(
        (image.path.clone(), image.exists),
        ("/opt/kaspersky/kesl/libexec/launcher".into(), Some(true))
    );
    assert!(!format!("{kesl:?}").contains("secret"));
}

#[test]
fn a_service_without_its_program_is_a_remnant() {
    let gone = "[Service]\nExecStart=/opt/gone/bin/x\n";
    let (haul, _) = collect(&Systemd, &units(&[("x.service", file(gone))]));
    assert_eq!((rows(&haul), haul.gaps()), (vec!["x.service Remnant machine".into()], vec![]));
    assert_eq!(haul.traces()[0].image.as_ref().unwrap().exists, Some(false));
}

#[test]
fn links_mask_alias_enable_and_dangle() {
    let nodes = vec![
        (format!("{SYSTEM}kesl.service"), file(KESL)),
        (format!("{SYSTEM}getty@.service"), file("[Service]\nExecStart=/bin/true\n")),
        ("/etc/systemd/system/alias.service".into(), link("/lib/systemd/system/kesl.service")),
        ("/etc/systemd/system/masked.service".into(), link("/dev/null")),
        ("/etc/systemd/system/gone.service".into(), link("/opt/gone/gone.service")),
        ("/etc/systemd/system/linked.service".into(), link("/opt/k/linked.service")),
        ("/opt/k/linked.service".into(), file(KESL)),
        (
            "/etc/systemd/system/multi-user.target.wants/kesl.service".into(),
            link(&format!("{SYSTEM}kesl.service")),
        ),
        (
            "/etc/systemd/system/multi-user.target.wants/left.service".into(),
            link(&format!("{SYSTEM}left.service")),
        ),
        ("/etc/systemd/system/x.target.wants/left.service".into(), link(&format!("{SYSTEM}left.service"))),
        ("/etc/systemd/system/getty.target.wants/getty@tty1.service".into(), link("/gone/getty@.service")),
        ("/dev/null".into(), FakeNode::Special(Kind::Device)),
        ("/lib".into(), link("usr/lib")),
        ("/bin/true".into(), FakeNode::Program(vec![])),
    ];
    let (haul, _) = collect(&Systemd, &host(nodes));
    assert_eq!(haul.gaps(), []);
    let expected = [
        "gone.service Remnant machine",
        "linked.service Installed machine",
        "masked.service Remnant machine",
        "getty@.service Installed machine",
        "kesl.service Installed machine",
        "left.service Remnant machine",
    ];
    assert_eq!(rows(&haul), expected);
}

#[test]
fn units_of_users_and_scopes() {
    let nodes = vec![
        ("/home/ann/.config/systemd/user/own.service".into(), file("[Service]\nExecStart=%h/bin/own\n")),
        ("/home/ann/bin/own".into(), FakeNode::Program(vec![])),
        ("/etc/systemd/user/all.timer".into(), file("[Timer]\nOnBootSec=1\n")),
        (format!("{SYSTEM}kesl.socket"), file("[Socket]\nListenStream=1\n")),
        (format!("{SYSTEM}basic.target"), file("[Unit]\n")),
        (format!("{SYSTEM}off.service"), file("[Unit]\nSuccessAction=poweroff\n")),
    ];
    let asked = |scope| {
        let (haul, _) = collect_for(&Systemd, &host(nodes.clone()), &Wanted { scope, ..Wanted::default() });
        assert_eq!(haul.gaps(), []);
        rows(&haul)
    };
    let machine =
        ["kesl.socket Installed machine", "off.service Installed machine", "all.timer Installed machine"];
    assert_eq!(asked(ScopeAsk::System), machine);
    assert_eq!(asked(ScopeAsk::User), ["own.service Installed user:1"]);
    assert_eq!(asked(ScopeAsk::All).len(), 4);
}

#[test]
fn absent_and_missing() {
    let none = host(vec![]);
    assert!(matches!(collect(&Systemd, &none).1, Outcome::NotApplicable(_)));
    let lost = host(vec![("/usr/lib/systemd/systemd".into(), FakeNode::Program(vec![]))]);
    let (haul, outcome) = collect(&Systemd, &lost);
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![(GapReason::Missing, true)]));
}

#[test]
fn unreadable_units_folders_and_homes_are_gaps() {
    let denied = || FakeNode::Broken(Miss::Denied);
    for place in ["/etc/systemd/system", "/usr/lib/systemd/system", "/home/ann/.config", "/home/bob"] {
        let (haul, outcome) = collect(&Systemd, &host(vec![(place.into(), denied())]));
        assert_eq!(
            (outcome, haul.gaps()),
            (Outcome::Read, vec![(GapReason::PermissionDenied, true)]),
            "{place}"
        );
    }
    let wants =
        host(vec![("/etc/systemd/system/x.wants/y".into(), file("")), (format!("{SYSTEM}a"), file(""))]);
    assert_eq!(collect(&Systemd, &wants).0.gaps(), []);
}

#[test]
fn a_unit_that_cannot_be_read_still_has_its_name() {
    // A made-up broken node lists as a folder; a device in its place is refused as what it is.
    let (haul, _) = collect(&Systemd, &units(&[("kesl.service", FakeNode::Special(Kind::Pipe))]));
    assert_eq!(haul.gaps(), [(GapReason::NotAFile, true)]);
    assert_eq!(rows(&haul), ["kesl.service Installed machine"]);
}

#[test]
fn every_truncation_before_the_program_is_noticed() {
    let end = KESL.find(" --secret").unwrap();
    for at in 0..end {
        let (haul, _) = collect(&Systemd, &units(&[("kesl.service", file(KESL.get(..at).unwrap()))]));
        assert!(haul.gaps().iter().any(|(_, blocking)| *blocking), "cut at {at}");
    }
    let (haul, _) = collect(&Systemd, &units(&[("kesl.service", file(""))]));
    assert_eq!(haul.gaps(), [(GapReason::Empty, true)]);
}

#[test]
fn garbage_and_hostile_units() {
    let garbage: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let hostile = [
        ("garbage.service", FakeNode::File(garbage)),
        ("big.service", FakeNode::File(vec![b'x'; 2 << 20])),
        ("loop.service", link("loop.service")),
        ("\u{1b}[31m.service", file(KESL)),
    ];
    for (name, node) in &hostile[..3] {
        let (haul, _) = collect(&Systemd, &units(&[(name, node.clone())]));
        assert!(haul.gaps().iter().any(|(_, blocking)| *blocking), "{name}");
        assert_eq!(haul.traces().len(), 1, "the name of {name} still counts");
    }
    let (haul, _) = collect(&Systemd, &units(&hostile));
    assert_eq!(haul.traces().iter().filter(|trace| trace.image.is_some()).count(), 1);
}
