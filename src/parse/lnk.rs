//! Shell links (`.lnk`): which program one starts. Format: [MS-SHLLINK].
//!
//! Called by the source `autostart` (startup folders). Arguments may hold secrets: they are passed
//! over. Must not know what exists, nor the values of variables.

use crate::parse::At;
use crate::parse::Fault;
use crate::parse::bytes::array;
use crate::parse::bytes::le32;
use crate::parse::guid::Guid;
use crate::parse::lnk_ids;
use crate::parse::note;
use crate::parse::utf16;

/// Length of the header.
const HEADER: usize = 0x4c;
/// `{00021401-0000-0000-C000-000000000046}` as bytes.
const CLASS: [u8; 16] = [1, 0x14, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];
/// Blocks of extra data that are looked at; eleven kinds are known.
const MAX_BLOCKS: usize = 64;

const HAS_IDS: u32 = 1;
const HAS_INFO: u32 = 1 << 1;
const UNICODE: u32 = 1 << 7;
const NO_INFO: u32 = 1 << 8;
/// Name, relative path, working folder, arguments, icon: the order of their texts.
const TEXTS: [u32; 5] = [1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6];

/// What a link says. `None`: it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// The path from `LinkInfo`: `C:\…`, or `\\server\share\…`.
    pub path: Option<String>,
    /// The path with variables: `%ProgramFiles%\…`.
    pub variable_path: Option<String>,
    /// The path from the list of shell items, with long names.
    pub item_path: Option<String>,
    /// The path relative to the folder of the link.
    pub relative_path: Option<String>,
    /// Folder that the program starts in.
    pub folder: Option<String>,
    /// Product code, where Windows Installer looks for the program ("advertised" shortcut).
    pub product: Option<Guid>,
}

impl Link {
    /// The path that Windows would start, as far as the link itself tells. A path with letters that
    /// the code page of the writer made unreadable gives way to one without.
    pub fn target(&self) -> Option<&str> {
        let sound = |path: &&String| !path.contains(char::REPLACEMENT_CHARACTER);
        let all = [&self.path, &self.variable_path, &self.item_path];
        let found = all.iter().find_map(|path| path.as_ref().filter(sound));
        found.or_else(|| all.iter().find_map(|path| path.as_ref())).map(String::as_str)
    }
}

/// Reads a link; `None` where the file is not one.
pub fn link(bytes: &[u8]) -> Option<(Link, Vec<Fault>)> {
    let head = bytes.get(..HEADER)?;
    if le32(head, 0) != Some(0x4c) || array(head, 4) != Some(CLASS) {
        return None;
    }
    let flags = le32(head, 20)?;
    let mut out = Link::default();
    let mut faults = Vec::new();
    let mut rest = bytes.get(HEADER..).unwrap_or_default();
    if let Err(what) = body(&mut rest, flags, &mut out) {
        note(&mut faults, At::Whole, what);
    }
    if out.target().is_none() && out.relative_path.is_none() && out.product.is_none() && faults.is_empty() {
        note(&mut faults, At::Whole, "it names no path");
    }
    Some((out, faults))
}

fn body(rest: &mut &[u8], flags: u32, out: &mut Link) -> Result<(), &'static str> {
    if flags & HAS_IDS != 0 {
        let size = usize::from(array(rest, 0).map(u16::from_le_bytes).ok_or("cut before its items")?);
        let ids = take(rest, 2, size).ok_or("cut inside its items")?;
        out.item_path = lnk_ids::path(ids);
    }
    if flags & HAS_INFO != 0 {
        let size =
            le32(rest, 0).and_then(|size| usize::try_from(size).ok()).ok_or("cut before its location")?;
        let info = take(rest, 0, size).ok_or("cut inside its location")?;
        if size < 4 {
            return Err("a location without length");
        }
        if flags & NO_INFO == 0 {
            out.path = location(info);
        }
    }
    for (n, flag) in TEXTS.into_iter().enumerate() {
        if flags & flag == 0 {
            continue;
        }
        let text = counted(rest, flags & UNICODE != 0).ok_or("cut inside its texts")?;
        match n {
            1 => out.relative_path = some(&text),
            2 => out.folder = some(&text),
            _ => {}
        }
    }
    extra(rest, out)
}

/// `LinkInfo`, section 2.3: the local path or that of a share, and what both have in common.
fn location(info: &[u8]) -> Option<String> {
    let at = |field: usize| le32(info, field).and_then(|at| usize::try_from(at).ok()).filter(|at| *at != 0);
    let (header, flags) = (at(4)?, le32(info, 8)?);
    let wide = header >= 0x24;
    let text = |narrow: usize, broad: usize| {
        let unicode = at(broad).filter(|_| wide).and_then(|at| info.get(at..)).map(utf16::little_z);
        unicode.or_else(|| at(narrow).and_then(|at| info.get(at..)).map(ansi))
    };
    let base = if flags & 1 != 0 {
        text(0x10, 0x1c)?
    } else {
        let network = info.get(at(0x14).filter(|_| flags & 2 != 0)?..)?;
        share(network)?
    };
    let suffix = text(0x18, 0x20).unwrap_or_default();
    let joint = if suffix.is_empty() || base.ends_with('\\') { "" } else { "\\" };
    some(&format!("{base}{joint}{suffix}"))
}

/// `CommonNetworkRelativeLink`, section 2.3.2: the name of the share.
fn share(network: &[u8]) -> Option<String> {
    let at = |field: usize| le32(network, field).and_then(|at| usize::try_from(at).ok());
    let name = at(8)?;
    if name > 0x14 {
        return network.get(at(0x14)?..).map(utf16::little_z);
    }
    network.get(name..).map(ansi)
}

/// `ExtraData`, section 2.5: blocks until one shorter than 4.
fn extra(rest: &mut &[u8], out: &mut Link) -> Result<(), &'static str> {
    for _ in 0..MAX_BLOCKS {
        // Some writers leave out the terminal block.
        let Some(size) = le32(rest, 0).and_then(|size| usize::try_from(size).ok()) else { return Ok(()) };
        if size < 4 {
            return Ok(());
        }
        let block = take(rest, 0, size).ok_or("cut inside its extra data")?;
        // Both have 260 letters in the code page, then 260 in UTF-16.
        let text = || {
            let wide = block.get(8 + 260..).map(utf16::little_z).and_then(|text| some(&text));
            wide.or_else(|| {
                block.get(8..).map(|text| ansi(text.get(..260).unwrap_or(text))).and_then(|text| some(&text))
            })
        };
        match le32(block, 4) {
            Some(0xa000_0001) => out.variable_path = text(),
            Some(0xa000_0006) => {
                out.product = text().and_then(|text| text.get(..20).and_then(Guid::unsqueeze));
            }
            _ => {}
        }
    }
    Err("more blocks of extra data than a link has")
}

/// `StringData`, section 2.4: a count of letters, no closing zero.
fn counted(rest: &mut &[u8], wide: bool) -> Option<String> {
    let letters = usize::from(array(rest, 0).map(u16::from_le_bytes)?);
    let text = take(rest, 2, if wide { letters.checked_mul(2)? } else { letters })?;
    Some(if wide { utf16::little_z(text) } else { ansi(text) })
}

/// Text in the code page of whoever wrote it, up to a zero. Which page that is stands nowhere, so that
/// only ASCII is read.
pub(crate) fn ansi(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    text.iter()
        .map(|byte| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER })
        .collect()
}

/// Skips `skip` bytes and takes `size`.
fn take<'a>(rest: &mut &'a [u8], skip: usize, size: usize) -> Option<&'a [u8]> {
    let (taken, tail) = rest.get(skip..)?.split_at_checked(size)?;
    *rest = tail;
    Some(taken)
}

fn some(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

#[cfg(test)]
#[path = "lnk_tests.rs"]
mod tests;
