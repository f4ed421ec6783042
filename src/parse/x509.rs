//! One X.509 certificate: names, validity, what it may be used for, and the parts that a
//! check of its signature needs. Format: RFC 5280, section 4.
//!
//! Called by the readers of signatures, catalogues and certificate stores, by
//! [`crate::parse::chain`], and by sources that list certificates. Must not know who is trusted.

use ct_codecs::Encoder as _;
use ct_codecs::Hex;
use std::fmt;

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::der;
use crate::parse::der::Reader;
use crate::parse::der::Tlv;
use crate::parse::der::tag;
use crate::parse::oid;
use crate::parse::public_key::Hash;

/// Parts of one name, purposes of one certificate: more are not kept.
const MAX_LIST: usize = 64;

/// A distinguished name: who a certificate is for, or who issued it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// Its parts in the order of the certificate, mostly from the country down.
    pub parts: Vec<NamePart>,
    /// The bytes of its parts: what issuer and subject are compared by first.
    pub(crate) der: Vec<u8>,
}

/// One part of a distinguished name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePart {
    /// "CN", "O", "OU", … or the dotted object identifier of a kind without a short name.
    pub kind: String,
    /// The text, whatever string type it was written in.
    pub value: String,
}

impl Name {
    /// From the contents of the `SEQUENCE` of a name.
    pub(crate) fn read(body: &[u8]) -> Self {
        let parts = Reader::new(body).flat_map(|set| set.inside()).filter_map(|part| {
            let mut inside = part.inside();
            let kind = inside.field(tag::OID)?;
            let value = inside.next()?.text();
            let kind = oid::name_part(kind.body).map_or_else(|| der::dotted(kind.body), str::to_owned);
            Some(NamePart { kind, value })
        });
        Self { parts: parts.take(MAX_LIST).collect(), der: body.to_vec() }
    }

    /// The last part of a kind: the one that people see.
    pub fn part(&self, kind: &str) -> Option<&str> {
        self.parts.iter().rev().find(|part| part.kind == kind).map(|part| part.value.as_str())
    }

    /// `CN`: of a signer mostly the legal name of the firm.
    pub fn common_name(&self) -> Option<&str> {
        self.part("CN")
    }

    /// `O`.
    pub fn organization(&self) -> Option<&str> {
        self.part("O")
    }

    /// What a person would call it: common name, else unit (old roots have no other), else firm.
    pub fn shown(&self) -> &str {
        self.common_name().or(self.part("OU")).or(self.organization()).unwrap_or_default()
    }

    /// Whether two names mean the same (RFC 5280, 7.1): letter case, blanks and the type of
    /// string do not count. Who is named alike is still asked for the signature.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.der == other.der || (!self.parts.is_empty() && self.folded() == other.folded())
    }

    /// Whether the parts of `upper` are the first of this name.
    pub(crate) fn is_below(&self, upper: &Self) -> bool {
        self.folded().starts_with(&upper.folded())
    }

    /// The key under which names that are the [`same`](Self::same) are found.
    pub(crate) fn folded(&self) -> String {
        let mut key = String::new();
        for part in &self.parts {
            key.push_str(&part.kind);
            for word in part.value.split_whitespace() {
                key.push(' ');
                key.extend(word.chars().flat_map(char::to_lowercase));
            }
            key.push('\n');
        }
        key
    }
}

/// As RFC 4514 writes it, most special part first, without its escapes: "CN=…, O=…, C=…".
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.parts.iter().rev().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}={}", part.kind, part.value)?;
        }
        Ok(())
    }
}

/// What a certificate says. Nothing of it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whose key it holds.
    pub subject: Name,
    /// Who says so.
    pub issuer: Name,
    /// Serial number, lower-case hexadecimal, as its bytes stand (a negative one begins with `ff` or the like).
    pub serial: String,
    /// Seconds since 1970; `None` when it is no date.
    pub not_before: Option<i64>,
    /// Seconds since 1970; `None` when it is no date.
    pub not_after: Option<i64>,
    /// `basicConstraints`: may sign other certificates.
    pub is_ca: bool,
    /// Most certificates of authorities that may stand between it and the end.
    pub path_length: Option<u8>,
    /// `extKeyUsage` as dotted identifiers; `None` means for every purpose.
    pub usages: Option<Vec<String>>,
    /// `keyUsage` is there and leaves out signing of certificates.
    pub(crate) no_cert_sign: bool,
    /// Names below which alone it may vouch for others; empty: for any.
    pub(crate) permitted: Vec<Name>,
    /// Names below which it may not.
    pub(crate) excluded: Vec<Name>,
    /// Identifier of its key.
    pub(crate) key_id: Option<Vec<u8>>,
    /// Identifier of the key that signed it.
    pub(crate) issuer_key_id: Option<Vec<u8>>,
    /// The whole certificate.
    pub(crate) der: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate; bytes behind it do not count.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        Self::parse(bytes).ok_or_else(|| {
            let what = format!("{} bytes are no X.509 certificate", bytes.len());
            Fault::new(At::Whole, what)
        })
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let parts = Parts::of(bytes)?;
        let mut validity = parts.validity.inside();
        let mut certificate = Self {
            subject: Name::read(parts.subject.body),
            issuer: Name::read(parts.issuer.body),
            serial: hex(parts.serial),
            not_before: validity.next().as_ref().and_then(der::time),
            not_after: validity.next().as_ref().and_then(der::time),
            is_ca: false,
            path_length: None,
            usages: None,
            no_cert_sign: false,
            permitted: Vec::new(),
            excluded: Vec::new(),
            key_id: None,
            issuer_key_id: None,
            der: parts.whole.to_vec(),
        };
        let extensions = parts.extensions.and_then(|list| list.inside().field(tag::SEQUENCE));
        for extension in extensions.iter().flat_map(Tlv::inside) {
            certificate.extension(&extension);
        }
        Some(certificate)
    }

    fn extension(&mut self, extension: &Tlv<'_>) -> Option<()> {
        let mut inside = extension.inside();
        let id = inside.field(tag::OID)?.body;
        let value = inside.find(|part| part.tag == tag::OCTET_STRING)?.body;
        let value = der::first(value)?;
        match id {
            oid::BASIC_CONSTRAINTS => {
                for part in value.inside() {
                    match part.tag {
                        tag::INTEGER => self.path_length = Some(small(part.body)),
                        _ => self.is_ca = part.body.iter().any(|byte| *byte != 0),
                    }
                }
            }
            // Bit 5 of the string: the third from the right of its first byte (RFC 5280, 4.2.1.3).
            oid::KEY_USAGE => self.no_cert_sign = value.body.get(1).is_none_or(|bits| bits & 0x04 == 0),
            oid::EXTENDED_KEY_USAGE => self.usages = Some(usages(&value)),
            oid::NAME_CONSTRAINTS => {
                let mut subtrees = value.inside();
                self.permitted = directory_names(subtrees.field(tag::context(0)));
                self.excluded = directory_names(subtrees.field(tag::context(1)));
            }
            oid::SUBJECT_KEY_ID => self.key_id = Some(value.body.to_vec()),
            oid::AUTHORITY_KEY_ID => {
                let id = value.inside().find(|part| part.tag == tag::plain(0));
                self.issuer_key_id = id.map(|id| id.body.to_vec());
            }
            _ => {}
        }
        Some(())
    }

    /// Identifier of its key, where it states one.
    pub fn key_id(&self) -> Option<&[u8]> {
        self.key_id.as_deref()
    }

    /// SHA-1 over the whole, upper-case hexadecimal: the name Windows gives a certificate.
    pub fn thumbprint(&self) -> String {
        hex(&Hash::Sha1.of(&self.der)).to_ascii_uppercase()
    }

    /// SHA-256 over the whole, lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        hex(&Hash::Sha256.of(&self.der))
    }

    /// Whether it names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.subject.same(&self.issuer)
    }

    /// Whether it may sign code: it says so, or does not say what it is for.
    pub fn signs_code(&self) -> bool {
        let is_code = |usage: &String| usage == CODE_SIGNING || usage == ANY_USAGE;
        self.usages.as_ref().is_none_or(|usages| usages.iter().any(is_code))
    }

    /// Whether it has an extension of this kind, whatever stands in it: so its issuer marks what it is for.
    pub(crate) fn is_marked(&self, id: &[u8]) -> bool {
        let list = self.parts().and_then(|parts| parts.extensions?.inside().field(tag::SEQUENCE));
        list.iter()
            .flat_map(Tlv::inside)
            .any(|one| one.inside().field(tag::OID).is_some_and(|it| it.body == id))
    }

    /// What checks of its signature and of those by it need.
    pub(crate) fn parts(&self) -> Option<Parts<'_>> {
        Parts::of(&self.der)
    }
}

/// Dotted form of the usage "code signing".
pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
/// Dotted form of the usage "any".
pub const ANY_USAGE: &str = "2.5.29.37.0";

/// Identifiers of a `SEQUENCE` of purposes.
pub(crate) fn usages(list: &Tlv<'_>) -> Vec<String> {
    list.inside().filter(|id| id.tag == tag::OID).map(|id| der::dotted(id.body)).take(MAX_LIST).collect()
}

/// The distinguished names of a list of subtrees (RFC 5280, 4.2.1.10). Mail addresses, hosts and
/// the like limit names that no signer of code has.
fn directory_names(subtrees: Option<Tlv<'_>>) -> Vec<Name> {
    let bases = subtrees.into_iter().flat_map(|list| list.inside()).filter_map(|tree| tree.inside().next());
    let names = bases.filter(|base| base.tag == tag::context(4)).filter_map(|base| base.inside().next());
    names.map(|name| Name::read(name.body)).take(MAX_LIST).collect()
}

/// A number that is only ever compared with a depth.
fn small(body: &[u8]) -> u8 {
    match body {
        [n @ 0..=127] | [0, n] => *n,
        _ => u8::MAX,
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    // Fails only where a buffer of a fixed size is too small, which this one is not.
    Hex::encode_to_string(bytes).unwrap_or_default()
}

/// The fields of a certificate as they stand in its bytes.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// The certificate, without what lies behind it.
    pub(crate) whole: &'a [u8],
    /// What its issuer signed.
    pub(crate) signed: &'a [u8],
    pub(crate) serial: &'a [u8],
    issuer: Tlv<'a>,
    validity: Tlv<'a>,
    subject: Tlv<'a>,
    /// `SubjectPublicKeyInfo`.
    pub(crate) key: Tlv<'a>,
    extensions: Option<Tlv<'a>>,
    /// `AlgorithmIdentifier` of the issuer's signature.
    pub(crate) algorithm: Tlv<'a>,
    /// The signature's bytes.
    pub(crate) signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let certificate = der::first(bytes).filter(|tlv| tlv.tag == tag::SEQUENCE)?;
        let mut outer = certificate.inside();
        let signed = outer.field(tag::SEQUENCE)?;
        let algorithm = outer.field(tag::SEQUENCE)?;
        // The first byte counts the unused bits of the last, which whole bytes have not.
        let (_, signature) = outer.field(tag::BIT_STRING)?.body.split_first()?;
        let mut inner = signed.inside();
        let _version = inner.field(tag::context(0));
        let serial = inner.field(tag::INTEGER)?.body;
        let _algorithm = inner.field(tag::SEQUENCE)?;
        let issuer = inner.field(tag::SEQUENCE)?;
        let validity = inner.field(tag::SEQUENCE)?;
        let subject = inner.field(tag::SEQUENCE)?;
        let key = inner.field(tag::SEQUENCE)?;
        let extensions = inner.find(|part| part.tag == tag::context(3));
        let (whole, signed) = (certificate.whole, signed.whole);
        Some(Self { whole, signed, serial, issuer, validity, subject, key, extensions, algorithm, signature })
    }
}

#[cfg(test)]
#[path = "x509_tests.rs"]
pub(crate) mod tests;
