//! `interdict-collector serve`: opens the store, listens, answers until it is told to stop, and ends what it began.
//!
//! Called by `command`. Works on a fresh machine with nothing set up.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;

use crate::ruleset::TrustedKey;

use super::admin::{first_credentials, say_first};
use super::api::{Caps, Limits, Parts, router};
use super::auth::new_id;
use super::check_in::Desk;
use super::command::Failure;
use super::config::Listen;
use super::connections::Bounded;
use super::console::oidc::Provider;
use super::court::{Court, NoLaw};
use super::destinations::Destinations;
use super::person_command::{first_set_up, say_set_up};
use super::place::Place;
use super::store::Store;
use super::tls::Tls;
use super::upkeep::prune_daily;
use super::watch::watch;
use super::{clock, console, log, retro};

/// What `serve` is told.
pub(super) struct Settings {
    pub(super) place: Place,
    /// Whether somebody named it.
    pub(super) place_said: bool,
    pub(super) listen: Listen,
    pub(super) limits: Limits,
    pub(super) caps: Caps,
    pub(super) stale_after: i64,
    /// Days for which what is old is kept.
    pub(super) keep_days: u32,
    /// Who is told what happens.
    pub(super) destinations: Destinations,
    /// Keys that may sign rules.
    pub(super) trusted_keys: Vec<TrustedKey>,
    /// Who else vouches for people that sign in.
    pub(super) provider: Option<Arc<Provider>>,
}

fn no_law(settings: &Settings, error: NoLaw) -> Failure {
    match error {
        NoLaw::Store(cause) => settings.place.fault()(cause),
        NoLaw::Rules(why) => Failure::Rules(why),
    }
}

/// Answers until told to stop.
pub(super) async fn serve(settings: Settings) -> Result<(), Failure> {
    let listen = &settings.listen;
    if listen.tls.is_none() && !listen.insecure_plain && !listen.at.ip().is_loopback() {
        return Err(Failure::Plain(listen.at));
    }
    let _already = rustls::crypto::ring::default_provider().install_default();
    let tls = listen.tls.clone().map(Tls::load).transpose()?;
    let bound = TcpListener::bind(listen.at);
    let socket = bound.map_err(|cause| Failure::Listen { at: listen.at, cause })?;
    let place = &settings.place;
    if !settings.place_said {
        log::say(format_args!("the fleet is kept in {}; --data names another folder", place.data.display()));
    }
    let store = place.open(true).await?;
    tracing::info!(%place, "the fleet is open");
    first_start(place, store.as_ref()).await?;
    let site_key = place.site_key(store.as_ref(), false).await?;
    let court = Court::open(Arc::clone(&store)).await.map_err(|error| no_law(&settings, error))?;
    court.upgrade(clock::now()).await.map_err(|error| no_law(&settings, error))?;
    let court = Arc::new(court);
    let desk = Desk::of(Arc::clone(&court));
    let [a, b, c, d, ..] = new_id()?.0;
    let pages = pages(&settings, &store, &court);
    let app = router(Parts {
        store: Arc::clone(&store),
        desk,
        site_key,
        trusted_keys: settings.trusted_keys.clone(),
        now: clock::now,
        run: u32::from_be_bytes([a, b, c, d]),
        limits: settings.limits,
        caps: settings.caps,
        stale_after: settings.stale_after,
        pages,
    });
    let pruning = tokio::spawn(prune_daily(Arc::clone(&store), settings.keep_days));
    let watching = tokio::spawn(watch(Arc::clone(&store), Arc::clone(&court), settings.stale_after));
    let telling = settings.destinations.begin(&store);
    let anew = tokio::spawn(retro::run(Arc::clone(&store), court, clock::now));
    let ended = answer(listen, socket, tls, app).await;
    pruning.abort();
    watching.abort();
    drop(telling);
    anew.abort();
    store.close().await;
    ended.map_err(|cause| Failure::Listen { at: listen.at, cause })?;
    tracing::info!("stopped");
    Ok(())
}

/// Gives a fleet that has none its first secret, token and set-up token, and says where they are.
async fn first_start(place: &Place, store: &dyn Store) -> Result<(), Failure> {
    if let Some(files) = first_credentials(place, store).await? {
        say_first(&files);
    }
    if let Some(path) = first_set_up(place, store).await? {
        say_set_up(&path);
    }
    Ok(())
}

/// The pages for people.
fn pages(settings: &Settings, store: &Arc<dyn Store>, court: &Arc<Court>) -> Router {
    console::pages(console::Parts {
        store: Arc::clone(store),
        court: Arc::clone(court),
        trusted_keys: settings.trusted_keys.clone(),
        now: clock::now,
        stale_after: settings.stale_after,
        keep_days: settings.keep_days,
        // Behind something that speaks TLS for it, browsers come by TLS too.
        secure: settings.listen.tls.is_some() || settings.listen.insecure_plain,
        provider: settings.provider.clone(),
    })
}

/// Listens, until a signal comes and what was begun has ended.
async fn answer(listen: &Listen, socket: TcpListener, tls: Option<Tls>, app: Router) -> io::Result<()> {
    let handle = Handle::<SocketAddr>::new();
    let at = socket.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut server = axum_server::from_tcp(socket)?.handle(handle.clone()).http1_only();
    server.http_builder().http1().header_read_timeout(listen.head_within).max_buf_size(HEAD_BYTES);
    // Who is told where it listens may at once tell it to stop.
    let told = told()?;
    let stop = tokio::spawn(stop_when(told, handle, listen.shutdown_within));
    tracing::info!(at = format!("{scheme}://{at}"), "listening");
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let bounded = Bounded::new(listen.connections, listen.taken_within, NoDelayAcceptor::new());
    let ended = match tls {
        None => server.acceptor(bounded).serve(app).await,
        Some(tls) => {
            let acceptor = RustlsAcceptor::new(tls.config()).acceptor(bounded);
            let follow = tokio::spawn(tls.follow());
            let ended = server.acceptor(acceptor).serve(app).await;
            follow.abort();
            ended
        }
    };
    stop.abort();
    ended
}

/// Bytes of a request's head, its address and headers together.
const HEAD_BYTES: usize = 64 << 10;

/// A first signal lets what was begun end; it is not waited for longer than so.
async fn stop_when(told: impl Future<Output = ()>, handle: Handle<SocketAddr>, within: Duration) {
    told.await;
    tracing::info!(open = handle.connection_count(), "stopping");
    handle.graceful_shutdown(Some(within));
}

/// Ends when the collector is told to stop; signals are taken from the call on.
#[cfg(unix)]
fn told() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends when the collector is told to stop; signals are taken from the call on.
#[cfg(windows)]
fn told() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        _ = interrupt.recv().await;
    })
}
