//! No name, home or identifier of a person is left, and nothing else has moved.

use super::*;
use crate::model::{Family, Mode, Os, User};

const KEY: &[u8] = &[7; 32];
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1001";

fn user(n: u32, name: &str, home: &str, sid: Option<&str>) -> User {
    User { n, name: name.into(), home: home.into(), readable: true, sid: sid.map(str::to_owned) }
}

fn host(family: Family, users: Vec<User>) -> HostFacts {
    HostFacts {
        family,
        os: Os::default(),
        name: Some("desk-7".into()),
        machine_id: None,
        mode: Mode::Live,
        privileged: true,
        full_disk_access: None,
        users,
        user_gaps: vec![],
        aliases: vec![],
        other_volumes: vec![],
        windows: None,
    }
}

fn linux() -> Pseudonyms {
    let users = vec![
        user(1, "root", "/root", None),
        user(2, "ann", "/home/ann", None),
        user(3, "postgres", "/var/lib/postgresql", None),
        user(4, "mary-jane", "/srv/people/mary-jane", None),
        user(5, "x", "/home/ann/x", None),
    ];
    Pseudonyms::new(KEY, &host(Family::Linux, users))
}

fn windows() -> Pseudonyms {
    let users = vec![
        user(1, "Anna Smith", "/C:/Users/Anna Smith", Some(SID)),
        user(2, "Public", "/C:/Users/Public", None),
    ];
    Pseudonyms::new(KEY, &host(Family::Windows, users))
}

fn of(name: &str) -> String {
    pseudonym(&hmac::Key::new(hmac::HMAC_SHA256, KEY), name)
}

#[test]
fn golden_vector() {
    assert_eq!(of("ann"), "user-a849b46d3157");
    assert_eq!(of("ANN"), of("ann"));
    let other = hmac::Key::new(hmac::HMAC_SHA256, &[8; 32]);
    assert_ne!(pseudonym(&other, "ann"), of("ann"));
}

#[test]
fn homes_and_names_of_people_go_and_software_stays() {
    let ann = of("ann");
    for (key, text, becomes) in [
        ("path", "/home/ann/.local/bin/x", format!("/home/{ann}/.local/bin/x")),
        ("path", "/home/ann", format!("/home/{ann}")),
        ("path", "/home/ann/x/y", format!("/home/ann/{}/y", of("x")).replace("/ann/", &format!("/{ann}/"))),
        ("path", "/home/anna/x", "/home/anna/x".into()),
        ("path", "/mnt/home/ann.bak/x", format!("/mnt/home/{ann}/x")),
        ("path", "/srv/people/mary-jane/a", format!("/srv/people/{}/a", of("mary-jane"))),
        ("path", "/var/spool/cron/crontabs/ann", format!("/var/spool/cron/crontabs/{ann}")),
        ("path", "/opt/ann/ann", "/opt/ann/ann".into()),
        ("path", "/var/lib/postgresql/x", "/var/lib/postgresql/x".into()),
        ("name", "ann", "ann".into()),
        ("name", "postgres", "postgres".into()),
        (
            "detail",
            "cannot open /home/ann/y: ann may not, nor anna",
            format!("cannot open /home/{ann}/y: {ann} may not, nor anna"),
        ),
        ("record", "user mary-jane.", format!("user {}.", of("mary-jane"))),
        ("owner", "ann", ann.clone()),
        ("owner", "root", "root".into()),
        ("owner", "0", "0".into()),
        ("owner", "somebody.else", of("somebody.else")),
        ("value", "file:///home/ann/z", format!("file:///home/{ann}/z")),
    ] {
        assert_eq!(linux().text(text.into(), key), becomes, "{key}: {text}");
    }
}

#[test]
fn windows_writes_one_home_in_many_ways() {
    let anna = of("Anna Smith");
    let stranger = "S-1-5-21-9-8-7-500";
    for (key, text, becomes) in [
        ("path", r"C:\Users\Anna Smith\x".to_owned(), format!(r"C:\Users\{anna}\x")),
        ("path", r"c:\users\ANNA SMITH".to_owned(), format!(r"c:\users\{anna}")),
        ("path", "/C:/Users/Anna Smith/x".to_owned(), format!("/C:/Users/{anna}/x")),
        ("path", r"C:\Users\ANNASM~1\AppData".to_owned(), format!(r"C:\Users\{anna}\AppData")),
        ("path", r"C:\Users\Anna Smith.CORP\x".to_owned(), format!(r"C:\Users\{anna}\x")),
        ("path", r"C:\Users\Public\x".to_owned(), r"C:\Users\Public\x".to_owned()),
        ("path", format!(r"HKU\{SID}\Software\x"), format!(r"HKU\{anna}\Software\x")),
        ("path", format!(r"HKU\{SID}_Classes"), format!(r"HKU\{anna}_Classes")),
        ("path", format!(r"HKU\{stranger}\x"), format!(r"HKU\{}\x", of(stranger))),
        ("name", format!("OneDrive Task-{}", SID.to_lowercase()), format!("OneDrive Task-{anna}")),
        ("path", r"HKU\S-1-5-18\x".to_owned(), r"HKU\S-1-5-18\x".to_owned()),
        (
            "detail",
            "profile of anna smith is elsewhere".to_owned(),
            format!("profile of {anna} is elsewhere"),
        ),
        ("owner", "SYSTEM".to_owned(), "SYSTEM".to_owned()),
    ] {
        assert_eq!(windows().text(text.clone(), key), becomes, "{key}: {text}");
    }
}

#[test]
fn hostile_texts_end() {
    for text in [
        "",
        "/",
        "\\",
        "s-1-5-21-",
        "S-1-5-21-S-1-5-21-",
        "/home/",
        "/home/ann~",
        "İ/home/ANN/ß",
        "\u{0}/home/ann",
    ] {
        for key in ["path", "detail", "owner"] {
            let out = linux().text(text.into(), key);
            assert!(!out.contains("/home/ann/") && !out.contains("/home/ANN/"), "{out}");
            let _ends = windows().text(text.into(), key);
        }
    }
}

#[test]
fn a_whole_report_holds_no_name_and_the_same_findings() {
    let mut report: Report =
        serde_json::from_str(include_str!("../../tests/formats/non-compliant.json")).unwrap();
    report.host.users.push(user(90, "zebedee", "/home/zebedee", None));
    let place = |path: &str| crate::model::Place::record(path.into(), "user zebedee");
    let evidence = &mut report.findings[0].evidence[0];
    evidence.place = place("/home/zebedee/.config/x");
    let mut item = evidence_item(&report);
    item.item.path = Some("/home/zebedee/x".into());
    item.item.id = item_id(&item.item);
    item.sightings[0].place = crate::model::Place::file(HostPath::new(*b"/home/zebedee/\xff"));
    let other = crate::model::Link { kind: crate::model::LinkKind::PartOf, to: item.item.id };
    let mut inner = item.clone();
    inner.item.name = "inner".into();
    inner.item.path = None;
    inner.item.id = item_id(&inner.item);
    inner.sightings[0].links = vec![other];
    report.findings[0].evidence[0].item = item.item.id;
    report.inventory = Some(vec![item.clone(), inner]);
    let names = Pseudonyms::new(KEY, &report.host);
    let after = names.report(report.clone()).unwrap();
    let text = serde_json::to_string(&after).unwrap();
    assert!(!text.contains("zebedee") && !text.contains("7a6562656465"), "{text}");
    assert_eq!(after.findings.len(), report.findings.len());
    assert_eq!(after.verdict, report.verdict);
    let items = after.inventory.unwrap();
    assert_ne!(items[0].item.id, item.item.id);
    assert_eq!(items[0].item.id, item_id(&items[0].item));
    assert_eq!(items[1].sightings[0].links[0].to, items[0].item.id);
    assert_eq!(after.findings[0].evidence[0].item, items[0].item.id);
}

/// An item like that which the first evidence rests on.
fn evidence_item(report: &Report) -> InventoryItem {
    let evidence = &report.findings[0].evidence[0];
    let item = crate::model::Item {
        id: evidence.item,
        kind: evidence.kind,
        name: evidence.name.clone(),
        display_name: None,
        version: None,
        publisher: None,
        signer: crate::model::Looked::NotLooked,
        identifiers: vec![],
        arch: None,
        path: None,
    };
    let sighting = crate::model::Sighting {
        source: evidence.source.clone(),
        state: evidence.state,
        scope: evidence.scope.clone(),
        place: evidence.place.clone(),
        image: None,
        recorded_at: evidence.recorded_at,
        last_update: None,
        process: None,
        links: vec![],
    };
    InventoryItem { item, sightings: vec![sighting] }
}
