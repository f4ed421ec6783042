//! Where the configuration is and where accepted rules are remembered, when nobody says.
//!
//! Called by `config` and `state`.
#![expect(clippy::disallowed_methods, reason = "the places hang on the environment")]

use std::env::var_os;
use std::ffi::OsStr;
use std::path::PathBuf;

const NAME: &str = "interdict";

/// The configuration of the computer.
pub(super) fn config() -> Option<PathBuf> {
    Some(machine("/etc")?.join("config.toml"))
}

/// What is remembered: for the computer by root, else for the user. `None` where no folder is known.
pub(super) fn state() -> Option<PathBuf> {
    if cfg!(windows) || is_root() {
        return machine("/var/lib");
    }
    let own = |name: &str, below: &str| {
        // The XDG directory specification wants a relative path to be passed over.
        let folder = var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute())?;
        Some(folder.join(below).join(NAME))
    };
    own("XDG_STATE_HOME", "").or_else(|| own("HOME", ".local/state"))
}

fn machine(linux: &str) -> Option<PathBuf> {
    let folder = if cfg!(windows) {
        PathBuf::from(var_os("ProgramData").filter(|folder| folder != OsStr::new(""))?)
    } else if cfg!(target_os = "macos") {
        PathBuf::from("/Library/Application Support")
    } else {
        PathBuf::from(linux)
    };
    Some(folder.join(NAME))
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
