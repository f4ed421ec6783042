//! Certificates as they are found: odd serial numbers, odd strings, damage.

use super::*;
use crate::parse::der::encoded;

/// A name of parts: identifier, tag of the string, its bytes.
pub(crate) fn name(parts: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
    let parts = parts.iter().flat_map(|(id, tag, text)| {
        let part = [encoded(tag::OID, id), encoded(*tag, text)].concat();
        encoded(tag::SET, &encoded(tag::SEQUENCE, &part))
    });
    encoded(tag::SEQUENCE, &parts.collect::<Vec<_>>())
}

/// A certificate with these fields and neither a sound key nor a signature.
pub(crate) fn made(subject: &[u8], serial: &[u8], extensions: &[(&[u8], &[u8])]) -> Vec<u8> {
    let sequence = |parts: &[Vec<u8>]| encoded(tag::SEQUENCE, &parts.concat());
    let algorithm = sequence(&[encoded(tag::OID, oid::RSA_SHA256)]);
    let validity = sequence(&[
        encoded(tag::UTC_TIME, b"200101000000Z"),
        encoded(tag::GENERALIZED_TIME, b"20500101000000Z"),
    ]);
    let key = sequence(&[sequence(&[encoded(tag::OID, oid::RSA)]), encoded(tag::BIT_STRING, b"\0key")]);
    let extensions: Vec<_> = extensions
        .iter()
        .map(|(id, value)| {
            sequence(&[encoded(tag::OID, id), vec![1, 1, 255], encoded(tag::OCTET_STRING, value)])
        })
        .collect();
    let signed = sequence(&[
        encoded(tag::context(0), b"\x02\x01\x02"),
        encoded(tag::INTEGER, serial),
        algorithm.clone(),
        name(&[(b"\x55\x04\x03", 0x13, b"An  ISSUER")]),
        validity,
        subject.to_vec(),
        key,
        encoded(tag::context(3), &sequence(&extensions)),
    ]);
    sequence(&[signed, algorithm, encoded(tag::BIT_STRING, b"\0signature")])
}

#[test]
fn fields_and_extensions() {
    let subject = name(&[
        (b"\x55\x04\x06", 0x13, b"RU"),
        (b"\x55\x04\x0a", 0x0C, "АО".as_bytes()),
        (b"\x55\x04\x03", 0x1E, b"\x04\x10\0B"),
    ]);
    let der = made(
        &subject,
        b"\xff\x01",
        &[
            (oid::BASIC_CONSTRAINTS, b"\x30\x06\x01\x01\xff\x02\x01\x03"),
            (oid::KEY_USAGE, b"\x03\x02\x01\x06"),
            (oid::EXTENDED_KEY_USAGE, b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03"),
            (oid::SUBJECT_KEY_ID, b"\x04\x02ab"),
            (oid::AUTHORITY_KEY_ID, b"\x30\x04\x80\x02cd"),
        ],
    );
    let got = Certificate::read(&[&der[..], b"padding"].concat()).unwrap();
    assert_eq!(got.subject.to_string(), "CN=АB, O=АО, C=RU");
    assert_eq!((got.subject.common_name(), got.subject.organization()), (Some("АB"), Some("АО")));
    assert_eq!(
        (got.serial.as_str(), got.not_before, got.not_after),
        ("ff01", Some(1_577_836_800), Some(2_524_608_000))
    );
    assert_eq!(
        (got.is_ca, got.path_length, got.no_cert_sign, got.permitted.len()),
        (true, Some(3), false, 0)
    );
    assert_eq!((got.key_id.as_deref(), got.issuer_key_id.as_deref()), (Some(&b"ab"[..]), Some(&b"cd"[..])));
    assert!(got.signs_code());
    assert_eq!(got.usages, Some(vec![CODE_SIGNING.to_owned()]));
    assert_eq!(got.der, der);
    assert_eq!(got.thumbprint(), hex(&Hash::Sha1.of(&der)).to_uppercase());
}

#[test]
fn a_certificate_without_extensions_says_nothing_of_itself() {
    let got = Certificate::read(&made(&name(&[]), b"\0\x80", &[])).unwrap();
    assert_eq!(
        (got.is_ca, got.path_length, got.usages.clone(), got.serial.as_str()),
        (false, None, None, "0080")
    );
    assert!(got.signs_code());
    assert!(!got.is_self_issued());
    let forbids = made(&name(&[]), b"\x01", &[(oid::KEY_USAGE, b"\x03\x02\x07\x80")]);
    assert!(Certificate::read(&forbids).unwrap().no_cert_sign);
}

#[test]
fn names_are_the_same_whatever_their_case_blanks_and_string_type() {
    let read = |parts| Name::read(der::first(&name(parts)).unwrap().body);
    let one = read(&[(b"\x55\x04\x03", 0x13, b"A  Root"), (b"\x55\x04\x0a", 0x13, b"Firm")]);
    assert!(one.same(&read(&[(b"\x55\x04\x03", 0x0C, b"a root"), (b"\x55\x04\x0a", 0x1E, b"\0F\0i\0r\0m")])));
    for other in [
        read(&[(b"\x55\x04\x03", 0x13, b"A Root")]),
        read(&[(b"\x55\x04\x0b", 0x13, b"A  Root"), (b"\x55\x04\x0a", 0x13, b"Firm")]),
        read(&[(b"\x55\x04\x0a", 0x13, b"Firm"), (b"\x55\x04\x03", 0x13, b"A  Root")]),
        read(&[]),
    ] {
        assert!(!one.same(&other), "{other}");
    }
    assert!(read(&[]).same(&read(&[])), "two that are empty");
    let odd = read(&[(b"\x2a\x03", 0x0C, b"x"), (b"\x55\x04\x0b", 0x0C, b"Unit")]);
    assert_eq!((odd.to_string().as_str(), odd.shown()), ("OU=Unit, 1.2.3=x", "Unit"));
}

#[test]
fn every_cut_is_no_certificate() {
    let der =
        made(&name(&[(b"\x55\x04\x03", 0x13, b"AO")]), b"\x01", &[(oid::KEY_USAGE, b"\x03\x02\x01\x06")]);
    assert!(Certificate::read(&der).is_ok());
    for end in 0..der.len() {
        assert!(Certificate::read(&der[..end]).is_err(), "{end}");
    }
}
