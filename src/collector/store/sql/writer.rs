//! Keeps reports, many to a commit: a disk that takes five milliseconds for one commit takes as long for two hundred.
//!
//! Runs as a task of its own, so that a client who goes away in the middle leaves nothing half done.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::collector::store::{Keep, Kept, StoreError, Stored};

use super::super::Pools;
use super::keep::{keep_all, keep_apart};
use super::memory::Memory;
use super::row::failed;

/// Reports in one commit.
const BATCH: usize = 256;

/// What the writer is asked for.
#[derive(Debug)]
pub(in super::super) enum Job {
    /// To keep a report, and whom to tell.
    Keep(Box<Keep>, oneshot::Sender<Kept<Stored>>),
    /// To end when all before is done.
    Stop(oneshot::Sender<()>),
}

/// Keeps a report; answers when it is durable.
pub(in super::super) async fn keep(jobs: &mpsc::Sender<Job>, keep: Keep) -> Kept<Stored> {
    let (tell, told) = oneshot::channel();
    jobs.send(Job::Keep(Box::new(keep), tell)).await.map_err(|_| StoreError::Closed)?;
    told.await.map_err(|_| StoreError::Closed)?
}

/// Ends the writer when all that waits is done.
pub(in super::super) async fn stop(jobs: &mpsc::Sender<Job>) {
    let (tell, told) = oneshot::channel();
    if jobs.send(Job::Stop(tell)).await.is_ok() {
        // A writer that is gone already has nothing left to do.
        drop(told.await);
    }
}

type Waiting = (Box<Keep>, oneshot::Sender<Kept<Stored>>);

/// The writer.
pub(in super::super) async fn run(pools: Pools, memory: Arc<Memory>, mut jobs: mpsc::Receiver<Job>) {
    let mut waiting: VecDeque<Waiting> = VecDeque::new();
    let mut stop = None;
    loop {
        if waiting.is_empty() {
            let Some(job) = jobs.recv().await else { break };
            take(job, &mut waiting, &mut stop);
        }
        while waiting.len() < BATCH && stop.is_none() {
            let Ok(job) = jobs.try_recv() else { break };
            take(job, &mut waiting, &mut stop);
        }
        if !waiting.is_empty() {
            let (batch, later) = one_of_each_host(waiting);
            waiting = later;
            write(&pools, &memory, batch).await;
        }
        if waiting.is_empty() && stop.is_some() {
            break;
        }
    }
    jobs.close();
    if let Some(tell) = stop {
        // Who asked may have gone.
        _ = tell.send(());
    }
}

fn take(job: Job, waiting: &mut VecDeque<Waiting>, stop: &mut Option<oneshot::Sender<()>>) {
    match job {
        Job::Keep(keep, tell) => waiting.push_back((keep, tell)),
        Job::Stop(tell) => *stop = Some(tell),
    }
}

/// A host's second report is weighed against what its first one left: it waits for the next commit.
fn one_of_each_host(waiting: VecDeque<Waiting>) -> (Vec<Waiting>, VecDeque<Waiting>) {
    let mut hosts = HashSet::new();
    let (batch, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(keep, _)| hosts.insert(keep.host));
    (batch, later.into())
}

/// Writes a batch, and tells everybody after the commit.
async fn write(pools: &Pools, memory: &Memory, batch: Vec<Waiting>) {
    let (keeps, tell): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let mut done = changing!(pools, "keeping reports", |change| keep_all(change, memory, &keeps));
    if done.is_err() && keeps.len() > 1 {
        done = changing!(pools, "keeping reports", |change| keep_apart(change, memory, &keeps));
    }
    match done {
        Ok(done) => {
            for (tell, done) in tell.into_iter().zip(done) {
                // A client that has gone asks again, and is told that it was kept.
                _ = tell.send(done);
            }
        }
        Err(error) => {
            for tell in tell {
                _ = tell.send(Err(error.clone()));
            }
        }
    }
}
