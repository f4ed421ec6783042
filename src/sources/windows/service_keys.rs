//! The keys of services and drivers: which of them are one, and which are neither.
//!
//! Called by `services` and `drivers`. Types: winnt.h, "SERVICE_*"; the tree of keys:
//! <https://learn.microsoft.com/windows-hardware/drivers/install/hklm-system-currentcontrolset-services-registry-tree>.

use crate::host::{Hive, Host, Key};
use crate::model::{ItemKind, Means, Place, Recorded, State, Trace};
use crate::sources::Haul;

/// The key of every service.
const SERVICES: &str = r"CurrentControlSet\Services";
/// Kernel driver, driver of a file system, of an adapter, recogniser of a file system.
const DRIVER: u64 = 0x0F;
/// A program of its own, or one that shares a process.
const PROGRAM: u64 = 0x30;
/// What Windows makes of a service for each user who logs on; it is gone when they log off.
const OF_A_LOGON: u64 = 0x80;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A program.
    Service,
    /// A file of the kernel.
    Driver,
}

/// What a key says of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ImagePath {
    /// Nothing.
    None,
    /// This.
    Text(String),
    /// Something that is no text.
    Odd,
}

/// One service or driver.
pub(super) struct ServiceKey<'k> {
    /// Its key.
    pub(super) key: &'k dyn Key,
    /// What it says of its file.
    pub(super) image_path: ImagePath,
    /// Whether it is the copy that one logon made of a service: its name ends with the number of the logon.
    pub(super) of_a_logon: bool,
}

impl ServiceKey<'_> {
    /// A trace of it, with its date.
    pub(super) fn trace(&self, kind: ItemKind, name: String, state: State) -> Trace {
        let mut trace = Trace::new(kind, name, state, Place::file(self.key.place()));
        trace.recorded_at = Recorded { value: self.key.last_write(), means: Means::FileTime };
        trace
    }
}

/// Visits every key of a role; others are counted. Every Windows has hundreds.
pub(super) fn each(
    host: &dyn Host,
    haul: &mut Haul,
    role: Role,
    visit: &mut dyn FnMut(&ServiceKey<'_>, &mut Haul),
) {
    let Some(services) = haul.expected_key(host, Hive::System, SERVICES) else { return };
    haul.each_key(services.as_ref(), &mut |key, haul| {
        let kind = haul.number(key, "Type").unwrap_or_default();
        let image_path = image_path(key, haul);
        if role_of(kind, &image_path) == Some(role) {
            visit(&ServiceKey { key, image_path, of_a_logon: kind & OF_A_LOGON != 0 }, haul);
        } else {
            haul.count_record();
        }
    });
}

fn image_path(key: &dyn Key, haul: &mut Haul) -> ImagePath {
    let Some(value) = haul.value(key, "ImagePath") else { return ImagePath::None };
    let texts = value.texts();
    match texts.first().map(|text| text.trim()) {
        Some(text) if !text.is_empty() => ImagePath::Text(text.to_owned()),
        _ if value.text().is_some() || value.data.is_empty() => ImagePath::None,
        _ => ImagePath::Odd,
    }
}

/// Windows starts nothing that has no type; what has a file was one. Keys with neither hold settings of performance
/// counters, of protocols and of programs (`.NET CLR Data`, `crypt32`), whatever their names look like.
fn role_of(kind: u64, image_path: &ImagePath) -> Option<Role> {
    match (kind, image_path) {
        (kind, _) if kind & DRIVER != 0 => Some(Role::Driver),
        (kind, _) if kind & PROGRAM != 0 => Some(Role::Service),
        (_, ImagePath::Text(path)) if is_driver(path) => Some(Role::Driver),
        (_, ImagePath::Text(_) | ImagePath::Odd) => Some(Role::Service),
        (_, ImagePath::None) => None,
    }
}

fn is_driver(path: &str) -> bool {
    let ending = path.trim_end_matches('"').rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("sys"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_by_their_type_and_then_by_their_file() {
        let text = |path: &str| ImagePath::Text(path.to_owned());
        for (kind, path, role) in [
            (0x1, ImagePath::None, Some(Role::Driver)),
            (0x2, ImagePath::None, Some(Role::Driver)),
            (0x8, ImagePath::None, Some(Role::Driver)),
            (0x10, ImagePath::None, Some(Role::Service)),
            (0x110, text("x.exe"), Some(Role::Service)),
            (0x60, text("x.exe"), Some(Role::Service)),
            (0xE0, text("x.exe"), Some(Role::Service)),
            (0, text("x.exe"), Some(Role::Service)),
            (0, text(r#""\??\C:\x.SYS""#), Some(Role::Driver)),
            (0x100, ImagePath::Odd, Some(Role::Service)),
            (0, ImagePath::None, None),
        ] {
            assert_eq!(role_of(kind, &path), role, "{kind:#x} {path:?}");
        }
    }
}
