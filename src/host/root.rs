//! A host at a folder: the running machine, or a mounted disk at `--root`.
//!
//! Called by `cli` to open a host, by `sources` through the traits. Must not read anything itself: files, registry and
//! processes have files of their own.
#![expect(clippy::disallowed_methods, reason = "looks whether the folder that was named is there")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::model::{Family, GapReason, HostFacts, HostPath, Mode, UserGap};

use super::hives::Hives;
use super::privacy::Private;
use super::profiles::containers;
use super::registry::Hive;
use super::root_files::RootFiles;
use super::{Files, Host, Kind, Listing, Process, Registry, facts, macos_facts, volumes, windows_facts};

/// Folders below that a hint names.
const MAX_HINTS: usize = 5;

/// Why a host could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder itself cannot be read.
    #[error("cannot read {path}: {cause}; name a folder that holds the root of a system")]
    Root {
        /// The folder, as given.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// It is no root of a system that can be scanned.
    #[error(
        "{path} is not the root of a Linux, Windows or macOS system: it holds no os-release, no package database, no \
         Windows\\System32, and neither SystemVersion.plist nor the homes and accounts of a Mac; {hint}"
    )]
    NotARoot {
        /// The folder, as given.
        path: PathBuf,
        /// What to try.
        hint: String,
    },
}

/// A host at a folder of the scanner's machine.
pub struct RootHost {
    facts: HostFacts,
    files: Arc<dyn Files>,
    registry: Option<Box<dyn Registry>>,
    /// What ran when it was asked first.
    running: OnceLock<Option<Listing<Process>>>,
}

impl RootHost {
    /// The machine that runs the scanner.
    #[cfg(not(windows))]
    pub fn live() -> Result<Self, OpenError> {
        Self::at(Path::new("/"), Mode::Live)
    }

    /// The machine that runs the scanner.
    #[cfg(windows)]
    pub fn live() -> Result<Self, OpenError> {
        let files = Arc::new(RootFiles::windows(super::live_windows::drives()));
        let (facts, registry) = super::live_windows::open(&files);
        Ok(Self { facts, files, registry: Some(registry), running: OnceLock::new() })
    }

    /// A mounted disk or an unpacked image.
    pub fn offline(root: &Path) -> Result<Self, OpenError> {
        Self::at(root, Mode::Offline)
    }

    fn at(root: &Path, mode: Mode) -> Result<Self, OpenError> {
        let cause = |cause| OpenError::Root { path: root.to_owned(), cause };
        let real = fs::canonicalize(root).map_err(cause)?;
        fs::read_dir(&real).map_err(cause)?;
        let mut files = RootFiles::unix(real.clone());
        match probe(&files, &real, mode) {
            Some(Probed::Windows) => Ok(Self::windows_disk(&real)),
            Some(Probed::Macos(found)) => Ok(Self::macos(&real, mode, *found)),
            Some(Probed::Linux) => {
                files.expect_mounts();
                let facts = facts::of(Family::Linux, mode, &files);
                Ok(Self { facts, files: Arc::new(files), registry: None, running: OnceLock::new() })
            }
            None => Err(OpenError::NotARoot { path: root.to_owned(), hint: hint(&files) }),
        }
    }

    /// The tree of a macOS. What a running one does not show is not taken for empty.
    fn macos(root: &Path, mode: Mode, mut found: volumes::Found) -> Self {
        let hidden = std::mem::take(&mut found.hidden);
        let mut files = RootFiles::macos(root, found);
        files.expect_mounts();
        let files: Arc<dyn Files> = Arc::new(files);
        let mut facts = macos_facts::of(mode, files.as_ref());
        facts.user_gaps.extend(hidden.into_iter().map(|path| UserGap {
            reason: GapReason::Overmounted,
            path,
            detail: Some(
                "the volume of the system holds more there than the Data volume, which was read".into(),
            ),
            blocking: true,
        }));
        #[cfg(target_os = "macos")]
        if mode == Mode::Live {
            facts.other_volumes = super::live_macos::other_volumes();
            facts.machine_id = super::live_macos::machine_id();
        }
        let files: Arc<dyn Files> = if facts.full_disk_access == Some(false) {
            Arc::new(Private::new(files, &facts.users))
        } else {
            files
        };
        Self { facts, files, registry: None, running: OnceLock::new() }
    }

    /// A disk of Windows. Its own registry says which letter it has.
    fn windows_disk(root: &Path) -> Self {
        let open = |letter| Arc::new(RootFiles::windows(vec![(letter, root.to_owned())]));
        let mut files = open('C');
        if let Some(letter) = letter(&files).filter(|letter| *letter != 'C') {
            files = open(letter);
        }
        let windows = windows_facts::folder(files.as_ref()).unwrap_or_else(|| HostPath::from("/C:/Windows"));
        let mut hives = Hives::new(Arc::clone(&files) as Arc<dyn Files>, windows.clone());
        let facts = windows_facts::of(Mode::Offline, files.as_ref(), &hives, windows);
        hives.set_users(&facts.users, containers(&hives));
        Self { facts, files, registry: Some(Box::new(hives)), running: OnceLock::new() }
    }
}

/// The letter that a Windows calls its own drive by.
fn letter(files: &Arc<RootFiles>) -> Option<char> {
    let folder = windows_facts::folder(files.as_ref())?;
    let hives = Hives::new(Arc::clone(files) as Arc<dyn Files>, folder);
    let root = hives.open(Hive::Software, windows_facts::CURRENT).ok()?.value("SystemRoot").ok()?.text()?;
    HostPath::of_windows(&root)?.drive()
}

/// What a root is the root of.
enum Probed {
    Linux,
    Windows,
    Macos(Box<volumes::Found>),
}

/// Which family's root this is.
fn probe(files: &RootFiles, root: &Path, mode: Mode) -> Option<Probed> {
    if facts::probe(files).is_some() {
        return Some(Probed::Linux);
    }
    if let Some(found) = volumes::find(root, mode, files) {
        return Some(Probed::Macos(Box::new(found)));
    }
    let windows = RootFiles::windows(vec![('C', root.to_owned())]);
    if windows_facts::is_windows(&windows) {
        return Some(Probed::Windows);
    }
    volumes::find_side_by_side(root, files).map(|found| Probed::Macos(Box::new(found)))
}

/// A folder below that is a root is the usual mistake. More than one may be: volumes of one disk, disks of one machine.
fn hint(files: &RootFiles) -> String {
    let folders = files.list(&HostPath::from("/")).unwrap_or_default().into_iter().filter(|entry| {
        let folder = files.os_path(&HostPath::from("/").join(&entry.name));
        let is_root =
            |folder: PathBuf| probe(&RootFiles::unix(folder.clone()), &folder, Mode::Offline).is_some();
        entry.kind == Kind::Folder && folder.is_ok_and(is_root)
    });
    let names: Vec<String> =
        folders.take(MAX_HINTS).map(|entry| format!("'{}'", HostPath::new(entry.name))).collect();
    match names.as_slice() {
        [] => "mount the disk's root file system and name that folder".to_owned(),
        [one] => format!("try the folder {one} below it"),
        more => format!("try one of the folders {} below it", more.join(", ")),
    }
}

impl Host for RootHost {
    fn facts(&self) -> &HostFacts {
        &self.facts
    }

    fn files(&self) -> &dyn Files {
        self.files.as_ref()
    }

    fn registry(&self) -> Option<&dyn Registry> {
        self.registry.as_deref()
    }

    fn processes(&self) -> Option<Listing<Process>> {
        self.running.get_or_init(|| running(self.facts.mode, self.facts.family)).clone()
    }
}

/// What runs now.
fn running(mode: Mode, family: Family) -> Option<Listing<Process>> {
    match (mode, family) {
        #[cfg(target_os = "linux")]
        (Mode::Live, Family::Linux) => Some(super::live_unix::processes()),
        #[cfg(target_os = "macos")]
        (Mode::Live, Family::Macos) => Some(super::live_macos::processes()),
        #[cfg(windows)]
        (Mode::Live, Family::Windows) => Some(super::live_windows_processes::processes()),
        _ => None,
    }
}
