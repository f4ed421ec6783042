//! Whether a scan is running, and who runs it.

use super::{Ask, Check, Told};
use crate::cli::lock::held;
use crate::cli::places;

pub(super) const CHECK: Check = Check { name: "lock", look };

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let usual = || [places::state(), places::runtime()].into_iter().flatten().collect();
    let folders = ask.in_force.state.clone().map_or_else(usual, |named| vec![named]);
    vec![match folders.iter().find_map(|folder| held(folder)) {
        Some(holder) => Told::warn(
            format!("a scan is running: {holder}"),
            "wait for it; another would end with exit code 2",
        ),
        None => Told::ok("no scan is running"),
    }]
}
