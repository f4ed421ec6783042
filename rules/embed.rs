//! Build script: lists the rule files beside it, so that all of them are compiled into the program.
//!
//! Run by Cargo before `src/ruleset/builtin.rs`, which includes the list. A new rule is one TOML file and nothing else.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "reads the project's own files while it is built, and tells Cargo of them"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

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
        let path = file.to_str().ok_or("the project's path is not UTF-8")?;
        let lean = out.join(format!("lean-{n}.toml"));
        fs::write(&lean, without_examples(&fs::read_to_string(file)?))?;
        let lean = lean.to_str().ok_or("the build folder's path is not UTF-8")?;
        writeln!(
            list,
            "    ({:?}, include_str!({path:?}), include_str!({lean:?})),",
            name.replace('\\', "/")
        )?;
    }
    list.push_str("]\n");
    fs::write(out.join("built_in_rules.rs"), list)?;
    Ok(())
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
