//! Who may open the console, their sessions, and what the console tells beside the questions.

use std::collections::{BTreeMap, BTreeSet};

use interdict::collector::store::{
    By, Changed, Counts, Day, FindingState, FindingsAsk, NewPerson, NewSession, PersonChange, Role, SET_UP,
    SignsIn,
};
use interdict::model::Date;

use crate::golden::report;
use crate::machine::{DAY, Fleet, Machine, at, id, later, secret, without};
use crate::questions::golden_fleet;

fn by() -> By {
    By { actor: "test".to_owned(), at: at(0) }
}

fn person(name: &str, role: Role) -> NewPerson {
    NewPerson { name: name.to_owned(), role, by: SignsIn::Password(format!("hash of {name}")) }
}

pub async fn who_may_come_in(fleet: Fleet) {
    let store = &*fleet.store;
    let token = secret("set-up");
    store.mark(SET_UP, &token.0, false).await.unwrap();
    assert!(!store.set_up(&person("eve", Role::Admin), secret("guessed"), &by()).await.unwrap());
    assert!(store.set_up(&person("ada", Role::Admin), token, &by()).await.unwrap());
    assert!(!store.set_up(&person("eve", Role::Admin), token, &by()).await.unwrap(), "it is used up");
    assert!(!store.add_person(&person("ada", Role::Viewer), &by()).await.unwrap(), "the name is taken");
    let provider = SignsIn::Provider("https://id.example bob".to_owned());
    let bob = NewPerson { by: provider.clone(), ..person("bob", Role::Viewer) };
    assert!(store.add_person(&bob, &by()).await.unwrap());
    assert!(!store.add_person(&NewPerson { name: "rob".to_owned(), ..bob }, &by()).await.unwrap());
    let known = store.known_as("https://id.example bob").await.unwrap().unwrap();
    assert_eq!((known.name.as_str(), known.role, known.by), ("bob", Role::Viewer, provider));
    assert_eq!(store.known_as("https://id.example eve").await.unwrap(), None);
    let names = store.people().await.unwrap().into_iter().map(|one| one.name).collect::<Vec<_>>();
    assert_eq!(names, ["ada", "bob"]);

    let change = async |name, what| store.change_person(name, &what, &by()).await.unwrap();
    for what in [PersonChange::Role(Role::Operator), PersonChange::Disabled(true), PersonChange::Gone] {
        assert_eq!(change("ada", what).await, Changed::LastAdmin);
    }
    assert_eq!(change("eve", PersonChange::Gone).await, Changed::Nobody);
    assert_eq!(change("bob", PersonChange::Password("x".to_owned())).await, Changed::Nobody, "he has none");
    assert_eq!(change("bob", PersonChange::Role(Role::Admin)).await, Changed::Done);
    // Each of two admins may shut the other out; both at once may not.
    let (one, two) = tokio::join!(
        change("ada", PersonChange::Disabled(true)),
        change("bob", PersonChange::Disabled(true)),
    );
    assert_eq!(BTreeSet::from([one == Changed::Done, two == Changed::Done]).len(), 2, "{one:?} {two:?}");
    let out = if one == Changed::Done { "ada" } else { "bob" };
    assert!(store.person(out).await.unwrap().unwrap().disabled.is_some());
    assert_eq!(change(out, PersonChange::Disabled(false)).await, Changed::Done);
    assert_eq!(change("ada", PersonChange::Gone).await, Changed::Done);
    assert_eq!(store.person("ada").await.unwrap(), None);
}

pub async fn sessions_end(fleet: Fleet) {
    let store = &*fleet.store;
    store.add_person(&person("ada", Role::Admin), &by()).await.unwrap();
    store.add_person(&person("bob", Role::Operator), &by()).await.unwrap();
    let begin = async |name: &str, words| {
        let new = NewSession { hash: secret(words), name: name.to_owned(), ends: at(8 * 3_600) };
        store.begin_session(&new, at(0)).await.unwrap();
    };
    let goes_on = async |words, seconds| store.session(secret(words), at(seconds)).await.unwrap();
    begin("bob", "first").await;
    begin("bob", "second").await;
    let session = goes_on("first", 60).await.unwrap();
    assert_eq!((session.name.as_str(), session.role), ("bob", Role::Operator));
    assert_eq!(goes_on("another", 60).await, None);
    // Used within the hour it goes on, and to its end no longer.
    for half_hour in 1..16 {
        assert!(goes_on("first", half_hour * 1_800).await.is_some(), "{half_hour}");
    }
    assert_eq!(goes_on("second", 3_600).await, None, "nobody used it");
    assert_eq!(goes_on("first", 8 * 3_600).await, None);
    begin("bob", "third").await;
    store.end_session(secret("third")).await.unwrap();
    assert_eq!(goes_on("third", 1).await, None);
    begin("bob", "fourth").await;
    store.change_person("bob", &PersonChange::Role(Role::Viewer), &by()).await.unwrap();
    assert_eq!(goes_on("fourth", 1).await, None, "whose role changes signs in anew");
    // Kept out after five wrong passwords; the right one between them begins the count anew.
    for right in [false, false, false, false, true, false, false, false, false] {
        assert!(!store.tried("bob", right, at(0)).await.unwrap());
    }
    assert!(store.tried("bob", false, at(10)).await.unwrap());
    let until = store.person("bob").await.unwrap().unwrap().locked_until;
    assert!(until > Some(at(10 + 60)), "{until:?}");
    assert!(!store.tried("nobody", false, at(0)).await.unwrap());
    store.tried("bob", true, at(DAY)).await.unwrap();
    let bob = store.person("bob").await.unwrap().unwrap();
    assert_eq!((bob.locked_until, bob.used), (None, Some(at(DAY))));
}

pub async fn days_are_kept(fleet: Fleet) {
    let date = |day: &str| day.parse::<Date>().unwrap();
    let note = async |day: &str, hosts| {
        let counts = Counts { hosts, ..Counts::default() };
        fleet.store.note_day(&Day { day: date(day), counts }).await.unwrap();
    };
    for (day, hosts) in [("2026-12-31", 1), ("2027-01-01", 2), ("2026-12-30", 3), ("2027-01-01", 4)] {
        note(day, hosts).await;
    }
    let days = fleet.store.days(2).await.unwrap();
    let told: Vec<_> = days.iter().map(|day| (day.day, day.counts.hosts)).collect();
    assert_eq!(told, [(date("2026-12-31"), 1), (date("2027-01-01"), 4)], "of a day the last figures stay");
}

pub async fn findings_are_counted(fleet: Fleet) {
    assert!(fleet.store.finding_counts().await.unwrap().is_empty());
    golden_fleet(&fleet).await;
    let ask = FindingsAsk { limit: 1_000, ..FindingsAsk::default() };
    let mut of_rows = BTreeMap::<_, (BTreeSet<_>, u64)>::new();
    for row in fleet.store.findings(&ask).await.unwrap().rows {
        assert_ne!(row.state, FindingState::Closed);
        let one = row.finding;
        let key = (one.policy, one.prohibition, one.vendor, one.severity.word().to_owned(), one.decides);
        let count = of_rows.entry(key).or_default();
        count.0.insert(row.host);
        count.1 += 1;
    }
    let counts = fleet.store.finding_counts().await.unwrap();
    let counted = counts.into_iter().map(|one| {
        let key = (one.policy, one.prohibition, one.vendor, one.severity, one.decides);
        (key, one.hosts, one.findings)
    });
    let told = of_rows.into_iter().map(|(key, (hosts, findings))| (key, hosts.len() as u64, findings));
    let told: Vec<_> = told.collect();
    assert!(told.len() > 1, "{told:?}");
    assert_eq!(counted.collect::<Vec<_>>(), told);
}

pub async fn reports_of_a_host(fleet: Fleet) {
    let look = &report("debian-desktop");
    let mut machine = Machine::enrol(&fleet, "one", look).await;
    for day in 0..3 {
        machine.check_in(&fleet, &later(look, day * DAY), &format!("r{day}"), at(day * DAY)).await.unwrap();
    }
    let rows = fleet.store.reports(machine.host, 2).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.received_at, row.scanned_at, row.verdict)).collect();
    let of = |day: i64| (at(day * DAY), at(day * DAY), look.verdict);
    assert_eq!(told, [of(2), of(1)]);
    assert!(rows[0].seq > rows[1].seq);
    assert!(fleet.store.reports(id("nobody"), 2).await.unwrap().is_empty());
}

/// What went and came again differs in nothing; what nobody has any more may be forgotten, and then that is told.
pub async fn two_reports_are_compared(fleet: Fleet) {
    let look = &report("debian-desktop");
    let mut machine = Machine::enrol(&fleet, "one", look).await;
    let mut other = Machine::enrol(&fleet, "two", look).await;
    other.check_in(&fleet, look, "r", at(0)).await.unwrap();
    let (less, least) = (without(look, "kesl"), without(&without(look, "kesl"), "base-files"));
    for (day, look) in (0..).map(|day| day * DAY).zip([look, &less, &least, &less]) {
        let name = format!("r{day}");
        machine.check_in(&fleet, &later(look, day), &name, at(day)).await.unwrap();
    }
    let seqs: Vec<_> =
        fleet.store.reports(machine.host, 9).await.unwrap().into_iter().rev().map(|row| row.seq).collect();
    let compare = async |from: usize, to: usize| {
        let compared = fleet.store.compare(machine.host, seqs[from], seqs[to]).await.unwrap().unwrap();
        let names = |items: &[interdict::model::Item]| -> BTreeSet<String> {
            items.iter().map(|item| item.name.clone()).collect()
        };
        assert_eq!((compared.from.seq, compared.to.seq), (seqs[from], seqs[to]));
        assert_eq!((compared.forgotten, compared.to.late), (0, false));
        (names(&compared.came), names(&compared.went))
    };
    let none = BTreeSet::new();
    let (kesl, base) = (BTreeSet::from(["kesl".to_owned()]), BTreeSet::from(["base-files".to_owned()]));
    let both = &kesl | &base;
    assert_eq!(compare(0, 1).await, (none.clone(), kesl.clone()));
    assert_eq!(compare(0, 2).await, (none.clone(), both));
    assert_eq!(compare(1, 3).await, (none.clone(), none.clone()));
    assert_eq!(compare(2, 3).await, (base, none));
    let called = look.inventory.as_ref().unwrap().iter().filter(|item| item.item.name == "kesl").count();
    let changes = fleet.store.changes(machine.host).await.unwrap();
    let told: Vec<_> =
        changes.iter().map(|one| (one.seq, one.came.len(), one.went.len(), one.forgotten)).collect();
    assert_eq!(told, [(seqs[1], 0, called, 0), (seqs[2], 0, 1, 0), (seqs[3], 1, 0, 0)]);
    for (from, to) in [(seqs[0], seqs[0]), (seqs[0], 99)] {
        assert_eq!(fleet.store.compare(machine.host, from, to).await.unwrap(), None);
    }
    assert!(fleet.store.erase(other.host).await.unwrap());
    let compared = fleet.store.compare(machine.host, seqs[0], seqs[3]).await.unwrap().unwrap();
    assert_eq!((compared.came, compared.went, compared.forgotten), (vec![], vec![], called as u64));
    // What lies between reports that are kept stays, however old it is.
    fleet.store.prune(at(DAY + 1)).await.unwrap();
    assert_eq!(fleet.store.compare(machine.host, seqs[1], seqs[3]).await.unwrap(), None);
    let compared = fleet.store.compare(machine.host, seqs[2], seqs[3]).await.unwrap().unwrap();
    assert_eq!(compared.came.len(), 1);
    assert_eq!(fleet.store.changes(machine.host).await.unwrap().len(), 1);
    fleet.store.prune(at(9 * DAY)).await.unwrap();
    assert!(fleet.store.changes(machine.host).await.unwrap().is_empty());
}
