//! The mark of an AppImage: an ELF file with `AI` and its type in the padding of the ELF header.
//!
//! Format: docs.appimage.org, "AppImage specification", image format. Called by the source
//! `appimage`. Must not know how such a file is named.

/// Bytes from the start of a file that [`kind`] needs.
pub const HEAD: usize = 11;

/// How the payload is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppImage {
    /// Type 1: an ISO 9660 image.
    Iso,
    /// Type 2: a file system image behind the ELF part.
    Appended,
}

/// What the head of a file says; `None`: not marked as an AppImage, or too short.
pub fn kind(head: &[u8]) -> Option<AppImage> {
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    match head.get(8..HEAD)? {
        b"AI\x01" => Some(AppImage::Iso),
        b"AI\x02" => Some(AppImage::Appended),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_types_and_neither() {
        assert_eq!(kind(b"\x7fELF\x02\x01\x01\0AI\x01\0"), Some(AppImage::Iso));
        assert_eq!(kind(b"\x7fELF\x02\x01\x01\0AI\x02"), Some(AppImage::Appended));
        assert_eq!(kind(b"\x7fELF\x02\x01\x01\0AI\x03"), None);
        assert_eq!(kind(b"\x7fELF\x02\x01\x01\0\0\0\0"), None);
        assert_eq!(kind(b"MZ\0\0\0\0\0\0AI\x02"), None);
        for cut in 0..HEAD {
            assert_eq!(kind(&b"\x7fELF\x02\x01\x01\0AI\x02"[..cut]), None);
        }
    }
}
