//! The base block of a hive and of its logs: the first 512 bytes, with the sequence numbers that tell a clean hive
//! from one that was being written.
//! Format: <https://github.com/msuhanov/regf/blob/master/Windows%20registry%20file%20format%20specification.md>,
//! section "Base block".
//!
//! Called by `regf` and `regf_log`. Must not know cells.

use crate::parse::ReadAt;
use crate::parse::bytes::array;
use crate::parse::bytes::fill;
use crate::parse::bytes::le32;

/// Bytes that matter; the block of a primary file is padded to 4096.
pub(crate) const SIZE: usize = 512;
const MAGIC: &[u8; 4] = b"regf";

/// What a file with a base block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Primary,
    /// Up to Windows 8: one bitmap and the pages.
    OldLog,
    /// Since Windows 8.1: entries.
    NewLog,
    Other(u32),
}

/// A base block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base {
    /// Raised before a write.
    pub(crate) primary: u32,
    /// Made equal after it.
    pub(crate) secondary: u32,
    /// FILETIME of the last write.
    pub(crate) written: u64,
    /// Of version 1.
    pub(crate) minor: u32,
    pub(crate) kind: Kind,
    /// The root key's cell, from the start of the bins.
    pub(crate) root: u32,
    /// Bytes of all bins.
    pub(crate) bins: u32,
    /// The checksum fits.
    pub(crate) sound: bool,
    /// The block itself, to see whether it was changed.
    pub(crate) raw: [u8; SIZE],
}

impl Base {
    /// Reads the block at the start of a file; an error is a sentence part.
    pub(crate) fn read(src: &(impl ReadAt + ?Sized)) -> Result<Self, String> {
        let mut raw = [0; SIZE];
        fill(src, 0, &mut raw)?;
        if !raw.starts_with(MAGIC) {
            return Err("no registry hive: the signature \"regf\" is missing".to_owned());
        }
        let field = |at| le32(&raw, at).unwrap_or_default();
        let kind = match field(28) {
            0 => Kind::Primary,
            1 | 2 => Kind::OldLog,
            6 => Kind::NewLog,
            other => Kind::Other(other),
        };
        Ok(Self {
            primary: field(4),
            secondary: field(8),
            written: array::<8>(&raw, 12).map_or(0, u64::from_le_bytes),
            minor: field(24),
            kind,
            root: field(36),
            bins: field(40),
            sound: checksum(&raw) == field(508) && field(20) == 1,
            raw,
        })
    }

    /// Why the hive cannot be read, if it cannot. The block may be one of a log, which mends the hive's.
    pub(crate) fn refused(&self, of_log: bool) -> Option<String> {
        let major = le32(&self.raw, 20).unwrap_or_default();
        // Cells of versions below 1.3 are laid out in another way; there is none above 1.6.
        if major != 1 || !(3..=6).contains(&self.minor) {
            return Some(format!("hive version {major}.{} is not known", self.minor));
        }
        if !of_log && self.kind != Kind::Primary {
            return Some("is the log of a hive, no hive".to_owned());
        }
        None
    }

    /// Whether the last write did not come to its end.
    pub(crate) fn dirty(&self) -> bool {
        !self.sound || self.primary != self.secondary
    }
}

/// Exclusive or of the first 127 words; 0 and -1 are replaced, as both stand for something else.
fn checksum(raw: &[u8; SIZE]) -> u32 {
    let words = raw.as_chunks::<4>().0.iter().take(127);
    match words.fold(0, |sum, &word| sum ^ u32::from_le_bytes(word)) {
        u32::MAX => u32::MAX - 1,
        0 => 1,
        sum => sum,
    }
}
