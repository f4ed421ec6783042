//! What a host says of itself: family, os-release, names, users.
//!
//! Called when a host is opened. Must not know the scanner's own machine, but for the privileges of this process.

use crate::model::{Alias, Family, HostFacts, HostPath, Mode, Os};
use crate::parse::os_release;

use super::{Files, Miss, users};

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
    let (users, user_gaps) = users::users(files);
    HostFacts {
        family,
        os: os(files),
        name: line("/etc/hostname"),
        machine_id: line("/etc/machine-id").filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit())),
        mode,
        privileged: is_privileged(),
        full_disk_access: None,
        users,
        user_gaps,
        aliases: aliases(files),
        other_volumes: Vec::new(),
        windows: None,
    }
}

/// Links to where an image-based system keeps what changes: a process there runs `/var/opt/x`, and every rule says
/// `/opt/x`.
fn aliases(files: &dyn Files) -> Vec<Alias> {
    let alias = |name: &&str| {
        let name = HostPath::from(*name);
        let real = files.resolve(&name).ok().filter(|real| *real != name)?;
        Some(Alias { real, name })
    };
    ["/opt", "/usr/local", "/home", "/root", "/srv"].iter().filter_map(alias).collect()
}

/// os-release(5): `/etc` first, `/usr/lib` where that is missing.
fn os(files: &dyn Files) -> Os {
    let read = |path: &str| files.read(&path.into(), SMALL);
    let own = read("/etc/os-release");
    let either = if own == Err(Miss::Absent) { read("/usr/lib/os-release") } else { own };
    let bytes = match either {
        Ok(bytes) => bytes,
        // Systems older than 2012 have none.
        Err(Miss::Absent) => return Os::default(),
        Err(miss) => return Os { unread: Some(miss.to_string()), ..Os::default() },
    };
    let (release, _) = os_release::os_release(&bytes);
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let id = given(release.id).map(|id| id.to_lowercase());
    Os {
        unread: id.is_none().then(|| "it names no ID".to_owned()),
        id,
        id_like: release.id_like.iter().map(|id| id.to_lowercase()).collect(),
        name: given(release.pretty_name).or(given(release.name)),
        version: given(release.version_id),
    }
}

/// Whether this process has the rights of the computer's administrators.
#[cfg(unix)]
pub fn is_privileged() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether this process has the rights of the computer's administrators.
#[cfg(windows)]
pub fn is_privileged() -> bool {
    super::live_windows_api::is_elevated()
}
