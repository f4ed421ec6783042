//! Whether the clock can be right: not before the rules were released. Dates of laws, waivers and rules hang on it.

use crate::ruleset::Ruleset;

use super::{Ask, Check, Told};
use crate::cli::rules::look_at;

pub(super) const CHECK: Check = Check { name: "clock", look };

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let ruleset = look_at(ask.in_force, ask.printer).ok();
    let manifests = ruleset.iter().flat_map(Ruleset::manifests);
    let newest = manifests.map(|manifest| manifest.released).max();
    vec![match newest.filter(|newest| *newest > ask.today()) {
        Some(newest) => Told::warn(
            format!(
                "it is {} by this computer's clock, and rules are in use that were released on {newest}",
                ask.now
            ),
            "set the clock: laws, waivers and the age of rules are judged by it",
        ),
        None => Told::ok(format!("it is {}", ask.now)),
    }]
}
