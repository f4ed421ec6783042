//! What Microsoft put into PKCS#7: the digest of the file, the program's name, the time.
//! Format: "Windows Authenticode Portable Executable Signature Format", and RFC 3161 for times.
//!
//! Called by [`crate::parse::pkcs7`] and [`crate::parse::catalog`]. Must not check anything.

use crate::parse::der;
use crate::parse::der::Reader;
use crate::parse::der::Tlv;
use crate::parse::der::tag;
use crate::parse::public_key::Hash;

/// Longest text kept of what a signer wrote about its program.
const MAX_TEXT: usize = 4096;

/// The digest that a signature vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// `None`: an algorithm that we do not compute, as MD5.
    pub hash: Option<Hash>,
    /// Its bytes.
    pub digest: Vec<u8>,
}

/// `SpcIndirectDataContent`, from the contents of its `SEQUENCE`.
pub(crate) fn indirect(body: &[u8]) -> Option<FileDigest> {
    let mut inside = Reader::new(body);
    let _what = inside.field(tag::SEQUENCE)?;
    let mut info = inside.field(tag::SEQUENCE)?.inside();
    let algorithm = info.field(tag::SEQUENCE)?.inside().field(tag::OID)?;
    let digest = info.field(tag::OCTET_STRING)?.body.to_vec();
    Some(FileDigest { hash: Hash::from_oid(algorithm.body), digest })
}

/// `SpcSpOpusInfo`: the program's name and where to read more of it. Both may be empty.
pub(crate) fn opus(info: &Tlv<'_>) -> (Option<String>, Option<String>) {
    let mut inside = info.inside();
    let name = inside.field(tag::context(0)).and_then(|name| string(&name));
    let more = inside.field(tag::context(1)).and_then(|link| {
        let link = link.inside().next()?;
        if link.tag == tag::context(2) { string(&link) } else { kept(&der::narrow(link.body)) }
    });
    (name, more)
}

/// `SpcString`: `[0]` big-endian UTF-16, `[1]` ASCII.
fn string(holder: &Tlv<'_>) -> Option<String> {
    let text = holder.inside().next()?;
    let text = if text.tag == tag::plain(0) { der::utf16(text.body) } else { der::narrow(text.body) };
    kept(&text)
}

fn kept(text: &str) -> Option<String> {
    let text = text.trim_end_matches('\0');
    (!text.is_empty()).then(|| text.chars().take(MAX_TEXT).collect())
}

/// `genTime` of the `TSTInfo` in a time stamp of RFC 3161, seconds since 1970.
pub(crate) fn token_time(info: &Tlv<'_>) -> Option<i64> {
    let bytes = info.octets();
    let times = der::first(&bytes)?.inside().find(|part| part.tag == tag::GENERALIZED_TIME)?;
    der::time(&times)
}

/// The values of every attribute of a kind (`SEQUENCE { OID, SET { value … } }`).
pub(crate) fn attributes<'a>(set: &'a [u8], id: &'a [u8]) -> impl Iterator<Item = Tlv<'a>> {
    Reader::new(set).flat_map(move |attribute| {
        let mut inside = attribute.inside();
        let is_it = inside.field(tag::OID).is_some_and(|found| found.body == id);
        let values = if is_it { inside.field(tag::SET).map_or(&[][..], |set| set.body) } else { &[] };
        Reader::new(values)
    })
}
