//! What the collector is told: options of the command line, and a file for what lasts.
//!
//! Read by `command`. An option goes before the file, the file before what is usual. A key that is not known is a fault: a
//! slip of the pen must not open a door.
#![expect(clippy::disallowed_methods, reason = "the operator's own file")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::api::{Caps, Limits};
use super::console::oidc::{OidcError, OidcTable, Provider};
use super::destinations::{DestinationError, Destinations, MailTable, WebhookTable};
use super::place::Place;
use super::store::postgres::Address;
use super::tls::TlsFiles;

/// The file, where nobody names another.
const USUAL_FILE: &str = "/etc/interdict-collector/config.toml";
/// The data, for root, and for the user that the package made this folder for.
const SYSTEM_DATA: &str = "/var/lib/interdict-collector";
/// The data, for everybody else: below the folder that one stands in.
const OWN_DATA: &str = "interdict-collector-data";
/// Where it listens: only programs of this computer reach it.
const USUAL_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// Connections of one collector to a database server.
const CONNECTIONS: u32 = 16;

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    data: Option<PathBuf>,
    store: Option<String>,
    store_connections: Option<u32>,
    site_key_file: Option<PathBuf>,
    log: Option<String>,
    listen: Option<SocketAddr>,
    insecure_plain: bool,
    tls: Option<TlsTable>,
    limits: LimitsTable,
    fleet: FleetTable,
    webhook: Vec<WebhookTable>,
    mail: Vec<MailTable>,
    rules: RulesTable,
    oidc: Option<OidcTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsTable {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// What bounds requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    connections: usize,
    requests: usize,
    request_seconds: u64,
    head_seconds: u64,
    body_seconds: u64,
    body_bytes: usize,
    body_bytes_unpacked: usize,
    large_bodies: usize,
    host_burst: u32,
    host_per_minute: u32,
    api_burst: u32,
    api_per_minute: u32,
    refused_burst: u32,
    refused_per_minute: u32,
    shutdown_seconds: u64,
}

impl Default for LimitsTable {
    fn default() -> Self {
        Self {
            connections: 4096,
            requests: 512,
            request_seconds: 60,
            head_seconds: 10,
            body_seconds: 30,
            body_bytes: 8 << 20,
            body_bytes_unpacked: 32 << 20,
            large_bodies: 4,
            host_burst: 60,
            host_per_minute: 60,
            api_burst: 200,
            api_per_minute: 1200,
            refused_burst: 60,
            refused_per_minute: 30,
            shutdown_seconds: 20,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RulesTable {
    trusted_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FleetTable {
    stale_days: u32,
    keep_days: u32,
}

impl Default for FleetTable {
    fn default() -> Self {
        Self { stale_days: 7, keep_days: 396 }
    }
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the configuration {path}: {cause}; name another with --config")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// What is in it.
    #[error("{path}: {cause}")]
    Content {
        /// The file.
        path: PathBuf,
        /// Where and what.
        cause: Box<toml::de::Error>,
    },
    /// Where the fleet is kept.
    #[error("store: {0}")]
    Store(String),
    /// A value that cannot be.
    #[error("{path}: {key} must be at least 1")]
    Zero {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
    },
}

/// Who listens where, and how.
#[derive(Debug, Clone)]
pub(super) struct Listen {
    /// The address.
    pub(super) at: SocketAddr,
    /// The certificate; none: plain.
    pub(super) tls: Option<TlsFiles>,
    /// Whether plain may be listened to from other computers.
    pub(super) insecure_plain: bool,
    /// Connections at a time.
    pub(super) connections: usize,
    /// How long the head of a request may take to come.
    pub(super) head_within: Duration,
    /// How long it is waited for who does not take what it is sent.
    pub(super) taken_within: Duration,
    /// How long requests may take to end when the collector is asked to.
    pub(super) shutdown_within: Duration,
}

/// What the options of `serve` say.
#[derive(Debug, Default)]
pub(super) struct ListenOptions {
    pub(super) at: Option<SocketAddr>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) client_ca: Option<PathBuf>,
    pub(super) insecure_plain: bool,
}

impl Config {
    /// The file that is named, or the usual one where it is.
    pub(super) fn read(named: Option<&Path>) -> Result<Self, ConfigError> {
        let path = match named {
            Some(path) => path,
            // One that may not be read is not the same as none.
            None if is_missing(Path::new(USUAL_FILE)) => return Ok(Self::default()),
            None => Path::new(USUAL_FILE),
        };
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::Read { path: path.to_owned(), cause })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)
            .map_err(|cause| ConfigError::Content { path: path.to_owned(), cause: Box::new(cause) })?;
        let limits = &config.limits;
        let small = [
            ("limits.connections", limits.connections),
            ("limits.requests", limits.requests),
            ("limits.large_bodies", limits.large_bodies),
            ("limits.host_burst", limits.host_burst as usize),
            ("limits.host_per_minute", limits.host_per_minute as usize),
            ("limits.api_burst", limits.api_burst as usize),
            ("limits.api_per_minute", limits.api_per_minute as usize),
            ("limits.refused_burst", limits.refused_burst as usize),
            ("limits.refused_per_minute", limits.refused_per_minute as usize),
            ("limits.head_seconds", usize::from(limits.head_seconds > 0)),
            ("limits.body_seconds", usize::from(limits.body_seconds > 0)),
            ("limits.request_seconds", usize::from(limits.request_seconds > 0)),
            ("fleet.stale_days", config.fleet.stale_days as usize),
            ("fleet.keep_days", config.fleet.keep_days as usize),
        ];
        match small.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(ConfigError::Zero { path: path.to_owned(), key }),
            None => Ok(config),
        }
    }

    /// What of the log is written.
    pub(super) fn log(&self, option: Option<&str>) -> String {
        option.or(self.log.as_deref()).unwrap_or("info").to_owned()
    }

    /// Where the data is, and whether somebody said so.
    pub(super) fn data(&self, option: Option<&Path>) -> (PathBuf, bool) {
        match option.or(self.data.as_deref()) {
            Some(path) => (path.to_owned(), true),
            None if has_system_data() => (PathBuf::from(SYSTEM_DATA), false),
            None => (PathBuf::from(OWN_DATA), false),
        }
    }

    /// Where the fleet is kept, and whether somebody said so.
    pub(super) fn place(
        &self,
        data: Option<&Path>,
        store: Option<&str>,
    ) -> Result<(Place, bool), ConfigError> {
        let (data, said) = self.data(data);
        let text = store.or(self.store.as_deref());
        let server = match text {
            None | Some("sqlite") => None,
            Some(text) => Some(address(text, store.is_some())?),
        };
        let said = said || server.is_some();
        let connections = self.store_connections.unwrap_or(CONNECTIONS).max(2);
        let server = server.map(|address| (address, connections));
        Ok((Place::new(data, server, self.site_key_file.clone()), said))
    }

    /// Where to listen.
    pub(super) fn listen(&self, options: ListenOptions) -> Listen {
        // Whose certificates are asked for is written in the file, whatever certificate of its own it shows.
        let client_ca = options.client_ca.or_else(|| self.tls.as_ref()?.client_ca.clone());
        let said = options.cert.zip(options.key).map(|(cert, key)| (cert, key, client_ca));
        let written = self.tls.as_ref().map(|tls| (tls.cert.clone(), tls.key.clone(), tls.client_ca.clone()));
        let tls = said.or(written).map(|(cert, key, client_ca)| TlsFiles { cert, key, client_ca });
        Listen {
            at: options.at.or(self.listen).unwrap_or(USUAL_LISTEN),
            tls,
            insecure_plain: options.insecure_plain || self.insecure_plain,
            connections: self.limits.connections,
            head_within: Duration::from_secs(self.limits.head_seconds),
            taken_within: Duration::from_secs(self.limits.body_seconds),
            shutdown_within: Duration::from_secs(self.limits.shutdown_seconds),
        }
    }

    /// How much at a time.
    pub(super) fn limits(&self) -> Limits {
        let limits = &self.limits;
        Limits {
            within: Duration::from_secs(limits.request_seconds),
            at_once: limits.requests,
            host_rate: (limits.host_burst, limits.host_per_minute),
            api_rate: (limits.api_burst, limits.api_per_minute),
            refused_rate: (limits.refused_burst, limits.refused_per_minute),
        }
    }

    /// How large bodies may be.
    pub(super) fn caps(&self) -> Caps {
        let limits = &self.limits;
        Caps {
            packed: limits.body_bytes,
            unpacked: limits.body_bytes_unpacked,
            within: Duration::from_secs(limits.body_seconds),
            large_at_once: limits.large_bodies,
        }
    }

    /// Who is told what happens.
    pub(super) fn destinations(&self) -> Result<Destinations, DestinationError> {
        Destinations::of(&self.webhook, &self.mail)
    }

    /// Seconds without a report, after which nothing is known of a host any more.
    pub(super) fn stale_after(&self) -> i64 {
        i64::from(self.fleet.stale_days) * 24 * 60 * 60
    }

    /// Keys that may sign rules, or their files.
    pub(super) fn trusted_keys(&self) -> &[String] {
        &self.rules.trusted_keys
    }

    /// Who else vouches for people that sign in to the console.
    pub(super) fn provider(&self) -> Result<Option<Provider>, OidcError> {
        self.oidc.as_ref().map(Provider::of).transpose()
    }

    /// Days for which reports, verdicts and closed findings are kept: thirteen months, unless it is said.
    pub(super) fn keep_days(&self) -> u32 {
        self.fleet.keep_days
    }
}

/// The address of a server; one of the command line has no password, for other users of the computer see it there.
fn address(text: &str, is_argument: bool) -> Result<Address, ConfigError> {
    let read = Address::read(text).unwrap_or_else(|| {
        Err("write sqlite, or postgres://USER@HOST/DATABASE?sslmode=verify-full".to_owned())
    });
    let address = read.map_err(ConfigError::Store)?;
    if is_argument && address.tells_password() {
        let why = "every user of this computer can read a password there: write it into the configuration as \
                   store = \"postgres://…\", or into the file that the variable PGPASSFILE names";
        return Err(ConfigError::Store(why.to_owned()));
    }
    Ok(address)
}

fn is_missing(path: &Path) -> bool {
    std::fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Whether the usual folder is that of whoever runs this: its unit names no folder, and neither does who asks as its user.
fn has_system_data() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let user = rustix::process::geteuid();
        user.is_root() || std::fs::metadata(SYSTEM_DATA).is_ok_and(|folder| folder.uid() == user.as_raw())
    }
    #[cfg(not(unix))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("c.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_is_the_usual() {
        let config = parse("").unwrap();
        let listen = config.listen(ListenOptions::default());
        assert_eq!((listen.at.to_string().as_str(), listen.tls), ("127.0.0.1:8787", None));
        assert_eq!(config.log(None), "info");
        assert_eq!(config.caps().unpacked, 32 << 20);
        assert_eq!(config.stale_after(), 604_800);
        assert!(!config.data(None).1);
    }

    #[test]
    fn a_store_is_named_without_its_password() {
        let config =
            parse("data = \"/d\"\nstore = \"postgres://i:secret@db:6432/f?sslmode=require\"").unwrap();
        let shown = |config: &Config, option: Option<&str>| match config.place(None, option) {
            Ok((place, _)) => place.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown(&config, None), "postgres://i@db:6432/f");
        assert_eq!(
            shown(&config, Some("sqlite")),
            Path::new("/d").join("fleet.sqlite").display().to_string()
        );
        assert_eq!(shown(&config, Some("postgres://j@%2Frun%2Fpg/g")), "postgres://j@%2Frun%2Fpg:5432/g");
        for (option, word) in
            [("postgres://i:secret@db/f", "PGPASSFILE"), ("mysql://x", "sqlite"), ("postgres://[", "form")]
        {
            let said = shown(&config, Some(option));
            assert!(said.contains(word) && !said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn an_option_goes_before_the_file() {
        let text = "data = \"/srv/a\"\nlisten = \"10.0.0.1:1\"\n[tls]\ncert = \"c\"\nkey = \"k\"\n";
        let config = parse(text).unwrap();
        assert_eq!(config.data(Some(Path::new("/b"))), (PathBuf::from("/b"), true));
        assert_eq!(config.data(None), (PathBuf::from("/srv/a"), true));
        let options = ListenOptions { at: "[::1]:2".parse().ok(), ..ListenOptions::default() };
        let listen = config.listen(options);
        assert_eq!(listen.at.to_string(), "[::1]:2");
        assert_eq!(listen.tls.unwrap().cert, Path::new("c"));
    }

    #[test]
    fn what_is_not_known_is_a_fault() {
        assert!(parse("insecure-plain = true").unwrap_err().contains("insecure_plain"));
        assert!(parse("[limits]\nrequest = 1").unwrap_err().contains("c.toml"));
        for (text, key) in [
            ("[limits]\nrequests = 0", "limits.requests"),
            ("[limits]\nbody_seconds = 0", "limits.body_seconds"),
            ("[fleet]\nkeep_days = 0", "fleet.keep_days"),
        ] {
            assert_eq!(parse(text).unwrap_err(), format!("c.toml: {key} must be at least 1"));
        }
    }

    #[test]
    fn a_certificate_of_the_command_line_opens_no_door() {
        let config = parse("[tls]\ncert = \"c\"\nkey = \"k\"\nclient_ca = \"a\"").unwrap();
        let path = |text: &str| Some(PathBuf::from(text));
        let options = ListenOptions { cert: path("x"), key: path("y"), ..ListenOptions::default() };
        let tls = config.listen(options).tls.unwrap();
        assert_eq!((tls.cert, tls.client_ca), (PathBuf::from("x"), path("a")));
    }
}
