//! The only writer to stdout and stderr: stdout is data, stderr is talk.
//!
//! Called by every subcommand. Text of a host passes through `emit::safe` before it comes here.
#![expect(clippy::disallowed_methods, reason = "the terminal's settings")]

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use clap::ValueEnum;
use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::emit::Look;
use crate::emit::safe::safe;
use crate::ruleset::{Diagnostic, render};

use super::exit::Failure;
use super::files::write_whole;

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
        let colour = self.colours(terminal.then(Term::stdout));
        Look { width: if terminal { width() } else { PLAIN_WIDTH }, colour, terminal, bom: false }
    }

    /// Whether to colour what goes to a terminal, or to none.
    fn colours(&self, terminal: Option<Term>) -> bool {
        let understood = terminal.is_some_and(|terminal| understands_colours(&terminal));
        match self.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => understood && !self.no_color,
        }
    }

    /// A document, written as it is made: to the file, or to stdout.
    #[expect(clippy::unused_self, reason = "whoever holds the printer may write")]
    pub(super) fn document(
        &self,
        output: Option<&Path>,
        make: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        match output {
            Some(path) => {
                write_whole(path, make).map_err(|cause| Failure::Write { path: path.to_owned(), cause })
            }
            None => print(make).map_err(Failure::Stdout),
        }
    }

    /// A result: to the file, or to stdout.
    pub(super) fn result(&self, text: &str, output: Option<&Path>) -> Result<(), Failure> {
        self.document(output, |out| out.write_all(text.as_bytes()))
    }

    /// Talk on stderr.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Something that was asked for and is not done, and for which the command does not fail. Said even when quiet.
    #[expect(clippy::unused_self, reason = "whoever holds the printer may write")]
    pub(super) fn lost(&self, text: &str) {
        say(&format!("warning: {}", safe(text)));
    }

    fn colours_stderr(&self) -> bool {
        self.colours(io::stderr().is_terminal().then(Term::stderr))
    }

    /// Diagnostics on stderr, like a compiler's.
    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic]) {
        say(&render(diagnostics, self.colours_stderr()));
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
        let error = if self.colours_stderr() { "\u{1b}[31merror\u{1b}[0m" } else { "error" };
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
fn print(make: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match make(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Columns of the terminal.
fn width() -> u16 {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.or_else(terminal_width).unwrap_or(PLAIN_WIDTH).max(40)
}

/// A console of Windows without virtual terminals goes on at the next line when its last column is written: a line must
/// not fill it.
fn terminal_width() -> Option<u16> {
    let (_, columns) = Term::stdout().size_checked()?;
    Some(if cfg!(windows) { columns.saturating_sub(1) } else { columns })
}

/// Whether escape sequences colour a terminal. A console of Windows is told to take them, for as long as it lives: shells
/// set it as they need it, as after every program. That of Windows 7 and 8 knows none.
///
/// Nothing is to be done for letters: std hands UTF-16 to a console, whatever its code page is, and UTF-8 to all else.
fn understands_colours(terminal: &Term) -> bool {
    if cfg!(windows) { terminal.features().colors_supported() } else { true }
}
