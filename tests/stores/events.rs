//! What has happened is noted with what it tells of, and waits until it was told; hosts that there ought to be are counted.

use interdict::collector::events::Happening;
use interdict::collector::expected::Expected;
use interdict::collector::store::{By, Destination, EventRow, EventsAsk, ExpectedAsk};
use interdict::model::Verdict;

use crate::golden::{judged, report};
use crate::machine::{DAY, Fleet, Machine, at, later, without};

async fn events(fleet: &Fleet) -> Vec<EventRow> {
    fleet.store.events(&EventsAsk { limit: 1000, ..EventsAsk::default() }).await.unwrap().rows
}

fn words(rows: &[EventRow]) -> Vec<&str> {
    rows.iter().map(|row| row.happened.word()).collect()
}

pub async fn what_changes_is_noted_once(fleet: Fleet) {
    let look = report("debian-desktop");
    assert_eq!(look.verdict, Verdict::NonCompliant);
    let found: Vec<&str> =
        look.findings.iter().flat_map(|one| &one.evidence).map(|one| one.name.as_str()).collect();
    let clean = judged(found.iter().fold(look.clone(), |look, name| without(&look, name)));
    assert_eq!(clean.verdict, Verdict::Compliant);
    let mut machine = Machine::enrol(&fleet, "a", &look).await;
    machine.check_in(&fleet, &clean, "r1", at(0)).await.unwrap();
    assert_eq!(events(&fleet).await, [], "the first report tells how it is");
    machine.check_in(&fleet, &later(&look, 60), "r2", at(60)).await.unwrap();
    let rows = events(&fleet).await;
    let opened = look.findings.len();
    assert_eq!(words(&rows), [vec!["finding-opened"; opened], vec!["verdict-worse"]].concat());
    let Happening::FindingOpened(told) = &rows[0].happened else { panic!("{rows:?}") };
    assert_eq!((told.host, told.product.as_str()), (machine.host, look.findings[0].product.as_str()));
    assert_eq!(told.name, look.host.name);
    machine.check_in(&fleet, &later(&look, 120), "r3", at(120)).await.unwrap();
    assert_eq!(events(&fleet).await.len(), opened + 1, "nothing has changed");
    machine.check_in(&fleet, &later(&clean, 180), "r4", at(180)).await.unwrap();
    let rows = events(&fleet).await;
    assert_eq!(words(&rows[opened + 1..]), [vec!["finding-closed"; opened], vec!["verdict-better"]].concat());
    let page = EventsAsk { after: Some(rows[0].number), limit: 1, ..EventsAsk::default() };
    let page = fleet.store.events(&page).await.unwrap();
    assert_eq!((page.rows, page.more), (vec![rows[1].clone()], true));
    let last = EventsAsk { last: true, limit: 2, ..EventsAsk::default() };
    let last = fleet.store.events(&last).await.unwrap();
    assert_eq!((last.rows.as_slice(), last.more), (&rows[rows.len() - 2..], true));
    for (ask, count) in [
        (EventsAsk { word: Some("verdict-worse".into()), ..EventsAsk::default() }, 1),
        (EventsAsk { host: Some(machine.host), ..EventsAsk::default() }, rows.len()),
        (EventsAsk { since: Some(at(61)), ..EventsAsk::default() }, opened + 1),
    ] {
        assert_eq!(fleet.store.events(&EventsAsk { limit: 1000, ..ask }).await.unwrap().rows.len(), count);
    }
    let counted = async |since| {
        let counts = fleet.store.event_counts(at(since)).await.unwrap();
        counts.into_iter().map(|count| (count.word, count.events)).collect::<Vec<_>>()
    };
    let [closed, better, found, worse] =
        [("finding-closed", opened), ("verdict-better", 1), ("finding-opened", opened), ("verdict-worse", 1)]
            .map(|(word, events)| (word.to_owned(), events as u64));
    assert_eq!(counted(60).await, [closed.clone(), found, better.clone(), worse]);
    assert_eq!(counted(61).await, [closed, better]);
    assert_eq!(counted(181).await, []);
    let mut without_name = look.clone();
    without_name.host.name = None;
    let unnamed = Machine::enrol(&fleet, "b", &without_name).await.host;
    let names = async || fleet.store.names(&[machine.host, unnamed]).await.unwrap();
    assert_eq!(
        names().await.into_iter().collect::<Vec<_>>(),
        [(machine.host, look.host.name.clone().unwrap())]
    );
    assert!(fleet.store.erase(machine.host).await.unwrap());
    assert_eq!(events(&fleet).await, [], "its name stands in them");
    assert!(names().await.is_empty());
}

fn to(name: &str, words: &[&str]) -> Destination {
    Destination { name: name.into(), words: words.iter().map(|word| (*word).to_owned()).collect() }
}

pub async fn what_waits_is_taken_by_one(fleet: Fleet) {
    let store = &fleet.store;
    let look = report("debian-desktop");
    let _silent = Machine::enrol(&fleet, "a", &look).await;
    let _other = Machine::enrol(&fleet, "b", &look).await;
    let (siem, mail) = (to("siem", Happening::WORDS), to("mail", &["verdict-worse"]));
    let due = async |to: &Destination, seconds| {
        let due = store.claim_events(to, at(seconds), 300, 100).await.unwrap();
        due.iter().map(|one| (one.event.number, one.tries)).collect::<Vec<_>>()
    };
    assert_eq!(due(&siem, 0).await, []);
    assert_eq!(due(&mail, 0).await, []);
    assert_eq!(store.stale_hosts(at(8 * DAY), at(8 * DAY)).await.unwrap(), 2);
    assert_eq!(store.stale_hosts(at(9 * DAY), at(9 * DAY)).await.unwrap(), 0, "once per silence");
    let numbers: Vec<u64> = events(&fleet).await.iter().map(|row| row.number).collect();
    let [first, second] = numbers[..] else { panic!("{numbers:?}") };
    assert_eq!(due(&mail, 10).await, [], "it did not ask for them");
    assert_eq!(due(&siem, 10).await, [(first, 0), (second, 0)]);
    assert_eq!(due(&siem, 20).await, [], "somebody has them");
    assert_eq!(due(&siem, 311).await, [(first, 0), (second, 0)], "who had them is gone");
    store.told("siem", &[first]).await.unwrap();
    store.untold("siem", &[second], Some(at(400)), "it answers 500").await.unwrap();
    assert_eq!(due(&siem, 399).await, []);
    assert_eq!(due(&siem, 400).await, [(second, 1)]);
    store.untold("siem", &[second], None, "it answers 410: gone").await.unwrap();
    assert_eq!(due(&siem, 10 * DAY).await, []);
    let rows = store.destinations().await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.waiting, row.given_up)).collect();
    assert_eq!(told, [("mail", 0, 0), ("siem", 0, 1)]);
    assert_eq!(rows[1].why.as_deref(), Some("it answers 410: gone"));
    assert_eq!(due(&to("late", Happening::WORDS), 10 * DAY).await, [], "it is told what happens from now on");
    assert_eq!(store.prune(at(20 * DAY)).await.unwrap(), 2);
    assert_eq!(store.destinations().await.unwrap()[2].given_up, 0);
}

fn expected(name: &str, owner: &str, tags: &[&str]) -> Expected {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Expected { name: name.into(), owner: owner.into(), department: "Sales".into(), tags }
}

fn by() -> By {
    By { actor: "ann".into(), at: at(0) }
}

pub async fn n_of_m(fleet: Fleet) {
    let store = &fleet.store;
    let look = report("debian-desktop");
    let name = look.host.name.clone().unwrap();
    let mut heard = Machine::enrol(&fleet, "a", &look).await;
    heard.check_in(&fleet, &look, "r1", at(0)).await.unwrap();
    let counts = store.counts(None).await.unwrap();
    assert_eq!((counts.expected, counts.expected_seen, counts.unexpected), (0, 0, 0), "nobody said");
    let list = [expected(&name.to_uppercase(), "Ann", &["a", "b_c"]), expected("never", "Bo", &["bxc"])];
    store.expect(&list, &by()).await.unwrap();
    let counts = store.counts(None).await.unwrap();
    assert_eq!((counts.expected, counts.expected_seen, counts.unexpected), (2, 1, 0));
    let known = counts.expected_compliant + counts.expected_non_compliant + counts.expected_inconclusive;
    assert_eq!((known, counts.expected_unknown), (1, 1), "who was never heard of is unknown");
    let names = async |ask: ExpectedAsk| {
        let rows = store.expected(&ExpectedAsk { limit: 10, ..ask }).await.unwrap().rows;
        rows.iter().map(|row| row.expected.name.clone()).collect::<Vec<_>>()
    };
    let whole = store.expected(&ExpectedAsk { limit: 10, ..ExpectedAsk::default() }).await.unwrap();
    let row = whole.rows.iter().find(|row| row.host.is_some()).unwrap();
    assert_eq!((row.host, row.hosts, row.verdict), (Some(heard.host), 1, Some(Verdict::NonCompliant)));
    assert_eq!(row.expected, list[0]);
    assert_eq!(names(ExpectedAsk { seen: Some(false), ..ExpectedAsk::default() }).await, ["never"]);
    assert_eq!(names(ExpectedAsk { owner: Some("Bo".into()), ..ExpectedAsk::default() }).await, ["never"]);
    assert_eq!(names(ExpectedAsk { department: Some("x".into()), ..ExpectedAsk::default() }).await.len(), 0);
    let tag = |tag: &str| ExpectedAsk { tag: Some(tag.into()), ..ExpectedAsk::default() };
    assert_eq!(names(tag("b_c")).await, [name.to_uppercase()], "a letter stands for itself");
    assert_eq!(names(tag("b")).await.len(), 0, "a word is whole");
    assert_eq!(names(ExpectedAsk { limit: 1, ..ExpectedAsk::default() }).await.len(), 2);
    let stale = ExpectedAsk { limit: 10, stale_before: Some(at(DAY)), ..ExpectedAsk::default() };
    let rows = store.expected(&stale).await.unwrap().rows;
    assert!(rows.iter().all(|row| row.verdict.is_none()), "{rows:?}");
    store.expect(&list[1..], &by()).await.unwrap();
    let counts = store.counts(None).await.unwrap();
    assert_eq!((counts.expected, counts.expected_seen, counts.unexpected), (1, 0, 1));
}
