//! Descriptors as Windows lays them out, and cut ones.

use super::*;

const SYSTEM: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
const ADMINISTRATORS: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
const EVERYONE: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];

fn entry(kind: u8, flags: u8, rights: u32, who: &[u8]) -> Vec<u8> {
    let size = u16::try_from(8 + who.len()).unwrap();
    [&[kind, flags], size.to_le_bytes().as_slice(), &rights.to_le_bytes(), who].concat()
}

/// Owner, then the list.
fn descriptor(owner: &[u8], entries: Option<&[Vec<u8>]>) -> Vec<u8> {
    let list = entries.map_or_else(Vec::new, |entries| {
        let body = entries.concat();
        let (size, count) = (u16::try_from(8 + body.len()).unwrap(), u16::try_from(entries.len()).unwrap());
        [&[2, 0], size.to_le_bytes().as_slice(), &count.to_le_bytes(), &[0, 0], &body].concat()
    });
    let dacl = if entries.is_some() { 20 + u32::try_from(owner.len()).unwrap() } else { 0 };
    let control = 0x8000_u16 | if entries.is_some() { DACL_PRESENT } else { 0 };
    let offsets = [20_u32, 0, 0, dacl].map(u32::to_le_bytes).concat();
    [&[1, 0], control.to_le_bytes().as_slice(), &offsets, owner, &list].concat()
}

fn usual() -> Vec<u8> {
    let entries = [
        entry(1, 0, 0xffff, EVERYONE),
        entry(0, 0, 0x001f_01ff, ADMINISTRATORS),
        entry(0, INHERIT_ONLY, 0x1000_0000, EVERYONE),
        entry(9, 0, 0x0012_00a9, EVERYONE),
    ];
    descriptor(SYSTEM, Some(&entries))
}

#[test]
fn owner_and_who_is_allowed_what() {
    let read = security_descriptor(&usual()).unwrap();
    assert_eq!(read.owner.as_deref(), Some("S-1-5-18"));
    let granted = read.granted.unwrap();
    let shown: Vec<_> = granted.iter().map(|one| (one.who.as_str(), one.rights)).collect();
    assert_eq!(shown, [("S-1-5-32-544", 0x001f_01ff), ("S-1-1-0", 0x0012_00a9)]);
}

#[test]
fn no_list_is_not_an_empty_one() {
    assert_eq!(security_descriptor(&descriptor(SYSTEM, None)).unwrap().granted, None);
    assert_eq!(security_descriptor(&descriptor(SYSTEM, Some(&[]))).unwrap().granted, Some(Vec::new()));
}

#[test]
fn what_is_cut_says_nothing() {
    let whole = usual();
    for length in 0..whole.len() {
        assert_eq!(security_descriptor(&whole[..length]), None, "{length} bytes");
    }
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let whole = usual();
    for at in 0..whole.len() {
        for value in [0, 1, 4, 0x7f, 0xff] {
            let mut changed = whole.clone();
            changed[at] = value;
            let _read = security_descriptor(&changed);
        }
    }
}
