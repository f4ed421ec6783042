//! The registry of a Windows disk, from its hive files: positioned reads of the cells on the way, logs overlaid in memory,
//! nothing mapped or loaded.
//!
//! Called by the root host, and by the running system for profiles that are not loaded. Must not know the format of a
//! hive: `parse::regf` does.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use crate::model::{GapReason, HostPath, Stamp, User};
use crate::parse::ReadAt;
use crate::parse::filetime;
use crate::parse::regf;
use crate::parse::registry_value::RegistryValue;

use super::profiles::{HIVES, SYSTEM_SID};
use super::registry::{Hidden, Hive, Key, Registry, Values, classes_of_user, hidden};
use super::{Files, Miss, Read};

/// Hives that stay open at most: two thousand profiles are opened one after the other, by several sources at a time.
const OPEN: usize = 24;
/// Where the files of the machine's own hives lie, below the folder of Windows.
const CONFIG: &str = "System32/config";

type File = Box<dyn ReadAt + Send + Sync>;

/// The hive files of one Windows.
pub(super) struct Hives {
    files: Arc<dyn Files>,
    windows: HostPath,
    users: Vec<User>,
    containers: Option<String>,
    open: Mutex<Vec<(Hive, Read<Arc<Opened>>)>>,
}

/// An open hive.
struct Opened {
    hive: regf::Hive<File>,
    /// The number of the control set that `Select` names as current.
    control_set: Option<u64>,
    /// How its keys are named: `HKLM\SOFTWARE`.
    name: String,
}

impl Hives {
    /// The hives of the Windows in this folder. Users come later: the list of profiles is in a hive.
    pub(super) fn new(files: Arc<dyn Files>, windows: HostPath) -> Self {
        Self { files, windows, users: Vec::new(), containers: None, open: Mutex::default() }
    }

    /// Tells whose profiles there are, and where others are kept.
    pub(super) fn set_users(&mut self, users: &[User], containers: Option<String>) {
        self.containers = containers;
        users.clone_into(&mut self.users);
    }

    fn user(&self, n: u32) -> Read<&User> {
        self.users.iter().find(|user| user.n == n).ok_or(Miss::Absent)
    }

    /// Opens a key of the hive's own file.
    pub(super) fn open_own(&self, hive: Hive, path: &str) -> Read<Box<dyn Key>> {
        let opened = self.opened(hive)?;
        let root = opened.hive.root().map_err(|fault| malformed(&fault))?;
        let name = opened.name.clone();
        let root = HiveKey { opened, key: root, place: name };
        if path.is_empty() { Ok(Box::new(root)) } else { root.open(path) }
    }

    /// The files that a hive can be in; the first that is there is it.
    fn candidates(&self, hive: Hive) -> Read<Vec<HostPath>> {
        let config = self.windows.join(CONFIG);
        Ok(match hive {
            Hive::Software => vec![config.join("SOFTWARE")],
            Hive::System => vec![config.join("SYSTEM")],
            Hive::Amcache => vec![
                self.windows.join("AppCompat/Programs/Amcache.hve"),
                self.windows.join("AppCompat/Programs/RecentFileCache.hve"),
            ],
            Hive::User(n) => {
                let user = self.user(n)?;
                let own = HIVES.iter().map(|name| user.home.join(name));
                let system = (user.sid.as_deref() == Some(SYSTEM_SID)).then(|| config.join("DEFAULT"));
                system.into_iter().chain(own).collect()
            }
            Hive::Classes(n) => {
                let home = &self.user(n)?.home;
                let folders = ["AppData/Local", "Local Settings/Application Data"];
                folders.map(|folder| home.join(folder).join("Microsoft/Windows/UsrClass.dat")).to_vec()
            }
        })
    }

    fn opened(&self, hive: Hive) -> Read<Arc<Opened>> {
        if let Ok(mut open) = self.open.lock()
            && let Some(at) = open.iter().position(|(known, _)| *known == hive)
        {
            let known = open.remove(at);
            let read = known.1.clone();
            open.push(known);
            return read;
        }
        let read = self.open_file(hive).map(Arc::new);
        if let Ok(mut open) = self.open.lock() {
            if open.len() >= OPEN {
                drop(open.remove(0));
            }
            open.push((hive, read.clone()));
        }
        read
    }

    fn open_file(&self, hive: Hive) -> Read<Opened> {
        let mut file = Err(Miss::Absent);
        let mut path = self.place(hive);
        for candidate in self.candidates(hive)? {
            file = self.files.open(&candidate);
            if !matches!(file, Err(Miss::Absent)) {
                path = candidate;
                break;
            }
        }
        let file = file.map_err(|miss| self.absent(hive, miss))?;
        let logs = [".LOG1", ".LOG2", ".LOG"].iter().map(|ending| log_name(&path, ending));
        // A log that cannot be read is as good as none: the reader says so where the hive needs it.
        let logs = logs.filter_map(|log| self.files.open(&log).ok()).collect();
        let read = regf::Hive::open(file, logs).map_err(|fault| Miss::Malformed(fault.to_string()))?;
        let control_set = if hive == Hive::System { control_set(&read) } else { None };
        Ok(Opened { hive: read, control_set, name: self.name(hive) })
    }

    /// What it means that a hive has no file: every Windows has the machine's hives, and every profile has its own; a
    /// profile whose user never logged on has no classes.
    fn absent(&self, hive: Hive, miss: Miss) -> Miss {
        match (miss, hive, &self.containers) {
            (Miss::Absent, Hive::User(_), Some(containers)) => Miss::Elsewhere(containers.clone()),
            (Miss::Absent, Hive::Software | Hive::System | Hive::User(_), _) => Miss::Missing,
            (miss, ..) => miss,
        }
    }

    /// How keys of a hive are named.
    fn name(&self, hive: Hive) -> String {
        let of_user = |n| {
            let user = self.user(n).ok();
            user.map_or_else(String::new, |user| user.sid.clone().unwrap_or_else(|| user.name.clone()))
        };
        match hive {
            Hive::Software => r"HKLM\SOFTWARE".to_owned(),
            Hive::System => r"HKLM\SYSTEM".to_owned(),
            Hive::User(n) => format!(r"HKU\{}", of_user(n)),
            Hive::Classes(n) => format!(r"HKU\{}_Classes", of_user(n)),
            Hive::Amcache => self.place(hive).text().into_owned(),
        }
    }
}

/// `NTUSER.DAT.LOG1` beside `NTUSER.DAT`, in the folder that the hive is in.
fn log_name(hive: &HostPath, ending: &str) -> HostPath {
    let folder = hive.parent().unwrap_or_default();
    folder.join([hive.file_name(), ending.as_bytes()].concat())
}

/// `Select\Current`: the control set that the running system, or the last one that ran, calls current.
fn control_set(hive: &regf::Hive<File>) -> Option<u64> {
    let root = hive.root().ok()?;
    let select = hive.child(&root, "Select").ok()??;
    hive.value(&select, "Current").ok()??.number()
}

fn malformed(fault: &crate::parse::Fault) -> Miss {
    Miss::Malformed(fault.to_string())
}

impl Registry for Hives {
    fn open(&self, hive: Hive, path: &str) -> Read<Box<dyn Key>> {
        match (self.open_own(hive, path), hive) {
            (Err(Miss::Absent), Hive::Classes(n)) if self.opened(hive).is_err() => {
                self.open(Hive::User(n), &classes_of_user(path))
            }
            (read, _) => read,
        }
    }

    fn place(&self, hive: Hive) -> HostPath {
        self.candidates(hive).ok().and_then(|paths| paths.into_iter().next()).unwrap_or_default()
    }

    fn faults(&self, hive: Hive) -> Vec<Hidden> {
        let opened = match (self.opened(hive), hive) {
            (Ok(opened), _) => opened,
            (Err(Miss::Absent), Hive::Classes(n)) => return self.faults(Hive::User(n)),
            (Err(_), _) => return Vec::new(),
        };
        let place = || self.place(hive);
        opened
            .hive
            .faults()
            .iter()
            .map(|fault| (GapReason::Inconsistent, place(), Some(fault.to_string())))
            .collect()
    }
}

/// A key of a hive file.
struct HiveKey {
    opened: Arc<Opened>,
    key: regf::Key,
    place: String,
}

impl HiveKey {
    fn below(&self, key: regf::Key, name: &str) -> Self {
        Self { opened: Arc::clone(&self.opened), place: format!(r"{}\{name}", self.place), key }
    }
}

impl Key for HiveKey {
    fn name(&self) -> &str {
        &self.key.name
    }

    fn place(&self) -> HostPath {
        HostPath::new(self.place.as_str())
    }

    fn last_write(&self) -> Option<Stamp> {
        filetime::unix(self.key.last_write).and_then(Stamp::from_unix)
    }

    fn value(&self, name: &str) -> Read<RegistryValue> {
        self.opened.hive.value(&self.key, name).map_err(|fault| malformed(&fault))?.ok_or(Miss::Absent)
    }

    fn values(&self) -> Read<Values> {
        let (mut values, mut gaps) = (Vec::new(), Vec::new());
        let each = &mut |read| match read {
            Ok(value) => values.push(value),
            Err(fault) => gaps.push(hidden(&malformed(&fault), self.place())),
        };
        self.opened.hive.values(&self.key, each).map_err(|fault| malformed(&fault))?;
        Ok((values, gaps))
    }

    /// `CurrentControlSet` is a name that the running system makes; on the disk are `ControlSet001` and its like.
    fn open(&self, path: &str) -> Read<Box<dyn Key>> {
        let (mut key, mut place) = (self.key.clone(), self.place.clone());
        for part in path.split('\\').filter(|part| !part.is_empty()) {
            let set = self.opened.control_set.filter(|_| part.eq_ignore_ascii_case("CurrentControlSet"));
            let name = set.map_or_else(|| part.to_owned(), |number| format!("ControlSet{number:03}"));
            key = self
                .opened
                .hive
                .child(&key, &name)
                .map_err(|fault| malformed(&fault))?
                .ok_or(Miss::Absent)?;
            place = format!(r"{place}\{}", if set.is_some() { "CurrentControlSet" } else { &key.name });
        }
        Ok(Box::new(Self { opened: Arc::clone(&self.opened), key, place }))
    }

    fn each(&self, visit: &mut dyn FnMut(&dyn Key) -> ControlFlow<()>) -> Read<Vec<Hidden>> {
        let mut gaps = Vec::new();
        let each = &mut |read: Result<regf::Key, crate::parse::Fault>| match read {
            Ok(key) => {
                let name = key.name.clone();
                visit(&self.below(key, &name))
            }
            Err(fault) => {
                gaps.push(hidden(&malformed(&fault), self.place()));
                ControlFlow::Continue(())
            }
        };
        self.opened.hive.children(&self.key, each).map_err(|fault| malformed(&fault))?;
        Ok(gaps)
    }
}
