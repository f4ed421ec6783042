//! Header blobs as the real `BerkeleyDB` writes them.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A `Packages` file made by `db5.3_load`, in either byte order. `None`, with the reason said, without the tool.
pub fn berkeley(blobs: &[Vec<u8>], big: bool) -> Option<Vec<u8>> {
    if !super::has("db5.3_load") {
        super::skip("no db5.3_load (Debian package db5.3-util)");
        return None;
    }
    let number = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let order = if big { 4321 } else { 1234 };
    // Record 0 is the counter that rpm keeps, no header.
    let mut dump =
        format!("VERSION=3\nformat=bytevalue\ntype=hash\ndb_lorder={order}\nHEADER=END\n 00000000\n");
    writeln!(dump, " {}", hex(&number(u32::try_from(blobs.len()).unwrap()))).unwrap();
    for (n, blob) in (1..).zip(blobs) {
        writeln!(dump, " {}\n {}", hex(&number(n)), hex(blob)).unwrap();
    }
    dump.push_str("DATA=END\n");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Packages");
    let mut load = Command::new("db5.3_load").arg(&path).stdin(Stdio::piped()).spawn().unwrap();
    load.stdin.take().unwrap().write_all(dump.as_bytes()).unwrap();
    assert!(load.wait().unwrap().success());
    Some(fs::read(path).unwrap())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
