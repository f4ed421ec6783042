#!/usr/bin/env python3
"""What interdict is made of, for its packages: from Cargo.lock and the licence files of the crates themselves.

    packaging/bill.py sbom   TARGET [PROGRAM]   a bill of materials: CycloneDX 1.6, JSON
    packaging/bill.py notice TARGET [PROGRAM]   the licences of all that is linked into the program, as text

TARGET is a target triple: other systems link other crates. PROGRAM is interdict or interdict-collector. What only builds the program (macros, tests) is left out. The time
in the bill is SOURCE_DATE_EPOCH. A crate without a licence text is a fault, but for the Apache License, which is the same for all.
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import tomllib
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEXTS = re.compile(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|UNLICENSE)([-._].*)?$", re.IGNORECASE)
# Of a choice of licences the first of these is taken.
CHOICE = ["MIT", "Apache-2.0", "Zlib", "BSD-3-Clause", "ISC"]
# `--target` of packaging/windows/build.sh and packaging/linux/build.sh: what is linked in that is no crate.
RUNTIMES = {
    "linux": [],
    "windows": [
        ("mingw-w64 runtime", "ZPL-2.1", "Parts of the MinGW-w64 runtime: https://www.mingw-w64.org, COPYING.MinGW-w64-runtime.txt"),
        ("libgcc", "GPL-3.0-or-later WITH GCC-exception-3.1",
         "The unwinder of GCC, linked under the GCC Runtime Library Exception: https://gcc.gnu.org/onlinedocs/libstdc++/manual/license.html"),
    ],
    "darwin": [],
}
# What crates bring along that is no crate.
WITHIN = {"libsqlite3-sys": ("SQLite", "blessing", "The database, in the public domain: https://www.sqlite.org/copyright.html")}


def packages(target, program):
    """The package itself, and of every crate that is linked in its metadata and what it uses."""
    features = ["--features", "collector"] if program == "interdict-collector" else []
    command = ["cargo", "metadata", "--locked", "--no-default-features", *features, "--format-version", "1", "--filter-platform", target]
    data = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    known = {package["id"]: package for package in data["packages"]}
    macros = {id for id, package in known.items() if any("proc-macro" in one["kind"] for one in package["targets"])}
    uses = {}
    for node in data["resolve"]["nodes"]:
        linked = [dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
        uses[node["id"]] = sorted(id for id in linked if id not in macros)
    own, todo, seen = data["resolve"]["root"], [data["resolve"]["root"]], set()
    while todo:
        id = todo.pop()
        if id not in seen:
            seen.add(id)
            todo += uses[id]
    crates = sorted((known[id] for id in seen - {own}), key=lambda one: (one["name"], one["version"]))
    return known[own] | {"name": program}, crates, uses


def compiler():
    """Version of the compiler, whose standard library is linked in. RUSTC names it, where it is not the one in the path."""
    text = subprocess.run([os.environ.get("RUSTC", "rustc"), "--version"], check=True, capture_output=True, text=True).stdout
    return text.split()[1]


def runtimes(target, crates):
    brought = [part for crate, part in WITHIN.items() if any(one["name"] == crate for one in crates)]
    return next(parts for system, parts in RUNTIMES.items() if system in target) + brought


def licence(package):
    """As SPDX writes it: old manifests have a slash for a choice."""
    return package["license"].replace("/", " OR ")


def sbom(target, program):
    own, crates, uses = packages(target, program)
    checksums = {(one["name"], one["version"]): one.get("checksum")
                 for one in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    names = {own["id"]: f"pkg:cargo/{own['name']}@{own['version']}"}
    names |= {one["id"]: purl(one) for one in crates}
    components = [component(one, checksums[one["name"], one["version"]]) for one in crates]
    std = {"type": "library", "name": "std", "version": compiler(), "bom-ref": "rust-std",
           "description": "the standard library of Rust", "licenses": [{"expression": "MIT OR Apache-2.0"}]}
    components.append(std)
    refs = []
    for name, terms, what in runtimes(target, crates):
        refs.append(name.replace(" ", "-"))
        components.append({"type": "library", "name": name, "bom-ref": refs[-1], "description": what,
                           "licenses": [{"expression": terms}] if " " in terms else [{"license": {"id": terms}}]})
    depends = [{"ref": names[id], "dependsOn": sorted({names[one] for one in uses[id]} - {names[id]})} for id in sorted(names)]
    for one in depends:
        if one["ref"] == names[own["id"]]:
            one["dependsOn"] = sorted(one["dependsOn"] + ["rust-std"] + refs)
    when = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.UTC)
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycles": [{"phase": "build"}],
            "component": component(own, None) | {"type": "application"},
            "properties": [{"name": "interdict:target", "value": target}],
        },
        "components": components,
        "dependencies": sorted(depends, key=lambda one: one["ref"]),
    }
    # The same bill has the same number.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill, sort_keys=True))
    print(json.dumps({"$schema": bill.pop("$schema"), "serialNumber": f"urn:uuid:{serial}", **bill}, indent=1))


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version'].replace('+', '%2B')}"


def component(package, checksum):
    made = {"type": "library", "name": package["name"], "version": package["version"], "bom-ref": purl(package),
            "purl": purl(package), "licenses": [{"expression": licence(package)}]}
    if package["description"]:
        made["description"] = " ".join(package["description"].split())
    if package["repository"] and not package["repository"].startswith("https://example"):
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    if checksum:
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return made


def texts(package):
    """The licence texts that hold: of a choice the one that is taken, else all."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = sorted(file for file in folder.iterdir() if file.is_file() and TEXTS.match(file.name))
    words = licence(package)
    if not files and "Apache-2.0" in re.split(r" OR ", words):
        # Its text is the same for all, and names nobody.
        return "Apache-2.0", [ROOT / "LICENSE-APACHE"]
    if "AND" not in words:
        for choice in CHOICE:
            if choice in re.split(r" OR ", words):
                word = choice.split("-")[0].upper()
                mine = [file for file in files if word in file.name.upper() and "WITH" not in file.name]
                return choice, mine or files
    return words, files


def notice(target, program):
    own, crates, _ = packages(target, program)
    print(f"{program} {own['version']} for {target}\n")
    print(f"{program} itself: Apache-2.0 OR MIT. Linked into the program, under the licences below:\n")
    by_text, bare = {}, []
    for package in crates:
        taken, files = texts(package)
        print(f"  {package['name']} {package['version']}: {licence(package)}" + (f", taken as {taken}" if taken != licence(package) else ""))
        if not files:
            bare.append(package["name"])
        for file in files:
            text = file.read_text(errors="replace").replace("\r\n", "\n").strip()
            by_text.setdefault(text, []).append(f"{package['name']} {package['version']}")
    print(f"  the standard library of Rust {compiler()}: MIT OR Apache-2.0, taken as MIT,")
    print("    copyright (c) The Rust Project Contributors; https://github.com/rust-lang/rust")
    for name, terms, what in runtimes(target, crates):
        print(f"  {name}: {terms}")
        print(textwrap.indent(textwrap.fill(what, 110), "    "))
    if bare:
        sys.exit(f"without a licence text: {', '.join(bare)}")
    for text, users in by_text.items():
        print(f"\n\n{'=' * 100}\n{textwrap.fill(', '.join(sorted(set(users))), 100)}\n{'-' * 100}\n\n{text}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("sbom", "notice"):
        sys.exit(__doc__)
    {"sbom": sbom, "notice": notice}[sys.argv[1]](sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else "interdict")
