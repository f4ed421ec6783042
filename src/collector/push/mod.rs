//! Tells those who want to know what has happened: each destination its own line, in order, until it has been told.
//!
//! Begun by `serve`, one task per destination. Which events wait, and for whom, the store knows, so that a restart loses none
//! and two collectors on one store do not tell the same twice at once. A receiver may still be told the same twice (its answer
//! was lost): every event has an id by which it sees that.

use std::sync::Arc;
use std::time::Duration;

use crate::model::Stamp;

use super::store::{Destination, Due, Store, StoreError};

pub(super) mod mail;
pub(super) mod webhook;

/// How often it is looked whether something has happened.
const LOOK: Duration = Duration::from_secs(5);
/// How long a destination is left alone that could not be told something, whatever else waits for it.
const PAUSE: Duration = Duration::from_secs(30);
/// Seconds for which who took events has them for himself.
const LEASE: i64 = 300;
/// Waits between tries, as <https://www.standardwebhooks.com> has it: after the last one it is given up.
const WAITS: [i64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Why something could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Untold {
    /// Why. Holds no secret.
    pub(super) why: String,
    /// How long the receiver asks to be left alone.
    pub(super) after: Option<i64>,
    /// Whether the same will not be taken later either.
    pub(super) never: bool,
}

impl Untold {
    /// It may be taken later.
    pub(super) fn now(why: &(impl ToString + ?Sized)) -> Self {
        Self { why: why.to_string(), after: None, never: false }
    }
}

/// A way to tell.
pub(super) trait Channel: Send + Sync + 'static {
    /// At most so many at once.
    const AT_ONCE: u32;
    /// Tells them all, or none. Blocks.
    fn tell(&self, due: &[Due]) -> Result<(), Untold>;
}

/// Tells a destination what happens, for ever.
pub(super) async fn push<C: Channel>(
    store: Arc<dyn Store>,
    destination: Destination,
    channel: Arc<C>,
    now: fn() -> Stamp,
) {
    loop {
        match turn(store.as_ref(), &destination, &channel, now).await {
            Ok(Turn::Told) => {}
            Ok(Turn::Nothing) => tokio::time::sleep(LOOK).await,
            Ok(Turn::Untold) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::error!(destination = destination.name, %error, "events cannot be read");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

enum Turn {
    Nothing,
    Told,
    Untold,
}

/// Tells what is due.
async fn turn<C: Channel>(
    store: &dyn Store,
    destination: &Destination,
    channel: &Arc<C>,
    now: fn() -> Stamp,
) -> Result<Turn, StoreError> {
    let due = store.claim_events(destination, now(), LEASE, C::AT_ONCE).await?;
    if due.is_empty() {
        return Ok(Turn::Nothing);
    }
    let numbers: Vec<u64> = due.iter().map(|one| one.event.number).collect();
    let tries = due.iter().map(|one| one.tries).max().unwrap_or_default();
    let teller = Arc::clone(channel);
    let told = tokio::task::spawn_blocking(move || teller.tell(&due)).await;
    let told = told.unwrap_or_else(|_| Err(Untold::now("the way to tell it failed")));
    let name = &destination.name;
    match told {
        Ok(()) => {
            store.told(name, &numbers).await?;
            Ok(Turn::Told)
        }
        Err(untold) => {
            let next = next(&untold, tries, now());
            if let Some(next) = next {
                tracing::warn!(destination = name, why = untold.why, %next, "not told; it is tried again");
            } else {
                tracing::error!(destination = name, why = untold.why, "not told, and given up");
            }
            store.untold(name, &numbers, next, &untold.why).await?;
            Ok(Turn::Untold)
        }
    }
}

/// When it is tried again; none: never.
fn next(untold: &Untold, tries: u32, now: Stamp) -> Option<Stamp> {
    let wait = WAITS.get(usize::try_from(tries).ok()?).filter(|_| !untold.never)?;
    Stamp::from_unix(now.unix() + untold.after.unwrap_or_default().clamp(*wait, 86_400.max(*wait)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_ten_times_over_three_days() {
        let now = Stamp::epoch();
        let wait = |untold: &Untold, tries| next(untold, tries, now).map(Stamp::unix);
        let later = Untold::now("x");
        assert_eq!(wait(&later, 0), Some(5));
        assert_eq!(wait(&later, 8), Some(86_400));
        assert_eq!(wait(&later, 9), None);
        assert_eq!(wait(&Untold { after: Some(60), ..later.clone() }, 0), Some(60), "it asks for more");
        assert_eq!(wait(&Untold { after: Some(1), ..later.clone() }, 1), Some(300));
        assert_eq!(wait(&Untold { never: true, ..later }, 0), None);
    }
}
