//! `interdict scan`: look at a host, judge it, report.

use std::path::{Path, PathBuf};
use std::slice;
use std::sync::LazyLock;
use std::time::Instant;

use clap::{Args as ClapArgs, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::emit::Can;
use crate::judge::{Question, judge};
use crate::model::{Date, InventoryItem, REPORT_SCHEMA, Report, RulesetStamp, Tool, Verdict};
use crate::ruleset::{Diagnostic, Policy, Ruleset, dated, stale};

use super::Ended;
use super::config::Config;
use super::exit::{FINE, Failure, USAGE_OR_FAULT};
use super::fleet::{Users, site_key, without_names};
use super::lock::RunLock;
use super::log::{self, Log, LogArgs, LogTo};
use super::look::{Found, LookArgs, Matcher, now};
use super::output::{Holds, OutArgs, Output};
use super::printer::Printer;
use super::rules::{RulesArgs, either, load_for, look_at_for};

/// The policy that is asked when none is named.
const DEFAULT_POLICY: &str = "us-commerce";

#[cfg(windows)]
const EXAMPLES: &str = "\
Examples:
  interdict scan                                      this computer; as an administrator, every user
  interdict scan --scope system                       this computer without users' profiles
  interdict scan --root E:\\ --format json             a mounted disk, for a machine to read
  interdict scan --as-of 2024-07-20                   by the law of that day
  interdict scan --rules our-rules --policy ours      by a policy of your own
  interdict scan --rules our-rules --trusted-key our.pub   only by rules that this key signed
  interdict scan --config site.toml                   by the policies, rules and keys of a file
  interdict scan -o markdown=report.md -o json=report.json   several forms of one report
  interdict scan -q --format json -o C:\\ProgramData\\interdict\\report.json   from Task Scheduler";

#[cfg(not(windows))]
const EXAMPLES: &str = "\
Examples:
  sudo interdict scan                                 this computer, every user
  interdict scan --scope system                       this computer without users' profiles
  interdict scan --root /mnt/disk --format json       a mounted disk, for a machine to read
  interdict scan --as-of 2024-07-20                   by the law of that day
  interdict scan --rules our-rules --policy ours      by a policy of your own
  interdict scan --rules our-rules --trusted-key our.pub   only by rules that this key signed
  interdict scan --config site.toml                   by the policies, rules and keys of a file
  interdict scan -o markdown=report.md -o json=report.json   several forms of one report
  interdict scan -q --format json -o /var/lib/interdict/report.json   from cron or a systemd timer";

/// What is asked of a host, by which rules, and how the run ends.
#[derive(Debug, ClapArgs)]
pub(super) struct AskArgs {
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    pub(super) rules: RulesArgs,
    /// Policy to judge by: an id, or a policy file [default: us-commerce]
    #[arg(long = "policy", value_name = "ID|FILE")]
    policies: Vec<String>,
    /// Judge as of this day instead of today
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Which verdicts end with another exit code than 0 [default: inconclusive]
    #[arg(long, value_enum, value_name = "VERDICT")]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    log: LogArgs,
}

impl AskArgs {
    /// Whether it is this computer that is asked about.
    pub(super) fn is_live(&self) -> bool {
        self.look.is_live()
    }

    /// The state folder, where it was named.
    pub(super) fn state<'a>(&'a self, config: &'a Config) -> Option<&'a Path> {
        self.rules.state(config)
    }

    /// Where the run is to be logged, where that was said.
    pub(super) fn log(&self) -> Option<&LogTo> {
        self.log.to()
    }

    /// The file of the log, where it goes to one.
    pub(super) fn log_file<'a>(&'a self, config: &'a Config) -> Option<&'a Path> {
        match self.log().or(config.log.as_ref()) {
            Some(LogTo::File(path)) => Some(path),
            _ => None,
        }
    }

    /// Every file and folder that the arguments name.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let policies = self.policies.iter().filter(|policy| is_file(policy)).map(PathBuf::from);
        let without = Config::default();
        let others = self.look.root().into_iter().chain(self.log_file(&without)).map(Path::to_owned);
        policies.chain(self.rules.named()).chain(others).collect()
    }

    /// Whether it could run: rules and policies are there and right. Looks at no host.
    pub(super) fn check(&self, config: &Config, printer: &Printer) -> Result<(), Failure> {
        let asked = either(&self.policies, &config.policies);
        let ruleset = look_at_for(&self.rules, config, asked, printer)?;
        policies(&ruleset, asked).map(drop)
    }

    /// Says in the log that a command of this name begins.
    pub(super) fn begin(&self, command: &str, config: &Config, log: &Log, printer: &Printer) {
        log.tell(&log::begun(command, &self.look.or(config), self.ids(config)), printer);
    }

    /// The policies to judge by.
    fn ids<'a>(&'a self, config: &'a Config) -> &'a [String] {
        static DEFAULT: LazyLock<[String; 1]> = LazyLock::new(|| [DEFAULT_POLICY.to_owned()]);
        let asked = either(&self.policies, &config.policies);
        if asked.is_empty() { &DEFAULT[..] } else { asked }
    }

    /// The exit code of a run that came to this verdict.
    pub(super) fn exit_code(&self, config: &Config, verdict: Verdict) -> u8 {
        self.fail_on.or(config.fail_on).unwrap_or_default().exit_code(verdict)
    }
}

/// Arguments of `scan`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) ask: AskArgs,
    /// Put every item into the report, not only those of findings
    #[arg(long)]
    with_inventory: bool,
    /// Whether users are told by name, or by a pseudonym that the site's key makes of it [default: named]
    #[arg(long, value_enum)]
    users: Option<Users>,
    #[command(flatten)]
    out: OutArgs,
}

/// From which verdict on the exit code is the verdict's; below it is 0. The report says the verdict all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FailOn {
    /// 1 non-compliant, 3 inconclusive
    #[default]
    Inconclusive,
    /// 1 non-compliant; 0 where not all could be seen
    NonCompliant,
    /// 0 whatever the verdict: the report is what counts
    Never,
}

impl FailOn {
    fn exit_code(self, verdict: Verdict) -> u8 {
        match (self, verdict) {
            (Self::Never, _) | (Self::NonCompliant, Verdict::Inconclusive) => FINE,
            (_, verdict) => verdict.exit_code(),
        }
    }
}

/// What a schedule must know of a scan before it runs.
impl Args {
    /// Whether a file is named for the report.
    pub(super) fn names_output(&self) -> bool {
        self.out.names_file()
    }

    /// The form that is named.
    pub(super) fn format(&self) -> Option<&str> {
        self.out.format()
    }

    /// Files that are written.
    pub(super) fn outputs(&self, config: &Config) -> Result<Vec<PathBuf>, Failure> {
        let out = self.out.or(&config.output);
        let outputs = out.outputs(Holds::Report)?;
        Ok(outputs.iter().filter_map(|output| output.file().map(Path::to_owned)).collect())
    }

    /// Every file and folder that the arguments name.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.ask.paths().into_iter().chain(self.outputs(&Config::default()).unwrap_or_default()).collect()
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &Config, log: &Log, printer: &mut Printer) -> Ended {
    args.ask.begin("scan", config, log, printer);
    let out = args.out.or(&config.output);
    let outputs = out.outputs(Holds::Report)?;
    let every_item = outputs.iter().any(|output| holds_items(output, args.with_inventory));
    let names = match args.users.or(config.users).unwrap_or(Users::Named) {
        Users::Named => None,
        Users::Pseudonym => Some(site_key(config, args.ask.state(config))?),
    };
    let Examined { report, items, _lock, .. } = examine(&args.ask, config, every_item, log, printer)?;
    let (mut report, items) = match names {
        None => (report, items),
        Some(key) => without_names(&key, report, items)?,
    };
    let written = write(&mut report, items, &outputs, args.with_inventory, printer);
    let ended = written.map(|()| args.ask.exit_code(config, report.verdict));
    tell(&report, *ended.as_ref().unwrap_or(&USAGE_OR_FAULT), log, printer);
    ended
}

/// Into the log: what a run came to, and what it did not see.
pub(super) fn tell(report: &Report, exit_code: u8, log: &Log, printer: &Printer) {
    for gap in log::unseen(&report.coverage) {
        log.tell(&gap, printer);
    }
    log.tell(&log::ended(report, exit_code), printer);
}

/// What a scan came to.
pub(super) struct Examined {
    /// The rules that led it.
    pub(super) ruleset: Ruleset,
    /// The report, without its items.
    pub(super) report: Report,
    /// Every item; where not every one was asked for, those that a rule could need.
    pub(super) items: Vec<InventoryItem>,
    /// Held until all is written.
    _lock: Option<RunLock>,
}

/// Looks at a host and judges it.
pub(super) fn examine(
    args: &AskArgs,
    config: &Config,
    every_item: bool,
    log: &Log,
    printer: &mut Printer,
) -> Result<Examined, Failure> {
    let look = args.look.or(config);
    let held = look.lock(args.rules.state(config), printer)?;
    let started = Instant::now();
    let scanned_at = now();
    let as_of = args.as_of.unwrap_or_else(|| Date::of(scanned_at));
    let asked = args.ids(config);
    let files = asked.iter().filter(|policy| is_file(policy)).map(PathBuf::from);
    let opening = look.begin();
    let ruleset = load_for(asked, &args.rules, config, files.collect(), printer)?;
    let policies = policies(&ruleset, asked)?;
    let host = opening.host()?;
    let (scope, depth) = (look.scope(), look.depth());
    let want = ruleset.wanted(scope, depth, host.facts().family, &policies);
    let matcher = Matcher::new(&ruleset, host.facts().family, every_item);
    let Found { items, hits, coverage } = look.look(&host, want, Some(&matcher), printer);
    let facts = host.facts();
    let old = [stale(&ruleset, as_of), dated(&ruleset, as_of)].concat();
    let answer = judge(&Question {
        engine: matcher.engine(),
        hits: &hits,
        policies,
        site: config.site.as_ref(),
        granted: None,
        host: facts,
        items: &items,
        coverage: &coverage,
        scope,
        depth,
        as_of,
    });
    warn(&[old, answer.unused_waivers].concat(), log, printer);
    let report = Report {
        schema: REPORT_SCHEMA.into(),
        tool: Tool::SELF,
        scanned_at,
        elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        host: facts.clone(),
        ruleset: stamp(&ruleset, as_of),
        verdict: answer.verdict,
        exit_code: answer.verdict.exit_code(),
        claim: answer.claim,
        policies: answer.policies,
        findings: answer.findings,
        items: items.len(),
        sightings: items.iter().map(|item| item.sightings.len()).sum(),
        coverage,
        inventory: None,
    };
    drop((hits, matcher));
    Ok(Examined { ruleset, report, items, _lock: held })
}

/// What changes nothing and a person should look at.
fn warn(warnings: &[Diagnostic], log: &Log, printer: &Printer) {
    if !warnings.is_empty() {
        printer.warnings(warnings);
        for warning in warnings {
            log.tell(&log::warned(warning), printer);
        }
    }
}

/// Writes the report in every form. The items go into it after the forms that hold none are written: they are not copied.
fn write(
    report: &mut Report,
    items: Vec<InventoryItem>,
    outputs: &[Output<'_>],
    with_inventory: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let (full, plain): (Vec<_>, Vec<_>) =
        outputs.iter().partition(|output| holds_items(output, with_inventory));
    let mut done = Ok(());
    for output in plain {
        done = done.and(output.reports(slice::from_ref(report), printer));
    }
    report.inventory = Some(items);
    for output in full {
        done = done.and(output.reports(slice::from_ref(report), printer));
    }
    done
}

/// A policy is named by a file when it looks like one; ids have no dots and no slashes.
pub(super) fn is_file(policy: &str) -> bool {
    Path::new(policy).extension().is_some_and(|extension| extension == "toml") || policy.contains('/')
}

/// The policies that were asked for: by id, and all that named files hold.
pub(super) fn policies<'r>(ruleset: &'r Ruleset, asked: &[String]) -> Result<Vec<&'r Policy>, Failure> {
    let mut policies: Vec<&Policy> = Vec::new();
    let default = [DEFAULT_POLICY.to_owned()];
    for asked in if asked.is_empty() { &default[..] } else { asked } {
        let found: Vec<&Policy> = if is_file(asked) {
            ruleset.policies().iter().filter(|policy| policy.at.file() == asked).collect()
        } else {
            ruleset.policy(asked).into_iter().collect()
        };
        if found.is_empty() {
            let known: Vec<_> = ruleset.policies().iter().map(|policy| policy.id.as_str()).collect();
            return Err(Failure::NoPolicy { id: asked.clone(), known: known.join(", ") });
        }
        policies.extend(found);
    }
    Ok(policies)
}

/// Of several manifests the last in the order of the origin is told: a folder that was added knows more than the program.
fn stamp(ruleset: &Ruleset, as_of: Date) -> RulesetStamp {
    let told = ruleset.manifests().last();
    let signed = ruleset.signed().iter().find(|one| told.is_some_and(|told| told.name == one.name));
    RulesetStamp {
        origin: ruleset.origin().to_owned(),
        digest: ruleset.digest().to_owned(),
        vendors: ruleset.vendors().len(),
        indicators: ruleset.indicators().len(),
        version: told.map(|manifest| manifest.version),
        stale_after: ruleset.manifests().iter().filter_map(|manifest| manifest.stale_after).min(),
        stale: ruleset.manifests().iter().any(|manifest| manifest.is_stale(as_of)),
        signed_by: signed.map(|signed| signed.key.clone()),
    }
}

/// Whether a form brings the items of the host.
fn holds_items(output: &Output<'_>, with_inventory: bool) -> bool {
    with_inventory || [Can::NeedsItems, Can::TakesItems].iter().any(|can| output.form().can(*can))
}
