//! What the verdict claims, as a sentence: for what it holds, and for what it does not.
//!
//! Called by `judge`.

use crate::model::{Claim, Depth, Mode, ScopeAsk, Verdict};

use super::Question;

/// The claim of a run with this verdict.
pub(super) fn claim(question: &Question<'_>, verdict: Verdict, finds: usize) -> Claim {
    let text = format!("{}{}{}", subject(question, verdict, finds), left_out(question), privileges(question));
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

fn left_out(question: &Question<'_>) -> String {
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
    format!("; {}", left.join("; "))
}

fn privileges(question: &Question<'_>) -> &'static str {
    if question.host.privileged || question.host.mode == Mode::Offline {
        ""
    } else {
        "; without root's rights"
    }
}
