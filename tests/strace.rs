//! What the system saw of a scan: one program started, nothing written but the report, nobody called.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests run a tracer and may fail loudly")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{Root, Run, has, skip};

/// Devices that take what is written and keep nothing.
const SINKS: &[&str] = &["/dev/null", "/dev/tty"];

/// Runs the program under strace: its exit code, and one line per call. `None`, with the reason said, without strace.
fn traced(args: &[&str]) -> Option<(i32, Vec<String>)> {
    traced_in(Path::new("/nowhere"), args)
}

/// The same, with a state folder.
fn traced_in(state: &Path, args: &[&str]) -> Option<(i32, Vec<String>)> {
    if !has("strace") {
        skip("strace is not here");
        return None;
    }
    let log = tempfile::NamedTempFile::new().unwrap();
    let calls = "trace=execve,execveat,openat,openat2,open,creat,connect,socket,unlink,unlinkat,rename,renameat,renameat2,\
                 mkdir,mkdirat,truncate,ftruncate,fchmod,fchmodat,chown,fchown,fchownat,utimensat,setxattr,ptrace,kill";
    let mut strace = Command::new("strace");
    // Where the machine forbids tracing there is nothing to be seen.
    if !Run::of(Command::new("strace").args(["-o", "/dev/null", "true"])).stderr.is_empty() {
        skip("strace may not trace here");
        return None;
    }
    strace.args(["-f", "-qq", "-s", "4096", "-e", calls, "-o"]).arg(log.path());
    strace.env("INTERDICT_STATE", state);
    let run = Run::of(strace.arg(env!("CARGO_BIN_EXE_interdict")).args(args));
    let lines = fs::read_to_string(log.path()).unwrap().lines().map(str::to_owned).collect();
    Some((run.code, lines))
}

/// The lines of a call, begun or whole.
fn calls<'l>(lines: &'l [String], names: &[&str]) -> Vec<&'l String> {
    let of = |line: &&String| {
        let call = line.split_once(' ').map_or("", |(_pid, call)| call.trim_start());
        names.iter().any(|name| call.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')))
    };
    lines.iter().filter(of).collect()
}

/// Only reads, but for the report and what is below the state folder.
fn assert_harmless(lines: &[String], out: Option<&Path>, state: Option<&Path>) {
    let starts = calls(lines, &["execve", "execveat"]);
    assert_eq!(starts.len(), 1, "only the program itself is started: {starts:#?}");
    assert_eq!(calls(lines, &["connect", "socket"]), Vec::<&String>::new(), "nobody is called");
    assert_eq!(calls(lines, &["ptrace", "kill"]), Vec::<&String>::new(), "no process is touched");
    let opened = calls(lines, &["open", "openat", "openat2", "creat"]);
    assert!(opened.len() > 20, "the tracer saw the scan: {opened:#?}");
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"];
    let changes = calls(
        lines,
        &[
            "creat",
            "unlink",
            "unlinkat",
            "rename",
            "renameat",
            "renameat2",
            "mkdir",
            "mkdirat",
            "truncate",
            "ftruncate",
            "fchmod",
            "fchmodat",
            "chown",
            "fchown",
            "fchownat",
            "utimensat",
            "setxattr",
        ],
    );
    let written = opened.into_iter().filter(|line| writes.iter().any(|flag| line.contains(flag)));
    for line in written.chain(changes) {
        let report = out.is_some_and(|out| is_for(line, out));
        let sink = SINKS.iter().any(|sink| line.contains(&format!("\"{sink}\"")));
        let lock = state.is_some_and(|state| line.contains(&format!("\"{}", state.display())));
        assert!(report || sink || lock, "written: {line}");
    }
}

/// Whether what a call names is the report, or the file beside it that is to become the report.
fn is_for(line: &str, out: &Path) -> bool {
    let beside = format!("\"{}/.report.json.", out.parent().unwrap().display());
    line.contains(&format!("\"{}\"", out.display())) || (line.contains(&beside) && line.contains(".part\""))
}

/// A root with something for every source to open.
fn root() -> Root {
    let root = Root::debian();
    let stanza = "Package: kesl\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: AO Kaspersky Lab\nVersion: 1\n\n";
    root.file("var/lib/dpkg/status", stanza);
    root.file("var/lib/dpkg/info/kesl.list", "/.\n/opt/kaspersky/kesl/libexec/kesl\n");
    root.program("opt/kaspersky/kesl/libexec/kesl");
    root.file(
        "usr/lib/systemd/system/kesl.service",
        "[Service]\nExecStart=/opt/kaspersky/kesl/libexec/kesl\n",
    );
    root.file(
        "home/alice/.config/autostart/x.desktop",
        "[Desktop Entry]\nType=Application\nName=x\nExec=x\n",
    );
    root.file("lib/apk/db/installed", "P:x\nV:1\n\n");
    let rpm = root.dir("var/lib/rpm").join("rpmdb.sqlite");
    let db = rusqlite::Connection::open(rpm).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode=WAL; CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
    )
    .unwrap();
    root
}

#[test]
fn a_disk_is_only_read() {
    let root = root();
    let path = root.path().to_str().unwrap();
    let Some((code, lines)) = traced(&["scan", "--root", path]) else { return };
    assert_eq!(code, 1);
    assert_harmless(&lines, None, None);
}

#[test]
fn a_report_in_a_file_is_all_that_is_written() {
    let root = root();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report.json");
    let [path, file] = [root.path(), &out].map(|path| path.to_str().unwrap());
    let Some((code, lines)) = traced(&["scan", "--format", "json", "--output", file, "--root", path]) else {
        return;
    };
    assert_eq!(code, 1);
    assert_harmless(&lines, Some(&out), None);
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["report.json"], "nothing is left beside the report");
}

#[test]
fn this_computer_is_only_read() {
    for args in [&["scan"][..], &["inventory", "--format", "json"]] {
        let state = tempfile::tempdir().unwrap();
        let Some((code, lines)) = traced_in(state.path(), args) else { return };
        assert!([0, 1, 3].contains(&code), "exit {code}");
        assert_harmless(&lines, None, Some(state.path()));
        let left: Vec<_> =
            fs::read_dir(state.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["scan.lock"], "the lock is all that is left, and it is empty");
        assert_eq!(fs::metadata(state.path().join("scan.lock")).unwrap().len(), 0);
    }
}

#[test]
fn pipes_sockets_and_devices_are_never_opened() {
    let root = root();
    let folder = root.dir("opt/kaspersky/kesl/bin");
    for name in ["etc/cron.d/pipe", "usr/lib/systemd/system/pipe.service", "opt/kaspersky/kesl/bin/pipe"] {
        fs::create_dir_all(root.at(name).parent().unwrap()).unwrap();
        assert!(Command::new("mkfifo").arg(root.at(name)).status().unwrap().success());
    }
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket.sock")).unwrap();
    let Some((_, lines)) = traced(&["scan", "--root", root.path().to_str().unwrap()]) else { return };
    let named =
        |line: &&String| line.contains("/pipe") || line.contains("\"pipe") || line.contains("socket.sock");
    assert_eq!(lines.iter().filter(named).collect::<Vec<_>>(), Vec::<&String>::new());
}
