//! What a running macOS keeps from programs that nobody gave full disk access: it is refused, or reads as an empty folder.
//!
//! Called when a running macOS is opened; stands between its files and whoever reads them. A protected folder that reads
//! empty counts as unread. Must not know what is looked for.
//!
//! Which folders are protected Apple says in parts: "Controlling app access to files in macOS", Apple Platform Security
//! (<https://support.apple.com/guide/security/secddd1d86a6>), and the services of Privacy Preferences Policy Control
//! (<https://developer.apple.com/documentation/devicemanagement/privacypreferencespolicycontrol>).

use std::fmt;
use std::sync::Arc;

use crate::model::{HostPath, User};
use crate::parse::ReadAt;

use super::{Entry, Files, Kind, Miss, Read, Stat, WalkNext, Walked};

/// The system's own record of who was given what: every account may read it by its mode, and without full disk access nobody.
const RECORD: &str = "/Library/Application Support/com.apple.TCC/TCC.db";
/// How a database of SQLite begins (<https://www.sqlite.org/fileformat.html#the_database_header>).
const SQLITE: &[u8; 16] = b"SQLite format 3\0";
/// Folders of every home that only full disk access shows, and that are not empty once they were used.
const TELLING: &[&str] = &["Library/Safari", "Library/Mail", "Library/Messages"];
/// Folders of a home that are protected.
const OF_A_HOME: &[&str] = &[
    ".Trash",
    "Desktop",
    "Documents",
    "Downloads",
    "Library/Accounts",
    "Library/Application Support/AddressBook",
    "Library/Application Support/CallHistoryDB",
    "Library/Application Support/com.apple.TCC",
    "Library/Application Support/FileProvider",
    "Library/Application Support/MobileSync",
    "Library/Calendars",
    "Library/CloudStorage",
    "Library/Containers",
    "Library/Cookies",
    "Library/Group Containers",
    "Library/HomeKit",
    "Library/Mail",
    "Library/Messages",
    "Library/Mobile Documents",
    "Library/Safari",
];
/// Folders of a home in which every application has a protected folder of its own.
const OF_APPLICATIONS: &[&str] = &["Library/Containers", "Library/Group Containers"];
/// Protected folders of the machine.
const OF_THE_MACHINE: &[&str] = &["/Library/Application Support/com.apple.TCC"];

/// Whether a running macOS shows all of itself. Unless something that it protects can be read, it is taken not to.
pub(super) fn shows_all(files: &dyn Files, users: &[User]) -> bool {
    match files.open(&RECORD.into()) {
        Ok(record) => {
            let mut head = [0; SQLITE.len()];
            // Some versions give an empty file in place of a refusal.
            record.read_at(0, &mut head).is_ok_and(|read| read == head.len()) && head == *SQLITE
        }
        Err(Miss::Absent) => {
            let mut telling = users.iter().flat_map(|user| TELLING.iter().map(|name| user.home.join(*name)));
            telling.any(|folder| files.list(&folder).is_ok_and(|entries| !entries.is_empty()))
        }
        Err(_) => false,
    }
}

/// The files of a running macOS that does not show all of itself.
#[derive(Clone)]
pub(super) struct Private {
    files: Arc<dyn Files>,
    kept: Arc<Kept>,
}

/// What is protected.
struct Kept {
    folders: Vec<HostPath>,
    of_applications: Vec<HostPath>,
}

impl Private {
    /// These files, of a machine with these users.
    pub(super) fn new(files: Arc<dyn Files>, users: &[User]) -> Self {
        let of_homes = |names: &'static [&'static str]| {
            users.iter().flat_map(move |user| names.iter().map(|name| user.home.join(*name)))
        };
        let machine = OF_THE_MACHINE.iter().map(|folder| HostPath::from(*folder));
        let folders = of_homes(OF_A_HOME).chain(machine).collect();
        let kept = Kept { folders, of_applications: of_homes(OF_APPLICATIONS).collect() };
        Self { files, kept: Arc::new(kept) }
    }

    /// Whether a folder is protected: to find it empty says nothing.
    fn keeps(&self, folder: &HostPath) -> bool {
        let around = folder.parent();
        self.kept.folders.contains(folder)
            || around.is_some_and(|around| self.kept.of_applications.contains(&around))
    }

    fn reads_empty(&self, folder: &HostPath) -> bool {
        self.keeps(folder) && self.files.list(folder).is_ok_and(|entries| entries.is_empty())
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Private").finish_non_exhaustive()
    }
}

impl Files for Private {
    fn read(&self, path: &HostPath, limit: u64) -> Read<Vec<u8>> {
        self.files.read(path, limit)
    }

    fn open(&self, path: &HostPath) -> Read<Box<dyn ReadAt + Send + Sync>> {
        self.files.open(path)
    }

    fn list(&self, folder: &HostPath) -> Read<Vec<Entry>> {
        let entries = self.files.list(folder)?;
        if entries.is_empty() && self.keeps(&self.files.resolve(folder)?) {
            return Err(Miss::KeptBack);
        }
        Ok(entries)
    }

    fn stat(&self, path: &HostPath) -> Read<Stat> {
        self.files.stat(path)
    }

    fn resolve(&self, path: &HostPath) -> Read<HostPath> {
        self.files.resolve(path)
    }

    fn walk(&self, folder: &HostPath, visit: &mut dyn FnMut(Walked) -> WalkNext) -> Read<()> {
        self.list(folder)?;
        self.files.walk(folder, &mut |walked| match walked {
            Walked::Seen { path, stat } if stat.kind == Kind::Folder && self.reads_empty(&path) => {
                visit(Walked::Missed(path, Miss::KeptBack))
            }
            walked => visit(walked),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::host::{FakeHost, FakeNode, Host as _};

    use super::*;

    fn database() -> FakeNode {
        FakeNode::File([SQLITE.as_slice(), &[0; 100]].concat())
    }

    fn shows(nodes: &[(&str, FakeNode)]) -> Option<bool> {
        FakeHost::macos_running(nodes.iter().cloned()).facts().full_disk_access
    }

    #[test]
    fn sight_is_tested_by_what_only_full_disk_access_shows() {
        assert_eq!(shows(&[(RECORD, database())]), Some(true));
        assert_eq!(shows(&[(RECORD, FakeNode::Unreadable(Miss::KeptBack))]), Some(false));
        assert_eq!(shows(&[(RECORD, FakeNode::Unreadable(Miss::Denied))]), Some(false));
        assert_eq!(shows(&[(RECORD, FakeNode::File(Vec::new()))]), Some(false), "read as empty");
        let safari = "/Users/a/Library/Safari";
        assert_eq!(shows(&[(safari, FakeNode::Folder)]), Some(false));
        assert_eq!(shows(&[("/Users/a/Library/Safari/x", FakeNode::File(vec![]))]), Some(true));
        assert_eq!(shows(&[(safari, FakeNode::Broken(Miss::KeptBack))]), Some(false));
        let disk = FakeHost::macos([(RECORD, FakeNode::Unreadable(Miss::Denied))]);
        assert_eq!(disk.facts().full_disk_access, None, "a disk protects nothing");
    }

    #[test]
    fn protected_folders_that_read_empty_are_unread() {
        let nodes = [
            (RECORD, FakeNode::Unreadable(Miss::KeptBack)),
            ("/Users/a/Desktop", FakeNode::Folder),
            ("/Users/a/Documents/x", FakeNode::Folder),
            ("/Users/a/Music", FakeNode::Folder),
            ("/Users/a/Library/Containers/com.x", FakeNode::Folder),
            ("/Users/a/desk", FakeNode::Link(b"Desktop".to_vec())),
        ];
        let host = FakeHost::macos_running(nodes.clone());
        let list = |path: &str| host.files().list(&path.into()).map(|entries| entries.len());
        assert_eq!(list("/Users/a/Desktop"), Err(Miss::KeptBack));
        assert_eq!(list("/users/a/desktop"), Err(Miss::KeptBack));
        assert_eq!(list("/Users/a/desk"), Err(Miss::KeptBack));
        assert_eq!(list("/Users/a/Library/Containers/com.x"), Err(Miss::KeptBack));
        assert_eq!(list("/Users/a/Documents"), Ok(1));
        assert_eq!(list("/Users/a/Music"), Ok(0));
        let mut missed = Vec::new();
        let walked = host.files().walk(&"/Users/a".into(), &mut |walked| {
            if let Walked::Missed(path, miss) = walked {
                missed.push((path.text().into_owned(), miss));
            }
            WalkNext::On
        });
        assert_eq!(walked, Ok(()));
        assert_eq!(
            missed,
            [
                ("/Users/a/Desktop".to_owned(), Miss::KeptBack),
                ("/Users/a/Library/Containers/com.x".to_owned(), Miss::KeptBack)
            ]
        );
        assert_eq!(host.files().walk(&"/Users/a/Desktop".into(), &mut |_| WalkNext::On), Err(Miss::KeptBack));
        let mut seen = nodes.to_vec();
        seen[0] = (RECORD, database());
        let host = FakeHost::macos_running(seen);
        assert_eq!(
            host.files().list(&"/Users/a/Desktop".into()),
            Ok(vec![]),
            "with full disk access it is empty"
        );
    }
}
