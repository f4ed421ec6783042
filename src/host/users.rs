//! Every user of a Linux host, logged on or not: accounts that may log in, and home folders that no account has.
//!
//! Called when a host is opened. What may hide a user is told: sources turn it into gaps.

use std::collections::BTreeSet;

use crate::model::{GapReason, HostPath, User, UserGap};
use crate::parse::passwd;

use super::{Files, Kind, Miss};

const PASSWD: &str = "/etc/passwd";
const HOMES: &str = "/home";
/// `/etc/passwd` of a large organisation.
const PASSWD_LIMIT: u64 = 16 << 20;
/// Homes that are nobody's: places of the system, or none.
const NO_HOME: &[&str] =
    &["/", "/bin", "/sbin", "/usr", "/dev", "/proc", "/sys", "/etc", "/run", "/nonexistent"];

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
    /// An image without any account has no `/etc/passwd`; that alone hides nobody.
    fn accounts(&mut self) {
        let bytes = match self.files.read(&PASSWD.into(), PASSWD_LIMIT) {
            Ok(bytes) => bytes,
            Err(Miss::Absent) => return,
            Err(miss) => return self.gap(miss.reason(), PASSWD, miss.detail()),
        };
        let parsed = passwd::users(&bytes);
        if let Some(fault) = parsed.faults.first() {
            self.gap(GapReason::Malformed, PASSWD, Some(fault.to_string()));
        }
        for account in parsed.records {
            let home = HostPath::new(account.home);
            let nobodys = !home.is_absolute() || NO_HOME.iter().any(|place| home == HostPath::from(*place));
            if !nobodys && (may_log_in(account.shell) || home.is_within(&HOMES.into())) {
                self.user(String::from_utf8_lossy(account.name).into_owned(), home);
            }
        }
    }

    /// Home folders that no account here has: users of a directory service, deleted accounts.
    fn folders(&mut self) {
        let entries = match self.files.list(&HOMES.into()) {
            Ok(entries) => entries,
            Err(Miss::Absent) => return,
            Err(miss) => return self.gap(miss.reason(), HOMES, miss.detail()),
        };
        for entry in
            entries.into_iter().filter(|entry| entry.kind == Kind::Folder && entry.name != b"lost+found")
        {
            let home = HostPath::from(HOMES).join(&entry.name);
            self.user(home.file_name_text(), home);
        }
    }

    fn user(&mut self, name: String, home: HostPath) {
        let readable = match self.files.list(&home) {
            Ok(_) => true,
            Err(Miss::Absent | Miss::NotAFile(_)) => return,
            Err(_) => false,
        };
        if self.homes.insert(home.clone()) {
            let n = u32::try_from(self.users.len() + 1).unwrap_or(u32::MAX);
            self.users.push(User { n, name, home, readable, sid: None });
        }
    }

    fn gap(&mut self, reason: GapReason, path: &str, detail: Option<String>) {
        self.gaps.push(UserGap { reason, path: path.into(), detail, blocking: true });
    }
}

/// Accounts of services do not log in, and have no profile.
fn may_log_in(shell: &[u8]) -> bool {
    let name = shell.rsplit(|&b| b == b'/').next().unwrap_or_default();
    !matches!(name, b"nologin" | b"false" | b"sync" | b"halt" | b"shutdown")
}

#[cfg(test)]
mod tests {
    use crate::host::{FakeHost, FakeNode, Host as _, Miss};
    use crate::model::GapReason;

    fn file(text: &str) -> FakeNode {
        FakeNode::File(text.as_bytes().to_vec())
    }

    fn names(host: &FakeHost) -> Vec<String> {
        host.facts().users.iter().map(|user| user.name.clone()).collect()
    }

    #[test]
    fn accounts_and_folders_nobody_owns() {
        let passwd = "root:x:0:0::/root:/bin/bash\nbob:x:1:1::/srv/bob:/bin/sh\nwww:x:2:2::/var/www:/usr/sbin/nologin\n";
        let host = FakeHost::new([
            ("/etc/passwd", file(passwd)),
            ("/root/x", file("")),
            ("/srv/bob/x", file("")),
            ("/var/www/x", file("")),
            ("/home/directory.user/x", file("")),
        ]);
        assert_eq!(names(&host), ["root", "bob", "directory.user"]);
        assert!(host.facts().user_gaps.is_empty());
    }

    #[test]
    fn what_hides_users_is_told() {
        let host = FakeHost::new([
            ("/etc/passwd", FakeNode::Broken(Miss::Denied)),
            ("/home", FakeNode::Broken(Miss::Remote("autofs".into()))),
        ]);
        let reasons: Vec<_> = host.facts().user_gaps.iter().map(|gap| gap.reason).collect();
        assert_eq!(reasons, [GapReason::PermissionDenied, GapReason::RemoteMount]);
        let cut = FakeHost::new([("/etc/passwd", file("root:x:0:0::/root:/bin/bash\nbob:x:1"))]);
        assert_eq!(cut.facts().user_gaps.len(), 1);
    }
}
