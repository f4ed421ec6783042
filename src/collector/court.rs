//! Who judges now: the law as the store keeps it, made ready, and replaced when somebody changes it, here or in another collector.
//!
//! Asked by `check_in`, `retro`, `rules` and `api`. Rules that were compiled once are kept for the laws to come.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use crate::model::{Id, RulesFolder, Stamp, Tool};
use crate::ruleset::{Ruleset, render};

use super::judging::Judging;
use super::law::{Law, compiled};
use super::store::{By, LawChange, LawState, Store, StoreError};

/// How often it is looked whether another collector has changed the law.
const LOOK: Duration = Duration::from_secs(2);

/// Under which it is noted by which program hosts are judged.
const JUDGED_BY: &str = "judged-by";

/// Why the law cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum NoLaw {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rules have faults.
    #[error("the rules cannot be used: {0}")]
    Rules(String),
}

/// Rules that were compiled, by their folder; none: the built-in ones alone.
type Compiled = (Option<Id>, Arc<Ruleset>);

/// Who judges now.
pub struct Court {
    store: Arc<dyn Store>,
    judging: RwLock<Arc<Judging>>,
    /// Held while a law is made ready.
    compiled: Mutex<Option<Compiled>>,
    changed: Notify,
    /// Digest of the rules that are compiled in.
    built_in: String,
}

impl Court {
    /// Judges as told until the store is asked.
    pub fn new(store: Arc<dyn Store>, judging: Judging) -> Self {
        let built_in = judging.law().ruleset().digest().to_owned();
        let judging = RwLock::new(Arc::new(judging));
        Self { store, judging, compiled: Mutex::default(), changed: Notify::new(), built_in }
    }

    /// Judges by the law that the store keeps.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self, NoLaw> {
        let court = Self::new(store, Judging::built_in().map_err(NoLaw::Rules)?);
        court.follow().await?;
        Ok(court)
    }

    /// Has every host judged anew where the program knows other rules than the one before it.
    pub async fn upgrade(&self, at: Stamp) -> Result<(), NoLaw> {
        let knows = format!("{} {}", Tool::SELF.version, self.built_in).into_bytes();
        if self.store.mark(JUDGED_BY, &knows, false).await? == knows {
            return Ok(());
        }
        let by = By { actor: "upgrade".to_owned(), at };
        let active = self.store.law().await?.active;
        self.store.change_law(&LawChange::Activate(active), &by).await?;
        self.store.mark(JUDGED_BY, &knows, true).await?;
        self.follow().await.map(|_| ())
    }

    /// Where the fleet is kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Who judges now.
    pub fn judging(&self) -> Arc<Judging> {
        Arc::clone(&self.judging.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over the law of the store, where it is another; whether it was.
    pub async fn follow(&self) -> Result<bool, NoLaw> {
        if self.store.law_version().await? <= self.judging().law().version() {
            return Ok(false);
        }
        let mut kept = self.compiled.lock().await;
        let state = self.store.law().await?;
        if state.version <= self.judging().law().version() {
            return Ok(false);
        }
        let law = self.made(state, &mut kept).await?;
        tracing::info!(version = law.version(), "another law");
        let judging = Arc::new(Judging::under(Arc::new(law)));
        *self.judging.write().unwrap_or_else(PoisonError::into_inner) = judging;
        self.changed.notify_waiters();
        Ok(true)
    }

    /// Something is there to be judged anew.
    pub(super) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Waits until the law is another one, or for a while.
    pub(super) async fn wait(&self) {
        let _late = timeout(LOOK, self.changed.notified()).await;
    }

    async fn made(&self, state: LawState, kept: &mut Option<Compiled>) -> Result<Law, NoLaw> {
        let folder = match state.active {
            Some(id) => self.store.ruleset(id).await?.map(|(_, folder)| folder),
            None => None,
        };
        let had = kept.as_ref().filter(|(had, _)| *had == state.active).map(|(_, rules)| Arc::clone(rules));
        let rules = match had {
            Some(rules) => rules,
            None => ready_in_a_thread(folder.clone()).await.map_err(NoLaw::Rules)?,
        };
        *kept = Some((state.active, Arc::clone(&rules)));
        Ok(Law::of(state, rules, folder.map(Arc::new)))
    }
}

/// Compiles rules where nobody waits for it.
async fn ready_in_a_thread(folder: Option<RulesFolder>) -> Result<Arc<Ruleset>, String> {
    let work = move || {
        let rules = compiled(folder.as_ref(), None);
        rules.map(Arc::new).map_err(|faults| render(&faults, false))
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}
