//! Hosts on which the law can find nothing: for all that were looked at in the same manner the same follows, and is judged once.
//!
//! Asked by the round.

use std::collections::BTreeMap;
use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::model::{Date, Id, PolicyOutcome, Stamp, Verdict};

use super::super::judging::{Case, Judging, Unjudged};
use super::super::law::Assigned;
use super::super::store::{Judged, JudgedBy, Looked};

/// Outcomes that are remembered.
const MOST: usize = 1_024;

/// What of the law and of a host an outcome is made of: rules, policies and exceptions; the manner of its look; the day.
type Of = (Id, Id, Date);

#[derive(Clone)]
struct Outcome {
    verdict: Option<Verdict>,
    policies: Arc<[PolicyOutcome]>,
}

/// What followed for them.
pub(super) struct Alike {
    known: Cache<Of, Outcome>,
}

impl Alike {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(MOST) }
    }

    /// Judges one of them.
    pub(super) async fn judge(
        &self,
        judging: &Judging,
        assigned: Assigned,
        looked: &Looked,
        now: Stamp,
    ) -> Result<Judged, Unjudged> {
        let on = Date::of(now);
        let of = (assigned.by, looked.manner, on);
        let Outcome { verdict, policies } = if let Some(known) = self.known.get(&of) {
            known
        } else {
            let case = Case {
                assigned: assigned.clone(),
                before: None,
                holding: looked.holding.as_ref().clone(),
                seen: BTreeMap::new(),
                scanned_at: now,
                received_at: now,
            };
            let (Judged { verdict, policies, .. }, _) = judging.judge(case).await?;
            let new = Outcome { verdict, policies };
            self.known.insert(of, new.clone());
            new
        };
        let Assigned { by: rules, version: law, tags, .. } = assigned;
        Ok(Judged { by: JudgedBy { rules, on }, law, tags, verdict, policies, findings: Vec::new() })
    }
}
