//! The pure comparison: items, and documents that may or may not be compared.

use super::*;

#[test]
fn items_change_where_the_old_one_is_gone() {
    let mut after = bad();
    let items = after.inventory.as_mut().unwrap();
    let package = items.iter_mut().find(|seen| seen.item.name == "base-files").unwrap();
    package.item.id.0[0] ^= 1;
    package.item.version = Some(Version::new("12.5", crate::model::Scheme::Dpkg));
    let comparison = of(&bad(), &after);
    let [change] = comparison.items.changes.as_slice() else { panic!("{:#?}", comparison.items) };
    assert_eq!((change.fate, change.differs.as_slice()), (ItemFate::Changed, &["version".to_owned()][..]));
    source(&mut after, "dpkg").status = Status::Failed;
    let fates: Vec<ItemFate> = of(&bad(), &after).items.changes.iter().map(|item| item.fate).collect();
    assert_eq!(fates, [ItemFate::Added, ItemFate::NotReVerified], "the old one may still be there");
}

#[test]
fn an_item_in_fewer_places_was_seen_there_or_not() {
    let mut before = bad();
    let items = before.inventory.as_mut().unwrap();
    let mut second = items[0].sightings[0].clone();
    second.source = "snap".into();
    items[0].sightings.push(second);
    source(&mut before, "snap").status = Status::Complete;
    let comparison = of(&before, &bad());
    let fates = |one: &Comparison| one.items.changes.iter().map(|item| item.fate).collect::<Vec<_>>();
    assert_eq!(fates(&comparison), [ItemFate::Changed]);
    let mut after = bad();
    source(&mut after, "snap").status = Status::Failed;
    assert_eq!(fates(&of(&before, &after)), [ItemFate::NotReVerified]);
}

#[test]
fn what_merely_ran_is_no_difference() {
    let mut before = bad();
    let items = before.inventory.as_mut().unwrap();
    let mut ran = items[0].clone();
    ran.item.id.0[0] ^= 1;
    ran.sightings[0].state = State::Running;
    let mut sighting = items[0].sightings[0].clone();
    (sighting.source, sighting.state) = ("processes".into(), State::Running);
    items[0].sightings.push(sighting);
    items.push(ran);
    let items = of(&before, &bad()).items;
    assert_eq!((items.changes.len(), items.merely_ran), (0, 1), "{items:#?}");
}

#[test]
fn two_hosts_are_not_one() {
    let mut after = cured();
    after.host.machine_id = Some("f".repeat(32));
    let sides = (Side::of_report(&after), bad());
    let refused = compare(&Side::of_report(&sides.1), &sides.0, STRICT).unwrap_err();
    assert!(refused.to_string().contains("--different-hosts"), "{refused}");
    let allow = Allow { different_hosts: true, ..STRICT };
    let comparison = compare(&Side::of_report(&sides.1), &sides.0, allow).unwrap();
    assert!(comparison.findings.iter().all(|one| one.fate == Fate::OtherHost), "{comparison:#?}");
    assert!(comparison.items.changes.iter().all(|one| one.fate == ItemFate::OtherHost));
    assert_eq!((comparison.clean.shown, comparison.same_host), (Shown::NotShown, false));
    // Without an id the name is believed, and that is said.
    after.host.machine_id = None;
    assert_eq!(of(&bad(), &after).notes.len(), 1);
    after.host.name = Some("another".into());
    assert!(compare(&Side::of_report(&bad()), &Side::of_report(&after), STRICT).is_err());
}

#[test]
fn the_older_one_comes_first() {
    let mut before = bad();
    before.scanned_at = Stamp::from_unix(before.scanned_at.unix() + 1).unwrap();
    let (old, new) = (bad(), before);
    let refused = compare(&Side::of_report(&new), &Side::of_report(&old), STRICT).unwrap_err();
    assert!(matches!(refused, Incomparable::Order { .. }), "{refused}");
    let allow = Allow { any_order: true, ..STRICT };
    assert_eq!(compare(&Side::of_report(&new), &Side::of_report(&old), allow).unwrap().notes.len(), 1);
}

#[test]
fn a_report_and_an_inventory_share_items() {
    let inventory = inventory_of(cured());
    let (before, after) = (bad(), Side::of_inventory(&inventory));
    let comparison = compare(&Side::of_report(&before), &after, STRICT).unwrap();
    assert!(comparison.findings.is_empty() && comparison.items.not_compared.is_none());
    assert_eq!(comparison.clean.shown, Shown::NotJudged);
    // An inventory looks for nothing that rules name: what /opt showed under rules is not gone.
    let fate = |name: &str| comparison.items.changes.iter().find(|one| one.name == name).unwrap().fate;
    assert_eq!((fate("klnagent64"), fate("kesl")), (ItemFate::Removed, ItemFate::Removed));
    let hidden = comparison.items.changes.iter().filter(|one| one.fate == ItemFate::NotReVerified);
    assert_eq!(hidden.count(), 2);
    let bare = Report { inventory: None, ..bad() };
    let refused = compare(&Side::of_report(&bare), &after, STRICT).unwrap_err();
    assert!(refused.to_string().contains("--with-inventory"), "{refused}");
}

#[test]
fn how_deep_an_old_inventory_looked_is_not_known() {
    let (before, after) = (inventory_of(bad()), inventory_of(cured()));
    let all = |before: &Inventory, after: &Inventory, fate| {
        let comparison = compare(&Side::of_inventory(before), &Side::of_inventory(after), STRICT).unwrap();
        comparison.items.changes.iter().all(|one| one.fate == fate)
    };
    assert!(all(&before, &after, ItemFate::Removed));
    let old = Inventory { depth: None, ..before.clone() };
    assert!(all(&old, &after, ItemFate::NotReVerified));
    let deep = Inventory { depth: Some(Depth::Deep), ..after };
    assert!(all(&old, &deep, ItemFate::Removed), "all there is was looked at");
}
