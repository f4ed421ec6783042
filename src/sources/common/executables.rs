//! Programs and libraries in the folders of programs, of the machine and of every user: by what they say of themselves and
//! by who claims to have signed them, whether anything registered them or not.
//!
//! The folders that a rule names come first, so that no flood of other files can use up the budget before them. Whether a
//! signature holds is not asked here but of `prove`. On Windows a program is told by its name, as Windows tells it, and
//! elsewhere by its first bytes.

use std::collections::VecDeque;

use crate::host::Host;
use crate::model::{Depth, Family, Field, GapReason, ItemKind, ScopeKind, State, Wanted};
use crate::sources::linux::program_areas as linux;
use crate::sources::macos::program_areas as macos;
use crate::sources::windows::program_areas as windows;
use crate::sources::{About, Haul, Outcome, Source};

use super::file_look::{FileLook, look, look_by_name};
use super::program_walk::{Area, Walk};
use super::read_ahead::{Ahead, Ask, read_ahead};

/// The source `executables`.
pub struct Executables;

/// Files and folders looked at in all areas together.
const ENTRIES: usize = 600_000;
/// Programs of a Windows that are reported: each costs memory until the report is written.
const PROGRAMS: usize = 60_000;
/// Programs of other systems that become items whatever they are. What is beyond is looked at all the same, and kept where
/// a rule could match it: a game platform brings tens of thousands of libraries, and a scan has 30 MB.
const INVENTORY: usize = 5_000;

static ABOUT: About = About {
    name: "executables",
    summary: "programs in the folders of programs and in those that a rule names (Program Files, ProgramData, AppData; /opt, \
     /usr/local; a user's bin, Downloads, Desktop): version resource and signer",
    families: &[Family::Linux, Family::Windows, Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    depth: Depth::Standard,
    yields: &[(ItemKind::Executable, &[State::Present])],
    fields: &[
        Field::Name,
        Field::Publisher,
        Field::Version,
        Field::Signer,
        Field::Identifier,
        Field::Path,
        Field::Hash,
    ],
    ..About::USUAL
};

impl Source for Executables {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let family = host.facts().family;
        let by_name = family == Family::Windows;
        let areas = match family {
            Family::Windows => windows::areas(host, want, haul),
            Family::Linux => linux::areas(host, want, haul),
            Family::Macos => macos::areas(host, want, haul),
        };
        let programs = if by_name { PROGRAMS } else { usize::MAX };
        let walk = Walk::new(host.files(), want, by_name, ENTRIES, programs);
        let mut round = Round { walk, areas, kept: Kept { by_name, programs: 0 } };
        let look = |ask: &Ask| if by_name { look_by_name(host, want, ask) } else { look(host, want, ask) };
        read_ahead(&look, &mut |ahead| round.walk_all(ahead, haul));
        Outcome::Read
    }
}

/// The walk over all areas, and what it keeps.
struct Round<'f> {
    walk: Walk<'f>,
    areas: VecDeque<Area>,
    kept: Kept,
}

impl Round<'_> {
    fn walk_all(&mut self, ahead: &mut Ahead<'_, FileLook>, haul: &mut Haul) {
        while let Some(area) = self.walk.next(&mut self.areas, haul) {
            let kept = &mut self.kept;
            let walked = self.walk.area(&area, &mut self.areas, haul, &mut |ask, haul| {
                ahead.add(ask, &mut |ask, look| kept.put(&area, &ask, look, haul));
            });
            haul.optional(&area.folder, walked);
            ahead.finish(&mut |ask, look| kept.put(&area, &ask, look, haul));
            if self.walk.is_spent() || !haul.time_left() {
                let detail = format!("more than {ENTRIES} files or {PROGRAMS} programs, or no time left");
                return haul.gap_with(GapReason::Budget, &area.folder, detail);
            }
        }
    }
}

/// What becomes an item.
struct Kept {
    by_name: bool,
    programs: usize,
}

impl Kept {
    fn put(&mut self, area: &Area, ask: &Ask, look: FileLook, haul: &mut Haul) {
        let scope = area.scope.clone();
        if self.by_name {
            let trace = look.named(&ask.path, scope, haul);
            return haul.push(trace);
        }
        let Some(trace) = look.told(&ask.path, scope, haul) else { return };
        if area.listed_elsewhere || self.programs >= INVENTORY {
            return haul.offer(trace);
        }
        self.programs += 1;
        haul.push(trace);
    }
}

#[cfg(test)]
#[path = "executables_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "executables_windows_tests.rs"]
mod windows_tests;
