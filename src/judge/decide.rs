//! Assessments under the policies: findings, and a verdict per prohibition that says what it rests on.
//!
//! Called by `judge`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Because, Class, Date, Effect, Evidence, Exception, Finding, IdentifierType, Judgement, LegalBasis,
    LinkKind, Looked, Milestone, Order, Phase, PolicyOutcome, Strength, Verdict, set_of,
};
use crate::ruleset::{Act, Answer, At, Authority, Embedded, Policy, Product, Prohibition, Waiver};

use super::Question;
use super::advice::advice;
use super::assess::{Assessment, Weighed};
use super::needs::needs;

/// Sightings that one finding carries at most; the rest are counted.
const MAX_EVIDENCE: usize = 500;

/// The outcome of one policy and its findings.
pub(super) fn decide(
    question: &Question<'_>,
    policy: &Policy,
    all: &[Assessment<'_>],
) -> (PolicyOutcome, Vec<Finding>) {
    let first = policy.prohibitions.iter().map(|one| effective(policy, one)).min();
    let first = first.unwrap_or(policy.effective);
    let mut findings = Vec::new();
    let mut prohibitions = Vec::new();
    for prohibition in &policy.prohibitions {
        let found: Vec<Finding> =
            all.iter().filter_map(|assessment| finding(question, policy, prohibition, assessment)).collect();
        prohibitions.push(judgement(question, policy, prohibition, &found));
        findings.extend(found);
    }
    let outcome = PolicyOutcome {
        policy: policy.id.clone(),
        title: policy.title.clone(),
        effect: policy.effect,
        phase: phase(question, first),
        effective: first,
        verdict: worst(&prohibitions),
        prohibitions,
    };
    (outcome, findings)
}

/// The worst verdict among prohibitions that could be found here; inconclusive where none could.
fn worst(prohibitions: &[Judgement]) -> Verdict {
    let asked = prohibitions.iter().filter(|judged| judged.assessable || judged.deciding > 0);
    asked.map(|judged| judged.verdict).max().unwrap_or(Verdict::Inconclusive)
}

/// The day from which a prohibition counts.
fn effective(policy: &Policy, prohibition: &Prohibition) -> Date {
    prohibition.effective.unwrap_or(policy.effective)
}

/// What a prohibition does with what counts.
fn effect(policy: &Policy, prohibition: &Prohibition) -> Effect {
    prohibition.effect.unwrap_or(policy.effect)
}

fn phase(question: &Question<'_>, effective: Date) -> Phase {
    if effective <= question.as_of { Phase::InEffect } else { Phase::NotYetInEffect }
}

/// The verdict on a prohibition: found, else not all seen, else compliant. Nothing is asked before the day.
fn judgement(
    question: &Question<'_>,
    policy: &Policy,
    prohibition: &Prohibition,
    found: &[Finding],
) -> Judgement {
    let needs = needs(question, policy, prohibition);
    let deciding = found.iter().filter(|finding| finding.decides).count();
    let effective = effective(policy, prohibition);
    let verdict = if deciding > 0 {
        Verdict::NonCompliant
    } else if effective > question.as_of || needs.unseen.is_empty() {
        Verdict::Compliant
    } else {
        Verdict::Inconclusive
    };
    Judgement {
        prohibition: prohibition.id.clone(),
        verdict,
        assessable: needs.assessable,
        deciding,
        shown: found.len() - deciding,
        waived: found.iter().filter(|finding| finding.because == Some(Because::Waived)).count(),
        phase: phase(question, effective),
        effective,
        needed: needs.sources,
        unseen: needs.unseen,
        accepted: needs.accepted,
        not_looked_for: needs.not_looked_for,
    }
}

/// The finding that an assessment makes under a prohibition, if it is of a product that is prohibited.
fn finding(
    question: &Question<'_>,
    policy: &Policy,
    prohibition: &Prohibition,
    assessment: &Assessment<'_>,
) -> Option<Finding> {
    let product = assessment.product;
    if !prohibition.covers(product) {
        return None;
    }
    let weighed = assessment.weigh(policy.min_confidence)?;
    let because = because(question, policy, prohibition, weighed);
    let waiver = waiver(question, prohibition, product).filter(|_| because.is_none());
    let because = because.or(waiver.is_some().then_some(Because::Waived));
    let mut evidence = evidence(question, assessment);
    let versions: BTreeSet<&String> = set_of(
        evidence
            .iter()
            .filter(|found| found.strength.is_some() && found.state.counts() == weighed.state.counts())
            .filter_map(|found| found.version.as_ref()),
    );
    let versions: Vec<String> = versions.into_iter().cloned().collect();
    let evidence_total = evidence.len();
    evidence.truncate(MAX_EVIDENCE);
    Some(Finding {
        policy: policy.id.clone(),
        prohibition: prohibition.id.clone(),
        product: product.id.clone(),
        product_name: product.name.clone(),
        vendor: product.vendor.clone(),
        vendor_name: vendor_name(question, product),
        class: weighed.class,
        state: weighed.state,
        confidence: weighed.confidence,
        severity: prohibition.severity,
        decides: because.is_none(),
        because,
        waiver,
        versions,
        bases: bases(question, prohibition),
        effective: effective(policy, prohibition),
        advice: advised(question, (policy, prohibition), product, weighed, &evidence),
        evidence,
        evidence_total,
    })
}

/// The next step, and the policy's own words where the product is in use.
fn advised(
    question: &Question<'_>,
    (policy, prohibition): (&Policy, &Prohibition),
    product: &Product,
    weighed: Weighed,
    evidence: &[Evidence],
) -> String {
    let in_use = weighed.state.counts() && weighed.class.counts();
    let step = if in_use && effect(policy, prohibition) == Effect::Review {
        format!("see whether {} belongs here, and who put it here", product.name)
    } else {
        advice(&product.name, weighed, evidence, question.items)
    };
    match prohibition.advice.as_ref().filter(|_| in_use) {
        Some(words) => format!("{step}. {words}"),
        None => step,
    }
}

/// Why a finding does not decide, if it does not.
fn because(
    question: &Question<'_>,
    policy: &Policy,
    prohibition: &Prohibition,
    weighed: Weighed,
) -> Option<Because> {
    if effect(policy, prohibition) == Effect::Review {
        Some(Because::ReviewOnly)
    } else if is_outside(question, prohibition) {
        Some(Because::OutsidePopulation)
    } else if effective(policy, prohibition) > question.as_of {
        Some(Because::NotInEffect)
    } else if !weighed.class.counts() {
        Some(Because::Class)
    } else if !weighed.state.counts() {
        Some(Because::NotPresent)
    } else if weighed.class == Class::Embedded && prohibition.embedded == Embedded::OutOfScope {
        Some(Because::OutOfScope)
    } else if weighed.confidence < policy.min_confidence {
        Some(Because::Confidence)
    } else {
        None
    }
}

/// Whether every authority behind a prohibition binds others than this site. A site that does not say who it is has
/// chosen the policy, and is bound by it.
fn is_outside(question: &Question<'_>, prohibition: &Prohibition) -> bool {
    let Some(site) = question.site else { return false };
    // What binds only those who export to the vendor binds nobody who has its software.
    let binds = |authority: &&Authority| authority.acts != [Act::Export];
    let authorities = prohibition.authorities.iter().filter_map(|id| question.engine.ruleset().authority(id));
    let mut authorities = authorities.filter(binds).peekable();
    authorities.peek().is_some() && authorities.all(|authority| authority.applies_to.excludes(site))
}

/// The waiver that holds for a product here and now.
fn waiver(question: &Question<'_>, prohibition: &Prohibition, product: &Product) -> Option<Exception> {
    let host = question.host.name.as_deref();
    let granted = question.granted.iter().flat_map(|granted| &granted.waivers);
    let mut waivers = question.engine.ruleset().waivers().iter().chain(granted);
    let fits = |waiver: &&Waiver| {
        waiver.answer.holds(question.as_of) && waiver.is_for(&prohibition.id, &product.id, host)
    };
    waivers.find(fits).map(|waiver| exception(&waiver.answer, &waiver.at))
}

/// An exception as the report shows it.
pub(super) fn exception(answer: &Answer, at: &At) -> Exception {
    let Answer { reason, approver, expires } = answer.clone();
    Exception { reason, approver, expires, written_at: at.to_string() }
}

fn vendor_name(question: &Question<'_>, product: &Product) -> String {
    let vendor = question.engine.ruleset().vendor(&product.vendor);
    vendor.map_or_else(|| product.vendor.clone(), |vendor| vendor.name.clone())
}

/// Every sighting, strongest first, then by kind and place.
fn evidence(question: &Question<'_>, assessment: &Assessment<'_>) -> Vec<Evidence> {
    let mut found: BTreeMap<(usize, usize), Evidence> = BTreeMap::new();
    for sign in &assessment.signs {
        let Some(blank) = blank(question, sign.item, sign.sighting, None) else { continue };
        let entry = found.entry((sign.item, sign.sighting)).or_insert(blank);
        entry.strength = entry.strength.max(Some(sign.hit.strength));
        let fields: BTreeSet<_> = set_of(entry.rests_on.iter().chain(&sign.hit.rests_on).copied());
        entry.rests_on = fields.into_iter().collect();
        entry.indicators.push(sign.hit.indicator.rule.at.to_string());
    }
    for (item, sighting, link) in &assessment.linked {
        if let Some(blank) = blank(question, *item, *sighting, Some(*link)) {
            found.entry((*item, *sighting)).or_insert(blank);
        }
    }
    let mut evidence: Vec<Evidence> = found.into_values().collect();
    let rank = |strength: Option<Strength>| std::cmp::Reverse(strength);
    evidence.order_by(|a, b| {
        let key = |e: &Evidence| (rank(e.strength), e.kind, std::cmp::Reverse(e.state), e.place.path.clone());
        key(a).cmp(&key(b))
    });
    evidence
}

/// A sighting as evidence, without what matched it.
fn blank(question: &Question<'_>, item: usize, sighting: usize, link: Option<LinkKind>) -> Option<Evidence> {
    let seen = question.items.get(item)?;
    let sighting = seen.sightings.get(sighting)?;
    let hash = seen.item.identifiers.iter().find(|one| one.kind == IdentifierType::Sha256);
    Some(Evidence {
        item: seen.item.id,
        kind: seen.item.kind,
        name: seen.item.name.clone(),
        version: seen.item.version.as_ref().map(|version| version.raw.clone()),
        publisher: seen.item.publisher.clone(),
        signer: match &seen.item.signer {
            Looked::Some(signer) => Some(signer.clone()),
            _ => None,
        },
        sha256: hash.map(|hash| hash.value.clone()),
        source: sighting.source.clone(),
        state: sighting.state,
        scope: sighting.scope.clone(),
        place: sighting.place.clone(),
        image: sighting.image.clone(),
        recorded_at: sighting.recorded_at,
        last_update: sighting.last_update,
        process: sighting.process.clone(),
        strength: None,
        rests_on: Vec::new(),
        indicators: Vec::new(),
        link,
    })
}

/// The acts behind a prohibition, as far as they have come on the day.
fn bases(question: &Question<'_>, prohibition: &Prohibition) -> Vec<LegalBasis> {
    let authorities = prohibition.authorities.iter();
    authorities
        .filter_map(|id| question.engine.ruleset().authority(id))
        .map(|authority| basis(question, authority))
        .collect()
}

fn basis(question: &Question<'_>, authority: &Authority) -> LegalBasis {
    let milestone = authority.milestone(question.as_of);
    LegalBasis {
        authority: authority.id.clone(),
        title: authority.title.clone(),
        citation: authority.citation.clone(),
        url: authority.url.clone(),
        forbids: if authority.forbids.ends_with('.') {
            format!("{} Binds {}", authority.forbids, authority.population)
        } else {
            format!("{}; binds {}", authority.forbids, authority.population)
        },
        phase: milestone.map(|milestone| milestone.text.clone()),
        since: milestone.map(|milestone| milestone.date),
        milestones: authority
            .milestones
            .iter()
            .map(|one| Milestone { date: one.date, text: one.text.clone() })
            .collect(),
    }
}
