//! `interdict rules fmt`: rule files in the one layout.
#![expect(clippy::disallowed_methods, reason = "rule files are the operator's, not the scanned host's")]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use walkdir::WalkDir;

use crate::ruleset::layout;

use super::Ended;
use super::exit::{FAULTS, FINE, Failure};
use super::printer::Printer;

const EXAMPLES: &str = "\
Examples:
  interdict rules fmt our-rules                 every *.toml in and below a folder
  interdict rules fmt --check our-rules         only say which files are not in the layout
  interdict rules fmt --stdin < vendor.toml     as a filter, for editors

What a file says never changes, and comments stay.
Exit codes: 0 done, 1 (--check) some file is not in the layout, 2 a file cannot be read, or not be laid out";

/// Arguments of `rules fmt`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Rule files, and folders of them
    #[arg(value_name = "PATH", required_unless_present = "stdin")]
    paths: Vec<PathBuf>,
    /// Write nothing; exit 1 and list the files that are not in the layout
    #[arg(long)]
    check: bool,
    /// Read standard input, write standard output
    #[arg(long, conflicts_with_all = ["paths", "check"])]
    stdin: bool,
}

/// Runs the command. A file that cannot be laid out does not keep the others from it.
pub(super) fn run(args: &Args, printer: &Printer) -> Ended {
    if args.stdin {
        return filter(printer);
    }
    let mut changed = 0;
    let mut faults = Vec::new();
    for path in files(&args.paths)? {
        match laid_out(&path) {
            Ok(None) => {}
            Ok(Some(text)) => {
                changed += 1;
                if args.check {
                    printer.result(&format!("{}\n", path.display()), None)?;
                } else {
                    printer.result(&text, Some(&path))?;
                    printer.note(&format!("laid out {}", path.display()));
                }
            }
            Err(failure) => faults.push(failure.to_string()),
        }
    }
    if !faults.is_empty() {
        return Err(Failure::Declined(faults.join("\n       ")));
    }
    Ok(if args.check && changed > 0 { FAULTS } else { FINE })
}

fn filter(printer: &Printer) -> Ended {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|cause| Failure::Read { path: "standard input".into(), cause })?;
    let text = layout(&text).map_err(|error| Failure::Declined(format!("standard input: {error}")))?;
    printer.result(&text, None)?;
    Ok(FINE)
}

/// Every rule file of the paths, sorted.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        for entry in WalkDir::new(path).sort_by_file_name() {
            let entry = entry.map_err(|error| Failure::Read { path: path.clone(), cause: error.into() })?;
            let is_toml = entry.path().extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"));
            if entry.file_type().is_file() && (is_toml || entry.depth() == 0) {
                files.push(entry.into_path());
            }
        }
    }
    Ok(files)
}

/// The text of a file in the layout; none where it is already.
fn laid_out(path: &Path) -> Result<Option<String>, Failure> {
    let there =
        std::fs::read_to_string(path).map_err(|cause| Failure::Read { path: path.to_owned(), cause })?;
    let text = layout(&there).map_err(|error| Failure::Declined(format!("{}: {error}", path.display())))?;
    Ok((text != there).then_some(text))
}
