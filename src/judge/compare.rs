//! Two looks at a host, and what lies between them. Pure: two documents in, one out.
//!
//! Called by `cli`, and for a fleet by whoever keeps its reports. One rule holds everywhere here: what is not there any
//! more is gone only where every source that had shown it saw all of its part again, in the same or a wider scope and
//! depth, with the same or more rights; anything else is not re-verified, with the reason.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    AskedChange, Because, COMPARISON_SCHEMA, Clean, Comes, Compared, Comparison, Fate, FindingChange,
    ItemChanges, ItemFate, Order, PolicyChange, Shown, Stamp, Tool, Trend, Verdict,
};

mod asked;
mod coverage;
mod findings;
mod items;
mod side;
mod sight;

pub use side::{Kept, Side};

use sight::Pair;

/// What is put up with although it makes a comparison doubtful.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allow {
    /// Documents of two hosts: nothing is then removed, it is only not there.
    pub different_hosts: bool,
    /// BEFORE's clock is later than AFTER's.
    pub any_order: bool,
}

/// Why two documents cannot be compared.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum Incomparable {
    /// They are of two hosts.
    #[error(
        "BEFORE is of {before} and AFTER is of {after}: two hosts are not one host at two times; \
         --different-hosts compares them all the same"
    )]
    Hosts {
        /// The one.
        before: String,
        /// The other.
        after: String,
    },
    /// They stand the wrong way round.
    #[error(
        "BEFORE was scanned at {before}, which is later than AFTER ({after}): put the older one first; \
         --any-order believes the order and not the clocks"
    )]
    Order {
        /// When BEFORE was scanned.
        before: Stamp,
        /// When AFTER was scanned.
        after: Stamp,
    },
    /// A report and an inventory, and the report has no items: they have nothing in common.
    #[error(
        "{0} is a report without its items, and the other is an inventory without findings: there is nothing to compare; \
         scan with --with-inventory"
    )]
    NothingInCommon(&'static str),
}

/// Compares two documents.
pub fn compare(before: &Side<'_>, after: &Side<'_>, allow: Allow) -> Result<Comparison, Incomparable> {
    let same_host = before.is_same_host(after);
    if !same_host && !allow.different_hosts {
        return Err(Incomparable::Hosts { before: before.host_words(), after: after.host_words() });
    }
    if before.scanned_at > after.scanned_at && !allow.any_order {
        return Err(Incomparable::Order { before: before.scanned_at, after: after.scanned_at });
    }
    for (side, other, name) in [(before, after, "BEFORE"), (after, before, "AFTER")] {
        if side.judged.is_some() && other.judged.is_none() && side.items.is_none() {
            return Err(Incomparable::NothingInCommon(name));
        }
    }
    let asked = asked::changes(before, after);
    let pair = Pair::new(before, after, same_host);
    let coverage = coverage::changes(before, after, asked.iter().any(|one| one.trend == Trend::Worse));
    let findings = findings::changes(&pair);
    let items = items::changes(&pair);
    let clean = clean(&pair, &findings, &asked);
    let result = comes_to(before, after, &findings, coverage.trend);
    Ok(Comparison {
        schema: COMPARISON_SCHEMA.into(),
        tool: Tool::SELF,
        before: head(before),
        after: head(after),
        same_host,
        result,
        exit_code: result.exit_code(),
        text: text(result, &findings, &items, coverage.trend),
        clean,
        policies: policies(before, after),
        asked,
        coverage,
        findings,
        items,
        notes: notes(before, after, same_host),
    })
}

/// What became of each finding of a host since an earlier report, for whoever keeps its findings.
pub fn fates(before: &Side<'_>, after: &Side<'_>) -> Vec<FindingChange> {
    let pair = Pair::new(before, after, true);
    findings::changes(&Pair { name: "the last report", other: "the report that showed it", ..pair })
}

fn head(side: &Side<'_>) -> Compared {
    Compared {
        schema: side.schema.to_owned(),
        tool: side.tool.clone(),
        scanned_at: side.scanned_at,
        host: side.host.name.clone(),
        machine_id: side.host.machine_id.clone(),
        os: side.os_words(),
        verdict: side.judged.as_ref().map(|judged| judged.verdict),
        ruleset: side.judged.as_ref().map(|judged| judged.ruleset.to_owned()),
    }
}

fn policies(before: &Side<'_>, after: &Side<'_>) -> Vec<PolicyChange> {
    let (Some(before), Some(after)) = (&before.judged, &after.judged) else { return Vec::new() };
    let mut changes: BTreeMap<&str, PolicyChange> = BTreeMap::new();
    let blank = |policy: &str| PolicyChange { policy: policy.to_owned(), before: None, after: None };
    for outcome in before.policies {
        let change = changes.entry(&outcome.policy).or_insert_with(|| blank(&outcome.policy));
        change.before = change.before.max(Some(outcome.verdict));
    }
    for outcome in after.policies {
        let change = changes.entry(&outcome.policy).or_insert_with(|| blank(&outcome.policy));
        change.after = change.after.max(Some(outcome.verdict));
    }
    changes.into_values().collect()
}

/// What the exit code rests on: a finding that decides and is new, open again or worse; else anything that was seen less
/// well, or could be seen and is not shown any more.
fn comes_to(before: &Side<'_>, after: &Side<'_>, findings: &[FindingChange], coverage: Trend) -> Comes {
    if findings.iter().any(is_worse) {
        return Comes::Worse;
    }
    let open = |one: &FindingChange| {
        let decided = one.before.as_ref().is_some_and(|before| before.decides);
        decided && matches!(one.fate, Fate::NotReVerified | Fate::NoLongerAsked)
    };
    let verdict = |side: &Side<'_>| side.judged.as_ref().map(|judged| judged.verdict);
    let lost = verdict(after) == Some(Verdict::Inconclusive)
        && verdict(before).is_some_and(|verdict| verdict != Verdict::Inconclusive);
    if coverage == Trend::Worse || lost || findings.iter().any(open) {
        return Comes::LessSeen;
    }
    Comes::NothingWorse
}

/// Whether a finding is worse: only one that decides now can be.
fn is_worse(finding: &FindingChange) -> bool {
    finding.after.as_ref().is_some_and(|after| after.decides) && finding.trend == Trend::Worse
}

/// Whether the host is shown to be clean of what was found before.
fn clean(pair: &Pair<'_>, findings: &[FindingChange], asked: &[AskedChange]) -> Clean {
    let (Some(before), Some(after)) = (&pair.from.judged, &pair.to.judged) else {
        return Clean { shown: Shown::NotJudged, because: Vec::new() };
    };
    if before.findings.is_empty() {
        return Clean { shown: Shown::NothingToShow, because: Vec::new() };
    }
    let mut because = Vec::new();
    if !pair.same_host {
        because.push("AFTER is of another host".to_owned());
    }
    let worse = asked.iter().filter(|one| one.trend == Trend::Worse);
    because
        .extend(worse.map(|one| format!("{}: {} before, {} after", one.what.words(), one.before, one.after)));
    for finding in findings {
        let there = finding.after.as_ref().filter(|side| side.state.counts() && side.class.counts());
        let open = matches!(finding.fate, Fate::NotReVerified | Fate::NoLongerAsked | Fate::OtherHost);
        if let Some(side) = there {
            because.push(format!("{} is here ({})", finding.product_name, side.state.word()));
        } else if open {
            because.push(format!("{} is {}", finding.product_name, finding.fate.words()));
        }
    }
    let evidence = || before.findings.iter().flat_map(|finding| pair.evidence_of(finding));
    because.extend(evidence().filter_map(|seen| pair.blind(&seen)));
    if after.verdict != Verdict::Compliant {
        because.push(format!("the verdict is {}", after.verdict.word()));
    }
    keep_first(&mut because);
    if !because.is_empty() {
        return Clean { shown: Shown::NotShown, because };
    }
    let mut sources: Vec<String> = evidence().map(|seen| seen.source.to_owned()).collect();
    sources.order();
    sources.dedup();
    let mut because = vec![format!("all of it was seen again by {}", sources.join(", "))];
    let left = findings.iter().filter_map(|finding| Some((finding, finding.after.as_ref()?)));
    because.extend(left.map(|(finding, side)| {
        let why = side.because.map_or("does not decide", Because::words);
        format!("{} is here, and does not count: {why}", finding.product_name)
    }));
    Clean { shown: Shown::Proven, because }
}

/// Leaves each text once, where it stands first.
fn keep_first(texts: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}

fn text(result: Comes, findings: &[FindingChange], items: &ItemChanges, coverage: Trend) -> String {
    let mut parts = Vec::new();
    let mut fates: BTreeMap<Fate, usize> = BTreeMap::new();
    for finding in findings {
        *fates.entry(finding.fate).or_default() += 1;
    }
    parts.extend(fates.iter().map(|(fate, count)| format!("{count} {}", fate.words())));
    let mut said = vec![match parts.len() {
        0 => "no findings".to_owned(),
        _ => format!("findings: {}", parts.join(", ")),
    }];
    if items.not_compared.is_none() {
        let mut fates: BTreeMap<ItemFate, usize> = BTreeMap::new();
        for item in &items.changes {
            *fates.entry(item.fate).or_default() += 1;
        }
        let mut parts: Vec<String> =
            fates.iter().map(|(fate, count)| format!("{count} {}", fate.words())).collect();
        parts.push(format!("{} unchanged", items.unchanged));
        said.push(format!("items: {}", parts.join(", ")));
    }
    match coverage {
        Trend::Worse => said.push("less could be seen than before".to_owned()),
        Trend::Better => said.push("more could be seen than before".to_owned()),
        Trend::Same => {}
    }
    format!("{}: {}", result.words(), said.join("; "))
}

fn notes(before: &Side<'_>, after: &Side<'_>, same_host: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let known = |side: &Side<'_>| side.host.machine_id.is_some();
    if same_host && !(known(before) && known(after)) {
        notes.push(match before.host.name {
            Some(_) => "nothing but the name says that both are of one host: one of them tells no machine id"
                .to_owned(),
            None => "nothing says that both are of one host: neither tells a name, nor both a machine id"
                .to_owned(),
        });
    }
    if before.scanned_at > after.scanned_at {
        notes.push(
            "the clock of BEFORE is later than that of AFTER; the order of the arguments was believed"
                .to_owned(),
        );
    }
    notes
}

/// Worse ones first, then by fate, then by name.
fn in_order(findings: &mut [FindingChange]) {
    findings.order_by(|a, b| {
        let key = |one: &FindingChange| (Reverse(is_worse(one)), one.fate);
        key(a).cmp(&key(b)).then_with(|| {
            (&a.policy, &a.prohibition, &a.product).cmp(&(&b.policy, &b.prohibition, &b.product))
        })
    });
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
