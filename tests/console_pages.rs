//! Every page of the console in a real Chromium: no serious fault of accessibility (axe-core, where npm has brought it) in either
//! colour and width, no complaint, nothing from elsewhere; and people who sign in by a real provider of identities.
//! `INTERDICT_SHOTS=DIR` writes pictures of every page.
#![cfg(feature = "collector")]
#![allow(
    clippy::unwrap_used,
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
#[path = "support/walk.rs"]
mod walk;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use collector::Collector;
use ct_codecs::{Base64, Decoder as _};
use serde_json::{Value, json};
use support::{has, skip};
use walk::Walk;
use webdriver::Browser;

/// A provider of identities that runs, and where.
struct Provider(Child, String);

impl Provider {
    /// None, with the reason said, where there is none.
    fn start(back: &str) -> Option<Self> {
        let place = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tools = place.join("target/console");
        if !tools.join("node_modules/oidc-provider").exists() || !has("node") {
            skip("oidc-provider is not here; tests/console/tools.sh brings it");
            return None;
        }
        // Node.js looks for what a program imports beside the program.
        let program = tools.join(format!("provider-{}.mjs", std::process::id()));
        fs::copy(place.join("tests/console/provider.mjs"), &program).unwrap();
        let mut child = Command::new("node")
            .arg(&program)
            .arg(back)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let issuer = lines.find(|line| line.starts_with("http://")).unwrap();
        // It writes on, and ends where nobody reads.
        std::thread::spawn(move || lines.for_each(drop));
        fs::remove_file(program).unwrap();
        Some(Self(child, issuer))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_provider_vouches_for_people() {
    if !has("chromedriver") || !(has("chromium") || has("google-chrome")) {
        skip("chromium and chromedriver are not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(provider) = Provider::start(&format!("http://127.0.0.1:{port}/oidc/back")) else { return };
    let (config, secret) = (folder.path().join("config.toml"), folder.path().join("secret"));
    fs::write(&secret, "a secret of the client\n").unwrap();
    let issuer = &provider.1;
    fs::write(
        &config,
        format!(
            "[oidc]\nname = \"Example SSO\"\nissuer = \"{issuer}\"\nclient_id = \"interdict\"\nclient_secret_file = {secret:?}\n\
             url = \"http://127.0.0.1:{port}\"\n"
        ),
    )
    .unwrap();
    let collector =
        Collector::start_on(&folder.path().join("fleet"), port, &["--config", config.to_str().unwrap()]);
    let walk = Walk { browser: Browser::start(), collector, _folder: folder };
    walk.set_up();
    walk.go("/settings");
    walk.send("Let in", &[("name", "vic"), ("role", "operator"), ("subject", "Vic@example.org")]);
    walk.send("Let in", &[("name", "una"), ("role", "viewer"), ("subject", "una@example.org")]);
    let out = || {
        walk.browser.run("document.querySelector('.who button').click();", &[]);
        walk.browser.wait("location.pathname == '/sign-in'");
    };
    out();
    let by_provider = |name: &str| {
        walk.go("/sign-in?to=/hosts");
        walk.browser.run("document.querySelector('a[href^=\"/oidc\"]').click();", &[]);
        // Signs in there, and agrees.
        walk.browser.wait("document.querySelector('input[name=login]')");
        walk.browser.run(
            "document.querySelector('input[name=login]').value = arguments[0]; \
             document.querySelector('input[name=password]').value = 'any'; document.querySelector('form').submit();",
            &[json!(name)],
        );
        walk.browser.wait("location.pathname.startsWith('/interaction') && !document.querySelector('input[name=login]') || location.pathname == '/hosts'");
        walk.browser.run("document.querySelector('form').submit();", &[]);
        walk.browser.wait(&format!("location.port == {port} && document.readyState === 'complete'"));
    };
    by_provider("vic");
    assert_eq!(walk.browser.text("location.pathname"), "/hosts", "{}", walk.shown());
    assert!(walk.browser.text("document.querySelector('.who').innerText").contains("vic operator"));
    out();
    walk.browser.chrome("Network.clearBrowserCookies", &json!({}));
    by_provider("eve");
    assert!(walk.says("Nobody has let you in here") && walk.says("eve@example.org"), "{}", walk.shown());
    walk.browser.chrome("Network.clearBrowserCookies", &json!({}));
    by_provider("una");
    assert!(walk.says("Nobody has let you in here"), "an address that nobody has verified: {}", walk.shown());
    // What was not begun in this browser is not ended in it.
    walk.browser.chrome("Network.clearBrowserCookies", &json!({}));
    walk.go("/oidc/back?code=x&state=y");
    assert!(walk.says("was not begun in this browser"), "{}", walk.shown());
}

/// What `tests/console/tools.sh` has brought.
fn axe() -> Option<String> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/console/node_modules/axe-core/axe.min.js");
    let text = fs::read_to_string(place).ok();
    if text.is_none() {
        skip("axe-core is not here; tests/console/tools.sh brings it");
    }
    text
}

/// Every page, in both colours and both widths: accessible, silent, within its bounds of bytes, and nothing comes from elsewhere.
#[test]
fn every_page_can_be_used_by_everybody() {
    let Some(walk) = Walk::begin(&[]) else { return };
    let axe = axe();
    walk.go("/sign-in");
    let mut pages = vec![("set-up", "/set-up".to_owned())];
    let shots = std::env::var_os("INTERDICT_SHOTS").map(PathBuf::from);
    for (name, path) in &pages {
        look(&walk, name, path, axe.as_deref(), shots.as_deref());
    }
    walk.set_up();
    let [_, mut dirty, _] = walk.fleet();
    dirty.update("99.1");
    dirty.check_in(&walk.collector).unwrap();
    walk.go("/hosts?expected=any");
    walk.send("Import", &[("csv", "name,owner,department,tags\nws-1,Ann,IT,lab\nws-9,Eve,Sales,\n")]);
    walk.go("/software?name=kesl");
    let item = walk.browser.text("document.querySelector('main tbody a').getAttribute('href')");
    walk.go("/findings");
    walk.browser.run("document.querySelector('input[name=finding]').checked = true;", &[]);
    walk.send(
        "Waive",
        &[("reason", "analysis of samples"), ("owner", "A. Person"), ("expires", "2099-12-31")],
    );
    walk.judged();
    pages = [
        ("overview", "/"),
        ("report", "/report"),
        ("findings", "/findings"),
        ("hosts", "/hosts"),
        ("expected", "/hosts?expected=any"),
        ("host", &format!("/hosts/{}", dirty.host)),
        ("compare", &format!("/hosts/{}/compare", dirty.host)),
        ("software", "/software"),
        ("item", &item),
        ("coverage", "/coverage"),
        ("source", "/coverage?source=dpkg"),
        ("policies", "/policies"),
        ("waivers", "/waivers"),
        ("audit", "/audit"),
        ("settings", "/settings"),
        ("account", "/account"),
        ("not-found", "/hosts/00000000000000000000000000000000"),
    ]
    .map(|(name, path)| (name, path.to_owned()))
    .to_vec();
    for (name, path) in &pages {
        look(&walk, name, path, axe.as_deref(), shots.as_deref());
    }
    walk.go("/");
    walk.browser.run("document.querySelector('.who button').click();", &[]);
    walk.browser.wait("location.pathname == '/sign-in'");
    look(&walk, "sign-in", "/sign-in", axe.as_deref(), shots.as_deref());
    let asked = walk.browser.log("performance");
    let asked = asked.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let asked = asked.filter(|event| event["message"]["method"] == "Network.requestWillBeSent");
    let urls: Vec<String> = asked
        .map(|event| event["message"]["params"]["request"]["url"].as_str().unwrap().to_owned())
        .filter(|url| !url.starts_with(&walk.collector.url) && !url.starts_with("data:"))
        .collect();
    assert!(urls.is_empty(), "{urls:?}");
}

fn look(walk: &Walk, name: &str, path: &str, axe: Option<&str>, shots: Option<&Path>) {
    for (colour, width) in [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)] {
        let features = json!([{ "name": "prefers-color-scheme", "value": colour }]);
        walk.browser.chrome("Emulation.setEmulatedMedia", &json!({ "features": features }));
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        walk.browser.chrome("Emulation.setDeviceMetricsOverride", &size);
        walk.go(path);
        let wide = walk.browser.text("document.documentElement.scrollWidth");
        assert!(wide.parse::<u32>().unwrap() <= width, "{name} is {wide} wide on {width}");
        if let Some(axe) = axe {
            walk.browser.run(axe, &[]);
            let faults = walk.browser.run(
                "return axe.run().then(told => told.violations.filter(one => one.impact == 'serious' || one.impact == 'critical')\
                 .map(one => one.id + ': ' + one.nodes.map(node => node.html).slice(0, 3).join(' | ')));",
                &[],
            );
            assert_eq!(faults, json!([]), "{name} {colour} {width}");
        }
        if let Some(shots) = shots {
            let png = Base64::decode_to_vec(walk.browser.picture(), None).unwrap();
            fs::write(shots.join(format!("{name}-{colour}-{width}.png")), png).unwrap();
        }
    }
    let bytes = walk.browser.text("new TextEncoder().encode(document.documentElement.outerHTML).length");
    assert!(bytes.parse::<u32>().unwrap() < 300_000, "{name}: {bytes}");
    walk.quiet();
}
