//! The running computer, whichever it is: what the tests start is found and joined rightly, and what may not be seen
//! is said. Never that this computer is compliant.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests start processes and may fail loudly"
)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use serde_json::Value;
use support::{Run, has, interdict, is_root, open_to_all, scan_as_nobody, skip};

const KESL: &str = "kaspersky.endpoint-security";

/// Tests here share one computer.
static COMPUTER: Mutex<()> = Mutex::new(());

/// A folder below `/opt/kaspersky` that is this test's own, gone with it.
struct Planted {
    made: PathBuf,
}

impl Planted {
    /// `None`, with the reason said, where it cannot be, or where the real thing is.
    fn new() -> Option<Self> {
        let made = PathBuf::from("/opt/kaspersky");
        if made.exists() {
            skip("/opt/kaspersky is here already, and is not the test's");
            return None;
        }
        if fs::create_dir(&made).is_err() {
            skip("only root can make /opt/kaspersky");
            return None;
        }
        open_to_all(&made);
        Some(Self { made })
    }

    /// A copy of a program at a path below.
    fn copy(&self, program: &str, path: &str) -> PathBuf {
        let path = self.made.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(fs::canonicalize(program).unwrap(), &path).unwrap();
        path
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.made);
    }
}

/// A process that ends with its test.
struct Running(Child);

impl Running {
    fn start(program: impl AsRef<OsStr>, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        let child = command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(child.spawn().unwrap())
    }

    fn pid(&self) -> u64 {
        u64::from(self.0.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

fn scan(args: &[&str]) -> Run {
    Run::of(interdict().args(["scan", "--format", "json"]).args(args))
}

fn inventory() -> Value {
    let run = Run::of(interdict().args(["inventory", "--format", "json"]));
    assert!(run.code == 0 || run.code == 3, "{run:?}");
    run.json()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

/// Evidence or sightings of a process.
fn of_pid(all: &Value, pid: u64) -> Vec<&Value> {
    list(all).iter().filter(|one| one["process"]["pid"] == pid).collect()
}

fn gaps_of(report: &Value, source: &str) -> Vec<Value> {
    let sources = list(&report["coverage"]["sources"]);
    let entry = sources.iter().find(|entry| entry["source"] == source).unwrap();
    list(&entry["gaps"]).clone()
}

#[test]
fn a_running_program_is_in_the_finding_of_its_product() {
    let _alone = COMPUTER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(planted) = Planted::new() else { return };
    let program = planted.copy("/bin/sleep", "kesl/libexec/kesl");
    let process = Running::start(&program, &["300"]);

    let run = scan(&[]);
    assert_eq!(run.code, 1, "{run:?}");
    let finding = run.finding(KESL).unwrap();
    assert_eq!((&finding["state"], &finding["decides"]), (&"running".into(), &true.into()), "{finding:#}");
    let [seen] = of_pid(&finding["evidence"], process.pid())[..] else { unreachable!("{finding:#}") };
    assert_eq!(seen["image"]["path"], program.to_str().unwrap());
    assert_eq!((&seen["process"]["deleted"], &seen["source"]), (&false.into(), &"processes".into()));
    assert_eq!(seen["process"]["owner"], "root");
    assert!(!run.stdout.contains("\"300\""), "no command line is reported");

    // Deleted under the running process: it is still there.
    fs::remove_dir_all(planted.made.join("kesl")).unwrap();
    let run = scan(&[]);
    assert_eq!(run.code, 1, "{run:?}");
    let finding = run.finding(KESL).unwrap();
    assert_eq!(finding["state"], "running", "{finding:#}");
    let [seen] = of_pid(&finding["evidence"], process.pid())[..] else { unreachable!("{finding:#}") };
    assert_eq!((&seen["process"]["deleted"], &seen["image"]["exists"]), (&true.into(), &false.into()));
    let said = Run::of(interdict().arg("scan")).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("[pid {}, root, deleted]", process.pid())), "{said}");

    drop(process);
    let after = scan(&[]).finding(KESL);
    assert!(after.is_none_or(|finding| finding["state"] != "running"), "it ended");
}

/// The program file of a python, if it can be the one of a package.
fn python() -> Option<String> {
    let packaged = Path::new("/usr/bin/python3");
    let name = if packaged.exists() { packaged } else { Path::new("python3") };
    let ask = ["-c", "import os; print(os.readlink('/proc/self/exe'))"];
    let answer = Command::new(name).args(ask).output().ok()?;
    let path = String::from_utf8(answer.stdout).ok()?.trim().to_owned();
    Path::new(&path).is_file().then_some(path)
}

#[test]
fn what_python_runs_is_not_python() {
    let _alone = COMPUTER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(python) = python() else { return skip("python3 is not here") };
    let planted = Planted::new();
    let sleep = "import time; time.sleep(300)";
    let mut processes: Vec<_> = (0..30).map(|_| Running::start(&python, &["-c", sleep])).collect();
    if let Some(planted) = &planted {
        let script = planted.made.join("x/script.py");
        fs::create_dir_all(script.parent().unwrap()).unwrap();
        fs::write(&script, format!("#!{python}\n{sleep}\n")).unwrap();
        processes.push(Running::start(&python, &[script.to_str().unwrap()]));
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        processes.push(Running::start(&script, &[]));
    }

    let inventory = inventory();
    let owners = owners(&inventory);
    let mut seen = 0;
    for item in list(&inventory["items"]) {
        let ours = |pid: &Running| !of_pid(&item["sightings"], pid.pid()).is_empty();
        let count = processes.iter().filter(|process| ours(process)).count();
        seen += count;
        if count > 0 {
            assert_plain_python(item, &python, &owners);
        }
    }
    assert_eq!(seen, processes.len(), "every process is seen, once");

    let report = scan(&[]).json();
    for finding in list(&report["findings"]) {
        for one in list(&finding["evidence"]) {
            let name = one["name"].as_str().unwrap();
            assert!(one["kind"] != "executable" || !name.starts_with("python"), "{one:#}");
            assert!(processes.iter().all(|process| one["process"]["pid"] != process.pid()), "{one:#}");
        }
    }
}

/// Name and path of a package by its id.
fn owners(inventory: &Value) -> Vec<(String, String)> {
    let packages = list(&inventory["items"]).iter().filter(|item| item["kind"] == "package");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    packages.map(|item| (text(&item["id"]), text(&item["name"]))).collect()
}

/// It has what the process told, and of the package that owns the file the link alone.
fn assert_plain_python(item: &Value, python: &str, owners: &[(String, String)]) {
    assert_eq!(item["kind"], "executable", "{item:#}");
    for field in ["version", "publisher", "display_name"] {
        assert!(item[field].is_null(), "{field} is another's: {item:#}");
    }
    let expected = owner_by_dpkg(python);
    for sighting in list(&item["sightings"]).iter().filter(|one| one["scope"] == "machine") {
        assert_eq!(sighting["image"]["path"], python, "{sighting:#}");
        for link in list(&sighting["links"]) {
            if link["kind"] == "owned-by" {
                let (_, name) = owners.iter().find(|(id, _)| *id == link["to"]).unwrap();
                assert!(
                    expected.is_none() || expected.as_ref() == Some(name),
                    "{name}, and dpkg says {expected:?}"
                );
                continue;
            }
            assert_ne!(link["kind"], "image-of", "python is no service's program: {sighting:#}");
        }
        let owned = list(&sighting["links"]).iter().any(|link| link["kind"] == "owned-by");
        assert!(expected.is_none() || owned, "dpkg says {expected:?}: {sighting:#}");
    }
}

/// The package that dpkg itself names as the owner of a file.
fn owner_by_dpkg(path: &str) -> Option<String> {
    let answer = Command::new("dpkg").args(["-S", path]).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    let (name, _) = text.lines().next()?.split_once(": ")?;
    Some(name.split(':').next()?.to_owned())
}

#[test]
fn a_user_without_rights_is_told_what_was_not_seen_and_the_cure() {
    let _alone = COMPUTER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if fs::metadata("/root").is_ok_and(|root| root.permissions().mode() & 0o005 == 0o005) {
        return skip("everybody may read /root here");
    }
    let Some(run) = scan_as_nobody(&["scan", "--format", "json"].map(OsStr::new)) else { return };
    assert!(run.code == 1 || run.code == 3, "{run:?}");
    let report = run.json();
    assert_eq!(report["host"]["privileged"], false);

    // Every home that may not be listed is named wherever homes are looked at.
    let hidden: Vec<&Value> =
        list(&report["host"]["users"]).iter().filter(|user| user["readable"] == false).collect();
    assert!(hidden.iter().any(|user| user["home"] == "/root"), "{hidden:#?}");
    for source in ["desktop-entries", "autostart", "flatpak", "systemd"] {
        let gaps = gaps_of(&report, source);
        let denied = gaps.iter().find(|gap| gap["reason"] == "permission-denied").unwrap();
        assert_eq!(denied["blocking"], true);
        assert!(list(&denied["places"]).contains(&"/root".into()), "{source}: {denied:#}");
        assert!(denied["count"].as_u64().unwrap() >= hidden.len() as u64, "{source}: {denied:#}");
    }
    if is_root() {
        // This very test runs as root: nobody may not see its program.
        let gaps = gaps_of(&report, "processes");
        let denied = gaps.iter().find(|gap| gap["reason"] == "permission-denied").unwrap();
        let places = list(&denied["places"]);
        assert!(places.iter().all(|place| place.as_str().unwrap().starts_with("/proc/")), "{denied:#}");
    }
    let Some(said) = scan_as_nobody(&[OsStr::new("scan")]) else { return };
    let words = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["permission denied", "/root", "run as root (sudo interdict scan)", "home folder(s)"] {
        assert!(words.contains(part), "'{part}' is not in: {words}");
    }
}

#[test]
fn processes_that_the_kernel_hides_are_a_gap() {
    let _alone = COMPUTER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(run) = with_hidden_processes(&["scan", "--format", "json"]) else { return };
    assert!(run.code == 1 || run.code == 3, "{run:?}");
    let gaps = gaps_of(&run.json(), "processes");
    let hidden = gaps.iter().find(|gap| gap["reason"] == "hidden-processes").unwrap();
    assert_eq!(hidden["blocking"], true);
    assert!(hidden["detail"].as_str().unwrap().contains("hidepid="), "{hidden:#}");
    let Some(said) = with_hidden_processes(&["scan"]) else { return };
    let words = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("run as root: /proc is mounted so that others' processes are hidden"), "{words}");
}

/// Runs the program as nobody where `/proc` shows everybody their own processes only.
fn with_hidden_processes(args: &[&str]) -> Option<Run> {
    if !is_root() || !["unshare", "setpriv", "mount"].into_iter().all(has) {
        skip("another view of /proc needs root, unshare, mount and setpriv");
        return None;
    }
    let copy = tempfile::tempdir().unwrap();
    open_to_all(copy.path());
    let program = copy.path().join("interdict");
    fs::copy(env!("CARGO_BIN_EXE_interdict"), &program).unwrap();
    let script = "mount -t proc -o hidepid=2 proc /proc || exit 99
        exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    let run = Run::of(unshare.arg(&program).args(args));
    if run.code == 99 || run.stdout.is_empty() {
        skip(&format!("/proc cannot be mounted here: {}", run.stderr));
        return None;
    }
    Some(run)
}
