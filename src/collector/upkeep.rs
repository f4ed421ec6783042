//! What is done to a fleet that is kept: forgetting what is old, forgetting a host, copies and putting them back.
//!
//! Called by `command`; `serve` forgets what is old once a day.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the collector's own folder, not a scanned host's"
)]

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;

use crate::model::{Id, Stamp};

use super::admin::{create_own, make_folder};
use super::command::Failure;
use super::place::Place;
use super::store::sqlite::is_fleet;
use super::store::{By, Kept, Store};
use super::{clock, expected, export, log, retention};

/// Subcommands of `hosts`.
#[derive(Debug, Subcommand)]
pub(super) enum HostsCommand {
    /// Print all that is kept of a host, as JSON
    Export {
        /// Its id, as /api/v1/hosts tells it
        id: Id,
    },
    /// Forget a host and all that is only its own; its token holds no longer
    Erase {
        /// Its id, as /api/v1/hosts tells it
        id: Id,
    },
}

/// Subcommands of `expected`.
#[derive(Debug, Subcommand)]
pub(super) enum ExpectedCommand {
    /// Have the hosts of a list be all that there ought to be
    Import {
        /// A CSV file with a column `name`, and where there are such `owner`, `department`, `tags`
        file: PathBuf,
    },
}

/// `backup`.
pub(super) async fn backup(place: &Place, file: &Path) -> Result<(), Failure> {
    if file.exists() {
        let cause = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(Failure::Write { path: file.to_owned(), cause });
    }
    let store = place.open(false).await?;
    // An empty file is written into; this one is its owner's alone.
    create_own(file).map_err(|cause| Failure::Write { path: file.to_owned(), cause })?;
    let done = store.backup(file).await.inspect_err(|_| {
        let _gone = std::fs::remove_file(file);
    });
    store.close().await;
    done.map_err(place.fault())?;
    log::say(format_args!("wrote {}", file.display()));
    Ok(())
}

/// `restore`: into a folder that holds no fleet, so that none is lost by a slip.
pub(super) async fn restore(place: &Place, file: &Path) -> Result<(), Failure> {
    let Some(path) = place.file() else {
        return Err(Failure::Start(format!(
            "PostgreSQL's own tools put a copy of a fleet back, into an empty database: pg_restore --dbname='{place}' {}; with the \
             file of the site's key",
            file.display()
        )));
    };
    if path.exists() {
        return Err(Failure::Start(format!(
            "{} is there: a fleet is never overwritten; name another folder with --data, or move it away",
            path.display()
        )));
    }
    let logs = ["-wal", "-shm", "-journal"].map(|end| {
        let mut log = path.as_os_str().to_owned();
        log.push(end);
        PathBuf::from(log)
    });
    if let Some(log) = logs.iter().find(|log| log.exists()) {
        return Err(Failure::Start(format!(
            "{} is there, the log of a database that is gone: it would be read into the copy; move it away",
            log.display()
        )));
    }
    make_folder(&place.data).map_err(|cause| Failure::Folder { path: place.data.clone(), cause })?;
    let put_back = || io::copy(&mut File::open(file)?, &mut create_own(path)?);
    put_back().map_err(|cause| Failure::Write { path: path.to_owned(), cause })?;
    // What is no fleet is not left behind as one.
    if let Err(failure) = holds_fleet(place, path, file).await {
        for path in logs.iter().map(PathBuf::as_path).chain([path]) {
            let _gone = std::fs::remove_file(path);
        }
        return Err(failure);
    }
    log::say(format_args!(
        "{} is the fleet of {}; put the file of its site's key beside it",
        path.display(),
        file.display()
    ));
    Ok(())
}

/// Whether a copy that was put back is a fleet: an empty file would be made into one that knows nobody.
async fn holds_fleet(place: &Place, path: &Path, file: &Path) -> Result<(), Failure> {
    if !is_fleet(path).await.map_err(place.fault())? {
        return Err(Failure::Start(format!("{} holds no fleet: it has none of its tables", file.display())));
    }
    let fleet = place.open(false).await?;
    let answers = fleet.ready().await.map_err(place.fault());
    fleet.close().await;
    answers
}

/// The moment so many days ago.
fn days_ago(days: u32) -> Option<Stamp> {
    Stamp::from_unix(clock::now().unix() - i64::from(days) * 24 * 60 * 60)
}

/// `prune`.
///
/// Without days: what was set, else what is configured.
pub(super) async fn prune(place: &Place, days: Option<u32>, configured: u32) -> Result<(), Failure> {
    let store = place.open(false).await?;
    let prune = async {
        let set = retention::set_days(store.as_ref()).await?;
        match days_ago(days.or(set).unwrap_or(configured)) {
            Some(before) => store.prune(before).await,
            None => Ok(0),
        }
    };
    let done = prune.await;
    store.close().await;
    log::say(format_args!("forgot {} reports, verdicts and closed findings", done.map_err(place.fault())?));
    Ok(())
}

/// Forgets what is older than so many days, unless others were set, when the collector begins and once a day; for ever.
pub(super) async fn prune_daily(store: Arc<dyn Store>, configured: u32) {
    let forget = async || {
        let days = retention::set_days(store.as_ref()).await?.unwrap_or(configured);
        let Some(before) = days_ago(days) else { return Kept::Ok((0, days)) };
        Ok((store.prune(before).await?, days))
    };
    loop {
        match forget().await {
            Ok((0, _)) => {}
            Ok((rows, days)) => tracing::info!(rows, days, "forgot what is old"),
            Err(error) => tracing::error!(%error, "what is old could not be forgotten"),
        }
        tokio::time::sleep(Duration::from_hours(24)).await;
    }
}

/// `hosts`.
pub(super) async fn hosts(place: &Place, command: HostsCommand) -> Result<(), Failure> {
    let store = place.open(false).await?;
    let (id, done) = match command {
        HostsCommand::Export { id } => {
            (id, export::host(store.as_ref(), id).await.map(|host| host.map(Some)))
        }
        HostsCommand::Erase { id } => (id, store.erase(id).await.map(|known| known.then_some(None))),
    };
    store.close().await;
    let Some(export) = done.map_err(place.fault())? else {
        return Err(Failure::Credential(format!("there is no host {id}; /api/v1/hosts lists them")));
    };
    let Some(export) = export else {
        log::say(format_args!("{id} is forgotten; copies of the database still have it"));
        return Ok(());
    };
    let text = serde_json::to_string_pretty(&export).map_err(|error| Failure::Stdout(error.into()))?;
    log::print(&format!("{text}\n")).map_err(Failure::Stdout)
}

/// `expected`.
pub(super) async fn expected(place: &Place, command: &ExpectedCommand) -> Result<(), Failure> {
    let ExpectedCommand::Import { file } = command;
    let bytes = std::fs::read(file).map_err(|cause| Failure::Read { path: file.clone(), cause })?;
    let hosts = expected::read(&bytes).map_err(|faults| Failure::List { path: file.clone(), faults })?;
    let store = place.open(false).await?;
    let done = store.expect(&hosts, &By { actor: "command line".to_owned(), at: clock::now() }).await;
    store.close().await;
    done.map_err(place.fault())?;
    log::say(format_args!("{} hosts ought to be there", hosts.len()));
    Ok(())
}
