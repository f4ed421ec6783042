//! Text of a host, made safe for a terminal: a file name must not move the cursor or recolour the verdict.
//!
//! Called by every format and message that a person reads.

use std::borrow::Cow;

/// The text with control characters, and marks that reverse the direction of writing, as `\u{1b}`.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Appends formatted text.
pub(super) fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.push_str(&what.to_string());
}

/// The first letters of a text, and how many there are of one that is longer.
pub fn short(text: &str, letters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(letters) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let count = text.chars().count();
            Cow::Owned(format!("{}… ({count} letters)", text.get(..end).unwrap_or_default()))
        }
    }
}

/// Control characters (C0, DEL, C1) and bidirectional controls (Unicode Standard Annex 9, table 2.1 on).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_say_how_long_they_are() {
        assert_eq!(short("Касперский", 10), "Касперский");
        assert_eq!(short("Касперский", 3), "Кас… (10 letters)");
    }

    #[test]
    fn escape_sequences_are_shown_not_sent() {
        assert_eq!(safe("a\u{1b}[31mred\u{7}"), "a\\u{1b}[31mred\\u{7}");
        assert_eq!(safe("evil\u{202e}fdp.exe"), "evil\\u{202e}fdp.exe");
        assert_eq!(safe("line\nline"), "line\\u{a}line");
        assert!(matches!(safe("Лаборатория Касперского"), Cow::Borrowed(_)));
    }
}
