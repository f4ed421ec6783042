//! The collector judges what it was sent as the endpoint judged what it saw.

use std::collections::BTreeMap;

use interdict::collector::store::FindingsAsk;
use interdict::model::{Finding, Gap, GapReason, HostPath, Report, Status};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::golden::{judged, reports};
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
