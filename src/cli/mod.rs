//! The front door: arguments in, exit code out. One file per subcommand.
//!
//! Called by `main`. The only room that knows every room, the clock, the environment and the terminal.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::host::guarded;
use crate::model::Verdict;

mod attest;
mod compare;
mod config;
mod config_show;
#[cfg(debug_assertions)]
mod dev;
mod doctor;
mod enrol;
mod environment;
mod exit;
mod files;
mod fleet;
mod fleet_rules;
mod inventory;
mod lock;
mod log;
mod look;
mod output;
mod places;
mod printer;
mod report;
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
mod schedule;
mod ship;
mod sources;
mod spool;
mod state;
mod trusted;
#[cfg(any(windows, test))]
mod trusted_windows;
mod verify_report;

use config::Config;
use exit::{Failure, USAGE_OR_FAULT};
use log::{Log, LogTo};
use printer::Printer;

#[cfg(windows)]
const EXAMPLES: &str = "\
Examples:
  interdict scan                              judge this computer; as an administrator, every user's part of it
  interdict scan --root E:\\                   judge a mounted disk or an unpacked image
  interdict scan --format json -o report.json a report for a machine to read
  interdict inventory --format json           what is installed, without any judgement
  interdict report *.json --format markdown   saved reports in another form
  interdict schedule install --daily          a scan every day, by Task Scheduler

Exit codes: 0 compliant, 1 non-compliant, 2 could not run, 3 inconclusive (not all could be seen)";

#[cfg(not(windows))]
const EXAMPLES: &str = "\
Examples:
  interdict scan                              judge this computer
  sudo interdict scan                         the same, with every user's home readable
  interdict scan --root /mnt/disk             judge a mounted disk or an unpacked image
  interdict scan --format json -o report.json a report for a machine to read
  interdict inventory --format json           what is installed, without any judgement
  interdict report *.json --format markdown   saved reports in another form
  sudo interdict schedule install --daily     a scan every day, by systemd, cron or launchd

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

const CONFIG_EXAMPLES: &str = "\
Examples:
  interdict config show                  what a scan without arguments would do
  interdict config show --origin         the same, with who said it: file and line, variable, nobody
  INTERDICT_BUDGET=60 interdict config show --origin --format json
  interdict config check --config new.toml   every fault of a file before it is put in place";

const SPOOL_EXAMPLES: &str = "\
Examples:
  interdict spool status                 what waits, since when, and why
  interdict spool flush                  try now to send it
  interdict spool drop                   throw it away: the collector will never know of these reports";

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
    /// Show saved reports, of one host or many, in another form
    Report(report::Args),
    /// Pack saved reports so that others can check them: one file, signed where a key is given
    Attest(attest::Args),
    /// Check a pack of 'attest': whole, unaltered, and signed by whom
    VerifyReport(verify_report::Args),
    /// Compare two saved reports or inventories of a host: what is new, gone, worse, or was not seen again
    Compare(compare::Args),
    /// Make this computer known to a collector
    Enrol(enrol::Args),
    /// Scan, and tell the collector that this computer is enrolled with
    Ship(ship::Args),
    /// Show, send or drop reports that wait for the collector
    #[command(subcommand, after_help = SPOOL_EXAMPLES)]
    Spool(spool::Command),
    /// Show what the configuration says, and who said it
    #[command(subcommand, after_help = CONFIG_EXAMPLES)]
    Config(config_show::Command),
    /// Check whether scans here see what they should and can tell it, and say the next step
    Doctor(doctor::Args),
    /// Let the platform's own timer start scans: install, show, status, remove
    #[command(subcommand, after_help = schedule::EXAMPLES)]
    Schedule(schedule::Command),
    /// List the places that are looked at
    Sources(sources::Args),
    /// Check, list, show, test, explain and write rules
    #[command(subcommand, after_help = RULES_EXAMPLES)]
    Rules(rules::Command),
    /// For developers of interdict; only in debug builds: release builds are small
    #[cfg(debug_assertions)]
    #[command(subcommand, hide = true)]
    Dev(dev::Command),
}

/// The command line itself, from which the packages' manual pages and completions are made.
pub fn command() -> clap::Command {
    Cli::command()
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

/// Runs a command that looks at a host: in a process that is watched over, and with a log, which tells too that it could
/// not be run.
fn look(
    cli: &Cli,
    to: Option<&LogTo>,
    printer: &mut Printer,
    command: impl FnOnce(&Config, &Log, &mut Printer) -> Ended,
) -> u8 {
    let (config, fault) = cli.config.attempt();
    let log = Log::of(to.or(config.log.as_ref()).cloned().unwrap_or_default());
    let code = guarded(|| {
        warn(&config, printer);
        let ended = fault.map_or(Ok(()), Err).and_then(|()| command(&config, &log, printer));
        ended.unwrap_or_else(|failure| {
            printer.failure(&failure);
            log.tell(&log::failed(&failure), printer);
            USAGE_OR_FAULT
        })
    });
    // None of these is said by a command: the process was ended, or it panicked.
    if code > Verdict::Inconclusive.exit_code() {
        log.tell(&log::died(code), printer);
    }
    code
}

fn warn(config: &Config, printer: &Printer) {
    config.warnings.iter().for_each(|warning| printer.note(&format!("warning: {warning}")));
}

fn run(cli: &Cli, printer: &mut Printer) -> Ended {
    let config = || {
        let config = cli.config.read()?;
        warn(&config, printer);
        Ok::<_, Failure>(config)
    };
    match &cli.command {
        Command::Scan(args) => Ok(look(cli, args.ask.log(), printer, |config, log, printer| {
            scan::run(args, config, log, printer)
        })),
        Command::Inventory(args) => Ok(look(cli, args.log(), printer, |config, log, printer| {
            inventory::run(args, config, log, printer)
        })),
        Command::Report(args) => report::run(args, printer),
        Command::Attest(args) => attest::run(args, printer),
        Command::VerifyReport(args) => verify_report::run(args, &config()?, printer),
        Command::Compare(args) => compare::run(args, printer),
        Command::Enrol(args) => enrol::run(args, &config()?, printer),
        Command::Ship(args) => Ok(look(cli, args.ask.log(), printer, |config, log, printer| {
            ship::run(args, config, log, printer)
        })),
        Command::Spool(command) => spool::run(command, &config()?, printer),
        Command::Config(command) => config_show::run(command, &cli.config, &config()?, printer),
        Command::Doctor(args) => doctor::run(args, &cli.config, printer),
        Command::Schedule(command) => schedule::run(command, &cli.config, printer),
        Command::Sources(args) => sources::run(args, printer),
        Command::Rules(command) => rules::run(command, &config()?, printer),
        #[cfg(debug_assertions)]
        Command::Dev(command) => dev::run(command, printer),
    }
}

/// What a subcommand comes to: an exit code, or a fault of the run.
type Ended = Result<u8, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
