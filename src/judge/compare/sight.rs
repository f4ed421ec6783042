//! Whether one side could have seen what the other saw: the question that decides between `removed` and `not re-verified`.
//!
//! Called by the files beside it, in both directions: a thing that is new may have been there unseen.

use std::collections::BTreeSet;

use crate::model::{
    Depth, Evidence, Finding, ItemId, ItemKind, Scope, ScopeKind, Sighting, SourceReport, State, Status,
    set_of,
};

use super::asked::version_numbers;
use super::side::Side;

/// Two sides, from the one that saw to the one that is asked.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) from: &'a Side<'a>,
    pub(super) to: &'a Side<'a>,
    pub(super) same_host: bool,
    /// What the asked side is called.
    pub(super) name: &'static str,
    /// What the side that saw is called.
    pub(super) other: &'static str,
}

/// A place where something was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) source: &'a str,
    pub(super) scope: &'a Scope,
    pub(super) state: State,
}

impl<'a> Seen<'a> {
    pub(super) fn of_evidence(evidence: &'a Evidence) -> Self {
        Self { source: &evidence.source, scope: &evidence.scope, state: evidence.state }
    }

    pub(super) fn of_sighting(sighting: &'a Sighting) -> Self {
        Self { source: &sighting.source, scope: &sighting.scope, state: sighting.state }
    }
}

impl<'a> Pair<'a> {
    /// From the older to the newer.
    pub(super) fn new(before: &'a Side<'a>, after: &'a Side<'a>, same_host: bool) -> Self {
        Self { from: before, to: after, same_host, name: "AFTER", other: "BEFORE" }
    }

    /// The other way: what the newer saw, asked of the older.
    pub(super) fn turned(self) -> Self {
        Self { from: self.to, to: self.from, name: self.other, other: self.name, ..self }
    }

    /// Where a finding was seen. One that carries only a part of its sightings may rest on every source that had any.
    pub(super) fn evidence_of(&self, finding: &'a Finding) -> Vec<Seen<'a>> {
        let mut seen: Vec<Seen<'a>> = finding.evidence.iter().map(Seen::of_evidence).collect();
        if finding.evidence_total > finding.evidence.len() || finding.evidence.is_empty() {
            let sources = self.from.coverage.sources.iter().filter(|source| source.records > 0);
            seen.extend(sources.map(|source| Seen {
                source: &source.source,
                scope: &Scope::Machine,
                state: State::Installed,
            }));
        }
        seen
    }

    /// Why the asked side could not have seen this; none if it could.
    pub(super) fn blind(&self, seen: &Seen<'_>) -> Option<String> {
        let name = self.name;
        if let Some(limit) = self.limit() {
            return Some(limit);
        }
        let source = seen.source;
        let Some(to) = self.to.source(source) else {
            return Some(format!("{name} has no source {source}"));
        };
        let Some(from) = self.from.source(source) else {
            return Some(format!("the source {source} is not in the list of sources that saw it"));
        };
        self.narrower(from, to).or_else(|| self.user_unseen(seen)).or_else(|| self.unread(seen, from, to))
    }

    /// What narrows every source of the asked side.
    fn limit(&self) -> Option<String> {
        let (from, to, name) = (self.from, self.to, self.name);
        let shallower = match (from.depth, to.depth) {
            (_, Some(Depth::Deep)) | (Some(Depth::Quick), _) => false,
            (Some(from), Some(to)) => to < from,
            _ => {
                return Some(
                    "it is not known how deep both looked: one was written by an older version".to_owned(),
                );
            }
        };
        if shallower {
            let word = |depth: Option<Depth>| depth.map_or("unknown", Depth::word);
            return Some(format!(
                "{name} looked less deep ({} instead of {})",
                word(to.depth),
                word(from.depth)
            ));
        }
        if from.host.privileged && !to.host.privileged {
            return Some(format!("{name} had not the rights to read everything"));
        }
        if from.host.full_disk_access == Some(true) && to.host.full_disk_access == Some(false) {
            return Some(format!("{name} had no full disk access"));
        }
        if version_numbers(&to.tool.version) < version_numbers(&from.tool.version) {
            let (older, newer) = (&to.tool.version, &from.tool.version);
            return Some(format!("{name} was made by interdict {older}, which is older than {newer}"));
        }
        None
    }

    /// Halves of the host that the source looked at there, and not here.
    fn narrower(&self, from: &SourceReport, to: &SourceReport) -> Option<String> {
        let missing = from.scopes.iter().find(|scope| !to.scopes.contains(scope))?;
        let half = half(*missing);
        Some(format!("{} did not look at {half} in {}", to.source, self.name))
    }

    fn user_unseen(&self, seen: &Seen<'_>) -> Option<String> {
        let Scope::User(n) = seen.scope else { return None };
        let Some(user) = self.from.user(*n) else {
            return Some(format!("user number {n} is not in the list of users"));
        };
        match self.to.same_user(user) {
            None => Some(format!("{} does not know the user {}", self.name, user.name)),
            Some(there) if !there.readable => {
                Some(format!("the home folder of {} could not be read in {}", user.name, self.name))
            }
            Some(_) => None,
        }
    }

    /// Why a source did not see all of its part.
    fn unread(&self, seen: &Seen<'_>, from: &SourceReport, to: &SourceReport) -> Option<String> {
        let (name, source) = (self.name, seen.source);
        let why = |report: &SourceReport| {
            report.reason.as_deref().map_or(String::new(), |reason| format!(" ({reason})"))
        };
        let turned_off = self.to.is_offline() && !self.from.is_offline();
        if turned_off && (seen.state == State::Running || to.status == Status::NotApplicable) {
            return Some(format!("{name} looked at a dead disk, where {source} sees nothing run"));
        }
        match to.status {
            Status::Failed | Status::Unavailable => {
                return Some(format!("{source} {} in {name}{}", ended(to.status), why(to)));
            }
            Status::NotApplicable if self.to.host.os.unread.is_some() => {
                return Some(format!(
                    "{name} does not know what must exist, and {source} saw nothing{}",
                    why(to)
                ));
            }
            Status::Partial if to.has_blocking_gap() => {
                return Some(format!("{source} did not see everything in {name}: {}", gaps(to)));
            }
            Status::Partial if !seen.state.counts() && has_new_gap(from, to) => {
                return Some(format!("{source} did not see everything in {name}: {}", gaps(to)));
            }
            Status::Complete | Status::Partial | Status::NotApplicable => {}
        }
        let empty = to.install_record && to.records == 0 && from.records > 0;
        empty.then(|| {
            format!("{source}, a record of what is installed, holds nothing at all in {name}{}", why(to))
        })
    }

    /// Whether both were asked the same question, or the asked side a wider one: the same rules, and every policy.
    pub(super) fn asks_the_same(&self) -> bool {
        match (&self.from.judged, &self.to.judged) {
            (Some(from), Some(to)) => {
                let asked = |id: &str| to.policies.iter().any(|policy| policy.policy == id);
                from.ruleset == to.ruleset && from.policies.iter().all(|policy| asked(&policy.policy))
            }
            (None, None) => true,
            _ => false,
        }
    }

    /// Why the asked side need not have seen this by other rules: some sources look only for what rules name, and keep only
    /// what a rule could match. None where the source looks for the same whatever the rules are.
    pub(super) fn led_by_rules(&self, source: &str) -> Option<String> {
        let led = |report: &SourceReport| {
            let kinds = report.yields.iter().map(|(kind, _)| *kind);
            report.not_kept > 0
                || kinds.into_iter().any(|kind| matches!(kind, ItemKind::Trace | ItemKind::Executable))
        };
        let reports = [self.from.source(source), self.to.source(source)];
        reports.into_iter().flatten().any(led).then(|| {
            let before = self.other;
            format!("the rules changed, and {source} looks for what rules name; scan with the rules of {before} to tell")
        })
    }

    /// Every item that the asked side tells of: in its inventory, or in a finding.
    pub(super) fn told(&self) -> BTreeSet<ItemId> {
        let findings = self.to.judged.as_ref().map_or(&[][..], |judged| judged.findings);
        let evidence = findings.iter().flat_map(|finding| &finding.evidence).map(|evidence| evidence.item);
        self.to.items.unwrap_or_default().iter().map(|seen| seen.item.id).chain(evidence).collect()
    }
}

/// A half of a host, for people.
pub(super) fn half(scope: ScopeKind) -> &'static str {
    match scope {
        ScopeKind::Machine => "what belongs to the machine",
        ScopeKind::User => "users' profiles",
    }
}

fn ended(status: Status) -> &'static str {
    match status {
        Status::Unavailable => "could not be looked at",
        _ => "failed",
    }
}

/// Blocking gaps as words, or all where none blocks.
fn gaps(report: &SourceReport) -> String {
    let blocking = report.has_blocking_gap();
    let gaps = report.gaps.iter().filter(|gap| gap.blocking || !blocking);
    let words: BTreeSet<String> = set_of(gaps.map(|gap| match gap.places.first() {
        Some(place) => format!("{} ({})", gap.reason.words(), place.text()),
        None => gap.reason.words().to_owned(),
    }));
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// Whether there is a gap that was not there before: what hides nothing that counts may hide leftovers.
fn has_new_gap(from: &SourceReport, to: &SourceReport) -> bool {
    to.gaps.iter().any(|gap| !from.gaps.iter().any(|before| before.reason == gap.reason))
}
