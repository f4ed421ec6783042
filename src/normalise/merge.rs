//! Items that are one by their hard identity: a package of Windows Installer stands in the list of programs and in the
//! installer's own records, and each knows what the other does not.
//!
//! Called by `gather` before links are made. A wrong join is worse than none: what contradicts stays apart.

use std::collections::{BTreeMap, HashMap};

use crate::model::{IdentifierType, InventoryItem, Item, ItemId, ItemKind, Looked, Order, Version};

use super::fold::fold;
use super::identity::item_id;

/// Items of one product code that are compared with each other; real ones are two or three.
const MOST: usize = 32;

/// Merges packages with the same product code that do not contradict each other.
pub(super) fn packages(items: &mut BTreeMap<ItemId, InventoryItem>) {
    let mut of_code: HashMap<String, Vec<ItemId>> = HashMap::new();
    for (id, seen) in items.iter().filter(|(_, seen)| seen.item.kind == ItemKind::Package) {
        if let Some(code) = codes(&seen.item) {
            let ids = of_code.entry(code).or_default();
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
    }
    let mut groups: Vec<Vec<ItemId>> = of_code.into_values().collect();
    groups.order();
    for group in groups.into_iter().filter(|group| (2..=MOST).contains(&group.len())) {
        for same in joined(&group, items) {
            join(&same, items);
        }
    }
}

/// The product code of an item, folded; none where there are several: it is then known by none of them.
fn codes(item: &Item) -> Option<String> {
    let of_kind = item.identifiers.iter().filter(|one| one.kind == IdentifierType::ProductCode);
    let mut codes: Vec<String> = of_kind.map(|one| fold(&one.value).into_owned()).collect();
    codes.dedup();
    if codes.len() == 1 { codes.pop() } else { None }
}

/// Sets of items that agree with each other. One that agrees with two that contradict each other belongs to nobody knows
/// which, and stays alone.
fn joined(group: &[ItemId], items: &BTreeMap<ItemId, InventoryItem>) -> Vec<Vec<ItemId>> {
    let known: Vec<(ItemId, &Item)> =
        group.iter().filter_map(|id| Some((*id, &items.get(id)?.item))).collect();
    let friends = |item: &Item| known.iter().filter(|(_, other)| agree(item, other)).collect::<Vec<_>>();
    let clear: Vec<&(ItemId, &Item)> = known
        .iter()
        .filter(|(_, item)| {
            let friends = friends(item);
            friends.iter().all(|(_, one)| friends.iter().all(|(_, two)| agree(one, two)))
        })
        .collect();
    let mut sets: Vec<Vec<(ItemId, &Item)>> = Vec::new();
    for (id, item) in clear {
        match sets.iter_mut().find(|set| set.iter().all(|(_, other)| agree(item, other))) {
            Some(set) => set.push((*id, *item)),
            None => sets.push(vec![(*id, *item)]),
        }
    }
    let ids = |set: Vec<(ItemId, &Item)>| set.into_iter().map(|(id, _)| id).collect();
    sets.into_iter().filter(|set| set.len() > 1).map(ids).collect()
}

/// Whether two items of one product code may be the same thing.
fn agree(one: &Item, two: &Item) -> bool {
    let texts = |one: Option<&str>, two: Option<&str>| match (one, two) {
        (Some(one), Some(two)) => fold(one) == fold(two),
        _ => true,
    };
    let signers = one.signer == two.signer
        || matches!(one.signer, Looked::NotLooked)
        || matches!(two.signer, Looked::NotLooked);
    texts(name(one), name(two))
        && texts(one.display_name.as_deref(), two.display_name.as_deref())
        && texts(one.publisher.as_deref(), two.publisher.as_deref())
        && texts(one.arch.as_deref(), two.arch.as_deref())
        && one.path == two.path
        && signers
        && versions_agree(one.version.as_ref(), two.version.as_ref())
}

/// The name, unless it is the product code for want of one.
fn name(item: &Item) -> Option<&str> {
    (codes(item).as_deref() != Some(fold(&item.name).as_ref())).then_some(item.name.as_str())
}

/// Whether two versions may be the same: Windows Installer keeps the first three numbers of one in some of its records.
fn versions_agree(one: Option<&Version>, two: Option<&Version>) -> bool {
    let (Some(one), Some(two)) = (one, two) else { return true };
    let begins = |long: &Version, short: &Version| {
        let rest = long.raw.strip_prefix(&short.raw);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    one.scheme == two.scheme && (begins(one, two) || begins(two, one))
}

/// Makes one item of several, with all that any of them says, and the sightings of all.
fn join(ids: &[ItemId], items: &mut BTreeMap<ItemId, InventoryItem>) {
    let mut parts = ids.iter().filter_map(|id| items.remove(id));
    let Some(mut whole) = parts.next() else { return };
    for part in parts {
        whole.sightings.extend(part.sightings);
        take(&mut whole.item, part.item);
    }
    whole.item.id = item_id(&whole.item);
    match items.get_mut(&whole.item.id) {
        Some(known) => known.sightings.append(&mut whole.sightings),
        None => _ = items.insert(whole.item.id, whole),
    }
}

fn take(whole: &mut Item, part: Item) {
    if name(whole).is_none() {
        whole.name = part.name;
    }
    // Of two that agree the longer says more.
    let length = |version: &Option<Version>| version.as_ref().map_or(0, |version| version.raw.len());
    if length(&part.version) > length(&whole.version) {
        whole.version = part.version;
    }
    whole.display_name = whole.display_name.take().or(part.display_name);
    whole.publisher = whole.publisher.take().or(part.publisher);
    whole.arch = whole.arch.take().or(part.arch);
    if whole.signer == Looked::NotLooked {
        whole.signer = part.signer;
    }
    for identifier in part.identifiers {
        let same = |known: &crate::model::Identifier| {
            known.kind == identifier.kind && fold(&known.value) == fold(&identifier.value)
        };
        if !whole.identifiers.iter().any(same) {
            whole.identifiers.push(identifier);
        }
    }
    whole.identifiers.order();
}

#[cfg(test)]
mod tests {
    use super::super::gather::gather;
    use super::super::template::Places;
    use super::*;
    use crate::model::{Identifier, Place, Scheme, State, Trace};

    const CODE: &str = "{C9EF800D-54AA-4F60-AB96-5A3966550F53}";

    fn trace(name: &str, version: Option<&str>, publisher: Option<&str>) -> Trace {
        let place = Place::file(r"HKLM\SOFTWARE".into());
        let mut trace = Trace::new(ItemKind::Package, name, State::Installed, place);
        trace.version = version.map(|raw| Version::new(raw, Scheme::Dotted));
        trace.publisher = publisher.map(str::to_owned);
        trace.identifiers.push(Identifier::new(IdentifierType::ProductCode, CODE));
        trace
    }

    fn gathered(uninstall: Vec<Trace>, msi: Vec<Trace>) -> Vec<InventoryItem> {
        let traces = vec![("uninstall-keys", uninstall), ("msi", msi)];
        gather(traces, Places { users: &[], aliases: &[] }).linked(&|_| Vec::new())
    }

    #[test]
    fn a_product_in_two_records_is_one_item_with_what_both_say() {
        let mut listed = trace("KES", Some("21.3.10.391"), None);
        listed.arch = Some("x86".into());
        listed.identifiers = vec![
            Identifier::new(IdentifierType::UninstallKey, CODE),
            Identifier::new(IdentifierType::ProductCode, CODE.to_lowercase()),
        ];
        let mut own = trace("kes", Some("21.3.10"), Some("AO Kaspersky Lab"));
        own.identifiers.push(Identifier::new(IdentifierType::UpgradeCode, "{1}"));
        for (a, b) in [(listed.clone(), own.clone()), (own, listed)] {
            let items = gathered(vec![a], vec![b]);
            assert_eq!(items.len(), 1);
            let item = &items[0].item;
            assert_eq!(fold(&item.name), "kes");
            assert_eq!(item.version.as_ref().unwrap().raw, "21.3.10.391");
            assert_eq!(
                (item.publisher.as_deref(), item.arch.as_deref()),
                (Some("AO Kaspersky Lab"), Some("x86"))
            );
            let kinds: Vec<_> = item.identifiers.iter().map(|one| one.kind).collect();
            assert_eq!(
                kinds,
                [IdentifierType::UninstallKey, IdentifierType::ProductCode, IdentifierType::UpgradeCode]
            );
            let sources: Vec<_> =
                items[0].sightings.iter().map(|sighting| sighting.source.as_ref()).collect();
            assert_eq!(sources.len(), 2);
            assert!(sources.contains(&"msi") && sources.contains(&"uninstall-keys"));
            assert_eq!(item.id.to_string(), "7fa127e21268cdb66854f053a7509f19", "the id is a contract");
        }
    }

    #[test]
    fn a_product_without_a_name_takes_that_of_the_other() {
        let items = gathered(vec![trace("KES", None, None)], vec![trace(CODE, Some("1.0"), None)]);
        assert_eq!((items.len(), items[0].item.name.as_str()), (1, "KES"));
    }

    #[test]
    fn what_contradicts_stays_apart() {
        let kes = || trace("KES", Some("21.3"), Some("Kaspersky"));
        let other = |change: fn(&mut Trace)| {
            let mut other = kes();
            change(&mut other);
            gathered(vec![kes()], vec![other]).len()
        };
        assert_eq!(other(|other| other.name = "Another".into()), 2);
        assert_eq!(other(|other| other.version = Some(Version::new("21.30", Scheme::Dotted))), 2);
        assert_eq!(other(|other| other.version = Some(Version::new("21.3", Scheme::Other))), 2);
        assert_eq!(other(|other| other.publisher = Some("Somebody".into())), 2);
        assert_eq!(other(|other| other.arch = Some("x86".into())), 1);
        assert_eq!(other(|other| other.identifiers.clear()), 2, "the code alone joins");
        let second = Identifier::new(IdentifierType::ProductCode, "{2}");
        let mut two = trace("KES", None, None);
        two.identifiers.push(second);
        assert_eq!(gathered(vec![kes()], vec![two]).len(), 2, "two codes are none");
    }

    #[test]
    fn what_fits_two_that_contradict_each_other_joins_neither() {
        let vague = trace("KES", None, None);
        let (old, new) = (trace("KES", Some("1.0"), None), trace("KES", Some("2.0"), None));
        let newer = trace("KES", Some("2.0.1"), Some("Kaspersky"));
        let items = gathered(vec![old, new, newer], vec![vague]);
        let mut versions: Vec<_> =
            items.iter().map(|seen| seen.item.version.as_ref().map(|version| version.raw.as_str())).collect();
        versions.sort_unstable();
        assert_eq!(versions, [None, Some("1.0"), Some("2.0.1")]);
    }

    #[test]
    fn a_flood_of_one_code_is_left_alone() {
        let many = (0..5_000).map(|n| trace("KES", Some(&format!("1.{n}")), None)).collect();
        assert_eq!(gathered(many, vec![trace("KES", None, None)]).len(), 5_001);
    }
}
