#!/usr/bin/env python3
"""What a collector takes: a fleet that is made of real scans against a collector of its own, on this machine.

    benches/scale.py                 5,000 hosts; a bound that is not kept is a fault (in CI)
    just scale                       100,000 hosts, written down with date and machine, and pictures of the console

The programs are built by Cargo, as they are shipped, unless INTERDICT_COLLECTOR,
INTERDICT_LOADGEN and INTERDICT_PROGRAM name them. The generator runs on the same machine and takes a good part of it.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What must be reached on two cores, the generator included: a second, bytes, milliseconds, MB, seconds.
NEW_CONNECTION, KEPT_CONNECTION, A_DAY = 300, 2000, 500
BYTES, QUESTION, PEAK = 600, 100, 300
FIRST_FOUND, ALL_JUDGED = 5, 60
# Who looks at the console.
PERSON = "ann", "as long as it has to be"
# A page of the console: milliseconds and bytes, its answer as it comes.
PAGE_MS, PAGE_BYTES = 300, 300_000
# Rules of a vendor that nobody knew, by what one host of a hundred or so has.
VENDOR = """schema = 1
[vendor]
id = "newly-named"
name = "Newly named"
[[product]]
id = "newly-named.program"
name = "Its program"
[[product.indicator]]
kind = "{kind}"
name = {{ exact = ["{name}"] }}
strength = "strong"
source = "benches/scale.py"
"""
POLICY = """schema = 1
[policy]
id = "scale"
title = "Scale"
effective = 2020-01-01
min_depth = "quick"
min_scope = "system"
[[prohibition]]
id = "scale.newly-named"
vendor = "newly-named"
"""
MANIFEST = """schema = 1
[ruleset]
name = "scale"
version = 1
released = 2026-01-01
"""
# Hosts of the tests that are not Linux, for the other families.
GOLDEN = ["windows", "macos"]


def cargo(profile, *names):
    """Programs, built."""
    command = ["cargo", "build", "--locked", "--quiet", "--profile", profile]
    for name in names:
        command += ["--bin", name]
    subprocess.run(command, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return [target / profile / name for name in names]


def program(variable, profile, name):
    return pathlib.Path(os.environ[variable]).resolve() if variable in os.environ else cargo(profile, name)[0]


def certificate(folder):
    """`ca.pem`, and `cert.pem` that it signed, of this computer."""
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\n")
    for line in (f"req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
                 f"req {key} -subj /CN=collector -keyout key.pem -out cert.csr",
                 "x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem"):
        subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True)


def reports(scanner, folder):
    """This machine's scan, and those of the hosts that tests keep."""
    found = []
    scans = [("here", [])] + [(path.parent.name, ["--root", path]) for path in golden()]
    for name, root in scans:
        path = folder / f"{name}.json"
        command = [scanner, "--no-config", "scan", "--quiet", "--with-inventory", "--format", "json", "--output", path, *root]
        done = subprocess.run(command, env=os.environ | {"INTERDICT_STATE": str(folder / "state")})
        if done.returncode in (0, 1, 3):
            found.append(path)
    return found


def golden():
    # A host with a registry is made of its text by the tests, and is none before.
    return sorted(path for path in (ROOT / "tests/hosts").glob("*/root") if path.is_dir() and not (path.parent / "registry.toml").exists())


class Collector:
    """One that runs, on a folder of its own."""

    def __init__(self, path, folder):
        self.data, config, self.log = folder / "data", folder / "config.toml", folder / "log"
        config.write_text(f'listen = "127.0.0.1:0"\nlog = "warn,interdict::collector::serve=info"\n[tls]\ncert = "{folder}/cert.pem"\nkey = "{folder}/key.pem"\n'
                          "[limits]\nhost_burst = 1000\nhost_per_minute = 1000\n")
        self.child = subprocess.Popen([path, "--config", config, "--data", self.data, "serve"], stderr=self.log.open("w"), stdout=subprocess.DEVNULL)
        end = time.monotonic() + 60
        self.url = None
        while not self.url:
            if time.monotonic() > end or self.child.poll() is not None:
                sys.exit(f"the collector does not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)
            for line in self.log.read_text().splitlines():
                record = json.loads(line) if line.startswith("{") else {}
                self.url = record.get("at") if record.get("message") == "listening" else self.url

    def peak(self):
        """Megabytes that it has held at most."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024

    def cpu(self):
        """Seconds of the processor that it has had."""
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, path, body=None, method="GET"):
        """An answer of its API, to the first token."""
        token = (self.data / "first-admin-token").read_text().strip()
        body = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", body, {"authorization": f"Bearer {token}", "content-type": "application/json"},
                                         method=method)
        trusted = ssl.create_default_context(cafile=self.data.parent / "ca.pem")
        with urllib.request.urlopen(request, context=trusted) as answer:
            return json.load(answer)

    def console(self):
        """An opener that is signed in, by the set-up token."""
        trusted = ssl.create_default_context(cafile=self.data.parent / "ca.pem")
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusted), urllib.request.HTTPCookieProcessor())
        form = {"token": (self.data / "console-set-up-token").read_text().strip(), "name": PERSON[0], "password": PERSON[1]}
        with opener.open(f"{self.url}/set-up", urllib.parse.urlencode(form).encode()) as answer:
            answer.read()
        return opener

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def expect(collector, running, hosts):
    """Says which hosts there ought to be, by the names of the generator: some of them never come, and as many come that nobody expects."""
    rows = (f"host-{number:06},owner {number % 50},department {number % 9},scale\n" for number in range(hosts // 100, hosts + hosts // 100))
    path = running.data.parent / "hosts.csv"
    path.write_text("name,owner,department,tags\n" + "".join(rows))
    subprocess.run([collector, "--data", running.data, "expected", "import", path], check=True, capture_output=True)


def pages(running):
    """Every page of the console that tells of hosts: milliseconds of five answers, and bytes."""
    opener = running.console()
    host = running.ask("findings?limit=1")["rows"][0]["host"]
    item = running.ask("items?limit=1&name=lib")["rows"][0]["item"]["id"]
    reports = f"hosts/{host}/compare"
    paths = ["", "report", "findings", "hosts", "hosts?verdict=unknown", "hosts?verdict=non-compliant", "hosts?stale=true",
             "hosts?name=host-001", "hosts?expected=any", "hosts?expected=never", f"hosts/{host}", reports, "software", "software?name=lib",
             f"software/{item}", "coverage", "policies", "waivers", "audit", "settings"]
    figures = {}
    for path in paths:
        took = []
        for _ in range(5):
            start = time.monotonic()
            with opener.open(f"{running.url}/{path}") as answer:
                body = answer.read()
            took.append(1000 * (time.monotonic() - start))
            if urllib.parse.urlsplit(answer.geturl()).path == "/sign-in":
                sys.exit("the console's session has ended")
        figures["/" + path.replace(host, "ID").replace(item, "ID")] = {"p50_ms": round(sorted(took)[2], 1), "max_ms": round(max(took), 1), "bytes": len(body)}
    return figures


def judged_anew(running, collector, scanner, folder):
    """Rules of another vendor and a policy of it for every host: seconds until the first is found, and until all are judged."""
    rules, key = folder / "rules", folder / "rules.key"
    rules.mkdir()
    # By what every scan reads, where there is such a thing.
    kinds = ["package", "application", "service"]
    evidence = [one for row in running.ask("findings?limit=1000")["rows"] for one in row["finding"]["evidence"]]
    found = min(evidence, key=lambda one: (kinds + [one["kind"]]).index(one["kind"]))
    texts = {"vendor": VENDOR.format(**found), "policy": POLICY, "ruleset": MANIFEST}
    for name, text in texts.items():
        (rules / f"{name}.toml").write_text(text)
    subprocess.run([scanner, "rules", "keygen", "--no-password", "--secret-key", key, "--public-key", folder / "rules.pub"], check=True, capture_output=True)
    subprocess.run([scanner, "rules", "sign", rules, "--secret-key", key], check=True, capture_output=True)
    subprocess.run([collector, "--data", running.data, "rules", "push", "--activate", "--trusted-key", folder / "rules.pub", rules], check=True, capture_output=True)

    rules_alone = judged(running, time.monotonic())
    start = time.monotonic()
    running.ask("assignments", {"tag": None, "policies": ["us-commerce", "scale"]}, "PUT")
    while not running.ask("findings?policy=scale&limit=100")["rows"]:
        time.sleep(0.05)
    first = round(time.monotonic() - start, 1)
    return {"other_rules_s": rules_alone, "first_found_s": first, "all_judged_s": judged(running, start)}


def judged(running, since):
    """Seconds until every host is judged by the last law."""
    while not running.ask("jobs")[0]["ended_at"]:
        if time.monotonic() > since + 1800:
            sys.exit(f"hosts are not judged anew: {running.ask('jobs')[0]}")
        time.sleep(0.2)
    return round(time.monotonic() - since, 1)


def pictures(running, folder):
    """Pictures of the console, one finding being waived."""
    finding = running.ask("findings?limit=1")["rows"][0]
    expires = datetime.date.today() + datetime.timedelta(days=30)
    waiver = {"whose": {"host": finding["host"]}, "excepted": {"waiver": {"prohibition": finding["finding"]["prohibition"]}},
              "reason": "Replaced with the laptop itself next month", "owner": "IT security", "expires": expires.isoformat()}
    running.ask("exceptions", waiver, "POST")
    judged(running, time.monotonic())
    subprocess.run([ROOT / "tests/console/pictures.py", running.url, folder], env=os.environ | {"INTERDICT_PERSON": ":".join(PERSON)}, check=True)


def faults(figures):
    """Bounds that are not kept."""
    loads, found = figures["loads"], []

    def least(name, bound):
        got = loads[name]["per_second"]
        if got < bound:
            found.append(f"{name}: {got} a second, not {bound}")

    least("unchanged-new-connection", NEW_CONNECTION)
    least("unchanged-kept-connection", KEPT_CONNECTION)
    least("a-day", A_DAY)
    for name in ("unchanged-new-connection", "unchanged-kept-connection"):
        if loads[name]["bytes_each"] >= BYTES or loads[name]["calls_each"] != 1:
            found.append(f"{name}: {loads[name]['bytes_each']} bytes in {loads[name]['calls_each']} calls")
    slow = {path: one["p95_ms"] for path, one in figures["questions"].items() if one["p95_ms"] >= QUESTION}
    if slow:
        found.append(f"questions: p95 {slow} ms")
    slow = {path: one for path, one in figures["pages"].items() if one["max_ms"] >= PAGE_MS or one["bytes"] >= PAGE_BYTES}
    if slow:
        found.append(f"pages: {slow}")
    anew = figures["anew"]
    if anew["first_found_s"] >= FIRST_FOUND or anew["all_judged_s"] >= ALL_JUDGED:
        found.append(f"judging anew: {anew}")
    if figures["collector_peak_mb"] >= PEAK:
        found.append(f"the collector has held {figures['collector_peak_mb']} MB")
    return found


def machine():
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) >> 20
    return f"{os.cpu_count()} cores ({model}), {memory} GB, Linux {platform.release().split('-')[0]}"


def page(figures):
    names = {"enrol": "enrolment", "first": "first report, whole: head, sets, bodies of what is new",
             "unchanged-new-connection": "unchanged, each with a new TLS connection", "unchanged-kept-connection": "unchanged, on kept connections",
             "a-day": "a day: one host of twenty has changed", "all-change": "every host has changed, in a twentieth of what it holds",
             "meanwhile": "a day, while questions are asked"}
    rows = "\n".join(f"| {names[name]} | {one['count']:,} | {one['per_second']:,.0f} | {one['bytes_each']:,} | {one['p50_ms']} | {one['p95_ms']} |"
                     for name, one in sorted(figures["loads"].items(), key=lambda pair: list(names).index(pair[0])))
    asked = "\n".join(f"| `{path}` | {one['p50_ms']} | {one['p95_ms']} |" for path, one in figures["questions"].items())
    pages = "\n".join(f"| `{path}` | {one['p50_ms']} | {one['max_ms']} | {one['bytes'] / 1000:.0f} |" for path, one in figures["pages"].items())
    return f"""# What a collector takes

{figures['hosts']:,} hosts that hold {figures['items_a_host']} items each, {figures['unique_items']:,} different ones over the fleet: made of real scans, with other versions of what was
seen there. One collector, SQLite, TLS; {figures['threads']} connections at a time. The generator runs on the same machine and is part of the load.
Measured {figures['date']} on {figures['machine']} by `just scale`; `benches/scale.py` holds a fleet of 5,000 to its bounds.

| what comes | reports | a second | bytes of bodies, both ways | p50 ms | p95 ms |
|---|---|---|---|---|---|
{rows}

| question, while hosts come | p50 ms | p95 ms |
|---|---|---|
{asked}

| page of the console, of five answers | p50 ms | slowest, ms | kB |
|---|---|---|---|
{pages}

A new policy of a vendor that no rule knew before: the first hosts with it after {figures['anew']['first_found_s']} s, all judged after
{figures['anew']['all_judged_s']} s; other rules under the same policies: {figures['anew']['other_rules_s']} s.

The collector held {figures['collector_peak_mb']:.0f} MB at most, had {figures['collector_cpu_seconds']:.0f} s of the processor, and its database has {figures['database_mb']:,.0f} MB.
"""


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--hosts", type=int, default=5000)
    args.add_argument("--seconds", type=int, default=15)
    args.add_argument("--threads", type=int, default=32)
    args.add_argument("--page", type=pathlib.Path, help="where the figures are written down")
    args.add_argument("--pictures", type=pathlib.Path, help="a folder for pictures of the console (tests/console/pictures.py)")
    args.add_argument("--figures", action="store_true", help="print them and hold them against nothing")
    args = args.parse_args()
    if not shutil.which("openssl"):
        print("no openssl", file=sys.stderr)
        return 77
    collector = program("INTERDICT_COLLECTOR", "server", "interdict-collector")
    generator, scanner = program("INTERDICT_LOADGEN", "server", "interdict-loadgen"), program("INTERDICT_PROGRAM", "release", "interdict")
    with tempfile.TemporaryDirectory(dir=ROOT / "target" if (ROOT / "target").is_dir() else None) as folder:
        folder = pathlib.Path(folder)
        certificate(folder)
        found = reports(scanner, folder)
        running = Collector(collector, folder)
        try:
            expect(collector, running, args.hosts)
            command = [generator, "--url", running.url, "--ca", folder / "ca.pem", "--secret-file", running.data / "first-enrolment-secret",
                       "--token-file", running.data / "first-admin-token", "--hosts", args.hosts, "--seconds", args.seconds, "--threads", args.threads, *found]
            done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
            if done.returncode != 0:
                sys.exit(f"the load has failed; the collector says:\n{running.log.read_text()[-3000:]}")
            figures = json.loads(done.stdout) | {
                "pages": pages(running),
                "anew": judged_anew(running, collector, scanner, folder),
                "collector_peak_mb": round(running.peak(), 1), "collector_cpu_seconds": round(running.cpu(), 1),
                "database_mb": round(sum(path.stat().st_size for path in running.data.iterdir()) / 1e6, 1),
                "date": datetime.date.today().isoformat(), "machine": machine(),
            }
            if args.pictures:
                pictures(running, args.pictures)
        finally:
            running.stop()
    print(json.dumps(figures, indent=1))
    if args.page:
        args.page.write_text(page(figures))
    found = [] if args.figures else faults(figures)
    for fault in found:
        print(f"fault: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
