//! Apps of Scoop, of every user and of the machine: a folder for each, in it one for each version, and a junction `current`
//! to the one that is used.
//! <https://github.com/ScoopInstaller/Scoop/wiki/Scoop-Folder-Layout>

use crate::host::{Hive, Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Means, Need, Place, Recorded,
    Scheme, Scope, ScopeKind, State, Trace, User, Version, Wanted, WindowsFacts,
};
use crate::parse::scoop;
use crate::sources::{About, Haul, Outcome, Source};

/// The source `scoop`.
pub struct Scoop;

/// Where it is unless a variable says otherwise.
const OF_USER: &str = r"%UserProfile%\scoop";
const OF_MACHINE: &[&str] = &["%SCOOP_GLOBAL%", r"%ProgramData%\scoop", "%SCOOP%"];
const VARIABLE: &str = "SCOOP";
/// Real manifests have some ten kilobytes.
const LIMIT: u64 = 1 << 20;
/// Versions of one app that are looked at where none is current.
const MAX_VERSIONS: usize = 64;

static ABOUT: About = About {
    name: "scoop",
    summary: "apps of Scoop, of the machine and of every user",
    families: &[Family::Windows],
    needs: &[Need::Files, Need::Registry],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Package, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Version, Field::Identifier],
    ..About::USUAL
};

impl Source for Scoop {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        let Some(windows) = &host.facts().windows else {
            return Outcome::Failed("this host has no folder of Windows".to_owned());
        };
        if want.scope.includes(ScopeKind::Machine) {
            let folders = OF_MACHINE.iter().filter_map(|folder| windows.path(folder, None)).collect();
            Reading { host, scope: Scope::Machine }.all(folders, haul);
        }
        for user in haul.profiles(host, want) {
            let folders = of_user(host, windows, user, haul);
            Reading { host, scope: Scope::User(user.n) }.all(folders, haul);
            if !haul.time_left() {
                break;
            }
        }
        Outcome::Read
    }
}

fn of_user(host: &dyn Host, windows: &WindowsFacts, user: &User, haul: &mut Haul) -> Vec<HostPath> {
    let environment = haul.key(host, Hive::User(user.n), "Environment");
    let own = environment.and_then(|environment| haul.text(environment.as_ref(), VARIABLE));
    let folders = [Some(OF_USER), own.as_deref()];
    folders.into_iter().flatten().filter_map(|folder| windows.path(folder, Some(user))).collect()
}

/// Whose apps are read.
struct Reading<'a> {
    host: &'a dyn Host,
    scope: Scope,
}

/// What one folder of an app says.
struct Found {
    place: HostPath,
    version: Option<String>,
    manifest: scoop::Manifest,
    install: scoop::Install,
}

impl Reading<'_> {
    fn all(&self, folders: Vec<HostPath>, haul: &mut Haul) {
        let mut seen = Vec::new();
        for folder in folders {
            let apps = folder.join("apps");
            let apps = self.host.files().resolve(&apps).unwrap_or(apps);
            if seen.contains(&apps) {
                continue;
            }
            let listed = self.host.files().list(&apps);
            let entries = haul.optional(&apps, listed).unwrap_or_default().into_iter();
            for entry in entries.filter(|entry| entry.kind != Kind::File) {
                self.app(&apps.join(&entry.name), haul);
            }
            seen.push(apps);
            if !haul.time_left() {
                return;
            }
        }
    }

    /// The version that is used; where the junction leads nowhere, every version that is there.
    fn app(&self, folder: &HostPath, haul: &mut Haul) {
        let current = folder.join("current");
        match self.host.files().list(&current) {
            Ok(_) => {
                let real = self.host.files().resolve(&current).unwrap_or_else(|_| current.clone());
                let version =
                    Some(real.file_name_text()).filter(|name| !name.eq_ignore_ascii_case("current"));
                let found = self.version(&current, version, haul);
                return self.push(folder, Some(found), haul);
            }
            Err(Miss::Absent | Miss::NotMounted) => {}
            Err(miss) => haul.miss(&current, &miss),
        }
        let listed = self.host.files().list(folder);
        let unread = listed.is_err();
        let entries = haul.listed(folder, listed).unwrap_or_default();
        let versions = entries.iter().filter(|entry| entry.kind == Kind::Folder).take(MAX_VERSIONS);
        let versions: Vec<_> = versions.map(|entry| folder.join(&entry.name)).collect();
        for version in &versions {
            let found = self.version(version, Some(version.file_name_text()), haul);
            self.push(folder, Some(found), haul);
        }
        if versions.is_empty() {
            let hidden = Found {
                place: folder.clone(),
                version: None,
                manifest: scoop::Manifest::default(),
                install: scoop::Install::default(),
            };
            self.push(folder, unread.then_some(hidden), haul);
        }
    }

    fn version(&self, folder: &HostPath, version: Option<String>, haul: &mut Haul) -> Found {
        let manifest = self.json(&folder.join("manifest.json"), scoop::manifest, haul);
        let install = self.json(&folder.join("install.json"), scoop::install, haul);
        Found {
            place: folder.clone(),
            version,
            manifest: manifest.unwrap_or_default(),
            install: install.unwrap_or_default(),
        }
    }

    /// A record; a version without one is there all the same.
    fn json<T>(
        &self,
        path: &HostPath,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
        haul: &mut Haul,
    ) -> Option<T> {
        let bytes = haul.optional(path, self.host.files().read(path, LIMIT))?;
        match read(&bytes) {
            Ok(record) => Some(record),
            Err(what) => {
                haul.gap_with(GapReason::Malformed, path, what);
                None
            }
        }
    }

    /// An app without any version is what a removal left.
    fn push(&self, app: &HostPath, found: Option<Found>, haul: &mut Haul) {
        let name = app.file_name_text();
        let state = if found.is_some() { State::Installed } else { State::Remnant };
        let place = found.as_ref().map_or_else(|| app.clone(), |found| found.place.clone());
        let modified = self.host.files().stat(&place).ok().and_then(|stat| stat.modified);
        let mut trace = Trace::new(ItemKind::Package, name.clone(), state, Place::file(place));
        trace.scope = self.scope.clone();
        trace.identifiers.push(Identifier::new(IdentifierType::ScoopId, name));
        trace.recorded_at = Recorded { value: modified, means: Means::FileTime };
        if let Some(found) = found {
            let version = found.manifest.version.or(found.version);
            trace.version = version.map(|version| Version::new(version, Scheme::Dotted));
            trace.arch = found.install.architecture.map(|arch| architecture(&arch).to_owned());
            let homepage = found.manifest.homepage;
            trace.identifiers.extend(homepage.map(|page| Identifier::new(IdentifierType::Homepage, page)));
        }
        haul.push(trace);
    }
}

/// Scoop's words for architectures as Windows' other records have them.
fn architecture(word: &str) -> &str {
    match word {
        "64bit" => "x64",
        "32bit" => "x86",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry};
    use crate::model::ScopeAsk;
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::{collect, collect_for};

    const OWN: &str = "/C:/Users/alice/scoop/apps";

    fn host(nodes: Vec<(String, FakeNode)>, registry: FakeRegistry) -> FakeHost {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
        let registry = registry
            .key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))])
            .key(r"HKU\1\Software\Acme", &[]);
        let fixed = [("/C:/Users/alice/NTUSER.DAT".to_owned(), FakeNode::File(Vec::new()))];
        let nodes: Vec<_> = fixed.into_iter().chain(nodes).collect();
        FakeHost::windows(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())), registry)
    }

    fn json(text: &str) -> FakeNode {
        FakeNode::File(text.as_bytes().to_vec())
    }

    fn seen(haul: &Haul) -> Vec<(&str, Option<&str>, State, String)> {
        let each = haul.traces().iter();
        each.map(|trace| {
            let version = trace.version.as_ref().map(|version| version.raw.as_str());
            (trace.name.as_str(), version, trace.state, trace.scope.to_string())
        })
        .collect()
    }

    #[test]
    fn the_current_version_of_each_app() {
        let manifest = r#"{"version": "1.2", "homepage": "https://acme.example", "description": "x"}"#;
        let nodes = vec![
            (format!("{OWN}/acme/1.1/manifest.json"), json(r#"{"version": "1.1"}"#)),
            (format!("{OWN}/acme/1.2/manifest.json"), json(manifest)),
            (format!("{OWN}/acme/1.2/install.json"), json(r#"{"bucket": "main", "architecture": "64bit"}"#)),
            (format!("{OWN}/acme/current"), FakeNode::Link(b"1.2".to_vec())),
            (format!("{OWN}/bare/2.0/x.exe"), FakeNode::File(vec![])),
            (format!("{OWN}/bare/current"), FakeNode::Link(b"gone".to_vec())),
            (format!("{OWN}/left"), FakeNode::Folder),
            ("/C:/ProgramData/scoop/apps/global/current/manifest.json".into(), json(r#"{"version": "3"}"#)),
            ("/C:/ProgramData/scoop/apps/file.txt".into(), json("")),
        ];
        let host = host(nodes, FakeRegistry::new());
        let (haul, outcome) = collect(&Scoop, &host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        assert_eq!(
            seen(&haul),
            [
                ("global", Some("3"), State::Installed, "machine".into()),
                ("acme", Some("1.2"), State::Installed, "user:1".into()),
                ("bare", Some("2.0"), State::Installed, "user:1".into()),
                ("left", None, State::Remnant, "user:1".into()),
            ]
        );
        let acme = &haul.traces()[1];
        assert!(acme.identifiers.contains(&Identifier::new(IdentifierType::ScoopId, "acme")));
        assert_eq!(acme.arch.as_deref(), Some("x64"));
        assert_eq!(acme.place, Place::file(HostPath::from(OWN).join("acme/current")));
        let of = |scope| {
            let want = Wanted { scope, ..Wanted::default() };
            collect_for(&Scoop, &host, &want).0.traces().len()
        };
        assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (1, 3));
    }

    #[test]
    fn variables_say_where_it_is() {
        let environment = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
        let registry = FakeRegistry::new()
            .key(environment, &[("SCOOP_GLOBAL", RegistryValue::sz(r"C:\Shared"))])
            .key(r"HKU\1\Environment", &[("SCOOP", RegistryValue::expand_sz(r"%UserProfile%\Tools"))]);
        let nodes = vec![
            ("/C:/Shared/apps/a/current/x".to_owned(), json("")),
            ("/C:/Users/alice/Tools/apps/b/current/x".to_owned(), json("")),
        ];
        let (haul, _) = collect(&Scoop, &host(nodes, registry));
        let names: Vec<_> = seen(&haul).into_iter().map(|(name, ..)| name.to_owned()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_keeps_its_name() {
        let of = |path: &str, node| {
            let (haul, _) = collect(&Scoop, &host(vec![(format!("{OWN}{path}"), node)], FakeRegistry::new()));
            (haul.traces().len(), haul.gaps())
        };
        let denied = vec![(GapReason::PermissionDenied, true)];
        assert_eq!(of("", FakeNode::Broken(Miss::Denied)), (0, denied.clone()));
        assert_eq!(of("/x", FakeNode::Broken(Miss::Denied)), (1, denied.clone()));
        assert_eq!(of("/x/current/manifest.json", FakeNode::Unreadable(Miss::Denied)), (1, denied));
        for noise in ["", "[]", "{\"version\":", "\u{0}"] {
            assert_eq!(of("/x/current/manifest.json", json(noise)), (1, vec![(GapReason::Malformed, true)]));
        }
    }
}
