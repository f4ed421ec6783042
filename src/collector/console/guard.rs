//! Who may see which page: the one place where a session, a role and the origin of a change are asked for.
//!
//! The layer round every route of the console. Handlers get a [`Visitor`], and never look for one themselves.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest as _, Sha256};

use crate::collector::api::Explained;
use crate::collector::auth::{Kind, hash_of};
use crate::collector::store::{By, Role, SecretHash};
use crate::model::Id;

use super::fields::{Address, Fields};
use super::frame::{self, Wrong};
use super::{Console, Route, Shared};

/// Bytes of a form, and of one with files.
const FORM: usize = 1 << 20;
const FILES: usize = 16 << 20;
/// Bytes of a form of who has shown no session: a name, a password and where to go.
const STRANGER: usize = 16 << 10;
/// The field in which a form says that it is of this session.
pub(super) const CSRF: &str = "csrf";

/// Whom a page is shown.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// What they are called.
    pub(super) name: String,
    /// What they may.
    pub(super) role: Role,
    /// What forms of the session say.
    pub(super) csrf: String,
    /// The session.
    pub(super) session: SecretHash,
}

impl Visitor {
    /// Whether they may what needs a role.
    pub(super) fn may(&self, least: Role) -> bool {
        self.role >= least
    }

    /// Who changes something, and when.
    pub(super) fn by(&self, console: &Console) -> By {
        By { actor: self.name.clone(), at: (console.now)() }
    }
}

/// Leads a request to its page, where who asks may see it, and gives the answer its headers.
pub(super) async fn pass(
    State((console, route)): State<(Shared, Route)>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match enter(&console, route, request).await {
        Ok(request) => {
            let visitor = request.extensions().get::<Visitor>().cloned();
            let mut response = next.run(request).await;
            // Who it is is known here: what a page could not tell stands between the places that they may go on to.
            match response.extensions_mut().remove::<Wrong>() {
                Some(wrong) => wrong.page(visitor.as_ref()),
                None => response,
            }
        }
        Err(refusal) => refusal,
    };
    guard(&console, response.headers_mut());
    response.extensions_mut().insert(Explained);
    response
}

/// Who may not is told so before anything of the body is read: a stranger's is small, and files are taken of nobody else.
async fn enter(console: &Console, route: Route, request: Request) -> Result<Request, Response> {
    let (mut head, body) = request.into_parts();
    if route.changes() && !is_own(&head.headers) {
        return Err(Wrong::new(StatusCode::FORBIDDEN, "This form is of another site.").page(None));
    }
    let visitor = match route.least {
        Some(least) => Some(admitted(console, route, &head, least).await?),
        None => None,
    };
    let fields = if route.changes() {
        form(&head.headers, body, visitor.is_some()).await.map_err(|wrong| wrong.page(visitor.as_ref()))?
    } else {
        Fields::read(head.uri.query().unwrap_or_default().as_bytes())
    };
    if let Some(visitor) = visitor {
        if route.changes() && !fields.get(CSRF).is_some_and(|said| is_same(said, &visitor.csrf)) {
            let why = "This form is not of this session. Nothing was changed; go back, load the page anew, and do it again.";
            return Err(Wrong::new(StatusCode::FORBIDDEN, why).page(Some(&visitor)));
        }
        head.extensions.insert(visitor);
    }
    head.extensions.insert(fields);
    Ok(Request::from_parts(head, Body::empty()))
}

/// Who asks, where they may see what needs a role.
async fn admitted(console: &Console, route: Route, head: &Parts, least: Role) -> Result<Visitor, Response> {
    let Some(visitor) = visitor(console, &head.headers).await.map_err(|wrong| wrong.page(None))? else {
        if route.changes() {
            let why = "Your session is over. Nothing was changed; sign in and do it again.";
            return Err(Wrong::new(StatusCode::UNAUTHORIZED, why).page(None));
        }
        let to = head.uri.path_and_query().map_or("/", |path| path.as_str());
        return Err(frame::to(&Address::of("/sign-in").with("to", to)));
    };
    if visitor.may(least) {
        return Ok(visitor);
    }
    tracing::warn!(person = visitor.name, role = visitor.role.word(), path = head.uri.path(), "role refused");
    let why = format!("This needs the role {}; yours is {}.", least.word(), visitor.role.word());
    Err(Wrong::new(StatusCode::FORBIDDEN, why).page(Some(&visitor)))
}

/// What a form holds.
async fn form(headers: &HeaderMap, body: Body, is_known: bool) -> Result<Fields, Wrong> {
    let boundary = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let boundary = boundary.and_then(|kind| multer::parse_boundary(kind).ok());
    let most = match (is_known, &boundary) {
        (false, _) => STRANGER,
        (true, None) => FORM,
        (true, Some(_)) => FILES,
    };
    let bytes = to_bytes(body, most).await;
    let bytes = bytes
        .map_err(|_| Wrong::new(StatusCode::PAYLOAD_TOO_LARGE, "That is more than a form here holds."))?;
    match boundary {
        None => Ok(Fields::read(&bytes)),
        Some(boundary) => Fields::with_files(bytes, boundary)
            .await
            .ok_or_else(|| Wrong::new(StatusCode::BAD_REQUEST, "Not all of the form came. Do it again.")),
    }
}

/// Whose session the request shows; none: it shows none that goes on.
async fn visitor(console: &Console, headers: &HeaderMap) -> Result<Option<Visitor>, Wrong> {
    let Some(token) = cookie_called(console.cookie(), headers) else { return Ok(None) };
    let Some(session) = hash_of(token, Kind::Session) else { return Ok(None) };
    let found = console.store.session(session, (console.now)()).await?;
    Ok(found.map(|found| Visitor { name: found.name, role: found.role, csrf: csrf(token), session }))
}

/// What the browser keeps under a name.
pub(super) fn cookie_called<'h>(called: &str, headers: &'h HeaderMap) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == called).map(|(_, value)| value)
}

/// What a form of a session says: of the session's token, which no other site can read.
fn csrf(token: &str) -> String {
    Id::of(&Sha256::new().chain_update(b"form ").chain_update(token).finalize()).to_string()
}

/// Equal, in a time that does not say where they differ.
fn is_same(one: &str, other: &str) -> bool {
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    digest(one) == digest(other)
}

/// Whether a form was sent from a page of this site: by `Sec-Fetch-Site`, else by `Origin`. A program that says neither has no
/// cookies of somebody else.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    match (text(header::HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(header::HOST)
        }
        (None, None) => true,
    }
}

/// Headers of every page: what it may load and who may show it in a frame (Content Security Policy Level 3).
fn guard(console: &Console, headers: &mut HeaderMap) {
    const ALWAYS: [(&str, &str); 6] = [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if console.secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_form_of_another_site_is_none_of_ours() {
        let own = |pairs: &[(&'static str, &str)]| is_own(&headers(pairs));
        assert!(own(&[("sec-fetch-site", "same-origin")]) && own(&[]));
        assert!(own(&[("origin", "https://c.example:8787"), ("host", "c.example:8787")]));
        for site in ["cross-site", "same-site", ""] {
            assert!(
                !own(&[("sec-fetch-site", site), ("origin", "https://c.example"), ("host", "c.example")]),
                "{site}"
            );
        }
        for origin in ["https://evil.example", "null", "https://c.example.evil.example", ""] {
            assert!(!own(&[("origin", origin), ("host", "c.example")]), "{origin}");
        }
    }

    #[test]
    fn a_form_says_the_session_without_giving_it_away() {
        let said = csrf("idc_secret");
        assert_eq!(said.len(), 32);
        assert!(
            is_same(&said, &csrf("idc_secret")) && !is_same(&said, &csrf("idc_other")) && !is_same(&said, "")
        );
    }
}
