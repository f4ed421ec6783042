//! Keys of the registry that a rule names: what a vendor's products leave behind, and when they last updated themselves.
//!
//! Nothing that counts rests on a key alone: installers leave them, and malware makes them. But the date of the last update
//! tells whether updates still arrive.

use crate::host::{Hive, Host, Key};
use crate::model::{
    Family, Field, GapReason, HostPath, ItemKind, Means, Need, Place, Recorded, Scope, ScopeKind, Stamp,
    State, Trace, Wanted,
};
use crate::parse::filetime;
use crate::parse::registry_value::RegistryValue;
use crate::sources::{About, Haul, Outcome, Source};

/// The source `vendor-keys`.
pub struct VendorKeys;

/// Keys looked at below one that a rule names.
const KEYS: usize = 5_000;
/// How deep.
const DEPTH: usize = 8;
/// Where programs of 32 bits have their own.
const WOW: &str = r"WOW6432Node\";
/// Keys that every Windows has: what lies directly below them is looked at, as a rule may name it by its beginning.
const COMMON: &[&str] = &[
    "classes",
    r"classes\clsid",
    "clients",
    "microsoft",
    r"microsoft\windows",
    r"microsoft\windows\currentversion",
    r"microsoft\windows\currentversion\run",
    r"microsoft\windows\currentversion\uninstall",
    r"microsoft\windows nt",
    r"microsoft\windows nt\currentversion",
    "policies",
    r"policies\microsoft",
    "currentcontrolset",
    r"currentcontrolset\control",
    r"currentcontrolset\services",
];
/// Values in which products write when they last updated themselves: Kaspersky (`LastSuccessfulUpdate` below `Data`,
/// `LastUpdate` below `Data\UpdateState`), Microsoft Defender (`SignaturesLastUpdated`).
const UPDATED: &[&str] = &["LastSuccessfulUpdate", "LastUpdate", "SignaturesLastUpdated"];
/// 2000-01-01 and 2100-01-01: a number outside is no date of an update.
const PLAUSIBLE: std::ops::Range<i64> = 946_684_800..4_102_444_800;
/// An update is not younger than its record, but for what time zones make of it.
const DAY: i64 = 86_400;

static ABOUT: About = About {
    name: "vendor-keys",
    summary: "registry keys that a rule names, of the machine and of every user, with the date of the last update; no others are reported",
    families: &[Family::Windows],
    needs: &[Need::Registry],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Trace, &[State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for VendorKeys {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let roots = roots(want);
        if want.scope.includes(ScopeKind::Machine) {
            for root in roots.iter().filter(|root| root.part != Part::User) {
                look(host, root.hive(None), root, &Scope::Machine, haul);
            }
        }
        let of_users: Vec<&Root> = roots.iter().filter(|root| root.part == Part::User).collect();
        if of_users.is_empty() {
            return Outcome::Read;
        }
        for user in haul.profiles(host, want) {
            for root in &of_users {
                look(host, root.hive(Some(user.n)), root, &Scope::User(user.n), haul);
            }
            if !haul.time_left() {
                break;
            }
        }
        Outcome::Read
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Software,
    System,
    User,
}

/// A key that a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Root {
    part: Part,
    /// Whether it is a user's `Software\Classes`, which has a hive of its own.
    is_classes: bool,
    /// What it begins with in rules: `HKLM\SOFTWARE`, `HKCU`, `HKCU\Software\Classes`.
    head: String,
    /// The path below that.
    path: String,
    is_common: bool,
}

impl Root {
    /// The hive that holds it: the machine's, or that of the user of this number.
    fn hive(&self, user: Option<u32>) -> Hive {
        match (user, self.part, self.is_classes) {
            (Some(n), _, true) => Hive::Classes(n),
            (Some(n), ..) => Hive::User(n),
            (None, Part::System, _) => Hive::System,
            (None, ..) => Hive::Software,
        }
    }
}

/// The keys that rules name, none below another of them.
fn roots(want: &Wanted) -> Vec<Root> {
    let mut roots: Vec<Root> = Vec::new();
    for root in want.keys.iter().filter_map(|key| root(key)) {
        let is_below = |one: &Root| {
            let rest = strip(&root.path, &one.path);
            one.part == root.part
                && one.is_classes == root.is_classes
                && !one.is_common
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
        };
        if !roots.iter().any(is_below) {
            roots.push(root);
        }
    }
    roots
}

fn root(key: &str) -> Option<Root> {
    const HEADS: &[(&str, Part, bool)] = &[
        (r"HKLM\SOFTWARE\", Part::Software, false),
        (r"HKLM\SYSTEM\", Part::System, false),
        (r"HKCU\Software\Classes\", Part::User, true),
        (r"HKCU\", Part::User, false),
    ];
    let (head, part, is_classes) = HEADS.iter().find(|(head, ..)| strip(key, head).is_some())?;
    let path = strip(key, head)?;
    let path = strip(path, WOW).unwrap_or(path).trim_end_matches('\\').to_owned();
    let inside = strip(&path, r"Software\").unwrap_or(&path);
    let is_common = COMMON.contains(&inside.to_lowercase().as_str());
    let head = head.trim_end_matches('\\').to_owned();
    (!path.is_empty()).then_some(Root { part: *part, is_classes: *is_classes, head, path, is_common })
}

/// What follows a beginning, in any letters' case.
fn strip<'t>(text: &'t str, head: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(head.len())?;
    start.eq_ignore_ascii_case(head).then_some(rest)
}

/// The key for programs of 64 and of 32 bits.
fn look(host: &dyn Host, hive: Hive, root: &Root, scope: &Scope, haul: &mut Haul) {
    let mut paths = vec![root.path.clone()];
    match (root.part, root.is_classes) {
        (Part::System, _) => {}
        (Part::Software, _) | (Part::User, true) => {
            paths.push(format!("{WOW}{}", root.path));
            paths.extend(strip(&root.path, r"Classes\").map(|rest| format!(r"Classes\{WOW}{rest}")));
        }
        (Part::User, false) => {
            paths.extend(strip(&root.path, r"Software\").map(|rest| format!(r"Software\{WOW}{rest}")));
        }
    }
    for path in paths {
        let Some(key) = haul.key(host, hive, &path) else { continue };
        let above = match root.path.rsplit_once('\\') {
            Some((above, _)) => format!(r"{}\{above}", root.head),
            None => root.head.clone(),
        };
        let mut walk =
            Walk { scope, left: KEYS, depth: if root.is_common { 1 } else { DEPTH }, place: key.place() };
        walk.key(key.as_ref(), &above, 0, haul);
    }
}

/// A walk below one key.
struct Walk<'s> {
    scope: &'s Scope,
    left: usize,
    depth: usize,
    place: HostPath,
}

impl Walk<'_> {
    /// The same for one below, as long as not too many were seen.
    fn below(&mut self, key: &dyn Key, above: &str, level: usize, haul: &mut Haul) -> Option<Stamp> {
        if self.left > 0 {
            return self.key(key, above, level, haul);
        }
        let detail = format!("more than {KEYS} keys below one that a rule names");
        haul.minor(GapReason::Budget, &self.place, detail);
        None
    }

    /// Reports a key and all below it. The last update of any of them is that of each key above: a rule names those.
    fn key(&mut self, key: &dyn Key, above: &str, level: usize, haul: &mut Haul) -> Option<Stamp> {
        let path = format!(r"{above}\{}", key.name());
        let mut latest = last_update(key, haul);
        self.left = self.left.saturating_sub(1);
        if level < self.depth {
            haul.each_key(key, &mut |below, haul| {
                latest = latest.max(self.below(below, &path, level + 1, haul));
            });
        }
        if level > 0 || self.depth > 1 {
            let place = Place::file(key.place());
            let mut trace = Trace::new(ItemKind::Trace, key.name(), State::Remnant, place);
            trace.path = Some(HostPath::new(path));
            trace.scope = self.scope.clone();
            trace.recorded_at = Recorded { value: key.last_write(), means: Means::FileTime };
            trace.last_update = latest;
            haul.push(trace);
        }
        latest
    }
}

/// When a product last updated itself, by the values of one key.
fn last_update(key: &dyn Key, haul: &mut Haul) -> Option<Stamp> {
    let written = key.last_write().map(Stamp::unix);
    let values = UPDATED.iter().filter_map(|name| moment(&haul.value(key, name)?));
    let sound = values.filter(|at| written.is_none_or(|written| *at <= written.saturating_add(DAY)));
    sound.max().and_then(Stamp::from_unix)
}

/// The moment that a value holds, in whichever form: Unix seconds, FILETIME, SYSTEMTIME, a date as text.
fn moment(value: &RegistryValue) -> Option<i64> {
    let plausible = |at: &i64| PLAUSIBLE.contains(at);
    let unix = |number: u64| i64::try_from(number).ok().filter(plausible);
    if let Some(number) = value.filetime().or_else(|| value.number()) {
        let digits = || filetime::install_date(&number.to_string()).filter(plausible);
        return unix(number).or_else(|| filetime::unix(number).filter(plausible)).or_else(digits);
    }
    match value.text() {
        Some(text) => filetime::install_date(&text).filter(plausible),
        None if value.data.len() == 16 => filetime::systemtime(&value.data).filter(plausible),
        None if value.data.len() == 4 => {
            unix(value.data.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry};
    use crate::model::ScopeAsk;
    use crate::sources::testing::collect_for;

    fn want(keys: &[&str], scope: ScopeAsk) -> Wanted {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        Wanted { scope, keys, ..Wanted::default() }
    }

    fn host(registry: FakeRegistry) -> FakeHost {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
        let registry = registry
            .key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))])
            .key(r"HKLM\SYSTEM\Setup", &[])
            .key(r"HKU\1\Software", &[]);
        FakeHost::windows([("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new()))], registry)
    }

    fn paths(registry: FakeRegistry, keys: &[&str], scope: ScopeAsk) -> Vec<(String, String)> {
        let (haul, outcome) = collect_for(&VendorKeys, &host(registry), &want(keys, scope));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let of = |trace: &Trace| {
            let path = trace.path.as_ref().unwrap().text().into_owned();
            assert!(path.ends_with(&format!(r"\{}", trace.name)));
            (path, trace.scope.to_string())
        };
        haul.traces().iter().map(of).collect()
    }

    fn machine(path: &str) -> (String, String) {
        (path.to_owned(), "machine".to_owned())
    }

    #[test]
    fn a_key_has_one_path_wherever_it_lies() {
        let registry = FakeRegistry::new()
            .key(r"HKLM\SOFTWARE\WOW6432Node\KasperskyLab\AVP21.3\Data", &[])
            .key(r"HKLM\SOFTWARE\Other", &[])
            .key(r"HKU\1\Software\Wow6432Node\KINGSOFT", &[])
            .key(r"HKU\1_Classes\hisuite", &[])
            .key(r"HKLM\SYSTEM\CurrentControlSet\Services\AnyDesk", &[]);
        let keys = [
            r"HKLM\SOFTWARE\KasperskyLab",
            r"HKLM\SOFTWARE\KasperskyLab\AVP21.3",
            r"HKCU\Software\Classes\hisuite",
            r"HKCU\SOFTWARE\Kingsoft",
            r"HKLM\SYSTEM\CurrentControlSet\Services\AnyDesk",
            r"HKLM\SOFTWARE\Absent",
        ];
        let mut seen = paths(registry.clone(), &keys, ScopeAsk::All);
        seen.sort();
        let user = |path: &str| (path.to_owned(), "user:1".to_owned());
        assert_eq!(
            seen,
            [
                user(r"HKCU\SOFTWARE\KINGSOFT"),
                user(r"HKCU\Software\Classes\hisuite"),
                machine(r"HKLM\SOFTWARE\KasperskyLab"),
                machine(r"HKLM\SOFTWARE\KasperskyLab\AVP21.3"),
                machine(r"HKLM\SOFTWARE\KasperskyLab\AVP21.3\Data"),
                machine(r"HKLM\SYSTEM\CurrentControlSet\Services\AnyDesk"),
            ]
        );
        assert_eq!(paths(registry.clone(), &keys, ScopeAsk::System).len(), 4);
        assert_eq!(paths(registry, &keys, ScopeAsk::User).len(), 2);
    }

    #[test]
    fn a_key_of_every_windows_is_no_trace() {
        let registry = FakeRegistry::new().key(r"HKLM\SOFTWARE\Classes\acme\shell\open", &[]);
        let seen = paths(registry, &[r"HKLM\SOFTWARE\Classes"], ScopeAsk::All);
        assert_eq!(seen, [machine(r"HKLM\SOFTWARE\Classes\acme")]);
    }

    #[test]
    fn the_last_update_is_told_by_every_key_above() {
        let day = 1_727_611_200_u32;
        let values = [
            ("LastSuccessfulUpdate", RegistryValue::dword(day)),
            ("LastUpdate", RegistryValue::dword(u32::MAX)),
        ];
        let registry = FakeRegistry::new()
            .key(r"HKLM\SOFTWARE\KasperskyLab\protected\AVP14\Data", &values)
            .key(r"HKLM\SOFTWARE\KasperskyLab\Other", &[]);
        let want = want(&[r"HKLM\SOFTWARE\KasperskyLab"], ScopeAsk::All);
        let (haul, _) = collect_for(&VendorKeys, &host(registry), &want);
        let dates: Vec<_> = haul
            .traces()
            .iter()
            .map(|trace| (trace.name.as_str(), trace.last_update.map(Stamp::unix)))
            .collect();
        let day = Some(i64::from(day));
        assert_eq!(
            dates,
            [("Other", None), ("Data", day), ("AVP14", day), ("protected", day), ("KasperskyLab", day)]
        );
        // A clock that was wrong, or another meaning: younger than the record itself.
        let early = Stamp::from_unix(1_600_000_000).unwrap();
        let key = r"HKLM\SOFTWARE\KasperskyLab\AVP21.3";
        let registry = FakeRegistry::new().key(key, &values).written(key, early);
        let (haul, _) = collect_for(&VendorKeys, &host(registry), &want);
        assert!(haul.traces().iter().all(|trace| trace.last_update.is_none()));
    }

    #[test]
    fn moments_in_every_form() {
        let day = 1_727_611_200_i64;
        let ticks = u64::try_from(day + 11_644_473_600).unwrap() * 10_000_000;
        let system: Vec<u8> =
            [2024_u16, 9, 0, 29, 12, 0, 0, 0].iter().flat_map(|part| part.to_le_bytes()).collect();
        for value in [
            RegistryValue::qword(ticks),
            RegistryValue::binary(ticks.to_le_bytes()),
            RegistryValue::qword(1_727_611_200),
            RegistryValue::binary(1_727_611_200_u32.to_le_bytes()),
            RegistryValue::sz("1727611200"),
            RegistryValue::binary(system),
        ] {
            assert_eq!(moment(&value), Some(day), "{value:?}");
        }
        let midnight = Some(1_727_568_000);
        assert_eq!(moment(&RegistryValue::sz("2024-09-29 10:11")), midnight);
        assert_eq!(moment(&RegistryValue::dword(20_240_929)), midnight);
        for value in [
            RegistryValue::dword(u32::MAX),
            RegistryValue::dword(0),
            RegistryValue::dword(7),
            RegistryValue::qword(u64::MAX),
            RegistryValue::sz("yesterday"),
            RegistryValue::binary([0xFF; 16]),
            RegistryValue::binary([1; 3]),
            RegistryValue::multi_sz(&["2024-09-29"]),
        ] {
            assert_eq!(moment(&value), None, "{value:?}");
        }
    }

    #[test]
    fn a_flood_of_keys_ends_with_a_gap_that_hides_nothing() {
        let mut registry = FakeRegistry::new();
        for n in 0..KEYS + 50 {
            registry = registry.key(&format!(r"HKLM\SOFTWARE\Acme\{n}"), &[]);
        }
        let deep = format!(r"HKLM\SOFTWARE\Deep{}", r"\x".repeat(60));
        let registry = registry.key(&deep, &[]);
        let want = want(&[r"HKLM\SOFTWARE\Acme", r"HKLM\SOFTWARE\Deep"], ScopeAsk::System);
        let (haul, _) = collect_for(&VendorKeys, &host(registry), &want);
        assert_eq!(haul.traces().len(), KEYS + DEPTH + 1);
        assert_eq!(haul.gaps(), [(GapReason::Budget, false)]);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let gaps = |registry: FakeRegistry| {
            let want = want(&[r"HKLM\SOFTWARE\Acme", r"HKCU\Software\Acme"], ScopeAsk::All);
            collect_for(&VendorKeys, &host(registry), &want).0.gaps()
        };
        assert_eq!(
            gaps(FakeRegistry::new().deny(r"HKLM\SOFTWARE\Acme")),
            [(GapReason::PermissionDenied, true)]
        );
        assert_eq!(gaps(FakeRegistry::new().without(Hive::User(1))), [(GapReason::Missing, true)]);
    }
}
