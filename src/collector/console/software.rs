//! `/software`: what is on the fleet's hosts, who has it, in which versions.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

use crate::collector::store::{ItemHost, ItemHostsAsk, ItemRow, ItemsAsk, Role};
use crate::emit::Page;
use crate::model::{Id, Item, ItemId, ItemKind, Looked};

use super::fields::{Address, Fields};
use super::frame::{
    self, ROWS, Wrong, cells, choice, empty, field, filters, host, moment, next, number, table,
};
use super::guard::Visitor;
use super::{Route, Shared, chart};

pub(super) const LIST: Route = Route::of("get", "/software", Role::Viewer, || get(list));
pub(super) const ONE: Route = Route::of("get", "/software/{item}", Role::Viewer, || get(one));

/// What narrows the list down.
const NAMES: &[&str] = &["name", "kind", "publisher"];
/// Other versions that are looked through.
const VERSIONS: u32 = 200;

async fn list(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let ask = ItemsAsk {
        after: fields.word("after"),
        limit: ROWS,
        name: fields.text("name"),
        kind: fields.word("kind"),
        publisher: fields.text("publisher"),
    };
    let found = console.store.items(&ask).await?;
    Ok(frame::page(&visitor, "/software", "Software", |page| {
        filters(page, "/software", |page| {
            field(page, "Name begins with", "name", "search", fields.get("name").unwrap_or_default());
            field(page, "Publisher", "publisher", "search", fields.get("publisher").unwrap_or_default());
            let kinds = ItemKind::ALL.iter().map(|kind| (kind.word(), kind.word()));
            choice(page, ("Kind", "kind"), Some("any"), &kinds.collect::<Vec<_>>(), fields.get("kind"));
        });
        if found.rows.is_empty() {
            empty(
                page,
                "No host that was looked at has such a thing. Names are searched from their beginning.",
            );
            return;
        }
        page.raw("<div class=\"card\">");
        table(page, "Items", &["Item", "Version", "Publisher", "Kind", "Hosts"], |page| {
            for row in &found.rows {
                self::row(page, row);
            }
        });
        page.raw("</div>\n");
        let last = found.rows.last().filter(|_| found.more).map(|row| row.item.id.to_string());
        next(page, frame::after("/software", &fields, NAMES, last));
    }))
}

fn name(item: &Item) -> &str {
    item.display_name.as_deref().unwrap_or(&item.name)
}

fn version(item: &Item) -> &str {
    item.version.as_ref().map_or("", |version| version.raw.as_str())
}

fn row(page: &mut Page<'_>, row: &ItemRow) {
    let item = &row.item;
    page.raw("<tr><th scope=\"row\">");
    frame::link(page, &Address::of(&format!("/software/{}", item.id)), name(item));
    page.raw("</th>");
    cells(page, &[version(item), item.publisher.as_deref().unwrap_or_default(), item.kind.word()]);
    number(page, "Hosts", row.hosts);
    page.raw("</tr>\n");
}

async fn one(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
    Path(item): Path<String>,
) -> Result<Response, Wrong> {
    let id = item.parse::<Id>().map(|id| ItemId(id.0)).map_err(|_| Wrong::none("item"))?;
    let row = console.store.item(id).await?.ok_or_else(|| Wrong::none("item"))?;
    let ask = ItemHostsAsk { item: id, after: fields.read_as("after"), limit: ROWS };
    let found = console.store.item_hosts(&ask).await?;
    let ask = ItemsAsk {
        limit: VERSIONS,
        name: Some(row.item.name.clone()),
        kind: Some(row.item.kind),
        ..ItemsAsk::default()
    };
    let mut others = console.store.items(&ask).await?.rows;
    others.retain(|other| other.item.name == row.item.name);
    others.sort_by_key(|other| std::cmp::Reverse(other.hosts));
    Ok(frame::page(&visitor, "/software", name(&row.item), |page| {
        facts(page, &row.item);
        if others.len() > 1 {
            page.heading(2, "sec", "Versions");
            versions(page, &others, id);
        }
        page.heading(2, "sec", "Who has it");
        if found.rows.is_empty() {
            empty(page, "No host has it any more.");
        } else {
            hosts(page, &found.rows);
        }
        let last = found.rows.last().filter(|_| found.more).map(|row| row.host.to_string());
        next(page, frame::after(&format!("/software/{id}"), &fields, &[], last));
    }))
}

fn facts(page: &mut Page<'_>, item: &Item) {
    page.raw("<section class=\"card\"><dl class=\"facts\">\n");
    let signer = match &item.signer {
        Looked::Some(signer) => format!("{} ({})", signer.name, signer.trust.words()),
        _ => String::new(),
    };
    let facts = [
        ("Kind", item.kind.word()),
        ("Name in its record", &item.name),
        ("Version", version(item)),
        ("Publisher, as it claims", item.publisher.as_deref().unwrap_or_default()),
        ("Signed by", &signer),
        ("Architecture", item.arch.as_deref().unwrap_or_default()),
        ("Path", item.path.as_deref().unwrap_or_default()),
    ];
    for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        page.raw("<div><dt>").raw(name).raw("</dt><dd>").text(value).raw("</dd></div>\n");
    }
    page.raw("</dl></section>\n");
}

fn versions(page: &mut Page<'_>, others: &[ItemRow], this: ItemId) {
    let most = others.first().map_or(1, |row| row.hosts);
    page.raw("<div class=\"card\">");
    table(page, "Versions", &["Version", "Hosts", "Share"], |page| {
        for row in others {
            page.raw("<tr><th scope=\"row\">");
            let text = match version(&row.item) {
                "" => "none said",
                version => version,
            };
            if row.item.id == this {
                page.raw("<b>").text(text).raw("</b> (this)");
            } else {
                frame::link(page, &Address::of(&format!("/software/{}", row.item.id)), text);
            }
            page.raw("</th>");
            number(page, "Hosts", row.hosts);
            page.raw("<td>");
            chart::share(page, row.hosts, most);
            page.raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}

fn hosts(page: &mut Page<'_>, rows: &[ItemHost]) {
    page.raw("<div class=\"card\">");
    table(page, "Hosts that have it", &["Host", "Known since", "Where"], |page| {
        for row in rows {
            page.raw("<tr><th scope=\"row\">");
            host(page, row.host, row.name.as_deref());
            page.raw("</th><td>");
            moment(page, row.since);
            page.raw("</td><td>");
            for sighting in row.sightings.iter().take(5) {
                page.code(&sighting.place.path.text())
                    .raw(" <small>")
                    .text(&sighting.source)
                    .raw("</small><br>");
            }
            page.raw("</td></tr>\n");
        }
    });
    page.raw("</div>\n");
}
