//! The findings of a report, under the prohibition that each breaks: what to do, the evidence as a tree, the law.
//!
//! Called by the page of a host.

use crate::model::{Evidence, Exception, Finding, ItemId, LinkKind, Report};

use super::page::Page;
use super::{At, timeline};

/// Items of one finding that stand open; the others are folded.
const OPEN: usize = 20;

/// The section of all findings.
pub(super) fn section(page: &mut Page<'_>, report: &Report, at: At) {
    at.section(page, "findings", "Findings");
    if report.findings.is_empty() {
        page.raw("<p class=\"card\">None.</p>\n");
    }
    let mut told: Vec<&str> = Vec::new();
    for first in &report.findings {
        if told.contains(&first.prohibition.as_str()) {
            continue;
        }
        told.push(&first.prohibition);
        let of_it = report.findings.iter().filter(|one| one.prohibition == first.prohibition);
        let group: Vec<&Finding> = of_it.collect();
        page.heading(at.level + 2, "grp", &format!("Under {}", first.prohibition));
        for one in &group {
            finding(page, one, at);
        }
        timeline::law(page, &group, report.claim.as_of, at);
    }
    page.raw("</section>\n");
}

pub(super) fn finding(page: &mut Page<'_>, one: &Finding, at: At) {
    let (tone, mark) = match (one.decides, &one.waiver) {
        (true, _) => ("bad", "found"),
        (false, Some(_)) => ("info", "waived"),
        (false, None) => ("off", "shown"),
    };
    page.raw("<article class=\"card long mark ").raw(tone).raw("\">\n");
    page.heading(at.level + 3, "find", &one.product_name);
    page.raw("<p class=\"row\">").badge(tone, mark);
    for word in [one.state.word(), one.confidence.word(), one.class.word(), one.severity.word()] {
        page.badge("off", word);
    }
    page.raw("</p>\n<dl class=\"pairs\">\n");
    if !one.versions.is_empty() {
        page.raw("<dt>Version</dt><dd>");
        for version in &one.versions {
            page.code(version).raw(" ");
        }
        page.raw("</dd>\n");
    }
    page.raw("<dt>Maker</dt><dd>")
        .text(&one.vendor_name)
        .raw(" <small>")
        .text(&one.product)
        .raw("</small></dd>\n");
    page.raw("<dt>Rule</dt><dd>")
        .code(&one.prohibition)
        .raw(", counts from ")
        .show(&one.effective)
        .raw("</dd>\n");
    if let Some(because) = one.because {
        page.raw("<dt>Does not decide</dt><dd>").raw(because.words()).raw("</dd>\n");
    }
    if let Some(waiver) = &one.waiver {
        page.raw("<dt>Waiver</dt><dd>");
        exception(page, waiver);
        page.raw("</dd>\n");
    }
    if let Some(updated) = one.evidence.iter().filter_map(|one| one.last_update).max() {
        page.raw("<dt>Last update of itself</dt><dd>").show(&crate::model::Date::of(updated)).raw("</dd>\n");
    }
    page.raw("<dt>To do</dt><dd>").prose(&one.advice).raw("</dd>\n</dl>\n");
    tree(page, one, at);
    page.raw("</article>\n");
}

/// "until 2027-06-30, approved by security officer: a known loop".
pub(super) fn exception(page: &mut Page<'_>, one: &Exception) {
    page.raw("until ").show(&one.expires).raw(", approved by ").text(&one.approver).raw(": ");
    page.prose(&one.reason).raw(" <small>(").text(&one.written_at).raw(")</small>");
}

/// An item of a finding and where it was seen.
type Seen<'r> = (ItemId, Vec<&'r Evidence>);

/// What was found, item by item; below each where it was seen; and what is linked to it.
fn tree(page: &mut Page<'_>, one: &Finding, at: At) {
    page.heading(at.level + 4, "sub", "Evidence");
    let (mut matched, mut linked): (Vec<Seen<'_>>, Vec<Seen<'_>>) = (Vec::new(), Vec::new());
    for evidence in &one.evidence {
        let items = if evidence.link.is_some() { &mut linked } else { &mut matched };
        match items.iter_mut().find(|(id, _)| *id == evidence.item) {
            Some((_, seen)) => seen.push(evidence),
            None => items.push((evidence.item, vec![evidence])),
        }
    }
    let items = || matched.iter().chain(&linked);
    page.raw("<ul class=\"tree\">\n");
    items().take(OPEN).for_each(|(_, seen)| item(page, seen));
    page.raw("</ul>\n");
    let more = (matched.len() + linked.len()).saturating_sub(OPEN);
    if more > 0 {
        page.raw("<details><summary>").show(&more).raw(" more</summary>\n<ul class=\"tree\">\n");
        items().skip(OPEN).for_each(|(_, seen)| item(page, seen));
        page.raw("</ul></details>\n");
    }
    let cut = one.evidence_total.saturating_sub(one.evidence.len());
    if cut > 0 {
        page.raw("<p class=\"dim\">And ")
            .show(&cut)
            .raw(" more places, which the report does not hold.</p>\n");
    }
}

fn item(page: &mut Page<'_>, seen: &[&Evidence]) {
    let Some(first) = seen.first() else { return };
    page.raw("<li><span class=\"row\">")
        .badge("off", first.kind.word())
        .raw("<b>")
        .text(&first.name)
        .raw("</b>");
    if let Some(version) = &first.version {
        page.raw(" ").code(version);
    }
    if let Some(publisher) = &first.publisher {
        page.raw(" <span class=\"dim\">by <span class=\"t\">").text(publisher).raw("</span></span>");
    }
    match (first.strength, first.link) {
        (Some(strength), _) => page.badge("info", strength.word()),
        (None, Some(link)) => page.badge("off", linked(link)),
        (None, None) => page,
    };
    page.raw("</span>\n<ul>\n");
    for one in seen {
        sighting(page, one);
    }
    page.raw("</ul></li>\n");
}

fn linked(link: LinkKind) -> &'static str {
    match link {
        LinkKind::OwnedBy => "linked: owned by it, or owns it",
        LinkKind::ImageOf => "linked: the program of a service",
        LinkKind::PartOf => "linked: part of it",
    }
}

fn sighting(page: &mut Page<'_>, one: &Evidence) {
    page.raw("<li>").raw(one.state.word()).raw(": ").code(&one.place.path.text());
    if let Some(record) = &one.place.record {
        page.raw(" (").text(record).raw(")");
    }
    page.raw("<br><small>seen by ").text(&one.source).raw(", ").show(&one.scope);
    if let Some(when) = one.recorded_at.value {
        page.raw("; ").raw(one.recorded_at.means.word()).raw(" ").show(&when);
    }
    if let Some(process) = &one.process {
        page.raw("; process ").show(&process.pid);
        if let Some(owner) = &process.owner {
            page.raw(" of ").text(owner);
        }
        page.raw(if process.deleted { ", its file deleted since" } else { "" });
    }
    if let Some(image) = one.image.as_ref().filter(|image| image.path != one.place.path) {
        page.raw("<br>program ").code(&image.path.text());
        page.raw(if image.exists == Some(false) { " (missing)" } else { "" });
    }
    if let Some(signer) = &one.signer {
        page.raw("<br>signed by ").text(&signer.name).raw(" (").raw(signer.trust.words()).raw(")");
    }
    if let Some(sha256) = &one.sha256 {
        page.raw("<br>SHA-256 ").code(sha256);
    }
    if !one.rests_on.is_empty() {
        let rests: Vec<_> = one.rests_on.iter().map(|field| field.word()).collect();
        page.raw("<br>known by ").text(&rests.join(", ")).raw(" (").text(&one.indicators.join(", ")).raw(")");
    }
    page.raw("</small></li>\n");
}
