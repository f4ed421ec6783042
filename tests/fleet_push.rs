//! Who wants to know is told: a webhook that checks signatures, a server of mail with TLS and a password, one that is not there.
#![cfg(feature = "collector")]
#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    reason = "tests start programs and may fail loudly"
)]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/fleet_host.rs"]
mod fleet_host;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use collector::{Collector, collector as program};
use fleet_host::FleetHost;
use interdict::model::Report;
use support::{Root, Run, has, interdict, skip};

/// Writes every call that holds as a line, and says no to the first one.
const RECEIVER: &str = r#"
import base64, hashlib, hmac, http.server, json, sys
key, calls = base64.b64decode(sys.argv[1]), []
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        name, at = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        signed = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
        good = self.headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()
        calls.append(name)
        self.send_response(503 if len(calls) == 1 else 204)
        self.end_headers()
        print(json.dumps({"id": name, "good": good, "body": json.loads(body)}), flush=True)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// Takes mail by STARTTLS from who knows the password, and writes it as lines.
const MAIL: &str = r#"
import json, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
class Box:
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({"to": envelope.rcpt_tos, "tls": session.ssl is not None, "text": envelope.content.decode()}), flush=True)
        return "250 OK"
def known(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"interdict" and data.password == b"a b", handled=False)
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1], sys.argv[2])
box = Controller(Box(), hostname="127.0.0.1", port=int(sys.argv[3]), tls_context=context, require_starttls=True, authenticator=known, auth_required=True)
box.start()
print("ready", flush=True)
time.sleep(600)
"#;

/// A helper in Python, whose lines are a file.
struct Helper {
    child: Child,
    lines: std::path::PathBuf,
}

impl Helper {
    fn start(folder: &Path, name: &str, python: &str, program: &str, args: &[&str]) -> Self {
        let lines = folder.join(name);
        let out = fs::File::create(&lines).unwrap();
        let mut command = Command::new(python);
        command.args(["-W", "ignore", "-c", program]).args(args).stdout(out).stdin(Stdio::null());
        let helper = Self { child: command.spawn().unwrap(), lines };
        helper.wait(1);
        helper
    }

    /// Its lines, once there are so many.
    fn wait(&self, count: usize) -> Vec<String> {
        let end = Instant::now() + Duration::from_secs(90);
        loop {
            let text = fs::read_to_string(&self.lines).unwrap();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(Instant::now() < end, "{lines:?}");
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// A Debian with Kaspersky's program, as a scan reports it.
fn scanned() -> Report {
    let root = Root::debian();
    let status = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\n\
                  Architecture: amd64\nVersion: 12.1.0-1543\n\n";
    root.file("var/lib/dpkg/status", status);
    let words = ["scan", "--format", "json", "--with-inventory", "--root"];
    let run = Run::of(interdict().args(words).arg(root.path()));
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

#[test]
fn a_webhook_is_told_until_it_takes_it() {
    if !has("python3") {
        return skip("no python3");
    }
    let folder = tempfile::tempdir().unwrap();
    let receiver = Helper::start(folder.path(), "calls", "python3", RECEIVER, &[SECRET]);
    let port = receiver.wait(1).remove(0);
    let secret = folder.path().join("secret");
    fs::write(&secret, format!("whsec_{SECRET}\n")).unwrap();
    let config = folder.path().join("config.toml");
    let text = format!(
        "[[webhook]]\nname = \"siem\"\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret_file = {secret:?}\n\
         events = [\"finding-opened\"]\n"
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let refused = Run::of(program().args(["push", "test", "siem", "--config", config]));
    assert!(refused.code == 2 && refused.stderr.contains("it answers 503"), "{refused:?}");
    let listed = Run::of(program().args(["push", "list", "--config", config]));
    assert_eq!(listed.stdout.lines().last(), Some("siem\twebhook\tfinding-opened"));
    let told = Run::of(program().args(["push", "test", "siem", "--config", config]));
    assert_eq!((told.code, told.stderr.as_str()), (0, "'siem' was told\n"));
    let nobody = Run::of(program().args(["push", "test", "sim", "--config", config]));
    assert!(nobody.code == 2 && nobody.stderr.contains("'push list' shows them"), "{nobody:?}");

    let collector = Collector::start_with(&folder.path().join("data"), &["--config", config]);
    // A destination is told what happens from the moment on in which it is first asked for.
    while collector.ask("/api/v1/destinations").as_array().unwrap().is_empty() {
        sleep(Duration::from_millis(50));
    }
    let mut host = FleetHost::enrol(&collector, "a", &scanned());
    host.check_in(&collector).unwrap();
    let found = collector.ask("/api/v1/findings")["rows"].as_array().unwrap().len();
    assert!(found > 0);
    let lines = receiver.wait(1 + 2 + found);
    let calls: Vec<Value> = lines[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(calls.iter().all(|call| call["good"] == true), "{calls:?}");
    let types: Vec<&str> = calls.iter().map(|call| call["body"]["type"].as_str().unwrap()).collect();
    assert_eq!(types, [vec!["test"; 2], vec!["finding-opened"; found]].concat());
    assert_eq!(calls[2]["body"]["data"]["host"].as_str().unwrap(), host.host);
    let waits = |collector: &Collector| collector.ask("/api/v1/destinations")[0]["waiting"].clone();
    let end = Instant::now() + Duration::from_secs(20);
    while waits(&collector) != 0 && Instant::now() < end {
        sleep(Duration::from_millis(50));
    }
    assert_eq!(waits(&collector), 0);
}

#[test]
fn mail_goes_by_tls_to_who_knows_the_password() {
    // Debian's package is for Debian's Python, before which there may be another.
    let has_server = |python: &&str| {
        let import = Command::new(python).args(["-c", "import aiosmtpd"]).output();
        import.is_ok_and(|done| done.status.success())
    };
    let Some(python) =
        ["python3", "/usr/bin/python3"].into_iter().find(has_server).filter(|_| has("openssl"))
    else {
        return skip("no aiosmtpd for python3 (Debian package python3-aiosmtpd), or no openssl");
    };
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-out").arg(&cert).arg("-keyout").arg(&key);
    let made = Run::of(&mut openssl);
    assert_eq!(made.code, 0, "{made:?}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let paths = [cert.to_str().unwrap(), key.to_str().unwrap(), &port];
    let server = Helper::start(folder.path(), "mails", python, MAIL, &paths);
    let password = folder.path().join("password");
    fs::write(&password, "a b\n").unwrap();
    let config = |name: &str, password: &Path, ca: &str| {
        let path = folder.path().join(name);
        let text = format!(
            "[[mail]]\nname = \"team\"\nserver = \"127.0.0.1\"\nport = {port}\nuser = \"interdict\"\n\
             password_file = {password:?}\n{ca}from = \"interdict <interdict@example.org>\"\n\
             to = [\"Ann <ann@example.org>\", \"bo@example.org\"]\n"
        );
        fs::write(&path, text).unwrap();
        Run::of(program().args(["push", "test", "team", "--config"]).arg(path))
    };
    let ca = format!("ca = {cert:?}\n");
    let told = config("good.toml", &password, &ca);
    assert_eq!((told.code, told.stderr.as_str()), (0, "'team' was told\n"), "{told:?}");
    let mail: Value = serde_json::from_str(&server.wait(2)[1]).unwrap();
    assert_eq!(
        (&mail["to"], &mail["tls"]),
        (&serde_json::json!(["ann@example.org", "bo@example.org"]), &Value::Bool(true))
    );
    let text = mail["text"].as_str().unwrap().replace("\r\n ", " ").replace("\n ", " ");
    assert!(
        text.contains("Subject: [interdict] this is a test") && text.contains("nothing has happened"),
        "{text}"
    );
    let stranger = config("stranger.toml", &password, "");
    assert!(stranger.code == 2 && stranger.stderr.contains("certificate"), "{stranger:?}");
    let wrong = folder.path().join("wrong");
    fs::write(&wrong, "b\n").unwrap();
    let wrong = config("wrong.toml", &wrong, &ca);
    assert!(wrong.code == 2 && wrong.stderr.contains("535"), "{wrong:?}");
    let missing = config("missing.toml", &folder.path().join("none"), &ca);
    assert!(missing.code == 2 && missing.stderr.contains("cannot read the password"), "{missing:?}");
    assert_eq!(server.wait(2).len(), 2);
}

#[test]
fn a_list_of_hosts_is_taken_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(&folder.path().join("data"));
    let file = folder.path().join("hosts.csv");
    let import = || {
        let mut command = program();
        Run::of(command.args(["expected", "import"]).arg(&file).arg("--data").arg(&collector.data))
    };
    fs::write(&file, "Name;Owner;Tags\ndesk-1;Ann;sales eu\ndesk-2;Bo;\n").unwrap();
    let taken = import();
    assert_eq!((taken.code, taken.stderr.as_str()), (0, "2 hosts ought to be there\n"));
    let summary = collector.ask("/api/v1/summary");
    assert_eq!((&summary["expected"], &summary["expected_seen"]), (&2.into(), &0.into()));
    fs::write(&file, "name,owner\ndesk-3,x\n,y\n").unwrap();
    let refused = import();
    assert!(refused.code == 2 && refused.stderr.contains("line 3: it has no name"), "{refused:?}");
    let rows = collector.ask("/api/v1/expected?seen=false&tag=eu");
    assert_eq!(rows["rows"][0]["name"], "desk-1", "{rows}");
    let table = collector.get("/api/v1/expected?format=csv", Some(&collector.token())).body;
    assert!(table.starts_with("name,owner,") && table.contains("desk-2,Bo,"), "{table}");
}

#[test]
fn a_wrong_destination_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "c2hvcnQ=\n").unwrap();
    let path = folder.path().join("config.toml");
    let told = |text: &str| {
        fs::write(&path, text).unwrap();
        let run = Run::of(program().args(["push", "list", "--config"]).arg(&path));
        assert_eq!(run.code, 2, "{run:?}");
        run.stderr
    };
    let webhook = |url: &str, more: &str| {
        format!("[[webhook]]\nname = \"a\"\nurl = \"{url}\"\nsecret_file = {secret:?}\n{more}")
    };
    assert!(told(&webhook("https://a.example", "")).contains("it has 5 bytes"));
    fs::write(&secret, SECRET).unwrap();
    assert!(told(&webhook("http://a.example", "")).contains("does not begin with https://"));
    assert!(
        told(&webhook("https://a.example", "events = [\"finding\"]\n")).contains("there are: finding-opened")
    );
    assert!(told(&webhook("https://a.example", "retries = 3\n")).contains("retries"));
    let twice = [webhook("https://a.example", ""), webhook("https://b.example", "")].concat();
    assert!(told(&twice).contains("two destinations are called 'a'"));
    let mail =
        "[[mail]]\nname = \"m\"\nserver = \"mail.example\"\nfrom = \"a@b.example\"\nto = [\"c@d.example\"]\n";
    assert!(told(&format!("{mail}tls = \"none\"\n")).contains("of this computer only"));
    assert!(told(&format!("{mail}user = \"u\"\n")).contains("go together"));
    assert!(told(&mail.replace("c@d.example", "c")).contains("'c' is no address of mail"));
}
