//! What a run leaves in a log: in a file, in the journal of a real systemd, in a system log; that it could not run, too.
//! Nothing of the host's contents and of people's names is in it.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start processes and may fail loudly"
)]

mod support;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Root, Run, has, interdict, is_root, skip};

const JOURNALD: &str = "/usr/lib/systemd/systemd-journald";

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(path: &Path) -> Vec<String> {
    lines(path).iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
}

/// A Debian with a package of Kaspersky, and a record that cannot be read, both of one `alice`.
fn root() -> Root {
    let root = Root::debian();
    root.file(
        "var/lib/dpkg/status",
        "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <x@kaspersky.com>\nVersion: 1\n\n",
    );
    root.file(
        "home/alice/.local/share/applications/a\n\u{1b}[31m.desktop",
        "[Desktop Entry]\nExec=/home/alice/x\n",
    );
    root.link("home/alice/.config/autostart", "autostart");
    root
}

fn run(command: &str, root: &Root, to: &str, more: &[&str]) -> Run {
    Run::of(
        interdict()
            .args([command, "--format", "json", "--root"])
            .arg(root.path())
            .args(["--log", to])
            .args(more),
    )
}

#[test]
fn a_run_tells_that_it_began_what_it_could_not_see_and_what_it_came_to() {
    let (root, folder) = (root(), tempfile::tempdir().unwrap());
    let path = folder.path().join("x.log");
    let to = format!("file:{}", path.display());
    let scan = run("scan", &root, &to, &[]);
    assert_eq!(scan.code, 1, "{scan:?}");
    let told = lines(&path);
    let (first, last) = (&told[0], told.last().unwrap());
    assert_eq!(
        (&first["event"], &first["command"], &first["policies"]),
        (&"start".into(), &"scan".into(), &"us-commerce".into())
    );
    assert_eq!(
        (&first["scope"], &first["depth"], &first["target"]),
        (&"all".into(), &"standard".into(), &"a disk or image".into())
    );
    assert_eq!(
        (&last["event"], &last["verdict"], &last["exit_code"]),
        (&"verdict".into(), &"non-compliant".into(), &"1".into())
    );
    assert_eq!((&last["level"], &last["policies"]), (&"warning".into(), &"us-commerce=non-compliant".into()));
    let report = scan.json();
    assert_eq!(last["items"], report["items"].to_string());
    let blocking: usize = report["coverage"]["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["gaps"].as_array().unwrap().iter().filter(|gap| gap["blocking"] == true).count())
        .sum();
    let gaps = told.iter().filter(|line| line["event"] == "gap").count();
    assert!(gaps == blocking && gaps > 0 && last["gaps"] == *gaps.to_string(), "{told:#?}");

    let listed = run("inventory", &root, &to, &[]);
    assert_eq!(listed.code, 3, "{listed:?}");
    assert_eq!(lines(&path).last().unwrap()["event"], "inventory");
    let text = fs::read_to_string(&path).unwrap();
    for secret in ["alice", "/home", root.path().to_str().unwrap(), "--format"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn a_run_that_could_not_be_leaves_a_trace() {
    let (root, folder) = (root(), tempfile::tempdir().unwrap());
    let path = folder.path().join("x.log");
    let to = format!("file:{}", path.display());
    assert_eq!(run("scan", &root, &to, &["--policy", "none-such"]).code, 2);
    assert_eq!(events(&path), ["start", "failure"]);
    assert!(lines(&path)[1]["message"].as_str().unwrap().contains("there is no policy 'none-such'"));
    let unwritten = run("scan", &root, &to, &["-o", "/none/such/x.json"]);
    assert_eq!(unwritten.code, 2, "{unwritten:?}");
    let told = lines(&path);
    let (verdict, failure) = (&told[told.len() - 2], &told[told.len() - 1]);
    assert_eq!((&verdict["verdict"], &verdict["exit_code"]), (&"non-compliant".into(), &"2".into()));
    assert!(failure["message"].as_str().unwrap().contains("/none/such"), "{failure:#}");

    // A configuration with a fault says all the same where to log, and the environment where it cannot be read.
    let site = folder.path().join("site.toml");
    fs::write(&site, "schema = 1\nbugdet = 3\nlog = \"file:own.log\"\n").unwrap();
    let scan = |config: &Path| {
        let mut command = interdict();
        command.args(["scan", "--root"]).arg(root.path()).arg("--config").arg(config);
        command
    };
    let faulty = Run::of(&mut scan(&site));
    let own = folder.path().join("own.log");
    assert_eq!((faulty.code, events(&own)), (2, vec!["failure".to_owned()]), "{faulty:?}");
    assert!(
        lines(&own)[0]["message"].as_str().unwrap().contains("unknown key")
            || lines(&own)[0]["message"].as_str().unwrap().contains("bugdet")
    );
    let absent = Run::of(scan(&folder.path().join("none.toml")).env("INTERDICT_LOG", &to));
    assert!(
        absent.code == 2 && lines(&path).last().unwrap()["message"].as_str().unwrap().contains("none.toml")
    );

    // What others can change is not obeyed, not even in where to log.
    if is_root() {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&site, fs::Permissions::from_mode(0o666)).unwrap();
        let before = lines(&own).len();
        let refused = Run::of(&mut scan(&site));
        assert!(refused.code == 2 && refused.stderr.contains("may be written by everybody"), "{refused:?}");
        assert_eq!(lines(&own).len(), before);
    }
}

#[test]
fn a_second_scan_and_one_that_was_killed_are_told_without_a_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let (state, path) = (folder.path().join("state"), folder.path().join("x.log"));
    let live = || {
        let mut command = interdict();
        command
            .env("INTERDICT_STATE", &state)
            .env("INTERDICT_WAIT", "0")
            .args(["scan", "--depth", "deep", "--log"]);
        command.arg(format!("file:{}", path.display())).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut first = live().spawn().unwrap();
    let start = Instant::now();
    while !state.join("scan.holder").exists() {
        assert!(start.elapsed() < Duration::from_mins(1));
        sleep(Duration::from_millis(5));
    }
    assert_eq!(Run::of(&mut live()).code, 2);
    let pid = rustix::process::Pid::from_raw(support::scanner(first.id()).cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(137));
    let told = lines(&path);
    let failures: Vec<&str> = told
        .iter()
        .filter(|line| line["event"] == "failure")
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(failures.len(), 2, "{told:#?}");
    assert_eq!(failures[0], "could not run: another scan of this computer is running");
    assert!(failures[1].contains("ended by signal 9"));
}

#[test]
fn a_log_that_cannot_be_written_is_a_warning_and_changes_nothing() {
    let root = root();
    let run = |to: &str| run("scan", &root, to, &["--quiet"]);
    let lost = run("file:/none/such/x.log");
    assert_eq!(lost.code, 1);
    let warnings =
        lost.stderr.lines().filter(|line| line.contains("nothing is logged: file:/none/such/x.log"));
    assert_eq!((warnings.count(), lost.stderr.lines().count()), (1, 1), "once: {lost:?}");
    assert_eq!(run("none").stderr, "");
    for wrong in ["eventlog", "syslog", "file:"] {
        let refused = run(wrong);
        assert!(refused.code == 2 && refused.stderr.contains("journal"), "{wrong}: {refused:?}");
    }
}

/// Runs a script in a `/run` of its own. `None`, with the reason said, where there can be none.
fn in_own_run(script: &str, args: &[&Path]) -> Option<Run> {
    if !has("unshare") {
        skip("a journal of its own needs unshare");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(if is_root() { &["-m"][..] } else { &["-Urm"] }).args([
        "--propagation",
        "private",
        "sh",
        "-c",
    ]);
    let script = format!("set -e; mount -t tmpfs tmpfs /run || exit 99; {script}");
    let run = Run::of(command.arg(script).arg("sh").arg(interdict().get_program()).args(args));
    if run.code == 99 {
        skip(&format!("no folder of its own can be mounted here: {}", run.stderr));
        return None;
    }
    Some(run)
}

#[test]
fn the_journal_of_systemd_takes_every_value() {
    if !Path::new(JOURNALD).exists() || !has("journalctl") {
        return skip("no systemd-journald and journalctl here (Debian package systemd)");
    }
    let root = root();
    let script = format!(
        "mkdir -p /run/systemd/journal /run/log; {JOURNALD} & \
         for i in $(seq 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.1; done; \
         \"$1\" scan --quiet --format json --root \"$2\" --log journal >/dev/null || true; \
         printf 'schema = 1\\nbugdet = 3\\n' > /run/site.toml; \
         \"$1\" scan --quiet --root \"$2\" --log journal --config /run/site.toml || true; \
         journalctl --sync 2>/dev/null || sleep 1; \
         journalctl -D /run/log/journal --no-pager -o json SYSLOG_IDENTIFIER=interdict; kill $!"
    );
    let Some(run) = in_own_run(&script, &[root.path()]) else { return };
    let told: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| told.iter().find(|one| one["INTERDICT_EVENT"] == event).unwrap();
    let verdict = of("verdict");
    assert_eq!(
        (&verdict["INTERDICT_VERDICT"], &verdict["PRIORITY"]),
        (&"non-compliant".into(), &"4".into()),
        "{run:?}"
    );
    assert_eq!(verdict["INTERDICT_EXIT_CODE"], "1");
    assert_eq!(of("start")["PRIORITY"], "6");
    assert_eq!(of("failure")["PRIORITY"], "3");
    assert!(of("gap")["INTERDICT_COUNT"].is_string());
    let several = of("failure")["MESSAGE"].as_str().unwrap();
    assert!(several.lines().count() == 2 && several.contains("site.toml:2: "), "{several}");
}

#[test]
fn without_a_journal_the_system_log_takes_a_line() {
    let Ok(listener) = UnixDatagram::bind("/dev/log") else {
        return skip("there is a system log here, or none can be made at /dev/log");
    };
    listener.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let run = run("scan", &root(), "journal", &[]);
    fs::remove_file("/dev/log").unwrap();
    assert_eq!(run.code, 1, "{run:?}");
    let mut buffer = [0; 8192];
    let length = listener.recv(&mut buffer).unwrap();
    let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
    assert!(text.starts_with("<30>interdict[") && text.contains("event=start version=\""), "{text}");
}
