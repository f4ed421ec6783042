//! Services: which programs Windows starts by itself, each by the name of its key.
//!
//! A service that is disabled is installed. One that shares a process (`svchost.exe`) is the library that its key names;
//! a wrapper that starts another program (`srvany`, `nssm`) is that program.

use crate::host::{Host, Key};
use crate::model::{Family, Field, Image, ItemKind, Need, State, Wanted};
use crate::sources::{About, Haul, Outcome, Source};

use super::service_keys::{ImagePath, Role, ServiceKey, each};
use super::started::{Programs, tell};

/// The source `services`.
pub struct Services;

/// Programs that run what a value below `Parameters` names, and that value. `svchost` and libraries: "Service Host";
/// `srvany`: Microsoft's knowledge base 137890; `nssm` keeps to it.
const HOSTS: &[(&str, &str)] = &[
    ("svchost", "ServiceDll"),
    ("srvany", "Application"),
    ("srvany-ng", "Application"),
    ("nssm", "Application"),
    ("nssm64", "Application"),
];

static ABOUT: About = About {
    name: "services",
    summary: "services of Windows, disabled ones too, with the programs or libraries that they run",
    families: &[Family::Windows],
    needs: &[Need::Registry, Need::Files],
    yields: &[(ItemKind::Service, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Signer, Field::Path],
    ..About::USUAL
};

impl Source for Services {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        each(host, haul, Role::Service, &mut |service, haul| {
            let image = image(host, service, haul);
            let state = match (&service.image_path, &image) {
                // It cannot be started.
                (ImagePath::None, None) => State::Remnant,
                (_, image) => State::of_record(image.as_ref()),
            };
            let name = service.key.name();
            let mut trace =
                service.trace(ItemKind::Service, logon_free(name, service.of_a_logon).to_owned(), state);
            trace.display_name = display_name(service, haul);
            trace.image = image;
            tell(host, want, &mut trace, haul);
            haul.push(trace);
        });
        Outcome::Read
    }
}

fn image(host: &dyn Host, service: &ServiceKey<'_>, haul: &mut Haul) -> Option<Image> {
    let programs = Programs::of(host, None)?;
    let line = match &service.image_path {
        ImagePath::Text(line) => line.as_str(),
        // Whatever started it is not known; the library is.
        ImagePath::None | ImagePath::Odd => return hosted(&programs, service.key, "ServiceDll", haul),
    };
    let started = programs.command(line, haul);
    let value = HOSTS.iter().find(|(stem, _)| *stem == started.stem).map(|(_, value)| *value);
    let inside = value.and_then(|value| hosted(&programs, service.key, value, haul));
    inside.or(started.library).or(started.image)
}

/// What a host is told to run: below `Parameters`, where `svchost` looks first, or in the key itself.
fn hosted(programs: &Programs<'_>, key: &dyn Key, value: &str, haul: &mut Haul) -> Option<Image> {
    let parameters = haul.subkey(key, "Parameters");
    let below = parameters.and_then(|parameters| haul.text(parameters.as_ref(), value));
    let text = below.or_else(|| haul.text(key, value))?;
    programs.path(&text, haul)
}

/// The name for people. One that names a resource has what it says behind a semicolon, or stays as it is.
fn display_name(service: &ServiceKey<'_>, haul: &mut Haul) -> Option<String> {
    let name = haul.text(service.key, "DisplayName")?;
    let said = match name.strip_prefix('@').and_then(|resource| resource.rsplit_once(';')) {
        Some((_, said)) if !said.trim().is_empty() => said.trim(),
        _ => &name,
    };
    Some(logon_free(said, service.of_a_logon).to_owned())
}

/// The name without the number of a logon (`CDPUserSvc_3a2f1`), which is another at every logon.
fn logon_free(name: &str, of_a_logon: bool) -> &str {
    match name.rsplit_once('_') {
        Some((service, logon))
            if of_a_logon && !service.is_empty() && logon.bytes().all(|c| c.is_ascii_hexdigit()) =>
        {
            service
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Hive, Miss};
    use crate::model::{GapReason, Trace};
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::collect;

    const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";

    fn service(name: &str, kind: u32, image: &str) -> FakeRegistry {
        let values = [("Type", RegistryValue::dword(kind)), ("ImagePath", RegistryValue::expand_sz(image))];
        FakeRegistry::new().key(&format!(r"{SERVICES}\{name}"), &values)
    }

    fn host(registry: FakeRegistry) -> FakeHost {
        let file = || FakeNode::File(Vec::new());
        FakeHost::windows(
            [
                ("/C:/Program Files/Kaspersky Lab/KES/avp.exe", file()),
                ("/C:/Windows/System32/svchost.exe", file()),
                ("/C:/Windows/System32/own.dll", file()),
                ("/C:/Tools/nssm.exe", file()),
                ("/C:/Locked", FakeNode::Broken(Miss::Denied)),
            ],
            registry,
        )
    }

    fn one(registry: FakeRegistry) -> Trace {
        let (haul, outcome) = collect(&Services, &host(registry));
        assert_eq!((outcome, haul.gaps(), haul.traces().len()), (Outcome::Read, vec![], 1));
        haul.traces()[0].clone()
    }

    fn path(trace: &Trace) -> (String, Option<bool>) {
        let image = trace.image.as_ref().unwrap();
        (image.path.text().into_owned(), image.exists)
    }

    #[test]
    fn a_disabled_service_is_installed_by_the_name_of_its_key() {
        let registry = service("AVP21.3", 0x10, r#""%ProgramFiles%\Kaspersky Lab\KES\avp.exe" -r --secret"#)
            .key(
                &format!(r"{SERVICES}\AVP21.3"),
                &[
                    ("Start", RegistryValue::dword(4)),
                    ("DisplayName", RegistryValue::sz("Kaspersky Endpoint Security Service")),
                ],
            );
        let trace = one(registry);
        assert_eq!((trace.name.as_str(), trace.state), ("AVP21.3", State::Installed));
        assert_eq!(trace.display_name.as_deref(), Some("Kaspersky Endpoint Security Service"));
        assert_eq!(path(&trace), (r"C:\Program Files\Kaspersky Lab\KES\avp.exe".into(), Some(true)));
        assert_eq!(trace.place.path, format!(r"{SERVICES}\AVP21.3").as_str().into());
        assert!(!format!("{trace:?}").contains("secret"), "arguments are not reported");
    }

    #[test]
    fn a_service_whose_program_is_gone_is_a_remnant() {
        let trace = one(service("klnagent", 0x10, r"C:\Gone\klnagent.exe -run"));
        assert_eq!((trace.state, path(&trace).1), (State::Remnant, Some(false)));
        let bare =
            FakeRegistry::new().key(&format!(r"{SERVICES}\x"), &[("Type", RegistryValue::dword(0x10))]);
        assert_eq!(one(bare).state, State::Remnant, "it cannot be started");
    }

    #[test]
    fn a_shared_process_is_the_library() {
        let parameters = |value: &str, text: &str| {
            service("own", 0x20, r"%SystemRoot%\System32\svchost.exe -k netsvcs")
                .key(&format!(r"{SERVICES}\own\Parameters"), &[(value, RegistryValue::expand_sz(text))])
        };
        let known = one(parameters("ServiceDll", r"%systemroot%\system32\OWN.dll"));
        assert_eq!(path(&known), (r"C:\Windows\System32\own.dll".into(), Some(true)));
        assert_eq!(one(parameters("ServiceDll", r"C:\gone.dll")).state, State::Remnant);
        let unknown = one(parameters("Other", "x"));
        assert_eq!(path(&unknown).0, r"C:\Windows\System32\svchost.exe");
        let wrapped = service("wrapped", 0x10, r"C:\Tools\nssm.exe").key(
            &format!(r"{SERVICES}\wrapped\Parameters"),
            &[("Application", RegistryValue::sz(r"C:\Program Files\Kaspersky Lab\KES\avp.exe"))],
        );
        assert_eq!(path(&one(wrapped)).0, r"C:\Program Files\Kaspersky Lab\KES\avp.exe");
    }

    #[test]
    fn what_is_no_service_is_counted_and_no_item() {
        let registry = service("driver", 1, r"System32\drivers\x.sys")
            .key(&format!(r"{SERVICES}\.NET CLR Data\Performance"), &[("x", RegistryValue::sz("y"))]);
        let (haul, _) = collect(&Services, &host(registry));
        assert_eq!(haul.traces().len(), 0);
        assert_eq!(haul.into_parts().2, 2);
    }

    #[test]
    fn names_for_people_are_told_from_resources() {
        let named = |name: &str| {
            let values = [("DisplayName", RegistryValue::sz(name))];
            one(service("x", 0x20, r"C:\x.exe").key(&format!(r"{SERVICES}\x"), &values)).display_name
        };
        assert_eq!(named("@oem3.inf,%Svc%;Acme Guard").as_deref(), Some("Acme Guard"));
        assert_eq!(named("@acme.dll,-100").as_deref(), Some("@acme.dll,-100"));
        assert_eq!(named(" "), None);
        let trace = one(service("CDPUserSvc_3a2f1", 0xE0, r"%SystemRoot%\System32\svchost.exe -k Unistack"));
        assert_eq!(trace.name, "CDPUserSvc");
        assert_eq!(one(service("my_face", 0x10, "x")).name, "my_face");
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let gaps = |registry| collect(&Services, &host(registry)).0.gaps();
        let sound = || service("klnagent", 0x10, r"C:\Windows\System32\svchost.exe");
        assert_eq!(gaps(sound()), []);
        assert_eq!(gaps(sound().without(Hive::System)), [(GapReason::Missing, true)]);
        assert_eq!(gaps(sound().deny(&format!(r"{SERVICES}\other"))), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps(sound().deny(SERVICES)), [(GapReason::PermissionDenied, true)]);
        let locked = service("x", 0x10, r"C:\Locked\x.exe");
        assert_eq!(gaps(locked), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps(FakeRegistry::new().key(r"HKLM\SYSTEM\Setup", &[])), [(GapReason::Empty, true)]);
    }

    #[test]
    fn hostile_values_hide_no_service() {
        let odd = FakeRegistry::new()
            .key(
                &format!(r"{SERVICES}\a"),
                &[("Type", RegistryValue::sz("16")), ("ImagePath", RegistryValue::binary([0xFF; 3]))],
            )
            .key(
                &format!(r"{SERVICES}\b"),
                &[
                    ("Type", RegistryValue::binary([1, 2, 3])),
                    ("ImagePath", RegistryValue::multi_sz(&[r"C:\Tools\nssm.exe"])),
                    ("DisplayName", RegistryValue::dword(7)),
                ],
            )
            .key(
                &format!(r"{SERVICES}\c"),
                &[
                    ("Type", RegistryValue::dword(0x10)),
                    ("ImagePath", RegistryValue::sz(&"%a".repeat(1 << 19))),
                ],
            );
        let (haul, _) = collect(&Services, &host(odd));
        let seen: Vec<_> = haul.traces().iter().map(|trace| (trace.name.as_str(), trace.state)).collect();
        assert_eq!(seen, [("a", State::Installed), ("b", State::Installed), ("c", State::Installed)]);
    }
}
