//! Packages of Chocolatey: a folder for each below `lib`, with the package's own description (`.nuspec`).
//! <https://docs.chocolatey.org/en-us/getting-started/>

use crate::host::{Host, Kind};
use crate::model::{
    Family, Field, HostPath, Identifier, IdentifierType, ItemKind, Means, Place, Recorded, Scheme, State,
    Trace, Version, Wanted,
};
use crate::parse::nuspec;
use crate::sources::{About, Haul, Outcome, Source};

/// The source `chocolatey`.
pub struct Chocolatey;

/// Where it is: as it says itself, and where it is unless somebody chose another folder.
const PLACES: &[&str] = &["%ChocolateyInstall%", r"%ProgramData%\chocolatey"];
/// Real descriptions have some ten kilobytes.
const LIMIT: u64 = 4 << 20;

static ABOUT: About = About {
    name: "chocolatey",
    summary: "packages of Chocolatey, by their folders and descriptions",
    families: &[Family::Windows],
    yields: &[(ItemKind::Package, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Version, Field::Identifier],
    ..About::USUAL
};

impl Source for Chocolatey {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let Some(windows) = &host.facts().windows else {
            return Outcome::Failed("this host has no folder of Windows".to_owned());
        };
        let mut seen = Vec::new();
        for folder in PLACES.iter().filter_map(|place| windows.path(place, None)) {
            let lib = folder.join("lib");
            let lib = host.files().resolve(&lib).unwrap_or(lib);
            if !seen.contains(&lib) {
                library(host, &lib, haul);
                seen.push(lib);
            }
        }
        Outcome::Read
    }
}

fn library(host: &dyn Host, lib: &HostPath, haul: &mut Haul) {
    let listed = host.files().list(lib);
    for entry in haul.optional(lib, listed).unwrap_or_default() {
        if entry.kind == Kind::Folder && haul.time_left() {
            package(host, &lib.join(&entry.name), haul);
        }
    }
}

/// A package is installed while its description or its archive is there.
fn package(host: &dyn Host, folder: &HostPath, haul: &mut Haul) {
    let listed = host.files().list(folder);
    let unread = listed.is_err();
    let entries = haul.listed(folder, listed).unwrap_or_default();
    let ending = |ending: &str| {
        let found = entries.iter().find(|entry| {
            entry.kind != Kind::Folder
                && HostPath::new(entry.name.clone()).text().to_lowercase().ends_with(ending)
        });
        found.map(|entry| folder.join(&entry.name))
    };
    let (description, archive) = (ending(".nuspec"), ending(".nupkg"));
    let gone = description.is_none() && archive.is_none() && !unread;
    let state = if gone { State::Remnant } else { State::Installed };
    let place = description.clone().or(archive).unwrap_or_else(|| folder.clone());
    let said = description.and_then(|path| {
        let read = host.files().read(&path, LIMIT);
        let (said, faults) = nuspec::nuspec(&haul.listed(&path, read)?);
        haul.faults(&path, &faults);
        Some(said)
    });
    let said = said.unwrap_or_default();
    let id = said.id.unwrap_or_else(|| folder.file_name_text());
    let modified = host.files().stat(&place).ok().and_then(|stat| stat.modified);
    let mut trace = Trace::new(ItemKind::Package, id.clone(), state, Place::file(place));
    trace.display_name = said.title;
    trace.publisher = said.authors;
    trace.version = said.version.map(|version| Version::new(version, Scheme::Dotted));
    trace.identifiers.push(Identifier::new(IdentifierType::ChocolateyId, id));
    trace.identifiers.extend(said.homepage.map(|page| Identifier::new(IdentifierType::Homepage, page)));
    trace.recorded_at = Recorded { value: modified, means: Means::FileTime };
    haul.push(trace);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Miss};
    use crate::model::GapReason;
    use crate::parse::registry_value::RegistryValue;
    use crate::sources::testing::collect;

    const LIB: &str = "/C:/ProgramData/chocolatey/lib";

    fn spec(id: &str) -> FakeNode {
        let text = format!(
            "<?xml version=\"1.0\"?><package xmlns=\"http://schemas.microsoft.com/packaging/2015/06/nuspec.xsd\">\
             <metadata><id>{id}</id><version>20.0.1</version><title>The {id}</title><authors>AO Kaspersky Lab</authors>\
             <projectUrl>https://k.example</projectUrl></metadata></package>"
        );
        FakeNode::File(text.into_bytes())
    }

    fn of(nodes: &[(String, FakeNode)], registry: FakeRegistry) -> Haul {
        let host =
            FakeHost::windows(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())), registry);
        collect(&Chocolatey, &host).0
    }

    #[test]
    fn descriptions_archives_and_what_is_left() {
        let nodes = vec![
            (format!("{LIB}/kvrt/kvrt.NUSPEC"), spec("kvrt")),
            (format!("{LIB}/kvrt/kvrt.nupkg"), FakeNode::File(vec![])),
            (format!("{LIB}/archive/archive.nupkg"), FakeNode::File(vec![])),
            (format!("{LIB}/left/tools/x.ps1"), FakeNode::File(vec![])),
            (format!("{LIB}/file.nuspec"), spec("file")),
        ];
        let haul = of(&nodes, FakeRegistry::new());
        assert_eq!(haul.gaps(), []);
        let seen: Vec<_> = haul.traces().iter().map(|trace| (trace.name.as_str(), trace.state)).collect();
        assert_eq!(
            seen,
            [("archive", State::Installed), ("kvrt", State::Installed), ("left", State::Remnant)]
        );
        let kvrt = &haul.traces()[1];
        assert_eq!(kvrt.display_name.as_deref(), Some("The kvrt"));
        assert_eq!(kvrt.publisher.as_deref(), Some("AO Kaspersky Lab"));
        assert_eq!(kvrt.version, Some(Version::new("20.0.1", Scheme::Dotted)));
        assert!(kvrt.identifiers.contains(&Identifier::new(IdentifierType::ChocolateyId, "kvrt")));
        assert_eq!(kvrt.place, Place::file(HostPath::from(LIB).join("kvrt/kvrt.NUSPEC")));
    }

    #[test]
    fn it_says_itself_where_it_is() {
        let environment = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
        let at = |folder: &str| {
            FakeRegistry::new().key(environment, &[("ChocolateyInstall", RegistryValue::sz(folder))])
        };
        let nodes = vec![("/C:/Tools/choco/lib/kvrt/kvrt.nuspec".to_owned(), spec("kvrt"))];
        assert_eq!(of(&nodes, at(r"C:\Tools\choco")).traces().len(), 1);
        let usual = vec![(format!("{LIB}/kvrt/kvrt.nuspec"), spec("kvrt"))];
        assert_eq!(of(&usual, at(r"c:\programdata\CHOCOLATEY")).traces().len(), 1, "one folder by two names");
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_keeps_its_name() {
        let of = |path: &str, node| {
            let haul = of(&[(format!("{LIB}{path}"), node)], FakeRegistry::new());
            (haul.traces().first().map(|trace| (trace.name.clone(), trace.state)), haul.gaps())
        };
        let denied = vec![(GapReason::PermissionDenied, true)];
        let kept = Some(("kvrt".to_owned(), State::Installed));
        assert_eq!(of("", FakeNode::Broken(Miss::Denied)), (None, denied.clone()));
        assert_eq!(of("/kvrt", FakeNode::Broken(Miss::Denied)), (kept.clone(), denied.clone()));
        assert_eq!(of("/kvrt/x.nuspec", FakeNode::Unreadable(Miss::Denied)), (kept.clone(), denied));
        for noise in [vec![], vec![0xFF; 4096], b"<package><metadata><id>".to_vec()] {
            let (found, gaps) = of("/kvrt/x.nuspec", FakeNode::File(noise));
            assert_eq!(found, kept);
            assert!(gaps.iter().any(|(_, blocking)| *blocking), "{gaps:?}");
        }
        assert_eq!(of("x", FakeNode::Folder).1, []);
    }
}
