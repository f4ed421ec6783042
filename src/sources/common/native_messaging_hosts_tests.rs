//! Hosts of every browser on every system, what is left of others, and every fault.

use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry, Hive};
use crate::model::ScopeAsk;
use crate::parse::registry_value::RegistryValue;
use crate::sources::testing::{collect, collect_for};

const NAME: &str = "com.kaspersky.kav.fc580de9124e479b8be54721f5fb2f59.host";

fn file(text: impl AsRef<[u8]>) -> FakeNode {
    FakeNode::File(text.as_ref().to_vec())
}

fn manifest(program: &str) -> FakeNode {
    file(format!(r#"{{"name": "{NAME}", "path": "{program}", "type": "stdio", "allowed_origins": []}}"#))
}

fn state(haul: &Haul) -> Vec<(State, Scope)> {
    haul.traces().iter().map(|trace| (trace.state, trace.scope.clone())).collect()
}

#[test]
fn every_folder_of_linux_and_macos() {
    let own: &[&str] = &[
        ".config/google-chrome/NativeMessagingHosts",
        ".config/BraveSoftware/Brave-Browser/NativeMessagingHosts",
        ".config/microsoft-edge/NativeMessagingHosts",
        "snap/chromium/common/chromium/NativeMessagingHosts",
    ];
    let all = LINUX.iter().map(|folder| ((*folder).to_owned(), false));
    let all = all.chain(OWN_LINUX.iter().chain(own).map(|folder| (format!("/home/ann/{folder}"), false)));
    let own: &[&str] = &[
        "Library/Application Support/Google/Chrome/NativeMessagingHosts",
        "Library/Application Support/Arc/User Data/NativeMessagingHosts",
        "Library/Application Support/Microsoft Edge/NativeMessagingHosts",
    ];
    let all = all.chain(MACOS.iter().map(|folder| ((*folder).to_owned(), true)));
    let all = all.chain(OWN_MACOS.iter().chain(own).map(|folder| (format!("/Users/ann/{folder}"), true)));
    for (folder, macos) in all {
        let path = format!("{folder}/{NAME}.json");
        let nodes = [
            (path.as_str(), manifest("/opt/k/host")),
            ("/opt/k/host", FakeNode::Program(vec![])),
            ("/home/ann/x", file("")),
            ("/Users/ann/x", file("")),
        ];
        let host = if macos { FakeHost::macos(nodes) } else { FakeHost::new(nodes) };
        let (haul, _) = collect(&NativeMessagingHosts, &host);
        let [trace] = haul.traces() else { panic!("{folder}: {:?}", haul.traces()) };
        assert_eq!(
            (trace.name.as_str(), trace.state, haul.gaps()),
            (NAME, State::Installed, vec![]),
            "{folder}"
        );
        assert_eq!(trace.identifiers, [Identifier::new(IdentifierType::NativeMessagingHost, NAME)]);
        assert_eq!(trace.path, Some(path.as_str().into()));
        assert_eq!(trace.image, Some(Image { path: "/opt/k/host".into(), exists: Some(true) }));
        let scope = if folder.contains("/ann/") { Scope::User(1) } else { Scope::Machine };
        assert_eq!(trace.scope, scope, "{folder}");
    }
}

fn windows(registry: FakeRegistry, nodes: &[(&str, FakeNode)]) -> Haul {
    let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
    let registry = registry
        .key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\ann"))])
        .key(r"HKU\1\Software", &[]);
    let fixed = [("/C:/Users/ann/NTUSER.DAT", file(""))];
    collect(
        &NativeMessagingHosts,
        &FakeHost::windows(fixed.into_iter().chain(nodes.iter().cloned()), registry),
    )
    .0
}

#[test]
fn every_key_of_windows() {
    let nodes =
        [("/C:/K/host.json", manifest("bin\\\\host.exe")), ("/C:/K/bin/host.exe", FakeNode::Program(vec![]))];
    for (view, key) in VIEWS.iter().flat_map(|view| keys().map(move |key| (view, key))) {
        for (hive, scope) in [(r"HKLM\SOFTWARE", Scope::Machine), (r"HKU\1\Software", Scope::User(1))] {
            let name = format!(r"{hive}\{view}{key}\NativeMessagingHosts\{NAME}");
            let registry = FakeRegistry::new().key(&name, &[("", RegistryValue::sz(r"C:\K\host.json"))]);
            let haul = windows(registry, &nodes);
            assert_eq!((state(&haul), haul.gaps()), (vec![(State::Installed, scope)], vec![]), "{name}");
            let trace = &haul.traces()[0];
            assert_eq!(
                trace.image.as_ref().unwrap().path,
                "/C:/K/bin/host.exe".into(),
                "relative to the file"
            );
            assert_eq!(
                (trace.path.clone(), trace.place.path.text().into_owned()),
                (Some("/C:/K/host.json".into()), name)
            );
        }
    }
}

#[test]
fn what_is_left_over_is_a_remnant() {
    let key = format!(r"HKLM\SOFTWARE\Mozilla\NativeMessagingHosts\{NAME}");
    let of = |value: &str, nodes: &[(&str, FakeNode)]| {
        let haul = windows(FakeRegistry::new().key(&key, &[("", RegistryValue::sz(value))]), nodes);
        (haul.traces()[0].state, haul.gaps())
    };
    assert_eq!(of(r"C:\K\host.json", &[]), (State::Remnant, vec![]));
    assert_eq!(of("", &[]), (State::Remnant, vec![]));
    assert_eq!(of(r"C:\K\host.json", &[("/C:/K/host.json", manifest("none.exe"))]), (State::Remnant, vec![]));
    assert_eq!(
        of(r#""C:\K\host.json""#, &[("/C:/K/host.json", file("{"))]),
        (State::Installed, vec![(GapReason::Malformed, true)])
    );
    let denied = FakeNode::Unreadable(Miss::Denied);
    assert_eq!(
        of(r"C:\K\host.json", &[("/C:/K/host.json", denied)]),
        (State::Installed, vec![(GapReason::PermissionDenied, true)])
    );
    assert_eq!(of(r"D:\K\host.json", &[]), (State::Installed, vec![(GapReason::NotMounted, true)]));
    let haul = windows(FakeRegistry::new().without(Hive::Software), &[]);
    assert_eq!(haul.gaps(), [(GapReason::Missing, true)]);
}

#[test]
fn what_cannot_be_read_is_a_gap_and_keeps_its_name() {
    let folder = "/etc/opt/chrome/native-messaging-hosts";
    let of = |path: &str, node: FakeNode| {
        let nodes = [(path, node), ("/home/ann/x", file("")), ("/opt/k/x", file(""))];
        let (haul, _) = collect(&NativeMessagingHosts, &FakeHost::new(nodes));
        (haul.traces().first().map(|trace| (trace.name.clone(), trace.state)), haul.gaps())
    };
    let denied = vec![(GapReason::PermissionDenied, true)];
    let path = format!("{folder}/{NAME}.json");
    let kept = Some((NAME.to_owned(), State::Installed));
    assert_eq!(of(folder, FakeNode::Broken(Miss::Denied)), (None, denied.clone()));
    assert_eq!(of("/home/ann/.config/google-chrome", FakeNode::Broken(Miss::Denied)), (None, denied.clone()));
    assert_eq!(of(&path, FakeNode::Unreadable(Miss::Denied)), (kept.clone(), denied));
    for noise in ["", "{", "[]", "{}", "\u{0}\u{1}"] {
        assert_eq!(of(&path, file(noise)), (kept.clone(), vec![(GapReason::Malformed, true)]));
    }
    assert_eq!(of(&path, file(vec![b' '; 2 << 20])), (kept.clone(), vec![(GapReason::TooLarge, true)]));
    assert_eq!(of(&path, manifest("/opt/none")), (Some((NAME.to_owned(), State::Remnant)), vec![]));
    assert_eq!(of(&path, file(r#"{"name": "n"}"#)), (kept, vec![]));
    assert_eq!(of(&format!("{folder}/readme.txt"), file("x")), (None, vec![]));
}

#[test]
fn the_scope_that_is_asked_for() {
    let nodes = [
        ("/etc/opt/chrome/native-messaging-hosts/a.json", manifest("/x")),
        ("/home/ann/.mozilla/native-messaging-hosts/b.json", manifest("/x")),
    ];
    let of = |scope| {
        let want = Wanted { scope, ..Wanted::default() };
        state(&collect_for(&NativeMessagingHosts, &FakeHost::new(nodes.clone()), &want).0)
    };
    assert_eq!(of(ScopeAsk::System), [(State::Remnant, Scope::Machine)]);
    assert_eq!(of(ScopeAsk::User), [(State::Remnant, Scope::User(1))]);
}
