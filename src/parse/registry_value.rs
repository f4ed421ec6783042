//! One value of the Windows registry, as Windows keeps it: a type and bytes, which need not agree.
//! Types: <https://learn.microsoft.com/windows/win32/sysinfo/registry-value-types>.
//!
//! Called by `regf`, by the registry of a running system, and by every source that reads keys. Must not know
//! where a value came from.

use crate::parse::bytes::array;

/// A value's type and its bytes. Both are the writer's claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryValue {
    /// The type as a number; not only the known ones occur (SAM keeps other numbers there).
    pub kind: u32,
    /// The bytes, of any length.
    pub data: Vec<u8>,
}

/// Bytes of no type.
pub const REG_NONE: u32 = 0;
/// Text.
pub const REG_SZ: u32 = 1;
/// Text with `%VARIABLES%`.
pub const REG_EXPAND_SZ: u32 = 2;
/// Bytes.
pub const REG_BINARY: u32 = 3;
/// A number of 32 bits.
pub const REG_DWORD: u32 = 4;
/// The same, most significant byte first.
pub const REG_DWORD_BIG_ENDIAN: u32 = 5;
/// The target of a symbolic-link key, without a NUL.
pub const REG_LINK: u32 = 6;
/// Texts.
pub const REG_MULTI_SZ: u32 = 7;
/// A number of 64 bits.
pub const REG_QWORD: u32 = 11;

impl RegistryValue {
    /// A value of any type.
    pub fn new(kind: u32, data: impl Into<Vec<u8>>) -> Self {
        Self { kind, data: data.into() }
    }

    /// `REG_SZ`, with its NUL.
    pub fn sz(text: &str) -> Self {
        Self::new(REG_SZ, utf16(text))
    }

    /// `REG_EXPAND_SZ`, with its NUL.
    pub fn expand_sz(text: &str) -> Self {
        Self::new(REG_EXPAND_SZ, utf16(text))
    }

    /// `REG_MULTI_SZ`, with the empty text at its end.
    pub fn multi_sz(texts: &[&str]) -> Self {
        let mut data: Vec<u8> = texts.iter().flat_map(|text| utf16(text)).collect();
        data.extend([0, 0]);
        Self::new(REG_MULTI_SZ, data)
    }

    /// `REG_DWORD`.
    pub fn dword(number: u32) -> Self {
        Self::new(REG_DWORD, number.to_le_bytes())
    }

    /// `REG_QWORD`.
    pub fn qword(number: u64) -> Self {
        Self::new(REG_QWORD, number.to_le_bytes())
    }

    /// `REG_BINARY`.
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(REG_BINARY, bytes)
    }

    /// The text of a `REG_SZ`, `REG_EXPAND_SZ` (not expanded) or `REG_LINK`: up to the first NUL, or to the end, as
    /// Windows does not add a NUL that the writer left out. A half unit at the end is dropped; an unpaired surrogate
    /// is U+FFFD. None for any other type.
    pub fn text(&self) -> Option<String> {
        matches!(self.kind, REG_SZ | REG_EXPAND_SZ | REG_LINK)
            .then(|| decode(self.units().take_while(|&unit| unit != 0)))
    }

    /// The texts of a `REG_MULTI_SZ`, or the one of a value that [`RegistryValue::text`] reads; none for other types.
    ///
    /// An empty text ends the list by its definition, but some writers have one in the middle, and what is behind it
    /// is there for whoever looks: empty texts are left out and the rest is kept.
    pub fn texts(&self) -> Vec<String> {
        if self.kind != REG_MULTI_SZ {
            return self.text().into_iter().collect();
        }
        let units: Vec<u16> = self.units().collect();
        let texts = units.split(|&unit| unit == 0).filter(|text| !text.is_empty());
        texts.map(|text| decode(text.iter().copied())).collect()
    }

    /// The number of a `REG_DWORD`, `REG_DWORD_BIG_ENDIAN` or `REG_QWORD`; bytes that are missing are zero, more than
    /// the type has are left out. Also of a text of decimal digits, as installers write some.
    pub fn number(&self) -> Option<u64> {
        match self.kind {
            REG_DWORD => self.little(4),
            REG_QWORD => self.little(8),
            REG_DWORD_BIG_ENDIAN => array::<4>(&self.data, 0).map(|raw| u32::from_be_bytes(raw).into()),
            _ => {
                let text = self.text()?;
                let digits = text.trim();
                // `parse` would take a sign.
                digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
            }
        }
    }

    /// A point in time in units of 100 ns since 1601, from a `REG_QWORD` or 8 bytes of `REG_BINARY`.
    pub fn filetime(&self) -> Option<u64> {
        let right = matches!(self.kind, REG_QWORD | REG_BINARY) && self.data.len() == 8;
        right.then(|| self.little(8))?
    }

    /// Up to `most` bytes as a number, least significant first; none of none.
    fn little(&self, most: usize) -> Option<u64> {
        let bytes = self.data.iter().take(most);
        (!self.data.is_empty()).then(|| bytes.rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    }

    fn units(&self) -> impl Iterator<Item = u16> {
        units(&self.data)
    }
}

impl From<RegistryValue> for (u32, Vec<u8>) {
    fn from(value: RegistryValue) -> Self {
        (value.kind, value.data)
    }
}

/// UTF-16LE units; a half one at the end is dropped.
pub(crate) fn units(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair))
}

/// Text of UTF-16 units, an unpaired surrogate as U+FFFD.
pub(crate) fn decode(units: impl IntoIterator<Item = u16>) -> String {
    let chars = char::decode_utf16(units);
    chars.map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// UTF-16LE with a NUL.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_first_nul_or_at_the_end() {
        assert_eq!(RegistryValue::sz("Лаборатория 🦀").text().unwrap(), "Лаборатория 🦀");
        assert_eq!(RegistryValue::new(REG_SZ, *b"a\0b\0\0\0c\0").text().unwrap(), "ab");
        assert_eq!(RegistryValue::new(REG_EXPAND_SZ, *b"a\0b\0c").text().unwrap(), "ab");
        assert_eq!(RegistryValue::new(REG_LINK, *b"a\0\x3d\xd8b\0").text().unwrap(), "a\u{fffd}b");
        assert_eq!(RegistryValue::new(REG_SZ, []).text().unwrap(), "");
        assert_eq!(RegistryValue::binary(*b"a\0b\0").text(), None);
        assert_eq!(RegistryValue::multi_sz(&["a"]).text(), None);
    }

    #[test]
    fn texts_keep_what_is_behind_an_empty_one() {
        assert_eq!(RegistryValue::multi_sz(&["klif", "другой"]).texts(), ["klif", "другой"]);
        assert_eq!(RegistryValue::multi_sz(&["a", "", "b"]).texts(), ["a", "b"]);
        assert_eq!(RegistryValue::new(REG_MULTI_SZ, *b"a\0\0\0b\0").texts(), ["a", "b"]);
        assert_eq!(RegistryValue::sz("one").texts(), ["one"]);
        assert_eq!(RegistryValue::multi_sz(&[]).texts(), [""; 0]);
        assert_eq!(RegistryValue::dword(7).texts(), [""; 0]);
    }

    #[test]
    fn numbers_of_every_type_and_odd_length() {
        assert_eq!(RegistryValue::dword(0x8000_0001).number(), Some(0x8000_0001));
        assert_eq!(RegistryValue::qword(u64::MAX).number(), Some(u64::MAX));
        assert_eq!(RegistryValue::new(REG_DWORD_BIG_ENDIAN, [0, 0, 1, 2]).number(), Some(258));
        assert_eq!(RegistryValue::new(REG_DWORD_BIG_ENDIAN, [1, 2]).number(), None);
        assert_eq!(RegistryValue::new(REG_DWORD, [2, 1]).number(), Some(258));
        assert_eq!(RegistryValue::new(REG_DWORD, [1, 0, 0, 0, 9]).number(), Some(1));
        assert_eq!(RegistryValue::new(REG_DWORD, []).number(), None);
        assert_eq!(RegistryValue::sz(" 042 ").number(), Some(42));
        for text in ["", "+1", "-1", "0x10", "1.0", "99999999999999999999"] {
            assert_eq!(RegistryValue::sz(text).number(), None, "{text}");
        }
        assert_eq!(RegistryValue::binary([1, 0, 0, 0]).number(), None);
    }

    #[test]
    fn a_filetime_has_eight_bytes() {
        let raw = 131_666_159_388_953_954_u64.to_le_bytes();
        assert_eq!(RegistryValue::binary(raw).filetime(), Some(131_666_159_388_953_954));
        assert_eq!(RegistryValue::new(REG_QWORD, raw).filetime(), Some(131_666_159_388_953_954));
        assert_eq!(RegistryValue::binary([0; 7]).filetime(), None);
        assert_eq!(RegistryValue::sz("1234").filetime(), None);
    }
}
