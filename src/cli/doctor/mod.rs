//! `interdict doctor`: whether scans here see what they should, obey what they should, and can tell what they saw; each check
//! with its next step.
//!
//! A check is a file beside this one and a line in [`CHECKS`]. It writes nothing that it does not take away again.

use std::path::Path;

use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;

use crate::emit::safe::safe;
use crate::model::{Date, Stamp, to_pretty};

use super::Ended;
use super::config::{Config, ConfigArgs};
use super::exit::Failure;
use super::files::{make_and_remove, nearest_there};
use super::look::now;
use super::printer::Printer;

mod clock;
mod configuration;
mod lock;
mod log;
mod memory;
mod outputs;
mod privileges;
mod rules;
mod schedule;
mod sight;
mod state;

/// Every check, in the order in which they are told.
const CHECKS: &[Check] = &[
    configuration::CHECK,
    privileges::CHECK,
    sight::CHECK,
    rules::CHECK,
    clock::CHECK,
    state::CHECK,
    lock::CHECK,
    outputs::CHECK,
    log::CHECK,
    memory::CHECK,
    schedule::CHECK,
];

/// Version of the document.
const SCHEMA: &str = "interdict.doctor/1";

/// Arguments of `doctor`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Form of the result
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    format: Form,
}

const EXAMPLES: &str = "\
Examples:
  sudo interdict doctor                    as the scheduled scan would see it
  interdict doctor --format json           for a machine to read
  interdict doctor --config new.toml       with a configuration that is not yet in place

Exit codes: 0 all is well, 1 something is to be done, 2 a scan could not run";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// For machines
    Json,
}

/// How it is with what a check looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// As it should be.
    Ok,
    /// A scan runs, and says or sees less than it could.
    Warn,
    /// A scan could not run.
    Fail,
}

/// One thing that was found.
#[derive(Debug, Serialize)]
struct Told {
    state: State,
    says: String,
    /// What to do.
    next: Option<String>,
}

impl Told {
    fn ok(says: impl Into<String>) -> Self {
        Self { state: State::Ok, says: says.into(), next: None }
    }

    fn warn(says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { state: State::Warn, says: says.into(), next: Some(next.into()) }
    }

    fn fail(says: impl Into<String>, next: impl Into<String>) -> Self {
        Self { state: State::Fail, says: says.into(), next: Some(next.into()) }
    }

    /// A fault of a run, whose words say the next step.
    fn fault(failure: &Failure) -> Vec<Self> {
        let lines = failure.lines();
        let diagnostics = failure.diagnostics().unwrap_or_default();
        let places = diagnostics.iter().map(|one| format!("{}: {}", one.at, one.label));
        let says = lines.into_iter().chain(places);
        says.map(|says| Self { state: State::Fail, says, next: None }).collect()
    }
}

/// What the checks are told.
struct Ask<'a> {
    /// The configuration, or why there is none to be used.
    config: &'a Result<Config, Failure>,
    /// What holds: the configuration, or what holds without.
    in_force: &'a Config,
    args: &'a ConfigArgs,
    now: Stamp,
    printer: &'a Printer,
}

impl Ask<'_> {
    fn today(&self) -> Date {
        Date::of(self.now)
    }
}

/// A check.
struct Check {
    name: &'static str,
    look: fn(&Ask<'_>) -> Vec<Told>,
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &ConfigArgs, printer: &Printer) -> Ended {
    let read = config.read();
    let without = Config::default();
    let in_force = read.as_ref().unwrap_or(&without);
    let ask = Ask { config: &read, in_force, args: config, now: now(), printer };
    let told: Vec<(&str, Told)> = CHECKS
        .iter()
        .flat_map(|check| (check.look)(&ask).into_iter().map(|told| (check.name, told)))
        .collect();
    let worst = told.iter().map(|(_, told)| told.state).max().unwrap_or(State::Ok);
    let text = match args.format {
        Form::Json => json(&told, worst),
        Form::Text => text(&told),
    };
    printer.result(&text, None)?;
    Ok(match worst {
        State::Ok => 0,
        State::Warn => 1,
        State::Fail => 2,
    })
}

fn json(told: &[(&str, Told)], worst: State) -> String {
    let one = |(check, told): &(&str, Told)| serde_json::json!({ "check": check, "state": told.state, "says": told.says, "next": told.next });
    let checks: Vec<_> = told.iter().map(one).collect();
    let document = serde_json::json!({ "schema": SCHEMA, "state": worst, "checks": checks });
    to_pretty(&document).unwrap_or_default()
}

fn text(told: &[(&str, Told)]) -> String {
    let mut text = String::new();
    for (check, told) in told {
        let state = match told.state {
            State::Ok => "ok",
            State::Warn => "WARN",
            State::Fail => "FAIL",
        };
        text.extend([format!("{state:5} {check:14} {}\n", safe(&told.says))]);
        if let Some(next) = &told.next {
            text.extend([format!("{:20} -> {}\n", "", safe(next))]);
        }
    }
    text
}

/// Whether a folder can be written: a file is made in it and taken away. Of one that is not there the nearest that is there
/// is told, in which it would be made.
fn writable(folder: &Path) -> Result<Option<&Path>, std::io::Error> {
    match nearest_there(folder) {
        Some(there) if there != folder && there.is_dir() => Ok(Some(there)),
        there => make_and_remove(there.unwrap_or(folder)).map(|()| None),
    }
}
