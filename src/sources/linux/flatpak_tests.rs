//! Tests of the source `flatpak`.

use super::*;
use crate::host::{FakeHost, FakeNode};
use crate::model::ScopeAsk;
use crate::parse::corpora_tests::{corpora, tree};
use crate::sources::testing::{collect, collect_for};

const METADATA: &str = "[Application]\nname=org.gimp.GIMP\nruntime=org.gnome.Platform/x86_64/46\n";
const XML: &str = "<component><id>org.gimp.GIMP</id><name>GIMP</name><developer_name>The GIMP team</developer_name>\
<releases><release version='2.10.38'/></releases></component>";
const APP: &str = "app/org.gimp.GIMP/x86_64/stable";

fn file(text: &str) -> FakeNode {
    FakeNode::File(text.as_bytes().to_vec())
}

/// A deployed commit with `active` as a link to it, and `current` as a link to its branch.
fn installed(root: &str, metadata: FakeNode, xml: Option<(&str, FakeNode)>) -> Vec<(String, FakeNode)> {
    let mut nodes = vec![
        ("/etc/passwd".to_owned(), file("ann:x:1000:1000::/home/ann:/bin/sh\n")),
        ("/home/ann".to_owned(), FakeNode::Folder),
        (format!("{root}/app/org.gimp.GIMP/current"), FakeNode::Link(b"x86_64/stable".to_vec())),
        (format!("{root}/{APP}/active"), FakeNode::Link(b"0c0ffee".to_vec())),
        (format!("{root}/{APP}/0c0ffee/metadata"), metadata),
    ];
    nodes.extend(xml.map(|(path, xml)| (format!("{root}/{APP}/0c0ffee/{path}"), xml)));
    nodes
}

fn host(nodes: &[(String, FakeNode)]) -> FakeHost {
    FakeHost::new(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())))
}

#[test]
fn applications_of_the_machine_and_of_users() {
    let metainfo = METAINFO.iter().map(|folder| format!("{folder}/org.gimp.GIMP.metainfo.xml"));
    for (path, (root, scope)) in metainfo.zip([
        (SYSTEM, Scope::Machine),
        ("/home/ann/.local/share/flatpak", Scope::User(1)),
        (SYSTEM, Scope::Machine),
    ]) {
        let host = host(&installed(root, file(METADATA), Some((&path, file(XML)))));
        let (haul, outcome) = collect(&Flatpak, &host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let [one] = haul.traces() else { panic!("{:?}", haul.traces()) };
        assert_eq!((one.name.as_str(), one.display_name.as_deref()), ("org.gimp.GIMP", Some("GIMP")));
        assert_eq!(one.publisher.as_deref(), Some("The GIMP team"));
        assert_eq!(one.version, Some(Version::new("2.10.38", Scheme::Other)));
        assert_eq!((one.arch.as_deref(), &one.scope), (Some("x86_64"), &scope));
        assert_eq!(one.path, Some(HostPath::from(root).join("app/org.gimp.GIMP")));
        let only = |scope| Wanted { scope, ..Wanted::default() };
        let asked = if scope == Scope::Machine { ScopeAsk::User } else { ScopeAsk::System };
        assert!(matches!(collect_for(&Flatpak, &host, &only(asked)).1, Outcome::NotApplicable(_)));
    }
}

#[test]
fn runtimes_have_their_branch_as_version() {
    let metadata = "[Runtime]\nname=org.gnome.Platform\n";
    let path = "/var/lib/flatpak/runtime/org.gnome.Platform/x86_64/46/active/metadata";
    let (haul, _) = collect(&Flatpak, &FakeHost::new([(path, file(metadata))]));
    assert_eq!(haul.gaps(), []);
    assert_eq!(haul.traces()[0].version, Some(Version::new("46", Scheme::Other)));
}

#[test]
fn more_installations() {
    let mut nodes = installed("/mnt/apps", file(METADATA), None);
    let conf = format!("{EXTRA}/apps.conf");
    nodes.push((conf.clone(), file("[Installation \"apps\"]\nPath=/mnt/apps\n")));
    let (haul, _) = collect(&Flatpak, &host(&nodes));
    assert_eq!((haul.traces().len(), haul.gaps()), (1, vec![]));
    for broken in ["", "[Installation \"apps\"]\nPath=relative\n"] {
        let (haul, outcome) = collect(&Flatpak, &FakeHost::new([(conf.as_str(), file(broken))]));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![(GapReason::Malformed, true)]));
    }
}

#[test]
fn neither_metadata_nor_metainfo_is_a_gap_and_no_item() {
    for (metadata, reason) in [
        (FakeNode::Broken(Miss::Denied), GapReason::PermissionDenied),
        (FakeNode::Folder, GapReason::NotAFile),
        (file(""), GapReason::Malformed),
        (file("\u{0}\u{1}garbage"), GapReason::Malformed),
        (file(METADATA.split("name").next().unwrap()), GapReason::Malformed),
        (FakeNode::File(vec![b'#'; 2 << 20]), GapReason::TooLarge),
    ] {
        let (haul, outcome) = collect(&Flatpak, &host(&installed(SYSTEM, metadata.clone(), None)));
        assert_eq!((outcome, haul.traces().len()), (Outcome::Read, 0), "{metadata:?}");
        assert!(haul.gaps().contains(&(reason, true)), "{metadata:?}: {:?}", haul.gaps());
        let xml = Some(("files/share/metainfo/a.xml", file(XML)));
        let (haul, _) = collect(&Flatpak, &host(&installed(SYSTEM, metadata, xml)));
        assert_eq!(haul.traces().len(), 1);
    }
    let empty = FakeHost::new([("/var/lib/flatpak/app/org.x", FakeNode::Folder)]);
    assert_eq!(collect(&Flatpak, &empty).0.gaps(), [(GapReason::Missing, true)]);
    let gone = FakeHost::new([("/var/lib/flatpak/app/org.x/x86_64/stable", FakeNode::Folder)]);
    assert_eq!(collect(&Flatpak, &gone).0.gaps(), [(GapReason::Missing, true)]);
}

#[test]
fn another_name_in_the_metadata_is_a_gap() {
    let (haul, _) =
        collect(&Flatpak, &host(&installed(SYSTEM, file("[Application]\nname=org.other\n"), None)));
    assert_eq!((haul.traces().len(), haul.gaps()), (1, vec![(GapReason::Inconsistent, true)]));
}

#[test]
fn folders_that_cannot_be_listed() {
    assert!(matches!(collect(&Flatpak, &FakeHost::new([])).1, Outcome::NotApplicable(_)));
    for place in [SYSTEM, "/var/lib/flatpak/app", EXTRA] {
        let (haul, outcome) = collect(&Flatpak, &FakeHost::new([(place, FakeNode::Broken(Miss::Denied))]));
        assert_eq!(outcome, Outcome::Read);
        assert!(haul.gaps().contains(&(GapReason::PermissionDenied, true)), "{place}");
    }
}

#[test]
fn many_metainfo_files_are_a_gap() {
    let mut nodes = installed(SYSTEM, file(METADATA), None);
    let addon = |n| format!("{SYSTEM}/{APP}/0c0ffee/files/share/metainfo/{n}.xml");
    nodes.extend((10..40).map(|n| (addon(n), file("<component><id>other</id></component>"))));
    let (haul, _) = collect(&Flatpak, &host(&nodes));
    assert_eq!((haul.traces().len(), haul.gaps()), (1, vec![(GapReason::Budget, true)]));
}

#[test]
fn the_corpus() {
    let Some(dir) = corpora("small-fixtures/scalibr-flatpak") else { return };
    let files = tree(&dir);
    assert_eq!(files.len(), 5);
    for (name, xml) in files {
        let path = format!(
            "{SYSTEM}/app/org.gimp.GIMP/current/active/files/share/metainfo/org.gimp.GIMP.metainfo.xml"
        );
        let (haul, _) = collect(&Flatpak, &FakeHost::new([(path.as_str(), FakeNode::File(xml))]));
        // Each lies there without its metadata: that is a gap, and the metainfo alone makes the item.
        assert!(haul.gaps().contains(&(GapReason::Missing, true)));
        let broken = name == "/bad.xml" || name == "/empty.xml";
        assert_eq!(haul.traces().is_empty(), broken, "{name}");
        assert_eq!(haul.gaps().contains(&(GapReason::Malformed, true)), broken, "{name}");
    }
}
