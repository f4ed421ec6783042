//! System extensions: filters of the network, watchers of files and drivers that applications bring along, by the database
//! in which macOS keeps them, and by the folders that it copies them to.
//! Database: <https://github.com/osquery/osquery/blob/master/osquery/tables/system/darwin/system_extensions.mm> reads it
//! too; states as `systemextensionsctl list` shows them.

use std::collections::BTreeSet;

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, Image, ItemKind, Looked, Place, Scheme,
    Signer, State, Trace, Trust, Version, Wanted,
};
use crate::parse::plist::{self, Value};
use crate::sources::{About, Haul, Outcome, Source};

use super::{bundle_info, programs};

/// The source `system-extensions`.
pub struct SystemExtensions;

const FOLDER: &str = "/Library/SystemExtensions";
const DATABASE: &str = "db.plist";
/// Endings of bundles that are copied there.
const BUNDLES: &[&[u8]] = &[b".systemextension", b".dext"];
/// Real databases have some ten kilobytes.
const LIMIT: u64 = 4 << 20;
/// Extensions that are read; a Mac with many has ten.
const MAX_EXTENSIONS: usize = 10_000;
/// Letters of a text that are kept.
const MAX_TEXT: usize = 512;

static ABOUT: About = About {
    name: "system-extensions",
    summary: "system extensions by the database of macOS and by their folders, and those that a policy allows",
    families: &[Family::Macos],
    yields: &[(ItemKind::Driver, &[State::Installed, State::Present, State::Remnant])],
    fields: &[Field::Name, Field::Signer, Field::Identifier, Field::Path, Field::Version],
    ..About::USUAL
};

impl Source for SystemExtensions {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let folder = HostPath::from(FOLDER);
        let folders = match host.files().list(&folder) {
            Ok(entries) => entries.into_iter().filter(|entry| entry.kind == Kind::Folder),
            Err(Miss::Absent) => {
                return Outcome::NotApplicable("there is no folder of system extensions".to_owned());
            }
            Err(miss) => {
                haul.miss(&folder, &miss);
                return Outcome::Read;
            }
        };
        let mut reading = Reading { host, want, files: host.files(), haul, told: BTreeSet::new() };
        let has_database = reading.database(&folder.join(DATABASE));
        let mut copies = false;
        for entry in folders {
            copies |= reading.copies(&folder.join(&entry.name));
        }
        if copies && !has_database {
            let place = folder.join(DATABASE);
            reading.haul.gap_with(GapReason::Missing, &place, "extensions are here, their database is not");
        }
        Outcome::Read
    }
}

/// A reading under way.
struct Reading<'a> {
    host: &'a dyn Host,
    want: &'a Wanted,
    files: &'a dyn Files,
    haul: &'a mut Haul,
    /// Bundles that the database has.
    told: BTreeSet<HostPath>,
}

impl Reading<'_> {
    /// Brings an extension. Who signed its program is worth more than the team that the database claims.
    fn push(&mut self, mut trace: Trace) {
        programs::tell(self.host, self.want, &mut trace, self.haul);
        self.haul.push(trace);
    }

    /// Whether there is one.
    fn database(&mut self, path: &HostPath) -> bool {
        let bytes = match self.files.read(path, LIMIT) {
            Ok(bytes) => bytes,
            Err(Miss::Absent) => return false,
            Err(miss) => {
                self.haul.miss(path, &miss);
                return true;
            }
        };
        let list = match plist::read(&bytes) {
            Ok(list) => list,
            Err(fault) => {
                self.haul.faults(path, &[fault]);
                return true;
            }
        };
        let Some(extensions @ Value::Array(_)) = list.get("extensions") else {
            self.haul.gap_with(GapReason::Malformed, path, "no list of extensions in it");
            return true;
        };
        if extensions.items().len() > MAX_EXTENSIONS {
            self.haul.gap_with(GapReason::Budget, path, format!("more than {MAX_EXTENSIONS} extensions"));
        }
        for extension in extensions.items().iter().take(MAX_EXTENSIONS) {
            self.extension(path, extension);
        }
        self.policies(path, list.get("extensionPolicies"));
        true
    }

    fn extension(&mut self, path: &HostPath, extension: &Value) {
        let Some(id) = text(extension, "identifier") else {
            return self.haul.gap_with(GapReason::Malformed, path, "an extension without an identifier");
        };
        let place = Place::record(path.clone(), format!("extension {id}"));
        let bundle = self.bundle(extension, id);
        let gone = bundle.as_ref().is_some_and(|bundle| {
            self.told.insert(bundle.clone());
            self.files.stat(bundle).is_err_and(|miss| miss == Miss::Absent)
        });
        let left = gone || text(extension, "state").is_some_and(|state| state.contains("uninstall"));
        let mut trace = bundle_info::driver(id, if left { State::Remnant } else { State::Installed }, place);
        trace.version = version(extension);
        trace.signer = signer(text(extension, "teamID"));
        trace.image = bundle.as_ref().and_then(|bundle| self.program(bundle, id));
        // The copy's folder is called by a number, which is another on every Mac; where it was copied from is the same.
        let origin = text(extension, "originPath").filter(|path| path.starts_with('/')).map(HostPath::from);
        trace.path = origin.or(bundle);
        self.push(trace);
    }

    /// Where its copy lies: `<folder>/<its number>/<identifier>.systemextension`.
    fn bundle(&self, extension: &Value, id: &str) -> Option<HostPath> {
        let number = text(extension, "uniqueID").filter(|number| !number.contains('/'));
        let folder = HostPath::from(FOLDER).join(number?);
        let named = |ending: &&[u8]| folder.join([id.as_bytes(), ending].concat());
        let found = BUNDLES.iter().map(&named).find(|path| self.files.stat(path).is_ok());
        found.or_else(|| BUNDLES.first().map(named))
    }

    /// Its program, which is called by the identifier too; another name stands in the bundle's own list.
    fn program(&self, bundle: &HostPath, id: &str) -> Option<Image> {
        let places = [bundle.join("Contents/MacOS").join(id), bundle.join(id)];
        let is_file = |path: &HostPath| self.files.stat(path).is_ok_and(|stat| stat.kind == Kind::File);
        let found = places.into_iter().find(is_file);
        found.map(|path| Image { path, exists: Some(true) })
    }

    /// Extensions that a device management may load without asking: they outlive what they were allowed for.
    fn policies<'v>(&mut self, path: &HostPath, policies: Option<&'v Value>) {
        let allowed = policies.map(Value::items).unwrap_or_default().iter();
        let teams = allowed.filter_map(|policy| policy.get("allowedExtensions")).flat_map(Value::entries);
        let each = |(team, ids): &'v (String, Value)| ids.items().iter().map(move |id| (team, id));
        for (team, id) in teams.flat_map(each) {
            let Some(id) = id.text().filter(|id| is_sound(id)) else { continue };
            let place = Place::record(path.clone(), format!("policy for {id}"));
            let mut trace = bundle_info::driver(id, State::Remnant, place);
            trace.signer = signer(Some(team.as_str()).filter(|team| is_sound(team)));
            self.haul.push(trace);
        }
    }

    /// Bundles in a folder of copies that the database does not have; whether there is any bundle.
    fn copies(&mut self, folder: &HostPath) -> bool {
        let entries = self.haul.listed(folder, self.files.list(folder)).unwrap_or_default();
        let is_bundle = |name: &[u8]| BUNDLES.iter().any(|ending| name.ends_with(ending));
        let bundles =
            entries.into_iter().filter(|entry| entry.kind == Kind::Folder && is_bundle(&entry.name));
        let mut any = false;
        for entry in bundles {
            any = true;
            let bundle = folder.join(&entry.name);
            if self.told.contains(&bundle) || !self.haul.time_left() {
                continue;
            }
            let mut trace = bundle_info::read(self.files, &bundle, self.haul);
            if trace.state == State::Installed {
                trace.state = State::Present;
            }
            // macOS calls the folder by the identifier.
            if trace.identifiers.is_empty() {
                trace.identifiers.push(Identifier::new(IdentifierType::BundleId, trace.name.clone()));
            }
            self.push(trace);
        }
        any
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::text).map(str::trim).filter(|text| is_sound(text))
}

fn is_sound(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT
}

fn version(extension: &Value) -> Option<Version> {
    let bundle = extension.get("bundleVersion")?;
    let raw = text(bundle, "CFBundleShortVersionString").or_else(|| text(bundle, "CFBundleVersion"))?;
    Some(Version::new(raw, Scheme::Dotted))
}

/// The team that macOS noted when it took the extension in: a claim until the code itself is asked.
pub(super) fn signer(team: Option<&str>) -> Looked<Signer> {
    let signer = |team: &str| Signer {
        name: team.to_owned(),
        team_id: Some(team.to_owned()),
        trust: Trust::Unchecked,
    };
    team.map_or(Looked::NotLooked, |team| Looked::Some(signer(team)))
}

#[cfg(test)]
#[path = "system_extensions_tests.rs"]
mod tests;
