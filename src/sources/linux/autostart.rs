//! What starts by itself without being a service: XDG autostart entries, crontabs, and the folders of run-parts(8).
//!
//! Only the program of a job is kept: its arguments may hold secrets.

use std::collections::HashSet;

use crate::host::{Entry, Files, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, ItemKind, Place, Scope, ScopeKind, State, Trace, User, Wanted,
};
use crate::parse::crontab;
use crate::sources::{About, Haul, Outcome, Source};

use super::desktop_file::{self, Found, Owner};
use super::programs::{image, locate};

/// The source `autostart`.
pub struct Autostart;

/// XDG autostart of the machine, and in a user's home (Desktop Application Autostart Specification 0.5).
const XDG: &str = "/etc/xdg/autostart";
const OWN_XDG: &str = ".config/autostart";
/// Tables of the machine, and a folder of them.
const TABLES: &[(&str, crontab::Kind)] =
    &[("/etc/crontab", crontab::Kind::System), ("/etc/anacrontab", crontab::Kind::Anacron)];
const CRON_D: &str = "/etc/cron.d";
/// Folders whose scripts run by themselves.
const SCRIPTS: &[&str] = &["/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"];
/// Tables of users: Debian's folder, and everybody else's.
const SPOOLS: &[&str] = &["/var/spool/cron/crontabs", "/var/spool/cron"];
/// Real tables have some kilobytes.
const LIMIT: u64 = 1 << 20;

static ABOUT: About = About {
    name: "autostart",
    summary: "what starts with the desktop or by cron, of the machine and of every user",
    families: &[Family::Linux],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Autostart, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for Autostart {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let files = host.files();
        if want.scope.includes(ScopeKind::Machine) {
            xdg(files, &XDG.into(), &Owner::machine(), haul);
            for (path, kind) in TABLES {
                let path = HostPath::from(*path);
                table(files, &Table { path, kind: *kind, scope: Scope::Machine, listed: None }, haul);
            }
            for (path, entry) in children(files, CRON_D, haul) {
                let (kind, listed) = (crontab::Kind::System, Some(entry.kind));
                table(files, &Table { path, kind, scope: Scope::Machine, listed }, haul);
            }
            for (path, entry) in
                SCRIPTS.iter().flat_map(|folder| children(files, folder, haul)).collect::<Vec<_>>()
            {
                script(files, &path, &entry, haul);
            }
        }
        for user in haul.users(host, want) {
            xdg(files, &user.home.join(OWN_XDG), &Owner::user(user), haul);
        }
        spools(host, want, haul);
        Outcome::Read
    }
}

/// Entries of a folder that may hold something: no folders, no files that start with a dot.
fn children(files: &dyn Files, folder: &str, haul: &mut Haul) -> Vec<(HostPath, Entry)> {
    let folder = HostPath::from(folder);
    let read = files.list(&folder);
    let entries = haul.optional(&folder, read).unwrap_or_default().into_iter();
    let holds = |entry: &Entry| entry.kind != Kind::Folder && !entry.name.starts_with(b".");
    entries.filter(holds).map(|entry| (folder.join(&entry.name), entry)).collect()
}

fn xdg(files: &dyn Files, folder: &HostPath, owner: &Owner, haul: &mut Haul) {
    let read = files.list(folder);
    for entry in haul.optional(folder, read).unwrap_or_default() {
        if entry.kind == Kind::Folder || !entry.name.ends_with(b".desktop") {
            continue;
        }
        let path = folder.join(&entry.name);
        let found = Found { path: &path, is_link: entry.kind == Kind::Link };
        if let Some(trace) = desktop_file::trace(files, ItemKind::Autostart, &found, owner, haul) {
            haul.push(trace);
        }
    }
}

/// A table of cron jobs.
struct Table {
    path: HostPath,
    kind: crontab::Kind,
    scope: Scope,
    /// What a folder listed it as; none where it may be there or not.
    listed: Option<Kind>,
}

/// The programs of one table, each once.
fn table(files: &dyn Files, table: &Table, haul: &mut Haul) {
    let Table { path, kind, scope, listed } = table;
    let bytes = match (files.read(path, LIMIT), listed) {
        (Ok(bytes), _) => bytes,
        (Err(Miss::Absent), None) => return,
        (Err(Miss::Absent), Some(Kind::Link)) => {
            // What a removal left.
            let place = Place::file(path.clone());
            let name = path.file_name_text();
            let mut trace = Trace::new(ItemKind::Autostart, name, State::Remnant, place);
            trace.scope = scope.clone();
            return haul.push(trace);
        }
        (Err(Miss::Absent), Some(_)) => return haul.gap(GapReason::Vanished, path),
        (Err(miss), _) => return haul.miss(path, &miss),
    };
    let parsed = crontab::crontab(&bytes, *kind);
    haul.faults(path, &parsed.faults);
    let mut seen = HashSet::new();
    for job in parsed.records.iter().filter(|job| seen.insert(job.program.clone())) {
        let program = HostPath::new(job.program.clone());
        let name = format!("{}:{}", path.file_name_text(), program.file_name_text());
        let place = Place::record(path.clone(), format!("line {}", job.line));
        let found = locate(files, &job.program, &[], haul);
        let mut trace = Trace::new(ItemKind::Autostart, name, found.state(), place);
        trace.image = found.image();
        trace.scope = scope.clone();
        haul.push(trace);
    }
}

/// A script in a folder of run-parts: it is its own program.
fn script(files: &dyn Files, path: &HostPath, entry: &Entry, haul: &mut Haul) {
    let image = image(files, path.clone(), haul);
    let gone = image.exists == Some(false);
    if gone && entry.kind != Kind::Link {
        return haul.gap(GapReason::Vanished, path);
    }
    let state = if gone { State::Remnant } else { State::Installed };
    let mut trace = Trace::new(ItemKind::Autostart, path.file_name_text(), state, Place::file(path.clone()));
    trace.image = Some(image);
    haul.push(trace);
}

/// Tables of users. root's starts programs for the machine, and so does that of an account without a home.
fn spools(host: &dyn Host, want: &Wanted, haul: &mut Haul) {
    for folder in SPOOLS {
        for (path, entry) in children(host.files(), folder, haul) {
            let owner = |user: &&User| user.name.as_bytes() == entry.name && user.name != "root";
            let (scope, half) = match host.facts().users.iter().find(owner) {
                Some(user) => (Scope::User(user.n), ScopeKind::User),
                None => (Scope::Machine, ScopeKind::Machine),
            };
            if want.scope.includes(half) {
                let (kind, listed) = (crontab::Kind::User, Some(entry.kind));
                table(host.files(), &Table { path, kind, scope, listed }, haul);
            }
        }
    }
}

#[cfg(test)]
#[path = "autostart_tests.rs"]
mod tests;
