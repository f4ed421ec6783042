//! The collector's rules on this computer: fetched when a report was delivered, verified here, used by the next scan.
//!
//! Called by `ship` and `spool flush`, which may be another user than the one who scans. Believed are the keys of the
//! configuration, else those that were given when this computer was enrolled; never one that the collector names, for whoever
//! holds the collector must not be able to make rules. What a scan uses it verifies by its own memory of these keys: who sends
//! can write the fleet's folder, and must not be able to make rules either.

use crate::emit::safe::safe;
use crate::model::FleetRules;
use crate::ruleset::{Choice, Sent as SentRules, Signed, TrustedKey, load_trusted, verify_sent};
use crate::ship::{Disk, forget_rules, keep_rules, kept_rules};

use super::config::Config;
use super::exit::Failure;
use super::fleet::{Sender, Sent};
use super::printer::Printer;
use super::rules_sign::trusted_key;
use super::state::Memory;

/// What messages and reports call them.
const NAME: &str = "the collector's rules";

/// Who is believed.
pub(super) struct Trust(Vec<TrustedKey>);

impl Trust {
    /// By the configuration, else by what was given at enrolment.
    pub(super) fn of(config: &Config, given: &[String]) -> Result<Self, Failure> {
        let named = if config.trusted_keys.is_empty() { given } else { &config.trusted_keys };
        let key = |text: &String| {
            let read = TrustedKey::read(text);
            read.or_else(|_| trusted_key(text))
        };
        Ok(Self(named.iter().map(key).collect::<Result<_, Failure>>()?))
    }

    /// Rules that may be used; else why they may not.
    fn verified(&self, rules: &FleetRules) -> Result<Option<(SentRules, Signed)>, String> {
        let Some(folder) = &rules.folder else { return Ok(None) };
        if self.0.is_empty() {
            let why = "no key is trusted here; name the one that signs them with trusted_keys in the configuration, or \
                       enrol with --trusted-key";
            return Err(why.to_owned());
        }
        let sent = SentRules { name: NAME.to_owned(), folder: folder.clone(), keys: self.0.clone() };
        let signed = verify_sent(&sent).map_err(|(faults, refusals)| {
            let faults = faults.iter().map(|fault| fault.label.clone());
            let refusals = refusals.iter().map(ToString::to_string);
            refusals.chain(faults).collect::<Vec<_>>().join("; ")
        })?;
        Ok(Some((sent, signed)))
    }
}

/// The configuration with what the collector says, where this computer's own says nothing else. What cannot be verified is
/// said, and the scan is led by the built-in rules: the collector sees that, and holds nothing for met that these cannot show.
pub(super) fn led(
    config: &Config,
    disk: &Disk,
    memory: &Memory,
    printer: &Printer,
) -> Result<Config, Failure> {
    let mut config = config.clone();
    let Some(rules) = kept_rules(disk)? else { return Ok(config) };
    let trust = Trust::of(&config, &memory.keys()?)?;
    let usable = trust.verified(&rules).and_then(|verified| {
        let Some((sent, signed)) = verified else { return Ok(None) };
        // What was accepted before is known to who scans, not to who fetches.
        memory.judge(std::slice::from_ref(&signed)).map_err(|failure| failure.to_string())?;
        Ok(Some(sent))
    });
    match usable {
        Ok(sent) => config.sent = sent,
        Err(why) => {
            refused(&why, printer);
            return Ok(config);
        }
    }
    if config.policies.is_empty() && config.rules.is_empty() {
        config.policies = known(&config, rules.policies, printer);
    }
    Ok(config)
}

/// Of the policies that the collector names those that the rules here have.
fn known(config: &Config, policies: Vec<String>, printer: &Printer) -> Vec<String> {
    let (sent, built_in) = (config.sent.clone(), config.built_in);
    let choice =
        Choice { built_in, examples: false, sent, policies: Some(policies.clone()), ..Choice::default() };
    let ruleset = load_trusted(&choice, &[]).ruleset;
    let is_known = |id: &String| ruleset.as_ref().is_some_and(|rules| rules.policy(id).is_some());
    let (known, unknown): (Vec<String>, Vec<String>) = policies.into_iter().partition(is_known);
    for id in unknown {
        printer.note(&format!(
            "warning: the collector judges this computer under the policy {}, which the rules here do not have; update \
             interdict",
            safe(&id)
        ));
    }
    known
}

fn refused(why: &str, printer: &Printer) {
    printer.note(&format!("warning: {NAME} are not used: {}", safe(why)));
}

/// Fetches what this computer is judged by, where that is not what it has; what cannot be verified is not kept. Where it does not
/// come, the next report asks again.
pub(super) fn follow(
    sender: &Sender<'_>,
    sent: &Sent,
    trust: &Trust,
    printer: &Printer,
) -> Result<(), Failure> {
    let (client, disk, tag) = (sender.client(), sender.disk(), sent.rules);
    let had = kept_rules(disk)?.map(|rules| rules.tag);
    if sent.kept == 0 || tag == had {
        return Ok(());
    }
    if tag.is_none() {
        forget_rules(disk)?;
        printer.note(
            "the collector has no rules of its own any more: the next scan is led by those of this computer",
        );
        return Ok(());
    }
    let rules = match client.rules(had) {
        Ok(Some(rules)) => rules,
        Ok(None) => return Ok(()),
        Err(trouble) => {
            let why = trouble.to_string();
            printer.note(&format!("warning: {NAME} were not fetched: {}", safe(&why)));
            return Ok(());
        }
    };
    if let Err(why) = trust.verified(&rules) {
        refused(&why, printer);
        return Ok(());
    }
    keep_rules(disk, &rules)?;
    printer.note(&format!("{NAME} have changed: the next scan is led by them"));
    Ok(())
}
