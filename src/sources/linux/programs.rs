//! The program that a unit, entry or job names: where it lies inside the root, and whether it is there.
//!
//! Called by the sources of what is started. Arguments are never seen here.

use crate::host::{Files, Kind, Miss};
use crate::model::{HostPath, Image, State};
use crate::sources::Haul;

/// Where a name without a folder is looked for: `PATH` of systemd.exec(5), login shells, snap and games.
const FOLDERS: &[&str] = &[
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
    "/usr/local/games",
    "/usr/games",
    "/snap/bin",
    "/var/lib/flatpak/exports/bin",
];

/// What a program's name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    /// A path, and whether it is there.
    At(Image),
    /// A bare name that none of the usual folders holds.
    NotFound,
    /// Not a name that can be followed: a variable, a relative path.
    Unknown,
}

impl Program {
    /// The image for a trace.
    pub(super) fn image(&self) -> Option<Image> {
        match self {
            Self::At(image) => Some(image.clone()),
            Self::NotFound | Self::Unknown => None,
        }
    }

    /// What is left of a thing whose absolute program is gone is a remnant. A name that was found nowhere may be
    /// a word of the shell, or lie in a folder of its own.
    pub(super) fn state(&self) -> State {
        match self {
            Self::At(Image { exists: Some(false), .. }) => State::Remnant,
            _ => State::Installed,
        }
    }
}

/// Follows a program's name. A folder of a user's own comes first, where there is one.
pub(super) fn locate(files: &dyn Files, name: &[u8], own: &[HostPath], haul: &mut Haul) -> Program {
    // Specifiers of systemd, variables of the shell.
    if name.is_empty() || name.iter().any(|b| matches!(b, b'%' | b'$' | 0)) {
        return Program::Unknown;
    }
    if name.starts_with(b"/") {
        return Program::At(image(files, HostPath::new(name), haul));
    }
    if name.contains(&b'/') || name == b"." || name == b".." {
        return Program::Unknown;
    }
    let folders = own.iter().cloned().chain(FOLDERS.iter().map(|folder| HostPath::from(*folder)));
    for folder in folders {
        if let Ok(real) = files.resolve(&folder.join(name)) {
            return Program::At(Image { path: real, exists: Some(true) });
        }
    }
    Program::NotFound
}

/// An absolute path with its links resolved where it is there. One that cannot be looked at hides only whether
/// it exists: a minor gap.
pub(super) fn image(files: &dyn Files, path: HostPath, haul: &mut Haul) -> Image {
    match files.stat(&path).and_then(|stat| Ok((stat.kind, files.resolve(&path)?))) {
        // A folder in its place is no program.
        Ok((kind, real)) => Image { path: real, exists: Some(kind != Kind::Folder) },
        Err(Miss::Absent) => Image { path, exists: Some(false) },
        Err(miss) => {
            haul.minor(miss.reason(), &path, "whether this program is there cannot be seen");
            Image { path, exists: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::host::{FakeHost, FakeNode, Host};
    use crate::model::GapReason;

    fn program(name: &str) -> (Program, Haul) {
        let host = FakeHost::new([
            ("/usr/bin/tool", FakeNode::Program(vec![])),
            ("/home/ann/.local/bin/own", FakeNode::Program(vec![])),
            ("/bin", FakeNode::Link(b"usr/bin".to_vec())),
            ("/secret", FakeNode::Broken(Miss::Denied)),
            ("/loop", FakeNode::Link(b"loop".to_vec())),
        ]);
        let mut haul = Haul::new(Instant::now() + Duration::from_mins(1));
        let own = [HostPath::from("/home/ann/.local/bin")];
        (locate(host.files(), name.as_bytes(), &own, &mut haul), haul)
    }

    fn at(path: &str, exists: Option<bool>) -> Program {
        Program::At(Image { path: path.into(), exists })
    }

    #[test]
    fn names_lead_to_files() {
        assert_eq!(program("/bin/tool").0, at("/usr/bin/tool", Some(true)));
        assert_eq!(program("tool").0, at("/usr/bin/tool", Some(true)));
        assert_eq!(program("own").0, at("/home/ann/.local/bin/own", Some(true)));
        assert_eq!(program("/usr/bin").0, at("/usr/bin", Some(false)), "a folder");
        assert_eq!(program("/opt/gone").0, at("/opt/gone", Some(false)));
        assert_eq!(program("/opt/gone").0.state(), State::Remnant);
        assert_eq!((program("cd").0, program("cd").0.state()), (Program::NotFound, State::Installed));
    }

    #[test]
    fn what_cannot_be_followed_is_unknown() {
        for name in ["", "%h/x", "$HOME/x", "./x", "a/b", ".."] {
            assert_eq!(program(name).0, Program::Unknown, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_neither_there_nor_gone() {
        let (found, haul) = program("/secret/x");
        assert_eq!((found, haul.gaps()), (at("/secret/x", None), vec![(GapReason::PermissionDenied, false)]));
        assert_eq!(program("/loop").1.gaps(), [(GapReason::LinkLoop, false)]);
    }
}
