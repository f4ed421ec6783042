//! Golden vectors of the digests, and what must and what must not move them.

use super::*;
use crate::model::{
    Family, Field, GapReason, Image, Item, ItemKind, Link, Looked, Means, Os, ProcessFacts, Recorded, Scheme,
    Stamp, User, Version,
};

fn item(name: &str) -> Item {
    let mut item = Item {
        id: ItemId([0; 16]),
        kind: ItemKind::Executable,
        name: name.into(),
        display_name: None,
        version: Some(Version::new("1.0-2", Scheme::Dpkg)),
        publisher: None,
        signer: Looked::NotLooked,
        identifiers: vec![],
        arch: None,
        path: Some(format!("/opt/{name}")),
    };
    item.id = item_id(&item);
    item
}

fn sighting(source: &'static str, state: State) -> Sighting {
    Sighting {
        source: source.into(),
        state,
        scope: Scope::Machine,
        place: Place::record("/var/lib/dpkg/status".into(), "package x"),
        image: Some(Image { path: "/opt/x".into(), exists: Some(true) }),
        recorded_at: Recorded { value: Stamp::from_unix(1_700_000_000), means: Means::LastServiced },
        last_update: None,
        process: None,
        links: vec![],
    }
}

fn running(pid: u32) -> Sighting {
    let process = ProcessFacts { pid, started: Stamp::from_unix(pid.into()), owner: None, deleted: false };
    Sighting {
        place: Place::record(format!("/proc/{pid}/exe").as_str().into(), format!("pid {pid}")),
        process: Some(process),
        recorded_at: Recorded::default(),
        ..sighting("processes", State::Running)
    }
}

fn report(source: &'static str, status: Status) -> SourceReport {
    SourceReport {
        source: source.into(),
        status,
        reason: None,
        gaps: vec![],
        records: 7,
        not_kept: 0,
        scopes: vec![ScopeKind::Machine],
        fields: vec![Field::Name, Field::Path],
        yields: vec![(ItemKind::Executable, vec![State::Present, State::Installed])],
        install_record: true,
        elapsed_ms: 5,
    }
}

fn host() -> HostFacts {
    let user = User { n: 1, name: "alice".into(), home: "/home/alice".into(), readable: true, sid: None };
    HostFacts {
        family: Family::Linux,
        os: Os { id: Some("debian".into()), version: Some("12".into()), ..Os::default() },
        name: Some("desk-7".into()),
        machine_id: Some("0123456789abcdef0123456789abcdef".into()),
        mode: Mode::Live,
        privileged: true,
        full_disk_access: None,
        users: vec![user],
        user_gaps: vec![],
        aliases: vec![],
        other_volumes: vec![],
        windows: None,
    }
}

fn coverage(reports: Vec<SourceReport>) -> Coverage {
    Coverage { sources: reports }
}

fn look(items: &[InventoryItem], told: &[ItemId]) -> Sets {
    let reports = vec![report("dpkg", Status::Complete), report("processes", Status::Complete)];
    sets(items, &coverage(reports), &told.iter().copied().collect())
}

fn inventory(sets: &Sets, facts: &HostFacts) -> Id {
    let about = About {
        tool: &Tool { name: "interdict".into(), version: "0.1.0".into() },
        rules: Id([7; 16]),
        policies: vec!["us-commerce"],
        led: None,
        facts,
        scope: ScopeAsk::All,
        depth: Depth::Standard,
    };
    inventory_digest(&about, &digests(&sets.sources))
}

#[test]
fn golden_vectors() {
    let item = InventoryItem { item: item("x"), sightings: vec![sighting("dpkg", State::Installed)] };
    let sets = look(&[item], &[]);
    let seen = sets.seen.keys().next().unwrap();
    assert_eq!(seen.to_string(), "86579760b96b669e3fbcaf075afb5ba5");
    let set = &sets.sources[0];
    assert_eq!(set.set.unwrap().to_string(), "b0acd6ee0850afae5d60be2cce4d1cfb");
    assert_eq!(set.state.to_string(), "e1d8a071da36aefe6892d29797fb550b");
    assert_eq!(sets.sources[1].set, Some(set_digest(&[])));
    assert_eq!(inventory(&sets, &host()).to_string(), "f11f11e6cf688f6c210ee12b16e510d6");
    assert_eq!(machine_digest(&host()).to_string(), "adf3bd213195d5910b12edd565f1e8f5");
}

#[test]
fn what_merely_runs_moves_nothing() {
    let installed = InventoryItem { item: item("x"), sightings: vec![sighting("dpkg", State::Installed)] };
    let quiet = look(std::slice::from_ref(&installed), &[]);
    let busy = InventoryItem {
        sightings: vec![sighting("dpkg", State::Installed), running(7), running(9)],
        ..installed.clone()
    };
    let other = InventoryItem { item: item("y"), sightings: vec![running(10)] };
    let after = look(&[busy.clone(), other.clone()], &[]);
    assert_eq!(inventory(&quiet, &host()), inventory(&after, &host()));
    // A program that a rule has found is told, once, whatever its number.
    let told = look(&[busy, other.clone()], &[other.item.id]);
    assert_ne!(inventory(&quiet, &host()), inventory(&told, &host()));
    let [entry] = &told.sources[1].entries[..] else { panic!("{:?}", told.sources[1].entries) };
    assert_eq!(told.seen[&entry.id].place, Place::file("/opt/x".into()));
    let again = InventoryItem { item: item("y"), sightings: vec![running(11), running(12)] };
    let again = look(&[installed, again], &[other.item.id]);
    assert_eq!(inventory(&told, &host()), inventory(&again, &host()));
}

#[test]
fn a_process_without_a_file_has_no_number_either() {
    for (place, without) in [
        ("/proc/812/exe", "/proc"),
        ("process 812 (avp.exe)", "process (avp.exe)"),
        ("process 812", "process"),
        ("/proc/self", "/proc/self"),
        ("process x", "process x"),
    ] {
        let nameless = Sighting { image: None, place: Place::file(place.into()), ..running(1) };
        assert_eq!(place_of_running(&nameless), Place::file(without.into()));
    }
}

#[test]
fn how_a_source_ended_counts_and_how_long_it_took_does_not() {
    let base = report("dpkg", Status::Complete);
    let digest = state_digest(&base);
    let mut vanished = SourceReport { elapsed_ms: 900, records: 9, ..base.clone() };
    vanished.gap(GapReason::Vanished, &"/proc/7".into(), None, false);
    assert_eq!(vanished.status, Status::Partial);
    assert_eq!(state_digest(&vanished), digest);
    let denied = |places: &[&str]| {
        let mut report = base.clone();
        for place in places {
            report.gap(GapReason::PermissionDenied, &(*place).into(), None, true);
        }
        report
    };
    assert_ne!(state_digest(&denied(&["/root"])), digest);
    assert_eq!(state_digest(&denied(&["/proc/7/exe"])), state_digest(&denied(&["/proc/812/exe", "/proc/9"])));
    assert_eq!(state_digest(&denied(&["process 7"])), state_digest(&denied(&["process 812"])));
    assert!(is_whole(&vanished) && !is_whole(&denied(&["/root"])));
    for other in [
        SourceReport { status: Status::Failed, ..base.clone() },
        SourceReport { reason: Some("why".into()), ..base.clone() },
        SourceReport { scopes: vec![ScopeKind::User], ..base.clone() },
        SourceReport { fields: vec![Field::Name], ..base.clone() },
        SourceReport { yields: vec![], ..base.clone() },
        SourceReport { install_record: false, ..base.clone() },
        SourceReport { records: 0, ..base.clone() },
        SourceReport { not_kept: 1, ..base.clone() },
        report("rpm", Status::Complete),
    ] {
        assert_ne!(state_digest(&other), digest, "{other:?}");
    }
}

#[test]
fn what_could_not_be_looked_at_has_no_set_and_what_was_seen_in_part_has() {
    let item = InventoryItem { item: item("x"), sightings: vec![sighting("dpkg", State::Installed)] };
    let mut part = report("dpkg", Status::Complete);
    part.gap(GapReason::PermissionDenied, &"/root".into(), None, true);
    let reports = vec![part, report("rpm", Status::Failed), report("apk", Status::NotApplicable)];
    let sets = sets(&[item], &coverage(reports), &BTreeSet::new());
    let has: Vec<_> =
        sets.sources.iter().map(|source| (source.set.is_some(), is_whole(&source.report))).collect();
    assert_eq!(has, [(true, false), (false, false), (true, true)]);
}

#[test]
fn every_part_of_what_was_seen_counts() {
    let whole = InventoryItem { item: item("x"), sightings: vec![] };
    let base = seen_of(&whole, &sighting("dpkg", State::Installed));
    let id = seen_id(&base);
    let link = Link { kind: LinkKind::OwnedBy, to: ItemId([1; 16]) };
    for other in [
        Seen { item: item("y"), ..base.clone() },
        Seen { source: "rpm".into(), ..base.clone() },
        Seen { state: State::Remnant, ..base.clone() },
        Seen { scope: Scope::User(1), ..base.clone() },
        Seen { place: Place::file("/var/lib/dpkg/status".into()), ..base.clone() },
        Seen { image: None, ..base.clone() },
        Seen { image: Some(Image { path: "/opt/x".into(), exists: None }), ..base.clone() },
        Seen { links: vec![link], ..base.clone() },
        Seen { links: vec![Link { kind: LinkKind::PartOf, ..link }], ..base.clone() },
    ] {
        assert_ne!(seen_id(&other), id, "{other:?}");
    }
    // A lie about the item's id changes nothing: it is computed anew.
    let lie = Seen { item: Item { id: ItemId([9; 16]), ..base.item.clone() }, ..base };
    assert_eq!(seen_id(&lie), id);
}

#[test]
fn what_comes_back_from_the_wire_has_the_same_id() {
    let whole = InventoryItem { item: item("x"), sightings: vec![] };
    for path in
        [&b"/opt/\xffx"[..], b"/C:/Users/x", br"C:\x", b"HKLM\\SOFTWARE\\x", b"/C:x", b"process 7", b"/"]
    {
        let path = HostPath::new(path);
        let seen = Seen {
            place: Place::record(path.clone(), "\u{fffd}\0 x"),
            image: Some(Image { path, exists: None }),
            scope: Scope::Container("a:b".into()),
            ..seen_of(&whole, &sighting("dpkg", State::Installed))
        };
        let back: Seen = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
        assert_eq!(seen_id(&back), seen_id(&seen), "{seen:?}");
        assert_eq!(back.item, seen.item);
    }
}

#[test]
fn facts_count_one_by_one() {
    let sets = look(&[], &[]);
    let base = inventory(&sets, &host());
    let user = host().users[0].clone();
    for other in [
        HostFacts { family: Family::Macos, ..host() },
        HostFacts { os: Os { version: Some("13".into()), ..host().os }, ..host() },
        HostFacts { os: Os { id_like: vec!["x".into()], ..host().os }, ..host() },
        HostFacts { name: None, ..host() },
        HostFacts { machine_id: None, ..host() },
        HostFacts { mode: Mode::Offline, ..host() },
        HostFacts { privileged: false, ..host() },
        HostFacts { full_disk_access: Some(false), ..host() },
        HostFacts { users: vec![], ..host() },
        HostFacts { users: vec![User { home: "/h".into(), ..user.clone() }], ..host() },
        HostFacts { users: vec![User { sid: Some("S-1".into()), ..user }], ..host() },
        HostFacts { other_volumes: vec!["/Volumes/x".into()], ..host() },
    ] {
        assert_ne!(inventory(&sets, &other), base, "{other:?}");
    }
    let renamed = HostFacts { name: Some("desk-8".into()), ..host() };
    assert_ne!(machine_digest(&renamed), machine_digest(&host()));
    let upgraded = HostFacts { os: Os { version: Some("13".into()), ..host().os }, ..host() };
    assert_eq!(machine_digest(&upgraded), machine_digest(&host()));
}

#[test]
fn sets_come_back_as_the_items_they_were_made_of() {
    let two = [sighting("dpkg", State::Installed), sighting("rpm", State::Remnant)];
    let had = vec![
        InventoryItem { item: item("a"), sightings: two.to_vec() },
        InventoryItem { item: item("b"), sightings: two[..1].to_vec() },
    ];
    let reports = vec![report("dpkg", Status::Complete), report("rpm", Status::Complete)];
    let sets = sets(&had, &coverage(reports), &BTreeSet::new());
    let pairs =
        sets.sources.iter().flat_map(|source| &source.entries).map(|entry| (entry, &sets.seen[&entry.id]));
    assert_eq!(items(pairs), had);
}

#[test]
fn of_two_that_differ_by_dates_the_later_is_told() {
    let old = Sighting { recorded_at: Recorded::serviced(5), ..sighting("dpkg", State::Installed) };
    let new = Sighting { recorded_at: Recorded::serviced(9), ..old.clone() };
    for sightings in [vec![old.clone(), new.clone()], vec![new, old]] {
        let sets = look(&[InventoryItem { item: item("x"), sightings }], &[]);
        let [entry] = &sets.sources[0].entries[..] else { panic!("one entry") };
        assert_eq!(entry.recorded_at, Recorded::serviced(9));
    }
}
