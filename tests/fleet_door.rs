//! The collector's door: who is let in and who is not, what it does with bodies that are half, slow, packed to burst or of a
//! wrong type, and with connections that are held open. A real collector, over the network.
#![cfg(feature = "collector")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests start a program and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use collector::{Answer, Collector};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};

const NOBODY: &str = "00000000000000000000000000000000";

fn enrol_as(collector: &Collector, secret: &str, install: &str) -> Answer {
    let body = json!({
        "secret": secret, "install": install, "machine": install, "name": "ws-1", "family": "linux",
        "tool": { "name": "interdict", "version": "0.1.0" },
    });
    collector.post_json("/api/v1/enrol", None, &body)
}

/// Host and token of a new host.
fn enrol(collector: &Collector, install: u32) -> (String, String) {
    let answer = enrol_as(collector, &collector.secret(), &format!("{install:032x}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    (told["host"].as_str().unwrap().to_owned(), told["token"].as_str().unwrap().to_owned())
}

/// Another command on the same folder.
fn command(data: &Path, args: &[&str]) -> Output {
    collector::collector().args(args).arg("--data").arg(data).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_fresh_machine_needs_no_set_up_and_nothing_secret_is_logged() {
    let folder = folder();
    let data = folder.path().join("data");
    let collector = Collector::start(&data);
    let (secret, token) = (collector.secret(), collector.token());
    assert!(secret.starts_with("ids_") && token.starts_with("ida_"), "{secret} {token}");
    #[cfg(unix)]
    for name in [
        "first-enrolment-secret",
        "first-admin-token",
        "console-set-up-token",
        "site-key",
        "fleet.sqlite",
        "fleet.sqlite-wal",
    ] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let (_, host_token) = enrol(&collector, 1);
    assert!(host_token.starts_with("idh_"));
    assert_eq!(collector.get("/healthz", None).body, "ok\n");
    assert_eq!(collector.get("/readyz", None).body, "ready\n");
    let (status, log) = collector.stop();
    assert!(status.success(), "{log}");
    for secret in [&secret, &token, &host_token] {
        assert!(!log.contains(secret.as_str()), "{log}");
    }
    // What is kept holds none of them either.
    for entry in fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.file_name().unwrap().to_string_lossy().contains("sqlite") {
            let bytes = fs::read(&entry).unwrap();
            for secret in [&secret, &token, &host_token] {
                assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{entry:?}");
            }
        }
    }
    // The second start makes nothing new.
    let again = Collector::start(&data);
    assert_eq!((again.secret(), again.token()), (secret, token));
    assert_eq!(again.ask("/api/v1/summary")["hosts"], 1);
}

#[test]
fn who_has_no_token_that_holds_is_refused_and_logged() {
    let folder = folder();
    let collector = Collector::start(folder.path());
    let admin = collector.token();
    let (host, host_token) = enrol(&collector, 1);
    let hosts = |token: Option<&str>| collector.get("/api/v1/hosts", token).refusal();
    let check_in = |token: Option<&str>| collector.post_json("/api/v1/check-in", token, &json!({})).refusal();
    let refused = |status, code: &str| (status, code.to_owned());
    assert_eq!(hosts(None), refused(401, "no-token"));
    assert_eq!(check_in(None), refused(401, "no-token"));
    for none in ["", "x", "ida_", "idh_short", &collector.secret()] {
        assert_eq!(hosts(Some(none)), refused(401, "bad-token"), "{none}");
    }
    let unknown = format!("ida_{}", "A".repeat(43));
    assert_eq!(hosts(Some(&unknown)), refused(401, "bad-token"));
    assert_eq!(check_in(Some(&unknown.replace("ida_", "idh_"))), refused(401, "bad-token"));
    // A host may not ask, and who asks may not speak for a host.
    assert_eq!(hosts(Some(&host_token)), refused(403, "not-allowed"));
    assert_eq!(check_in(Some(&admin)), refused(403, "not-allowed"));
    let one = collector.get(&format!("/api/v1/hosts/{host}"), Some(&host_token)).refusal();
    assert_eq!(one, refused(403, "not-allowed"));
    // A token that is good gets as far as its body.
    assert_eq!(check_in(Some(&host_token)), refused(422, "bad-shape"));
    let reasons = collector.logged(&["\"refused\":\"unknown\""]);
    assert!(reasons.iter().all(|line| line["code"] == "bad-token" && line["level"] == "WARN"), "{reasons:?}");
    assert!(!reasons.is_empty() && !collector.logged(&["\"refused\":\"none\""]).is_empty());
    let page = collector.get("/metrics", None).body;
    assert!(page.contains("interdict_refused_total{reason=\"of another kind\"} 3"), "{page}");
}

#[test]
fn what_ended_or_was_taken_back_holds_no_longer() {
    let folder = folder();
    let collector = Collector::start(folder.path());
    let data = folder.path();
    let make = |kind: &str, name: &str, more: &[&str]| {
        text(&command(data, &[&[kind, "create", name], more].concat()))
    };
    let past = ["--expires", "2020-01-01"];
    let token = make("token", "dashboard", &[]);
    let ended = make("token", "old", &past);
    assert_eq!(collector.get("/api/v1/hosts", Some(&token)).status, 200);
    assert_eq!(collector.get("/api/v1/hosts", Some(&ended)).refusal().1, "bad-token");
    assert!(command(data, &["token", "revoke", "dashboard"]).status.success());
    assert_eq!(collector.get("/api/v1/hosts", Some(&token)).refusal().1, "bad-token");
    assert_eq!(collector.logged(&["\"refused\":\"expired\""]).len(), 1);
    assert_eq!(collector.logged(&["\"refused\":\"revoked\""]).len(), 1);
    let secret = make("secret", "rollout", &[]);
    let old = make("secret", "old-rollout", &past);
    assert_eq!(enrol_as(&collector, &secret, &"1".repeat(32)).status, 200);
    assert_eq!(enrol_as(&collector, &old, &"2".repeat(32)).refusal(), (403, "bad-secret".to_owned()));
    assert!(command(data, &["secret", "revoke", "rollout"]).status.success());
    assert_eq!(enrol_as(&collector, &secret, &"3".repeat(32)).refusal(), (403, "bad-secret".to_owned()));
    assert_eq!(enrol_as(&collector, &token, &"4".repeat(32)).refusal(), (403, "bad-secret".to_owned()));
    let list = text(&command(data, &["token", "list"]));
    assert!(list.contains("dashboard\tviewer\trevoked") && list.contains("old\tviewer\texpired"), "{list}");
    assert!(!list.contains("rollout") && !list.contains("ida_"), "{list}");
    assert!(text(&command(data, &["secret", "list"])).contains("rollout\tenrol\trevoked"));
    // A name is of one thing for ever.
    let again = command(data, &["token", "create", "dashboard"]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    assert_eq!(command(data, &["token", "revoke", "first"]).status.code(), Some(2), "that is a secret");
    // Who guesses is soon not listened to.
    let guess = |number: usize| collector.get("/api/v1/hosts", Some(&format!("ida_{number:043}")));
    let late = (0..200).map(guess).find(|answer| answer.status == 429).unwrap();
    assert_eq!(late.refusal().1, "too-many-requests");
    assert!(late.header("retry-after").is_some(), "{late:?}");
    assert_eq!(
        collector.get("/api/v1/hosts", Some(&collector.token())).status,
        200,
        "the good token still holds"
    );
}

#[test]
fn every_refusal_has_the_same_shape() {
    let folder = folder();
    let collector = Collector::start(folder.path());
    let token = collector.token();
    let get = |path: &str| collector.get(path, Some(&token)).refusal();
    let refused = |status, code: &str| (status, code.to_owned());
    assert_eq!(get("/nothing"), refused(404, "not-found"));
    assert_eq!(get("/api/v1/enrol"), refused(405, "wrong-method"));
    assert_eq!(get(&format!("/api/v1/hosts/{NOBODY}")), refused(404, "not-found"));
    assert_eq!(get(&format!("/api/v1/hosts/{NOBODY}/findings")), refused(404, "not-found"));
    assert_eq!(get(&format!("/api/v1/items/{NOBODY}/hosts")), refused(404, "not-found"));
    for bad in ["limit=0", "limit=1001", "limit=x", "verdikt=unknown", "verdict=good", "after=1", "standing="]
    {
        assert_eq!(get(&format!("/api/v1/hosts?{bad}")), refused(400, "bad-query"), "{bad}");
    }
    assert_eq!(get("/api/v1/hosts/../../etc"), refused(404, "not-found"));
    assert_eq!(get("/api/v1/hosts/%2e%2e"), refused(400, "bad-query"));
    assert_eq!(collector.get("/metrics", None).status, 200);
}

#[test]
fn bodies_that_are_no_documents_are_refused() {
    let folder = folder();
    let collector = Collector::start(folder.path());
    let (_, token) = enrol(&collector, 1);
    let json = ("content-type", "application/json");
    let post = |body: &[u8], headers: &[(&str, &str)]| {
        collector.post("/api/v1/check-in", Some(&token), body, headers).refusal().1
    };
    assert_eq!(post(b"{}", &[("content-type", "text/plain")]), "wrong-type");
    assert_eq!(post(b"{}", &[]), "wrong-type");
    assert_eq!(post(b"{}", &[json, ("content-encoding", "br")]), "wrong-type");
    assert_eq!(post(b"{", &[json]), "bad-json");
    assert_eq!(post(b"{}", &[json, ("content-encoding", "zstd")]), "bad-encoding");
    let packed = compress_to_vec(&b"[1]"[..], CompressionLevel::Fastest);
    assert_eq!(post(&packed, &[json, ("content-encoding", "zstd")]), "bad-shape");
    assert_eq!(post(&vec![b' '; 9 << 20], &[json]), "too-large");
    assert_eq!(collector.get("/readyz", None).status, 200);
}

/// A frame of a megabyte whose every four bytes stand for 128 kB.
fn bomb() -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    let blocks: u32 = 260_000;
    for block in 1..=blocks {
        let head = (128 << 10 << 3) | (1 << 1) | u32::from(block == blocks);
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}

#[test]
fn a_bomb_costs_little() {
    let folder = folder();
    let collector = Collector::start(folder.path());
    let (_, token) = enrol(&collector, 1);
    let (frame, before) = (bomb(), collector.peak());
    assert!(frame.len() > 1_000_000);
    let headers = [("content-type", "application/json"), ("content-encoding", "zstd")];
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let answer = collector.post("/api/v1/check-in", Some(&token), &frame, &headers);
                assert_eq!(answer.refusal(), (413, "too-large".to_owned()));
            });
        }
    });
    let grown = (collector.peak() - before) >> 20;
    assert!(grown < 300, "34 GB were asked for eight times, and {grown} MB were taken");
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(enrol_as(&collector, "ids_", &"5".repeat(32)).status, 403, "it still answers");
}

#[test]
fn who_is_slow_or_goes_away_holds_nobody_up() {
    let folder = folder();
    let config = folder.path().join("config.toml");
    let limits = "[limits]\nhead_seconds = 1\nbody_seconds = 1\nlarge_bodies = 1\nconnections = 12\n";
    fs::write(&config, limits).unwrap();
    let data = folder.path().join("data");
    let collector = Collector::start_with(&data, &["--config", config.to_str().unwrap()]);
    let (_, token) = enrol(&collector, 1);
    let head = |length: usize| {
        format!(
            "POST /api/v1/check-in HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    // A body that comes too slowly is told so, and its connection ends.
    let slow = collector.raw(&[head(100).as_bytes(), b"{", b"\"", b"a"], Duration::from_millis(400));
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("\"body-late\""), "{slow}");
    // A head that never ends is hung up on.
    let started = Instant::now();
    let never = collector.raw(&[b"GET /healthz HTTP/1.1\r\nx: "], Duration::ZERO);
    assert!(never.is_empty() || never.starts_with("HTTP/1.1 4"), "{never}");
    assert!(started.elapsed() < Duration::from_secs(20));
    // Who asks for much and takes none of it is hung up on.
    let mut deaf = TcpStream::connect(collector.address()).unwrap();
    let ask = "GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(200);
    deaf.write_all(ask.as_bytes()).unwrap();
    thread::sleep(Duration::from_secs(3));
    let mut came = Vec::new();
    deaf.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    drop(deaf.read_to_end(&mut came));
    let whole = 200 * collector.get("/api/v1/openapi.json", None).body.len();
    assert!(came.len() < whole, "{} of {whole} bytes came", came.len());
    // Half a body, and gone: nothing comes of it.
    let mut gone = TcpStream::connect(collector.address()).unwrap();
    gone.write_all(head(500_000).as_bytes()).unwrap();
    gone.write_all(&vec![b' '; 100_000]).unwrap();
    drop(gone);
    let large = vec![b' '; 200_000];
    let json = [("content-type", "application/json")];
    let next = collector.post("/api/v1/check-in", Some(&token), &large, &json).refusal();
    assert_eq!(next, (400, "bad-json".to_owned()), "the place of the one that went away is free");
    // More connections than there are places: those beyond are closed, and the others still served.
    let mut idle: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(collector.address()).unwrap()).collect();
    thread::sleep(Duration::from_millis(200));
    let mut closed = 0;
    for stream in &mut idle {
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        closed += usize::from(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    }
    assert!(closed >= 8, "{closed}");
    drop(idle);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(collector.get("/healthz", None).status, 200);
}

#[test]
fn it_ends_what_it_began_when_it_is_told_to_stop() {
    let folder = folder();
    let collector = Collector::start(folder.path());
    let (_, token) = enrol(&collector, 1);
    let body = b"{\"header\": 1}";
    let head = format!(
        "POST /api/v1/check-in HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(collector.address()).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body[..4]).unwrap();
    thread::sleep(Duration::from_millis(300));
    collector.signal("-TERM");
    assert_eq!(collector.logged(&["\"stopping\""]).len(), 1);
    stream.write_all(&body[4..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    let (status, log) = collector.stop();
    assert!(status.success() && log.contains("\"stopped\""), "{log}");
}

#[test]
fn what_cannot_be_served_is_said_with_the_next_step() {
    let folder = folder();
    let data = folder.path().join("data");
    let said = |args: &[&str]| {
        let output = command(&data, args);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["serve", "--listen", "0.0.0.0:0"]).contains("--insecure-plain"));
    assert!(!data.exists(), "nothing is made before that is known");
    assert!(said(&["token", "list"]).contains("interdict-collector init"));
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = held.local_addr().unwrap().to_string();
    assert!(said(&["serve", "--listen", &at]).contains("--listen"));
    let none = folder.path().join("none.pem");
    let none = none.to_str().unwrap();
    assert!(said(&["serve", "--tls-cert", none, "--tls-key", none]).contains("--tls-cert"));
    let config = folder.path().join("config.toml");
    fs::write(&config, "listn = 1\n").unwrap();
    assert!(said(&["serve", "--config", config.to_str().unwrap()]).contains("listn"));
    assert!(said(&["serve", "--log", "a=loud"]).contains("--log"));
    let made = command(&data, &["init"]);
    assert!(made.status.success() && data.join("first-admin-token").exists(), "{made:?}");
    assert!(command(&data, &["migrate"]).status.success());
}

#[test]
fn the_description_of_the_api_is_current() {
    let folder = folder();
    let printed = command(folder.path(), &["openapi"]);
    let printed = String::from_utf8(printed.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("INTERDICT_BLESS").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == printed, "docs/openapi.json is stale: INTERDICT_BLESS=1 cargo test --test fleet_door");
    let collector = Collector::start(folder.path());
    let served = collector.get("/api/v1/openapi.json", None).json();
    assert_eq!(served, serde_json::from_str::<Value>(&printed).unwrap());
    // Every address of it is answered, and every reference in it leads somewhere.
    for (path, methods) in served["paths"].as_object().unwrap() {
        let real = path.replace("{id}", NOBODY).replace("{number}", "4711");
        for method in methods.as_object().unwrap().keys() {
            let answer = match method.as_str() {
                "post" => collector.post_json(&real, None, &json!({})),
                "put" => collector.put_json(&real, &json!({})),
                "delete" => collector.delete(&real),
                _ => collector.get(&real, None),
            };
            let declared = &methods[method]["responses"][answer.status.to_string()];
            assert!(declared.is_object(), "{method} {path} answers {}", answer.status);
        }
    }
    let references = printed.lines().filter_map(|line| line.split("\"$ref\": \"#").nth(1)?.split('"').next());
    for reference in references {
        assert!(served.pointer(reference).is_some(), "{reference}");
    }
}
