//! The page of a report in a real Chromium: search, filters, keyboard, dark mode, narrow screens, names for screen
//! readers, no script; nothing of a host acts and nothing leaves. `INTERDICT_SHOTS=DIR` writes pictures to look at.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "reads golden files and starts a browser; a test fails by panicking"
)]

mod support;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::fs;
use std::path::Path;

use ct_codecs::{Base64, Decoder as _};
use interdict::emit::saved::read;
use interdict::emit::{Look, format};
use interdict::model::{GapReason, HostPath, InventoryItem, Report};
use serde_json::{Value, json};
use support::{has, skip};
use tempfile::TempDir;
use webdriver::Browser;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

fn golden(host: &str) -> Report {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/formats/{host}.json"));
    read(&fs::read(place).unwrap()).unwrap().reports.remove(0)
}

/// The golden host with this many items more: every tenth another kind, every third of a user.
fn large(count: usize) -> Report {
    let mut report = golden("non-compliant");
    let pattern: Vec<InventoryItem> = report.inventory.clone().unwrap();
    let items = report.inventory.as_mut().unwrap();
    for n in 0..count {
        let mut one = pattern[n % pattern.len()].clone();
        one.item.name = format!("library-{n}");
        one.item.display_name = None;
        items.push(one);
    }
    report
}

/// A browser with a page, and the folder that holds it; none, with the reason said, where there is no browser.
fn browse(reports: &[Report]) -> Option<(Browser, TempDir)> {
    if !has("chromedriver") || !(has("chromium") || has("google-chrome")) {
        skip("chromium and chromedriver are not here");
        return None;
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("report.html");
    let look = Look { width: 80, colour: false, terminal: false, bom: false };
    let mut out = Vec::new();
    format("html").unwrap().reports(reports, &look, &mut out).unwrap();
    fs::write(&file, out).unwrap();
    let browser = Browser::start();
    browser.open(&format!("file://{}", file.display()));
    Some((browser, folder))
}

/// Nothing complains, and nothing was asked for but the page itself.
fn assert_quiet(browser: &Browser) {
    assert_eq!(browser.log("browser"), Vec::<String>::new(), "the console is silent");
    let asked: Vec<String> = browser
        .log("performance")
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["message"]["method"] == "Network.requestWillBeSent")
        .map(|event| event["message"]["params"]["request"]["url"].to_string())
        .collect();
    assert!(!asked.is_empty(), "the log tells of requests");
    assert!(
        asked.iter().all(|url| url.starts_with("\"file:///") && url.contains("/report.html")),
        "{asked:?}"
    );
}

fn dark(browser: &Browser, dark: bool) {
    let scheme = if dark { "dark" } else { "light" };
    let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
    browser.chrome("Emulation.setEmulatedMedia", &json!({ "features": features }));
}

fn width(browser: &Browser, width: u32) {
    let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
    browser.chrome("Emulation.setDeviceMetricsOverride", &size);
}

/// Types a search, and says how the page counts.
fn search(browser: &Browser, text: &str) -> String {
    browser.run(
        "const box = document.querySelector('input[type=search]'); box.value = arguments[0]; \
         box.dispatchEvent(new Event('input', {bubbles: true}));",
        &[json!(text)],
    );
    browser.text("document.querySelector('[role=status]').textContent")
}

fn pick(browser: &Browser, label: &str, value: &str) -> String {
    let found = browser.run(
        "const of = [...document.querySelectorAll('.tools label')].find(one => one.firstChild.textContent == arguments[0]); \
         const pick = of.querySelector('select'); pick.value = arguments[1]; \
         pick.dispatchEvent(new Event('input', {bubbles: true})); return pick.value;",
        &[json!(label), json!(value)],
    );
    assert_eq!(found, json!(value), "{label} has such a choice");
    browser.text("document.querySelector('[role=status]').textContent")
}

#[test]
fn search_and_filters_answer_at_once() {
    let Some((browser, _folder)) = browse(&[large(9995)]) else { return };
    let visible = || {
        browser.text("[...document.querySelectorAll('.items tbody tr')].filter(row => !row.hidden).length")
    };
    let told = browser.text("document.querySelector('[role=status]').textContent");
    assert_eq!((told.as_str(), visible().as_str()), ("10000 of 10000 items, the first 200 shown", "200"));
    assert_eq!(search(&browser, "LIBRARY-42"), "111 of 10000 items");
    assert_eq!(visible(), "111");
    assert_eq!(
        search(&browser, "klnagent64 library-7"),
        search(&browser, "library-7 klnagent64"),
        "in any order"
    );
    assert_eq!(search(&browser, "nothing has this"), "0 of 10000 items");
    search(&browser, "");
    let services = pick(&browser, "Kind", "package");
    assert!(services.starts_with("6000 of 10000 items"), "{services}");
    assert!(pick(&browser, "State", "remnant").starts_with("2000 of 10000 items"));
    browser.run("document.querySelector('.tools button').click();", &[]);
    browser.run("document.querySelector('button.more').click();", &[]);
    assert_eq!(visible(), "1200");
    // The answer to a letter, until it is laid out.
    let slow = browser.run(
        "const box = document.querySelector('input[type=search]'); let worst = 0; \
         for (const text of ['l', 'li', 'library-1', 'kesl', '']) { const at = performance.now(); box.value = text; \
         box.dispatchEvent(new Event('input', {bubbles: true})); document.body.offsetHeight; \
         worst = Math.max(worst, performance.now() - at); } return worst;",
        &[],
    );
    let slow = slow.as_f64().unwrap();
    support::note(&format!("slowest answer of a filter over 10,000 rows: {slow:.0} ms"));
    // 200 ms on a quiet machine; a busy one is given five times that.
    assert!(slow < 1000.0, "{slow} ms");
    assert_quiet(&browser);
}

#[test]
fn the_keyboard_reaches_everything() {
    let Some((browser, _folder)) = browse(&[golden("non-compliant")]) else { return };
    let focus = |of: &str| browser.text(&format!("document.activeElement.{of}"));
    browser.press(TAB);
    assert_eq!(focus("className"), "skip");
    assert!(
        browser.text("document.activeElement.getBoundingClientRect().left").parse::<f64>().unwrap() >= 0.0
    );
    assert_ne!(
        browser.text("getComputedStyle(document.activeElement).outlineStyle"),
        "none",
        "the focus is seen"
    );
    browser.press(ENTER);
    assert!(browser.text("location.hash") == "#main");
    let mut reached = Vec::new();
    for _ in 0..60 {
        browser.press(TAB);
        reached.push(focus("tagName"));
        if focus("tagName") == "SUMMARY" && focus("parentNode.open") == "false" {
            browser.press(ENTER);
            assert_eq!(focus("parentNode.open"), "true", "Enter unfolds");
        }
        if focus("tagName") == "BODY" {
            break;
        }
    }
    for tag in ["A", "SUMMARY", "INPUT", "SELECT", "BUTTON", "DIV"] {
        assert!(reached.iter().any(|one| one == tag), "{tag} is not reached: {reached:?}");
    }
    browser.run("document.querySelector('input[type=search]').focus();", &[]);
    browser.press("kesl");
    assert!(browser.text("document.querySelector('[role=status]').textContent").starts_with("3 of 5"));
    browser.press(ENTER);
    assert_quiet(&browser);
}

/// The lowest contrast of a text with what is behind it (WCAG 2.2, 1.4.3), and which text has it.
const CONTRAST: &str = "
    const parts = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, n) => sum + c * [.2126, .7152, .0722][n], 0);
    let worst = [99, ''];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const of = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || of.closest('script, svg, .sr, option') || !of.checkVisibility()) continue;
        let behind = of;
        while (behind && (parts(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
        const [a, b] = [getComputedStyle(of).color, getComputedStyle(behind).backgroundColor].map((c) => light(parts(c)));
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < worst[0]) worst = [ratio, of.outerHTML.slice(0, 200)];
    }
    return worst;";

#[test]
fn dark_and_light_can_be_read() {
    let Some((browser, _folder)) = browse(&[golden("non-compliant")]) else { return };
    let mut grounds = Vec::new();
    for scheme in [false, true] {
        dark(&browser, scheme);
        grounds.push(browser.text("getComputedStyle(document.body).backgroundColor"));
        let worst = browser.run(CONTRAST, &[]);
        assert!(worst[0].as_f64().unwrap() >= 4.5, "dark {scheme}: {worst}");
    }
    assert_ne!(grounds[0], grounds[1]);
    assert_quiet(&browser);
}

/// Markup, marks of direction, escape codes, and texts without end, wherever a host can write.
fn hostile() -> Report {
    let mut report = golden("non-compliant");
    let pattern = report.inventory.as_ref().unwrap()[0].clone();
    let texts = [
        "<script>alert(1)</script>".to_owned(),
        "\"><img src=x onerror=alert(1)>".to_owned(),
        "</title></style></textarea><svg onload=alert(1)>".to_owned(),
        "' onfocus=alert(1) autofocus x='".to_owned(),
        "safe\u{202e}exe.txt\u{2066}".to_owned(),
        "\u{1b}[31mred\u{1b}]0;title\u{7}".to_owned(),
        "<base href=https://example.invalid/><meta http-equiv=refresh content=0>".to_owned(),
        "A".repeat(1 << 20),
        "W".repeat(280),
    ];
    for text in &texts {
        let mut seen = pattern.clone();
        seen.item.name.clone_from(text);
        seen.item.publisher = Some(text.clone());
        seen.item.version.as_mut().unwrap().raw.clone_from(text);
        seen.sightings[0].source = text.clone().into();
        seen.sightings[0].place.path = HostPath::from(text.as_str());
        report.inventory.as_mut().unwrap().push(seen);
        let mut finding = report.findings[0].clone();
        for field in [
            &mut finding.product_name,
            &mut finding.vendor_name,
            &mut finding.advice,
            &mut finding.prohibition,
        ] {
            field.clone_from(text);
        }
        finding.evidence[0].name.clone_from(text);
        finding.evidence[0].place.path = HostPath::from(text.as_str());
        finding.versions = vec![text.clone()];
        finding.bases[0].title.clone_from(text);
        finding.bases[0].url = Some(format!("javascript:{text}"));
        finding.bases[1].url = Some(format!("https://example.invalid/{text}"));
        report.findings.push(finding);
        report.coverage.sources[0].source = text.clone().into();
        report.coverage.sources[0].gap(
            GapReason::Malformed,
            &HostPath::from(text.as_str()),
            Some(text.clone()),
            true,
        );
    }
    report.host.name = Some(texts[2].clone());
    report.claim.text.clone_from(&texts[1]);
    report
}

#[test]
fn nothing_of_a_host_acts() {
    let Some((browser, _folder)) = browse(&[hostile()]) else { return };
    // An alert would make this fail.
    assert_eq!(
        browser.text("document.title"),
        "</title></style></textarea><svg onload=alert(1)>: non-compliant"
    );
    for foreign in
        ["img", "base", "svg[onload]", "[onfocus]", "[onerror]", "textarea", "iframe", "meta[content='0']"]
    {
        assert_eq!(
            browser.text(&format!("document.querySelectorAll(\"{foreign}\").length")),
            "0",
            "{foreign}"
        );
    }
    assert_eq!(browser.text("document.scripts.length"), "1");
    let text = browser.text("document.body.innerText");
    for told in
        ["<script>alert(1)</script>", "safe\\u{202e}exe.txt\\u{2066}", "\\u{1b}[31mred", "(1048576 letters)"]
    {
        assert!(text.contains(told), "{told}");
    }
    let links =
        browser.text("[...document.links].every(link => ['file:', 'https:'].includes(link.protocol))");
    assert_eq!(links, "true");
    assert_eq!(search(&browser, "<SCRIPT>"), "1 of 14 items");
    width(&browser, 360);
    assert_eq!(browser.text("document.documentElement.scrollWidth"), "360");
    assert_quiet(&browser);
}

#[test]
fn every_width_and_paper() {
    let Some((browser, _folder)) = browse(&[golden("non-compliant"), golden("inconclusive")]) else { return };
    for size in [320, 360, 768, 1280] {
        width(&browser, size);
        assert_eq!(browser.text("document.documentElement.scrollWidth"), size.to_string());
    }
    let dark = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
    browser.chrome("Emulation.setEmulatedMedia", &json!({ "media": "print", "features": dark }));
    let ink = browser
        .text("getComputedStyle(document.body).color + getComputedStyle(document.body).backgroundColor");
    assert_eq!(ink, "rgb(23, 32, 43)rgb(255, 255, 255)", "dark ink on white paper, whatever the screen is");
    assert_eq!(browser.text("getComputedStyle(document.querySelector('.tools')).display"), "none");
    browser.chrome("Emulation.setEmulatedMedia", &json!({ "media": "", "features": [] }));
    let paper = browser.chrome("Page.printToPDF", &json!({}));
    assert!(paper["data"].as_str().unwrap().len() > 10_000);
    assert_quiet(&browser);
}

#[test]
fn without_script_everything_stands_there() {
    let Some((browser, folder)) = browse(&[large(500)]) else { return };
    browser.chrome("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    browser.open(&format!("file://{}?", folder.path().join("report.html").display()));
    let counts =
        "[...document.querySelectorAll('.items tbody tr')].filter(row => row.checkVisibility()).length";
    let seen = browser.chrome("Runtime.evaluate", &json!({ "expression": counts }));
    assert_eq!(seen["result"]["value"], 505, "{seen}");
    let tools = json!({ "expression": "document.querySelectorAll('form, button').length" });
    assert_eq!(
        browser.chrome("Runtime.evaluate", &tools)["result"]["value"],
        0,
        "nothing that would not work"
    );
}

#[test]
fn a_screen_reader_has_names_for_everything() {
    let Some((browser, _folder)) = browse(&[golden("non-compliant")]) else { return };
    let tree = browser.chrome("Accessibility.getFullAXTree", &json!({}));
    let mut counts = std::collections::BTreeMap::new();
    for node in tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] != true) {
        let role = node["role"]["value"].as_str().unwrap_or_default().to_owned();
        let must = [
            "link",
            "button",
            "searchbox",
            "combobox",
            "heading",
            "table",
            "region",
            "image",
            "navigation",
            "search",
        ];
        let name = node["name"]["value"].as_str().unwrap_or_default();
        assert!(!must.contains(&role.as_str()) || !name.trim().is_empty(), "{role} without a name: {node}");
        *counts.entry(role).or_insert(0) += 1;
    }
    for role in
        ["main", "banner", "navigation", "contentinfo", "searchbox", "combobox", "status", "table", "image"]
    {
        assert!(counts.contains_key(role), "no {role}: {counts:?}");
    }
    let levels = browser
        .run("return [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1]);", &[]);
    let levels: Vec<i64> = levels.as_array().unwrap().iter().map(|one| one.as_i64().unwrap()).collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert!(levels.windows(2).all(|two| two[1] <= two[0] + 1), "a level is left out: {levels:?}");
    let twice = browser.text("[...document.querySelectorAll('[id]')].length - new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size");
    assert_eq!(twice, "0", "an id twice");
    let open = browser.text("[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.getElementById(a.hash.slice(1))).length");
    assert_eq!(open, "0", "a link that leads nowhere");
}

/// Not a test of anything: pictures for a person.
#[test]
fn pictures_for_a_person() {
    let Some(place) = std::env::var_os("INTERDICT_SHOTS") else { return };
    let many = [golden("non-compliant"), golden("inconclusive"), golden("compliant")];
    for (name, reports) in
        [("bad", &many[..1]), ("open", &many[1..2]), ("good", &many[2..]), ("many", &many[..])]
    {
        let Some((browser, _folder)) = browse(reports) else { return };
        for (scheme, size) in [(false, 1280), (true, 1280), (false, 360), (true, 360)] {
            dark(&browser, scheme);
            width(&browser, size);
            let shot = browser.chrome(
                "Page.captureScreenshot",
                &json!({ "format": "png", "captureBeyondViewport": true, "clip": { "x": 0, "y": 0, "width": size, "scale": 1,
                    "height": browser.run("return document.documentElement.scrollHeight;", &[]) } }),
            );
            let png = Base64::decode_to_vec(shot["data"].as_str().unwrap(), None).unwrap();
            let tone = if scheme { "dark" } else { "light" };
            fs::write(Path::new(&place).join(format!("{name}-{tone}-{size}.png")), png).unwrap();
        }
    }
}
