#!/usr/bin/env bash
# Builds the program of the Linux packages: packaging/linux/build.sh
#
# It runs on every x86_64 system with glibc 2.17 or later (RHEL 7, Ubuntu 14.04): zig links it against that version's symbols,
# whatever glibc this machine has. Writes target/linux/interdict. Ends with 77 where a tool is missing and cannot be had.
set -euo pipefail
cd "$(dirname "$0")/../.."

glibc=2.17
triple=x86_64-unknown-linux-gnu
packages=(ziglang==0.17.1 cargo-zigbuild==0.24.0)

tools=$PWD/target/zig
if [ "$(cat "$tools/packages" 2>/dev/null)" != "${packages[*]}" ]; then
    rm -rf "$tools"
    if ! { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet "${packages[@]}"; }; then
        echo "cannot install ${packages[*]} from PyPI into $tools" >&2
        exit 77
    fi
    echo "${packages[*]}" >"$tools/packages"
fi

# Paths of this machine are not in the program: the same sources make the same bytes, wherever they lie.
RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
[ -z "${CI:-}" ] || RUSTFLAGS+=" -Dwarnings"
export RUSTFLAGS
PATH="$tools/bin:$PATH" cargo zigbuild --release --locked --quiet --target "$triple.$glibc" --bin interdict

mkdir -p target/linux
install -m 755 "${CARGO_TARGET_DIR:-target}/$triple/release/interdict" target/linux/interdict
newest=$(objdump -T target/linux/interdict | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
if [ "$(printf '%s\n' "GLIBC_$glibc" "$newest" | sort -V | tail -n 1)" != "GLIBC_$glibc" ]; then
    echo "the program asks for $newest: it would not start where glibc is $glibc" >&2
    exit 1
fi
echo "target/linux/interdict: $(stat -c %s target/linux/interdict) bytes, newest symbol $newest ($SECONDS s)"
