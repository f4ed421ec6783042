//! Kernel extensions: those of the machine and of the system that Apple did not make, the copies from which macOS loads
//! them, and its record of whose were allowed and loaded.
//! Folders: kmutil(8), `kext_tools` of Apple's open sources.

use std::collections::BTreeSet;

use crate::host::{Files, Host, Kind, Miss, WalkNext, Walked};
use crate::model::{
    Family, Field, GapReason, HostPath, ItemKind, Looked, Place, Signer, State, Trace, Trust, Wanted,
};
use crate::parse::kext_policy::{self, Record};
use crate::sources::{About, Haul, Outcome, Source, database};

use super::{bundle_info, programs};

/// The source `kexts`.
pub struct Kexts;

/// The system's own; others lay there too before it was sealed.
const SYSTEM: &str = "/System/Library/Extensions";
const MACHINE: &[&str] = &["/Library/Extensions", "/Library/DriverExtensions"];
/// Copies, each below here at the path of what was copied.
const STAGED: &str = "/Library/StagedExtensions";
const POLICY: &str = "/private/var/db/SystemPolicyConfiguration/KextPolicy";
/// Those of the kernel, and of `DriverKit`, which run beside it.
const ENDINGS: &[&[u8]] = &[b".kext", b".dext"];
/// Apple's own make no items: there are some seven hundred, the same on every Mac of a version.
const APPLE: &str = "com.apple.";
/// Extensions inside an extension, and so on.
const MAX_DEPTH: usize = 4;
/// Files and folders of copies that are walked over.
const MAX_ENTRIES: usize = 100_000;
/// Bundles that are read.
const MAX_BUNDLES: usize = 10_000;

static ABOUT: About = About {
    name: "kexts",
    summary: "kernel extensions that are not Apple's, and the record of those that were allowed or loaded",
    families: &[Family::Macos],
    yields: &[(ItemKind::Driver, &[State::Installed, State::Present, State::Remnant, State::Historic])],
    fields: &[Field::Name, Field::Publisher, Field::Signer, Field::Identifier, Field::Path, Field::Version],
    ..About::USUAL
};

impl Source for Kexts {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut reading = Reading { host, want, files: host.files(), haul, bundles: 0 };
        for folder in [SYSTEM].iter().chain(MACHINE) {
            reading.folder(&(*folder).into(), 0);
        }
        reading.staged();
        reading.policy();
        Outcome::Read
    }
}

/// A reading under way.
struct Reading<'a> {
    host: &'a dyn Host,
    want: &'a Wanted,
    files: &'a dyn Files,
    haul: &'a mut Haul,
    bundles: usize,
}

impl Reading<'_> {
    fn folder(&mut self, folder: &HostPath, depth: usize) {
        let entries = self.haul.optional(folder, self.files.list(folder)).unwrap_or_default();
        for entry in entries.into_iter().filter(|entry| is_kext(&entry.name) && entry.kind != Kind::File) {
            let bundle = folder.join(&entry.name);
            if !self.haul.time_left() || !self.room(&bundle) {
                return;
            }
            if entry.kind == Kind::Link && self.files.stat(&bundle).is_err_and(|miss| miss == Miss::Absent) {
                // What a removal left.
                let name = bundle.file_name_text();
                let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
                self.haul.push(Trace::new(
                    ItemKind::Driver,
                    stem,
                    State::Remnant,
                    Place::file(bundle.clone()),
                ));
                continue;
            }
            let trace = bundle_info::read(self.files, &bundle, self.haul);
            let is_apples = trace.name.starts_with(APPLE) && bundle.is_within(&SYSTEM.into());
            if is_apples {
                self.haul.count_record();
                continue;
            }
            self.push(trace);
            if depth < MAX_DEPTH {
                self.folder(&bundle.join("Contents/PlugIns"), depth + 1);
            }
        }
    }

    fn push(&mut self, mut trace: Trace) {
        programs::tell(self.host, self.want, &mut trace, self.haul);
        self.haul.push(trace);
    }

    fn room(&mut self, bundle: &HostPath) -> bool {
        self.bundles += 1;
        if self.bundles > MAX_BUNDLES {
            self.haul.gap_with(
                GapReason::Budget,
                bundle,
                format!("more than {MAX_BUNDLES} kernel extensions"),
            );
        }
        self.bundles <= MAX_BUNDLES
    }

    /// A copy whose original is gone is left behind.
    fn staged(&mut self) {
        let (mut bundles, mut missed, mut entries) = (BTreeSet::new(), Vec::new(), 0_usize);
        let walked = self.files.walk(&STAGED.into(), &mut |step| {
            entries += 1;
            match step {
                _ if entries > MAX_ENTRIES => return WalkNext::Stop,
                Walked::Seen { path, stat } if stat.kind == Kind::Folder && is_kext(path.file_name()) => {
                    bundles.insert(path);
                    return WalkNext::Skip;
                }
                Walked::Seen { .. } => {}
                Walked::Missed(path, miss) => missed.push((path, miss)),
            }
            WalkNext::On
        });
        self.haul.optional(&STAGED.into(), walked);
        for (path, miss) in missed {
            self.haul.miss(&path, &miss);
        }
        if entries > MAX_ENTRIES {
            let detail = format!("more than {MAX_ENTRIES} files of copies");
            self.haul.gap_with(GapReason::Budget, &STAGED.into(), detail);
        }
        for bundle in bundles {
            if !self.haul.time_left() || !self.room(&bundle) {
                return;
            }
            let original = bundle.as_bytes().strip_prefix(STAGED.as_bytes()).map(HostPath::new);
            let gone =
                original.is_some_and(|path| self.files.stat(&path).is_err_and(|miss| miss == Miss::Absent));
            let mut trace = bundle_info::read(self.files, &bundle, self.haul);
            if gone {
                trace.state = State::Remnant;
            } else if trace.state == State::Installed {
                trace.state = State::Present;
            }
            self.push(trace);
        }
    }

    /// Nothing of the record counts: who was allowed or loaded need not be here any more.
    fn policy(&mut self) {
        let path = HostPath::from(POLICY);
        let found = match database::read(self.files, &path, kext_policy::records) {
            Ok(found) => found,
            Err(Miss::Absent) => return,
            Err(miss) => return self.haul.minor(miss.reason(), &path, "the record of what was allowed"),
        };
        for fault in &found.faults {
            self.haul.minor(GapReason::Malformed, &path, fault.to_string());
        }
        for record in found.records {
            let trace = of_record(&path, record);
            self.haul.push(trace);
        }
    }
}

fn of_record(path: &HostPath, record: Record) -> Trace {
    let state = match record.kind {
        kext_policy::Kind::Asked | kext_policy::Kind::Managed => State::Remnant,
        kext_policy::Kind::Loaded => State::Historic,
    };
    let name = record.bundle_id.as_ref().or(record.team_id.as_ref()).cloned().unwrap_or_default();
    let place = Place::record(path.clone(), format!("{name}, {}", kind_words(record.kind)));
    let mut trace = match &record.bundle_id {
        Some(id) => bundle_info::driver(id, state, place),
        // All that a team may sign.
        None => Trace::new(ItemKind::Driver, name, state, place),
    };
    let team = |team: String| Signer {
        name: record.developer.clone().unwrap_or_else(|| team.clone()),
        team_id: Some(team),
        trust: Trust::Unchecked,
    };
    trace.signer = record.team_id.map_or(Looked::NotLooked, |id| Looked::Some(team(id)));
    trace.publisher = record.developer;
    trace.path = record.path.filter(|path| path.starts_with('/')).map(HostPath::new);
    trace
}

fn kind_words(kind: kext_policy::Kind) -> &'static str {
    match kind {
        kext_policy::Kind::Asked => "asked of a user",
        kext_policy::Kind::Managed => "allowed by management",
        kext_policy::Kind::Loaded => "loaded once",
    }
}

fn is_kext(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

#[cfg(test)]
#[path = "kexts_tests.rs"]
mod tests;
