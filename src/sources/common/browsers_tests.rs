//! Every browser on every system: two users, three profiles each, one of them damaged. Also what must not be taken for a
//! browser, and what hides one.

use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry};
use crate::model::{Scope, State};
use crate::parse::registry_value::RegistryValue;
use crate::sources::common::chromium_extensions::ChromiumExtensions;
use crate::sources::testing::collect;

/// Google's own id of its remote desktop, as any other.
const ID: &str = "inomeogfingihgjfjlpeplalcfajhgai";

const LINUX_LAYOUTS: &[&str] = &[
    ".config/google-chrome",
    ".config/google-chrome-beta",
    ".config/google-chrome-unstable",
    ".var/app/com.google.Chrome/config/google-chrome",
    ".config/chromium",
    "snap/chromium/common/chromium",
    ".var/app/org.chromium.Chromium/config/chromium",
    ".config/microsoft-edge",
    ".config/microsoft-edge-dev",
    ".var/app/com.microsoft.Edge/config/microsoft-edge",
    ".config/BraveSoftware/Brave-Browser",
    "snap/brave/current/.config/BraveSoftware/Brave-Browser",
    ".var/app/com.brave.Browser/config/BraveSoftware/Brave-Browser",
    ".config/vivaldi",
    ".config/opera",
    ".config/yandex-browser",
    ".config/some-fork",
];
const MACOS_LAYOUTS: &[&str] = &[
    "Library/Application Support/Google/Chrome",
    "Library/Application Support/Google/Chrome Canary",
    "Library/Application Support/Chromium",
    "Library/Application Support/Microsoft Edge",
    "Library/Application Support/BraveSoftware/Brave-Browser",
    "Library/Application Support/Vivaldi",
    "Library/Application Support/com.operasoftware.Opera",
    "Library/Application Support/com.operasoftware.OperaGX",
    "Library/Application Support/Arc/User Data",
    "Library/Application Support/Yandex/YandexBrowser",
];
const WINDOWS_LAYOUTS: &[&str] = &[
    "AppData/Local/Google/Chrome/User Data",
    "AppData/Local/Google/Chrome SxS/User Data",
    "AppData/Local/Chromium/User Data",
    "AppData/Local/Microsoft/Edge/User Data",
    "AppData/Local/BraveSoftware/Brave-Browser/User Data",
    "AppData/Local/Vivaldi/User Data",
    "AppData/Roaming/Opera Software/Opera Stable",
    "AppData/Roaming/Opera Software/Opera GX Stable",
    "AppData/Local/Yandex/YandexBrowser/User Data",
    "AppData/Local/Packages/TheBrowserCompany.Arc_ttt1ap7aakyb4/LocalCache/Local/Arc/User Data",
    "AppData/Local/360Chrome/Chrome/User Data",
    "AppData/Local/Tencent/QQBrowser/User Data",
    "AppData/Roaming/360se6/User Data",
];

fn file(text: impl AsRef<[u8]>) -> FakeNode {
    FakeNode::File(text.as_ref().to_vec())
}

/// A host of a family with two users and more nodes, whose paths begin in each home.
fn host(family: Family, own: &[(String, FakeNode)]) -> FakeHost {
    let homes = match family {
        Family::Linux => ["/home/alice", "/home/bob"],
        Family::Macos => ["/Users/alice", "/Users/bob"],
        Family::Windows => ["/C:/Users/alice", "/C:/Users/bob"],
    };
    let all: Vec<(String, FakeNode)> = homes
        .iter()
        .flat_map(|home| own.iter().map(move |(path, node)| (format!("{home}/{path}"), node.clone())))
        .collect();
    let nodes = all.iter().map(|(path, node)| (path.as_str(), node.clone()));
    match family {
        Family::Linux => FakeHost::new(nodes),
        Family::Macos => FakeHost::macos(nodes),
        Family::Windows => {
            let hives = homes.map(|home| (format!("{home}/NTUSER.DAT"), file("")));
            let hives: Vec<_> = hives.iter().map(|(path, node)| (path.as_str(), node.clone())).collect();
            let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-100";
            let path = |home: &str| {
                [("ProfileImagePath", RegistryValue::sz(&home.replace("/C:", "C:").replace('/', "\\")))]
            };
            let registry = FakeRegistry::new()
                .key(&format!("{list}1"), &path(homes[0]))
                .key(&format!("{list}2"), &path(homes[1]))
                .key(r"HKU\1\Software", &[])
                .key(r"HKU\2\Software", &[]);
            FakeHost::windows(nodes.chain(hives), registry)
        }
    }
}

/// Three profiles, the third of which has damaged preferences.
fn profiles(data: &str) -> Vec<(String, FakeNode)> {
    let sound = format!(
        r#"{{"extensions": {{"settings": {{"{ID}": {{"path": "{ID}/1.2_0", "state": 0, "location": 1, "manifest": {{}}}}}}}}}}"#
    );
    let mut nodes = vec![(format!("{data}/Local State"), file("{}"))];
    for (profile, preferences) in
        [("Default", &sound), ("Profile 1", &sound), ("Profile 2", &"{\"exten".to_owned())]
    {
        let manifest = r#"{"name": "Remote", "version": "1.2", "manifest_version": 3}"#;
        nodes.push((format!("{data}/{profile}/Preferences"), file(preferences)));
        nodes.push((format!("{data}/{profile}/Extensions/{ID}/1.2_0/manifest.json"), file(manifest)));
    }
    nodes
}

#[test]
fn every_browser_on_every_system_with_two_users_and_three_profiles_one_damaged() {
    let families =
        [(Family::Linux, LINUX_LAYOUTS), (Family::Macos, MACOS_LAYOUTS), (Family::Windows, WINDOWS_LAYOUTS)];
    for (family, data) in
        families.into_iter().flat_map(|(family, all)| all.iter().map(move |data| (family, data)))
    {
        let (haul, _) = collect(&ChromiumExtensions, &host(family, &profiles(data)));
        let at = format!("{data} of {}", family.word());
        assert_eq!(haul.gaps(), [(GapReason::Malformed, true)], "{at}");
        let damaged = haul.gap_list().next().unwrap();
        assert_eq!(damaged.count, 2, "{at}");
        assert!(damaged.places[0].text().replace('\\', "/").ends_with("/Profile 2/Preferences"), "{at}");
        let seen: Vec<_> = haul.traces().iter().map(|trace| (trace.scope.clone(), trace.state)).collect();
        let one =
            |n| [State::Installed, State::Installed, State::Present].map(|state| (Scope::User(n), state));
        assert_eq!(seen, [one(1), one(2)].concat(), "{at}");
        for trace in haul.traces() {
            assert_eq!((trace.name.as_str(), trace.identifiers[0].value.as_str()), ("Remote", ID), "{at}");
            assert!(trace.path.as_ref().unwrap().file_name() == b"1.2_0", "{at}");
        }
    }
}

#[test]
fn a_browser_that_is_its_own_profile() {
    let own = format!(r#"{{"extensions": {{"settings": {{"{ID}": {{"path": "{ID}/1_0"}}}}}}}}"#);
    for data in [".config/opera", ".config/opera/_side_profiles/1_2"] {
        let nodes = [
            (".config/opera/Local State".to_owned(), file("{}")),
            (format!("{data}/Preferences"), file(&own)),
            (format!("{data}/Extensions/{ID}/1_0/manifest.json"), file(r#"{"name": "x", "version": "1"}"#)),
        ];
        let (haul, _) = collect(&ChromiumExtensions, &host(Family::Linux, &nodes));
        assert_eq!((haul.traces().len(), haul.gaps()), (2, vec![]), "{data}");
    }
}

#[test]
fn what_has_no_shape_of_a_browser_is_none() {
    let nodes = [
        (".config/tool/Preferences".to_owned(), file("<xml>")),
        (".config/tool/Default/theme".to_owned(), file("x")),
        (".config/other".to_owned(), file("x")),
        (".config/linked".to_owned(), FakeNode::Link(b"/nowhere".to_vec())),
    ];
    let (haul, _) = collect(&ChromiumExtensions, &host(Family::Linux, &nodes));
    assert_eq!((haul.traces().len(), haul.gaps()), (0, vec![]));
}

#[test]
fn data_folders_without_local_state_and_behind_links() {
    let manifest = || file(r#"{"name": "x", "version": "1"}"#);
    let nodes = [
        (format!(".config/chromium/Profile 7/Extensions/{ID}/1_0/manifest.json"), manifest()),
        // Two names of one folder.
        (".config/google-chrome".to_owned(), FakeNode::Link(b"chromium".to_vec())),
    ];
    let (haul, _) = collect(&ChromiumExtensions, &host(Family::Linux, &nodes));
    assert_eq!((haul.traces().len(), haul.gaps()), (2, vec![]));
}

#[test]
fn what_cannot_be_listed_is_told_and_blocks_where_it_is_a_browsers() {
    let gaps = |path: &str| {
        let nodes = [
            (path.to_owned(), FakeNode::Broken(Miss::Denied)),
            (".config/chromium/Local State".to_owned(), file("{}")),
        ];
        collect(&ChromiumExtensions, &host(Family::Linux, &nodes)).0.gaps()
    };
    for path in [
        ".config/google-chrome",
        ".config/BraveSoftware/Brave-Browser",
        ".config/chromium/Default",
        "snap",
        ".var/app",
    ] {
        assert_eq!(gaps(path), [(GapReason::PermissionDenied, true)], "{path}");
    }
    assert_eq!(gaps(".config/dconf"), [(GapReason::PermissionDenied, false)]);
    let all = collect(
        &ChromiumExtensions,
        &host(Family::Linux, &[(".config".to_owned(), FakeNode::Broken(Miss::Denied))]),
    );
    assert_eq!(all.0.gaps(), [(GapReason::PermissionDenied, true)]);
}

#[test]
fn a_flood_of_folders_ends_in_a_gap() {
    let nodes: Vec<_> = (0..PROFILES + 10).map(|n| (format!(".config/chromium/{n}/x"), file(""))).collect();
    let nodes = [nodes, vec![(".config/chromium/Local State".to_owned(), file("{}"))]].concat();
    let host = FakeHost::new(
        nodes
            .iter()
            .map(|(path, node)| (path.as_str(), node.clone()))
            .map(|(path, node)| (Box::leak(format!("/home/alice/{path}").into_boxed_str()) as &str, node)),
    );
    let (haul, _) = collect(&ChromiumExtensions, &host);
    assert_eq!(haul.gaps(), [(GapReason::Budget, true)]);
}
