//! What led scans, which is the same for all hosts of a family under the same rules and policies: kept once, by the id of its
//! text.
//!
//! Called by `read` and `change`.

use std::sync::Arc;

use crate::model::Id;
use crate::ruleset::Sought;

use crate::collector::store::Kept;
use crate::collector::store::codec::{pack, unpack};

use super::super::Conn;
use super::memory::Memory;
use super::row::{Columns, damaged, failed, query, unreadable};

/// What led scans, by its id.
pub(super) async fn sought(read: &mut Conn, memory: &Memory, id: Id) -> Kept<Option<Arc<Sought>>> {
    if let Some(known) = memory.sought.get(&id) {
        return Ok(Some(known));
    }
    let row = query("SELECT body FROM sought WHERE id = $1").bind(&id.0[..]).fetch_optional(read).await;
    let Some(row) = row.map_err(failed("reading what led a scan"))? else { return Ok(None) };
    let text = unpack(&Columns(&row).blob("body")?).map_err(unreadable("what led a scan", id))?;
    let read = Sought::read(&String::from_utf8_lossy(&text));
    let sought = Arc::new(read.map_err(|why| damaged("what led a scan", id, why))?);
    if sought.id() != id {
        return Err(damaged("what led a scan", id, "it is another's"));
    }
    memory.sought.insert(id, Arc::clone(&sought));
    Ok(Some(sought))
}

/// Keeps what led a scan, where it is not kept.
pub(super) async fn keep(change: &mut Conn, sought: &Sought) -> Kept<()> {
    let id = sought.id();
    let there =
        query("SELECT 1 FROM sought WHERE id = $1").bind(&id.0[..]).fetch_optional(&mut *change).await;
    if there.map_err(failed("looking for what led a scan"))?.is_some() {
        return Ok(());
    }
    query("INSERT INTO sought (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
        .bind(&id.0[..])
        .bind(pack(sought.text().as_bytes()))
        .execute(change)
        .await
        .map_err(failed("keeping what led a scan"))?;
    Ok(())
}
