//! What one source brings home: traces, gaps, counts. Gaps are gathered by reason as they come.
//!
//! Filled by sources, emptied by `run`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::host::{Hive, Host, Miss};
use crate::model::{Gap, GapReason, HostPath, ScopeKind, Trace, User, Wanted};
use crate::parse::{At, Fault};

use super::limits::Limits;

/// Traces that one source may bring; a host that has more is hostile, and says so by a gap.
const MAX_TRACES: usize = 500_000;
/// Traces that are offered at a time.
const OFFER: usize = 256;

/// Takes what a source offers.
pub(super) struct Sieve(pub(super) Box<dyn FnMut(Vec<Trace>)>);

impl fmt::Debug for Sieve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sieve")
    }
}

/// How a source ended, by its own word. Gaps decide between complete and partial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was read, but for the gaps.
    Read,
    /// This host does not have it, and nothing says that it should; why.
    NotApplicable(String),
    /// It cannot be looked at in this way; why.
    Unavailable(String),
    /// It should be there, and could not be read; why.
    Failed(String),
}

/// What one source brings home.
#[derive(Debug)]
pub struct Haul {
    traces: Vec<Trace>,
    gaps: BTreeMap<(GapReason, bool), Gap>,
    records: u64,
    limits: Limits,
    /// Hives whose own faults are noted.
    hives: BTreeSet<Hive>,
    sieve: Option<Sieve>,
    offered: Vec<Trace>,
}

impl Haul {
    /// An empty haul with what it may take: a moment by which it must be home, and memory.
    pub fn new(limits: impl Into<Limits>) -> Self {
        Self {
            traces: Vec::new(),
            gaps: BTreeMap::new(),
            records: 0,
            limits: limits.into(),
            hives: BTreeSet::new(),
            sieve: None,
            offered: Vec::new(),
        }
    }

    /// The same haul, whose offers are taken by this.
    pub(super) fn with_sieve(mut self, sieve: Sieve) -> Self {
        self.sieve = Some(sieve);
        self
    }

    /// Whether there is still time, and memory. A source that loops over what the host says asks now and then.
    pub fn time_left(&self) -> bool {
        !self.limits.are_over()
    }

    /// Notes that one of them is over, where it is.
    pub(super) fn note_end(&mut self) {
        if let Some((reason, words)) = self.limits.over() {
            self.gap_with(reason, &HostPath::from("/"), words);
        }
    }

    /// Adds a trace.
    pub fn push(&mut self, trace: Trace) {
        self.records += 1;
        if self.limits.is_full() {
            // Not all sources ask whether they may go on: what a record says has no place any more.
            self.gap(GapReason::Memory, &trace.place.path);
        } else if self.traces.len() < MAX_TRACES {
            self.traces.push(trace);
        } else {
            let place = trace.place.path;
            self.gap_with(GapReason::Budget, &place, format!("more than {MAX_TRACES} traces in one source"));
        }
    }

    /// Offers a trace that is worth its memory only where a rule could match it: one of the hundred thousand programs of a
    /// distribution. `run` asks the rules and keeps it or not; without rules it is kept.
    pub fn offer(&mut self, trace: Trace) {
        if self.sieve.is_none() {
            return self.push(trace);
        }
        self.records += 1;
        self.offered.push(trace);
        if self.offered.len() >= OFFER {
            self.hand_over();
        }
    }

    /// Hands over what was offered.
    pub(super) fn hand_over(&mut self) {
        let offered = std::mem::take(&mut self.offered);
        if let Some(Sieve(take)) = self.sieve.as_mut().filter(|_| !offered.is_empty()) {
            take(offered);
        }
    }

    /// Counts a record that made no trace.
    pub fn count_record(&mut self) {
        self.records += 1;
    }

    /// Traces so far.
    pub fn traces(&self) -> &[Trace] {
        &self.traces
    }

    /// Notes a gap; whether it blocks is decided by its reason.
    pub fn gap(&mut self, reason: GapReason, place: &HostPath) {
        self.note(reason, place, None, reason.blocks());
    }

    /// Notes a gap with more words.
    pub fn gap_with(&mut self, reason: GapReason, place: &HostPath, detail: impl Into<String>) {
        self.note(reason, place, Some(detail.into()), reason.blocks());
    }

    /// Notes a gap that cannot hide anything that counts.
    pub fn minor(&mut self, reason: GapReason, place: &HostPath, detail: impl Into<String>) {
        self.note(reason, place, Some(detail.into()), false);
    }

    /// Notes what could not be read, absence too: call it for what must exist.
    pub fn miss(&mut self, place: &HostPath, miss: &Miss) {
        self.note(miss.reason(), place, miss.detail(), miss.reason().blocks());
    }

    /// Notes what could not be read, but for what is simply not there. The value, where it was read.
    pub fn optional<T>(&mut self, place: &HostPath, read: Result<T, Miss>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(Miss::Absent) => None,
            Err(miss) => {
                self.miss(place, &miss);
                None
            }
        }
    }

    /// Reads what was just listed: gone since is a minor gap, unreadable is a gap.
    pub fn listed<T>(&mut self, place: &HostPath, read: Result<T, Miss>) -> Option<T> {
        if read.as_ref().is_err_and(|miss| *miss == Miss::Absent) {
            self.gap(GapReason::Vanished, place);
            return None;
        }
        self.optional(place, read)
    }

    /// Notes the faults that a reader met in a file.
    pub fn faults(&mut self, place: &HostPath, faults: &[Fault]) {
        for fault in faults {
            let reason = if fault.at == At::Whole { GapReason::Truncated } else { GapReason::Malformed };
            self.note(reason, place, Some(fault.to_string()), true);
        }
    }

    /// Gaps so far.
    pub fn gap_list(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.values()
    }

    /// The users whose profiles are to be looked at; one whose home cannot be listed is a gap, and so is
    /// what may hide further users.
    pub fn users<'h>(&mut self, host: &'h dyn Host, want: &Wanted) -> Vec<&'h User> {
        if !want.scope.includes(ScopeKind::User) {
            return Vec::new();
        }
        let (readable, hidden): (Vec<_>, Vec<_>) = host.facts().users.iter().partition(|user| user.readable);
        self.user_gaps(host);
        for user in hidden {
            let miss = host.files().list(&user.home).err().unwrap_or(Miss::Denied);
            self.miss(&user.home, &miss);
        }
        readable
    }

    /// Notes what may hide users of the host.
    pub(super) fn user_gaps(&mut self, host: &dyn Host) {
        for gap in &host.facts().user_gaps {
            self.note(gap.reason, &gap.path, gap.detail.clone(), gap.blocking);
        }
    }

    /// Whether a hive is met for the first time: its own faults are told once.
    pub(super) fn first_of(&mut self, hive: Hive) -> bool {
        self.hives.insert(hive)
    }

    fn note(&mut self, reason: GapReason, place: &HostPath, detail: Option<String>, blocking: bool) {
        self.gaps.entry((reason, blocking)).or_insert_with(|| Gap::new(reason, detail, blocking)).add(place);
    }

    /// Traces, gaps and the number of records.
    pub(super) fn into_parts(self) -> (Vec<Trace>, Vec<Gap>, u64) {
        (self.traces, self.gaps.into_values().collect(), self.records)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::host::{FakeHost, FakeNode};

    fn gaps(nodes: &[(&str, FakeNode)]) -> Vec<(GapReason, bool)> {
        let mut haul = Haul::new(Instant::now() + Duration::from_mins(1));
        haul.users(&FakeHost::new(nodes.iter().cloned()), &Wanted::default());
        haul.gaps()
    }

    #[test]
    fn what_hides_users_is_a_gap() {
        let denied = || FakeNode::Broken(Miss::Denied);
        let passwd = |text: &str| ("/etc/passwd", FakeNode::File(text.as_bytes().to_vec()));
        let blocking = [(GapReason::PermissionDenied, true)];
        assert_eq!(gaps(&[passwd("ann:x:1:1::/home/ann:/bin/sh\n"), ("/home/ann/x", FakeNode::Folder)]), []);
        assert_eq!(gaps(&[("/etc/passwd", denied())]), blocking);
        assert_eq!(gaps(&[("/home", denied())]), blocking);
        assert_eq!(gaps(&[("/home/ann", denied())]), blocking);
        assert_eq!(gaps(&[passwd("ann:x:1:1::/srv/a:/bin/sh\n"), ("/srv/a", denied())]), blocking);
        assert_eq!(gaps(&[passwd("ann:x:1")]), [(GapReason::Malformed, true)]);
    }

    #[test]
    fn gaps_of_one_reason_are_one_with_five_places() {
        let mut haul = Haul::new(Instant::now());
        assert!(!haul.time_left());
        for n in 0..9 {
            haul.gap(GapReason::ReadError, &HostPath::from("/x").join(n.to_string()));
        }
        let gap = haul.gap_list().next().unwrap();
        assert_eq!((gap.count, gap.places.len()), (9, 5));
    }
}
