//! Which sources a prohibition needs, and what of them was not seen: silence is not compliance.
//!
//! Called by `decide`.

use std::collections::BTreeSet;

use crate::model::{
    Confidence, Depth, HostFacts, ItemKind, Mode, ScopeKind, SourceReport, Status, Strength, Unseen,
};
use crate::ruleset::{Policy, Prohibition, Ruleset};

use super::Question;

/// What a verdict rests on.
pub(super) struct Needs {
    /// Names of the needed sources.
    pub(super) sources: Vec<String>,
    /// What of them was not seen, and what in the question itself stands in the way.
    pub(super) unseen: Vec<Unseen>,
}

/// Weighs the coverage for one prohibition.
pub(super) fn needs(question: &Question<'_>, policy: &Policy, prohibition: &Prohibition) -> Needs {
    let mut unseen = limits(question, policy);
    let kinds = kinds(question.ruleset, prohibition, question.host, policy.min_confidence);
    if kinds.is_empty() {
        let family = question.host.family.word();
        unseen.push(said(format!("not assessable: no indicator of it can be found on {family}")));
    }
    let sources = question.coverage.sources.iter();
    let needed: Vec<_> = sources.filter(|source| kinds.iter().any(|kind| source.can_count(*kind))).collect();
    let unsought = kinds.iter().filter(|kind| !needed.iter().any(|source| source.can_count(**kind)));
    unseen.extend(
        unsought.map(|kind| said(format!("no source looks for items of kind {} on this host", kind.word()))),
    );
    unseen.extend(needed.iter().filter_map(|source| hidden(source, question.host.mode)));
    if question.scope.includes(ScopeKind::Machine) && !question.coverage.sources.iter().any(is_whole_record) {
        unseen
            .push(said("no record of the software installed for the machine could be read whole".to_owned()));
    }
    Needs { sources: needed.iter().map(|source| source.source.to_owned()).collect(), unseen }
}

/// What the question leaves out of what the policy asks for, and what the host does not tell of itself.
fn limits(question: &Question<'_>, policy: &Policy) -> Vec<Unseen> {
    let mut limits = Vec::new();
    if let Some(why) = &question.host.os.unread {
        let reason =
            format!("os-release could not be read ({why}): which package databases must exist is not known");
        limits.push(said(reason));
    }
    if question.depth < policy.min_depth {
        let word = if policy.min_depth == Depth::Standard { "standard" } else { "quick" };
        limits.push(said(format!("the policy asks for --depth {word} at least")));
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
    kinds.filter(|kind| *kind != ItemKind::Trace).collect()
}

/// What of a needed source was not seen.
fn hidden(source: &SourceReport, mode: Mode) -> Option<Unseen> {
    let blind = match source.status {
        Status::Complete | Status::NotApplicable => false,
        Status::Partial => source.has_blocking_gap(),
        Status::Failed => true,
        Status::Unavailable => mode == Mode::Live,
    };
    blind.then(|| Unseen {
        source: Some(source.source.to_owned()),
        status: Some(source.status),
        reason: source.reason.clone().unwrap_or_else(|| "not all of it could be read".to_owned()),
        gaps: source.gaps.iter().filter(|gap| gap.blocking).cloned().collect(),
    })
}

/// Whether it is a record of installed software that was read without a gap that blocks. One that holds nothing is
/// the database of another system's tool (dpkg on Fedora), and says nothing about this one.
fn is_whole_record(source: &SourceReport) -> bool {
    let read = matches!(source.status, Status::Complete | Status::Partial);
    source.install_record && read && source.records > 0 && !source.has_blocking_gap()
}
