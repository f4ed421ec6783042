//! A scan ends by itself, with what it saw: on a file system that never answers, and where processor and memory are scarce.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests start processes and may fail loudly"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Root, Run, has, interdict, is_root, skip};

/// A Debian with a package and a service.
fn root() -> Root {
    let root = Root::debian();
    root.file(
        "var/lib/dpkg/status",
        "Package: base\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n",
    );
    root.file("var/lib/dpkg/info/base.list", "/.\n");
    root.file("usr/lib/systemd/system/acme.service", "[Service]\nExecStart=/usr/bin/acme\n");
    root.program("usr/bin/acme");
    root
}

/// Scans a root that is shown by a file system which never answers below a path. `None`, with the reason said, where there
/// can be none.
fn on_silent(root: &Root, silent: &str, args: &[&str]) -> Option<(Run, Duration)> {
    if !Path::new("/dev/fuse").exists() || !["python3", "unshare"].into_iter().all(has) {
        skip("a file system that never answers needs /dev/fuse, unshare and python3");
        return None;
    }
    let point = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(if is_root() { &["-m"][..] } else { &["-Urm"] }).args([
        "--propagation",
        "private",
        "python3",
    ]);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/silent_fuse.py"));
    command.arg(root.path()).arg(point.path()).args([silent, "--", env!("CARGO_BIN_EXE_interdict"), "scan"]);
    let start = Instant::now();
    let run = Run::of(command.arg("--root").arg(point.path()).args(["--format", "json"]).args(args));
    if run.code == 99 {
        skip(&format!("no file system can be mounted here: {}", run.stderr));
        return None;
    }
    Some((run, start.elapsed()))
}

fn source<'r>(report: &'r Value, name: &str) -> &'r Value {
    report["coverage"]["sources"].as_array().unwrap().iter().find(|one| one["source"] == name).unwrap()
}

#[test]
fn a_file_system_that_answers_is_read_as_any_other() {
    let Some((run, _)) = on_silent(&root(), "nowhere", &[]) else { return };
    assert!(run.code == 0 || run.code == 3, "{run:?}");
    assert_eq!(source(&run.json(), "dpkg")["status"], "complete", "{run:?}");
}

#[test]
fn a_package_database_that_never_answers_is_a_failed_source_and_the_program_ends() {
    let Some((run, took)) = on_silent(&root(), "var/lib/dpkg", &["--budget", "3"]) else { return };
    assert_eq!(run.code, 3, "{run:?}");
    assert!(took < Duration::from_mins(1), "{took:?}");
    let report = run.json();
    let dpkg = source(&report, "dpkg");
    assert_eq!(dpkg["status"], "failed");
    assert!(dpkg["reason"].as_str().unwrap().contains("no answer within 3 s"), "{dpkg:#}");
    let systemd = source(&report, "systemd");
    assert!(
        systemd["status"] == "complete" && systemd["records"] == 1,
        "what answered was read: {systemd:#}"
    );
}

#[test]
fn files_of_programs_that_never_answer_leave_the_records_complete() {
    let root = root();
    root.program("opt/acme/bin/acme");
    let Some((run, _)) = on_silent(&root, "opt/acme", &["--budget", "3"]) else { return };
    assert_eq!(run.code, 3, "{run:?}");
    let report = run.json();
    assert_eq!(source(&report, "dpkg")["status"], "complete");
    assert_eq!(source(&report, "opt")["status"], "failed");
}

#[test]
fn a_root_that_answers_nothing_is_a_fault_in_time() {
    let Some((run, took)) = on_silent(&root(), ".", &["--budget", "2"]) else { return };
    assert!(run.code == 2 && run.stderr.contains("did not answer within 2 s"), "{run:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_scan_of_low_priority_gives_way_in_all_its_threads() {
    let state = tempfile::tempdir().unwrap();
    let mut command = interdict();
    command.env("INTERDICT_STATE", state.path()).args(["scan", "--depth", "deep", "--priority", "low"]);
    let mut child =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut nice = Vec::new();
    let start = Instant::now();
    while nice.len() < 3 && start.elapsed() < Duration::from_mins(1) && child.try_wait().unwrap().is_none() {
        let tasks = fs::read_dir(format!("/proc/{}/task", support::scanner(child.id())));
        let lines =
            tasks.into_iter().flatten().flatten().map(|task| fs::read_to_string(task.path().join("stat")));
        // The nineteenth field (proc(5)); the second, in brackets, may hold spaces.
        let field =
            |stat: String| stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().to_owned();
        nice = lines.flatten().map(field).collect();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(nice.len() >= 3 && nice.iter().all(|nice| nice == "19"), "{nice:?}");
}

/// Control groups that are gone with the value.
struct Groups(Vec<PathBuf>);

impl Groups {
    /// One with 50 MB and a fifth of a processor; `None`, with the reason said, where none can be made.
    fn scarce() -> Option<Self> {
        // Tests of one file may run at a time.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("interdict-test-{}-{count}", std::process::id());
        let base = Path::new("/sys/fs/cgroup");
        let limits: &[(PathBuf, &[(&str, &str)])] = &if base.join("cgroup.controllers").exists() {
            let _may_be_on = fs::write(base.join("cgroup.subtree_control"), "+cpu +memory");
            vec![(base.join(&name), &[("cpu.max", "20000 100000"), ("memory.max", "52428800")][..])]
        } else {
            let cpu: &[(&str, &str)] = &[("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "20000")];
            let memory: &[(&str, &str)] = &[("memory.limit_in_bytes", "52428800")];
            vec![(base.join("cpu").join(&name), cpu), (base.join("memory").join(&name), memory)]
        };
        let mut groups = Self(Vec::new());
        for (folder, limits) in limits {
            let made = fs::create_dir(folder).is_ok();
            groups.0.extend(made.then(|| folder.clone()));
            if !made || limits.iter().any(|(file, limit)| fs::write(folder.join(file), limit).is_err()) {
                skip("no control group with limits can be made here");
                return None;
            }
        }
        Some(groups)
    }
}

impl Groups {
    /// Runs the program in them.
    fn run(&self, args: &[&str]) -> Run {
        let state = tempfile::tempdir().unwrap();
        let groups = self.0.iter().map(|group| group.to_str().unwrap());
        let join: String = groups.flat_map(|group| ["echo $$ > ", group, "/cgroup.procs; "]).collect();
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{join} exec \"$@\"")).arg("sh").arg(interdict().get_program());
        Run::of(command.env("INTERDICT_STATE", state.path()).args(args))
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for folder in &self.0 {
            let _gone = fs::remove_dir(folder);
        }
    }
}

#[test]
fn with_50_megabytes_and_a_fifth_of_a_processor_it_ends_by_itself_with_what_it_saw() {
    let Some(groups) = Groups::scarce() else { return };
    let start = Instant::now();
    let run = groups.run(&["scan", "--depth", "deep", "--budget", "4", "--format", "json"]);
    assert!(run.code == 3 || run.code == 1, "{} {}", run.code, run.stderr);
    assert!(start.elapsed() < Duration::from_mins(4), "{:?}", start.elapsed());
    let report = run.json();
    let sources = report["coverage"]["sources"].as_array().unwrap();
    // The time is over, or what the group lets it have is used up, whichever comes first.
    let ended = |gap: &Value| gap["reason"] == "budget" || gap["reason"] == "memory";
    let late = |one: &Value| one["gaps"].as_array().unwrap().iter().any(ended);
    assert!(sources.iter().any(late), "the sweep of this computer takes longer");
    assert!(sources.iter().any(|one| one["status"] == "complete"), "{report:#}");
}

/// The limit of a group ends a program without a word; so the look ends before.
#[test]
fn what_a_group_does_not_let_have_ends_the_look_and_not_the_scan() {
    let Some(groups) = Groups::scarce() else { return };
    let root = Root::debian();
    let package = |n| {
        format!("Package: p-{n}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.{n}-1\n\n")
    };
    root.file("var/lib/dpkg/status", (0..80_000).map(package).collect::<String>());
    let run = groups.run(&["scan", "--format", "json", "--root", root.path().to_str().unwrap()]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let report = run.json();
    let dpkg = report["coverage"]["sources"].as_array().unwrap().iter().find(|one| one["source"] == "dpkg");
    let gaps = dpkg.unwrap()["gaps"].as_array().unwrap();
    assert!(gaps.iter().any(|gap| gap["reason"] == "memory" && gap["blocking"] == true), "{gaps:?}");
}

#[test]
fn doctor_says_that_a_group_would_end_the_scan_before_its_ceiling_does() {
    let Some(groups) = Groups::scarce() else { return };
    let config = tempfile::tempdir().unwrap();
    let config = config.path().join("site.toml");
    fs::write(&config, "schema = 1\nmax_memory = 64\n").unwrap();
    let run = groups.run(&["doctor", "--config", config.to_str().unwrap()]);
    let line = run.stdout.lines().find(|line| line.contains(" memory ")).unwrap();
    assert!(line.starts_with("WARN") && line.contains("lets a scan have 50 MiB"), "{run:?}");
}
