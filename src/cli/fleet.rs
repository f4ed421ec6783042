//! What the commands of the fleet share: the state folder, who this computer is, names or pseudonyms, sending what waits.
//!
//! Called by `enrol`, `ship`, `spool`, and by `scan` for pseudonyms.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::emit::safe::safe;
use crate::host::keep_private;
use crate::model::{Id, InventoryItem, Report, Stamp};
use crate::normalise::Pseudonyms;
use crate::ship::{
    Client, Delivered, Disk, Found, Identity, Journal, Limits, Parcel, Spool, Trouble, Waiting, deliver, key,
    pause, random_share,
};

use super::config::Config;
use super::exit::Failure;
use super::files::{Lock, make_folder, read_text};
use super::look::now;
use super::places;
use super::printer::Printer;

/// In the state folder: of a package it is the user's who sends, and the rest is root's.
pub(super) const FOLDER: &str = "fleet";
const LOCK: &str = "fleet.lock";
const NEXT: &str = "make the folder writable for this user, or name another with --state";

/// How users are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Users {
    /// By name
    Named,
    /// By a pseudonym that the site's key makes of the name
    Pseudonym,
}

/// The fleet's part of the state folder.
pub(super) fn disk(named: Option<&Path>) -> Result<Disk, Failure> {
    let folder = named.map(Path::to_owned).or_else(places::state).ok_or(Failure::NoState)?;
    Ok(Disk::new(folder.join(FOLDER), keep_private))
}

/// Who this computer is.
pub(super) fn identity(disk: &Disk) -> Result<Identity, Failure> {
    Identity::read(disk)?.ok_or_else(|| {
        Failure::Declined(format!(
            "this computer is not enrolled (there is no fleet.json in {}); run 'interdict enrol URL' with the rights that \
             this has",
            disk.folder().display()
        ))
    })
}

/// The site's key: of the file that the configuration names, else the one that the collector gave.
pub(super) fn site_key(config: &Config, state: Option<&Path>) -> Result<Vec<u8>, Failure> {
    if let Some(path) = &config.site_key {
        let next = "write 64 hexadecimal digits into it, the same on every computer of the site";
        let text =
            read_text(path).map_err(|error| Failure::file("read the site's key", path, &error, next))?;
        let wrong = || Failure::file("use the site's key", path, &"it is not 64 hexadecimal digits", next);
        return key(&text).ok_or_else(wrong);
    }
    let own = Identity::read(&disk(state)?)?;
    own.and_then(|identity| identity.key()).ok_or_else(|| {
        Failure::Declined(
            "pseudonyms are made with the site's key, and there is none; enrol this computer, or name the key's file with \
             site_key in the configuration"
                .to_owned(),
        )
    })
}

/// A report, and its items, without the names of users.
pub(super) fn without_names(
    key: &[u8],
    mut report: Report,
    items: Vec<InventoryItem>,
) -> Result<(Report, Vec<InventoryItem>), Failure> {
    let names = Pseudonyms::new(key, &report.host);
    report.inventory = Some(items);
    let failed = |error| Failure::Declined(format!("cannot take the names out of the report: {error}"));
    let mut report = names.report(report).map_err(failed)?;
    let items = report.inventory.take().unwrap_or_default();
    Ok((report, items))
}

/// Held while anything of the fleet is changed: a timer and a person may come at once.
pub(super) fn lock(disk: &Disk) -> Result<Lock, Failure> {
    let failed = |error| Failure::file("take the lock in", disk.folder(), &error, NEXT);
    make_folder(disk.folder()).map_err(failed)?;
    let path = disk.path(LOCK);
    let lock = Lock::take(&path).map_err(failed)?;
    // Whoever made it has done so: then it may be another user's.
    let _done_before = keep_private(&path);
    Ok(lock)
}

/// Puts a report at the end of the line.
pub(super) fn put(disk: &Disk, parcel: &Parcel, printer: &Printer) -> Result<(), Failure> {
    for dropped in Spool::new(disk, Limits::default()).put(parcel, now())? {
        printer.note(&format!("warning: {} was never sent, and is gone: {}", dropped.name, dropped.why));
    }
    Ok(())
}

/// What came of sending.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Reports that the collector keeps now.
    pub(super) kept: usize,
    /// Reports that still wait for it.
    pub(super) left: usize,
    /// Tag of the rules that it told with the last one, where one was kept.
    pub(super) rules: Option<Id>,
}

/// Sends what waits.
pub(super) struct Sender<'s> {
    disk: &'s Disk,
    identity: &'s Identity,
    spool: Spool,
    client: Client,
    /// When to give up.
    until: Instant,
}

impl<'s> Sender<'s> {
    /// A sender that gives up after a while.
    pub(super) fn new(disk: &'s Disk, identity: &'s Identity, patience: u32) -> Result<Self, Failure> {
        let client = Client::new(&identity.wire, Some(identity.token.clone()))?;
        let spool = Spool::new(disk, Limits::default());
        let until = Instant::now() + Duration::from_secs(u64::from(patience));
        Ok(Self { disk, identity, spool, client, until })
    }

    /// The state of the fleet on this computer.
    pub(super) fn disk(&self) -> &Disk {
        self.disk
    }

    /// The collector.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends what waits, oldest first, until nothing waits or nothing goes on. Why it does not is said.
    pub(super) fn flush(&self, obey: bool, printer: &Printer) -> Result<Sent, Failure> {
        let mut sent = Sent::default();
        let not_before = Journal::read(self.disk)?.not_before.filter(|until| obey && is_soon(*until, now()));
        let stopped = match not_before {
            Some(until) => Some(format!("the collector asked to be left alone until {until}")),
            None => self.all(&mut sent, printer)?.map(|trouble| trouble.to_string()),
        };
        let waiting = self.spool.waiting()?;
        sent.left = waiting.iter().filter(|one| !one.refused).count();
        let url = &self.identity.wire.url;
        if sent.kept > 0 {
            printer.note(&format!("{url} keeps {}", reports(sent.kept)));
        }
        if let Some(why) = stopped {
            let folder = self.spool.folder();
            printer.note(&format!(
                "warning: not delivered to {url}: {}; {} in {} until then: 'interdict spool flush' tries again",
                safe(&why),
                wait(sent.left),
                folder.display()
            ));
        }
        Ok(sent)
    }

    fn all(&self, sent: &mut Sent, printer: &Printer) -> Result<Option<Trouble>, Failure> {
        for waiting in self.spool.waiting()?.iter().filter(|one| !one.refused) {
            let Some(parcel) = self.read(waiting, printer)? else { continue };
            if let Some(trouble) = self.one(waiting, &parcel, sent, printer)? {
                return Ok(Some(trouble));
            }
        }
        Ok(None)
    }

    /// A report that waits. One that cannot be sent holds up none of the others.
    fn read(&self, waiting: &Waiting, printer: &Printer) -> Result<Option<Parcel>, Failure> {
        let at = waiting.scanned_at;
        match self.spool.read(waiting) {
            Ok(Found::Parcel(parcel)) => return Ok(Some(*parcel)),
            Ok(Found::Torn) => {
                self.spool.remove(waiting)?;
                printer.note(&format!("warning: the report of {at} is damaged, and is gone"));
            }
            Ok(Found::Unknown) => {
                self.spool.refuse(waiting)?;
                printer.note(&format!(
                    "warning: the report of {at} is of another version of this program, and stands aside in the spool; 'interdict \
                     spool drop' removes it"
                ));
            }
            Err(fault) => printer.note(&format!("warning: the report of {at} cannot be read now: {fault}")),
        }
        Ok(None)
    }

    /// Sends one. What stops it may stop all.
    fn one(
        &self,
        waiting: &Waiting,
        parcel: &Parcel,
        sent: &mut Sent,
        printer: &Printer,
    ) -> Result<Option<Trouble>, Failure> {
        if Journal::read(self.disk)?.previous == Some(parcel.report) {
            // Acknowledged before, and not taken out of the spool: the computer went down between the two.
            self.spool.remove(waiting)?;
            return Ok(None);
        }
        let mut attempt = 0;
        let trouble = loop {
            let trouble = match deliver(&self.client, self.identity, self.disk, parcel, now())? {
                Delivered::Kept { history, rules, .. } => {
                    sent.rules = rules;
                    self.spool.remove(waiting)?;
                    sent.kept += 1;
                    note_history(history, printer);
                    return Ok(None);
                }
                Delivered::Not(trouble) => trouble,
            };
            let pause = pause(attempt, random_share(), &trouble);
            if !trouble.passes() || Instant::now() + pause > self.until {
                break trouble;
            }
            sleep(pause);
            attempt += 1;
        };
        if trouble.passes() || trouble.is_of_the_host() {
            self.leave_alone(&trouble)?;
            return Ok(Some(trouble));
        }
        self.spool.refuse(waiting)?;
        let why = trouble.to_string();
        printer.note(&format!(
            "warning: the report of {} stands aside in the spool: {}; 'interdict spool drop' removes it",
            waiting.scanned_at,
            safe(&why)
        ));
        Ok(None)
    }

    /// Notes how long the collector wants to be left alone.
    fn leave_alone(&self, trouble: &Trouble) -> Result<(), Failure> {
        let Some(after) = trouble.after() else { return Ok(()) };
        let mut journal = Journal::read(self.disk)?;
        let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        journal.not_before = Stamp::from_unix(now().unix().saturating_add(seconds));
        Ok(journal.write(self.disk)?)
    }
}

/// Whether a moment that was noted is to be waited for: no collector asks for more than that, and a clock may have been wrong.
fn is_soon(until: Stamp, now: Stamp) -> bool {
    until > now && until.unix() - now.unix() <= 7 * 86_400
}

fn note_history(history: bool, printer: &Printer) {
    if history {
        printer.note("the collector has a later report of this computer: this one is history");
    }
}

/// So many reports.
pub(super) fn reports(count: usize) -> String {
    if count == 1 { "1 report".to_owned() } else { format!("{count} reports") }
}

fn wait(count: usize) -> String {
    if count == 1 { "1 report waits".to_owned() } else { format!("{count} reports wait") }
}
