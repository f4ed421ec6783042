//! What sources say of themselves, which is the same on most hosts: kept once, by the digest of its text.
//!
//! Called by `read`, `coverage` and `change`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sqlx::QueryBuilder;

use crate::model::{Id, SourceReport};

use crate::collector::store::Kept;
use crate::collector::store::codec::{pack, read_json};

use super::super::{Conn, Db, PREPARED, Row};
use super::change::{Numbers, numbers_of};
use super::memory::Memory;
use super::row::{CHUNK, Columns, failed, unreadable};

/// By their digests.
pub(super) type Shapes = HashMap<Id, Arc<SourceReport>>;

/// Those that rows name in the column `shape`.
pub(super) async fn shapes(read: &mut Conn, memory: &Memory, rows: &[Row]) -> Kept<Shapes> {
    let mut found = Shapes::new();
    let mut missing = Vec::new();
    for row in rows {
        let id = Columns(row).id("shape")?;
        match memory.shapes.get(&id) {
            Some(shape) => _ = found.insert(id, shape),
            None => missing.push(id),
        }
    }
    missing.sort_unstable();
    missing.dedup();
    for ids in missing.chunks(CHUNK) {
        let mut ask = QueryBuilder::<Db>::new("SELECT id, body FROM shape WHERE id IN (");
        let mut bound = ask.separated(", ");
        for id in ids {
            bound.push_bind(id.0.to_vec());
        }
        ask.push(")");
        let rows = ask.build().persistent(PREPARED).fetch_all(&mut *read).await;
        for row in rows.map_err(failed("reading what sources say of themselves"))? {
            let columns = Columns(&row);
            let id = columns.id("id")?;
            let shape =
                read_json(&columns.blob("body")?).map_err(unreadable("a source's description", id))?;
            let shape = Arc::new(shape);
            memory.shapes.insert(id, Arc::clone(&shape));
            found.insert(id, shape);
        }
    }
    Ok(found)
}

/// The digest of such a text.
pub(super) fn shape_id(text: &[u8]) -> Id {
    Id::of(&Sha256::digest(text))
}

/// The numbers of texts by their digests; what is new is given one.
pub(super) async fn keep(change: &mut Conn, mut texts: BTreeMap<Id, &[u8]>) -> Kept<Numbers> {
    if texts.is_empty() {
        return Ok(Numbers::new());
    }
    let mut numbers = numbers_of(&mut *change, "shape", texts.keys().map(|id| id.0)).await?;
    texts.retain(|id, _| !numbers.contains_key(id));
    if texts.is_empty() {
        return Ok(numbers);
    }
    let mut insert = QueryBuilder::<Db>::new("INSERT INTO shape (id, body) ");
    insert.push_values(&texts, |mut row, (id, text)| {
        row.push_bind(id.0.to_vec()).push_bind(pack(text));
    });
    insert.push(" ON CONFLICT (id) DO NOTHING");
    let done = insert.build().persistent(false).execute(&mut *change).await;
    done.map_err(failed("keeping a source's description"))?;
    numbers.extend(numbers_of(change, "shape", texts.keys().map(|id| id.0)).await?);
    Ok(numbers)
}
