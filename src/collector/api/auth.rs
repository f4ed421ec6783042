//! Who asks: the token of a request, looked up, and what it may.
//!
//! Handlers name [`HostCaller`] or [`Asker`] among their arguments, and are not called for anybody else. Why a token was
//! refused is told to the log, not to who asks.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::collector::auth::{Kind, bearer};
use crate::collector::store::{Bearer, By, Refused, Role, SecretHash};
use crate::model::Id;

use super::problem::{BAD_TOKEN, Code, Fault, NO_TOKEN, NOT_ALLOWED, TOO_MANY};
use super::{App, Shared};

/// Who asked, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// A host.
    Host(Id),
    /// A token for questions.
    Api(String),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(id) => write!(f, "host {id}"),
            Self::Api(name) => write!(f, "token {name}"),
        }
    }
}

/// What handlers tell the log about a request.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Who asked.
    pub(super) who: OnceLock<Who>,
    /// Why a token or secret was refused.
    pub(super) refused: OnceLock<&'static str>,
}

/// The request's place for that, and where the request is from.
#[derive(Debug, Clone)]
pub(super) struct Tell {
    pub(super) told: Arc<Told>,
    pub(super) peer: IpAddr,
}

/// An enrolled host.
pub(super) struct HostCaller(pub(super) Id);

/// Somebody who may ask questions.
pub(super) struct Asker;

/// Somebody who may change tags, policies and exceptions, and when.
pub(super) struct Operator(pub(super) By);

/// Somebody who may change rules, and when.
pub(super) struct Admin(pub(super) By);

impl FromRequestParts<Shared> for HostCaller {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Fault> {
        match caller(parts, app, Kind::Host).await? {
            Bearer::Host(id) => {
                app.host_rates.take(id, Instant::now()).map_err(too_many)?;
                Ok(Self(id))
            }
            Bearer::Api { .. } => Err(Fault::new(NOT_ALLOWED, "this is for enrolled hosts")),
        }
    }
}

impl FromRequestParts<Shared> for Asker {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Fault> {
        with_role(parts, app, Role::Viewer).await.map(|_| Self)
    }
}

impl FromRequestParts<Shared> for Operator {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Fault> {
        with_role(parts, app, Role::Operator).await.map(Self)
    }
}

impl FromRequestParts<Shared> for Admin {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Fault> {
        with_role(parts, app, Role::Admin).await.map(Self)
    }
}

/// Who asks, where the token may as much as this role.
async fn with_role(parts: &Parts, app: &App, least: Role) -> Result<By, Fault> {
    match caller(parts, app, Kind::Api).await? {
        Bearer::Api { name, role } if role >= least => {
            app.api_rates.take(name.clone(), Instant::now()).map_err(too_many)?;
            Ok(By { actor: name, at: (app.now)() })
        }
        _ => Err(Fault::new(NOT_ALLOWED, "the token may not do this; its role is not enough")),
    }
}

/// Who a request's token stands for.
async fn caller(parts: &Parts, app: &App, wanted: Kind) -> Result<Bearer, Fault> {
    let header = parts.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let tell = parts.extensions.get::<Tell>();
    let Some(header) = header else {
        let why = "this needs a token: the header 'Authorization: Bearer …'";
        return Err(refuse(app, tell, "none", NO_TOKEN, why));
    };
    match bearer(header) {
        Some((kind, hash)) if kind == wanted => {
            let found = app.store.bearer(hash, (app.now)()).await?;
            let bearer = found.map_err(|why| {
                refuse(
                    app,
                    tell,
                    word(why),
                    BAD_TOKEN,
                    "the token does not hold; enrol anew, or ask for another",
                )
            })?;
            if let Some(tell) = tell {
                let _first = tell.told.who.set(match &bearer {
                    Bearer::Host(id) => Who::Host(*id),
                    Bearer::Api { name, .. } => Who::Api(name.clone()),
                });
            }
            Ok(bearer)
        }
        Some(_) => Err(refuse(app, tell, "of another kind", NOT_ALLOWED, other_kind(wanted))),
        None => Err(refuse(app, tell, "of no shape", BAD_TOKEN, "that is no token of this collector")),
    }
}

fn other_kind(wanted: Kind) -> &'static str {
    match wanted {
        Kind::Host => "this is for enrolled hosts; a token for questions does not open it",
        _ => "this is for people and programs that ask; a host's token does not open it",
    }
}

/// A refusal, counted and told to the log; an address that has had too many is not listened to for a while.
pub(super) fn refuse(
    app: &App,
    tell: Option<&Tell>,
    reason: &'static str,
    code: Code,
    detail: &'static str,
) -> Fault {
    app.metrics.refused(reason);
    if let Some(tell) = tell {
        let _first = tell.told.refused.set(reason);
        if let Err(seconds) = app.refused_rates.take(tell.peer, Instant::now()) {
            return too_many(seconds);
        }
    }
    Fault::new(code, detail)
}

/// The host that a token stands for, where it holds; nothing is said where it does not.
pub(super) async fn host_of(parts: &Parts, app: &App) -> Result<Option<Id>, Fault> {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let hash: Option<SecretHash> = match header.and_then(bearer) {
        Some((Kind::Host, hash)) => Some(hash),
        _ => None,
    };
    let Some(hash) = hash else { return Ok(None) };
    Ok(match app.store.bearer(hash, (app.now)()).await? {
        Ok(Bearer::Host(id)) => Some(id),
        _ => None,
    })
}

/// The reason, for the log and the figures.
pub(super) fn word(why: Refused) -> &'static str {
    match why {
        Refused::Unknown => "unknown",
        Refused::Expired => "expired",
        Refused::Revoked => "revoked",
    }
}

fn too_many(seconds: u64) -> Fault {
    Fault::new(TOO_MANY, "too many requests in a short time").after(seconds)
}
