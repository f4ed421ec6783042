//! `interdict rules`: check, list, show and test the rules.

use std::fmt::Display;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::emit::table::table;
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
    /// List vendors, products, policies and authorities
    List(RulesArgs),
    /// Show one vendor, product, policy, prohibition or authority
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        rules: RulesArgs,
    },
    /// Run the examples in the rule files
    Test(RulesArgs),
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
        Command::List(rules) => {
            let ruleset = load(rules, Vec::new(), printer)?;
            printer.result(&list(&ruleset, printer), None)?;
            Ok(FINE)
        }
        Command::Show { id, rules } => {
            let ruleset = load(rules, Vec::new(), printer)?;
            let text = super::rules_show::show(&ruleset, id).ok_or_else(|| Failure::NoRule(id.clone()))?;
            printer.result(&text, None)?;
            Ok(FINE)
        }
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

/// Tables of all ids.
fn list(ruleset: &Ruleset, printer: &Printer) -> String {
    let mut out = table(&printer.look(false), &["what", "id", "name", "more"]);
    for vendor in ruleset.vendors() {
        let products = ruleset.products().iter().filter(|product| product.vendor == vendor.id);
        out.add_row(["vendor", &vendor.id, &vendor.name, &format!("{} products", products.clone().count())]);
        for product in products {
            out.add_row(["product", &product.id, &product.name, product.category.word()]);
        }
    }
    for policy in ruleset.policies() {
        out.add_row(["policy", &policy.id, &policy.title, &format!("effective {}", policy.effective)]);
        for prohibition in &policy.prohibitions {
            out.add_row(["prohibition", &prohibition.id, "", prohibition.severity.word()]);
        }
    }
    for authority in ruleset.authorities() {
        out.add_row(["authority", &authority.id, &authority.title, &authority.citation]);
    }
    format!("{out}\n")
}
