//! `/api/v1/rulesets`: signed folders of rules, brought, listed, and activated.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::routing::{get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collector::rules::{activate, push};
use crate::collector::store::RulesetRow;
use crate::model::{Id, RulesFolder};

use super::auth::{Admin, Asker};
use super::hosts::id_of;
use super::problem::{
    BAD_ENCODING, BAD_JSON, BAD_QUERY, BAD_RULES, BAD_SHAPE, BODY_LATE, CANNOT_KEEP, Fault, NOT_FOUND,
    RULES_REFUSED, TOO_LARGE, WRONG_TYPE,
};
use super::{Endpoint, Shared, Whom, schema};

/// Rules are brought.
pub(super) const PUSH: Endpoint = Endpoint {
    method: "post",
    path: "/api/v1/rulesets",
    id: "pushRuleset",
    summary: "Bring a signed folder of rules. It is verified by the keys of the collector's configuration, compiled, and kept; a \
              version that is not newer than the last one of its name is refused",
    whom: Whom::Admins,
    query: None,
    body: Some(schema::<RulesFolder>),
    answer: Some(schema::<PushAnswer>),
    rows: false,
    refusals: &[
        BAD_JSON,
        BAD_ENCODING,
        BODY_LATE,
        TOO_LARGE,
        WRONG_TYPE,
        BAD_SHAPE,
        BAD_RULES,
        RULES_REFUSED,
        CANNOT_KEEP,
    ],
    route: || post(bring),
};

/// Rules that are kept.
pub(super) const LIST: Endpoint = Endpoint {
    method: "get",
    id: "rulesets",
    summary: "Folders of rules that are kept, the last ones first",
    whom: Whom::Askers,
    body: None,
    answer: Some(schema::<Vec<RulesetRow>>),
    refusals: &[CANNOT_KEEP],
    route: || get(list),
    ..PUSH
};

/// One folder.
pub(super) const ONE: Endpoint = Endpoint {
    path: "/api/v1/rulesets/{id}",
    id: "ruleset",
    summary: "A folder of rules with its files and its signature",
    answer: Some(schema::<RulesetDetail>),
    refusals: &[BAD_QUERY, NOT_FOUND, CANNOT_KEEP],
    route: || get(one),
    ..LIST
};

/// It is activated.
pub(super) const ACTIVATE: Endpoint = Endpoint {
    path: "/api/v1/rulesets/active",
    id: "activateRuleset",
    summary: "Have the fleet judged by a folder beside the built-in rules, or by those alone; every host is then judged anew",
    body: Some(schema::<ActivateBody>),
    answer: Some(schema::<LawAnswer>),
    refusals: &[
        BAD_JSON,
        BAD_ENCODING,
        BODY_LATE,
        NOT_FOUND,
        TOO_LARGE,
        WRONG_TYPE,
        BAD_SHAPE,
        BAD_RULES,
        RULES_REFUSED,
        CANNOT_KEEP,
    ],
    route: || post(activated),
    ..PUSH
};

/// What is said of rules that were brought.
#[derive(Debug, Serialize, JsonSchema)]
struct PushAnswer {
    /// The folder's id.
    id: Id,
    /// Its name.
    name: String,
    /// Its version.
    version: u64,
    /// Id of the key that signed it.
    signed_by: String,
    /// Whether it was there before.
    before: bool,
    /// Faults that are no errors, as text.
    warnings: String,
}

/// A folder with its row.
#[derive(Debug, Serialize, JsonSchema)]
struct RulesetDetail {
    /// As in the list.
    row: RulesetRow,
    /// It.
    folder: RulesFolder,
}

/// Which folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ActivateBody {
    /// Its id; null: the built-in rules alone.
    ruleset: Option<Id>,
}

/// The law was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LawAnswer {
    /// Its number, and that of the job that judges every host by it.
    pub(super) law: u64,
}

async fn bring(
    Admin(by): Admin,
    State(app): State<Shared>,
    request: Request,
) -> Result<Json<PushAnswer>, Fault> {
    let folder = app.bodies.json::<RulesFolder>(request).await?.document;
    let pushed = push(app.store.as_ref(), folder, app.trusted_keys.clone(), &by).await?;
    let signed = pushed.signed;
    Ok(Json(PushAnswer {
        id: pushed.id,
        name: signed.name,
        version: signed.version,
        signed_by: signed.key,
        before: pushed.before,
        warnings: pushed.warnings,
    }))
}

async fn list(_: Asker, State(app): State<Shared>) -> Result<Json<Vec<RulesetRow>>, Fault> {
    Ok(Json(app.store.rulesets().await?))
}

async fn one(
    _: Asker,
    State(app): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<RulesetDetail>, Fault> {
    let found = app.store.ruleset(id_of("rules", &id)?).await?;
    let (row, folder) = found.ok_or_else(|| Fault::new(NOT_FOUND, "no rules of this id are kept"))?;
    Ok(Json(RulesetDetail { row, folder }))
}

async fn activated(
    Admin(by): Admin,
    State(app): State<Shared>,
    request: Request,
) -> Result<Json<LawAnswer>, Fault> {
    let body = app.small_bodies.json::<ActivateBody>(request).await?.document;
    let law = activate(app.desk.court(), body.ruleset, &by).await?;
    Ok(Json(LawAnswer { law }))
}
