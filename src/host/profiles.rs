//! Every profile of a Windows, its user logged on or not: those that `ProfileList` names, and folders with a hive that
//! nobody names any more.
//!
//! Called when a host is opened. What may hide a profile is told: sources turn it into gaps.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::model::{GapReason, HostPath, Order, User, UserGap, WindowsFacts};

use super::registry::{Hive, Key, Registry, hidden as hidden_by};
use super::{Files, Kind, Miss};

/// Where Windows names its profiles, by security identifier.
const LIST: &str = r"Microsoft\Windows NT\CurrentVersion\ProfileList";
/// Where a container product of Microsoft says that profiles lie on a share.
const FSLOGIX: &str = r"FSLogix\Profiles";
/// The account of the system itself, whose hive lies beside the machine's.
pub(super) const SYSTEM_SID: &str = "S-1-5-18";
/// A profile's hive, and that of a mandatory profile.
pub(super) const HIVES: &[&str] = &["NTUSER.DAT", "NTUSER.MAN"];

/// What a Windows says of its users.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    pub(super) users: Vec<User>,
    pub(super) gaps: Vec<UserGap>,
    /// The folder that all users share.
    pub(super) public: Option<HostPath>,
}

/// Where profiles that are kept in containers lie, where this machine has such.
pub(super) fn containers(registry: &dyn Registry) -> Option<String> {
    let key = registry.open(Hive::Software, FSLOGIX).ok()?;
    let enabled = key.value("Enabled").ok()?.number() == Some(1);
    let places = ["VHDLocations", "CCDLocations"]
        .iter()
        .filter_map(|name| Some(key.value(name).ok()?.texts().join("; ")));
    enabled.then(|| format!("FSLogix keeps profiles at {}", places.collect::<Vec<_>>().join("; ")))
}

/// Every profile, and what may hide others.
pub(super) fn profiles(files: &dyn Files, registry: &dyn Registry, windows: &WindowsFacts) -> Profiles {
    let mut found = Found {
        files,
        windows,
        homes: BTreeSet::new(),
        out: Profiles::default(),
        containers: containers(registry),
    };
    match registry.open(Hive::Software, LIST) {
        Ok(list) => found.listed(list.as_ref()),
        Err(miss) => {
            let place = registry.place(Hive::Software);
            found.gap(miss.reason(), place, miss.detail(), true);
            for folder in ["Users", "Documents and Settings"] {
                found.unlisted(&windows.root.parent().unwrap_or_default().join(folder));
            }
        }
    }
    found.out
}

struct Found<'f> {
    files: &'f dyn Files,
    windows: &'f WindowsFacts,
    /// Homes in small letters.
    homes: BTreeSet<String>,
    out: Profiles,
    containers: Option<String>,
}

impl Found<'_> {
    fn listed(&mut self, list: &dyn Key) {
        let text = |name: &str| list.value(name).ok()?.text();
        self.out.public = text("Public").and_then(|text| self.windows.path(&text, None));
        let folder = text("ProfilesDirectory").and_then(|text| self.windows.path(&text, None));
        let folder = folder.unwrap_or_else(|| self.windows.root.parent().unwrap_or_default().join("Users"));
        // A key that ends in `.bak` is what Windows makes of a profile that it could not load: the same folder, or the only.
        let mut profiles: Vec<(String, HostPath, Option<String>)> = Vec::new();
        let hidden = list.each(&mut |key| {
            profiles.push((
                key.name().to_owned(),
                key.place(),
                key.value("ProfileImagePath").ok().and_then(|value| value.text()),
            ));
            ControlFlow::Continue(())
        });
        for (reason, place, detail) in hidden.unwrap_or_else(|miss| vec![hidden_by(&miss, list.place())]) {
            self.gap(reason, place, detail, true);
        }
        profiles.order_by_key(|(sid, ..)| sid.to_lowercase().ends_with(".bak"));
        for (sid, place, image) in profiles {
            self.profile(sid, place, image);
        }
        if let Some(default) =
            text("Default").or_else(|| text("DefaultUserProfile")).filter(|text| !text.is_empty())
        {
            let path = self.windows.path(&default, None).unwrap_or_else(|| folder.join(&default));
            self.user(None, path, false);
        }
        self.unlisted(&folder);
    }

    /// One key of the list. Without a folder it hides nothing: deleted by hand, or never made. Where profiles are kept in
    /// containers, such a folder is there only while its user is logged on.
    fn profile(&mut self, sid: String, place: HostPath, image: Option<String>) {
        let path = image.as_deref().and_then(|image| self.windows.path(image, None));
        let Some(home) = path else {
            let detail = image
                .map_or("a profile without a folder".to_owned(), |image| format!("its folder is '{image}'"));
            return self.gap(GapReason::Malformed, place, Some(detail), true);
        };
        self.user(Some(sid), home, true);
    }

    /// A folder below that of profiles which holds a hive: of an account that was deleted, or of another installation.
    fn unlisted(&mut self, folder: &HostPath) {
        let entries = match self.files.list(folder) {
            Ok(entries) => entries,
            Err(Miss::Absent) => return,
            Err(miss) => return self.gap(miss.reason(), folder.clone(), miss.detail(), true),
        };
        for entry in entries.into_iter().filter(|entry| entry.kind == Kind::Folder) {
            let home = folder.join(&entry.name);
            let has_hive = HIVES.iter().any(|hive| self.files.stat(&home.join(hive)).is_ok());
            let hidden = matches!(self.files.list(&home), Err(Miss::Denied));
            if has_hive || hidden {
                self.user(None, home, false);
            }
        }
    }

    fn user(&mut self, sid: Option<String>, home: HostPath, listed: bool) {
        let readable = match self.files.list(&home) {
            Ok(_) => true,
            Err(Miss::Absent | Miss::NotAFile(Kind::File)) => return self.without_folder(home, listed),
            Err(Miss::NotMounted) => return self.gap(GapReason::NotMounted, home, None, true),
            Err(_) => false,
        };
        let home = self.files.resolve(&home).unwrap_or(home);
        if self.homes.insert(home.text().to_lowercase()) {
            let n = u32::try_from(self.out.users.len() + 1).unwrap_or(u32::MAX);
            let name = home.file_name_text();
            self.out.users.push(User { n, name, home, readable, sid });
        }
    }

    fn without_folder(&mut self, home: HostPath, listed: bool) {
        match self.containers.clone().filter(|_| listed) {
            Some(containers) => self.gap(GapReason::ProfileElsewhere, home, Some(containers), true),
            None => {
                self.gap(GapReason::Vanished, home, Some("a profile without its folder".to_owned()), false);
            }
        }
    }

    fn gap(&mut self, reason: GapReason, path: HostPath, detail: Option<String>, blocking: bool) {
        self.out.gaps.push(UserGap { reason, path, detail, blocking });
    }
}

#[cfg(test)]
mod tests {
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Host as _, Miss};
    use crate::model::GapReason;
    use crate::parse::registry_value::RegistryValue;

    const LIST: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";

    fn list(profiles: &[(&str, &str)]) -> FakeRegistry {
        let registry = FakeRegistry::new().key(
            LIST,
            &[
                ("ProfilesDirectory", RegistryValue::expand_sz(r"%SystemDrive%\Users")),
                ("Default", RegistryValue::expand_sz(r"%SystemDrive%\Users\Default")),
                ("Public", RegistryValue::expand_sz(r"%SystemDrive%\Users\Public")),
            ],
        );
        profiles.iter().fold(registry, |registry, (sid, path)| {
            registry.key(&format!(r"{LIST}\{sid}"), &[("ProfileImagePath", RegistryValue::expand_sz(path))])
        })
    }

    fn file() -> FakeNode {
        FakeNode::File(Vec::new())
    }

    fn names(host: &FakeHost) -> Vec<String> {
        host.facts().users.iter().map(|user| user.name.clone()).collect()
    }

    #[test]
    fn profiles_of_every_shape_are_users() {
        let registry = list(&[
            ("S-1-5-18", r"%systemroot%\system32\config\systemprofile"),
            ("S-1-5-21-1-2-3-1001", r"C:\Users\alice"),
            ("S-1-5-21-1-2-3-1002.bak", r"C:\Users\Zoë"),
            ("S-1-5-21-1-2-3-1003", r"C:\Users\TEMP"),
            ("S-1-5-21-1-2-3-1001.bak", r"C:\Users\ALICE"),
            ("S-1-5-82-1-2", r"C:\Users\DefaultAppPool"),
        ]);
        let host = FakeHost::windows(
            [
                ("/C:/Windows/System32/config/systemprofile/x", file()),
                ("/C:/Users/alice/NTUSER.DAT", file()),
                ("/C:/Users/Zoë/NTUSER.DAT", file()),
                ("/C:/Users/TEMP/NTUSER.DAT", file()),
                ("/C:/Users/DefaultAppPool/NTUSER.DAT", file()),
                ("/C:/Users/Default/NTUSER.DAT", file()),
                ("/C:/Users/gone/NTUSER.MAN", file()),
                ("/C:/Users/Public/Desktop/x", file()),
            ],
            registry,
        );
        let mut names = names(&host);
        names.sort();
        assert_eq!(names, ["Default", "DefaultAppPool", "TEMP", "Zoë", "alice", "gone", "systemprofile"]);
        assert_eq!(host.facts().user_gaps, []);
    }

    #[test]
    fn what_hides_profiles_is_told() {
        let gaps = |host: &FakeHost| {
            host.facts().user_gaps.iter().map(|gap| (gap.reason, gap.blocking)).collect::<Vec<_>>()
        };
        let windows = ("/C:/Windows/System32/config/SOFTWARE", file());
        let listed = || list(&[("S-1-5-21-1", r"C:\Users\bob")]);
        let host = FakeHost::windows([windows.clone()], listed());
        assert_eq!(
            gaps(&host),
            [(GapReason::Vanished, false), (GapReason::Vanished, false)],
            "bob's and Default's folder"
        );
        let fslogix = listed().key(
            r"HKLM\SOFTWARE\FSLogix\Profiles",
            &[
                ("Enabled", RegistryValue::dword(1)),
                ("VHDLocations", RegistryValue::multi_sz(&[r"\\srv\profiles"])),
            ],
        );
        let host = FakeHost::windows([windows.clone()], fslogix);
        assert_eq!(gaps(&host)[0], (GapReason::ProfileElsewhere, true));
        assert!(host.facts().user_gaps[0].detail.as_ref().unwrap().contains(r"\\srv\profiles"));
        let denied = ("/C:/Users", FakeNode::Broken(Miss::Denied));
        let host = FakeHost::windows([windows.clone(), denied], listed());
        assert!(gaps(&host).contains(&(GapReason::PermissionDenied, true)));
        let host = FakeHost::windows([windows.clone()], list(&[("S-1-5-21-1", r"\\srv\home\bob")]));
        assert_eq!(gaps(&host)[0], (GapReason::Malformed, true));
        let host = FakeHost::windows([windows], list(&[("S-1-5-21-1", r"E:\bob")]));
        assert_eq!(gaps(&host)[0], (GapReason::NotMounted, true), "a drive that is not here");
    }
}
