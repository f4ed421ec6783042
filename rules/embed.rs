//! Build script: lists the rule files beside it, so that all of them are compiled into the program, and makes the table of
//! letters that look like others.
//!
//! Run by Cargo before `src/ruleset/builtin.rs`, which includes the list, and `src/normalise/skeleton.rs`, which includes
//! the table. A new rule is one TOML file and nothing else.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "reads the project's own files while it is built, and tells Cargo of them"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use miniz_oxide::deflate::compress_to_vec;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::skeleton;

fn main() -> Result<(), Box<dyn Error>> {
    let rules = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("rules");
    println!("cargo:rerun-if-changed={}", rules.display());
    let mut files = Vec::new();
    gather(&rules, &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for (n, file) in files.iter().enumerate() {
        let name = file.strip_prefix(&rules)?.to_str().ok_or("a rule file's name is not UTF-8")?;
        let text = fs::read_to_string(file)?;
        let without_examples = without_examples(&text);
        let lean = packed(without_examples.as_bytes(), &out.join(format!("lean-{n}.z")))?;
        let examples = packed(&left_out(&text, &without_examples)?, &out.join(format!("examples-{n}.z")))?;
        let name = name.replace('\\', "/");
        let mut sha256 = String::new();
        for byte in Sha256::digest(&text) {
            write!(sha256, "{byte:02x}")?;
        }
        writeln!(
            list,
            "    BuiltIn {{ name: {name:?}, sha256: {sha256:?}, lean: {lean}, examples: {examples} }},"
        )?;
    }
    list.push_str("]\n");
    fs::write(out.join("built_in_rules.rs"), list)?;
    fs::write(out.join("look_alikes.rs"), look_alikes()?)?;
    Ok(())
}

/// Deflates a text into a file, and says so in Rust. The program would be a megabyte larger with the texts as they are.
fn packed(text: &[u8], file: &Path) -> Result<String, Box<dyn Error>> {
    fs::write(file, compress_to_vec(text, 9))?;
    let file = file.to_str().ok_or("the build folder's path is not UTF-8")?;
    Ok(format!("Packed {{ length: {}, bytes: include_bytes!({file:?}) }}", text.len()))
}

/// The text with spaces in place of its examples: what is left stands where it stood. The layout of our rules has every
/// table's head at the beginning of a line, and nothing else there that begins with a bracket.
fn without_examples(text: &str) -> String {
    let mut example = false;
    let mut lean = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.starts_with('[') {
            example = line.starts_with("[[example]]");
        }
        if example {
            lean.extend(line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        } else {
            lean.push_str(line);
        }
    }
    lean.truncate(lean.trim_end().len());
    lean
}

/// What the text without examples lacks, as long as the whole, with zeros where both are the same.
fn left_out(text: &str, lean: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    if text.contains('\0') {
        return Err("a rule file holds a zero".into());
    }
    let lean = lean.bytes().map(Some).chain(std::iter::repeat(None));
    Ok(text.bytes().zip(lean).map(|(byte, lean)| if lean == Some(byte) { 0 } else { byte }).collect())
}

/// Characters that look like others (Unicode Technical Standard 39), as Rust: in order, with the ends of their looks in one
/// text; and those that are not seen. The crate's own table is five times as large, and its pointers cost as much again.
fn look_alikes() -> Result<String, Box<dyn Error>> {
    let (mut letters, mut ends, mut looks) = (Vec::new(), Vec::new(), String::new());
    let mut unseen: Vec<(char, char)> = Vec::new();
    // Between them there is no character.
    for letter in ('\0'..='\u{3ffff}').chain('\u{e0000}'..='\u{e1fff}') {
        let look: String = skeleton(letter.encode_utf8(&mut [0; 4])).collect();
        if look.chars().eq([letter]) || !std::iter::once(letter).nfd().eq([letter]) {
            continue;
        }
        match unseen.last_mut() {
            Some((_, last)) if look.is_empty() && u32::from(letter) == u32::from(*last) + 1 => *last = letter,
            _ if look.is_empty() => unseen.push((letter, letter)),
            _ => {
                looks.push_str(&look);
                letters.push(letter);
                ends.push(u16::try_from(looks.len())?);
            }
        }
    }
    Ok(format!(
        "pub(super) const LETTERS: &[char] = &{letters:?};\npub(super) const ENDS: &[u16] = &{ends:?};\n\
         pub(super) const LOOKS: &str = {looks:?};\npub(super) const UNSEEN: &[(char, char)] = &{unseen:?};\n"
    ))
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
