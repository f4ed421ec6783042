//! The source `rpm` on roots that the real `rpm` made, on the same headers in the two other formats, on a database whose
//! rows are only in its log, and on the corpora.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests build their roots, run rpm as the judge, and may fail loudly"
)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::berkeley::berkeley;
use support::{has, skip};

use interdict::host::RootHost;
use interdict::model::{HostPath, Trace, Wanted};
use interdict::sources::linux::rpm::Rpm;
use interdict::sources::{Haul, Outcome, Owners, PathAsk, Source as _};

#[path = "support/rpmdb_writer.rs"]
#[expect(dead_code, reason = "shared with the tests of `parse`, which use the rest")]
mod writer;

/// One package as both sides print it: name, [epoch:]version-release, arch, vendor.
type Line = (String, String, String, String);

const KASPERSKY: &str = "
Name: kesl
Version: 12.2.0
Release: 2412
Epoch: 1
Summary: Kaspersky Endpoint Security for Linux (look-alike for tests)
License: none
Vendor: AO Kaspersky Lab
URL: https://www.kaspersky.com
%global debug_package %{nil}
%global __os_install_post %{nil}
%description
Test.
%package -n klnagent64
Summary: Network Agent (look-alike for tests)
%description -n klnagent64
Test.
%install
mkdir -p %{buildroot}/opt/kaspersky/kesl/libexec %{buildroot}/opt/kaspersky/klnagent64/sbin
mkdir -p %{buildroot}/usr/lib/systemd/system
echo kesl > %{buildroot}/opt/kaspersky/kesl/libexec/kesl
echo agent > %{buildroot}/opt/kaspersky/klnagent64/sbin/klnagent
echo '[Service]' > %{buildroot}/usr/lib/systemd/system/kesl.service
%files
/opt/kaspersky/kesl/libexec/kesl
/usr/lib/systemd/system/kesl.service
%files -n klnagent64
/opt/kaspersky/klnagent64/sbin/klnagent
";

/// Twenty packages of somebody else.
fn innocent() -> String {
    let mut spec = "Name: innocent\nVersion: 1.0\nRelease: 1.fc40\nSummary: Test\nLicense: none\nVendor: Fedora Project\n\
                    BuildArch: noarch\n%description\nTest.\n%files\n"
        .to_owned();
    for n in 0..20 {
        write!(spec, "%package -n lib{n}\nSummary: Test\n%description -n lib{n}\nTest.\n%files -n lib{n}\n")
            .unwrap();
    }
    spec
}

/// Builds the packages and installs them into a root; none where rpm or the rights for it are missing.
fn real_root() -> Option<tempfile::TempDir> {
    if !has("rpm") || !has("rpmbuild") {
        skip("no rpm or rpmbuild");
        return None;
    }
    let work = tempfile::tempdir().unwrap();
    let top = work.path().join("build");
    for (name, spec) in [("kesl", KASPERSKY.to_owned()), ("innocent", innocent())] {
        let path = work.path().join(format!("{name}.spec"));
        fs::write(&path, spec).unwrap();
        let topdir = format!("_topdir {}", top.display());
        let built = Command::new("rpmbuild")
            .args(["-bb", "--quiet", "--define", &topdir])
            .arg(&path)
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    let packages: Vec<PathBuf> = walkdir::WalkDir::new(top.join("RPMS"))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|end| end == "rpm"))
        .collect();
    assert_eq!(packages.len(), 23);
    let root = work.path().join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/os-release"), "ID=fedora\nVERSION_ID=40\n").unwrap();
    let mut install = rpm(&root);
    let done =
        install.args(["-i", "--nodeps", "--nosignature", "--ignorearch"]).args(&packages).output().unwrap();
    if !done.status.success() {
        skip(&format!("rpm --root: {}", String::from_utf8_lossy(&done.stderr)));
        return None;
    }
    Some(work)
}

fn rpm(root: &Path) -> Command {
    let mut command = Command::new("rpm");
    command.arg("--root").arg(root).args(["--dbpath", "/var/lib/rpm"]);
    command
}

/// What rpm itself lists.
fn by_rpm(root: &Path) -> Vec<Line> {
    let format = "%{NAME}|%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}|%{ARCH}|%{VENDOR}\n";
    let out = rpm(root).args(["-qa", "--qf", format]).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let mut lines: Vec<Line> = text
        .lines()
        .map(|line| {
            let [name, evr, arch, vendor] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
            (name.to_owned(), evr.to_owned(), arch.to_owned(), vendor.to_owned())
        })
        .collect();
    lines.sort();
    lines
}

fn collect(root: &Path) -> (Vec<Trace>, Vec<String>, Outcome) {
    let host = RootHost::offline(root).unwrap();
    let mut haul = Haul::new(Instant::now() + Duration::from_mins(1));
    let outcome = Rpm.collect(&host, &Wanted::default(), &mut haul);
    let gaps = haul.gap_list().map(|gap| format!("{gap:?}")).collect();
    (haul.traces().to_vec(), gaps, outcome)
}

fn lines(traces: &[Trace]) -> Vec<Line> {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "(none)".to_owned());
    let mut lines: Vec<Line> = traces
        .iter()
        .map(|trace| {
            let version = trace.version.clone().map_or_else(String::new, |version| version.raw);
            (trace.name.clone(), version, or_none(&trace.arch), or_none(&trace.publisher))
        })
        .collect();
    lines.sort();
    lines
}

/// The header blobs of a `SQLite` database, by the real library.
fn blobs(database: &Path) -> Vec<Vec<u8>> {
    let sql = rusqlite::Connection::open(database).unwrap();
    let mut query = sql.prepare("SELECT blob FROM Packages ORDER BY hnum").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A root with one database file.
fn root_with(path: &str, bytes: &[u8]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    fs::create_dir_all(root.path().join("etc")).unwrap();
    fs::write(root.path().join("etc/os-release"), "ID=fedora\n").unwrap();
    root
}

#[test]
fn a_real_root_in_all_three_formats() {
    let Some(work) = real_root() else { return };
    let root = work.path().join("root");
    let want = by_rpm(&root);
    assert_eq!(want.len(), 23);
    let kesl = ("kesl", "1:12.2.0-2412", "AO Kaspersky Lab");
    assert!(want.iter().any(|line| (line.0.as_str(), line.1.as_str(), line.3.as_str()) == kesl));
    let (traces, gaps, outcome) = collect(&root);
    assert_eq!((outcome, gaps), (Outcome::Read, vec![]));
    assert_eq!(lines(&traces), want);
    assert!(traces.iter().all(|trace| trace.recorded_at.value.is_some()));
    owners_of(&root);
    let blobs = blobs(&root.join("var/lib/rpm/rpmdb.sqlite"));
    let mut others = vec![("usr/lib/sysimage/rpm/Packages.db", writer::ndb(&blobs))];
    others.push(("var/lib/rpm/Packages", writer::bdb(false, 4096, &blobs)));
    for big in [false, true] {
        others.extend(berkeley(&blobs, big).map(|bytes| ("usr/share/rpm/Packages", bytes)));
    }
    for (path, bytes) in others {
        let other = root_with(path, &bytes);
        let (traces, gaps, outcome) = collect(other.path());
        assert_eq!((outcome, gaps), (Outcome::Read, vec![]), "{path}");
        assert_eq!(lines(&traces), want, "{path}");
    }
}

fn owners_of(root: &Path) {
    let host = RootHost::offline(root).unwrap();
    let unit = HostPath::from("/usr/lib/systemd/system/kesl.service");
    let agent = HostPath::from("/opt/kaspersky/klnagent64/sbin/klnagent");
    let mut owners = Owners::default();
    Rpm.owners(&host, &PathAsk::new([&unit, &agent]), &mut owners);
    let names = |path| owners.of(path).map(|owner| owner.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(&unit), names(&agent)), (vec!["kesl".to_owned()], vec!["klnagent64".to_owned()]));
}

#[test]
fn our_writers_make_what_rpm_reads() {
    if !has("rpm") {
        return skip("no rpm");
    }
    let blob = writer::HeaderBuilder::package("made", "1", "2", "noarch").string(1011, "Somebody").build();
    let root = root_with("none", b"");
    fs::create_dir_all(root.path().join("var/lib/rpm")).unwrap();
    let made = rpm(root.path()).arg("--initdb").output().unwrap();
    if !made.status.success() {
        return skip(&format!("rpm --initdb: {}", String::from_utf8_lossy(&made.stderr)));
    }
    let (_, gaps, outcome) = collect(root.path());
    assert!(matches!(outcome, Outcome::Failed(_)) && gaps.len() == 1, "a new database is empty");
    let sql = rusqlite::Connection::open(root.path().join("var/lib/rpm/rpmdb.sqlite")).unwrap();
    sql.execute("INSERT INTO Packages (blob) VALUES (?1)", [&blob]).unwrap();
    drop(sql);
    let (traces, gaps, _) = collect(root.path());
    assert_eq!((lines(&traces), gaps), (by_rpm(root.path()), vec![]));
}

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)";

/// Name, length, time of change and contents of every file of a folder.
fn snapshot(folder: &Path) -> BTreeMap<String, (u64, std::time::SystemTime, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let meta = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, (meta.len(), meta.modified().unwrap(), fs::read(entry.path()).unwrap()))
        })
        .collect()
}

#[test]
fn a_thousand_rows_in_the_log_of_an_open_writer() {
    let root = root_with("none", b"");
    let folder = root.path().join("var/lib/rpm");
    fs::create_dir_all(&folder).unwrap();
    let sql = rusqlite::Connection::open(folder.join("rpmdb.sqlite")).unwrap();
    sql.execute_batch("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0").unwrap();
    sql.execute_batch(TABLE).unwrap();
    sql.execute_batch("BEGIN").unwrap();
    for n in 0..1000 {
        let blob = writer::HeaderBuilder::package(&format!("package-{n:04}"), "1", "1", "noarch").build();
        sql.execute("INSERT INTO Packages (blob) VALUES (?1)", [&blob]).unwrap();
    }
    sql.execute_batch("COMMIT; BEGIN IMMEDIATE").unwrap();
    assert_eq!(
        fs::metadata(folder.join("rpmdb.sqlite")).unwrap().len(),
        4096,
        "the rows are in the log only"
    );
    let before = snapshot(&folder);
    let (traces, gaps, outcome) = collect(root.path());
    assert_eq!((outcome, gaps), (Outcome::Read, vec![]));
    let names: Vec<_> = lines(&traces).into_iter().map(|line| line.0).collect();
    assert_eq!(names, (0..1000).map(|n| format!("package-{n:04}")).collect::<Vec<_>>());
    assert_eq!(snapshot(&folder), before, "nothing beside the database was made or changed");
    sql.execute_batch("COMMIT").unwrap();
}

#[test]
fn a_transaction_that_was_cut_off_is_a_gap() {
    let root = root_with("none", b"");
    let folder = root.path().join("var/lib/rpm");
    fs::create_dir_all(&folder).unwrap();
    let sql = rusqlite::Connection::open(folder.join("rpmdb.sqlite")).unwrap();
    sql.execute_batch(TABLE).unwrap();
    let blob =
        writer::HeaderBuilder::package("one", "1", "1", "noarch").string(1005, &"x".repeat(9000)).build();
    sql.execute("INSERT INTO Packages (blob) VALUES (?1)", [&blob]).unwrap();
    assert_eq!(collect(root.path()).1, Vec::<String>::new());
    // The cache spills into the file, so the journal on disk is that of a transaction under way.
    sql.execute_batch("PRAGMA cache_size=2; BEGIN; UPDATE Packages SET blob=zeroblob(3000)").unwrap();
    for _ in 0..50 {
        sql.execute("INSERT INTO Packages (blob) VALUES (?1)", [&blob]).unwrap();
    }
    let (_, gaps, _) = collect(root.path());
    assert!(gaps.iter().any(|gap| gap.contains("rolled back") && gap.contains("blocking: true")), "{gaps:?}");
    sql.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn corpora_through_the_source() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("shared/corpora/rpmdb");
    if !shared.is_dir() {
        return skip(&format!("no corpora at {}", shared.display()));
    }
    for case in ["centos6-bdb", "epoch-bdb", "libuuid-bdb", "fedora33-sqlite", "ndb"] {
        let root = root_with("none", b"");
        let folder = root.path().join("var/lib/rpm");
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(shared.join(case)).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
        let (traces, gaps, outcome) = collect(root.path());
        assert_eq!((outcome, gaps), (Outcome::Read, vec![]), "{case}");
        let expected = fs::read_to_string(shared.join(format!("{case}.expected.json"))).unwrap();
        let expected: Vec<serde_json::Value> = serde_json::from_str(&expected).unwrap();
        let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap().to_owned();
        let mut want: Vec<Line> = expected
            .iter()
            .map(|one| {
                let epoch = text(one, "epoch");
                let epoch = if epoch == "(none)" { String::new() } else { format!("{epoch}:") };
                let evr = format!("{epoch}{}-{}", text(one, "version"), text(one, "release"));
                (text(one, "name"), evr, text(one, "arch"), text(one, "vendor"))
            })
            .collect();
        want.sort();
        assert_eq!(lines(&traces), want, "{case}");
    }
}
