//! `interdict schedule`: what it writes is read by the real readers (systemd-analyze, crontab, a property list reader, the
//! schtasks of Wine), installed and taken away beside files of others, and started by a real cron.
//!
//! What is installed is installed behind a wall of mounts: the computer of the tests keeps its own schedules.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs and may fail loudly"
)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::wine::{Wine, exe};
use support::{Root, Run, has, interdict, is_root, scan_as_nobody, skip};

const PLATFORMS: [&str; 4] = ["systemd", "cron", "launchd", "task-scheduler"];
/// Arguments that every format has something to quote in.
const HOSTILE: [&str; 4] =
    ["--output", "json=/srv/a b/50%/$HOME/'q'\"d\"/;x.json", "--rules", "/srv/<r>&\\r"];

fn schedule(args: &[&str]) -> Run {
    Run::of(interdict().env_remove("INTERDICT_STATE").env_remove("INTERDICT_WAIT").arg("schedule").args(args))
}

/// What 'show' says, with the program where the package puts it.
fn shown(args: &[&str]) -> String {
    let run = schedule(&[&["show"], args].concat());
    assert_eq!(run.code, 0, "{run:?}");
    run.stdout.replace(env!("CARGO_BIN_EXE_interdict"), "/usr/bin/interdict")
}

/// The files of what is shown.
fn files(shown: &str) -> Vec<(String, String)> {
    let parts = shown.split("==> ").skip(1).filter_map(|part| part.split_once(" <==\n"));
    let files = parts.filter(|(name, _)| *name != "commands");
    files
        .map(|(name, text)| {
            (name.replace(" (removed after the commands)", ""), text.strip_suffix('\n').unwrap().to_owned())
        })
        .collect()
}

/// Runs a script where what it writes below these folders is gone with it. `None`, with the reason said, where it cannot be.
fn walled(script: &str, site: &Path) -> Option<Run> {
    if !is_root() || !["unshare", "mount"].into_iter().all(has) {
        skip("a wall of mounts needs root, unshare and mount");
        return None;
    }
    let wall = "for folder in /etc/systemd/system /etc/cron.d /var/lib/interdict /run; do \
                mkdir -p $folder; mount -t tmpfs -o mode=755 none $folder; done; umask 077; ";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-euc"]).arg(format!("{wall}{script}"));
    command.env("INTERDICT", env!("CARGO_BIN_EXE_interdict")).env("SITE", site);
    let run = Run::of(&mut command);
    if run.stderr.contains("unshare failed") {
        skip("this machine lets nobody make mount namespaces");
        return None;
    }
    Some(run)
}

#[test]
fn show_says_every_file_and_command_of_every_platform() {
    for platform in PLATFORMS {
        let scan = ["--", "scan", "--policy", "us-commerce"];
        let got = shown(&[&["--daily", "--jitter", "0", "--platform", platform], &scan[..]].concat());
        // Whether systemd runs here, and has the package's units.
        let got =
            if platform == "systemd" { got.split("==> commands").next().unwrap().to_owned() } else { got };
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/schedule/{platform}.txt"));
        if std::env::var_os("INTERDICT_BLESS").is_some() {
            fs::write(&golden, &got).unwrap();
        }
        assert_eq!(got, fs::read_to_string(&golden).unwrap(), "{platform}");
    }
    let jitter = shown(&["--hourly", "--platform", "task-scheduler"]);
    assert!(
        jitter.contains("<RandomDelay>PT30M</RandomDelay>") && jitter.contains("<Interval>PT1H</Interval>")
    );
}

#[test]
fn what_is_told_to_a_collector_is_scheduled_as_a_scan_is() {
    let ship = ["--", "ship", "--policy", "us-commerce"];
    for platform in ["cron", "launchd", "task-scheduler"] {
        let got = shown(&[&["--daily", "--platform", platform], &ship[..]].concat());
        let words = if platform == "launchd" {
            got.contains("<string>ship</string>\n\t\t<string>--quiet</string>\n\t\t<string>--policy</string>")
        } else {
            got.contains("ship --quiet --policy us-commerce")
        };
        assert!(words && !got.contains("--later") && !got.contains("report.json"), "{platform}: {got}");
    }
    if !Path::new("/usr/lib/systemd/system/interdict-ship.service").exists() {
        let run = schedule(&[&["show", "--daily", "--platform", "systemd"], &ship[..]].concat());
        assert!(run.code == 2 && run.stderr.contains("interdict-ship.service"), "{run:?}");
    }
    let script = "\"$INTERDICT\" schedule install --daily --platform cron -- ship";
    let Some(run) = walled(script, Path::new("/")) else { return };
    assert!(run.code == 2 && run.stderr.contains("interdict enrol"), "{run:?}");
}

/// The tree of a system with the units, and with the program they start.
fn tree(args: &[&str]) -> Root {
    let root = Root::empty();
    for (path, text) in files(&shown(args)) {
        root.file(path.trim_start_matches('/'), text);
    }
    for unit in ["sysinit", "basic", "shutdown", "timers", "time-set", "time-sync"] {
        root.file(format!("usr/lib/systemd/system/{unit}.target"), "[Unit]\nDescription=Of the tests\n");
    }
    root.program("usr/bin/interdict");
    root
}

fn analyze(args: &[&str]) -> Run {
    Run::of(
        Command::new("systemd-analyze")
            .args(args)
            .env("SYSTEMD_PAGER", "")
            .env("SYSTEMD_LOG_LEVEL", "warning"),
    )
}

#[test]
fn systemd_reads_the_units_and_finds_little_exposed() {
    if !has("systemd-analyze") {
        return skip("no systemd-analyze (Debian package systemd)");
    }
    if Path::new("/usr/lib/systemd/system/interdict.service").exists() {
        return skip("the package is installed here: what is written are drop-ins");
    }
    let plain = ["--daily", "--platform", "systemd"];
    let weekly = ["--cron", "*/20 0-6/2 1,15 jan-jun MON-FRI", "--platform", "systemd", "--jitter", "5m"];
    for args in [&plain[..], &["--hourly", "--platform", "systemd"], &weekly] {
        let root = tree(args);
        let at = format!("--root={}", root.path().display());
        let run = analyze(&["verify", "--man=no", &at, "interdict.service", "interdict.timer"]);
        assert!(run.code == 0 && run.stderr.trim().is_empty(), "{args:?}: {run:?}");
        let run = analyze(&[
            "security",
            "--offline=true",
            "--no-pager",
            "--threshold=20",
            &at,
            "interdict.service",
        ]);
        assert_eq!(run.code, 0, "{run:?}");
        let timer = fs::read_to_string(root.at("etc/systemd/system/interdict.timer")).unwrap();
        let events: Vec<&str> = timer.lines().filter_map(|line| line.strip_prefix("OnCalendar=")).collect();
        assert_eq!(events.len(), if args == weekly { 2 } else { 1 }, "{timer}");
        for event in events {
            let run = analyze(&["calendar", event]);
            assert!(run.code == 0 && run.stdout.contains("Next elapse"), "{run:?}");
        }
        assert!(timer.contains("\nPersistent=yes\n") && timer.contains("\nRandomizedDelaySec="));
    }
    // It does say when something is wrong.
    let root = tree(&plain);
    root.file("etc/systemd/system/interdict.timer", "[Timer]\nOnCalendar=never\n");
    let run =
        analyze(&["verify", "--man=no", &format!("--root={}", root.path().display()), "interdict.timer"]);
    assert!(run.code != 0 || !run.stderr.trim().is_empty(), "{run:?}");
}

#[test]
fn crons_own_reader_takes_the_file() {
    let file = files(&shown(&["--cron", "*/20 0-6/2 1,15 jan MON-FRI", "--platform", "cron"])).remove(0).1;
    let command = file.lines().last().unwrap();
    assert!(
        command.starts_with("*/20 0-6/2 1,15 jan MON-FRI root /usr/bin/interdict scan --quiet"),
        "{file}"
    );
    if !has("crontab") {
        return skip("no crontab (Debian package cron)");
    }
    let folder = tempfile::tempdir().unwrap();
    let told = |text: &str| {
        let path = folder.path().join("table");
        fs::write(&path, text).unwrap();
        Run::of(Command::new("crontab").arg("-n").arg(path))
    };
    let run = told(&file);
    assert_eq!(run.code, 0, "{run:?}");
    for wrong in ["61 * * * * root x\n", "* * * * root\n"] {
        assert_ne!(told(wrong).code, 0, "{wrong}");
    }
}

/// By cron's own daemon: the report of a scan that nobody started is there within two minutes.
#[test]
fn cron_starts_the_scan() {
    if !Path::new("/usr/sbin/cron").exists() {
        return skip("no cron (Debian package cron)");
    }
    let site = Root::empty();
    let host = Root::debian();
    host.file("var/lib/dpkg/status", "");
    let script = format!(
        "mount -t tmpfs none /var/spool/cron; : >/run/empty; mount --bind /run/empty /etc/crontab; \
         \"$INTERDICT\" schedule install --platform cron --cron '* * * * *' -- scan --root '{}' --output \"json=$SITE/50%/r.json\"; \
         cat /etc/cron.d/interdict; cron -f & cron=$!; \
         for second in $(seq 130); do test -s \"$SITE/50%/r.json\" && break; sleep 1; done; kill $cron; ls \"$SITE/50%\"",
        host.path().display()
    );
    site.dir("50%");
    let Some(run) = walled(&script, site.path()) else { return };
    let report = fs::read_to_string(site.at("50%/r.json"));
    assert!(report.is_ok_and(|report| report.contains("\"verdict\"")), "{run:?}");
}

#[test]
fn another_reader_takes_the_daemon() {
    let args =
        [&["--cron", "5 3,15 * * 1-5", "--jitter", "0", "--platform", "launchd", "--", "scan"], &HOSTILE[..]]
            .concat();
    let (path, text) = files(&shown(&args)).remove(0);
    assert_eq!(path, "/Library/LaunchDaemons/interdict.scan.plist");
    if !has("python3") {
        return skip("no python3");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("daemon.plist");
    fs::write(&file, text).unwrap();
    let program = "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    let daemon = Run::of(Command::new("python3").args(["-c", program]).arg(file)).json();
    let words: Vec<&str> =
        daemon["ProgramArguments"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words, [&["/usr/local/bin/interdict", "scan", "--quiet"], &HOSTILE[..]].concat());
    let times = daemon["StartCalendarInterval"].as_array().unwrap();
    assert_eq!(times.len(), 10);
    assert!(times.contains(&serde_json::json!({ "Weekday": 5, "Hour": 15, "Minute": 5 })));
    assert_eq!((&daemon["Nice"], &daemon["Umask"]), (&19.into(), &0o077.into()));
}

/// As Task Scheduler wants it: UTF-16 with its mark.
fn wide(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

#[test]
fn schtasks_of_wine_takes_the_task_and_no_wrong_one() {
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wine-schedule");
    let Some(wine) = Wine::at(PathBuf::new(), prefix) else { return };
    let folder = tempfile::tempdir().unwrap();
    let create = |text: &str| {
        let file = folder.path().join("task.xml");
        fs::write(&file, wide(text)).unwrap();
        let mut command = wine.command("schtasks");
        command.args(["/Create", "/XML"]).arg(Wine::path(&file)).args(["/TN", "interdict-test", "/F"]);
        Run::of(&mut command).code
    };
    let hostile = [HOSTILE[0], r"json=C:\a b\<r>&'.json"];
    let args = ["--daily", "--platform", "task-scheduler", "--", "scan"];
    let text = files(&shown(&[&args[..], &hostile].concat())).remove(0).1;
    assert_eq!(create(&text), 0, "{text}");
    let kept = wine.drive().join("windows/system32/tasks/interdict-test");
    assert!(kept.is_file());
    assert_ne!(create(&text.replace("<Exec>", "<Else>")), 0, "a wrong one");
    let mut command = wine.command("schtasks");
    assert_eq!(Run::of(command.args(["/Delete", "/TN", "interdict-test", "/F"])).code, 0);
    assert!(!kept.exists());
}

#[test]
fn the_exe_installs_asks_and_removes() {
    let Some(built) = exe() else { return };
    // Where it was built others may write; what is scheduled lies where only administrators do.
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wine-schedule-exe");
    let Some(wine) = Wine::at(built.clone(), prefix) else { return };
    let folder = wine.drive().join("Program Files/interdict");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(built, folder.join("interdict.exe")).unwrap();
    let interdict =
        |args: &[&str]| Run::of(wine.command(r"C:\Program Files\interdict\interdict.exe").args(args));
    let kept = wine.drive().join("windows/system32/tasks/interdict");
    let install = ["schedule", "install", "--cron", "0 6,18 * * 1-5", "--", "scan", "--scope", "system"];
    let run = interdict(&install);
    assert!(run.code == 0 && kept.is_file(), "{run:?}");
    assert!(run.stderr.contains(r"System32\schtasks.exe /Create"), "what runs is said: {run:?}");
    assert!(!wine.drive().join("windows/temp/interdict-task.xml").exists());
    let again = interdict(&install);
    assert!(again.code == 0 && again.stderr.contains("unchanged"), "{again:?}");
    let status = interdict(&["schedule", "status", "--format", "json"]);
    let told = &status.json()["schedules"][0];
    assert!(status.code == 0 && told["enabled"] == true && told["when"] == "0 6,18 * * 1-5", "{status:?}");
    assert_eq!(interdict(&["schedule", "remove"]).code, 0);
    assert!(!kept.exists());
    assert_eq!(interdict(&["schedule", "remove"]).code, 0, "twice");
    assert_eq!(interdict(&["schedule", "status"]).code, 1);
    fs::create_dir_all(kept.parent().unwrap()).unwrap();
    fs::write(&kept, wide("<Task/>")).unwrap();
    let foreign = interdict(&install);
    assert!(foreign.code == 2 && foreign.stderr.contains("did not write it"), "{foreign:?}");
    fs::remove_file(&kept).unwrap();
}

#[test]
fn installed_twice_is_installed_once_and_removed_is_gone() {
    if !has("systemctl") {
        return skip("no systemctl (Debian package systemd)");
    }
    let site = Root::empty();
    let script = "set -x; S=\"$INTERDICT schedule\"; \
        echo other >/etc/systemd/system/other.service; echo other >/etc/cron.d/other; \
        $S install --platform cron --daily; $S install --platform systemd --daily --at 12:30; \
        test ! -e /etc/cron.d/interdict; stat -c %a /etc/systemd/system/interdict.*; \
        test -L /etc/systemd/system/timers.target.wants/interdict.timer; \
        $S install --platform systemd --daily --at 12:30 2>&1 | grep -c 'unchanged /etc'; \
        $S status --format json >$SITE/status.json; $INTERDICT doctor --format json >$SITE/doctor.json || :; \
        $S remove; $S remove 2>&1 | grep 'no schedule'; $S status && exit 9; \
        find /etc/systemd/system /etc/cron.d -type f; find /etc/systemd/system -name 'interdict*'; \
        echo admin >/etc/systemd/system/interdict.service; $S install --platform systemd --daily && exit 9; \
        cat /etc/systemd/system/interdict.service; ls /etc/systemd/system/interdict.timer && exit 9; \
        echo admin >/etc/cron.d/interdict; $S remove; $S install --platform cron --daily && exit 9; cat /etc/cron.d/interdict";
    let Some(run) = walled(script, site.path()) else { return };
    assert_eq!(run.code, 0, "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[..3], ["644", "644", "2"], "{run:?}");
    assert!(
        run.stdout.contains("/etc/systemd/system/other.service\n/etc/cron.d/other\nadmin\nadmin\n"),
        "{run:?}"
    );
    assert!(run.stderr.contains("runs /usr/bin/systemctl --quiet enable interdict.timer"), "{run:?}");
    assert!(run.stderr.contains("did not write it"), "{run:?}");
    let status: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(site.at("status.json")).unwrap()).unwrap();
    let told = &status["schedules"][0];
    assert_eq!((&status["schema"], &told["when"]), (&"interdict.schedule/1".into(), &"30 12 * * *".into()));
    assert_eq!(
        (&told["platform"], &told["enabled"], &told["own"]),
        (&"systemd".into(), &true.into(), &true.into())
    );
    assert_eq!(told["reports"][0]["file"], "/var/lib/interdict/report.json");
    let doctor = fs::read_to_string(site.at("doctor.json")).unwrap();
    assert!(doctor.contains("systemd at '30 12 * * *'"), "{doctor}");
}

#[test]
fn the_doctor_looks_at_what_a_schedule_starts_and_at_the_age_of_its_report() {
    if !Path::new("/usr/sbin/cron").exists() {
        return skip("no cron (Debian package cron)");
    }
    let site = Root::empty();
    let script = "cp \"$INTERDICT\" $SITE/program; S=\"$SITE/program schedule\"; \
        $S install --platform cron --hourly -- scan --output json=$SITE/r.json; \
        touch -d '4 days ago' $SITE/r.json; $SITE/program doctor >$SITE/old || :; \
        touch $SITE/r.json; $SITE/program doctor >$SITE/new || :; \
        rm $SITE/program; \"$INTERDICT\" doctor >$SITE/gone || :";
    let Some(run) = walled(script, site.path()) else { return };
    assert_eq!(run.code, 0, "{run:?}");
    let said = |name: &str| {
        let text = fs::read_to_string(site.at(name)).unwrap();
        text.lines().filter(|line| line.contains(" schedule ")).collect::<Vec<_>>().join("\n")
    };
    assert!(said("old").starts_with("WARN") && said("old").contains("4 day(s) old"), "{}", said("old"));
    assert!(said("new").starts_with("ok") && said("new").contains("cron at '17 * * * *'"), "{}", said("new"));
    assert!(said("gone").starts_with("FAIL") && said("gone").contains("not there"), "{}", said("gone"));
}

#[test]
fn what_could_not_run_at_night_is_an_error_now() {
    for (args, says) in [
        (&["--daily", "--", "scan", "--no-such"][..], "unexpected argument '--no-such'"),
        (&["--daily", "--", "scan", "--help"], "no scan"),
        (&["--daily", "--", "inventory"], "no scan"),
        (&["--daily", "--", "scan", "--policy", "nonsense"], "'nonsense'"),
        (&["--daily", "--policies", "us-commerce;nonsense"], "'nonsense'"),
        (&["--daily", "--", "scan", "--rules", "/no/such"], "/no/such"),
        (&["--daily", "--", "scan", "--output", "r.json"], "begins nowhere"),
        (&["--daily", "--", "scan", "--config", "c.toml"], "begins nowhere"),
        (&["--daily", "--", "scan", "--log", "file:x.log"], "begins nowhere"),
        (&["--daily", "--", "scan", "--output", "nonsense=/r"], "no format 'nonsense'"),
        (&["--daily", "--", "scan", "--output", "/a\nb"], "control characters"),
        (&["--daily", "--config", "/c.toml"], "behind '-- scan'"),
        (&["--cron", "61 * * * *"], "no minute"),
        (&["--cron", "*/10 * * * *", "--jitter", "10m"], "say less"),
        (&["--hourly", "--at", "03:17"], "cannot be used with"),
        (&["--daily", "--at", "3:17"], "as 03:17"),
        (&["--daily", "--jitter", "30"], "with its unit"),
        (&["--daily", "--hourly"], "cannot be used with"),
        (&[], "--daily"),
        (&["--cron", "0 3 */2 * 1", "--platform", "launchd"], "of the week at once"),
        (
            &["--daily", "--platform", "task-scheduler", "--", "scan", "--output", r"C:\%TEMP%\r.json"],
            "variable",
        ),
    ] {
        let run = schedule(&[&["show"], args].concat());
        assert!(run.code == 2 && run.stderr.contains(says), "{args:?}: {run:?}");
    }
}

#[test]
fn who_has_not_the_rights_is_told_the_next_step() {
    for args in [&["schedule", "install", "--daily"][..], &["schedule", "remove"]] {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        let Some(run) = scan_as_nobody(&args) else { return };
        assert!(run.code == 2 && run.stderr.contains("run 'sudo interdict schedule"), "{run:?}");
    }
    let shows: Vec<&OsStr> = ["schedule", "show", "--daily"].map(OsStr::new).to_vec();
    let Some(run) = scan_as_nobody(&shows) else { return };
    assert_eq!(run.code, 0, "{run:?}");
    let foreign = if cfg!(target_os = "macos") { "cron" } else { "launchd" };
    if is_root() {
        let run = schedule(&["install", "--daily", "--platform", foreign]);
        assert!(run.code == 2 && run.stderr.contains("not of this computer"), "{run:?}");
    }
}
