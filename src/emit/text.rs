//! Text for people: the verdict first, then findings (what, where, how sure, why, since when, what to do), then what
//! could not be seen and the next step.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Accepted, Evidence, Exception, Finding, Gap, GapReason, HostFacts, Inventory, Judgement, LegalBasis,
    Mode, Phase, PolicyOutcome, Report, Status, Unseen, Verdict,
};

use super::safe::safe;
use super::table::table;
use super::{Format, Look};

/// The format `text`.
pub(super) struct Text;

/// Evidence lines of one finding before "and n more".
const EVIDENCE_SHOWN: usize = 8;

impl Format for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn report(&self, report: &Report, look: &Look) -> String {
        let mut page = Page { text: String::new(), look: *look };
        page.verdict(report);
        let mut laws = BTreeSet::new();
        report.findings.iter().for_each(|finding| page.finding(finding, &mut laws));
        page.unseen(report);
        page.footer(report);
        page.text
    }

    fn inventory(&self, inventory: &Inventory, look: &Look) -> String {
        let mut page = Page { text: String::new(), look: *look };
        page.inventory(inventory);
        page.text
    }
}

/// Colours, as ECMA-48 select-graphic-rendition numbers.
#[derive(Clone, Copy)]
enum Ink {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Bold = 1,
    Dim = 2,
}

struct Page {
    text: String,
    look: Look,
}

impl Page {
    fn ink(&self, ink: Ink, text: &str) -> String {
        if self.look.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", ink as u8) } else { text.to_owned() }
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line with a hanging indent, wrapped at the terminal's width between words.
    fn line(&mut self, indent: usize, label: &str, text: &str) {
        let hang = indent + if label.is_empty() { 0 } else { label.len() + 1 };
        let width = usize::from(self.look.width).max(hang + 24);
        let mut column = hang;
        let shown = if label.is_empty() { String::new() } else { format!("{} ", self.ink(Ink::Dim, label)) };
        put(&mut self.text, format_args!("{:indent$}{shown}", ""));
        for (at, word) in text.split(' ').enumerate() {
            let length = word.chars().count();
            if at > 0 && column + 1 + length > width {
                put(&mut self.text, format_args!("\n{:hang$}", ""));
                column = hang;
            } else if at > 0 {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += length;
        }
        self.blank();
    }

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
        let mut seen = BTreeSet::new();
        let unseen = report.policies.iter().flat_map(in_the_way).flat_map(|judged| &judged.unseen);
        let unseen: Vec<_> = unseen.filter(|one| seen.insert((&one.source, &one.reason))).collect();
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
        let lines: BTreeSet<String> = accepted.map(accepted_line).collect();
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

    fn inventory(&mut self, inventory: &Inventory) {
        let mut table = table(&self.look, &["kind", "name", "version", "publisher", "state", "source"]);
        for seen in &inventory.items {
            let state = seen.sightings.iter().map(|sighting| sighting.state).max();
            let sources: BTreeSet<_> = seen.sightings.iter().map(|sighting| sighting.source).collect();
            table.add_row([
                seen.item.kind.word().to_owned(),
                safe(&seen.item.name).into_owned(),
                safe(seen.item.version.as_ref().map_or("", |version| &version.raw)).into_owned(),
                safe(seen.item.publisher.as_deref().unwrap_or_default()).into_owned(),
                state.map_or("", crate::model::State::word).to_owned(),
                sources.into_iter().collect::<Vec<_>>().join(", "),
            ]);
        }
        put(&mut self.text, format_args!("{table}\n"));
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

/// Appends formatted text.
fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.push_str(&what.to_string());
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

/// Prohibitions whose verdict is part of the policy's: those of which something could be found here, or all.
fn in_the_way(policy: &PolicyOutcome) -> impl Iterator<Item = &Judgement> {
    let any = policy.prohibitions.iter().any(|judged| judged.assessable);
    policy.prohibitions.iter().filter(move |judged| judged.assessable || !any)
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
    if let Some(strength) = evidence.strength {
        let word = match strength {
            crate::model::Strength::Conclusive => "conclusive",
            crate::model::Strength::Strong => "strong",
            crate::model::Strength::Weak => "weak",
        };
        put(&mut line, format_args!(" [{word}]"));
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

/// What a person can do about what could not be seen.
fn next_steps(report: &Report, unseen: &[&Unseen]) -> Vec<String> {
    let gaps = || unseen.iter().flat_map(|one| &one.gaps);
    let has = |reason: GapReason| gaps().any(|gap| gap.reason == reason);
    let mut steps = Vec::new();
    if has(GapReason::PermissionDenied) && !report.host.privileged {
        let homes = report.host.users.iter().filter(|user| !user.readable).count();
        let homes = if homes > 0 {
            format!(" to read {homes} home folder(s) and what else was denied")
        } else {
            " to read what was denied".to_owned()
        };
        steps.push(format!("run as root (sudo interdict scan){homes}, or ask less with --scope system"));
    }
    if has(GapReason::HiddenProcesses) {
        steps.push("run as root: /proc is mounted so that others' processes are hidden (hidepid)".to_owned());
    }
    if has(GapReason::RemoteMount) {
        steps.push(
            "scan the server that holds the remote file system; it is not entered from here".to_owned(),
        );
    }
    if has(GapReason::NotMounted) {
        steps.push(
            "mount the named file systems below the root (/etc/fstab lists them) and scan again".to_owned(),
        );
    }
    if has(GapReason::Overmounted) {
        steps.push(
            "run outside the sandbox (systemd: ProtectHome=no) or unmount what hides the folder".to_owned(),
        );
    }
    if has(GapReason::Budget) {
        steps.push("give it more time with --budget SECONDS".to_owned());
    }
    let broken = [
        GapReason::Truncated,
        GapReason::Malformed,
        GapReason::Missing,
        GapReason::Empty,
        GapReason::Inconsistent,
    ];
    if broken.into_iter().any(has) {
        steps.push("repair the named records (dpkg --audit, rpm --rebuilddb, …) and scan again".to_owned());
    }
    steps
}
