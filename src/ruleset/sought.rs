//! What a scan looked for that was led by some rules under some policies, and what of other rules it can therefore not answer.
//!
//! Told by `cli` with a report, and asked by `collector`, which judges by rules that came after the scan. Must not know hosts nor
//! what was found on them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{
    Class, Depth, Family, Id, ItemKind, Order, Report, ScopeAsk, Wanted, of_json, set_of, to_json,
};

use super::wanted::wanted_of;
use super::{Indicator, Policy, Prohibition, Ruleset, fields};

/// Before the text of what led a scan, where its id is made.
const DOMAIN: &[u8] = b"interdict.sought/1\0";

/// What led a scan: the same text on both sides of the wire, and its id. A text by another version may hold what is not known here,
/// and lack what is known: then that was not looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    id: Id,
    text: String,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Content {
    /// Prints of the indicators of what the policies prohibit.
    indicators: BTreeSet<Id>,
    /// What the sources were told to look for.
    wanted: Wanted,
}

/// Why a scan that was led by other rules does not answer a prohibition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unsought {
    /// Programs: a look keeps only those that its rules could match, and those that merely run are told of only where a
    /// finding rests on them.
    Programs,
    /// Hashes: only files of the sizes that rules name are hashed.
    Hashes,
    /// Files and folders in places that only these rules name.
    Paths,
    /// Keys of the registry that only these rules name.
    Keys,
    /// Accounts that only these rules name.
    Accounts,
    /// Signatures: they are proven only where a rule could need it.
    Signatures,
}

impl Unsought {
    /// What was not looked for, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Programs => "programs",
            Self::Hashes => "hashes of files",
            Self::Paths => "files and folders",
            Self::Keys => "keys of the registry",
            Self::Accounts => "accounts",
            Self::Signatures => "signatures",
        }
    }
}

impl Sought {
    /// What a text tells.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        let id = Id::of(&Sha256::new().chain_update(DOMAIN).chain_update(text).finalize());
        Ok(Self { id, content: of_json(text.as_bytes())?, text: text.to_owned() })
    }

    fn of(content: &Content) -> serde_json::Result<Self> {
        Self::read(&String::from_utf8_lossy(&to_json(content)?))
    }

    /// The id of its text.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the scan was led by an indicator that asks the very same, for the same product.
    pub fn knows(&self, ruleset: &Ruleset, indicator: &Indicator) -> bool {
        self.content.indicators.contains(&ruleset.print(indicator))
    }
}

impl Ruleset {
    /// What led the look of a report, where it was led by these rules.
    pub fn led(&self, report: &Report) -> serde_json::Result<Sought> {
        let policies: Vec<&Policy> =
            report.policies.iter().filter_map(|outcome| self.policy(&outcome.policy)).collect();
        self.sought(report.host.family, &policies)
    }

    /// What leads a scan by these rules under these policies.
    pub fn sought(&self, family: Family, policies: &[&Policy]) -> serde_json::Result<Sought> {
        let prohibitions = policies.iter().flat_map(|policy| &policy.prohibitions);
        let indicators = prohibitions.flat_map(|one| self.indicators_of(one));
        let own = indicators.filter(|one| one.rule.families.contains(&family));
        Sought::of(&Content {
            indicators: set_of(own.map(|one| self.print(one))),
            wanted: match policies {
                // Without policies nothing led it; `wanted` would take that for all of them.
                [] => Wanted::default(),
                policies => self.wanted(ScopeAsk::All, Depth::Standard, family, policies),
            },
        })
    }

    /// Whether a scan that was led so looked for every indicator of a prohibition, as these rules have them.
    pub fn was_sought(&self, prohibition: &Prohibition, family: Family, sought: &Sought) -> bool {
        let mut own = self.indicators_of(prohibition).filter(|one| can_find(one, family));
        own.all(|one| sought.knows(self, one))
    }

    /// What of a prohibition a scan that was led so cannot answer; nothing: it looked for all that these rules ask.
    pub fn unsought(&self, prohibition: &Prohibition, family: Family, sought: &Sought) -> Vec<Unsought> {
        let mut found = Vec::new();
        for indicator in self.indicators_of(prohibition) {
            if can_find(indicator, family) && !sought.knows(self, indicator) {
                lacking(indicator, family, &sought.content.wanted, &mut found);
            }
        }
        found.order();
        found.dedup();
        found
    }

    /// What an indicator asks, with its product and the look-alikes of its vendor, which may cancel it: two that have one print
    /// find the same. Where it is written is no part of it, nor what the language can ask and this one does not: endpoints and
    /// collectors of other versions come to the same.
    fn print(&self, indicator: &Indicator) -> Id {
        let product = self.product_of(indicator);
        let vendor = product.map(|product| product.vendor.as_str());
        let rule = |rule: &super::Rule| {
            let asked = (&rule.kinds, &rule.families, &rule.conditions, &rule.unless);
            to_json(&asked).unwrap_or_default()
        };
        let mut hash = Sha256::new();
        let mut put = |text: &[u8]| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        put(product.map_or("", |product| &product.id).as_bytes());
        put(format!("{:?} {:?}", indicator.strength, indicator.class).as_bytes());
        put(&rule(&indicator.rule));
        let own = |id: &str| Some(id) == vendor;
        let signers = vendor.and_then(|id| self.vendor(id)).filter(|vendor| vendor.signers_closed);
        let closed =
            signers.map(|vendor| format!("{:?} {:?}", vendor.signers, vendor.team_ids)).unwrap_or_default();
        put(closed.as_bytes());
        for exclude in self.excludes().iter().filter(|exclude| own(&exclude.vendor)) {
            put(&rule(&exclude.rule));
        }
        Id::of(&hash.finalize())
    }
}

/// Whether an indicator could make a finding that counts.
fn can_find(indicator: &Indicator, family: Family) -> bool {
    indicator.rule.families.contains(&family) && !matches!(indicator.class, Class::Impostor | Class::Tool)
}

/// What of a new indicator is not read by every scan.
fn lacking(indicator: &Indicator, family: Family, had: &Wanted, found: &mut Vec<Unsought>) {
    // What merely runs is told only where a finding rests on it: programs, and modules that Linux' kernel has loaded from somewhere.
    let runs = |kind| kind == ItemKind::Executable || (kind == ItemKind::Driver && family == Family::Linux);
    let mut kinds = indicator.rule.kinds.iter().copied();
    if kinds.any(|kind| runs(kind) && fields::occurs(kind, family)) {
        found.push(Unsought::Programs);
    }
    let want = wanted_of(indicator, family);
    let lacks = [
        (Unsought::Hashes, want.hash_sizes.is_subset(&had.hash_sizes)),
        (
            Unsought::Paths,
            want.path_roots.is_subset(&had.path_roots)
                && want.templates.is_subset(&had.templates)
                && want.beginnings.is_subset(&had.beginnings),
        ),
        (Unsought::Keys, want.keys.is_subset(&had.keys)),
        (Unsought::Accounts, want.accounts.is_subset(&had.accounts)),
    ];
    found.extend(lacks.into_iter().filter(|(_, had)| !had).map(|(what, _)| what));
}

#[cfg(test)]
mod tests {
    use crate::ruleset::of_text;

    use super::*;

    const HEAD: &str = "schema = 1\n[vendor]\nid = \"acme\"\nname = \"Acme\"\n";
    const POLICY: &str = "schema = 1\n[policy]\nid = \"ours\"\ntitle = \"Ours\"\neffective = 2020-01-01\n\
                          [[prohibition]]\nid = \"ours.acme\"\nvendor = \"acme\"\n";

    fn rules(indicators: &[&str]) -> Ruleset {
        let indicator = |asks: &&str| {
            format!("[[product.indicator]]\n{asks}\nstrength = \"strong\"\nsource = \"this test\"\n")
        };
        let indicators: String = indicators.iter().map(indicator).collect();
        let vendor = format!("{HEAD}[[product]]\nid = \"acme.guard\"\nname = \"Guard\"\n{indicators}");
        let loaded = of_text(&[("vendors/acme.toml", &vendor), ("policies/ours.toml", POLICY)]);
        loaded.ruleset.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
    }

    fn unsought(new: &Ruleset, old: &Ruleset, family: Family) -> Vec<Unsought> {
        let led = old.sought(family, &[old.policy("ours").unwrap()]).unwrap();
        let prohibition = &new.policy("ours").unwrap().prohibitions[0];
        new.unsought(prohibition, family, &led)
    }

    const NAME: &str = "kind = \"package\"\nname = { exact = [\"guard\"] }";
    const PROGRAM: &str = "kind = \"executable\"\nname = { exact = [\"guard.exe\"] }";
    const SIGNER: &str = "kind = \"executable\"\nsigner = { exact = [\"Acme Corp\"] }";
    const KEY: &str = r"
kind = 'trace'
path = { glob = ['HKLM\SOFTWARE\Acme\**'] }
families = ['windows']";

    fn hash() -> String {
        let value = "ab".repeat(32);
        format!("kind = \"executable\"\nsha256 = [{{ value = \"{value}\", size = 4711 }}]")
    }

    #[test]
    fn what_every_scan_reads_is_answered_by_any() {
        let (old, new) = (rules(&[PROGRAM]), rules(&[NAME]));
        for family in [Family::Linux, Family::Windows, Family::Macos] {
            assert_eq!(unsought(&new, &old, family), [], "{family:?}");
        }
    }

    #[test]
    fn what_no_rule_asked_for_is_not_known() {
        let old = rules(&[NAME]);
        let of = |new: &str, family| unsought(&rules(&[new]), &old, family);
        assert_eq!(of(SIGNER, Family::Windows), [Unsought::Programs]);
        assert_eq!(of(&hash(), Family::Linux), [Unsought::Programs, Unsought::Hashes]);
        assert_eq!(of(KEY, Family::Windows), [Unsought::Keys]);
        assert_eq!(of(KEY, Family::Linux), [], "it is not for Linux");
    }

    #[test]
    fn what_was_loaded_from_anywhere_is_not_told() {
        let module = "kind = \"driver\"\nname = { exact = [\"acme_guard\"] }";
        assert_eq!(unsought(&rules(&[module]), &rules(&[NAME]), Family::Linux), [Unsought::Programs]);
        assert_eq!(unsought(&rules(&[module]), &rules(&[NAME]), Family::Windows), []);
    }

    /// A service is read by every scan, but who has signed it is proven only where a rule asks for that.
    #[test]
    fn what_is_read_was_not_therefore_sought() {
        let (old, new) =
            (rules(&[NAME]), rules(&["kind = \"service\"\nsigner = { exact = [\"Acme Corp\"] }"]));
        assert_eq!(unsought(&new, &old, Family::Windows), []);
        let prohibition = &new.policy("ours").unwrap().prohibitions[0];
        let led = |rules: &Ruleset| rules.sought(Family::Windows, &[rules.policy("ours").unwrap()]).unwrap();
        assert!(!new.was_sought(prohibition, Family::Windows, &led(&old)));
        assert!(new.was_sought(prohibition, Family::Windows, &led(&new)));
    }

    #[test]
    fn the_same_rules_elsewhere_are_the_same() {
        let all = [NAME, PROGRAM, SIGNER, KEY, &hash()];
        let (old, mut turned) = (rules(&all), all);
        turned.reverse();
        let new = rules(&turned);
        assert_ne!(old.digest(), new.digest());
        for family in [Family::Linux, Family::Windows, Family::Macos] {
            assert_eq!(unsought(&new, &old, family), [], "{family:?}");
        }
    }

    #[test]
    fn other_policies_look_for_other_things() {
        let new = rules(&[SIGNER]);
        let nothing = new.sought(Family::Windows, &[]).unwrap();
        let prohibition = &new.policy("ours").unwrap().prohibitions[0];
        assert_eq!(new.unsought(prohibition, Family::Windows, &nothing), [Unsought::Programs]);
    }

    #[test]
    fn the_text_is_read_back_whatever_else_stands_in_it() {
        let rules = rules(&[NAME, KEY, PROGRAM]);
        let sought = rules.sought(Family::Windows, &[rules.policy("ours").unwrap()]).unwrap();
        assert_eq!(Sought::read(sought.text()).unwrap(), sought);
        let newer = sought.text().replacen('{', "{\"later\":[1],", 1);
        let read = Sought::read(&newer).unwrap();
        assert_ne!(read.id(), sought.id());
        assert_eq!(read.content, sought.content);
        assert_eq!(Sought::read("{}").unwrap().content, Content::default());
        for bad in ["", "[]x", "{\"indicators\":[\"x\"]}", "{\"wanted\":7}"] {
            assert!(Sought::read(bad).is_err(), "{bad}");
        }
    }
}
