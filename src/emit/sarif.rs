//! SARIF 2.1.0: prohibitions are rules, findings are results, gaps are notifications of the tool's execution.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>; sections are quoted as §.
//!
//! One run for each host. An execution is successful (§3.20.14) when nothing blocking was left unseen: a reader that
//! only counts results must not take an unseen host for a clean one.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{Because, Class, Evidence, Finding, Place, Report, Severity, Stamp, write_pretty};

use super::hidden::{Hidden, Weight, of_report};
use super::safe::{put, safe};
use super::uuid::digest;
use super::{Can, Form, Format, Look, uri};

/// The format `sarif`.
pub(super) struct Sarif;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Locations of one result.
const LOCATIONS: usize = 50;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'r> {
    tool: Value,
    automation_details: Value,
    invocations: [Value; 1],
    results: Vec<SarifResult<'r>>,
    column_kind: &'static str,
    properties: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'r> {
    rule_id: &'r str,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Message,
    locations: Vec<Value>,
    partial_fingerprints: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Value>,
    properties: Value,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

impl Format for Sarif {
    fn form(&self) -> &'static Form {
        &Form {
            name: "sarif",
            about: "SARIF 2.1.0, for code scanning and security dashboards",
            extension: "sarif",
            media_type: "application/sarif+json",
            can: &[Can::Many],
        }
    }

    fn reports(&self, reports: &[Report], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\n\"$schema\": \"{SCHEMA}\",\n\"version\": \"2.1.0\",\n\"runs\": [")?;
        for (at, report) in reports.iter().enumerate() {
            out.write_all(if at > 0 { b",\n" } else { b"\n" })?;
            write_pretty(&mut *out, &run(report))?;
        }
        out.write_all(b"\n]\n}\n")
    }
}

fn run(report: &Report) -> Run<'_> {
    let hidden = of_report(report);
    let rules: Vec<&str> = report
        .policies
        .iter()
        .flat_map(|policy| &policy.prohibitions)
        .map(|judged| judged.prohibition.as_str())
        .collect();
    let place = |id: &str| rules.iter().position(|rule| *rule == id).unwrap_or_default();
    Run {
        tool: json!({ "driver": {
            "name": report.tool.name,
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "version": report.tool.version,
            "semanticVersion": report.tool.version,
            "rules": rule_descriptors(report),
            "properties": { "ruleset": report.ruleset },
        }}),
        automation_details: json!({ "id": format!("interdict/{}/", host_key(report)) }),
        invocations: [invocation(report, &hidden)],
        results: report
            .findings
            .iter()
            .map(|finding| result(report, finding, place(&finding.prohibition)))
            .collect(),
        column_kind: "unicodeCodePoints",
        properties: json!({
            "verdict": report.verdict,
            "claim": report.claim,
            "policies": report.policies.iter().map(|policy| json!({
                "policy": policy.policy,
                "verdict": policy.verdict,
                "prohibitions": policy.prohibitions.iter().map(|judged| json!({
                    "prohibition": judged.prohibition,
                    "verdict": judged.verdict,
                    "assessable": judged.assessable,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "sources": report.coverage.sources.iter().map(|source| json!({
                "source": source.source,
                "status": source.status,
                "records": source.records,
            })).collect::<Vec<_>>(),
        }),
    }
}

/// Prohibitions as rules (§3.49); what is told of them comes from findings, which alone carry it.
fn rule_descriptors(report: &Report) -> Vec<Value> {
    let mut rules = Vec::new();
    for policy in &report.policies {
        for judged in &policy.prohibitions {
            let found = report.findings.iter().find(|finding| finding.prohibition == judged.prohibition);
            let level = found.map_or("warning", |finding| level(finding.severity));
            let mut help = policy.title.clone();
            for basis in found.iter().flat_map(|finding| &finding.bases) {
                put(&mut help, format_args!("\n{} ({})", basis.title, basis.citation));
            }
            let url = found.and_then(|finding| finding.bases.iter().find_map(|basis| basis.url.as_deref()));
            let mut rule = json!({
                "id": judged.prohibition,
                "shortDescription": { "text": format!("Prohibited by {}", policy.title) },
                "fullDescription": { "text": policy.title },
                "help": { "text": help },
                "defaultConfiguration": { "level": level },
                "properties": { "policy": policy.policy, "effective": judged.effective, "tags": ["compliance"] },
            });
            if let (Some(url), Some(rule)) = (url, rule.as_object_mut()) {
                rule.insert("helpUri".to_owned(), url.into());
            }
            rules.push(rule);
        }
    }
    rules
}

fn invocation(report: &Report, hidden: &[Hidden<'_>]) -> Value {
    let seconds = i64::try_from(report.elapsed_ms.div_ceil(1000)).unwrap_or_default();
    let ended =
        Stamp::from_unix(report.scanned_at.unix().saturating_add(seconds)).unwrap_or(report.scanned_at);
    json!({
        "executionSuccessful": hidden.iter().all(|one| one.weight != Weight::Blocking),
        "exitCode": report.verdict.exit_code(),
        "exitCodeDescription": report.verdict.word(),
        "startTimeUtc": report.scanned_at,
        "endTimeUtc": ended,
        "machine": report.host.name.as_deref().map(safe),
        "toolExecutionNotifications": hidden.iter().map(notification).collect::<Vec<_>>(),
        "properties": { "host": {
            "name": report.host.name,
            "machineId": report.host.machine_id,
            "family": report.host.family,
            "os": report.host.os.name,
        }},
    })
}

fn notification(hidden: &Hidden<'_>) -> Value {
    let level = match hidden.weight {
        Weight::Blocking => "error",
        Weight::Accepted | Weight::NotNeeded => "warning",
        Weight::Minor => "note",
    };
    let source = hidden.source.unwrap_or("the question");
    let places = hidden.places_text();
    let dash = if places.is_empty() { "" } else { ": " };
    let locations: Vec<_> = hidden.places.iter().map(|path| location(&Place::file(path.clone()))).collect();
    json!({
        "descriptor": { "id": format!("gap/{}", hidden.reason) },
        "level": level,
        "message": { "text": text(&format!("{source}: {}{dash}{places}", hidden.words)) },
        "locations": locations,
        "properties": {
            "source": hidden.source,
            "status": hidden.status,
            "reason": hidden.reason,
            "weight": hidden.weight.word(),
            "count": hidden.count,
            "accepted": hidden.exception,
        },
    })
}

fn result<'r>(report: &Report, finding: &'r Finding, rule_index: usize) -> SarifResult<'r> {
    // §3.27.10: what does not fail has no level.
    let fails = finding.decides || finding.because == Some(Because::Waived);
    let kind = match finding.class {
        _ if fails => "fail",
        Class::Review => "review",
        _ if finding.because == Some(Because::ReviewOnly) => "review",
        _ => "informational",
    };
    let versions =
        if finding.versions.is_empty() { String::new() } else { format!(" {}", finding.versions.join(", ")) };
    let because =
        finding.because.map_or(String::new(), |because| format!("; does not decide: {}", because.words()));
    let said = format!(
        "{}{versions} of {}: {}, {}{because}. {}",
        finding.product_name,
        finding.vendor_name,
        finding.state.word(),
        finding.confidence.word(),
        finding.advice
    );
    let suppressions = finding.waiver.iter().map(|waiver| {
        json!({
            "kind": "external",
            "status": "accepted",
            "justification": format!("until {}, approved by {}: {}", waiver.expires, waiver.approver, waiver.reason),
        })
    });
    SarifResult {
        rule_id: &finding.prohibition,
        rule_index,
        kind,
        level: if fails { level(finding.severity) } else { "none" },
        message: Message { text: text(&said) },
        locations: finding.evidence.iter().take(LOCATIONS).map(evidence).collect(),
        partial_fingerprints: json!({ "interdictFinding/v1": fingerprint(report, finding) }),
        suppressions: suppressions.collect(),
        properties: json!({
            "policy": finding.policy,
            "product": finding.product,
            "vendor": finding.vendor,
            "class": finding.class,
            "state": finding.state,
            "confidence": finding.confidence,
            "severity": finding.severity,
            "decides": finding.decides,
            "because": finding.because,
            "evidenceTotal": finding.evidence_total,
        }),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn evidence(one: &Evidence) -> Value {
    let mut location = location(&one.place);
    let version = one.version.as_deref().map_or(String::new(), |version| format!(" {version}"));
    let said = format!("{} {}{version} {} ({})", one.kind.word(), one.name, one.state.word(), one.source);
    if let Some(location) = location.as_object_mut() {
        location.insert("message".to_owned(), json!({ "text": text(&said) }));
    }
    location
}

/// A file by its address; what is no file, and the record in a file, as a logical location (§3.33). What is no file has an
/// address below the host beside that: GitHub refuses the whole log for one location that is logical alone.
fn location(place: &Place) -> Value {
    let path = place.path.text();
    let name = |name: &str| json!([{ "fullyQualifiedName": safe(name), "kind": "resource" }]);
    let physical = |artifact: Value| json!({ "artifactLocation": artifact });
    match (uri::file(&place.path), &place.record) {
        (Some(uri), None) => json!({ "physicalLocation": physical(json!({ "uri": uri })) }),
        (Some(uri), Some(record)) => json!({
            "physicalLocation": physical(json!({ "uri": uri })),
            "logicalLocations": name(record),
        }),
        (None, record) => {
            let whole = record.as_ref().map_or(path.clone(), |record| format!("{path} {record}").into());
            let below = json!({ "uri": uri::on_host(&place.path), "uriBaseId": "HOST" });
            json!({ "physicalLocation": physical(below), "logicalLocations": name(&whole) })
        }
    }
}

/// The same for the same product on the same host under the same prohibition, whenever it is scanned.
fn fingerprint(report: &Report, finding: &Finding) -> String {
    digest(&[&host_key(report), &finding.prohibition, &finding.product])
}

fn host_key(report: &Report) -> String {
    let host = &report.host;
    safe(host.machine_id.as_deref().or(host.name.as_deref()).unwrap_or("host")).into_owned()
}

/// Plain text of a message (§3.11.5): brackets would be links, braces placeholders.
fn text(said: &str) -> String {
    let mut out = String::with_capacity(said.len());
    for c in safe(said).chars() {
        match c {
            '[' | ']' | '\\' => out.extend(['\\', c]),
            '{' | '}' => out.extend([c, c]),
            c => out.push(c),
        }
    }
    out
}
