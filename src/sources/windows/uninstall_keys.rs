//! What is registered for removal: the `Uninstall` keys of the machine, for programs of 64 and of 32 bits, and of every
//! user, logged on or not.
//!
//! An entry without a name, without a version, or marked `SystemComponent` is hidden from Windows' own list and is as
//! installed as any other. <https://learn.microsoft.com/windows/win32/msi/uninstall-registry-key>

use crate::host::{Hive, Host, Key};
use crate::model::{
    Family, Field, Identifier, IdentifierType, ItemKind, Means, Need, Place, Recorded, Scheme, Scope,
    ScopeKind, Stamp, State, Trace, Version, Wanted,
};
use crate::parse::filetime;
use crate::sources::{About, Haul, Outcome, Source};

use super::keys::VIEWS;

/// The source `uninstall-keys`.
pub struct UninstallKeys;

const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";

static ABOUT: About = About {
    name: "uninstall-keys",
    summary: "programs registered for removal, of the machine (64 and 32 bits) and of every user, logged on or not",
    families: &[Family::Windows],
    needs: &[Need::Registry],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Package, &[State::Installed])],
    fields: &[Field::Name, Field::Publisher, Field::Version, Field::Identifier],
    install_record: true,
    ..About::USUAL
};

impl Source for UninstallKeys {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        if want.scope.includes(ScopeKind::Machine) {
            machine(host, haul);
        }
        let paths: Vec<String> = VIEWS.iter().map(|view| format!(r"Software\{view}{UNINSTALL}")).collect();
        haul.of_users(host, want, &paths, &mut |user, path, key, haul| {
            let view = if path == paths.first().map_or("", String::as_str) { "" } else { "x86" };
            entries(key, &Scope::User(user.n), view, haul);
        });
        Outcome::Read
    }
}

/// Every Windows registers something. The part for programs of 32 bits is missing on a system of 32 bits.
fn machine(host: &dyn Host, haul: &mut Haul) {
    for view in VIEWS {
        let path = format!("{view}{UNINSTALL}");
        let key = match *view {
            "" => haul.expected_key(host, Hive::Software, &path),
            _ => haul.key(host, Hive::Software, &path),
        };
        if let Some(key) = key {
            entries(key.as_ref(), &Scope::Machine, view, haul);
        }
    }
}

fn entries(uninstall: &dyn Key, scope: &Scope, view: &str, haul: &mut Haul) {
    haul.each_key(uninstall, &mut |key, haul| {
        let mut trace = entry(key, haul);
        trace.scope = scope.clone();
        trace.arch = (!view.is_empty()).then(|| "x86".to_owned());
        haul.push(trace);
    });
}

fn entry(key: &dyn Key, haul: &mut Haul) -> Trace {
    let name = haul.text(key, "DisplayName").unwrap_or_else(|| key.name().to_owned());
    let mut trace = Trace::new(ItemKind::Package, name, State::Installed, Place::file(key.place()));
    trace.version = haul.text(key, "DisplayVersion").map(|version| Version::new(version, Scheme::Dotted));
    trace.publisher = haul.text(key, "Publisher");
    trace.identifiers.push(Identifier::new(IdentifierType::UninstallKey, key.name()));
    // The key of a package of Windows Installer is its product code; others use such names for their own ends.
    if haul.number(key, "WindowsInstaller") == Some(1) {
        trace.identifiers.push(Identifier::new(IdentifierType::ProductCode, key.name()));
    }
    let date = haul
        .text(key, "InstallDate")
        .and_then(|date| filetime::install_date(&date))
        .and_then(Stamp::from_unix);
    trace.recorded_at = match date {
        // Windows Installer writes the day of the last repair or update here, and other installers do alike.
        Some(date) => Recorded { value: Some(date), means: Means::LastServiced },
        None => Recorded { value: key.last_write(), means: Means::FileTime },
    };
    trace
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry};
    use crate::model::{GapReason, ScopeAsk};
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::{collect, collect_for};

    const MACHINE: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
    const MACHINE_32: &str = r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall";
    const CODE: &str = "{C9EF800D-54AA-4F60-AB96-5A3966550F53}";

    fn host(registry: FakeRegistry) -> FakeHost {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
        let registry = registry.key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))]);
        FakeHost::windows([("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new()))], registry)
    }

    fn four() -> FakeRegistry {
        let named = |name: &str| {
            vec![
                ("DisplayName", RegistryValue::sz(name)),
                ("Publisher", RegistryValue::sz("AO Kaspersky Lab")),
            ]
        };
        FakeRegistry::new()
            .key(
                &format!(r"{MACHINE}\{CODE}"),
                &[
                    ("DisplayName", RegistryValue::sz(" Kaspersky Endpoint Security for Windows ")),
                    ("DisplayVersion", RegistryValue::sz("21.3.10.391")),
                    ("WindowsInstaller", RegistryValue::dword(1)),
                    ("InstallDate", RegistryValue::sz("20240720")),
                    ("SystemComponent", RegistryValue::dword(1)),
                ],
            )
            .key(&format!(r"{MACHINE_32}\Kaspersky VPN"), &named("Kaspersky VPN"))
            .key(&format!(r"{MACHINE}\nameless"), &[])
            .key(r"HKU\1\Software\Microsoft\Windows\CurrentVersion\Uninstall\own", &named("Own"))
            .key(
                r"HKU\1\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\own32",
                &named("Own 32"),
            )
    }

    #[test]
    fn all_four_places_are_read_and_nothing_is_left_out() {
        let (haul, outcome) = collect(&UninstallKeys, &host(four()));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let seen: Vec<_> = haul
            .traces()
            .iter()
            .map(|trace| (trace.name.as_str(), trace.scope.to_string(), trace.arch.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [
                ("nameless", "machine".into(), None),
                ("Kaspersky Endpoint Security for Windows", "machine".into(), None),
                ("Kaspersky VPN", "machine".into(), Some("x86")),
                ("Own", "user:1".into(), None),
                ("Own 32", "user:1".into(), Some("x86")),
            ]
        );
        let msi = &haul.traces()[1];
        assert_eq!(msi.version, Some(Version::new("21.3.10.391", Scheme::Dotted)));
        assert!(msi.identifiers.contains(&Identifier::new(IdentifierType::ProductCode, CODE)));
        assert_eq!(msi.recorded_at.value.unwrap().to_string().get(..10), Some("2024-07-20"));
        assert_eq!(msi.recorded_at.means, Means::LastServiced);
        assert_eq!(msi.place.path, format!(r"{MACHINE}\{CODE}").as_str().into());
    }

    #[test]
    fn only_the_halves_that_are_asked_for() {
        let of = |scope| {
            let (haul, _) =
                collect_for(&UninstallKeys, &host(four()), &Wanted { scope, ..Wanted::default() });
            haul.traces().len()
        };
        assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User), of(ScopeAsk::All)), (3, 2, 5));
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let gaps = |registry| collect(&UninstallKeys, &host(registry)).0.gaps();
        assert_eq!(gaps(four().without(Hive::User(1))), [(GapReason::Missing, true)]);
        assert_eq!(gaps(four().deny(&format!(r"{MACHINE}\nameless"))), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps(FakeRegistry::new().key(r"HKLM\SOFTWARE\Acme", &[])), [(GapReason::Empty, true)]);
    }

    #[test]
    fn values_of_wrong_types_hide_no_entry() {
        let odd = FakeRegistry::new().key(
            &format!(r"{MACHINE}\odd"),
            &[
                ("DisplayName", RegistryValue::dword(7)),
                ("InstallDate", RegistryValue::sz("yesterday")),
                ("DisplayVersion", RegistryValue::binary([0xFF; 3])),
            ],
        );
        let (haul, _) = collect(&UninstallKeys, &host(odd));
        assert_eq!(haul.traces()[0].name, "odd");
    }
}
