//! `interdict compare`: two saved documents of a host, and what lies between them.
//!
//! Judges nothing: what is compared is in the documents. The exit code says whether anything is worse.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::emit::saved::Saved;
use crate::judge::compare::{Allow, Side, compare};

use super::Ended;
use super::exit::Failure;
use super::output::ComparisonArgs;
use super::printer::Printer;
use super::report::read_one;

const EXAMPLES: &str = "\
Examples:
  interdict compare monday.json tuesday.json               what is new, gone or worse, for people
  interdict compare before.json after.json -o html=diff.html -o json=diff.json
  interdict scan --with-inventory --format json | interdict compare before.json -
  interdict compare golden-image.json server.json --different-hosts

Both are files that 'scan' or 'inventory' wrote with --format json. Reports hold every item with 'scan --with-inventory';
without it only findings, verdict and coverage are compared.

A finding is 'removed' only where every source that had shown it saw all of its part again, in the same or a wider scope
and depth, with the same or more rights. Else it is 'not re-verified', and the reason is told.

Exit codes: 0 nothing is worse
            1 a finding that decides is new, open again, or worse (more present, surer, graver)
            2 could not compare (two hosts, the wrong order, an unreadable file)
            3 nothing worse was seen, and less was seen or shown than before";

/// Arguments of `compare`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The older document; '-' is standard input
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The newer document; '-' is standard input
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// Compare documents of two hosts: nothing is then removed, it is only not there
    #[arg(long)]
    different_hosts: bool,
    /// Believe the order of the arguments where the clock of BEFORE is later than that of AFTER
    #[arg(long)]
    any_order: bool,
    #[command(flatten)]
    out: ComparisonArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, printer: &mut Printer) -> Ended {
    let outputs = args.out.outputs()?;
    if args.before == Path::new("-") && args.after == Path::new("-") {
        return Err(Failure::Declined(
            "standard input is one of the two; name a file for the other".to_owned(),
        ));
    }
    let (before, after) = (one(&args.before, printer)?, one(&args.after, printer)?);
    let (before, after) = (side(&before), side(&after));
    let (Some(before), Some(after)) = (before, after) else {
        return Err(Failure::Declined("the files hold no report".to_owned()));
    };
    let allow = Allow { different_hosts: args.different_hosts, any_order: args.any_order };
    let comparison = compare(&before, &after, allow)
        .map_err(|error| Failure::Declined(format!("cannot compare: {error}")))?;
    for output in &outputs {
        output.comparison(&comparison, printer)?;
    }
    Ok(comparison.exit_code)
}

/// The one document of a file.
fn one(path: &Path, printer: &Printer) -> Result<Saved, Failure> {
    let (_, saved) = read_one(path, "compare", printer)?;
    let count = saved.reports.len() + saved.inventories.len();
    if count != 1 {
        return Err(Failure::Declined(format!(
            "{} holds {count} documents, and one is compared with one; give it a file for each host",
            path.display()
        )));
    }
    Ok(saved)
}

fn side(saved: &Saved) -> Option<Side<'_>> {
    let report = saved.reports.first().map(Side::of_report);
    report.or_else(|| saved.inventories.first().map(Side::of_inventory))
}
