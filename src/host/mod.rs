//! The scanned machine behind one trait: running, mounted at a folder, or made up by a test.
//!
//! The only room that touches the machine, knows the scanner's own operating system, and opens files. Called by
//! `sources` through the traits and by `cli` to open a host. Must not know what a source looks for.

use std::fmt;

use crate::model::{GapReason, HostFacts, HostPath, Stamp};
use crate::parse::ReadAt;

mod facts;
mod fake;
mod fake_registry;
mod guard;
mod hives;
#[cfg(target_os = "macos")]
mod live_macos;
#[cfg(target_os = "linux")]
mod live_unix;
#[cfg(windows)]
mod live_windows;
#[cfg(windows)]
mod live_windows_api;
#[cfg(windows)]
mod live_windows_events;
#[cfg(windows)]
mod live_windows_processes;
#[cfg(windows)]
mod live_windows_registry;
mod macos_facts;
mod macos_users;
mod manners;
mod memory;
mod mounts;
mod names;
mod os;
mod privacy;
mod private;
mod profiles;
mod registry;
mod resolve;
mod root;
mod root_files;
#[cfg(all(test, unix))]
mod root_tests;
mod root_walk;
mod users;
mod volumes;
mod windows_facts;

pub use facts::is_privileged;
pub use fake::{FakeHost, FakeNode};
pub use fake_registry::FakeRegistry;
pub use guard::guarded;
#[cfg(windows)]
pub use live_windows_api::{own_user, rights};
#[cfg(windows)]
pub use live_windows_events::{EventKind, report_event};
pub use manners::give_way;
pub use memory::{allowed as memory_allowed, held as memory_held};
pub use private::keep_private;
pub use registry::{Hidden, Hive, Key, Registry, Values};
pub use root::{OpenError, RootHost};

/// A machine that can be looked at.
pub trait Host: Send + Sync {
    /// What it is. Facts of the target, never of the scanner's machine.
    fn facts(&self) -> &HostFacts;
    /// Its files.
    fn files(&self) -> &dyn Files;
    /// Its registry, where it is a Windows.
    fn registry(&self) -> Option<&dyn Registry> {
        None
    }
    /// Its running processes, as they were when it was asked first; `None` on a dead disk.
    fn processes(&self) -> Option<Listing<Process>>;
}

/// Files of a host. Every path is a path of the host; links are resolved inside its root.
pub trait Files: Send + Sync {
    /// The whole of a regular file, refused when it is larger than `limit` bytes.
    fn read(&self, path: &HostPath, limit: u64) -> Read<Vec<u8>>;
    /// A regular file for positioned reads.
    fn open(&self, path: &HostPath) -> Read<Box<dyn ReadAt + Send + Sync>>;
    /// A regular file that a walk has met a moment ago: not looked at again before it is opened, which is a sixth of the
    /// work on a small file. What took its place is told by what was opened.
    fn open_met(&self, path: &HostPath) -> Read<Box<dyn ReadAt + Send + Sync>> {
        self.open(path)
    }
    /// A folder's entries, sorted by name. Links are named as links.
    fn list(&self, folder: &HostPath) -> Read<Vec<Entry>>;
    /// What a path is, after its links.
    fn stat(&self, path: &HostPath) -> Read<Stat>;
    /// The path with every link resolved inside the root.
    fn resolve(&self, path: &HostPath) -> Read<HostPath>;
    /// Everything below a folder, links not followed, other file systems not entered (they are missed as
    /// [`Miss::Overmounted`]; a walk of their own can begin there; those that the kernel makes up are passed over).
    /// Stops when `visit` says so; trouble on the way is visited too.
    fn walk(&self, folder: &HostPath, visit: &mut dyn FnMut(Walked) -> WalkNext) -> Read<()>;
}

/// What a reading brought: the thing, or why not.
pub type Read<T> = Result<T, Miss>;

/// Why something could not be read. Absent is not the same as unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// It is not there.
    Absent,
    /// It is not there, and it must be.
    Missing,
    /// The profile that holds it is kept in a container elsewhere; where.
    Elsewhere(String),
    /// Its contents are in the cloud.
    InTheCloud,
    /// It is there, and not in the shape it must have; what is wrong.
    Malformed(String),
    /// The system refused.
    Denied,
    /// A macOS keeps it from the scanner, whose rights would do.
    KeptBack,
    /// Larger than the cap.
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The cap in bytes.
        limit: u64,
    },
    /// Links that lead in a circle, or more than 40 of them.
    LinkLoop,
    /// Not a regular file (or not a folder): what it is instead.
    NotAFile(Kind),
    /// On a file system that is not entered; its type.
    Remote(String),
    /// Something is mounted over it.
    Overmounted,
    /// `/etc/fstab` mounts a file system there, and it is not mounted now.
    NotMounted,
    /// It changed between looking and opening.
    Changed,
    /// The system's own words.
    Io(String),
}

impl Miss {
    /// The gap it makes. Absent makes none by itself; where a thing must exist it is `missing`.
    pub fn reason(&self) -> GapReason {
        match self {
            Self::Absent | Self::Missing => GapReason::Missing,
            Self::Elsewhere(_) => GapReason::ProfileElsewhere,
            Self::InTheCloud => GapReason::CloudPlaceholder,
            Self::Malformed(_) => GapReason::Malformed,
            Self::Denied => GapReason::PermissionDenied,
            Self::KeptBack => GapReason::FullDiskAccess,
            Self::TooLarge { .. } => GapReason::TooLarge,
            Self::LinkLoop => GapReason::LinkLoop,
            Self::NotAFile(_) => GapReason::NotAFile,
            Self::Remote(_) => GapReason::RemoteMount,
            Self::Overmounted => GapReason::Overmounted,
            Self::NotMounted => GapReason::NotMounted,
            Self::Changed => GapReason::Changed,
            Self::Io(_) => GapReason::ReadError,
        }
    }

    /// What more there is to say.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::TooLarge { size, limit } => Some(format!("{size} bytes, the limit is {limit}")),
            Self::NotAFile(kind) => Some(format!("it is a {}", kind.word())),
            Self::Remote(fs) => Some(format!("type {fs}")),
            Self::Io(text) | Self::Elsewhere(text) | Self::Malformed(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().words())?;
        self.detail().map_or(Ok(()), |detail| write!(f, " ({detail})"))
    }
}

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A block or character device.
    Device,
    /// A pipe (FIFO).
    Pipe,
    /// A socket.
    Socket,
}

impl Kind {
    /// The word in gaps.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Link => "link",
            Self::Device => "device",
            Self::Pipe => "pipe",
            Self::Socket => "socket",
        }
    }
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, bytes as the host keeps them.
    pub name: Vec<u8>,
    /// What it is; a link is a link.
    pub kind: Kind,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Length in bytes.
    pub size: u64,
    /// Whether any execute bit is set (`None` where the scanner's system keeps none).
    pub executable: Option<bool>,
    /// When its contents last changed.
    pub modified: Option<Stamp>,
}

/// One step of a walk.
#[derive(Debug)]
pub enum Walked {
    /// Something below the folder.
    Seen {
        /// Its path.
        path: HostPath,
        /// What it is.
        stat: Stat,
    },
    /// Something that could not be looked at.
    Missed(HostPath, Miss),
}

/// How a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkNext {
    /// Go on.
    On,
    /// Do not enter this folder.
    Skip,
    /// End the walk.
    Stop,
}

/// Entries, and what hid others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// What was seen.
    pub entries: Vec<T>,
    /// Reason, place and detail of what was not.
    pub gaps: Vec<(GapReason, HostPath, Option<String>)>,
}

/// The account that a process runs under, as its system names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// User number of a Unix.
    Uid(u32),
    /// Security identifier of Windows: `S-1-5-18`.
    Sid(String),
}

/// A running process. Its command line and environment are never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Its program file.
    pub exe: Read<HostPath>,
    /// A thread of the kernel: it has no program file.
    pub kernel: bool,
    /// Whether the program file was deleted since.
    pub deleted: bool,
    /// Its name in the system's list, where that shows one of which the program file is kept from us.
    pub name: Option<String>,
    /// Whose it is.
    pub owner: Option<Owner>,
    /// When it started.
    pub started: Option<Stamp>,
    /// The container it runs in, where its root is not the host's.
    pub container: Option<String>,
}
