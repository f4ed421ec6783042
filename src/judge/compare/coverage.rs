//! What each source saw better or worse than before.
//!
//! Called by `compare`.

use std::collections::BTreeSet;

use crate::model::{CoverageChange, Gap, GapChange, Order, SourceChange, SourceReport, Status, Trend};

use super::side::Side;
use super::sight::half;

/// Every source of either side. `narrower`: whether the question itself is.
pub(super) fn changes(before: &Side<'_>, after: &Side<'_>, narrower: bool) -> CoverageChange {
    let names = |side: &Side<'_>| -> Vec<String> {
        side.coverage.sources.iter().map(|source| source.source.to_string()).collect()
    };
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    let mut unchanged = 0;
    for name in names(before).into_iter().chain(names(after)).filter(|name| seen.insert(name.clone())) {
        match change(&name, before, after) {
            Some(change) => sources.push(change),
            None => unchanged += 1,
        }
    }
    sources.order_by_key(|change| change.trend);
    let any = |trend| sources.iter().any(|source| source.trend == trend);
    let trend = if narrower || any(Trend::Worse) {
        Trend::Worse
    } else if any(Trend::Better) {
        Trend::Better
    } else {
        Trend::Same
    };
    CoverageChange { trend, sources, unchanged }
}

fn change(name: &str, before: &Side<'_>, after: &Side<'_>) -> Option<SourceChange> {
    let (from, to) = (before.source(name), after.source(name));
    let gaps = gap_changes(gaps_of(from), gaps_of(to));
    let levels = [level(from, to, before, after), level(to, from, after, before)];
    let lost = |one: Option<&SourceReport>, two: Option<&SourceReport>| {
        let (Some(one), Some(two)) = (one, two) else { return false };
        one.scopes.iter().any(|scope| !two.scopes.contains(scope))
    };
    let emptied = emptied(from, to);
    let worse_gap = levels[0] == levels[1] && gaps.iter().any(|gap| gap.trend == Trend::Worse);
    let better_gap = levels[0] == levels[1] && gaps.iter().any(|gap| gap.trend == Trend::Better);
    let trend = if levels[1] < levels[0] || worse_gap || lost(from, to) || emptied {
        Trend::Worse
    } else if levels[1] > levels[0] || better_gap || lost(to, from) {
        Trend::Better
    } else {
        Trend::Same
    };
    let (from_status, to_status) = (from.map(|one| one.status), to.map(|one| one.status));
    if trend == Trend::Same && from_status == to_status && gaps.is_empty() {
        return None;
    }
    let reason = to.and_then(|to| to.reason.clone()).or_else(|| {
        let why = "a record of what is installed that held something holds nothing at all now";
        emptied
            .then(|| why.to_owned())
            .or_else(|| halves(from, to))
            .or_else(|| halves(to, from).map(|_| ALL.into()))
    });
    Some(SourceChange { source: name.to_owned(), before: from_status, after: to_status, trend, reason, gaps })
}

/// Said of a source that looked at a half of the host that it had left out.
const ALL: &str = "it looked at more of the host";

/// The half of the host that a source does not look at any more.
fn halves(from: Option<&SourceReport>, to: Option<&SourceReport>) -> Option<String> {
    let (from, to) = (from?, to?);
    let missing = from.scopes.iter().find(|scope| !to.scopes.contains(scope))?;
    Some(format!("it did not look at {}", half(*missing)))
}

/// How much a source saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// Nothing of what it could.
    Nothing,
    /// A part.
    Part,
    /// All that counts, or there is nothing to see.
    All,
}

/// How much a source saw, as the other side lets one know: what does not apply because it was not asked was not seen.
fn level(
    report: Option<&SourceReport>,
    other: Option<&SourceReport>,
    side: &Side<'_>,
    there: &Side<'_>,
) -> Level {
    let Some(report) = report else { return Level::Nothing };
    let other_looked = other.is_some_and(|other| other.status != Status::NotApplicable);
    let less_asked = report.scopes.is_empty() && other.is_some_and(|other| !other.scopes.is_empty());
    let less_deep = side.depth < there.depth;
    let dead = side.is_offline() && !there.is_offline();
    match report.status {
        Status::NotApplicable if less_asked || (other_looked && (less_deep || dead)) => Level::Nothing,
        Status::Failed | Status::Unavailable => Level::Nothing,
        Status::Partial if report.has_blocking_gap() => Level::Part,
        Status::Complete | Status::Partial | Status::NotApplicable => Level::All,
    }
}

/// Whether a record of what is installed lost all it had: no removal does that.
fn emptied(from: Option<&SourceReport>, to: Option<&SourceReport>) -> bool {
    let (Some(from), Some(to)) = (from, to) else { return false };
    to.install_record && to.records == 0 && from.records > 0
}

fn gaps_of(report: Option<&SourceReport>) -> &[Gap] {
    report.map_or(&[], |report| &report.gaps)
}

fn gap_changes(before: &[Gap], after: &[Gap]) -> Vec<GapChange> {
    let same = |one: &Gap, two: &Gap| one.reason == two.reason && one.blocking == two.blocking;
    let gone = before.iter().filter(|gap| !after.iter().any(|other| same(gap, other)));
    let gone = gone.map(|gap| gap_change(Some(gap), None));
    let there = after.iter().map(|gap| (before.iter().find(|other| same(gap, other)), gap));
    let there = there.filter(|(old, new)| old.is_none_or(|old| is_other(old, new)));
    gone.chain(there.map(|(old, new)| gap_change(old, Some(new)))).flatten().collect()
}

/// Whether a gap is not as it was. How often something hid nothing that counts changes with every scan of a running machine.
fn is_other(old: &Gap, new: &Gap) -> bool {
    new.blocking && (old.count != new.count || old.places != new.places)
}

fn gap_change(old: Option<&Gap>, new: Option<&Gap>) -> Option<GapChange> {
    let gap = new.or(old)?;
    let count = |gap: Option<&Gap>| gap.map_or(0, |gap| gap.count);
    let only_fewer = match (old, new) {
        (Some(old), Some(new)) => {
            // Of many only the first places are told.
            let all_told = old.count <= old.places.len() as u64;
            new.count < old.count && (!all_told || new.places.iter().all(|place| old.places.contains(place)))
        }
        (_, new) => new.is_none(),
    };
    let trend = match (gap.blocking, only_fewer) {
        (false, _) => Trend::Same,
        (true, true) => Trend::Better,
        (true, false) => Trend::Worse,
    };
    Some(GapChange {
        reason: gap.reason,
        detail: gap.detail.clone(),
        blocking: gap.blocking,
        before: count(old),
        after: count(new),
        places: gap.places.clone(),
        trend,
    })
}
