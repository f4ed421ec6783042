//! HTTP as an endpoint speaks it, by hand: what goes over the wire is counted, and as little of the processor is taken as can be.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::Fault;

/// From so many bytes on a body is packed, as the endpoint does.
const PACK_FROM: usize = 1 << 10;
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the collector is.
pub(super) struct Wire {
    at: SocketAddr,
    host: String,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Bytes of bodies that went out and came in.
    pub(super) out: AtomicU64,
    pub(super) back: AtomicU64,
}

/// A connection.
pub(super) struct Line<'w> {
    wire: &'w Wire,
    stream: Stream,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// Seconds that are to be waited.
    pub(super) after: Option<u64>,
}

impl Wire {
    /// A collector at `http://…` or `https://…`; its certificate is of this authority.
    pub(super) fn new(url: &str, ca: Option<&Path>) -> Result<Self, Fault> {
        let (scheme, host) = url.split_once("://").ok_or("the address begins with http:// or https://")?;
        let host = host.trim_end_matches('/').to_owned();
        let at = host.to_socket_addrs()?.next().ok_or("the address is of nobody")?;
        let tls = match scheme {
            "https" => {
                let mut roots = RootCertStore::empty();
                for one in CertificateDer::pem_reader_iter(BufReader::new(File::open(
                    ca.ok_or("https wants --ca")?,
                )?)) {
                    roots.add(one?)?;
                }
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let mut config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                // An endpoint comes once a day, and keeps nothing of a session.
                config.resumption = Resumption::disabled();
                let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
                Some((Arc::new(config), ServerName::try_from(name.to_owned())?))
            }
            _ => None,
        };
        Ok(Self { at, host, tls, out: AtomicU64::new(0), back: AtomicU64::new(0) })
    }

    /// The same collector, with figures of its own.
    pub(super) fn again(&self) -> Self {
        Self {
            at: self.at,
            host: self.host.clone(),
            tls: self.tls.clone(),
            out: AtomicU64::new(0),
            back: AtomicU64::new(0),
        }
    }

    /// A new connection, with a whole handshake.
    pub(super) fn connect(&self) -> Result<Line<'_>, Fault> {
        let stream = TcpStream::connect_timeout(&self.at, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let stream = match &self.tls {
            None => Stream::Plain(stream),
            Some((config, name)) => {
                let connection = ClientConnection::new(Arc::clone(config), name.clone())?;
                Stream::Tls(Box::new(StreamOwned::new(connection, stream)))
            }
        };
        Ok(Line { wire: self, stream })
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl Line<'_> {
    /// Sends a document.
    pub(super) fn post(&mut self, path: &str, token: Option<&str>, body: &[u8]) -> Result<Reply, Fault> {
        let packed = (body.len() > PACK_FROM).then(|| compress_to_vec(body, CompressionLevel::Fastest));
        let encoding = if packed.is_some() { "Content-Encoding: zstd\r\n" } else { "" };
        let body = packed.as_deref().unwrap_or(body);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{}{encoding}Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: {}\r\n\r\n",
            self.wire.host,
            bearer(token),
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.wire.out.fetch_add(body.len() as u64, Ordering::Relaxed);
        self.exchange(&request)
    }

    /// Asks.
    pub(super) fn get(&mut self, path: &str, token: &str) -> Result<Reply, Fault> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{}\r\n", self.wire.host, bearer(Some(token)));
        self.exchange(request.as_bytes())
    }

    fn exchange(&mut self, request: &[u8]) -> Result<Reply, Fault> {
        self.stream.write_all(request)?;
        self.stream.flush()?;
        let mut bytes = Vec::with_capacity(1024);
        let mut part = [0; 16 << 10];
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.more(&mut bytes, &mut part)?;
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or("no HTTP came back")?;
        let length = value("content-length:").ok_or("an answer without its length")?;
        let whole = head + usize::try_from(length)?;
        while bytes.len() < whole {
            self.more(&mut bytes, &mut part)?;
        }
        self.wire.back.fetch_add(length, Ordering::Relaxed);
        Ok(Reply { status, body: bytes.split_off(head), after: value("retry-after:") })
    }

    fn more(&mut self, bytes: &mut Vec<u8>, part: &mut [u8]) -> Result<(), Fault> {
        match self.stream.read(part)? {
            0 => Err("the connection was closed before the answer was there".into()),
            got => {
                bytes.extend_from_slice(&part[..got]);
                Ok(())
            }
        }
    }
}

fn bearer(token: Option<&str>) -> String {
    token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default()
}
