//! Tests of `bundle`: every layout, what an `Info.plist` leaves out, and what cannot be read.

use super::*;
use crate::host::{FakeHost, FakeNode, Host as _};

/// An XML list of texts.
pub(super) fn info(entries: &[(&str, &str)]) -> FakeNode {
    let entry = |(key, value): &(&str, &str)| format!("<key>{key}</key><string>{value}</string>");
    let body: String = entries.iter().map(entry).collect();
    FakeNode::File(format!("<plist version=\"1.0\"><dict>{body}</dict></plist>").into_bytes())
}

fn program() -> FakeNode {
    FakeNode::Program(b"#!/bin/sh\n".to_vec())
}

fn looked(folder: &str, nodes: Vec<(&str, FakeNode)>) -> (Bundle, Vec<(GapReason, bool)>) {
    let host = FakeHost::macos(nodes);
    let mut haul = Haul::new(std::time::Instant::now() + std::time::Duration::from_mins(1));
    let bundle = look(host.files(), &folder.into(), &mut haul);
    (bundle, haul.gaps())
}

fn shown(bundle: &Bundle) -> (&str, &str, String, Option<bool>) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default().leak() as &str;
    let path = bundle.image.as_ref().map(|image| image.path.text().into_owned()).unwrap_or_default();
    (text(&bundle.id), text(&bundle.version), path, bundle.image.as_ref().and_then(|image| image.exists))
}

#[test]
fn an_application_as_all_are_today() {
    let keys = [
        ("CFBundleExecutable", "kav_app"),
        ("CFBundleIdentifier", " com.kaspersky.kav\n"),
        ("CFBundleName", "KAV"),
        ("CFBundleDisplayName", "Kaspersky"),
        ("CFBundleShortVersionString", "21.1"),
        ("CFBundleVersion", "21.1.0.150"),
    ];
    let nodes =
        vec![("/A/K.app/Contents/Info.plist", info(&keys)), ("/A/K.app/Contents/MacOS/kav_app", program())];
    let (bundle, gaps) = looked("/A/K.app", nodes);
    assert_eq!(gaps, []);
    let path = "/A/K.app/Contents/MacOS/kav_app".to_owned();
    assert_eq!(shown(&bundle), ("com.kaspersky.kav", "21.1", path, Some(true)));
    assert_eq!(bundle.display_name.as_deref(), Some("Kaspersky"));
}

#[test]
fn other_layouts() {
    let keys = [("CFBundleIdentifier", "a.b"), ("CFBundleVersion", "7")];
    let nodes = vec![("/A/Flat.app/Info.plist", info(&keys)), ("/A/Flat.app/Flat", program())];
    let (flat, gaps) = looked("/A/Flat.app", nodes);
    assert_eq!((shown(&flat), gaps), (("a.b", "7", "/A/Flat.app/Flat".into(), Some(true)), vec![]));

    let nodes = vec![
        ("/A/F.framework/Versions/A/Resources/Info.plist", info(&keys)),
        ("/A/F.framework/Versions/A/F", program()),
        ("/A/F.framework/Versions/Current", FakeNode::Link(b"A".to_vec())),
        ("/A/F.framework/Resources", FakeNode::Link(b"Versions/Current/Resources".to_vec())),
        ("/A/F.framework/F", FakeNode::Link(b"Versions/Current/F".to_vec())),
    ];
    let (framework, gaps) = looked("/A/F.framework", nodes);
    let path = "/A/F.framework/Versions/A/F".to_owned();
    assert_eq!((shown(&framework), gaps), (("a.b", "7", path, Some(true)), vec![]));
}

#[test]
fn an_application_of_ios_in_its_wrapper() {
    let store = [("artistName", "Acme Ltd"), ("softwareVersionBundleId", "a.b"), ("itemName", "Acme")];
    let inner = [("CFBundleExecutable", "T"), ("CFBundleIdentifier", "a.c"), ("CFBundleVersion", "7")];
    let sound = vec![
        ("/A/T.app/WrappedBundle", FakeNode::Link(b"Wrapper/T.app".to_vec())),
        ("/A/T.app/Wrapper/T.app/Info.plist", info(&inner)),
        ("/A/T.app/Wrapper/T.app/T", program()),
        ("/A/T.app/Wrapper/iTunesMetadata.plist", info(&store)),
    ];
    let (bundle, gaps) = looked("/A/T.app", sound.clone());
    let path = "/A/T.app/Wrapper/T.app/T".to_owned();
    assert_eq!((shown(&bundle), gaps), (("a.c", "7", path, Some(true)), vec![]));
    assert_eq!(
        (bundle.publisher.as_deref(), bundle.display_name.as_deref()),
        (Some("Acme Ltd"), Some("Acme"))
    );

    let mut damaged = sound;
    damaged[1].1 = FakeNode::File(b"bplist00".to_vec());
    let (bundle, gaps) = looked("/A/T.app", damaged);
    assert_eq!((bundle.id.as_deref(), gaps.len()), (Some("a.b"), 1));
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_program_is_found_all_the_same() {
    let of = |node: FakeNode| {
        looked(
            "/A/K.app",
            vec![
                ("/A/K.app/Contents/Info.plist", node),
                ("/A/K.app/Contents/MacOS/.DS_Store", FakeNode::File(vec![])),
                ("/A/K.app/Contents/MacOS/other", program()),
            ],
        )
    };
    let path = "/A/K.app/Contents/MacOS/other".to_owned();
    for (node, reason) in [
        (FakeNode::File(b"".to_vec()), GapReason::Truncated),
        (FakeNode::File(b"<plist><dict><key>".to_vec()), GapReason::Malformed),
        (FakeNode::File(b"<plist><array/></plist>".to_vec()), GapReason::Malformed),
        (FakeNode::File(vec![b' '; (4 << 20) + 1]), GapReason::TooLarge),
        (FakeNode::Unreadable(Miss::Denied), GapReason::PermissionDenied),
        (info(&[("CFBundleIdentifier", &"x".repeat(2000))]), GapReason::Malformed),
    ] {
        let (bundle, gaps) = of(node);
        assert_eq!(gaps, [(reason, true)]);
        assert_eq!(
            (bundle.image.clone().unwrap().path.text().into_owned(), bundle.is_one),
            (path.clone(), true)
        );
    }
    // A name in other letters than the file's.
    let (bundle, gaps) = of(info(&[("CFBundleExecutable", "Отчёт")]));
    assert_eq!((shown(&bundle).3, gaps), (Some(true), vec![]));
}

#[test]
fn a_program_that_is_gone_or_hidden() {
    let keys = info(&[("CFBundleExecutable", "x")]);
    let (bundle, gaps) = looked("/A/K.app", vec![("/A/K.app/Contents/Info.plist", keys.clone())]);
    assert_eq!((shown(&bundle).3, gaps), (Some(false), vec![]));
    let nodes = vec![
        ("/A/K.app/Contents/Info.plist", keys),
        ("/A/K.app/Contents/MacOS", FakeNode::Broken(Miss::Denied)),
    ];
    let (bundle, gaps) = looked("/A/K.app", nodes);
    assert_eq!((shown(&bundle).3, gaps), (None, vec![(GapReason::PermissionDenied, true)]));
    let (bundle, gaps) = looked("/A/K.app", vec![("/A/K.app/Contents", FakeNode::Folder)]);
    assert_eq!((bundle.is_one, gaps), (true, vec![(GapReason::Missing, true)]));
    let (folder, gaps) = looked("/A/com.example.app", vec![("/A/com.example.app/data", FakeNode::Folder)]);
    assert_eq!((folder.is_one, gaps), (false, vec![]));
}

#[test]
fn endings() {
    assert!(has_ending(b"Foo.APP", "app") && has_ending(b"a.b.app", "app"));
    for name in [&b"app"[..], b".app", b"Foo.apps", b"Foo", b"Fooapp", b""] {
        assert!(!has_ending(name, "app"), "{name:?}");
    }
}
