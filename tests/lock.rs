//! One scan of this computer at a time, and what a scan that was killed leaves behind: nothing that the next one minds.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests start and end processes and may fail loudly"
)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{Root, Run, interdict, is_root, open_to_all, scan_as_nobody};

/// A scan of this computer that holds the lock in a folder and is stopped there.
struct Stopped {
    child: Child,
    scanner: Pid,
}

impl Stopped {
    fn in_state(state: &Path) -> Self {
        let mut command = interdict();
        command.args(["scan", "--depth", "deep", "--state"]).arg(state);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let holder = wait_for(&state.join("scan.holder"));
        let pid = i32::try_from(holder["pid"].as_i64().unwrap()).unwrap();
        let scanner = Pid::from_raw(pid).unwrap();
        kill_process(scanner, Signal::STOP).unwrap();
        Self { child, scanner }
    }

    /// Ends it as `kill -9` does.
    fn kill(mut self) {
        kill_process(self.scanner, Signal::KILL).unwrap();
        let ended = self.child.wait().unwrap();
        assert!(!ended.success(), "{ended:?}");
    }
}

fn wait_for(file: &Path) -> Value {
    let start = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(file) {
            return serde_json::from_str(&text).unwrap();
        }
        assert!(start.elapsed() < Duration::from_mins(1), "{} does not come", file.display());
        sleep(Duration::from_millis(2));
    }
}

fn live(state: &Path, args: &[&str]) -> Run {
    Run::of(interdict().env("INTERDICT_STATE", state).env("INTERDICT_WAIT", "0").args(args))
}

#[test]
fn the_second_scan_says_who_runs_the_first_and_kill_9_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let first = Stopped::in_state(&state);
    for command in [&["scan"][..], &["inventory"]] {
        let second = live(&state, command);
        assert_eq!((second.code, second.stdout.as_str()), (2, ""), "{second:?}");
        let pid = format!("process {}, by ", first.scanner.as_raw_nonzero());
        for words in [
            "another scan of this computer is running: 'interdict scan --depth deep",
            &pid,
            "since 20",
            "--wait",
        ] {
            assert!(second.stderr.contains(words), "{words}: {second:?}");
        }
    }
    let start = Instant::now();
    let third = live(&state, &["scan", "--wait", "1"]);
    assert_eq!(third.code, 2, "{third:?}");
    assert!(start.elapsed() >= Duration::from_secs(1) && third.stderr.contains("waiting for another scan"));

    // Another disk is none of its business, and neither is another state folder.
    let disk = Root::debian();
    let beside = Run::of(interdict().args(["scan", "--state"]).arg(&state).arg("--root").arg(disk.path()));
    assert_ne!(beside.code, 2, "{beside:?}");
    let other = live(&folder.path().join("other"), &["scan", "--depth", "quick"]);
    assert_ne!(other.code, 2, "{other:?}");

    first.kill();
    assert!(state.join("scan.holder").exists(), "what was killed leaves its name");
    let next = live(&state, &["scan", "--depth", "quick"]);
    assert!([0, 1, 3].contains(&next.code) && !next.stderr.contains("another scan"), "{next:?}");
    let names: Vec<_> = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["scan.lock"]);
}

#[test]
fn who_waits_comes_after() {
    let folder = tempfile::tempdir().unwrap();
    let first = Stopped::in_state(folder.path());
    let mut waiting = interdict();
    waiting.env("INTERDICT_STATE", folder.path()).args(["scan", "--depth", "quick", "--wait", "100"]);
    let waiting = waiting.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(Duration::from_millis(500));
    first.kill();
    let ended = waiting.wait_with_output().unwrap();
    assert!([0, 1, 3].contains(&ended.status.code().unwrap()), "{ended:?}");
}

#[test]
fn who_can_write_nowhere_scans_without_a_lock_and_says_so() {
    if !is_root() {
        return;
    }
    let Some(run) = scan_as_nobody(&["scan", "--depth", "quick"].map(std::ffi::OsStr::new)) else { return };
    assert!([0, 1, 3].contains(&run.code), "{run:?}");
    assert!(run.stderr.contains("no folder can be written for the lock"), "{run:?}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let named = live(&file.path().join("below"), &["scan", "--depth", "quick"]);
    assert!(named.code == 2 && named.stderr.contains("cannot take the lock in"), "{named:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_state_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let state = folder.path().join("a/state");
    assert_ne!(live(&state, &["scan", "--depth", "quick"]).code, 2);
    let bits = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((bits(&state), bits(&state.join("scan.lock"))), (0o700, 0o600));
}

/// A root with so many packages that writing them takes a while.
fn many() -> Root {
    let root = Root::debian();
    let mut status = String::new();
    for n in 0..20_000 {
        writeln!(status, "Package: p{n}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {n}\n")
            .unwrap();
    }
    root.file("var/lib/dpkg/status", status);
    root
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_scan_that_is_killed_while_it_writes_leaves_no_half_report() {
    let root = many();
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let scan = || {
        let mut command: Command = interdict();
        command.args(["scan", "--with-inventory", "--root"]).arg(root.path()).arg("-o").arg(&report);
        command.stderr(Stdio::null());
        command
    };
    fs::write(&report, "the former report").unwrap();
    let mut caught = false;
    for _ in 0..10 {
        let mut child = scan().spawn().unwrap();
        while !caught && child.try_wait().unwrap().is_none() {
            caught = names(folder.path()).iter().any(|name| name.starts_with(".report.json."));
            sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if caught {
            break;
        }
    }
    assert!(caught, "it was killed while it wrote");
    // What it started ends with it.
    sleep(Duration::from_millis(200));
    assert_eq!(fs::read_to_string(&report).unwrap(), "the former report");
    assert_eq!(names(folder.path()).len(), 2, "the half one lies beside");
    let next = Run::of(&mut scan());
    assert!([0, 3].contains(&next.code), "{next:?}");
    assert_eq!(names(folder.path()), ["report.json"], "and is swept away");
    let whole: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(whole["inventory"].as_array().unwrap().len(), 20_000);
}
