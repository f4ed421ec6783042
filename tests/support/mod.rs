//! What the tests of the binary share: roots to scan, runs of it, tools that may be missing.
#![expect(unreachable_pub, reason = "shared by test files that each use a part")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    dead_code,
    reason = "each test file uses its part"
)]

pub mod berkeley;
pub mod blind;
pub mod browser_cases;
pub mod forge;
pub mod hive;
pub mod macho;
pub mod macos;
pub mod macos_cases;
pub mod macos_cases_apps;
pub mod macos_cases_paths;
pub mod macos_cases_started;
pub mod matrix;
pub mod pe;
pub mod windows;
pub mod windows_cases;
pub mod windows_program;
pub mod wine;
pub mod wine_machine;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, Weak};

use serde_json::Value;

/// The real data with the answers of a peer's tool, where it lies beside the checkout.
pub fn corpora(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/corpora").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: the corpus {name} is not beside this checkout");
    None
}

/// A hive of the corpora, or a log of one; `None`, with the reason said, where it cannot be had.
pub fn corpus_hive(name: &str) -> Option<Vec<u8>> {
    let packed = corpora("hives")?.join(format!("{name}.xz"));
    if !has("xz") {
        skip("no xz (Debian package xz-utils)");
        return None;
    }
    let output = Command::new("xz").args(["-dkc"]).arg(packed).output().unwrap();
    assert!(output.status.success(), "{name}: {output:?}");
    Some(output.stdout)
}

/// What another tool read in a hive of the corpora.
pub fn corpus_answer(name: &str) -> Value {
    let path = corpora("hives").unwrap().join("expected").join(format!("{name}.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Says why a test is skipped. In CI nothing may be skipped.
pub fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "skipped in CI: {reason}");
    eprintln!("skipped: {reason}");
}

/// Says something about a test that is no fault.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Whether a program is on the machine.
pub fn has(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// Whether this process may read everything.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// A folder to be scanned as the root of a system.
pub struct Root {
    folder: tempfile::TempDir,
}

impl Root {
    /// An empty one, which everybody may enter.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        Self { folder }
    }

    /// A Debian with `/etc/os-release` and an account `alice`.
    pub fn debian() -> Self {
        let root = Self::empty();
        root.file(
            "etc/os-release",
            "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
        );
        root.file(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000:,,,:/home/alice:/bin/bash\n",
        );
        root.file("etc/group", "root:x:0:\nalice:x:1000:\n");
        root.dir("home/alice");
        root.dir("root");
        root
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path in it.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A path in it with a name of any bytes.
    pub fn at_bytes(&self, path: &[u8]) -> PathBuf {
        self.folder.path().join(OsStr::from_bytes(path))
    }

    /// Writes a file and the folders on the way.
    pub fn file(&self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// Writes a program file.
    pub fn program(&self, path: impl AsRef<Path>) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.file(path, b"\x7fELF\x02\x01\x01");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Makes a folder.
    pub fn dir(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Makes a symbolic link.
    pub fn link(&self, path: impl AsRef<Path>, target: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    /// Scans it.
    pub fn scan(&self, args: &[&str]) -> Run {
        scan(self.path(), args)
    }

    /// Lists it.
    pub fn inventory(&self) -> Value {
        let run = Run::of(interdict().args(["inventory", "--format", "json", "--root"]).arg(self.path()));
        assert!(run.code == 0 || run.code == 3, "{run:?}");
        run.json()
    }
}

/// A temporary folder is its owner's alone; scans as another user need to get in.
pub fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Where the program is: that of this build, or another that `INTERDICT_PROGRAM` names, as the packages' own.
pub fn program() -> PathBuf {
    let named = std::env::var_os("INTERDICT_PROGRAM");
    named.map_or_else(|| env!("CARGO_BIN_EXE_interdict").into(), |path| fs::canonicalize(path).unwrap())
}

/// The program. Its lock is taken in a folder of the tests, where they wait for one another.
pub fn interdict() -> Command {
    let mut command = Command::new(program());
    command.env_remove("NO_COLOR").env_remove("COLUMNS");
    command.env_remove("INTERDICT_BLESS").env_remove("INTERDICT_EXE");
    command
        .env("INTERDICT_STATE", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"))
        .env("INTERDICT_WAIT", "300");
    command
}

/// The process that scans: the one that was started watches over it.
pub fn scanner(started: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{started}/task/{started}/children")).unwrap_or_default();
    children.split_whitespace().next().and_then(|pid| pid.parse().ok()).unwrap_or(started)
}

/// Scans a root, as JSON.
pub fn scan(root: &Path, args: &[&str]) -> Run {
    Run::of(interdict().args(["scan", "--format", "json", "--root"]).arg(root).args(args))
}

/// The same as a user without rights. `None`, with the reason said, where that cannot be done.
pub fn scan_as_nobody(args: &[&OsStr]) -> Option<Run> {
    if !is_root() {
        return Some(Run::of(interdict().args(args)));
    }
    if !has("setpriv") {
        skip("root without setpriv cannot become another user");
        return None;
    }
    let become_nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let copy = public_copy();
    Some(Run::of(Command::new("setpriv").args(become_nobody).arg(&copy.1).args(args)))
}

/// The build folder may lie where only root can go: a copy that everybody may run, shared by the tests that run at once.
/// `cp` writes it: a file that this process had open for writing could still be so in a child: "text file busy".
fn public_copy() -> Arc<(tempfile::TempDir, PathBuf)> {
    // Weak, since what a static owns is never taken away.
    static COPY: Mutex<Weak<(tempfile::TempDir, PathBuf)>> = Mutex::new(Weak::new());
    let mut shared = COPY.lock().unwrap();
    if let Some(copy) = shared.upgrade() {
        return copy;
    }
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let program = folder.path().join("interdict");
    let copied = Command::new("cp").arg(self::program()).arg(&program).status().unwrap();
    assert!(copied.success());
    let copy = Arc::new((folder, program));
    *shared = Arc::downgrade(&copy);
    copy
}

/// Peak resident memory so far, in kB.
fn high_water(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// A run of the program that ended.
#[derive(Debug)]
pub struct Run {
    /// Exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl Run {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        Self {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// Runs a command that scans; what the scanner held at most, in kB, too.
    pub fn with_peak(command: &mut Command) -> (Self, u64) {
        let mut child =
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut out, &mut text).unwrap();
            text
        });
        let mut peak = 0;
        let code = loop {
            peak = peak.max(high_water(&format!("/proc/{}/status", scanner(child.id()))));
            if let Some(ended) = child.try_wait().unwrap() {
                break ended.code().unwrap_or(-1);
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        };
        (Self { code, stdout: reader.join().unwrap(), stderr: String::new() }, peak)
    }

    /// What it printed, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The findings of a report, by product.
    pub fn finding(&self, product: &str) -> Option<Value> {
        let report = self.json();
        let mut found =
            report["findings"].as_array().unwrap().iter().filter(|found| found["product"] == product);
        let first = found.next().cloned();
        assert!(found.next().is_none(), "one finding per product: {report:#}");
        first
    }

    /// Every product found.
    pub fn products(&self) -> Vec<String> {
        let report = self.json();
        let findings = report["findings"].as_array().unwrap();
        findings.iter().map(|found| found["product"].as_str().unwrap().to_owned()).collect()
    }
}
