//! A machine that checks in as an endpoint does, and the fleet that it checks in to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use interdict::collector::check_in::{Desk, Refusal};
use interdict::collector::judging::Judging;
use interdict::collector::store::postgres::{Address, Postgres};
use interdict::collector::store::sqlite::Sqlite;
use interdict::collector::store::{Enrolment, HostDetail, NewHost, SecretHash, Store};
use interdict::model::{
    Answer, Body, CHECK_IN_SCHEMA, CheckIn, Entry, Header, Id, Report, Seen, SetSent, SourceSent, Stamp,
    Status,
};
use interdict::normalise::sets::{self, About, Sets};
use sha2::{Digest as _, Sha256};

use crate::golden;
use crate::postgres_server::{bouncer, shared};

/// The day on which the tests begin.
pub const START: i64 = 1_790_000_000;
/// A day.
pub const DAY: i64 = 86_400;

pub fn at(seconds: i64) -> Stamp {
    Stamp::from_unix(START + seconds).unwrap()
}

/// An id of the tests' own.
pub fn id(text: &str) -> Id {
    Id::of(&Sha256::digest(text))
}

pub fn secret(text: &str) -> SecretHash {
    SecretHash(Sha256::digest(text).into())
}

/// A collector without its door.
pub struct Fleet {
    pub store: Arc<dyn Store>,
    pub desk: Desk,
    pub folder: tempfile::TempDir,
    /// Address and name of a database in a server.
    pub database: Option<(String, String)>,
}

impl Fleet {
    /// In a file.
    pub async fn sqlite() -> Option<Self> {
        Some(Self::begin(None).await)
    }

    /// In a PostgreSQL.
    pub async fn postgres() -> Option<Self> {
        let server = shared()?;
        let database = server.database();
        Some(Self::begin(Some((server.url(&database), database))).await)
    }

    /// In a PostgreSQL behind a pgbouncer in transaction mode.
    pub async fn pooled() -> Option<Self> {
        let (server, bouncer) = (shared()?, bouncer()?);
        let database = server.database();
        Some(Self::begin(Some((bouncer.url(&database), database))).await)
    }

    async fn begin(database: Option<(String, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder, database.as_ref()).await;
        let desk = Desk::judging(Arc::clone(&store), Judging::built_in().unwrap());
        Self { store, desk, folder, database }
    }

    /// Another collector on the same fleet.
    pub async fn beside(&self) -> Arc<dyn Store> {
        open(&self.folder, self.database.as_ref()).await
    }

    /// The same fleet, judged by other rules.
    pub fn judged(self, judging: Judging) -> Self {
        Self { desk: Desk::judging(Arc::clone(&self.store), judging), ..self }
    }

    /// Bytes of the sets of a host in the database: what they hold, and ten for the numbers and the heads of a row.
    pub fn set_bytes(&self, host: Id) -> i64 {
        if let Some((_, name)) = &self.database {
            let ask = format!(
                "SELECT SUM(LENGTH(source) + LENGTH(state) + LENGTH(ended) + COALESCE(LENGTH(digest), 0) + \
                 COALESCE(LENGTH(entries), 0) + COALESCE(LENGTH(whole), 0) + 10) FROM host_set \
                 WHERE host = (SELECT no FROM host WHERE id = '\\x{host}')"
            );
            return shared().unwrap().psql(name, &ask).unwrap().parse().unwrap();
        }
        let database = rusqlite::Connection::open(self.folder.path().join("fleet.db")).unwrap();
        let ask = "SELECT SUM(LENGTH(source) + LENGTH(state) + LENGTH(ended) + COALESCE(LENGTH(digest), 0) + \
                   COALESCE(LENGTH(entries), 0) + COALESCE(LENGTH(whole), 0) + 10) FROM host_set \
                   WHERE host = (SELECT no FROM host WHERE id = ?1)";
        database.query_row(ask, [host.0.to_vec()], |row| row.get(0)).unwrap()
    }

    pub async fn detail(&self, host: Id) -> HostDetail {
        self.store.host(host, None).await.unwrap().unwrap()
    }
}

async fn open(folder: &tempfile::TempDir, database: Option<&(String, String)>) -> Arc<dyn Store> {
    match database {
        Some((url, _)) => {
            let address = Address::read(url).unwrap().unwrap();
            Arc::new(Postgres::open(&address, 8).await.unwrap())
        }
        None => Arc::new(Sqlite::open(&folder.path().join("fleet.db")).await.unwrap()),
    }
}

/// A machine with the state that an endpoint keeps. A clone is a copied disk.
#[derive(Debug, Clone)]
pub struct Machine {
    pub host: Id,
    pub install: Id,
    pub seq: u64,
    pub previous: Option<Id>,
    /// Seconds that its reports wait before they are sent.
    pub waits: i64,
    /// Sets whose digest the collector has acknowledged.
    pub sent: BTreeMap<Id, Vec<Entry>>,
}

/// What passed between a machine and the fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Talk {
    /// Words of the answers.
    pub answers: Vec<&'static str>,
    /// Sources in the last body.
    pub sources: usize,
    /// Entries in the last body.
    pub entries: usize,
    /// Bodies of sightings in the last body.
    pub seen: usize,
    /// Whether it was asked what led the look.
    pub sought: bool,
}

impl Machine {
    /// Enrols one that will report of this host.
    pub async fn enrol(fleet: &Fleet, name: &str, report: &Report) -> Self {
        let host = id(&format!("host {name}"));
        let new = NewHost {
            host,
            install: id(&format!("install {name}")),
            machine: sets::machine_digest(&report.host),
            name: report.host.name.clone(),
            family: report.host.family.word(),
            token: secret(name),
            replaces: None,
        };
        assert_eq!(fleet.store.enrol(&new, at(0)).await.unwrap(), Enrolment::New);
        Self { host, install: new.install, seq: 0, previous: None, waits: 0, sent: BTreeMap::new() }
    }

    /// Loses what it remembers of what it has sent.
    pub fn forget(&mut self) {
        self.sent.clear();
    }

    /// The head of the next report.
    pub fn header(&self, report: &Report, sets: &Sets, name: &str) -> Header {
        Header {
            schema: CHECK_IN_SCHEMA.into(),
            install: self.install,
            seq: self.seq + 1,
            report: id(name),
            previous: self.previous,
            tried: Vec::new(),
            scanned_at: report.scanned_at,
            sent_at: Stamp::from_unix(report.scanned_at.unix() + self.waits).unwrap(),
            inventory: sets::inventory_digest(
                &About {
                    led: golden::sought(report).map(|sought| sought.id()),
                    ..About::of(report, rules(report))
                },
                &sets::digests(&sets.sources),
            ),
            machine: sets::machine_digest(&report.host),
            rules: rules(report),
            verdict: report.verdict,
        }
    }

    /// Checks in as the protocol says, and remembers what was acknowledged.
    pub async fn check_in(
        &mut self,
        fleet: &Fleet,
        report: &Report,
        name: &str,
        now: Stamp,
    ) -> Result<Talk, Refusal> {
        let sets = sets_of(report);
        let mut header = self.header(report, &sets, name);
        let mut talk = Talk::default();
        let mut body = None;
        for _ in 0..4 {
            let sent = CheckIn { header: header.clone(), body: body.clone() };
            // As it goes over the wire.
            let sent: CheckIn = serde_json::from_slice(&serde_json::to_vec(&sent).unwrap()).unwrap();
            match fleet.desk.receive(self.host, sent, now).await? {
                Answer::Kept { history, .. } => {
                    talk.answers.push(if history { "history" } else { "kept" });
                    self.seq = header.seq;
                    self.previous = Some(header.report);
                    let acknowledged = sets.sources.into_iter();
                    self.sent = acknowledged.filter_map(|one| Some((one.set?, one.entries))).collect();
                    return Ok(talk);
                }
                Answer::Send { seq, sources } => {
                    talk.answers.push("send");
                    header.seq = header.seq.max(seq + 1);
                    let made = self.body(report, &sets, &sources);
                    talk.sources = made.sources.len();
                    talk.entries =
                        made.sources.iter().flat_map(|one| &one.set).map(|set| set.add.len()).sum();
                    body = Some(made);
                }
                Answer::Need { ids, sought } => {
                    talk.answers.push("need");
                    let body = body.as_mut().unwrap();
                    if sought {
                        talk.sought = true;
                        body.sought = golden::sought(report).map(|sought| sought.text().to_owned());
                    }
                    body.seen = ids.iter().map(|id| sets.seen[id].clone()).collect();
                    talk.seen = body.seen.len();
                }
            }
        }
        panic!("the talk does not end: {talk:?}");
    }

    fn body(&self, report: &Report, sets: &Sets, has: &BTreeMap<String, interdict::model::Digests>) -> Body {
        let digests = sets::digests(&sets.sources);
        let kept = digests.iter().filter(|(name, one)| has.get(*name) == Some(*one));
        let kept: BTreeMap<_, _> = kept.map(|(name, one)| (name.clone(), *one)).collect();
        let changed = sets.sources.iter().filter(|one| !kept.contains_key(one.report.source.as_ref()));
        let sources = changed.map(|source| {
            let base = has.get(source.report.source.as_ref()).and_then(|one| one.set);
            let set = source.set.map(|digest| self.set(base, digest, &source.entries));
            SourceSent { report: source.report.clone(), set }
        });
        Body {
            tool: report.tool.clone(),
            facts: report.host.clone(),
            ruleset: report.ruleset.clone(),
            policies: sets::policies(report).map(str::to_owned).collect(),
            led: golden::sought(report).map(|sought| sought.id()),
            sought: None,
            scope: report.claim.scope,
            depth: report.claim.depth,
            sources: sources.collect(),
            kept,
            seen: Vec::new(),
        }
    }

    fn set(&self, base: Option<Id>, digest: Id, entries: &[Entry]) -> SetSent {
        let had = base.and_then(|base| self.sent.get(&base));
        let Some(had) = had else {
            return SetSent { base: None, digest, add: entries.to_vec(), remove: Vec::new() };
        };
        let ids: BTreeSet<Id> = entries.iter().map(|entry| entry.id).collect();
        let remove = had.iter().map(|entry| entry.id).filter(|id| !ids.contains(id)).collect();
        let add = entries.iter().filter(|entry| !had.contains(entry)).copied().collect();
        SetSent { base, digest, add, remove }
    }
}

/// The sets of a report with its inventory: items of findings are told although they merely run.
pub fn sets_of(report: &Report) -> Sets {
    let told = report.findings.iter().flat_map(|finding| &finding.evidence).map(|one| one.item).collect();
    sets::sets(report.inventory.as_ref().unwrap(), &report.coverage, &told)
}

/// What its ids stand for.
pub fn seen_of(report: &Report) -> BTreeMap<Id, Arc<Seen>> {
    sets_of(report).seen.into_iter().map(|(id, seen)| (id, Arc::new(seen))).collect()
}

pub fn rules(report: &Report) -> Id {
    report.ruleset.digest[..32].parse().unwrap()
}

/// The same look a while later.
pub fn later(report: &Report, seconds: i64) -> Report {
    Report { scanned_at: at(seconds), ..report.clone() }
}

/// The same look without an item.
pub fn without(report: &Report, name: &str) -> Report {
    let mut report = report.clone();
    report.inventory.as_mut().unwrap().retain(|item| item.item.name != name);
    report
}

/// The same look, of which a source could not see anything.
pub fn blind(report: &Report, source: &str) -> Report {
    let mut report = report.clone();
    for one in report.coverage.sources.iter_mut().filter(|one| one.source == source) {
        (one.status, one.records) = (Status::Failed, 0);
        one.reason = Some("permission denied".to_owned());
    }
    let items = report.inventory.as_mut().unwrap();
    for item in items.iter_mut() {
        item.sightings.retain(|one| one.source != source);
    }
    items.retain(|item| !item.sightings.is_empty());
    report
}
