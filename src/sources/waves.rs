//! In which order sources start: records first, files of program folders after them, every other file last. Where time or
//! processor run out, what is worth most for its time has been read.
//!
//! Called by `run`. Must not know what a source looks for.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::Host;
use crate::model::{Need, Order};

use super::haul::Sieve;
use super::limits::Limits;
use super::run::{OFFERS, RunPlan, Sent, one};
use super::{Haul, Source};

/// So long at most the later sources wait for the earlier ones: one that blocks holds no other.
const PATIENCE: Duration = Duration::from_secs(2);
/// Part of the budget that is waited at most.
const SHARE: u32 = 8;
/// After so long another thread takes what no thread has begun. On a disk that is quick, or remembered, a few threads are done
/// by then, and starting one for each source would take a tenth of the whole look; on one that is slow or dead they wait.
const PAUSE: Duration = Duration::from_millis(5);

/// A source and its position.
type Turn = (usize, &'static dyn Source);

/// Sources that wait for their turn.
pub(super) struct Waves {
    host: Arc<dyn Host>,
    plan: RunPlan,
    limits: Limits,
    /// Those whose wave has not come, by depth.
    waiting: Vec<Turn>,
    /// Those whose wave has come, and that no thread has begun.
    open: Arc<Mutex<VecDeque<Turn>>>,
    started: usize,
    /// When the next wave comes, whatever the others do.
    turn: Instant,
    /// When the next thread starts.
    help: Instant,
    send: Option<SyncSender<Sent>>,
}

impl Waves {
    /// Starts the first. A source that is held by a dead file system holds its thread and no other source. Threads are not
    /// joined: nor must it hold the report.
    pub(super) fn start(
        host: &Arc<dyn Host>,
        plan: &RunPlan,
        sources: &[&'static dyn Source],
        limits: &Limits,
    ) -> (Self, Receiver<Sent>) {
        let (send, home) = sync_channel(sources.len() + OFFERS);
        let mut waiting: Vec<_> = sources.iter().copied().enumerate().collect();
        // What runs is gone soonest, and takes longest to look at.
        let runs = |source: &dyn Source| source.about().needs == [Need::Running];
        waiting.order_by_key(|(_, source)| (source.about().depth, !runs(*source)));
        let mut waves = Self {
            host: Arc::clone(host),
            plan: plan.clone(),
            limits: limits.clone(),
            waiting,
            open: Arc::default(),
            started: 0,
            turn: Instant::now(),
            help: Instant::now(),
            send: Some(send),
        };
        waves.go_on(0);
        (waves, home)
    }

    /// When to look again, whether the next are to start or the whole look is over.
    pub(super) fn until(&self, end: Instant) -> Instant {
        match (&self.send, self.is_begun()) {
            (None, _) => end,
            (Some(_), true) => end.min(self.turn),
            (Some(_), false) => end.min(self.turn).min(self.help),
        }
    }

    /// Starts the next, once those that were started have ended or have had their time.
    pub(super) fn go_on(&mut self, ended: usize) {
        let now = Instant::now();
        if ended == self.started || now >= self.turn {
            self.begin_wave(now);
        } else if now >= self.help && !self.is_begun() {
            self.take_hand(now);
        }
        if self.waiting.is_empty() && self.is_begun() {
            // So that the end of the last is the end.
            self.send = None;
        }
    }

    fn begin_wave(&mut self, now: Instant) {
        let Some((_, first)) = self.waiting.first() else { return };
        let depth = first.about().depth;
        let next = self.waiting.iter().take_while(|(_, source)| source.about().depth == depth).count();
        self.started += next;
        if let Ok(mut open) = self.open.lock() {
            open.extend(self.waiting.drain(..next));
        }
        self.turn = now + PATIENCE.min(self.plan.budget / SHARE);
        // One of them waits for the disk.
        let hands = thread::available_parallelism().map_or(1, usize::from) + 1;
        for _ in 0..hands.min(next) {
            self.take_hand(now);
        }
    }

    /// Whether a thread has begun with each whose wave has come.
    fn is_begun(&self) -> bool {
        self.open.lock().is_ok_and(|open| open.is_empty())
    }

    /// Starts a thread that takes one source after the other.
    fn take_hand(&mut self, now: Instant) {
        self.help = now + PAUSE;
        let Some(send) = self.send.clone() else { return };
        let open = Arc::clone(&self.open);
        let (host, plan, limits) = (Arc::clone(&self.host), self.plan.clone(), self.limits.clone());
        thread::spawn(move || {
            let next = || open.lock().ok()?.pop_front();
            while let Some((at, source)) = next() {
                let offers = send.clone();
                // Waits while earlier offers are judged: so many are in memory, and no more. Nobody takes them any more
                // when time is up, which is a gap of every source.
                let sieve = Sieve(Box::new(move |traces| _ = offers.send(Sent::Offer(at, traces))));
                let haul = Haul::new(limits.clone()).with_sieve(sieve);
                let (report, traces) = one(source, host.as_ref(), &plan, haul);
                let _sent = send.send(Sent::Done(at, report, traces));
            }
        });
    }
}
