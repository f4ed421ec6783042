//! `/etc/fstab`: which file systems this system mounts where; fstab(5).
//!
//! Called by `host`: a folder that should hold another file system, and is empty, was not seen. Must not know mounts.

use std::borrow::Cow;

use super::text::lines;
use super::text::unescape;
use super::{At, Parsed};

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Device, label or server.
    pub source: Cow<'a, [u8]>,
    /// Where it is mounted.
    pub mount_point: Cow<'a, [u8]>,
    /// Type.
    pub fs_type: &'a [u8],
    /// Options, comma between them.
    pub options: &'a [u8],
}

impl Entry<'_> {
    /// Whether it holds files and is mounted when the system starts.
    pub fn is_expected(&self) -> bool {
        let kernels =
            [&b"swap"[..], b"proc", b"sysfs", b"tmpfs", b"devpts", b"devtmpfs", b"efivarfs", b"ignore"];
        let by_hand = self.options.split(|c| *c == b',').any(|option| option == b"noauto");
        self.mount_point.starts_with(b"/")
            && *self.mount_point != *b"/"
            && !kernels.contains(&self.fs_type)
            && !by_hand
    }
}

/// Entries of a table; comments and empty lines are none.
pub fn fstab(bytes: &[u8]) -> Parsed<Entry<'_>> {
    let mut parsed = Parsed::default();
    for (number, line) in lines(bytes) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        match (words.next(), words.next(), words.next()) {
            (Some(source), Some(mount_point), Some(fs_type)) => parsed.records.push(Entry {
                source: unescape(source),
                mount_point: unescape(mount_point),
                fs_type,
                options: words.next().unwrap_or_default(),
            }),
            _ => parsed.fault(At::Line(number), "not a mount of three fields or more"),
        }
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_at_start() {
        let table = b"# comment\nUUID=1 / ext4 defaults 0 1\nUUID=2 /home xfs defaults\n/dev/sr0 /media/cdrom0 iso9660 user,noauto 0 0\n\
                      UUID=3 none swap sw\nsrv:/x /my\\040data nfs4 _netdev\ntmpfs /tmp tmpfs\n";
        let parsed = fstab(table);
        assert!(parsed.faults.is_empty());
        let expected: Vec<_> = parsed.records.iter().filter(|entry| entry.is_expected()).collect();
        let points: Vec<_> = expected.iter().map(|entry| &*entry.mount_point).collect();
        assert_eq!(points, [&b"/home"[..], b"/my data"]);
    }

    #[test]
    fn garbage_is_a_fault() {
        let parsed = fstab(b"one\n\xff\xfe two\n\0\n");
        assert!(parsed.records.is_empty());
        assert_eq!(parsed.faults.len(), 3);
    }
}
