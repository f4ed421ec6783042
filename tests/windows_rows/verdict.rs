//! What is wrong with what a scan says of a value that was laid out. Shared by the tables of all systems.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::row::{Expect, Row};
use crate::support::{Root, Run};

/// Where a value will be seen.
pub struct Seen {
    /// The source.
    pub source: &'static str,
    /// Name or end of a path by which the evidence is known.
    pub mark: String,
}

/// A policy that asks for the vendors of a row.
pub fn policy(row: &Row) -> Root {
    let vendors: BTreeSet<&str> =
        row.entries.iter().filter_map(|(_, expect)| expect.product.split('.').next()).collect();
    let mut text =
        "schema = 1\n[policy]\nid = \"rows\"\ntitle = \"All of them\"\neffective = 2020-01-01\n".to_owned();
    for vendor in vendors {
        let rest = "severity = \"high\"\nembedded = \"forbidden\"";
        writeln!(text, "[[prohibition]]\nid = \"rows.{vendor}\"\nvendor = \"{vendor}\"\n{rest}").unwrap();
    }
    let rules = Root::empty();
    rules.file("policies/rows.toml", text);
    rules
}

/// What is wrong with the evidence of one value; none: it is as the row says.
pub fn fault(report: &Value, seen: &Seen, expect: Expect) -> Option<String> {
    let mark = seen.mark.to_lowercase();
    let is_it = |evidence: &Value| {
        let ends = |text: &Value| text.as_str().is_some_and(|text| text.to_lowercase().ends_with(&mark));
        evidence["source"] == seen.source
            && (evidence["name"].as_str().is_some_and(|name| name.to_lowercase() == mark)
                || ends(&evidence["image"]["path"])
                || ends(&evidence["place"]["path"]))
    };
    let at = |finding: &Value| -> Option<Value> {
        finding["evidence"].as_array()?.iter().find(|one| is_it(one) && !one["strength"].is_null()).cloned()
    };
    let findings = report["findings"].as_array().unwrap();
    let found: Vec<(&Value, Value)> = findings.iter().filter_map(|one| Some((one, at(one)?))).collect();
    let told: Vec<String> = found.iter().map(|(one, it)| said(one, it)).collect();
    let wanted = format!(
        "{} of {} by {}{}",
        expect.class,
        expect.product,
        expect.strength,
        if expect.left { " remnant" } else { "" }
    );
    let is_right = |(finding, it): &&(&Value, Value)| {
        let left = it["state"] == "remnant" || it["state"] == "historic";
        finding["product"] == expect.product
            && finding["class"] == expect.class
            && rank(&it["strength"]) >= rank(&expect.strength.into())
            && left == expect.left
    };
    if found.iter().any(|one| is_right(&one)) {
        return None;
    }
    let what = if told.is_empty() { "nothing".to_owned() } else { told.join(", ") };
    Some(format!("{} '{}': wanted {wanted}, found {what}", seen.source, seen.mark))
}

fn said(finding: &Value, evidence: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let (class, product) = (text(&finding["class"]), text(&finding["product"]));
    format!("{class} of {product} by {} {}", text(&evidence["strength"]), text(&evidence["state"]))
}

fn rank(strength: &Value) -> usize {
    ["weak", "strong", "conclusive"].iter().position(|word| strength == word).unwrap()
}

/// What is wrong of a row that was laid out and scanned.
pub fn faults(row: &Row, placed: &[(Seen, Expect)], run: &Run) -> Vec<String> {
    let report = run.json();
    let mut faults: Vec<String> =
        placed.iter().filter_map(|(seen, expect)| fault(&report, seen, *expect)).collect();
    let counts = placed.iter().any(|(_, expect)| {
        !expect.left && expect.strength != "weak" && ["product", "embedded"].contains(&expect.class)
    });
    if counts && run.code != 1 {
        faults.push(format!("exit {} and not 1", run.code));
    }
    faults.into_iter().map(|fault| format!("{}: {fault}", row.name())).collect()
}

/// That nothing is wrong of rows that a source sees.
pub fn check(rows: &[Row], faults: fn(&Row) -> Vec<String>) {
    let faults: Vec<String> = rows.iter().filter(|row| row.unseen.is_none()).flat_map(faults).collect();
    assert!(faults.is_empty(), "{} values:\n{}", faults.len(), faults.join("\n"));
}
