//! Packages of MSIX in every place of the registry and on the disk.

use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry, Hive};
use crate::model::ScopeAsk;
use crate::parse::registry_value::RegistryValue;
use crate::sources::testing::{collect, collect_for};

const STORE: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Appx\AppxAllUserStore";
const OWN: &str =
    r"HKU\1_Classes\Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\Repository\Packages";
const PUBLISHER: &str = "CN=\"AO \"\"Kaspersky\"\" Lab, Moscow\", O=AO Kaspersky Lab, C=RU";

fn full(name: &str, architecture: &str) -> String {
    format!("{name}_1.2.3.4_{architecture}__{}", publisher_id(PUBLISHER))
}

fn manifest_of(name: &str, display: &str) -> Vec<u8> {
    let publisher = PUBLISHER.replace('"', "&quot;");
    format!(
        "<Package><Identity Name='{name}' Publisher='{publisher}' Version='1.2.3.4' ProcessorArchitecture='x64'/>\
<Properties><DisplayName>{display}</DisplayName><PublisherDisplayName>{display}</PublisherDisplayName></Properties></Package>"
    )
    .into_bytes()
}

fn host(registry: FakeRegistry, nodes: &[(String, FakeNode)]) -> FakeHost {
    let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
    let registry = registry.key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))]);
    let hive = ("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new()));
    let nodes = nodes.iter().map(|(path, node)| (path.as_str(), node.clone()));
    FakeHost::windows(nodes.chain([hive]), registry)
}

fn apps(full_name: &str) -> String {
    format!("/C:/Program Files/WindowsApps/{full_name}/AppxManifest.xml")
}

fn lines(haul: &Haul) -> Vec<String> {
    let line = |trace: &Trace| format!("{} {} {}", trace.name, trace.scope, trace.state.word());
    haul.traces().iter().map(line).collect()
}

#[test]
fn packages_are_seen_in_every_place() {
    let registry = FakeRegistry::new()
        .key(&format!(r"{OWN}\{}", full("A.Own", "x64")), &[])
        .key(&format!(r"{STORE}\S-1-5-21-1\{}", full("A.Own", "x64")), &[])
        .key(&format!(r"{STORE}\S-1-5-21-77\{}", full("B.Gone", "x86")), &[])
        .key(&format!(r"{STORE}\Applications\{}", full("C.Provisioned", "neutral")), &[])
        .key(&format!(r"{STORE}\InboxApplications\{}", full("D.Inbox", "x64")), &[])
        .key(&format!(r"{STORE}\Staged\{}", full("E.Staged", "x64")), &[])
        .key(&format!(r"{STORE}\EndOfLife\S-1-5-21-1\{}", full("F.End", "x64")), &[])
        .key(&format!(r"{STORE}\Deleted\EndOfLife\S-1-5-21-1\{}", full("G.Deleted", "x64")), &[])
        .key(&format!(r"{STORE}\Config\other"), &[]);
    let folder = (apps(&full("H.Folder", "x64")), FakeNode::File(manifest_of("H.Folder", "H")));
    let empty = ("/C:/Program Files/WindowsApps/Deleted".to_owned(), FakeNode::Folder);
    let host = host(registry, &[folder, empty]);
    let (haul, outcome) = collect(&Appx, &host);
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    assert_eq!(
        lines(&haul),
        [
            "A.Own user:1 installed",
            "A.Own user:1 installed",
            "B.Gone machine installed",
            "C.Provisioned machine installed",
            "D.Inbox machine installed",
            "E.Staged machine present",
            "F.End user:1 remnant",
            "G.Deleted user:1 remnant",
            "H.Folder machine present",
        ]
    );
    let own = &haul.traces()[0];
    assert_eq!(own.version, Some(Version::new("1.2.3.4", Scheme::Dotted)));
    assert_eq!((own.arch.as_deref(), own.publisher.as_deref()), (Some("x64"), None));
    let family = format!("A.Own_{}", publisher_id(PUBLISHER));
    assert_eq!(own.identifiers, [Identifier::new(IdentifierType::PackageFamilyName, family)]);
    let count = |scope| {
        let want = Wanted { scope, ..Wanted::default() };
        collect_for(&Appx, &host, &want).0.traces().len()
    };
    assert_eq!((count(ScopeAsk::User), count(ScopeAsk::System)), (4, 5));
}

/// The only trace of a package with this key and these files.
fn one(values: &[(&str, RegistryValue)], nodes: &[(String, FakeNode)]) -> (Trace, Vec<(GapReason, bool)>) {
    let key = format!(r"{OWN}\{}", full("K.Lab", "x64"));
    let (haul, _) = collect(&Appx, &host(FakeRegistry::new().key(&key, values), nodes));
    assert_eq!(haul.traces().len(), 1);
    (haul.traces()[0].clone(), haul.gaps())
}

#[test]
fn the_manifest_says_who_made_it_wherever_it_is() {
    let file = |name: &str, display: &str| FakeNode::File(manifest_of(name, display));
    let usual = apps(&full("K.Lab", "x64"));
    let (trace, gaps) = one(&[], &[(usual.clone(), file("K.Lab", "Kaspersky"))]);
    assert_eq!((trace.display_name.as_deref(), gaps), (Some("Kaspersky"), vec![]));
    assert_eq!(trace.publisher.as_deref(), Some("Kaspersky"));

    let root = [("PackageRootFolder", RegistryValue::sz(r"D:\Apps\K"))];
    let elsewhere = ("/D:/Apps/K/AppxManifest.xml".to_owned(), file("K.Lab", "ms-resource:AppName"));
    let (trace, _) = one(&root, &[elsewhere]);
    assert_eq!(trace.publisher.as_deref(), Some("AO \"Kaspersky\" Lab, Moscow"));
    assert_eq!(trace.display_name, None);

    let bundle = [("Path", RegistryValue::sz(r"D:\Apps\K\AppxMetadata\AppxBundleManifest.xml"))];
    let inside = (
        "/D:/Apps/K/AppxMetadata/AppxBundleManifest.xml".to_owned(),
        FakeNode::File(
            String::from_utf8(manifest_of("K.Lab", "x")).unwrap().replace("Package>", "Bundle>").into_bytes(),
        ),
    );
    assert_eq!(one(&bundle, &[inside]).0.publisher.as_deref(), Some("AO \"Kaspersky\" Lab, Moscow"));

    let (trace, gaps) = one(&[], &[(usual, file("Other", "Kaspersky"))]);
    assert_eq!((trace.publisher, gaps), (None, vec![(GapReason::Inconsistent, false)]));
}

#[test]
fn names_in_resources_are_no_names() {
    let named = |name: &str| one(&[("DisplayName", RegistryValue::sz(name))], &[]).0.display_name;
    assert_eq!(named("Kaspersky").as_deref(), Some("Kaspersky"));
    assert_eq!(named("@{K.Lab_1.2.3.4_x64__x?ms-resource://K/Resources/Name}"), None);
    assert_eq!(named("MS-Resource:Name"), None);
}

#[test]
fn a_manifest_that_cannot_be_read_leaves_the_name_of_the_key() {
    let denied = |path: &str| one(&[], &[(path.to_owned(), FakeNode::Broken(Miss::Denied))]);
    for path in
        ["/C:/Program Files/WindowsApps", &format!("/C:/Program Files/WindowsApps/{}", full("K.Lab", "x64"))]
    {
        let (trace, gaps) = denied(path);
        assert_eq!((trace.name.as_str(), trace.state), ("K.Lab", State::Installed));
        assert_eq!(gaps, [(GapReason::PermissionDenied, false)], "{path}");
    }
    let garbage = (apps(&full("K.Lab", "x64")), FakeNode::File(vec![0xFF; 999]));
    let (trace, gaps) = one(&[], &[garbage]);
    assert_eq!((trace.name.as_str(), trace.publisher.as_deref()), ("K.Lab", None));
    assert!(gaps.iter().all(|(_, blocks)| !blocks) && !gaps.is_empty());
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let gaps = |registry| collect(&Appx, &host(registry, &[])).0.gaps();
    let sound = || FakeRegistry::new().key(&format!(r"{STORE}\Applications\{}", full("A", "x64")), &[]);
    assert_eq!(gaps(sound()), [], "a user who never logged on has no classes");
    assert_eq!(gaps(sound().deny(&format!(r"{OWN}\x"))), [(GapReason::PermissionDenied, true)]);
    assert_eq!(gaps(sound().deny(STORE)), [(GapReason::PermissionDenied, true)]);
    let without = collect(&Appx, &host(sound().without(Hive::Software), &[])).0.gaps();
    assert!(without.contains(&(GapReason::Missing, true)));
    let bare = collect(&Appx, &host(FakeRegistry::new(), &[]));
    assert!(matches!(bare.1, Outcome::NotApplicable(_)));
}

#[test]
fn a_name_that_is_no_full_name_is_kept() {
    let odd = "Kaspersky".repeat(40);
    let registry = FakeRegistry::new()
        .key(&format!(r"{OWN}\{odd}"), &[("PackageRootFolder", RegistryValue::dword(1))])
        .key(&format!(r"{OWN}\_"), &[("DisplayName", RegistryValue::binary([0; 3]))]);
    let (haul, _) = collect(&Appx, &host(registry, &[]));
    let names: Vec<_> = haul.traces().iter().map(|trace| trace.name.clone()).collect();
    assert_eq!(names, ["_".to_owned(), odd]);
}

#[test]
fn organisations_of_distinguished_names() {
    for (name, who) in [
        ("CN=Acme, O=Other", Some("Acme")),
        ("CN=F8A3B0C1-1111-2222-3333-444455556666, O=Acme Inc., C=US", Some("Acme Inc.")),
        ("CN=F8A3B0C1-1111-2222-3333-444455556666", None),
        ("O=\"A, B\"", Some("A, B")),
        (r"CN=A\, B", Some("A, B")),
        ("", None),
        ("=", None),
        ("CN=\"", None),
    ] {
        assert_eq!(organisation(name).as_deref(), who, "{name}");
    }
}
