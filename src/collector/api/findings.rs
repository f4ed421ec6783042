//! `GET /api/v1/findings` and `/api/v1/hosts/{id}/findings`: what was found of which prohibited product, since when, and
//! whether it is still there.

use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::collector::store::{FindingRow, FindingState, FindingsAsk};
use crate::model::Id;

use super::auth::Asker;
use super::hosts::host_id;
use super::page::{Form, Query, Row, RowFormat, Rows, limit, shown};
use super::problem::{BAD_QUERY, CANNOT_KEEP, Fault, NOT_FOUND};
use super::{App, Endpoint, Shared, Whom, parameters, schema};

/// Findings of the fleet.
pub(super) const LIST: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/findings",
    id: "findings",
    summary: "Findings of every host, in the order in which they were opened; closed ones only when asked for",
    whom: Whom::Askers,
    query: Some(parameters::<FindingsQuery>),
    body: None,
    answer: Some(schema::<Rows<FindingRow>>),
    rows: true,
    refusals: &[BAD_QUERY, CANNOT_KEEP],
    route: || get(list),
};

/// Findings of a host.
pub(super) const OF_HOST: Endpoint = Endpoint {
    path: "/api/v1/hosts/{id}/findings",
    id: "hostFindings",
    summary: "Findings of one host",
    refusals: &[BAD_QUERY, NOT_FOUND, CANNOT_KEEP],
    route: || get(of_host),
    ..LIST
};

/// Parameters of the lists.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FindingsQuery {
    /// After the finding of this number: `next` of the page before.
    after: Option<u64>,
    /// Rows of a page, 100 unless said, 1000 at most.
    limit: Option<u32>,
    /// How the rows are written; else as Accept says.
    format: Option<RowFormat>,
    /// Standing so; unless said, those that are not closed.
    state: Option<FindingState>,
    /// Of this policy, by its id.
    policy: Option<String>,
    /// Of this prohibition, by its id.
    prohibition: Option<String>,
    /// Of this vendor, by its id.
    vendor: Option<String>,
    /// Of this product, by its id.
    product: Option<String>,
    /// Whether it makes its host non-compliant.
    decides: Option<bool>,
}

impl Row for FindingRow {
    const COLUMNS: &'static [&'static str] = &[
        "number",
        "host",
        "host_name",
        "state",
        "opened_at",
        "seen_at",
        "closed_at",
        "why",
        "policy",
        "prohibition",
        "product",
        "product_name",
        "vendor_name",
        "versions",
        "class",
        "present",
        "confidence",
        "severity",
        "decides",
    ];

    fn cells(&self) -> Vec<String> {
        let finding = &self.finding;
        vec![
            self.number.to_string(),
            self.host.to_string(),
            shown(self.host_name.as_ref()),
            self.state.word().to_owned(),
            self.opened_at.to_string(),
            self.seen_at.to_string(),
            shown(self.closed_at),
            shown(self.why.as_ref()),
            finding.policy.clone(),
            finding.prohibition.clone(),
            finding.product.clone(),
            finding.product_name.clone(),
            finding.vendor_name.clone(),
            finding.versions.join(" "),
            finding.class.word().to_owned(),
            finding.state.word().to_owned(),
            finding.confidence.word().to_owned(),
            finding.severity.word().to_owned(),
            finding.decides.to_string(),
        ]
    }

    fn key(&self) -> String {
        self.number.to_string()
    }
}

async fn list(
    _: Asker,
    State(app): State<Shared>,
    Query(query): Query<FindingsQuery>,
    parts: Parts,
) -> Result<Response, Fault> {
    answer(&app, query, None, &parts).await
}

async fn of_host(
    _: Asker,
    State(app): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<FindingsQuery>,
    parts: Parts,
) -> Result<Response, Fault> {
    let host = host_id(&id)?;
    // No findings and no host are two answers.
    if app.store.known(host, 0, &[]).await?.is_none() {
        return Err(Fault::new(NOT_FOUND, "there is no host of this id"));
    }
    answer(&app, query, Some(host), &parts).await
}

async fn answer(app: &App, query: FindingsQuery, host: Option<Id>, parts: &Parts) -> Result<Response, Fault> {
    let ask = FindingsAsk {
        after: query.after,
        limit: limit(query.limit)?,
        host,
        state: query.state,
        policy: query.policy,
        prohibition: query.prohibition,
        vendor: query.vendor,
        product: query.product,
        decides: query.decides,
    };
    Ok(Form::of(parts, query.format).answer(app.store.findings(&ask).await?))
}
