//! What the tests of every source share.

use std::time::{Duration, Instant};

use crate::host::Host;
use crate::model::{GapReason, Wanted};

use super::{Haul, Outcome, Source};

#[path = "../../tests/support/pe.rs"]
#[expect(unreachable_pub, reason = "shared with the integration tests")]
pub(crate) mod made;

/// Runs one source over a host as a scan would, with all time and the widest question.
pub(crate) fn collect(source: &dyn Source, host: &dyn Host) -> (Haul, Outcome) {
    collect_for(source, host, &Wanted::default())
}

/// The same with a question of the test's own.
pub(crate) fn collect_for(source: &dyn Source, host: &dyn Host, want: &Wanted) -> (Haul, Outcome) {
    let mut haul = empty();
    let outcome = source.collect(host, want, &mut haul);
    (haul, outcome)
}

/// A haul with all time and nothing in it.
pub(crate) fn empty() -> Haul {
    Haul::new(Instant::now() + Duration::from_mins(1))
}

/// Whose each trace is and where it was read, sorted.
pub(crate) fn seen(haul: &Haul) -> Vec<String> {
    let mut seen: Vec<_> =
        haul.traces().iter().map(|trace| format!("{} {}", trace.scope, trace.place.path)).collect();
    seen.sort();
    seen
}

impl Haul {
    /// Reasons of the gaps and whether each blocks.
    pub(crate) fn gaps(&self) -> Vec<(GapReason, bool)> {
        self.gap_list().map(|gap| (gap.reason, gap.blocking)).collect()
    }
}
