//! What was asked in another way, and what the host says of itself that is not as it was.
//!
//! Called by `compare`.

use std::collections::BTreeSet;

use crate::model::{Asked, AskedChange, Depth, Mode, ScopeAsk, Trend};

use super::side::Side;

/// Every difference of the two questions.
pub(super) fn changes(before: &Side<'_>, after: &Side<'_>) -> Vec<AskedChange> {
    let mut found = Found(Vec::new());
    let trend = |worse: bool, better: bool| match (worse, better) {
        (true, _) => Trend::Worse,
        (_, true) => Trend::Better,
        _ => Trend::Same,
    };
    let scopes = [before.scope, after.scope];
    let covers = |one: ScopeAsk, two: ScopeAsk| one.covers(two);
    found.texts(Asked::Scope, scopes.map(scope_word), trend(!covers(scopes[1], scopes[0]), true));
    let depths = [before.depth, after.depth];
    let told = depths.iter().all(Option::is_some);
    let (less, more) = (told && depths[1] < depths[0], told && depths[1] > depths[0]);
    found.texts(Asked::Depth, depths.map(|depth| depth.map_or("not told", Depth::word)), trend(less, more));
    let modes = [before.host.mode, after.host.mode];
    let word = |mode| if mode == Mode::Live { "running" } else { "dead disk" };
    found.texts(Asked::Mode, modes.map(word), trend(after.is_offline(), true));
    let rights = [before.host.privileged, after.host.privileged];
    let word = |all| if all { "all" } else { "those of a user" };
    found.texts(Asked::Rights, rights.map(word), trend(!rights[1], true));
    let access = [before.host.full_disk_access, after.host.full_disk_access];
    let word = |access| match access {
        Some(true) => "given",
        Some(false) => "not given",
        None => "not asked for",
    };
    let (lost, given) = (access == [Some(true), Some(false)], access == [Some(false), Some(true)]);
    found.texts(Asked::FullDiskAccess, access.map(word), trend(lost, given));
    users(before, after, &mut found);
    rules(before, after, &mut found);
    let versions = [before, after].map(|side| side.tool.version.as_ref());
    let older = version_numbers(versions[1]) < version_numbers(versions[0]);
    found.texts(Asked::Tool, versions, trend(older, false));
    let names = [before, after].map(|side| side.host.name.as_deref().unwrap_or("none"));
    found.texts(Asked::HostName, names, Trend::Same);
    let systems = [before, after].map(Side::os_words);
    found.texts(Asked::Os, [systems[0].as_str(), systems[1].as_str()], Trend::Same);
    found.0
}

struct Found(Vec<AskedChange>);

impl Found {
    fn texts(&mut self, what: Asked, [before, after]: [&str; 2], trend: Trend) {
        if before != after {
            self.0.push(AskedChange { what, before: before.to_owned(), after: after.to_owned(), trend });
        }
    }
}

/// Users that are gone, or came.
fn users(before: &Side<'_>, after: &Side<'_>, found: &mut Found) {
    let missing = |from: &Side<'_>, to: &Side<'_>| -> Vec<String> {
        let users = from.host.users.iter().filter(|user| to.same_user(user).is_none());
        users.map(|user| user.name.clone()).collect()
    };
    let (gone, new) = (missing(before, after), missing(after, before));
    if gone.is_empty() && new.is_empty() {
        return;
    }
    let words = |count: usize, only: &[String]| match only {
        [] => format!("{count} users"),
        only => format!("{count} users, with {}", only.join(", ")),
    };
    found.0.push(AskedChange {
        what: Asked::Users,
        before: words(before.host.users.len(), &gone),
        after: words(after.host.users.len(), &new),
        // A profile that is gone holds nothing; one that may be hidden is a gap of the sources that look into profiles.
        trend: Trend::Same,
    });
}

/// Policies, rules and the day.
fn rules(before: &Side<'_>, after: &Side<'_>, found: &mut Found) {
    let (Some(from), Some(to)) = (&before.judged, &after.judged) else { return };
    let ids = |judged: &super::side::Judged<'_>| -> BTreeSet<String> {
        judged.policies.iter().map(|policy| policy.policy.clone()).collect()
    };
    let (from_ids, to_ids) = (ids(from), ids(to));
    let list = |ids: &BTreeSet<String>| ids.iter().cloned().collect::<Vec<_>>().join(", ");
    let trend = if from_ids.is_subset(&to_ids) { Trend::Same } else { Trend::Worse };
    found.texts(Asked::Policies, [&list(&from_ids), &list(&to_ids)], trend);
    let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
    if from.ruleset != to.ruleset {
        found.texts(Asked::Rules, [&short(from.ruleset), &short(to.ruleset)], Trend::Same);
    }
    found.texts(Asked::AsOf, [&from.as_of.to_string(), &to.as_of.to_string()], Trend::Same);
}

fn scope_word(scope: ScopeAsk) -> &'static str {
    match scope {
        ScopeAsk::All => "all",
        ScopeAsk::User => "users' profiles",
        ScopeAsk::System => "the machine",
    }
}

/// The numbers of a version, for comparison.
pub(super) fn version_numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}
