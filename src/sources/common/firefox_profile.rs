//! The add-ons of one profile of Firefox: what `extensions.json` knows, and what lies in `extensions` and it does not know.
//!
//! Called by `firefox_extensions`, also for folders of add-ons that belong to no profile. An add-on that is switched off is
//! installed; a record whose package is gone is a leftover; a package without a record is there all the same.

use crate::host::{Host, Kind, Miss};
use crate::model::{
    GapReason, HostPath, ItemKind, Means, Place, Recorded, Scheme, Scope, Stamp, State, Trace, Version,
};
use crate::parse::firefox_addons::{self, Addon, Addons};
use crate::parse::web_extension;
use crate::parse::zip::{Archive, Entry};
use crate::sources::Haul;

use super::browsers::whole_path;
use super::extension_folder::{Told, identify, look, named};
use super::extension_policies::is_there;

/// Packages of one folder that are read.
const PACKAGES: usize = 5_000;
/// A file that is no package may hold the path of a folder.
const POINTER_LIMIT: u64 = 64 << 10;

/// Whose add-ons are read.
pub(super) struct Profile<'h> {
    pub(super) host: &'h dyn Host,
    pub(super) scope: &'h Scope,
}

/// What only a profile with add-ons has.
pub(super) const PROFILE: &[&str] = &["extensions.json", "extensions"];

impl Profile<'_> {
    /// Reads a profile.
    pub(super) fn read(&self, folder: &HostPath, haul: &mut Haul) {
        if !haul.time_left() {
            return;
        }
        let place = folder.join("extensions.json");
        let extensions = folder.join("extensions");
        let mut seen = Vec::new();
        let record = self.record(&place, haul).unwrap_or_default();
        if record.more {
            haul.gap_with(GapReason::Malformed, &place, "add-ons without an id, or more than are read");
        }
        for addon in record.addons {
            seen.extend(self.addon(addon, &extensions, &place, haul));
            if !haul.time_left() {
                return;
            }
        }
        self.unknown(&extensions, &seen, haul);
    }

    /// Add-ons in a folder of which nothing keeps a record.
    pub(super) fn packages(&self, folder: &HostPath, haul: &mut Haul) {
        self.unknown(folder, &[], haul);
    }

    fn record(&self, place: &HostPath, haul: &mut Haul) -> Option<Addons> {
        let read = self.host.files().read(place, firefox_addons::MAX_INPUT as u64);
        match firefox_addons::addons(&haul.optional(place, read)?) {
            Ok(record) => Some(record),
            Err(what) => {
                haul.gap_with(GapReason::Malformed, place, what);
                None
            }
        }
    }

    /// One add-on of the record. Its package, where it has one in the profile.
    fn addon(
        &self,
        addon: Addon,
        extensions: &HostPath,
        place: &HostPath,
        haul: &mut Haul,
    ) -> Option<HostPath> {
        let location = addon.location.as_deref().unwrap_or_default();
        // Built into the browser's own file: that is the browser.
        if addon.path.is_none() && location.starts_with("app-builtin") {
            haul.count_record();
            return None;
        }
        // The record names the path that the browser saw, which is another in a sandbox or on a moved disk.
        let written = addon.path.as_deref().and_then(|path| whole_path(self.host, path));
        let own = [extensions.join(format!("{}.xpi", addon.id)), extensions.join(&addon.id)];
        let own = own.into_iter().filter(|_| !addon.id.contains('/'));
        let found = own.chain(written).find(|path| is_there(self.host.files(), path, haul));
        let state = if found.is_some() { State::Installed } else { State::Remnant };
        let at = Place::record(place.clone(), format!("add-on {}", addon.id));
        let mut trace = self.trace(&addon.id, state, at);
        remembered(&mut trace, addon);
        trace.path.clone_from(&found);
        haul.push(trace);
        found
    }

    fn trace(&self, id: &str, state: State, place: Place) -> Trace {
        let mut trace = Trace::new(ItemKind::Extension, id, state, place);
        trace.scope = self.scope.clone();
        identify(&mut trace, id);
        trace
    }

    /// What lies in a folder of add-ons and was not seen yet.
    fn unknown(&self, folder: &HostPath, seen: &[HostPath], haul: &mut Haul) {
        let listed = haul.optional(folder, self.host.files().list(folder)).unwrap_or_default();
        if listed.len() > PACKAGES {
            haul.gap_with(GapReason::Budget, folder, format!("more than {PACKAGES} files in one folder"));
        }
        for entry in listed.into_iter().take(PACKAGES) {
            let path = folder.join(&entry.name);
            if seen.contains(&path) || !haul.time_left() {
                continue;
            }
            let name = path.file_name_text();
            match (entry.kind, name.strip_suffix(".xpi")) {
                (Kind::File | Kind::Link, Some(id)) => self.package(id, &path, haul),
                (Kind::Folder | Kind::Link, _) if !["staged", "trash"].contains(&name.as_str()) => {
                    self.unpacked(&name, &path, Place::file(path.clone()), haul);
                }
                (Kind::File, None) if name.contains('@') || name.starts_with('{') => {
                    self.pointer(&name, &path, haul);
                }
                _ => {}
            }
        }
    }

    /// A file that is called as an add-on and holds the path of its folder: how developers try theirs.
    fn pointer(&self, id: &str, file: &HostPath, haul: &mut Haul) {
        let Some(bytes) = haul.listed(file, self.host.files().read(file, POINTER_LIMIT)) else { return };
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        if let Some(path) = whole_path(self.host, &text) {
            self.registered(id, Some(path), file, haul);
        }
    }

    /// An add-on that a program registered: a package or a folder that lies anywhere.
    pub(super) fn registered(&self, id: &str, path: Option<HostPath>, place: &HostPath, haul: &mut Haul) {
        let at = Place::record(place.clone(), format!("add-on {id}"));
        let there = path.filter(|path| is_there(self.host.files(), path, haul));
        let Some(path) = there else { return haul.push(self.trace(id, State::Remnant, at)) };
        let is_folder = self.host.files().stat(&path).is_ok_and(|stat| stat.kind == Kind::Folder);
        if is_folder {
            self.unpacked(id, &path, at, haul);
        } else {
            self.package(id, &path, haul);
        }
    }

    /// An add-on that lies unpacked; a folder with nothing of one in it is left over.
    fn unpacked(&self, id: &str, folder: &HostPath, place: Place, haul: &mut Haul) {
        let files = self.host.files();
        let mut trace = self.trace(id, State::Present, place);
        trace.path = Some(folder.clone());
        if let Some(told) = look(files, folder, None, haul) {
            told.tell(&mut trace);
            return haul.push(trace);
        }
        let rdf = folder.join("install.rdf");
        match files.read(&rdf, web_extension::MAX_INPUT as u64) {
            Ok(bytes) => old(&mut trace, &rdf, &bytes, haul),
            Err(Miss::Absent) => trace.state = State::Remnant,
            Err(miss) => haul.miss(&rdf, &miss),
        }
        haul.push(trace);
    }

    /// A package, by what is in it; one that cannot be read keeps the name of its file.
    fn package(&self, id: &str, path: &HostPath, haul: &mut Haul) {
        let mut trace = self.trace(id, State::Present, Place::file(path.clone()));
        trace.path = Some(path.clone());
        if let Some(file) = haul.listed(path, self.host.files().open(path)) {
            match Archive::open(&*file) {
                Ok(archive) => opened(&mut trace, &archive, path, haul),
                Err(what) => haul.gap_with(GapReason::Malformed, path, what),
            }
        }
        haul.push(trace);
    }
}

/// What the record adds to the id.
fn remembered(trace: &mut Trace, addon: Addon) {
    if let Some(name) = addon.name {
        trace.name = name;
    }
    trace.publisher = addon.creator;
    trace.version = addon.version.map(|version| Version::new(version, Scheme::Dotted));
    if let Some(value) = addon.installed.and_then(Stamp::from_unix) {
        trace.recorded_at = Recorded { value: Some(value), means: Means::Installed };
    }
    trace.last_update = addon.updated.and_then(Stamp::from_unix);
}

/// What an opened package says of itself.
fn opened(trace: &mut Trace, archive: &Archive<'_>, path: &HostPath, haul: &mut Haul) {
    let Some(bytes) = unpack(archive, "manifest.json", path, haul) else {
        match unpack(archive, "install.rdf", path, haul) {
            Some(bytes) => old(trace, path, &bytes, haul),
            None => haul.gap_with(GapReason::Malformed, path, "a package without a manifest"),
        }
        return;
    };
    let manifest = match web_extension::manifest(&bytes) {
        Ok(manifest) => manifest,
        Err(what) => return haul.gap_with(GapReason::Malformed, path, what),
    };
    if let Some(id) = &manifest.id {
        also(trace, id);
    }
    let mut texts = |locale: &str, haul: &mut Haul| {
        let name = format!("_locales/{locale}/messages.json");
        Some((path.clone(), unpack(archive, &name, path, haul)?))
    };
    let told: Told = named(manifest, None, path, &mut texts, haul);
    told.tell(trace);
}

/// An add-on from before 2017.
fn old(trace: &mut Trace, place: &HostPath, bytes: &[u8], haul: &mut Haul) {
    match firefox_addons::install_rdf(bytes) {
        Ok(addon) => {
            also(trace, &addon.id);
            remembered(trace, addon);
        }
        Err(what) => haul.gap_with(GapReason::Malformed, place, what),
    }
}

/// The id that an add-on gives itself, where its file is called otherwise.
fn also(trace: &mut Trace, id: &str) {
    if !trace.identifiers.iter().any(|known| known.value == id) {
        identify(trace, id);
    }
}

/// A file of a package.
fn unpack(archive: &Archive<'_>, name: &str, path: &HostPath, haul: &mut Haul) -> Option<Vec<u8>> {
    let mut found: Option<Entry> = None;
    let walked = archive.entries(&mut |entry| {
        let is_it = entry.name == name;
        if is_it {
            found = Some(entry);
        }
        !is_it
    });
    if let Err(what) = walked {
        haul.gap_with(GapReason::Malformed, path, what);
    }
    match archive.read(&found?, web_extension::MAX_INPUT) {
        Ok(bytes) => Some(bytes),
        Err(what) => {
            haul.gap_with(GapReason::Malformed, path, format!("{name}: {what}"));
            None
        }
    }
}
