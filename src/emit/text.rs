//! Text for people: the verdict first, then findings (what, where, how sure, why, since when, what to do), then what
//! could not be seen and the next step.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::model::{
    Accepted, Date, Evidence, Exception, Finding, Gap, HostFacts, Inventory, LegalBasis, Mode, Phase,
    PolicyOutcome, Report, Status, Unseen, Verdict, set_of,
};

use super::hidden::in_the_way;
use super::lines::{Ink, Lines};
use super::safe::{put, safe};
use super::steps::next_steps;
use super::{Can, Form, Format, Look, text_items};

/// The format `text`.
pub(super) struct Text;

/// Evidence lines of one finding before "and n more".
const EVIDENCE_SHOWN: usize = 8;

impl Format for Text {
    fn form(&self) -> &'static Form {
        &Form {
            name: "text",
            about: "for people, in a terminal",
            extension: "txt",
            media_type: "text/plain; charset=utf-8",
            can: &[Can::Many, Can::Inventories, Can::Terminal],
        }
    }

    fn reports(&self, reports: &[Report], look: &Look, out: &mut dyn Write) -> io::Result<()> {
        for (at, report) in reports.iter().enumerate() {
            let mut page = Lines::new(*look);
            if at > 0 {
                page.blank();
            }
            page.verdict(report);
            let mut laws = BTreeSet::new();
            report.findings.iter().for_each(|finding| page.finding(finding, &mut laws));
            page.unseen(report);
            page.footer(report);
            out.write_all(page.text.as_bytes())?;
        }
        if reports.len() > 1 {
            let mut page = Lines::new(*look);
            page.hosts(reports);
            out.write_all(page.text.as_bytes())?;
        }
        Ok(())
    }

    fn inventories(&self, inventories: &[Inventory], look: &Look, out: &mut dyn Write) -> io::Result<()> {
        for inventory in inventories {
            text_items::write(&inventory.items, *look, out)?;
            let mut page = Lines::new(*look);
            page.inventory_end(inventory);
            out.write_all(page.text.as_bytes())?;
        }
        Ok(())
    }
}

impl Lines {
    fn verdict(&mut self, report: &Report) {
        let (ink, word) = match report.verdict {
            Verdict::Compliant => (Ink::Green, "COMPLIANT"),
            Verdict::Inconclusive => (Ink::Yellow, "INCONCLUSIVE"),
            Verdict::NonCompliant => (Ink::Red, "NON-COMPLIANT"),
        };
        let headline = format!("{}  {}", self.ink(ink, word), safe(&host_line(&report.host)));
        self.text.push_str(&headline);
        self.blank();
        self.line(2, "", &safe(&report.claim.text));
        if let (true, Some(since)) = (report.ruleset.stale, report.ruleset.stale_after) {
            self.line(2, "", &self.ink(Ink::Yellow, &format!("these rules are old: stale since {since}")));
        }
        for policy in &report.policies {
            self.line(2, "policy", &policy_line(policy));
        }
    }

    /// A finding; an act that an earlier finding has told is not told again.
    fn finding<'r>(&mut self, finding: &'r Finding, laws: &mut BTreeSet<&'r str>) {
        self.blank();
        let mark = if finding.decides { self.ink(Ink::Red, "FOUND") } else { self.ink(Ink::Yellow, "shown") };
        let name = self.ink(Ink::Bold, &safe(&finding.product_name));
        let versions: String =
            finding.versions.iter().flat_map(|version| [" ".into(), safe(version)]).collect();
        put(&mut self.text, format_args!("{mark}  {name}{versions}\n"));
        let mut status = format!("{}, {}", finding.state.word(), finding.confidence.word());
        if finding.class != crate::model::Class::Product {
            put(&mut status, format_args!(", {}", finding.class.word()));
        }
        if let Some(because) = finding.because {
            put(&mut status, format_args!("; does not decide: {}", because.words()));
        }
        self.line(2, "state", &status);
        self.line(2, "maker", &format!("{} ({})", safe(&finding.vendor_name), safe(&finding.product)));
        for evidence in finding.evidence.iter().take(EVIDENCE_SHOWN) {
            self.line(2, "where", &evidence_line(evidence));
        }
        if finding.evidence_total > EVIDENCE_SHOWN {
            self.line(
                2,
                "where",
                &format!("and {} more; see --format json", finding.evidence_total - EVIDENCE_SHOWN),
            );
        }
        if let Some(updated) = finding.evidence.iter().filter_map(|evidence| evidence.last_update).max() {
            self.line(2, "note ", &format!("its last update that is recorded here: {}", Date::of(updated)));
        }
        if let Some(waiver) = &finding.waiver {
            let Exception { reason, approver, expires, written_at } = waiver;
            let text = format!("until {expires}, approved by {approver}: {reason} ({written_at})");
            self.line(2, "waiver", &safe(&text));
        }
        let rule =
            format!("{} ({}) from {}", finding.prohibition, finding.severity.word(), finding.effective);
        self.line(2, "rule ", &rule);
        for basis in finding.bases.iter().filter(|basis| laws.insert(&basis.authority)) {
            self.line(2, "law  ", &basis_line(basis));
        }
        self.line(2, "to do", &safe(&finding.advice));
    }

    fn unseen(&mut self, report: &Report) {
        let unseen = in_the_way(report);
        if !unseen.is_empty() {
            self.blank();
            self.text.push_str(&self.ink(Ink::Bold, "Could not be seen"));
            self.blank();
        }
        for one in &unseen {
            self.unseen_reason(one);
        }
        for (gap, sources) in shared_gaps(&unseen) {
            self.line(2, "-", &format!("{gap} [{}]", sources.join(", ")));
        }
        for step in next_steps(report, &unseen) {
            self.line(2, "next ", &step);
        }
        self.accepted(report);
        self.minor_gaps(report);
    }

    /// Gaps that would block if nobody had accepted them.
    fn accepted(&mut self, report: &Report) {
        let judged = report.policies.iter().flat_map(|policy| &policy.prohibitions);
        let accepted = judged.flat_map(|judged| &judged.accepted);
        let lines: BTreeSet<String> = set_of(accepted.map(accepted_line));
        if !lines.is_empty() {
            self.blank();
            self.text.push_str(&self.ink(Ink::Bold, "Accepted gaps"));
            self.blank();
        }
        for line in lines {
            self.line(2, "-", &line);
        }
    }

    /// A source that failed, or a reason that lies in the question; sources that only have gaps are told by their gaps.
    fn unseen_reason(&mut self, unseen: &Unseen) {
        match (&unseen.source, unseen.status) {
            (Some(_), Some(Status::Partial)) => {}
            (Some(source), Some(status)) => {
                self.line(2, "-", &format!("{source} {}: {}", status.word(), safe(&unseen.reason)));
            }
            _ => self.line(2, "-", &safe(&unseen.reason)),
        }
    }

    fn minor_gaps(&mut self, report: &Report) {
        let gaps = report.coverage.sources.iter().flat_map(|source| &source.gaps).filter(|gap| !gap.blocking);
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        gaps.for_each(|gap| *counts.entry(gap.reason.words()).or_default() += gap.count);
        if counts.is_empty() {
            return;
        }
        let words: Vec<_> = counts.into_iter().map(|(words, count)| format!("{count} x {words}")).collect();
        self.blank();
        self.line(2, "note ", &format!("hides nothing that counts: {}; see --format json", words.join(", ")));
    }

    fn footer(&mut self, report: &Report) {
        self.blank();
        let count = |status| report.coverage.sources.iter().filter(|source| source.status == status).count();
        let sources = format!(
            "{} sources: {} complete, {} partial, {} failed, {} unavailable, {} not applicable",
            report.coverage.sources.len(),
            count(Status::Complete),
            count(Status::Partial),
            count(Status::Failed),
            count(Status::Unavailable),
            count(Status::NotApplicable)
        );
        let digest = report.ruleset.digest.get(..12).unwrap_or(&report.ruleset.digest);
        let text = format!(
            "{} items in {} ms; {sources}; rules {} {digest}; as of {}",
            report.items, report.elapsed_ms, report.ruleset.origin, report.claim.as_of
        );
        self.line(0, "", &text);
    }

    /// How many hosts came to which verdict.
    fn hosts(&mut self, reports: &[Report]) {
        let count = |verdict| reports.iter().filter(|report| report.verdict == verdict).count();
        let text = format!(
            "{} hosts: {} non-compliant, {} inconclusive, {} compliant",
            reports.len(),
            count(Verdict::NonCompliant),
            count(Verdict::Inconclusive),
            count(Verdict::Compliant)
        );
        self.blank();
        self.line(0, "", &text);
    }

    /// What follows the list of items.
    fn inventory_end(&mut self, inventory: &Inventory) {
        put(
            &mut self.text,
            format_args!("{} items on {}\n", inventory.items.len(), safe(&host_line(&inventory.host))),
        );
        for source in inventory
            .coverage
            .sources
            .iter()
            .filter(|source| source.has_blocking_gap() || source.status == Status::Failed)
        {
            let reason = source.reason.clone().unwrap_or_else(|| "not wholly read".to_owned());
            self.line(2, "", &format!("{} ({}): {}", source.source, source.status.word(), safe(&reason)));
            for gap in &source.gaps {
                self.line(4, "-", &gap_line(gap));
            }
        }
    }
}

fn host_line(host: &HostFacts) -> String {
    let name = host.name.as_deref().unwrap_or("this host");
    let os = host.os.name.as_deref().unwrap_or(host.family.word());
    let mode = match host.mode {
        Mode::Live => "running",
        Mode::Offline => "offline disk",
    };
    format!("{name} ({os}, {mode})")
}

fn policy_line(policy: &PolicyOutcome) -> String {
    let when = match policy.phase {
        Phase::InEffect => format!("in effect since {}", policy.effective),
        Phase::NotYetInEffect => format!("not yet in effect, from {}", policy.effective),
    };
    format!("{}: {} ({when}): {}", policy.policy, policy.verdict.word(), policy.title)
}

fn accepted_line(accepted: &Accepted) -> String {
    let Exception { reason, approver, expires, .. } = &accepted.exception;
    let gap = accepted.gap.as_ref().map_or_else(|| "saw nothing".to_owned(), gap_line);
    safe(&format!("{} {gap}; until {expires}, approved by {approver}: {reason}", accepted.source))
        .into_owned()
}

fn evidence_line(evidence: &Evidence) -> String {
    let name = safe(&evidence.name);
    let record =
        evidence.place.record.as_deref().map_or(String::new(), |record| format!(" ({})", safe(record)));
    let mut line = format!(
        "{} {name} {}: {}{record}",
        evidence.kind.word(),
        evidence.state.word(),
        safe(&evidence.place.path.text())
    );
    if let Some(image) = evidence.image.as_ref().filter(|image| image.path != evidence.place.path) {
        let missing = if image.exists == Some(false) { " (missing)" } else { "" };
        put(&mut line, format_args!(" -> {}{missing}", safe(&image.path.text())));
    }
    if let Some(process) = &evidence.process {
        let owner = process.owner.as_deref().map_or(String::new(), |owner| format!(", {}", safe(owner)));
        put(
            &mut line,
            format_args!(" [pid {}{owner}{}]", process.pid, if process.deleted { ", deleted" } else { "" }),
        );
    }
    if let Some(sha256) = &evidence.sha256 {
        put(&mut line, format_args!(", SHA-256 {}", safe(sha256)));
    }
    if let Some(signer) = &evidence.signer {
        put(&mut line, format_args!(", signed by {} ({})", safe(&signer.name), signer.trust.words()));
    }
    if let Some(strength) = evidence.strength {
        put(&mut line, format_args!(" [{}]", strength.word()));
    }
    line
}

fn basis_line(basis: &LegalBasis) -> String {
    let phase = match (&basis.phase, basis.since) {
        (Some(phase), Some(since)) => format!("; since {since}: {phase}"),
        _ => "; nothing in force yet on this day".to_owned(),
    };
    format!("{} ({}){phase}", basis.title, basis.citation)
}

fn gap_line(gap: &Gap) -> String {
    let places: Vec<_> = gap.places.iter().map(|place| safe(&place.text()).into_owned()).collect();
    let more = gap.count.saturating_sub(gap.places.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let detail = gap.detail.as_deref().map_or(String::new(), |detail| format!(" ({})", safe(detail)));
    format!("{}: {}{more}{detail}", gap.reason.words(), places.join(", "))
}

/// Gaps of all sources, each told once with the sources that met it.
fn shared_gaps(unseen: &[&Unseen]) -> BTreeMap<String, Vec<String>> {
    let mut shared: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in unseen {
        for gap in &one.gaps {
            let sources = shared.entry(gap_line(gap)).or_default();
            sources.extend(one.source.clone().filter(|source| !sources.contains(source)));
        }
    }
    shared
}
