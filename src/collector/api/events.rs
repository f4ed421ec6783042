//! `GET /api/v1/events`: what has happened, in the order in which it was noticed.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::collector::events::Happening;
use crate::collector::store::{DestinationRow, EventRow, EventsAsk};
use crate::model::Stamp;

use super::auth::Asker;
use super::hosts::host_id;
use super::page::{Form, Query, Row, RowFormat, Rows, limit, shown};
use super::problem::{BAD_QUERY, CANNOT_KEEP, Fault};
use super::{Endpoint, Shared, Whom, parameters, schema};

/// Events.
pub(super) const LIST: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/events",
    id: "events",
    summary: "What has happened: findings that were opened and closed, verdicts that changed, hosts that fell silent",
    whom: Whom::Askers,
    query: Some(parameters::<EventsQuery>),
    body: None,
    answer: Some(schema::<Rows<EventRow>>),
    rows: true,
    refusals: &[BAD_QUERY, CANNOT_KEEP],
    route: || get(list),
};

/// Who is told.
pub(super) const DESTINATIONS: Endpoint = Endpoint {
    path: "/api/v1/destinations",
    id: "destinations",
    summary: "Who is told what happens, and what waits for them",
    query: None,
    answer: Some(schema::<Vec<DestinationRow>>),
    rows: false,
    refusals: &[CANNOT_KEEP],
    route: || get(destinations),
    ..LIST
};

/// Parameters of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    /// After the event of this number: `next` of the page before.
    after: Option<u64>,
    /// Rows of a page, 100 unless said, 1000 at most.
    limit: Option<u32>,
    /// How the rows are written; else as Accept says.
    format: Option<RowFormat>,
    /// Of this type.
    r#type: Option<String>,
    /// Of this host, by its id.
    host: Option<String>,
    /// Noticed at this moment or later.
    since: Option<Stamp>,
}

impl Row for EventRow {
    const COLUMNS: &'static [&'static str] = &["number", "at", "type", "host", "text"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.at.to_string(),
            self.happened.word().to_owned(),
            shown(self.happened.host()),
            self.happened.sentence(),
        ]
    }

    fn key(&self) -> String {
        self.number.to_string()
    }
}

async fn list(
    _: Asker,
    State(app): State<Shared>,
    Query(query): Query<EventsQuery>,
    parts: Parts,
) -> Result<Response, Fault> {
    if let Some(word) = query.r#type.as_deref().filter(|word| !Happening::WORDS.contains(word)) {
        let known = Happening::WORDS.join(", ");
        return Err(Fault::new(BAD_QUERY, format!("type: '{word}' is none of: {known}")));
    }
    let ask = EventsAsk {
        after: query.after,
        limit: limit(query.limit)?,
        word: query.r#type,
        host: query.host.as_deref().map(host_id).transpose()?,
        since: query.since,
        last: false,
    };
    Ok(Form::of(&parts, query.format).answer(app.store.events(&ask).await?))
}

async fn destinations(_: Asker, State(app): State<Shared>) -> Result<Json<Vec<DestinationRow>>, Fault> {
    Ok(Json(app.store.destinations().await?))
}
