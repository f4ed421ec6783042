//! Packages of Red Hat, SUSE and their kin: the RPM database in its three formats, in the three folders where it may
//! lie. Read natively: librpm writes to what it reads, and has damaged databases.
//!
//! Its formats are in `parse::rpmdb`. All databases that are there are read: which of them the host's own `rpm` would
//! take depends on its configuration, and a leftover shows by its place.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::host::{Host, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, PackageRef, Place, Recorded,
    Scheme, ScopeKind, State, Trace, Version, Wanted,
};
use crate::parse::ReadAt;
use crate::parse::rpm_header::{self, RpmHeader};
use crate::parse::rpmdb::{self, Backend, Visit};
use crate::parse::{At, CHANGED, Fault, MAX_FAULTS};
use crate::sources::{About, Haul, Outcome, Owners, PathAsk, Source};

use super::expect::{absent, is_expected};

/// The source `rpm`.
pub struct Rpm;

/// `%_dbpath` by age and family: everywhere once, SUSE and Fedora now, rpm-ostree. They may be links to one another.
const FOLDERS: &[&str] = &["/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"];
const FILES: &[(&str, Backend)] =
    &[("rpmdb.sqlite", Backend::Sqlite), ("Packages.db", Backend::Ndb), ("Packages", Backend::BerkeleyDb)];
/// Distributions whose packages RPM keeps.
const DISTRIBUTIONS: &[&str] = &[
    "rhel",
    "centos",
    "fedora",
    "rocky",
    "almalinux",
    "ol",
    "scientific",
    "cloudlinux",
    "eurolinux",
    "miraclelinux",
    "virtuozzo",
    "amzn",
    "suse",
    "opensuse",
    "sles",
    "sled",
    "sl-micro",
    "mageia",
    "mandriva",
    "openmandriva",
    "altlinux",
    "rosa",
    "redos",
    "msvsphere",
    "photon",
    "mariner",
    "azurelinux",
    "openeuler",
    "anolis",
    "alinux",
    "opencloudos",
    "tencentos",
];
/// Packages of one database: a desktop has 3,000, a whole distribution 70,000.
const MAX_PACKAGES: usize = 200_000;
/// The first bytes of a rollback journal that was not undone: <https://www.sqlite.org/fileformat2.html#the_rollback_journal>.
const HOT_JOURNAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

static ABOUT: About = About {
    name: "rpm",
    summary: "packages of Red Hat, SUSE and their kin, from RPM's database (SQLite, NDB or BerkeleyDB)",
    families: &[Family::Linux],
    yields: &[(ItemKind::Package, &[State::Installed])],
    fields: &[Field::Name, Field::Version, Field::Publisher, Field::Identifier],
    install_record: true,
    ..About::USUAL
};

impl Source for Rpm {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        debug_assert!(want.scope.includes(ScopeKind::Machine), "a source of the machine only");
        let mut failed = Vec::new();
        let databases = databases(host, &mut |path, miss| {
            haul.miss(path, miss);
            failed.push(format!("{} could not be read: {miss}", path.text()));
        });
        let mut empty = Vec::new();
        let mut packages = 0;
        for database in &databases {
            match read(host, database, haul) {
                Ok(0) => empty.push(&database.path),
                Ok(count) => packages += count,
                Err(why) => failed.push(why),
            }
        }
        let outcome = verdict_on_empty(host, &empty, packages, haul);
        if !failed.is_empty() {
            return Outcome::Failed(failed.join("; "));
        }
        if databases.is_empty() {
            return absent(is_expected(host, DISTRIBUTIONS), host, "/var/lib/rpm", haul);
        }
        outcome
    }

    fn owners(&self, host: &dyn Host, ask: &PathAsk, owners: &mut Owners) {
        let databases = databases(host, &mut |path, miss| {
            owners.gap("rpm", miss.reason(), path, miss.detail());
        });
        for database in &databases {
            let mut faults = Vec::new();
            let walked = walk(host, database, &mut |_, blob| {
                faults.extend(own(blob, ask, owners));
                faults.truncate(1);
                ControlFlow::Continue(())
            });
            match walked {
                Ok(found) => faults.extend(found),
                Err(miss) => owners.gap("rpm", miss.reason(), &database.path, miss.detail()),
            }
            if let Some(fault) = faults.first() {
                owners.gap("rpm", GapReason::Malformed, &database.path, Some(fault.to_string()));
            }
        }
    }
}

/// A database file, by its real path.
struct DatabaseFile {
    path: HostPath,
    backend: Backend,
}

/// Every database file on the host, each once; what cannot be looked at goes to `missed`.
fn databases(host: &dyn Host, missed: &mut dyn FnMut(&HostPath, &Miss)) -> Vec<DatabaseFile> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for folder in FOLDERS {
        for (name, backend) in FILES {
            let path = HostPath::from(*folder).join(name);
            match host.files().resolve(&path) {
                Ok(real) if seen.insert(real.clone()) => {
                    found.push(DatabaseFile { path: real, backend: *backend });
                }
                Ok(_) | Err(Miss::Absent) => {}
                Err(miss) => {
                    missed(&path, &miss);
                    break;
                }
            }
        }
    }
    found
}

/// Reads one database into the haul: how many packages it had, or why nothing could be read.
fn read(host: &dyn Host, database: &DatabaseFile, haul: &mut Haul) -> Result<usize, String> {
    let mut reading = once(host, database, haul);
    if reading.as_ref().is_ok_and(Reading::was_disturbed) {
        reading = once(host, database, haul);
    }
    let path = &database.path;
    let reading = reading.map_err(|miss| {
        haul.miss(path, &miss);
        format!("{} could not be read: {miss}", path.text())
    })?;
    let count = reading.traces.len();
    for trace in reading.traces {
        haul.push(trace);
    }
    let (changed, faults): (Vec<_>, Vec<_>) =
        reading.faults.into_iter().partition(|fault| fault.what == CHANGED);
    if !changed.is_empty() {
        haul.gap_with(GapReason::Changed, path, CHANGED);
    }
    haul.faults(path, &faults);
    if reading.mended > 0 {
        let detail = format!("text of {} packages is not UTF-8", reading.mended);
        haul.minor(GapReason::Malformed, path, detail);
    }
    hot_journal(host, database, haul);
    match faults.first() {
        Some(fault) if count == 0 => Err(format!("{} could not be read: {fault}", path.text())),
        _ => Ok(count),
    }
}

/// What one pass over a database brought.
#[derive(Default)]
struct Reading {
    traces: Vec<Trace>,
    faults: Vec<Fault>,
    /// Packages with a text that was not UTF-8.
    mended: usize,
}

impl Reading {
    /// A writer came in between, so a second pass may see a whole state.
    fn was_disturbed(&self) -> bool {
        self.faults.iter().any(|fault| fault.what == CHANGED)
    }

    fn take(&mut self, number: u32, blob: &[u8], place: &HostPath) {
        let parsed = rpm_header::read(blob);
        for header in &parsed.records {
            self.mended += usize::from(header.lossy);
            self.traces.push(trace(header, place));
        }
        for fault in parsed.faults {
            self.fault(format!("header {number}"), fault.to_string());
        }
    }

    fn fault(&mut self, record: String, what: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault::new(At::Record(record), what));
        }
    }
}

fn once(host: &dyn Host, database: &DatabaseFile, haul: &Haul) -> Result<Reading, Miss> {
    let mut reading = Reading::default();
    let faults = walk(host, database, &mut |number, blob| {
        if reading.traces.len() == MAX_PACKAGES {
            reading.fault("database".to_owned(), format!("more than {MAX_PACKAGES} packages"));
            return ControlFlow::Break(());
        }
        reading.take(number, blob, &database.path);
        // The run itself notes the gap when the time is over.
        if haul.time_left() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    reading.faults.extend(faults);
    Ok(reading)
}

/// Hands every header of a database to `visit`; the faults it met.
fn walk(host: &dyn Host, database: &DatabaseFile, visit: &mut Visit<'_>) -> Result<Vec<Fault>, Miss> {
    let main = host.files().open(&database.path)?;
    // A file may lie under another format's name; an empty one tells nothing but its name.
    let backend = Backend::sniff(main.as_ref()).unwrap_or(database.backend);
    let log = match (backend, host.files().open(&beside(&database.path, "-wal"))) {
        (Backend::Sqlite, Ok(log)) => Some(log),
        (Backend::Sqlite, Err(miss)) if miss != Miss::Absent => {
            let mut faults = rpmdb::headers(backend, main.as_ref(), None, visit);
            faults.insert(0, Fault::new(At::Record("write-ahead log".to_owned()), miss.to_string()));
            return Ok(faults);
        }
        _ => None,
    };
    Ok(rpmdb::headers(backend, main.as_ref(), log.as_ref().map(|log| log as &dyn ReadAt), visit))
}

/// A transaction that was cut off and not yet undone: what the file says may be half of it.
fn hot_journal(host: &dyn Host, database: &DatabaseFile, haul: &mut Haul) {
    if database.backend != Backend::Sqlite {
        return;
    }
    let path = beside(&database.path, "-journal");
    let read = host.files().open(&path);
    let Some(journal) = haul.optional(&path, read) else { return };
    let mut head = [0; 8];
    match journal.read_at(0, &mut head) {
        Ok(_) if head == HOT_JOURNAL => {
            haul.gap_with(GapReason::Inconsistent, &path, "an unfinished transaction is not yet rolled back");
        }
        Ok(_) => {}
        Err(error) => haul.gap_with(GapReason::ReadError, &path, error.to_string()),
    }
}

fn beside(path: &HostPath, suffix: &str) -> HostPath {
    HostPath::new([path.as_bytes(), suffix.as_bytes()].concat())
}

/// A system of RPM packages has some: an empty database is one that was lost. Where os-release names another kind of
/// system, the tool `rpm` alone leaves an empty one behind.
fn verdict_on_empty(host: &dyn Host, empty: &[&HostPath], packages: usize, haul: &mut Haul) -> Outcome {
    let elsewhere = host.facts().os.id.is_some() && !is_expected(host, DISTRIBUTIONS);
    for path in empty {
        if packages > 0 || elsewhere {
            haul.minor(GapReason::Empty, path, "a package database without a package");
        } else {
            haul.gap(GapReason::Empty, path);
        }
    }
    match empty.first() {
        Some(path) if packages == 0 && is_expected(host, DISTRIBUTIONS) => Outcome::Failed(format!(
            "{} holds no package, though os-release names a system that has them",
            path.text()
        )),
        _ => Outcome::Read,
    }
}

fn trace(header: &RpmHeader, place: &HostPath) -> Trace {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let place = Place::record(place.clone(), format!("package {}", header.name));
    let mut trace = Trace::new(ItemKind::Package, header.name.clone(), State::Installed, place);
    trace.version = header.evr().map(|evr| Version::new(evr, Scheme::Rpm));
    // PACKAGER is a person or a build host; only VENDOR says whose package it is.
    trace.publisher = given(&header.vendor);
    trace.arch = given(&header.arch);
    let source = header.source_rpm.as_deref().map(source_name).filter(|name| !name.is_empty());
    trace.identifiers.extend(source.map(|name| Identifier::new(IdentifierType::SourcePackage, name)));
    trace.identifiers.extend(given(&header.url).map(|url| Identifier::new(IdentifierType::Homepage, url)));
    if let Some(seconds) = header.install_time {
        trace.recorded_at = Recorded::serviced(i64::from(seconds));
    }
    trace
}

/// `rpm` of `rpm-4.16.0-1.fc33.src.rpm`.
fn source_name(file: &str) -> &str {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm")).unwrap_or(file);
    stem.rsplitn(3, '-').nth(2).unwrap_or(stem)
}

/// Notes the asked paths that a package owns.
fn own(blob: &[u8], ask: &PathAsk, owners: &mut Owners) -> Vec<Fault> {
    let mut path = Vec::new();
    let mut hits = Vec::new();
    let faults = rpm_header::files(blob, &mut |folder, name| {
        path.clear();
        path.extend_from_slice(folder);
        path.extend_from_slice(name);
        if ask.wants(&path) {
            hits.push(path.clone());
        }
        ControlFlow::Continue(())
    });
    if hits.is_empty() {
        return faults;
    }
    if let Some(header) = rpm_header::read(blob).records.pop() {
        let owner = PackageRef { source: "rpm", name: header.name, arch: header.arch };
        for path in &hits {
            owners.add(path, owner.clone());
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::parse::rpmdb::tests::writer::{HeaderBuilder, bdb, ndb};
    use crate::sources::testing::collect;

    const KESL: &str = "/opt/kaspersky/kesl/libexec/kesl";

    fn headers() -> Vec<Vec<u8>> {
        let kesl =
            HeaderBuilder::package("kesl", "12.2.0", "2412", "x86_64").string(1011, "AO Kaspersky Lab");
        let kesl = kesl.string(1020, "https://www.kaspersky.com").string(1044, "kesl-12.2.0-2412.src.rpm");
        let kesl = kesl.ints(1003, &[2]).files(&["/opt/kaspersky/kesl/libexec/"], &[(0, "kesl")]);
        let zlib = HeaderBuilder::package("zlib", "1.2", "3", "i686").string(1015, "packager@example.org");
        vec![kesl.build(), zlib.build()]
    }

    fn file(bytes: Vec<u8>) -> FakeNode {
        FakeNode::File(bytes)
    }

    fn fedora(nodes: Vec<(&str, FakeNode)>) -> FakeHost {
        FakeHost::new(nodes.into_iter().chain([("/etc/os-release", file(b"ID=fedora\n".to_vec()))]))
    }

    #[test]
    fn fields_of_a_package() {
        let host = fedora(vec![("/var/lib/rpm/Packages.db", file(ndb(&headers())))]);
        let (haul, outcome) = collect(&Rpm, &host);
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
        let [kesl, zlib] = haul.traces() else { panic!("{:?}", haul.traces()) };
        assert_eq!((kesl.name.as_str(), kesl.state), ("kesl", State::Installed));
        assert_eq!(kesl.version, Some(Version::new("2:12.2.0-2412", Scheme::Rpm)));
        assert_eq!(kesl.publisher.as_deref(), Some("AO Kaspersky Lab"));
        assert_eq!(
            kesl.identifiers,
            [
                Identifier::new(IdentifierType::SourcePackage, "kesl"),
                Identifier::new(IdentifierType::Homepage, "https://www.kaspersky.com")
            ]
        );
        assert_eq!(zlib.publisher, None, "a packager is no vendor");
        assert_eq!(zlib.arch.as_deref(), Some("i686"));
    }

    #[test]
    fn every_folder_and_format_and_links_once() {
        for folder in FOLDERS {
            for (name, bytes) in
                [("Packages", bdb(false, 4096, &headers())), ("Packages.db", ndb(&headers()))]
            {
                let path = format!("{folder}/{name}");
                let host = fedora(vec![(path.as_str(), file(bytes))]);
                assert_eq!(collect(&Rpm, &host).0.traces().len(), 2, "{path}");
            }
        }
        let host = fedora(vec![
            ("/usr/share/rpm/Packages.db", file(ndb(&headers()))),
            ("/usr/lib/sysimage/rpm", FakeNode::Link(b"../../share/rpm".to_vec())),
            ("/var/lib/rpm", FakeNode::Link(b"../../usr/share/rpm".to_vec())),
        ]);
        let (haul, outcome) = collect(&Rpm, &host);
        assert_eq!((haul.traces().len(), outcome), (2, Outcome::Read));
        assert_eq!(haul.traces()[0].place.path, HostPath::from("/usr/share/rpm/Packages.db"));
    }

    #[test]
    fn present_and_unreadable_is_failed() {
        let denied = FakeNode::Broken(Miss::Denied);
        for node in
            [denied, FakeNode::Folder, file(Vec::new()), file(b"garbage".to_vec()), file(vec![0; 9000])]
        {
            let host = fedora(vec![
                ("/var/lib/rpm/rpmdb.sqlite", node),
                ("/usr/lib/sysimage/rpm/Packages.db", file(ndb(&headers()))),
            ]);
            let (haul, outcome) = collect(&Rpm, &host);
            assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("rpmdb.sqlite")), "{outcome:?}");
            assert_eq!(haul.traces().len(), 2, "the other database is read all the same");
            assert!(haul.gaps().iter().any(|(_, blocking)| *blocking));
        }
        let host = fedora(vec![("/var/lib/rpm", FakeNode::Broken(Miss::Denied))]);
        assert!(matches!(collect(&Rpm, &host).1, Outcome::Failed(_)));
    }

    #[test]
    fn missing_is_failed_where_it_must_exist() {
        let (haul, outcome) = collect(&Rpm, &fedora(vec![]));
        assert!(matches!(outcome, Outcome::Failed(why) if why.contains("fedora")));
        assert_eq!(haul.gaps(), [(GapReason::Missing, true)]);
        let debian = FakeHost::new([("/etc/os-release", file(b"ID=debian\n".to_vec()))]);
        assert!(matches!(collect(&Rpm, &debian).1, Outcome::NotApplicable(_)));
    }

    #[test]
    fn an_empty_database_is_a_gap() {
        let nodes = || vec![("/var/lib/rpm/Packages.db", file(ndb(&[])))];
        let (haul, outcome) = collect(&Rpm, &fedora(nodes()));
        assert!(matches!(outcome, Outcome::Failed(why) if why.contains("no package")));
        assert_eq!(haul.gaps(), [(GapReason::Empty, true)]);
        let unknown = FakeHost::new(nodes());
        assert_eq!(collect(&Rpm, &unknown).0.gaps(), [(GapReason::Empty, true)]);
        let (haul, outcome) = collect(&Rpm, &FakeHost::new(nodes()).os("debian"));
        assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![(GapReason::Empty, false)]));
    }

    #[test]
    fn a_damaged_package_is_a_gap_beside_the_sound_ones() {
        let mut headers = headers();
        headers.push(b"no header".to_vec());
        let host = fedora(vec![("/var/lib/rpm/Packages", file(bdb(true, 512, &headers)))]);
        let (haul, outcome) = collect(&Rpm, &host);
        assert_eq!((haul.traces().len(), outcome), (2, Outcome::Read));
        assert_eq!(haul.gaps(), [(GapReason::Malformed, true)]);
    }

    #[test]
    fn every_truncation_is_noticed() {
        let whole = ndb(&headers());
        for at in (0..whole.len()).step_by(61) {
            let cut = whole[..at].to_vec();
            let (haul, outcome) = collect(&Rpm, &fedora(vec![("/var/lib/rpm/Packages.db", file(cut))]));
            let blocked = haul.gaps().iter().any(|(_, blocking)| *blocking);
            assert!(blocked || matches!(outcome, Outcome::Failed(_)), "cut at {at}");
        }
    }

    #[test]
    fn owners_are_streamed_from_the_headers() {
        let host = fedora(vec![("/var/lib/rpm/Packages.db", file(ndb(&headers())))]);
        let (asked, other) = (HostPath::from(KESL), HostPath::from("/usr/bin/other"));
        let mut owners = Owners::default();
        Rpm.owners(&host, &PathAsk::new([&asked, &other]), &mut owners);
        let found: Vec<_> =
            owners.of(&asked).map(|owner| (owner.name.as_str(), owner.arch.as_deref())).collect();
        assert_eq!(found, [("kesl", Some("x86_64"))]);
        assert_eq!(owners.of(&other).count(), 0);
    }

    #[test]
    fn source_names() {
        assert_eq!(source_name("rpm-4.16.0-1.fc33.src.rpm"), "rpm");
        assert_eq!(source_name("java-17-openjdk-17.0-1.nosrc.rpm"), "java-17-openjdk");
        assert_eq!(source_name("odd"), "odd");
    }
}
