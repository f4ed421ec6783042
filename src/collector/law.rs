//! By what the fleet is judged: the active rules, which policies are whose, and the exceptions that were granted.
//!
//! Made by `court` of what the store keeps, and asked for every host. One law does not change: another one takes its place.
//! Must not know the wire nor databases.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::model::{Date, Family, FleetRules, Id, RULES_SCHEMA, RulesFolder};
use crate::ruleset::{
    Answer, Choice, Diagnostic, Granted, Policy, Ruleset, Sent, Sought, Unsought, load, render,
};

use super::store::{Excepted, ExceptionRow, LawState, Whose};

mod turns;

use turns::Turns;

/// The policy by which a host is judged, as a scan is by default.
const DEFAULT_POLICY: &str = "us-commerce";
/// What messages call rules that were sent.
const NAME: &str = "rules";
/// What led scans, of which it is remembered what they can say.
const MOST_LED: usize = 256;

/// By what the fleet is judged.
#[derive(Debug)]
pub struct Law {
    version: u64,
    since: Option<Date>,
    ruleset: Arc<Ruleset>,
    /// The folder beside the built-in rules.
    folder: Option<Arc<RulesFolder>>,
    default: Vec<String>,
    by_tag: BTreeMap<String, Vec<String>>,
    exceptions: Vec<ExceptionRow>,
    turns: Turns,
    led: Mutex<HashMap<LedBy, Arc<Led>>>,
}

/// The id of what led a scan, where that is told, and the family.
type LedBy = (Option<Id>, Family);

/// By what one host is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// Ids of the policies.
    pub policies: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Numbers of the exceptions.
    exceptions: Vec<u64>,
    /// Digest of all this and of the rules: where it is the same, the same follows.
    pub by: Id,
    /// Of which law it is.
    pub version: u64,
}

/// What a scan that was led by some rules can say of the law's prohibitions.
#[derive(Debug)]
pub(super) struct Led {
    /// What led it; none: that was not told.
    pub(super) sought: Option<Arc<Sought>>,
    /// What of a prohibition it did not look for.
    lacks: BTreeMap<String, Vec<Unsought>>,
    /// Whether it looked for every indicator: what every scan reads is known without, but not who has signed it.
    knows_all: bool,
}

impl Law {
    /// The built-in rules, under the policy that is asked by default. An error is their faults, as text.
    pub fn built_in() -> Result<Self, String> {
        let policies = vec![DEFAULT_POLICY.to_owned()];
        let ruleset = compiled(None, Some(policies)).map_err(|faults| render(&faults, false))?;
        Ok(Self::of(LawState::default(), Arc::new(ruleset), None))
    }

    /// These rules, under these policies for every host.
    pub fn by(ruleset: Ruleset, policies: &[String]) -> Self {
        let state = LawState { default: policies.to_vec(), ..LawState::default() };
        Self::of(state, Arc::new(ruleset), None)
    }

    /// What the store keeps, with its rules made ready.
    pub(super) fn of(state: LawState, ruleset: Arc<Ruleset>, folder: Option<Arc<RulesFolder>>) -> Self {
        let LawState { version, since, mut default, by_tag, exceptions, .. } = state;
        let since = since.map(Date::of);
        if default.is_empty() {
            default.push(DEFAULT_POLICY.to_owned());
        }
        let asked: BTreeSet<&String> = by_tag.values().flatten().chain(&default).collect();
        let asked: Vec<&Policy> = asked.into_iter().filter_map(|id| ruleset.policy(id)).collect();
        let turns = Turns::of(&ruleset, &asked, exceptions.iter().map(|one| &one.expires));
        let led = Mutex::default();
        Self { version, since, ruleset, folder, default, by_tag, exceptions, turns, led }
    }

    /// The same with other rules, or other policies for every host: to be tried.
    pub(super) fn with(&self, ruleset: Arc<Ruleset>, policies: Option<Vec<String>>) -> Self {
        let by_tag = if policies.is_some() { BTreeMap::new() } else { self.by_tag.clone() };
        let default = policies.unwrap_or_else(|| self.default.clone());
        let (version, exceptions) = (self.version, self.exceptions.clone());
        let state = LawState { version, since: None, default, by_tag, exceptions, active: None };
        Self::of(state, ruleset, None)
    }

    /// Number of the law: a later one has a higher.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The day on which it was last changed, and every host has been judged anew since.
    pub(super) fn since(&self) -> Option<Date> {
        self.since
    }

    /// The rules.
    pub(super) fn ruleset(&self) -> &Ruleset {
        &self.ruleset
    }

    /// The rules, to be kept.
    pub(super) fn ruleset_arc(&self) -> Arc<Ruleset> {
        Arc::clone(&self.ruleset)
    }

    /// Every policy that is asked of some host, and whose it is; none: of hosts without another.
    pub(super) fn assignments(&self) -> impl Iterator<Item = (Option<&str>, &String)> {
        let default = self.default.iter().map(|policy| (None, policy));
        default.chain(
            self.by_tag
                .iter()
                .flat_map(|(tag, policies)| policies.iter().map(move |policy| (Some(tag.as_str()), policy))),
        )
    }

    /// Whether something begins or ends to hold after one day and until another.
    pub(super) fn turns_between(&self, then: Date, today: Date) -> bool {
        self.turns.between(then, today)
    }

    /// Whether a host may be judged otherwise than another that was looked at in the same manner, for it is called so.
    pub(super) fn names_hosts(&self) -> bool {
        self.ruleset.accepted_gaps().iter().any(|gap| !gap.hosts.are_all())
    }

    /// By what a host is judged.
    pub(super) fn assigned(&self, host: Id, tags: &[String]) -> Assigned {
        let of_tags: BTreeSet<&String> =
            tags.iter().filter_map(|tag| self.by_tag.get(tag)).flatten().collect();
        let policies: Vec<String> =
            if of_tags.is_empty() { self.default.clone() } else { of_tags.into_iter().cloned().collect() };
        let is_its = |one: &&ExceptionRow| match &one.whose {
            Whose::Host(of) => *of == host,
            Whose::Tag(of) => tags.contains(of),
        };
        let exceptions: Vec<u64> = self.exceptions.iter().filter(is_its).map(|one| one.number).collect();
        let mut hash = Sha256::new();
        let texts = policies.iter().map(String::as_str);
        for text in [self.ruleset.digest()].into_iter().chain(texts) {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        for number in &exceptions {
            hash.update(number.to_be_bytes());
        }
        let (by, version) = (Id::of(&hash.finalize()), self.version);
        Assigned { policies, tags: tags.to_vec(), exceptions, by, version }
    }

    /// The policies of a host that the rules have, and whether that is all of them.
    pub(super) fn policies(&self, assigned: &Assigned) -> (Vec<&Policy>, bool) {
        let found: Vec<&Policy> = assigned.policies.iter().filter_map(|id| self.ruleset.policy(id)).collect();
        let all = found.len() == assigned.policies.len();
        (found, all)
    }

    /// The exceptions of a host.
    pub(super) fn granted(&self, assigned: &Assigned) -> Granted {
        let mut granted = Granted::default();
        for one in self.exceptions.iter().filter(|one| assigned.exceptions.contains(&one.number)) {
            let answer =
                Answer { reason: one.reason.clone(), approver: one.owner.clone(), expires: one.expires };
            let name = format!("exception {} of the collector", one.number);
            match one.excepted.clone() {
                Excepted::Finding { prohibition, products } => {
                    granted.waive(&name, prohibition, products, answer);
                }
                Excepted::Gap { source, gaps } => granted.accept_gap(&name, source, gaps, answer),
            }
        }
        granted
    }

    /// What a host is told, so that its next scan is led by what it is judged by; none: it does that by itself.
    pub(super) fn fleet_rules(&self, assigned: &Assigned) -> Option<FleetRules> {
        let tag = self.tag(assigned)?;
        let folder = self.folder.as_deref().cloned();
        Some(FleetRules { schema: RULES_SCHEMA.into(), tag, policies: assigned.policies.clone(), folder })
    }

    /// What tells such rules from others.
    pub(super) fn tag(&self, assigned: &Assigned) -> Option<Id> {
        if self.folder.is_none() && assigned.policies == [DEFAULT_POLICY] {
            return None;
        }
        let mut hash = Sha256::new();
        if let Some(folder) = &self.folder {
            hash.update(folder.sums.as_bytes());
            hash.update(folder.signature.as_bytes());
        }
        for policy in &assigned.policies {
            hash.update([0]);
            hash.update(policy.as_bytes());
        }
        Some(Id::of(&hash.finalize()))
    }

    /// What a scan can say that was led so.
    pub(super) fn led(&self, sought: Option<&Arc<Sought>>, family: Family) -> Arc<Led> {
        let key = (sought.map(|sought| sought.id()), family);
        if let Some(led) = self.led.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(led);
        }
        let led = Arc::new(self.made(sought, family));
        let mut all = self.led.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_LED {
            all.clear();
        }
        all.insert(key, Arc::clone(&led));
        led
    }

    fn made(&self, sought: Option<&Arc<Sought>>, family: Family) -> Led {
        let (mut lacks, mut knows_all) = (BTreeMap::new(), true);
        let Some(sought) = sought else { return Led { sought: None, lacks, knows_all: false } };
        for (_, policy) in self.assignments() {
            for one in self.ruleset.policy(policy).iter().flat_map(|policy| &policy.prohibitions) {
                knows_all &= self.ruleset.was_sought(one, family, sought);
                lacks.entry(one.id.clone()).or_insert_with(|| self.ruleset.unsought(one, family, sought));
            }
        }
        Led { sought: Some(Arc::clone(sought)), lacks, knows_all }
    }
}

impl Led {
    /// Why a scan does not answer a prohibition; `signatures`: some that could count were not proven.
    pub(super) fn needs_a_scan(&self, prohibition: &str, signatures: bool) -> Option<String> {
        if self.sought.is_none() {
            return Some("needs a scan: the last report does not tell what led its scan".to_owned());
        }
        let mut lacks = self.lacks.get(prohibition).cloned().unwrap_or_default();
        lacks.extend(signatures.then_some(Unsought::Signatures));
        if lacks.is_empty() {
            return None;
        }
        let words: Vec<&str> = lacks.iter().map(|one| one.words()).collect();
        Some(format!(
            "needs a scan: the last one was led by other rules, and did not look for what these name ({})",
            words.join(", ")
        ))
    }

    /// Whether it looked for every indicator of any of the law's prohibitions.
    pub(super) fn is_whole(&self) -> bool {
        self.knows_all
    }
}

/// The built-in rules, with a folder beside them where there is one, as far as policies need them. Whoever kept the folder has
/// verified it.
pub(super) fn compiled(
    folder: Option<&RulesFolder>,
    policies: Option<Vec<String>>,
) -> Result<Ruleset, Vec<Diagnostic>> {
    let sent = folder.map(|folder| Sent { name: NAME.to_owned(), folder: folder.clone(), keys: Vec::new() });
    let loaded = load(&Choice { examples: false, sent, policies, ..Choice::default() });
    loaded.ruleset.ok_or(loaded.diagnostics)
}
