//! A walker over DER and the BER that Windows lets pass: tag, length, contents.
//! Format: ITU-T X.690.
//!
//! Called by the readers of certificates and signatures beside it. Must not know what any
//! of them means. Twenty years of signing tools left lengths that are longer than needed,
//! negative serial numbers and text of the wrong kind; a strict library refuses these,
//! Windows does not, and so they are read here.

use std::borrow::Cow;

/// Tags that our formats use.
pub(crate) mod tag {
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// Bit of a value that holds others.
    pub(crate) const CONSTRUCTED: u8 = 0x20;
    /// `[n]` that holds other values.
    pub(crate) const fn context(n: u8) -> u8 {
        0xA0 | n
    }
    /// `[n]` instead of the tag of a plain value.
    pub(crate) const fn plain(n: u8) -> u8 {
        0x80 | n
    }
}

/// Values of indefinite length may lie in each other this deep.
const MAX_DEPTH: u8 = 16;

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tlv<'a> {
    /// First byte of the tag; our formats have no longer ones.
    pub(crate) tag: u8,
    /// The contents.
    pub(crate) body: &'a [u8],
    /// Tag, length and contents, as they stand in the input.
    pub(crate) whole: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// What this value holds, when it holds others.
    pub(crate) fn inside(&self) -> Reader<'a> {
        Reader::new(self.body)
    }

    /// The contents; of a string of octets that BER cut into pieces, these joined.
    pub(crate) fn octets(&self) -> Cow<'a, [u8]> {
        if self.tag != tag::OCTET_STRING | tag::CONSTRUCTED {
            return Cow::Borrowed(self.body);
        }
        let pieces: Vec<&[u8]> = self.inside().map(|piece| piece.body).collect();
        Cow::Owned(pieces.concat())
    }

    /// A string of any kind. Windows shows T61 as Latin-1, and so is read what claims to be
    /// UTF-8 or ASCII and is not.
    pub(crate) fn text(&self) -> String {
        match self.tag {
            0x1E => utf16(self.body),
            0x1C => self.body.chunks(4).map(wide).collect(),
            _ => narrow(self.body),
        }
    }
}

/// Big-endian UTF-16, as `BMPString` has it.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|two| two.first_chunk::<2>().copied());
    let units = units.map(u16::from_be_bytes);
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// UTF-8, or else Latin-1.
pub(crate) fn narrow(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

fn wide(four: &[u8]) -> char {
    let code = four.first_chunk::<4>().map(|four| u32::from_be_bytes(*four));
    code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Values one after the other. Ends at the first that is not sound.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Over the contents of a value, or a whole input.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next value, if it has this tag; else nothing is taken.
    pub(crate) fn field(&mut self, tag: u8) -> Option<Tlv<'a>> {
        let mut ahead = self.clone();
        let found = ahead.next().filter(|tlv| tlv.tag == tag)?;
        *self = ahead;
        Some(found)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let (tlv, rest) = value(self.rest, MAX_DEPTH)?;
        self.rest = rest;
        Some(tlv)
    }
}

/// The first value of an input that may have more behind it, as padding.
pub(crate) fn first(bytes: &[u8]) -> Option<Tlv<'_>> {
    Reader::new(bytes).next()
}

fn value(bytes: &[u8], depth: u8) -> Option<(Tlv<'_>, &[u8])> {
    let (&tag, after_tag) = bytes.split_first()?;
    if tag & 0x1F == 0x1F {
        return None;
    }
    let (&length, after) = after_tag.split_first()?;
    if length == 0x80 {
        return indefinite(bytes, after, depth.checked_sub(1)?);
    }
    let (length, contents) = match length {
        short @ 0..0x80 => (usize::from(short), after),
        long => {
            let (digits, contents) = after.split_at_checked(usize::from(long & 0x7F))?;
            (big_endian(digits)?, contents)
        }
    };
    let (body, rest) = contents.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
    Some((Tlv { tag, body, whole }, rest))
}

/// Contents that end with two zero bytes instead of having a length (X.690, 8.1.3.6).
fn indefinite<'a>(bytes: &'a [u8], contents: &'a [u8], depth: u8) -> Option<(Tlv<'a>, &'a [u8])> {
    let mut at = contents;
    loop {
        if let Some(rest) = at.strip_prefix(&[0, 0]) {
            let body = contents.get(..contents.len().checked_sub(at.len())?)?;
            let whole = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
            return Some((Tlv { tag: *bytes.first()?, body, whole }, rest));
        }
        at = value(at, depth)?.1;
    }
}

/// A length of any number of digits that fits.
fn big_endian(digits: &[u8]) -> Option<usize> {
    digits.iter().try_fold(0_usize, |sum, &digit| sum.checked_mul(256)?.checked_add(usize::from(digit)))
}

/// A value written as DER has it: with the shortest length.
pub(crate) fn encoded(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = body.len().to_be_bytes();
    let digits = length.iter().position(|byte| *byte != 0).and_then(|at| length.get(at..)).unwrap_or(&[0]);
    match digits {
        [short @ 0..0x80] => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            out.extend(long);
        }
    }
    out.extend(body);
    out
}

/// An object identifier as people write it: `1.2.840.113549`.
pub(crate) fn dotted(oid: &[u8]) -> String {
    let mut parts: Vec<u64> = Vec::new();
    let mut arc = 0_u64;
    for byte in oid {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            if parts.is_empty() {
                let top = (arc / 40).min(2);
                parts.push(top);
                arc = arc.saturating_sub(top * 40);
            }
            parts.push(arc);
            arc = 0;
        }
    }
    parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// Seconds since 1970 of a `UTCTime` or `GeneralizedTime`; zones and missing seconds as old
/// tools wrote them.
pub(crate) fn time(tlv: &Tlv<'_>) -> Option<i64> {
    let text = std::str::from_utf8(tlv.body).ok()?;
    let (year, rest) = match tlv.tag {
        tag::UTC_TIME => {
            let (two, rest) = text.split_at_checked(2)?;
            let two = digits(two)?;
            // RFC 5280, 4.1.2.5.1: two digits are of 1950 to 2049.
            (if two < 50 { 2000 + two } else { 1900 + two }, rest)
        }
        tag::GENERALIZED_TIME => {
            let (four, rest) = text.split_at_checked(4)?;
            (digits(four)?, rest)
        }
        _ => return None,
    };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (numbers, zone) = rest.split_at_checked(end)?;
    if numbers.len() < 8 || !numbers.len().is_multiple_of(2) {
        return None;
    }
    let mut fields = [0_i64; 5];
    for (field, two) in fields.iter_mut().zip(numbers.as_bytes().chunks_exact(2)) {
        *field = digits(std::str::from_utf8(two).ok()?)?;
    }
    let [month, day, hour, minute, second] = fields;
    let sound = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    sound.then(|| seconds - offset(zone))
}

/// Seconds east of Greenwich of `+0200`; fractions of a second and `Z` are none.
fn offset(zone: &str) -> i64 {
    let Some(at) = zone.find(['+', '-']) else { return 0 };
    let Some((_, zone)) = zone.split_at_checked(at) else { return 0 };
    let part = |from: usize| zone.get(from..from + 2).and_then(digits).unwrap_or(0);
    let seconds = part(1) * 3600 + part(3) * 60;
    if zone.starts_with('-') { -seconds } else { seconds }
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Days from 1970-01-01 in the Gregorian calendar, counted from March, so that a leap day is
/// the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let since_march = (month + 9) % 12;
    let era_days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    era_days + (since_march * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, text: &str) -> Option<i64> {
        time(&Tlv { tag, body: text.as_bytes(), whole: &[] })
    }

    #[test]
    fn lengths_long_overlong_and_indefinite() {
        for bytes in [&b"\x04\x01A"[..], b"\x04\x81\x01A", b"\x04\x84\0\0\0\x01A"] {
            assert_eq!(first(bytes).unwrap().body, b"A");
        }
        let open = b"\x30\x80\x04\x01A\x30\x80\x05\0\0\0\0\0rest";
        let tlv = first(open).unwrap();
        assert_eq!(tlv.body, b"\x04\x01A\x30\x80\x05\0\0\0");
        assert_eq!(tlv.whole.len(), open.len() - 4);
        assert_eq!(tlv.inside().map(|tlv| tlv.tag).collect::<Vec<_>>(), [0x04, 0x30]);
    }

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let bytes = encoded(tag::SET, &vec![7; length]);
            let tlv = first(&bytes).unwrap();
            assert_eq!((tlv.tag, tlv.body.len(), tlv.whole.len()), (tag::SET, length, bytes.len()));
        }
        assert_eq!(encoded(4, &[9; 128])[..3], [4, 0x81, 0x80]);
    }

    #[test]
    fn what_is_cut_or_too_deep_is_no_value() {
        assert_eq!(first(b"\x04\x02A"), None);
        assert_eq!(first(b"\x04\x88\xff\xff\xff\xff\xff\xff\xff\xffA"), None);
        assert_eq!(first(b"\x04\x89\x01\0\0\0\0\0\0\0\0A"), None);
        assert_eq!(first(b"\x30\x80\x05\0"), None);
        assert_eq!(first(&b"\x30\x80".repeat(100_000)), None);
    }

    #[test]
    fn a_tag_that_is_not_there_takes_nothing() {
        let mut reader = Reader::new(b"\x02\x01\x05\x04\0");
        assert_eq!(reader.field(tag::SET), None);
        assert_eq!(reader.field(tag::INTEGER).unwrap().body, [5]);
        assert_eq!(reader.count(), 1);
    }

    #[test]
    fn octets_in_pieces_are_joined() {
        assert_eq!(&*first(b"\x24\x07\x04\x02ab\x04\x01c").unwrap().octets(), b"abc");
        assert_eq!(&*first(b"\x04\x02ab").unwrap().octets(), b"ab");
        assert_eq!(&*first(b"\x30\x04\x04\x02ab").unwrap().octets(), b"\x04\x02ab");
    }

    #[test]
    fn strings_of_every_kind() {
        let text = |tag, body| Tlv { tag, body, whole: &[] }.text();
        assert_eq!(text(0x0C, "成都".as_bytes()), "成都");
        assert_eq!(text(0x1E, b"\x04\x1b\0a\xd8\0"), "Лa\u{FFFD}");
        assert_eq!(text(0x1C, b"\0\x01\xF6\0"), "😀");
        assert_eq!(text(0x14, b"M\xfcller"), "Müller");
        assert_eq!(text(0x13, b"AO\xdf"), "AOß");
    }

    #[test]
    fn identifiers_with_large_arcs() {
        assert_eq!(dotted(b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), "1.2.840.113549.1.7.2");
        assert_eq!(dotted(b"\x88\x37\x01"), "2.999.1");
        assert_eq!(dotted(&[0xFF; 40]), "");
    }

    #[test]
    fn times_of_both_kinds() {
        assert_eq!(at(tag::UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(at(tag::UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(at(tag::UTC_TIME, "500101000000Z"), Some(-631_152_000));
        assert_eq!(at(tag::UTC_TIME, "0002290000Z"), Some(951_782_400));
        assert_eq!(at(tag::UTC_TIME, "000229020000+0200"), Some(951_782_400));
        assert_eq!(at(tag::GENERALIZED_TIME, "20241124203000.5Z"), Some(1_732_480_200));
        assert_eq!(at(tag::GENERALIZED_TIME, "99991231235959Z"), Some(253_402_300_799));
        for bad in ["001301000000Z", "0001", "0001010", "ü00101000000Z", "00010a000000Z", ""] {
            assert_eq!(at(tag::UTC_TIME, bad), None, "{bad}");
        }
    }
}
