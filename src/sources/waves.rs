//! In which order sources start: records first, files of program folders after them, every other file last. Where time or
//! processor run out, what is worth most for its time has been read.
//!
//! Called by `run`. Must not know what a source looks for.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::Host;
use crate::model::Order;

use super::haul::Sieve;
use super::limits::Limits;
use super::run::{OFFERS, RunPlan, Sent, one};
use super::{Haul, Source};

/// So long at most the later sources wait for the earlier ones: one that blocks holds no other.
const PATIENCE: Duration = Duration::from_secs(2);
/// Part of the budget that is waited at most.
const SHARE: u32 = 8;

/// Sources that wait for their turn.
pub(super) struct Waves {
    host: Arc<dyn Host>,
    plan: RunPlan,
    limits: Limits,
    /// The position of each that has not started, by depth.
    waiting: Vec<(usize, &'static dyn Source)>,
    started: usize,
    /// When the next start, whatever the others do.
    turn: Instant,
    send: Option<SyncSender<Sent>>,
}

impl Waves {
    /// Starts the first. Each has a thread of its own, so that one held by a dead file system holds no other. They are not
    /// joined: nor must it hold the report.
    pub(super) fn start(
        host: &Arc<dyn Host>,
        plan: &RunPlan,
        sources: &[&'static dyn Source],
        limits: &Limits,
    ) -> (Self, Receiver<Sent>) {
        let (send, home) = sync_channel(sources.len() + OFFERS);
        let mut waiting: Vec<_> = sources.iter().copied().enumerate().collect();
        waiting.order_by_key(|(_, source)| source.about().depth);
        let mut waves = Self {
            host: Arc::clone(host),
            plan: plan.clone(),
            limits: limits.clone(),
            waiting,
            started: 0,
            turn: Instant::now(),
            send: Some(send),
        };
        waves.go_on(0);
        (waves, home)
    }

    /// When to look again, whether the next are to start or the whole look is over.
    pub(super) fn until(&self, end: Instant) -> Instant {
        if self.waiting.is_empty() { end } else { end.min(self.turn) }
    }

    /// Starts the next, once those that were started have ended or have had their time.
    pub(super) fn go_on(&mut self, ended: usize) {
        let now = Instant::now();
        if ended < self.started && now < self.turn {
            return;
        }
        let Some((_, first)) = self.waiting.first() else { return };
        let depth = first.about().depth;
        let next = self.waiting.iter().take_while(|(_, source)| source.about().depth == depth).count();
        for (at, source) in self.waiting.drain(..next).collect::<Vec<_>>() {
            self.started += 1;
            self.begin(at, source);
        }
        self.turn = now + PATIENCE.min(self.plan.budget / SHARE);
        if self.waiting.is_empty() {
            // So that the end of the last is the end.
            self.send = None;
        }
    }

    fn begin(&self, at: usize, source: &'static dyn Source) {
        let Some(send) = self.send.clone() else { return };
        let (host, plan, limits) = (Arc::clone(&self.host), self.plan.clone(), self.limits.clone());
        thread::spawn(move || {
            let offers = send.clone();
            // Waits while earlier offers are judged: so many are in memory, and no more. Nobody takes them any more when
            // time is up, which is a gap of every source.
            let sieve = Sieve(Box::new(move |traces| _ = offers.send(Sent::Offer(at, traces))));
            let (report, traces) = one(source, host.as_ref(), &plan, Haul::new(limits).with_sieve(sieve));
            let _sent = send.send(Sent::Done(at, report, traces));
        });
    }
}
