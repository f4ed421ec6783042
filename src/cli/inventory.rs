//! `interdict inventory`: look at a host and list what is there, without any judgement.

use std::time::Instant;

use clap::Args as ClapArgs;

use crate::model::{INVENTORY_SCHEMA, Inventory, Status, Tool, Verdict, Wanted};

use super::Ended;
use super::exit::FINE;
use super::look::{LookArgs, now};
use super::printer::Printer;
use super::scan::OutArgs;

const EXAMPLES: &str = "\
Examples:
  sudo interdict inventory                            a table of all that is here
  interdict inventory --root /mnt/disk --format json  the same of a mounted disk, for a machine to read

Exit codes: 0 all was seen, 3 something could not be seen (the list says what), 2 could not run";

/// Arguments of `inventory`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    out: OutArgs,
}

/// Runs the command. A list that is not whole says so by the exit code too.
pub(super) fn run(args: &Args, printer: &mut Printer) -> Ended {
    let started = Instant::now();
    let scanned_at = now();
    let host = args.look.open()?;
    let want = Wanted { scope: args.look.scope(), depth: args.look.depth(), ..Wanted::default() };
    let (items, coverage) = args.look.look(&host, want, printer);
    let whole =
        !coverage.sources.iter().any(|source| source.status == Status::Failed || source.has_blocking_gap());
    let inventory = Inventory {
        schema: INVENTORY_SCHEMA,
        tool: Tool::SELF,
        scanned_at,
        elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        host: host.facts().clone(),
        coverage,
        items,
    };
    args.out.write(printer, |format, look| format.inventory(&inventory, look))?;
    Ok(if whole { FINE } else { Verdict::Inconclusive.exit_code() })
}
