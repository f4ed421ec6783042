//! Runs the sources of a host side by side, each with its own status; a source that panics or blocks is a failed
//! source, not a lost report.
//!
//! Called by `cli`. Must not know what a source looks for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::Host;
use crate::model::{Coverage, Gap, GapReason, HostPath, Mode, Need, SourceReport, Status, Trace, Wanted};

use super::limits::{Limits, Watch};
use super::prove::prove;
use super::waves::Waves;
use super::{Haul, Outcome, Owners, PathAsk, Source, hashes, of, pointed};

/// How a scan is to be run.
#[derive(Debug, Clone)]
pub struct RunPlan {
    /// What to look for.
    pub want: Wanted,
    /// Time for all sources together.
    pub budget: Duration,
    /// Bytes that the scanner may hold; none: as many as it takes.
    pub memory: Option<u64>,
}

/// What the sources brought.
#[derive(Debug, Default)]
pub struct Looked {
    /// Traces by source, in the order of the sources.
    pub traces: Vec<(&'static str, Vec<Trace>)>,
    /// What was and was not seen.
    pub coverage: Coverage,
    /// Who owns the paths that need it; nobody before [`ask_owners`].
    pub owners: Owners,
    /// What the plan lets the look take.
    pub(super) limits: Option<Limits>,
}

/// Time beyond the budget for sources to notice that it is over.
pub(super) const GRACE: Duration = Duration::from_millis(500);
/// Time to notice that memory is: there is no hurry, and what was read is to come home.
const FULL_GRACE: Duration = Duration::from_secs(3);

/// Offers of all sources that wait to be judged. With the rest of a batch for each: what is in memory at a time.
pub(super) const OFFERS: usize = 8;
/// Offered traces that are kept at most, of each source.
const KEPT: usize = 60_000;

/// What a source sends home.
pub(super) enum Sent {
    /// Traces of the source at this position, of which only those are kept that a rule could match.
    Offer(usize, Vec<Trace>),
    /// It has ended.
    Done(usize, SourceReport, Vec<Trace>),
}

/// Whether a rule could match a trace.
pub type Worth<'w> = &'w dyn Fn(&Trace) -> bool;

/// Runs every source of the host's family. `progress` is told each source that ends, with how many are done of how many;
/// `worth` says which of the traces that are offered are kept, and of which traces the signature is to be proven. Where
/// there are no rules to ask all are kept, and nothing is proven.
pub fn run(
    host: &Arc<dyn Host>,
    plan: &RunPlan,
    worth: Option<Worth<'_>>,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Looked {
    let sources: Vec<&'static dyn Source> = of(host.facts().family).collect();
    let limits = Limits::new(Instant::now() + plan.budget, plan.memory);
    let mut end = limits.deadline() + GRACE;
    let mut watch = Watch::new(&limits);
    let (mut waves, sent) = Waves::start(host, plan, &sources, &limits);
    let mut ended: Vec<Option<(SourceReport, Vec<Trace>)>> = sources.iter().map(|_| None).collect();
    let mut kept: Vec<Kept> = sources.iter().map(|_| Kept::default()).collect();
    let mut count = 0;
    while count < sources.len() {
        match sent.recv_timeout(watch.until(waves.until(end)).saturating_duration_since(Instant::now())) {
            Ok(Sent::Offer(at, traces)) => {
                kept.iter_mut().skip(at).take(1).for_each(|kept| kept.sift(&traces, worth));
            }
            Ok(Sent::Done(at, report, traces)) => {
                count += 1;
                progress(&report.source, count, sources.len());
                if let Some(slot) = ended.get_mut(at) {
                    *slot = Some((report, traces));
                }
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < end => {}
            Err(_) => break,
        }
        if watch.fills() {
            end = end.min(Instant::now() + FULL_GRACE);
        }
        waves.go_on(count);
    }
    // Whoever still waits to hand over is not to wait for ever.
    drop(sent);
    let mut looked = Looked::default();
    for ((source, ended), kept) in sources.iter().zip(ended).zip(kept) {
        let (mut report, mut traces) = ended.unwrap_or_else(|| (blocked(*source, plan, &limits), Vec::new()));
        kept.join(&mut report, &mut traces);
        looked.traces.push((source.about().name, traces));
        looked.coverage.sources.push(report);
    }
    pointed::look(host, &plan.want, &limits, &mut looked);
    if let Some(worth) = worth {
        hashes::take(host, &plan.want, &limits, worth, &mut looked);
        prove(host, &plan.want, &limits, worth, &mut looked);
    }
    looked.limits = Some(limits);
    looked
}

/// What is kept of the traces that a source offered.
#[derive(Default)]
struct Kept {
    traces: Vec<Trace>,
    /// How many no rule could match.
    passed: u64,
    /// The first that was worth it and one too many.
    over: Option<HostPath>,
}

impl Kept {
    fn sift(&mut self, traces: &[Trace], worth: Option<Worth<'_>>) {
        for trace in traces {
            if worth.is_some_and(|worth| !worth(trace)) {
                self.passed += 1;
            } else if self.traces.len() < KEPT {
                self.traces.push(trace.clone());
            } else {
                self.over.get_or_insert_with(|| trace.place.path.clone());
            }
        }
    }

    fn join(self, report: &mut SourceReport, traces: &mut Vec<Trace>) {
        traces.extend(self.traces);
        report.not_kept = self.passed;
        if let Some(place) = self.over {
            report.gap(
                GapReason::Budget,
                &place,
                Some(format!("more than {KEPT} programs in one source")),
                true,
            );
        }
    }
}

/// Does something beside, in a thread of its own, which a dead file system may hold; none where it does not end in time, or
/// no memory is left to begin.
pub(super) fn in_time<T: Send + 'static>(
    limits: &Limits,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let mut watch = Watch::new(limits);
    if limits.is_full() {
        return None;
    }
    let (send, done) = channel();
    thread::spawn(move || send.send(work()));
    let end = limits.deadline() + GRACE;
    loop {
        match done.recv_timeout(watch.until(end).saturating_duration_since(Instant::now())) {
            Ok(done) => return Some(done),
            Err(RecvTimeoutError::Timeout) if Instant::now() < end && !watch.fills() => {}
            Err(_) => return None,
        }
    }
}

/// Runs one source, whatever it does.
pub(super) fn one(
    source: &dyn Source,
    host: &dyn Host,
    plan: &RunPlan,
    mut haul: Haul,
) -> (SourceReport, Vec<Trace>) {
    let started = Instant::now();
    let mut report = blank(source, plan);
    if let Some(reason) = not_run(source, host, plan) {
        report.reason = Some(reason);
        return (report, Vec::new());
    }
    // To begin would be to read whole files first.
    let begins = haul.time_left();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if begins {
            source.collect(host, &plan.want, &mut haul)
        } else {
            Outcome::Failed("it could not be begun any more".to_owned())
        }
    }));
    haul.hand_over();
    haul.note_end();
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
    let asked = source.about().scopes.iter().any(|scope| plan.want.scope.includes(*scope));
    if !asked {
        return Some("not in the scope that was asked for".to_owned());
    }
    if source.about().depth > plan.want.depth {
        return Some("not in the depth that was asked for".to_owned());
    }
    let dead = host.facts().mode == Mode::Offline && host.processes().is_none();
    (dead && source.about().needs == [Need::Running])
        .then(|| "the host is not running: nothing runs on a dead disk".to_owned())
}

/// A report with nothing in it; `not-applicable` until it has run.
fn blank(source: &dyn Source, plan: &RunPlan) -> SourceReport {
    let asked = source.about().scopes.iter().copied().filter(|scope| plan.want.scope.includes(*scope));
    SourceReport {
        source: source.about().name.into(),
        status: Status::NotApplicable,
        reason: None,
        gaps: Vec::new(),
        records: 0,
        not_kept: 0,
        scopes: asked.collect(),
        fields: source.about().fields.to_vec(),
        yields: source.about().yields.iter().map(|(kind, states)| (*kind, states.to_vec())).collect(),
        install_record: source.about().install_record,
        elapsed_ms: 0,
    }
}

/// The report of a source that did not come back.
fn blocked(source: &dyn Source, plan: &RunPlan, limits: &Limits) -> SourceReport {
    let (reason, detail) =
        limits.over().filter(|(reason, _)| *reason == GapReason::Memory).unwrap_or_else(|| {
            let seconds = plan.budget.as_secs();
            (GapReason::Budget, format!("no answer within {seconds} s; a file system may hang"))
        });
    let gap = Gap { reason, detail: Some(detail.clone()), count: 1, places: Vec::new(), blocking: true };
    SourceReport { status: Status::Failed, reason: Some(detail), gaps: vec![gap], ..blank(source, plan) }
}

/// Asks the package databases that could be read for the owners of paths.
pub fn ask_owners<'p>(
    host: &Arc<dyn Host>,
    paths: impl IntoIterator<Item = &'p HostPath>,
    looked: &mut Looked,
) {
    let limits = looked.limits.clone().unwrap_or_else(|| Instant::now().into());
    let ask = Arc::new(PathAsk::new(paths));
    if ask.is_empty() {
        return;
    }
    let read = |name: &str| {
        let report = looked.coverage.sources.iter().find(|report| report.source == name);
        report.is_some_and(|report| matches!(report.status, Status::Complete | Status::Partial))
    };
    let able: Vec<_> = of(host.facts().family)
        .filter(|source| source.about().install_record && read(source.about().name))
        .collect();
    let asked: Vec<&'static str> = able.iter().map(|source| source.about().name).collect();
    let host = Arc::clone(host);
    let answer = in_time(&limits, move || {
        let mut owners = Owners::default();
        for source in able {
            let answered = catch_unwind(AssertUnwindSafe(|| source.owners(host.as_ref(), &ask, &mut owners)));
            if answered.is_err() {
                owners.gap(source.about().name, GapReason::Internal, &HostPath::from("/"), None);
            }
        }
        owners
    });
    let reason = if limits.is_full() { GapReason::Memory } else { GapReason::Budget };
    match answer {
        Some(owners) => looked.owners = owners,
        None => asked.iter().for_each(|name| looked.owners.gap(name, reason, &"/".into(), None)),
    }
    note_owner_gaps(looked);
}

/// What hid an owner is a minor gap of the database that should have known.
fn note_owner_gaps(looked: &mut Looked) {
    for (source, reason, place, detail) in std::mem::take(&mut looked.owners.gaps) {
        let Some(report) = looked.coverage.sources.iter_mut().find(|report| report.source == source) else {
            continue;
        };
        let detail = detail.unwrap_or_else(|| "file lists were not wholly read".to_owned());
        report.gap(reason, &place, Some(detail), false);
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
