//! Writes the manual pages and shell completions of the packages, made of the command line itself.
//!
//! `cargo run --example pages -- FOLDER`: in `man` and `completions`, those of the collector in `collector`. Not part of the program: its dependencies are those of the tests.

use std::fs::create_dir_all;
use std::path::{Path, PathBuf};

use clap_complete::{Shell, generate_to};

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("which folder? cargo run --example pages -- FOLDER"));
    };
    of("interdict", &interdict::cli::command(), &folder)?;
    #[cfg(feature = "collector")]
    of("interdict-collector", &interdict::collector::command(), &folder.join("collector"))?;
    Ok(())
}

/// Pages and completions of a program.
fn of(name: &str, command: &clap::Command, folder: &Path) -> std::io::Result<()> {
    let (pages, completions) = (folder.join("man"), folder.join("completions"));
    create_dir_all(&pages)?;
    create_dir_all(&completions)?;
    clap_mangen::generate_to(command.clone(), pages)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        generate_to(shell, &mut command.clone(), name, &completions)?;
    }
    Ok(())
}
