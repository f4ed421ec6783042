//! What happens by time alone: hosts fall silent, exceptions come to their end.
//!
//! Run by `serve` as a task of its own. What it notices it notes in the store as events, once.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Date, Stamp};
use crate::ruleset::Answer;

use super::clock;
use super::court::Court;
use super::events::{ExceptionTold, Happening};
use super::store::{Day, Excepted, Kept, Store};

/// How often it is looked.
const LOOK: Duration = Duration::from_mins(5);
/// Days before its end on which an exception is told of.
const SOON: i64 = 14;

/// Looks, for as long as the collector runs. A host that was not looked at for so many seconds is stale.
pub(super) async fn watch(store: Arc<dyn Store>, court: Arc<Court>, silent_after: i64) {
    loop {
        let now = clock::now();
        match look(store.as_ref(), &court, silent_after, now).await {
            Ok(0) => {}
            Ok(hosts) => tracing::warn!(hosts, "hosts are not looked at any more"),
            Err(error) => tracing::error!(%error, "it cannot be seen what time has brought"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Notes what time has brought; how many hosts have become stale.
async fn look(store: &dyn Store, court: &Court, silent_after: i64, now: Stamp) -> Kept<u64> {
    let mut ending = granted(store, now).await?;
    ending.extend(written(court, Date::of(now)));
    store.add_events(&ending, now).await?;
    let stale_before = Stamp::from_unix(now.unix() - silent_after);
    store.note_day(&Day { day: Date::of(now), counts: store.counts(stale_before).await? }).await?;
    match stale_before {
        Some(before) => store.stale_hosts(before, now).await,
        None => Ok(0),
    }
}

/// Exceptions that were granted here.
async fn granted(store: &dyn Store, now: Stamp) -> Kept<Vec<Happening>> {
    let rows = store.exceptions().await?;
    let ending =
        rows.into_iter().filter(|row| row.withdrawn_at.is_none() && soon(row.expires, Date::of(now)));
    let told = ending.map(|row| {
        let kind = match row.excepted {
            Excepted::Finding { .. } => "waiver",
            Excepted::Gap { .. } => "accepted gap",
        };
        Happening::ExceptionExpires(ExceptionTold {
            exception: format!("{kind} {}", row.number),
            owner: row.owner,
            reason: row.reason,
            expires: row.expires,
        })
    });
    Ok(told.collect())
}

/// Exceptions that stand in the rules of the fleet.
fn written(court: &Court, today: Date) -> Vec<Happening> {
    let judging = court.judging();
    let ruleset = judging.law().ruleset();
    let waivers = ruleset.waivers().iter().map(|one| (format!("waiver of {}", one.prohibition), &one.answer));
    let gaps =
        ruleset.accepted_gaps().iter().map(|one| (format!("accepted gap of {}", one.source), &one.answer));
    let ending = waivers.chain(gaps).filter(|(_, answer)| soon(answer.expires, today));
    ending.map(|(exception, answer)| told(exception, answer)).collect()
}

fn told(exception: String, answer: &Answer) -> Happening {
    Happening::ExceptionExpires(ExceptionTold {
        exception,
        owner: answer.approver.clone(),
        reason: answer.reason.clone(),
        expires: answer.expires,
    })
}

fn soon(expires: Date, today: Date) -> bool {
    (0..=SOON).contains(&expires.days_since(today))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_weeks_before_the_end() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let end = day("2026-12-31");
        assert!(soon(end, day("2026-12-17")) && soon(end, end));
        assert!(!soon(end, day("2026-12-16")) && !soon(end, day("2027-01-01")));
    }
}
