//! The house rules that a compiler does not hold: who may import whom, how long a file and a function may be, that
//! every file says what it is, and that folders and lists agree. Reads the sources as text.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "reads this project's own files; a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may import (ARCHITECTURE.md).
const LAW: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("parse", &[]),
    ("host", &["model", "parse"]),
    ("sources", &["model", "host", "parse"]),
    ("normalise", &["model"]),
    ("ruleset", &["model", "normalise", "parse"]),
    ("matching", &["model", "ruleset"]),
    ("judge", &["model", "matching", "ruleset"]),
    ("emit", &["model"]),
    ("ship", &["model"]),
    ("collector", &["model", "normalise", "ruleset", "matching", "judge", "emit"]),
    (
        "cli",
        &["model", "host", "parse", "sources", "normalise", "ruleset", "matching", "judge", "emit", "ship"],
    ),
];

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 60;

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

fn source(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn place(path: &Path) -> String {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_string_lossy().replace('\\', "/")
}

/// Names of rooms after `crate::` in code, comments left out.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut rooms = BTreeSet::new();
    for line in code {
        for part in line.split("crate::").skip(1) {
            let word: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            rooms.insert(word);
        }
    }
    rooms
}

fn breaks_of_the_law(room: &str, may: &[&str], text: &str) -> Vec<String> {
    let known: BTreeSet<&str> = LAW.iter().map(|(room, _)| *room).collect();
    let imported = imports(text).into_iter().filter(|word| known.contains(word.as_str()));
    imported.filter(|word| word != room && !may.contains(&word.as_str())).collect()
}

#[test]
fn rooms_import_only_what_they_may() {
    let mut breaks = Vec::new();
    for (room, may) in LAW {
        for path in rust_files(&format!("src/{room}")) {
            let text = source(&path);
            assert!(
                !text.contains("use crate::{"),
                "{}: one import a line, so that none hides",
                place(&path)
            );
            // Tests beside the code may build their input with any room before theirs.
            let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let found = breaks_of_the_law(room, may, product);
            breaks.extend(found.into_iter().map(|word| format!("{} imports {word}", place(&path))));
        }
    }
    assert!(breaks.is_empty(), "{breaks:#?}");
}

#[test]
fn the_law_can_be_broken() {
    assert_eq!(breaks_of_the_law("host", &["model"], "use crate::sources::Haul;\n"), ["sources"]);
    assert_eq!(
        breaks_of_the_law("host", &["model"], "// crate::sources\nuse crate::model::Os;\n"),
        Vec::<String>::new()
    );
}

#[test]
fn every_room_of_the_library_is_in_the_law() {
    let lib = source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let rooms: BTreeSet<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(rooms, LAW.iter().map(|(room, _)| *room).collect());
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut faults = Vec::new();
    for path in ["src", "tests", "benches"].iter().flat_map(|folder| rust_files(folder)) {
        let text = source(&path);
        let lines = text.lines().count();
        if lines > MAX_FILE_LINES {
            faults.push(format!("{} has {lines} lines", place(&path)));
        }
        if !text.starts_with("//!") {
            faults.push(format!("{} does not open with //!", place(&path)));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    let top = source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs"));
    assert!(top.lines().count() < 40);
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for path in rust_files("src") {
        let text = source(&path);
        long.extend(
            functions(&text)
                .into_iter()
                .filter(|(_, lines)| *lines > MAX_FUNCTION_LINES)
                .map(|(name, lines)| format!("{}: {name} has {lines} lines", place(&path))),
        );
    }
    assert!(long.is_empty(), "{long:#?}");
}

/// Name and length of each function, by the indentation that rustfmt keeps.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        let head = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn "]
            .iter()
            .find_map(|head| bare.strip_prefix(head));
        let Some(head) = head.filter(|_| !line.ends_with([';', '}'])) else { continue };
        let close = format!("{:indent$}}}", "");
        let end = lines[at..].iter().position(|line| *line == close).unwrap_or_default();
        found.push((head.split(['(', '<']).next().unwrap_or_default().to_owned(), end + 1));
    }
    found
}

#[test]
fn a_long_function_would_be_found() {
    let long = format!("fn long() {{\n{}}}\n", "    one();\n".repeat(70));
    assert_eq!(functions(&long), [("long".to_owned(), 72)]);
    let without_a_body =
        format!("    fn short();\n    fn empty() {{}}\n{}    }}\n", "    one();\n".repeat(70));
    assert_eq!(functions(&without_a_body), []);
}

/// Sources: every file of a family's folder that holds one is in `SOURCES`.
#[test]
fn folder_and_slice_of_sources_agree() {
    let listed = source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sources/mod.rs"));
    for family in ["common", "linux", "macos", "windows"] {
        for path in rust_files(&format!("src/sources/{family}")) {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            if source(&path).contains("impl Source for") {
                let entry = format!("{family}::{stem}::");
                assert!(listed.contains(&entry), "{} is not in SOURCES", place(&path));
            }
        }
    }
}

/// Parsers: every public reader has a fuzz target that names it.
#[test]
fn every_reader_has_a_fuzz_target() {
    let targets: String = rust_files("fuzz/fuzz_targets").iter().map(|path| source(path)).collect();
    let modules = source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parse/mod.rs"));
    let readers = modules.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let helpers = ["text", "command", "deb822", "sqlite_record"];
    let missing: Vec<_> = readers
        .filter(|reader| !helpers.contains(reader) && !targets.contains(&format!("parse::{reader}")))
        .collect();
    assert!(missing.is_empty(), "no fuzz target reads {missing:?}");
}

/// The scan runs no program: nothing may start one but the file that switches schedules on.
#[test]
fn no_program_is_started() {
    let tool = "src/cli/schedule/apply.rs";
    for path in rust_files("src").into_iter().filter(|path| !place(path).ends_with("_tests.rs")) {
        if place(&path) == tool {
            continue;
        }
        let text = source(&path);
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(!product.contains("process::Command"), "{} starts a program", place(&path));
    }
}

/// Fixtures must be legal file names on Windows, or a checkout fails there.
#[test]
fn fixture_names_are_legal_everywhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["tests", "rules", "docs", "fuzz/seeds"] {
        for entry in walkdir::WalkDir::new(root.join(folder)).into_iter().filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(!name.contains(['<', '>', ':', '"', '|', '?', '*', '\\']), "{name}");
            assert!(!name.ends_with(['.', ' ']), "{name}");
        }
    }
}
