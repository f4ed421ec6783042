//! The frame of a page of HTML: head, look, escaping. One file without network, that a mail can carry.
//!
//! Called by the format `html` and by what else is told as a page. Must not know what a page tells.
//! Markup is `&'static str`, so that no text of a host can be it; all other text goes through [`Page::text`].

use std::fmt;
use std::io::{self, Write};

use ct_codecs::{Base64, Encoder as _};
use sha2::{Digest as _, Sha256};

use crate::emit::safe::{safe, short};

/// The look.
pub(crate) const STYLE: &str = include_str!("page.css");
/// Filters of long tables. Pages are whole without it.
const SCRIPT: &str = include_str!("page.js");
/// Letters of one text of a host.
const LETTERS: usize = 300;
/// Letters of an advice or a reason, which quote names of the host.
const PROSE: usize = 2000;
/// Bytes that are gathered before they are written.
const CHUNK: usize = 1 << 16;

/// A page that is being written. The first fault is kept and told by [`Page::end`]; after it nothing is written.
pub(crate) struct Page<'o> {
    out: &'o mut dyn Write,
    buffer: String,
    fault: Option<io::Error>,
}

impl<'o> Page<'o> {
    /// The head of a page, up to where its content begins: the caller opens `<main id=main>`.
    ///
    /// Only the style and the script whose hashes are named may act (Content Security Policy Level 3, 6.7.3): whatever
    /// slipped through as markup would neither run nor load anything.
    pub(crate) fn begin(out: &'o mut dyn Write, title: &str) -> Self {
        let mut page = Self::open(out);
        page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.raw(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-",
        );
        page.text(&hash(STYLE)).raw("'; script-src 'sha256-").text(&hash(SCRIPT));
        page.raw("'; base-uri 'none'; form-action 'none'\">\n");
        page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
        page.raw("<meta name=\"referrer\" content=\"no-referrer\">\n<title>").text(title);
        page.raw("</title>\n<style>").raw(STYLE).raw("</style>\n</head>\n<body>\n");
        page.raw("<a class=\"skip\" href=\"#main\">Skip to the content</a>\n");
        page
    }

    /// A page whose head and foot somebody else writes.
    pub(crate) fn open(out: &'o mut dyn Write) -> Self {
        Page { out, buffer: String::with_capacity(CHUNK + 4096), fault: None }
    }

    /// The end of such a page; the first fault of writing it.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.flush();
        self.fault.map_or(Ok(()), Err)
    }

    /// The end of the page; the first fault of writing it.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.raw("<script>").raw(SCRIPT).raw("</script>\n</body>\n</html>\n");
        self.close()
    }

    /// Markup of ours.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.buffer.push_str(markup);
        if self.buffer.len() >= CHUNK {
            self.flush();
        }
        self
    }

    /// Text of a host or of rules, as an element's content or inside a quoted attribute: none of it is markup, what would
    /// act unseen is spelt out, and a text without end is cut.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.cut(text, LETTERS)
    }

    /// The same for whole sentences.
    pub(crate) fn prose(&mut self, text: &str) -> &mut Self {
        self.cut(text, PROSE)
    }

    /// A number or a date.
    pub(crate) fn show(&mut self, what: &dyn fmt::Display) -> &mut Self {
        let text = what.to_string();
        self.text(&text)
    }

    /// A name or a place as the host writes it.
    pub(crate) fn code(&mut self, text: &str) -> &mut Self {
        self.raw("<code>").text(text).raw("</code>")
    }

    /// A word in a coloured pill. The class is `good`, `open`, `bad`, `info` or `off`.
    pub(crate) fn badge(&mut self, class: &'static str, word: &str) -> &mut Self {
        self.raw("<span class=\"badge ").raw(class).raw("\">").text(word).raw("</span>")
    }

    /// A heading of a level from 1 to 6. The class is its look: `host`, `sec`, `grp` or `find`.
    pub(crate) fn heading(&mut self, level: usize, class: &'static str, text: &str) -> &mut Self {
        let (open, close) = tags(level);
        self.raw(open).raw(" class=\"").raw(class).raw("\">").text(text).raw(close)
    }

    fn cut(&mut self, text: &str, letters: usize) -> &mut Self {
        let text = safe(text);
        // A letter has a byte at least: most texts need no counting.
        let text = if text.len() > letters { short(&text, letters) } else { (&*text).into() };
        let mut rest = &*text;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.buffer.push_str(plain);
            let mut letters = from.chars();
            self.buffer.push_str(match letters.next() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                _ => "&#39;",
            });
            rest = letters.as_str();
        }
        self.buffer.push_str(rest);
        self
    }

    fn flush(&mut self) {
        if self.fault.is_none() {
            self.fault = self.out.write_all(self.buffer.as_bytes()).err();
        }
        self.buffer.clear();
    }
}

/// The beginning of a heading's tag, and its end.
fn tags(level: usize) -> (&'static str, &'static str) {
    match level {
        1 => ("<h1", "</h1>\n"),
        2 => ("<h2", "</h2>\n"),
        3 => ("<h3", "</h3>\n"),
        4 => ("<h4", "</h4>\n"),
        5 => ("<h5", "</h5>\n"),
        _ => ("<h6", "</h6>\n"),
    }
}

/// The hash by which a policy names an inline style or script.
fn hash(content: &str) -> String {
    Base64::encode_to_string(Sha256::digest(content.as_bytes())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(write: impl Fn(&mut Page<'_>)) -> String {
        let mut out = Vec::new();
        let mut page = Page::begin(&mut out, "a & b");
        write(&mut page);
        page.end().unwrap_or_default();
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn text_is_no_markup_and_has_an_end() {
        let shown = page(|page| {
            page.text("<script>'x' & \"y\"</script>").raw("|").text("a\u{202e}b\u{1b}[31m\n").raw("|");
            page.text(&"é".repeat(1 << 20)).raw("|");
        });
        assert!(shown.contains("&lt;script&gt;&#39;x&#39; &amp; &quot;y&quot;&lt;/script&gt;|"), "{shown}");
        assert!(shown.contains("|a\\u{202e}b\\u{1b}[31m\\u{a}|"));
        assert!(shown.contains(&format!("|{}… (1048576 letters)|", "é".repeat(LETTERS))));
        assert!(shown.contains("<title>a &amp; b</title>"));
    }

    #[test]
    fn the_policy_names_what_is_in_the_page() {
        let shown = page(|_| ());
        assert_eq!(hash(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        for content in [STYLE, SCRIPT] {
            assert!(shown.contains(&hash(content)) && shown.contains(content));
        }
        assert!(!shown.contains("unsafe-inline") && !shown.contains(" style=") && !shown.contains("http://"));
        assert!(STYLE.len() < 10_000 && SCRIPT.len() < 6_000);
        assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("</script"));
    }

    #[test]
    fn a_full_disk_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("full"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(Page::begin(&mut Full, "").end().is_err());
    }
}
