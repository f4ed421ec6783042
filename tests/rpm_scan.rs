//! A Fedora host made by the real rpm, judged by the whole program: installed, in the other two database formats,
//! removed; and a database whose rows are only in its log, on a read-only mount, under an open writer.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "runs rpm and reads what it made; a test fails by panicking"
)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::berkeley::berkeley;
use support::{Root, Run, has, scan, skip};

#[path = "support/rpmdb_writer.rs"]
#[expect(dead_code, reason = "shared with tests that use the rest")]
mod writer;

const PRODUCTS: [(&str, &str); 2] =
    [("kaspersky.endpoint-security", "12.2.0-2412"), ("kaspersky.network-agent", "15.1.0-20748")];

/// One package with a program and a unit that starts it.
fn spec(name: &str, version: &str, program: &str, vendor: &str) -> String {
    let (version, release) = version.split_once('-').unwrap();
    format!(
        "Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: Test\nLicense: none\nVendor: {vendor}\n\
         %global debug_package %{{nil}}\n%global __os_install_post %{{nil}}\n%description\nTest.\n%install\n\
         mkdir -p %{{buildroot}}$(dirname {program}) %{{buildroot}}/usr/lib/systemd/system %{{buildroot}}/etc/opt/kaspersky/{name}\n\
         printf '\\177ELF' > %{{buildroot}}{program}\nchmod 755 %{{buildroot}}{program}\n\
         printf '[Service]\\nExecStart={program}\\n' > %{{buildroot}}/usr/lib/systemd/system/{name}.service\n\
         echo x > %{{buildroot}}/etc/opt/kaspersky/{name}/x.conf\n\
         %files\n{program}\n/usr/lib/systemd/system/{name}.service\n%config(noreplace) /etc/opt/kaspersky/{name}/x.conf\n"
    )
}

fn innocent() -> String {
    let mut spec =
        "Name: innocent\nVersion: 1.0\nRelease: 1\nSummary: Test\nLicense: none\nVendor: Fedora Project\n\
                    BuildArch: noarch\n%description\nTest.\n%files\n"
            .to_owned();
    for name in (0..97).map(|n| format!("lib{n}")).chain(["kics", "kes", "kess-fonts"].map(str::to_owned)) {
        write!(spec, "%package -n {name}\nSummary: Test\n%description -n {name}\nTest.\n%files -n {name}\n")
            .unwrap();
    }
    spec
}

fn rpm(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("rpm");
    command.arg("--root").arg(root).args(["--dbpath", "/var/lib/rpm"]).args(args);
    command
}

/// Builds the packages and installs them with rpm itself.
fn fedora() -> Option<Root> {
    if !has("rpm") || !has("rpmbuild") {
        skip("rpm and rpmbuild are not installed");
        return None;
    }
    let build = tempfile::tempdir().unwrap();
    let specs = [
        spec("kesl", "12.2.0-2412", "/opt/kaspersky/kesl/libexec/kesl", "AO Kaspersky Lab"),
        spec("klnagent64", "15.1.0-20748", "/opt/kaspersky/klnagent64/sbin/klnagent", "AO Kaspersky Lab"),
        innocent(),
    ];
    for (at, text) in specs.iter().enumerate() {
        let path = build.path().join(format!("{at}.spec"));
        fs::write(&path, text).unwrap();
        let topdir = format!("_topdir {}", build.path().display());
        let made = Command::new("rpmbuild")
            .args(["-bb", "--quiet", "--define", &topdir])
            .arg(&path)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let packages: Vec<PathBuf> = walkdir::WalkDir::new(build.path().join("RPMS"))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|end| end == "rpm"))
        .collect();
    let root = Root::empty();
    root.file("etc/os-release", "ID=fedora\nVERSION_ID=41\n");
    root.file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
    let install = rpm(root.path(), &["-i", "--nodeps", "--nosignature", "--ignorearch"])
        .args(&packages)
        .output()
        .unwrap();
    if !install.status.success() {
        skip(&format!("rpm --root: {}", String::from_utf8_lossy(&install.stderr)));
        return None;
    }
    Some(root)
}

/// Both products, each once, with package, program and unit, in the right version, and nothing of anybody else.
fn has_both_products(run: &Run, what: &str) {
    assert_eq!(run.code, 1, "{what}: {}", run.stdout);
    assert_eq!(run.products().len(), 2, "{what}: {:?}", run.products());
    for (product, version) in PRODUCTS {
        let finding = run.finding(product).unwrap();
        assert_eq!(
            (finding["state"].as_str(), finding["confidence"].as_str()),
            (Some("installed"), Some("confirmed"))
        );
        assert_eq!(finding["versions"], serde_json::json!([version]), "{what}");
        let evidence = finding["evidence"].as_array().unwrap();
        let kinds: Vec<_> = evidence.iter().map(|found| found["kind"].as_str().unwrap()).collect();
        for kind in ["package", "executable", "service"] {
            assert!(kinds.contains(&kind), "{what} {product}: {kinds:?}");
        }
        let names = evidence.iter().map(|found| found["name"].as_str().unwrap());
        assert!(
            names.clone().all(|name| name.starts_with('k') && !name.starts_with("kes-")),
            "{:?}",
            names.collect::<Vec<_>>()
        );
    }
}

/// The header blobs of a database that rpm wrote.
fn blobs(root: &Root) -> Vec<Vec<u8>> {
    let sql = rusqlite::Connection::open(root.at("var/lib/rpm/rpmdb.sqlite")).unwrap();
    let mut rows = sql.prepare("SELECT blob FROM Packages ORDER BY hnum").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn installed_in_every_format_and_removed() {
    let Some(root) = fedora() else { return };
    has_both_products(&root.scan(&[]), "SQLite");

    let blobs = blobs(&root);
    assert_eq!(blobs.len(), 103);
    let sqlite = root.at("var/lib/rpm");
    let kept = root.at("var/lib/kept");
    fs::rename(&sqlite, &kept).unwrap();
    let formats = [
        ("usr/lib/sysimage/rpm/Packages.db", Some(writer::ndb(&blobs))),
        ("var/lib/rpm/Packages", Some(writer::bdb(false, 4096, &blobs))),
        ("usr/share/rpm/Packages", berkeley(&blobs, false)),
    ];
    for (path, bytes) in formats {
        let Some(bytes) = bytes else { continue };
        let file = root.file(path, bytes);
        has_both_products(&root.scan(&[]), path);
        fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }
    fs::rename(&kept, &sqlite).unwrap();

    root.file("etc/opt/kaspersky/kesl/x.conf", "changed by hand\n");
    let removed = rpm(root.path(), &["-e", "--nodeps", "kesl", "klnagent64"]).output().unwrap();
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    let run = root.scan(&[]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    for found in run.json()["findings"].as_array().unwrap() {
        assert_eq!(found["state"], Value::from("remnant"), "what rpm kept as .rpmsave: {found:#}");
    }
    for folder in ["etc/opt/kaspersky", "opt/kaspersky"] {
        let _gone = fs::remove_dir_all(root.at(folder));
    }
    let run = root.scan(&[]);
    assert_eq!((run.code, run.products()), (0, Vec::new()));
}

#[test]
fn rows_only_in_the_log_on_a_read_only_mount_under_a_writer() {
    if !has("unshare") || !has("mount") {
        return skip("unshare and mount (util-linux) are not installed");
    }
    let root = Root::empty();
    root.file("etc/os-release", "ID=fedora\n");
    root.dir("var/lib/rpm");
    let sql = rusqlite::Connection::open(root.at("var/lib/rpm/rpmdb.sqlite")).unwrap();
    sql.execute_batch("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB); BEGIN").unwrap();
    for n in 0..1000 {
        let blob = writer::HeaderBuilder::package(&format!("package-{n:04}"), "1", "1", "noarch").build();
        sql.execute("INSERT INTO Packages (blob) VALUES (?1)", [&blob]).unwrap();
    }
    sql.execute_batch("COMMIT; BEGIN IMMEDIATE").unwrap();
    let command = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && ! touch \"$0/x\" 2>/dev/null && \
                   exec \"$1\" inventory --format json --root \"$0\"";
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "sh", "-c", command]).arg(root.path()).arg(env!("CARGO_BIN_EXE_interdict"));
    let run = Run::of(&mut unshare);
    if run.stdout.is_empty() {
        return skip(&format!("no mount namespace here: {}", run.stderr));
    }
    let inventory = run.json();
    let items =
        inventory["items"].as_array().unwrap().iter().filter(|item| item["kind"] == "package").count();
    let sources = inventory["coverage"]["sources"].as_array().unwrap();
    let rpm = sources.iter().find(|source| source["source"] == "rpm").unwrap();
    assert_eq!((rpm["status"].as_str(), items), (Some("complete"), 1000), "{rpm:#}");
    sql.execute_batch("COMMIT").unwrap();
    assert_eq!(scan(root.path(), &[]).code, 0);
}
