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
    if text.is_ascii() { fold_ascii(text) } else { Cow::Owned(fold_unicode(text)) }
}

/// The short way for nearly all text: ASCII has no compatibility forms.
fn fold_ascii(text: &str) -> Cow<'_, str> {
    match (is_tidy(text), text.bytes().any(|b| b.is_ascii_uppercase())) {
        (true, false) => Cow::Borrowed(text),
        (true, true) => Cow::Owned(text.to_ascii_lowercase()),
        (false, _) => Cow::Owned(tidy(text.chars().map(|c| c.to_ascii_lowercase()))),
    }
}

/// NFKC on both sides of the lower-casing: each can give the other new work (`ℱ` is `F` only after the
/// first, `İ` is two characters only after the lower-casing).
fn fold_unicode(text: &str) -> String {
    let lower = text.nfkc().flat_map(char::to_lowercase).map(plain_sigma);
    tidy(lower.nfkc())
}

/// The Greek small sigma has a second form at the end of words; lower-casing alone does not make it one.
fn plain_sigma(c: char) -> char {
    if c == 'ς' { 'σ' } else { c }
}

/// Whether white space stands in ASCII text only as single spaces between words.
fn is_tidy(text: &str) -> bool {
    // White space beside the space: tab, line feed, vertical tab, form feed and carriage return.
    let (mut after_space, mut tidy) = (true, true);
    for b in text.bytes() {
        let space = b == b' ';
        tidy &= !(space && after_space || matches!(b, 9..=13));
        after_space = space;
    }
    tidy && (text.is_empty() || !after_space)
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

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
        }
    }
}
