//! `interdict rules new`: a file to begin with, which loads as it is.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::model::{Date, Stamp};
use crate::ruleset::built_in;

use super::Ended;
use super::exit::{FINE, Failure};
use super::look::now;
use super::printer::Printer;

const EXAMPLES: &str = "\
Examples:
  interdict rules new vendor acme --output our-rules/vendors/acme.toml
  interdict rules new policy house --output our-rules/policies/house.toml
  interdict rules new waiver lab                  print it

The file loads as it is; what has to be filled in is marked TODO.";

/// Days that the exception of a new waiver file holds.
const HALF_A_YEAR: i64 = 182;

/// Arguments of `rules new`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Kind of file
    #[arg(value_enum)]
    kind: Template,
    /// Its id: lower-case letters, digits and hyphens (of a waiver file: how its hosts' names begin)
    id: String,
    /// Write it to a new file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Template {
    /// How software of a vendor is recognised
    Vendor,
    /// What is prohibited here
    Policy,
    /// The law or advice behind a prohibition
    Authority,
    /// Exceptions that a site makes
    Waiver,
}

impl Template {
    fn text(self) -> &'static str {
        match self {
            Self::Vendor => include_str!("templates/vendor.toml"),
            Self::Policy => include_str!("templates/policy.toml"),
            Self::Authority => include_str!("templates/authority.toml"),
            Self::Waiver => include_str!("templates/waiver.toml"),
        }
    }

    /// The file, with its id and dates.
    fn fill(self, id: &str, now: Stamp) -> String {
        let later = Stamp::from_unix(now.unix() + HALF_A_YEAR * 86_400).unwrap_or(now);
        let dates = [("@TODAY@", Date::of(now)), ("@EXPIRES@", Date::of(later))];
        let text = self.text().replace("@ID@", id);
        dates.iter().fold(text, |text, (mark, date)| text.replace(mark, &date.to_string()))
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, printer: &Printer) -> Ended {
    check_id(&args.id)?;
    let text = args.kind.fill(&args.id, now());
    if let Some(path) = args.output.as_deref().filter(|path| path.exists()) {
        let path = path.display();
        return Err(Failure::Declined(format!("{path} is there already; name a new file with --output")));
    }
    if let Some(folder) = args.output.as_deref().and_then(|path| path.parent()) {
        std::fs::create_dir_all(folder).map_err(|cause| Failure::Write { path: folder.to_owned(), cause })?;
    }
    printer.result(&text, args.output.as_deref())?;
    if let Some(path) = &args.output {
        let path = path.display();
        printer
            .note(&format!("wrote {path}; fill in what is marked TODO, then 'interdict rules check {path}'"));
    }
    Ok(FINE)
}

/// Whether it can be an id, and is not one of the built-in rules.
fn check_id(id: &str) -> Result<(), Failure> {
    let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || !id.chars().all(part) {
        let text =
            format!("'{id}' is not an id: write lower-case letters, digits and hyphens, like 'acme-labs'");
        return Err(Failure::Declined(text));
    }
    let taken = built_in().ruleset.is_some_and(|rules| {
        rules.vendor(id).is_some() || rules.policy(id).is_some() || rules.authority(id).is_some()
    });
    if taken {
        let text = format!("the built-in rules have the id '{id}'; 'interdict rules show {id}' shows it");
        return Err(Failure::Declined(text));
    }
    Ok(())
}
