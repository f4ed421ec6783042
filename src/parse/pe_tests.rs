//! Headers that are cut, lie, or belong to something else. Sound ones are tested on real files.

use super::*;

/// Headers of a program for x86 with one section and this certificate table.
pub(crate) fn headers(table: (u32, u32)) -> Vec<u8> {
    let mut pe = b"MZ".to_vec();
    pe.resize(0x3C, 0);
    pe.extend(0x40_u32.to_le_bytes());
    pe.extend(b"PE\0\0\x4c\x01\x01\0");
    pe.extend([0; 12]);
    pe.extend([224, 0, 2, 0x20]);
    let optional = pe.len();
    pe.extend([0x0B, 1]);
    pe.resize(optional + 60, 0);
    pe.extend(0x200_u32.to_le_bytes());
    pe.resize(optional + 92, 0);
    pe.extend(16_u32.to_le_bytes());
    pe.resize(optional + 96 + 32, 0);
    pe.extend(table.0.to_le_bytes());
    pe.extend(table.1.to_le_bytes());
    pe.resize(optional + 224, 0);
    pe.extend(b".text\0\0\0");
    for field in [0x100_u32, 0x1000, 0x200, 0x200] {
        pe.extend(field.to_le_bytes());
    }
    pe.resize(0x400, 0);
    pe
}

fn open(bytes: &[u8]) -> Pe {
    read(&bytes).unwrap().unwrap()
}

#[test]
fn addresses_lie_in_sections_or_headers() {
    let pe = open(&headers((0, 0)));
    assert_eq!((pe.machine, pe.is_dll, pe.is_64), (0x14C, true, false));
    assert_eq!(pe.sections[0].name, ".text");
    assert_eq!(pe.offset(0x1010), Some(0x210..0x400));
    assert_eq!(pe.offset(0x10), Some(0x10..0x200));
    assert_eq!((pe.offset(0x1200), pe.offset(0x300), pe.offset(u32::MAX)), (None, None, None));
    assert_eq!((pe.overlay(), pe.certificate_table()), (None, None));
}

#[test]
fn other_programs_are_none_and_cut_ones_a_fault() {
    let whole = headers((0, 0));
    for (at, bytes) in [(0, b"ZM"), (0x40, b"NE"), (0x40, b"LE")] {
        let mut other = whole.clone();
        other[at..at + 2].copy_from_slice(bytes);
        assert_eq!(read(&&other[..]), Ok(None));
    }
    for end in 0..0x44 {
        assert_eq!(read(&&whole[..end]), Ok(None), "{end}");
    }
    for end in 0x44..0x160 {
        assert!(read(&&whole[..end]).is_err(), "{end}");
    }
    let mut rom = whole;
    rom[0x58] = 7;
    assert!(read(&&rom[..]).is_err());
}

#[test]
fn entries_of_the_table_are_bounded_and_aligned() {
    let entry = |length: u32, data: &[u8]| [&length.to_le_bytes()[..], &[0, 2, 2, 0], data].concat();
    let with = |table: &[u8], size: usize| {
        let bytes = [&headers((0x400, u32::try_from(size).unwrap()))[..], table].concat();
        open(&bytes).certificates(&&bytes[..])
    };
    // Lengths without the filling, and filling behind the last.
    let two = [entry(11, b"abc\0\0\0\0\0"), entry(16, b"12345678"), vec![0; 4]].concat();
    let got = with(&two, two.len());
    assert_eq!(got.faults, []);
    let data: Vec<_> = got.records.iter().map(|one| (one.kind, &one.data[..])).collect();
    assert_eq!(data, [(2, &b"abc"[..]), (2, b"12345678")]);
    for (table, size) in
        [(entry(7, b""), 8), (entry(0, b""), 8), (entry(17, b"12345678"), 16), (entry(16, b"1234"), 16)]
    {
        let got = with(&table, size);
        assert!(got.records.is_empty() && !got.faults.is_empty(), "{got:?}");
    }
    let many = entry(8, b"").repeat(100);
    let got = with(&many, many.len());
    assert_eq!((got.records.len(), got.faults.len()), (MAX_CERTIFICATES, 1));
    let big = entry(5 << 20, &vec![1; (5 << 20) - 8]);
    assert_eq!(with(&big, big.len()).records[0].data.len() as u64, MAX_CERTIFICATE);
}
