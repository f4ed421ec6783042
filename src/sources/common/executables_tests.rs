//! Folders of programs of Linux and macOS: which are walked, and what of them is kept.
use super::*;
use crate::host::{FakeHost, FakeNode, Miss};
use crate::model::{Looked, ScopeAsk, Trust};
use crate::sources::testing::{collect, collect_for, made, seen};

const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0";

fn elf() -> FakeNode {
    FakeNode::Program(ELF.to_vec())
}

fn linux<'a>(nodes: impl IntoIterator<Item = (&'a str, FakeNode)>) -> FakeHost {
    let passwd = ("/etc/passwd", FakeNode::File(b"ann:x:1000:1000::/home/ann:/bin/sh\n".to_vec()));
    FakeHost::new(nodes.into_iter().chain([passwd]))
}

#[test]
fn programs_in_homes_and_vendor_trees_whatever_they_are_called() {
    let nodes = [
        ("/home/ann/bin/renamed", elf()),
        ("/home/ann/.local/bin/tool.txt", elf()),
        ("/home/ann/.local/share/app/lib/x.so", elf()),
        ("/home/ann/.local/share/app/node_modules/y", elf()),
        ("/home/ann/Downloads/a/b", FakeNode::File(ELF.to_vec())),
        ("/home/ann/Downloads/a/b2/c2/d", elf()),
        ("/home/ann/Documents/secret", elf()),
        ("/home/ann/.local/share/app/data", FakeNode::File(ELF.to_vec())),
        ("/home/ann/bin/script", FakeNode::Program(b"#!/bin/sh\n".to_vec())),
        ("/opt/vendor/bin/x", elf()),
        ("/usr/local/lib/y.so", elf()),
        ("/usr/bin/z", elf()),
        ("/srv/named/program", elf()),
    ];
    let want = Wanted { path_roots: ["/srv/named".into(), "/usr".into()].into(), ..Wanted::default() };
    let (haul, outcome) = collect_for(&Executables, &linux(nodes.clone()), &want);
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    assert_eq!(
        seen(&haul),
        [
            "user:1 /home/ann/.local/bin/tool.txt",
            "user:1 /home/ann/.local/share/app/lib/x.so",
            "user:1 /home/ann/Downloads/a/b",
            "user:1 /home/ann/bin/renamed",
        ]
    );
    // What another source lists is opened for its hash.
    let hash_sizes = [ELF.len() as u64].into();
    let of = |scope| {
        let want = Wanted { scope, hash_sizes, ..want.clone() };
        seen(&collect_for(&Executables, &linux(nodes.clone()), &want).0)
    };
    assert_eq!(
        of(ScopeAsk::System),
        ["machine /opt/vendor/bin/x", "machine /srv/named/program", "machine /usr/local/lib/y.so"]
    );
}

#[test]
fn a_program_for_windows_says_on_linux_who_made_it() {
    let strings = [("CompanyName", "AO Kaspersky Lab"), ("OriginalFilename", "avp.exe")];
    let bytes = made::image(&made::Image { strings: &strings, version: [21, 3, 0, 0], overlay: b"" });
    let (haul, _) =
        collect(&Executables, &linux([("/home/ann/Downloads/holiday.jpg", FakeNode::File(bytes))]));
    let [trace] = haul.traces() else { panic!("{:?}", haul.traces()) };
    assert_eq!((trace.name.as_str(), trace.publisher.as_deref()), ("holiday.jpg", Some("AO Kaspersky Lab")));
    assert_eq!(trace.signer, Looked::NotLooked);
}

#[test]
fn macos_has_folders_of_its_own() {
    let macho = || FakeNode::Program(b"\xcf\xfa\xed\xfe\x07\0\0\x01".to_vec());
    let host = FakeHost::macos([
        ("/Library/PrivilegedHelperTools/com.vendor.helper", macho()),
        ("/usr/local/bin/x", macho()),
        ("/opt/homebrew/bin/y", macho()),
        ("/Applications/A.app/Contents/MacOS/A", macho()),
    ]);
    assert_eq!(
        seen(&collect(&Executables, &host).0),
        [
            "machine /Library/PrivilegedHelperTools/com.vendor.helper",
            "machine /opt/homebrew/bin/y",
            "machine /usr/local/bin/x",
        ]
    );
}

#[test]
fn a_program_of_macos_says_on_any_disk_who_signed_it() {
    let bytes = include_bytes!("../../../fuzz/seeds/code_signature/kaspersky-forged").to_vec();
    let (haul, _) = collect(&Executables, &linux([("/home/ann/Downloads/x", FakeNode::File(bytes))]));
    let [trace] = haul.traces() else { panic!("{:?}", haul.traces()) };
    let Looked::Some(signer) = &trace.signer else { panic!("{trace:?}") };
    assert_eq!((signer.name.as_str(), signer.trust), ("AO Kaspersky Lab", Trust::Unchecked));
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let denied = || FakeNode::Broken(Miss::Denied);
    for place in ["/opt", "/opt/vendor", "/usr/local/lib", "/home/ann/bin", "/home/ann/Downloads"] {
        let (haul, _) = collect(&Executables, &linux([(place, denied())]));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)], "{place}");
    }
    let file = FakeNode::Unreadable(Miss::Denied);
    let (haul, _) = collect(&Executables, &linux([("/home/ann/bin/x", file)]));
    // A size of nothing tells that there is nothing to read: the made-up file has one only where it can be read.
    assert!(haul.traces().is_empty());
    assert_eq!(collect(&Executables, &linux([])).0.gaps(), []);
}

#[test]
fn a_flood_in_a_home_is_looked_at_and_does_not_fill_the_memory() {
    let names: Vec<String> = (0..INVENTORY + 3).map(|n| format!("/home/ann/bin/{n}")).collect();
    let mut sent = 0;
    let host = linux(names.iter().map(|name| (name.as_str(), elf())));
    let (offered, take) = std::sync::mpsc::channel();
    let sieve = crate::sources::haul::Sieve(Box::new(move |traces| _ = offered.send(traces)));
    let mut haul = crate::sources::testing::empty().with_sieve(sieve);
    Executables.collect(&host, &Wanted::default(), &mut haul);
    haul.hand_over();
    while let Ok(traces) = take.try_recv() {
        sent += traces.len();
    }
    assert_eq!((haul.traces().len(), sent, haul.gaps()), (INVENTORY, 3, vec![]));
}
