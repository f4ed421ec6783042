//! The commands beside `serve`: they open the database themselves, and may run while the collector does.
//!
//! Called by `command`. What they print on stdout is data: a token is there once, and nowhere afterwards.
#![expect(clippy::disallowed_types, reason = "the collector's own folder, not a scanned host's")]

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};

use crate::model::{Date, Stamp};

use super::auth::{Kind, Token};
use super::command::Failure;
use super::person_command::{first_set_up, say_set_up};
use super::place::Place;
use super::store::{Credential, Role, Store};
use super::{clock, log};

/// The first secret and the first token, in the data folder: for their owner alone, to be taken away.
const FIRST_SECRET: &str = "first-enrolment-secret";
const FIRST_TOKEN: &str = "first-admin-token";
/// What the first ones are called.
const FIRST: &str = "first";
const FIRST_ADMIN: &str = "first-admin";

/// Subcommands of `token`.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it; it cannot be shown again
    Create {
        #[command(flatten)]
        new: NewArgs,
        /// What it may
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleWord,
    },
    /// List the tokens; they themselves are not kept
    List,
    /// Take a token back, from now on
    Revoke {
        /// Its name
        name: String,
    },
}

/// Subcommands of `secret`.
#[derive(Debug, Subcommand)]
pub(super) enum SecretCommand {
    /// Make a secret and print it; it cannot be shown again
    Create(NewArgs),
    /// List the secrets; they themselves are not kept
    List,
    /// Take a secret back: hosts that enrolled by it stay
    Revoke {
        /// Its name
        name: String,
    },
}

/// What is new.
#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// What it is called; no two are called the same
    name: String,
    /// When it ends: a day (its beginning, UTC) or a moment like 2027-01-31T12:00:00Z [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<When>,
}

/// What a token may.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum RoleWord {
    /// Ask questions
    Viewer,
    /// Also change tags, waivers, expected hosts
    Operator,
    /// Also make tokens and secrets
    Admin,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Viewer => Self::Viewer,
            RoleWord::Operator => Self::Operator,
            RoleWord::Admin => Self::Admin,
        }
    }
}

/// A day or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct When(Stamp);

impl FromStr for When {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = match text.parse::<Date>() {
            Ok(_) => format!("{text}T00:00:00Z"),
            Err(_) => text.to_owned(),
        };
        let seconds = moment.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second);
        let stamp = seconds.ok().and_then(Stamp::from_unix).map(Self);
        stamp.ok_or_else(|| "write a day like 2027-01-31, or a moment like 2027-01-31T12:00:00Z".to_owned())
    }
}

/// Whether root is at work in the folder of another user, who could not read what root makes there: files beside the database
/// come and go with who opens it.
#[cfg_attr(
    unix,
    expect(clippy::disallowed_methods, reason = "the collector's own folder, not a scanned host's")
)]
pub(super) fn is_of_another(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let owner = std::fs::metadata(folder).map(|meta| meta.uid());
        rustix::process::geteuid().is_root() && owner.is_ok_and(|owner| owner != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}

/// A folder for its owner alone; one that is there stays as it is.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Gives a fleet that has neither its first secret and token; where they are, if they are new.
pub(super) async fn first_credentials(
    place: &Place,
    store: &dyn Store,
) -> Result<Option<[PathBuf; 2]>, Failure> {
    let fault = place.fault();
    if !store.credentials().await.map_err(&fault)?.is_empty() {
        return Ok(None);
    }
    let now = clock::now();
    let files = [place.data.join(FIRST_SECRET), place.data.join(FIRST_TOKEN)];
    let kinds = [(Kind::Secret, FIRST, None), (Kind::Api, FIRST_ADMIN, Some(Role::Admin))];
    for ((kind, name, role), path) in kinds.into_iter().zip(&files) {
        let token = Token::new(kind)?;
        // Written before it holds: a start that ends between the two is made good by the next one.
        write_secret(path, token.reveal()).map_err(|cause| Failure::Write { path: path.clone(), cause })?;
        let name = name.to_owned();
        let new = Credential { name, role, created: now, expires: None, revoked: None, used: None };
        if !store.add_credential(&new, token.hash()).await.map_err(&fault)? {
            // Another collector of the fleet was first.
            let _gone = std::fs::remove_file(path);
            return Ok(None);
        }
        // A journal keeps what it is told: only a person who watches is shown it.
        if log::is_watched() {
            log::say(format_args!("{}: {}", what(role), token.reveal()));
        }
    }
    Ok(Some(files))
}

fn what(role: Option<Role>) -> &'static str {
    if role.is_none() { "first enrolment secret" } else { "first admin token" }
}

/// A secret in a file of its owner alone, which replaces one that is there.
pub(super) fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_own(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

/// A new file that is its owner's alone.
pub(super) fn create_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Says where the first secret and token are.
pub(super) fn say_first(files: &[PathBuf; 2]) {
    let [secret, token] = files;
    log::say(format_args!(
        "made the first enrolment secret, in {}, and the first admin token, in {}; move them to where they are needed",
        secret.display(),
        token.display()
    ));
}

/// `init`.
pub(super) async fn init(place: &Place, new_site_key: bool) -> Result<(), Failure> {
    let store = place.open(true).await?;
    let made = async {
        let made = first_credentials(place, store.as_ref()).await?;
        place.site_key(store.as_ref(), new_site_key).await?;
        if let Some(path) = first_set_up(place, store.as_ref()).await? {
            say_set_up(&path);
        }
        Ok::<_, Failure>(made)
    };
    let made = made.await;
    store.close().await;
    match made? {
        Some(files) => say_first(&files),
        None if new_site_key => {
            log::say(format_args!("made a new site's key; other collectors of the fleet need it too"));
        }
        None => log::say(format_args!("{place} holds a fleet already; nothing was changed")),
    }
    Ok(())
}

/// `migrate`: opening does it.
pub(super) async fn migrate(place: &Place) -> Result<(), Failure> {
    let store = place.open(false).await?;
    store.close().await;
    log::say(format_args!("{place} is of this version's form"));
    Ok(())
}

/// `token`.
pub(super) async fn token(place: &Place, command: TokenCommand, now: Stamp) -> Result<(), Failure> {
    match command {
        TokenCommand::Create { new, role } => create(place, new, Some(role.into()), now).await,
        TokenCommand::List => list(place, true, now).await,
        TokenCommand::Revoke { name } => revoke(place, &name, true, now).await,
    }
}

/// `secret`.
pub(super) async fn secret(place: &Place, command: SecretCommand, now: Stamp) -> Result<(), Failure> {
    match command {
        SecretCommand::Create(new) => create(place, new, None, now).await,
        SecretCommand::List => list(place, false, now).await,
        SecretCommand::Revoke { name } => revoke(place, &name, false, now).await,
    }
}

async fn create(place: &Place, new: NewArgs, role: Option<Role>, now: Stamp) -> Result<(), Failure> {
    let sound = !new.name.is_empty() && new.name.len() <= 64 && !new.name.contains(char::is_control);
    if !sound {
        let why = "a name has between 1 and 64 letters, and no control character";
        return Err(Failure::Credential(why.to_owned()));
    }
    let token = Token::new(if role.is_some() { Kind::Api } else { Kind::Secret })?;
    let expires = new.expires.map(|when| when.0);
    let credential = Credential { name: new.name, role, created: now, expires, revoked: None, used: None };
    let store = place.open(false).await?;
    let added = store.add_credential(&credential, token.hash()).await;
    store.close().await;
    if !added.map_err(place.fault())? {
        let why = format!("'{}' is taken, or was; choose another name", credential.name);
        return Err(Failure::Credential(why));
    }
    log::print(&format!("{}\n", token.reveal())).map_err(Failure::Stdout)
}

async fn credentials(place: &Place, tokens: bool, store: &dyn Store) -> Result<Vec<Credential>, Failure> {
    let all = store.credentials().await;
    let all = all.map_err(place.fault())?;
    Ok(all.into_iter().filter(|one| one.role.is_some() == tokens).collect())
}

async fn list(place: &Place, tokens: bool, now: Stamp) -> Result<(), Failure> {
    let store = place.open(false).await?;
    let found = credentials(place, tokens, store.as_ref()).await;
    store.close().await;
    let mut text = String::from("name\trole\tstate\tcreated\texpires\tused\n");
    for one in found? {
        let shown = |stamp: Option<Stamp>| stamp.map_or_else(|| "-".to_owned(), |stamp| stamp.to_string());
        let state = match &one {
            one if one.revoked.is_some() => "revoked",
            one if one.expires.is_some_and(|end| end <= now) => "expired",
            _ => "holds",
        };
        let role = one.role.map_or("enrol", Role::word);
        let dates = [shown(Some(one.created)), shown(one.expires), shown(one.used)].join("\t");
        text.push_str(&[&one.name, role, state, &dates].join("\t"));
        text.push('\n');
    }
    log::print(&text).map_err(Failure::Stdout)
}

async fn revoke(place: &Place, name: &str, tokens: bool, now: Stamp) -> Result<(), Failure> {
    let store = place.open(false).await?;
    let known = credentials(place, tokens, store.as_ref()).await?.iter().any(|one| one.name == name);
    let done = if known { store.revoke(name, now).await } else { Ok(false) };
    store.close().await;
    if done.map_err(place.fault())? {
        log::say(format_args!("'{name}' holds no longer"));
        return Ok(());
    }
    Err(Failure::Credential(format!("none called '{name}' holds; 'list' shows them")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_beginning() {
        let when = |text: &str| text.parse::<When>().map(|when| when.0.to_string());
        assert_eq!(when("2027-01-31").unwrap(), "2027-01-31T00:00:00Z");
        assert_eq!(when("2027-01-31T12:00:00+01:00").unwrap(), "2027-01-31T11:00:00Z");
        assert!(when("tomorrow").is_err());
    }
}
