//! Folders and files that a rule names by their path: what a product leaves in the homes of users, and on macOS in the
//! folders of the machine. Those of the machine on Linux are `opt`'s.
//!
//! A leftover never counts. A program that a rule names by its place does, and so do those in a folder of the machine.

use crate::host::{Files, Host, Kind, Miss, Stat, WalkNext, Walked};
use crate::model::{
    Depth, Family, Field, GapReason, HostPath, Image, ItemKind, Means, Place, Recorded, Scope, ScopeKind,
    State, Trace, Wanted,
};
use crate::sources::linux::opt_tree::{self, Budget, Tree};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `vendor-paths`.
pub struct VendorPaths;

/// How rules write the home of whichever user.
const HOME: &str = "{home}/";
/// Folders and files looked at below one that a rule names in a home, and how deep.
const ENTRIES: usize = 2_000;
const DEPTH: usize = 5;
/// Places looked at in all.
const PLACES: usize = 100_000;
/// Folders of every macOS: that they are there says nothing, whatever rule names them.
const COMMON: &[&str] = &[
    "/applications",
    "/applications/utilities",
    "/library",
    "/library/application support",
    "/library/audio",
    "/library/audio/plug-ins",
    "/library/caches",
    "/library/extensions",
    "/library/frameworks",
    "/library/input methods",
    "/library/internet plug-ins",
    "/library/launchagents",
    "/library/launchdaemons",
    "/library/logs",
    "/library/preferencepanes",
    "/library/preferences",
    "/library/privilegedhelpertools",
    "/library/receipts",
    "/library/startupitems",
    "/library/systemextensions",
    "/opt",
    "/private",
    "/private/etc",
    "/private/tmp",
    "/private/var",
    "/private/var/db",
    "/private/var/log",
    "/private/var/root",
    "/system",
    "/system/library",
    "/system/library/extensions",
    "/users",
    "/users/shared",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/libexec",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/log",
    "/var/root",
];
/// Folders that homes have, by what stands after `{home}/`.
const OF_HOMES: &[&str] = &[
    ".cache",
    ".config",
    ".config/autostart",
    ".local",
    ".local/bin",
    ".local/share",
    ".local/share/applications",
    ".local/state",
    "applications",
    "bin",
    "desktop",
    "documents",
    "downloads",
    "library",
    "library/application scripts",
    "library/application support",
    "library/caches",
    "library/containers",
    "library/group containers",
    "library/launchagents",
    "library/logs",
    "library/preferences",
    "library/preferences/byhost",
    "library/safari",
];

static ABOUT: About = About {
    name: "vendor-paths",
    summary: "folders and files that a rule names: in the home of every user, and on macOS of the machine",
    families: &[Family::Linux, Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    depth: Depth::Standard,
    yields: &[(ItemKind::Executable, &[State::Present]), (ItemKind::Trace, &[State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for VendorPaths {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut look = Look { files: host.files(), walked: Vec::new(), budget: Budget::new(), left: PLACES };
        for (scope, home) in homes(host, want, haul) {
            look.named(&scope, &in_home(&home, want), haul);
            let begun = in_home_begun(&home, want);
            look.begun(&scope, &begun, haul);
        }
        if host.facts().family == Family::Macos && want.scope.includes(ScopeKind::Machine) {
            let roots = want.path_roots.iter().filter(|root| root.is_absolute() && !is_common(root));
            look.named(&Scope::Machine, &roots.cloned().collect::<Vec<_>>(), haul);
            let begun = want.beginnings.iter().filter(|begun| begun.starts_with('/'));
            let begun: Vec<HostPath> = begun.map(|begun| HostPath::from(begun.as_str())).collect();
            look.begun(&Scope::Machine, &begun, haul);
        }
        Outcome::Read
    }
}

/// The homes that can be looked at, each with its scope. Whose cannot is told.
fn homes(host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Vec<(Scope, HostPath)> {
    haul.users(host, want).into_iter().map(|user| (Scope::User(user.n), user.home.clone())).collect()
}

/// The places that rules name in a home.
fn in_home(home: &HostPath, want: &Wanted) -> Vec<HostPath> {
    let inside = want.templates.iter().filter_map(|template| template.strip_prefix(HOME));
    let own = inside.filter(|inside| !OF_HOMES.contains(&bare(&inside.to_lowercase())));
    own.map(|inside| home.join(bare(inside))).collect()
}

/// The same for what begins so.
fn in_home_begun(home: &HostPath, want: &Wanted) -> Vec<HostPath> {
    let inside = want.beginnings.iter().filter_map(|begun| begun.strip_prefix(HOME));
    inside.map(|inside| home.join(inside)).collect()
}

fn is_common(path: &HostPath) -> bool {
    COMMON.contains(&bare(&path.text().to_lowercase()))
}

/// A path without the slash at its end.
fn bare(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// A look under way.
struct Look<'h> {
    files: &'h dyn Files,
    /// Folders that were walked. Places come in order: one below another follows it.
    walked: Vec<HostPath>,
    /// Of programs in folders of the machine.
    budget: Budget,
    /// Places that may still be looked at.
    left: usize,
}

impl Look<'_> {
    fn named(&mut self, scope: &Scope, places: &[HostPath], haul: &mut Haul) {
        for place in places {
            if self.left == 0 {
                haul.gap_with(
                    GapReason::Budget,
                    place,
                    format!("more than {PLACES} places that a rule names"),
                );
                return;
            }
            if !haul.time_left() {
                return;
            }
            self.left -= 1;
            self.one(scope, place, haul);
        }
    }

    /// What has such a beginning, in the folder that it lies in.
    fn begun(&mut self, scope: &Scope, beginnings: &[HostPath], haul: &mut Haul) {
        for begun in beginnings {
            let Some(folder) = begun.parent() else { continue };
            let Some(entries) = there(&folder, self.files.list(&folder), haul) else { continue };
            let beginning = begun.file_name().to_ascii_lowercase();
            let is = |name: &[u8]| name.to_ascii_lowercase().starts_with(&beginning);
            let found = entries.iter().filter(|entry| is(&entry.name));
            let places: Vec<HostPath> = found.map(|entry| folder.join(&entry.name)).collect();
            self.named(scope, &places, haul);
        }
    }

    fn one(&mut self, scope: &Scope, path: &HostPath, haul: &mut Haul) {
        let looked = self.files.stat(path).and_then(|stat| Ok((self.files.resolve(path)?, stat)));
        let Some((real, stat)) = there(path, looked, haul) else { return };
        if opt_tree::executable(stat) && stat.executable.is_some() {
            return push_program(scope, path, real, haul);
        }
        push(scope, path, stat, haul);
        if stat.kind != Kind::Folder || self.walked.iter().any(|folder| path.is_within(folder)) {
            return;
        }
        self.walked.push(path.clone());
        if *scope == Scope::Machine {
            opt_tree::look(self.files, &Tree { name: path.clone(), real }, &mut self.budget, haul);
        } else {
            walk(self.files, scope, path, &real, haul);
        }
    }
}

/// What was read, but for what is not there: where a file stands on the way, nothing is behind it.
fn there<T>(path: &HostPath, read: Result<T, Miss>, haul: &mut Haul) -> Option<T> {
    haul.optional(
        path,
        read.map_err(|miss| if matches!(miss, Miss::NotAFile(_)) { Miss::Absent } else { miss }),
    )
}

/// What lies in a folder of a home. Nothing that counts rests on it, so that a flood of files hides nothing.
fn walk(files: &dyn Files, scope: &Scope, name: &HostPath, real: &HostPath, haul: &mut Haul) {
    let mut left = ENTRIES;
    let walked = files.walk(real, &mut |step| {
        if left == 0 {
            let more = format!("more than {ENTRIES} entries in a folder that a rule names");
            haul.minor(GapReason::Budget, name, more);
            return WalkNext::Stop;
        }
        if !haul.time_left() {
            return WalkNext::Stop;
        }
        left -= 1;
        match step {
            Walked::Seen { path, stat } => {
                let inside = path.as_bytes().strip_prefix(real.as_bytes()).unwrap_or_default();
                let known = name.join(inside.strip_prefix(b"/").unwrap_or(inside));
                push(scope, &known, stat, haul);
                let level = known.parts().count().saturating_sub(name.parts().count());
                if stat.kind == Kind::Folder && level >= DEPTH { WalkNext::Skip } else { WalkNext::On }
            }
            Walked::Missed(path, miss) => {
                haul.listed::<()>(&path, Err(miss));
                WalkNext::On
            }
        }
    });
    haul.listed(name, walked);
}

fn push(scope: &Scope, path: &HostPath, stat: Stat, haul: &mut Haul) {
    let place = Place::file(path.clone());
    let mut trace = Trace::new(ItemKind::Trace, path.file_name_text(), State::Remnant, place);
    trace.path = Some(path.clone());
    trace.scope = scope.clone();
    trace.recorded_at = Recorded { value: stat.modified, means: Means::FileTime };
    haul.push(trace);
}

/// A program that a rule names by its place; a link to one is known by the link's name too.
fn push_program(scope: &Scope, written: &HostPath, real: HostPath, haul: &mut Haul) {
    let place = Place::file(written.clone());
    let mut trace = Trace::new(ItemKind::Executable, written.file_name_text(), State::Present, place);
    trace.path = (*written != real).then(|| written.clone());
    trace.image = Some(Image { path: real, exists: Some(true) });
    trace.scope = scope.clone();
    haul.push(trace);
}

#[cfg(test)]
#[path = "vendor_paths_tests.rs"]
mod tests;
