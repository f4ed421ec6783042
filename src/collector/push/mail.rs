//! Tells by mail: what has happened since the last one in one message, so that a new rule that finds a thousand hosts fills no
//! inbox.
//!
//! Plain text; subjects are counts and names of products, so that a phone shows what matters.
#![expect(clippy::disallowed_methods, reason = "the operator's own files")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};
use serde::Deserialize;

use crate::collector::events::Happening;
use crate::collector::store::Due;
use crate::emit::safe::safe;

use super::{Channel, Untold};

const CALL: Duration = Duration::from_secs(30);
/// Lines of a message; the list of events has them all.
const LINES: usize = 100;

/// How a server of mail is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::collector) enum MailTls {
    /// Plain at first, then TLS or nothing (RFC 3207); port 587 unless said.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314); port 465 unless said.
    Tls,
    /// Plain, to a server of this computer; port 25 unless said.
    None,
}

/// Why mail cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("mail '{name}': {why}")]
pub(in crate::collector) struct MailError {
    name: String,
    why: String,
}

/// How a server of mail is reached, and who is written to.
pub(in crate::collector) struct Address<'a> {
    /// What it is called.
    pub(in crate::collector) name: &'a str,
    /// The server.
    pub(in crate::collector) server: &'a str,
    /// Its port; none: the usual one.
    pub(in crate::collector) port: Option<u16>,
    /// How it is spoken to.
    pub(in crate::collector) tls: MailTls,
    /// The user, and the file with the password.
    pub(in crate::collector) login: Option<(&'a str, &'a PathBuf)>,
    /// The only authorities that are believed; without any those of the system.
    pub(in crate::collector) ca: Option<&'a Path>,
    /// Who writes.
    pub(in crate::collector) from: &'a str,
    /// Who is written to.
    pub(in crate::collector) to: &'a [String],
}

/// Mail to some people.
pub(in crate::collector) struct Mail {
    server: SmtpTransport,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Mail {
    /// By a server that is reached so.
    pub(in crate::collector) fn new(address: &Address<'_>) -> Result<Self, MailError> {
        let fault = |why: String| MailError { name: address.name.to_owned(), why };
        let mailbox = |text: &str| {
            let wrong = |error| fault(format!("'{text}' is no address of mail: {error}"));
            text.parse::<Mailbox>().map_err(wrong)
        };
        let to: Vec<Mailbox> = address.to.iter().map(|one| mailbox(one)).collect::<Result<_, _>>()?;
        if to.is_empty() {
            return Err(fault("'to' names nobody".to_owned()));
        }
        let server = address.server;
        let local = server == "localhost"
            || server.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let builder = SmtpTransport::builder_dangerous(server).timeout(Some(CALL));
        let (builder, port) = match address.tls {
            MailTls::Starttls => (builder.tls(Tls::Required(parameters(address)?)), 587),
            MailTls::Tls => (builder.tls(Tls::Wrapper(parameters(address)?)), 465),
            MailTls::None if local => (builder, 25),
            MailTls::None => {
                let why = "without TLS mail goes to a server of this computer only; write tls = \"starttls\"";
                return Err(fault(why.to_owned()));
            }
        };
        let mut builder = builder.port(address.port.unwrap_or(port));
        if let Some((user, path)) = address.login {
            let password = std::fs::read_to_string(path)
                .map_err(|error| fault(format!("cannot read the password in {}: {error}", path.display())))?;
            builder = builder.credentials(Credentials::new(user.to_owned(), password.trim().to_owned()));
        }
        Ok(Self { server: builder.build(), from: mailbox(address.from)?, to })
    }

    fn message(&self, due: &[Due]) -> Result<Message, Untold> {
        let mut builder = Message::builder().from(self.from.clone()).subject(subject(due));
        for one in &self.to {
            builder = builder.to(one.clone());
        }
        // Sent again after an answer that was lost, it is the same message: programs of mail show it once.
        let ids = due.first().zip(due.last());
        let id = ids.map(|(first, last)| {
            let domain = self.from.email.domain();
            format!("<interdict-{}-{}@{domain}>", first.event.id(), last.event.number)
        });
        builder
            .message_id(id)
            .header(ContentType::TEXT_PLAIN)
            .body(text(due))
            // What cannot be written will not be able to be written later.
            .map_err(|error| Untold { why: error.to_string(), after: None, never: true })
    }
}

impl Channel for Mail {
    const AT_ONCE: u32 = 1000;

    fn tell(&self, due: &[Due]) -> Result<(), Untold> {
        let message = self.message(due)?;
        // What a server calls permanent (a password that has expired, one of several addresses that is gone) is mended by people
        // within the days in which it is tried again; what waited would be lost.
        self.server.send(&message).map(drop).map_err(|error| Untold::now(&with_causes(&error)))
    }
}

/// A library's error says little without what it comes from.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

fn parameters(address: &Address<'_>) -> Result<TlsParameters, MailError> {
    let fault = |why: String| MailError { name: address.name.to_owned(), why };
    let mut parameters = TlsParameters::builder(address.server.to_owned());
    if let Some(path) = address.ca {
        let read = std::fs::read(path)
            .map_err(|error| fault(format!("cannot read the authority in {}: {error}", path.display())))?;
        let certificate = Certificate::from_pem(&read).map_err(|error| {
            fault(format!("{} holds no certificate in PEM form: {error}", path.display()))
        })?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    parameters.build_rustls().map_err(|error| fault(error.to_string()))
}

fn subject(due: &[Due]) -> String {
    let opened = due.iter().filter_map(|one| match &one.event.happened {
        Happening::FindingOpened(told) => Some(told.product_name.as_str()),
        _ => None,
    });
    let mut products: Vec<&str> = opened.collect();
    let found = products.len();
    products.sort_unstable();
    products.dedup();
    match (due, found) {
        ([one], _) => format!("[interdict] {}", safe(&one.event.happened.sentence())),
        (all, 0) => format!("[interdict] {} events", all.len()),
        (all, found) => {
            let names = safe(&products.iter().take(3).copied().collect::<Vec<_>>().join(", ")).into_owned();
            let more = if products.len() > 3 { " …" } else { "" };
            format!("[interdict] {found} new findings ({names}{more}), {} events", all.len())
        }
    }
}

fn text(due: &[Due]) -> String {
    let mut text = String::new();
    for one in due.iter().take(LINES) {
        let line = one.event.happened.sentence();
        let _infallible = writeln!(text, "{}  {}", one.event.at, safe(&line));
    }
    if due.len() > LINES {
        let _infallible = writeln!(text, "… and {} more: /api/v1/events has them all", due.len() - LINES);
    }
    text
}
