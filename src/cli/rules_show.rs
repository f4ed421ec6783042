//! `interdict rules show ID`: all that the rules say of one thing.

use clap::Args as ClapArgs;
use serde_json::{Value, json};

use crate::model::to_pretty;
use crate::ruleset::{Exclude, Ruleset, Waiver};

use super::Ended;
use super::config::Config;
use super::exit::{FINE, Failure};
use super::printer::Printer;
use super::rules::{RulesArgs, load};
use super::rules_entries::{
    Entry, authority, exclude, indicator, indicators, policy, product, prohibition, vendor, waiver,
};

const EXAMPLES: &str = "\
Examples:
  interdict rules show kaspersky                      a vendor, its products, what only looks like them
  interdict rules show kaspersky.endpoint-security    a product with every indicator
  interdict rules show us-commerce --json             a policy, for a machine to read";

/// Arguments of `rules show`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Its id
    id: String,
    #[command(flatten)]
    rules: RulesArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &Config, printer: &Printer) -> Ended {
    let ruleset = load(&args.rules, config, Vec::new(), printer)?;
    let asked = Asked { ruleset: &ruleset, id: &args.id };
    let text = if args.json {
        asked.json().and_then(|json| to_pretty(&json).ok())
    } else {
        asked.entries().map(|entries| entries.iter().map(text).collect::<Vec<_>>().join("\n"))
    };
    let text = text.ok_or_else(|| Failure::NoRule(args.id.clone()))?;
    printer.result(&text, None)?;
    Ok(FINE)
}

/// An entry with a line for each field.
fn text(entry: &Entry) -> String {
    let line = |(label, text): (&str, &str)| format!("{label:<12}{text}\n");
    let fields = entry.fields.iter().map(|(label, text)| line((label, text)));
    let head = [line((entry.what, &entry.id))].into_iter().chain(fields);
    head.chain([line(("written at", &entry.at))]).collect()
}

struct Asked<'a> {
    ruleset: &'a Ruleset,
    id: &'a str,
}

impl Asked<'_> {
    /// The thing of that id, and what belongs to it.
    fn entries(&self) -> Option<Vec<Entry>> {
        let rules = self.ruleset;
        if let Some(found) = rules.vendor(self.id) {
            let products = rules.products().iter().filter(|one| one.vendor == found.id).map(product);
            let excludes = self.excludes(&found.id).map(exclude);
            return Some([vendor(found)].into_iter().chain(products).chain(excludes).collect());
        }
        if let Some(found) = rules.product(self.id) {
            let indicators = indicators(rules, found).map(|one| indicator(one, found));
            let waivers = self.waivers().map(waiver);
            return Some([product(found)].into_iter().chain(indicators).chain(waivers).collect());
        }
        if let Some(found) = rules.policy(self.id) {
            let prohibitions = found.prohibitions.iter().map(prohibition);
            return Some([policy(found)].into_iter().chain(prohibitions).collect());
        }
        let all = || rules.policies().iter().flat_map(|policy| &policy.prohibitions);
        if let Some(found) = all().find(|one| one.id == self.id) {
            return Some([prohibition(found)].into_iter().chain(self.waivers().map(waiver)).collect());
        }
        rules.authority(self.id).map(|found| vec![authority(found)])
    }

    fn json(&self) -> Option<Value> {
        let rules = self.ruleset;
        if let Some(found) = rules.vendor(self.id) {
            let products: Vec<_> = rules.products().iter().filter(|one| one.vendor == found.id).collect();
            let excludes: Vec<_> = self.excludes(&found.id).collect();
            return Some(json!({ "vendor": found, "products": products, "excludes": excludes }));
        }
        if let Some(found) = rules.product(self.id) {
            let indicators: Vec<_> = indicators(rules, found).collect();
            let waivers: Vec<_> = self.waivers().collect();
            return Some(json!({ "product": found, "indicators": indicators, "waivers": waivers }));
        }
        if let Some(found) = rules.policy(self.id) {
            return Some(json!({ "policy": found }));
        }
        let all = || rules.policies().iter().flat_map(|policy| &policy.prohibitions);
        if let Some(found) = all().find(|one| one.id == self.id) {
            let waivers: Vec<_> = self.waivers().collect();
            return Some(json!({ "prohibition": found, "waivers": waivers }));
        }
        rules.authority(self.id).map(|found| json!({ "authority": found }))
    }

    fn excludes(&self, vendor: &str) -> impl Iterator<Item = &Exclude> {
        self.ruleset.excludes().iter().filter(move |one| one.vendor == vendor)
    }

    /// Waivers that name the id.
    fn waivers(&self) -> impl Iterator<Item = &Waiver> {
        let named =
            |one: &&Waiver| one.prohibition == self.id || one.products.iter().any(|own| own == self.id);
        self.ruleset.waivers().iter().filter(named)
    }
}
