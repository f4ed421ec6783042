//! Certificates in the stores of the machine, of its policies, of the organisation and of every user: products of security
//! leave their own roots there, and do not always take them away.
//! Stores: <https://learn.microsoft.com/windows/win32/seccrypto/system-store-locations>
//!
//! What is in the store `Disallowed` makes no item: somebody took the trust away from a name, which says nothing of what
//! was ever installed here. Windows itself fills it.

use crate::host::{Hive, Host, Key, Kind};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Means, Need, Place, Recorded,
    Scope, ScopeKind, Stamp, State, Trace, User, Wanted,
};
use crate::parse::certificate_store;
use crate::sources::{About, Haul, Outcome, Source};

/// The source `certificates`.
pub struct Certificates;

/// Folders of stores, below a hive of software: of the machine or user, of policies, of the organisation.
const PLACES: &[&str] = &[
    r"Microsoft\SystemCertificates",
    r"Policies\Microsoft\SystemCertificates",
    r"Microsoft\EnterpriseCertificates",
];
/// A user's own certificates with keys are files, of the same make as the values.
const OWN_FILES: &str = r"%AppData%\Microsoft\SystemCertificates\My\Certificates";
/// The store of what is not trusted.
const DISALLOWED: &str = "Disallowed";
/// Real certificates have up to some ten kilobytes.
const LIMIT: u64 = 1 << 20;

static ABOUT: About = About {
    name: "certificates",
    summary: "certificates in the stores of the machine, its policies and every user, but for those that are not trusted",
    families: &[Family::Windows],
    needs: &[Need::Registry, Need::Files],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Certificate, &[State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Identifier],
    ..About::USUAL
};

impl Source for Certificates {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        if want.scope.includes(ScopeKind::Machine)
            && let Some(software) = haul.key(host, Hive::Software, "")
        {
            stores(software.as_ref(), &Scope::Machine, haul);
        }
        haul.of_users(host, want, &["Software".to_owned()], &mut |user, _, software, haul| {
            stores(software, &Scope::User(user.n), haul);
        });
        for user in haul.profiles(host, want) {
            files(host, user, haul);
        }
        Outcome::Read
    }
}

fn stores(software: &dyn Key, scope: &Scope, haul: &mut Haul) {
    for place in PLACES {
        let Some(place) = haul.subkey(software, place) else { continue };
        haul.each_key(place.as_ref(), &mut |store, haul| of_store(store, scope, haul));
    }
}

fn of_store(store: &dyn Key, scope: &Scope, haul: &mut Haul) {
    let Some(certificates) = haul.subkey(store, "Certificates") else { return };
    let is_trusted = !store.name().eq_ignore_ascii_case(DISALLOWED);
    haul.each_key(certificates.as_ref(), &mut |key, haul| {
        if is_trusted { of_key(key, scope, haul) } else { haul.count_record() }
    });
}

fn of_key(key: &dyn Key, scope: &Scope, haul: &mut Haul) {
    let stored = Stored { name: key.name().to_owned(), place: key.place(), written: key.last_write() };
    if let Some(blob) = haul.value(key, "Blob") {
        push(stored, &blob.data, scope, haul);
    } else {
        haul.gap_with(GapReason::Malformed, &key.place(), "no certificate in it");
        haul.push(stored.trace(scope));
    }
}

fn files(host: &dyn Host, user: &User, haul: &mut Haul) {
    let Some(folder) = host.facts().windows.as_ref().and_then(|windows| windows.path(OWN_FILES, Some(user)))
    else {
        return;
    };
    let listed = host.files().list(&folder);
    for entry in haul.optional(&folder, listed).unwrap_or_default() {
        if entry.kind == Kind::Folder || !haul.time_left() {
            continue;
        }
        let path = folder.join(&entry.name);
        let read = host.files().read(&path, LIMIT);
        let written = host.files().stat(&path).ok().and_then(|stat| stat.modified);
        let stored = Stored { name: path.file_name_text(), place: path.clone(), written };
        match haul.listed(&path, read) {
            Some(bytes) => push(stored, &bytes, &Scope::User(user.n), haul),
            None => haul.push(stored.trace(&Scope::User(user.n))),
        }
    }
}

/// A place in a store.
struct Stored {
    /// The thumbprint, as the store has it.
    name: String,
    place: HostPath,
    written: Option<Stamp>,
}

impl Stored {
    /// What is known without the certificate.
    fn trace(self, scope: &Scope) -> Trace {
        let is_thumbprint = self.name.len() == 40 && self.name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let thumbprint = is_thumbprint.then(|| self.name.to_ascii_uppercase());
        let place = Place::file(self.place);
        let mut trace = Trace::new(ItemKind::Certificate, self.name, State::Remnant, place);
        trace.scope = scope.clone();
        trace.identifiers.extend(thumbprint.map(|hex| Identifier::new(IdentifierType::Thumbprint, hex)));
        trace.recorded_at = Recorded { value: self.written, means: Means::FileTime };
        trace
    }
}

fn push(stored: Stored, blob: &[u8], scope: &Scope, haul: &mut Haul) {
    let found = certificate_store::read(blob);
    haul.faults(&stored.place, &found.faults);
    let mut trace = stored.trace(scope);
    if let Some(stored) = found.records.first() {
        let certificate = &stored.certificate;
        let name = certificate.subject.shown();
        if !name.is_empty() {
            name.clone_into(&mut trace.name);
        }
        trace.publisher = certificate.subject.organization().map(str::to_owned);
        trace.identifiers = vec![Identifier::new(IdentifierType::Thumbprint, certificate.thumbprint())];
    }
    haul.push(trace);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Miss};
    use crate::model::ScopeAsk;
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::{collect, collect_for};

    /// DER: a tag, a length, contents.
    fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        let body = parts.concat();
        let length = match u8::try_from(body.len()) {
            Ok(short) if short < 0x80 => vec![short],
            _ => [vec![0x82], u16::try_from(body.len()).unwrap().to_be_bytes().to_vec()].concat(),
        };
        [vec![tag], length, body].concat()
    }

    /// `2.5.4.3` is CN, `2.5.4.10` is O.
    fn name(parts: &[(u8, &str)]) -> Vec<u8> {
        let part = |(kind, text): &(u8, &str)| {
            let pair = der(0x30, &[der(6, &[vec![0x55, 4, *kind]]), der(12, &[text.as_bytes().to_vec()])]);
            der(0x31, &[pair])
        };
        der(0x30, &parts.iter().map(part).collect::<Vec<_>>())
    }

    /// A certificate that nobody signed; the store does not ask.
    fn certificate(subject: &[(u8, &str)]) -> Vec<u8> {
        let algorithm =
            der(0x30, &[der(6, &[vec![0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 11]]), der(5, &[])]);
        let day = |text: &str| der(0x17, &[text.as_bytes().to_vec()]);
        let validity = der(0x30, &[day("200101000000Z"), day("300101000000Z")]);
        let key = der(0x30, &[algorithm.clone(), der(3, &[vec![0, 1]])]);
        let version = der(0xA0, &[der(2, &[vec![2]])]);
        let serial = der(2, &[vec![1]]);
        let body = [version, serial, algorithm.clone(), name(subject), validity, name(subject), key];
        der(0x30, &[der(0x30, &body), algorithm, der(3, &[vec![0, 1]])])
    }

    /// The property 32 of a blob.
    fn blob(subject: &[(u8, &str)]) -> Vec<u8> {
        let certificate = certificate(subject);
        let length = u32::try_from(certificate.len()).unwrap();
        [32_u32.to_le_bytes(), 1_u32.to_le_bytes(), length.to_le_bytes()]
            .concat()
            .into_iter()
            .chain(certificate)
            .collect()
    }

    const ROOT: &[(u8, &str)] =
        &[(10, "AO Kaspersky Lab"), (3, "Kaspersky Anti-Virus Personal Root Certificate")];
    const THUMBPRINT: &str = "00112233445566778899aabbccddeeff00112233";

    fn host(nodes: Vec<(String, FakeNode)>, registry: FakeRegistry) -> FakeHost {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
        let registry = registry
            .key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))])
            .key(r"HKU\1\Software\Acme", &[]);
        let fixed = [("/C:/Users/alice/NTUSER.DAT".to_owned(), FakeNode::File(Vec::new()))];
        let nodes: Vec<_> = fixed.into_iter().chain(nodes).collect();
        FakeHost::windows(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())), registry)
    }

    fn stored(registry: FakeRegistry, store: &str, blob: Vec<u8>) -> FakeRegistry {
        registry.key(&format!(r"{store}\Certificates\{THUMBPRINT}"), &[("Blob", RegistryValue::binary(blob))])
    }

    #[test]
    fn every_store_of_the_machine_and_of_users() {
        let stores = [
            r"HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT",
            r"HKLM\SOFTWARE\Microsoft\SystemCertificates\Some Store",
            r"HKLM\SOFTWARE\Policies\Microsoft\SystemCertificates\TrustedPublisher",
            r"HKLM\SOFTWARE\Microsoft\EnterpriseCertificates\Root",
            r"HKU\1\Software\Microsoft\SystemCertificates\Root",
        ];
        let registry = stores.iter().fold(FakeRegistry::new(), |all, store| stored(all, store, blob(ROOT)));
        let own =
            "/C:/Users/alice/AppData/Roaming/Microsoft/SystemCertificates/My/Certificates/AB".to_owned();
        let host = host(vec![(own, FakeNode::File(blob(&[(10, "Acme")])))], registry);
        let (haul, outcome) = collect(&Certificates, &host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        assert_eq!(haul.traces().len(), 6);
        let first = &haul.traces()[0];
        assert_eq!(first.name, "Kaspersky Anti-Virus Personal Root Certificate");
        assert_eq!((first.publisher.as_deref(), first.state), (Some("AO Kaspersky Lab"), State::Remnant));
        let [thumbprint] = first.identifiers.as_slice() else { panic!("{first:?}") };
        assert_eq!(thumbprint.kind, IdentifierType::Thumbprint);
        let sound =
            thumbprint.value.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
        assert!(sound && thumbprint.value.len() == 40, "{thumbprint:?}");
        assert_ne!(thumbprint.value, THUMBPRINT.to_uppercase(), "it is that of the certificate");
        let place = format!(r"{}\Certificates\{THUMBPRINT}", stores[0]);
        assert_eq!(first.place.path, place.as_str().into());
        let last = haul.traces().last().unwrap();
        assert_eq!((last.name.as_str(), last.scope.clone()), ("Acme", Scope::User(1)));
        let of = |scope| {
            let want = Wanted { scope, ..Wanted::default() };
            collect_for(&Certificates, &host, &want).0.traces().len()
        };
        assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (4, 2));
    }

    #[test]
    fn what_is_not_trusted_speaks_of_no_software() {
        let store = r"HKLM\SOFTWARE\Microsoft\SystemCertificates\Disallowed";
        let (haul, _) = collect(&Certificates, &host(vec![], stored(FakeRegistry::new(), store, blob(ROOT))));
        assert_eq!((haul.traces().len(), haul.gaps()), (0, vec![]));
    }

    #[test]
    fn unsound_ones_keep_their_thumbprint() {
        let store = r"HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT";
        let cut = blob(ROOT)[..100].to_vec();
        for noise in [vec![], vec![0xFF; 64], vec![0; 1 << 20], cut] {
            let (haul, _) = collect(&Certificates, &host(vec![], stored(FakeRegistry::new(), store, noise)));
            assert_eq!(haul.traces()[0].name, THUMBPRINT);
            assert_eq!(haul.traces()[0].identifiers[0].value, THUMBPRINT.to_uppercase());
            assert!(!haul.gaps().is_empty());
        }
        let empty = FakeRegistry::new().key(&format!(r"{store}\Certificates\odd"), &[]);
        let (haul, _) = collect(&Certificates, &host(vec![], empty));
        assert_eq!((haul.traces()[0].name.as_str(), haul.traces()[0].identifiers.len()), ("odd", 0));
        assert_eq!(haul.gaps(), [(GapReason::Malformed, true)]);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let denied = FakeRegistry::new().deny(r"HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT");
        assert_eq!(
            collect(&Certificates, &host(vec![], denied)).0.gaps(),
            [(GapReason::PermissionDenied, true)]
        );
        let own = "/C:/Users/alice/AppData/Roaming/Microsoft/SystemCertificates/My/Certificates".to_owned();
        let nodes = vec![(own, FakeNode::Broken(Miss::Denied))];
        let (haul, _) = collect(&Certificates, &host(nodes, FakeRegistry::new()));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
    }
}
