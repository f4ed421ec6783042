//! The LSB comment block of an init script: what service it is.
//!
//! Format: Linux Standard Base Core 5.0, section 22.3 "Comment Conventions for Init Scripts".
//! Called by the source of services. Must not know run levels.

use super::At;
use super::Fault;
use super::Parsed;
use super::text::lines;
use super::text::split_once;
use super::text::text;

/// Lines that are searched for the block; a script may be any file.
const MAX_LINES: usize = 1000;

/// The fields of a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LsbHeader {
    /// `Provides`: names of the service.
    pub provides: Vec<String>,
    /// `Short-Description`
    pub description: Option<String>,
}

/// The block of a script; `None` when it has none, which is no fault.
pub fn lsb_header(bytes: &[u8]) -> (Option<LsbHeader>, Vec<Fault>) {
    let mut seen = Parsed::<()>::default();
    let mut rows = lines(bytes).take(MAX_LINES).map(|(line, row)| (line, row.trim_ascii_end()));
    if !rows.any(|(_, row)| row == b"### BEGIN INIT INFO") {
        return (None, seen.faults);
    }
    let mut header = LsbHeader::default();
    for (line, row) in rows {
        if row == b"### END INIT INFO" {
            if header.provides.is_empty() {
                seen.fault(At::Line(line), "no Provides");
            }
            return (Some(header), seen.faults);
        }
        let Some(row) = row.strip_prefix(b"#") else {
            seen.fault(At::Line(line), "the block has no end");
            return (Some(header), seen.faults);
        };
        keep(&mut header, row, &mut seen, line);
    }
    seen.fault(At::Whole, "the block has no end");
    (Some(header), seen.faults)
}

/// Names of the variable that holds the program: Debian's `skeleton`, openrc-run(8), scripts of Red Hat.
const DAEMON: &[&[u8]] = &[b"DAEMON", b"command", b"exec", b"DAEMON_PATH", b"daemon"];

/// The program that an assignment in a script names by its whole path; none where a variable stands in it.
pub fn daemon(bytes: &[u8]) -> Option<&[u8]> {
    lines(bytes).take(MAX_LINES).find_map(|(_, row)| {
        let (key, value) = split_once(row.trim_ascii(), b'=')?;
        let value = value.trim_ascii_end();
        let value = match value {
            [quote @ (b'"' | b'\''), inner @ .., end] if quote == end => inner,
            _ => value,
        };
        let plain = |b: &u8| !b.is_ascii_whitespace() && !b"$`\"';&|()\\\0".contains(b);
        let path = value.starts_with(b"/") && value.len() <= 4096 && value.iter().all(plain);
        (DAEMON.contains(&key) && path).then_some(value)
    })
}

fn keep(header: &mut LsbHeader, row: &[u8], seen: &mut Parsed<()>, line: usize) {
    let Some((key, value)) = split_once(row, b':') else { return };
    let (value, clipped) = super::text::clip(value.trim_ascii());
    match key.trim_ascii() {
        b"Provides" => header.provides = text(value).split_whitespace().map(str::to_owned).collect(),
        b"Short-Description" => {
            header.description = Some(text(value).into_owned()).filter(|value| !value.is_empty());
        }
        _ => return,
    }
    if clipped {
        seen.fault(At::Line(line), "a value longer than 64 KiB, clipped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"#!/bin/sh\n### BEGIN INIT INFO\n# Provides:          kesl kesl-supervisor\n\
# Required-Start: $all\n# Short-Description: Kaspersky Endpoint Security\n# Description: more\n#   text\n\
### END INIT INFO\nexec true\n";

    #[test]
    fn a_sound_block() {
        let (got, faults) = lsb_header(GOOD);
        assert_eq!(faults, []);
        let got = got.unwrap();
        assert_eq!(got.provides, ["kesl", "kesl-supervisor"]);
        assert_eq!(got.description.as_deref(), Some("Kaspersky Endpoint Security"));
    }

    #[test]
    fn no_block_is_no_fault() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF\xff\0"] {
            assert_eq!(lsb_header(bytes), (None, vec![]));
        }
        assert_eq!(lsb_header(&b"\n".repeat(1 << 20)), (None, vec![]));
    }

    #[test]
    fn a_block_without_end_or_name_is_a_fault_beside_what_was_read() {
        let (got, faults) = lsb_header(&GOOD[..80]);
        assert_eq!((got.unwrap().provides.len(), faults.len()), (2, 1));
        let (got, faults) = lsb_header(b"### BEGIN INIT INFO\n# Provides: a\ncode\n");
        assert_eq!((got.unwrap().provides, faults.len()), (vec!["a".to_owned()], 1));
        assert_eq!(lsb_header(b"### BEGIN INIT INFO\r\n### END INIT INFO\r\n").1.len(), 1);
    }

    #[test]
    fn the_program_that_a_script_names() {
        assert_eq!(daemon(b"#!/bin/sh\n DAEMON=\"/opt/k/sbin/x\" \n"), Some(&b"/opt/k/sbin/x"[..]));
        assert_eq!(daemon(b"command='/usr/sbin/y'\n"), Some(&b"/usr/sbin/y"[..]));
        for none in ["DAEMON=$HOME/x", "DAEMON=/a --secret", "# DAEMON=/x", "DAEMON=x", "DAEMON=\"/x", "X=/x"]
        {
            assert_eq!(daemon(none.as_bytes()), None, "{none}");
        }
        assert_eq!(daemon(&[b"DAEMON=/", &vec![b'x'; 1 << 20][..]].concat()), None);
    }

    #[test]
    fn hostile_bytes() {
        let big =
            [b"### BEGIN INIT INFO\n# Provides: \xff ", &vec![b'x'; 32 << 20][..], b"\n### END INIT INFO\n"];
        let (got, faults) = lsb_header(&big.concat());
        assert_eq!(got.unwrap().provides[0], "\u{fffd}");
        assert_eq!(faults.len(), 1);
    }
}
