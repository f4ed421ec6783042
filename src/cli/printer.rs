//! The only writer to stdout and stderr: stdout is data, stderr is talk.
//!
//! Called by every subcommand. Text of a host passes through `emit::safe` before it comes here.
#![expect(clippy::disallowed_methods, reason = "the terminal's settings, and the report's own file")]

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::emit::Look;
use crate::emit::safe::safe;
use crate::ruleset::{Diagnostic, render};

use super::exit::Failure;

/// Columns where no terminal says how many.
const PLAIN_WIDTH: u16 = 100;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Writes results and talk.
pub(super) struct Printer {
    quiet: bool,
    colour: Colour,
    no_color: bool,
}

impl Printer {
    /// A printer for this process.
    pub(super) fn new(quiet: bool, colour: Colour) -> Self {
        // https://no-color.org: any value but the empty one.
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { quiet, colour, no_color }
    }

    /// How a document on stdout, or in a file, is to look.
    pub(super) fn look(&self, to_file: bool) -> Look {
        let terminal = io::stdout().is_terminal() && !to_file;
        Look { width: if terminal { width() } else { PLAIN_WIDTH }, colour: self.colours(terminal), terminal }
    }

    fn colours(&self, terminal: bool) -> bool {
        match self.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !self.no_color,
        }
    }

    /// A result: to the file, or to stdout.
    #[expect(clippy::unused_self, reason = "whoever holds the printer may write")]
    pub(super) fn result(&self, text: &str, output: Option<&Path>) -> Result<(), Failure> {
        match output {
            Some(path) => {
                write_whole(path, text).map_err(|cause| Failure::Write { path: path.to_owned(), cause })
            }
            None => print(text).map_err(Failure::Stdout),
        }
    }

    /// Talk on stderr.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Diagnostics on stderr, like a compiler's.
    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic]) {
        say(&render(diagnostics, self.colours(io::stderr().is_terminal())));
    }

    /// Diagnostics that change nothing: not said when quiet.
    pub(super) fn warnings(&self, diagnostics: &[Diagnostic]) {
        if !self.quiet {
            self.diagnostics(diagnostics);
        }
    }

    /// Why the command could not run. Said even when quiet.
    pub(super) fn failure(&self, failure: &Failure) {
        if let Some(diagnostics) = failure.diagnostics() {
            self.diagnostics(diagnostics);
        }
        let error =
            if self.colours(io::stderr().is_terminal()) { "\u{1b}[31merror\u{1b}[0m" } else { "error" };
        for line in failure.lines() {
            say(&format!("{error}: {}", safe(&line)));
        }
    }

    /// A bar on stderr for long work; invisible where nobody watches.
    pub(super) fn progress(&self) -> ProgressBar {
        let hidden = self.quiet || !io::stderr().is_terminal();
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar
    }
}

fn say(text: &str) {
    // Nobody left to tell when stderr is closed.
    let _closed = writeln!(io::stderr().lock(), "{text}");
}

/// A reader that has seen enough (`| head`) is no fault.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A report is there whole or not at all: written beside its place, then moved into it.
pub(super) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() && !path.is_file() {
        return std::fs::write(path, text);
    }
    let mut beside = OsString::from(path);
    beside.push(".part");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path).inspect_err(|_| {
        let _gone = std::fs::remove_file(&beside);
    })
}

/// Columns of the terminal.
fn width() -> u16 {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.or_else(terminal_width).unwrap_or(PLAIN_WIDTH).max(40)
}

fn terminal_width() -> Option<u16> {
    console::Term::stdout().size_checked().map(|(_, columns)| columns)
}
