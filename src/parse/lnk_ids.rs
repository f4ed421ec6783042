//! The list of shell items in a link: the folders on the way to its target, with their long names.
//! The items are not documented; what is read here is what all Windows since XP write. [reverse-engineered]
//!
//! Called by `lnk` only. Must not know the rest of a link.

use crate::parse::bytes::array;
use crate::parse::bytes::le32;
use crate::parse::lnk::ansi;
use crate::parse::utf16;

/// Signature of the block with the long name behind a file's item.
const LONG_NAME: u32 = 0xbeef_0004;

/// The path, where the list goes from a drive down through folders to a file. `None` for anything else
/// (control panels, libraries, shares).
pub(crate) fn path(mut ids: &[u8]) -> Option<String> {
    let mut path = String::new();
    while let Some(size) = array(ids, 0).map(u16::from_le_bytes).map(usize::from).filter(|size| *size != 0) {
        let item = ids.get(2..size)?;
        ids = ids.get(size..)?;
        match (item.first()?, path.is_empty()) {
            // The desktop's folders: This PC. Others, as the user's own folder, have no path.
            (0x1f, true) => {}
            // A drive: its letter, colon and backslash.
            (0x20..=0x2f, true) => {
                let drive = ansi(item.get(1..)?);
                let letter = drive.chars().next().filter(char::is_ascii_alphabetic)?;
                path = format!("{}:", letter.to_ascii_uppercase());
            }
            (kind @ 0x30..=0x3f, false) => {
                path.push('\\');
                path.push_str(&name(*kind, item).filter(|name| !name.is_empty())?);
            }
            _ => return None,
        }
    }
    (path.len() > 2).then_some(path)
}

/// A folder's or file's item: kind, size, time, attributes, short name, then the block with the long one.
fn name(kind: u8, item: &[u8]) -> Option<String> {
    let short = item.get(12..)?;
    let short = if kind & 4 == 0 { ansi(short) } else { utf16::little_z(short) };
    Some(long_name(item).filter(|long| !long.is_empty()).unwrap_or(short))
}

/// The item's last two bytes say where the block begins, counted with the two bytes of its length.
fn long_name(item: &[u8]) -> Option<String> {
    let at = usize::from(u16::from_le_bytes(*item.last_chunk()?)).checked_sub(2)?;
    let block = item.get(at..)?;
    if le32(block, 4)? != LONG_NAME {
        return None;
    }
    let version = array(block, 2).map(u16::from_le_bytes)?;
    // Two times and a number; since Vista a file reference, since 8 more.
    let name = match version {
        3..=6 => 20,
        7 => 38,
        8 => 42,
        9.. => 46,
        _ => return None,
    };
    // The last two bytes are the offset itself.
    let end = item.len().checked_sub(2)?.checked_sub(at)?;
    Some(utf16::little_z(block.get(name..end)?))
}
