//! `interdict spool`: reports that wait for the collector.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use serde_json::json;

use crate::emit::safe::safe;
use crate::ship::{Disk, Identity, Journal, Limits, Spool, Waiting};

use super::Ended;
use super::config::Config;
use super::exit::{FAULTS, FINE, Failure};
use super::fleet::{Sender, disk, identity, lock, reports};
use super::fleet_rules::{Trust, follow};
use super::printer::Printer;

/// What to do with them.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what waits, since when, and why
    Status(StatusArgs),
    /// Send it; exit code 1 where something is left
    Flush(FlushArgs),
    /// Throw it away
    Drop(DropArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct StateArgs {
    /// Folder of the enrolment and the spool [default: that of the computer, or of the user]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    format: Form,
}

#[derive(Debug, ClapArgs)]
pub(super) struct FlushArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Also where the collector asked to be left alone
    #[arg(long)]
    now: bool,
    /// How long to try where the collector is not reached
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    patience: u32,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DropArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Only those that the collector would not have
    #[arg(long)]
    refused: bool,
}

/// Forms of the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    Text,
    /// For a program
    Json,
}

impl StateArgs {
    fn disk(&self, config: &Config) -> Result<Disk, Failure> {
        disk(self.state.as_deref().or(config.state.as_deref()))
    }
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Config, printer: &mut Printer) -> Ended {
    match command {
        Command::Status(args) => status(args, config, printer),
        Command::Flush(args) => {
            let disk = args.state.disk(config)?;
            let identity = identity(&disk)?;
            let sender = Sender::new(&disk, &identity, args.patience)?;
            let _lock = lock(&disk)?;
            let sent = sender.flush(!args.now, printer)?;
            follow(&sender, &sent, &Trust::of(config, &identity.trusted_keys)?, printer)?;
            if sent.kept + sent.left == 0 {
                printer.note("nothing waits");
            }
            Ok(if sent.left == 0 { FINE } else { FAULTS })
        }
        Command::Drop(args) => {
            let disk = args.state.disk(config)?;
            let _lock = lock(&disk)?;
            let spool = Spool::new(&disk, Limits::default());
            let gone = spool.waiting()?.into_iter().filter(|one| one.refused || !args.refused);
            let mut count = 0;
            for one in gone {
                spool.remove(&one)?;
                count += 1;
            }
            printer.note(&format!("{} thrown away", reports(count)));
            Ok(FINE)
        }
    }
}

/// What is told of the spool.
struct Status {
    identity: Option<Identity>,
    journal: Journal,
    waiting: Vec<Waiting>,
    refused: usize,
    folder: PathBuf,
}

fn status(args: &StatusArgs, config: &Config, printer: &Printer) -> Ended {
    let disk = args.state.disk(config)?;
    let spool = Spool::new(&disk, Limits::default());
    let (refused, waiting): (Vec<Waiting>, Vec<Waiting>) =
        spool.waiting()?.into_iter().partition(|one| one.refused);
    let status = Status {
        identity: Identity::read(&disk)?,
        journal: Journal::read(&disk)?,
        waiting,
        refused: refused.len(),
        folder: spool.folder(),
    };
    let text = match args.format {
        Form::Json => status.json(),
        Form::Text => status.text(),
    };
    printer.result(&text, None)?;
    Ok(FINE)
}

impl Status {
    fn bytes(&self) -> u64 {
        self.waiting.iter().map(|one| one.bytes).sum()
    }

    fn json(&self) -> String {
        let document = json!({
            "schema": "interdict.spool-status/1",
            "collector": self.identity.as_ref().map(|identity| &identity.wire.url),
            "host": self.identity.as_ref().map(|identity| identity.host),
            "waiting": self.waiting.len(),
            "bytes": self.bytes(),
            "oldest": self.waiting.first().map(|one| one.scanned_at),
            "refused": self.refused,
            "kept_at": self.journal.kept_at,
            "not_before": self.journal.not_before,
            "trouble": self.journal.trouble,
            "folder": self.folder,
        });
        format!("{document:#}\n")
    }

    fn text(&self) -> String {
        let mut text = match &self.identity {
            Some(known) => format!("enrolled with {} as host {}\n", known.wire.url, known.host),
            None => "this computer is not enrolled\n".to_owned(),
        };
        let mut line = |words: String| _ = writeln!(text, "{words}");
        match self.waiting.first() {
            Some(oldest) => line(format!(
                "waiting: {}, {} bytes, the oldest of {}, in {}",
                reports(self.waiting.len()),
                self.bytes(),
                oldest.scanned_at,
                self.folder.display()
            )),
            None => line("waiting: nothing".to_owned()),
        }
        if self.refused > 0 {
            line(format!("refused by the collector, for a person to look at: {}", reports(self.refused)));
        }
        if let Some(at) = self.journal.kept_at {
            line(format!("the collector last kept a report at {at}"));
        }
        if let Some(until) = self.journal.not_before {
            line(format!("the collector asked to be left alone until {until}"));
        }
        if let Some(trouble) = &self.journal.trouble {
            line(format!("last attempt: {}", safe(trouble)));
        }
        text
    }
}
