//! Whether one machine speaks as a host.

use interdict::collector::check_in::Refusal;
use interdict::collector::store::{NewHost, Standing, Stored};
use interdict::model::{Id, Report, Verdict};
use interdict::normalise::sets;

use crate::golden::{judged, report};
use crate::machine::{DAY, Fleet, Machine, at, id, later, secret};

async fn told(fleet: &Fleet, host: Id) -> (Standing, Option<Verdict>) {
    let row = fleet.detail(host).await.row;
    (row.standing, row.verdict)
}

/// The same machine without what is prohibited on it.
fn clean(look: &Report) -> Report {
    let evidence: Vec<_> = look.findings.iter().flat_map(|one| &one.evidence).map(|one| one.item).collect();
    let mut clean = look.clone();
    clean.inventory.as_mut().unwrap().retain(|one| !evidence.contains(&one.item.id));
    let clean = judged(clean);
    assert_eq!(clean.verdict, Verdict::Compliant);
    clean
}

/// An image that was enrolled is started three times, with the same name and the same machine id; one of them gets what is
/// prohibited. The host is never compliant; after each has enrolled anew there are three.
pub async fn copies_are_told_apart(fleet: Fleet) {
    let dirty = report("fedora-server");
    let look = clean(&dirty);
    let mut image = Machine::enrol(&fleet, "image", &look).await;
    image.check_in(&fleet, &look, "image", at(0)).await.unwrap();
    let (mut one, mut two, mut three) = (image.clone(), image.clone(), image);
    one.check_in(&fleet, &later(&dirty, DAY), "one 1", at(DAY)).await.unwrap();
    assert_eq!(told(&fleet, one.host).await, (Standing::Sound, Some(Verdict::NonCompliant)));
    let talk = two.check_in(&fleet, &later(&look, DAY), "two 1", at(DAY + 60)).await.unwrap();
    assert_eq!((talk.answers, two.seq), (vec!["send", "kept"], 3), "its number was taken");
    assert_eq!(told(&fleet, one.host).await, (Standing::Unsettled, None));
    let talk = three.check_in(&fleet, &later(&look, DAY), "three 1", at(DAY + 90)).await;
    let states = told(&fleet, one.host).await;
    assert!(states.1 != Some(Verdict::Compliant), "{talk:?} {states:?}");
    let mut refused = 0;
    for (copy, name) in [(&mut one, "one 2"), (&mut two, "two 2"), (&mut three, "three 2")] {
        let talk = copy.check_in(&fleet, &later(&look, 2 * DAY), name, at(2 * DAY)).await;
        refused += usize::from(matches!(talk, Err(Refusal::Conflict(_))));
        assert!(told(&fleet, copy.host).await.1 != Some(Verdict::Compliant), "{name}");
    }
    assert!(refused >= 2, "{refused}");
    assert_eq!(told(&fleet, one.host).await, (Standing::Split, None));
    let history = fleet.detail(one.host).await.history;
    assert_eq!(history.first().map(|row| row.verdict), Some(None), "{history:?}");
    for (name, look) in [("one", &dirty), ("two", &look), ("three", &look)] {
        let new = NewHost {
            host: id(&format!("new {name}")),
            install: id(&format!("new {name}")),
            machine: sets::machine_digest(&look.host),
            name: None,
            family: "linux",
            token: secret(name),
            replaces: Some(one.host),
        };
        fleet.store.enrol(&new, at(3 * DAY)).await.unwrap();
        let mut copy =
            Machine { host: new.host, install: new.install, seq: 0, previous: None, ..one.clone() };
        copy.forget();
        copy.check_in(&fleet, &later(look, 3 * DAY), &format!("{name} 3"), at(3 * DAY)).await.unwrap();
        assert_eq!(told(&fleet, new.host).await, (Standing::Sound, Some(look.verdict)));
    }
    let counts = fleet.store.counts(None).await.unwrap();
    assert_eq!((counts.hosts, counts.compliant, counts.non_compliant), (3, 2, 1), "the image is retired");
}

/// A machine is put back to a snapshot of yesterday: one whole send, no flapping, and when the line that it left stays silent
/// it is settled.
pub async fn a_disk_that_was_put_back_settles(fleet: Fleet) {
    let look = clean(&report("debian-desktop"));
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let mut restored = machine.clone();
    for n in 2..5 {
        let seconds = n * DAY;
        machine.check_in(&fleet, &later(&look, seconds), &format!("r{n}"), at(seconds)).await.unwrap();
    }
    let back = 5 * DAY;
    let talk = restored.check_in(&fleet, &later(&look, back), "back 1", at(back)).await.unwrap();
    assert_eq!((talk.answers, restored.seq), (vec!["send", "kept"], 5));
    assert_eq!(told(&fleet, machine.host).await, (Standing::Unsettled, None));
    let soon = restored.check_in(&fleet, &later(&look, back + DAY), "back 2", at(back + DAY)).await.unwrap();
    assert_eq!(soon.answers, ["kept"], "nothing is sent again");
    assert_eq!(told(&fleet, machine.host).await, (Standing::Unsettled, None));
    restored.check_in(&fleet, &later(&look, back + 2 * DAY), "back 3", at(back + 2 * DAY)).await.unwrap();
    assert_eq!(told(&fleet, machine.host).await, (Standing::Sound, Some(Verdict::Compliant)));
    let history = fleet.detail(machine.host).await.history;
    let verdicts: Vec<_> = history.iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts, [Some(Verdict::Compliant), None, Some(Verdict::Compliant)]);
    // A snapshot with what is prohibited says so at once.
    let mut again = restored.clone();
    again.seq = 5;
    again.previous = Some(id("back 1"));
    let dirty = later(&report("debian-desktop"), back + 3 * DAY);
    again.check_in(&fleet, &dirty, "again", at(back + 3 * DAY)).await.unwrap();
    assert_eq!(told(&fleet, machine.host).await, (Standing::Unsettled, Some(Verdict::NonCompliant)));
}

pub async fn a_copy_elsewhere_is_split(fleet: Fleet) {
    let look = report("alpine-container");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let mut copy = machine.clone();
    let mut elsewhere = later(&look, 60);
    elsewhere.host.machine_id = Some("0123456789abcdef0123456789abcdef".to_owned());
    let talk = copy.check_in(&fleet, &elsewhere, "c1", at(60)).await;
    assert!(matches!(talk, Err(Refusal::Conflict(_))), "{talk:?}");
    assert_eq!(told(&fleet, machine.host).await, (Standing::Split, None));
    let talk = machine.check_in(&fleet, &later(&look, 90), "r2", at(90)).await;
    assert!(matches!(talk, Err(Refusal::Conflict(_))), "nobody can tell which of them it is: {talk:?}");
}

/// The answer to a report was lost, and the report is not sent again: the next one says so.
pub async fn a_lost_answer_is_no_fork(fleet: Fleet) {
    let look = report("alpine-container");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let heard = machine.previous;
    machine.check_in(&fleet, &later(&look, 60), "r2", at(60)).await.unwrap();
    let next = later(&look, 120);
    let mut header = machine.header(&next, &crate::machine::sets_of(&next), "r3");
    (header.previous, header.tried) = (heard, vec![id("never came"), id("r2")]);
    let sent = interdict::model::CheckIn { header, body: None };
    fleet.desk.receive(machine.host, sent, at(120)).await.unwrap();
    let detail = fleet.detail(machine.host).await;
    assert_eq!((detail.row.standing, detail.row.seq), (Standing::Sound, 3));
}

/// The collector itself was put back: every host goes on from a report that it does not know.
pub async fn a_collector_that_was_put_back_goes_on(fleet: Fleet) {
    let look = report("alpine-container");
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    (machine.seq, machine.previous) = (9, Some(id("r9")));
    let talk = machine.check_in(&fleet, &later(&look, 60), "r10", at(60)).await.unwrap();
    let detail = fleet.detail(machine.host).await;
    assert_eq!((talk.answers, detail.row.standing, detail.row.seq), (vec!["kept"], Standing::Sound, 10));
}

/// A report that was being judged while another machine spoke as its host does not make it sound again.
pub async fn a_split_stays_split(fleet: Fleet) {
    let look = clean(&report("fedora-server"));
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let known = fleet.store.known(machine.host, 2, &[]).await.unwrap().unwrap();
    let on_its_way = crate::keeping::unchanged(machine.host, &known, "r2", 60);
    fleet.store.split(machine.host, at(30)).await.unwrap();
    assert_eq!(fleet.store.keep(on_its_way).await.unwrap(), Stored::Overtaken);
    assert_eq!(told(&fleet, machine.host).await, (Standing::Split, None));
}

/// A copy of so long ago that the report which it goes on from is forgotten.
pub async fn a_copy_of_long_ago_is_unsettled(fleet: Fleet) {
    let dirty = report("fedora-server");
    let look = clean(&dirty);
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let mut copy = machine.clone();
    machine.check_in(&fleet, &later(&dirty, DAY), "r2", at(DAY)).await.unwrap();
    fleet.store.prune(at(DAY)).await.unwrap();
    let talk = copy.check_in(&fleet, &later(&look, 2 * DAY), "copy 1", at(2 * DAY)).await.unwrap();
    assert_eq!(talk.answers, ["send", "kept"]);
    assert_eq!(told(&fleet, machine.host).await, (Standing::Unsettled, None));
}
