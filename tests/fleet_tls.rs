//! The collector's TLS, with certificates that openssl makes: answered, pinned, asked of clients, and taken anew when they
//! change.
#![cfg(feature = "collector")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start programs and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use collector::Collector;
use support::{has, skip};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// A folder with certificates in it.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn new() -> Option<Self> {
        if !has("openssl") {
            skip("openssl is not here");
            return None;
        }
        let _already = rustls::crypto::ring::default_provider().install_default();
        Some(Self(tempfile::tempdir().unwrap()))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, line: &str) {
        let output =
            Command::new("openssl").args(line.split(' ')).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "openssl {line}: {output:?}");
    }

    /// `NAME.pem` and `NAME.key`, of who signs others.
    fn authority(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} -keyout {name}.key \
             -out {name}.pem"
        ));
    }

    /// `NAME.pem` and `NAME.key`, signed by an authority.
    fn signed(&self, name: &str, by: &str, extension: &str) {
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        fs::write(self.at("ext"), extension).unwrap();
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {by}.pem -CAkey {by}.key -CAcreateserial -days 2 -extfile ext -out {name}.pem"
        ));
    }

    fn server(&self, name: &str, by: &str) {
        self.signed(name, by, "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n");
    }

    fn start(&self, data: &Path, more: &[&str]) -> Collector {
        let path = |name: &str| self.at(name).to_str().unwrap().to_owned();
        let (cert, key) = (path("server.pem"), path("server.key"));
        let args = [&["--tls-cert", &cert, "--tls-key", &key], more].concat();
        Collector::start_with(data, &args)
    }
}

/// What `/healthz` says to a client that trusts one authority alone.
fn health(collector: &Collector, ca: &Path, client: Option<(&Path, &Path)>) -> Result<String, String> {
    let pem = |path: &Path| fs::read(path).unwrap();
    let certificate = |path: &Path| Certificate::from_pem(&pem(path)).unwrap();
    let client = client.map(|(cert, key)| {
        ClientCert::new_with_certs(&[certificate(cert)], PrivateKey::from_pem(&pem(key)).unwrap())
    });
    let tls =
        TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[certificate(ca)])).client_cert(client);
    let config = ureq::Agent::config_builder().tls_config(tls.build()).proxy(None).max_idle_connections(0);
    let agent: ureq::Agent = config.timeout_global(Some(Duration::from_secs(30))).build().into();
    let mut answer =
        agent.get(format!("{}/healthz", collector.url)).call().map_err(|error| error.to_string())?;
    answer.body_mut().read_to_string().map_err(|error| error.to_string())
}

#[test]
fn a_renewed_certificate_is_taken_without_a_restart() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.authority("old");
    certificates.authority("new");
    certificates.server("server", "old");
    let data = certificates.at("data");
    let collector = certificates.start(&data, &[]);
    assert!(collector.url.starts_with("https://127.0.0.1:"), "{}", collector.url);
    let (old, new) = (certificates.at("old.pem"), certificates.at("new.pem"));
    assert_eq!(health(&collector, &old, None).as_deref(), Ok("ok\n"));
    assert!(health(&collector, &new, None).is_err());
    // Half a renewal changes nothing, and is said.
    let sound = fs::read(certificates.at("server.key")).unwrap();
    fs::write(certificates.at("server.key"), "no key").unwrap();
    assert_eq!(collector.logged(&["the former stays"]).len(), 1);
    assert_eq!(health(&collector, &old, None).as_deref(), Ok("ok\n"));
    fs::write(certificates.at("server.key"), sound).unwrap();
    certificates.server("server", "new");
    assert_eq!(collector.logged(&["certificate read anew"]).len(), 1);
    let end = Instant::now() + Duration::from_secs(10);
    while health(&collector, &new, None).is_err() && Instant::now() < end {
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(health(&collector, &new, None).as_deref(), Ok("ok\n"));
    assert!(health(&collector, &old, None).is_err());
}

#[test]
fn clients_without_the_asked_certificate_are_not_let_in() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.authority("ca");
    certificates.authority("other");
    certificates.server("server", "ca");
    certificates.signed("client", "ca", "extendedKeyUsage=clientAuth\n");
    certificates.signed("stranger", "other", "extendedKeyUsage=clientAuth\n");
    let ca = certificates.at("ca.pem");
    let collector = certificates.start(&certificates.at("data"), &["--tls-client-ca", ca.to_str().unwrap()]);
    let pair =
        |name: &str| (certificates.at(&format!("{name}.pem")), certificates.at(&format!("{name}.key")));
    let (client, stranger) = (pair("client"), pair("stranger"));
    assert_eq!(health(&collector, &ca, Some((&client.0, &client.1))).as_deref(), Ok("ok\n"));
    assert!(health(&collector, &ca, Some((&stranger.0, &stranger.1))).is_err());
    assert!(health(&collector, &ca, None).is_err());
}

#[test]
fn who_speaks_no_tls_is_hung_up_on() {
    let Some(certificates) = Certificates::new() else { return };
    certificates.authority("ca");
    certificates.server("server", "ca");
    let collector = certificates.start(&certificates.at("data"), &[]);
    let answer = collector.raw(&[b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"], Duration::ZERO);
    assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
    assert_eq!(health(&collector, &certificates.at("ca.pem"), None).as_deref(), Ok("ok\n"));
}
