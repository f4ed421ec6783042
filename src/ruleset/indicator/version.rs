//! `version = { from = "7.0", before = "8.0.8" }`: a range in the order of the item's own ecosystem, or whole versions.
//!
//! No evidence of who made a thing. A version that is not recorded, or cannot be compared, is in no range.

use std::cmp::Ordering;

use crate::model::{Field, ItemKind, Scheme, Sighting, Version};
use crate::normalise::compare_versions;
use crate::ruleset::code::Code;
use crate::ruleset::fields;
use crate::ruleset::language::{self, Form};
use crate::ruleset::schema::Value;

use super::{Condition, Folded, Kind, Met, Seen};

pub(super) const KIND: Kind = Kind {
    key: "version",
    field: None,
    form: Form::Table(&language::VERSION),
    means: "A range of versions; no evidence of who made the thing",
    read,
};

#[derive(Debug)]
struct Range {
    from: Option<String>,
    before: Option<String>,
    exact: Vec<String>,
}

fn read(value: Value<'_>) -> Option<Box<dyn Condition>> {
    let mut table = value.table("a version condition")?;
    let (from, before) = (table.text("from"), table.text("before"));
    let exact: Vec<String> = table.texts("exact").into_iter().map(|text| text.value).collect();
    let (faults, at) = (table.faults(), table.at().clone());
    let given = ["from", "before", "exact"].iter().any(|key| table.has(key));
    table.finish();
    if from.is_none() && before.is_none() && exact.is_empty() {
        if !given {
            faults.hint(Code::EmptyPattern, &at, "there is nothing to match", "give from, before or exact");
        }
        return None;
    }
    if let (Some(from), Some(before)) = (&from, &before)
        && compare_versions(&Version::new(from, Scheme::Dotted), before).is_some_and(Ordering::is_ge)
    {
        faults.add(Code::NeverMatches, &at, format!("no version is both from {from} and before {before}"));
    }
    Some(Box::new(Range { from, before, exact }))
}

impl Range {
    fn holds(&self, version: &Version) -> bool {
        let is =
            |limit: &str, wanted: fn(Ordering) -> bool| compare_versions(version, limit).is_some_and(wanted);
        let same = |exact: &String| version.raw.trim() == exact || is(exact, Ordering::is_eq);
        (self.exact.is_empty() || self.exact.iter().any(same))
            && self.from.as_ref().is_none_or(|from| is(from, Ordering::is_ge))
            && self.before.as_ref().is_none_or(|before| is(before, Ordering::is_lt))
    }
}

impl Condition for Range {
    fn key(&self) -> &'static str {
        KIND.key
    }

    fn asked(&self) -> String {
        let from = self.from.iter().map(|from| format!("from {from}"));
        let before = self.before.iter().map(|before| format!("before {before}"));
        let exact = (!self.exact.is_empty()).then(|| self.exact.join(" or "));
        from.chain(before).chain(exact).collect::<Vec<_>>().join(", ")
    }

    fn seen(&self, item: &Folded<'_>, _: &Sighting) -> Seen {
        Seen::of(item.version.map(|version| version.raw.as_str()))
    }

    fn rests_on(&self) -> Option<Field> {
        KIND.field
    }

    fn item(&self, item: &Folded<'_>) -> Met {
        item.version.is_some_and(|version| self.holds(version)).into()
    }

    fn never_on(&self, kind: ItemKind) -> Option<String> {
        (!fields::has_version(kind)).then(|| format!("an item of kind {} has no version", kind.word()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(from: Option<&str>, before: Option<&str>, version: &str, scheme: Scheme) -> bool {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let range = Range { from: own(from), before: own(before), exact: Vec::new() };
        range.holds(&Version::new(version, scheme))
    }

    #[test]
    fn a_range_has_its_first_and_not_its_last() {
        for (version, inside) in
            [("6.3.2", false), ("7.0", true), ("7.0.15", true), ("8.0.8", false), ("8.0.7", true)]
        {
            assert_eq!(holds(Some("7.0"), Some("8.0.8"), version, Scheme::Dotted), inside, "{version}");
        }
        assert!(holds(Some("1.0"), None, "1:0.5-1", Scheme::Dpkg), "an epoch goes before the version");
        assert!(
            !holds(None, Some("1.0"), "unknown", Scheme::Dotted),
            "what cannot be compared is in no range"
        );
    }
}
