//! What the kernel saw of a scan: no program is run, nothing is written but the report, nobody is called.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "runs strace; a test fails by panicking")]

mod support;

use std::fs;
use std::process::{Command, Stdio};

use support::{Root, has, skip};

/// System calls of a scan with these arguments.
fn trace(args: &[&str]) -> Option<String> {
    if !has("strace") {
        skip("strace is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("trace");
    let calls = "trace=execve,execveat,open,openat,openat2,creat,connect,socket,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat";
    let status = Command::new("strace")
        .args(["-f", "-qq", "-e", calls, "-o"])
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_interdict"))
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let text = fs::read_to_string(&log).unwrap_or_default();
    if text.is_empty() {
        skip(&format!("strace may not trace here: {status}"));
        return None;
    }
    Some(text)
}

/// Lines that open something for writing, or change a folder.
fn writes(trace: &str) -> Vec<&str> {
    let changes =
        ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "creat(", "unlink", "rename", "mkdir"];
    trace
        .lines()
        .filter(|line| !line.contains(" = -1 ") && changes.iter().any(|word| line.contains(word)))
        .collect()
}

fn sound_root() -> Root {
    let root = Root::debian();
    root.file(
        "var/lib/dpkg/status",
        "Package: kesl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n",
    );
    root.file(
        "usr/lib/systemd/system/kesl.service",
        "[Service]\nExecStart=/opt/kaspersky/kesl/libexec/kesl\n",
    );
    root.program("opt/kaspersky/kesl/libexec/kesl");
    root
}

#[test]
fn a_scan_runs_nothing_writes_nothing_calls_nobody() {
    let root = sound_root();
    let report = tempfile::tempdir().unwrap();
    let report = report.path().join("report.json");
    let report = report.to_str().unwrap();
    for args in [
        &["scan", "--root", root.path().to_str().unwrap(), "--output", report][..],
        &["scan", "--output", report],
    ] {
        let Some(trace) = trace(args) else { return };
        let programs: Vec<_> = trace.lines().filter(|line| line.contains("execve")).collect();
        assert_eq!(programs.len(), 1, "only the start of the program itself: {programs:#?}");
        let calls: Vec<_> =
            trace.lines().filter(|line| line.contains("connect(") || line.contains("socket(")).collect();
        assert_eq!(calls, Vec::<&str>::new());
        let stray: Vec<_> = writes(&trace).into_iter().filter(|line| !line.contains(report)).collect();
        assert_eq!(stray, Vec::<&str>::new(), "{args:?}");
    }
}

#[test]
fn pipes_sockets_and_devices_are_never_opened() {
    let root = sound_root();
    let folder = root.dir("opt/kaspersky/kesl/bin");
    for name in ["etc/cron.d/pipe", "usr/lib/systemd/system/pipe.service", "opt/kaspersky/kesl/bin/pipe"] {
        fs::create_dir_all(root.at(name).parent().unwrap()).unwrap();
        assert!(Command::new("mkfifo").arg(root.at(name)).status().unwrap().success());
    }
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket.sock")).unwrap();
    let Some(trace) = trace(&["scan", "--root", root.path().to_str().unwrap()]) else { return };
    let opened: Vec<_> =
        trace.lines().filter(|line| line.contains("pipe") || line.contains("socket.sock")).collect();
    assert_eq!(opened, Vec::<&str>::new());
}
