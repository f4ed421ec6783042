//! Where rule files come from: those compiled in, and folders or files a person names.
//!
//! Called by `cli`. The only file of the room that reads the disk, and only what it was pointed at.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use super::Ruleset;
use super::builtin;
use super::code::{Code, Level};
use super::compile::compile;
use super::diagnostic::{At, Diagnostic, Faults, RuleFile};

/// Bytes a rule file may have; the largest of ours has a twentieth.
const MAX_BYTES: u64 = 4 << 20;
/// Rule files a folder may have.
const MAX_FILES: usize = 10_000;
/// Folders in folders that are looked into.
const MAX_DEPTH: usize = 8;

/// Which rules to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Whether the rules compiled into the program are among them.
    pub built_in: bool,
    /// Further rule files, and folders of them.
    pub paths: Vec<PathBuf>,
}

impl Default for Choice {
    fn default() -> Self {
        Self { built_in: true, paths: Vec::new() }
    }
}

/// What loading gave: the rules, unless a fault is an error, and every fault.
#[derive(Debug)]
pub struct Loaded {
    /// The rules; none where a diagnostic is an error.
    pub ruleset: Option<Ruleset>,
    /// Every fault of every file, sorted by file and line.
    pub diagnostics: Vec<Diagnostic>,
    /// Files read.
    pub files: usize,
}

/// The rules that are compiled into the program.
pub fn built_in() -> Loaded {
    load(&Choice::default())
}

/// Loads rules.
pub fn load(choice: &Choice) -> Loaded {
    let faults = Faults::default();
    let mut files = Vec::new();
    if choice.built_in {
        files.extend(builtin::FILES.iter().map(|(name, text)| {
            let (name, relative) = (format!("rules/{name}"), (*name).to_owned());
            Arc::new(RuleFile { name, relative, text: (*text).to_owned() })
        }));
    }
    for path in &choice.paths {
        gather(path, &faults, &mut files);
    }
    finish(&files, faults, origin(choice))
}

/// Rules from names and texts: for tests and documentation.
pub fn of_text(texts: &[(&str, &str)]) -> Loaded {
    let file = |(name, text): &(&str, &str)| {
        let relative = name.strip_prefix("rules/").unwrap_or(name).to_owned();
        Arc::new(RuleFile { name: (*name).to_owned(), relative, text: (*text).to_owned() })
    };
    let files: Vec<Arc<RuleFile>> = texts.iter().map(file).collect();
    finish(&files, Faults::default(), "text".to_owned())
}

fn finish(files: &[Arc<RuleFile>], faults: Faults, origin: String) -> Loaded {
    let ruleset = compile(files, &faults, origin);
    let diagnostics = faults.into_sorted();
    let broken = diagnostics.iter().any(|one| one.code.level() == Level::Error);
    Loaded { ruleset: (!broken).then_some(ruleset), diagnostics, files: files.len() }
}

fn origin(choice: &Choice) -> String {
    let built_in = choice.built_in.then(|| "built-in".to_owned());
    let paths = choice.paths.iter().map(|path| path.display().to_string());
    built_in.into_iter().chain(paths).collect::<Vec<_>>().join(" and ")
}

/// Reads a file, or every `*.toml` in and below a folder: one in an unexpected folder must not be lost in silence.
fn gather(path: &Path, faults: &Faults, files: &mut Vec<Arc<RuleFile>>) {
    let before = files.len();
    let walk = WalkDir::new(path).follow_links(true).max_depth(MAX_DEPTH).sort_by_file_name();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_file() && (entry.depth() == 0 || is_toml(entry.path())) => {
                if files.len() - before == MAX_FILES {
                    return unreadable(path, faults, &format!("more than {MAX_FILES} rule files"));
                }
                read(path, entry.path(), faults, files);
            }
            Ok(_) => {}
            Err(error) => unreadable(error.path().unwrap_or(path), faults, &error.to_string()),
        }
    }
    if files.len() == before {
        unreadable(path, faults, "no rule file (*.toml) was read here");
    }
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"))
}

fn read(root: &Path, path: &Path, faults: &Faults, files: &mut Vec<Arc<RuleFile>>) {
    match read_text(path) {
        Ok(text) => {
            let below = path.strip_prefix(root).ok().filter(|below| !below.as_os_str().is_empty());
            let name = below.unwrap_or_else(|| path.file_name().map_or(path, Path::new));
            let relative = name.to_string_lossy().replace('\\', "/");
            files.push(Arc::new(RuleFile { name: path.display().to_string(), relative, text }));
        }
        Err(reason) => unreadable(path, faults, &reason),
    }
}

#[expect(clippy::disallowed_methods, reason = "rule files are the operator's, not the scanned host's")]
fn read_text(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_BYTES {
        return Err(format!("{size} bytes; a rule file has at most {MAX_BYTES}"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

fn unreadable(path: &Path, faults: &Faults, reason: &str) {
    let name = path.display().to_string();
    let file = Arc::new(RuleFile { relative: name.clone(), name, text: String::new() });
    faults.add(Code::Unreadable, &At::new(&file, 0..0), reason);
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests write rule files of their own")]
mod tests {
    use super::*;

    fn codes(loaded: &Loaded) -> Vec<&'static str> {
        loaded.diagnostics.iter().map(|one| one.code.word()).collect()
    }

    #[test]
    fn the_built_in_rules_have_no_fault() {
        let loaded = built_in();
        assert!(loaded.diagnostics.is_empty(), "{}", super::super::render(&loaded.diagnostics, false));
        assert_eq!(loaded.files, builtin::FILES.len());
    }

    #[test]
    fn a_folder_adds_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let vendor = "schema = 1\n[vendor]\nid = \"acme\"\nname = \"Acme\"\npublishers = [\"Acme\"]\n";
        std::fs::create_dir(folder.path().join("anything")).unwrap();
        std::fs::write(folder.path().join("anything/acme.toml"), vendor).unwrap();
        std::fs::write(folder.path().join("readme.txt"), "not a rule").unwrap();
        let paths = vec![folder.path().to_owned()];
        let added = load(&Choice { built_in: true, paths: paths.clone() }).ruleset.unwrap();
        assert!(added.vendor("acme").is_some() && added.vendor("kaspersky").is_some());
        let replaced = load(&Choice { built_in: false, paths }).ruleset.unwrap();
        assert!(replaced.vendor("acme").is_some() && replaced.vendor("kaspersky").is_none());
        assert_ne!(added.digest(), replaced.digest());
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let load_path = |path: &Path| load(&Choice { built_in: true, paths: vec![path.to_owned()] });
        assert_eq!(codes(&load_path(folder.path())), ["E0109"], "an empty folder");
        assert!(codes(&load_path(&folder.path().join("none"))).contains(&"E0109"));
        let file = folder.path().join("a.toml");
        std::fs::write(&file, b"\xff\xfe").unwrap();
        let loaded = load_path(&file);
        assert!(codes(&loaded).contains(&"E0109") && loaded.ruleset.is_none());
    }

    #[test]
    fn the_digest_does_not_depend_on_where_the_folder_lies() {
        let digest = || {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("a.toml"), "schema = 1\n[vendor]\nid=\"a\"\nname=\"A\"\n")
                .unwrap();
            let paths = vec![folder.path().to_owned()];
            load(&Choice { built_in: false, paths }).ruleset.unwrap().digest().to_owned()
        };
        assert_eq!(digest(), digest());
    }
}
