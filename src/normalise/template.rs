//! Paths of one host as paths of the fleet: what is the host's own in them is replaced by its name.
//!
//! Called by `gather`.

use crate::model::{Alias, HostPath, Scope, User};

/// What of a host's paths is its own.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Its users; their homes become `{home}`.
    pub users: &'a [User],
    /// Folders known by another name than their own.
    pub aliases: &'a [Alias],
}

impl Places<'_> {
    /// The path with a user's home as `{home}` (alice's and bob's copy of a program are one item) and `/var/opt` as
    /// `/opt` where the one is a link to the other. A container's paths are its own, and stay.
    pub(super) fn template(&self, path: &HostPath, scope: &Scope) -> String {
        if matches!(scope, Scope::Container(_)) {
            return path.text().into_owned();
        }
        let path = self.known(path);
        let homes = self.users.iter().map(|user| self.known(&user.home)).filter(|home| path.is_within(home));
        match homes.max_by_key(|home| home.as_bytes().len()) {
            Some(home) => format!("{{home}}{}", HostPath::new(below(&path, &home)).text()),
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

/// What of a path lies below a folder that it is within, with the slash before it.
fn below<'p>(path: &'p HostPath, folder: &HostPath) -> &'p [u8] {
    path.as_bytes().strip_prefix(folder.as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(path: &str) -> String {
        let user =
            |n, name: &str, home: &str| User { n, name: name.into(), home: home.into(), readable: true };
        let alias = |real: &str, name: &str| Alias { real: real.into(), name: name.into() };
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
    fn a_containers_paths_are_its_own() {
        let user = User { n: 1, name: "alice".into(), home: "/home/alice".into(), readable: true };
        let places = Places { users: &[user], aliases: &[] };
        assert_eq!(places.template(&"/home/alice/x".into(), &Scope::Container("c1".into())), "/home/alice/x");
    }
}
