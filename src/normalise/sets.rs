//! An inventory as sets: what each source saw, by ids that are the same on every host, with digests that do not move while
//! nothing changes. And back.
//!
//! Called by `cli` before a report is sent, and by `collector` for what it was sent. Pure. What is hashed, and in which
//! order, is a contract between endpoints and collectors of different versions; golden vectors hold it. A list has its length
//! before it.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::model::{
    Coverage, Depth, Digests, Entry, Gap, HostFacts, HostPath, Id, InventoryItem, ItemId, LinkKind, Mode,
    Order, Place, Report, Scope, ScopeAsk, ScopeKind, Seen, Sighting, SourceReport, SourceSet, Stamp, State,
    Status, Tool, set_of,
};

use super::identity::item_id;

const SEEN: &str = "interdict.seen/1";
const SET: &str = "interdict.set/1";
const STATE: &str = "interdict.source/1";
const INVENTORY: &str = "interdict.inventory-digest/1";
const MACHINE: &str = "interdict.machine/1";

/// What is sent of a look, and the bodies behind the ids.
#[derive(Debug, Default)]
pub struct Sets {
    /// Every source, in the order of the report.
    pub sources: Vec<SourceSet>,
    /// What the ids of the entries stand for.
    pub seen: BTreeMap<Id, Seen>,
}

/// Splits a look into the sets of its sources. What merely runs comes and goes, and is in no set, unless it is an item that
/// takes part in a finding (`told`).
pub fn sets(items: &[InventoryItem], coverage: &Coverage, told: &BTreeSet<ItemId>) -> Sets {
    let mut by_source: BTreeMap<&str, BTreeMap<Id, Entry>> = BTreeMap::new();
    let mut seen = BTreeMap::new();
    for item in items {
        for sighting in &item.sightings {
            if sighting.state == State::Running && !told.contains(&item.item.id) {
                continue;
            }
            let one = seen_of(item, sighting);
            let id = seen_id(&one);
            let entry = Entry { id, recorded_at: sighting.recorded_at, last_update: sighting.last_update };
            let entries = by_source.entry(sighting.source.as_ref()).or_default();
            entries.entry(id).and_modify(|had| *had = later(*had, entry)).or_insert(entry);
            seen.insert(id, one);
        }
    }
    let sources = coverage.sources.iter().map(|report| {
        let entries = by_source.remove(report.source.as_ref()).unwrap_or_default();
        let entries: Vec<Entry> = entries.into_values().collect();
        let set = (is_whole(report) || !entries.is_empty()).then(|| set_digest(&entries));
        SourceSet { state: state_digest(report), set, entries, report: report.clone() }
    });
    Sets { sources: sources.collect(), seen }
}

/// Whether what a source saw is all there was to see: only then may it replace what it saw before.
pub fn is_whole(report: &SourceReport) -> bool {
    match report.status {
        Status::Complete | Status::NotApplicable => true,
        Status::Partial => !report.has_blocking_gap(),
        Status::Failed | Status::Unavailable => false,
    }
}

/// The items of a host from what its sources saw, by kind and name: what [`sets`] was made of, but for what merely ran.
pub fn items<'a>(entries: impl IntoIterator<Item = (&'a Entry, &'a Seen)>) -> Vec<InventoryItem> {
    let mut items: BTreeMap<ItemId, InventoryItem> = BTreeMap::new();
    for (entry, seen) in entries {
        let new = || InventoryItem { item: seen.item.clone(), sightings: Vec::new() };
        items.entry(seen.item.id).or_insert_with(new).sightings.push(Sighting {
            source: seen.source.clone(),
            state: seen.state,
            scope: seen.scope.clone(),
            place: seen.place.clone(),
            image: seen.image.clone(),
            recorded_at: entry.recorded_at,
            last_update: entry.last_update,
            process: None,
            links: seen.links.clone(),
        });
    }
    let mut items: Vec<_> = items.into_values().collect();
    items
        .order_by(|a, b| (a.item.kind, &a.item.name, a.item.id).cmp(&(b.item.kind, &b.item.name, b.item.id)));
    items
}

fn seen_of(item: &InventoryItem, sighting: &Sighting) -> Seen {
    Seen {
        item: item.item.clone(),
        source: sighting.source.clone(),
        state: sighting.state,
        scope: sighting.scope.clone(),
        place: if sighting.state == State::Running {
            place_of_running(sighting)
        } else {
            sighting.place.clone()
        },
        image: sighting.image.clone(),
        links: sighting.links.clone(),
    }
}

/// Where a program runs: its file, for the number of its process is another one the next time.
fn place_of_running(sighting: &Sighting) -> Place {
    let path = sighting.image.as_ref().map(|image| image.path.clone());
    Place::file(path.unwrap_or_else(|| HostPath::new(without_number(sighting.place.path.as_bytes()))))
}

/// The place of a process without its number: `/proc/812/exe` as `/proc`, `process 812 (avp.exe)` as `process (avp.exe)`.
fn without_number(place: &[u8]) -> Vec<u8> {
    let numbered = |rest: &[u8]| rest.first().is_some_and(u8::is_ascii_digit);
    if place.strip_prefix(b"/proc/").is_some_and(numbered) {
        return b"/proc".to_vec();
    }
    match place.strip_prefix(b"process ").filter(|rest| numbered(rest)) {
        Some(rest) => {
            let name = rest.iter().skip_while(|byte| byte.is_ascii_digit());
            b"process".iter().chain(name).copied().collect()
        }
        None => place.to_vec(),
    }
}

/// Of two that differ by their dates alone, the later.
fn later(one: Entry, other: Entry) -> Entry {
    let date = |entry: &Entry| (entry.recorded_at.value, entry.last_update);
    if date(&other) > date(&one) { other } else { one }
}

/// The id of what was seen: the first 16 bytes of SHA-256 over domain, id of the item (computed anew), source, state, scope,
/// place (path, its bytes in hexadecimal where they are no text, record), image (path, whether it is there), number of links,
/// links (kind, item); each with its length before it. Paths are hashed as the text that stands on the wire: bytes of one that
/// is no text do not come back from there.
pub fn seen_id(seen: &Seen) -> Id {
    let mut hash = Hash::new(SEEN);
    hash.bytes(&item_id(&seen.item).0);
    hash.text(&seen.source);
    hash.text(seen.state.word());
    match &seen.scope {
        Scope::Machine => hash.text("machine"),
        scope => hash.text(&scope.to_string()),
    }
    hash.text(&seen.place.path.text());
    hash.option(seen.place.path_hex.as_deref());
    hash.option(seen.place.record.as_deref());
    hash.option(seen.image.as_ref().map(|image| image.path.text()).as_deref());
    hash.text(match seen.image.as_ref().and_then(|image| image.exists) {
        None => "unknown",
        Some(true) => "there",
        Some(false) => "gone",
    });
    hash.count(seen.links.len());
    for link in &seen.links {
        hash.text(link_word(link.kind));
        hash.bytes(&link.to.0);
    }
    hash.id()
}

/// Words of the contract: not the reports', which may change.
fn link_word(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::OwnedBy => "owned-by",
        LinkKind::ImageOf => "image-of",
        LinkKind::PartOf => "part-of",
    }
}

/// The digest of a set, whose entries are in the order of their ids.
pub fn set_digest(entries: &[Entry]) -> Id {
    let mut hash = Hash::new(SET);
    for entry in entries {
        hash.bytes(&entry.id.0);
        hash.date(entry.recorded_at.value.map(Stamp::unix));
        hash.text(entry.recorded_at.means.word());
        hash.date(entry.last_update.map(Stamp::unix));
    }
    hash.id()
}

/// The digest of how a source ended: its status, why, its blocking gaps, what it looked for. How long it took, how much it
/// read, and what went away under it differ from run to run and say nothing.
pub fn state_digest(report: &SourceReport) -> Id {
    let mut hash = Hash::new(STATE);
    hash.text(&report.source);
    let unhindered = is_whole(report) && report.status == Status::Partial;
    hash.text(if unhindered { Status::Complete.word() } else { report.status.word() });
    hash.option(report.reason.as_deref());
    let gaps: BTreeSet<_> = set_of(report.gaps.iter().filter(|gap| gap.blocking).map(lasting));
    hash.count(gaps.len());
    for (reason, named, places) in gaps {
        hash.text(reason);
        hash.flag(named);
        hash.count(places.len());
        for place in &places {
            hash.text(place);
        }
    }
    hash.count(report.scopes.len());
    for scope in &report.scopes {
        hash.text(match scope {
            ScopeKind::Machine => "machine",
            ScopeKind::User => "user",
        });
    }
    hash.count(report.fields.len());
    for field in &report.fields {
        hash.text(field.word());
    }
    hash.count(report.yields.len());
    for (kind, states) in &report.yields {
        hash.text(kind.word());
        hash.count(states.len());
        for state in states {
            hash.text(state.word());
        }
    }
    hash.flag(report.install_record);
    hash.flag(report.records > 0);
    hash.flag(report.not_kept > 0);
    hash.id()
}

/// What of a gap is the same as long as nothing changes: its reason and its places, where all of them are named, for by them it
/// may be accepted; else the first of those that are. A process has another number every day.
fn lasting(gap: &Gap) -> (&'static str, bool, BTreeSet<String>) {
    let named = gap.places.len() as u64 == gap.count;
    let places = gap.places.iter().map(|place| HostPath::new(without_number(place.as_bytes())));
    let mut places: BTreeSet<String> = set_of(places.map(|place| place.text().into_owned()));
    if !named {
        places = places.pop_first().into_iter().collect();
    }
    (gap.reason.word(), named, places)
}

/// What a report says beside its sources.
#[derive(Debug, Clone)]
pub struct About<'a> {
    /// The program.
    pub tool: &'a Tool,
    /// First 16 bytes of the digest of its rules.
    pub rules: Id,
    /// Ids of the policies that led the look, in their order.
    pub policies: Vec<&'a str>,
    /// Id of what led it, where that is told.
    pub led: Option<Id>,
    /// The host.
    pub facts: &'a HostFacts,
    /// Which halves were looked at.
    pub scope: ScopeAsk,
    /// How deep.
    pub depth: Depth,
}

impl<'a> About<'a> {
    /// What a report says of itself, without what led it; `rules` are the first 16 bytes of the digest of its rules.
    pub fn of(report: &'a Report, rules: Id) -> Self {
        Self {
            tool: &report.tool,
            rules,
            policies: policies(report).collect(),
            led: None,
            facts: &report.host,
            scope: report.claim.scope,
            depth: report.claim.depth,
        }
    }
}

/// Ids of the policies that led the look of a report.
pub fn policies(report: &Report) -> impl Iterator<Item = &str> {
    report.policies.iter().map(|outcome| outcome.policy.as_str())
}

/// The digest of all that a report says: the program, its rules and policies and what of them led it, the host, and both digests of every source, by name.
pub fn inventory_digest(about: &About<'_>, sources: &BTreeMap<String, Digests>) -> Id {
    let mut hash = Hash::new(INVENTORY);
    hash.text(&about.tool.name);
    hash.text(&about.tool.version);
    hash.bytes(&about.rules.0);
    hash.count(about.policies.len());
    about.policies.iter().for_each(|policy| hash.text(policy));
    hash.option(about.led.as_ref().map(|id| &id.0[..]));
    hash.text(match about.scope {
        ScopeAsk::All => "all",
        ScopeAsk::User => "user",
        ScopeAsk::System => "system",
    });
    hash.text(about.depth.word());
    facts(&mut hash, about.facts);
    hash.count(sources.len());
    for (name, digests) in sources {
        hash.text(name);
        hash.bytes(&digests.state.0);
        hash.option(digests.set.as_ref().map(|set| &set.0[..]));
    }
    hash.id()
}

/// Field by field: an older collector does not know what a newer endpoint says beside.
fn facts(hash: &mut Hash, facts: &HostFacts) {
    hash.text(facts.family.word());
    let os = &facts.os;
    for text in [&os.id, &os.name, &os.version, &os.unread, &facts.name, &facts.machine_id] {
        hash.option(text.as_deref());
    }
    hash.count(os.id_like.len());
    os.id_like.iter().for_each(|id| hash.text(id));
    hash.text(match facts.mode {
        Mode::Live => "live",
        Mode::Offline => "offline",
    });
    hash.flag(facts.privileged);
    hash.option(facts.full_disk_access.map(|has| [u8::from(has)]).as_ref());
    hash.count(facts.users.len());
    for user in &facts.users {
        hash.count(user.n.try_into().unwrap_or(usize::MAX));
        hash.text(&user.name);
        hash.text(&user.home.text());
        hash.flag(user.readable);
        hash.option(user.sid.as_deref());
    }
    hash.count(facts.user_gaps.len());
    for gap in &facts.user_gaps {
        hash.text(gap.reason.word());
        hash.text(&gap.path.text());
        hash.flag(gap.blocking);
    }
    hash.count(facts.aliases.len());
    for alias in &facts.aliases {
        hash.text(&alias.real.text());
        hash.text(&alias.name.text());
    }
    hash.count(facts.other_volumes.len());
    facts.other_volumes.iter().for_each(|volume| hash.text(&volume.text()));
}

/// Both digests of every source, by its name.
pub fn digests(sources: &[SourceSet]) -> BTreeMap<String, Digests> {
    let one = |source: &SourceSet| Digests { state: source.state, set: source.set };
    sources.iter().map(|source| (source.report.source.to_string(), one(source))).collect()
}

/// The digest of what makes a machine this machine: copied with its disk, and another one's is another.
pub fn machine_digest(facts: &HostFacts) -> Id {
    let mut hash = Hash::new(MACHINE);
    hash.text(facts.family.word());
    hash.option(facts.machine_id.as_deref());
    hash.option(facts.name.as_deref());
    hash.id()
}

struct Hash(Sha256);

impl Hash {
    fn new(domain: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.text(domain);
        hash
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn option<T: AsRef<[u8]> + ?Sized>(&mut self, value: Option<&T>) {
        self.0.update([u8::from(value.is_some())]);
        if let Some(value) = value {
            self.bytes(value.as_ref());
        }
    }

    fn count(&mut self, count: usize) {
        self.0.update(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.0.update([u8::from(flag)]);
    }

    fn date(&mut self, seconds: Option<i64>) {
        self.option(seconds.map(i64::to_le_bytes).as_ref());
    }

    fn id(self) -> Id {
        Id::of(&self.0.finalize())
    }
}

#[cfg(test)]
#[path = "sets_tests.rs"]
mod tests;
