//! `interdict rules search`: everything that is written in the rules, by words.

use clap::Args as ClapArgs;
use serde::Serialize;

use crate::emit::table::table;
use crate::model::to_pretty;
use crate::normalise::fold;

use super::Ended;
use super::config::Config;
use super::exit::{FAULTS, FINE};
use super::printer::Printer;
use super::rules::{RulesArgs, load};
use super::rules_entries::{Entry, entries};

const EXAMPLES: &str = "\
Examples:
  interdict rules search kesl                 where the rules speak of kesl
  interdict rules search register 52434       entries that hold both words
  interdict rules search agent --json         for a machine to read

Exit codes: 0 found, 1 nothing holds all the words";

/// Arguments of `rules search`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Words, or parts of words, that one entry must all hold
    #[arg(value_name = "TEXT", required = true)]
    words: Vec<String>,
    #[command(flatten)]
    rules: RulesArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An entry that holds the words.
#[derive(Debug, Serialize)]
struct Found {
    what: &'static str,
    id: String,
    at: String,
    /// The first field that holds one of them.
    line: String,
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &Config, printer: &Printer) -> Ended {
    let ruleset = load(&args.rules, config, Vec::new(), printer)?;
    let words: Vec<String> = args.words.iter().map(|word| fold(word).into_owned()).collect();
    let found: Vec<Found> = entries(&ruleset).iter().filter_map(|entry| find(entry, &words)).collect();
    if args.json {
        printer.result(&to_pretty(&found).unwrap_or_default(), None)?;
    } else if found.is_empty() {
        printer.note(&format!("nothing in the rules holds all of: {}", args.words.join(", ")));
    } else {
        let mut out = table(&printer.look(false), &["what", "id", "at", "line"]);
        for one in &found {
            out.add_row([one.what, &one.id, &one.at, &one.line]);
        }
        printer.result(&format!("{out}\n"), None)?;
    }
    Ok(if found.is_empty() { FAULTS } else { FINE })
}

fn find(entry: &Entry, words: &[String]) -> Option<Found> {
    let mut lines = vec![(entry.id.clone(), fold(&entry.id).into_owned())];
    lines.extend(
        entry.fields.iter().map(|(label, text)| (format!("{label}: {text}"), fold(text).into_owned())),
    );
    let holds = |word: &String| lines.iter().any(|(_, folded)| folded.contains(word.as_str()));
    if !words.iter().all(holds) {
        return None;
    }
    // The id stands in its own column.
    let says = |(_, folded): &&(String, String)| words.iter().any(|word| folded.contains(word.as_str()));
    let line = lines.iter().skip(1).find(says).or(lines.get(1)).map(|(line, _)| shorten(line, words));
    Some(Found {
        what: entry.what,
        id: entry.id.clone(),
        at: entry.at.clone(),
        line: line.unwrap_or_default(),
    })
}

/// Characters of a line that are shown.
const SHOWN: usize = 80;

/// A long line around the first word that it holds.
fn shorten(line: &str, words: &[String]) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let count = line.chars().count();
    if count <= SHOWN {
        return line;
    }
    let lower = line.to_lowercase();
    let at = words
        .iter()
        .filter_map(|word| lower.split_once(word.as_str()))
        .map(|(before, _)| before.chars().count());
    let from = at.min().unwrap_or(0).saturating_sub(SHOWN / 4).min(count - SHOWN);
    let shown: String = line.chars().skip(from).take(SHOWN).collect();
    format!("{}{shown}{}", if from > 0 { "…" } else { "" }, if from + SHOWN < count { "…" } else { "" })
}
