//! Whether a signature of a program of macOS holds, and whether Apple vouches for the name in it.
//!
//! Called by `prove` for few files. Must not know rules. Roots that the scanned Mac trusts beside Apple's do not count: they
//! vouch for servers, and for programs that an organisation makes for itself.

use crate::host::{Host, Read};
use crate::model::{HostPath, Looked, Signer, Trust};
use crate::parse::apple::Maker;
use crate::parse::chain::{self, Anchors};
use crate::parse::code_signature::{self, Verdict};
use crate::parse::macho::{self, MachO};
use crate::parse::{Fault, ReadAt};

use super::code::signer_of;

/// Proves signatures of one host.
pub(in crate::sources) struct Prover<'h> {
    host: &'h dyn Host,
    anchors: Anchors,
}

impl<'h> Prover<'h> {
    /// A prover by Apple's roots.
    pub(in crate::sources) fn new(host: &'h dyn Host) -> Self {
        Self { host, anchors: Anchors::apple() }
    }

    /// Who signed a file, and what that is worth; none where it is no program of macOS. Reads all of what somebody signed whom
    /// Apple knows.
    pub(in crate::sources) fn prove(&self, path: &HostPath) -> Read<Option<Looked<Signer>>> {
        let file = self.host.files().open(path)?;
        Ok(match macho::read(file.as_ref()) {
            Ok(macho) => macho.map(|macho| signer(file.as_ref(), &macho, &self.anchors)),
            Err(fault) => Some(Looked::Unreadable(fault.to_string())),
        })
    }
}

/// The signer of all slices. What is signed in part, or by two, is proven for nobody: macOS runs one slice of them.
fn signer(src: &dyn ReadAt, macho: &MachO, anchors: &Anchors) -> Looked<Signer> {
    let slices = macho.slices.iter().map(|slice| slice_signer(src, slice, anchors));
    let mut signers = Vec::new();
    let mut damaged = macho.faults.first().cloned();
    let mut unsigned = false;
    for slice in slices {
        match slice {
            Ok(Some(signer)) => signers.push(signer),
            Ok(None) => unsigned = true,
            Err(fault) => damaged = damaged.or(Some(fault)),
        }
    }
    let Some(mut signer) = signers.first().cloned() else {
        return damaged.map_or(Looked::None, |fault| Looked::Unreadable(fault.to_string()));
    };
    let alike = |one: &Signer| (&one.name, &one.team_id) == (&signer.name, &signer.team_id);
    if unsigned || damaged.is_some() || !signers.iter().all(alike) {
        signer.trust = Trust::Broken;
    } else if let Some(worst) = signers.iter().map(|one| one.trust).max() {
        signer.trust = worst;
    }
    Looked::Some(signer)
}

fn slice_signer(src: &dyn ReadAt, slice: &macho::Slice, anchors: &Anchors) -> Result<Option<Signer>, Fault> {
    let Some(place) = &slice.signature else { return Ok(None) };
    let stated = code_signature::read(src, place)?.team_id;
    let verdict = code_signature::verify(src, slice, anchors)?;
    Ok(verdict.map(|verdict| proven(&verdict, stated)))
}

fn proven(verdict: &Verdict, stated: Option<String>) -> Signer {
    let trust = match verdict.trust {
        chain::Trust::Anchored(_) => Trust::Anchored,
        chain::Trust::Unanchored(_) => Trust::Unanchored,
        chain::Trust::Broken(_) => Trust::Broken,
    };
    let team = match &verdict.maker {
        Some(Maker::Team(team)) => Some(team.clone()),
        // What is Apple's own has no team, whatever it says.
        Some(Maker::Apple) => None,
        Some(Maker::Store) | None => stated,
    };
    signer_of(&verdict.signature, team, trust)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, Miss};
    use crate::parse::chain::Anchor;

    const FORGED: &[u8] = include_bytes!("../../../fuzz/seeds/code_signature/kaspersky-forged");
    const AD_HOC: &[u8] = include_bytes!("../../../fuzz/seeds/code_signature/ad-hoc");

    /// The root that the forger calls Apple's.
    fn forgers_root() -> Anchors {
        let slice = macho::read(&FORGED).unwrap().unwrap().slices.remove(0);
        let says = code_signature::read(&FORGED, slice.signature.as_ref().unwrap()).unwrap();
        let signature = says.signer(&FORGED).unwrap().unwrap();
        let root = signature.certificates.iter().find(|one| one.is_self_issued()).unwrap();
        let mut anchors = Anchors::none();
        anchors.add(Anchor::target(root, None).unwrap());
        anchors
    }

    /// One file of these slices.
    fn fat(slices: &[&[u8]]) -> Vec<u8> {
        let word = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
        let mut head = [[0xCA, 0xFE, 0xBA, 0xBE], word(slices.len())].concat();
        let mut at = 0x1000;
        for slice in slices {
            head.extend([word(0), word(0), word(at), word(slice.len()), word(0)].concat());
            at += slice.len();
        }
        head.resize(0x1000, 0);
        [&head[..], &slices.concat()].concat()
    }

    fn proven_by(bytes: &[u8], anchors: Anchors) -> Looked<Signer> {
        let host = FakeHost::macos([("/x", FakeNode::Program(bytes.to_vec()))]);
        Prover { host: &host, anchors }.prove(&"/x".into()).unwrap().unwrap_or_default()
    }

    fn kaspersky(trust: Trust) -> Looked<Signer> {
        let team_id = Some("2Y8XE5CQ94".to_owned());
        Looked::Some(Signer { name: "AO Kaspersky Lab".to_owned(), team_id, trust })
    }

    #[test]
    fn apple_vouches_for_nobody_whom_it_does_not_know() {
        assert_eq!(proven_by(FORGED, Anchors::apple()), kaspersky(Trust::Unanchored));
        assert_eq!(proven_by(FORGED, Anchors::bundled()), kaspersky(Trust::Unanchored));
        assert_eq!(proven_by(FORGED, forgers_root()), kaspersky(Trust::Anchored), "the test can fail");
    }

    #[test]
    fn all_slices_must_be_signed_by_the_same() {
        let mut other = FORGED.to_vec();
        other[0x1001] ^= 1;
        for (slices, trust) in [
            (&[FORGED, FORGED][..], Trust::Anchored),
            (&[FORGED, AD_HOC], Trust::Broken),
            (&[AD_HOC, FORGED], Trust::Broken),
            (&[FORGED, &other], Trust::Broken),
            (&[FORGED, &FORGED[..0x20]], Trust::Broken),
        ] {
            assert_eq!(proven_by(&fat(slices), forgers_root()), kaspersky(trust), "{trust:?}");
        }
        assert_eq!(proven_by(&fat(&[AD_HOC, AD_HOC]), forgers_root()), Looked::None);
    }

    #[test]
    fn what_cannot_be_proven_is_not_proven() {
        let damaged = |at: usize| {
            let mut bytes = FORGED.to_vec();
            bytes[at] ^= 0xFF;
            bytes
        };
        let start = FORGED.len() - 0x4000;
        assert!(matches!(proven_by(&damaged(start), forgers_root()), Looked::Unreadable(_)));
        assert_eq!(proven_by(&damaged(0x1000), forgers_root()), kaspersky(Trust::Broken));
        assert!(matches!(proven_by(&FORGED[..0x40], forgers_root()), Looked::Unreadable(_)));
        assert_eq!(proven_by(b"#!/bin/sh\n", forgers_root()), Looked::NotLooked);
        assert_eq!(proven_by(AD_HOC, forgers_root()), Looked::None);
        let host = FakeHost::macos([("/x", FakeNode::Unreadable(Miss::Denied))]);
        assert_eq!(Prover::new(&host).prove(&"/x".into()), Err(Miss::Denied));
    }
}
