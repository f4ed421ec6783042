//! From the text of rule files to a ruleset: every file is read, every fault is kept.
//!
//! Called by the loader. Must not touch the disk.

mod authority;
mod example;
mod manifest;
mod policy;
mod side_by_side;
mod vendor;
mod waiver;

use std::collections::HashSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml::de::DeTable;

use super::Ruleset;
use super::code::Code;
use super::diagnostic::{At, Faults};
use super::lint;
use super::manifest::Manifest;
use super::rule_file::RuleFile;
use super::rules::{Authority, Example, Exclude, Indicator, Policy, Product, Vendor};
use super::schema::{Table, Text};
use super::signing::hex;
use super::waiver::{AcceptedGap, Waiver};
use crate::model::Order;

/// Folders of the built-in files, each named after the one vendor, policy or authority in it.
const VENDORS: &str = "vendors/";
const POLICIES: &str = "policies/";
const AUTHORITIES: &str = "authorities/";

/// A place where one file names what must stand in another.
#[derive(Debug)]
pub(super) struct Reference {
    /// The fault, where it does not.
    pub(super) code: Code,
    /// The id.
    pub(super) to: Text,
}

/// What the files gave so far.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) vendors: Vec<Vendor>,
    pub(super) products: Vec<Product>,
    pub(super) indicators: Vec<Indicator>,
    pub(super) excludes: Vec<Exclude>,
    pub(super) policies: Vec<Policy>,
    pub(super) authorities: Vec<Authority>,
    pub(super) examples: Vec<Example>,
    pub(super) manifests: Vec<Manifest>,
    pub(super) waivers: Vec<Waiver>,
    pub(super) accepted_gaps: Vec<AcceptedGap>,
    pub(super) references: Vec<Reference>,
    drafts: Vec<policy::Draft>,
}

/// Reads and checks files. The ruleset is only to be used where no fault is an error.
pub(super) fn compile(files: &[Arc<RuleFile>], faults: &Faults, origin: String) -> Ruleset {
    let (mut parts, whole) = side_by_side::read_all(files, faults);
    parts.policies = policy::resolve(std::mem::take(&mut parts.drafts), faults);
    lint::each(&parts, faults);
    if whole {
        // A reference into a file that did not parse is no fault of its own.
        lint::references(&parts, faults);
    }
    Ruleset::new(parts, digest(files), origin)
}

/// Reads built-in files as far as policies need them: those policies and what they extend, the authorities behind them, the
/// vendors that they name. What the files say of each other is known to be right, for tests have read them all.
pub(super) fn compile_for(
    files: &[Arc<RuleFile>],
    asked: &[String],
    faults: &Faults,
    origin: String,
) -> Ruleset {
    let in_folder = |folder: &str, is_asked: &dyn Fn(&str) -> bool| -> Vec<Arc<RuleFile>> {
        files.iter().filter(|file| id_in(file, folder).is_some_and(is_asked)).cloned().collect()
    };
    let is_of_no_folder =
        |file: &&Arc<RuleFile>| [VENDORS, POLICIES, AUTHORITIES].iter().all(|one| id_in(file, one).is_none());
    let others: Vec<_> = files.iter().filter(is_of_no_folder).cloned().collect();
    let mut parts = side_by_side::read_all(&others, faults).0;
    let mut known: HashSet<String> = HashSet::new();
    // Of an id that nobody has, the fault names what there is.
    let is_there = |id: &String| files.iter().any(|file| id_in(file, POLICIES) == Some(id));
    let every = || files.iter().filter_map(|file| id_in(file, POLICIES)).map(str::to_owned).collect();
    let mut wanted: HashSet<String> =
        if asked.iter().all(is_there) { asked.iter().cloned().collect() } else { every() };
    while !wanted.is_empty() {
        parts.append(side_by_side::read_all(&in_folder(POLICIES, &|id| wanted.contains(id)), faults).0);
        known.extend(wanted.drain());
        let bases = parts.drafts.iter().flat_map(policy::Draft::bases);
        wanted.extend(bases.filter(|base| !known.contains(*base)).map(str::to_owned));
    }
    parts.policies = policy::resolve(std::mem::take(&mut parts.drafts), faults);
    let needed = needed(&parts.policies, asked);
    let prohibitions = || parts.policies.iter().flat_map(|policy| &policy.prohibitions);
    let grounds: HashSet<&str> =
        prohibitions().flat_map(|one| &one.authorities).map(String::as_str).collect();
    let mut rest = in_folder(AUTHORITIES, &|id| grounds.contains(id));
    rest.extend(in_folder(VENDORS, &|id| needed.as_ref().is_none_or(|needed| needed.contains(id))));
    let rest = side_by_side::read_all(&rest, faults).0;
    parts.append(rest);
    Ruleset::new(parts, digest(files), origin)
}

/// The id that a built-in file of this folder is named after.
fn id_in<'f>(file: &'f RuleFile, folder: &str) -> Option<&'f str> {
    file.relative.strip_prefix(folder)?.strip_suffix(".toml")
}

/// Ids of the vendors that policies name; none: all of them, by category or for a policy that is not known.
fn needed<'p>(policies: &'p [Policy], asked: &[String]) -> Option<HashSet<&'p str>> {
    let mut needed = HashSet::new();
    for id in asked {
        let policy = policies.iter().find(|policy| policy.id == *id)?;
        for prohibition in &policy.prohibitions {
            if prohibition.vendor.is_none() && !prohibition.categories.is_empty() {
                return None;
            }
            needed.extend(prohibition.vendor.as_deref());
            needed.extend(prohibition.products.iter().filter_map(|product| product.split('.').next()));
        }
    }
    Some(needed)
}

/// Reads a file of one kind.
type Read = fn(&mut Table<'_>, &mut Parts);

/// Reads one file; `false` where it is not known what it would have given.
fn read(file: &Arc<RuleFile>, faults: &Faults, parts: &mut Parts) -> bool {
    let (document, errors) = DeTable::parse_recoverable(file.source());
    for error in &errors {
        let at = At::new(file, error.span().unwrap_or(0..0));
        faults.add(Code::Syntax, &at, error.message());
    }
    if !errors.is_empty() {
        // What stands in a table that did not parse would only give faults that are none.
        return false;
    }
    let mut root = Table::root(file, faults, document.get_ref());
    root.schema();
    let kinds: [(&[&str], Read); 5] = [
        (&["vendor"], vendor::read),
        (&["policy"], policy::read),
        (&["authority"], authority::read),
        (&["waiver", "accept_gap"], waiver::read),
        (&["ruleset"], manifest::read),
    ];
    let mut of = kinds.iter().filter(|(keys, _)| keys.iter().any(|key| root.has(key)));
    let (Some((_, read)), None) = (of.next(), of.next()) else {
        let label = "a file has one of the tables [vendor], [policy], [authority] and [ruleset], or [[waiver]] and [[accept_gap]]";
        faults.add(Code::FileKind, root.at(), label);
        return false;
    };
    read(&mut root, parts);
    root.finish();
    true
}

/// An id in its form: lower-case letters, digits and hyphens, in parts joined by dots.
fn id(text: Option<Text>, faults: &Faults) -> Option<String> {
    let Text { value, at } = text?;
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !value.split('.').all(part) {
        let hint = "lower-case letters, digits and hyphens, in parts joined by dots";
        faults.hint(Code::BadId, &at, "an id is for life and stands in reports", hint);
    }
    Some(value)
}

/// An id that begins with the id of what it belongs to.
fn id_below(text: Option<Text>, owner: &str, faults: &Faults) -> Option<String> {
    if let Some(text) = &text
        && !owner.is_empty()
        && !text.value.strip_prefix(owner).is_some_and(|rest| rest.starts_with('.'))
    {
        let hint = format!("begin it with `{owner}.`");
        faults.hint(Code::BadId, &text.at, "the id of a part begins with that of the whole", hint);
    }
    id(text, faults)
}

fn values(texts: Vec<Text>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}

/// SHA-256 over the lines that `sha256sum` prints of the files, sorted: a person can compute it.
fn digest(files: &[Arc<RuleFile>]) -> String {
    let line = |file: &Arc<RuleFile>| format!("{}  {}\n", file.sha256(), file.relative);
    let mut lines: Vec<String> = files.iter().map(line).collect();
    lines.order();
    hex(Sha256::digest(lines.concat()).iter())
}
