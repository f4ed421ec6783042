//! What a report changes beside its host's head: sets and items; what follows from it is written by `findings`.
//!
//! Called by `keep`, inside of its transaction. What hosts share is written in one order by everybody, so that no two wait for
//! each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sqlx::QueryBuilder;

use crate::model::{Entry, Id, Item, Seen, Stamp};

use crate::collector::store::codec::{Numbered, read_entries, write_entries, write_json, write_report};
use crate::collector::store::{Advance, Holding, Kept, KeptSource, Reported};

use super::super::{Conn, Db, ITEMS_STAY, PREPARED, Row};
use super::coverage;
use super::findings::{Follows, follows};
use super::history;
use super::memory::Memory;
use super::read::SeenBody;
use super::row::{CHUNK, Columns, block, damaged, failed, lock, query, searched, text, unreadable};
use super::shapes::{self, shape_id};
use super::sought;

/// Writes it.
pub(super) async fn change(
    change: &mut Conn,
    memory: &Memory,
    host: i64,
    reported: Reported,
    advance: &Advance,
) -> Kept<()> {
    if let Some(holding) = &advance.holding {
        told(&mut *change, host, holding).await?;
        lock(&mut *change, ITEMS_STAY).await?;
        if let Some(sought) = &holding.sought {
            sought::keep(&mut *change, sought).await?;
        }
        let numbers = numbers(&mut *change, memory, holding, &advance.seen).await?;
        let sets = Sets::of(&mut *change, host).await?;
        let now = sources(&mut *change, host, holding, &numbers, &sets).await?;
        let changed = items(&mut *change, host, &sets.numbers, &now, reported.received_at).await?;
        if advance.from > 0 {
            history::note(&mut *change, host, reported, &changed).await?;
        }
    }
    if let Some(judged) = &advance.judged {
        let standing = advance.standing;
        follows(change, reported.received_at, &[Follows { host, standing, judged }]).await?;
    }
    Ok(())
}

async fn told(change: &mut Conn, host: i64, holding: &Holding) -> Kept<()> {
    let failed = || failed("keeping the facts of a host");
    let (facts, asked) = (write_json(&holding.facts), write_json(&holding.asked));
    query(
        "INSERT INTO host_told (host, facts, asked, led) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (host) DO UPDATE SET facts = excluded.facts, asked = excluded.asked, led = excluded.led",
    )
    .bind(host)
    .bind(facts.map_err(unreadable("the facts", host))?)
    .bind(asked.map_err(unreadable("what was asked", host))?)
    .bind(holding.sought.as_ref().map(|sought| sought.id().0.to_vec()))
    .execute(&mut *change)
    .await
    .map_err(failed())?;
    let name = holding.facts.name.as_deref();
    query("UPDATE host SET name = $2, folded = $3, os = $4, agent = $5, heard = TRUE WHERE no = $1")
        .bind(host)
        .bind(name.map(text))
        .bind(name.map(searched))
        .bind(holding.facts.os.name.as_deref().map(text))
        .bind(text(&holding.asked.tool.version))
        .execute(change)
        .await
        .map_err(failed())?;
    Ok(())
}

/// Numbers by ids.
pub(super) type Numbers = HashMap<Id, i64>;

/// The number of everything that a holding names; what is new is given one.
async fn numbers(
    change: &mut Conn,
    memory: &Memory,
    holding: &Holding,
    bodies: &BTreeMap<Id, Arc<Seen>>,
) -> Kept<Numbers> {
    let entries = holding.sources.iter().flat_map(|source| {
        let set = source.set.iter().flat_map(|set| &set.entries);
        set.chain(source.whole.iter().flat_map(|whole| &whole.entries))
    });
    let ids: BTreeSet<Id> = entries.map(|entry| entry.id).collect();
    let ids: Vec<Id> = ids.into_iter().collect();
    let mut numbers = remembered(&mut *change, memory, &ids).await?;
    let missing: Vec<Id> = ids.iter().filter(|id| !numbers.contains_key(*id)).copied().collect();
    for ids in missing.chunks(CHUNK) {
        numbers.extend(numbers_of(&mut *change, "seen", ids.iter().map(|id| id.0)).await?);
    }
    let missing: Vec<Id> = ids.into_iter().filter(|id| !numbers.contains_key(id)).collect();
    let mut new = Vec::with_capacity(missing.len());
    for id in missing {
        new.push((id, bodies.get(&id).ok_or_else(|| damaged("a sighting", id, "its body was not sent"))?));
    }
    // By name: what is installed together then has numbers that lie together; and it is an order.
    new.sort_by(|(one, a), (two, b)| (a.item.kind, &a.item.name, one).cmp(&(b.item.kind, &b.item.name, two)));
    let mut items: Vec<&Item> = new.iter().map(|(_, seen)| &seen.item).collect();
    items.sort_by(|a, b| (a.kind, &a.name, a.id).cmp(&(b.kind, &b.name, b.id)));
    items.dedup_by_key(|item| item.id);
    let mut items_numbers = Numbers::with_capacity(items.len());
    for items in items.chunks(CHUNK) {
        items_numbers.extend(insert_items(&mut *change, items).await?);
    }
    for new in new.chunks(CHUNK) {
        numbers.extend(insert_seen(&mut *change, new, &items_numbers).await?);
    }
    Ok(numbers)
}

/// Numbers that are remembered, of those that are still there: it may be another server's database by now, that was put back.
async fn remembered(change: &mut Conn, memory: &Memory, ids: &[Id]) -> Kept<Numbers> {
    let mut numbers: Numbers = ids.iter().filter_map(|id| Some((*id, memory.number(*id)?))).collect();
    let all: Vec<i64> = numbers.values().copied().collect();
    let mut there = Numbers::with_capacity(all.len());
    for some in all.chunks(CHUNK) {
        let mut ask = QueryBuilder::<Db>::new("SELECT no, id FROM seen WHERE no IN (");
        bind_all(&mut ask, some);
        ask.push(")");
        let rows = ask.build().persistent(PREPARED).fetch_all(&mut *change).await;
        there.extend(id_numbers(&rows.map_err(failed("looking for what was seen"))?)?);
    }
    numbers.retain(|id, number| there.get(id) == Some(number));
    Ok(numbers)
}

/// The numbers of ids that are known.
pub(super) async fn numbers_of(
    change: &mut Conn,
    table: &'static str,
    ids: impl Iterator<Item = [u8; 16]>,
) -> Kept<Numbers> {
    let mut ask = QueryBuilder::<Db>::new("SELECT no, id FROM ");
    ask.push(table).push(" WHERE id IN (");
    let mut bound = ask.separated(", ");
    for id in ids {
        bound.push_bind(id.to_vec());
    }
    ask.push(")");
    let rows = ask
        .build()
        .persistent(PREPARED)
        .fetch_all(change)
        .await
        .map_err(failed("looking for what was seen"))?;
    id_numbers(&rows)
}

async fn insert_items(change: &mut Conn, items: &[&Item]) -> Kept<Numbers> {
    let mut bodies = Vec::with_capacity(items.len());
    for item in items {
        bodies.push((*item, write_json(*item).map_err(unreadable("an item", item.id))?));
    }
    let mut insert = QueryBuilder::<Db>::new("INSERT INTO item (id, kind, folded, publisher, body) ");
    insert.push_values(bodies, |mut row, (item, body)| {
        row.push_bind(item.id.0.to_vec())
            .push_bind(item.kind.word())
            .push_bind(searched(&item.name))
            .push_bind(item.publisher.as_deref().map(searched))
            .push_bind(body);
    });
    numbered(change, "item", insert, items.iter().map(|item| Id(item.id.0))).await
}

async fn insert_seen(change: &mut Conn, new: &[(Id, &Arc<Seen>)], items: &Numbers) -> Kept<Numbers> {
    let mut rows = Vec::with_capacity(new.len());
    for (id, seen) in new {
        let item = items.get(&Id(seen.item.id.0)).copied();
        let item = item.ok_or_else(|| damaged("an item", id, "it was not kept"))?;
        rows.push((*id, item, write_json(&SeenBody::of(seen)).map_err(unreadable("a sighting", id))?));
    }
    let mut insert = QueryBuilder::<Db>::new("INSERT INTO seen (id, item, body) ");
    insert.push_values(rows, |mut row, (id, item, body)| {
        row.push_bind(id.0.to_vec()).push_bind(item).push_bind(body);
    });
    numbered(change, "seen", insert, new.iter().map(|(id, _)| *id)).await
}

/// Does what is prepared, and says the number of every id; another may have been first with some.
async fn numbered(
    change: &mut Conn,
    table: &'static str,
    mut insert: QueryBuilder<Db>,
    ids: impl Iterator<Item = Id>,
) -> Kept<Numbers> {
    insert.push(" ON CONFLICT (id) DO NOTHING RETURNING no, id");
    let rows = insert.build().persistent(PREPARED).fetch_all(&mut *change).await;
    let mut numbers = id_numbers(&rows.map_err(failed("keeping what was seen"))?)?;
    let others: Vec<Id> = ids.filter(|id| !numbers.contains_key(id)).collect();
    if !others.is_empty() {
        numbers.extend(numbers_of(change, table, others.iter().map(|id| id.0)).await?);
    }
    Ok(numbers)
}

fn id_numbers(rows: &[Row]) -> Kept<Numbers> {
    rows.iter().map(|row| Ok((Columns(row).id("id")?, Columns(row).int("no")?))).collect()
}

/// A source of a host, as its row is.
#[derive(PartialEq, Eq)]
struct SetRow {
    position: i64,
    state: Vec<u8>,
    shape: i64,
    ended: Vec<u8>,
    unseen: Option<String>,
    digest: Option<Vec<u8>>,
    entries: Option<Vec<u8>>,
    whole_at: Option<i64>,
    part: bool,
    whole: Option<Vec<u8>>,
}

/// The sets of a host as they are in the database.
pub(super) struct Sets {
    rows: BTreeMap<String, SetRow>,
    /// Every number in them.
    pub(super) numbers: BTreeSet<i64>,
}

impl Sets {
    pub(super) async fn of(change: &mut Conn, host: i64) -> Kept<Self> {
        let found = query(
            "SELECT source, position, state, shape, ended, unseen, digest, entries, whole_at, part, whole \
             FROM host_set WHERE host = $1",
        )
        .bind(host)
        .fetch_all(change)
        .await
        .map_err(failed("reading the sets of a host"))?;
        let mut sets = Self { rows: BTreeMap::new(), numbers: BTreeSet::new() };
        for row in &found {
            let columns = Columns(row);
            let source = columns.text("source")?;
            let row = SetRow {
                position: columns.int("position")?,
                state: columns.blob("state")?,
                shape: columns.int("shape")?,
                ended: columns.blob("ended")?,
                unseen: columns.maybe_text("unseen")?,
                digest: columns.maybe_blob("digest")?,
                entries: columns.maybe_blob("entries")?,
                whole_at: columns.maybe_int("whole_at")?,
                part: columns.flag("part")?,
                whole: columns.maybe_blob("whole")?,
            };
            for blob in row.entries.iter().chain(&row.whole) {
                let entries = read_entries(blob).map_err(unreadable("a set", &source))?;
                sets.numbers.extend(entries.iter().map(|entry| entry.seen));
            }
            sets.rows.insert(source, row);
        }
        Ok(sets)
    }
}

/// Writes every source of a host that is not as it was, and forgets those that it has no longer. The numbers in them.
async fn sources(
    change: &mut Conn,
    host: i64,
    holding: &Holding,
    numbers: &Numbers,
    old: &Sets,
) -> Kept<BTreeSet<i64>> {
    let mut reports = Vec::with_capacity(holding.sources.len());
    for source in &holding.sources {
        let name = source.report.source.as_ref();
        let (shape, ended) = write_report(&source.report).map_err(unreadable("a source's report", name))?;
        reports.push((shape_id(&shape), shape, ended));
    }
    let texts = reports.iter().map(|(id, shape, _)| (*id, shape.as_slice()));
    let shapes = shapes::keep(&mut *change, texts.collect()).await?;
    let mut now = BTreeSet::new();
    let mut new = BTreeMap::new();
    for ((source, position), (shape, _, ended)) in holding.sources.iter().zip(0i64..).zip(reports) {
        let shape = *shapes.get(&shape).ok_or_else(|| damaged("a shape", host, "it was not kept"))?;
        let row = set_row(source, numbers, &mut now)?;
        new.insert(source.report.source.as_ref(), SetRow { position, shape, ended, ..row });
    }
    for gone in old.rows.keys().filter(|name| !new.contains_key(name.as_str())) {
        query("DELETE FROM host_set WHERE host = $1 AND source = $2")
            .bind(host)
            .bind(gone)
            .execute(&mut *change)
            .await
            .map_err(failed("forgetting a source"))?;
    }
    new.retain(|name, row| old.rows.get(*name) != Some(row));
    if !new.is_empty() {
        write_rows(change, host, new).await?;
    }
    Ok(now)
}

/// All of a row but for what is not the source's own.
fn set_row(source: &KeptSource, numbers: &Numbers, now: &mut BTreeSet<i64>) -> Kept<SetRow> {
    let mut packed = |entries: &[Entry]| {
        let entries = in_numbers(entries, numbers)?;
        now.extend(entries.iter().map(|entry| entry.seen));
        Kept::Ok(write_entries(&entries))
    };
    Ok(SetRow {
        position: 0,
        state: source.state.0.to_vec(),
        shape: 0,
        ended: Vec::new(),
        unseen: coverage::words(&source.report),
        digest: source.set.as_ref().map(|set| set.digest.0.to_vec()),
        entries: source.set.as_ref().map(|set| packed(&set.entries)).transpose()?,
        whole_at: source.whole.as_ref().map(|whole| whole.as_of.unix()),
        part: source.whole.as_ref().is_some_and(|whole| whole.part),
        whole: source.whole.as_ref().map(|whole| packed(&whole.entries)).transpose()?,
    })
}

async fn write_rows(change: &mut Conn, host: i64, rows: BTreeMap<&str, SetRow>) -> Kept<()> {
    let mut insert = QueryBuilder::<Db>::new(
        "INSERT INTO host_set (host, source, position, state, shape, ended, unseen, digest, entries, whole_at, part, whole) ",
    );
    insert.push_values(rows, |mut bound, (name, row)| {
        bound
            .push_bind(host)
            .push_bind(name)
            .push_bind(row.position)
            .push_bind(row.state)
            .push_bind(row.shape)
            .push_bind(row.ended)
            .push_bind(row.unseen)
            .push_bind(row.digest)
            .push_bind(row.entries)
            .push_bind(row.whole_at)
            .push_bind(row.part)
            .push_bind(row.whole);
    });
    insert.push(
        " ON CONFLICT (host, source) DO UPDATE SET position = excluded.position, state = excluded.state, \
         shape = excluded.shape, ended = excluded.ended, unseen = excluded.unseen, digest = excluded.digest, entries = excluded.entries, \
         whole_at = excluded.whole_at, part = excluded.part, whole = excluded.whole",
    );
    insert.build().persistent(false).execute(change).await.map_err(failed("keeping a set"))?;
    Ok(())
}

fn in_numbers(entries: &[Entry], numbers: &Numbers) -> Kept<Vec<Numbered>> {
    let one = |entry: &Entry| {
        let seen = numbers.get(&entry.id).copied();
        let seen = seen.ok_or_else(|| damaged("a sighting", entry.id, "it was not kept"))?;
        Ok(Numbered { seen, recorded_at: entry.recorded_at, last_update: entry.last_update })
    };
    let mut numbered: Vec<Numbered> = entries.iter().map(one).collect::<Kept<_>>()?;
    numbered.sort_by_key(|entry| entry.seen);
    Ok(numbered)
}

/// Writes who has which item, where that has changed: what came, and what went.
async fn items(
    change: &mut Conn,
    host: i64,
    before: &BTreeSet<i64>,
    now: &BTreeSet<i64>,
    since: Stamp,
) -> Kept<[BTreeSet<i64>; 2]> {
    let mut came = BTreeSet::new();
    let added: Vec<i64> = now.difference(before).copied().collect();
    let removed: Vec<i64> = before.difference(now).copied().collect();
    for added in added.chunks(CHUNK) {
        let mut insert = QueryBuilder::<Db>::new(
            "INSERT INTO host_item (item, block, host, since) SELECT DISTINCT item, ",
        );
        insert
            .push_bind(block(host))
            .push(", ")
            .push_bind(host)
            .push(", ")
            .push_bind(since.unix())
            .push(" FROM seen WHERE no IN (");
        bind_all(&mut insert, added);
        insert.push(") ON CONFLICT (block, item, host) DO NOTHING RETURNING item");
        let rows = insert.build().persistent(PREPARED).fetch_all(&mut *change).await;
        for row in &rows.map_err(failed("keeping who has an item"))? {
            came.insert(Columns(row).int("item")?);
        }
    }
    let mut gone = items_of(&mut *change, &removed).await?;
    if !gone.is_empty() {
        // An item that another source still sees is not gone.
        let now: Vec<i64> = now.iter().copied().collect();
        let still = items_of(&mut *change, &now).await?;
        gone.retain(|item| !still.contains(item));
    }
    for gone in gone.iter().copied().collect::<Vec<_>>().chunks(CHUNK) {
        let mut delete = QueryBuilder::<Db>::new("DELETE FROM host_item WHERE block = ");
        delete.push_bind(block(host)).push(" AND host = ").push_bind(host).push(" AND item IN (");
        bind_all(&mut delete, gone);
        delete.push(")");
        delete
            .build()
            .persistent(PREPARED)
            .execute(&mut *change)
            .await
            .map_err(failed("forgetting who had an item"))?;
    }
    Ok([came, gone])
}

pub(super) fn bind_all(query: &mut QueryBuilder<Db>, numbers: &[i64]) {
    let mut bound = query.separated(", ");
    for number in numbers {
        bound.push_bind(*number);
    }
}

pub(super) async fn items_of(change: &mut Conn, seen: &[i64]) -> Kept<BTreeSet<i64>> {
    let mut items = BTreeSet::new();
    for seen in seen.chunks(CHUNK) {
        let mut ask = QueryBuilder::<Db>::new("SELECT DISTINCT item FROM seen WHERE no IN (");
        bind_all(&mut ask, seen);
        ask.push(")");
        for row in ask
            .build()
            .persistent(PREPARED)
            .fetch_all(&mut *change)
            .await
            .map_err(failed("looking for items"))?
        {
            items.insert(Columns(&row).int("item")?);
        }
    }
    Ok(items)
}
