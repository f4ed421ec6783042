//! What the verdict claims, as a sentence: for what it holds, and for what it does not.
//!
//! Called by `judge`.

use std::collections::BTreeSet;

use crate::model::{Claim, Depth, ItemKind, Mode, PolicyOutcome, ScopeAsk, Verdict};

use super::Question;
use super::needs::words;

/// Prohibitions that the claim names; the report has all.
const NAMED: usize = 5;

/// The claim of a run with this verdict.
pub(super) fn claim(
    question: &Question<'_>,
    verdict: Verdict,
    finds: usize,
    policies: &[PolicyOutcome],
) -> Claim {
    let subject = format!("{}{}", subject(question, verdict, finds), exceptions(policies));
    let text = format!("{subject}{}{}", left_out(question, policies), privileges(question));
    Claim {
        scope: question.scope,
        depth: question.depth,
        mode: question.host.mode,
        privileged: question.host.privileged,
        as_of: question.as_of,
        text,
    }
}

fn subject(question: &Question<'_>, verdict: Verdict, finds: usize) -> String {
    let of = match (question.scope, question.host.mode) {
        (ScopeAsk::All, Mode::Live) => "software installed for the machine or a user, or running",
        (ScopeAsk::System, Mode::Live) => "software installed for the machine, or running",
        (ScopeAsk::User, _) => "software in user profiles",
        (ScopeAsk::All, Mode::Offline) => "software installed for the machine or a user",
        (ScopeAsk::System, Mode::Offline) => "software installed for the machine",
    };
    match verdict {
        Verdict::Compliant => format!("compliant for {of}"),
        Verdict::Inconclusive => format!("nothing prohibited was seen, and not all was seen, of {of}"),
        Verdict::NonCompliant if finds == 1 => format!("1 prohibited product among {of}"),
        Verdict::NonCompliant => format!("{finds} prohibited products among {of}"),
    }
}

/// What the site puts up with: said with the verdict, never after it.
fn exceptions(policies: &[PolicyOutcome]) -> String {
    let judged = || policies.iter().flat_map(|policy| &policy.prohibitions);
    let waived: usize = judged().map(|one| one.waived).sum();
    let accepted: BTreeSet<_> =
        judged().flat_map(|one| &one.accepted).map(|one| (&one.source, &one.exception.written_at)).collect();
    let mut words = Vec::new();
    if waived > 0 {
        words.push(format!("{waived} waived"));
    }
    if !accepted.is_empty() {
        words.push(format!("{} accepted gap(s)", accepted.len()));
    }
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

fn left_out(question: &Question<'_>, policies: &[PolicyOutcome]) -> String {
    let judged = || policies.iter().flat_map(|policy| &policy.prohibitions);
    let unknown: BTreeSet<&str> =
        judged().filter(|one| !one.assessable).map(|one| one.prohibition.as_str()).collect();
    let unsought = judged().filter(|one| one.assessable).flat_map(|one| &one.not_looked_for);
    let unsought: BTreeSet<ItemKind> = unsought.copied().collect();
    let unsought: Vec<ItemKind> = unsought.into_iter().collect();
    let mut left = Vec::new();
    match question.scope {
        ScopeAsk::All => {}
        ScopeAsk::System => left.push("user profiles were not looked at"),
        ScopeAsk::User => left.push("the machine itself was not looked at"),
    }
    if question.host.mode == Mode::Offline {
        left.push("nothing runs on a dead disk");
    }
    if question.depth == Depth::Quick {
        left.push("program folders were not walked");
    }
    left.push("files outside program folders, containers and disk images inside it were not searched");
    let unsought = (!unsought.is_empty()).then(|| format!("{} were not looked for", words(&unsought)));
    let unknown = (!unknown.is_empty()).then(|| not_assessed(&unknown, question));
    let left: Vec<&str> = left.into_iter().chain(unsought.as_deref()).chain(unknown.as_deref()).collect();
    format!("; {}", left.join("; "))
}

/// Prohibitions of which nothing could be found on this system, a few of them by name.
fn not_assessed(prohibitions: &BTreeSet<&str>, question: &Question<'_>) -> String {
    let named: Vec<&str> = prohibitions.iter().take(NAMED).copied().collect();
    let more = prohibitions.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "not assessed, for nothing that counts is known of them on {}: {}{more}",
        question.host.family.word(),
        named.join(", ")
    )
}

fn privileges(question: &Question<'_>) -> &'static str {
    if question.host.privileged || question.host.mode == Mode::Offline {
        ""
    } else {
        "; without root's rights"
    }
}
