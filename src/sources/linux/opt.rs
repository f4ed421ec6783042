//! Vendor trees: `/opt`, what is not standard below `/usr/local`, and the places that a rule names.
//!
//! The trees themselves are looked at in `opt_tree.rs`; here is which of them there are, and in what order: those
//! that a rule names first, so that no flood of other files can use up the budget before them.

use std::collections::HashSet;

use crate::host::{Files, Host, Kind, Miss};
use crate::model::{Depth, Family, Field, HostPath, ItemKind, Order, State, Wanted};
use crate::sources::{About, Haul, Outcome, Source};

use super::opt_tree::{Budget, Tree, executable, look, push, push_program, report};

/// The source `opt`.
pub struct Opt;

const OPT: &str = "/opt";
const LOCAL: &str = "/usr/local";
/// Folders of `/usr/local` that belong to every system (FHS 3.0, section 4.9).
const LOCAL_STANDARD: &[&[u8]] = &[
    b"bin", b"etc", b"games", b"include", b"lib", b"lib32", b"lib64", b"libexec", b"libx32", b"man", b"sbin",
    b"share", b"src", b"info",
];
/// Folders of `/usr/local` that hold programs directly.
const LOCAL_PROGRAMS: &[&str] = &["/usr/local/bin", "/usr/local/sbin", "/usr/local/libexec"];
/// Reserved below `/opt` for the administrator (FHS 3.0, section 3.13): no vendor's tree.
const OPT_RESERVED: &[&[u8]] =
    &[b"bin", b"doc", b"etc", b"include", b"info", b"lib", b"lib64", b"libexec", b"man", b"sbin", b"share"];
/// Folders of every system: that they are there says nothing, whatever rule names them.
const COMMON: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/etc/cron.d",
    "/etc/init.d",
    "/etc/opt",
    "/etc/systemd",
    "/etc/systemd/system",
    "/etc/xdg",
    "/etc/xdg/autostart",
    "/home",
    "/lib",
    "/lib/modules",
    "/lib64",
    "/media",
    "/mnt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/snap",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib/modules",
    "/usr/lib/systemd",
    "/usr/lib/systemd/system",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/lib",
    "/usr/local/libexec",
    "/usr/local/sbin",
    "/usr/local/share",
    "/usr/sbin",
    "/usr/share",
    "/usr/share/applications",
    "/usr/share/doc",
    "/usr/src",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/opt",
    "/var/run",
    "/var/spool",
    "/var/tmp",
];

static ABOUT: About = About {
    name: "opt",
    summary: "vendor trees in /opt and /usr/local, and the folders that a rule names",
    families: &[Family::Linux],
    depth: Depth::Standard,
    yields: &[
        (ItemKind::Application, &[State::Present]),
        (ItemKind::Executable, &[State::Present]),
        (ItemKind::Trace, &[State::Remnant]),
    ],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for Opt {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut budget = Budget::new();
        named(host, want, &mut budget, haul);
        for folder in LOCAL_PROGRAMS {
            programs(host.files(), folder, &mut budget, haul);
        }
        for area in AREAS {
            trees(host, area, want, &mut budget, haul);
        }
        Outcome::Read
    }
}

/// What a rule names by its path, outside of the trees that are walked anyway.
fn named(host: &dyn Host, want: &Wanted, budget: &mut Budget, haul: &mut Haul) {
    let mut walked: Option<HostPath> = None;
    for root in
        want.path_roots.iter().filter(|root| root.is_absolute() && !is_common(root) && !in_trees(root))
    {
        let looked = host.files().stat(root).and_then(|stat| Ok((stat, host.files().resolve(root)?)));
        let Some((stat, real)) = haul.optional(root, looked) else { continue };
        if executable(stat) && stat.executable.is_some() {
            push_program(root.clone(), real, haul);
            continue;
        }
        push(ItemKind::Trace, State::Remnant, root, haul);
        // Roots come in order: one below another follows it.
        let again = walked.as_ref().is_some_and(|walked| root.is_within(walked));
        if stat.kind == Kind::Folder && !again {
            look(host.files(), &Tree { name: root.clone(), real }, budget, haul);
            walked = Some(root.clone());
        }
    }
}

/// Whether it is a folder of every system.
pub(super) fn is_common(path: &HostPath) -> bool {
    let bytes = path.as_bytes();
    let bare = HostPath::new(bytes.strip_suffix(b"/").unwrap_or(bytes));
    bytes == b"/" || COMMON.iter().any(|common| bare == HostPath::from(*common))
}

/// Whether the trees below `/opt` and `/usr/local` hold it anyway.
fn in_trees(path: &HostPath) -> bool {
    let local = path.is_within(&LOCAL.into());
    let third = path.parts().nth(2).unwrap_or_default();
    path.is_within(&OPT.into()) || (local && !LOCAL_STANDARD.contains(&third))
}

/// A folder whose children are trees.
struct Area {
    folder: &'static str,
    /// Children that are no vendor's.
    standard: &'static [&'static [u8]],
    /// Whether programs in those are looked for.
    enter_standard: bool,
}

const AREAS: &[Area] = &[
    Area { folder: OPT, standard: OPT_RESERVED, enter_standard: true },
    Area { folder: LOCAL, standard: LOCAL_STANDARD, enter_standard: false },
];

/// The trees directly below a folder, those first that a rule names.
fn trees(host: &dyn Host, area: &Area, want: &Wanted, budget: &mut Budget, haul: &mut Haul) {
    let folder = HostPath::from(area.folder);
    let read = host.files().list(&folder);
    let Some(mut entries) = haul.optional(&folder, read) else { return };
    let below = want.path_roots.iter().filter(|root| root.is_within(&folder));
    let depth = folder.parts().count();
    let named: HashSet<&[u8]> = below.filter_map(|root| root.parts().nth(depth)).collect();
    entries.order_by_key(|entry| !named.contains(entry.name.as_slice()));
    for entry in entries {
        let child = Child {
            path: folder.join(&entry.name),
            standard: area.standard.contains(&entry.name.as_slice()),
            named: named.contains(entry.name.as_slice()),
        };
        if child.standard && !area.enter_standard {
            continue;
        }
        if !budget.entry(&child.path, haul) {
            return;
        }
        match entry.kind {
            Kind::Folder => folder_child(host.files(), child, budget, haul),
            Kind::Link => link_child(host.files(), child, &folder, budget, haul),
            Kind::File => file_child(host.files(), child.path, haul),
            Kind::Device | Kind::Pipe | Kind::Socket => {}
        }
    }
}

/// A child of an area.
struct Child {
    path: HostPath,
    standard: bool,
    named: bool,
}

fn folder_child(files: &dyn Files, child: Child, budget: &mut Budget, haul: &mut Haul) {
    let Some(real) = haul.listed(&child.path, files.resolve(&child.path)) else { return };
    let tree = Tree { name: child.path, real };
    let found = look(files, &tree, budget, haul);
    if !child.standard {
        report(&tree, &found, haul);
    }
}

/// A tree that lies elsewhere. One that lies beside it is walked once, by its own name, unless a rule names this one.
fn link_child(files: &dyn Files, child: Child, area: &HostPath, budget: &mut Budget, haul: &mut Haul) {
    match (files.resolve(&child.path), files.stat(&child.path)) {
        (Ok(real), Ok(stat)) if stat.kind == Kind::Folder => {
            let beside = files.resolve(area).is_ok_and(|area| real.is_within(&area));
            if !is_common(&real) && (child.named || !beside) {
                folder_child(files, child, budget, haul);
            }
        }
        (Ok(_), Ok(_)) => file_child(files, child.path, haul),
        (Err(Miss::Absent), _) | (_, Err(Miss::Absent)) => {
            push(ItemKind::Trace, State::Remnant, &child.path, haul);
        }
        (Err(miss), _) | (_, Err(miss)) => haul.miss(&child.path, &miss),
    }
}

fn file_child(files: &dyn Files, path: HostPath, haul: &mut Haul) {
    let read = files.stat(&path).and_then(|stat| Ok((stat, files.resolve(&path)?)));
    if let Some((stat, real)) = haul.listed(&path, read)
        && executable(stat)
    {
        push_program(path, real, haul);
    }
}

/// Program files directly in a folder of programs. Links lead to files that are seen where they lie.
fn programs(files: &dyn Files, folder: &str, budget: &mut Budget, haul: &mut Haul) {
    let folder = HostPath::from(folder);
    let read = files.list(&folder);
    let entries = haul.optional(&folder, read).unwrap_or_default();
    for entry in entries.iter().filter(|entry| entry.kind == Kind::File) {
        if !budget.entry(&folder, haul) {
            return;
        }
        file_child(files, folder.join(&entry.name), haul);
    }
}

#[cfg(test)]
#[path = "opt_tests.rs"]
mod tests;
