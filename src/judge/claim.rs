//! What the verdict claims, as a sentence: for what it holds, and for what it does not.
//!
//! Called by `judge`.

use std::collections::BTreeSet;

use crate::model::{
    Claim, Depth, Family, GapReason, HostFacts, ItemKind, Mode, PolicyOutcome, ScopeAsk, Status, Verdict,
    set_of,
};

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
    let rights = [privileges(question), protection(question.host)].concat();
    let text = format!("{subject}{}{rights}", left_out(question, policies));
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
    let unsought: BTreeSet<ItemKind> = set_of(unsought.copied());
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
    // However deep: a file inside a file is not looked for.
    left.push(match question.depth {
        Depth::Deep => "containers, archives and disk images inside it were not searched",
        _ => "files outside program folders, containers and disk images inside it were not searched",
    });
    if tells_of_devices(question, policies) {
        left.push("attached devices were known by the names they give themselves, which can be changed");
    }
    let closed = linux_inside(question);
    let volumes = other_volumes(question.host);
    let untold = system_untold(question.host);
    let foreign = systems_inside(question);
    let unsought = (!unsought.is_empty()).then(|| format!("{} were not looked for", words(&unsought)));
    let unknown = (!unknown.is_empty()).then(|| not_assessed(&unknown, question));
    let left: Vec<&str> = left
        .into_iter()
        .chain(closed.as_deref())
        .chain(volumes.as_deref())
        .chain(untold.as_deref())
        .chain(foreign.as_deref())
        .chain(unsought.as_deref())
        .chain(unknown.as_deref())
        .collect();
    format!("; {}", left.join("; "))
}

/// Whether the verdict rests on what devices tell of themselves: then their silence proves nothing.
fn tells_of_devices(question: &Question<'_>, policies: &[PolicyOutcome]) -> bool {
    let asked = question.coverage.sources.iter().filter(|source| {
        matches!(source.status, Status::Complete | Status::Partial) && source.can_count(ItemKind::Device)
    });
    let needed = |name: &str| {
        let mut judged = policies.iter().flat_map(|policy| &policy.prohibitions);
        judged.any(|one| one.needed.iter().any(|needed| needed == name))
    };
    asked.map(|source| &*source.source).any(needed)
}

/// Places that these sources named and did not look into.
fn named(question: &Question<'_>, sources: &[&str]) -> u64 {
    let asked = question.coverage.sources.iter().filter(|source| sources.contains(&&*source.source));
    let gaps = asked.flat_map(|source| &source.gaps);
    gaps.filter(|gap| gap.reason == GapReason::NotLookedInto).map(|gap| gap.count).sum()
}

/// Containers, virtual machines and snapshots: in how many places.
fn systems_inside(question: &Question<'_>) -> Option<String> {
    match named(question, &["foreign-roots", "sweep"]) {
        0 => None,
        1 => Some("1 place with containers, virtual machines or snapshots was not looked into".to_owned()),
        n => Some(format!("{n} places with containers, virtual machines or snapshots were not looked into")),
    }
}

/// Linux systems inside a Windows: how many were listed and not looked into.
fn linux_inside(question: &Question<'_>) -> Option<String> {
    match named(question, &["wsl"]) {
        0 => None,
        1 => Some("1 Linux distribution inside it (WSL) was not looked into".to_owned()),
        n => Some(format!("{n} Linux distributions inside it (WSL) were not looked into")),
    }
}

/// Volumes that a running macOS has mounted beside its own.
fn other_volumes(host: &HostFacts) -> Option<String> {
    match host.other_volumes.len() {
        0 => None,
        1 => Some("1 other volume mounted on it was not looked into".to_owned()),
        n => Some(format!("{n} other volumes mounted on it were not looked into")),
    }
}

/// A macOS that does not say which one it is: its Data volume alone, or a damaged record.
fn system_untold(host: &HostFacts) -> Option<String> {
    let unread = host.os.unread.as_ref().filter(|_| host.family == Family::Macos)?;
    Some(format!("which macOS it is was not to be read: {unread}"))
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
        match question.host.family {
            Family::Windows => "; without an administrator's rights",
            Family::Linux | Family::Macos => "; without root's rights",
        }
    }
}

/// What a running macOS keeps from root too.
fn protection(host: &HostFacts) -> &'static str {
    if host.full_disk_access == Some(false) { "; without full disk access" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Os;

    fn running_macos() -> HostFacts {
        HostFacts {
            family: Family::Macos,
            os: Os::default(),
            name: None,
            machine_id: None,
            mode: Mode::Live,
            privileged: true,
            full_disk_access: Some(true),
            users: Vec::new(),
            user_gaps: Vec::new(),
            aliases: Vec::new(),
            other_volumes: Vec::new(),
            windows: None,
        }
    }

    #[test]
    fn what_a_macos_did_not_show_is_claimed() {
        let mut host = running_macos();
        assert_eq!((other_volumes(&host), system_untold(&host), protection(&host)), (None, None, ""));
        host.full_disk_access = Some(false);
        assert_eq!(protection(&host), "; without full disk access");
        host.other_volumes.push("/Volumes/Backup".into());
        assert_eq!(other_volumes(&host).as_deref(), Some("1 other volume mounted on it was not looked into"));
        host.other_volumes.push("/Volumes/x".into());
        assert!(other_volumes(&host).is_some_and(|text| text.starts_with("2 other volumes")));
        host.os.unread = Some("permission denied".to_owned());
        assert!(system_untold(&host).is_some_and(|text| text.ends_with("permission denied")));
        host.family = Family::Linux;
        assert_eq!(system_untold(&host), None, "Linux makes gaps of it");
    }
}
