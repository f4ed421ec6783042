//! Keeps reports inside of a transaction: whose is newer than what is kept, and what of the host's head it changes.
//!
//! Called by `writer`, and by a store that keeps one report alone. What a report changes beside the head is written by `change`.

use std::collections::HashMap;

use sqlx::{Connection as _, QueryBuilder};

use crate::model::Id;

use crate::collector::store::{Advance, JudgedBy, Keep, Kept, Reported, Standing, Stored};

use super::super::{Conn, Db, FOR_UPDATE, PREPARED};
use super::change;
use super::memory::Memory;
use super::read::judged;
use super::row::{CHUNK, Columns, failed, int, query};

/// What is kept of a host before its report.
struct Head {
    no: i64,
    seq: u64,
    standing: Standing,
    judged: Option<JudgedBy>,
}

impl Head {
    /// Whether it is what was looked at when this was decided. Another report changes the number, a machine that speaks as this
    /// host its standing, and judging anew by what it was judged.
    fn is_of(&self, keep: &Keep, advance: &Advance) -> bool {
        advance.from == self.seq
            && keep.reported.seq > self.seq
            && !matches!(self.standing, Standing::Split | Standing::Retired)
            && (advance.judged.is_none() || advance.was == self.judged)
    }
}

/// Keeps reports, at most one of each host, all or none.
pub(in super::super) async fn keep_all(
    change: &mut Conn,
    memory: &Memory,
    keeps: &[Box<Keep>],
) -> Kept<Vec<Kept<Stored>>> {
    keep_each(change, memory, keeps, false).await
}

/// The same, but what goes wrong with one takes no other with it: for that whatever a report touches is copied first.
pub(in super::super) async fn keep_apart(
    change: &mut Conn,
    memory: &Memory,
    keeps: &[Box<Keep>],
) -> Kept<Vec<Kept<Stored>>> {
    keep_each(change, memory, keeps, true).await
}

async fn keep_each(
    change: &mut Conn,
    memory: &Memory,
    keeps: &[Box<Keep>],
    is_apart: bool,
) -> Kept<Vec<Kept<Stored>>> {
    let heads = heads(&mut *change, keeps).await?;
    let mut done = Vec::with_capacity(keeps.len());
    let mut quick = Vec::new();
    for keep in keeps {
        let Some(head) = heads.get(&keep.host) else {
            done.push(Ok(Stored::Gone));
            continue;
        };
        match keep.advance.as_deref() {
            Some(advance) if head.is_of(keep, advance) => {
                if advance.heads_alone() {
                    quick.push((head.no, keep.reported, advance));
                    done.push(Ok(Stored::Now));
                } else if is_apart {
                    done.push(apart(&mut *change, memory, head.no, keep.reported, advance).await);
                } else {
                    done.push(Ok(whole(&mut *change, memory, head.no, keep.reported, advance).await?));
                }
            }
            other if is_apart => {
                done.push(past_apart(&mut *change, head, keep.reported, other.is_none()).await);
            }
            other => done.push(Ok(past(&mut *change, head, keep.reported, other.is_none()).await?)),
        }
    }
    if !quick.is_empty() {
        advance_all(&mut *change, &quick).await?;
        report_all(&mut *change, &quick).await?;
    }
    Ok(done)
}

async fn heads(change: &mut Conn, keeps: &[Box<Keep>]) -> Kept<HashMap<Id, Head>> {
    let mut heads = HashMap::new();
    for keeps in keeps.chunks(CHUNK) {
        let mut ask =
            QueryBuilder::<Db>::new("SELECT no, id, seq, standing, rules, judged_on FROM host WHERE id IN (");
        let mut ids = ask.separated(", ");
        for keep in keeps {
            ids.push_bind(keep.host.0.to_vec());
        }
        // In one order, so that two who keep reports of the same hosts wait for each other and not both.
        ask.push(") ORDER BY id").push(FOR_UPDATE);
        let rows = ask
            .build()
            .persistent(PREPARED)
            .fetch_all(&mut *change)
            .await
            .map_err(failed("looking for hosts"))?;
        for row in &rows {
            let columns = Columns(row);
            let head = Head {
                no: columns.int("no")?,
                seq: columns.count("seq")?,
                standing: columns.standing("standing")?,
                judged: judged(&columns)?,
            };
            heads.insert(columns.id("id")?, head);
        }
    }
    Ok(heads)
}

/// A report that changes more than the head, among others: what goes wrong with it is its own.
async fn apart(
    change: &mut Conn,
    memory: &Memory,
    host: i64,
    reported: Reported,
    advance: &Advance,
) -> Kept<Stored> {
    let failed = || failed("keeping a report");
    let mut own = change.begin().await.map_err(failed())?;
    let stored = whole(&mut own, memory, host, reported, advance).await?;
    own.commit().await.map_err(failed())?;
    Ok(stored)
}

async fn whole(
    change: &mut Conn,
    memory: &Memory,
    host: i64,
    reported: Reported,
    advance: &Advance,
) -> Kept<Stored> {
    change::change(&mut *change, memory, host, reported, advance).await?;
    let head = [(host, reported, advance)];
    advance_all(&mut *change, &head).await?;
    report_all(&mut *change, &head).await?;
    Ok(Stored::Now)
}

/// The same, among others: what goes wrong with it is its own.
async fn past_apart(change: &mut Conn, head: &Head, reported: Reported, history: bool) -> Kept<Stored> {
    let failed = || failed("keeping an older report");
    let mut own = change.begin().await.map_err(failed())?;
    let stored = past(&mut own, head, reported, history).await?;
    own.commit().await.map_err(failed())?;
    Ok(stored)
}

/// A report that is not newer than what is kept: it was kept before, or belongs into the list, or another came between.
async fn past(change: &mut Conn, head: &Head, reported: Reported, history: bool) -> Kept<Stored> {
    let failed = || failed("keeping an older report");
    let row = query("SELECT id FROM report WHERE host = $1 AND seq = $2")
        .bind(head.no)
        .bind(int(reported.seq))
        .fetch_optional(&mut *change)
        .await
        .map_err(failed())?;
    match row {
        Some(row) if Columns(&row).id("id")? == reported.report => Ok(Stored::Before),
        None if history && reported.seq <= head.seq => {
            insert_reports(change, &[(head.no, reported)], true).await?;
            Ok(Stored::Now)
        }
        _ => Ok(Stored::Overtaken),
    }
}

type Quick<'a> = (i64, Reported, &'a Advance);

async fn advance_all(change: &mut Conn, all: &[Quick<'_>]) -> Kept<()> {
    let mut update = QueryBuilder::<Db>::new(
        "WITH new (no, seq, report, scanned_at, received_at, looked_at, inventory, standing, fork_at, fork_base, fork_tip) AS (",
    );
    update.push_values(all, |mut row, (host, reported, advance)| {
        row.push_bind(*host)
            .push_bind(int(reported.seq))
            .push_bind(reported.report.0.to_vec())
            .push_bind(reported.scanned_at.unix())
            .push_bind(reported.received_at.unix())
            .push_bind(reported.looked_at.unix())
            .push_bind(advance.inventory.0.to_vec())
            .push_bind(advance.standing.word())
            .push_bind(advance.fork.map(|fork| fork.at.unix()))
            .push_bind(advance.fork.map(|fork| int(fork.base)))
            .push_bind(advance.fork.map(|fork| int(fork.tip)));
    });
    update.push(
        ") UPDATE host SET seq = new.seq, report = new.report, scanned_at = new.scanned_at, \
         received_at = new.received_at, looked_at = new.looked_at, inventory = new.inventory, standing = new.standing, fork_at = new.fork_at, \
         fork_base = new.fork_base, fork_tip = new.fork_tip FROM new WHERE host.no = new.no",
    );
    update
        .build()
        .persistent(PREPARED && all.len() == 1)
        .execute(change)
        .await
        .map_err(failed("keeping reports"))?;
    Ok(())
}

async fn report_all(change: &mut Conn, all: &[Quick<'_>]) -> Kept<()> {
    let reports: Vec<_> = all.iter().map(|(host, reported, _)| (*host, *reported)).collect();
    insert_reports(change, &reports, false).await
}

async fn insert_reports(change: &mut Conn, reports: &[(i64, Reported)], late: bool) -> Kept<()> {
    let mut insert = QueryBuilder::<Db>::new(
        "INSERT INTO report (host, seq, id, scanned_at, received_at, verdict, late) ",
    );
    insert.push_values(reports, |mut row, (host, reported)| {
        row.push_bind(*host)
            .push_bind(int(reported.seq))
            .push_bind(reported.report.0.to_vec())
            .push_bind(reported.scanned_at.unix())
            .push_bind(reported.received_at.unix())
            .push_bind(reported.verdict.word())
            .push_bind(late);
    });
    insert
        .build()
        .persistent(PREPARED && reports.len() == 1)
        .execute(change)
        .await
        .map_err(failed("listing reports"))?;
    Ok(())
}
