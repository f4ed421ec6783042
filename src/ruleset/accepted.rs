//! What was accepted before: the highest version of each signed ruleset, so that an old one cannot be put back.
//!
//! Asked by `cli`, which keeps the text in the state folder. Must not touch the disk.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::code::Code;
use super::diagnostic::{Diagnostic, Faults};
use super::refusal::Refusal;
use super::rule_file::RuleFile;
use super::schema::{Table, Value, document};
use super::signing::Signed;

const HEAD: &str = "# The highest version of each signed ruleset that was accepted here. interdict refuses older ones.\n\
                    # Written by interdict; whoever removes a ruleset lets older versions of it in.\nschema = 1\n";

/// The memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted(BTreeMap<String, Version>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    number: u64,
    digest: String,
    signed_by: String,
}

impl Accepted {
    /// Reads the memory. With a fault there is none: a damaged one must not count as empty.
    pub fn read(name: &str, text: String) -> Result<Self, Vec<Diagnostic>> {
        let faults = Faults::default();
        let file = Arc::new(RuleFile::new(name.to_owned(), name.to_owned(), text));
        let versions = document(&file, &faults, versions);
        let faults = faults.into_sorted();
        match versions {
            Some(versions) if faults.is_empty() => Ok(Self(versions)),
            _ => Err(faults),
        }
    }

    /// Whether the rules may be used; `true` when that is to be remembered.
    pub fn judge(&self, signed: &Signed) -> Result<bool, Refusal> {
        let Signed { folder, name, version, digest, .. } = signed;
        let (folder, name, version) = (folder.clone(), name.clone(), *version);
        match self.0.get(&name) {
            Some(before) if before.number > version => {
                Err(Refusal::Older { folder, name, version, accepted: before.number })
            }
            Some(before) if before.number == version && before.digest != *digest => {
                Err(Refusal::OtherContent { folder, name, version })
            }
            Some(before) => Ok(before.number < version),
            None => Ok(true),
        }
    }

    /// Remembers rules that were accepted.
    pub fn remember(&mut self, signed: &Signed) {
        let Signed { name, version, digest, key, .. } = signed.clone();
        self.0.insert(name, Version { number: version, digest, signed_by: key });
    }

    /// The memory as text.
    pub fn text(&self) -> String {
        // The count shows where the end of the file is missing.
        let mut text = format!("{HEAD}count = {}\n", self.0.len());
        for (name, Version { number, digest, signed_by }) in &self.0 {
            // Writing to a string cannot fail. Ids, digests and key ids have nothing to escape.
            _ = write!(
                text,
                "\n[[ruleset]]\nname = \"{name}\"\nversion = {number}\ndigest = \"{digest}\"\nsigned_by = \"{signed_by}\"\n"
            );
        }
        text
    }
}

fn versions(root: &mut Table<'_>) -> BTreeMap<String, Version> {
    let count = root.need("count").and_then(Value::count);
    let versions: BTreeMap<_, _> =
        root.tables("ruleset", "[[ruleset]]").into_iter().filter_map(entry).collect();
    if count.is_some_and(|count| count != versions.len() as u64) {
        let label = format!("{} rulesets are there, and not as many as `count` says", versions.len());
        root.faults().add(Code::MissingKey, root.at(), label);
    }
    versions
}

fn entry(mut table: Table<'_>) -> Option<(String, Version)> {
    let name = table.need_text("name");
    let number = table.need("version").and_then(Value::count);
    let digest = table.need_text("digest");
    let signed_by = table.need_text("signed_by");
    table.finish();
    Some((name?.value, Version { number: number?, digest: digest?.value, signed_by: signed_by?.value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(version: u64, digest: &str) -> Signed {
        let text = |text: &str| text.to_owned();
        Signed { folder: text("rules"), name: text("ours"), version, digest: text(digest), key: text("A1") }
    }

    #[test]
    fn only_newer_rules_are_news() {
        let mut memory = Accepted::default();
        assert_eq!(memory.judge(&signed(3, "x")), Ok(true));
        memory.remember(&signed(3, "x"));
        assert_eq!(memory.judge(&signed(3, "x")), Ok(false));
        assert_eq!(memory.judge(&signed(4, "y")), Ok(true));
        assert!(matches!(memory.judge(&signed(2, "x")), Err(Refusal::Older { accepted: 3, .. })));
        assert!(matches!(memory.judge(&signed(3, "y")), Err(Refusal::OtherContent { .. })));
    }

    #[test]
    fn the_memory_is_kept_as_text() {
        let mut memory = Accepted::default();
        memory.remember(&signed(u64::from(u32::MAX), "x"));
        assert_eq!(Accepted::read("m", memory.text()), Ok(memory));
        assert_eq!(Accepted::read("m", Accepted::default().text()), Ok(Accepted::default()));
    }

    #[test]
    fn a_damaged_memory_is_none() {
        let mut memory = Accepted::default();
        memory.remember(&signed(3, "x"));
        let text = memory.text();
        for end in 0..text.trim_end().len() {
            let cut = text.get(..end).unwrap().to_owned();
            let read = Accepted::read("m", cut.clone());
            assert!(read.is_err(), "{cut}");
        }
        let damaged = [
            "",
            "schema = 1\n[[ruleset]]\n",
            "\0",
            "schema = 2\n",
            "schema = 1\ncount = 0\nruleset = 3\n",
            "schema = 1\n",
        ];
        for text in damaged {
            assert!(Accepted::read("m", text.to_owned()).is_err(), "{text}");
        }
    }
}
