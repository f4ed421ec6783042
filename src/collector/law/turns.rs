//! Days on which something begins or ends to hold, so that hosts have to be judged anew.
//!
//! Made by `law` of its rules and exceptions.

use crate::model::Date;
use crate::ruleset::{Policy, Ruleset};

/// Days on which what follows from the same sightings changes.
#[derive(Debug, Default)]
pub(super) struct Turns(Vec<Turn>);

#[derive(Debug, Clone, Copy)]
enum Turn {
    /// Something holds from this day on.
    From(Date),
    /// Something holds on this day, and not after it.
    Until(Date),
}

impl Turns {
    pub(super) fn of<'d>(
        ruleset: &Ruleset,
        policies: &[&Policy],
        granted: impl Iterator<Item = &'d Date>,
    ) -> Self {
        let mut turns = Vec::new();
        for policy in policies {
            turns.push(Turn::From(policy.effective));
            turns.extend(policy.prohibitions.iter().filter_map(|one| one.effective).map(Turn::From));
        }
        let milestones = ruleset.authorities().iter().flat_map(|authority| &authority.milestones);
        turns.extend(milestones.map(|milestone| Turn::From(milestone.date)));
        turns.extend(ruleset.waivers().iter().map(|waiver| Turn::Until(waiver.answer.expires)));
        turns.extend(ruleset.accepted_gaps().iter().map(|gap| Turn::Until(gap.answer.expires)));
        turns.extend(granted.copied().map(Turn::Until));
        Self(turns)
    }

    pub(super) fn between(&self, then: Date, today: Date) -> bool {
        self.0.iter().any(|turn| match *turn {
            Turn::From(day) => then < day && day <= today,
            Turn::Until(day) => then <= day && day < today,
        })
    }
}
