//! Drivers that Windows knows by a key: kernel drivers, filters and recognisers of file systems, plug-and-play or not.
//!
//! A driver is named as its file (`klif.sys`); the name of its key stands beside. Drivers that lie on the disk without a
//! key are another source's.

use crate::host::{Host, Key};
use crate::model::{Family, Field, Identifier, IdentifierType, ItemKind, Need, State, Wanted};
use crate::parse::windows_command;
use crate::sources::{About, Haul, Outcome, Source};

use super::service_keys::{ImagePath, Role, ServiceKey, each};
use super::started::{Programs, tell};

/// The source `drivers`.
pub struct Drivers;

/// Where a minifilter names its altitudes, one key for each of its instances; below `Parameters` since Windows 11 24H2.
/// <https://learn.microsoft.com/windows-hardware/drivers/ifs/creating-an-inf-file-for-a-minifilter-driver>
const INSTANCES: &[&str] = &["Instances", r"Parameters\Instances"];
/// Altitudes have six digits and a few behind the point.
const MAX_ALTITUDE: usize = 32;

static ABOUT: About = About {
    name: "drivers",
    summary: "drivers that Windows has a key for, with their files and the altitudes of filters",
    families: &[Family::Windows],
    needs: &[Need::Registry, Need::Files],
    yields: &[(ItemKind::Driver, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Version, Field::Signer, Field::Identifier, Field::Path],
    ..About::USUAL
};

impl Source for Drivers {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let programs = Programs::of(host, None);
        each(host, haul, Role::Driver, &mut |driver, haul| {
            let file = file(driver);
            let image = match &driver.image_path {
                ImagePath::Odd => None,
                _ => programs.as_ref().and_then(|programs| programs.path(&file, haul)),
            };
            let mut trace =
                driver.trace(ItemKind::Driver, file_name(&file), State::of_record(image.as_ref()));
            trace.display_name = Some(driver.key.name().to_owned());
            trace.image = image;
            trace.identifiers = altitudes(driver.key, haul);
            tell(host, want, &mut trace, haul);
            haul.push(trace);
        });
        Outcome::Read
    }
}

/// The driver's file: where its key says, or where Windows looks for it by the name of its key.
fn file(driver: &ServiceKey<'_>) -> String {
    let said = match &driver.image_path {
        ImagePath::Text(path) => windows_command::driver(path),
        ImagePath::None | ImagePath::Odd => None,
    };
    said.unwrap_or_else(|| windows_command::default_driver(driver.key.name()))
}

fn file_name(path: &str) -> String {
    path.rsplit(['\\', '/']).next().unwrap_or(path).to_owned()
}

/// The altitudes of every instance.
fn altitudes(driver: &dyn Key, haul: &mut Haul) -> Vec<Identifier> {
    let mut found = Vec::new();
    for path in INSTANCES {
        let Some(instances) = haul.subkey(driver, path) else { continue };
        haul.each_key(instances.as_ref(), &mut |instance, haul| {
            let value = haul.value(instance, "Altitude");
            let altitude =
                value.and_then(|value| value.text().or_else(|| value.number().map(|n| n.to_string())));
            if let Some(altitude) = altitude.as_deref().map(str::trim).filter(|text| is_altitude(text)) {
                found.push(Identifier::new(IdentifierType::FilterAltitude, altitude));
            }
        });
    }
    found
}

/// `320400`, `320400.1234`.
fn is_altitude(text: &str) -> bool {
    text.len() <= MAX_ALTITUDE
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|c| c.is_ascii_digit() || c == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Hive};
    use crate::model::{GapReason, Trace};
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::collect;

    const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";

    fn driver(registry: FakeRegistry, name: &str, kind: u32, image: Option<&str>) -> FakeRegistry {
        let mut values = vec![("Type", RegistryValue::dword(kind))];
        values.extend(image.map(|image| ("ImagePath", RegistryValue::expand_sz(image))));
        registry.key(&format!(r"{SERVICES}\{name}"), &values)
    }

    fn host(registry: FakeRegistry) -> FakeHost {
        let file = || FakeNode::File(Vec::new());
        FakeHost::windows(
            [
                ("/C:/Windows/System32/drivers/klif.sys", file()),
                ("/C:/Windows/System32/drivers/KLIF.KES-21-9.sys", file()),
                ("/C:/Windows/System32/drivers/klupd_klif_arkmon.sys", file()),
                ("/C:/Windows/System32/DriverStore/FileRepository/kl.inf_amd64_1/klim6.sys", file()),
            ],
            registry,
        )
    }

    fn traces(registry: FakeRegistry) -> Vec<Trace> {
        let (haul, outcome) = collect(&Drivers, &host(registry));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        haul.traces().to_vec()
    }

    #[test]
    fn drivers_are_named_as_their_files_wherever_these_lie() {
        let registry = driver(FakeRegistry::new(), "KLIF", 2, Some(r"system32\DRIVERS\klif.sys"));
        let registry =
            driver(registry, "KLIF.KES-21-9", 2, Some(r"\SystemRoot\System32\drivers\KLIF.KES-21-9.sys"));
        let registry = driver(registry, "klupd_klif_arkmon", 1, None);
        let store = r"\SystemRoot\System32\DriverStore\FileRepository\kl.inf_amd64_1\klim6.sys";
        let registry = driver(registry, "KLIM", 1, Some(store));
        let registry = driver(registry, "kl1", 1, Some(r"\??\C:\gone\kl1.sys"));
        let registry = driver(registry, "program", 0x10, Some(r"C:\x.exe"));
        let seen: Vec<_> = traces(registry)
            .iter()
            .map(|trace| {
                let image = trace.image.as_ref().unwrap();
                let key = trace.display_name.clone().unwrap();
                (trace.name.clone(), key, image.path.text().into_owned(), trace.state)
            })
            .collect();
        let drivers = r"C:\Windows\System32\drivers";
        let row = |name: &str, key: &str, path: String, state| (name.to_owned(), key.to_owned(), path, state);
        assert_eq!(
            seen,
            [
                row("kl1.sys", "kl1", r"C:\gone\kl1.sys".into(), State::Remnant),
                row("klif.sys", "KLIF", format!(r"{drivers}\klif.sys"), State::Installed),
                row(
                    "KLIF.KES-21-9.sys",
                    "KLIF.KES-21-9",
                    format!(r"{drivers}\KLIF.KES-21-9.sys"),
                    State::Installed
                ),
                row(
                    "klim6.sys",
                    "KLIM",
                    r"C:\Windows\System32\DriverStore\FileRepository\kl.inf_amd64_1\klim6.sys".into(),
                    State::Installed
                ),
                row(
                    "klupd_klif_arkmon.sys",
                    "klupd_klif_arkmon",
                    format!(r"{drivers}\klupd_klif_arkmon.sys"),
                    State::Installed
                ),
            ]
        );
    }

    #[test]
    fn every_instance_of_a_filter_has_its_altitude() {
        let altitude = |text: &str| [("Altitude", RegistryValue::sz(text))];
        let klif = format!(r"{SERVICES}\KLIF");
        let registry = driver(FakeRegistry::new(), "KLIF", 2, None)
            .key(&format!(r"{klif}\Instances\Klif Instance"), &altitude("320400"))
            .key(&format!(r"{klif}\Instances\Other"), &altitude(" 320401.1234 "))
            .key(&format!(r"{klif}\Instances\Number"), &[("Altitude", RegistryValue::dword(320_350))])
            .key(&format!(r"{klif}\Instances\Odd"), &altitude("high"))
            .key(&format!(r"{klif}\Instances\Long"), &altitude(&"9".repeat(1 << 20)))
            .key(&format!(r"{klif}\Parameters\Instances\New"), &altitude("389500"));
        let mut found: Vec<_> = traces(registry)[0].identifiers.iter().map(|one| one.value.clone()).collect();
        found.sort();
        assert_eq!(found, ["320350", "320400", "320401.1234", "389500"]);
    }

    #[test]
    fn odd_paths_hide_no_driver() {
        let registry = driver(FakeRegistry::new(), "a", 1, Some(r"\Device\HarddiskVolume9\klif.sys")).key(
            &format!(r"{SERVICES}\b"),
            &[("Type", RegistryValue::dword(2)), ("ImagePath", RegistryValue::dword(7))],
        );
        let seen: Vec<_> = traces(registry).iter().map(|trace| (trace.name.clone(), trace.state)).collect();
        assert_eq!(seen, [("klif.sys".to_owned(), State::Installed), ("b.sys".to_owned(), State::Installed)]);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let gaps = |registry| collect(&Drivers, &host(registry)).0.gaps();
        let sound = || driver(FakeRegistry::new(), "KLIF", 2, None);
        assert_eq!(gaps(sound().without(Hive::System)), [(GapReason::Missing, true)]);
        let instances = format!(r"{SERVICES}\KLIF\Instances");
        assert_eq!(gaps(sound().deny(&instances)), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps(FakeRegistry::new().key(r"HKLM\SYSTEM\Setup", &[])), [(GapReason::Empty, true)]);
    }
}
