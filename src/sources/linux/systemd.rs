//! systemd units of the machine and of every user: who is started, by which program; systemd.unit(5).
//!
//! One list per folder, one read per unit. Links that only enable a unit, or give it another name, are no units of
//! their own; one that leads nowhere is what a removal left, and its name still counts.

use std::collections::{BTreeMap, HashSet};

use crate::host::{Entry, Files, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, ItemKind, Place, Scope, ScopeKind, State, Trace, Wanted,
};
use crate::parse::unit;
use crate::sources::{About, Haul, Outcome, Source};

use super::programs::{Program, locate};

/// The source `systemd`.
pub struct Systemd;

/// Unit folders of the machine, systemd.unit(5) "Unit File Load Path".
const MACHINE: &[&str] = &[
    "/etc/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
    "/etc/systemd/user",
    "/run/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user",
    "/lib/systemd/user",
];
/// Unit folders in a user's home.
const OWN: &[&str] = &[".config/systemd/user", ".local/share/systemd/user"];
/// Where a host that runs systemd keeps it, and the units that come with it.
const MANAGER: &[&str] = &["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];
const SHIPPED: &[&str] = &["/usr/lib/systemd/system", "/lib/systemd/system"];
/// Unit types that start something, and the section without which none is whole.
const TYPES: &[(&str, &str)] =
    &[(".service", "Service"), (".socket", "Socket"), (".timer", "Timer"), (".path", "Path")];
/// One of these a service must have, or `SuccessAction` of its unit (systemd.service(5)).
const STARTING: &[&[u8]] = &[b"ExecStart", b"ExecStop"];
/// Real units have some kilobytes.
const LIMIT: u64 = 1 << 20;

static ABOUT: About = About {
    name: "systemd",
    summary: "systemd units of the machine and of every user, with the programs that they start",
    families: &[Family::Linux],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Service, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for Systemd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut folders = Vec::new();
        if want.scope.includes(ScopeKind::Machine) {
            folders.extend(MACHINE.iter().map(|folder| (HostPath::from(*folder), Owner::MACHINE)));
            expect_units(host.files(), haul);
        }
        for user in haul.users(host, want) {
            let owner = Owner { scope: Scope::User(user.n), home: Some(user.home.clone()) };
            folders.extend(OWN.iter().map(|own| (user.home.join(own), owner.clone())));
        }
        let mut units = Units { files: host.files(), haul, real: HashSet::new(), known: HashSet::new() };
        let listed = units.list(folders);
        if listed.is_empty() && units.haul.gap_list().next().is_none() {
            return Outcome::NotApplicable("there is no folder of systemd units".to_owned());
        }
        for folder in &listed {
            units.folder(folder);
        }
        for folder in &listed {
            units.enabled(folder);
        }
        Outcome::Read
    }
}

/// A host with systemd has the units that come with it.
fn expect_units(files: &dyn Files, haul: &mut Haul) {
    let stat = |path: &str| files.stat(&path.into());
    let there = MANAGER.iter().any(|path| stat(path).is_ok());
    if there && SHIPPED.iter().all(|path| stat(path) == Err(Miss::Absent)) {
        let place = SHIPPED.first().copied().unwrap_or_default();
        haul.gap_with(GapReason::Missing, &place.into(), "systemd is here, its units are not");
    }
}

/// Whose a folder of units is.
#[derive(Clone)]
struct Owner {
    scope: Scope,
    /// What `%h` stands for in a unit of this user; in units for every user it differs from one to the next.
    home: Option<HostPath>,
}

impl Owner {
    const MACHINE: Self = Self { scope: Scope::Machine, home: None };
}

/// A folder of units that was listed.
struct Listed {
    path: HostPath,
    owner: Owner,
    entries: Vec<Entry>,
}

/// A reading of units under way.
struct Units<'a> {
    files: &'a dyn Files,
    haul: &'a mut Haul,
    /// Folders listed so far, links resolved: `/lib` is `/usr/lib` on most systems.
    real: HashSet<HostPath>,
    /// Names of units whose files were seen.
    known: HashSet<Vec<u8>>,
}

impl Units<'_> {
    /// Lists the folders that are there, each once.
    fn list(&mut self, folders: Vec<(HostPath, Owner)>) -> Vec<Listed> {
        let mut listed = Vec::new();
        for (path, owner) in folders {
            let Some(real) = self.haul.optional(&path, self.files.resolve(&path)) else { continue };
            if self.real.insert(real)
                && let Some(entries) = self.haul.optional(&path, self.files.list(&path))
            {
                listed.push(Listed { path, owner, entries });
            }
        }
        listed
    }

    fn folder(&mut self, folder: &Listed) {
        for entry in &folder.entries {
            if !self.haul.time_left() {
                return;
            }
            if let Some(section) = section(&entry.name)
                && entry.kind != Kind::Folder
            {
                let trace = self.entry(folder, entry, section);
                self.haul_up(trace, &folder.owner.scope);
            }
        }
    }

    fn haul_up(&mut self, trace: Option<Trace>, scope: &Scope) {
        if let Some(mut trace) = trace {
            trace.scope = scope.clone();
            self.haul.push(trace);
        }
    }

    /// One entry that has the name of a unit; none when it is no unit of its own.
    fn entry(&mut self, folder: &Listed, entry: &Entry, section: &str) -> Option<Trace> {
        let path = folder.path.join(&entry.name);
        if entry.kind == Kind::Link {
            let left = self.link(&path);
            if left != Target::Unit {
                return (left == Target::Nothing).then(|| remnant(&path));
            }
        }
        self.known.insert(entry.name.clone());
        let read = self.files.read(&path, LIMIT);
        let gone = read.as_ref().is_err_and(|miss| *miss == Miss::Absent);
        let Some(bytes) = self.haul.listed(&path, read) else {
            // Unreadable: that there is a unit of this name can be told all the same.
            return (!gone).then(|| {
                Trace::new(ItemKind::Service, path.file_name_text(), State::Installed, Place::file(path))
            });
        };
        Some(self.unit(&path, &bytes, section, folder.owner.home.as_ref()))
    }

    fn link(&mut self, path: &HostPath) -> Target {
        match self.files.resolve(path) {
            // `systemctl mask`: a link to /dev/null, which a dead disk may lack.
            Ok(real) if real.as_bytes() == b"/dev/null" => Target::Nothing,
            Ok(real) if section(real.file_name()).is_some() && self.is_listed(&real) => Target::Alias,
            Ok(_) => Target::Unit,
            Err(Miss::Absent) => Target::Nothing,
            Err(miss) => {
                self.haul.miss(path, &miss);
                Target::Nothing
            }
        }
    }

    /// Whether a file lies directly in a folder that is read anyway.
    fn is_listed(&self, real: &HostPath) -> bool {
        real.parent().is_some_and(|folder| self.real.contains(&folder))
    }

    /// A unit that was read.
    fn unit(&mut self, path: &HostPath, bytes: &[u8], section: &str, home: Option<&HostPath>) -> Trace {
        let parsed = unit::entries(bytes);
        let program = program(&parsed.records).map(|program| at_home(program, home));
        let found = program.map_or(Program::Unknown, |program| locate(self.files, &program, &[], self.haul));
        let mut trace =
            Trace::new(ItemKind::Service, path.file_name_text(), found.state(), Place::file(path.clone()));
        let description = unit::last(&parsed.records, "Unit", "Description");
        trace.display_name = description.map(|text| String::from_utf8_lossy(text).into_owned());
        trace.image = found.image();
        self.haul.faults(path, &parsed.faults);
        if bytes.trim_ascii().is_empty() {
            self.haul.gap(GapReason::Empty, path);
        } else if !is_whole(&parsed.records, section)
            || (trace.state == State::Remnant && !bytes.ends_with(b"\n"))
        {
            let detail = format!("a unit without what [{section}] must hold, or without its end");
            self.haul.gap_with(GapReason::Truncated, path, detail);
        }
        trace
    }

    /// `*.wants` and `*.requires`: links that enable a unit. Where the unit is gone, the link is what is left of it.
    fn enabled(&mut self, folder: &Listed) {
        let enabling = |entry: &&Entry| {
            entry.kind == Kind::Folder
                && (entry.name.ends_with(b".wants") || entry.name.ends_with(b".requires"))
        };
        let mut left = BTreeMap::new();
        for entry in folder.entries.iter().filter(enabling) {
            let wants = folder.path.join(&entry.name);
            let read = self.files.list(&wants);
            let links = self.haul.listed(&wants, read).unwrap_or_default();
            left.extend(links.into_iter().filter_map(|link| self.left(wants.join(&link.name), link.name)));
        }
        for (name, path) in left {
            if self.known.insert(name) {
                self.haul_up(Some(remnant(&path)), &folder.owner.scope);
            }
        }
    }

    /// Name and path of a link that enables a unit which is gone.
    fn left(&self, link: HostPath, name: Vec<u8>) -> Option<(Vec<u8>, HostPath)> {
        let left = section(&name).is_some()
            && !self.known.contains(&template(&name))
            && self.files.resolve(&link) == Err(Miss::Absent);
        left.then_some((name, link))
    }
}

/// Whether a unit holds what systemd asks of it: it refuses one without its section, and a service that starts
/// nothing (systemd.service(5)), so that a sound unit always does, and one that was cut off seldom.
fn is_whole(entries: &[unit::Entry<'_>], section: &str) -> bool {
    entries.iter().any(|one| match one.section {
        b"Unit" => one.key == b"SuccessAction" && !one.value.is_empty(),
        b"Service" => STARTING.contains(&one.key) && unit::program(&one.value).is_some(),
        other => other == section.as_bytes(),
    })
}

/// A program in the user's own home: systemd.unit(5), "Specifiers".
fn at_home(program: Vec<u8>, home: Option<&HostPath>) -> Vec<u8> {
    match (program.strip_prefix(b"%h/"), home) {
        (Some(below), Some(home)) => home.join(below).as_bytes().to_vec(),
        _ => program,
    }
}

/// What a link among the units leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// A unit file that lies elsewhere.
    Unit,
    /// Another unit, which is read by its own name.
    Alias,
    /// Nothing: masked, or its file is gone.
    Nothing,
}

/// A unit whose file is gone, or that is masked.
fn remnant(path: &HostPath) -> Trace {
    Trace::new(ItemKind::Service, path.file_name_text(), State::Remnant, Place::file(path.clone()))
}

/// The section that a unit of this name must have; none when it is no unit that starts something.
fn section(name: &[u8]) -> Option<&'static str> {
    TYPES.iter().find(|(suffix, _)| name.ends_with(suffix.as_bytes())).map(|(_, section)| *section)
}

/// `getty@.service` of `getty@tty1.service`; other names as they are.
fn template(name: &[u8]) -> Vec<u8> {
    let at = name.iter().position(|&b| b == b'@');
    let dot = name.iter().rposition(|&b| b == b'.');
    match (at.and_then(|at| name.get(..=at)), dot.and_then(|dot| name.get(dot..))) {
        (Some(head), Some(tail)) => [head, tail].concat(),
        _ => name.to_vec(),
    }
}

/// The program that a service starts first.
fn program(entries: &[unit::Entry<'_>]) -> Option<Vec<u8>> {
    let mut first = None;
    for one in entries.iter().filter(|one| one.section == b"Service" && one.key == b"ExecStart") {
        if one.value.is_empty() {
            first = None;
        } else if first.is_none() {
            first = unit::program(&one.value);
        }
    }
    first.or_else(|| unit::programs(entries).into_iter().next())
}

#[cfg(test)]
#[path = "systemd_tests.rs"]
mod tests;
