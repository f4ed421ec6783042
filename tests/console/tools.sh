#!/usr/bin/env bash
# Brings what tests/console.rs looks at pages with (axe-core) and who signs people in there (oidc-provider), of fixed versions, into
# target/console. Ends with 77 (skipped), and says why, where it cannot be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}/console
command -v npm >/dev/null || { echo "skipped: no npm (Debian package npm)" >&2; exit 77; }
cmp -s "$here/package-lock.json" "$target/done" && exit 0
mkdir -p "$target"
cp "$here/package.json" "$here/package-lock.json" "$target"
npm ci --prefix "$target" --silent --ignore-scripts --no-audit --no-fund
cp "$here/package-lock.json" "$target/done"
