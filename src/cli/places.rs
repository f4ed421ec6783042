//! Where the configuration is, where accepted rules are remembered, and where who scans is noted, when nobody says.
//!
//! Called by `config`, `state`, `lock` and `schedule`.
#![expect(clippy::disallowed_methods, reason = "the places hang on the environment")]

use std::env::var_os;
use std::ffi::OsStr;
use std::path::PathBuf;

use crate::host::is_privileged;

const NAME: &str = "interdict";

/// The configuration of the computer.
pub(super) fn config() -> Option<PathBuf> {
    Some(machine("/etc")?.join("config.toml"))
}

/// What is remembered: for the computer by who has its rights, else for the user. `None` where no folder is known.
pub(super) fn state() -> Option<PathBuf> {
    if is_privileged() {
        return computer();
    }
    if cfg!(windows) {
        return Some(PathBuf::from(var_os("LOCALAPPDATA").filter(|folder| !folder.is_empty())?).join(NAME));
    }
    let own = |name: &str, below: &str| {
        // The XDG directory specification wants a relative path to be passed over.
        let folder = var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute())?;
        Some(folder.join(below).join(NAME))
    };
    own("XDG_STATE_HOME", "").or_else(|| own("HOME", ".local/state"))
}

/// What is remembered for the computer, whoever asks.
pub(super) fn computer() -> Option<PathBuf> {
    machine("/var/lib")
}

/// What lasts as long as the computer or the session runs: for the lock of who can keep no state.
pub(super) fn runtime() -> Option<PathBuf> {
    if cfg!(target_os = "linux") && is_privileged() {
        return Some(PathBuf::from("/run").join(NAME));
    }
    let folder = var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute())?;
    Some(folder.join(NAME))
}

/// The user, by the word of the environment: for people to read, never to decide by.
pub(super) fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    #[cfg(unix)]
    let number = Some(rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    let number: Option<u32> = None;
    match (named, number) {
        (_, Some(0)) => "root".to_owned(),
        (Some(name), Some(number)) => format!("{name} (uid {number})"),
        (None, Some(number)) => format!("uid {number}"),
        (Some(name), None) => name,
        (None, None) => "somebody".to_owned(),
    }
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
