//! Where rule files come from: those compiled in, and folders or files a person names.
//!
//! Called by `cli`. The only file of the room that reads the disk, and only what it was pointed at.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use crate::model::RulesFolder;

use super::Ruleset;
use super::builtin;
use super::code::{Code, Level};
use super::compile::{compile, compile_for};
use super::diagnostic::{At, Diagnostic, Faults};
use super::manifest::{self, Manifest};
use super::refusal::Refusal;
use super::rule_file::RuleFile;
use super::signing::{Folder, SIGNATURE, SUMS, Sealed, Signed, TrustedKey, verify};

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
    /// Whether their examples are read too; those of further files always are.
    pub examples: bool,
    /// Further rule files, and folders of them.
    pub paths: Vec<PathBuf>,
    /// Rules that were sent: in memory, with their signature.
    pub sent: Option<Sent>,
    /// Ids of the policies that will be asked; of the built-in vendors only those that these name are then read. None:
    /// all. Beside further files, which may name any, all are read too.
    pub policies: Option<Vec<String>>,
}

impl Default for Choice {
    fn default() -> Self {
        Self { built_in: true, examples: true, paths: Vec::new(), sent: None, policies: None }
    }
}

/// A folder of rules that was sent, and whose signature it must bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What messages call it.
    pub name: String,
    /// Its files and their seal.
    pub folder: RulesFolder,
    /// Keys that are trusted; without one the seal is not looked at.
    pub keys: Vec<TrustedKey>,
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
    /// What was named, and the files that were read of it.
    pub places: Vec<Place>,
    /// Why the rules are not used although they may have no fault.
    pub refusals: Vec<Refusal>,
}

/// A folder or file that was named, and what was read of it.
#[derive(Debug)]
pub struct Place {
    /// Where.
    pub path: PathBuf,
    /// Its rule files.
    pub files: Vec<Arc<RuleFile>>,
    /// List and signature, where they are not on the disk.
    sealed: Option<[String; 2]>,
}

impl Place {
    /// Whether something is written in one of its files.
    pub fn has(&self, at: &At) -> bool {
        self.files.iter().any(|file| at.is_in(file))
    }
}

/// The rules that are compiled into the program.
pub fn built_in() -> Loaded {
    load(&Choice::default())
}

/// Loads rules, whoever wrote them.
pub fn load(choice: &Choice) -> Loaded {
    load_trusted(choice, &[])
}

/// Loads rules that one of the keys has signed; without a key, whoever wrote them. What is built in needs no signature.
pub fn load_trusted(choice: &Choice, keys: &[TrustedKey]) -> Loaded {
    let faults = Faults::default();
    let mut files = Vec::new();
    if choice.built_in {
        files.extend(builtin::FILES.iter().map(|file| Arc::new(RuleFile::built_in(file, choice.examples))));
    }
    let mut places: Vec<Place> = choice.paths.iter().map(|path| gather(path, &faults)).collect();
    places.extend(choice.sent.iter().map(|sent| unpacked(sent, &faults)));
    files.extend(places.iter().flat_map(|place| place.files.iter().cloned()));
    let (mut seals, mut refusals) = (Vec::new(), Vec::new());
    // Where nothing was read there is a fault that says so.
    for place in places.iter().filter(|place| !place.files.is_empty()) {
        let keys = match &choice.sent {
            Some(sent) if place.sealed.is_some() => &sent.keys,
            _ => keys,
        };
        if keys.is_empty() {
            continue;
        }
        match check(place, keys) {
            Ok(sealed) => seals.push((place, sealed)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        // What nobody trusted has signed is not even read as rules.
        let (diagnostics, files) = (faults.into_sorted(), files.len());
        return Loaded { ruleset: None, diagnostics, files, places, refusals };
    }
    let asked = choice.policies.as_deref().filter(|_| choice.paths.is_empty() && choice.sent.is_none());
    let origin = origin(choice);
    let ruleset = match asked {
        Some(asked) => compile_for(&files, asked, &faults, origin),
        None => compile(&files, &faults, origin),
    };
    let mut loaded = finish(ruleset, files.len(), &places, faults);
    if let Some(ruleset) = &mut loaded.ruleset {
        (ruleset.signed, loaded.refusals) = named(seals, ruleset.manifests());
    }
    if !loaded.refusals.is_empty() {
        loaded.ruleset = None;
    }
    Loaded { places, ..loaded }
}

/// Checks a signed folder by itself: its rules may refer to others that are not here.
pub fn verify_folder(path: &Path, keys: &[TrustedKey]) -> Result<Signed, (Vec<Diagnostic>, Vec<Refusal>)> {
    let faults = Faults::default();
    verify_place(&gather(path, &faults), keys, faults)
}

/// The same of a folder that was sent, by its own keys. Without a key nothing is verified.
pub fn verify_sent(sent: &Sent) -> Result<Signed, (Vec<Diagnostic>, Vec<Refusal>)> {
    let faults = Faults::default();
    verify_place(&unpacked(sent, &faults), &sent.keys, faults)
}

fn verify_place(
    place: &Place,
    keys: &[TrustedKey],
    faults: Faults,
) -> Result<Signed, (Vec<Diagnostic>, Vec<Refusal>)> {
    if place.files.is_empty() {
        return Err((faults.into_sorted(), Vec::new()));
    }
    let sealed = check(place, keys).map_err(|refusal| (faults.into_sorted(), vec![refusal]))?;
    let ruleset = compile(&place.files, &Faults::default(), String::new());
    let (mut signed, refusals) = named(vec![(place, sealed)], ruleset.manifests());
    signed.pop().ok_or((Vec::new(), refusals))
}

/// Reads a folder as it is sent, without its signature.
pub fn read_files(path: &Path) -> Result<RulesFolder, Vec<Diagnostic>> {
    let faults = Faults::default();
    let place = gather(path, &faults);
    let faults = faults.into_sorted();
    if !faults.is_empty() {
        return Err(faults);
    }
    let file = |file: &Arc<RuleFile>| (file.relative.clone(), file.text().to_owned());
    let files = place.files.iter().map(file).collect();
    Ok(RulesFolder { files, sums: String::new(), signature: String::new() })
}

/// Reads a signed folder as it is sent. Nothing is verified.
pub fn read_folder(path: &Path) -> Result<RulesFolder, (Vec<Diagnostic>, Vec<Refusal>)> {
    let folder = read_files(path).map_err(|faults| (faults, Vec::new()))?;
    let read = |file| {
        let bytes = read_seal(path, file).map_err(|refusal| (Vec::new(), vec![refusal]))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(RulesFolder { sums: read(SUMS)?, signature: read(SIGNATURE)?, ..folder })
}

/// Checks the signature of a folder over what was read of it.
fn check(place: &Place, keys: &[TrustedKey]) -> Result<Sealed, Refusal> {
    let name = place.path.display().to_string();
    if let Some([sums, signature]) = &place.sealed {
        let (sums, signature) = (sums.as_bytes(), signature.as_bytes());
        return verify(&Folder { name: &name, files: &place.files, sums, signature }, keys);
    }
    if place.path.is_file() {
        return Err(Refusal::SingleFile { file: name });
    }
    let read = |file| read_seal(&place.path, file);
    let (sums, signature) = (read(SUMS)?, read(SIGNATURE)?);
    verify(&Folder { name: &name, files: &place.files, sums: &sums, signature: &signature }, keys)
}

/// Joins each signed folder with its manifest.
fn named(seals: Vec<(&Place, Sealed)>, manifests: &[Manifest]) -> (Vec<Signed>, Vec<Refusal>) {
    let (mut signed, mut refusals) = (Vec::new(), Vec::new());
    for (place, sealed) in seals {
        match manifests.iter().find(|one| place.has(&one.at)) {
            Some(manifest) => signed.push(Signed::new(sealed, manifest)),
            None => refusals.push(Refusal::NoManifest { folder: sealed.folder }),
        }
    }
    (signed, refusals)
}

/// Reads the list or its signature, up to a limit that no honest one comes near.
fn read_seal(folder: &Path, file: &'static str) -> Result<Vec<u8>, Refusal> {
    let name = folder.display().to_string();
    match read_bytes(&folder.join(file)) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Refusal::Unsigned { folder: name, missing: file })
        }
        Err(error) => Err(Refusal::Unusable { folder: name, file, why: error.to_string() }),
    }
}

/// Rules from names and texts: for tests and documentation.
pub fn of_text(texts: &[(&str, &str)]) -> Loaded {
    let file = |(name, text): &(&str, &str)| {
        let (name, text) = ((*name).to_owned(), (*text).to_owned());
        Arc::new(RuleFile::new(name.clone(), name, text))
    };
    let files: Vec<Arc<RuleFile>> = texts.iter().map(file).collect();
    let faults = Faults::default();
    finish(compile(&files, &faults, "text".to_owned()), files.len(), &[], faults)
}

fn finish(ruleset: Ruleset, files: usize, places: &[Place], faults: Faults) -> Loaded {
    let folder = |at: &At| places.iter().position(|place| place.has(at));
    manifest::check(ruleset.manifests(), folder, &faults);
    let diagnostics = faults.into_sorted();
    let broken = diagnostics.iter().any(|one| one.code.level() == Level::Error);
    Loaded {
        ruleset: (!broken).then_some(ruleset),
        diagnostics,
        files,
        places: Vec::new(),
        refusals: Vec::new(),
    }
}

fn origin(choice: &Choice) -> String {
    let built_in = choice.built_in.then(|| "built-in".to_owned());
    let paths = choice.paths.iter().map(|path| path.display().to_string());
    let sent = choice.sent.iter().map(|sent| sent.name.clone());
    built_in.into_iter().chain(paths).chain(sent).collect::<Vec<_>>().join(" and ")
}

/// Reads a file, or every `*.toml` in and below a folder: one in an unexpected folder must not be lost in silence.
fn gather(path: &Path, faults: &Faults) -> Place {
    let mut files = Vec::new();
    let walk = WalkDir::new(path).follow_links(true).max_depth(MAX_DEPTH).sort_by_file_name();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_file() && (entry.depth() == 0 || is_toml(entry.path())) => {
                if files.len() == MAX_FILES {
                    unreadable(path, faults, &format!("more than {MAX_FILES} rule files"));
                    break;
                }
                read(path, entry.path(), faults, &mut files);
            }
            Ok(_) => {}
            Err(error) => unreadable(error.path().unwrap_or(path), faults, &error.to_string()),
        }
    }
    if files.is_empty() {
        unreadable(path, faults, "no rule file (*.toml) was read here");
    }
    Place { path: path.to_owned(), files, sealed: None }
}

/// The files of a folder that was sent, within the same bounds.
fn unpacked(sent: &Sent, faults: &Faults) -> Place {
    let Sent { name, folder: RulesFolder { files, sums, signature }, .. } = sent;
    let path = Path::new(name);
    let is_too_much = files.len() > MAX_FILES || files.values().any(|text| text.len() as u64 > MAX_BYTES);
    if is_too_much || files.is_empty() {
        let why =
            format!("it has no rule file, more than {MAX_FILES}, or one of more than {MAX_BYTES} bytes");
        unreadable(path, faults, &why);
        return Place { path: path.to_owned(), files: Vec::new(), sealed: None };
    }
    let file = |(relative, text): (&String, &String)| {
        Arc::new(RuleFile::new(format!("{name}/{relative}"), relative.clone(), text.clone()))
    };
    let sealed = Some([sums.clone(), signature.clone()]);
    Place { path: path.to_owned(), files: files.iter().map(file).collect(), sealed }
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"))
}

fn read(root: &Path, path: &Path, faults: &Faults, files: &mut Vec<Arc<RuleFile>>) {
    match read_text(path) {
        Ok(text) => {
            let below = path.strip_prefix(root).ok().filter(|below| !below.as_os_str().is_empty());
            let name = below.unwrap_or_else(|| path.file_name().map_or(path, Path::new));
            let relative = name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
            files.push(Arc::new(RuleFile::new(path.display().to_string(), relative, text)));
        }
        Err(reason) => unreadable(path, faults, &reason),
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let bytes = read_bytes(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes)
        .map_err(|error| format!("not UTF-8 after {} bytes", error.utf8_error().valid_up_to()))
}

/// Reads a regular file, never more than the limit even while it grows.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "rule files are the operator's, not the scanned host's"
)]
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("more than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, faults: &Faults, reason: &str) {
    let name = path.display().to_string();
    let file = Arc::new(RuleFile::new(name.clone(), name, String::new()));
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
    fn without_their_examples_the_rules_are_the_same() {
        let lean = load(&Choice { examples: false, ..Choice::default() });
        assert!(lean.diagnostics.is_empty(), "{}", super::super::render(&lean.diagnostics, false));
        let (lean, full) = (lean.ruleset.unwrap(), built_in().ruleset.unwrap());
        let told = |rules: &Ruleset| {
            let indicators =
                rules.indicators().iter().map(|one| (one.rule.at.to_string(), one.source.clone()));
            let excludes = rules.excludes().iter().map(|one| (one.rule.at.to_string(), one.reason.clone()));
            let products = rules.products().iter().map(|one| (one.id.clone(), one.name.clone()));
            indicators.chain(excludes).chain(products).collect::<Vec<_>>()
        };
        assert_eq!(told(&lean), told(&full));
        assert_eq!(lean.digest(), full.digest());
        assert!(lean.examples().is_empty() && !full.examples().is_empty());
    }

    #[test]
    fn of_the_vendors_those_are_read_that_policies_name() {
        let of = |policies: &[&str]| {
            let policies = Some(policies.iter().map(|&id| id.to_owned()).collect());
            let loaded = load(&Choice { examples: false, policies, ..Choice::default() });
            assert!(loaded.diagnostics.is_empty());
            loaded.ruleset.unwrap()
        };
        let full = built_in().ruleset.unwrap();
        let told = |rules: &Ruleset, policy: &str| {
            let prohibitions = &rules.policy(policy).unwrap().prohibitions;
            let signs =
                prohibitions.iter().flat_map(|one| rules.indicators_of(one).map(|sign| (&one.id, sign)));
            let mut told: Vec<String> = signs.map(|(id, sign)| format!("{id} {}", sign.rule.at)).collect();
            told.sort();
            told
        };
        for policy in full.policies() {
            let lean = of(&[&policy.id]);
            assert_eq!(told(&full, &policy.id), told(&lean, &policy.id));
            assert_eq!(format!("{:?}", lean.policy(&policy.id)), format!("{:?}", Some(policy)));
            for ground in policy.prohibitions.iter().flat_map(|one| &one.authorities) {
                assert!(lean.authority(ground).is_some(), "{ground}");
                assert_eq!(format!("{:?}", lean.authority(ground)), format!("{:?}", full.authority(ground)));
            }
        }
        let commerce = of(&["us-commerce"]);
        assert_eq!(commerce.vendors().len(), 1);
        assert_eq!(commerce.digest(), full.digest(), "the rules are the same, whatever is read of them");
        assert_eq!(of(&["us-commerce", "no-such"]).vendors().len(), full.vendors().len());
    }

    #[test]
    fn a_folder_adds_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let vendor = "schema = 1\n[vendor]\nid = \"acme\"\nname = \"Acme\"\npublishers = [\"Acme\"]\n";
        std::fs::create_dir(folder.path().join("anything")).unwrap();
        std::fs::write(folder.path().join("anything/acme.toml"), vendor).unwrap();
        std::fs::write(folder.path().join("readme.txt"), "not a rule").unwrap();
        let paths = vec![folder.path().to_owned()];
        let added = load(&Choice { paths: paths.clone(), ..Choice::default() }).ruleset.unwrap();
        assert!(added.vendor("acme").is_some() && added.vendor("kaspersky").is_some());
        let replaced = load(&Choice { built_in: false, paths, ..Choice::default() }).ruleset.unwrap();
        assert!(replaced.vendor("acme").is_some() && replaced.vendor("kaspersky").is_none());
        assert_ne!(added.digest(), replaced.digest());
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let load_path = |path: &Path| load(&Choice { paths: vec![path.to_owned()], ..Choice::default() });
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
            load(&Choice { built_in: false, paths, ..Choice::default() }).ruleset.unwrap().digest().to_owned()
        };
        assert_eq!(digest(), digest());
    }
}
