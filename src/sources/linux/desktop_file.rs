//! One `.desktop` file as a trace: menus and autostart folders hold the same format.
//!
//! Called by `desktop_entries` and `autostart`. Must not know which folder it came from.

use crate::host::{Files, Miss};
use crate::model::{GapReason, HostPath, ItemKind, Place, Scope, State, Trace, User};
use crate::parse::keyfile;
use crate::sources::Haul;

use super::programs::{Program, locate};

/// Real entries have some kilobytes, most of them translations.
const LIMIT: u64 = 1 << 20;
const GROUP: &str = "Desktop Entry";

/// Whose entry it is: the machine's, or a user's, whose own folders of programs come first.
pub(super) struct Owner {
    pub(super) scope: Scope,
    programs: Vec<HostPath>,
}

impl Owner {
    pub(super) fn machine() -> Self {
        Self { scope: Scope::Machine, programs: Vec::new() }
    }

    pub(super) fn user(user: &User) -> Self {
        let programs = [".local/bin", "bin"].map(|folder| user.home.join(folder)).to_vec();
        Self { scope: Scope::User(user.n), programs }
    }
}

/// An entry that was listed.
pub(super) struct Found<'a> {
    pub(super) path: &'a HostPath,
    pub(super) is_link: bool,
}

/// Reads one entry. None: it starts nothing (a link, a folder of a menu), or it went away.
pub(super) fn trace(
    files: &dyn Files,
    kind: ItemKind,
    file: &Found<'_>,
    owner: &Owner,
    haul: &mut Haul,
) -> Option<Trace> {
    let path = file.path;
    let name = path.file_name_text();
    let mut trace = Trace::new(kind, name, State::Installed, Place::file(path.clone()));
    trace.scope = owner.scope.clone();
    let bytes = match files.read(path, LIMIT) {
        Ok(bytes) => bytes,
        // A link that leads nowhere is what a removal left.
        Err(Miss::Absent) if file.is_link => {
            trace.state = State::Remnant;
            return Some(trace);
        }
        Err(Miss::Absent) => {
            haul.gap(GapReason::Vanished, path);
            return None;
        }
        Err(miss) => {
            // Unreadable: that there is an entry of this name can be told all the same.
            haul.miss(path, &miss);
            return Some(trace);
        }
    };
    let (entry, faults) = keyfile::desktop_entry(&bytes);
    // A user hides an entry of the machine by one that holds nothing else.
    if !entry.hidden {
        haul.faults(path, &faults);
    }
    if entry.kind.as_deref().is_some_and(|kind| kind != "Application") {
        haul.count_record();
        return None;
    }
    trace.display_name = entry.name;
    let program = entry.program.or(entry.try_exec);
    if program.is_none() && faults.is_empty() && !entry.hidden && !started_by_bus(&bytes) {
        haul.gap_with(GapReason::Truncated, path, "an application that starts nothing");
    }
    if let Some(program) = program {
        let found = locate(files, &program, &owner.programs, haul);
        trace.image = found.image();
        trace.state = if found == Program::NotFound { State::Remnant } else { found.state() };
        if trace.state == State::Remnant && !bytes.ends_with(b"\n") {
            haul.gap_with(GapReason::Truncated, path, "it has no end, and its program is not there");
        }
    }
    if entry.hidden {
        trace.state = State::Remnant;
    }
    Some(trace)
}

/// `DBusActivatable`: an application without `Exec` is whole (Desktop Entry Specification 1.5).
fn started_by_bus(bytes: &[u8]) -> bool {
    let entries = keyfile::entries(bytes).records;
    keyfile::get(&entries, GROUP, "DBusActivatable") == Some(b"true")
}
