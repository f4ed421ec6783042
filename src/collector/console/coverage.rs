//! `/coverage`: which sources fail where, and why; gaps that are put up with.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

use crate::collector::rules;
use crate::collector::store::{Excepted, NewException, Role, UnseenAsk, UnseenCount, UnseenRow, Whose};
use crate::emit::Page;
use crate::model::{Date, GapReason, Status};

use super::fields::{Address, Fields};
use super::frame::{
    self, ROWS, Wrong, choice, empty, field, filters, gaps, hidden, host, maybe_moment, next, number, table,
};
use super::guard::Visitor;
use super::{Route, Shared};

pub(super) const LIST: Route = Route::of("get", "/coverage", Role::Viewer, || get(list));
pub(super) const ACCEPT: Route = Route::of("post", "/coverage/accept", Role::Operator, || post(accept));

/// What narrows the list down.
const NAMES: &[&str] = &["source", "status", "reason", "blocking"];

async fn list(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let counts = console.store.unseen_counts().await?;
    let ask = UnseenAsk {
        after: fields.read_as("after"),
        limit: ROWS,
        source: fields.text("source"),
        status: fields.word::<Status>("status"),
        reason: fields.word::<GapReason>("reason"),
        blocking: fields.read_as("blocking"),
    };
    let narrowed = NAMES.iter().any(|name| fields.get(name).is_some());
    let found = console.store.unseen(&ask).await?;
    Ok(frame::page(&visitor, "/coverage", "Coverage", |page| {
        page.raw("<p>What was not seen stands in the way of <em>compliant</em> where something that counts could be hidden in it.</p>\n");
        if counts.is_empty() {
            empty(page, "Every source of every host saw all there is.");
            return;
        }
        filters(page, "/coverage", |page| {
            let mut sources: Vec<&str> = counts.iter().map(|count| count.source.as_str()).collect();
            sources.sort_unstable();
            sources.dedup();
            let sources: Vec<_> = sources.into_iter().map(|source| (source, source)).collect();
            choice(page, ("Source", "source"), Some("any"), &sources, fields.get("source"));
            let ended = ["partial", "failed", "unavailable"].map(|word| (word, word));
            choice(page, ("How it ended", "status"), Some("any"), &ended, fields.get("status"));
            let mut reasons: Vec<&str> =
                counts.iter().flat_map(|count| &count.reasons).map(String::as_str).collect();
            reasons.sort_unstable();
            reasons.dedup();
            let reasons: Vec<_> = reasons.into_iter().map(|reason| (reason, reason)).collect();
            choice(page, ("Why", "reason"), Some("any"), &reasons, fields.get("reason"));
            choice(
                page,
                ("Hides what counts", "blocking"),
                Some("any"),
                &[("true", "it could"), ("false", "no")],
                fields.get("blocking"),
            );
        });
        if !narrowed {
            counted(page, &counts);
        }
        page.heading(2, "sec", "Host by host");
        if found.rows.is_empty() {
            empty(page, "No host has this.");
        } else {
            rows(page, &found.rows);
        }
        let last = found.rows.last().filter(|_| found.more);
        let last = last.map(|row| format!("{}:{}", row.source, row.number));
        next(page, frame::after("/coverage", &fields, NAMES, last));
        if let (Some(source), true) = (fields.get("source"), visitor.may(Role::Operator)) {
            accepting(page, &visitor, source, fields.get("reason"));
        }
    }))
}

fn counted(page: &mut Page<'_>, counts: &[UnseenCount]) {
    page.raw("<div class=\"card\">");
    table(
        page,
        "Sources that did not see all",
        &["Source", "How it ended", "Why", "Hides what counts", "Hosts"],
        |page| {
            for count in counts {
                let address =
                    Address::of("/coverage").with("source", &count.source).with("status", &count.status);
                page.raw("<tr><th scope=\"row\">");
                frame::link(page, &address, &count.source);
                page.raw("</th><td>")
                    .badge("off", &count.status)
                    .raw("</td><td>")
                    .text(&count.reasons.join(", "))
                    .raw("</td><td>");
                if count.blocking {
                    page.badge("open", "it could");
                }
                page.raw("</td>");
                number(page, "Hosts", count.hosts);
                page.raw("</tr>\n");
            }
        },
    );
    page.raw("</div>\n");
}

fn rows(page: &mut Page<'_>, rows: &[UnseenRow]) {
    page.raw("<div class=\"card\">");
    table(
        page,
        "What hosts could not see",
        &["Host", "Source", "How it ended", "What and where", "Last whole"],
        |page| {
            for row in rows {
                page.raw("<tr><th scope=\"row\">");
                host(page, row.host, row.host_name.as_deref());
                page.raw("</th><td>")
                    .text(&row.source)
                    .raw("</td><td>")
                    .badge("off", row.status.word())
                    .raw("</td><td>");
                if let Some(reason) = &row.reason {
                    page.prose(reason).raw("<br>");
                }
                gaps(page, &row.gaps, 5);
                page.raw("</td><td>");
                maybe_moment(page, row.as_of);
                page.raw("</td></tr>\n");
            }
        },
    );
    page.raw("</div>\n");
}

/// What it takes to put up with a gap.
fn accepting(page: &mut Page<'_>, visitor: &Visitor, source: &str, reason: Option<&str>) {
    page.raw("<section class=\"card\">");
    page.heading(2, "grp", "Put up with this gap");
    page.raw(
        "<p>Hosts with the tag are then judged without it, until the day is over; it is still shown.</p>\n",
    );
    frame::form(page, visitor, "/coverage/accept", |page| {
        hidden(page, "source", source);
        hidden(page, "reason", reason.unwrap_or_default());
        page.raw("<div class=\"fill\">");
        field(page, "Hosts with the tag", "tag", "text", "");
        field(page, "Why", "why", "text", "");
        field(page, "Who answers for it", "owner", "text", "");
        field(page, "Until, that day included", "expires", "date", "");
        page.raw("<button class=\"act\">Put up with it</button></div>");
    });
    page.raw("</section>\n");
}

async fn accept(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let Some(expires) = fields.read_as::<Date>("expires") else {
        return Ok(Wrong::fields("Until when? It has a last day, like 2027-01-31.").page(Some(&visitor)));
    };
    let new = NewException {
        whose: Whose::Tag(fields.text("tag").unwrap_or_default()),
        excepted: Excepted::Gap {
            source: fields.text("source").unwrap_or_default(),
            gaps: fields.word::<GapReason>("reason").into_iter().collect(),
        },
        reason: fields.text("why").unwrap_or_default(),
        owner: fields.text("owner").unwrap_or_default(),
        expires,
    };
    match rules::grant(&console.court, new, &visitor.by(&console)).await {
        Ok(_) => Ok(frame::to(&Address::of("/waivers"))),
        Err(declined) => Ok(Wrong::from(declined).page(Some(&visitor))),
    }
}
