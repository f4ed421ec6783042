//! Signing in and out, the first admin, one's own password.
//!
//! Whoever is told that name or password is wrong is not told which, nor whether somebody is kept out for a while: it would say
//! who there is.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use axum::Extension;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use axum::response::Response;
use axum::routing::{get, post};

use crate::collector::auth::{Kind, Token};
use crate::collector::store::{By, NewPerson, NewSession, PersonChange, Role, SignsIn};
use crate::emit::Page;
use crate::model::Stamp;

use super::fields::{Address, Fields, back};
use super::frame::{self, Wrong, field, hidden};
use super::guard::Visitor;
use super::{Console, Route, Shared, password};

/// Seconds that a session lasts, used or not.
const LASTS: i64 = 12 * 3_600;
/// What is said of every name and password that do not go together.
const WRONG: &str = "Name or password is wrong. After five wrong passwords nobody can sign in by that name for a quarter of an hour.";

pub(super) const SIGN_IN: Route = Route::open("get", "/sign-in", || get(asked));
pub(super) const SIGNED_IN: Route = Route::open("post", "/sign-in", || post(signed_in));
pub(super) const SIGN_OUT: Route = Route::of("post", "/sign-out", Role::Viewer, || post(signed_out));
pub(super) const SET_UP_PAGE: Route = Route::open("get", "/set-up", || get(set_up_asked));
pub(super) const SET_UP_DONE: Route = Route::open("post", "/set-up", || post(set_up));
pub(super) const ACCOUNT: Route = Route::of("get", "/account", Role::Viewer, || get(account));
pub(super) const ACCOUNT_CHANGED: Route =
    Route::of("post", "/account", Role::Viewer, || post(account_changed));

/// Where a request is from, as far as limits go.
pub(super) struct Peer(pub(super) IpAddr);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let at = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Ok(Self(crate::collector::api::peer_of(at.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))))
    }
}

async fn asked(
    State(console): State<Shared>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    if console.store.people().await?.is_empty() {
        return Ok(frame::to(&Address::of("/set-up")));
    }
    Ok(sign_in_page(&console, back(fields.get("to")), None))
}

fn sign_in_page(console: &Console, to: &str, wrong: Option<&str>) -> Response {
    frame::open("Sign in", |page| {
        said(page, wrong);
        page.raw("<form class=\"card fill\" method=\"post\" action=\"/sign-in\">");
        hidden(page, "to", to);
        page.raw("<label>Name<input name=\"name\" required autocomplete=\"username\" autofocus></label>\n");
        page.raw("<label>Password<input name=\"password\" type=\"password\" required autocomplete=\"current-password\"></label>\n");
        page.raw("<button class=\"act\">Sign in</button></form>\n");
        if let Some(provider) = &console.provider {
            page.raw("<p class=\"card\"><a href=\"")
                .prose(Address::of("/oidc").with("to", to).as_str())
                .raw("\">Sign in with ");
            page.text(&provider.name).raw("</a></p>\n");
        }
    })
}

fn said(page: &mut Page<'_>, wrong: Option<&str>) {
    if let Some(wrong) = wrong {
        page.raw("<p class=\"card mark bad said\" role=\"alert\">").prose(wrong).raw("</p>\n");
    }
}

async fn signed_in(
    State(console): State<Shared>,
    Peer(peer): Peer,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let to = back(fields.get("to"));
    let now = (console.now)();
    console.take_attempt(peer, Instant::now())?;
    let (name, given) =
        (fields.get("name").unwrap_or_default(), fields.exactly("password").unwrap_or_default());
    let person = console.store.person(name).await?;
    let kept = person.as_ref().and_then(|person| match &person.by {
        SignsIn::Password(kept) => Some(kept.clone()),
        SignsIn::Provider(_) => None,
    });
    let is_out = person.as_ref().is_none_or(|person| {
        person.disabled.is_some() || person.locked_until.is_some_and(|until| until > now)
    });
    let right = password::is(given.to_owned(), kept).await;
    // Who is kept out is not counted, and does not learn whether the password was right.
    if is_out || !right {
        if !is_out && console.store.tried(name, false, now).await? {
            tracing::warn!(person = name, %peer, "kept out for a while, after wrong passwords");
        }
        tracing::warn!(person = name, %peer, "sign-in refused");
        let mut page = sign_in_page(&console, to, Some(WRONG));
        *page.status_mut() = StatusCode::FORBIDDEN;
        return Ok(page);
    }
    console.store.tried(name, true, now).await?;
    let name = person.map(|person| person.name).unwrap_or_default();
    begin(&console, name, to, now).await
}

/// A session begins, under a token that nobody had before.
pub(super) async fn begin(console: &Console, name: String, to: &str, now: Stamp) -> Result<Response, Wrong> {
    let failed = |why: &str| Wrong::new(StatusCode::INTERNAL_SERVER_ERROR, why);
    let token = Token::new(Kind::Session).map_err(|error| failed(&error.to_string()))?;
    let ends = Stamp::from_unix(now.unix() + LASTS).ok_or_else(|| failed("The clock is wrong."))?;
    tracing::info!(person = name, "signed in");
    console.store.begin_session(&NewSession { hash: token.hash(), name, ends }, now).await?;
    let mut answer = frame::to(&Address::of(to));
    set_cookie(console, &mut answer, console.cookie(), token.reveal(), LASTS)?;
    Ok(answer)
}

/// `Strict` would not be sent by who follows a link in a mail; what changes something is a form of this site in any case.
pub(super) fn set_cookie(
    console: &Console,
    answer: &mut Response,
    name: &str,
    value: &str,
    seconds: i64,
) -> Result<(), Wrong> {
    let secure = if console.secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    let value = HeaderValue::from_str(&text);
    let value =
        value.map_err(|_| Wrong::new(StatusCode::INTERNAL_SERVER_ERROR, "The cookie cannot be said."))?;
    answer.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

async fn signed_out(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Wrong> {
    console.store.end_session(visitor.session).await?;
    let mut answer = frame::to(&Address::of("/sign-in"));
    set_cookie(&console, &mut answer, console.cookie(), "", 0)?;
    Ok(answer)
}

async fn set_up_asked(
    State(console): State<Shared>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    if !console.store.people().await?.is_empty() {
        return Ok(frame::to(&Address::of("/sign-in")));
    }
    Ok(set_up_page(&fields, None))
}

fn set_up_page(fields: &Fields, wrong: Option<&str>) -> Response {
    frame::open("Set up the console", |page| {
        said(page, wrong);
        page.raw("<p class=\"card\">Nobody can sign in yet. The file <code>console-set-up-token</code> in the collector's data folder was \
                  written when it was set up; its token lets the first admin in, once.</p>\n");
        page.raw("<form class=\"card fill\" method=\"post\" action=\"/set-up\">");
        page.raw("<label>Set-up token<input name=\"token\" required autocomplete=\"off\" value=\"");
        page.text(fields.get("token").unwrap_or_default()).raw("\"></label>\n");
        page.raw("<label>Your name<input name=\"name\" required autocomplete=\"username\" value=\"");
        page.text(fields.get("name").unwrap_or_default()).raw("\"></label>\n");
        page.raw(
            "<label>Password, twelve letters at least<input name=\"password\" type=\"password\" required \
                  autocomplete=\"new-password\"></label>\n",
        );
        page.raw("<button class=\"act\">Let me in</button></form>\n");
    })
}

async fn set_up(
    State(console): State<Shared>,
    Peer(peer): Peer,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let now = (console.now)();
    let refused = |wrong: &str| {
        let mut page = set_up_page(&fields, Some(wrong));
        *page.status_mut() = StatusCode::FORBIDDEN;
        Ok(page)
    };
    console.take_attempt(peer, Instant::now())?;
    let token = fields.get("token").and_then(|token| crate::collector::auth::hash_of(token, Kind::SetUp));
    let Some(token) = token else {
        return refused("That is no set-up token: it begins with idu_.");
    };
    let new = match new_person(&fields, Role::Admin, None).await {
        Ok(new) => new,
        Err(wrong) => return refused(&wrong),
    };
    let by = By { actor: new.name.clone(), at: now };
    if !console.store.set_up(&new, token, &by).await? {
        tracing::warn!(%peer, "a set-up token was refused");
        return refused("The token does not hold: it was used, or is another collector's.");
    }
    console.store.tried(&new.name, true, now).await?;
    begin(&console, new.name, "/", now).await
}

/// Somebody as a form tells of them.
pub(super) async fn new_person(
    fields: &Fields,
    role: Role,
    subject: Option<String>,
) -> Result<NewPerson, String> {
    let name = fields.get("name").unwrap_or_default().to_owned();
    check_name(&name)?;
    if let Some(subject) = subject {
        return Ok(NewPerson { name, role, by: SignsIn::Provider(subject) });
    }
    let given = fields.exactly("password").unwrap_or_default().to_owned();
    password::check(&given)?;
    Ok(NewPerson { name, role, by: SignsIn::Password(password::hash(given).await?) })
}

/// A name is what the audit log says, so that two people do not look alike in it.
pub(in crate::collector) fn check_name(name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(fits) {
        return Ok(());
    }
    Err("a name has up to 64 letters of a to z, digits, and . _ - @".to_owned())
}

/// Whose password a form is about, for programs that keep passwords.
pub(super) fn username(page: &mut Page<'_>, name: &str) {
    page.raw("<input name=\"username\" autocomplete=\"username\" hidden value=\"").text(name).raw("\">");
}

async fn account(Extension(visitor): Extension<Visitor>) -> Response {
    account_page(&visitor, None)
}

fn account_page(visitor: &Visitor, wrong: Option<&str>) -> Response {
    frame::page(visitor, "", "Your account", |page| {
        said(page, wrong);
        page.raw("<p>You are ")
            .text(&visitor.name)
            .raw(", ")
            .raw(visitor.role.word())
            .raw(".</p>\n<section class=\"card\">");
        page.heading(2, "grp", "Another password");
        frame::form(page, visitor, "/account", |page| {
            page.raw("<div class=\"fill\">");
            username(page, &visitor.name);
            field(page, "Password of now", "old", "password", "");
            field(page, "New password, twelve letters at least", "password", "password", "");
            page.raw("<button class=\"act\">Change it, and end my sessions</button></div>");
        });
        page.raw("</section>\n");
    })
}

async fn account_changed(
    State(console): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let refused = |wrong: &str| {
        let mut page = account_page(&visitor, Some(wrong));
        *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        Ok(page)
    };
    let now = (console.now)();
    let person = console.store.person(&visitor.name).await?.ok_or_else(|| Wrong::none("person"))?;
    let SignsIn::Password(kept) = person.by else {
        return refused("You sign in by a provider of identities; your password is there.");
    };
    let [old, new] = ["old", "password"].map(|name| fields.exactly(name).unwrap_or_default().to_owned());
    if !password::is(old, Some(kept)).await {
        console.store.tried(&visitor.name, false, now).await?;
        return refused("That is not the password of now.");
    }
    if let Err(wrong) = password::check(&new) {
        return refused(&wrong);
    }
    let hash = password::hash(new).await;
    let hash = hash.map_err(|why| Wrong::new(StatusCode::INTERNAL_SERVER_ERROR, why))?;
    let by = visitor.by(&console);
    console.store.change_person(&visitor.name, &PersonChange::Password(hash), &by).await?;
    Ok(frame::to(&Address::of("/sign-in")))
}
