//! `/etc/passwd` and `/etc/group`: users with their homes, and group names; passwd(5), group(5).
//!
//! Called by `host` for user profiles. Must not know which users are people.

use super::At;
use super::Parsed;
use super::text::lines;
use super::text::number;

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User<'a> {
    /// Line, from 1.
    pub line: usize,
    /// Login name, never empty.
    pub name: &'a [u8],
    /// User id; `None` when it is no number, with a fault beside.
    pub uid: Option<u32>,
    /// Group id, likewise.
    pub gid: Option<u32>,
    /// Home folder as written; may be empty.
    pub home: &'a [u8],
    /// Login shell as written; may be empty, which means `/bin/sh`.
    pub shell: &'a [u8],
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    /// Line, from 1.
    pub line: usize,
    /// Name, never empty.
    pub name: &'a [u8],
    /// Group id; `None` when it is no number, with a fault beside.
    pub gid: Option<u32>,
}

/// Accounts of a passwd file. A line with a name and a home is kept whatever else is wrong in it.
pub fn users(bytes: &[u8]) -> Parsed<User<'_>> {
    let mut out = Parsed::default();
    for (line, row) in entries(bytes, &mut out) {
        let mut parts = row.splitn(7, |c| *c == b':');
        let name = parts.next().unwrap_or_default();
        let (uid, gid) = (parts.nth(1).and_then(id), parts.next().and_then(id));
        let (Some(home), false) = (parts.nth(1), name.is_empty()) else {
            out.fault(At::Line(line), "not an account: no name or no home field");
            continue;
        };
        let shell = parts.next();
        if uid.is_none() || gid.is_none() {
            out.fault(At::Line(line), "an account whose uid or gid is no number");
        }
        if shell.is_none() {
            out.fault(At::Line(line), "an account without its shell field: truncated");
        }
        out.records.push(User { line, name, uid, gid, home, shell: shell.unwrap_or_default() });
    }
    out
}

/// Groups of a group file.
pub fn groups(bytes: &[u8]) -> Parsed<Group<'_>> {
    let mut out = Parsed::default();
    for (line, row) in entries(bytes, &mut out) {
        let mut parts = row.splitn(4, |c| *c == b':');
        let name = parts.next().unwrap_or_default();
        let gid = parts.nth(1).and_then(id);
        if name.is_empty() {
            out.fault(At::Line(line), "a group without a name");
            continue;
        }
        if gid.is_none() || parts.next().is_none() {
            out.fault(At::Line(line), "a group with a broken id or too few fields");
        }
        out.records.push(Group { line, name, gid });
    }
    out
}

/// Lines that hold an entry. NIS lines (`+`, `-`) stand for accounts that are kept elsewhere: a fault.
fn entries<'a, T>(bytes: &'a [u8], out: &mut Parsed<T>) -> Vec<(usize, &'a [u8])> {
    let mut rows = Vec::new();
    for (line, row) in lines(bytes) {
        let row = row.trim_ascii_start();
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        match row.first() {
            None | Some(b'#') => {}
            Some(b'+' | b'-') => out.fault(At::Line(line), "a NIS entry: more accounts are kept elsewhere"),
            Some(_) => rows.push((line, row)),
        }
        if row.contains(&0) {
            out.fault(At::Line(line), "NUL byte");
        }
    }
    rows
}

fn id(bytes: &[u8]) -> Option<u32> {
    number(bytes).and_then(|id| u32::try_from(id).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_with_homes() {
        let got = users(b"root:x:0:0:root:/root:/bin/bash\n\n# note\nann:x:1000:100:Ann,,,:/home/ann:\n");
        assert_eq!(got.faults, []);
        assert_eq!(got.records.len(), 2);
        let ann = &got.records[1];
        assert_eq!((ann.line, ann.name, ann.uid, ann.gid), (4, &b"ann"[..], Some(1000), Some(100)));
        assert_eq!((ann.home, ann.shell), (&b"/home/ann"[..], &b""[..]));
    }

    #[test]
    fn every_cut_is_a_fault_or_a_sound_file() {
        let line = b"ann:x:1000:100:Ann:/home/ann:/bin/sh";
        for cut in 1..line.len() {
            let got = users(&line[..cut]);
            let whole = cut >= b"ann:x:1000:100:Ann:/home/ann:".len();
            assert_eq!(got.faults.is_empty(), whole, "cut at {cut}: {got:?}");
        }
    }

    #[test]
    fn a_broken_id_keeps_the_home() {
        let got = users(b"eve:x:4294967296:-1:\xff\xfe:/home/\xff:/bin/sh\n");
        assert_eq!(got.records[0].uid, None);
        assert_eq!(got.records[0].home, b"/home/\xff");
        assert_eq!(got.faults.len(), 1);
    }

    #[test]
    fn garbage_nis_nul_and_many_lines() {
        assert_eq!(users(b"+@staff::::::\n").faults.len(), 1);
        assert_eq!(users(b"nonsense\n:x:1:1::/h:/s\n").faults.len(), 2);
        assert_eq!(users(b"a\0:x:1:1::/h:/s\n").faults.len(), 1);
        assert_eq!(users(&b"x\n".repeat(1 << 20)).faults.len(), super::super::MAX_FAULTS);
        let long = [&b"a:x:1:1:"[..], &vec![b'g'; 1 << 24], b":/h:/s"].concat();
        assert_eq!(users(&long).records[0].home, b"/h");
    }

    #[test]
    fn group_names() {
        let got = groups(b"wheel:x:10:ann,bob\nusers:x:100:\n");
        assert_eq!((got.records.len(), got.faults.len()), (2, 0));
        assert_eq!((got.records[0].name, got.records[0].gid), (&b"wheel"[..], Some(10)));
        assert_eq!(groups(b"wheel:x:1").faults.len(), 1);
        assert_eq!(groups(b":x:1:\n").records.len(), 0);
    }
}
