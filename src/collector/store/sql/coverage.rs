//! What sources could not see, over all hosts: kept as words beside each source, so that a fleet is asked by an index.
//!
//! Called by the store.

use sqlx::QueryBuilder;

use crate::model::{SourceReport, Status};

use crate::collector::store::{Kept, Page, Standing, UnseenAsk, UnseenCount, UnseenRow};

use super::super::{Conn, Db, PREPARED, UNSEEN_COUNTS};
use super::hosts::page;
use super::memory::Memory;
use super::read::raw_source;
use super::row::{Columns, damaged, failed, query, text};
use super::shapes::{Shapes, shapes};

/// What could hide something that counts ends so.
const BLOCKING: char = '!';

/// The words of a source; none: it saw all there is.
pub(super) fn words(report: &SourceReport) -> Option<String> {
    if report.gaps.is_empty() && matches!(report.status, Status::Complete | Status::NotApplicable) {
        return None;
    }
    let mut words = format!(" {} ", report.status.word());
    let mut gaps: Vec<_> = report.gaps.iter().map(|gap| (gap.reason.word(), gap.blocking)).collect();
    gaps.sort_unstable();
    gaps.dedup();
    for (reason, blocking) in gaps {
        words.push_str(reason);
        words.extend(blocking.then_some(BLOCKING));
        words.push(' ');
    }
    Some(words)
}

pub(super) async fn unseen(read: &mut Conn, memory: &Memory, asked: &UnseenAsk) -> Kept<Page<UnseenRow>> {
    let mut ask = QueryBuilder::<Db>::new(
        "SELECT host.no, host.id, host.name, host.scanned_at, host_set.source, state, ended, digest, NULL AS entries, whole_at, \
         part, NULL AS whole, shape.id AS shape \
         FROM host_set JOIN host ON host.no = host_set.host JOIN shape ON shape.no = host_set.shape \
         WHERE unseen IS NOT NULL AND host.standing <> ",
    );
    ask.push_bind(Standing::Retired.word());
    if let Some(after) = &asked.after {
        ask.push(" AND (host_set.source, host_set.host) > (").push_bind(text(&after.source).into_owned());
        ask.push(", ").push_bind(after.host).push(")");
    }
    if let Some(source) = &asked.source {
        ask.push(" AND host_set.source = ").push_bind(text(source).into_owned());
    }
    if let Some(status) = asked.status {
        ask.push(" AND unseen LIKE ").push_bind(format!(" {} %", status.word()));
    }
    if let Some(reason) = asked.reason {
        let word = reason.word();
        ask.push(" AND (unseen LIKE ").push_bind(format!("% {word} %"));
        ask.push(" OR unseen LIKE ").push_bind(format!("% {word}{BLOCKING} %")).push(")");
    }
    if let Some(blocking) = asked.blocking {
        ask.push(if blocking { " AND unseen LIKE " } else { " AND unseen NOT LIKE " });
        ask.push_bind(format!("%{BLOCKING} %"));
    }
    ask.push(" ORDER BY host_set.source, host_set.host LIMIT ").push_bind(i64::from(asked.limit) + 1);
    let failed = failed("listing what was not seen");
    let found = ask.build().persistent(PREPARED).fetch_all(&mut *read).await.map_err(failed)?;
    let shown = page(&found, asked.limit);
    let shapes = shapes(&mut *read, memory, shown).await?;
    let rows = shown.iter().map(|row| unseen_row(&Columns(row), &shapes));
    Ok(Page { rows: rows.collect::<Kept<_>>()?, more: found.len() > asked.limit as usize })
}

fn unseen_row(columns: &Columns<'_>, shapes: &Shapes) -> Kept<UnseenRow> {
    let source = raw_source(columns, shapes)?;
    let scanned_at = columns.stamp("scanned_at")?;
    let as_of = match (&source.whole, source.digest) {
        (Some((at, _)), _) if !source.part => Some(*at),
        (None, Some(_)) => Some(scanned_at),
        _ => None,
    };
    Ok(UnseenRow {
        host: columns.id("id")?,
        host_name: columns.maybe_text("name")?,
        number: columns.int("no")?,
        source: source.report.source.into_owned(),
        status: source.report.status,
        reason: source.report.reason,
        gaps: source.report.gaps,
        scanned_at,
        as_of,
    })
}

pub(super) async fn counts(read: &mut Conn) -> Kept<Vec<UnseenCount>> {
    let rows = query(UNSEEN_COUNTS).fetch_all(read).await.map_err(failed("counting what was not seen"))?;
    let one = |columns: Columns<'_>| {
        let (source, unseen) = (columns.text("source")?, columns.text("unseen")?);
        let mut words = unseen.split_whitespace();
        let status = words.next().ok_or_else(|| damaged("what was not seen", &source, "it has no words"))?;
        Ok(UnseenCount {
            status: status.to_owned(),
            reasons: words.map(|word| word.trim_end_matches(BLOCKING).to_owned()).collect(),
            blocking: unseen.contains(BLOCKING),
            hosts: columns.count("hosts")?,
            source,
        })
    };
    rows.iter().map(|row| one(Columns(row))).collect()
}
