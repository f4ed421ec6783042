//! Names of MSIX packages: `Name_Version_Architecture_ResourceId_PublisherId`, the family name, and
//! the publisher id that Windows makes of the publisher's distinguished name.
//! Format: "Package identity", Windows app documentation; the id as [MS-APPX] 2.1 has it.
//!
//! Called by the source `appx`. Must not know the registry nor manifests.

use sha2::Digest as _;
use sha2::Sha256;

/// Letters of a publisher id: Crockford's base 32, lower-case.
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Length of a publisher id.
const ID: usize = 13;
/// Longest full name: `PACKAGE_FULL_NAME_MAX_LENGTH`.
const MAX: usize = 127;

/// A package's full name, in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullName<'a> {
    /// `Microsoft.WindowsCalculator`
    pub name: &'a str,
    /// Four numbers: `10.1906.55.0`.
    pub version: &'a str,
    /// `x64`, `x86`, `arm`, `arm64`, `neutral`; `x86a64`.
    pub architecture: &'a str,
    /// Language or scale of a resource package, `~` for a bundle, empty for the main package.
    pub resource: &'a str,
    /// Thirteen letters made of the publisher's name.
    pub publisher_id: &'a str,
}

impl FullName<'_> {
    /// `Name_PublisherId`: the same for all versions of a package.
    pub fn family(&self) -> String {
        format!("{}_{}", self.name, self.publisher_id)
    }

    /// A part of another package: its language or its pictures for a screen.
    pub fn is_resource(&self) -> bool {
        !matches!(self.resource, "" | "~")
    }
}

/// Splits a full name. `None` for what is not one.
pub fn full_name(text: &str) -> Option<FullName<'_>> {
    if text.chars().count() > MAX {
        return None;
    }
    let mut parts = text.split('_');
    let name = parts.next().filter(|name| is_name(name))?;
    let version = parts.next().filter(|version| is_version(version))?;
    let architecture =
        parts.next().filter(|arch| !arch.is_empty() && arch.bytes().all(|c| c.is_ascii_alphanumeric()))?;
    let (resource, publisher_id) = (parts.next()?, parts.next().filter(|id| is_publisher_id(id))?);
    if parts.next().is_some() {
        return None;
    }
    Some(FullName { name, version, architecture, resource, publisher_id })
}

/// Splits a family name into name and publisher id. `None` for what is not one.
pub fn family_name(text: &str) -> Option<(&str, &str)> {
    let (name, id) = text.split_once('_')?;
    (is_name(name) && is_publisher_id(id)).then_some((name, id))
}

/// The publisher id: the first 64 bits of the SHA-256 of the name in UTF-16, one zero bit, in fives.
///
/// The distinguished name is taken as the manifest has it: `CN=…, O=…, C=…`.
pub fn publisher_id(publisher: &str) -> String {
    let mut hash = Sha256::new();
    for unit in publisher.encode_utf16() {
        hash.update(unit.to_le_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let bits = digest.iter().take(8).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte)) << 1;
    (0..ID)
        .rev()
        .filter_map(|five| usize::try_from(bits >> (five * 5) & 0x1f).ok())
        .filter_map(|letter| BASE32.get(letter))
        .map(|&letter| char::from(letter))
        .collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'))
}

fn is_version(version: &str) -> bool {
    version.split('.').count() == 4
        && version.split('.').all(|n| !n.is_empty() && n.bytes().all(|c| c.is_ascii_digit()))
}

fn is_publisher_id(id: &str) -> bool {
    id.len() == ID && id.bytes().all(|c| BASE32.contains(&c.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publisher_ids_of_microsoft() {
        for (publisher, id) in [
            (
                "CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US",
                "8wekyb3d8bbwe",
            ),
            ("CN=Microsoft Windows, O=Microsoft Corporation, L=Redmond, S=Washington, C=US", "cw5n1h2txyewy"),
        ] {
            assert_eq!(publisher_id(publisher), id);
            assert!(is_publisher_id(id));
        }
        assert_ne!(publisher_id("CN=AO Kaspersky Lab"), publisher_id("CN=AO Kaspersky Lab "));
    }

    #[test]
    fn full_names() {
        let got = full_name("Microsoft.WindowsCalculator_10.1906.55.0_x64__8wekyb3d8bbwe").unwrap();
        assert_eq!((got.name, got.version), ("Microsoft.WindowsCalculator", "10.1906.55.0"));
        assert_eq!((got.architecture, got.resource, got.is_resource()), ("x64", "", false));
        assert_eq!(got.family(), "Microsoft.WindowsCalculator_8wekyb3d8bbwe");
        assert_eq!(family_name(&got.family()), Some(("Microsoft.WindowsCalculator", "8wekyb3d8bbwe")));
        assert!(full_name("A_1.0.0.0_neutral_split.language-de_8wekyb3d8bbwe").unwrap().is_resource());
        assert!(!full_name("A_1.0.0.0_neutral_~_8wekyb3d8bbwe").unwrap().is_resource());
    }

    #[test]
    fn what_is_no_name() {
        for bad in [
            "",
            "A_1.0.0.0_x64_8wekyb3d8bbwe",
            "A_1.0.0.0_x64__8wekyb3d8bbw",
            "A_1.0.0.0_x64__8wekyb3d8bbwu",
            "A_1.0.0_x64__8wekyb3d8bbwe",
            "A_1.0.0.x_x64__8wekyb3d8bbwe",
            "_1.0.0.0_x64__8wekyb3d8bbwe",
            "A b_1.0.0.0_x64__8wekyb3d8bbwe",
            "A_1.0.0.0_x64__8wekyb3d8bbwe_",
            "A_1.0.0.0___8wekyb3d8bbwe",
        ] {
            assert_eq!(full_name(bad), None, "{bad}");
        }
        assert_eq!(full_name(&format!("{}_1.0.0.0_x64__8wekyb3d8bbwe", "A".repeat(127))), None);
        for bad in ["", "A", "A_", "_8wekyb3d8bbwe", "A_1.0.0.0_8wekyb3d8bbwe"] {
            assert_eq!(family_name(bad), None, "{bad}");
        }
    }
}
