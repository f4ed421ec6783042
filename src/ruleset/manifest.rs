//! The manifest of a ruleset: its name, its version, when it was released, from when on it is old.
//!
//! Made by `compile`, asked by `cli`. Must not know who signed it (`signing`) or what was accepted before (`accepted`).

use crate::model::Date;

use super::Ruleset;
use super::code::Code;
use super::diagnostic::{At, Diagnostic, Faults};

/// What a folder of rules says of itself as a whole.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The lineage: what later versions have in common with this one.
    pub name: String,
    /// Grows with every release.
    pub version: u64,
    /// When it was released.
    pub released: Date,
    /// From this day on the rules are old.
    pub stale_after: Option<Date>,
    /// Where it is written.
    pub at: At,
}

impl Manifest {
    /// Whether the rules are old on a day.
    pub fn is_stale(&self, as_of: Date) -> bool {
        self.stale_after.is_some_and(|from| from <= as_of)
    }
}

/// The manifests that say that their rules are old on a day.
pub fn stale(ruleset: &Ruleset, as_of: Date) -> Vec<Diagnostic> {
    let faults = Faults::default();
    for manifest in ruleset.manifests().iter().filter(|one| one.is_stale(as_of)) {
        let since = manifest.stale_after.unwrap_or(manifest.released);
        let label = format!("{} {} is stale since {since}", manifest.name, manifest.version);
        let hint = "get a newer release; what became known since then is not found";
        faults.hint(Code::OldRules, &manifest.at, label, hint);
    }
    faults.into_sorted()
}

/// A folder has one manifest, and a name is one folder's: else nobody could say which version the rules have.
/// `folder` tells which of the named folders a place is in.
pub(super) fn check(manifests: &[Manifest], folder: impl Fn(&At) -> Option<usize>, faults: &Faults) {
    let same = |a: &At, b: &At| folder(a).is_some() && folder(a) == folder(b);
    for (position, manifest) in manifests.iter().enumerate() {
        let mut before = manifests.iter().take(position);
        if let Some(first) = before.clone().find(|one| same(&one.at, &manifest.at)) {
            let label = format!("{} is the manifest of this folder already", first.at);
            let hint = "keep one file with [ruleset]; other rules belong in a folder of their own";
            faults.hint(Code::SecondManifest, &manifest.at, label, hint);
        } else if let Some(first) = before.find(|one| one.name == manifest.name) {
            let label = format!("`{}` is the ruleset at {}", manifest.name, first.at);
            let hint = "use one of the two, or give yours a name of its own";
            faults.hint(Code::DuplicateId, &manifest.at, label, hint);
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests write rule files of their own")]
mod tests {
    use super::super::{Choice, Loaded, load, of_text};
    use super::*;

    const OURS: &str = "schema = 1\n[ruleset]\nname = \"ours\"\nversion = 3\nreleased = 2026-01-01\nstale_after = 2026-07-01\n";

    fn codes(loaded: &Loaded) -> Vec<&'static str> {
        loaded.diagnostics.iter().map(|one| one.code.word()).collect()
    }

    #[test]
    fn rules_are_old_from_the_day_they_say() {
        let ruleset = of_text(&[("ruleset.toml", OURS)]).ruleset.unwrap();
        let on = |day: &str| stale(&ruleset, day.parse().unwrap());
        assert!(on("2026-06-30").is_empty());
        let old = on("2026-07-01");
        assert_eq!(old.len(), 1);
        let shown = super::super::render(&old, false);
        assert!(shown.starts_with("warning[W0510]"), "{shown}");
        assert!(shown.contains("ours 3 is stale since 2026-07-01"), "{shown}");
        let ageless = OURS.replace("stale_after", "#");
        let ruleset = of_text(&[("ruleset.toml", &ageless)]).ruleset.unwrap();
        assert!(stale(&ruleset, "2999-01-01".parse().unwrap()).is_empty());
    }

    #[test]
    fn a_folder_has_one_manifest_and_a_name_one_folder() {
        let other = OURS.replace("ours", "other");
        assert_eq!(codes(&of_text(&[("a.toml", OURS), ("b.toml", &other)])), [""; 0]);
        assert_eq!(codes(&of_text(&[("a.toml", OURS), ("b.toml", OURS)])), ["E0201"]);
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("one/a.toml", OURS), ("one/x/b.toml", &other), ("two/a.toml", &other)] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let of = |names: &[&str]| {
            let paths = names.iter().map(|name| folder.path().join(name)).collect();
            codes(&load(&Choice { paths, ..Choice::default() })).join(" ")
        };
        assert_eq!(of(&["one"]), "E0210");
        assert_eq!(of(&["one/x", "two"]), "E0201");
        assert_eq!(of(&["two"]), "");
    }

    #[test]
    fn a_version_is_counted_from_one() {
        for wrong in ["0", "-1", "1.5", "\"1\""] {
            let text = OURS.replace("version = 3", &format!("version = {wrong}"));
            assert_eq!(codes(&of_text(&[("a.toml", &text)])), ["E0103"], "{wrong}");
        }
    }
}
