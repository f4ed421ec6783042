//! The walk over folders of programs: each once, links to folders elsewhere followed as folders of their own.
//!
//! Called by `executables`. Must not know what is read of a file.

use std::collections::{HashSet, VecDeque};

use crate::host::{Files, Kind, Miss, Read, Stat, WalkNext, Walked};
use crate::model::{GapReason, HostPath, Scope, Wanted};
use crate::sources::Haul;

use super::program::is_program;
use super::read_ahead::Ask;

/// Links to folders elsewhere, and file systems mounted below, that are followed.
const LINKS: usize = 64;
/// How deep an area of programs goes. No installer comes near it.
pub(in crate::sources) const DEEP: usize = 32;
/// Folders that are looked into to no more levels are those into which a user puts what came from elsewhere: an archive or a
/// download has not kept that its files may be run.
pub(in crate::sources) const TAKEN: usize = 2;
/// No program is smaller: its first bytes tell what it is.
const SMALLEST: u64 = 4;
/// Folders of a profile that hold no programs and hundreds of thousands of files: caches, and data of browsers.
const CACHES: &[&str] = &[
    "cache",
    ".cache",
    "caches",
    "cache2",
    "code cache",
    "gpucache",
    "inetcache",
    "inetcookies",
    "packages",
    "temp",
    "user data",
    "crashpad",
    "service worker",
    "windowsapps",
    "node_modules",
    "npm-cache",
];

/// A folder to be walked.
pub(in crate::sources) struct Area {
    /// Where it is.
    pub(in crate::sources) folder: HostPath,
    /// Whose it is.
    pub(in crate::sources) scope: Scope,
    /// Levels of folders below it.
    pub(in crate::sources) depth: usize,
    /// Whether caches are passed over.
    pub(in crate::sources) profile: bool,
    /// Whether another source lists its programs by name, so that here is only asked what else they say.
    pub(in crate::sources) listed_elsewhere: bool,
}

impl Area {
    /// A folder of the machine with all that lies in it.
    pub(in crate::sources) fn whole(folder: HostPath, scope: Scope) -> Self {
        Self { folder, scope, depth: DEEP, profile: false, listed_elsewhere: false }
    }

    /// A folder of a user's, to this depth.
    pub(in crate::sources) fn of_user(folder: HostPath, scope: Scope, depth: usize) -> Self {
        Self { folder, scope, depth, profile: true, listed_elsewhere: false }
    }
}

/// The walk over all areas.
pub(in crate::sources) struct Walk<'f> {
    files: &'f dyn Files,
    want: &'f Wanted,
    /// Whether a program is told by its name.
    by_name: bool,
    /// Areas walked or to be walked: none twice, though one may lie in another.
    seen: HashSet<HostPath>,
    entries: usize,
    max_entries: usize,
    programs: usize,
    max_programs: usize,
    links: usize,
}

impl<'f> Walk<'f> {
    /// A walk that has seen nothing, and how much it may see.
    pub(in crate::sources) fn new(
        files: &'f dyn Files,
        want: &'f Wanted,
        by_name: bool,
        max_entries: usize,
        max_programs: usize,
    ) -> Self {
        let seen = HashSet::new();
        Self { files, want, by_name, seen, entries: 0, max_entries, programs: 0, max_programs, links: 0 }
    }

    /// Whether it has seen as much as it may.
    pub(in crate::sources) fn is_spent(&self) -> bool {
        self.entries > self.max_entries || self.programs > self.max_programs
    }

    /// The next area that is there and was not walked, by its spelling on the disk: rules name folders in letters of their
    /// own.
    pub(in crate::sources) fn next(&mut self, areas: &mut VecDeque<Area>, haul: &mut Haul) -> Option<Area> {
        loop {
            let mut area = areas.pop_front()?;
            let Some(top) = haul.optional(&area.folder, self.files.resolve(&area.folder)) else { continue };
            if self.seen.insert(top.clone()) {
                area.folder = top;
                return Some(area);
            }
        }
    }

    /// Walks over an area. What leads elsewhere is added to the areas; every file that may be a program is told.
    pub(in crate::sources) fn area(
        &mut self,
        area: &Area,
        more: &mut VecDeque<Area>,
        haul: &mut Haul,
        found: &mut dyn FnMut(Ask, &mut Haul),
    ) -> Read<()> {
        let files = self.files;
        let levels = area.folder.parts().count();
        files.walk(&area.folder, &mut |step| {
            self.entries += 1;
            if self.is_spent() || !haul.time_left() {
                return WalkNext::Stop;
            }
            let (path, stat) = match step {
                Walked::Seen { path, stat } => (path, stat),
                Walked::Missed(path, Miss::Overmounted) if !self.by_name && self.links < LINKS => {
                    self.elsewhere(path, area, more);
                    return WalkNext::On;
                }
                Walked::Missed(path, miss) => {
                    haul.listed::<()>(&path, Err(miss));
                    return WalkNext::On;
                }
            };
            match stat.kind {
                Kind::Folder => return self.folder(&path, path.parts().count() - levels, area),
                Kind::Link => self.link(&path, area, more, haul),
                Kind::File if self.may_be_program(&path, stat, area) => {
                    self.programs += 1;
                    found(Ask { path, size: stat.size }, haul);
                }
                _ => {}
            }
            WalkNext::On
        })
    }

    /// Whether a file is worth opening. Where any file may be a program, one has to be for a system to run it; what another
    /// source lists says more of itself only where it is of Windows. Among what a user took from elsewhere, and in a deep scan,
    /// every file is opened.
    fn may_be_program(&self, path: &HostPath, stat: Stat, area: &Area) -> bool {
        let named = is_program(path.file_name());
        if self.by_name {
            return named;
        }
        let runs = !area.listed_elsewhere && (stat.executable != Some(false) || area.depth <= TAKEN);
        stat.size >= SMALLEST && (named || runs || self.want.hash_sizes.contains(&stat.size))
    }

    fn folder(&self, path: &HostPath, level: usize, area: &Area) -> WalkNext {
        let name = path.file_name_text().to_lowercase();
        let passed = area.profile && CACHES.contains(&name.as_str());
        if passed || level >= area.depth || self.seen.contains(path) { WalkNext::Skip } else { WalkNext::On }
    }

    /// A folder that is a link to elsewhere, as whoever moves programs to another disk makes it, is an area of its own.
    fn link(&mut self, path: &HostPath, area: &Area, more: &mut VecDeque<Area>, haul: &mut Haul) {
        let folder = match self.files.resolve(path) {
            Ok(folder) if self.files.stat(&folder).is_ok_and(|stat| stat.kind == Kind::Folder) => folder,
            // A link to what is gone hides nothing; one to a drive that is not here hides what lies there.
            Ok(_) | Err(Miss::Absent) => return,
            Err(miss) => return haul.miss(path, &miss),
        };
        // What leads to itself is a volume that is mounted there.
        if folder.is_within(&area.folder) && folder != *path {
            return;
        }
        if self.links >= LINKS {
            haul.gap_with(GapReason::Budget, path, format!("more than {LINKS} links to folders elsewhere"));
        } else {
            self.elsewhere(folder, area, more);
        }
    }

    fn elsewhere(&mut self, folder: HostPath, area: &Area, more: &mut VecDeque<Area>) {
        self.links += 1;
        more.push_back(Area { folder, scope: area.scope.clone(), ..*area });
    }
}
