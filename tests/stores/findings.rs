//! What becomes of findings and items when a host is looked at again, less well or otherwise.

use interdict::collector::judging::Judging;
use interdict::collector::store::{FindingRow, FindingState, FindingsAsk};
use interdict::model::{
    Confidence, Gap, GapReason, HostPath, Id, Image, InventoryItem, ItemKind, Report, State, Status, Verdict,
};
use interdict::normalise::item_id;
use interdict::ruleset::{Ruleset, of_text};

use crate::golden::{judged, judged_by, looked, report};
use crate::machine::{DAY, Fleet, Machine, at, blind, later, seen_of, without};

async fn findings(fleet: &Fleet, host: Id, state: Option<FindingState>) -> Vec<FindingRow> {
    let ask = FindingsAsk { limit: 100, host: Some(host), state, ..FindingsAsk::default() };
    fleet.store.findings(&ask).await.unwrap().rows
}

async fn states(fleet: &Fleet, host: Id) -> Vec<(String, FindingState)> {
    let rows = findings(fleet, host, None).await;
    rows.into_iter().map(|row| (row.finding.product, row.state)).collect()
}

/// Every source of a host fails once: no finding closes, no item goes, and a verdict that was not bad is not called good.
pub async fn a_source_that_fails_once_closes_nothing(fleet: Fleet) {
    let (mut seconds, mut tried) = (0, 0);
    for name in ["debian-desktop", "windows-workstation", "macos-laptop"] {
        let look = report(name);
        let mut machine = Machine::enrol(&fleet, name, &look).await;
        machine.check_in(&fleet, &look, &format!("{name} first"), at(seconds)).await.unwrap();
        let items = fleet.store.counts(None).await.unwrap().items;
        let before = findings(&fleet, machine.host, None).await;
        let all = seen_of(&look);
        for source in looked(&look) {
            seconds += 60;
            let less = judged(later(&blind(&look, &source), seconds));
            machine.check_in(&fleet, &less, &format!("{name} {source}"), at(seconds)).await.unwrap();
            let now = findings(&fleet, machine.host, None).await;
            let keys =
                |rows: &[FindingRow]| rows.iter().map(|row| (row.number, row.opened_at)).collect::<Vec<_>>();
            assert_eq!(keys(&now), keys(&before), "{name} without {source}");
            assert!(findings(&fleet, machine.host, Some(FindingState::Closed)).await.is_empty());
            let held = fleet.store.held(machine.host).await.unwrap().unwrap();
            assert_eq!(held.seen, all, "{name} without {source}: nothing is forgotten");
            assert_eq!(fleet.store.counts(None).await.unwrap().items, items);
            let stale: Vec<_> = fleet.detail(machine.host).await.sources;
            let stale = stale.iter().find(|one| one.report.source == source).unwrap();
            assert!(stale.stale && stale.as_of < Some(at(seconds)), "{stale:?}");
            assert!(
                fleet.detail(machine.host).await.row.verdict != Some(Verdict::Compliant),
                "{name} {source}"
            );
            seconds += 60;
            machine
                .check_in(&fleet, &later(&look, seconds), &format!("{name} {seconds}"), at(seconds))
                .await
                .unwrap();
            let again = findings(&fleet, machine.host, None).await;
            assert!(again.iter().all(|row| row.state == FindingState::Open), "{name} {source}: {again:?}");
            assert_eq!(fleet.detail(machine.host).await.policies, look.policies);
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}

pub async fn gone_is_closed_when_it_was_seen_to_be_gone(fleet: Fleet) {
    let look = report("fedora-server");
    let agent = &look.findings[0];
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let product = agent.product.clone();
    assert_eq!(states(&fleet, machine.host).await, [(product.clone(), FindingState::Open)]);
    let mut gone = look.clone();
    for evidence in &agent.evidence {
        gone = without(&gone, &evidence.name);
    }
    let blinded = judged(later(&blind(&gone, &agent.evidence[0].source), DAY));
    machine.check_in(&fleet, &blinded, "r2", at(DAY)).await.unwrap();
    let rows = findings(&fleet, machine.host, None).await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.state, row.seen_at), (FindingState::NotReVerified, at(0)));
    assert!(row.why.as_ref().unwrap().contains("permission denied"), "{row:?}");
    // A shallower look, in which the source sees all of its part, proves nothing either.
    let mut shallow = later(&gone, 2 * DAY);
    shallow.claim.depth = interdict::model::Depth::Quick;
    machine.check_in(&fleet, &judged(shallow), "r3", at(2 * DAY)).await.unwrap();
    assert_eq!(states(&fleet, machine.host).await, [(product.clone(), FindingState::NotReVerified)]);
    machine.check_in(&fleet, &judged(later(&gone, 3 * DAY)), "r4", at(3 * DAY)).await.unwrap();
    assert!(states(&fleet, machine.host).await.is_empty());
    let rows = findings(&fleet, machine.host, Some(FindingState::Closed)).await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.closed_at, row.seen_at, row.opened_at), (Some(at(3 * DAY)), at(0), at(0)));
    assert_eq!(row.why.as_deref(), Some("removed"));
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Compliant));
    // It comes back, and is another finding.
    machine.check_in(&fleet, &later(&look, 4 * DAY), "r5", at(4 * DAY)).await.unwrap();
    let rows = findings(&fleet, machine.host, None).await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.state, row.opened_at), (FindingState::Open, at(4 * DAY)));
}

/// A source that sees only a part tells what is in the part: what it finds counts, what it misses is not gone.
pub async fn a_part_tells_what_is_in_it(fleet: Fleet) {
    let mut look = report("debian-desktop");
    let dpkg = look.coverage.sources.iter_mut().find(|one| one.source == "dpkg").unwrap();
    dpkg.status = Status::Partial;
    let mut gap = Gap::new(GapReason::Malformed, None, true);
    gap.add(&HostPath::from("/var/lib/dpkg/status"));
    dpkg.gaps.push(gap);
    let look = judged(look);
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let detail = fleet.detail(machine.host).await;
    assert_eq!((detail.row.verdict, &detail.policies), (Some(Verdict::NonCompliant), &look.policies));
    let before = states(&fleet, machine.host).await;
    let found = look.findings.iter().flat_map(|one| &one.evidence).find(|one| one.source == "dpkg").unwrap();
    let less = judged(later(&without(&look, &found.name), 60));
    machine.check_in(&fleet, &less, "r2", at(60)).await.unwrap();
    assert_eq!(states(&fleet, machine.host).await.len(), before.len());
    let talk = machine.check_in(&fleet, &later(&less, 120), "r3", at(120)).await.unwrap();
    assert_eq!(talk.answers, ["kept"], "a part that is the same is not told again");
}

const RULES: &str = r#"
schema = 1
[vendor]
id = "acme"
name = "Acme"
[[product]]
id = "acme.guard"
name = "Guard"
category = "security"
[[product.indicator]]
kind = "package"
name = { exact = ["guard"] }
strength = "weak"
source = "this test"
[[product.indicator]]
kind = "executable"
path = { glob = ["/opt/acme/**"] }
strength = "weak"
source = "this test"
"#;
const POLICY: &str = r#"
schema = 1
[policy]
id = "ours"
title = "Ours"
effective = 2020-01-01
[[prohibition]]
id = "ours.acme"
vendor = "acme"
"#;

fn ours() -> Ruleset {
    let loaded = of_text(&[("vendors/acme.toml", RULES), ("policies/ours.toml", POLICY)]);
    loaded.ruleset.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

/// An item like another of the host, of another name.
pub fn like(look: &Report, kind: ItemKind, change: impl Fn(&mut InventoryItem)) -> InventoryItem {
    let items = look.inventory.as_ref().unwrap();
    let counts = |one: &&InventoryItem| one.item.kind == kind && one.sightings[0].state.counts();
    let mut item = items.iter().find(counts).unwrap().clone();
    item.sightings.truncate(1);
    change(&mut item);
    item.item.id = item_id(&item.item);
    item
}

/// A weak sign on one host and another weak sign on a second one say nothing of either; both on a third are probable.
pub async fn two_weak_signs_on_one_host(fleet: Fleet) {
    let fleet = fleet.judged(Judging::by(ours(), &["ours".to_owned()]));
    let look = report("debian-desktop");
    let package = like(&look, ItemKind::Package, |one| "guard".clone_into(&mut one.item.name));
    let program = like(&look, ItemKind::Executable, |one| {
        let path = "/opt/acme/bin/x";
        (one.item.name, one.item.path) = ("x".to_owned(), Some(path.to_owned()));
        one.sightings[0].image = Some(Image { path: path.into(), exists: Some(true) });
        one.sightings[0].state = State::Present;
    });
    let (package, program) = (&package, &program);
    let hosts: [(&str, &[&InventoryItem], Option<Confidence>); 3] = [
        ("one", &[package], Some(Confidence::Possible)),
        ("two", &[program], Some(Confidence::Possible)),
        ("three", &[package, program], Some(Confidence::Probable)),
    ];
    for (name, items, confidence) in hosts {
        let mut look = look.clone();
        look.host.name = Some(name.to_owned());
        look.inventory.as_mut().unwrap().extend(items.iter().map(|item| (*item).clone()));
        let look = judged_by(look, &ours(), "ours");
        let mut machine = Machine::enrol(&fleet, name, &look).await;
        machine.check_in(&fleet, &look, name, at(0)).await.unwrap();
        let rows = findings(&fleet, machine.host, None).await;
        let told: Vec<_> =
            rows.iter().map(|row| (Some(row.finding.confidence), row.finding.decides)).collect();
        assert_eq!(told, [(confidence, confidence == Some(Confidence::Probable))], "{name}");
        let verdict = fleet.detail(machine.host).await.row.verdict;
        assert_eq!(verdict == Some(Verdict::NonCompliant), name == "three", "{name}: {verdict:?}");
    }
}

/// What a scan was not told to look for is not known to be absent; what it found is there whatever led it.
pub async fn other_rules_need_a_scan(fleet: Fleet) {
    let look = report("debian-desktop");
    let fleet = fleet.judged(Judging::by(ours(), &["ours".to_owned()]));
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let detail = fleet.detail(machine.host).await;
    assert_eq!(detail.row.verdict, Some(Verdict::Inconclusive), "it was led by the built-in rules");
    let why = &detail.policies[0].prohibitions[0].unseen;
    assert!(why.iter().any(|one| one.reason.starts_with("needs a scan")), "{why:?}");
    let mut led = judged_by(later(&look, 60), &ours(), "ours");
    assert_eq!(led.verdict, Verdict::Compliant);
    machine.check_in(&fleet, &led, "r2", at(60)).await.unwrap();
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Compliant));
    let found = like(&look, ItemKind::Package, |one| {
        (one.item.name, one.item.publisher) = ("guard".to_owned(), None);
    });
    led.inventory.as_mut().unwrap().push(found);
    led.inventory
        .as_mut()
        .unwrap()
        .sort_by(|a, b| (a.item.kind, &a.item.name).cmp(&(b.item.kind, &b.item.name)));
    machine.check_in(&fleet, &judged(later(&led, 120)), "r3", at(120)).await.unwrap();
    let rows = findings(&fleet, machine.host, None).await;
    assert_eq!(rows.iter().map(|row| row.finding.product.as_str()).collect::<Vec<_>>(), ["acme.guard"]);
}

/// The same rules under other policies look for other things.
pub async fn other_policies_need_a_scan(fleet: Fleet) {
    let look = judged_by(report("debian-desktop"), &ours(), "ours");
    let fleet = fleet.judged(Judging::by(ours(), &["ours".to_owned()]));
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Compliant));
    let mut other = later(&look, 60);
    "another".clone_into(&mut other.policies[0].policy);
    let talk = machine.check_in(&fleet, &other, "r2", at(60)).await.unwrap();
    assert!(talk.answers.len() > 1, "it is not as it was: {talk:?}");
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Inconclusive));
}

/// A report of a scan that began before the one that showed a finding comes after it: what it does not show is not gone.
pub async fn an_earlier_scan_closes_nothing(fleet: Fleet) {
    let dirty = report("debian-desktop");
    let evidence: Vec<_> = dirty.findings.iter().flat_map(|one| &one.evidence).map(|one| one.item).collect();
    let mut clean = dirty.clone();
    clean.inventory.as_mut().unwrap().retain(|one| !evidence.contains(&one.item.id));
    let clean = judged(clean);
    let mut machine = Machine::enrol(&fleet, "a", &dirty).await;
    machine.check_in(&fleet, &later(&dirty, DAY), "r1", at(DAY)).await.unwrap();
    let found = findings(&fleet, machine.host, None).await;
    assert!(!found.is_empty());
    machine.check_in(&fleet, &clean, "r0", at(DAY + 60)).await.unwrap();
    let now = findings(&fleet, machine.host, None).await;
    assert!(now.iter().all(|row| row.state == FindingState::NotReVerified), "{now:?}");
    assert_eq!(now.len(), found.len());
    assert_ne!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Compliant));
    // One that began later says what is gone.
    machine.check_in(&fleet, &judged(later(&clean, 2 * DAY)), "r2", at(2 * DAY)).await.unwrap();
    assert_eq!(findings(&fleet, machine.host, Some(FindingState::Closed)).await.len(), found.len());
    assert_eq!(fleet.detail(machine.host).await.row.verdict, Some(Verdict::Compliant));
}
