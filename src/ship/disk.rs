//! The files of the endpoint's side of the fleet: small, in one folder, each there whole or not at all.
//!
//! Called by `identity`, `deliver` and `spool`. One process at a time changes them: `cli` holds the lock.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "these are the operator's files, not the scanned host's"
)]

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::model::{Id, Order};

/// Gives a new file to its owner and the administrators alone, where its mode does not say so already.
pub type Protect = fn(&Path) -> io::Result<()>;

/// What the endpoint's side of the fleet cannot do here.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file or folder of its own.
    #[error("cannot {doing} {path}: {cause}")]
    File {
        /// What was to be done with it.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words, or what is wrong in it.
        cause: String,
    },
    /// What was asked for cannot be done; what, and what to do instead.
    #[error("{0}")]
    Declined(String),
}

impl Fault {
    fn file(doing: &'static str, path: &Path, cause: &dyn std::fmt::Display) -> Self {
        Self::File { doing, path: path.to_owned(), cause: cause.to_string() }
    }
}

/// How a file is called that is not whole yet.
pub(super) const PART: &str = "part";

/// A folder of such files.
#[derive(Debug, Clone)]
pub struct Disk {
    folder: PathBuf,
    protect: Protect,
}

impl Disk {
    /// The files of a folder. It is made when something is first kept there.
    pub fn new(folder: PathBuf, protect: Protect) -> Self {
        Self { folder, protect }
    }

    /// The files of a folder below it.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        Self { folder: self.folder.join(name), protect: self.protect }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The bytes of a file; none where it is not there.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.path(name);
        let fault = |cause: &dyn std::fmt::Display| Fault::file("read", &path, cause);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| fault(&error))?,
        };
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| fault(&error))?;
        if bytes.len() as u64 > limit {
            return Err(fault(&format!("more than {limit} bytes")));
        }
        Ok(Some(bytes))
    }

    /// Keeps a file for its owner alone; when this returns it is on the disk, whole, under its name.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let path = self.path(name);
        self.write_whole(&path, bytes).map_err(|error| Fault::file("keep", &path, &error))
    }

    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.make()?;
        let beside = path.with_extension(PART);
        remove(&beside)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        (self.protect)(&beside)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        drop(file);
        written.and_then(|()| std::fs::rename(&beside, path)).inspect_err(|_| {
            let _gone = remove(&beside);
        })?;
        self.settle()
    }

    /// The folder, for its owner alone; one that is there stays as it is.
    fn make(&self) -> io::Result<()> {
        if self.folder.exists() {
            return Ok(());
        }
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder)?;
        // On Windows what is in it is protected one by one.
        if cfg!(unix) { (self.protect)(&self.folder) } else { Ok(()) }
    }

    /// A new name is on the disk when its folder is.
    fn settle(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }

    /// Removes a file; one that is not there is no fault.
    pub(super) fn remove(&self, name: &str) -> Result<(), Fault> {
        let path = self.path(name);
        remove(&path).map_err(|error| Fault::file("remove", &path, &error))
    }

    /// Gives a file another name.
    pub(super) fn rename(&self, name: &str, to: &str) -> Result<(), Fault> {
        let path = self.path(name);
        let done = std::fs::rename(&path, self.path(to)).and_then(|()| self.settle());
        done.map_err(|error| Fault::file("rename", &path, &error))
    }

    /// Names and sizes of the files in it, sorted; none where it is not there.
    pub(super) fn names(&self) -> Result<Vec<(String, u64)>, Fault> {
        let fault = |error: &io::Error| Fault::file("list", &self.folder, error);
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(|error| fault(&error))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| fault(&error))?;
            let meta = entry.metadata().ok().filter(std::fs::Metadata::is_file);
            if let (Some(meta), Ok(name)) = (meta, entry.file_name().into_string()) {
                names.push((name, meta.len()));
            }
        }
        names.order();
        Ok(names)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Sixteen bytes that nobody else has.
pub fn random_id() -> Result<Id, Fault> {
    let mut id = [0; 16];
    let none = |_| Fault::Declined("the system gives no random numbers".to_owned());
    SystemRandom::new().fill(&mut id).map_err(none)?;
    Ok(Id(id))
}

/// Anything from nothing to all, of 255: without randomness, half.
pub fn random_share() -> u8 {
    let mut share = [127];
    let _even = SystemRandom::new().fill(&mut share);
    let [share] = share;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> (tempfile::TempDir, Disk) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().join("state"), |_| Ok(()));
        (folder, disk)
    }

    #[test]
    fn a_file_is_there_whole_and_for_its_owner_alone() {
        let (_folder, disk) = disk();
        assert_eq!(disk.read("x.json", 9).unwrap(), None);
        assert_eq!(disk.names().unwrap(), []);
        std::fs::create_dir_all(disk.folder()).unwrap();
        std::fs::write(disk.path("x.part"), "left behind").unwrap();
        disk.write("x.json", b"one").unwrap();
        disk.write("x.json", b"two").unwrap();
        assert_eq!(disk.read("x.json", 3).unwrap().unwrap(), b"two");
        assert!(disk.read("x.json", 2).unwrap_err().to_string().contains("more than 2 bytes"));
        assert_eq!(disk.names().unwrap(), [("x.json".to_owned(), 3)]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(disk.path("x.json")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        disk.remove("x.json").unwrap();
        disk.remove("x.json").unwrap();
    }

    #[test]
    fn what_cannot_be_protected_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().to_owned(), |_| Err(io::Error::other("no")));
        let fault = disk.write("token", b"secret").unwrap_err().to_string();
        assert!(fault.contains("cannot keep") && fault.ends_with(": no"), "{fault}");
        assert!(!disk.path("token").exists());
        assert_eq!(std::fs::read(disk.path("token.part")).unwrap_or_default(), b"");
    }
}
