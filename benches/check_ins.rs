//! What a collector without its door takes of check-ins: 200 hosts of 500 packages each, all at once, each commit on the disk.
//!
//!     cargo bench --bench check_ins              print the figures
//!
//! `kept` is the store alone; `unchanged` is the whole way of a report that tells nothing new; `changed` that of one in which
//! a package is new, which is judged.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a bench fails by panicking"
)]
#![expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "its numbers are small")]
#![expect(clippy::excessive_nesting, reason = "tasks of tasks")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use interdict::collector::check_in::Desk;
use interdict::collector::store::sqlite::Sqlite;
use interdict::collector::store::{Advance, Keep, NewHost, Reported, SecretHash, Standing, Store, Stored};
use interdict::model::{
    Answer, Body, CHECK_IN_SCHEMA, CheckIn, Coverage, Depth, Family, Header, HostFacts, Id, InventoryItem,
    Item, ItemId, ItemKind, Looked, Mode, Os, Place, Recorded, RulesetStamp, Scheme, Scope, ScopeAsk,
    ScopeKind, SetSent, Sighting, SourceReport, SourceSent, SourceSet, Stamp, State, Status, Tool, Verdict,
    Version,
};
use interdict::normalise::item_id;
use interdict::normalise::sets::{self, About};
use interdict::ruleset::built_in;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const HOSTS: u64 = 200;
const PACKAGES: u64 = 500;
const START: i64 = 1_790_000_000;

fn main() {
    divan::main();
}

fn id(text: &str) -> Id {
    Id::of(&Sha256::digest(text))
}

fn facts(host: u64) -> HostFacts {
    HostFacts {
        family: Family::Linux,
        os: Os { id: Some("debian".to_owned()), ..Os::default() },
        name: Some(format!("host-{host}")),
        machine_id: Some(format!("{host:032x}")),
        mode: Mode::Live,
        privileged: true,
        full_disk_access: None,
        users: Vec::new(),
        user_gaps: Vec::new(),
        aliases: Vec::new(),
        other_volumes: Vec::new(),
        windows: None,
    }
}

fn package(number: u64, version: &str) -> InventoryItem {
    let name = format!("package-{number}");
    let mut item = Item {
        id: ItemId([0; 16]),
        kind: ItemKind::Package,
        name: name.clone(),
        display_name: None,
        version: Some(Version::new(version, Scheme::Dpkg)),
        publisher: Some("Debian".to_owned()),
        signer: Looked::NotLooked,
        identifiers: Vec::new(),
        arch: Some("amd64".to_owned()),
        path: None,
    };
    item.id = item_id(&item);
    let sighting = Sighting {
        source: "dpkg".into(),
        state: State::Installed,
        scope: Scope::Machine,
        place: Place::record("/var/lib/dpkg/status".into(), format!("package {name}")),
        image: None,
        recorded_at: Recorded::serviced(1_700_000_000 + (number as i64 % 40) * 3_000),
        last_update: None,
        process: None,
        links: Vec::new(),
    };
    InventoryItem { item, sightings: vec![sighting] }
}

fn coverage() -> Coverage {
    let dpkg = SourceReport {
        source: "dpkg".into(),
        status: Status::Complete,
        reason: None,
        gaps: Vec::new(),
        records: PACKAGES,
        not_kept: 0,
        scopes: vec![ScopeKind::Machine],
        fields: Vec::new(),
        yields: vec![(ItemKind::Package, vec![State::Installed])],
        install_record: true,
        elapsed_ms: 1,
    };
    Coverage { sources: vec![dpkg] }
}

/// A fleet in which every host is known.
struct Fleet {
    runtime: Runtime,
    store: Arc<dyn Store>,
    desk: Desk,
    hosts: Vec<Id>,
    stamp: RulesetStamp,
    round: u64,
    _folder: tempfile::TempDir,
}

impl Fleet {
    /// One whose hosts have all told what they hold.
    fn told_all() -> Self {
        let mut fleet = Self::enrolled();
        fleet.all(|fleet, host| fleet.told(host, "1.0"));
        fleet
    }

    fn enrolled() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let runtime = Runtime::new().unwrap();
        let store: Arc<dyn Store> =
            Arc::new(runtime.block_on(Sqlite::open(&folder.path().join("fleet.db"))).unwrap());
        let desk = Desk::new(Arc::clone(&store)).unwrap();
        let rules = built_in().ruleset.unwrap();
        let stamp = RulesetStamp {
            origin: rules.origin().to_owned(),
            digest: rules.digest().to_owned(),
            vendors: rules.vendors().len(),
            indicators: rules.indicators().len(),
            version: None,
            stale_after: None,
            stale: false,
            signed_by: None,
        };
        let hosts = (0..HOSTS).map(|host| id(&format!("host {host}"))).collect();
        let fleet = Self { runtime, store, desk, hosts, stamp, round: 0, _folder: folder };
        for host in 0..HOSTS {
            let new = NewHost {
                host: fleet.hosts[host as usize],
                install: id(&format!("install {host}")),
                machine: sets::machine_digest(&facts(host)),
                name: None,
                family: "linux",
                token: SecretHash(Sha256::digest(format!("{host}")).into()),
                replaces: None,
            };
            fleet.runtime.block_on(fleet.store.enrol(&new, Stamp::epoch())).unwrap();
        }
        fleet
    }

    /// A whole report of a host that has every package, one of them in this version.
    fn told(&self, host: u64, version: &str) -> CheckIn {
        let facts = facts(host);
        let items: Vec<_> =
            (0..PACKAGES).map(|n| package(n, if n == host { version } else { "1.0" })).collect();
        let sets = sets::sets(&items, &coverage(), &BTreeSet::default());
        let rules = self.stamp.digest[..32].parse().unwrap();
        let (scope, depth) = (ScopeAsk::All, Depth::Standard);
        let about = About {
            tool: &Tool::SELF,
            rules,
            policies: vec!["us-commerce"],
            led: None,
            facts: &facts,
            scope,
            depth,
        };
        let header = Header {
            inventory: sets::inventory_digest(&about, &sets::digests(&sets.sources)),
            machine: sets::machine_digest(&facts),
            rules,
            ..self.header(host)
        };
        let sent = |one: SourceSet| SourceSent {
            report: one.report,
            set: one.set.map(|digest| SetSent { base: None, digest, add: one.entries, remove: Vec::new() }),
        };
        let body = Body {
            tool: Tool::SELF,
            facts,
            ruleset: self.stamp.clone(),
            policies: vec!["us-commerce".to_owned()],
            led: None,
            sought: None,
            scope,
            depth,
            sources: sets.sources.into_iter().map(sent).collect(),
            kept: BTreeMap::new(),
            seen: sets.seen.into_values().collect(),
        };
        CheckIn { header, body: Some(body) }
    }

    fn header(&self, host: u64) -> Header {
        let stamp = Stamp::from_unix(START + self.round as i64).unwrap();
        let previous = (self.round > 0).then(|| id(&format!("{host} {}", self.round)));
        Header {
            schema: CHECK_IN_SCHEMA.into(),
            install: id(&format!("install {host}")),
            seq: self.round + 1,
            report: id(&format!("{host} {}", self.round + 1)),
            previous,
            tried: Vec::new(),
            scanned_at: stamp,
            sent_at: stamp,
            inventory: Id::default(),
            machine: Id::default(),
            rules: Id::default(),
            verdict: Verdict::Compliant,
        }
    }

    /// Every host checks in, all at once.
    fn all(&mut self, check_in: impl Fn(&Self, u64) -> CheckIn) {
        let sent: Vec<_> = (0..HOSTS).map(|host| check_in(self, host)).collect();
        self.send(sent);
    }

    fn send(&mut self, sent: Vec<CheckIn>) {
        self.round += 1;
        let now = Stamp::from_unix(START + self.round as i64).unwrap();
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for (host, sent) in self.hosts.iter().copied().zip(sent) {
                let desk = self.desk.clone();
                tasks.spawn(async move { desk.receive(host, sent, now).await.unwrap() });
            }
            while let Some(answer) = tasks.join_next().await {
                assert!(matches!(answer.unwrap(), Answer::Kept { .. }));
            }
        });
    }
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn kept(bencher: Bencher<'_, '_>) {
    let mut fleet = Fleet::enrolled();
    bencher.counter(ItemsCount::new(HOSTS)).bench_local(|| {
        let (from, store) = (fleet.round, &fleet.store);
        fleet.round += 1;
        let stamp = Stamp::from_unix(START + fleet.round as i64).unwrap();
        fleet.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for (host, n) in fleet.hosts.iter().copied().zip(0..) {
                let store = Arc::clone(store);
                let reported = Reported {
                    seq: from + 1,
                    report: id(&format!("{n} {}", from + 1)),
                    scanned_at: stamp,
                    received_at: stamp,
                    looked_at: stamp,
                    verdict: Verdict::Compliant,
                };
                let advance = Advance {
                    from,
                    was: None,
                    inventory: Id::default(),
                    standing: Standing::Sound,
                    fork: None,
                    holding: None,
                    seen: BTreeMap::new(),
                    judged: None,
                };
                tasks.spawn(async move {
                    store.keep(Keep { host, reported, advance: Some(Box::new(advance)) }).await.unwrap()
                });
            }
            while let Some(kept) = tasks.join_next().await {
                assert_eq!(kept.unwrap(), Stored::Now);
            }
        });
    });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn unchanged(bencher: Bencher<'_, '_>) {
    let mut fleet = Fleet::told_all();
    let first: Vec<Header> = (0..HOSTS).map(|host| fleet.told(host, "1.0").header).collect();
    bencher.counter(ItemsCount::new(HOSTS)).bench_local(|| {
        fleet.all(|fleet, host| {
            let Header { inventory, machine, rules, .. } = first[host as usize].clone();
            CheckIn { header: Header { inventory, machine, rules, ..fleet.header(host) }, body: None }
        });
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn changed(bencher: Bencher<'_, '_>) {
    let mut fleet = Fleet::told_all();
    bencher.counter(ItemsCount::new(HOSTS)).bench_local(|| {
        let version = format!("2.{}", fleet.round);
        fleet.all(|fleet, host| fleet.told(host, &version));
    });
}
