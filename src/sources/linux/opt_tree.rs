//! One vendor tree: its programs, and what makes it an application or a leftover.
//!
//! Called by `opt` and, for macOS, by `vendor-paths`. A walk with a budget: what it cannot reach is a gap.

use std::collections::BTreeMap;

use crate::host::{Files, Kind, Miss, Stat, WalkNext, Walked};
use crate::model::{GapReason, HostPath, Image, ItemKind, Place, State, Trace};
use crate::sources::Haul;

/// Files and folders looked at in all trees together.
const ENTRIES: u32 = 100_000;
/// Programs reported from all trees together: each costs memory until the report is written.
const PROGRAMS: u32 = 20_000;
/// Other file systems entered below one tree.
const MOUNTS: usize = 16;

/// Folders that hold programs and libraries: there the execute bit alone makes a program.
const PROGRAM_FOLDERS: &[&[u8]] = &[b"bin", b"sbin", b"libexec", b"lib", b"lib32", b"lib64"];
/// Parts of one product, no products of their own.
const PARTS: &[&[u8]] = &[
    b"bin", b"sbin", b"libexec", b"lib", b"lib32", b"lib64", b"usr", b"share", b"etc", b"var", b"doc",
    b"docs", b"include", b"man",
];
/// Data: with the execute bit everywhere on a file system that keeps none.
const DATA: &[&str] = &[
    "c",
    "cfg",
    "class",
    "cmake",
    "conf",
    "cpp",
    "css",
    "csv",
    "dat",
    "db",
    "gif",
    "gz",
    "h",
    "hpp",
    "htm",
    "html",
    "ico",
    "ini",
    "jpg",
    "json",
    "map",
    "md",
    "o",
    "pdf",
    "pem",
    "png",
    "properties",
    "pyc",
    "rst",
    "sql",
    "svg",
    "ts",
    "ttf",
    "txt",
    "xml",
    "yaml",
    "yml",
    "zip",
];
/// Scripts and libraries: programs only where programs lie.
const CODE: &[&str] =
    &["a", "bash", "bat", "jar", "js", "la", "lua", "php", "pl", "pm", "py", "rb", "sh", "so", "tcl"];

/// What may still be looked at.
#[derive(Debug)]
pub(in crate::sources) struct Budget {
    entries: u32,
    programs: u32,
}

impl Budget {
    pub(in crate::sources) fn new() -> Self {
        Self { entries: ENTRIES, programs: PROGRAMS }
    }

    /// Takes one entry; none left, or no time, is a gap at `place`.
    pub(super) fn entry(&mut self, place: &HostPath, haul: &mut Haul) -> bool {
        if self.entries > 0 && haul.time_left() {
            self.entries -= 1;
            return true;
        }
        haul.gap_with(
            GapReason::Budget,
            place,
            format!("more than {ENTRIES} entries in vendor trees, or no time left"),
        );
        false
    }

    fn program(&mut self, place: &HostPath, haul: &mut Haul) -> bool {
        if self.programs > 0 {
            self.programs -= 1;
            return true;
        }
        haul.gap_with(GapReason::Budget, place, format!("more than {PROGRAMS} programs in vendor trees"));
        false
    }
}

/// A tree by the name it is known by, and where that leads.
#[derive(Debug)]
pub(in crate::sources) struct Tree {
    /// As written: `/opt/kaspersky`.
    pub(in crate::sources) name: HostPath,
    /// With its links resolved: `/var/opt/kaspersky`.
    pub(in crate::sources) real: HostPath,
}

/// What a tree holds.
#[derive(Debug, Default)]
pub(in crate::sources) struct Found {
    /// Programs in the tree itself, or in the usual folders of a product.
    direct: bool,
    /// Its folders that may be products, and whether each holds a program.
    products: BTreeMap<Vec<u8>, bool>,
}

/// Walks a tree and reports its programs.
pub(in crate::sources) fn look(
    files: &dyn Files,
    tree: &Tree,
    budget: &mut Budget,
    haul: &mut Haul,
) -> Found {
    let mut look = Look { tree, budget, haul, found: Found::default(), mounts: Vec::new(), entered: 0 };
    let mut next = Some(tree.real.clone());
    while let Some(start) = next {
        let walked = files.walk(&start, &mut |step| look.step(step));
        look.haul.listed(&start, walked);
        next = look.mounts.pop();
    }
    look.found
}

/// Reports what a vendor's tree is: applications where there are programs, else a leftover.
pub(super) fn report(tree: &Tree, found: &Found, haul: &mut Haul) {
    let whole = &tree.name;
    if found.direct {
        return push(ItemKind::Application, State::Present, whole, haul);
    }
    if !found.products.values().any(|has| *has) {
        return push(ItemKind::Trace, State::Remnant, whole, haul);
    }
    for (product, has) in &found.products {
        let path = whole.join(product);
        if *has {
            push(ItemKind::Application, State::Present, &path, haul);
        } else {
            push(ItemKind::Trace, State::Remnant, &path, haul);
        }
    }
}

/// Reports a folder or file by its name and path.
pub(super) fn push(kind: ItemKind, state: State, path: &HostPath, haul: &mut Haul) {
    let mut trace = Trace::new(kind, path.file_name_text(), state, Place::file(path.clone()));
    trace.path = Some(path.clone());
    haul.push(trace);
}

/// Reports a program file; `written` is the name it is known by where a link leads to it.
pub(in crate::sources) fn push_program(written: HostPath, real: HostPath, haul: &mut Haul) {
    let place = Place::file(written.clone());
    let mut trace = Trace::new(ItemKind::Executable, written.file_name_text(), State::Present, place);
    trace.path = (written != real).then_some(written);
    trace.image = Some(Image { path: real, exists: Some(true) });
    haul.push(trace);
}

/// A walk under way.
struct Look<'a> {
    tree: &'a Tree,
    budget: &'a mut Budget,
    haul: &'a mut Haul,
    found: Found,
    mounts: Vec<HostPath>,
    entered: usize,
}

impl Look<'_> {
    fn step(&mut self, step: Walked) -> WalkNext {
        if !self.budget.entry(&self.tree.name, self.haul) {
            return WalkNext::Stop;
        }
        match step {
            Walked::Seen { path, stat } => self.seen(&path, stat),
            Walked::Missed(path, Miss::Overmounted) if self.entered < MOUNTS => {
                // Another file system begins here: it is walked on its own, or refused there with its reason.
                self.entered += 1;
                self.mounts.push(path);
                WalkNext::On
            }
            Walked::Missed(path, miss) => {
                self.haul.listed::<()>(&path, Err(miss));
                WalkNext::On
            }
        }
    }

    fn seen(&mut self, path: &HostPath, stat: Stat) -> WalkNext {
        let inside = path.as_bytes().strip_prefix(self.tree.real.as_bytes()).unwrap_or_default();
        let inside = HostPath::new(inside);
        let parts: Vec<&[u8]> = inside.parts().collect();
        let product = parts.first().filter(|first| !PARTS.contains(first));
        if let ([one], Some(_), Kind::Folder) = (parts.as_slice(), product, stat.kind) {
            self.found.products.entry(one.to_vec()).or_insert(false);
        }
        if !is_program(&parts, stat) {
            return WalkNext::On;
        }
        match product {
            Some(product) if parts.len() > 1 => {
                self.found.products.insert(product.to_vec(), true);
            }
            _ => self.found.direct = true,
        }
        if !self.budget.program(&self.tree.name, self.haul) {
            return WalkNext::Stop;
        }
        push_program(self.tree.name.join(inside.as_bytes()), path.clone(), self.haul);
        WalkNext::On
    }
}

/// Whether a file of a tree is a program; `parts` are its path inside the tree.
fn is_program(parts: &[&[u8]], stat: Stat) -> bool {
    let Some((name, folders)) = parts.split_last() else { return false };
    if stat.kind != Kind::File || stat.executable == Some(false) {
        return false;
    }
    if folders.iter().any(|folder| PROGRAM_FOLDERS.contains(folder)) {
        return true;
    }
    // Elsewhere the bit must be there to say so (`None`: the scanner's system keeps none).
    let suffix = suffix(name);
    let is = |list: &[&str]| suffix.as_deref().is_some_and(|suffix| list.contains(&suffix));
    stat.executable == Some(true) && !is(DATA) && (folders.len() <= 1 || !is(CODE))
}

/// `so` of `x.so` and of `x.so.1.2`; none of `x-1.2`.
fn suffix(name: &[u8]) -> Option<String> {
    let name = String::from_utf8_lossy(name).to_lowercase();
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let suffix = |name: &str| name.rsplit_once('.').map(|(_, suffix)| suffix.to_owned());
    suffix(&name).filter(|suffix| suffix.parse::<u32>().is_err()).or_else(|| suffix(bare))
}

/// Whether this file by itself is a program (no tree around it).
pub(in crate::sources) fn executable(stat: Stat) -> bool {
    stat.kind == Kind::File && stat.executable != Some(false)
}
