//! What becomes of a check-in: whose line it continues, what of it is wanted, what is kept.
//!
//! Called by `api` with the host whose token was shown. Decides over the store's trait and by `judging`; `line` says whether
//! one machine speaks, `body` takes what was sent apart. Must not know HTTP nor databases.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Answer, Body, CHECK_IN_SCHEMA, CheckIn, Date, Header, Id, Seen, Stamp};

use crate::ruleset::Sought;

use super::court::Court;
use super::judging::{Case, Judging, Unjudged};
use super::law::Assigned;
use super::store::{
    Advance, Fork, Holding, Keep, KeptHost, Known, Reported, Standing, Store, StoreError, Stored,
};

mod body;
mod line;

use line::{Line, line};

/// How often a check-in is decided anew because another of its host came between.
const TRIES: usize = 3;
/// Reports that a head may name beside the one before it.
const MAX_TRIED: usize = 100;

/// Why a check-in is refused. The texts are for the person at the host: what, why, what next.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The store fails. For the log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The collector is being closed, or the same host checks in many times at once.
    #[error("{0}")]
    Busy(&'static str),
    /// It is not a check-in that can be read.
    #[error("{0}")]
    Shape(String),
    /// An id or a digest is not that of what was sent.
    #[error("{0}")]
    Digest(String),
    /// It does not go with what is known of the host: enrol anew.
    #[error("{0}")]
    Conflict(&'static str),
}

impl From<Unjudged> for Refusal {
    fn from(_: Unjudged) -> Self {
        Self::Busy("the collector cannot judge this host now; try again later")
    }
}

/// Where check-ins are received.
#[derive(Clone)]
pub struct Desk {
    store: Arc<dyn Store>,
    court: Arc<Court>,
}

/// What of a decision is not an answer yet.
enum Turn {
    Answer(Answer),
    /// Another report of the host came between.
    Again,
}

/// A host's report, and when it came.
#[derive(Clone, Copy)]
struct Visit<'a> {
    host: Id,
    header: &'a Header,
    now: Stamp,
    /// Tag of the rules that the host is judged by.
    rules: Option<Id>,
}

/// A host that goes on, and how it stands from now on.
struct Going {
    judging: Arc<Judging>,
    assigned: Assigned,
    known: Known,
    standing: Standing,
    fork: Option<Fork>,
}

impl Desk {
    /// A desk over a store, that judges by the rules that are compiled in.
    pub fn new(store: Arc<dyn Store>) -> Result<Self, String> {
        Ok(Self::judging(store, Judging::built_in()?))
    }

    /// A desk that judges by other rules.
    pub fn judging(store: Arc<dyn Store>, judging: Judging) -> Self {
        Self::of(Arc::new(Court::new(store, judging)))
    }

    /// A desk whose hosts are judged by that court.
    pub fn of(court: Arc<Court>) -> Self {
        Self { store: Arc::clone(court.store()), court }
    }

    /// Who judges.
    pub fn court(&self) -> &Arc<Court> {
        &self.court
    }

    /// Receives a check-in of the host that has shown its token.
    pub async fn receive(&self, host: Id, check_in: CheckIn, now: Stamp) -> Result<Answer, Refusal> {
        check_shape(&check_in.header)?;
        for _ in 0..TRIES {
            if let Turn::Answer(answer) = self.turn(host, &check_in, now).await? {
                return Ok(answer);
            }
        }
        Err(Refusal::Busy("this host checks in many times at once; try again"))
    }

    async fn turn(&self, host: Id, check_in: &CheckIn, now: Stamp) -> Result<Turn, Refusal> {
        let header = &check_in.header;
        let previous: Vec<Id> = header.previous.iter().chain(&header.tried).copied().collect();
        let Some(known) = self.store.known(host, header.seq, &previous).await? else {
            return Err(Refusal::Conflict("this host was erased; run 'interdict enrol' to be known again"));
        };
        let judging = self.court.judging();
        let assigned = judging.law().assigned(host, &known.tags);
        let rules = judging.law().tag(&assigned);
        let visit = Visit { host, header, now, rules };
        let (standing, fork) = match line(&known, header, now) {
            Line::Repeated => return Ok(kept(header.seq < known.seq, rules)),
            Line::History => return self.keep(visit, None).await,
            Line::Behind => return self.wanted(host, &known).await,
            Line::GoesOn { standing, fork } => (standing, fork),
            Line::Foreign => {
                return Err(Refusal::Conflict(
                    "the token is another installation's; run 'interdict enrol --reset' on this computer",
                ));
            }
            Line::Split => {
                if known.standing != Standing::Split && known.standing != Standing::Retired {
                    tracing::warn!(%host, "two machines speak as this host");
                }
                self.store.split(host, now).await?;
                return Err(Refusal::Conflict(
                    "two machines speak as this host, or it was renamed: its disk or its state was copied. Run \
                     'interdict enrol --reset' on each of them",
                ));
            }
        };
        let going = Going { judging, assigned, known, standing, fork };
        if going.known.inventory == Some(header.inventory) {
            return self.unchanged(visit, going).await;
        }
        let Some(body) = &check_in.body else {
            return self.wanted(host, &going.known).await;
        };
        let before = self.store.held(host).await?;
        if before.as_ref().map_or(0, |before| before.seq) != going.known.seq {
            return Ok(Turn::Again);
        }
        let Some((mut holding, ids)) = body::holding(header, body, before.as_ref())? else {
            return self.wanted(host, &going.known).await;
        };
        let mut seen = body::seen(&body.seen, before.as_ref())?;
        let unknown: Vec<Id> = ids.iter().filter(|id| !seen.contains_key(*id)).copied().collect();
        seen.extend(self.store.seen(&unknown).await?);
        let need: Vec<Id> = unknown.into_iter().filter(|id| !seen.contains_key(id)).collect();
        holding.sought = self.sought(body, before.as_ref()).await?;
        let sought = body.led.is_some() && holding.sought.is_none();
        if sought || !need.is_empty() {
            return Ok(Turn::Answer(Answer::Need { ids: need, sought }));
        }
        body::check_sources(&holding, &seen)?;
        body::carry_wholes(&mut holding, before.as_ref());
        self.keep_changed(visit, going, (before, holding, seen)).await
    }

    /// What led the look of a report, where it was told, now or before.
    async fn sought(&self, body: &Body, before: Option<&KeptHost>) -> Result<Option<Arc<Sought>>, Refusal> {
        match (body::sought(body, before)?, body.led) {
            (None, Some(led)) => Ok(self.store.sought(led).await?),
            (told, _) => Ok(told),
        }
    }

    /// A report that tells what is known already.
    async fn unchanged(&self, visit: Visit<'_>, going: Going) -> Result<Turn, Refusal> {
        let Visit { host, header, now, .. } = visit;
        let Going { judging, assigned, known, standing, fork } = going;
        let holds = known.judged.is_some_and(|judged| judging.holds(judged, &assigned, Date::of(now)));
        if !holds || standing != known.standing {
            let Some(before) = self.store.held(host).await?.filter(|before| before.seq == known.seq) else {
                return Ok(Turn::Again);
            };
            let (holding, seen) = (before.holding.clone(), before.seen.clone());
            let going = Going { judging, assigned, known, standing, fork };
            return self.keep_changed(visit, going, (Some(before), holding, seen)).await;
        }
        let advance = Advance {
            from: known.seq,
            was: known.judged,
            inventory: header.inventory,
            standing,
            fork,
            holding: None,
            seen: BTreeMap::new(),
            judged: None,
        };
        self.keep(visit, Some(advance)).await
    }

    async fn keep_changed(
        &self,
        visit: Visit<'_>,
        going: Going,
        (before, holding, seen): (Option<KeptHost>, Holding, BTreeMap<Id, Arc<Seen>>),
    ) -> Result<Turn, Refusal> {
        let Visit { header, now, .. } = visit;
        let Going { judging, assigned, known, standing, fork } = going;
        let case = Case { assigned, before, holding, seen, scanned_at: header.scanned_at, received_at: now };
        let (judged, case) = judging.judge(case).await?;
        let Case { holding, seen, .. } = *case;
        let advance = Advance {
            from: known.seq,
            was: known.judged,
            inventory: header.inventory,
            standing,
            fork,
            holding: Some(holding),
            seen,
            judged: Some(judged),
        };
        self.keep(visit, Some(advance)).await
    }

    async fn keep(&self, visit: Visit<'_>, advance: Option<Advance>) -> Result<Turn, Refusal> {
        let Visit { host, header, now, rules } = visit;
        let history = advance.is_none();
        let reported = Reported {
            seq: header.seq,
            report: header.report,
            scanned_at: header.scanned_at,
            received_at: now,
            looked_at: looked_at(header, now),
            verdict: header.verdict,
        };
        match self.store.keep(Keep { host, reported, advance: advance.map(Box::new) }).await? {
            Stored::Now | Stored::Before => Ok(kept(history, rules)),
            // A host that is gone is told so by the next turn.
            Stored::Overtaken | Stored::Gone => Ok(Turn::Again),
        }
    }

    /// Asks for what is not as it is known.
    async fn wanted(&self, host: Id, known: &Known) -> Result<Turn, Refusal> {
        let sources = self.store.sources(host).await?;
        Ok(Turn::Answer(Answer::Send { seq: known.seq, sources }))
    }
}

/// When the scan began, by this clock: a report that is old, or the same that is sent again and again, makes nobody heard of. How
/// old it is only the host's own clock knows; where that went back meanwhile, it counts as new.
fn looked_at(header: &Header, now: Stamp) -> Stamp {
    let age = header.sent_at.unix().saturating_sub(header.scanned_at.unix()).max(0);
    Stamp::from_unix(now.unix().saturating_sub(age)).unwrap_or(Stamp::epoch())
}

fn kept(history: bool, rules: Option<Id>) -> Turn {
    Turn::Answer(Answer::Kept { history, rules })
}

fn check_shape(header: &Header) -> Result<(), Refusal> {
    if header.schema != CHECK_IN_SCHEMA {
        return Err(Refusal::Shape(format!(
            "header.schema: this collector takes {CHECK_IN_SCHEMA}; update the endpoint or the collector"
        )));
    }
    if header.seq == 0 || i64::try_from(header.seq).is_err() {
        return Err(Refusal::Shape("header.seq: reports are numbered from 1".to_owned()));
    }
    if header.tried.len() > MAX_TRIED {
        return Err(Refusal::Shape(format!("header.tried: more than {MAX_TRIED} reports")));
    }
    Ok(())
}
