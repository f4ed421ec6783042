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
    for file in &files {
        let name = file.strip_prefix(&rules)?.to_str().ok_or("a rule file's name is not UTF-8")?;
        let path = file.to_str().ok_or("the project's path is not UTF-8")?;
        writeln!(list, "    ({:?}, include_str!({path:?})),", name.replace('\\', "/"))?;
    }
    list.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("built_in_rules.rs"), list)?;
    Ok(())
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
