//! What is to be run: a scan, or one that is told to the collector; its words, checked while somebody is there to read what is
//! wrong.
//!
//! Called by the front of this folder, and by whoever wants to know what a scheduled scan writes.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::cli::config::Config;
use crate::cli::exit::Failure;
use crate::cli::fleet;
use crate::cli::printer::Printer;
use crate::cli::scan::{self, AskArgs};
use crate::cli::ship;
use crate::cli::{Cli, Command};
use crate::model::Order;

use super::Platform;

/// A scan that can be scheduled.
pub(super) struct Asked {
    /// Its words, `scan` or `ship` first.
    pub(super) arguments: Vec<String>,
    /// Folders that it writes to, beside its own.
    pub(super) writes: Vec<PathBuf>,
    /// Whether it is told to the collector.
    pub(super) ships: bool,
}

/// Where and how it is to run.
pub(super) struct For<'a> {
    /// The platform.
    pub(super) platform: Platform,
    /// Whether it is this computer's: only then it can be looked at what is named.
    pub(super) is_here: bool,
    /// The folder that a scan has for itself.
    pub(super) state: String,
    /// Says what of the rules is odd.
    pub(super) printer: &'a Printer,
}

/// What the words ask for.
enum Work {
    Scan(scan::Args),
    Ship(ship::Args),
}

impl Work {
    fn ask(&self) -> &AskArgs {
        match self {
            Self::Scan(args) => &args.ask,
            Self::Ship(args) => &args.ask,
        }
    }

    fn paths(&self) -> Vec<PathBuf> {
        match self {
            Self::Scan(args) => args.paths(),
            Self::Ship(args) => args.paths(),
        }
    }

    /// Files that are written; what is shipped goes into the state folder.
    fn outputs(&self, config: &Config) -> Result<Vec<PathBuf>, Failure> {
        match self {
            Self::Scan(args) => args.outputs(config),
            Self::Ship(_) => Ok(Vec::new()),
        }
    }

    /// The words that are missing, as nobody watches: the usual place for a report.
    fn usual(&self, config: &Config, what: &For<'_>) -> Vec<String> {
        match self {
            Self::Scan(args) if !args.names_output() && config.output.is_empty() => {
                let format = args.format().unwrap_or("json");
                let file = format!("{}{}report.{format}", what.state, what.platform.separator());
                let named = args.format().is_none().then(|| ["--format", "json"].map(str::to_owned));
                named.into_iter().flatten().chain(["--output".to_owned(), file]).collect()
            }
            // The unit that scans has no network; another sends.
            Self::Ship(args) if what.platform == Platform::Systemd && !args.later => {
                vec!["--later".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// Reads the words. A scan that names no place for its report gets the usual one: nobody watches its standard output.
pub(super) fn asked(words: &[String], what: &For<'_>) -> Result<Asked, Failure> {
    let mut arguments = words.to_vec();
    if let Some(word) = arguments.iter().find(|word| word.chars().any(char::is_control)) {
        return Err(Failure::Declined(format!(
            "'{word}' has control characters, which no schedule can hold"
        )));
    }
    let (cli, work) = parse(&arguments)?;
    relative(&cli, &work, what)?;
    let config = if what.is_here { cli.config.read()? } else { Config::default() };
    arguments.extend(work.usual(&config, what));
    if !cli.quiet {
        arguments.insert(1, "--quiet".to_owned());
    }
    let (_, work) = parse(&arguments)?;
    let state = work.ask().state(&config).map(Path::to_owned);
    let ships = matches!(work, Work::Ship(_));
    let outputs = work.outputs(&config)?;
    if what.is_here {
        work.ask().check(&config, what.printer)?;
    }
    if ships && what.platform == Platform::Systemd {
        elsewhere(state.as_deref(), &what.state)?;
    }
    let mut writes: Vec<PathBuf> = outputs.iter().filter_map(|file| parent(file, what.platform)).collect();
    writes.extend(work.ask().log_file(&config).and_then(|file| parent(file, what.platform)));
    writes.extend(state);
    writes.retain(|folder| !folder.starts_with(&what.state) && folder.to_str() != Some(what.state.as_str()));
    writes.order();
    writes.dedup();
    Ok(Asked { arguments, writes, ships })
}

/// The unit that sends has the usual folder.
fn elsewhere(state: Option<&Path>, usual: &str) -> Result<(), Failure> {
    match state.filter(|state| *state != Path::new(usual)) {
        None => Ok(()),
        Some(state) => Err(Failure::Declined(format!(
            "the unit that sends takes what waits from {usual}, not from {}; leave the state folder as it is, or write for cron \
             (--platform cron)",
            state.display()
        ))),
    }
}

/// Whether this computer is enrolled, so that what is shipped goes somewhere.
pub(super) fn enrolled(state: &str) -> Result<(), Failure> {
    fleet::identity(&fleet::disk(Some(Path::new(state)))?).map(drop)
}

/// Files that a scan of these words writes; none where it cannot be told.
pub(super) fn outputs(arguments: &[String]) -> Vec<PathBuf> {
    let read = || {
        let (cli, work) = parse(arguments).ok()?;
        work.outputs(&cli.config.read().ok()?).ok()
    };
    read().unwrap_or_default()
}

fn parse(arguments: &[String]) -> Result<(Cli, Work), Failure> {
    let told = |why: &str| Failure::Declined(format!("what stands behind '--' cannot be scheduled: {why}"));
    let words = ["interdict"].into_iter().chain(arguments.iter().map(String::as_str));
    let mut cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) if [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind()) => {
            return Err(told("that is no scan"));
        }
        Err(error) => {
            let text = error.to_string();
            let lines = text.lines().take_while(|line| !line.starts_with("Usage:")).map(str::trim);
            let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
            return Err(told(lines.join("; ").trim_start_matches("error: ")));
        }
    };
    match std::mem::replace(&mut cli.command, Command::Sources(crate::cli::sources::Args::default())) {
        Command::Scan(args) => Ok((cli, Work::Scan(args))),
        Command::Ship(args) => Ok((cli, Work::Ship(args))),
        _ => Err(told("that is no scan; write '-- scan' or '-- ship', and its arguments")),
    }
}

/// A schedule starts in a folder of its own: a path that begins nowhere would mean another file there.
fn relative(cli: &Cli, work: &Work, what: &For<'_>) -> Result<(), Failure> {
    let named = work.paths().into_iter().chain(cli.config.named());
    for path in named {
        if !what.platform.is_whole(&path) {
            return Err(Failure::Declined(format!(
                "'{}' begins nowhere: a schedule starts in another folder than this; write the whole path",
                path.display()
            )));
        }
    }
    Ok(())
}

/// The folder of a file, by the paths of the platform.
fn parent(file: &Path, platform: Platform) -> Option<PathBuf> {
    let text = file.to_str()?;
    let (folder, _) = text.rsplit_once(platform.separator())?;
    Some(PathBuf::from(if folder.is_empty() { "/" } else { folder }))
}
