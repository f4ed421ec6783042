#!/usr/bin/env bash
# Installs what the tests and benches use beyond Rust. Needs Debian and root for packages; else says what is missing.
set -euo pipefail

packages=(rpm db5.3-util strace util-linux python3 python3-venv minisign fusioninventory-agent time)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    else
        echo "missing, and not root on Debian: ${missing[*]}; tests that need them will say that they are skipped"
    fi
fi

# The baseline test reads the names of a whole release from apt.
if command -v apt-cache >/dev/null && [ "$(apt-cache pkgnames | wc -l)" -lt 20000 ]; then
    if [ "$(id -u)" = 0 ]; then apt-get update -qq; else echo "apt knows few packages; run apt-get update"; fi
fi

for tool in cargo-deny cargo-fuzz; do
    command -v "$tool" >/dev/null || cargo install --locked --quiet "$tool"
done
