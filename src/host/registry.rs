//! The registry of a Windows host behind one trait: the running system's, or the hive files of a dead disk. Names of keys
//! are the same in both: `SOFTWARE\WOW6432Node\…` is written out, `CurrentControlSet` is the set that `Select` names.
//!
//! Used by `sources`. Must not know what a source looks for.

use std::ops::ControlFlow;

use crate::model::{GapReason, HostPath, Stamp};
use crate::parse::registry_value::RegistryValue;

use super::{Miss, Read};

/// A part of the registry that has a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hive {
    /// `HKLM\SOFTWARE`.
    Software,
    /// `HKLM\SYSTEM`.
    System,
    /// `NTUSER.DAT` of the user of this number (`HKU\<SID>`).
    User(u32),
    /// `UsrClass.dat` of the user of this number (`HKU\<SID>_Classes`). An account that has none, such as the system's,
    /// has its classes in its own hive, where the others have a link: they are read there.
    Classes(u32),
    /// `C:\Windows\AppCompat\Programs\Amcache.hve`, which Windows loads for itself only.
    Amcache,
}

/// What hid a key or value: reason, place and detail.
pub type Hidden = (GapReason, HostPath, Option<String>);

/// Values of a key with their names, and what hid others.
pub type Values = (Vec<(String, RegistryValue)>, Vec<Hidden>);

/// The registry of a host.
pub trait Registry: Send + Sync {
    /// Opens a key below a hive by its path (`Microsoft\Windows`, empty for the hive's own root), in any letters' case.
    /// Absent means that the hive was read and has no such key; a hive that is not there is [`Miss::Missing`].
    fn open(&self, hive: Hive, path: &str) -> Read<Box<dyn Key>>;
    /// Where a hive is: its file, or its name in the running registry.
    fn place(&self, hive: Hive) -> HostPath;
    /// What of a hive may not be read, though it opens: changes that were not yet written when the system stopped.
    fn faults(&self, hive: Hive) -> Vec<Hidden>;
}

/// A key of the registry.
pub trait Key {
    /// Its name, as written.
    fn name(&self) -> &str;
    /// Its whole name: `HKLM\SOFTWARE\Acme`, `HKU\S-1-5-21-…\Software\Acme`.
    fn place(&self) -> HostPath;
    /// When it, or a value of it, was last written.
    fn last_write(&self) -> Option<Stamp>;
    /// A value; the empty name is the default one. Absent where there is none.
    fn value(&self, name: &str) -> Read<RegistryValue>;
    /// Every value with its name; what hid others.
    fn values(&self) -> Read<Values>;
    /// A key below it, by name or path.
    fn open(&self, path: &str) -> Read<Box<dyn Key>>;
    /// Every key below it, one after the other; what hid others.
    fn each(&self, visit: &mut dyn FnMut(&dyn Key) -> ControlFlow<()>) -> Read<Vec<Hidden>>;
}

/// The gap that something unreadable makes at a place of the registry.
pub(super) fn hidden(miss: &Miss, place: HostPath) -> Hidden {
    (miss.reason(), place, miss.detail())
}

/// Where a key of a user's classes is in the user's own hive.
pub(super) fn classes_of_user(path: &str) -> String {
    format!(r"Software\Classes\{path}").trim_end_matches('\\').to_owned()
}
