//! `/waivers`: waivers and accepted gaps, those that end soon first; and taking one back.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};

use crate::collector::rules::withdraw;
use crate::collector::store::{Excepted, ExceptionRow, Role, Whose};
use crate::emit::Page;
use crate::model::{Date, Id};

use super::fields::Address;
use super::frame::{self, Wrong, empty, form, host, maybe_moment, table};
use super::guard::Visitor;
use super::{Route, Shared};

pub(super) const LIST: Route = Route::of("get", "/waivers", Role::Viewer, || get(list));
pub(super) const WITHDRAW: Route =
    Route::of("post", "/waivers/{number}/withdraw", Role::Operator, || post(withdrawn));

/// Days before its end within which one ends soon.
const SOON: i64 = 14;

/// How an exception stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    Soon,
    Holds,
    Over,
    Withdrawn,
}

impl Stands {
    fn of(row: &ExceptionRow, today: Date) -> Self {
        match (row.withdrawn_at, row.expires.days_since(today)) {
            (Some(_), _) => Self::Withdrawn,
            (None, ..0) => Self::Over,
            (None, 0..=SOON) => Self::Soon,
            (None, _) => Self::Holds,
        }
    }
}

async fn list(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Wrong> {
    let today = Date::of((console.now)());
    let mut rows = console.store.exceptions().await?;
    rows.sort_by_key(|row| (Stands::of(row, today), row.expires, row.number));
    let hosts = rows.iter().filter_map(|row| match &row.whose {
        Whose::Host(id) => Some(*id),
        Whose::Tag(_) => None,
    });
    let names = console.store.names(&hosts.collect::<Vec<_>>()).await?;
    Ok(frame::page(&visitor, "/waivers", "Waivers", |page| {
        page.raw("<p>What is waived is shown and counted, and decides nothing until its day is over. Waivers are granted from \
                  <a href=\"/findings\">findings</a>, accepted gaps from <a href=\"/coverage\">coverage</a>.</p>\n");
        if rows.is_empty() {
            empty(page, "Nothing is waived.");
            return;
        }
        page.raw("<div class=\"card\">");
        table(
            page,
            "Waivers and accepted gaps",
            &["What", "For", "Until", "Why", "Who answers", "Granted", "Stands"],
            |page| {
                for row in &rows {
                    self::row(page, row, &names, Stands::of(row, today), &visitor);
                }
            },
        );
        page.raw("</div>\n");
    }))
}

fn row(
    page: &mut Page<'_>,
    row: &ExceptionRow,
    names: &BTreeMap<Id, String>,
    stands: Stands,
    visitor: &Visitor,
) {
    page.raw("<tr><th scope=\"row\">");
    match &row.excepted {
        Excepted::Finding { prohibition, products } => {
            page.text(prohibition).raw(" <small>").text(&products.join(", ")).raw("</small>");
        }
        Excepted::Gap { source, gaps } => {
            page.raw("gap of ").text(source).raw(" <small>");
            for gap in gaps {
                page.raw(gap.word()).raw(" ");
            }
            page.raw("</small>");
        }
    }
    page.raw("</th><td>");
    match &row.whose {
        Whose::Host(id) => host(page, *id, names.get(id).map(String::as_str)),
        Whose::Tag(tag) => _ = page.raw("tag ").text(tag),
    }
    page.raw("</td><td class=\"day\">")
        .show(&row.expires)
        .raw("</td><td>")
        .prose(&row.reason)
        .raw("</td><td>");
    page.text(&row.owner).raw("</td><td>");
    maybe_moment(page, Some(row.granted_at));
    page.raw(" by ").text(&row.granted_by).raw("</td><td>");
    match stands {
        Stands::Soon => page.badge("open", "ends soon"),
        Stands::Holds => page.badge("info", "holds"),
        Stands::Over => page.badge("off", "over"),
        Stands::Withdrawn => page.badge("off", "taken back"),
    };
    if matches!(stands, Stands::Soon | Stands::Holds) && visitor.may(Role::Operator) {
        page.raw(" ");
        form(page, visitor, &format!("/waivers/{}/withdraw", row.number), |page| {
            page.raw(
                "<button data-ask=\"The findings decide again at once. Take it back?\">Take back</button>",
            );
        });
    }
    page.raw("</td></tr>\n");
}

async fn withdrawn(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
) -> Result<Response, Wrong> {
    let number = number.parse().map_err(|_| Wrong::none("waiver"))?;
    match withdraw(&console.court, number, &visitor.by(&console)).await {
        Ok(_) => Ok(frame::to(&Address::of("/waivers"))),
        Err(declined) => Ok(Wrong::from(declined).page(Some(&visitor))),
    }
}
