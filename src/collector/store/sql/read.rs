//! What is kept of one host, for its next check-in and for judging it anew.
//!
//! Called by the store, `hosts`, `change` and `upkeep`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;

use crate::model::{Digests, Entry, Id, Image, Item, Link, Place, Scope, Seen, SourceReport, Stamp, State};

use super::super::{Conn, Db, PREPARED, Row};
use super::change::bind_all;
use super::memory::{Memory, Remembered};
use super::row::{CHUNK, Columns, damaged, failed, int, query, unreadable};
use super::shapes::{Shapes, shapes};
use super::sought::sought;
use crate::collector::store::codec::{Numbered, read_entries, read_json, read_report, unpack};
use crate::collector::store::{
    Asked, Fork, Holding, JudgedBy, Kept, KeptFinding, KeptHost, KeptSet, KeptSource, KeptWhole, Known,
};

pub(super) async fn known(read: &mut Conn, host: Id, seq: u64, previous: &[Id]) -> Kept<Option<Known>> {
    let failed = || failed("looking for a host");
    let row = query(
        "SELECT no, install, machine, seq, report, inventory, standing, fork_at, fork_base, fork_tip, rules, judged_on, tags, \
         (SELECT id FROM report WHERE report.host = host.no AND report.seq = $2) AS of_seq \
         FROM host WHERE id = $1",
    )
    .bind(&host.0[..])
    .bind(int(seq))
    .fetch_optional(&mut *read)
    .await
    .map_err(failed())?;
    let Some(row) = row else { return Ok(None) };
    let columns = Columns(&row);
    let last = (columns.count("seq")?, columns.maybe_id("report")?);
    let previous_seq = match last.1 {
        // The usual case needs no look into the list.
        Some(report) if previous.contains(&report) => Some(last.0),
        _ => previous_seq(&mut *read, columns.int("no")?, previous).await?,
    };
    Ok(Some(Known {
        install: columns.id("install")?,
        machine: columns.id("machine")?,
        seq: last.0,
        report: last.1,
        inventory: columns.maybe_id("inventory")?,
        standing: columns.standing("standing")?,
        fork: fork(&columns)?,
        judged: judged(&columns)?,
        tags: columns.tags()?,
        of_seq: columns.maybe_id("of_seq")?,
        previous_seq,
    }))
}

async fn previous_seq(read: &mut Conn, host: i64, previous: &[Id]) -> Kept<Option<u64>> {
    if previous.is_empty() {
        return Ok(None);
    }
    let mut ask = QueryBuilder::<Db>::new("SELECT MAX(seq) AS seq FROM report WHERE host = ");
    ask.push_bind(host).push(" AND id IN (");
    let mut ids = ask.separated(", ");
    for id in previous.iter().take(CHUNK) {
        ids.push_bind(id.0.to_vec());
    }
    ask.push(")");
    let row = ask
        .build()
        .persistent(PREPARED)
        .fetch_one(&mut *read)
        .await
        .map_err(failed("looking for an earlier report"))?;
    Columns(&row).maybe_count("seq")
}

fn fork(columns: &Columns<'_>) -> Kept<Option<Fork>> {
    let Some(at) = columns.maybe_stamp("fork_at")? else { return Ok(None) };
    let (base, tip) = (columns.maybe_count("fork_base")?, columns.maybe_count("fork_tip")?);
    Ok(Some(Fork { at, base: base.unwrap_or_default(), tip: tip.unwrap_or_default() }))
}

pub(super) fn judged(columns: &Columns<'_>) -> Kept<Option<JudgedBy>> {
    let (Some(rules), Some(on)) = (columns.maybe_id("rules")?, columns.maybe_text("judged_on")?) else {
        return Ok(None);
    };
    let on = on.parse().map_err(|why| damaged("a day", "judged_on", why))?;
    Ok(Some(JudgedBy { rules, on }))
}

pub(super) async fn sources(read: &mut Conn, host: Id) -> Kept<BTreeMap<String, Digests>> {
    let rows =
        query("SELECT source, state, digest FROM host_set WHERE host = (SELECT no FROM host WHERE id = $1)")
            .bind(&host.0[..])
            .fetch_all(&mut *read)
            .await
            .map_err(failed("looking for the sources of a host"))?;
    let one = |columns: Columns<'_>| {
        let digests = Digests { state: columns.id("state")?, set: columns.maybe_id("digest")? };
        Ok((columns.text("source")?, digests))
    };
    rows.iter().map(|row| one(Columns(row))).collect()
}

/// A sighting and its item, for a condition and a closing bracket.
const SEEN: &str = "SELECT seen.no, seen.id, seen.body, item.body AS item \
    FROM seen JOIN item ON item.no = seen.item WHERE ";

pub(super) async fn seen(read: &mut Conn, memory: &Memory, ids: &[Id]) -> Kept<BTreeMap<Id, Arc<Seen>>> {
    let mut found = BTreeMap::new();
    let mut missing = Vec::new();
    for id in ids {
        match memory.by_id(*id) {
            Some(seen) => _ = found.insert(*id, seen),
            None => missing.push(*id),
        }
    }
    for ids in missing.chunks(CHUNK) {
        let mut ask = QueryBuilder::<Db>::new(SEEN);
        ask.push("seen.id IN (");
        let mut bound = ask.separated(", ");
        for id in ids {
            bound.push_bind(id.0.to_vec());
        }
        let read = seen_rows(&mut *read, memory, ask).await?;
        found.extend(read.into_iter().map(|(_, one)| (one.id, one.seen)));
    }
    Ok(found)
}

/// What a question for sightings finds, by their numbers.
async fn seen_rows(
    read: &mut Conn,
    memory: &Memory,
    mut ask: QueryBuilder<Db>,
) -> Kept<Vec<(i64, Remembered)>> {
    ask.push(")");
    let rows = ask.build().persistent(PREPARED).fetch_all(read).await;
    let rows = rows.map_err(failed("reading what was seen"))?;
    rows.iter().map(|row| seen_row(memory, &Columns(row))).collect()
}

fn seen_row(memory: &Memory, columns: &Columns<'_>) -> Kept<(i64, Remembered)> {
    let (number, id) = (columns.int("no")?, columns.id("id")?);
    let item = unpack(&columns.blob("item")?).map_err(unreadable("an item", id))?;
    let body = unpack(&columns.blob("body")?).map_err(unreadable("a sighting", id))?;
    let seen = serde_json::from_slice::<SeenBody>(&body).map_err(|why| damaged("a sighting", id, why))?;
    let item_read = serde_json::from_slice(&item).map_err(|why| damaged("an item", id, why))?;
    let seen = Arc::new(seen.with(item_read));
    Ok((number, memory.keep(number, id, seen, item.len().saturating_add(body.len()))))
}

/// What was seen, as it is kept: its item is kept beside it, once for all of its sightings.
#[derive(Serialize, Deserialize)]
pub(super) struct SeenBody {
    source: std::borrow::Cow<'static, str>,
    state: State,
    scope: Scope,
    place: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<Image>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
}

impl SeenBody {
    pub(super) fn of(seen: &Seen) -> Self {
        Self {
            source: seen.source.clone(),
            state: seen.state,
            scope: seen.scope.clone(),
            place: seen.place.clone(),
            image: seen.image.clone(),
            links: seen.links.clone(),
        }
    }

    fn with(self, item: Item) -> Seen {
        let Self { source, state, scope, place, image, links } = self;
        Seen { item, source, state, scope, place, image, links }
    }
}

/// What stands behind numbers.
pub(super) async fn seen_of(
    read: &mut Conn,
    memory: &Memory,
    numbers: &BTreeSet<i64>,
) -> Kept<HashMap<i64, Remembered>> {
    let mut found = HashMap::with_capacity(numbers.len());
    let mut missing = Vec::new();
    for number in numbers {
        match memory.by_number(*number) {
            Some(one) => _ = found.insert(*number, one),
            None => missing.push(*number),
        }
    }
    for numbers in missing.chunks(CHUNK) {
        let mut ask = QueryBuilder::<Db>::new(SEEN);
        ask.push("seen.no IN (");
        let mut bound = ask.separated(", ");
        for number in numbers {
            bound.push_bind(*number);
        }
        found.extend(seen_rows(&mut *read, memory, ask).await?);
    }
    Ok(found)
}

/// A source as it stands in the database.
pub(super) struct RawSource {
    pub(super) report: SourceReport,
    pub(super) state: Id,
    pub(super) digest: Option<Id>,
    pub(super) entries: Vec<Numbered>,
    pub(super) whole: Option<(Stamp, Vec<Numbered>)>,
    /// Whether that is a part, for it never was whole.
    pub(super) part: bool,
}

/// The sources of a host, in the order of its report.
pub(super) async fn raw_sources(read: &mut Conn, memory: &Memory, host: i64) -> Kept<Vec<RawSource>> {
    Ok(raw_sources_of(read, memory, &[host]).await?.remove(&host).unwrap_or_default())
}

async fn raw_sources_of(
    read: &mut Conn,
    memory: &Memory,
    hosts: &[i64],
) -> Kept<HashMap<i64, Vec<RawSource>>> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT host, host_set.source, state, ended, digest, entries, whole_at, part, whole, shape.id AS shape \
         FROM host_set JOIN shape ON shape.no = host_set.shape WHERE host IN (",
    );
    bind_all(&mut ask, hosts);
    ask.push(") ORDER BY host, position");
    let alone = PREPARED && hosts.len() == 1;
    let rows = ask.build().persistent(alone).fetch_all(&mut *read).await;
    let rows = rows.map_err(failed("reading the sources of hosts"))?;
    let shapes = shapes(&mut *read, memory, &rows).await?;
    let mut found: HashMap<i64, Vec<RawSource>> = HashMap::with_capacity(hosts.len());
    for row in &rows {
        let columns = Columns(row);
        found.entry(columns.int("host")?).or_default().push(raw_source(&columns, &shapes)?);
    }
    Ok(found)
}

pub(super) fn raw_source(columns: &Columns<'_>, shapes: &Shapes) -> Kept<RawSource> {
    let source = columns.text("source")?;
    let shape = shapes.get(&columns.id("shape")?);
    let shape = shape.ok_or_else(|| damaged("a source's description", &source, "it is not there"))?;
    let report =
        read_report(shape, &columns.blob("ended")?).map_err(unreadable("a source's report", &source))?;
    let entries = |column: &str| {
        let blob = columns.maybe_blob(column)?;
        blob.map(|blob| read_entries(&blob).map_err(unreadable("a set", &source))).transpose()
    };
    let whole = match (columns.maybe_stamp("whole_at")?, entries("whole")?) {
        (Some(at), Some(entries)) => Some((at, entries)),
        _ => None,
    };
    Ok(RawSource {
        report,
        state: columns.id("state")?,
        digest: columns.maybe_id("digest")?,
        entries: entries("entries")?.unwrap_or_default(),
        whole,
        part: columns.flag("part")?,
    })
}

pub(super) async fn held(read: &mut Conn, memory: &Memory, host: Id) -> Kept<Option<KeptHost>> {
    let Some(raw) = raw_hosts(&mut *read, memory, &[host]).await?.pop() else { return Ok(None) };
    let numbers: BTreeSet<i64> = raw.sources.iter().flat_map(numbers_of).collect();
    let seen = seen_of(&mut *read, memory, &numbers).await?;
    kept_host(read, memory, raw, seen).await.map(Some)
}

/// A host as it stands in the database.
pub(super) struct RawHost {
    id: Id,
    row: Row,
    pub(super) sources: Vec<RawSource>,
    findings: Vec<KeptFinding>,
}

pub(super) async fn raw_hosts(read: &mut Conn, memory: &Memory, hosts: &[Id]) -> Kept<Vec<RawHost>> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT no, id, seq, scanned_at, rules, facts, asked FROM host JOIN host_told ON host_told.host = host.no \
         WHERE id IN (",
    );
    let mut ids = ask.separated(", ");
    for host in hosts {
        ids.push_bind(host.0.to_vec());
    }
    ask.push(")");
    let alone = PREPARED && hosts.len() == 1;
    let rows = ask.build().persistent(alone).fetch_all(&mut *read).await.map_err(failed("reading hosts"))?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<i64> = rows.iter().map(|row| Columns(row).int("no")).collect::<Kept<_>>()?;
    let mut sources = raw_sources_of(&mut *read, memory, &numbers).await?;
    let mut findings = findings(read, &numbers).await?;
    let one = |(row, no): (Row, i64)| {
        Ok(RawHost {
            id: Columns(&row).id("id")?,
            row,
            sources: sources.remove(&no).unwrap_or_default(),
            findings: findings.remove(&no).unwrap_or_default(),
        })
    };
    rows.into_iter().zip(numbers).map(one).collect()
}

pub(super) async fn kept_host(
    read: &mut Conn,
    memory: &Memory,
    raw: RawHost,
    seen: HashMap<i64, Remembered>,
) -> Kept<KeptHost> {
    let (columns, host) = (Columns(&raw.row), raw.id);
    let sources = raw.sources.into_iter().map(|source| kept_source(source, &seen, host));
    let asked: Asked = read_json(&columns.blob("asked")?).map_err(unreadable("what was asked", host))?;
    let holding = Holding {
        facts: read_json(&columns.blob("facts")?).map_err(unreadable("the facts", host))?,
        sought: match asked.led {
            Some(led) => sought(&mut *read, memory, led).await?,
            None => None,
        },
        asked,
        sources: sources.collect::<Kept<_>>()?,
    };
    Ok(KeptHost {
        seq: columns.count("seq")?,
        scanned_at: columns.stamp("scanned_at")?,
        rules: columns.maybe_id("rules")?,
        holding,
        seen: seen.into_values().map(|one| (one.id, one.seen)).collect(),
        findings: raw.findings,
    })
}

/// Every number that a source names.
pub(super) fn numbers_of(source: &RawSource) -> impl Iterator<Item = i64> {
    let whole = source.whole.iter().flat_map(|(_, entries)| entries);
    source.entries.iter().chain(whole).map(|entry| entry.seen)
}

fn kept_source(source: RawSource, seen: &HashMap<i64, Remembered>, host: Id) -> Kept<KeptSource> {
    let entries = |numbered: Vec<Numbered>| {
        let one = |entry: Numbered| {
            let one = seen.get(&entry.seen);
            let one = one.ok_or_else(|| damaged("a set", host, "it names what is not kept"))?;
            Ok(Entry { id: one.id, recorded_at: entry.recorded_at, last_update: entry.last_update })
        };
        let mut entries: Vec<Entry> = numbered.into_iter().map(one).collect::<Kept<_>>()?;
        entries.sort_by_key(|entry| entry.id);
        Ok(entries)
    };
    let set = match source.digest {
        Some(digest) => Some(KeptSet { digest, entries: entries(source.entries)? }),
        None => None,
    };
    let whole = match source.whole {
        Some((as_of, numbered)) => Some(KeptWhole { as_of, part: source.part, entries: entries(numbered)? }),
        None => None,
    };
    Ok(KeptSource { report: source.report, state: source.state, set, whole })
}

/// The findings of hosts that are not closed.
async fn findings(read: &mut Conn, hosts: &[i64]) -> Kept<HashMap<i64, Vec<KeptFinding>>> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT no, host, state, opened_at, closed_at, why, body, look FROM finding WHERE state <> 'closed' AND host IN (",
    );
    bind_all(&mut ask, hosts);
    ask.push(") ORDER BY no");
    let alone = PREPARED && hosts.len() == 1;
    let rows = ask.build().persistent(alone).fetch_all(read).await;
    let mut found: HashMap<i64, Vec<KeptFinding>> = HashMap::new();
    for row in rows.map_err(failed("reading the findings of hosts"))? {
        let columns = Columns(&row);
        let no = columns.int("no")?;
        let look = columns.maybe_blob("look")?;
        let look =
            look.map(|look| read_json(&look).map_err(unreadable("the look of a finding", no))).transpose()?;
        found.entry(columns.int("host")?).or_default().push(KeptFinding {
            finding: read_json(&columns.blob("body")?).map_err(unreadable("a finding", no))?,
            state: columns.finding_state("state")?,
            opened_at: columns.stamp("opened_at")?,
            seen: look.map(Box::new),
            closed_at: columns.maybe_stamp("closed_at")?,
            why: columns.maybe_text("why")?,
        });
    }
    Ok(found)
}
