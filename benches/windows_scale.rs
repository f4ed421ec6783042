//! Large Windows disks, scanned from Linux by the program as it is shipped: two thousand profiles, twenty thousand
//! executables. Time, resident memory, bytes read.
//!
//!     cargo bench --bench windows_scale                 print the figures
//!     cargo bench --bench windows_scale -- --check      fail where a bound does not hold
//!
//! `INTERDICT_PROGRAM=target/linux/interdict cargo test --bench windows_scale` measures the program of the packages.
//!
//! Caches are dropped before a scan where this process may do that; the figures say whether. Each hive is a file of its own
//! with free space at its end; the executables are links to two files, so that what is cold of them is names, not bytes.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench lays out disks, prints its figures and fails by panicking"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::forge::Forge;
use support::hive::HiveBuilder;
use support::pe::{Image, image};
use support::windows::{PROFILES, UNINSTALL, Windows, certificate_blob, expand, sz};
use support::{Root, has, is_root, scanner};

/// Profiles, and the size of the hive of each.
const USERS: usize = 2_000;
const HIVE: usize = 5 << 20;
/// How many of them may not be read, in the second scan.
const DENIED: usize = 1_900;
/// Uninstall entries of the machine.
const ENTRIES: usize = 5_000;
/// Executables, the bytes of each, and how many of them a rule could need the proof of.
const PROGRAMS: usize = 20_000;
const PROGRAM: usize = 1 << 20;
const WORTH: usize = 20;

const PROFILES_BOUND: Duration = Duration::from_secs(30);
const MEMORY_BOUND: u64 = 60 << 10;
/// A hash of every file would read [`PROGRAM`] of each.
const READ_BOUND: u64 = (PROGRAMS as u64) * (16 << 10);

fn main() -> ExitCode {
    let sound = [profiles(), denied(), programs()].into_iter().all(|sound| sound);
    let check = std::env::args().any(|argument| argument == "--check");
    if sound || !check { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a scan took.
struct Took {
    time: Duration,
    /// Kilobytes, at the highest.
    memory: u64,
    /// Bytes that it asked the system for, from caches or not.
    read: u64,
    report: Value,
    cold: bool,
}

impl Took {
    fn say(&self, what: &str) -> bool {
        let cold = if self.cold { "cold" } else { "warm" };
        println!(
            "{what}: {:.1} s {cold}, {} MB resident, {} MB read, exit {}",
            self.time.as_secs_f64(),
            self.memory >> 10,
            self.read >> 20,
            self.report["exit_code"],
        );
        let small = self.memory <= MEMORY_BOUND;
        if !small {
            println!("  more than {} MB", MEMORY_BOUND >> 10);
        }
        small
    }
}

/// Scans with the program of the build, or with a copy that everybody may run, as a user without rights.
fn scan(root: &Path, as_nobody: bool) -> Took {
    let cold = drop_caches();
    let report = tempfile::NamedTempFile::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    support::open_to_all(folder.path());
    let program = folder.path().join("interdict");
    fs::copy(support::program(), &program).unwrap();
    let mut command = if as_nobody {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    command.args(["scan", "--format", "json", "--root"]).arg(root);
    let started = Instant::now();
    let mut child =
        command.stdout(Stdio::from(report.reopen().unwrap())).stderr(Stdio::null()).spawn().unwrap();
    let (mut memory, mut read) = (0, 0);
    while child.try_wait().unwrap().is_none() {
        let scanner = scanner(child.id());
        let of = |file: &str, key: &str| number(&format!("/proc/{scanner}/{file}"), key);
        memory = of("status", "VmHWM:").unwrap_or(0).max(memory);
        read = of("io", "rchar:").unwrap_or(0).max(read);
        sleep(Duration::from_millis(2));
    }
    let time = started.elapsed();
    let report = serde_json::from_slice(&fs::read(report.path()).unwrap()).unwrap();
    Took { time, memory, read, report, cold }
}

/// A number that a file of `/proc` tells.
fn number(file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Whether nothing of the disk is in memory any more.
fn drop_caches() -> bool {
    let _synced = Command::new("sync").status();
    fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

/// A disk with all these profiles and entries. Each hive has keys of its own and is filled up with free space.
fn many_users() -> Root {
    let mut disk = Windows::workstation();
    for n in 0..ENTRIES {
        let values = [
            ("DisplayName", sz(&format!("Program {n}"))),
            ("DisplayVersion", sz("1.0")),
            ("Publisher", sz(&format!("Maker {}", n % 50))),
        ];
        disk.add("software", &format!(r"{UNINSTALL}\{{{n:08X}-0000-4000-8000-000000000000}}"), &values);
    }
    for n in 0..USERS {
        let sid = format!("S-1-5-21-1-2-3-{}", 10_000 + n);
        let folder = expand(&format!(r"C:\Users\user{n}"));
        disk.add("software", &format!(r"{PROFILES}\{sid}"), &[("ProfileImagePath", folder)]);
    }
    let root = disk.build();
    for n in 0..USERS {
        let mut hive = HiveBuilder::new().padded_to(HIVE);
        for m in 0..100 {
            hive.set(&format!(r"Software\Maker {m}\Product\Settings"), "Path", sz("x".repeat(200).as_str()));
        }
        hive.set(&format!(r"Software\{UNINSTALL}\own"), "DisplayName", sz(&format!("Own program {n}")));
        hive.set(r"Software\Microsoft\Windows\CurrentVersion\Run", "Own", sz(r"C:\Windows\explorer.exe"));
        if n == USERS - 1 {
            let name = sz("Kaspersky Endpoint Security for Windows");
            hive.set(&format!(r"Software\{UNINSTALL}\kes"), "DisplayName", name);
        }
        let folder = root.dir(format!("Users/user{n}/AppData/Local"));
        hive.write_to(&folder.join("../../NTUSER.DAT"));
    }
    root
}

fn profiles() -> bool {
    let root = many_users();
    let took = scan(root.path(), false);
    let small = took.say(&format!("{USERS} profiles of {} MB, {ENTRIES} uninstall entries", HIVE >> 20));
    // The last profile alone has what is looked for.
    let found = took.report["exit_code"] == 1;
    small && found && took.time <= PROFILES_BOUND
}

/// One gap of each source says of how many profiles it knows nothing.
fn denied() -> bool {
    if !is_root() || !has("setpriv") {
        println!("denied profiles: skipped, no user without rights to try");
        return true;
    }
    let root = many_users();
    let mode = |n: usize, mode: u32| {
        let folder = root.at(format!("Users/user{n}"));
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    };
    (0..DENIED).for_each(|n| mode(n, 0o000));
    let took = scan(root.path(), true);
    (0..DENIED).for_each(|n| mode(n, 0o755));
    let small = took.say(&format!("{DENIED} of {USERS} profiles denied"));
    let sources = took.report["coverage"]["sources"].as_array().unwrap();
    let of = |source: &Value| {
        let gaps = source["gaps"].as_array().unwrap();
        let denied: Vec<u64> = gaps
            .iter()
            .filter(|gap| gap["reason"] == "permission-denied")
            .map(|gap| gap["count"].as_u64().unwrap())
            .collect();
        (source["source"].as_str().unwrap().to_owned(), denied)
    };
    let told: Vec<_> = sources.iter().map(of).filter(|(_, denied)| !denied.is_empty()).collect();
    println!("  gaps: {told:?}");
    let one_each = told.iter().all(|(_, denied)| denied.len() == 1 && denied[0] >= DENIED as u64);
    small && one_each && !told.is_empty() && took.time <= PROFILES_BOUND
}

/// Most are signed by somebody of whom no rule knows: their signatures are named and not proven.
fn programs() -> bool {
    let Some(forge) = Forge::with_signer("/CN=Somebody Ltd/O=Somebody Ltd") else { return true };
    forge.make(&support::forge::Cert {
        subject: "/CN=AO Kaspersky Lab/O=AO Kaspersky Lab",
        ..support::forge::Cert::signer("maker", "ca")
    });
    let bytes: Vec<u8> = (0..PROGRAM).map(|n| n.to_le_bytes()[0]).collect();
    let strings = [("CompanyName", "Somebody Ltd"), ("FileDescription", "A program")];
    let plain = image(&Image { strings: &strings, version: [1, 2, 3, 4], overlay: &bytes });
    let mut disk = Windows::workstation();
    let key = r"Microsoft\SystemCertificates\ROOT\Certificates\00112233445566778899AABBCCDDEEFF00112233";
    disk.add("software", key, &[("Blob", certificate_blob(&forge.der("ca")))]);
    let root = disk.build();
    let innocent = root.file("Program Files/Many/0/program0.exe", forge.sign(&plain, &["-h", "sha256"]));
    let maker =
        root.file("Program Files/Many/0/maker0.exe", forge.sign_as("maker", &plain, &["-h", "sha256"]));
    for n in 1..PROGRAMS {
        let folder = root.dir(format!("Program Files/Many/{}", n / 100));
        let (of, name) = if n < WORTH { (&maker, "maker") } else { (&innocent, "program") };
        fs::hard_link(of, folder.join(format!("{name}{n}.exe"))).unwrap();
    }
    let took = scan(root.path(), false);
    let small = took.say(&format!("{PROGRAMS} executables of {} MB", PROGRAM >> 20));
    let thousands = PROGRAMS as u64 / 1_000;
    println!(
        "  for 1,000 files: {} ms, {} KB resident, {} MB read",
        took.time.as_millis() / u128::from(thousands),
        took.memory / thousands,
        (took.read >> 20) / thousands,
    );
    let proven = took.report["findings"][0]["evidence_total"].as_u64().unwrap_or(0);
    println!("  {proven} proven of {WORTH} that a rule could need");
    small && took.read <= READ_BOUND && proven == WORTH as u64 && took.report["exit_code"] == 1
}
