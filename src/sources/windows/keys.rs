//! Reading the registry as sources do: what is not there is nothing, what cannot be read is a gap.
//!
//! Called by the sources of Windows. Must not know what a key means.

use std::ops::ControlFlow;

use crate::host::{Hidden, Hive, Host, Key, Miss, Read, Registry};
use crate::model::{GapReason, HostPath, ScopeKind, User, Wanted};
use crate::parse::registry_value::RegistryValue;
use crate::sources::Haul;

/// The names of one thing for programs of 64 and of 32 bits, below a hive of software or of a user.
pub(in crate::sources) const VIEWS: &[&str] = &["", r"WOW6432Node\"];

impl Haul {
    /// A key of a hive. Absent without a word where the hive was read and has none.
    pub(in crate::sources) fn key(
        &mut self,
        host: &dyn Host,
        hive: Hive,
        path: &str,
    ) -> Option<Box<dyn Key>> {
        let (place, read) = self.read_key(host, hive, path)?;
        self.optional(&place, read)
    }

    /// A key that every Windows has: a hive without it is another's, or damaged.
    pub(in crate::sources) fn expected_key(
        &mut self,
        host: &dyn Host,
        hive: Hive,
        path: &str,
    ) -> Option<Box<dyn Key>> {
        let (place, read) = self.read_key(host, hive, path)?;
        if matches!(read, Err(Miss::Absent)) {
            self.gap_with(GapReason::Empty, &place, format!(r"every Windows has {path} in it"));
        }
        self.optional(&place, read)
    }

    /// What opening a key brought, and the place to name where it cannot be read. A hive's own faults are told here.
    fn read_key(
        &mut self,
        host: &dyn Host,
        hive: Hive,
        path: &str,
    ) -> Option<(HostPath, Read<Box<dyn Key>>)> {
        let registry = self.registry(host)?;
        let read = registry.open(hive, path);
        let opened = !matches!(read, Err(Miss::Missing | Miss::Denied | Miss::Elsewhere(_)));
        if opened && self.first_of(hive) {
            self.hidden(registry.faults(hive));
        }
        let place = match (&read, registry.place(hive)) {
            // The running registry refuses a key; of a disk it is the file that cannot be read.
            (Err(Miss::Denied), place) if place.text().starts_with("HK") => {
                HostPath::new(format!(r"{place}\{path}"))
            }
            (_, place) => place,
        };
        Some((place, read))
    }

    /// The registry; that a Windows has none is a gap.
    fn registry<'h>(&mut self, host: &'h dyn Host) -> Option<&'h dyn Registry> {
        let registry = host.registry();
        if registry.is_none() {
            self.gap_with(GapReason::Missing, &HostPath::from("registry"), "this host shows no registry");
        }
        registry
    }

    /// A key below another.
    pub(in crate::sources) fn subkey(&mut self, key: &dyn Key, path: &str) -> Option<Box<dyn Key>> {
        let place = HostPath::new(format!(r"{}\{path}", key.place().text()));
        self.optional(&place, key.open(path))
    }

    /// Every key below another, as long as there is time.
    pub(in crate::sources) fn each_key(&mut self, key: &dyn Key, visit: &mut dyn FnMut(&dyn Key, &mut Self)) {
        let read = key.each(&mut |below| {
            visit(below, self);
            if self.time_left() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        if let Some(hidden) = self.optional(&key.place(), read) {
            self.hidden(hidden);
        }
    }

    /// A value.
    pub(in crate::sources) fn value(&mut self, key: &dyn Key, name: &str) -> Option<RegistryValue> {
        self.optional(&key.place(), key.value(name))
    }

    /// A text value, without white space at its ends; none where there is nothing in it.
    pub(in crate::sources) fn text(&mut self, key: &dyn Key, name: &str) -> Option<String> {
        let text = self.value(key, name)?.text()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A number.
    pub(in crate::sources) fn number(&mut self, key: &dyn Key, name: &str) -> Option<u64> {
        self.value(key, name)?.number()
    }

    /// Every value of a key.
    pub(in crate::sources) fn values(&mut self, key: &dyn Key) -> Vec<(String, RegistryValue)> {
        let Some((values, hidden)) = self.optional(&key.place(), key.values()) else { return Vec::new() };
        self.hidden(hidden);
        values
    }

    /// Notes what a reading of the registry could not see.
    fn hidden(&mut self, hidden: Vec<Hidden>) {
        for (reason, place, detail) in hidden {
            match detail {
                Some(detail) => self.gap_with(reason, &place, detail),
                None => self.gap(reason, &place),
            }
        }
    }

    /// Every user whose hives are to be looked at: of a running system also those whose folder may not be listed, for a
    /// loaded hive can be read all the same. What may hide further users is a gap.
    pub(in crate::sources) fn profiles<'h>(&mut self, host: &'h dyn Host, want: &Wanted) -> &'h [User] {
        if !want.scope.includes(ScopeKind::User) {
            return &[];
        }
        self.user_gaps(host);
        &host.facts().users
    }

    /// These keys of every user's own hive (`NTUSER.DAT`), where they are: the visitor is told whose, and which path.
    pub(in crate::sources) fn of_users(
        &mut self,
        host: &dyn Host,
        want: &Wanted,
        paths: &[String],
        visit: &mut dyn FnMut(&User, &str, &dyn Key, &mut Self),
    ) {
        for user in self.profiles(host, want) {
            self.of_user(host, user, paths, visit);
            if !self.time_left() {
                return;
            }
        }
    }

    /// A hive that cannot be read is one gap, however many keys of it are asked for.
    fn of_user(
        &mut self,
        host: &dyn Host,
        user: &User,
        paths: &[String],
        visit: &mut dyn FnMut(&User, &str, &dyn Key, &mut Self),
    ) {
        let Some(hive) = self.key(host, Hive::User(user.n), "") else { return };
        for path in paths {
            if let Some(key) = self.subkey(hive.as_ref(), path) {
                visit(user, path, key.as_ref(), self);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeRegistry};
    use std::time::{Duration, Instant};

    fn haul() -> Haul {
        Haul::new(Instant::now() + Duration::from_mins(1))
    }

    #[test]
    fn a_hive_that_is_missing_is_a_gap_and_a_key_that_is_not_there_is_none() {
        let registry = FakeRegistry::new().key(r"HKLM\SOFTWARE\Acme", &[]).deny(r"HKLM\SOFTWARE\Secret");
        let sound = FakeHost::windows([], registry.clone());
        let mut haul_of = haul();
        assert!(haul_of.key(&sound, Hive::Software, "acme").is_some());
        assert!(haul_of.key(&sound, Hive::Software, "other").is_none());
        assert_eq!(haul_of.gaps(), []);
        assert!(haul_of.key(&sound, Hive::Software, "Secret").is_none());
        assert_eq!(haul_of.gaps(), [(GapReason::PermissionDenied, true)]);
        let broken = FakeHost::windows([], registry.without(Hive::Software));
        let mut haul_of = haul();
        assert!(haul_of.key(&broken, Hive::Software, "Acme").is_none());
        assert_eq!(haul_of.gaps(), [(GapReason::Missing, true)]);
    }

    #[test]
    fn a_denied_key_among_others_is_a_gap() {
        let registry = FakeRegistry::new().key(r"HKLM\SOFTWARE\Acme\A", &[]).deny(r"HKLM\SOFTWARE\Acme\B");
        let host = FakeHost::windows([], registry);
        let mut haul_of = haul();
        let acme = haul_of.key(&host, Hive::Software, "Acme").unwrap();
        let mut names = Vec::new();
        haul_of.each_key(acme.as_ref(), &mut |key, _| names.push(key.name().to_owned()));
        assert_eq!(
            (names, haul_of.gaps()),
            (vec!["A".to_owned()], vec![(GapReason::PermissionDenied, true)])
        );
    }
}
