//! Writes the manual pages and shell completions of the packages, made of the command line itself.
//!
//! `cargo run --example pages -- FOLDER`. Not part of the program: its dependencies are those of the tests.

use std::fs::create_dir_all;
use std::path::PathBuf;

use clap_complete::{Shell, generate_to};

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("which folder? cargo run --example pages -- FOLDER"));
    };
    let (pages, completions) = (folder.join("man"), folder.join("completions"));
    create_dir_all(&pages)?;
    create_dir_all(&completions)?;
    clap_mangen::generate_to(interdict::cli::command(), pages)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
        generate_to(shell, &mut interdict::cli::command(), "interdict", &completions)?;
    }
    Ok(())
}
