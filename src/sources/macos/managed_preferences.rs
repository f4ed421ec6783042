//! Settings that a management (MDM) puts upon programs: a file for each domain, for the machine and for users by name. They
//! say that somebody deals with the program here, and may outlive it.
//!
//! The store of the profiles themselves (`/var/db/ConfigurationProfiles`) has no form that is known, and is not read; what
//! it allows of extensions stands with these (`system-extensions`, `kexts`).

use crate::host::{Files, Host, Kind};
use crate::model::{Family, Field, HostPath, ItemKind, Place, Scope, ScopeKind, State, Trace, Wanted};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `managed-preferences`.
pub struct ManagedPreferences;

const FOLDER: &str = "/Library/Managed Preferences";
const ENDING: &[u8] = b".plist";

static ABOUT: About = About {
    name: "managed-preferences",
    summary: "settings that a device management puts upon programs, by their domains",
    families: &[Family::Macos],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Trace, &[State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for ManagedPreferences {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let folder = HostPath::from(FOLDER);
        if want.scope.includes(ScopeKind::Machine) {
            of_folder(host.files(), &folder, &Scope::Machine, haul);
        }
        for user in haul.users(host, want) {
            of_folder(host.files(), &folder.join(&user.name), &Scope::User(user.n), haul);
        }
        Outcome::Read
    }
}

fn of_folder(files: &dyn Files, folder: &HostPath, scope: &Scope, haul: &mut Haul) {
    for entry in haul.optional(folder, files.list(folder)).unwrap_or_default() {
        if entry.kind != Kind::File || !entry.name.ends_with(ENDING) {
            continue;
        }
        let path = folder.join(&entry.name);
        let name = path.file_name_text();
        let domain = name.strip_suffix(".plist").unwrap_or(&name);
        let mut trace = Trace::new(ItemKind::Trace, domain, State::Remnant, Place::file(path.clone()));
        trace.path = Some(path);
        trace.scope = scope.clone();
        haul.push(trace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, Miss};
    use crate::model::GapReason;
    use crate::sources::testing::collect;

    #[test]
    fn domains_of_the_machine_and_of_users() {
        let file = || FakeNode::File(vec![]);
        let host = FakeHost::macos([
            ("/Library/Managed Preferences/com.acme.app.plist", file()),
            ("/Library/Managed Preferences/note.txt", file()),
            ("/Library/Managed Preferences/alice/com.acme.app.plist", file()),
            ("/Library/Managed Preferences/gone/com.acme.app.plist", file()),
            ("/Users/alice/x", FakeNode::Folder),
        ]);
        let (haul, _) = collect(&ManagedPreferences, &host);
        assert_eq!(haul.gaps(), []);
        let seen: Vec<_> = haul.traces().iter().map(|one| (one.name.as_str(), one.scope.clone())).collect();
        assert_eq!(seen, [("com.acme.app", Scope::Machine), ("com.acme.app", Scope::User(1))]);
        assert!(haul.traces().iter().all(|one| one.state == State::Remnant && one.path.is_some()));
    }

    #[test]
    fn what_cannot_be_listed_is_a_gap() {
        let host = FakeHost::macos([(FOLDER, FakeNode::Broken(Miss::Denied))]);
        assert_eq!(collect(&ManagedPreferences, &host).0.gaps(), [(GapReason::PermissionDenied, true)]);
    }
}
