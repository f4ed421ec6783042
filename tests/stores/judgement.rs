//! The collector judges what it was sent as the endpoint judged what it saw.

use std::collections::{BTreeMap, BTreeSet};

use interdict::collector::dry_run::as_of;
use interdict::collector::rules::assign;
use interdict::collector::store::FindingsAsk;
use interdict::model::{Finding, Gap, GapReason, HostPath, Report, Stamp, Status};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::golden::{judged, reports};
use crate::law::{anew, by};
use crate::machine::{Fleet, Machine, at, blind};

/// Worse days of each host.
const WORSE_DAYS: usize = 6;

/// What of findings is said of the host, whatever order its sightings were found in.
fn told(findings: impl IntoIterator<Item = Finding>) -> BTreeMap<String, Finding> {
    let one = |mut finding: Finding| {
        for evidence in &mut finding.evidence {
            evidence.process = None;
            evidence.indicators.sort();
        }
        finding.evidence.sort_by_cached_key(|one| serde_json::to_string(one).unwrap());
        (format!("{} {}", finding.prohibition, finding.product), finding)
    };
    findings.into_iter().map(one).collect()
}

/// A look at a golden host on a worse day: some sources saw nothing, some not all, some items are not there.
fn worse(report: &Report, days: &[u8]) -> Report {
    let mut look = report.clone();
    let sources: Vec<String> = look.coverage.sources.iter().map(|one| one.source.to_string()).collect();
    for (source, day) in sources.iter().zip(days.iter().cycle()) {
        match day {
            0 => look = blind(&look, source),
            1 => {
                let one = look.coverage.sources.iter_mut().find(|one| one.source == *source).unwrap();
                let mut gap = Gap::new(GapReason::ReadError, None, true);
                gap.add(&HostPath::from("/somewhere"));
                one.gaps.push(gap);
                one.status = Status::Partial;
            }
            2 => {
                let mut keep = days.iter().cycle();
                let items = look.inventory.as_mut().unwrap();
                items.retain(|item| item.sightings[0].source != *source || keep.next() != Some(&2));
            }
            _ => {}
        }
    }
    judged(look)
}

pub async fn the_collector_judges_as_the_endpoint(fleet: Fleet) {
    let mut runner = TestRunner::deterministic();
    let days = proptest::collection::vec(0u8..12, 7..23);
    for (name, report) in reports() {
        assert!(!report.policies.is_empty());
        let mut looks = vec![report.clone()];
        for _ in 0..WORSE_DAYS {
            looks.push(worse(report, &days.new_tree(&mut runner).unwrap().current()));
        }
        for (mut look, n) in looks.into_iter().zip(0..) {
            // Each is a host of its own: what was found before is no part of a judgement.
            look.host.name = Some(format!("{name}-{n}"));
            let look = judged(look);
            let mut machine = Machine::enrol(&fleet, &format!("{name} {n}"), &look).await;
            machine.check_in(&fleet, &look, &format!("{name} {n}"), at(0)).await.unwrap();
            let detail = fleet.detail(machine.host).await;
            assert_eq!(detail.row.verdict, Some(look.verdict), "{name} {n}");
            assert_eq!(detail.policies, look.policies, "{name} {n}");
            let ask = FindingsAsk { limit: 500, host: Some(machine.host), ..FindingsAsk::default() };
            let rows = fleet.store.findings(&ask).await.unwrap().rows;
            assert_eq!(told(rows.into_iter().map(|row| row.finding)), told(look.findings), "{name} {n}");
        }
    }
}

/// Another host that was looked at in the same manner: the scan took longer, and read more.
fn alike(look: &Report) -> Report {
    let mut other = look.clone();
    for source in &mut other.coverage.sources {
        source.elapsed_ms += 7;
        source.records += u64::from(source.records > 0);
    }
    other
}

/// Judged anew, hosts on which nothing is found have what those have that were looked at in the same manner: it is what each
/// has that is judged by itself.
pub async fn hosts_that_were_looked_at_alike_are_judged_as_each_alone(fleet: Fleet) {
    fn now() -> Stamp {
        at(100)
    }
    let mut runner = TestRunner::deterministic();
    let days = proptest::collection::vec(0u8..12, 7..23);
    for (name, report) in reports() {
        let worse = worse(report, &days.new_tree(&mut runner).unwrap().current());
        let looks = [report.clone(), alike(report), worse.clone(), alike(&worse)];
        for (mut look, n) in looks.into_iter().zip(0..) {
            look.host.name = Some(format!("{name}-{n}"));
            let look = judged(look);
            let mut machine = Machine::enrol(&fleet, &format!("{name} {n}"), &look).await;
            machine.check_in(&fleet, &look, &format!("{name} {n}"), at(0)).await.unwrap();
        }
    }
    // What was found under the first policy is closed under the next ones, of which little is found on these hosts.
    let court = fleet.desk.court();
    for policies in [["lt-critical"].as_slice(), &["us-fcc-covered-list", "us-florida"], &["us-commerce"]] {
        let policies: Vec<String> = policies.iter().map(|&id| id.to_owned()).collect();
        assign(court, None, policies.clone(), &by(3)).await.unwrap();
        anew(&fleet, now).await;
        let hosts = fleet.store.looks(0, 1_000).await.unwrap();
        let numbers: Vec<i64> = hosts.iter().map(|host| host.number).collect();
        let looked = fleet.store.looked(&numbers).await.unwrap();
        assert_eq!((hosts.len(), looked.len()), (reports().len() * 4, reports().len() * 4));
        let manners: BTreeSet<_> = looked.values().map(|looked| looked.manner).collect();
        assert!(manners.len() * 2 <= hosts.len(), "{} of {}", manners.len(), hosts.len());
        let clean: Vec<_> = hosts.iter().filter(|host| !looked[&host.number].found).collect();
        assert!(clean.len() > manners.len() / 2, "{policies:?}: {} of {}", clean.len(), hosts.len());
        for host in clean {
            let alone =
                as_of(fleet.store.as_ref(), &court.judging(), host.host, now()).await.unwrap().unwrap();
            let detail = fleet.detail(host.host).await;
            assert_eq!(detail.policies.len(), policies.len());
            assert_eq!(
                (detail.row.verdict, detail.policies),
                (alone.verdict, alone.policies),
                "{:?}",
                detail.row.name
            );
        }
    }
}
