//! What is done round every request: its number, its end in time, its line in the log, its figures, and the body of its
//! refusal.
//!
//! The outermost layer of `api`. Logs the pattern of the address, never what was asked for, and no header.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::auth::{Tell, Told};
use super::problem::{BUSY, Fault, INTERNAL, full};
use super::{Explained, Shared};

/// The header by which a client can name the request to a person who reads the log.
const REQUEST_ID: &str = "x-request-id";

/// A request's number.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) String);

/// Numbers of requests: of this run of the program, and one after the other.
#[derive(Debug)]
pub(super) struct RequestIds {
    run: u32,
    next: AtomicU32,
}

impl RequestIds {
    /// Numbers for a run that this tells from others.
    pub(super) fn new(run: u32) -> Self {
        Self { run, next: AtomicU32::new(1) }
    }

    fn next(&self) -> RequestId {
        RequestId(format!("{:08x}-{:08x}", self.run, self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Who is at the other end, as far as limits go: an address, or a network of IPv6 where one site has endless addresses.
pub(super) fn peer(request: &Request) -> IpAddr {
    let at = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    peer_of(at.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))
}

pub(in crate::collector) fn peer_of(at: IpAddr) -> IpAddr {
    match at.to_canonical() {
        IpAddr::V6(at) => IpAddr::V6(Ipv6Addr::from_bits(at.to_bits() & !u128::from(u64::MAX))),
        at @ IpAddr::V4(_) => at,
    }
}

/// Leads a request to its handler and its answer to the client.
pub(super) async fn track(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = app.request_ids.next();
    let pattern = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = pattern.unwrap_or_else(|| "none".to_owned());
    let method = request.method().clone();
    let at = peer(&request);
    let told = Arc::new(Told::default());
    request.extensions_mut().insert(Tell { told: Arc::clone(&told), peer: at });
    let in_flight = app.metrics.begin();
    let mut response = handle(&app, request, next).await;
    let fault = fault_of(&response);
    if let Some(fault) = &fault {
        explain(&mut response, fault, &id);
    }
    finish(&mut response, &id);
    drop(in_flight);
    let status = response.status();
    app.metrics.answered(&route, status.as_u16(), started.elapsed());
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let code = fault.as_ref().map(|fault| fault.code().word);
    let (who, refused) = (told.who.get().map(ToString::to_string), told.refused.get().copied());
    let (id, status) = (id.0, status.as_u16());
    match status {
        500.. => {
            tracing::error!(request = id, %method, route, status, code, ms, who, peer = %at, "request");
        }
        // Who is told to come later may come often: the log must not fill.
        200..=399 | 429 => {
            tracing::debug!(request = id, %method, route, status, ms, who, peer = %at, "request");
        }
        _ => {
            tracing::warn!(request = id, %method, route, status, code, ms, who, refused, peer = %at, "request");
        }
    }
    response
}

/// The handler runs as a task of its own: one that panics ends its request alone, and a client that goes away stops none
/// half-way.
async fn handle(app: &Shared, request: Request, next: Next) -> Response {
    let Ok(place) = Arc::clone(&app.places).try_acquire_owned() else {
        return Fault::new(BUSY, "the collector answers as many requests as it can; try again later")
            .after(5)
            .into_response();
    };
    let task = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(place);
        response
    });
    let stop = task.abort_handle();
    match tokio::time::timeout(app.limits.within, task).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            tracing::error!(error = full(&error), "a handler failed");
            Fault::new(INTERNAL, "a fault of the collector; its log says more").into_response()
        }
        Err(_) => {
            stop.abort();
            Fault::new(BUSY, "the answer took too long; try again later").after(30).into_response()
        }
    }
}

/// Why a request was refused: in a handler's words, or for an answer that the framework made.
fn fault_of(response: &Response) -> Option<Arc<Fault>> {
    let status = response.status();
    if response.extensions().get::<Explained>().is_some() {
        return None;
    }
    let said = response.extensions().get::<Arc<Fault>>().cloned();
    said.or_else(|| {
        (status.is_client_error() || status.is_server_error()).then(|| Arc::new(Fault::of_status(status)))
    })
}

/// Gives a refusal its body.
fn explain(response: &mut Response, fault: &Fault, id: &RequestId) {
    let text = serde_json::to_vec(&fault.problem(id.0.clone())).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(text);
}

fn finish(response: &mut Response, id: &RequestId) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// How long handlers may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::collector) struct Limits {
    /// From the request's head to the answer's.
    pub within: Duration,
    /// Requests that are answered at a time.
    pub at_once: usize,
    /// Turns of one host at once and a minute.
    pub host_rate: (u32, u32),
    /// Turns of one token for questions at once and a minute.
    pub api_rate: (u32, u32),
    /// Refused tokens and secrets of one address at once and a minute.
    pub refused_rate: (u32, u32),
}

/// What is no address is answered like every other refusal.
pub(super) async fn no_route() -> Fault {
    Fault::of_status(StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        let peer = |text: &str| peer_of(text.parse().unwrap()).to_string();
        assert_eq!(peer("2001:db8:1:2:aaaa::1"), peer("2001:db8:1:2:bbbb::2"));
        assert_ne!(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
        assert_eq!(peer("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn requests_have_numbers_of_their_own() {
        let ids = RequestIds::new(7);
        assert_eq!((ids.next().0, ids.next().0), ("00000007-00000001".into(), "00000007-00000002".into()));
    }
}
