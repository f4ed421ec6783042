//! What the line-based readers share: numbered lines, trimming, lossy text, clipping.
//!
//! Called by the other readers of this room. Must not know any format.

use std::borrow::Cow;

use memchr::memchr;

/// Longest single value that a reader keeps; what is longer is clipped, with a fault beside it.
pub const MAX_VALUE: usize = 64 * 1024;

/// Lines of an input, without their `\n`; a last line without one counts too.
pub fn lines(bytes: &[u8]) -> Lines<'_> {
    Lines { rest: bytes, number: 0 }
}

/// Iterator of [`lines`]: line number from 1, and the line.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = match memchr(b'\n', self.rest) {
            Some(at) => (self.rest.get(..at)?, self.rest.get(at.saturating_add(1)..).unwrap_or_default()),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        self.number = self.number.saturating_add(1);
        Some((self.number, line))
    }
}

/// Splits at the first `sep`, which neither half keeps.
pub fn split_once(bytes: &[u8], sep: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr(sep, bytes)?;
    Some((bytes.get(..at)?, bytes.get(at.saturating_add(1)..).unwrap_or_default()))
}

/// The bytes as text for people and for matching; each invalid sequence becomes U+FFFD.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The first [`MAX_VALUE`] bytes, and whether something was cut off.
pub fn clip(bytes: &[u8]) -> (&[u8], bool) {
    match bytes.get(..MAX_VALUE) {
        Some(head) if bytes.len() > MAX_VALUE => (head, true),
        _ => (bytes, false),
    }
}

/// Number of the line (from 1) that holds the byte at `offset`.
pub fn line_of(bytes: &[u8], offset: usize) -> usize {
    let before = bytes.get(..offset).unwrap_or(bytes);
    memchr::memchr_iter(b'\n', before).count().saturating_add(1)
}

/// The whole of `bytes` as a decimal number; no sign, no blank, no overflow.
pub fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// The kernel writes blank, tab, newline, backslash and `#` as `\ooo`.
pub fn unescape(word: &[u8]) -> Cow<'_, [u8]> {
    if !word.contains(&b'\\') {
        return Cow::Borrowed(word);
    }
    let mut out = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match (*byte, tail.first_chunk::<3>().copied().and_then(octal)) {
            (b'\\', Some(value)) => {
                out.push(value);
                rest = tail.get(3..).unwrap_or_default();
            }
            (byte, _) => out.push(byte),
        }
    }
    Cow::Owned(out)
}

fn octal(digits: [u8; 3]) -> Option<u8> {
    digits.iter().all(|c| (b'0'..=b'7').contains(c)).then_some(())?;
    let value = digits.iter().fold(0_u32, |sum, c| sum * 8 + u32::from(c - b'0'));
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_numbers_and_the_unfinished_last_one() {
        let got: Vec<_> = lines(b"a\n\nb").collect();
        assert_eq!(got, [(1, &b"a"[..]), (2, b""), (3, b"b")]);
        assert_eq!(lines(b"").count(), 0);
        assert_eq!(lines(b"\n").count(), 1);
    }

    #[test]
    fn numbers_refuse_signs_blanks_and_overflow() {
        assert_eq!(number(b"007"), Some(7));
        for bad in [&b""[..], b"+1", b" 1", b"-1", b"99999999999999999999", b"\xff"] {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn clipping_tells_that_it_clipped() {
        let long = vec![b'x'; MAX_VALUE + 1];
        assert_eq!(clip(&long), (&long[..MAX_VALUE], true));
        assert_eq!(clip(b"abc"), (&b"abc"[..], false));
        assert!(!clip(&long[1..]).1);
    }

    #[test]
    fn an_offset_knows_its_line() {
        assert_eq!(line_of(b"a\nb\nc", 4), 3);
        assert_eq!(line_of(b"a", 99), 1);
    }
}
