//! What follows from what was found, under the policies, on a day: findings, verdict, claim.
//!
//! Called by `cli` and, later, by the collector with stored inventories. Pure: the day is an argument, nothing is
//! read. Must not know where items came from.

use crate::matching::{Engine, Hits};
use crate::model::{
    Claim, Coverage, Date, Depth, Finding, HostFacts, InventoryItem, Order, PolicyOutcome, ScopeAsk, Verdict,
};
use crate::ruleset::{Diagnostic, Granted, Policy, Site, Waiver, unused};

mod advice;
mod assess;
mod claim;
pub mod compare;
mod decide;
mod examples;
mod explain;
mod needs;
mod outcome;
mod weigh;

pub use examples::{ExampleFailure, run_examples};
pub use outcome::{Outcome, Under, outcomes};

/// All that a verdict is made of.
pub struct Question<'a> {
    /// The rules, ready to be matched for this host's family.
    pub engine: &'a Engine<'a>,
    /// What the items meet.
    pub hits: &'a Hits<'a>,
    /// The policies that were asked for.
    pub policies: Vec<&'a Policy>,
    /// Who the site is, where the configuration says so.
    pub site: Option<&'a Site>,
    /// Exceptions for this host that stand in no rule file.
    pub granted: Option<&'a Granted>,
    /// The host.
    pub host: &'a HostFacts,
    /// What was found on it.
    pub items: &'a [InventoryItem],
    /// How well it was looked at.
    pub coverage: &'a Coverage,
    /// Which halves were looked at.
    pub scope: ScopeAsk,
    /// How deep.
    pub depth: Depth,
    /// The day.
    pub as_of: Date,
}

/// What follows.
#[derive(Debug)]
pub struct Answer {
    /// The worst policy's verdict.
    pub verdict: Verdict,
    /// What it claims.
    pub claim: Claim,
    /// Verdict per policy.
    pub policies: Vec<PolicyOutcome>,
    /// Findings, deciding ones first.
    pub findings: Vec<Finding>,
    /// Waivers for this host that no finding needed.
    pub unused_waivers: Vec<Diagnostic>,
}

/// Judges. Without any policy nothing was asked, and nothing can be concluded.
pub fn judge(question: &Question<'_>) -> Answer {
    let assessments = assess::assess(question.items, question.engine, question.hits);
    let mut findings = Vec::new();
    let mut policies = Vec::new();
    for policy in &question.policies {
        let (outcome, found) = decide::decide(question, policy, &assessments);
        policies.push(outcome);
        findings.extend(found);
    }
    findings.order_by_key(|finding| (!finding.decides, std::cmp::Reverse(finding.confidence)));
    let verdict = policies.iter().map(|outcome| outcome.verdict).max().unwrap_or(Verdict::Inconclusive);
    let unused_waivers = unused_waivers(question, &findings);
    let deciding = findings.iter().filter(|finding| finding.decides).count();
    let claim = claim::claim(question, verdict, deciding, &policies);
    Answer { verdict, claim, policies, findings, unused_waivers }
}

/// Waivers of the prohibitions that were asked, for this host, that hold and that nothing needed.
fn unused_waivers(question: &Question<'_>, findings: &[Finding]) -> Vec<Diagnostic> {
    let host = question.host.name.as_deref();
    let asked = |waiver: &Waiver| {
        let mut prohibitions = question.policies.iter().flat_map(|policy| &policy.prohibitions);
        prohibitions.any(|one| one.id == waiver.prohibition)
    };
    let needed = |waiver: &Waiver| {
        let by = |finding: &Finding| waiver.is_for(&finding.prohibition, &finding.product, host);
        findings.iter().any(|finding| finding.waiver.is_some() && by(finding))
    };
    let waivers = question.engine.ruleset().waivers().iter();
    unused(waivers.filter(|waiver| {
        waiver.hosts.include(host) && waiver.answer.holds(question.as_of) && asked(waiver) && !needed(waiver)
    }))
}
