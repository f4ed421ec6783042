//! `/hosts/{id}/compare`: what differs between two reports of a host.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

use crate::collector::store::{Compared, FindingRow, FindingState, FindingsAsk, ReportRow, Role};
use crate::emit::Page;
use crate::model::{Id, Item, ItemKind};

use super::fields::{Address, Fields};
use super::frame::{self, Wrong, cells, choice, empty, grouped, many, moment, ordinal, table, verdict};
use super::guard::Visitor;
use super::{Route, Shared};

pub(super) const COMPARE: Route = Route::of("get", "/hosts/{id}/compare", Role::Viewer, || get(compare));

/// Reports that can be chosen, and findings that are asked for at a time.
const REPORTS: u32 = 200;
const FINDINGS: u32 = 1_000;
/// Items that are told.
const ITEMS: usize = 500;

async fn compare(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path(id): Path<String>,
) -> Result<Response, Wrong> {
    let host = console.the_host(&id).await?.row;
    let (id, store) = (host.host, &console.store);
    let reports = store.reports(id, REPORTS).await?;
    // The last one and the one before, where nothing else is said.
    let (latest, before) = (reports.first().map(|row| row.seq), reports.get(1).map(|row| row.seq));
    let to = fields.read_as("to").or(latest).unwrap_or_default();
    let from = fields.read_as("from").or(before).unwrap_or_default();
    let compared = store.compare(id, from.min(to), to.max(from)).await?;
    let mut findings = Vec::new();
    for state in [None, Some(FindingState::Closed)] {
        let mut after = None;
        loop {
            let ask = FindingsAsk { after, limit: FINDINGS, host: Some(id), state, ..FindingsAsk::default() };
            let page = store.findings(&ask).await?;
            after = page.rows.last().map(|row| row.number);
            findings.extend(page.rows);
            if !page.more {
                break;
            }
        }
    }
    let name = host.name.unwrap_or_else(|| id.to_string());
    Ok(frame::page(&visitor, "/hosts", &format!("Two reports of {name}"), |page| {
        page.raw("<p>");
        frame::link(page, &Address::of(&format!("/hosts/{id}")), &format!("All of {name}"));
        page.raw("</p>\n");
        if reports.len() < 2 {
            empty(page, "It has sent fewer than two reports: there is nothing to compare yet.");
            return;
        }
        chosen(page, id, &reports, [from, to]);
        match &compared {
            Some(Compared { from, to, .. }) if from.late || to.late => empty(
                page,
                "One of these came after a newer one: that it came is known, and what it held is not. Choose others.",
            ),
            Some(compared) => told(page, compared, &findings, &reports),
            None if from == to => empty(page, "That is one report: choose two."),
            None => empty(page, "One of these reports is not kept any more, or never came: choose others."),
        }
    }))
}

fn chosen(page: &mut Page<'_>, id: Id, reports: &[ReportRow], [from, to]: [u64; 2]) {
    let rows = reports.iter().map(|row| (row.seq.to_string(), format!("{}, {}", row.seq, row.scanned_at)));
    let rows: Vec<_> = rows.collect();
    let choices: Vec<_> = rows.iter().map(|(seq, text)| (seq.as_str(), text.as_str())).collect();
    page.raw("<form class=\"tools\" method=\"get\" action=\"")
        .text(&format!("/hosts/{id}/compare"))
        .raw("\">");
    choice(page, ("Report", "from"), None, &choices, Some(&from.to_string()));
    choice(page, ("with report", "to"), None, &choices, Some(&to.to_string()));
    page.raw("<button>Compare</button></form>\n");
}

fn told(page: &mut Page<'_>, compared: &Compared, findings: &[FindingRow], reports: &[ReportRow]) {
    page.raw("<div class=\"card\">");
    table(page, "The two reports", &["No.", "Scanned", "Came", "The host's own verdict"], |page| {
        for row in [&compared.from, &compared.to] {
            page.raw("<tr>");
            ordinal(page, row.seq);
            page.raw("<td>");
            moment(page, row.scanned_at);
            page.raw("</td><td>");
            moment(page, row.received_at);
            page.raw("</td><td>");
            verdict(page, Some(row.verdict));
            page.raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
    page.heading(2, "sec", "Findings");
    changed_findings(page, compared, findings, reports);
    page.heading(2, "sec", "Items");
    changed_items(page, compared);
}

fn changed_findings(
    page: &mut Page<'_>,
    compared: &Compared,
    findings: &[FindingRow],
    reports: &[ReportRow],
) {
    let (first, last) = (compared.from.received_at, compared.to.received_at);
    // A finding knows when it was opened, to the second, and what waited in a spool came within one.
    let shared = first == last
        || reports.iter().any(|row| {
            ![compared.from.seq, compared.to.seq].contains(&row.seq)
                && (row.received_at == first || row.received_at == last)
        });
    if shared {
        page.raw("<p class=\"dim\">Other reports came in the same second: what any of them opened or closed is told here too.</p>\n");
    }
    let between = |at| (if shared { at >= first } else { at > first }) && at <= last;
    let opened = |row: &FindingRow| between(row.opened_at);
    let closed = |row: &FindingRow| row.closed_at.is_some_and(between);
    let mut rows: Vec<_> = findings.iter().filter(|row| opened(row) || closed(row)).collect();
    if rows.is_empty() {
        empty(page, "No finding was opened or closed between them.");
        return;
    }
    rows.sort_by_key(|row| (row.opened_at, row.number));
    page.raw("<div class=\"card\">");
    table(page, "Findings between them", &["Product", "Prohibition", "Opened", "Closed", "Why"], |page| {
        for row in rows {
            page.raw("<tr>");
            cells(page, &[&row.finding.product_name, &row.finding.prohibition]);
            page.raw("<td>");
            moment(page, row.opened_at);
            page.raw("</td><td>");
            frame::maybe_moment(page, row.closed_at);
            page.raw("</td><td>").prose(row.why.as_deref().unwrap_or_default()).raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}

/// What is installed in another version has come and gone under one name.
fn changed_items(page: &mut Page<'_>, compared: &Compared) {
    let mut rows: BTreeMap<(&str, ItemKind), [Vec<&Item>; 2]> = BTreeMap::new();
    for (items, side) in [(&compared.went, 0), (&compared.came, 1)] {
        for item in items {
            let [went, came] = rows.entry((&item.name, item.kind)).or_default();
            (if side == 0 { went } else { came }).push(item);
        }
    }
    if rows.is_empty() && compared.forgotten == 0 {
        empty(page, "Nothing came, and nothing went.");
        return;
    }
    let (came, went) = (compared.came.len() as u64, compared.went.len() as u64);
    page.raw("<p class=\"dim\">").text(&format!("{} came, {} went.", many(came, "item"), many(went, "item")));
    if compared.forgotten > 0 {
        page.text(&format!(" What {} of them were is not known any more.", compared.forgotten));
    }
    page.raw("</p>\n<div class=\"card\">");
    let all = rows.len();
    table(page, "Items that came or went", &["Item", "Kind", "Before", "After"], |page| {
        for ((name, kind), [went, came]) in rows.into_iter().take(ITEMS) {
            page.raw("<tr><th scope=\"row\">").text(name).raw("</th>");
            cells(page, &[kind.word()]);
            for items in [went, came] {
                page.raw("<td>");
                versions(page, &items);
                page.raw("</td>");
            }
            page.raw("</tr>\n");
        }
    });
    page.raw("</div>\n");
    if all > ITEMS {
        page.raw("<p class=\"dim\">").text(&grouped((all - ITEMS) as u64)).raw(" more are not shown.</p>\n");
    }
}

fn versions(page: &mut Page<'_>, items: &[&Item]) {
    if items.is_empty() {
        page.raw("<span class=\"dim\">not there</span>");
    }
    for (at, item) in items.iter().enumerate() {
        let version = item.version.as_ref().map_or("there", |version| version.raw.as_str());
        page.raw(if at > 0 { ", " } else { "" });
        frame::link(page, &Address::of(&format!("/software/{}", item.id)), version);
    }
}
