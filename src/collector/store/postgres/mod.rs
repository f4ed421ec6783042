//! The fleet in `PostgreSQL`: any number of collectors beside each other over one database.
//!
//! Opened by the collector's commands, asked through `Store`. What is asked is in `sql`; here is what `PostgreSQL` alone has. All of
//! it goes through a pooler in transaction mode too: nothing is asked outside of a transaction, and nothing is left in a session.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Transaction};
use tokio::sync::mpsc;

use super::{Keep, Kept, StoreError, Stored};

#[macro_use]
#[path = "../sql/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each database")]
mod sql;

mod server;

pub use server::Address;

use sql::keep::keep_all;
use sql::row::query;
use sql::{Job, Memory, enqueue, failed, migrate, write_queue};

type Db = sqlx::Postgres;
type Conn = sqlx::PgConnection;
type Row = sqlx::postgres::PgRow;
type Here = Postgres;

/// The layout's versions.
const STEPS: &[&str] = &[
    include_str!("../migrations/postgres_0001.sql"),
    include_str!("../migrations/postgres_0002.sql"),
    include_str!("../migrations/postgres_0003.sql"),
    include_str!("../migrations/postgres_0004.sql"),
    include_str!("../migrations/postgres_0005.sql"),
    include_str!("../migrations/postgres_0006.sql"),
];
/// Whether statements stay prepared: a pooler gives each transaction another session.
const PREPARED: bool = false;
/// Who changes a host has its row.
const FOR_UPDATE: &str = " FOR UPDATE";
/// Who takes hosts takes those that nobody has.
const SKIP_LOCKED: &str = " FOR UPDATE SKIP LOCKED";
/// Who writes sets relies on items that are there; who forgets items waits for them, and they for it.
const ITEMS_STAY: Option<&str> = Some("SELECT pg_advisory_xact_lock_shared(7310573201)");
const ITEMS_GO: Option<&str> = Some("SELECT pg_advisory_xact_lock(7310573201)");
/// Who gives numbers to findings.
const NUMBERING: Option<&str> = Some("SELECT pg_advisory_xact_lock(7310573202)");
/// Who brings the database to another version.
const MIGRATING: &str = "SELECT pg_advisory_xact_lock(7310573203)";
/// All sources of a host, each as its place, what it says of itself, how it ended and what it saw.
const SOURCES_IN_ONE: &str = "STRING_AGG(position || ':' || shape || ':' || ENCODE(ended, 'hex') || ':' || COALESCE(ENCODE(entries, 'hex'), ''), ' ')";
/// Bytes of the whole.
const BYTES: &str = "SELECT pg_database_size(current_database())";

/// What is counted when it is asked: a count that is kept would be one row that all collectors wait for.
const HOSTS_OF_ITEM: &str = "(SELECT COUNT(*) FROM block CROSS JOIN host_item WHERE host_item.block = block.no AND host_item.item = item.no)";
const ITEM_HAS_HOSTS: &str = "EXISTS (SELECT 1 FROM block CROSS JOIN host_item WHERE host_item.block = block.no AND host_item.item = item.no)";
const UNSEEN_COUNTS: &str = "SELECT source, unseen, COUNT(*) AS hosts FROM host_set WHERE unseen IS NOT NULL \
    AND host NOT IN (SELECT no FROM host WHERE standing = 'retired') GROUP BY source, unseen ORDER BY source, unseen";

const HOST_GROUPS: &str = "SELECT standing, COALESCE(verdict, '') AS verdict, \
    EXISTS (SELECT 1 FROM expected WHERE expected.folded = host.folded) AS listed, looked_at IS NOT NULL AS seen, COUNT(*) AS hosts \
    FROM host GROUP BY 1, 2, 3, 4";
const LISTED: &str = "EXISTS (SELECT 1 FROM expected WHERE expected.folded = host.folded)";
const NAMES_OF_SEVERAL: &str = "SELECT folded FROM host GROUP BY folded HAVING COUNT(*) > 1";

/// How transactions begin: bounded, so that a collector that dies in the middle, or a lock that is never given back, stops
/// nobody for long.
const READ: &str = "BEGIN READ ONLY; SET LOCAL statement_timeout = '60s'";
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '60s'";
const CHANGE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '20s'; \
                      SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// How long is waited for a connection: a server that is started anew is there again meanwhile.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long one is kept that nobody needs.
const IDLE: Duration = Duration::from_mins(5);
/// How long one is used: behind an address there may be another server some day.
const LIFETIME: Duration = Duration::from_mins(30);
/// Unchanged check-ins that may wait for the writer.
const WAITING: usize = 1_024;

/// A fleet in a database server.
#[derive(Debug)]
pub struct Postgres {
    pools: Pools,
    keeps: mpsc::Sender<Job>,
    memory: Arc<Memory>,
    address: Address,
}

/// Connections.
#[derive(Debug, Clone)]
struct Pools {
    all: PgPool,
}

impl Pools {
    /// For one question.
    async fn reading(&self) -> Kept<Transaction<'static, Db>> {
        self.all.begin_with(READ).await.map_err(failed("reading the database"))
    }

    /// For several that must fit each other.
    async fn snapshot(&self) -> Kept<Transaction<'static, Db>> {
        self.all.begin_with(SNAPSHOT).await.map_err(failed("reading the database"))
    }

    async fn changing(&self) -> Result<Transaction<'static, Db>, sqlx::Error> {
        self.all.begin_with(CHANGE).await
    }

    /// Whether another transaction was in the way, and nothing of this one was done.
    #[expect(clippy::unused_self, reason = "asked of every database")]
    fn again(&self, error: &StoreError) -> bool {
        let StoreError::Database { source, .. } = error else { return false };
        let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code);
        // Not serialisable, a deadlock, another was first with the same key.
        code.is_some_and(|code| matches!(code.as_ref(), "40001" | "40P01" | "23505"))
    }

    async fn close(&self) {
        self.all.close().await;
    }
}

impl Postgres {
    /// Opens the database, sees whether it keeps what it says that it keeps, and brings it to this version.
    pub async fn open(address: &Address, connections: u32) -> Kept<Self> {
        let doing = "opening the database";
        let options: PgConnectOptions = address
            .options()
            .statement_cache_capacity(0)
            // A setting that a pooler does not know.
            .extra_float_digits(None)
            .application_name("interdict-collector")
            // Statements are told in traces, and what is bound to them is not.
            .disable_statement_logging();
        // Seen by itself first: a pool would try for long what cannot become good.
        let mut one = connect(&options).await?;
        server::check(&mut one).await?;
        let mut change = one.begin().await.map_err(failed(doing))?;
        query(MIGRATING).execute(&mut *change).await.map_err(failed(doing))?;
        migrate(&mut change).await?;
        change.commit().await.map_err(failed(doing))?;
        one.close().await.map_err(failed(doing))?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(CONNECTING)
            .idle_timeout(IDLE)
            .max_lifetime(LIFETIME)
            .after_connect(|connection, _| Box::pin(server::still_fit(connection)));
        let pools = Pools { all: pool.connect_with(options).await.map_err(failed(doing))? };
        let (keeps, jobs) = mpsc::channel(WAITING);
        let memory = Arc::new(Memory::new());
        tokio::spawn(write_queue(pools.clone(), Arc::clone(&memory), jobs));
        Ok(Self { pools, keeps, memory, address: address.clone() })
    }

    /// What changes a host's sets has a transaction of its own, beside others; what changes heads alone goes many to a commit.
    async fn keep_report(&self, keep: Keep) -> Kept<Stored> {
        let heads_alone = keep.advance.as_ref().is_none_or(|advance| advance.heads_alone());
        if heads_alone {
            return enqueue(&self.keeps, keep).await;
        }
        if self.pools.all.is_closed() {
            return Err(StoreError::Closed);
        }
        let keeps = [Box::new(keep)];
        let done =
            changing!(self.pools, "keeping a report", |change| keep_all(change, &self.memory, &keeps))?;
        done.into_iter().next().unwrap_or(Ok(Stored::Gone))
    }

    /// Sees whether it still keeps what it says that it keeps.
    async fn can_write(&self) -> Kept<()> {
        let failed = failed("trying the database");
        let mut change = self.pools.changing().await.map_err(failed)?;
        server::check(&mut change).await?;
        change.rollback().await.map_err(failed)
    }

    #[expect(clippy::unused_async, reason = "asked of every database")]
    async fn copy(&self, to: &Path) -> Kept<()> {
        Err(StoreError::Elsewhere(format!(
            "PostgreSQL's own tools copy this fleet, while it runs: pg_dump --format=custom --file={} --dbname='{}'; and keep the \
             file of the site's key elsewhere",
            to.display(),
            self.address
        )))
    }
}

async fn connect(options: &PgConnectOptions) -> Kept<Conn> {
    let connected = tokio::time::timeout(CONNECTING, options.connect()).await;
    let late = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    connected.unwrap_or_else(|_| Err(late())).map_err(failed("connecting to the database"))
}
