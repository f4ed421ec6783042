//! `interdict rules explain`: why a thing on a host is found, or is not, condition by condition.
//!
//! Looks at the host as a scan does, and asks the engine and the judge themselves. The text is `rules_explain_text`'s.

use clap::Args as ClapArgs;
use schemars::JsonSchema;
use serde::Serialize;

use crate::host::{Host, Kind, Miss};
use crate::judge::{Outcome, Question, outcomes};
use crate::matching::{Engine, Explained};
use crate::model::{
    Coverage, Date, Depth, Family, HostPath, Image, InventoryItem, Item, ItemKind, Place, ScopeAsk, Sighting,
    State, Trace, to_pretty,
};
use crate::normalise::{Places, fold, gather};
use crate::ruleset::{Policy, Site};

use super::Ended;
use super::config::Config;
use super::exit::{FINE, Failure};
use super::look::{Found, LookArgs, Matcher, now};
use super::printer::Printer;
use super::rules::{RulesArgs, either, load};
use super::rules_explain_text::text;
use super::scan::{is_file, policies};

/// Schema of the document.
const SCHEMA: &str = "interdict.explain/1";

/// Source of a sighting that no source reported.
pub(super) const ASKED: &str = "asked";

#[cfg(windows)]
const EXAMPLES: &str = "\
Examples:
  interdict rules explain klnagent                     a package, service or program of that name
  interdict rules explain service:klnagent             only a service of that name
  interdict rules explain \"%ProgramFiles%\\X\\x.exe\"     a path, whether a source reported it or not
  interdict rules explain klnagent --all --json        every indicator of its kind, for a machine to read

Exit codes: 0 explained, 2 nothing of that name is there";

#[cfg(not(windows))]
const EXAMPLES: &str = "\
Examples:
  sudo interdict rules explain kesl                    a package, service or program of that name
  interdict rules explain service:kesl.service         only a service of that name
  interdict rules explain /opt/x/bin/x --root /mnt/disk  a path, whether a source reported it or not
  interdict rules explain kesl --all --json            every indicator of its kind, for a machine to read

Exit codes: 0 explained, 2 nothing of that name is there";

/// Arguments of `rules explain`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A name, an item's id, a path, or KIND:NAME
    #[arg(value_name = "WHAT")]
    what: String,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    rules: RulesArgs,
    /// Policy to hold it against: an id, or a policy file [default: us-commerce]
    #[arg(long = "policy", value_name = "ID|FILE")]
    policies: Vec<String>,
    /// Hold it against the law of this day instead of today's
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Show also indicators of which no condition is met
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is explained.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Document {
    /// Schema of this document.
    schema: &'static str,
    /// What was asked for.
    pub(super) asked: String,
    /// Family of the host.
    pub(super) family: Family,
    /// Policies it is held against.
    policies: Vec<String>,
    /// The day.
    as_of: Date,
    /// What of that name was found.
    pub(super) items: Vec<About>,
    /// What the products that it speaks for come to, with all that was found on the host.
    pub(super) on_this_host: Vec<Outcome>,
}

/// An item and what speaks for or against it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct About {
    /// The item.
    pub(super) item: Item,
    /// Whether a source reported it; else it is what the path would be.
    pub(super) reported: bool,
    /// Every sighting of it.
    pub(super) sightings: Vec<Seen>,
    /// What it comes to by itself.
    pub(super) by_itself: Vec<Outcome>,
}

/// A sighting held against the rules.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Seen {
    /// The sighting.
    pub(super) sighting: Sighting,
    /// What was tried.
    pub(super) rules: Explained,
}

/// JSON Schema of the document.
#[cfg(debug_assertions)]
pub(super) fn schema() -> String {
    crate::emit::schema::text(&schemars::schema_for!(Document))
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &Config, printer: &Printer) -> Ended {
    let as_of = args.as_of.unwrap_or_else(|| Date::of(now()));
    let asked = either(&args.policies, &config.policies);
    let files = asked.iter().filter(|policy| is_file(policy)).map(Into::into);
    let ruleset = load(&args.rules, config, files.collect(), printer)?;
    let policies = policies(&ruleset, asked)?;
    let look = args.look.or(config);
    let host = look.open()?;
    let (scope, depth) = (look.scope(), look.depth());
    let want = ruleset.wanted(scope, depth, host.facts().family, &policies);
    let matcher = Matcher::new(&ruleset, host.facts().family, true);
    let Found { items, coverage, .. } = look.look(&host, want, Some(&matcher), printer);
    let asking = Asking {
        args,
        scope,
        depth,
        engine: matcher.engine(),
        policies,
        site: config.site.as_ref(),
        host: host.as_ref(),
        coverage: &coverage,
        as_of,
    };
    let document = asking.document(&items)?;
    let out = if args.json {
        to_pretty(&document).unwrap_or_default()
    } else {
        text(&document, printer.look(false))
    };
    printer.result(&out, None)?;
    Ok(FINE)
}

struct Asking<'a> {
    args: &'a Args,
    scope: ScopeAsk,
    depth: Depth,
    engine: &'a Engine<'a>,
    policies: Vec<&'a Policy>,
    site: Option<&'a Site>,
    host: &'a dyn Host,
    coverage: &'a Coverage,
    as_of: Date,
}

impl Asking<'_> {
    fn document(&self, items: &[InventoryItem]) -> Result<Document, Failure> {
        let what = &self.args.what;
        let made = self.path(what).and_then(|path| self.item_at(path));
        let found: Vec<(usize, &InventoryItem)> =
            items.iter().enumerate().filter(|(_, one)| is(&one.item, what, made.as_ref())).collect();
        let about = match made.as_ref().filter(|_| found.is_empty()) {
            Some(made) => vec![self.about(made, false)],
            None => found.iter().map(|(_, one)| self.about(one, true)).collect(),
        };
        if about.is_empty() {
            return Err(Failure::NoItem(what.clone()));
        }
        let mut on_this_host = self.outcomes(items);
        on_this_host.retain(|outcome| found.iter().any(|(at, _)| outcome.items.contains(at)));
        Ok(Document {
            schema: SCHEMA,
            asked: what.clone(),
            family: self.host.facts().family,
            policies: self.policies.iter().map(|policy| policy.id.clone()).collect(),
            as_of: self.as_of,
            items: about,
            on_this_host,
        })
    }

    fn outcomes(&self, items: &[InventoryItem]) -> Vec<Outcome> {
        outcomes(&Question {
            engine: self.engine,
            hits: &self.engine.all_hits(items.iter().map(|one| &one.item)),
            policies: self.policies.clone(),
            host: self.host.facts(),
            items,
            coverage: self.coverage,
            scope: self.scope,
            depth: self.depth,
            as_of: self.as_of,
            site: self.site,
            granted: None,
        })
    }

    fn about(&self, one: &InventoryItem, reported: bool) -> About {
        let seen = |sighting: &Sighting| Seen {
            sighting: sighting.clone(),
            rules: self.engine.explain(&one.item, sighting, self.args.all),
        };
        About {
            item: one.item.clone(),
            reported,
            sightings: one.sightings.iter().map(seen).collect(),
            by_itself: self.outcomes(std::slice::from_ref(one)),
        }
    }

    /// What was asked for as a path of the host: `/opt/x`, `C:\x`, `%ProgramFiles%\x`.
    fn path(&self, what: &str) -> Option<HostPath> {
        match &self.host.facts().windows {
            Some(windows) => windows.path(what, None),
            None => what.starts_with('/').then(|| HostPath::from(what)),
        }
    }

    /// The item that a path would be, if a source reported it: a program, or a folder that was left.
    fn item_at(&self, path: HostPath) -> Option<InventoryItem> {
        let files = self.host.files();
        let stat = files.stat(&path);
        let place = Place::file(path.clone());
        let trace = if stat.as_ref().is_ok_and(|stat| stat.kind == Kind::Folder) {
            let folder = Trace::new(ItemKind::Trace, path.file_name_text(), State::Remnant, place);
            Trace { path: Some(path), ..folder }
        } else {
            let exists = match stat {
                Ok(_) => Some(true),
                Err(Miss::Absent) => Some(false),
                Err(_) => None,
            };
            let state = if exists == Some(false) { State::Remnant } else { State::Present };
            let program = Trace::new(ItemKind::Executable, path.file_name_text(), state, place);
            let path = files.resolve(&path).unwrap_or(path);
            Trace { image: Some(Image { path, exists }), ..program }
        };
        let facts = self.host.facts();
        let places = Places { users: &facts.users, aliases: &facts.aliases };
        let traces = vec![(ASKED, vec![trace])];
        gather(traces, places).linked(&|_| Vec::new()).pop()
    }
}

/// Whether an item is what was asked for.
fn is(item: &Item, what: &str, made: Option<&InventoryItem>) -> bool {
    let (kind, name) = match what.split_once(':') {
        Some((kind, name)) if ItemKind::ALL.iter().any(|one| one.word() == kind) => (Some(kind), name),
        _ => (None, what),
    };
    let folded = fold(name);
    let named = [Some(&item.name), item.display_name.as_ref()];
    let named = named.into_iter().flatten().any(|own| fold(own) == folded);
    let path = item.path.as_deref();
    let at_path =
        path == Some(name) || (path.is_some() && path == made.and_then(|made| made.item.path.as_deref()));
    kind.is_none_or(|kind| kind == item.kind.word()) && (named || at_path || item.id.to_string() == name)
}
