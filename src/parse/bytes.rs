//! Small bounds-checked reads that the binary readers of this room share.
//!
//! Called by the readers beside it only. Must not know any format.

use crate::parse::ReadAt;

/// Byte order of a file that may have either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    /// Two bytes at `at`.
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = array::<2>(bytes, at)?;
        Some(match self {
            Self::Little => u16::from_le_bytes(raw),
            Self::Big => u16::from_be_bytes(raw),
        })
    }

    /// Four bytes at `at`.
    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = array::<4>(bytes, at)?;
        Some(match self {
            Self::Little => u32::from_le_bytes(raw),
            Self::Big => u32::from_be_bytes(raw),
        })
    }
}

/// `N` bytes at `at`, or none when the slice is too short.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

/// Big-endian, two bytes.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Order::Big.u16(bytes, at)
}

/// Big-endian, four bytes.
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Order::Big.u32(bytes, at)
}

/// Little-endian, four bytes.
pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Order::Little.u32(bytes, at)
}

/// A `u32` that the format uses as a length; saturates where `usize` is smaller.
pub(crate) fn to_usize(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Fills all of `buf` from `offset`, or says why it could not.
pub(crate) fn fill(src: &(impl ReadAt + ?Sized), offset: u64, buf: &mut [u8]) -> Result<(), String> {
    match src.read_at(offset, buf) {
        Ok(n) if n == buf.len() => Ok(()),
        Ok(n) => Err(format!("the file ends after {n} of {} bytes at offset {offset}", buf.len())),
        Err(error) => Err(format!("cannot be read at offset {offset}: {error}")),
    }
}

/// Which pages of a file were used: a page that two owners claim means a loop or damage.
///
/// One bit a page, so a database of 200 MB costs 6 KB.
#[derive(Debug)]
pub(crate) struct PageSet {
    bits: Vec<u64>,
    pages: u64,
}

impl PageSet {
    /// Files of more pages are refused: the set would cost more than 16 MB.
    pub(crate) const MAX_PAGES: u64 = 1 << 27;

    /// A set for pages `0..pages`; `None` when there are too many.
    pub(crate) fn new(pages: u64) -> Option<Self> {
        if pages > Self::MAX_PAGES {
            return None;
        }
        let words = usize::try_from(pages / 64).ok()?.checked_add(1)?;
        Some(Self { bits: vec![0; words], pages })
    }

    /// Marks a page as used; false when it was used before or is outside the file.
    pub(crate) fn take(&mut self, page: u32) -> bool {
        if u64::from(page) >= self.pages {
            return false;
        }
        let Some(word) = usize::try_from(page / 64).ok().and_then(|at| self.bits.get_mut(at)) else {
            return false;
        };
        let bit = 1_u64 << (page % 64);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stop_at_the_end() {
        assert_eq!(be32(&[0, 0, 1, 2], 0), Some(258));
        assert_eq!(le32(&[2, 1, 0, 0, 9], 0), Some(258));
        assert_eq!(be16(&[1], 0), None);
        assert_eq!(be32(&[1, 2, 3, 4], usize::MAX), None);
        assert!(fill(&[1_u8, 2][..], 1, &mut [0; 2]).is_err());
    }

    #[test]
    fn a_page_is_taken_once_and_only_inside() {
        let mut set = PageSet::new(65).unwrap();
        assert!(set.take(64));
        assert!(!set.take(64));
        assert!(!set.take(65));
        assert!(PageSet::new(u64::MAX).is_none());
    }
}
