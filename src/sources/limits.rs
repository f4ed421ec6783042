//! How long a look may take, and how much memory the scanner may hold for it; whoever reads asks whether either is over.
//!
//! Made by `run`, which also watches the memory, asked through the haul of each source. Must not know what is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::host::memory_held;
use crate::model::GapReason;

/// How often it is looked how much is held: reading brings some ten megabytes in this time at most, and to look takes less
/// than a thousandth of it.
const PAUSE: Duration = Duration::from_millis(20);

/// What a look may take. Copies are of one look.
#[derive(Debug, Clone)]
pub struct Limits {
    deadline: Instant,
    /// Bytes that the scanner may hold.
    memory: Option<u64>,
    /// What it held before anything was read.
    base: u64,
    /// Whether it holds so many that reading has to end.
    full: Arc<AtomicBool>,
}

impl From<Instant> for Limits {
    fn from(deadline: Instant) -> Self {
        Self::new(deadline, None)
    }
}

impl Limits {
    /// A moment, and bytes where there is a ceiling.
    pub(super) fn new(deadline: Instant, memory: Option<u64>) -> Self {
        let base = memory.and_then(|_| memory_held()).unwrap_or_default();
        Self { deadline, memory, base, full: Arc::default() }
    }

    /// The moment.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether no more is to be held.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Whether either is over.
    pub(super) fn are_over(&self) -> bool {
        self.is_full() || Instant::now() >= self.deadline
    }

    /// Which of them is over, in words.
    pub(super) fn over(&self) -> Option<(GapReason, String)> {
        if self.is_full() {
            let ceiling = self.memory.unwrap_or_default() >> 20;
            let words = format!("the memory for this scan ({ceiling} MiB) was used up");
            Some((GapReason::Memory, words))
        } else {
            let late = Instant::now() >= self.deadline;
            late.then(|| (GapReason::Budget, "the time for this scan ran out".to_owned()))
        }
    }

    /// What there was none of, where something was not looked at.
    pub(super) fn lack(&self) -> &'static str {
        if self.is_full() { "no memory was left" } else { "no time was left" }
    }
}

/// Looks now and then how much is held.
pub(super) struct Watch<'l> {
    limits: &'l Limits,
    next: Instant,
}

impl<'l> Watch<'l> {
    /// Begins to watch.
    pub(super) fn new(limits: &'l Limits) -> Self {
        let mut watch = Self { limits, next: Instant::now() };
        watch.fills();
        watch
    }

    /// When to look again, at the latest by some other moment.
    pub(super) fn until(&self, other: Instant) -> Instant {
        if self.limits.memory.is_some() && !self.limits.is_full() { other.min(self.next) } else { other }
    }

    /// Whether there is just now so much that reading has to end.
    pub(super) fn fills(&mut self) -> bool {
        let now = Instant::now();
        let Some(ceiling) = self.limits.memory.filter(|_| !self.limits.is_full() && now >= self.next) else {
            return false;
        };
        self.next = now + PAUSE;
        let full = memory_held().is_some_and(|held| is_enough(held, self.limits.base, ceiling));
        if full {
            self.limits.full.store(true, Ordering::Relaxed);
        }
        full
    }
}

/// Whether reading has to end so that the ceiling holds. What was read is put together after it, which takes as much twice
/// again: traces are there until all the items are, a copy of them too where owners may have to be asked.
fn is_enough(held: u64, base: u64, ceiling: u64) -> bool {
    held.saturating_add(held.saturating_sub(base).saturating_mul(2)) >= ceiling
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ends_while_there_is_room_to_tell_of_it() {
        let mib = |n: u64| n << 20;
        assert!(!is_enough(mib(20), mib(20), mib(64)));
        assert!(!is_enough(mib(34), mib(20), mib(64)));
        assert!(is_enough(mib(35), mib(20), mib(64)));
        assert!(is_enough(mib(20), mib(20), mib(8)), "what was held before counts too");
        assert!(is_enough(u64::MAX, 0, mib(8)));
    }

    #[test]
    fn memory_and_time_are_told_apart() {
        let later = Instant::now() + Duration::from_mins(1);
        let free = Limits::new(later, None);
        assert!(!Watch::new(&free).fills() && !free.are_over() && free.over().is_none());
        let late = Limits::from(Instant::now());
        assert_eq!(late.over().unwrap().0, GapReason::Budget);
        let full = Limits::new(later, Some(1 << 20));
        let copy = full.clone();
        let watch = Watch::new(&full);
        assert!(copy.is_full() && copy.are_over(), "no process is that small");
        assert_eq!(watch.until(later), later);
        let (reason, words) = copy.over().unwrap();
        assert_eq!(
            (reason, words.as_str()),
            (GapReason::Memory, "the memory for this scan (1 MiB) was used up")
        );
    }
}
