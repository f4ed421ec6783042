//! `GET /api/v1/items` and `/api/v1/items/{id}/hosts`: what the fleet holds, and who has it.

use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::collector::store::{ItemHost, ItemHostsAsk, ItemRow, ItemsAsk};
use crate::model::{Id, ItemId, ItemKind};

use super::auth::Asker;
use super::page::{Form, Query, Row, RowFormat, Rows, limit, parsed, shown};
use super::problem::{BAD_QUERY, CANNOT_KEEP, Fault, NOT_FOUND};
use super::{Endpoint, Shared, Whom, parameters, schema};

/// Items.
pub(super) const LIST: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/items",
    id: "items",
    summary: "Items that some host has, each once, and how many have it",
    whom: Whom::Askers,
    query: Some(parameters::<ItemsQuery>),
    body: None,
    answer: Some(schema::<Rows<ItemRow>>),
    rows: true,
    refusals: &[BAD_QUERY, CANNOT_KEEP],
    route: || get(list),
};

/// Who has an item.
pub(super) const HOSTS: Endpoint = Endpoint {
    path: "/api/v1/items/{id}/hosts",
    id: "itemHosts",
    summary: "Hosts that have an item, since when, and where it lies there",
    query: Some(parameters::<ItemHostsQuery>),
    answer: Some(schema::<Rows<ItemHost>>),
    refusals: &[BAD_QUERY, NOT_FOUND, CANNOT_KEEP],
    route: || get(hosts),
    ..LIST
};

/// Parameters of the items.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ItemsQuery {
    /// After this item: `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 100 unless said, 1000 at most.
    limit: Option<u32>,
    /// How the rows are written; else as Accept says.
    format: Option<RowFormat>,
    /// Whose name begins so, folded as rules fold names.
    name: Option<String>,
    /// Of this kind.
    kind: Option<ItemKind>,
    /// Of this publisher, folded as rules fold names.
    publisher: Option<String>,
}

/// Parameters of the hosts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ItemHostsQuery {
    /// After this host: `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 100 unless said, 1000 at most.
    limit: Option<u32>,
    /// How the rows are written; else as Accept says.
    format: Option<RowFormat>,
}

impl Row for ItemRow {
    const COLUMNS: &'static [&'static str] =
        &["id", "kind", "name", "display_name", "version", "publisher", "hosts"];

    fn cells(&self) -> Vec<String> {
        let item = &self.item;
        vec![
            item.id.to_string(),
            item.kind.word().to_owned(),
            item.name.clone(),
            shown(item.display_name.as_ref()),
            shown(item.version.as_ref().map(|version| &version.raw)),
            shown(item.publisher.as_ref()),
            self.hosts.to_string(),
        ]
    }

    fn key(&self) -> String {
        self.item.id.to_string()
    }
}

impl Row for ItemHost {
    const COLUMNS: &'static [&'static str] = &["host", "name", "since", "state", "places"];

    fn cells(&self) -> Vec<String> {
        let state = self.sightings.iter().map(|sighting| sighting.state).max();
        let places: Vec<String> =
            self.sightings.iter().map(|sighting| sighting.place.path.to_string()).collect();
        vec![
            self.host.to_string(),
            shown(self.name.as_ref()),
            self.since.to_string(),
            state.map_or("", |state| state.word()).to_owned(),
            places.join(" "),
        ]
    }

    fn key(&self) -> String {
        self.host.to_string()
    }
}

/// The item that an address names.
fn item_id(name: &str, text: &str) -> Result<ItemId, Fault> {
    let id: Id = text.parse().map_err(|error| Fault::new(BAD_QUERY, format!("{name}: {error}")))?;
    Ok(ItemId(id.0))
}

async fn list(
    _: Asker,
    State(app): State<Shared>,
    Query(query): Query<ItemsQuery>,
    parts: Parts,
) -> Result<Response, Fault> {
    let ask = ItemsAsk {
        after: query.after.as_ref().map(|text| item_id("after", text)).transpose()?,
        limit: limit(query.limit)?,
        name: query.name,
        kind: query.kind,
        publisher: query.publisher,
    };
    Ok(Form::of(&parts, query.format).answer(app.store.items(&ask).await?))
}

async fn hosts(
    _: Asker,
    State(app): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<ItemHostsQuery>,
    parts: Parts,
) -> Result<Response, Fault> {
    let item = item_id("the id of an item", &id)?;
    if app.store.item(item).await?.is_none() {
        return Err(Fault::new(NOT_FOUND, "no host ever had this item"));
    }
    let after = parsed("after", query.after.as_ref())?;
    let ask = ItemHostsAsk { item, after, limit: limit(query.limit)? };
    Ok(Form::of(&parts, query.format).answer(app.store.item_hosts(&ask).await?))
}
