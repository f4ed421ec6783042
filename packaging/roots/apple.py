#!/usr/bin/env python3
"""Makes src/parse/roots_apple.bin and packaging/roots/apple.txt: Apple's roots, which vouch for programs of macOS.

    cargo new /tmp/apple && cd /tmp/apple && cargo add apple-codesign@=0.29.0 && cargo fetch
    packaging/roots/apple.py ~/.cargo/registry/src/*/apple-codesign-0.29.0/src/apple-certs

Takes from Apple's certificates, as the crate carries them, those three whose fingerprints stand below: Apple publishes
them (apple.com/certificateauthority), and many programs print them. Kept are facts: name and public key.
No certificate is copied.
"""

import hashlib
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
# SHA-1 and SHA-256 of each certificate.
ROOTS = {
    "Apple Root CA": (
        "AppleIncRootCertificate.cer",
        "611e5b662c593a08ff58d14ae22452d198df6c60",
        "b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024",
    ),
    "Apple Root CA - G2": (
        "AppleRootCA-G2.cer",
        "14698989bfb2950921a42452646d37b50af017e2",
        "c2b9b042dd57830e7d117dac55ac8ae19407d38e41d88f3215bc3a890444a050",
    ),
    "Apple Root CA - G3": (
        "AppleRootCA-G3.cer",
        "b52cb02fd567e0359fe8fa4d4c41037970fe01b0",
        "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179",
    ),
}


def tlv(data, at):
    """Start of the contents, end."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        digits = length & 0x7F
        length, start = int.from_bytes(data[start : start + digits], "big"), start + digits
    return start, start + length


def children(data, at):
    """Where each value inside the one at `at` begins."""
    start, end = tlv(data, at)
    while start < end:
        yield start
        start = tlv(data, start)[1]


def name_and_key(der):
    """Contents of the subject, and the SubjectPublicKeyInfo. All three are of version 3."""
    fields = list(children(der, next(children(der, 0))))
    start, end = tlv(der, fields[5])
    return der[start:end], der[fields[6] : tlv(der, fields[6])[1]]


def main():
    """Writes both files."""
    folder = pathlib.Path(sys.argv[1])
    out, lines = b"", []
    for name, (file, sha1, sha256) in ROOTS.items():
        der = (folder / file).read_bytes()
        assert hashlib.sha1(der).hexdigest() == sha1, name
        assert hashlib.sha256(der).hexdigest() == sha256, name
        subject, key = name_and_key(der)
        # The same form as roots.bin: no day from which on it is not trusted.
        out += struct.pack(">HHq", len(subject), len(key), 2**63 - 1) + subject + key
        lines.append(f"{sha256} {name}\n")
    (HERE / "../../src/parse/roots_apple.bin").write_bytes(out)
    head = "# SHA-256 of the certificate, name.\n# By packaging/roots/apple.py; in src/parse/roots_apple.bin.\n"
    (HERE / "apple.txt").write_text(head + "".join(lines))
    print(len(lines), "roots,", len(out), "bytes")


if __name__ == "__main__":
    main()
