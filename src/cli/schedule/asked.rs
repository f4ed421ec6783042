//! The scan that is to be run: its words, checked while somebody is there to read what is wrong.
//!
//! Called by the front of this folder, and by whoever wants to know what a scheduled scan writes.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::cli::config::Config;
use crate::cli::exit::Failure;
use crate::cli::printer::Printer;
use crate::cli::scan;
use crate::cli::{Cli, Command};

use super::Platform;

/// A scan that can be scheduled.
pub(super) struct Asked {
    /// Its words, `scan` first.
    pub(super) arguments: Vec<String>,
    /// Folders that it writes to, beside its own.
    pub(super) writes: Vec<PathBuf>,
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

/// Reads the words. A scan that names no place for its report gets the usual one: nobody watches its standard output.
pub(super) fn asked(words: &[String], what: &For<'_>) -> Result<Asked, Failure> {
    let mut arguments = words.to_vec();
    if let Some(word) = arguments.iter().find(|word| word.chars().any(char::is_control)) {
        return Err(Failure::Declined(format!(
            "'{word}' has control characters, which no schedule can hold"
        )));
    }
    let (cli, args) = parse(&arguments)?;
    relative(&cli, &args, what)?;
    let config = if what.is_here { cli.config.read()? } else { Config::default() };
    if !args.names_output() && config.output.is_empty() {
        let format = args.format().unwrap_or("json");
        if args.format().is_none() {
            arguments.extend(["--format", "json"].map(str::to_owned));
        }
        let file = format!("{}{}report.{format}", what.state, what.platform.separator());
        arguments.extend(["--output".to_owned(), file]);
    }
    if !cli.quiet {
        arguments.insert(1, "--quiet".to_owned());
    }
    let (_, args) = parse(&arguments)?;
    if what.is_here {
        args.check(&config, what.printer)?;
    }
    let outputs = args.outputs(&config)?;
    let mut writes: Vec<PathBuf> = outputs.iter().filter_map(|file| parent(file, what.platform)).collect();
    writes.extend(args.log_file(&config).and_then(|file| parent(file, what.platform)));
    writes.extend(args.state(&config).map(Path::to_owned));
    writes.retain(|folder| !folder.starts_with(&what.state) && folder.to_str() != Some(what.state.as_str()));
    writes.sort();
    writes.dedup();
    Ok(Asked { arguments, writes })
}

/// Files that a scan of these words writes; none where it cannot be told.
pub(super) fn outputs(arguments: &[String]) -> Vec<PathBuf> {
    let read = || {
        let (cli, args) = parse(arguments).ok()?;
        args.outputs(&cli.config.read().ok()?).ok()
    };
    read().unwrap_or_default()
}

fn parse(arguments: &[String]) -> Result<(Cli, scan::Args), Failure> {
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
        Command::Scan(args) => Ok((cli, args)),
        _ => Err(told("that is no scan; write '-- scan', and its arguments")),
    }
}

/// A schedule starts in a folder of its own: a path that begins nowhere would mean another file there.
fn relative(cli: &Cli, args: &scan::Args, what: &For<'_>) -> Result<(), Failure> {
    let named = args.paths().into_iter().chain(cli.config.named());
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
