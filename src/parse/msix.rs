//! MSIX packages and bundles as files: the manifest and the signature inside the archive.
//!
//! Called by the sources that find packages. Must not know where the file lies, nor who signed it:
//! the signature's bytes are handed on.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::appx_manifest;
use crate::parse::appx_manifest::Manifest;
use crate::parse::note;
use crate::parse::zip::Archive;
use crate::parse::zip::Entry;

/// Bytes of a manifest or a signature that are read.
const MAX_PART: usize = 4 << 20;
const SIGNATURE: &str = "AppxSignature.p7x";
const PACKAGE: &str = "AppxManifest.xml";
const BUNDLE: &str = "AppxMetadata/AppxBundleManifest.xml";

/// What a package file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Msix {
    /// The manifest of the package or bundle.
    pub manifest: Manifest,
    /// The signature: PKCS #7 in DER, without the mark before it. `None`: the package is not signed.
    pub signature: Option<Vec<u8>>,
}

/// Reads a package or bundle. An error means that it is none, or that its manifest cannot be read.
pub fn msix(src: &dyn ReadAt) -> Result<(Msix, Vec<Fault>), Fault> {
    let whole = |what: String| Fault::new(At::Whole, what);
    let archive = Archive::open(src).map_err(whole)?;
    let (mut package, mut bundle, mut signature) = (None, None, None);
    let walked = archive.entries(&mut |entry| {
        let slot = match entry.name.replace('\\', "/") {
            name if name.eq_ignore_ascii_case(PACKAGE) => &mut package,
            name if name.eq_ignore_ascii_case(BUNDLE) => &mut bundle,
            name if name.eq_ignore_ascii_case(SIGNATURE) => &mut signature,
            _ => return true,
        };
        slot.get_or_insert(entry);
        true
    });
    let part = |entry: &Entry| {
        archive.read(entry, MAX_PART).map_err(|what| Fault::new(At::Record(entry.name.clone()), what))
    };
    let Some(entry) = bundle.or(package) else {
        return Err(whole(walked.err().unwrap_or_else(|| "an archive without a manifest".to_owned())));
    };
    let (manifest, mut faults) = appx_manifest::manifest(&part(&entry)?);
    if let Err(what) = walked {
        note(&mut faults, At::Whole, what);
    }
    let mut out = Msix { manifest, signature: None };
    if let Some(entry) = signature {
        match part(&entry) {
            Ok(bytes) => match without_mark(&bytes) {
                Some(der) => out.signature = Some(der.to_vec()),
                None => note(&mut faults, At::Record(entry.name), "no signature: it lacks the mark PKCX"),
            },
            Err(fault) => note(&mut faults, fault.at, fault.what),
        }
    }
    Ok((out, faults))
}

/// The DER of an `AppxSignature.p7x`, in a package or where it is installed: what follows `PKCX`.
pub fn without_mark(p7x: &[u8]) -> Option<&[u8]> {
    p7x.strip_prefix(b"PKCX").filter(|der| !der.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::zip::tests::zip;

    const MANIFEST: &[u8] = b"<Package><Identity Name='K' Publisher='CN=K' Version='1.0.0.0'/></Package>";

    #[test]
    fn a_package_with_its_signature() {
        let bytes =
            zip(&[("x", b""), ("AppxManifest.xml", MANIFEST), ("AppxSignature.p7x", b"PKCXder")], true);
        let (got, faults) = msix(&bytes.as_slice()).unwrap();
        assert_eq!((got.manifest.name.as_deref(), got.signature.as_deref()), (Some("K"), Some(&b"der"[..])));
        assert_eq!(faults, []);
        let (got, _) = msix(&zip(&[("AppxManifest.xml", MANIFEST)], false).as_slice()).unwrap();
        assert_eq!(got.signature, None);
    }

    #[test]
    fn a_bundle_is_known_by_its_manifest() {
        let text = b"<Bundle><Identity Name='B' Publisher='CN=K' Version='1.0.0.0'/></Bundle>";
        let bytes =
            zip(&[("AppxMetadata\\AppxBundleManifest.xml", text), ("AppxManifest.xml", MANIFEST)], false);
        assert_eq!(msix(&bytes.as_slice()).unwrap().0.manifest.name.as_deref(), Some("B"));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let odd = zip(&[("AppxManifest.xml", MANIFEST), ("AppxSignature.p7x", b"der")], false);
        let (got, faults) = msix(&odd.as_slice()).unwrap();
        assert_eq!((got.signature, faults.len()), (None, 1));
        assert!(msix(&zip(&[("x", b"")], false).as_slice()).is_err());
        assert!(msix(&&b"PK"[..]).is_err());
        let long = vec![b' '; MAX_PART + 1];
        assert!(msix(&zip(&[("AppxManifest.xml", &long)], false).as_slice()).is_err());
        assert_eq!(without_mark(b"PKCX"), None);
    }
}
