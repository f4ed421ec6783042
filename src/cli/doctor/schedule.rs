//! Whether scans are started by a schedule: it is there, switched on, its program exists, and its last report is not older than
//! two runs. Reads files; runs no program.

use super::{Ask, Check, Told};
use crate::cli::files::written;
use crate::cli::schedule::{Installed, installed};

pub(super) const CHECK: Check = Check { name: "schedule", look };

const AGAIN: &str = "install it anew: interdict schedule install --daily";

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let all = installed();
    if all.is_empty() {
        let says = "none of interdict's: scans run when somebody or something else starts them ('interdict schedule install \
                    --daily' makes one)";
        return vec![Told::ok(says)];
    }
    all.iter().flat_map(|one| of_one(one, ask)).collect()
}

fn of_one(one: &Installed, ask: &Ask<'_>) -> Vec<Told> {
    let what = format!("{} at '{}'", one.platform.word(), one.mark.when);
    let mut told = Vec::new();
    if !one.enabled {
        told.push(Told::warn(format!("{what} ({}) is switched off: no scan starts", one.file), AGAIN));
    }
    if !one.has_program() {
        told.push(Told::fail(format!("{what} starts {}, which is not there", one.mark.program), AGAIN));
    }
    let Some(period) = one.period() else {
        told.push(Told::warn(
            format!("{} says times that cannot be read: '{}'", one.file, one.mark.when),
            AGAIN,
        ));
        return told;
    };
    // A run begins late by as much as the jitter, and goes on for a while.
    let patience = 2 * i64::from(period) * 60 + i64::from(one.mark.jitter) + 3600;
    for file in one.outputs() {
        let age = written(&file).map(|at| ask.now.unix() - at.unix());
        if age.is_some_and(|age| age > patience) {
            let days = age.unwrap_or_default() / 86_400;
            told.push(Told::warn(
                format!(
                    "{what}: the last report {} is {days} day(s) old, more than two runs",
                    file.display()
                ),
                "see how the last run went: interdict schedule status; and whether the computer was on",
            ));
        }
    }
    if told.is_empty() {
        told.push(Told::ok(format!("{what} ({})", one.file)));
    }
    told
}
