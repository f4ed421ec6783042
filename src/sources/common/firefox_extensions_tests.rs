//! Every browser on every system with two users and three profiles, one of them damaged; packages, folders, what programs
//! registered, what policies ask for, and every fault.

use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry, Miss};
use crate::model::GapReason;
use crate::parse::registry_value::RegistryValue;
use crate::sources::testing::collect;

const ID: &str = "light_plugin_1@kaspersky.com";

fn file(text: impl AsRef<[u8]>) -> FakeNode {
    FakeNode::File(text.as_ref().to_vec())
}

/// A stored archive of these files (APPNOTE.TXT 4.3).
fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let offset = u32::try_from(out.len()).unwrap();
        let size = u32::try_from(text.len()).unwrap();
        let length = u16::try_from(name.len()).unwrap();
        let mut common = [20_u16, 0, 0, 0, 0].map(u16::to_le_bytes).concat();
        common.extend(crc32(text.as_bytes()).to_le_bytes());
        common.extend([size, size].map(u32::to_le_bytes).concat());
        common.extend([length, 0].map(u16::to_le_bytes).concat());
        out.extend([b"PK\x03\x04", &common[..], name.as_bytes(), text.as_bytes()].concat());
        directory.extend(
            [b"PK\x01\x02\x14\0", &common[..], &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat(),
        );
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let (size, at) = (u32::try_from(directory.len()).unwrap(), u32::try_from(out.len()).unwrap());
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size.to_le_bytes(), &at.to_le_bytes(), &[0, 0]]
        .concat();
    [out, directory, end].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

fn xpi(name: &str) -> FakeNode {
    file(zip(&[("manifest.json", &format!(r#"{{"name": "{name}", "version": "1.0", "author": "K"}}"#))]))
}

fn record(path: &str) -> FakeNode {
    file(format!(
        r#"{{"addons": [{{"id": "{ID}", "version": "1.0", "active": false, "location": "app-profile", "path": {path},
        "defaultLocale": {{"name": "Kaspersky Protection", "creator": "K"}}}},
        {{"id": "formautofill@mozilla.org", "location": "app-builtin", "path": null}}]}}"#
    ))
}

/// A host of a family with two users, each with these nodes in the home.
fn host(family: Family, own: &[(String, FakeNode)], registry: FakeRegistry) -> FakeHost {
    let homes = match family {
        Family::Linux => ["/home/alice", "/home/bob"],
        Family::Macos => ["/Users/alice", "/Users/bob"],
        Family::Windows => ["/C:/Users/alice", "/C:/Users/bob"],
    };
    let hive = ("NTUSER.DAT".to_owned(), file(""));
    let own: Vec<_> = own.iter().cloned().chain([hive]).collect();
    let at = |home: &str, path: &str| {
        if path.starts_with('/') { path.to_owned() } else { format!("{home}/{path}") }
    };
    let all: Vec<(String, FakeNode)> = homes
        .iter()
        .flat_map(|home| own.iter().map(move |(path, node)| (at(home, path), node.clone())))
        .collect();
    let nodes = all.iter().map(|(path, node)| (path.as_str(), node.clone()));
    let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-100";
    let path = |n: usize| {
        [("ProfileImagePath", RegistryValue::sz(&homes[n].replace("/C:", "C:").replace('/', "\\")))]
    };
    match family {
        Family::Linux => FakeHost::new(nodes),
        Family::Macos => FakeHost::macos(nodes),
        Family::Windows => {
            let registry = registry
                .key(&format!("{list}1"), &path(0))
                .key(&format!("{list}2"), &path(1))
                .key(r"HKU\1\Software", &[])
                .key(r"HKU\2\Software", &[]);
            FakeHost::windows(nodes, registry)
        }
    }
}

fn linux(own: &[(&str, FakeNode)]) -> Haul {
    let own: Vec<_> = own.iter().map(|(path, node)| ((*path).to_owned(), node.clone())).collect();
    collect(&FirefoxExtensions, &host(Family::Linux, &own, FakeRegistry::new())).0
}

fn rows(haul: &Haul) -> Vec<(&str, &str, State)> {
    let of_alice = haul.traces().iter().filter(|trace| trace.scope != Scope::User(2));
    of_alice.map(|trace| (trace.identifiers[0].value.as_str(), trace.name.as_str(), trace.state)).collect()
}

#[test]
fn every_browser_on_every_system_with_two_users_and_three_profiles_one_damaged() {
    let families = [(Family::Linux, LINUX), (Family::Macos, MACOS), (Family::Windows, WINDOWS)];
    for (family, root) in
        families.into_iter().flat_map(|(family, all)| all.iter().map(move |root| (family, root)))
    {
        let ini = "[Profile0]\r\nName=default\r\nIsRelative=1\r\nPath=Profiles/a.default\r\nDefault=1\r\n\r\n[General]\r\nStartWithLastProfile=1\r\n";
        let mut nodes = vec![(format!("{root}/profiles.ini"), file(ini))];
        for (profile, json) in [
            ("Profiles/a.default", record("null")),
            ("b.work", record("\"/elsewhere/x.xpi\"")),
            ("Profiles/c.broken", file("{\"addons\": [{")),
        ] {
            nodes.push((format!("{root}/{profile}/extensions.json"), json));
            nodes.push((format!("{root}/{profile}/extensions/{ID}.xpi"), xpi("Kaspersky Protection")));
        }
        let (haul, _) = collect(&FirefoxExtensions, &host(family, &nodes, FakeRegistry::new()));
        let at = format!("{root} of {}", family.word());
        assert_eq!(haul.gaps(), [(GapReason::Malformed, true)], "{at}");
        assert_eq!(haul.gap_list().next().unwrap().count, 2, "{at}");
        let mut seen: Vec<_> = haul.traces().iter().map(|trace| (trace.scope.clone(), trace.state)).collect();
        seen.sort();
        let one =
            |n| [State::Present, State::Installed, State::Installed].map(|state| (Scope::User(n), state));
        assert_eq!(seen, [one(1), one(2)].concat(), "{at}");
        for trace in haul.traces() {
            assert_eq!(
                (trace.name.as_str(), trace.identifiers[0].value.as_str()),
                ("Kaspersky Protection", ID)
            );
            assert!(trace.path.as_ref().unwrap().file_name().ends_with(b".xpi"), "{at}");
            assert_eq!(trace.publisher.as_deref(), Some("K"), "{at}");
        }
    }
}

#[test]
fn profiles_elsewhere_and_records_without_their_package() {
    let profile = "[Profile0]\nIsRelative=0\nPath=/srv/profile\n";
    let haul = linux(&[
        (".mozilla/firefox/profiles.ini", file(profile)),
        ("/srv/profile/extensions.json", record("\"/opt/k/plugin\"")),
        ("/opt/k/plugin/manifest.json", file("{}")),
        (".waterfox/p/extensions.json", record("\"/nowhere/x.xpi\"")),
    ]);
    assert_eq!(haul.gaps(), []);
    let want = [(ID, "Kaspersky Protection", State::Installed), (ID, "Kaspersky Protection", State::Remnant)];
    assert_eq!(rows(&haul), want);
}

#[test]
fn packages_and_folders_that_no_record_knows() {
    let localized = zip(&[
        (
            "manifest.json",
            r#"{"name": "__MSG_n__", "version": "2", "default_locale": "de", "applications": {"gecko": {"id": "own@x"}}}"#,
        ),
        ("_locales/de/messages.json", r#"{"n": {"message": "Schutz"}}"#),
        ("_locales/en/messages.json", r#"{"N": {"message": "Guard"}}"#),
    ]);
    let old = zip(&[(
        "install.rdf",
        r#"<RDF xmlns:em="e"><Description em:id="urladvisor@kaspersky.com" em:name="URL Advisor"/></RDF>"#,
    )]);
    let at = |name: &str| format!(".mozilla/firefox/p/extensions/{name}");
    let haul = linux(&[
        (&at("{12}.xpi"), file(localized)),
        (&at("old@x.xpi"), file(old)),
        (&at("folder@x/manifest.json"), file(r#"{"name": "Folder", "version": "1"}"#)),
        (
            &at("rdf@x/install.rdf"),
            file("<RDF><Description><id>rdf@x</id><name>R</name></Description></RDF>"),
        ),
        (&at("hollow@x/readme"), file("")),
        (&at("staged/a@x.xpi"), xpi("Staged")),
        (&at("dev@x"), file("/srv/dev\n")),
        ("/srv/dev/manifest.json", file(r#"{"name": "Dev", "version": "1"}"#)),
        (&at("notes.txt"), file("x")),
    ]);
    let want = [
        ("dev@x", "Dev", State::Present),
        ("folder@x", "Folder", State::Present),
        ("hollow@x", "hollow@x", State::Remnant),
        ("old@x", "URL Advisor", State::Present),
        ("rdf@x", "R", State::Present),
        ("{12}", "Schutz", State::Present),
    ];
    assert_eq!((rows(&haul), haul.gaps()), (want.to_vec(), vec![]));
    let localized = haul.traces().iter().find(|trace| trace.name == "Schutz").unwrap();
    assert_eq!(localized.display_name.as_deref(), Some("Guard"));
    assert_eq!(localized.identifiers[1].value, "own@x");
}

#[test]
fn what_the_machine_has() {
    let app = "{ec8030f7-c20a-464f-9b0e-13a3a9e97384}";
    let haul = linux(&[
        (&format!("/usr/lib/mozilla/extensions/{app}/a@x.xpi"), xpi("A")),
        (
            &format!("/usr/share/mozilla/extensions/{app}/b@x/manifest.json"),
            file(r#"{"name": "B", "version": "1"}"#),
        ),
        ("/usr/lib/firefox-esr/distribution/extensions/c@x.xpi", xpi("C")),
        (
            "/usr/lib/firefox/distribution/policies.json",
            file(
                r#"{"policies": {"ExtensionSettings": {"d@x": {"installation_mode": "force_installed"}}, "Extensions": {"Install": ["https://x/y/e.xpi"]}}}"#,
            ),
        ),
        ("/etc/firefox/policies/policies.json", file("{")),
        (&format!(".mozilla/extensions/{app}/f@x.xpi"), xpi("F")),
    ]);
    let names: Vec<_> =
        haul.traces().iter().map(|trace| (trace.name.as_str(), trace.state, trace.scope.clone())).collect();
    let machine = Scope::Machine;
    let want = [
        ("A", State::Present, machine.clone()),
        ("B", State::Present, machine.clone()),
        ("C", State::Present, machine.clone()),
        ("d@x", State::Remnant, machine.clone()),
        ("e.xpi", State::Remnant, machine),
        ("F", State::Present, Scope::User(1)),
        ("F", State::Present, Scope::User(2)),
    ];
    assert_eq!((names, haul.gaps()), (want.to_vec(), vec![(GapReason::Malformed, true)]));
}

#[test]
fn what_programs_registered_on_windows() {
    let sz = RegistryValue::sz;
    let registry = FakeRegistry::new()
        .key(
            r"HKLM\SOFTWARE\WOW6432Node\Mozilla\Firefox\Extensions",
            &[
                (ID, sz(r"C:\Program Files (x86)\Kaspersky Lab\FFExt\light_plugin_firefox")),
                ("gone@x", sz(r"C:\None\x.xpi")),
            ],
        )
        .key(r"HKU\1\Software\Mozilla\Firefox\Extensions", &[("own@x", sz(r"%LocalAppData%\own.xpi"))])
        .key(
            r"HKLM\SOFTWARE\Policies\Mozilla\Firefox\ExtensionSettings\forced@x",
            &[("installation_mode", sz("force_installed"))],
        );
    let folder = "/C:/Program Files (x86)/Kaspersky Lab/FFExt/light_plugin_firefox/manifest.json".to_owned();
    let nodes = [
        (folder, file(r#"{"name": "Kaspersky Protection", "version": "1"}"#)),
        ("AppData/Local/own.xpi".to_owned(), xpi("Own")),
    ];
    let (haul, _) = collect(&FirefoxExtensions, &host(Family::Windows, &nodes, registry.clone()));
    let want = [
        (ID, "Kaspersky Protection", State::Present),
        ("gone@x", "gone@x", State::Remnant),
        ("forced@x", "forced@x", State::Remnant),
        ("own@x", "Own", State::Present),
    ];
    assert_eq!((rows(&haul), haul.gaps()), (want.to_vec(), vec![]));
    let denied = registry.deny(r"HKLM\SOFTWARE\Mozilla\Firefox\Extensions");
    let (haul, _) = collect(&FirefoxExtensions, &host(Family::Windows, &nodes, denied));
    assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
}

#[test]
fn what_cannot_be_read_is_a_gap_and_keeps_its_id() {
    let root = ".mozilla/firefox";
    let of = |path: &str, node: FakeNode| {
        let record = format!("{root}/p/extensions.json");
        let haul = linux(&[
            (&format!("{root}/p/extensions/{ID}.xpi"), xpi("x")),
            (&record, file("{\"addons\": []}")),
            (path, node),
        ]);
        (rows(&haul).first().map(|(_, _, state)| *state), haul.gaps())
    };
    let denied = vec![(GapReason::PermissionDenied, true)];
    let present = Some(State::Present);
    assert_eq!(of(root, FakeNode::Broken(Miss::Denied)), (None, denied.clone()));
    let closed = linux(&[(&format!("{root}/p"), FakeNode::Broken(Miss::Denied))]);
    assert_eq!((closed.traces().len(), closed.gaps()), (0, denied.clone()));
    assert_eq!(of(&format!("{root}/p/extensions"), FakeNode::Broken(Miss::Denied)), (None, denied.clone()));
    assert_eq!(
        of(&format!("{root}/p/extensions.json"), FakeNode::Unreadable(Miss::Denied)),
        (present, denied.clone())
    );
    assert_eq!(
        of(&format!("{root}/profiles.ini"), FakeNode::Unreadable(Miss::Denied)),
        (present, denied.clone())
    );
    let package = format!("{root}/p/extensions/{ID}.xpi");
    assert_eq!(of(&package, FakeNode::Unreadable(Miss::Denied)), (present, denied));
    let whole = zip(&[("manifest.json", r#"{"name": "x", "version": "1"}"#)]);
    for end in 0..whole.len() {
        assert_eq!(of(&package, file(&whole[..end])), (present, vec![(GapReason::Malformed, true)]), "{end}");
    }
    assert_eq!(of(&package, file(zip(&[("readme", "x")]))).1, [(GapReason::Malformed, true)]);
    assert_eq!(
        of(&format!("{root}/p/extensions.json"), file("{\"addons\": [{}]}")).1,
        [(GapReason::Malformed, true)]
    );
}
