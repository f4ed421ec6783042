//! Whether the database works, what is noted of the fleet as a whole, and what is forgotten of it.
//!
//! Called by the store, inside of its transactions.

use std::collections::HashSet;

use sqlx::QueryBuilder;

use crate::model::{Id, Stamp};

use crate::collector::store::Kept;
use crate::collector::store::codec::read_entries;

use super::super::{Conn, Db, FOR_UPDATE, ITEMS_GO, PREPARED};
use super::change::{Sets, bind_all, items_of};
use super::row::{BLOCKS, CHUNK, Columns, WHO_HAS, block, damaged, failed, lock, query, unreadable};

/// Rows that are looked through at a time.
const PAGE: i64 = 2_000;

/// Reads.
pub(super) async fn answers(read: &mut Conn) -> Kept<()> {
    query("SELECT COUNT(*) FROM version").fetch_one(read).await.map_err(failed("trying the database"))?;
    Ok(())
}

/// What stands under a name: what stood there, or where nothing did, or it is to be replaced, this.
pub(super) async fn mark(change: &mut Conn, name: &str, value: &[u8], anew: bool) -> Kept<Vec<u8>> {
    let mut insert = QueryBuilder::<Db>::new("INSERT INTO mark (name, value) VALUES (");
    insert.push_bind(name).push(", ").push_bind(value.to_vec()).push(") ON CONFLICT (name) DO ");
    insert.push(if anew { "UPDATE SET value = excluded.value" } else { "NOTHING" });
    let done = insert.build().persistent(PREPARED).execute(&mut *change).await;
    done.map_err(failed("noting something of the fleet"))?;
    marked(change, name).await?.ok_or_else(|| damaged("a mark", name, "it is not there"))
}

/// What stands under a name.
pub(super) async fn marked(read: &mut Conn, name: &str) -> Kept<Option<Vec<u8>>> {
    let row =
        query("SELECT value FROM mark WHERE name = $1").bind(name.to_owned()).fetch_optional(read).await;
    let row = row.map_err(failed("looking for what is noted of the fleet"))?;
    row.map(|row| Columns(&row).blob("value")).transpose()
}

/// Forgets a host; what it had with others, or had before, is for `sweep`.
pub(super) async fn erase(change: &mut Conn, host: Id) -> Kept<bool> {
    let failed = || failed("erasing a host");
    let mut ask = QueryBuilder::<Db>::new("SELECT no FROM host WHERE id = ");
    ask.push_bind(host.0.to_vec()).push(FOR_UPDATE);
    let row = ask.build().persistent(PREPARED).fetch_optional(&mut *change).await.map_err(failed())?;
    let Some(row) = row else { return Ok(false) };
    let no = Columns(&row).int("no")?;
    let seen: Vec<i64> = Sets::of(&mut *change, no).await?.numbers.into_iter().collect();
    let items: Vec<i64> = items_of(&mut *change, &seen).await?.into_iter().collect();
    // The way from a host to its items is not indexed; all else goes with the host.
    for items in items.chunks(CHUNK) {
        let mut delete = QueryBuilder::<Db>::new("DELETE FROM host_item WHERE block = ");
        delete.push_bind(block(no)).push(" AND host = ").push_bind(no).push(" AND item IN (");
        bind_all(&mut delete, items);
        delete.push(")");
        delete.build().persistent(PREPARED).execute(&mut *change).await.map_err(failed())?;
    }
    query("DELETE FROM event WHERE host = $1")
        .bind(&host.0[..])
        .execute(&mut *change)
        .await
        .map_err(failed())?;
    query("DELETE FROM host WHERE id = $1").bind(&host.0[..]).execute(&mut *change).await.map_err(failed())?;
    Ok(true)
}

/// Forgets what nobody has any more: it may have been a host's own, like paths with the name of its user. Looks through the
/// sets of all hosts, and nobody else writes sets meanwhile.
pub(super) async fn sweep(change: &mut Conn) -> Kept<()> {
    let failed = || failed("forgetting what nobody has");
    lock(&mut *change, ITEMS_GO).await?;
    let used = used(&mut *change).await?;
    let mut after = 0;
    loop {
        let rows = query("SELECT no FROM seen WHERE no > $1 ORDER BY no LIMIT $2")
            .bind(after)
            .bind(PAGE)
            .fetch_all(&mut *change)
            .await
            .map_err(failed())?;
        let numbers: Vec<i64> = rows.iter().map(|row| Columns(row).int("no")).collect::<Kept<_>>()?;
        let Some(last) = numbers.last() else { break };
        after = *last;
        let gone: Vec<i64> = numbers.into_iter().filter(|number| !used.contains(number)).collect();
        for gone in gone.chunks(CHUNK) {
            let mut delete = QueryBuilder::<Db>::new("DELETE FROM seen WHERE no IN (");
            bind_all(&mut delete, gone);
            delete.push(")");
            delete.build().persistent(PREPARED).execute(&mut *change).await.map_err(failed())?;
        }
    }
    query("DELETE FROM sought WHERE NOT EXISTS (SELECT 1 FROM host_told WHERE host_told.led = sought.id)")
        .execute(&mut *change)
        .await
        .map_err(failed())?;
    let mut delete = QueryBuilder::<Db>::new(BLOCKS);
    delete.push("DELETE FROM item WHERE NOT EXISTS (SELECT 1 ").push(WHO_HAS);
    delete.push(") AND NOT EXISTS (SELECT 1 FROM seen WHERE seen.item = item.no)");
    delete.build().persistent(PREPARED).execute(&mut *change).await.map_err(failed())?;
    Ok(())
}

/// The number of every sighting that stands in a set.
async fn used(read: &mut Conn) -> Kept<HashSet<i64>> {
    let mut used = HashSet::new();
    let mut after = (0i64, String::new());
    loop {
        let rows = query(
            "SELECT host, source, entries, whole FROM host_set WHERE (host, source) > ($1, $2) \
             ORDER BY host, source LIMIT $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(PAGE)
        .fetch_all(&mut *read)
        .await
        .map_err(failed("looking through the sets"))?;
        let Some(last) = rows.last() else { return Ok(used) };
        after = (Columns(last).int("host")?, Columns(last).text("source")?);
        for row in &rows {
            let columns = Columns(row);
            let entries = columns.maybe_blob("entries")?;
            for blob in entries.iter().chain(&columns.maybe_blob("whole")?) {
                let entries = read_entries(blob).map_err(unreadable("a set", &after.1))?;
                used.extend(entries.iter().map(|entry| entry.seen));
            }
        }
    }
}

pub(super) async fn prune(change: &mut Conn, before: Stamp) -> Kept<u64> {
    let mut rows = 0;
    for statement in [
        "DELETE FROM report WHERE received_at < $1 AND seq < (SELECT seq FROM host WHERE host.no = report.host)",
        "DELETE FROM verdict WHERE since < $1 AND since < (SELECT MAX(since) FROM verdict AS last \
         WHERE last.host = verdict.host AND last.policy = verdict.policy AND last.since <= $1)",
        "DELETE FROM finding WHERE state = 'closed' AND closed_at < $1",
        "DELETE FROM event WHERE at < $1",
    ] {
        let done = query(statement).bind(before.unix()).execute(&mut *change).await;
        rows += done.map_err(failed("forgetting what is old"))?.rows_affected();
    }
    // What no report that is kept can be compared over.
    let done = query(
        "DELETE FROM report_change WHERE NOT EXISTS (SELECT 1 FROM report WHERE report.host = report_change.host \
         AND report.seq < report_change.seq)",
    );
    let done = done.execute(change).await.map_err(failed("forgetting what is old"))?;
    Ok(rows + done.rows_affected())
}
