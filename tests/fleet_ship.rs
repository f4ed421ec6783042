//! The whole way on one computer, as the README has it: a collector starts with nothing set up, this computer enrols and ships,
//! and the collector knows it. Both programs are the real ones.
#![cfg(feature = "collector")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "tests start programs and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use collector::Collector;
use serde_json::{Value, json};
use support::{Root, Run, has, interdict, skip};

const SOUND: &str = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
const KESL: &str = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\n\
                    Architecture: amd64\nVersion: 12.1.0-1543\n\n";

fn command(state: &Path, words: &[&str]) -> Command {
    let mut command = interdict();
    command.env("INTERDICT_STATE", state).arg("--no-config").args(words);
    command
}

fn enrol(state: &Path, url: &str, secret: &Path, more: &[&str]) -> Run {
    Run::of(command(state, &["enrol", url]).args(more).arg("--secret-file").arg(secret))
}

/// Whether any file of a folder holds these bytes.
fn holds(folder: &Path, needle: &str) -> bool {
    let files =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let found = |bytes: Vec<u8>| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    files.into_iter().any(|path| found(fs::read(path).unwrap()))
}

/// What this computer says of itself.
fn own() -> Value {
    let words = ["inventory", "--format", "json", "--depth", "quick", "--scope", "system"];
    Run::of(interdict().args(words)).json()["host"].clone()
}

#[test]
fn a_fresh_collector_and_this_computer_need_no_further_set_up() {
    let (data, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let collector = Collector::start(data.path());
    let secret = data.path().join("first-enrolment-secret");
    let run = enrol(state.path(), &collector.url, &secret, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    let words = ["ship", "--depth", "quick", "--patience", "5"];
    let first = Run::of(&mut command(state.path(), &words));
    assert!(first.stderr.contains("keeps 1 report"), "{first:?}");
    let hosts = collector.ask("/api/v1/hosts");
    let row = &hosts["rows"][0];
    assert_eq!(row["name"], own()["name"], "{hosts}");
    let verdict = ["compliant", "non-compliant", "", "inconclusive"][usize::try_from(first.code).unwrap()];
    assert_eq!(row["verdict"], verdict, "the endpoint's own: {hosts}");
    // Nothing has changed but what runs: the head is all that is told.
    let second = Run::of(&mut command(state.path(), &words));
    assert!(second.stderr.contains("keeps 1 report"), "{second:?}");
    let told = |answer: &str| {
        let text = collector.get("/metrics", None).body;
        let line = text.lines().find(|line| line.contains(&format!("\"{answer}\""))).unwrap_or_default();
        line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok()).unwrap_or_default()
    };
    assert!(
        (told("kept") - 2.0).abs() < 0.1 && (told("send") - 1.0).abs() < 0.1,
        "{}",
        collector.get("/metrics", None).body
    );
}

#[test]
fn the_store_holds_what_was_found_and_no_name_of_a_user() {
    let (data, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let collector = Collector::start(data.path());
    let secret = data.path().join("first-enrolment-secret");
    assert_eq!(enrol(state.path(), &collector.url, &secret, &[]).code, 0);
    let root = Root::debian();
    root.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nzebedee:x:1000:1000:,,,:/home/zebedee:/bin/sh\n");
    let entry = "[Desktop Entry]\nType=Application\nName=Garden\nExec=/home/zebedee/.local/bin/garden\n";
    root.file("home/zebedee/.local/share/applications/garden.desktop", entry);
    root.program("home/zebedee/.local/bin/garden");
    let ship = |packages: &str| {
        root.file("var/lib/dpkg/status", packages);
        let mut report = root.scan(&["--with-inventory"]).json();
        let own = own();
        (report["host"]["name"], report["host"]["machine_id"]) =
            (own["name"].clone(), own["machine_id"].clone());
        let path = state.path().join("report.json");
        fs::write(&path, report.to_string()).unwrap();
        Run::of(command(state.path(), &["ship", "--report"]).arg(path))
    };
    assert!(report_is(&ship(&format!("{SOUND}{KESL}")), 1));
    let findings = collector.ask("/api/v1/findings?vendor=kaspersky");
    assert_eq!(findings["rows"][0]["state"], "open", "{findings}");
    assert!(report_is(&ship(SOUND), 0));
    let gone = collector.ask("/api/v1/findings?state=closed");
    assert!(gone["rows"][0]["closed_at"].is_string(), "{gone}");
    let garden = collector.ask("/api/v1/items?name=garden");
    assert!(garden["rows"][0].is_object(), "{garden}");
    for name in ["zebedee", "/home/zeb"] {
        assert!(!holds(data.path(), name), "{name}");
    }
    assert!(!collector.log().contains("zebedee"));
    // A state folder that was put back to an older day: one whole report, and on it goes.
    let (journal, base) =
        (state.path().join("fleet/fleet-journal.json"), state.path().join("fleet/fleet-base.json"));
    let old = (fs::read(&journal).unwrap(), fs::read(&base).unwrap());
    assert!(report_is(&ship(&format!("{SOUND}{KESL}")), 1));
    assert!(report_is(&ship(SOUND), 0));
    fs::write(&journal, old.0).unwrap();
    fs::write(&base, old.1).unwrap();
    assert!(report_is(&ship(SOUND), 0));
    let after: Value = serde_json::from_slice(&fs::read(&journal).unwrap()).unwrap();
    assert_eq!(after["seq"], json!(5), "{after}");
    assert!(report_is(&ship(SOUND), 0));
}

/// Whether a report of this verdict was delivered.
fn report_is(run: &Run, code: i32) -> bool {
    assert!(run.code == code && run.stderr.contains("keeps 1 report"), "{run:?}");
    true
}

#[test]
fn only_the_pinned_authority_is_believed() {
    if !has("openssl") {
        skip("openssl is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let openssl = |line: &str| {
        let output =
            Command::new("openssl").args(line.split(' ')).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "openssl {line}: {output:?}");
    };
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for name in ["ours", "theirs"] {
        openssl(&format!("req -x509 {new} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"));
    }
    openssl(&format!("req {new} -subj /CN=localhost -keyout server.key -out server.csr"));
    fs::write(at("ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n").unwrap();
    openssl(
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -extfile ext -out server.pem",
    );
    let (data, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (cert, key) = (at("server.pem"), at("server.key"));
    let tls = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let collector = Collector::start_with(data.path(), &tls);
    let secret = data.path().join("first-enrolment-secret");
    let url = format!("https://{}", collector.address());
    let ca = |name: &str| at(name).to_str().unwrap().to_owned();
    for more in [vec![], vec!["--ca".to_owned(), ca("theirs.pem")]] {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let refused = enrol(state.path(), &url, &secret, &more);
        assert!(refused.code == 2 && refused.stderr.contains("not reached"), "{refused:?}");
        assert!(refused.stderr.to_lowercase().contains("certificate"), "{refused:?}");
    }
    let none = enrol(state.path(), &url, &secret, &["--ca", &ca("server.key")]);
    assert!(none.stderr.contains("holds no certificate"), "{none:?}");
    assert_eq!(enrol(state.path(), &url, &secret, &["--ca", &ca("ours.pem")]).code, 0);
    let shipped = Run::of(&mut command(state.path(), &["ship", "--depth", "quick", "--scope", "system"]));
    assert!(shipped.stderr.contains("keeps 1 report"), "{shipped:?}");
}
