//! The fleet in one file: SQLite, in WAL mode, every commit on the disk before it is answered.
//!
//! Opened by the collector's commands, asked through `Store`. One connection writes: check-ins many to a commit, all else one at
//! a time. Others read beside it. What is asked is in `sql`; here is what SQLite alone has.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Transaction};
use tokio::sync::mpsc;

use super::{Keep, Kept, StoreError, Stored};

#[path = "../sql/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each database")]
mod sql;

use sql::{Job, Memory, enqueue, failed, migrate, write_queue};

type Db = sqlx::Sqlite;
type Conn = sqlx::SqliteConnection;
type Row = sqlx::sqlite::SqliteRow;
type Here = Sqlite;

/// The layout's versions.
const STEPS: &[&str] = &[
    include_str!("../migrations/sqlite_0001.sql"),
    include_str!("../migrations/sqlite_0002.sql"),
    include_str!("../migrations/sqlite_0003.sql"),
    include_str!("../migrations/sqlite_0004.sql"),
    include_str!("../migrations/sqlite_0005.sql"),
    include_str!("../migrations/sqlite_0006.sql"),
];
/// Whether statements stay prepared.
const PREPARED: bool = true;
/// One writes at a time: no row has to be locked, and nobody has to be waited for.
const FOR_UPDATE: &str = "";
const SKIP_LOCKED: &str = "";
const ITEMS_STAY: Option<&str> = None;
const ITEMS_GO: Option<&str> = None;
const NUMBERING: Option<&str> = None;
/// All sources of a host, each as its place, what it says of itself, how it ended and what it saw.
const SOURCES_IN_ONE: &str =
    "GROUP_CONCAT(position || ':' || shape || ':' || HEX(ended) || ':' || COALESCE(HEX(entries), ''), ' ')";
/// Bytes of the whole.
const BYTES: &str = "SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size()";

/// What is counted as it comes and goes: a hundred thousand hosts are not gone through for it.
const HOSTS_OF_ITEM: &str = "COALESCE((SELECT hosts FROM item_hosts WHERE item_hosts.item = item.no), 0)";
const ITEM_HAS_HOSTS: &str = "EXISTS (SELECT 1 FROM item_hosts WHERE item_hosts.item = item.no)";
/// Retired hosts are counted there, and taken off again.
const UNSEEN_COUNTS: &str = "SELECT source, unseen, SUM(hosts) AS hosts FROM (SELECT source, unseen, hosts FROM unseen_hosts \
    UNION ALL SELECT source, unseen, -1 FROM host CROSS JOIN host_set ON host_set.host = host.no \
    WHERE host.standing = 'retired' AND unseen IS NOT NULL) GROUP BY source, unseen HAVING SUM(hosts) > 0 ORDER BY source, unseen";

const HOST_GROUPS: &str = "SELECT standing, verdict, listed, seen, hosts FROM host_count WHERE hosts > 0";
const LISTED: &str = "host.listed";
const NAMES_OF_SEVERAL: &str = "SELECT folded FROM name_hosts WHERE hosts > 1";

/// How long a writer waits for another program that has the file: a backup tool, a person with `sqlite3`.
const BUSY: Duration = Duration::from_secs(10);
/// What the one who writes remembers of the file, in KiB: a host's items lie all over an index.
const CACHE: &str = "-65536";
/// Pages of the log after which it is written into the file: what hosts have alike is then written there once for many.
const LOG: &str = "8000";
/// Rows that may wait for who asked: with fewer a thread is woken up for every few of them.
const ROWS: usize = 1_000;
/// Connections that read.
const READERS: u32 = 4;
/// Check-ins that may wait for the writer.
const WAITING: usize = 1_024;

/// A fleet in a file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    pools: Pools,
    keeps: mpsc::Sender<Job>,
    memory: Arc<Memory>,
}

/// Connections that read, and the one that writes.
#[derive(Debug, Clone)]
struct Pools {
    read: SqlitePool,
    write: SqlitePool,
}

impl Pools {
    /// For one question.
    async fn reading(&self) -> Kept<PoolConnection<Db>> {
        self.read.acquire().await.map_err(failed("reading the database"))
    }

    /// For several that must fit each other.
    async fn snapshot(&self) -> Kept<Transaction<'static, Db>> {
        self.read.begin().await.map_err(failed("reading the database"))
    }

    async fn changing(&self) -> Result<Transaction<'static, Db>, sqlx::Error> {
        self.write.begin_with("BEGIN IMMEDIATE").await
    }

    /// Nobody stands in the way of the one who writes.
    #[expect(clippy::unused_self, reason = "asked of every database")]
    fn again(&self, _: &StoreError) -> bool {
        false
    }

    async fn close(&self) {
        self.write.close().await;
        self.read.close().await;
    }
}

impl Sqlite {
    /// Opens the file, or makes it, and brings it to this version.
    pub async fn open(path: &Path) -> Kept<Self> {
        let doing = "opening the database";
        let options = options(path);
        let one = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            // A full disk ends a transaction behind the driver's back, which then believes for ever that it is in one.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }));
        let writes = options.clone().pragma("cache_size", CACHE).pragma("wal_autocheckpoint", LOG);
        let write = one.connect_with(writes).await.map_err(failed(doing))?;
        let mut change = write.begin_with("BEGIN IMMEDIATE").await.map_err(failed(doing))?;
        migrate(&mut change).await?;
        change.commit().await.map_err(failed(doing))?;
        let readers = options.create_if_missing(false).pragma("query_only", "ON");
        // A file does not go away as a server does: nothing has to be asked before each question.
        let pool =
            SqlitePoolOptions::new().max_connections(READERS).min_connections(1).test_before_acquire(false);
        let read = pool.connect_with(readers).await.map_err(failed("opening the database for reading"))?;
        let pools = Pools { read, write };
        let (keeps, jobs) = mpsc::channel(WAITING);
        let memory = Arc::new(Memory::new());
        tokio::spawn(write_queue(pools.clone(), Arc::clone(&memory), jobs));
        Ok(Self { path: path.to_owned(), pools, keeps, memory })
    }

    async fn keep_report(&self, keep: Keep) -> Kept<Stored> {
        enqueue(&self.keeps, keep).await
    }

    /// Takes the right to write, and gives it back.
    async fn can_write(&self) -> Kept<()> {
        let failed = failed("trying the database");
        self.pools.changing().await.map_err(failed)?.rollback().await.map_err(failed)
    }

    /// A copy as of one moment, made beside the check-ins; SQLite refuses to write over a file that holds something.
    async fn copy(&self, to: &Path) -> Kept<()> {
        let failed = failed("writing a copy of the database");
        let mut connection = options(&self.path).create_if_missing(false).connect().await.map_err(failed)?;
        sqlx::query("VACUUM INTO $1")
            .bind(to.to_string_lossy().into_owned())
            .execute(&mut connection)
            .await
            .map_err(failed)?;
        connection.close().await.map_err(failed)
    }
}

/// Whether a file is a database that holds a fleet; it is changed in nothing.
pub async fn is_fleet(path: &Path) -> Kept<bool> {
    let failed = failed("looking into the database");
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    let mut connection = options.disable_statement_logging().connect().await.map_err(failed)?;
    let tables =
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('version', 'host', 'report')";
    let found: i64 = sqlx::query_scalar(tables).fetch_one(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    Ok(found == 3)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .row_buffer_size(ROWS)
        // Statements are told in traces, and what is bound to them is not.
        .disable_statement_logging()
}
