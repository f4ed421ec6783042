#!/usr/bin/env python3
"""Tries the package for Windows Installer under Wine, and the archive: packaging/windows/test.py

Makes both twice (the same bytes?); then installs an older version silently, upgrades it with its configuration kept, repairs,
scans, and removes. Access rights, which Wine does not set, are looked up in the tables. Ends with 77 where a tool is missing.
"""

import filecmp
import html
import json
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "target/packages/test-windows"
WINE = "/usr/lib/wine/wine64"
SERVER = "/usr/lib/wine/wineserver64"
PREFIX = WORK / "prefix"
DRIVE = PREFIX / "drive_c"
OLD = "0.0.1"
ENVIRONMENT = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
EVENTS = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\interdict"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


def say(text):
    print(f"{text} ({time.monotonic() - START:.0f} s)", flush=True)


def check(fact, text):
    if not fact:
        sys.exit(f"fault: {text}")


def package(folder, version=None, umask=0o022):
    environment = os.environ | {"INTERDICT_PACKAGES": str(folder)}
    if version:
        environment["INTERDICT_VERSION"] = version
    environment.pop("INTERDICT_SIGN", None)
    done = subprocess.run(["packaging/windows/package.sh"], cwd=ROOT, env=environment, umask=umask)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return next(folder.glob("*.msi")), next(folder.glob("*.zip"))


def of_wine():
    environment = {**os.environ, "WINEPREFIX": str(PREFIX), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=", "LC_ALL": "C.UTF-8"}
    environment.pop("DISPLAY", None)
    return environment


def wine(*command):
    """Exit code and output of a program of this Windows."""
    # Not through a pipe: whatever of Windows the program starts holds its end for as long as Windows runs.
    with tempfile.TemporaryFile() as out:
        done = subprocess.run([WINE, *command], env=of_wine(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, timeout=300)
        out.seek(0)
        return done.returncode, out.read().decode(errors="replace")


def started():
    """A Windows that runs until this ends: it is not shut down and started anew for each program, which now and then hung."""
    PREFIX.mkdir()
    # The first program makes and starts it. 'wineboot' by name would do so once more beside: services start twice, and fail.
    shell = subprocess.Popen([WINE, "cmd"], env=of_wine(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        check(select.select([shell.stdout], [], [], 300)[0] and shell.stdout.readline(), "Wine does not start")
    except BaseException:
        stopped(shell)
        raise
    return shell


def stopped(shell):
    subprocess.run([SERVER, "--kill"], env=of_wine())
    shell.wait()


def msiexec(*args, fails=False):
    code, _ = wine("msiexec", *[windows(arg) if isinstance(arg, pathlib.Path) else arg for arg in args], "/qn")
    check((code != 0) == fails, f"msiexec {args}: {code}")


def windows(path):
    return "Z:" + str(path).replace("/", "\\")


def value(key, name):
    """A value of the registry, or none."""
    code, out = wine("reg", "query", key, "/v", name, "/reg:64")
    found = re.search(r"REG_\w+\s+(.*)", out)
    return found.group(1).strip() if code == 0 and found else None


def listed():
    """Our entries among the installed programs: their version."""
    _, out = wine("reg", "query", UNINSTALL, "/s", "/reg:64")
    entries = out.replace("\r", "").split("\n\n")
    mine = [entry for entry in entries if re.search(r"DisplayName\s+REG_SZ\s+interdict\b", entry)]
    return [dict(re.findall(r"^ +(\w+) +REG_\w+ +(.*?) *$", entry, re.MULTILINE)) for entry in mine]


def tables(msi):
    """What only a real Windows does: it is in the package."""
    def table(name):
        # It writes icons into the folder that it runs in.
        return subprocess.run(["msiinfo", "export", str(msi), name], check=True, capture_output=True, text=True, cwd=WORK).stdout
    rights = table("MsiLockPermissionsEx")
    for thing in ("DATADIR\tCreateFolder", "config.toml\tFile"):
        check(re.search(rf"{thing}\tO:BAG:SYD:PAI\(A;(OICI)?;FA;;;SY\)\(A;(OICI)?;FA;;;BA\)", rights), f"rights of {thing}")
    for line in rights.splitlines():
        for access in re.findall(r";(\w+);;;BU", line):
            check(access in ("FR", "0x1200a9"), f"users may more than read: {access}")
    check("\t*\tDATADIR\t2" in table("RemoveFile"), "files of other names would be left")
    check("LockPermissions" not in subprocess.run(["msiinfo", "tables", str(msi)], capture_output=True, text=True).stdout.split(), "error 1941")
    check("ARPPRODUCTICON\tinterdict.ico" in table("Property") and "interdict.ico" in table("Icon"), "the icon")
    known = {"README.md", "NOTICE.txt", "config.toml", "interdict.exe"}
    check(known <= set(re.findall(r"[\w.]+", table("File"))), "files")


def installed(version, policy):
    for name in ("interdict.exe", "README.md", "NOTICE.txt", "LICENSE-MIT.txt", "sbom.cdx.json", "completion.ps1"):
        check((DRIVE / "Program Files/interdict" / name).is_file(), f"no {name}")
    check((DRIVE / "ProgramData/interdict/config.toml").is_file(), "no configuration")
    path = value(ENVIRONMENT, "PATH") or ""
    check(path.lower().count(r"c:\program files\interdict") == 1, f"the search path: {path}")
    said = [value(r"HKLM\SOFTWARE\interdict", name) for name in ("Policy", "Schedule")]
    check(said == [policy, "daily"], f"policy and schedule that were said: {said}")
    check(value(EVENTS, "EventMessageFile") == r"%SystemRoot%\System32\EventCreate.exe", "the source of events")
    check(scheduled() == ("17 3 * * *", [policy]), f"the schedule: {scheduled()}")
    entries = listed()
    check(len(entries) == 1, f"installed programs: {entries}")
    entry = entries[0]
    check(entry["DisplayVersion"] == version and entry["Publisher"] == "The interdict authors", f"{entry}")
    check(entry.get("NoModify") == "0x1" and "HelpLink" in entry, f"{entry}")
    check(entry.get("InstallLocation", "").lower() == "c:\\program files\\interdict\\", f"{entry}")


def scheduled():
    """When and by which policies the task scans; none where there is no task."""
    task = DRIVE / "windows/system32/tasks/interdict"
    if not task.exists():
        return None
    # Windows writes UTF-16, Wine UTF-8.
    text = html.unescape(task.read_text("utf-8-sig"))
    mark = json.JSONDecoder().raw_decode(text[text.index("interdict schedule: {") + len("interdict schedule: "):])[0]
    words = mark["arguments"]
    check(mark["program"].lower() == r"c:\program files\interdict\interdict.exe", f"{mark}")
    return mark["when"], [words[at + 1] for at, word in enumerate(words) if word == "--policy"]


def removed(path):
    check(scheduled() is None, "the schedule is left")
    folders = [DRIVE / folder for folder in ("Program Files/interdict", "ProgramData/interdict")]
    left = [(folder.name, sorted(one.name for one in folder.rglob("*"))) for folder in folders if folder.exists()]
    check(not left, f"left: {left}")
    # Wine leaves the separator.
    check((value(ENVIRONMENT, "PATH") or "").rstrip(";") == (path or "").rstrip(";"), f"the search path: {value(ENVIRONMENT, 'PATH')}, not {path}")
    check(wine("reg", "query", r"HKLM\SOFTWARE\interdict", "/reg:64")[0] != 0 and not listed(), "left in the registry")
    check(wine("reg", "query", EVENTS, "/reg:64")[0] != 0, "the source of events is left")


def tried(new, old):
    version = re.search(r"interdict-([\d.]+)", new.name).group(1)
    before = value(ENVIRONMENT, "PATH")
    for wrong in ("SCHEDULE=weekly", "SCHEDULE=Daily"):
        msiexec("/i", old, wrong, fails=True)
        check(not listed() and scheduled() is None, f"{wrong} installed something")
    # What would be more arguments of what runs as SYSTEM.
    for wrong in ('POLICY=us-commerce" "--jitter=0', 'POLICY=us-commerce"', 'POLICY="'):
        msiexec("/i", old, "SCHEDULE=daily", wrong, fails=True)
        check(not listed() and scheduled() is None, f"{wrong} installed something")
    msiexec("/i", old, "SCHEDULE=daily", "POLICY=no-such-policy", fails=True)
    check(not listed() and scheduled() is None, "a wrong policy installed something")
    say("a schedule or a policy that there is not fails the installation")
    msiexec("/i", old, "POLICY=us-commerce", "SCHEDULE=daily")
    installed(OLD, "us-commerce")
    say("installed silently: files, search path, policy and schedule, entry among the programs")
    data, program = DRIVE / "ProgramData/interdict", DRIVE / "Program Files/interdict/interdict.exe"
    config = data / "config.toml"
    config.write_text('schema = 1\npolicies = ["us-federal"]\n')
    (data / "report.json").write_text("{}")
    (data / "fleet/spool").mkdir(parents=True)
    (data / "fleet/fleet.json").write_text("{}")
    msiexec("/i", new)
    installed(version, "us-commerce")
    check("us-federal" in config.read_text() and (data / "report.json").exists(), "the upgrade lost the configuration or the report")
    say("upgraded: configuration, report, policy and schedule are kept, one entry")
    exe = r"C:\Program Files\interdict\interdict.exe"
    code, out = wine(exe, "schedule", "install", "--hourly")
    check(code == 0 and scheduled() == ("17 * * * *", []), f"schedule install: {code} {out} {scheduled()}")
    code, out = wine(exe, "schedule", "status", "--format", "json")
    told = json.loads(out)["schedules"]
    check(code == 0 and told[0]["platform"] == "task-scheduler" and told[0]["enabled"] and told[0]["program_exists"], out)
    program.unlink()
    # What /f does: Wine's msiexec does not know it.
    msiexec("/i", new, "REINSTALL=ALL", "REINSTALLMODE=omus")
    installed(version, "us-commerce")
    check("us-federal" in config.read_text(), "the repair lost the configuration")
    say("repaired: program and schedule are back, the configuration is kept")
    config.write_text("schema = 1\n")
    code, out = wine(r"C:\Program Files\interdict\interdict.exe", "scan", "--format", "json", "-q")
    check(code in (0, 1, 3) and json.loads(out)["exit_code"] == code, f"first scan: {code}")
    say(f"first scan: exit code {code}")
    msiexec("/x", new)
    removed(before)
    say("removed: nothing is left")
    # Apart from the upgrade: Wine forgets the upgrade code when it removes the older version.
    # Installed as a group policy does.
    script = shutil.copy(ROOT / "docs/deploy/windows/install.cmd", new.parent)
    for time_of_day in ("first", "second"):
        code, out = wine("cmd", "/c", windows(script))
        check(code == 0, f"install.cmd, the {time_of_day} start: {code} {out}")
        installed(version, "us-commerce")
    code, _ = wine("msiexec", "/i", windows(old), "/qn")
    check(code != 0 and listed()[0]["DisplayVersion"] == version, "an older version went over a newer one")
    msiexec("/x", new)
    removed(before)
    msiexec("/i", new, "SCHEDULE=hourly", "POLICY=us-commerce; us-federal")
    check(scheduled() == ("17 * * * *", ["us-commerce", "us-federal"]), f"two policies: {scheduled()}")
    msiexec("/x", new)
    removed(before)
    msiexec("/i", new)
    check(scheduled() is None, "a schedule that nobody asked for")
    msiexec("/x", new)
    removed(before)
    say("installed by install.cmd; an older version does not go over a newer one")


def main():
    for tool, package_name in (("wixl", "wixl"), ("msibuild", "msitools"), (WINE, "wine64")):
        if not shutil.which(tool):
            print(f"no {tool} (Debian package {package_name})", file=sys.stderr)
            return 77
    shutil.rmtree(WORK, ignore_errors=True)
    new, archive = package(WORK / "new")
    for one, again in zip((new, archive), package(WORK / "again", umask=0o077)):
        check(filecmp.cmp(one, again, shallow=False), f"{one.name} has other bytes the second time")
    say("made twice, the same bytes")
    old, _ = package(WORK / "old", OLD)
    with zipfile.ZipFile(archive) as packed:
        check(packed.testzip() is None and any(name.endswith("/interdict.exe") for name in packed.namelist()), "the archive")
    tables(new)
    windows_runs = started()
    try:
        tried(new, old)
        check(windows_runs.poll() is None, "Windows was shut down meanwhile")
    finally:
        stopped(windows_runs)
    shutil.rmtree(WORK)
    return 0


if __name__ == "__main__":
    START = time.monotonic()
    sys.exit(main())
