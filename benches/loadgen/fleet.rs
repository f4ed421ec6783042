//! A fleet that is made of real scans: what a host holds follows from its number and from how often it has changed, so that
//! a hundred thousand of them are a few bytes each.

use std::collections::BTreeSet;

use interdict::model::{
    Depth, Entry, Family, HostFacts, Id, Item, ItemId, Report, RulesetStamp, ScopeAsk, Seen, SourceReport,
    SourceSet, Stamp, State, Tool, Verdict, Version,
};
use interdict::normalise::item_id;
use interdict::normalise::sets::{self, About};
use interdict::ruleset::{Choice, load};
use interdict::ship::Parcel;
use sha2::{Digest as _, Sha256};

use super::Fault;

/// Things that each host holds.
pub(super) const HELD: usize = 500;
/// Of these so many are its own; the rest is that of its image.
const OWN: usize = 50;
/// Images that hosts are installed from.
const IMAGES: u64 = 100;
/// One host of so many has something that is prohibited.
const BAD: u64 = 50;

/// A thing, as it is seen on every host that has it.
struct Thing {
    source: usize,
    id: Id,
    seen: Seen,
    entry: Entry,
}

/// What hosts of a family can hold.
pub(super) struct Pool {
    facts: HostFacts,
    tool: Tool,
    ruleset: RulesetStamp,
    rules: Id,
    policies: Vec<String>,
    led: Option<(Id, String)>,
    scope: ScopeAsk,
    depth: Depth,
    sources: Vec<(SourceReport, Id)>,
    things: Vec<Thing>,
    bad: Vec<Thing>,
    scanned_at: Stamp,
}

/// A number that looks like chance, and is the same for the same words.
pub(super) fn mix(words: &[u64]) -> u64 {
    words.iter().fold(0x9e37_79b9_7f4a_7c15, |hash, word| {
        let hash = (hash ^ word).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 32)
    })
}

/// An id that is the same for the same words.
pub(super) fn id(words: &str) -> Id {
    Id::of(&Sha256::digest(words.as_bytes()))
}

impl Pool {
    /// What hosts of a family can hold: what was really seen, and the same in other versions until there is enough.
    pub(super) fn new(family: Family, reports: &[Report], unique: usize) -> Result<Self, Fault> {
        let of_family = || reports.iter().filter(|report| report.host.family == family);
        let largest = of_family().max_by_key(|report| report.items).ok_or("no report of this family")?;
        let sources: Vec<_> =
            largest.coverage.sources.iter().map(|one| (one.clone(), sets::state_digest(one))).collect();
        let rules = largest.ruleset.digest.get(..32).and_then(|start| start.parse().ok());
        let mut pool = Self {
            facts: largest.host.clone(),
            tool: largest.tool.clone(),
            ruleset: largest.ruleset.clone(),
            rules: rules.ok_or("a report without its rules")?,
            policies: sets::policies(largest).map(str::to_owned).collect(),
            led: led(largest),
            scope: largest.claim.scope,
            depth: largest.claim.depth,
            sources,
            things: Vec::new(),
            bad: Vec::new(),
            scanned_at: largest.scanned_at,
        };
        let mut known = BTreeSet::new();
        for report in of_family() {
            pool.take(report, &mut known);
        }
        pool.vary(unique, &mut known)?;
        Ok(pool)
    }

    /// The items of a report, each as it was first seen.
    fn take(&mut self, report: &Report, known: &mut BTreeSet<ItemId>) {
        let told: BTreeSet<ItemId> =
            report.findings.iter().flat_map(|finding| &finding.evidence).map(|one| one.item).collect();
        for item in report.inventory.iter().flatten() {
            let lasting = item.sightings.iter().filter(|sighting| sighting.state != State::Running);
            let found = lasting.filter_map(|sighting| {
                let is_its = |(report, _): &(SourceReport, Id)| report.source == sighting.source;
                Some((self.sources.iter().position(is_its)?, sighting))
            });
            let Some((source, sighting)) = found.into_iter().next() else { continue };
            if !known.insert(item.item.id) {
                continue;
            }
            let seen = Seen {
                item: item.item.clone(),
                source: sighting.source.clone(),
                state: sighting.state,
                scope: sighting.scope.clone(),
                place: sighting.place.clone(),
                image: sighting.image.clone(),
                links: sighting.links.clone(),
            };
            let id = sets::seen_id(&seen);
            let entry = Entry { id, recorded_at: sighting.recorded_at, last_update: sighting.last_update };
            let thing = Thing { source, id, seen, entry };
            if told.contains(&item.item.id) { self.bad.push(thing) } else { self.things.push(thing) }
        }
    }

    fn vary(&mut self, unique: usize, known: &mut BTreeSet<ItemId>) -> Result<(), Fault> {
        let real = self.things.len();
        for round in 1_u32.. {
            let before = self.things.len();
            for at in 0..real {
                if self.things.len() >= unique {
                    return Ok(());
                }
                let thing = &self.things[at];
                let Some(version) = &thing.seen.item.version else { continue };
                let version = Version { raw: format!("{}+{round}", version.raw), scheme: version.scheme };
                let item = Item { version: Some(version), ..thing.seen.item.clone() };
                let item = Item { id: item_id(&item), ..item };
                if !known.insert(item.id) {
                    continue;
                }
                let seen = Seen { item, ..thing.seen.clone() };
                let id = sets::seen_id(&seen);
                let entry = Entry { id, ..thing.entry };
                self.things.push(Thing { source: thing.source, id, seen, entry });
            }
            if self.things.len() == before {
                break;
            }
        }
        if self.things.len() < 2 * HELD {
            return Err("the reports hold too little of this family".into());
        }
        Ok(())
    }

    /// How many different things there are.
    pub(super) fn unique(&self) -> usize {
        self.things.len() + self.bad.len()
    }

    /// Something to ask for: a name, a publisher, an id.
    pub(super) fn example(&self, at: u64) -> &Item {
        &self.things[at as usize % self.things.len()].seen.item
    }

    /// What a host holds after so many changes.
    fn holds(&self, host: u64, changes: u64) -> Vec<&Thing> {
        let (len, common) = (self.things.len() as u64, self.things.len() as u64 / 3);
        let image = mix(&[host]) % IMAGES;
        let mut at: BTreeSet<u64> = BTreeSet::new();
        for number in 0.. {
            if at.len() >= HELD - OWN {
                break;
            }
            at.insert(mix(&[1, image, number]) % common);
        }
        for slot in 0..OWN as u64 {
            // Each change is of the next slot.
            let turn = (changes + OWN as u64 - 1 - slot) / OWN as u64;
            let own = (0..).map(|again| common + mix(&[2, host, slot, turn, again]) % (len - common));
            at.extend(own.take(1_000).find(|one| !at.contains(one)));
        }
        let bad = self.is_bad(host).then(|| &self.bad[mix(&[3, host]) as usize % self.bad.len()]);
        at.into_iter().map(|at| &self.things[at as usize]).chain(bad).collect()
    }

    /// Whether a host has something that is prohibited.
    pub(super) fn is_bad(&self, host: u64) -> bool {
        !self.bad.is_empty() && host.is_multiple_of(BAD)
    }

    pub(super) fn rules(&self) -> Id {
        self.rules
    }

    /// Digest of its machine.
    pub(super) fn machine(&self, host: u64) -> Id {
        sets::machine_digest(&self.facts(host))
    }

    /// What a host is.
    pub(super) fn facts(&self, host: u64) -> HostFacts {
        HostFacts {
            name: Some(name(host)),
            machine_id: Some(id(&name(host)).to_string()),
            ..self.facts.clone()
        }
    }

    /// All that its next report says.
    pub(super) fn parcel(&self, host: u64, changes: u64, report: Id) -> Parcel {
        let facts = self.facts(host);
        let holds = self.holds(host, changes);
        let mut entries: Vec<Vec<Entry>> = vec![Vec::new(); self.sources.len()];
        for thing in &holds {
            entries[thing.source].push(thing.entry);
        }
        let sources: Vec<SourceSet> = self.sources.iter().zip(entries).map(source_set).collect();
        let about = About {
            tool: &self.tool,
            rules: self.rules,
            policies: self.policies.iter().map(String::as_str).collect(),
            led: self.led.as_ref().map(|(id, _)| *id),
            facts: &facts,
            scope: self.scope,
            depth: self.depth,
        };
        Parcel {
            report,
            scanned_at: self.scanned_at,
            inventory: sets::inventory_digest(&about, &sets::digests(&sources)),
            machine: sets::machine_digest(&facts),
            rules: self.rules,
            policies: self.policies.clone(),
            led: self.led.clone(),
            tool: self.tool.clone(),
            ruleset: self.ruleset.clone(),
            scope: self.scope,
            depth: self.depth,
            verdict: if self.is_bad(host) { Verdict::NonCompliant } else { Verdict::Compliant },
            seen: holds.iter().map(|thing| (thing.id, thing.seen.clone())).collect(),
            facts,
            sources,
        }
    }
}

fn source_set(((report, state), mut entries): (&(SourceReport, Id), Vec<Entry>)) -> SourceSet {
    entries.sort_unstable_by_key(|entry| entry.id);
    let told = sets::is_whole(report) || !entries.is_empty();
    SourceSet {
        state: *state,
        set: told.then(|| sets::set_digest(&entries)),
        entries,
        report: report.clone(),
    }
}

/// What led a scan by the built-in rules.
fn led(report: &Report) -> Option<(Id, String)> {
    let ruleset = load(&Choice { examples: false, ..Choice::default() }).ruleset?;
    let sought = ruleset.led(report).ok()?;
    Some((sought.id(), sought.text().to_owned()))
}

/// What a host is called.
pub(super) fn name(host: u64) -> String {
    format!("host-{host:06}")
}

/// That what merely runs is in no set: the same items with processes of this number say the same.
pub(super) fn churn_is_no_change(report: &Report) -> Result<(), Fault> {
    let items = report.inventory.as_ref().ok_or("a report without its items")?;
    let mut churned = items.clone();
    let mut processes = 0;
    for (at, item) in churned.iter_mut().enumerate() {
        for sighting in item.sightings.iter_mut().filter(|one| one.state == State::Running) {
            processes += 1;
            if let Some(process) = &mut sighting.process {
                process.pid = process.pid.wrapping_add(u32::try_from(at)? + 1);
            }
        }
        // One in two has ended.
        if at % 2 == 0 {
            item.sightings.retain(|one| one.state != State::Running);
        }
    }
    let digest = |items: &[_]| sets::digests(&sets::sets(items, &report.coverage, &BTreeSet::new()).sources);
    if digest(items) != digest(&churned) {
        return Err("processes that come and go are a change".into());
    }
    eprintln!("{processes} running programs of the scan come and go, and change no digest");
    Ok(())
}
