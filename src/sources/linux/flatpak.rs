//! Flatpaks of the machine and of every user: applications and runtimes, from their deployed metadata.
//!
//! An installation keeps `{app,runtime}/<id>/<arch>/<branch>/active`, a link to the deployed commit (flatpak(1),
//! flatpak-installation(5), flatpak-metadata(5)).

use std::collections::BTreeSet;

use crate::host::{Entry, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Place, Scheme, Scope,
    ScopeKind, State, Trace, Version, Wanted,
};
use crate::parse::appstream::{self, Component};
use crate::parse::keyfile;
use crate::sources::{About, Haul, Outcome, Source};

/// The source `flatpak`.
pub struct Flatpak;

const SYSTEM: &str = "/var/lib/flatpak";
const USER: &str = ".local/share/flatpak";
/// More installations of the machine: key files with a `Path` in each group.
const EXTRA: &str = "/etc/flatpak/installations.d";
const METADATA_LIMIT: u64 = 1 << 20;
const METAINFO_LIMIT: u64 = 4 << 20;
/// Where an application keeps what it says of itself, newer name first.
const METAINFO: &[&str] = &["files/share/metainfo", "files/share/appdata", "export/share/metainfo"];
/// Metainfo files read of one application; add-ons may bring several.
const METAINFO_FILES: usize = 20;

/// One installation.
struct Installation {
    root: HostPath,
    scope: Scope,
}

/// One deployed branch.
struct Deployed<'a> {
    id: &'a str,
    runtime: bool,
    /// Architecture and branch, where the folders say them.
    arch: Option<String>,
    branch: Option<String>,
    active: HostPath,
}

static ABOUT: About = About {
    name: "flatpak",
    summary: "Flatpak applications and runtimes of the machine and of every user",
    families: &[Family::Linux],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Application, &[State::Installed])],
    fields: &[Field::Name, Field::Version, Field::Publisher, Field::Identifier, Field::Path],
    ..About::USUAL
};

impl Source for Flatpak {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut found = false;
        for one in installations(host, want, haul) {
            let read = host.files().stat(&one.root);
            if haul.optional(&one.root, read).is_none() {
                continue;
            }
            found = true;
            for (folder, runtime) in [("app", false), ("runtime", true)] {
                refs(host, &one, &one.root.join(folder), runtime, haul);
            }
        }
        let gaps = haul.gap_list().next().is_some();
        if found || gaps {
            Outcome::Read
        } else {
            Outcome::NotApplicable("there is no Flatpak installation".into())
        }
    }
}

fn installations(host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Vec<Installation> {
    let mut all = Vec::new();
    if want.scope.includes(ScopeKind::Machine) {
        all.push(Installation { root: SYSTEM.into(), scope: Scope::Machine });
        let extra = extra(host, haul).into_iter();
        all.extend(extra.map(|root| Installation { root, scope: Scope::Machine }));
    }
    for user in haul.users(host, want) {
        all.push(Installation { root: user.home.join(USER), scope: Scope::User(user.n) });
    }
    all
}

/// Paths of `/etc/flatpak/installations.d/*.conf`.
fn extra(host: &dyn Host, haul: &mut Haul) -> BTreeSet<HostPath> {
    let folder = HostPath::from(EXTRA);
    let mut roots = BTreeSet::new();
    for entry in listed(host, &folder, haul).iter().filter(|entry| entry.name.ends_with(b".conf")) {
        let place = folder.join(&entry.name);
        let read = host.files().read(&place, METADATA_LIMIT);
        let Some(bytes) = haul.listed(&place, read) else { continue };
        let file = keyfile::entries(&bytes);
        haul.faults(&place, &file.faults);
        let paths =
            file.records.iter().filter(|one| one.key == b"Path" && one.group.starts_with(b"Installation"));
        let before = roots.len();
        roots.extend(
            paths.map(|one| HostPath::new(&*keyfile::unescape(one.value))).filter(HostPath::is_absolute),
        );
        if roots.len() == before {
            haul.gap_with(GapReason::Malformed, &place, "an installation without its own absolute path");
        }
    }
    roots
}

/// Entries of a folder that may be absent.
fn listed(host: &dyn Host, folder: &HostPath, haul: &mut Haul) -> Vec<Entry> {
    let read = host.files().list(folder);
    haul.optional(folder, read).unwrap_or_default()
}

/// Every id below `app` or `runtime`.
fn refs(host: &dyn Host, installation: &Installation, folder: &HostPath, runtime: bool, haul: &mut Haul) {
    for entry in listed(host, folder, haul).iter().filter(|entry| entry.kind == Kind::Folder) {
        let place = folder.join(&entry.name);
        let id = place.file_name_text();
        let deployed = deployed(host, &place, &id, runtime, haul);
        if deployed.is_empty() {
            haul.gap_with(GapReason::Missing, &place, "nothing is deployed of what is installed here");
        }
        for one in deployed {
            trace(host, installation, &place, &one, haul);
        }
    }
}

/// Branches of one id. `current` is a link to one of them; where it is a folder itself, it is all there is.
fn deployed<'a>(
    host: &dyn Host,
    place: &HostPath,
    id: &'a str,
    runtime: bool,
    haul: &mut Haul,
) -> Vec<Deployed<'a>> {
    let mut all = Vec::new();
    for arch in listed(host, place, haul).iter().filter(|entry| entry.kind == Kind::Folder) {
        let folder = place.join(&arch.name);
        if arch.name == b"current" {
            all.push(Deployed { id, runtime, arch: None, branch: None, active: folder.join("active") });
            continue;
        }
        for branch in listed(host, &folder, haul).iter().filter(|entry| entry.kind == Kind::Folder) {
            let active = folder.join(&branch.name).join("active");
            let (arch, branch) = (Some(text(&arch.name)), Some(text(&branch.name)));
            all.push(Deployed { id, runtime, arch, branch, active });
        }
    }
    all
}

fn trace(
    host: &dyn Host,
    installation: &Installation,
    folder: &HostPath,
    one: &Deployed<'_>,
    haul: &mut Haul,
) {
    let place = one.active.join("metadata");
    let metadata = metadata(host, &place, one, haul);
    let component = metainfo(host, one, haul);
    if !metadata && component.is_none() {
        return haul.count_record();
    }
    let component = component.unwrap_or_default();
    let mut trace = Trace::new(ItemKind::Application, one.id, State::Installed, Place::file(place));
    trace.display_name = component.name;
    trace.publisher = component.developer;
    let branch = one.branch.clone().filter(|_| one.runtime);
    trace.version = component.version.or(branch).map(|version| Version::new(version, Scheme::Other));
    trace.arch.clone_from(&one.arch);
    trace.identifiers.push(Identifier::new(IdentifierType::FlatpakId, one.id));
    trace.path = Some(folder.clone());
    trace.scope = installation.scope.clone();
    haul.push(trace);
}

/// Whether the metadata names this application or runtime; what else it is, is a gap.
fn metadata(host: &dyn Host, place: &HostPath, one: &Deployed<'_>, haul: &mut Haul) -> bool {
    let bytes = match host.files().read(place, METADATA_LIMIT) {
        Ok(bytes) => bytes,
        Err(miss) => {
            haul.miss(place, &miss);
            return false;
        }
    };
    let file = keyfile::entries(&bytes);
    haul.faults(place, &file.faults);
    let name = ["Application", "Runtime"].iter().find_map(|group| keyfile::get(&file.records, group, "name"));
    match name {
        Some(name) if name == one.id.as_bytes() => {}
        Some(_) => {
            haul.gap_with(GapReason::Inconsistent, place, "folder and metadata name different applications");
        }
        // Extensions of old flatpaks have a metadata file without a name.
        None if one.runtime && !file.records.is_empty() => {}
        None => haul.gap_with(GapReason::Malformed, place, "no name of an application or runtime"),
    }
    name.is_some() || (one.runtime && !file.records.is_empty())
}

/// What the application says of itself: the component with its id, else the first that was read.
fn metainfo(host: &dyn Host, one: &Deployed<'_>, haul: &mut Haul) -> Option<Component> {
    let mut best = None;
    let mut left = METAINFO_FILES;
    for folder in METAINFO.iter().map(|folder| one.active.join(folder)) {
        for entry in listed(host, &folder, haul).iter().filter(|entry| entry.name.ends_with(b".xml")) {
            let place = folder.join(&entry.name);
            if left == 0 {
                haul.gap_with(
                    GapReason::Budget,
                    &place,
                    format!("more than {METAINFO_FILES} metainfo files"),
                );
                return best;
            }
            left = left.saturating_sub(1);
            let Some(component) = component(host, &place, haul) else { continue };
            let id = component.id.as_deref().unwrap_or_default();
            if id == one.id || id.strip_suffix(".desktop") == Some(one.id) {
                return Some(component);
            }
            best.get_or_insert(component);
        }
    }
    best
}

/// A component that was read well enough to have an id.
fn component(host: &dyn Host, place: &HostPath, haul: &mut Haul) -> Option<Component> {
    let read = host.files().read(place, METAINFO_LIMIT);
    // A link to what only the running runtime has: nothing is hidden.
    if read.as_ref().is_err_and(|miss| *miss == Miss::Absent) {
        return None;
    }
    let bytes = haul.optional(place, read)?;
    let (component, faults) = appstream::component(&bytes);
    haul.faults(place, &faults);
    component.id.is_some().then_some(component)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
#[path = "flatpak_tests.rs"]
mod tests;
