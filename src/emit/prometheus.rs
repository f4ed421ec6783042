//! Prometheus text exposition, for `node_exporter`'s textfile collector: verdict and sources as state sets, findings and
//! gaps as counts. Places are no labels: their number has no end. Of several reports of one host the newest is told.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::{Mode, Report, Status, Verdict};

use super::hidden::{Hidden, Weight, of_report};
use super::safe::short;
use super::{Can, Form, Format, Look};

/// The format `prometheus`.
pub(super) struct Prometheus;

const VERDICTS: &[Verdict] = &[Verdict::Compliant, Verdict::Inconclusive, Verdict::NonCompliant];
const STATUSES: &[Status] =
    &[Status::Complete, Status::Partial, Status::Failed, Status::Unavailable, Status::NotApplicable];
/// Letters of a label.
const LETTERS: usize = 500;

/// A report and its labels.
struct Told<'r> {
    report: &'r Report,
    host: String,
    hidden: Vec<Hidden<'r>>,
}

type Writer = fn(&Told<'_>, &mut dyn Write) -> io::Result<()>;

/// Name, help, and what writes the series of one host. Series of one name must stand together.
const FAMILIES: &[(&str, &str, Writer)] = &[
    ("interdict_scan_info", "What was asked, by which rules, and what the verdict claims.", info),
    ("interdict_verdict", "1 for the verdict of the last scan, 0 for the others.", verdict),
    ("interdict_policy_verdict", "1 for the verdict on the policy, 0 for the others.", policies),
    ("interdict_findings", "Findings; those with decides=\"true\" make the verdict.", findings),
    (
        "interdict_gaps",
        "Places that could not be seen; weight=\"blocking\" could hide something that counts.",
        gaps,
    ),
    ("interdict_source_status", "1 for how the source ended, 0 for the others.", sources),
    ("interdict_items", "Items seen.", items),
    ("interdict_scan_duration_seconds", "How long the scan took.", duration),
    ("interdict_ruleset_stale", "1 when some of the rules are older than they may be.", stale),
    ("interdict_last_scan_timestamp_seconds", "When the scan began.", scanned),
    (
        "interdict_last_complete_scan_timestamp_seconds",
        "When the scan began, only of a scan without a blocking gap.",
        complete,
    ),
];

impl Format for Prometheus {
    fn form(&self) -> &'static Form {
        &Form {
            name: "prometheus",
            about: "metrics for `node_exporter`'s textfile collector",
            extension: "prom",
            media_type: "text/plain; version=0.0.4; charset=utf-8",
            can: &[Can::Many],
        }
    }

    fn reports(&self, reports: &[Report], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        let mut newest: BTreeMap<(&str, &str), &Report> = BTreeMap::new();
        for report in reports {
            let told = newest.entry(key(report)).or_insert(report);
            if report.scanned_at > told.scanned_at {
                *told = report;
            }
        }
        let told: Vec<_> = newest.into_values().map(told).collect();
        for (name, help, write) in FAMILIES {
            writeln!(out, "# HELP {name} {}\n# TYPE {name} gauge", help.replace('\\', "\\\\"))?;
            told.iter().try_for_each(|one| write(one, out))?;
        }
        Ok(())
    }
}

fn key(report: &Report) -> (&str, &str) {
    (report.host.name.as_deref().unwrap_or_default(), report.host.machine_id.as_deref().unwrap_or_default())
}

fn told(report: &Report) -> Told<'_> {
    let (name, id) = key(report);
    let host = format!("host=\"{}\",machine_id=\"{}\"", label(name), label(id));
    Told { report, host, hidden: of_report(report) }
}

fn info(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let report = told.report;
    writeln!(
        out,
        "interdict_scan_info{{{},version=\"{}\",ruleset=\"{}\",mode=\"{}\",privileged=\"{}\",as_of=\"{}\",claim=\"{}\"}} 1",
        told.host,
        label(&report.tool.version),
        label(&report.ruleset.digest),
        if report.claim.mode == Mode::Live { "live" } else { "offline" },
        report.claim.privileged,
        report.claim.as_of,
        label(&report.claim.text)
    )
}

fn verdict(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    VERDICTS.iter().try_for_each(|one| {
        let is = u8::from(*one == told.report.verdict);
        writeln!(out, "interdict_verdict{{{},verdict=\"{}\"}} {is}", told.host, one.word())
    })
}

fn policies(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    for policy in &told.report.policies {
        for one in VERDICTS {
            let (id, word, is) = (label(&policy.policy), one.word(), u8::from(*one == policy.verdict));
            writeln!(
                out,
                "interdict_policy_verdict{{{},policy=\"{id}\",verdict=\"{word}\"}} {is}",
                told.host
            )?;
        }
    }
    Ok(())
}

fn findings(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut counts: BTreeMap<(&str, &str, bool), usize> = BTreeMap::new();
    for finding in &told.report.findings {
        *counts.entry((&finding.policy, finding.severity.word(), finding.decides)).or_default() += 1;
    }
    // A series that is there with 0 tells "none" from "not scanned".
    for policy in &told.report.policies {
        counts.entry((&policy.policy, "critical", true)).or_default();
    }
    for ((policy, severity, decides), count) in counts {
        let policy = label(policy);
        writeln!(
            out,
            "interdict_findings{{{},policy=\"{policy}\",severity=\"{severity}\",decides=\"{decides}\"}} {count}",
            told.host
        )?;
    }
    Ok(())
}

fn gaps(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for one in &told.hidden {
        *counts.entry((one.source.unwrap_or(""), one.reason, one.weight.word())).or_default() += one.count;
    }
    for ((source, reason, weight), count) in counts {
        let source = label(source);
        writeln!(
            out,
            "interdict_gaps{{{},source=\"{source}\",reason=\"{reason}\",weight=\"{weight}\"}} {count}",
            told.host
        )?;
    }
    Ok(())
}

fn sources(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    for source in &told.report.coverage.sources {
        for status in STATUSES {
            let (name, word, is) = (label(&source.source), status.word(), u8::from(*status == source.status));
            writeln!(
                out,
                "interdict_source_status{{{},source=\"{name}\",status=\"{word}\"}} {is}",
                told.host
            )?;
        }
    }
    Ok(())
}

fn items(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "interdict_items{{{}}} {}", told.host, told.report.items)
}

fn duration(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (whole, rest) = (told.report.elapsed_ms / 1000, told.report.elapsed_ms % 1000);
    writeln!(out, "interdict_scan_duration_seconds{{{}}} {whole}.{rest:03}", told.host)
}

fn stale(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "interdict_ruleset_stale{{{}}} {}", told.host, u8::from(told.report.ruleset.stale))
}

fn scanned(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let at = told.report.scanned_at.unix();
    writeln!(out, "interdict_last_scan_timestamp_seconds{{{}}} {at}", told.host)
}

fn complete(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    if told.hidden.iter().any(|one| one.weight == Weight::Blocking) {
        return Ok(());
    }
    let at = told.report.scanned_at.unix();
    writeln!(out, "interdict_last_complete_scan_timestamp_seconds{{{}}} {at}", told.host)
}

/// The value of a label.
fn label(text: &str) -> String {
    let text = super::safe::safe(text);
    short(&text, LETTERS).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
