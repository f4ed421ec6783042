//! Tests of the NDB reader.

use super::*;
use crate::parse::rpmdb::tests::Found;
use crate::parse::rpmdb::tests::blobs;
use crate::parse::rpmdb::tests::collect;
use crate::parse::rpmdb::tests::numbered;
use crate::parse::rpmdb::tests::torture;
use crate::parse::rpmdb::tests::writer;
use std::ops::ControlFlow;

fn read(file: &[u8]) -> Found {
    collect(|visit| records(&file, visit))
}

#[test]
fn every_blob_comes_out() {
    assert_eq!(read(&writer::ndb(&blobs())), (numbered(&blobs()), vec![]));
    assert_eq!(read(&writer::ndb(&[])), (vec![], vec![]));
}

#[test]
fn more_packages_than_one_slot_page_holds() {
    let many: Vec<Vec<u8>> = (0..700).map(|n: u32| n.to_be_bytes().to_vec()).collect();
    assert_eq!(read(&writer::ndb(&many)), (numbered(&many), vec![]));
}

#[test]
fn cuts_and_flips() {
    torture(&writer::ndb(&blobs()), &read);
}

#[test]
fn flipped_content_is_kept_with_a_fault() {
    let mut file = writer::ndb(&blobs());
    file[4096 + 16 + 100] ^= 1;
    let (found, faults) = read(&file);
    assert_eq!((found.len(), faults.len()), (40, 1));
    assert!(faults[0].what.contains("checksum"), "{}", faults[0]);
}

#[test]
fn damaged_slots_are_faults() {
    let sound = writer::ndb(&blobs());
    for (at, byte, why) in [
        (32, b'X', "slot magic"),
        (36, 9, "number of another package"),
        (40, 0xff, "blob behind the end"),
        (44, 0xff, "length"),
        (8192, 0, "in a blob: nothing"),
    ] {
        let mut file = sound.clone();
        file[at] = byte;
        let (found, faults) = read(&file);
        assert!(!faults.is_empty() && found.len() >= 38, "{why}: {faults:?}");
    }
}

#[test]
fn claims_over_the_cap_are_refused() {
    let mut file = writer::ndb(&blobs());
    file[44..48].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(read(&file).1[0].what.contains("cap"));
    file[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&file).0, []);
    file[4] = 9;
    assert!(read(&file).1[0].what.contains("version 9"));
}

#[test]
fn slots_that_share_blobs_cost_no_more_than_the_file() {
    let mut file = writer::ndb(&[vec![b'x'; 60_000], vec![b'y'; 10]]);
    let slot = file[32..48].to_vec();
    for free in file[64..4096].chunks_exact_mut(16) {
        free.copy_from_slice(&slot);
    }
    let (found, faults) = read(&file);
    assert!(found.len() <= 2 && !faults.is_empty(), "{} records", found.len());
}

#[test]
fn visitor_may_break_off() {
    let file = writer::ndb(&blobs());
    let mut calls = 0;
    let faults = records(&file.as_slice(), &mut |_, _| {
        calls += 1;
        ControlFlow::Break(())
    });
    assert_eq!((calls, faults), (1, vec![]));
}

#[test]
fn checksum_is_adler32() {
    assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    let long = vec![0xff; 100_000];
    assert_eq!(adler32(&long), adler_slow(&long));
}

fn adler_slow(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for &byte in bytes {
        low = (low + u32::from(byte)) % 65521;
        high = (high + low) % 65521;
    }
    high << 16 | low
}
