//! A real collector for the tests of the fleet: the program itself, on a free port of this computer, with a folder of its own.
//!
//! Not part of `support/mod.rs`: only builds with the collector have it.
#![expect(unreachable_pub, reason = "shared by test files that each use a part")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "each test file uses its part"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a start may take on a machine that has much to do.
const START: Duration = Duration::from_mins(1);

/// The program.
pub fn collector() -> Command {
    Command::new(env!("CARGO_BIN_EXE_interdict-collector"))
}

/// One that runs.
pub struct Collector {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// Its data folder.
    pub data: PathBuf,
    log: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Collector {
    /// Starts one on a folder, which may be empty or hold a fleet.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same, with more arguments.
    pub fn start_with(data: &Path, args: &[&str]) -> Self {
        Self::run(collector(), data, args)
    }

    /// The same, on a port that somebody has to know before.
    pub fn start_on(data: &Path, port: u16, args: &[&str]) -> Self {
        Self::run_on(collector(), data, &format!("127.0.0.1:{port}"), args)
    }

    /// The same, so much later by its clock: `+3d`.
    pub fn start_later(data: &Path, later: &str) -> Self {
        let mut command = Command::new("faketime");
        command.args(["-f", later]).arg(env!("CARGO_BIN_EXE_interdict-collector"));
        Self::run(command, data, &[])
    }

    fn run(command: Command, data: &Path, args: &[&str]) -> Self {
        Self::run_on(command, data, "127.0.0.1:0", args)
    }

    fn run_on(mut command: Command, data: &Path, listen: &str, args: &[&str]) -> Self {
        command.args(["serve", "--listen", listen, "--data"]).arg(data).args(args);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (listens, listening) = channel();
        let kept = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let record: Value = serde_json::from_str(&line).unwrap_or_default();
                kept.lock().unwrap().push_str(&(line + "\n"));
                let at = record["at"].as_str().filter(|_| record["message"] == "listening");
                let _nobody_waits = at.map(|at| listens.send(at.to_owned()));
            }
        });
        let url = listening.recv_timeout(START);
        let url = url.unwrap_or_else(|_| panic!("no collector: {}", log.lock().unwrap()));
        Self { child, url, data: data.to_owned(), log, reader: Some(reader) }
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The lines of the log that hold these words, once there is one.
    pub fn logged(&self, words: &[&str]) -> Vec<Value> {
        let end = Instant::now() + START;
        loop {
            let log = self.log();
            let found = log.lines().filter(|line| words.iter().all(|word| line.contains(word)));
            let found: Vec<Value> = found.filter_map(|line| serde_json::from_str(line).ok()).collect();
            if !found.is_empty() || Instant::now() > end {
                return found;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The first enrolment secret.
    pub fn secret(&self) -> String {
        fs::read_to_string(self.data.join("first-enrolment-secret")).unwrap().trim().to_owned()
    }

    /// The first admin token.
    pub fn token(&self) -> String {
        fs::read_to_string(self.data.join("first-admin-token")).unwrap().trim().to_owned()
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> String {
        self.url.split_once("://").unwrap().1.to_owned()
    }

    /// Asks.
    pub fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let mut request = agent().get(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Answer::of(request.call())
    }

    /// Asks with the admin's token, and takes the JSON.
    pub fn ask(&self, path: &str) -> Value {
        let answer = self.get(path, Some(&self.token()));
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// Sends a document.
    pub fn post(&self, path: &str, token: Option<&str>, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        let mut request = agent().post(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send(body))
    }

    /// Sends JSON.
    pub fn post_json(&self, path: &str, token: Option<&str>, body: &impl serde::Serialize) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        self.post(path, token, &body, &[("content-type", "application/json")])
    }

    /// Puts JSON, with the admin's token.
    pub fn put_json(&self, path: &str, body: &impl serde::Serialize) -> Answer {
        let request = agent().put(format!("{}{path}", self.url));
        let request = request
            .header("authorization", format!("Bearer {}", self.token()))
            .header("content-type", "application/json");
        Answer::of(request.send(&serde_json::to_vec(body).unwrap()[..]))
    }

    /// Has something deleted, with the admin's token.
    pub fn delete(&self, path: &str) -> Answer {
        let request = agent().delete(format!("{}{path}", self.url));
        Answer::of(request.header("authorization", format!("Bearer {}", self.token())).call())
    }

    /// Sends bytes as they are, waits, and reads what comes until the other side closes.
    pub fn raw(&self, parts: &[&[u8]], pause: Duration) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(START)).unwrap();
        for part in parts {
            if stream.write_all(part).is_err() {
                break;
            }
            thread::sleep(pause);
        }
        let mut text = Vec::new();
        let _reset = stream.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Bytes that it has held at most.
    pub fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status, self.log())
    }

    /// Kills it: nothing of it can do anything more.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status; 0: nothing came.
    pub status: u16,
    /// Headers, by their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    fn of(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        match response {
            Ok(mut response) => {
                let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
                let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
                let headers = headers.collect();
                let status = response.status().as_u16();
                Self { status, headers, body: response.body_mut().read_to_string().unwrap_or_default() }
            }
            Err(error) => Self { status: 0, headers: Vec::new(), body: error.to_string() },
        }
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(had, value)| (had == name).then_some(value.as_str()))
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The word of a refusal, with the status; a refusal without its parts is none.
    pub fn refusal(&self) -> (u16, String) {
        let problem = self.json();
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{self:?}");
        assert_eq!(Some(problem["request_id"].as_str().unwrap()), self.header("x-request-id"), "{self:?}");
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }
}

/// A client that does not take a refusal for an error.
pub fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_global(Some(START)).max_idle_connections(0).build().into()
}
