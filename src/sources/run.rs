//! Runs the sources of a host side by side, each with its own status; a source that panics or blocks is a failed
//! source, not a lost report.
//!
//! Called by `cli`. Must not know what a source looks for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::Host;
use crate::model::{Coverage, Gap, GapReason, HostPath, Mode, Need, SourceReport, Status, Trace, Wanted};

use super::{Haul, Outcome, Owners, PathAsk, Source, of};

/// How a scan is to be run.
#[derive(Debug, Clone)]
pub struct RunPlan {
    /// What to look for.
    pub want: Wanted,
    /// Time for all sources together.
    pub budget: Duration,
}

/// What the sources brought.
#[derive(Debug, Default)]
pub struct Looked {
    /// Traces by source, in the order of the sources.
    pub traces: Vec<(&'static str, Vec<Trace>)>,
    /// What was and was not seen.
    pub coverage: Coverage,
    /// Who owns the paths that need it.
    pub owners: Owners,
}

/// Time beyond the budget for sources to notice that it is over.
const GRACE: Duration = Duration::from_millis(500);

type Done = (usize, SourceReport, Vec<Trace>);

/// Runs every source of the host's family. `progress` is told each source that ends, with how many are done of how many.
pub fn run(host: &Arc<dyn Host>, plan: &RunPlan, progress: &mut dyn FnMut(&str, usize, usize)) -> Looked {
    let sources: Vec<&'static dyn Source> = of(host.facts().family).collect();
    let deadline = Instant::now() + plan.budget;
    let done = start(host, plan, &sources, deadline);
    let mut ended: Vec<Option<(SourceReport, Vec<Trace>)>> = sources.iter().map(|_| None).collect();
    for count in 1..=sources.len() {
        let wait = (deadline + GRACE).saturating_duration_since(Instant::now());
        match done.recv_timeout(wait) {
            Ok((at, report, traces)) => {
                progress(report.source, count, sources.len());
                if let Some(slot) = ended.get_mut(at) {
                    *slot = Some((report, traces));
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    let mut looked = Looked::default();
    for (source, ended) in sources.iter().zip(ended) {
        let (report, traces) = ended.unwrap_or_else(|| (blocked(*source, plan), Vec::new()));
        looked.traces.push((report.source, traces));
        looked.coverage.sources.push(report);
    }
    ask_owners(host, &sources, deadline, &mut looked);
    looked
}

/// Starts every source in a thread of its own, so that one held by a dead file system holds no other. They are not
/// joined: nor must it hold the report.
fn start(
    host: &Arc<dyn Host>,
    plan: &RunPlan,
    sources: &[&'static dyn Source],
    deadline: Instant,
) -> Receiver<Done> {
    let (send, done) = channel();
    for (at, source) in sources.iter().copied().enumerate() {
        let (host, plan, send) = (Arc::clone(host), plan.clone(), send.clone());
        thread::spawn(move || {
            let (report, traces) = one(source, host.as_ref(), &plan, deadline);
            let _sent = send.send((at, report, traces));
        });
    }
    done
}

/// Runs one source, whatever it does.
fn one(
    source: &dyn Source,
    host: &dyn Host,
    plan: &RunPlan,
    deadline: Instant,
) -> (SourceReport, Vec<Trace>) {
    let started = Instant::now();
    let mut report = blank(source, plan);
    if let Some(reason) = not_run(source, host, plan) {
        report.reason = Some(reason);
        return (report, Vec::new());
    }
    let mut haul = Haul::new(deadline);
    let outcome = catch_unwind(AssertUnwindSafe(|| source.collect(host, &plan.want, &mut haul)));
    if !haul.time_left() {
        haul.gap_with(GapReason::Budget, &HostPath::from("/"), "the time for this scan ran out");
    }
    let (traces, gaps, records) = haul.into_parts();
    let (status, reason) = match outcome {
        Ok(Outcome::Read) if gaps.is_empty() => (Status::Complete, None),
        Ok(Outcome::Read) => (Status::Partial, None),
        Ok(Outcome::NotApplicable(why)) if gaps.is_empty() => (Status::NotApplicable, Some(why)),
        Ok(Outcome::Unavailable(why)) => (Status::Unavailable, Some(why)),
        Ok(Outcome::NotApplicable(why) | Outcome::Failed(why)) => (Status::Failed, Some(why)),
        Err(_) => {
            (Status::Failed, Some("fault of the scanner: this source panicked; please report it".to_owned()))
        }
    };
    report.status = status;
    report.reason = reason;
    report.gaps = gaps;
    report.records = records;
    report.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    (report, traces)
}

/// Why a source does not run in this scan, if it does not.
fn not_run(source: &dyn Source, host: &dyn Host, plan: &RunPlan) -> Option<String> {
    let asked = source.scopes().iter().any(|scope| plan.want.scope.includes(*scope));
    if !asked {
        return Some("not in the scope that was asked for".to_owned());
    }
    if source.depth() > plan.want.depth {
        return Some("not in the depth that was asked for".to_owned());
    }
    let dead = host.facts().mode == Mode::Offline && host.processes().is_none();
    (dead && source.needs() == [Need::Running])
        .then(|| "the host is not running: nothing runs on a dead disk".to_owned())
}

/// A report with nothing in it; `not-applicable` until it has run.
fn blank(source: &dyn Source, plan: &RunPlan) -> SourceReport {
    let asked = source.scopes().iter().copied().filter(|scope| plan.want.scope.includes(*scope));
    SourceReport {
        source: source.name(),
        status: Status::NotApplicable,
        reason: None,
        gaps: Vec::new(),
        records: 0,
        scopes: asked.collect(),
        fields: source.fields().to_vec(),
        yields: source.yields().iter().map(|(kind, states)| (*kind, states.to_vec())).collect(),
        install_record: source.is_install_record(),
        elapsed_ms: 0,
    }
}

/// The report of a source that did not come back.
fn blocked(source: &dyn Source, plan: &RunPlan) -> SourceReport {
    let detail = format!("no answer within {} s; a file system may hang", plan.budget.as_secs());
    let gap = Gap {
        reason: GapReason::Budget,
        detail: Some(detail.clone()),
        count: 1,
        places: Vec::new(),
        blocking: true,
    };
    SourceReport { status: Status::Failed, reason: Some(detail), gaps: vec![gap], ..blank(source, plan) }
}

/// Asks the package databases that could be read for the owners of what is not a package itself.
fn ask_owners(host: &Arc<dyn Host>, sources: &[&'static dyn Source], deadline: Instant, looked: &mut Looked) {
    let ask = Arc::new(PathAsk::new(
        looked.traces.iter().flat_map(|(_, traces)| traces).filter_map(Trace::owned_path),
    ));
    if ask.is_empty() {
        return;
    }
    let read = |name: &str| {
        let report = looked.coverage.sources.iter().find(|report| report.source == name);
        report.is_some_and(|report| matches!(report.status, Status::Complete | Status::Partial))
    };
    let able: Vec<_> =
        sources.iter().copied().filter(|source| source.is_install_record() && read(source.name())).collect();
    let asked: Vec<&'static str> = able.iter().map(|source| source.name()).collect();
    let (send, done) = channel();
    let host = Arc::clone(host);
    thread::spawn(move || {
        let mut owners = Owners::default();
        for source in able {
            let answered = catch_unwind(AssertUnwindSafe(|| source.owners(host.as_ref(), &ask, &mut owners)));
            if answered.is_err() {
                owners.gap(source.name(), GapReason::Internal, &HostPath::from("/"), None);
            }
        }
        let _sent = send.send(owners);
    });
    match done.recv_timeout((deadline + GRACE).saturating_duration_since(Instant::now())) {
        Ok(owners) => looked.owners = owners,
        Err(_) => asked.iter().for_each(|name| looked.owners.gap(name, GapReason::Budget, &"/".into(), None)),
    }
    note_owner_gaps(looked);
}

/// What hid an owner is a minor gap of the database that should have known.
fn note_owner_gaps(looked: &mut Looked) {
    for (source, reason, place, detail) in std::mem::take(&mut looked.owners.gaps) {
        let Some(report) = looked.coverage.sources.iter_mut().find(|report| report.source == source) else {
            continue;
        };
        let detail = Some(detail.unwrap_or_else(|| "file lists were not wholly read".to_owned()));
        report.gaps.push(Gap { reason, detail, count: 1, places: vec![place], blocking: false });
        if report.status == Status::Complete {
            report.status = Status::Partial;
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
