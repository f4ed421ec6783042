//! Package URLs: the name under which other tools know a package. <https://github.com/package-url/purl-spec>
//!
//! Called by the formats that list items. Only for packages whose type the specification defines, so that no reader
//! looks a name up in the wrong catalogue.

use crate::model::{HostFacts, Item, ItemKind, Scheme};

use super::uri::encode;

/// The package URL of an item; none for what no package manager keeps.
pub(super) fn purl(item: &Item, host: &HostFacts) -> Option<String> {
    if item.kind != ItemKind::Package {
        return None;
    }
    let version = item.version.as_ref()?;
    let (system, default, name) = match version.scheme {
        Scheme::Dpkg => ("deb", "debian", item.name.to_lowercase()),
        Scheme::Rpm => ("rpm", "fedora", item.name.clone()),
        Scheme::Apk => ("apk", "alpine", item.name.to_lowercase()),
        Scheme::Pacman => ("alpm", "arch", item.name.to_lowercase()),
        Scheme::Semver | Scheme::Dotted | Scheme::Other => return None,
    };
    let namespace = encode(host.os.id.as_deref().unwrap_or(default).to_lowercase().as_bytes(), b"");
    let (epoch, upstream, release) = version.split();
    // The specification keeps the epoch of RPM apart; elsewhere it is part of the version.
    let raw = match (version.scheme, release) {
        (Scheme::Rpm, Some(release)) => format!("{upstream}-{release}"),
        (Scheme::Rpm, None) => upstream.to_owned(),
        _ => version.raw.clone(),
    };
    let mut purl =
        format!("pkg:{system}/{namespace}/{}@{}", encode(name.as_bytes(), b""), encode(raw.as_bytes(), b":"));
    let mut qualifiers = Vec::new();
    if let Some(arch) = &item.arch {
        qualifiers.push(format!("arch={}", encode(arch.as_bytes(), b"")));
    }
    if let (Some(id), Some(number)) = (&host.os.id, &host.os.version) {
        qualifiers.push(format!("distro={}", encode(format!("{id}-{number}").as_bytes(), b"")));
    }
    if let (Scheme::Rpm, Some(epoch)) = (version.scheme, epoch) {
        qualifiers.push(format!("epoch={epoch}"));
    }
    if !qualifiers.is_empty() {
        purl.push('?');
        purl.push_str(&qualifiers.join("&"));
    }
    Some(purl)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ItemId, Looked, Os, Version};

    fn of(name: &str, version: &str, scheme: Scheme, distro: (&str, &str)) -> Option<String> {
        let item = Item {
            id: ItemId([0; 16]),
            kind: ItemKind::Package,
            name: name.to_owned(),
            display_name: None,
            version: Some(Version::new(version, scheme)),
            publisher: None,
            signer: Looked::NotLooked,
            identifiers: Vec::new(),
            arch: Some("amd64".into()),
            path: None,
        };
        let golden = include_bytes!("../../tests/formats/compliant.json");
        let mut host = super::super::saved::read(golden).unwrap().reports.remove(0).host;
        host.os = Os { id: Some(distro.0.into()), version: Some(distro.1.into()), ..Os::default() };
        purl(&item, &host)
    }

    #[test]
    fn packages_have_the_names_that_others_know() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            of("libc6", "1:2.36-9+deb12u8", Scheme::Dpkg, ("debian", "12")),
            some("pkg:deb/debian/libc6@1:2.36-9%2Bdeb12u8?arch=amd64&distro=debian-12")
        );
        assert_eq!(
            of("kesl", "2:12.1.0-1543", Scheme::Rpm, ("rhel", "9.4")),
            some("pkg:rpm/rhel/kesl@12.1.0-1543?arch=amd64&distro=rhel-9.4&epoch=2")
        );
        assert_eq!(
            of("musl", "1.2.5-r0", Scheme::Apk, ("alpine", "3.20")),
            some("pkg:apk/alpine/musl@1.2.5-r0?arch=amd64&distro=alpine-3.20")
        );
        assert_eq!(of("x", "1.0", Scheme::Dotted, ("windows", "10")), None);
    }

    #[test]
    fn no_name_leaves_its_place() {
        let purl = of("a/b@c?d#e", "1?x=y", Scheme::Dpkg, ("de bian/", "1")).unwrap();
        assert_eq!(purl, "pkg:deb/de%20bian%2F/a%2Fb%40c%3Fd%23e@1%3Fx%3Dy?arch=amd64&distro=de%20bian%2F-1");
    }
}
