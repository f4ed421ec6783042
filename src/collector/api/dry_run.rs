//! `POST /api/v1/rules/dry-run` and `GET /api/v1/hosts/{id}/verdict`: what would be found by other rules or the law of another
//! day. Nothing of it is kept.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::routing::{get, post};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::collector::dry_run::{DryRun, Judgment, Trial, as_of, beginning, dry_run};
use crate::model::{Date, RulesFolder, Stamp};

use super::auth::{Asker, Operator};
use super::hosts::host_id;
use super::page::Query;
use super::problem::{
    BAD_ENCODING, BAD_JSON, BAD_QUERY, BAD_RULES, BAD_SHAPE, BODY_LATE, BUSY, CANNOT_KEEP, Fault, NOT_FOUND,
    TOO_LARGE, WRONG_TYPE,
};
use super::{App, Endpoint, Shared, Whom, parameters, schema};

/// What would be found in the fleet.
pub(super) const DRY_RUN: Endpoint = Endpoint {
    method: "post",
    path: "/api/v1/rules/dry-run",
    id: "dryRun",
    summary: "What would these rules, these policies, or the law of that day find in the fleet, by what is known of it; changes \
              nothing. The rules need no signature",
    whom: Whom::Operators,
    query: None,
    body: Some(schema::<DryRunBody>),
    answer: Some(schema::<DryRun>),
    rows: false,
    refusals: &[
        BAD_JSON,
        BAD_ENCODING,
        NOT_FOUND,
        BODY_LATE,
        TOO_LARGE,
        WRONG_TYPE,
        BAD_SHAPE,
        BAD_RULES,
        CANNOT_KEEP,
    ],
    route: || post(tried),
};

/// A host by the law of a day.
pub(super) const AS_OF: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/hosts/{id}/verdict",
    id: "hostVerdict",
    summary: "What follows from what is known of a host, by the law of a day",
    whom: Whom::Askers,
    query: Some(parameters::<AsOfQuery>),
    body: None,
    answer: Some(schema::<Judgment>),
    refusals: &[BAD_QUERY, NOT_FOUND, CANNOT_KEEP],
    route: || get(of_day),
    ..DRY_RUN
};

/// What is tried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DryRunBody {
    /// Rules beside the built-in ones; without: those that are active.
    #[serde(default)]
    folder: Option<RulesFolder>,
    /// Policies for every host; without: as they are assigned.
    #[serde(default)]
    policies: Option<Vec<String>>,
    /// The law of which day; without: of today.
    #[serde(default)]
    as_of: Option<Date>,
}

/// Parameters of a host's verdict.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AsOfQuery {
    /// The law of which day, `2024-07-20`; without: of today.
    as_of: Option<String>,
}

fn day(app: &App, day: Option<Date>) -> Result<Stamp, Fault> {
    let Some(day) = day else { return Ok((app.now)()) };
    beginning(day).ok_or_else(|| Fault::new(BAD_QUERY, "as_of: no such day"))
}

async fn tried(
    Operator(_): Operator,
    State(app): State<Shared>,
    request: Request,
) -> Result<Json<DryRun>, Fault> {
    // One at a time: it reads the whole fleet.
    let _alone = app.trials.try_acquire().map_err(|_| {
        Fault::new(BUSY, "another dry run is under way; try again when it has ended").after(30)
    })?;
    let DryRunBody { folder, policies, as_of } = app.bodies.json::<DryRunBody>(request).await?.document;
    let trial = Trial { folder, policies, as_of: day(&app, as_of)? };
    let judging = app.desk.court().judging();
    Ok(Json(dry_run(Arc::clone(&app.store), judging.law(), trial).await?))
}

async fn of_day(
    _: Asker,
    State(app): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<AsOfQuery>,
) -> Result<Json<Judgment>, Fault> {
    let asked = super::page::parsed::<Date>("as_of", query.as_of.as_ref())?;
    let judging = app.desk.court().judging();
    let found = as_of(app.store.as_ref(), &judging, host_id(&id)?, day(&app, asked)?).await?;
    found.map(Json).ok_or_else(|| Fault::new(NOT_FOUND, "there is no host of this id, or it never reported"))
}
