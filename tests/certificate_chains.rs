//! Chains of certificates, made by openssl: who vouches for a signer, and who may not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use interdict::parse::certificate_store;
use interdict::parse::chain::{Anchor, Anchors, Trust, build};
use interdict::parse::x509::Certificate;
use support::forge::{AUTHORITY, Cert, Forge, RSA, SIGNER};

fn read(der: &[u8]) -> Certificate {
    Certificate::read(der).unwrap()
}

fn anchors(roots: &[&Certificate]) -> Anchors {
    let mut anchors = Anchors::none();
    for root in roots {
        anchors.add(Anchor::target(root, None).unwrap());
    }
    anchors
}

fn name(trust: &Trust) -> &str {
    match trust {
        Trust::Anchored(root) => &root.name,
        Trust::Unanchored(why) => panic!("unanchored: {why}"),
        Trust::Broken(why) => panic!("broken: {why}"),
    }
}

fn why(trust: &Trust) -> &str {
    match trust {
        Trust::Unanchored(why) => why,
        other => panic!("{other:?}"),
    }
}

/// A root, an authority below it with these extensions, and a signer below that.
fn three(forge: &Forge, extensions: &str) -> (Certificate, Certificate, Certificate) {
    let root = forge.make(&Cert { subject: "/CN=Root", ..Cert::root("root") });
    let between = Cert { subject: "/CN=Between", issuer: "root", extensions, ..Cert::root("between") };
    let between = forge.make(&between);
    let leaf = forge.make(&Cert::signer("leaf", "between"));
    (read(&root), read(&between), read(&leaf))
}

#[test]
fn a_chain_over_an_authority_that_came_along_or_is_stored() {
    let Some(forge) = Forge::open() else { return };
    let (root, between, leaf) = three(&forge, AUTHORITY);
    let mut known = anchors(&[&root]);
    assert_eq!(name(&build(&leaf, &[leaf.clone(), between.clone()], &known)), "Root");
    assert_eq!(
        why(&build(&leaf, std::slice::from_ref(&leaf), &known)),
        "no trusted root vouches for Between"
    );
    known.add_between(between.clone());
    assert_eq!(name(&build(&leaf, &[], &known)), "Root");
    // An authority or a signer that is itself trusted needs nobody above it.
    assert_eq!(name(&build(&leaf, &[], &anchors(&[&between]))), "Between");
    assert_eq!(name(&build(&leaf, &[], &anchors(&[&leaf]))), "A signer");
    // Its root came along, but is not trusted.
    let untrusted = build(&leaf, &[between, root], &Anchors::bundled());
    assert_eq!(why(&untrusted), "no trusted root vouches for Root");
}

#[test]
fn authorities_that_may_not_vouch_for_code() {
    let Some(forge) = Forge::open() else { return };
    for (extensions, reason) in [
        ("basicConstraints=CA:FALSE", "Between may not issue certificates"),
        ("subjectKeyIdentifier=hash", "Between may not issue certificates"),
        ("basicConstraints=CA:TRUE\nkeyUsage=digitalSignature", "Between may not issue certificates"),
        (
            "basicConstraints=CA:TRUE\nextendedKeyUsage=serverAuth",
            "Between may not issue certificates for code",
        ),
        (
            "basicConstraints=CA:TRUE\nnameConstraints=permitted;dirName:firm\n[firm]\nO=A firm",
            "Between may not vouch for this name",
        ),
        (
            "basicConstraints=CA:TRUE\nnameConstraints=excluded;dirName:firm\n[firm]\nCN=A signer",
            "Between may not vouch for this name",
        ),
    ] {
        let (root, between, leaf) = three(&forge, extensions);
        assert_eq!(why(&build(&leaf, &[between], &anchors(&[&root]))), reason, "{extensions}");
    }
    for extensions in [
        "basicConstraints=CA:TRUE,pathlen:0",
        "basicConstraints=CA:TRUE\nnameConstraints=permitted;email:firm.example",
        "basicConstraints=CA:TRUE\nnameConstraints=permitted;dirName:firm\n[firm]\nCN=a SIGNER",
        "basicConstraints=CA:TRUE\nnameConstraints=excluded;dirName:firm\n[firm]\nO=A firm",
        "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign",
        "basicConstraints=CA:TRUE\nextendedKeyUsage=serverAuth,codeSigning",
        "basicConstraints=CA:TRUE\nextendedKeyUsage=anyExtendedKeyUsage",
        "basicConstraints=CA:TRUE\nextendedKeyUsage=1.3.6.1.4.1.311.10.3.5",
    ] {
        let (root, between, leaf) = three(&forge, extensions);
        assert_eq!(name(&build(&leaf, &[between], &anchors(&[&root]))), "Root", "{extensions}");
    }
}

#[test]
fn the_length_of_a_path_is_bound() {
    let Some(forge) = Forge::open() else { return };
    let (root, between, _) = three(&forge, "basicConstraints=CA:TRUE,pathlen:0");
    let lower = Cert { subject: "/CN=Lower", issuer: "between", ..Cert::root("lower") };
    let lower = read(&forge.make(&lower));
    let leaf = read(&forge.make(&Cert::signer("leaf", "lower")));
    let trust = build(&leaf, &[lower, between], &anchors(&[&root]));
    assert_eq!(why(&trust), "Between may not issue certificates of authorities");
}

#[test]
fn a_signer_that_is_not_for_code_is_not_anchored() {
    let Some(forge) = Forge::open() else { return };
    let root = read(&forge.make(&Cert::root("root")));
    for (extensions, for_code) in [
        ("extendedKeyUsage=serverAuth,clientAuth", false),
        ("extendedKeyUsage=timeStamping", false),
        ("extendedKeyUsage=codeSigning,serverAuth", true),
        ("basicConstraints=CA:FALSE", true),
    ] {
        let leaf = read(&forge.make(&Cert { extensions, ..Cert::signer("leaf", "root") }));
        let trust = build(&leaf, &[], &anchors(&[&root]));
        assert_eq!(matches!(trust, Trust::Anchored(_)), for_code, "{extensions}: {trust:?}");
        assert!(for_code || why(&trust) == "its certificate is not for code");
    }
}

#[test]
fn a_changed_certificate_is_broken_where_its_issuer_is_known_by_key() {
    let Some(forge) = Forge::open() else { return };
    let (root, between, leaf) = three(&forge, AUTHORITY);
    let changed = |der: &[u8]| {
        let at = der.windows(8).rposition(|text| text == b"A signer").unwrap();
        let mut der = der.to_vec();
        *der.get_mut(at).unwrap() = b'B';
        read(&der)
    };
    let other = changed(&forge.der("leaf"));
    assert_eq!(other.subject.common_name(), Some("B signer"));
    let trust = build(&other, std::slice::from_ref(&between), &anchors(&[&root]));
    assert_eq!(trust, Trust::Broken("Between did not sign B signer".to_owned()));
    // An authority of the same name that has nothing to do with it.
    let plain = "extendedKeyUsage=codeSigning\nauthorityKeyIdentifier=none";
    forge.make(&Cert { extensions: plain, ..Cert::signer("leaf", "between") });
    let trust = build(&changed(&forge.der("leaf")), &[between], &anchors(&[&root]));
    assert!(matches!(trust, Trust::Unanchored(_)), "{trust:?}");
    assert_eq!(leaf.issuer.common_name(), Some("Between"));
}

#[test]
fn rsa_pss_is_checked() {
    let Some(forge) = Forge::open() else { return };
    let pss = ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
    let root = read(&forge.make(&Cert { key: RSA, ..Cert::root("root") }));
    let leaf = read(&forge.make(&Cert { sign: &pss, ..Cert::signer("leaf", "root") }));
    assert_eq!(name(&build(&leaf, &[], &anchors(&[&root]))), "A root");
    // MD5 is not checked, so nobody vouches; it is not called broken either.
    let old = read(&forge.make(&Cert { sign: &["-md5"], ..Cert::signer("leaf", "root") }));
    let trust = build(&old, &[], &anchors(&[&root]));
    assert_eq!(why(&trust), "signature algorithm 1.2.840.113549.1.1.4 of A signer is not supported");
}

#[test]
fn a_root_that_is_distrusted_since_a_day_vouches_for_what_is_older() {
    let Some(forge) = Forge::open() else { return };
    let root = read(&forge.make(&Cert::root("root")));
    let leaf = read(&forge.make(&Cert::signer("leaf", "root")));
    let born = leaf.not_before.unwrap();
    let until = |end| {
        let mut anchors = Anchors::none();
        anchors.add(Anchor::target(&root, Some(end)).unwrap());
        build(&leaf, &[], &anchors)
    };
    assert_eq!(name(&until(born + 1)), "A root");
    assert_eq!(why(&until(born)), "A root is not trusted for certificates as new");
}

#[test]
fn circles_crowds_and_long_chains_end() {
    let Some(forge) = Forge::open() else { return };
    // Two authorities that vouch for each other.
    forge.make(&Cert { subject: "/CN=One", ..Cert::root("one") });
    let two = read(&forge.make(&Cert { subject: "/CN=Two", issuer: "one", ..Cert::root("two") }));
    std::fs::copy(forge.at("one.csr"), forge.at("cross.csr")).unwrap();
    let args =
        "x509 -req -in cross.csr -CA two.pem -CAkey two.key -CAcreateserial -extfile two.ext -out cross.pem";
    forge.run("openssl", &args.split(' ').collect::<Vec<_>>());
    let cross = read(&forge.der("cross"));
    let leaf = read(&forge.make(&Cert { extensions: SIGNER, ..Cert::signer("leaf", "two") }));
    let trust = build(&leaf, &[two.clone(), cross.clone()], &Anchors::bundled());
    assert!(matches!(trust, Trust::Unanchored(_)), "{trust:?}");
    // A crowd of authorities of one name: the cap on checks ends it.
    let stem = |n: usize| format!("c{n}");
    let crowd: Vec<_> = (0..12)
        .map(|n| read(&forge.make(&Cert { subject: "/CN=Two", issuer: "one", ..Cert::root(&stem(n)) })))
        .chain([two, cross])
        .collect();
    let trust = build(&leaf, &crowd, &Anchors::bundled());
    assert!(matches!(trust, Trust::Unanchored(_)), "{trust:?}");
    // Nine authorities below each other.
    let mut upper = "one".to_owned();
    let mut pool = Vec::new();
    for n in 0..9 {
        let (file, subject) = (format!("l{n}"), format!("/CN=Level {n}"));
        pool.push(read(&forge.make(&Cert { subject: &subject, issuer: &upper, ..Cert::root(&file) })));
        upper = file;
    }
    let root = read(&forge.der("one"));
    let leaf = read(&forge.make(&Cert::signer("leaf", &upper)));
    assert_eq!(why(&build(&leaf, &pool, &anchors(&[&root]))), "its chain is longer than 8");
    assert_eq!(name(&build(&leaf, &pool, &anchors(&[&pool[2]]))), "Level 2");
}

/// A property of a registry blob.
fn property(id: u32, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap();
    [&id.to_le_bytes()[..], &1_u32.to_le_bytes(), &length.to_le_bytes(), value].concat()
}

/// Properties of a stored root, and until when it vouches for code, if at all.
type Case<'a> = (&'a [(u32, &'a [u8])], Option<Option<i64>>);

#[test]
fn a_stored_root_vouches_as_far_as_its_store_says() {
    let Some(forge) = Forge::open() else { return };
    let der = forge.make(&Cert::root("root"));
    let code = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03";
    let mail = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x04";
    // 2020-01-01 as FILETIME.
    let time = (1_577_836_800_u64 + 11_644_473_600) * 10_000_000;
    let time = time.to_le_bytes();
    let cases: [Case<'_>; 8] = [
        (&[], Some(None)),
        (&[(9, code)], Some(None)),
        (&[(9, mail)], None),
        (&[(9, b"\x30\0")], None),
        (&[(122, code)], None),
        (&[(104, &time), (122, mail)], Some(None)),
        (&[(104, &time)], Some(Some(1_577_836_800))),
        (&[(126, &time), (127, code)], Some(Some(1_577_836_800))),
    ];
    for (properties, end) in cases {
        let mut blob: Vec<u8> = properties.iter().flat_map(|(id, value)| property(*id, value)).collect();
        blob.extend(property(32, &der));
        let got = certificate_store::read(&blob);
        assert_eq!(got.faults, [], "{properties:?}");
        let anchor = got.records.first().unwrap().anchor();
        assert_eq!(anchor.map(|anchor| anchor.issued_before), end, "{properties:?}");
    }
}
