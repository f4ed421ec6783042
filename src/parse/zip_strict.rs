//! ZIP archives of which every byte is accounted for: deflated files one after the other, the directory, the end, and
//! nothing before, between or behind. What two unpackers could read in two ways is refused.
//! Format: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (end).
//!
//! Called by `cli` for attestation packs. Must not know what a file holds. Archives of others are read by `zip`.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::DecompressorOxide;
use miniz_oxide::inflate::core::decompress;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF as WHOLE;

use super::bytes::{Order, array, le32, to_usize};
use super::zip::crc32;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Bytes of a local header before the name.
const LOCAL_LENGTH: usize = 30;
/// What a local header says after its signature: version 2.0, no flags, deflated.
const PLAIN: [u8; 6] = [20, 0, 0, 0, 8, 0];
/// Made by version 2.0 on Unix: only so do the attributes say that it is a regular file, and no link.
const MADE_BY: [u8; 2] = [20, 3];
/// A regular file that everybody may read, in the upper half (`S_IFREG | 0644`).
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// Letters of the longest name.
const MAX_NAME: usize = 100;

/// What an archive may hold; beyond it nothing is unpacked.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// Files.
    pub files: usize,
    /// Bytes of all files, unpacked.
    pub bytes: u64,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'b> {
    /// Its name: letters, digits, `.`, `-` and `_`; no folder.
    pub name: &'b str,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// Every file of an archive, in the order of their names; the error is a sentence part.
pub fn members<'b>(bytes: &'b [u8], caps: &Caps) -> Result<Vec<Member<'b>>, String> {
    let mut found: Vec<Member<'b>> = Vec::new();
    let (mut directory, mut at, mut left) = (Vec::new(), 0, caps.bytes);
    let mut times = None;
    while array(bytes, at) == Some(LOCAL) {
        if found.len() == caps.files {
            return Err(format!("it has more than {} files", caps.files));
        }
        let (member, length) = member(bytes, at, &mut left)?;
        let name = member.name;
        if found.last().is_some_and(|last| last.name >= name) {
            return Err(format!("the file {name} is there twice, or its files are not in order"));
        }
        if found.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(format!("the file {name} is there twice, once in other letters"));
        }
        let header = bytes.get(at..at + LOCAL_LENGTH).unwrap_or_default();
        let time = array::<4>(header, 10);
        if *times.get_or_insert(time) != time {
            return Err(format!("the file {name} has another time than those before it"));
        }
        let offset = u32::try_from(at).map_err(|_| "it is longer than 4 GB")?;
        directory.extend(entry(header, offset, name));
        at += length;
        found.push(member);
    }
    if found.is_empty() {
        return Err("it does not begin with a file".to_owned());
    }
    let end = end(found.len(), directory.len(), at).ok_or("it has too many files")?;
    for (wanted, what) in [(directory, "directory"), (end.to_vec(), "end")] {
        let stop = at.checked_add(wanted.len());
        match stop.and_then(|stop| bytes.get(at..stop)) {
            None => return Err(format!("it ends inside its {what}: it was cut off")),
            Some(there) if there != wanted => {
                return Err(format!("its {what} (offset {at}) does not say what its files say"));
            }
            Some(_) => at += wanted.len(),
        }
    }
    if at == bytes.len() {
        Ok(found)
    } else {
        Err(format!("{} bytes follow behind its end", bytes.len() - at))
    }
}

/// The file at an offset, and how long it is with its header.
fn member<'b>(bytes: &'b [u8], at: usize, left: &mut u64) -> Result<(Member<'b>, usize), String> {
    let header = bytes.get(at..at.saturating_add(LOCAL_LENGTH)).ok_or("it ends inside a header")?;
    let word = |field| Order::Little.u16(header, field).map_or(0, usize::from);
    let long = |field| le32(header, field).unwrap_or(0);
    let (crc, packed, size) = (long(14), to_usize(long(18)), long(22));
    let start = at + LOCAL_LENGTH;
    let rest = bytes.get(start..).unwrap_or_default();
    let (name, rest) = rest.split_at_checked(word(26)).ok_or("it ends inside a name")?;
    let name = name_of(name).ok_or_else(|| {
        let name = String::from_utf8_lossy(name.get(..MAX_NAME).unwrap_or(name)).into_owned();
        format!("the name {name:?} (offset {start}) is not that of a plain file")
    })?;
    if array(header, 4) != Some(PLAIN) || word(28) != 0 {
        return Err(format!("the header of {name} (offset {at}) asks for more than a deflated file needs"));
    }
    let packed =
        rest.get(..packed).ok_or_else(|| format!("it ends inside the file {name}: it was cut off"))?;
    *left = left
        .checked_sub(u64::from(size))
        .ok_or_else(|| format!("the file {name} claims {size} bytes, more than is unpacked"))?;
    let data = inflate(packed, to_usize(size))
        .filter(|data| crc32(data) == crc)
        .ok_or_else(|| format!("the file {name} cannot be unpacked to what its header says"))?;
    Ok((Member { name, data }, LOCAL_LENGTH + name.len() + packed.len()))
}

/// A name that means the same on every system and leads into no folder.
fn name_of(raw: &[u8]) -> Option<&str> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let sound = raw.len() <= MAX_NAME && raw.first()?.is_ascii_alphanumeric() && raw.last() != Some(&b'.');
    str::from_utf8(raw).ok().filter(|_| sound && raw.iter().all(plain))
}

/// Unpacks to exactly so many bytes out of exactly these: a bomb has no room to go off.
fn inflate(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    // Deflate makes at most 1,032 bytes of one: what claims more is not worth the memory.
    if size / 1032 > packed.len() {
        return None;
    }
    let mut out = vec![0; size];
    let (status, read, written) = decompress(&mut DecompressorOxide::new(), packed, &mut out, 0, WHOLE);
    (status == TINFLStatus::Done && read == packed.len() && written == size).then_some(out)
}

/// What the directory has to say of a file with this local header.
fn entry(header: &[u8], offset: u32, name: &str) -> Vec<u8> {
    let same = header.get(4..LOCAL_LENGTH).unwrap_or_default();
    // No comment, first disk, no inner attributes.
    let rest = [&[0; 6][..], &ATTRIBUTES.to_le_bytes(), &offset.to_le_bytes(), name.as_bytes()].concat();
    [b"PK\x01\x02", &MADE_BY[..], same, &rest].concat()
}

/// What the end has to say: one disk, no comment.
fn end(files: usize, length: usize, at: usize) -> Option<[u8; 22]> {
    let files = u16::try_from(files).ok()?.to_le_bytes();
    let [length, at] = [length, at].map(|n| u32::try_from(n).ok().map(u32::to_le_bytes));
    let mut end = [0; 22];
    let parts = [&b"PK\x05\x06"[..], &[0; 4], &files, &files, &length?, &at?];
    end.iter_mut().zip(parts.concat()).for_each(|(to, from)| *to = from);
    Some(end)
}

#[cfg(test)]
#[path = "zip_strict_tests.rs"]
mod tests;
