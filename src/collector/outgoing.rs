//! How the collector calls others: by TLS, or in the clear to a program of its own computer; for a bounded time; without following
//! anybody elsewhere.
//!
//! Called by `push` and by the console's sign-in by a provider of identities. Must not know what is said.
#![expect(clippy::disallowed_methods, reason = "the operator's own files")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::model::Tool;

/// What calls. Authorities: the only ones that are believed, in a file; without it those of the system.
pub(super) fn agent(plain: bool, ca: Option<&Path>, within: Duration) -> Result<ureq::Agent, String> {
    let roots = ca.map_or(Ok(RootCerts::PlatformVerifier), authorities)?;
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(within))
        .user_agent(format!("interdict-collector/{}", Tool::SELF.version))
        .tls_config(tls);
    // No proxy leads back to this computer, and what is plain goes nowhere else.
    let config = if plain { config.proxy(None) } else { config };
    Ok(config.build().new_agent())
}

/// What is told leaves this computer under TLS only. Whether it stays here, plain.
pub(super) fn is_plain(url: &str) -> Result<bool, &'static str> {
    let uri: Uri = url.parse().map_err(|_| "it cannot be read")?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or("it names no computer")?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let local = bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(false),
        Some("http") if local => Ok(true),
        _ => Err("it does not begin with https://"),
    }
}

fn authorities(path: &Path) -> Result<RootCerts, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut certificates = Vec::new();
    for item in parse_pem(&bytes) {
        if let PemItem::Certificate(one) = item.map_err(|error| error.to_string())? {
            certificates.push(one);
        }
    }
    if certificates.is_empty() {
        return Err("it holds no certificate (BEGIN CERTIFICATE)".to_owned());
    }
    Ok(RootCerts::from(certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_leaves_this_computer() {
        assert_eq!(is_plain("https://a.example/x"), Ok(false));
        for url in ["http://127.0.0.1:1/x", "http://[::1]/", "http://localhost", "HTTP://localhost"] {
            assert_eq!(is_plain(url), Ok(true), "{url}");
        }
        for url in ["http://a.example/x", "ftp://a", "", "http://127.0.0.1.evil.example"] {
            assert!(is_plain(url).is_err(), "{url}");
        }
    }
}
