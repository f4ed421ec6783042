//! Security descriptors of Windows in their self-relative form: who owns a thing, and who may do what with it. Format:
//! [MS-DTYP] 2.4 (<https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp>).
//!
//! Called by what asks for the rights of a file of the operator, and by the processes of a running Windows. Must not know
//! which accounts are to be trusted.

use crate::parse::bytes::{array, le32, to_usize};

/// An access-allowed entry (2.4.4.2), and one with a condition behind its account (2.4.4.6).
const ALLOWED: [u8; 2] = [0, 9];
/// The entry is for what will be made below, not for the thing itself (2.4.4.1).
const INHERIT_ONLY: u8 = 0x08;
/// There is a list of rights (2.4.6).
const DACL_PRESENT: u16 = 0x0004;

/// What a descriptor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityDescriptor {
    /// Who owns the thing, as `S-1-5-18`; an owner may change the rights.
    pub owner: Option<String>,
    /// Who is allowed what. None where there is no list: everybody may do everything then, while an empty list lets nobody.
    pub granted: Option<Vec<Grant>>,
}

/// One entry that allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The account.
    pub who: String,
    /// Its rights: an access mask (2.4.3).
    pub rights: u32,
}

/// Reads a descriptor. None where it is cut short or contradicts itself: nothing is known of the rights then.
///
/// Entries that deny are passed over: they only take from what others grant.
pub fn security_descriptor(bytes: &[u8]) -> Option<SecurityDescriptor> {
    let header @ [1, _, low, high, ..] = array::<20>(bytes, 0)? else { return None };
    let control = u16::from_le_bytes([low, high]);
    let part = |at: usize| le32(&header, at).filter(|offset| *offset > 0).map(to_usize);
    let owner = match part(4) {
        Some(offset) => Some(sid(bytes.get(offset..)?)?),
        None => None,
    };
    let granted = match part(16).filter(|_| control & DACL_PRESENT != 0) {
        Some(offset) => Some(grants(bytes.get(offset..)?)?),
        None => None,
    };
    Some(SecurityDescriptor { owner, granted })
}

/// The entries of a list that allow (2.4.5).
fn grants(list: &[u8]) -> Option<Vec<Grant>> {
    let count = u16::from_le_bytes(array(list, 4)?);
    let mut rest = list.get(8..usize::from(u16::from_le_bytes(array(list, 2)?)))?;
    let mut granted = Vec::new();
    for _ in 0..count {
        let [kind, flags, low, high] = array(rest, 0)?;
        let (entry, behind) = rest.split_at_checked(usize::from(u16::from_le_bytes([low, high])).max(4))?;
        if ALLOWED.contains(&kind) && flags & INHERIT_ONLY == 0 {
            granted.push(Grant { rights: le32(entry, 4)?, who: sid(entry.get(8..)?)? });
        }
        rest = behind;
    }
    Some(granted)
}

/// A security identifier as text: `S-1-5-18` (2.4.2). What stands behind it is left alone.
pub fn sid(bytes: &[u8]) -> Option<String> {
    let [revision, count, authority @ ..] = array::<8>(bytes, 0)?;
    let parts = bytes.get(8..8 + usize::from(count) * 4)?.chunks_exact(4);
    let authority = authority.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let parts = parts.filter_map(|part| part.first_chunk::<4>());
    let parts = parts.map(|part| format!("-{}", u32::from_le_bytes(*part)));
    Some(format!("S-{revision}-{authority}{}", parts.collect::<String>()))
}

#[cfg(test)]
#[path = "security_descriptor_tests.rs"]
mod tests;
