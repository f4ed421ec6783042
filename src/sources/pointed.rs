//! What the programs say of themselves that services, tasks and processes point to: a renamed program that runs from a folder
//! of its own is found by who signed it. Looked at once all sources are home, each program once, whoever points to it.
//!
//! Called by `run`. Must not know rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::host::{Host, Miss};
use crate::model::{
    Depth, Family, Field, GapReason, HostPath, ItemKind, Looked as Known, Order, Scope, SourceReport, State,
    Trace, Wanted,
};

use super::common::file_look::{FileLook, look as look_at};
use super::common::program::is_program;
use super::common::read_ahead::{Ask, read_ahead};
use super::limits::Limits;
use super::run::{Looked, in_time};

/// Programs that are looked at: more than a host can run or start.
const PROGRAMS: usize = 50_000;
/// What a look adds to what a source has looked at.
const FIELDS: &[Field] = &[Field::Publisher, Field::Version, Field::Signer, Field::Identifier, Field::Hash];

/// Looks at them, and puts what they say into the traces that point to them.
pub(super) fn look(host: &Arc<dyn Host>, want: &Wanted, limits: &Limits, looked: &mut Looked) {
    if want.depth < Depth::Standard {
        return;
    }
    let family = host.facts().family;
    // A program of Linux does not say who made it: its hash is worth a look, and what is called a program of Windows.
    let says = |path: &&HostPath| {
        family != Family::Linux || !want.hash_sizes.is_empty() || is_program(path.file_name())
    };
    let traces = looked.traces.iter().flat_map(|(_, traces)| traces);
    let asked: BTreeSet<HostPath> =
        traces.filter_map(|trace| program(trace, family)).filter(says).cloned().collect();
    if asked.is_empty() {
        return;
    }
    let rest = asked.iter().nth(PROGRAMS).cloned();
    let (of_host, want, of_look) = (Arc::clone(host), want.clone(), limits.clone());
    let seen = in_time(limits, move || all(of_host.as_ref(), &want, &asked, &of_look));
    for ((_, traces), report) in looked.traces.iter_mut().zip(&mut looked.coverage.sources) {
        let mut told = false;
        for trace in traces {
            let Some(path) = program(trace, family).filter(says).cloned() else { continue };
            told = true;
            let look = match &seen {
                None => Err(Miss::Io(limits.lack().to_owned())),
                Some(_) if rest.as_ref().is_some_and(|rest| path >= *rest) => {
                    Err(Miss::Io(format!("more than {PROGRAMS} programs are pointed to")))
                }
                Some(seen) => seen.get(&path).map_or(Ok(()), |look| look.tell(trace)),
            };
            look.unwrap_or_else(|miss| unseen(&path, &miss, family, report));
        }
        if told {
            report.fields.extend(FIELDS);
            report.fields.order();
            report.fields.dedup();
        }
    }
}

/// A program of Linux bears no signature that could be missed: what hides it hides little.
fn unseen(path: &HostPath, miss: &Miss, family: Family, report: &mut SourceReport) {
    let reason = if *miss == Miss::Absent { GapReason::Vanished } else { miss.reason() };
    let blocks = reason.blocks() && family != Family::Linux;
    report.gap(reason, path, Some(format!("who made it was not seen: {miss}")), blocks);
}

/// The program that a trace points to, where nobody has looked at it. The sources of Windows look at what its records start,
/// and leave what runs.
fn program(trace: &Trace, family: Family) -> Option<&HostPath> {
    let points = match trace.kind {
        ItemKind::Executable => trace.state == State::Running,
        ItemKind::Service | ItemKind::Autostart => family != Family::Windows,
        _ => false,
    };
    let open = points && trace.signer == Known::NotLooked && !matches!(trace.scope, Scope::Container(_));
    let image = trace.image.as_ref().filter(|image| open && image.exists == Some(true))?;
    Some(&image.path)
}

/// Nobody waits for what comes when memory is full.
fn all(
    host: &dyn Host,
    want: &Wanted,
    asked: &BTreeSet<HostPath>,
    limits: &Limits,
) -> BTreeMap<HostPath, FileLook> {
    let mut seen = BTreeMap::new();
    read_ahead(&|ask: &Ask| look_at(host, want, ask), &mut |ahead| {
        for path in asked.iter().take(PROGRAMS).take_while(|_| !limits.is_full()).cloned() {
            ahead.add(Ask::of(path), &mut |ask, look| _ = seen.insert(ask.path, look));
        }
        ahead.finish(&mut |ask, look| _ = seen.insert(ask.path, look));
    });
    seen
}

#[cfg(test)]
#[path = "pointed_tests.rs"]
mod tests;
