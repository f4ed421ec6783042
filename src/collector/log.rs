//! What the collector says while it runs, and what its commands answer: the only writer to stdout and stderr of this wing.
//!
//! stdout is data, stderr is talk and the log: lines for people on a terminal, one JSON object a line elsewhere. No secret,
//! no name of a user, no home path is handed to it.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use tracing_subscriber::EnvFilter;

/// Whether a person reads stderr. A journal keeps what it is told; a person's terminal does not.
pub(super) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Begins the log. The filter is `info`, `debug`, or one of `tracing`'s.
pub(super) fn begin(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("--log '{filter}': {error}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    let begun = if is_watched() {
        lines.with_ansi(false).try_init()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    begun.map_err(|error| format!("the log cannot begin: {error}"))
}

/// Data, on stdout. A reader that has seen enough is no fault.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Talk, on stderr.
pub(super) fn say(text: impl Display) {
    // Nobody left to tell when stderr is closed.
    let _closed = writeln!(io::stderr().lock(), "{text}");
}
