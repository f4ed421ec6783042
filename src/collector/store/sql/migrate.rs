//! The versions of the database's layout, one file each. Forward only: a newer database is left alone.
//!
//! Called when it is opened, inside of a transaction that nobody else is in.

use crate::collector::store::{Kept, StoreError};

use super::super::{Conn, STEPS};
use super::row::{Columns, failed, query};

/// Brings a database to this version, all of it or nothing.
pub(in super::super) async fn migrate(change: &mut Conn) -> Kept<()> {
    let failed = || failed("bringing the database to this version");
    query("CREATE TABLE IF NOT EXISTS version (version BIGINT NOT NULL)")
        .execute(&mut *change)
        .await
        .map_err(failed())?;
    let row = query("SELECT COALESCE(MAX(version), 0) AS version FROM version")
        .fetch_one(&mut *change)
        .await
        .map_err(failed())?;
    let found = Columns(&row).int("version")?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    let done = usize::try_from(found).unwrap_or_default();
    for (step, at) in STEPS.iter().zip(1i64..).skip(done) {
        sqlx::raw_sql(*step).execute(&mut *change).await.map_err(failed())?;
        query("INSERT INTO version (version) VALUES ($1)")
            .bind(at)
            .execute(&mut *change)
            .await
            .map_err(failed())?;
    }
    Ok(())
}
