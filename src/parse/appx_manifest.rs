//! `AppxManifest.xml` of an MSIX package and `AppxBundleManifest.xml` of a bundle: who it is and who
//! made it. Format: "Package manifest schema reference", Windows app documentation.
//!
//! Called by the source `appx` and by `msix`. Must not know where the file lies.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::note;
use crate::parse::xml;
use crate::parse::xml::Attributes;
use crate::parse::xml::Node;

/// Packages of a bundle that are kept; the largest bundles have some hundred languages and scales.
const MAX_PACKAGES: usize = 2048;

/// What a manifest says. `None`: it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// It is that of a bundle.
    pub bundle: bool,
    /// `Identity/@Name`
    pub name: Option<String>,
    /// `Identity/@Publisher`: the distinguished name that the signer must have.
    pub publisher: Option<String>,
    /// `Identity/@Version`
    pub version: Option<String>,
    /// `Identity/@ProcessorArchitecture`; none means neutral.
    pub architecture: Option<String>,
    /// `Identity/@ResourceId`
    pub resource: Option<String>,
    /// `Properties/DisplayName`; may be a reference to a resource (`ms-resource:…`).
    pub display_name: Option<String>,
    /// `Properties/PublisherDisplayName`, likewise.
    pub publisher_display_name: Option<String>,
    /// The packages in a bundle.
    pub packages: Vec<Bundled>,
}

/// A package in a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundled {
    /// `application` or `resource`; none means resource.
    pub kind: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its architecture; none means neutral.
    pub architecture: Option<String>,
    /// Its file, with backslashes.
    pub file: Option<String>,
    /// Its language or scale.
    pub resource: Option<String>,
}

/// Reads a manifest. One without name, publisher and version in its identity is a fault.
pub fn manifest(bytes: &[u8]) -> (Manifest, Vec<Fault>) {
    let mut out = Manifest::default();
    let mut faults = Vec::new();
    let xml = xml::walk(bytes, &mut |node| match node {
        Node::Open(["Bundle"], _) => out.bundle = true,
        Node::Open(["Package" | "Bundle", "Identity"], attributes) => out.identity(&attributes),
        Node::Open(["Bundle", "Packages", "Package"], attributes) => {
            if out.packages.len() < MAX_PACKAGES {
                out.packages.push(bundled(&attributes));
            } else {
                note(&mut faults, At::Record("Packages".to_owned()), "too many packages in a bundle");
            }
        }
        Node::Leaf(["Package", "Properties", field], text) => out.property(field, text),
        _ => {}
    });
    if out.name.is_none() || out.publisher.is_none() || out.version.is_none() {
        note(&mut faults, At::Record("Identity".to_owned()), "without name, publisher or version");
    }
    for fault in xml {
        note(&mut faults, fault.at, fault.what);
    }
    (out, faults)
}

impl Manifest {
    fn identity(&mut self, attributes: &Attributes<'_>) {
        for (slot, name) in [
            (&mut self.name, "Name"),
            (&mut self.publisher, "Publisher"),
            (&mut self.version, "Version"),
            (&mut self.architecture, "ProcessorArchitecture"),
            (&mut self.resource, "ResourceId"),
        ] {
            if slot.is_none() {
                *slot = some(attributes, name);
            }
        }
    }

    fn property(&mut self, field: &str, text: &str) {
        let slot = match field {
            "DisplayName" => &mut self.display_name,
            "PublisherDisplayName" => &mut self.publisher_display_name,
            _ => return,
        };
        if !text.is_empty() {
            slot.get_or_insert_with(|| text.to_owned());
        }
    }
}

fn bundled(attributes: &Attributes<'_>) -> Bundled {
    Bundled {
        kind: some(attributes, "Type"),
        version: some(attributes, "Version"),
        architecture: some(attributes, "Architecture"),
        file: some(attributes, "FileName"),
        resource: some(attributes, "ResourceId"),
    }
}

fn some(attributes: &Attributes<'_>, name: &str) -> Option<String> {
    attributes.get(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = "\u{feff}<?xml version='1.0' encoding='utf-8'?><Package \
xmlns='http://schemas.microsoft.com/appx/manifest/foundation/windows10'><Identity Name='K.Lab' \
Publisher='CN=AO &quot;K&quot;, C=RU' Version='1.2.3.4' ProcessorArchitecture='x64'/><Properties>\
<DisplayName>K &amp; L</DisplayName><PublisherDisplayName>AO K</PublisherDisplayName></Properties>\
<Dependencies><x:Identity Name='other'/></Dependencies></Package>";
    const BUNDLE: &str = "<b:Bundle xmlns:b='x'><b:Identity Name='B' Publisher='CN=B' Version='1.0.0.0'/><b:Packages>\
<b:Package Type='application' Version='1.0.0.0' Architecture='x64' FileName='a\\b.appx'/><b:Package ResourceId='de'/>\
</b:Packages></b:Bundle>";

    #[test]
    fn a_package() {
        let (got, faults) = manifest(PACKAGE.as_bytes());
        assert_eq!(faults, []);
        assert_eq!(
            (got.bundle, got.name.as_deref(), got.version.as_deref()),
            (false, Some("K.Lab"), Some("1.2.3.4"))
        );
        assert_eq!(got.publisher.as_deref(), Some("CN=AO \"K\", C=RU"));
        assert_eq!((got.architecture.as_deref(), got.resource), (Some("x64"), None));
        assert_eq!(got.display_name.as_deref(), Some("K & L"));
        assert_eq!(got.publisher_display_name.as_deref(), Some("AO K"));
    }

    #[test]
    fn a_bundle() {
        let (got, faults) = manifest(BUNDLE.as_bytes());
        assert_eq!(faults, []);
        assert!(got.bundle && got.packages.len() == 2);
        assert_eq!(got.packages[0].file.as_deref(), Some("a\\b.appx"));
        assert_eq!(got.packages[1], Bundled { resource: Some("de".to_owned()), ..Bundled::default() });
    }

    #[test]
    fn cuts_bombs_and_strangers_are_faults() {
        for text in [PACKAGE, BUNDLE] {
            for cut in 0..text.len() {
                assert!(!manifest(&text.as_bytes()[..cut]).1.is_empty(), "cut at {cut}");
            }
        }
        for bad in [
            "<Package/>",
            "<Package><Identity Name='a' Version='1'/></Package>",
            "<Other><Identity Name='a' Publisher='b' Version='1'/></Other>",
            "<!DOCTYPE Package [<!ENTITY a 'lol'>]><Package><Identity Name='&a;' Publisher='b' Version='1'/></Package>",
        ] {
            assert!(!manifest(bad.as_bytes()).1.is_empty(), "{bad}");
        }
        let many = BUNDLE.replace("<b:Package ResourceId='de'/>", &"<b:Package/>".repeat(5000));
        let (got, faults) = manifest(many.as_bytes());
        assert!(got.packages.len() == MAX_PACKAGES && !faults.is_empty());
    }
}
