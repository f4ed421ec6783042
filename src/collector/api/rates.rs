//! How often who may ask: a bucket of turns for each, which fills itself again.
//!
//! Called by the layers of `api`. Bounded in memory, however many ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Buckets at most; full ones are forgotten first.
const MOST: usize = 200_000;

/// A rate: so many at once, and so many a minute in the long run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::collector) struct Rate {
    pub(in crate::collector) at_once: u32,
    pub(in crate::collector) a_minute: u32,
}

struct Bucket {
    left: f64,
    at: Instant,
}

/// The buckets of all who ask, by who they are.
pub(in crate::collector) struct Rates<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash> Rates<K> {
    pub(in crate::collector) fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes a turn, or says in how many seconds there is one.
    pub(in crate::collector) fn take(&self, who: K, now: Instant) -> Result<(), u64> {
        let (most, a_second) = (f64::from(self.rate.at_once), f64::from(self.rate.a_minute) / 60.0);
        let filled = |bucket: &Bucket| {
            (bucket.left + now.saturating_duration_since(bucket.at).as_secs_f64() * a_second).min(most)
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST {
            buckets.retain(|_, bucket| filled(bucket) < most);
            if buckets.len() >= MOST {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(who).or_insert(Bucket { left: most, at: now });
        bucket.left = filled(bucket);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let seconds = ((1.0 - bucket.left) / a_second.max(1e-6)).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 3600")]
        Err(seconds.clamp(1.0, 3600.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again_for_each_alone() {
        let rates = Rates::new(Rate { at_once: 3, a_minute: 60 });
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(rates.take("a", start), Ok(()));
        }
        assert_eq!(rates.take("a", start), Err(1));
        assert_eq!(rates.take("b", start), Ok(()));
        assert_eq!(rates.take("a", start + Duration::from_secs(1)), Ok(()));
        assert!(rates.take("a", start + Duration::from_secs(1)).is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let rates = Rates::new(Rate { at_once: 2, a_minute: 1 });
        let now = Instant::now();
        for who in 0..MOST + 10 {
            rates.take(who, now).unwrap();
        }
        assert!(rates.buckets.lock().unwrap().len() <= MOST);
    }
}
