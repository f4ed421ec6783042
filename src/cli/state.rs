//! What who scans remembers of rules, in the state folder: which were accepted (`rulesets.toml`), and whose of the collector's
//! are believed (`fleet-keys`).
//!
//! Called by `rules` for signed rules, by `enrol` and before a scan for the collector's. Written beside its place and moved into
//! it. The fleet's own folder is another user's where one sends and another scans: nothing that a scan believes stands there.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::ruleset::{Accepted, Refusal, Signed};

use super::exit::Failure;
use super::files::{Lock, make_folder, read_text, remove, write_new};
use super::places;

const FILE: &str = "rulesets.toml";
const LOCK: &str = "rulesets.lock";
/// One public key a line.
const KEYS: &str = "fleet-keys";
const NEXT: &str = "make the folder writable for this user, or name another with --state: who cannot remember \
                    cannot notice older rules";

/// The state folder.
pub(super) struct Memory(PathBuf);

impl Memory {
    /// The folder that was named, else the one of the computer or the user.
    pub(super) fn of(named: Option<&Path>) -> Result<Self, Failure> {
        let folder = named.map(Path::to_owned).or_else(places::state);
        folder.map(Self).ok_or(Failure::NoState)
    }

    /// Whether rules may be used; `true` when some of them are to be remembered.
    pub(super) fn judge(&self, signed: &[Signed]) -> Result<bool, Failure> {
        let accepted = self.read()?;
        let (mut news, mut refusals): (bool, Vec<Refusal>) = (false, Vec::new());
        for one in signed {
            match accepted.judge(one) {
                Ok(new) => news |= new,
                Err(refusal) => refusals.push(refusal),
            }
        }
        if refusals.is_empty() { Ok(news) } else { Err(Failure::Refused(refusals)) }
    }

    /// Judges rules, and remembers those that are new.
    pub(super) fn accept(&self, signed: &[Signed]) -> Result<(), Failure> {
        if signed.is_empty() || !self.judge(signed)? {
            return Ok(());
        }
        let failed = |error: io::Error| self.failed(&error);
        make_folder(&self.0).map_err(failed)?;
        let _lock = Lock::take(&self.0.join(LOCK)).map_err(failed)?;
        // Another run may have accepted a later version in between.
        self.judge(signed)?;
        let mut accepted = self.read()?;
        for one in signed {
            accepted.remember(one);
        }
        self.write(FILE, &accepted.text()).map_err(failed)
    }

    /// Public keys that were given at enrolment, whose rules of the collector's are believed where the configuration names none.
    pub(super) fn keys(&self) -> Result<Vec<String>, Failure> {
        match read_text(&self.0.join(KEYS)) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.unbelieved(&error)),
        }
    }

    /// Believes these keys and no others.
    pub(super) fn believe(&self, keys: &[String]) -> Result<(), Failure> {
        let changed = match keys {
            [] => remove(&self.0.join(KEYS)).or_else(|error| match error.kind() {
                ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
            keys => make_folder(&self.0).and_then(|()| self.write(KEYS, &(keys.join("\n") + "\n"))),
        };
        changed.map_err(|error| self.unbelieved(&error))
    }

    fn read(&self) -> Result<Accepted, Failure> {
        let path = self.0.join(FILE);
        match read_text(&path) {
            Ok(text) => Accepted::read(&path.display().to_string(), text)
                .map_err(|faults| Failure::DamagedState { path, faults }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Accepted::default()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let (path, beside) = (self.0.join(name), self.0.join(format!("{name}.part")));
        match remove(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        write_new(&beside, text, true)?;
        std::fs::rename(&beside, path)
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::file("remember which rules were accepted in", &self.0, error, NEXT)
    }

    fn unbelieved(&self, error: &io::Error) -> Failure {
        let next = "make the folder readable and writable for this user, or name another with --state";
        Failure::file("remember whose rules are believed in", &self.0, error, next)
    }
}
