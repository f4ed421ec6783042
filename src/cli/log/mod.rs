//! What a run leaves in the log of the computer, or in a file: that it began, what was wrong, what it came to.
//!
//! Opened by the front door, written to by the commands that look at a host. A place of logs is a file beside this one.
//!
//! What is told is of the scanner: versions, words of the command line's own lists, counts, reasons. Nothing is told that
//! lies on the host or belongs to a person: no path, no name, no command line. A log goes where the reports may not.
//! What comes from outside all the same (a fault of the run names the operator's files) is escaped.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use crate::emit::safe::{safe, short};
use crate::model::{Stamp, Verdict};

use super::look::now;
use super::printer::Printer;

#[cfg(any(windows, test))]
mod eventlog;
mod events;
mod file;
#[cfg(unix)]
mod journal;
#[cfg(unix)]
mod syslog;

pub(super) use events::{begun, died, ended, failed, inventoried, unseen, warned};

/// Letters of a text that are told.
const MAX_LETTERS: usize = 4_000;
/// What the logs know this program by.
const NAME: &str = "interdict";

/// Where runs are logged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum LogTo {
    /// Nowhere.
    #[default]
    Nowhere,
    /// The journal of systemd, or the system log where there is none.
    Journal,
    /// The event log of Windows.
    EventLog,
    /// A file.
    File(PathBuf),
}

impl LogTo {
    /// The same, with the place of a file meant from a folder.
    pub(super) fn in_folder(self, base: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(base.join(path)),
            other => other,
        }
    }
}

impl FromStr for LogTo {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "none" => Ok(Self::Nowhere),
            "journal" if cfg!(unix) => Ok(Self::Journal),
            "eventlog" if cfg!(windows) => Ok(Self::EventLog),
            "journal" => Err("Windows has no journal; it has 'eventlog'".to_owned()),
            "eventlog" => Err("only Windows has an event log; here it is 'journal'".to_owned()),
            other => match other.strip_prefix("file:").filter(|path| !path.is_empty()) {
                Some(path) => Ok(Self::File(PathBuf::from(path))),
                None => Err(format!("no place of logs; known are: {}", WORDS.join(", "))),
            },
        }
    }
}

/// The words for a place, for people.
const WORDS: &[&str] = &[if cfg!(windows) { "eventlog" } else { "journal" }, "file:PATH", "none"];

/// As the configuration says it.
impl fmt::Display for LogTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("none"),
            Self::Journal => f.write_str("journal"),
            Self::EventLog => f.write_str("eventlog"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Who takes what is told the journal: its socket, or that of the system log.
pub(super) fn taker() -> Option<PathBuf> {
    #[cfg(unix)]
    let sockets = [journal::SOCKET].into_iter().chain(syslog::SOCKETS.iter().copied());
    #[cfg(not(unix))]
    let sockets = std::iter::empty::<&str>();
    sockets.map(PathBuf::from).find(|socket| socket.exists())
}

/// Where to log, by an argument.
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Tell the computer's log what this run comes to, or a file
    #[cfg_attr(windows, doc = "`eventlog`, `file:PATH` or `none` [default: none]")]
    #[cfg_attr(not(windows), doc = "`journal` (else syslog), `file:PATH` or `none` [default: none]")]
    #[arg(long, value_name = "WHERE", verbatim_doc_comment)]
    log: Option<LogTo>,
}

impl LogArgs {
    /// The place that was named.
    pub(super) fn to(&self) -> Option<&LogTo> {
        self.log.as_ref()
    }
}

/// What an event is of. The numbers of the event log are for life (`docs/running.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A look begins.
    Start,
    /// It ended with a verdict.
    Verdict(Verdict),
    /// It ended with a list of what is there.
    Inventory,
    /// Something that changes nothing and that a person should look at.
    Warning,
    /// Something could not be seen that counts.
    Gap,
    /// It could not run.
    Failure,
}

impl Kind {
    /// The word of the file and of the journal.
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Verdict(_) => "verdict",
            Self::Inventory => "inventory",
            Self::Warning => "warning",
            Self::Gap => "gap",
            Self::Failure => "failure",
        }
    }

    /// The severity of RFC 5424, which the journal has too: 3 error, 4 warning, 6 informational.
    fn severity(self) -> u8 {
        match self {
            Self::Failure => 3,
            Self::Warning | Self::Gap | Self::Verdict(Verdict::NonCompliant | Verdict::Inconclusive) => 4,
            Self::Start | Self::Inventory | Self::Verdict(Verdict::Compliant) => 6,
        }
    }

    /// The severity in a word.
    fn level(self) -> &'static str {
        match self.severity() {
            3 => "error",
            4 => "warning",
            _ => "info",
        }
    }
}

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    kind: Kind,
    /// For people; several lines where there are several things to say. Escaped.
    message: String,
    /// For machines: name in small letters, and value in one line. Escaped.
    fields: Vec<(&'static str, String)>,
}

impl Event {
    fn new(kind: Kind, message: &str) -> Self {
        let lines: Vec<_> =
            message.lines().map(|line| short(&safe(line), MAX_LETTERS).into_owned()).collect();
        let version = ("version", env!("CARGO_PKG_VERSION").to_owned());
        Self { kind, message: lines.join("\n"), fields: vec![version] }
    }

    fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.fields.push((name, short(&safe(&value.to_string()), MAX_LETTERS).into_owned()));
        self
    }
}

/// A place of logs.
trait Sink {
    /// Writes an event, whole or not at all.
    fn write(&self, event: &Event, at: Stamp) -> io::Result<()>;
}

/// The log of a run.
pub(super) struct Log {
    sink: Option<Box<dyn Sink>>,
    to: LogTo,
    /// It could not be written, which was said.
    lost: Cell<bool>,
}

impl Log {
    /// The log at a place. Nothing is opened before something is to be told.
    pub(super) fn of(to: LogTo) -> Self {
        let sink: Option<Box<dyn Sink>> = match &to {
            LogTo::File(path) => Some(Box::new(file::LogFile::new(path.clone()))),
            #[cfg(unix)]
            LogTo::Journal => Some(Box::new(journal::Journal::usual())),
            #[cfg(windows)]
            LogTo::EventLog => Some(Box::new(eventlog::EventLog)),
            _ => None,
        };
        Self { sink, to, lost: Cell::new(false) }
    }

    /// Tells an event. That it cannot be told is said once and changes nothing else: a scan is not to fail for its log.
    pub(super) fn tell(&self, event: &Event, printer: &Printer) {
        let Some(sink) = self.sink.as_ref().filter(|_| !self.lost.get()) else { return };
        if let Err(error) = sink.write(event, now()) {
            self.lost.set(true);
            printer.lost(&format!("nothing is logged: {} cannot be written: {error}", self.to));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn event() -> Event {
        Event::new(Kind::Gap, "a\u{1b}[31m\nb\u{202e}").with("source", "x\ny=\"z\"")
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        let own = if cfg!(windows) { "eventlog" } else { "journal" };
        for word in [own, "none", "file:/var/log/x.log"] {
            assert_eq!(word.parse::<LogTo>().unwrap().to_string(), word);
        }
        let other = if cfg!(windows) { "journal" } else { "eventlog" };
        assert!(other.parse::<LogTo>().unwrap_err().contains(own));
        for word in ["", "file", "file:", "syslog"] {
            assert!(word.parse::<LogTo>().unwrap_err().contains("file:PATH"), "{word}");
        }
        let below = "file:x.log".parse::<LogTo>().unwrap().in_folder(Path::new("/etc/interdict"));
        assert_eq!(below, LogTo::File("/etc/interdict/x.log".into()));
    }

    #[test]
    fn what_came_from_outside_is_escaped() {
        let event = event();
        assert_eq!(event.message, "a\\u{1b}[31m\nb\\u{202e}");
        assert_eq!(event.fields.last().unwrap(), &("source", "x\\u{a}y=\"z\"".to_owned()));
        let long = Event::new(Kind::Failure, &"x".repeat(1 << 20));
        assert!(long.message.len() < MAX_LETTERS + 100);
    }
}
