//! `interdict rules list`: a table of all ids.

use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;

use crate::emit::table::table;
use crate::model::to_pretty;

use super::Ended;
use super::config::Config;
use super::exit::FINE;
use super::printer::Printer;
use super::rules::{RulesArgs, load};
use super::rules_entries::{Entry, entries};

const EXAMPLES: &str = "\
Examples:
  interdict rules list                     everything that has an id
  interdict rules list prohibitions        only prohibitions
  interdict rules list products --json     for a machine to read";

/// Arguments of `rules list`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only these
    #[arg(value_enum, value_name = "WHAT")]
    what: Option<What>,
    #[command(flatten)]
    rules: RulesArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    Vendors,
    Products,
    Policies,
    Prohibitions,
    Authorities,
    Waivers,
}

impl What {
    /// What entries of it are.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Vendors => &["vendor"],
            Self::Products => &["product"],
            Self::Policies => &["policy"],
            Self::Prohibitions => &["prohibition"],
            Self::Authorities => &["authority"],
            Self::Waivers => &["waiver", "accepted-gap"],
        }
    }
}

/// A line of the list.
#[derive(Debug, Serialize)]
struct Line {
    what: &'static str,
    id: String,
    name: String,
    more: String,
    at: String,
}

impl Line {
    fn of(entry: Entry) -> Self {
        let field = |label| entry.field(label).to_owned();
        let (name, more) = match entry.what {
            "vendor" => (field("name"), field("aliases")),
            "product" => (field("name"), field("category")),
            "policy" => (field("title"), format!("effective {}", field("effective"))),
            "prohibition" => {
                let whom = ["vendor", "products", "categories"].map(field);
                let whom: Vec<String> = whom.into_iter().filter(|text| !text.is_empty()).collect();
                (whom.join("; "), field("severity"))
            }
            "ruleset" => (format!("version {}", field("version")), format!("released {}", field("released"))),
            "authority" => (field("title"), field("citation")),
            _ => (field("reason"), format!("until {}", field("expires"))),
        };
        Self { what: entry.what, id: entry.id, name, more, at: entry.at }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &Config, printer: &Printer) -> Ended {
    let ruleset = load(&args.rules, config, Vec::new(), printer)?;
    let is_asked = |entry: &Entry| match args.what {
        Some(what) => what.words().contains(&entry.what),
        None => !["indicator", "exclude"].contains(&entry.what),
    };
    let lines: Vec<Line> = entries(&ruleset).into_iter().filter(is_asked).map(Line::of).collect();
    let text = if args.json {
        to_pretty(&lines).unwrap_or_default()
    } else {
        let mut out = table(&printer.look(false), &["what", "id", "name", "more"]);
        for line in lines {
            out.add_row([line.what, &line.id, &shorten(&line.name), &shorten(&line.more)]);
        }
        format!("{out}\n")
    };
    printer.result(&text, None)?;
    Ok(FINE)
}

/// Lists of products and aliases can be long; `show` and JSON have them whole.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 80;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}
