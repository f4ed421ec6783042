//! Tests of the strict archive reader, against archives that are built here: sound ones, and each way to be otherwise.

use super::*;
use crate::parse::corpora_windows_tests::save_seed;
use crate::parse::rpmdb::tests::Dice;
use miniz_oxide::deflate::compress_to_vec;

const CAPS: Caps = Caps { files: 4, bytes: 1 << 20 };
const FILES: &[(&str, &[u8])] = &[("README.txt", b"read me, read me"), ("a.json", b"{}"), ("b", b"")];

/// What a file says of itself in its header and in the directory, each byte of which a test may change.
struct Part {
    name: Vec<u8>,
    packed: Vec<u8>,
    local: Vec<u8>,
    made_by: [u8; 2],
    attributes: u32,
}

fn part(name: &str, data: &[u8]) -> Part {
    let packed = compress_to_vec(data, 6);
    let le = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let crc = crc32(data).to_le_bytes();
    let name_length = u16::try_from(name.len()).unwrap().to_le_bytes();
    let sizes = [le(packed.len()), le(data.len())].concat();
    let local = [&PLAIN[..], &[1, 2, 3, 4], &crc, &sizes, &name_length, &[0, 0]].concat();
    Part { name: name.into(), packed, local, made_by: MADE_BY, attributes: ATTRIBUTES }
}

fn archive(parts: &[Part]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for part in parts {
        let offset = u32::try_from(out.len()).unwrap().to_le_bytes();
        out.extend([&LOCAL[..], &part.local, &part.name, &part.packed].concat());
        directory.extend([&b"PK\x01\x02"[..], &part.made_by, &part.local, &[0; 6]].concat());
        directory.extend([&part.attributes.to_le_bytes()[..], &offset, &part.name].concat());
    }
    let at = out.len();
    out.extend(&directory);
    out.extend(end(parts.len(), directory.len(), at).unwrap());
    out
}

fn parts(files: &[(&str, &[u8])]) -> Vec<Part> {
    files.iter().map(|(name, data)| part(name, data)).collect()
}

fn sound() -> Vec<u8> {
    archive(&parts(FILES))
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let why = members(bytes, &CAPS).unwrap_err();
    assert!(why.contains(words), "{why}");
}

#[test]
fn every_file_comes_out() {
    let bytes = sound();
    let found = members(&bytes, &CAPS).unwrap();
    let found: Vec<(&str, &[u8])> = found.iter().map(|one| (one.name, one.data.as_slice())).collect();
    assert_eq!(found, FILES);
}

#[test]
fn every_cut_and_every_byte_more_is_refused() {
    let bytes = sound();
    for cut in 0..bytes.len() {
        assert!(members(&bytes[..cut], &CAPS).is_err(), "{cut}");
    }
    refused(&[&bytes[..], b"x"].concat(), "1 bytes follow behind its end");
    refused(&[&bytes[..], &bytes].concat(), "follow behind its end");
    refused(&[b"x", &bytes[..]].concat(), "does not begin with a file");
    refused(b"", "does not begin with a file");
}

/// Whatever is flipped: the same files come out, or none. Only inside what is deflated may two forms mean one thing.
#[test]
fn every_flip_outside_of_the_data_is_refused() {
    let good = sound();
    let mut data = Vec::new();
    let mut at = 0;
    for one in parts(FILES) {
        let start = at + LOCAL_LENGTH + one.name.len();
        at = start + one.packed.len();
        data.push(start..at);
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            // The time of the first file is held against the others only: whoever compares knows what it must be.
            match members(&bad, &CAPS) {
                Err(_) => {}
                Ok(found) => {
                    assert!(data.iter().any(|range| range.contains(&at)), "byte {at} bit {bit}");
                    assert!(found.iter().zip(FILES).all(|(one, (_, data))| one.data == *data));
                }
            }
        }
    }
}

#[test]
fn random_bytes_never_make_other_files() {
    let mut dice = Dice(11);
    let good = sound();
    for _ in 0..20_000 {
        let mut bad = good.clone();
        for _ in 0..=dice.below(4) {
            let at = dice.below(bad.len());
            bad[at] = u8::try_from(dice.below(256)).unwrap();
        }
        for one in members(&bad, &CAPS).unwrap_or_default() {
            assert!(FILES.iter().any(|(_, data)| *data == one.data));
        }
    }
}

#[test]
fn names_that_are_not_plain_are_refused() {
    for name in ["../x", "/etc/x", "a/b", "a\\b", "C:x", ".hidden", "", "x.", "a b", "é", "a\0b", "~x"] {
        refused(&archive(&[part(name, b"x")]), "is not that of a plain file");
    }
    refused(&archive(&[part(&"x".repeat(101), b"x")]), "is not that of a plain file");
    assert!(members(&archive(&[part(&"x".repeat(100), b"x")]), &CAPS).is_ok());
}

#[test]
fn a_name_is_there_once_and_in_order() {
    refused(&archive(&parts(&[("a", b"1"), ("a", b"2")])), "the file a is there twice");
    refused(&archive(&parts(&[("b", b"1"), ("a", b"2")])), "not in order");
    refused(&archive(&parts(&[("A", b"1"), ("a", b"2")])), "once in other letters");
}

#[test]
fn what_a_plain_file_does_not_need_is_refused() {
    let one = |change: &dyn Fn(&mut Part)| {
        let mut part = part("a", b"aaaaaaaa");
        change(&mut part);
        archive(&[part])
    };
    refused(&one(&|part| part.attributes = 0o120_777 << 16), "its directory (offset");
    refused(&one(&|part| part.made_by = [20, 0]), "its directory (offset");
    for (byte, value) in [(0, 45), (2, 1), (2, 8), (3, 8), (4, 0), (4, 12), (24, 4)] {
        refused(&one(&|part| part.local[byte] = value), "asks for more than a deflated file needs");
    }
    let other_time = {
        let mut all = parts(FILES);
        all[1].local[6] ^= 1;
        archive(&all)
    };
    refused(&other_time, "another time");
}

#[test]
fn header_and_directory_say_the_same() {
    let good = sound();
    let start = good.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    for at in start..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(members(&bad, &CAPS).is_err(), "{at}");
    }
    // Something between the files and their directory.
    let mut between = good.clone();
    between.splice(start..start, *b"hidden");
    refused(&between, "its directory (offset");
    // A file that the directory does not list.
    let listed = archive(&parts(&FILES[..1]));
    let more = [&good[..start], &listed[listed.windows(4).position(|four| four == b"PK\x01\x02").unwrap()..]];
    refused(&more.concat(), "its directory");
}

#[test]
fn bombs_have_no_room() {
    let zeros = vec![0; 4 << 20];
    refused(&archive(&[part("bomb", &zeros)]), "more than is unpacked");
    let half = vec![0; 600 << 10];
    refused(&archive(&parts(&[("a", &half), ("b", &half)])), "the file b claims");
    let with = |size: u32| {
        let mut liar = part("bomb", &zeros);
        liar.local[18..22].copy_from_slice(&size.to_le_bytes());
        archive(&[liar])
    };
    refused(&with(100), "cannot be unpacked to what its header says");
    refused(&with(u32::MAX), "claims 4294967295 bytes");
    let wide = Caps { files: 1, bytes: u64::MAX };
    assert!(members(&with(u32::MAX), &wide).is_err(), "no 4 GB are taken for 4 KB");
    let mut packed = part("a", b"aaaa");
    packed.local[14..18].copy_from_slice(&[0xff; 4]);
    refused(&archive(&[packed]), "it was cut off");
    refused(
        &archive(&parts(&[("a", b""), ("b", b""), ("c", b""), ("d", b""), ("e", b"")])),
        "more than 4 files",
    );
}

#[test]
fn nothing_hides_behind_the_end_of_what_is_deflated() {
    let mut part = part("a", b"aaaa");
    part.packed.extend(b"hidden");
    let length = u32::try_from(part.packed.len()).unwrap().to_le_bytes();
    part.local[14..18].copy_from_slice(&length);
    refused(&archive(&[part]), "cannot be unpacked to what its header says");
}

/// Writes `fuzz/seeds` anew: `cargo test --lib write_seeds -- --ignored`.
#[test]
#[ignore = "writes into the source tree, when a format's writer changed"]
fn write_seeds() {
    save_seed("zip_strict", "three", &sound());
    save_seed("zip_strict", "one", &archive(&[part("SHA256SUMS", b"")]));
}
