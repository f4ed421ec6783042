//! `interdict.exe` as it is built for people: what it needs of Windows, what Explorer shows of it, and how it behaves in a
//! console, in a pipe and to Task Scheduler. Wine stands in for Windows; what only a real one shows is in
//! `docs/unverified.md`.
//!
//! Skipped, with the reason, where `packaging/windows/build.sh` has not built it.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "reads what was built; a test fails by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use support::windows_program::{Program, holds, wide};
use support::wine::{Wine, exe};
use support::{Root, Run, has, skip};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// That of Linux is in `benches/peers.py`.
const MAX_BYTES: usize = 10 << 20;
/// A name that no code page of one language has.
const NAME: &str = "Ünï Пользователь 用户";

fn program() -> Option<Program> {
    exe().map(|exe| Program::new(fs::read(exe).unwrap()))
}

fn list(name: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/windows").join(name));
    let text = text.unwrap();
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// Functions that Windows 7 has, by library.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let mut libraries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in list("imports.txt") {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(library) => library.clone_into(&mut current),
            None => {
                assert!(libraries.entry(current.clone()).or_default().insert(line.clone()), "{line} twice");
            }
        }
    }
    libraries
}

#[test]
fn it_is_small() {
    let Some(exe) = exe() else { return };
    let size = usize::try_from(exe.metadata().unwrap().len()).unwrap();
    assert!(size < MAX_BYTES, "{size} bytes");
    assert!(size > 1 << 20, "the rules alone are larger: {size} bytes");
}

#[test]
fn it_imports_nothing_that_windows_7_lacks() {
    let Some(program) = program() else { return };
    let imports = program.imports();
    let allowed = allowed();
    let mut strange = Vec::new();
    for (library, functions) in &imports {
        let known = allowed.get(library);
        strange.extend(
            functions
                .iter()
                .filter(|name| !known.is_some_and(|known| known.contains(*name)))
                .map(|name| format!("{library}: {name}")),
        );
    }
    assert!(strange.is_empty(), "not in tests/windows/imports.txt: {strange:#?}");
    // The unwinder is in the program: a source that panics is a failed source and not the end of the scan.
    assert!(imports["kernel32.dll"].iter().any(|name| name == "RtlUnwindEx"));
    assert_eq!(program.subsystem_version(), (6, 1));
}

/// Libraries of the system alone: none of a compiler's, none of the sets that came with Windows 8.
#[test]
fn the_list_of_imports_is_of_windows_7() {
    let refused: BTreeSet<String> = list("refused.txt").into_iter().collect();
    assert!(refused.len() > 60 && refused.contains("GetSystemTimePreciseAsFileTime"));
    let system = [
        "advapi32.dll",
        "bcrypt.dll",
        "crypt32.dll",
        "iphlpapi.dll",
        "kernel32.dll",
        "msvcrt.dll",
        "netapi32.dll",
        "ntdll.dll",
        "ole32.dll",
        "oleaut32.dll",
        "psapi.dll",
        "secur32.dll",
        "shell32.dll",
        "userenv.dll",
        "ws2_32.dll",
    ];
    for (library, functions) in allowed() {
        assert!(system.contains(&library.as_str()), "{library}");
        let young: Vec<_> = functions.intersection(&refused).collect();
        assert!(young.is_empty(), "{library}: {young:?}");
    }
}

#[test]
fn it_is_hardened() {
    let Some(program) = program() else { return };
    // HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT
    assert_eq!(program.characteristics() & 0x0160, 0x0160);
}

#[test]
fn it_tells_windows_what_it_is() {
    let Some(program) = program() else { return };
    let [version] = program.resources(16)[..] else { panic!("one version resource") };
    for (key, value) in [
        ("ProductName", "interdict"),
        ("OriginalFilename", "interdict.exe"),
        ("FileVersion", VERSION),
        ("ProductVersion", VERSION),
    ] {
        let mut pair = wide(key);
        pair.extend([0, 0]);
        pair.resize(pair.len().next_multiple_of(4), 0);
        let text = [wide(value), vec![0, 0]].concat();
        let at = version.windows(wide(key).len()).position(|part| part == wide(key)).unwrap();
        assert!(holds(&version[at..at + 2 * (key.len() + value.len()) + 8], &text), "{key}");
    }
    let numbers: Vec<u16> = VERSION.split('.').map(|part| part.parse().unwrap()).collect();
    let fixed: Vec<u8> =
        [numbers[1], numbers[0], 0, numbers[2]].iter().flat_map(|number| number.to_le_bytes()).collect();
    assert!(holds(version, &[&[0xBD, 0x04, 0xEF, 0xFE, 0, 0, 1, 0][..], &fixed].concat()), "the fixed part");

    let [manifest] = program.resources(24)[..] else { panic!("one manifest") };
    for part in ["asInvoker", ">true</longPathAware>", ">UTF-8</activeCodePage>", "35138b9a", "8e0f7a12"] {
        assert!(holds(manifest, part.as_bytes()), "{part}");
    }
    assert_eq!(program.resources(14).len(), 1, "one icon");
    assert_eq!(program.resources(3).len(), 4, "in four sizes");
}

#[test]
fn the_icon_has_every_size() {
    let icon =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/windows/interdict.ico")).unwrap();
    let sizes: Vec<u8> = (0..usize::from(icon[4])).map(|n| icon[6 + 16 * n]).collect();
    assert_eq!(sizes, [16, 32, 48, 0], "0 is 256");
}

#[test]
fn its_answers_and_exit_codes() {
    let Some(wine) = Wine::shared() else { return };
    let run = |args: &[&str]| wine.interdict(args);
    let version = run(&["--version"]);
    assert_eq!((version.code, version.stdout.as_str()), (0, &*format!("interdict {VERSION}\n")));
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains(r"%ProgramData%\interdict\config.toml"), "{}", help.stdout);
    for command in ["", "scan", "inventory", "sources", "rules", "rules explain", "rules check", "rules list"]
    {
        let words = command.split(' ').filter(|word| !word.is_empty()).chain(["--help"]);
        let help = wine.interdict(words);
        assert_eq!(help.code, 0, "{command}");
        for strange in ["sudo", "/etc/", "/var/", "/opt/", "/mnt/"] {
            assert!(!help.stdout.contains(strange), "{command}: {}", help.stdout);
        }
    }
    assert_eq!(run(&["rules", "check"]).code, 0);
    let tested = run(&["rules", "test"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    let wrong = run(&["scann"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stdout.is_empty() && wrong.stderr.contains("scann"), "{wrong:?}");
}

/// Task Scheduler shows the exit code of what it starts: the program, a shell with it, or a batch file.
#[test]
fn a_shell_passes_its_exit_code_on() {
    let Some(wine) = Wine::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let code = |line: &str| Run::of(wine.command("cmd").arg("/c").arg(line)).code;
    let exe = wine.exe();
    assert_eq!(code(&format!("{exe} --version")), 0);
    assert_eq!(code(&format!("{exe} scann")), 2);
    for (args, expected) in [("rules check", 0), ("scan --root Z:\\nowhere", 2)] {
        let batch = folder.path().join("run.cmd");
        fs::write(&batch, format!("@echo off\r\n\"{exe}\" {args}\r\nexit /b %errorlevel%\r\n")).unwrap();
        assert_eq!(code(&Wine::path(&batch)), expected, "{args}");
    }
}

/// A rule file with a name in several scripts.
fn rules(folder: &Path) -> PathBuf {
    let text = format!("schema = 1\n[vendor]\nid = \"acme\"\nname = \"{NAME}\"\naliases = [\"{NAME}\"]\n");
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("acme.toml"), text).unwrap();
    folder.to_owned()
}

#[test]
fn a_pipe_gets_utf_8_and_nothing_else() {
    let Some(wine) = Wine::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let rules = Wine::path(&rules(folder.path()));
    let shown = wine.interdict(["rules", "show", "acme", "--rules", &rules]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stdout.contains(NAME), "{shown:?}");
    assert!(!shown.stdout.contains(['\r', '\u{feff}', '\u{1b}']), "{shown:?}");
}

#[test]
fn a_console_gets_every_letter_and_colours_where_they_are_wanted() {
    let Some(wine) = Wine::shared() else { return };
    if !has("script") {
        return skip("there is no script(1) to make a terminal");
    }
    let folder = tempfile::tempdir().unwrap();
    let rules = rules(folder.path());
    let args = format!("rules show acme --rules '{}'", Wine::path(&rules));
    let shown = Run::of(&mut wine.on_terminal(&args));
    assert!(shown.stdout.contains(NAME), "{shown:?}");
    let wrong = || wine.on_terminal("scan --root 'Z:\\nowhere'");
    let (coloured, plain) = (Run::of(&mut wrong()), Run::of(wrong().env("NO_COLOR", "1")));
    assert_eq!((coloured.code, plain.code), (2, 2), "{plain:?}");
    assert!(plain.stdout.contains("error: cannot read"), "{plain:?}");
    assert!(coloured.stdout.contains("\u{1b}[31m"), "{coloured:?}");
    assert!(!plain.stdout.contains("\u{1b}[31m"), "{plain:?}");
}

/// A folder whose path is longer than the 260 characters that programs of Windows had, with names of every script.
fn long_folder(top: &Path) -> PathBuf {
    let parts = (0..8).map(|n| format!("folder {n} {}", "x".repeat(40)));
    let folder = parts.fold(top.join(NAME), |folder, part| folder.join(part));
    fs::create_dir_all(&folder).unwrap();
    assert!(folder.as_os_str().len() > 400);
    folder
}

#[test]
fn long_paths_and_names_in_every_script() {
    let Some(wine) = Wine::shared() else { return };
    let users = wine.drive().join("users");
    let profile = tempfile::tempdir_in(users).unwrap();
    let folder = long_folder(profile.path());
    let below = |path: &Path| {
        let inside = path.strip_prefix(wine.drive()).unwrap().to_str().unwrap().replace('/', "\\");
        format!("C:\\{inside}")
    };
    let rules = rules(&folder.join("rules"));
    let checked = wine.interdict(["rules", "check", &below(&rules)]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let faulty = folder.join("faulty");
    fs::create_dir(&faulty).unwrap();
    fs::write(faulty.join("x.toml"), "schema = 1\nНет = 1\n").unwrap();
    let checked = wine.interdict(["rules", "check", &below(&faulty)]);
    assert_eq!(checked.code, 2);
    assert!(checked.stderr.contains("Нет") && checked.stderr.contains(NAME), "{checked:?}");

    // Twice: the second replaces the first.
    let output = folder.join("report.json");
    for _ in 0..2 {
        let run = wine.interdict([
            "scan",
            "--format",
            "json",
            "-q",
            "-o",
            &below(&output),
            "--rules",
            &below(&rules),
        ]);
        assert!(matches!(run.code, 0 | 1 | 3), "{run:?}");
        assert!(run.stdout.is_empty(), "{run:?}");
        let report: serde_json::Value = serde_json::from_slice(&fs::read(&output).unwrap()).unwrap();
        assert_eq!(report["host"]["family"], "windows");
        fs::write(&output, "old").unwrap();
    }
    assert!(!folder.join("report.json.part").exists());
}

/// Any system from any system: a Linux disk, looked at by the program for Windows.
#[test]
fn it_judges_a_linux_disk() {
    let Some(wine) = Wine::shared() else { return };
    let root = Root::debian();
    root.file(
        "var/lib/dpkg/status",
        "Package: kesl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.1.0-1297\nMaintainer: Kaspersky Lab <a@b>\n\n",
    );
    let run = wine.interdict(["scan", "--format", "json", "--root", &Wine::path(root.path())]);
    let native = support::scan(root.path(), &[]);
    assert_eq!((run.code, run.products()), (1, native.products()), "{run:?}");
    assert_eq!(run.products(), ["kaspersky.endpoint-security"]);
}
