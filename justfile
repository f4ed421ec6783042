# The commands of this project, by name. `just check` is what CI runs first.

default: check

# Format, lint, test
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo test
    cargo run --quiet -- dev generate --check

# All tests
test:
    cargo test

# Rewrite golden files after looking at the difference
golden:
    INTERDICT_BLESS=1 cargo test

# Write the generated pages and schemas below docs/
generate:
    cargo run --quiet -- dev generate

# Fuzz one reader for a minute
fuzz target seconds="60":
    mkdir -p fuzz/corpus/{{target}} fuzz/seeds/{{target}}
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{target}} fuzz/corpus/{{target}} fuzz/seeds/{{target}} -- -max_total_time={{seconds}}

# Bounds of the engine and of loading rules: time on one core, memory of the index
bounds:
    cargo bench --bench engine -- --check

# Speed against cat, a peer in Perl and a peer in Go, on this host
bench:
    benches/peers.py

# Everything CI does
ci:
    bash .ci/run
