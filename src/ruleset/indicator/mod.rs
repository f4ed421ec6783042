//! Conditions of indicators: one file per key of the language, gathered in [`KINDS`].
//!
//! Read by the compiling files, asked by `matching`. Must not know products, laws or machines.
//! A new condition is one new file here and one entry in [`KINDS`].

mod identifier;
mod image;
mod look_alike;
mod name;
mod path;
mod publisher;
mod sha256;
mod signer;
mod state;
mod team_id;
mod told;
mod version;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Field, IdentifierType, Item, ItemKind, Looked, Sighting, Trust, Version};
use crate::normalise::fold;

use super::code::Code;
use super::fields;
use super::language::Form;
use super::pattern::Pattern;
use super::schema::{Table, Value};

use told::asked;
pub use told::{Seen, Told};

/// A key of the language that an indicator or an exclude can have as a condition.
pub struct Kind {
    /// The key in TOML.
    pub key: &'static str,
    /// The field its evidence rests on; none for what is no evidence of who made a thing.
    pub field: Option<Field>,
    /// What may stand there.
    pub(super) form: Form,
    /// What it asks, for people.
    pub means: &'static str,
    /// Reads it. Faults are noted where it does not read.
    read: fn(Value<'_>) -> Option<Box<dyn Condition>>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.key, self.field)
    }
}

/// Every condition of the language.
pub const KINDS: &[Kind] = &[
    identifier::KIND,
    image::KIND,
    name::KIND,
    path::KIND,
    publisher::KIND,
    sha256::KIND,
    signer::KIND,
    state::KIND,
    team_id::KIND,
    version::KIND,
];

/// How far a condition is met by an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Met {
    /// It is not.
    No,
    /// It is, on ground that is not proven: never more than weak.
    Weakly,
    /// It is.
    Fully,
}

impl From<bool> for Met {
    fn from(met: bool) -> Self {
        if met { Self::Fully } else { Self::No }
    }
}

/// One condition. It looks at the item, at the sighting, or at both.
pub trait Condition: fmt::Debug + Send + Sync {
    /// The key it is written with.
    fn key(&self) -> &'static str;

    /// What it asks, for people.
    fn asked(&self) -> String;

    /// What there is where it looks.
    fn seen(&self, item: &Folded<'_>, sighting: &Sighting) -> Seen;

    /// The field its evidence rests on.
    fn rests_on(&self) -> Option<Field>;

    /// Whether it looks at the item at all.
    fn looks_at_item(&self) -> bool {
        self.rests_on().is_some()
    }

    /// Whether the item meets it.
    fn item(&self, _: &Folded<'_>) -> Met {
        Met::Fully
    }

    /// Whether the sighting meets it. What could not be seen never does.
    fn sighting(&self, _: &Sighting) -> bool {
        true
    }

    /// The folded field and the pattern that an index can be built on.
    fn index(&self) -> Option<(Slot, &Pattern)> {
        None
    }

    /// Why no item of this kind can ever meet it.
    fn never_on(&self, _: ItemKind) -> Option<String> {
        None
    }

    /// Names of accounts it asks for.
    fn accounts(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Sizes of files whose hash it asks for.
    fn hash_sizes(&self) -> Option<&BTreeSet<u64>> {
        None
    }
}

/// A field of a folded item that an index can be built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// Name and display name.
    Name,
    /// Claimed publisher.
    Publisher,
    /// Path template.
    Path,
    /// Value of any identifier.
    Identifier,
    /// Name of the signer.
    Signer,
    /// Team id of the signer.
    TeamId,
    /// What a name, publisher or signer in other letters looks like.
    LookAlike,
}

/// An item with its texts folded once, for all conditions.
#[derive(Debug)]
pub struct Folded<'i> {
    /// What kind of thing.
    pub kind: ItemKind,
    /// Its technical name.
    pub name: Cow<'i, str>,
    /// Its name for people.
    pub display_name: Option<Cow<'i, str>>,
    /// Claimed publisher.
    pub publisher: Option<Cow<'i, str>>,
    /// Path template.
    pub path: Option<Cow<'i, str>>,
    /// Signer and how far it is proven.
    pub signer: Option<(Cow<'i, str>, Trust)>,
    /// Whether it was looked at, and nobody signed it.
    pub unsigned: bool,
    /// Team id of the signer.
    pub team_id: Option<Cow<'i, str>>,
    /// Identifiers.
    pub identifiers: Vec<(IdentifierType, Cow<'i, str>)>,
    /// Version, as recorded.
    pub version: Option<&'i Version>,
    /// What names in other letters look like.
    pub look_alikes: Vec<String>,
}

impl<'i> Folded<'i> {
    /// Folds an item.
    pub fn new(item: &'i Item) -> Self {
        let signer = match &item.signer {
            Looked::Some(signer) => Some(signer),
            Looked::NotLooked | Looked::None | Looked::Unreadable(_) => None,
        };
        let shown = [Some(&item.name), item.display_name.as_ref(), item.publisher.as_ref()];
        let shown = shown.into_iter().chain([signer.map(|signer| &signer.name)]).flatten();
        Self {
            kind: item.kind,
            name: fold(&item.name),
            display_name: item.display_name.as_deref().map(fold),
            publisher: item.publisher.as_deref().map(fold),
            path: item.path.as_deref().map(fold),
            team_id: signer.and_then(|signer| signer.team_id.as_deref()).map(fold),
            unsigned: item.signer == Looked::None,
            signer: signer.map(|signer| (fold(&signer.name), signer.trust)),
            version: item.version.as_ref(),
            look_alikes: look_alike::skeletons(shown.map(String::as_str)),
            identifiers: item.identifiers.iter().map(|one| (one.kind, fold(&one.value))).collect(),
        }
    }

    /// Every text with its slot: for an index, which asks them all.
    pub fn each_text(&self, each: &mut impl FnMut(Slot, &str)) {
        each(Slot::Name, &self.name);
        if let Some(name) = &self.display_name {
            each(Slot::Name, name);
        }
        if let Some(publisher) = &self.publisher {
            each(Slot::Publisher, publisher);
        }
        if let Some(path) = &self.path {
            each(Slot::Path, path);
        }
        for (_, value) in &self.identifiers {
            each(Slot::Identifier, value);
        }
        if let Some((signer, _)) = &self.signer {
            each(Slot::Signer, signer);
        }
        if let Some(team_id) = &self.team_id {
            each(Slot::TeamId, team_id);
        }
        for skeleton in &self.look_alikes {
            each(Slot::LookAlike, skeleton);
        }
    }

    /// The texts of a slot.
    pub fn slot(&self, slot: Slot) -> impl Iterator<Item = &str> {
        let signer = self.signer.as_ref().map(|(name, _)| name);
        let (texts, identifiers, skeletons): (_, _, &[String]) = match slot {
            Slot::Name => ([Some(&self.name), self.display_name.as_ref()], None, &[]),
            Slot::Publisher => ([self.publisher.as_ref(), None], None, &[]),
            Slot::Path => ([self.path.as_ref(), None], None, &[]),
            Slot::Identifier => ([None, None], Some(&self.identifiers), &[]),
            Slot::Signer => ([signer, None], None, &[]),
            Slot::TeamId => ([self.team_id.as_ref(), None], None, &[]),
            Slot::LookAlike => ([None, None], None, &self.look_alikes),
        };
        let identifiers = identifiers.into_iter().flatten().map(|(_, value)| value);
        let texts = texts.into_iter().flatten().chain(identifiers).map(|text| &**text);
        texts.chain(skeletons.iter().map(String::as_str))
    }
}

impl Slot {
    /// Every slot, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Name,
        Self::Publisher,
        Self::Path,
        Self::Identifier,
        Self::Signer,
        Self::TeamId,
        Self::LookAlike,
    ];
}

/// Conditions that must all be met.
#[derive(Debug, Default)]
pub struct Conditions(Vec<Box<dyn Condition>>);

impl Conditions {
    /// One condition on the claimed publisher, for a vendor's own list.
    pub(super) fn of_publishers(pattern: Pattern) -> Self {
        Self(vec![publisher::condition(pattern)])
    }

    /// One condition on the signer, for a vendor's own list.
    pub(super) fn of_signers(pattern: Pattern) -> Self {
        Self(vec![signer::condition(pattern)])
    }

    /// One condition on the signer's team, for a vendor's own list.
    pub(super) fn of_team_ids(pattern: Pattern) -> Self {
        Self(vec![team_id::condition(pattern)])
    }

    /// One condition on names that only look like these.
    pub(super) fn of_look_alikes<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(vec![look_alike::condition(names)])
    }

    /// Reads every condition a table has, and notes where none of them looks at the item.
    pub(super) fn read(table: &mut Table<'_>, kinds: &[ItemKind]) -> Self {
        let (conditions, faulty) = Self::read_any(table, kinds);
        if !conditions.looks_at_item() && !faulty {
            let label = "every item of this kind would match";
            let hint = "add a condition on name, publisher, path, identifier or signer";
            table.faults().hint(Code::NoItemCondition, table.at(), label, hint);
        }
        conditions
    }

    /// Reads every condition a table has, and notes those that its kinds can never meet. Whether any was faulty.
    pub(super) fn read_any(table: &mut Table<'_>, kinds: &[ItemKind]) -> (Self, bool) {
        let mut conditions = Vec::new();
        let mut faulty = false;
        for kind in KINDS {
            let Some(value) = table.get(kind.key) else { continue };
            match (kind.read)(value) {
                Some(condition) => {
                    report_never(kind, condition.as_ref(), kinds, value);
                    conditions.push(condition);
                }
                None => faulty = true,
            }
        }
        (Self(conditions), faulty)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How far an item meets them all.
    pub fn item(&self, item: &Folded<'_>) -> Met {
        let mut met = Met::Fully;
        for condition in &self.0 {
            met = met.min(condition.item(item));
            if met == Met::No {
                break;
            }
        }
        met
    }

    /// Whether a sighting meets them all.
    pub fn sighting(&self, sighting: &Sighting) -> bool {
        self.0.iter().all(|condition| condition.sighting(sighting))
    }

    /// The fields they rest on.
    pub fn rests_on(&self) -> BTreeSet<Field> {
        self.0.iter().filter_map(|condition| condition.rests_on()).collect()
    }

    /// Whether any of them looks at the item.
    pub fn looks_at_item(&self) -> bool {
        self.0.iter().any(|condition| condition.looks_at_item())
    }

    /// The slots and patterns that an index can be built on.
    pub fn indexes(&self) -> impl Iterator<Item = (Slot, &Pattern)> {
        self.0.iter().filter_map(|condition| condition.index())
    }

    /// Names of accounts they ask for, folded.
    pub fn accounts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|condition| condition.accounts())
    }

    /// Sizes of files whose hash they ask for.
    pub fn hash_sizes(&self) -> impl Iterator<Item = u64> {
        self.0.iter().filter_map(|condition| condition.hash_sizes()).flatten().copied()
    }
}

fn report_never(kind: &Kind, condition: &dyn Condition, kinds: &[ItemKind], value: Value<'_>) {
    for item in kinds {
        let lacks = condition.rests_on().is_some_and(|field| !fields::has(*item, field));
        let reason = if lacks {
            Some(format!("an item of kind {} has no {}", item.word(), kind.key))
        } else {
            condition.never_on(*item)
        };
        if let Some(reason) = reason {
            value.faults().hint(
                Code::NeverMatches,
                &value.at(),
                reason,
                "docs/fields.md lists what each kind has",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_stand_in_the_order_of_their_numbers() {
        for (at, slot) in Slot::ALL.iter().enumerate() {
            assert_eq!(*slot as usize, at);
        }
    }

    #[test]
    fn keys_are_unique_and_sorted() {
        let keys: Vec<&str> = KINDS.iter().map(|kind| kind.key).collect();
        let unique: BTreeSet<&str> = keys.iter().copied().collect();
        assert_eq!(keys, unique.into_iter().collect::<Vec<_>>());
    }

    /// A file without an entry in [`KINDS`] would be a condition that no rule can use.
    #[test]
    fn every_file_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ruleset/indicator");
        let walk = walkdir::WalkDir::new(folder).min_depth(1);
        let mut files: Vec<String> = walk
            .into_iter()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".rs", ""))
            .filter(|name| !["mod", "look_alike", "told"].contains(&name.as_str()))
            .collect();
        files.sort();
        let keys: Vec<&str> = KINDS.iter().map(|kind| kind.key).collect();
        assert_eq!(files, keys);
    }
}
