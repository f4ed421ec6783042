//! Reading and writing the operator's own small files: configuration, keys, passwords, memory.
//!
//! Called by the other files of this room. Never for a file of the scanned host.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "these are the operator's files, not the scanned host's"
)]

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::emit::format_of_file;
use crate::model::{Order, Stamp};

/// Bytes that such a file may have.
const MAX_BYTES: u64 = 1 << 20;
/// Bytes that a saved document may have.
const MAX_DOCUMENT: u64 = 1 << 30;

/// Reads a small file.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    read_small(File::open(path)?)
}

/// Reads a small text.
pub(super) fn read_small(from: impl Read) -> io::Result<String> {
    String::from_utf8(small(from)?).map_err(|_| io::Error::other("not UTF-8"))
}

/// The bytes of a small file.
pub(super) fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    small(File::open(path)?)
}

fn small(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("more than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Writes a file that everybody may read, and the folder it is to lie in; where it is to be new, never over another.
pub(super) fn write_for_all(path: &Path, bytes: &[u8], new: bool) -> io::Result<()> {
    if new {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        return file.sync_all();
    }
    let made = path.parent().filter(|folder| !folder.exists());
    if let Some(folder) = made {
        std::fs::create_dir_all(folder)?;
        for_all(folder, 0o755)?;
    }
    write_whole(path, |out| out.write_all(bytes))?;
    for_all(path, 0o644)
}

/// Whatever the mask of the caller is.
fn for_all(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

/// Whether something of that name is there, be it a link that leads nowhere.
pub(super) fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// When a file was written.
pub(super) fn written(path: &Path) -> Option<Stamp> {
    let since = std::fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Stamp::from_unix(i64::try_from(since.as_secs()).ok()?)
}

/// Writes a file that is not yet there, for its owner alone where it is secret; it is on the disk when this returns.
pub(super) fn write_new(path: &Path, text: &str, secret: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A document is there whole or not at all: written beside its place, put on the disk, then moved into it. A link that
/// stands there is replaced, not followed; what is no file (a pipe, `/dev/stdout`) is written to.
pub(super) fn write_whole(
    path: &Path,
    make: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    replace(path, make, File::sync_all)
}

/// The same for what says something of this moment only: it need not outlast a crash, and no disk is waited for.
pub(super) fn write_passing(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, |out| out.write_all(bytes), |_| Ok(()))
}

fn replace(
    path: &Path,
    make: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    settle: fn(&File) -> io::Result<()>,
) -> io::Result<()> {
    let there = std::fs::symlink_metadata(path).ok();
    let kind = there.as_ref().map(std::fs::Metadata::file_type);
    let special = kind.is_some_and(|kind| !kind.is_file() && !kind.is_symlink() && !kind.is_dir());
    if special || STREAMS.iter().any(|stream| path.starts_with(stream)) {
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(path)?);
        make(&mut out)?;
        return out.flush();
    }
    sweep_beside(path);
    // Held until it is moved, so that nobody takes it for one that was left behind.
    let (beside, file) = open_beside(path)?;
    let written = fill(&file, make).and_then(|()| settle(&file)).and_then(|()| {
        if let Some(there) = there.filter(std::fs::Metadata::is_file) {
            std::fs::set_permissions(&beside, there.permissions())?;
        }
        std::fs::rename(&beside, path)
    });
    written.inspect_err(|_| {
        let _gone = std::fs::remove_file(&beside);
    })
}

/// Removes a file of this program's own.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Places whose entries are links to what a process has open.
const STREAMS: &[&str] = &["/dev", "/proc/self/fd"];

/// Names that are tried for the file beside.
const TRIES: u32 = 100;
/// Entries of a folder that are looked at for files that were left behind.
const MAX_SWEPT: usize = 10_000;

/// A new file in the same folder: never one that somebody put there, nor what a link of that name points to. It is locked
/// for as long as it is open, where the file system can do that.
fn open_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or_else(|| io::Error::other("not the name of a file"))?;
    let process = std::process::id();
    for number in 0..TRIES {
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{process}-{number}.part"));
        let beside = path.with_file_name(beside);
        let file = match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            opened => opened?,
        };
        // Another run may have found it before it was locked, and have swept it away.
        let swept = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if !swept && std::fs::symlink_metadata(&beside).is_ok() {
            return Ok((beside, file));
        }
    }
    Err(io::Error::other("every name beside it is taken"))
}

/// Removes what runs that were killed have left beside a document: files of such a name that no process holds.
fn sweep_beside(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.take(MAX_SWEPT).flatten() {
        let left = is_part_of(name, &entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file());
        if !left {
            continue;
        }
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
            std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
        }
        if options.open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _gone = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether a name is `.NAME.123-0.part`.
fn is_part_of(name: &OsStr, entry: &OsStr) -> bool {
    let entry = entry.as_encoded_bytes().strip_prefix(b".");
    let rest = entry.and_then(|entry| entry.strip_prefix(name.as_encoded_bytes())?.strip_prefix(b"."));
    let numbers = rest.and_then(|rest| std::str::from_utf8(rest.strip_suffix(b".part")?).ok());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.and_then(|numbers| numbers.split_once('-')).is_some_and(|(a, b)| is_number(a) && is_number(b))
}

fn fill(file: &File, make: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, file);
    make(&mut out)?;
    out.flush()
}

/// Reads a document that may be large: a saved report, or many of them.
pub(super) fn read_document(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.by_ref().take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(io::Error::other(format!("more than {MAX_DOCUMENT} bytes")));
    }
    Ok(bytes)
}

/// A file stands for itself; a folder for the saved documents in it, which their names tell, in the order of their names.
pub(super) fn documents(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let format = format_of_file(&entry.file_name().to_string_lossy());
        if format.is_some_and(|format| format.form().name == "json") {
            files.push(entry.path());
        }
    }
    files.order();
    Ok(files)
}

/// The bytes of such a file.
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// A file that only one process holds at a time, for as long as the value lives. The system takes it back when the process
/// ends, however it ends: that the file is there says nothing.
pub(super) struct Lock(File);

impl Lock {
    /// Waits for the lock.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        let file = Self::open(path)?;
        file.lock()?;
        Ok(Self(file))
    }

    /// Takes the lock, unless another holds it.
    pub(super) fn attempt(path: &Path) -> io::Result<Option<Self>> {
        let file = Self::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn open(path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    }
}

impl Drop for Lock {
    /// A thread that a dead file system holds keeps the files of its process open, long after the scan.
    fn drop(&mut self) {
        let _closed = self.0.unlock();
    }
}

/// Whether files can be made in a folder: one is made, and taken away.
pub(super) fn make_and_remove(folder: &Path) -> io::Result<()> {
    let (probe, file) = open_beside(&folder.join("probe"))?;
    drop(file);
    std::fs::remove_file(probe)
}

/// The nearest on the way that is there, be it a folder or not.
pub(super) fn nearest_there(path: &Path) -> Option<&Path> {
    path.ancestors().find(|one| one.exists())
}

/// Makes a folder for its owner alone; one that is there stays as it is.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_run_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let others = [
            ".r.json.1-0.par",
            ".r.json.x-0.part",
            ".r.json.part",
            ".other.json.1-0.part",
            "r.json.1-0.part",
        ];
        for name in others.iter().chain(&[".r.json.4711-0.part", ".r.json.1-12.part"]) {
            std::fs::write(at(name), "half").unwrap();
        }
        let held =
            OpenOptions::new().write(true).create(true).truncate(true).open(at(".r.json.9-9.part")).unwrap();
        held.try_lock().unwrap();
        write_whole(&at("r.json"), |out| out.write_all(b"whole")).unwrap();
        let mut left: Vec<&str> = others.iter().copied().chain([".r.json.9-9.part", "r.json"]).collect();
        left.sort_unstable();
        assert_eq!(names(folder.path()), left);
        assert_eq!(std::fs::read(at("r.json")).unwrap(), b"whole");
    }

    #[test]
    fn what_cannot_be_made_leaves_the_former_document() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("r.json");
        std::fs::write(&at, "former").unwrap();
        let failed = write_whole(&at, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(
            (names(folder.path()), std::fs::read(&at).unwrap()),
            (vec!["r.json".to_owned()], b"former".to_vec())
        );
    }
}
