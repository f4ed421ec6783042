//! `interdict rules schema`: the language as JSON Schema, for editors that check TOML while it is written.

use clap::Args as ClapArgs;

use crate::model::to_pretty;
use crate::ruleset::{file_kinds, json_schema};

use super::Ended;
use super::exit::FINE;
use super::printer::Printer;

const EXAMPLES: &str = "\
Examples:
  interdict rules schema > rules.schema.json        every kind of rule file
  interdict rules schema vendor                     only vendor files

Write '#:schema ./rules.schema.json' as the first line of a rule file: Even Better TOML and taplo then check it.";

/// Arguments of `rules schema`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only this kind of file
    #[arg(value_name = "KIND", value_parser = kinds())]
    kind: Option<String>,
}

fn kinds() -> clap::builder::PossibleValuesParser {
    file_kinds().collect::<Vec<_>>().into()
}

/// Runs the command.
pub(super) fn run(args: &Args, printer: &Printer) -> Ended {
    printer.result(&text(args.kind.as_deref()), None)?;
    Ok(FINE)
}

/// The schema as the text of a file.
pub(super) fn text(kind: Option<&str>) -> String {
    let schema = json_schema(kind).unwrap_or_default();
    to_pretty(&schema).unwrap_or_default()
}
