//! A host that writes what it likes into names, versions, publishers, paths and records: in every format its text stays
//! text. Each form is written twice, of a hostile host and of its twin with harmless words, and both must be built alike:
//! as many lines, cells, keys, labels and tags. A format that is added is tested by this file as it stands.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "reads the golden files; a test fails by panicking"
)]

use std::collections::BTreeSet;

use golden::{LOOK, golden, write};
use interdict::emit::saved::read;
use interdict::emit::{Can, FORMATS, Form, Format, Look, format};
use interdict::model::{GapReason, HostPath, Inventory, InventoryItem, Place, Report, Scheme, Tool, Version};
use serde_json::Value;

#[path = "support/golden.rs"]
mod golden;

/// Markup, marks of direction, formulas, escape codes, ends of lines and of strings, what is not UTF-8, and a megabyte.
fn hostile() -> Vec<Vec<u8>> {
    let texts: &[&str] = &[
        "<script>alert(1)</script>",
        "</script></style></textarea><script>alert(1)//",
        "</td><img src=x onerror=alert(1)>",
        "\" onmouseover=\"alert(1)\" x='",
        "<!--",
        "]]><x>&lt;b&gt;&#x3c;",
        "safe\u{202e}exe.txt\u{2066}\u{2069}",
        "\u{200f}\u{5d0}\u{200e}\u{61c}",
        "=cmd|' /C calc'!A0",
        "+1;=2,@SUM(A1)|-3",
        "-2+3",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\u{ff1d}1",
        " =HYPERLINK(\"http://x\")",
        "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J",
        "line\r\nbreak\tand\u{0}nul\u{85}\u{2028}\u{2029}",
        "[link](javascript:alert(1)) `code` **bold** | cell @everyone #1",
        "``` fence",
        "`",
        "\n# heading\n- list\n| cell |",
        "\\",
        "\\\"",
        "ends in \\",
        "{0} %s ${jndi:ldap://x} {{7*7}}",
        "\"},{\"verdict\":\"compliant\"",
        "name\",verdict=\"compliant\"} 1\ninterdict_verdict{",
        "",
        " ",
        "\u{feff}\u{ad}\u{200b}\u{fffd}\u{10ffff}",
    ];
    let mut all: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    all.push(b"not\xff\xfe<b>utf\x80-8\xed\xa0\x80".to_vec());
    all.push(vec![b'A'; 1 << 20]);
    all.push("\u{202e}<".repeat(1 << 13).into_bytes());
    all
}

/// A harmless word for each.
fn harmless() -> Vec<Vec<u8>> {
    (0..hostile().len()).map(|n| format!("word{n}").into_bytes()).collect()
}

/// The golden host with these words wherever a host can write.
fn host(words: &[Vec<u8>]) -> Report {
    let mut report = golden("non-compliant");
    let pattern = report.inventory.as_ref().unwrap()[0].clone();
    let mut items = Vec::new();
    for word in words {
        let text = String::from_utf8_lossy(word).into_owned();
        let path = HostPath::new([&b"/srv/"[..], word].concat());
        let place = Place::record(path.clone(), text.clone());
        let mut seen: InventoryItem = pattern.clone();
        seen.item.name.clone_from(&text);
        seen.item.publisher = Some(text.clone());
        seen.item.display_name = Some(text.clone());
        seen.item.version = Some(Version::new(text.clone(), Scheme::Dpkg));
        seen.item.arch = Some(text.clone());
        seen.item.path = Some(text.clone());
        for identifier in &mut seen.item.identifiers {
            identifier.value.clone_from(&text);
        }
        seen.sightings[0].place = place.clone();
        items.push(seen);
        let mut finding = report.findings[0].clone();
        finding.evidence[0].name.clone_from(&text);
        finding.evidence[0].publisher = Some(text.clone());
        finding.evidence[0].version = Some(text.clone());
        finding.evidence[0].place = place;
        finding.versions = vec![text.clone()];
        finding.advice.push_str(&text);
        report.findings.push(finding);
        // One place of each: gaps of one reason are told together.
        report.coverage.sources[0].gap(GapReason::Malformed, &path, Some(text.clone()), true);
    }
    let said: String = String::from_utf8_lossy(&words.concat()).chars().take(900).collect();
    report.coverage.sources[1].reason = Some(said.clone());
    report.host.name = Some(said.clone());
    report.host.os.name = Some(said.clone());
    report.host.os.version = Some(said.clone());
    report.host.machine_id = Some(said);
    report.inventory = Some(items);
    report
}

fn inventory_of(report: Report) -> Inventory {
    Inventory {
        schema: interdict::model::INVENTORY_SCHEMA.into(),
        tool: Tool::SELF,
        scanned_at: report.scanned_at,
        elapsed_ms: report.elapsed_ms,
        host: report.host,
        depth: Some(report.claim.depth),
        coverage: report.coverage,
        items: report.inventory.unwrap_or_default(),
    }
}

fn write_inventory(format: &dyn Format, report: Report) -> String {
    let mut out = Vec::new();
    format.inventories(&[inventory_of(report)], &LOOK, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn hostile_text_is_harmless_in_every_format() {
    let (bad, good) = (host(&hostile()), host(&harmless()));
    for format in FORMATS {
        let form = format.form();
        let [hostile, twin] = [&bad, &good].map(|report| write(*format, std::slice::from_ref(report), LOOK));
        check(form, &hostile, &twin);
        if form.can(Can::Inventories) {
            check(form, &write_inventory(*format, bad.clone()), &write_inventory(*format, good.clone()));
        }
    }
}

fn check(form: &Form, text: &str, twin: &str) {
    let name = form.name;
    let media = form.media_type.split(';').next().unwrap();
    let json = media.contains("json");
    let line_end = |c: char| c == '\n' || (c == '\r' && media == "text/csv");
    // JSON may hold what is no C0 control (RFC 8259, 7); it goes to programs.
    let control = |c: char| if json { c < ' ' && c != '\n' } else { c.is_control() && !line_end(c) };
    assert!(!text.contains(control), "{name} lets a control character through");
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(json || !text.contains(turns), "{name} lets a mark of direction through");
    match media {
        "application/jsonl" => {
            let lines = |text: &str| text.lines().map(skeleton).collect::<Value>();
            assert_eq!(difference(&lines(text), &lines(twin)), None, "{name}");
        }
        _ if json => assert_eq!(difference(&skeleton(text), &skeleton(twin)), None, "{name}"),
        "text/csv" => harmless_table(name, text, twin),
        "text/markdown" => harmless_page(text, twin),
        "text/html" => harmless_markup(text, twin),
        _ if name == "prometheus" => {
            let series = |text: &str| text.lines().map(series).collect::<Vec<_>>();
            assert_eq!(series(text), series(twin), "{name}");
        }
        "text/plain" => {}
        other => panic!("{name}: nobody looks at what is {other}; say here how it is built"),
    }
}

/// A document without its texts: what is left is who made it.
fn skeleton(text: &str) -> Value {
    fn bare(value: Value) -> Value {
        match value {
            Value::String(_) => Value::String(String::new()),
            Value::Array(all) => all.into_iter().map(bare).collect(),
            // There or not, by what a version or a path looks like; a purl, by what can be told of them.
            Value::Object(all) => {
                let by_looks = ["path_hex", "purl", "epoch", "release"];
                let all = all.into_iter().filter(|(key, _)| !by_looks.contains(&key.as_str()));
                all.map(|(key, value)| (key, bare(value))).collect()
            }
            Value::Number(_) => Value::from(0),
            other => other,
        }
    }
    bare(serde_json::from_str(text).unwrap())
}

/// Where two documents are first built otherwise.
fn difference(one: &Value, other: &Value) -> Option<String> {
    let below = |key: String, one: &Value, other: &Value| Some(format!("{key}/{}", difference(one, other)?));
    match (one, other) {
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            (0..one.len()).find_map(|at| below(at.to_string(), &one[at], &other[at]))
        }
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            one.keys().find_map(|key| below(key.clone(), &one[key], &other[key]))
        }
        (one, other) if one == other => None,
        (one, other) => Some(format!(": {:.300} and {:.300}", one.to_string(), other.to_string())),
    }
}

/// Name and labels of a sample, by the text format of Prometheus: `name{label="value",…} number`.
fn series(line: &str) -> String {
    let Some((name, mut rest)) = line.split_once('{').filter(|_| !line.starts_with('#')) else {
        return line.to_owned();
    };
    let mut told = name.to_owned();
    loop {
        let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next() {
                Some((_, '\\')) => {
                    let next = letters.next().map(|(_, next)| next);
                    assert!(matches!(next, Some('\\' | '"' | 'n')), "an escape that there is not: {line}");
                }
                Some((at, '"')) => break at,
                Some(_) => {}
                None => panic!("a label without an end: {line}"),
            }
        };
        assert!(end < 3000, "a label without measure: {line}");
        told = format!("{told} {label}");
        rest = &after[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => break,
        }
    }
    assert!(rest.strip_prefix("} ").is_some_and(|number| number.parse::<f64>().is_ok()), "no number: {line}");
    told
}

/// The same tags with the same attributes, but for what may stand around a word to make it seen or to end it.
fn harmless_markup(text: &str, twin: &str) {
    let ((tags, counts), (twins, same)) = (tags(text), tags(twin));
    assert_eq!(counts, same, "scripts, styles, comments, images");
    for tag in tags.difference(&twins) {
        let mut words = tag.trim_end_matches('/').split_whitespace();
        let name = words.next().unwrap_or_default().trim_start_matches('/');
        let decent = ["span", "mark", "bdi", "code", "wbr", "small", "abbr"].contains(&name);
        let known = |word| ["class=", "title=", "dir=", "aria-label="].contains(&word);
        assert!(decent && words.all(known), "<{tag}> is in no page of a harmless host");
    }
}

/// Every tag that a browser would see, with the names of its attributes; how many `script` and `style` begin and end.
fn tags(text: &str) -> (BTreeSet<String>, [usize; 6]) {
    let lower = text.to_lowercase();
    let counts =
        ["<script", "</script", "<style", "</style", "<!--", "<img"].map(|what| lower.matches(what).count());
    let mut tags = BTreeSet::new();
    let mut rest = lower.as_str();
    while let Some(at) = rest.find('<') {
        let inside = &rest[at + 1..];
        let end = inside.find('>').unwrap_or(inside.len());
        if inside.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) {
            let mut outside_quotes = inside[..end].split('"').step_by(2).collect::<Vec<_>>().join("");
            outside_quotes.truncate(200);
            tags.insert(outside_quotes);
        }
        // What follows `<script` and `<style` is no markup up to their end.
        let raw = ["script", "style"].into_iter().find(|name| inside.starts_with(name));
        let skip = raw.and_then(|name| inside.find(&format!("</{name}"))).unwrap_or(end);
        rest = &inside[skip..];
    }
    (tags, counts)
}

/// Rows of cells by RFC 4180.
fn table(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && letters.peek() == Some(&'\n') => {
                letters.next();
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty(), "the last row has no end");
    rows
}

fn harmless_table(name: &str, text: &str, twin: &str) {
    let (rows, twins) = (table(text), table(twin));
    let columns = rows[0].len();
    assert_eq!((rows.len(), &rows[0]), (twins.len(), &twins[0]), "{name}");
    let formula = |part: &str| {
        part.trim_start_matches([' ', '"', '\u{feff}'])
            .starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}'])
    };
    for (row, twin) in rows.iter().zip(&twins) {
        assert_eq!((row.len(), &row[0]), (columns, &twin[0]), "{name}: {row:?}");
        for cell in row {
            assert!(cell.chars().count() < 32_767, "{name} has a cell that Excel does not take");
            assert!(!cell.contains(['\r', '\n', '\t', '\0']), "{name}: a row is one line");
            assert!(!cell.split([',', ';', '|']).any(formula), "{name}: a formula in {cell}");
        }
    }
}

/// Outside of code spans nothing of a host is left: no markup, no link, no mention; and every line begins as its twin's.
fn harmless_page(text: &str, twin: &str) {
    let begins = |line: &str| line.chars().take_while(|c| "#-|> ".contains(*c)).collect::<String>();
    let cells = |line: &str| line.replace("\\|", "").matches(" | ").count();
    assert_eq!(text.lines().count(), twin.lines().count());
    for (line, twin) in text.lines().zip(twin.lines()) {
        assert_eq!(begins(line), begins(twin), "{line}");
        let row = line.starts_with('|');
        assert!(!row || cells(line) == cells(twin), "{line}\n{twin}");
        let mut outside = String::new();
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            outside.push_str(&rest[..at]);
            let fence: String = rest[at..].chars().take_while(|c| *c == '`').collect();
            let inside = &rest[at + fence.len()..];
            let close = inside.match_indices(&fence).find(|(at, _)| {
                !inside[..*at].ends_with('`') && !inside[at + fence.len()..].starts_with('`')
            });
            let (end, _) = close.unwrap_or_else(|| panic!("a code span without an end: {line}"));
            assert!(!row || !inside[..end].replace("\\|", "").contains('|'), "a cell ends inside: {line}");
            rest = &inside[end + fence.len()..];
        }
        outside.push_str(rest);
        for bad in ["<", "](", "@everyone", "javascript", "**bold**", "#1"] {
            assert!(!outside.contains(bad), "{bad} in: {outside}");
        }
        assert!(line.len() < 60_000, "a line without an end");
    }
}

/// A terminal is sent no code but those that colour.
#[test]
fn a_terminal_is_only_coloured() {
    let report = host(&hostile());
    for format in FORMATS.iter().filter(|format| format.form().can(Can::Terminal)) {
        let look = Look { colour: true, terminal: true, ..LOOK };
        let text = write(*format, std::slice::from_ref(&report), look);
        for code in text.split('\u{1b}').skip(1) {
            let colour = code.strip_prefix('[').and_then(|code| code.split_once('m'));
            let numbers = |code: &str| code.bytes().all(|b| b.is_ascii_digit() || b == b';');
            assert!(colour.is_some_and(|(code, _)| numbers(code)), "{}", &code[..code.len().min(20)]);
        }
        let control = |c: char| c.is_control() && c != '\n' && c != '\u{1b}';
        assert!(!text.contains(control), "{}", format.form().name);
    }
}

/// What was saved of such a host is read back as it was, but for names that are not UTF-8: those are told in hexadecimal.
#[test]
fn the_document_of_a_hostile_host_is_read_back() {
    let words: Vec<_> = hostile().into_iter().filter(|word| std::str::from_utf8(word).is_ok()).collect();
    let report = host(&words);
    let text = write(format("json").unwrap(), std::slice::from_ref(&report), LOOK);
    assert!(read(text.as_bytes()).unwrap().reports == [report]);
    let named = host(&[b"\xff".repeat(400), b"x".repeat(900)]);
    let text = write(format("json").unwrap(), &[named], LOOK);
    assert!(text.contains("\"path_hex\": \"2f7372762fffff"), "the bytes of the name are told");
}

/// The law can be broken: each of these is what a careless format would write.
#[test]
fn carelessness_is_seen() {
    let careless = |what: fn(&str, &str), text: &str, twin: &str| {
        let (text, twin) = (text.to_owned(), twin.to_owned());
        std::panic::catch_unwind(move || what(&text, &twin)).is_err()
    };
    assert!(careless(harmless_markup, "<td><img src=x onerror=alert(1)></td>", "<td>word</td>"));
    assert!(careless(harmless_markup, "<td title=\"\" onclick=\"x\">", "<td title=\"word\">"));
    assert!(careless(
        harmless_markup,
        "<script>var x = \"</script><b>\"</script>",
        "<script>var x = \"word\"</script>"
    ));
    assert!(!careless(
        harmless_markup,
        "<td title=\"&lt;b&gt;\">&lt;script&gt;</td>",
        "<td title=\"word\">word</td>"
    ));
    let rows = |text: &str, twin: &str| harmless_table("csv", text, twin);
    assert!(careless(rows, "a,b\r\n=1,x\r\n", "a,b\r\nword,x\r\n"));
    assert!(careless(rows, "a,b\r\n\"x\r\ny\",x\r\n", "a,b\r\nword,x\r\n"));
    let samples = |text: &str, twin: &str| assert_eq!(series(text), series(twin));
    assert!(careless(samples, "a{b=\"x\",c=\"y\"} 1", "a{b=\"word\"} 1"));
    assert!(careless(samples, "a{b=\"x\\\"} 1", "a{b=\"word\"} 1"));
    assert!(careless(harmless_page, "| `a` | b |", "| `word |"));
    assert!(careless(harmless_page, "- x\n# y", "- word"));
    assert!(careless(harmless_page, "- <b>", "- word"));
}
