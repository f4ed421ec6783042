//! `/proc/modules`: loaded kernel modules; proc(5), `kernel/module/procfs.c`.
//!
//! Called by the source of kernel modules. Must not know which module belongs to whom.

use super::At;
use super::Parsed;
use super::text::lines;
use super::text::number;

/// One loaded module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module<'a> {
    /// Line, from 1.
    pub line: usize,
    /// Name, with `_` where the file has `-`.
    pub name: &'a [u8],
    /// Bytes in memory.
    pub size: u64,
    /// `Live`, `Loading` or `Unloading`.
    pub state: &'a [u8],
    /// Taint letters: `P` proprietary, `O` out of tree, `E` unsigned …; empty when there are none.
    pub taint: &'a [u8],
}

/// Modules in the kernel's order, the newest first.
pub fn modules(bytes: &[u8]) -> Parsed<Module<'_>> {
    let mut out = Parsed::default();
    for (line, row) in lines(bytes) {
        match module(line, row) {
            Some(module) => out.records.push(module),
            None => out.fault(At::Line(line), "not a module"),
        }
    }
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        out.fault(At::Whole, "the last line has no end: truncated");
    }
    out
}

/// `name size references users state address (taint)`; references are `-` without unloading.
fn module(line: usize, row: &[u8]) -> Option<Module<'_>> {
    let mut words = row.split(|c| *c == b' ');
    let name = words.next().filter(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic))?;
    let size = number(words.next()?)?;
    let state = words.nth(2)?;
    let known: [&[u8]; 3] = [b"Live", b"Loading", b"Unloading"];
    known.contains(&state).then_some(())?;
    let taint = words.nth(1).unwrap_or_default();
    let taint = taint.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")")).unwrap_or_default();
    Some(Module { line, name, size, state, taint })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"kav4fs_oas 53248 1 - Live 0x0000000000000000 (POE)\n\
xfs 1990656 2 - Live 0xffffffffc09c0000\nnf 4 - a,b, Loading 0x0\n";

    #[test]
    fn modules_with_and_without_taint() {
        let got = modules(GOOD);
        assert_eq!(got.faults, []);
        assert_eq!((got.records[0].name, got.records[0].taint), (&b"kav4fs_oas"[..], &b"POE"[..]));
        assert_eq!((got.records[1].size, got.records[1].taint), (1_990_656, &b""[..]));
        assert_eq!(got.records[2].state, b"Loading");
    }

    #[test]
    fn every_cut_is_a_fault() {
        for cut in 1..GOOD.len() {
            let border = GOOD[..cut].ends_with(b"\n");
            assert_eq!(modules(&GOOD[..cut]).faults.is_empty(), border, "cut at {cut}");
        }
    }

    #[test]
    fn garbage_keeps_the_sound_lines() {
        let bytes = [GOOD, b"\n\xff 1 1 - Live 0x0\na b 1 - Live 0x0\na 1 1 - Odd 0x0\n", GOOD].concat();
        let got = modules(&bytes);
        assert_eq!((got.records.len(), got.faults.len()), (6, 4));
        assert_eq!(modules(&b"x\n".repeat(1 << 20)).faults.len(), super::super::MAX_FAULTS);
        let big = [&b"a 1 1 "[..], &b"b,".repeat(1 << 22), b" Live 0x0\n"].concat();
        assert_eq!(modules(&big).records.len(), 1);
    }
}
