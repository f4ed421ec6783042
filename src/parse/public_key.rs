//! Hashes and the check of one signature by one public key; `ring` does the arithmetic.
//! Formats: `SubjectPublicKeyInfo` and `AlgorithmIdentifier` of RFC 5280 and RFC 4055.
//!
//! Called by the readers of certificates and signatures beside it. Must not know who signed what.

use ring::digest;
use ring::rsa::PublicKeyComponents;
use ring::signature;
use ring::signature::EcdsaVerificationAlgorithm;
use ring::signature::RsaParameters;
use ring::signature::UnparsedPublicKey;
use std::fmt;

use crate::parse::der;
use crate::parse::der::Tlv;
use crate::parse::der::tag;
use crate::parse::oid;

/// A hash that signatures of files use. MD5 is none: it can be forged, and `ring` has it not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1: forged with effort, but all that Windows XP and 7 knew.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// From the contents of an object identifier: of a hash, or of a signature by RSA over one
    /// (some tools wrote that instead).
    pub(crate) fn from_oid(id: &[u8]) -> Option<Self> {
        Some(match id {
            oid::SHA1 | oid::RSA_SHA1 | oid::RSA_SHA1_OIW => Self::Sha1,
            oid::SHA256 | oid::RSA_SHA256 | oid::ECDSA_SHA256 => Self::Sha256,
            oid::SHA384 | oid::RSA_SHA384 | oid::ECDSA_SHA384 => Self::Sha384,
            oid::SHA512 | oid::RSA_SHA512 => Self::Sha512,
            _ => return None,
        })
    }

    /// The hash of bytes in memory.
    pub(crate) fn of(self, bytes: &[u8]) -> Vec<u8> {
        digest::digest(self.ring(), bytes).as_ref().to_vec()
    }

    /// A hash over pieces.
    pub(crate) fn start(self) -> digest::Context {
        digest::Context::new(self.ring())
    }

    fn ring(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Checked, and not by this key over these bytes.
    Wrong,
    /// Not checked: an algorithm or a key that we do not take. Says which.
    Unsupported(String),
}

/// How bytes were signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scheme<'a> {
    /// `AlgorithmIdentifier` of the signature.
    pub(crate) algorithm: Tlv<'a>,
    /// The hash that is named apart from it, in PKCS#7.
    pub(crate) hash: Option<Hash>,
}

impl Scheme<'_> {
    /// The hash that goes into the signature.
    fn hash(&self) -> Option<Hash> {
        let mut inside = self.algorithm.inside();
        let id = inside.field(tag::OID)?.body;
        if id == oid::RSA_PSS {
            // RSASSA-PSS-params: [0] holds the hash; without it SHA-1 (RFC 4055, 3.1).
            let params = inside.field(tag::SEQUENCE)?;
            let Some(hash) = params.inside().field(tag::context(0)) else { return Some(Hash::Sha1) };
            return Hash::from_oid(hash.inside().field(tag::SEQUENCE)?.inside().field(tag::OID)?.body);
        }
        Hash::from_oid(id).or(self.hash)
    }

    fn is_pss(&self) -> bool {
        self.algorithm.inside().field(tag::OID).is_some_and(|id| id.body == oid::RSA_PSS)
    }
}

/// Checks `signature` over `message` by the key of a `SubjectPublicKeyInfo`.
pub(crate) fn check(
    key: &Tlv<'_>,
    scheme: &Scheme<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Refusal> {
    let named =
        |tlv: &Tlv<'_>| tlv.inside().field(tag::OID).map(|id| der::dotted(id.body)).unwrap_or_default();
    let unsupported = || Refusal::Unsupported(format!("signature algorithm {}", named(&scheme.algorithm)));
    let hash = scheme.hash().ok_or_else(unsupported)?;
    let mut inside = key.inside();
    let kind = inside.field(tag::SEQUENCE);
    let bits = inside.field(tag::BIT_STRING).and_then(|bits| bits.body.split_first());
    let (Some(kind), Some((_, bits))) = (kind, bits) else {
        return Err(Refusal::Unsupported("a public key that is none".to_owned()));
    };
    let mut kind_inside = kind.inside();
    let checked = match kind_inside.field(tag::OID).map(|id| id.body) {
        Some(oid::RSA | oid::RSA_PSS) => {
            let parameters = rsa(hash, scheme.is_pss()).ok_or_else(unsupported)?;
            let key =
                rsa_key(bits).ok_or_else(|| Refusal::Unsupported("an RSA key that is none".to_owned()))?;
            let least = if scheme.is_pss() || hash == Hash::Sha384 { 2048 } else { 1024 };
            sized(&key, least)?;
            key.verify(parameters, message, signature)
        }
        Some(oid::EC_KEY) => {
            let curve = kind_inside.field(tag::OID).map(|id| id.body).unwrap_or_default();
            let algorithm = ecdsa(curve, hash)
                .ok_or_else(|| Refusal::Unsupported(format!("curve {} with {hash}", der::dotted(curve))))?;
            UnparsedPublicKey::new(algorithm, bits).verify(message, signature)
        }
        _ => return Err(Refusal::Unsupported(format!("public key of kind {}", named(&kind)))),
    };
    checked.map_err(|_| Refusal::Wrong)
}

/// Refuses keys that `ring` would not look at: it answers alike for them and for a wrong
/// signature. Shorter keys than 1,024 bits were factored, and malware signed with them in 2011.
fn sized(key: &PublicKeyComponents<&[u8]>, least: usize) -> Result<(), Refusal> {
    let bits = key.n.len().saturating_mul(8);
    if (least..=8192).contains(&bits) {
        return Ok(());
    }
    Err(Refusal::Unsupported(format!("RSA key of {bits} bits")))
}

fn rsa(hash: Hash, pss: bool) -> Option<&'static RsaParameters> {
    Some(match (hash, pss) {
        (Hash::Sha1, false) => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (Hash::Sha256, false) => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Hash::Sha384, false) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (Hash::Sha512, false) => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Hash::Sha256, true) => &signature::RSA_PSS_2048_8192_SHA256,
        (Hash::Sha384, true) => &signature::RSA_PSS_2048_8192_SHA384,
        (Hash::Sha512, true) => &signature::RSA_PSS_2048_8192_SHA512,
        (Hash::Sha1, true) => return None,
    })
}

fn ecdsa(curve: &[u8], hash: Hash) -> Option<&'static EcdsaVerificationAlgorithm> {
    Some(match (curve, hash) {
        (oid::P256, Hash::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (oid::P256, Hash::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (oid::P384, Hash::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (oid::P384, Hash::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        _ => return None,
    })
}

/// Modulus and exponent, whatever zeros stand before them: `ring`'s own reader wants DER.
fn rsa_key(bits: &[u8]) -> Option<PublicKeyComponents<&[u8]>> {
    let mut numbers = der::first(bits)?.inside();
    let mut number = || {
        let body = numbers.field(tag::INTEGER)?.body;
        let start = body.iter().position(|byte| *byte != 0)?;
        body.get(start..)
    };
    Some(PublicKeyComponents { n: number()?, e: number()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_published_ones() {
        let hex = crate::parse::x509::hex;
        assert_eq!(hex(&Hash::Sha1.of(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(hex(&Hash::Sha256.of(b"abc")).starts_with("ba7816bf8f01cfea"));
        assert!(hex(&Hash::Sha384.of(b"abc")).starts_with("cb00753f45a35e8b"));
        assert!(hex(&Hash::Sha512.of(b"abc")).starts_with("ddaf35a193617aba"));
    }

    #[test]
    fn what_is_not_supported_is_not_wrong() {
        let tlv = |bytes: &'static [u8]| der::first(bytes).unwrap();
        // MD5 with RSA.
        let md5 = tlv(b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04\x05\0");
        let scheme = Scheme { algorithm: md5, hash: None };
        let answer = check(&tlv(b"\x30\0"), &scheme, b"", b"");
        assert_eq!(answer, Err(Refusal::Unsupported("signature algorithm 1.2.840.113549.1.1.4".to_owned())));
        let sha256 = tlv(b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b");
        let scheme = Scheme { algorithm: sha256, hash: None };
        let no_key = check(&tlv(b"\x30\0"), &scheme, b"", b"");
        assert!(matches!(no_key, Err(Refusal::Unsupported(_))), "{no_key:?}");
        let short: &[u8] = b"\x30\x1b\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\0\
            \x03\x0a\0\x30\x07\x02\x02\0\xff\x02\x01\x03";
        let short = check(&der::first(short).unwrap(), &scheme, b"", b"");
        assert_eq!(short, Err(Refusal::Unsupported("RSA key of 8 bits".to_owned())));
    }
}
