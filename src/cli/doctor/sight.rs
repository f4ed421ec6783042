//! What hides a part of this computer from the scan: homes, processes, protected folders.

use crate::model::{GapReason, HostPath};

use super::{Ask, Check, Told};
use crate::cli::look::LookArgs;

pub(super) const CHECK: Check = Check { name: "sight", look };

const NEXT: &str =
    "see what 'interdict scan' says of it; run without a sandbox, as root, where /proc shows every process";

fn look(ask: &Ask<'_>) -> Vec<Told> {
    let host = match LookArgs::default().or(ask.in_force).open() {
        Ok(host) => host,
        Err(failure) => return Told::fault(&failure),
    };
    let mut told = Vec::new();
    let mut hidden = |reason: GapReason, place: &HostPath, detail: Option<&str>| {
        let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
        told.push(Told::warn(format!("{place}: {}{detail}", reason.words()), NEXT));
    };
    let facts = host.facts();
    for gap in facts.user_gaps.iter().filter(|gap| gap.blocking) {
        hidden(gap.reason, &gap.path, gap.detail.as_deref());
    }
    for user in facts.users.iter().filter(|user| !user.readable) {
        hidden(GapReason::PermissionDenied, &user.home, Some("a user's home"));
    }
    match host.processes() {
        Some(listing) => {
            for (reason, place, detail) in listing.gaps.iter().filter(|(reason, ..)| reason.blocks()) {
                hidden(*reason, place, detail.as_deref());
            }
        }
        None => hidden(GapReason::ReadError, &HostPath::from("/"), Some("processes cannot be listed")),
    }
    if facts.full_disk_access == Some(false) {
        let next =
            "give it full disk access: System Settings, Privacy & Security, or a profile (docs/deploy)";
        told.push(Told::warn("macOS keeps protected folders back", next));
    }
    if told.is_empty() {
        let users = facts.users.len();
        told.push(Told::ok(format!("{users} user(s) and every process can be seen")));
    }
    told
}
