//! What became of each finding.
//!
//! Called by `compare`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Because, Evidence, Fate, Finding, FindingChange, FindingSide, ItemId, Trend, set_of};

use super::in_order;
use super::sight::{Pair, Seen};

/// What one finding is by: policy, prohibition, product.
type Key<'a> = (&'a str, &'a str, &'a str);

fn key(finding: &Finding) -> Key<'_> {
    (&finding.policy, &finding.prohibition, &finding.product)
}

/// What is known of both sides for every finding.
struct Known<'a> {
    pair: &'a Pair<'a>,
    same_question: bool,
    /// Items that AFTER tells of.
    told_after: BTreeSet<ItemId>,
    /// Items that BEFORE tells of.
    told_before: BTreeSet<ItemId>,
}

/// Every finding of either side.
pub(super) fn changes(pair: &Pair<'_>) -> Vec<FindingChange> {
    let (Some(before), Some(after)) = (&pair.from.judged, &pair.to.judged) else { return Vec::new() };
    let known = Known {
        pair,
        same_question: pair.asks_the_same(),
        told_after: pair.told(),
        told_before: pair.turned().told(),
    };
    let mut both: BTreeMap<Key<'_>, (Option<&Finding>, Option<&Finding>)> = BTreeMap::new();
    for finding in before.findings {
        both.entry(key(finding)).or_default().0 = Some(finding);
    }
    for finding in after.findings {
        both.entry(key(finding)).or_default().1 = Some(finding);
    }
    let mut changes: Vec<FindingChange> = both
        .into_values()
        .filter_map(|sides| match sides {
            (Some(before), Some(after)) => Some(known.still(before, after)),
            (Some(before), None) => Some(known.closed(before)),
            (None, Some(after)) => Some(known.opened(after)),
            (None, None) => None,
        })
        .collect();
    in_order(&mut changes);
    changes
}

impl Known<'_> {
    /// A finding that only AFTER has.
    fn opened(&self, after: &Finding) -> FindingChange {
        let turned = self.pair.turned();
        let mut reasons = Vec::new();
        let asked = self.pair.from.judged.as_ref().is_some_and(|judged| is_asked(judged.policies, after));
        let was_there = matched(after).find(|evidence| self.told_before.contains(&evidence.item));
        if !asked {
            reasons.push(format!("{} was not judged by {}", self.pair.other, after.prohibition));
        } else if let Some(evidence) = was_there {
            reasons.push(format!(
                "{} {} was there in BEFORE, and not found by its rules",
                evidence.kind.word(),
                evidence.name
            ));
        } else if !self.same_question {
            reasons.push("the rules changed: those of BEFORE may not have found it".to_owned());
        }
        let seen = turned.evidence_of(after);
        let hidden: Vec<String> = seen.iter().filter_map(|seen| turned.blind(seen)).collect();
        if hidden.len() == seen.len() {
            reasons
                .extend(once(hidden).into_iter().map(|why| format!("it may have been there before: {why}")));
        }
        change(None, Some(after), Fate::New, if after.decides { Trend::Worse } else { Trend::Same }, reasons)
    }

    /// A finding that only BEFORE has.
    fn closed(&self, before: &Finding) -> FindingChange {
        let asked = self.pair.to.judged.as_ref().is_some_and(|judged| is_asked(judged.policies, before));
        if !asked {
            let reasons = vec![format!("{} was not judged by {}", self.pair.name, before.prohibition)];
            return change(Some(before), None, Fate::NoLongerAsked, Trend::Same, reasons);
        }
        if let Some(evidence) = matched(before).find(|evidence| self.told_after.contains(&evidence.item)) {
            return self.still_told(before, evidence);
        }
        let reasons = self.unproven(before, None);
        if !reasons.is_empty() {
            return change(Some(before), None, Fate::NotReVerified, Trend::Same, reasons);
        }
        let fate = if self.pair.same_host { Fate::Removed } else { Fate::OtherHost };
        change(Some(before), None, fate, if before.decides { Trend::Better } else { Trend::Same }, Vec::new())
    }

    /// What showed it is there, and it is found no more.
    fn still_told(&self, before: &Finding, evidence: &Evidence) -> FindingChange {
        let findings = self.pair.to.judged.as_ref().map_or(&[][..], |judged| judged.findings);
        let has = |finding: &&Finding| finding.evidence.iter().any(|other| other.item == evidence.item);
        let there = format!("{} {} is still there", evidence.kind.word(), evidence.name);
        let (fate, why) = match findings.iter().find(has) {
            Some(other) => (Fate::NotReVerified, format!("{there}, as a part of {}", other.product_name)),
            None if self.same_question => (Fate::NotReVerified, format!("{there}, and was not found")),
            None => {
                (Fate::NoLongerAsked, format!("{there}, and the rules of {} do not find it", self.pair.name))
            }
        };
        change(Some(before), None, fate, Trend::Same, vec![why])
    }

    /// A finding that both have.
    fn still(&self, before: &Finding, after: &Finding) -> FindingChange {
        let grew = |one: &Finding, two: &Finding| {
            let grades = two.state > one.state || two.confidence > one.confidence;
            grades || two.severity > one.severity || (two.class.counts() && !one.class.counts())
        };
        let up = grew(before, after) || (after.decides && !before.decides);
        let down = grew(after, before);
        if up {
            let closed =
                matches!(before.because, Some(Because::NotPresent | Because::Waived | Because::NotInEffect));
            let fate = if after.decides && closed { Fate::Reopened } else { Fate::Changed };
            return change(Some(before), Some(after), fate, Trend::Worse, self.why_up(after));
        }
        let closing = if before.decides && !after.decides { after.because } else { None };
        match closing {
            Some(Because::Waived) => return excepted(before, after, Fate::Waived),
            Some(Because::NotInEffect) => return excepted(before, after, Fate::NotInEffect),
            Some(Because::ReviewOnly | Because::OutsidePopulation | Because::OutOfScope) => {
                return change(Some(before), Some(after), Fate::NoLongerAsked, Trend::Same, because(after));
            }
            Some(Because::NotPresent | Because::Class | Because::Confidence) | None => {}
        }
        if !down && closing.is_none() {
            let fate = if side(before) == side(after) { Fate::Unchanged } else { Fate::Changed };
            return change(Some(before), Some(after), fate, Trend::Same, Vec::new());
        }
        self.lowered(before, after, closing)
    }

    /// A finding that became less: only where what is missing was seen to be gone.
    fn lowered(&self, before: &Finding, after: &Finding, closing: Option<Because>) -> FindingChange {
        let reasons = self.unproven(before, Some(after));
        let (fate, trend) = match (reasons.is_empty(), closing) {
            (true, Some(Because::NotPresent)) => (Fate::OnlyLeftovers, Trend::Better),
            (true, Some(_)) => (Fate::LessSure, Trend::Better),
            (true, None) => (Fate::Changed, Trend::Better),
            (false, Some(_)) => (Fate::NotReVerified, Trend::Same),
            (false, None) => (Fate::Changed, Trend::Same),
        };
        change(Some(before), Some(after), fate, trend, reasons)
    }

    /// What says that a finding that rose may have been so before.
    fn why_up(&self, after: &Finding) -> Vec<String> {
        let turned = self.pair.turned();
        let highest = after.evidence.iter().filter(|evidence| evidence.state >= after.state);
        let seen: Vec<Seen<'_>> = highest.map(Seen::of_evidence).collect();
        let hidden: Vec<String> = seen.iter().filter_map(|seen| turned.blind(seen)).collect();
        let unseen = !seen.is_empty() && hidden.len() == seen.len();
        let hidden = if unseen { once(hidden) } else { Vec::new() };
        hidden.into_iter().map(|why| format!("it may have been so before: {why}")).collect()
    }

    /// Why it is not proven that all evidence of a finding is gone, but for what AFTER still has of it.
    fn unproven(&self, before: &Finding, after: Option<&Finding>) -> Vec<String> {
        let there = after.map_or(&[][..], |after| &after.evidence);
        let still = |one: &Evidence| {
            let same =
                |two: &Evidence| one.source == two.source && one.kind == two.kind && self.is_same(one, two);
            there.iter().any(same)
        };
        let whole = before.evidence_total <= before.evidence.len() && !before.evidence.is_empty();
        let lost: Vec<Seen<'_>> = if whole {
            before.evidence.iter().filter(|one| !still(one)).map(Seen::of_evidence).collect()
        } else {
            self.pair.evidence_of(before)
        };
        let mut reasons: Vec<String> = lost.iter().filter_map(|seen| self.pair.blind(seen)).collect();
        if !self.same_question {
            if self.pair.to.items.is_none() {
                reasons.push(
                    "the rules changed, and AFTER does not hold every item; scan with --with-inventory to tell"
                        .to_owned(),
                );
            }
            reasons.extend(lost.iter().filter_map(|seen| self.pair.led_by_rules(seen.source)));
        }
        once(reasons)
    }

    /// The same thing, whatever its version.
    fn is_same(&self, one: &Evidence, two: &Evidence) -> bool {
        let scope = self.pair.from.scope_key(&one.scope) == self.pair.to.scope_key(&two.scope);
        scope && (one.item == two.item || one.name.to_lowercase() == two.name.to_lowercase())
    }
}

/// A finding that is there and does not count, by a waiver or before its day.
fn excepted(before: &Finding, after: &Finding, fate: Fate) -> FindingChange {
    let reasons = match (&after.waiver, fate) {
        (Some(waiver), Fate::Waived) => {
            vec![format!("until {}, approved by {}: {}", waiver.expires, waiver.approver, waiver.reason)]
        }
        _ => vec![format!("counts from {}", after.effective)],
    };
    change(Some(before), Some(after), fate, Trend::Same, reasons)
}

/// Evidence that a rule matched by itself.
fn matched(finding: &Finding) -> impl Iterator<Item = &Evidence> {
    finding.evidence.iter().filter(|evidence| evidence.strength.is_some())
}

/// Whether a run asked for the prohibition of a finding.
fn is_asked(policies: &[crate::model::PolicyOutcome], finding: &Finding) -> bool {
    let mut of_policy = policies.iter().filter(|policy| policy.policy == finding.policy);
    of_policy.any(|policy| policy.prohibitions.iter().any(|one| one.prohibition == finding.prohibition))
}

fn because(finding: &Finding) -> Vec<String> {
    finding.because.map(|because| because.words().to_owned()).into_iter().collect()
}

/// Each text once, in order.
fn once(texts: Vec<String>) -> Vec<String> {
    set_of(texts).into_iter().collect()
}

fn change(
    before: Option<&Finding>,
    after: Option<&Finding>,
    fate: Fate,
    trend: Trend,
    reasons: Vec<String>,
) -> FindingChange {
    let text = |of: fn(&Finding) -> &String| after.or(before).map(of).cloned().unwrap_or_default();
    FindingChange {
        policy: text(|finding| &finding.policy),
        prohibition: text(|finding| &finding.prohibition),
        product: text(|finding| &finding.product),
        product_name: text(|finding| &finding.product_name),
        vendor_name: text(|finding| &finding.vendor_name),
        fate,
        trend,
        before: before.map(side),
        after: after.map(side),
        reasons,
    }
}

fn side(finding: &Finding) -> FindingSide {
    let sources: BTreeSet<String> =
        finding.evidence.iter().map(|evidence| evidence.source.to_string()).collect();
    FindingSide {
        class: finding.class,
        state: finding.state,
        confidence: finding.confidence,
        severity: finding.severity,
        decides: finding.decides,
        because: finding.because,
        versions: finding.versions.clone(),
        evidence: finding.evidence_total,
        sources: sources.into_iter().collect(),
    }
}
