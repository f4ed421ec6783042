//! System extensions on made-up volumes.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::IdentifierType;
use crate::sources::testing::collect;

const DB: &str = "/Library/SystemExtensions/db.plist";
const NUMBER: &str = "A1B2C3D4-0000-4000-8000-000000000001";
const ID: &str = "com.kaspersky.kav.sysext";

fn plist(body: &str) -> FakeNode {
    FakeNode::File(format!("<plist version=\"1.0\"><dict>{body}</dict></plist>").into_bytes())
}

fn extension(id: &str, number: &str, state: &str) -> String {
    format!(
        "<dict><key>identifier</key><string>{id}</string><key>state</key><string>{state}</string>\
         <key>teamID</key><string>2Y8XE5CQ94</string><key>uniqueID</key><string>{number}</string>\
         <key>bundleVersion</key><dict><key>CFBundleShortVersionString</key><string>12.0</string>\
         <key>CFBundleVersion</key><string>1200</string></dict>\
         <key>originPath</key><string>/Applications/Kaspersky.app/Contents/Library/SystemExtensions/{id}.systemextension</string>\
         </dict>"
    )
}

fn database(extensions: &str, rest: &str) -> FakeNode {
    plist(&format!("<key>extensions</key><array>{extensions}</array>{rest}"))
}

fn copy(number: &str, id: &str) -> String {
    format!("/Library/SystemExtensions/{number}/{id}.systemextension")
}

fn info(id: &str) -> FakeNode {
    plist(&format!(
        "<key>CFBundleIdentifier</key><string>{id}</string><key>CFBundleExecutable</key><string>{id}</string>\
         <key>CFBundleVersion</key><string>7</string>"
    ))
}

fn run(nodes: &[(String, FakeNode)]) -> (Haul, Outcome) {
    collect(
        &SystemExtensions,
        &FakeHost::macos(nodes.iter().map(|(path, node)| (path.as_str(), node.clone()))),
    )
}

fn states(haul: &Haul) -> Vec<(&str, State)> {
    haul.traces().iter().map(|one| (one.name.as_str(), one.state)).collect()
}

#[test]
fn what_the_database_tells() {
    let bundle = copy(NUMBER, ID);
    let nodes = vec![
        (DB.to_owned(), database(&extension(ID, NUMBER, "activated_enabled"), "")),
        (format!("{bundle}/Contents/MacOS/{ID}"), FakeNode::Program(vec![])),
    ];
    let (haul, outcome) = run(&nodes);
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    let [trace] = haul.traces() else { panic!("{:?}", haul.traces()) };
    assert_eq!((trace.name.as_str(), trace.kind, trace.state), (ID, ItemKind::Driver, State::Installed));
    assert_eq!(
        (trace.identifiers[0].kind, trace.identifiers[0].value.as_str()),
        (IdentifierType::BundleId, ID)
    );
    assert_eq!(trace.version.as_ref().unwrap().raw, "12.0");
    let Looked::Some(signer) = &trace.signer else { panic!("{:?}", trace.signer) };
    assert_eq!((signer.team_id.as_deref(), signer.trust), (Some("2Y8XE5CQ94"), Trust::Unchecked));
    let origin =
        format!("/Applications/Kaspersky.app/Contents/Library/SystemExtensions/{ID}.systemextension");
    assert_eq!(trace.path, Some(origin.as_str().into()), "the same on every Mac");
    let program = trace.image.as_ref().unwrap();
    assert_eq!(
        (program.path.clone(), program.exists),
        (format!("{bundle}/Contents/MacOS/{ID}").as_str().into(), Some(true))
    );
}

#[test]
fn states_of_extensions() {
    let one = |state: &str, there: bool| {
        let mut nodes = vec![(DB.to_owned(), database(&extension(ID, NUMBER, state), ""))];
        if there {
            nodes.push((copy(NUMBER, ID), FakeNode::Folder));
        }
        run(&nodes).0.traces()[0].state
    };
    for state in [
        "activated_enabled",
        "activated_disabled",
        "activated_waiting_for_user",
        "terminating_for_disable",
        "x",
    ] {
        assert_eq!((one(state, true), one(state, false)), (State::Installed, State::Remnant), "{state}");
    }
    for state in ["terminated_waiting_to_uninstall_on_reboot", "terminating_for_uninstall", "uninstalled"] {
        assert_eq!((one(state, true), one(state, false)), (State::Remnant, State::Remnant), "{state}");
    }
}

#[test]
fn copies_that_no_database_has() {
    let (known, unknown) = (copy(NUMBER, ID), copy("B", "com.acme.filter"));
    let driver = "/Library/SystemExtensions/C/com.acme.usb.dext".to_owned();
    let empty = copy("D", "com.empty");
    let mut nodes = vec![
        (format!("{known}/Contents/Info.plist"), info(ID)),
        (format!("{unknown}/Contents/Info.plist"), info("com.acme.filter")),
        (format!("{unknown}/Contents/MacOS/com.acme.filter"), FakeNode::Program(vec![])),
        (format!("{driver}/Info.plist"), info("com.acme.usb")),
        (empty, FakeNode::Folder),
        ("/Library/SystemExtensions/.staging/x".to_owned(), FakeNode::File(vec![])),
    ];
    let (haul, _) = run(&nodes);
    assert_eq!(haul.gaps(), [(GapReason::Missing, true)], "the database");
    nodes.push((DB.to_owned(), database(&extension(ID, NUMBER, "activated_enabled"), "")));
    let (haul, _) = run(&nodes);
    assert_eq!(haul.gaps(), []);
    assert_eq!(
        states(&haul),
        [
            (ID, State::Installed),
            ("com.acme.filter", State::Present),
            ("com.acme.usb", State::Present),
            ("com.empty", State::Remnant),
        ]
    );
    let filter = haul.traces()[1].image.as_ref().unwrap();
    assert_eq!(
        (filter.path.text().ends_with("/Contents/MacOS/com.acme.filter"), filter.exists),
        (true, Some(true))
    );
    assert!(haul.traces()[3].identifiers.iter().any(|one| one.value == "com.empty"));
}

#[test]
fn what_a_management_allows_is_left_behind() {
    let policy = "<key>extensionPolicies</key><array><dict><key>allowedExtensions</key><dict><key>2Y8XE5CQ94</key>\
                  <array><string>com.kaspersky.kav.sysext</string><integer>1</integer></array></dict></dict></array>";
    let (haul, _) = run(&[(DB.to_owned(), database("", policy))]);
    assert_eq!(states(&haul), [(ID, State::Remnant)]);
    assert!(matches!(&haul.traces()[0].signer, Looked::Some(signer) if signer.trust == Trust::Unchecked));
}

#[test]
fn a_mac_without_any() {
    let (haul, outcome) = run(&[("/Library/x".to_owned(), FakeNode::Folder)]);
    assert!(matches!(outcome, Outcome::NotApplicable(_)) && haul.traces().is_empty());
    let (haul, outcome) = run(&[("/Library/SystemExtensions".to_owned(), FakeNode::Folder)]);
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
}

#[test]
fn what_cannot_be_read_is_a_gap_and_hides_no_copy() {
    let with = |node: FakeNode| {
        let list = format!("{}/Contents/Info.plist", copy(NUMBER, ID));
        let (haul, _) = run(&[(DB.to_owned(), node), (list, info(ID))]);
        let gaps = haul.gaps();
        (states(&haul).first().copied().map(|(name, state)| (name.to_owned(), state)), gaps)
    };
    let seen = Some((ID.to_owned(), State::Present));
    assert_eq!(
        with(FakeNode::Unreadable(Miss::Denied)),
        (seen.clone(), vec![(GapReason::PermissionDenied, true)])
    );
    assert_eq!(with(plist("")), (seen.clone(), vec![(GapReason::Malformed, true)]));
    let FakeNode::File(sound) = database(&extension(ID, NUMBER, "activated_enabled"), "") else { panic!() };
    for tenth in 0..10 {
        let (found, gaps) = with(FakeNode::File(sound[..sound.len() * tenth / 10].to_vec()));
        assert_eq!(found, seen);
        assert!(gaps.len() == 1 && gaps[0].1, "{tenth} tenths: {gaps:?}");
    }
    let odd = database("<string>x</string>", "");
    assert_eq!(with(odd).1, [(GapReason::Malformed, true)]);
    let folder = |path: &str, node| run(&[(path.to_owned(), node), (DB.to_owned(), database("", ""))]);
    let (haul, _) = folder("/Library/SystemExtensions/A", FakeNode::Broken(Miss::Denied));
    assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
    let denied = vec![("/Library/SystemExtensions".to_owned(), FakeNode::Broken(Miss::Denied))];
    assert_eq!(run(&denied).0.gaps(), [(GapReason::PermissionDenied, true)]);
    // A number that would lead elsewhere is no folder of copies.
    let (haul, _) = run(&[(DB.to_owned(), database(&extension(ID, "../../etc", "x"), ""))]);
    assert_eq!((haul.traces()[0].image.clone(), haul.traces()[0].state), (None, State::Installed));
}
