//! What has happened, and for whom it waits.
//!
//! Called by the store, and by what changes findings and verdicts, inside of their transactions.

use std::collections::HashMap;

use sqlx::QueryBuilder;

use crate::model::Stamp;

use crate::collector::events::{Happening, HostTold, Stand};
use crate::collector::store::codec::{read_json, write_json};
use crate::collector::store::{
    Destination, DestinationRow, Due, EventCount, EventRow, EventsAsk, Kept, Page,
};

use super::super::{Conn, Db, FOR_UPDATE, NUMBERING, PREPARED};
use super::change::bind_all;
use super::hosts::page;
use super::row::{CHUNK, Columns, failed, int, lock, query, text, unreadable};

/// Notes what has happened; what was noted already stays as it is.
pub(super) async fn add(change: &mut Conn, at: Stamp, happened: &[Happening]) -> Kept<u64> {
    if happened.is_empty() {
        return Ok(0);
    }
    // Who has numbers up to one has all of them up to that one.
    lock(&mut *change, NUMBERING).await?;
    let mut rows = 0;
    for happened in happened.chunks(CHUNK) {
        let mut bodies = Vec::with_capacity(happened.len());
        for one in happened {
            bodies.push((one, write_json(one).map_err(unreadable("an event", one.word()))?));
        }
        let mut insert = QueryBuilder::<Db>::new("INSERT INTO event (key, at, word, host, body) ");
        insert.push_values(bodies, |mut row, (one, body)| {
            row.push_bind(text(&one.key(at)).into_owned())
                .push_bind(at.unix())
                .push_bind(one.word())
                .push_bind(one.host().map(|host| host.0.to_vec()))
                .push_bind(body);
        });
        insert.push(" ON CONFLICT (key) DO NOTHING");
        let done = insert
            .build()
            .persistent(PREPARED)
            .execute(&mut *change)
            .await
            .map_err(failed("noting events"))?;
        rows += done.rows_affected();
    }
    Ok(rows)
}

/// How hosts stand.
pub(super) async fn stands(read: &mut Conn, hosts: &[i64]) -> Kept<HashMap<i64, Stand>> {
    let mut ask =
        QueryBuilder::<Db>::new("SELECT no, id, name, standing, verdict, judged_on FROM host WHERE no IN (");
    bind_all(&mut ask, hosts);
    ask.push(")");
    let alone = PREPARED && hosts.len() == 1;
    let rows = ask.build().persistent(alone).fetch_all(read).await;
    let one = |columns: Columns<'_>| {
        let stand = Stand {
            host: columns.id("id")?,
            name: columns.maybe_text("name")?,
            judged: columns.maybe_text("judged_on")?.is_some(),
            shown: columns.standing("standing")?.shows(columns.verdict("verdict")?),
        };
        Ok((columns.int("no")?, stand))
    };
    rows.map_err(failed("reading how hosts stand"))?.iter().map(|row| one(Columns(row))).collect()
}

/// Notes hosts that were not looked at since a moment.
pub(super) async fn stale(change: &mut Conn, before: Stamp, at: Stamp) -> Kept<u64> {
    let rows = query(
        "SELECT id, name, looked_at FROM host WHERE COALESCE(looked_at, enrolled_at) < $1 \
         AND standing NOT IN ('split', 'retired')",
    )
    .bind(before.unix())
    .fetch_all(&mut *change)
    .await
    .map_err(failed("looking for hosts that are not looked at"))?;
    let one = |columns: Columns<'_>| {
        let (host, name) = (columns.id("id")?, columns.maybe_text("name")?);
        Kept::Ok(Happening::HostStale(HostTold { host, name, looked_at: columns.maybe_stamp("looked_at")? }))
    };
    let silent: Vec<Happening> = rows.iter().map(|row| one(Columns(row))).collect::<Kept<_>>()?;
    add(change, at, &silent).await
}

/// What has happened.
pub(super) async fn events(read: &mut Conn, asked: &EventsAsk) -> Kept<Page<EventRow>> {
    let mut ask = QueryBuilder::<Db>::new("SELECT no, at, body FROM event WHERE no > ");
    ask.push_bind(int(asked.after.unwrap_or_default()));
    if let Some(word) = &asked.word {
        ask.push(" AND word = ").push_bind(text(word).into_owned());
    }
    if let Some(host) = asked.host {
        ask.push(" AND host = ").push_bind(host.0.to_vec());
    }
    if let Some(since) = asked.since {
        ask.push(" AND at >= ").push_bind(since.unix());
    }
    ask.push(" ORDER BY no").push(if asked.last { " DESC" } else { "" });
    ask.push(" LIMIT ").push_bind(i64::from(asked.limit) + 1);
    let found = ask.build().persistent(PREPARED).fetch_all(read).await.map_err(failed("listing events"))?;
    let rows = page(&found, asked.limit).iter().map(|row| event(&Columns(row)));
    let mut rows: Vec<EventRow> = rows.collect::<Kept<_>>()?;
    if asked.last {
        rows.reverse();
    }
    Ok(Page { rows, more: found.len() > asked.limit as usize })
}

/// What has happened since a moment, counted.
pub(super) async fn counted(read: &mut Conn, since: Stamp) -> Kept<Vec<EventCount>> {
    let rows = query("SELECT word, COUNT(*) AS events FROM event WHERE at >= $1 GROUP BY word ORDER BY word")
        .bind(since.unix())
        .fetch_all(read)
        .await
        .map_err(failed("counting events"))?;
    let one = |columns: Columns<'_>| {
        Ok(EventCount { word: columns.text("word")?, events: columns.count("events")? })
    };
    rows.iter().map(|row| one(Columns(row))).collect()
}

fn event(columns: &Columns<'_>) -> Kept<EventRow> {
    let number = columns.count("no")?;
    let happened = read_json(&columns.blob("body")?).map_err(unreadable("an event", number))?;
    Ok(EventRow { number, at: columns.stamp("at")?, happened })
}

/// Whether something waits for a destination, or may: looked at every few seconds, and changes nothing.
pub(super) async fn waits(read: &mut Conn, destination: &str, now: Stamp) -> Kept<bool> {
    let row = query(
        "SELECT (SELECT told_to FROM destination WHERE name = $1) AS told_to, (SELECT MAX(no) FROM event) AS last, \
         (SELECT MIN(next_at) FROM delivery WHERE destination = $1 AND next_at IS NOT NULL) AS next_at",
    )
    .bind(destination)
    .fetch_one(read)
    .await
    .map_err(failed("looking what waits to be told"))?;
    let columns = Columns(&row);
    let (told_to, last) = (columns.maybe_int("told_to")?, columns.maybe_int("last")?);
    Ok(told_to.is_none()
        || last > told_to
        || columns.maybe_int("next_at")?.is_some_and(|at| at <= now.unix()))
}

/// Takes what waits for a destination, for itself until a while from now.
pub(super) async fn claim(
    change: &mut Conn,
    destination: &Destination,
    now: Stamp,
    lease: i64,
    limit: u32,
) -> Kept<Vec<Due>> {
    let failed = failed("taking what waits to be told");
    gather(&mut *change, destination, now).await?;
    let rows = query(
        "SELECT event.no, event.at, event.body, delivery.tries FROM delivery JOIN event ON event.no = delivery.event \
         WHERE delivery.destination = $1 AND delivery.next_at <= $2 ORDER BY event.no LIMIT $3",
    )
    .bind(&destination.name)
    .bind(now.unix())
    .bind(i64::from(limit))
    .fetch_all(&mut *change)
    .await
    .map_err(failed)?;
    let one = |columns: Columns<'_>| {
        let tries = u32::try_from(columns.count("tries")?).unwrap_or(u32::MAX);
        Kept::Ok(Due { event: event(&columns)?, tries })
    };
    let due: Vec<Due> = rows.iter().map(|row| one(Columns(row))).collect::<Kept<_>>()?;
    for due in due.chunks(CHUNK) {
        let mut update = QueryBuilder::<Db>::new("UPDATE delivery SET next_at = ");
        update.push_bind(now.unix() + lease).push(" WHERE destination = ").push_bind(&destination.name);
        among(&mut update, due.iter().map(|one| one.event.number));
        update.build().persistent(PREPARED).execute(&mut *change).await.map_err(failed)?;
    }
    Ok(due)
}

/// Lets what has happened since the last time wait for a destination. One that was never asked for is told what happens from
/// now on.
async fn gather(change: &mut Conn, destination: &Destination, now: Stamp) -> Kept<()> {
    let failed = failed("looking what waits to be told");
    query(
        "INSERT INTO destination (name, told_to) SELECT $1, COALESCE(MAX(no), 0) FROM event WHERE TRUE \
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(&destination.name)
    .execute(&mut *change)
    .await
    .map_err(failed)?;
    let mut ask = QueryBuilder::<Db>::new("SELECT told_to FROM destination WHERE name = ");
    ask.push_bind(&destination.name).push(FOR_UPDATE);
    let row = ask.build().persistent(PREPARED).fetch_one(&mut *change).await.map_err(failed)?;
    let told_to = Columns(&row).int("told_to")?;
    let row = query("SELECT MAX(no) AS last FROM event").fetch_one(&mut *change).await.map_err(failed)?;
    let Some(last) = Columns(&row).maybe_int("last")?.filter(|last| *last > told_to) else { return Ok(()) };
    let mut insert =
        QueryBuilder::<Db>::new("INSERT INTO delivery (event, destination, tries, next_at) SELECT no, ");
    insert.push_bind(&destination.name).push(", 0, ").push_bind(now.unix());
    insert.push(" FROM event WHERE no > ").push_bind(told_to).push(" AND no <= ").push_bind(last);
    insert.push(" AND word IN (");
    let mut words = insert.separated(", ");
    for word in &destination.words {
        words.push_bind(word);
    }
    insert.push(") ON CONFLICT (event, destination) DO NOTHING");
    if !destination.words.is_empty() {
        insert.build().persistent(PREPARED).execute(&mut *change).await.map_err(failed)?;
    }
    query("UPDATE destination SET told_to = $2 WHERE name = $1")
        .bind(&destination.name)
        .bind(last)
        .execute(change)
        .await
        .map_err(failed)?;
    Ok(())
}

fn among(query: &mut QueryBuilder<Db>, numbers: impl Iterator<Item = u64>) {
    query.push(" AND event IN (");
    let mut bound = query.separated(", ");
    for number in numbers {
        bound.push_bind(int(number));
    }
    query.push(")");
}

/// A destination knows of these.
pub(super) async fn told(change: &mut Conn, destination: &str, numbers: &[u64]) -> Kept<()> {
    for numbers in numbers.chunks(CHUNK) {
        let mut delete = QueryBuilder::<Db>::new("DELETE FROM delivery WHERE destination = ");
        delete.push_bind(destination);
        among(&mut delete, numbers.iter().copied());
        delete
            .build()
            .persistent(PREPARED)
            .execute(&mut *change)
            .await
            .map_err(failed("noting what was told"))?;
    }
    Ok(())
}

/// A destination was not told of these; none: it is given up.
pub(super) async fn untold(
    change: &mut Conn,
    destination: &str,
    numbers: &[u64],
    next: Option<Stamp>,
    why: &str,
) -> Kept<()> {
    for numbers in numbers.chunks(CHUNK) {
        let mut update = QueryBuilder::<Db>::new("UPDATE delivery SET tries = tries + 1, next_at = ");
        update.push_bind(next.map(Stamp::unix)).push(", why = ").push_bind(text(why).into_owned());
        update.push(" WHERE destination = ").push_bind(destination);
        among(&mut update, numbers.iter().copied());
        update
            .build()
            .persistent(PREPARED)
            .execute(&mut *change)
            .await
            .map_err(failed("noting what was not told"))?;
    }
    Ok(())
}

/// What waits, and what was given up, by destination.
pub(super) async fn destinations(read: &mut Conn) -> Kept<Vec<DestinationRow>> {
    let rows = query(
        "SELECT destination.name, COUNT(delivery.next_at) AS waiting, \
         COUNT(delivery.event) - COUNT(delivery.next_at) AS given_up, MIN(event.at) AS oldest, \
         (SELECT why FROM delivery AS last WHERE last.destination = destination.name AND last.why IS NOT NULL \
          ORDER BY last.event DESC LIMIT 1) AS why \
         FROM destination LEFT JOIN delivery ON delivery.destination = destination.name \
         LEFT JOIN event ON event.no = delivery.event \
         GROUP BY destination.name ORDER BY destination.name",
    )
    .fetch_all(read)
    .await
    .map_err(failed("listing destinations"))?;
    let one = |columns: Columns<'_>| {
        Kept::Ok(DestinationRow {
            name: columns.text("name")?,
            waiting: columns.count("waiting")?,
            given_up: columns.count("given_up")?,
            oldest: columns.maybe_stamp("oldest")?,
            why: columns.maybe_text("why")?,
        })
    };
    rows.iter().map(|row| one(Columns(row))).collect()
}
