//! `/healthz`, `/readyz`, `/metrics`: for what watches over the collector. They tell nothing of any host.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::problem::{CANNOT_KEEP, Fault};
use super::{Endpoint, Shared, Whom};

/// The program lives.
pub(super) const LIVES: Endpoint = Endpoint {
    method: "get",
    path: "/healthz",
    id: "lives",
    summary: "Whether the program lives; says nothing of its store",
    whom: Whom::Anybody,
    query: None,
    body: None,
    answer: None,
    rows: false,
    refusals: &[],
    route: || get(async || "ok\n"),
};

/// The store answers.
pub(super) const READY: Endpoint = Endpoint {
    path: "/readyz",
    id: "ready",
    summary: "Whether check-ins can be kept now",
    refusals: &[CANNOT_KEEP],
    route: || get(ready),
    ..LIVES
};

/// Figures.
pub(super) const METRICS: Endpoint = Endpoint {
    path: "/metrics",
    id: "metrics",
    summary: "Figures for Prometheus",
    route: || get(page),
    ..LIVES
};

async fn ready(State(app): State<Shared>) -> Result<&'static str, Fault> {
    app.store.ready().await?;
    Ok("ready\n")
}

async fn page(State(app): State<Shared>) -> Response {
    let ready = app.store.ready().await.is_ok();
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.page(ready)).into_response()
}
