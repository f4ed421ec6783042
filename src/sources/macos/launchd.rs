//! Jobs of launchd: daemons and agents of the system, of the machine, of every user, and those that applications carry
//! inside them; helpers that were put into place for them; and names that launchd remembers.
//! Folders: launchd(8); inside bundles: `SMAppService` and `SMLoginItemSetEnabled` of Apple's Service Management.
//!
//! A job that is disabled is installed. What an application carries may never have been asked to start: its program is
//! there all the same. A label that launchd remembers as enabled or disabled, and that no list has any more, once was.

use std::collections::HashSet;

use crate::host::{Entry, Files, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Image, ItemKind, Place, Scope, ScopeKind, State, Trace, Wanted,
};
use crate::parse::plist::{self, Value};
use crate::sources::{About, Haul, Outcome, Source};

use super::launchd_job::{Job, Starts};
use super::programs;

/// The source `launchd`.
pub struct Launchd;

/// Folders of jobs for the machine. The first is on every system volume.
const MACHINE: &[&str] = &[
    "/System/Library/LaunchDaemons",
    "/System/Library/LaunchAgents",
    "/Library/Apple/System/Library/LaunchDaemons",
    "/Library/Apple/System/Library/LaunchAgents",
    "/Library/LaunchDaemons",
    "/Library/LaunchAgents",
];
/// Of a user.
const OWN: &str = "Library/LaunchAgents";
/// What tells that this is a system volume, and not that of the data alone.
const SYSTEM: &str = "/System/Library/CoreServices/SystemVersion.plist";
/// Where applications lie, below it one folder deep, and in a user's home.
const APPLICATIONS: &str = "/Applications";
/// Folders of jobs inside a bundle, and that of its login items.
const INSIDE: &str = "Contents/Library";
const JOBS_INSIDE: &[&str] = &["LaunchDaemons", "LaunchAgents"];
const LOGIN_ITEMS: &str = "LoginItems";
/// Helpers with the rights of the machine: `SMJobBless`.
const HELPERS: &str = "/Library/PrivilegedHelperTools";
/// Where launchd remembers what was enabled and disabled, for the machine and for users by their number.
const REMEMBERED: &str = "/private/var/db/com.apple.xpc.launchd";
/// Real lists have some kilobytes.
const LIMIT: u64 = 1 << 20;
/// Applications that are looked into.
const MAX_BUNDLES: usize = 20_000;

static ABOUT: About = About {
    name: "launchd",
    summary: "daemons and agents of the machine, of every user and inside applications, their login items and helper tools",
    families: &[Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[
        (ItemKind::Service, &[State::Installed, State::Present, State::Remnant, State::Historic]),
        (ItemKind::Autostart, &[State::Present, State::Remnant]),
        (ItemKind::Executable, &[State::Present]),
    ],
    fields: &[Field::Name, Field::Signer, Field::Path],
    ..About::USUAL
};

impl Source for Launchd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut jobs = Jobs { host, want, files: host.files(), haul, known: HashSet::new(), bundles: 0 };
        if want.scope.includes(ScopeKind::Machine) {
            jobs.expect();
            for folder in MACHINE {
                jobs.folder(&(*folder).into(), None, &Scope::Machine);
            }
            jobs.applications(&APPLICATIONS.into(), &Scope::Machine, true);
            jobs.helpers();
        }
        let users = jobs.haul.users(host, want);
        for user in users {
            let scope = Scope::User(user.n);
            jobs.folder(&user.home.join(OWN), None, &scope);
            jobs.applications(&user.home.join("Applications"), &scope, true);
        }
        // What a user's list has is not known where users are not looked at.
        if want.scope.includes(ScopeKind::Machine) && want.scope.includes(ScopeKind::User) {
            jobs.remembered();
        }
        Outcome::Read
    }
}

/// A reading of jobs under way.
struct Jobs<'a> {
    host: &'a dyn Host,
    want: &'a Wanted,
    files: &'a dyn Files,
    haul: &'a mut Haul,
    /// Labels of the jobs so far, in small letters.
    known: HashSet<String>,
    bundles: usize,
}

impl Jobs<'_> {
    /// A system volume has the daemons that come with it.
    fn expect(&mut self) {
        let Some(folder) = MACHINE.first().map(|folder| HostPath::from(*folder)) else { return };
        let lacks = |path: &HostPath| self.files.stat(path).is_err_and(|miss| miss == Miss::Absent);
        if !lacks(&SYSTEM.into()) && lacks(&folder) {
            self.haul.gap_with(GapReason::Missing, &folder, "the system is here, its daemons are not");
        }
    }

    fn list(&mut self, folder: &HostPath) -> Vec<Entry> {
        self.haul.optional(folder, self.files.list(folder)).unwrap_or_default()
    }

    /// Brings what starts a program, and who signed that.
    fn push(&mut self, mut trace: Trace) {
        programs::tell(self.host, self.want, &mut trace, self.haul);
        self.haul.push(trace);
    }

    /// The lists of a folder; inside a bundle its folder is told.
    fn folder(&mut self, folder: &HostPath, bundle: Option<&HostPath>, scope: &Scope) {
        for entry in self.list(folder) {
            if !self.haul.time_left() {
                return;
            }
            // launchd reads no other file.
            if entry.kind == Kind::Folder || !ends(&entry.name, b".plist") {
                continue;
            }
            if let Some(mut trace) = self.job(&folder.join(&entry.name), entry.kind, bundle) {
                trace.scope = scope.clone();
                self.known.insert(trace.name.to_lowercase());
                self.push(trace);
            }
        }
    }

    /// One list. That there is a job of its name can be told where it cannot be read.
    fn job(&mut self, path: &HostPath, kind: Kind, bundle: Option<&HostPath>) -> Option<Trace> {
        let file = path.file_name_text();
        let stem = file.get(..file.len().saturating_sub(".plist".len())).unwrap_or(&file);
        let named = |name: &str, state| Trace::new(ItemKind::Service, name, state, Place::file(path.clone()));
        let bytes = match self.files.read(path, LIMIT) {
            Ok(bytes) => bytes,
            Err(Miss::Absent) if kind == Kind::Link => return Some(named(stem, State::Remnant)),
            Err(Miss::Absent) => {
                self.haul.gap(GapReason::Vanished, path);
                return None;
            }
            Err(miss) => {
                self.haul.miss(path, &miss);
                return Some(named(stem, State::Installed));
            }
        };
        let list = match plist::read(&bytes) {
            Ok(list) => list,
            Err(fault) => {
                self.haul.faults(path, &[fault]);
                return Some(named(stem, State::Installed));
            }
        };
        let Some(job) = Job::of(&list) else {
            self.haul.gap_with(GapReason::Malformed, path, "no dictionary");
            return Some(named(stem, State::Installed));
        };
        let (image, state) = self.starts(path, &job.starts, bundle);
        let mut trace = named(job.label.unwrap_or(stem), state);
        trace.image = image;
        Some(trace)
    }

    fn starts(
        &mut self,
        path: &HostPath,
        starts: &Starts<'_>,
        bundle: Option<&HostPath>,
    ) -> (Option<Image>, State) {
        let image = match (starts, bundle) {
            (Starts::Program(program, arguments), _) => {
                programs::started(self.files, program, arguments, self.haul)
            }
            (Starts::InBundle(inner), Some(bundle)) => {
                Some(programs::at(self.files, bundle.join(inner), self.haul))
            }
            // launchd refuses both: nothing of it can start.
            (Starts::InBundle(_), None) | (Starts::Nothing, _) => return (None, State::Remnant),
            (Starts::Unknown, _) => {
                self.haul.gap_with(GapReason::Malformed, path, "what it starts is not told as it must be");
                None
            }
        };
        let state = match State::of_record(image.as_ref()) {
            State::Installed if bundle.is_some() => State::Present,
            state => state,
        };
        (image, state)
    }

    /// What the applications of a folder carry, and those of its folders.
    fn applications(&mut self, folder: &HostPath, scope: &Scope, deeper: bool) {
        for entry in self.list(folder) {
            if !self.haul.time_left() {
                return;
            }
            if self.bundles >= MAX_BUNDLES {
                let detail = format!("more than {MAX_BUNDLES} applications");
                return self.haul.gap_with(GapReason::Budget, folder, detail);
            }
            let path = folder.join(&entry.name);
            if ends(&entry.name, b".app") {
                self.bundles += 1;
                self.bundle(&path, scope);
            } else if deeper && entry.kind == Kind::Folder {
                self.applications(&path, scope, false);
            }
        }
    }

    fn bundle(&mut self, bundle: &HostPath, scope: &Scope) {
        let inside = bundle.join(INSIDE);
        // An application may be a file or a link that leads nowhere: that is for the source of applications.
        let entries = match self.files.list(&inside) {
            Err(Miss::NotAFile(_)) => return,
            listed => self.haul.optional(&inside, listed).unwrap_or_default(),
        };
        for entry in entries {
            let folder = inside.join(&entry.name);
            let is = |name: &str| entry.name.eq_ignore_ascii_case(name.as_bytes());
            if JOBS_INSIDE.iter().any(|name| is(name)) {
                self.folder(&folder, Some(bundle), scope);
            } else if is(LOGIN_ITEMS) {
                self.login_items(&folder, scope);
            }
        }
    }

    /// Applications inside one that it may ask to be started when somebody logs in.
    fn login_items(&mut self, folder: &HostPath, scope: &Scope) {
        for entry in self.list(folder) {
            if !ends(&entry.name, b".app") {
                continue;
            }
            let path = folder.join(&entry.name);
            let image = programs::at(self.files, path.clone(), self.haul);
            let state = if image.exists == Some(false) { State::Remnant } else { State::Present };
            let mut trace = Trace::new(ItemKind::Autostart, path.file_name_text(), state, Place::file(path));
            trace.image = Some(image);
            trace.scope = scope.clone();
            self.push(trace);
        }
    }

    fn helpers(&mut self) {
        let folder = HostPath::from(HELPERS);
        for entry in self.list(&folder) {
            if entry.kind != Kind::File || entry.name.starts_with(b".") {
                continue;
            }
            let path = folder.join(&entry.name);
            let place = Place::file(path.clone());
            let mut trace = Trace::new(ItemKind::Executable, path.file_name_text(), State::Present, place);
            trace.image = Some(Image { path, exists: Some(true) });
            self.push(trace);
        }
    }

    /// Labels that launchd was once told to enable or to disable, of which no job is left. Nothing there counts.
    fn remembered(&mut self) {
        let folder = HostPath::from(REMEMBERED);
        let entries = match self.files.list(&folder) {
            Ok(entries) => entries,
            Err(Miss::Absent) => return,
            Err(miss) => return self.haul.minor(miss.reason(), &folder, "what launchd remembers"),
        };
        for entry in entries {
            if entry.kind != Kind::File
                || !entry.name.starts_with(b"disabled")
                || !ends(&entry.name, b".plist")
            {
                continue;
            }
            let path = folder.join(&entry.name);
            match self.files.read(&path, LIMIT).map(|bytes| plist::read(&bytes)) {
                Ok(Ok(list)) => self.labels(&path, &list),
                Ok(Err(fault)) => self.haul.minor(GapReason::Malformed, &path, fault.to_string()),
                Err(miss) => self.haul.minor(miss.reason(), &path, "what launchd remembers"),
            }
        }
    }

    fn labels(&mut self, path: &HostPath, list: &Value) {
        for (label, told) in list.entries() {
            let odd = told.flag().is_none() || label.is_empty() || label.len() > 1024;
            if odd || !self.known.insert(label.to_lowercase()) {
                self.haul.count_record();
                continue;
            }
            let place = Place::record(path.clone(), format!("label {label}"));
            self.haul.push(Trace::new(ItemKind::Service, label.as_str(), State::Historic, place));
        }
    }
}

/// Whether a name ends so, in any letters' case.
fn ends(name: &[u8], ending: &[u8]) -> bool {
    name.len() > ending.len() && name.to_ascii_lowercase().ends_with(ending)
}

#[cfg(test)]
#[path = "launchd_tests.rs"]
mod tests;
