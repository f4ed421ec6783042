//! `/proc/self/mountinfo`: what is mounted where.
//!
//! Called by `host` to know what not to enter. Format: `proc_pid_mountinfo(5)`.

use super::{At, Parsed};

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The folder of that file system that is mounted.
    pub root: Vec<u8>,
    /// Where.
    pub mount_point: Vec<u8>,
    /// Options of this mount, comma between them.
    pub options: Vec<u8>,
    /// Type: `ext4`, `nfs4`, `fuse.sshfs`.
    pub fs_type: Vec<u8>,
    /// Device or server.
    pub source: Vec<u8>,
    /// Options of the file system.
    pub super_options: Vec<u8>,
}

/// Mounts in the order they were made.
pub fn parse(bytes: &[u8]) -> Parsed<Mount> {
    let mut parsed = Parsed::default();
    for (at, line) in bytes.split(|&b| b == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        match mount(line) {
            Some(mount) => parsed.records.push(mount),
            None => parsed.fault(At::Line(at + 1), "not a mount"),
        }
    }
    parsed
}

/// Six fields, any number of optional ones, a dash, three more.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&b| b == b' ');
    let root = unescape(fields.nth(3)?);
    let mount_point = unescape(fields.next()?);
    let options = fields.next()?.to_vec();
    fields.by_ref().find(|field| *field == b"-")?;
    let fs_type = fields.next()?.to_vec();
    let source = unescape(fields.next().unwrap_or_default());
    let super_options = fields.next().unwrap_or_default().to_vec();
    Some(Mount { root, mount_point, options, fs_type, source, super_options })
}

/// Space, tab, line end and backslash stand as a backslash and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'\\'
            && let Some(([a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'], after)) =
                tail.split_first_chunk::<3>()
        {
            out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = after;
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_fields_and_escapes() {
        let line = b"36 35 98:0 /mnt1 /mnt\\040two\\134 rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue\n";
        let parsed = parse(line);
        assert!(parsed.faults.is_empty());
        assert_eq!(parsed.records[0].mount_point, b"/mnt two\\");
        assert_eq!(parsed.records[0].fs_type, b"ext3");
        assert_eq!(parsed.records[0].super_options, b"rw,errors=continue");
    }

    #[test]
    fn garbage_is_a_fault() {
        let parsed = parse(b"nonsense\n1 2 3 4 5\n\xff\xff\n22 27 0:21 / /proc rw\n");
        assert!(parsed.records.is_empty());
        assert_eq!(parsed.faults.len(), 4);
    }
}
