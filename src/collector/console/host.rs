//! `/hosts/{id}`: all that is known of a host, and what is not.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};

use crate::collector::rules;
use crate::collector::store::{
    FindingRow, FindingState, FindingsAsk, HostDetail, KeptHost, ReportRow, Role, SourceRow,
};
use crate::emit::{self, Page};
use crate::model::{Date, Id, Item, Status};
use crate::normalise::fold;

use super::fields::{Address, Fields};
use super::frame::{
    self, Wrong, cells, empty, field, gaps, many, maybe_moment, moment, next, ordinal, table, verdict,
};
use super::guard::Visitor;
use super::{Route, Shared, chart};

pub(super) const ONE: Route = Route::of("get", "/hosts/{id}", Role::Viewer, || get(one));
pub(super) const TAGS: Route = Route::of("post", "/hosts/{id}/tags", Role::Operator, || post(tags));

/// Reports that are listed.
const REPORTS: u32 = 30;
/// Findings that are told with their evidence.
const FINDINGS: u32 = 25;
/// Rows of the inventory on a page.
const ITEMS: usize = 100;

async fn one(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path(id): Path<String>,
) -> Result<Response, Wrong> {
    let detail = console.the_host(&id).await?;
    let (id, store) = (detail.row.host, &console.store);
    let asked = |state| FindingsAsk { limit: FINDINGS, host: Some(id), state, ..FindingsAsk::default() };
    let findings = store.findings(&asked(None)).await?;
    let closed = store.findings(&asked(Some(FindingState::Closed))).await?.rows;
    let reports = store.reports(id, REPORTS).await?;
    let held = store.held(id).await?;
    let today = Date::of((console.now)());
    let title = detail.row.name.clone().unwrap_or_else(|| id.to_string());
    Ok(frame::page(&visitor, "/hosts", &title, |page| {
        top(page, &detail, &visitor);
        section(page, "verdicts", "Verdicts");
        verdicts(page, &detail, today);
        section(page, "findings", "Findings");
        if findings.rows.is_empty() {
            empty(page, "Nothing prohibited is known to be here. What is not seen stands below.");
        }
        found(page, &findings.rows);
        if findings.more {
            let address = Address::of("/findings").with("host", &id.to_string());
            page.raw("<p class=\"more\">");
            frame::link(page, &address, "All findings of this host");
            page.raw("</p>\n");
        }
        gone(page, &closed);
        section(page, "coverage", "What is not seen");
        coverage(page, &detail.sources);
        section(page, "inventory", "Inventory");
        inventory(page, held.as_ref(), &fields, id);
        section(page, "reports", "Reports");
        listed(page, id, &reports);
    }))
}

fn section(page: &mut Page<'_>, name: &'static str, text: &'static str) {
    page.raw("<h2 class=\"sec\" id=\"").raw(name).raw("\">").raw(text).raw("</h2>\n");
}

fn fact(page: &mut Page<'_>, name: &'static str, value: impl FnOnce(&mut Page<'_>)) {
    page.raw("<div><dt>").raw(name).raw("</dt><dd>");
    value(page);
    page.raw("</dd></div>\n");
}

fn top(page: &mut Page<'_>, detail: &HostDetail, visitor: &Visitor) {
    let row = &detail.row;
    page.raw("<section class=\"card hero ").raw(frame::toned(row.verdict).0).raw("\">\n<p class=\"row\">");
    verdict(page, row.verdict);
    if row.stale {
        page.badge("open", "stale");
    }
    page.badge("off", row.standing.word());
    for tag in &detail.tags {
        page.badge("info", tag);
    }
    page.raw("</p>\n<dl class=\"facts\">\n");
    fact(page, "System", |page| _ = page.text(row.os.as_deref().unwrap_or(&row.family)));
    fact(page, "Last looked at", |page| maybe_moment(page, row.looked_at));
    fact(page, "Last report", |page| maybe_moment(page, row.received_at));
    fact(page, "Enrolled", |page| moment(page, row.enrolled_at));
    fact(page, "Agent", |page| _ = page.text(row.agent.as_deref().unwrap_or("none yet")));
    if let Some(asked) = &detail.asked {
        fact(page, "Depth", |page| _ = page.raw(asked.depth.word()));
    }
    fact(page, "Id", |page| _ = page.code(&row.host.to_string()));
    page.raw("</dl>\n");
    if visitor.may(Role::Operator) {
        let action = format!("/hosts/{}/tags", row.host);
        frame::form(page, visitor, &action, |page| {
            page.raw("<div class=\"row\">");
            field(page, "Tags, between blanks", "tags", "text", &detail.tags.join(" "));
            page.raw("<button>Set tags</button></div>");
        });
    }
    page.raw("</section>\n");
}

fn verdicts(page: &mut Page<'_>, detail: &HostDetail, today: Date) {
    if detail.policies.is_empty() {
        empty(page, "It has not reported yet: run 'interdict ship' on it.");
        return;
    }
    page.raw("<div class=\"card\">");
    chart::verdicts(page, &detail.history, today);
    page.raw("<details><summary>As a table</summary>");
    table(page, "Verdicts, the last ones first", &["Since", "Policy", "Verdict"], |page| {
        for row in &detail.history {
            page.raw("<tr><td>");
            moment(page, row.since);
            page.raw("</td><td>").text(&row.policy).raw("</td><td>");
            verdict(page, row.verdict);
            page.raw("</td></tr>\n");
        }
    });
    page.raw("</details></div>\n");
    for policy in &detail.policies {
        emit::policy(page, policy);
    }
}

/// Findings, with evidence and the law.
fn found(page: &mut Page<'_>, rows: &[FindingRow]) {
    for row in rows {
        page.raw("<p class=\"row\">");
        if row.state == FindingState::NotReVerified {
            page.badge("open", "not re-verified").raw(" ");
            page.prose(row.why.as_deref().unwrap_or("it was not looked for again"));
        }
        page.raw("<small>opened ");
        moment(page, row.opened_at);
        page.raw(", last seen ");
        moment(page, row.seen_at);
        page.raw("</small></p>\n");
        emit::finding(page, &row.finding);
    }
}

fn gone(page: &mut Page<'_>, closed: &[FindingRow]) {
    if closed.is_empty() {
        return;
    }
    page.raw("<details class=\"card\"><summary>What was found and is gone</summary>");
    table(page, "Closed findings", &["Product", "Prohibition", "Opened", "Closed", "Why"], |page| {
        for row in closed {
            page.raw("<tr>");
            cells(page, &[&row.finding.product_name, &row.finding.prohibition]);
            page.raw("<td>");
            moment(page, row.opened_at);
            page.raw("</td><td>");
            maybe_moment(page, row.closed_at);
            page.raw("</td><td>").prose(row.why.as_deref().unwrap_or_default()).raw("</td></tr>\n");
        }
    });
    page.raw("</details>\n");
}

fn coverage(page: &mut Page<'_>, sources: &[SourceRow]) {
    let (absent, there): (Vec<_>, Vec<_>) =
        sources.iter().partition(|row| row.report.status == Status::NotApplicable);
    let (whole, other): (Vec<_>, Vec<_>) = there
        .into_iter()
        .partition(|row| row.report.status == Status::Complete && row.report.gaps.is_empty());
    if other.is_empty() {
        empty(
            page,
            if sources.is_empty() { "It has not reported yet." } else { "Every source saw all there is." },
        );
    } else {
        unseen(page, &other);
    }
    page.raw("<p class=\"dim\">").show(&whole.len()).raw(" sources saw all there is; ").show(&absent.len());
    page.raw(" look for what a host of this kind does not have.</p>\n");
}

fn unseen(page: &mut Page<'_>, other: &[&SourceRow]) {
    page.raw("<div class=\"card\">");
    table(page, "Sources", &["Source", "How it ended", "What it could not see", "Last whole"], |page| {
        for row in other {
            let report = &row.report;
            page.raw("<tr><th scope=\"row\">").text(&report.source).raw("</th><td>");
            let blocking =
                report.gaps.iter().any(|gap| gap.blocking) || matches!(report.status, Status::Failed);
            page.badge(if blocking { "open" } else { "off" }, report.status.word()).raw("</td><td>");
            if let Some(reason) = &report.reason {
                page.prose(reason).raw(" ");
            }
            gaps(page, &report.gaps, 1);
            page.raw("</td><td>");
            maybe_moment(page, row.as_of);
            page.raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}

/// What it holds, as far as its last report tells.
fn inventory(page: &mut Page<'_>, held: Option<&KeptHost>, fields: &Fields, id: Id) {
    let Some(held) = held else { return };
    let path = format!("/hosts/{id}");
    page.raw("<form class=\"tools\" role=\"search\" method=\"get\" action=\"")
        .text(&path)
        .raw("#inventory\">");
    field(page, "Name or publisher holds", "q", "search", fields.get("q").unwrap_or_default());
    page.raw("<button>Show</button></form>\n");
    let asked = fields.get("q").map(fold);
    let holds = |text: Option<&str>| {
        asked.as_ref().is_none_or(|asked| text.is_some_and(|text| fold(text).contains(asked.as_ref())))
    };
    let mut items: Vec<&Item> = held.seen.values().map(|seen| &seen.item).collect();
    items.retain(|item| {
        [Some(item.name.as_str()), item.display_name.as_deref(), item.publisher.as_deref()]
            .into_iter()
            .any(holds)
    });
    items.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    items.dedup_by_key(|item| item.id);
    let skip = fields.read_as::<usize>("from").unwrap_or_default();
    let all = items.len();
    page.raw("<p class=\"dim\">").text(&many(all as u64, "item")).raw(".</p>\n<div class=\"card\">");
    table(page, "Items", &["Item", "Version", "Publisher", "Kind"], |page| {
        for item in items.into_iter().skip(skip).take(ITEMS) {
            page.raw("<tr><th scope=\"row\">");
            let address = Address::of(&format!("/software/{}", item.id));
            frame::link(page, &address, item.display_name.as_deref().unwrap_or(&item.name));
            page.raw("</th>");
            let version = item.version.as_ref().map_or("", |version| version.raw.as_str());
            cells(page, &[version, item.publisher.as_deref().unwrap_or_default(), item.kind.word()]);
            page.raw("</tr>\n");
        }
    });
    page.raw("</div>\n");
    let from = skip.saturating_add(ITEMS);
    let more =
        (from < all).then(|| Address::of(&path).keeping(fields, &["q"]).with("from", &from.to_string()));
    next(page, more);
}

fn listed(page: &mut Page<'_>, id: Id, reports: &[ReportRow]) {
    if reports.is_empty() {
        empty(page, "None yet.");
        return;
    }
    page.raw("<div class=\"card\">");
    table(
        page,
        "Reports, the last ones first",
        &["No.", "Scanned", "Came", "The host's own verdict", "Compare"],
        |page| {
            let before = reports.iter().skip(1).map(Some).chain([None]);
            for (row, before) in reports.iter().zip(before) {
                page.raw("<tr>");
                ordinal(page, row.seq);
                page.raw("<td>");
                moment(page, row.scanned_at);
                page.raw("</td><td>");
                moment(page, row.received_at);
                page.raw("</td><td>");
                verdict(page, Some(row.verdict));
                page.raw("</td><td>");
                if let Some(before) = before {
                    let address = Address::of(&format!("/hosts/{id}/compare"))
                        .with("from", &before.seq.to_string())
                        .with("to", &row.seq.to_string());
                    frame::link(page, &address, &format!("with no. {}", before.seq));
                }
                page.raw("</td></tr>\n");
            }
        },
    );
    page.raw("</div>\n");
}

async fn tags(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path(id): Path<String>,
) -> Result<Response, Wrong> {
    let id: Id = id.parse().map_err(|_| Wrong::none("host"))?;
    let tags = fields.get("tags").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    rules::tag(&console.court, id, tags, &visitor.by(&console)).await?;
    Ok(frame::to(&Address::of(&format!("/hosts/{id}"))))
}
