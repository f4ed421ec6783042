//! Tests of `app_bundles`: places, bundles in bundles, extensions of Safari, guests of Parallels, and what cannot be read.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::{Depth, ScopeAsk};
use crate::sources::testing::{collect, collect_for};

fn info(id: &str, more: &str) -> FakeNode {
    let body = format!("<key>CFBundleIdentifier</key><string>{id}</string>{more}");
    FakeNode::File(format!("<plist version=\"1.0\"><dict>{body}</dict></plist>").into_bytes())
}

/// A bundle with a program after its name.
fn bundle(path: &str, id: &str) -> Vec<(String, FakeNode)> {
    let name = path.rsplit('/').next().unwrap().rsplit_once('.').unwrap().0;
    vec![
        (format!("{path}/Contents/Info.plist"), info(id, "<key>CFBundleVersion</key><string>1</string>")),
        (format!("{path}/Contents/MacOS/{name}"), FakeNode::Program(b"#!/bin/sh\n".to_vec())),
    ]
}

fn mac(nodes: &[(String, FakeNode)]) -> FakeHost {
    let always = [
        ("/Applications", FakeNode::Folder),
        ("/System/Library/CoreServices/SystemVersion.plist", FakeNode::File(vec![])),
        ("/Users/alice", FakeNode::Folder),
    ];
    let nodes = nodes.iter().map(|(path, node)| (path.as_str(), node.clone()));
    FakeHost::macos(always.into_iter().chain(nodes))
}

fn seen(haul: &Haul) -> Vec<(ItemKind, &str, String, State, String)> {
    let id = |trace: &Trace| trace.identifiers.first().map(|id| id.value.clone()).unwrap_or_default();
    let each = haul.traces().iter();
    each.map(|one| (one.kind, one.name.as_str(), id(one), one.state, one.scope.to_string())).collect()
}

/// Names alone.
fn names(nodes: &[(String, FakeNode)]) -> Vec<String> {
    let (haul, outcome) = collect(&AppBundles, &mac(nodes));
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    haul.traces().iter().map(|trace| trace.name.clone()).collect()
}

#[test]
fn applications_wherever_they_lie() {
    let nodes: Vec<_> = [
        ("/Applications/A.app", "a"),
        ("/Applications/Suite/Deep/B.app", "b"),
        ("/System/Applications/Utilities/C.app", "c"),
        ("/System/Library/CoreServices/Finder.app", "com.apple.finder"),
        ("/Library/Application Support/Kaspersky Lab/KAV/Applications/D.app", "d"),
        ("/Library/Input Methods/E.app", "e"),
        ("/Users/alice/Applications/F.app", "f"),
        ("/Users/alice/Downloads/new/G.app", "g"),
        ("/Users/alice/Downloads/new/old/too-deep.app", "h"),
        ("/Users/Shared/I.app", "i"),
        ("/Users/alice/Documents/not-looked.app", "j"),
    ]
    .into_iter()
    .flat_map(|(path, id)| bundle(path, id))
    .collect();
    let host = mac(&nodes);
    let (haul, outcome) = collect(&AppBundles, &host);
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    let app = |name, id: &str, state, scope: &str| {
        (ItemKind::Application, name, id.to_owned(), state, scope.to_owned())
    };
    let (installed, present) = (State::Installed, State::Present);
    assert_eq!(
        seen(&haul),
        [
            app("A.app", "a", installed, "machine"),
            app("B.app", "b", installed, "machine"),
            app("C.app", "c", installed, "machine"),
            app("Finder.app", "com.apple.finder", installed, "machine"),
            app("D.app", "d", present, "machine"),
            app("E.app", "e", present, "machine"),
            app("I.app", "i", present, "machine"),
            app("F.app", "f", installed, "user:1"),
            app("G.app", "g", present, "user:1"),
        ]
    );
    let first = &haul.traces()[0];
    assert_eq!(first.path, Some("/Applications/A.app".into()));
    assert_eq!(first.image.as_ref().map(|image| image.exists), Some(Some(true)));
    let of = |scope, depth| {
        let want = Wanted { scope, depth, ..Wanted::default() };
        collect_for(&AppBundles, &host, &want).0.traces().len()
    };
    assert_eq!(of(ScopeAsk::System, Depth::Standard), 7);
    assert_eq!(of(ScopeAsk::User, Depth::Standard), 2);
    assert_eq!(of(ScopeAsk::All, Depth::Quick), 5);
}

#[test]
fn who_signed_is_told_and_names_a_bundle_that_says_nothing() {
    let forged = include_bytes!("../../../fuzz/seeds/code_signature/kaspersky-forged");
    let program = ("/Applications/K.app/Contents/MacOS/K".to_owned(), FakeNode::Program(forged.to_vec()));
    let mut nodes = bundle("/Applications/K.app", "com.example.k");
    nodes.push(program);
    let (haul, _) = collect(&AppBundles, &mac(&nodes));
    let trace = &haul.traces()[0];
    let Looked::Some(signer) = &trace.signer else { panic!("{trace:?}") };
    assert_eq!((signer.team_id.as_deref(), haul.gaps()), (Some("2Y8XE5CQ94"), vec![]));
    assert_eq!(trace.identifiers, [Identifier::new(IdentifierType::BundleId, "com.example.k")]);
    nodes.push(("/Applications/K.app/Contents/Info.plist".to_owned(), FakeNode::File(b"bplist00".to_vec())));
    let (haul, _) = collect(&AppBundles, &mac(&nodes));
    let id = Identifier::new(IdentifierType::BundleId, "com.kaspersky.kav");
    assert_eq!((&haul.traces()[0].identifiers, haul.gaps().len()), (&vec![id], 1));
}

#[test]
fn bundles_in_a_bundle_are_programs_with_an_id_or_extensions_of_safari() {
    let app = "/Applications/K.app";
    let point = |point: &str| {
        format!(
            "<key>CFBundleDisplayName</key><string>Protection</string><key>NSExtension</key><dict>\
             <key>NSExtensionPointIdentifier</key><string>{point}</string></dict>"
        )
    };
    let mut nodes = bundle(app, "com.kaspersky.kav");
    nodes.extend(bundle(&format!("{app}/Contents/Library/LoginItems/Agent.app"), "com.kaspersky.agent"));
    nodes.extend(bundle(&format!("{app}/Contents/XPCServices/Service.xpc"), "com.kaspersky.xpc"));
    for (name, extends) in [("Web", "com.apple.Safari.web-extension"), ("Share", "com.apple.share-services")]
    {
        let path = format!("{app}/Contents/PlugIns/{name}.appex");
        nodes.extend(bundle(&path, "x"));
        nodes.push((format!("{path}/Contents/Info.plist"), info("com.kaspersky.urla", &point(extends))));
    }
    // Data only.
    nodes.push((format!("{app}/Contents/Resources/Pictures.bundle/Contents/Info.plist"), info("pics", "")));
    let framework = format!("{app}/Contents/Frameworks/F.framework");
    nodes.extend([
        (format!("{framework}/Versions/A/Resources/Info.plist"), info("f", "")),
        (format!("{framework}/Versions/A/F"), FakeNode::Program(vec![])),
        (format!("{framework}/Versions/Current"), FakeNode::Link(b"A".to_vec())),
    ]);
    nodes.extend(bundle(&format!("{framework}/Versions/A/Helpers/Helper.app"), "helper"));
    let (haul, _) = collect(&AppBundles, &mac(&nodes));
    assert_eq!(haul.gaps(), []);
    let found: Vec<_> = seen(&haul)
        .into_iter()
        .map(|(kind, name, id, state, _)| (kind, name.to_owned(), id, state))
        .collect();
    let one = |kind, name: &str, id: &str, state| (kind, name.to_owned(), id.to_owned(), state);
    let (installed, present) = (State::Installed, State::Present);
    assert_eq!(
        found,
        [
            one(ItemKind::Application, "K.app", "com.kaspersky.kav", installed),
            one(ItemKind::Executable, "F", "f", present),
            one(ItemKind::Application, "Helper.app", "helper", installed),
            one(ItemKind::Application, "Agent.app", "com.kaspersky.agent", installed),
            one(ItemKind::Executable, "Share", "com.kaspersky.urla", present),
            one(ItemKind::Extension, "Protection", "com.kaspersky.urla", installed),
            one(ItemKind::Executable, "Service", "com.kaspersky.xpc", present),
        ]
    );
}

#[test]
fn old_extensions_of_safari_are_known_by_name() {
    let path = "/Users/alice/Library/Safari/Extensions";
    let nodes = vec![
        (format!("{path}/KasperskyURLAdvisor.safariextz"), FakeNode::File(vec![])),
        (format!("{path}/Extensions.plist"), FakeNode::File(vec![])),
    ];
    let (haul, _) = collect(&AppBundles, &mac(&nodes));
    let user = "user:1".to_owned();
    let found = (ItemKind::Extension, "KasperskyURLAdvisor.safariextz", String::new(), State::Present, user);
    assert_eq!(seen(&haul), [found]);
}

#[test]
fn programs_of_a_guest_are_nothing_of_the_mac() {
    let stub = "/Users/alice/Applications (Parallels)/{1} Applications.localized/Kaspersky Anti-Virus.app";
    let mut nodes = bundle(stub, "com.parallels.winapp.0123.4567");
    nodes.extend(bundle("/Applications/Kaspersky.app", "com.parallels.winapp.89.ab"));
    nodes.extend(bundle("/Users/alice/Applications/Windows.pvm/Kaspersky.app", "x"));
    let (haul, _) = collect(&AppBundles, &mac(&nodes));
    assert_eq!((haul.traces().len(), haul.gaps()), (0, vec![(GapReason::NotLookedInto, false)]));
}

#[test]
fn links_are_followed_once() {
    let mut nodes = bundle("/srv/Moved.app", "moved");
    nodes.extend(bundle("/srv/Folder/In.app", "in"));
    nodes.extend(
        [("Moved.app", "/srv/Moved.app"), ("Folder", "/srv/Folder"), ("Again", "/srv/Folder")]
            .map(|(name, to)| (format!("/Applications/{name}"), FakeNode::Link(to.as_bytes().to_vec()))),
    );
    nodes.push(("/srv/Folder/ring".into(), FakeNode::Link(b"/srv/Folder".to_vec())));
    nodes.push(("/Applications/Gone.app".into(), FakeNode::Link(b"/Volumes/Other/Gone.app".to_vec())));
    assert_eq!(names(&nodes), ["In.app", "Moved.app"]);
}

#[test]
fn a_bundle_without_its_program_is_a_remnant_and_a_folder_is_none() {
    let nodes = vec![
        ("/Applications/Left.app/Contents/Info.plist".to_owned(), info("left", "")),
        ("/Applications/Bare.app".to_owned(), FakeNode::Folder),
        ("/Library/Application Support/com.example.app/data".to_owned(), FakeNode::Folder),
    ];
    let mut nodes = nodes;
    nodes.extend(bundle("/Library/Application Support/com.example.app/In.app", "in"));
    let (haul, _) = collect(&AppBundles, &mac(&nodes));
    let states: Vec<_> = haul.traces().iter().map(|trace| (trace.name.as_str(), trace.state)).collect();
    assert_eq!(
        states,
        [("Bare.app", State::Remnant), ("Left.app", State::Remnant), ("In.app", State::Present)]
    );
}

#[test]
fn packages_of_java_with_a_vendors_name_are_no_bundles() {
    let nodes = vec![
        ("/Applications/Dev/src/com.kaspersky.kaspresso/Main.kt".to_owned(), FakeNode::File(vec![])),
        ("/Applications/Dev/com.kaspersky.jar".to_owned(), FakeNode::File(vec![])),
        ("/Users/alice/Downloads/com/kaspersky/app/X.class".to_owned(), FakeNode::File(vec![])),
    ];
    assert_eq!(names(&nodes), Vec::<String>::new());
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let of = |path: &str, node| {
        let mut nodes = bundle("/Applications/K.app", "k");
        nodes.push((path.to_owned(), node));
        let (haul, _) = collect(&AppBundles, &mac(&nodes));
        (haul.traces().len(), haul.gaps())
    };
    let denied = || FakeNode::Broken(Miss::Denied);
    let blocked = vec![(GapReason::PermissionDenied, true)];
    assert_eq!(of("/Applications/Sub", denied()), (1, blocked.clone()));
    assert_eq!(of("/Applications/X.app", denied()), (2, blocked.clone()));
    assert_eq!(of("/Library/Application Support", denied()), (1, blocked.clone()));
    assert_eq!(of("/Users/alice/Downloads", denied()), (1, blocked.clone()));
    assert_eq!(of("/Users/alice/Library/Safari/Extensions", denied()), (1, blocked.clone()));
    assert_eq!(of("/Applications/K.app/Contents/PlugIns", denied()), (1, blocked.clone()));
    assert_eq!(
        of("/Applications/K.app/Contents/Info.plist", FakeNode::Unreadable(Miss::Denied)),
        (1, blocked)
    );
    let (haul, _) = collect(&AppBundles, &FakeHost::macos([]));
    assert_eq!(haul.gaps(), [(GapReason::Missing, true)], "every Mac has the folders of applications");
}

#[test]
fn a_flood_ends_at_the_budget() {
    let host = mac(&bundle("/Applications/K.app", "k"));
    let mut haul = Haul::new(std::time::Instant::now() + std::time::Duration::from_mins(1));
    let area = areas(&[], &Wanted::default()).remove(0);
    let mut of = |entries| {
        let linked = HashSet::new();
        Walk { host: &host, haul: &mut haul, linked, entries, bundles: 0 }.area(&area);
        haul.traces().len()
    };
    assert_eq!((of(ENTRIES), of(0)), (0, 1));
    let mut late = Haul::new(std::time::Instant::now());
    assert_eq!(AppBundles.collect(&host, &Wanted::default(), &mut late), Outcome::Read);
    assert_eq!(late.gaps(), [(GapReason::Budget, true)]);
}
