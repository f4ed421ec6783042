//! `interdict schedule`: the platform's own timer for scans, written, shown, asked and taken away.
//!
//! A plan (`plan`) of times (`when`) and a checked scan (`asked`) becomes files and calls by the platform's file beside this
//! one; `apply` is the only one that does anything. A scan itself runs no program, and nothing here runs a scan.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args as ClapArgs, Subcommand, ValueEnum};

use crate::emit::safe::safe;
use crate::host::{RootHost, is_privileged};

use super::Ended;
use super::config::ConfigArgs;
use super::exit::{FAULTS, FINE, Failure};
use super::printer::Printer;
use super::trusted;

mod apply;
mod asked;
mod cron;
mod here;
mod launchd;
mod plan;
mod status;
mod systemd;
mod task_scheduler;
mod tell;
mod when;

use asked::{Asked, For, asked};
use here::{linux, windows};
use plan::{Call, Plan, Setup};
pub(super) use status::{Installed, installed};
use when::Times;

pub(super) const EXAMPLES: &str = "\
Examples:
  interdict schedule install --daily                     every day, at 03:17 and a half hour after at most
  interdict schedule install --daily --at 12:30 --jitter 2h -- scan --policy us-commerce
  interdict schedule install --cron '0 6,18 * * 1-5'     twice a working day; the fields of crontab(5)
  interdict schedule install --daily -- ship             and tell the collector; 'interdict enrol' comes before
  interdict schedule show --hourly --platform cron       what would be written elsewhere; writes nothing
  interdict schedule status                              what is installed, and how it went
  interdict schedule remove                              as if it had never been there";

/// Subcommands of `schedule`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write the schedule for this computer and switch it on; what was there of ours is replaced
    Install(PlanArgs),
    /// Show every file and every command of 'install'; writes and runs nothing
    Show(PlanArgs),
    /// Say what is installed, when it runs next and how it went; exit code 1 where nothing is
    Status(StatusArgs),
    /// Switch the schedule off and take away all that 'install' wrote
    Remove,
}

/// When, where and what.
#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("when").required(true))]
pub(super) struct PlanArgs {
    /// Every day
    #[arg(long, group = "when")]
    daily: bool,
    /// Every hour, at 17 minutes past
    #[arg(long, group = "when")]
    hourly: bool,
    /// At the times of these five fields, as in crontab(5): minute, hour, day, month, day of the week
    #[arg(long, group = "when", value_name = "EXPR")]
    cron: Option<String>,
    /// Time of the day, of the computer's clock [default: 03:17]
    #[arg(long, value_name = "HH:MM", conflicts_with_all = ["hourly", "cron"], value_parser = time_of_day)]
    at: Option<(u32, u32)>,
    /// Begin later by up to so long, so that not all computers begin at once: 90s, 30m, 2h [default: 30m; 0 with --cron]
    #[arg(long, value_name = "TIME", value_parser = when::span)]
    jitter: Option<u32>,
    /// Judge by these policies, separated by commas or semicolons: the same as '-- scan --policy ID' for each
    #[arg(long, value_name = "IDS")]
    policies: Option<String>,
    /// Write it for this platform [default: that of this computer]
    #[arg(long, value_enum, value_name = "PLATFORM")]
    platform: Option<Platform>,
    /// 'scan' or 'ship', and its arguments [default: scan --quiet --format json --output report.json in the state folder]
    #[arg(last = true, value_name = "SCAN")]
    scan: Vec<String>,
}

/// Arguments of `status`.
#[derive(Debug, ClapArgs)]
pub(super) struct StatusArgs {
    /// Form of the result
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    format: tell::Form,
}

/// What starts programs at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Platform {
    /// A service and a timer of systemd
    Systemd,
    /// A file in /etc/cron.d
    Cron,
    /// A daemon of launchd
    Launchd,
    /// A task of Task Scheduler
    TaskScheduler,
}

impl Platform {
    /// Its name.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Cron => "cron",
            Self::Launchd => "launchd",
            Self::TaskScheduler => "task-scheduler",
        }
    }

    fn separator(self) -> char {
        if self == Self::TaskScheduler { '\\' } else { '/' }
    }

    /// Whether a path says where it begins.
    fn is_whole(self, path: &Path) -> bool {
        let text = path.to_string_lossy();
        match self {
            Self::TaskScheduler => {
                matches!(text.as_bytes(), [_, b':', b'\\' | b'/', ..] | [b'\\', b'\\', ..])
            }
            _ => text.starts_with('/'),
        }
    }
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &ConfigArgs, printer: &Printer) -> Ended {
    if config.named().is_some() {
        return Err(Failure::Declined(
            "--config is an argument of the scan that is to be scheduled: write it behind '-- scan'"
                .to_owned(),
        ));
    }
    match command {
        Command::Install(args) => install(args, printer),
        Command::Show(args) => {
            let (_, setup) = planned(args, printer)?;
            printer.result(&tell::shown(&setup), None)?;
            Ok(FINE)
        }
        Command::Status(args) => {
            let all = installed();
            printer.result(&tell::status(&all, args.format, printer), None)?;
            Ok(if all.iter().any(|one| one.enabled) { FINE } else { FAULTS })
        }
        Command::Remove => remove(printer),
    }
}

/// Writing a schedule of the computer is for who has its rights.
fn privileged(what: &str) -> Result<(), Failure> {
    if is_privileged() {
        return Ok(());
    }
    let next = if cfg!(windows) {
        format!(
            "needs the rights of an administrator; run '{what}' in a console that was opened as administrator"
        )
    } else {
        format!("needs the rights of root; run 'sudo {what}'")
    };
    Err(Failure::Declined(format!("the schedule is the computer's, and changing it {next}")))
}

fn install(args: &PlanArgs, printer: &Printer) -> Ended {
    privileged("interdict schedule install")?;
    let (plan, setup) = planned(args, printer)?;
    let platform = here::platform(args.platform)?;
    if !here::is_here(platform) {
        return Err(Failure::Declined(format!(
            "{} is not of this computer; 'interdict schedule show' shows what it would be told",
            platform.word()
        )));
    }
    trusted::program(Path::new(&plan.program)).map_err(Failure::Declined)?;
    here::writes(&plan, platform)?;
    if plan.ships {
        asked::enrolled(&here::state(platform, true))?;
    }
    apply::none_of_others(&setup)?;
    if platform == Platform::TaskScheduler && is_kept(&plan)? {
        printer.note(&format!("unchanged: {}", windows().kept()));
        return Ok(FINE);
    }
    remove_others(platform, &setup, printer)?;
    let changed = apply::install(&setup, printer)?;
    if platform == Platform::Cron && !status::has_cron() {
        printer.note("warning: no cron is installed here; nothing starts until one is");
    }
    let (when, jitter) = (plan.times.expression(), when::spelled(plan.jitter));
    let says = if changed { "scheduled" } else { "unchanged: scheduled" };
    printer.note(&safe(&format!(
        "{says} at '{when}', within {jitter}: {} {}",
        plan.program,
        plan.arguments.join(" ")
    )));
    Ok(FINE)
}

/// Whether Task Scheduler has this very task; one of the same name that is not ours is an error.
fn is_kept(plan: &Plan) -> Result<bool, Failure> {
    apply::is_ours(&windows().kept())?;
    Ok(installed().iter().any(|one| one.mark == plan.mark() && one.enabled))
}

/// Nothing is to run beside it: not by the other platform of Linux, nor by units from before the package had its own.
fn remove_others(platform: Platform, setup: &Setup, printer: &Printer) -> Result<(), Failure> {
    match platform {
        Platform::Systemd => {
            let is_written = |path: &String| setup.files.iter().any(|file| file.path == *path);
            let others = systemd::paths().into_iter().filter(|path| !is_written(path));
            let others: Vec<String> = others.chain([cron::PATH.to_owned()]).collect();
            remove_files(&others, printer).map(drop)
        }
        Platform::Cron => remove_systemd(printer).map(drop),
        Platform::Launchd | Platform::TaskScheduler => Ok(()),
    }
}

/// Takes away all of ours.
fn remove(printer: &Printer) -> Ended {
    privileged("interdict schedule remove")?;
    let removed = if cfg!(windows) {
        let there = installed();
        let calls = if there.is_empty() { Vec::new() } else { task_scheduler::removal(&windows()) };
        call_all(&calls, printer)?;
        !there.is_empty()
    } else if cfg!(target_os = "macos") {
        let there = apply::text(launchd::PATH)?.is_some_and(|text| plan::Mark::find(&text).is_some());
        call_all(if there { launchd::removal() } else { Vec::new() }.as_slice(), printer)?;
        remove_files(&[launchd::PATH.to_owned()], printer)?
    } else {
        let cron = remove_files(&[cron::PATH.to_owned()], printer)?;
        remove_systemd(printer)? || cron
    };
    if !removed {
        printer.note("there is no schedule of ours");
    }
    Ok(FINE)
}

fn remove_systemd(printer: &Printer) -> Result<bool, Failure> {
    let ours: Vec<String> = systemd::paths().into_iter().filter(|path| is_marked(path)).collect();
    if ours.is_empty() {
        return Ok(false);
    }
    let was_enabled = ours
        .iter()
        .filter_map(|path| plan::Mark::find(&apply::text(path).ok()??))
        .any(|mark| mark.was_enabled);
    let (before, after) = linux().map(|here| systemd::removal(&here, was_enabled)).unwrap_or_default();
    call_all(&before, printer)?;
    remove_files(&ours, printer)?;
    for folder in
        ours.iter().filter_map(|path| Path::new(path).parent()).filter(|folder| systemd::is_part(folder))
    {
        apply::take_away_folder(folder);
    }
    if !was_enabled {
        apply::take_away(systemd::STAMP)?;
    }
    call_all(&after, printer)?;
    Ok(true)
}

fn is_marked(path: &str) -> bool {
    apply::text(path).ok().flatten().is_some_and(|text| plan::Mark::find(&text).is_some())
}

/// Removes those of these files that are ours.
fn remove_files(paths: &[String], printer: &Printer) -> Result<bool, Failure> {
    let mut any = false;
    for path in paths.iter().filter(|path| is_marked(path)) {
        any |= apply::take_away(path)?;
        printer.note(&format!("removed {path}"));
    }
    Ok(any)
}

fn call_all(calls: &[Call], printer: &Printer) -> Result<(), Failure> {
    calls.iter().try_for_each(|one| apply::call(one, printer).map(drop))
}

/// What the arguments ask for.
fn planned(args: &PlanArgs, printer: &Printer) -> Result<(Plan, Setup), Failure> {
    let platform = here::platform(args.platform)?;
    let is_here = here::is_here(platform);
    let state = here::state(platform, is_here);
    let Asked { arguments, writes, ships } = asked(&words(args), &For { platform, is_here, state, printer })?;
    let (times, jitter) = times(args)?;
    let text = |folder: PathBuf| folder.into_os_string().into_string();
    let writes: Result<Vec<String>, _> = writes.into_iter().map(text).collect();
    let plan = Plan {
        program: here::program(platform, is_here)?,
        arguments,
        writes: writes.map_err(|_| {
            Failure::Declined("a folder whose name is not text cannot be said to a schedule".to_owned())
        })?,
        ships,
        times,
        jitter,
        host: host(),
        was_enabled: platform == Platform::Systemd && is_here && here::was_enabled(),
    };
    let setup = match platform {
        Platform::Systemd => systemd::setup(&plan, &here::systemd(is_here)?),
        Platform::Cron => cron::setup(&plan),
        Platform::Launchd => launchd::setup(&plan),
        Platform::TaskScheduler => task_scheduler::setup(&plan, &windows()),
    };
    Ok((plan, setup.map_err(Failure::Declined)?))
}

/// The scan, with the policies that were named beside it.
fn words(args: &PlanArgs) -> Vec<String> {
    let mut words = if args.scan.is_empty() { vec!["scan".to_owned()] } else { args.scan.clone() };
    let named = args.policies.iter().flat_map(|named| named.split([',', ';'])).map(str::trim);
    words.extend(named.filter(|id| !id.is_empty()).flat_map(|id| ["--policy".to_owned(), id.to_owned()]));
    words
}

fn times(args: &PlanArgs) -> Result<(Times, u32), Failure> {
    let (hour, minute) = args.at.unwrap_or((3, 17));
    let times = match &args.cron {
        Some(expression) => Times::read(expression),
        None if args.daily => Times::daily(hour, minute),
        None => Times::hourly(17),
    };
    let times = times.map_err(|why| Failure::Declined(format!("--cron: {why}")))?;
    let jitter = args.jitter.unwrap_or(if args.cron.is_some() { 0 } else { 1800 });
    if jitter >= times.shortest() * 60 {
        return Err(Failure::Declined(format!(
            "--jitter {} is as long as the time from one run to the next ({}); say less",
            when::spelled(jitter),
            when::spelled(times.shortest() * 60)
        )));
    }
    Ok((times, jitter))
}

/// What this computer is known by.
fn host() -> String {
    let live = RootHost::live().ok();
    let facts = live.as_ref().map(crate::host::Host::facts);
    facts.and_then(|facts| facts.machine_id.clone().or_else(|| facts.name.clone())).unwrap_or_default()
}

fn time_of_day(text: &str) -> Result<(u32, u32), String> {
    let number = |text: &str, most: u32| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().filter(|number| *number <= most)
    };
    let read = text.split_once(':').and_then(|(hour, minute)| number(hour, 23).zip(number(minute, 59)));
    read.ok_or_else(|| "write hours and minutes, as 03:17".to_owned())
}
