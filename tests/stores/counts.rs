//! What is counted beside the rows is what one would count of them.

use std::collections::{BTreeMap, BTreeSet};

use interdict::collector::expected::Expected;
use interdict::collector::judging::Judging;
use interdict::collector::store::{
    By, Enrolment, ExpectedAsk, FindingState, FindingsAsk, HostRow, HostsAsk, ItemHostsAsk, ItemsAsk,
    NewHost, Standing, UnseenAsk, VerdictAsk,
};
use interdict::model::{Report, Verdict};

use crate::golden::{report, reports};
use crate::machine::{DAY, Fleet, Machine, at, blind, id, later, secret, without};
use crate::questions::{golden_fleet, unseen};

/// More than there are.
const ALL: u32 = 1_000;

/// Whatever becomes of hosts: they come, change, see less and more, are split, retired and erased.
pub async fn counts_are_those_of_the_rows(fleet: Fleet) {
    expect(&fleet, &["debian-desktop", "nobody", "alpine-container"]).await;
    let machines = golden_fleet(&fleet).await;
    let twins = twins(&fleet).await;
    assert_counted(&fleet).await;
    assert_eq!(fleet.store.counts(None).await.unwrap().expected_seen, 2, "three are called the same");
    let [mut one, two] = twins;
    let desktop = &called("debian-desktop");
    let less = later(&without(desktop, "kesl"), DAY);
    one.check_in(&fleet, &less, "less", at(DAY)).await.unwrap();
    assert_counted(&fleet).await;
    one.check_in(&fleet, &later(&blind(&less, "dpkg"), 2 * DAY), "blind", at(2 * DAY)).await.unwrap();
    assert_counted(&fleet).await;
    one.check_in(&fleet, &later(desktop, 3 * DAY), "again", at(3 * DAY)).await.unwrap();
    assert_counted(&fleet).await;
    expect(&fleet, &["nobody", "alpine-container", "windows-workstation"]).await;
    assert_counted(&fleet).await;
    expect(&fleet, &["debian-desktop", "windows-workstation"]).await;
    assert_counted(&fleet).await;

    fleet.store.split(two.host, at(3 * DAY)).await.unwrap();
    let anew = NewHost {
        host: id("anew"),
        install: id("install anew"),
        machine: id("machine anew"),
        name: None,
        family: "linux",
        token: secret("anew"),
        replaces: Some(two.host),
    };
    assert_eq!(fleet.store.enrol(&anew, at(3 * DAY)).await.unwrap(), Enrolment::New);
    assert_eq!(fleet.detail(two.host).await.row.standing, Standing::Retired);
    assert_counted(&fleet).await;
    for host in [two.host, one.host, machines[0].1.host] {
        assert!(fleet.store.erase(host).await.unwrap());
        assert_counted(&fleet).await;
    }
    for (_, machine) in &machines[1..] {
        assert!(fleet.store.erase(machine.host).await.unwrap());
    }
    let (items, unseen) = assert_counted(&fleet).await;
    assert_eq!((items, unseen), (0, 0), "nobody has anything");
}

/// A file of the version before, which counted nothing, is brought to this one with all that is in it.
pub async fn an_older_file_is_counted(fleet: Fleet) {
    if fleet.database.is_some() {
        return; // A server counts when it is asked.
    }
    let machines = golden_fleet(&fleet).await;
    expect(&fleet, &["debian-desktop", "nobody"]).await;
    let before = assert_counted(&fleet).await;
    fleet.store.close().await;
    let file = rusqlite::Connection::open(fleet.folder.path().join("fleet.db")).unwrap();
    let triggers = file
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap()
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    assert!(triggers.len() > 9);
    for name in triggers {
        file.execute_batch(&format!("DROP TRIGGER {name};")).unwrap();
    }
    file.execute_batch(
        "DROP INDEX host_at_a_glance; DROP INDEX host_retired; ALTER TABLE host DROP COLUMN listed; \
         DROP INDEX host_folded; ALTER TABLE host DROP COLUMN heard; \
         CREATE INDEX host_folded ON host (folded); ALTER TABLE report DROP COLUMN late; DROP TABLE report_change; DROP TABLE item_hosts; DROP TABLE unseen_hosts; \
         DROP TABLE name_hosts; DROP TABLE host_count; DELETE FROM version WHERE version >= 5;",
    )
    .unwrap();
    drop(file);
    let fleet = Fleet { store: fleet.beside().await, ..fleet }.judged(Judging::built_in().unwrap());
    assert_eq!(assert_counted(&fleet).await, before);
    let counts = fleet.store.counts(None).await.unwrap();
    assert_eq!((counts.expected, counts.expected_seen), (2, 1));
    let (name, mut machine) = machines.into_iter().find(|(name, _)| name == "debian-desktop").unwrap();
    let mut less = later(&without(&report(&name), "kesl"), DAY);
    less.host.name = Some(name.to_uppercase());
    machine.check_in(&fleet, &less, "less", at(DAY)).await.unwrap();
    let changes = fleet.store.changes(machine.host).await.unwrap();
    assert!(changes.len() == 1 && changes[0].went.iter().all(|item| item.name == "kesl"), "{changes:?}");
    assert_counted(&fleet).await;
}

/// From now on there ought to be these.
async fn expect(fleet: &Fleet, names: &[&str]) {
    let one = |name: &&str| Expected {
        name: (*name).to_owned(),
        owner: String::new(),
        department: String::new(),
        tags: vec![],
    };
    let list: Vec<_> = names.iter().map(one).collect();
    fleet.store.expect(&list, &By { actor: "test".to_owned(), at: at(0) }).await.unwrap();
}

/// Two more that have what another has.
async fn twins(fleet: &Fleet) -> [Machine; 2] {
    let look = &called("debian-desktop");
    let mut one = Machine::enrol(fleet, "one", look).await;
    let mut two = Machine::enrol(fleet, "two", look).await;
    for machine in [&mut one, &mut two] {
        machine.check_in(fleet, look, "first", at(0)).await.unwrap();
    }
    assert!(reports().len() > 3);
    [one, two]
}

fn called(name: &str) -> Report {
    let mut look = report(name).clone();
    look.host.name = Some(name.to_owned());
    look
}

/// How many items are listed, and how many sources that did not see all.
async fn assert_counted(fleet: &Fleet) -> (usize, usize) {
    hosts(fleet).await;
    (items(fleet).await, coverage(fleet).await)
}

async fn hosts(fleet: &Fleet) {
    let stale_before = Some(at(DAY));
    let list = async |ask| {
        let ask = HostsAsk { limit: ALL, stale_before, ..ask };
        fleet.store.hosts(&ask).await.unwrap().rows
    };
    let all = list(HostsAsk::default()).await;
    let counts = fleet.store.counts(stale_before).await.unwrap();
    let of = |want: &dyn Fn(&HostRow) -> bool| all.iter().filter(|row| want(row)).count() as u64;
    assert_eq!(counts.hosts, all.len() as u64);
    assert_eq!(
        (counts.stale, counts.split),
        (of(&|row| row.stale), of(&|row| row.standing == Standing::Split))
    );
    for (verdict, counted) in [
        (Some(Verdict::Compliant), counts.compliant),
        (Some(Verdict::NonCompliant), counts.non_compliant),
        (Some(Verdict::Inconclusive), counts.inconclusive),
        (None, counts.unknown),
    ] {
        let asked = Some(verdict.map_or(VerdictAsk::Unknown, VerdictAsk::Is));
        let rows = list(HostsAsk { verdict: asked, ..HostsAsk::default() }).await;
        assert_eq!(rows, all.iter().filter(|row| row.verdict == verdict).cloned().collect::<Vec<_>>());
        assert_eq!(counted, rows.len() as u64, "{verdict:?}");
    }
    let ask = ExpectedAsk { limit: ALL, stale_before, ..ExpectedAsk::default() };
    let listed = fleet.store.expected(&ask).await.unwrap().rows;
    let never = fleet.store.expected(&ExpectedAsk { seen: Some(false), ..ask }).await.unwrap().rows;
    assert_eq!(never, listed.iter().filter(|row| row.host.is_none()).cloned().collect::<Vec<_>>());
    let of = |verdict| listed.iter().filter(|row| row.verdict == verdict).count() as u64;
    assert_eq!(counts.expected, listed.len() as u64);
    assert_eq!(counts.expected_seen, listed.iter().filter(|row| row.host.is_some()).count() as u64);
    assert_eq!(counts.expected_compliant, of(Some(Verdict::Compliant)));
    assert_eq!(counts.expected_non_compliant, of(Some(Verdict::NonCompliant)));
    assert_eq!(
        (counts.expected_inconclusive, counts.expected_unknown),
        (of(Some(Verdict::Inconclusive)), of(None))
    );
    let names: BTreeSet<_> = listed.iter().map(|row| row.expected.name.clone()).collect();
    let is_listed =
        |row: &HostRow| row.name.as_ref().is_some_and(|name| names.contains(&name.to_lowercase()));
    let unexpected = all.iter().filter(|row| !names.is_empty() && !is_listed(row)).count();
    assert_eq!(counts.unexpected, unexpected as u64);
    let findings = FindingsAsk { limit: ALL, ..FindingsAsk::default() };
    let findings = fleet.store.findings(&findings).await.unwrap().rows;
    let open = findings.iter().filter(|row| row.state == FindingState::Open).count();
    assert_eq!(counts.findings_open, open as u64);
    assert_eq!(counts.findings_not_re_verified, (findings.len() - open) as u64);
}

async fn items(fleet: &Fleet) -> usize {
    let (mut after, mut listed) = (None, 0);
    loop {
        let page = fleet.store.items(&ItemsAsk { after, limit: ALL, ..ItemsAsk::default() }).await.unwrap();
        for row in &page.rows {
            let ask = ItemHostsAsk { item: row.item.id, after: None, limit: ALL };
            let hosts = fleet.store.item_hosts(&ask).await.unwrap().rows.len() as u64;
            assert_eq!((row.hosts, hosts > 0), (hosts, true), "{}", row.item.name);
        }
        listed += page.rows.len();
        after = page.rows.last().map(|row| row.item.id);
        if !page.more {
            return listed;
        }
    }
}

async fn coverage(fleet: &Fleet) -> usize {
    let rows = unseen(fleet, UnseenAsk::default()).await;
    let mut of_rows = BTreeMap::<_, u64>::new();
    for row in &rows {
        *of_rows.entry((row.source.clone(), row.status.word().to_owned())).or_default() += 1;
    }
    let mut counted = BTreeMap::<_, u64>::new();
    for count in fleet.store.unseen_counts().await.unwrap() {
        assert!(count.hosts > 0, "{count:?}");
        *counted.entry((count.source, count.status)).or_default() += count.hosts;
    }
    assert_eq!(counted, of_rows);
    rows.len()
}
