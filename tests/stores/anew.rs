//! Judging anew: a waiver that ends, another program, a host that stands otherwise meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use interdict::collector::rules::{assign, grant};
use interdict::collector::store::{Claim, Excepted, NewException, Settled, Standing, Whose};
use interdict::model::{Date, Verdict};

use crate::golden::{judged, report};
use crate::law::{anew, by};
use crate::machine::{DAY, Fleet, Machine, at, later};

/// A finding that is borne, and then not seen again: when its exception has ended, it is a question again.
pub async fn a_waiver_ends_over_what_is_not_seen(fleet: Fleet) {
    let dirty = report("debian-desktop");
    let evidence: Vec<_> = dirty.findings.iter().flat_map(|one| &one.evidence).map(|one| one.item).collect();
    let mut machine = Machine::enrol(&fleet, "a", &dirty).await;
    machine.check_in(&fleet, &later(&dirty, DAY), "r1", at(DAY)).await.unwrap();
    for prohibition in dirty.findings.iter().map(|one| one.prohibition.clone()).collect::<BTreeSet<_>>() {
        let new = NewException {
            whose: Whose::Host(machine.host),
            excepted: Excepted::Finding { prohibition, products: Vec::new() },
            reason: "a test".to_owned(),
            owner: "test".to_owned(),
            expires: Date::of(at(3 * DAY)),
        };
        grant(fleet.desk.court(), new, &by(10)).await.unwrap();
    }
    anew(&fleet, || at(DAY + 60)).await;
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Compliant));
    // A scan from before that one, which does not see it, says nothing of it.
    let mut clean = dirty.clone();
    clean.inventory.as_mut().unwrap().retain(|one| !evidence.contains(&one.item.id));
    machine.check_in(&fleet, &judged(clean), "r0", at(2 * DAY)).await.unwrap();
    anew(&fleet, || at(2 * DAY)).await;
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Compliant));
    anew(&fleet, || at(4 * DAY)).await;
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Inconclusive));
}

/// A program that knows other rules than the one before it judges every host anew, once.
pub async fn another_program_judges_anew(fleet: Fleet) {
    let look = report("debian-desktop");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let court = Arc::clone(fleet.desk.court());
    court.upgrade(at(1)).await.unwrap();
    let first = fleet.store.law_version().await.unwrap();
    court.upgrade(at(2)).await.unwrap();
    assert_eq!(fleet.store.law_version().await.unwrap(), first, "it is the same program");
    fleet.store.mark("judged-by", b"0.0.1 other", true).await.unwrap();
    court.upgrade(at(3)).await.unwrap();
    assert_eq!(fleet.store.law_version().await.unwrap(), first + 1);
    assert!(anew(&fleet, || at(4)).await > 0);
    let job = fleet.store.jobs(1).await.unwrap().remove(0);
    assert_eq!((job.of, job.done, job.ended_at), (1, 1, Some(at(4))), "{job:?}");
    court.upgrade(at(5)).await.unwrap();
    assert_eq!(fleet.store.law_version().await.unwrap(), first + 1);
}

/// Who was found to be two machines while it was judged is not what was judged.
pub async fn who_stands_otherwise_is_not_settled(fleet: Fleet) {
    let look = report("debian-desktop");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    assign(fleet.desk.court(), None, vec!["us-fcc-covered-list".to_owned()], &by(3)).await.unwrap();
    let law = fleet.store.law_version().await.unwrap();
    let taken = async |now: i64| {
        let claim = Claim { version: law, now: at(now), until: at(now + 60), limit: 9, of: None };
        fleet.store.claim(&claim).await.unwrap()
    };
    let one = taken(10).await.remove(0);
    let settled = |standing| Settled {
        number: one.number,
        seq: one.seq,
        law,
        tags: one.tags.clone(),
        standing,
        judged: None,
    };
    fleet.store.settle(&[settled(Standing::Unsettled)], at(11)).await.unwrap();
    assert_eq!(taken(80).await.len(), 1, "it is still to be judged");
    fleet.store.settle(&[settled(Standing::Sound)], at(81)).await.unwrap();
    assert_eq!(taken(200).await.len(), 0);
}
