//! Faults of the run, each with what to do next, and the exit codes that are no verdict.
//!
//! Made by subcommands, shown by the printer.

use std::path::PathBuf;

use crate::host::OpenError;
use crate::ruleset::Diagnostic;

/// Everything went well, and there is no verdict.
pub(super) const FINE: u8 = 0;
/// Checks that were asked for found faults (rules, generated files).
pub(super) const FAULTS: u8 = 1;
/// The command could not run.
pub(super) const USAGE_OR_FAULT: u8 = 2;

/// Why a command could not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The host could not be opened.
    #[error(transparent)]
    Host(#[from] OpenError),
    /// The rules are broken: nothing is judged by half of them.
    #[error("the rules cannot be used: {} fault(s)", .0.len())]
    Rules(Vec<Diagnostic>),
    /// No policy of that id.
    #[error("there is no policy '{id}'; known are: {known}")]
    NoPolicy {
        /// What was asked for.
        id: String,
        /// Those there are.
        known: String,
    },
    /// Nothing of that id.
    #[error(
        "there is no vendor, product, policy, prohibition or authority '{0}'; see 'interdict rules list'"
    )]
    NoRule(String),
    /// Nothing of that name on the host.
    #[error(
        "nothing on this host has the name, id or path '{0}'; 'interdict inventory' lists what is there, and a whole \
         path ('/opt/x/bin/x') is explained even where no source reported it"
    )]
    NoItem(String),
    /// What was asked for cannot be done; what, and what to do instead.
    #[error("{0}")]
    Refused(String),
    /// A file could not be read.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {cause}; name another file with --output")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// Standard output could not be written.
    #[error("cannot write the result to standard output: {0}")]
    Stdout(std::io::Error),
}
