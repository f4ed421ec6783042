//! Certificates in a file of a trust store: blocks of PEM (RFC 7468) among any text, or one certificate in DER.
//!
//! Called by the source `trust-anchors`. Must not know in which store the file lies. Blocks of other things (keys, lists
//! of revocation) are passed over and never decoded.

use ct_codecs::Base64;
use ct_codecs::Decoder;
use memchr::memmem;

use crate::parse::At;
use crate::parse::MAX_FAULTS;
use crate::parse::Parsed;
use crate::parse::text;
use crate::parse::x509::Certificate;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
/// Labels of certificates: RFC 7468 section 5, and those of OpenSSL, whose "trusted" ones have more behind the certificate.
const LABELS: &[&[u8]] = &[b"CERTIFICATE-----", b"X509 CERTIFICATE-----", b"TRUSTED CERTIFICATE-----"];
/// Certificates that are read of one file; the bundle of all that browsers trust has some 150.
const MAX_CERTIFICATES: usize = 10_000;
/// A SEQUENCE, which every certificate is.
const SEQUENCE: u8 = 0x30;

/// Certificates of a file. One that holds none is at fault.
pub fn certificates(bytes: &[u8]) -> Parsed<Certificate> {
    let mut out = Parsed::default();
    if bytes.first() == Some(&SEQUENCE) {
        match Certificate::read(bytes) {
            Ok(certificate) => out.records.push(certificate),
            Err(fault) => out.faults.push(fault),
        }
        return out;
    }
    let mut at = 0_usize;
    // A line is looked up for each fault: a file that has nothing else must not cost more than those that are told.
    while let Some(begin) = next(bytes, at, BEGIN).filter(|_| out.faults.len() < MAX_FAULTS) {
        at = begin.saturating_add(BEGIN.len());
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(label) = LABELS.iter().find(|label| rest.starts_with(label)) else { continue };
        if out.records.len() >= MAX_CERTIFICATES {
            out.fault(At::Whole, format!("more than {MAX_CERTIFICATES} certificates"));
            break;
        }
        let body = at.saturating_add(label.len());
        let place = || At::Line(text::line_of(bytes, begin));
        let Some(end) = next(bytes, body, END) else {
            out.fault(At::Whole, "a certificate without an end");
            break;
        };
        at = end;
        let text = bytes.get(body..end).unwrap_or_default();
        match Base64::decode_to_vec(text, Some(b" \t\r\n")).map(|der| Certificate::read(&der)) {
            Ok(Ok(certificate)) => out.records.push(certificate),
            Ok(Err(fault)) => out.fault(place(), fault.what),
            Err(_) => out.fault(place(), "a certificate that is not in base64"),
        }
    }
    if out.records.is_empty() && out.faults.is_empty() {
        out.fault(At::Whole, "holds no certificate");
    }
    out
}

fn next(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    Some(memmem::find(bytes.get(from..)?, what)?.saturating_add(from))
}

#[cfg(test)]
pub(crate) mod tests {
    use ct_codecs::Encoder;

    use super::*;
    use crate::parse::keychain::tests::CERTIFICATE;

    /// Lines of 64 letters.
    fn encode(bytes: &[u8]) -> String {
        let text = Base64::encode_to_string(bytes).unwrap();
        let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
        lines.flat_map(|line| [line, "\n".into()]).collect()
    }

    pub(crate) fn block(label: &str, bytes: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", encode(bytes))
    }

    fn count(bytes: &[u8]) -> (usize, usize) {
        let got = certificates(bytes);
        (got.records.len(), got.faults.len())
    }

    #[test]
    fn blocks_among_text_and_one_in_der() {
        let trusted = [CERTIFICATE, b"\x30\x03\x02\x01\x00"].concat();
        let text = [
            "# a comment\n".to_owned(),
            block("CERTIFICATE", CERTIFICATE),
            block("PRIVATE KEY", b"secret"),
            block("TRUSTED CERTIFICATE", &trusted).replace('\n', "\r\n"),
        ]
        .concat();
        let got = certificates(text.as_bytes());
        assert_eq!(got.faults, []);
        let prints: Vec<_> = got.records.iter().map(Certificate::thumbprint).collect();
        let want = Certificate::read(CERTIFICATE).unwrap();
        assert_eq!(prints, [want.thumbprint(), want.thumbprint()]);
        assert_eq!(certificates(CERTIFICATE).records, [want]);
    }

    #[test]
    fn what_is_none_is_at_fault_and_hides_no_other() {
        for none in [&b""[..], b"hello", b"\x30\x03\x02\x01\x00", b"\xFF\xFE-\0"] {
            assert_eq!(count(none), (0, 1));
        }
        let sound = block("CERTIFICATE", CERTIFICATE);
        let text = format!("-----BEGIN CERTIFICATE-----\n***\n-----END CERTIFICATE-----\n{sound}");
        assert_eq!(count(text.as_bytes()), (1, 1));
        assert_eq!(count(format!("{}{sound}", block("CERTIFICATE", b"abc")).as_bytes()), (1, 1));
        assert_eq!(count(b"-----BEGIN CERTIFICATE-----\nQUJ\xCC"), (0, 1));
    }

    #[test]
    fn a_cut_file_is_never_whole() {
        let sound = block("CERTIFICATE", CERTIFICATE);
        let end = sound.find("-----END").unwrap();
        for cut in 0..end {
            assert_eq!(count(&sound.as_bytes()[..cut]), (0, 1), "cut at {cut}");
        }
        for cut in 0..CERTIFICATE.len() {
            assert_eq!(count(&CERTIFICATE[..cut]), (0, 1), "cut at {cut}");
        }
    }

    #[test]
    fn a_file_of_many_ends() {
        let noise = b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n".repeat(20_000);
        assert_eq!(count(&noise), (0, MAX_FAULTS));
        assert_eq!(count(&b"-----BEGIN ".repeat(100_000)), (0, 1));
    }
}
