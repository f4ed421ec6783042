//! Whose signatures are proven: asked once all sources are home, for the few files of which a rule could need it. To hash
//! every program of a disk would take minutes.
//!
//! Called by `run`. Must not know rules: which traces are worth it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use crate::host::{Hidden, Host, Miss, Read};
use crate::model::{Depth, Family, GapReason, HostPath, Looked, Signer, Trace, Trust, Wanted, set_of};

use super::limits::Limits;
use super::run::{GRACE, Looked as Brought};
use super::windows::trust::Proven;
use super::{macos, windows};

/// What proving a file brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    /// Who signed it, and what that is worth.
    pub(super) signer: Looked<Signer>,
    /// Who made it, by the word of a platform that signed.
    pub(super) claim: Option<String>,
}

/// A proof, or what hid it: a signature that was not proven may be the only thing that counts.
pub(super) type Proved = Result<Proof, Hidden>;

/// Proves the signatures of the files that traces are or point to, where `worth` says so.
pub(super) fn prove(
    host: &Arc<dyn Host>,
    want: &Wanted,
    limits: &Limits,
    worth: &dyn Fn(&Trace) -> bool,
    brought: &mut Brought,
) {
    if want.depth < Depth::Standard {
        return;
    }
    // Catalogues of signatures that stand beside the files are Windows' own.
    let catalogues = host.facts().family == Family::Windows;
    let traces = brought.traces.iter().flat_map(|(_, traces)| traces);
    // What a rule makes of a trace costs more than whether there is anything to prove.
    let open = traces.filter_map(|trace| Some((trace, file(trace, catalogues)?)));
    let asked: BTreeSet<HostPath> =
        set_of(open.filter(|(trace, _)| worth(trace)).map(|(_, path)| path.clone()));
    if asked.is_empty() {
        return;
    }
    let proofs = proofs(host, asked, limits);
    for ((_, traces), report) in brought.traces.iter_mut().zip(&mut brought.coverage.sources) {
        for trace in traces {
            let Some(proof) = file(trace, catalogues).and_then(|path| proofs.get(path)) else { continue };
            match proof {
                Ok(proof) => tell(trace, proof),
                Err((reason, place, detail)) => {
                    report.gap(*reason, place, detail.clone(), reason.blocks());
                }
            }
        }
    }
}

/// The file whose signature speaks for a trace; where there are catalogues, of one that nobody is known to have signed too.
fn file(trace: &Trace, catalogues: bool) -> Option<&HostPath> {
    let open = match &trace.signer {
        Looked::Some(signer) => signer.trust == Trust::Unchecked,
        Looked::NotLooked => catalogues,
        Looked::None | Looked::Unreadable(_) => false,
    };
    let image = trace.image.as_ref().filter(|image| open && image.exists == Some(true))?;
    Some(&image.path)
}

/// One file after the other in a thread of its own, which a dead file system may hold; those that time did not suffice for
/// are missed.
fn proofs(host: &Arc<dyn Host>, asked: BTreeSet<HostPath>, limits: &Limits) -> BTreeMap<HostPath, Proved> {
    let late = |path: &HostPath| (path.clone(), unproven(path, &Miss::Io(limits.lack().to_owned())));
    let mut proofs: BTreeMap<HostPath, Proved> = asked.iter().map(late).collect();
    if limits.is_full() {
        return proofs;
    }
    let deadline = limits.deadline();
    let (send, done) = channel();
    let host = Arc::clone(host);
    thread::spawn(move || {
        let prover = Prover::new(host.as_ref());
        let mut unsigned = Vec::new();
        for path in asked {
            let told = catch_unwind(AssertUnwindSafe(|| prover.prove(&path)));
            let proof = match told {
                Ok(Ok(Proven::Unsigned(digests))) => {
                    unsigned.push((path, digests));
                    continue;
                }
                Ok(Ok(Proven::Told(proof))) => Ok(proof),
                Ok(Err(miss)) => unproven(&path, &miss),
                Err(_) => unproven(&path, &Miss::Io("the scanner panicked; please report that".to_owned())),
            };
            if Instant::now() > deadline || send.send((path, proof)).is_err() {
                return;
            }
        }
        let listed = catch_unwind(AssertUnwindSafe(|| prover.windows.listed(&unsigned))).unwrap_or_default();
        for ((path, _), proof) in unsigned.into_iter().zip(listed) {
            let _sent = send.send((path, proof));
        }
    });
    while let Ok((path, proof)) =
        done.recv_timeout((deadline + GRACE).saturating_duration_since(Instant::now()))
    {
        proofs.insert(path, proof);
    }
    proofs
}

/// Proves files by their format: a program for another system lies on a disk for its own sake, and says who made it.
struct Prover<'h> {
    windows: windows::trust::Prover<'h>,
    macos: macos::trust::Prover<'h>,
}

impl<'h> Prover<'h> {
    fn new(host: &'h dyn Host) -> Self {
        Self { windows: windows::trust::Prover::new(host), macos: macos::trust::Prover::new(host) }
    }

    /// Who signed a file, and what that is worth.
    fn prove(&self, path: &HostPath) -> Read<Proven> {
        match self.macos.prove(path)? {
            Some(signer) => Ok(Proven::Told(Proof { signer, claim: None })),
            None => self.windows.prove(path),
        }
    }
}

/// What hid the signature of a file: itself.
fn unproven(path: &HostPath, miss: &Miss) -> Proved {
    let reason = if *miss == Miss::Absent { GapReason::Vanished } else { miss.reason() };
    Err((reason, path.clone(), Some(format!("its signature was not proven: {miss}"))))
}

fn tell(trace: &mut Trace, proof: &Proof) {
    trace.signer.clone_from(&proof.signer);
    if trace.publisher.is_none() {
        trace.publisher.clone_from(&proof.claim);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::model::{Coverage, Image, ItemKind, Place, SourceReport, State, Status};

    const FORGED: &[u8] = include_bytes!("../../fuzz/seeds/code_signature/kaspersky-forged");

    /// What is told of a program at `/x` that a source of macOS brought, and gaps.
    fn told(node: FakeNode, want: &Wanted) -> (Looked<Signer>, Vec<(GapReason, bool)>) {
        let host: Arc<dyn Host> = Arc::new(FakeHost::macos([("/x", node)]));
        let mut trace = Trace::new(ItemKind::Executable, "x", State::Present, Place::file("/x".into()));
        let signer = Signer { name: "A".to_owned(), team_id: None, trust: Trust::Unchecked };
        trace.signer = Looked::Some(signer);
        trace.image = Some(Image { path: "/x".into(), exists: Some(true) });
        let report = SourceReport {
            source: "executables".into(),
            status: Status::Complete,
            reason: None,
            gaps: Vec::new(),
            records: 1,
            not_kept: 0,
            scopes: Vec::new(),
            fields: Vec::new(),
            yields: Vec::new(),
            install_record: false,
            elapsed_ms: 0,
        };
        let mut brought = Brought {
            traces: vec![("executables", vec![trace])],
            coverage: Coverage { sources: vec![report] },
            ..Brought::default()
        };
        let limits = Limits::from(Instant::now() + Duration::from_mins(1));
        prove(&host, want, &limits, &|_| true, &mut brought);
        let gaps = brought.coverage.sources.remove(0).gaps;
        let gaps = gaps.iter().map(|gap| (gap.reason, gap.blocking)).collect();
        (brought.traces.remove(0).1.remove(0).signer, gaps)
    }

    #[test]
    fn signatures_are_proven_by_the_format_of_the_file() {
        let want = Wanted { depth: Depth::Standard, ..Wanted::default() };
        let told_of = |bytes: &[u8]| told(FakeNode::Program(bytes.to_vec()), &want);
        let team_id = Some("2Y8XE5CQ94".to_owned());
        let forger = Signer { name: "AO Kaspersky Lab".to_owned(), team_id, trust: Trust::Unanchored };
        assert_eq!(told_of(FORGED), (Looked::Some(forger), Vec::new()));
        assert_eq!(told_of(&crate::parse::pe::tests::headers((0, 0))), (Looked::None, Vec::new()));
        assert_eq!(told_of(b"another file came"), (Looked::NotLooked, Vec::new()));
    }

    #[test]
    fn what_hides_a_signature_is_told() {
        let want = Wanted { depth: Depth::Standard, ..Wanted::default() };
        let (signer, gaps) = told(FakeNode::Unreadable(Miss::Denied), &want);
        assert_eq!(gaps, [(GapReason::PermissionDenied, true)]);
        let quick = Wanted { depth: Depth::Quick, ..Wanted::default() };
        let unproven = told(FakeNode::Program(FORGED.to_vec()), &quick);
        assert_eq!(unproven, (signer, Vec::new()), "nothing is proven");
    }
}
