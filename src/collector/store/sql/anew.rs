//! Hosts that are to be judged anew: who takes which, and what follows. What is taken and not brought back in time is free
//! again, so that neither a restart nor a second collector loses or doubles anything.
//!
//! Called by the store.

use std::collections::HashSet;

use sqlx::QueryBuilder;

use crate::model::Stamp;

use crate::collector::store::codec::read_json;
use crate::collector::store::{Claim, Claimed, JobRow, Kept, LookRow, NumberedItem, Settled};

use super::super::{Conn, Db, FOR_UPDATE, PREPARED, SKIP_LOCKED};
use super::change::bind_all;
use super::findings::{Follows, follows, tags_text};
use super::memory::Memory;
use super::read;
use super::row::{BLOCKS, CHUNK, Columns, failed, int, query, unreadable};
use super::sought::sought;

pub(super) async fn jobs(read: &mut Conn, limit: u32) -> Kept<Vec<JobRow>> {
    let rows = query(
        "SELECT version, why, started_at, ended_at, (SELECT COUNT(*) FROM host WHERE seq > 0) AS hosts, \
         (SELECT COUNT(*) FROM host WHERE seq > 0 AND host.law >= law.version) AS done \
         FROM law ORDER BY version DESC LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(&mut *read)
    .await
    .map_err(failed("reading how far hosts are judged"))?;
    let one = |columns: Columns<'_>| {
        Ok(JobRow {
            number: columns.count("version")?,
            why: columns.text("why")?,
            started_at: columns.stamp("started_at")?,
            ended_at: columns.maybe_stamp("ended_at")?,
            of: columns.count("hosts")?,
            done: columns.count("done")?,
        })
    };
    rows.iter().map(|row| one(Columns(row))).collect()
}

pub(super) async fn claim(own: &mut Conn, claim: &Claim) -> Kept<Vec<Claimed>> {
    let failed = || failed("taking hosts to judge them anew");
    let mut update = QueryBuilder::<Db>::new("WITH took AS MATERIALIZED (SELECT no FROM host WHERE law < ");
    update.push_bind(int(claim.version)).push(" AND seq > 0 AND leased <= ").push_bind(claim.now.unix());
    if let Some(of) = &claim.of {
        update.push(" AND no IN (");
        let mut bound = update.separated(", ");
        for number in of.iter().take(CHUNK) {
            bound.push_bind(*number);
        }
        update.push(")");
    }
    // Who checks in now is not waited for.
    update.push(" ORDER BY no LIMIT ").push_bind(i64::from(claim.limit)).push(SKIP_LOCKED);
    update.push(") UPDATE host SET leased = ").push_bind(claim.until.unix());
    update.push(" WHERE no IN (SELECT no FROM took");
    update.push(") RETURNING no, id, seq, standing, rules, judged_on, tags, received_at");
    let rows = update.build().persistent(PREPARED).fetch_all(&mut *own).await.map_err(failed())?;
    rows.iter().map(|row| claimed_row(&Columns(row))).collect()
}

fn claimed_row(columns: &Columns<'_>) -> Kept<Claimed> {
    Ok(Claimed {
        number: columns.int("no")?,
        host: columns.id("id")?,
        seq: columns.count("seq")?,
        tags: columns.tags()?,
        // One that cannot be read keeps no other from being judged, and is judged itself.
        judged: read::judged(columns).unwrap_or_default(),
        received_at: columns.maybe_stamp("received_at")?,
        standing: columns.standing("standing")?,
    })
}

pub(super) async fn settle(own: &mut Conn, settled: &[Settled], at: Stamp) -> Kept<()> {
    for settled in settled.chunks(CHUNK) {
        let current = reach(&mut *own, settled).await?;
        let follow: Vec<Follows<'_>> = settled
            .iter()
            .filter(|one| current.contains(&one.number))
            .filter_map(|one| {
                let judged = one.judged.as_ref()?;
                Some(Follows { host: one.number, standing: one.standing, judged })
            })
            .collect();
        follows(&mut *own, at, &follow).await?;
    }
    Ok(())
}

/// Notes by which law hosts are judged, where they are still those that were judged.
async fn reach(own: &mut Conn, settled: &[Settled]) -> Kept<HashSet<i64>> {
    let failed = || failed("keeping what follows from another law");
    if !FOR_UPDATE.is_empty() {
        // In the order in which check-ins take them.
        let mut ask = QueryBuilder::<Db>::new("SELECT no FROM host WHERE no IN (");
        bind_all(&mut ask, &settled.iter().map(|one| one.number).collect::<Vec<_>>());
        ask.push(") ORDER BY id").push(FOR_UPDATE);
        ask.build().persistent(PREPARED).fetch_all(&mut *own).await.map_err(failed())?;
    }
    let mut rows = Vec::with_capacity(settled.len());
    for one in settled {
        rows.push((one, tags_text(&one.tags)?));
    }
    let mut update = QueryBuilder::<Db>::new("WITH new (host, of_seq, to_law, had, stood) AS (");
    update.push_values(rows, |mut row, (one, tags)| {
        row.push_bind(one.number)
            .push_bind(int(one.seq))
            .push_bind(int(one.law))
            .push_bind(tags)
            .push_bind(one.standing.word());
    });
    update.push(
        // By their numbers alone: SQLite would rather go through all hosts, and look for each among those of the same tags.
        ") UPDATE host SET law = new.to_law, leased = 0 FROM new WHERE no = new.host AND \
         CASE WHEN seq = new.of_seq AND law < new.to_law AND COALESCE(tags, '[]') = new.had AND standing = new.stood \
         THEN 1 ELSE 0 END = 1 RETURNING no",
    );
    let rows = update.build().persistent(false).fetch_all(own).await.map_err(failed())?;
    rows.iter().map(|row| Columns(row).int("no")).collect()
}

pub(super) async fn end_job(own: &mut Conn, version: u64, at: Stamp) -> Kept<bool> {
    let done = query(
        "UPDATE law SET ended_at = $2 WHERE version = $1 AND ended_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM host WHERE law < $1 AND seq > 0)",
    )
    .bind(int(version))
    .bind(at.unix())
    .execute(own)
    .await
    .map_err(failed("noting that every host is judged"))?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn numbered_items(read: &mut Conn, after: i64, limit: u32) -> Kept<Vec<NumberedItem>> {
    let rows = query("SELECT no, body FROM item WHERE no > $1 ORDER BY no LIMIT $2")
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut *read)
        .await
        .map_err(failed("reading items"))?;
    let one = |columns: Columns<'_>| {
        let number = columns.int("no")?;
        Ok((number, read_json(&columns.blob("body")?).map_err(unreadable("an item", number))?))
    };
    rows.iter().map(|row| one(Columns(row))).collect()
}

pub(super) async fn numbered_sightings(read: &mut Conn, after: i64, limit: u32) -> Kept<Vec<(i64, i64)>> {
    let rows = query("SELECT no, item FROM seen WHERE no > $1 ORDER BY no LIMIT $2")
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut *read)
        .await
        .map_err(failed("reading sightings"))?;
    rows.iter().map(|row| Ok((Columns(row).int("no")?, Columns(row).int("item")?))).collect()
}

pub(super) async fn hosts_having(read: &mut Conn, items: &[i64]) -> Kept<Vec<i64>> {
    let mut found = std::collections::BTreeSet::new();
    for items in items.chunks(CHUNK) {
        let mut ask = QueryBuilder::<Db>::new(BLOCKS);
        ask.push("SELECT DISTINCT host FROM block CROSS JOIN host_item WHERE host_item.block = block.no AND item IN (");
        let mut bound = ask.separated(", ");
        for item in items {
            bound.push_bind(*item);
        }
        ask.push(")");
        for row in ask
            .build()
            .persistent(PREPARED)
            .fetch_all(&mut *read)
            .await
            .map_err(failed("looking for who has items"))?
        {
            found.insert(Columns(&row).int("host")?);
        }
    }
    Ok(found.into_iter().collect())
}

pub(super) async fn looks(read: &mut Conn, memory: &Memory, after: i64, limit: u32) -> Kept<Vec<LookRow>> {
    let failed = || failed("reading how the last looks came to be");
    let rows = query(
        "SELECT no, id, family, tags, led FROM host JOIN host_told ON host_told.host = host.no \
         WHERE no > $1 AND standing <> 'retired' ORDER BY no LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(&mut *read)
    .await
    .map_err(failed())?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let columns = Columns(row);
        let number = columns.int("no")?;
        let sought = match columns.maybe_id("led")? {
            Some(led) => sought(&mut *read, memory, led).await?,
            None => None,
        };
        let (host, family, tags) = (columns.id("id")?, columns.text("family")?, columns.tags()?);
        found.push(LookRow { host, number, family, tags, sought });
    }
    Ok(found)
}
