//! Snaps: `meta/snap.yaml` of each mounted revision, and the `.snap` files that a dead disk has instead.
//!
//! A revision is mounted at `<base>/<name>/<revision>` with `current` as a link to the active one, and its image is
//! kept as `/var/lib/snapd/snaps/<name>_<revision>.snap` (snapcraft.io, "Where snaps are stored").

use std::collections::{BTreeMap, HashSet};

use crate::host::{Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, Mode, Place, Scheme, State,
    Trace, Version, Wanted,
};
use crate::parse::snap_yaml::{self, SnapYaml};
use crate::sources::{About, Haul, Outcome, Source};

/// The source `snap`.
pub struct Snap;

/// Where revisions are mounted: Ubuntu and Debian; Fedora, Arch and others.
const BASES: [&str; 2] = ["/snap", "/var/lib/snapd/snap"];
const IMAGES: &str = "/var/lib/snapd/snaps";
const YAML_LIMIT: u64 = 1 << 20;

/// One revision of one snap, and where it was met.
#[derive(Debug, Default)]
struct Revision {
    mount: Option<HostPath>,
    image: Option<HostPath>,
}

/// What the folders say: revisions by name, and which is current.
#[derive(Debug, Default)]
struct Folders {
    revisions: BTreeMap<String, BTreeMap<String, Revision>>,
    current: BTreeMap<String, String>,
}

impl Folders {
    /// Without a current revision the snap is disabled, which is still installed; older revisions
    /// beside a current one only lie there.
    fn state(&self, name: &str, revision: &str) -> State {
        match self.current.get(name) {
            Some(current) if current != revision => State::Present,
            _ => State::Installed,
        }
    }
}

static ABOUT: About = About {
    name: "snap",
    summary: "snaps, from their mounted revisions and the images that snapd keeps",
    families: &[Family::Linux],
    yields: &[(ItemKind::Package, &[State::Installed, State::Present])],
    fields: &[Field::Name, Field::Version, Field::Identifier],
    ..About::USUAL
};

impl Source for Snap {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let mut folders = Folders::default();
        let mounts = mounted(host, &mut folders, haul);
        let images = images(host, &mut folders, haul);
        if !mounts && !images {
            return Outcome::NotApplicable("there is no folder of snapd".to_owned());
        }
        for (name, revisions) in &folders.revisions {
            for (revision, found) in revisions {
                revision_trace(host, (name, revision), found, folders.state(name, revision), haul);
            }
        }
        Outcome::Read
    }
}

/// Lists the mount folders, each once where one is a link to the other; whether there was any.
fn mounted(host: &dyn Host, folders: &mut Folders, haul: &mut Haul) -> bool {
    let mut seen = HashSet::new();
    for base in BASES.map(HostPath::from) {
        let found = host.files().resolve(&base);
        let Some(real) = haul.optional(&base, found).filter(|real| !seen.contains(real)) else { continue };
        let listed = host.files().list(&real);
        let Some(entries) = haul.optional(&base, listed) else { continue };
        for entry in entries.iter().filter(|entry| entry.kind == Kind::Folder && entry.name != b"bin") {
            one_snap(host, &real.join(&entry.name), folders, haul);
        }
        seen.insert(real);
    }
    !seen.is_empty()
}

fn one_snap(host: &dyn Host, folder: &HostPath, folders: &mut Folders, haul: &mut Haul) {
    let read = host.files().list(folder);
    let Some(entries) = haul.listed(folder, read) else { return };
    let name = folder.file_name_text();
    for entry in entries {
        let path = folder.join(&entry.name);
        if entry.kind == Kind::Link && entry.name == b"current" {
            let target = host.files().resolve(&path);
            let target = haul.optional(&path, target);
            folders.current.extend(target.map(|target| (name.clone(), target.file_name_text())));
        } else if entry.kind == Kind::Folder && is_revision(&entry.name) {
            let revisions = folders.revisions.entry(name.clone()).or_default();
            let revision = path.file_name_text();
            revisions.entry(revision).or_default().mount = Some(path);
        }
    }
}

/// Lists the images; whether their folder is there.
fn images(host: &dyn Host, folders: &mut Folders, haul: &mut Haul) -> bool {
    let folder = HostPath::from(IMAGES);
    let read = host.files().list(&folder);
    let absent = read.as_ref().is_err_and(|miss| *miss == Miss::Absent);
    for entry in haul.optional(&folder, read).unwrap_or_default() {
        let path = folder.join(&entry.name);
        let file = path.file_name_text();
        let Some((name, revision)) = file.strip_suffix(".snap").and_then(|stem| stem.rsplit_once('_')) else {
            continue;
        };
        if !name.is_empty() && is_revision(revision.as_bytes()) {
            let revisions = folders.revisions.entry(name.to_owned()).or_default();
            revisions.entry(revision.to_owned()).or_default().image = Some(path);
        } else {
            haul.gap_with(GapReason::Malformed, &path, "the file's name is not <name>_<revision>.snap");
        }
    }
    !absent
}

/// `42` from the store, `x1` of one's own making.
fn is_revision(name: &[u8]) -> bool {
    let digits = name.strip_prefix(b"x").unwrap_or(name);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn revision_trace(
    host: &dyn Host,
    (name, revision): (&str, &str),
    found: &Revision,
    state: State,
    haul: &mut Haul,
) {
    let yaml = found.mount.as_ref().and_then(|mount| {
        let place = mount.join("meta/snap.yaml");
        yaml(host, &place, found.image.is_some(), haul).map(|yaml| (place, yaml))
    });
    let trace = match (yaml, &found.image) {
        (Some((place, yaml)), _) => from_yaml(yaml, name, place, state, haul),
        (None, Some(image)) => {
            if host.facts().mode == Mode::Live {
                haul.minor(
                    GapReason::NotLookedInto,
                    image,
                    "not mounted: only its name and revision are known",
                );
            }
            let mut trace = Trace::new(ItemKind::Package, name, state, Place::file(image.clone()));
            trace.version = Some(Version::new(revision, Scheme::Other));
            // `name_key` is a second instance of the snap `name`.
            let store = name.split_once('_').map_or(name, |(store, _)| store);
            trace.identifiers.push(Identifier::new(IdentifierType::SnapName, store));
            Some(trace)
        }
        (None, None) => None,
    };
    match trace {
        Some(trace) => haul.push(trace),
        None => haul.count_record(),
    }
}

/// The yaml of a mounted revision. On a dead disk nothing is mounted: then the image stands for it.
fn yaml(host: &dyn Host, place: &HostPath, has_image: bool, haul: &mut Haul) -> Option<SnapYaml> {
    let bytes = match host.files().read(place, YAML_LIMIT) {
        Ok(bytes) => bytes,
        Err(Miss::Absent) if has_image => return None,
        Err(miss) => {
            haul.miss(place, &miss);
            return None;
        }
    };
    let (yaml, faults) = snap_yaml::snap_yaml(&bytes);
    haul.faults(place, &faults);
    Some(yaml)
}

fn from_yaml(yaml: SnapYaml, folder: &str, place: HostPath, state: State, haul: &mut Haul) -> Option<Trace> {
    let name = yaml.name?;
    if folder.split_once('_').map_or(folder, |(name, _)| name) != name {
        haul.gap_with(GapReason::Inconsistent, &place, format!("snap.yaml of {folder} calls itself {name}"));
    }
    let mut trace = Trace::new(ItemKind::Package, name.clone(), state, Place::file(place));
    trace.display_name = yaml.title;
    trace.version = yaml.version.map(|version| Version::new(version, Scheme::Other));
    trace.arch = (!yaml.architectures.is_empty()).then(|| yaml.architectures.join(","));
    trace.identifiers.push(Identifier::new(IdentifierType::SnapName, name));
    Some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::parse::corpora_tests::{corpora, tree};
    use crate::sources::testing::collect;

    const YAML: &str = "name: core\nversion: 16-2.61\ntitle: Core\ntype: os\narchitectures: [amd64]\n";

    fn file(text: &str) -> FakeNode {
        FakeNode::File(text.as_bytes().to_vec())
    }

    fn names(haul: &Haul) -> Vec<(&str, &str, State)> {
        fn row(trace: &Trace) -> (&str, &str, State) {
            let version = trace.version.as_ref().map_or("", |version| version.raw.as_str());
            (&trace.name, version, trace.state)
        }
        haul.traces().iter().map(row).collect()
    }

    #[test]
    fn mounted_revisions() {
        for base in BASES {
            let at = |path: &str| format!("{base}/{path}");
            let host = FakeHost::new([
                (at("core/100/meta/snap.yaml").as_str(), file(YAML)),
                (at("core/x2/meta/snap.yaml").as_str(), file(&YAML.replace("2.61", "2.60"))),
                (at("core/current").as_str(), FakeNode::Link(b"100".to_vec())),
                (at("hello_two/1/meta/snap.yaml").as_str(), file("name: hello\n")),
                (at("bin/core").as_str(), file("")),
                (at("README").as_str(), file("")),
            ]);
            let (haul, outcome) = collect(&Snap, &host);
            assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
            let want = [
                ("core", "16-2.61", State::Installed),
                ("core", "16-2.60", State::Present),
                ("hello", "", State::Installed),
            ];
            assert_eq!(names(&haul), want);
            assert_eq!(haul.traces()[0].display_name.as_deref(), Some("Core"));
            assert_eq!(haul.traces()[0].identifiers[0].value, "core");
        }
    }

    #[test]
    fn a_dead_disk_has_images_instead() {
        let host = FakeHost::new([
            ("/snap/core/100", FakeNode::Folder),
            ("/snap/core/current", FakeNode::Link(b"100".to_vec())),
            ("/var/lib/snapd/snaps/core_100.snap", file("hsqs")),
            ("/var/lib/snapd/snaps/core_99.snap", file("hsqs")),
            ("/var/lib/snapd/snaps/kesl_two_x1.snap", file("hsqs")),
            ("/var/lib/snapd/snaps/partial", FakeNode::Folder),
        ]);
        let (haul, outcome) = collect(&Snap, &host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let want = [
            ("core", "100", State::Installed),
            ("core", "99", State::Present),
            ("kesl_two", "x1", State::Installed),
        ];
        assert_eq!(names(&haul), want);
        assert_eq!(haul.traces()[2].identifiers[0].value, "kesl");
    }

    #[test]
    fn the_second_base_is_often_a_link_to_the_first() {
        let host = FakeHost::new([
            ("/snap", FakeNode::Link(b"/var/lib/snapd/snap".to_vec())),
            ("/var/lib/snapd/snap/core/100/meta/snap.yaml", file(YAML)),
        ]);
        assert_eq!(collect(&Snap, &host).0.traces().len(), 1);
    }

    #[test]
    fn a_snap_that_cannot_be_read_is_a_gap_and_no_item() {
        for (node, reason) in [
            (file("version: 1\n"), GapReason::Malformed),
            (file("asdf\nlkjh\n"), GapReason::Malformed),
            (file(""), GapReason::Malformed),
            (FakeNode::Broken(Miss::Denied), GapReason::PermissionDenied),
            (FakeNode::File(vec![b'#'; 2 << 20]), GapReason::TooLarge),
        ] {
            let (haul, outcome) = collect(&Snap, &FakeHost::new([("/snap/core/100/meta/snap.yaml", node)]));
            assert_eq!((outcome, haul.traces().len()), (Outcome::Read, 0));
            assert!(haul.gaps().contains(&(reason, true)), "{:?}", haul.gaps());
        }
        let (haul, _) = collect(&Snap, &FakeHost::new([("/snap/core/100", FakeNode::Folder)]));
        assert_eq!((haul.traces().len(), haul.gaps()), (0, vec![(GapReason::Missing, true)]));
        let odd = FakeHost::new([("/snap/core/1/meta/snap.yaml", file("name: other\n"))]);
        assert_eq!(collect(&Snap, &odd).0.gaps(), [(GapReason::Inconsistent, true)]);
    }

    #[test]
    fn every_truncation_of_the_name_is_noticed() {
        for cut in 0..=YAML.find('\n').unwrap() {
            let yaml = YAML.get(..cut).unwrap();
            let (haul, _) = collect(&Snap, &FakeHost::new([("/snap/core/1/meta/snap.yaml", file(yaml))]));
            assert!(!haul.gaps().is_empty() || haul.traces()[0].name == "core", "cut at {cut}");
        }
    }

    #[test]
    fn folders_that_cannot_be_listed() {
        assert!(matches!(collect(&Snap, &FakeHost::new([])).1, Outcome::NotApplicable(_)));
        for place in ["/snap", "/snap/core", IMAGES] {
            let (haul, _) = collect(&Snap, &FakeHost::new([(place, FakeNode::Broken(Miss::Denied))]));
            assert!(place == "/snap/core" || haul.gaps() == [(GapReason::PermissionDenied, true)], "{place}");
        }
        let (haul, _) = collect(&Snap, &FakeHost::new([("/var/lib/snapd/snaps/_1.snap", file(""))]));
        assert_eq!((haul.traces().len(), haul.gaps()), (0, vec![(GapReason::Malformed, true)]));
    }

    #[test]
    fn the_corpus() {
        let Some(dir) = corpora("small-fixtures/scalibr-snap") else { return };
        for (name, yaml) in tree(&dir) {
            let (haul, _) =
                collect(&Snap, &FakeHost::new([("/snap/core/1/meta/snap.yaml", FakeNode::File(yaml))]));
            let broken = name == "/invalid" || name == "/missing-name.yaml";
            assert_eq!(haul.traces().is_empty(), broken, "{name}");
            assert_eq!(haul.gaps().is_empty(), !broken, "{name}");
        }
    }
}
