//! What follows from what a host holds, by the law of the fleet: verdicts, and what became of each finding.
//!
//! Asked by `check_in` and by `retro`. Judges by the same code as an endpoint does, on threads of its own, for it takes
//! milliseconds of a processor. Must not know the store nor the wire.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::judge::{Answer, Question, judge};
use crate::matching::Engine;
use crate::model::{
    Because, Coverage, Date, Entry, Family, Finding, Id, InventoryItem, Item, ItemKind, Looked, Phase,
    PolicyOutcome, Seen, Stamp, Trust, Unseen, Verdict,
};
use crate::normalise::sets;
use crate::ruleset::{Ruleset, Sought};

use super::law::{Assigned, Law};
use super::store::{FindingState, Holding, Judged, JudgedBy, KeptFinding, KeptHost};

mod findings;

use findings::{EARLIER, Now};

/// Threads that judge.
const THREADS: usize = 2;
/// Hosts that may wait for one.
const WAITING: usize = 64;

/// A host to be judged.
#[derive(Debug)]
pub(super) struct Case {
    /// By what.
    pub(super) assigned: Assigned,
    /// What was kept of it before.
    pub(super) before: Option<KeptHost>,
    /// What it holds now.
    pub(super) holding: Holding,
    /// What the entries stand for.
    pub(super) seen: BTreeMap<Id, Arc<Seen>>,
    /// When the scan began.
    pub(super) scanned_at: Stamp,
    /// When its report came.
    pub(super) received_at: Stamp,
}

type Work = (Box<Case>, oneshot::Sender<(Judged, Box<Case>)>);

/// Those who judge by one law.
#[derive(Debug)]
pub struct Judging {
    work: mpsc::Sender<Work>,
    law: Arc<Law>,
}

/// Nobody judges: the collector is being closed, or this host cannot be judged; the log says which.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unjudged;

impl Judging {
    /// Judges by the rules that are compiled in. An error is their faults, as text.
    pub fn built_in() -> Result<Self, String> {
        Ok(Self::under(Arc::new(Law::built_in()?)))
    }

    /// Judges by these rules, under those of the policies that are in them.
    pub fn by(ruleset: Ruleset, policies: &[String]) -> Self {
        Self::under(Arc::new(Law::by(ruleset, policies)))
    }

    /// Judges by a law.
    pub(super) fn under(law: Arc<Law>) -> Self {
        let (work, waiting) = mpsc::channel(WAITING);
        let own = Arc::clone(&law);
        thread::spawn(move || serve(&own, waiting));
        Self { work, law }
    }

    /// The law.
    pub fn law(&self) -> &Arc<Law> {
        &self.law
    }

    /// Whether what was judged then is what would be judged today.
    pub(super) fn holds(&self, judged: JudgedBy, assigned: &Assigned, today: Date) -> bool {
        judged.rules == assigned.by && !self.law.turns_between(judged.on, today)
    }

    /// Judges; the case comes back with what follows from it.
    pub(super) async fn judge(&self, case: Case) -> Result<(Judged, Box<Case>), Unjudged> {
        self.begin(case).await?.await.map_err(|_| Unjudged)
    }

    /// Gives a case to those who judge; what follows from it comes later.
    pub(super) async fn begin(&self, case: Case) -> Result<oneshot::Receiver<(Judged, Box<Case>)>, Unjudged> {
        let (tell, told) = oneshot::channel();
        self.work.send((Box::new(case), tell)).await.map_err(|_| Unjudged)?;
        Ok(told)
    }
}

/// The rules, made ready once for all who judge by them.
pub(super) struct Bench<'r> {
    law: &'r Law,
    /// Products that some policy of the law prohibits.
    prohibited: OnceLock<HashSet<&'r str>>,
    linux: OnceLock<Engine<'r>>,
    windows: OnceLock<Engine<'r>>,
    macos: OnceLock<Engine<'r>>,
}

fn serve(law: &Law, waiting: mpsc::Receiver<Work>) {
    let bench = Bench::new(law);
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| while bench.judge_next(&waiting) {});
        }
    });
}

impl<'r> Bench<'r> {
    pub(super) fn new(law: &'r Law) -> Self {
        let (linux, windows, macos) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { law, prohibited: OnceLock::new(), linux, windows, macos }
    }

    /// The rules, ready for a family.
    pub(super) fn engine(&self, family: Family) -> &Engine<'r> {
        let engine = match family {
            Family::Linux => &self.linux,
            Family::Windows => &self.windows,
            Family::Macos => &self.macos,
        };
        engine.get_or_init(|| Engine::new(self.law.ruleset(), family))
    }

    /// Judges who comes next; false: nobody will.
    fn judge_next(&self, waiting: &Mutex<mpsc::Receiver<Work>>) -> bool {
        // Who holds the lock waits for work, and the others for the lock.
        let work = waiting.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some((case, tell)) = work else { return false };
        // A fault of the rules' code is that host's alone.
        if let Ok(judged) = catch_unwind(AssertUnwindSafe(|| self.judge(&case))) {
            // Who asked may have gone.
            _ = tell.send((judged, case));
        } else {
            tracing::error!(scanned_at = %case.scanned_at, "a host cannot be judged");
        }
        true
    }

    /// Judges one.
    pub(super) fn judge(&self, case: &Case) -> Judged {
        let Holding { facts, asked, .. } = &case.holding;
        let coverage = coverage(&case.holding);
        let items = items(&case.holding, &case.seen);
        let on = Date::of(case.received_at);
        let engine = self.engine(facts.family);
        let (asked_policies, all) = self.law.policies(&case.assigned);
        let answer = judge(&Question {
            engine,
            hits: &engine.all_hits(items.iter().map(|one| &one.item)),
            policies: asked_policies,
            site: None,
            granted: Some(&self.law.granted(&case.assigned)),
            host: facts,
            items: &items,
            coverage: &coverage,
            scope: asked.scope,
            depth: asked.depth,
            as_of: on,
        });
        let by = case.assigned.by;
        let now = Now { case, coverage: &coverage, items: &items, on, by, answer: &answer };
        let findings = now.findings();
        let Answer { mut policies, .. } = answer;
        let led = self.law.led(case.holding.sought.as_ref(), facts.family);
        let open = led.sought.as_deref().filter(|_| !led.is_whole());
        let open = open.map(|sought| self.unproven(&items, engine, sought)).unwrap_or_default();
        for policy in &mut policies {
            let id = policy.policy.clone();
            doubt(policy, |prohibition| led.needs_a_scan(prohibition, open.contains(prohibition)));
            doubt(policy, |prohibition| open_question(&findings, &id, prohibition, on));
        }
        let mut verdict = policies.iter().map(|policy| policy.verdict).max();
        if !all {
            // A policy that the rules do not have is not met by anybody.
            verdict = verdict.max(Some(Verdict::Inconclusive));
        }
        // What an earlier scan does not answer the next one does, though it may tell nothing new: it is judged whatever it tells.
        let is_earlier = findings.iter().any(|kept| kept.why.as_deref() == Some(EARLIER));
        let by = JudgedBy { rules: by, on: if is_earlier { Date::of(Stamp::epoch()) } else { on } };
        let (law, tags) = (case.assigned.version, case.assigned.tags.clone());
        Judged { by, law, tags, verdict, policies: policies.into(), findings }
    }

    /// Prohibitions for which a signature could count that was not proven, because no rule that led the scan had a reason to.
    fn unproven(&self, items: &[InventoryItem], engine: &Engine<'r>, sought: &Sought) -> BTreeSet<&'r str> {
        let ruleset = self.law.ruleset();
        let mut found = BTreeSet::new();
        let open = items.iter().filter(|one| is_open(one, engine));
        let candidates = open.flat_map(|one| engine.item_hits(&one.item));
        for candidate in candidates.filter(|one| !sought.knows(ruleset, one.indicator())) {
            let prohibitions = ruleset.policies().iter().flat_map(|policy| &policy.prohibitions);
            let covering = prohibitions.filter(|one| one.covers(candidate.product()));
            found.extend(covering.map(|one| one.id.as_str()));
        }
        found
    }

    /// Whether the item alone could make a finding under a policy of some host.
    pub(super) fn could_find(&self, item: &Item) -> bool {
        let families = [Family::Linux, Family::Windows, Family::Macos];
        let prohibited = self.prohibited.get_or_init(|| self.prohibited());
        let hits = |family| self.engine(family).item_hits(item);
        families
            .into_iter()
            .any(|family| hits(family).iter().any(|hit| prohibited.contains(hit.product().id.as_str())))
    }

    fn prohibited(&self) -> HashSet<&'r str> {
        let ruleset = self.law.ruleset();
        let policies = self.law.assignments().filter_map(|(_, id)| ruleset.policy(id));
        let prohibitions: Vec<_> = policies.flat_map(|policy| &policy.prohibitions).collect();
        let products = ruleset.products().iter();
        let covered = products.filter(|product| prohibitions.iter().any(|one| one.covers(product)));
        covered.map(|product| product.id.as_str()).collect()
    }
}

/// Whether a scan could still prove who signed a thing.
fn is_open(one: &InventoryItem, engine: &Engine<'_>) -> bool {
    let open = match &one.item.signer {
        Looked::Some(signer) => signer.trust == Trust::Unchecked,
        // Windows keeps signatures beside the files too.
        Looked::NotLooked => engine.family() == Family::Windows && one.item.kind != ItemKind::Package,
        Looked::None | Looked::Unreadable(_) => false,
    };
    let exists = |image: &crate::model::Image| image.exists == Some(true);
    open && one.sightings.iter().any(|sighting| sighting.image.as_ref().is_some_and(exists))
}

/// Why a prohibition is not met although nothing of it is found: something of it was there, and is not known to be gone.
fn open_question(findings: &[KeptFinding], policy: &str, prohibition: &str, on: Date) -> Option<String> {
    let mut open = findings.iter().filter(|kept| {
        let finding = &kept.finding;
        kept.state == FindingState::NotReVerified
            && would_decide(finding, on)
            && finding.policy == policy
            && finding.prohibition == prohibition
    });
    let kept = open.next()?;
    let why = kept.why.as_deref().unwrap_or("it was not looked for again");
    Some(format!("{} was here, and is not re-verified: {why}", kept.finding.product_name))
}

/// Whether a finding counts on that day, as it was when it was last seen: a waiver may have ended since, or a day have come.
fn would_decide(finding: &Finding, on: Date) -> bool {
    finding.decides
        || match finding.because {
            Some(Because::Waived) => finding.waiver.as_ref().is_none_or(|waiver| waiver.expires < on),
            Some(Because::NotInEffect) => finding.effective <= on,
            _ => false,
        }
}

/// Takes back that prohibitions are met, where there is a reason; one that is in doubt already has one more.
fn doubt(policy: &mut PolicyOutcome, why: impl Fn(&str) -> Option<String>) {
    let mut doubted = false;
    for judged in &mut policy.prohibitions {
        let open = judged.verdict != Verdict::NonCompliant;
        let asked = open && judged.phase == Phase::InEffect && judged.assessable;
        if let Some(reason) = why(&judged.prohibition).filter(|_| asked) {
            judged.verdict = Verdict::Inconclusive;
            judged.unseen.push(Unseen { source: None, status: None, reason, gaps: Vec::new() });
            doubted = true;
        }
    }
    if doubted {
        policy.verdict = policy.verdict.max(Verdict::Inconclusive);
    }
}

/// How the sources of a host ended.
pub(super) fn coverage(holding: &Holding) -> Coverage {
    Coverage { sources: holding.sources.iter().map(|source| source.report.clone()).collect() }
}

/// What the last report tells of. What a source saw before, that was not whole in it, is no part of it.
pub(super) fn items(holding: &Holding, seen: &BTreeMap<Id, Arc<Seen>>) -> Vec<InventoryItem> {
    let entries = holding.sources.iter().flat_map(|source| &source.set).flat_map(|set| &set.entries);
    sets::items(entries.filter_map(|entry: &Entry| Some((entry, seen.get(&entry.id)?.as_ref()))))
}
