//! Faults of the run, each with what to do next, and the exit codes that are no verdict.
//!
//! Made by subcommands, shown by the printer.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::host::OpenError;
use crate::ruleset::{Diagnostic, Refusal};
use crate::ship::Fault;

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
    /// The host did not answer.
    #[error(
        "{root} did not answer within {seconds} s: a file system there may hang; see 'mount', or give it more time with \
         --budget"
    )]
    NoAnswer {
        /// Its root.
        root: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Another scan is running.
    #[error("another scan of this computer is running: {0}; wait for it with --wait SECONDS, or end it")]
    Busy(String),
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
         path ('/opt/x/bin/x', 'C:\\x\\x.exe') is explained even where no source reported it"
    )]
    NoItem(String),
    /// What was asked for cannot be done; what, and what to do instead.
    #[error("{0}")]
    Declined(String),
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
    /// The configuration is broken: a scan by half of it would be another scan.
    #[error("the configuration cannot be used: {} fault(s); --no-config goes without it", .0.len())]
    Config(Vec<Diagnostic>),
    /// Rules that are not signed, altered or old.
    #[error("the rules are refused: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refusal>),
    /// There is nothing to judge by.
    #[error("there are no rules: the built-in ones are left out, and --rules names no others")]
    NoRules,
    /// Nothing to verify with.
    #[error("there is no key to verify with; name it with --trusted-key, or in the configuration")]
    NoKey,
    /// No folder to remember in.
    #[error("it is not known where to remember which rules were accepted; name a folder with --state")]
    NoState,
    /// The memory is damaged.
    #[error(
        "the memory of accepted rules {path} is damaged: {} fault(s); put it back from a backup, or remove it if the \
         rules in use are surely the newest", .faults.len()
    )]
    DamagedState {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        faults: Vec<Diagnostic>,
    },
    /// A folder that cannot be signed.
    #[error("cannot sign {0}: it has no file with [ruleset]; write one with name, version and released")]
    NoManifest(PathBuf),
    /// The password is empty.
    #[error("the password is empty; give one, or make a key with --no-password")]
    NoPassword,
    /// A key that could not be made or used.
    #[error("cannot sign: {0}")]
    Key(String),
    /// One of the operator's own files.
    #[error("cannot {doing} {path}: {cause}; {next}")]
    File {
        /// What was to be done with it.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: String,
        /// What to do.
        next: &'static str,
    },
    /// Something of this computer's side of the fleet.
    #[error(transparent)]
    Fleet(#[from] Fault),
    /// The files of a pack could not be made.
    #[error("cannot make the pack: {0}")]
    Packing(std::io::Error),
    /// Standard output could not be written.
    #[error("cannot write the result to standard output: {0}")]
    Stdout(std::io::Error),
}

impl Failure {
    /// A fault with one of the operator's own files.
    pub(super) fn file(doing: &'static str, path: &Path, cause: &dyn Display, next: &'static str) -> Self {
        Self::File { doing, path: path.to_owned(), cause: cause.to_string(), next }
    }

    /// What is wrong in which files, where that is what failed.
    pub(super) fn diagnostics(&self) -> Option<&[Diagnostic]> {
        match self {
            Self::Rules(faults) | Self::Config(faults) | Self::DamagedState { faults, .. } => Some(faults),
            _ => None,
        }
    }

    /// What to say, a line for each reason.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Refused(refusals) => refusals.iter().map(ToString::to_string).collect(),
            other => vec![other.to_string()],
        }
    }
}
