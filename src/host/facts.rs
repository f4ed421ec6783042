//! What a host says of itself: family, os-release, names, users.
//!
//! Called when a host is opened. Must not know the scanner's own machine, but for the privileges of this process.

use std::collections::BTreeSet;

use crate::model::{Family, HostFacts, HostPath, Mode, Os, User};
use crate::parse::{os_release, passwd};

use super::{Files, Kind, Miss};

/// Files that only the root of a Linux system holds.
const LINUX_MARKERS: &[&str] = &[
    "/etc/os-release",
    "/usr/lib/os-release",
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/status.d",
    "/var/lib/rpm",
    "/usr/lib/sysimage/rpm",
    "/usr/share/rpm",
    "/lib/apk/db",
    "/usr/lib/apk/db",
    "/var/lib/pacman/local",
];

/// Small text files of the system.
const SMALL: u64 = 1 << 20;
/// `/etc/passwd` of a large organisation.
const PASSWD: u64 = 16 << 20;
/// Homes that are nobody's: places of the system, or none.
const NO_HOME: &[&str] =
    &["/", "/bin", "/sbin", "/usr", "/dev", "/proc", "/sys", "/etc", "/run", "/nonexistent"];

/// Which family's root this is, from marker files; `None`: of none.
pub(super) fn probe(files: &dyn Files) -> Option<Family> {
    let there =
        |path: &str| !matches!(files.stat(&HostPath::from(path)), Err(Miss::Absent | Miss::NotAFile(_)));
    LINUX_MARKERS.iter().any(|path| there(path)).then_some(Family::Linux)
}

/// All that the host says of itself.
pub(super) fn of(family: Family, mode: Mode, files: &dyn Files) -> HostFacts {
    let line = |path: &str| {
        let bytes = files.read(&path.into(), SMALL).ok()?;
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    HostFacts {
        family,
        os: os(files),
        name: line("/etc/hostname"),
        machine_id: line("/etc/machine-id").filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit())),
        mode,
        privileged: privileged(),
        users: users(files),
    }
}

/// os-release(5): `/etc` first, `/usr/lib` where that is missing.
fn os(files: &dyn Files) -> Os {
    let read = |path: &str| files.read(&path.into(), SMALL).ok();
    let Some(bytes) = read("/etc/os-release").or_else(|| read("/usr/lib/os-release")) else {
        return Os::default();
    };
    let (release, _) = os_release::os_release(&bytes);
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    Os {
        id: given(release.id).map(|id| id.to_lowercase()),
        id_like: release.id_like.iter().map(|id| id.to_lowercase()).collect(),
        name: given(release.pretty_name).or(given(release.name)),
        version: given(release.version_id),
    }
}

/// Every user with a home: accounts that may log in, and folders below `/home` that no account here has
/// (directory users, deleted accounts).
fn users(files: &dyn Files) -> Vec<User> {
    let bytes = files.read(&"/etc/passwd".into(), PASSWD).unwrap_or_default();
    let mut homes = BTreeSet::new();
    let mut users = Vec::new();
    let mut add = |name: String, home: HostPath| {
        let readable = match files.list(&home) {
            Ok(_) => true,
            Err(Miss::Absent | Miss::NotAFile(_)) => return,
            Err(_) => false,
        };
        if homes.insert(home.clone()) {
            let n = u32::try_from(users.len() + 1).unwrap_or(u32::MAX);
            users.push(User { n, name, home, readable });
        }
    };
    for account in passwd::users(&bytes).records {
        let home = HostPath::new(account.home);
        if may_log_in(account.shell) || home.is_within(&"/home".into()) {
            let nobodys = NO_HOME.iter().any(|place| home == HostPath::from(*place));
            if home.is_absolute() && !nobodys {
                add(String::from_utf8_lossy(account.name).into_owned(), home);
            }
        }
    }
    let folders = files.list(&"/home".into()).unwrap_or_default();
    for entry in folders.into_iter().filter(|entry| entry.kind == Kind::Folder && entry.name != b"lost+found")
    {
        let home = HostPath::from("/home").join(&entry.name);
        add(home.file_name_text(), home);
    }
    users
}

fn may_log_in(shell: &[u8]) -> bool {
    let name = shell.rsplit(|&b| b == b'/').next().unwrap_or_default();
    !matches!(name, b"nologin" | b"false" | b"sync" | b"halt" | b"shutdown")
}

#[cfg(unix)]
fn privileged() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn privileged() -> bool {
    false
}
