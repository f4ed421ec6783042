//! UTF-16 as Windows and Apple write it, and files that may be UTF-16 or UTF-8 by their byte order mark.
//!
//! Called by the readers of Windows formats and of property lists in this room. Must not know any format.

/// Little-endian UTF-16; a unit that pairs with none and half a unit at the end become U+FFFD.
pub(crate) fn little(bytes: &[u8]) -> String {
    decode(bytes, u16::from_le_bytes)
}

/// Big-endian UTF-16, on the same terms.
pub(crate) fn big(bytes: &[u8]) -> String {
    decode(bytes, u16::from_be_bytes)
}

/// Little-endian UTF-16 up to the first NUL.
pub(crate) fn little_z(bytes: &[u8]) -> String {
    let end = bytes.chunks_exact(2).position(|pair| pair == [0, 0]);
    little(end.and_then(|at| bytes.get(..at.saturating_mul(2))).unwrap_or(bytes))
}

/// Text of a file: UTF-16 of either order or UTF-8 by its byte order mark, UTF-16 without one where
/// an ASCII letter opens it, else UTF-8. What is not sound becomes U+FFFD.
pub(crate) fn file(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => little(rest),
        [0xfe, 0xff, rest @ ..] => big(rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [1..=0x7f, 0, ..] => little(bytes),
        [0, 1..=0x7f, ..] => big(bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn decode(bytes: &[u8], order: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.first_chunk().map(|raw| order(*raw)));
    let half = !bytes.len().is_multiple_of(2);
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .chain(half.then_some(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// What a test writes as UTF-16.
#[cfg(test)]
pub(crate) fn encode(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_pairs_and_halves() {
        assert_eq!(little(&encode("Лаб 🦀")), "Лаб 🦀");
        assert_eq!(little(&[b'a', 0, 0x00, 0xd8, b'b']), "a\u{fffd}\u{fffd}");
        assert_eq!(little_z(&encode("ab\0cd")), "ab");
        assert_eq!(little_z(&encode("ab")), "ab");
        // A NUL lies on an even offset only.
        assert_eq!(little_z(&[0x41, 0x01, 0x00, 0x04]), "\u{141}\u{400}");
    }

    #[test]
    fn files_by_their_mark() {
        assert_eq!(file(&[&[0xff, 0xfe][..], &encode("aб")].concat()), "aб");
        assert_eq!(file(&[0xfe, 0xff, 0, b'a', 4, 0x31]), "aб");
        assert_eq!(file("\u{feff}aб".as_bytes()), "aб");
        assert_eq!(file("aб".as_bytes()), "aб");
        assert_eq!(file(&encode("<a>")), "<a>");
        assert_eq!(file(b"\xffa"), "\u{fffd}a");
        assert_eq!(file(b""), "");
    }
}
