//! Files of any name: told by their first bytes, hashed where a rule asks for their size.
use std::io;

use super::*;
use crate::host::{FakeHost, FakeNode, Kind};
use crate::model::Looked;
use crate::sources::testing::empty;

/// `printf abc | sha256sum`
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn told(bytes: FakeNode, hashed: &[u64]) -> (Option<Trace>, Haul) {
    let host = FakeHost::new([("/f", bytes)]);
    let want = Wanted { hash_sizes: hashed.iter().copied().collect(), ..Wanted::default() };
    let mut haul = empty();
    let ask = Ask { path: "/f".into(), size: 3 };
    let trace = look(&host, &want, &ask).and_then(|look| look.told(&ask.path, Scope::Machine, &mut haul));
    (trace, haul)
}

#[test]
fn programs_are_told_by_their_first_bytes() {
    let (trace, haul) = told(FakeNode::File(b"\x7fELF\x02\x01\x01".to_vec()), &[]);
    let trace = trace.unwrap();
    assert_eq!(
        (trace.kind, trace.name.as_str(), &trace.signer),
        (ItemKind::Executable, "f", &Looked::NotLooked)
    );
    assert_eq!(haul.gaps(), []);
    for bytes in [&b"#!/bin/sh\n"[..], b"MZ is how this text begins", b"", b"\x7fEL"] {
        let (trace, haul) = told(FakeNode::File(bytes.to_vec()), &[]);
        assert!(trace.is_none() && haul.gaps().is_empty(), "{bytes:?}");
    }
    assert!(told(FakeNode::File(b"\xcf\xfa\xed\xfe\x07\0\0\x01".to_vec()), &[]).0.is_some());
}

#[test]
fn a_hash_is_taken_of_files_of_a_size_that_a_rule_names() {
    let abc = || FakeNode::File(b"abc".to_vec());
    let (trace, _) = told(abc(), &[3]);
    assert_eq!(trace.unwrap().identifiers, [Identifier::new(IdentifierType::Sha256, ABC)]);
    assert!(told(abc(), &[4]).0.is_none(), "no rule asks for it");
}

#[test]
fn what_cannot_be_read_is_no_program_and_a_gap() {
    let gaps = |miss| {
        let (trace, haul) = told(FakeNode::Unreadable(miss), &[3]);
        assert!(trace.is_none());
        haul.gaps()
    };
    assert_eq!(gaps(Miss::Denied), [(GapReason::PermissionDenied, true)]);
    assert_eq!(gaps(Miss::Io("bad sector".into())), [(GapReason::ReadError, true)]);
    assert_eq!(gaps(Miss::Changed), [(GapReason::Changed, true)]);
    assert_eq!(gaps(Miss::Absent), [(GapReason::Vanished, false)]);
    assert_eq!(gaps(Miss::InTheCloud), [(GapReason::CloudPlaceholder, false)]);
    let (_, haul) = told(FakeNode::Special(Kind::Pipe), &[]);
    assert_eq!(haul.gaps(), [(GapReason::Vanished, false)], "a pipe took the file's place");
}

#[test]
fn disks_of_virtual_machines_are_named() {
    let mut disk = b"QFI\xfb\0\0\0\x03".to_vec();
    assert_eq!(told(FakeNode::File(disk.clone()), &[]).1.gaps(), [], "too small to hold a system");
    disk.resize(1 << 17, 0);
    let (trace, haul) = told(FakeNode::File(disk), &[]);
    assert!(trace.is_none());
    assert_eq!(haul.gaps(), [(GapReason::NotLookedInto, false)]);
}

/// A file that says one size and has another.
struct Moving(u64, Vec<u8>);

impl ReadAt for Moving {
    fn size(&self) -> u64 {
        self.0
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.1.as_slice().read_at(offset, buf)
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_has_no_hash() {
    let hash = |size, len| sha256(&Moving(size, vec![b'a'; len]));
    assert!(hash(0, 0).is_ok() && hash(1 << 20, 1 << 20).is_ok());
    for (size, len) in [(3, 0), (3, 2), (3, 4), (BLOCK as u64, BLOCK + 1), (BLOCK as u64 + 1, BLOCK), (0, 1)]
    {
        assert_eq!(hash(size, len), Err(Miss::Changed), "{size} {len}");
    }
    assert_eq!(sha256(&Moving(3, b"abc".to_vec())).unwrap(), ABC);
    let block = vec![b'a'; BLOCK * 2];
    let whole = hex(digest::digest(&digest::SHA256, &block).as_ref());
    assert_eq!(hash(block.len() as u64, block.len()).unwrap(), whole);
}
