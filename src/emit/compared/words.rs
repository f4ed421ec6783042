//! Words that the formats for people share. Nothing here is made safe: text of a host is in it, and each format does that
//! in its own way.

use std::collections::BTreeMap;

use crate::model::{
    AskedChange, Clean, Compared, FindingSide, GapChange, ItemChange, ItemFate, ItemSide, PolicyChange,
    Shown, SourceChange, State, Status, Trend, Verdict,
};

/// One of the two documents: when, of what, with which verdict.
pub(super) fn document(one: &Compared) -> String {
    let host = one.host.as_deref().unwrap_or("a host without a name");
    let verdict = one.verdict.map_or("an inventory", Verdict::word);
    let rules = one
        .ruleset
        .as_deref()
        .map_or(String::new(), |digest| format!(", rules {}", digest.get(..12).unwrap_or(digest)));
    let Compared { scanned_at, os, tool, .. } = one;
    format!("{scanned_at}, {host} ({os}): {verdict}{rules}, interdict {}", tool.version)
}

/// What the proof comes to.
pub(super) fn clean(clean: &Clean) -> &'static str {
    match clean.shown {
        Shown::Proven => "proven clean of what was found before",
        Shown::NotShown => "not shown to be clean, because",
        Shown::NothingToShow => "nothing had been found before that could be gone",
        Shown::NotJudged => "an inventory is not judged",
    }
}

/// A policy: before -> after.
pub(super) fn policy(change: &PolicyChange) -> String {
    let word = |verdict: Option<Verdict>| verdict.map_or("not asked", Verdict::word);
    if change.before == change.after {
        return format!("{} as before", word(change.after));
    }
    format!("{} -> {}", word(change.before), word(change.after))
}

/// A finding as one side has it.
pub(super) fn side(side: &FindingSide) -> String {
    let mut parts = vec![side.state.word().to_owned(), side.confidence.word().to_owned()];
    if side.class != crate::model::Class::Product {
        parts.push(side.class.word().to_owned());
    }
    parts.push(side.severity.word().to_owned());
    if let [_, ..] = side.versions.as_slice() {
        parts.push(format!("version {}", side.versions.join(" ")));
    }
    parts.push(match side.because {
        Some(because) => format!("does not decide: {}", because.words()),
        None => "decides".to_owned(),
    });
    let sources = side.sources.join(", ");
    let places = if side.evidence == 1 { "1 place".to_owned() } else { format!("{} places", side.evidence) };
    parts.push(format!("{places} by {sources}"));
    parts.join(", ")
}

/// What was asked in another way.
pub(super) fn asked(change: &AskedChange) -> String {
    let worse = if change.trend == Trend::Worse { " (narrower)" } else { "" };
    format!("{}: {} -> {}{worse}", change.what.words(), change.before, change.after)
}

/// How a source ended: before -> after, and why.
pub(super) fn source(change: &SourceChange) -> String {
    let word = |status: Option<Status>| status.map_or("none", Status::word);
    let ended = if change.before == change.after {
        format!("{} as before", word(change.after))
    } else {
        format!("{} -> {}", word(change.before), word(change.after))
    };
    match &change.reason {
        Some(reason) => format!("{ended}: {reason}"),
        None => ended,
    }
}

/// A gap that is new, gone or other.
pub(super) fn gap(change: &GapChange) -> String {
    let what = match (change.before, change.after) {
        (0, after) => format!("new: {after} x"),
        (before, 0) => format!("gone: {before} x"),
        (before, after) if before == after => format!("elsewhere: {after} x"),
        (before, after) => format!("{before} -> {after} x"),
    };
    let places: Vec<_> = change.places.iter().map(|place| place.text()).collect();
    let detail = change.detail.as_deref().map_or(String::new(), |detail| format!(" ({detail})"));
    let minor = if change.blocking { "" } else { "; hides nothing that counts" };
    format!("{what} {}: {}{detail}{minor}", change.reason.words(), places.join(", "))
}

/// An item: its version, or both.
pub(super) fn versions(item: &ItemChange) -> String {
    let version = |side: &Option<ItemSide>| side.as_ref().and_then(|side| side.version.clone());
    match (version(&item.before), version(&item.after)) {
        (Some(before), Some(after)) if before != after => format!("{before} -> {after}"),
        (before, after) => after.or(before).unwrap_or_default(),
    }
}

/// What differs in an item, with the states where they do.
pub(super) fn differs(item: &ItemChange) -> String {
    let state = |side: &Option<ItemSide>| side.as_ref().and_then(|side| side.state);
    let word = |state: Option<State>| state.map_or("unknown", State::word);
    let (before, after) = (state(&item.before), state(&item.after));
    let one = |what: &String| match what.as_str() {
        "state" => format!("{} -> {}", word(before), word(after)),
        other => other.to_owned(),
    };
    item.differs.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Sources of an item, of the newer side that has it.
pub(super) fn sources(item: &ItemChange) -> String {
    let side = item.after.as_ref().or(item.before.as_ref());
    side.map_or(String::new(), |side| side.sources.join(", "))
}

/// Items of a fate.
pub(super) fn of_fate(items: &[ItemChange], fate: ItemFate) -> Vec<&ItemChange> {
    items.iter().filter(|item| item.fate == fate).collect()
}

/// Items by what hides them: a source that failed hides all of its items, and that is one thing to say.
pub(super) fn by_reason<'i>(items: &[&'i ItemChange]) -> BTreeMap<String, Vec<&'i ItemChange>> {
    let mut groups: BTreeMap<String, Vec<&ItemChange>> = BTreeMap::new();
    for item in items {
        groups.entry(item.reasons.join("; ")).or_default().push(item);
    }
    groups
}
