//! `/api/v1/expected`: the hosts that there ought to be, and which of them were never heard of.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, put};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collector::expected::{Expected, check};
use crate::collector::store::{ExpectedAsk, ExpectedRow};

use super::auth::{Asker, Operator};
use super::hosts::stale_before;
use super::page::{Form, Query, Row, RowFormat, Rows, limit, shown};
use super::problem::{
    BAD_ENCODING, BAD_JSON, BAD_QUERY, BAD_SHAPE, BODY_LATE, CANNOT_KEEP, Fault, TOO_LARGE, WRONG_TYPE,
};
use super::{Endpoint, Shared, Whom, parameters, schema};

/// Which there are.
pub(super) const LIST: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/expected",
    id: "expected",
    summary: "Hosts that there ought to be, by name, and which of them were ever heard of",
    whom: Whom::Askers,
    query: Some(parameters::<ExpectedQuery>),
    body: None,
    answer: Some(schema::<Rows<ExpectedRow>>),
    rows: true,
    refusals: &[BAD_QUERY, CANNOT_KEEP],
    route: || get(list),
};

/// From now on it is these.
pub(super) const REPLACE: Endpoint = Endpoint {
    method: "put",
    id: "replaceExpected",
    summary: "Have these be all the hosts that there ought to be",
    whom: Whom::Operators,
    query: None,
    body: Some(schema::<Vec<Expected>>),
    answer: Some(schema::<Kept>),
    rows: false,
    refusals: &[BAD_JSON, BAD_ENCODING, BODY_LATE, TOO_LARGE, WRONG_TYPE, BAD_SHAPE, CANNOT_KEEP],
    route: || put(replace),
    ..LIST
};

/// Parameters of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExpectedQuery {
    /// After this name: `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 100 unless said, 1000 at most.
    limit: Option<u32>,
    /// How the rows are written; else as Accept says.
    format: Option<RowFormat>,
    /// Whether it was ever heard of.
    seen: Option<bool>,
    /// Of this owner.
    owner: Option<String>,
    /// Of this department.
    department: Option<String>,
    /// With this tag.
    tag: Option<String>,
}

/// What is kept.
#[derive(Debug, Serialize, JsonSchema)]
struct Kept {
    /// How many hosts there ought to be.
    expected: usize,
}

impl Row for ExpectedRow {
    const COLUMNS: &'static [&'static str] =
        &["name", "owner", "department", "tags", "host", "hosts", "received_at", "standing", "verdict"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.expected.name.clone(),
            self.expected.owner.clone(),
            self.expected.department.clone(),
            self.expected.tags.join(" "),
            shown(self.host),
            self.hosts.to_string(),
            shown(self.received_at),
            shown(self.standing.map(crate::collector::store::Standing::word)),
            self.verdict.map_or("unknown", crate::model::Verdict::word).to_owned(),
        ]
    }

    fn key(&self) -> String {
        Expected::key(&self.expected.name)
    }
}

async fn list(
    _: Asker,
    State(app): State<Shared>,
    Query(query): Query<ExpectedQuery>,
    parts: Parts,
) -> Result<Response, Fault> {
    let ask = ExpectedAsk {
        after: query.after,
        limit: limit(query.limit)?,
        seen: query.seen,
        owner: query.owner,
        department: query.department,
        tag: query.tag,
        stale_before: stale_before(&app),
    };
    Ok(Form::of(&parts, query.format).answer(app.store.expected(&ask).await?))
}

async fn replace(
    Operator(by): Operator,
    State(app): State<Shared>,
    request: Request,
) -> Result<Json<Kept>, Fault> {
    let received = app.bodies.json::<Vec<Expected>>(request).await?;
    let hosts = check(received.document).map_err(|faults| Fault::new(BAD_SHAPE, faults.join("; ")))?;
    app.store.expect(&hosts, &by).await?;
    Ok(Json(Kept { expected: hosts.len() }))
}
