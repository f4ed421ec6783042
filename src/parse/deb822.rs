//! The syntax of Debian control files, deb822(5): one row at a time, nothing copied.
//!
//! Called by `dpkg`. Must not know which fields exist or what they mean.

use memchr::memchr;

use super::text::Lines;
use super::text::lines;

/// One line of a control file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row<'a> {
    /// `Name: value`; the name as written (compare without case), the value trimmed.
    Field {
        /// Field name.
        name: &'a [u8],
        /// What follows the colon on this line.
        value: &'a [u8],
    },
    /// A folded or multi-line continuation, trimmed. Empty when the line holds blanks only:
    /// deb822(5) lets a reader end the stanza there, dpkg goes on and warns.
    More(&'a [u8]),
    /// An empty line: the stanza ends.
    Blank,
    /// A line that starts with `#`.
    Comment,
    /// Neither of them: no colon, or a name that deb822(5) forbids.
    Garbage,
}

/// Rows of a control file with their line numbers (from 1).
pub fn rows(bytes: &[u8]) -> Rows<'_> {
    Rows { lines: lines(bytes) }
}

/// Iterator of [`rows`].
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    lines: Lines<'a>,
}

impl<'a> Iterator for Rows<'a> {
    type Item = (usize, Row<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (number, line) = self.lines.next()?;
        Some((number, row(line)))
    }
}

fn row(line: &[u8]) -> Row<'_> {
    match line.first() {
        None => Row::Blank,
        Some(b' ' | b'\t' | b'\r') => Row::More(line.trim_ascii()),
        Some(b'#') => Row::Comment,
        Some(_) => field(line).unwrap_or(Row::Garbage),
    }
}

fn field(line: &[u8]) -> Option<Row<'_>> {
    let colon = memchr(b':', line)?;
    // dpkg takes blanks between name and colon.
    let name = line.get(..colon)?.trim_ascii_end();
    let value = line.get(colon.saturating_add(1)..)?.trim_ascii();
    let legal = name.first().is_some_and(|c| *c != b'-') && name.iter().all(u8::is_ascii_graphic);
    legal.then_some(Row::Field { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Row<'_>> {
        rows(bytes).map(|(_, row)| row).collect()
    }

    #[test]
    fn every_kind_of_row() {
        let got = all(b"Package: a\n folded \n\n# note\nno colon\n-x: y\nA b: c\n: d\nEmpty:\nSp : v\n");
        let want = [
            Row::Field { name: b"Package", value: b"a" },
            Row::More(b"folded"),
            Row::Blank,
            Row::Comment,
            Row::Garbage,
            Row::Garbage,
            Row::Garbage,
            Row::Garbage,
            Row::Field { name: b"Empty", value: b"" },
            Row::Field { name: b"Sp", value: b"v" },
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn crlf_ends_values_but_not_stanzas() {
        assert_eq!(all(b"A: b\r\n\r\n"), [Row::Field { name: b"A", value: b"b" }, Row::More(b"")]);
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_in_values_and_refused_in_names() {
        assert_eq!(all(b"A: \xff\xfe"), [Row::Field { name: b"A", value: b"\xff\xfe" }]);
        assert_eq!(all(b"\xff: a\n\0\0\0"), [Row::Garbage, Row::Garbage]);
    }
}
