//! The format `html`: one file that a mail can carry and paper can hold, for auditors and everyone else who reads.
//!
//! `page` is the frame; one file per part of the page: `host`, `findings`, `timeline`, `coverage`, `items`. Must not load
//! anything, and not need its script.

use std::io::{self, Write};

use crate::model::{HostFacts, Inventory, Mode, Report, Stamp, Tool, Verdict};

use super::hidden::{Weight, of_coverage, of_report};
use super::{Can, Form, Format, Look};

mod coverage;
mod findings;
mod host;
mod items;
pub(crate) mod page;
mod timeline;

use page::Page;

/// Hosts that need no search.
const FEW: usize = 8;

/// The format `html`.
pub(super) struct Html;

impl Format for Html {
    fn form(&self) -> &'static Form {
        &Form {
            name: "html",
            about: "a page for auditors: one file, no network; print, search, dark and light",
            extension: "html",
            media_type: "text/html; charset=utf-8",
            can: &[Can::Many, Can::Inventories, Can::TakesItems],
        }
    }

    fn reports(&self, reports: &[Report], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let title = match reports {
            [report] => format!("{}: {}", host_name(&report.host), report.verdict.word()),
            _ => tally(reports),
        };
        let mut page = Page::begin(out, &title);
        let single = reports.len() == 1;
        if let [report] = reports {
            top(&mut page, "report", &host::parts(report));
        } else {
            top(&mut page, "report", &[]);
        }
        page.raw("<main id=\"main\">\n");
        if !single {
            hosts(&mut page, reports, &title);
        }
        for (n, report) in reports.iter().enumerate() {
            host::report(&mut page, report, At { n, level: if single { 1 } else { 2 } });
        }
        foot(&mut page, reports.first().map(|report| (&report.tool, report.scanned_at)));
        page.end()
    }

    fn inventories(&self, inventories: &[Inventory], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let title = match inventories {
            [one] => format!("{}: {}", host_name(&one.host), many(one.items.len(), "item")),
            _ => format!("Inventories of {}", many(inventories.len(), "host")),
        };
        let mut page = Page::begin(out, &title);
        top(&mut page, "inventory", &[]);
        page.raw("<main id=\"main\">\n");
        let single = inventories.len() == 1;
        if !single {
            page.heading(1, "host", &title);
        }
        for (n, one) in inventories.iter().enumerate() {
            let at = At { n, level: if single { 1 } else { 2 } };
            host::inventory(&mut page, one, at);
            coverage::section(&mut page, &one.coverage, &of_coverage(&one.coverage), &[], at);
            items::section(&mut page, Some(&one.items), one.items.len(), &one.host, at);
        }
        foot(&mut page, inventories.first().map(|one| (&one.tool, one.scanned_at)));
        page.end()
    }
}

/// Which host of the page is told, and the level of its heading.
#[derive(Clone, Copy)]
struct At {
    n: usize,
    level: usize,
}

impl At {
    /// The heading of a section of this host, which links reach by its name and the host's number.
    fn section(self, page: &mut Page<'_>, name: &'static str, text: &str) {
        page.raw("<section aria-labelledby=\"").raw(name).raw("-").show(&self.n).raw("\">\n");
        let open = if self.level == 1 { "<h2" } else { "<h3" };
        let close = if self.level == 1 { "</h2>\n" } else { "</h3>\n" };
        page.raw(open).raw(" class=\"sec\" id=\"").raw(name).raw("-").show(&self.n).raw("\">");
        page.text(text).raw(close);
    }
}

/// A finding with its evidence, below a heading of the second level, for pages of others.
#[cfg(feature = "collector")]
pub(crate) fn finding(page: &mut Page<'_>, finding: &crate::model::Finding) {
    findings::finding(page, finding, At { n: 0, level: 0 });
}

/// What follows from a policy, for pages of others.
#[cfg(feature = "collector")]
pub(crate) fn policy(page: &mut Page<'_>, policy: &crate::model::PolicyOutcome) {
    host::policy(page, policy);
}

/// The line above all: what this is, and where its parts are.
fn top(page: &mut Page<'_>, what: &'static str, parts: &[(&'static str, String)]) {
    page.raw("<header class=\"top\"><p><b>interdict</b> ").raw(what).raw("</p>\n");
    if !parts.is_empty() {
        page.raw("<nav aria-label=\"On this page\"><ul>\n");
        for (name, text) in parts {
            page.raw("<li><a href=\"#").raw(name).raw("-0\">").text(text).raw("</a></li>\n");
        }
        page.raw("</ul></nav>");
    }
    page.raw("</header>\n");
}

fn foot(page: &mut Page<'_>, made: Option<(&Tool, Stamp)>) {
    page.raw("</main>\n<footer>");
    if let Some((tool, at)) = made {
        page.raw("<p>Made by ").text(&tool.name).raw(" ").text(&tool.version);
        page.raw(" of what was seen at ").show(&at).raw(". ");
        page.raw("This page loads nothing and sends nothing; the same report as JSON holds every field.</p>");
    }
    page.raw("</footer>\n");
}

/// Several hosts: who came to what.
fn hosts(page: &mut Page<'_>, reports: &[Report], title: &str) {
    page.heading(1, "host", title).raw("<section class=\"card\" aria-label=\"Hosts\"><div class=\"wide\">\n");
    page.raw(if reports.len() > FEW { "<table data-filter=\"hosts\">" } else { "<table>" });
    page.raw("<caption>Every host of this page</caption>\n<thead><tr><th scope=\"col\">Host</th>");
    page.raw("<th scope=\"col\">System</th><th scope=\"col\" data-pick>Verdict</th>");
    page.raw("<th scope=\"col\" class=\"num\">Deciding findings</th><th scope=\"col\" class=\"num\">Blocking gaps</th>");
    page.raw("<th scope=\"col\">Scanned</th></tr></thead>\n<tbody>\n");
    for (n, report) in reports.iter().enumerate() {
        let deciding = report.findings.iter().filter(|finding| finding.decides).count();
        let blocking = of_report(report).iter().filter(|one| one.weight == Weight::Blocking).count();
        page.raw("<tr><td><a href=\"#host-")
            .show(&n)
            .raw("\">")
            .text(host_name(&report.host))
            .raw("</a></td><td>");
        page.text(system(&report.host)).raw("</td><td>").badge(tone(report.verdict), report.verdict.word());
        page.raw("</td><td class=\"num\" data-l=\"deciding\">").show(&deciding);
        page.raw("</td><td class=\"num\" data-l=\"blocking gaps\">").show(&blocking);
        page.raw("</td><td>").show(&report.scanned_at).raw("</td></tr>\n");
    }
    page.raw("</tbody></table></div></section>\n");
}

/// "3 hosts: 1 non-compliant, 1 inconclusive, 1 compliant".
fn tally(reports: &[Report]) -> String {
    let count = |verdict| reports.iter().filter(|report| report.verdict == verdict).count();
    format!(
        "{}: {} non-compliant, {} inconclusive, {} compliant",
        many(reports.len(), "host"),
        count(Verdict::NonCompliant),
        count(Verdict::Inconclusive),
        count(Verdict::Compliant)
    )
}

/// The colour of a verdict.
fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Compliant => "good",
        Verdict::Inconclusive => "open",
        Verdict::NonCompliant => "bad",
    }
}

fn host_name(host: &HostFacts) -> &str {
    host.name.as_deref().unwrap_or("this host")
}

fn system(host: &HostFacts) -> &str {
    host.os.name.as_deref().unwrap_or(host.family.word())
}

fn mode(host: &HostFacts) -> &'static str {
    match host.mode {
        Mode::Live => "running",
        Mode::Offline => "offline disk",
    }
}

/// "1 gap", "2 gaps".
fn many(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}
