//! `/etc/os-release` and `/usr/lib/os-release`: which Linux this is; os-release(5).
//!
//! Called by `host`. Must not know which package database a distribution should have.

use super::At;
use super::Fault;
use super::Parsed;
use super::text::clip;
use super::text::lines;
use super::text::split_once;
use super::text::text;

/// The fields that say what a system is. `None`: the file does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// `ID`: "debian"; os-release(5) has "linux" as the default.
    pub id: Option<String>,
    /// `ID_LIKE`, closest first.
    pub id_like: Vec<String>,
    /// `VERSION_ID`: "12"
    pub version_id: Option<String>,
    /// `NAME`: "Debian GNU/Linux"
    pub name: Option<String>,
    /// `PRETTY_NAME`: "Debian GNU/Linux 12 (bookworm)"
    pub pretty_name: Option<String>,
    /// `VARIANT_ID`: "server", "coreos"
    pub variant_id: Option<String>,
}

/// Reads an os-release file. As in a shell, the last assignment of a name holds.
pub fn os_release(bytes: &[u8]) -> (OsRelease, Vec<Fault>) {
    let (mut os, mut seen) = (OsRelease::default(), Parsed::<()>::default());
    for (number, line) in lines(bytes) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let Some((key, value)) = split_once(line, b'=').filter(|(key, _)| is_name(key)) else {
            seen.fault(At::Line(number), "not an assignment");
            continue;
        };
        let (value, sound) = unquote(value);
        if !sound {
            seen.fault(At::Line(number), format!("{}: broken quoting or value", text(key)));
        }
        keep(&mut os, key, &value);
    }
    if os.id.is_none() {
        seen.fault(At::Whole, "no ID");
    }
    (os, seen.faults)
}

fn keep(os: &mut OsRelease, key: &[u8], value: &[u8]) {
    let value = text(value).into_owned();
    if key == b"ID_LIKE" {
        os.id_like = value.split_ascii_whitespace().map(str::to_owned).collect();
        return;
    }
    let slot = match key {
        b"ID" => &mut os.id,
        b"VERSION_ID" => &mut os.version_id,
        b"NAME" => &mut os.name,
        b"PRETTY_NAME" => &mut os.pretty_name,
        b"VARIANT_ID" => &mut os.variant_id,
        _ => return,
    };
    *slot = Some(value).filter(|value| !value.is_empty());
}

fn is_name(key: &[u8]) -> bool {
    key.first().is_some_and(|c| !c.is_ascii_digit())
        && key.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_')
}

/// Shell quoting without expansion: `'…'`, `"…"` with backslash before `"$\` and backquote, plain.
/// Second: whether the quoting was sound.
fn unquote(value: &[u8]) -> (Vec<u8>, bool) {
    let (mut rest, clipped) = clip(value);
    let mut sound = !clipped && !rest.contains(&0);
    let (mut out, mut open) = (Vec::new(), None);
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match (*byte, open) {
            (quote @ (b'\'' | b'"'), None) => open = Some(quote),
            (byte, Some(quote)) if byte == quote => open = None,
            (b'\\', None | Some(b'"')) => {
                let Some((next, tail)) = rest.split_first() else { return (out, false) };
                rest = tail;
                if open.is_some() && !b"\"$\\`".contains(next) {
                    out.push(b'\\');
                }
                out.push(*next);
            }
            // Unquoted, a blank ends the word; only a comment may follow.
            (b' ' | b'\t', None) => {
                let more = rest.trim_ascii_start();
                sound &= more.is_empty() || more.starts_with(b"#");
                return (out, sound);
            }
            (byte, _) => out.push(byte),
        }
    }
    (out, sound && open.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_as_it_is() {
        let (os, faults) = os_release(
            b"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
VERSION_CODENAME=bookworm\nID=debian\nHOME_URL=\"https://www.debian.org/\"\n",
        );
        assert_eq!(faults, []);
        assert_eq!(os.id.as_deref(), Some("debian"));
        assert_eq!(os.version_id.as_deref(), Some("12"));
        assert_eq!(os.pretty_name.as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(os.id_like, [""; 0]);
    }

    #[test]
    fn quoting_of_the_shell() {
        let (os, faults) = os_release(
            b"# note\r\n\r\nID='rhel'\r\nID_LIKE=\"rhel  centos fedora\"\nNAME=\"a \\\"b\\\" \\$c \\n\"\nPRETTY_NAME=x' y'z\\ w # c\n",
        );
        assert_eq!(faults, []);
        assert_eq!(os.id.as_deref(), Some("rhel"));
        assert_eq!(os.id_like, ["rhel", "centos", "fedora"]);
        assert_eq!(os.name.as_deref(), Some("a \"b\" $c \\n"));
        assert_eq!(os.pretty_name.as_deref(), Some("x yz w"));
    }

    #[test]
    fn the_last_assignment_holds() {
        assert_eq!(os_release(b"ID=a\nID=b\n").0.id.as_deref(), Some("b"));
    }

    #[test]
    fn faults_stand_beside_what_was_read() {
        for (bytes, id) in [
            (&b""[..], None),
            (b"ID=", None),
            (b"ID=\"arch", Some("arch")),
            (b"ID=arch\nNAME='x", Some("arch")),
            (b"ID=arch\nnonsense\n", Some("arch")),
            (b"ID=arch\n1X=2\n", Some("arch")),
            (b"ID=a b\n", Some("a")),
            (b"ID=arch\\", Some("arch")),
            (b"ID=ar\0ch", Some("ar\0ch")),
        ] {
            let (os, faults) = os_release(bytes);
            assert_eq!((os.id.as_deref(), faults.is_empty()), (id, false), "{bytes:?}");
        }
    }

    #[test]
    fn hostile_input() {
        let (os, faults) = os_release(b"ID=\xff\n\xff\xfe=1\n");
        assert_eq!((os.id.as_deref(), faults.len()), (Some("\u{fffd}"), 1));
        let big = [&b"ID="[..], &vec![b'x'; 32 << 20]].concat();
        let (os, faults) = os_release(&big);
        assert_eq!(os.id.map(|id| id.len()), Some(super::super::text::MAX_VALUE));
        assert_eq!(faults.len(), 1);
        assert_eq!(os_release(&b"x\n".repeat(1 << 20)).1.len(), super::super::MAX_FAULTS);
    }
}
