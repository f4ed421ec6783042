//! Packages of Alpine and its kin: `lib/apk/db/installed`, and `etc/apk/world` to notice what is missing from it.
//!
//! The database has no signature and no count: that records are missing shows where the file ends, and in `world`,
//! the names that the administrator asked for (apk-world(5)).

use std::collections::HashSet;

use crate::host::{Host, Miss};
use crate::model::{
    Family, Field, GapReason, HostPath, Identifier, IdentifierType, ItemKind, PackageRef, Place, Scheme,
    State, Trace, Version, Wanted,
};
use crate::parse::apk::{self, ApkRecord};
use crate::sources::{About, Haul, Outcome, Owners, PathAsk, Source};

use super::expect::{absent, is_expected};

/// The source `apk`.
pub struct Apk;

/// Before and after apk-tools 3, which keeps its database below `/usr`.
const DATABASES: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];
const WORLD: &str = "/etc/apk/world";
/// Distributions whose packages apk keeps.
const DISTRIBUTIONS: &[&str] = &["alpine", "wolfi", "chainguard", "postmarketos", "adelie", "chimera"];
/// The database lists every file; a desktop has 20 MB.
const LIMIT: u64 = 256 << 20;
const WORLD_LIMIT: u64 = 4 << 20;

static ABOUT: About = About {
    name: "apk",
    summary: "packages of Alpine Linux and its kin, from apk's database",
    families: &[Family::Linux],
    yields: &[(ItemKind::Package, &[State::Installed])],
    fields: &[Field::Name, Field::Version, Field::Publisher, Field::Identifier],
    install_record: true,
    ..About::USUAL
};

impl Source for Apk {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let expected = is_expected(host, DISTRIBUTIONS);
        let (mut known, mut read, mut records) = (HashSet::new(), false, 0);
        for place in databases(host) {
            match host.files().read(&place, LIMIT) {
                Ok(bytes) => {
                    read = true;
                    records += database(&bytes, &place, &mut known, haul);
                }
                Err(Miss::Absent) => {}
                Err(miss) => {
                    haul.miss(&place, &miss);
                    return Outcome::Failed(format!("{place} could not be read: {miss}"));
                }
            }
        }
        match (read, records) {
            (false, _) => absent(expected, host, DATABASES[0], haul),
            (true, 0) if expected => {
                haul.gap(GapReason::Empty, &DATABASES[0].into());
                Outcome::Failed(
                    "apk's database holds no package, though os-release names a system that has them".into(),
                )
            }
            _ => {
                world(host, &known, haul);
                Outcome::Read
            }
        }
    }

    fn owners(&self, host: &dyn Host, ask: &PathAsk, owners: &mut Owners) {
        for place in databases(host) {
            match host.files().read(&place, LIMIT) {
                Ok(bytes) => owned(&bytes, ask, owners),
                Err(Miss::Absent) => {}
                Err(miss) => owners.gap(ABOUT.name, miss.reason(), &place, miss.detail()),
            }
        }
    }
}

/// Answers from one database; the same buffer for each of its many paths.
fn owned(bytes: &[u8], ask: &PathAsk, owners: &mut Owners) {
    let mut path = Vec::new();
    for owned in apk::owned(bytes) {
        let Some(file) = owned.file else { continue };
        path.clear();
        for part in [owned.folder, file].into_iter().filter(|part| !part.is_empty()) {
            path.push(b'/');
            path.extend_from_slice(part);
        }
        if ask.wants(&path) {
            owners.add(&path, PackageRef { source: "apk", name: text(owned.package), arch: None });
        }
    }
}

/// The databases, each once where `/lib` is a link to `/usr/lib`.
fn databases(host: &dyn Host) -> Vec<HostPath> {
    let mut seen = HashSet::new();
    let place = |path: &&str| {
        let path = HostPath::from(*path);
        let real = host.files().resolve(&path).unwrap_or_else(|_| path.clone());
        seen.insert(real).then_some(path)
    };
    DATABASES.iter().filter_map(place).collect()
}

/// Pours out one database and notes the names it has; how many records there were.
fn database(bytes: &[u8], place: &HostPath, known: &mut HashSet<Vec<u8>>, haul: &mut Haul) -> usize {
    let parsed = apk::installed(bytes);
    for record in &parsed.records {
        known.insert(record.name.to_vec());
        known.extend(record.provided().map(<[u8]>::to_vec));
        trace(record, place, haul);
    }
    haul.faults(place, &parsed.faults);
    parsed.records.len()
}

fn trace(record: &ApkRecord<'_>, place: &HostPath, haul: &mut Haul) {
    let name = text(record.name);
    let place = Place::record(place.clone(), format!("package {name}"));
    let mut trace = Trace::new(ItemKind::Package, name, State::Installed, place);
    trace.version = record.version.map(|version| Version::new(text(version), Scheme::Apk));
    trace.publisher = record.maintainer.map(text);
    trace.arch = record.arch.map(text);
    let source = record.origin.unwrap_or(record.name);
    trace.identifiers.push(Identifier::new(IdentifierType::SourcePackage, text(source)));
    trace.identifiers.extend(record.url.map(|url| Identifier::new(IdentifierType::Homepage, text(url))));
    haul.push(trace);
}

/// A name in `world` that no package has or provides: its record is missing.
fn world(host: &dyn Host, known: &HashSet<Vec<u8>>, haul: &mut Haul) {
    let place = HostPath::from(WORLD);
    let read = host.files().read(&place, WORLD_LIMIT);
    let Some(bytes) = haul.optional(&place, read) else { return };
    let parsed = apk::world(&bytes);
    haul.faults(&place, &parsed.faults);
    for wish in parsed.records.iter().filter(|wish| !wish.conflict && !known.contains(wish.name)) {
        let detail =
            format!("{} is asked for here, no installed package has or provides it", text(wish.name));
        haul.gap_with(GapReason::Inconsistent, &place, detail);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode};
    use crate::sources::testing::collect;

    const TWO: &str = "P:musl\nV:1.2.3-r0\nA:x86_64\no:musl-src\nU:https://musl.libc.org/\nm:Timo <t@x>\n\
p:so:libc.so.1=1 libc=1\nF:lib\nR:libc.so\n\nP:kesl\nV:12.1-r0\nA:x86_64\nF:opt/k\nR:kesl\nF:\nR:top\n\n";

    fn host(nodes: &[(&str, &str)]) -> FakeHost {
        let release = ("/etc/os-release", FakeNode::File(b"ID=alpine\n".to_vec()));
        let nodes = nodes.iter().map(|(path, text)| (*path, FakeNode::File(text.as_bytes().to_vec())));
        FakeHost::new(nodes.chain([release]))
    }

    #[test]
    fn packages_and_fields() {
        for place in DATABASES {
            let (haul, outcome) = collect(&Apk, &host(&[(place, TWO), (WORLD, "kesl>1\nlibc !vim\n")]));
            assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
            let [musl, kesl] = haul.traces() else { panic!("{:?}", haul.traces()) };
            assert_eq!((musl.name.as_str(), musl.state), ("musl", State::Installed));
            assert_eq!(musl.publisher.as_deref(), Some("Timo <t@x>"));
            assert_eq!(musl.version, Some(Version::new("1.2.3-r0", Scheme::Apk)));
            assert_eq!(kesl.arch.as_deref(), Some("x86_64"));
            assert_eq!(musl.identifiers.len(), 2);
        }
    }

    #[test]
    fn a_database_reached_by_two_names_is_read_once() {
        let host = FakeHost::new([
            (DATABASES[1], FakeNode::File(TWO.as_bytes().to_vec())),
            ("/lib", FakeNode::Link(b"usr/lib".to_vec())),
        ]);
        assert_eq!(collect(&Apk, &host).0.traces().len(), 2);
    }

    #[test]
    fn what_world_asks_for_and_nobody_has_is_a_gap() {
        let (haul, _) = collect(&Apk, &host(&[(DATABASES[0], TWO), (WORLD, "klnagent\n")]));
        assert_eq!(haul.gaps(), [(GapReason::Inconsistent, true)]);
        let (haul, _) = collect(&Apk, &host(&[(DATABASES[0], TWO), (WORLD, "\u{1}\n")]));
        assert_eq!(haul.gaps(), [(GapReason::Malformed, true)]);
    }

    #[test]
    fn every_truncation_is_noticed() {
        let whole = host(&[(DATABASES[0], TWO), (WORLD, "kesl musl\n")]);
        assert_eq!(collect(&Apk, &whole).0.gaps(), []);
        for at in 0..TWO.len() {
            let (haul, outcome) =
                collect(&Apk, &host(&[(DATABASES[0], TWO.get(..at).unwrap()), (WORLD, "kesl musl\n")]));
            let blocked = haul.gaps().iter().any(|(_, blocking)| *blocking);
            assert!(blocked || matches!(outcome, Outcome::Failed(_)), "cut at {at}");
        }
    }

    #[test]
    fn missing_unreadable_and_garbage() {
        let (haul, outcome) = collect(&Apk, &host(&[]));
        assert!(matches!(outcome, Outcome::Failed(why) if why.contains("alpine")));
        assert_eq!(haul.gaps(), [(GapReason::Missing, true)]);
        let other = FakeHost::new([("/etc/os-release", FakeNode::File(b"ID=debian\n".to_vec()))]);
        assert!(matches!(collect(&Apk, &other).1, Outcome::NotApplicable(_)));
        let denied = FakeHost::new([(DATABASES[0], FakeNode::Broken(Miss::Denied))]);
        let (haul, outcome) = collect(&Apk, &denied);
        assert!(matches!(outcome, Outcome::Failed(_)));
        assert_eq!(haul.gaps(), [(GapReason::PermissionDenied, true)]);
        let (haul, outcome) = collect(&Apk, &host(&[(DATABASES[0], "\u{0}nonsense\u{ff}")]));
        assert!(matches!(outcome, Outcome::Failed(_)) && haul.traces().is_empty());
    }

    #[test]
    fn owners_come_from_the_database() {
        let paths = ["/opt/k/kesl", "/top", "/lib/nobody"].map(HostPath::from);
        let mut owners = Owners::default();
        Apk.owners(&host(&[(DATABASES[0], TWO)]), &PathAsk::new(&paths), &mut owners);
        let names = paths.each_ref().map(|path| owners.of(path).count());
        assert_eq!(names, [1, 1, 0]);
        assert_eq!(owners.of(&paths[0]).next().unwrap().name, "kesl");
    }
}
