//! The endpoint's side of the fleet: the program itself enrols, scans and tells, against a server that answers as the test wants.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests start programs and may fail loudly"
)]

#[path = "support/fake_collector.rs"]
mod fake_collector;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use fake_collector::{FakeCollector, Reply, Request, SITE_KEY, TOKEN, keep, problem};
use interdict::model::{Id, Report};
use interdict::normalise::sets::{About, digests, inventory_digest, sets};
use serde_json::{Value, json};
use support::{Root, Run, interdict};

const SOUND: &str = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n\
                     Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.15-1\n\n";
const MORE: &str = "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88.1-10\n\n";

/// A computer with a state folder of its own, enrolled with a collector.
struct Endpoint {
    folder: tempfile::TempDir,
}

impl Endpoint {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn enrolled(collector: &FakeCollector) -> Self {
        let endpoint = Self::new();
        let run = endpoint.enrol(&collector.url, &[]);
        assert_eq!(run.code, 0, "{run:?}");
        collector.take();
        endpoint
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = interdict();
        command.env("INTERDICT_STATE", self.state()).args(["--no-config"]).args(words);
        command
    }

    fn enrol(&self, url: &str, more: &[&str]) -> Run {
        let secret = self.folder.path().join("secret");
        fs::write(&secret, "right\n").unwrap();
        Run::of(self.command(&["enrol", url]).args(more).arg("--secret-file").arg(secret))
    }

    /// Ships a report of a Debian with these packages, as if it were this computer's.
    fn ship(&self, packages: &str, more: &[&str]) -> Run {
        let path = self.folder.path().join("report.json");
        fs::write(&path, report(packages).to_string()).unwrap();
        self.ship_file(&path, more)
    }

    fn ship_file(&self, path: &Path, more: &[&str]) -> Run {
        let words = ["ship", "--patience", "0", "--report"];
        Run::of(self.command(&words).arg(path).args(more))
    }

    fn spool(&self, words: &[&str]) -> Run {
        Run::of(self.command(&["spool"]).args(words))
    }

    fn waiting(&self) -> u64 {
        self.spool(&["status", "--format", "json"]).json()["waiting"].as_u64().unwrap()
    }
}

/// What this computer is called.
fn own() -> &'static (Value, Value) {
    static OWN: OnceLock<(Value, Value)> = OnceLock::new();
    OWN.get_or_init(|| {
        let words = ["inventory", "--format", "json", "--depth", "quick", "--scope", "system"];
        let host = Run::of(interdict().args(words)).json()["host"].clone();
        (host["name"].clone(), host["machine_id"].clone())
    })
}

fn report(packages: &str) -> Value {
    let root = Root::debian();
    root.file("var/lib/dpkg/status", packages);
    root.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nzebedee:x:1000:1000:,,,:/home/zebedee:/bin/sh\n");
    root.dir("home/zebedee");
    let entry = "[Desktop Entry]\nType=Application\nName=Garden\nExec=/home/zebedee/.local/bin/garden\n";
    root.file("home/zebedee/.local/share/applications/garden.desktop", entry);
    root.program("home/zebedee/.local/bin/garden");
    let mut report = root.scan(&["--with-inventory"]).json();
    (report["host"]["name"], report["host"]["machine_id"]) = own().clone();
    report
}

/// The heads of check-ins.
fn heads(requests: &[Request]) -> Vec<&Value> {
    requests.iter().map(|request| &request.body["header"]).collect()
}

fn sources(request: &Request) -> Vec<String> {
    let sources = request.body["body"]["sources"].as_array().unwrap();
    sources.iter().map(|one| one["report"]["source"].as_str().unwrap().to_owned()).collect()
}

fn set<'r>(request: &'r Request, name: &str) -> &'r Value {
    let sources = request.body["body"]["sources"].as_array().unwrap();
    &sources.iter().find(|one| one["report"]["source"] == name).unwrap()["set"]
}

#[test]
fn the_first_report_takes_three_turns_the_same_again_one_and_a_change_is_told_alone() {
    let collector = FakeCollector::keeping();
    let endpoint = Endpoint::enrolled(&collector);
    let run = endpoint.ship(SOUND, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("keeps 1 report") && run.stdout.is_empty(), "{run:?}");
    let first = collector.take();
    assert_eq!(first.len(), 3, "{first:#?}");
    assert!(first.iter().all(|one| one.head.contains(&format!("Bearer {TOKEN}"))), "{:?}", first[0].head);
    let head = heads(&first)[0];
    assert_eq!((&head["seq"], &head["previous"]), (&json!(1), &Value::Null));
    assert!(first[0].bytes < 600, "{} bytes", first[0].bytes);
    assert!(set(&first[1], "dpkg")["base"].is_null() && first[1].body["body"].get("seen").is_none());
    assert!(!first[2].body["body"]["seen"].as_array().unwrap().is_empty());
    // Nothing has changed.
    endpoint.ship(SOUND, &[]);
    let again = collector.take();
    assert_eq!(again.len(), 1);
    assert_eq!(heads(&again)[0]["previous"], head["report"]);
    assert_eq!((&heads(&again)[0]["seq"], &heads(&again)[0]["inventory"]), (&json!(2), &head["inventory"]));
    // One package more.
    endpoint.ship(&format!("{SOUND}{MORE}"), &[]);
    let changed = collector.take();
    assert_eq!(changed.len(), 3);
    let told = set(&changed[1], "dpkg");
    assert_eq!(told["base"], set(&first[1], "dpkg")["digest"], "{told:#}");
    assert_eq!((told["add"].as_array().unwrap().len(), told.get("remove")), (1, None), "{told:#}");
    assert_eq!(changed[2].body["body"]["seen"].as_array().unwrap().len(), 1);
    // And one less: nothing new has to be asked for.
    endpoint.ship(SOUND, &[]);
    let removed = collector.take();
    assert_eq!(set(&removed[1], "dpkg")["remove"].as_array().unwrap().len(), 1);
    assert_eq!((removed.len(), endpoint.waiting()), (2, 0));
}

#[test]
fn what_cannot_be_delivered_waits_and_goes_oldest_first() {
    let endpoint = Endpoint::enrolled(&FakeCollector::keeping());
    let dead = "http://127.0.0.1:9";
    let identity = endpoint.state().join("fleet/fleet.json");
    let text = fs::read_to_string(&identity).unwrap();
    let mut away: Value = serde_json::from_str(&text).unwrap();
    away["url"] = json!(dead);
    fs::write(&identity, away.to_string()).unwrap();
    for packages in [SOUND, MORE] {
        let run = endpoint.ship(packages, &[]);
        assert_eq!(run.code, 0, "the verdict's: {run:?}");
        assert!(run.stderr.contains("not reached") && run.stderr.contains("spool flush"), "{run:?}");
    }
    assert_eq!(endpoint.waiting(), 2);
    let status = endpoint.spool(&["status"]);
    assert!(status.stdout.contains("waiting: 2 reports") && !status.stdout.contains(TOKEN), "{status:?}");
    let left = endpoint.spool(&["flush", "--patience", "0"]);
    assert_eq!(left.code, 1, "{left:?}");
    // It is back.
    let collector = FakeCollector::keeping();
    away["url"] = json!(collector.url);
    fs::write(&identity, away.to_string()).unwrap();
    let third = endpoint.ship(SOUND, &[]);
    assert!(third.stderr.contains("keeps 3 reports"), "{third:?}");
    let told = collector.take();
    let mut reports = Vec::new();
    for head in heads(&told) {
        if reports.last() != Some(&&head["report"]) {
            reports.push(&head["report"]);
            assert_eq!(head["seq"], json!(reports.len()));
        }
    }
    assert_eq!((reports.len(), endpoint.waiting()), (3, 0));
    let last = heads(&told)[told.len() - 1];
    assert_eq!(last["previous"], *reports[1]);
    assert!(last.get("tried").is_none(), "{last:#}");
}

#[test]
fn a_torn_report_is_never_sent_and_is_told() {
    let collector = FakeCollector::start(|_, _| problem(503, "busy", ""));
    let endpoint = Endpoint::enrolled(&collector);
    endpoint.ship(SOUND, &[]);
    let spool = endpoint.state().join("fleet/spool");
    let file = fs::read_dir(&spool).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    collector.take();
    let run = endpoint.spool(&["flush", "--patience", "0"]);
    assert!(run.stderr.contains("is damaged, and is gone"), "{run:?}");
    assert_eq!((collector.take().len(), endpoint.waiting(), run.code), (0, 0, 0));
}

#[test]
fn an_answer_that_was_lost_is_remembered_when_the_report_is_thrown_away() {
    let collector = FakeCollector::start(|request, before| match before.len() {
        0 | 1 => Reply::Nothing,
        _ => Reply::Json(keep(request, &before[2..])),
    });
    let endpoint = Endpoint::enrolled(&collector);
    // The same report again names itself not.
    endpoint.ship(SOUND, &[]);
    endpoint.spool(&["flush", "--patience", "0"]);
    let lost = collector.take();
    assert_eq!(lost.len(), 2, "{lost:#?}");
    assert_eq!(
        (&heads(&lost)[0]["report"], heads(&lost)[1].get("tried")),
        (&heads(&lost)[1]["report"], None)
    );
    let dropped = endpoint.spool(&["drop"]);
    assert!(dropped.stderr.contains("1 report thrown away"), "{dropped:?}");
    endpoint.ship(SOUND, &[]);
    let next = collector.take();
    assert_eq!(heads(&next)[0]["tried"], json!([heads(&lost)[0]["report"]]));
    assert_eq!(heads(&next)[0]["seq"], json!(1), "no report was acknowledged yet");
}

#[test]
fn a_collector_that_asks_to_be_left_alone_is() {
    let collector = FakeCollector::start(|_, _| problem(429, "too-many-requests", "retry-after: 600\r\n"));
    let endpoint = Endpoint::enrolled(&collector);
    let begun = Instant::now();
    let run = endpoint.ship(SOUND, &[]);
    assert_eq!((run.code, collector.take().len()), (0, 1), "{run:?}");
    assert!(begun.elapsed().as_secs() < 300, "it does not wait for ten minutes");
    let next = endpoint.ship(SOUND, &[]);
    assert!(next.stderr.contains("asked to be left alone until 20"), "{next:?}");
    assert_eq!((collector.take().len(), endpoint.waiting()), (0, 2));
    endpoint.spool(&["flush", "--now", "--patience", "0"]);
    assert_eq!(collector.take().len(), 1);
}

#[test]
fn what_the_collector_will_not_have_stands_aside_and_who_it_will_not_have_stops() {
    let collector = FakeCollector::start(|request, before| match before.len() {
        0 => problem(422, "bad-shape", ""),
        1 => problem(409, "conflict", ""),
        _ => Reply::Json(keep(request, before)),
    });
    let endpoint = Endpoint::enrolled(&collector);
    let aside = endpoint.ship(SOUND, &[]);
    assert!(aside.stderr.contains("stands aside") && aside.stderr.contains("because"), "{aside:?}");
    let status = endpoint.spool(&["status", "--format", "json"]).json();
    assert_eq!((&status["waiting"], &status["refused"]), (&json!(0), &json!(1)));
    let stopped = endpoint.ship(SOUND, &[]);
    assert!(stopped.stderr.contains("the collector refuses: because (request 7)"), "{stopped:?}");
    assert_eq!(endpoint.waiting(), 1);
    endpoint.spool(&["drop", "--refused"]);
    let status = endpoint.spool(&["status", "--format", "json"]).json();
    assert_eq!((&status["waiting"], &status["refused"]), (&json!(1), &json!(0)));
}

#[test]
fn a_digest_that_does_not_fit_has_all_sent_anew_once() {
    let collector = FakeCollector::start(|request, before| {
        let anew = before.iter().any(|one| !one.body["body"].is_null());
        match (request.body["body"].is_null(), anew) {
            (true, _) => {
                let kept = json!({ "dpkg": { "state": "00".repeat(16), "set": "11".repeat(16) } });
                Reply::Json(json!({ "answer": "send", "seq": 9, "sources": kept }))
            }
            (false, false) => problem(422, "digest-mismatch", ""),
            (false, true) => Reply::Json(json!({ "answer": "kept" })),
        }
    });
    let endpoint = Endpoint::enrolled(&collector);
    endpoint.ship(SOUND, &[]);
    let told = collector.take();
    // The collector knows of nine reports that this computer does not: its disk was put back.
    let numbers: Vec<_> = heads(&told).iter().map(|head| head["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 10, 10]);
    assert!(told[2].body["body"]["kept"].as_object().unwrap().is_empty());
    assert!(set(&told[2], "dpkg")["base"].is_null() && sources(&told[2]).len() > 5);
    assert_eq!(endpoint.waiting(), 0);
    endpoint.ship(SOUND, &[]);
    assert_eq!(heads(&collector.take())[0]["seq"], json!(11));
}

#[test]
fn enrolment_takes_the_secret_from_anywhere_but_an_argument_and_keeps_the_token_to_itself() {
    let collector = FakeCollector::keeping();
    let endpoint = Endpoint::new();
    let none = Run::of(&mut endpoint.command(&["ship"]));
    assert!(none.code == 2 && none.stderr.contains("not enrolled"), "{none:?}");
    let missing = Run::of(&mut endpoint.command(&["enrol", &collector.url]));
    assert!(missing.code == 2 && missing.stderr.contains("--secret-stdin"), "{missing:?}");
    let wrong = Run::of(endpoint.command(&["enrol", &collector.url]).env("INTERDICT_ENROL_SECRET", "wrong"));
    assert!(wrong.code == 2 && wrong.stderr.contains("because (request 7)"), "{wrong:?}");
    assert!(!wrong.stderr.contains("says nothing to this program"), "{wrong:?}");
    assert!(!endpoint.state().join("fleet/fleet.json").exists());
    let plain = endpoint.enrol("http://collector.example", &[]);
    assert!(plain.code == 2 && plain.stderr.contains("--insecure-plain"), "{plain:?}");
    let mut child = endpoint.command(&["enrol", &collector.url, "--secret-stdin"]);
    let mut child = child.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"right\r\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!told.contains(TOKEN) && !told.contains(SITE_KEY) && !told.contains("right"), "{told}");
    let file = endpoint.state().join("fleet/fleet.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let install = || serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap()["install"].clone();
    let before = install();
    let twice = endpoint.enrol(&collector.url, &[]);
    assert!(twice.code == 2 && twice.stderr.contains("--reset"), "{twice:?}");
    collector.take();
    assert_eq!(endpoint.enrol(&collector.url, &["--reset"]).code, 0);
    assert_ne!(install(), before);
    // To whom it was known it proves that it is the same, and to nobody else.
    assert!(collector.take()[0].head.contains(TOKEN));
    let other = FakeCollector::keeping();
    assert_eq!(endpoint.enrol(&other.url, &["--reset"]).code, 0);
    assert!(!other.take()[0].head.contains(TOKEN));
    assert_eq!(Run::of(&mut endpoint.command(&["enrol", "--reset"])).code, 0);
    assert!(!file.exists());
}

#[test]
fn no_name_leaves_the_computer_unless_it_is_asked_for() {
    let collector = FakeCollector::keeping();
    let endpoint = Endpoint::enrolled(&collector);
    let before = report(SOUND).to_string();
    assert!(before.contains("/home/zebedee/.local"), "the report holds what is to be hidden");
    endpoint.ship(SOUND, &[]);
    let sent = collector.take();
    let text: String = sent.iter().map(|one| one.body.to_string()).collect();
    assert!(text.contains("/home/user-") && !text.contains("zebedee"), "{text}");
    endpoint.ship(SOUND, &["--users", "named"]);
    assert!(collector.take().iter().any(|one| one.body.to_string().contains("/home/zebedee")));
    // What a scan leaves without names is told as it is.
    let root = Root::debian();
    root.file("etc/passwd", "zebedee:x:1000:1000:,,,:/home/zebedee:/bin/sh\n");
    root.file("var/lib/dpkg/status", SOUND);
    root.dir("home/zebedee");
    let scan = |endpoint: &Endpoint| {
        let words = ["scan", "--users", "pseudonym", "--with-inventory", "--format", "json", "--root"];
        Run::of(endpoint.command(&words).arg(root.path()))
    };
    let named = scan(&endpoint);
    assert!(named.stdout.contains("user-") && !named.stdout.contains("zebedee"), "{named:?}");
    let stranger = scan(&Endpoint::new());
    assert!(stranger.code == 2 && stranger.stderr.contains("site_key"), "{stranger:?}");
}

#[test]
fn reports_of_others_and_half_reports_are_declined() {
    let collector = FakeCollector::keeping();
    let endpoint = Endpoint::enrolled(&collector);
    let path = endpoint.folder.path().join("r.json");
    let mut other = report(SOUND);
    other["host"]["machine_id"] = json!("00");
    fs::write(&path, other.to_string()).unwrap();
    let run = endpoint.ship_file(&path, &[]);
    assert!(run.code == 2 && run.stderr.contains("of another computer"), "{run:?}");
    let mut half = report(SOUND);
    half.as_object_mut().unwrap().remove("inventory");
    fs::write(&path, half.to_string()).unwrap();
    let run = endpoint.ship_file(&path, &[]);
    assert!(run.code == 2 && run.stderr.contains("--with-inventory"), "{run:?}");
    let disk = Run::of(&mut endpoint.command(&["ship", "--root", "/"]));
    assert!(disk.code == 2 && disk.stderr.contains("of itself alone"), "{disk:?}");
    assert_eq!(collector.take().len(), 0);
}

/// This computer, twice, with programs that came and went in between: what is told does not move.
#[test]
fn two_looks_at_this_computer_come_to_one_digest() {
    let look = || {
        let words = ["scan", "--format", "json", "--with-inventory", "--depth", "quick"];
        let run = Run::of(interdict().args(words));
        let mut report: Report =
            serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let items = report.inventory.take().unwrap();
        let sets = sets(&items, &report.coverage, &BTreeSet::new());
        let about = About::of(&report, Id::default());
        let digests = digests(&sets.sources);
        (inventory_digest(&about, &digests), digests, items)
    };
    let mut sleepers: Vec<_> = (0..5).map(|_| Command::new("sleep").arg("600").spawn().unwrap()).collect();
    let (first, had, items) = look();
    for sleeper in &mut sleepers {
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }
    let mut other = Command::new("tail").args(["-f", "/dev/null"]).stdout(Stdio::null()).spawn().unwrap();
    let (second, has, after) = look();
    other.kill().unwrap();
    other.wait().unwrap();
    let runs = |items: &[interdict::model::InventoryItem]| {
        let sightings = items.iter().flat_map(|item| &item.sightings);
        sightings.filter_map(|one| one.process.as_ref().map(|process| process.pid)).collect::<BTreeSet<_>>()
    };
    assert_ne!(runs(&items), runs(&after), "programs have come and gone");
    let moved: Vec<_> = had.iter().filter(|(name, digests)| has.get(*name) != Some(digests)).collect();
    assert!(moved.is_empty(), "{moved:?} against {has:?}");
    assert_eq!(first, second);
}
