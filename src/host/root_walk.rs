//! Everything below a folder of the scanner's machine, as files of the host.
//!
//! Called by the root host's files. Must not open anything.

use std::path::Path;

use crate::model::HostPath;

use super::os::{device, kind, miss, parts_below, stat};
use super::root_files::RootFiles;
use super::{Kind, Miss, Read, WalkNext, Walked};

impl RootFiles {
    /// Walks a folder, and the folders of a macOS's other volume that are seen in it.
    pub(super) fn walk_below(
        &self,
        folder: &HostPath,
        visit: &mut dyn FnMut(Walked) -> WalkNext,
    ) -> Read<()> {
        let (real, meta) = self.settle(folder)?;
        if !meta.is_dir() {
            return Err(Miss::NotAFile(kind(&meta)));
        }
        let mut todo = vec![real];
        let mut first = true;
        while let Some(top) = todo.pop() {
            let next = match self.walk_one(&top, &mut todo, visit) {
                Err(miss) if first => return Err(miss),
                // It was seen a moment ago.
                Err(miss) => visit(Walked::Missed(top, miss)),
                Ok(next) => next,
            };
            if next == WalkNext::Stop {
                break;
            }
            first = false;
        }
        Ok(())
    }

    /// Walks what lies on the file system of one folder; folders of another volume that belong to the tree are left in
    /// `todo`.
    fn walk_one(
        &self,
        top: &HostPath,
        todo: &mut Vec<HostPath>,
        visit: &mut dyn FnMut(Walked) -> WalkNext,
    ) -> Read<WalkNext> {
        let os_top = self.os_path(top)?;
        let device_of_top = device(&self.look(top)?);
        let mut walk = walkdir::WalkDir::new(&os_top).min_depth(1).same_file_system(true).into_iter();
        while let Some(step) = walk.next() {
            let met = step.as_ref().ok().map(|entry| place(&os_top, top, entry.path()));
            let (is_door, is_second) = met.as_ref().map_or((false, false), |met| self.volume_of(met));
            // walkdir enters no folder of another device; to tell it to skip one would end the folder around.
            let entered = |entry: &walkdir::DirEntry| {
                entry.file_type().is_dir()
                    && entry.metadata().is_ok_and(|meta| device(&meta) == device_of_top)
            };
            if (is_door || is_second) && step.as_ref().is_ok_and(entered) {
                walk.skip_current_dir();
            }
            if is_second {
                continue;
            }
            let walked = match (met, step) {
                (Some(door), _) if is_door => self.door(door),
                (Some(path), Ok(entry)) => self.walked(path, &entry, device_of_top),
                (_, Err(error)) => Some(missed(&os_top, top, &error)),
                (None, Ok(_)) => None,
            };
            match walked.map(|walked| met_and_asked(walked, visit)) {
                Some((_, WalkNext::Stop)) => return Ok(WalkNext::Stop),
                Some((Some(_), WalkNext::Skip)) if !is_door => walk.skip_current_dir(),
                Some((Some(folder), WalkNext::On)) if is_door => todo.push(folder),
                _ => {}
            }
        }
        for door in self.unnamed_below(top) {
            match self.door(door).map(|walked| met_and_asked(walked, visit)) {
                Some((_, WalkNext::Stop)) => return Ok(WalkNext::Stop),
                Some((Some(folder), WalkNext::On)) => todo.push(folder),
                _ => {}
            }
        }
        Ok(WalkNext::On)
    }

    /// A folder of the other volume; none where that does not have it.
    fn door(&self, path: HostPath) -> Option<Walked> {
        match self.look(&path) {
            Ok(meta) => Some(Walked::Seen { path, stat: stat(&meta) }),
            Err(Miss::Absent) => None,
            Err(miss) => Some(Walked::Missed(path, miss)),
        }
    }

    /// One step of walkdir as a step of the host. A folder of another device is not entered, and is missed, but for what
    /// the kernel makes up.
    fn walked(&self, path: HostPath, entry: &walkdir::DirEntry, device_of_top: u64) -> Option<Walked> {
        if let Some(miss) = self.refusal(&path) {
            return Some(Walked::Missed(path, miss.clone()));
        }
        match entry.metadata() {
            Ok(meta) if meta.is_dir() && device(&meta) != device_of_top => {
                let stores = !self.is_made_up(&path);
                stores.then_some(Walked::Missed(path, Miss::Overmounted))
            }
            Ok(meta) => Some(Walked::Seen { path, stat: stat(&meta) }),
            Err(error) => Some(Walked::Missed(path, fault(&error))),
        }
    }
}

/// A step that failed.
fn missed(os_top: &Path, top: &HostPath, error: &walkdir::Error) -> Walked {
    let path = error.path().map_or_else(|| top.clone(), |path| place(os_top, top, path));
    Walked::Missed(path, fault(error))
}

fn fault(error: &walkdir::Error) -> Miss {
    error.io_error().map_or(Miss::LinkLoop, miss)
}

/// The folder that was met, if it is one, and how the walk goes on.
fn met_and_asked(walked: Walked, visit: &mut dyn FnMut(Walked) -> WalkNext) -> (Option<HostPath>, WalkNext) {
    let folder = match &walked {
        Walked::Seen { path, stat } if stat.kind == Kind::Folder => Some(path.clone()),
        _ => None,
    };
    (folder, visit(walked))
}

/// The path of the host of something that was met on the way.
fn place(os_top: &Path, top: &HostPath, met: &Path) -> HostPath {
    match met.strip_prefix(os_top) {
        Ok(inside) if !inside.as_os_str().is_empty() => top.join(parts_below(inside)),
        _ => top.clone(),
    }
}
