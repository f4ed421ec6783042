//! Questions about findings and items.
//!
//! Called by the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sqlx::QueryBuilder;

use crate::model::{Entry, Id, ItemId, Seen, Sighting};
use crate::normalise::sets;

use super::super::{Conn, Db, HOSTS_OF_ITEM, ITEM_HAS_HOSTS, PREPARED, Row};
use super::change::bind_all;
use super::hosts::{begins, page};
use super::memory::Memory;
use super::read::seen_of;
use super::row::{BLOCKS, CHUNK, Columns, failed, int, query, searched, text, unreadable};
use crate::collector::store::codec::{Numbered, read_entries, read_json};
use crate::collector::store::{
    FindingRow, FindingState, FindingsAsk, ItemHost, ItemHostsAsk, ItemRow, ItemsAsk, Kept, Page,
};

pub(super) async fn findings(read: &mut Conn, asked: &FindingsAsk) -> Kept<Page<FindingRow>> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT finding.no, host.id AS host, host.name AS host_name, finding.state, opened_at, \
         COALESCE(seen_at, host.scanned_at, opened_at) AS seen_at, closed_at, why, body \
         FROM finding JOIN host ON host.no = finding.host WHERE finding.no > ",
    );
    ask.push_bind(int(asked.after.unwrap_or_default()));
    match asked.state {
        Some(state) => _ = ask.push(" AND finding.state = ").push_bind(state.word()),
        None => _ = ask.push(" AND finding.state <> ").push_bind(FindingState::Closed.word()),
    }
    if let Some(host) = asked.host {
        ask.push(" AND finding.host = (SELECT no FROM host WHERE id = ").push_bind(host.0.to_vec()).push(")");
    }
    for (column, value) in [
        (" AND finding.policy = ", &asked.policy),
        (" AND finding.prohibition = ", &asked.prohibition),
        (" AND finding.vendor = ", &asked.vendor),
        (" AND finding.product = ", &asked.product),
    ] {
        if let Some(value) = value {
            ask.push(column).push_bind(text(value).into_owned());
        }
    }
    if let Some(decides) = asked.decides {
        ask.push(" AND finding.decides = ").push_bind(decides);
    }
    ask.push(" ORDER BY finding.no LIMIT ").push_bind(i64::from(asked.limit) + 1);
    let found =
        ask.build().persistent(PREPARED).fetch_all(&mut *read).await.map_err(failed("listing findings"))?;
    let rows = page(&found, asked.limit).iter().map(|row| finding_row(&Columns(row)));
    Ok(Page { rows: rows.collect::<Kept<_>>()?, more: found.len() > asked.limit as usize })
}

fn finding_row(columns: &Columns<'_>) -> Kept<FindingRow> {
    let number = columns.count("no")?;
    Ok(FindingRow {
        number,
        host: columns.id("host")?,
        host_name: columns.maybe_text("host_name")?,
        state: columns.finding_state("state")?,
        opened_at: columns.stamp("opened_at")?,
        seen_at: columns.stamp("seen_at")?,
        closed_at: columns.maybe_stamp("closed_at")?,
        why: columns.maybe_text("why")?,
        finding: read_json(&columns.blob("body")?).map_err(unreadable("a finding", number))?,
    })
}

/// Items, and how many hosts have each.
fn items_where() -> QueryBuilder<Db> {
    let mut ask = QueryBuilder::new(BLOCKS);
    ask.push("SELECT item.no, item.body, ").push(HOSTS_OF_ITEM).push(" AS hosts FROM item WHERE ");
    ask
}

pub(super) async fn items(read: &mut Conn, asked: &ItemsAsk) -> Kept<Page<ItemRow>> {
    let mut ask = items_where();
    ask.push(ITEM_HAS_HOSTS);
    if let Some(after) = asked.after {
        ask.push(" AND (folded, id) > (SELECT folded, id FROM item WHERE id = ");
        ask.push_bind(after.0.to_vec()).push(")");
    }
    if let Some(name) = &asked.name {
        begins(&mut ask, "folded", name);
    }
    if let Some(kind) = asked.kind {
        ask.push(" AND kind = ").push_bind(kind.word());
    }
    if let Some(publisher) = &asked.publisher {
        ask.push(" AND publisher = ").push_bind(searched(publisher));
    }
    ask.push(" ORDER BY folded, id LIMIT ").push_bind(i64::from(asked.limit) + 1);
    let found =
        ask.build().persistent(PREPARED).fetch_all(&mut *read).await.map_err(failed("listing items"))?;
    let rows = page(&found, asked.limit).iter().map(item_row);
    Ok(Page { rows: rows.collect::<Kept<_>>()?, more: found.len() > asked.limit as usize })
}

fn item_row(row: &Row) -> Kept<ItemRow> {
    let columns = Columns(row);
    let item = read_json(&columns.blob("body")?).map_err(unreadable("an item", columns.int("no")?))?;
    Ok(ItemRow { item, hosts: columns.count("hosts")? })
}

pub(super) async fn item(read: &mut Conn, item: ItemId) -> Kept<Option<ItemRow>> {
    let mut ask = items_where();
    ask.push("item.id = ").push_bind(item.0.to_vec());
    let row = ask
        .build()
        .persistent(PREPARED)
        .fetch_optional(&mut *read)
        .await
        .map_err(failed("reading an item"))?;
    row.as_ref().map(item_row).transpose()
}

pub(super) async fn item_hosts(
    read: &mut Conn,
    memory: &Memory,
    asked: &ItemHostsAsk,
) -> Kept<Page<ItemHost>> {
    let mut ask = QueryBuilder::<Db>::new(BLOCKS);
    ask.push(
        "SELECT host.no, host.id, host.name, host_item.since, item.no AS item FROM item CROSS JOIN block \
         CROSS JOIN host_item CROSS JOIN host WHERE host_item.block = block.no AND host_item.item = item.no \
         AND host.no = host_item.host AND item.id = ",
    );
    ask.push_bind(asked.item.0.to_vec());
    if let Some(after) = asked.after {
        ask.push(" AND host.id > ").push_bind(after.0.to_vec());
    }
    ask.push(" ORDER BY host.id LIMIT ").push_bind(i64::from(asked.limit) + 1);
    let found = ask
        .build()
        .persistent(PREPARED)
        .fetch_all(&mut *read)
        .await
        .map_err(failed("listing hosts of an item"))?;
    let shown = page(&found, asked.limit);
    let hosts: Vec<i64> = shown.iter().map(|row| Columns(row).int("no")).collect::<Kept<_>>()?;
    let mut sightings = match shown.first() {
        Some(row) => sightings(&mut *read, memory, &hosts, Columns(row).int("item")?).await?,
        None => HashMap::new(),
    };
    let mut rows = Vec::with_capacity(shown.len());
    for row in shown {
        let columns = Columns(row);
        rows.push(ItemHost {
            host: columns.id("id")?,
            name: columns.maybe_text("name")?,
            since: columns.stamp("since")?,
            sightings: sightings.remove(&columns.int("no")?).unwrap_or_default(),
        });
    }
    Ok(Page { rows, more: found.len() > asked.limit as usize })
}

/// Where hosts have an item.
async fn sightings(
    read: &mut Conn,
    memory: &Memory,
    hosts: &[i64],
    item: i64,
) -> Kept<HashMap<i64, Vec<Sighting>>> {
    let failed = || failed("looking for sightings");
    let numbers = query("SELECT no FROM seen WHERE item = $1").bind(item).fetch_all(&mut *read).await;
    let numbers = numbers.map_err(failed())?;
    let numbers: BTreeSet<i64> = numbers.iter().map(|row| Columns(row).int("no")).collect::<Kept<_>>()?;
    if numbers.is_empty() {
        return Ok(HashMap::new());
    }
    // Sets are looked into of those sources alone that have seen it, where that is soon known.
    let known = numbers.len() <= CHUNK;
    let mut seen = if known { seen_of(&mut *read, memory, &numbers).await? } else { HashMap::new() };
    let sources: BTreeSet<String> = seen.values().map(|one| one.seen.source.to_string()).collect();
    let mut dated = Vec::new();
    for hosts in hosts.chunks(CHUNK) {
        for row in sets_of(&mut *read, hosts, known.then_some(&sources)).await? {
            let columns = Columns(&row);
            let host = columns.int("host")?;
            let entries = entries_of(&columns)?.into_iter().filter(|entry| numbers.contains(&entry.seen));
            dated.extend(entries.map(|entry| (host, entry)));
        }
    }
    if !known {
        let numbers = dated.iter().map(|(_, entry)| entry.seen).collect();
        seen = seen_of(read, memory, &numbers).await?;
    }
    let mut by_host: HashMap<i64, BTreeMap<Id, (Entry, Arc<Seen>)>> = HashMap::new();
    for (host, entry) in dated {
        let Some(one) = seen.get(&entry.seen) else { continue };
        let entry = Entry { id: one.id, recorded_at: entry.recorded_at, last_update: entry.last_update };
        by_host.entry(host).or_default().insert(one.id, (entry, Arc::clone(&one.seen)));
    }
    let told = |pairs: BTreeMap<Id, (Entry, Arc<Seen>)>| {
        let found = sets::items(pairs.values().map(|(entry, seen)| (entry, seen.as_ref())));
        found.into_iter().flat_map(|item| item.sightings).collect()
    };
    Ok(by_host.into_iter().map(|(host, pairs)| (host, told(pairs))).collect())
}

/// Sets of hosts, of these sources where they are named.
async fn sets_of(read: &mut Conn, hosts: &[i64], sources: Option<&BTreeSet<String>>) -> Kept<Vec<Row>> {
    let mut ask =
        QueryBuilder::<Db>::new("SELECT host, source, entries, whole FROM host_set WHERE host IN (");
    bind_all(&mut ask, hosts);
    ask.push(")");
    if let Some(sources) = sources {
        ask.push(" AND source IN (");
        let mut bound = ask.separated(", ");
        for source in sources {
            bound.push_bind(source.as_str());
        }
        ask.push(")");
    }
    ask.push(" ORDER BY host, position");
    ask.build().persistent(PREPARED).fetch_all(read).await.map_err(failed("looking for sightings"))
}

/// Both sets of a row: what a source sees now comes after what it saw when it was last whole, and goes before it.
fn entries_of(columns: &Columns<'_>) -> Kept<Vec<Numbered>> {
    let source = columns.text("source")?;
    let mut all = Vec::new();
    for column in ["whole", "entries"] {
        let blob = columns.maybe_blob(column)?;
        let entries =
            blob.map(|blob| read_entries(&blob).map_err(unreadable("a set", &source))).transpose()?;
        all.extend(entries.into_iter().flatten());
    }
    Ok(all)
}
