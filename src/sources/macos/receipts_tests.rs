//! Tests of `receipts`: what is still there, what is not, old receipts, the history, and what cannot be read.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::{Means, Stamp};
use crate::parse::bom::{Kind as Listed, written};
use crate::sources::testing::collect;

const KAV: &str = "/private/var/db/receipts/com.kaspersky.kav.core";
const APP: &str = "/Applications/K.app/Contents/MacOS/k";

fn list(body: &str) -> FakeNode {
    FakeNode::File(format!("<plist version=\"1.0\">{body}</plist>").into_bytes())
}

fn receipt(id: &str, prefix: &str) -> FakeNode {
    list(&format!(
        "<dict><key>PackageIdentifier</key><string>{id}</string><key>PackageVersion</key><string>12.1</string>\
         <key>InstallDate</key><date>2024-07-20T00:00:00Z</date>\
         <key>InstallPrefixPath</key><string>{prefix}</string></dict>"
    ))
}

fn bill(paths: &[(&str, Listed)]) -> FakeNode {
    FakeNode::File(written(paths))
}

/// An application and its settings, from the root.
fn app() -> FakeNode {
    bill(&[
        ("Applications", Listed::Folder),
        ("Applications/K.app", Listed::Folder),
        ("Applications/K.app/Contents", Listed::Folder),
        ("Applications/K.app/Contents/MacOS", Listed::Folder),
        ("Applications/K.app/Contents/MacOS/k", Listed::File),
        ("settings", Listed::File),
    ])
}

fn mac(nodes: Vec<(&str, FakeNode)>) -> FakeHost {
    FakeHost::macos([(FOLDER, FakeNode::Folder)].into_iter().chain(nodes))
}

/// Names and states, and the gaps.
type Seen = (Vec<(String, State)>, Vec<(GapReason, bool)>);

fn seen(nodes: Vec<(&str, FakeNode)>) -> Seen {
    let (haul, outcome) = collect(&Receipts, &mac(nodes));
    assert_eq!(outcome, Outcome::Read);
    (haul.traces().iter().map(|trace| (trace.name.clone(), trace.state)).collect(), haul.gaps())
}

fn one(name: &str, state: State) -> Vec<(String, State)> {
    vec![(name.to_owned(), state)]
}

#[test]
fn a_receipt_says_all_that_it_has() {
    let plist = format!("{KAV}.plist");
    let (haul, _) = collect(&Receipts, &mac(vec![(&plist, receipt("com.kaspersky.kav.core", "/"))]));
    assert_eq!(haul.gaps(), []);
    let trace = &haul.traces()[0];
    assert_eq!((trace.name.as_str(), trace.state), ("com.kaspersky.kav.core", State::Installed));
    assert_eq!(trace.version, Some(Version::new("12.1", Scheme::Dotted)));
    assert_eq!(trace.identifiers, [Identifier::new(IdentifierType::BundleId, "com.kaspersky.kav.core")]);
    assert_eq!(trace.recorded_at.value, Stamp::from_unix(1_721_433_600));
    assert_eq!(trace.recorded_at.means, Means::LastServiced);
    assert_eq!(trace.place, Place::file(plist.as_str().into()));
}

#[test]
fn what_is_still_there_decides() {
    let of = |more: Vec<(&str, FakeNode)>, bom: FakeNode, prefix: &str| {
        let (plist, bill) = (format!("{KAV}.plist"), format!("{KAV}.bom"));
        let mut nodes = vec![(plist.as_str(), receipt("k", prefix)), (bill.as_str(), bom)];
        nodes.extend(more);
        let (states, gaps) = seen(nodes);
        assert_eq!((states.len(), gaps), (1, vec![]));
        states[0].1
    };
    let file = || FakeNode::File(vec![]);
    assert_eq!(of(vec![(APP, file())], app(), ""), State::Installed);
    assert_eq!(of(vec![], app(), "/"), State::Remnant);
    assert_eq!(of(vec![("/settings", file())], app(), "/"), State::Remnant, "its programs decide");
    assert_eq!(of(vec![("/Applications/K.app", FakeNode::Folder)], app(), "/"), State::Remnant);
    let data = || bill(&[("a", Listed::File), ("l", Listed::Link)]);
    assert_eq!(of(vec![("/Library/X/a", file())], data(), "Library/X"), State::Installed);
    assert_eq!(of(vec![("/Library/X/a", file())], data(), "/Library/X/"), State::Installed);
    assert_eq!(of(vec![("/a", file())], data(), "Library/X"), State::Remnant);
    assert_eq!(of(vec![], bill(&[]), "/"), State::Historic, "scripts only");
    let denied = vec![("/Applications/K.app", FakeNode::Broken(Miss::Denied))];
    assert_eq!(of(denied, app(), "/"), State::Installed, "what cannot be seen may be there");
}

#[test]
fn broken_records_keep_their_names() {
    let (plist, bom) = (format!("{KAV}.plist"), format!("{KAV}.bom"));
    let name = "com.kaspersky.kav.core";
    for (node, reason) in [
        (FakeNode::File(vec![]), GapReason::Truncated),
        (list("<array/>"), GapReason::Malformed),
        (list("<dict>"), GapReason::Malformed),
        (FakeNode::Unreadable(Miss::Denied), GapReason::PermissionDenied),
    ] {
        assert_eq!(seen(vec![(&plist, node)]), (one(name, State::Installed), vec![(reason, true)]));
    }
    // The bill alone.
    assert_eq!(seen(vec![(&bom, app())]), (one(name, State::Remnant), vec![]));
    for (node, reason) in [
        (FakeNode::File(b"BOMStore".to_vec()), GapReason::Malformed),
        (FakeNode::Unreadable(Miss::Denied), GapReason::PermissionDenied),
    ] {
        let nodes = vec![(plist.as_str(), receipt(name, "/")), (bom.as_str(), node)];
        assert_eq!(seen(nodes), (one(name, State::Installed), vec![(reason, false)]));
    }
    let denied = vec![(FOLDER, FakeNode::Broken(Miss::Denied))];
    assert_eq!(seen(denied), (vec![], vec![(GapReason::PermissionDenied, true)]));
    let (haul, _) = collect(&Receipts, &FakeHost::macos([]));
    assert_eq!(haul.gaps(), [(GapReason::Missing, true)], "every Mac has the folder");
}

#[test]
fn receipts_of_old_systems_are_bundles() {
    let pkg = "/Library/Receipts/KAV.pkg/Contents";
    let info = "<dict><key>CFBundleIdentifier</key><string>com.kaspersky.kav</string>\
                <key>IFPkgFlagDefaultLocation</key><string>/Library/X</string></dict>";
    let (info_at, bom_at) = (format!("{pkg}/Info.plist"), format!("{pkg}/Archive.bom"));
    let bom = || bill(&[("a", Listed::File)]);
    let nodes = vec![
        (info_at.as_str(), list(info)),
        (bom_at.as_str(), bom()),
        ("/Library/X/a", FakeNode::File(vec![])),
    ];
    assert_eq!(seen(nodes), (one("com.kaspersky.kav", State::Installed), vec![]));
    assert_eq!(seen(vec![(&bom_at, bom())]), (one("KAV.pkg", State::Remnant), vec![]));
}

#[test]
fn history_tells_what_left_no_receipt() {
    let event = |date: &str, version: &str, ids: &str| {
        format!(
            "<dict><key>date</key><date>{date}T00:00:00Z</date><key>displayName</key><string>Shown</string>\
             <key>displayVersion</key><string>{version}</string><key>packageIdentifiers</key><array>{ids}</array></dict>"
        )
    };
    let body = format!(
        "<array>{}{}{}{}</array>",
        event("2024-01-02", "2", "<string>gone</string>"),
        event("2023-01-02", "1", "<string>gone</string>"),
        event("2023-01-02", "1", "<string>com.kaspersky.kav.core</string>"),
        event("2023-01-02", "1", ""),
    );
    let plist = format!("{KAV}.plist");
    let nodes = vec![(plist.as_str(), receipt("com.kaspersky.kav.core", "/")), (HISTORY, list(&body))];
    let (haul, _) = collect(&Receipts, &mac(nodes));
    let found: Vec<_> = haul
        .traces()
        .iter()
        .map(|one| {
            (one.name.as_str(), one.state, one.version.as_ref().map_or("", |version| version.raw.as_str()))
        })
        .collect();
    assert_eq!(
        found,
        [
            ("com.kaspersky.kav.core", State::Installed, "12.1"),
            ("Shown", State::Historic, "1"),
            ("gone", State::Historic, "2"),
        ]
    );
    for (node, reason) in [
        (list("<array>"), GapReason::Malformed),
        (FakeNode::Unreadable(Miss::Denied), GapReason::PermissionDenied),
    ] {
        assert_eq!(seen(vec![(HISTORY, node)]), (vec![], vec![(reason, false)]));
    }
}
