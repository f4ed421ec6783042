//! `ruleset.sums`: a list of files with their SHA-256, as `sha256sum` writes and checks it.
//!
//! Called by `ruleset`. Must not know who signed it. Narrower than `sha256sum -c`: what that tool would read in two ways
//! (escaped names, `*` for binary) is a fault here, and so is every name that leads out of the folder.

use super::At;
use super::Parsed;
use super::text::lines;

/// Digits of a SHA-256 in hexadecimal.
const DIGITS: usize = 64;
/// Bytes of the longest name.
const MAX_NAME: usize = 4096;
/// Files that a list may have.
const MAX_FILES: usize = 10_000;

/// One file of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Name below the folder, with `/` between its parts.
    pub name: String,
}

/// Reads a list. Every fault is a reason not to trust it.
pub fn sums(bytes: &[u8]) -> Parsed<Sum> {
    let mut parsed = Parsed::default();
    for (number, line) in lines(bytes) {
        if parsed.records.len() == MAX_FILES {
            parsed.fault(At::Line(number), format!("more than {MAX_FILES} files"));
            break;
        }
        match sum(line) {
            Ok(sum) => parsed.records.push(sum),
            Err(what) => parsed.fault(At::Line(number), what),
        }
    }
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        parsed.fault(At::Whole, "the last line has no end: the file was cut off");
    }
    parsed
}

fn sum(line: &[u8]) -> Result<Sum, &'static str> {
    if line.ends_with(b"\r") {
        return Err("a line end of Windows (CR LF)");
    }
    let text = str::from_utf8(line).map_err(|_| "not UTF-8")?;
    let (sha256, rest) = text.split_at_checked(DIGITS).ok_or("shorter than a SHA-256")?;
    if !sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("does not begin with a SHA-256 in lower-case hexadecimal");
    }
    let name = rest.strip_prefix("  ").ok_or("no two spaces after the SHA-256")?;
    if !is_inside(name) {
        return Err("not the name of a file in the folder");
    }
    Ok(Sum { sha256: sha256.to_owned(), name: name.to_owned() })
}

/// Whether a name is that of a file below the folder, and the same on every system.
pub fn is_inside(name: &str) -> bool {
    let plain = |c: char| !c.is_control() && c != '\\' && c != ':';
    let part = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.len() <= MAX_NAME && name.chars().all(plain) && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn faults(text: impl AsRef<[u8]>) -> usize {
        let parsed = sums(text.as_ref());
        parsed.faults.len()
    }

    #[test]
    fn a_list_of_sha256sum_is_read() {
        let parsed = sums(format!("{HEX}  ruleset.toml\n{HEX}  vendors/ac me.toml\n").as_bytes());
        assert!(parsed.faults.is_empty());
        let names: Vec<&str> = parsed.records.iter().map(|sum| sum.name.as_str()).collect();
        assert_eq!(names, ["ruleset.toml", "vendors/ac me.toml"]);
        assert_eq!(parsed.records.first().unwrap().sha256, HEX);
        assert!(sums(b"").records.is_empty());
    }

    #[test]
    fn names_that_lead_out_are_faults() {
        let names = [
            "../a.toml",
            "a/../../b.toml",
            "/etc/a.toml",
            "a//b.toml",
            "./a.toml",
            "a\\b.toml",
            "C:/a.toml",
            "",
            "a/",
        ];
        for name in names {
            assert_eq!(faults(format!("{HEX}  {name}\n")), 1, "{name}");
        }
        assert_eq!(faults(format!("{HEX}  {}\n", "a".repeat(MAX_NAME + 1))), 1);
        assert_eq!(faults(format!("{HEX}  a\u{7}.toml\n")), 1);
    }

    #[test]
    fn what_is_not_such_a_list_is_a_fault() {
        assert_eq!(faults(format!("{HEX}  a.toml\r\n")), 1);
        assert_eq!(faults(format!("{HEX}  a.toml")), 1, "cut off");
        assert_eq!(faults([HEX.as_bytes(), b"  \xff.toml\n"].concat()), 1);
        assert_eq!(faults(format!("{HEX} *a.toml\n")), 1);
        assert_eq!(faults(format!("\\{HEX}  a.toml\n")), 1);
        assert_eq!(faults(format!("{}  a.toml\n", HEX.to_uppercase())), 1);
        assert_eq!(faults("\n"), 1);
        assert_eq!(faults("é".repeat(40) + "\n"), 1);
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let parsed = sums(format!("{HEX}  a.toml\n").repeat(MAX_FILES + 5).as_bytes());
        assert_eq!((parsed.records.len(), parsed.faults.len()), (MAX_FILES, 1));
    }
}
