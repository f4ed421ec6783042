//! What answers like a collector, as a test wants it: a small server of HTTP/1.1 on a free port of this computer, which notes
//! what it was sent.
#![expect(unreachable_pub, reason = "shared by test files that each use a part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "each test file uses its part"
)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use ruzstd::decoding::StreamingDecoder;
use serde_json::{Value, json};

/// The key that it gives to those who enrol.
pub const SITE_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";
/// The token.
pub const TOKEN: &str = "idh_of-the-test";

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// `/api/v1/check-in`.
    pub path: String,
    /// Headers, as they came, in small letters.
    pub head: String,
    /// The body, unpacked.
    pub body: Value,
    /// Bytes of the body as they came.
    pub bytes: usize,
}

/// What it says.
pub enum Reply {
    /// 200.
    Json(Value),
    /// A status, further headers, a body.
    Status(u16, &'static str, Value),
    /// Nothing: the line goes dead.
    Nothing,
}

/// A refusal.
pub fn problem(status: u16, code: &str, head: &'static str) -> Reply {
    Reply::Status(status, head, json!({ "code": code, "detail": "because", "request_id": "7" }))
}

/// What it says to a check-in, of which all before it are known.
type Says = dyn Fn(&Request, &[Request]) -> Reply + Send + Sync;

/// One that runs as long as the test.
pub struct FakeCollector {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    taken: AtomicUsize,
}

impl FakeCollector {
    /// One that enrols everybody, and keeps what it is told as the protocol has it.
    pub fn keeping() -> Self {
        Self::start(|request, before| Reply::Json(keep(request, before)))
    }

    /// One that says what a test wants to a check-in, and enrols everybody.
    pub fn start(says: impl Fn(&Request, &[Request]) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (says, noted): (Arc<Says>, _) = (Arc::new(says), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (says, noted) = (Arc::clone(&says), Arc::clone(&noted));
                thread::spawn(move || serve(&stream, &*says, &noted));
            }
        });
        Self { url, requests, taken: AtomicUsize::new(0) }
    }

    /// All that it was sent since this was last asked.
    pub fn take(&self) -> Vec<Request> {
        let requests = self.requests.lock().unwrap();
        let from = self.taken.swap(requests.len(), Ordering::Relaxed);
        requests[from..].to_vec()
    }
}

fn serve(stream: &TcpStream, says: &Says, noted: &Mutex<Vec<Request>>) {
    let mut from = BufReader::new(stream);
    while let Some(request) = read(&mut from) {
        let enrolled = json!({ "host": "ab".repeat(16), "token": TOKEN, "site_key": SITE_KEY });
        let reply = {
            let mut noted = noted.lock().unwrap();
            let before: Vec<Request> =
                noted.iter().filter(|one| one.path.ends_with("check-in")).cloned().collect();
            let reply = match request.path.as_str() {
                "/api/v1/enrol" if request.body["secret"] == "right" => Reply::Json(enrolled),
                "/api/v1/enrol" => problem(403, "bad-secret", ""),
                _ => says(&request, &before),
            };
            noted.push(request);
            reply
        };
        let (status, head, body) = match reply {
            Reply::Json(body) => (200, "", body),
            Reply::Status(status, head, body) => (status, head, body),
            Reply::Nothing => return,
        };
        let body = body.to_string();
        let length = body.len();
        let _gone = write!(&*stream, "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{head}\r\n{body}");
    }
}

fn read(from: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut first = String::new();
    from.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut head = String::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut bytes = vec![0; length?.trim().parse().ok()?];
    from.read_exact(&mut bytes).ok()?;
    let mut text = Vec::new();
    if lower.contains("content-encoding: zstd") {
        StreamingDecoder::new(&bytes[..]).unwrap().read_to_end(&mut text).unwrap();
    } else {
        text.clone_from(&bytes);
    }
    let body = serde_json::from_slice(&text).unwrap();
    let path = first.split(' ').nth(1)?.to_owned();
    Some(Request { path, head, body, bytes: bytes.len() })
}

/// What a collector says that keeps the last report as it came, by what it was sent before.
pub fn keep(request: &Request, before: &[Request]) -> Value {
    let heard = |request: &&Request| !request.body["body"].is_null();
    let ids = |request: &Request| -> BTreeSet<String> {
        let sources = request.body["body"]["sources"].as_array().cloned().unwrap_or_default();
        let entries =
            sources.iter().flat_map(|one| one["set"]["add"].as_array().cloned().unwrap_or_default());
        entries.map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    };
    let (header, last) = (&request.body["header"], before.iter().rev().find(heard));
    if last.is_some_and(|last| last.body["header"]["inventory"] == header["inventory"]) {
        let answered = request.body["body"]["seen"].is_array() || request.body["body"].is_null();
        let need = json!({ "answer": "need", "ids": ids(request) });
        return if answered { json!({ "answer": "kept" }) } else { need };
    }
    if request.body["body"].is_null() {
        return json!({ "answer": "send", "seq": seq(before), "sources": has(before) });
    }
    let known: BTreeSet<String> = before.iter().filter(heard).flat_map(ids).collect();
    let need: Vec<String> = ids(request).difference(&known).cloned().collect();
    if need.is_empty() { json!({ "answer": "kept" }) } else { json!({ "answer": "need", "ids": need }) }
}

fn seq(before: &[Request]) -> u64 {
    let heard = before.iter().filter(|request| !request.body["body"].is_null());
    heard.filter_map(|request| request.body["header"]["seq"].as_u64()).max().unwrap_or_default()
}

/// Digests of what came last, source by source. Of how one ended nothing is known: it is told each time.
fn has(before: &[Request]) -> Value {
    let mut has = serde_json::Map::new();
    for request in before {
        for source in request.body["body"]["sources"].as_array().into_iter().flatten() {
            let digest = &source["set"]["digest"];
            let name = source["report"]["source"].as_str().unwrap();
            has.insert(name.to_owned(), json!({ "state": "00".repeat(16), "set": digest }));
        }
    }
    has.into()
}
