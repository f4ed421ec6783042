//! `interdict rules`: check, list, show and test the rules.

use std::fmt::Display;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::judge::run_examples;
use crate::model::Date;
use crate::ruleset::{self, Choice, Level, Loaded, Ruleset, dated};

use super::Ended;
use super::exit::{FAULTS, FINE, Failure};
use super::look::now;
use super::printer::Printer;

/// Which rules to use.
#[derive(Debug, Clone, Args)]
pub(super) struct RulesArgs {
    /// Add the rules of a folder, or of one file, to the built-in ones
    #[arg(long = "rules", value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// Add a file of waivers and accepted gaps
    #[arg(long, value_name = "FILE")]
    waivers: Vec<PathBuf>,
    /// Use only the rules named by --rules
    #[arg(long, requires = "paths")]
    no_built_in: bool,
}

/// Subcommands of `rules`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read all rules and show every fault
    Check {
        /// Rule files and folders to read beside the built-in ones
        #[arg(value_name = "PATH")]
        more: Vec<PathBuf>,
        #[command(flatten)]
        rules: RulesArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List vendors, products, policies, prohibitions, authorities and waivers
    List(super::rules_list::Args),
    /// Show all that the rules say of one thing
    Show(super::rules_show::Args),
    /// Run the examples in the rule files
    Test(RulesArgs),
    /// Say why a thing on a host is found, or is not
    Explain(super::rules_explain::Args),
    /// Search everything that is written in the rules
    Search(super::rules_search::Args),
    /// Write a file to begin with
    New(super::rules_new::Args),
    /// Write an exception into a waiver file
    Waive(super::rules_waive::Args),
    /// Bring rule files into the one layout
    Fmt(super::rules_fmt::Args),
    /// Print the JSON Schema of rule files, for editors
    Schema(super::rules_schema::Args),
}

/// Loads rules; faults that are errors end the run, warnings are said.
pub(super) fn load(args: &RulesArgs, more: Vec<PathBuf>, printer: &Printer) -> Result<Ruleset, Failure> {
    let Loaded { ruleset, diagnostics, .. } = read(args, more);
    match ruleset {
        Some(ruleset) => {
            if !diagnostics.is_empty() {
                printer.note(&format!(
                    "the rules have {} warning(s); see 'interdict rules check'",
                    diagnostics.len()
                ));
            }
            Ok(ruleset)
        }
        None => Err(Failure::Rules(diagnostics)),
    }
}

fn read(args: &RulesArgs, more: Vec<PathBuf>) -> Loaded {
    let paths = args.paths.iter().chain(&args.waivers).cloned().chain(more).collect();
    ruleset::load(&Choice { built_in: !args.no_built_in, paths })
}

/// Runs the command.
pub(super) fn run(command: &Command, printer: &mut Printer) -> Ended {
    match command {
        Command::Check { more, rules, json } => check(rules, more, *json, printer),
        Command::List(args) => super::rules_list::run(args, printer),
        Command::Show(args) => super::rules_show::run(args, printer),
        Command::Explain(args) => super::rules_explain::run(args, printer),
        Command::Search(args) => super::rules_search::run(args, printer),
        Command::New(args) => super::rules_new::run(args, printer),
        Command::Waive(args) => super::rules_waive::run(args, printer),
        Command::Fmt(args) => super::rules_fmt::run(args, printer),
        Command::Schema(args) => super::rules_schema::run(args, printer),
        Command::Test(rules) => test(rules, printer),
    }
}

/// Exit 0 with or without warnings, 2 with an error: the same that a scan would do.
fn check(rules: &RulesArgs, more: &[PathBuf], json: bool, printer: &Printer) -> Ended {
    let mut loaded = read(rules, more.to_vec());
    if let Some(ruleset) = &loaded.ruleset {
        loaded.diagnostics.extend(dated(ruleset, Date::of(now())));
    }
    let errors = loaded.diagnostics.iter().filter(|found| found.code.level() == Level::Error).count();
    if json {
        let text = serde_json::to_string_pretty(&loaded.diagnostics).unwrap_or_default() + "\n";
        printer.result(&text, None)?;
    } else if !loaded.diagnostics.is_empty() {
        printer.diagnostics(&loaded.diagnostics);
    }
    let warnings = loaded.diagnostics.len() - errors;
    printer.note(&format!("{} rule files: {errors} error(s), {warnings} warning(s)", loaded.files));
    Ok(if errors == 0 { FINE } else { super::exit::USAGE_OR_FAULT })
}

fn test(rules: &RulesArgs, printer: &Printer) -> Ended {
    let ruleset = load(rules, Vec::new(), printer)?;
    let (tried, failures) = run_examples(&ruleset);
    let mut text = String::new();
    for failure in &failures {
        let family = failure.family.word();
        text.push_str(&format_line(
            &failure.place,
            &format!("on {family}: expected {}, found {}", failure.expected, failure.found),
        ));
    }
    text.push_str(&format_line(&"examples", &format!("{tried} tried, {} failed", failures.len())));
    printer.result(&text, None)?;
    Ok(if failures.is_empty() { FINE } else { FAULTS })
}

fn format_line(head: &dyn Display, text: &str) -> String {
    format!("{head}: {text}\n")
}
