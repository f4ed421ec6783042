//! A real Chromium without a screen, driven through `chromedriver` by its protocol
//! (<https://www.w3.org/TR/webdriver2/>): JSON over HTTP, so that no library is needed.
//!
//! Used by `html_browser` and `console`.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a page may take on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one tab; it ends when this is dropped.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines().map(Result::unwrap);
        // "ChromeDriver was started successfully on port 40123."
        let port = lines
            .take(20)
            .find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok())
            .unwrap();
        let mut browser = Self { driver, port, session: String::new() };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--window-size=1280,900",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let made = browser.call("POST", "/session", &wanted);
        browser.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        browser
    }

    /// One command; its value, or a panic with what the driver says.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut answer = self.send(method, path, body).unwrap();
        let value = answer["value"].take();
        assert!(value.get("error").is_none(), "{method} {path}: {} {}", value["error"], value["message"]);
        value
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> io::Result<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_mins(2)))?;
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let (length, port) = (body.len(), self.port);
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body)?;
        serde_json::from_slice(&body).map_err(io::Error::other)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("{}{path}", self.session), body)
    }

    /// Opens a page and waits until it is there.
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// The value of a function's body, which may use `arguments`.
    pub(crate) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// The value of an expression as text.
    pub(crate) fn text(&self, expression: &str) -> String {
        match self.run(&format!("return {expression};"), &[]) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// Waits until an expression is true.
    pub(crate) fn wait(&self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        // A page that is just being left answers nothing.
        let holds = || {
            let body = json!({ "script": format!("return Boolean({expression});"), "args": [] });
            let answer = self.send("POST", &format!("{}/execute/sync", self.session), &body);
            answer.is_ok_and(|answer| answer["value"] == json!(true))
        };
        while !holds() {
            assert!(
                Instant::now() < end,
                "{expression} at {}: {}",
                self.text("location.href"),
                self.text("document.body.innerText")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Chooses a file or a folder in a field.
    pub(crate) fn choose(&self, selector: &str, path: &str) {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.post(&format!("/element/{id}/value"), &json!({ "text": path }));
        // A folder is walked by the browser beside the page: a form sent before it is done has no file, and stays.
        self.wait(&format!("document.querySelector('{selector}').files.length > 0"));
    }

    /// A picture of the whole page, PNG in base64.
    pub(crate) fn picture(&self) -> String {
        let shot = self.chrome("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
        shot["data"].as_str().unwrap().to_owned()
    }

    /// Types keys into whatever has the focus.
    pub(crate) fn press(&self, keys: &str) {
        let active = self.call("GET", &format!("{}/element/active", self.session), &Value::Null);
        let id = active.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.post(&format!("/element/{id}/value"), &json!({ "text": keys }));
    }

    /// A command of Chrome's own protocol.
    pub(crate) fn chrome(&self, command: &str, params: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    /// The messages of a log since it was last asked for: `browser` or `performance`.
    pub(crate) fn log(&self, of: &str) -> Vec<String> {
        let entries = self.post("/se/log", &json!({ "type": of }));
        entries.as_array().unwrap().iter().map(|one| one["message"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium goes with its session, not with the driver; nothing may panic here.
        drop(self.send("DELETE", &self.session, &Value::Null));
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
