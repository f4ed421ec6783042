//! Tests of `autostart`.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::ScopeAsk;
use crate::sources::testing::{collect, collect_for};

const ENTRY: &str = "[Desktop Entry]\nType=Application\nName=Kaspersky\nExec=/opt/k/bin/gui --secret\n";
const CRONTAB: &str = "MAILTO=root\n17 * * * * root cd / && run-parts /etc/x\n@reboot root /opt/k/bin/gui --secret\n0 1 * * * root /opt/k/bin/gui\n5 5 * * * root /opt/gone/x\n";

fn file(text: &str) -> FakeNode {
    FakeNode::File(text.as_bytes().to_vec())
}

fn host(nodes: &[(&str, FakeNode)]) -> FakeHost {
    let always = [
        ("/etc/passwd", file("root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")),
        ("/root/x", file("")),
        ("/home/ann/x", file("")),
        ("/opt/k/bin/gui", FakeNode::Program(vec![])),
    ];
    FakeHost::new(always.into_iter().chain(nodes.iter().cloned()))
}

fn rows(haul: &Haul) -> Vec<String> {
    haul.traces().iter().map(|trace| format!("{} {:?} {}", trace.name, trace.state, trace.scope)).collect()
}

fn asked(nodes: &[(&str, FakeNode)], scope: ScopeAsk) -> Vec<String> {
    let (haul, outcome) = collect_for(&Autostart, &host(nodes), &Wanted { scope, ..Wanted::default() });
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    assert!(!format!("{:?}", haul.traces()).contains("secret"));
    rows(&haul)
}

#[test]
fn entries_of_the_machine_and_of_users() {
    let nodes = [
        ("/etc/xdg/autostart/k.desktop", file(ENTRY)),
        ("/etc/xdg/autostart/notes.txt", file("x")),
        ("/home/ann/.config/autostart/k.desktop", file("[Desktop Entry]\nHidden=true\n")),
    ];
    assert_eq!(asked(&nodes, ScopeAsk::System), ["k.desktop Installed machine"]);
    assert_eq!(asked(&nodes, ScopeAsk::User), ["k.desktop Remnant user:2"]);
}

#[test]
fn tables_and_scripts_of_cron() {
    let nodes = [
        ("/etc/crontab", file(CRONTAB)),
        ("/etc/anacrontab", file("1 5 cron.daily /opt/k/bin/gui\n")),
        ("/etc/cron.d/kl", file("* * * * * kluser /opt/k/bin/gui\n")),
        ("/etc/cron.d/kl-old", FakeNode::Link(b"/opt/gone.cron".to_vec())),
        ("/etc/cron.d/.placeholder", file("garbage")),
        ("/etc/cron.daily/klupdate", FakeNode::Program(vec![])),
        ("/etc/cron.daily/left", FakeNode::Link(b"/opt/gone".to_vec())),
    ];
    let expected = [
        "crontab:cd Installed machine",
        "crontab:gui Installed machine",
        "crontab:x Remnant machine",
        "anacrontab:gui Installed machine",
        "kl:gui Installed machine",
        "kl-old Remnant machine",
        "klupdate Installed machine",
        "left Remnant machine",
    ];
    assert_eq!(asked(&nodes, ScopeAsk::System), expected);
}

#[test]
fn tables_of_users_are_theirs() {
    let job = || file("0 0 * * * /opt/k/bin/gui --secret\n");
    let nodes = [
        ("/var/spool/cron/crontabs/ann", job()),
        ("/var/spool/cron/crontabs/root", job()),
        ("/var/spool/cron/crontabs/ghost", job()),
        ("/var/spool/cron/ann", job()),
    ];
    assert_eq!(asked(&nodes, ScopeAsk::User), ["ann:gui Installed user:2", "ann:gui Installed user:2"]);
    assert_eq!(
        asked(&nodes, ScopeAsk::System),
        ["ghost:gui Installed machine", "root:gui Installed machine"]
    );
}

#[test]
fn absent_is_read_and_unreadable_is_a_gap() {
    assert_eq!(asked(&[], ScopeAsk::All), [""; 0]);
    let places = [
        "/etc/xdg/autostart",
        "/etc/crontab",
        "/etc/anacrontab",
        "/etc/cron.d",
        "/etc/cron.weekly",
        "/var/spool/cron",
        "/home/ann/.config",
        "/home/bob",
    ];
    for place in places {
        let (haul, _) = collect(&Autostart, &host(&[(place, FakeNode::Broken(Miss::Denied))]));
        assert!(haul.gaps().contains(&(GapReason::PermissionDenied, true)), "{place}");
    }
}

#[test]
fn truncated_garbage_and_hostile() {
    for at in 0..CRONTAB.len() {
        let (haul, _) = collect(&Autostart, &host(&[("/etc/crontab", file(CRONTAB.get(..at).unwrap()))]));
        let border = at == 0 || CRONTAB.get(..at).unwrap().ends_with('\n');
        assert_eq!(haul.gaps().is_empty(), border, "cut at {at}");
    }
    let garbage = FakeNode::File((0..=255).cycle().take(5000).collect());
    let big = FakeNode::File(vec![b'*'; 2 << 20]);
    let looped = FakeNode::Link(b"k".to_vec());
    for node in [garbage, big, looped, FakeNode::Special(Kind::Pipe)] {
        for place in ["/etc/crontab", "/etc/cron.d/k", "/var/spool/cron/k", "/etc/xdg/autostart/k.desktop"] {
            let node = match (&node, place.ends_with(".desktop")) {
                (FakeNode::Link(_), true) => FakeNode::Link(b"k.desktop".to_vec()),
                (FakeNode::Link(_), false) => FakeNode::Link(place.as_bytes().to_vec()),
                (other, _) => (*other).clone(),
            };
            let (haul, _) = collect(&Autostart, &host(&[(place, node)]));
            assert!(haul.gaps().iter().any(|(_, blocking)| *blocking), "{place}");
        }
    }
    let many = "* * * * * root /opt/k/bin/gui\n".repeat(10_000);
    assert_eq!(asked(&[("/etc/crontab", file(&many))], ScopeAsk::All).len(), 1);
}
