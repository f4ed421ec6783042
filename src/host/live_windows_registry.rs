//! The registry of the running Windows: its own for what is loaded, the hive files for profiles that are not.
//!
//! Called by `live_windows`. Keys are named as in the hives: 64-bit names, `WOW6432Node` written out. Nothing is loaded
//! (`RegLoadKey` would change the machine), nothing is created.

use std::io;
use std::ops::ControlFlow;

use crate::model::{GapReason, HostPath, Stamp, User};
use crate::parse::filetime;
use crate::parse::registry_value::RegistryValue;

use super::hives::Hives;
use super::live_windows_api::{KeyHandle, Root};
use super::os::miss;
use super::profiles::containers;
use super::registry::{Hidden, Hive, Key, Registry, Values, classes_of_user, hidden};
use super::{Miss, Read};

/// The running registry.
pub(super) struct LiveRegistry {
    /// Files of what is not loaded.
    hives: Hives,
    users: Vec<User>,
}

impl LiveRegistry {
    /// Users come later: the list of profiles is in the registry.
    pub(super) fn new(hives: Hives) -> Self {
        Self { hives, users: Vec::new() }
    }

    /// Tells whose profiles there are.
    pub(super) fn set_users(&mut self, users: &[User]) {
        self.hives.set_users(users, containers(self));
        users.clone_into(&mut self.users);
    }

    /// The loaded key that a hive is at; `None`: it is not loaded. Asked anew each time: users log on and off.
    fn loaded(&self, hive: Hive) -> Read<Option<LiveKey>> {
        let of_user = |n: u32| self.users.iter().find(|user| user.n == n)?.sid.clone();
        let (root, name) = match hive {
            Hive::Software => (Root::LocalMachine, "SOFTWARE".to_owned()),
            Hive::System => (Root::LocalMachine, "SYSTEM".to_owned()),
            // A profile that Windows could not load is listed as `S-1-….bak`: the loaded one of that user is another.
            Hive::User(n) => match of_user(n) {
                Some(sid) => (Root::Users, sid),
                None => return Ok(None),
            },
            Hive::Classes(n) => match of_user(n) {
                Some(sid) => (Root::Users, format!("{sid}_Classes")),
                None => return Ok(None),
            },
            // Windows loads it where only it can see it.
            Hive::Amcache => return Ok(None),
        };
        match KeyHandle::open(root, &name) {
            Ok(handle) => Ok(Some(LiveKey { place: format!(r"{}\{name}", root.name()), name, handle })),
            Err(error) if is_absent(&error) && root == Root::Users => Ok(None),
            Err(error) => Err(miss(&error)),
        }
    }
}

impl Registry for LiveRegistry {
    fn open(&self, hive: Hive, path: &str) -> Read<Box<dyn Key>> {
        let below =
            |key: LiveKey| if path.is_empty() { Ok(Box::new(key) as Box<dyn Key>) } else { key.open(path) };
        if let Some(key) = self.loaded(hive)? {
            return below(key);
        }
        match (self.hives.open_own(hive, path), hive) {
            (Err(Miss::Absent), Hive::Classes(n)) => self.open(Hive::User(n), &classes_of_user(path)),
            // In use: its user may have logged on since.
            (Err(Miss::Io(text)), _) => self.loaded(hive)?.map_or(Err(Miss::Io(text)), below),
            (read, _) => read,
        }
    }

    fn place(&self, hive: Hive) -> HostPath {
        match self.loaded(hive) {
            Ok(Some(key)) => key.place(),
            _ => self.hives.place(hive),
        }
    }

    fn faults(&self, hive: Hive) -> Vec<Hidden> {
        if matches!(self.loaded(hive), Ok(None)) { self.hives.faults(hive) } else { Vec::new() }
    }
}

/// A key of the running registry.
struct LiveKey {
    handle: KeyHandle,
    name: String,
    place: String,
}

impl LiveKey {
    /// The key below that an enumeration named, by the very units of its name.
    fn child(&self, units: &[u16]) -> Result<Self, Hidden> {
        let name = String::from_utf16_lossy(units);
        let place = format!(r"{}\{name}", self.place);
        // The system itself allows it, the functions of Windows end the name there: a way to hide keys from people.
        if units.contains(&0) {
            let detail = "its name has a NUL in it, so that no program of Windows can open it".to_owned();
            return Err((GapReason::Malformed, HostPath::new(place.replace('\0', r"\0")), Some(detail)));
        }
        match self.handle.open_below(units) {
            Ok(handle) => Ok(Self { handle, name, place }),
            Err(error) if is_absent(&error) => Err((GapReason::Vanished, HostPath::new(place), None)),
            Err(error) => Err(hidden(&miss(&error), HostPath::new(place))),
        }
    }
}

impl Key for LiveKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> HostPath {
        HostPath::new(self.place.as_str())
    }

    fn last_write(&self) -> Option<Stamp> {
        filetime::unix(self.handle.last_write().ok()?).and_then(Stamp::from_unix)
    }

    fn value(&self, name: &str) -> Read<RegistryValue> {
        match self.handle.value(name) {
            Ok((kind, data)) => Ok(RegistryValue::new(kind, data)),
            Err(error) => Err(miss(&error)),
        }
    }

    fn values(&self) -> Read<Values> {
        let (mut values, mut gaps) = (Vec::new(), Vec::new());
        for index in 0.. {
            match self.handle.value_at(index) {
                Ok(Some((name, kind, data))) => {
                    values.push((String::from_utf16_lossy(&name), RegistryValue::new(kind, data)));
                }
                Ok(None) => break,
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    gaps.push(hidden(&miss(&error), self.place()));
                }
                Err(error) if values.is_empty() && gaps.is_empty() => return Err(miss(&error)),
                Err(error) => {
                    gaps.push(hidden(&miss(&error), self.place()));
                    break;
                }
            }
        }
        Ok((values, gaps))
    }

    fn open(&self, path: &str) -> Read<Box<dyn Key>> {
        let units: Vec<u16> = path.encode_utf16().collect();
        let handle = self.handle.open_below(&units).map_err(|error| miss(&error))?;
        let name = path.rsplit('\\').next().unwrap_or(path).to_owned();
        Ok(Box::new(Self { handle, name, place: format!(r"{}\{path}", self.place) }))
    }

    fn each(&self, visit: &mut dyn FnMut(&dyn Key) -> ControlFlow<()>) -> Read<Vec<Hidden>> {
        let mut gaps = Vec::new();
        for index in 0.. {
            let units = match self.handle.name_at(index) {
                Ok(Some(units)) => units,
                Ok(None) => break,
                Err(error) if index == 0 => return Err(miss(&error)),
                Err(error) => {
                    gaps.push(hidden(&miss(&error), self.place()));
                    break;
                }
            };
            match self.child(&units) {
                Ok(key) if visit(&key).is_break() => break,
                Ok(_) => {}
                Err(gap) => gaps.push(gap),
            }
        }
        Ok(gaps)
    }
}

/// `ERROR_KEY_DELETED`: it was there when it was opened.
const KEY_DELETED: i32 = 1018;

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(KEY_DELETED)
}
