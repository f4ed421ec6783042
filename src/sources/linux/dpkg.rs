//! Packages of Debian and its kin: `/var/lib/dpkg/status`, and `status.d` of images without dpkg ("distroless").
//!
//! The database has no signature and no count: that records are missing shows where the file ends, and in `info/*.list`,
//! which dpkg writes for each package it has (dpkg(1), deb-status).

use std::collections::HashSet;

use crate::host::{Host, Kind, Miss, Read};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, PackageRef, Place, Scheme,
    State, Trace, Version, Wanted,
};
use crate::parse::dpkg::{self, End, StatusRecord};
use crate::sources::{About, Haul, Outcome, Owners, PathAsk, Source};

use super::expect::{absent, is_expected};

/// The source `dpkg`.
pub struct Dpkg;

const STATUS: &str = "/var/lib/dpkg/status";
const STATUS_D: &str = "/var/lib/dpkg/status.d";
const INFO: &str = "/var/lib/dpkg/info";
/// Distributions whose packages dpkg keeps.
const DISTRIBUTIONS: &[&str] =
    &["debian", "ubuntu", "astra", "deepin", "uos", "raspbian", "kali", "linuxmint", "pureos"];
/// The largest real status files have 4 MB; a desktop with every package of Debian would have 70.
const STATUS_LIMIT: u64 = 96 << 20;
/// One package's file list, or one stanza of `status.d`.
const LIST_LIMIT: u64 = 32 << 20;

static ABOUT: About = About {
    name: "dpkg",
    summary: "packages of Debian, Ubuntu and their kin, from dpkg's status database",
    families: &[Family::Linux],
    yields: &[(ItemKind::Package, &[State::Installed, State::Present, State::Remnant])],
    fields: &[Field::Name, Field::Version, Field::Publisher, Field::Identifier],
    install_record: true,
    ..About::USUAL
};

impl Source for Dpkg {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let expected = is_expected(host, DISTRIBUTIONS);
        let images = single_stanzas(host, haul);
        match host.files().read(&STATUS.into(), STATUS_LIMIT) {
            Ok(bytes) => status(host, &bytes, expected, haul),
            Err(Miss::Absent) if images => Outcome::Read,
            Err(Miss::Absent) => absent(expected, host, STATUS, haul),
            Err(miss) => {
                haul.miss(&STATUS.into(), &miss);
                Outcome::Failed(format!("{STATUS} could not be read: {miss}"))
            }
        }
    }

    fn owners(&self, host: &dyn Host, ask: &PathAsk, owners: &mut Owners) {
        // A file for each package: opening them is most of the work, and goes side by side.
        // That they cannot be listed was told by `collect`.
        let lists = lists(host).unwrap_or_default();
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        let share = lists.len().div_ceil(workers).max(1);
        let parts: Vec<Owners> = std::thread::scope(|scope| {
            let read = |part| scope.spawn(move || read_lists(host, part, ask));
            let running: Vec<_> = lists.chunks(share).map(read).collect();
            running.into_iter().map(|worker| worker.join().unwrap_or_else(|_| panicked())).collect()
        });
        for part in parts {
            owners.merge(part);
        }
    }
}

/// What a worker that panicked leaves: the word of it.
fn panicked() -> Owners {
    let mut owners = Owners::default();
    owners.gap("dpkg", GapReason::Internal, &INFO.into(), Some("reading the file lists panicked".to_owned()));
    owners
}

/// Who owns the asked paths, by these file lists.
fn read_lists(host: &dyn Host, lists: &[(HostPath, PackageRef)], ask: &PathAsk) -> Owners {
    let mut owners = Owners::default();
    for (path, package) in lists {
        match host.files().read(path, LIST_LIMIT) {
            Ok(bytes) => {
                let wanted = dpkg::list_paths(&bytes).filter(|path| ask.wants(path));
                wanted.for_each(|path| owners.add(path, package.clone()));
            }
            Err(miss) => owners.gap("dpkg", miss.reason(), path, miss.detail()),
        }
    }
    owners
}

/// The main database.
fn status(host: &dyn Host, bytes: &[u8], expected: bool, haul: &mut Haul) -> Outcome {
    let place = HostPath::from(STATUS);
    let parsed = dpkg::status(bytes, End::Strict);
    let mut known = HashSet::new();
    for record in &parsed.records {
        if !haul.time_left() {
            return Outcome::Read;
        }
        known.insert(record.package);
        trace(record, &place, haul);
    }
    haul.faults(&place, &parsed.faults);
    if parsed.records.is_empty() && expected {
        haul.gap(GapReason::Empty, &place);
        return Outcome::Failed(format!(
            "{STATUS} holds no package, though os-release names a system that has them"
        ));
    }
    // Without the file lists nobody can tell whether records are missing.
    for (path, package) in haul.optional(&INFO.into(), lists(host)).unwrap_or_default() {
        if !known.contains(package.name.as_bytes()) {
            let detail =
                format!("the file list of {} is here, its record is missing from {STATUS}", package.name);
            haul.gap_with(GapReason::Inconsistent, &path, detail);
        }
    }
    Outcome::Read
}

/// One file per package, as images built without dpkg have them; whether there are any.
fn single_stanzas(host: &dyn Host, haul: &mut Haul) -> bool {
    let folder = HostPath::from(STATUS_D);
    let read = host.files().list(&folder);
    let entries = haul.optional(&folder, read).unwrap_or_default();
    let mut any = false;
    for entry in
        entries.iter().filter(|entry| !entry.name.ends_with(b".md5sums") && entry.kind != Kind::Folder)
    {
        let place = folder.join(&entry.name);
        let read = host.files().read(&place, LIST_LIMIT);
        let Some(bytes) = haul.listed(&place, read) else { continue };
        let parsed = dpkg::status(&bytes, End::Lenient);
        parsed.records.iter().for_each(|record| trace(record, &place, haul));
        haul.faults(&place, &parsed.faults);
        if parsed.records.is_empty() {
            haul.gap(GapReason::Empty, &place);
        }
        any = true;
    }
    any
}

fn trace(record: &StatusRecord<'_>, place: &HostPath, haul: &mut Haul) {
    let Some(state) = state(record) else { return haul.count_record() };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let name = text(record.package);
    let place = Place::record(place.clone(), format!("package {name}"));
    let mut trace = Trace::new(ItemKind::Package, name, state, place);
    let version = record.version.or(record.config_version);
    trace.version = version.map(|version| Version::new(text(version), Scheme::Dpkg));
    trace.publisher = record.maintainer.map(text);
    trace.arch = record.architecture.map(text);
    trace.identifiers.push(Identifier::new(IdentifierType::SourcePackage, text(record.source_name())));
    trace.identifiers.extend(record.homepage.map(|url| Identifier::new(IdentifierType::Homepage, text(url))));
    haul.push(trace);
}

/// `config-files` is what a removal leaves; only `not-installed` is nothing. A package caught half-way is present.
fn state(record: &StatusRecord<'_>) -> Option<State> {
    match record.status.map_or(dpkg::State::Installed, |status| status.state) {
        dpkg::State::NotInstalled => None,
        dpkg::State::ConfigFiles => Some(State::Remnant),
        dpkg::State::Installed => Some(State::Installed),
        _ => Some(State::Present),
    }
}

/// `info/<name>.list` and `info/<name>:<arch>.list`, with the package each belongs to.
fn lists(host: &dyn Host) -> Read<Vec<(HostPath, PackageRef)>> {
    let folder = HostPath::from(INFO);
    let entries = host.files().list(&folder)?;
    let list = |entry: crate::host::Entry| {
        let stem = entry.name.strip_suffix(b".list")?;
        let stem = String::from_utf8_lossy(stem);
        let (name, arch) = stem.split_once(':').map_or((&*stem, None), |(name, arch)| (name, Some(arch)));
        let arch = arch.map(str::to_owned);
        Some((folder.join(&entry.name), PackageRef { source: "dpkg", name: name.to_owned(), arch }))
    };
    Ok(entries.into_iter().filter_map(list).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::sources::testing::collect;

    const TWO: &str = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\nArchitecture: amd64\nVersion: 12.1.0-1543\nHomepage: https://www.kaspersky.com\n\nPackage: klnagent64\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 15.1.0-20748\n\n";

    fn host(status: &str) -> FakeHost {
        let info = "/var/lib/dpkg/info/";
        FakeHost::new([
            ("/etc/os-release", FakeNode::File(b"ID=debian\n".to_vec())),
            (STATUS, FakeNode::File(status.as_bytes().to_vec())),
            (&format!("{info}kesl.list"), FakeNode::File(b"/.\n/opt/kaspersky/kesl/libexec/kesl\n".to_vec())),
            (&format!("{info}klnagent64:amd64.list"), FakeNode::File(b"/etc/x\n".to_vec())),
        ])
    }

    #[test]
    fn states_and_fields() {
        let (haul, outcome) = collect(&Dpkg, &host(TWO));
        assert_eq!(outcome, Outcome::Read);
        assert_eq!(haul.gaps(), []);
        let [kesl, agent] = haul.traces() else { panic!("{:?}", haul.traces()) };
        assert_eq!((kesl.name.as_str(), kesl.state), ("kesl", State::Installed));
        assert_eq!(kesl.publisher.as_deref(), Some("AO Kaspersky Lab <support@kaspersky.com>"));
        assert_eq!((agent.name.as_str(), agent.state), ("klnagent64", State::Remnant));
    }

    #[test]
    fn a_record_cut_off_is_missed_by_its_file_list() {
        let first = TWO.split_inclusive("\n\n").next().unwrap();
        let (haul, _) = collect(&Dpkg, &host(first));
        assert_eq!(haul.traces().len(), 1);
        assert_eq!(haul.gaps(), [(GapReason::Inconsistent, true)]);
    }

    #[test]
    fn file_lists_that_cannot_be_listed_leave_open_what_is_missing() {
        let host = FakeHost::new([
            ("/etc/os-release", FakeNode::File(b"ID=debian\n".to_vec())),
            (STATUS, FakeNode::File(TWO.as_bytes().to_vec())),
            (INFO, FakeNode::Broken(Miss::Denied)),
        ]);
        let (haul, outcome) = collect(&Dpkg, &host);
        assert_eq!((haul.traces().len(), outcome), (2, Outcome::Read));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
    }

    #[test]
    fn every_truncation_is_noticed() {
        for at in 0..TWO.len() {
            let (haul, outcome) = collect(&Dpkg, &host(TWO.get(..at).unwrap()));
            let blocked = haul.gaps().iter().any(|(_, blocking)| *blocking);
            assert!(blocked || matches!(outcome, Outcome::Failed(_)), "cut at {at}");
        }
    }

    #[test]
    fn missing_is_failed_where_the_system_says_it_must_exist() {
        let debian =
            FakeHost::new([("/etc/os-release", FakeNode::File(b"ID=ubuntu\nID_LIKE=debian\n".to_vec()))]);
        let (haul, outcome) = collect(&Dpkg, &debian);
        assert!(matches!(outcome, Outcome::Failed(why) if why.contains("ubuntu")));
        assert_eq!(haul.gaps(), [(GapReason::Missing, true)]);
        let fedora = FakeHost::new([("/etc/os-release", FakeNode::File(b"ID=fedora\n".to_vec()))]);
        assert!(matches!(collect(&Dpkg, &fedora).1, Outcome::NotApplicable(_)));
    }

    #[test]
    fn a_distroless_image_has_one_stanza_per_file() {
        let stanza = b"Package: base-files\nVersion: 12.4\nArchitecture: amd64\n".to_vec();
        let image = FakeHost::new([
            ("/etc/os-release", FakeNode::File(b"ID=debian\n".to_vec())),
            ("/var/lib/dpkg/status.d/base", FakeNode::File(stanza)),
            ("/var/lib/dpkg/status.d/base.md5sums", FakeNode::File(b"x".to_vec())),
        ]);
        let (haul, outcome) = collect(&Dpkg, &image);
        assert_eq!((haul.traces().len(), outcome), (1, Outcome::Read));
        assert_eq!(haul.traces()[0].state, State::Installed);
    }

    #[test]
    fn owners_come_from_file_lists() {
        let path = HostPath::from("/opt/kaspersky/kesl/libexec/kesl");
        let ask = PathAsk::new([&path]);
        let mut owners = Owners::default();
        Dpkg.owners(&host(TWO), &ask, &mut owners);
        assert_eq!(owners.of(&path).map(|owner| owner.name.as_str()).collect::<Vec<_>>(), ["kesl"]);
    }
}
