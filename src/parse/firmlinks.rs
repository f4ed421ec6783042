//! `/usr/share/firmlinks` of macOS: in place of which folders of the system's volume the kernel shows one of the Data volume.
//! A line is the folder, a tab, and the folder of the Data volume relative to its top; no page of Apple's manual describes it.
//!
//! Called by `host`. Must not know volumes.

use super::text::lines;
use super::{At, Parsed};

/// Lines that are kept at most; macOS 15 has about twenty.
const MAX_LINKS: usize = 256;

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firmlink<'a> {
    /// Folder of the system: `/usr/local`.
    pub name: &'a [u8],
    /// Folder of the Data volume: `usr/local`.
    pub on_data: &'a [u8],
}

/// Links of a table. A path that leads up, or to the top, is no link.
pub fn firmlinks(bytes: &[u8]) -> Parsed<Firmlink<'_>> {
    let mut parsed = Parsed::default();
    for (number, line) in lines(bytes) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let mut words = line.split(|byte| *byte == b'\t').filter(|word| !word.is_empty());
        let found = words.next().zip(words.next()).filter(|(name, on_data)| {
            name.strip_prefix(b"/").is_some_and(is_plain) && is_plain(on_data) && words.next().is_none()
        });
        match found {
            Some((name, on_data)) if parsed.records.len() < MAX_LINKS => {
                parsed.records.push(Firmlink { name, on_data });
            }
            Some(_) => parsed.fault(At::Line(number), "more links than any system has"),
            None => parsed.fault(At::Line(number), "not a folder, a tab and a folder of the Data volume"),
        }
    }
    parsed
}

/// Whether a path is relative and made of names only.
fn is_plain(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_and_nothing_leads_out() {
        let read = |text: &str| {
            let got = firmlinks(text.as_bytes());
            let names = got.records.iter().map(|link| String::from_utf8_lossy(link.name).into_owned());
            (names.collect::<Vec<_>>(), got.faults.len())
        };
        assert_eq!(
            read("/Users\tUsers\n\n/usr/local\tusr/local\r\n/a b\ta b\n"),
            (vec!["/Users".into(), "/usr/local".into(), "/a b".into()], 0)
        );
        for wrong in ["/\t/", "/x\t../etc", "/../x\tx", "x\tx", "/x", "/x\t/x", "/x\ty\tz", "/x/\tx"] {
            assert_eq!(read(wrong), (vec![], 1), "{wrong}");
        }
        assert_eq!(read(&"/a\ta\n".repeat(1000)).0.len(), MAX_LINKS);
    }
}
