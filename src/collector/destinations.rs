//! Who is told what happens, as the configuration says: `[[webhook]]` and `[[mail]]`.
//!
//! Read with the rest of the file by `config`; made ready by `serve`, so that a wrong address stops the start and not the first
//! event; tried by the command `push`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;
use serde::Deserialize;
use tokio::task::JoinSet;

use super::command::Failure;
use super::events::{Happening, TestTold};
use super::push::mail::{self, Mail, MailError, MailTls};
use super::push::webhook::{self, Webhook, WebhookError};
use super::push::{Channel, Untold, push};
use super::store::{Destination, Due, EventRow, Store};
use super::{clock, log};

/// Subcommands of `push`.
#[derive(Debug, Subcommand)]
pub(super) enum PushCommand {
    /// List the destinations that the configuration names
    List,
    /// Tell a destination that this is a test
    Test {
        /// What the configuration calls it
        name: String,
    },
}

/// A receiver of calls.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookTable {
    name: String,
    url: String,
    secret_file: PathBuf,
    ca: Option<PathBuf>,
    events: Option<Vec<String>>,
}

/// Receivers of mail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailTable {
    name: String,
    server: String,
    port: Option<u16>,
    #[serde(default)]
    tls: MailTls,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    from: String,
    to: Vec<String>,
    events: Option<Vec<String>>,
}

/// Why a destination cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DestinationError {
    /// A webhook.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Mail.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// Two of one name.
    #[error("two destinations are called '{0}': what waits is kept by name")]
    Twice(String),
    /// A word.
    #[error("destination '{name}': '{word}' is no event; there are: {}", Happening::WORDS.join(", "))]
    Word {
        /// The destination.
        name: String,
        /// What it names.
        word: String,
    },
    /// Half of a login.
    #[error("destination '{0}': 'user' and 'password_file' go together")]
    Login(String),
}

enum Way {
    Webhook(Arc<Webhook>),
    Mail(Arc<Mail>),
}

/// Destinations that are ready.
#[derive(Default)]
pub(super) struct Destinations(Vec<(Destination, Way)>);

impl Destinations {
    /// Those of the configuration.
    pub(super) fn of(webhooks: &[WebhookTable], mails: &[MailTable]) -> Result<Self, DestinationError> {
        let mut all = Vec::new();
        for one in webhooks {
            let WebhookTable { name, url, secret_file, ca, events } = one;
            let address = webhook::Address { name, url, secret: secret_file, ca: ca.as_deref() };
            all.push((
                destination(name, events.as_deref())?,
                Way::Webhook(Arc::new(Webhook::new(&address)?)),
            ));
        }
        for one in mails {
            let login = match (&one.user, &one.password_file) {
                (Some(user), Some(file)) => Some((user.as_str(), file)),
                (None, None) => None,
                _ => return Err(DestinationError::Login(one.name.clone())),
            };
            let address = mail::Address {
                name: &one.name,
                server: &one.server,
                port: one.port,
                tls: one.tls,
                login,
                ca: one.ca.as_deref(),
                from: &one.from,
                to: &one.to,
            };
            all.push((
                destination(&one.name, one.events.as_deref())?,
                Way::Mail(Arc::new(Mail::new(&address)?)),
            ));
        }
        let mut names = BTreeSet::new();
        match all.iter().find(|(one, _)| !names.insert(one.name.as_str())) {
            Some((one, _)) => Err(DestinationError::Twice(one.name.clone())),
            None => Ok(Self(all)),
        }
    }

    /// Tells them what happens, until the set is dropped.
    pub(super) fn begin(self, store: &Arc<dyn Store>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for (destination, way) in self.0 {
            let store = Arc::clone(store);
            match way {
                Way::Webhook(channel) => tasks.spawn(push(store, destination, channel, clock::now)),
                Way::Mail(channel) => tasks.spawn(push(store, destination, channel, clock::now)),
            };
        }
        tasks
    }

    /// `push`.
    pub(super) fn run(&self, command: &PushCommand) -> Result<(), Failure> {
        match command {
            PushCommand::List => {
                let rows = self
                    .0
                    .iter()
                    .map(|(one, way)| format!("{}\t{}\t{}\n", one.name, way.word(), one.words.join(" ")));
                let text: String = ["name\tkind\tevents\n".to_owned()].into_iter().chain(rows).collect();
                log::print(&text).map_err(Failure::Stdout)
            }
            PushCommand::Test { name } => {
                let found = self.0.iter().find(|(one, _)| one.name == *name);
                let (_, way) = found.ok_or_else(|| {
                    Failure::Push(format!(
                        "the configuration names no destination '{name}'; 'push list' shows them"
                    ))
                })?;
                way.test()
                    .map_err(|untold| Failure::Push(format!("'{name}' was not told: {}", untold.why)))?;
                log::say(format_args!("'{name}' was told"));
                Ok(())
            }
        }
    }
}

impl Way {
    const fn word(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Mail(_) => "mail",
        }
    }

    fn test(&self) -> Result<(), Untold> {
        let text = "this is a test of interdict-collector: nothing has happened".to_owned();
        let event = EventRow { number: 0, at: clock::now(), happened: Happening::Test(TestTold { text }) };
        let due = [Due { event, tries: 0 }];
        match self {
            Self::Webhook(channel) => channel.tell(&due),
            Self::Mail(channel) => channel.tell(&due),
        }
    }
}

fn destination(name: &str, events: Option<&[String]>) -> Result<Destination, DestinationError> {
    let words = events
        .map_or_else(|| Happening::USUAL.iter().map(|word| (*word).to_owned()).collect(), <[String]>::to_vec);
    match words.iter().find(|word| !Happening::WORDS.contains(&word.as_str())) {
        Some(word) => Err(DestinationError::Word { name: name.to_owned(), word: word.clone() }),
        None => Ok(Destination { name: name.to_owned(), words }),
    }
}
