//! The reader of background items against archives that another crate wrote.

use ::plist::{Dictionary, Uid, Value as Written};

use super::*;
use crate::parse::MAX_FAULTS;

/// An archive as macOS 15 lays it out, of items by identifier, name, developer, team, URL and program.
pub(crate) fn archive(items: &[[Option<&str>; 6]]) -> Vec<u8> {
    let mut objects = vec![Written::from("$null")];
    let class = |name: &str| {
        let classes = vec![Written::from(name), Written::from("NSObject")];
        Written::Dictionary(Dictionary::from_iter([
            ("$classes", Written::Array(classes)),
            ("$classname", Written::from(name)),
        ]))
    };
    objects.extend([class("Storage"), class("ItemRecord"), class("NSURL")]);
    let uid = |n: usize| Written::Uid(Uid::new(n as u64));
    for item in items {
        let mut record = Dictionary::from_iter([
            ("$class", uid(2)),
            ("type", Written::from(8)),
            ("generation", Written::from(1)),
        ]);
        let keys = ["identifier", "name", "developerName", "teamIdentifier", "url", "executablePath"];
        for (key, text) in keys.iter().zip(item) {
            let mut at = 0;
            if let Some(text) = text {
                at = objects.len();
                objects.push(Written::from(*text));
            }
            if *key == "url" && at > 0 {
                let url = [("$class", uid(3)), ("NS.base", uid(0)), ("NS.relative", uid(at))];
                at = objects.len();
                objects.push(Written::Dictionary(Dictionary::from_iter(url)));
            }
            record.insert((*key).to_owned(), uid(at));
        }
        objects.push(Written::Dictionary(record));
    }
    let store = objects.len();
    objects.push(Written::Dictionary(Dictionary::from_iter([
        ("$class", uid(1)),
        ("itemsByUserIdentifier", uid(0)),
    ])));
    let top = Dictionary::from_iter([("store", uid(store)), ("version", Written::from(13))]);
    let whole = Dictionary::from_iter([
        ("$archiver", Written::from("NSKeyedArchiver")),
        ("$version", Written::from(100_000)),
        ("$objects", Written::Array(objects)),
        ("$top", Written::Dictionary(top)),
    ]);
    let mut bytes = Vec::new();
    Written::Dictionary(whole).to_writer_binary(&mut bytes).unwrap();
    bytes
}

pub(crate) const KAV: [Option<&str>; 6] = [
    Some("16.com.kaspersky.kav"),
    Some("kav"),
    Some("Kaspersky Lab UK Limited"),
    Some("2Y8XE5CQ94"),
    Some("file:///Library/LaunchDaemons/com.kaspersky.kav.plist"),
    Some("/Library/Application Support/Kaspersky Lab/KAV/Binaries/kav"),
];

#[test]
fn records_are_read_field_by_field() {
    let app =
        [Some("2.com.acme.app"), None, None, None, Some("file:///Applications/Acme%20%C3%A4.app/"), None];
    let got = items(&archive(&[KAV, app])).unwrap();
    assert_eq!(got.faults, []);
    let [kav, acme] = got.records.as_slice() else { panic!("{got:?}") };
    assert_eq!(kav.identifier, "com.kaspersky.kav");
    assert_eq!(kav.name.as_deref(), Some("kav"));
    assert_eq!(kav.developer.as_deref(), Some("Kaspersky Lab UK Limited"));
    assert_eq!(kav.team_id.as_deref(), Some("2Y8XE5CQ94"));
    assert_eq!(kav.path.as_deref(), Some("/Library/LaunchDaemons/com.kaspersky.kav.plist"));
    assert_eq!(kav.program.as_deref(), KAV[5]);
    let want = Item {
        identifier: "com.acme.app".to_owned(),
        path: Some("/Applications/Acme ä.app".to_owned()),
        ..Item::default()
    };
    assert_eq!(*acme, want);
    assert_eq!(items(&archive(&[])).unwrap(), Parsed::default());
}

#[test]
fn an_item_without_an_identifier_hides_no_other() {
    let nameless = [None, Some("x"), None, None, None, None];
    let got = items(&archive(&[nameless, KAV, [Some("7."), None, None, None, None, None]])).unwrap();
    assert_eq!((got.records.len(), got.faults.len()), (1, 2));
}

#[test]
fn urls_and_kinds() {
    assert_eq!(path("file:///"), Some("/".to_owned()));
    assert_eq!(path("file://localhost/a%2"), Some("/a%2".to_owned()));
    for none in
        ["Contents/Library/LoginItems/x.app", "https://a/b", "file://server/x", "file:///%00", "file:///%FF"]
    {
        assert_eq!(path(none), None, "{none}");
    }
    assert_eq!(without_kind("8.com.acme"), "com.acme");
    assert_eq!(without_kind("com.acme"), "com.acme");
    assert_eq!(without_kind("Unknown Developer"), "Unknown Developer");
}

#[test]
fn what_is_no_such_archive_is_an_error() {
    for bytes in [&b""[..], b"bplist00", b"<plist><dict/></plist>", &[0xFF; 64]] {
        assert!(items(bytes).is_err());
    }
}

#[test]
fn a_cut_or_broken_archive_is_never_whole() {
    let sound = archive(&[KAV]);
    for end in 0..sound.len() {
        assert!(items(&sound[..end]).is_err(), "cut at {end}");
    }
    let mut state = 7_u64;
    for _ in 0..5_000 {
        let mut bytes = sound.clone();
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 33).unwrap() % bytes.len();
        bytes[at] ^= state.to_le_bytes()[2];
        if let Ok(got) = items(&bytes) {
            assert!(got.faults.len() <= MAX_FAULTS);
        }
    }
}

/// Writes `fuzz/seeds` anew: `cargo test --lib write_seeds -- --ignored`.
#[test]
#[ignore = "writes into the source tree, when a format's writer changed"]
fn write_seeds() {
    use crate::parse::corpora_windows_tests::save_seed;
    use crate::parse::{kext_policy, keychain, nss_db};
    save_seed("background_items", "one", &archive(&[KAV]));
    let prohibited = [Some("8.prohibited"), None, None, None, None, Some("/Library/Acme/daemon")];
    save_seed("background_items", "prohibited", &archive(&[prohibited]));
    save_seed("kext_policy", "three", &kext_policy::tests::database(kext_policy::tests::ROWS));
    let der = keychain::tests::CERTIFICATE;
    save_seed("keychain", "one", &keychain::tests::keychain(&[der]));
    save_seed("nss_db", "one", &nss_db::tests::database(&[Some(der)]));
    save_seed("pem", "one", crate::parse::pem::tests::block("CERTIFICATE", der).as_bytes());
    save_seed("pem", "der", der);
}
