//! The hosts that there ought to be.
//!
//! Called by the store, inside of its transactions.

use std::collections::BTreeMap;

use sqlx::QueryBuilder;

use crate::model::Stamp;

use crate::collector::expected::Expected;
use crate::collector::store::codec::{read_json, write_json};
use crate::collector::store::{By, ExpectedAsk, ExpectedRow, Kept, Page};

use super::super::{Conn, Db, PREPARED};
use super::hosts::page;
use super::law::note;
use super::row::{CHUNK, Columns, failed, query, searched, text, unreadable};

/// From now on these are all that there ought to be.
pub(super) async fn expect(change: &mut Conn, hosts: &[Expected], by: &By) -> Kept<()> {
    let failed = failed("keeping the hosts that there ought to be");
    // Those that stay are not taken away first. Of names that differ after what an index takes alone the first one is kept.
    let mut all = BTreeMap::new();
    for host in hosts {
        all.entry(searched(&Expected::key(&host.name))).or_insert(host);
    }
    let rows = query("SELECT folded FROM expected").fetch_all(&mut *change).await.map_err(failed)?;
    let mut gone = rows.iter().map(|row| Columns(row).text("folded")).collect::<Kept<Vec<_>>>()?;
    gone.retain(|name| !all.contains_key(name));
    for gone in gone.chunks(CHUNK) {
        let mut delete = QueryBuilder::<Db>::new("DELETE FROM expected WHERE folded IN (");
        let mut bound = delete.separated(", ");
        for name in gone {
            bound.push_bind(name);
        }
        delete.push(")");
        delete.build().persistent(PREPARED).execute(&mut *change).await.map_err(failed)?;
    }
    let all: Vec<_> = all.into_iter().collect();
    for hosts in all.chunks(CHUNK) {
        let mut rows = Vec::with_capacity(hosts.len());
        for (folded, host) in hosts {
            let words = format!(" {} ", host.tags.join(" "));
            rows.push((folded, host, words, write_json(*host).map_err(unreadable("a host", &host.name))?));
        }
        let mut insert =
            QueryBuilder::<Db>::new("INSERT INTO expected (folded, owner, department, tags, body) ");
        insert.push_values(rows, |mut row, (folded, host, tags, body)| {
            row.push_bind(folded)
                .push_bind(text(&host.owner).into_owned())
                .push_bind(text(&host.department).into_owned())
                .push_bind(text(&tags).into_owned())
                .push_bind(body);
        });
        insert.push(
            " ON CONFLICT (folded) DO UPDATE SET owner = excluded.owner, department = excluded.department, \
             tags = excluded.tags, body = excluded.body",
        );
        insert.build().persistent(PREPARED).execute(&mut *change).await.map_err(failed)?;
    }
    note(change, by, ["expect", "hosts", &format!("{} hosts", hosts.len())]).await
}

/// The host of such a name that was heard of last.
const BEST: &str = "(SELECT best.no FROM host AS best WHERE best.folded = expected.folded \
    AND best.standing <> 'retired' AND best.seq > 0 ORDER BY best.received_at DESC, best.no DESC LIMIT 1)";

/// Which of them were heard of.
pub(super) async fn expected(read: &mut Conn, asked: &ExpectedAsk) -> Kept<Page<ExpectedRow>> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT expected.folded, expected.body, host.id, host.received_at, host.looked_at, host.standing, host.verdict, \
         (SELECT COUNT(*) FROM host AS same WHERE same.folded = expected.folded AND same.standing <> 'retired') AS hosts \
         FROM expected LEFT JOIN host ON host.no = ",
    );
    ask.push(BEST).push(" WHERE expected.folded > ");
    ask.push_bind(asked.after.clone().unwrap_or_default());
    match asked.seen {
        Some(true) => _ = ask.push(" AND host.no IS NOT NULL"),
        // By an index alone, of the many that were.
        Some(false) => {
            ask.push(
                " AND NOT EXISTS (SELECT 1 FROM host AS one WHERE one.folded = expected.folded AND one.heard \
                 AND one.no NOT IN (SELECT no FROM host WHERE standing = 'retired'))",
            );
        }
        None => {}
    }
    for (column, value) in
        [(" AND expected.owner = ", &asked.owner), (" AND expected.department = ", &asked.department)]
    {
        if let Some(value) = value {
            ask.push(column).push_bind(text(value).into_owned());
        }
    }
    if let Some(tag) = &asked.tag {
        let tag = tag.to_lowercase();
        // A word between blanks; letters that LIKE takes for others stand for themselves.
        let tag = tag.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        ask.push(" AND expected.tags LIKE ")
            .push_bind(text(&format!("% {tag} %")).into_owned())
            .push(" ESCAPE '!'");
    }
    ask.push(" ORDER BY expected.folded LIMIT ").push_bind(i64::from(asked.limit) + 1);
    let found = ask
        .build()
        .persistent(PREPARED)
        .fetch_all(read)
        .await
        .map_err(failed("listing the hosts that there ought to be"))?;
    let rows = page(&found, asked.limit).iter().map(|row| one(&Columns(row), asked.stale_before));
    Ok(Page { rows: rows.collect::<Kept<_>>()?, more: found.len() > asked.limit as usize })
}

fn one(columns: &Columns<'_>, stale_before: Option<Stamp>) -> Kept<ExpectedRow> {
    let folded = columns.text("folded")?;
    let expected =
        read_json(&columns.blob("body")?).map_err(unreadable("a host that there ought to be", &folded))?;
    let host = columns.maybe_id("id")?;
    let standing = host.map(|_| columns.standing("standing")).transpose()?;
    let received_at = columns.maybe_stamp("received_at")?;
    let looked_at = columns.maybe_stamp("looked_at")?;
    let fresh = looked_at.zip(stale_before).is_none_or(|(looked, before)| looked >= before);
    let verdict = columns.verdict("verdict")?.filter(|_| fresh);
    Ok(ExpectedRow {
        expected,
        host,
        hosts: columns.count("hosts")?,
        received_at,
        standing,
        verdict: standing.and_then(|standing| standing.shows(verdict)),
    })
}
