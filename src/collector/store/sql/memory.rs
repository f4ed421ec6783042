//! What many hosts have alike, read once: what sources say of themselves, what led scans, what was seen. Ids are digests and
//! numbers are never given twice, so that what is remembered does not become false; it may be gone from the database, where
//! nobody has it any more.
//!
//! Made by each database for itself, filled and asked by `read`, `looked`, `shapes` and `sought`. Of a bounded size.

use std::fmt;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::model::{Id, Seen, SourceReport};
use crate::ruleset::Sought;

use crate::collector::store::Holding;

/// Descriptions of sources: a few dozen for each version of the endpoint.
const SHAPES: usize = 4_096;
/// What led scans: one for each family, of each set of rules and policies.
const SOUGHT: usize = 256;
/// Manners of looking at a host: where each host has gaps of its own there is nothing that others could use.
const MANNERS: usize = 256;
/// Bytes of what was seen.
const SEEN: u64 = 64 << 20;
/// The same as a number, where each has about a thousand.
const USUAL_SEEN: usize = 64 << 10;
/// Bytes that one takes beside its texts.
const BESIDE: usize = 640;

/// Something that was seen, by the number that the database gave to it.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) id: Id,
    pub(super) seen: Arc<Seen>,
    bytes: u32,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<i64, Remembered> for ByBytes {
    fn weight(&self, _: &i64, one: &Remembered) -> u64 {
        u64::from(one.bytes)
    }
}

/// The memory of one database.
pub(in super::super) struct Memory {
    pub(super) shapes: Cache<Id, Arc<SourceReport>>,
    pub(super) sought: Cache<Id, Arc<Sought>>,
    pub(super) manners: Cache<Id, Arc<Holding>>,
    seen: Cache<i64, Remembered, ByBytes>,
    numbers: Cache<Id, i64>,
}

impl Memory {
    pub(in super::super) fn new() -> Self {
        Self {
            shapes: Cache::new(SHAPES),
            sought: Cache::new(SOUGHT),
            manners: Cache::new(MANNERS),
            seen: Cache::with_weighter(USUAL_SEEN, SEEN, ByBytes),
            numbers: Cache::new(USUAL_SEEN),
        }
    }

    /// What was seen, by its number.
    pub(super) fn by_number(&self, number: i64) -> Option<Remembered> {
        self.seen.get(&number)
    }

    /// What was seen, by its id.
    pub(super) fn by_id(&self, id: Id) -> Option<Arc<Seen>> {
        let found = self.seen.get(&self.numbers.get(&id)?)?;
        (found.id == id).then_some(found.seen)
    }

    /// The number of what was seen; it may be there no more.
    pub(super) fn number(&self, id: Id) -> Option<i64> {
        self.numbers.get(&id)
    }

    /// Remembers what was seen; `texts`: how many bytes it had on the way.
    pub(super) fn keep(&self, number: i64, id: Id, seen: Arc<Seen>, texts: usize) -> Remembered {
        let one =
            Remembered { id, seen, bytes: u32::try_from(texts.saturating_add(BESIDE)).unwrap_or(u32::MAX) };
        self.seen.insert(number, one.clone());
        self.numbers.insert(id, number);
        one
    }

    /// Forgets what was seen, and where it was not: it may have been of a host that is erased.
    pub(super) fn clear(&self) {
        self.seen.clear();
        self.numbers.clear();
        self.manners.clear();
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
