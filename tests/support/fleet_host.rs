//! A host that checks in by the words of the wire, without a program of its own: what it tells is a real report, changed as a
//! test wants it.
//!
//! Beside `collector.rs`, for tests that need many hosts, or ones that do not keep the rules.
#![expect(unreachable_pub, reason = "shared by test files that each use a part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "each test file uses its part"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use interdict::model::{
    Body, CHECK_IN_SCHEMA, CheckIn, Digests, Header, Id, Item, Report, Seen, SetSent, SourceSent, Version,
};
use interdict::normalise::item_id;
use interdict::normalise::sets::{About, Sets, digests, inventory_digest, machine_digest, policies, sets};
use interdict::ruleset::{Choice, Ruleset, Sought, load};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::collector::{Answer, Collector};

/// An enrolled host.
#[derive(Clone)]
pub struct FleetHost {
    /// Its id.
    pub host: String,
    /// Its token.
    pub token: String,
    /// What it tells.
    pub report: Report,
    /// Number of its last report.
    pub seq: u64,
    /// The last report that was acknowledged.
    pub previous: Option<Id>,
    /// Reports since then that were sent and whose answer never came.
    pub tried: Vec<Id>,
    /// Its installation.
    pub install: Id,
}

/// An id that is the same for the same words.
pub fn id(words: &str) -> Id {
    Id::of(&Sha256::digest(words.as_bytes()))
}

impl FleetHost {
    /// Enrols one of this name that is like the report's.
    pub fn enrol(collector: &Collector, name: &str, report: &Report) -> Self {
        let mut report = report.clone();
        report.host.name = Some(name.to_owned());
        report.host.machine_id = Some(id(name).to_string());
        let install = id(&format!("install {name}"));
        let body = json!({
            "secret": collector.secret(), "install": install, "machine": machine_digest(&report.host),
            "name": name, "family": report.host.family, "tool": report.tool,
        });
        let answer = collector.post_json("/api/v1/enrol", None, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let told = answer.json();
        let text = |key: &str| told[key].as_str().unwrap().to_owned();
        Self {
            host: text("host"),
            token: text("token"),
            report,
            seq: 0,
            previous: None,
            tried: Vec::new(),
            install,
        }
    }

    /// Something on it has another version from now on.
    pub fn update(&mut self, version: &str) {
        let first = self.report.inventory.as_mut().unwrap().first_mut().unwrap();
        let raw = version.to_owned();
        let scheme = first.item.version.as_ref().unwrap().scheme;
        let item = Item { version: Some(Version { raw, scheme }), ..first.item.clone() };
        first.item = Item { id: item_id(&item), ..item };
    }

    /// What it holds, as sets.
    pub fn sets(&self) -> Sets {
        let told: BTreeSet<_> = self
            .report
            .findings
            .iter()
            .flat_map(|finding| finding.evidence.iter().map(|one| one.item))
            .collect();
        sets(self.report.inventory.as_ref().unwrap(), &self.report.coverage, &told)
    }

    /// The head of its next report.
    pub fn header(&self, sets: &Sets) -> Header {
        let (report, seq) = (&self.report, self.seq + 1);
        let about = About { led: Some(sought(report).id()), ..About::of(report, rules(report)) };
        Header {
            schema: CHECK_IN_SCHEMA.into(),
            install: self.install,
            seq,
            report: id(&format!("{} {} {}", self.host, seq, self.tried.len())),
            previous: self.previous,
            tried: self.tried.clone(),
            scanned_at: report.scanned_at,
            sent_at: report.scanned_at,
            inventory: inventory_digest(&about, &digests(&sets.sources)),
            machine: machine_digest(&report.host),
            rules: rules(report),
            verdict: report.verdict,
        }
    }

    /// What the collector asked for: the sources that it has not, whole.
    pub fn body(&self, sets: &Sets, has: &BTreeMap<String, Digests>) -> Body {
        let mine = digests(&sets.sources);
        let same = |name: &str| has.get(name).is_some_and(|has| mine.get(name) == Some(has));
        let sources = sets.sources.iter().filter(|source| !same(&source.report.source));
        let sent = sources.map(|source| SourceSent {
            report: source.report.clone(),
            set: source.set.map(|digest| SetSent {
                base: None,
                digest,
                add: source.entries.clone(),
                remove: Vec::new(),
            }),
        });
        Body {
            tool: self.report.tool.clone(),
            facts: self.report.host.clone(),
            ruleset: self.report.ruleset.clone(),
            policies: policies(&self.report).map(str::to_owned).collect(),
            led: Some(sought(&self.report).id()),
            sought: None,
            scope: self.report.claim.scope,
            depth: self.report.claim.depth,
            sources: sent.collect(),
            kept: mine
                .iter()
                .filter(|(name, _)| same(name))
                .map(|(name, has)| (name.clone(), *has))
                .collect(),
            seen: Vec::new(),
        }
    }

    /// One turn.
    pub fn say(&self, collector: &Collector, check_in: &CheckIn) -> Answer {
        collector.post_json("/api/v1/check-in", Some(&self.token), check_in)
    }

    /// The whole conversation about its next report: how many turns it took, once that is acknowledged.
    pub fn check_in(&mut self, collector: &Collector) -> Result<usize, Answer> {
        let sets = self.sets();
        let header = self.header(&sets);
        let mut check_in = CheckIn { header, body: None };
        for turn in 1..=4 {
            let answer = self.say(collector, &check_in);
            if answer.status != 200 {
                // It may have been kept, and the next report may be another one.
                self.tried.push(check_in.header.report);
                return Err(answer);
            }
            let told = answer.json();
            match told["answer"].as_str().unwrap() {
                "kept" => {
                    self.seq = check_in.header.seq;
                    self.previous = Some(check_in.header.report);
                    self.tried.clear();
                    return Ok(turn);
                }
                "send" => {
                    let has: BTreeMap<String, Digests> =
                        serde_json::from_value(told["sources"].clone()).unwrap();
                    check_in.body = Some(self.body(&sets, &has));
                    check_in.header.seq = check_in.header.seq.max(told["seq"].as_u64().unwrap() + 1);
                }
                "need" => {
                    let body = check_in.body.as_mut().unwrap();
                    body.seen = asked_for(&told, &sets);
                    let text = || sought(&self.report).text().to_owned();
                    body.sought = (told["sought"] == true).then(text);
                }
                other => panic!("{other}"),
            }
        }
        panic!("more turns than there are");
    }
}

/// What led the look of a report, by the built-in rules.
pub fn sought(report: &Report) -> Sought {
    static RULES: OnceLock<Ruleset> = OnceLock::new();
    let rules = RULES.get_or_init(|| load(&Choice { examples: false, ..Choice::default() }).ruleset.unwrap());
    rules.led(report).unwrap()
}

fn asked_for(told: &Value, sets: &Sets) -> Vec<Seen> {
    let ids: Vec<Id> = serde_json::from_value(told["ids"].clone()).unwrap();
    ids.iter().map(|id| sets.seen[id].clone()).collect()
}

/// Id of the rules of a report: the first half of their digest.
fn rules(report: &Report) -> Id {
    let digits = report.ruleset.digest.rsplit(':').next().unwrap();
    digits.get(..32).unwrap().parse().unwrap()
}
