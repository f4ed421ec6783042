//! Where the server is, and whether it is one that keeps what it acknowledges.
//!
//! Called when a store is opened, for each new connection, and when the collector is asked whether it is ready.

use std::fmt;
use std::str::FromStr as _;

use sqlx::Row as _;
use sqlx::postgres::PgConnectOptions;

use crate::collector::store::{Kept, StoreError};

use super::Conn;
use super::sql::failed;

/// The oldest version that will do.
const OLDEST: u32 = 15;

/// An address as `postgres://USER@HOST/DATABASE`. What is shown of it has no password.
#[derive(Clone)]
pub struct Address {
    url: String,
    options: PgConnectOptions,
}

impl Address {
    /// Reads one; none: it is none of `PostgreSQL`'s.
    pub fn read(text: &str) -> Option<Result<Self, String>> {
        let known = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        known.then(|| match PgConnectOptions::from_str(text) {
            Ok(options) => Ok(Self { url: text.to_owned(), options }),
            // What it says of a URL may hold the password.
            Err(_) => {
                Err("it is not of the form postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full".to_owned())
            }
        })
    }

    /// Whether it says a password.
    pub fn tells_password(&self) -> bool {
        let authority = self.url.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
        let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
        user.is_some_and(|user| user.contains(':')) || self.url.contains("password=")
    }

    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        write!(f, "postgres://{}@", options.get_username())?;
        match options.get_socket() {
            Some(socket) => write!(f, "{}", socket.display().to_string().replace('/', "%2F"))?,
            None => f.write_str(&options.get_host().replace('/', "%2F"))?,
        }
        write!(f, ":{}/{}", options.get_port(), options.get_database().unwrap_or(options.get_username()))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is asked of a server, and what it has to say: the setting, the values that will do, what is wrong else, what to do.
const SETTINGS: &[(&str, &[&str], &str, &str)] = &[
    (
        "fsync",
        &["on"],
        "what is acknowledged would not be on the disk",
        "turn it on: ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();",
    ),
    (
        "full_page_writes",
        &["on"],
        "a crash could leave pages half written",
        "turn it on: ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();",
    ),
    (
        "synchronous_commit",
        &["on", "local", "remote_write", "remote_apply"],
        "what is acknowledged would not be on the disk yet",
        "turn it on for the server, the database and the user: ALTER SYSTEM SET synchronous_commit = on; ALTER DATABASE … RESET \
         synchronous_commit; ALTER ROLE … RESET synchronous_commit; SELECT pg_reload_conf();",
    ),
    (
        "server_encoding",
        &["UTF8"],
        "names of software have letters that it cannot keep",
        "make the database with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
    ),
    (
        "transaction_read_only",
        &["off"],
        "nothing can be kept in it",
        "name the primary server, or turn default_transaction_read_only off",
    ),
];

/// Sees whether a server keeps what it acknowledges.
pub(super) async fn check(connection: &mut Conn) -> Kept<()> {
    let mut ask = String::from("SELECT current_setting('server_version_num') AS version");
    for (name, ..) in SETTINGS {
        ask.push_str(", current_setting('");
        ask.push_str(name);
        ask.push_str("') AS ");
        ask.push_str(name);
    }
    // As a simple query: one message, which a pooler does not part.
    let asked = sqlx::raw_sql(sqlx::AssertSqlSafe(ask));
    let failed = failed("asking the server for its settings");
    let row = asked.fetch_one(connection).await.map_err(failed)?;
    let version: String = row.try_get("version").map_err(failed)?;
    let major = version.parse::<u32>().unwrap_or_default() / 10_000;
    if major < OLDEST {
        return Err(StoreError::Unfit {
            what: format!("the server is PostgreSQL {major}"),
            next: "the collector needs 15 or newer",
        });
    }
    for (name, good, why, next) in SETTINGS {
        let value: String = row.try_get(*name).map_err(failed)?;
        if !good.contains(&value.as_str()) {
            return Err(StoreError::Unfit { what: format!("the server has {name} = {value}: {why}"), next });
        }
    }
    Ok(())
}

/// The same of a new connection of a server that may have been started anew.
pub(super) async fn still_fit(connection: &mut Conn) -> Result<(), sqlx::Error> {
    check(connection).await.map_err(|error| sqlx::Error::Configuration(Box::new(error)))
}
