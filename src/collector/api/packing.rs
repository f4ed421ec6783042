//! Unpacking what comes packed, within bounds.
//!
//! Called by `body`. Pure, and of nothing else of the house: the fuzz target builds this file alone.

use std::io::Read as _;

use ruzstd::decoding::StreamingDecoder;

/// The window that a frame may ask for: what RFC 9659 lets senders use.
const MAX_WINDOW: u64 = 8 << 20;

/// What keeps a body packed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpack {
    /// It has more bytes than it may have.
    TooLarge,
    /// It is no frame, or not one alone.
    Bad(String),
}

/// A frame of zstd unpacked, if that has at most so many bytes; no more than these and a window are ever held.
pub(super) fn unzstd(packed: &[u8], cap: usize) -> Result<Vec<u8>, Unpack> {
    let bad = |error: &dyn std::fmt::Display| Unpack::Bad(error.to_string());
    let mut decoder =
        StreamingDecoder::new_with_max_window_size(packed, MAX_WINDOW).map_err(|error| bad(&error))?;
    let mut text = Vec::new();
    decoder.by_ref().take(cap as u64 + 1).read_to_end(&mut text).map_err(|error| bad(&error))?;
    if text.len() > cap {
        return Err(Unpack::TooLarge);
    }
    if !decoder.get_ref().is_empty() {
        return Err(Unpack::Bad("there is more after the frame".to_owned()));
    }
    Ok(text)
}
