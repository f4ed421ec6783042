//! All that is kept of one host, for whoever asks what is known of their computer, or moves it elsewhere.
//!
//! Called by `upkeep`. Must not know how it is stored, nor what becomes of the text.

use serde::Serialize;

use crate::model::{Id, InventoryItem, Stamp};

use super::store::{
    EventRow, EventsAsk, FindingRow, FindingState, FindingsAsk, HostDetail, Kept, Page, ReportChange,
    ReportRow, Store,
};
use super::{clock, judging};

/// Rows that are read at a time.
const PAGE: u32 = 1_000;

/// The document.
#[derive(Serialize)]
pub(super) struct Export {
    /// When it was written.
    exported_at: Stamp,
    host: HostDetail,
    /// Those that are closed, too.
    findings: Vec<FindingRow>,
    /// What it holds, as its last report tells.
    inventory: Vec<InventoryItem>,
    /// What was noticed of it.
    events: Vec<EventRow>,
    /// Its reports, the last ones first, and what they have changed of what it holds.
    reports: Vec<ReportRow>,
    changes: Vec<ReportChange>,
}

/// All of a host; none: there is no such host.
pub(super) async fn host(store: &dyn Store, id: Id) -> Kept<Option<Export>> {
    let Some(host) = store.host(id, None).await? else { return Ok(None) };
    let mut findings = Vec::new();
    for state in [FindingState::Open, FindingState::NotReVerified, FindingState::Closed] {
        let ask = FindingsAsk { limit: PAGE, host: Some(id), state: Some(state), ..FindingsAsk::default() };
        let page = async |after| store.findings(&FindingsAsk { after, ..ask.clone() }).await;
        findings.extend(all(page, |row| row.number).await?);
    }
    let ask = EventsAsk { limit: PAGE, host: Some(id), ..EventsAsk::default() };
    let page = async |after| store.events(&EventsAsk { after, ..ask.clone() }).await;
    let events = all(page, |row| row.number).await?;
    let held = store.held(id).await?;
    let inventory = held.map(|held| judging::items(&held.holding, &held.seen)).unwrap_or_default();
    let (reports, changes) = (store.reports(id, u32::MAX).await?, store.changes(id).await?);
    Ok(Some(Export { exported_at: clock::now(), host, findings, inventory, events, reports, changes }))
}

/// The rows of all pages.
async fn all<T>(
    page: impl AsyncFn(Option<u64>) -> Kept<Page<T>>,
    number: impl Fn(&T) -> u64,
) -> Kept<Vec<T>> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let Page { rows: some, more } = page(after).await?;
        after = some.last().map(&number);
        rows.extend(some);
        if !more {
            return Ok(rows);
        }
    }
}
