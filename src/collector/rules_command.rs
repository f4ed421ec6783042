//! `interdict-collector rules`: bring, list, show, activate and try rules, beside a collector that may run: it takes them over
//! within seconds.
//!
//! Called by `command`.
#![expect(clippy::disallowed_methods, reason = "the operator's own files")]

use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::model::{Date, Id, RulesFolder, Stamp};
use crate::ruleset::{TrustedKey, read_files, read_folder, render};

use super::command::Failure;
use super::court::{Court, NoLaw};
use super::dry_run::{DryRun, HostTrial, ProductCount, Trial, beginning, dry_run};
use super::log;
use super::place::Place;
use super::rules::{Declined, activate, push};
use super::store::{By, Kept, Store};

/// Who did it, in the list of changes.
const ACTOR: &str = "command line";

/// Subcommands of `rules`.
#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// Keep a signed folder of rules
    Push {
        /// The folder, as 'interdict rules sign' left it
        folder: PathBuf,
        /// Key that may sign rules [default: `trusted_keys` below [rules] in the configuration]
        #[arg(long = "trusted-key", value_name = "KEY|FILE")]
        keys: Vec<String>,
        /// Have the fleet judged by it
        #[arg(long)]
        activate: bool,
    },
    /// List what is kept
    List,
    /// Print the files of a folder that is kept
    Show {
        /// Its id
        id: Id,
    },
    /// Have the fleet judged by a folder that is kept, or by the built-in rules alone; every host is then judged anew
    Activate {
        /// Its id
        #[arg(required_unless_present = "built_in")]
        id: Option<Id>,
        /// By the built-in rules alone
        #[arg(long, conflicts_with = "id")]
        built_in: bool,
    },
    /// Say what rules would find in the fleet, by what is known of it; changes nothing, and needs no signature
    Try(TryArgs),
}

/// Arguments of `rules try`.
#[derive(Debug, Args)]
pub(super) struct TryArgs {
    /// The folder [default: the rules that are active]
    folder: Option<PathBuf>,
    /// Policy for every host; may be given several times [default: as they are assigned]
    #[arg(long = "policy", value_name = "ID")]
    policies: Vec<String>,
    /// By the law of this day [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Reads keys, or the files that have them.
pub(super) fn trusted_keys(named: &[String]) -> Result<Vec<TrustedKey>, Failure> {
    let one = |key: &String| {
        let fault = |why: String| Failure::Key { key: key.clone(), why };
        if TrustedKey::is_key(key) {
            return TrustedKey::read(key).map_err(fault);
        }
        let text = read_to_string(key).map_err(|error| fault(error.to_string()))?;
        TrustedKey::read(&text).map_err(fault)
    };
    named.iter().map(one).collect()
}

/// Runs one.
pub(super) async fn run(
    place: &Place,
    command: RulesCommand,
    configured: &[String],
    now: Stamp,
) -> Result<(), Failure> {
    let store = place.open(false).await?;
    let by = By { actor: ACTOR.to_owned(), at: now };
    let done = match command {
        RulesCommand::Push { folder, keys, activate } => {
            let keys = if keys.is_empty() { configured } else { &keys };
            match brought(store.as_ref(), &folder, keys, &by).await {
                Ok(id) if activate => active(place, &store, Some(id), &by).await,
                Ok(id) => log::print(&format!("{id}\n")).map_err(Failure::Stdout),
                Err(failure) => Err(failure),
            }
        }
        RulesCommand::List => list(place, store.as_ref()).await,
        RulesCommand::Show { id } => show(place, store.as_ref(), id).await,
        RulesCommand::Activate { id, .. } => active(place, &store, id, &by).await,
        RulesCommand::Try(args) => tried(place, &store, args, now).await,
    };
    store.close().await;
    done
}

/// An answer of the store, whose failure names the database.
fn kept<T>(place: &Place, answer: Kept<T>) -> Result<T, Failure> {
    answer.map_err(place.fault())
}

async fn court(place: &Place, store: &Arc<dyn Store>) -> Result<Court, Failure> {
    Court::open(Arc::clone(store)).await.map_err(|error| match error {
        NoLaw::Store(cause) => place.fault()(cause),
        NoLaw::Rules(why) => Failure::Rules(why),
    })
}

async fn brought(store: &dyn Store, folder: &Path, keys: &[String], by: &By) -> Result<Id, Failure> {
    let keys = trusted_keys(keys)?;
    let folder = read_folder(folder).map_err(|(faults, refusals)| {
        let refusals: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        if refusals.is_empty() {
            Declined::Faults(render(&faults, false))
        } else {
            Declined::Refused(refusals.join("; "))
        }
    })?;
    let pushed = push(store, folder, keys, by).await?;
    if !pushed.warnings.is_empty() {
        log::say(format_args!("{}", pushed.warnings.trim_end()));
    }
    let (signed, was) = (&pushed.signed, if pushed.before { "was kept before" } else { "is kept" });
    log::say(format_args!("{} {} {was}, signed by {}", signed.name, signed.version, signed.key));
    Ok(pushed.id)
}

async fn active(place: &Place, store: &Arc<dyn Store>, id: Option<Id>, by: &By) -> Result<(), Failure> {
    let law = activate(&court(place, store).await?, id, by).await?;
    let what = id.map_or("the built-in rules alone".to_owned(), |id| format!("the rules {id}"));
    log::say(format_args!(
        "the fleet is judged by {what}; 'serve' judges every host anew, and /api/v1/jobs tells how far it is (job {law})"
    ));
    Ok(())
}

async fn list(place: &Place, store: &dyn Store) -> Result<(), Failure> {
    let mut text = String::from("id\tname\tversion\tstate\tsigned by\treceived\tby\n");
    for row in kept(place, store.rulesets().await)? {
        let state = if row.active { "active" } else { "kept" };
        let (version, at) = (row.version.to_string(), row.received_at.to_string());
        let id = row.id.to_string();
        let columns: [&str; 7] = [&id, &row.name, &version, state, &row.signed_by, &at, &row.received_by];
        text.push_str(&columns.join("\t"));
        text.push('\n');
    }
    log::print(&text).map_err(Failure::Stdout)
}

async fn show(place: &Place, store: &dyn Store, id: Id) -> Result<(), Failure> {
    let found = kept(place, store.ruleset(id).await)?;
    let (_, folder) = found.ok_or_else(|| Declined::Unknown(format!("no rules of the id {id} are kept")))?;
    let file = |(name, text): (&String, &String)| format!("# {name}\n{}\n", text.trim_end());
    let text: Vec<String> = folder.files.iter().map(file).collect();
    log::print(&text.join("\n")).map_err(Failure::Stdout)
}

async fn tried(place: &Place, store: &Arc<dyn Store>, args: TryArgs, now: Stamp) -> Result<(), Failure> {
    let folder = args.folder.as_deref().map(read_unsigned).transpose()?;
    let policies = Some(args.policies).filter(|policies| !policies.is_empty());
    let as_of = args.as_of.and_then(beginning).unwrap_or(now);
    let court = court(place, store).await?;
    let trial = Trial { folder, policies, as_of };
    let found = dry_run(Arc::clone(store), court.judging().law(), trial).await?;
    let text = if args.json {
        serde_json::to_string_pretty(&found).unwrap_or_default() + "\n"
    } else {
        told(&found)
    };
    log::print(&text).map_err(Failure::Stdout)
}

fn read_unsigned(path: &Path) -> Result<RulesFolder, Failure> {
    Ok(read_files(path).map_err(|faults| Declined::Faults(render(&faults, false)))?)
}

/// For people.
fn told(found: &DryRun) -> String {
    let DryRun { hosts, non_compliant, shown, need_a_scan, .. } = found;
    let mut text = format!(
        "{hosts} hosts: {non_compliant} would be non-compliant, {shown} have findings that only are shown, {need_a_scan} need \
         a scan\n"
    );
    if !found.complete {
        text.push_str("time did not suffice for all hosts: the figures are of a part\n");
    }
    let product = |one: &ProductCount| {
        let ProductCount { product, hosts, decides } = one;
        format!("{product}\t{hosts} hosts, {decides} of them non-compliant by it\n")
    };
    let host = |one: &HostTrial| format!("{}\t{}\n", one.host, one.products.join(", "));
    text.extend(found.products.iter().map(product));
    text.extend(found.first.iter().map(host));
    text
}
