//! A certificate as Windows keeps it in the registry
//! (`SystemCertificates\<store>\Certificates\<thumbprint>`, value `Blob`): a list of properties,
//! of which one is the certificate. Format: [MS-GPEF] 2.2.1.2.3 and `wincrypt.h` for the numbers.
//!
//! Called by the source of certificates, and by whoever needs the target's roots. Must not know
//! what store it came from.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::Parsed;
use crate::parse::bytes::le32;
use crate::parse::bytes::to_usize;
use crate::parse::chain::Anchor;
use crate::parse::der;
use crate::parse::x509;
use crate::parse::x509::CODE_SIGNING;
use crate::parse::x509::Certificate;

/// Properties of one certificate; real ones have up to 20.
const MAX_PROPERTIES: usize = 256;
/// Longest friendly name that is kept, in bytes.
const MAX_NAME: usize = 1024;

/// `CERT_…_PROP_ID` of `wincrypt.h`.
mod property {
    pub(super) const SHA1: u32 = 3;
    pub(super) const USAGES: u32 = 9;
    pub(super) const FRIENDLY_NAME: u32 = 11;
    pub(super) const CERTIFICATE: u32 = 32;
    pub(super) const DISALLOWED_TIME: u32 = 104;
    pub(super) const DISALLOWED_USAGES: u32 = 122;
    pub(super) const NOT_BEFORE_TIME: u32 = 126;
    pub(super) const NOT_BEFORE_USAGES: u32 = 127;
}

/// A certificate of a store, and what its store adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCertificate {
    /// The certificate itself.
    pub certificate: Certificate,
    /// A name that an administrator or Microsoft gave it.
    pub friendly_name: Option<String>,
    /// What the store believes it for, as dotted identifiers; `None`: for all it says itself.
    pub usages: Option<Vec<String>>,
    /// From when on the store does not believe it, in seconds since 1970, and for what.
    disallowed: Limit,
    /// The same for certificates that it issued from then on.
    not_before: Limit,
}

/// A day, and the purposes for which it ends something; without them all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Limit {
    from: Option<i64>,
    usages: Option<Vec<String>>,
}

impl Limit {
    /// `Some(when)` if it is about code: `i64::MIN` when from ever on.
    fn of_code(&self) -> Option<i64> {
        match (&self.usages, self.from) {
            (Some(usages), _) if !usages.iter().any(|usage| usage == CODE_SIGNING) => None,
            (Some(_), None) => Some(i64::MIN),
            (_, from) => from,
        }
    }
}

impl StoredCertificate {
    /// As a root for code, if it was found in a store of roots; `None` when the store does not
    /// believe it for code at all.
    pub fn anchor(&self) -> Option<Anchor> {
        if self.usages.as_ref().is_some_and(|usages| !usages.iter().any(|usage| usage == CODE_SIGNING)) {
            return None;
        }
        let end = self.disallowed.of_code().into_iter().chain(self.not_before.of_code()).min();
        if end == Some(i64::MIN) {
            return None;
        }
        Anchor::target(&self.certificate, end)
    }
}

/// Reads a blob: one record, or none with the reason among the faults.
pub fn read(blob: &[u8]) -> Parsed<StoredCertificate> {
    let mut out = Parsed::default();
    let mut found = Properties::default();
    let mut at = 0_usize;
    for _ in 0..MAX_PROPERTIES {
        let Some(rest) = blob.get(at..).filter(|rest| !rest.is_empty()) else { break };
        let (Some(id), Some(length)) = (le32(rest, 0), le32(rest, 8)) else {
            out.fault(At::Offset(at as u64), format!("{} bytes are no property", rest.len()));
            break;
        };
        let Some(value) = rest.get(12..).and_then(|rest| rest.get(..to_usize(length))) else {
            out.fault(At::Offset(at as u64), format!("property {id} of {length} bytes is cut"));
            break;
        };
        found.take(id, value);
        at = at.saturating_add(12).saturating_add(value.len());
    }
    match found.finish() {
        Ok((stored, doubt)) => {
            out.records.push(stored);
            out.faults.extend(doubt);
        }
        Err(fault) => out.faults.push(fault),
    }
    out
}

/// The properties that we know, of each the last.
#[derive(Default)]
struct Properties<'a> {
    certificate: Option<&'a [u8]>,
    sha1: Option<&'a [u8]>,
    friendly_name: Option<&'a [u8]>,
    usages: Option<Vec<String>>,
    disallowed: Limit,
    not_before: Limit,
}

impl<'a> Properties<'a> {
    fn take(&mut self, id: u32, value: &'a [u8]) {
        match id {
            property::CERTIFICATE => self.certificate = Some(value),
            property::SHA1 => self.sha1 = Some(value),
            property::FRIENDLY_NAME => self.friendly_name = Some(value),
            property::USAGES => self.usages = usages(value),
            property::DISALLOWED_TIME => self.disallowed.from = file_time(value),
            property::DISALLOWED_USAGES => self.disallowed.usages = usages(value),
            property::NOT_BEFORE_TIME => self.not_before.from = file_time(value),
            property::NOT_BEFORE_USAGES => self.not_before.usages = usages(value),
            _ => {}
        }
    }

    fn finish(self) -> Result<(StoredCertificate, Option<Fault>), Fault> {
        let bytes = self.certificate.ok_or_else(|| Fault::new(At::Whole, "holds no certificate"))?;
        let certificate = Certificate::read(bytes)?;
        let other =
            self.sha1.is_some_and(|sha1| x509::hex(sha1).to_ascii_uppercase() != certificate.thumbprint());
        let doubt =
            other.then(|| Fault::new(At::Record("property 3".to_owned()), "is another certificate's SHA-1"));
        let stored = StoredCertificate {
            certificate,
            friendly_name: self.friendly_name.and_then(friendly),
            usages: self.usages,
            disallowed: self.disallowed,
            not_before: self.not_before,
        };
        Ok((stored, doubt))
    }
}

fn usages(value: &[u8]) -> Option<Vec<String>> {
    der::first(value).map(|list| x509::usages(&list))
}

/// UTF-16 with a zero behind it.
fn friendly(value: &[u8]) -> Option<String> {
    let units = value.get(..MAX_NAME).unwrap_or(value).chunks_exact(2);
    let units: Vec<u16> =
        units.filter_map(|two| two.first_chunk::<2>().copied()).map(u16::from_le_bytes).collect();
    let text = String::from_utf16_lossy(&units);
    let text = text.split('\0').next().unwrap_or_default();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A `FILETIME`, 100 nanoseconds since 1601, as seconds since 1970.
fn file_time(value: &[u8]) -> Option<i64> {
    let ticks = u64::from_le_bytes(*value.first_chunk::<8>()?);
    Some(i64::try_from(ticks / 10_000_000).ok()? - 11_644_473_600)
}

#[cfg(test)]
#[path = "certificate_store_tests.rs"]
mod tests;
