//! The reports of a host one after the other, and what came and went with them.
//!
//! Called by the store, and by `change` and `upkeep` inside of their transactions. Items are told by their numbers: what one was
//! may be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::QueryBuilder;

use crate::model::{Id, Item};

use crate::collector::store::codec::{read_json, read_numbers, write_numbers};
use crate::collector::store::{Compared, Kept, ReportChange, ReportRow, Reported};

use super::super::{Conn, Db, PREPARED, Row};
use super::change::bind_all;
use super::row::{CHUNK, Columns, damaged, failed, int, query, unreadable};

/// Notes what came and went with a report.
pub(super) async fn note(
    change: &mut Conn,
    host: i64,
    reported: Reported,
    [came, went]: &Changed,
) -> Kept<()> {
    if came.is_empty() && went.is_empty() {
        return Ok(());
    }
    query("INSERT INTO report_change (host, seq, came, went) VALUES ($1, $2, $3, $4)")
        .bind(host)
        .bind(int(reported.seq))
        .bind(write_numbers(came))
        .bind(write_numbers(went))
        .execute(change)
        .await
        .map_err(failed("noting what a report has changed"))?;
    Ok(())
}

/// Reports of a host, the last ones first.
pub(super) async fn reports(read: &mut Conn, host: Id, limit: u32) -> Kept<Vec<ReportRow>> {
    let rows = query(
        "SELECT seq, id, scanned_at, received_at, verdict, late FROM report \
         WHERE host = (SELECT no FROM host WHERE id = $1) ORDER BY seq DESC LIMIT $2",
    )
    .bind(&host.0[..])
    .bind(i64::from(limit))
    .fetch_all(read)
    .await
    .map_err(failed("listing reports of a host"))?;
    rows.iter().map(|row| report(row, host)).collect()
}

fn report(row: &Row, host: Id) -> Kept<ReportRow> {
    let columns = Columns(row);
    let verdict = columns.verdict("verdict")?;
    Ok(ReportRow {
        seq: columns.count("seq")?,
        report: columns.id("id")?,
        scanned_at: columns.stamp("scanned_at")?,
        received_at: columns.stamp("received_at")?,
        verdict: verdict.ok_or_else(|| damaged("a report of a host", host, "it has no verdict"))?,
        late: columns.flag("late")?,
    })
}

/// What differs between two reports: all that came and went after the one and up to the other, taken together.
pub(super) async fn compare(read: &mut Conn, host: Id, from: u64, to: u64) -> Kept<Option<Compared>> {
    let rows = query(
        "SELECT seq, id, scanned_at, received_at, verdict, late FROM report \
         WHERE host = (SELECT no FROM host WHERE id = $1) AND seq IN ($2, $3) ORDER BY seq",
    )
    .bind(&host.0[..])
    .bind(int(from))
    .bind(int(to))
    .fetch_all(&mut *read)
    .await
    .map_err(failed("comparing reports"))?;
    let [from, to] = &rows[..] else { return Ok(None) };
    let (from, to) = (report(from, host)?, report(to, host)?);
    // What came and went again, or went and came again, differs in nothing.
    let mut net = BTreeMap::<i64, i64>::new();
    for (_, numbers) in changed(&mut *read, host, (from.seq, to.seq)).await? {
        for (items, by) in numbers.into_iter().zip([1, -1]) {
            for item in items {
                *net.entry(item).or_default() += by;
            }
        }
    }
    let of = |want: i64| net.iter().filter(move |(_, by)| **by == want).map(|(number, _)| *number);
    let numbers = [of(1).collect(), of(-1).collect()];
    let known = items(read, &numbers).await?;
    let (came, went, forgotten) = told(&known, &numbers);
    Ok(Some(Compared { from, to, came, went, forgotten }))
}

/// All that reports of a host have changed.
pub(super) async fn changes(read: &mut Conn, host: Id) -> Kept<Vec<ReportChange>> {
    let changed = changed(&mut *read, host, (0, u64::MAX)).await?;
    let known = items(read, changed.iter().flat_map(|(_, numbers)| numbers)).await?;
    let one = |(seq, numbers): &(u64, Changed)| {
        let (came, went, forgotten) = told(&known, numbers);
        ReportChange { seq: *seq, came, went, forgotten }
    };
    Ok(changed.iter().map(one).collect())
}

/// What came, and what went.
type Changed = [BTreeSet<i64>; 2];

/// What reports have changed, of those after a number and up to another.
async fn changed(read: &mut Conn, host: Id, (from, to): (u64, u64)) -> Kept<Vec<(u64, Changed)>> {
    let rows = query(
        "SELECT seq, came, went FROM report_change WHERE host = (SELECT no FROM host WHERE id = $1) \
         AND seq > $2 AND seq <= $3 ORDER BY seq",
    )
    .bind(&host.0[..])
    .bind(int(from))
    .bind(int(to))
    .fetch_all(read)
    .await
    .map_err(failed("looking for what reports have changed"))?;
    let one = |columns: Columns<'_>| {
        let read = |column| {
            read_numbers(&columns.blob(column)?).map_err(unreadable("what a report has changed", host))
        };
        Ok((columns.count("seq")?, [read("came")?, read("went")?]))
    };
    rows.iter().map(|row| one(Columns(row))).collect()
}

/// Items by name; and how many are not known any more.
fn told(known: &BTreeMap<i64, Item>, numbers: &Changed) -> (Vec<Item>, Vec<Item>, u64) {
    let [came, went] = numbers.each_ref().map(|numbers| {
        let mut items: Vec<Item> = numbers.iter().filter_map(|number| known.get(number)).cloned().collect();
        items.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        items
    });
    let all: usize = numbers.iter().map(BTreeSet::len).sum();
    let forgotten = (all - came.len() - went.len()) as u64;
    (came, went, forgotten)
}

async fn items(
    read: &mut Conn,
    numbers: impl IntoIterator<Item = &BTreeSet<i64>>,
) -> Kept<BTreeMap<i64, Item>> {
    let numbers: BTreeSet<i64> = numbers.into_iter().flatten().copied().collect();
    let numbers: Vec<i64> = numbers.into_iter().collect();
    let mut items = BTreeMap::new();
    for some in numbers.chunks(CHUNK) {
        let mut ask = QueryBuilder::<Db>::new("SELECT no, body FROM item WHERE no IN (");
        bind_all(&mut ask, some);
        ask.push(")");
        let rows = ask.build().persistent(PREPARED).fetch_all(&mut *read).await;
        for row in &rows.map_err(failed("looking for items"))? {
            let number = Columns(row).int("no")?;
            items.insert(
                number,
                read_json(&Columns(row).blob("body")?).map_err(unreadable("an item", number))?,
            );
        }
    }
    Ok(items)
}
