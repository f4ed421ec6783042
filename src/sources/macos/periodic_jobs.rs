//! What runs on a schedule or with the machine without launchd: tables of cron, the scripts of periodic(8), and the items
//! of `StartupItems`, which macOS ran until 10.9.
//!
//! Only the program of a job is kept: its arguments may hold secrets.

use std::collections::HashSet;

use crate::host::{Entry, Files, Host, Kind};
use crate::model::{Family, Field, HostPath, ItemKind, Place, Scope, ScopeKind, State, Trace, Wanted};
use crate::parse::crontab;
use crate::sources::{About, Haul, Outcome, Source};

use super::programs;

/// The source `periodic-jobs`.
pub struct PeriodicJobs;

/// The machine's own table, and the folder of those of users: crontab(5), where `/usr/lib/cron` leads.
const TABLE: &str = "/private/etc/crontab";
const TABLES: &str = "/private/var/at/tabs";
/// Folders of folders of scripts, and what these are called: periodic(8).
const PERIODIC: &[&str] = &["/private/etc/periodic", "/usr/local/etc/periodic"];
/// Folders of items, each a folder with a program of its name.
const STARTUP: &[&str] = &["/Library/StartupItems", "/System/Library/StartupItems"];
/// Real tables have some kilobytes.
const LIMIT: u64 = 1 << 20;

static ABOUT: About = About {
    name: "periodic-jobs",
    summary: "what runs by cron, by periodic scripts, or as a startup item of old",
    families: &[Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Autostart, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for PeriodicJobs {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let files = host.files();
        if want.scope.includes(ScopeKind::Machine) {
            let path = HostPath::from(TABLE);
            let read = files.read(&path, LIMIT);
            if let Some(bytes) = haul.optional(&path, read) {
                let (kind, scope) = (crontab::Kind::System, &Scope::Machine);
                jobs(files, &Table { path: &path, bytes: &bytes, kind, scope }, haul);
            }
            for folder in PERIODIC {
                scripts(files, &(*folder).into(), haul);
            }
            for folder in STARTUP {
                startup_items(files, &(*folder).into(), haul);
            }
        }
        tables(host, want, haul);
        Outcome::Read
    }
}

fn children(files: &dyn Files, folder: &HostPath, haul: &mut Haul) -> Vec<(HostPath, Entry)> {
    let entries = haul.optional(folder, files.list(folder)).unwrap_or_default().into_iter();
    entries
        .filter(|entry| !entry.name.starts_with(b"."))
        .map(|entry| (folder.join(&entry.name), entry))
        .collect()
}

/// Tables of users. root's starts programs for the machine, and so does that of an account without a home.
fn tables(host: &dyn Host, want: &Wanted, haul: &mut Haul) {
    for (path, entry) in children(host.files(), &TABLES.into(), haul) {
        let owner =
            host.facts().users.iter().find(|user| user.name.as_bytes() == entry.name && user.name != "root");
        let (scope, half) = match owner {
            Some(user) => (Scope::User(user.n), ScopeKind::User),
            None => (Scope::Machine, ScopeKind::Machine),
        };
        if entry.kind == Kind::Folder || !want.scope.includes(half) {
            continue;
        }
        let read = host.files().read(&path, LIMIT);
        if let Some(bytes) = haul.listed(&path, read) {
            let kind = crontab::Kind::User;
            jobs(host.files(), &Table { path: &path, bytes: &bytes, kind, scope: &scope }, haul);
        }
    }
}

/// A table of cron jobs that was read.
struct Table<'t> {
    path: &'t HostPath,
    bytes: &'t [u8],
    kind: crontab::Kind,
    scope: &'t Scope,
}

/// The programs of one table, each once.
fn jobs(files: &dyn Files, table: &Table<'_>, haul: &mut Haul) {
    let Table { path, bytes, kind, scope } = table;
    let parsed = crontab::crontab(bytes, *kind);
    haul.faults(path, &parsed.faults);
    let mut seen = HashSet::new();
    for job in parsed.records.iter().filter(|job| seen.insert(job.program.clone())) {
        let program = String::from_utf8_lossy(&job.program);
        let image = programs::started(files, &program, &[], haul);
        let base = HostPath::new(job.program.clone()).file_name_text();
        let place = Place::record((*path).clone(), format!("line {}", job.line));
        let name = format!("{}:{base}", path.file_name_text());
        let mut trace = Trace::new(ItemKind::Autostart, name, State::of_record(image.as_ref()), place);
        trace.image = image;
        trace.scope = (*scope).clone();
        haul.push(trace);
    }
}

/// Scripts by period, each period a folder.
fn scripts(files: &dyn Files, folder: &HostPath, haul: &mut Haul) {
    let periods = children(files, folder, haul).into_iter().filter(|(_, entry)| entry.kind == Kind::Folder);
    for (period, _) in periods {
        for (path, entry) in children(files, &period, haul) {
            if entry.kind != Kind::Folder {
                script(files, &path, &path, haul);
            }
        }
    }
}

/// An item is its program, which is called as its folder; without one nothing of it can run.
fn startup_items(files: &dyn Files, folder: &HostPath, haul: &mut Haul) {
    for (item, entry) in children(files, folder, haul) {
        if entry.kind == Kind::Folder {
            script(files, &item, &item.join(&entry.name), haul);
        }
    }
}

fn script(files: &dyn Files, place: &HostPath, program: &HostPath, haul: &mut Haul) {
    let image = programs::at(files, program.clone(), haul);
    let name = place.file_name_text();
    let mut trace =
        Trace::new(ItemKind::Autostart, name, State::of_record(Some(&image)), Place::file(place.clone()));
    trace.image = Some(image);
    haul.push(trace);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, Miss};
    use crate::model::{GapReason, ScopeAsk};
    use crate::sources::testing::{collect, collect_for};

    fn text(text: &str) -> FakeNode {
        FakeNode::File(text.as_bytes().to_vec())
    }

    fn host(extra: &[(&str, FakeNode)]) -> FakeHost {
        let nodes = [
            (
                "/private/var/at/tabs/alice",
                text("# x\n*/5 * * * * /opt/acme/tool --token=secret\n* * * * * /opt/acme/tool\n"),
            ),
            ("/private/var/at/tabs/root", text("@reboot /gone/x\n")),
            ("/opt/acme/tool", FakeNode::Program(vec![])),
            ("/private/etc/periodic/daily/110.clean", FakeNode::Program(vec![])),
            ("/private/etc/periodic/weekly/link", FakeNode::Link(b"/gone".to_vec())),
            ("/Library/StartupItems/Acme/Acme", FakeNode::Program(vec![])),
            ("/Library/StartupItems/Old/StartupParameters.plist", text("")),
            ("/Users/alice/x", FakeNode::Folder),
        ];
        FakeHost::macos(nodes.into_iter().chain(extra.iter().cloned()))
    }

    #[test]
    fn tables_scripts_and_items() {
        let (haul, outcome) = collect(&PeriodicJobs, &host(&[]));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let seen: Vec<_> =
            haul.traces().iter().map(|one| (one.name.as_str(), one.state, one.scope.clone())).collect();
        assert_eq!(
            seen,
            [
                ("110.clean", State::Installed, Scope::Machine),
                ("link", State::Remnant, Scope::Machine),
                ("Acme", State::Installed, Scope::Machine),
                ("Old", State::Remnant, Scope::Machine),
                ("alice:tool", State::Installed, Scope::User(1)),
                ("root:x", State::Remnant, Scope::Machine),
            ]
        );
        assert!(!format!("{:?}", haul.traces()).contains("secret"));
        let of = |scope| {
            let want = Wanted { scope, ..Wanted::default() };
            collect_for(&PeriodicJobs, &host(&[]), &want).0.traces().len()
        };
        assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (5, 1));
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let gaps = |path: &str, node| collect(&PeriodicJobs, &host(&[(path, node)])).0.gaps();
        let denied = [(GapReason::PermissionDenied, true)];
        for folder in [TABLES, "/private/etc/periodic/daily", "/Library/StartupItems"] {
            assert_eq!(gaps(folder, FakeNode::Broken(Miss::Denied)), denied, "{folder}");
        }
        for file in [TABLE, "/private/var/at/tabs/bob"] {
            assert_eq!(gaps(file, FakeNode::Unreadable(Miss::Denied)), denied, "{file}");
        }
        let cut = gaps(TABLE, text("17 * * * * root"));
        assert!(cut.len() == 2 && cut.iter().all(|(_, blocks)| *blocks), "{cut:?}");
    }
}
