//! Tests of the `BerkeleyDB` reader: our own small writer, and files of the real library.
#![expect(clippy::disallowed_methods, reason = "tests run the real db5.3_load")]

use super::*;
use crate::parse::rpmdb::tests::Found;
use crate::parse::rpmdb::tests::blobs;
use crate::parse::rpmdb::tests::collect;
use crate::parse::rpmdb::tests::numbered;
use crate::parse::rpmdb::tests::torture;
use crate::parse::rpmdb::tests::writer;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;

fn read(file: &[u8]) -> Found {
    collect(|visit| records(&file, visit))
}

/// The same records written by Oracle's own loader; none (and a word) where it is not installed.
fn real(big: bool, page_size: usize, blobs: &[Vec<u8>]) -> Option<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("Packages");
    let order = if big { 4321 } else { 1234 };
    let number = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    };
    let mut dump = format!(
        "VERSION=3\nformat=bytevalue\ntype=hash\ndb_lorder={order}\ndb_pagesize={page_size}\nHEADER=END\n"
    );
    writeln!(dump, " 00000000\n {}", hex(&number(u32::try_from(blobs.len()).unwrap()))).unwrap();
    for (n, blob) in numbered(blobs) {
        writeln!(dump, " {}\n {}", hex(&number(n)), hex(blob.as_slice())).unwrap();
    }
    dump.push_str("DATA=END\n");
    let child = Command::new("db5.3_load").arg(&path).stdin(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: no db5.3_load (Debian package db5.3-util)");
        }
        return None;
    };
    child.stdin.take().unwrap().write_all(dump.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    Some(std::fs::read(path).unwrap())
}

#[test]
fn own_files_in_both_byte_orders() {
    for (big, page_size) in [(false, 512), (true, 512), (false, 4096), (true, 65536 / 2)] {
        assert_eq!(read(&writer::bdb(big, page_size, &blobs())), (numbered(&blobs()), vec![]));
    }
}

#[test]
fn files_of_the_real_library() {
    let many: Vec<Vec<u8>> = (0..1500_usize).map(|n| vec![b'h'; n * 7 % 9000]).collect();
    for (big, page_size) in [(false, 512), (true, 1024), (false, 4096), (true, 4096), (false, 65536)] {
        let Some(file) = real(big, page_size, &many) else { return };
        let (found, faults) = read(&file);
        assert_eq!(faults, [], "{big} {page_size}");
        assert!(found == numbered(&many), "{big} {page_size}: {} records", found.len());
    }
}

#[test]
fn cuts_and_flips_of_own_files() {
    torture(&writer::bdb(false, 512, &blobs()), &read);
    torture(&writer::bdb(true, 4096, &blobs()), &read);
}

#[test]
fn cuts_and_flips_of_a_real_file() {
    if let Some(file) = real(false, 1024, &blobs()) {
        torture(&file, &read);
    }
}

#[test]
fn a_wiped_bucket_shows_in_the_count() {
    let mut file = writer::bdb(false, 4096, &blobs()[..2]);
    file[4096..8192].fill(0);
    let (found, faults) = read(&file);
    assert_eq!(found, []);
    assert!(faults[0].what.contains("0 of 3 records"), "{faults:?}");
}

#[test]
fn loops_end() {
    let mut file = writer::bdb(false, 512, &blobs());
    // The first hash page names itself as the next one.
    file[512 + 16..512 + 20].copy_from_slice(&1_u32.to_le_bytes());
    let (_, faults) = read(&file);
    assert!(faults.iter().any(|fault| fault.what.contains("used twice")), "{faults:?}");
    let mut file = writer::bdb(false, 512, &blobs());
    // The first overflow page of the first package names itself.
    file[1024 + 16..1024 + 20].copy_from_slice(&2_u32.to_le_bytes());
    assert!(!read(&file).1.is_empty());
}

#[test]
fn other_files_of_the_library_are_refused() {
    let sound = writer::bdb(false, 512, &[]);
    for (at, byte) in [(12, 0x62), (16, 3), (20, 3), (24, 1), (25, 9), (26, 1)] {
        let mut file = sound.clone();
        file[at] = byte;
        let (found, faults) = read(&file);
        assert!(found.is_empty() && !faults.is_empty(), "byte {at}");
    }
}

#[test]
fn a_length_over_the_cap_is_refused() {
    let mut file = writer::bdb(false, 4096, &blobs()[..1]);
    // Items from the page's end: two of the counter (5 bytes each), key (5), off-page (12).
    let len_at = 8192 - 5 - 5 - 5 - 4;
    file[len_at..len_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(read(&file).1[0].what.contains("cap"), "{:?}", read(&file).1);
}
