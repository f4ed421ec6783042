//! Every file of a disk: found wherever it lies, its traps left alone.
use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry};
use crate::model::ScopeAsk;
use crate::sources::testing::{collect, collect_for, empty, seen};

fn elf() -> FakeNode {
    FakeNode::File(b"\x7fELF\x02\x01\x01\0".to_vec())
}

fn linux<'a>(nodes: impl IntoIterator<Item = (&'a str, FakeNode)>) -> FakeHost {
    let passwd = ("/etc/passwd", FakeNode::File(b"ann:x:1000:1000::/home/ann:/bin/sh\n".to_vec()));
    FakeHost::new(nodes.into_iter().chain([passwd]))
}

#[test]
fn programs_are_found_wherever_they_lie() {
    let nodes = [
        ("/home/ann/.cache/x/y/z/hidden.txt", elf()),
        ("/usr/lib/x.so", elf()),
        ("/srv/data/.../a b", elf()),
        ("/srv/data/script.sh", FakeNode::Program(b"#!/bin/sh\n".to_vec())),
        ("/srv/pipe", FakeNode::Special(Kind::Pipe)),
        ("/srv/socket", FakeNode::Special(Kind::Socket)),
        ("/srv/loop", FakeNode::Link(b"/srv".to_vec())),
        ("/var/lib/docker/overlay2/1/diff/bin/inside", elf()),
        ("/home/ann/.local/share/containers/storage/overlay/1/diff/inside", elf()),
    ];
    let (haul, outcome) = collect(&Sweep, &linux(nodes.clone()));
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    assert_eq!(
        seen(&haul),
        ["machine /srv/data/.../a b", "machine /usr/lib/x.so", "user:1 /home/ann/.cache/x/y/z/hidden.txt"]
    );
    let of =
        |scope| seen(&collect_for(&Sweep, &linux(nodes.clone()), &Wanted { scope, ..Wanted::default() }).0);
    assert_eq!((of(ScopeAsk::System).len(), of(ScopeAsk::User).len()), (2, 1));
}

#[test]
fn every_drive_of_a_windows_is_swept() {
    let host = FakeHost::windows(
        [
            ("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new())),
            ("/C:/Users/alice/Pictures/a.png", elf()),
            ("/D:/Tools/b", elf()),
            ("/C:/Moved", FakeNode::Link(b"/E:/Elsewhere".to_vec())),
        ],
        FakeRegistry::new(),
    );
    let (haul, _) = collect(&Sweep, &host);
    assert_eq!(seen(&haul), [r"machine D:\Tools\b", r"user:1 C:\Users\alice\Pictures\a.png"]);
    assert_eq!(haul.gaps(), [(GapReason::NotMounted, true)]);
}

#[test]
fn what_cannot_be_entered_is_a_gap() {
    let gaps = |node| collect(&Sweep, &linux([("/srv/x", node)])).0.gaps();
    assert_eq!(gaps(FakeNode::Broken(Miss::Denied)), [(GapReason::PermissionDenied, true)]);
    assert_eq!(gaps(FakeNode::Broken(Miss::Remote("nfs4".into()))), [(GapReason::RemoteMount, true)]);
    assert_eq!(gaps(FakeNode::Broken(Miss::Io("bad".into()))), [(GapReason::ReadError, true)]);
    assert_eq!(gaps(FakeNode::Broken(Miss::Remote("fuse.sshfs".into()))), [(GapReason::RemoteMount, true)]);
    let portal = FakeNode::Broken(Miss::Remote("fuse.portal".into()));
    assert_eq!(gaps(portal), [(GapReason::RemoteMount, false)], "what it shows lies on this disk");
    assert_eq!(gaps(FakeNode::Folder), []);
}

#[test]
fn more_entries_than_the_budget_has_are_a_gap() {
    let names: Vec<String> = (0..100).map(|n| format!("/srv/{n}")).collect();
    let host = linux(names.iter().map(|name| (name.as_str(), elf())));
    let of = |entries| {
        let mut haul = empty();
        sweep(&host, &Wanted::default(), entries, &mut haul);
        (haul.traces().len(), haul.gaps())
    };
    assert_eq!(of(1_000), (100, vec![]));
    let (found, gaps) = of(50);
    assert!((20..=50).contains(&found) && gaps == [(GapReason::Budget, true)], "{found} {gaps:?}");
}

#[test]
fn a_hash_that_a_rule_asks_for_is_taken_of_any_file() {
    let want = Wanted { hash_sizes: [9].into(), ..Wanted::default() };
    let nodes =
        [("/srv/a", FakeNode::File(b"123456789".to_vec())), ("/srv/b", FakeNode::File(b"12345678".to_vec()))];
    let (haul, _) = collect_for(&Sweep, &linux(nodes), &want);
    assert_eq!(seen(&haul), ["machine /srv/a"]);
    assert_eq!(haul.traces()[0].identifiers.len(), 1);
}
