//! The console: pages of the fleet for people, drawn by the collector; one file per place, listed in [`ROUTES`] with who may see
//! it.
//!
//! Mounted by `serve` beside the API, whose outermost layer leads its requests too. Pages ask the store and change the law by
//! `rules`, as the API does; `guard` alone knows who may what. Works without scripts; loads nothing from elsewhere.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get};
use tokio::sync::Semaphore;

use crate::model::{Id, Stamp};
use crate::ruleset::TrustedKey;

use super::api::{Rate, Rates};
use super::court::Court;
use super::store::{HostDetail, Role, Store};

use frame::Wrong;

mod assets;
mod audit;
mod chart;
mod compare;
mod coverage;
mod fields;
mod findings;
mod frame;
mod guard;
mod host;
mod hosts;
pub(super) mod oidc;
mod overview;
pub(super) mod password;
mod policies;
mod settings;
pub(super) mod sign_in;
mod software;
mod waivers;

#[cfg(test)]
mod tests;

/// Attempts to sign in of one address: so many at once, and so many a minute.
const ATTEMPTS: Rate = Rate { at_once: 20, a_minute: 20 };

/// A page, or what a form does.
#[derive(Clone, Copy)]
struct Route {
    /// `get` or `post`.
    method: &'static str,
    path: &'static str,
    /// Who may; none: anybody.
    least: Option<Role>,
    handler: fn() -> MethodRouter<Shared>,
}

impl Route {
    const fn of(
        method: &'static str,
        path: &'static str,
        least: Role,
        handler: fn() -> MethodRouter<Shared>,
    ) -> Self {
        Self { method, path, least: Some(least), handler }
    }

    /// Whether it changes something, so that only a form of ours may ask for it.
    fn changes(&self) -> bool {
        self.method != "get"
    }

    const fn open(method: &'static str, path: &'static str, handler: fn() -> MethodRouter<Shared>) -> Self {
        Self { method, path, least: None, handler }
    }
}

/// Everything that the console answers.
const ROUTES: &[Route] = &[
    overview::OVERVIEW,
    overview::REPORT,
    findings::LIST,
    findings::WAIVE,
    hosts::LIST,
    hosts::EXPECT,
    host::ONE,
    host::TAGS,
    compare::COMPARE,
    software::LIST,
    software::ONE,
    coverage::LIST,
    coverage::ACCEPT,
    policies::LIST,
    policies::ASSIGN,
    policies::TRY,
    policies::RULES,
    policies::PUSH,
    policies::ACTIVATE,
    waivers::LIST,
    waivers::WITHDRAW,
    audit::LIST,
    settings::PAGE,
    settings::ADD_PERSON,
    settings::CHANGE_PERSON,
    settings::MAKE,
    settings::REVOKE,
    settings::RETAIN,
    sign_in::SIGN_IN,
    sign_in::SIGNED_IN,
    sign_in::SIGN_OUT,
    sign_in::SET_UP_PAGE,
    sign_in::SET_UP_DONE,
    sign_in::ACCOUNT,
    sign_in::ACCOUNT_CHANGED,
    oidc::GO,
    oidc::BACK,
    Route::open("get", "/assets/{name}", || get(assets::asset)),
];

/// What every page works with.
pub(super) struct Console {
    store: Arc<dyn Store>,
    court: Arc<Court>,
    trusted_keys: Vec<TrustedKey>,
    now: fn() -> Stamp,
    /// Seconds after which a host is stale.
    stale_after: i64,
    /// Days that reports and verdicts are kept, unless others were set.
    keep_days: u32,
    /// Whether browsers reach it by TLS alone.
    secure: bool,
    provider: Option<Arc<oidc::Provider>>,
    attempts: Rates<IpAddr>,
    /// Dry runs at a time.
    trials: Semaphore,
}

type Shared = Arc<Console>;

impl Console {
    /// The name under which browsers keep the session. With this prefix no other host can set it, nor one without TLS (RFC 6265bis,
    /// 4.1.3.2).
    fn cookie(&self) -> &'static str {
        if self.secure { "__Host-interdict" } else { "interdict" }
    }

    /// An attempt to sign in; an address has so many.
    fn take_attempt(&self, peer: IpAddr, now: Instant) -> Result<(), Wrong> {
        self.attempts.take(peer, now).map_err(|seconds| {
            let text = format!("Too many attempts from this address. Try again in {seconds} seconds.");
            Wrong::new(StatusCode::TOO_MANY_REQUESTS, text)
        })
    }

    /// The moment before which a host was not looked at for long.
    fn stale_before(&self) -> Option<Stamp> {
        Stamp::from_unix((self.now)().unix() - self.stale_after)
    }

    /// The host of an address.
    async fn the_host(&self, id: &str) -> Result<HostDetail, Wrong> {
        let none = || Wrong::none("host");
        let id: Id = id.parse().map_err(|_| none())?;
        self.store.host(id, self.stale_before()).await?.ok_or_else(none)
    }
}

/// What the console is made of.
pub(super) struct Parts {
    /// Where the fleet is kept.
    pub store: Arc<dyn Store>,
    /// Who judges.
    pub court: Arc<Court>,
    /// Keys that may sign rules.
    pub trusted_keys: Vec<TrustedKey>,
    /// The clock.
    pub now: fn() -> Stamp,
    /// Seconds after which a host is stale.
    pub stale_after: i64,
    /// Days that reports and verdicts are kept.
    pub keep_days: u32,
    /// Whether browsers reach it by TLS alone.
    pub secure: bool,
    /// Who else vouches for people.
    pub provider: Option<Arc<oidc::Provider>>,
}

/// Every page.
pub(super) fn pages<S: Clone + Send + Sync + 'static>(parts: Parts) -> Router<S> {
    let console = Arc::new(Console {
        store: parts.store,
        court: parts.court,
        trusted_keys: parts.trusted_keys,
        now: parts.now,
        stale_after: parts.stale_after,
        keep_days: parts.keep_days,
        secure: parts.secure,
        provider: parts.provider,
        attempts: Rates::new(ATTEMPTS),
        trials: Semaphore::new(1),
    });
    let mut router = Router::new();
    for route in ROUTES {
        let guarded = from_fn_with_state((Arc::clone(&console), *route), guard::pass);
        router = router.route(route.path, (route.handler)().route_layer(guarded));
    }
    router.with_state(console)
}
