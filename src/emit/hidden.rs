//! What could not be seen, flat: every gap of every source, every source that failed, every limit of the question.
//! All formats that are not for people tell exactly this list.
//!
//! Called by the formats.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::model::{Accepted, Coverage, Exception, Gap, HostPath, Report, SourceReport, Status, Unseen};

use super::safe::put;

/// One thing that could not be seen.
pub(super) struct Hidden<'r> {
    /// The source; none for a limit of the question.
    pub(super) source: Option<&'r str>,
    /// How the source ended.
    pub(super) status: Option<Status>,
    /// Why, as a word for machines.
    pub(super) reason: &'static str,
    /// Why, for people.
    pub(super) words: Cow<'r, str>,
    /// How many places.
    pub(super) count: u64,
    /// The first of them.
    pub(super) places: &'r [HostPath],
    /// What follows for the verdict.
    pub(super) weight: Weight,
    /// The exception that takes its weight from it.
    pub(super) exception: Option<&'r Exception>,
}

/// What follows from a gap for the verdict.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Could hide something that counts.
    Blocking,
    /// Would, and the site puts up with it.
    Accepted,
    /// Could, in a source that no prohibition asked for needs.
    NotNeeded,
    /// Hides nothing that counts.
    Minor,
}

impl Weight {
    /// The word in every format.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Accepted => "accepted",
            Self::NotNeeded => "not-needed",
            Self::Minor => "minor",
        }
    }
}

impl Hidden<'_> {
    /// Whether the site accepted this: the gap itself, or that its source saw nothing at all.
    fn is(&self, accepted: &Accepted) -> bool {
        let same = |gap: &Gap| {
            gap.reason.word() == self.reason && gap.count == self.count && gap.places == self.places
        };
        self.source == Some(accepted.source.as_str()) && accepted.gap.as_ref().is_none_or(same)
    }

    /// The first places as one text, and how many more there are.
    pub(super) fn places_text(&self) -> String {
        let mut text = self.places.iter().map(|place| place.text()).collect::<Vec<_>>().join("; ");
        let more = self.count.saturating_sub(self.places.len() as u64);
        if more > 0 && !self.places.is_empty() {
            put(&mut text, format_args!("; and {more} more"));
        }
        text
    }
}

/// Everything that a scan could not see.
pub(super) fn of_report(report: &Report) -> Vec<Hidden<'_>> {
    let judged = || report.policies.iter().flat_map(|policy| &policy.prohibitions);
    let mut hidden: Vec<Hidden<'_>> = Vec::new();
    for limit in judged().flat_map(|judged| &judged.unseen).filter(|unseen| unseen.source.is_none()) {
        if hidden.iter().all(|one| one.words != limit.reason.as_str()) {
            hidden.push(Hidden { words: Cow::Borrowed(&limit.reason), ..question() });
        }
    }
    for mut one in of_coverage(&report.coverage) {
        let accepted = judged().flat_map(|judged| &judged.accepted).find(|accepted| one.is(accepted));
        let stands_in_the_way = judged()
            .flat_map(|judged| &judged.unseen)
            .any(|unseen| unseen.source.is_some() && unseen.source.as_deref() == one.source);
        one.weight = match (one.weight, accepted) {
            (Weight::Minor, _) if one.status != Some(Status::Unavailable) => Weight::Minor,
            (_, Some(_)) => Weight::Accepted,
            _ if stands_in_the_way => Weight::Blocking,
            (Weight::Blocking, None) => Weight::NotNeeded,
            (weight, None) => weight,
        };
        one.exception =
            accepted.map(|accepted| &accepted.exception).filter(|_| one.weight == Weight::Accepted);
        hidden.push(one);
    }
    hidden
}

/// What stands in the way of `compliant`, each once: of the prohibitions whose verdict is part of the policy's, which are
/// those of which something could be found here, or all.
pub(super) fn in_the_way(report: &Report) -> Vec<&Unseen> {
    let mut seen = BTreeSet::new();
    let judged = report.policies.iter().flat_map(|policy| {
        let any = policy.prohibitions.iter().any(|judged| judged.assessable);
        policy.prohibitions.iter().filter(move |judged| judged.assessable || !any)
    });
    let unseen = judged.flat_map(|judged| &judged.unseen);
    unseen.filter(|one| seen.insert((&one.source, &one.reason))).collect()
}

/// Everything that a look at a host could not see.
pub(super) fn of_coverage(coverage: &Coverage) -> Vec<Hidden<'_>> {
    coverage.sources.iter().flat_map(of_source).collect()
}

fn of_source(source: &SourceReport) -> impl Iterator<Item = Hidden<'_>> {
    let ended = match source.status {
        Status::Failed => Some(("failed", Weight::Blocking)),
        Status::Unavailable => Some(("unavailable", Weight::Minor)),
        Status::Complete | Status::Partial | Status::NotApplicable => None,
    };
    let name = Some(source.source.as_ref());
    let whole = ended.map(|(reason, weight)| Hidden {
        source: name,
        status: Some(source.status),
        reason,
        words: Cow::Borrowed(source.reason.as_deref().unwrap_or("not read")),
        weight,
        ..question()
    });
    let gaps = source.gaps.iter().map(move |gap| Hidden {
        source: name,
        status: Some(source.status),
        reason: gap.reason.word(),
        words: words(gap),
        count: gap.count,
        places: &gap.places,
        weight: if gap.blocking { Weight::Blocking } else { Weight::Minor },
        exception: None,
    });
    whole.into_iter().chain(gaps)
}

fn question<'r>() -> Hidden<'r> {
    Hidden {
        source: None,
        status: None,
        reason: "question",
        words: Cow::Borrowed(""),
        count: 1,
        places: &[],
        weight: Weight::Blocking,
        exception: None,
    }
}

fn words(gap: &Gap) -> Cow<'_, str> {
    match &gap.detail {
        Some(detail) => Cow::Owned(format!("{} ({detail})", gap.reason.words())),
        None => Cow::Borrowed(gap.reason.words()),
    }
}
