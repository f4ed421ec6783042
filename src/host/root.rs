//! A host at a folder: the running machine at `/`, or a mounted disk at `--root`.
//!
//! Called by `cli` to open a host, by `sources` through the traits. The one place that opens files of the scanned
//! machine: read-only, regular files only, never through a link that was not resolved here.
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

use crate::model::{Family, HostFacts, HostPath, Mode, Stamp};
use crate::parse::ReadAt;

use super::mounts::Mounts;
use super::resolve::{Step, resolve};
use super::{Entry, Files, Host, Kind, Listing, Miss, Process, Read, Stat, WalkNext, Walked, facts};

/// What the system mounts when it starts; fstab(5).
const FSTAB: &str = "/etc/fstab";
const FSTAB_LIMIT: u64 = 1 << 20;
/// Entries of one folder that are kept at most.
const MAX_ENTRIES: usize = 1_000_000;

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
        "{path} is not the root of a Linux system: it holds no os-release and no package database; {hint}"
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
    files: RootFiles,
}

impl RootHost {
    /// The machine that runs the scanner.
    pub fn live() -> Result<Self, OpenError> {
        Self::new(Path::new("/"), Mode::Live)
    }

    /// A mounted disk or an unpacked image.
    pub fn offline(root: &Path) -> Result<Self, OpenError> {
        Self::new(root, Mode::Offline)
    }

    fn new(root: &Path, mode: Mode) -> Result<Self, OpenError> {
        let cause = |cause| OpenError::Root { path: root.to_owned(), cause };
        let real = fs::canonicalize(root).map_err(cause)?;
        fs::read_dir(&real).map_err(cause)?;
        let mut files = RootFiles::new(real);
        files.expect_mounts();
        let Some(family) = facts::probe(&files) else {
            return Err(OpenError::NotARoot { path: root.to_owned(), hint: hint(&files) });
        };
        let facts = facts::of(family, mode, &files);
        Ok(Self { facts, files })
    }
}

/// A folder below that is a root is the usual mistake.
fn hint(files: &RootFiles) -> String {
    let below = files.list(&HostPath::from("/")).unwrap_or_default().into_iter().find(|entry| {
        let folder = HostPath::from("/").join(&entry.name);
        entry.kind == Kind::Folder && facts::probe(&RootFiles::new(files.os_path(&folder))).is_some()
    });
    match below {
        Some(entry) => format!("try the folder '{}' below it", HostPath::new(entry.name)),
        None => "mount the disk's root file system and name that folder".to_owned(),
    }
}

impl Host for RootHost {
    fn facts(&self) -> &HostFacts {
        &self.facts
    }

    fn files(&self) -> &dyn Files {
        &self.files
    }

    fn processes(&self) -> Option<Listing<Process>> {
        match (self.facts.mode, self.facts.family) {
            #[cfg(target_os = "linux")]
            (Mode::Live, Family::Linux) => Some(super::live_unix::processes()),
            _ => None,
        }
    }
}

/// The files below a folder.
struct RootFiles {
    root: PathBuf,
    mounts: Mounts,
    /// Folders already resolved: most look-ups share a few.
    folders: Mutex<HashMap<HostPath, Read<HostPath>>>,
}

impl RootFiles {
    fn new(root: PathBuf) -> Self {
        let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
        let mounts = Mounts::new(&table, &HostPath::new(root.as_os_str().as_encoded_bytes()));
        Self { root, mounts, folders: Mutex::default() }
    }

    /// Reads the system's own table of what it mounts.
    fn expect_mounts(&mut self) {
        let table = self.read(&FSTAB.into(), FSTAB_LIMIT).unwrap_or_default();
        let is_empty = |point: &HostPath| match self.list(point) {
            Ok(entries) => entries.iter().all(|entry| entry.name == b"lost+found"),
            Err(miss) => miss == Miss::Absent,
        };
        let unmounted = self.mounts.unmounted(&table, is_empty);
        self.mounts.refuse(unmounted);
        self.folders = Mutex::default();
    }

    /// Where a resolved path of the host lies on the scanner's machine.
    fn os_path(&self, path: &HostPath) -> PathBuf {
        let inside = path.as_bytes().strip_prefix(b"/").unwrap_or(path.as_bytes());
        if inside.is_empty() { self.root.clone() } else { self.root.join(os_name(inside)) }
    }

    /// Metadata of a path whose folders hold no links.
    fn look(&self, path: &HostPath) -> Read<Metadata> {
        if let Some(miss) = self.mounts.refusal(path) {
            return Err(miss.clone());
        }
        fs::symlink_metadata(self.os_path(path)).map_err(|error| miss(&error))
    }

    /// Resolves a path; the folders on the way are remembered.
    fn settle(&self, path: &HostPath) -> Read<(HostPath, Metadata)> {
        let placed = match path.parent() {
            Some(folder) if path.file_name() != b".." => self.folder(&folder)?.join(path.file_name()),
            _ => path.clone(),
        };
        let meta = self.look(&placed)?;
        if !meta.is_symlink() {
            return Ok((placed, meta));
        }
        let real = resolve(&placed, &mut |path| self.step(path))?;
        let meta = self.look(&real)?;
        Ok((real, meta))
    }

    fn folder(&self, folder: &HostPath) -> Read<HostPath> {
        if let Ok(known) = self.folders.lock()
            && let Some(known) = known.get(folder)
        {
            return known.clone();
        }
        let real = resolve(folder, &mut |path| self.step(path));
        if let Ok(mut known) = self.folders.lock() {
            known.insert(folder.clone(), real.clone());
        }
        real
    }

    fn step(&self, path: &HostPath) -> Read<Step> {
        if !self.look(path)?.is_symlink() {
            return Ok(Step::Plain);
        }
        let target = fs::read_link(self.os_path(path)).map_err(|error| miss(&error))?;
        Ok(Step::Link(target.as_os_str().as_encoded_bytes().to_vec()))
    }

    /// Opens a regular file: looked at before it is opened, so that no device, pipe or socket ever is, and
    /// compared after, so that none slips in between.
    fn open_file(&self, path: &HostPath) -> Read<(File, Metadata)> {
        let (real, before) = self.settle(path)?;
        if !before.is_file() {
            return Err(Miss::NotAFile(kind(&before)));
        }
        let file = open_read_only(&self.os_path(&real)).map_err(|error| miss(&error))?;
        let after = file.metadata().map_err(|error| miss(&error))?;
        if !after.is_file() || identity(&before) != identity(&after) {
            return Err(Miss::Changed);
        }
        Ok((file, after))
    }
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

    fn open(&self, path: &HostPath) -> Read<Box<dyn ReadAt>> {
        let (file, meta) = self.open_file(path)?;
        Ok(Box::new(OpenFile { file, size: meta.len() }))
    }

    fn list(&self, folder: &HostPath) -> Read<Vec<Entry>> {
        let (real, meta) = self.settle(folder)?;
        if !meta.is_dir() {
            return Err(Miss::NotAFile(kind(&meta)));
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.os_path(&real)).map_err(|error| miss(&error))? {
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
        let (real, meta) = self.settle(folder)?;
        if !meta.is_dir() {
            return Err(Miss::NotAFile(kind(&meta)));
        }
        let top = self.os_path(&real);
        let mut walk = walkdir::WalkDir::new(&top).min_depth(1).same_file_system(true).into_iter();
        while let Some(step) = walk.next() {
            let walked = self.walked(&top, &real, device(&meta), step);
            let enters = matches!(&walked, Walked::Seen { stat, .. } if stat.kind == Kind::Folder);
            match visit(walked) {
                WalkNext::Skip if enters => walk.skip_current_dir(),
                WalkNext::On | WalkNext::Skip => {}
                WalkNext::Stop => break,
            }
        }
        Ok(())
    }
}

impl RootFiles {
    /// One step of walkdir as a step of the host. A folder of another device is not entered, and is missed.
    fn walked(
        &self,
        top: &Path,
        real: &HostPath,
        device_of_top: u64,
        step: walkdir::Result<walkdir::DirEntry>,
    ) -> Walked {
        let place = |path: &Path| match path.strip_prefix(top) {
            Ok(inside) if !inside.as_os_str().is_empty() => real.join(inside.as_os_str().as_encoded_bytes()),
            _ => real.clone(),
        };
        let error = match step {
            Ok(entry) => {
                let path = place(entry.path());
                if let Some(miss) = self.mounts.refusal(&path) {
                    return Walked::Missed(path, miss.clone());
                }
                match entry.metadata() {
                    Ok(meta) if meta.is_dir() && device(&meta) != device_of_top => {
                        return Walked::Missed(path, Miss::Overmounted);
                    }
                    Ok(meta) => return Walked::Seen { path, stat: stat(&meta) },
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        let path = error.path().map_or_else(|| real.clone(), place);
        Walked::Missed(path, error.io_error().map_or(Miss::LinkLoop, miss))
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

#[cfg(unix)]
fn read_once(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(windows)]
fn read_once(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}

/// Never follows a link, never waits for a pipe's other end, never takes a terminal.
#[cfg(unix)]
fn open_read_only(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(windows)]
fn open_read_only(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn os_name(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(windows)]
fn os_name(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(unix)]
fn identity(meta: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (meta.dev(), meta.ino())
}

#[cfg(windows)]
fn identity(meta: &Metadata) -> (u64, u64) {
    (meta.len(), 0)
}

#[cfg(unix)]
fn device(meta: &Metadata) -> u64 {
    identity(meta).0
}

#[cfg(windows)]
fn device(_: &Metadata) -> u64 {
    0
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "None where the scanner's system keeps no such bit")]
fn executable(meta: &Metadata) -> Option<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Some(meta.mode() & 0o111 != 0)
}

#[cfg(windows)]
fn executable(_: &Metadata) -> Option<bool> {
    None
}

fn stat(meta: &Metadata) -> Stat {
    let modified = meta.modified().ok().and_then(|time| {
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        Stamp::from_unix(i64::try_from(since.as_secs()).ok()?)
    });
    Stat { kind: kind(meta), size: meta.len(), executable: executable(meta), modified }
}

fn kind(meta: &Metadata) -> Kind {
    kind_of(meta.file_type())
}

fn kind_of(file_type: fs::FileType) -> Kind {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if file_type.is_fifo() {
            return Kind::Pipe;
        }
        if file_type.is_socket() {
            return Kind::Socket;
        }
    }
    if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_symlink() {
        Kind::Link
    } else {
        Kind::Device
    }
}

/// The system's error as a miss. A folder on the way that is a file means that the path is not there.
fn miss(error: &io::Error) -> Miss {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Miss::Absent,
        io::ErrorKind::PermissionDenied => Miss::Denied,
        _ if is_loop(error) => Miss::LinkLoop,
        _ => Miss::Io(error.to_string()),
    }
}

#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(windows)]
fn is_loop(_: &io::Error) -> bool {
    false
}
