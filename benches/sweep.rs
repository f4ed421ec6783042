//! A deep scan of a hundred thousand files, by the program as it is shipped, beside what is at hand on any Linux: `find` and
//! `head` over the first 4 KiB of each file, and `sha256sum` over all of it, both on two processors.
//!
//!     cargo bench --bench sweep                 print the figures
//!     cargo bench --bench sweep -- --check      fail where a bound does not hold
//!
//! `INTERDICT_PROGRAM=target/linux/interdict cargo test --bench sweep` measures the program of the packages.
//!
//! The files are in the page cache for all alike, each command runs several times in turn and its fastest run counts: what
//! is measured is what the programs do, not what the disk does. The scan is the whole scan, with its start, its rules and
//! its report.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench lays out disks, prints its figures and fails by panicking"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::blind::Bench;
use support::{Root, has, scanner};

const FILES: usize = 100_000;
/// Sizes of ten files in a row, and how many there are of each: as in a home, most are small.
const SIZES: &[usize] =
    &[1 << 10, 1 << 10, 1 << 10, 1 << 10, 1 << 10, 1 << 10, 6 << 10, 6 << 10, 6 << 10, 24 << 10];
const RUNS: usize = 7;

const SWEEP_BOUND: f64 = 1.3;
const HASH_BOUND: f64 = 1.15;
/// Kilobytes.
const MEMORY_BOUND: u64 = 30 << 10;
/// What ten times the files may cost, in kilobytes.
const GROWTH_BOUND: u64 = 3 << 10;

/// A name that none of the files has.
const VENDOR: &str = r#"
schema = 1
[vendor]
id = "test"
name = "Test"
[[product]]
id = "test.thing"
name = "Thing"
category = "test"
[[product.indicator]]
kind = "executable"
name = { exact = ["prohibited"] }
strength = "strong"
source = "this bench"
@HASHES@
[[example]]
items = [{ kind = "executable", name = "prohibited" }]
expect = { product = "test.thing" }
[[example]]
items = [{ kind = "executable", name = "allowed" }]
expect = "none"
"#;

/// A hash that no file has, of each size: every file has to be hashed.
fn hashes() -> String {
    let mut sizes = SIZES.to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    let hash = |size: &usize| format!("{{ value = \"{:064x}\", size = {size} }}", size + 1);
    let all: Vec<_> = sizes.iter().map(hash).collect();
    format!(
        "[[product.indicator]]\nkind = \"executable\"\nsha256 = [{}]\nstrength = \"strong\"\nsource = \"this bench\"\n",
        all.join(", ")
    )
}

fn main() -> ExitCode {
    for tool in ["find", "xargs", "head", "sha256sum"] {
        if !has(tool) {
            println!("skipped: no {tool}");
            return ExitCode::SUCCESS;
        }
    }
    let (few, many) = (laid_out(FILES / 10), laid_out(FILES));
    let sound = [against_find(&many), against_sha256sum(&many), memory(&few, &many)];
    let check = std::env::args().any(|argument| argument == "--check");
    if sound.into_iter().all(|sound| sound) || !check { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A Debian with so many files, a tenth of them programs.
fn laid_out(files: usize) -> Root {
    let root = Root::debian();
    let sound = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n\n";
    root.file("var/lib/dpkg/status", sound);
    let mut bytes: Vec<u8> = (0..24 << 10).map(|n: usize| n.to_le_bytes()[0]).collect();
    for n in 0..files {
        let folder = root.at(format!("srv/{}/{}", n / 1_000, n / 100 % 10));
        if n % 100 == 0 {
            fs::create_dir_all(&folder).unwrap();
        }
        let magic = if n % 10 == 3 { b"\x7fELF" } else { b"text" };
        bytes[..4].copy_from_slice(magic);
        bytes[4..12].copy_from_slice(&n.to_le_bytes());
        fs::write(folder.join(format!("file{n}")), &bytes[..SIZES[n % SIZES.len()]]).unwrap();
    }
    root
}

/// Under rules that ask for the hash of every file, or of none.
fn scan(root: &Root, hashed: bool) -> Command {
    let vendor = VENDOR.replace("@HASHES@", &if hashed { hashes() } else { String::new() });
    let rules = Root::empty();
    let bench = Bench::new(&vendor, rules).with_depth(true);
    // The rules stay until the bench ends.
    let bench = Box::leak(Box::new(bench));
    let mut command = support::interdict();
    let args: Vec<&OsStr> = bench.args();
    command.args(&args[..args.len() - 1]).arg(root.path());
    command
}

/// `find … | xargs -0 -P2 tool…` over every file.
fn peer(root: &Path, tool: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("find \"$1\" -xdev -type f -print0 | xargs -0 -n 512 -P 2 {tool}");
    command.args(["-c", &script, "sh"]).arg(root);
    command
}

/// The fastest of several runs of each, in turn.
fn fastest(mut ours: impl FnMut() -> Command, mut theirs: impl FnMut() -> Command) -> (Duration, Duration) {
    let time = |mut command: Command| {
        let started = Instant::now();
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "{command:?}");
        started.elapsed()
    };
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        best = (best.0.min(time(ours())), best.1.min(time(theirs())));
    }
    best
}

fn compare(what: &str, (ours, theirs): (Duration, Duration), bound: f64) -> bool {
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!(
        "{what}: {:.2} s, the peer {:.2} s: {ratio:.2} (at most {bound})",
        ours.as_secs_f64(),
        theirs.as_secs_f64()
    );
    ratio <= bound
}

fn against_find(root: &Root) -> bool {
    let times = fastest(|| scan(root, false), || peer(root.path(), "head -q -c 4096"));
    compare(&format!("{FILES} files swept"), times, SWEEP_BOUND)
}

fn against_sha256sum(root: &Root) -> bool {
    let times = fastest(|| scan(root, true), || peer(root.path(), "sha256sum"));
    compare(&format!("{FILES} files hashed"), times, HASH_BOUND)
}

/// Peak resident memory in kilobytes, and the report.
fn resident(mut command: Command) -> (u64, Value) {
    let report = tempfile::NamedTempFile::new().unwrap();
    let mut child =
        command.stdout(Stdio::from(report.reopen().unwrap())).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = format!("/proc/{}/status", scanner(child.id()));
        let text = fs::read_to_string(status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0).max(peak);
        sleep(Duration::from_millis(1));
    }
    (peak, serde_json::from_slice(&fs::read(report.path()).unwrap()).unwrap())
}

fn memory(few: &Root, many: &Root) -> bool {
    let ((small, _), (large, report)) = (resident(scan(few, true)), resident(scan(many, true)));
    let sources = report["coverage"]["sources"].as_array().unwrap();
    let sweep = sources.iter().find(|entry| entry["source"] == "sweep").unwrap();
    println!(
        "memory: {:.1} MB for {} files, {:.1} MB for {FILES}; {} files looked at and not kept, exit {}",
        kb(small),
        FILES / 10,
        kb(large),
        sweep["not_kept"],
        report["exit_code"]
    );
    let flat = large <= MEMORY_BOUND && large.saturating_sub(small) <= GROWTH_BOUND;
    // Each was hashed, and offered with its hash.
    flat && sweep["not_kept"] == FILES && report["exit_code"] == 0
}

fn kb(kilobytes: u64) -> f64 {
    f64::from(u32::try_from(kilobytes).unwrap_or(u32::MAX)) / 1024.0
}
