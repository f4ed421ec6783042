//! Notes of every form, and files that are cut or lie.
#![expect(clippy::disallowed_methods, clippy::print_stderr, reason = "looks at the machine's own programs")]

use super::*;
use crate::parse::corpora_windows_tests::save_seed;

/// A note of an owner.
fn note_of(order: Order, owner: &[u8], kind: u32, contents: &[u8], align: usize) -> Vec<u8> {
    let word = |n: u32| if order == Order::Little { n.to_le_bytes() } else { n.to_be_bytes() };
    let size = |bytes: &[u8]| word(u32::try_from(bytes.len()).unwrap());
    let mut out = [size(owner), size(contents), word(kind)].concat();
    out.extend(owner);
    out.resize(out.len().next_multiple_of(align), 0);
    out.extend(contents);
    out.resize(out.len().next_multiple_of(align), 0);
    out
}

/// A library with these notes in one segment.
fn made(order: Order, is_64: bool, align: u32, notes: &[u8]) -> Vec<u8> {
    let half = |n: u16| if order == Order::Little { n.to_le_bytes() } else { n.to_be_bytes() };
    let word = |n: u32| if order == Order::Little { n.to_le_bytes() } else { n.to_be_bytes() };
    // An address or offset, below 4 GiB.
    let long = |n: u32| match (is_64, order) {
        (false, _) => word(n).to_vec(),
        (true, Order::Little) => [word(n), word(0)].concat(),
        (true, Order::Big) => [word(0), word(n)].concat(),
    };
    let size = u32::try_from(notes.len()).unwrap();
    let mut out = b"\x7fELF".to_vec();
    out.extend([1 + u8::from(is_64), if order == Order::Little { 1 } else { 2 }, 1]);
    out.resize(16, 0);
    out.extend([half(Elf::SHARED), half(62)].concat());
    out.extend(word(1));
    let head = if is_64 { 64 } else { 52 };
    out.extend([long(0), long(head), long(0), word(0).to_vec()].concat());
    let row = if is_64 { 56 } else { 32 };
    out.extend([half(u16::try_from(head).unwrap()), half(row), half(1), half(0), half(0), half(0)].concat());
    let at = head + u32::from(row);
    if is_64 {
        out.extend([word(NOTE), word(4)].concat());
        out.extend([long(at), long(at), long(at), long(size), long(size), long(align)].concat());
    } else {
        out.extend(
            [word(NOTE), word(at), word(at), word(at), word(size), word(size), word(4), word(align)].concat(),
        );
    }
    out.extend(notes);
    out
}

const PACKAGE_JSON: &[u8] = br#"{"type":"deb","os":"debian","name":"kesl","version":"12.0.0-1","architecture":"amd64","osVersion":"12"}"#;

fn notes(order: Order, align: usize) -> Vec<u8> {
    let json = [PACKAGE_JSON, b"\0\0\0"].concat();
    [
        note_of(order, b"GNU\0", 5, &[1, 2, 3, 4], align),
        note_of(order, b"GNU\0", BUILD_ID, &[0xAB; 20], align),
        note_of(order, b"FDO\0", PACKAGE, &json, align),
        note_of(order, b"FDO\0", BUILD_ID, b"other", align),
    ]
    .concat()
}

#[test]
fn notes_of_every_form() {
    for (order, is_64, align) in [
        (Order::Little, true, 4),
        (Order::Little, true, 8),
        (Order::Big, true, 4),
        (Order::Little, false, 4),
        (Order::Big, false, 4),
    ] {
        let got = read(&&made(order, is_64, align, &notes(order, align as usize))[..]).unwrap().unwrap();
        assert_eq!((got.is_64, got.machine, got.file_type), (is_64, 62, Elf::SHARED));
        assert_eq!((got.arch(), got.faults.len()), (if is_64 { "x86_64" } else { "x32" }, 0));
        assert_eq!(got.build_id.as_deref(), Some(&*"ab".repeat(20)));
        let package = got.package.unwrap();
        assert_eq!((package.kind.as_deref(), package.os.as_deref()), (Some("deb"), Some("debian")));
        assert_eq!((package.name.as_deref(), package.version.as_deref()), (Some("kesl"), Some("12.0.0-1")));
        assert_eq!(
            (package.os_version.as_deref(), package.architecture.as_deref()),
            (Some("12"), Some("amd64"))
        );
    }
}

#[test]
fn what_is_no_package_is_none() {
    for contents in [&b""[..], b"{", b"[1]", b"\"kesl\"", b"{}\0{", b"\xff\xfe"] {
        let note = note_of(Order::Little, b"FDO\0", PACKAGE, contents, 4);
        let got = read(&&made(Order::Little, true, 4, &note)[..]).unwrap().unwrap();
        let empty = contents.starts_with(b"{}").then(Package::default);
        assert_eq!(got.package, empty, "{contents:?}");
    }
    for bytes in [&b""[..], b"MZ", b"\x7fEL", b"#!/bin/sh\n"] {
        assert_eq!(read(&bytes), Ok(None));
    }
}

#[test]
fn every_cut_is_an_error_or_a_fault() {
    let whole = made(Order::Little, true, 4, &notes(Order::Little, 4));
    for end in 4..whole.len() {
        let got = read(&&whole[..end]);
        if end < 58 {
            assert!(got.is_err(), "{end}: {got:?}");
        } else {
            assert_eq!(got.unwrap().unwrap().faults.len(), 1, "{end}");
        }
    }
    for (at, value) in [(4, 0), (4, 3), (5, 0), (5, 9)] {
        let mut odd = whole.clone();
        odd[at] = value;
        assert!(read(&&odd[..]).is_err(), "{at} {value}");
    }
}

#[test]
fn no_change_of_any_byte_makes_it_panic_or_grow() {
    let whole = made(Order::Big, true, 8, &notes(Order::Big, 8));
    for at in 4..whole.len() {
        for value in [0, 1, 0x7F, 0x80, 0xFF] {
            let mut changed = whole.clone();
            changed[at] = value;
            let Ok(Some(got)) = read(&&changed[..]) else { continue };
            assert!(got.build_id.is_none_or(|id| id.len() <= changed.len() * 2));
        }
    }
}

#[test]
fn the_programs_of_this_machine_are_read() {
    let path = "/bin/ls";
    let Ok(bytes) = std::fs::read(path) else {
        return eprintln!("skipped: no {path}");
    };
    let Ok(Some(got)) = read(&&bytes[..]) else { return eprintln!("skipped: {path} is no ELF") };
    assert_eq!(got.faults, []);
    assert!(got.build_id.is_none_or(|id| id.len() == 40), "{path}");
}

/// Writes `fuzz/seeds` anew: `cargo test --lib write_seeds -- --ignored`.
#[test]
#[ignore = "writes into the source tree, when a format's writer changed"]
fn write_seeds() {
    for (name, order, is_64) in [("little-64", Order::Little, true), ("big-32", Order::Big, false)] {
        save_seed("elf", name, &made(order, is_64, 4, &notes(order, 4)));
    }
}
