#!/usr/bin/env bash
# Builds the programs of the Linux packages: packaging/linux/build.sh [interdict] [interdict-collector] [interdict-loadgen]    (the
# first two without)
#
# They run on every x86_64 system with glibc 2.17 or later (RHEL 7, Ubuntu 14.04): zig links them against that version's symbols,
# whatever glibc this machine has. The endpoint's program has no part of the collector in it. Writes target/linux/PROGRAM.
# Ends with 77 where a tool is missing and cannot be had.
set -euo pipefail
cd "$(dirname "$0")/../.."

glibc=2.17
triple=x86_64-unknown-linux-gnu
packages=(ziglang==0.17.1 cargo-zigbuild==0.24.0)

tools=$PWD/target/zig
mkdir -p target/linux
# Two of these may run beside each other, for different programs.
exec 9>target/zig.lock
flock 9
if [ "$(cat "$tools/packages" 2>/dev/null)" != "${packages[*]}" ]; then
    rm -rf "$tools"
    if ! { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet "${packages[@]}"; }; then
        echo "cannot install ${packages[*]} from PyPI into $tools" >&2
        exit 77
    fi
    echo "${packages[*]}" >"$tools/packages"
fi
flock -u 9

# Paths of this machine are not in the program: the same sources make the same bytes, wherever they lie.
RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
[ -z "${CI:-}" ] || RUSTFLAGS+=" -Dwarnings"
export RUSTFLAGS

build() {
    local program=$1 profile=server features=collector newest
    [ "$program" != interdict ] || profile=release features=''
    PATH="$tools/bin:$PATH" cargo zigbuild --profile "$profile" --locked --quiet --no-default-features --features "$features" \
        --target "$triple.$glibc" --bin "$program"
    install -m 755 "${CARGO_TARGET_DIR:-target}/$triple/$profile/$program" "target/linux/$program"
    newest=$(objdump -T "target/linux/$program" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
    if [ "$(printf '%s\n' "GLIBC_$glibc" "$newest" | sort -V | tail -n 1)" != "GLIBC_$glibc" ]; then
        echo "$program asks for $newest: it would not start where glibc is $glibc" >&2
        exit 1
    fi
    echo "target/linux/$program: $(stat -c %s "target/linux/$program") bytes, newest symbol $newest ($SECONDS s)"
}

[ $# -gt 0 ] || set -- interdict interdict-collector
for program in "$@"; do
    build "$program"
done
