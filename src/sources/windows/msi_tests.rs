//! Products of Windows Installer in every place, and what hides them.

use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry, Miss};
use crate::model::ScopeAsk;
use crate::parse::corpora_tests::{corpora, tree};
use crate::parse::registry_value::RegistryValue;
use crate::sources::testing::{collect, collect_for};

const CODE: &str = "{C9EF800D-54AA-4F60-AB96-5A3966550F53}";
const LINE: &str = "{A5D36CF1-1993-4F63-BFB4-3ACD910D36A1}";
const SOFTWARE: &str = r"HKLM\SOFTWARE";

fn packed(code: &str) -> String {
    Guid::parse(code).unwrap().packed()
}

fn user_data(sid: &str, code: &str) -> String {
    format!(r"{SOFTWARE}\{USER_DATA}\{sid}\Products\{}", packed(code))
}

fn properties_of(registry: FakeRegistry, sid: &str, name: &str) -> FakeRegistry {
    let values = [
        ("DisplayName", RegistryValue::sz(name)),
        ("Publisher", RegistryValue::sz("AO Kaspersky Lab")),
        ("DisplayVersion", RegistryValue::sz("21.3.10.391")),
        ("InstallDate", RegistryValue::sz("20240720")),
    ];
    registry.key(&format!(r"{}\InstallProperties", user_data(sid, CODE)), &values)
}

fn host_of(registry: FakeRegistry, package: FakeNode) -> FakeHost {
    let list = format!(r"{SOFTWARE}\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1");
    let registry = registry
        .key(&list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))])
        .key(r"HKU\1\Software", &[]);
    let hive = ("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new()));
    FakeHost::windows([hive, ("/C:/Windows/Installer/1a2b.msi", package)], registry)
}

fn host(registry: FakeRegistry) -> FakeHost {
    host_of(registry, FakeNode::File(b"no database".to_vec()))
}

fn ids(trace: &Trace, kind: IdentifierType) -> Vec<&str> {
    let of_kind = trace.identifiers.iter().filter(|one| one.kind == kind);
    of_kind.map(|one| one.value.as_str()).collect()
}

#[test]
fn a_product_known_below_user_data_only_is_installed() {
    let registry = properties_of(FakeRegistry::new(), "S-1-5-18", "Kaspersky Endpoint Security");
    let (haul, outcome) = collect(&Msi, &host(registry));
    assert_eq!((outcome, haul.gaps(), haul.traces().len()), (Outcome::Read, vec![], 1));
    let trace = &haul.traces()[0];
    assert_eq!((trace.name.as_str(), trace.state), ("Kaspersky Endpoint Security", State::Installed));
    assert_eq!(trace.publisher.as_deref(), Some("AO Kaspersky Lab"));
    assert_eq!(trace.version, Some(Version::new("21.3.10.391", Scheme::Dotted)));
    assert_eq!(ids(trace, IdentifierType::ProductCode), [CODE]);
    assert_eq!(trace.recorded_at.means, Means::LastServiced);
    let place = format!(r"{}\InstallProperties", user_data("S-1-5-18", CODE));
    assert_eq!(trace.place.path, place.as_str().into());
}

#[test]
fn every_place_is_read_and_the_product_is_one() {
    let line = |head: &str| format!(r"{head}\{}", packed(LINE));
    let member = |code: &str| [(packed(code), RegistryValue::sz(""))];
    let values = member(CODE);
    let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let registry = properties_of(FakeRegistry::new(), "S-1-5-18", "KES")
        .key(
            &format!(r"{SOFTWARE}\{REGISTERED}\{}", packed(CODE)),
            &[("ProductName", RegistryValue::sz("KES")), ("Version", RegistryValue::dword(0x1503_000A))],
        )
        .key(&line(&format!(r"{SOFTWARE}\{}", LINES[0])), &values)
        .key(&line(&format!(r"{SOFTWARE}\{}", LINES[1])), &values)
        .key(
            &format!(r"HKU\1\{REGISTERED_OF_USER}\{}", packed(LINE)),
            &[("ProductName", RegistryValue::sz("Own")), ("Version", RegistryValue::dword(0x0102_0003))],
        );
    let (haul, _) = collect(&Msi, &host(registry.clone()));
    let seen: Vec<_> = haul
        .traces()
        .iter()
        .map(|trace| {
            let version = trace.version.as_ref().unwrap().raw.as_str();
            (trace.name.as_str(), version, trace.scope.to_string(), ids(trace, IdentifierType::UpgradeCode))
        })
        .collect();
    let kes = ("KES", "21.3.10.391", "machine".to_owned(), vec![LINE]);
    assert_eq!(seen, [kes.clone(), kes, ("Own", "1.2.3", "user:1".to_owned(), vec![])]);
    let count = |scope| {
        let want = Wanted { scope, ..Wanted::default() };
        collect_for(&Msi, &host(registry.clone()), &want).0.traces().len()
    };
    assert_eq!((count(ScopeAsk::System), count(ScopeAsk::User)), (2, 1));
}

#[test]
fn products_belong_to_the_account_that_has_them() {
    let scope = |sid: &str| {
        let (haul, _) = collect(&Msi, &host(properties_of(FakeRegistry::new(), sid, "x")));
        let trace = &haul.traces()[0];
        assert!(trace.place.path.text().contains(sid));
        trace.scope.to_string()
    };
    assert_eq!(scope("S-1-5-18"), "machine");
    assert_eq!(scope("S-1-5-21-1"), "user:1");
    assert_eq!(scope("S-1-5-21-gone"), "machine");
}

#[test]
fn a_key_without_properties_is_a_remnant_and_a_registration_is_not() {
    let bare = FakeRegistry::new().key(&user_data("S-1-5-18", CODE), &[]);
    let (haul, _) = collect(&Msi, &host(bare.clone()));
    assert_eq!((haul.traces()[0].name.as_str(), haul.traces()[0].state), (CODE, State::Remnant));
    let registered = bare.key(&format!(r"{SOFTWARE}\{REGISTERED}\{}", packed(CODE)), &[]);
    let (haul, _) = collect(&Msi, &host(registered));
    assert!(haul.traces().iter().all(|trace| trace.state == State::Installed));
}

/// The product without name or publisher, and its package.
fn bare(code: &str, package: FakeNode) -> FakeHost {
    let values = [("LocalPackage", RegistryValue::sz(r"C:\WINDOWS\Installer\1a2b.msi"))];
    let key = format!(r"{}\InstallProperties", user_data("S-1-5-18", code));
    host_of(FakeRegistry::new().key(&key, &values), package)
}

#[test]
fn a_package_says_what_the_registry_does_not() {
    let Some(dir) = corpora("msi") else { return };
    let bytes =
        tree(&dir).into_iter().find(|(name, _)| name.ends_with("winget__AppInstallerTestMsiInstaller.msi"));
    let (_, bytes) = bytes.unwrap();
    let read = Cached::of(&properties(&bytes.as_slice(), MAX_PACKAGE).unwrap().records);
    let code = read.product_code.unwrap().to_string();
    let own = || FakeNode::File(bytes.clone());
    let (haul, _) = collect(&Msi, &bare(&code, own()));
    let trace = &haul.traces()[0];
    assert_eq!((Some(&trace.name), &trace.publisher), (read.name.as_ref(), &read.manufacturer));
    assert_eq!(trace.version.as_ref().map(|version| &version.raw), read.version.as_ref());
    assert_eq!(ids(trace, IdentifierType::UpgradeCode), [read.upgrade_code.unwrap().to_string()]);
    let quick = Wanted { depth: Depth::Quick, ..Wanted::default() };
    assert_eq!(collect_for(&Msi, &bare(&code, own()), &quick).0.traces()[0].name, code);
    let (haul, _) = collect(&Msi, &bare(CODE, own()));
    assert_eq!(haul.traces()[0].name, CODE, "another product's package");
    assert_eq!(haul.gaps(), [(GapReason::Inconsistent, false)]);
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let gaps = |registry: FakeRegistry| collect(&Msi, &host(registry)).0.gaps();
    let sound = || properties_of(FakeRegistry::new(), "S-1-5-18", "x");
    assert_eq!(gaps(sound().without(Hive::User(1))), [(GapReason::Missing, true)]);
    let denied = [(GapReason::PermissionDenied, true)];
    assert_eq!(gaps(sound().deny(&user_data("S-1-5-18", LINE))), denied);
    assert_eq!(gaps(sound().deny(&format!(r"{SOFTWARE}\{REGISTERED}"))), denied);
    let package = |node| collect(&Msi, &bare(CODE, node)).0.gaps();
    assert_eq!(package(FakeNode::Unreadable(Miss::Denied)), [(GapReason::PermissionDenied, false)]);
    assert_eq!(package(FakeNode::File(vec![7; 99])), [(GapReason::Malformed, false)]);
}

#[test]
fn odd_values_hide_no_product() {
    let key = format!(r"{SOFTWARE}\{USER_DATA}\S-1-5-18\Products\not packed\InstallProperties");
    let registry = FakeRegistry::new()
        .key(&key, &[("DisplayName", RegistryValue::sz("Kaspersky")), ("Publisher", RegistryValue::dword(3))])
        .key(
            &format!(r"{SOFTWARE}\{REGISTERED}\{}", packed(CODE)),
            &[
                ("ProductName", RegistryValue::binary([0xFF; 5])),
                ("Version", RegistryValue::sz("99999999999")),
            ],
        )
        .key(&format!(r"{SOFTWARE}\{}\no code", LINES[0]), &[("x", RegistryValue::sz(""))]);
    let (haul, _) = collect(&Msi, &host(registry));
    let mut seen: Vec<_> = haul.traces().iter().map(|trace| trace.name.as_str()).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["Kaspersky", CODE]);
}
