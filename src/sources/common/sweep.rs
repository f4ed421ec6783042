//! Every regular file of the system's own disks, whatever it is called and wherever it lies: programs told by their first
//! bytes, and files whose hash a rule asks for. Runs where `--depth deep` asks for it.
//!
//! What is kept: only what a rule could match. A distribution has a hundred thousand programs, a Windows more, and what an
//! inventory would gain by listing each is what its packages say already; every one is looked at and offered, and the report
//! counts those that were not kept, so that nobody takes them for not looked at. Memory stays the same however many files
//! there are.
//!
//! What is passed over: what the kernel makes up, file systems of other machines (a gap), and roots of other systems inside
//! this one, which `foreign-roots` names.

use std::collections::{BTreeSet, VecDeque};

use crate::host::{Host, Kind, Miss, WalkNext, Walked};
use crate::model::{
    Depth, Family, Field, GapReason, HostPath, ItemKind, Order, Scope, ScopeKind, State, Wanted,
};
use crate::sources::{About, Haul, Outcome, Source};

use super::file_look::{FileLook, look};
use super::foreign_roots;
use super::read_ahead::{Ahead, Ask, read_ahead};

/// The source `sweep`.
pub struct Sweep;

/// Files and folders of a host that are met: a file server has as many, and time runs out long before.
const ENTRIES: u64 = 20_000_000;
/// File systems mounted below the root that are entered: a desktop has a hundred snaps.
const MOUNTS: usize = 512;
/// File systems of programs that show what lies elsewhere: on this disk, in a file that is met where it lies, or on devices
/// and servers that a desktop offers. Every desktop has some, and no software is on the computer for being shown there.
const SHOWS: &[&str] = &["fuse.portal", "fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.rofiles-fuse"];
/// No program is smaller.
const SMALLEST: u64 = 4;

static ABOUT: About = About {
    name: "sweep",
    summary: "every file of the system's own disks that is a program by its first bytes, and those whose hash a rule asks for; \
     kept where a rule could match it",
    families: &[Family::Linux, Family::Windows, Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    depth: Depth::Deep,
    yields: &[(ItemKind::Executable, &[State::Present])],
    fields: &[
        Field::Name,
        Field::Publisher,
        Field::Version,
        Field::Signer,
        Field::Identifier,
        Field::Path,
        Field::Hash,
    ],
    ..About::USUAL
};

impl Source for Sweep {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        sweep(host, want, ENTRIES, haul);
        Outcome::Read
    }
}

fn sweep(host: &dyn Host, want: &Wanted, entries: u64, haul: &mut Haul) {
    let mut tops: VecDeque<HostPath> = tops(host, want, haul).into();
    let homes = Homes::of(host);
    let mut tour = Tour {
        host,
        want,
        closed: foreign_roots::folders(host),
        homes: &homes,
        skip_homes: !want.scope.includes(ScopeKind::User),
        mounts: VecDeque::new(),
        entered: 0,
        left: entries,
    };
    let named = foreign_roots::disk_folders(host, want);
    let take = |ask: Ask, look: FileLook, haul: &mut Haul| {
        let is_named = named.iter().any(|(folder, _)| ask.path.is_within(folder));
        let look = if is_named { look.without_disk() } else { look };
        let scope = homes.scope(&ask.path);
        if let Some(trace) = look.told(&ask.path, scope, haul) {
            haul.offer(trace);
        }
    };
    read_ahead(&|ask: &Ask| look(host, want, ask), &mut |ahead| {
        while let Some(top) = tops.pop_front().or_else(|| tour.mounts.pop_front()) {
            let walked = host.files().walk(&top, &mut |step| tour.step(step, ahead, haul, &take));
            haul.listed(&top, walked);
            if tour.is_over(haul) {
                let detail = format!("more than {entries} files and folders, or no time left");
                haul.gap_with(GapReason::Budget, &top, detail);
                break;
            }
        }
        ahead.finish(&mut |ask, look| take(ask, look, haul));
    });
}

/// Where the walks begin: each drive of a Windows, the root of others, or only the homes.
fn tops(host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Vec<HostPath> {
    if want.scope.includes(ScopeKind::Machine) {
        let root = HostPath::from("/");
        if host.facts().family != Family::Windows {
            return vec![root];
        }
        let drives = haul.listed(&root, host.files().list(&root)).unwrap_or_default();
        return drives.iter().map(|drive| root.join(&drive.name)).collect();
    }
    haul.users(host, want).into_iter().map(|user| user.home.clone()).collect()
}

/// Whose a file is.
struct Homes {
    /// Resolved, the innermost first; on Windows in small letters.
    homes: Vec<(HostPath, u32)>,
    any_case: bool,
}

impl Homes {
    fn of(host: &dyn Host) -> Self {
        let any_case = host.facts().family != Family::Linux;
        let real = |home: &HostPath| host.files().resolve(home).unwrap_or_else(|_| home.clone());
        let users = host.facts().users.iter();
        let mut homes: Vec<_> = users.map(|user| (known(&real(&user.home), any_case), user.n)).collect();
        homes.retain(|(home, _)| home.as_bytes() != b"/");
        homes.order_by_key(|(home, _)| std::cmp::Reverse(home.as_bytes().len()));
        Self { homes, any_case }
    }

    fn scope(&self, path: &HostPath) -> Scope {
        let path = known(path, self.any_case);
        let home = self.homes.iter().find(|(home, _)| path.is_within(home));
        home.map_or(Scope::Machine, |(_, n)| Scope::User(*n))
    }

    fn is_home(&self, folder: &HostPath) -> bool {
        let folder = known(folder, self.any_case);
        self.homes.iter().any(|(home, _)| *home == folder)
    }
}

/// Whether a file system holds nothing of its own; a running AppImage mounts what is in it.
fn only_shows(kind: &str) -> bool {
    SHOWS.contains(&kind) || (kind.starts_with("fuse.") && kind.ends_with(".AppImage"))
}

/// A path as it is compared.
fn known(path: &HostPath, any_case: bool) -> HostPath {
    if any_case { HostPath::new(path.as_bytes().to_ascii_lowercase()) } else { path.clone() }
}

/// A walk over a host under way.
struct Tour<'t> {
    host: &'t dyn Host,
    want: &'t Wanted,
    /// Folders that hold roots of other systems.
    closed: BTreeSet<HostPath>,
    homes: &'t Homes,
    skip_homes: bool,
    /// File systems to be entered after this one.
    mounts: VecDeque<HostPath>,
    entered: usize,
    left: u64,
}

impl Tour<'_> {
    fn is_over(&self, haul: &Haul) -> bool {
        self.left == 0 || !haul.time_left()
    }

    fn step(
        &mut self,
        step: Walked,
        ahead: &mut Ahead<'_, FileLook>,
        haul: &mut Haul,
        take: &dyn Fn(Ask, FileLook, &mut Haul),
    ) -> WalkNext {
        if self.is_over(haul) {
            return WalkNext::Stop;
        }
        self.left -= 1;
        match step {
            Walked::Seen { path, stat } => match stat.kind {
                Kind::Folder if self.passes(&path) => return WalkNext::Skip,
                Kind::Link if self.host.facts().family == Family::Windows => self.link(path, haul),
                Kind::File if stat.size >= SMALLEST || self.want.hash_sizes.contains(&stat.size) => {
                    ahead.add(Ask { path, size: stat.size }, &mut |ask, look| take(ask, look, haul));
                }
                _ => {}
            },
            Walked::Missed(path, Miss::Overmounted) => self.mount(path, haul),
            Walked::Missed(path, Miss::Remote(kind)) if only_shows(&kind) => {
                haul.minor(
                    GapReason::RemoteMount,
                    &path,
                    format!("type {kind}: it shows what lies elsewhere"),
                );
            }
            Walked::Missed(path, miss) => _ = haul.listed::<()>(&path, Err(miss)),
        }
        WalkNext::On
    }

    fn passes(&self, folder: &HostPath) -> bool {
        self.closed.contains(folder) || (self.skip_homes && self.homes.is_home(folder))
    }

    /// Links lead to what is met where it lies; only a volume that Windows mounts in a folder leads to itself, and one that
    /// is not here is not seen.
    fn link(&mut self, path: HostPath, haul: &mut Haul) {
        match self.host.files().resolve(&path) {
            Ok(real) if real == path => self.mount(path, haul),
            Err(Miss::NotMounted) => haul.miss(&path, &Miss::NotMounted),
            _ => {}
        }
    }

    /// Another file system begins here: it is walked on its own, or missed there with its reason.
    fn mount(&mut self, path: HostPath, haul: &mut Haul) {
        if self.passes(&path) {
            return;
        }
        // What the host refuses to enter it refuses again, and what hides another file system is told.
        if let Err(miss) = self.host.files().resolve(&path) {
            return haul.miss(&path, &miss);
        }
        self.entered += 1;
        if self.entered > MOUNTS {
            haul.gap_with(GapReason::Budget, &path, format!("more than {MOUNTS} file systems"));
        } else {
            self.mounts.push_back(path);
        }
    }
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
