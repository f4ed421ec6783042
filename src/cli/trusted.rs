//! Whether only administrators can change what a privileged scan obeys: who may write the configuration could have root write
//! a file anywhere, and who may write the rules decides what is found.
//!
//! Called by `config` and `schedule`. Asked of the configuration file, of the rules and waivers that it names, and of the
//! program that is to be scheduled; what a person names on the
//! command line is that person's word. As a plain user everything may be read: it gives no rights that the user has not.

use std::path::Path;

use super::config::{Config, Origin};

/// Refuses a configuration that others can write.
pub(super) fn file(path: &Path) -> Result<(), String> {
    told(path, "the configuration", "; or go without one with --no-config")
}

/// Refuses rules and waivers that the configuration file names and others can write. Signed rules speak for themselves.
pub(super) fn rules(config: &Config) -> Result<(), String> {
    let by_file = |key: &str| matches!(config.origins.get(key), Some(Origin::File(..)));
    let rules = config.rules.iter().filter(|_| config.trusted_keys.is_empty() && by_file("rules"));
    rules.chain(config.waivers.iter().filter(|_| by_file("waivers"))).try_for_each(|path| {
        told(path, "what the configuration names,", ", or sign the rules and name the key in trusted_keys")
    })
}

/// Refuses a program that is to be started with all rights and that others can write.
pub(super) fn program(path: &Path) -> Result<(), String> {
    told(path, "the program", ", or install it by its package")
}

fn told(path: &Path, what: &str, or: &str) -> Result<(), String> {
    let Some((place, why)) = by_others(path) else { return Ok(()) };
    // What lies in a folder takes its rights from there.
    let full = if place.is_dir() { "(OI)(CI)F" } else { "F" };
    let (path, place) = (path.display(), place.display());
    let (who, mend) = if cfg!(windows) {
        let mend = format!(
            "'icacls \"{place}\" /setowner *S-1-5-32-544' and 'icacls \"{place}\" /inheritance:r /grant:r \
             *S-1-5-18:{full} *S-1-5-32-544:{full}'"
        );
        ("administrators", mend)
    } else {
        ("root", format!("'chown root:root {place}' and 'chmod go-w {place}'"))
    };
    Err(format!(
        "{what} {path} can be changed by others than {who}, and this scan has the rights of {who}: {place} {why}; \
         {mend}{or}"
    ))
}

#[cfg(windows)]
use super::trusted_windows::by_others;
#[cfg(unix)]
use unix::by_others;

#[cfg(unix)]
mod unix {
    //! Owners and modes.
    #![expect(clippy::disallowed_methods, reason = "these are the operator's files, not the scanned host's")]

    use std::fs::{Metadata, canonicalize, metadata};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Path, PathBuf};

    /// What of a path others can change, and how: the thing itself, or a folder on the way, whose entries they could swap.
    /// What cannot be looked at is told by who reads it.
    pub(super) fn by_others(path: &Path) -> Option<(PathBuf, String)> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let real = canonicalize(path).ok()?;
        let own = metadata(&real).ok().and_then(|meta| open(&meta)).map(|why| (real.clone(), why));
        own.or_else(|| {
            real.ancestors().skip(1).find_map(|folder| {
                let meta = metadata(folder).ok()?;
                // In a folder with the sticky bit nobody removes what another owns.
                let sticky = meta.mode() & 0o1000 != 0 && meta.uid() == 0;
                open(&meta).filter(|_| !sticky).map(|why| (folder.to_owned(), why))
            })
        })
    }

    /// How others than root can write it.
    fn open(meta: &Metadata) -> Option<String> {
        let (mode, uid, gid) = (meta.mode(), meta.uid(), meta.gid());
        if uid != 0 {
            Some(format!("belongs to the user {uid}"))
        } else if mode & 0o002 != 0 {
            Some(format!("may be written by everybody (mode {:o})", mode & 0o7777))
        } else if mode & 0o020 != 0 && gid != 0 {
            Some(format!("may be written by the group {gid} (mode {:o})", mode & 0o7777))
        } else {
            None
        }
    }
}
