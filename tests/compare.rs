//! `interdict compare` as a person and a script meet it: two scans of a host that changed, exit codes, refusals, forms.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "builds hosts and reads what was written; a test fails by panicking"
)]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use interdict::emit::Look;
use interdict::emit::compared::{COMPARISON_FORMATS, ComparisonFormat};
use interdict::emit::schema::schemas;
use interdict::model::{Comparison, HostPath};
use serde_json::Value;
use support::{Root, Run, interdict};

#[path = "support/schema.rs"]
mod schema;

const LOOK: Look = Look { width: 100, colour: false, terminal: false, bom: false };

fn stanza(name: &str, version: &str, maintainer: &str) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: {maintainer}\nVersion: \
         {version}\n\n"
    )
}

/// A host, and the folder in which its reports are kept.
struct Host {
    root: Root,
    kept: Root,
}

impl Host {
    /// With a prohibited package, its programs, and a package of no interest.
    fn bad() -> Self {
        let host = Self { root: Root::debian(), kept: Root::empty() };
        host.root.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        host.root.file("etc/hostname", "desk\n");
        host.packages(&[
            ("kesl", "12.1", "AO Kaspersky Lab <support@kaspersky.com>"),
            ("vim", "9.0", "Somebody"),
        ]);
        host.root.program("opt/kaspersky/kesl/bin/kesl");
        host
    }

    fn packages(&self, packages: &[(&str, &str, &str)]) {
        let mut status = stanza("base-files", "12", "Somebody");
        status.extend(packages.iter().map(|(name, version, maintainer)| stanza(name, version, maintainer)));
        self.root.file("var/lib/dpkg/status", status);
        self.root.file("var/lib/dpkg/info/base-files.list", "/.\n");
    }

    /// The prohibited thing is taken away.
    fn cure(&self) {
        self.packages(&[("vim", "9.1", "Somebody")]);
        fs::remove_dir_all(self.root.at("opt/kaspersky")).unwrap();
    }

    /// Scans it, and keeps the report.
    fn scan(&self, name: &str, args: &[&str]) -> String {
        let path = self.kept.at(name).to_str().unwrap().to_owned();
        let mut run = interdict();
        run.args(["scan", "--format", "json", "-o", &path, "--root"]).arg(self.root.path()).args(args);
        let run = Run::of(&mut run);
        assert!([0, 1, 3].contains(&run.code), "{run:?}");
        path
    }

    fn full(&self, name: &str) -> String {
        self.scan(name, &["--with-inventory"])
    }
}

fn compare(args: &[&str]) -> Run {
    Run::of(interdict().arg("compare").args(args))
}

/// The comparison as JSON, which fits its schema.
fn json(before: &str, after: &str) -> (Run, Value) {
    let run = compare(&[before, after, "--format", "json"]);
    let document = run.json();
    let text = schemas().into_iter().find(|(name, _)| *name == "comparison.schema.json").unwrap().1;
    let faults = schema::faults(&serde_json::from_str(&text).unwrap(), &document);
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(document["exit_code"], run.code);
    (run, document)
}

fn fate(comparison: &Value, product: &str) -> String {
    let findings = comparison["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["product"] == product);
    found.unwrap_or_else(|| panic!("{comparison:#}"))["fate"].as_str().unwrap().to_owned()
}

const KESL: &str = "kaspersky.endpoint-security";

#[test]
fn what_was_removed_is_proven_to_be_gone() {
    let host = Host::bad();
    let before = host.full("before.json");
    host.cure();
    let after = host.full("after.json");
    let (run, comparison) = json(&before, &after);
    assert_eq!((run.code, fate(&comparison, KESL).as_str()), (0, "removed"), "{comparison:#}");
    assert_eq!(comparison["clean"]["shown"], "proven", "{comparison:#}");
    let items: Vec<String> = comparison["items"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("{} {} {}", item["fate"], item["kind"], item["name"]).replace('"', ""))
        .collect();
    assert_eq!(
        items,
        [
            "changed package vim",
            "removed package kesl",
            "removed application kesl",
            "removed executable kesl"
        ]
    );
    let text = compare(&[&before, &after]);
    assert_eq!(text.code, 0);
    assert!(
        text.stdout.starts_with("NOTHING WORSE  desk") && text.stdout.contains("proven clean"),
        "{text:?}"
    );
    assert!(text.stdout.contains("vim 9.0 -> 9.1 (version)") && text.stderr.is_empty(), "{text:?}");
    // The other way round in time: it came.
    let back = compare(&[&after, &before, "--any-order"]);
    assert!(back.code == 1 && back.stdout.starts_with("WORSE"), "{back:?}");
}

#[test]
fn what_could_not_be_seen_is_not_removed() {
    type Change = (&'static str, fn(&Host), &'static [&'static str], &'static str);
    let changes: &[Change] = &[
        (
            "a lost database",
            |host| fs::remove_file(host.root.at("var/lib/dpkg/status")).unwrap(),
            &[],
            "dpkg failed",
        ),
        ("a cut database", |host| _ = host.root.file("var/lib/dpkg/status", "Package: base-f"), &[], "dpkg"),
        ("a loop", |host| host.root.link("opt/loop", "loop"), &[], "opt did not see everything"),
        ("no machine", |_| (), &["--scope", "user"], "what belongs to the machine"),
        ("less deep", |_| (), &["--depth", "quick"], "less deep (quick instead of standard)"),
    ];
    for (name, change, args, reason) in changes {
        let host = Host::bad();
        let before = host.full("before.json");
        host.cure();
        change(&host);
        let after = host.scan("after.json", &[&["--with-inventory"], *args].concat());
        let (run, comparison) = json(&before, &after);
        assert_eq!(
            (run.code, fate(&comparison, KESL).as_str()),
            (3, "not-re-verified"),
            "{name}: {comparison:#}"
        );
        assert_eq!(comparison["clean"]["shown"], "not-shown");
        let text = compare(&[&before, &after]).stdout;
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.starts_with("LESS SEEN") && flat.contains(reason), "{name}: {text}");
        assert!(flat.contains("not shown to be clean, because"), "{text}");
    }
}

#[test]
fn a_user_is_looked_at_or_not() {
    let host = Host::bad();
    host.cure();
    let entry = "[Desktop Entry]\nType=Application\nName=x\nExec=/opt/kaspersky/kesl/bin/kesl-gui\n";
    host.root.program("opt/kaspersky/kesl/bin/kesl-gui");
    host.root.file("home/alice/.config/autostart/kesl.desktop", entry);
    let before = host.full("before.json");
    host.cure();
    fs::remove_file(host.root.at("home/alice/.config/autostart/kesl.desktop")).unwrap();
    let (run, comparison) = json(&before, &host.full("all.json"));
    assert_eq!((run.code, fate(&comparison, KESL).as_str()), (0, "removed"));
    let (run, comparison) =
        json(&before, &host.scan("system.json", &["--with-inventory", "--scope", "system"]));
    assert_eq!((run.code, fate(&comparison, KESL).as_str()), (3, "not-re-verified"), "{comparison:#}");
    let (run, comparison) =
        json(&host.scan("quick.json", &["--depth", "quick"]), &host.scan("std.json", &[]));
    assert_eq!((run.code, &comparison["coverage"]["trend"]), (0, &Value::from("better")), "{comparison:#}");
}

#[test]
fn other_policies_and_rules_remove_nothing() {
    let host = Host::bad();
    let before = host.full("before.json");
    let other = host.scan("other.json", &["--with-inventory", "--policy", "us-texas"]);
    let (run, comparison) = json(&before, &other);
    let findings = comparison["findings"].as_array().unwrap();
    let fates: Vec<String> =
        findings.iter().map(|one| format!("{} {}", one["policy"], one["fate"])).collect();
    assert_eq!(fates, ["\"us-texas\" \"new\"", "\"us-commerce\" \"no-longer-asked\""], "{comparison:#}");
    assert!(findings[0]["reasons"][0].as_str().unwrap().contains("BEFORE was not judged by us-texas"));
    assert_eq!(run.code, 1);
    let what: Vec<&str> =
        comparison["asked"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["policies"], "{comparison:#}");
    let rules = Root::empty();
    rules.file(
        "x.toml",
        "schema = 1\n[vendor]\nid = \"x\"\nname = \"X\"\n[[product]]\nid = \"x.y\"\nname = \"Y\"\ncategory = \"z\"\n\
         [[product.indicator]]\nkind = \"package\"\nname = { exact = [\"yy\"] }\nstrength = \"strong\"\nsource = \"test\"\n\
         [[example]]\nitems = [{ kind = \"package\", source = \"dpkg\", name = \"yy\" }]\nexpect = { product = \"x.y\" }\n\
         [[example]]\nitems = [{ kind = \"package\", source = \"dpkg\", name = \"no\" }]\nexpect = \"none\"\n",
    );
    host.cure();
    let rules = rules.path().to_str().unwrap();
    let after = host.scan("rules.json", &["--with-inventory", "--rules", rules]);
    let (run, comparison) = json(&before, &after);
    assert_eq!((run.code, fate(&comparison, KESL).as_str()), (3, "not-re-verified"), "{comparison:#}");
    let text = compare(&[&before, &after]).stdout;
    assert!(text.contains("the rules changed"), "{text}");
}

#[test]
fn what_is_new_ends_with_1() {
    let host = Host::bad();
    let bad = host.full("bad.json");
    host.cure();
    let good = host.scan("good.json", &[]);
    let run = compare(&[&good, &bad, "--any-order"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(
        run.stdout.contains("Items were not compared") && run.stdout.contains("--with-inventory"),
        "{run:?}"
    );
}

#[test]
fn inventories_are_compared_too() {
    let host = Host::bad();
    let list = |name: &str| {
        let path = host.kept.at(name).to_str().unwrap().to_owned();
        let mut run = interdict();
        run.args(["inventory", "--format", "json", "-o", &path, "--root"]).arg(host.root.path());
        assert_eq!(Run::of(&mut run).code, 0);
        path
    };
    let before = list("before.json");
    host.cure();
    let after = list("after.json");
    let (run, comparison) = json(&before, &after);
    assert_eq!(
        (run.code, comparison["items"]["changes"].as_array().unwrap().len()),
        (0, 4),
        "{comparison:#}"
    );
    let bare = compare(&[&before, &host.scan("report.json", &[])]);
    assert_eq!(bare.code, 2);
    assert!(bare.stderr.contains("--with-inventory"), "{bare:?}");
    assert_eq!(compare(&[&before, &host.full("full.json")]).code, 0);
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_next_step() {
    let (one, two) = (Host::bad(), Host::bad());
    two.root.file("etc/machine-id", "f".repeat(32));
    let (a, b) = (one.full("a.json"), two.full("b.json"));
    let refused = |args: &[&str], words: &str| {
        let run = compare(args);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stdout.is_empty() && run.stderr.contains(words), "{run:?}");
    };
    refused(&[&a, &b], "--different-hosts");
    let run = compare(&[&a, &b, "--different-hosts"]);
    assert_eq!(run.code, 0, "{run:?}");
    let mut later: Value = serde_json::from_str(&fs::read_to_string(&a).unwrap()).unwrap();
    later["scanned_at"] = "2099-01-01T00:00:00Z".into();
    let later = one.kept.file("later.json", later.to_string());
    refused(&[later.to_str().unwrap(), &a], "put the older one first");
    refused(&["-", "-"], "standard input is one of the two");
    refused(&["none.json", &a], "cannot read none.json");
    let cut = one.kept.file("cut.json", &fs::read(&a).unwrap()[..500]);
    refused(&[cut.to_str().unwrap(), &a], "not whole JSON");
    let both = format!("[{0},{0}]", fs::read_to_string(&a).unwrap());
    let both = one.kept.file("both.json", both);
    refused(&[both.to_str().unwrap(), &a], "one is compared with one");
    refused(&[&a, &a, "-o", "csv=x"], "there is no format 'csv'");
    refused(&[&a], "AFTER");
    let help = compare(&["--help"]);
    assert!(help.stdout.contains("Examples:") && help.stdout.contains("Exit codes:"), "{help:?}");
}

#[test]
fn several_forms_and_a_pipe() {
    let host = Host::bad();
    let before = host.full("before.json");
    host.cure();
    let after = host.full("after.json");
    let place = |name: &str| host.kept.at(name).to_str().unwrap().to_owned();
    let (html, markdown, data) = (place("c.html"), place("c.md"), place("c.data"));
    let run = compare(&[&before, &after, "-o", &html, "-o", &markdown, "-o", &format!("json={data}")]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(fs::read_to_string(html).unwrap().starts_with("<!doctype html>"));
    assert!(fs::read_to_string(markdown).unwrap().starts_with("# `desk`: nothing worse"));
    assert!(serde_json::from_str::<Value>(&fs::read_to_string(data).unwrap()).is_ok());
    let mut child = interdict()
        .args(["compare", &before, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(&after).unwrap()).unwrap();
    let piped = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), compare(&[&before, &after]).stdout);
}

fn write(format: &dyn ComparisonFormat, comparison: &Comparison) -> String {
    let mut out = Vec::new();
    format.comparison(comparison, &LOOK, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Two golden reports, of which the newer sees less.
fn golden() -> Comparison {
    let host = Host::bad();
    let before = host.scan("before.json", &["--with-inventory", "--depth", "deep"]);
    host.cure();
    host.root.link("opt/loop", "loop");
    let (_, comparison) = json(&before, &host.full("after.json"));
    serde_json::from_value(comparison).unwrap()
}

/// Text as it reads, whatever the format wraps or escapes.
fn flat(text: &str) -> String {
    let text = text.replace("&gt;", ">").replace("&#39;", "'").replace(['\\', '`'], "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn no_form_loses_what_was_not_seen() {
    let comparison = golden();
    for format in COMPARISON_FORMATS {
        let name = format.form().name;
        let text = flat(&write(*format, &comparison));
        let lower = text.to_lowercase();
        assert!(lower.contains("less seen") || lower.contains("less-seen"), "{name}");
        assert!(text.contains(&flat(&comparison.text)), "{name}: {text}");
        let reasons = comparison.findings.iter().flat_map(|finding| &finding.reasons);
        for why in reasons.chain(&comparison.clean.because) {
            assert!(text.contains(&flat(why)), "{name} loses '{why}': {text}");
        }
        for finding in &comparison.findings {
            assert!(text.contains(&finding.product), "{name} loses {}", finding.product);
            let (words, word) = (finding.fate.words(), serde_json::to_string(&finding.fate).unwrap());
            assert!(text.contains(words) || text.contains(&word), "{name}");
        }
        for source in
            comparison.coverage.sources.iter().filter(|one| one.trend != interdict::model::Trend::Same)
        {
            assert!(text.contains(&source.source), "{name} loses {}", source.source);
            for place in source.gaps.iter().flat_map(|gap| &gap.places) {
                assert!(text.contains(&*place.text()), "{name} loses {place}");
            }
        }
        for asked in &comparison.asked {
            assert!(lower.contains(asked.what.words()), "{name} loses {asked:?}");
        }
        for item in &comparison.items.changes {
            assert!(text.contains(&item.name), "{name} loses {}", item.name);
        }
    }
    let mut names: Vec<_> = COMPARISON_FORMATS.iter().map(|format| format.form().name).collect();
    names.sort_unstable();
    assert_eq!(names, ["html", "json", "markdown", "text"]);
}

/// Markup, marks of direction, escape codes, and a megabyte.
fn hostile() -> Vec<String> {
    let long = "A".repeat(1 << 20);
    let texts = [
        "<script>alert(1)</script>",
        "</td><img src=x onerror=alert(1)>",
        "safe\u{202e}exe.txt\u{2066}",
        "\u{1b}[31mred\u{1b}]0;title\u{7}",
        "line\r\nbreak\tand\u{0}nul\u{85}\u{2028}",
        "[link](javascript:alert(1)) `code` **bold** | cell @everyone #1",
        "``` fence",
        "\" onload=\"x",
        &long,
    ];
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn hostile_text_is_harmless() {
    let mut comparison = golden();
    let (finding, item) = (comparison.findings[0].clone(), comparison.items.changes[0].clone());
    let source = comparison.coverage.sources.iter().find(|one| !one.gaps.is_empty()).unwrap().clone();
    for text in hostile() {
        let mut finding = finding.clone();
        finding.before.as_mut().unwrap().versions = vec![text.clone()];
        finding.before.as_mut().unwrap().sources = vec![text.clone()];
        finding.reasons = vec![text.clone()];
        finding.product_name.clone_from(&text);
        finding.vendor_name.clone_from(&text);
        comparison.findings.push(finding);
        let mut item = item.clone();
        item.name.clone_from(&text);
        item.reasons = vec![text.clone()];
        for side in [&mut item.before, &mut item.after].into_iter().flatten() {
            side.version = Some(text.clone());
            side.sources = vec![text.clone()];
        }
        comparison.items.changes.push(item);
        let mut source = source.clone();
        source.source.clone_from(&text);
        source.reason = Some(text.clone());
        source.gaps[0].places = vec![HostPath::from(text.as_str())];
        source.gaps[0].detail = Some(text.clone());
        comparison.coverage.sources.push(source);
        comparison.clean.because.push(text.clone());
        comparison.asked[0].after = text.clone();
        comparison.before.host = Some(text.clone());
        comparison.after.host = Some(text.clone());
        comparison.after.os = text;
    }
    for format in COMPARISON_FORMATS {
        let name = format.form().name;
        let text = write(*format, &comparison);
        let json = name == "json";
        // JSON may hold what is no C0 control (RFC 8259, 7); it goes to programs.
        let control = |c: char| if json { c < ' ' && c != '\n' } else { c.is_control() && c != '\n' };
        assert!(!text.contains(control), "{name} lets a control character through");
        assert!(json || !text.contains(['\u{202e}', '\u{2066}', '\u{2028}']), "{name} lets a mark through");
        match name {
            "json" => drop(serde_json::from_str::<Value>(&text).unwrap()),
            "markdown" => text.lines().for_each(harmless),
            "html" => {
                for bad in ["<script>alert", "<img", "\" onload=\"", " onerror=alert(1)>"] {
                    assert!(!text.contains(bad), "{bad}");
                }
                assert_eq!(text.matches("<script>").count(), 1, "our own");
                assert!(text.len() < 200_000);
            }
            _ => assert!(text.len() < 200_000),
        }
    }
}

/// Outside of code spans nothing of a host is left.
fn harmless(line: &str) {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        outside.push_str(&rest[..at]);
        let fence: String = rest[at..].chars().take_while(|c| *c == '`').collect();
        let inside = &rest[at + fence.len()..];
        let close = inside
            .match_indices(&fence)
            .find(|(at, _)| !inside[..*at].ends_with('`') && !inside[at + fence.len()..].starts_with('`'));
        let (end, _) = close.unwrap_or_else(|| panic!("a code span without an end: {line}"));
        rest = &inside[end + fence.len()..];
    }
    outside.push_str(rest);
    for bad in ["<script", "<img", "](", "@everyone", "javascript"] {
        assert!(!outside.contains(bad), "{bad} in: {outside}");
    }
    assert!(line.len() < 60_000);
}

#[test]
fn nothing_is_written_where_nothing_is_compared() {
    let host = Host::bad();
    let a = host.full("a.json");
    let out = host.kept.at("c.html");
    let run = compare(&[&a, "none.json", "-o", out.to_str().unwrap()]);
    assert!(run.code == 2 && !Path::new(&out).exists(), "{run:?}");
}
