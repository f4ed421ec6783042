//! One spelling for text that people write in several: compatibility forms, capital letters, white space.
//!
//! Called wherever text of a host meets text of a rule, and by the identity of items. Must not know either.
//! It makes no two different letters one: `а` (Cyrillic) stays apart from `a` (Latin).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Text folded for comparison: NFKC (Unicode Standard Annex 15), every character lower-case, runs of
/// white space one space, none at the ends. Folding what is folded changes nothing.
///
/// Text that is folded already is lent, not copied.
pub fn fold(text: &str) -> Cow<'_, str> {
    // The short way for nearly all text: ASCII has no compatibility forms.
    match Seen::of(text.as_bytes()) {
        Seen { foreign: true, .. } => Cow::Owned(fold_unicode(text)),
        Seen { untidy: true, .. } => Cow::Owned(tidy(text.chars().map(|c| c.to_ascii_lowercase()))),
        Seen { capital: true, .. } => Cow::Owned(text.to_ascii_lowercase()),
        _ => Cow::Borrowed(text),
    }
}

/// Whether text is plain ASCII.
pub(crate) fn is_plain(text: &str) -> bool {
    let (mut rest, mut high) = (text.as_bytes(), 0);
    while let Some(word) = next_word(&mut rest) {
        high |= word;
    }
    high & HIGH == 0
}

/// A one in every byte of a word, and the highest bit of each.
const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

/// What of a text would have to be folded, seen in one pass of eight bytes at a time: every text of a host goes this way.
#[derive(Default)]
struct Seen {
    /// A byte that is not ASCII; the others say nothing then.
    foreign: bool,
    /// A capital letter.
    capital: bool,
    /// White space other than single spaces between words.
    untidy: bool,
}

impl Seen {
    fn of(text: &[u8]) -> Self {
        // The text begins as if a space stood before it, and what it lacks of its last word is no letter and no space.
        let (mut foreign, mut capital, mut untidy, mut before) = (0, 0, 0, HIGH);
        let mut rest = text;
        while let Some(word) = next_word(&mut rest) {
            let spaces = in_range::<b' ', b' '>(word);
            foreign |= word;
            capital |= in_range::<b'A', b'Z'>(word);
            // Tab, line feed, vertical tab, form feed and carriage return.
            untidy |= in_range::<9, 13>(word) | spaces & (spaces << 8 | before >> 56);
            before = spaces;
        }
        Self {
            foreign: foreign & HIGH != 0,
            capital: capital & HIGH != 0,
            untidy: untidy & HIGH != 0 || text.last() == Some(&b' '),
        }
    }
}

/// The next eight bytes of a text, its last ones filled up with zeros.
#[inline]
fn next_word(rest: &mut &[u8]) -> Option<u64> {
    if let Some((word, after)) = rest.split_first_chunk() {
        *rest = after;
        return Some(u64::from_le_bytes(*word));
    }
    let last = std::mem::take(rest);
    (!last.is_empty()).then(|| last.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
}

/// The highest bit of every byte of a word of ASCII that lies from `FIRST` to `LAST`; other bits say nothing.
const fn in_range<const FIRST: u8, const LAST: u8>(word: u64) -> u64 {
    let (below, above) = (0x80 - FIRST as u64, 0x7f - LAST as u64);
    // Foreign text overflows.
    word.wrapping_add(ONES * below) & !word.wrapping_add(ONES * above)
}

/// NFKC on both sides of the lower-casing: each can give the other new work (`ℱ` is `F` only after the
/// first, `İ` is two characters only after the lower-casing).
fn fold_unicode(text: &str) -> String {
    // Gathered in between, so that the program holds the way to NFKC once.
    let lower: String = text.nfkc().flat_map(char::to_lowercase).map(plain_sigma).collect();
    tidy(lower.nfkc())
}

/// The Greek small sigma has a second form at the end of words; lower-casing alone does not make it one.
fn plain_sigma(c: char) -> char {
    if c == 'ς' { 'σ' } else { c }
}

/// Runs of white space as one space, none at the ends.
fn tidy(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    let mut space = false;
    for c in chars {
        if c.is_whitespace() {
            space = !out.is_empty();
        } else {
            if space {
                out.push(' ');
            }
            space = false;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling_for_several() {
        for (written, folded) in [
            ("kesl", "kesl"),
            ("AO Kaspersky Lab", "ao kaspersky lab"),
            ("  AO \t Kaspersky\u{a0}Lab\n", "ao kaspersky lab"),
            ("АО \"Лаборатория Касперского\"", "ао \"лаборатория касперского\""),
            ("Ｋａｓｐｅｒｓｋｙ\u{3000}Ｌａｂ", "kaspersky lab"),
            ("Cafe\u{301}", "café"),
            ("ﬁle №5", "file no5"),
            ("İstanbul", "i\u{307}stanbul"),
            ("ΟΔΟΣ", "οδοσ"),
            ("οδος", "οδοσ"),
            ("", ""),
            (" \u{3000} ", ""),
        ] {
            assert_eq!(fold(written), folded, "{written:?}");
        }
    }

    #[test]
    fn letters_that_only_look_alike_stay_apart() {
        assert_ne!(fold("Каspersky"), fold("Kaspersky"));
    }

    #[test]
    fn folded_text_is_lent() {
        assert!(matches!(fold("ao kaspersky lab"), Cow::Borrowed(_)));
        assert!(matches!(fold(""), Cow::Borrowed(_)));
        assert!(matches!(fold("two  spaces"), Cow::Owned(_)));
        assert!(matches!(fold(" "), Cow::Owned(_)));
    }

    /// What one pass over words finds is what the slow way finds, wherever in a word it stands.
    #[test]
    fn words_of_eight_bytes_hide_nothing() {
        let parts =
            ["a", "Z", "@[`{", " ", "  ", "\t", "\r", "\u{8}\u{e}", "\0", "~\u{7f}", "é", "\u{a0}", "１"];
        let begun = (0..=17).flat_map(|before| parts.map(|part| "b".repeat(before) + part));
        for text in begun.flat_map(|text| (0..=9).map(move |after| text.clone() + &"c".repeat(after))) {
            assert_eq!(fold(&text), fold_unicode(&text), "{text:?}");
            let lent = matches!(fold(&text), Cow::Borrowed(_));
            assert_eq!(lent, text.is_ascii() && fold_unicode(&text) == text, "{text:?}");
            assert_eq!(is_plain(&text), text.is_ascii(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_ends_where_the_long_one_does(text in "[ -~\t\n ]{0,40}") {
            prop_assert_eq!(fold(&text), fold_unicode(&text));
        }

        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
        }
    }
}
