//! JSON lines: one event a line, each with its host and moment, for log collectors.
//!
//! Types of lines: `verdict`, `policy`, `finding`, `source`, `gap`, and `item` where the report brings its inventory.

use std::io::{self, Write};

use serde::Serialize;

use crate::model::{
    Claim, Exception, HostFacts, HostPath, Inventory, Mode, Os, Report, RulesetStamp, Stamp, Tool, Verdict,
    write_json,
};

use super::hidden::{Hidden, of_coverage, of_report};
use super::{Can, Form, Format, Look};

/// The format `jsonl`.
pub(super) struct JsonLines;

#[derive(Serialize)]
struct Line<'r, T> {
    r#type: &'static str,
    host: Option<&'r str>,
    machine_id: Option<&'r str>,
    scanned_at: Stamp,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct VerdictBody<'r> {
    verdict: Verdict,
    exit_code: u8,
    claim: &'r Claim,
    deciding: usize,
    findings: usize,
    items: usize,
    blocking_gaps: usize,
    family: &'static str,
    os: &'r Os,
    mode: Mode,
    ruleset: &'r RulesetStamp,
    tool: &'r Tool,
    elapsed_ms: u64,
}

#[derive(Serialize)]
struct GapBody<'r> {
    source: Option<&'r str>,
    status: Option<&'static str>,
    reason: &'static str,
    text: &'r str,
    weight: &'static str,
    count: u64,
    places: &'r [HostPath],
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<&'r Exception>,
}

impl<'r> GapBody<'r> {
    fn of(hidden: &'r Hidden<'r>) -> Self {
        Self {
            source: hidden.source,
            status: hidden.status.map(crate::model::Status::word),
            reason: hidden.reason,
            text: &hidden.words,
            weight: hidden.weight.word(),
            count: hidden.count,
            places: hidden.places,
            accepted: hidden.exception,
        }
    }
}

impl Format for JsonLines {
    fn form(&self) -> &'static Form {
        &Form {
            name: "jsonl",
            about: "one event a line (verdict, finding, gap, …), for log collectors",
            extension: "jsonl",
            media_type: "application/jsonl",
            can: &[Can::Many, Can::Inventories],
        }
    }

    fn reports(&self, reports: &[Report], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        for report in reports {
            let mut lines = Lines { out: &mut *out, host: &report.host, scanned_at: report.scanned_at };
            let hidden = of_report(report);
            lines.put("verdict", verdict(report, &hidden))?;
            report.policies.iter().try_for_each(|policy| lines.put("policy", policy))?;
            report.findings.iter().try_for_each(|finding| lines.put("finding", finding))?;
            report.coverage.sources.iter().try_for_each(|source| lines.put("source", source))?;
            hidden.iter().try_for_each(|one| lines.put("gap", GapBody::of(one)))?;
            report.inventory.iter().flatten().try_for_each(|item| lines.put("item", item))?;
        }
        Ok(())
    }

    fn inventories(&self, inventories: &[Inventory], _look: &Look, out: &mut dyn Write) -> io::Result<()> {
        for inventory in inventories {
            let mut lines = Lines { out: &mut *out, host: &inventory.host, scanned_at: inventory.scanned_at };
            inventory.coverage.sources.iter().try_for_each(|source| lines.put("source", source))?;
            let hidden = of_coverage(&inventory.coverage);
            hidden.iter().try_for_each(|one| lines.put("gap", GapBody::of(one)))?;
            inventory.items.iter().try_for_each(|item| lines.put("item", item))?;
        }
        Ok(())
    }
}

fn verdict<'r>(report: &'r Report, hidden: &[Hidden<'_>]) -> VerdictBody<'r> {
    VerdictBody {
        verdict: report.verdict,
        exit_code: report.verdict.exit_code(),
        claim: &report.claim,
        deciding: report.findings.iter().filter(|finding| finding.decides).count(),
        findings: report.findings.len(),
        items: report.items,
        blocking_gaps: hidden.iter().filter(|one| one.weight == super::hidden::Weight::Blocking).count(),
        family: report.host.family.word(),
        os: &report.host.os,
        mode: report.host.mode,
        ruleset: &report.ruleset,
        tool: &report.tool,
        elapsed_ms: report.elapsed_ms,
    }
}

struct Lines<'o, 'r> {
    out: &'o mut dyn Write,
    host: &'r HostFacts,
    scanned_at: Stamp,
}

impl Lines<'_, '_> {
    fn put(&mut self, r#type: &'static str, body: impl Serialize) -> io::Result<()> {
        let (host, machine_id) = (self.host.name.as_deref(), self.host.machine_id.as_deref());
        let line = Line { r#type, host, machine_id, scanned_at: self.scanned_at, body };
        write_json(self.out, &line)?;
        self.out.write_all(b"\n")
    }
}
