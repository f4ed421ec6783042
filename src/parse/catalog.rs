//! Security catalogues (`.cat`): the digests of many files under one signature, as drivers and
//! Windows itself are signed. A PKCS#7 whose contents are a certificate trust list.
//! Format: [MS-CAESO] for the list, and what `makecat` writes for the members.
//!
//! Called by sources for files that carry no signature of their own. Must not know the files.

use crate::parse::At;
use crate::parse::Parsed;
use crate::parse::der::Tlv;
use crate::parse::der::tag;
use crate::parse::note;
use crate::parse::oid;
use crate::parse::pkcs7;
use crate::parse::pkcs7::Hash;
use crate::parse::pkcs7::Signature;
use crate::parse::spc;

/// Members that are kept; the largest of Windows have about 30,000.
const MAX_MEMBERS: usize = 1 << 18;

/// A catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// What it vouches for, sorted.
    members: Vec<(u8, Box<[u8]>)>,
    /// Who vouches; to be judged by [`crate::parse::chain::judge`].
    pub signatures: Vec<Signature>,
}

impl Catalog {
    /// Whether a file with this digest is listed. Of executables it is the digest of
    /// [`crate::parse::authenticode::digests`], of all other files that of their bytes.
    pub fn lists(&self, hash: Hash, digest: &[u8]) -> bool {
        let wanted = (number(hash), digest);
        self.members.binary_search_by(|(hash, bytes)| (*hash, &**bytes).cmp(&wanted)).is_ok()
    }

    /// Every digest that is listed.
    pub fn members(&self) -> impl Iterator<Item = &[u8]> {
        self.members.iter().map(|(_, digest)| &**digest)
    }

    /// How many digests are listed.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

/// Digests are told apart by their hash too: of the four no two have the same length.
fn number(hash: Hash) -> u8 {
    match hash {
        Hash::Sha1 => 20,
        Hash::Sha256 => 32,
        Hash::Sha384 => 48,
        Hash::Sha512 => 64,
    }
}

/// The list that the bytes hold; none where they are no whole catalogue.
fn list(bytes: &[u8]) -> Option<Tlv<'_>> {
    pkcs7::content(bytes).filter(|(kind, _)| *kind == oid::CTL).map(|(_, list)| list)
}

/// Whether the bytes are a whole catalogue: asked of many, so that nothing inside is looked at.
pub fn is_whole(bytes: &[u8]) -> bool {
    list(bytes).is_some()
}

/// Reads a catalogue: one record, or none when the bytes are no catalogue.
pub fn read(bytes: &[u8]) -> Parsed<Catalog> {
    let mut out = Parsed::default();
    let Some(list) = list(bytes) else {
        out.fault(At::Whole, format!("{} bytes are no catalogue", bytes.len()));
        return out;
    };
    let signatures = pkcs7::read(bytes);
    out.faults = signatures.faults;
    let mut catalog = Catalog { members: Vec::new(), signatures: signatures.records };
    for (n, subject) in subjects(&list).into_iter().flat_map(|list| list.inside()).enumerate() {
        if catalog.members.len() >= MAX_MEMBERS {
            out.fault(At::Whole, format!("lists more than {MAX_MEMBERS} files"));
            break;
        }
        match member(&subject) {
            Some(member) => catalog.members.push(member),
            None => note(&mut out.faults, At::Record(format!("member {n}")), "has no digest that is known"),
        }
    }
    catalog.members.sort_unstable();
    catalog.members.dedup();
    out.records.push(catalog);
    out
}

/// The list of members: the last `SEQUENCE` before the extensions, behind identifier, number,
/// time and algorithm, of which some are left out.
fn subjects<'a>(list: &Tlv<'a>) -> Option<Tlv<'a>> {
    let parts: Vec<_> = list.inside().filter(|part| part.tag == tag::SEQUENCE).take(4).collect();
    // Usage of the list, algorithm of the identifiers, members.
    parts.get(2).copied()
}

/// The digest of one member: what its indirect data states, else its identifier, which is the
/// digest as hexadecimal UTF-16 text (`makecat` up to Windows 7) or as bytes.
fn member(subject: &Tlv<'_>) -> Option<(u8, Box<[u8]>)> {
    let mut inside = subject.inside();
    let id = inside.field(tag::OCTET_STRING)?.octets();
    let attributes = inside.field(tag::SET).map(|set| set.body).unwrap_or_default();
    let stated = spc::attributes(attributes, oid::SPC_INDIRECT_DATA).next();
    if let Some(stated) = stated.and_then(|data| spc::indirect(data.body)) {
        return Some((number(stated.hash?), stated.digest.into()));
    }
    let digest = hex_text(&id).unwrap_or_else(|| id.to_vec());
    let known = [20, 32, 48, 64].into_iter().find(|length| usize::from(*length) == digest.len())?;
    Some((known, digest.into()))
}

/// Hexadecimal in little-endian UTF-16, with or without a zero behind it.
fn hex_text(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut digits = Vec::new();
    for pair in bytes.chunks_exact(2) {
        match pair {
            [0, 0] => break,
            [digit, 0] => digits.push(u8::try_from(char::from(*digit).to_digit(16)?).ok()?),
            _ => return None,
        }
    }
    let bytes = digits.chunks_exact(2).filter_map(|pair| Some(pair.first()? * 16 + pair.last()?));
    (!digits.is_empty()).then(|| bytes.collect())
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
