//! `/api/v1/assignments` and tags: whose policies are which.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::routing::{get, put};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collector::rules::{assign, tag};
use crate::collector::store::TagRow;

use super::auth::{Asker, Operator};
use super::hosts::host_id;
use super::problem::{
    BAD_ENCODING, BAD_JSON, BAD_QUERY, BAD_SHAPE, BODY_LATE, CANNOT_KEEP, Fault, NOT_FOUND, TOO_LARGE,
    WRONG_TYPE,
};
use super::rulesets::LawAnswer;
use super::{Endpoint, Shared, Whom, schema};

/// Whose policies are which.
pub(super) const LIST: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/assignments",
    id: "assignments",
    summary: "Policies of hosts without a tag that gives others, and tags with their hosts and policies",
    whom: Whom::Askers,
    query: None,
    body: None,
    answer: Some(schema::<Assignments>),
    rows: false,
    refusals: &[CANNOT_KEEP],
    route: || get(list),
};

/// Policies are assigned.
pub(super) const ASSIGN: Endpoint = Endpoint {
    method: "put",
    id: "assign",
    summary: "Have hosts with a tag judged under these policies; without a tag: those whose tags give them none. A host with \
              several such tags is judged under the policies of all of them",
    whom: Whom::Operators,
    body: Some(schema::<AssignBody>),
    answer: Some(schema::<LawAnswer>),
    refusals: &[BAD_JSON, BAD_ENCODING, NOT_FOUND, BODY_LATE, TOO_LARGE, WRONG_TYPE, BAD_SHAPE, CANNOT_KEEP],
    route: || put(assigned),
    ..LIST
};

/// A host is given tags.
pub(super) const TAGS: Endpoint = Endpoint {
    path: "/api/v1/hosts/{id}/tags",
    id: "tagHost",
    summary: "Give a host these tags and no others; it is then judged anew",
    body: Some(schema::<TagsBody>),
    answer: Some(schema::<TagsBody>),
    refusals: &[
        BAD_QUERY,
        BAD_JSON,
        BAD_ENCODING,
        NOT_FOUND,
        BODY_LATE,
        TOO_LARGE,
        WRONG_TYPE,
        BAD_SHAPE,
        CANNOT_KEEP,
    ],
    route: || put(tagged),
    ..ASSIGN
};

/// Whose policies are which.
#[derive(Debug, Serialize, JsonSchema)]
struct Assignments {
    /// Policies of hosts whose tags give them none; empty: the one that is asked by default.
    default: Vec<String>,
    /// Tags.
    tags: Vec<TagRow>,
}

/// What is assigned.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AssignBody {
    /// The tag; null: hosts whose tags give them none.
    tag: Option<String>,
    /// Ids of policies; none: the tag gives none.
    policies: Vec<String>,
}

/// Tags of a host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TagsBody {
    /// They, sorted.
    tags: Vec<String>,
}

async fn list(_: Asker, State(app): State<Shared>) -> Result<Json<Assignments>, Fault> {
    let default = app.store.law().await?.default;
    Ok(Json(Assignments { default, tags: app.store.tags().await? }))
}

async fn assigned(
    Operator(by): Operator,
    State(app): State<Shared>,
    request: Request,
) -> Result<Json<LawAnswer>, Fault> {
    let body = app.small_bodies.json::<AssignBody>(request).await?.document;
    let law = assign(app.desk.court(), body.tag, body.policies, &by).await?;
    Ok(Json(LawAnswer { law }))
}

async fn tagged(
    Operator(by): Operator,
    State(app): State<Shared>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<TagsBody>, Fault> {
    let body = app.small_bodies.json::<TagsBody>(request).await?.document;
    let tags = tag(app.desk.court(), host_id(&id)?, body.tags, &by).await?;
    Ok(Json(TagsBody { tags }))
}
