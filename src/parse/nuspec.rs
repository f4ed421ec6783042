//! `.nuspec`: what Chocolatey keeps of each installed package in `lib\<id>\<id>.nuspec`.
//! Format: `NuGet`, ".nuspec file reference"; any of its namespaces or none.
//!
//! Called by the source `chocolatey`. Must not know where the file lies.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::note;
use crate::parse::xml;
use crate::parse::xml::Node;

/// What a package says. `None`: it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nuspec {
    /// `<id>`
    pub id: Option<String>,
    /// `<version>`
    pub version: Option<String>,
    /// `<title>`, for people.
    pub title: Option<String>,
    /// `<authors>`: who made the software, comma-separated.
    pub authors: Option<String>,
    /// `<owners>`: who made the package.
    pub owners: Option<String>,
    /// `<projectUrl>`
    pub homepage: Option<String>,
}

/// Reads a package's metadata. A package without id or version is a fault.
pub fn nuspec(bytes: &[u8]) -> (Nuspec, Vec<Fault>) {
    let mut out = Nuspec::default();
    let mut faults = xml::walk(bytes, &mut |node| {
        let Node::Leaf(["package", "metadata", field], text) = node else { return };
        let slot = match *field {
            "id" => &mut out.id,
            "version" => &mut out.version,
            "title" => &mut out.title,
            "authors" => &mut out.authors,
            "owners" => &mut out.owners,
            "projectUrl" => &mut out.homepage,
            _ => return,
        };
        if !text.is_empty() {
            slot.get_or_insert_with(|| text.to_owned());
        }
    });
    for (field, value) in [("id", &out.id), ("version", &out.version)] {
        if value.is_none() {
            note(&mut faults, At::Record("metadata".to_owned()), format!("it has no {field}"));
        }
    }
    (out, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\u{feff}<?xml version='1.0'?><package xmlns='http://schemas.microsoft.com/packaging/2015/06/\
nuspec.xsd'><metadata><id>kvrt</id><version>20.0.1</version><title>K &amp; L</title><authors>AO K, L</authors>\
<owners>who</owners><description>long</description><projectUrl>https://k.example</projectUrl><dependencies>\
<dependency id='other' version='1'/></dependencies></metadata><files/></package>";

    #[test]
    fn a_sound_package() {
        let (got, faults) = nuspec(GOOD.as_bytes());
        assert_eq!(faults, []);
        assert_eq!((got.id.as_deref(), got.version.as_deref()), (Some("kvrt"), Some("20.0.1")));
        assert_eq!((got.title.as_deref(), got.authors.as_deref()), (Some("K & L"), Some("AO K, L")));
        assert_eq!(
            (got.owners.as_deref(), got.homepage.as_deref()),
            (Some("who"), Some("https://k.example"))
        );
    }

    #[test]
    fn every_cut_is_a_fault() {
        for cut in 0..GOOD.len() {
            assert!(!nuspec(&GOOD.as_bytes()[..cut]).1.is_empty(), "cut at {cut}");
        }
    }

    #[test]
    fn what_lacks_id_or_version_is_a_fault_beside_the_rest() {
        let (got, faults) = nuspec(b"<package><metadata><id>a</id><version> </version></metadata></package>");
        assert_eq!((got.id.as_deref(), faults.len()), (Some("a"), 1));
        assert_eq!(nuspec(b"<other><metadata><id>a</id><version>1</version></metadata></other>").1.len(), 2);
        assert!(!nuspec(b"hello world").1.is_empty());
    }
}
