//! Hashes of the programs that a rule could match, in a deep scan: what was found under another name can be looked up
//! elsewhere by its bytes. Taken once all sources are home, for the few files that are worth it.
//!
//! Called by `run`. Must not know rules: which traces are worth it is told. A hash that is not taken hides nothing: those
//! that a rule asks for were taken where the file was met.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use crate::host::Host;
use crate::model::{Depth, HostPath, Identifier, IdentifierType, ItemKind, Scope, Trace, Wanted, set_of};

use super::common::file_look::sha256;
use super::common::read_ahead::{Ask, read_ahead};
use super::limits::Limits;
use super::run::{Looked, Worth, in_time};

/// Files that are hashed: a rule that matches more is about a name that everybody uses.
const FILES: usize = 2_000;
/// A file that is larger is not hashed: no program comes near it.
const LARGEST: u64 = 1 << 30;

/// Takes them, and puts them into the traces of these programs.
pub(super) fn take(
    host: &Arc<dyn Host>,
    want: &Wanted,
    limits: &Limits,
    worth: Worth<'_>,
    looked: &mut Looked,
) {
    if want.depth < Depth::Deep {
        return;
    }
    let traces = looked.traces.iter().flat_map(|(_, traces)| traces);
    let found = traces.filter(|trace| file(trace).is_some() && worth(trace));
    let asked: BTreeSet<HostPath> = set_of(found.filter_map(file).take(FILES).cloned());
    let host = Arc::clone(host);
    let deadline = limits.deadline();
    let Some(hashes) = in_time(limits, move || all(host.as_ref(), &asked, deadline)) else { return };
    for trace in looked.traces.iter_mut().flat_map(|(_, traces)| traces) {
        if let Some(hash) = file(trace).and_then(|path| hashes.get(path)) {
            trace.identifiers.push(Identifier::new(IdentifierType::Sha256, hash.clone()));
        }
    }
}

/// The file that a trace is, where its hash is not taken yet.
fn file(trace: &Trace) -> Option<&HostPath> {
    let taken = trace.identifiers.iter().any(|one| one.kind == IdentifierType::Sha256);
    let is_here = trace.kind == ItemKind::Executable && !matches!(trace.scope, Scope::Container(_));
    let image = trace.image.as_ref().filter(|image| is_here && !taken && image.exists == Some(true))?;
    Some(&image.path)
}

fn all(host: &dyn Host, asked: &BTreeSet<HostPath>, deadline: Instant) -> BTreeMap<HostPath, String> {
    let hash = |ask: &Ask| {
        let file = host.files().open(&ask.path).ok().filter(|file| file.size() <= LARGEST)?;
        (Instant::now() < deadline).then(|| sha256(file.as_ref()).ok())?
    };
    let mut hashes = BTreeMap::new();
    read_ahead(&hash, &mut |ahead| {
        for path in asked.iter().cloned() {
            ahead.add(Ask::of(path), &mut |ask, hash| _ = hashes.insert(ask.path, hash));
        }
        ahead.finish(&mut |ask, hash| _ = hashes.insert(ask.path, hash));
    });
    hashes
}
