//! `POST /api/v1/check-in`: a host tells what it holds, in three turns at most.
//!
//! What is kept and what follows from it is `check_in`'s; here are the token, the body and the words of a refusal.

use axum::Json;
use axum::extract::{Request, State};
use axum::routing::post;

use crate::collector::check_in::Refusal;
use crate::model::{Answer, CheckIn};

use super::auth::HostCaller;
use super::problem::{
    BAD_ENCODING, BAD_JSON, BAD_SHAPE, BODY_LATE, BUSY, CANNOT_KEEP, CONFLICT, DIGEST_MISMATCH, Fault,
    TOO_LARGE, WRONG_TYPE,
};
use super::{Endpoint, Shared, Whom, schema};

/// A host checks in.
pub(super) const CHECK_IN: Endpoint = Endpoint {
    method: "post",
    path: "/api/v1/check-in",
    id: "checkIn",
    summary: "Tell a report: its head alone, or with what the answer to that asked for. 'kept' is said when it is durable",
    whom: Whom::Hosts,
    query: None,
    body: Some(schema::<CheckIn>),
    answer: Some(schema::<Answer>),
    rows: false,
    refusals: &[
        BAD_JSON,
        BAD_ENCODING,
        BODY_LATE,
        CONFLICT,
        TOO_LARGE,
        WRONG_TYPE,
        BAD_SHAPE,
        DIGEST_MISMATCH,
        CANNOT_KEEP,
    ],
    route: || post(check_in),
};

async fn check_in(
    HostCaller(host): HostCaller,
    State(app): State<Shared>,
    request: Request,
) -> Result<Json<Answer>, Fault> {
    let received = app.bodies.json::<CheckIn>(request).await?;
    app.metrics.received(received.bytes);
    let answer = app.desk.receive(host, received.document, (app.now)()).await;
    let answer = answer.map_err(fault).inspect_err(|fault| app.metrics.check_in(fault.code().word))?;
    app.metrics.check_in(word(&answer));
    Ok(Json(answer))
}

fn fault(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Store(error) => error.into(),
        Refusal::Busy(why) => Fault::new(BUSY, why).after(5),
        Refusal::Shape(why) => Fault::new(BAD_SHAPE, why),
        Refusal::Digest(why) => Fault::new(DIGEST_MISMATCH, why),
        Refusal::Conflict(why) => Fault::new(CONFLICT, why),
    }
}

fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Kept { history: false, .. } => "kept",
        Answer::Kept { .. } => "history",
        Answer::Send { .. } => "send",
        Answer::Need { .. } => "need",
    }
}
