//! Questions to the fleet.

use std::collections::BTreeSet;

use interdict::collector::store::{
    FindingsAsk, HostsAsk, ItemHostsAsk, ItemsAsk, Standing, UnseenAfter, UnseenAsk, UnseenRow, VerdictAsk,
};
use interdict::model::{GapReason, Id, ItemKind, SourceReport, Status, Verdict};

use crate::golden::{report, reports};
use crate::machine::{DAY, Fleet, Machine, at, later, sets_of, without};

pub async fn golden_fleet(fleet: &Fleet) -> Vec<(String, Machine)> {
    let mut machines = Vec::new();
    for (name, look) in reports() {
        let mut look = look.clone();
        look.host.name = Some(name.to_uppercase());
        let mut machine = Machine::enrol(fleet, name, &look).await;
        machine.check_in(fleet, &look, name, at(0)).await.unwrap();
        machines.push((name.clone(), machine));
    }
    machines
}

pub async fn pages_hold_every_row_once(fleet: Fleet) {
    let machines = golden_fleet(&fleet).await;
    let mut hosts = Vec::new();
    loop {
        let after = hosts.last().map(|row: &interdict::collector::store::HostRow| row.host);
        let page = fleet.store.hosts(&HostsAsk { after, limit: 2, ..HostsAsk::default() }).await.unwrap();
        assert!(page.rows.len() == 2 || !page.more);
        hosts.extend(page.rows);
        if !page.more {
            break;
        }
    }
    let mut all: Vec<Id> = machines.iter().map(|(_, machine)| machine.host).collect();
    all.sort();
    assert_eq!(hosts.iter().map(|row| row.host).collect::<Vec<_>>(), all);
    let (mut findings, mut open) = (BTreeSet::new(), 0);
    let mut after = None;
    loop {
        let page =
            fleet.store.findings(&FindingsAsk { after, limit: 3, ..FindingsAsk::default() }).await.unwrap();
        after = page.rows.last().map(|row| row.number);
        open += page.rows.len();
        findings.extend(page.rows.into_iter().map(|row| (row.host, row.finding.product)));
        if !page.more {
            break;
        }
    }
    let expected: usize = reports().values().map(|report| report.findings.len()).sum();
    assert_eq!((findings.len(), open), (expected, expected));
    assert_eq!(hosts.iter().map(|row| row.findings).sum::<u64>(), expected as u64);
    let (mut items, mut names) = (BTreeSet::new(), Vec::new());
    let mut after = None;
    loop {
        let page = fleet.store.items(&ItemsAsk { after, limit: 7, ..ItemsAsk::default() }).await.unwrap();
        after = page.rows.last().map(|row| row.item.id);
        names.extend(page.rows.iter().map(|row| interdict::normalise::fold(&row.item.name).into_owned()));
        items.extend(page.rows.into_iter().map(|row| row.item.id));
        if !page.more {
            break;
        }
    }
    assert_eq!(items.len(), names.len());
    assert!(names.is_sorted());
    let told: BTreeSet<_> = reports()
        .values()
        .flat_map(|report| sets_of(report).seen.into_values().map(|one| one.item.id))
        .collect();
    assert_eq!(items, told);
}

pub async fn who_has_what(fleet: Fleet) {
    let machines = golden_fleet(&fleet).await;
    let of = |name: &str| machines.iter().find(|(one, _)| one == name).unwrap().1.clone();
    let hosts = async |ask: HostsAsk| {
        let rows = fleet.store.hosts(&HostsAsk { limit: 100, ..ask }).await.unwrap().rows;
        rows.into_iter().map(|row| row.name.unwrap().to_lowercase()).collect::<BTreeSet<_>>()
    };
    let bad =
        hosts(HostsAsk { verdict: Some(VerdictAsk::Is(Verdict::NonCompliant)), ..HostsAsk::default() }).await;
    let expected = reports().iter().filter(|(_, report)| report.verdict == Verdict::NonCompliant);
    assert_eq!(bad, expected.map(|(name, _)| name.clone()).collect());
    let named = HostsAsk { name: Some("Debian-".to_owned()), ..HostsAsk::default() };
    assert_eq!(hosts(named).await, BTreeSet::from(["debian-desktop".to_owned()]));
    let windows = hosts(HostsAsk { family: Some("windows".to_owned()), ..HostsAsk::default() }).await;
    assert!(windows.len() == 2 && windows.iter().all(|name| name.starts_with("windows")), "{windows:?}");
    let products = FindingsAsk {
        limit: 100,
        vendor: Some("kaspersky".to_owned()),
        decides: Some(true),
        ..FindingsAsk::default()
    };
    let products = fleet.store.findings(&products).await.unwrap().rows;
    assert!(products.iter().all(|row| row.finding.decides && row.finding.vendor == "kaspersky"));
    let one = FindingsAsk {
        limit: 100,
        product: Some(products[0].finding.product.clone()),
        ..FindingsAsk::default()
    };
    assert!(!fleet.store.findings(&one).await.unwrap().rows.is_empty());
    // An item, and the hosts that have it.
    let desktop = of("debian-desktop");
    let kesl = ItemsAsk {
        limit: 10,
        name: Some("KESL".to_owned()),
        kind: Some(ItemKind::Package),
        ..ItemsAsk::default()
    };
    let rows = fleet.store.items(&kesl).await.unwrap().rows;
    let row = rows.iter().find(|row| row.item.name == "kesl").unwrap();
    assert_eq!(row.hosts, 1);
    let page =
        fleet.store.item_hosts(&ItemHostsAsk { item: row.item.id, after: None, limit: 10 }).await.unwrap();
    let [host] = &page.rows[..] else { panic!("{page:?}") };
    assert_eq!((host.host, host.since), (desktop.host, at(0)));
    let look = report("debian-desktop");
    let item = look.inventory.as_ref().unwrap().iter().find(|one| one.item.id == row.item.id).unwrap();
    assert_eq!(host.sightings, item.sightings);
}

pub async fn figures_of_the_whole(fleet: Fleet) {
    assert_eq!(fleet.store.counts(None).await.unwrap().hosts, 0);
    golden_fleet(&fleet).await;
    let look = report("alpine-container");
    let silent = Machine::enrol(&fleet, "silent", &look).await;
    let counts = fleet.store.counts(None).await.unwrap();
    let of = |verdict: Verdict| reports().values().filter(|report| report.verdict == verdict).count() as u64;
    assert_eq!(counts.hosts, reports().len() as u64 + 1);
    assert_eq!((counts.compliant, counts.inconclusive), (of(Verdict::Compliant), of(Verdict::Inconclusive)));
    assert_eq!((counts.non_compliant, counts.unknown), (of(Verdict::NonCompliant), 1));
    assert!(counts.items > 100 && counts.bytes > 10_000 && counts.findings_open > 10, "{counts:?}");
    // A day later only one has been heard of again.
    let mut desktop = Machine::enrol(&fleet, "again", &look).await;
    desktop.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    desktop.check_in(&fleet, &later(&without(&look, "x"), DAY), "r2", at(DAY)).await.unwrap();
    let stale = fleet.store.counts(Some(at(60))).await.unwrap();
    assert_eq!((stale.stale, stale.unknown), (counts.hosts, counts.hosts));
    assert_eq!(stale.compliant, 1);
    let unknown = HostsAsk {
        limit: 100,
        verdict: Some(VerdictAsk::Unknown),
        stale_before: Some(at(60)),
        ..HostsAsk::default()
    };
    assert_eq!(fleet.store.hosts(&unknown).await.unwrap().rows.len() as u64, counts.hosts);
    fleet.store.split(silent.host, at(DAY)).await.unwrap();
    assert_eq!(fleet.store.counts(None).await.unwrap().split, 1);
    let split = HostsAsk { limit: 9, standing: Some(Standing::Split), ..HostsAsk::default() };
    assert_eq!(fleet.store.hosts(&split).await.unwrap().rows[0].host, silent.host);
}

/// Who sends the same old report day by day is not looked at; whose clock went back between is heard of when it speaks.
pub async fn an_old_report_is_no_look(fleet: Fleet) {
    let look = report("alpine-container");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r0", at(0)).await.unwrap();
    for day in 1..9 {
        machine.waits = day * DAY;
        machine.check_in(&fleet, &look, &format!("r{day}"), at(day * DAY)).await.unwrap();
        let told = fleet.store.stale_hosts(at(day * DAY - 2 * DAY), at(day * DAY)).await.unwrap();
        assert_eq!(told, u64::from(day == 3), "it is told once");
    }
    let row = async || {
        let hosts = HostsAsk { limit: 9, stale_before: Some(at(6 * DAY)), ..HostsAsk::default() };
        fleet.store.hosts(&hosts).await.unwrap().rows.remove(0)
    };
    let old = row().await;
    assert_eq!((old.received_at, old.looked_at), (Some(at(8 * DAY)), Some(at(0))));
    assert_eq!((old.stale, old.verdict), (true, None));
    assert_eq!(fleet.store.counts(Some(at(6 * DAY))).await.unwrap().stale, 1);
    machine.waits = -DAY;
    machine.check_in(&fleet, &look, "back", at(9 * DAY)).await.unwrap();
    let new = row().await;
    assert_eq!((new.looked_at, new.stale, new.verdict), (Some(at(9 * DAY)), false, Some(look.verdict)));
}

/// All rows, by pages of two.
pub async fn unseen(fleet: &Fleet, ask: UnseenAsk) -> Vec<UnseenRow> {
    let (mut rows, mut after) = (Vec::<UnseenRow>::new(), None);
    loop {
        let page = fleet.store.unseen(&UnseenAsk { after, limit: 2, ..ask.clone() }).await.unwrap();
        after = page.rows.last().map(|row| UnseenAfter { source: row.source.clone(), host: row.number });
        rows.extend(page.rows);
        if !page.more {
            return rows;
        }
    }
}

/// What was not seen is told as it was reported, of each host, by any filter, and counted.
pub async fn what_was_not_seen(fleet: Fleet) {
    let machines = golden_fleet(&fleet).await;
    let told = |want: &dyn Fn(&SourceReport) -> bool| {
        let mut all = BTreeSet::new();
        for (name, machine) in &machines {
            for source in &reports()[name].coverage.sources {
                let whole = matches!(source.status, Status::Complete | Status::NotApplicable);
                if (!whole || !source.gaps.is_empty()) && want(source) {
                    all.insert((source.source.to_string(), machine.host));
                }
            }
        }
        all
    };
    let ask = async |ask| {
        let rows = unseen(&fleet, ask).await;
        let keys: BTreeSet<_> = rows.iter().map(|row| (row.source.clone(), row.host)).collect();
        assert_eq!(keys.len(), rows.len(), "each once");
        keys
    };
    let all = unseen(&fleet, UnseenAsk::default()).await;
    assert_eq!(ask(UnseenAsk::default()).await, told(&|_| true));
    assert!(all.len() > 3 && all.iter().any(|row| !row.gaps.is_empty()), "{all:?}");
    for row in &all {
        let (name, _) = machines.iter().find(|(_, machine)| machine.host == row.host).unwrap();
        let source = reports()[name].coverage.sources.iter().find(|one| one.source == row.source).unwrap();
        assert_eq!((row.status, &row.reason, &row.gaps), (source.status, &source.reason, &source.gaps));
    }
    for reason in [GapReason::Missing, GapReason::NotLookedInto, GapReason::PermissionDenied] {
        let has = |source: &SourceReport| source.gaps.iter().any(|gap| gap.reason == reason);
        let rows = ask(UnseenAsk { reason: Some(reason), ..UnseenAsk::default() }).await;
        assert_eq!(rows, told(&has), "{reason:?}");
    }
    for blocking in [true, false] {
        let has = |source: &SourceReport| source.gaps.iter().any(|gap| gap.blocking) == blocking;
        let rows = ask(UnseenAsk { blocking: Some(blocking), ..UnseenAsk::default() }).await;
        assert_eq!(rows, told(&has));
    }
    let status = UnseenAsk { status: Some(Status::Unavailable), ..UnseenAsk::default() };
    assert_eq!(ask(status).await, told(&|source| source.status == Status::Unavailable));
    let one = UnseenAsk { source: Some(all[0].source.clone()), ..UnseenAsk::default() };
    assert_eq!(ask(one).await, told(&|source| source.source == all[0].source));
    let counts = fleet.store.unseen_counts().await.unwrap();
    assert_eq!(counts.iter().map(|count| count.hosts).sum::<u64>(), all.len() as u64);
    assert!(counts.iter().all(|count| all.iter().any(|row| row.status.word() == count.status)));
}

/// What sees all there is again has no row any more.
pub async fn what_is_seen_again(fleet: Fleet) {
    let mut machines = golden_fleet(&fleet).await;
    let all = unseen(&fleet, UnseenAsk::default()).await;
    let row = all.iter().find(|row| row.status == Status::Partial).unwrap();
    let (name, machine) = machines.iter_mut().find(|(_, machine)| machine.host == row.host).unwrap();
    let mut look = report(name).clone();
    look.host.name = Some(name.to_uppercase());
    let source = look.coverage.sources.iter_mut().find(|one| one.source == row.source).unwrap();
    (source.status, source.gaps) = (Status::Complete, Vec::new());
    machine.check_in(&fleet, &look, "seen", at(DAY)).await.unwrap();
    let left = unseen(&fleet, UnseenAsk::default()).await;
    assert_eq!(left.len() + 1, all.len());
    assert!(left.iter().all(|one| (one.host, &one.source) != (row.host, &row.source)), "{left:?}");
}
