//! `person`: who may open the console, from the collector's own computer; and the token by which the first admin is let in.
//!
//! Called by `command`, and by `serve` and `init` for the token. A password is read where nobody sees it, or from standard input;
//! never from an argument, which everybody here could read.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::model::Stamp;

use super::admin::{RoleWord, write_secret};
use super::auth::{Kind, Token};
use super::command::Failure;
use super::console::{password, sign_in::check_name};
use super::log;
use super::place::Place;
use super::store::{By, Changed, NewPerson, PersonChange, SET_UP, SignsIn, Store};

/// The set-up token, in the data folder: for its owner alone.
const SET_UP_TOKEN: &str = "console-set-up-token";
/// Bytes that are read of a password.
const MOST: u64 = 4_096;

/// Subcommands of `person`.
#[derive(Debug, Subcommand)]
pub(super) enum PersonCommand {
    /// Let somebody in; the password is asked for, or read from standard input
    Add {
        /// What they are called
        name: String,
        /// What they may
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleWord,
    },
    /// List people
    List,
    /// Give somebody another password, which is asked for, or read from standard input; who was kept out is let in
    Password {
        /// What they are called
        name: String,
    },
    /// Forget somebody; the audit log keeps the name
    Remove {
        /// What they are called
        name: String,
    },
}

/// Runs the command.
pub(super) async fn run(place: &Place, command: PersonCommand, at: Stamp) -> Result<(), Failure> {
    let given = match &command {
        PersonCommand::Add { name, .. } => {
            check_name(name).map_err(Failure::Credential)?;
            Some(given()?)
        }
        PersonCommand::Password { .. } => Some(given()?),
        PersonCommand::List | PersonCommand::Remove { .. } => None,
    };
    let secret = match given {
        Some(given) => password::hash(given).await.map_err(Failure::Credential)?,
        None => String::new(),
    };
    let store = place.open(false).await?;
    let done = done(place, store.as_ref(), command, secret, at).await;
    store.close().await;
    log::say(format_args!("{}", done?));
    Ok(())
}

async fn done(
    place: &Place,
    store: &dyn Store,
    command: PersonCommand,
    secret: String,
    at: Stamp,
) -> Result<String, Failure> {
    let (fault, by) = (place.fault(), By { actor: "command".to_owned(), at });
    let change = async |name: &str, change: PersonChange| match store
        .change_person(name, &change, &by)
        .await
        .map_err(&fault)?
    {
        Changed::Done => Ok(()),
        Changed::Nobody => {
            Err(Failure::Credential(format!("nobody is called '{name}'; 'list' shows who is")))
        }
        Changed::LastAdmin => {
            Err(Failure::Credential(format!("'{name}' is the last admin; add another one before")))
        }
    };
    match command {
        PersonCommand::Add { name, role } => {
            let new = NewPerson { name, role: role.into(), by: SignsIn::Password(secret) };
            if !store.add_person(&new, &by).await.map_err(&fault)? {
                return Err(Failure::Credential(format!("'{}' is taken; choose another name", new.name)));
            }
            Ok(format!("{} may sign in", new.name))
        }
        PersonCommand::Password { name } => {
            change(&name, PersonChange::Password(secret)).await?;
            Ok(format!("{name} has another password"))
        }
        PersonCommand::Remove { name } => {
            change(&name, PersonChange::Gone).await?;
            Ok(format!("{name} is forgotten"))
        }
        PersonCommand::List => {
            let mut text = String::from("name\trole\tstate\tsigns in by\tlast\n");
            let people = store.people().await.map_err(&fault)?;
            for one in &people {
                let state = match (one.disabled, one.locked_until) {
                    (Some(_), _) => "shut out",
                    (None, Some(until)) if until > at => "kept out for a while",
                    _ => "may sign in",
                };
                let by = if matches!(one.by, SignsIn::Password(_)) { "password" } else { "provider" };
                let last = one.used.map_or_else(|| "-".to_owned(), |used| used.to_string());
                text.push_str(&[&one.name, one.role.word(), state, by, &last].join("\t"));
                text.push('\n');
            }
            log::print(&text).map_err(Failure::Stdout)?;
            Ok(format!("{} in all", people.len()))
        }
    }
}

/// A password, where nobody sees it.
fn given() -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::Credential(format!("the password cannot be read: {error}"));
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password("Password, twelve letters at least: ").map_err(failed)?
    } else {
        let mut text = String::new();
        io::stdin().take(MOST).read_to_string(&mut text).map_err(failed)?;
        text
    };
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    password::check(&text).map_err(Failure::Credential)?;
    Ok(text)
}

/// Gives a console that nobody may open, and never could, its set-up token; where it is, if it is new.
pub(super) async fn first_set_up(place: &Place, store: &dyn Store) -> Result<Option<PathBuf>, Failure> {
    let fault = place.fault();
    if !store.people().await.map_err(&fault)?.is_empty() {
        return Ok(None);
    }
    let token = Token::new(Kind::SetUp)?;
    let hash = token.hash().0.to_vec();
    if store.mark(SET_UP, &hash, false).await.map_err(&fault)? != hash {
        return Ok(None);
    }
    let path = place.data.join(SET_UP_TOKEN);
    // One whose file is not there is of no use: another start makes another.
    if let Err(cause) = write_secret(&path, token.reveal()) {
        let _as_before = store.mark(SET_UP, &[], true).await;
        return Err(Failure::Write { path, cause });
    }
    if log::is_watched() {
        log::say(format_args!("set-up token of the console: {}", token.reveal()));
    }
    Ok(Some(path))
}

/// Says where it is.
pub(super) fn say_set_up(path: &Path) {
    log::say(format_args!(
        "made the console's set-up token, in {}: open the collector's address in a browser, and it lets the first admin in",
        path.display()
    ));
}
