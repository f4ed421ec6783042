//! A Debian host made by the real dpkg: packages that look like the vendor's beside a hundred of others, installed,
//! removed, purged; and the same files without any package record.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests build their own roots and may fail loudly"
)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use support::{Root, Run, has, is_root, open_to_all, skip};

const KESL: &str = "kaspersky.endpoint-security";
const AGENT: &str = "kaspersky.network-agent";

/// Names that a careless pattern would take for the vendor's.
const TRAPS: &[&str] = &["kics", "kess", "klog", "kespresso", "javapath", "klms-tools", "kaspa", "epagent"];

/// A package to be built: control fields, and files with whether they are programs.
struct Package {
    name: String,
    version: &'static str,
    maintainer: &'static str,
    files: Vec<(String, Option<String>)>,
    conffiles: Vec<&'static str>,
}

fn unit(program: &str) -> String {
    format!(
        "[Unit]\nDescription=Test\n\n[Service]\nExecStart={program} --key=secret\n\n[Install]\nWantedBy=multi-user.target\n"
    )
}

fn kesl() -> Package {
    Package {
        name: "kesl".into(),
        version: "12.2.0-2412",
        maintainer: "AO Kaspersky Lab <support@kaspersky.com>",
        files: vec![
            ("opt/kaspersky/kesl/libexec/kesl".into(), None),
            ("opt/kaspersky/kesl/bin/kesl-control".into(), None),
            ("usr/lib/systemd/system/kesl.service".into(), Some(unit("/opt/kaspersky/kesl/libexec/kesl"))),
            ("etc/opt/kaspersky/kesl/kesl.conf".into(), Some("[x]\n".into())),
            ("var/opt/kaspersky/kesl/common/x".into(), Some("x\n".into())),
        ],
        conffiles: vec!["/etc/opt/kaspersky/kesl/kesl.conf"],
    }
}

fn agent() -> Package {
    Package {
        name: "klnagent64".into(),
        version: "15.1.0-20748",
        maintainer: "AO Kaspersky Lab <support@kaspersky.com>",
        files: vec![
            ("opt/kaspersky/klnagent64/sbin/klnagent".into(), None),
            (
                "usr/lib/systemd/system/klnagent64.service".into(),
                Some(unit("/opt/kaspersky/klnagent64/sbin/klnagent -d")),
            ),
            ("etc/opt/kaspersky/klnagent64/agent.conf".into(), Some("[x]\n".into())),
        ],
        conffiles: vec!["/etc/opt/kaspersky/klnagent64/agent.conf"],
    }
}

/// A hundred packages of others, each with a program; every fifth with a service and something in `/opt`.
fn innocent() -> Vec<Package> {
    let names =
        TRAPS.iter().map(|name| (*name).to_owned()).chain((TRAPS.len()..100).map(|n| format!("innocent{n}")));
    let package = |(n, name): (usize, String)| {
        let mut files = vec![(format!("usr/bin/{name}"), None)];
        if n < TRAPS.len() || n % 5 == 0 {
            files.push((
                format!("usr/lib/systemd/system/{name}.service"),
                Some(unit(&format!("/usr/bin/{name}"))),
            ));
            files.push((format!("opt/{name}/bin/{name}"), None));
        }
        let maintainer = "Debian Maintainers <someone@debian.org>";
        Package { name, version: "1.0-1", maintainer, files, conffiles: Vec::new() }
    };
    names.enumerate().map(package).collect()
}

/// A host with dpkg's own database, made by dpkg.
struct Debian {
    root: Root,
    debs: Root,
}

impl Debian {
    /// `None`, with the reason said, where dpkg cannot install: it gives every file to root.
    fn new() -> Option<Self> {
        if !has("dpkg-deb") || !has("dpkg") {
            skip("dpkg is not here");
            return None;
        }
        if !is_root() {
            skip("dpkg installs as root only");
            return None;
        }
        let root = Root::debian();
        for folder in ["info", "updates", "triggers"] {
            root.dir(format!("var/lib/dpkg/{folder}"));
        }
        root.file("var/lib/dpkg/status", "");
        Some(Self { root, debs: Root::empty() })
    }

    fn build(&self, package: &Package) -> PathBuf {
        let tree = Root::empty();
        for (path, text) in &package.files {
            match text {
                Some(text) => tree.file(path, text),
                None => tree.program(path),
            };
        }
        let mut control = String::new();
        let Package { name, version, maintainer, conffiles, .. } = package;
        writeln!(control, "Package: {name}\nVersion: {version}\nArchitecture: amd64").unwrap();
        writeln!(control, "Maintainer: {maintainer}\nDescription: look-alike for tests").unwrap();
        tree.file("DEBIAN/control", control);
        if !conffiles.is_empty() {
            tree.file("DEBIAN/conffiles", conffiles.join("\n") + "\n");
        }
        let deb = self.debs.at(format!("{name}.deb"));
        let mut build = Command::new("dpkg-deb");
        ended_well(build.args(["--root-owner-group", "-Znone", "--build"]).arg(tree.path()).arg(&deb));
        deb
    }

    fn dpkg(&self, words: &[&str], files: &[PathBuf]) {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", self.root.path().display()));
        dpkg.args(["--force-unsafe-io", "--force-architecture", "--force-bad-path"]).args(words).args(files);
        ended_well(&mut dpkg);
    }

    fn install(&self, packages: &[Package]) {
        let debs: Vec<PathBuf> = packages.iter().map(|package| self.build(package)).collect();
        self.dpkg(&["--install"], &debs);
    }
}

fn ended_well(command: &mut Command) {
    let run = Run::of(command.env("LC_ALL", "C"));
    assert_eq!(run.code, 0, "{command:?}: {run:?}");
}

fn evidence(finding: &Value) -> &Vec<Value> {
    finding["evidence"].as_array().unwrap()
}

/// The evidence of a kind, by name and path of what it was read in or points to.
fn of_kind(finding: &Value, kind: &str) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let place = |one: &Value| {
        let image = text(&one["image"]["path"]);
        if image.is_empty() { text(&one["place"]["path"]) } else { image }
    };
    let of_kind = evidence(finding).iter().filter(|one| one["kind"] == kind);
    of_kind.map(|one| (text(&one["name"]), place(one))).collect()
}

/// Nothing of another package is in any finding.
fn nothing_innocent(run: &Run) {
    let report = run.json();
    for finding in report["findings"].as_array().unwrap() {
        for one in evidence(finding) {
            let name = one["name"].as_str().unwrap();
            let bare = name.trim_end_matches(".service");
            assert!(!TRAPS.contains(&bare) && !bare.starts_with("innocent"), "{one:#}");
            let publisher = one["publisher"].as_str().unwrap_or("AO Kaspersky");
            assert!(publisher.starts_with("AO Kaspersky"), "{one:#}");
        }
    }
}

fn assert_installed(run: &Run, product: &str, version: &str, names: [&str; 3]) {
    let finding = run.finding(product).unwrap();
    let [package, service, program] = names;
    assert_eq!(finding["versions"], serde_json::json!([version]), "{finding:#}");
    assert_eq!((&finding["confidence"], &finding["state"]), (&"confirmed".into(), &"installed".into()));
    assert_eq!(finding["decides"], true);
    let packages = of_kind(&finding, "package");
    assert_eq!(packages.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), [package]);
    assert!(of_kind(&finding, "service").contains(&(service.into(), program.into())), "{finding:#}");
    let programs = of_kind(&finding, "executable");
    assert!(programs.iter().any(|(_, path)| path == program), "{finding:#}");
}

#[test]
fn installed_removed_purged() {
    let Some(host) = Debian::new() else { return };
    let mut packages = innocent();
    packages.extend([kesl(), agent()]);
    host.install(&packages);
    // What the product writes when it runs; dpkg does not know of it.
    host.root.file("var/opt/kaspersky/kesl/private/storage", "x");

    let run = host.root.scan(&[]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(
        run.products().into_iter().collect::<BTreeSet<_>>(),
        [KESL.to_owned(), AGENT.to_owned()].into()
    );
    let program = "/opt/kaspersky/kesl/libexec/kesl";
    assert_installed(&run, KESL, "12.2.0-2412", ["kesl", "kesl.service", program]);
    let program = "/opt/kaspersky/klnagent64/sbin/klnagent";
    assert_installed(&run, AGENT, "15.1.0-20748", ["klnagent64", "klnagent64.service", program]);
    nothing_innocent(&run);
    assert!(!run.stdout.contains("secret"), "arguments of a unit are not reported");

    host.dpkg(&["--remove", "kesl", "klnagent64"], &[]);
    let run = host.root.scan(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_left_over(&run, KESL);
    assert_left_over(&run, AGENT);
    nothing_innocent(&run);

    host.dpkg(&["--purge", "kesl", "klnagent64"], &[]);
    let run = host.root.scan(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    // dpkg does not delete what the product wrote itself.
    assert!(host.root.at("var/opt/kaspersky/kesl/private/storage").exists());
    assert_left_over(&run, KESL);
    assert!(run.finding(AGENT).is_none(), "{run:?}");

    fs::remove_dir_all(host.root.at("var/opt/kaspersky")).unwrap();
    let run = host.root.scan(&[]);
    assert_eq!((run.code, run.products()), (0, Vec::new()), "{run:?}");
}

/// Shown, and no reason to fail.
fn assert_left_over(run: &Run, product: &str) {
    let finding = run.finding(product).unwrap();
    assert_eq!((&finding["state"], &finding["decides"]), (&"remnant".into(), &false.into()), "{finding:#}");
    assert_eq!(finding["because"], "not-present");
}

#[test]
fn a_package_caught_half_way_counts() {
    let Some(host) = Debian::new() else { return };
    host.install(&innocent()[..20]);
    let deb = host.build(&kesl());
    host.dpkg(&["--unpack"], &[deb]);
    let run = host.root.scan(&[]);
    assert_eq!(run.code, 1, "{run:?}");
    let finding = run.finding(KESL).unwrap();
    assert_eq!((&finding["state"], &finding["confidence"]), (&"installed".into(), &"confirmed".into()));
}

#[test]
fn files_without_a_package_record() {
    let Some(host) = Debian::new() else { return };
    host.install(&innocent()[..20]);
    let deb = host.build(&kesl());
    let unpacked = Root::empty();
    ended_well(Command::new("dpkg-deb").arg("--extract").arg(deb).arg(unpacked.path()));
    host.root.dir("opt");
    fs::rename(unpacked.at("opt/kaspersky"), host.root.at("opt/kaspersky")).unwrap_or_else(|_| {
        ended_well(Command::new("cp").arg("-a").arg(unpacked.at("opt/kaspersky")).arg(host.root.at("opt")));
    });

    let run = host.root.scan(&[]);
    assert_eq!(run.code, 1, "{run:?}");
    let finding = run.finding(KESL).unwrap();
    assert_eq!(run.products(), [KESL], "one product only");
    assert_eq!(finding["state"], "present", "{finding:#}");
    assert!(["probable", "confirmed"].contains(&finding["confidence"].as_str().unwrap()), "{finding:#}");
    assert_eq!(of_kind(&finding, "package"), BTreeSet::new());
    nothing_innocent(&run);

    fs::remove_dir_all(host.root.at("opt/kaspersky")).unwrap();
    host.root.dir("var/opt/kaspersky");
    let run = host.root.scan(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{report:#}");
    let finding = &report["findings"][0];
    assert_eq!((&finding["state"], &finding["decides"]), (&"remnant".into(), &false.into()));
}

#[test]
fn programs_that_may_not_be_looked_at_are_no_silence() {
    let Some(host) = Debian::new() else { return };
    host.install(&innocent()[..20]);
    host.root.program("opt/kaspersky/kesl/libexec/kesl");
    let folder = host.root.at("opt/kaspersky");
    open_to_all(&host.root.at("opt"));
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let root = host.root.path().as_os_str();
    let words = ["scan", "--format", "json", "--root"].map(std::ffi::OsStr::new);
    let Some(run) = support::scan_as_nobody(&[&words[..], &[root]].concat()) else { return };
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("/opt/kaspersky"), "{run:?}");
}
