//! Markdown (GitHub's flavour): a comparison as a page of a ticket.
//!
//! Text of a host stands in code spans, where nothing of it is markup, a link or a mention.

use std::io::{self, Write};

use crate::emit::markdown::{code, prose};
use crate::emit::{Form, Look};
use crate::model::{Comparison, FindingChange, ItemChange, ItemChanges, ItemFate, Shown, Trend};

use super::ComparisonFormat;
use super::words;

/// The format `markdown`.
pub(super) struct Markdown;

/// Items of one fate before "and n more".
const ITEMS_SHOWN: usize = 200;

impl ComparisonFormat for Markdown {
    fn form(&self) -> &'static Form {
        &Form {
            name: "markdown",
            about: "a page for a ticket, a wiki or a pull request",
            extension: "md",
            media_type: "text/markdown; charset=utf-8; variant=GFM",
            can: &[],
        }
    }

    fn comparison(&self, comparison: &Comparison, _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        head(comparison, out)?;
        writeln!(out, "## Findings\n")?;
        if comparison.findings.is_empty() {
            writeln!(out, "None.\n")?;
        }
        comparison.findings.iter().try_for_each(|one| finding(one, out))?;
        coverage(comparison, out)?;
        items(&comparison.items, out)
    }
}

fn head(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let host = comparison.after.host.as_deref().unwrap_or("this host");
    writeln!(out, "# {}: {}\n", code(host), comparison.result.words())?;
    writeln!(out, "{}\n", prose(&comparison.text))?;
    writeln!(out, "- before: {}", code(&words::document(&comparison.before)))?;
    writeln!(out, "- after: {}", code(&words::document(&comparison.after)))?;
    for policy in &comparison.policies {
        writeln!(out, "- {}: **{}**", code(&policy.policy), words::policy(policy))?;
    }
    if comparison.clean.shown != Shown::NotJudged {
        writeln!(out, "- **{}**", words::clean(&comparison.clean))?;
        for why in &comparison.clean.because {
            writeln!(out, "  - {}", code(why))?;
        }
    }
    for note in &comparison.notes {
        writeln!(out, "- {}", prose(note))?;
    }
    if !comparison.same_host {
        writeln!(out, "- two hosts: what is not there was not removed, and nothing is shown to be clean")?;
    }
    writeln!(out)
}

fn finding(one: &FindingChange, out: &mut dyn Write) -> io::Result<()> {
    let trend = if one.trend == Trend::Same { "" } else { one.trend.word() };
    let trend = if trend.is_empty() { String::new() } else { format!(" ({trend})") };
    writeln!(out, "### {}: {}{trend}\n", one.fate.words(), code(&one.product_name))?;
    let (rule, product, vendor) = (code(&one.prohibition), code(&one.product), code(&one.vendor_name));
    writeln!(out, "- rule: {rule}, {product}, {vendor}")?;
    let (before, after) = (one.before.as_ref().map(words::side), one.after.as_ref().map(words::side));
    if before == after {
        before.iter().try_for_each(|side| writeln!(out, "- was and is: {}", code(side)))?;
    } else {
        before.iter().try_for_each(|side| writeln!(out, "- was: {}", code(side)))?;
        after.iter().try_for_each(|side| writeln!(out, "- is: {}", code(side)))?;
    }
    one.reasons.iter().try_for_each(|why| writeln!(out, "- why: {}", code(why)))?;
    writeln!(out)
}

fn coverage(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## What could be seen: {}\n", comparison.coverage.trend.word())?;
    comparison.asked.iter().try_for_each(|one| writeln!(out, "- {}", code(&words::asked(one))))?;
    if !comparison.asked.is_empty() {
        writeln!(out)?;
    }
    let told: Vec<_> =
        comparison.coverage.sources.iter().filter(|source| source.trend != Trend::Same).collect();
    if told.is_empty() {
        return writeln!(out, "No source saw more or less than before.\n");
    }
    writeln!(out, "| source | seen | how | gaps |\n|---|---|---|---|")?;
    for source in told {
        let gaps: Vec<String> = source.gaps.iter().map(|gap| code(&words::gap(gap))).collect();
        let (name, trend) = (code(&source.source), source.trend.word());
        writeln!(out, "| {name} | {trend} | {} | {} |", code(&words::source(source)), gaps.join(", "))?;
    }
    writeln!(out)
}

fn items(items: &ItemChanges, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## Items\n")?;
    if let Some(why) = &items.not_compared {
        return writeln!(out, "Not compared: {}\n", prose(why));
    }
    let (differ, same, ran) = (items.changes.len(), items.unchanged, items.merely_ran);
    writeln!(out, "{differ} differ, {same} do not; {ran} programs merely ran in one of both.\n")?;
    if items.changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "| item | kind | name | version | what | source | why |\n|---|---|---|---|---|---|---|")?;
    for fate in ItemFate::ALL {
        let found = words::of_fate(&items.changes, *fate);
        found.iter().take(ITEMS_SHOWN).try_for_each(|one| item(one, out))?;
        let more = found.len().saturating_sub(ITEMS_SHOWN);
        if more > 0 {
            writeln!(out, "| {} | | {more} more | | | | |", fate.words())?;
        }
    }
    writeln!(out)
}

fn item(one: &ItemChange, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "| {} | {} | {} | {} | {} | {} | {} |",
        one.fate.words(),
        one.kind.word(),
        code(&one.name),
        code(&words::versions(one)),
        words::differs(one),
        code(&words::sources(one)),
        code(&one.reasons.join("; "))
    )
}
