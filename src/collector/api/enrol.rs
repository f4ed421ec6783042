//! `POST /api/v1/enrol`: a host that has the secret gets a token of its own.

use std::time::Instant;

use axum::Json;
use axum::extract::{Request, State};
use axum::routing::post;

use crate::collector::auth::{Kind, Token, hash_of, new_id};
use crate::collector::store::{Enrolment, NewHost};
use crate::model::{Enrol, Enrolled, Id};

use super::auth::{Tell, Who, host_of, refuse, word};
use super::problem::{
    BAD_ENCODING, BAD_JSON, BAD_SECRET, BAD_SHAPE, BODY_LATE, BUSY, CANNOT_KEEP, CONFLICT, Fault, INTERNAL,
    TOO_LARGE, TOO_MANY, WRONG_TYPE,
};
use super::{App, Endpoint, Shared, Whom, schema};

/// Letters of a host's name.
const NAME_LETTERS: usize = 255;

/// A host enrols.
pub(super) const ENROL: Endpoint = Endpoint {
    method: "post",
    path: "/api/v1/enrol",
    id: "enrol",
    summary: "Enrol a host by the enrolment secret; the token is told once",
    whom: Whom::Anybody,
    query: None,
    body: Some(schema::<Enrol>),
    answer: Some(schema::<Enrolled>),
    rows: false,
    refusals: &[
        BAD_JSON,
        BAD_ENCODING,
        BAD_SECRET,
        BODY_LATE,
        CONFLICT,
        TOO_LARGE,
        WRONG_TYPE,
        BAD_SHAPE,
        TOO_MANY,
        CANNOT_KEEP,
    ],
    route: || post(enrol),
};

async fn enrol(State(app): State<Shared>, request: Request) -> Result<Json<Enrolled>, Fault> {
    let _place = app
        .strangers
        .try_acquire()
        .map_err(|_| Fault::new(BUSY, "many computers enrol at once; try again later").after(5))?;
    let tell = request.extensions().get::<Tell>().cloned();
    let (parts, body) = request.into_parts();
    // Whoever was a host before proves it by that one's token.
    let replaces = host_of(&parts, &app).await?;
    let received = app.small_bodies.json::<Enrol>(Request::from_parts(parts, body)).await?;
    app.metrics.received(received.bytes);
    let ask = received.document;
    let secret = check_secret(&app, tell.as_ref(), &ask.secret).await?;
    if ask.name.as_ref().is_some_and(|name| name.chars().count() > NAME_LETTERS) {
        return Err(Fault::new(BAD_SHAPE, format!("name: more than {NAME_LETTERS} letters")));
    }
    let no_random = |_| Fault::new(INTERNAL, "no token can be made now");
    let token = Token::new(Kind::Host).map_err(no_random)?;
    let new = NewHost {
        host: new_id().map_err(no_random)?,
        install: ask.install,
        machine: ask.machine,
        name: ask.name,
        family: ask.family.word(),
        token: token.hash(),
        replaces,
    };
    let host = keep(&app, &new).await?;
    if let Some(tell) = &tell {
        let _first = tell.told.who.set(Who::Host(host));
    }
    tracing::info!(%host, secret, again = host != new.host, "enrolled");
    let site_key = app.site_key.clone();
    Ok(Json(Enrolled { host, token: token.reveal().to_owned(), site_key }))
}

/// The name of the secret.
async fn check_secret(app: &App, tell: Option<&Tell>, secret: &str) -> Result<String, Fault> {
    let why = "the enrolment secret does not hold; ask for the present one";
    let refused = |reason| refuse(app, tell, reason, BAD_SECRET, why);
    let hash = hash_of(secret.trim(), Kind::Secret).ok_or_else(|| refused("of no shape"))?;
    let found = app.store.enrolment_secret(hash, (app.now)()).await?;
    found.map_err(|why| refused(word(why)))
}

async fn keep(app: &App, new: &NewHost) -> Result<Id, Fault> {
    if let Err(seconds) = app.host_rates.take(new.install, Instant::now()) {
        return Err(
            Fault::new(TOO_MANY, "this installation has enrolled many times in a short time").after(seconds)
        );
    }
    match app.store.enrol(new, (app.now)()).await? {
        Enrolment::New => Ok(new.host),
        Enrolment::Again(host) => Ok(host),
        Enrolment::Taken => Err(Fault::new(
            CONFLICT,
            "another machine has this installation: it was copied. Run 'interdict enrol --reset' on each copy",
        )),
    }
}
