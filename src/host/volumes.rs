//! The two volumes of a macOS as the one tree that its kernel shows: the sealed volume of the system, and the Data volume
//! behind it, whose folders appear in the system's (firmlinks). To another system those folders of the system's volume are
//! empty.
//!
//! Called by the root host. A folder has one path, that by which everybody knows it: `/Applications/X.app`, never
//! `/System/Volumes/Data/Applications/X.app`. Must not know what is looked for.
//!
//! What the volumes are for: Apple Platform Security, "Signed system volume security"
//! (<https://support.apple.com/guide/security/secd698747c9>).

use std::path::{Path, PathBuf};

use crate::model::{HostPath, Mode, Order};
use crate::parse::firmlinks;

use super::os::below;
use super::root_files::RootFiles;
use super::{Files, Kind, Miss, Read};

/// Where the kernel mounts the Data volume.
const DATA: &str = "/System/Volumes/Data";
/// Only the system's volume holds it.
pub(super) const SYSTEM_VERSION: &str = "/System/Library/CoreServices/SystemVersion.plist";
/// The system's own table of firmlinks.
const TABLE: &str = "/usr/share/firmlinks";
const TABLE_LIMIT: u64 = 1 << 20;
/// Firmlinks of every macOS since 10.15 behind which software can lie; the same path on both volumes.
const ALWAYS: &[&str] = &[
    "/Applications",
    "/Library",
    "/System/Library/Caches",
    "/System/Library/Speech",
    "/Users",
    "/Volumes",
    "/cores",
    "/opt",
    "/private",
    "/usr/local",
    "/usr/libexec/cups",
    "/usr/share/snmp",
];
/// Links of the system's volume to what the Data volume holds, which that alone does not have.
const LINKS: &[(&str, &str)] =
    &[("/etc", "/private/etc"), ("/tmp", "/private/tmp"), ("/var", "/private/var")];
/// Folders that are looked at for volumes side by side.
const MAX_SIDE_BY_SIDE: usize = 64;

/// A folder of the Data volume that is seen in the system's.
#[derive(Debug)]
struct Link {
    /// Where it is seen.
    name: HostPath,
    /// Its path on the Data volume, from the volume's top.
    on_data: HostPath,
    /// Whether it is to be read from the Data volume's folder.
    led: bool,
    /// Whether the system's volume has no folder of that name.
    bare: bool,
}

/// The tree of a macOS, and where its parts lie.
#[derive(Debug)]
pub(super) struct Volumes {
    system: PathBuf,
    /// The Data volume, where it is not merged into the tree already.
    data: Option<PathBuf>,
    /// Firmlinks, those deeper in the tree first.
    links: Vec<Link>,
    /// Whether there is no volume of the system.
    pub(super) data_alone: bool,
}

/// Volumes that were found, and what of them cannot be looked at.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) volumes: Volumes,
    /// Folders whose contents are not here.
    pub(super) refused: Vec<(HostPath, Miss)>,
    /// Folders of the system's volume that hold more than the Data volume's, which hides them.
    pub(super) hidden: Vec<HostPath>,
}

impl Volumes {
    /// Where a path lies on the scanner's machine; the folders before its name are spelled as they are.
    pub(super) fn os_path(&self, path: &HostPath) -> Option<PathBuf> {
        let Some(data) = &self.data else { return below(&self.system, path.as_bytes()) };
        if let Some(inside) = inside(path, DATA.as_bytes()) {
            return below(data, inside);
        }
        let link = self.links.iter().find_map(|link| Some((link, inside(path, link.name.as_bytes())?)));
        match link {
            Some((link, rest)) if link.led => below(data, &[link.on_data.as_bytes(), rest].concat()),
            _ => below(&self.system, path.as_bytes()),
        }
    }

    /// The one name of a path: what the Data volume shows in the tree has the tree's.
    pub(super) fn named(&self, path: HostPath) -> HostPath {
        let Some(rest) = inside_any_case(&path, DATA.as_bytes()) else { return path };
        if self.data_alone {
            return HostPath::new(if rest.is_empty() { b"/" } else { rest });
        }
        let on_data = HostPath::new(rest);
        let below = |link: &Link| inside_any_case(&on_data, link.on_data.as_bytes()).map(<[u8]>::to_vec);
        let found = self.links.iter().find_map(|link| Some((link, below(link)?)));
        match found {
            Some((link, rest)) => HostPath::new([link.name.as_bytes(), &rest].concat()),
            None => path,
        }
    }

    /// Whether a folder may lie on another volume than the folder around it, and belongs to this tree all the same.
    pub(super) fn is_door(&self, path: &HostPath) -> bool {
        path.as_bytes() == DATA.as_bytes() || self.links.iter().any(|link| link.name == *path)
    }

    /// Whether something has another name, under which it is seen.
    pub(super) fn is_second_name(&self, path: &HostPath) -> bool {
        inside(path, DATA.as_bytes()).is_some() && self.named(path.clone()) != *path
    }

    /// Folders below one that its own volume does not name.
    pub(super) fn unnamed_below<'v>(&'v self, folder: &'v HostPath) -> impl Iterator<Item = &'v HostPath> {
        let bare = self.links.iter().filter(|link| link.led && link.bare);
        bare.map(|link| &link.name).filter(move |name| name.is_within(folder) && *name != folder)
    }

    /// A link that every macOS has, where its volume of the system is not here.
    pub(super) fn implied_link(path: &HostPath) -> Option<&'static str> {
        LINKS.iter().find(|(name, _)| name.as_bytes() == path.as_bytes()).map(|(_, target)| *target)
    }

    /// Where the Data volume's folder is, and its name in the tree.
    pub(super) fn second(&self) -> Option<(&Path, HostPath)> {
        self.data.as_deref().map(|data| (data, DATA.into()))
    }

    /// Other names under which a system may know a folder, with the one name: `/System/Volumes/Data/Users`.
    pub(super) fn second_names() -> impl Iterator<Item = (HostPath, HostPath)> {
        let linked = LINKS.iter().map(|(name, real)| (format!("{DATA}{real}"), *name));
        let doors = ALWAYS.iter().map(|name| (format!("{DATA}{name}"), *name));
        let links = LINKS.iter().map(|(name, real)| ((*real).to_owned(), *name));
        linked.chain(doors).chain(links).map(|(real, name)| (HostPath::new(real), name.into()))
    }
}

/// The tree at a folder whose volumes are merged: that of the running system.
fn merged(root: &Path, files: &dyn Files) -> Found {
    let volumes = Volumes { system: root.to_owned(), data: None, links: links(files), data_alone: false };
    Found { volumes, refused: Vec::new(), hidden: Vec::new() }
}

/// The volumes of a macOS at a folder, if it is the top of one: merged or not, both or one of them.
pub(super) fn find(root: &Path, mode: Mode, files: &RootFiles) -> Option<Found> {
    let at_data = HostPath::from(DATA);
    if is_system(files, &"/".into()) {
        if mode == Mode::Live {
            // The kernel merges them.
            return Some(merged(root, files));
        }
        if files.resolve(&at_data).as_ref() == Ok(&at_data) && holds_data(files, &at_data) {
            let data = below(root, at_data.as_bytes())?;
            return Some(split(root, data));
        }
        let found = merged(root, files);
        let alone = !holds_data(files, &"/".into()) && files.stat(&TABLE.into()).is_ok();
        return Some(if alone { without_data(found, files) } else { found });
    }
    if holds_data(files, &"/".into()) {
        let mut found = merged(root, files);
        found.volumes.data = Some(root.to_owned());
        found.volumes.data_alone = true;
        for link in &mut found.volumes.links {
            link.led = true;
        }
        return Some(found);
    }
    None
}

/// The volumes of a macOS as two folders of one: `Macintosh HD` and `Macintosh HD - Data`. A folder that is itself the top of a
/// system may hold copies of others.
pub(super) fn find_side_by_side(root: &Path, files: &RootFiles) -> Option<Found> {
    let (system, data) = side_by_side(files)?;
    Some(split(&below(root, system.as_bytes())?, below(root, data.as_bytes())?))
}

/// A system's volume and a Data volume, the only ones of a folder.
fn side_by_side(files: &dyn Files) -> Option<(HostPath, HostPath)> {
    let entries = files.list(&"/".into()).ok()?;
    let folders = entries.into_iter().filter(|entry| entry.kind == Kind::Folder).take(MAX_SIDE_BY_SIDE);
    let folders: Vec<HostPath> = folders.map(|entry| HostPath::from("/").join(entry.name)).collect();
    let (systems, others): (Vec<_>, Vec<_>) =
        folders.into_iter().partition(|folder| is_system(files, folder));
    let systems: Vec<_> = systems.into_iter().filter(|folder| !holds_data(files, folder)).collect();
    let data: Vec<_> = others.into_iter().filter(|folder| holds_data(files, folder)).collect();
    match (systems.as_slice(), data.as_slice()) {
        ([system], [data]) => Some((system.clone(), data.clone())),
        _ => None,
    }
}

/// Whether a folder is the top of a system's volume.
fn is_system(files: &dyn Files, top: &HostPath) -> bool {
    !matches!(files.stat(&top.join(SYSTEM_VERSION)), Err(Miss::Absent | Miss::NotAFile(_)))
}

/// Whether a folder is the top of what a Data volume holds. No other system has a local directory of accounts there; a disk
/// of which that was not copied has homes and a library beside what macOS keeps on each volume.
fn holds_data(files: &dyn Files, top: &HostPath) -> bool {
    let is_there = |name: &str| files.stat(&top.join(name)).is_ok();
    is_there("private/var/db/dslocal")
        || (["Users", "Library"].iter().all(|name| is_filled(&files.list(&top.join(*name))))
            && ["private/var", ".fseventsd"].iter().any(|name| is_there(name)))
}

/// Whether a folder holds something, or may: one that cannot be listed is there for a reason.
fn is_filled<T>(listed: &Read<Vec<T>>) -> bool {
    match listed {
        Ok(entries) => !entries.is_empty(),
        Err(miss) => !matches!(miss, Miss::Absent | Miss::NotAFile(_)),
    }
}

/// The firmlinks that the system's own table names, and those that every system has.
fn links(files: &dyn Files) -> Vec<Link> {
    let table = files.read(&TABLE.into(), TABLE_LIMIT).unwrap_or_default();
    let link = |name: HostPath, on_data: HostPath| Link { name, on_data, led: false, bare: false };
    let mut links: Vec<Link> =
        ALWAYS.iter().map(|name| link(HostPath::from(*name), HostPath::from(*name))).collect();
    for read in firmlinks::firmlinks(&table).records {
        let name = HostPath::new(read.name);
        if !links.iter().any(|known| known.name == name) {
            links.push(link(name, HostPath::from("/").join(read.on_data)));
        }
    }
    links.order_by_key(|link| std::cmp::Reverse(link.name.as_bytes().len()));
    links
}

/// The system's volume alone: its folders in whose place the kernel shows the Data volume's are empty, and were not seen.
fn without_data(mut found: Found, files: &dyn Files) -> Found {
    let empty = found.volumes.links.iter().filter(|link| !is_filled(&files.list(&link.name)));
    found.refused = empty.map(|link| (link.name.clone(), Miss::NotMounted)).collect();
    found
}

/// Two volumes, each in a folder of its own.
fn split(system: &Path, data: PathBuf) -> Found {
    let (own, behind) = (RootFiles::unix(system.to_owned()), RootFiles::unix(data.clone()));
    let mut found = merged(system, &own);
    for link in &mut found.volumes.links {
        if has_link(&behind, &link.on_data.parent().unwrap_or_default()) {
            // The scanner's kernel would follow it, out of the volume.
            let detail = "a link stands in the way to its folder on the Data volume".to_owned();
            found.refused.push((link.name.clone(), Miss::Malformed(detail)));
            continue;
        }
        let (above, below) = (own.list(&link.name), behind.list(&link.on_data));
        // Only a copy that someone made has it in the system's volume and not in that of data.
        link.led = is_filled(&below) || !is_filled(&above);
        link.bare = matches!(above, Err(Miss::Absent));
        let more = |entries: &[super::Entry]| {
            let known = below.as_deref().unwrap_or_default();
            entries.iter().any(|entry| {
                !entry.name.starts_with(b".") && !known.iter().any(|known| known.name == entry.name)
            })
        };
        if link.led && above.as_deref().is_ok_and(more) {
            found.hidden.push(link.name.clone());
        }
    }
    found.volumes.data = Some(data);
    found
}

/// Whether a folder, or one around it, is a link.
fn has_link(files: &dyn Files, folder: &HostPath) -> bool {
    let mut around = HostPath::from("/");
    folder.parts().any(|part| {
        let entries = files.list(&around).unwrap_or_default();
        around = around.join(part);
        entries.iter().any(|entry| entry.name == part && entry.kind == Kind::Link)
    })
}

/// The same in any letters' case: the folders that macOS makes are spelled one way, and records may spell them another.
fn inside_any_case<'p>(path: &'p HostPath, folder: &[u8]) -> Option<&'p [u8]> {
    let (head, rest) = path.as_bytes().split_at_checked(folder.len())?;
    let ends = rest.first().is_none_or(|next| *next == b'/');
    (ends && head.eq_ignore_ascii_case(folder)).then_some(rest)
}

/// What of a path lies below a folder, with the slash before it.
fn inside<'p>(path: &'p HostPath, folder: &[u8]) -> Option<&'p [u8]> {
    let rest = path.as_bytes().strip_prefix(folder)?;
    rest.first().is_none_or(|next| *next == b'/').then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volumes() -> Volumes {
        let mut links = links(&RootFiles::unix("/nonexistent".into()));
        for link in &mut links {
            link.led = true;
        }
        Volumes { system: "/s".into(), data: Some("/d".into()), links, data_alone: false }
    }

    #[test]
    fn each_folder_is_read_from_its_volume() {
        let volumes = volumes();
        let at = |path: &str| volumes.os_path(&path.into()).unwrap();
        assert_eq!(at("/Applications/X.app"), Path::new("/d/Applications/X.app"));
        assert_eq!(at("/System/Applications/X.app"), Path::new("/s/System/Applications/X.app"));
        assert_eq!(at("/usr/local/bin"), Path::new("/d/usr/local/bin"));
        assert_eq!(at("/usr/localized"), Path::new("/s/usr/localized"));
        assert_eq!(at("/System/Library/Caches"), Path::new("/d/System/Library/Caches"));
        assert_eq!(at("/System/Volumes/Data/home"), Path::new("/d/home"));
        assert_eq!(at("/"), Path::new("/s"));
    }

    #[test]
    fn what_has_two_names_has_one() {
        let volumes = volumes();
        let named = |path: &str| volumes.named(path.into()).text().into_owned();
        assert_eq!(named("/System/Volumes/Data/Users/alice"), "/Users/alice");
        assert_eq!(named("/System/Volumes/Data/usr/local"), "/usr/local");
        assert_eq!(named("/System/Volumes/Data/usr"), "/System/Volumes/Data/usr");
        assert_eq!(named("/System/Volumes/Database"), "/System/Volumes/Database");
        assert!(volumes.is_second_name(&"/System/Volumes/Data/opt".into()));
        assert!(!volumes.is_second_name(&"/System/Volumes/Data/home".into()));
        assert!(!volumes.is_second_name(&"/opt".into()));
    }
}
