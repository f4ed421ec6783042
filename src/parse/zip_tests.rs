//! Tests of the archive reader, against archives that are built here.

use super::*;
use crate::parse::corpora_windows_tests::save_seed;
use crate::parse::rpmdb::tests::Dice;
use miniz_oxide::deflate::compress_to_vec;

/// An archive of these files; `far` writes ZIP64 fields throughout.
pub(crate) fn zip(files: &[(&str, &[u8])], far: bool) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let le = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    for (n, (name, data)) in files.iter().enumerate() {
        let packed = if n % 2 == 0 { compress_to_vec(data, 6) } else { data.to_vec() };
        let method = if n % 2 == 0 { 8 } else { 0 };
        let at = out.len();
        let name_length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let head = [&[20, 0, 0, 0, method, 0, 0, 0, 0, 0][..], &crc32(data).to_le_bytes()].concat();
        out.extend([&LOCAL[..], &head, &le(packed.len()), &le(data.len()), &name_length, &[0, 0]].concat());
        out.extend(name.as_bytes());
        out.extend(&packed);
        let fields = [data.len(), packed.len(), at].map(|n| (n as u64).to_le_bytes()).concat();
        let extra = if far { [&[1, 0, 24, 0][..], &fields].concat() } else { vec![] };
        let sizes = if far { [0xff; 8].to_vec() } else { [le(packed.len()), le(data.len())].concat() };
        let extra_length = u16::try_from(extra.len()).unwrap().to_le_bytes();
        directory
            .extend([&ENTRY[..], &[20, 0], &head, &sizes, &name_length, &extra_length, &[0; 10]].concat());
        directory.extend(if far { [0xff; 4] } else { le(at) });
        directory.extend(name.as_bytes());
        directory.extend(extra);
    }
    let at = out.len();
    out.extend(&directory);
    let mut end = [le(directory.len()), le(at)].concat();
    if far {
        let place = out.len() as u64;
        let mut record = [&END64[..], &44_u64.to_le_bytes()].concat();
        record.resize(40, 0);
        record.extend([directory.len(), at].map(|n| (n as u64).to_le_bytes()).concat());
        out.extend(record);
        out.extend([&LOCATOR64[..], &[0; 4], &place.to_le_bytes(), &[1, 0, 0, 0]].concat());
        end = vec![0xff; 8];
    }
    out.extend([&END[..], &[0; 8], &end, &[0, 0]].concat());
    out
}

const FILES: &[(&str, &[u8])] = &[("a.xml", b"<a/><a/><a/>"), ("b/c.txt", b"stored"), ("empty", b"")];

/// Every file that comes out, and whether all did.
fn unpack(bytes: &[u8]) -> (Vec<(String, Vec<u8>)>, bool) {
    let Ok(archive) = Archive::open(&bytes) else { return (vec![], false) };
    let (mut out, mut sound) = (Vec::new(), true);
    let walked = archive.entries(&mut |entry| {
        match archive.read(&entry, 1 << 20) {
            Ok(data) => out.push((entry.name, data)),
            Err(_) => sound = false,
        }
        true
    });
    (out, sound && walked.is_ok())
}

fn want() -> Vec<(String, Vec<u8>)> {
    FILES.iter().map(|(name, data)| ((*name).to_owned(), data.to_vec())).collect()
}

#[test]
fn plain_far_and_behind_a_program() {
    for far in [false, true] {
        let bytes = zip(FILES, far);
        assert_eq!(unpack(&bytes), (want(), true), "{far}");
        assert_eq!(unpack(&[&b"MZ program"[..], &bytes].concat()), (want(), true), "{far}");
    }
    let mut commented = zip(FILES, false);
    let at = commented.len() - 2;
    commented[at..].copy_from_slice(&[9, 0]);
    commented.extend(b"PK\x05\x06 deep");
    assert_eq!(unpack(&commented), (want(), true));
}

#[test]
fn every_cut_is_seen() {
    for far in [false, true] {
        let bytes = zip(FILES, far);
        for cut in 0..bytes.len() {
            assert!(!unpack(&bytes[..cut]).1, "{far} {cut}");
        }
    }
}

#[test]
fn flips_never_give_wrong_bytes() {
    let mut dice = Dice(7);
    for far in [false, true] {
        let good = zip(FILES, far);
        for _ in 0..3000 {
            let mut bad = good.clone();
            for _ in 0..=dice.below(3) {
                let at = dice.below(bad.len());
                bad[at] = u8::try_from(dice.below(256)).unwrap();
            }
            for (_, data) in unpack(&bad).0 {
                assert!(FILES.iter().any(|(_, one)| *one == data), "a sum that was not looked at");
            }
        }
    }
}

#[test]
fn bombs_are_refused() {
    let bomb = vec![0; 16 << 20];
    let bytes = zip(&[("bomb", &bomb)], false);
    assert!(bytes.len() < 1 << 20);
    assert_eq!(unpack(&bytes), (vec![], false));
    // It claims to be short.
    let mut liar = bytes.clone();
    let at = liar.len() - 22 - 50 + 24;
    liar[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
    assert_eq!(unpack(&liar), (vec![], false));
}

/// Writes `fuzz/seeds` anew: `cargo test --lib write_seeds -- --ignored`.
#[test]
#[ignore = "writes into the source tree, when a format's writer changed"]
fn write_seeds() {
    let manifest = b"<Package><Identity Name='K' Publisher='CN=K' Version='1.0.0.0'/></Package>";
    for (name, far) in [("plain", false), ("far", true)] {
        let files: &[(&str, &[u8])] = &[("AppxManifest.xml", manifest), ("AppxSignature.p7x", b"PKCXder")];
        save_seed("msix", name, &zip(files, far));
    }
}
