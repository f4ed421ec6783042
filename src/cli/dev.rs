//! `interdict dev`: pages and schemas that are generated from the code, so that they cannot be wrong.
#![expect(
    clippy::disallowed_methods,
    reason = "reads and writes the project's own docs, never a scanned host"
)]

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::emit::schema::schemas;
use crate::ruleset::fields;

use super::Ended;
use super::exit::{FAULTS, FINE, Failure};
use super::printer::Printer;

/// Subcommands of `dev`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write the generated files below docs/
    Generate {
        /// Only compare; exit 1 where a file is not as it would be generated
        #[arg(long)]
        check: bool,
        /// The docs folder
        #[arg(long, default_value = "docs")]
        docs: PathBuf,
    },
}

/// Runs the command.
pub(super) fn run(command: &Command, printer: &mut Printer) -> Ended {
    let Command::Generate { check, docs } = command;
    let mut stale = 0;
    for (name, text) in pages() {
        let path = docs.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
            continue;
        }
        stale += 1;
        if *check {
            printer.note(&format!("{} is stale; run 'cargo run -- dev generate'", path.display()));
        } else {
            write(&path, &text)?;
            printer.note(&format!("wrote {}", path.display()));
        }
    }
    Ok(if *check && stale > 0 { FAULTS } else { FINE })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|cause| Failure::Write { path: path.to_owned(), cause })
}

/// Every generated file: name below `docs/`, and text.
fn pages() -> Vec<(&'static str, String)> {
    let mut pages = schemas();
    pages.push(("sources.md", super::sources::page()));
    pages.push(("fields.md", fields::page()));
    pages.push(("rules.schema.json", super::rules_schema::text(None)));
    pages.push(("explain.schema.json", super::rules_explain::schema()));
    pages
}
