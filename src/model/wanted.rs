//! What the ruleset asks the sources to look for, as plain data: so that what costs is only paid where a rule needs it.
//!
//! Compiled by `ruleset`, read by `sources`. Written down as a part of what led a scan: a field that is not known is none.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Depth, HostPath, ScopeAsk};

/// What the sources are to look for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Which halves of the host.
    pub scope: ScopeAsk,
    /// How deep.
    pub depth: Depth,
    /// Folders or files that a path condition names by its fixed beginning (`/opt/kaspersky`).
    pub path_roots: BTreeSet<HostPath>,
    /// The same as rules write them: `{program-data}\Acme` of Windows, `{home}/.acme` of others.
    pub templates: BTreeSet<String>,
    /// Paths of Linux and macOS that a path condition begins with, and that end within a name: `/Applications/Acme`,
    /// `{home}/Library/Preferences/com.acme.`.
    pub beginnings: BTreeSet<String>,
    /// Keys of the registry that a path condition names by their fixed beginning: `HKLM\SOFTWARE\Acme`.
    pub keys: BTreeSet<String>,
    /// Sizes of files whose SHA-256 a rule asks for: no other file is worth hashing.
    pub hash_sizes: BTreeSet<u64>,
    /// Account and group names that a rule asks for, folded.
    pub accounts: BTreeSet<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            scope: ScopeAsk::All,
            depth: Depth::Standard,
            path_roots: BTreeSet::new(),
            templates: BTreeSet::new(),
            beginnings: BTreeSet::new(),
            keys: BTreeSet::new(),
            hash_sizes: BTreeSet::new(),
            accounts: BTreeSet::new(),
        }
    }
}
