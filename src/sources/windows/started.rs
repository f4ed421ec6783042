//! The program that a record of Windows names by a command line or a path: where it lies, and whether it is there.
//!
//! Called by the sources of what is started or registered. Arguments are never seen here.

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{Depth, HostPath, Image, Trace, User, Wanted, WindowsFacts};
use crate::parse::windows_command;
use crate::sources::Haul;
use crate::sources::common::program;

/// Letters of a record that are read: `CreateProcess` takes no more.
const MAX_LINE: usize = 32_767;
/// Where a name without a folder is looked for, before `PATH`: first the folder of `services.exe` and of most launchers
/// ("The system looks for" of `CreateProcess`).
const FOLDERS: &[&str] = &["System32", ""];
/// Folders of a `PATH` that are asked; its longest is 2,047 letters.
const MAX_PATH: usize = 128;

/// The files and variables that records of one host are followed by.
#[derive(Clone, Copy)]
pub(super) struct Programs<'h> {
    files: &'h dyn Files,
    windows: &'h WindowsFacts,
    user: Option<&'h User>,
}

/// What a command line starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Started {
    /// The program.
    pub(super) image: Option<Image>,
    /// The library that a launcher (`rundll32`) is told to load.
    pub(super) library: Option<Image>,
    /// The program's name in small letters, without `.exe`.
    pub(super) stem: String,
}

impl<'h> Programs<'h> {
    /// Those of a host, for records of the machine or of a user. None of a host that is no Windows.
    pub(super) fn of(host: &'h dyn Host, user: Option<&'h User>) -> Option<Self> {
        Some(Self { files: host.files(), windows: host.facts().windows.as_ref()?, user })
    }

    /// What a command line starts.
    pub(super) fn command(&self, line: &str, haul: &mut Haul) -> Started {
        let command = windows_command::command(&self.expand(line));
        let stem = command.stem().unwrap_or_default();
        let library = command.libraries.last().cloned();
        Started {
            image: command
                .likely()
                .and_then(|likely| self.first(command.programs.iter().map(String::as_str), likely, haul)),
            library: library
                .and_then(|likely| self.first(command.libraries.iter().map(String::as_str), &likely, haul)),
            stem,
        }
    }

    /// The one thing that a command line is there for: of `rundll32` and its like the library that they load, else the
    /// program.
    pub(super) fn started(&self, line: &str, haul: &mut Haul) -> Option<Image> {
        let Started { image, library, .. } = self.command(line, haul);
        library.or(image)
    }

    /// The file that a path names.
    pub(super) fn path(&self, text: &str, haul: &mut Haul) -> Option<Image> {
        let text = text.trim().trim_matches('"');
        if text.is_empty() { None } else { self.first([text].into_iter(), text, haul) }
    }

    /// The text with its variables replaced.
    pub(super) fn expand(&self, text: &str) -> String {
        let end = text.char_indices().nth(MAX_LINE).map_or(text.len(), |(at, _)| at);
        self.windows.expand(text.get(..end).unwrap_or_default(), self.user)
    }

    /// The first of these files that is there; where none is, the likely one. What cannot be looked at may be there: a
    /// rule that asks for an existing program does not see it.
    fn first<'t>(
        &self,
        candidates: impl Iterator<Item = &'t str>,
        likely: &str,
        haul: &mut Haul,
    ) -> Option<Image> {
        let mut missed = None;
        for path in candidates.flat_map(|text| self.places(text)) {
            match self.files.stat(&path).and_then(|stat| Ok((stat.kind, self.files.resolve(&path)?))) {
                Ok((Kind::File, real)) => return Some(Image { path: real, exists: Some(true) }),
                Ok(_) | Err(Miss::Absent | Miss::NotAFile(_)) => {}
                Err(miss) => _ = missed.get_or_insert((path, miss)),
            }
        }
        if let Some((path, miss)) = missed {
            haul.miss(&path, &miss);
            return Some(Image { path, exists: None });
        }
        let text = self.expand(&windows_command::dos_path(likely));
        if let Some(path) = self.absolute(&text) {
            return Some(Image { path, exists: Some(false) });
        }
        // Another machine's file, a device by its number, an unknown variable: nobody can follow it. A bare name may lie
        // in a folder of `PATH`.
        let is_path = text.starts_with(['\\', '%']);
        is_path.then(|| Image { path: HostPath::new(text), exists: None })
    }

    /// Where a file of this name may lie.
    fn places(&self, text: &str) -> Vec<HostPath> {
        let text = self.expand(&windows_command::dos_path(text));
        if let Some(path) = self.absolute(&text) {
            return vec![path];
        }
        if text.is_empty() || text.starts_with(['\\', '/', '%']) || text.contains(':') {
            return Vec::new();
        }
        let own = FOLDERS.iter().map(|folder| self.windows.root.join(folder));
        let path = self.windows.variable("path", None).unwrap_or_default();
        let named = path.split(';').take(MAX_PATH).filter_map(|folder| self.windows.path(folder, None));
        let below = |folder: HostPath| HostPath::of_windows(&format!(r"{}\{text}", folder.text()));
        // `PATH` is searched for names alone.
        let is_name = !text.contains(['\\', '/']);
        own.chain(named.filter(|_| is_name)).filter_map(below).collect()
    }

    /// The path of a text that needs no search. A path without a drive is one of the drive of Windows, but for the names
    /// that the kernel gives to devices (`\Device\HarddiskVolume2`, `\??\`) and other machines (`\\server`).
    fn absolute(&self, text: &str) -> Option<HostPath> {
        let of_kernel = [r"\\", r"\?", r"\Device\", r"\GLOBAL"];
        let is = |head: &&str| text.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head));
        let rooted = text.starts_with('\\') && !of_kernel.iter().any(is);
        let drive = self.windows.root.drive().filter(|_| rooted);
        HostPath::of_windows(&drive.map_or_else(|| text.to_owned(), |letter| format!("{letter}:{text}")))
    }
}

/// The one thing that a command line of the machine or of a user is there for ([`Programs::started`]).
pub(super) fn started(host: &dyn Host, line: &str, user: Option<&User>, haul: &mut Haul) -> Option<Image> {
    Programs::of(host, user)?.started(line, haul)
}

/// The file that a path of the machine or of a user names ([`Programs::path`]).
pub(super) fn file(host: &dyn Host, text: &str, user: Option<&User>, haul: &mut Haul) -> Option<Image> {
    Programs::of(host, user)?.path(text, haul)
}

/// Puts what the program says of itself into a trace of what starts it, where files are to be looked at.
pub(super) fn tell(host: &dyn Host, want: &Wanted, trace: &mut Trace, haul: &mut Haul) {
    let there =
        trace.image.as_ref().filter(|image| image.exists == Some(true) && want.depth >= Depth::Standard);
    let Some(path) = there.map(|image| image.path.clone()) else { return };
    if let Some(program) = program::seen(&path, program::look(host, &path), haul) {
        program.tell(trace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry};
    use crate::model::GapReason;
    use std::time::{Duration, Instant};

    fn started(line: &str) -> (Started, Vec<(GapReason, bool)>) {
        let file = || FakeNode::File(Vec::new());
        let host = FakeHost::windows(
            [
                ("/C:/Windows/System32/svchost.exe", file()),
                ("/C:/Program Files/Kaspersky Lab/KES/avp.exe", file()),
                ("/C:/Program Files/Kaspersky Lab/KES/x.dll", file()),
                ("/C:/Windows/regedit.exe", file()),
                ("/C:/Folder.exe", FakeNode::Folder),
                ("/C:/Secret", FakeNode::Broken(Miss::Denied)),
            ],
            FakeRegistry::new(),
        );
        let mut haul = Haul::new(Instant::now() + Duration::from_mins(1));
        let started = Programs::of(&host, None).unwrap().command(line, &mut haul);
        (started, haul.gaps())
    }

    fn image(line: &str) -> Option<(String, Option<bool>)> {
        let image = started(line).0.image?;
        Some((image.path.text().into_owned(), image.exists))
    }

    #[test]
    fn the_program_is_the_one_that_is_there() {
        let avp = Some((r"C:\Program Files\Kaspersky Lab\KES\avp.exe".to_owned(), Some(true)));
        for line in [
            r#""%ProgramFiles%\Kaspersky Lab\KES\AVP.exe" -r"#,
            r"C:\Program Files\Kaspersky Lab\KES\avp.exe -r",
            r"C:\Program Files\Kaspersky Lab\KES\avp -r",
            r"\??\c:\program files\kaspersky lab\kes\avp.exe",
        ] {
            assert_eq!(image(line), avp, "{line}");
        }
        assert_eq!(image("svchost -k x").unwrap().0, r"C:\Windows\System32\svchost.exe");
        assert_eq!(image(r"system32\svchost.exe -k x").unwrap().1, Some(true));
        assert_eq!(image("regedit.exe").unwrap().0, r"C:\Windows\regedit.exe");
    }

    #[test]
    fn what_is_gone_and_what_cannot_be_followed_are_two() {
        let gone = |path: &str, exists| Some((path.to_owned(), exists));
        assert_eq!(image(r"C:\Gone\x.exe -a"), gone(r"C:\Gone\x.exe", Some(false)));
        assert_eq!(image(r"C:\Folder.exe"), gone(r"C:\Folder.exe", Some(false)));
        assert_eq!(image(r"\\server\share\x.exe"), gone(r"\\server\share\x.exe", None));
        assert_eq!(image(r"%nobody%\x.exe"), gone(r"%nobody%\x.exe", None));
        assert_eq!(image(r"\Gone\x.exe"), gone(r"C:\Gone\x.exe", Some(false)), "of the drive of Windows");
        assert_eq!(image("elsewhere.exe"), None);
        assert_eq!(image(""), None);
        let (secret, gaps) = started(r"C:\Secret\x.exe");
        assert_eq!(secret.image.unwrap().exists, None);
        assert_eq!(gaps, [(GapReason::PermissionDenied, true)]);
    }

    #[test]
    fn a_launcher_names_its_library() {
        let (started, _) = started(r"rundll32.exe C:\Program Files\Kaspersky Lab\KES\x.dll,Start");
        assert_eq!(started.stem, "rundll32");
        assert_eq!(started.library.unwrap().exists, Some(true));
    }

    #[test]
    fn a_line_of_a_megabyte_ends() {
        for line in ["%".repeat(1 << 20), " a".repeat(1 << 19), r"%ProgramFiles%\".repeat(1 << 16)] {
            let _started = started(&line);
        }
    }
}
