#!/usr/bin/env bash
# Builds interdict.exe on Debian 12, from a bare one on: packaging/windows/build.sh [--check]
#
# For Windows 7, Server 2008 R2 and later, 64 bits: std is built for x86_64-win7-windows-gnu, which Debian ships as source
# only. The program needs no DLL but the system's. --check builds nothing: it lints what is for Windows only.
# Ends with 77 where a tool is missing and may not be installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

triple=x86_64-win7-windows-gnu
out=target/windows
packages=(rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64 binutils-mingw-w64-x86-64)

. packaging/debian.sh
need "${packages[@]}"

# The compiler with native threads: the other one wants libwinpthread.
gcc=$(command -v x86_64-w64-mingw32-gcc-win32 || command -v x86_64-w64-mingw32-gcc)
export CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_LINKER=$gcc CC_x86_64_win7_windows_gnu=$gcc
export AR_x86_64_win7_windows_gnu=x86_64-w64-mingw32-ar
# crt-static: the unwinder is part of the program (a source that panics must not take the scan down, so panics unwind).
# windows_slim_errors: fewer imports of the windows crates. Paths of this machine are not in the program.
RUSTFLAGS="--cfg windows_slim_errors -Ctarget-feature=+crt-static"
RUSTFLAGS+=" --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
[ -z "${CI:-}" ] || RUSTFLAGS+=" -Dwarnings"
export RUSTFLAGS
# The endpoint's program has no part of the collector in it.
debian=(--locked --no-default-features -Zbuild-std=std,panic_unwind --target "$triple" --target-dir "$out" --bin interdict)

if [ "${1:-}" = --check ]; then
    need rust-web-clippy
    # What the project denies is denied here too; lints of taste differ between versions of clippy, and only warn.
    debian_cargo clippy "${debian[@]}"
    echo "interdict.exe would compile ($SECONDS s)"
    exit
fi

# The version, as Windows shows it: 1.2.3 is 1,2,3,0.
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
mkdir -p "$out"
printf '#define VERSION_TEXT "%s"\n#define VERSION_NUMBER %s,0\n' "$version" "$(tr . , <<<"${version%%-*}")" >"$out/version.h"
x86_64-w64-mingw32-windres --include-dir "$out" --include-dir packaging/windows packaging/windows/interdict.rc "$out/new.o"
# Its name changes with what is in it: so Cargo sees when to link anew.
resource=$PWD/$out/resource-$(sha256sum <"$out/new.o" | cut -c 1-16).o
mv "$out/new.o" "$resource"

# No time stamp: the same sources make the same bytes. 6.1 is Windows 7: an older one says so instead of failing.
debian_cargo rustc --release "${debian[@]}" -- \
    -Clink-arg="$resource" -Clink-arg=-Wl,--no-insert-timestamp,--major-subsystem-version,6,--minor-subsystem-version,1
exe=$out/$triple/release/interdict.exe
touch "$exe" # It is of these sources, though Cargo may have found that what changed is not in it.
echo "$exe: $(stat -c %s "$exe") bytes ($SECONDS s)"
