//! `interdict report`: saved documents, of one host or many, in another form.
//!
//! Judges nothing: what a report says is in the report. The exit code is the worst of their verdicts.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::emit::Can;
use crate::emit::saved::{Saved, read};
use crate::model::{Report, Verdict};

use super::Ended;
use super::exit::{FINE, Failure};
use super::files::{documents, open, read_document};
use super::inventory::is_whole;
use super::output::{Holds, OutArgs, Output, names};
use super::printer::Printer;

const EXAMPLES: &str = "\
Examples:
  interdict report report.json                         a saved report, for people
  interdict report hosts --format csv -o fleet.csv     the findings and gaps of many hosts in one table
  interdict report report.json -o sarif=r.sarif -o markdown=r.md
  ssh host interdict scan --format json | interdict report -

Exit codes: the worst of the verdicts: 0 compliant, 3 inconclusive, 1 non-compliant; 2 could not run.
Of inventories: 0 all was seen, 3 something could not be seen";

/// Arguments of `report`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Files that 'scan' or 'inventory' wrote with --format json, or folders of such; '-' is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    out: OutArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, printer: &mut Printer) -> Ended {
    let saved = read_all(&args.files, printer)?;
    if !saved.inventories.is_empty() && !saved.reports.is_empty() {
        return Err(Failure::Declined(
            "reports and inventories are two kinds of documents; show them one kind at a time".to_owned(),
        ));
    }
    let holds = if saved.reports.is_empty() { Holds::Inventory } else { Holds::Report };
    let outputs = args.out.outputs(holds)?;
    outputs.iter().try_for_each(|output| fits(output, &saved))?;
    for output in &outputs {
        match holds {
            Holds::Report => output.reports(&saved.reports, printer)?,
            Holds::Inventory => output.inventories(&saved.inventories, printer)?,
        }
    }
    Ok(exit_code(&saved))
}

/// Reads every file; one that cannot be read stops all: a table of hosts without one of them would say less than it seems to.
fn read_all(files: &[PathBuf], printer: &Printer) -> Result<Saved, Failure> {
    let mut all = Saved::default();
    let mut paths = Vec::new();
    for path in files {
        paths.extend(documents(path).map_err(|cause| Failure::Read { path: path.clone(), cause })?);
    }
    for path in &paths {
        let (_, saved) = read_one(path, "show", printer)?;
        all.reports.extend(saved.reports);
        all.inventories.extend(saved.inventories);
    }
    if all.reports.is_empty() && all.inventories.is_empty() {
        return Err(Failure::Declined(
            "there is no report in what was named; of a folder those files are read whose names end in .json"
                .to_owned(),
        ));
    }
    Ok(all)
}

/// A file's bytes and what they say; what is to be done with it stands in the fault.
pub(super) fn read_one(path: &Path, doing: &str, printer: &Printer) -> Result<(Vec<u8>, Saved), Failure> {
    let bytes = if path == Path::new("-") {
        read_document(io::stdin().lock())
    } else {
        open(path).and_then(read_document)
    };
    let bytes = bytes.map_err(|cause| Failure::Read { path: path.to_owned(), cause })?;
    let saved = read(&bytes)
        .map_err(|error| Failure::Declined(format!("cannot {doing} {}: {error}", path.display())))?;
    for note in &saved.notes {
        printer.note(&format!("{}: {note}", path.display()));
    }
    Ok((bytes, saved))
}

/// Whether the form can hold what was read.
fn fits(output: &Output<'_>, saved: &Saved) -> Result<(), Failure> {
    let form = output.form();
    if saved.reports.len() + saved.inventories.len() > 1 && !form.can(Can::Many) {
        return Err(Failure::Declined(format!(
            "the format {} holds one host; give it one file at a time. Several can be: {}",
            form.name,
            names(|form| form.can(Can::Many))
        )));
    }
    let bare = |report: &&Report| report.inventory.is_none();
    if let (true, Some(report)) = (form.can(Can::NeedsItems), saved.reports.iter().find(bare)) {
        let host = report.host.name.as_deref().unwrap_or("a host");
        return Err(Failure::Declined(format!(
            "the format {} needs every item, and the report of {host} holds only those of findings; scan with \
             --with-inventory",
            form.name
        )));
    }
    Ok(())
}

fn exit_code(saved: &Saved) -> u8 {
    match saved.reports.iter().map(|report| report.verdict).max() {
        Some(verdict) => verdict.exit_code(),
        None if saved.inventories.iter().all(|inventory| is_whole(&inventory.coverage)) => FINE,
        None => Verdict::Inconclusive.exit_code(),
    }
}
