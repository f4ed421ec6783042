//! The figures of the whole.
//!
//! Called by the store. Hosts that stand alike are counted by the database, those not looked at for long are gone through.

use sqlx::QueryBuilder;

use crate::model::{Stamp, Verdict};

use crate::collector::store::{Counts, Kept, Standing};

use super::super::{BYTES, Conn, Db, HOST_GROUPS, LISTED, NAMES_OF_SEVERAL, PREPARED, Row};
use super::row::{Columns, failed, query};

/// How hosts stand that stand alike.
#[derive(PartialEq, Eq)]
struct Group {
    standing: Standing,
    verdict: Option<Verdict>,
    listed: bool,
    seen: bool,
}

pub(super) async fn counts(read: &mut Conn, stale_before: Option<Stamp>) -> Kept<Counts> {
    let mut counts = Counts::default();
    of_hosts(&mut *read, stale_before, &mut counts).await?;
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT COUNT(*) FILTER (WHERE state = 'open') AS open, \
         COUNT(*) FILTER (WHERE state = 'not-re-verified') AS not_re_verified, \
         (SELECT COUNT(*) FROM item) AS items, (SELECT COUNT(*) FROM expected) AS expected, (",
    );
    ask.push(BYTES).push(") AS bytes FROM finding WHERE state <> 'closed'");
    let row = ask.build().persistent(PREPARED).fetch_one(&mut *read).await;
    let row = row.map_err(failed("counting findings"))?;
    let columns = Columns(&row);
    counts.findings_open = columns.count("open")?;
    counts.findings_not_re_verified = columns.count("not_re_verified")?;
    counts.items = columns.count("items")?;
    counts.bytes = columns.count("bytes")?;
    counts.expected = columns.count("expected")?;
    if counts.expected == 0 {
        counts.unexpected = 0;
        return Ok(counts);
    }
    of_several(read, stale_before, &mut counts).await?;
    let known = counts.expected_compliant + counts.expected_non_compliant + counts.expected_inconclusive;
    counts.expected_unknown = counts.expected.saturating_sub(known);
    Ok(counts)
}

/// Of all that stand alike those are taken off that are stale.
async fn of_hosts(read: &mut Conn, stale_before: Option<Stamp>, counts: &mut Counts) -> Kept<()> {
    let failed = failed("counting hosts");
    let rows = query(HOST_GROUPS).fetch_all(&mut *read).await.map_err(failed)?;
    let mut groups = rows.iter().map(group).collect::<Kept<Vec<_>>>()?;
    if let Some(before) = stale_before {
        let mut ask = QueryBuilder::<Db>::new("SELECT standing, COALESCE(verdict, '') AS verdict, ");
        ask.push(LISTED)
            .push(" AS listed, looked_at IS NOT NULL AS seen, COUNT(*) AS hosts FROM host WHERE ");
        ask.push("COALESCE(looked_at, enrolled_at) < ").push_bind(before.unix()).push(" GROUP BY 1, 2, 3, 4");
        let rows = ask.build().persistent(PREPARED).fetch_all(read).await.map_err(failed)?;
        for row in &rows {
            let (stale, hosts) = group(row)?;
            if let Some((_, fresh)) = groups.iter_mut().find(|(group, _)| *group == stale) {
                *fresh = fresh.saturating_sub(hosts);
            }
            counts.stale += if stale.standing == Standing::Retired { 0 } else { hosts };
            add(counts, &stale, hosts, None);
        }
    }
    for (group, hosts) in &groups {
        add(counts, group, *hosts, group.standing.shows(group.verdict).filter(|_| group.seen));
    }
    Ok(())
}

fn group(row: &Row) -> Kept<(Group, u64)> {
    let columns = Columns(row);
    let group = Group {
        standing: columns.standing("standing")?,
        verdict: columns.verdict("verdict")?,
        listed: columns.flag("listed")?,
        seen: columns.flag("seen")?,
    };
    Ok((group, columns.count("hosts")?))
}

/// Counts hosts that are shown so.
fn add(counts: &mut Counts, group: &Group, hosts: u64, shown: Option<Verdict>) {
    if group.standing == Standing::Retired {
        return;
    }
    counts.hosts += hosts;
    counts.split += if group.standing == Standing::Split { hosts } else { 0 };
    counts.unexpected += if group.listed { 0 } else { hosts };
    *match shown {
        Some(Verdict::Compliant) => &mut counts.compliant,
        Some(Verdict::NonCompliant) => &mut counts.non_compliant,
        Some(Verdict::Inconclusive) => &mut counts.inconclusive,
        None => &mut counts.unknown,
    } += hosts;
    if group.listed && group.seen {
        counts.expected_seen += hosts;
        if let Some(figure) = of_expected(counts, shown) {
            *figure += hosts;
        }
    }
}

fn of_expected(counts: &mut Counts, shown: Option<Verdict>) -> Option<&mut u64> {
    Some(match shown? {
        Verdict::Compliant => &mut counts.expected_compliant,
        Verdict::NonCompliant => &mut counts.expected_non_compliant,
        Verdict::Inconclusive => &mut counts.expected_inconclusive,
    })
}

/// Of several hosts of one name that there ought to be, the one counts that was heard of last, as in their list.
async fn of_several(read: &mut Conn, stale_before: Option<Stamp>, counts: &mut Counts) -> Kept<()> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT folded, standing, COALESCE(verdict, '') AS verdict, looked_at FROM host WHERE folded IN (",
    );
    ask.push(NAMES_OF_SEVERAL).push(") AND standing <> 'retired' AND seq > 0 AND ").push(LISTED);
    ask.push(" ORDER BY folded, received_at DESC, no DESC");
    let rows = ask.build().persistent(PREPARED).fetch_all(read).await;
    let mut last = None;
    for row in &rows.map_err(failed("counting the hosts that there ought to be"))? {
        let columns = Columns(row);
        let (name, looked_at) = (columns.text("folded")?, columns.maybe_stamp("looked_at")?);
        if last.as_ref() != Some(&name) {
            last = Some(name);
            continue;
        }
        counts.expected_seen = counts.expected_seen.saturating_sub(1);
        let fresh = looked_at.zip(stale_before).is_none_or(|(looked, before)| looked >= before);
        let shown = columns.standing("standing")?.shows(columns.verdict("verdict")?).filter(|_| fresh);
        if let Some(figure) = of_expected(counts, shown) {
            *figure = figure.saturating_sub(1);
        }
    }
    Ok(())
}
