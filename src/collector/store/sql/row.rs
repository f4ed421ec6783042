//! Columns to values: what cannot be is damage, and is told with what it is of.
//!
//! Called by the files beside it.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::query::Query;
use sqlx::{Database, Row as _};

use crate::model::{Id, Stamp, Verdict};
use crate::normalise::fold;

use crate::collector::store::codec::Unreadable;
use crate::collector::store::{FindingState, Kept, Standing, StoreError};

use super::super::{Conn, Db, PREPARED, Row};

/// Ids that one statement asks for.
pub(super) const CHUNK: usize = 500;

/// Begins a question about who has items: `host_item` has hosts by blocks, and each block is looked into by itself.
pub(super) const BLOCKS: &str = "WITH RECURSIVE block (no) AS (SELECT CAST(0 AS BIGINT) UNION ALL \
    SELECT no + 1 FROM block WHERE no < (SELECT COALESCE(MAX(host.no), 0) / 1024 FROM host)) ";
/// Who has `item`, in such a question.
pub(super) const WHO_HAS: &str =
    "FROM block CROSS JOIN host_item WHERE host_item.block = block.no AND host_item.item = item.no";

/// The block of a host.
pub(super) const fn block(host: i64) -> i64 {
    host / 1024
}

/// A statement with nothing bound yet. Every one is made here or by `QueryBuilder::build` with the same `persistent`: behind a
/// pooler nothing may be left in a session.
pub(in super::super) fn query(sql: &'static str) -> Query<'static, Db, <Db as Database>::Arguments> {
    sqlx::query(sql).persistent(PREPARED)
}

/// An error of the database, with what was being done.
pub(in super::super) fn failed(doing: &'static str) -> impl Fn(sqlx::Error) -> StoreError + Copy {
    move |source| StoreError::Database { doing, source: Arc::new(source) }
}

/// Something that is kept and cannot be read back.
#[expect(clippy::needless_pass_by_value, reason = "called with what is made for it")]
pub(super) fn damaged(what: &'static str, of: impl ToString, why: impl ToString) -> StoreError {
    StoreError::Damaged { what, of: of.to_string(), why: why.to_string() }
}

/// The same, of what is packed.
pub(super) fn unreadable(what: &'static str, of: impl ToString) -> impl FnOnce(Unreadable) -> StoreError {
    move |why| damaged(what, of, why)
}

/// Waits until nobody else is in the way, to the end of the transaction; where one writes at a time nobody is.
pub(super) async fn lock(change: &mut Conn, lock: Option<&'static str>) -> Kept<()> {
    if let Some(lock) = lock {
        query(lock).execute(change).await.map_err(failed("waiting for others who write"))?;
    }
    Ok(())
}

/// A number as the database keeps it. Who sends one that is larger is refused before.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Bytes of a text that is searched by its beginning: what an index takes, of every database.
const SEARCHED: usize = 600;

/// A text as a column takes it: `PostgreSQL` knows no letter NUL.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// A text as it is searched: folded, and of a length that an index takes.
pub(super) fn searched(name: &str) -> String {
    let mut folded = text(&fold(name)).into_owned();
    let end = (0..=SEARCHED.min(folded.len())).rev().find(|end| folded.is_char_boundary(*end));
    folded.truncate(end.unwrap_or_default());
    folded
}

/// Reads the columns of a row.
pub(super) struct Columns<'r>(pub(super) &'r Row);

impl Columns<'_> {
    const READING: &'static str = "reading a row";

    pub(super) fn int(&self, column: &str) -> Kept<i64> {
        self.0.try_get(column).map_err(failed(Self::READING))
    }

    pub(super) fn maybe_int(&self, column: &str) -> Kept<Option<i64>> {
        self.0.try_get(column).map_err(failed(Self::READING))
    }

    pub(super) fn count(&self, column: &str) -> Kept<u64> {
        self.int(column).map(|value| u64::try_from(value).unwrap_or_default())
    }

    pub(super) fn maybe_count(&self, column: &str) -> Kept<Option<u64>> {
        Ok(self.maybe_int(column)?.map(|value| u64::try_from(value).unwrap_or_default()))
    }

    pub(super) fn flag(&self, column: &str) -> Kept<bool> {
        self.0.try_get(column).map_err(failed(Self::READING))
    }

    pub(super) fn text(&self, column: &str) -> Kept<String> {
        self.0.try_get(column).map_err(failed(Self::READING))
    }

    pub(super) fn maybe_text(&self, column: &str) -> Kept<Option<String>> {
        self.0.try_get(column).map_err(failed(Self::READING))
    }

    pub(super) fn blob(&self, column: &str) -> Kept<Vec<u8>> {
        self.0.try_get(column).map_err(failed(Self::READING))
    }

    pub(super) fn maybe_blob(&self, column: &str) -> Kept<Option<Vec<u8>>> {
        self.0.try_get(column).map_err(failed(Self::READING))
    }

    pub(super) fn id(&self, column: &str) -> Kept<Id> {
        id(column, &self.blob(column)?)
    }

    pub(super) fn maybe_id(&self, column: &str) -> Kept<Option<Id>> {
        self.maybe_blob(column)?.map(|bytes| id(column, &bytes)).transpose()
    }

    pub(super) fn stamp(&self, column: &str) -> Kept<Stamp> {
        stamp(column, self.int(column)?)
    }

    pub(super) fn maybe_stamp(&self, column: &str) -> Kept<Option<Stamp>> {
        self.maybe_int(column)?.map(|seconds| stamp(column, seconds)).transpose()
    }

    pub(super) fn verdict(&self, column: &str) -> Kept<Option<Verdict>> {
        // Where hosts are counted by it, none is an empty text.
        let Some(text) = self.maybe_text(column)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let all = [Verdict::Compliant, Verdict::Inconclusive, Verdict::NonCompliant];
        word(column, &text, all.into_iter(), Verdict::word).map(Some)
    }

    pub(super) fn tags(&self) -> Kept<Vec<String>> {
        let Some(text) = self.maybe_text("tags")? else { return Ok(Vec::new()) };
        serde_json::from_str(&text).map_err(|why| damaged("tags", &text, why))
    }

    pub(super) fn standing(&self, column: &str) -> Kept<Standing> {
        word(column, &self.text(column)?, Standing::ALL.iter().copied(), Standing::word)
    }

    pub(super) fn finding_state(&self, column: &str) -> Kept<FindingState> {
        word(column, &self.text(column)?, FindingState::ALL.iter().copied(), FindingState::word)
    }
}

fn id(column: &str, bytes: &[u8]) -> Kept<Id> {
    let bytes = bytes.try_into().map_err(|_| damaged("an id", column, "it has not 16 bytes"))?;
    Ok(Id(bytes))
}

fn stamp(column: &str, seconds: i64) -> Kept<Stamp> {
    Stamp::from_unix(seconds).ok_or_else(|| damaged("a moment", column, seconds))
}

/// The value of a word.
pub(super) fn word<T: Copy, W>(
    column: &str,
    text: &str,
    mut all: impl Iterator<Item = T>,
    of: impl Fn(T) -> W,
) -> Kept<T>
where
    W: AsRef<str>,
{
    all.find(|one| of(*one).as_ref() == text).ok_or_else(|| damaged("a word", column, text))
}
