//! What would be found by other rules, under other policies, or by the law of another day: judged from what is kept, and nothing
//! of it is kept.
//!
//! Called by `api` and by the collector's commands. Bounded in time and in hosts; what was left out is said.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Date, Family, Finding, Id, PolicyOutcome, RulesFolder, Severity, Stamp, Verdict};
use crate::ruleset::{Policy, render};

use super::judging::{Case, Judging};
use super::law::{Law, compiled};
use super::retro::affected;
use super::rules::Declined;
use super::store::{Kept, LookRow, Store};

/// Hosts whose looks are read at a time.
const LOOKS: u32 = 500;
/// Hosts that are told.
const FIRST: usize = 100;
/// Time for all of it.
const WITHIN: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Debug)]
pub struct Trial {
    /// Rules beside the built-in ones; none: those that are active.
    pub folder: Option<RulesFolder>,
    /// Policies for every host; none: as they are assigned.
    pub policies: Option<Vec<String>>,
    /// The law of which day.
    pub as_of: Stamp,
}

/// What would be found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DryRun {
    /// Hosts that have reported and were looked at.
    pub hosts: u64,
    /// Whether every host was looked at: else time did not suffice, and the figures are of a part.
    pub complete: bool,
    /// Hosts with a finding that decides.
    pub non_compliant: u64,
    /// Hosts with findings that only are shown.
    pub shown: u64,
    /// Hosts of which it cannot be said that nothing is there, before they are scanned under these rules.
    pub need_a_scan: u64,
    /// Findings by product, the most frequent ones first.
    pub products: Vec<ProductCount>,
    /// Findings that decide, by severity.
    pub severities: BTreeMap<String, u64>,
    /// The first hosts with findings.
    pub first: Vec<HostTrial>,
}

/// Hosts with a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProductCount {
    /// Its id.
    pub product: String,
    /// Hosts on which it would be found.
    pub hosts: u64,
    /// Hosts on which that would decide.
    pub decides: u64,
}

/// A host with findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HostTrial {
    /// The host.
    pub host: Id,
    /// What would be said of it.
    pub verdict: Option<Verdict>,
    /// Ids of products that would be found, deciding ones first.
    pub products: Vec<String>,
}

/// What would be said of one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Judgment {
    /// The worst policy's verdict.
    pub verdict: Option<Verdict>,
    /// Per policy.
    pub policies: Vec<PolicyOutcome>,
    /// Findings.
    pub findings: Vec<Finding>,
}

/// Tries it on the whole fleet.
pub async fn dry_run(store: Arc<dyn Store>, law: &Arc<Law>, trial: Trial) -> Result<DryRun, Declined> {
    let until = Instant::now() + WITHIN;
    let as_of = trial.as_of;
    let law = Arc::new(tried(law, trial).await?);
    let (candidates, _) = affected(Arc::clone(&store), Arc::clone(&law)).await?;
    let candidates: HashSet<i64> = candidates.into_iter().collect();
    let judging = Judging::under(Arc::clone(&law));
    let mut sum = Sum::default();
    let mut after = 0;
    loop {
        let looks = store.looks(after, LOOKS).await?;
        let Some(last) = looks.last() else { break };
        after = last.number;
        for look in looks {
            let found = if candidates.contains(&look.number) {
                judge(store.as_ref(), &judging, look.host, &look.tags, as_of).await?
            } else {
                None
            };
            sum.add(&law, &look, found);
            if Instant::now() > until {
                return Ok(sum.told(false));
            }
        }
    }
    Ok(sum.told(true))
}

/// Judges one host by the law of a day.
pub async fn as_of(store: &dyn Store, judging: &Judging, host: Id, day: Stamp) -> Kept<Option<Judgment>> {
    let Some(known) = store.known(host, 0, &[]).await? else { return Ok(None) };
    judge(store, judging, host, &known.tags, day).await
}

/// The law with what is tried.
async fn tried(law: &Arc<Law>, trial: Trial) -> Result<Law, Declined> {
    let Trial { folder, policies, .. } = trial;
    let ruleset = match (folder, law.version()) {
        (None, 1..) => law.ruleset_arc(),
        (folder, _) => {
            let work = move || compiled(folder.as_ref(), None);
            let compiled = tokio::task::spawn_blocking(work).await;
            let compiled = compiled.map_err(|error| Declined::Law(error.to_string()))?;
            Arc::new(compiled.map_err(|faults| Declined::Faults(render(&faults, false)))?)
        }
    };
    for id in policies.iter().flatten() {
        if ruleset.policy(id).is_none() {
            return Err(Declined::Unknown(format!("there is no policy '{id}' in these rules")));
        }
    }
    Ok(law.with(ruleset, policies))
}

async fn judge(
    store: &dyn Store,
    judging: &Judging,
    host: Id,
    tags: &[String],
    day: Stamp,
) -> Kept<Option<Judgment>> {
    let Some(held) = store.held(host).await? else { return Ok(None) };
    let case = Case {
        assigned: judging.law().assigned(host, tags),
        before: None,
        scanned_at: held.scanned_at,
        holding: held.holding,
        seen: held.seen,
        received_at: day,
    };
    let judged = judging.judge(case).await.ok();
    Ok(judged.map(|(judged, _)| Judgment {
        verdict: judged.verdict,
        policies: judged.policies.to_vec(),
        findings: judged.findings.into_iter().map(|kept| kept.finding).collect(),
    }))
}

/// What was found so far.
#[derive(Default)]
struct Sum {
    run: DryRun,
    products: BTreeMap<String, (u64, u64)>,
}

impl Sum {
    fn add(&mut self, law: &Law, look: &LookRow, found: Option<Judgment>) {
        self.run.hosts += 1;
        let findings = found.as_ref().map_or(&[][..], |found| &found.findings);
        let decides = findings.iter().any(|finding| finding.decides);
        if decides {
            self.run.non_compliant += 1;
        } else {
            self.run.shown += u64::from(!findings.is_empty());
            self.run.need_a_scan += u64::from(needs_a_scan(law, look));
        }
        let mut by_product: BTreeMap<&str, bool> = BTreeMap::new();
        for finding in findings {
            *by_product.entry(&finding.product).or_default() |= finding.decides;
        }
        for (product, decides) in &by_product {
            let (hosts, deciding) = self.products.entry((*product).to_owned()).or_default();
            *hosts += 1;
            *deciding += u64::from(*decides);
        }
        let severities: BTreeSet<Severity> =
            findings.iter().filter(|finding| finding.decides).map(|finding| finding.severity).collect();
        for severity in severities {
            *self.run.severities.entry(severity.word().to_owned()).or_default() += 1;
        }
        if let Some(found) = found.filter(|found| !found.findings.is_empty() && self.run.first.len() < FIRST)
        {
            let told: Vec<&String> = found.findings.iter().map(|finding| &finding.product).collect();
            let is_first =
                |(at, product): &(usize, &&String)| !told.iter().take(*at).any(|one| one == *product);
            let products = told.iter().enumerate().filter(is_first).map(|(_, product)| (*product).clone());
            let products = products.collect();
            self.run.first.push(HostTrial { host: look.host, verdict: found.verdict, products });
        }
    }

    fn told(self, complete: bool) -> DryRun {
        let one = |(product, (hosts, decides))| ProductCount { product, hosts, decides };
        let mut products: Vec<ProductCount> = self.products.into_iter().map(one).collect();
        products.sort_by(|a, b| (b.decides, b.hosts, &a.product).cmp(&(a.decides, a.hosts, &b.product)));
        DryRun { complete, products, ..self.run }
    }
}

fn needs_a_scan(law: &Law, look: &LookRow) -> bool {
    let families = [Family::Linux, Family::Windows, Family::Macos];
    let Some(family) = families.into_iter().find(|family| family.word() == look.family) else { return true };
    let led = law.led(look.sought.as_ref(), family);
    let assigned = law.assigned(look.host, &look.tags);
    let (policies, all) = law.policies(&assigned);
    let prohibitions = policies.into_iter().flat_map(|policy: &Policy| &policy.prohibitions);
    !all || prohibitions.into_iter().any(|one| led.needs_a_scan(&one.id, false).is_some())
}

/// The beginning of a day.
pub fn beginning(day: Date) -> Option<Stamp> {
    let moment = format!("{day}T00:00:00Z").parse::<jiff::Timestamp>().ok()?;
    Stamp::from_unix(moment.as_second())
}
