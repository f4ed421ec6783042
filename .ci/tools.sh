#!/usr/bin/env bash
# Installs what the tests and benches use beyond Rust. Needs Debian and root for packages; else says what is missing.
set -euo pipefail

packages=(postgresql pgbouncer cron systemd rpm db5.3-util strace util-linux python3 python3-venv python3-aiosmtpd faketime minisign fusioninventory-agent time libhivex-bin unzip xz-utils openssl osslsigncode wine64 wine libwine wixl msitools libwin-hivex-perl chromium chromium-driver
    rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64 binutils-mingw-w64-x86-64)
# Where Node.js comes from elsewhere, Debian's npm does not fit beside it.
command -v npm >/dev/null || packages+=(npm)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        # Another apt may be at work; and a set of packages this large was once left half configured.
        install() {
            DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" >/dev/null
        }
        install "${missing[@]}" || { dpkg --configure -a && install "${missing[@]}"; }
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
