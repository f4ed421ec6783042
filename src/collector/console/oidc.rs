//! Signing in by a provider of identities: the code flow of `OpenID Connect` Core 1.0 (3.1) with PKCE (RFC 7636).
//!
//! Called by `sign_in`'s page. Whom the provider names has to be known here: nobody is let in for having an account there. What is
//! kept between going there and coming back is kept by the browser, so that any collector of the fleet can take up the thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use ct_codecs::{Base64, Base64UrlSafeNoPadding, Decoder as _, Encoder as _};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use ureq::http::header;

use crate::collector::auth::random_text;
use crate::collector::outgoing::{agent, is_plain};
use crate::emit::uri::encode;
use crate::model::Stamp;

use super::fields::{Address, Fields, back};
use super::frame::{self, Wrong};
use super::guard::cookie_called;
use super::sign_in::{Peer, begin, set_cookie};
use super::{Route, Shared};

pub(super) const GO: Route = Route::open("get", "/oidc", || get(go));
pub(super) const BACK: Route = Route::open("get", "/oidc/back", || get(came_back));

/// For one call, whatever the provider does.
const CALL: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const MOST: u64 = 1 << 20;
/// Seconds that somebody may take at the provider.
const LASTS: i64 = 600;
/// Seconds by which clocks may differ.
const CLOCKS: i64 = 60;
/// Under which the browser keeps the thread.
const THREAD: &str = "interdict-oidc";

/// How a provider is reached, as the configuration has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::collector) struct OidcTable {
    /// What it is called on the page.
    name: String,
    /// Its issuer; below it lies `/.well-known/openid-configuration`.
    issuer: String,
    client_id: String,
    client_secret_file: PathBuf,
    /// The collector's own address, as browsers reach it.
    url: String,
    ca: Option<PathBuf>,
}

/// A provider that can be asked.
#[derive(Debug)]
pub(in crate::collector) struct Provider {
    pub(super) name: String,
    issuer: String,
    client_id: String,
    secret: String,
    redirect: String,
    agent: ureq::Agent,
}

/// Why a provider cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("[oidc] {key}: {why}")]
pub(in crate::collector) struct OidcError {
    key: &'static str,
    why: String,
}

impl Provider {
    /// Of the configuration.
    pub(in crate::collector) fn of(table: &OidcTable) -> Result<Self, OidcError> {
        let fault = |key, why: &str| OidcError { key, why: why.to_owned() };
        let plain = is_plain(&table.issuer).map_err(|why| fault("issuer", why))?;
        is_plain(&table.url).map_err(|why| fault("url", why))?;
        let secret = secret(&table.client_secret_file).map_err(|why| fault("client_secret_file", &why))?;
        let agent = agent(plain, table.ca.as_deref(), CALL).map_err(|why| fault("ca", &why))?;
        Ok(Self {
            name: table.name.clone(),
            issuer: table.issuer.clone(),
            client_id: table.client_id.clone(),
            secret,
            redirect: format!("{}/oidc/back", table.url.trim_end_matches('/')),
            agent,
        })
    }

    /// Under what somebody is known here: by the provider's own word for them, or by their address.
    pub(super) fn subject(&self, who: &str) -> String {
        format!("{} {who}", self.issuer)
    }

    fn fetched<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        is_plain(url).map_err(|why| format!("{url}: {why}"))?;
        read(self.agent.get(url).call().map_err(|error| format!("{url}: {error}"))?)
    }

    /// What the provider says of itself (`OpenID Connect` Discovery 1.0, 4).
    fn described(&self) -> Result<Described, String> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let described: Described = self.fetched(&url)?;
        if described.issuer != self.issuer {
            return Err(format!("it says that it is {}, and is to be {}", described.issuer, self.issuer));
        }
        is_plain(&described.authorization_endpoint)
            .map_err(|why| format!("authorization_endpoint: {why}"))?;
        is_plain(&described.token_endpoint).map_err(|why| format!("token_endpoint: {why}"))?;
        Ok(described)
    }

    /// Whom it vouches for.
    fn claims(&self, code: &str, thread: &Thread, now: Stamp) -> Result<Claims, String> {
        let described = self.described()?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", &thread.verifier),
        ];
        // RFC 6749, 2.3.1.
        let login =
            format!("{}:{}", encode(self.client_id.as_bytes(), b""), encode(self.secret.as_bytes(), b""));
        let login = Base64::encode_to_string(login).map_err(|error| error.to_string())?;
        let answer = self
            .agent
            .post(&described.token_endpoint)
            .header(header::AUTHORIZATION, format!("Basic {login}"))
            .send_form(form)
            .map_err(|error| format!("{}: {error}", described.token_endpoint))?;
        let tokens: Tokens = read(answer)?;
        let (claims, kid) = verified(&tokens.id_token, &self.fetched::<Keys>(&described.jwks_uri)?)?;
        tracing::debug!(kid, "an identity was vouched for");
        self.is_for_us(&claims, thread, now)?;
        Ok(claims)
    }

    /// `OpenID Connect` Core 1.0, 3.1.3.7.
    fn is_for_us(&self, claims: &Claims, thread: &Thread, now: Stamp) -> Result<(), String> {
        let audiences = claims.aud.all();
        let wrong = if claims.iss != self.issuer {
            "it is of another issuer"
        } else if !audiences.contains(&self.client_id.as_str()) {
            "it is for somebody else"
        } else if audiences.len() > 1 && claims.azp.as_deref() != Some(&self.client_id) {
            "it was given to somebody else"
        } else if claims.exp + CLOCKS <= now.unix() {
            "it is over"
        } else if claims.iat - CLOCKS > now.unix() {
            "it is not yet"
        } else if claims.nonce.as_deref() != Some(&thread.nonce) {
            "it was not asked for here"
        } else {
            return Ok(());
        };
        Err(format!("the identity that it gives does not hold: {wrong}"))
    }
}

#[expect(clippy::disallowed_methods, reason = "the operator's own file")]
fn secret(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.trim().to_owned())
}

fn read<T: DeserializeOwned>(mut answer: ureq::http::Response<ureq::Body>) -> Result<T, String> {
    let status = answer.status();
    let text =
        answer.body_mut().with_config().limit(MOST).read_to_vec().map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(format!(
            "it answers {status}: {}",
            String::from_utf8_lossy(&text).chars().take(300).collect::<String>()
        ));
    }
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

#[derive(Debug, Deserialize)]
struct Described {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

/// What is between going there and coming back.
#[derive(Debug, Serialize, Deserialize)]
struct Thread {
    state: String,
    nonce: String,
    verifier: String,
    to: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn all(&self) -> Vec<&str> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many.iter().map(String::as_str).collect(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
}

#[derive(Debug, Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Keys {
    keys: Vec<Key>,
}

/// RFC 7517, 4; RFC 7518, 6.
#[derive(Debug, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    Base64UrlSafeNoPadding::decode_to_vec(text, None).ok()
}

impl Key {
    /// Whether this key has signed it.
    fn has_signed(&self, alg: &str, message: &[u8], signature: &[u8]) -> bool {
        let part = |text: &Option<String>| text.as_deref().and_then(bytes).unwrap_or_default();
        match (alg, self.kty.as_str(), self.crv.as_deref()) {
            ("RS256", "RSA", _) => {
                let key = RsaPublicKeyComponents { n: part(&self.n), e: part(&self.e) };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            ("ES256", "EC", Some("P-256")) => {
                let point = [vec![4], part(&self.x), part(&self.y)].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}

/// What a token says that one of these keys has signed (RFC 7515, 5.2); by the algorithms that every provider has. `none` is none of
/// them.
fn verified(token: &str, keys: &Keys) -> Result<(Claims, Option<String>), String> {
    let damaged = || "its token cannot be read".to_owned();
    let (message, signature) = token.rsplit_once('.').ok_or_else(damaged)?;
    let (head, body) = message.split_once('.').ok_or_else(damaged)?;
    let head: Head = bytes(head).and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(damaged)?;
    let signature = bytes(signature).ok_or_else(damaged)?;
    let fits = |key: &&Key| {
        (head.kid.is_none() || key.kid == head.kid) && key.usage.as_deref().is_none_or(|usage| usage == "sig")
    };
    if !keys.keys.iter().filter(fits).any(|key| key.has_signed(&head.alg, message.as_bytes(), &signature)) {
        return Err(format!("none of its keys has signed its token ({})", head.alg));
    }
    let claims = bytes(body).and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(damaged)?;
    Ok((claims, head.kid))
}

fn unwell(why: &str) -> Wrong {
    tracing::warn!(why, "a provider of identities fails");
    Wrong::new(
        StatusCode::BAD_GATEWAY,
        "The provider of identities does not answer as it should. The collector's log says more.",
    )
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, Wrong> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| unwell(&error.to_string()))?;
    done.map_err(|why| unwell(&why))
}

fn provider(console: &Shared) -> Result<Arc<Provider>, Wrong> {
    console
        .provider
        .clone()
        .ok_or_else(|| Wrong::new(StatusCode::NOT_FOUND, "No provider of identities is set up here."))
}

async fn go(
    State(console): State<Shared>,
    Peer(peer): Peer,
    Extension(fields): Extension<Fields>,
) -> Result<Response, Wrong> {
    let provider = provider(&console)?;
    console.take_attempt(peer, Instant::now())?;
    let no_random = |_| unwell("the operating system gives no random numbers");
    let thread = Thread {
        state: random_text().map_err(no_random)?,
        nonce: random_text().map_err(no_random)?,
        verifier: random_text().map_err(no_random)?,
        to: back(fields.get("to")).to_owned(),
    };
    let asked = Arc::clone(&provider);
    let described = blocking(move || asked.described()).await?;
    let challenge = Base64UrlSafeNoPadding::encode_to_string(Sha256::digest(thread.verifier.as_bytes()));
    let address = Address::of(&described.authorization_endpoint)
        .with("response_type", "code")
        .with("scope", "openid email")
        .with("client_id", &provider.client_id)
        .with("redirect_uri", &provider.redirect)
        .with("state", &thread.state)
        .with("nonce", &thread.nonce)
        .with("code_challenge_method", "S256")
        .with("code_challenge", &challenge.map_err(|error| unwell(&error.to_string()))?);
    let mut answer = frame::to(&address);
    let kept = serde_json::to_vec(&thread).map_err(|error| unwell(&error.to_string()))?;
    let kept = Base64UrlSafeNoPadding::encode_to_string(kept).map_err(|error| unwell(&error.to_string()))?;
    set_cookie(&console, &mut answer, THREAD, &kept, LASTS)?;
    Ok(answer)
}

async fn came_back(
    State(console): State<Shared>,
    Extension(fields): Extension<Fields>,
    headers: HeaderMap,
) -> Result<Response, Wrong> {
    let provider = provider(&console)?;
    let astray = || {
        Wrong::new(
            StatusCode::FORBIDDEN,
            "That sign-in was not begun in this browser, or is too long ago. Sign in again.",
        )
    };
    let kept = cookie_called(THREAD, &headers).and_then(bytes);
    let thread: Thread = kept.and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(astray)?;
    if fields.get("state") != Some(&thread.state) {
        return Err(astray());
    }
    if let Some(error) = fields.get("error") {
        let why = fields.get("error_description").unwrap_or_default();
        return Err(Wrong::new(StatusCode::FORBIDDEN, format!("{} refuses: {error} {why}", provider.name)));
    }
    let code = fields.text("code").ok_or_else(astray)?;
    let (now, to) = ((console.now)(), thread.to.clone());
    let asked = Arc::clone(&provider);
    let claims = blocking(move || asked.claims(&code, &thread, now)).await?;
    let mut known = console.store.known_as(&provider.subject(&claims.sub)).await?;
    let email = claims.email.filter(|_| claims.email_verified);
    if let (None, Some(email)) = (&known, &email) {
        known = console.store.known_as(&provider.subject(&email.to_lowercase())).await?;
    }
    let Some(person) = known.filter(|person| person.disabled.is_none()) else {
        tracing::warn!(sub = claims.sub, "somebody whom nobody has let in");
        let who = email.unwrap_or(claims.sub);
        let text = format!("Nobody has let you in here. An admin can, in the settings, as: {who}");
        return Err(Wrong::new(StatusCode::FORBIDDEN, text));
    };
    console.store.tried(&person.name, true, now).await?;
    let mut answer = begin(&console, person.name, back(Some(&to)), now).await?;
    set_cookie(&console, &mut answer, THREAD, "", 0)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> Provider {
        Provider {
            name: "x".to_owned(),
            issuer: "https://id.example".to_owned(),
            client_id: "us".to_owned(),
            secret: String::new(),
            redirect: String::new(),
            agent: agent(false, None, CALL).unwrap(),
        }
    }

    #[test]
    fn what_is_not_for_us_does_not_hold() {
        let thread = Thread { state: "s".into(), nonce: "n".into(), verifier: "v".into(), to: "/".into() };
        let now = Stamp::from_unix(1000).unwrap();
        let holds = |json: &str| {
            let claims: Claims = serde_json::from_str(json).unwrap();
            provider()
                .is_for_us(&claims, &thread, now)
                .map_err(|why| why.split_once(": ").unwrap().1.to_owned())
        };
        let with = |iss: &str, aud: &str, exp: i64, iat: i64, nonce: &str, more: &str| {
            holds(&format!(
                "{{\"iss\":\"{iss}\",\"sub\":\"a\",\"aud\":{aud},\"exp\":{exp},\"iat\":{iat},\"nonce\":\"{nonce}\"{more}}}"
            ))
        };
        let us = "https://id.example";
        assert_eq!(with(us, "\"us\"", 1100, 1000, "n", ""), Ok(()));
        assert_eq!(with(us, "[\"us\",\"b\"]", 1100, 1000, "n", ",\"azp\":\"us\""), Ok(()));
        assert_eq!(
            with("https://evil.example", "\"us\"", 1100, 1000, "n", "").unwrap_err(),
            "it is of another issuer"
        );
        assert_eq!(with(us, "\"b\"", 1100, 1000, "n", "").unwrap_err(), "it is for somebody else");
        assert_eq!(
            with(us, "[\"us\",\"b\"]", 1100, 1000, "n", "").unwrap_err(),
            "it was given to somebody else"
        );
        assert_eq!(with(us, "\"us\"", 900, 800, "n", "").unwrap_err(), "it is over");
        assert_eq!(with(us, "\"us\"", 9000, 8000, "n", "").unwrap_err(), "it is not yet");
        assert_eq!(with(us, "\"us\"", 1100, 1000, "m", "").unwrap_err(), "it was not asked for here");
    }

    /// RFC 7515, A.3 (ES256), and the same altered; a token that says that it needs no signature.
    #[test]
    fn a_token_is_believed_when_a_key_has_signed_it() {
        let keys: Keys = serde_json::from_str(
            r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#,
        )
        .unwrap();
        let message = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let told = |token: String| verified(&token, &keys).map(drop).unwrap_err();
        // It is good, and says less than an identity does.
        assert_eq!(told(format!("{message}.{signature}")), "its token cannot be read");
        assert_eq!(
            told(format!("{message}.{}", signature.replace('D', "E"))),
            "none of its keys has signed its token (ES256)"
        );
        let none = Base64UrlSafeNoPadding::encode_to_string("{\"alg\":\"none\"}").unwrap();
        assert_eq!(told(format!("{none}.e30.")), "none of its keys has signed its token (none)");
        assert_eq!(told("x".to_owned()), "its token cannot be read");
    }
}
