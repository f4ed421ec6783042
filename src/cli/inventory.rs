//! `interdict inventory`: look at a host and list what is there, without any judgement.

use std::slice;
use std::time::Instant;

use clap::Args as ClapArgs;

use crate::model::{Coverage, INVENTORY_SCHEMA, Inventory, Status, Tool, Verdict, Wanted};

use super::Ended;
use super::config::Config;
use super::exit::{FINE, USAGE_OR_FAULT};
use super::log::{self, Log, LogArgs, LogTo};
use super::look::{Found, LookArgs, now};
use super::output::{Holds, OutArgs};
use super::printer::Printer;

#[cfg(windows)]
const EXAMPLES: &str = "\
Examples:
  interdict inventory                                 a table of all that is here; as an administrator, of every user
  interdict inventory --root E:\\ --format json        the same of a mounted disk, for a machine to read

Exit codes: 0 all was seen, 3 something could not be seen (the list says what), 2 could not run";

#[cfg(not(windows))]
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
    #[command(flatten)]
    log: LogArgs,
}

impl Args {
    /// Where the run is to be logged, where that was said.
    pub(super) fn log(&self) -> Option<&LogTo> {
        self.log.to()
    }
}

/// Runs the command. A list that is not whole says so by the exit code too.
pub(super) fn run(args: &Args, config: &Config, log: &Log, printer: &mut Printer) -> Ended {
    let look = args.look.or(config);
    log.tell(&log::begun("inventory", &look, &[]), printer);
    let outputs = args.out.outputs(Holds::Inventory)?;
    let _lock = look.lock(config.state.as_deref(), printer)?;
    let started = Instant::now();
    let scanned_at = now();
    let host = look.open()?;
    let want = Wanted { scope: look.scope(), depth: look.depth(), ..Wanted::default() };
    let Found { items, coverage, .. } = look.look(&host, want, None, printer);
    let whole = is_whole(&coverage);
    let inventory = Inventory {
        schema: INVENTORY_SCHEMA.into(),
        tool: Tool::SELF,
        scanned_at,
        elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        host: host.facts().clone(),
        depth: Some(args.look.depth()),
        coverage,
        items,
    };
    let exit_code = if whole { FINE } else { Verdict::Inconclusive.exit_code() };
    for gap in log::unseen(&inventory.coverage) {
        log.tell(&gap, printer);
    }
    let mut done = Ok(());
    for output in &outputs {
        done = done.and(output.inventories(slice::from_ref(&inventory), printer));
    }
    let comes_to = if done.is_ok() { exit_code } else { USAGE_OR_FAULT };
    log.tell(&log::inventoried(&inventory, comes_to), printer);
    done.map(|()| exit_code)
}

/// Whether all was seen that could hold something.
pub(super) fn is_whole(coverage: &Coverage) -> bool {
    !coverage.sources.iter().any(|source| source.status == Status::Failed || source.has_blocking_gap())
}
