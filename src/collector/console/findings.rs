//! `/findings`: what is prohibited and is here, by policy, vendor, host; and many of them waived at once.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

use crate::collector::rules;
use crate::collector::store::{Excepted, FindingRow, FindingState, FindingsAsk, NewException, Role, Whose};
use crate::emit::Page;
use crate::model::{Date, Id};

use super::fields::{Address, Fields};
use super::frame::{
    self, ROWS, Wrong, choice, empty, field, filters, hidden, host, many, moment, next, severity, table,
};
use super::guard::Visitor;
use super::{Route, Shared};

pub(super) const LIST: Route = Route::of("get", "/findings", Role::Viewer, || get(list));
pub(super) const WAIVE: Route = Route::of("post", "/findings/waive", Role::Operator, || post(waive));

/// What narrows the list down.
const NAMES: &[&str] = &["policy", "prohibition", "vendor", "product", "host", "state", "decides"];
/// Days that a waiver holds unless another day is said.
const USUAL_DAYS: i64 = 90;

fn ask(fields: &Fields, after: Option<u64>) -> FindingsAsk {
    FindingsAsk {
        after,
        limit: ROWS,
        host: fields.read_as("host"),
        state: fields.word("state"),
        policy: fields.text("policy"),
        prohibition: fields.text("prohibition"),
        vendor: fields.text("vendor"),
        product: fields.text("product"),
        decides: fields.read_as("decides"),
    }
}

async fn list(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let found = console.store.findings(&ask(&fields, fields.read_as("after"))).await?;
    let counts = console.store.finding_counts().await?;
    let today = Date::of((console.now)());
    Ok(frame::page(&visitor, "/findings", "Findings", |page| {
        filters(page, "/findings", |page| {
            let mut by: [Vec<&str>; 3] = Default::default();
            for count in &counts {
                by[0].push(&count.policy);
                by[1].push(&count.prohibition);
                by[2].push(&count.vendor);
            }
            let labels = [("Policy", "policy"), ("Prohibition", "prohibition"), ("Vendor", "vendor")];
            for ((label, name), mut words) in labels.into_iter().zip(by) {
                words.sort_unstable();
                words.dedup();
                let words: Vec<_> = words.into_iter().map(|word| (word, word)).collect();
                choice(page, (label, name), Some("any"), &words, fields.get(name));
            }
            choice(
                page,
                ("Decides", "decides"),
                Some("any"),
                &[("true", "yes"), ("false", "only shown")],
                fields.get("decides"),
            );
            let states = FindingState::ALL.iter().map(|state| (state.word(), state.word()));
            choice(
                page,
                ("State", "state"),
                Some("not closed"),
                &states.collect::<Vec<_>>(),
                fields.get("state"),
            );
            for (label, name) in [("Product", "product"), ("Host id", "host")] {
                field(page, label, name, "search", fields.get(name).unwrap_or_default());
            }
        });
        if found.rows.is_empty() {
            empty(
                page,
                "No such finding. That nothing is found says something only of hosts that were looked at: see Coverage.",
            );
            return;
        }
        if visitor.may(Role::Operator) {
            frame::form(page, &visitor, "/findings/waive", |page| {
                rows(page, &found.rows, true);
                hidden(page, "to", Address::of("/findings").keeping(&fields, NAMES).as_str());
                waiver(page, today);
            });
        } else {
            rows(page, &found.rows, false);
        }
        let last = found.rows.last().filter(|_| found.more).map(|row| row.number.to_string());
        next(page, frame::after("/findings", &fields, NAMES, last));
    }))
}

fn rows(page: &mut Page<'_>, rows: &[FindingRow], ticked: bool) {
    page.raw("<div class=\"card\">");
    if ticked {
        page.raw("<p><label><input type=\"checkbox\" data-all=\"finding\" hidden><span>All of this page</span></label></p>\n");
    }
    let heads = ["Product", "Host", "Prohibition", "Severity", "Stands", "Opened"];
    table(page, "Findings", &heads, |page| {
        for row in rows {
            let finding = &row.finding;
            page.raw("<tr><th scope=\"row\">");
            if ticked && row.state != FindingState::Closed {
                page.raw("<label><input type=\"checkbox\" name=\"finding\" value=\"");
                page.text(&format!("{} {} {}", row.host, finding.prohibition, finding.product))
                    .raw("\"><span>");
                page.text(&finding.product_name).raw("</span></label>");
            } else {
                page.text(&finding.product_name);
            }
            page.raw(" <small>").text(&finding.versions.join(", ")).raw("</small></th><td>");
            host(page, row.host, row.host_name.as_deref());
            page.raw("</td><td>").text(&finding.prohibition).raw("</td><td>");
            severity(page, finding.severity);
            page.raw("</td><td>");
            stands(page, row);
            page.raw("</td><td>");
            moment(page, row.opened_at);
            page.raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}

fn stands(page: &mut Page<'_>, row: &FindingRow) {
    match (row.state, row.finding.decides, &row.finding.waiver) {
        (FindingState::Closed, ..) => page.badge("off", "closed"),
        (FindingState::NotReVerified, ..) => page.badge("open", "not re-verified"),
        (FindingState::Open, true, _) => page.badge("bad", "found"),
        (FindingState::Open, false, Some(_)) => page.badge("info", "waived"),
        (FindingState::Open, false, None) => page.badge("off", "shown"),
    };
    match (&row.finding.waiver, row.finding.because) {
        (Some(waiver), _) => _ = page.raw(" <small>until ").show(&waiver.expires).raw("</small>"),
        (None, Some(because)) if !row.finding.decides => {
            _ = page.raw(" <small>").raw(because.words()).raw("</small>");
        }
        _ => {}
    }
}

/// What a waiver of the ticked ones says.
fn waiver(page: &mut Page<'_>, today: Date) {
    page.raw("<section class=\"card\">");
    page.heading(2, "grp", "Waive the ticked findings");
    page.raw("<p>They are still shown and counted, and decide nothing until the day is over. Each waiver is for its host alone.</p>\n\
              <div class=\"fill\">");
    field(page, "Why", "reason", "text", "");
    field(page, "Who answers for it", "owner", "text", "");
    let until = today.plus_days(USUAL_DAYS).map(|day| day.to_string()).unwrap_or_default();
    field(page, "Until, that day included", "expires", "date", &until);
    page.raw("<button class=\"act\">Waive</button></div></section>\n");
}

async fn waive(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let wrong = |text: &str| Ok(Wrong::fields(text).page(Some(&visitor)));
    // One exception of a host and a prohibition, for all products that were ticked.
    let mut ticked: BTreeMap<(Id, &str), Vec<String>> = BTreeMap::new();
    for text in fields.all("finding") {
        let mut parts = text.splitn(3, ' ');
        let (Some(Ok(host)), Some(prohibition), Some(product)) =
            (parts.next().map(str::parse), parts.next(), parts.next())
        else {
            return wrong("A box says something that no box of ours says. Load the page anew.");
        };
        ticked.entry((host, prohibition)).or_default().push(product.to_owned());
    }
    if ticked.is_empty() {
        return wrong("No finding is ticked. Go back, tick those that are to be waived, and do it again.");
    }
    let Some(expires) = fields.read_as::<Date>("expires") else {
        return wrong("Until when? A waiver has a last day, like 2027-01-31.");
    };
    let by = visitor.by(&console);
    let count = ticked.len();
    for ((host, prohibition), products) in ticked {
        let new = NewException {
            whose: Whose::Host(host),
            excepted: Excepted::Finding { prohibition: prohibition.to_owned(), products },
            reason: fields.text("reason").unwrap_or_default(),
            owner: fields.text("owner").unwrap_or_default(),
            expires,
        };
        if let Err(declined) = rules::grant(&console.court, new, &by).await {
            return Ok(Wrong::from(declined).page(Some(&visitor)));
        }
    }
    tracing::info!(person = visitor.name, "{} granted", many(count as u64, "waiver"));
    Ok(frame::to(&Address::of(super::fields::back(fields.get("to")))))
}
