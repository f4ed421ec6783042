//! What is kept of a check-in, and that it is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use interdict::collector::check_in::Refusal;
use interdict::collector::store::sqlite::Sqlite;
use interdict::collector::store::{Advance, Keep, KeptSource, Known, Reported, Standing, Store, Stored};
use interdict::model::{Body, CheckIn, Digests, Id, Status, Verdict};

use crate::golden::{judged, report, sought};
use crate::machine::{DAY, Fleet, Machine, Talk, at, id, later, seen_of, sets_of, without};

pub async fn three_turns_then_one(fleet: Fleet) {
    let look = report("debian-desktop");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    let first = machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    assert_eq!(first.answers, ["send", "need", "kept"]);
    let told = sets_of(&look);
    let entries: usize = told.sources.iter().map(|source| source.entries.len()).sum();
    assert_eq!((first.sources, first.entries, first.seen), (told.sources.len(), entries, told.seen.len()));
    let second = machine.check_in(&fleet, &later(&look, DAY), "r2", at(DAY)).await.unwrap();
    assert_eq!(second, Talk { answers: vec!["kept"], ..Talk::default() }, "nothing has changed");
    // The same things on another machine: their bodies are known.
    let mut twin = look.clone();
    twin.host.name = Some("twin".to_owned());
    let mut other = Machine::enrol(&fleet, "b", &twin).await;
    assert_eq!(other.check_in(&fleet, &twin, "s1", at(0)).await.unwrap().answers, ["send", "kept"]);
    let held = fleet.store.held(machine.host).await.unwrap().unwrap();
    assert_eq!((held.seq, held.scanned_at, held.seen), (2, at(DAY), seen_of(&look)));
    let sources: Vec<_> = held.holding.sources.iter().map(|one| (&one.report, one.state)).collect();
    let sent: Vec<_> = told.sources.iter().map(|one| (&one.report, one.state)).collect();
    assert_eq!(sources, sent);
    let entries =
        held.holding.sources.iter().map(|one| one.set.clone().map(|set| (Some(set.digest), set.entries)));
    let sent = told.sources.into_iter().map(|one| one.set.is_some().then_some((one.set, one.entries)));
    assert!(entries.eq(sent));
    let detail = fleet.detail(machine.host).await;
    assert_eq!((detail.row.verdict, detail.row.seq), (Some(Verdict::NonCompliant), 2));
    assert_eq!((detail.facts, detail.row.name), (Some(look.host.clone()), look.host.name));
}

pub async fn a_delta_tells_what_is_new(fleet: Fleet) {
    let look = report("debian-desktop");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let gone = look.inventory.as_ref().unwrap().iter().find(|one| one.sightings[0].source == "dpkg").unwrap();
    let less = judged(later(&without(&look, &gone.item.name), 60));
    let talk = machine.check_in(&fleet, &less, "r2", at(60)).await.unwrap();
    assert_eq!((talk.answers, talk.sources, talk.entries), (vec!["send", "kept"], 1, 0));
    let item = fleet.store.item(gone.item.id).await.unwrap().unwrap();
    assert_eq!(item.hosts, 0, "{}", gone.item.name);
    let talk = machine.check_in(&fleet, &later(&look, 120), "r3", at(120)).await.unwrap();
    assert_eq!((talk.answers, talk.sources, talk.entries), (vec!["send", "kept"], 1, 1));
    assert_eq!(fleet.store.item(gone.item.id).await.unwrap().unwrap().hosts, 1);
    // One who has lost what it had sent tells the whole, and comes to the same.
    let mut forgetful = Machine { ..machine.clone() };
    forgetful.forget();
    let talk = forgetful.check_in(&fleet, &judged(later(&less, 180)), "r4", at(180)).await.unwrap();
    assert!(talk.answers == ["send", "kept"] && talk.entries > 1, "{talk:?}");
    let held = fleet.store.held(machine.host).await.unwrap().unwrap();
    let digests: Vec<_> = held.holding.sources.iter().map(KeptSource::digests).collect();
    let sent = sets_of(&less).sources.into_iter().map(|one| Digests { state: one.state, set: one.set });
    assert!(digests.into_iter().eq(sent));
}

pub async fn repeated_is_kept_once(fleet: Fleet) {
    let look = report("alpine-container");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    let before = machine.clone();
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    for mut again in [before.clone(), before] {
        // The answer was lost.
        assert_eq!(again.check_in(&fleet, &look, "r1", at(5)).await.unwrap().answers, ["kept"]);
    }
    let detail = fleet.detail(machine.host).await;
    assert_eq!((detail.row.seq, detail.row.received_at), (1, Some(at(0))), "as it was kept first");
    machine.check_in(&fleet, &later(&look, 60), "r2", at(60)).await.unwrap();
    assert_eq!(fleet.detail(machine.host).await.row.standing, Standing::Sound);
}

pub async fn history_changes_nothing_else(fleet: Fleet) {
    let look = report("fedora-server");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let waited = machine.clone();
    // The second report waits in the spool while the third is sent.
    machine.seq += 1;
    machine.check_in(&fleet, &later(&look, 2 * DAY), "r3", at(2 * DAY)).await.unwrap();
    let (seq, detail) = (machine.seq, fleet.detail(machine.host).await);
    let mut spool = waited;
    let talk = spool.check_in(&fleet, &later(&look, DAY), "r2", at(2 * DAY + 5)).await.unwrap();
    assert_eq!((talk.answers, spool.seq, seq), (vec!["history"], 2, 3));
    assert_eq!(fleet.detail(machine.host).await, detail);
    let rows = fleet.store.reports(machine.host, 9).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.seq, row.late)).collect::<Vec<_>>(),
        [(3, false), (2, true), (1, false)]
    );
    let talk = machine.check_in(&fleet, &later(&look, 3 * DAY), "r4", at(3 * DAY)).await.unwrap();
    assert_eq!(talk.answers, ["kept"]);
    let known = fleet.store.known(machine.host, 2, &[id("r3")]).await.unwrap().unwrap();
    assert_eq!((known.of_seq, known.previous_seq), (Some(id("r2")), Some(3)));
}

/// What is changed of a check-in after its digests were made.
type Lie = fn(&mut CheckIn);

pub async fn what_is_not_so_is_refused(fleet: Fleet) {
    let look = report("alpine-container");
    let machine = Machine::enrol(&fleet, "a", &look).await;
    let sets = sets_of(&look);
    let header = machine.header(&look, &sets, "r1");
    let sources = sets.sources.iter().map(|one| interdict::model::SourceSent {
        report: one.report.clone(),
        set: one.set.map(|digest| interdict::model::SetSent {
            base: None,
            digest,
            add: one.entries.clone(),
            remove: Vec::new(),
        }),
    });
    let body = Body {
        tool: look.tool.clone(),
        facts: look.host.clone(),
        ruleset: look.ruleset.clone(),
        policies: interdict::normalise::sets::policies(&look).map(str::to_owned).collect(),
        led: sought(&look).map(|sought| sought.id()),
        sought: sought(&look).map(|sought| sought.text().to_owned()),
        scope: look.claim.scope,
        depth: look.claim.depth,
        sources: sources.collect(),
        kept: BTreeMap::new(),
        seen: sets.seen.values().cloned().collect(),
    };
    let send = async |change: &dyn Fn(&mut CheckIn)| {
        let mut sent = CheckIn { header: header.clone(), body: Some(body.clone()) };
        change(&mut sent);
        fleet.desk.receive(machine.host, sent, at(0)).await
    };
    let lies: &[Lie] = &[
        |sent| sent.header.inventory = id("x"),
        |sent| sent.header.rules = id("x"),
        |sent| sent.body.as_mut().unwrap().facts.privileged ^= true,
        |sent| sent.body.as_mut().unwrap().sources[0].report.status = Status::Failed,
        |sent| drop(sent.body.as_mut().unwrap().sources.pop()),
        |sent| sent.body.as_mut().unwrap().seen[0].item.name.push('x'),
        |sent| sent.body.as_mut().unwrap().led = Some(id("x")),
        |sent| sent.body.as_mut().unwrap().sought = Some("{}".to_owned()),
        |sent| {
            let sources = &mut sent.body.as_mut().unwrap().sources;
            let set = sources.iter_mut().find_map(|one| one.set.as_mut().filter(|set| !set.add.is_empty()));
            set.unwrap().add.pop();
        },
    ];
    for (lie, at) in lies.iter().zip(0..) {
        assert!(matches!(send(lie).await, Err(Refusal::Digest(_))), "{at}: {:?}", send(lie).await);
    }
    assert!(matches!(send(&|sent| sent.header.schema = "x/9".into()).await, Err(Refusal::Shape(_))));
    let garbled = |sent: &mut CheckIn| sent.body.as_mut().unwrap().sought = Some("[".to_owned());
    assert!(matches!(send(&garbled).await, Err(Refusal::Shape(_))));
    assert!(matches!(send(&|sent| sent.header.seq = u64::MAX).await, Err(Refusal::Shape(_))));
    assert!(matches!(send(&|sent| sent.header.install = id("x")).await, Err(Refusal::Conflict(_))));
    assert_eq!(fleet.detail(machine.host).await.row.seq, 0, "nothing of it was kept");
    assert!(send(&|_| ()).await.is_ok());
    let nobody = CheckIn { header, body: None };
    assert!(matches!(fleet.desk.receive(id("nobody"), nobody, at(0)).await, Err(Refusal::Conflict(_))));
}

pub async fn four_kilobytes_a_host(fleet: Fleet) {
    let mut look = report("debian-desktop");
    // As many packages as a desktop has, with names and dates as they come.
    let items = look.inventory.as_mut().unwrap();
    let package = items.iter().find(|one| one.sightings[0].source == "dpkg").unwrap().clone();
    for n in i64::try_from(items.len()).unwrap()..500 {
        let mut one = package.clone();
        one.item.name = format!("lib{:x}-{n}", n * 7919 % 4096);
        one.item.id = interdict::normalise::item_id(&one.item);
        one.sightings.truncate(1);
        let date =
            interdict::model::Recorded::serviced(1_700_000_000 + (n * 7919 % 500) / 4 + n % 20 * 250_000);
        one.sightings[0].recorded_at = date;
        one.sightings[0].place.record = Some(format!("package {}", one.item.name));
        items.push(one);
    }
    let look = judged(look);
    assert!(look.inventory.as_ref().unwrap().len() >= 500);
    // Others were there before: numbers are as in a fleet.
    for n in 0..20 {
        let mut other = without(&look, "nothing");
        other.host.name = Some(format!("other-{n}"));
        for (item, at) in other.inventory.as_mut().unwrap().iter_mut().zip(0..) {
            if at % 7 == n % 7 {
                item.item.version =
                    Some(interdict::model::Version::new(format!("1.{n}"), interdict::model::Scheme::Dpkg));
                item.item.id = interdict::normalise::item_id(&item.item);
            }
        }
        let mut machine = Machine::enrol(&fleet, &format!("o{n}"), &other).await;
        machine.check_in(&fleet, &other, &format!("o{n}"), at(0)).await.unwrap();
    }
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let bytes = fleet.set_bytes(machine.host);
    crate::support::note(&format!(
        "the sets of a host with {} items take {bytes} bytes",
        look.inventory.unwrap().len()
    ));
    assert!(bytes <= 4_096, "{bytes}");
}

/// An unchanged report, as the desk makes it of one.
pub fn unchanged(host: Id, known: &Known, name: &str, seconds: i64) -> Keep {
    let reported = Reported {
        seq: known.seq + 1,
        report: id(name),
        scanned_at: at(seconds),
        received_at: at(seconds),
        looked_at: at(seconds),
        verdict: Verdict::Compliant,
    };
    let advance = Advance {
        from: known.seq,
        was: known.judged,
        inventory: known.inventory.unwrap_or_default(),
        standing: Standing::Sound,
        fork: None,
        holding: None,
        seen: BTreeMap::new(),
        judged: None,
    };
    Keep { host, reported, advance: Some(Box::new(advance)) }
}

pub async fn many_at_once_are_all_kept(fleet: Fleet) {
    let look = report("alpine-container");
    let mut hosts = Vec::new();
    for n in 0..50 {
        let mut look = look.clone();
        look.host.name = Some(format!("host-{n}"));
        hosts.push(Machine::enrol(&fleet, &n.to_string(), &look).await.host);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (host, n) in hosts.iter().copied().zip(0..) {
        let store = Arc::clone(&fleet.store);
        tasks.spawn(async move {
            for round in 0..20 {
                let known = store.known(host, 0, &[]).await.unwrap().unwrap();
                let keep = unchanged(host, &known, &format!("{n} {round}"), round);
                // Twice at once: one is kept, and the other is told that it is.
                let (one, two) = tokio::join!(store.keep(keep.clone()), store.keep(keep));
                let mut both = [one.unwrap(), two.unwrap()];
                both.sort_by_key(|one| *one != Stored::Now);
                assert_eq!(both, [Stored::Now, Stored::Before]);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for (host, n) in hosts.into_iter().zip(0..) {
        for round in 0..20u64 {
            let known = fleet.store.known(host, round + 1, &[]).await.unwrap().unwrap();
            assert_eq!((known.seq, known.of_seq), (20, Some(id(&format!("{n} {round}")))));
        }
        let known = fleet.store.known(host, 0, &[]).await.unwrap().unwrap();
        let stale = Keep { host, ..unchanged(host, &Known { seq: 7, ..known }, "late", 99) };
        assert_eq!(fleet.store.keep(stale).await.unwrap(), Stored::Overtaken);
    }
    let known = fleet.store.known(id("host 0"), 0, &[]).await.unwrap().unwrap();
    assert_eq!(fleet.store.keep(unchanged(id("nobody"), &known, "x", 0)).await.unwrap(), Stored::Gone);
}

pub async fn it_is_there_after_a_restart(fleet: Fleet) {
    let look = report("windows-workstation");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let before = (fleet.store.held(machine.host).await.unwrap(), fleet.detail(machine.host).await);
    fleet.store.close().await;
    assert!(fleet.store.held(machine.host).await.is_err(), "it is closed");
    let known = Known { seq: 1, ..known_of_nobody() };
    assert!(fleet.store.keep(unchanged(machine.host, &known, "r2", 9)).await.is_err());
    let store = fleet.beside().await;
    assert_eq!(store.held(machine.host).await.unwrap(), before.0);
    assert_eq!(store.host(machine.host, None).await.unwrap(), Some(before.1));
    store.ready().await.unwrap();
}

fn known_of_nobody() -> Known {
    Known {
        install: id("x"),
        machine: id("x"),
        seq: 0,
        report: None,
        inventory: None,
        standing: Standing::Sound,
        fork: None,
        judged: None,
        tags: Vec::new(),
        of_seq: None,
        previous_seq: None,
    }
}

pub async fn a_copy_is_whole(fleet: Fleet) {
    let look = report("macos-laptop");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let to = fleet.folder.path().join("copy.db");
    if fleet.database.is_some() {
        let words = fleet.store.backup(&to).await.unwrap_err().to_string();
        assert!(words.contains("pg_dump") && words.contains("postgres://interdict@"), "{words}");
        return;
    }
    fleet.store.backup(&to).await.unwrap();
    assert!(fleet.store.backup(&to).await.is_err(), "what is there is not written over");
    machine.check_in(&fleet, &later(&look, 60), "r2", at(60)).await.unwrap();
    let copy = Sqlite::open(&to).await.unwrap();
    let detail = copy.host(machine.host, None).await.unwrap().unwrap();
    assert_eq!((detail.row.seq, detail.policies), (1, look.policies));
}

pub async fn what_is_old_is_forgotten(fleet: Fleet) {
    let look = report("debian-desktop");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    for n in 0..5 {
        let seconds = n * 100 * DAY;
        machine.check_in(&fleet, &later(&look, seconds), &format!("r{n}"), at(seconds)).await.unwrap();
    }
    let detail = fleet.detail(machine.host).await;
    assert!(fleet.store.prune(at(250 * DAY)).await.unwrap() >= 3);
    assert_eq!(fleet.detail(machine.host).await, detail, "the last of each stays");
    let known = fleet.store.known(machine.host, 3, &[]).await.unwrap().unwrap();
    assert_eq!((known.of_seq, known.seq), (None, 5));
    assert!(fleet.store.prune(at(1000 * DAY)).await.unwrap() >= 1);
    assert_eq!(fleet.detail(machine.host).await.history, detail.history);
    let talk = machine.check_in(&fleet, &later(&look, 500 * DAY), "r9", at(500 * DAY)).await.unwrap();
    assert_eq!(talk.answers, ["kept"]);
}

pub async fn an_erased_host_is_gone(fleet: Fleet) {
    let look = report("debian-desktop");
    let mut twin = look.clone();
    twin.host.name = Some("twin".to_owned());
    let mut one = Machine::enrol(&fleet, "a", &look).await;
    let mut two = Machine::enrol(&fleet, "b", &twin).await;
    one.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    two.check_in(&fleet, &twin, "s1", at(0)).await.unwrap();
    let left = fleet.detail(two.host).await;
    assert!(fleet.store.erase(one.host).await.unwrap());
    assert!(!fleet.store.erase(one.host).await.unwrap());
    assert_eq!(fleet.store.host(one.host, None).await.unwrap(), None);
    assert_eq!(fleet.detail(two.host).await, left);
    assert!(matches!(one.check_in(&fleet, &look, "r2", at(9)).await, Err(Refusal::Conflict(_))));
    assert!(fleet.store.erase(two.host).await.unwrap());
    let counts = fleet.store.counts(None).await.unwrap();
    assert_eq!((counts.hosts, counts.items, counts.findings_open), (0, 0, 0));
    let mut again = Machine::enrol(&fleet, "c", &look).await;
    assert_eq!(again.check_in(&fleet, &look, "t1", at(0)).await.unwrap().answers, ["send", "need", "kept"]);
}

/// What only one of two had of a thing that both have, and what it had before, goes with it.
pub async fn what_it_alone_had_goes_with_it(fleet: Fleet) {
    let look = report("debian-desktop");
    let mut twin = look.clone();
    twin.host.name = Some("twin".to_owned());
    let own = |record: &str| {
        let mut own = look.clone();
        own.inventory.as_mut().unwrap()[0].sightings[0].place.record = Some(record.to_owned());
        judged(own)
    };
    let mut one = Machine::enrol(&fleet, "a", &look).await;
    let mut two = Machine::enrol(&fleet, "b", &twin).await;
    let (earlier, now) = (own("/home/alice/earlier"), later(&own("/home/alice/now"), 60));
    one.check_in(&fleet, &earlier, "r1", at(0)).await.unwrap();
    one.check_in(&fleet, &now, "r2", at(60)).await.unwrap();
    two.check_in(&fleet, &twin, "s1", at(0)).await.unwrap();
    let ids = |report: &interdict::model::Report| sets_of(report).seen.into_keys().collect::<Vec<Id>>();
    let all = ids(&twin);
    assert_eq!(fleet.store.seen(&all).await.unwrap().len(), all.len());
    let alone: Vec<Id> = ids(&earlier).into_iter().chain(ids(&now)).filter(|id| !all.contains(id)).collect();
    assert_eq!(fleet.store.seen(&alone).await.unwrap().len(), 2);
    assert!(fleet.store.erase(one.host).await.unwrap());
    assert_eq!(fleet.store.seen(&alone).await.unwrap().len(), 0);
    assert_eq!(fleet.store.seen(&all).await.unwrap().len(), all.len());
}

/// Many machines tell the same new things at once, to two collectors: each is kept once.
pub async fn new_things_of_many_at_once(fleet: Fleet) {
    let look = report("debian-desktop");
    let beside = fleet.beside().await;
    let other = Fleet {
        desk: interdict::collector::check_in::Desk::new(Arc::clone(&beside)).unwrap(),
        store: Arc::clone(&beside),
        folder: tempfile::tempdir().unwrap(),
        database: None,
    };
    let mut machines = Vec::new();
    for n in 0..8 {
        let mut look = look.clone();
        look.host.name = Some(format!("host-{n}"));
        machines.push((Machine::enrol(&fleet, &n.to_string(), &look).await, look, n));
    }
    let (fleet, other) = (Arc::new(fleet), Arc::new(other));
    let mut tasks = tokio::task::JoinSet::new();
    for (mut machine, look, n) in machines {
        let fleet = Arc::clone(if n % 2 == 0 { &fleet } else { &other });
        tasks.spawn(async move {
            machine.check_in(&fleet, &look, &format!("r {n}"), at(0)).await.unwrap();
            machine.check_in(&fleet, &later(&look, 60), &format!("s {n}"), at(60)).await.unwrap()
        });
    }
    while let Some(done) = tasks.join_next().await {
        assert_eq!(done.unwrap().answers, ["kept"]);
    }
    let item = look.inventory.as_ref().unwrap()[0].item.id;
    assert_eq!(fleet.store.item(item).await.unwrap().unwrap().hosts, 8);
    let counts = beside.counts(None).await.unwrap();
    assert_eq!(counts.hosts, 8);
    beside.close().await;
}

/// A host's words are kept whatever letters they have, and however long they are.
pub async fn letters_that_a_database_refuses(fleet: Fleet) {
    let mut look = report("debian-desktop");
    look.host.name = Some("h\0st".to_owned());
    let first = look.inventory.as_mut().unwrap().first_mut().unwrap();
    first.item.name = format!("\0{}", "ä".repeat(5_000));
    first.item.publisher = Some("\u{10ffff}\0".repeat(3_000));
    first.item.id = interdict::normalise::item_id(&first.item);
    let id = first.item.id;
    let look = judged(look);
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let kept = fleet.store.item(id).await.unwrap().unwrap();
    assert!(
        look.inventory.unwrap().iter().any(|one| one.item == kept.item),
        "the item itself is as it was told"
    );
    assert_eq!(fleet.detail(machine.host).await.facts.unwrap().name.as_deref(), Some("h\0st"));
}

/// What is noted of the fleet first stays, until it is to be noted anew.
pub async fn a_mark_stays(fleet: Fleet) {
    let mark = async |value: &[u8], anew| fleet.store.mark("key", value, anew).await.unwrap();
    assert_eq!(fleet.store.marked("key").await.unwrap(), None);
    assert_eq!(mark(b"one", false).await, b"one");
    assert_eq!(mark(b"two", false).await, b"one");
    assert_eq!(mark(b"two", true).await, b"two");
    assert_eq!(mark(b"one", false).await, b"two");
    assert_eq!(fleet.store.marked("key").await.unwrap().unwrap(), b"two");
}
