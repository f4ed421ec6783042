//! What became of each finding of a host: open, closed, or not looked for again.
//!
//! Asked by the judges, for the look that is judged now and what was found before.

use std::collections::BTreeMap;

use crate::judge::Answer;
use crate::judge::compare::{Kept as KeptSide, Side, fates};
use crate::model::{Coverage, Date, Fate, Finding, FindingChange, Id, InventoryItem};

use super::super::store::{Asked, FindingState, Holding, KeptFinding, KeptHost, Look};
use super::{Case, coverage};

/// What is judged now, to be weighed against what was found before.
pub(super) struct Now<'a> {
    pub(super) case: &'a Case,
    pub(super) coverage: &'a Coverage,
    pub(super) items: &'a [InventoryItem],
    pub(super) on: Date,
    pub(super) by: Id,
    pub(super) answer: &'a Answer,
}

/// Why a finding is not re-verified that a later scan has shown.
pub(super) const EARLIER: &str = "the last report is of an earlier scan";

/// Policy, prohibition, product.
type Key<'a> = (&'a str, &'a str, &'a str);

fn key(finding: &Finding) -> Key<'_> {
    (&finding.policy, &finding.prohibition, &finding.product)
}

impl Now<'_> {
    /// What became of each finding that was not closed, and the new ones.
    pub(super) fn findings(&self) -> Vec<KeptFinding> {
        let mut found: BTreeMap<Key<'_>, &Finding> =
            self.answer.findings.iter().map(|finding| (key(finding), finding)).collect();
        let mut kept = Vec::new();
        if let Some(before) = &self.case.before {
            let last = last_look(before);
            for old in &before.findings {
                let look = old.seen.as_deref().unwrap_or(&last);
                let there = found.remove(&key(&old.finding));
                kept.push(self.fate(old, there, look));
            }
        }
        kept.extend(found.into_values().map(|finding| KeptFinding {
            finding: finding.clone(),
            state: FindingState::Open,
            opened_at: self.case.received_at,
            seen: None,
            closed_at: None,
            why: None,
        }));
        kept
    }

    fn fate(&self, old: &KeptFinding, there: Option<&Finding>, look: &Look) -> KeptFinding {
        if !self.answer.policies.iter().any(|policy| policy.policy == old.finding.policy) {
            return self.dropped(old, look);
        }
        let change = self.change(&old.finding, look);
        let fate = change.as_ref().map_or(Fate::NotReVerified, |change| change.fate);
        let why = change.map(|change| change.reasons.join("; ")).filter(|why| !why.is_empty());
        let same = KeptFinding { closed_at: None, why: why.clone(), ..old.clone() };
        // A report that came late: it tells nothing of what was seen after it.
        if there.is_none() && self.case.scanned_at < look.scanned_at {
            let why = Some(EARLIER.to_owned());
            let seen = Some(Box::new(look.clone()));
            return KeptFinding { state: FindingState::NotReVerified, seen, why, ..same };
        }
        match (there, fate) {
            // Less of it is there than was, and that the rest is gone was not seen.
            (_, Fate::NotReVerified) => {
                KeptFinding { state: FindingState::NotReVerified, seen: Some(Box::new(look.clone())), ..same }
            }
            (Some(finding), _) => KeptFinding {
                finding: finding.clone(),
                state: FindingState::Open,
                seen: None,
                why: None,
                ..same
            },
            (None, fate) => KeptFinding {
                state: FindingState::Closed,
                seen: Some(Box::new(look.clone())),
                closed_at: Some(self.case.received_at),
                why: Some(why.map_or(fate.words().to_owned(), |why| format!("{}: {why}", fate.words()))),
                ..same
            },
        }
    }

    /// A finding under a policy that is not asked of this host any more: nobody will look for it again.
    fn dropped(&self, old: &KeptFinding, look: &Look) -> KeptFinding {
        KeptFinding {
            state: FindingState::Closed,
            seen: Some(Box::new(look.clone())),
            closed_at: Some(self.case.received_at),
            why: Some("its policy is not asked of this host any more".to_owned()),
            ..old.clone()
        }
    }

    /// What became of one finding since a look that showed it.
    fn change(&self, finding: &Finding, look: &Look) -> Option<FindingChange> {
        let policies = &self.answer.policies;
        let Holding { facts, asked, .. } = &self.case.holding;
        let (before_rules, now_rules) = (led_by(&look.asked, look.rules), led_by(asked, Some(self.by)));
        let before = Side::of_kept(KeptSide {
            tool: &look.asked.tool,
            scanned_at: look.scanned_at,
            host: &look.facts,
            coverage: &look.coverage,
            depth: look.asked.depth,
            scope: look.asked.scope,
            ruleset: &before_rules,
            as_of: self.on,
            verdict: self.answer.verdict,
            policies,
            findings: std::slice::from_ref(finding),
            items: None,
        });
        let now = Side::of_kept(KeptSide {
            tool: &asked.tool,
            scanned_at: self.case.scanned_at,
            host: facts,
            coverage: self.coverage,
            depth: asked.depth,
            scope: asked.scope,
            ruleset: &now_rules,
            as_of: self.on,
            verdict: self.answer.verdict,
            policies,
            findings: &self.answer.findings,
            items: Some(self.items),
        });
        fates(&before, &now).into_iter().find(|change| {
            (change.policy.as_str(), change.prohibition.as_str(), change.product.as_str()) == key(finding)
        })
    }
}

/// How the last report looked.
fn last_look(before: &KeptHost) -> Look {
    Look {
        facts: before.holding.facts.clone(),
        asked: before.holding.asked.clone(),
        coverage: coverage(&before.holding),
        scanned_at: before.scanned_at,
        rules: before.rules,
    }
}

/// The rules that led a scan, and those that judged it: where neither has changed, a thing that is there is found again.
fn led_by(asked: &Asked, judged: Option<Id>) -> String {
    let judged = judged.map(|id| id.to_string()).unwrap_or_default();
    format!("{} {} {judged}", asked.ruleset.digest, asked.policies.join(" "))
}
