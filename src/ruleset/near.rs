//! Which known word somebody meant who wrote another one.
//!
//! Called for keys that nobody knows, by this room and by `cli`. Never for names of software: what comes near to one by chance
//! has no end.

/// The known word that is nearest, where one is near: a third of its letters may be wrong.
pub(crate) fn nearest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    let (distance, near) = known.iter().map(|known| (distance(word, known), *known)).min()?;
    (distance <= near.chars().count().div_ceil(3)).then_some(near)
}

/// Letters to add, to leave out or to change until one word is the other (Levenshtein 1966); two that changed places are one
/// slip of the pen, and count so.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let (mut before, mut row): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=to.len()).collect());
    let mut last = None;
    for (at, letter) in from.chars().enumerate() {
        let mut next = vec![at + 1];
        for (column, other) in to.iter().enumerate() {
            let cell = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let changed = cell(&row, column) + usize::from(letter != *other);
            let mut best = changed.min(cell(&row, column + 1) + 1).min(cell(&next, column) + 1);
            let crossed =
                column.checked_sub(1).filter(|left| last == Some(*other) && to.get(*left) == Some(&letter));
            if let Some(left) = crossed {
                best = best.min(cell(&before, left) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_near() {
        let known = ["policies", "rules", "built_in", "budget", "site"];
        assert_eq!(nearest("policys", &known), Some("policies"));
        assert_eq!(nearest("polices", &known), Some("policies"));
        assert_eq!(nearest("bugdet", &known), Some("budget"));
        assert_eq!(nearest("builtin", &known), Some("built_in"));
        assert_eq!(nearest("rule", &known), Some("rules"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn letters_that_changed_places_are_one_slip() {
        assert_eq!(
            [distance("ab", "ba"), distance("abc", "abc"), distance("", "abc"), distance("abc", "")],
            [1, 0, 3, 3]
        );
        assert_eq!(distance("größe", "grösse"), 2);
    }
}
