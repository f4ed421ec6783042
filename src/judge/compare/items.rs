//! What became of each item. Where a source was not complete, its items are not re-verified, and never removed.
//!
//! Called by `compare`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    IdentifierType, InventoryItem, Item, ItemChange, ItemChanges, ItemFate, ItemId, ItemKind, ItemSide,
    Looked, Order, Scope, Sighting, State, set_of,
};

use super::side::Side;
use super::sight::{Pair, Seen};

/// Identifiers that stay the same in every version of a thing, the surest first.
const LASTING: &[IdentifierType] = &[
    IdentifierType::ExtensionId,
    IdentifierType::PackageFamilyName,
    IdentifierType::UpgradeCode,
    IdentifierType::BundleId,
    IdentifierType::SnapName,
    IdentifierType::FlatpakId,
    IdentifierType::WingetId,
    IdentifierType::ChocolateyId,
    IdentifierType::ScoopId,
    IdentifierType::CaskToken,
    IdentifierType::UninstallKey,
];

/// Every item of either side that differs.
pub(super) fn changes(pair: &Pair<'_>) -> ItemChanges {
    let mut result = ItemChanges { not_compared: None, changes: Vec::new(), unchanged: 0, merely_ran: 0 };
    let (Some(before), Some(after)) = (pair.from.items, pair.to.items) else {
        let name = if pair.from.items.is_none() { "BEFORE" } else { "AFTER" };
        result.not_compared = Some(format!(
            "{name} holds only the items of findings; scan with --with-inventory to compare all"
        ));
        return result;
    };
    let known = Known { pair, same_question: pair.asks_the_same() };
    let (before, after) = (by_id(before), by_id(after));
    let mut gone = Vec::new();
    for (id, seen) in &before {
        match after.get(id) {
            Some(now) => match known.both(seen, now) {
                Some(change) => result.changes.push(change),
                None => result.unchanged += 1,
            },
            None if merely_runs(seen) => result.merely_ran += 1,
            None => gone.push(*seen),
        }
    }
    let mut new = Vec::new();
    for (_, seen) in after.iter().filter(|(id, _)| !before.contains_key(*id)) {
        if merely_runs(seen) { result.merely_ran += 1 } else { new.push(*seen) }
    }
    for by in [by_name as Likeness, by_identifier] {
        result.changes.extend(known.pairs(by, &mut gone, &mut new));
    }
    result.changes.extend(gone.into_iter().map(|seen| known.gone(seen)));
    result.changes.extend(new.into_iter().map(|seen| known.added(seen)));
    result.changes.order_by(|a, b| (a.fate, a.kind, &a.name).cmp(&(b.fate, b.kind, &b.name)));
    result
}

fn by_id(items: &[InventoryItem]) -> BTreeMap<ItemId, &InventoryItem> {
    items.iter().map(|seen| (seen.item.id, seen)).collect()
}

/// Whether it only ran: what runs comes and goes, and tells nothing of what is installed.
fn merely_runs(seen: &InventoryItem) -> bool {
    !seen.sightings.is_empty() && seen.sightings.iter().all(|sighting| sighting.state == State::Running)
}

/// By what two items of different ids are the same thing.
type Likeness = fn(&Item) -> Option<(ItemKind, String)>;

/// Kind, name, architecture and path: the same thing in another version.
#[expect(clippy::unnecessary_wraps, reason = "one likeness of several")]
fn by_name(item: &Item) -> Option<(ItemKind, String)> {
    let (name, arch) = (item.name.to_lowercase(), item.arch.as_deref().unwrap_or_default());
    Some((item.kind, format!("{name}\n{arch}\n{}", item.path.as_deref().unwrap_or_default())))
}

/// Kind and an identifier that lasts.
fn by_identifier(item: &Item) -> Option<(ItemKind, String)> {
    let find = |kind: &IdentifierType| item.identifiers.iter().find(|one| one.kind == *kind);
    let found = LASTING.iter().find_map(find)?;
    let (arch, path) = (item.arch.as_deref().unwrap_or_default(), item.path.as_deref().unwrap_or_default());
    // An extension is in every profile that has it, and each has its own version.
    let path = if item.kind == ItemKind::Extension { path } else { "" };
    Some((item.kind, format!("{}\n{}\n{arch}\n{path}", found.kind.word(), found.value.to_lowercase())))
}

struct Known<'a> {
    pair: &'a Pair<'a>,
    same_question: bool,
}

impl Known<'_> {
    /// Takes out what is one on each side and alike. Of several kernels nobody knows which one came for which: those stay
    /// added and removed. Where it was not seen that the old one is gone, it may still be there beside the new one.
    fn pairs(
        &self,
        by: Likeness,
        gone: &mut Vec<&InventoryItem>,
        new: &mut Vec<&InventoryItem>,
    ) -> Vec<ItemChange> {
        let mut alike: BTreeMap<(ItemKind, String), (Vec<ItemId>, Vec<ItemId>)> = BTreeMap::new();
        for seen in gone.iter() {
            if let Some(key) = by(&seen.item) {
                alike.entry(key).or_default().0.push(seen.item.id);
            }
        }
        for seen in new.iter() {
            if let Some(key) = by(&seen.item) {
                alike.entry(key).or_default().1.push(seen.item.id);
            }
        }
        let (old_of, new_of): (BTreeMap<_, _>, BTreeMap<_, _>) = (
            gone.iter().map(|seen| (seen.item.id, *seen)).collect(),
            new.iter().map(|seen| (seen.item.id, *seen)).collect(),
        );
        let mut changes = Vec::new();
        let mut taken = BTreeSet::new();
        for (old, now) in alike.into_values() {
            let ([old], [now]) = (old.as_slice(), now.as_slice()) else { continue };
            let (Some(old), Some(now)) = (old_of.get(old), new_of.get(now)) else { continue };
            // A path has one file: what is there now took the place of what was there.
            let is_file = old.item.kind == ItemKind::Executable && by_name(&old.item) == by_name(&now.item);
            if is_file || self.unproven_of(old).is_empty() {
                taken.extend([old.item.id, now.item.id]);
                let mut differs = fields(&old.item, &now.item);
                differs.extend(self.places(old, now).differs);
                changes.push(self.change(ItemFate::Changed, (Some(old), Some(now)), differs, Vec::new()));
            }
        }
        gone.retain(|seen| !taken.contains(&seen.item.id));
        new.retain(|seen| !taken.contains(&seen.item.id));
        changes
    }

    /// An item of both sides; none where nothing differs.
    fn both(&self, before: &InventoryItem, after: &InventoryItem) -> Option<ItemChange> {
        let places = self.places(before, after);
        if places.differs.is_empty() {
            return None;
        }
        let reasons = self.unproven(&places.lost);
        let fate = if reasons.is_empty() { ItemFate::Changed } else { ItemFate::NotReVerified };
        Some(self.change(fate, (Some(before), Some(after)), places.differs, reasons))
    }

    fn gone(&self, before: &InventoryItem) -> ItemChange {
        let reasons = self.unproven_of(before);
        let fate = match (reasons.is_empty(), self.pair.same_host) {
            (false, _) => ItemFate::NotReVerified,
            (true, true) => ItemFate::Removed,
            (true, false) => ItemFate::OtherHost,
        };
        self.change(fate, (Some(before), None), Vec::new(), reasons)
    }

    fn added(&self, after: &InventoryItem) -> ItemChange {
        let turned = self.pair.turned();
        let seen: Vec<_> = after.sightings.iter().map(Seen::of_sighting).collect();
        let mut hidden: BTreeSet<String> = set_of(seen.iter().filter_map(|seen| turned.blind(seen)));
        let all = seen.iter().all(|seen| turned.blind(seen).is_some());
        if !all {
            hidden.clear();
        }
        if !self.same_question {
            hidden.extend(seen.iter().filter_map(|seen| turned.led_by_rules(seen.source)));
        }
        let reasons = hidden.into_iter().map(|why| format!("it may have been there before: {why}")).collect();
        self.change(ItemFate::Added, (None, Some(after)), Vec::new(), reasons)
    }

    fn unproven_of(&self, before: &InventoryItem) -> Vec<String> {
        if before.sightings.is_empty() {
            return vec!["nothing says which source saw it".to_owned()];
        }
        self.unproven(&before.sightings.iter().collect::<Vec<_>>())
    }

    /// Why it is not proven that these are gone.
    fn unproven(&self, lost: &[&Sighting]) -> Vec<String> {
        let lost = || lost.iter().map(|sighting| Seen::of_sighting(sighting));
        let mut reasons: BTreeSet<String> = set_of(lost().filter_map(|seen| self.pair.blind(&seen)));
        if !self.same_question {
            reasons.extend(lost().filter_map(|seen| self.pair.led_by_rules(seen.source)));
        }
        reasons.into_iter().collect()
    }

    /// Where it is seen no more, and what follows. That it runs, or does not, is no difference.
    fn places<'i>(&self, before: &'i InventoryItem, after: &'i InventoryItem) -> Places<'i> {
        let keys = |side: &Side<'_>, seen: &'i InventoryItem| -> BTreeMap<(String, String), &'i Sighting> {
            let lasting = seen.sightings.iter().filter(|sighting| sighting.state != State::Running);
            let key = |sighting: &Sighting| (sighting.source.to_string(), side.scope_key(&sighting.scope));
            lasting.map(|sighting| (key(sighting), sighting)).collect()
        };
        let (from, to) = (keys(self.pair.from, before), keys(self.pair.to, after));
        let lost = from.iter().filter(|(key, _)| !to.contains_key(*key));
        let lost: Vec<&Sighting> = lost.map(|(_, sighting)| *sighting).collect();
        let mut differs = Vec::new();
        if lasting_state(before) != lasting_state(after) {
            differs.push("state".to_owned());
        }
        if !lost.is_empty() || to.keys().any(|key| !from.contains_key(key)) {
            differs.push("places".to_owned());
        }
        Places { lost, differs }
    }

    fn change(
        &self,
        fate: ItemFate,
        (before, after): (Option<&InventoryItem>, Option<&InventoryItem>),
        differs: Vec<String>,
        reasons: Vec<String>,
    ) -> ItemChange {
        let item = after.or(before).map(|seen| &seen.item);
        ItemChange {
            fate,
            kind: item.map_or(ItemKind::Trace, |item| item.kind),
            name: item.map(|item| item.name.clone()).unwrap_or_default(),
            before: before.map(|seen| side(self.pair.from, seen)),
            after: after.map(|seen| side(self.pair.to, seen)),
            differs,
            reasons,
        }
    }
}

struct Places<'i> {
    lost: Vec<&'i Sighting>,
    differs: Vec<String>,
}

/// The highest state but running.
fn lasting_state(seen: &InventoryItem) -> Option<State> {
    seen.sightings.iter().map(|sighting| sighting.state).filter(|state| *state != State::Running).max()
}

/// Fields of the item itself that differ.
fn fields(before: &Item, after: &Item) -> Vec<String> {
    let differ = [
        ("name", before.name != after.name),
        ("display name", before.display_name != after.display_name),
        ("version", before.version != after.version),
        ("publisher", before.publisher != after.publisher),
        ("signer", before.signer != after.signer && !is_unlooked(before) && !is_unlooked(after)),
        ("identifiers", before.identifiers != after.identifiers),
        ("architecture", before.arch != after.arch),
        ("path", before.path != after.path),
    ];
    differ.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect()
}

fn is_unlooked(item: &Item) -> bool {
    item.signer == Looked::NotLooked
}

fn side(side: &Side<'_>, seen: &InventoryItem) -> ItemSide {
    let texts = |of: &dyn Fn(&Sighting) -> String| -> Vec<String> {
        set_of(seen.sightings.iter().map(of)).into_iter().collect()
    };
    let words = |scope: &Scope| side.scope_words(scope);
    ItemSide {
        id: seen.item.id,
        version: seen.item.version.as_ref().map(|version| version.raw.clone()),
        publisher: seen.item.publisher.clone(),
        state: seen.sightings.iter().map(|sighting| sighting.state).max(),
        sources: texts(&|sighting| sighting.source.to_string()),
        scopes: texts(&|sighting| words(&sighting.scope)),
    }
}
