//! The pure comparison, on the golden reports of `tests/formats`: nothing is removed that was not seen to be gone.

use super::*;
use crate::model::{
    Accepted, Asked, Because, Confidence, Date, Depth, Exception, Finding, Gap, GapReason, HostPath,
    Inventory, InventoryItem, ItemFate, Mode, Report, Scope, ScopeAsk, ScopeKind, SourceReport, State,
    Status, Version,
};

#[path = "compare_documents_tests.rs"]
mod documents;

const GOLDEN: &[&str] = &[
    include_str!("../../tests/formats/non-compliant.json"),
    include_str!("../../tests/formats/inconclusive.json"),
    include_str!("../../tests/formats/compliant.json"),
];
const STRICT: Allow = Allow { different_hosts: false, any_order: false };
const KESL: &str = "kaspersky.endpoint-security";

fn golden(at: usize) -> Report {
    serde_json::from_str(GOLDEN[at]).unwrap()
}

/// A host with two findings, and every source of it read whole.
fn bad() -> Report {
    let mut report = golden(0);
    for source in &mut report.coverage.sources {
        source.gaps.clear();
        if source.status == Status::Partial {
            source.status = Status::Complete;
        }
    }
    report
}

/// The same host with nothing prohibited.
fn cured() -> Report {
    let mut report = bad();
    report.findings.clear();
    let is_own = |seen: &InventoryItem| seen.item.name == "base-files";
    report.inventory.as_mut().unwrap().retain(is_own);
    report.verdict = Verdict::Compliant;
    report.policies[0].verdict = Verdict::Compliant;
    report
}

fn of(before: &Report, after: &Report) -> Comparison {
    compare(&Side::of_report(before), &Side::of_report(after), STRICT).unwrap()
}

fn fates(comparison: &Comparison) -> Vec<(&str, Fate)> {
    comparison.findings.iter().map(|one| (one.product.as_str(), one.fate)).collect()
}

fn fate_of(comparison: &Comparison) -> Fate {
    comparison.findings.iter().find(|one| one.product == KESL).unwrap().fate
}

fn source<'r>(report: &'r mut Report, name: &str) -> &'r mut SourceReport {
    report.coverage.sources.iter_mut().find(|source| source.source == name).unwrap()
}

fn kesl(report: &mut Report) -> &mut Finding {
    report.findings.iter_mut().find(|finding| finding.product == KESL).unwrap()
}

type Break = (&'static str, fn(&mut SourceReport));

/// Every way in which a source can see less.
const BREAKS: &[Break] = &[
    ("failed", |source| source.status = Status::Failed),
    ("unavailable", |source| source.status = Status::Unavailable),
    ("a blocking gap", |source| source.gap(GapReason::Malformed, &HostPath::from("/x"), None, true)),
    ("another name", |source| source.source = "renamed".into()),
    ("no scope", |source| source.scopes.clear()),
];

#[test]
fn a_document_compared_with_itself_differs_in_nothing() {
    for at in 0..GOLDEN.len() {
        let report = golden(at);
        let same = of(&report, &report);
        assert!(same.findings.iter().all(|one| one.fate == Fate::Unchanged && one.trend == Trend::Same));
        assert_eq!(same.findings.len(), report.findings.len());
        assert!(same.asked.is_empty() && same.coverage.sources.is_empty() && same.items.changes.is_empty());
        assert_eq!((same.coverage.trend, same.result, same.exit_code), (Trend::Same, Comes::NothingWorse, 0));
        assert_eq!(same.items.unchanged, report.inventory.as_ref().unwrap().len());
        assert_ne!(same.clean.shown, Shown::Proven);
        let inventory = inventory_of(report);
        let side = Side::of_inventory(&inventory);
        let same = compare(&side, &side, STRICT).unwrap();
        assert!(same.items.changes.is_empty() && same.asked.is_empty(), "{same:#?}");
        assert_eq!((same.clean.shown, same.exit_code), (Shown::NotJudged, 0));
    }
}

fn inventory_of(report: Report) -> Inventory {
    Inventory {
        schema: crate::model::INVENTORY_SCHEMA.into(),
        tool: report.tool,
        scanned_at: report.scanned_at,
        elapsed_ms: 1,
        host: report.host,
        depth: Some(report.claim.depth),
        coverage: report.coverage,
        items: report.inventory.unwrap_or_default(),
    }
}

#[test]
fn what_every_source_saw_gone_is_removed_and_proven() {
    let comparison = of(&bad(), &cured());
    assert_eq!(fates(&comparison), [(KESL, Fate::Removed), ("kaspersky.network-agent", Fate::Removed)]);
    assert_eq!(comparison.clean.shown, Shown::Proven, "{:?}", comparison.clean);
    assert_eq!(comparison.clean.because, ["all of it was seen again by dpkg, opt"]);
    assert_eq!((comparison.result, comparison.exit_code), (Comes::NothingWorse, 0));
    assert!(comparison.items.changes.iter().all(|item| item.fate == ItemFate::Removed));
    assert_eq!((comparison.items.changes.len(), comparison.items.unchanged), (4, 1));
}

#[test]
fn a_proof_names_what_is_left() {
    let mut after = cured();
    after.findings = vec![bad().findings[1].clone()];
    let clean = of(&bad(), &after).clean;
    assert_eq!(clean.shown, Shown::Proven);
    assert!(
        clean.because[1].contains("Network Agent is here, and does not count: only leftovers"),
        "{clean:?}"
    );
}

#[test]
fn every_source_that_sees_less_takes_its_own_out_of_what_is_removed() {
    let before = bad();
    let names: Vec<String> = before.coverage.sources.iter().map(|one| one.source.to_string()).collect();
    for (name, (how, breaks)) in names.iter().flat_map(|name| BREAKS.iter().map(move |one| (name, one))) {
        let mut after = cured();
        breaks(source(&mut after, name));
        let comparison = of(&before, &after);
        let rested = |finding: &&Finding| finding.evidence.iter().any(|one| one.source == name.as_str());
        for finding in &comparison.findings {
            let old = before.findings.iter().find(|old| old.product == finding.product).unwrap();
            let hidden = rested(&old);
            let expected = if hidden { Fate::NotReVerified } else { Fate::Removed };
            assert_eq!(finding.fate, expected, "{name}, {how}: {}", finding.product);
            assert_eq!(finding.reasons.is_empty(), !hidden);
        }
        let any = before.findings.iter().any(|finding| rested(&finding));
        assert_eq!(comparison.clean.shown == Shown::Proven, !any, "{name}, {how}");
        for item in &comparison.items.changes {
            let hidden = item.before.as_ref().unwrap().sources.contains(name);
            let expected = if hidden { ItemFate::NotReVerified } else { ItemFate::Removed };
            assert_eq!(item.fate, expected, "{name}, {how}: {}", item.name);
        }
        assert_eq!((comparison.coverage.trend, comparison.exit_code), (Trend::Worse, 3), "{name}, {how}");
    }
}

/// A narrower question.
type Narrow = (Asked, fn(&mut Report));

/// A narrower look, however each source ended.
#[test]
fn a_narrower_look_removes_nothing() {
    let before = bad();
    let narrow: &[Narrow] = &[
        (Asked::Depth, |after| after.claim.depth = Depth::Quick),
        (Asked::Rights, |after| after.host.privileged = false),
        (Asked::Tool, |after| after.tool.version = "0.0.9".into()),
    ];
    for (what, narrow) in narrow {
        let mut after = cured();
        narrow(&mut after);
        let comparison = of(&before, &after);
        assert!(comparison.findings.iter().all(|one| one.fate == Fate::NotReVerified), "{comparison:#?}");
        assert!(comparison.items.changes.iter().all(|one| one.fate == ItemFate::NotReVerified));
        assert_eq!(comparison.asked.iter().map(|one| one.what).collect::<Vec<_>>(), [*what]);
        assert_eq!((comparison.clean.shown, comparison.exit_code), (Shown::NotShown, 3));
        // Wider is no less.
        let back = of(
            &{
                let mut before = bad();
                narrow(&mut before);
                before
            },
            &cured(),
        );
        assert_eq!((fate_of(&back), back.exit_code), (Fate::Removed, 0), "{what:?}");
    }
}

#[test]
fn a_source_that_never_looks_at_users_is_not_narrowed_by_the_scope() {
    let mut after = cured();
    after.claim.scope = ScopeAsk::System;
    for source in &mut after.coverage.sources {
        source.scopes.retain(|scope| *scope == ScopeKind::Machine);
    }
    let comparison = of(&bad(), &after);
    assert_eq!(fate_of(&comparison), Fate::Removed);
    assert_eq!(
        (comparison.clean.shown, comparison.exit_code),
        (Shown::NotShown, 3),
        "users were not looked at"
    );
    let mut before = bad();
    kesl(&mut before).evidence[0].source = "autostart".into();
    assert_eq!(fate_of(&of(&before, &after)), Fate::NotReVerified);
}

#[test]
fn a_users_evidence_needs_the_same_user() {
    let mut before = bad();
    let alice = before.host.users.iter().find(|user| user.name == "alice").unwrap().n;
    kesl(&mut before).evidence[0].scope = Scope::User(alice);
    assert_eq!(fate_of(&of(&before, &cured())), Fate::Removed);
    let mut after = cured();
    after.host.users.reverse();
    after.host.users.iter_mut().zip(1..).for_each(|(user, n)| user.n = n);
    assert_eq!(fate_of(&of(&before, &after)), Fate::Removed, "numbers are those of one report");
    let mut locked = cured();
    locked.host.users.iter_mut().for_each(|user| user.readable = false);
    assert_eq!(fate_of(&of(&before, &locked)), Fate::NotReVerified);
    let mut gone = cured();
    gone.host.users.retain(|user| user.name != "alice");
    let comparison = of(&before, &gone);
    assert_eq!(fate_of(&comparison), Fate::NotReVerified);
    let users = comparison.asked.iter().find(|one| one.what == Asked::Users).unwrap();
    assert!(users.before.contains("alice"), "{users:?}");
}

#[test]
fn a_dead_disk_says_nothing_of_what_ran() {
    let mut before = bad();
    before.host.mode = Mode::Live;
    source(&mut before, "processes").status = Status::Complete;
    let evidence = &mut kesl(&mut before).evidence[1];
    (evidence.source, evidence.state) = ("processes".into(), State::Running);
    let comparison = of(&before, &cured());
    assert_eq!(fate_of(&comparison), Fate::NotReVerified, "{comparison:#?}");
    let mut live = cured();
    live.host.mode = Mode::Live;
    source(&mut live, "processes").status = Status::Complete;
    assert_eq!(fate_of(&of(&before, &live)), Fate::Removed);
    source(&mut live, "processes").gap(GapReason::KernelThread, &HostPath::from("/proc/2"), None, false);
    assert_eq!(fate_of(&of(&before, &live)), Fate::Removed, "a kernel thread hides nothing that counts");
}

#[test]
fn a_record_that_lost_all_it_had_removed_nothing() {
    for status in [Status::Complete, Status::NotApplicable] {
        let mut after = cured();
        let dpkg = source(&mut after, "dpkg");
        (dpkg.status, dpkg.records) = (status, 0);
        let comparison = of(&bad(), &after);
        assert_eq!((fate_of(&comparison), comparison.exit_code), (Fate::NotReVerified, 3));
        assert_eq!(comparison.coverage.sources[0].trend, Trend::Worse);
    }
    // What is no record of installations may go whole: the last program below /opt was this one.
    let mut after = cured();
    let opt = source(&mut after, "opt");
    (opt.status, opt.records) = (Status::NotApplicable, 0);
    assert_eq!(fate_of(&of(&bad(), &after)), Fate::Removed);
    after.host.os.unread = Some("cut off".into());
    assert_eq!(fate_of(&of(&bad(), &after)), Fate::NotReVerified, "nobody knows what must be there");
}

#[test]
fn what_is_not_asked_any_more_is_not_removed() {
    let mut after = cured();
    after.policies[0].prohibitions.clear();
    let comparison = of(&bad(), &after);
    assert_eq!((fate_of(&comparison), comparison.exit_code), (Fate::NoLongerAsked, 3));
    let mut after = cured();
    after.policies.clear();
    assert_eq!(fate_of(&of(&bad(), &after)), Fate::NoLongerAsked);
    // The software is there, and the rules of AFTER do not find it.
    let mut after = bad();
    after.findings.clear();
    after.ruleset.digest = "other".into();
    let comparison = of(&bad(), &after);
    assert_eq!((fate_of(&comparison), comparison.clean.shown), (Fate::NoLongerAsked, Shown::NotShown));
    after.ruleset.digest = bad().ruleset.digest;
    assert_eq!(fate_of(&of(&bad(), &after)), Fate::NotReVerified, "the same rules cannot lose it");
}

#[test]
fn other_rules_prove_only_what_they_do_not_lead() {
    let mut after = cured();
    after.ruleset.digest = "other".into();
    let comparison = of(&bad(), &after);
    assert_eq!(fate_of(&comparison), Fate::NotReVerified, "/opt is looked at as rules name it");
    assert_eq!(comparison.findings[1].fate, Fate::Removed, "dpkg's records are the same for all rules");
    after.inventory = None;
    let comparison = of(&bad(), &after);
    assert!(comparison.findings.iter().all(|one| one.fate == Fate::NotReVerified));
    assert!(comparison.items.not_compared.unwrap().contains("--with-inventory"));
}

#[test]
fn new_open_again_and_worse_findings_end_with_1() {
    let comparison = of(&cured(), &bad());
    assert_eq!(fates(&comparison), [(KESL, Fate::New), ("kaspersky.network-agent", Fate::New)]);
    assert_eq!((comparison.result, comparison.exit_code), (Comes::Worse, 1));
    assert!(comparison.findings.iter().all(|one| one.reasons.is_empty()));
    let mut leftovers = cured();
    leftovers.findings = vec![bad().findings[1].clone()];
    assert_eq!(of(&cured(), &leftovers).exit_code, 0, "leftovers do not decide");
    for because in [Because::Waived, Because::NotPresent, Because::NotInEffect] {
        let mut before = bad();
        (kesl(&mut before).decides, kesl(&mut before).because) = (false, Some(because));
        let comparison = of(&before, &bad());
        assert_eq!((fate_of(&comparison), comparison.exit_code), (Fate::Reopened, 1), "{because:?}");
    }
    let lower: &[fn(&mut Finding)] = &[
        |one| one.state = State::Present,
        |one| one.confidence = Confidence::Probable,
        |one| one.severity = crate::model::Severity::Low,
    ];
    for lower in lower {
        let mut before = bad();
        lower(kesl(&mut before));
        let comparison = of(&before, &bad());
        assert_eq!((fate_of(&comparison), comparison.exit_code), (Fate::Changed, 1));
        assert_eq!(comparison.findings[0].trend, Trend::Worse);
    }
}

#[test]
fn what_is_new_may_have_been_there_unseen() {
    let mut blind = cured();
    source(&mut blind, "dpkg").status = Status::Failed;
    source(&mut blind, "opt").status = Status::Failed;
    let comparison = of(&blind, &bad());
    assert!(comparison.findings[0].reasons[0].starts_with("it may have been there before: dpkg failed"));
    assert!(comparison.items.changes.iter().all(|one| one.reasons[0].starts_with("it may have been there")));
    source(&mut blind, "dpkg").status = Status::Complete;
    assert!(of(&blind, &bad()).findings[0].reasons.is_empty(), "the package itself was seen to be absent");
    let mut other = cured();
    other.ruleset.digest = "other".into();
    other.inventory = bad().inventory;
    assert!(of(&other, &bad()).findings[0].reasons[0].contains("was there in BEFORE"));
}

#[test]
fn a_finding_is_closed_by_what_closes_it() {
    let mut after = bad();
    after.verdict = Verdict::Compliant;
    let found = kesl(&mut after);
    (found.decides, found.because) = (false, Some(Because::Waived));
    let expires: Date = "2027-01-01".parse().unwrap();
    found.waiver = Some(Exception {
        reason: "until it is replaced".into(),
        approver: "ciso".into(),
        expires,
        written_at: "w.toml:1:1".into(),
    });
    let comparison = of(&bad(), &after);
    assert_eq!((fate_of(&comparison), comparison.exit_code), (Fate::Waived, 0));
    assert!(comparison.findings[0].reasons[0].contains("ciso"));
    assert_eq!(comparison.clean.shown, Shown::NotShown, "a waiver makes nothing clean");
    kesl(&mut after).because = Some(Because::NotInEffect);
    assert_eq!(fate_of(&of(&bad(), &after)), Fate::NotInEffect);
    kesl(&mut after).because = Some(Because::ReviewOnly);
    assert_eq!((fate_of(&of(&bad(), &after)), of(&bad(), &after).exit_code), (Fate::NoLongerAsked, 3));
}

#[test]
fn less_of_a_finding_is_proven_too() {
    let mut after = bad();
    let found = kesl(&mut after);
    found.evidence.remove(1);
    found.evidence_total = 1;
    found.evidence[0].state = State::Remnant;
    (found.state, found.decides, found.because) = (State::Remnant, false, Some(Because::NotPresent));
    let comparison = of(&bad(), &after);
    assert_eq!((fate_of(&comparison), comparison.exit_code), (Fate::OnlyLeftovers, 0));
    source(&mut after, "opt").status = Status::Failed;
    let comparison = of(&bad(), &after);
    assert_eq!((fate_of(&comparison), comparison.exit_code), (Fate::NotReVerified, 3));
    source(&mut after, "opt").status = Status::Complete;
    (kesl(&mut after).state, kesl(&mut after).because) = (State::Installed, Some(Because::Confidence));
    assert_eq!(fate_of(&of(&bad(), &after)), Fate::LessSure);
}

#[test]
fn a_finding_that_carries_a_part_of_its_sightings_needs_every_source() {
    let mut before = bad();
    kesl(&mut before).evidence_total = 600;
    assert_eq!(fate_of(&of(&before, &cured())), Fate::Removed);
    let mut after = cured();
    source(&mut after, "accounts").status = Status::Failed;
    assert_eq!(fate_of(&of(&before, &after)), Fate::NotReVerified);
    assert_eq!(fate_of(&of(&bad(), &after)), Fate::Removed);
}

#[test]
fn leftovers_may_hide_behind_minor_gaps() {
    let mut after = cured();
    source(&mut after, "dpkg").gap(GapReason::Missing, &HostPath::from("/x"), None, false);
    let comparison = of(&bad(), &after);
    assert_eq!(
        fates(&comparison),
        [("kaspersky.network-agent", Fate::NotReVerified), (KESL, Fate::Removed),]
    );
}

#[test]
fn an_accepted_gap_is_a_gap() {
    let mut after = cured();
    source(&mut after, "opt").gap(GapReason::LinkLoop, &HostPath::from("/opt/loop"), None, true);
    let gap: Gap = source(&mut after, "opt").gaps[0].clone();
    let exception = golden(0).policies[0].prohibitions[0].accepted[0].exception.clone();
    let accepted = Accepted { source: "opt".into(), gap: Some(gap), exception };
    after.policies[0].prohibitions[0].accepted.push(accepted);
    assert_eq!(fate_of(&of(&bad(), &after)), Fate::NotReVerified, "to put up with it is not to see");
}

#[test]
fn coverage_says_which_way_it_went() {
    let mut after = bad();
    source(&mut after, "opt").gap(GapReason::LinkLoop, &HostPath::from("/opt/loop"), None, true);
    let worse = of(&bad(), &after).coverage;
    assert_eq!((worse.trend, worse.sources.len(), worse.sources[0].gaps.len()), (Trend::Worse, 1, 1));
    assert_eq!(of(&after, &bad()).coverage.trend, Trend::Better);
    let mut more = after.clone();
    source(&mut more, "opt").gap(GapReason::LinkLoop, &HostPath::from("/opt/loop2"), None, true);
    assert_eq!(of(&after, &more).coverage.trend, Trend::Worse);
    assert_eq!(of(&more, &after).coverage.trend, Trend::Better);
    let mut minor = bad();
    source(&mut minor, "opt").gap(GapReason::Vanished, &HostPath::from("/opt/x"), None, false);
    let coverage = of(&bad(), &minor).coverage;
    assert_eq!((coverage.trend, coverage.sources[0].trend), (Trend::Same, Trend::Same));
}

#[test]
fn a_verdict_that_is_not_shown_any_more_ends_with_3() {
    let mut after = cured();
    after.verdict = Verdict::Inconclusive;
    let comparison = of(&bad(), &after);
    assert_eq!((fate_of(&comparison), comparison.clean.shown), (Fate::Removed, Shown::NotShown));
    assert_eq!(comparison.exit_code, 3);
    assert_eq!(
        of(&golden(1), &golden(1)).exit_code,
        0,
        "it was not shown before either, and nothing is worse"
    );
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Whatever became of the sources: what is closed as removed was seen to be gone, told by other words than the code's.
#[test]
fn removed_means_seen() {
    let (before, cured) = (bad(), cured());
    let (mut dice, mut removed, mut kept) = (Dice(0x9E37_79B9_7F4A_7C15), 0, 0);
    for _ in 0..2_000 {
        let mut after = if dice.roll(3) == 0 { before.clone() } else { cured.clone() };
        if dice.roll(2) == 0 {
            after.findings.clear();
        }
        for _ in 0..dice.roll(4) {
            let at = dice.roll(after.coverage.sources.len());
            let (_, breaks) = BREAKS[dice.roll(BREAKS.len())];
            breaks(&mut after.coverage.sources[at]);
        }
        let comparison = of(&before, &after);
        let whole = |name: &str| {
            let mut sources = after.coverage.sources.iter();
            sources.any(|one| one.source == name && one.status == Status::Complete && !one.scopes.is_empty())
        };
        for one in &comparison.findings {
            let gone = one.fate == Fate::Removed;
            let sources = &one.before.as_ref().unwrap().sources;
            assert!(!gone || sources.iter().all(|name| whole(name)), "{one:#?}");
            assert!(!gone || one.after.is_none());
            removed += usize::from(gone);
            kept += usize::from(one.fate == Fate::NotReVerified);
        }
        for item in comparison.items.changes.iter().filter(|item| item.fate == ItemFate::Removed) {
            assert!(item.before.as_ref().unwrap().sources.iter().all(|name| whole(name)), "{item:#?}");
        }
        let proven = comparison.clean.shown == Shown::Proven;
        assert!(!proven || comparison.findings.iter().all(|one| one.fate == Fate::Removed));
    }
    assert!(removed > 500 && kept > 500, "{removed} removed, {kept} not re-verified");
}
