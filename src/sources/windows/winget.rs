//! What winget installed, by its own record of each source (`installed.db`), and what it unpacked without an installer
//! ("portable"), by the folders that it made: of every user, and of the machine.

use std::collections::BTreeSet;

use crate::host::{Host, Kind};
use crate::model::{
    Family, Field, HostPath, Identifier, IdentifierType, ItemKind, Means, Place, Recorded, Scheme, Scope,
    ScopeKind, Stamp, State, Trace, User, Version, Wanted, WindowsFacts,
};
use crate::parse::guid::Guid;
use crate::parse::winget_db::{self, Package};
use crate::sources::{About, Haul, Outcome, Source, database};

/// The source `winget`.
pub struct Winget;

/// Folders that have one folder for each source: of winget as a package of MSIX, and of one that runs by itself.
const STATES: &[&str] = &[
    r"%LocalAppData%\Packages\Microsoft.DesktopAppInstaller_8wekyb3d8bbwe\LocalState",
    r"%LocalAppData%\Microsoft\WinGet\State\defaultState",
];
const DATABASE: &str = "installed.db";
/// Folders of portable programs.
const OF_USER: &str = r"%LocalAppData%\Microsoft\WinGet\Packages";
const OF_MACHINE: &[&str] = &[r"%ProgramFiles%\WinGet\Packages", r"%ProgramFiles(x86)%\WinGet\Packages"];
/// Such a folder is called by the package and where it came from; an id may have `_` in it.
const ORIGINS: &[&str] = &["_Microsoft.Winget.Source_8wekyb3d8bbwe", "__DefaultSource"];

static ABOUT: About = About {
    name: "winget",
    summary: "packages that winget installed, by its own records, and portable ones by their folders",
    families: &[Family::Windows],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Package, &[State::Installed])],
    fields: &[Field::Name, Field::Version, Field::Identifier],
    ..About::USUAL
};

impl Source for Winget {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let Some(windows) = &host.facts().windows else {
            return Outcome::Failed("this host has no folder of Windows".to_owned());
        };
        if want.scope.includes(ScopeKind::Machine) {
            let mut reading = Reading { host, windows, user: None, known: BTreeSet::new() };
            for folder in OF_MACHINE {
                reading.portable(folder, haul);
            }
        }
        for user in haul.users(host, want) {
            let mut reading = Reading { host, windows, user: Some(user), known: BTreeSet::new() };
            for state in STATES {
                reading.sources(state, haul);
            }
            reading.portable(OF_USER, haul);
            if !haul.time_left() {
                break;
            }
        }
        Outcome::Read
    }
}

/// Whose winget is read.
struct Reading<'a> {
    host: &'a dyn Host,
    windows: &'a WindowsFacts,
    user: Option<&'a User>,
    /// Ids of its records, in small letters.
    known: BTreeSet<String>,
}

impl Reading<'_> {
    /// Folders in a folder. No link is followed: winget makes none.
    fn folders(&self, path: &str, haul: &mut Haul) -> Vec<HostPath> {
        let Some(folder) = self.windows.path(path, self.user) else { return Vec::new() };
        let listed = self.host.files().list(&folder);
        let entries = haul.optional(&folder, listed).unwrap_or_default().into_iter();
        entries.filter(|entry| entry.kind == Kind::Folder).map(|entry| folder.join(&entry.name)).collect()
    }

    fn sources(&mut self, state: &str, haul: &mut Haul) {
        for folder in self.folders(state, haul) {
            let path = folder.join(DATABASE);
            let read = database::read(self.host.files(), &path, winget_db::packages);
            let Some(read) = haul.optional(&path, read) else { continue };
            haul.faults(&path, &read.faults);
            for package in read.records {
                self.known.insert(package.id.to_lowercase());
                haul.push(self.trace(package, &path));
            }
        }
    }

    fn trace(&self, package: Package, path: &HostPath) -> Trace {
        let place = Place::record(path.clone(), format!("package {}", package.id));
        let name = package.name.unwrap_or_else(|| package.id.clone());
        let mut trace = Trace::new(ItemKind::Package, name, State::Installed, place);
        trace.version = package.version.map(|version| Version::new(version, Scheme::Dotted));
        trace.arch = package.architecture.map(|arch| arch.to_lowercase());
        trace.scope = self.scope();
        trace.identifiers.push(Identifier::new(IdentifierType::WingetId, package.id));
        for code in package.product_codes {
            let (kind, code) = match Guid::parse(&code) {
                // A product code is written in capitals wherever Windows writes it.
                Some(guid) => (IdentifierType::ProductCode, guid.to_string()),
                None => (IdentifierType::UninstallKey, code),
            };
            trace.identifiers.push(Identifier::new(kind, code));
        }
        let families = package.family_names.into_iter();
        trace
            .identifiers
            .extend(families.map(|family| Identifier::new(IdentifierType::PackageFamilyName, family)));
        let written = package.written.and_then(Stamp::from_unix);
        trace.recorded_at = Recorded { value: written, means: Means::LastServiced };
        trace
    }

    /// Programs without an installer: one that has a record too was told.
    fn portable(&mut self, path: &str, haul: &mut Haul) {
        for folder in self.folders(path, haul) {
            let name = folder.file_name_text();
            let known = ORIGINS.iter().find_map(|origin| name.strip_suffix(origin));
            let id = known.or_else(|| name.split_once('_').map(|(id, _)| id)).unwrap_or(&name).to_owned();
            if id.is_empty() || self.known.contains(&id.to_lowercase()) {
                haul.count_record();
                continue;
            }
            let modified = self.host.files().stat(&folder).ok().and_then(|stat| stat.modified);
            let mut trace = Trace::new(ItemKind::Package, id.clone(), State::Installed, Place::file(folder));
            trace.scope = self.scope();
            trace.identifiers.push(Identifier::new(IdentifierType::WingetId, id));
            trace.recorded_at = Recorded { value: modified, means: Means::FileTime };
            haul.push(trace);
        }
    }

    fn scope(&self) -> Scope {
        self.user.map_or(Scope::Machine, |user| Scope::User(user.n))
    }
}

#[cfg(test)]
#[path = "winget_tests.rs"]
mod tests;
