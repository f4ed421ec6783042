//! `interdict rules waive`: an exception, written into a waiver file behind those that it has.
#![expect(clippy::disallowed_methods, reason = "the operator's own file, not the scanned host's")]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::model::Date;
use crate::ruleset::{Code, Diagnostic, Ruleset, layout, of_text};

use super::Ended;
use super::config::Config;
use super::exit::{FINE, Failure};
use super::look::now;
use super::printer::Printer;
use super::rules::{RulesArgs, load};

const EXAMPLES: &str = "\
Examples:
  interdict rules waive --prohibition us-commerce.kaspersky --product kaspersky.endpoint-security \\
    --hosts 'lab-*' --reason 'analysis of samples' --approver 'A. Person' --expires 2026-12-31 \\
    --output waivers.toml

The file keeps what it has, comments too. A waiver of everything on every host needs --broad.";

/// Arguments of `rules waive`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Id of the prohibition
    #[arg(long, value_name = "ID")]
    prohibition: String,
    /// Only of this product; may be given several times
    #[arg(long = "product", value_name = "ID")]
    products: Vec<String>,
    /// Only on hosts of such names; may be given several times
    #[arg(long, value_name = "GLOB")]
    hosts: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who approved it
    #[arg(long, value_name = "NAME")]
    approver: String,
    /// The last day on which it holds
    #[arg(long, value_name = "YYYY-MM-DD")]
    expires: Date,
    /// The waiver file; made where it is not there
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Allow a waiver of whatever the prohibition covers on every host
    #[arg(long)]
    broad: bool,
    #[command(flatten)]
    rules: RulesArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &Config, printer: &Printer) -> Ended {
    let today = Date::of(now());
    if args.expires < today {
        let text = format!("{} is over: --expires is the last day on which the waiver holds", args.expires);
        return Err(Failure::Declined(text));
    }
    known(args, &load(&args.rules, config, Vec::new(), printer)?)?;
    let name = args.output.display().to_string();
    let waiver = waiver(args);
    let alone = layout(&format!("schema = 1\n\n{waiver}"))
        .map_err(|error| Failure::Declined(format!("the waiver cannot be written: {error}")))?;
    let is_broad = faults(&name, &alone).iter().any(|fault| fault.code == Code::BroadWaiver);
    if is_broad && !args.broad {
        let text = "this waives every product of the prohibition on every host: name --product, --hosts or both, \
                    or say --broad";
        return Err(Failure::Declined(text.to_owned()));
    }
    let text = match there(&args.output)? {
        None => alone,
        Some(there) => {
            let added = alone.strip_prefix("schema = 1\n").unwrap_or(&alone);
            format!("{}\n{added}", there.trim_end())
        }
    };
    if let Some(fault) = faults(&name, &text).iter().find(|fault| is_of_form(fault)) {
        return Err(Failure::Declined(format!(
            "{name} would not load, and is left as it is:\n{}",
            fault.render(false)
        )));
    }
    printer.result(&text, Some(&args.output))?;
    printer.note(&format!("wrote a waiver of {} until {} into {name}", args.prohibition, args.expires));
    Ok(FINE)
}

/// Whether the rules have the ids, and the prohibition covers the products.
fn known(args: &Args, rules: &Ruleset) -> Result<(), Failure> {
    let mut prohibitions = rules.policies().iter().flat_map(|policy| &policy.prohibitions);
    let Some(prohibition) = prohibitions.find(|one| one.id == args.prohibition) else {
        let id = &args.prohibition;
        let text = format!("there is no prohibition '{id}'; see 'interdict rules list prohibitions'");
        return Err(Failure::Declined(text));
    };
    for id in &args.products {
        let text = match rules.product(id) {
            Some(product) if prohibition.covers(product) => continue,
            Some(_) => format!("'{id}' is not prohibited by {}: it needs no waiver", prohibition.id),
            None => format!("there is no product '{id}'; see 'interdict rules list products'"),
        };
        return Err(Failure::Declined(text));
    }
    Ok(())
}

/// The waiver as a table.
fn waiver(args: &Args) -> String {
    let text = |text: &str| toml::Value::from(text).to_string();
    let list = |key: &str, texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|one| text(one)).collect();
        if texts.is_empty() { String::new() } else { format!("{key} = [{}]\n", texts.join(", ")) }
    };
    format!(
        "[[waiver]]\nprohibition = {}\n{}{}reason = {}\napprover = {}\nexpires = {}\n",
        text(&args.prohibition),
        list("products", &args.products),
        list("hosts", &args.hosts),
        text(&args.reason),
        text(&args.approver),
        args.expires,
    )
}

/// The text of the file, where it is there.
fn there(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Failure::Read { path: path.to_owned(), cause }),
    }
}

/// The faults of the file alone.
fn faults(name: &str, text: &str) -> Vec<Diagnostic> {
    of_text(&[(name, text)]).diagnostics
}

/// Whether a fault lies in the form: what the file names in others is not here.
fn is_of_form(fault: &Diagnostic) -> bool {
    fault.code.word().starts_with("E01") || fault.code.word().starts_with("E03")
}
