//! `/audit`: who changed what.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::collector::store::{AuditAsk, Role};

use super::fields::Fields;
use super::frame::{self, ROWS, Wrong, cells, empty, field, filters, moment, next, table};
use super::guard::Visitor;
use super::{Route, Shared};

pub(super) const LIST: Route = Route::of("get", "/audit", Role::Viewer, || get(list));

/// What narrows the list down.
const NAMES: &[&str] = &["actor", "subject"];

async fn list(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let ask = AuditAsk {
        before: fields.read_as("after"),
        limit: ROWS,
        actor: fields.text("actor"),
        subject: fields.text("subject"),
    };
    let found = console.store.audit(&ask).await?;
    Ok(frame::page(&visitor, "/audit", "Audit log", |page| {
        filters(page, "/audit", |page| {
            for (label, name) in [("Who", "actor"), ("To what", "subject")] {
                field(page, label, name, "search", fields.get(name).unwrap_or_default());
            }
        });
        if found.rows.is_empty() {
            empty(page, "Nothing of this kind was changed.");
            return;
        }
        page.raw("<div class=\"card\">");
        table(page, "Changes, the last ones first", &["When", "Who", "What", "To what", "More"], |page| {
            for row in &found.rows {
                page.raw("<tr><td>");
                moment(page, row.at);
                page.raw("</td>");
                cells(page, &[&row.actor, &row.action, &row.subject, &row.detail]);
                page.raw("</tr>\n");
            }
        });
        page.raw("</div>\n");
        let last = found.rows.last().filter(|_| found.more).map(|row| row.number.to_string());
        next(page, frame::after("/audit", &fields, NAMES, last));
    }))
}
