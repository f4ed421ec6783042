//! A report on its way: the head alone, then what the collector asks for, until it says that it keeps it. And what is noted
//! between two reports, so that each names the one before it.
//!
//! Called by `cli` for each report of the spool, oldest first.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::{Answer, CheckIn, Digests, Id, Stamp, of_json, to_json};

use super::client::{Client, Trouble};
use super::disk::{Disk, Fault};
use super::identity::Identity;
use super::prepare::{Base, Line, Parcel};

const JOURNAL: &str = "fleet-journal.json";
const BASE: &str = "fleet-base.json";
/// Bytes that these files may have.
const LIMIT: u64 = 64 << 20;
/// Reports without an answer that are remembered.
const MAX_TRIED: usize = 32;
/// Turns of one report: three where nothing else happens, and as many again where all is sent anew.
const TURNS: usize = 8;
/// What the collector says of a digest that is not what it comes to there.
const MISMATCH: &str = "digest-mismatch";
/// The longest pause between two attempts, and the first.
const PAUSES: (Duration, Duration) = (Duration::from_mins(1), Duration::from_secs(1));

/// What has been told, and what may have been.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Journal {
    /// Number of the last report that the collector has acknowledged.
    pub seq: u64,
    /// Its id.
    pub previous: Option<Id>,
    /// Reports since then that were sent and of which nothing was heard.
    pub tried: Vec<Id>,
    /// When the collector last kept one.
    pub kept_at: Option<Stamp>,
    /// The moment until which the collector asked to be left alone.
    pub not_before: Option<Stamp>,
    /// What went wrong the last time, where something did.
    pub trouble: Option<String>,
}

impl Journal {
    /// What is noted in a state folder. A journal that cannot be read is none: the collector says what it knows.
    pub fn read(disk: &Disk) -> Result<Self, Fault> {
        Ok(read(disk, JOURNAL)?.unwrap_or_default())
    }

    /// Notes it.
    pub fn write(&self, disk: &Disk) -> Result<(), Fault> {
        write(disk, JOURNAL, self)
    }

    /// Forgets all that was noted.
    pub fn remove(disk: &Disk) -> Result<(), Fault> {
        disk.remove(JOURNAL)?;
        disk.remove(BASE)
    }
}

fn read<T: DeserializeOwned>(disk: &Disk, name: &str) -> Result<Option<T>, Fault> {
    Ok(disk.read(name, LIMIT)?.and_then(|bytes| of_json(&bytes).ok()))
}

fn write(disk: &Disk, name: &str, value: &impl Serialize) -> Result<(), Fault> {
    let bytes = to_json(value).map_err(|error| Fault::Declined(error.to_string()))?;
    disk.write(name, &bytes)
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// The collector keeps it.
    Kept {
        /// As history only: a newer one is there.
        history: bool,
        /// Whether a body had to be sent.
        told: bool,
        /// Tag of the rules and policies that this computer is judged by, where the collector has its own.
        rules: Option<Id>,
    },
    /// It is not there yet, or will not be.
    Not(Trouble),
}

/// Sends a report. The journal is on the disk before the first byte leaves, and when the collector has answered.
pub fn deliver(
    client: &Client,
    identity: &Identity,
    disk: &Disk,
    parcel: &Parcel,
    now: Stamp,
) -> Result<Delivered, Fault> {
    let mut journal = Journal::read(disk)?;
    let base: Base = read(disk, BASE)?.unwrap_or_default();
    let tried: Vec<Id> = journal.tried.iter().filter(|id| **id != parcel.report).copied().collect();
    if !journal.tried.contains(&parcel.report) {
        journal.tried.push(parcel.report);
        let old = journal.tried.len().saturating_sub(MAX_TRIED);
        journal.tried.drain(..old);
        journal.write(disk)?;
    }
    let line = Line {
        install: identity.install,
        seq: journal.seq.saturating_add(1),
        previous: journal.previous,
        tried,
        sent_at: now,
    };
    let mut talk = Talk { client, parcel, base, line, told: false, anew: false };
    let (history, rules) = match talk.turns() {
        Ok(kept) => kept,
        Err(trouble) => {
            journal.trouble = Some(trouble.to_string());
            journal.write(disk)?;
            return Ok(Delivered::Not(trouble));
        }
    };
    // The base first: a journal that is behind costs one whole report, one that is ahead as much.
    if !history {
        write(disk, BASE, &parcel.base())?;
        journal.previous = Some(parcel.report);
        journal.tried.clear();
    }
    journal.tried.retain(|id| *id != parcel.report);
    journal.seq = journal.seq.max(talk.line.seq);
    journal.kept_at = Some(now);
    journal.not_before = None;
    journal.trouble = None;
    journal.write(disk)?;
    Ok(Delivered::Kept { history, told: talk.told, rules })
}

/// The turns of one report.
struct Talk<'t> {
    client: &'t Client,
    parcel: &'t Parcel,
    base: Base,
    line: Line,
    /// Whether a body was sent.
    told: bool,
    /// Whether all was sent anew, for a digest was not what it came to there.
    anew: bool,
}

impl Talk<'_> {
    /// Whether it is kept as history only, and the tag of the collector's rules.
    fn turns(&mut self) -> Result<(bool, Option<Id>), Trouble> {
        let mut check_in = CheckIn { header: self.parcel.header(&self.line), body: None };
        for _ in 0..TURNS {
            check_in = match self.client.check_in(&check_in) {
                Err(Trouble::Refused { code, .. }) if code == MISMATCH && !self.anew => {
                    self.anew = true;
                    self.base = Base::default();
                    self.whole(BTreeMap::new())
                }
                Ok(Answer::Kept { history, rules }) => return Ok((history, rules)),
                Ok(Answer::Send { seq, sources }) => {
                    self.line.seq = self.line.seq.max(seq.saturating_add(1));
                    self.whole(sources)
                }
                Ok(Answer::Need { ids, sought }) => self.with(check_in, &ids, sought)?,
                Err(trouble) => return Err(trouble),
            };
        }
        Err(Trouble::Garbled(format!("it asks again and again, {TURNS} times")))
    }

    /// Head and body, against what the collector says that it has.
    fn whole(&mut self, has: BTreeMap<String, Digests>) -> CheckIn {
        self.told = true;
        let has = if self.anew { BTreeMap::new() } else { has };
        CheckIn { header: self.parcel.header(&self.line), body: Some(self.parcel.body(&has, &self.base)) }
    }

    /// The same with what ids stand for, and what led the look.
    fn with(&self, mut check_in: CheckIn, ids: &[Id], sought: bool) -> Result<CheckIn, Trouble> {
        let seen = self.parcel.seen(ids);
        let text = self.parcel.led.as_ref().map(|(_, text)| text.clone()).filter(|_| sought);
        match check_in.body.as_mut().filter(|_| !seen.is_empty() || text.is_some()) {
            Some(body) => {
                body.seen = seen;
                body.sought = text.or_else(|| body.sought.take());
            }
            None => return Err(Trouble::Garbled("it asks for what was not told".to_owned())),
        }
        Ok(check_in)
    }
}

/// How long to wait before the next attempt: twice as long each time, or as long as the collector asked for; and a part by chance,
/// so that a fleet does not come all at once.
pub fn pause(attempt: u32, share: u8, trouble: &Trouble) -> Duration {
    let (longest, first) = PAUSES;
    let usual = first.saturating_mul(2_u32.saturating_pow(attempt)).min(longest);
    let by_chance = (usual / 2).saturating_mul(u32::from(share)) / 255;
    (usual / 2).max(trouble.after().unwrap_or_default()) + by_chance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        let trouble = Trouble::NotReached(String::new());
        let seconds = |attempt, share| pause(attempt, share, &trouble).as_secs_f64();
        assert!((seconds(0, 0) - 0.5).abs() < 1e-9 && (seconds(0, 255) - 1.0).abs() < 1e-9);
        assert!((seconds(3, 255) - 8.0).abs() < 1e-9);
        assert!((seconds(99, 255) - 60.0).abs() < 1e-9);
        let asked = Trouble::Later { why: String::new(), after: Some(Duration::from_secs(90)) };
        assert_eq!(pause(0, 0, &asked), Duration::from_secs(90));
        assert_eq!(pause(3, 255, &asked), Duration::from_secs(94), "not all at once");
    }

    #[test]
    fn a_damaged_journal_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().to_owned(), |_| Ok(()));
        assert_eq!(Journal::read(&disk).unwrap(), Journal::default());
        let journal = Journal { seq: 7, previous: Some(Id([1; 16])), ..Journal::default() };
        journal.write(&disk).unwrap();
        assert_eq!(Journal::read(&disk).unwrap(), journal);
        disk.write(JOURNAL, b"{").unwrap();
        assert_eq!(Journal::read(&disk).unwrap(), Journal::default());
        Journal::remove(&disk).unwrap();
    }
}
