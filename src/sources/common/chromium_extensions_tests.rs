//! One profile in all its states, its languages, what is asked for by policies and programs, and every fault.

use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry, Miss};
use crate::model::{GapReason, HostPath, Means, Scope, ScopeAsk, Stamp, Trace};
use crate::parse::registry_value::RegistryValue;
use crate::sources::testing::{collect, collect_for};

const PROFILE: &str = "/home/ann/.config/chromium/Default";
const A: &str = "ahkjpbeeocnddjkakilopmfdlnjdpcdm";

fn file(text: impl AsRef<[u8]>) -> FakeNode {
    FakeNode::File(text.as_ref().to_vec())
}

fn host(nodes: &[(&str, FakeNode)]) -> FakeHost {
    let at = |path: &str| if path.starts_with('/') { path.to_owned() } else { format!("{PROFILE}/{path}") };
    let nodes: Vec<_> = nodes.iter().map(|(path, node)| (at(path), node.clone())).collect();
    FakeHost::new(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())))
}

fn read(nodes: &[(&str, FakeNode)]) -> Haul {
    let (haul, outcome) = collect(&ChromiumExtensions, &host(nodes));
    assert_eq!(outcome, Outcome::Read);
    haul
}

fn settings(text: &str) -> FakeNode {
    file(format!(r#"{{"extensions": {{"settings": {{{text}}}}}}}"#))
}

fn states(haul: &Haul) -> Vec<(&str, State)> {
    haul.traces().iter().map(|trace| (trace.identifiers[0].value.as_str(), trace.state)).collect()
}

fn manifest(name: &str) -> FakeNode {
    file(format!(r#"{{"name": "{name}", "version": "1.2", "author": "K", "default_locale": "ru"}}"#))
}

/// A profile with an extension in every state.
fn every_state() -> Haul {
    read(&[
        (
            "Secure Preferences",
            settings(
                r#""on": {"path": "on/1.10_0", "state": 1, "first_install_time": "13300000000000000", "last_update_time": "13300000001000000"},
                "off": {"path": "off/1_0", "state": 0, "disable_reasons": [1]}, "gone": {"path": "gone/1_0", "manifest": {"name": "G", "version": "3", "author": {"email": "e"}}},
                "dev": {"path": "/srv/dev", "location": 4}, "devgone": {"path": "/srv/none", "location": 4},
                "part": {"path": "/opt/google/chrome/resources/pdf", "location": 5, "manifest": {"name": "PDF"}},
                "shipped": {"path": "/opt/brave/part", "location": 10}, "tomb": {"path": "tomb/1_0", "state": 2}"#,
            ),
        ),
        (
            "Preferences",
            file(
                r#"{"extensions": {"settings": {"on": {"ack": true}, "bare": {}}, "install_signature": {"ids": ["on", "vouched"]}}}"#,
            ),
        ),
        ("Extensions/on/1.9_0/manifest.json", manifest("Old")),
        ("Extensions/on/1.10_0/manifest.json", manifest("On")),
        ("Extensions/off/1_0/manifest.json", manifest("Off")),
        ("Extensions/tomb/1_0/manifest.json", manifest("Tomb")),
        ("Extensions/extra/2_0/manifest.json", manifest("Extra")),
        ("Extensions/extra/10_0/manifest.json", manifest("Newest")),
        ("Extensions/empty", FakeNode::Folder),
        ("Extensions/hollow/1_0", FakeNode::Folder),
        ("Extensions/Temp/scoped/x", file("")),
        ("/srv/dev/manifest.json", manifest("Dev")),
        ("/opt/brave/part/manifest.json", manifest("Part")),
    ])
}

#[test]
fn installed_switched_off_left_over_unpacked_and_unknown() {
    let haul = every_state();
    assert_eq!(haul.gaps(), []);
    let want = [
        ("bare", State::Remnant),
        ("dev", State::Installed),
        ("devgone", State::Remnant),
        ("empty", State::Remnant),
        ("extra", State::Present),
        ("gone", State::Remnant),
        ("hollow", State::Remnant),
        ("off", State::Installed),
        ("on", State::Installed),
        ("shipped", State::Installed),
        ("tomb", State::Present),
        ("vouched", State::Remnant),
    ];
    assert_eq!(states(&haul), want);
    let one = |id: &str| haul.traces().iter().find(|trace| trace.identifiers[0].value == id).unwrap();
    let on = one("on");
    assert_eq!((on.name.as_str(), on.publisher.as_deref(), &on.scope), ("On", Some("K"), &Scope::User(1)));
    assert_eq!(on.path, Some(HostPath::from(PROFILE).join("Extensions/on/1.10_0")));
    assert_eq!(
        (on.recorded_at.value, on.recorded_at.means),
        (Stamp::from_unix(1_655_526_400), Means::Installed)
    );
    assert_eq!(on.last_update, Stamp::from_unix(1_655_526_401));
    assert_eq!(one("extra").name, "Newest", "10 is newer than 2");
    let gone = one("gone");
    assert_eq!(
        (gone.name.as_str(), gone.publisher.as_deref(), gone.version.as_ref().unwrap().raw.as_str()),
        ("G", Some("e"), "3")
    );
    assert_eq!(gone.place.record.as_deref(), Some("extension gone"));
    assert_eq!(one("hollow").version.as_ref().unwrap().raw, "1");
}

fn named(
    messages: &[(&str, &str)],
    state: &str,
    prefs: &str,
) -> (String, Option<String>, Vec<(GapReason, bool)>) {
    let mut nodes = vec![
        ("/home/ann/.config/chromium/Local State".to_owned(), file(state)),
        ("Secure Preferences".to_owned(), settings(prefs)),
        (
            format!("Extensions/{A}/1_0/manifest.json"),
            file(r#"{"name": "__MSG_AppName__", "version": "1", "default_locale": "en"}"#),
        ),
    ];
    for (locale, text) in messages {
        nodes.push((format!("Extensions/{A}/1_0/_locales/{locale}"), file(text)));
    }
    let nodes: Vec<_> = nodes.iter().map(|(path, node)| (path.as_str(), node.clone())).collect();
    let haul = read(&nodes);
    let [trace] = haul.traces() else { panic!("{:?}", haul.traces()) };
    (trace.name.clone(), trace.display_name.clone(), haul.gaps())
}

#[test]
fn names_in_the_language_of_the_browser_and_in_others() {
    let en = ("en/messages.json", r#"{"appname": {"message": "Protection"}}"#);
    let de = ("de/messages.json", "\u{feff}{\"APPNAME\": {\"message\": \"Schutz\"},} // x");
    let some = |text: &str| Some(text.to_owned());
    let german = r#"{"intl": {"app_locale": "de-AT"}}"#;
    assert_eq!(named(&[en, de], "{}", ""), ("Protection".into(), None, vec![]));
    assert_eq!(named(&[en, de], german, ""), ("Schutz".into(), some("Protection"), vec![]));
    let current =
        format!(r#""{A}": {{"path": "{A}/1_0", "manifest": {{"current_locale": "de", "name": "Schutz"}}}}"#);
    assert_eq!(named(&[en, de], "{}", &current), ("Schutz".into(), some("Protection"), vec![]));
    assert_eq!(named(&[en], german, ""), ("Protection".into(), None, vec![]));
    let other = ("en/message.json", r#"{"AppName": {"message": "Docs"}}"#);
    assert_eq!(named(&[other], "{}", ""), ("Docs".into(), None, vec![]));
    // Without a text the browser does not load it; its id is known all the same.
    assert_eq!(named(&[], "{}", ""), (A.into(), None, vec![(GapReason::Missing, false)]));
    let copied = format!(r#""{A}": {{"path": "{A}/1_0", "manifest": {{"name": "Copy"}}}}"#);
    assert_eq!(named(&[], "{}", &copied).0, "Copy");
    let broken = named(&[("en/messages.json", "{\"a")], "{}", "");
    assert_eq!(broken, (A.into(), None, vec![(GapReason::Missing, false), (GapReason::Malformed, true)]));
    assert_eq!(named(&[en], "{\"int", "").2, [(GapReason::Malformed, false)], "the language hides nothing");
}

#[test]
fn a_locale_leads_nowhere_else() {
    let haul = read(&[
        (
            &format!("Extensions/{A}/1_0/manifest.json"),
            file(r#"{"name": "__MSG_a__", "version": "1", "default_locale": "../../../../x"}"#),
        ),
        ("x/messages.json", file(r#"{"a": {"message": "stolen"}}"#)),
    ]);
    assert_eq!(haul.traces()[0].name, A);
}

#[test]
fn what_cannot_be_read_is_a_gap_and_keeps_its_id() {
    let known = settings(&format!(r#""{A}": {{"path": "{A}/1_0"}}"#));
    let of = |path: &str, node: FakeNode| {
        let nodes = [
            ("Secure Preferences", known.clone()),
            (&format!("Extensions/{A}/1_0/manifest.json"), manifest("x")),
            (path, node),
        ];
        let haul = read(&nodes);
        (haul.traces().first().map(|trace| trace.state), haul.gaps())
    };
    let (denied, malformed) = (vec![(GapReason::PermissionDenied, true)], vec![(GapReason::Malformed, true)]);
    let broken = || FakeNode::Broken(Miss::Denied);
    let unreadable = || FakeNode::Unreadable(Miss::Denied);
    assert_eq!(of("Secure Preferences", unreadable()), (Some(State::Present), denied.clone()));
    assert_eq!(of("Preferences", unreadable()), (Some(State::Installed), denied.clone()));
    assert_eq!(of("Extensions", broken()), (Some(State::Remnant), denied.clone()));
    assert_eq!(of(&format!("Extensions/{A}"), broken()), (Some(State::Installed), denied.clone()));
    assert_eq!(
        of(&format!("Extensions/{A}/1_0/manifest.json"), unreadable()),
        (Some(State::Installed), denied)
    );
    for noise in ["", "{", "[]", "{}", "\u{0}"] {
        assert_eq!(
            of(&format!("Extensions/{A}/1_0/manifest.json"), file(noise)),
            (Some(State::Installed), malformed.clone())
        );
    }
    for noise in ["", "{", "[]", "\u{0}"] {
        assert_eq!(
            of("Secure Preferences", file(noise)),
            (Some(State::Present), malformed.clone()),
            "{noise}"
        );
    }
    let long = vec![b' '; 9 << 20];
    assert_eq!(of(&format!("Extensions/{A}/1_0/manifest.json"), file(long)).1, [(GapReason::TooLarge, true)]);
    assert_eq!(of("Preferences", file(vec![b' '; (64 << 20) + 1])).1, [(GapReason::TooLarge, true)]);
}

fn asked_for(haul: &Haul) -> Vec<(&str, State, Scope)> {
    haul.traces()
        .iter()
        .map(|trace: &Trace| (trace.name.as_str(), trace.state, trace.scope.clone()))
        .collect()
}

#[test]
fn policies_and_offers_on_linux_ask_and_do_not_have() {
    let haul = read(&[
        (
            "/etc/opt/chrome/policies/managed/a.json",
            file(r#"{"ExtensionInstallForcelist": ["forced;https://x"]}"#),
        ),
        (
            "/etc/opt/edge/policies/recommended/b.json",
            file(r#"{"ExtensionSettings": {"normal": {"installation_mode": "normal_installed"}}}"#),
        ),
        ("/etc/brave/policies/managed/broken.json", file("{")),
        ("/etc/brave/policies/managed/readme.txt", file("x")),
        (
            "/opt/google/chrome/extensions/offered.json",
            file(r#"{"external_crx": "/opt/k/a.crx", "external_version": "1.0"}"#),
        ),
        ("/opt/google/chrome/extensions/missing.json", file(r#"{"external_crx": "/opt/k/none.crx"}"#)),
        ("/usr/share/chromium/extensions/fetched.json", file(r#"{"external_update_url": "https://x"}"#)),
        ("/home/ann/.config/chromium/External Extensions/own.json", file("{}")),
        ("/opt/k/a.crx", file("Cr24")),
    ]);
    let machine = Scope::Machine;
    let want = [
        ("forced", State::Remnant, machine.clone()),
        ("normal", State::Remnant, machine.clone()),
        ("missing", State::Remnant, machine.clone()),
        ("offered", State::Present, machine.clone()),
        ("fetched", State::Remnant, machine),
        ("own", State::Remnant, Scope::User(1)),
    ];
    assert_eq!((asked_for(&haul), haul.gaps()), (want.to_vec(), vec![(GapReason::Malformed, true)]));
}

#[test]
fn policies_and_offers_on_macos() {
    let list = r#"<?xml version="1.0"?><plist version="1.0"><dict><key>ExtensionInstallForcelist</key><array><string>forced;u</string></array>
        <key>ExtensionSettings</key><dict><key>set</key><dict><key>installation_mode</key><string>force_installed</string></dict>
        <key>no</key><dict><key>installation_mode</key><string>blocked</string></dict></dict></dict></plist>"#;
    let host = FakeHost::macos([
        ("/Users/ann/x", file("")),
        ("/Library/Managed Preferences/com.google.Chrome.plist", file(list)),
        ("/Library/Managed Preferences/ann/com.microsoft.Edge.plist", file(list)),
        ("/Library/Managed Preferences/com.brave.Browser.plist", file("<plist>")),
        ("/Library/Application Support/Google/Chrome/External Extensions/offered.json", file("{}")),
    ]);
    let (haul, _) = collect(&ChromiumExtensions, &host);
    let names: Vec<_> =
        haul.traces().iter().map(|trace| (trace.name.as_str(), trace.scope.clone())).collect();
    let (machine, ann) = (Scope::Machine, Scope::User(1));
    let want = [
        ("offered", machine.clone()),
        ("forced", machine.clone()),
        ("set", machine),
        ("forced", ann.clone()),
        ("set", ann),
    ];
    assert_eq!((names, haul.gaps()), (want.to_vec(), vec![(GapReason::Malformed, true)]));
}

#[test]
fn policies_and_offers_on_windows() {
    let sz = RegistryValue::sz;
    let chrome = r"HKLM\SOFTWARE\Policies\Google\Chrome";
    let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
    let registry = FakeRegistry::new()
        .key(list, &[("ProfileImagePath", sz(r"C:\Users\ann"))])
        .key(&format!(r"{chrome}\ExtensionInstallForcelist"), &[("1", sz("forced;https://x"))])
        .key(&format!(r"{chrome}\ExtensionSettings\subkey"), &[("installation_mode", sz("force_installed"))])
        .key(
            r"HKLM\SOFTWARE\Policies\Microsoft\Edge",
            &[("ExtensionSettings", sz(r#"{"text": {"installation_mode": "force_installed"}}"#))],
        )
        .key(
            r"HKLM\SOFTWARE\WOW6432Node\Google\Chrome\Extensions\offered",
            &[("path", sz(r"C:\K\a.crx")), ("version", sz("1"))],
        )
        .key(r"HKU\1\Software\Microsoft\Edge\Extensions\own", &[("update_url", sz("https://x"))]);
    let nodes = [("/C:/Users/ann/NTUSER.DAT", file("")), ("/C:/K/a.crx", file("Cr24"))];
    let (haul, _) = collect(&ChromiumExtensions, &FakeHost::windows(nodes.clone(), registry.clone()));
    let machine = Scope::Machine;
    let want = [
        ("forced", State::Remnant, machine.clone()),
        ("subkey", State::Remnant, machine.clone()),
        ("text", State::Remnant, machine.clone()),
        ("offered", State::Present, machine),
        ("own", State::Remnant, Scope::User(1)),
    ];
    assert_eq!((asked_for(&haul), haul.gaps()), (want.to_vec(), vec![]));
    let broken = registry
        .clone()
        .key(chrome, &[("ExtensionSettings", sz("{"))])
        .deny(r"HKLM\SOFTWARE\Google\Chrome\Extensions");
    let (haul, _) = collect(&ChromiumExtensions, &FakeHost::windows(nodes.clone(), broken));
    assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true), (GapReason::Malformed, true)]);
    let without = registry.without(crate::host::Hive::Software);
    let (haul, _) = collect(&ChromiumExtensions, &FakeHost::windows(nodes, without));
    assert_eq!(haul.gaps(), [(GapReason::Missing, true)]);
}

#[test]
fn the_scope_that_is_asked_for() {
    let nodes = [
        ("/etc/chromium/policies/managed/a.json", file(r#"{"ExtensionInstallForcelist": ["forced"]}"#)),
        (&format!("Extensions/{A}/1_0/manifest.json"), manifest("x")),
    ];
    let of = |scope| {
        let want = Wanted { scope, ..Wanted::default() };
        let (haul, _) = collect_for(&ChromiumExtensions, &host(&nodes), &want);
        haul.traces().iter().map(|trace| trace.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (vec!["forced".to_owned()], vec!["x".to_owned()]));
}
