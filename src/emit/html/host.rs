//! What a page says first of a host: the verdict and what it claims, on what ground, policy by policy.
//!
//! Called by the format `html`.

use crate::emit::hidden::{Weight, of_report};
use crate::model::{Effect, Inventory, Judgement, Phase, PolicyOutcome, Report, ScopeAsk, Verdict};

use super::page::Page;
use super::{At, coverage, findings, host_name, items, many, mode, system, tone};

/// The parts of a report's page, for the links at its top.
pub(super) fn parts(report: &Report) -> Vec<(&'static str, String)> {
    let blocking = of_report(report).iter().filter(|one| one.weight == Weight::Blocking).count();
    vec![
        ("policies", "Policies".to_owned()),
        ("findings", format!("Findings ({})", report.findings.len())),
        ("coverage", format!("Coverage ({})", many(blocking, "blocking gap"))),
        ("items", format!("Inventory ({})", report.items)),
    ]
}

/// All of one report.
pub(super) fn report(page: &mut Page<'_>, report: &Report, at: At) {
    hero(page, report, at);
    at.section(page, "policies", "Policies");
    report.policies.iter().for_each(|one| policy(page, one));
    page.raw("</section>\n");
    findings::section(page, report, at);
    let hidden = of_report(report);
    coverage::exceptions(page, report, at);
    let steps = coverage::steps(report);
    coverage::section(page, &report.coverage, &hidden, &steps, at);
    items::section(page, report.inventory.as_deref(), report.items, &report.host, at);
}

fn hero(page: &mut Page<'_>, report: &Report, at: At) {
    let tone = tone(report.verdict);
    page.raw("<section class=\"card hero ").raw(tone).raw("\" id=\"host-").show(&at.n).raw("\">\n");
    page.heading(at.level, "host", host_name(&report.host));
    page.raw("<p class=\"dim\">").text(system(&report.host)).raw(", ").raw(mode(&report.host)).raw("</p>\n");
    let (sign, word) = match report.verdict {
        Verdict::Compliant => ("<path d=\"M7 12.5l3.4 3.4L17 9\"/>", "Compliant"),
        Verdict::Inconclusive => {
            ("<path d=\"M9 9.3a3 3 0 1 1 4.2 2.8c-.8.4-1.2.9-1.2 1.8M12 17v.1\"/>", "Inconclusive")
        }
        Verdict::NonCompliant => ("<path d=\"M8 8l8 8M16 8l-8 8\"/>", "Non-compliant"),
    };
    page.raw("<p class=\"verdict\"><svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" ");
    page.raw("stroke-width=\"2.2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"><circle cx=\"12\" cy=\"12\" r=\"10\"/>");
    page.raw(sign)
        .raw("</svg>")
        .raw(word)
        .raw("</p>\n<p class=\"claim\">")
        .prose(&report.claim.text)
        .raw("</p>\n");
    if let (true, Some(since)) = (report.ruleset.stale, report.ruleset.stale_after) {
        page.raw("<p class=\"note open\">These rules are old: stale since ").show(&since).raw(".</p>\n");
    }
    ground(page, report);
    page.raw("</section>\n");
}

/// What the verdict rests on.
fn ground(page: &mut Page<'_>, report: &Report) {
    let claim = &report.claim;
    let scope = match claim.scope {
        ScopeAsk::All => "machine and users",
        ScopeAsk::User => "users only",
        ScopeAsk::System => "machine only",
    };
    let rights =
        if claim.privileged { "could read everything" } else { "without the rights to read everything" };
    page.raw("<dl class=\"facts\">\n");
    fact(page, "Scanned", &report.scanned_at.to_string());
    fact(page, "Law and policy as of", &claim.as_of.to_string());
    fact(page, "Scope and depth", &format!("{scope}; {}", claim.depth.word()));
    fact(page, "Rights", rights);
    fact(page, "Seen", &format!("{} in {} ms", many(report.items, "item"), report.elapsed_ms));
    if let Some(id) = &report.host.machine_id {
        id_fact(page, "Machine id", id);
    }
    fact(page, "Rules", &report.ruleset.origin);
    if let Some(key) = &report.ruleset.signed_by {
        id_fact(page, "Rules signed by key", key);
    }
    id_fact(page, "Digest of the rules (SHA-256)", &report.ruleset.digest);
    page.raw("</dl>\n");
}

fn fact(page: &mut Page<'_>, name: &'static str, value: &str) {
    page.raw("<div><dt>").raw(name).raw("</dt><dd>").text(value).raw("</dd></div>\n");
}

/// A value that nobody reads aloud.
fn id_fact(page: &mut Page<'_>, name: &'static str, value: &str) {
    // Two columns, so that a hash stands on one line where there is room.
    page.raw("<div class=\"two\"><dt>").raw(name).raw("</dt><dd>").code(value).raw("</dd></div>\n");
}

pub(super) fn policy(page: &mut Page<'_>, one: &PolicyOutcome) {
    page.raw("<article class=\"card mark ").raw(tone(one.verdict)).raw("\"><p class=\"row\">");
    page.badge(tone(one.verdict), one.verdict.word())
        .raw("<b>")
        .text(&one.policy)
        .raw("</b> <span class=\"dim\">");
    page.raw(match one.phase {
        Phase::InEffect => "in effect since ",
        Phase::NotYetInEffect => "not yet in effect, from ",
    });
    page.show(&one.effective);
    if one.effect == Effect::Review {
        page.raw("; for review only");
    }
    page.raw("</span></p>\n<p>").prose(&one.title).raw("</p>\n<div class=\"wide\"><table>\n");
    page.raw("<caption class=\"sr\">Prohibitions of the policy</caption><thead><tr><th scope=\"col\">Prohibition</th>");
    page.raw("<th scope=\"col\">Verdict</th><th scope=\"col\" class=\"num\">Deciding</th><th scope=\"col\" class=\"num\">");
    page.raw("Only shown</th><th scope=\"col\" class=\"num\">Waived</th><th scope=\"col\">Stands in the way of compliant</th>");
    page.raw("</tr></thead><tbody>\n");
    one.prohibitions.iter().for_each(|judged| prohibition(page, judged));
    page.raw("</tbody></table></div></article>\n");
}

fn prohibition(page: &mut Page<'_>, judged: &Judgement) {
    page.raw("<tr><th scope=\"row\">").code(&judged.prohibition).raw("</th><td>");
    page.badge(tone(judged.verdict), judged.verdict.word());
    page.raw("</td><td class=\"num\" data-l=\"deciding\">").show(&judged.deciding);
    page.raw("</td><td class=\"num\" data-l=\"only shown\">").show(&judged.shown);
    page.raw("</td><td class=\"num\" data-l=\"waived\">").show(&judged.waived);
    page.raw("</td><td>");
    if !judged.assessable {
        page.raw("<p>Nothing that shows it can be found on this system.</p>");
    }
    if judged.phase == Phase::NotYetInEffect {
        page.raw("<p>Counts from ").show(&judged.effective).raw(" on.</p>");
    }
    for unseen in &judged.unseen {
        page.raw("<p>");
        if let Some(source) = &unseen.source {
            page.code(source).raw(": ");
        }
        page.prose(&unseen.reason).raw("</p>");
    }
    if !judged.not_looked_for.is_empty() {
        let kinds: Vec<_> = judged.not_looked_for.iter().map(|kind| kind.word()).collect();
        page.raw("<p class=\"dim\">Not looked for: ").text(&kinds.join(", ")).raw("</p>");
    }
    page.raw("</td></tr>\n");
}

/// What is said first of an inventory, which judges nothing.
pub(super) fn inventory(page: &mut Page<'_>, one: &Inventory, at: At) {
    page.raw("<section class=\"card hero info\" id=\"host-").show(&at.n).raw("\">\n");
    page.heading(at.level, "host", host_name(&one.host));
    page.raw("<p class=\"dim\">").text(system(&one.host)).raw(", ").raw(mode(&one.host)).raw("</p>\n");
    page.raw(
        "<p class=\"claim\">An inventory: what was found, without any judgement.</p>\n<dl class=\"facts\">\n",
    );
    fact(page, "Scanned", &one.scanned_at.to_string());
    fact(page, "Seen", &format!("{} in {} ms", many(one.items.len(), "item"), one.elapsed_ms));
    if let Some(id) = &one.host.machine_id {
        id_fact(page, "Machine id", id);
    }
    page.raw("</dl></section>\n");
}
