//! What is registered with the Security Center: antivirus, antispyware and firewall products, each by the name that it
//! gave itself. An entry often outlives its product: then its program is gone.
//!
//! Windows 8 and later keep a copy of the registrations in the registry [reverse-engineered; not documented by
//! Microsoft]; older ones keep them in the repository of WMI alone, and servers have no Security Center.

use crate::host::{Hive, Host, Key};
use crate::model::{Family, Field, Image, ItemKind, Means, Need, Place, Recorded, State, Trace, Wanted};
use crate::sources::{About, Haul, Outcome, Source};

use super::started::{Programs, tell};

/// The source `security-center`.
pub struct SecurityCenter;

/// Below it a key for each kind of product, and below that one for each product.
const PROVIDERS: &str = r"Microsoft\Security Center\Provider";
/// Programs of a registration: the one that shows the product, and the one that reports for it.
const PROGRAMS: &[&str] = &["PRODUCTEXE", "REPORTINGEXE"];

static ABOUT: About = About {
    name: "security-center",
    summary: "products registered with the Security Center of Windows 8 and later; servers have none",
    families: &[Family::Windows],
    needs: &[Need::Registry, Need::Files],
    yields: &[(ItemKind::SecurityProduct, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Signer, Field::Path],
    ..About::USUAL
};

impl Source for SecurityCenter {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let Some(providers) = haul.key(host, Hive::Software, PROVIDERS) else {
            let is_server = host.facts().os.id.as_deref() == Some("windows-server");
            let why = if is_server {
                "servers have no Security Center"
            } else {
                "this Windows keeps no registrations of security products in its registry"
            };
            return Outcome::NotApplicable(why.to_owned());
        };
        haul.each_key(providers.as_ref(), &mut |kind, haul| {
            haul.each_key(kind, &mut |product, haul| {
                let mut trace = product_of(host, product, haul);
                tell(host, want, &mut trace, haul);
                haul.push(trace);
            });
        });
        Outcome::Read
    }
}

/// Whether protection is on (`STATE`) is not whether the product is here.
fn product_of(host: &dyn Host, key: &dyn Key, haul: &mut Haul) -> Trace {
    let name = haul.text(key, "DISPLAYNAME").unwrap_or_else(|| key.name().to_owned());
    let image = image(host, key, haul);
    let place = Place::file(key.place());
    let mut trace = Trace::new(ItemKind::SecurityProduct, name, State::of_record(image.as_ref()), place);
    trace.image = image;
    trace.recorded_at = Recorded { value: key.last_write(), means: Means::FileTime };
    trace
}

/// The first program that is there, else the first that is named. Names of other forms (`windowsdefender://`) lead to none.
fn image(host: &dyn Host, key: &dyn Key, haul: &mut Haul) -> Option<Image> {
    let programs = Programs::of(host, None)?;
    let mut images = Vec::new();
    for value in PROGRAMS {
        let line = haul.text(key, value).filter(|line| !line.contains("://"));
        images.extend(line.and_then(|line| programs.command(&line, haul).image));
    }
    let there = images.iter().find(|image| image.exists != Some(false));
    there.or(images.first()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Miss};
    use crate::model::GapReason;
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::collect;

    const PROVIDER: &str = r"HKLM\SOFTWARE\Microsoft\Security Center\Provider";
    const KES: &str = r"%ProgramFiles%\Kaspersky Lab\KES\avp.exe";

    fn product(registry: FakeRegistry, kind: &str, name: &str, programs: [&str; 2]) -> FakeRegistry {
        let values = [
            ("DISPLAYNAME", RegistryValue::sz(name)),
            ("PRODUCTEXE", RegistryValue::sz(programs[0])),
            ("REPORTINGEXE", RegistryValue::expand_sz(programs[1])),
            ("STATE", RegistryValue::dword(0x41000)),
        ];
        registry.key(&format!(r"{PROVIDER}\{kind}\{{{name}}}"), &values)
    }

    fn host(registry: FakeRegistry) -> FakeHost {
        FakeHost::windows(
            [
                ("/C:/Program Files/Kaspersky Lab/KES/avp.exe", FakeNode::File(Vec::new())),
                ("/C:/Locked", FakeNode::Broken(Miss::Denied)),
            ],
            registry,
        )
    }

    #[test]
    fn every_kind_of_product_is_seen_and_a_stale_one_is_a_remnant() {
        let registry = product(FakeRegistry::new(), "Av", "Kaspersky", [r"C:\gone.exe", KES]);
        let registry = product(registry, "Firewall", "Kaspersky Firewall", [KES, ""]);
        let registry = product(registry, "AntiSpyware", "Old", [r"C:\gone.exe", r"C:\gone too.exe"]);
        let registry = product(registry, "Av", "Windows Defender", ["windowsdefender://", ""]);
        let (haul, outcome) = collect(&SecurityCenter, &host(registry));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let seen: Vec<_> = haul
            .traces()
            .iter()
            .map(|trace| {
                let path = trace.image.as_ref().map(|image| image.path.text().into_owned());
                (trace.name.as_str(), trace.state, path)
            })
            .collect();
        let avp = Some(r"C:\Program Files\Kaspersky Lab\KES\avp.exe".to_owned());
        assert_eq!(
            seen,
            [
                ("Old", State::Remnant, Some(r"C:\gone.exe".to_owned())),
                ("Kaspersky", State::Installed, avp.clone()),
                ("Windows Defender", State::Installed, None),
                ("Kaspersky Firewall", State::Installed, avp),
            ]
        );
    }

    #[test]
    fn a_server_has_none() {
        let bare = || FakeRegistry::new().key(r"HKLM\SOFTWARE\Acme", &[]);
        let (haul, outcome) = collect(&SecurityCenter, &host(bare()).os("windows-server"));
        assert_eq!(haul.gaps(), []);
        assert_eq!(outcome, Outcome::NotApplicable("servers have no Security Center".into()));
        assert!(matches!(collect(&SecurityCenter, &host(bare())).1, Outcome::NotApplicable(_)));
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_odd_values_hide_no_entry() {
        let gaps = |registry| collect(&SecurityCenter, &host(registry)).0.gaps();
        let sound = || product(FakeRegistry::new(), "Av", "Kaspersky", [KES, ""]);
        assert_eq!(gaps(sound().without(Hive::Software)), [(GapReason::Missing, true)]);
        assert_eq!(gaps(sound().deny(&format!(r"{PROVIDER}\Av"))), [(GapReason::PermissionDenied, true)]);
        let locked = product(FakeRegistry::new(), "Av", "x", [r"C:\Locked\x.exe", ""]);
        assert_eq!(gaps(locked), [(GapReason::PermissionDenied, true)]);
        let odd = FakeRegistry::new().key(
            &format!(r"{PROVIDER}\Av\{{1}}"),
            &[
                ("DISPLAYNAME", RegistryValue::binary([0; 9])),
                ("PRODUCTEXE", RegistryValue::sz(&"x ".repeat(1 << 19))),
            ],
        );
        let (haul, _) = collect(&SecurityCenter, &host(odd));
        assert_eq!((haul.traces()[0].name.as_str(), haul.gaps()), ("{1}", vec![]));
    }
}
