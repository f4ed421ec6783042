//! Text for people: what it comes to, whether the host is shown to be clean, then findings, questions, coverage, items.

use std::io::{self, Write};

use crate::emit::lines::{Ink, Lines};
use crate::emit::safe::{put, safe, short};
use crate::emit::{Can, Form, Look};
use crate::model::{
    Comes, Comparison, Fate, FindingChange, ItemChange, ItemChanges, ItemFate, Shown, SourceChange, Trend,
};

use super::ComparisonFormat;
use super::words;

/// The format `text`.
pub(super) struct Text;

/// Items of one fate before "and n more".
const ITEMS_SHOWN: usize = 50;
/// Names of items that one reason hides.
const NAMES_SHOWN: usize = 5;
/// Letters of one text of a host.
const LETTERS: usize = 2000;

impl ComparisonFormat for Text {
    fn form(&self) -> &'static Form {
        &Form {
            name: "text",
            about: "for people, in a terminal",
            extension: "txt",
            media_type: "text/plain; charset=utf-8",
            can: &[Can::Terminal],
        }
    }

    fn comparison(&self, comparison: &Comparison, look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let mut page = Lines::new(*look);
        head(&mut page, comparison);
        for one in &comparison.findings {
            finding(&mut page, one);
        }
        asked(&mut page, comparison);
        coverage(&mut page, comparison);
        items(&mut page, &comparison.items);
        out.write_all(page.text.as_bytes())
    }
}

/// Text of a host on its line: nothing of it acts, and it has an end.
fn shown(text: &str) -> String {
    short(&safe(text), LETTERS).into_owned()
}

fn head(page: &mut Lines, comparison: &Comparison) {
    let (ink, word) = match comparison.result {
        Comes::NothingWorse => (Ink::Green, "NOTHING WORSE"),
        Comes::LessSeen => (Ink::Yellow, "LESS SEEN"),
        Comes::Worse => (Ink::Red, "WORSE"),
    };
    let host = comparison.after.host.as_deref().unwrap_or("this host");
    let headline = format!("{}  {} ({})", page.ink(ink, word), shown(host), shown(&comparison.after.os));
    page.text.push_str(&headline);
    page.blank();
    page.line(2, "", &comparison.text);
    page.line(2, "before", &shown(&words::document(&comparison.before)));
    page.line(2, "after ", &shown(&words::document(&comparison.after)));
    for policy in &comparison.policies {
        page.line(2, "policy", &shown(&format!("{}: {}", policy.policy, words::policy(policy))));
    }
    if comparison.clean.shown != Shown::NotJudged {
        let ink = match comparison.clean.shown {
            Shown::Proven => Ink::Green,
            _ => Ink::Yellow,
        };
        let said = match comparison.clean.shown {
            Shown::NothingToShow => words::clean(&comparison.clean).to_owned(),
            _ => page.ink(ink, words::clean(&comparison.clean)),
        };
        page.line(2, "clean ", &said);
        for why in &comparison.clean.because {
            page.line(4, "-", &shown(why));
        }
    }
    for note in &comparison.notes {
        page.line(2, "note  ", note);
    }
    if !comparison.same_host {
        page.line(
            2,
            "note  ",
            "two hosts: what is not there was not removed, and nothing is shown to be clean",
        );
    }
}

fn finding(page: &mut Lines, one: &FindingChange) {
    page.blank();
    let ink = match (one.fate, one.trend) {
        (_, Trend::Worse) => Ink::Red,
        (Fate::NotReVerified | Fate::NoLongerAsked, _) => Ink::Yellow,
        (_, Trend::Better) => Ink::Green,
        _ => Ink::Bold,
    };
    let mut fate = one.fate.words().to_owned();
    if one.fate == Fate::Changed && one.trend != Trend::Same {
        put(&mut fate, format_args!(", {}", one.trend.word()));
    }
    let name = page.ink(Ink::Bold, &shown(&one.product_name));
    let line = format!("{}  {name}", page.ink(ink, &fate));
    page.text.push_str(&line);
    page.blank();
    page.line(2, "rule", &shown(&format!("{} ({}, {})", one.prohibition, one.product, one.vendor_name)));
    let (before, after) = (one.before.as_ref().map(words::side), one.after.as_ref().map(words::side));
    if before == after {
        if let Some(side) = &before {
            page.line(2, "both", &shown(side));
        }
    } else {
        if let Some(side) = &before {
            page.line(2, "was ", &shown(side));
        }
        if let Some(side) = &after {
            page.line(2, "is  ", &shown(side));
        }
    }
    for why in &one.reasons {
        page.line(2, "why ", &shown(why));
    }
}

fn title(page: &mut Lines, text: &str) {
    page.blank();
    let text = page.ink(Ink::Bold, text);
    page.text.push_str(&text);
    page.blank();
}

fn asked(page: &mut Lines, comparison: &Comparison) {
    if !comparison.asked.is_empty() {
        title(page, "Asked in another way");
    }
    for one in &comparison.asked {
        page.line(2, "-", &shown(&words::asked(one)));
    }
}

fn coverage(page: &mut Lines, comparison: &Comparison) {
    let told: Vec<&SourceChange> =
        comparison.coverage.sources.iter().filter(|source| source.trend != Trend::Same).collect();
    if !told.is_empty() {
        title(page, "Seen");
    }
    // What a narrower question hides, it hides from many sources in the same way.
    let mut together: Vec<(Trend, String, Vec<&SourceChange>)> = Vec::new();
    for source in told {
        let how = words::source(source);
        let same = |(trend, words, others): &&mut (Trend, String, Vec<&SourceChange>)| {
            let bare = source.gaps.is_empty() && others.iter().all(|other| other.gaps.is_empty());
            bare && *trend == source.trend && *words == how
        };
        match together.iter_mut().find(same) {
            Some((_, _, others)) => others.push(source),
            None => together.push((source.trend, how, vec![source])),
        }
    }
    for (trend, how, sources) in together {
        let word = page.ink(if trend == Trend::Worse { Ink::Yellow } else { Ink::Green }, trend.word());
        let names: Vec<&str> = sources.iter().map(|source| source.source.as_str()).collect();
        page.line(2, "", &format!("{word} {}: {}", shown(&names.join(", ")), shown(&how)));
        let gaps = sources.iter().flat_map(|source| &source.gaps);
        gaps.for_each(|gap| page.line(4, "-", &shown(&words::gap(gap))));
    }
}

fn items(page: &mut Lines, items: &ItemChanges) {
    if let Some(why) = &items.not_compared {
        page.blank();
        page.line(0, "", &format!("Items were not compared: {why}"));
        return;
    }
    if !items.changes.is_empty() {
        title(page, "Items");
    }
    for fate in ItemFate::ALL {
        let found = words::of_fate(&items.changes, *fate);
        if *fate == ItemFate::NotReVerified {
            hidden(page, &found);
            continue;
        }
        found.iter().take(ITEMS_SHOWN).for_each(|one| item(page, one));
        let more = found.len().saturating_sub(ITEMS_SHOWN);
        if more > 0 {
            page.line(2, "", &format!("{} {more} more; see --format json", fate.words()));
        }
    }
    page.blank();
    page.line(
        0,
        "",
        &format!(
            "{} items differ, {} do not; {} programs merely ran in one of both",
            items.changes.len(),
            items.unchanged,
            items.merely_ran
        ),
    );
}

fn item(page: &mut Lines, one: &ItemChange) {
    let mut line = format!("{} {} {}", one.fate.words(), one.kind.word(), shown(&one.name));
    let versions = words::versions(one);
    if !versions.is_empty() {
        put(&mut line, format_args!(" {}", shown(&versions)));
    }
    let differs = words::differs(one);
    if !differs.is_empty() {
        put(&mut line, format_args!(" ({differs})"));
    }
    put(&mut line, format_args!(" [{}]", shown(&words::sources(one))));
    for why in &one.reasons {
        put(&mut line, format_args!("; {}", shown(why)));
    }
    page.line(2, "", &line);
}

/// Items that nobody saw again, by what hides them.
fn hidden(page: &mut Lines, found: &[&ItemChange]) {
    for (why, items) in words::by_reason(found) {
        let names: Vec<String> = items.iter().take(NAMES_SHOWN).map(|item| shown(&item.name)).collect();
        let more = items.len().saturating_sub(NAMES_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line = format!("not re-verified {}: {}{more}: {}", items.len(), names.join(", "), shown(&why));
        page.line(2, "", &line);
    }
}
