//! What a text looks like, in the letters that others look like most: `Каspersky` with a Cyrillic К as `Kaspersky`.
//!
//! Unicode Technical Standard 39, section 4: two texts are confusable when their skeletons are the same. Called by the rules
//! for names in other letters. The table is made by `rules/embed.rs` from that of the crate `unicode-security`.

use unicode_normalization::UnicodeNormalization as _;

use table::{ENDS, LETTERS, LOOKS, UNSEEN};

#[expect(clippy::unicode_not_nfc, reason = "a letter is looked up as it stands in NFD")]
mod table {
    include!(concat!(env!("OUT_DIR"), "/look_alikes.rs"));
}

/// The skeleton of a text.
pub(crate) fn skeleton(text: &str) -> String {
    let mut looks = String::with_capacity(text.len());
    for letter in text.nfd() {
        match look(letter) {
            Some(look) => looks.push_str(look),
            None => looks.push(letter),
        }
    }
    looks.nfd().collect()
}

/// What a letter looks like, where that is another or nothing.
fn look(letter: char) -> Option<&'static str> {
    if let Ok(at) = LETTERS.binary_search(&letter) {
        let end = |at: usize| ENDS.get(at).map_or(0, |end| usize::from(*end));
        let begin = at.checked_sub(1).map_or(0, end);
        return LOOKS.get(begin..end(at));
    }
    let (_, last) = UNSEEN.get(UNSEEN.partition_point(|(first, _)| *first <= letter).checked_sub(1)?)?;
    (letter <= *last).then_some("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn as_the_crate_says(text: &str) -> String {
        unicode_security::skeleton(text).collect()
    }

    #[test]
    fn every_character_looks_as_the_crate_says() {
        for letter in '\0'..=char::MAX {
            let text = String::from(letter);
            assert_eq!(skeleton(&text), as_the_crate_says(&text), "{letter:?}");
        }
    }

    proptest! {
        #[test]
        fn every_text_looks_as_the_crate_says(text in any::<String>()) {
            prop_assert_eq!(skeleton(&text), as_the_crate_says(&text));
        }

        #[test]
        fn so_does_text_with_marks(text in "[a-zKIm01éŅкÅ\u{300}-\u{345}\u{200b}가ﬁ]{0,12}") {
            prop_assert_eq!(skeleton(&text), as_the_crate_says(&text));
        }
    }
}
