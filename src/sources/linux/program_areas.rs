//! Folders of programs of a Linux that no package database speaks for: `/opt`, `/usr/local`, and parts of every home.
//!
//! Called by the source `executables`. Programs of the machine's folders are listed by name by `opt`; here is asked what
//! else they say of themselves, of programs for Windows too.

use std::cmp::Reverse;
use std::collections::VecDeque;

use crate::host::{Host, Kind};
use crate::model::{HostPath, Order, Scope, ScopeKind, Wanted};
use crate::sources::Haul;
use crate::sources::common::program_walk::{Area, DEEP, TAKEN};

use super::opt::is_common;

const OF_THE_MACHINE: &[&str] = &["/opt", "/usr/local"];

/// Folders of a home that programs are put into, and how deep they are looked into. What the XDG base directory
/// specification and systemd's file-hierarchy(7) name; where downloads come to lie; Windows' own in a prefix of Wine.
const OF_HOMES: &[(&str, usize)] = &[
    ("bin", DEEP),
    (".local/bin", DEEP),
    (".local/lib", 6),
    (".local/opt", DEEP),
    (".local/share", 6),
    ("Applications", DEEP),
    ("Desktop", TAKEN),
    ("Downloads", TAKEN),
    (".wine/drive_c/Program Files", DEEP),
    (".wine/drive_c/Program Files (x86)", DEEP),
    (".wine/drive_c/ProgramData", DEEP),
];

/// Every area, those that a rule names before all others.
pub(in crate::sources) fn areas(host: &dyn Host, want: &Wanted, haul: &mut Haul) -> VecDeque<Area> {
    let mut areas: VecDeque<Area> = VecDeque::new();
    if want.scope.includes(ScopeKind::Machine) {
        let is_folder =
            |root: &&HostPath| host.files().stat(root).is_ok_and(|stat| stat.kind == Kind::Folder);
        let mut named: Vec<_> = want
            .path_roots
            .iter()
            .filter(|root| root.is_absolute() && !is_common(root))
            .filter(is_folder)
            .collect();
        // Of two that lie in each other the inner one first: the walk over the outer one passes it over.
        named.order_by_key(|root| Reverse(root.parts().count()));
        let machine = named.into_iter().cloned().chain(OF_THE_MACHINE.iter().map(|folder| (*folder).into()));
        areas.extend(
            machine.map(|folder| Area { listed_elsewhere: true, ..Area::whole(folder, Scope::Machine) }),
        );
    }
    for user in haul.users(host, want) {
        let of_user = |(folder, depth): &(&str, usize)| {
            Area::of_user(user.home.join(folder), Scope::User(user.n), *depth)
        };
        areas.extend(OF_HOMES.iter().map(of_user));
    }
    areas
}
