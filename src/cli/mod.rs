//! The front door: arguments in, exit code out. One file per subcommand.
//!
//! Called by `main`. The only room that knows every room, the clock, the environment and the terminal.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod config;
mod dev;
mod exit;
mod files;
mod inventory;
mod look;
mod places;
mod printer;
mod rules;
mod rules_entries;
mod rules_explain;
mod rules_explain_text;
mod rules_fmt;
mod rules_list;
mod rules_new;
mod rules_schema;
mod rules_search;
mod rules_show;
mod rules_sign;
mod rules_waive;
mod scan;
mod sources;
mod state;

use exit::{Failure, USAGE_OR_FAULT};
use printer::Printer;

const EXAMPLES: &str = "\
Examples:
  interdict scan                              judge this computer
  sudo interdict scan                         the same, with every user's home readable
  interdict scan --root /mnt/disk             judge a mounted disk or an unpacked image
  interdict scan --format json -o report.json a report for a machine to read
  interdict inventory --format json           what is installed, without any judgement

Exit codes: 0 compliant, 1 non-compliant, 2 could not run, 3 inconclusive (not all could be seen)";

const RULES_EXAMPLES: &str = "\
Examples:
  interdict rules check our-rules        every fault of every file, each with its line
  interdict rules show kaspersky         what is known of a vendor
  interdict rules test --rules our-rules run the examples in the rule files
  interdict rules keygen --secret-key our.key --public-key our.pub
  interdict rules sign our-rules --secret-key our.key
  interdict rules verify our-rules --trusted-key our.pub
  interdict rules list --rules our-rules --trusted-key our.pub
  interdict rules explain kesl           why a thing on this host is found, or is not
  interdict rules new vendor acme        a vendor file to begin with";

/// Finds software of prohibited vendors on a computer, and says what it could not see.
#[derive(Debug, Parser)]
#[command(name = "interdict", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    config: config::ConfigArgs,
    /// Say nothing but the result
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Colour the output (NO_COLOR is respected)
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    color: printer::Colour,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at a host, judge it, report
    Scan(scan::Args),
    /// Look at a host and list what is there
    Inventory(inventory::Args),
    /// List the places that are looked at
    Sources(sources::Args),
    /// Check, list, show, test, explain and write rules
    #[command(subcommand, after_help = RULES_EXAMPLES)]
    Rules(rules::Command),
    /// For developers of interdict
    #[command(subcommand, hide = true)]
    Dev(dev::Command),
}

/// Runs the command line; the exit code is the verdict's, or 2.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut printer = Printer::new(cli.quiet, cli.color);
    ExitCode::from(run(&cli, &mut printer).unwrap_or_else(|failure| {
        printer.failure(&failure);
        USAGE_OR_FAULT
    }))
}

fn run(cli: &Cli, printer: &mut Printer) -> Ended {
    let config = || cli.config.read();
    match &cli.command {
        Command::Scan(args) => scan::run(args, &config()?, printer),
        Command::Inventory(args) => {
            // Nothing in it is for an inventory, yet a broken one is not to be noticed by the next scan only.
            config()?;
            inventory::run(args, printer)
        }
        Command::Sources(args) => sources::run(args, printer),
        Command::Rules(command) => rules::run(command, &config()?, printer),
        Command::Dev(command) => dev::run(command, printer),
    }
}

/// What a subcommand comes to: an exit code, or a fault of the run.
type Ended = Result<u8, Failure>;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
