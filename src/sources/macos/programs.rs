//! The program that a job of launchd or a login item names: where it lies inside the root, and whether it is there.
//!
//! Called by the sources of what is started. Arguments are seen here and go no further: only one that is itself a file
//! which an interpreter runs is named.

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{Depth, HostPath, Image, Trace, Wanted};
use crate::parse::command;
use crate::parse::plist::{self, Value};
use crate::sources::Haul;

use super::code;

/// Where launchd looks for a name without a folder: `_PATH_STDPATH` of `paths.h`.
const FOLDERS: &[&str] = &["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
/// Programs that run another that they are told, without digits of a version.
const LAUNCHERS: &[&str] = &[
    "arch",
    "bash",
    "caffeinate",
    "csh",
    "dash",
    "env",
    "java",
    "ksh",
    "nice",
    "node",
    "nohup",
    "open",
    "osascript",
    "perl",
    "php",
    "python",
    "ruby",
    "sh",
    "sudo",
    "tcsh",
    "zsh",
];
/// Real property lists of applications have some kilobytes.
const LIMIT: u64 = 1 << 20;
/// Letters of a path that are followed: `PATH_MAX` of macOS.
const MAX_PATH: usize = 1024;
/// Arguments of a launcher among which its program is looked for.
const MAX_ARGUMENTS: usize = 16;

/// What a record starts; none where nobody can follow its name.
pub(super) fn started(
    files: &dyn Files,
    program: &str,
    arguments: &[&str],
    haul: &mut Haul,
) -> Option<Image> {
    let launched = if is_launcher(program) { launched(files, arguments, haul) } else { None };
    launched.or_else(|| named(files, program, haul))
}

/// The file that a path names.
pub(super) fn at(files: &dyn Files, path: HostPath, haul: &mut Haul) -> Image {
    match files.stat(&path).and_then(|stat| Ok((stat.kind, files.resolve(&path)?))) {
        Ok((Kind::Folder, bundle)) if is_bundle(&bundle) => inside(files, bundle),
        // Any other folder in its place is no program.
        Ok((kind, real)) => Image { path: real, exists: Some(kind != Kind::Folder) },
        Err(Miss::Absent) => Image { path, exists: Some(false) },
        Err(miss) => {
            haul.minor(miss.reason(), &path, "whether this program is there cannot be seen");
            Image { path, exists: None }
        }
    }
}

/// Puts who signed the program into a trace of what starts or loads it, where files are to be looked at.
pub(super) fn tell(host: &dyn Host, want: &Wanted, trace: &mut Trace, haul: &mut Haul) {
    let there =
        trace.image.as_ref().filter(|image| image.exists == Some(true) && want.depth >= Depth::Standard);
    let Some(path) = there.map(|image| image.path.clone()) else { return };
    if let Some(says) = code::seen(&path, code::look(host, &path), haul) {
        says.tell(trace);
    }
}

fn named(files: &dyn Files, name: &str, haul: &mut Haul) -> Option<Image> {
    if name.is_empty() || name.len() > MAX_PATH || name.contains('\0') {
        return None;
    }
    if name.starts_with('/') {
        return Some(at(files, name.into(), haul));
    }
    if name.contains('/') || name == "." || name == ".." {
        return None;
    }
    let found = FOLDERS.iter().find_map(|folder| files.resolve(&HostPath::from(*folder).join(name)).ok());
    found.map(|path| Image { path, exists: Some(true) })
}

/// The file that a launcher runs. Its first word alone is surely that, whether it is there or not; a later one may belong
/// to an option, and counts only where it is a file.
fn launched(files: &dyn Files, arguments: &[&str], haul: &mut Haul) -> Option<Image> {
    for (n, word) in arguments.iter().take(MAX_ARGUMENTS).enumerate() {
        let of_shell = n.checked_sub(1).and_then(|before| arguments.get(before)) == Some(&"-c");
        let line = if of_shell { command::program(word.as_bytes()) } else { None };
        let word = line.as_deref().unwrap_or(word.as_bytes());
        if !word.starts_with(b"/") || word.len() > MAX_PATH || word.contains(&0) {
            continue;
        }
        let image = at(files, HostPath::new(word), haul);
        if image.exists == Some(true) || n == 0 {
            return Some(image);
        }
    }
    None
}

fn is_launcher(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or_default();
    LAUNCHERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

/// The program of the bundle of an application. Where it is not found, the bundle is what is known: why it cannot be read is
/// told by the source of applications.
fn inside(files: &dyn Files, bundle: HostPath) -> Image {
    let contents = bundle.join("Contents");
    let info =
        files.read(&contents.join("Info.plist"), LIMIT).ok().and_then(|bytes| plist::read(&bytes).ok());
    let stated = info.as_ref().and_then(|info| info.get("CFBundleExecutable")).and_then(Value::text);
    let name = bundle.file_name_text();
    let stem = name.get(..name.len().saturating_sub(".app".len())).unwrap_or(&name);
    let file = stated.filter(|name| !name.is_empty() && name.len() <= MAX_PATH).unwrap_or(stem);
    let program = contents.join("MacOS").join(file);
    match files.stat(&program) {
        Ok(stat) if stat.kind != Kind::Folder => Image { path: program, exists: Some(true) },
        _ => Image { path: bundle, exists: None },
    }
}

fn is_bundle(path: &HostPath) -> bool {
    path.file_name().to_ascii_lowercase().ends_with(b".app")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::model::GapReason;
    use crate::model::State;

    const ODD: &[u8] =
        b"<plist version=\"1.0\"><dict><key>CFBundleExecutable</key><string>other</string></dict></plist>";

    /// Where a program lies, and whether it is there.
    type Found = Option<(String, Option<bool>)>;

    fn run(words: &[&str]) -> (Found, Vec<(GapReason, bool)>) {
        let program = || FakeNode::Program(vec![]);
        let host = FakeHost::macos([
            ("/bin/sh", program()),
            ("/usr/bin/open", program()),
            ("/usr/bin/tool", program()),
            ("/opt/acme/run.sh", program()),
            ("/opt/acme/link", FakeNode::Link(b"run.sh".to_vec())),
            ("/opt/acme/etc", FakeNode::Folder),
            ("/Applications/Acme.app/Contents/MacOS/Acme", program()),
            ("/Applications/Odd.app/Contents/Info.plist", FakeNode::File(ODD.to_vec())),
            ("/Applications/Odd.app/Contents/MacOS/other", program()),
            ("/Applications/Empty.app", FakeNode::Folder),
            ("/secret", FakeNode::Broken(Miss::Denied)),
        ]);
        let mut haul = Haul::new(Instant::now() + Duration::from_mins(1));
        let (first, rest) = words.split_first().unwrap();
        let image = started(host.files(), first, rest, &mut haul);
        (image.map(|image| (image.path.text().into_owned(), image.exists)), haul.gaps())
    }

    fn image(words: &[&str]) -> Found {
        run(words).0
    }

    #[expect(clippy::unnecessary_wraps, reason = "to be compared with what was found")]
    fn found(path: &str, exists: bool) -> Found {
        Some((path.to_owned(), Some(exists)))
    }

    #[test]
    fn names_lead_to_files() {
        assert_eq!(image(&["/opt/acme/link", "--token=secret"]), found("/opt/acme/run.sh", true));
        assert_eq!(image(&["tool", "-x"]), found("/usr/bin/tool", true));
        assert_eq!(image(&["/gone/x"]), found("/gone/x", false));
        assert_eq!(image(&["/opt/acme/etc"]), found("/opt/acme/etc", false), "a folder");
        for odd in ["", "nowhere", "a/b", "..", "/a\0b", &"/x".repeat(2000)] {
            assert_eq!(image(&[odd]), None, "{odd}");
        }
    }

    #[test]
    fn a_bundle_is_its_program() {
        let odd = "/Applications/Odd.app";
        assert_eq!(image(&[odd]), found(&format!("{odd}/Contents/MacOS/other"), true));
        assert_eq!(image(&["/Applications/Empty.app"]), Some(("/Applications/Empty.app".to_owned(), None)));
    }

    #[test]
    fn launchers_name_what_they_run() {
        let script = found("/opt/acme/run.sh", true);
        assert_eq!(image(&["/bin/sh", "/opt/acme/run.sh"]), script);
        assert_eq!(image(&["/bin/sh", "-l", "-c", "/opt/acme/run.sh --token=secret"]), script);
        assert_eq!(image(&["/usr/bin/python3.11", "-u", "/opt/acme/run.sh"]), script);
        assert_eq!(
            image(&["/usr/bin/open", "-a", "/Applications/Acme.app"]),
            found("/Applications/Acme.app/Contents/MacOS/Acme", true)
        );
        assert_eq!(image(&["/bin/sh", "/gone/x.sh"]), found("/gone/x.sh", false), "what is left of it");
        // Nobody knows what these run.
        for line in
            [&["/bin/sh", "-c", "cd /opt && ./run"][..], &["/bin/sh", "-c", "exec /gone/x"], &["/bin/sh"]]
        {
            assert_eq!(image(line), found("/bin/sh", true), "{line:?}");
        }
        assert_eq!(image(&["/bin/sh", "-c", "/secret-that-is-no-file --x"]), found("/bin/sh", true));
        assert_eq!(image(&["/opt/acme/run.sh", "/bin/sh"]), script, "no launcher");
    }

    #[test]
    fn what_cannot_be_seen_is_neither_there_nor_gone() {
        let (image, gaps) = run(&["/secret/x"]);
        assert_eq!(image, Some(("/secret/x".to_owned(), None)));
        assert_eq!(gaps, [(GapReason::PermissionDenied, false)]);
        assert_eq!(State::of_record(Some(&Image { path: "/x".into(), exists: None })), State::Installed);
        assert_eq!(State::of_record(Some(&Image { path: "/x".into(), exists: Some(false) })), State::Remnant);
        assert_eq!(State::of_record(None), State::Installed);
    }
}
