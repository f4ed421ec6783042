//! A report as it waits in the spool, and the documents of the wire that are made of it: the head, and of the body what the
//! collector has not.
//!
//! Put together by `cli` from sets that `normalise` made; called by `deliver`. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{
    Body, CHECK_IN_SCHEMA, Depth, Digests, Entry, Header, HostFacts, Id, RulesetStamp, ScopeAsk, Seen,
    SetSent, SourceSent, SourceSet, Stamp, Tool, Verdict, set_of,
};

/// All that is sent of a report, whole: whatever the collector has by then, it can be told what is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Id of the report.
    pub report: Id,
    /// When the scan began.
    pub scanned_at: Stamp,
    /// The program.
    pub tool: Tool,
    /// The host.
    pub facts: HostFacts,
    /// The rules that it was judged by.
    pub ruleset: RulesetStamp,
    /// Which halves were looked at.
    pub scope: ScopeAsk,
    /// How deep.
    pub depth: Depth,
    /// The verdict.
    pub verdict: Verdict,
    /// Digest of the machine.
    pub machine: Id,
    /// First 16 bytes of the digest of the rules.
    pub rules: Id,
    /// Ids of the policies that it was judged by.
    pub policies: Vec<String>,
    /// What led the look: the id of its text, and the text. None: the rules are not there any more.
    #[serde(default)]
    pub led: Option<(Id, String)>,
    /// Digest of all that a body says.
    pub inventory: Id,
    /// What each source saw.
    pub sources: Vec<SourceSet>,
    /// What the ids stand for.
    pub seen: Vec<(Id, Seen)>,
}

/// What the collector had when it last said that it keeps a report, as far as this computer knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Base {
    /// By name of the source: the digest of the set, and what is in it.
    pub sets: BTreeMap<String, (Id, Vec<Entry>)>,
}

/// Where a report stands in the line of reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The installation.
    pub install: Id,
    /// Its number.
    pub seq: u64,
    /// The last report that the collector has acknowledged.
    pub previous: Option<Id>,
    /// Reports since then whose answer never came.
    pub tried: Vec<Id>,
    /// The moment.
    pub sent_at: Stamp,
}

impl Parcel {
    /// The head of a check-in.
    pub fn header(&self, line: &Line) -> Header {
        Header {
            schema: Cow::Borrowed(CHECK_IN_SCHEMA),
            install: line.install,
            seq: line.seq,
            report: self.report,
            previous: line.previous,
            tried: line.tried.clone(),
            scanned_at: self.scanned_at,
            sent_at: line.sent_at,
            inventory: self.inventory,
            machine: self.machine,
            rules: self.rules,
            verdict: self.verdict,
        }
    }

    /// The body: of each source what is not as the collector says that it has it, told against that where this computer knows
    /// what it was.
    pub fn body(&self, has: &BTreeMap<String, Digests>, base: &Base) -> Body {
        let (mut sources, mut kept) = (Vec::new(), BTreeMap::new());
        for source in &self.sources {
            let name = source.report.source.as_ref();
            let now = Digests { state: source.state, set: source.set };
            let had = has.get(name);
            if had == Some(&now) {
                kept.insert(name.to_owned(), now);
                continue;
            }
            let old = had.and_then(|had| had.set);
            sources.push(SourceSent {
                report: source.report.clone(),
                set: source.set.map(|digest| set(source, digest, old, base.sets.get(name))),
            });
        }
        Body {
            tool: self.tool.clone(),
            facts: self.facts.clone(),
            ruleset: self.ruleset.clone(),
            policies: self.policies.clone(),
            led: self.led.as_ref().map(|(id, _)| *id),
            sought: None,
            scope: self.scope,
            depth: self.depth,
            sources,
            kept,
            seen: Vec::new(),
        }
    }

    /// What ids stand for; those that are not of this report are left.
    pub fn seen(&self, ids: &[Id]) -> Vec<Seen> {
        let ids: BTreeSet<&Id> = set_of(ids.iter());
        self.seen.iter().filter(|(id, _)| ids.contains(id)).map(|(_, seen)| seen.clone()).collect()
    }

    /// What the collector has once it keeps this.
    pub fn base(&self) -> Base {
        let sets = self.sources.iter().filter_map(|source| {
            Some((source.report.source.to_string(), (source.set?, source.entries.clone())))
        });
        Base { sets: sets.collect() }
    }
}

/// A set, against what the collector says that it has where that is known here, and less to tell.
fn set(source: &SourceSet, digest: Id, old: Option<Id>, known: Option<&(Id, Vec<Entry>)>) -> SetSent {
    let whole = || SetSent { base: None, digest, add: source.entries.clone(), remove: Vec::new() };
    let Some(old) = old else { return whole() };
    if old == digest {
        return SetSent { base: Some(old), digest, add: Vec::new(), remove: Vec::new() };
    }
    let Some((_, entries)) = known.filter(|(known, _)| *known == old) else { return whole() };
    let before: BTreeMap<Id, &Entry> = entries.iter().map(|entry| (entry.id, entry)).collect();
    let after: BTreeSet<Id> = set_of(source.entries.iter().map(|entry| entry.id));
    let is_new = |entry: &&Entry| before.get(&entry.id).is_none_or(|had| *had != *entry);
    let add: Vec<Entry> = source.entries.iter().filter(is_new).copied().collect();
    let remove: Vec<Id> = before.keys().filter(|id| !after.contains(id)).copied().collect();
    if add.len() + remove.len() > source.entries.len() {
        return whole();
    }
    SetSent { base: Some(old), digest, add, remove }
}
