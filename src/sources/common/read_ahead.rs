//! Files read side by side while a walk over folders goes on: most of the time goes into waiting for the disk.
//!
//! Called by the sources that walk. What was read comes back in the order of the walk, so that two scans of one disk tell
//! the same. Must not know what a file is looked at for.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::model::HostPath;

/// Files that one thread is given at a time.
const BATCH: usize = 128;
/// Batches that may be under way: behind a file that is slow to read the walk waits, and memory does not grow.
const UNDER_WAY: usize = 64;
/// Even one processor is faster with two readers: one of them waits.
const THREADS: (usize, usize) = (2, 8);

/// A file to be read.
#[derive(Debug, Clone)]
pub(in crate::sources) struct Ask {
    /// Where it is.
    pub(in crate::sources) path: HostPath,
    /// Its size, as the walk saw it.
    pub(in crate::sources) size: u64,
}

impl Ask {
    /// A file that no walk has met.
    pub(in crate::sources) fn of(path: HostPath) -> Self {
        Self { path, size: 0 }
    }

    /// Whether a walk has met it: none tells of empty files.
    pub(in crate::sources) fn is_met(&self) -> bool {
        self.size > 0
    }
}

type Job = (usize, Vec<Ask>);
type Answers<T> = (usize, Vec<(Ask, T)>);

/// What takes an answer.
pub(in crate::sources) type Take<'t, T> = &'t mut dyn FnMut(Ask, T);

/// Reads one file; what it has no answer for is dropped at once. It must not panic.
type Look<'a, T> = &'a (dyn Fn(&Ask) -> Option<T> + Sync);

/// Readers at work beside a walk.
pub(in crate::sources) struct Ahead<'a, T> {
    look: Look<'a, T>,
    /// Starts the readers, if they are not at work.
    start: &'a mut dyn FnMut(),
    work: SyncSender<Job>,
    done: Receiver<Answers<T>>,
    batch: Vec<Ask>,
    sent: usize,
    taken: usize,
    /// Answers that came before those of an earlier batch.
    early: BTreeMap<usize, Vec<(Ask, T)>>,
}

/// Runs a walk beside readers. Where it asks for less than a batch there are none: it reads by itself.
pub(in crate::sources) fn read_ahead<T: Send>(look: Look<'_, T>, walk: &mut dyn FnMut(&mut Ahead<'_, T>)) {
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(THREADS.0, THREADS.1);
    let (work, jobs) = sync_channel(threads);
    let jobs = Mutex::new(jobs);
    let (finished, done) = channel();
    thread::scope(|scope| {
        let mut finished = Some(finished);
        let start = &mut || {
            let Some(finished) = finished.take() else { return };
            for _ in 0..threads {
                let (jobs, finished) = (&jobs, finished.clone());
                scope.spawn(move || read(jobs, &finished, look));
            }
        };
        let early = BTreeMap::new();
        walk(&mut Ahead { look, start, work, done, batch: Vec::new(), sent: 0, taken: 0, early });
    });
}

/// One reader: takes a batch, reads it, takes the next.
fn read<T>(jobs: &Mutex<Receiver<Job>>, finished: &Sender<Answers<T>>, look: Look<'_, T>) {
    loop {
        let job = jobs.lock().ok().and_then(|jobs| jobs.recv().ok());
        let Some((n, asked)) = job else { return };
        let answers = asked.into_iter().filter_map(|ask| look(&ask).map(|answer| (ask, answer))).collect();
        if finished.send((n, answers)).is_err() {
            return;
        }
    }
}

impl<T> Ahead<'_, T> {
    /// Asks for a file. Answers to earlier ones are taken where they are there.
    pub(in crate::sources) fn add(&mut self, ask: Ask, take: Take<'_, T>) {
        self.batch.push(ask);
        if self.batch.len() < BATCH {
            return;
        }
        self.send();
        while let Ok(answers) = self.done.try_recv() {
            self.answered(answers, take);
        }
        while self.sent - self.taken > UNDER_WAY && self.wait(take) {}
    }

    /// Waits for every answer.
    pub(in crate::sources) fn finish(&mut self, take: Take<'_, T>) {
        if self.sent == 0 {
            let asked = std::mem::take(&mut self.batch);
            let answers = asked.into_iter().filter_map(|ask| (self.look)(&ask).map(|answer| (ask, answer)));
            return answers.for_each(|(ask, answer)| take(ask, answer));
        }
        self.send();
        while self.sent > self.taken && self.wait(take) {}
    }

    fn send(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        (self.start)();
        if !batch.is_empty() && self.work.send((self.sent, batch)).is_ok() {
            self.sent += 1;
        }
    }

    /// Whether there was an answer; none any more where the readers are gone.
    fn wait(&mut self, take: Take<'_, T>) -> bool {
        let Ok(answers) = self.done.recv() else { return false };
        self.answered(answers, take);
        true
    }

    fn answered(&mut self, (n, answers): Answers<T>, take: Take<'_, T>) {
        self.early.insert(n, answers);
        while let Some(answers) = self.early.remove(&self.taken) {
            self.taken += 1;
            for (ask, answer) in answers {
                take(ask, answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read_all(files: u64, slow: u64) -> Vec<u64> {
        let look = |ask: &Ask| {
            if ask.size == slow {
                thread::sleep(Duration::from_millis(50));
            }
            (ask.size.is_multiple_of(3)).then_some(ask.size * 10)
        };
        let mut taken = Vec::new();
        read_ahead(&look, &mut |ahead| {
            for size in 0..files {
                ahead.add(Ask { path: "/x".into(), size }, &mut |_, answer| taken.push(answer));
            }
            ahead.finish(&mut |_, answer| taken.push(answer));
        });
        taken
    }

    #[test]
    fn answers_come_in_the_order_of_the_walk() {
        for (files, slow) in [(0, 1), (1, 1), (3_000, 7), (3_000, 2_000), (100_000, 7)] {
            let expected: Vec<u64> = (0..files).filter(|n| n % 3 == 0).map(|n| n * 10).collect();
            assert_eq!(read_all(files, slow), expected, "{files}");
        }
    }
}
