//! A root for each source of Linux, in which it alone can see the prohibited thing. Read by `coverage.rs`.

use std::fs;

use interdict::sources::SOURCES;

use crate::rpmdb_writer;
use crate::support::Root;
use crate::support::blind::Bench;
use crate::support::browser_cases::{ADDONS, MANIFEST, NATIVE};

/// Sources that tell a program by its first bytes: what has others is none, and hides none.
pub(crate) const BY_MAGIC: &[&str] = &["executables", "sweep"];
/// Sources of what is left behind, which never counts.
pub(crate) const LEFT_BEHIND: &[&str] = &["accounts", "nss-certificates", "trust-anchors"];

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
kind = ["package", "application", "extension", "service", "driver", "executable", "autostart", "certificate"]
name = { exact = ["prohibited", "prohibited.service", "prohibited.desktop", "prohibited.appimage"] }
strength = "strong"
source = "this test"
[[product.indicator]]
kind = "executable"
families = ["linux"]
path = { exact = ["{home}/.local/share/prohibited/tool"] }
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

/// A disk with the case, and the rules that prohibit it.
pub(crate) fn laid_out(case: &Case) -> Bench {
    let root = Root::debian();
    if case.source != "dpkg" {
        let sound = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
        root.file("var/lib/dpkg/status", sound);
    }
    (case.lay_out)(&root);
    if case.source == "rpm" || case.source == "apk" || case.source == "pacman" {
        fs::remove_dir_all(root.at("var/lib/dpkg")).unwrap();
    }
    Bench::new(VENDOR, root).with_depth(case.source == "sweep")
}

/// Cases that a dead disk can show.
pub(crate) fn offline_cases() -> impl Iterator<Item = &'static Case> {
    SOURCES
        .iter()
        .filter_map(|source| CASES.iter().find(|case| case.source == source.about().name))
        .filter(|case| case.offline)
}

/// A root in which one source alone can see the prohibited thing.
pub(crate) struct Case {
    pub(crate) source: &'static str,
    /// Writes the record and returns nothing: paths below are relative to the root.
    pub(crate) lay_out: fn(&Root),
    /// The file that is cut and filled with noise.
    pub(crate) record: &'static str,
    /// What is made unreadable.
    pub(crate) deny: &'static str,
    /// Whether the system's own record says that it must exist.
    pub(crate) must_exist: bool,
    /// Whether the thing can be seen on a dead disk at all.
    pub(crate) offline: bool,
}

/// One or more for each source of Linux.
pub(crate) const CASES: &[Case] = &[
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
        source: "vendor-paths",
        lay_out: |root| {
            root.program("home/alice/.local/share/prohibited/tool");
        },
        record: "home/alice/.local/share/prohibited/tool",
        deny: "home/alice/.local/share/prohibited",
        must_exist: false,
        offline: true,
    },
    // tests/devices.rs has the faults of what only a running kernel knows.
    Case {
        source: "attached-devices",
        lay_out: |_| {},
        record: "",
        deny: "",
        must_exist: false,
        offline: false,
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
    Case {
        source: "homebrew",
        lay_out: |root| {
            let keg = "home/linuxbrew/.linuxbrew/Cellar/prohibited/1.0";
            root.file(format!("{keg}/INSTALL_RECEIPT.json"), "{\"time\": 1721433600}");
        },
        record: "home/linuxbrew/.linuxbrew/Cellar/prohibited/1.0/INSTALL_RECEIPT.json",
        deny: "home/linuxbrew/.linuxbrew/Cellar",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "chromium-extensions",
        lay_out: |root| {
            root.file("home/alice/.config/google-chrome/Default/Extensions/x/1.0_0/manifest.json", MANIFEST);
        },
        record: "home/alice/.config/google-chrome/Default/Extensions/x/1.0_0/manifest.json",
        deny: "home/alice/.config/google-chrome",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "firefox-extensions",
        lay_out: |root| {
            root.file("home/alice/.mozilla/firefox/p/extensions.json", ADDONS);
            root.file("home/alice/.mozilla/firefox/p/extensions/x@test.xpi", "x");
        },
        record: "home/alice/.mozilla/firefox/p/extensions.json",
        deny: "home/alice/.mozilla/firefox",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "native-messaging-hosts",
        lay_out: |root| {
            root.file("etc/opt/chrome/native-messaging-hosts/prohibited.json", NATIVE);
            root.file("etc/opt/chrome/native-messaging-hosts/host", "x");
        },
        record: "etc/opt/chrome/native-messaging-hosts/prohibited.json",
        deny: "etc/opt/chrome/native-messaging-hosts",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "executables",
        lay_out: |root| _ = root.program("home/alice/Downloads/prohibited"),
        record: "home/alice/Downloads/prohibited",
        deny: "home/alice/Downloads",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "trust-anchors",
        lay_out: |root| {
            root.file("usr/local/share/ca-certificates/root.crt", include_bytes!("prohibited.der"));
        },
        record: "usr/local/share/ca-certificates/root.crt",
        deny: "usr/local/share/ca-certificates",
        must_exist: false,
        offline: true,
    },
    Case {
        source: "sweep",
        lay_out: |root| _ = root.program("srv/data/prohibited"),
        record: "srv/data/prohibited",
        deny: "srv/data",
        must_exist: false,
        offline: true,
    },
    // It names what is not looked into, and finds nothing: its own tests say what it names.
    Case {
        source: "foreign-roots",
        lay_out: |_| {},
        record: "",
        deny: "",
        must_exist: false,
        offline: false,
    },
    Case {
        source: "nss-certificates",
        lay_out: |root| {
            root.file("home/alice/.pki/nssdb/cert9.db", include_bytes!("../../fuzz/seeds/nss_db/one"));
        },
        record: "home/alice/.pki/nssdb/cert9.db",
        deny: "home/alice/.pki/nssdb/cert9.db",
        must_exist: false,
        offline: true,
    },
    // Running processes cannot be laid out in a folder: tests/live.rs has their faults.
    Case { source: "processes", lay_out: |_| {}, record: "", deny: "", must_exist: false, offline: false },
];
