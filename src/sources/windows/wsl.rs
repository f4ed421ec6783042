//! Linux systems inside this Windows (WSL): each user's distributions, Docker's and Podman's among them. They are listed and
//! not looked into; a gap says so for each, and the claim counts them.
//! <https://learn.microsoft.com/windows/wsl/disk-space>

use crate::host::{Host, Key, Miss};
use crate::model::{
    Family, Field, GapReason, Image, ItemKind, Means, Need, Place, Recorded, Scope, ScopeKind, State, Trace,
    User, Wanted,
};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `wsl`.
pub struct Wsl;

const DISTRIBUTIONS: &str = r"Software\Microsoft\Windows\CurrentVersion\Lxss";

static ABOUT: About = About {
    name: "wsl",
    summary: "Linux distributions of every user inside this Windows, listed and not looked into",
    families: &[Family::Windows],
    needs: &[Need::Registry, Need::Files],
    scopes: &[ScopeKind::User],
    yields: &[(ItemKind::Application, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Path],
    ..About::USUAL
};

impl Source for Wsl {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        haul.of_users(host, want, &[DISTRIBUTIONS.to_owned()], &mut |user, _, key, haul| {
            haul.each_key(key, &mut |key, haul| distribution(host, user, key, haul));
        });
        Outcome::Read
    }
}

fn distribution(host: &dyn Host, user: &User, key: &dyn Key, haul: &mut Haul) {
    let (name, folder) = (haul.text(key, "DistributionName"), haul.text(key, "BasePath"));
    // Keys of other use have neither.
    if name.is_none() && folder.is_none() {
        return haul.count_record();
    }
    let path = folder.and_then(|folder| host.facts().windows.as_ref()?.path(&folder, Some(user)));
    let place = Place::file(key.place());
    let mut trace = Trace::new(
        ItemKind::Application,
        name.unwrap_or_else(|| key.name().to_owned()),
        State::Installed,
        place,
    );
    trace.scope = Scope::User(user.n);
    trace.recorded_at = Recorded { value: key.last_write(), means: Means::FileTime };
    let seen = path.as_ref().map(|path| host.files().resolve(path));
    match (path, seen) {
        (Some(path), Some(Err(Miss::Absent))) => {
            trace.state = State::Remnant;
            trace.image = Some(Image { path, exists: Some(false) });
        }
        (Some(path), seen) => {
            let exists = seen.is_some_and(|seen| seen.is_ok()).then_some(true);
            haul.minor(GapReason::NotLookedInto, &path, "a Linux system inside this Windows");
            trace.image = Some(Image { path, exists });
        }
        (None, _) => haul.minor(GapReason::NotLookedInto, &key.place(), "a Linux system inside this Windows"),
    }
    haul.push(trace);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Hive};
    use crate::model::ScopeAsk;
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::{collect, collect_for};

    const KEY: &str = r"HKU\1\Software\Microsoft\Windows\CurrentVersion\Lxss";

    fn host(registry: FakeRegistry) -> FakeHost {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
        let registry = registry
            .key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))])
            .key(r"HKU\1\Software\Acme", &[]);
        let nodes = [
            ("/C:/Users/alice/NTUSER.DAT", FakeNode::File(Vec::new())),
            ("/C:/Users/alice/AppData/Local/Docker/wsl/data/ext4.vhdx", FakeNode::File(Vec::new())),
        ];
        FakeHost::windows(nodes, registry)
    }

    fn sz(text: &str) -> RegistryValue {
        RegistryValue::sz(text)
    }

    #[test]
    fn distributions_are_listed_and_said_to_be_closed() {
        let registry = FakeRegistry::new()
            .key(KEY, &[("DefaultVersion", RegistryValue::dword(2))])
            .key(&format!(r"{KEY}\AppxInstallerCache"), &[])
            .key(
                &format!(r"{KEY}\{{1}}"),
                &[
                    ("DistributionName", sz("docker-desktop-data")),
                    ("BasePath", sz(r"\\?\C:\Users\alice\AppData\Local\Docker\wsl\data")),
                ],
            )
            .key(
                &format!(r"{KEY}\{{2}}"),
                &[("DistributionName", sz("Debian")), ("BasePath", sz(r"C:\Gone"))],
            )
            .key(&format!(r"{KEY}\{{3}}"), &[("DistributionName", sz("podman"))]);
        let (haul, outcome) = collect(&Wsl, &host(registry.clone()));
        assert_eq!(outcome, Outcome::Read);
        let seen: Vec<_> = haul
            .traces()
            .iter()
            .map(|trace| {
                let image = trace.image.as_ref();
                let path = image.map(|image| image.path.text().into_owned()).unwrap_or_default();
                (trace.name.as_str(), path, trace.state)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (
                    "docker-desktop-data",
                    r"C:\Users\alice\AppData\Local\Docker\wsl\data".to_owned(),
                    State::Installed
                ),
                ("Debian", r"C:\Gone".to_owned(), State::Remnant),
                ("podman", String::new(), State::Installed),
            ]
        );
        assert_eq!(haul.gaps(), [(GapReason::NotLookedInto, false)]);
        assert_eq!(haul.gap_list().next().unwrap().count, 2);
        let want = Wanted { scope: ScopeAsk::System, ..Wanted::default() };
        assert_eq!(collect_for(&Wsl, &host(registry), &want).0.traces().len(), 0);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap() {
        let gaps = |registry| collect(&Wsl, &host(registry)).0.gaps();
        assert_eq!(gaps(FakeRegistry::new()), []);
        assert_eq!(gaps(FakeRegistry::new().deny(KEY)), [(GapReason::PermissionDenied, true)]);
        assert_eq!(gaps(FakeRegistry::new().without(Hive::User(1))), [(GapReason::Missing, true)]);
        let odd = FakeRegistry::new()
            .key(&format!(r"{KEY}\{{1}}"), &[("BasePath", sz(&"x".repeat(1 << 20)))])
            .key(&format!(r"{KEY}\{{2}}"), &[("DistributionName", RegistryValue::dword(1))]);
        let (haul, _) = collect(&Wsl, &host(odd));
        assert_eq!(haul.traces().len(), 1);
        assert_eq!(haul.traces()[0].name, "{1}");
    }
}
