//! apk's `lib/apk/db/installed` and `etc/apk/world`: packages of Alpine and its kin.
//!
//! Format: apk-tools' `apk-v2(5)` and `src/database.c`: one letter, a colon, the value; an empty
//! line after every package. Called by the source `apk`. Must not know where the files lie.

use memchr::memchr;

use super::At;
use super::Parsed;
use super::text::clip;
use super::text::line_of;
use super::text::lines;
use super::text::number;
use super::text::text;

/// One installed package; values as they stand in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApkRecord<'a> {
    /// Line of the record's first field, from 1.
    pub line: usize,
    /// `P`, never empty.
    pub name: &'a [u8],
    /// `V`
    pub version: Option<&'a [u8]>,
    /// `A`
    pub arch: Option<&'a [u8]>,
    /// `o`: the source package.
    pub origin: Option<&'a [u8]>,
    /// `U`: home page.
    pub url: Option<&'a [u8]>,
    /// `m`
    pub maintainer: Option<&'a [u8]>,
    /// `t`: when it was built, seconds since 1970.
    pub build_time: Option<u64>,
    /// `p`: what it provides; see [`ApkRecord::provided`].
    pub provides: Option<&'a [u8]>,
}

impl<'a> ApkRecord<'a> {
    /// Names that this package provides besides its own, without versions.
    pub fn provided(&self) -> impl Iterator<Item = &'a [u8]> {
        let words = self.provides.unwrap_or_default().split(u8::is_ascii_whitespace);
        words.map(bare_name).filter(|name| !name.is_empty())
    }
}

/// A file or folder that a package owns, relative to the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned<'a> {
    /// Package name.
    pub package: &'a [u8],
    /// Folder, without a slash at either end; empty for the root itself.
    pub folder: &'a [u8],
    /// File in it; `None` for the folder itself.
    pub file: Option<&'a [u8]>,
}

/// A name in `world`: what the administrator asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'a> {
    /// Line, from 1.
    pub line: usize,
    /// Name without version and repository tag.
    pub name: &'a [u8],
    /// `!name`: must not be installed.
    pub conflict: bool,
}

/// Reads the database of installed packages.
pub fn installed(bytes: &[u8]) -> Parsed<ApkRecord<'_>> {
    let mut out = Parsed::default();
    if let Some(at) = memchr(0, bytes) {
        out.fault(At::Line(line_of(bytes, at)), "NUL byte");
    }
    let mut now = None;
    for (line, row) in lines(bytes) {
        match row {
            [] => close(&mut out, now.take()),
            [key, b':', value @ ..] => {
                if *key == b'P' && now.as_ref().is_some_and(|now: &ApkRecord<'_>| !now.name.is_empty()) {
                    out.fault(At::Line(line), "a second P: the empty line before it is lost");
                    close(&mut out, now.take());
                }
                let record = now.get_or_insert_with(|| ApkRecord { line, ..ApkRecord::default() });
                field(&mut out, record, (line, *key, value));
            }
            _ => out.fault(At::Line(line), "no field: a letter and a colon must come first"),
        }
    }
    if !bytes.ends_with(b"\n\n") && !bytes.trim_ascii().is_empty() {
        out.fault(At::Whole, "the last record has no empty line after it: truncated");
    }
    close(&mut out, now);
    out
}

fn field<'a>(
    out: &mut Parsed<ApkRecord<'a>>,
    now: &mut ApkRecord<'a>,
    (line, key, value): (usize, u8, &'a [u8]),
) {
    let (short, clipped) = clip(value.trim_ascii());
    let slot = match key {
        b'P' => {
            now.name = short;
            return;
        }
        b't' => {
            now.build_time = number(short);
            return;
        }
        b'p' => {
            now.provides = Some(value);
            return;
        }
        b'V' => &mut now.version,
        b'A' => &mut now.arch,
        b'o' => &mut now.origin,
        b'U' => &mut now.url,
        b'm' => &mut now.maintainer,
        _ => return,
    };
    if slot.is_some() {
        out.fault(At::Line(line), format!("a second {}", char::from(key)));
    } else if !short.is_empty() {
        *slot = Some(short);
    }
    if clipped {
        out.fault(At::Line(line), format!("{} longer than 64 KiB, clipped", char::from(key)));
    }
}

fn close<'a>(out: &mut Parsed<ApkRecord<'a>>, now: Option<ApkRecord<'a>>) {
    let Some(now) = now else { return };
    if now.name.is_empty() {
        return out.fault(At::Line(now.line), "record without a name (P)");
    }
    for (missing, what) in [(now.version.is_none(), "version (V)"), (now.arch.is_none(), "architecture (A)")]
    {
        if missing {
            out.fault(At::Line(now.line), format!("{}: no {what}", text(now.name)));
        }
    }
    out.records.push(now);
}

/// Every owned folder and file, in the order of the database, nothing loaded.
pub fn owned(bytes: &[u8]) -> impl Iterator<Item = Owned<'_>> {
    let (mut package, mut folder) = (&[][..], &[][..]);
    lines(bytes).filter_map(move |(_, row)| match row {
        [] => {
            (package, folder) = (&[], &[]);
            None
        }
        [b'P', b':', name @ ..] => {
            package = name;
            None
        }
        [b'F', b':', path @ ..] => {
            folder = path;
            Some(Owned { package, folder, file: None })
        }
        [b'R', b':', file @ ..] => Some(Owned { package, folder, file: Some(file) }),
        _ => None,
    })
}

/// Reads `etc/apk/world`: names separated by blanks or newlines.
pub fn world(bytes: &[u8]) -> Parsed<Wish<'_>> {
    let mut out = Parsed::default();
    for (line, row) in lines(bytes) {
        for word in row.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            let conflict = word.starts_with(b"!");
            let name = bare_name(word.strip_prefix(b"!").unwrap_or(word));
            if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) {
                out.records.push(Wish { line, name, conflict });
            } else {
                out.fault(At::Line(line), "not a package name");
            }
        }
    }
    out
}

/// A dependency without its version (`=`, `<`, `>`, `~`) and repository tag (`@`).
fn bare_name(word: &[u8]) -> &[u8] {
    let end = word.iter().position(|c| b"=<>~@".contains(c)).unwrap_or(word.len());
    word.get(..end).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"C:Q1x=\nP:musl\nV:1.2.3-r0\nA:x86_64\nU:https://musl.libc.org/\no:musl-src\n\
m:Timo <t@x>\nt:1649396308\np:so:libc.musl.so.1=1 cmd:ldd\nF:lib\nR:libc.so\na:0:0:777\nF:usr/bin\nR:ldd\n\n";

    #[test]
    fn a_sound_record_in_full() {
        let got = installed(GOOD);
        assert_eq!(got.faults, []);
        let one = &got.records[0];
        assert_eq!((one.name, one.version), (&b"musl"[..], Some(&b"1.2.3-r0"[..])));
        assert_eq!((one.arch, one.origin), (Some(&b"x86_64"[..]), Some(&b"musl-src"[..])));
        assert_eq!((one.maintainer, one.build_time), (Some(&b"Timo <t@x>"[..]), Some(1_649_396_308)));
        assert_eq!(one.provided().collect::<Vec<_>>(), [&b"so:libc.musl.so.1"[..], b"cmd:ldd"]);
    }

    #[test]
    fn files_have_owners() {
        let got: Vec<_> = owned(GOOD).collect();
        assert_eq!(got.len(), 4);
        assert_eq!(got[3], Owned { package: b"musl", folder: b"usr/bin", file: Some(b"ldd") });
        assert_eq!(owned(b"\n\nR:x\n").next(), Some(Owned { package: b"", folder: b"", file: Some(b"x") }));
    }

    #[test]
    fn a_file_cut_anywhere_is_never_whole() {
        for cut in 1..GOOD.len() {
            assert!(!installed(&GOOD[..cut]).faults.is_empty(), "cut at {cut}");
        }
        assert_eq!(installed(b""), Parsed::default());
    }

    #[test]
    fn broken_records_keep_their_neighbours() {
        let bytes = [GOOD, b"V:1\nA:all\n\n", b"P:a\nP:b\nV:1\nV:2\nA:x\n\n", b"nonsense\n", GOOD].concat();
        let got = installed(&bytes);
        let names: Vec<_> = got.records.iter().map(|one| text(one.name)).collect();
        assert_eq!(names, ["musl", "a", "b", "musl"]);
        assert_eq!(got.records[2].version, Some(&b"1"[..]));
        // No name; a second P; a without V, without A; a second V; nonsense.
        assert_eq!(got.faults.len(), 6);
    }

    #[test]
    fn hostile_bytes() {
        let got = installed(b"P:\xff\xfe\nV:1\nA:x\n\n\0\0\0\n");
        assert_eq!((got.records[0].name, got.faults.len()), (&b"\xff\xfe"[..], 3));
        let big = [&b"P:a\nA:x\nV:"[..], &vec![b'1'; 32 << 20], b"\n\n"].concat();
        assert_eq!(installed(&big).faults.len(), 1);
        let noise = b"x\n".repeat(1 << 20);
        assert_eq!(installed(&noise).faults.len(), super::super::MAX_FAULTS);
    }

    #[test]
    fn world_names() {
        let got = world(b"alpine-base\nbash=5.1-r0 curl>=8 x@edge !bad\nso:y~1\n=1\n\xff\n");
        let names: Vec<_> = got.records.iter().map(|one| (text(one.name), one.conflict)).collect();
        let want = ["alpine-base", "bash", "curl", "x", "bad", "so:y"].map(|n| (n.into(), n == "bad"));
        assert_eq!(names, want);
        assert_eq!(got.faults.len(), 2);
    }
}
