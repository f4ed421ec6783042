//! Catalogues put together by hand; signed ones are tested with openssl.

use super::*;
use crate::parse::der::encoded;

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    encoded(tag::SEQUENCE, &parts.concat())
}

/// A member with a digest in its indirect data, or without any.
fn entry(id: &[u8], digest: Option<(&[u8], &[u8])>) -> Vec<u8> {
    let attributes = digest.map(|(hash, digest)| {
        let what = sequence(&[encoded(tag::OID, b"\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f")]);
        let info = sequence(&[sequence(&[encoded(tag::OID, hash)]), encoded(tag::OCTET_STRING, digest)]);
        let data = encoded(tag::SET, &sequence(&[what, info]));
        sequence(&[encoded(tag::OID, oid::SPC_INDIRECT_DATA), data])
    });
    sequence(&[encoded(tag::OCTET_STRING, id), encoded(tag::SET, &attributes.unwrap_or_default())])
}

/// A catalogue without a signer.
fn catalog(kind: &[u8], members: &[Vec<u8>]) -> Vec<u8> {
    let list = sequence(&[
        sequence(&[encoded(tag::OID, b"\x2b\x06\x01\x04\x01\x82\x37\x0c\x01\x01")]),
        encoded(tag::OCTET_STRING, b"identifier"),
        encoded(tag::UTC_TIME, b"200101000000Z"),
        sequence(&[encoded(tag::OID, b"\x2b\x06\x01\x04\x01\x82\x37\x0c\x01\x02")]),
        sequence(members),
    ]);
    let contents = sequence(&[encoded(tag::OID, kind), encoded(tag::context(0), &list)]);
    let data = sequence(&[vec![2, 1, 1], encoded(tag::SET, b""), contents, encoded(tag::SET, b"")]);
    sequence(&[encoded(tag::OID, oid::SIGNED_DATA), encoded(tag::context(0), &data)])
}

#[test]
fn members_by_indirect_data_by_text_and_by_bytes() {
    let text: Vec<u8> =
        format!("{}\0", "AB01".repeat(10)).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bytes = catalog(
        oid::CTL,
        &[
            entry(b"tag of any kind", Some((oid::SHA256, &[2; 32]))),
            entry(&text, None),
            entry(&[3; 32], None),
            entry(&[3; 32], None),
            entry(b"odd", None),
        ],
    );
    let got = read(&bytes);
    let catalog = &got.records[0];
    assert_eq!(catalog.len(), 3, "one stands twice");
    assert!(catalog.lists(Hash::Sha256, &[2; 32]));
    assert!(catalog.lists(Hash::Sha256, &[3; 32]));
    assert!(catalog.lists(Hash::Sha1, &[0xAB, 1].repeat(10)));
    assert!(!catalog.lists(Hash::Sha256, &[4; 32]));
    assert!(!catalog.lists(Hash::Sha1, &[2; 32]));
    let faults: Vec<_> = got.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        ["the whole file: a SignedData without a signer", "record member 4: has no digest that is known"]
    );
}

#[test]
fn what_is_no_catalogue_is_a_fault() {
    for bytes in [&b""[..], b"garbage", &catalog(oid::TST_INFO, &[])] {
        let got = read(bytes);
        assert!(got.records.is_empty() && got.faults.len() == 1, "{got:?}");
    }
    assert!(read(&catalog(oid::CTL, &[])).records[0].is_empty());
}
