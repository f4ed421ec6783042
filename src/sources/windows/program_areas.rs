//! Folders of programs of a Windows: `Program Files`, `ProgramData`, parts of every profile, and what a rule names.
//!
//! Called by the source `executables`.

use std::cmp::Reverse;
use std::collections::VecDeque;

use crate::host::{Host, Kind};
use crate::model::{Order, Scope, ScopeKind, Wanted};
use crate::sources::Haul;
use crate::sources::common::program_walk::{Area, DEEP, TAKEN};

use super::named;

/// Folders of a profile that programs install themselves into, and how deep they are looked into.
const OF_PROFILES: &[(&str, usize)] = &[
    ("AppData/Local/Programs", DEEP),
    ("AppData/Local", 4),
    ("AppData/Roaming", 4),
    ("AppData/LocalLow", 3),
    // Programs that need no installation are run from where they came to lie.
    ("Desktop", TAKEN),
    ("Downloads", TAKEN),
];

/// Every area, those that a rule names before all others.
pub(in crate::sources) fn areas(host: &dyn Host, want: &Wanted, haul: &mut Haul) -> VecDeque<Area> {
    let facts = host.facts();
    let mut areas: VecDeque<Area> = VecDeque::new();
    for template in &want.templates {
        let places = named::places(facts, template, want).into_iter();
        areas.extend(places.map(|(scope, folder)| Area::whole(folder, scope)));
    }
    // Of two that lie in each other the inner one first: the walk over the outer one passes it over.
    areas.make_contiguous().order_by_key(|area| Reverse(area.folder.parts().count()));
    // A name that a rule gives may be a file's, or of a folder that every system has: those are looked at as what they are.
    areas.retain(|area| {
        host.files().stat(&area.folder).is_ok_and(|stat| stat.kind == Kind::Folder) && !is_common(area)
    });
    if let Some(windows) = facts.windows.as_ref().filter(|_| want.scope.includes(ScopeKind::Machine)) {
        let folders = windows.program_files.iter().chain(&windows.program_data);
        areas.extend(folders.map(|folder| Area::whole(folder.clone(), Scope::Machine)));
    }
    for user in haul.users(host, want) {
        let of_user = |(folder, depth): &(&str, usize)| {
            Area::of_user(user.home.join(folder), Scope::User(user.n), *depth)
        };
        areas.extend(OF_PROFILES.iter().map(of_user));
    }
    areas
}

/// Folders of Windows itself, in which a rule names files: thousands lie there that are nobody else's.
fn is_common(area: &Area) -> bool {
    const COMMON: &[&str] =
        &["system32", "syswow64", "drivers", "driverstore", "temp", "desktop", "documents", "downloads"];
    let name = area.folder.file_name_text().to_lowercase();
    COMMON.contains(&name.as_str())
}
