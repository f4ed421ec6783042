//! OSCAL 1.1 assessment results: each prohibition is an objective that is satisfied or not, with what was observed.
//! <https://pages.nist.gov/OSCAL/resources/concepts/layer/assessment/assessment-results/>
//!
//! OSCAL has no third state: what is inconclusive is `not-satisfied` for the reason `other`, and says so in words.
//! Descriptions are Markdown there: text of a host stands in code spans.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::model::{
    Date, Evidence, Finding, Judgement, Mode, PolicyOutcome, Report, Stamp, Verdict, write_pretty,
};

use super::hidden::{Hidden, of_report};
use super::markdown::{code, prose};
use super::safe::put;
use super::uuid::uuid;
use super::{Can, Form, Format, Look};

/// The format `oscal`.
pub(super) struct Oscal;

const VERSION: &str = "1.1.2";
/// Namespace of our properties (OSCAL asks for an absolute URI).
const NAMESPACE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/ns/oscal");

impl Format for Oscal {
    fn form(&self) -> &'static Form {
        &Form {
            name: "oscal",
            about: "OSCAL 1.1 assessment results, for auditors' tools",
            extension: "oscal.json",
            media_type: "application/oscal+json",
            can: &[Can::Many],
        }
    }

    fn reports(&self, reports: &[Report], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let keys: Vec<String> = reports.iter().map(|report| Ids::of(report).one(&["result"])).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let last = reports.iter().map(|report| report.scanned_at).max().unwrap_or_else(Stamp::epoch);
        let document = json!({ "assessment-results": {
            "uuid": uuid('5', &keys),
            "metadata": {
                "title": "Software of prohibited vendors: assessment results",
                "last-modified": last,
                "version": Date::of(last),
                "oscal-version": VERSION,
            },
            "import-ap": { "href": "#", "remarks": "The plan is the ruleset: its digest is a property of each result." },
            "results": reports.iter().map(result).collect::<Vec<_>>(),
        }});
        write_pretty(&mut *out, &document)?;
        out.write_all(b"\n")
    }
}

/// UUIDs of one report.
struct Ids<'r> {
    report: &'r Report,
    at: String,
}

impl<'r> Ids<'r> {
    fn of(report: &'r Report) -> Self {
        Self { report, at: report.scanned_at.to_string() }
    }

    fn one(&self, parts: &[&str]) -> String {
        let host = &self.report.host;
        let own = [
            host.machine_id.as_deref().unwrap_or_default(),
            host.name.as_deref().unwrap_or_default(),
            &self.at,
        ];
        let all: Vec<&str> = own.iter().chain(parts).copied().collect();
        uuid('5', &all)
    }
}

fn result(report: &Report) -> Value {
    let ids = Ids::of(report);
    let hidden = of_report(report);
    let seconds = i64::try_from(report.elapsed_ms.div_ceil(1000)).unwrap_or_default();
    let end = Stamp::from_unix(report.scanned_at.unix().saturating_add(seconds)).unwrap_or(report.scanned_at);
    let judged: Vec<(&PolicyOutcome, &Judgement)> = report
        .policies
        .iter()
        .flat_map(|policy| policy.prohibitions.iter().map(move |judged| (policy, judged)))
        .collect();
    let mut observations: Vec<Value> =
        report.findings.iter().enumerate().map(|(at, found)| found_observation(&ids, at, found)).collect();
    observations.extend(hidden.iter().enumerate().map(|(at, one)| hidden_observation(&ids, at, one)));
    observations.push(coverage_observation(&ids, report));
    let mut result = json!({
        "uuid": ids.one(&["result"]),
        "title": format!("Scan of {}", code(report.host.name.as_deref().unwrap_or("this host"))),
        "description": prose(&report.claim.text),
        "start": report.scanned_at,
        "end": end,
        "props": [
            prop("verdict", report.verdict.word()),
            prop("ruleset", &report.ruleset.digest),
            prop("tool", &format!("{} {}", report.tool.name, report.tool.version)),
        ],
        "local-definitions": { "inventory-items": [{
            "uuid": ids.one(&["host"]),
            "description": code(report.host.os.name.as_deref().unwrap_or(report.host.family.word())),
            "props": [
                prop("host-name", report.host.name.as_deref().unwrap_or("unknown")),
                prop("machine-id", report.host.machine_id.as_deref().unwrap_or("unknown")),
                prop("mode", if report.host.mode == Mode::Live { "live" } else { "offline" }),
            ],
        }] },
        "reviewed-controls": { "control-selections": [{
            "include-controls": judged.iter().map(|(_, judged)| {
                json!({ "control-id": judged.prohibition })
            }).collect::<Vec<_>>(),
        }] },
        "observations": observations,
    });
    let findings: Vec<_> =
        judged.iter().map(|(policy, judged)| finding(&ids, report, policy, judged, &hidden)).collect();
    if let (false, Some(result)) = (findings.is_empty(), result.as_object_mut()) {
        result.insert("findings".to_owned(), findings.into());
    }
    result
}

/// The judgement of one prohibition.
fn finding(
    ids: &Ids<'_>,
    report: &Report,
    policy: &PolicyOutcome,
    judged: &Judgement,
    hidden: &[Hidden<'_>],
) -> Value {
    let (state, reason) = match judged.verdict {
        Verdict::Compliant => ("satisfied", "pass"),
        Verdict::NonCompliant => ("not-satisfied", "fail"),
        Verdict::Inconclusive => ("not-satisfied", "other"),
    };
    let unseen: Vec<String> = judged.unseen.iter().map(|unseen| prose(&unseen.reason)).collect();
    let mut remarks = format!("Verdict: {}.", judged.verdict.word());
    if judged.verdict == Verdict::Inconclusive {
        remarks.push_str(" It is not known whether this is satisfied, because not all could be seen: ");
        remarks.push_str(&unseen.join("; "));
    }
    let found =
        report.findings.iter().enumerate().filter(|(_, found)| found.prohibition == judged.prohibition);
    let mut related: Vec<Value> = found.map(|(at, _)| related(ids, "finding", at)).collect();
    related.extend((0..hidden.len()).map(|at| self::related(ids, "gap", at)));
    related.push(json!({ "observation-uuid": ids.one(&["coverage"]) }));
    json!({
        "uuid": ids.one(&["judgement", &judged.prohibition]),
        "title": prose(&judged.prohibition),
        "description": prose(&policy.title),
        "props": [prop("verdict", judged.verdict.word()), prop("policy", &policy.policy)],
        "target": {
            "type": "objective-id",
            "target-id": judged.prohibition,
            "status": { "state": state, "reason": reason, "remarks": remarks },
        },
        "related-observations": related,
    })
}

fn related(ids: &Ids<'_>, what: &str, at: usize) -> Value {
    json!({ "observation-uuid": ids.one(&[what, &at.to_string()]) })
}

fn observation(ids: &Ids<'_>, uuid: &str, description: &str, props: &[Value]) -> Value {
    json!({
        "uuid": uuid,
        "description": description,
        "props": props,
        "methods": ["EXAMINE"],
        "subjects": [{ "subject-uuid": ids.one(&["host"]), "type": "inventory-item" }],
        "collected": ids.report.scanned_at,
    })
}

fn found_observation(ids: &Ids<'_>, at: usize, found: &Finding) -> Value {
    let because =
        found.because.map_or(String::new(), |because| format!("; does not decide: {}", because.words()));
    let description = format!(
        "{} of {}: {}, {}{because}. {}",
        code(&found.product_name),
        code(&found.vendor_name),
        found.state.word(),
        found.confidence.word(),
        code(&found.advice)
    );
    let props = vec![
        prop("product", &found.product),
        prop("class", found.class.word()),
        prop("confidence", found.confidence.word()),
        prop("severity", found.severity.word()),
        prop("decides", if found.decides { "yes" } else { "no" }),
    ];
    let mut one = observation(ids, &ids.one(&["finding", &at.to_string()]), &description, &props);
    if let (false, Some(one)) = (found.evidence.is_empty(), one.as_object_mut()) {
        let evidence: Vec<_> = found.evidence.iter().map(evidence).collect();
        one.insert("relevant-evidence".to_owned(), evidence.into());
    }
    one
}

fn evidence(one: &Evidence) -> Value {
    let record = one.place.record.as_deref().map_or(String::new(), |record| format!(" {}", code(record)));
    let description = format!(
        "{} {} {}, by {}: {}{record}",
        one.kind.word(),
        code(&one.name),
        one.state.word(),
        code(&one.source),
        code(&one.place.path.text())
    );
    json!({ "description": description })
}

fn hidden_observation(ids: &Ids<'_>, at: usize, hidden: &Hidden<'_>) -> Value {
    let source = hidden.source.unwrap_or("the question");
    let mut description = format!("Not seen by {}: {}", code(source), prose(&hidden.words));
    let places = hidden.places_text();
    if !places.is_empty() {
        put(&mut description, format_args!(": {}", code(&places)));
    }
    if let Some(exception) = hidden.exception {
        put(
            &mut description,
            format_args!(
                ". Accepted until {} by {}: {}",
                exception.expires,
                code(&exception.approver),
                code(&exception.reason)
            ),
        );
    }
    let props = vec![
        prop("gap", hidden.reason),
        prop("weight", hidden.weight.word()),
        prop("count", &hidden.count.to_string()),
    ];
    observation(ids, &ids.one(&["gap", &at.to_string()]), &description, &props)
}

fn coverage_observation(ids: &Ids<'_>, report: &Report) -> Value {
    let sources = report.coverage.sources.iter();
    let told: Vec<_> = sources.map(|source| format!("{} {}", source.source, source.status.word())).collect();
    let description = format!("Sources that were read: {}", prose(&told.join(", ")));
    observation(ids, &ids.one(&["coverage"]), &description, &[prop("items", &report.items.to_string())])
}

/// A property; its value is one line without blanks at its ends, and not empty.
fn prop(name: &str, value: &str) -> Value {
    let value = super::safe::safe(value);
    let value = super::safe::short(value.trim(), 1000);
    json!({ "name": name, "ns": NAMESPACE, "value": if value.is_empty() { "-" } else { &value } })
}
