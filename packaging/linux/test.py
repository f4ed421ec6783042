#!/usr/bin/env python3
"""Tries the packages for Linux as an administrator would: packaging/linux/test.py

Makes them twice (the same bytes?), asks lintian, rpmlint and a validator of CycloneDX; then a Debian of its own is started
with its own systemd (systemd-nspawn), in which the .deb is installed by dpkg over an older one, the unit and the timer are
started, the scan's report is compared with that of a scan that nothing confines, the package of the collector is installed and
started beside it, a scheduled scan is delivered to it by the unit that sends, and both are removed and purged. The .rpm are
installed, updated and erased by rpm in the same tree. Needs root on Debian; ends with 77 where a tool is missing.
"""

import filecmp
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import time

COLLECTOR = "interdict-collector"
ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "packaging/linux"
PACKAGES = ROOT / "target/packages"
WORK = PACKAGES / "test"
TREE = WORK / "root"
OLD = "0.0.1"
NEEDS = ["mmdebstrap", "systemd-container", "lintian", "rpmlint", "rpm", "mandoc", "zsh", "systemd"]
VALIDATOR = ["cyclonedx-python-lib[json-validation]==11.12.0"]
# What changes by itself in a Debian that was started, or belongs to dpkg and rpm.
PASSED_OVER = ("proc", "sys", "dev", "run", "tmp", "var/log", "var/tmp", "var/cache", "var/lib/systemd", "var/lib/dpkg", "root",
               "etc/machine-id", "etc/hostname", "etc/resolv.conf", "var/lib/rpm", "etc/localtime", "etc/timezone", "etc/.updated", "var/.updated",
               "etc/.pwd.lock", "etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-", "etc/subuid-", "etc/subgid-")


def say(text):
    print(f"{text} ({time.monotonic() - START:.0f} s)", flush=True)


def fail(text):
    sys.exit(f"fault: {text}")


def check(fact, text):
    if not fact:
        fail(text)


def run(*command, **options):
    """Output of a command that must go well."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout + done.stderr


def package(folder, version=None, umask=0o022, kinds=()):
    """Makes the packages in a folder; answers with their paths."""
    environment = os.environ | {"INTERDICT_PACKAGES": str(folder)}
    if version:
        environment["INTERDICT_VERSION"] = version
    environment.pop("INTERDICT_SIGN", None)
    run(HERE / "package.sh", *kinds, cwd=ROOT, env=environment, umask=umask)
    made = [path for path in folder.iterdir() if path.suffix in (".deb", ".rpm", ".gz")]
    return {("collector-" if path.name.startswith(COLLECTOR) else "") + path.suffix[1:]: path for path in made}


def same_bytes():
    """The packages, made twice."""
    new, again = package(WORK / "new"), package(WORK / "again", umask=0o077)
    for kind, path in new.items():
        check(filecmp.cmp(path, again[kind], shallow=False), f"{path.name} has other bytes the second time")
    say(f"made twice, the same bytes: {', '.join(sorted(path.name for path in new.values()))}")
    return new


def linted(new):
    """What the distributions' own checkers say; errors and warnings count."""
    said = run("lintian", "--no-cfg", "--fail-on", "error,warning", "--tag-display-limit", "0", new["deb"], new["collector-deb"])
    say(f"lintian: {said.strip() or 'nothing to say'}")
    said = run("rpmlint", "--config", HERE / "rpmlint.toml", new["rpm"], new["collector-rpm"]).strip().splitlines()
    check(" 0 errors, 0 warnings" in said[-1], "\n".join(said))
    say(f"rpmlint: {said[-1].strip('= ')}")
    pages = sorted((WORK / "new/pages").rglob("man/*.1"))
    check(len(pages) > 15, f"only {len(pages)} manual pages")
    said = subprocess.run(["mandoc", "-T", "lint", "-W", "error", *pages], capture_output=True, text=True).stdout
    check(not said, f"mandoc: {said}")
    for shell, file in (("bash", "interdict.bash"), ("zsh", "_interdict")):
        run(shell, "-n", WORK / "new/pages/completions" / file)
        run(shell, "-n", WORK / "new/pages/collector/completions" / file.replace("interdict", COLLECTOR))
    say(f"{len(pages)} manual pages and the completions are well formed")


def bill_of_materials():
    """The bill, by a library that is not ours."""
    venv = ROOT / "target/cyclonedx"
    mark = venv / "packages"
    if not mark.exists() or mark.read_text() != str(VALIDATOR):
        run(sys.executable, "-m", "venv", "--clear", venv)
        run(venv / "bin/pip", "install", "--quiet", *VALIDATOR)
        mark.write_text(str(VALIDATOR))
    program = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(fault) if fault else 0)
"""
    for folder, some in (("linux", {"ring", "ureq"}), ("collector", {"ring", "axum", "SQLite"})):
        bill = WORK / f"new/{folder}/bill/sbom.cdx.json"
        run(venv / "bin/python", "-c", program, bill)
        names = {one["name"] for one in json.loads(bill.read_text())["components"]}
        check(len(names) > 50 and some <= names, "the bill lacks crates")
        check(("SQLite" in names) == (folder == "collector"), "the endpoint has no database")
        say(f"bill of materials: valid CycloneDX 1.6, {len(names)} components")


def debian():
    """A small Debian with systemd and with useradd; its archive is kept for the next time."""
    kept = ROOT / "target/debian-bookworm-passwd.tar"
    if not kept.exists():
        part = kept.with_suffix(".part")
        run("mmdebstrap", "--variant=essential", "--include=systemd,passwd", "--format=tar", "bookworm", part)
        part.rename(kept)
    shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True)
    run("tar", "-C", TREE, "--numeric-owner", "-xf", kept)
    say("a Debian to install in")


def files():
    """Every file and folder of the tree, but for what changes by itself."""
    found = set()
    for folder, below, names in os.walk(TREE):
        for name in below + names:
            path = os.path.relpath(os.path.join(folder, name), TREE)
            if not (path + "/").startswith(tuple(one + "/" for one in PASSED_OVER)):
                found.add(path)
    return found


def is_file(path, mode):
    """A file of root with these permissions."""
    check(stat.S_ISREG((TREE / path).lstat().st_mode), f"{path} is no file")
    belongs(path, mode, "root", "root")


def belongs(path, mode, user, group):
    """Whose it is, by the names of the tree."""
    numbers = [{line.split(":")[0]: int(line.split(":")[2]) for line in (TREE / "etc" / name).read_text().splitlines()} for name in ("passwd", "group")]
    meta, wanted = (TREE / path).lstat(), (numbers[0].get(user), numbers[1].get(group))
    check((meta.st_uid, meta.st_gid) == wanted, f"{path} belongs to {meta.st_uid}:{meta.st_gid}, and not to {user}:{group} {wanted}")
    check(stat.S_IMODE(meta.st_mode) == mode, f"{path}: {oct(meta.st_mode)}, not {oct(mode)}")


def installed():
    for path in ("usr/bin/interdict",):
        is_file(path, 0o755)
    for path in ("etc/interdict/config.toml", "usr/lib/systemd/system/interdict.service", "usr/lib/systemd/system/interdict.timer",
                 "usr/share/man/man1/interdict.1.gz", "usr/share/man/man1/interdict-scan.1.gz",
                 "usr/share/bash-completion/completions/interdict", "usr/share/doc/interdict/sbom.cdx.json"):
        is_file(path, 0o644)
    for unit in ("interdict-ship.service", "interdict-ship.path", "interdict-ship.timer"):
        is_file(f"usr/lib/systemd/system/{unit}", 0o644)
    belongs("var/lib/interdict", 0o700, "root", "root")
    for folder in ("fleet", "fleet/spool"):
        belongs(f"var/lib/interdict/{folder}", 0o2770, "interdict-ship", "interdict-ship")
    check(not list(TREE.glob("etc/systemd/system/**/interdict*")), "nobody asked for the timer")
    strays = [path for path in files() - BEFORE if "interdict" not in path and not (TREE / path).is_dir()]
    check(not strays, f"installed, and not named after the package: {strays}")


def collector_installed():
    is_file(f"usr/bin/{COLLECTOR}", 0o755)
    for path in (f"usr/lib/systemd/system/{COLLECTOR}.service", f"usr/share/man/man1/{COLLECTOR}.1.gz", f"usr/share/man/man1/{COLLECTOR}-serve.1.gz",
                 f"usr/share/bash-completion/completions/{COLLECTOR}", f"usr/share/doc/{COLLECTOR}/sbom.cdx.json"):
        is_file(path, 0o644)
    belongs(f"var/lib/{COLLECTOR}", 0o700, COLLECTOR, COLLECTOR)
    belongs(f"etc/{COLLECTOR}", 0o750, "root", COLLECTOR)
    belongs(f"etc/{COLLECTOR}/config.toml", 0o640, "root", COLLECTOR)
    check(not list(TREE.glob(f"etc/systemd/system/**/{COLLECTOR}*")), "nobody asked for the collector to be started")


def chroot(*command):
    return run("chroot", TREE, *command)


def copy_in(path):
    shutil.copy(path, TREE / "root")
    return f"/root/{path.name}"


def deb(new, old):
    """Installed over an older one in the tree, then started, removed and purged in its own systemd."""
    chroot("dpkg", "-i", copy_in(old["deb"]))
    installed()
    config = TREE / "etc/interdict/config.toml"
    config.write_text('schema = 1\npolicies = ["us-commerce"]\n# edited\n')
    chroot("dpkg", "-i", copy_in(new["deb"]))
    installed()
    check(config.read_text().endswith("# edited\n"), "the upgrade lost the configuration")
    version = run("dpkg-deb", "-f", new["deb"], "Version").strip()
    check(version in chroot("dpkg-query", "-W", "interdict"), "not upgraded")
    chroot("dpkg", "-i", copy_in(old["collector-deb"]))
    collector_installed()
    config = TREE / f"etc/{COLLECTOR}/config.toml"
    config.write_text("log = \"info\"\n# edited\n")
    (TREE / "root" / old["collector-deb"].name).unlink()
    copy_in(new["collector-deb"])
    say("dpkg: installed, and upgraded with its configuration kept")
    unit()

    out = TREE / "root/out"
    shutil.copytree(HERE / "test", TREE / "root/test")
    shutil.copy(HERE / "test/interdict-test.service", TREE / "etc/systemd/system")
    wants = TREE / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "interdict-test.service").symlink_to("../interdict-test.service")
    log = run("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory", TREE, "--boot",
              "systemd.show_status=no", timeout=600, stdin=subprocess.DEVNULL)
    steps = (out / "steps").read_text() if (out / "steps").exists() else log
    check(steps.endswith("end\n"), f"the test in the container stopped:\n{steps[-4000:]}")
    confined, free = (json.loads((out / name).read_text()) for name in ("confined.json", "free.json"))
    sandbox(out)
    sees(confined, free)
    delivered(out)
    for path in ("etc/systemd/system/interdict-test.service", "etc/systemd/system/multi-user.target.wants/interdict-test.service"):
        (TREE / path).unlink()
    run("userdel", "--root", TREE, "--remove", "alice")
    shutil.rmtree(TREE / "usr/lib/modules")
    left = sorted(path for path in files() - BEFORE if "interdict" in path)
    check(not left, f"left after the purge: {left}")
    say("dpkg: its schedule ran and was taken away; removed (timer stopped and disabled) and purged; nothing is left")


def sandbox(out):
    """The unit's walls were there: a container could have gone without them in silence."""
    status = dict(line.split(":\t", 1) for line in (out / "status").read_text().splitlines() if ":\t" in line)
    check(int(status["CapBnd"], 16) == 1 << 2 | 1 << 19, f"capabilities: {status['CapBnd']}")
    check(status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", "no filter of system calls")
    probes = (out / "probes").read_text().split()
    check(probes == ["etc:closed", "home:closed", "state:open", "network:lo"], f"walls of the unit: {probes}")


def delivered(out):
    """What the collector of the other package knows of this computer, told by the unit that sends."""
    host = json.loads((out / "hosts.json").read_text())["rows"]
    check(len(host) == 1 and host[0]["verdict"] in ("compliant", "inconclusive", "non-compliant"), f"hosts: {host}")
    items = json.loads((out / "items.json").read_text())["rows"]
    check(any(row["item"]["name"].startswith("acme_driver") for row in items), "the collector does not know what the scan saw")
    check("/home/alice" not in (out / "items.json").read_text(), "a name of a user was told")
    status = dict(line.split(":\t", 1) for line in (out / "ship-status").read_text().splitlines() if ":\t" in line)
    check(all(int(status[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")), "the unit that sends has a power")
    check(status["Uid"].split()[0] != "0" and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", f"the unit that sends: {status}")
    probes = (out / "ship-probes").read_text().split()
    check(probes == ["report:closed", "spool:open", "etc:closed"], f"walls of the unit that sends: {probes}")
    say("systemd: a scheduled scan without a network was delivered by a user without any power, and without names")


def sees(confined, free):
    """A scan in the unit sees what a scan outside of it sees; and what the issue names is among it."""
    def view(report):
        gaps = [(source["source"], source["status"], json.dumps(source.get("gaps", []), sort_keys=True))
                for source in report["coverage"]["sources"]]
        items = {(item["kind"], item["name"], item.get("path")) for item in report["inventory"]}
        return gaps, items
    (gaps, items), (free_gaps, free_items) = view(confined), view(free)
    check(gaps == free_gaps, f"gaps of the unit: {set(gaps) ^ set(free_gaps)}")
    # Between the scans a process may come or go; what this test made may not.
    text = json.dumps(confined["inventory"])
    for what in ("acme-of-alice", "acme_driver", "/home/alice/acme-running"):
        check(what in text, f"the unit does not see {what}")
    kinds = {kind for kind, _, _ in items ^ free_items}
    check(kinds <= {"executable"}, f"the unit sees something else: {sorted(items ^ free_items)[:10]}")
    check(confined["verdict"] == free["verdict"], f"{confined['verdict']}, {free['verdict']}")
    say(f"systemd: the unit's scan sees what a free one sees ({len(items)} items; verdict {confined['verdict']})")


def rpm(new, old):
    """Installed, updated and erased. A package of the test says what RHEL 7 has, so that nothing is forced."""
    debian()
    tool = ("rpm", "--root", TREE)
    (TREE / "var/lib/rpm").mkdir(parents=True, exist_ok=True)
    run(*tool, "--initdb")
    base = WORK / "base"
    run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {base}", HERE / "test/rhel7.spec")
    run(*tool, "-i", next(base.glob("RPMS/*/*.rpm")))
    run(*tool, "-i", old["rpm"])
    installed()
    config = TREE / "etc/interdict/config.toml"
    config.write_text("schema = 1\n# edited\n")
    run(*tool, "-U", new["rpm"])
    installed()
    check(config.read_text().endswith("# edited\n"), "the update lost the configuration")
    version = chroot("/usr/bin/interdict", "--version").split()[1]
    check(run(*tool, "-q", "--qf", "%{version}", "interdict").replace("~", "-") == version, "not updated")
    scan = subprocess.run(["chroot", TREE, "interdict", "scan", "-q", "-o", "/var/lib/interdict/report.json", "--format", "json"])
    check(scan.returncode in (0, 3), f"first scan: {scan.returncode}")
    for platform, path in (("systemd", "etc/systemd/system/interdict.timer.d/schedule.conf"), ("cron", "etc/cron.d/interdict")):
        (TREE / "etc/cron.d").mkdir(exist_ok=True)
        chroot("interdict", "schedule", "install", "--daily", "--platform", platform)
        is_file(path, 0o644)
    check(not (TREE / "etc/systemd/system/interdict.timer.d").exists(), "two schedules beside one another")
    chroot("interdict", "schedule", "install", "--daily", "--platform", "systemd")
    check((TREE / "etc/systemd/system/timers.target.wants/interdict.timer").is_symlink(), "the timer is not enabled")
    changed = subprocess.run([*tool, "-V", "interdict"], capture_output=True, text=True).stdout.split()
    check(changed[1:] == ["c", "/etc/interdict/config.toml"], f"rpm -V: {changed}")
    run(*tool, "-e", "interdict")
    left = sorted(path for path in files() - BEFORE if "interdict" in path)
    check(left == ["etc/interdict", "etc/interdict/config.toml.rpmsave"], f"left after rpm -e: {left}")
    say("rpm: installed, updated with its configuration kept, erased; only the changed configuration is left, as .rpmsave")
    shutil.rmtree(TREE / "etc/interdict")
    run(*tool, "-i", old["collector-rpm"])
    collector_installed()
    config = TREE / f"etc/{COLLECTOR}/config.toml"
    config.write_text("# edited\n")
    run(*tool, "-U", new["collector-rpm"])
    collector_installed()
    check(config.read_text() == "# edited\n", "the update lost the configuration")
    chroot("setpriv", "--reuid", COLLECTOR, "--regid", COLLECTOR, "--clear-groups", COLLECTOR, "--data", f"/var/lib/{COLLECTOR}", "init")
    run(*tool, "-e", COLLECTOR)
    left = sorted(path for path in files() - BEFORE if "interdict" in path)
    check(f"var/lib/{COLLECTOR}/fleet.sqlite" in left, "the fleet went with the package")
    left = [path for path in left if not path.startswith(f"var/lib/{COLLECTOR}")]
    check(left == [f"etc/{COLLECTOR}", f"etc/{COLLECTOR}/config.toml.rpmsave"], f"left after rpm -e: {left}")
    say("rpm of the collector: installed, updated, erased; the fleet and the changed configuration are left")


def unit():
    """The unit alone: systemd has nothing to say against it, and sees little exposure."""
    for name, most in (("interdict", 20), ("interdict-ship", 15), (COLLECTOR, 15)):
        said = run("systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={most}", f"--root={TREE}", f"{name}.service")
        say(f"systemd-analyze security: {said.strip().splitlines()[-1].strip('→ ')}")
    units = ["interdict.service", "interdict.timer", "interdict-ship.service", "interdict-ship.path", "interdict-ship.timer", f"{COLLECTOR}.service"]
    said = run("systemd-analyze", "verify", "--man=no", f"--root={TREE}", *units).strip()
    check(not said, f"systemd-analyze verify: {said}")
    text = (HERE / "interdict.service").read_text()
    set_here = {line.split("=")[0] for line in text.splitlines() if line[:1].isalpha()}
    blind = {"PrivateTmp", "ProtectKernelModules", "ProtectProc", "ProcSubset", "PrivateUsers", "PrivatePIDs", "InaccessiblePaths",
             "TemporaryFileSystem", "RootDirectory", "RootImage", "ExecPaths", "NoExecPaths", "User", "DynamicUser"}
    check(not set_here & blind, f"blinds the scan: {set_here & blind}")
    check("ProtectHome=read-only" in text.splitlines(), "ProtectHome")
    filters = re.findall(r"^SystemCallFilter=(.)", text + (HERE / "interdict-ship.service").read_text(), re.MULTILINE)
    check(filters and set(filters) == {"~"}, "an old systemd would allow no system call")


def main():
    global BEFORE
    if os.geteuid() != 0:
        print("not root", file=sys.stderr)
        return 77
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True).returncode != 0:
        print("this machine lets nobody make namespaces: no systemd can be started in one", file=sys.stderr)
        return 77
    got = subprocess.run(["bash", "-c", f". packaging/debian.sh; need {' '.join(NEEDS)}"], cwd=ROOT)
    if got.returncode != 0:
        return got.returncode
    shutil.rmtree(WORK, ignore_errors=True)
    new = same_bytes()
    old = package(WORK / "old", OLD, kinds=("deb", "rpm", "collector-deb", "collector-rpm"))
    linted(new)
    bill_of_materials()
    debian()
    BEFORE = files()
    deb(new, old)
    rpm(new, old)
    shutil.rmtree(WORK)
    return 0


if __name__ == "__main__":
    START = time.monotonic()
    BEFORE = set()
    sys.exit(main())
