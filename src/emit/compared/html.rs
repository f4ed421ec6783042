//! A page of HTML: the comparison as one file that a mail can carry, in the look of the reports.

use std::io::{self, Write};

use crate::emit::html::page::Page;
use crate::emit::{Form, Look};
use crate::model::{
    Comes, Comparison, Fate, FindingChange, ItemChange, ItemChanges, ItemFate, Shown, SourceChange, Trend,
};

use super::ComparisonFormat;
use super::words;

/// The format `html`.
pub(super) struct Html;

impl ComparisonFormat for Html {
    fn form(&self) -> &'static Form {
        &Form {
            name: "html",
            about: "a page: one file, no network; print, search, dark and light",
            extension: "html",
            media_type: "text/html; charset=utf-8",
            can: &[],
        }
    }

    fn comparison(&self, comparison: &Comparison, _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let host = comparison.after.host.as_deref().unwrap_or("this host");
        let mut page = Page::begin(out, &format!("{host}: {}", comparison.result.words()));
        page.raw("<header class=\"top\"><p><b>interdict</b> comparison</p></header>\n<main id=\"main\">\n");
        head(&mut page, comparison, host);
        findings(&mut page, &comparison.findings);
        coverage(&mut page, comparison);
        items(&mut page, &comparison.items);
        page.raw("</main>\n<footer><p>Made by ").text(&comparison.tool.name).raw(" ");
        page.text(&comparison.tool.version)
            .raw(". This page loads nothing and sends nothing; the same comparison as ");
        page.raw("JSON holds every field.</p></footer>\n");
        page.end()
    }
}

fn head(page: &mut Page<'_>, comparison: &Comparison, host: &str) {
    let tone = match comparison.result {
        Comes::NothingWorse => "good",
        Comes::LessSeen => "open",
        Comes::Worse => "bad",
    };
    page.raw("<section class=\"card hero ").raw(tone).raw("\" aria-label=\"Result\">\n");
    page.heading(1, "host", host);
    page.raw("<p class=\"verdict\">").text(comparison.result.words()).raw("</p>\n");
    page.raw("<p class=\"claim\">").prose(&comparison.text).raw("</p>\n<dl class=\"facts\">");
    for (name, one) in [("Before", &comparison.before), ("After", &comparison.after)] {
        page.raw("<div><dt>").text(name).raw("</dt><dd>").prose(&words::document(one)).raw("</dd></div>\n");
    }
    for policy in &comparison.policies {
        page.raw("<div><dt>Policy ").text(&policy.policy).raw("</dt><dd>").text(&words::policy(policy));
        page.raw("</dd></div>\n");
    }
    page.raw("</dl>\n");
    if comparison.clean.shown != Shown::NotJudged {
        let tone = match comparison.clean.shown {
            Shown::Proven => "good",
            Shown::NotShown => "open",
            Shown::NothingToShow | Shown::NotJudged => "info",
        };
        page.raw("<div class=\"note ").raw(tone).raw("\"><p>").text(words::clean(&comparison.clean));
        page.raw("</p>");
        list(page, &comparison.clean.because);
        page.raw("</div>\n");
    }
    for note in &comparison.notes {
        page.raw("<p class=\"note info\">").prose(note).raw("</p>\n");
    }
    if !comparison.same_host {
        page.raw("<p class=\"note open\">Two hosts: what is not there was not removed, and nothing is shown to be clean.</p>\n");
    }
    page.raw("</section>\n");
}

fn list(page: &mut Page<'_>, texts: &[String]) {
    if texts.is_empty() {
        return;
    }
    page.raw("<ul>");
    for text in texts {
        page.raw("<li>").prose(text).raw("</li>");
    }
    page.raw("</ul>\n");
}

/// The colour of what became of a finding.
fn tone(one: &FindingChange) -> &'static str {
    match (one.fate, one.trend) {
        (_, Trend::Worse) => "bad",
        (Fate::NotReVerified | Fate::NoLongerAsked, _) => "open",
        (_, Trend::Better) => "good",
        (Fate::Unchanged, _) if one.after.as_ref().is_some_and(|after| after.decides) => "bad",
        (_, Trend::Same) => "info",
    }
}

fn findings(page: &mut Page<'_>, findings: &[FindingChange]) {
    page.heading(2, "sec", "Findings");
    if findings.is_empty() {
        page.raw("<p class=\"card\">None, before or after.</p>\n");
    }
    for one in findings {
        let tone = tone(one);
        page.raw("<section class=\"card mark ").raw(tone).raw("\">\n");
        page.heading(3, "find", &one.product_name);
        page.raw("<p class=\"row\">").badge(tone, one.fate.words());
        if one.trend != Trend::Same {
            page.raw(" ").badge(tone, one.trend.word());
        }
        page.raw("</p>\n<dl class=\"pairs\"><dt>Rule</dt><dd>").code(&one.prohibition).raw(", ");
        page.code(&one.product).raw(", ").text(&one.vendor_name).raw("</dd>\n");
        let sides = if one.before == one.after {
            vec![("Was and is", &one.before)]
        } else {
            vec![("Was", &one.before), ("Is", &one.after)]
        };
        for (name, side) in sides {
            page.raw("<dt>").text(name).raw("</dt><dd>");
            match side {
                Some(side) => page.prose(&words::side(side)),
                None => page.raw("not found"),
            };
            page.raw("</dd>\n");
        }
        if !one.reasons.is_empty() {
            page.raw("<dt>Why</dt><dd>");
            list(page, &one.reasons);
            page.raw("</dd>\n");
        }
        page.raw("</dl></section>\n");
    }
}

fn coverage(page: &mut Page<'_>, comparison: &Comparison) {
    page.heading(2, "sec", &format!("What could be seen: {}", comparison.coverage.trend.word()));
    page.raw("<section class=\"card\" aria-label=\"What could be seen\">\n");
    if !comparison.asked.is_empty() {
        page.raw("<p>Asked in another way:</p>");
        list(page, &comparison.asked.iter().map(words::asked).collect::<Vec<_>>());
    }
    let told: Vec<&SourceChange> =
        comparison.coverage.sources.iter().filter(|source| source.trend != Trend::Same).collect();
    if told.is_empty() {
        page.raw("<p>No source saw more or less than before.</p></section>\n");
        return;
    }
    page.raw("<div class=\"wide\"><table><caption>Sources that saw more or less</caption>\n<thead><tr>");
    page.raw("<th scope=\"col\">Source</th><th scope=\"col\">Seen</th><th scope=\"col\">How it ended</th>");
    page.raw("<th scope=\"col\">Gaps</th></tr></thead>\n<tbody>\n");
    for source in told {
        let tone = if source.trend == Trend::Worse { "open" } else { "good" };
        page.raw("<tr><td>").code(&source.source).raw("</td><td>").badge(tone, source.trend.word());
        page.raw("</td><td>").prose(&words::source(source)).raw("</td><td>");
        list(page, &source.gaps.iter().map(words::gap).collect::<Vec<_>>());
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody></table></div></section>\n");
}

fn items(page: &mut Page<'_>, items: &ItemChanges) {
    page.heading(2, "sec", "Items");
    page.raw("<section class=\"card long\" aria-label=\"Items\">\n");
    if let Some(why) = &items.not_compared {
        page.raw("<p>Not compared: ").prose(why).raw("</p></section>\n");
        return;
    }
    page.raw("<p>").show(&items.changes.len()).raw(" differ, ").show(&items.unchanged);
    page.raw(" do not; ").show(&items.merely_ran).raw(" programs merely ran in one of both.</p>\n");
    if items.changes.is_empty() {
        page.raw("</section>\n");
        return;
    }
    page.raw("<div class=\"wide\"><table data-filter=\"items\"><caption>Items that differ</caption>\n");
    page.raw("<thead><tr><th scope=\"col\" data-pick>Item</th><th scope=\"col\" data-pick>Kind</th>");
    page.raw("<th scope=\"col\">Name</th><th scope=\"col\">Version</th><th scope=\"col\">What differs</th>");
    page.raw("<th scope=\"col\" data-pick>Source</th><th scope=\"col\">Why</th></tr></thead>\n<tbody>\n");
    for one in &items.changes {
        item(page, one);
    }
    page.raw("</tbody></table></div></section>\n");
}

fn item(page: &mut Page<'_>, one: &ItemChange) {
    let tone = match one.fate {
        ItemFate::Added => "add",
        ItemFate::Changed => "info",
        ItemFate::Removed | ItemFate::OtherHost => "gone",
        ItemFate::NotReVerified => "open",
    };
    page.raw("<tr><td>").badge(tone, one.fate.words()).raw("</td><td>").text(one.kind.word());
    page.raw("</td><td>").code(&one.name).raw("</td><td>").text(&words::versions(one));
    page.raw("</td><td>").text(&words::differs(one)).raw("</td><td>").text(&words::sources(one));
    page.raw("</td><td>").prose(&one.reasons.join("; ")).raw("</td></tr>\n");
}
