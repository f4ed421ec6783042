//! `/api/v1/exceptions`: waivers and accepted gaps, for hosts by their id or by a tag, each with who, why and until when.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::routing::{delete, get, post};

use crate::collector::rules::{grant, withdraw};
use crate::collector::store::{ExceptionRow, NewException};

use super::auth::{Asker, Operator};
use super::problem::{
    BAD_ENCODING, BAD_JSON, BAD_QUERY, BAD_SHAPE, BODY_LATE, CANNOT_KEEP, Fault, NOT_FOUND, TOO_LARGE,
    WRONG_TYPE,
};
use super::rulesets::LawAnswer;
use super::{Endpoint, Shared, Whom, schema};

/// Exceptions.
pub(super) const LIST: Endpoint = Endpoint {
    method: "get",
    path: "/api/v1/exceptions",
    id: "exceptions",
    summary: "Waivers and accepted gaps, those that are over or were taken back among them",
    whom: Whom::Askers,
    query: None,
    body: None,
    answer: Some(schema::<Vec<ExceptionRow>>),
    rows: false,
    refusals: &[CANNOT_KEEP],
    route: || get(list),
};

/// One is granted.
pub(super) const GRANT: Endpoint = Endpoint {
    method: "post",
    id: "grantException",
    summary: "Waive findings or accept gaps, for a host by its id or for those with a tag; they are then judged anew, and again \
              when it is over",
    whom: Whom::Operators,
    body: Some(schema::<NewException>),
    answer: Some(schema::<LawAnswer>),
    refusals: &[BAD_JSON, BAD_ENCODING, NOT_FOUND, BODY_LATE, TOO_LARGE, WRONG_TYPE, BAD_SHAPE, CANNOT_KEEP],
    route: || post(granted),
    ..LIST
};

/// One is taken back.
pub(super) const WITHDRAW: Endpoint = Endpoint {
    method: "delete",
    path: "/api/v1/exceptions/{number}",
    id: "withdrawException",
    summary: "Take an exception back; it stays in the list",
    whom: Whom::Operators,
    answer: Some(schema::<LawAnswer>),
    refusals: &[BAD_QUERY, NOT_FOUND, CANNOT_KEEP],
    route: || delete(withdrawn),
    ..LIST
};

async fn list(_: Asker, State(app): State<Shared>) -> Result<Json<Vec<ExceptionRow>>, Fault> {
    Ok(Json(app.store.exceptions().await?))
}

async fn granted(
    Operator(by): Operator,
    State(app): State<Shared>,
    request: Request,
) -> Result<Json<LawAnswer>, Fault> {
    let new = app.small_bodies.json::<NewException>(request).await?.document;
    let law = grant(app.desk.court(), new, &by).await?;
    Ok(Json(LawAnswer { law }))
}

async fn withdrawn(
    Operator(by): Operator,
    State(app): State<Shared>,
    Path(number): Path<String>,
) -> Result<Json<LawAnswer>, Fault> {
    let number = number.parse().map_err(|_| Fault::new(BAD_QUERY, "the number of an exception"))?;
    let law = withdraw(app.desk.court(), number, &by).await?;
    Ok(Json(LawAnswer { law }))
}
