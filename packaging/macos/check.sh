#!/usr/bin/env bash
# Whether interdict compiles for macOS, on Debian 12: packaging/macos/check.sh [--collector]
#
# The endpoint's program, which is packaged for it; --collector: the collector too.
# Types and cfgs only: std is checked from Debian's source, C code of dependencies is not compiled (no compiler for Apple
# is at hand), nothing is linked or run. Ends with 77 where a tool is missing and may not be installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

. packaging/debian.sh
need rustc-web cargo-web rust-web-src gcc

export CC_aarch64_apple_darwin=$PWD/packaging/macos/cc AR_aarch64_apple_darwin=$PWD/packaging/macos/ar
[ -z "${CI:-}" ] || export RUSTFLAGS=-Dwarnings
features=(--no-default-features)
[ "${1:-}" != --collector ] || features=()
debian_cargo check --locked "${features[@]}" -Zbuild-std=std,panic_unwind --target aarch64-apple-darwin --target-dir target/macos
echo "interdict would compile for macOS ($SECONDS s)"
