//! The places of this Windows that a rule names by a template: `{program-data}\Acme` is one folder for the machine,
//! `{local-app-data}\Acme` one for each user.
//!
//! Called by the sources that look at what rules name. Must not know rules.

use crate::model::{HostFacts, HostPath, Scope, ScopeKind, User, Wanted};

/// Folders of a profile, by the names that rules use; as `normalise` names them.
const OF_USERS: &[(&str, &str)] = &[
    ("{home}", ""),
    ("{app-data}", "AppData/Roaming"),
    ("{local-app-data}", "AppData/Local"),
    ("{temp}", "AppData/Local/Temp"),
];

/// Every place that a template stands for on this host, in the scope that is asked for.
pub(super) fn places(facts: &HostFacts, template: &str, want: &Wanted) -> Vec<(Scope, HostPath)> {
    let Some((name, inside)) = template.split_once('\\') else { return Vec::new() };
    let inside = inside.replace('\\', "/");
    let mut places = Vec::new();
    if want.scope.includes(ScopeKind::Machine) {
        let named = facts.aliases.iter().filter(|alias| alias.name.as_bytes() == name.as_bytes());
        places.extend(named.map(|alias| (Scope::Machine, alias.real.join(&inside))));
    }
    if want.scope.includes(ScopeKind::User) {
        let of_user = |user: &User| {
            let (_, folder) = OF_USERS.iter().find(|(known, _)| *known == name)?;
            let home = if folder.is_empty() { user.home.clone() } else { user.home.join(folder) };
            Some((Scope::User(user.n), home.join(&inside)))
        };
        places.extend(facts.users.iter().filter(|user| user.readable).filter_map(of_user));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Host as _};
    use crate::model::ScopeAsk;

    #[test]
    fn a_template_stands_for_places_of_the_machine_and_of_users() {
        let host = FakeHost::windows(
            [("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new()))],
            FakeRegistry::new(),
        );
        let places = |template: &str, scope| {
            let found = places(host.facts(), template, &Wanted { scope, ..Wanted::default() });
            found.into_iter().map(|(scope, path)| format!("{scope} {path}")).collect::<Vec<_>>()
        };
        assert_eq!(places(r"{program-data}\Acme", ScopeAsk::All), [r"machine C:\ProgramData\Acme"]);
        assert_eq!(
            places(r"{local-app-data}\A\b", ScopeAsk::All),
            [r"user:1 C:\Users\alice\AppData\Local\A\b"]
        );
        assert_eq!(
            places(r"{temp}\x", ScopeAsk::All),
            [r"machine C:\Windows\Temp\x", r"user:1 C:\Users\alice\AppData\Local\Temp\x",]
        );
        assert!(
            places(r"{home}\x", ScopeAsk::System).is_empty() && places("{home}", ScopeAsk::All).is_empty()
        );
    }
}
