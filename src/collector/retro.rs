//! Judging every host anew after the law was changed: those first that the new rules find something on, for they are what is
//! asked for; then all others. What is left to do stands in the store: neither a restart nor a second collector loses or
//! doubles anything.
//!
//! Run by `serve` as a task of its own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread;

use futures_util::future::try_join_all;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::model::{Date, Id, Stamp};

use super::court::Court;
use super::judging::{Bench, Case, Judging, Unjudged};
use super::law::Law;
use super::store::{
    By, Claim, Claimed, Judged, Kept, KeptHost, LawChange, Looked, NumberedItem, Settled, Store, StoreError,
};

mod alike;

use alike::Alike;

/// Hosts that are taken at a time.
const BATCH: u32 = 480;
/// Of those that come first: what is found on them is waited for, and each is read whole.
const FIRST: usize = 64;
/// Hosts of these that are read together: some are read while others are judged.
const TOGETHER: usize = 120;
/// Items that are asked by one of those who ask them at the same time.
const ASKED: usize = 1_000;
/// Hosts that wait for those who judge, so that a check-in does not wait for long.
const BEGUN: usize = 4;
/// Seconds after which what was taken is free again: who took it is gone.
const LEASE: i64 = 120;
/// Items that are read at a time.
const ITEMS: u32 = 2_000;
/// Sightings of them.
const SIGHTINGS: u32 = 20_000;
/// Under which it is noted when hosts began to be judged.
const FIRST_DAY: &str = "first-day";
/// Who changes the law when a day has come.
const CALENDAR: &str = "calendar";

/// Judges anew, whenever there is something to, for as long as the collector runs.
pub async fn run(store: Arc<dyn Store>, court: Arc<Court>, now: fn() -> Stamp) {
    let mut round = Round::new(store, court, now);
    loop {
        if let Err(error) = round.court.follow().await {
            tracing::error!(%error, "the law cannot be made ready; the one before is used");
        }
        match round.turn().await {
            Ok(true) => {}
            Ok(false) => round.court.wait().await,
            Err(error) => {
                tracing::error!(%error, "hosts cannot be judged anew now");
                round.court.wait().await;
            }
        }
    }
}

/// One collector's part in it.
pub struct Round {
    store: Arc<dyn Store>,
    court: Arc<Court>,
    now: fn() -> Stamp,
    batch: u32,
    first_day: Option<Date>,
    /// Hosts that are to come first.
    first: VecDeque<i64>,
    /// The law for which they were found, and what was found.
    of: Option<Found>,
    /// What followed for hosts on which nothing can be found.
    alike: Alike,
    /// What followed for the hosts before, which is not written yet: who is stopped now has them judged again when the lease ends.
    judged: Vec<Settled>,
}

/// What was asked of every item by a law.
struct Found {
    version: u64,
    /// Sightings of items that alone make no finding.
    cleared: Numbers,
}

/// Numbers, a bit for each.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    /// Larger ones are not taken: none of a store's is until it has given a thousand million.
    const MOST: i64 = 1 << 30;

    fn at(number: i64) -> Option<(usize, u64)> {
        let number = usize::try_from(number).ok()?;
        Some((number / 64, 1 << (number % 64)))
    }

    fn insert(&mut self, number: i64) {
        let Some((at, bit)) = Self::at(number).filter(|_| number < Self::MOST) else { return };
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        if let Some(word) = self.0.get_mut(at) {
            *word |= bit;
        }
    }

    fn contains(&self, number: i64) -> bool {
        Self::at(number).is_some_and(|(at, bit)| self.0.get(at).is_some_and(|word| word & bit != 0))
    }
}

impl Round {
    /// A part that has done nothing yet.
    pub fn new(store: Arc<dyn Store>, court: Arc<Court>, now: fn() -> Stamp) -> Self {
        Self {
            store,
            court,
            now,
            batch: BATCH,
            first_day: None,
            first: VecDeque::new(),
            of: None,
            alike: Alike::new(),
            judged: Vec::new(),
        }
    }

    /// The same, that takes at most so many hosts at a time.
    #[must_use]
    pub fn at_a_time(self, batch: u32) -> Self {
        Self { batch, ..self }
    }

    /// Judges some hosts anew; false: none is left.
    pub async fn turn(&mut self) -> Kept<bool> {
        self.look_at_the_day().await?;
        let judging = self.court.judging();
        let version = judging.law().version();
        let mut claimed = self.claim(&judging).await?;
        if claimed.is_empty() {
            if !self.judged.is_empty() {
                self.settle().await?;
                return Ok(true);
            }
            if version > 0 && self.store.end_job(version, (self.now)()).await? {
                tracing::info!(version, "every host is judged by the law");
            }
            return Ok(false);
        }
        let last = claimed.len() < self.batch as usize;
        // While some are judged others are read, and what followed for those before is written.
        let before = std::mem::take(&mut self.judged);
        let mut parts = Vec::new();
        while !claimed.is_empty() {
            let others = claimed.split_off(claimed.len().min(TOGETHER));
            parts.push(self.judge(&judging, std::mem::replace(&mut claimed, others)));
        }
        let (parts, ()) = tokio::try_join!(try_join_all(parts), self.store.settle(&before, (self.now)()))?;
        self.judged = parts.into_iter().flatten().collect();
        if last {
            self.settle().await?;
        }
        Ok(true)
    }

    /// Writes what followed for the hosts that were judged last.
    async fn settle(&mut self) -> Kept<()> {
        let judged = std::mem::take(&mut self.judged);
        self.store.settle(&judged, (self.now)()).await
    }

    /// When a day has come on which something begins or ends to hold every host is judged anew; who comes first says so.
    async fn look_at_the_day(&mut self) -> Kept<()> {
        let today = Date::of((self.now)());
        let yesterday = Stamp::from_unix((self.now)().unix() - 86_400).map_or(today, Date::of);
        let judging = self.court.judging();
        // Nobody may have been there on that day itself.
        let since = match judging.law().since() {
            Some(since) => since,
            None => self.first_day(today).await?,
        };
        if !judging.law().turns_between(since.min(yesterday), today) {
            return Ok(());
        }
        let by = By { actor: CALENDAR.to_owned(), at: (self.now)() };
        if self.store.change_law(&LawChange::Day(today), &by).await?.is_some()
            && let Err(error) = self.court.follow().await
        {
            tracing::error!(%error, "the law cannot be made ready");
        }
        Ok(())
    }

    /// The day on which hosts of a fleet whose law nobody has changed began to be judged.
    async fn first_day(&mut self, today: Date) -> Kept<Date> {
        if let Some(day) = self.first_day {
            return Ok(day);
        }
        let noted = self.store.mark(FIRST_DAY, today.to_string().as_bytes(), false).await?;
        let day = std::str::from_utf8(&noted).ok().and_then(|text| text.parse().ok()).unwrap_or(today);
        self.first_day = Some(day);
        Ok(day)
    }

    async fn claim(&mut self, judging: &Judging) -> Kept<Vec<Claimed>> {
        let law = judging.law();
        let now = (self.now)();
        let claim = |of, version| Claim {
            version,
            now,
            until: Stamp::from_unix(now.unix() + LEASE).unwrap_or(now),
            limit: self.batch,
            of,
        };
        let found = self.of.as_ref().map(|found| found.version);
        if law.version() > 0 && found != Some(law.version()) {
            let (hosts, cleared) = affected(Arc::clone(&self.store), Arc::clone(law)).await?;
            self.of = Some(Found { version: law.version(), cleared });
            self.first = hosts.into();
        }
        while !self.first.is_empty() {
            let some = self.first.drain(..self.first.len().min(FIRST)).collect();
            let claimed = self.store.claim(&claim(Some(some), law.version())).await?;
            if !claimed.is_empty() {
                return Ok(claimed);
            }
        }
        self.store.claim(&claim(None, law.version())).await
    }

    /// Judges hosts that were taken: while one is judged the next is read.
    async fn judge(&self, judging: &Judging, claimed: Vec<Claimed>) -> Kept<Vec<Settled>> {
        let now = (self.now)();
        let assigned = |one: &Claimed| judging.law().assigned(one.host, &one.tags);
        let (holding, others): (Vec<_>, Vec<_>) =
            claimed.into_iter().map(|one| (assigned(&one), one)).partition(|(assigned, one)| {
                one.judged.is_some_and(|judged| judging.holds(judged, assigned, Date::of(now)))
            });
        let mut done: Vec<Settled> =
            holding.into_iter().map(|(assigned, one)| settled(one, assigned.version, None)).collect();
        let mut looked = self.looked(judging, others.iter().map(|(_, one)| one.number).collect()).await?;
        let mut begun = VecDeque::with_capacity(BEGUN + 1);
        for (assigned, one) in others {
            let law = assigned.version;
            let looked = looked.remove(&one.number).filter(|looked| looked.seq == one.seq);
            if let Some(looked) = looked.filter(|looked| self.is_clean(looked)) {
                let judged = self.alike.judge(judging, assigned, &looked, now).await;
                done.extend(known(one, law, judged.ok()));
                continue;
            }
            let before = self.before(one.host).await?;
            let Some(before) = before.filter(|before| before.seq == one.seq) else { continue };
            let case = Case {
                assigned,
                holding: before.holding.clone(),
                seen: before.seen.clone(),
                scanned_at: before.scanned_at,
                received_at: now,
                before: Some(before),
            };
            begun.push_back((one, law, judging.begin(case).await));
            if begun.len() > BEGUN {
                done.extend(told(begun.pop_front()).await);
            }
        }
        while !begun.is_empty() {
            done.extend(told(begun.pop_front()).await);
        }
        Ok(done)
    }

    /// How hosts were looked at: most of a fleet has nothing that the law could find, and then there is nothing to be matched.
    async fn looked(&self, judging: &Judging, hosts: Vec<i64>) -> Kept<BTreeMap<i64, Looked>> {
        if self.of.is_none() || hosts.is_empty() || judging.law().names_hosts() {
            return Ok(BTreeMap::new());
        }
        self.store.looked(&hosts).await
    }

    /// What is kept of a host; one that cannot be read keeps no other from being judged.
    async fn before(&self, host: Id) -> Kept<Option<KeptHost>> {
        match self.store.held(host).await {
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::error!(%host, %error, "a host cannot be judged anew");
                Ok(None)
            }
            held => held,
        }
    }

    /// Whether nothing of it can make a finding, and nothing was found before, which would have to be weighed against all that is
    /// there.
    fn is_clean(&self, looked: &Looked) -> bool {
        let Some(found) = &self.of else { return false };
        !looked.found && looked.numbers.iter().all(|number| found.cleared.contains(*number))
    }
}

/// A host that was given to those who judge.
type Begun = (Claimed, u64, Result<oneshot::Receiver<(Judged, Box<Case>)>, Unjudged>);

/// What follows for it; none: it stays among those that are to be judged, and is tried again.
async fn told(begun: Option<Begun>) -> Option<Settled> {
    let (one, law, judged) = begun?;
    let judged = match judged {
        Ok(told) => told.await.ok(),
        Err(_) => None,
    };
    known(one, law, judged.map(|(judged, _)| judged))
}

fn known(one: Claimed, law: u64, judged: Option<Judged>) -> Option<Settled> {
    if judged.is_none() {
        tracing::error!(host = %one.host, "a host cannot be judged anew");
    }
    judged.map(|judged| settled(one, law, Some(judged)))
}

fn settled(one: Claimed, law: u64, judged: Option<Judged>) -> Settled {
    let Claimed { number, seq, tags, standing, .. } = one;
    Settled { number, seq, law, tags, standing, judged }
}

/// Hosts that have an item which alone could make a finding, and sightings of all other items: every item is asked once, however
/// many have it.
pub(super) async fn affected(store: Arc<dyn Store>, law: Arc<Law>) -> Kept<(Vec<i64>, Numbers)> {
    let (of_items, here) = (Arc::clone(&store), Handle::current());
    let work = move || asked(&of_items, &law, &here);
    match spawn_blocking(work).await {
        Ok(asked) => {
            let (items, cleared) = asked?;
            Ok((store.hosts_having(&items).await?, cleared))
        }
        Err(error) => {
            // Then nobody comes first, and everybody is read.
            tracing::error!(%error, "items cannot be asked");
            Ok(Default::default())
        }
    }
}

/// Items that alone could make a finding, and sightings of all others. While some are asked the next are read.
fn asked(store: &Arc<dyn Store>, law: &Law, here: &Handle) -> Kept<(Vec<i64>, Numbers)> {
    let bench = Bench::new(law);
    let read = |after| {
        let store = Arc::clone(store);
        here.spawn(async move { store.numbered_items(after, ITEMS).await })
    };
    let (mut next, mut found, mut others) = (read(0), Vec::new(), Numbers::default());
    // A task that is gone was stopped with the collector.
    while let Ok(some) = here.block_on(next) {
        let some = some?;
        let Some((last, _)) = some.last() else { break };
        next = read(*last);
        let hits = thread::scope(|scope| {
            let ask = |some: &'_ [NumberedItem]| {
                some.iter().map(|(_, item)| bench.could_find(item)).collect::<Vec<_>>()
            };
            let asked: Vec<_> = some.chunks(ASKED).map(|some| scope.spawn(move || ask(some))).collect();
            asked.into_iter().map(thread::ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
        });
        // Whose asking has failed is not among the others, and is found by who judges.
        for ((number, _), hit) in some.iter().zip(hits.unwrap_or_default().into_iter().flatten()) {
            if hit {
                found.push(*number);
            } else {
                others.insert(*number);
            }
        }
    }
    tracing::debug!(found = found.len(), "items were asked");
    let (mut after, mut cleared) = (0, Numbers::default());
    loop {
        let some = here.block_on(store.numbered_sightings(after, SIGHTINGS))?;
        let Some((last, _)) = some.last() else { break };
        after = *last;
        for (sighting, item) in some {
            // An item that came after the others were asked is not among them.
            if others.contains(item) {
                cleared.insert(sighting);
            }
        }
    }
    Ok((found, cleared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_were_put_in() {
        let mut numbers = Numbers::default();
        for number in [0, 1, 63, 64, 4_000, -1, i64::MIN, i64::MAX, Numbers::MOST] {
            numbers.insert(number);
        }
        let there: Vec<i64> = (-70..5_000).filter(|number| numbers.contains(*number)).collect();
        assert_eq!(there, [0, 1, 63, 64, 4_000]);
        assert!([i64::MIN, i64::MAX, Numbers::MOST].into_iter().all(|number| !numbers.contains(number)));
    }
}
