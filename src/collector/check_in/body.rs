//! What was sent of an inventory, taken apart: every id and every digest is computed anew, and nothing is believed.
//!
//! Called by `check_in`. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Body, Digests, Entry, Header, Id, Seen, SetSent, SourceReport, SourceSent};
use crate::normalise::item_id;
use crate::normalise::sets::{self, About};
use crate::ruleset::Sought;

use super::super::store::{Asked, Holding, KeptHost, KeptSet, KeptSource, KeptWhole};
use super::Refusal;

/// Sources that a host may have: there are a third of that for the richest system.
const MAX_SOURCES: usize = 100;
/// Bytes of a source's name: it is a key in the database.
const MAX_NAME: usize = 200;
/// Entries that all sets of a host may have: a developer's workstation that is searched deeply has a tenth.
const MAX_ENTRIES: usize = 200_000;

fn mismatch(what: impl std::fmt::Display) -> Refusal {
    Refusal::Digest(format!("{what} is not that of what was sent; send all of it"))
}

/// What a body comes to, over what is kept, and the ids that stand in it. None where what it is told against is not what is
/// kept: then the sources that have changed are asked for anew.
pub(super) fn holding(
    header: &Header,
    body: &Body,
    before: Option<&KeptHost>,
) -> Result<Option<(Holding, BTreeSet<Id>)>, Refusal> {
    let kept = |name: &str| before?.holding.sources.iter().find(|source| source.report.source == name);
    if sets::machine_digest(&body.facts) != header.machine {
        return Err(mismatch("header.machine"));
    }
    let mut sources: Vec<KeptSource> = Vec::new();
    for (name, digests) in &body.kept {
        match kept(name).filter(|kept| kept.digests() == *digests) {
            Some(kept) => sources.push(kept.clone()),
            None => return Ok(None),
        }
    }
    for sent in &body.sources {
        match source(sent, kept(&sent.report.source))? {
            Some(source) => sources.push(source),
            None => return Ok(None),
        }
    }
    let holding = Holding {
        facts: body.facts.clone(),
        asked: Asked {
            tool: body.tool.clone(),
            scope: body.scope,
            depth: body.depth,
            ruleset: body.ruleset.clone(),
            policies: body.policies.clone(),
            led: body.led,
        },
        sought: None,
        sources: in_order(sources, before),
    };
    check(header, &holding)?;
    let ids = holding.sources.iter().flat_map(|source| &source.set).flat_map(|set| &set.entries);
    let ids = ids.map(|entry| entry.id).collect();
    Ok(Some((holding, ids)))
}

/// A source as it is from now on; none where it is told against something else than what is kept.
fn source(told: &SourceSent, kept: Option<&KeptSource>) -> Result<Option<KeptSource>, Refusal> {
    let report = &told.report;
    let had = kept.and_then(|kept| kept.set.as_ref());
    let set = match &told.set {
        Some(sent) => {
            let base = had.filter(|had| Some(had.digest) == sent.base);
            if sent.base.is_some() && base.is_none() {
                return Ok(None);
            }
            Some(resolve(report, sent, base.map_or(&[][..], |had| &had.entries))?)
        }
        // A source that saw everything has a set, and it is the one that is kept.
        None if sets::is_whole(report) => match had {
            Some(had) => Some(had.clone()),
            None => return Ok(None),
        },
        None => None,
    };
    Ok(Some(KeptSource { report: report.clone(), state: sets::state_digest(report), set, whole: None }))
}

/// A set from what is new against a base.
fn resolve(report: &SourceReport, sent: &SetSent, base: &[Entry]) -> Result<KeptSet, Refusal> {
    let mut entries: BTreeMap<Id, Entry> = base.iter().map(|entry| (entry.id, *entry)).collect();
    for id in &sent.remove {
        entries.remove(id);
    }
    entries.extend(sent.add.iter().map(|entry| (entry.id, *entry)));
    let entries: Vec<Entry> = entries.into_values().collect();
    if sets::set_digest(&entries) != sent.digest {
        return Err(mismatch(format!("the digest of the set of {}", report.source)));
    }
    Ok(KeptSet { digest: sent.digest, entries })
}

/// In the order in which the sources were told first; what is new stands at the end.
fn in_order(mut sources: Vec<KeptSource>, before: Option<&KeptHost>) -> Vec<KeptSource> {
    let Some(before) = before else { return sources };
    let order = &before.holding.sources;
    let place = |source: &KeptSource| {
        order.iter().position(|old| old.report.source == source.report.source).unwrap_or(order.len())
    };
    sources.sort_by_cached_key(place);
    sources
}

fn check(header: &Header, holding: &Holding) -> Result<(), Refusal> {
    let digests: BTreeMap<String, Digests> =
        holding.sources.iter().map(|source| (source.report.source.to_string(), source.digests())).collect();
    if digests.len() != holding.sources.len() {
        return Err(Refusal::Shape("body.sources: a source is told twice".to_owned()));
    }
    if digests.keys().any(|name| name.len() > MAX_NAME || name.contains('\0')) {
        return Err(Refusal::Shape(format!(
            "body.sources: a source's name has at most {MAX_NAME} bytes, and no letter NUL"
        )));
    }
    let entries = holding.sources.iter().flat_map(|source| &source.set).map(|set| set.entries.len());
    if digests.len() > MAX_SOURCES || entries.sum::<usize>() > MAX_ENTRIES {
        return Err(Refusal::Shape(format!(
            "body.sources: more than {MAX_SOURCES} sources or {MAX_ENTRIES} entries"
        )));
    }
    let about = About {
        tool: &holding.asked.tool,
        rules: rules_id(&holding.asked.ruleset.digest)?,
        policies: holding.asked.policies.iter().map(String::as_str).collect(),
        led: holding.asked.led,
        facts: &holding.facts,
        scope: holding.asked.scope,
        depth: holding.asked.depth,
    };
    if about.rules != header.rules {
        return Err(mismatch("header.rules"));
    }
    if sets::inventory_digest(&about, &digests) != header.inventory {
        return Err(mismatch("header.inventory"));
    }
    Ok(())
}

/// The first 16 bytes of a digest that is written in hexadecimal.
fn rules_id(digest: &str) -> Result<Id, Refusal> {
    let id = digest.get(..32).and_then(|start| start.parse().ok());
    id.ok_or_else(|| Refusal::Shape("body.ruleset.digest: this is no SHA-256 in hexadecimal".to_owned()))
}

/// The bodies that were sent, and those that are kept of the host.
pub(super) fn seen(sent: &[Seen], before: Option<&KeptHost>) -> Result<BTreeMap<Id, Arc<Seen>>, Refusal> {
    let mut seen = before.map(|before| before.seen.clone()).unwrap_or_default();
    for one in sent {
        if item_id(&one.item) != one.item.id {
            return Err(mismatch(format!("the id of {} {}", one.item.kind.word(), one.item.id)));
        }
        seen.insert(sets::seen_id(one), Arc::new(one.clone()));
    }
    Ok(seen)
}

/// What led a look, where it was sent or is what led the one before; none: it has to be looked for.
pub(super) fn sought(body: &Body, before: Option<&KeptHost>) -> Result<Option<Arc<Sought>>, Refusal> {
    let Some(text) = &body.sought else {
        let kept = before.and_then(|before| before.holding.sought.clone());
        return Ok(kept.filter(|kept| Some(kept.id()) == body.led));
    };
    let sought = Sought::read(text).map_err(|error| Refusal::Shape(format!("body.sought: {error}")))?;
    if Some(sought.id()) != body.led {
        return Err(mismatch("body.led"));
    }
    Ok(Some(Arc::new(sought)))
}

/// Whether everything in a source's set was seen by that source.
pub(super) fn check_sources(holding: &Holding, seen: &BTreeMap<Id, Arc<Seen>>) -> Result<(), Refusal> {
    for source in &holding.sources {
        let entries = source.set.iter().flat_map(|set| &set.entries);
        let other = |entry: &Entry| seen.get(&entry.id).is_some_and(|one| one.source != source.report.source);
        if let Some(entry) = entries.into_iter().find(|entry| other(entry)) {
            return Err(Refusal::Shape(format!(
                "body.sources: {} was not seen by {}",
                entry.id, source.report.source
            )));
        }
    }
    Ok(())
}

/// What a source saw when it was last whole stays beside what it sees while it is not.
pub(super) fn carry_wholes(holding: &mut Holding, before: Option<&KeptHost>) {
    let Some(before) = before else { return };
    for source in &mut holding.sources {
        let old = before.holding.sources.iter().find(|old| old.report.source == source.report.source);
        let Some(old) = old.filter(|_| !sets::is_whole(&source.report)) else { continue };
        let kept = |part| {
            let set = old.set.as_ref()?;
            Some(KeptWhole { as_of: before.scanned_at, part, entries: set.entries.clone() })
        };
        source.whole = match &old.whole {
            _ if sets::is_whole(&old.report) => kept(false),
            Some(whole) if !whole.part => Some(whole.clone()),
            // Where it never was whole, the last part of it is kept while it sees nothing.
            _ if source.set.is_some() => None,
            part => kept(true).or_else(|| part.clone()),
        };
    }
}
