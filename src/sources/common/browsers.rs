//! Where browsers of the Chromium family keep what is a user's own: a data folder for each browser and channel, in it a
//! folder for each profile. <https://chromium.googlesource.com/chromium/src/+/main/docs/user_data_dir.md>
//!
//! Called by the sources of extensions and of native messaging hosts. No browser is asked for by its name: whatever has
//! the shape of such a folder in the places where programs keep their data is looked at, the next fork too. Must not know
//! what is in a profile.

use crate::host::{Entry, Files, Host, Kind, Miss};
use crate::model::{Family, GapReason, HostPath, User};
use crate::sources::Haul;

/// Folders listed in the search of one home; a full one has some thousand.
const FOLDERS: usize = 50_000;
/// Folders of one data folder that are asked whether they are profiles.
const PROFILES: usize = 2_000;

/// Files of one folder of policies or hosts that are read.
const FILES: usize = 2_000;

/// A folder of a home in which programs keep their data.
struct Base {
    /// Below the home; `*` stands for each folder there.
    folder: &'static str,
    /// How deep below it a data folder may lie: `Vivaldi` one, `Google/Chrome` two.
    levels: usize,
    /// What the data folder is called below the program's own, where it is so.
    below: &'static str,
}

/// A base whose data folders are the programs' own.
const fn base(folder: &'static str, levels: usize) -> Base {
    Base { folder, levels, below: "" }
}

const LINUX: &[Base] = &[
    base(".config", 2),
    base(".var/app/*/config", 2),
    base("snap/*/common", 1),
    base("snap/*/current/.config", 2),
];
const MACOS: &[Base] = &[base("Library/Application Support", 2)];
const WINDOWS: &[Base] = &[
    Base { folder: "AppData/Local", levels: 2, below: "User Data" },
    // Opera keeps its own there, some others too.
    base("AppData/Roaming", 2),
    // What came as a package of the Store, such as Arc.
    Base { folder: "AppData/Local/Packages/*/LocalCache/Local", levels: 2, below: "User Data" },
];
/// Beginnings of the names of browsers' folders: one that cannot be read hides extensions. What else cannot be read is told,
/// and is most likely no browser.
const KNOWN: &[&str] = &[
    "google",
    "chrom",
    "microsoft",
    "brave",
    "vivaldi",
    "opera",
    "com.operasoftware",
    "yandex",
    "ru.yandex",
    "arc",
    "thebrowsercompany",
    "360",
    "tencent",
    "qq",
    "com.google",
    "com.brave",
    "com.microsoft",
    "com.vivaldi",
    "com.opera",
    "org.chromium",
];
/// Links to themselves that old programs need, which nobody may list, and the folder that holds thousands of others for
/// an hour each.
const PASSED: &[&str] = &["Application Data", "History", "Temporary Internet Files", "Temp"];

/// What a browser keeps of a user.
pub(super) struct DataFolder {
    /// Where it is.
    pub(super) folder: HostPath,
    /// What is in it.
    pub(super) entries: Vec<Entry>,
}

impl DataFolder {
    /// Whether something of this name is in it.
    pub(super) fn has(&self, name: &str) -> bool {
        has(&self.entries, name)
    }

    /// The folders in it that are profiles; the data folder itself where it is its own (Opera).
    pub(super) fn profiles(&self, files: &dyn Files, haul: &mut Haul) -> Vec<HostPath> {
        let mut profiles = Vec::new();
        if PROFILE.iter().any(|name| self.has(name)) {
            profiles.push(self.folder.clone());
        }
        let mut candidates: Vec<HostPath> =
            folders(&self.entries).map(|name| self.folder.join(name)).collect();
        // Opera GX keeps further profiles one level deeper.
        let side = self.folder.join("_side_profiles");
        if self.has("_side_profiles") {
            let listed = haul.listed(&side, files.list(&side)).unwrap_or_default();
            candidates.extend(folders(&listed).map(|name| side.join(name)));
        }
        if candidates.len() > PROFILES {
            haul.gap_with(
                GapReason::Budget,
                &self.folder,
                format!("more than {PROFILES} folders of one browser"),
            );
        }
        candidates.truncate(PROFILES);
        profiles.extend(candidates.into_iter().filter(|folder| is_profile(files, folder, PROFILE, haul)));
        profiles
    }
}

/// What only a profile has.
const PROFILE: &[&str] = &["Secure Preferences", "Preferences", "Extensions"];

/// Whether a folder holds any of what only a profile has; one that cannot be looked into is told.
pub(super) fn is_profile(files: &dyn Files, folder: &HostPath, marks: &[&str], haul: &mut Haul) -> bool {
    for name in marks {
        match files.stat(&folder.join(name)) {
            Ok(_) => return true,
            Err(Miss::Absent | Miss::NotAFile(_)) => {}
            Err(miss) => {
                haul.miss(folder, &miss);
                return false;
            }
        }
    }
    false
}

fn has(entries: &[Entry], name: &str) -> bool {
    entries.iter().any(|entry| entry.name == name.as_bytes())
}

/// Names of folders, and of links, which may lead to one.
fn folders(entries: &[Entry]) -> impl Iterator<Item = &[u8]> {
    let is = |entry: &&Entry| matches!(entry.kind, Kind::Folder | Kind::Link);
    entries.iter().filter(is).map(|entry| entry.name.as_slice())
}

/// Every file of this ending in a folder that need not be there, with its bytes.
pub(super) fn files_of(
    files: &dyn Files,
    folder: &HostPath,
    ending: &str,
    limit: usize,
    haul: &mut Haul,
) -> Vec<(HostPath, Option<Vec<u8>>)> {
    let listed = haul.optional(folder, files.list(folder)).unwrap_or_default();
    let is =
        |name: &[u8]| name.len() > ending.len() && name.to_ascii_lowercase().ends_with(ending.as_bytes());
    let named: Vec<_> =
        listed.into_iter().filter(|entry| entry.kind != Kind::Folder && is(&entry.name)).collect();
    if named.len() > FILES {
        haul.gap_with(GapReason::Budget, folder, format!("more than {FILES} files in one folder"));
    }
    let read = |entry: Entry| {
        let path = folder.join(&entry.name);
        let bytes = haul.listed(&path, files.read(&path, limit as u64));
        (path, bytes)
    };
    named.into_iter().take(FILES).map(read).collect()
}

/// A path that a record of this host names, in a folder where it is relative.
pub(super) fn path_in(host: &dyn Host, folder: &HostPath, text: &str) -> HostPath {
    match (host.facts().family, whole_path(host, text)) {
        (_, Some(path)) => path,
        (Family::Windows, None) => folder.join(text.replace('\\', "/")),
        (_, None) => folder.join(text),
    }
}

/// A path that a record of this host names; none where it is relative.
pub(super) fn whole_path(host: &dyn Host, text: &str) -> Option<HostPath> {
    match host.facts().family {
        Family::Windows => HostPath::of_windows(text),
        Family::Linux | Family::Macos => text.starts_with('/').then(|| HostPath::from(text)),
    }
}

/// Every data folder in a user's home.
pub(super) fn data_folders(host: &dyn Host, user: &User, haul: &mut Haul) -> Vec<DataFolder> {
    let bases = match host.facts().family {
        Family::Linux => LINUX,
        Family::Windows => WINDOWS,
        Family::Macos => MACOS,
    };
    let mut search =
        Search { files: host.files(), found: Vec::new(), seen: Vec::new(), left: FOLDERS, inside: "" };
    for base in bases {
        search.inside = base.below;
        for folder in search.expand(&user.home, base.folder, haul) {
            let listed = search.files.list(&folder);
            if let Some(entries) = haul.optional(&folder, listed) {
                search.below(&folder, &entries, base.levels, haul);
            }
        }
    }
    if search.left == 0 || !haul.time_left() {
        haul.gap_with(GapReason::Budget, &user.home, format!("more than {FOLDERS} folders, or no time left"));
    }
    search.found
}

struct Search<'f> {
    files: &'f dyn Files,
    found: Vec<DataFolder>,
    /// Data folders as they are after all links: none twice.
    seen: Vec<HostPath>,
    /// Folders that may still be listed.
    left: usize,
    /// What a data folder is called below the program's own, where it is so.
    inside: &'static str,
}

impl Search<'_> {
    /// The folders that a base stands for.
    fn expand(&mut self, home: &HostPath, folder: &str, haul: &mut Haul) -> Vec<HostPath> {
        let Some((before, behind)) = folder.split_once("/*/") else { return vec![home.join(folder)] };
        let parent = home.join(before);
        let entries = haul.optional(&parent, self.files.list(&parent)).unwrap_or_default();
        self.left = self.left.saturating_sub(entries.len());
        folders(&entries).map(|name| parent.join(name).join(behind)).collect()
    }

    /// Looks at each folder in a folder, and below it where it is no data folder itself.
    fn below(&mut self, folder: &HostPath, entries: &[Entry], levels: usize, haul: &mut Haul) {
        for name in folders(entries) {
            let path = folder.join(name);
            if PASSED.iter().any(|passed| name == passed.as_bytes()) {
                continue;
            }
            if self.left == 0 || !haul.time_left() {
                return;
            }
            if !self.inside.is_empty() && self.is_taken(&path.join(self.inside), haul) {
                continue;
            }
            let deeper = levels > 1;
            if !deeper && !self.inside.is_empty() {
                continue;
            }
            let Some(listed) = self.list(&path, haul) else { continue };
            let rest = if self.inside.is_empty() { self.take(&path, listed) } else { Some(listed) };
            if let Some(rest) = rest.filter(|_| deeper) {
                self.below(&path, &rest, levels - 1, haul);
            }
        }
    }

    /// Whether a folder is there and is a data folder, which is kept.
    fn is_taken(&mut self, folder: &HostPath, haul: &mut Haul) -> bool {
        let listed = self.list(folder, haul);
        listed.is_some_and(|listed| self.take(folder, listed).is_none())
    }

    /// Keeps a folder that is a data folder; the entries of one that is none.
    fn take(&mut self, folder: &HostPath, entries: Vec<Entry>) -> Option<Vec<Entry>> {
        if !self.is_data(folder, &entries) {
            return Some(entries);
        }
        let real = self.files.resolve(folder).unwrap_or_else(|_| folder.clone());
        if !self.seen.contains(&real) {
            self.seen.push(real);
            self.found.push(DataFolder { folder: folder.clone(), entries });
        }
        None
    }

    /// Whether a folder has the shape of a browser's.
    fn is_data(&self, folder: &HostPath, entries: &[Entry]) -> bool {
        let own = ["Local State", "Secure Preferences", "NativeMessagingHosts", "External Extensions"];
        let in_profile = |name: &[u8]| {
            let is = |file: &str| self.files.stat(&folder.join(name).join(file)).is_ok();
            (name == b"Default" || name.starts_with(b"Profile ")) && PROFILE.iter().any(|file| is(file))
        };
        own.iter().any(|name| has(entries, name))
            || (has(entries, "Preferences") && has(entries, "Extensions"))
            || folders(entries).any(in_profile)
    }

    /// The entries of a folder; what cannot be read is told.
    fn list(&mut self, folder: &HostPath, haul: &mut Haul) -> Option<Vec<Entry>> {
        self.left = self.left.saturating_sub(1);
        match self.files.list(folder) {
            Ok(entries) => Some(entries),
            Err(Miss::Absent | Miss::NotAFile(_)) => None,
            Err(miss) => {
                if is_known(folder) {
                    haul.miss(folder, &miss);
                } else {
                    haul.minor(miss.reason(), folder, "a folder that is none of a known browser");
                }
                None
            }
        }
    }
}

fn is_known(folder: &HostPath) -> bool {
    folder.parts().any(|part| {
        let part = String::from_utf8_lossy(part).to_lowercase();
        KNOWN.iter().any(|known| part.starts_with(known))
    })
}

#[cfg(test)]
#[path = "browsers_tests.rs"]
mod tests;
