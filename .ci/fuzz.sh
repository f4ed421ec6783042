#!/usr/bin/env bash
# Builds every fuzz target, runs each for some seconds from its committed seeds: .ci/fuzz.sh build, .ci/fuzz.sh run [SECONDS]
# Without an address sanitizer: what is fuzzed is safe Rust, where a fault is a panic, and so each target runs twice as often.
# The compiler takes the flags of coverage as an unstable one; RUSTC_BOOTSTRAP lets the stable one take them.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTC_BOOTSTRAP=1 SECONDS_EACH=${2:-3}

if [ "$1" = build ]; then
    cargo fuzz build --sanitizer none
    exit
fi

replay() {
    local target=$1 log
    mkdir -p "fuzz/corpus/$target" "fuzz/seeds/$target"
    log=$(mktemp)
    if ! cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
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
