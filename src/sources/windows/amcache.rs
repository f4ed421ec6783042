//! What Windows noted of programs for its compatibility checks, in `Amcache.hve`: packages that were registered and files
//! that were started or found. It is not taken away when the product is, so that all of it is history.
//! Layout: ANSSI, "Analysis of the `AmCache`" (2019); not documented by Microsoft.
//!
//! `Inventory…` is what Windows 10 writes; `Programs` and `File` with numbers as names are of Windows 7 to early 10.

use std::collections::HashMap;

use crate::host::{Hive, Host, Key, Miss};
use crate::model::{
    Family, Field, HostPath, Identifier, IdentifierType, ItemKind, Means, Need, Place, Recorded, Scheme,
    Stamp, State, Trace, Version, Wanted,
};
use crate::parse::appx_name;
use crate::parse::filetime;
use crate::parse::registry_value::RegistryValue;
use crate::sources::{About, Haul, Outcome, Source};

/// The source `amcache`.
pub struct Amcache;

/// Where the values of a record stand: today, and before.
struct Names {
    key: &'static str,
    name: &'static str,
    version: &'static str,
    publisher: &'static str,
    /// Whole path of a file.
    path: &'static str,
    product: &'static str,
    uninstall_key: &'static str,
    product_code: &'static str,
    date: &'static str,
}

/// Letters of a publisher's name that are read.
const MAX_NAME: usize = 4096;
const NONE: &str = "\0";
const APPLICATIONS: Names = Names {
    key: r"Root\InventoryApplication",
    name: "Name",
    version: "Version",
    publisher: "Publisher",
    path: NONE,
    product: NONE,
    uninstall_key: "RegistryKeyPath",
    product_code: "MsiProductCode",
    date: "InstallDate",
};
const PROGRAMS: Names = Names {
    key: r"Root\Programs",
    name: "0",
    version: "1",
    publisher: "2",
    path: NONE,
    product: NONE,
    uninstall_key: "7",
    product_code: "11",
    date: "a",
};
const FILES: Names = Names {
    key: r"Root\InventoryApplicationFile",
    name: "Name",
    version: "Version",
    publisher: "Publisher",
    path: "LowerCaseLongPath",
    product: "ProductName",
    uninstall_key: NONE,
    product_code: NONE,
    date: NONE,
};
/// Below it a key for each volume, below that one for each file.
const OLD_FILES: Names = Names {
    key: r"Root\File",
    name: NONE,
    version: "5",
    publisher: "1",
    path: "15",
    product: "0",
    uninstall_key: NONE,
    product_code: NONE,
    date: NONE,
};

static ABOUT: About = About {
    name: "amcache",
    summary: "programs that Windows once noted for its compatibility checks, there or not",
    families: &[Family::Windows],
    needs: &[Need::Registry],
    yields: &[(ItemKind::Package, &[State::Historic]), (ItemKind::Executable, &[State::Historic])],
    fields: &[Field::Name, Field::Publisher, Field::Version, Field::Path, Field::Identifier],
    ..About::USUAL
};

impl Source for Amcache {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let opened = host.registry().map(|registry| registry.open(Hive::Amcache, ""));
        if matches!(opened, Some(Err(Miss::Missing | Miss::Absent))) {
            return Outcome::NotApplicable("this Windows has no Amcache".to_owned());
        }
        let Some(root) = haul.key(host, Hive::Amcache, "") else { return Outcome::Read };
        for names in [APPLICATIONS, PROGRAMS] {
            if let Some(key) = haul.subkey(root.as_ref(), names.key) {
                haul.each_key(key.as_ref(), &mut |key, haul| package(key, &names, haul));
            }
        }
        if let Some(key) = haul.subkey(root.as_ref(), FILES.key) {
            haul.each_key(key.as_ref(), &mut |key, haul| file(key, &FILES, haul));
        }
        if let Some(key) = haul.subkey(root.as_ref(), OLD_FILES.key) {
            haul.each_key(key.as_ref(), &mut |volume, haul| {
                haul.each_key(volume, &mut |key, haul| file(key, &OLD_FILES, haul));
            });
        }
        Outcome::Read
    }
}

/// Values of one record, by name in small letters.
struct Record(HashMap<String, RegistryValue>);

impl Record {
    /// Some ten values a record: one reading of all costs less than one for each.
    fn of(key: &dyn Key, haul: &mut Haul) -> Self {
        Self(haul.values(key).into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect())
    }

    fn text(&self, name: &str) -> Option<String> {
        let value = self.0.get(&name.to_lowercase())?;
        let text = value.texts().into_iter().next()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn version(&self, name: &str) -> Option<Version> {
        self.text(name).map(|version| Version::new(version, Scheme::Dotted))
    }
}

fn package(key: &dyn Key, names: &Names, haul: &mut Haul) {
    let record = Record::of(key, haul);
    let name = record.text(names.name).unwrap_or_else(|| key.name().to_owned());
    let mut trace = Trace::new(ItemKind::Package, name, State::Historic, Place::file(key.place()));
    trace.version = record.version(names.version);
    trace.publisher = record.text(names.publisher).map(|publisher| maker(&publisher));
    let mut identify = |kind, value: Option<String>| {
        trace.identifiers.extend(value.map(|value| Identifier::new(kind, value)));
    };
    identify(IdentifierType::ProductCode, record.text(names.product_code));
    let uninstall = record.text(names.uninstall_key);
    let last = uninstall.as_deref().and_then(|path| path.rsplit('\\').next());
    identify(IdentifierType::UninstallKey, last.filter(|name| !name.is_empty()).map(str::to_owned));
    let family = record.text("PackageFullName").and_then(|full| Some(appx_name::full_name(&full)?.family()));
    identify(IdentifierType::PackageFamilyName, family);
    let date = record.0.get(&names.date.to_lowercase()).and_then(date);
    trace.recorded_at = match date {
        // Taken from the uninstall entry, where it is the day of the last repair or update too.
        Some(date) => Recorded { value: Some(date), means: Means::LastServiced },
        None => Recorded { value: key.last_write(), means: Means::FileTime },
    };
    haul.push(trace);
}

fn file(key: &dyn Key, names: &Names, haul: &mut Haul) {
    let record = Record::of(key, haul);
    let path = record.text(names.path).and_then(|path| HostPath::of_windows(&path));
    let name = record.text(names.name).or_else(|| path.as_ref().map(HostPath::file_name_text));
    let name = name.unwrap_or_else(|| key.name().to_owned());
    let mut trace = Trace::new(ItemKind::Executable, name, State::Historic, Place::file(key.place()));
    trace.path = path;
    trace.version = record.version(names.version);
    trace.publisher = record.text(names.publisher).map(|publisher| maker(&publisher));
    let mut identify = |kind, value: Option<String>| {
        trace.identifiers.extend(value.map(|value| Identifier::new(kind, value)));
    };
    identify(IdentifierType::ProductName, record.text(names.product));
    identify(IdentifierType::OriginalFilename, record.text("OriginalFileName"));
    trace.recorded_at = Recorded { value: key.last_write(), means: Means::FileTime };
    haul.push(trace);
}

/// Seconds since 1970, or `08/01/2017 13:14:28` with the month first, whatever the language of Windows.
fn date(value: &RegistryValue) -> Option<Stamp> {
    let seconds = match value.text() {
        Some(text) => {
            let mut parts = text.split_whitespace().next()?.split('/');
            let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
            filetime::install_date(&format!("{year:0>4}{month:0>2}{day:0>2}"))?
        }
        None => i64::try_from(value.number()?).ok()?,
    };
    Stamp::from_unix(seconds)
}

/// The publisher of an MSIX package stands as the subject of its certificate: of that the organisation, else the name.
fn maker(publisher: &str) -> String {
    let parts = parts(publisher);
    let of = |kind: &str| {
        let part = parts.iter().find(|(key, _)| key.eq_ignore_ascii_case(kind));
        part.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let is_name = parts.first().is_some_and(|(key, _)| {
        ["CN", "O", "OU", "E", "C", "L", "S", "STREET", "DC", "SERIALNUMBER"]
            .iter()
            .any(|known| key.eq_ignore_ascii_case(known))
    });
    let found = if is_name { of("O").or_else(|| of("CN")) } else { None };
    found.unwrap_or_else(|| publisher.to_owned())
}

/// `KEY=value` with commas between; a value in quotes may have commas, and two quotes for one.
fn parts(name: &str) -> Vec<(String, String)> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for letter in name.chars().take(MAX_NAME).chain([',']) {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                if let Some((key, value)) = part.split_once('=') {
                    parts.push((key.trim().to_owned(), value.trim().to_owned()));
                }
                part.clear();
            }
            _ => part.push(letter),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeRegistry};
    use crate::model::GapReason;
    use crate::sources::testing::collect;

    fn of(registry: FakeRegistry) -> (Haul, Outcome) {
        collect(&Amcache, &FakeHost::windows([], registry))
    }

    fn sz(text: &str) -> RegistryValue {
        RegistryValue::sz(text)
    }

    #[test]
    fn packages_of_both_layouts() {
        let today = [
            ("Name", sz("Kaspersky VPN")),
            ("Version", sz("21.3")),
            ("Publisher", sz("AO Kaspersky Lab")),
            ("InstallDate", sz("08/01/2017 13:14:28")),
            ("MsiProductCode", sz("{C9EF800D-54AA-4F60-AB96-5A3966550F53}")),
            (
                "RegistryKeyPath",
                sz(r"HKEY_LOCAL_MACHINE\Software\Microsoft\Windows\CurrentVersion\Uninstall\kvpn"),
            ),
        ];
        let before = [
            ("0", sz("7-Zip")),
            ("1", sz("16.04")),
            ("2", sz("Igor Pavlov")),
            ("7", RegistryValue::multi_sz(&[r"HKEY_LOCAL_MACHINE\Software\Uninstall\7-Zip"])),
            ("a", RegistryValue::dword(1_501_593_268)),
        ];
        let (haul, outcome) = of(FakeRegistry::new()
            .key(r"Amcache\Root\InventoryApplication\0001", &today)
            .key(r"Amcache\Root\Programs\0002", &before));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let [vpn, zip] = haul.traces() else { panic!("{:?}", haul.traces()) };
        assert_eq!((vpn.name.as_str(), vpn.state), ("Kaspersky VPN", State::Historic));
        assert_eq!(vpn.publisher.as_deref(), Some("AO Kaspersky Lab"));
        let kinds: Vec<_> = vpn.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect();
        assert_eq!(
            kinds,
            [
                (IdentifierType::ProductCode, "{C9EF800D-54AA-4F60-AB96-5A3966550F53}"),
                (IdentifierType::UninstallKey, "kvpn")
            ]
        );
        assert_eq!(vpn.recorded_at.value.unwrap().to_string().get(..10), Some("2017-08-01"));
        assert_eq!((zip.name.as_str(), zip.identifiers[0].value.as_str()), ("7-Zip", "7-Zip"));
        assert_eq!(zip.recorded_at.value.unwrap().to_string().get(..10), Some("2017-08-01"));
    }

    #[test]
    fn packages_of_msix_have_a_family_and_a_maker() {
        let values = [
            ("Name", sz("Acme.App")),
            ("Publisher", sz("CN=Acme, O=\"Acme, Inc.\", C=US")),
            ("PackageFullName", sz("Acme.App_3.19.1001.0_x86__8wekyb3d8bbwe")),
        ];
        let (haul, _) = of(FakeRegistry::new().key(r"Amcache\Root\InventoryApplication\1", &values));
        let trace = &haul.traces()[0];
        assert_eq!(trace.publisher.as_deref(), Some("Acme, Inc."));
        let family = Identifier::new(IdentifierType::PackageFamilyName, "Acme.App_8wekyb3d8bbwe");
        assert_eq!(trace.identifiers, [family]);
        assert_eq!(maker("The Wireshark community, https://x?a=b"), "The Wireshark community, https://x?a=b");
        assert_eq!(maker("CN=Acme"), "Acme");
        assert_eq!(maker("O="), "O=");
    }

    #[test]
    fn files_of_both_layouts() {
        let today = [
            ("LowerCaseLongPath", sz(r"c:\program files\kaspersky lab\avp.exe")),
            ("Name", sz("avp.exe")),
            ("Publisher", sz("ao kaspersky lab")),
            ("ProductName", sz("kaspersky")),
            ("OriginalFileName", sz("avp")),
            ("FileId", sz("0000da39a3ee5e6b4b0d3255bfef95601890afd80709")),
        ];
        let before = [("15", sz(r"C:\Acme\Old.exe")), ("1", sz("Acme")), ("5", sz("1.0"))];
        let (haul, _) = of(FakeRegistry::new()
            .key(r"Amcache\Root\InventoryApplicationFile\avp.exe|1", &today)
            .key(r"Amcache\Root\File\{volume}\1", &before)
            .key(r"Amcache\Root\File\{volume}\empty", &[]));
        let seen: Vec<_> = haul
            .traces()
            .iter()
            .map(|trace| (trace.name.as_str(), trace.path.as_ref().map(|path| path.text().into_owned())))
            .collect();
        assert_eq!(
            seen,
            [
                ("avp.exe", Some(r"C:\program files\kaspersky lab\avp.exe".to_owned())),
                ("Old.exe", Some(r"C:\Acme\Old.exe".to_owned())),
                ("empty", None)
            ]
        );
        assert!(haul.traces().iter().all(|trace| trace.state == State::Historic));
        assert_eq!(haul.traces()[0].identifiers.len(), 2);
    }

    #[test]
    fn a_windows_without_it_is_no_gap_and_what_is_denied_is() {
        let (haul, outcome) = of(FakeRegistry::new().without(Hive::Amcache));
        assert!(matches!(outcome, Outcome::NotApplicable(_)));
        assert_eq!(haul.gaps(), []);
        let (haul, _) = of(FakeRegistry::new().deny(r"Amcache\Root\InventoryApplication"));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
        let odd = [
            ("Name", RegistryValue::dword(7)),
            ("InstallDate", sz("//")),
            ("Publisher", sz(&"=,".repeat(1 << 19))),
        ];
        let (haul, _) = of(FakeRegistry::new().key(r"Amcache\Root\InventoryApplication\odd", &odd));
        assert_eq!(haul.traces()[0].name, "odd");
    }
}
