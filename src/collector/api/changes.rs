//! `/api/v1/audit` and `/api/v1/jobs`: who changed what, and how far hosts are judged by it.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::collector::store::{AuditAsk, AuditRow, JobRow};

use super::auth::Asker;
use super::page::{Form, Query, Row, RowFormat, Rows, limit, parsed};
use super::problem::{BAD_QUERY, CANNOT_KEEP, Fault};
use super::{Endpoint, Shared, Whom, parameters, schema};

/// Jobs that are told.
const JOBS: u32 = 100;

/// Who changed what.
pub(super) const AUDIT: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/audit",
    id: "audit",
    summary: "Who changed what of rules, policies, exceptions and tags, the last change first",
    whom: Whom::Askers,
    query: Some(parameters::<AuditQuery>),
    body: None,
    answer: Some(schema::<Rows<AuditRow>>),
    rows: true,
    refusals: &[BAD_QUERY, CANNOT_KEEP],
    route: || get(audit),
};

/// How far hosts are judged.
pub(super) const JOBS_LIST: Endpoint = Endpoint {
    path: "/api/v1/jobs",
    id: "jobs",
    summary: "The last changes of the law, and how many of the hosts are judged by each",
    query: None,
    answer: Some(schema::<Vec<JobRow>>),
    rows: false,
    refusals: &[CANNOT_KEEP],
    route: || get(jobs),
    ..AUDIT
};

/// Parameters of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// After this change: `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 100 unless said, 1000 at most.
    limit: Option<u32>,
    /// How the rows are written; else as Accept says.
    format: Option<RowFormat>,
    /// By this token.
    actor: Option<String>,
    /// To this.
    subject: Option<String>,
}

impl Row for AuditRow {
    const COLUMNS: &'static [&'static str] = &["number", "at", "actor", "action", "subject", "detail"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.at.to_string(),
            self.actor.clone(),
            self.action.clone(),
            self.subject.clone(),
            self.detail.clone(),
        ]
    }

    fn key(&self) -> String {
        self.number.to_string()
    }
}

async fn audit(
    _: Asker,
    State(app): State<Shared>,
    Query(query): Query<AuditQuery>,
    parts: Parts,
) -> Result<Response, Fault> {
    let ask = AuditAsk {
        before: parsed("after", query.after.as_ref())?,
        limit: limit(query.limit)?,
        actor: query.actor,
        subject: query.subject,
    };
    Ok(Form::of(&parts, query.format).answer(app.store.audit(&ask).await?))
}

async fn jobs(_: Asker, State(app): State<Shared>) -> Result<Json<Vec<JobRow>>, Fault> {
    Ok(Json(app.store.jobs(JOBS).await?))
}
