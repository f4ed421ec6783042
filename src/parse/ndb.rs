//! NDB, the package database of SUSE (`Packages.db`): slot pages that point at blobs.
//! Format: `lib/backend/ndb/rpmpkg.c` of <https://github.com/rpm-software-management/rpm>.
//!
//! Called by [`crate::parse::rpmdb`]. Must not know what a blob means.

use crate::parse::At;
use crate::parse::CHANGED;
use crate::parse::Fault;
use crate::parse::ReadAt;
use crate::parse::bytes::fill;
use crate::parse::bytes::le32;
use crate::parse::bytes::to_usize;
use crate::parse::note;
use crate::parse::rpmdb::MAX_BLOB;
use crate::parse::rpmdb::Visit;

/// First four bytes of the file.
pub(crate) const MAGIC: &[u8; 4] = b"RpmP";

const PAGE: usize = 4096;
const SLOT: usize = 16;
const BLOCK: u64 = 16;
/// A slot page has 256 slots: more pages than this is no package database (16 million packages).
const MAX_SLOT_PAGES: u32 = 1 << 16;
const HEAD: u64 = 16;
const TAIL: u64 = 12;

/// Where a blob lies; offset and length in blocks of 16 bytes.
#[derive(Debug, Clone, Copy)]
struct Slot {
    package: u32,
    offset: u32,
    blocks: u32,
}

/// Hands every blob to `visit` as (package number, header), in the order of the file.
pub fn records(src: &dyn ReadAt, visit: &mut Visit<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let (head, slots) = match slots(src, &mut faults) {
        Ok(found) => found,
        Err(what) => return vec![Fault::new(At::Whole, what)],
    };
    let mut buf = Vec::new();
    let mut last = None;
    for slot in slots {
        if last == Some(slot.package) {
            note(&mut faults, At::Record(format!("package {}", slot.package)), "two slots for one package");
        }
        last = Some(slot.package);
        match blob(src, slot, &mut buf) {
            Ok((bytes, damage)) => {
                if let Some(what) = damage {
                    note(&mut faults, At::Record(format!("package {}", slot.package)), what);
                }
                if visit(slot.package, bytes).is_break() {
                    return faults;
                }
            }
            Err(what) => note(&mut faults, At::Record(format!("package {}", slot.package)), what),
        }
    }
    let mut now = [0; 32];
    if fill(src, 0, &mut now).is_err() || now != head {
        note(&mut faults, At::Whole, CHANGED);
    }
    faults
}

/// The file's first 32 bytes, and the used slots sorted by package number.
fn slots(src: &dyn ReadAt, faults: &mut Vec<Fault>) -> Result<([u8; 32], Vec<Slot>), String> {
    let mut head = [0; 32];
    fill(src, 0, &mut head)?;
    if !head.starts_with(MAGIC) {
        return Err("no NDB magic".to_owned());
    }
    let version = le32(&head, 4).unwrap_or(u32::MAX);
    if version != 0 {
        return Err(format!("NDB version {version} is not known"));
    }
    let pages = le32(&head, 12).unwrap_or(0);
    if pages == 0 || pages > MAX_SLOT_PAGES {
        return Err(format!("{pages} slot pages"));
    }
    let mut found = Vec::new();
    let mut page = [0; PAGE];
    for number in 0..pages {
        let at = u64::from(number) * PAGE as u64;
        if let Err(what) = fill(src, at, &mut page) {
            note(faults, At::Record(format!("slot page {number} of {pages}")), what);
            break;
        }
        let skip = if number == 0 { head.len() } else { 0 };
        slots_of(&page, at, skip, (&mut found, faults));
    }
    found.sort_by_key(|slot: &Slot| slot.package);
    Ok((head, found))
}

fn slots_of(page: &[u8; PAGE], at: u64, skip: usize, (found, faults): (&mut Vec<Slot>, &mut Vec<Fault>)) {
    for (number, raw) in page.chunks_exact(SLOT).enumerate().skip(skip / SLOT) {
        let place = At::Offset(at + (number * SLOT) as u64);
        let (Some(package), Some(offset), Some(blocks)) = (le32(raw, 4), le32(raw, 8), le32(raw, 12)) else {
            continue;
        };
        if !raw.starts_with(b"Slot") {
            note(faults, place, "slot without its magic");
        } else if offset != 0 {
            found.push(Slot { package, offset, blocks });
        } else if package != 0 || blocks != 0 {
            note(faults, place, format!("slot of package {package} points nowhere"));
        }
    }
}

/// The header in a blob, and what is wrong with its frame although its bytes are there.
fn blob<'b>(
    src: &dyn ReadAt,
    slot: Slot,
    buf: &'b mut Vec<u8>,
) -> Result<(&'b [u8], Option<String>), String> {
    let len = u64::from(slot.blocks) * BLOCK;
    let start = u64::from(slot.offset) * BLOCK;
    if len < HEAD + TAIL {
        return Err(format!("blob of {len} bytes"));
    }
    if len > MAX_BLOB {
        return Err(format!("blob of {len} bytes is over the cap of {MAX_BLOB}"));
    }
    if start.checked_add(len).is_none_or(|end| end > src.size()) {
        return Err(format!("blob at offset {start} ends behind the end of the file"));
    }
    buf.resize(usize::try_from(len).unwrap_or(usize::MAX), 0);
    fill(src, start, buf)?;
    if !buf.starts_with(b"BlbS") || le32(buf, 4) != Some(slot.package) {
        return Err(format!("no blob of this package at offset {start}"));
    }
    let size = le32(buf, 12).unwrap_or(u32::MAX);
    if (HEAD + u64::from(size) + TAIL).div_ceil(BLOCK) * BLOCK != len {
        return Err(format!("blob says {size} bytes, its slot has {} blocks", slot.blocks));
    }
    let damage = frame_damage(buf, size);
    let bytes = buf.get(16..).and_then(|rest| rest.get(..to_usize(size))).unwrap_or_default();
    Ok((bytes, damage))
}

/// Checks the trailer: Adler-32 of everything before it, the length again, the end magic.
fn frame_damage(buf: &[u8], size: u32) -> Option<String> {
    let (body, tail) = buf.split_at_checked(buf.len().checked_sub(12)?)?;
    if !tail.ends_with(b"BlbE") || le32(tail, 4) != Some(size) {
        return Some("blob without its end mark".to_owned());
    }
    let (want, have) = (le32(tail, 0)?, adler32(body));
    (want != have).then(|| format!("checksum is {have:08x}, the blob says {want:08x}"))
}

/// RFC 1950, section 8.2. 5552 bytes is the longest run whose sums fit 32 bits.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for run in bytes.chunks(5552) {
        let mut eights = run.chunks_exact(8);
        for eight in &mut eights {
            // Eight at a time: the weighted sum has no chain from byte to byte.
            let (sum, weighted) = eight.iter().zip([8_u32, 7, 6, 5, 4, 3, 2, 1]).fold(
                (0_u32, 0_u32),
                |(sum, weighted), (&byte, weight)| {
                    (sum + u32::from(byte), weighted + u32::from(byte) * weight)
                },
            );
            high += low * 8 + weighted;
            low += sum;
        }
        for &byte in eights.remainder() {
            low += u32::from(byte);
            high += low;
        }
        low %= 65521;
        high %= 65521;
    }
    high << 16 | low
}

#[cfg(test)]
#[path = "ndb_tests.rs"]
mod tests;
