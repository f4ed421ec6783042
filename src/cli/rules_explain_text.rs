//! What `rules explain` says, as text for people.
//!
//! Called by `rules_explain`.

use std::fmt::{Display, Write};

use crate::emit::Look;
use crate::emit::safe::safe;
use crate::judge::{Outcome, Under};
use crate::matching::{Ending, Explained, Tried};
use crate::model::{Family, Strength};
use crate::ruleset::indicator::Told;

use super::rules_explain::{ASKED, About, Document, Seen};

/// The document as text.
pub(super) fn text(document: &Document, look: Look) -> String {
    let mut page = Page { out: String::new(), width: usize::from(look.width) };
    for about in &document.items {
        page.about(about, document.family);
    }
    if document.on_this_host.is_empty() && document.items.iter().any(|about| !about.by_itself.is_empty()) {
        page.line(0, "on this host: no source reports it, so that a scan does not find it");
    } else if !document.on_this_host.is_empty() {
        page.line(0, "on this host, with all that was found:");
        document.on_this_host.iter().for_each(|outcome| page.outcome(outcome));
    }
    page.out
}

struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn line(&mut self, indent: usize, text: impl Display) {
        // Writing to a string cannot fail.
        _ = writeln!(self.out, "{:indent$}{text}", "");
    }

    fn about(&mut self, about: &About, family: Family) {
        let item = &about.item;
        let version = item.version.as_ref().map(|version| version.raw.as_str()).unwrap_or_default();
        self.line(0, format!("{} {} {}", item.kind.word(), safe(&item.name), safe(version)).trim_end());
        self.line(2, format!("id {}", item.id));
        let fields = [("called", &item.display_name), ("publisher", &item.publisher), ("path", &item.path)];
        for (label, value) in fields {
            if let Some(value) = value {
                self.line(2, format!("{label} {}", safe(value)));
            }
        }
        if !about.reported {
            self.line(2, "no source reported it: this is what the rules would say of it");
        }
        let mut before: Option<&Explained> = None;
        for seen in &about.sightings {
            self.sighting(seen);
            if before.is_some_and(|before| same(before, &seen.rules)) {
                self.line(4, "the same as of the sighting before");
            } else {
                seen.rules.tried.iter().for_each(|tried| self.tried(tried));
                self.left_out(&seen.rules, item.kind.word(), family);
            }
            before = Some(&seen.rules);
        }
        if about.by_itself.is_empty() {
            self.line(2, "by itself: a sign of nothing");
        } else {
            self.line(2, "by itself:");
            about.by_itself.iter().for_each(|outcome| self.outcome(outcome));
        }
        self.out.push('\n');
    }

    fn sighting(&mut self, seen: &Seen) {
        let sighting = &seen.sighting;
        let place = safe(&sighting.place.path.text()).into_owned();
        if sighting.source == ASKED {
            let there = match sighting.image.as_ref().and_then(|image| image.exists) {
                Some(true) => "a file is there",
                Some(false) => "nothing is there",
                None if sighting.image.is_none() => "a folder is there",
                None => "it could not be seen whether something is there",
            };
            return self.line(2, format!("{place}: {there}"));
        }
        let record = sighting.place.record.as_deref().map(safe);
        let record = record.map(|record| format!(" ({record})")).unwrap_or_default();
        let (source, state) = (&sighting.source, sighting.state.word());
        self.line(2, format!("seen by {source}: {state}, {}, {place}{record}", sighting.scope));
    }

    fn tried(&mut self, tried: &Tried) {
        let ending = match tried.ending {
            Ending::Hit => "hit",
            Ending::Unmet => "no hit",
            Ending::Unless => "no hit (unless)",
            Ending::Excluded => "no hit (excluded)",
            Ending::Foreign => "no hit (signed by another)",
        };
        let (strength, class) = (strength(tried.strength), tried.class.word());
        self.line(4, format!("{ending}: {} {strength} {class}  {}", tried.product, tried.at));
        tried.conditions.iter().for_each(|told| self.told("", told));
        tried.unless.iter().for_each(|told| self.told("unless ", told));
        for exclude in &tried.excluded_by {
            self.line(8, format!("excluded by {}: {}", exclude.at, safe(&exclude.reason)));
            exclude.conditions.iter().for_each(|told| self.told("  ", told));
        }
    }

    fn told(&mut self, prefix: &str, told: &Told) {
        let key = format!("{prefix}{}", told.key);
        let seen = safe(told.seen.words());
        let has = if told.seen.words() == told.standing() { String::new() } else { format!("has {seen}, ") };
        let text = format!("{key:<11} {:<13} {has}asked {}", told.standing(), safe(&told.asked));
        let room = self.width.saturating_sub(8).max(40);
        let cut = text.chars().count() > room;
        let text = if cut { text.chars().take(room - 1).chain(['…']).collect() } else { text };
        self.line(8, text);
    }

    fn left_out(&mut self, rules: &Explained, kind: &str, family: Family) {
        if rules.far > 0 {
            let far = count(rules.far, "indicator");
            self.line(
                4,
                format!("not shown: {far} of {kind} items of which no condition is met (--all shows them)"),
            );
        }
        let (kinds, families) = (rules.other_kind, rules.other_family);
        self.line(
            4,
            format!("not tried: {kinds} of other kinds of items, {families} not for {}", family.word()),
        );
    }

    fn outcome(&mut self, outcome: &Outcome) {
        let (hits, sightings) = (count(outcome.hits, "hit"), count(outcome.sightings, "sighting"));
        self.line(4, format!("{}: {hits} on {sightings}", outcome.product));
        outcome.policies.iter().for_each(|under| self.line(6, follows(under)));
    }
}

/// What follows from it under a policy.
fn follows(under: &Under) -> String {
    let weighed = format!("{} {} {}", under.class.word(), under.state.word(), under.confidence.word());
    let follows = match (&under.prohibition, under.because) {
        (None, _) => "not prohibited".to_owned(),
        (Some(prohibition), None) if under.decides => format!("decides ({prohibition})"),
        (Some(prohibition), because) => {
            let because = because.map(|because| format!(": {}", because.words())).unwrap_or_default();
            format!("is shown and does not decide ({prohibition}){because}")
        }
    };
    format!("{weighed}; under {} {follows}", under.policy)
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Weak => "weak",
        Strength::Strong => "strong",
        Strength::Conclusive => "conclusive",
    }
}

fn same(one: &Explained, other: &Explained) -> bool {
    let of = |one: &Explained| {
        one.tried
            .iter()
            .map(|tried| (tried.at.clone(), tried.ending, tried.conditions.clone()))
            .collect::<Vec<_>>()
    };
    of(one) == of(other)
}
