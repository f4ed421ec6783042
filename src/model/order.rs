//! Sorting and sets of small lists. Called by all rooms that may import this one.
//!
//! The sort of the standard library is compiled anew for each type, about 5 kB each time, as is what a set is collected with; that
//! was a twentieth of the program. Here the sort is compiled once, for places in a list, and a set takes one after the other. What
//! sorts thousands in a hot path takes the standard library's.

use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Brings a list in order; equals keep theirs.
pub trait Order<T> {
    /// By a comparison.
    fn order_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering);

    /// By a key.
    fn order_by_key<K: Ord>(&mut self, mut key: impl FnMut(&T) -> K) {
        self.order_by(|a, b| key(a).cmp(&key(b)));
    }

    /// By the order of the type.
    fn order(&mut self)
    where
        T: Ord,
    {
        self.order_by(T::cmp);
    }
}

impl<T> Order<T> for [T] {
    fn order_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        let places = arranged(self.len(), &mut |a, b| match (self.get(a), self.get(b)) {
            (Some(a), Some(b)) => compare(a, b),
            _ => Ordering::Equal,
        });
        carry_out(places, &mut |a, b| self.swap(a, b));
    }
}

/// A set of what comes.
pub fn set_of<T: Ord>(of: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    for one in of {
        set.insert(one);
    }
    set
}

/// For each place of a list, where what belongs there stands now.
fn arranged(len: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..len).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}

/// Moves everything to its place: along each circle of those that take each other's.
fn carry_out(mut places: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
    for start in 0..places.len() {
        let mut at = start;
        while let Some(place) = places.get_mut(at) {
            let next = std::mem::replace(place, at);
            if next == start {
                break;
            }
            swap(at, next);
            at = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_order_of_a_stable_sort(list in prop::collection::vec((0_u8..9, any::<u16>().prop_map(|n| n.to_string())), 0..200)) {
            let (mut ours, mut theirs) = (list.clone(), list.clone());
            ours.order_by_key(|(key, _)| std::cmp::Reverse(*key));
            theirs.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
            prop_assert_eq!(&ours, &theirs);
            ours.order();
            theirs.sort();
            prop_assert_eq!(&ours, &theirs);
            prop_assert_eq!(set_of(list.clone()), list.into_iter().collect::<BTreeSet<_>>());
        }
    }
}
