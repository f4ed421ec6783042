//! Which sources a prohibition needs, and what of them was not seen: silence is not compliance.
//!
//! Called by `decide`.

use std::collections::BTreeSet;

use crate::model::{
    Accepted, Confidence, Exception, Gap, HostFacts, ItemKind, Mode, ScopeKind, SourceReport, Status,
    Strength, Unseen,
};
use crate::ruleset::{Policy, Prohibition, Ruleset, fields};

use super::Question;
use super::decide::exception;

/// What a verdict rests on.
pub(super) struct Needs {
    /// Names of the needed sources.
    pub(super) sources: Vec<String>,
    /// Whether anything could be found at all.
    pub(super) assessable: bool,
    /// What of them was not seen, and what in the question itself stands in the way.
    pub(super) unseen: Vec<Unseen>,
    /// What was not seen and the site puts up with.
    pub(super) accepted: Vec<Accepted>,
    /// Kinds that no source looks for on this system.
    pub(super) not_looked_for: Vec<ItemKind>,
}

/// Weighs the coverage for one prohibition.
pub(super) fn needs(question: &Question<'_>, policy: &Policy, prohibition: &Prohibition) -> Needs {
    let mut unseen = limits(question, policy);
    let kinds = kinds(question.engine.ruleset(), prohibition, question.host, policy.min_confidence);
    if kinds.is_empty() {
        let family = question.host.family.word();
        unseen.push(said(format!("not assessable: no indicator of it can be found on {family}")));
    }
    let sources = question.coverage.sources.iter();
    let needed: Vec<_> = sources.filter(|source| kinds.iter().any(|kind| source.can_count(*kind))).collect();
    let asked = |source: &SourceReport, kind| source.can_count(kind) && looked(source.status, kind);
    let unsought = kinds.iter().copied().filter(|kind| !needed.iter().any(|source| asked(source, *kind)));
    let not_looked_for: Vec<ItemKind> = unsought.collect();
    if !kinds.is_empty() && not_looked_for.len() == kinds.len() {
        unseen.push(said(format!(
            "not assessable: no source looks for {} on this system",
            words(&not_looked_for)
        )));
    }
    let mut accepted = Vec::new();
    for source in &needed {
        unseen.extend(hidden(source, question, &mut accepted));
    }
    let sources = &question.coverage.sources;
    let records: Vec<_> = sources.iter().filter(|source| is_read_record(source)).collect();
    if question.scope.includes(ScopeKind::Machine) && !records.iter().any(|source| source.records > 0) {
        let what = if records.is_empty() { "could be read whole" } else { "has anything in it" };
        unseen.push(said(format!("no record of the software installed for the machine {what}")));
    }
    let sources = needed.iter().map(|source| source.source.clone().into_owned()).collect();
    let assessable = not_looked_for.len() < kinds.len();
    Needs { sources, assessable, unseen, accepted, not_looked_for }
}

/// Whether a source that ended so looked for things of a kind. A dead disk cannot be asked for its devices; a kernel without
/// a bus has none, and what the machine around it has nobody knows.
fn looked(status: Status, kind: ItemKind) -> bool {
    status != Status::Unavailable && (kind != ItemKind::Device || status != Status::NotApplicable)
}

/// Kinds of items as a list for people.
pub(super) fn words(kinds: &[ItemKind]) -> String {
    let word = |kind: &ItemKind| match kind {
        ItemKind::Extension => "browser extensions".to_owned(),
        ItemKind::SecurityProduct => "registered security products".to_owned(),
        // Windows and old versions of macOS keep a history of them, which is read; what is attached now only Linux tells.
        ItemKind::Device => "attached devices".to_owned(),
        kind => format!("{}s", kind.word()),
    };
    kinds.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// What the question leaves out of what the policy asks for, and what the host does not tell of itself.
fn limits(question: &Question<'_>, policy: &Policy) -> Vec<Unseen> {
    let mut limits = Vec::new();
    if let Some(why) = &question.host.os.unread {
        let reason =
            format!("the system's own record could not be read ({why}): what must exist is not known");
        limits.push(said(reason));
    }
    if question.depth < policy.min_depth {
        limits.push(said(format!("the policy asks for --depth {} at least", policy.min_depth.word())));
    }
    if !question.scope.covers(policy.min_scope) {
        limits.push(said("the policy asks for more than the --scope of this scan".to_owned()));
    }
    limits
}

fn said(reason: String) -> Unseen {
    Unseen { source: None, status: None, reason, gaps: Vec::new() }
}

/// Kinds that can bring a finding that counts: of an indicator for this family that by itself, or with another,
/// is sure enough.
fn kinds(
    ruleset: &Ruleset,
    prohibition: &Prohibition,
    host: &HostFacts,
    enough: Confidence,
) -> BTreeSet<ItemKind> {
    let indicators: Vec<_> = ruleset
        .indicators_of(prohibition)
        .filter(|indicator| indicator.rule.families.contains(&host.family) && indicator.class.counts())
        .collect();
    let strongest = indicators.iter().map(|indicator| indicator.strength).max();
    let can = match enough {
        Confidence::Possible => strongest.is_some(),
        Confidence::Probable => strongest >= Some(Strength::Strong) || indicators.len() > 1,
        Confidence::Confirmed => strongest >= Some(Strength::Strong),
    };
    if !can {
        return BTreeSet::new();
    }
    let kinds = indicators.iter().flat_map(|indicator| indicator.rule.kinds.iter().copied());
    // A leftover never counts, so that nothing needs its sources.
    kinds
        .filter(|kind| !matches!(kind, ItemKind::Trace | ItemKind::Certificate))
        .filter(|kind| fields::occurs(*kind, host.family))
        .collect()
}

/// What of a needed source was not seen, but for what the site puts up with.
fn hidden(source: &SourceReport, question: &Question<'_>, accepted: &mut Vec<Accepted>) -> Option<Unseen> {
    let blind = match source.status {
        Status::Complete | Status::NotApplicable => return None,
        Status::Partial => false,
        Status::Failed => true,
        Status::Unavailable => question.host.mode == Mode::Live,
    };
    let unseen = |gaps: Vec<Gap>| Unseen {
        source: Some(source.source.clone().into_owned()),
        status: Some(source.status),
        reason: source.reason.clone().unwrap_or_else(|| "not all of it could be read".to_owned()),
        gaps,
    };
    let (borne, open): (Vec<&Gap>, Vec<&Gap>) = source
        .gaps
        .iter()
        .filter(|gap| gap.blocking)
        .partition(|gap| accepts(question, source, Some(gap)).is_some());
    if blind {
        let Some(exception) = accepts(question, source, None) else {
            return Some(unseen(open.into_iter().chain(borne).cloned().collect()));
        };
        accepted.push(Accepted { source: source.source.clone().into_owned(), gap: None, exception });
        return None;
    }
    for gap in borne {
        let exception = accepts(question, source, Some(gap));
        accepted.extend(exception.map(|exception| Accepted {
            source: source.source.clone().into_owned(),
            gap: Some(gap.clone()),
            exception,
        }));
    }
    (!open.is_empty()).then(|| unseen(open.into_iter().cloned().collect()))
}

/// The exception under which a gap is accepted; without a gap: that the source saw nothing at all.
fn accepts(question: &Question<'_>, source: &SourceReport, gap: Option<&Gap>) -> Option<Exception> {
    let host = question.host.name.as_deref();
    let granted = question.granted.iter().flat_map(|granted| &granted.accepted_gaps);
    let mut all = question.engine.ruleset().accepted_gaps().iter().chain(granted);
    let found = all.find(|one| {
        let covers = gap.map_or_else(|| one.covers_all(), |gap| one.covers(gap));
        one.source == source.source && covers && one.hosts.include(host) && one.answer.holds(question.as_of)
    })?;
    Some(exception(&found.answer, &found.at))
}

/// Whether it is a record of installed software that was read without a gap that blocks. One that holds nothing is
/// the database of another system's tool (dpkg on Fedora), and says nothing about this one.
fn is_read_record(source: &SourceReport) -> bool {
    let read = matches!(source.status, Status::Complete | Status::Partial);
    source.install_record && read && !source.has_blocking_gap()
}
