//! Paths of one host as paths of the fleet: what is the host's own in them is replaced by its name.
//!
//! Called by `gather`.

use std::borrow::Cow;

use crate::model::{Alias, HostPath, Scope, User};

/// What of a host's paths is its own.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Its users; their homes become `{home}`.
    pub users: &'a [User],
    /// Folders known by another name than their own.
    pub aliases: &'a [Alias],
}

/// Folders of a Windows profile that rules name by themselves (`CSIDL_APPDATA`, `CSIDL_LOCAL_APPDATA`), longest first.
const OF_A_PROFILE: &[(&str, &str)] = &[
    ("/AppData/Local/Temp", "{temp}"),
    ("/AppData/Local", "{local-app-data}"),
    ("/AppData/Roaming", "{app-data}"),
    // Windows XP and Server 2003.
    ("/Local Settings/Temp", "{temp}"),
    ("/Local Settings/Application Data", "{local-app-data}"),
    ("/Application Data", "{app-data}"),
    ("", "{home}"),
];

impl Places<'_> {
    /// The path with a user's home as `{home}` (alice's and bob's copy of a program are one item) and `/var/opt` as
    /// `/opt` where the one is a link to the other (`/private/var` as `/var` on macOS); of Windows with `{program-files}` and its like. A container's paths
    /// are its own, and stay.
    pub(super) fn template(&self, path: &HostPath, scope: &Scope) -> String {
        if matches!(scope, Scope::Container(_)) {
            return path.text().into_owned();
        }
        if path.drive().is_some() {
            return self.of_windows(path);
        }
        let path = self.known(path);
        let homes = self.users.iter().map(|user| self.known(&user.home)).filter(|home| path.is_within(home));
        match homes.max_by_key(|home| home.as_bytes().len()) {
            Some(home) => format!("{{home}}{}", HostPath::new(below(&path, &home)).text()),
            None => path.text().into_owned(),
        }
    }

    /// A path of Windows: the longest folder that has a name gives way to it, in any letters' case. A profile below the
    /// folder of Windows is a service's, and no home.
    fn of_windows(&self, path: &HostPath) -> String {
        let named =
            self.aliases.iter().filter_map(|alias| Some((rest_below(path, &alias.real)?, &alias.name)));
        let named = named.min_by_key(|(rest, _)| rest.len()).map(|(rest, name)| (rest, name.text()));
        let mut profiles = self.users.iter().filter(|user| !is_of_a_service(&user.home));
        let profile = profiles.find_map(|user| of_a_profile(rest_below(path, &user.home)?));
        match named.into_iter().chain(profile).min_by_key(|(rest, _)| rest.len()) {
            Some((rest, name)) => format!("{name}{}", HostPath::new(rest).text().replace('/', "\\")),
            None => path.text().into_owned(),
        }
    }

    /// The path by the name that everybody uses.
    fn known(&self, path: &HostPath) -> HostPath {
        match self.aliases.iter().find(|alias| path.is_within(&alias.real)) {
            Some(alias) if path == &alias.real => alias.name.clone(),
            Some(alias) => alias.name.join(below(path, &alias.real)),
            None => path.clone(),
        }
    }
}

/// `C:\Windows\ServiceProfiles\LocalService`, `C:\Windows\System32\config\systemprofile`: rules name them so.
fn is_of_a_service(home: &HostPath) -> bool {
    let folders = [&b"serviceprofiles"[..], b"systemprofile"];
    home.parts().any(|part| folders.iter().any(|folder| part.eq_ignore_ascii_case(folder)))
}

/// What of a path of Windows lies below a folder, in any letters' case, with the slash before it.
fn rest_below<'p>(path: &'p HostPath, folder: &HostPath) -> Option<&'p [u8]> {
    let head = folder.as_bytes();
    let head = head.strip_suffix(b"/").unwrap_or(head);
    strip(path.as_bytes(), head)
}

/// What follows whole parts of a path. That a part ends there is asked first: of thousands of profiles few are compared.
fn strip<'p>(path: &'p [u8], head: &[u8]) -> Option<&'p [u8]> {
    let (start, rest) = path.split_at_checked(head.len())?;
    let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
    let ends = rest.first().is_none_or(|next| *next == b'/');
    (ends && (start.eq_ignore_ascii_case(head) || (!start.is_ascii() && lower(start) == lower(head))))
        .then_some(rest)
}

/// The folder of a profile that has a name of its own, and what lies below it.
fn of_a_profile(inside: &[u8]) -> Option<(&[u8], Cow<'static, str>)> {
    let found = |(folder, name): &(&str, &'static str)| {
        Some((strip(inside, folder.as_bytes())?, Cow::Borrowed(*name)))
    };
    OF_A_PROFILE.iter().find_map(found)
}

/// What of a path lies below a folder that it is within, with the slash before it.
fn below<'p>(path: &'p HostPath, folder: &HostPath) -> &'p [u8] {
    path.as_bytes().strip_prefix(folder.as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u32, name: &str, home: &str) -> User {
        User { n, name: name.into(), home: home.into(), readable: true, sid: None }
    }

    fn alias(real: &str, name: &str) -> Alias {
        Alias { real: real.into(), name: name.into() }
    }

    fn template(path: &str) -> String {
        let users = [user(1, "alice", "/home/alice"), user(2, "core", "/var/home/core")];
        let aliases = [alias("/var/opt", "/opt"), alias("/var/home", "/home")];
        Places { users: &users, aliases: &aliases }.template(&path.into(), &Scope::Machine)
    }

    #[test]
    fn homes_and_links_of_the_system_have_one_name() {
        assert_eq!(template("/home/alice/.local/bin/x"), "{home}/.local/bin/x");
        assert_eq!(template("/home/alicex/x"), "/home/alicex/x");
        assert_eq!(template("/var/opt/kaspersky/kesl/bin/x"), "/opt/kaspersky/kesl/bin/x");
        assert_eq!(template("/var/optical/x"), "/var/optical/x");
        assert_eq!(template("/var/home/core/x"), "{home}/x");
        assert_eq!(template("/home/core/x"), "{home}/x");
        assert_eq!(template("/var/opt"), "/opt");
    }

    #[test]
    fn folders_of_macos_have_the_names_that_rules_use() {
        let users = [user(1, "alice", "/Users/alice"), user(2, "root", "/private/var/root")];
        let names = [
            ("/System/Volumes/Data/private/var", "/var"),
            ("/System/Volumes/Data/Applications", "/Applications"),
            ("/System/Volumes/Data/Users", "/Users"),
            ("/private/var", "/var"),
            ("/private/tmp", "/tmp"),
        ];
        let aliases = names.map(|(real, name)| alias(real, name));
        let places = Places { users: &users, aliases: &aliases };
        let template = |path: &str| places.template(&path.into(), &Scope::Machine);
        assert_eq!(template("/Users/alice/Library/x"), "{home}/Library/x");
        assert_eq!(template("/System/Volumes/Data/Users/alice/Library/x"), "{home}/Library/x");
        assert_eq!(template("/System/Volumes/Data/Applications/X.app"), "/Applications/X.app");
        assert_eq!(template("/private/var/db/x"), "/var/db/x");
        assert_eq!(template("/System/Volumes/Data/private/var/db/x"), "/var/db/x");
        assert_eq!(template("/private/var/root/Library/x"), "{home}/Library/x");
        assert_eq!(template("/private/tmp/x"), "/tmp/x");
        assert_eq!(template("/Users/Shared/x"), "/Users/Shared/x");
    }

    #[test]
    fn a_containers_paths_are_its_own() {
        let places = Places { users: &[user(1, "alice", "/home/alice")], aliases: &[] };
        assert_eq!(places.template(&"/home/alice/x".into(), &Scope::Container("c1".into())), "/home/alice/x");
    }

    #[test]
    fn folders_of_windows_have_one_name_wherever_they_are() {
        let users = [
            user(1, "Ülle", "/C:/Users/Ülle"),
            user(2, "LocalService", "/C:/Windows/ServiceProfiles/LocalService"),
        ];
        let aliases = [
            alias("/C:/Program Files", "{program-files}"),
            alias("/C:/Program Files (x86)", "{program-files}"),
            alias("/C:/Windows", "{windows}"),
            alias("/C:/Windows/System32", "{system}"),
        ];
        let places = Places { users: &users, aliases: &aliases };
        let template = |path: &str| places.template(&path.into(), &Scope::Machine);
        assert_eq!(template("/C:/PROGRAM FILES (X86)/Acme/a.exe"), r"{program-files}\Acme\a.exe");
        assert_eq!(template("/C:/Program Filesystem/a.exe"), r"C:\Program Filesystem\a.exe");
        assert_eq!(template("/c:/windows/system32/drivers/klif.sys"), r"{system}\drivers\klif.sys");
        assert_eq!(template("/C:/Windows/SysWOW64/x.dll"), r"{windows}\SysWOW64\x.dll");
        assert_eq!(
            template("/C:/users/üLLE/AppData/Local/Programs/x.exe"),
            r"{local-app-data}\Programs\x.exe"
        );
        assert_eq!(template("/C:/Users/Ülle/AppData/Local/Temp/x.exe"), r"{temp}\x.exe");
        assert_eq!(template("/C:/Users/Ülle/.ollama"), r"{home}\.ollama");
        assert_eq!(
            template("/C:/Windows/ServiceProfiles/LocalService/AppData/Roaming/RustDesk"),
            r"{windows}\ServiceProfiles\LocalService\AppData\Roaming\RustDesk"
        );
        assert_eq!(template("/D:/x"), r"D:\x");
        assert_eq!(template(r"HKLM\SOFTWARE\Acme"), r"HKLM\SOFTWARE\Acme");
    }
}
