//! Trees made to trap a scanner: it ends within its budget and its memory, says what it could not see, and prints
//! nothing that a terminal obeys.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "builds the traps; a test fails by panicking"
)]

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Root, Run, has, interdict, skip};

const SOUND: &str = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
const MEMORY_MB: u64 = 100;

fn sound() -> Root {
    let root = Root::debian();
    root.file("var/lib/dpkg/status", SOUND);
    root
}

/// A scan that must end within 30 seconds below 100 MB.
fn bounded(root: &Root) -> Run {
    let start = Instant::now();
    let mut command = interdict();
    command.args(["scan", "--format", "json", "--budget", "20", "--root"]).arg(root.path());
    let (run, peak) = Run::with_peak(&mut command);
    assert!(start.elapsed() < Duration::from_secs(30), "the budget is 20 seconds");
    assert!(peak > 1024 && peak < MEMORY_MB * 1024, "{peak} kB resident");
    run
}

fn gaps(run: &Run, source: &str) -> String {
    let report = run.json();
    let sources = report["coverage"]["sources"].as_array().unwrap();
    sources.iter().find(|entry| entry["source"] == source).map(|entry| entry["gaps"].to_string()).unwrap()
}

#[test]
fn links_that_lead_nowhere() {
    let root = sound();
    fs::remove_file(root.at("var/lib/dpkg/status")).unwrap();
    root.link("var/lib/dpkg/status", "status");
    let run = bounded(&root);
    assert_eq!(run.code, 3);
    assert!(gaps(&run, "dpkg").contains("link-loop"), "{}", gaps(&run, "dpkg"));

    let root = sound();
    root.link("usr/lib/systemd/system", "../system2");
    root.link("usr/lib/system2", "systemd/system");
    for n in 0..60 {
        root.link(format!("etc/chain/{n}"), &format!("{}", n + 1));
    }
    root.link("etc/cron.d", "chain/0");
    root.link("opt/self", "self");
    root.link("opt/up", "../../../../../../..");
    let run = bounded(&root);
    assert_eq!(run.code, 3);
    assert!(gaps(&run, "systemd").contains("link-loop"), "{}", gaps(&run, "systemd"));
    assert!(gaps(&run, "autostart").contains("link-loop"), "{}", gaps(&run, "autostart"));
}

#[test]
fn a_status_file_of_four_gigabytes() {
    let root = sound();
    fs::OpenOptions::new()
        .write(true)
        .open(root.at("var/lib/dpkg/status"))
        .unwrap()
        .set_len(4 << 30)
        .unwrap();
    let run = bounded(&root);
    assert_eq!(run.code, 3);
    assert!(gaps(&run, "dpkg").contains("too-large"), "{}", gaps(&run, "dpkg"));
}

#[test]
fn a_pipe_a_socket_and_a_device_named_status() {
    let root = sound();
    let status = root.at("var/lib/dpkg/status");
    fs::remove_file(&status).unwrap();
    assert!(Command::new("mkfifo").arg(&status).status().unwrap().success());
    let run = bounded(&root);
    assert_eq!(run.code, 3);
    assert!(gaps(&run, "dpkg").contains("it is a pipe"), "{}", gaps(&run, "dpkg"));

    fs::remove_file(&status).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&status).unwrap();
    assert!(gaps(&bounded(&root), "dpkg").contains("it is a socket"));

    fs::remove_file(&status).unwrap();
    let made =
        Command::new("mknod").arg(&status).args(["c", "1", "5"]).stderr(Stdio::null()).status().unwrap();
    if !made.success() {
        return support::note("skipped: only root can make a device");
    }
    assert!(gaps(&bounded(&root), "dpkg").contains("it is a device"));
}

#[test]
fn two_hundred_thousand_files_in_opt() {
    let root = sound();
    let made = Command::new("python3")
        .arg("-c")
        .arg(
            "import os,sys\nroot=sys.argv[1]\nfor d in range(200):\n    p=f'{root}/opt/x/{d}'\n    os.makedirs(p)\n    \
             for n in range(1000):\n        os.close(os.open(f'{p}/{n}', os.O_CREAT|os.O_WRONLY, 0o755))\n",
        )
        .arg(root.path())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return skip("python3 is needed to make 200,000 files quickly");
    }
    let run = bounded(&root);
    assert_eq!(run.code, 3, "what was not walked may hide something");
    assert!(gaps(&run, "opt").contains("budget"), "{}", gaps(&run, "opt"));
    root.program("opt/kaspersky/kesl/libexec/kesl");
    assert_eq!(bounded(&root).code, 1, "a folder that a rule names is looked at first");
}

#[test]
fn a_hundred_thousand_stanzas_and_a_line_of_sixty_megabytes() {
    let root = sound();
    let stanza = |n: usize| {
        format!("Package: p{n}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {n}\n\n")
    };
    root.file("var/lib/dpkg/status", (0..100_000).map(stanza).collect::<String>());
    let run = Run::of(interdict().args(["scan", "--format", "json", "--root"]).arg(root.path()));
    assert_eq!((run.code, run.json()["items"].as_u64()), (0, Some(100_000)));

    let root = sound();
    let long = format!(
        "{SOUND}Package: long\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDescription: "
    );
    root.file("var/lib/dpkg/status", long + &"x".repeat(60 << 20) + "\n\n");
    let run = bounded(&root);
    assert!(run.code == 0 || run.code == 3, "{}", run.code);
    assert!(run.code == 3 || run.json()["items"] == 2, "nothing is lost without a word");

    let root = sound();
    root.file("usr/lib/systemd/system/big.service", "x".repeat(50 << 20));
    assert_eq!(bounded(&root).code, 3);
}

#[test]
fn names_that_a_terminal_would_obey() {
    let root = sound();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\n\u{9b}31m";
    root.program(format!("opt/kaspersky/{evil}/bin/{evil}"));
    root.program("opt/kaspersky/kesl/bin/\u{1b}[31mkesl");
    fs::create_dir_all(root.at_bytes(b"opt/kaspersky/\xff\xfe/bin")).unwrap();
    fs::write(root.at_bytes(b"opt/kaspersky/\xff\xfe/bin/\xff"), "").unwrap();
    Command::new("chmod").arg("755").arg(root.at_bytes(b"opt/kaspersky/\xff\xfe/bin/\xff")).status().unwrap();
    let unit =
        format!("[Unit]\nDescription={evil}\n[Service]\nExecStart=/opt/kaspersky/kesl/bin/\u{1b}[31mkesl\n");
    root.file("usr/lib/systemd/system/kesl.service", unit);
    root.file("etc/hostname", "host\u{1b}[31m\n");
    root.file("etc/os-release", "ID=debian\nPRETTY_NAME=\"De\u{1b}[31mbian\"\n");
    for command in ["scan", "inventory"] {
        let run = Run::of(interdict().args([command, "--root"]).arg(root.path()));
        let bad = run
            .stdout
            .chars()
            .find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
        assert_eq!(bad, None, "{command}: {:?}", run.stdout);
    }
    let run = root.scan(&[]);
    assert_eq!(run.code, 1);
    let finding = run.json()["findings"].clone();
    let places = finding.to_string();
    assert!(places.contains("\\\\xFF\\\\xFE"), "bytes that are no text are kept apart: {places}");
    let hex = |value: &Value| value["place"]["path_hex"].as_str().is_some_and(|hex| hex.contains("2fff"));
    let findings = finding.as_array().unwrap();
    let evidence = findings.iter().flat_map(|found| found["evidence"].as_array().unwrap().iter());
    assert!(evidence.into_iter().any(hex), "{places}");
}

/// Forty autostart entries that are there for a moment.
fn come_and_go(root: &Root) {
    let folder = root.at("home/alice/.config/autostart");
    let _made = fs::create_dir_all(&folder);
    for n in 0..40 {
        let entry = "[Desktop Entry]\nType=Application\nName=N\nExec=/bin/true\n";
        let _made = fs::write(folder.join(format!("{n}.desktop")), entry);
    }
    let _gone = fs::remove_dir_all(root.at("home/alice/.config"));
}

#[test]
fn a_profile_that_goes_while_it_is_read() {
    let root = sound();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                come_and_go(&root);
            }
        });
        for _ in 0..30 {
            let run = root.scan(&[]);
            assert!(run.code == 0 || run.code == 3, "{run:?}");
            let all = gaps(&run, "autostart");
            assert!(!all.contains("internal"), "{all}");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn every_home_that_cannot_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    if !has("setpriv") && support::is_root() {
        return skip("root without setpriv cannot become another user");
    }
    let root = sound();
    let accounts = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n";
    root.file("etc/passwd", accounts);
    root.dir("home/bob");
    for home in ["home/alice", "home/bob", "root"] {
        fs::set_permissions(root.at(home), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let args = ["scan", "--format", "json", "--root", root.path().to_str().unwrap()];
    let args: Vec<_> = args.iter().map(std::ffi::OsStr::new).collect();
    let run = support::scan_as_nobody(&args);
    for home in ["home/alice", "home/bob", "root"] {
        fs::set_permissions(root.at(home), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let Some(run) = run else { return };
    assert_eq!(run.code, 3);
    for source in ["desktop-entries", "autostart", "systemd", "flatpak"] {
        for home in ["/home/alice", "/home/bob", "/root"] {
            assert!(gaps(&run, source).contains(home), "{source} {home}: {}", gaps(&run, source));
        }
    }
}
