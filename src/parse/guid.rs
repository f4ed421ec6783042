//! GUIDs as Windows writes them: in braces, packed as Windows Installer's registry keys have them,
//! squeezed to 20 letters in advertised shortcuts, and as 16 bytes.
//!
//! Called by the sources that read Windows Installer's records, and by `lnk`, `task_actions` and
//! `windows_command`. Must not know what a GUID stands for.

use std::fmt;

/// A GUID. Its text is canonical: upper-case, in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(u128);

/// Hexadecimal digits in each group that a packed GUID has backwards.
const PACKED: [usize; 11] = [8, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2];

impl Guid {
    /// `{01D48E5F-8885-47C2-8D89-793CFC9DE165}` in either case, with both braces or none.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = match text.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}')?,
            None => text,
        };
        let mut groups = inner.split('-');
        let mut digits = String::with_capacity(32);
        for length in [8, 4, 4, 4, 12] {
            digits.push_str(groups.next().filter(|group| group.len() == length)?);
        }
        if groups.next().is_some() { None } else { Self::hex(&digits) }
    }

    /// 32 hexadecimal digits with each group backwards: names of keys below `Installer\Products`,
    /// `UserData\…\Products` and `UpgradeCodes`.
    pub fn unpack(packed: &str) -> Option<Self> {
        if packed.len() != 32 {
            return None;
        }
        Self::hex(&reversed(packed)?)
    }

    /// The packed form, upper-case.
    pub fn packed(&self) -> String {
        reversed(&format!("{:032X}", self.0)).unwrap_or_default()
    }

    /// The 16 bytes of a `GUID` structure: three little-endian numbers, then eight bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let mut ordered = bytes;
        for number in [0..4, 4..6, 6..8] {
            ordered.get_mut(number).unwrap_or_default().reverse();
        }
        Self(u128::from_be_bytes(ordered))
    }

    /// 20 letters of base 85, the least significant first in each five: "Darwin descriptors" of
    /// advertised shortcuts begin with the product code so. [reverse-engineered; Wine's `msi/registry.c`
    /// names the letters]
    pub fn unsqueeze(text: &str) -> Option<Self> {
        if text.len() != 20 {
            return None;
        }
        let mut bytes = [0; 16];
        for (letters, four) in text.as_bytes().chunks_exact(5).zip(bytes.chunks_exact_mut(4)) {
            let mut value = 0_u64;
            for letter in letters.iter().rev() {
                value = value * 85 + u64::try_from(BASE85.iter().position(|one| one == letter)?).ok()?;
            }
            four.copy_from_slice(&u32::try_from(value).ok()?.to_le_bytes());
        }
        Some(Self::from_bytes(bytes))
    }

    fn hex(digits: &str) -> Option<Self> {
        // from_str_radix takes a sign too.
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().map(Self)
    }
}

const BASE85: &[u8; 85] =
    b"!$%&'()*+,-.0123456789=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{}~";

fn reversed(digits: &str) -> Option<String> {
    let (mut out, mut rest) = (String::with_capacity(32), digits);
    for length in PACKED {
        let (group, tail) = rest.split_at_checked(length)?;
        out.extend(group.chars().rev());
        rest = tail;
    }
    Some(out)
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032X}", self.0);
        let (mut rest, mut before) = (digits.as_str(), "{");
        for length in [8, 4, 4, 4, 12] {
            let (group, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            write!(f, "{before}{group}")?;
            (rest, before) = (tail, "-");
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_goes_both_ways() {
        let guid = Guid::parse("{a5d36cf1-1993-4f63-bfb4-3acd910d36a1}").unwrap();
        assert_eq!(guid.to_string(), "{A5D36CF1-1993-4F63-BFB4-3ACD910D36A1}");
        // Each group backwards: the last eight bytes digit by digit within the byte.
        assert_eq!(guid.packed(), "1FC63D5A399136F4FB4BA3DC19D0631A");
        assert_eq!(Guid::unpack("1fc63d5a399136f4fb4ba3dc19d0631a"), Some(guid));
        assert_eq!(Guid::parse("A5D36CF1-1993-4F63-BFB4-3ACD910D36A1"), Some(guid));
    }

    #[test]
    fn what_is_no_guid_is_refused() {
        for bad in [
            "",
            "{}",
            "{A5D36CF1-1993-4F63-BFB4-3ACD910D36A1",
            "A5D36CF1-1993-4F63-BFB4-3ACD910D36A1}",
            " {A5D36CF1-1993-4F63-BFB4-3ACD910D36A1}",
            "{A5D36CF119934F63BFB43ACD910D36A1}",
            "{+5D36CF1-1993-4F63-BFB4-3ACD910D36A1}",
            "{A5D36CF1-1993-4F63-BFB43-ACD910D36A1}",
            "{A5D36CF1-1993-4F63-BFB4-3ACD910D36A1-}",
            "{A5D36CF1-1993-4F63-BFB4-3ACD910D36Ä}",
        ] {
            assert_eq!(Guid::parse(bad), None, "{bad}");
        }
        for bad in [
            "",
            "1FC63D5A399136F4FB4BA3DC19D0631",
            "+FC63D5A399136F4FB4BA3DC19D0631A",
            "äFC63D5A399136F4FB4BA3DC19D0631",
        ] {
            assert_eq!(Guid::unpack(bad), None, "{bad}");
        }
    }

    #[test]
    fn bytes_and_letters() {
        let shell = [1, 0x14, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];
        assert_eq!(Guid::from_bytes(shell).to_string(), "{00021401-0000-0000-C000-000000000046}");
        let office = Guid::unsqueeze("']gAVn-}f(ZXfeAR6.ji").unwrap();
        assert_eq!(office.to_string(), "{90110409-6000-11D3-8CFE-0150048383C9}");
        for bad in
            ["", "']gAVn-}f(ZXfeAR6.j", "']gAVn-}f(ZXfeAR6.j>", "~~~~~~~~~~~~~~~~~~~~", "ä']gAVn-}f(ZXfeAR6."]
        {
            assert_eq!(Guid::unsqueeze(bad), None, "{bad}");
        }
    }
}
