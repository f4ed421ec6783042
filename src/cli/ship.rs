//! `interdict ship`: scan this computer, or take the report that a scan left, and tell the collector.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::emit::safe::safe;
use crate::model::{Id, InventoryItem, ItemId, Report, Tool, set_of};
use crate::normalise::sets::{About, digests, inventory_digest, machine_digest, policies, sets};
use crate::ruleset::Sought;
use crate::ship::{Identity, Parcel, random_id};

use super::Ended;
use super::config::Config;
use super::exit::Failure;
use super::fleet::{Sender, Users, disk, identity, lock, put, site_key, without_names};
use super::fleet_rules::{Trust, follow, led};
use super::log::Log;
use super::printer::Printer;
use super::report::read_one;
use super::rules::load;
use super::scan::{AskArgs, Examined, examine, tell};
use super::state::Memory;

const EXAMPLES: &str = "\
Examples:
  interdict ship                            scan, and tell the collector
  interdict ship --report report.json       tell it what 'scan --with-inventory -o report.json' left
  interdict ship --later                    scan without a network; 'interdict spool flush' tells it
  interdict ship --users named              with the names of users, which else are pseudonyms

Exit codes: those of the scan: 0 compliant, 1 non-compliant, 2 could not run, 3 inconclusive. A report that could not be
delivered waits in the spool, which is said, and changes no exit code.";

/// Arguments of `ship`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) ask: AskArgs,
    /// Tell this report of 'scan --with-inventory --format json' instead of scanning
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root", "scope", "depth", "policies", "as_of"])]
    report: Option<PathBuf>,
    /// Whether users are told by name, or by a pseudonym that the site's key makes of it [default: pseudonym]
    #[arg(long, value_enum)]
    users: Option<Users>,
    /// Put the report into the spool and send nothing: 'interdict spool flush' does, which may be another user
    #[arg(long, conflicts_with = "patience")]
    pub(super) later: bool,
    /// How long to try where the collector is not reached
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    patience: u32,
}

/// What a schedule must know before it runs.
impl Args {
    /// Every file and folder that the arguments name.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.ask.paths().into_iter().chain(self.report.clone()).collect()
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &Config, log: &Log, printer: &mut Printer) -> Ended {
    if !args.ask.is_live() {
        return Err(Failure::Declined(
            "this computer tells of itself alone; look at a disk with 'interdict scan --root'".to_owned(),
        ));
    }
    let state = args.ask.state(config);
    let disk = disk(state)?;
    let identity = identity(&disk)?;
    let users = args.users.or(config.users).unwrap_or(Users::Pseudonym);
    let key = match users {
        Users::Named => None,
        Users::Pseudonym => Some(site_key(config, state)?),
    };
    let sender = if args.later { None } else { Some(Sender::new(&disk, &identity, args.patience)?) };
    let config_led = &led(config, &disk, &Memory::of(state)?, printer)?;
    let (report, items, sought) = if let Some(path) = &args.report {
        let (report, items) = saved(path, &identity, printer)?;
        // The rules of now, where they are those of the report, and this program made it.
        let ruleset = load(&args.ask.rules, config_led, Vec::new(), printer)?;
        let sought = (ruleset.digest() == report.ruleset.digest && report.tool == Tool::SELF)
            .then(|| ruleset.led(&report).ok())
            .flatten();
        (report, items, sought)
    } else {
        let config = config_led;
        args.ask.begin("ship", config, log, printer);
        let Examined { ruleset, report, items, .. } = examine(&args.ask, config, true, log, printer)?;
        printer.note(&safe(&report.claim.text));
        tell(&report, args.ask.exit_code(config, report.verdict), log, printer);
        let sought = ruleset.led(&report).ok();
        (report, items, sought)
    };
    let exit_code = args.ask.exit_code(config, report.verdict);
    let (report, items) = match key {
        None => (report, items),
        Some(key) => without_names(&key, report, items)?,
    };
    let parcel = parcel(report, &items, sought)?;
    drop(items);
    let _lock = lock(&disk)?;
    put(&disk, &parcel, printer)?;
    if let Some(sender) = sender {
        let sent = sender.flush(true, printer)?;
        follow(&sender, &sent, &Trust::of(config, &identity.trusted_keys)?, printer)?;
    }
    Ok(exit_code)
}

/// A report that a scan of this computer left.
fn saved(
    path: &Path,
    identity: &Identity,
    printer: &Printer,
) -> Result<(Report, Vec<InventoryItem>), Failure> {
    let (_, saved) = read_one(path, "send", printer)?;
    let declined = |why: &str| Failure::Declined(format!("cannot send {}: {why}", path.display()));
    let Ok([mut report]) = <[Report; 1]>::try_from(saved.reports) else {
        return Err(declined("it does not hold one report; name a file that 'interdict scan' wrote"));
    };
    let Some(items) = report.inventory.take() else {
        return Err(declined("it holds only the items of findings; scan with --with-inventory"));
    };
    if machine_digest(&report.host) != identity.machine {
        return Err(declined(
            "it is of another computer than the one that enrolled here, or this one has another name now; enrol anew \
             with --reset",
        ));
    }
    Ok((report, items))
}

/// A report as it is sent.
fn parcel(report: Report, items: &[InventoryItem], sought: Option<Sought>) -> Result<Parcel, Failure> {
    let evidence = report.findings.iter().flat_map(|finding| &finding.evidence);
    let told: BTreeSet<ItemId> = set_of(evidence.map(|evidence| evidence.item));
    let sets = sets(items, &report.coverage, &told);
    let rules: Option<Id> = report.ruleset.digest.get(..32).and_then(|start| start.parse().ok());
    let rules =
        rules.ok_or_else(|| Failure::Declined("the report does not say by which rules it is".to_owned()))?;
    let led = sought.map(|sought| (sought.id(), sought.text().to_owned()));
    let about = About { led: led.as_ref().map(|(id, _)| *id), ..About::of(&report, rules) };
    let inventory = inventory_digest(&about, &digests(&sets.sources));
    Ok(Parcel {
        report: random_id()?,
        scanned_at: report.scanned_at,
        machine: machine_digest(&report.host),
        inventory,
        rules,
        policies: policies(&report).map(str::to_owned).collect(),
        led,
        scope: report.claim.scope,
        depth: report.claim.depth,
        verdict: report.verdict,
        tool: report.tool,
        facts: report.host,
        ruleset: report.ruleset,
        sources: sets.sources,
        seen: sets.seen.into_iter().collect(),
    })
}
