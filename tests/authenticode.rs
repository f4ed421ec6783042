//! Signatures of files: made with osslsigncode and authorities of our own, and damaged in every way. What real
//! files hold is tested beside the code.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking"
)]

mod support;

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use interdict::parse::authenticode::{SignerFacts, digests, signers, verify};
use interdict::parse::chain::{Anchor, Anchors, Origin, Trust, judge};
use interdict::parse::pkcs7::{Check, Hash, Signature};
use interdict::parse::x509::Certificate;
use interdict::parse::{Parsed, ReadAt, catalog, pe, pkcs7, version_resource};
use support::forge::{CLOCK, Cert, Forge, P256, RSA};
use support::pe::{Image, image};

const KASPERSKY: &str = "/C=RU/L=Moscow/O=AO Kaspersky Lab/CN=AO Kaspersky Lab";
const STRINGS: &[(&str, &str)] =
    &[("CompanyName", "AO Kaspersky Lab"), ("ProductName", "Kaspersky Антивирус")];
const PROGRAM: Image<'_> = Image { strings: STRINGS, version: [21, 3, 10, 391], overlay: b"" };

fn checked(bytes: &[u8], anchors: &Anchors) -> Parsed<SignerFacts> {
    let src = &bytes;
    verify(src, &pe::read(src).unwrap().unwrap(), anchors)
}

/// The one signature of a file without faults.
fn only(bytes: &[u8], anchors: &Anchors) -> SignerFacts {
    let mut got = checked(bytes, anchors);
    assert_eq!(got.faults, []);
    assert_eq!(got.records.len(), 1, "{got:#?}");
    got.records.remove(0)
}

fn listed(bytes: &[u8]) -> Parsed<Signature> {
    let src = &bytes;
    signers(src, &pe::read(src).unwrap().unwrap())
}

/// The bundled roots and one of the tests' own.
fn with_root(der: &[u8]) -> Anchors {
    let mut anchors = Anchors::bundled();
    anchors.add(Anchor::target(&Certificate::read(der).unwrap(), None).unwrap());
    anchors
}

fn is_broken(trust: &Trust) -> bool {
    matches!(trust, Trust::Broken(_))
}

#[test]
fn anybody_can_be_named_kaspersky_and_only_a_root_vouches_for_it() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    let signed = forge
        .sign(&image(&PROGRAM), &["-h", "sha256", "-n", "Антивирус", "-i", "https://kaspersky.example/"]);
    let forged = only(&signed, &Anchors::bundled());
    let subject = &forged.signature.certificate.as_ref().unwrap().subject;
    assert_eq!(subject.common_name(), Some("AO Kaspersky Lab"));
    assert_eq!(subject.to_string(), "CN=AO Kaspersky Lab, O=AO Kaspersky Lab, L=Moscow, C=RU");
    assert_eq!(forged.signature.issuer.common_name(), Some("A root of the tests"));
    assert_eq!(forged.signature.hash, Some(Hash::Sha256));
    assert_eq!(forged.signature.program_name.as_deref(), Some("Антивирус"));
    assert_eq!(forged.signature.more_info.as_deref(), Some("https://kaspersky.example/"));
    assert_eq!(forged.trust, Trust::Unanchored("no trusted root vouches for A root of the tests".to_owned()));
    let Trust::Anchored(root) = only(&signed, &with_root(&forge.der("ca"))).trust else { panic!() };
    assert_eq!((root.name.as_str(), root.origin), ("A root of the tests", Origin::Target));
}

#[test]
fn a_changed_byte_breaks_the_signature_wherever_it_counts() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    let signed = forge.sign(&image(&PROGRAM), &["-h", "sha256"]);
    let anchors = with_root(&forge.der("ca"));
    assert!(matches!(only(&signed, &anchors).trust, Trust::Anchored(_)));
    let table = pe::read(&&signed[..]).unwrap().unwrap().certificate_table().unwrap();
    let table = usize::try_from(table.start).unwrap();
    // Time stamp of the linker, code, the last byte before the table, the digest inside the signature.
    let digest = 70 + table;
    for at in [0x88, 0x200, table - 1, digest] {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        let got = checked(&changed, &anchors);
        assert!(got.records.iter().all(|one| is_broken(&one.trust)), "{at}: {got:#?}");
        assert_eq!(got.records.len(), 1, "{at}");
    }
    // The checksum is not covered.
    let mut changed = signed.clone();
    changed[0x98 + 64] ^= 1;
    assert!(matches!(only(&changed, &anchors).trust, Trust::Anchored(_)));
}

#[test]
fn what_covers_the_file_and_what_not() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    let anchors = with_root(&forge.der("ca"));
    let payload = [7; 4096];
    let signed = forge.sign(&image(&Image { overlay: &payload, ..PROGRAM }), &["-h", "sha256"]);
    let pe = pe::read(&&signed[..]).unwrap().unwrap();
    assert!(matches!(only(&signed, &anchors).trust, Trust::Anchored(_)), "an installer's payload is covered");
    assert_eq!(pe.overlay().unwrap().end, signed.len() as u64);
    let table = pe.certificate_table().unwrap();
    assert_eq!(pe.overlay().unwrap().start + 4096, table.start);
    let appended = [&signed[..], &[0; 16]].concat();
    assert!(is_broken(&only(&appended, &anchors).trust), "behind the table");
    // The same signed bytes, with the table in their middle: what the sections name is then another's.
    let (start, end) = (usize::try_from(table.start).unwrap(), usize::try_from(table.end).unwrap());
    let mut moved = [&signed[..0x200], &signed[start..end], &signed[0x200..start]].concat();
    moved[0x98 + 112 + 32..][..4].copy_from_slice(&0x200_u32.to_le_bytes());
    assert!(is_broken(&only(&moved, &anchors).trust), "a table in the middle");
}

#[test]
fn an_unsigned_file_has_no_signer_and_no_fault() {
    for strings in [&[][..], STRINGS] {
        let got = checked(&image(&Image { strings, ..PROGRAM }), &Anchors::bundled());
        assert_eq!((got.records.len(), got.faults), (0, Vec::new()));
    }
}

#[test]
fn sha1_nested_and_stamped_signatures() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    let anchors = with_root(&forge.der("ca"));
    forge.make(&Cert { subject: "/CN=Another signer", ..Cert::signer("other", "ca") });
    forge.make(&Cert { extensions: CLOCK, subject: "/CN=Clock", ..Cert::signer("tsa", "ca") });
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let before = now();
    let old = forge.sign_stamped(&image(&PROGRAM), &["-h", "sha1"]);
    let one = only(&old, &anchors);
    assert_eq!(one.signature.hash, Some(Hash::Sha1));
    let stamped = u64::try_from(one.signature.timestamp.unwrap()).unwrap();
    assert!((before..=now()).contains(&stamped), "{stamped} is not now, {before}");
    assert!(matches!(one.trust, Trust::Anchored(_)), "{:?}", one.trust);
    for (hash, name) in [(Hash::Sha256, "sha256"), (Hash::Sha384, "sha384")] {
        let both = checked(&forge.sign_as("other", &old, &["-h", name, "-nest"]), &anchors);
        assert_eq!(both.faults, []);
        let got: Vec<_> = both
            .records
            .iter()
            .map(|one| {
                let name = one.signature.certificate.as_ref().unwrap().subject.shown().to_owned();
                (one.signature.depth, name, one.signature.hash, matches!(one.trust, Trust::Anchored(_)))
            })
            .collect();
        let outer = (0, "AO Kaspersky Lab".to_owned(), Some(Hash::Sha1), true);
        assert_eq!(got, [outer, (1, "Another signer".to_owned(), Some(hash), true)], "{:#?}", both.records);
    }
}

#[test]
fn a_cut_certificate_table_is_a_fault() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    let signed = forge.sign(&image(&PROGRAM), &[]);
    for missing in [1, 100, 1000] {
        let got = listed(&signed[..signed.len() - missing]);
        assert!(!got.faults.is_empty(), "{missing} bytes missing");
        assert!(got.records.is_empty());
    }
    let mut empty = signed.clone();
    let entry = 0x98 + 112 + 32;
    empty[entry + 4..entry + 8].copy_from_slice(&4_u32.to_le_bytes());
    let got = listed(&empty);
    assert!(got.records.is_empty());
}

#[test]
fn the_version_resource_that_was_written_is_read() {
    let bytes = image(&PROGRAM);
    let src = &&bytes[..];
    let got = version_resource::read(src, &pe::read(src).unwrap().unwrap());
    assert_eq!(got.faults, []);
    let info = &got.records[0];
    assert_eq!(info.file_version_text().as_deref(), Some("21.3.10.391"));
    assert_eq!(info.string("productname"), Some("Kaspersky Антивирус"));
    assert_eq!(info.tables[0].language, "040904b0");
}

/// A generator of numbers that is the same every time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

#[test]
fn mutations_of_a_signed_file_end_soon_and_are_never_anchored_by_chance() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    forge.make(&Cert::signer("other", "ca"));
    let signed = forge.sign(&image(&PROGRAM), &["-h", "sha1"]);
    let signed = forge.sign_as("other", &signed, &["-h", "sha256", "-nest"]);
    let anchors = with_root(&forge.der("ca"));
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let start = Instant::now();
    for round in 0..3000 {
        let mut bytes = signed.clone();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            match numbers.below(4) {
                0 => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
                1 => bytes[at] = [0, 0x7F, 0x80, 0xFF][numbers.below(4)],
                2 => bytes.truncate(at.max(1)),
                _ => {
                    let from = numbers.below(bytes.len());
                    let length = numbers.below(64).min(bytes.len() - at).min(bytes.len() - from);
                    bytes.copy_within(from..from + length, at);
                }
            }
        }
        let src = &&bytes[..];
        let Ok(Some(pe)) = pe::read(src) else { continue };
        let got = verify(src, &pe, &anchors);
        assert!(got.records.len() <= 32);
        version_resource::read(src, &pe);
        // Bytes that nothing covers: the checksum, and what is not in the signature proper. Code must be the same.
        if got.records.iter().any(|one| matches!(one.trust, Trust::Anchored(_))) {
            assert_eq!(bytes[0x200..0x600], signed[0x200..0x600], "round {round}");
        }
    }
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

/// A file of 5 GB that holds only its headers; everything else reads as zeros.
struct Sparse(Vec<u8>);

impl ReadAt for Sparse {
    fn size(&self) -> u64 {
        5 << 30
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let there = usize::try_from(self.size().saturating_sub(offset)).unwrap().min(buf.len());
        buf[..there].fill(0);
        let from = self.0.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let n = from.len().min(there);
        buf[..n].copy_from_slice(&from[..n]);
        Ok(there)
    }
}

#[test]
fn offsets_behind_four_gigabytes_are_faults_and_no_memory() {
    let put =
        |bytes: &mut Vec<u8>, at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    let mut bytes = image(&PROGRAM);
    // Certificate table: 4 GB long, from the end of the 4 GB that can be named.
    put(&mut bytes, 0x98 + 112 + 32, 0xFFFF_FFF8);
    put(&mut bytes, 0x98 + 112 + 36, 0xFFFF_FFFF);
    // The section of resources: at the end too, and 4 GB long.
    put(&mut bytes, 0x98 + 240 + 40 + 16, 0xFFFF_FFFF);
    put(&mut bytes, 0x98 + 240 + 40 + 20, 0xFFFF_FE00);
    let src = Sparse(bytes);
    let pe = pe::read(&src).unwrap().unwrap();
    let got = verify(&src, &pe, &Anchors::none());
    assert_eq!(got.records.len(), 0);
    assert!(!got.faults.is_empty());
    assert_eq!(version_resource::read(&src, &pe).records.len(), 0);
    assert_eq!(pe.overlay(), None);
    // Headers that lie behind the end of what they may.
    let mut far = image(&PROGRAM);
    put(&mut far, 0x3C, 0xFFFF_FFFF);
    assert_eq!(pe::read(&Sparse(far)), Ok(None));
}

#[test]
fn signatures_of_keys_of_every_kind() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    let anchors = with_root(&forge.der("ca"));
    let p384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
    let short: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];
    for (file, key, hash) in [
        ("a", P256, "sha256"),
        ("b", p384, "sha384"),
        ("c", short, "sha1"),
        ("d", RSA, "sha384"),
        ("e", RSA, "sha512"),
    ] {
        forge.make(&Cert { key, ..Cert::signer(file, "ca") });
        let got = only(&forge.sign_as(file, &image(&PROGRAM), &["-h", hash]), &anchors);
        assert!(matches!(got.trust, Trust::Anchored(_)), "{file}: {:?}", got.trust);
    }
}

#[test]
fn a_signed_catalogue_vouches_for_a_file_without_signature() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    let bytes = image(&PROGRAM);
    let src = &&bytes[..];
    let digest = digests(src, &pe::read(src).unwrap().unwrap(), &[Hash::Sha256]).unwrap().remove(0).1;
    let signed = forge.catalog(&digest);
    let mut got = catalog::read(&signed);
    assert_eq!(got.faults, []);
    let found = got.records.remove(0);
    assert!(found.lists(Hash::Sha256, &digest));
    let [signature] = &found.signatures[..] else { panic!("{:?}", found.signatures) };
    assert!(matches!(judge(signature, &with_root(&forge.der("ca"))), Trust::Anchored(_)));
    assert!(matches!(judge(signature, &Anchors::bundled()), Trust::Unanchored(_)));
    // Another member in the same list.
    let at = signed.windows(32).rposition(|bytes| bytes == &digest[..]).unwrap();
    let mut changed = signed.clone();
    changed[at] ^= 1;
    let changed = catalog::read(&changed).records.remove(0);
    assert!(!changed.lists(Hash::Sha256, &digest));
    assert!(is_broken(&judge(&changed.signatures[0], &with_root(&forge.der("ca")))));
}

#[test]
fn a_signature_of_a_digest_needs_signed_attributes() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    // The contents of an SpcIndirectDataContent: what, and a SHA-256.
    let what = b"\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f";
    let digest = b"\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20";
    std::fs::write(forge.at("content"), [&what[..], digest, &[9; 32]].concat()).unwrap();
    let sign = "cms -sign -in content -binary -nodetach -outform DER -out content.p7 -signer signer.pem -inkey signer.key \
        -econtent_type 1.3.6.1.4.1.311.2.1.4 -md sha256";
    for (more, want) in
        [(None, Check::Sound), (Some("-noattr"), Check::Broken("it has no signed attributes".to_owned()))]
    {
        forge.run("openssl", &sign.split_whitespace().chain(more).collect::<Vec<_>>());
        let got = pkcs7::read(&std::fs::read(forge.at("content.p7")).unwrap());
        assert_eq!(got.faults, []);
        let [signature] = &got.records[..] else { panic!("{got:?}") };
        assert_eq!(signature.file_digest.as_ref().unwrap().digest, [9; 32]);
        assert_eq!(signature.check(), want);
    }
}

/// What osslsigncode says of the files that it made: the two must agree, or one of us is wrong.
#[test]
fn the_digest_is_what_osslsigncode_computes() {
    let Some(forge) = Forge::with_signer(KASPERSKY) else { return };
    for (hash, kind) in [("sha1", Hash::Sha1), ("sha256", Hash::Sha256), ("sha512", Hash::Sha512)] {
        let signed = forge.sign(&image(&Image { overlay: &vec![3; 70_001], ..PROGRAM }), &["-h", hash]);
        let src = &&signed[..];
        let digest = digests(src, &pe::read(src).unwrap().unwrap(), &[kind]).unwrap().remove(0).1;
        let stated = listed(&signed).records.remove(0).file_digest.unwrap();
        assert_eq!((stated.hash, stated.digest), (Some(kind), digest), "{hash}");
    }
}

/// Writes `fuzz/seeds` of these readers anew: `cargo test --test authenticode write_seeds -- --ignored`.
#[test]
#[ignore = "writes into the source tree"]
fn write_seeds() {
    let forge = Forge::open().unwrap();
    forge.make(&Cert::root("ca"));
    let between = Cert { subject: "/CN=Between", issuer: "ca", ..Cert::root("between") };
    forge.make(&between);
    forge.make(&Cert { subject: KASPERSKY, ..Cert::signer("signer", "between") });
    forge.make(&Cert { extensions: CLOCK, ..Cert::signer("tsa", "ca") });
    let more = ["-ac", "between.pem", "-n", "Программа", "-i", "https://example.test/"];
    let bytes = image(&PROGRAM);
    let signed = forge.sign_stamped(&bytes, &[&["-h", "sha1"], &more[..]].concat());
    let signed = forge.sign(&signed, &[&["-h", "sha256", "-nest"], &more[..]].concat());
    let entries = pe::read(&&signed[..]).unwrap().unwrap().certificates(&&signed[..]);
    let pkcs7 = &entries.records[0].data;
    let der = forge.der("signer");
    let length = u32::try_from(der.len()).unwrap().to_le_bytes();
    let stored = [&[32, 0, 0, 0, 1, 0, 0, 0], &length[..], &der[..]].concat();
    let list = forge.catalog(&[7; 32]);
    for (target, name, seed) in [
        ("authenticode", "nested", &signed),
        ("pe", "signed", &signed),
        ("version_resource", "program", &bytes),
        ("version_resource", "alone", &support::pe::version_info(PROGRAM.version, STRINGS)),
        ("pkcs7", "nested", pkcs7),
        ("chain", "nested", pkcs7),
        ("x509", "signer", &der),
        ("certificate_store", "signer", &stored),
        ("catalog", "signed", &list),
    ] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), seed).unwrap();
    }
}
