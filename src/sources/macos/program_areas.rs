//! Folders of programs of a macOS that hold no app bundles: `/usr/local`, `/opt`, helpers with rights, parts of every home.
//!
//! Called by the source `executables`. `/Applications` is another source's (`app-bundles`).

use std::collections::VecDeque;

use crate::host::Host;
use crate::model::{Scope, ScopeKind, Wanted};
use crate::sources::Haul;
use crate::sources::common::program_walk::{Area, DEEP, TAKEN};

const OF_THE_MACHINE: &[&str] = &["/Library/PrivilegedHelperTools", "/usr/local", "/opt"];

/// Folders of a home that programs are put into, and how deep they are looked into.
const OF_HOMES: &[(&str, usize)] = &[
    ("bin", DEEP),
    (".local/bin", DEEP),
    (".local/lib", 6),
    (".local/share", 6),
    ("Desktop", TAKEN),
    ("Downloads", TAKEN),
];

/// Every area.
pub(in crate::sources) fn areas(host: &dyn Host, want: &Wanted, haul: &mut Haul) -> VecDeque<Area> {
    let mut areas: VecDeque<Area> = VecDeque::new();
    if want.scope.includes(ScopeKind::Machine) {
        areas.extend(OF_THE_MACHINE.iter().map(|folder| Area::whole((*folder).into(), Scope::Machine)));
    }
    for user in haul.users(host, want) {
        let of_user = |(folder, depth): &(&str, usize)| {
            Area::of_user(user.home.join(folder), Scope::User(user.n), *depth)
        };
        areas.extend(OF_HOMES.iter().map(of_user));
    }
    areas
}
