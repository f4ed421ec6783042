//! Headers of every form, and those that are cut, lie, or belong to something else.

use super::*;

/// Bytes of a number in an order.
fn word(order: Order, n: u32) -> [u8; 4] {
    if order == Order::Little { n.to_le_bytes() } else { n.to_be_bytes() }
}

/// A slice with these load commands.
pub(crate) fn made(order: Order, is_64: bool, cpu: u32, commands: &[Vec<u8>]) -> Vec<u8> {
    let body = commands.concat();
    let count = u32::try_from(commands.len()).unwrap();
    let size = u32::try_from(body.len()).unwrap();
    let first = if is_64 { magic::THIN_64 } else { magic::THIN };
    let mut out: Vec<u8> =
        [first, cpu, 0x8000_0003, 2, count, size, 0].iter().flat_map(|n| word(order, *n)).collect();
    if is_64 {
        out.extend([0; 4]);
    }
    out.extend(body);
    out
}

/// A load command.
fn command(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).unwrap();
    [&word(order, kind)[..], &word(order, size), body].concat()
}

/// A segment with one section.
fn segment(order: Order, is_64: bool, name: &[u8], offset: u32, size: u32) -> Vec<u8> {
    let mut body = vec![0; if is_64 { 64 } else { 48 }];
    let mut section = name.to_vec();
    section.resize(32, 0);
    let zero = word(order, 0);
    if is_64 {
        section.extend([0; 8]);
        let wide = if order == Order::Little { [word(order, size), zero] } else { [zero, word(order, size)] };
        section.extend(wide.concat());
        section.extend(word(order, offset));
        section.resize(80, 0);
    } else {
        section.extend([zero, word(order, size), word(order, offset)].concat());
        section.resize(68, 0);
    }
    body.extend(section);
    command(order, if is_64 { command::SEGMENT_64 } else { command::SEGMENT }, &body)
}

/// A slice with everything that is read.
fn rich(order: Order, is_64: bool, cpu: u32) -> Vec<u8> {
    let mut name = word(order, 12).to_vec();
    name.extend(b"@rpath/lib.dylib\0");
    let place = [word(order, 0x300), word(order, 0x40)].concat();
    let mut out = made(
        order,
        is_64,
        cpu,
        &[
            segment(order, is_64, b"__info_plist", 0x280, 0x20),
            command(order, command::UUID, &[7; 16]),
            command(order, command::ID_DYLIB, &name),
            command(order, command::CODE_SIGNATURE, &place),
        ],
    );
    out.resize(0x340, 0);
    out
}

/// A fat file of these slices, from 0x1000 on.
fn fat_of(is_64: bool, slices: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0xCA, 0xFE, 0xBA, 0xBE + u8::from(is_64)];
    out.extend(u32::try_from(slices.len()).unwrap().to_be_bytes());
    let mut at = 0x1000_u32;
    for slice in slices {
        let size = u32::try_from(slice.len()).unwrap();
        out.extend([0; 8]);
        for n in [at, size] {
            if is_64 {
                out.extend([0; 4]);
            }
            out.extend(n.to_be_bytes());
        }
        out.extend(vec![0; if is_64 { 8 } else { 4 }]);
        at += size;
    }
    out.resize(0x1000, 0);
    out.extend(slices.concat());
    out
}

fn open(bytes: &[u8]) -> MachO {
    read(&bytes).unwrap().unwrap()
}

#[test]
fn slices_of_every_form() {
    for (order, is_64, cpu, arch) in [
        (Order::Little, true, 0x0100_000C, "arm64"),
        (Order::Little, true, 0x0100_0007, "x86_64"),
        (Order::Little, false, 7, "i386"),
        (Order::Big, false, 18, "ppc"),
        (Order::Big, true, 0x0100_0012, "ppc64"),
    ] {
        let got = open(&rich(order, is_64, cpu));
        assert_eq!((got.faults.len(), got.archs().collect::<Vec<_>>()), (0, vec![arch]));
        let slice = &got.slices[0];
        assert_eq!((slice.range.clone(), slice.file_type, slice.subtype), (0..0x340, Slice::EXECUTE, 3));
        assert_eq!((slice.uuid, slice.install_name.as_deref()), (Some([7; 16]), Some("@rpath/lib.dylib")));
        assert_eq!((slice.signature.clone(), slice.info.clone()), (Some(0x300..0x340), Some(0x280..0x2A0)));
    }
}

#[test]
fn fat_files_count_from_their_slices() {
    for is_64 in [false, true] {
        let one = rich(Order::Little, true, 0x0100_0007);
        let two = rich(Order::Little, true, 0x0100_000C);
        let got = open(&fat_of(is_64, &[one.clone(), two.clone()]));
        assert_eq!(got.archs().collect::<Vec<_>>(), ["x86_64", "arm64"]);
        assert_eq!(got.slices[1].range, 0x1340..0x1680);
        assert_eq!(got.slices[1].signature, Some(0x1640..0x1680));
        // One that is damaged does not hide the other.
        let mut bad = one;
        bad[16] = 0xFF;
        let got = open(&fat_of(is_64, &[bad.clone(), two]));
        assert_eq!((got.slices.len(), got.faults.len()), (1, 1), "{got:?}");
        assert!(read(&&fat_of(is_64, &[bad])[..]).is_err());
        let archive = b"!<arch>\nfoo".to_vec();
        assert_eq!(read(&&fat_of(is_64, &[archive])[..]), Ok(None));
        assert!(read(&&fat_of(is_64, &[])[..]).is_err());
    }
}

#[test]
fn what_is_something_else_is_none() {
    for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF\x02\x01\x01", b"MZ", b"\xCA\xFE"] {
        assert_eq!(read(&bytes), Ok(None));
    }
    // Compiled by Java 1.1 and by Java 21.
    for version in [45, 65] {
        let class = [0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, version, 0, 16];
        assert_eq!(read(&&class[..]), Ok(None));
    }
}

#[test]
fn numbers_that_point_outside_are_faults() {
    let order = Order::Little;
    let whole = rich(order, true, 7);
    for end in 4..0x340 {
        let cut = read(&&whole[..end]);
        // What only the property list needs may be cut: it is then not told of.
        assert!(cut.is_err(), "{end}: {cut:?}");
    }
    let with = |commands: &[Vec<u8>]| read(&&made(order, true, 7, commands)[..]);
    let place =
        |at, size| command(order, command::CODE_SIGNATURE, &[word(order, at), word(order, size)].concat());
    assert!(with(&[place(0, 8)]).is_ok());
    for (at, size) in [(u32::MAX, 1), (0, u32::MAX), (32, 4096)] {
        assert!(with(&[place(at, size)]).is_err());
    }
    assert!(with(&[place(0, 8), place(0, 8)]).is_err(), "two signatures");
    let outside = open(&made(order, true, 7, &[segment(order, true, b"__info_plist", u32::MAX, 9)]));
    assert_eq!(outside.slices[0].info, None);
    for size in [0_u32, 7, 12, u32::MAX] {
        let mut short = command(order, command::UUID, &[0; 16]);
        short[4..8].copy_from_slice(&word(order, size));
        let got = with(&[short]);
        assert!(got.is_err() || size == 12, "{size}: {got:?}");
    }
    let mut endless = fat_of(true, &[whole]);
    endless[16..24].copy_from_slice(&u64::MAX.to_be_bytes());
    assert!(read(&&endless[..]).is_err());
}

#[test]
fn no_change_of_any_byte_is_followed_outside_the_file() {
    let files = [rich(Order::Little, true, 7), fat_of(false, &[rich(Order::Big, false, 18)])];
    let values = [0, 1, 0x7F, 0xFF];
    for whole in files {
        let places = (0..whole.len().min(0x1200)).flat_map(|at| values.map(|value| (at, value)));
        for (at, value) in places {
            let mut changed = whole.clone();
            changed[at] = value;
            let slices = read(&&changed[..]).ok().flatten().map(|file| file.slices).unwrap_or_default();
            let parts =
                slices.iter().flat_map(|one| [Some(&one.range), one.signature.as_ref(), one.info.as_ref()]);
            let size = whole.len() as u64;
            assert!(parts.flatten().all(|part| part.start <= part.end && part.end <= size), "{at} {value}");
        }
    }
}
