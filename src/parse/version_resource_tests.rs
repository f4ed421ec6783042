//! Version resources with the faults that real ones have. Sound ones are tested on real files.

use super::*;

/// One block. The stated lengths may be anything: `None` is the true one.
fn block(key: &str, value: &[u8], inside: &[Vec<u8>], stated: (Option<u16>, u16)) -> Vec<u8> {
    let mut out = vec![0, 0];
    out.extend(stated.1.to_le_bytes());
    out.extend([1, 0]);
    out.extend(key.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(value);
    for one in inside {
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(one);
    }
    let length = stated.0.unwrap_or(u16::try_from(out.len()).unwrap());
    out[..2].copy_from_slice(&length.to_le_bytes());
    out
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A resource with one table of these strings.
fn resource(strings: &[Vec<u8>]) -> Vec<u8> {
    let table = block("040904b0", b"", strings, (None, 0));
    let files = block("StringFileInfo", b"", &[table], (None, 0));
    let mut fixed = 0xFEEF_04BD_u32.to_le_bytes().to_vec();
    fixed.extend([0, 0, 1, 0, 2, 0, 1, 0, 4, 0, 3, 0, 6, 0, 5, 0, 8, 0, 7, 0]);
    fixed.resize(52, 0);
    block("VS_VERSION_INFO", &fixed, &[files], (None, 52))
}

fn strings(bytes: &[u8]) -> Vec<(String, String)> {
    parse(bytes).unwrap().tables.into_iter().flat_map(|table| table.strings).collect()
}

#[test]
fn versions_are_read_from_the_right_halves() {
    let info = parse(&resource(&[])).unwrap();
    assert_eq!((info.file_version, info.product_version), (Some([1, 2, 3, 4]), Some([5, 6, 7, 8])));
}

#[test]
fn values_with_wrong_lengths_are_read_to_their_zero() {
    let text = wide("AO Kaspersky Lab\0");
    let units = u16::try_from(text.len() / 2).unwrap();
    // In units, in bytes, without the zero, far too long, too short.
    for stated in [units, units * 2, units - 1, u16::MAX, 1] {
        let bytes = resource(&[
            block("CompanyName", &text, &[], (None, stated)),
            block("ProductName", &wide("KES\0"), &[], (None, 4)),
        ]);
        let want = [("CompanyName", "AO Kaspersky Lab"), ("ProductName", "KES")];
        assert_eq!(strings(&bytes), want.map(|(key, text)| (key.to_owned(), text.to_owned())), "{stated}");
    }
    let no_zero = resource(&[block("CompanyName", &wide("Firm"), &[], (None, 4))]);
    assert_eq!(strings(&no_zero)[0].1, "Firm");
    let none = resource(&[
        block("CompanyName", b"", &[], (None, 0)),
        block("FileVersion", &wide("1\0"), &[], (None, 2)),
    ]);
    assert_eq!(
        strings(&none),
        [("CompanyName".to_owned(), String::new()), ("FileVersion".to_owned(), "1".to_owned())]
    );
}

#[test]
fn lengths_of_blocks_that_reach_too_far_or_nowhere() {
    let far = resource(&[block("CompanyName", &wide("Firm\0"), &[], (Some(u16::MAX), 5))]);
    assert_eq!(strings(&far), [("CompanyName".to_owned(), "Firm".to_owned())]);
    for length in [0, 1, 5] {
        let nowhere = resource(&[block("CompanyName", &wide("Firm\0"), &[], (Some(length), 5))]);
        assert_eq!(strings(&nowhere), [], "{length}");
    }
}

#[test]
fn names_in_any_letter_case_and_the_first_that_is_not_empty() {
    let bytes = resource(&[
        block("companyname", &wide("\0"), &[], (None, 1)),
        block("COMPANYNAME", &wide("Firm\0"), &[], (None, 5)),
    ]);
    let info = parse(&bytes).unwrap();
    assert_eq!(info.string("CompanyName"), Some("Firm"));
    assert_eq!(info.string("ProductName"), None);
}

#[test]
fn unpaired_surrogates_and_cuts_are_survived() {
    let bytes = resource(&[block("CompanyName", &[0, 0xD8, 0x41, 0, 0, 0], &[], (None, 3))]);
    assert_eq!(strings(&bytes)[0].1, "\u{FFFD}A");
    for end in 0..bytes.len() {
        let cut = parse(&bytes[..end]);
        assert!(cut.is_none_or(|info| info.tables.len() <= 1), "{end}");
    }
    assert_eq!(parse(b""), None);
    assert_eq!(parse(&block("VS_VERSION", b"", &[], (None, 0))), None);
}
