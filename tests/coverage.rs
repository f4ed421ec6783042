//! No false clean: whatever a source cannot read, the verdict is never `compliant`. Driven by the slice of sources:
//! a source without a case here is red.
//!
//! Every case holds a prohibited thing that only this source can see. Sound, it is found; broken, the scan either
//! still finds it or says what it could not see.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests break their own roots; a test fails by panicking"
)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use interdict::sources::SOURCES;
use serde_json::Value;
use support::{Root, Run, interdict, scan_as_nobody, skip};

#[path = "support/rpmdb_writer.rs"]
#[expect(unused, reason = "this test needs the header writer only")]
mod rpmdb_writer;

/// A root in which one source alone can see the prohibited thing.
struct Case {
    source: &'static str,
    /// Writes the record and returns nothing: paths below are relative to the root.
    lay_out: fn(&Root),
    /// The file that is cut and filled with noise.
    record: &'static str,
    /// What is made unreadable.
    deny: &'static str,
    /// Whether the system's own record says that it must exist.
    must_exist: bool,
    /// Whether the thing can be seen on a dead disk at all.
    offline: bool,
}

const CASES: &[Case] = &[
    Case {
        source: "dpkg",
        lay_out: |root| {
            let stanza = |name: &str| {
                format!(
                    "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: Somebody\nVersion: 1.0-1\n\n"
                )
            };
            root.file("var/lib/dpkg/status", stanza("innocent") + &stanza("prohibited"));
            root.file("var/lib/dpkg/info/innocent.list", "/.\n");
            root.file("var/lib/dpkg/info/prohibited.list", "/.\n");
        },
        record: "var/lib/dpkg/status",
        deny: "var/lib/dpkg/status",
        must_exist: true,
        offline: true,
    },
    Case {
        source: "rpm",
        lay_out: |root| {
            root.file("etc/os-release", "ID=fedora\n");
            fs::create_dir_all(root.at("var/lib/rpm")).unwrap();
            let db = rusqlite::Connection::open(root.at("var/lib/rpm/rpmdb.sqlite")).unwrap();
            db.execute_batch(
                "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
            )
            .unwrap();
            for name in ["innocent", "prohibited"] {
                let blob = rpmdb_writer::HeaderBuilder::package(name, "1.0", "1", "x86_64").build();
                db.execute("INSERT INTO Packages (blob) VALUES (?1)", [blob]).unwrap();
            }
        },
        record: "var/lib/rpm/rpmdb.sqlite",
        deny: "var/lib/rpm/rpmdb.sqlite",
        must_exist: true,
        offline: true,
    },
    Case {
        source: "apk",
        lay_out: |root| {
            root.file("etc/os-release", "ID=alpine\n");
            let record = |name: &str| {
                format!(
                    "C:Q1x=\nP:{name}\nV:1.0-r0\nA:x86_64\nS:1\nI:1\nT:a\nU:u\nL:MIT\no:{name}\nm:Somebody\n\n"
                )
            };
            root.file("lib/apk/db/installed", record("innocent") + &record("prohibited"));
            root.file("etc/apk/world", "innocent\nprohibited\n");
        },
        record: "lib/apk/db/installed",
        deny: "lib/apk/db/installed",
        must_exist: true,
        offline: true,
    },
    Case {
        source: "pacman",
        lay_out: |root| {
            root.file("etc/os-release", "ID=arch\n");
            root.file("var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
            root.file(
                "var/lib/pacman/local/prohibited-1.0-1/desc",
                "%NAME%\nprohibited\n\n%VERSION%\n1.0-1\n\n%ARCH%\nx86_64\n\n%PACKAGER%\nSomebody\n\n",
            );
        },
        record: "var/lib/pacman/local/prohibited-1.0-1/desc",
        deny: "var/lib/pacman/local",
        must_exist: true,
        offline: true,
    },
    Case {
        source: "snap",
        lay_out: |root| {
            root.file(
                "snap/prohibited/7/meta/snap.yaml",
                "name: prohibited\nversion: '1.0'\nsummary: s\ndescription: d\n",
            );
            root.link("snap/prohibited/current", "7");
        },
        record: "snap/prohibited/7/meta/snap.yaml",
        deny: "snap",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "flatpak",
        lay_out: |root| {
            let app = "var/lib/flatpak/app/prohibited";
            root.file(
                format!("{app}/x86_64/stable/abc/metadata"),
                "[Application]\nname=prohibited\nruntime=org.x/x86_64/1\n",
            );
            root.link(format!("{app}/current"), "x86_64/stable");
            root.link(format!("{app}/x86_64/stable/active"), "abc");
        },
        record: "var/lib/flatpak/app/prohibited/x86_64/stable/abc/metadata",
        deny: "var/lib/flatpak/app",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "appimage",
        lay_out: |root| {
            let mut bytes = b"\x7fELF\x02\x01\x01\x00AI\x02".to_vec();
            bytes.resize(4096, 0);
            root.file("home/alice/Applications/prohibited.AppImage", bytes);
        },
        record: "home/alice/Applications/prohibited.AppImage",
        deny: "home/alice/Applications",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "systemd",
        lay_out: |root| {
            root.program("srv/x/bin/x");
            root.file(
                "usr/lib/systemd/system/prohibited.service",
                "[Unit]\nDescription=Prohibited\n\n[Service]\nExecStart=/srv/x/bin/x --token=secret\n",
            );
        },
        record: "usr/lib/systemd/system/prohibited.service",
        deny: "usr/lib/systemd/system",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "init-scripts",
        lay_out: |root| {
            root.file(
                "etc/init.d/prohibited",
                "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: prohibited\n### END INIT INFO\n",
            );
        },
        record: "etc/init.d/prohibited",
        deny: "etc/init.d",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "desktop-entries",
        lay_out: |root| {
            root.program("srv/x/bin/x");
            root.file(
                "usr/share/applications/prohibited.desktop",
                "[Desktop Entry]\nType=Application\nName=Prohibited\nExec=/srv/x/bin/x %U\n",
            );
        },
        record: "usr/share/applications/prohibited.desktop",
        deny: "usr/share/applications",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "autostart",
        lay_out: |root| {
            root.program("srv/x/bin/x");
            let entry = "[Desktop Entry]\nType=Application\nName=Prohibited\nExec=/srv/x/bin/x\n";
            root.file("etc/xdg/autostart/prohibited.desktop", entry);
        },
        record: "etc/xdg/autostart/prohibited.desktop",
        deny: "etc/xdg/autostart",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "opt",
        lay_out: |root| {
            root.program("opt/vendor/bin/prohibited");
        },
        record: "opt/vendor/bin/prohibited",
        deny: "opt/vendor",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "kernel-modules",
        lay_out: |root| {
            root.file("lib/modules/6.1.0/extra/prohibited.ko", b"\x7fELF\x02");
        },
        record: "lib/modules/6.1.0/extra/prohibited.ko",
        deny: "lib/modules/6.1.0/extra",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "accounts",
        lay_out: |root| {
            root.file(
                "etc/passwd",
                "root:x:0:0:root:/root:/bin/bash\nprohibited:x:999:999::/srv:/usr/sbin/nologin\n",
            );
        },
        record: "etc/passwd",
        deny: "etc/passwd",
        must_exist: true,
        offline: true,
    },
    // Running processes cannot be laid out in a folder: tests/live.rs has their faults.
    Case { source: "processes", lay_out: |_| {}, record: "", deny: "", must_exist: false, offline: false },
];

/// Rules that prohibit one name in every kind, so that every source is needed.
const VENDOR: &str = r#"
schema = 1
[vendor]
id = "test"
name = "Test"
[[product]]
id = "test.thing"
name = "Thing"
category = "test"
[[product.indicator]]
kind = ["package", "application", "service", "driver", "executable", "autostart"]
name = { exact = ["prohibited", "prohibited.service", "prohibited.desktop", "prohibited.appimage"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = "trace"
identifier = { type = "account", exact = ["prohibited"] }
strength = "weak"
source = "this test"
[[example]]
items = [{ kind = "package", source = "dpkg", name = "prohibited" }]
expect = { product = "test.thing" }
[[example]]
items = [{ kind = "package", source = "dpkg", name = "allowed" }]
expect = "none"
"#;

const POLICY: &str = r#"
schema = 1
[policy]
id = "test-policy"
title = "Nothing prohibited"
effective = 2020-01-01
min_depth = "standard"
[[prohibition]]
id = "test-policy.thing"
vendor = "test"
severity = "high"
"#;

struct Bench {
    rules: Root,
    root: Root,
}

impl Bench {
    fn of(case: &Case) -> Self {
        let rules = Root::empty();
        rules.file("vendors/test.toml", VENDOR);
        rules.file("policies/test.toml", POLICY);
        let root = Root::debian();
        if case.source != "dpkg" {
            let sound =
                "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
            root.file("var/lib/dpkg/status", sound);
        }
        (case.lay_out)(&root);
        if case.source == "rpm" || case.source == "apk" || case.source == "pacman" {
            fs::remove_dir_all(root.at("var/lib/dpkg")).unwrap();
        }
        Self { rules, root }
    }

    fn args(&self) -> Vec<&OsStr> {
        let words = ["scan", "--format", "json", "--no-built-in", "--policy", "test-policy", "--rules"];
        let mut args: Vec<&OsStr> = words.into_iter().map(OsStr::new).collect();
        args.extend([self.rules.path().as_os_str(), OsStr::new("--root"), self.root.path().as_os_str()]);
        args
    }

    fn scan(&self) -> Run {
        Run::of(interdict().args(self.args()))
    }
}

fn offline_cases() -> impl Iterator<Item = &'static Case> {
    SOURCES
        .iter()
        .filter_map(|source| CASES.iter().find(|case| case.source == source.name()))
        .filter(|case| case.offline)
}

/// A source's entry in the coverage.
fn source_of(report: &Value, source: &str) -> Value {
    let sources = report["coverage"]["sources"].as_array().unwrap();
    sources
        .iter()
        .find(|entry| entry["source"] == source)
        .unwrap_or_else(|| panic!("{source} is reported"))
        .clone()
}

/// What is not needed for a verdict (accounts: leftovers never count) must still be said.
fn never_silent(case: &Case, run: &Run, what: &str) {
    let report = run.json();
    let entry = source_of(&report, case.source);
    if run.code == 0 {
        assert_eq!(case.source, "accounts", "{what} of {} is a false clean: {report:#}", case.source);
        let told = !entry["gaps"].as_array().unwrap().is_empty()
            || !report["findings"].as_array().unwrap().is_empty();
        assert!(told, "{what} of {} is silent: {entry:#}", case.source);
        return;
    }
    let found = run.code == 1;
    let told = entry["gaps"].as_array().unwrap().iter().any(|gap| gap["blocking"] == true);
    assert!(found || (run.code != 2 && told), "{what} of {}: exit {} and {entry:#}", case.source, run.code);
}

#[test]
fn every_source_has_a_case() {
    for source in SOURCES {
        assert!(CASES.iter().any(|case| case.source == source.name()), "{} has no case here", source.name());
    }
}

#[test]
fn sound_records_are_found_by_their_source() {
    for case in offline_cases() {
        let run = Bench::of(case).scan();
        let expected = i32::from(case.source != "accounts");
        assert_eq!(run.code, expected, "{}: {}", case.source, run.stdout);
        let finding = run.finding("test.thing").unwrap_or_else(|| panic!("{}: {run:?}", case.source));
        let sources: Vec<_> =
            finding["evidence"].as_array().unwrap().iter().map(|found| found["source"].clone()).collect();
        assert!(sources.contains(&Value::from(case.source)), "{}: {sources:?}", case.source);
    }
}

#[test]
fn missing_where_the_system_says_it_must_exist() {
    for case in offline_cases().filter(|case| case.must_exist) {
        let bench = Bench::of(case);
        fs::remove_file(bench.root.at(case.record)).unwrap();
        let run = bench.scan();
        if case.source == "pacman" {
            // The folder alone names the package.
            assert_ne!(run.code, 0, "{run:?}");
            continue;
        }
        never_silent(case, &run, "missing");
        let bench = Bench::of(case);
        if case.source != "accounts" {
            fs::remove_dir_all(bench.root.at(Path::new(case.record).parent().unwrap())).unwrap();
            assert_eq!(bench.scan().code, 3, "{} without its folder", case.source);
        }
    }
}

#[test]
fn unreadable_as_a_user_without_rights() {
    for case in offline_cases() {
        let bench = Bench::of(case);
        let path = bench.root.at(case.deny);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        let run = scan_as_nobody(&bench.args());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let Some(run) = run else { return skip("no user without rights to try") };
        never_silent(case, &run, "mode 000");
        let report = run.json();
        let gaps = source_of(&report, case.source)["gaps"].to_string();
        assert!(
            gaps.contains("permission-denied") && gaps.contains(case.deny),
            "{} names place and reason: {gaps}",
            case.source
        );
    }
}

/// Not of `accounts`: passwd cut between two lines is a sound passwd, and a leftover account never counts.
#[test]
fn truncated_at_ten_places() {
    for case in offline_cases().filter(|case| case.source != "accounts") {
        let bench = Bench::of(case);
        let whole = fs::read(bench.root.at(case.record)).unwrap();
        for tenth in 0..10 {
            fs::write(bench.root.at(case.record), &whole[..whole.len() * tenth / 10]).unwrap();
            never_silent(case, &bench.scan(), &format!("{tenth} tenths"));
        }
    }
}

#[test]
fn garbage() {
    for case in offline_cases() {
        let bench = Bench::of(case);
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut noise = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32).to_le_bytes()[0]
        };
        let noise: Vec<u8> = (0..4096).map(&mut noise).collect();
        fs::write(bench.root.at(case.record), &noise).unwrap();
        never_silent(case, &bench.scan(), "garbage");
    }
}

#[test]
fn secrets_of_a_command_line_are_nowhere() {
    let case = CASES.iter().find(|case| case.source == "systemd").unwrap();
    if SOURCES.iter().any(|source| source.name() == "systemd") {
        assert!(!Bench::of(case).scan().stdout.contains("secret"));
    }
}
