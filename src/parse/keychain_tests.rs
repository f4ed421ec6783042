//! The reader of keychains against files laid out by hand, as `AppleDatabase.cpp` writes them.

use super::*;
use crate::parse::MAX_FAULTS;

/// Self-signed, of the subject `CN=prohibited`.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../../tests/support/prohibited.der");

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// A record with its bytes behind nine attributes, and a value of an attribute behind these.
fn record(number: u32, data: &[u8]) -> Vec<u8> {
    let body = [data, b"\0\0\0\x0aprohibited"].concat();
    let padded = body.len().next_multiple_of(4);
    let mut bytes = words(&[60 + u32::try_from(padded).unwrap(), number, 1, 0, length(data), 0]);
    bytes.extend(words(&[0; 9]));
    bytes.extend(body);
    bytes.resize(60 + padded, 0);
    bytes
}

/// A table of these records; none is a free number.
fn table(kind: u32, records: &[Option<Vec<u8>>]) -> Vec<u8> {
    let numbers = u32::try_from(records.len()).unwrap();
    let mut at = 28 + 4 * numbers;
    let (mut offsets, mut bodies, mut count) = (Vec::new(), Vec::new(), 0);
    for body in records {
        let Some(body) = body else {
            offsets.push(0x1d);
            continue;
        };
        offsets.push(at);
        at += length(body);
        bodies.extend_from_slice(body);
        count += 1;
    }
    let head = [at + 8, kind, count, 28 + 4 * numbers, at, 0, numbers];
    [words(&head), words(&offsets), bodies, words(&[8, 0])].concat()
}

fn file(tables: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(tables.len()).unwrap();
    let mut at = 8 + 4 * count;
    let mut offsets = Vec::new();
    for table in tables {
        offsets.push(at);
        at += length(table);
    }
    let head = [b"kych".to_vec(), words(&[0x0001_0000, 16, 20, 0])].concat();
    [head, words(&[at, count]), words(&offsets), tables.concat(), words(&[1])].concat()
}

/// A keychain with an empty table, a password, and these certificates.
pub(crate) fn keychain(certificates: &[&[u8]]) -> Vec<u8> {
    let records: Vec<_> =
        certificates.iter().zip(0..).map(|(one, number)| Some(record(number, one))).collect();
    file(&[table(0x8000_0000, &[Some(record(0, b"secret"))]), table(1, &[]), table(CERTIFICATES, &records)])
}

fn names(bytes: &[u8]) -> Vec<String> {
    let got = certificates(bytes).unwrap();
    got.records.iter().map(|one| one.subject.shown().to_owned()).collect()
}

#[test]
fn certificates_are_found_among_the_tables() {
    let bytes = keychain(&[CERTIFICATE, CERTIFICATE]);
    assert_eq!(certificates(&bytes).unwrap().faults, []);
    assert_eq!(names(&bytes), ["prohibited", "prohibited"]);
    assert_eq!(certificates(&keychain(&[])).unwrap(), Parsed::default());
}

#[test]
fn numbers_of_deleted_records_are_passed_over() {
    let records = [None, Some(record(1, CERTIFICATE)), None];
    let got = certificates(&file(&[table(CERTIFICATES, &records)])).unwrap();
    assert_eq!((got.records.len(), got.faults), (1, vec![]));
}

#[test]
fn one_that_is_none_hides_no_other() {
    let got = certificates(&keychain(&[b"nonsense", CERTIFICATE])).unwrap();
    assert_eq!((got.records.len(), got.faults.len()), (1, 1));
    let wrong = [Some(record(0, CERTIFICATE)), Some(record(1, CERTIFICATE))];
    let mut bytes = table(CERTIFICATES, &wrong);
    bytes[11] = 3;
    let got = certificates(&file(&[bytes])).unwrap();
    assert_eq!((got.records.len(), got.faults.len()), (2, 1), "it tells three");
}

#[test]
fn what_is_no_keychain_is_an_error() {
    for bytes in [&b""[..], b"kych", b"SQLite format 3\0", &[0xFF; 64], b"kych\0\x02\0\0\0\0\0\x10\0\0\0\x14"]
    {
        assert!(certificates(bytes).is_err());
    }
    let none = certificates(&file(&[table(1, &[])])).unwrap();
    assert_eq!(none.faults.len(), 1, "every keychain has the table");
}

#[test]
fn a_cut_file_is_never_whole() {
    let bytes = keychain(&[CERTIFICATE]);
    // Behind the tables stands a version that does not count.
    for end in 0..bytes.len() - 4 {
        match certificates(&bytes[..end]) {
            Ok(got) => assert!(!got.faults.is_empty(), "cut at {end}"),
            Err(fault) => assert!(!fault.what.is_empty()),
        }
    }
}

#[test]
fn hostile_numbers_end() {
    let sound = keychain(&[CERTIFICATE, CERTIFICATE]);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..20_000 {
        let mut bytes = sound.clone();
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[at] = state.to_le_bytes()[2];
        }
        if let Ok(got) = certificates(&bytes) {
            assert!(got.faults.len() <= MAX_FAULTS);
        }
    }
    let mut many = keychain(&[CERTIFICATE]);
    many[24..28].fill(0xFF);
    assert!(!certificates(&many).unwrap().faults.is_empty());
}
