//! What people change of the fleet's law, each thing looked at before it is kept: rules, whose policies are which, exceptions,
//! tags.
//!
//! Called by `api` and by the collector's commands, with who does it. Must not know HTTP.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::model::{Date, Id, RulesFolder};
use crate::ruleset::{
    Choice, Diagnostic, Ruleset, Sent, Signed, TrustedKey, load_trusted, render, verify_sent,
};

use super::court::{Court, NoLaw};
use super::law::Law;
use super::store::{
    Added, By, Excepted, LawChange, NewException, NewRuleset, RulesetRow, Store, StoreError, Whose,
};

/// Tags that a host may have.
const MAX_TAGS: usize = 64;
/// Letters of a tag, and of the texts of an exception.
const MAX_WORD: usize = 64;
const MAX_TEXT: usize = 1_000;

/// Why something is not changed: for the person who wants it.
#[derive(Debug, thiserror::Error)]
pub enum Declined {
    /// The store fails. For the log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The law was changed, and cannot be made ready. For the log.
    #[error("the rules cannot be used: {0}")]
    Law(String),
    /// Rules have faults: every one of them, with its place.
    #[error("the rules have faults:\n{0}")]
    Faults(String),
    /// Nobody who is trusted has signed the rules, or they are older than what is there.
    #[error("{0}")]
    Refused(String),
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be done so.
    #[error("{0}")]
    Wrong(String),
}

impl From<NoLaw> for Declined {
    fn from(error: NoLaw) -> Self {
        match error {
            NoLaw::Store(error) => Self::Store(error),
            NoLaw::Rules(why) => Self::Law(why),
        }
    }
}

/// A folder of rules that was brought.
#[derive(Debug)]
pub struct Pushed {
    /// Its id.
    pub id: Id,
    /// What its signature vouches for.
    pub signed: Signed,
    /// Whether it was there before.
    pub before: bool,
    /// Faults that are no errors, as text.
    pub warnings: String,
}

/// Keeps a signed folder of rules: verified against the keys, compiled beside the built-in rules, not older than what is kept.
pub async fn push(
    store: &dyn Store,
    folder: RulesFolder,
    keys: Vec<TrustedKey>,
    by: &By,
) -> Result<Pushed, Declined> {
    if keys.is_empty() {
        return Err(Declined::Refused(
            "no key is trusted here; name those that may sign rules with trusted_keys below [rules] in the configuration, or \
             with --trusted-key"
                .to_owned(),
        ));
    }
    let sent = Sent { name: "rules".to_owned(), folder, keys };
    let work = move || looked_at(sent);
    let looked = tokio::task::spawn_blocking(work).await.map_err(|error| Declined::Law(error.to_string()))?;
    let (folder, signed, warnings) = looked?;
    let id = Id::of(&Sha256::digest(folder.sums.as_bytes()));
    let (name, version, signed_by) = (signed.name.clone(), signed.version, signed.key.clone());
    let new = NewRuleset { id, name: name.clone(), version, signed_by, folder };
    match store.add_ruleset(&new, by).await? {
        Added::Now => Ok(Pushed { id, signed, before: false, warnings }),
        Added::Before => Ok(Pushed { id, signed, before: true, warnings }),
        Added::Older(kept) => Err(Declined::Refused(format!(
            "older rules: {name} {version} would take the place of {name} {kept}; give it a higher version and sign it again"
        ))),
        Added::OtherContent => Err(Declined::Refused(format!(
            "other rules of the same version: {name} {version} is kept with other content; give it a higher version and sign \
             it again"
        ))),
    }
}

fn looked_at(sent: Sent) -> Result<(RulesFolder, Signed, String), Declined> {
    let signed = verify_sent(&sent).map_err(|(faults, refusals)| {
        let refusals: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        if refusals.is_empty() { faulty(&faults) } else { Declined::Refused(refusals.join("; ")) }
    })?;
    let choice = Choice { sent: Some(sent), ..Choice::default() };
    let loaded = load_trusted(&choice, &[]);
    let Some(ruleset) = &loaded.ruleset else { return Err(faulty(&loaded.diagnostics)) };
    names_no_hosts(ruleset)?;
    let folder = choice.sent.map(|sent| sent.folder);
    let folder = folder.ok_or_else(|| Declined::Law("the folder is gone".to_owned()))?;
    Ok((folder, signed, render(&loaded.diagnostics, false)))
}

/// What a host calls itself opens nothing here: an exception is for the id that it enrolled with, or for a tag.
fn names_no_hosts(ruleset: &Ruleset) -> Result<(), Declined> {
    let waived = ruleset.waivers().iter().find(|waiver| !waiver.hosts.are_all()).map(|waiver| &waiver.at);
    let accepted = ruleset.accepted_gaps().iter().find(|gap| !gap.hosts.are_all()).map(|gap| &gap.at);
    let Some(at) = waived.or(accepted) else { return Ok(()) };
    Err(Declined::Wrong(format!(
        "{at}: 'hosts' asks for what computers call themselves, which any of them can change: grant an exception to a host's id or to \
         a tag (/api/v1/exceptions), and leave it out of the fleet's rules"
    )))
}

fn faulty(faults: &[Diagnostic]) -> Declined {
    Declined::Faults(render(faults, false))
}

/// Has the fleet judged by a folder that is kept, beside the built-in rules; none: by those alone.
pub async fn activate(court: &Court, id: Option<Id>, by: &By) -> Result<u64, Declined> {
    let store = court.store();
    let rules = match id {
        None => None,
        Some(id) => {
            let kept = store.ruleset(id).await?;
            let (row, folder) =
                kept.ok_or_else(|| Declined::Unknown(format!("no rules of the id {id} are kept")))?;
            not_older(&row, &store.rulesets().await?)?;
            Some(folder)
        }
    };
    let work = move || super::law::compiled(rules.as_ref(), None);
    let compiled =
        tokio::task::spawn_blocking(work).await.map_err(|error| Declined::Law(error.to_string()))?;
    let ruleset = compiled.map_err(|faults| faulty(&faults))?;
    has_policies(court.judging().law(), &ruleset)?;
    change(court, &LawChange::Activate(id), by).await
}

/// Endpoints refuse rules that are older than what they had: so does the collector.
fn not_older(row: &RulesetRow, kept: &[RulesetRow]) -> Result<(), Declined> {
    let newer = |one: &&RulesetRow| one.was_active && one.name == row.name && one.version > row.version;
    let Some(newest) = kept.iter().filter(newer).max_by_key(|one| one.version) else { return Ok(()) };
    Err(Declined::Refused(format!(
        "older rules: {} {} is or was active, and endpoints that have it refuse {}; push its content as a higher version",
        newest.name, newest.version, row.version
    )))
}

/// A policy that is asked of hosts must be there, or nothing would be said of them.
fn has_policies(law: &Law, ruleset: &Ruleset) -> Result<(), Declined> {
    for (tag, policy) in law.assignments() {
        if ruleset.policy(policy).is_none() {
            let whose =
                tag.map_or("hosts without another".to_owned(), |tag| format!("hosts with the tag {tag}"));
            return Err(Declined::Wrong(format!(
                "{whose} are judged under the policy {policy}, which these rules do not have; assign them another first"
            )));
        }
    }
    Ok(())
}

/// Has hosts with a tag (none: those without another) judged under policies; without any, nothing is said of them.
pub async fn assign(
    court: &Court,
    tag: Option<String>,
    policies: Vec<String>,
    by: &By,
) -> Result<u64, Declined> {
    tag.iter().try_for_each(|tag| word("a tag", tag))?;
    let judging = court.judging();
    let ruleset = all_rules(&judging.law().clone()).await?;
    for policy in &policies {
        if ruleset.policy(policy).is_none() {
            let known: Vec<&str> = ruleset.policies().iter().map(|one| one.id.as_str()).collect();
            let known = known.join(", ");
            return Err(Declined::Unknown(format!("there is no policy '{policy}'; there are: {known}")));
        }
    }
    change(court, &LawChange::Assign(tag, policies), by).await
}

/// The rules of a law with all their policies: as long as nobody asked for others, it is made of one alone.
pub(super) async fn all_rules(law: &Arc<Law>) -> Result<Arc<Ruleset>, Declined> {
    if law.version() > 0 {
        return Ok(law.ruleset_arc());
    }
    let work = || super::law::compiled(None, None);
    let rules = tokio::task::spawn_blocking(work).await.map_err(|error| Declined::Law(error.to_string()))?;
    rules.map(Arc::new).map_err(|faults| faulty(&faults))
}

/// Grants an exception.
pub async fn grant(court: &Court, new: NewException, by: &By) -> Result<u64, Declined> {
    let today = Date::of(by.at);
    if new.expires < today {
        return Err(Declined::Wrong(format!(
            "expires: {} is over; it is the last day on which it holds",
            new.expires
        )));
    }
    text("reason", &new.reason)?;
    text("owner", &new.owner)?;
    match &new.whose {
        Whose::Tag(tag) => word("a tag", tag)?,
        Whose::Host(host) if court.store().host(*host, None).await?.is_none() => {
            return Err(Declined::Unknown(format!("there is no host {host}")));
        }
        Whose::Host(_) => {}
    }
    match &new.excepted {
        Excepted::Finding { prohibition, products } => {
            let ruleset = all_rules(court.judging().law()).await?;
            let mut prohibitions = ruleset.policies().iter().flat_map(|policy| &policy.prohibitions);
            let found = prohibitions.find(|one| one.id == *prohibition);
            let found =
                found.ok_or_else(|| Declined::Unknown(format!("there is no prohibition '{prohibition}'")))?;
            for id in products {
                match ruleset.product(id) {
                    Some(product) if found.covers(product) => {}
                    Some(_) => {
                        let why = format!("'{id}' is not prohibited by {prohibition}: it needs no waiver");
                        return Err(Declined::Wrong(why));
                    }
                    None => return Err(Declined::Unknown(format!("there is no product '{id}'"))),
                }
            }
        }
        Excepted::Gap { source, .. } => word("a source", source)?,
    }
    change(court, &LawChange::Grant(new), by).await
}

/// Takes an exception back.
pub async fn withdraw(court: &Court, number: u64, by: &By) -> Result<u64, Declined> {
    change(court, &LawChange::Withdraw(number), by).await
}

/// Gives a host these tags and no others.
pub async fn tag(court: &Court, host: Id, mut tags: Vec<String>, by: &By) -> Result<Vec<String>, Declined> {
    tags.sort();
    tags.dedup();
    if tags.len() > MAX_TAGS {
        return Err(Declined::Wrong(format!("tags: a host has at most {MAX_TAGS}")));
    }
    tags.iter().try_for_each(|tag| word("a tag", tag))?;
    if !court.store().set_tags(host, &tags, by).await? {
        return Err(Declined::Unknown(format!("there is no host {host}")));
    }
    court.wake();
    Ok(tags)
}

/// Changes the law, and judges by it from now on.
async fn change(court: &Court, change: &LawChange, by: &By) -> Result<u64, Declined> {
    let changed = court.store().change_law(change, by).await?;
    let version =
        changed.ok_or_else(|| Declined::Unknown("there is no such thing, or not any more".to_owned()))?;
    court.follow().await?;
    Ok(version)
}

fn word(what: &str, word: &str) -> Result<(), Declined> {
    let is_fit = |c: char| c.is_alphanumeric() || "-_.:/".contains(c);
    if word.is_empty() || word.chars().count() > MAX_WORD || !word.chars().all(is_fit) {
        return Err(Declined::Wrong(format!(
            "'{}' cannot be {what}: that has between 1 and {MAX_WORD} letters, digits, and of - _ . : /",
            word.escape_debug()
        )));
    }
    Ok(())
}

fn text(what: &str, text: &str) -> Result<(), Declined> {
    let long = text.chars().count() > MAX_TEXT;
    if text.trim().is_empty() || long || text.contains(char::is_control) {
        return Err(Declined::Wrong(format!("{what}: between 1 and {MAX_TEXT} letters in one line")));
    }
    Ok(())
}
