//! Signatures that lie in executables: who signed, and whether the file is what was signed.
//! Format: "Windows Authenticode Portable Executable Signature Format" (Microsoft, 2008).
//!
//! Called by the sources that look at executables: [`signers`] for each of them, as it reads
//! headers and the certificate table only; [`verify`], which reads the whole file, where a
//! rule could need it. Must not know of catalogues: a file without a signature of its own may
//! still be listed in one.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::Parsed;
use crate::parse::ReadAt;
use crate::parse::chain;
use crate::parse::chain::Anchors;
use crate::parse::chain::Trust;
use crate::parse::note;
use crate::parse::pe::CertificateEntry;
use crate::parse::pe::Pe;
use crate::parse::pkcs7;
use crate::parse::pkcs7::Hash;
use crate::parse::pkcs7::Signature;
use std::ops::Range;

/// Bytes read at a time when a file is hashed.
const PIECE: usize = 64 * 1024;
/// Signatures kept of one file.
const MAX_SIGNATURES: usize = 32;

/// Every signature in the file, in the order of the table, nested ones behind their outer one.
/// Nothing is checked and the file is not hashed. Without signature and fault: not signed.
pub fn signers(src: &dyn ReadAt, pe: &Pe) -> Parsed<Signature> {
    let entries = pe.certificates(src);
    let mut out = Parsed { records: Vec::new(), faults: entries.faults };
    for (n, entry) in entries.records.iter().enumerate() {
        let at = At::Record(format!("certificate entry {n}"));
        if entry.kind != CertificateEntry::PKCS7 {
            out.fault(at, format!("is of kind {}, not PKCS#7", entry.kind));
            continue;
        }
        let read = pkcs7::read(&entry.data);
        for fault in read.faults {
            note(&mut out.faults, at.clone(), fault.what);
        }
        let room = MAX_SIGNATURES.saturating_sub(out.records.len());
        out.records.extend(read.records.into_iter().take(room));
    }
    out
}

/// One signature and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerFacts {
    /// Who signed, by what they say.
    pub signature: Signature,
    /// What of it is proven.
    pub trust: Trust,
}

/// Checks every signature of [`signers`] against the file and the anchors. Reads the whole file
/// once, however many signatures it has; not at all when it has none.
pub fn verify(src: &dyn ReadAt, pe: &Pe, anchors: &Anchors) -> Parsed<SignerFacts> {
    let signatures = signers(src, pe);
    let mut out = Parsed { records: Vec::new(), faults: signatures.faults };
    let mut hashes: Vec<Hash> = Vec::new();
    let stated = signatures.records.iter().filter_map(|one| one.file_digest.as_ref()?.hash);
    for hash in stated {
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    // What stood behind the table could be what was signed, pushed there to make room for
    // something else; Windows demands that the table ends the file, too.
    let appended = pe.certificate_table().is_some_and(|table| table.end < pe.size());
    if appended {
        hashes.clear();
    }
    let digests = match digests(src, pe, &hashes) {
        Ok(digests) => digests,
        Err(fault) => {
            note(&mut out.faults, fault.at, fault.what);
            Vec::new()
        }
    };
    for signature in signatures.records {
        let trust = if appended {
            Trust::Broken("bytes were put behind the certificate table".to_owned())
        } else {
            covers(&signature, &digests).unwrap_or_else(|| chain::judge(&signature, anchors))
        };
        out.records.push(SignerFacts { signature, trust });
    }
    out
}

/// What the digest of the file makes of a signature; `None` when it is the one that was signed.
fn covers(signature: &Signature, digests: &[(Hash, Vec<u8>)]) -> Option<Trust> {
    let Some(stated) = &signature.file_digest else {
        return Some(Trust::Broken("it states no digest of the file".to_owned()));
    };
    let Some(hash) = stated.hash else {
        return Some(Trust::Unanchored("the file's digest is of a hash that is not supported".to_owned()));
    };
    match digests.iter().find(|(known, _)| *known == hash) {
        None => Some(Trust::Unanchored("the file could not be hashed".to_owned())),
        Some((_, digest)) if *digest == stated.digest => None,
        Some(_) => Some(Trust::Broken(format!("the file is not what was signed: another {hash}"))),
    }
}

/// The Authenticode digests of a file, in the order of `hashes`: over all of it except its
/// checksum, the entry that names the certificate table, and that table.
///
/// Microsoft's paper hashes section by section in the order of the file, and what is behind
/// them; in a file without gaps, as Windows demands of what it loads, that is the same bytes.
pub fn digests(src: &dyn ReadAt, pe: &Pe, hashes: &[Hash]) -> Result<Vec<(Hash, Vec<u8>)>, Fault> {
    let mut running: Vec<_> = hashes.iter().map(|hash| (*hash, hash.start())).collect();
    let mut buf = vec![0; PIECE];
    let ranges = if hashes.is_empty() { Vec::new() } else { signed_ranges(pe) };
    for range in ranges {
        let mut at = range.start;
        while at < range.end {
            let want = usize::try_from(range.end - at).unwrap_or(PIECE).min(PIECE);
            let piece = buf.get_mut(..want).unwrap_or_default();
            crate::parse::bytes::fill(src, at, piece).map_err(|what| Fault::new(At::Whole, what))?;
            for (_, context) in &mut running {
                context.update(piece);
            }
            at += want as u64;
        }
    }
    Ok(running.into_iter().map(|(hash, context)| (hash, context.finish().as_ref().to_vec())).collect())
}

/// What a signature covers, as ranges in ascending order.
fn signed_ranges(pe: &Pe) -> Vec<Range<u64>> {
    let checksum = pe.checksum_at..pe.checksum_at + 4;
    let entry = pe.certificates_entry_at.map(|at| at..at + 8);
    let mut left_out: Vec<_> =
        [Some(checksum), entry, pe.certificate_table()].into_iter().flatten().collect();
    left_out.sort_by_key(|range| range.start);
    let mut ranges = Vec::new();
    let mut at = 0;
    for hole in left_out {
        let start = hole.start.min(pe.size());
        if at < start {
            ranges.push(at..start);
        }
        at = at.max(hole.end);
    }
    if at < pe.size() {
        ranges.push(at..pe.size());
    }
    ranges
}

#[cfg(test)]
#[path = "authenticode_tests.rs"]
mod tests;
