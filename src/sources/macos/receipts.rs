//! Receipts: what Apple's installer wrote down of each package, and the history of installations.
//!
//! A receipt stays when somebody drags the application into the bin. So its bill of materials is asked what was installed,
//! and the state says whether any of it is still there: installed, or a remnant; of a package that held scripts only the
//! receipt is history. Where the bill cannot be read the record's word counts. pkgutil(1), bom(5), installer(8).

use std::collections::{BTreeMap, BTreeSet};

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Place, Recorded, Scheme, State,
    Trace, Version, Wanted, set_of,
};
use crate::parse::bom;
use crate::parse::plist::{self, Value};
use crate::sources::{About, Haul, Outcome, Source};

use super::bundle::{has_ending, text};

/// The source `receipts`.
pub struct Receipts;

/// Where the installer keeps them since Mac OS X 10.6; every Mac has that folder.
const FOLDER: &str = "/private/var/db/receipts";
/// Those of the system itself.
const OF_SYSTEM: &[&str] = &["/System/Library/Receipts", "/Library/Apple/System/Library/Receipts"];
/// Where they were before, as bundles, and where the history is.
const OLD: &str = "/Library/Receipts";
const HISTORY: &str = "/Library/Receipts/InstallHistory.plist";
/// Real receipts have a kilobyte.
const LIMIT: u64 = 1 << 20;
const BOM_LIMIT: u64 = 32 << 20;
const HISTORY_LIMIT: u64 = 16 << 20;
/// Receipts that are read; a Mac of many years has some hundred.
const RECEIPTS: usize = 20_000;
/// Installations of the history that are told.
const EVENTS: usize = 10_000;
/// Files of a package that are looked for until one is there.
const LOOKED_FOR: usize = 400;
/// Folders that programs lie in: where a package holds any of those, what else it left behind does not count.
const PROGRAMS: &[&[u8]] = &[b"MacOS", b"bin", b"sbin", b"libexec"];

static ABOUT: About = About {
    name: "receipts",
    summary: "packages of Apple's installer, by their receipts and the history of installations",
    families: &[Family::Macos],
    yields: &[(ItemKind::Package, &[State::Installed, State::Remnant, State::Historic])],
    fields: &[Field::Name, Field::Version, Field::Identifier],
    install_record: true,
    ..About::USUAL
};

impl Source for Receipts {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let files = host.files();
        let mut known = BTreeSet::new();
        let folder = HostPath::from(FOLDER);
        match files.list(&folder) {
            Err(miss @ Miss::Absent) => haul.miss(&folder, &miss),
            _ => receipts(files, &folder, &mut known, haul),
        }
        for folder in OF_SYSTEM {
            receipts(files, &(*folder).into(), &mut known, haul);
        }
        old(files, &mut known, haul);
        history(files, &known, haul);
        Outcome::Read
    }
}

/// A record of a package.
struct Receipt {
    place: HostPath,
    id: String,
    version: Option<String>,
    /// Seconds since 1970 of the last installation.
    date: Option<i64>,
    /// Where the paths of the bill begin.
    prefix: HostPath,
    bom: HostPath,
}

fn receipts(files: &dyn Files, folder: &HostPath, known: &mut BTreeSet<String>, haul: &mut Haul) {
    let entries = haul.optional(folder, files.list(folder)).unwrap_or_default();
    let names =
        entries.iter().filter(|entry| has_ending(&entry.name, "plist") || has_ending(&entry.name, "bom"));
    let stems: BTreeSet<&[u8]> = set_of(names.filter_map(|entry| stem(&entry.name)));
    for stem in stems {
        let base = folder.join(stem);
        if known.len() >= RECEIPTS || !haul.time_left() {
            return haul.gap_with(
                GapReason::Budget,
                &base,
                format!("more than {RECEIPTS} receipts, or no time left"),
            );
        }
        let path = |ending: &str| HostPath::new([base.as_bytes(), ending.as_bytes()].concat());
        let (place, bom) = (path(".plist"), path(".bom"));
        let dict = dict(files, &place, LIMIT, haul);
        let say = |key: &str, haul: &mut Haul| text(dict.as_ref()?, key, &place, haul);
        let receipt = Receipt {
            id: say("PackageIdentifier", haul).unwrap_or_else(|| base.file_name_text()),
            version: say("PackageVersion", haul),
            date: dict.as_ref().and_then(|dict| dict.get("InstallDate")?.date()),
            prefix: prefix(say("InstallPrefixPath", haul)),
            bom,
            place,
        };
        known.insert(receipt.id.clone());
        push(files, receipt, haul);
    }
}

/// The folder that a prefix names: it is written with a slash before it and without.
fn prefix(text: Option<String>) -> HostPath {
    let text = text.unwrap_or_default();
    HostPath::from("/").join(text.trim_start_matches("./"))
}

fn stem(name: &[u8]) -> Option<&[u8]> {
    let at = name.iter().rposition(|byte| *byte == b'.')?;
    name.get(..at)
}

/// The dictionary in a file; one that is not there is none, and no gap.
fn dict(files: &dyn Files, place: &HostPath, limit: u64, haul: &mut Haul) -> Option<Value> {
    let bytes = haul.optional(place, files.read(place, limit))?;
    match plist::read(&bytes) {
        Ok(value @ Value::Dict(_)) => return Some(value),
        Ok(_) => haul.gap_with(GapReason::Malformed, place, "no dictionary"),
        Err(fault) => haul.faults(place, &[fault]),
    }
    None
}

/// Packages as receipts of Mac OS X 10.5 and before.
fn old(files: &dyn Files, known: &mut BTreeSet<String>, haul: &mut Haul) {
    let folder = HostPath::from(OLD);
    let entries = haul.optional(&folder, files.list(&folder)).unwrap_or_default();
    let bundles = entries.iter().filter(|entry| has_ending(&entry.name, "pkg") && entry.kind == Kind::Folder);
    for entry in bundles.take(RECEIPTS) {
        let bundle = folder.join(&entry.name);
        let info = bundle.join("Contents/Info.plist");
        let dict = dict(files, &info, LIMIT, haul);
        let say = |key: &str, haul: &mut Haul| text(dict.as_ref()?, key, &info, haul);
        let place = say("IFPkgRelocatedPath", haul).or_else(|| say("IFPkgFlagDefaultLocation", haul));
        let receipt = Receipt {
            id: say("CFBundleIdentifier", haul).unwrap_or_else(|| bundle.file_name_text()),
            version: say("CFBundleShortVersionString", haul).or_else(|| say("CFBundleVersion", haul)),
            date: None,
            prefix: prefix(place),
            bom: bundle.join("Contents/Archive.bom"),
            place: bundle,
        };
        known.insert(receipt.id.clone());
        push(files, receipt, haul);
    }
}

fn push(files: &dyn Files, receipt: Receipt, haul: &mut Haul) {
    let state = state(files, &receipt, haul);
    let mut trace = Trace::new(ItemKind::Package, receipt.id.clone(), state, Place::file(receipt.place));
    trace.version = receipt.version.map(|raw| Version::new(raw, Scheme::Dotted));
    trace.identifiers.push(Identifier::new(IdentifierType::BundleId, receipt.id));
    trace.recorded_at = receipt.date.map(Recorded::serviced).unwrap_or_default();
    haul.push(trace);
}

/// Whether what a package installed is still there. What cannot be told is installed, as the record says: a bill that cannot
/// be read hides nothing.
fn state(files: &dyn Files, receipt: &Receipt, haul: &mut Haul) -> State {
    let bytes = match files.read(&receipt.bom, BOM_LIMIT) {
        Ok(bytes) => bytes,
        Err(Miss::Absent) => return State::Installed,
        Err(miss) => {
            haul.minor(miss.reason(), &receipt.bom, miss.detail().unwrap_or_default());
            return State::Installed;
        }
    };
    let bill = bom::read(&bytes);
    if let Some(fault) = bill.faults.first() {
        haul.minor(GapReason::Malformed, &receipt.bom, fault.to_string());
        return State::Installed;
    }
    let listed: Vec<&[u8]> =
        bill.records.iter().filter(|one| one.kind != bom::Kind::Folder).map(|one| &*one.path).collect();
    let is_program = |path: &&&[u8]| path.split(|byte| *byte == b'/').any(|part| PROGRAMS.contains(&part));
    let programs: Vec<&[u8]> = listed.iter().filter(is_program).copied().collect();
    let asked = if programs.is_empty() { listed } else { programs };
    if asked.is_empty() {
        return State::Historic;
    }
    let step = asked.len().div_ceil(LOOKED_FOR);
    let mut asked = asked.iter().step_by(step);
    let gone = |path: &&[u8]| {
        matches!(files.stat(&receipt.prefix.join(path)), Err(Miss::Absent | Miss::NotAFile(_)))
    };
    if asked.all(gone) { State::Remnant } else { State::Installed }
}

/// Installations of packages that left no receipt. The history can hide nothing that counts: its gaps are minor.
fn history(files: &dyn Files, known: &BTreeSet<String>, haul: &mut Haul) {
    let place = HostPath::from(HISTORY);
    let bytes = match files.read(&place, HISTORY_LIMIT) {
        Ok(bytes) => bytes,
        Err(Miss::Absent) => return,
        Err(miss) => return haul.minor(miss.reason(), &place, miss.detail().unwrap_or_default()),
    };
    let value = match plist::read(&bytes) {
        Ok(value) => value,
        Err(fault) => return haul.minor(GapReason::Malformed, &place, fault.to_string()),
    };
    // The last installation of each package.
    let mut last: BTreeMap<String, (Option<i64>, Option<String>)> = BTreeMap::new();
    for event in value.items() {
        let ids = event.get("packageIdentifiers").map(Value::items).unwrap_or_default();
        let ids: Vec<String> = ids.iter().filter_map(Value::text).map(str::to_owned).collect();
        let named = if ids.is_empty() { text(event, "displayName", &place, haul) } else { None };
        let (date, version) =
            (event.get("date").and_then(Value::date), text(event, "displayVersion", &place, haul));
        for id in ids.into_iter().chain(named).filter(|id| !known.contains(id)) {
            if last.len() >= EVENTS && !last.contains_key(&id) {
                haul.minor(GapReason::Budget, &place, format!("more than {EVENTS} packages"));
                break;
            }
            let one = last.entry(id).or_default();
            if date >= one.0 {
                *one = (date, version.clone());
            }
        }
    }
    for (id, (date, version)) in last {
        let place = Place::record(place.clone(), format!("package {id}"));
        let mut trace = Trace::new(ItemKind::Package, id.clone(), State::Historic, place);
        trace.version = version.map(|raw| Version::new(raw, Scheme::Dotted));
        trace.identifiers.push(Identifier::new(IdentifierType::BundleId, id));
        trace.recorded_at = date.map(Recorded::serviced).unwrap_or_default();
        haul.push(trace);
    }
}

#[cfg(test)]
#[path = "receipts_tests.rs"]
mod tests;
