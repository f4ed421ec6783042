//! Names of keys and values: Latin-1 or UTF-16LE as they are stored, compared without case as Windows does, and the
//! hints of subkey lists.
//!
//! Called by `regf` and its parts. Must not know cells.

use crate::parse::registry_value::decode;
use crate::parse::registry_value::units;

/// A name as it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored<'b> {
    pub(crate) bytes: &'b [u8],
    /// One byte a unit, which is Latin-1; else UTF-16LE.
    pub(crate) compressed: bool,
}

impl Stored<'_> {
    /// As text; an unpaired surrogate is U+FFFD.
    pub(crate) fn text(self) -> String {
        if self.compressed {
            self.bytes.iter().map(|&byte| char::from(byte)).collect()
        } else {
            decode(units(self.bytes))
        }
    }

    fn is(self, upper: &[u16]) -> bool {
        let same = |units: &mut dyn Iterator<Item = u16>| units.map(upcase).eq(upper.iter().copied());
        if self.compressed {
            same(&mut self.bytes.iter().map(|&byte| u16::from(byte)))
        } else {
            same(&mut units(self.bytes))
        }
    }
}

/// What an element of a subkey list says of the key's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Nothing (li).
    None,
    /// The first four characters (lf).
    Start([u8; 4]),
    /// A hash (lh).
    Hash(u32),
}

/// A name that is looked for.
pub(crate) struct Wanted {
    upper: Vec<u16>,
    hash: u32,
    /// Windows' table of capital letters is older than ours: outside ASCII hints are not trusted.
    ascii: bool,
}

impl Wanted {
    pub(crate) fn new(name: &str) -> Self {
        let upper: Vec<u16> = name.encode_utf16().map(upcase).collect();
        let hash = upper.iter().fold(0_u32, |hash, &unit| hash.wrapping_mul(37).wrapping_add(unit.into()));
        Self { upper, hash, ascii: name.is_ascii() }
    }

    pub(crate) fn is(&self, stored: Stored<'_>) -> bool {
        stored.is(&self.upper)
    }

    /// False when a key of this hint cannot have the name.
    pub(crate) fn may_be(&self, hint: Hint) -> bool {
        match hint {
            Hint::Hash(hash) if self.ascii => hash == self.hash,
            Hint::Start(start) if self.ascii => self.may_start(start),
            _ => true,
        }
    }

    /// A name that does not fit into one byte a character has zeros here, a short one zeros behind it.
    fn may_start(&self, start: [u8; 4]) -> bool {
        if start.iter().any(|byte| !byte.is_ascii()) || start.first() == Some(&0) {
            return true;
        }
        let wanted = self.upper.iter().copied().chain(std::iter::repeat(0));
        start.iter().zip(wanted).all(|(&byte, unit)| upcase(byte.into()) == unit)
    }
}

/// One unit as a capital letter, as `RtlUpcaseUnicodeChar` has it: a unit gives one unit. Windows' table does not make
/// ASCII out of the dotless i or the long s, and leaves the micro sign.
pub(crate) fn upcase(unit: u16) -> u16 {
    if unit < 0x80 {
        return u8::try_from(unit).map_or(unit, |byte| byte.to_ascii_uppercase().into());
    }
    if unit == 0xb5 {
        return unit;
    }
    let Some(char) = char::from_u32(unit.into()) else { return unit };
    let mut upper = char.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) if !one.is_ascii() => u16::try_from(u32::from(one)).unwrap_or(unit),
        _ => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn names_are_compared_without_case() {
        let is = |wanted: &str, stored: &str| {
            Wanted::new(wanted).is(Stored { bytes: &utf16(stored), compressed: false })
        };
        assert!(is("uninstall", "Uninstall"));
        assert!(is("лаборатория", "ЛАБОРАТОРИЯ"));
        assert!(is("ÿ", "Ÿ"));
        assert!(!is("ß", "SS"));
        assert!(!is("ı", "I"));
        assert!(!is("ſ", "s"));
        assert!(!is("a", "ab"));
        let latin = Stored { bytes: b"\xc4rger", compressed: true };
        assert!(Wanted::new("ärGER").is(latin));
        assert_eq!(latin.text(), "Ärger");
        assert_eq!(Stored { bytes: &[0x3d, 0xd8, 0x61, 0], compressed: false }.text(), "\u{fffd}a");
    }

    #[test]
    fn hints_leave_out_only_what_is_another_name() {
        let wanted = Wanted::new("Run");
        assert!(wanted.may_be(Hint::Hash(wanted.hash)) && !wanted.may_be(Hint::Hash(0)));
        assert_eq!(Wanted::new("rUN").hash, 82 * 37 * 37 + 85 * 37 + 78);
        assert!(wanted.may_be(Hint::Start(*b"rUn\0")) && !wanted.may_be(Hint::Start(*b"RunO")));
        assert!(Wanted::new("RunOnce").may_be(Hint::Start(*b"RunO")) && wanted.may_be(Hint::Start([0; 4])));
        assert!(wanted.may_be(Hint::None));
        assert!(Wanted::new("Ärger").may_be(Hint::Hash(1)));
    }
}
