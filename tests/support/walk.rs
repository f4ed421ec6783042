//! A browser before a console, over a real collector with hosts that tell of Kaspersky; what a person does there.
//!
//! Beside `collector.rs`, `fleet_host.rs` and `webdriver.rs`, for the tests of the console.
#![expect(unreachable_pub, reason = "shared by test files that each use a part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::panic,
    dead_code,
    reason = "each test file uses its part"
)]

use std::fs;
use std::time::{Duration, Instant};

use interdict::model::Report;
use serde_json::{Value, json};

use super::collector::Collector;
use super::fleet_host::FleetHost;
use super::support::{Root, Run, has, interdict, skip};
use super::webdriver::Browser;

const SOUND: &str = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n\
                     Package: openssl\nStatus: install ok installed\nMaintainer: Debian OpenSSL Team\nArchitecture: amd64\n\
                     Version: 3.0.15-1\n\n";
const KESL: &str = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\n\
                    Architecture: amd64\nVersion: 12.1.0-1543\n\n";
/// What would act if it were taken for markup.
pub const MARKUP: &str = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>";
pub const PASSWORD: &str = "correct horse battery";

fn scanned(packages: &str) -> Report {
    let root = Root::debian();
    root.file("var/lib/dpkg/status", packages);
    let run = Run::of(
        interdict().args(["scan", "--format", "json", "--with-inventory", "--root"]).arg(root.path()),
    );
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

/// A browser before a console; the folder lasts as long.
pub struct Walk {
    /// The browser.
    pub browser: Browser,
    /// The collector.
    pub collector: Collector,
    /// Lasts as long.
    pub _folder: tempfile::TempDir,
}

impl Walk {
    /// None, with the reason said, where there is no browser.
    pub fn begin(args: &[&str]) -> Option<Self> {
        if !has("chromedriver") || !(has("chromium") || has("google-chrome")) {
            skip("chromium and chromedriver are not here");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let collector = Collector::start_with(&folder.path().join("fleet"), args);
        Some(Self { browser: Browser::start(), collector, _folder: folder })
    }

    pub fn go(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.collector.url));
    }

    pub fn shown(&self) -> String {
        self.browser.text("document.querySelector('main').innerText")
    }

    /// Whether the page says so.
    pub fn says(&self, text: &str) -> bool {
        self.shown().contains(text)
    }

    /// The verdict of the host whose page it is.
    pub fn verdict(&self) -> String {
        self.browser.text("document.querySelector('.hero .badge').textContent")
    }

    /// Fills the fields of the form whose button says so, and sends it.
    pub fn send(&self, button: &str, fields: &[(&str, &str)]) {
        let pairs: Vec<Value> = fields.iter().map(|(name, value)| json!([name, value])).collect();
        let sent = self.browser.run(
            "const button = [...document.querySelectorAll('main button')].find(one => one.textContent.startsWith(arguments[0])); \
             if (!button) return 'no button'; const form = button.form; \
             for (const details of document.querySelectorAll('details')) if (details.contains(button)) details.open = true; \
             for (const [name, value] of arguments[1]) { const field = form.elements[name]; if (!field) return 'no ' + name; \
             field.value = value; } window.confirm = () => true; window.left = false; button.click(); return 'sent';",
            &[json!(button), json!(pairs)],
        );
        assert_eq!(sent, "sent", "{button} on {}", self.shown());
        self.browser.wait("window.left === undefined && document.readyState === 'complete' && document.querySelector('main')");
    }

    /// The first admin signs in for the first time.
    pub fn set_up(&self) {
        let token = fs::read_to_string(self.collector.data.join("console-set-up-token")).unwrap();
        self.go("/");
        assert_eq!(self.browser.text("location.pathname"), "/set-up");
        self.send("Let me in", &[("token", token.trim()), ("name", "ann"), ("password", PASSWORD)]);
        assert_eq!(self.browser.text("location.pathname"), "/");
    }

    pub fn sign_in(&self, name: &str, password: &str) {
        self.go("/sign-in");
        self.send("Sign in", &[("name", name), ("password", password)]);
    }

    /// Hosts: two with Kaspersky, one of which is called by markup, and one without.
    pub fn fleet(&self) -> [FleetHost; 3] {
        let sound = scanned(SOUND);
        let dirty = scanned(&format!(
            "{SOUND}{KESL}Package: odd\nStatus: install ok installed\nMaintainer: {MARKUP}\nArchitecture: amd64\nVersion: 1\n\n"
        ));
        let hosts = [("ws-1", &sound), ("ws-2", &dirty), (MARKUP, &dirty)];
        hosts.map(|(name, report)| {
            let mut host = FleetHost::enrol(&self.collector, name, report);
            host.check_in(&self.collector).unwrap();
            host
        })
    }

    /// Waits until every host is judged by the law as it is.
    pub fn judged(&self) {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let jobs = self.collector.ask("/api/v1/jobs");
            let last = &jobs[0];
            if last.is_null() || last["ended_at"].is_string() {
                return;
            }
            assert!(Instant::now() < end, "{jobs}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Nothing complained since the last time.
    pub fn quiet(&self) {
        let said = self.browser.log("browser");
        // A page that is refused is told as such, and hints for who writes pages are no complaints.
        let complains = |line: &&String| {
            !line.contains("the server responded with a status of 4") && !line.contains(" [DOM] ")
        };
        let said: Vec<_> = said.iter().filter(complains).collect();
        assert!(said.is_empty(), "{said:?}");
    }
}
