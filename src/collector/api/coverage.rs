//! `GET /api/v1/coverage` and `/api/v1/coverage/sources`: what hosts could not see at their last report, and how often the same.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::collector::store::{UnseenAfter, UnseenAsk, UnseenCount, UnseenRow};
use crate::model::{GapReason, Status};

use super::auth::Asker;
use super::page::{Form, Query, Row, RowFormat, Rows, limit, parsed, shown};
use super::problem::{BAD_QUERY, CANNOT_KEEP, Fault};
use super::{Endpoint, Shared, Whom, parameters, schema};

/// Of each host and source.
pub(super) const LIST: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/coverage",
    id: "coverage",
    summary: "What sources of hosts could not see at the last report; a source that saw all there is has no row",
    whom: Whom::Askers,
    query: Some(parameters::<CoverageQuery>),
    body: None,
    answer: Some(schema::<Rows<UnseenRow>>),
    rows: true,
    refusals: &[BAD_QUERY, CANNOT_KEEP],
    route: || get(list),
};

/// Counted.
pub(super) const SOURCES: Endpoint = Endpoint {
    path: "/api/v1/coverage/sources",
    id: "coverageSources",
    summary: "On how many hosts a source could not see the same",
    query: None,
    answer: Some(schema::<Vec<UnseenCount>>),
    rows: false,
    refusals: &[CANNOT_KEEP],
    route: || get(sources),
    ..LIST
};

/// Parameters of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CoverageQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 100 unless said, 1000 at most.
    limit: Option<u32>,
    /// How the rows are written; else as Accept says.
    format: Option<RowFormat>,
    /// Of this source.
    source: Option<String>,
    /// That ended so.
    status: Option<Status>,
    /// With a gap for this reason.
    reason: Option<GapReason>,
    /// Whether something that counts could be hidden.
    blocking: Option<bool>,
}

impl Row for UnseenRow {
    const COLUMNS: &'static [&'static str] =
        &["host", "host_name", "source", "status", "reason", "gaps", "blocking", "scanned_at", "as_of"];

    fn cells(&self) -> Vec<String> {
        let gaps: Vec<&str> = self.gaps.iter().map(|gap| gap.reason.word()).collect();
        vec![
            self.host.to_string(),
            shown(self.host_name.as_ref()),
            self.source.clone(),
            self.status.word().to_owned(),
            shown(self.reason.as_ref()),
            gaps.join(" "),
            self.gaps.iter().any(|gap| gap.blocking).to_string(),
            self.scanned_at.to_string(),
            shown(self.as_of),
        ]
    }

    fn key(&self) -> String {
        UnseenAfter { source: self.source.clone(), host: self.number }.to_string()
    }
}

async fn list(
    _: Asker,
    State(app): State<Shared>,
    Query(query): Query<CoverageQuery>,
    parts: Parts,
) -> Result<Response, Fault> {
    let ask = UnseenAsk {
        after: parsed("after", query.after.as_ref())?,
        limit: limit(query.limit)?,
        source: query.source,
        status: query.status,
        reason: query.reason,
        blocking: query.blocking,
    };
    Ok(Form::of(&parts, query.format).answer(app.store.unseen(&ask).await?))
}

async fn sources(_: Asker, State(app): State<Shared>) -> Result<Json<Vec<UnseenCount>>, Fault> {
    Ok(Json(app.store.unseen_counts().await?))
}
