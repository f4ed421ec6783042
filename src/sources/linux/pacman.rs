//! Packages of Arch and its kin: one folder per package below `/var/lib/pacman/local`.
//!
//! The folder's name is the record: libalpm lists a package whose `desc` is broken, and so do we, with a gap beside it.

use crate::host::{Host, Kind, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, PackageRef, Place, Recorded,
    Scheme, State, Trace, Version, Wanted,
};
use crate::parse::pacman::{self, Desc};
use crate::sources::{About, Haul, Outcome, Owners, PathAsk, Source};

use super::expect::{absent, is_expected};

/// The source `pacman`.
pub struct Pacman;

const LOCAL: &str = "/var/lib/pacman/local";
const LAYOUT: &str = "ALPM_DB_VERSION";
/// The only layout that pacman has written since 2012 (libalpm's `be_local.c`).
const LAYOUT_KNOWN: &[u8] = b"9";
/// Distributions whose packages pacman keeps.
const DISTRIBUTIONS: &[&str] = &[
    "arch",
    "archarm",
    "archlinux",
    "artix",
    "blackarch",
    "cachyos",
    "endeavouros",
    "garuda",
    "manjaro",
    "parabola",
    "steamos",
];
const DESC_LIMIT: u64 = 4 << 20;
const FILES_LIMIT: u64 = 64 << 20;

static ABOUT: About = About {
    name: "pacman",
    summary: "packages of Arch Linux and its kin, from pacman's local database",
    families: &[Family::Linux],
    yields: &[(ItemKind::Package, &[State::Installed])],
    fields: &[Field::Name, Field::Version, Field::Publisher, Field::Identifier],
    install_record: true,
    ..About::USUAL
};

impl Source for Pacman {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let local = HostPath::from(LOCAL);
        let entries = match host.files().list(&local) {
            Ok(entries) => entries,
            Err(Miss::Absent) => return absent(is_expected(host, DISTRIBUTIONS), host, LOCAL, haul),
            Err(miss) => {
                haul.miss(&local, &miss);
                return Outcome::Failed(format!("{LOCAL} could not be listed: {miss}"));
            }
        };
        let mut count = 0_usize;
        for entry in entries.iter().filter(|entry| entry.name != LAYOUT.as_bytes()) {
            let folder = local.join(&entry.name);
            if entry.kind == Kind::Folder || is_folder(host, &folder, haul) {
                count += 1;
                package(host, &folder, haul);
            }
        }
        if count == 0 && is_expected(host, DISTRIBUTIONS) {
            haul.gap(GapReason::Empty, &local);
            return Outcome::Failed(format!(
                "{LOCAL} holds no package, though os-release names a system that has them"
            ));
        }
        if count > 0 {
            layout(host, &local, haul);
        }
        Outcome::Read
    }

    fn owners(&self, host: &dyn Host, ask: &PathAsk, owners: &mut Owners) {
        let local = HostPath::from(LOCAL);
        for entry in host.files().list(&local).unwrap_or_default() {
            let folder = local.join(&entry.name);
            let name = folder.file_name_text();
            let Some((name, _)) = pacman::split_folder(&name) else { continue };
            let place = folder.join("files");
            match host.files().read(&place, FILES_LIMIT) {
                Ok(bytes) => owned(&bytes, name, ask, owners),
                Err(miss) => owners.gap(ABOUT.name, miss.reason(), &place, miss.detail()),
            }
        }
    }
}

/// Answers from one package's list; the same buffer for each of its many paths.
fn owned(bytes: &[u8], name: &str, ask: &PathAsk, owners: &mut Owners) {
    let mut path = vec![b'/'];
    for file in pacman::files(bytes) {
        path.truncate(1);
        path.extend_from_slice(file);
        if ask.wants(&path) {
            owners.add(&path, PackageRef { source: "pacman", name: name.to_owned(), arch: None });
        }
    }
}

/// libalpm passes over what is no folder; a link to one counts.
fn is_folder(host: &dyn Host, path: &HostPath, haul: &mut Haul) -> bool {
    let read = host.files().stat(path);
    haul.listed(path, read).is_some_and(|stat| stat.kind == Kind::Folder)
}

fn package(host: &dyn Host, folder: &HostPath, haul: &mut Haul) {
    let name = folder.file_name_text();
    let Some((name, version)) = pacman::split_folder(&name) else {
        haul.count_record();
        return haul.gap_with(
            GapReason::Malformed,
            folder,
            "the folder's name is not <name>-<version>-<release>",
        );
    };
    let place = folder.join("desc");
    let mut trace = Trace::new(ItemKind::Package, name, State::Installed, Place::file(place.clone()));
    trace.version = Some(Version::new(version, Scheme::Pacman));
    match host.files().read(&place, DESC_LIMIT) {
        Ok(bytes) => {
            let (desc, faults) = pacman::desc(&bytes);
            haul.faults(&place, &faults);
            describe(&mut trace, &desc, haul);
        }
        Err(miss) => haul.miss(&place, &miss),
    }
    haul.push(trace);
}

fn describe(trace: &mut Trace, desc: &Desc<'_>, haul: &mut Haul) {
    let other_name = desc.name.is_some_and(|name| name != trace.name.as_bytes());
    let version = trace.version.as_ref().map(|version| version.raw.as_bytes());
    if other_name || (desc.version.is_some() && desc.version != version) {
        let detail = "folder and desc name different packages or versions";
        haul.gap_with(GapReason::Inconsistent, &trace.place.path, detail);
    }
    trace.publisher = desc.packager.map(text);
    trace.arch = desc.arch.map(text);
    let base = desc.base.map_or_else(|| trace.name.clone(), text);
    trace.identifiers.push(Identifier::new(IdentifierType::SourcePackage, base));
    trace.identifiers.extend(desc.url.map(|url| Identifier::new(IdentifierType::Homepage, text(url))));
    if let Some(date) = desc.install_date.and_then(|date| i64::try_from(date).ok()) {
        trace.recorded_at = Recorded::serviced(date);
    }
}

/// A layout that is not known may keep packages where nobody looks.
fn layout(host: &dyn Host, local: &HostPath, haul: &mut Haul) {
    let place = local.join(LAYOUT);
    match host.files().read(&place, 4096) {
        Ok(bytes) if bytes.trim_ascii() == LAYOUT_KNOWN => {}
        Ok(bytes) => {
            let detail = format!("layout {:?}, this scanner knows 9", text(bytes.trim_ascii()));
            haul.gap_with(GapReason::Malformed, &place, detail);
        }
        Err(miss) => haul.miss(&place, &miss),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::model::Means;
    use crate::parse::corpora_tests::{corpora, tree};
    use crate::sources::testing::collect;

    const DESC: &str = "%NAME%\nemacs\n\n%VERSION%\n29.3-3\n\n%BASE%\nemacs-src\n\n%URL%\nhttps://e\n\n%ARCH%\nx86_64\n\n\
%INSTALLDATE%\n1715026360\n\n%PACKAGER%\nA <a@x>\n\n";

    fn host(nodes: &[(&str, &str)]) -> FakeHost {
        let release = ("/etc/os-release", FakeNode::File(b"ID=manjaro\nID_LIKE=arch\n".to_vec()));
        let nodes: Vec<_> = nodes.iter().map(|(path, text)| (format!("{LOCAL}/{path}"), *text)).collect();
        let file = |text: &str| FakeNode::File(text.as_bytes().to_vec());
        FakeHost::new(nodes.iter().map(|(path, text)| (path.as_str(), file(text))).chain([release]))
    }

    #[test]
    fn packages_and_fields() {
        let (haul, outcome) = collect(&Pacman, &host(&[("emacs-29.3-3/desc", DESC), (LAYOUT, "9\n")]));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let [one] = haul.traces() else { panic!("{:?}", haul.traces()) };
        assert_eq!((one.name.as_str(), one.state), ("emacs", State::Installed));
        assert_eq!(one.version, Some(Version::new("29.3-3", Scheme::Pacman)));
        assert_eq!((one.publisher.as_deref(), one.arch.as_deref()), (Some("A <a@x>"), Some("x86_64")));
        assert_eq!((one.identifiers.len(), one.recorded_at.means), (2, Means::LastServiced));
    }

    #[test]
    fn the_folder_is_believed_and_the_desc_doubted() {
        for (desc, reason) in [
            ("", GapReason::Truncated),
            ("garbage \u{0}", GapReason::Malformed),
            (DESC.strip_suffix('\n').unwrap(), GapReason::Truncated),
            (&DESC.replace("29.3", "30"), GapReason::Inconsistent),
        ] {
            let (haul, _) = collect(&Pacman, &host(&[("emacs-29.3-3/desc", desc), (LAYOUT, "9\n")]));
            assert_eq!(haul.traces()[0].name, "emacs");
            assert!(haul.gaps().contains(&(reason, true)), "{desc}: {:?}", haul.gaps());
        }
        let (haul, _) = collect(&Pacman, &host(&[("kesl-1-1/files", ""), (LAYOUT, "9\n")]));
        assert_eq!((haul.traces().len(), haul.gaps()), (1, vec![(GapReason::Missing, true)]));
        let (haul, _) = collect(&Pacman, &host(&[("base-1.0/desc", DESC), (LAYOUT, "9\n")]));
        assert_eq!((haul.traces().len(), haul.gaps()), (0, vec![(GapReason::Malformed, true)]));
    }

    #[test]
    fn another_layout_is_a_gap() {
        for (layout, reason) in [("10\n", GapReason::Malformed), ("", GapReason::Malformed)] {
            let (haul, _) = collect(&Pacman, &host(&[("emacs-29.3-3/desc", DESC), (LAYOUT, layout)]));
            assert_eq!((haul.traces().len(), haul.gaps()), (1, vec![(reason, true)]));
        }
        let (haul, _) = collect(&Pacman, &host(&[("emacs-29.3-3/desc", DESC)]));
        assert_eq!(haul.gaps(), [(GapReason::Missing, true)]);
    }

    #[test]
    fn missing_empty_and_unreadable() {
        assert!(matches!(collect(&Pacman, &host(&[])).1, Outcome::Failed(why) if why.contains("manjaro")));
        assert!(matches!(collect(&Pacman, &host(&[(LAYOUT, "9\n")])).1, Outcome::Failed(_)));
        let other = FakeHost::new([("/etc/os-release", FakeNode::File(b"ID=debian\n".to_vec()))]);
        assert!(matches!(collect(&Pacman, &other).1, Outcome::NotApplicable(_)));
        let denied = FakeHost::new([(LOCAL, FakeNode::Broken(Miss::Denied))]);
        let (haul, outcome) = collect(&Pacman, &denied);
        assert!(matches!(outcome, Outcome::Failed(_)));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
    }

    #[test]
    fn owners_come_from_files() {
        let paths = ["/opt/k/kesl", "/etc"].map(HostPath::from);
        let mut owners = Owners::default();
        let files = "%FILES%\nopt/\nopt/k/kesl\n\n";
        Pacman.owners(&host(&[("kesl-1-1/files", files)]), &PathAsk::new(&paths), &mut owners);
        assert_eq!(owners.of(&paths[0]).next().unwrap().name, "kesl");
        assert!(owners.of(&paths[1]).next().is_none());
    }

    #[test]
    fn the_corpus_is_what_pacman_lists() {
        let Some(dir) = corpora("small-fixtures/syft-pacman/installed") else { return };
        let files = tree(&dir);
        let nodes = files.iter().map(|(path, bytes)| (path.as_str(), FakeNode::File(bytes.clone())));
        let (haul, _) = collect(&Pacman, &FakeHost::new(nodes));
        let names: Vec<_> = haul.traces().iter().map(|trace| trace.name.as_str()).collect();
        assert_eq!(names, ["corrupt", "emacs", "fuzzy", "gmp", "madeup", "tree-sitter"]);
        assert!(haul.gaps().contains(&(GapReason::Malformed, true)));
    }
}
