//! systemd unit files: sections, keys and the programs that a unit starts; systemd.syntax(7).
//!
//! Called by the source of services. Must not keep command lines, know drop-ins or enablement.

use std::borrow::Cow;

use super::At;
use super::Parsed;
use super::command::Escapes;
use super::command::first_word;
use super::text::Lines;
use super::text::MAX_VALUE;
use super::text::lines;
use super::text::split_once;

/// Entries kept per file; a real one has tens.
const MAX_ENTRIES: usize = 20_000;

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Line on which it starts, from 1.
    pub line: usize,
    /// Section: `Service`.
    pub section: &'a [u8],
    /// Key: `ExecStart`.
    pub key: &'a [u8],
    /// Value, its continuation lines joined by blanks; empty resets a list.
    pub value: Cow<'a, [u8]>,
}

/// Entries of a unit file or drop-in, in order.
pub fn entries(bytes: &[u8]) -> Parsed<Entry<'_>> {
    let mut out = Parsed::default();
    let mut section = None;
    let mut rows = lines(bytes);
    while let Some((line, row)) = rows.next() {
        let row = row.trim_ascii();
        if row.is_empty() || row.starts_with(b"#") || row.starts_with(b";") {
            continue;
        }
        if out.records.len() == MAX_ENTRIES {
            out.fault(At::Line(line), "more than 20 000 entries: the rest is not read");
            break;
        }
        if let Some(name) = row.strip_prefix(b"[") {
            section = name.strip_suffix(b"]").filter(|name| !name.is_empty());
            if section.is_none() {
                out.fault(At::Line(line), "a broken section header");
            }
            continue;
        }
        let (Some(section), Some((key, value))) = (section, split_once(row, b'=')) else {
            out.fault(At::Line(line), "no assignment of any section");
            continue;
        };
        let (value, whole) = joined(value.trim_ascii_start(), &mut rows);
        if !whole || value.contains(&0) {
            out.fault(At::Line(line), "a value without end, too long, or with a NUL byte");
        }
        out.records.push(Entry { line, section, key: key.trim_ascii_end(), value });
    }
    out
}

/// Takes the continuation lines behind a value that ends in a backslash; comments between them
/// count as not there. Second: whether an end was found within [`MAX_VALUE`].
fn joined<'a>(first: &'a [u8], rows: &mut Lines<'a>) -> (Cow<'a, [u8]>, bool) {
    let Some(head) = first.strip_suffix(b"\\") else {
        let clipped = first.len() > MAX_VALUE;
        return (Cow::Borrowed(first.get(..MAX_VALUE).unwrap_or(first)), !clipped);
    };
    let mut value = head.to_vec();
    for (_, row) in rows {
        let row = row.trim_ascii();
        if row.starts_with(b"#") || row.starts_with(b";") {
            continue;
        }
        let more = row.strip_suffix(b"\\");
        if value.len().saturating_add(row.len()) <= MAX_VALUE {
            value.push(b' ');
            value.extend_from_slice(more.unwrap_or(row));
        } else {
            return (Cow::Owned(value), false);
        }
        if more.is_none() {
            return (Cow::Owned(value), true);
        }
    }
    (Cow::Owned(value), false)
}

/// Last value of a key that is no list; empty counts as absent.
pub fn last<'e>(entries: &'e [Entry<'_>], section: &str, key: &str) -> Option<&'e [u8]> {
    let is = |one: &&Entry<'_>| one.section == section.as_bytes() && one.key == key.as_bytes();
    entries.iter().rev().find(is).map(|one| &*one.value).filter(|value| !value.is_empty())
}

/// Programs of `ExecStart`, `ExecStartPre` and their kin, each once, without prefixes and
/// arguments; an empty assignment forgets those of its key before it.
pub fn programs(entries: &[Entry<'_>]) -> Vec<Vec<u8>> {
    let mut found: Vec<(&[u8], Vec<u8>)> = Vec::new();
    let starts = entries.iter().filter(|one| one.section == b"Service" && one.key.starts_with(b"Exec"));
    for one in starts {
        if one.value.is_empty() {
            found.retain(|(key, _)| *key != one.key);
        } else if let Some(program) = program(&one.value) {
            found.push((one.key, program));
        }
    }
    let mut programs: Vec<_> = found.into_iter().map(|(_, program)| program).collect();
    let mut seen = std::collections::HashSet::new();
    programs.retain(|program| seen.insert(program.clone()));
    programs
}

/// The program of one command line. systemd.service(5), "Special executable prefixes".
pub fn program(value: &[u8]) -> Option<Vec<u8>> {
    let skip = value.iter().take_while(|c| b"@-:+!|".contains(c) || c.is_ascii_whitespace()).count();
    first_word(value.get(skip..)?, Escapes::Systemd).map(|(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] =
        b"# note\n[Unit]\nDescription=Kaspersky \\\n; between\n  Endpoint \\\n# more\nSecurity\n\n\
[Service]\nExecStartPre=-/bin/rm -f /run/x\nExecStart=@!!\"/opt/k a/libexec/kesl\" argv0 --token s3cret\n\
ExecStop=/opt/k\\x20b\nUser = kesl\n[Install]\nWantedBy=multi-user.target\n";

    #[test]
    fn a_sound_unit() {
        let got = entries(GOOD);
        assert_eq!(got.faults, []);
        assert_eq!(last(&got.records, "Service", "User"), Some(&b"kesl"[..]));
        let words = last(&got.records, "Unit", "Description").unwrap();
        let words: Vec<_> = words.split(|c| *c == b' ').filter(|word| !word.is_empty()).collect();
        assert_eq!(words, [&b"Kaspersky"[..], b"Endpoint", b"Security"]);
        let got = programs(&got.records);
        assert_eq!(got, [&b"/bin/rm"[..], b"/opt/k a/libexec/kesl", b"/opt/k b"]);
    }

    #[test]
    fn prefixes_and_resets() {
        for prefix in ["", "@", "-", ":", "+", "!", "!!", "-@", "|+ "] {
            let got = program(format!("{prefix}/opt/x y").as_bytes());
            assert_eq!(got.as_deref(), Some(&b"/opt/x"[..]), "{prefix}");
        }
        let file =
            entries(b"[Service]\nExecStart=/a\nExecStop=/s\nExecStart=\nExecStart=/b\nExecReload=/b\n");
        assert_eq!(programs(&file.records), [&b"/s"[..], b"/b"]);
    }

    #[test]
    fn broken_lines_are_faults_beside_the_sound_ones() {
        let got = entries(b"early=1\n[Unit\nx=1\n[Service]\nnonsense\nExecStart=/a\nExecStop=/b \\");
        assert_eq!((got.records.len(), got.faults.len()), (2, 5));
        assert_eq!(programs(&got.records), [&b"/a"[..], b"/b"]);
        assert_eq!(program(b"\"/opt/x"), None);
        assert_eq!(program(b"-"), None);
    }

    #[test]
    fn hostile_bytes() {
        let got = entries(b"[Service]\r\nExecStart=/opt/\xff x\r\nUser=a\0\r\n");
        assert_eq!(programs(&got.records), [&b"/opt/\xff"[..]]);
        assert_eq!(got.faults.len(), 1);
        let endless = [&b"[a]\nb=\\\n"[..], &b"x\\\n".repeat(1 << 20)].concat();
        assert!(entries(&endless).faults.len() > 1);
        let many = [&b"[Service]\n"[..], &b"ExecStart=/a\n".repeat(1 << 16)].concat();
        let got = entries(&many);
        assert_eq!((got.records.len(), programs(&got.records).len()), (MAX_ENTRIES, 1));
        let big = [&b"[a]\nb="[..], &vec![b'x'; 32 << 20]].concat();
        assert_eq!(entries(&big).records[0].value.len(), MAX_VALUE);
    }
}
