//! Kernel extensions on made-up volumes.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::IdentifierType;
use crate::parse::kext_policy::tests::{ROWS, database};
use crate::sources::testing::collect;

fn info(id: &str) -> FakeNode {
    FakeNode::File(
        format!(
            "<plist version=\"1.0\"><dict><key>CFBundleIdentifier</key><string>{id}</string>\
             <key>CFBundleExecutable</key><string>code</string>\
             <key>CFBundleShortVersionString</key><string>1.2.3</string></dict></plist>"
        )
        .into_bytes(),
    )
}

fn run(nodes: &[(&str, FakeNode)]) -> Haul {
    let (haul, outcome) = collect(&Kexts, &FakeHost::macos(nodes.iter().cloned()));
    assert_eq!(outcome, Outcome::Read);
    haul
}

fn states(haul: &Haul) -> Vec<(&str, State)> {
    haul.traces().iter().map(|one| (one.name.as_str(), one.state)).collect()
}

const KLIF: &str = "/Library/Extensions/klif.kext";

#[test]
fn those_of_the_machine_and_others_than_apples() {
    let haul = run(&[
        ("/Library/Extensions/klif.kext/Contents/Info.plist", info("com.kaspersky.kext.klif")),
        ("/Library/Extensions/klif.kext/Contents/MacOS/code", FakeNode::Program(vec![])),
        (
            "/Library/Extensions/klif.kext/Contents/PlugIns/in.kext/Contents/Info.plist",
            info("com.kaspersky.in"),
        ),
        ("/Library/Extensions/Apple.kext/Contents/Info.plist", info("com.apple.odd")),
        ("/Library/Extensions/old.kext", FakeNode::Folder),
        ("/Library/Extensions/gone.kext", FakeNode::Link(b"/nowhere".to_vec())),
        ("/Library/DriverExtensions/com.acme.usb.dext/Info.plist", info("com.acme.usb")),
        ("/Library/Extensions/note.txt", FakeNode::File(vec![])),
        ("/System/Library/Extensions/AppleHDA.kext/Contents/Info.plist", info("com.apple.driver.AppleHDA")),
        ("/System/Library/Extensions/HighPoint.kext/Contents/Info.plist", info("com.highpoint.driver")),
    ]);
    assert_eq!(haul.gaps(), []);
    assert_eq!(
        states(&haul),
        [
            ("com.highpoint.driver", State::Installed),
            ("com.apple.odd", State::Installed),
            ("gone", State::Remnant),
            ("com.kaspersky.kext.klif", State::Installed),
            ("com.kaspersky.in", State::Installed),
            ("old", State::Remnant),
            ("com.acme.usb", State::Installed),
        ]
    );
    let klif = &haul.traces()[3];
    assert_eq!((klif.kind, klif.path.clone()), (ItemKind::Driver, Some(KLIF.into())));
    assert_eq!(klif.version.as_ref().unwrap().raw, "1.2.3");
    assert_eq!(klif.identifiers[0].kind, IdentifierType::BundleId);
    let code = klif.image.as_ref().unwrap();
    assert_eq!(
        (code.path.clone(), code.exists),
        (format!("{KLIF}/Contents/MacOS/code").as_str().into(), Some(true))
    );
}

#[test]
fn copies_follow_what_was_copied() {
    let copy = "/Library/StagedExtensions/Library/Extensions/klif.kext/Contents/Info.plist";
    let other = "/Library/StagedExtensions/Library/Filesystems/acme.fs/Contents/Extensions/12/acme.kext/Contents/Info.plist";
    let haul = run(&[
        (copy, info("com.kaspersky.kext.klif")),
        (other, info("com.acme.fs")),
        ("/Library/Filesystems/acme.fs/Contents/Extensions/12/acme.kext", FakeNode::Folder),
    ]);
    assert_eq!(haul.gaps(), []);
    assert_eq!(states(&haul), [("com.kaspersky.kext.klif", State::Remnant), ("com.acme.fs", State::Present)]);
}

#[test]
fn the_record_of_what_was_allowed_and_loaded() {
    let haul = run(&[(POLICY, FakeNode::File(database(ROWS)))]);
    assert_eq!(haul.gaps(), []);
    assert_eq!(
        states(&haul),
        [
            ("com.kaspersky.kext.klif", State::Remnant),
            ("ABCDE12345", State::Remnant),
            ("com.kaspersky.kext.klif", State::Historic),
        ]
    );
    let asked = &haul.traces()[0];
    assert_eq!(asked.publisher.as_deref(), Some("Kaspersky Lab UK Limited"));
    let Looked::Some(signer) = &asked.signer else { panic!("{asked:?}") };
    assert_eq!((signer.team_id.as_deref(), signer.trust), (Some("2Y8XE5CQ94"), Trust::Unchecked));
    assert_eq!(haul.traces()[1].identifiers, []);
    assert_eq!(haul.traces()[2].path, Some(KLIF.into()));
    // Nothing of it counts, so that nothing of it hides what does.
    for broken in [FakeNode::File(vec![0xFF; 4096]), FakeNode::Unreadable(Miss::Denied)] {
        let gaps = run(&[(POLICY, broken)]).gaps();
        assert!(gaps.len() == 1 && !gaps[0].1, "{gaps:?}");
    }
}

#[test]
fn what_cannot_be_read_is_a_gap_and_keeps_its_name() {
    let list = "/Library/Extensions/klif.kext/Contents/Info.plist";
    let with = |node| {
        let haul = run(&[(list, node)]);
        assert_eq!(states(&haul), [("klif", State::Installed)]);
        haul.gaps()
    };
    assert_eq!(with(FakeNode::Unreadable(Miss::Denied)), [(GapReason::PermissionDenied, true)]);
    assert_eq!(with(info(" ")), [(GapReason::Malformed, true)]);
    let FakeNode::File(sound) = info("com.kaspersky.kext.klif") else { panic!() };
    for cut in 0..sound.len() - "</plist>".len() {
        let gaps = with(FakeNode::File(sound[..cut].to_vec()));
        assert!(gaps.len() == 1 && gaps[0].1, "cut at {cut}");
    }
    let denied = || FakeNode::Broken(Miss::Denied);
    for folder in [
        SYSTEM,
        "/Library/Extensions",
        "/Library/DriverExtensions",
        STAGED,
        "/Library/StagedExtensions/Library",
    ] {
        assert_eq!(run(&[(folder, denied())]).gaps(), [(GapReason::PermissionDenied, true)], "{folder}");
    }
}

#[test]
fn extensions_inside_each_other_end() {
    let deep =
        format!("/Library/Extensions/a.kext{}/Contents/Info.plist", "/Contents/PlugIns/a.kext".repeat(30));
    let haul = run(&[(deep.as_str(), info("x"))]);
    assert!(haul.traces().len() <= MAX_DEPTH + 1);
}
