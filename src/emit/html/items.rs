//! Every item of a host as one table. The page's script adds search and filters to it.
//!
//! Called by the format `html`. Rows are short markup: there may be tens of thousands. HTML lets the ends of rows and cells
//! be left out (<https://html.spec.whatwg.org/#optional-tags>).

use std::collections::BTreeSet;

use crate::model::{HostFacts, InventoryItem, Looked, Scope, State, set_of};

use super::page::Page;
use super::{At, many};

/// The section of the inventory; a report may come without.
pub(super) fn section(
    page: &mut Page<'_>,
    items: Option<&[InventoryItem]>,
    count: usize,
    host: &HostFacts,
    at: At,
) {
    at.section(page, "items", "Inventory");
    page.raw("<div class=\"card long\">\n");
    if count == 0 {
        page.raw("<p>Nothing was seen.</p>\n");
    } else if let Some(items) = items {
        table(page, items, host);
    } else {
        page.raw("<p>").text(&many(count, "item"));
        page.raw(
            " seen. This report holds only those of its findings; a scan that writes HTML, or that is told ",
        );
        page.raw("<code>--with-inventory</code>, lists all of them.</p>\n");
    }
    page.raw("</div></section>\n");
}

fn table(page: &mut Page<'_>, items: &[InventoryItem], host: &HostFacts) {
    page.raw("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table of the items\">\n");
    page.raw("<table class=\"items\" data-filter=\"items\"><caption class=\"sr\">Every item that was seen</caption>\n<thead><tr>");
    page.raw(
        "<th scope=\"col\" data-pick>Kind</th><th scope=\"col\">Name</th><th scope=\"col\">Version</th>",
    );
    page.raw("<th scope=\"col\">Publisher or signer</th><th scope=\"col\" data-pick>State</th><th scope=\"col\" data-pick>Scope</th>");
    page.raw("<th scope=\"col\" data-pick>Source</th><th scope=\"col\">Place</th></tr></thead>\n<tbody>\n");
    for seen in items {
        item(page, seen, host);
    }
    page.raw("</tbody></table></div>\n");
}

fn item(page: &mut Page<'_>, seen: &InventoryItem, host: &HostFacts) {
    let item = &seen.item;
    page.raw("<tr><td>").raw(item.kind.word()).raw("<td>").text(&item.name);
    if let Some(shown) = item.display_name.as_deref().filter(|shown| *shown != item.name) {
        page.raw("<br><small>").text(shown).raw("</small>");
    }
    page.raw("<td>").text(item.version.as_ref().map_or("", |version| &version.raw));
    page.raw("<td>").text(item.publisher.as_deref().unwrap_or_default());
    if let Looked::Some(signer) = &item.signer {
        page.raw("<br><small>signed by ")
            .text(&signer.name)
            .raw(" (")
            .raw(signer.trust.word())
            .raw(")</small>");
    }
    let state = seen.sightings.iter().map(|sighting| sighting.state).max();
    page.raw("<td>").raw(state.map_or("", State::word)).raw("<td>");
    let scopes: BTreeSet<&Scope> = set_of(seen.sightings.iter().map(|sighting| &sighting.scope));
    for (n, one) in scopes.into_iter().enumerate() {
        page.raw(if n > 0 { ", " } else { "" });
        scope(page, one, host);
    }
    page.raw("<td>");
    let sources: BTreeSet<&str> = set_of(seen.sightings.iter().map(|sighting| sighting.source.as_ref()));
    for (n, source) in sources.into_iter().enumerate() {
        page.raw(if n > 0 { ", " } else { "" }).text(source);
    }
    page.raw("<td>");
    if let Some(first) = seen.sightings.first() {
        page.text(&first.place.path.text());
        if let Some(record) = &first.place.record {
            page.raw(" (").text(record).raw(")");
        }
    }
    let more = seen.sightings.len().saturating_sub(1);
    if more > 0 {
        page.raw(" <small>and ").show(&more).raw(" more</small>");
    }
    page.raw("\n");
}

/// Whose it is: a user by name, where the report names it.
fn scope(page: &mut Page<'_>, one: &Scope, host: &HostFacts) {
    let named = match one {
        Scope::User(n) => host.users.iter().find(|user| user.n == *n).map(|user| user.name.as_str()),
        Scope::Machine | Scope::Container(_) => None,
    };
    match named {
        Some(name) => page.raw("user ").text(name),
        None => page.show(one),
    };
}
