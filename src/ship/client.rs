//! The endpoint's side of HTTP: three calls, over TLS of the system's trust or of a pinned authority's, through the proxy that the
//! system names.
//!
//! Called by `cli` to enrol and by `deliver`. Follows no redirection: a token goes where it was enrolled, and nowhere else.
#![expect(clippy::disallowed_methods, reason = "certificates are the operator's files")]

use std::fs::read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use ureq::http::{HeaderMap, Uri, header};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::model::{Answer, CheckIn, Enrol, Enrolled, FleetRules, Id, Problem, Tool, of_json, to_json};

use super::disk::Fault;

/// A body of more bytes than this is packed.
const PACK_FROM: usize = 1 << 10;
/// Bytes that an answer may have: the digests of every source, or ids of everything that a large host holds.
const MAX_ANSWER: u64 = 8 << 20;
/// Bytes that rules may have.
const MAX_RULES: u64 = 16 << 20;
const CONNECT: Duration = Duration::from_secs(15);
/// For one call: a first report of a large host over a thin line.
const CALL: Duration = Duration::from_mins(3);
/// Longest that a collector may ask to be left alone.
const MAX_AFTER: u64 = 7 * 86_400;

/// How a collector is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wire {
    /// Its address, `https://collector.example:8787`.
    pub url: String,
    /// The only authorities whose certificates are believed; without any those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The certificate that this computer shows, and its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// Whether it may be spoken to without TLS over a network.
    #[serde(default)]
    pub insecure_plain: bool,
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answered, or not to the end.
    NotReached(String),
    /// The collector asks to be left alone for a while.
    Later {
        /// Why.
        why: String,
        /// How long.
        after: Option<Duration>,
    },
    /// The collector refuses.
    Refused {
        /// Status of HTTP.
        status: u16,
        /// The word, where it is a collector that speaks.
        code: String,
        /// What it says.
        why: String,
    },
    /// What came is no answer of a collector.
    Garbled(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotReached(why) => write!(f, "the collector is not reached: {why}"),
            Self::Later { why, .. } => write!(f, "the collector has no time now: {why}"),
            Self::Refused { why, .. } => write!(f, "the collector refuses: {why}"),
            Self::Garbled(why) => write!(f, "what answers does not answer as a collector does: {why}"),
        }
    }
}

impl Trouble {
    /// Whether the same may well succeed later.
    pub fn passes(&self) -> bool {
        match self {
            Self::NotReached(_) | Self::Later { .. } | Self::Garbled(_) => true,
            Self::Refused { .. } => false,
        }
    }

    /// Whether it is this computer that is refused, and not what it sends.
    pub fn is_of_the_host(&self) -> bool {
        matches!(self, Self::Refused { status: 401 | 403 | 409, .. })
    }

    /// How long to wait at least.
    pub fn after(&self) -> Option<Duration> {
        match self {
            Self::Later { after, .. } => *after,
            _ => None,
        }
    }
}

/// A collector, to be called.
pub struct Client {
    agent: ureq::Agent,
    url: String,
    token: Option<String>,
}

impl Client {
    /// A collector that is reached so; the token is shown with every call.
    pub fn new(wire: &Wire, token: Option<String>) -> Result<Self, Fault> {
        let (url, local) = checked(wire)?;
        let roots = match &wire.ca {
            Some(path) => RootCerts::from(certificates(path)?),
            None => RootCerts::PlatformVerifier,
        };
        let own = wire.client_cert.as_ref().map(|(chain, key)| own(chain, key)).transpose()?;
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .client_cert(own)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(CALL))
            .user_agent(format!("{}/{}", Tool::SELF.name, Tool::SELF.version))
            .tls_config(tls);
        // No proxy leads back to this computer.
        let config = if local { config.proxy(None) } else { config };
        Ok(Self { agent: config.build().new_agent(), url, token })
    }

    /// Asks to be known.
    pub fn enrol(&self, enrol: &Enrol) -> Result<Enrolled, Trouble> {
        self.post("/api/v1/enrol", enrol)
    }

    /// Tells a report, or the head of one.
    pub fn check_in(&self, check_in: &CheckIn) -> Result<Answer, Trouble> {
        self.post("/api/v1/check-in", check_in)
    }

    /// By what this computer is judged; none: by what has this tag, as before.
    pub fn rules(&self, had: Option<Id>) -> Result<Option<FleetRules>, Trouble> {
        let mut request =
            self.agent.get(format!("{}/api/v1/rules", self.url)).header(header::ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(tag) = had {
            request = request.header(header::IF_NONE_MATCH, format!("\"{tag}\""));
        }
        let mut response = request.call().map_err(not_reached)?;
        let status = response.status().as_u16();
        if status == 304 && had.is_some() {
            return Ok(None);
        }
        let after = retry_after(response.headers());
        let body = response.body_mut().with_config().limit(MAX_RULES).read_to_vec().map_err(not_reached)?;
        if status == 200 { read_json(&body).map(Some) } else { Err(refusal(status, after, &body)) }
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Trouble> {
        let bytes = to_json(body).map_err(|error| Trouble::Garbled(error.to_string()))?;
        let mut request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let sent = if bytes.len() > PACK_FROM {
            let packed = compress_to_vec(bytes.as_slice(), CompressionLevel::Fastest);
            request.header(header::CONTENT_ENCODING, "zstd").send(&packed[..])
        } else {
            request.send(&bytes[..])
        };
        let mut response = sent.map_err(not_reached)?;
        let status = response.status().as_u16();
        let after = retry_after(response.headers());
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(not_reached)?;
        if status == 200 { read_json(&body) } else { Err(refusal(status, after, &body)) }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "called with what is made for it")]
fn not_reached(error: ureq::Error) -> Trouble {
    Trouble::NotReached(error.to_string())
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    of_json(body).map_err(|error| Trouble::Garbled(error.to_string()))
}

/// What an answer other than 200 means.
fn refusal(status: u16, after: Option<Duration>, body: &[u8]) -> Trouble {
    let problem: Option<Problem> = of_json(body).ok();
    let why = match &problem {
        Some(problem) => format!("{} (request {})", problem.detail, problem.request_id),
        None => format!("HTTP {status}"),
    };
    match (status, problem) {
        (408 | 425 | 429 | 500..=599, _) => Trouble::Later { why, after },
        (400..=499, Some(problem)) => Trouble::Refused { status, code: problem.code.into_owned(), why },
        // A proxy's word, or a page for people to log in: nothing that a collector says.
        _ => Trouble::Garbled(why),
    }
}

/// The address without a slash at its end, and whether it is of this computer.
fn checked(wire: &Wire) -> Result<(String, bool), Fault> {
    let declined = |why: &str| {
        Fault::Declined(format!(
            "'{}' is no address of a collector: {why}; write it like https://collector.example:8787",
            wire.url
        ))
    };
    let uri: Uri = wire.url.parse().map_err(|_| declined("it cannot be read"))?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| declined("it names no computer"))?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(declined("it holds a name or a password, which would be shown"));
    }
    if uri.query().is_some() {
        return Err(declined("it holds a question"));
    }
    let local = is_local(host);
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if local || wire.insecure_plain => {}
        Some("http") => {
            return Err(Fault::Declined(format!(
                "{} would send the token for everybody on the way to read; use https, or say --insecure-plain",
                wire.url
            )));
        }
        _ => return Err(declined("it begins with neither https:// nor http://")),
    }
    Ok((wire.url.trim_end_matches('/').to_owned(), local))
}

fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn pem(path: &Path) -> Result<Vec<PemItem<'static>>, Fault> {
    let fault = |cause: String| Fault::File { doing: "read", path: path.to_owned(), cause };
    let bytes = read(path).map_err(|error| fault(error.to_string()))?;
    parse_pem(&bytes).collect::<Result<_, _>>().map_err(|error| fault(format!("it is not PEM: {error}")))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, Fault> {
    let items = pem(path)?.into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = items.collect();
    if certificates.is_empty() {
        let cause = "it holds no certificate (BEGIN CERTIFICATE)".to_owned();
        return Err(Fault::File { doing: "use", path: path.to_owned(), cause });
    }
    Ok(certificates)
}

fn own(chain: &Path, key: &Path) -> Result<ClientCert, Fault> {
    let found: Option<PrivateKey<'static>> = pem(key)?.into_iter().find_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    let cause = || "it holds no private key without a password (BEGIN PRIVATE KEY)".to_owned();
    let key = found.ok_or_else(|| Fault::File { doing: "use", path: key.to_owned(), cause: cause() })?;
    Ok(ClientCert::new_with_certs(&certificates(chain)?, key))
}

/// Seconds, or a date: that by the clock of who wrote it, which stands in the same answer.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(header::RETRY_AFTER)?;
    let moment = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp().as_second());
    let until = || u64::try_from(moment(value)? - moment(text(header::DATE)?)?).ok();
    let seconds = value.parse::<u64>().ok().or_else(until)?;
    Some(Duration::from_secs(seconds.min(MAX_AFTER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(url: &str, insecure_plain: bool) -> Wire {
        Wire { url: url.into(), insecure_plain, ..Wire::default() }
    }

    #[test]
    fn only_tls_leaves_this_computer() {
        for (url, becomes) in [
            ("https://c.example:8787/", "https://c.example:8787"),
            ("https://c.example/fleet", "https://c.example/fleet"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://localhost:1", "http://localhost:1"),
            ("http://[::1]:1", "http://[::1]:1"),
        ] {
            assert_eq!(checked(&wire(url, false)).unwrap().0, becomes);
        }
        let why = |url| checked(&wire(url, false)).unwrap_err().to_string();
        assert!(why("http://c.example").contains("--insecure-plain"));
        assert!(why("http://127.0.0.1.evil.example").contains("--insecure-plain"));
        for url in [
            "c.example",
            "ftp://c.example",
            "https://u:p@c.example",
            "https://",
            "",
            "https://c.example/?x=1",
        ] {
            assert!(why(url).contains("no address of a collector"), "{url}");
        }
        assert!(checked(&wire("http://c.example", true)).is_ok());
    }

    #[test]
    fn when_to_come_again_is_read_in_both_forms() {
        let headers = |pairs: &[(header::HeaderName, &'static str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (name.clone(), header::HeaderValue::from_static(value)));
            pairs.collect::<HeaderMap>()
        };
        let (date, after) = (header::DATE, header::RETRY_AFTER);
        assert_eq!(retry_after(&headers(&[(after.clone(), "17")])), Some(Duration::from_secs(17)));
        let two = headers(&[
            (date, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (after.clone(), "Sun, 06 Nov 1994 08:50:37 GMT"),
        ]);
        assert_eq!(retry_after(&two), Some(Duration::from_mins(1)));
        for value in ["", "soon", "-1", "Sun, 06 Nov 1994 08:50:37 GMT"] {
            assert_eq!(retry_after(&headers(&[(after.clone(), value)])), None, "{value}");
        }
        let long = headers(&[(after, "99999999999")]);
        assert_eq!(retry_after(&long), Some(Duration::from_secs(MAX_AFTER)));
    }

    #[test]
    fn refusals_are_told_apart() {
        let problem = br#"{"code":"bad-token","detail":"not known","request_id":"7"}"#;
        let refused = refusal(401, None, problem);
        assert!(refused.is_of_the_host() && !refused.passes());
        assert_eq!(refused.to_string(), "the collector refuses: not known (request 7)");
        let full = refusal(422, None, problem);
        assert!(!full.is_of_the_host() && !full.passes());
        assert!(refusal(503, None, b"").passes() && refusal(407, None, b"<html>").passes());
        assert!(refusal(302, None, b"").passes());
    }
}
