//! Files below a folder of the scanner's machine, as files of the host: links resolved by us, remote mounts refused, for a
//! Windows its drives, for a macOS its volumes, and for both their names in any letters' case.
//!
//! Called by the root host, by the rest through the trait. The one place that opens files of the scanned machine:
//! read-only, regular files only, never through a link that was not resolved here.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is what Host::files stands on"
)]

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::model::HostPath;
use crate::parse::ReadAt;

use super::mounts::Mounts;
use super::names::Names;
#[cfg(target_os = "linux")]
use super::os::open_plain;
use super::os::{below, identity, is_placeholder, kind, kind_of, miss, open_read_only, read_once, stat};
use super::resolve::{Step, resolve};
use super::volumes::{Found, Volumes};
use super::{Entry, Files, Kind, Miss, Read, Stat, WalkNext, Walked};

/// What the system mounts when it starts; fstab(5).
const FSTAB: &str = "/etc/fstab";
const FSTAB_LIMIT: u64 = 1 << 20;
/// Entries of one folder that are kept at most.
const MAX_ENTRIES: usize = 1_000_000;
/// Folders that are remembered: most look-ups share a few, and a walk over a whole disk asks for each once.
const MAX_FOLDERS: usize = 8_192;

/// How the system that is scanned writes paths.
#[derive(Debug)]
enum Style {
    /// One tree of names, each with its own letters' case.
    Unix {
        /// The folder that holds it.
        root: PathBuf,
    },
    /// A tree for each drive; letters' case does not count.
    Windows {
        /// Drive letters, and the folders that hold them.
        drives: Vec<(char, PathBuf)>,
        /// How folders spell their names.
        names: Names,
    },
    /// One tree of two volumes; letters' case does not count, nor how accents are written.
    Macos {
        /// Where its parts lie.
        volumes: Volumes,
        /// How folders spell their names.
        names: Names,
    },
}

/// The files below a folder.
pub(super) struct RootFiles {
    style: Style,
    mounts: Mounts,
    /// Folders already resolved: most look-ups share a few.
    folders: Mutex<HashMap<HostPath, Read<HostPath>>>,
}

impl RootFiles {
    /// The files of a Linux, or of a tree of which nothing is known yet.
    pub(super) fn unix(root: PathBuf) -> Self {
        let mounts = Mounts::new(&mount_table(), &HostPath::new(root.as_os_str().as_encoded_bytes()));
        Self { style: Style::Unix { root }, mounts, folders: Mutex::default() }
    }

    /// The files of a Windows whose drives lie at these folders.
    pub(super) fn windows(drives: Vec<(char, PathBuf)>) -> Self {
        let mut mounts = Mounts::default();
        let table = mount_table();
        for (letter, folder) in &drives {
            let folder = HostPath::new(folder.as_os_str().as_encoded_bytes());
            mounts.add(&table, &folder, &HostPath::new(format!("/{letter}:")));
        }
        Self { style: Style::Windows { drives, names: Names::default() }, mounts, folders: Mutex::default() }
    }

    /// The files of a macOS whose volumes were found; `mounts` is what the scanner's machine mounts.
    pub(super) fn macos(root: &Path, found: Found) -> Self {
        let mut mounts = live_mounts();
        let table = mount_table();
        mounts.add(&table, &HostPath::new(root.as_os_str().as_encoded_bytes()), &"/".into());
        if let Some((data, name)) = found.volumes.second() {
            // Who mounted it there asked for it, by whatever driver.
            mounts.admit(&name);
            mounts.add(&table, &HostPath::new(data.as_os_str().as_encoded_bytes()), &name);
        }
        mounts.rename(|path| found.volumes.named(path));
        mounts.refuse(found.refused);
        let style = Style::Macos { volumes: found.volumes, names: Names::of_macos() };
        Self { style, mounts, folders: Mutex::default() }
    }

    /// Reads the system's own table of what it mounts.
    pub(super) fn expect_mounts(&mut self) {
        let table = self.read(&FSTAB.into(), FSTAB_LIMIT).unwrap_or_default();
        let is_empty = |point: &HostPath| match self.list(point) {
            Ok(entries) => entries.iter().all(|entry| entry.name == b"lost+found"),
            Err(miss) => miss == Miss::Absent,
        };
        let unmounted = self.mounts.unmounted(&table, is_empty);
        self.mounts.refuse(unmounted.into_iter().map(|point| (point, Miss::NotMounted)));
        self.folders = Mutex::default();
    }

    /// Where a resolved path of the host lies on the scanner's machine.
    pub(super) fn os_path(&self, path: &HostPath) -> Read<PathBuf> {
        match &self.style {
            // A name that the scanner's system cannot ask for is there all the same.
            Style::Unix { root } => below(root, path.as_bytes()).ok_or_else(unknown_name),
            Style::Macos { volumes, .. } => volumes.os_path(path).ok_or_else(unknown_name),
            Style::Windows { drives, .. } => {
                let letter = path.drive().map(|letter| letter.to_ascii_uppercase());
                let (_, folder) =
                    drives.iter().find(|(known, _)| Some(*known) == letter).ok_or_else(|| not_here(path))?;
                below(folder, path.as_bytes().get(3..).unwrap_or_default()).ok_or(Miss::Absent)
            }
        }
    }

    /// Metadata of a path whose folders hold no links.
    pub(super) fn look(&self, path: &HostPath) -> Read<Metadata> {
        if let Some(miss) = self.refusal(path) {
            return Err(miss.clone());
        }
        fs::symlink_metadata(self.os_path(path)?).map_err(|error| miss(&error))
    }

    /// Why a path is not entered, if it is not.
    pub(super) fn refusal(&self, path: &HostPath) -> Option<&Miss> {
        self.mounts.refusal(path)
    }

    /// Whether a file system begins there that the kernel makes up.
    pub(super) fn is_made_up(&self, path: &HostPath) -> bool {
        self.mounts.is_made_up(path)
    }

    /// Whether a folder of a macOS may lie on its other volume; and whether it is known by another name.
    pub(super) fn volume_of(&self, path: &HostPath) -> (bool, bool) {
        match &self.style {
            Style::Macos { volumes, .. } => (volumes.is_door(path), volumes.is_second_name(path)),
            _ => (false, false),
        }
    }

    /// Folders of a macOS's other volume that are seen below a folder, and that its own does not name.
    pub(super) fn unnamed_below(&self, folder: &HostPath) -> Vec<HostPath> {
        match &self.style {
            Style::Macos { volumes, .. } => volumes.unnamed_below(folder).cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// A path as its last folder spells it; the folders before it are spelled so already.
    fn spelled(&self, path: HostPath) -> Read<HostPath> {
        let names = match &self.style {
            Style::Unix { .. } => return Ok(path),
            Style::Windows { names, .. } | Style::Macos { names, .. } => names,
        };
        let Some(folder) = path.parent() else { return Ok(path) };
        if let Style::Windows { .. } = &self.style
            && folder.as_bytes() == b"/"
        {
            return path
                .drive()
                .map(|letter| HostPath::new(format!("/{}:", letter.to_ascii_uppercase())))
                .ok_or(Miss::Absent);
        }
        let list = || Ok(self.entries(&folder)?.into_iter().map(|entry| entry.name).collect());
        let spelled = names.spelled(&folder, path.file_name(), list);
        match &self.style {
            Style::Macos { volumes, .. } => match spelled {
                Ok(name) => Ok(volumes.named(folder.join(name))),
                // The Data volume alone has not the links of the system's to it.
                Err(Miss::Absent) if Volumes::implied_link(&path).is_some() => Ok(path),
                Err(miss) => Err(miss),
            },
            _ => Ok(folder.join(spelled?)),
        }
    }

    /// The entries of a folder that is resolved, in the system's order.
    fn entries(&self, folder: &HostPath) -> Read<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.os_path(folder)?).map_err(|error| miss(&error))? {
            let entry = entry.map_err(|error| miss(&error))?;
            if entries.len() == MAX_ENTRIES {
                return Err(Miss::TooLarge { size: MAX_ENTRIES as u64 + 1, limit: MAX_ENTRIES as u64 });
            }
            let kind = match entry.file_type() {
                Ok(file_type) => kind_of(file_type),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(miss(&error)),
            };
            entries.push(Entry { name: entry.file_name().as_encoded_bytes().to_vec(), kind });
        }
        for door in self.unnamed_below(folder).iter().filter(|door| door.parent().as_ref() == Some(folder)) {
            if self.look(door).is_ok_and(|meta| meta.is_dir()) {
                entries.push(Entry { name: door.file_name().to_vec(), kind: Kind::Folder });
            }
        }
        Ok(entries)
    }

    /// Resolves a path; the folders on the way are remembered.
    pub(super) fn settle(&self, path: &HostPath) -> Read<(HostPath, Metadata)> {
        let path = &self.named(path.clone());
        let placed = match path.parent() {
            Some(folder) if path.file_name() != b".." => {
                self.spelled(self.folder(&folder)?.join(path.file_name()))?
            }
            _ => path.clone(),
        };
        match self.look(&placed) {
            Err(Miss::Absent) if self.implied_link(&placed).is_some() => {}
            Ok(meta) if meta.is_symlink() => {}
            meta => return Ok((placed, meta?)),
        }
        let real = resolve(&placed, &mut |path| self.step(path))?;
        let meta = self.look(&real)?;
        if meta.is_symlink() {
            // Only a volume that is mounted there leads to itself: the system enters it.
            let meta = fs::metadata(self.os_path(&real)?).map_err(|error| miss(&error))?;
            return Ok((real, meta));
        }
        Ok((real, meta))
    }

    /// A folder, its links resolved. What is known of the folders above it is not asked again: most lie in the same few.
    fn folder(&self, folder: &HostPath) -> Read<HostPath> {
        if let Some(known) = self.known(folder) {
            return known;
        }
        let real = resolve(folder, &mut |path| match self.known(path) {
            Some(known) => known.map(Step::Plain),
            None => self.step(path).inspect(|step| {
                if let Step::Plain(spelled) = step {
                    self.remember(path, Ok(spelled.clone()));
                }
            }),
        });
        self.remember(folder, real.clone());
        real
    }

    fn known(&self, folder: &HostPath) -> Option<Read<HostPath>> {
        self.folders.lock().ok()?.get(folder).cloned()
    }

    fn remember(&self, folder: &HostPath, real: Read<HostPath>) {
        if let Ok(mut known) = self.folders.lock() {
            if known.len() >= MAX_FOLDERS {
                known.clear();
            }
            known.insert(folder.clone(), real);
        }
    }

    fn step(&self, path: &HostPath) -> Read<Step> {
        let path = self.spelled(path.clone())?;
        match self.look(&path) {
            Ok(meta) if meta.is_symlink() => {}
            Ok(_) => return Ok(Step::Plain(path)),
            Err(Miss::Absent) => {
                let target = self.implied_link(&path).ok_or(Miss::Absent)?;
                return Ok(Step::Link(target.as_bytes().to_vec()));
            }
            Err(miss) => return Err(miss),
        }
        let target = fs::read_link(self.os_path(&path)?).map_err(|error| miss(&error))?;
        let target = target.as_os_str().as_encoded_bytes();
        match &self.style {
            Style::Unix { .. } => Ok(Step::Link(target.to_vec())),
            Style::Macos { .. } => Ok(Step::Link(self.named(HostPath::new(target)).as_bytes().to_vec())),
            Style::Windows { drives, .. } => windows_link(path, target, drives),
        }
    }

    /// The one name of a path: a copy of a macOS may have no folder for the other.
    fn named(&self, path: HostPath) -> HostPath {
        match &self.style {
            Style::Macos { volumes, .. } => volumes.named(path),
            _ => path,
        }
    }

    /// A link of a macOS that is not there and leads somewhere all the same.
    fn implied_link(&self, path: &HostPath) -> Option<&'static str> {
        matches!(self.style, Style::Macos { .. }).then(|| Volumes::implied_link(path)).flatten()
    }

    /// Opens a regular file: looked at before it is opened, so that no device, pipe or socket ever is, and
    /// compared after, so that none slips in between. Contents in the cloud are not fetched.
    fn open_file(&self, path: &HostPath) -> Read<(File, Metadata)> {
        let (real, before) = self.settle(path)?;
        if !before.is_file() {
            return Err(Miss::NotAFile(kind(&before)));
        }
        if is_placeholder(&before) {
            return Err(Miss::InTheCloud);
        }
        let file = open_read_only(&self.os_path(&real)?, &before).map_err(|error| miss(&error))?;
        let after = file.metadata().map_err(|error| miss(&error))?;
        if !after.is_file() || identity(&before) != identity(&after) {
            return Err(Miss::Changed);
        }
        Ok((file, after))
    }
}

#[cfg(target_os = "linux")]
impl RootFiles {
    /// Opens what was a regular file a moment ago; none where that needs a closer look. Neither a link nor a pipe is waited
    /// for or followed, and a device could have been put there by nobody but the administrator.
    fn open_unseen(&self, path: &HostPath) -> Read<Option<(File, Metadata)>> {
        let (Style::Unix { .. }, Some(folder)) = (&self.style, path.parent()) else { return Ok(None) };
        let placed = self.folder(&folder)?.join(path.file_name());
        if placed != *path {
            return Ok(None);
        }
        if let Some(miss) = self.refusal(&placed) {
            return Err(miss.clone());
        }
        let Ok(file) = open_plain(&self.os_path(&placed)?) else { return Ok(None) };
        let meta = file.metadata().map_err(|error| miss(&error))?;
        if meta.is_file() { Ok(Some((file, meta))) } else { Err(Miss::NotAFile(kind(&meta))) }
    }
}

/// What a running macOS mounts; nothing elsewhere.
#[cfg(target_os = "macos")]
fn live_mounts() -> Mounts {
    super::live_macos::mounts()
}

#[cfg(not(target_os = "macos"))]
fn live_mounts() -> Mounts {
    Mounts::default()
}

/// The scanner's own mount table; empty where its system has none (a file of that name elsewhere is anybody's).
fn mount_table() -> Vec<u8> {
    if cfg!(target_os = "linux") { fs::read("/proc/self/mountinfo").unwrap_or_default() } else { Vec::new() }
}

/// A name that the scanner's system cannot ask for is there all the same.
fn unknown_name() -> Miss {
    Miss::Io("the scanner's system knows no such name".to_owned())
}

/// A path of a drive that is not here is not seen; a name that is no drive is not there.
fn not_here(path: &HostPath) -> Miss {
    if path.drive().is_some() { Miss::NotMounted } else { Miss::Absent }
}

impl Files for RootFiles {
    fn read(&self, path: &HostPath, limit: u64) -> Read<Vec<u8>> {
        let (file, meta) = self.open_file(path)?;
        if meta.len() > limit {
            return Err(Miss::TooLarge { size: meta.len(), limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| miss(&error))?;
        let size = bytes.len() as u64;
        if size > limit { Err(Miss::TooLarge { size, limit }) } else { Ok(bytes) }
    }

    fn open(&self, path: &HostPath) -> Read<Box<dyn ReadAt + Send + Sync>> {
        let (file, meta) = self.open_file(path)?;
        Ok(Box::new(OpenFile { file, size: meta.len() }))
    }

    #[cfg(target_os = "linux")]
    fn open_met(&self, path: &HostPath) -> Read<Box<dyn ReadAt + Send + Sync>> {
        match self.open_unseen(path)? {
            Some((file, meta)) => Ok(Box::new(OpenFile { file, size: meta.len() })),
            None => self.open(path),
        }
    }

    fn list(&self, folder: &HostPath) -> Read<Vec<Entry>> {
        if let Style::Windows { drives, .. } = &self.style
            && folder.parts().next().is_none()
        {
            let name = |letter: &char| format!("{letter}:").into_bytes();
            return Ok(drives
                .iter()
                .map(|(letter, _)| Entry { name: name(letter), kind: Kind::Folder })
                .collect());
        }
        let (real, meta) = self.settle(folder)?;
        if !meta.is_dir() {
            return Err(Miss::NotAFile(kind(&meta)));
        }
        let mut entries = self.entries(&real)?;
        if let Style::Macos { volumes, .. } = &self.style {
            entries.retain(|entry| !volumes.is_second_name(&real.join(&entry.name)));
        }
        entries.sort_unstable();
        Ok(entries)
    }

    fn stat(&self, path: &HostPath) -> Read<Stat> {
        self.settle(path).map(|(_, meta)| stat(&meta))
    }

    fn resolve(&self, path: &HostPath) -> Read<HostPath> {
        self.settle(path).map(|(real, _)| real)
    }

    fn walk(&self, folder: &HostPath, visit: &mut dyn FnMut(Walked) -> WalkNext) -> Read<()> {
        self.walk_below(folder, visit)
    }
}

/// A file open for positioned reads.
struct OpenFile {
    file: File,
    size: u64,
}

impl ReadAt for OpenFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match read_once(&self.file, rest, offset + done as u64)? {
                0 => break,
                n => done += n,
            }
        }
        Ok(done)
    }
}

/// The target of a link of a Windows disk as a path of the host. What a driver for Linux makes of a junction's target
/// (`C:\\Users`, `/??/C:/Users`, or the place in the mounted disk) is put back.
fn windows_link(path: HostPath, target: &[u8], drives: &[(char, PathBuf)]) -> Read<Step> {
    let text = String::from_utf8_lossy(target);
    if let Some(absolute) = HostPath::of_windows(
        text.strip_prefix('/')
            .filter(|rest| rest.starts_with("??/"))
            .map_or(&*text, |rest| rest.trim_start_matches("??/")),
    ) {
        return Ok(Step::Link(absolute.as_bytes().to_vec()));
    }
    // A volume without a letter, mounted at a folder: the system that runs enters it by itself.
    if text.contains("Volume{") {
        return if cfg!(windows) { Ok(Step::Plain(path)) } else { Err(Miss::NotMounted) };
    }
    let outside = HostPath::new(target);
    for (letter, folder) in drives {
        let folder = HostPath::new(folder.as_os_str().as_encoded_bytes());
        if outside.is_within(&folder) {
            let inside = outside.as_bytes().get(folder.as_bytes().len()..).unwrap_or_default();
            return Ok(Step::Link([format!("/{letter}:").as_bytes(), inside].concat()));
        }
    }
    if outside.is_absolute() || text.starts_with(r"\\") {
        return Err(Miss::NotMounted);
    }
    Ok(Step::Link(text.replace('\\', "/").into_bytes()))
}
