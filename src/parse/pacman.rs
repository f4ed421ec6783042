//! pacman's local database: folder names, `desc` and `files`.
//!
//! Format: libalpm's `lib/libalpm/be_local.c`: `%SECTION%`, its values one a line, an empty line.
//! Called by the source `pacman`. Must not know where the database lies.

use super::At;
use super::Fault;
use super::Parsed;
use super::text::clip;
use super::text::lines;
use super::text::number;
use super::text::text;

/// What a `desc` file says. `None`: the section is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desc<'a> {
    /// `%NAME%`
    pub name: Option<&'a [u8]>,
    /// `%VERSION%`, with epoch and release.
    pub version: Option<&'a [u8]>,
    /// `%BASE%`: the source package.
    pub base: Option<&'a [u8]>,
    /// `%ARCH%`
    pub arch: Option<&'a [u8]>,
    /// `%PACKAGER%`
    pub packager: Option<&'a [u8]>,
    /// `%URL%`
    pub url: Option<&'a [u8]>,
    /// `%BUILDDATE%`, seconds since 1970.
    pub build_date: Option<u64>,
    /// `%INSTALLDATE%`, seconds since 1970.
    pub install_date: Option<u64>,
}

/// Name and `version-release` of a folder `<name>-<version>-<release>`; libalpm believes the
/// folder, not the `desc` in it. `None`: libalpm would call it invalid.
pub fn split_folder(folder: &str) -> Option<(&str, &str)> {
    let (rest, release) = folder.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let at = name.len().checked_add(1)?;
    let sound = ![name, version, release].iter().any(|part| part.is_empty());
    sound.then(|| Some((name, folder.get(at..)?))).flatten()
}

/// Reads a `desc` file.
pub fn desc(bytes: &[u8]) -> (Desc<'_>, Vec<Fault>) {
    let (mut out, mut seen) = (Desc::default(), Parsed::<()>::default());
    let (mut section, mut empty) = (None, false);
    for (line, row) in lines(bytes) {
        let row = row.trim_ascii();
        if let Some(name) = header(row) {
            if empty {
                seen.fault(At::Line(line), "the section before this one has no value");
            }
            (section, empty) = (Some(name), true);
        } else if row.is_empty() {
            section = None;
        } else if let Some(name) = section {
            if empty && !keep(&mut out, name, row) {
                seen.fault(At::Line(line), format!("{}: a second or broken value", text(name)));
            }
            empty = false;
        } else {
            seen.fault(At::Line(line), "a value outside of any section");
        }
        if row.contains(&0) {
            seen.fault(At::Line(line), "NUL byte");
        }
    }
    // pacman writes an empty line after every section.
    if empty || !bytes.ends_with(b"\n\n") {
        seen.fault(At::Whole, "the last section has no end: truncated");
    }
    for (missing, what) in [(out.name.is_none(), "NAME"), (out.version.is_none(), "VERSION")] {
        if missing {
            seen.fault(At::Record(what.to_owned()), "the section is missing");
        }
    }
    (out, seen.faults)
}

/// `false`: the section stood there before, or its number is none, or its value is too long.
fn keep<'a>(out: &mut Desc<'a>, section: &[u8], value: &'a [u8]) -> bool {
    let date = match section {
        b"BUILDDATE" => Some(&mut out.build_date),
        b"INSTALLDATE" => Some(&mut out.install_date),
        _ => None,
    };
    if let Some(slot) = date {
        let first = slot.is_none();
        *slot = slot.or(number(value));
        return first && slot.is_some();
    }
    let slot = match section {
        b"NAME" => &mut out.name,
        b"VERSION" => &mut out.version,
        b"BASE" => &mut out.base,
        b"ARCH" => &mut out.arch,
        b"PACKAGER" => &mut out.packager,
        b"URL" => &mut out.url,
        _ => return true,
    };
    let (value, clipped) = clip(value);
    let first = slot.is_none();
    slot.get_or_insert(value);
    first && !clipped
}

/// Paths below `%FILES%` of a `files` file, relative to the root; folders end with `/`.
pub fn files(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut inside = false;
    lines(bytes).filter_map(move |(_, row)| {
        if row.is_empty() {
            inside = false;
        } else if let Some(name) = header(row) {
            inside = name == b"FILES";
        } else if inside {
            return Some(row);
        }
        None
    })
}

fn header(row: &[u8]) -> Option<&[u8]> {
    let name = row.strip_prefix(b"%")?.strip_suffix(b"%")?;
    (!name.is_empty() && name.iter().all(u8::is_ascii_uppercase)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"%NAME%\nemacs\n\n%VERSION%\n29.3-3\n\n%BASE%\nemacs\n\n%URL%\nhttps://e\n\n\
%ARCH%\nx86_64\n\n%BUILDDATE%\n1714945746\n\n%INSTALLDATE%\n1715026360\n\n%PACKAGER%\nA <a@x>\n\n\
%LICENSE%\nGPL3\nMIT\n\n";

    #[test]
    fn a_sound_desc_in_full() {
        let (got, faults) = desc(GOOD);
        assert_eq!(faults, []);
        assert_eq!((got.name, got.version), (Some(&b"emacs"[..]), Some(&b"29.3-3"[..])));
        assert_eq!((got.arch, got.packager), (Some(&b"x86_64"[..]), Some(&b"A <a@x>"[..])));
        assert_eq!((got.build_date, got.install_date), (Some(1_714_945_746), Some(1_715_026_360)));
        assert_eq!((got.base, got.url), (Some(&b"emacs"[..]), Some(&b"https://e"[..])));
    }

    #[test]
    fn folders_split_from_the_right() {
        assert_eq!(split_folder("tree-sitter-0.22.6-1"), Some(("tree-sitter", "0.22.6-1")));
        assert_eq!(split_folder("a-1:2-3"), Some(("a", "1:2-3")));
        for bad in ["", "a", "base-1.0", "--", "-1-2", "a--1", "a-1-"] {
            assert_eq!(split_folder(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_file_cut_inside_a_section_is_never_whole() {
        for cut in 0..GOOD.len() {
            let (got, faults) = desc(&GOOD[..cut]);
            let border = GOOD[..cut].ends_with(b"\n\n") && got.name.is_some() && got.version.is_some();
            assert_eq!(faults.is_empty(), border, "cut at {cut}");
        }
    }

    #[test]
    fn corrupt_headers_and_doubles_are_faults() {
        let (got, faults) = desc(b"%NME%\na\n\n%VER.6-1\n\n%BASE%\na\n\n%BASE%\nb\n\n%BUILDDATE%\nx\n\n");
        assert_eq!((got.name, got.base), (None, Some(&b"a"[..])));
        assert_eq!(faults.len(), 5, "{faults:?}");
        let (_, faults) = desc(b"%NAME%\n%VERSION%\n1-1\n\n");
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn hostile_bytes() {
        let (got, faults) = desc(b"%NAME%\n\xff\0\n\n%VERSION%\n1-1\n\n");
        assert_eq!((got.name, faults.len()), (Some(&b"\xff\0"[..]), 1));
        let big = [&b"%VERSION%\n1\n\n%NAME%\n"[..], &vec![b'x'; 32 << 20], b"\n\n"].concat();
        assert_eq!(desc(&big).1.len(), 1);
        assert_eq!(desc(&b"x\n".repeat(1 << 20)).1.len(), super::super::MAX_FAULTS);
    }

    #[test]
    fn files_of_the_right_section() {
        let got: Vec<_> = files(b"%FILES%\netc/\netc/f\n\nlost\n%BACKUP%\netc/f\t79f\n").collect();
        assert_eq!(got, [&b"etc/"[..], b"etc/f"]);
    }
}
