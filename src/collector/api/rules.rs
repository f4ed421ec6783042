//! `GET /api/v1/rules`: a host asks by what it is judged, so that its next scan is led by that.
//!
//! Told are the signed files as they were brought: the host verifies the signature itself.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::model::{FleetRules, Id};

use super::auth::HostCaller;
use super::problem::{CANNOT_KEEP, Fault, NOT_FOUND};
use super::{Endpoint, Shared, Whom, schema};

/// By what a host is judged.
pub(super) const RULES: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/rules",
    id: "rules",
    summary: "By what this host is judged: signed rules, and its policies. Its ETag is what 'kept' tells as `rules`; a host that \
              has it (If-None-Match) is told 304",
    whom: Whom::Hosts,
    query: None,
    body: None,
    answer: Some(schema::<FleetRules>),
    rows: false,
    refusals: &[NOT_FOUND, CANNOT_KEEP],
    route: || get(rules),
};

async fn rules(
    HostCaller(host): HostCaller,
    State(app): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let known = app.store.known(host, 0, &[]).await?;
    let known = known.ok_or_else(|| Fault::new(NOT_FOUND, "this host was erased; enrol anew"))?;
    let judging = app.desk.court().judging();
    let assigned = judging.law().assigned(host, &known.tags);
    let none = || Fault::new(NOT_FOUND, "the collector has no rules of its own: the built-in ones hold");
    let rules = judging.law().fleet_rules(&assigned).ok_or_else(none)?;
    let tag = quoted(rules.tag);
    let had = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let has = had.flat_map(|value| value.split(',')).any(|one| one.trim() == tag);
    let mut response =
        if has { StatusCode::NOT_MODIFIED.into_response() } else { Json(rules).into_response() };
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    Ok(response)
}

fn quoted(tag: Id) -> String {
    format!("\"{tag}\"")
}
