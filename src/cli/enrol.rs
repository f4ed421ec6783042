//! `interdict enrol`: make this computer known to a collector, by a secret that no argument ever holds.

use std::io;
use std::path::{Path, PathBuf, absolute};

use clap::Args as ClapArgs;

use crate::emit::safe::safe;
use crate::model::{Enrol, Tool};
use crate::normalise::sets::machine_digest;
use crate::ship::{Client, Disk, Exchanged, Identity, Journal, Limits, Spool, Wire, forget_rules, random_id};

use super::Ended;
use super::config::Config;
use super::environment::{SECRET, enrolment_secret};
use super::exit::{FINE, Failure};
use super::files::{read_small, read_text};
use super::fleet::{disk, lock};
use super::look::{LookArgs, now};
use super::printer::Printer;
use super::rules_sign::key_text;
use super::state::Memory;

const EXAMPLES: &str = "\
Examples:
  interdict enrol https://collector.example:8787 --secret-file secret   once, with the rights that scans have
  interdict enrol https://collector.example:8787 --secret-stdin < secret
  interdict enrol https://collector.example:8787 --ca our-ca.pem        by INTERDICT_ENROL_SECRET, and a CA of one's own
  interdict enrol https://collector.example:8787 --secret-file secret --trusted-key rules.pub   and use its rules
  interdict enrol --reset                                               before this disk becomes an image for others";

/// Arguments of `enrol`.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Address of the collector
    #[arg(value_name = "URL", required_unless_present = "reset")]
    url: Option<String>,
    /// File with the enrolment secret [default: by the environment]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Read the enrolment secret from standard input
    #[arg(long, conflicts_with = "secret_file")]
    secret_stdin: bool,
    /// Believe only certificates of these authorities (PEM) [default: those of the system]
    #[arg(long, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// Certificate that this computer shows the collector (PEM)
    #[arg(long, value_name = "FILE", requires = "client_key", requires = "url")]
    client_cert: Option<PathBuf>,
    /// Key of that certificate (PEM, without a password)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Speak without TLS over a network: everybody on the way can read the token
    #[arg(long, requires = "url")]
    insecure_plain: bool,
    /// Use the collector's rules where this minisign key has signed them [default: `trusted_keys` of the configuration]
    #[arg(long = "trusted-key", value_name = "KEY|FILE", requires = "url")]
    trusted_keys: Vec<String>,
    /// Forget who this computer was, and what waits to be sent; then enrol anew where a URL is named
    #[arg(long)]
    reset: bool,
    /// Folder of the enrolment and the spool [default: that of the computer, or of the user]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args, config: &Config, printer: &mut Printer) -> Ended {
    let state = args.state.as_deref().or(config.state.as_deref());
    let (disk, memory) = (disk(state)?, Memory::of(state)?);
    let _lock = lock(&disk)?;
    let Some(url) = &args.url else {
        forget(&disk, &memory)?;
        printer.note("this computer is not enrolled any more, and nothing waits to be sent");
        return Ok(FINE);
    };
    // A damaged enrolment is no reason not to make another.
    let before = if args.reset { Identity::read(&disk).ok().flatten() } else { Identity::read(&disk)? };
    if let Some(known) = before.as_ref().filter(|_| !args.reset) {
        return Err(Failure::Declined(format!(
            "this computer is enrolled with {} as host {}; --reset forgets that and enrols anew",
            known.wire.url, known.host
        )));
    }
    let wire = args.wire(url)?;
    // Whoever was known there proves it: the collector then knows that it is the same computer.
    let token = before.filter(|known| known.wire.url == wire.url).map(|known| known.token);
    let client = Client::new(&wire, token)?;
    let secret = args.secret()?;
    let host = LookArgs::default().open()?;
    let facts = host.facts();
    let own = Exchanged {
        install: random_id()?,
        machine: machine_digest(facts),
        at: now(),
        trusted_keys: args.trusted_keys.iter().map(|key| key_text(key)).collect::<Result<_, _>>()?,
    };
    let enrol = Enrol {
        secret,
        install: own.install,
        machine: own.machine,
        name: facts.name.clone(),
        family: facts.family,
        tool: Tool::SELF,
    };
    let answer = client.enrol(&enrol).map_err(|trouble| {
        Failure::Declined(safe(&format!("cannot enrol with {}: {trouble}", wire.url)).into_owned())
    })?;
    let identity = Identity::new(wire, &own, answer)?;
    forget(&disk, &memory)?;
    memory.believe(&identity.trusted_keys)?;
    identity.write(&disk)?;
    printer.note(&format!(
        "enrolled with {} as host {}; 'interdict ship' scans and tells it",
        identity.wire.url, identity.host
    ));
    Ok(FINE)
}

impl Args {
    fn wire(&self, url: &str) -> Result<Wire, Failure> {
        let whole = |path: &PathBuf| {
            let next = "name a file that is there";
            absolute(path).map_err(|error| Failure::file("find", path, &error, next))
        };
        let own = self.client_cert.as_ref().zip(self.client_key.as_ref());
        let client_cert = own.map(|(cert, key)| Ok::<_, Failure>((whole(cert)?, whole(key)?))).transpose()?;
        Ok(Wire {
            url: url.trim_end_matches('/').to_owned(),
            ca: self.ca.as_ref().map(whole).transpose()?,
            client_cert,
            insecure_plain: self.insecure_plain,
        })
    }

    /// The secret, without the end of its line.
    fn secret(&self) -> Result<String, Failure> {
        let next = "name a file that holds the secret, and nothing else";
        let text = if self.secret_stdin {
            let place = Path::new("standard input");
            read_small(io::stdin().lock()).map_err(|error| Failure::file("read", place, &error, next))?
        } else if let Some(path) = &self.secret_file {
            read_text(path).map_err(|error| Failure::file("read the secret in", path, &error, next))?
        } else {
            enrolment_secret().ok_or_else(|| {
                Failure::Declined(format!(
                    "there is no enrolment secret; name its file with --secret-file, give it to --secret-stdin, or set \
                     {SECRET}: an argument would be for everybody here to read"
                ))
            })?
        };
        let secret = text.trim();
        if secret.is_empty() || secret.contains(char::is_whitespace) {
            return Err(Failure::Declined("the enrolment secret is one word, and this is none".to_owned()));
        }
        Ok(secret.to_owned())
    }
}

/// Forgets who this computer was, what was told, and what waits: it is another's now, or nobody's.
fn forget(disk: &Disk, memory: &Memory) -> Result<(), Failure> {
    let spool = Spool::new(disk, Limits::default());
    for waiting in spool.waiting()? {
        spool.remove(&waiting)?;
    }
    Journal::remove(disk)?;
    forget_rules(disk)?;
    memory.believe(&[])?;
    Ok(Identity::remove(disk)?)
}
