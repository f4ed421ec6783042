//! FreeDesktop key files: `.desktop` entries and the `metadata` of flatpaks.
//!
//! Format: Desktop Entry Specification 1.5, "Basic format of the file". Called by the sources of
//! desktop entries, autostarts and flatpaks. Must not know what an entry is started for.

use std::borrow::Cow;

use super::At;
use super::Fault;
use super::Parsed;
use super::command::program;
use super::text::clip;
use super::text::lines;
use super::text::split_once;
use super::text::text;

/// Entries kept per file; a real one has hundreds.
const MAX_ENTRIES: usize = 20_000;

/// One `key[locale]=value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Line, from 1.
    pub line: usize,
    /// Group: `Desktop Entry`.
    pub group: &'a [u8],
    /// Key without its locale.
    pub key: &'a [u8],
    /// Locale in brackets: `de`, `pt_BR`.
    pub locale: Option<&'a [u8]>,
    /// Value as written; [`unescape`] reads its backslashes.
    pub value: &'a [u8],
}

/// Entries of a key file, in order.
pub fn entries(bytes: &[u8]) -> Parsed<Entry<'_>> {
    let mut out = Parsed::default();
    let mut group = None;
    for (line, row) in lines(bytes) {
        let row = row.trim_ascii();
        if row.is_empty() || row.starts_with(b"#") {
            continue;
        }
        if row.contains(&0) {
            out.fault(At::Line(line), "NUL byte");
        }
        if out.records.len() == MAX_ENTRIES {
            out.fault(At::Line(line), "more than 20 000 entries: the rest is not read");
            break;
        }
        if let Some(name) = row.strip_prefix(b"[") {
            group = name.strip_suffix(b"]").filter(|name| !name.is_empty());
            if group.is_none() {
                out.fault(At::Line(line), "a broken group header");
            }
        } else if let Some(entry) = group.and_then(|group| entry(line, group, row)) {
            out.records.push(entry);
        } else {
            out.fault(At::Line(line), "no entry of any group");
        }
    }
    out
}

fn entry<'a>(line: usize, group: &'a [u8], row: &'a [u8]) -> Option<Entry<'a>> {
    let (name, value) = split_once(row, b'=')?;
    let name = name.trim_ascii_end();
    let (key, locale) = match split_once(name, b'[') {
        Some((key, rest)) => (key, Some(rest.strip_suffix(b"]")?)),
        None => (name, None),
    };
    let value = clip(value.trim_ascii_start()).0;
    (!key.is_empty() && !key.contains(&b' ')).then_some(Entry { line, group, key, locale, value })
}

/// First unlocalised value of a key; an empty one counts as absent.
pub fn get<'a>(entries: &[Entry<'a>], group: &str, key: &str) -> Option<&'a [u8]> {
    let is =
        |one: &&Entry<'a>| one.group == group.as_bytes() && one.key == key.as_bytes() && one.locale.is_none();
    entries.iter().find(is).map(|one| one.value).filter(|value| !value.is_empty())
}

/// Reads `\s \n \t \r \\`; other backslashes stay, as `GKeyFile` leaves them to its callers.
pub fn unescape(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\\') {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, tail)) = rest.split_first() {
        let plain = match (byte, tail.first()) {
            (b'\\', Some(b's')) => Some(b' '),
            (b'\\', Some(b'n')) => Some(b'\n'),
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(b'\\')) => Some(b'\\'),
            _ => None,
        };
        out.push(plain.unwrap_or(*byte));
        rest = if plain.is_some() { tail.get(1..).unwrap_or_default() } else { tail };
    }
    Cow::Owned(out)
}

/// What a `.desktop` file says of its program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesktopEntry {
    /// `Type`: Application, Link, Directory.
    pub kind: Option<String>,
    /// `Name`, unlocalised.
    pub name: Option<String>,
    /// Program of `Exec`, without arguments and without `env NAME=value` before it.
    pub program: Option<Vec<u8>>,
    /// `TryExec`
    pub try_exec: Option<Vec<u8>>,
    /// `Hidden=true`: as if the file were deleted.
    pub hidden: bool,
}

/// Reads a `.desktop` file; a missing group, `Type` or `Name` is a fault.
pub fn desktop_entry(bytes: &[u8]) -> (DesktopEntry, Vec<Fault>) {
    const GROUP: &str = "Desktop Entry";
    let mut file = entries(bytes);
    let found = |key| get(&file.records, GROUP, key).map(unescape);
    let entry = DesktopEntry {
        kind: found("Type").map(|value| text(&value).into_owned()),
        name: found("Name").map(|value| text(&value).into_owned()),
        program: found("Exec").and_then(|value| program(&value)),
        try_exec: found("TryExec").map(Cow::into_owned),
        hidden: found("Hidden").is_some_and(|value| *value == *b"true"),
    };
    let broken_exec = found("Exec").is_some() && entry.program.is_none();
    let group = file.records.iter().any(|one| one.group == GROUP.as_bytes());
    let checks = [
        (!group, "no such group"),
        (group && entry.kind.is_none(), "no Type"),
        (group && entry.name.is_none(), "no Name"),
        (broken_exec, "an Exec with broken quoting"),
    ];
    for (_, what) in checks.iter().filter(|(wrong, _)| *wrong) {
        file.fault(At::Record(GROUP.to_owned()), *what);
    }
    (entry, file.faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"# note\n[Desktop Entry]\nType=Application\nName=Kaspersky\nName[de]=K de\n\
Exec = env A=1 \"/opt/k a/bin/k\" --token=s3cret %U\nTryExec=k\n\n[Desktop Action x]\nName=Other\n";

    #[test]
    fn a_sound_desktop_entry() {
        let (got, faults) = desktop_entry(GOOD);
        assert_eq!(faults, []);
        assert_eq!((got.kind.as_deref(), got.name.as_deref()), (Some("Application"), Some("Kaspersky")));
        assert_eq!(got.program.as_deref(), Some(&b"/opt/k a/bin/k"[..]));
        assert!(!got.hidden && !format!("{got:?}").contains("s3cret"));
    }

    #[test]
    fn locales_are_told_apart() {
        let got = entries(GOOD);
        assert_eq!(got.records[2].locale, Some(&b"de"[..]));
        assert_eq!(got.records[2].value, b"K de");
        assert_eq!(get(&got.records, "Desktop Action x", "Name"), Some(&b"Other"[..]));
        assert_eq!(get(&got.records, "Desktop Entry", "Missing"), None);
    }

    #[test]
    fn flatpak_metadata() {
        let got = entries(b"[Application]\nname=org.gimp.GIMP\nruntime=org.gnome.Platform/x86_64/46\n");
        assert_eq!(get(&got.records, "Application", "name"), Some(&b"org.gimp.GIMP"[..]));
    }

    #[test]
    fn escapes() {
        assert_eq!(&*unescape(b"a\\sb\\n\\t\\r\\\\s\\x\\"), b"a b\n\t\r\\s\\x\\");
    }

    #[test]
    fn what_is_missing_is_a_fault() {
        for (bytes, count) in [
            (&b""[..], 1),
            (b"[Desktop Entry]\nName=a\n", 1),
            (b"[Desktop Entry]\nType=Application\nName=\n", 1),
            (b"[Desktop Entry\nType=Application\nName=a\n", 4),
            (b"Type=x\n[Desktop Entry]\nType=Application\nName=a\nnonsense\nA[x=1\n", 3),
            (b"[Desktop Entry]\nType=Application\nName=a\nExec=\"x\n", 1),
            (b"[Desktop Entry]\nType=Application\nName=a\0\n", 1),
        ] {
            assert_eq!(desktop_entry(bytes).1.len(), count, "{bytes:?}");
        }
    }

    #[test]
    fn hostile_bytes() {
        let (got, _) = desktop_entry(b"[Desktop Entry]\r\nType=Application\r\nName=\xff\r\nHidden=true\r\n");
        assert_eq!((got.name.as_deref(), got.hidden), (Some("\u{fffd}"), true));
        let many = [&b"[a]\n"[..], &b"b=\n".repeat(1 << 20)].concat();
        let got = entries(&many);
        assert_eq!((got.records.len(), got.faults.len()), (MAX_ENTRIES, 1));
        let big = [&b"[a]\nb="[..], &vec![b'x'; 32 << 20]].concat();
        assert_eq!(entries(&big).records[0].value.len(), super::super::text::MAX_VALUE);
        assert_eq!(entries(&b"x\n".repeat(1 << 20)).faults.len(), super::super::MAX_FAULTS);
    }
}
