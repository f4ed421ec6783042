//! What a rule file can have wrong beyond its form: patterns too wide, references that lead nowhere,
//! rules nobody tried.
//!
//! Called by `pattern` for each pattern and by `compile` for the whole. Must not read files.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look};

use crate::model::{Field, Strength, set_of};

use super::category::Category;
use super::code::Code;
use super::compile::{Parts, Reference};
use super::diagnostic::{At, Faults};
use super::rules::{Expect, Policy, Product, Prohibition};
use super::schema::Text;

/// Fixed characters a beginning or a glob must have.
const MIN_LITERALS: usize = 4;
/// Fixed characters an expression must have that may match in the middle of a text.
const MIN_SUBSTRING: usize = 8;

/// Whether a pattern is longer than any real one.
pub(super) fn length(text: &Text, limit: usize, faults: &Faults) {
    if text.value.chars().count() > limit {
        faults.add(Code::PatternTooLarge, &text.at, format!("a pattern has at most {limit} characters"));
    }
}

/// Whether too many names begin with it.
pub(super) fn beginning(text: &Text, literals: &str, faults: &Faults) {
    let count = literals.chars().count();
    if count < MIN_LITERALS {
        let label = format!("only {count} fixed characters: many unrelated names match");
        faults.hint(Code::ShortPattern, &text.at, label, "name the whole values with `exact`");
    }
}

/// Whether an expression can be asked, and whether it matches parts of words.
pub(super) fn regex(text: &Text, read: Result<(), regex::Error>, faults: &Faults) {
    match read {
        Err(regex::Error::CompiledTooBig(limit)) => {
            let label = format!("it compiles to more than {limit} bytes");
            faults.add(Code::PatternTooLarge, &text.at, label);
        }
        Err(error) => {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            faults.add(Code::BadRegex, &text.at, last);
        }
        Ok(()) => substring(text, faults),
    }
}

fn substring(text: &Text, faults: &Faults) {
    let Ok(hir) = regex_syntax::parse(&text.value) else { return };
    let from_start = hir.properties().look_set_prefix().contains(Look::Start);
    let to_end = hir.properties().look_set_suffix().contains(Look::End);
    let wanted = match (from_start, to_end) {
        (true, true) => return,
        (true, false) => MIN_LITERALS,
        (false, _) => MIN_SUBSTRING,
    };
    let count = literals(&hir);
    if count < wanted {
        let label = format!("{count} fixed characters and open at an end: it matches parts of other words");
        faults.hint(Code::SubstringRegex, &text.at, label, "anchor it with ^ and $");
    }
}

/// Fixed characters in every text that an expression matches. The recursion is as deep as the expression's
/// nesting, which its parser limits.
fn literals(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).chars().count(),
        HirKind::Capture(capture) => literals(&capture.sub),
        HirKind::Repetition(repetition) => {
            let times = usize::try_from(repetition.min).unwrap_or(usize::MAX);
            literals(&repetition.sub).saturating_mul(times)
        }
        HirKind::Concat(parts) => parts.iter().map(literals).fold(0, usize::saturating_add),
        HirKind::Alternation(parts) => parts.iter().map(literals).min().unwrap_or(0),
        HirKind::Class(Class::Unicode(class)) => usize::from(is_one_letter(class)),
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => 0,
    }
}

/// Whether a class is one letter in its cases, which `(?i)` makes of every letter.
fn is_one_letter(class: &ClassUnicode) -> bool {
    let letters = || class.ranges().iter().flat_map(|range| range.start()..=range.end());
    let first = letters().next();
    let same = |letter: char| first.is_some_and(|first| letter.to_lowercase().eq(first.to_lowercase()));
    letters().take(5).count() <= 3 && letters().all(same)
}

/// What shows when all files are read, whatever some of them hold.
pub(super) fn each(parts: &Parts, faults: &Faults) {
    duplicates(parts, faults);
    strengths(parts, faults);
    let found: HashSet<usize> = parts.indicators.iter().map(|indicator| indicator.product).collect();
    for (position, product) in parts.products.iter().enumerate() {
        if !found.contains(&position) && !product.is_other() {
            faults.add(Code::NoIndicator, &product.at, "nothing could ever find it");
        }
    }
    examples(parts, faults);
}

/// What one file says of another.
pub(super) fn references(parts: &Parts, faults: &Faults) {
    let vendors: HashSet<&String> = parts.vendors.iter().map(|one| &one.id).collect();
    let authorities: HashSet<&String> = parts.authorities.iter().map(|one| &one.id).collect();
    let products: HashSet<&String> = parts.products.iter().map(|one| &one.id).collect();
    for Reference { code, to } in &parts.references {
        let (known, what) = match code {
            Code::UnknownVendor => (vendors.contains(&to.value), "vendor"),
            Code::UnknownProhibition => (prohibits(parts, &to.value), "prohibition"),
            Code::UnknownCategory => (is_category(parts, &to.value), "category of products"),
            Code::UnknownAuthority => (authorities.contains(&to.value), "authority"),
            _ => (products.contains(&to.value), "product"),
        };
        if !known {
            faults.add(*code, &to.at, format!("no {what} has the id `{}`", to.value));
        }
    }
    let found: BTreeSet<usize> = set_of(parts.indicators.iter().map(|indicator| indicator.product));
    let found: Vec<&Product> = found.into_iter().filter_map(|at| parts.products.get(at)).collect();
    for prohibition in parts.policies.iter().flat_map(|policy| &policy.prohibitions) {
        reach(prohibition, &found, faults);
    }
}

/// A known word, or one that a product says.
fn is_category(parts: &Parts, word: &str) -> bool {
    Category::new(word).is_known() || parts.products.iter().any(|product| product.category.word() == word)
}

fn prohibits(parts: &Parts, id: &str) -> bool {
    parts.policies.iter().flat_map(|policy| &policy.prohibitions).any(|one| one.id == id)
}

fn duplicates(parts: &Parts, faults: &Faults) {
    // What a policy took over has the place of the policy it was taken from.
    let own = |one: &&Prohibition, policy: &Policy| one.at.file() == policy.at.file();
    let all = parts
        .policies
        .iter()
        .flat_map(|policy| policy.prohibitions.iter().filter(move |one| own(one, policy)));
    unique(parts.vendors.iter().map(|one| (&one.id, &one.at)), faults);
    unique(parts.products.iter().map(|one| (&one.id, &one.at)), faults);
    unique(parts.policies.iter().map(|one| (&one.id, &one.at)), faults);
    unique(all.map(|one| (&one.id, &one.at)), faults);
    unique(parts.authorities.iter().map(|one| (&one.id, &one.at)), faults);
}

fn unique<'a>(ids: impl Iterator<Item = (&'a String, &'a At)>, faults: &Faults) {
    let mut first: BTreeMap<&str, &At> = BTreeMap::new();
    for (id, at) in ids.filter(|(id, _)| !id.is_empty()) {
        if let Some(before) = first.get(id.as_str()) {
            faults.add(Code::DuplicateId, at, format!("`{id}` is already at {before}"));
        } else {
            first.insert(id, at);
        }
    }
}

fn strengths(parts: &Parts, faults: &Faults) {
    for indicator in &parts.indicators {
        let name_alone = || indicator.rule.conditions.rests_on().iter().all(|field| *field == Field::Name);
        if indicator.strength == Strength::Conclusive && name_alone() {
            let hint = "add publisher or signer, or call it strong";
            let label = "anybody can give a thing this name";
            faults.hint(Code::NameAlone, &indicator.rule.at, label, hint);
        }
    }
}

/// Each vendor is tried both ways: something that is found, and something that only looks like it.
fn examples(parts: &Parts, faults: &Faults) {
    let mut tried: HashMap<&str, (bool, bool)> = HashMap::new();
    for example in &parts.examples {
        let (found, nothing) = tried.entry(example.at.file()).or_default();
        match example.expect {
            Expect::Nothing => *nothing = true,
            Expect::Findings(_) => *found = true,
        }
    }
    for vendor in parts.vendors.iter().filter(|vendor| !vendor.at.is_lean()) {
        let label = match tried.get(vendor.at.file()).copied().unwrap_or_default() {
            (true, true) => continue,
            (true, false) => "no [[example]] that expects \"none\"",
            (false, true) => "no [[example]] that expects a product",
            (false, false) => "no [[example]] at all",
        };
        faults.add(Code::MissingExample, &vendor.at, label);
    }
}

/// A prohibition that reaches no product with an indicator would call every host compliant.
fn reach(prohibition: &Prohibition, found: &[&Product], faults: &Faults) {
    let names_nothing = prohibition.products.is_empty() && prohibition.categories.is_empty();
    if prohibition.vendor.is_none() && names_nothing {
        return;
    }
    if !found.iter().any(|product| prohibition.covers(product)) {
        let label = "no product with an indicator is left after the exceptions";
        faults.add(Code::NothingProhibited, &prohibition.at, label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_characters_of_expressions() {
        for (expression, count) in [
            ("kesl", 4),
            ("^avp[0-9]{2}$", 3),
            ("(kesl|klnagent)-gui", 8),
            ("k*", 0),
            ("(ab){3}", 6),
            ("(?i)avp", 3),
            ("[a-z][0-9]", 0),
            ("[ab]", 0),
            ("касперск", 8),
        ] {
            assert_eq!(literals(&regex_syntax::parse(expression).unwrap()), count, "{expression}");
        }
    }
}
