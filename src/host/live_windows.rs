//! The running Windows: its drives, its folder, what it says of itself.
//!
//! Called by the root host. Registry, processes and calls of the system have files of their own beside this one.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::{HostFacts, HostPath, Mode};

use super::hives::Hives;
use super::live_windows_api as api;
use super::live_windows_registry::LiveRegistry;
use super::registry::Registry;
use super::root_files::RootFiles;
use super::{Files, windows_facts};

/// Letters and folders of the drives that are looked at: fixed ones of this computer. What is on a network, in a reader or
/// may be pulled out is not entered.
///
/// The folders are named as `\\?\C:\`: such a path may be longer than 260 characters on every Windows, and no name in it is
/// a device (`NUL`, `COM1`). <https://learn.microsoft.com/windows/win32/fileio/naming-a-file#win32-file-namespaces>
pub(super) fn drives() -> Vec<(char, PathBuf)> {
    let fixed = ('A'..='Z').filter(|letter| api::is_fixed_drive(*letter));
    fixed.map(|letter| (letter, PathBuf::from(format!(r"\\?\{letter}:\")))).collect()
}

/// What this Windows says of itself, and its registry.
pub(super) fn open(files: &Arc<RootFiles>) -> (HostFacts, Box<dyn Registry>) {
    // Who may back up may read the files of every user; without the right, what is refused is a gap.
    api::enable_backup();
    let root = HostPath::of_windows(&api::windows_folder()).unwrap_or_else(|| HostPath::from("/C:/Windows"));
    let hives = Hives::new(Arc::clone(files) as Arc<dyn Files>, root.clone());
    let mut registry = LiveRegistry::new(hives);
    let facts = windows_facts::of(Mode::Live, files.as_ref(), &registry, root);
    registry.set_users(&facts.users);
    (facts, Box::new(registry))
}
