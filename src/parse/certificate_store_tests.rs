//! Registry blobs: order, damage, what a store adds. Chains over stored roots are tested with openssl.

use super::*;
use crate::parse::x509::tests::{made, name};

fn property(id: u32, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap();
    [&id.to_le_bytes()[..], &1_u32.to_le_bytes(), &length.to_le_bytes(), value].concat()
}

fn certificate() -> Vec<u8> {
    made(
        &name(&[(b"\x55\x04\x03", 0x13, b"Kaspersky Root"), (b"\x55\x04\x0a", 0x13, b"AO Kaspersky Lab")]),
        b"\x11",
        &[],
    )
}

#[test]
fn a_blob_as_windows_writes_it() {
    let der = certificate();
    let sha1 = crate::parse::pkcs7::Hash::Sha1.of(&der);
    let friendly: Vec<u8> = "Root №1\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let blob = [property(3, &sha1), property(11, &friendly), property(0x62, b"ignored"), property(32, &der)]
        .concat();
    let got = read(&blob);
    assert_eq!(got.faults, []);
    let [one] = &got.records[..] else { panic!() };
    assert_eq!(one.friendly_name.as_deref(), Some("Root №1"));
    assert_eq!(one.certificate.subject.organization(), Some("AO Kaspersky Lab"));
    assert_eq!(one.certificate.thumbprint(), x509::hex(&sha1).to_uppercase());
    assert_eq!(one.certificate.thumbprint().len(), 40);
}

#[test]
fn damage_is_a_fault_and_a_sound_certificate_is_kept() {
    let der = certificate();
    let sound = property(32, &der);
    let cut = read(&[&sound[..], &property(11, b"name")[..14]].concat());
    assert_eq!((cut.records.len(), cut.faults.len()), (1, 1));
    let wrong = read(&[property(3, &[7; 20]), sound.clone()].concat());
    assert_eq!((wrong.records.len(), wrong.faults.len()), (1, 1));
    for bad in [
        &b""[..],
        b"garbage",
        &sound[..sound.len() - 1],
        &property(32, b"no certificate"),
        &property(3, b"x"),
    ] {
        let got = read(bad);
        assert!(got.records.is_empty() && !got.faults.is_empty(), "{bad:?}");
    }
    // A length of 4 GB costs nothing, nor does an endless row of empty properties.
    let huge = [&32_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
    assert!(read(&huge).records.is_empty());
    assert!(read(&property(5, b"").repeat(100_000)).records.is_empty());
}
