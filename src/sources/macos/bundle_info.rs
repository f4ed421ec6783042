//! What the `Info.plist` of a bundle of code says that is loaded rather than started: kernel and system extensions.
//! Keys: "Bundle Resources" of Apple's documentation.
//!
//! Called by the sources `kexts` and `system-extensions`. Must not know whether the bundle is in use.

use crate::host::{Files, Miss};
use crate::model::{GapReason, HostPath, Identifier, IdentifierType, ItemKind, Place, Scheme, State};
use crate::model::{Trace, Version};
use crate::parse::plist::{self, Value};
use crate::sources::Haul;

use super::programs;

/// Real ones have some kilobytes; those of drivers with many devices some hundred.
const LIMIT: u64 = 4 << 20;
/// Letters of an identifier or version that are kept.
const MAX_TEXT: usize = 512;

/// A driver of this identifier.
pub(super) fn driver(id: &str, state: State, place: Place) -> Trace {
    let mut trace = Trace::new(ItemKind::Driver, id, state, place);
    trace.identifiers.push(Identifier::new(IdentifierType::BundleId, id));
    trace
}

/// The driver that a bundle is: in a folder `Contents`, or, as those for `DriverKit` are, right in the bundle's own. Where
/// nobody can read what it says of itself, the name of its folder is known; one that says nothing cannot be loaded.
pub(super) fn read(files: &dyn Files, bundle: &HostPath, haul: &mut Haul) -> Trace {
    let deep = bundle.join("Contents");
    let lists = [(deep.join("Info.plist"), deep.join("MacOS")), (bundle.join("Info.plist"), bundle.clone())];
    for (list, programs) in &lists {
        match files.read(list, LIMIT) {
            Ok(bytes) => return of_list(files, bundle, (list, programs), &bytes, haul),
            Err(Miss::Absent) => {}
            Err(miss) => {
                haul.miss(list, &miss);
                return unread(bundle, State::Installed);
            }
        }
    }
    unread(bundle, State::Remnant)
}

fn of_list(
    files: &dyn Files,
    bundle: &HostPath,
    (list, programs): (&HostPath, &HostPath),
    bytes: &[u8],
    haul: &mut Haul,
) -> Trace {
    let info = match plist::read(bytes) {
        Ok(info) => info,
        Err(fault) => {
            haul.faults(list, &[fault]);
            return unread(bundle, State::Installed);
        }
    };
    let text = |key: &str| info.get(key).and_then(Value::text).map(str::trim).filter(|text| !text.is_empty());
    let Some(id) = text("CFBundleIdentifier").filter(|id| id.len() <= MAX_TEXT) else {
        haul.gap_with(GapReason::Malformed, list, "no identifier in it");
        return unread(bundle, State::Installed);
    };
    let mut trace = driver(id, State::Installed, Place::file(list.clone()));
    let version = text("CFBundleShortVersionString").or_else(|| text("CFBundleVersion"));
    trace.version =
        version.filter(|text| text.len() <= MAX_TEXT).map(|text| Version::new(text, Scheme::Dotted));
    trace.path = Some(bundle.clone());
    // Some only name another for a device, and hold no code.
    trace.image = text("CFBundleExecutable").map(|name| programs::at(files, programs.join(name), haul));
    trace
}

/// By the name of its folder.
fn unread(bundle: &HostPath, state: State) -> Trace {
    let name = bundle.file_name_text();
    let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
    let mut trace = Trace::new(ItemKind::Driver, stem, state, Place::file(bundle.clone()));
    trace.path = Some(bundle.clone());
    trace
}
