//! What a program of macOS says of itself: who claims to have signed it, for which team, and the identifier in it.
//!
//! Called by the sources that meet program files. Reads headers and the head of the signature, never the whole file; whether
//! the signature holds is asked of `trust`, where a rule could need it.

use std::ops::Range;

use crate::host::{Host, Miss, Read};
use crate::model::{GapReason, HostPath, Identifier, IdentifierType, ItemKind, Looked, Signer, Trace, Trust};
use crate::parse::macho::{MachO, Slice};
use crate::parse::pkcs7::Signature;
use crate::parse::{Fault, ReadAt, apple, code_signature, macho, plist};
use crate::sources::Haul;

/// What a program or library says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// The name in its signature; of the program of a bundle the bundle's identifier.
    pub identifier: Option<String>,
    /// The bundle identifier of its embedded property list, which tools without a bundle have.
    pub bundle_id: Option<String>,
    /// Processors that it is for.
    pub archs: Vec<&'static str>,
    /// Who claims to have signed it, not proven.
    pub signer: Looked<Signer>,
}

/// What the file says; none where it is no program or library of macOS.
pub fn look(host: &dyn Host, path: &HostPath) -> Read<Option<Signed>> {
    of_file(host.files().open(path)?.as_ref())
}

/// The same of a file that is open.
pub fn of_file(file: &dyn ReadAt) -> Read<Option<Signed>> {
    match macho::read(file) {
        Ok(macho) => Ok(macho.map(|macho| read(file, &macho))),
        Err(fault) => Err(Miss::Malformed(fault.to_string())),
    }
}

/// What was seen of a file that is known to be there. One that cannot be read hides who made it; of a damaged one the name
/// and place are known, and macOS runs it no more than we read it.
pub fn seen(path: &HostPath, look: Read<Option<Signed>>, haul: &mut Haul) -> Option<Signed> {
    match look {
        Err(Miss::Malformed(detail)) => {
            haul.minor(GapReason::Malformed, path, detail);
            None
        }
        look => haul.listed(path, look).flatten(),
    }
}

/// The slices should be signed alike; whether they are is asked with the proof. The first that names somebody speaks.
fn read(src: &dyn ReadAt, macho: &MachO) -> Signed {
    let mut says = Signed { archs: macho.archs().collect(), ..Signed::default() };
    says.bundle_id = macho.slices.iter().find_map(|slice| bundle_id(src, slice));
    let mut damaged: Option<Fault> = None;
    for place in macho.slices.iter().filter_map(|slice| slice.signature.as_ref()) {
        match claim(src, place, &mut says.identifier) {
            Ok(Some(signer)) => {
                says.signer = Looked::Some(signer);
                return says;
            }
            Ok(None) => {}
            Err(fault) => damaged = damaged.or(Some(fault)),
        }
    }
    says.signer = damaged.map_or(Looked::None, |fault| Looked::Unreadable(fault.to_string()));
    says
}

/// Who claims to have signed, and the first name that a program goes by.
fn claim(src: &dyn ReadAt, place: &Range<u64>, name: &mut Option<String>) -> Result<Option<Signer>, Fault> {
    let says = code_signature::read(src, place)?;
    name.get_or_insert_with(|| says.identifier.clone());
    let signature = says.signer(src)?;
    Ok(signature.map(|signature| signer_of(&signature, says.team_id, Trust::Unchecked)))
}

/// The signer, as a signature and its program name him and his team.
pub(in crate::sources) fn signer_of(signature: &Signature, team_id: Option<String>, trust: Trust) -> Signer {
    let subject =
        signature.certificate.as_ref().map_or(&signature.issuer, |certificate| &certificate.subject);
    // Old programs name no team; the certificate of a developer does.
    let is_developer = subject.common_name().is_some_and(|name| name.contains(": "));
    let of_certificate = || subject.part("OU").filter(|_| is_developer).map(str::to_owned);
    Signer { name: apple::shown(subject).to_owned(), team_id: team_id.or_else(of_certificate), trust }
}

/// The bundle identifier of an embedded property list.
fn bundle_id(src: &dyn ReadAt, slice: &Slice) -> Option<String> {
    let place = slice.info.as_ref()?;
    let mut bytes = vec![0; usize::try_from(place.end.saturating_sub(place.start)).ok()?];
    let there = src.read_at(place.start, &mut bytes).ok()?;
    let list = plist::read(bytes.get(..there)?).ok()?;
    let text = list.get("CFBundleIdentifier")?.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl Signed {
    /// Puts what the file says into a trace of it, or of what points to it. Who signed is a field of every such kind; its
    /// bundle identifier is the file's alone.
    pub fn tell(&self, trace: &mut Trace) {
        trace.signer = self.signer.clone();
        if trace.kind == ItemKind::Executable {
            let id = self.bundle_id.clone().map(|id| Identifier::new(IdentifierType::BundleId, id));
            trace.identifiers.extend(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::model::{Place, State};

    const FORGED: &[u8] = include_bytes!("../../../fuzz/seeds/code_signature/kaspersky-forged");
    const AD_HOC: &[u8] = include_bytes!("../../../fuzz/seeds/code_signature/ad-hoc");
    const UNSIGNED: &[u8] = include_bytes!("../../../fuzz/seeds/macho/unsigned");

    fn looked(bytes: &[u8]) -> Read<Option<Signed>> {
        let host = FakeHost::macos([("/usr/local/bin/x", FakeNode::Program(bytes.to_vec()))]);
        look(&host, &"/usr/local/bin/x".into())
    }

    #[test]
    fn who_claims_to_have_signed_is_told_and_not_believed() {
        let got = looked(FORGED).unwrap().unwrap();
        assert_eq!(got.identifier.as_deref(), Some("com.kaspersky.kav"));
        assert_eq!(got.bundle_id.as_deref(), Some("com.kaspersky.kav.cli"));
        assert_eq!(got.archs, ["arm64"]);
        let signer = Signer {
            name: "AO Kaspersky Lab".to_owned(),
            team_id: Some("2Y8XE5CQ94".to_owned()),
            trust: Trust::Unchecked,
        };
        assert_eq!(got.signer, Looked::Some(signer));
        let mut trace = Trace::new(ItemKind::Executable, "x", State::Present, Place::file("/x".into()));
        got.tell(&mut trace);
        let id = Identifier::new(IdentifierType::BundleId, "com.kaspersky.kav.cli");
        assert_eq!((trace.identifiers, trace.signer), (vec![id], got.signer));
    }

    #[test]
    fn what_nobody_signed_and_what_is_no_program() {
        for bytes in [AD_HOC, UNSIGNED] {
            assert_eq!(looked(bytes).unwrap().unwrap().signer, Looked::None);
        }
        assert_eq!(looked(b"#!/bin/sh\n"), Ok(None));
        assert_eq!(looked(b""), Ok(None));
    }

    #[test]
    fn what_is_damaged_says_so() {
        assert!(matches!(looked(&FORGED[..0x40]), Err(Miss::Malformed(_))));
        let start = FORGED.len() - 0x4000;
        let mut damaged = FORGED.to_vec();
        damaged[start] = 0;
        assert!(matches!(looked(&damaged).unwrap().unwrap().signer, Looked::Unreadable(_)));
        // The CMS: the directory is sound still.
        let cms = start + usize::from(FORGED[start + 26]) * 256 + usize::from(FORGED[start + 27]);
        let mut damaged = FORGED.to_vec();
        damaged[cms + 12] = 0;
        let got = looked(&damaged).unwrap().unwrap();
        assert!(matches!(got.signer, Looked::Unreadable(_)), "{got:?}");
        assert_eq!(got.identifier.as_deref(), Some("com.kaspersky.kav"));
    }

    #[test]
    fn damage_is_minor_and_blindness_is_not() {
        let mut haul = crate::sources::testing::empty();
        let path = HostPath::from("/x");
        assert_eq!(seen(&path, Err(Miss::Malformed("cut".to_owned())), &mut haul), None);
        assert!(haul.gap_list().all(|gap| !gap.blocking));
        assert_eq!(seen(&path, Err(Miss::Denied), &mut haul), None);
        assert!(haul.gap_list().any(|gap| gap.blocking));
    }
}
