#!/usr/bin/env bash
# Builds every fuzz target and runs each for some seconds from its committed seeds: .ci/fuzz.sh [SECONDS]
# The sanitizers need an unstable flag of the compiler; RUSTC_BOOTSTRAP lets the stable one take it.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTC_BOOTSTRAP=1 SECONDS_EACH=${1:-3}

cargo fuzz build >/dev/null 2>&1 || cargo fuzz build

replay() {
    local target=$1 log
    mkdir -p "fuzz/corpus/$target" "fuzz/seeds/$target"
    log=$(mktemp)
    if ! cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="$SECONDS_EACH" -rss_limit_mb=2048 -timeout=10 >"$log" 2>&1; then
        tail -n 40 "$log"
        echo "fuzz target $target found a fault"
        return 255 # xargs begins no other
    fi
    printf '%-16s %s\n' "$target" "$(grep -o 'Done [0-9]* runs' "$log" || echo 'ran')"
    rm -f "$log"
}
export -f replay
cargo fuzz list | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'replay {}'
