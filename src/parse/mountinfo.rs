//! `/proc/<pid>/mountinfo`: what is mounted where; proc(5).
//!
//! Called by `host`, which decides what it enters. Must not know which file systems are remote.

use std::borrow::Cow;

use super::At;
use super::Parsed;
use super::text::lines;
use super::text::number;
use super::text::split_once;
use super::text::unescape;

/// One mount, in the order in which they were made: a later one lies over an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Mount id.
    pub id: u64,
    /// Id of the mount it stands on.
    pub parent: u64,
    /// Device, major and minor.
    pub device: (u32, u32),
    /// Path inside the file system that is the root of this mount.
    pub root: Cow<'a, [u8]>,
    /// Where it is mounted.
    pub mount_point: Cow<'a, [u8]>,
    /// Per-mount options: `rw,relatime`.
    pub options: &'a [u8],
    /// `ext4`, `fuse.sshfs`
    pub fs_type: &'a [u8],
    /// Device, server or `none`.
    pub source: Cow<'a, [u8]>,
    /// Per-superblock options.
    pub super_options: &'a [u8],
}

impl Mount<'_> {
    /// Whether a per-mount or per-superblock option stands there, as a whole word or before `=`.
    pub fn has_option(&self, name: &str) -> bool {
        [self.options, self.super_options]
            .iter()
            .flat_map(|list| list.split(|c| *c == b','))
            .any(|one| split_once(one, b'=').map_or(one, |(key, _)| key) == name.as_bytes())
    }
}

/// Mounts of a mountinfo file.
pub fn mountinfo(bytes: &[u8]) -> Parsed<Mount<'_>> {
    let mut out = Parsed::default();
    for (line, row) in lines(bytes) {
        match mount(row) {
            Some(mount) => out.records.push(mount),
            None => out.fault(At::Line(line), "not a mount"),
        }
    }
    // The kernel ends every line; a file cut between two words may still look like a mount.
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        out.fault(At::Whole, "the last line has no end: truncated");
    }
    out
}

fn mount(line: &[u8]) -> Option<Mount<'_>> {
    let mut words = line.split(|c| *c == b' ');
    let (id, parent) = (number(words.next()?)?, number(words.next()?)?);
    let (major, minor) = split_once(words.next()?, b':')?;
    let device = (u32::try_from(number(major)?).ok()?, u32::try_from(number(minor)?).ok()?);
    let (root, mount_point) = (path(words.next()?)?, path(words.next()?)?);
    let options = words.next()?;
    // Optional fields, as many as there are, end with a lone hyphen.
    words.find(|word| *word == b"-")?;
    let (fs_type, source) = (words.next()?, unescape(words.next()?));
    let super_options = words.next()?;
    Some(Mount { id, parent, device, root, mount_point, options, fs_type, source, super_options })
}

fn path(word: &[u8]) -> Option<Cow<'_, [u8]>> {
    (!word.is_empty()).then(|| unescape(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] =
        b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n";

    #[test]
    fn the_line_of_the_manual() {
        let got = mountinfo(LINE);
        assert_eq!(got.faults, []);
        let one = &got.records[0];
        assert_eq!((one.id, one.parent, one.device), (36, 35, (98, 0)));
        assert_eq!((&*one.root, &*one.mount_point), (&b"/mnt1"[..], &b"/mnt2"[..]));
        assert_eq!((one.fs_type, &*one.source), (&b"ext3"[..], &b"/dev/root"[..]));
        assert!(one.has_option("noatime") && one.has_option("errors") && !one.has_option("ro"));
    }

    #[test]
    fn octal_escapes_and_no_optional_fields() {
        let got = mountinfo(b"1 0 0:25 / /a\\040b\\134c\\\\9\xff ro - fuse.x s\\011t rw\n");
        assert_eq!(&*got.records[0].mount_point, b"/a b\\c\\\\9\xff");
        assert_eq!(&*got.records[0].source, b"s\tt");
        assert_eq!(&*unescape(b"\\777\\04"), b"\\777\\04");
    }

    #[test]
    fn every_cut_is_a_fault() {
        for cut in 1..LINE.len() {
            assert!(!mountinfo(&LINE[..cut]).faults.is_empty(), "cut at {cut}");
        }
    }

    #[test]
    fn garbage_keeps_the_sound_lines() {
        let mixed = [&b"\xff\0 nonsense\n\n"[..], LINE, b"1 2 3 / / rw - a b c\n"].concat();
        let got = mountinfo(&mixed);
        assert_eq!((got.records.len(), got.faults.len()), (1, 3));
        let many = b"x\n".repeat(1 << 20);
        assert_eq!(mountinfo(&many).faults.len(), super::super::MAX_FAULTS);
        let big = [&b"1 0 0:1 / /"[..], &b"\\040".repeat(1 << 20), b" rw - a b c\n"].concat();
        assert_eq!(mountinfo(&big).records[0].mount_point.len(), (1 << 20) + 1);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test reads the kernel's own file")]
    fn this_machine_reads_whole() {
        let Ok(bytes) = std::fs::read("/proc/self/mountinfo") else { return };
        let got = mountinfo(&bytes);
        assert_eq!(got.faults, []);
        assert!(got.records.iter().any(|one| &*one.mount_point == b"/"));
    }
}
