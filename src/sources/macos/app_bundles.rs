//! Application bundles, wherever macOS and its users keep them, and the bundles of code inside and beside them: helpers,
//! extensions of Safari, plug-ins, input methods.
//!
//! Folders are listed, not whole trees walked: what lies in a bundle is looked for where Apple places code in it
//! ("Placing Content in a Bundle"). What is a program and no bundle is the source `executables`' to see.

use std::collections::HashSet;

use crate::host::{Entry, Files, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Looked, Place, Scheme, Scope,
    ScopeKind, State, Trace, Version, Wanted,
};
use crate::sources::{About, Haul, Outcome, Source};

use super::bundle::{self, Bundle, has_ending};
use super::bundle_places::{Area, areas, code_places};
use super::code;

/// The source `app-bundles`.
pub struct AppBundles;

/// Entries of folders that are looked at.
const ENTRIES: usize = 400_000;
/// Bundles that are opened; a Mac with all of Adobe's and Apple's programs has some ten thousand.
const BUNDLES: usize = 60_000;
/// Bundles within bundles.
const NESTED: usize = 5;
/// Endings of bundles that hold code, besides applications. Kernel and system extensions have sources of their own.
const CODE: &[&str] = &[
    "appex",
    "xpc",
    "framework",
    "plugin",
    "bundle",
    "prefpane",
    "qlgenerator",
    "mdimporter",
    "saver",
    "component",
    "service",
    "action",
    "osax",
    "fs",
    "mailbundle",
    "wdgt",
];
/// Folders with an ending that are nothing of software's: a virtual machine, a library of pictures.
const CLOSED: &[&str] = &["pvm", "vmwarevm", "utm", "photoslibrary", "kext", "systemextension", "dext"];
/// What Safari lets an app extension extend.
const OF_SAFARI: &[&str] =
    &["com.apple.Safari.extension", "com.apple.Safari.web-extension", "com.apple.Safari.content-blocker"];
/// Parallels Desktop shows the programs of a guest as bundles of the Mac, of which none is the program.
const GUEST: &str = "com.parallels.winapp.";
const GUEST_FOLDER: &[u8] = b"Applications (Parallels)";
const GUEST_WORDS: &str = "programs of a virtual machine, which is not looked into";

static ABOUT: About = About {
    name: "app-bundles",
    summary: "applications of macOS by their bundles, with the helpers, Safari extensions and plug-ins in and beside them",
    families: &[Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[
        (ItemKind::Application, &[State::Installed, State::Present, State::Remnant]),
        (ItemKind::Extension, &[State::Installed, State::Present]),
        (ItemKind::Executable, &[State::Present]),
    ],
    fields: &[Field::Name, Field::Version, Field::Publisher, Field::Signer, Field::Identifier, Field::Path],
    install_record: true,
    ..About::USUAL
};

impl Source for AppBundles {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let users = haul.users(host, want);
        let mut walk = Walk { host, haul, linked: HashSet::new(), entries: 0, bundles: 0 };
        for area in areas(&users, want) {
            walk.area(&area);
            if walk.is_spent() {
                let detail = format!("more than {ENTRIES} entries or {BUNDLES} bundles, or no time left");
                walk.haul.gap_with(GapReason::Budget, &area.folder, detail);
                break;
            }
        }
        for user in users {
            safari_archives(host.files(), &user.home, &Scope::User(user.n), haul);
        }
        Outcome::Read
    }
}

/// Extensions of Safari as they were before version 13: archives, known by their names.
fn safari_archives(files: &dyn Files, home: &HostPath, scope: &Scope, haul: &mut Haul) {
    let folder = home.join("Library/Safari/Extensions");
    let entries = haul.optional(&folder, files.list(&folder)).unwrap_or_default();
    for entry in entries.iter().filter(|entry| has_ending(&entry.name, "safariextz")) {
        let path = folder.join(&entry.name);
        let name = path.file_name_text();
        let mut trace = Trace::new(ItemKind::Extension, name, State::Present, Place::file(path.clone()));
        trace.path = Some(path);
        trace.scope = scope.clone();
        haul.push(trace);
    }
}

struct Walk<'w> {
    host: &'w dyn Host,
    haul: &'w mut Haul,
    /// Folders that links led to: none is entered twice.
    linked: HashSet<HostPath>,
    entries: usize,
    bundles: usize,
}

impl Walk<'_> {
    fn is_spent(&self) -> bool {
        self.entries > ENTRIES || self.bundles > BUNDLES || !self.haul.time_left()
    }

    fn area(&mut self, area: &Area) {
        let listed = self.host.files().list(&area.folder);
        match listed {
            Ok(_) if area.folder.file_name() == GUEST_FOLDER => guest(&area.folder, self.haul),
            Err(miss @ Miss::Absent) if area.must_exist => self.haul.miss(&area.folder, &miss),
            listed => {
                let entries = self.haul.optional(&area.folder, listed).unwrap_or_default();
                self.entries(area, &area.folder, &entries, area.depth);
            }
        }
    }

    fn entries(&mut self, area: &Area, folder: &HostPath, entries: &[Entry], depth: usize) {
        for entry in entries {
            self.entries += 1;
            if self.is_spent() {
                return;
            }
            let path = folder.join(&entry.name);
            let is_folder = match entry.kind {
                Kind::Folder => true,
                Kind::Link => self.leads_to_folder(&path),
                _ => false,
            };
            if is_folder {
                self.folder(area, &path, depth);
            }
        }
    }

    /// Whether a link leads to a folder that no other link led to. One that leads nowhere hides nothing.
    fn leads_to_folder(&mut self, path: &HostPath) -> bool {
        let looked =
            self.host.files().stat(path).and_then(|stat| Ok((stat, self.host.files().resolve(path)?)));
        let Some((stat, real)) = self.haul.optional(path, looked) else { return false };
        stat.kind == Kind::Folder && self.linked.insert(real)
    }

    fn folder(&mut self, area: &Area, path: &HostPath, depth: usize) {
        let name = path.file_name();
        if name == GUEST_FOLDER {
            return guest(path, self.haul);
        }
        let is_closed = CLOSED.iter().any(|ending| has_ending(name, ending));
        if is_closed || (may_be_bundle(name) && self.bundle(area, path, 0)) {
            return;
        }
        if depth > 1 {
            let entries = self.haul.listed(path, self.host.files().list(path)).unwrap_or_default();
            self.entries(area, path, &entries, depth - 1);
        }
    }

    /// A bundle, and what it holds; false where the folder is none.
    fn bundle(&mut self, area: &Area, path: &HostPath, nested: usize) -> bool {
        self.bundles += 1;
        let found = bundle::look(self.host.files(), path, self.haul);
        if found.id.as_deref().is_some_and(|id| id.starts_with(GUEST)) {
            guest(path, self.haul);
            return true;
        }
        let is_bundle = found.is_one;
        // A folder of support files may be called by a bundle's id.
        if is_bundle || (has_ending(path.file_name(), "app") && area.state == State::Installed) {
            if let Some(mut trace) = trace(area, path, found) {
                signed(self.host, &mut trace, self.haul);
                self.haul.push(trace);
            } else {
                self.haul.count_record();
            }
        }
        if is_bundle && area.inside && nested < NESTED {
            for folder in code_places(path) {
                self.inside(area, &folder, nested + 1);
            }
        }
        is_bundle
    }

    /// The bundles in a folder of code of a bundle.
    fn inside(&mut self, area: &Area, folder: &HostPath, nested: usize) {
        // A file in the place of the folder holds no bundles.
        let listed = match self.host.files().list(folder) {
            Err(Miss::NotAFile(_)) => Err(Miss::Absent),
            listed => listed,
        };
        for entry in self.haul.optional(folder, listed).unwrap_or_default() {
            self.entries += 1;
            if self.is_spent() {
                return;
            }
            // Links within a bundle lead to what it holds under another name.
            if entry.kind == Kind::Folder && may_be_bundle(&entry.name) {
                self.bundle(area, &folder.join(&entry.name), nested);
            }
        }
    }
}

/// What stands for programs of a guest is none of this system's.
fn guest(place: &HostPath, haul: &mut Haul) {
    haul.count_record();
    haul.minor(GapReason::NotLookedInto, place, GUEST_WORDS);
}

/// Whether a name has the ending of an application or of another bundle of code.
fn may_be_bundle(name: &[u8]) -> bool {
    has_ending(name, "app") || CODE.iter().any(|ending| has_ending(name, ending))
}

/// An application is one wherever it lies. Another bundle is an extension of a browser, or a program with a bundle's id;
/// one without a program holds data only.
fn trace(area: &Area, path: &HostPath, found: Bundle) -> Option<Trace> {
    let exists = found.image.as_ref().and_then(|image| image.exists);
    let gone = found.image.is_none() || exists == Some(false);
    let is_app = has_ending(path.file_name(), "app");
    let of_browser = found.extends.as_deref().is_some_and(|point| OF_SAFARI.contains(&point))
        || path.parent().is_some_and(|folder| folder.file_name() == b"Internet Plug-Ins");
    let kind = match (is_app, of_browser) {
        (true, _) => ItemKind::Application,
        (false, true) => ItemKind::Extension,
        (false, false) => ItemKind::Executable,
    };
    if kind == ItemKind::Executable && gone {
        return None;
    }
    let state = match kind {
        ItemKind::Application if gone => State::Remnant,
        ItemKind::Executable => State::Present,
        _ => area.state,
    };
    let named = match kind {
        ItemKind::Extension => found.display_name.clone(),
        ItemKind::Executable => found.image.as_ref().map(|image| image.path.file_name_text()),
        _ => None,
    };
    let mut trace =
        Trace::new(kind, named.unwrap_or_else(|| path.file_name_text()), state, Place::file(path.clone()));
    if kind != ItemKind::Executable {
        trace.path = Some(path.clone());
    }
    if kind == ItemKind::Application {
        trace.display_name = found.display_name;
    }
    trace.scope = area.scope.clone();
    trace.version = found.version.map(|raw| Version::new(raw, Scheme::Dotted));
    trace.publisher = found.publisher;
    trace.identifiers.extend(found.id.map(|id| Identifier::new(IdentifierType::BundleId, id)));
    trace.image = found.image;
    Some(trace)
}

/// Who claims to have signed the program. Its signature names the bundle too, where nothing else does.
fn signed(host: &dyn Host, trace: &mut Trace, haul: &mut Haul) {
    let image = trace.image.as_ref().filter(|image| image.exists == Some(true));
    let Some(path) = image.map(|image| image.path.clone()) else { return };
    let Some(says) = code::seen(&path, code::look(host, &path), haul) else { return };
    says.tell(trace);
    let id =
        says.identifier.filter(|_| trace.identifiers.is_empty() && matches!(says.signer, Looked::Some(_)));
    trace.identifiers.extend(id.map(|id| Identifier::new(IdentifierType::BundleId, id)));
}

#[cfg(test)]
#[path = "app_bundles_tests.rs"]
mod tests;
