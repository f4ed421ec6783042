//! Every user of a macOS, logged on or not: accounts of the local directory, and home folders that no account has.
//!
//! Called when a host is opened. What may hide a user is told: sources turn it into gaps.

use std::collections::BTreeSet;

use crate::model::{GapReason, HostPath, User, UserGap};
use crate::parse::plist::Value;

use super::macos_facts::list;
use super::{Files, Kind, Miss};

/// The local directory: a property list per account, which keeps every value as an array. Accounts of a directory service
/// that may log in without it (mobile accounts) are there too.
const ACCOUNTS: &str = "/private/var/db/dslocal/nodes/Default/users";
const HOMES: &str = "/Users";
/// Homes of deleted users, each a disk image.
const DELETED: &str = "/Users/Deleted Users";
/// An account may hold a picture.
const ACCOUNT_LIMIT: u64 = 16 << 20;
/// Accounts or homes that are looked at.
const MAX_USERS: usize = 10_000;
/// The first number that macOS gives to a person.
const FIRST_PERSON: i64 = 500;
/// Homes that are nobody's.
const NO_HOME: &[&str] = &["/", "/var/empty", "/private/var/empty", "/dev/null", "/nonexistent"];
/// Homes that lie on a server.
const SERVERS: &[&str] = &["/Network", "/net"];

/// Users with a home folder, and what may hide others.
pub(super) fn users(files: &dyn Files) -> (Vec<User>, Vec<UserGap>) {
    let mut found = Found { files, homes: BTreeSet::new(), users: Vec::new(), gaps: Vec::new() };
    found.accounts();
    found.folders();
    (found.users, found.gaps)
}

struct Found<'f> {
    files: &'f dyn Files,
    homes: BTreeSet<HostPath>,
    users: Vec<User>,
    gaps: Vec<UserGap>,
}

impl Found<'_> {
    fn accounts(&mut self) {
        let folder = HostPath::from(ACCOUNTS);
        for entry in self.entries(&folder) {
            if entry.kind != Kind::File || !entry.name.ends_with(b".plist") {
                continue;
            }
            let place = folder.join(&entry.name);
            match list(self.files, &place.text(), ACCOUNT_LIMIT) {
                Ok(record) => self.account(&record),
                Err(Miss::Absent) => {}
                Err(miss) => self.gap(miss.reason(), place, miss.detail(), true),
            }
        }
    }

    /// One account. Those of services have no home of their own.
    fn account(&mut self, record: &Value) {
        let first = |key: &str| record.get(key).and_then(|value| value.items().first()).and_then(Value::text);
        let (Some(name), Some(home)) = (first("name"), first("home").map(HostPath::from)) else { return };
        let number: Option<i64> = first("uid").and_then(|text| text.parse().ok());
        let is_person = number.is_none_or(|number| number >= FIRST_PERSON)
            || name == "root"
            || home.is_within(&HOMES.into())
            // A number below 500 is how an account is kept out of the login window.
            || !(name.starts_with('_') || matches!(name, "daemon" | "nobody"));
        let nobodys = !home.is_absolute() || NO_HOME.iter().any(|place| home == HostPath::from(*place));
        if is_person && !nobodys {
            self.user(name.to_owned(), home, true);
        }
    }

    /// Home folders that no account here has. A hidden one is a home if it has a library.
    fn folders(&mut self) {
        let folder = HostPath::from(HOMES);
        for entry in self.entries(&folder) {
            let home = folder.join(&entry.name);
            if home == HostPath::from(DELETED) {
                self.deleted(&home);
                continue;
            }
            let is_home = match entry.kind {
                Kind::Folder if entry.name.starts_with(b".") => {
                    self.files.stat(&home.join("Library")).is_ok()
                }
                Kind::Folder => entry.name != b"Shared",
                Kind::Link => true,
                _ => false,
            };
            if is_home {
                self.user(home.file_name_text(), home, entry.kind == Kind::Link);
            }
        }
    }

    /// What macOS made of the homes of users who were deleted. Nothing in an image runs or is installed.
    fn deleted(&mut self, folder: &HostPath) {
        for entry in self.entries(folder) {
            let place = folder.join(&entry.name);
            match entry.kind {
                Kind::Folder => self.user(place.file_name_text(), place, false),
                Kind::File if has_ending(&entry.name, &[".dmg", ".sparseimage"]) => {
                    let detail = "the home of a deleted user, in a disk image".to_owned();
                    self.gap(GapReason::NotLookedInto, place, Some(detail), false);
                }
                _ => {}
            }
        }
    }

    /// The entries of a folder that may be absent, so many as are looked at.
    fn entries(&mut self, folder: &HostPath) -> Vec<super::Entry> {
        match self.files.list(folder) {
            Ok(mut entries) => {
                if entries.len() > MAX_USERS {
                    let detail = format!("more than {MAX_USERS} entries");
                    self.gap(GapReason::Budget, folder.clone(), Some(detail), true);
                    entries.truncate(MAX_USERS);
                }
                entries
            }
            Err(Miss::Absent | Miss::NotAFile(_)) => Vec::new(),
            Err(miss) => {
                self.gap(miss.reason(), folder.clone(), miss.detail(), true);
                Vec::new()
            }
        }
    }

    /// A home; `named` says that a record or a link names it, so that one which is not there is told.
    fn user(&mut self, name: String, home: HostPath, named: bool) {
        let readable = match self.files.list(&home) {
            Ok(entries) => {
                self.image_in(&home, &entries);
                true
            }
            Err(Miss::Absent | Miss::NotAFile(_)) if named => return self.without_folder(home),
            Err(Miss::Absent | Miss::NotAFile(_)) => return,
            Err(_) => false,
        };
        let home = self.files.resolve(&home).unwrap_or(home);
        if self.homes.insert(home.clone()) {
            let n = u32::try_from(self.users.len() + 1).unwrap_or(u32::MAX);
            self.users.push(User { n, name, home, readable, sid: None });
        }
    }

    /// A home that is kept in a disk image in its own place, as the first disk encryption of Mac OS X did: what lies beside
    /// the image is not the home.
    fn image_in(&mut self, home: &HostPath, entries: &[super::Entry]) {
        let own = |entry: &&super::Entry| {
            entry.name.starts_with(home.file_name())
                && has_ending(&entry.name, &[".sparsebundle", ".sparseimage"])
        };
        if let Some(image) = entries.iter().find(own) {
            let detail = "the home is kept in this disk image".to_owned();
            self.gap(GapReason::ProfileElsewhere, home.join(&image.name), Some(detail), true);
        }
    }

    fn without_folder(&mut self, home: HostPath) {
        let target = self.files.resolve(&home).unwrap_or_else(|_| home.clone());
        if SERVERS.iter().any(|place| target.is_within(&(*place).into())) {
            self.gap(GapReason::RemoteMount, home, Some("a home on a server".to_owned()), true);
        } else if home.is_within(&"/Volumes".into()) || self.is_link(&home) {
            self.gap(GapReason::NotMounted, home, Some("a home on another volume".to_owned()), true);
        } else {
            let detail = "an account without its folder".to_owned();
            self.gap(GapReason::Vanished, home, Some(detail), false);
        }
    }

    fn is_link(&self, path: &HostPath) -> bool {
        let entries = path.parent().and_then(|folder| self.files.list(&folder).ok()).unwrap_or_default();
        entries.iter().any(|entry| entry.kind == Kind::Link && entry.name == path.file_name())
    }

    fn gap(&mut self, reason: GapReason, path: HostPath, detail: Option<String>, blocking: bool) {
        self.gaps.push(UserGap { reason, path, detail, blocking });
    }
}

fn has_ending(name: &[u8], endings: &[&str]) -> bool {
    endings.iter().any(|ending| name.ends_with(ending.as_bytes()))
}

#[cfg(test)]
#[path = "macos_users_tests.rs"]
mod tests;
