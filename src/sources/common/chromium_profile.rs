//! The extensions of one profile of a Chromium browser: what its preferences know, what lies in `Extensions`, and what
//! lies elsewhere because somebody develops it there.
//!
//! Called by `chromium_extensions`. An id in the preferences whose folder is gone is a leftover; a folder that the
//! preferences do not know is there all the same; one that is switched off is installed. Parts of the browser itself
//! (locations 5 and 10) have a name here only where they have a folder: what is built into the browser's own file is the
//! browser.

use std::collections::BTreeMap;

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{
    GapReason, HostPath, ItemKind, Means, Place, Recorded, Scheme, Scope, Stamp, State, Trace, User, Version,
};
use crate::parse::chromium_preferences::{self, Extension, Preferences};
use crate::sources::Haul;

use super::browsers::{DataFolder, path_in, whole_path};
use super::extension_folder::{identify, look};

/// Extensions of one profile that are looked at.
const EXTENSIONS: usize = 10_000;
/// Versions of one extension; a browser keeps one or two.
const VERSIONS: usize = 64;

/// Whose profiles are read.
pub(super) struct Browser<'h> {
    host: &'h dyn Host,
    files: &'h dyn Files,
    scope: Scope,
    language: Option<String>,
}

impl<'h> Browser<'h> {
    /// The browser of a data folder.
    pub(super) fn of(host: &'h dyn Host, user: &User, data: &DataFolder, haul: &mut Haul) -> Self {
        let mut browser = Self { host, files: host.files(), scope: Scope::User(user.n), language: None };
        if data.has("Local State") {
            let place = data.folder.join("Local State");
            // Only the language is read of it: what is damaged there hides no extension.
            let read = browser.files.open(&place);
            let state = haul.listed(&place, read).map(|file| chromium_preferences::preferences(&*file));
            match state {
                Some(Ok(state)) => browser.language = state.language,
                Some(Err(what)) => {
                    haul.minor(GapReason::Malformed, &place, format!("{what}: the language is not known"));
                }
                None => {}
            }
        }
        browser
    }
}

/// Where an extension lies.
enum Lies {
    At(HostPath),
    Gone,
    /// It cannot be seen; the gap is told.
    Hidden,
}

/// Reads a profile.
pub(super) fn profile(browser: &Browser<'_>, folder: &HostPath, haul: &mut Haul) {
    let (records, vouched) = preferences(browser, folder, haul);
    let mut ids: BTreeMap<String, Known> = BTreeMap::new();
    for (id, record) in records {
        ids.entry(id).or_default().record = Some(record);
    }
    let extensions = folder.join("Extensions");
    let entries = haul.optional(&extensions, browser.files.list(&extensions)).unwrap_or_default();
    // Packages are unpacked in `Temp` on their way.
    for entry in entries.iter().filter(|entry| entry.kind != Kind::File && entry.name != b"Temp") {
        let path = extensions.join(&entry.name);
        ids.entry(path.file_name_text()).or_default().folder = Some(path.clone());
    }
    // What the shop vouched for and nothing else knows any more is what was removed.
    for id in vouched {
        let record = || Known { record: Some(Record::new(folder.join("Preferences"))), folder: None };
        ids.entry(id).or_insert_with(record);
    }
    if ids.len() > EXTENSIONS {
        haul.gap_with(GapReason::Budget, folder, format!("more than {EXTENSIONS} extensions in one profile"));
    }
    for (id, known) in ids.into_iter().take(EXTENSIONS) {
        if !haul.time_left() {
            return;
        }
        one(browser, &extensions, &id, known, haul);
    }
}

/// What is known of one id.
#[derive(Default)]
struct Known {
    record: Option<Record>,
    /// Its folder in `Extensions`.
    folder: Option<HostPath>,
}

/// What a preferences file says of an extension.
struct Record {
    place: HostPath,
    extension: Extension,
}

impl Record {
    fn new(place: HostPath) -> Self {
        Self { place, extension: Extension::default() }
    }
}

/// What both files know. Where both know an extension, that with its folder counts: the other holds what is left of it.
fn preferences(
    browser: &Browser<'_>,
    folder: &HostPath,
    haul: &mut Haul,
) -> (BTreeMap<String, Record>, Vec<String>) {
    let mut records: BTreeMap<String, Record> = BTreeMap::new();
    let mut vouched = Vec::new();
    for name in ["Secure Preferences", "Preferences"] {
        let place = folder.join(name);
        let Some(found) = read(browser.files, &place, haul) else { continue };
        if found.more {
            haul.gap_with(GapReason::Budget, &place, "more extensions than are read");
        }
        for (id, extension) in found.extensions {
            let better = extension.path.is_some();
            if better || !records.contains_key(&id) {
                records.insert(id, Record { place: place.clone(), extension });
            }
        }
        vouched.extend(found.vouched);
    }
    (records, vouched)
}

fn read(files: &dyn Files, place: &HostPath, haul: &mut Haul) -> Option<Preferences> {
    let file = haul.optional(place, files.open(place))?;
    if file.size() > chromium_preferences::MAX_INPUT {
        let miss = Miss::TooLarge { size: file.size(), limit: chromium_preferences::MAX_INPUT };
        haul.miss(place, &miss);
        return None;
    }
    match chromium_preferences::preferences(&*file) {
        Ok(found) => Some(found),
        Err(what) => {
            haul.gap_with(GapReason::Malformed, place, what);
            None
        }
    }
}

fn one(browser: &Browser<'_>, extensions: &HostPath, id: &str, known: Known, haul: &mut Haul) {
    let extension = known.record.as_ref().map(|record| &record.extension);
    let lies = lies(browser, extensions, &known, haul);
    // Built into the browser's own file: that is the browser.
    if matches!(lies, Lies::Gone) && extension.is_some_and(Extension::is_component) {
        return haul.count_record();
    }
    let recorded = extension.and_then(|extension| extension.manifest.current_locale.clone());
    let language = recorded.or_else(|| browser.language.clone());
    let told = match &lies {
        Lies::At(folder) => look(browser.files, folder, language.as_deref(), haul),
        Lies::Gone | Lies::Hidden => None,
    };
    let state = state(&lies, extension, told.is_some());
    let place = match (&lies, &known.record) {
        (Lies::At(folder), _) if told.is_some() => Place::file(folder.join("manifest.json")),
        (_, Some(record)) => Place::record(record.place.clone(), format!("extension {id}")),
        (Lies::At(folder), None) => Place::file(folder.clone()),
        (_, None) => Place::file(known.folder.unwrap_or_else(|| extensions.clone())),
    };
    let mut trace = Trace::new(ItemKind::Extension, id, state, place);
    trace.scope = browser.scope.clone();
    identify(&mut trace, id);
    told.unwrap_or_default().tell(&mut trace);
    if let Lies::At(folder) = lies {
        let version = folder.file_name_text();
        if trace.version.is_none() && version.starts_with(|c: char| c.is_ascii_digit()) {
            let version = version.split('_').next().unwrap_or_default();
            trace.version = Some(Version::new(version, Scheme::Dotted));
        }
        trace.path = Some(folder);
    }
    if let Some(record) = known.record {
        remembered(&mut trace, record.extension);
    }
    haul.push(trace);
}

/// What the preferences add to what the extension tells of itself.
fn remembered(trace: &mut Trace, extension: Extension) {
    let id = trace.identifiers.first().map(|id| id.value.clone());
    let manifest = extension.manifest;
    let name = manifest.name.filter(|name| crate::parse::web_extension::message_key(name).is_none());
    if let Some(name) = name.filter(|_| id.as_ref() == Some(&trace.name)) {
        trace.name = name;
    }
    trace.publisher = trace.publisher.take().or(manifest.author);
    trace.version =
        trace.version.take().or(manifest.version.map(|version| Version::new(version, Scheme::Dotted)));
    if let Some(value) = extension.installed.and_then(Stamp::from_unix) {
        trace.recorded_at = Recorded { value: Some(value), means: Means::Installed };
    }
    trace.last_update = extension.updated.and_then(Stamp::from_unix);
}

/// What the preferences know and what lies there is installed; what only lies there is present.
fn state(lies: &Lies, extension: Option<&Extension>, has_manifest: bool) -> State {
    match (lies, extension) {
        (Lies::Gone, _) => State::Remnant,
        (_, Some(extension)) if extension.state != Some(2) => State::Installed,
        (Lies::At(_), None) if !has_manifest => State::Remnant,
        _ => State::Present,
    }
}

fn lies(browser: &Browser<'_>, extensions: &HostPath, known: &Known, haul: &mut Haul) -> Lies {
    let path = known.record.as_ref().and_then(|record| record.extension.path.as_deref());
    if let Some(folder) = path.and_then(|path| whole_path(browser.host, path)) {
        match browser.files.stat(&folder) {
            Ok(_) => return Lies::At(folder),
            Err(Miss::Absent | Miss::NotAFile(_)) => {}
            Err(miss) => {
                haul.miss(&folder, &miss);
                return Lies::Hidden;
            }
        }
    }
    let Some(folder) = &known.folder else { return Lies::Gone };
    let listed = match browser.files.list(folder) {
        Ok(listed) => listed,
        Err(Miss::Absent | Miss::NotAFile(_)) => return Lies::Gone,
        Err(miss) => {
            haul.miss(folder, &miss);
            return Lies::Hidden;
        }
    };
    if listed.len() > VERSIONS {
        haul.gap_with(GapReason::Budget, folder, format!("more than {VERSIONS} versions of one extension"));
    }
    let versions = listed.iter().filter(|entry| entry.kind != Kind::File).take(VERSIONS);
    let versions: Vec<HostPath> = versions.map(|entry| folder.join(&entry.name)).collect();
    let used =
        path.map(|path| path_in(browser.host, extensions, path)).filter(|used| versions.contains(used));
    match used.or_else(|| newest(versions)) {
        Some(version) => Lies::At(version),
        None => Lies::Gone,
    }
}

/// Folders of versions are called `1.10.2_0`: number by number.
fn newest(versions: Vec<HostPath>) -> Option<HostPath> {
    let numbers = |folder: &HostPath| -> Vec<u64> {
        folder.file_name_text().split(['.', '_']).map(|number| number.parse().unwrap_or(0)).collect()
    };
    versions.into_iter().max_by_key(numbers)
}
