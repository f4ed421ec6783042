//! PKCS#7 `SignedData` as files, catalogues and packages of Windows carry it: who signed, with
//! what, over what. Format: RFC 2315, and RFC 5652 for what came later.
//!
//! Called by [`crate::parse::authenticode`] and [`crate::parse::catalog`], and by sources of
//! formats that hold such a signature whole. Must not know what file it was found in.

use std::borrow::Cow;
use std::sync::Arc;

use crate::parse::At;
use crate::parse::Parsed;
use crate::parse::der;
use crate::parse::der::Reader;
use crate::parse::der::Tlv;
use crate::parse::der::tag;
use crate::parse::oid;
use crate::parse::public_key;
use crate::parse::public_key::Refusal;
use crate::parse::public_key::Scheme;
use crate::parse::spc;
use crate::parse::x509::Certificate;
use crate::parse::x509::Name;
use crate::parse::x509::hex;

pub use crate::parse::public_key::Hash;
pub use crate::parse::spc::FileDigest;

/// Signatures kept of one input, nested ones among them: real files have up to four.
const MAX_SIGNATURES: usize = 32;
/// Certificates read of one `SignedData`; real ones have up to ten.
const MAX_CERTIFICATES: usize = 64;
/// Longest certificate that is read; real ones have up to 8 KiB.
const MAX_CERTIFICATE: usize = 64 * 1024;
/// How deep signatures may lie in each other.
const MAX_DEPTH: u8 = 4;

/// One signature: one `SignerInfo` and the certificates beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The signing certificate; `None` when it is not among those that came along.
    pub certificate: Option<Certificate>,
    /// Issuer of the signing certificate, as the signature names it.
    pub issuer: Name,
    /// Its serial number, lower-case hexadecimal.
    pub serial: String,
    /// The hash that was signed; `None`: one that we do not compute, as MD5.
    pub hash: Option<Hash>,
    /// Digest of the file, where the signature is of a file.
    pub file_digest: Option<FileDigest>,
    /// `SpcSpOpusInfo`: what the signer calls the program. Signed, but only a claim.
    pub program_name: Option<String>,
    /// `SpcSpOpusInfo`: an address, mostly the maker's site.
    pub more_info: Option<String>,
    /// When a time stamp says that it was signed, seconds since 1970. Not checked: a hint.
    pub timestamp: Option<i64>,
    /// How many signatures it lies in; 0 for the outer one.
    pub depth: u8,
    /// Every certificate that came along, the signing one among them.
    pub certificates: Arc<[Certificate]>,
    proof: Proof,
}

/// What a check of the signature needs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Proof {
    /// Type and bytes of what was signed.
    content_type: Arc<[u8]>,
    content: Arc<[u8]>,
    /// Contents of the signed attributes, when there are any.
    attributes: Option<Vec<u8>>,
    /// `AlgorithmIdentifier` of the signature.
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

/// What a check of one signature says. It says nothing of who the signer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// The key of the signing certificate signed this content.
    Sound,
    /// It did not, or the signing certificate is missing; why, as a sentence part.
    Broken(String),
    /// Nobody can say here: an algorithm that is not supported; which.
    Unchecked(String),
}

impl Signature {
    /// Checks the content against the signed attributes, and these against the signature.
    ///
    /// Whether the content is that of the file is asked elsewhere.
    pub fn check(&self) -> Check {
        let broken = |why: &str| Check::Broken(why.to_owned());
        let Some(certificate) = &self.certificate else {
            return broken("its certificate is not there");
        };
        let Some(parts) = certificate.parts() else {
            return broken("its certificate cannot be read");
        };
        let Some(hash) = self.hash else {
            return Check::Unchecked("its hash is none of SHA-1, SHA-256, SHA-384 and SHA-512".to_owned());
        };
        let signed = match &self.proof.attributes {
            // Attributes must be there unless plain data is signed (RFC 2315, 9.2); else what was
            // signed for another purpose could pass for the digest of a file.
            None if self.file_digest.is_some() => return broken("it has no signed attributes"),
            None => self.proof.content.to_vec(),
            Some(attributes) => {
                if !self.proof.covers(attributes, hash) {
                    return broken("what it signs is not what lies in it");
                }
                // They are signed under the tag SET, and stand under [0] (RFC 2315, 9.3).
                der::encoded(tag::SET, attributes)
            }
        };
        let Some(algorithm) = der::first(&self.proof.algorithm) else {
            return broken("it names no algorithm");
        };
        let scheme = Scheme { algorithm, hash: Some(hash) };
        match public_key::check(&parts.key, &scheme, &signed, &self.proof.signature) {
            Ok(()) => Check::Sound,
            Err(Refusal::Wrong) => broken("it is not by the key of its certificate"),
            Err(Refusal::Unsupported(what)) => Check::Unchecked(format!("{what} is not supported")),
        }
    }
}

impl Proof {
    /// Whether signed attributes are about this content.
    fn covers(&self, attributes: &[u8], hash: Hash) -> bool {
        let digest = spc::attributes(attributes, oid::MESSAGE_DIGEST).next();
        let kind = spc::attributes(attributes, oid::CONTENT_TYPE).next();
        digest.is_some_and(|digest| digest.body == hash.of(&self.content))
            && kind.is_none_or(|kind| *kind.body == *self.content_type)
    }
}

/// Reads every signature of a PKCS#7 `ContentInfo`, nested ones behind those they lie in.
/// Bytes behind it, as padding, do not count.
pub fn read(bytes: &[u8]) -> Parsed<Signature> {
    read_over(bytes, None)
}

/// As [`read`]; where `detached` is given, it is what was signed, whatever lies in the signature (RFC 5652, 5.2).
pub(crate) fn read_over(bytes: &[u8], detached: Option<&[u8]>) -> Parsed<Signature> {
    let mut out = Parsed::default();
    let mut open = vec![(bytes.to_vec(), 0)];
    while let Some((bytes, depth)) = open.pop() {
        let Some(data) = SignedData::read(&bytes) else {
            out.fault(At::Whole, format!("{} bytes are no PKCS#7 SignedData", bytes.len()));
            continue;
        };
        let pool = data.pool();
        let own = || data.content.map(|content| content.octets()).unwrap_or_default();
        let content: Arc<[u8]> = Arc::from(detached.map_or_else(own, Cow::Borrowed));
        let kind: Arc<[u8]> = Arc::from(data.content_type);
        let mut signers = 0;
        for info in data.signers.filter(|info| info.tag == tag::SEQUENCE) {
            signers += 1;
            if out.records.len() + open.len() >= MAX_SIGNATURES {
                out.fault(At::Whole, format!("has more than {MAX_SIGNATURES} signatures"));
                return out;
            }
            let Some(info) = SignerInfo::read(&info) else {
                out.fault(At::Record(format!("signer {signers}")), "is no SignerInfo");
                continue;
            };
            let nested = spc::attributes(info.unsigned, oid::SPC_NESTED_SIGNATURE);
            let nested: Vec<_> =
                nested.take(MAX_SIGNATURES).map(|tlv| (tlv.whole.to_vec(), depth + 1)).collect();
            out.records.push(info.signature(&(Arc::clone(&kind), Arc::clone(&content)), &pool, depth));
            if depth < MAX_DEPTH {
                open.extend(nested.into_iter().rev());
            } else if !nested.is_empty() {
                out.fault(At::Whole, format!("signatures lie in each other over {MAX_DEPTH} deep"));
            }
        }
        if signers == 0 {
            out.fault(At::Whole, "a SignedData without a signer");
        }
    }
    out
}

/// Type and contents of what a PKCS#7 signs.
pub(crate) fn content(bytes: &[u8]) -> Option<(&[u8], Tlv<'_>)> {
    let data = SignedData::read(bytes)?;
    Some((data.content_type, data.content?))
}

/// The fields of a `SignedData`.
struct SignedData<'a> {
    content_type: &'a [u8],
    /// The value inside `[0]`; its contents are what is signed (RFC 2315, 9.3).
    content: Option<Tlv<'a>>,
    certificates: Option<Tlv<'a>>,
    signers: Reader<'a>,
}

impl<'a> SignedData<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut outer = der::first(bytes)?.inside();
        outer.field(tag::OID).filter(|id| id.body == oid::SIGNED_DATA)?;
        let mut data = outer.field(tag::context(0))?.inside().field(tag::SEQUENCE)?.inside();
        data.field(tag::INTEGER)?;
        data.field(tag::SET)?;
        let mut holder = data.field(tag::SEQUENCE)?.inside();
        let content_type = holder.field(tag::OID)?.body;
        let content = holder.field(tag::context(0)).and_then(|holder| holder.inside().next());
        let certificates = data.field(tag::context(0));
        let _revocations = data.field(tag::context(1));
        let signers = data.field(tag::SET)?.inside();
        Some(Self { content_type, content, certificates, signers })
    }

    fn pool(&self) -> Arc<[Certificate]> {
        let certificates = self.certificates.iter().flat_map(Tlv::inside);
        let certificates = certificates.filter(|tlv| tlv.whole.len() <= MAX_CERTIFICATE);
        certificates.take(MAX_CERTIFICATES).filter_map(|tlv| Certificate::read(tlv.whole).ok()).collect()
    }
}

/// The fields of a `SignerInfo`.
struct SignerInfo<'a> {
    /// Issuer and serial number, or `[0]` key identifier.
    id: Tlv<'a>,
    hash: Option<Hash>,
    attributes: Option<&'a [u8]>,
    algorithm: Tlv<'a>,
    signature: Tlv<'a>,
    unsigned: &'a [u8],
}

impl<'a> SignerInfo<'a> {
    fn read(info: &Tlv<'a>) -> Option<Self> {
        let mut inside = info.inside();
        inside.field(tag::INTEGER)?;
        let id = inside.next()?;
        let hash = Hash::from_oid(inside.field(tag::SEQUENCE)?.inside().field(tag::OID)?.body);
        let attributes = inside.field(tag::context(0)).map(|set| set.body);
        let algorithm = inside.field(tag::SEQUENCE)?;
        let signature = inside.field(tag::OCTET_STRING)?;
        let unsigned = inside.field(tag::context(1)).map(|set| set.body).unwrap_or_default();
        Some(Self { id, hash, attributes, algorithm, signature, unsigned })
    }

    fn signature(
        &self,
        (content_type, content): &(Arc<[u8]>, Arc<[u8]>),
        pool: &Arc<[Certificate]>,
        depth: u8,
    ) -> Signature {
        let (issuer, serial) = self.issuer_and_serial();
        let opus = spc::attributes(self.attributes.unwrap_or_default(), oid::SPC_OPUS_INFO).next();
        let (program_name, more_info) = opus.map(|info| spc::opus(&info)).unwrap_or_default();
        let is_file = **content_type == *oid::SPC_INDIRECT_DATA;
        Signature {
            certificate: pool.iter().find(|one| self.is_by(one, &issuer, &serial)).cloned(),
            issuer,
            serial,
            hash: self.hash,
            file_digest: is_file.then(|| spc::indirect(content)).flatten(),
            program_name,
            more_info,
            timestamp: self.timestamp(),
            depth,
            certificates: Arc::clone(pool),
            proof: Proof {
                content_type: Arc::clone(content_type),
                content: Arc::clone(content),
                attributes: self.attributes.map(<[u8]>::to_vec),
                algorithm: self.algorithm.whole.to_vec(),
                signature: self.signature.body.to_vec(),
            },
        }
    }

    fn issuer_and_serial(&self) -> (Name, String) {
        let mut inside = self.id.inside();
        let issuer = inside.field(tag::SEQUENCE).map(|name| Name::read(name.body));
        let serial = inside.field(tag::INTEGER).map(|serial| hex(serial.body));
        (issuer.unwrap_or_default(), serial.unwrap_or_default())
    }

    fn is_by(&self, certificate: &Certificate, issuer: &Name, serial: &str) -> bool {
        if self.id.tag == tag::plain(0) {
            return certificate.key_id() == Some(self.id.body);
        }
        // Some tools wrote the number with more zeros before it than the certificate has.
        let bare = |serial: &str| serial.trim_start_matches('0').to_owned();
        bare(&certificate.serial) == bare(serial) && certificate.issuer.same(issuer)
    }

    /// Time of a stamp of RFC 3161, else of a countersignature of PKCS#9.
    fn timestamp(&self) -> Option<i64> {
        let token = spc::attributes(self.unsigned, oid::SPC_RFC3161).next().and_then(|token| {
            let data = SignedData::read(token.whole)?;
            (data.content_type == oid::TST_INFO).then(|| spc::token_time(&data.content?))?
        });
        token.or_else(|| {
            let info = spc::attributes(self.unsigned, oid::COUNTER_SIGNATURE).next()?;
            let signed = SignerInfo::read(&info)?.attributes?;
            der::time(&spc::attributes(signed, oid::SIGNING_TIME).next()?)
        })
    }
}
