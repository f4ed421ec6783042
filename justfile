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

# Golden files of every format, read back by the readers of their ecosystems
formats:
    tests/formats/validate.sh

# Bounds of the engine, of loading rules, and of every format: time on one core, memory
bounds:
    cargo bench --bench engine -- --check
    cargo bench --bench formats -- --check

# Speed against cat, a peer in Perl and a peer in Go, on this host
bench:
    benches/peers.py

# A hundred thousand hosts against a collector on this machine: writes docs/scale.md and makes the console's pictures; half an hour
scale hosts="100000":
    benches/scale.py --hosts {{hosts}} --seconds 60 --page docs/scale.md --pictures docs/images/console

# Debian package; the program for it is built where it is missing (packaging/linux/build.sh)
package-deb:
    packaging/linux/package.sh deb

# RPM package
package-rpm:
    packaging/linux/package.sh rpm

# Debian package of the collector
package-collector-deb:
    packaging/linux/package.sh collector-deb

# RPM package of the collector
package-collector-rpm:
    packaging/linux/package.sh collector-rpm

# Archive for Linux
package-tar:
    packaging/linux/package.sh tar

# Package for Windows Installer
package-msi:
    packaging/windows/package.sh msi

# Archive for Windows
package-zip:
    packaging/windows/package.sh zip

# Package for macOS; on a Mac only
package-pkg:
    packaging/macos/package.sh

# All packages that can be made on Debian, from programs built anew
package-all:
    packaging/linux/build.sh
    packaging/windows/build.sh
    packaging/linux/package.sh
    packaging/windows/package.sh

# Everything CI does
ci:
    bash .ci/run
