//! Packages of MSIX (apps of the Store and of the side door): of every user, of the machine, provisioned for users to
//! come; wherever their folders are.
//!
//! A package is known by its full name, from the registry or its folder. What its manifest adds (who made it) is told
//! where it can be read; Windows hides the folder of apps even from administrators.

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Means, Need, Place, Recorded,
    Scheme, Scope, ScopeKind, State, Trace, Version, Wanted,
};
use crate::parse::appx_manifest::{Manifest, manifest};
use crate::parse::appx_name::{full_name, publisher_id};
use crate::parse::guid::Guid;
use crate::sources::{About, Haul, Outcome, Source};

use super::appx_store::{Package, Record, Store, is_full_name, is_plain};

/// The source `appx`.
pub struct Appx;

/// The usual folder of packages, below that of programs.
const FOLDER: &str = "WindowsApps";
/// The manifest of a package, and that of a bundle.
const MANIFESTS: &[&str] = &["AppxManifest.xml", "AppxMetadata/AppxBundleManifest.xml"];
/// Real ones have some hundred kilobytes.
const LIMIT: u64 = 4 << 20;

static ABOUT: About = About {
    name: "appx",
    summary: "MSIX packages of the machine and of every user, provisioned ones too, wherever their folders are",
    families: &[Family::Windows],
    needs: &[Need::Registry, Need::Files],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Package, &[State::Installed, State::Present, State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Version, Field::Identifier],
    ..About::USUAL
};

impl Source for Appx {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut store = Store::new(host, want);
        store.read(haul);
        if want.scope.includes(ScopeKind::Machine) {
            folders(host, &mut store, haul);
        }
        if store.packages.is_empty() && haul.gap_list().next().is_none() {
            return Outcome::NotApplicable("this Windows has no packages of MSIX".to_owned());
        }
        for package in store.packages.into_values() {
            if !haul.time_left() {
                break;
            }
            let manifest = read_manifest(host, &package, haul);
            pour(package, &manifest.unwrap_or_default(), haul);
        }
        Outcome::Read
    }
}

/// Packages in the usual folders that no key names: they lie there. Of one that may not be listed the keys are enough.
fn folders(host: &dyn Host, store: &mut Store<'_>, haul: &mut Haul) {
    for folder in usual_folders(host) {
        let entries = match host.files().list(&folder) {
            Ok(entries) => entries,
            Err(Miss::Absent) => continue,
            Err(miss) => {
                haul.minor(miss.reason(), &folder, "packages that no key names would be seen here");
                continue;
            }
        };
        for entry in entries.iter().filter(|entry| entry.kind == Kind::Folder) {
            let Ok(name) = std::str::from_utf8(&entry.name) else { continue };
            let root = folder.join(name);
            if !is_full_name(name) || !has_manifest(host.files(), &root) {
                continue;
            }
            let package = store.package(name);
            if package.records.is_empty() {
                package.records.push(Record {
                    scope: Scope::Machine,
                    state: State::Present,
                    place: root.clone(),
                    date: Recorded::default(),
                });
            }
            package.root.get_or_insert(root);
        }
    }
}

fn usual_folders(host: &dyn Host) -> impl Iterator<Item = HostPath> {
    let windows = host.facts().windows.as_ref();
    windows.into_iter().flat_map(|windows| &windows.program_files).map(|folder| folder.join(FOLDER))
}

fn has_manifest(files: &dyn Files, root: &HostPath) -> bool {
    MANIFESTS
        .iter()
        .any(|name| !matches!(files.stat(&root.join(name)), Err(Miss::Absent | Miss::NotAFile(_))))
}

/// The manifest of a package, where it is there, can be read, and is the package's own.
fn read_manifest(host: &dyn Host, package: &Package, haul: &mut Haul) -> Option<Manifest> {
    let usual = || usual_folders(host).map(|folder| folder.join(&package.full_name));
    let roots: Vec<HostPath> = match &package.root {
        Some(root) => vec![root.clone()],
        None => usual().collect(),
    };
    for path in roots.iter().flat_map(|root| MANIFESTS.iter().map(|name| root.join(name))) {
        let bytes = match host.files().read(&path, LIMIT) {
            Ok(bytes) => bytes,
            Err(Miss::Absent) => continue,
            Err(miss) => {
                haul.minor(miss.reason(), &path, "who made this package is not told by its key");
                return None;
            }
        };
        let (manifest, faults) = manifest(&bytes);
        if let Some(fault) = faults.first() {
            haul.minor(GapReason::Malformed, &path, fault.to_string());
        }
        if is_of(&manifest, package) {
            return Some(manifest);
        }
        haul.minor(GapReason::Inconsistent, &path, "the manifest of another package");
    }
    None
}

/// Whether a manifest is of the package: the publisher's name makes the last part of the full name.
fn is_of(manifest: &Manifest, package: &Package) -> bool {
    let Some(name) = full_name(&package.full_name) else { return false };
    let own = manifest.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name.name));
    let publisher = manifest.publisher.as_deref();
    own && publisher.is_some_and(|publisher| publisher_id(publisher).eq_ignore_ascii_case(name.publisher_id))
}

/// One trace for each record: they are one item. A full name that is none is kept as the name.
fn pour(package: Package, manifest: &Manifest, haul: &mut Haul) {
    let name = full_name(&package.full_name);
    let plain = |text: &Option<String>| text.as_deref().filter(|text| is_plain(text)).map(str::to_owned);
    let publisher = plain(&manifest.publisher_display_name)
        .or_else(|| manifest.publisher.as_deref().and_then(organisation));
    let mut sample = Trace::new(
        ItemKind::Package,
        name.as_ref().map_or(package.full_name.as_str(), |name| name.name),
        State::Installed,
        Place::file(HostPath::default()),
    );
    sample.display_name = plain(&manifest.display_name).or(package.display_name);
    sample.publisher = publisher;
    if let Some(name) = &name {
        sample.version = Some(Version::new(name.version, Scheme::Dotted));
        sample.arch = Some(name.architecture.to_lowercase());
        sample.identifiers.push(Identifier::new(IdentifierType::PackageFamilyName, name.family()));
    }
    for record in package.records {
        let mut trace = sample.clone();
        trace.state = record.state;
        trace.scope = record.scope;
        trace.place = Place::file(record.place);
        trace.recorded_at = record.date;
        if trace.recorded_at.value.is_none() {
            trace.recorded_at.means = Means::Unknown;
        }
        haul.push(trace);
    }
}

/// Who a distinguished name names (RFC 4514, and the quotes of Windows): its organisation, or its common name. The Store gives
/// a GUID for a name to those who have none.
fn organisation(name: &str) -> Option<String> {
    let parts = attributes(name);
    let find = |kind: &str| {
        let found = parts.iter().find(|(known, value)| known.eq_ignore_ascii_case(kind) && !value.is_empty());
        found.map(|(_, value)| value.clone())
    };
    find("CN").filter(|name| Guid::parse(name).is_none()).or_else(|| find("O"))
}

/// Attributes of a distinguished name: commas inside quotes, and behind a backslash, are letters.
fn attributes(name: &str) -> Vec<(String, String)> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut chars) = (false, name.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                push(&mut parts, '"');
            }
            '"' => quoted = !quoted,
            '\\' => chars.next().into_iter().for_each(|next| push(&mut parts, next)),
            ',' | ';' if !quoted => parts.push(String::new()),
            c => push(&mut parts, c),
        }
    }
    let split = |part: &String| {
        let (kind, value) = part.split_once('=')?;
        Some((kind.trim().to_owned(), value.trim().to_owned()))
    };
    parts.iter().filter_map(split).collect()
}

fn push(parts: &mut [String], c: char) {
    if let Some(last) = parts.last_mut() {
        last.push(c);
    }
}

#[cfg(test)]
#[path = "appx_tests.rs"]
mod tests;
