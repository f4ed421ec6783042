//! Indicators by whole values: a sorted list of hashes, and where in it each bucket begins.
//!
//! Used by the index. Two values with one hash cost a question more, nothing else: the indicator itself is asked.

use super::Who;

#[derive(Debug, Default)]
pub(super) struct Whole {
    /// Sorted by hash.
    entries: Vec<(u64, Who)>,
    /// For each bucket where its entries begin; one more at the end.
    begins: Vec<u32>,
}

/// The same before it is sorted.
#[derive(Default)]
pub(super) struct WholeNeedles(Vec<(u64, Who)>);

impl WholeNeedles {
    pub(super) fn add(&mut self, text: &str, who: Who) {
        self.0.push((hash(text), who));
    }

    pub(super) fn into_whole(self) -> Whole {
        let mut entries = self.0;
        entries.sort_unstable_by_key(|(hash, _)| *hash);
        entries.shrink_to_fit();
        let buckets = entries.len();
        let mut begins = vec![0; buckets + 1];
        for (hash, _) in &entries {
            if let Some(count) = begins.get_mut(bucket(*hash, buckets) + 1) {
                *count += 1;
            }
        }
        let mut sum: u32 = 0;
        for begin in &mut begins {
            sum = sum.saturating_add(*begin);
            *begin = sum;
        }
        Whole { entries, begins }
    }
}

impl Whole {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All whose value a folded text is.
    pub(super) fn find(&self, text: &str) -> impl Iterator<Item = Who> {
        let hash = hash(text);
        let bucket = bucket(hash, self.begins.len().saturating_sub(1));
        let begin =
            |bucket: usize| self.begins.get(bucket).and_then(|at| usize::try_from(*at).ok()).unwrap_or(0);
        let entries = self.entries.get(begin(bucket)..begin(bucket + 1)).unwrap_or_default();
        entries.iter().filter(move |(of, _)| *of == hash).map(|(_, who)| *who)
    }
}

/// The bucket of a hash; the order of buckets is that of hashes.
fn bucket(hash: u64, buckets: usize) -> usize {
    let scaled = (u128::from(hash) * buckets as u128) >> u64::BITS;
    usize::try_from(scaled).unwrap_or(0)
}

/// The same in every run, and without a key: a rule file that makes collisions slows down its author alone. One product
/// of 128 bits for each eight bytes, its halves joined; a hash for hash tables would take several times as long.
fn hash(text: &str) -> u64 {
    let mut hash = text.len() as u64 ^ SEED;
    let mut rest = text.as_bytes();
    while let Some((word, after)) = rest.split_first_chunk() {
        rest = after;
        hash = mixed(hash ^ u64::from_le_bytes(*word));
    }
    mixed(hash ^ rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
}

/// Fractions of the golden ratio and of the square root of two: numbers without a pattern.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0x6a09_e667_f3bc_c909;

fn mixed(hash: u64) -> u64 {
    let (low, high) = hash.carrying_mul(FACTOR, 0);
    low ^ high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_found_and_no_other() {
        for count in [0_usize, 1, 2, 3, 1_000] {
            let mut needles = WholeNeedles::default();
            for position in 0..count {
                needles.add(&format!("value {position}"), Who { position, kinds: 1 });
                needles.add("all", Who { position, kinds: 1 });
            }
            let whole = needles.into_whole();
            let found = |text: &str| whole.find(text).map(|who| who.position).collect::<Vec<_>>();
            for position in 0..count {
                assert_eq!(found(&format!("value {position}")), [position]);
            }
            assert_eq!(found("all").len(), count);
            assert_eq!(found("value"), Vec::<usize>::new());
            assert_eq!(found(""), Vec::<usize>::new());
        }
    }
}
