//! `interdict rules`: check, list, show and test the rules.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::judge::run_examples;
use crate::model::{Date, to_pretty};
use crate::ruleset::{Choice, Level, Loaded, Ruleset, TrustedKey, dated, load_trusted, stale};

use super::Ended;
use super::config::Config;
use super::exit::{FAULTS, FINE, Failure};
use super::look::now;
use super::printer::Printer;
use super::rules_sign::{self, KeygenArgs, SignArgs, VerifyArgs, trusted_key};
use super::scan::is_file;
use super::state::Memory;

/// Which rules to use.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct RulesArgs {
    /// Add the rules of a folder, or of one file, to the built-in ones
    #[arg(long = "rules", value_name = "DIR")]
    paths: Vec<PathBuf>,
    /// Add a file of waivers and accepted gaps
    #[arg(long, value_name = "FILE")]
    waivers: Vec<PathBuf>,
    /// Use only the rules named by --rules
    #[arg(long)]
    no_built_in: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Whose rules to use.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TrustArgs {
    /// Use only rules that this minisign key has signed, unaltered and not older than before (and the built-in ones)
    #[arg(long = "trusted-key", value_name = "KEY|FILE")]
    keys: Vec<String>,
    /// Folder that remembers which signed rules were accepted
    #[cfg_attr(windows, doc = r"[default: %ProgramData%\interdict]")]
    #[cfg_attr(
        target_os = "macos",
        doc = "[default: /Library/Application Support/interdict, or the user's own]"
    )]
    #[cfg_attr(
        not(any(windows, target_os = "macos")),
        doc = "[default: /var/lib/interdict, or the user's own]"
    )]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl RulesArgs {
    /// Every file and folder that is named.
    pub(super) fn named(&self) -> Vec<PathBuf> {
        let keys = self.trust.keys.iter().filter(|key| !TrustedKey::is_key(key)).map(PathBuf::from);
        let paths = self.paths.iter().chain(&self.waivers).chain(&self.trust.state).cloned();
        paths.chain(keys).collect()
    }

    /// The state folder, where it was named.
    pub(super) fn state<'a>(&'a self, config: &'a Config) -> Option<&'a Path> {
        self.trust.state(config)
    }
}

impl TrustArgs {
    /// The keys: those of the arguments, else those of the configuration.
    pub(super) fn keys(&self, config: &Config) -> Result<Vec<TrustedKey>, Failure> {
        either(&self.keys, &config.trusted_keys).iter().map(|key| trusted_key(key)).collect()
    }

    /// The folder that remembers, where it was named.
    pub(super) fn state<'a>(&'a self, config: &'a Config) -> Option<&'a Path> {
        self.state.as_deref().or(config.state.as_deref())
    }
}

/// What the arguments say, else what the configuration says: never a mixture that nobody wrote.
pub(super) fn either<'a, T>(arguments: &'a [T], config: &'a [T]) -> &'a [T] {
    if arguments.is_empty() { config } else { arguments }
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
    /// Make a key pair to sign rules with
    Keygen(KeygenArgs),
    /// Sign a folder of rules
    Sign(SignArgs),
    /// Check that a folder of rules is signed, unaltered and not older than before
    Verify(VerifyArgs),
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

/// The rules that the configuration asks for, looked at only: nothing is remembered.
pub(super) fn look_at(config: &Config, printer: &Printer) -> Result<Ruleset, Failure> {
    look_at_for(&RulesArgs::default(), config, &config.policies, printer)
}

/// The rules that arguments ask for, looked at only.
pub(super) fn look_at_for(
    args: &RulesArgs,
    config: &Config,
    policies: &[String],
    printer: &Printer,
) -> Result<Ruleset, Failure> {
    let files = policies.iter().filter(|policy| is_file(policy)).map(PathBuf::from).collect();
    let Loaded { ruleset, diagnostics, .. } = read(args, config, files, (false, None), printer)?;
    let ruleset = ruleset.ok_or(Failure::Rules(diagnostics))?;
    if !ruleset.signed().is_empty() {
        Memory::of(args.state(config))?.judge(ruleset.signed())?;
    }
    Ok(ruleset)
}

/// Loads rules without the examples of the built-in ones; faults that are errors end the run, warnings are said.
pub(super) fn load(
    args: &RulesArgs,
    config: &Config,
    more: Vec<PathBuf>,
    printer: &Printer,
) -> Result<Ruleset, Failure> {
    accepted(read(args, config, more, (false, None), printer)?, args, config, printer)
}

/// Loads rules as far as a scan under these policies needs them.
pub(super) fn load_for(
    asked: &[String],
    args: &RulesArgs,
    config: &Config,
    more: Vec<PathBuf>,
    printer: &Printer,
) -> Result<Ruleset, Failure> {
    accepted(read(args, config, more, (false, Some(asked.to_vec())), printer)?, args, config, printer)
}

/// The rules that loading gave; remembers what was signed.
fn accepted(
    loaded: Loaded,
    args: &RulesArgs,
    config: &Config,
    printer: &Printer,
) -> Result<Ruleset, Failure> {
    let Loaded { ruleset, diagnostics, .. } = loaded;
    match ruleset {
        Some(ruleset) => {
            if !ruleset.signed().is_empty() {
                Memory::of(args.trust.state(config))?.accept(ruleset.signed())?;
            }
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

/// Reads rules; those that are refused end the run.
fn read(
    args: &RulesArgs,
    config: &Config,
    more: Vec<PathBuf>,
    (examples, policies): (bool, Option<Vec<String>>),
    printer: &Printer,
) -> Result<Loaded, Failure> {
    let built_in = config.built_in && !args.no_built_in;
    let (rules, waivers) = (either(&args.paths, &config.rules), either(&args.waivers, &config.waivers));
    // Never a mixture that nobody wrote: who names rules gets those.
    let sent = config.sent.clone().filter(|_| rules.is_empty());
    if !built_in && rules.is_empty() && sent.is_none() && more.is_empty() {
        return Err(Failure::NoRules);
    }
    let paths = rules.iter().chain(waivers).cloned().chain(more).collect();
    let choice = Choice { built_in, examples, paths, sent, policies };
    let loaded = load_trusted(&choice, &args.trust.keys(config)?);
    if loaded.refusals.is_empty() {
        return Ok(loaded);
    }
    printer.warnings(&loaded.diagnostics);
    Err(Failure::Refused(loaded.refusals))
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Config, printer: &mut Printer) -> Ended {
    match command {
        Command::Check { more, rules, json } => check(rules, config, more, *json, printer),
        Command::Test(rules) => test(rules, config, printer),
        Command::Keygen(args) => rules_sign::keygen(args, printer),
        Command::Sign(args) => rules_sign::sign(args, printer),
        Command::Verify(args) => rules_sign::verify(args, config, printer),
        Command::List(args) => super::rules_list::run(args, config, printer),
        Command::Show(args) => super::rules_show::run(args, config, printer),
        Command::Explain(args) => super::rules_explain::run(args, config, printer),
        Command::Search(args) => super::rules_search::run(args, config, printer),
        Command::New(args) => super::rules_new::run(args, printer),
        Command::Waive(args) => super::rules_waive::run(args, config, printer),
        Command::Fmt(args) => super::rules_fmt::run(args, printer),
        Command::Schema(args) => super::rules_schema::run(args, printer),
    }
}

/// Exit 0 with or without warnings, 2 with an error: the same that a scan would do.
fn check(rules: &RulesArgs, config: &Config, more: &[PathBuf], json: bool, printer: &Printer) -> Ended {
    let mut loaded = read(rules, config, more.to_vec(), (true, None), printer)?;
    if let Some(ruleset) = &loaded.ruleset {
        let today = Date::of(now());
        loaded.diagnostics.extend(dated(ruleset, today).into_iter().chain(stale(ruleset, today)));
        if !ruleset.signed().is_empty() {
            Memory::of(rules.trust.state(config))?.judge(ruleset.signed())?;
        }
    }
    let errors = loaded.diagnostics.iter().filter(|found| found.code.level() == Level::Error).count();
    if json {
        let text = to_pretty(&loaded.diagnostics).unwrap_or_default();
        printer.result(&text, None)?;
    } else if !loaded.diagnostics.is_empty() {
        printer.diagnostics(&loaded.diagnostics);
    }
    let warnings = loaded.diagnostics.len() - errors;
    printer.note(&format!("{} rule files: {errors} error(s), {warnings} warning(s)", loaded.files));
    Ok(if errors == 0 { FINE } else { super::exit::USAGE_OR_FAULT })
}

fn test(rules: &RulesArgs, config: &Config, printer: &Printer) -> Ended {
    let ruleset = accepted(read(rules, config, Vec::new(), (true, None), printer)?, rules, config, printer)?;
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
