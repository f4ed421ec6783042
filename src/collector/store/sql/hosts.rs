//! Questions about hosts.
//!
//! Called by the store.

use std::collections::BTreeMap;

use sqlx::QueryBuilder;

use crate::model::{Id, Stamp};

use super::super::{Conn, Db, PREPARED, Row};
use super::memory::Memory;
use super::read::raw_sources;
use super::row::{CHUNK, Columns, failed, query, searched, text, unreadable};
use crate::collector::store::codec::read_json;
use crate::collector::store::{HostDetail, HostRow, HostsAsk, Kept, Page, SourceRow, VerdictAsk, VerdictRow};

/// Verdicts that are told of a host.
const HISTORY: i64 = 200;

/// Hosts with what can be told of their verdict; the moment before which one is stale stands between the two parts.
const SHOWN: (&str, &str) = (
    "(SELECT *, CASE WHEN standing IN ('split', 'retired') OR stale OR looked_at IS NULL THEN NULL \
     WHEN standing = 'unsettled' AND verdict <> 'non-compliant' THEN NULL ELSE verdict END AS shown \
     FROM (SELECT *, COALESCE(looked_at, enrolled_at) < ",
    " AS stale FROM host) AS aged) AS host",
);

fn push_shown(ask: &mut QueryBuilder<Db>, stale_before: Option<Stamp>) {
    ask.push(SHOWN.0).push_bind(stale_before.map_or(i64::MIN, Stamp::unix)).push(SHOWN.1);
}

/// Rows of hosts, of which those are chosen by an index alone for which conditions follow, and then `rows_end`.
fn rows_where(stale_before: Option<Stamp>) -> QueryBuilder<Db> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT host.*, glance.stale, glance.shown, (SELECT COUNT(*) FROM finding WHERE finding.host = host.no \
         AND finding.state <> 'closed') AS findings FROM (SELECT no, stale, shown FROM ",
    );
    push_shown(&mut ask, stale_before);
    ask.push(" WHERE TRUE");
    ask
}

fn rows_end(ask: &mut QueryBuilder<Db>, limit: i64) {
    ask.push(" ORDER BY id LIMIT ").push_bind(limit);
    ask.push(") AS glance JOIN host ON host.no = glance.no ORDER BY host.id");
}

/// What hosts say they are called.
pub(super) async fn names(read: &mut Conn, hosts: &[Id]) -> Kept<BTreeMap<Id, String>> {
    let mut names = BTreeMap::new();
    for hosts in hosts.chunks(CHUNK) {
        let mut ask = QueryBuilder::<Db>::new("SELECT id, name FROM host WHERE name IS NOT NULL AND id IN (");
        let mut ids = ask.separated(", ");
        for host in hosts {
            ids.push_bind(host.0.to_vec());
        }
        ask.push(")");
        let rows = ask.build().persistent(false).fetch_all(&mut *read).await;
        for row in &rows.map_err(failed("reading what hosts are called"))? {
            names.insert(Columns(row).id("id")?, Columns(row).text("name")?);
        }
    }
    Ok(names)
}

pub(super) async fn hosts(read: &mut Conn, asked: &HostsAsk) -> Kept<Page<HostRow>> {
    let mut ask = rows_where(asked.stale_before);
    if let Some(after) = asked.after {
        ask.push(" AND id > ").push_bind(after.0.to_vec());
    }
    match asked.verdict {
        Some(VerdictAsk::Is(verdict)) => {
            // Told twice: most hosts are then passed over before what is shown of them is known.
            ask.push(" AND verdict = ").push_bind(verdict.word());
            ask.push(" AND shown = ").push_bind(verdict.word());
        }
        Some(VerdictAsk::Unknown) => _ = ask.push(" AND shown IS NULL"),
        None => {}
    }
    if let Some(family) = &asked.family {
        ask.push(" AND family = ").push_bind(text(family).into_owned());
    }
    if let Some(tag) = &asked.tag {
        ask.push(" AND no IN (SELECT host FROM host_tag WHERE tag = ")
            .push_bind(text(tag).into_owned())
            .push(")");
    }
    if let Some(name) = &asked.name {
        begins(&mut ask, "folded", name);
    }
    if let Some(stale) = asked.stale {
        ask.push(" AND stale = ").push_bind(stale);
    }
    if let Some(standing) = asked.standing {
        ask.push(" AND standing = ").push_bind(standing.word());
    } else if !asked.retired {
        ask.push(" AND standing <> 'retired'");
    }
    rows_end(&mut ask, i64::from(asked.limit) + 1);
    let found =
        ask.build().persistent(PREPARED).fetch_all(&mut *read).await.map_err(failed("listing hosts"))?;
    let rows = page(&found, asked.limit).iter().map(host_row);
    Ok(Page { rows: rows.collect::<Kept<_>>()?, more: found.len() > asked.limit as usize })
}

/// As many rows as were asked for: one more was, to know whether there is one.
pub(super) fn page(rows: &[Row], limit: u32) -> &[Row] {
    rows.get(..limit as usize).unwrap_or(rows)
}

/// A condition that an index can answer, whatever letters the text has.
pub(super) fn begins(ask: &mut QueryBuilder<Db>, column: &'static str, text: &str) {
    let folded = searched(text);
    let end = format!("{folded}{}", char::MAX);
    ask.push(" AND ").push(column).push(" >= ").push_bind(folded);
    ask.push(" AND ").push(column).push(" < ").push_bind(end);
}

fn host_row(row: &Row) -> Kept<HostRow> {
    let columns = Columns(row);
    Ok(HostRow {
        host: columns.id("id")?,
        name: columns.maybe_text("name")?,
        family: columns.text("family")?,
        os: columns.maybe_text("os")?,
        agent: columns.maybe_text("agent")?,
        enrolled_at: columns.stamp("enrolled_at")?,
        scanned_at: columns.maybe_stamp("scanned_at")?,
        received_at: columns.maybe_stamp("received_at")?,
        looked_at: columns.maybe_stamp("looked_at")?,
        seq: columns.count("seq")?,
        standing: columns.standing("standing")?,
        verdict: columns.verdict("shown")?,
        stale: columns.flag("stale")?,
        findings: columns.count("findings")?,
    })
}

pub(super) async fn host(
    read: &mut Conn,
    memory: &Memory,
    host: Id,
    stale_before: Option<Stamp>,
) -> Kept<Option<HostDetail>> {
    let mut ask = rows_where(stale_before);
    ask.push(" AND id = ").push_bind(host.0.to_vec());
    rows_end(&mut ask, 1);
    let row = ask
        .build()
        .persistent(PREPARED)
        .fetch_optional(&mut *read)
        .await
        .map_err(failed("reading a host"))?;
    let Some(row) = row else { return Ok(None) };
    let (no, tags) = (Columns(&row).int("no")?, Columns(&row).tags()?);
    let row = host_row(&row)?;
    let mut detail = HostDetail {
        history: history(&mut *read, no).await?,
        sources: Vec::new(),
        facts: None,
        asked: None,
        policies: Vec::new(),
        tags,
        row,
    };
    let told = query("SELECT facts, asked, policies FROM host_told WHERE host = $1")
        .bind(no)
        .fetch_optional(&mut *read)
        .await
        .map_err(failed("reading a host"))?;
    let Some(told) = told else { return Ok(Some(detail)) };
    let columns = Columns(&told);
    detail.facts = Some(read_json(&columns.blob("facts")?).map_err(unreadable("the facts", host))?);
    detail.asked = Some(read_json(&columns.blob("asked")?).map_err(unreadable("what was asked", host))?);
    if let Some(policies) = columns.maybe_blob("policies")? {
        detail.policies = read_json(&policies).map_err(unreadable("the policies", host))?;
    }
    for source in raw_sources(&mut *read, memory, no).await? {
        let whole_now = crate::normalise::sets::is_whole(&source.report);
        let as_of = if whole_now { detail.row.scanned_at } else { source.whole.map(|(at, _)| at) };
        detail.sources.push(SourceRow { report: source.report, as_of, stale: !whole_now });
    }
    Ok(Some(detail))
}

async fn history(read: &mut Conn, host: i64) -> Kept<Vec<VerdictRow>> {
    let rows = query(
        "SELECT policy, since, verdict FROM verdict WHERE host = $1 ORDER BY since DESC, policy LIMIT $2",
    )
    .bind(host)
    .bind(HISTORY)
    .fetch_all(&mut *read)
    .await
    .map_err(failed("reading the verdicts of a host"))?;
    let one = |columns: Columns<'_>| {
        Ok(VerdictRow {
            policy: columns.text("policy")?,
            since: columns.stamp("since")?,
            verdict: columns.verdict("verdict")?,
        })
    };
    rows.iter().map(|row| one(Columns(row))).collect()
}
