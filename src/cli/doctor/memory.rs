//! Whether the ceiling for memory ends a look before something else ends the scan.

use super::{Ask, Check, Told};
use crate::cli::look::ceiling;
use crate::host::{memory_allowed, memory_held};

pub(super) const CHECK: Check = Check { name: "memory", look };

/// What a scan of an ordinary host takes (`docs/running.md`): with less it sees less.
const USUAL: u64 = 64;

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let ceiling = ceiling(ask.in_force.max_memory).map(|bytes| bytes >> 20);
    let mut told = Vec::new();
    if ask.in_force.max_memory.is_some() && memory_held().is_none() {
        let next = "mount /proc, or limit the memory of the scan from outside";
        told.push(Told::warn(
            "this system does not say how much a program holds: max_memory is not kept",
            next,
        ));
    }
    if let Some(ceiling) = ceiling.filter(|ceiling| *ceiling < USUAL) {
        let next = format!("a scan takes {USUAL} MiB at most where nothing is out of the ordinary");
        told.push(Told::warn(format!("with {ceiling} MiB much could go unseen"), next));
    }
    // What a group is let have is of all its programs; that the scan is let have as much is the best there can be.
    let group = memory_allowed().map(|(bytes, file)| (bytes >> 20, file));
    if let Some((allowed, file)) = group.filter(|(allowed, _)| *allowed < ceiling.unwrap_or(USUAL)) {
        let next = "raise that limit, or set the key max_memory below it or not at all: a look that ends there is still reported";
        told.push(Told::warn(format!("{file} lets a scan have {allowed} MiB, and ends it beyond"), next));
    }
    if told.is_empty() {
        told.push(match ceiling {
            Some(ceiling) => {
                Told::ok(format!("a look ends when the scan would hold more than {ceiling} MiB"))
            }
            None => Told::ok("a look holds what it takes"),
        });
    }
    told
}
