//! Markdown (GitHub's flavour): a report as a page of a ticket, a wiki or a pull request.
//!
//! Text of a host stands in code spans, where nothing of it is markup, a link or a mention.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::model::{Evidence, Finding, HostFacts, Inventory, Mode, Order, Report, Status, Verdict};

use super::hidden::{Hidden, Weight, of_coverage, of_report};
use super::safe::{safe, short};
use super::{Can, Form, Format, Look};

/// The format `markdown`.
pub(super) struct Markdown;

/// Letters of one text of a host.
const LETTERS: usize = 300;
/// Letters of an advice, which quotes names of the host.
const ADVICE: usize = 2000;
/// Places of a finding before "and n more".
const EVIDENCE_SHOWN: usize = 20;

impl Format for Markdown {
    fn form(&self) -> &'static Form {
        &Form {
            name: "markdown",
            about: "a page for a ticket, a wiki or a pull request",
            extension: "md",
            media_type: "text/markdown; charset=utf-8; variant=GFM",
            can: &[Can::Many, Can::Inventories],
        }
    }

    fn reports(&self, reports: &[Report], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        if reports.len() > 1 {
            hosts(reports, out)?;
        }
        reports.iter().try_for_each(|report| report_page(report, out))
    }

    fn inventories(&self, inventories: &[Inventory], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        inventories.iter().try_for_each(|inventory| inventory_page(inventory, out))
    }
}

/// Several hosts: who came to what.
fn hosts(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    let count = |verdict| reports.iter().filter(|report| report.verdict == verdict).count();
    let (bad, open, good) =
        (count(Verdict::NonCompliant), count(Verdict::Inconclusive), count(Verdict::Compliant));
    writeln!(out, "# {} hosts: {bad} non-compliant, {open} inconclusive, {good} compliant\n", reports.len())?;
    writeln!(out, "| host | verdict | deciding findings | blocking gaps |\n|---|---|---|---|")?;
    for report in reports {
        let deciding = report.findings.iter().filter(|finding| finding.decides).count();
        let blocking = of_report(report).iter().filter(|one| one.weight == Weight::Blocking).count();
        let (host, verdict) = (host_name(&report.host), report.verdict.word());
        writeln!(out, "| {host} | {verdict} | {deciding} | {blocking} |")?;
    }
    writeln!(out)
}

fn report_page(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}: {}\n", host_name(&report.host), report.verdict.word())?;
    writeln!(out, "{}\n", prose(&report.claim.text))?;
    if let (true, Some(since)) = (report.ruleset.stale, report.ruleset.stale_after) {
        writeln!(out, "**These rules are old: stale since {since}.**\n")?;
    }
    for policy in &report.policies {
        let (id, verdict, from) = (code(&policy.policy), policy.verdict.word(), policy.effective);
        writeln!(out, "- {id}: **{verdict}** (counts from {from}): {}", prose(&policy.title))?;
    }
    writeln!(out, "\n## Findings\n")?;
    if report.findings.is_empty() {
        writeln!(out, "None.\n")?;
    }
    let mut laws = BTreeSet::new();
    for found in &report.findings {
        finding(found, &mut laws, out)?;
    }
    gaps(&of_report(report), out)?;
    footer(report, out)
}

/// A finding; an act that an earlier finding has told is not told again.
fn finding<'r>(found: &'r Finding, laws: &mut BTreeSet<&'r str>, out: &mut dyn Write) -> io::Result<()> {
    let mark = if found.decides { "found" } else { "shown" };
    writeln!(out, "### {mark}: {} {}\n", code(&found.product_name), code(&found.versions.join(" ")))?;
    let because = found.because.map_or(String::new(), |why| format!("; does not decide: {}", why.words()));
    writeln!(
        out,
        "- state: {}, {}, {}{because}",
        found.state.word(),
        found.confidence.word(),
        found.class.word()
    )?;
    writeln!(out, "- maker: {} ({})", code(&found.vendor_name), code(&found.product))?;
    let (rule, severity, from) = (code(&found.prohibition), found.severity.word(), found.effective);
    writeln!(out, "- rule: {rule} ({severity}), counts from {from}")?;
    if let Some(waiver) = &found.waiver {
        let (approver, reason) = (code(&waiver.approver), code(&waiver.reason));
        writeln!(out, "- waived until {}, approved by {approver}: {reason}", waiver.expires)?;
    }
    for basis in found.bases.iter().filter(|basis| laws.insert(&basis.authority)) {
        let phase = match (&basis.phase, basis.since) {
            (Some(phase), Some(since)) => format!("; since {since}: {}", prose(phase)),
            _ => "; nothing in force yet on this day".to_owned(),
        };
        writeln!(out, "- law: {} ({}){phase}", prose(&basis.title), prose(&basis.citation))?;
    }
    writeln!(out, "- to do: {}\n", span(&found.advice, ADVICE))?;
    writeln!(out, "| kind | name | state | source | place | strength |\n|---|---|---|---|---|---|")?;
    found.evidence.iter().take(EVIDENCE_SHOWN).try_for_each(|one| evidence(one, out))?;
    let more = found.evidence_total.saturating_sub(EVIDENCE_SHOWN);
    if more > 0 {
        writeln!(out, "\nAnd {more} more places.")?;
    }
    writeln!(out)
}

fn evidence(one: &Evidence, out: &mut dyn Write) -> io::Result<()> {
    let place = match &one.place.record {
        Some(record) => format!("{} ({record})", one.place.path.text()),
        None => one.place.path.text().into_owned(),
    };
    writeln!(
        out,
        "| {} | {} | {} | {} | {} | {} |",
        one.kind.word(),
        code(&one.name),
        one.state.word(),
        code(&one.source),
        code(&place),
        one.strength.map_or("linked", crate::model::Strength::word)
    )
}

fn gaps(hidden: &[Hidden<'_>], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## Could not be seen\n")?;
    if hidden.is_empty() {
        return writeln!(out, "Nothing: all that was asked for was seen.\n");
    }
    writeln!(out, "| source | why | weight | count | places |\n|---|---|---|---|---|")?;
    for one in hidden {
        let mut why = code(&one.words);
        if let Some(exception) = one.exception {
            let (approver, reason) = (code(&exception.approver), code(&exception.reason));
            why = format!("{why}, accepted until {} by {approver}: {reason}", exception.expires);
        }
        let source = one.source.map_or("the question".to_owned(), code);
        let (weight, count, places) = (one.weight.word(), one.count, code(&one.places_text()));
        writeln!(out, "| {source} | {why} | {weight} | {count} | {places} |")?;
    }
    writeln!(out)
}

fn footer(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let sources = &report.coverage.sources;
    let complete = sources.iter().filter(|source| source.status == Status::Complete).count();
    writeln!(
        out,
        "{} items; {complete} of {} sources complete; scanned at {}; as of {}; rules {} {}; {} {}\n",
        report.items,
        sources.len(),
        report.scanned_at,
        report.claim.as_of,
        code(&report.ruleset.origin),
        code(&report.ruleset.digest),
        prose(&report.tool.name),
        prose(&report.tool.version)
    )
}

fn inventory_page(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}: {} items\n", host_name(&inventory.host), inventory.items.len())?;
    writeln!(out, "| kind | name | version | publisher | state | sources |\n|---|---|---|---|---|---|")?;
    for seen in &inventory.items {
        let item = &seen.item;
        let state = seen.sightings.iter().map(|sighting| sighting.state).max();
        let mut sources: Vec<&str> = seen.sightings.iter().map(|sighting| sighting.source.as_ref()).collect();
        sources.order();
        sources.dedup();
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            item.kind.word(),
            code(&item.name),
            code(item.version.as_ref().map_or("", |version| &version.raw)),
            code(item.publisher.as_deref().unwrap_or_default()),
            state.map_or("", crate::model::State::word),
            code(&sources.join(", "))
        )?;
    }
    writeln!(out)?;
    gaps(&of_coverage(&inventory.coverage), out)
}

fn host_name(host: &HostFacts) -> String {
    let name = host.name.as_deref().unwrap_or("this host");
    let os = host.os.name.as_deref().unwrap_or(host.family.word());
    let mode = match host.mode {
        Mode::Live => "running",
        Mode::Offline => "offline disk",
    };
    format!("{} ({}, {mode})", code(name), code(os))
}

/// Text of a host as a code span (`CommonMark` 6.1), with a fence longer than any in it; in tables a bar ends a cell even
/// there (GFM 4.10).
pub(super) fn code(text: &str) -> String {
    span(text, LETTERS)
}

fn span(text: &str, letters: usize) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = safe(text);
    let text = short(&text, letters);
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// Text of rules and of our own: nothing of it is markup.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in safe(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '&' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_host_is_no_markup() {
        assert_eq!(code("<script>"), "`<script>`");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("``"), "``` `` ```");
        assert_eq!(code("a|b\nc"), "`a\\|b\\u{a}c`");
        assert_eq!(code(""), "");
        assert!(code(&"x".repeat(1 << 20)).len() < 400);
        assert_eq!(prose("**a** <b> [c](d)"), "\\*\\*a\\*\\* \\<b\\> \\[c\\](d)");
    }
}
