//! The collector's HTTP: one file per endpoint, listed in [`ENDPOINTS`], from which the router and what
//! programs read of it are made.
//!
//! Called by `serve`. Knows who may ask what, and how it is said; what is kept is the store's, what follows from a report is
//! `check_in`'s.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use tokio::sync::Semaphore;

use crate::model::{Id, Stamp};
use crate::ruleset::TrustedKey;

use super::check_in::Desk;
use super::store::Store;

mod assignments;
mod auth;
mod body;
mod changes;
mod check_in;
mod coverage;
mod dry_run;
mod enrol;
mod events;
mod exceptions;
mod expected;
mod findings;
mod health;
mod hosts;
mod items;
mod metrics;
mod openapi;
mod packing;
mod page;
mod problem;
mod rates;
mod request;
mod rules;
mod rulesets;

pub(super) use body::Caps;
pub(super) use openapi::document;
pub(super) use rates::{Rate, Rates};
pub(super) use request::{Limits, peer_of};

use body::Bodies;
use metrics::Metrics;
use problem::Code;
use request::RequestIds;

/// Every endpoint, in the order of the documents.
const ENDPOINTS: &[&Endpoint] = &[
    &enrol::ENROL,
    &check_in::CHECK_IN,
    &rules::RULES,
    &hosts::SUMMARY,
    &hosts::LIST,
    &hosts::ONE,
    &findings::OF_HOST,
    &findings::LIST,
    &items::LIST,
    &items::HOSTS,
    &coverage::LIST,
    &coverage::SOURCES,
    &events::LIST,
    &events::DESTINATIONS,
    &expected::LIST,
    &expected::REPLACE,
    &rulesets::LIST,
    &rulesets::PUSH,
    &rulesets::ACTIVATE,
    &rulesets::ONE,
    &dry_run::DRY_RUN,
    &dry_run::AS_OF,
    &assignments::LIST,
    &assignments::ASSIGN,
    &assignments::TAGS,
    &exceptions::LIST,
    &exceptions::GRANT,
    &exceptions::WITHDRAW,
    &changes::JOBS_LIST,
    &changes::AUDIT,
    &health::LIVES,
    &health::READY,
    &health::METRICS,
    &openapi::DOCUMENT,
];

/// Whom an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// Whoever asks.
    Anybody,
    /// Enrolled hosts, by their token.
    Hosts,
    /// People and programs, by a token for questions.
    Askers,
    /// By such a token of an operator or an admin.
    Operators,
    /// By such a token of an admin.
    Admins,
}

/// Makes the schema of a type, and of what it is made of.
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// An endpoint: how it is reached, and what there is to say of it.
struct Endpoint {
    /// `get`, `post`, `put` or `delete`.
    method: &'static str,
    path: &'static str,
    /// A name for programs.
    id: &'static str,
    /// What it does, in a line.
    summary: &'static str,
    whom: Whom,
    /// Parameters of the address.
    query: Option<SchemaOf>,
    /// The document that is sent.
    body: Option<SchemaOf>,
    /// The JSON of the answer; none: text.
    answer: Option<SchemaOf>,
    /// Whether the answer is a page of rows, which can be had as JSON Lines and CSV too.
    rows: bool,
    /// Refusals that are its own.
    refusals: &'static [Code],
    route: fn() -> MethodRouter<Shared>,
}

/// The schema of a type, for [`Endpoint`].
fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The schema of parameters, with every one of them at hand.
fn parameters<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// What every handler works with.
struct App {
    store: Arc<dyn Store>,
    desk: Desk,
    site_key: String,
    /// Keys that may sign rules.
    trusted_keys: Vec<TrustedKey>,
    now: fn() -> Stamp,
    limits: Limits,
    /// Seconds without a report, after which nothing is known of a host any more.
    stale_after: i64,
    bodies: Bodies,
    /// For who has no token yet.
    small_bodies: Bodies,
    metrics: Metrics,
    request_ids: RequestIds,
    places: Arc<Semaphore>,
    /// Those of them that may be taken by who has shown no token.
    strangers: Semaphore,
    /// Dry runs at a time.
    trials: Semaphore,
    host_rates: Rates<Id>,
    api_rates: Rates<String>,
    refused_rates: Rates<IpAddr>,
}

type Shared = Arc<App>;

/// What the router is made of.
pub(super) struct Parts {
    /// Where the fleet is kept.
    pub store: Arc<dyn Store>,
    /// Who takes check-ins.
    pub desk: Desk,
    /// By which endpoints make pseudonyms of users.
    pub site_key: String,
    /// Keys that may sign rules.
    pub trusted_keys: Vec<TrustedKey>,
    /// The clock.
    pub now: fn() -> Stamp,
    /// Numbers of this run's requests begin so.
    pub run: u32,
    /// How much at a time.
    pub limits: Limits,
    /// How large bodies may be.
    pub caps: Caps,
    /// Seconds without a report, after which nothing is known of a host any more.
    pub stale_after: i64,
    /// What is answered beside the API, and led as its requests are.
    pub pages: Router,
}

/// Of an answer that is a refusal and has its body: it is for people.
#[derive(Debug, Clone, Copy)]
pub(super) struct Explained;

/// Everything that is answered.
pub(super) fn router(parts: Parts) -> Router {
    let rate = |(at_once, a_minute)| Rate { at_once, a_minute };
    let within = parts.caps.within.min(body::STRANGERS_WITHIN);
    let small = Caps { packed: body::SMALL, unpacked: body::SMALL, within, ..parts.caps };
    let app = Arc::new(App {
        store: parts.store,
        desk: parts.desk,
        site_key: parts.site_key,
        trusted_keys: parts.trusted_keys,
        now: parts.now,
        limits: parts.limits,
        stale_after: parts.stale_after,
        bodies: Bodies::new(parts.caps),
        small_bodies: Bodies::new(small),
        metrics: Metrics::default(),
        request_ids: RequestIds::new(parts.run),
        places: Arc::new(Semaphore::new(parts.limits.at_once)),
        strangers: Semaphore::new((parts.limits.at_once / 8).max(1)),
        trials: Semaphore::new(1),
        host_rates: Rates::new(rate(parts.limits.host_rate)),
        api_rates: Rates::new(rate(parts.limits.api_rate)),
        refused_rates: Rates::new(rate(parts.limits.refused_rate)),
    });
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        router = router.route(endpoint.path, (endpoint.route)());
    }
    router
        .merge(parts.pages.with_state(()))
        .fallback(request::no_route)
        // Handlers that take a body bound it themselves, while it comes.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(&app), request::track))
        .with_state(app)
}
